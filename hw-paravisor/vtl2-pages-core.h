/*
 * Paravisor: which page of VTL2's memory is whose
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VTL2_PAGES_CORE_H
#define VTL2_PAGES_CORE_H

#include "qemu/osdep.h"

#define VTL2_PAGES_NONE         UINT32_MAX

typedef struct Vtl2Pages {
    uint32_t *owner;                    /* of each page, 0: free */
    uint32_t count;
    uint32_t used_count;
    uint32_t next;                      /* where the next search begins */
} Vtl2Pages;

void vtl2_pages_init(Vtl2Pages *p, uint32_t count);
void vtl2_pages_destroy(Vtl2Pages *p);
/* All pages are free again */
void vtl2_pages_reset(Vtl2Pages *p);

/* The first of @count free pages in a row, @owner's now; or VTL2_PAGES_NONE */
uint32_t vtl2_pages_alloc(Vtl2Pages *p, uint32_t count, uint32_t owner);
/* Take just these pages.  False, and nothing taken, if one is not free */
bool vtl2_pages_claim(Vtl2Pages *p, uint32_t first, uint32_t count,
                      uint32_t owner);
/* Those of the pages that are @owner's become free; returns how many were */
uint32_t vtl2_pages_free(Vtl2Pages *p, uint32_t first, uint32_t count,
                         uint32_t owner);
void vtl2_pages_free_all(Vtl2Pages *p, uint32_t owner);

#endif /* VTL2_PAGES_CORE_H */
