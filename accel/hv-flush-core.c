/*
 * TLB flush hypercalls: ranges of the list, and what a VP has still to flush
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "hv-flush-core.h"

HvStatus hv_flush_parse_range(uint64_t element, bool extended,
                              HvFlushRange *range)
{
    uint64_t page_bytes = HV_PAGE_SIZE;
    uint64_t extra_pages;

    if (!extended) {
        extra_pages = FIELD_EX64(element, HV_GVA_RANGE, EXTRA_PAGES);
    } else {
        extra_pages = FIELD_EX64(element, HV_GVA_RANGE_EXT, EXTRA_PAGES);
        if (FIELD_EX64(element, HV_GVA_RANGE_EXT, LARGE)) {
            if (FIELD_EX64(element, HV_GVA_RANGE_EXT, RSVD)) {
                return HV_STATUS_BAD_PARAMETER;
            }
            page_bytes = FIELD_EX64(element, HV_GVA_RANGE_EXT, IS_1G)
                ? GiB : 2 * MiB;
        }
    }
    range->gva = element & ~(page_bytes - 1);
    range->bytes = (extra_pages + 1) * page_bytes;
    /* the address space ends at 2^64 */
    if (range->gva && range->bytes > -range->gva) {
        range->bytes = -range->gva;
    }
    return HV_STATUS_OK;
}

void hv_flush_clear(HvFlushWork *work)
{
    work->all = false;
    work->range_count = 0;
    work->page_count = 0;
}

static void hv_flush_add_all(HvFlushWork *work)
{
    hv_flush_clear(work);
    work->all = true;
}

void hv_flush_add(HvFlushWork *work, HvFlushRange range)
{
    uint64_t pages = range.bytes / HV_PAGE_SIZE;

    if (work->all) {
        return;
    }
    if (work->range_count == HV_FLUSH_MAX_RANGES ||
        pages > HV_FLUSH_MAX_PAGES - work->page_count) {
        hv_flush_add_all(work);
        return;
    }
    work->range[work->range_count++] = range;
    work->page_count += pages;
}

void hv_flush_merge(HvFlushWork *work, const HvFlushWork *more)
{
    if (more->all) {
        hv_flush_add_all(work);
    }
    for (uint32_t i = 0; i < more->range_count; i++) {
        hv_flush_add(work, more->range[i]);
    }
}
