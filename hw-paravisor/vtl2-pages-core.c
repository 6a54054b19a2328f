/*
 * Paravisor: which page of VTL2's memory is whose
 *
 * Next fit: drivers set up a few large areas, and then take and give back single
 * pages at the rate of their I/O.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "vtl2-pages-core.h"

void vtl2_pages_init(Vtl2Pages *p, uint32_t count)
{
    p->owner = g_new0(uint32_t, count);
    p->count = count;
    p->used_count = 0;
    p->next = 0;
}

void vtl2_pages_destroy(Vtl2Pages *p)
{
    g_clear_pointer(&p->owner, g_free);
    p->count = p->used_count = p->next = 0;
}

void vtl2_pages_reset(Vtl2Pages *p)
{
    memset(p->owner, 0, p->count * sizeof(p->owner[0]));
    p->used_count = 0;
    p->next = 0;
}

static bool vtl2_pages_in_range(const Vtl2Pages *p, uint32_t first,
                                uint32_t count)
{
    return first < p->count && count && count <= p->count - first;
}

static void vtl2_pages_take(Vtl2Pages *p, uint32_t first, uint32_t count,
                            uint32_t owner)
{
    for (uint32_t i = 0; i < count; i++) {
        p->owner[first + i] = owner;
    }
    p->used_count += count;
}

/* @count free pages in a row, of which the first is in [from, to) */
static uint32_t vtl2_pages_find(const Vtl2Pages *p, uint32_t from, uint32_t to,
                                uint32_t count)
{
    uint32_t first = from;

    while (first < to && count <= p->count - first) {
        uint32_t i = 0;

        while (i < count && !p->owner[first + i]) {
            i++;
        }
        if (i == count) {
            return first;
        }
        first += i + 1;
    }
    return VTL2_PAGES_NONE;
}

uint32_t vtl2_pages_alloc(Vtl2Pages *p, uint32_t count, uint32_t owner)
{
    uint32_t first;

    if (!count || count > p->count - p->used_count) {
        return VTL2_PAGES_NONE;
    }
    first = vtl2_pages_find(p, p->next, p->count, count);
    if (first == VTL2_PAGES_NONE) {
        first = vtl2_pages_find(p, 0, p->next, count);
    }
    if (first != VTL2_PAGES_NONE) {
        vtl2_pages_take(p, first, count, owner);
        p->next = first + count;
    }
    return first;
}

bool vtl2_pages_claim(Vtl2Pages *p, uint32_t first, uint32_t count,
                      uint32_t owner)
{
    if (!vtl2_pages_in_range(p, first, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (p->owner[first + i]) {
            return false;
        }
    }
    vtl2_pages_take(p, first, count, owner);
    return true;
}

uint32_t vtl2_pages_free(Vtl2Pages *p, uint32_t first, uint32_t count,
                         uint32_t owner)
{
    uint32_t freed = 0;

    if (!vtl2_pages_in_range(p, first, count)) {
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (p->owner[first + i] == owner) {
            p->owner[first + i] = 0;
            freed++;
        }
    }
    p->used_count -= freed;
    return freed;
}

void vtl2_pages_free_all(Vtl2Pages *p, uint32_t owner)
{
    vtl2_pages_free(p, 0, p->count, owner);
}
