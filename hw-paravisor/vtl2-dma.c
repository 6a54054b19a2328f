/*
 * Paravisor: VTL2's memory for DMA, and guest memory as VTL2's functions see it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/ramblock.h"
#include "system/runstate.h"
#include "paravisor-internal.h"

static void vtl2_dma_describe(Paravisor *s, uint32_t first, uint32_t count,
                              Vtl2Dma *dma)
{
    dma->ptr = s->ram_ptr + (uint64_t)first * VTL2_PAGE_BYTES;
    dma->addr = VTL2_RAM_BASE + (uint64_t)first * VTL2_PAGE_BYTES;
    dma->bytes = (size_t)count * VTL2_PAGE_BYTES;
}

/* False for lengths that no memory has */
static bool vtl2_dma_pages(Paravisor *s, size_t bytes, uint32_t *count)
{
    if (!bytes || bytes > s->memory_bytes) {
        return false;
    }
    *count = DIV_ROUND_UP(bytes, VTL2_PAGE_BYTES);
    return true;
}

bool vtl2_dma_alloc(Vtl2Function *fn, size_t bytes, Vtl2Dma *dma)
{
    Paravisor *s = fn->pv;
    uint32_t first = VTL2_PAGES_NONE, count;

    if (fn->dev && vtl2_dma_pages(s, bytes, &count)) {
        first = vtl2_pages_alloc(&s->pages, count, fn->owner);
    }
    if (first == VTL2_PAGES_NONE) {
        trace_vtl2_dma_full(fn->owner, bytes, s->pages.used_count);
        *dma = (Vtl2Dma) { 0 };
        return false;
    }
    vtl2_dma_describe(s, first, count, dma);
    memset(dma->ptr, 0, dma->bytes);
    s->is_touched = true;
    trace_vtl2_dma_alloc(fn->owner, dma->addr, dma->bytes);
    return true;
}

void vtl2_dma_free(Vtl2Function *fn, Vtl2Dma *dma)
{
    Paravisor *s = fn->pv;

    if (dma->bytes) {
        trace_vtl2_dma_free(fn->owner, dma->addr, dma->bytes);
        vtl2_pages_free(&s->pages,
                        (dma->addr - VTL2_RAM_BASE) / VTL2_PAGE_BYTES,
                        dma->bytes / VTL2_PAGE_BYTES, fn->owner);
    }
    *dma = (Vtl2Dma) { 0 };
}

bool vtl2_dma_claim(Vtl2Function *fn, uint64_t addr, size_t bytes,
                    Vtl2Dma *dma)
{
    Paravisor *s = fn->pv;
    uint64_t offset = addr - VTL2_RAM_BASE;
    uint32_t count;

    *dma = (Vtl2Dma) { 0 };
    if (!fn->dev || addr < VTL2_RAM_BASE || offset >= s->memory_bytes ||
        offset % VTL2_PAGE_BYTES || !vtl2_dma_pages(s, bytes, &count) ||
        !vtl2_pages_claim(&s->pages, offset / VTL2_PAGE_BYTES, count,
                          fn->owner)) {
        trace_vtl2_dma_bad_claim(fn->owner, addr, bytes);
        return false;
    }
    vtl2_dma_describe(s, offset / VTL2_PAGE_BYTES, count, dma);
    return true;
}

/* --- host pointers --- */

static int vtl2_host_compare(gconstpointer a, gconstpointer b)
{
    const Vtl2HostRange *x = a, *y = b;

    return x->host < y->host ? -1 : x->host > y->host;
}

static const Vtl2HostRange *vtl2_host_range(Paravisor *s, unsigned i)
{
    return i < s->host_ranges->len
           ? &g_array_index(s->host_ranges, Vtl2HostRange, i) : NULL;
}

static const Vtl2HostRange *vtl2_host_find(Paravisor *s, uintptr_t host)
{
    const Vtl2HostRange *r = vtl2_host_range(s, s->last_range);
    unsigned low = 0, high = s->host_ranges->len;

    if (r && host >= r->host && host - r->host < r->bytes) {
        return r;
    }
    while (low < high) {
        unsigned mid = low + (high - low) / 2;

        r = vtl2_host_range(s, mid);
        if (host < r->host) {
            high = mid;
        } else if (host - r->host >= r->bytes) {
            low = mid + 1;
        } else {
            s->last_range = mid;
            return r;
        }
    }
    return NULL;
}

size_t vtl2_dma_map_host(Paravisor *s, const void *host, size_t bytes,
                         uint64_t *addr)
{
    const Vtl2HostRange *r = vtl2_host_find(s, (uintptr_t)host);
    uint64_t offset, got;

    if (!r) {
        return 0;
    }
    offset = (uintptr_t)host - r->host;
    *addr = r->addr + offset;
    got = r->bytes - offset;
    /* aliases cut memory into pieces that fit together */
    for (unsigned i = s->last_range + 1; got < bytes; i++) {
        const Vtl2HostRange *next = vtl2_host_range(s, i);

        if (!next || next->host != (uintptr_t)host + got ||
            next->addr != *addr + got) {
            break;
        }
        got += next->bytes;
    }
    return MIN(got, bytes);
}

static void vtl2_dma_begin(MemoryListener *listener)
{
    Paravisor *s = container_of(listener, Paravisor, listener);

    g_array_set_size(s->host_ranges, 0);
}

/* Plain memory only: no ROM, nothing that a device answers for */
static void vtl2_dma_region_add(MemoryListener *listener,
                                MemoryRegionSection *section)
{
    Paravisor *s = container_of(listener, Paravisor, listener);
    Vtl2HostRange r;

    if (!memory_region_is_ram(section->mr) || section->readonly ||
        memory_region_is_ram_device(section->mr)) {
        return;
    }
    r.host = (uintptr_t)memory_region_get_ram_ptr(section->mr) +
             section->offset_within_region;
    r.bytes = int128_get64(section->size);
    r.addr = section->offset_within_address_space;
    g_array_append_val(s->host_ranges, r);
}

static void vtl2_dma_commit(MemoryListener *listener)
{
    Paravisor *s = container_of(listener, Paravisor, listener);

    g_array_sort(s->host_ranges, vtl2_host_compare);
    s->last_range = 0;
}

/*
 * Migration asks which pages have changed.  Drivers write by pointers, which
 * leaves no trace: all that they use counts as changed, once they rest.
 */
static void vtl2_dma_log_sync(MemoryListener *listener,
                              MemoryRegionSection *section)
{
    Paravisor *s = container_of(listener, Paravisor, listener);

    if (section->mr != &s->ram || runstate_is_running() || !s->is_touched) {
        return;
    }
    s->is_touched = false;
    for (uint32_t i = 0; i < s->pages.count; i++) {
        if (s->pages.owner[i]) {
            memory_region_set_dirty(&s->ram, (hwaddr)i * VTL2_PAGE_BYTES,
                                    VTL2_PAGE_BYTES);
        }
    }
}

void vtl2_dma_listen(Paravisor *s)
{
    s->host_ranges = g_array_new(false, false, sizeof(Vtl2HostRange));
    s->listener = (MemoryListener) {
        .name = "vtl2-dma",
        .begin = vtl2_dma_begin,
        .region_add = vtl2_dma_region_add,
        .region_nop = vtl2_dma_region_add,
        .commit = vtl2_dma_commit,
        .log_sync = vtl2_dma_log_sync,
        .priority = MEMORY_LISTENER_PRIORITY_DEV_BACKEND,
    };
    memory_listener_register(&s->listener, &s->as);
}

void vtl2_dma_unlisten(Paravisor *s)
{
    memory_listener_unregister(&s->listener);
    g_array_free(s->host_ranges, true);
}
