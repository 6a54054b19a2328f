/*
 * TLB flush hypercalls: ranges of the list, and what a VP has still to flush
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_FLUSH_CORE_H
#define HV_FLUSH_CORE_H

#include "hv-defs.h"

/* From here on a flush of everything costs less than page by page */
#define HV_FLUSH_MAX_RANGES             32
#define HV_FLUSH_MAX_PAGES              512

/* Elements of the list (TLFS 4.2.3 and Linux hvgdk_mini.h) */
FIELD(HV_GVA_RANGE, EXTRA_PAGES, 0, 12)
FIELD(HV_GVA_RANGE_EXT, EXTRA_PAGES, 0, 11)
FIELD(HV_GVA_RANGE_EXT, LARGE, 11, 1)
FIELD(HV_GVA_RANGE_EXT, IS_1G, 12, 1)           /* with LARGE; else 2 MiB */
FIELD(HV_GVA_RANGE_EXT, RSVD, 13, 8)            /* with LARGE */

typedef struct HvFlushRange {
    uint64_t gva;
    uint64_t bytes;
} HvFlushRange;

/* A set of ranges; too many of them become "all" */
typedef struct HvFlushWork {
    bool all;
    uint32_t range_count;
    uint32_t page_count;
    HvFlushRange range[HV_FLUSH_MAX_RANGES];
} HvFlushWork;

/* Decode @element of a list; @extended: HV_FLUSH_EXTENDED was given */
HvStatus hv_flush_parse_range(uint64_t element, bool extended,
                              HvFlushRange *range);

/* Nothing is left to flush */
void hv_flush_clear(HvFlushWork *work);
/* Also flush @range */
void hv_flush_add(HvFlushWork *work, HvFlushRange range);
/* Also flush everything in @more */
void hv_flush_merge(HvFlushWork *work, const HvFlushWork *more);

#endif /* HV_FLUSH_CORE_H */
