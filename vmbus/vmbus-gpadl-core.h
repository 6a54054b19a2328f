/*
 * VMBus: lists of guest pages (GPADL), assembled from messages
 *
 * Pure: no guest memory, no I/O.  All calls for one table are serialized by the
 * caller (the bridge: BQL).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_GPADL_CORE_H
#define VMBUS_GPADL_CORE_H

#include "qemu/osdep.h"
#include "vmbus-defs.h"

/* of one GPADL: 128 MiB */
#define HVBUS_GPADL_MAX_PAGES           (1u << 15)
/* of all GPADLs of a server: 4 GiB of guest memory, 8 MiB of ours */
#define HVBUS_GPADL_MAX_TOTAL_PAGES     (1u << 20)
#define HVBUS_GPADL_MAX_COUNT           16384

typedef struct HvbusGpadlTable HvbusGpadlTable;

typedef struct HvbusGpadl {
    HvbusGpadlTable *table;
    uint32_t relid;
    uint32_t id;                /* unique with the relid */
    uint32_t byte_count;
    uint32_t byte_offset;       /* in the first page */
    uint32_t page_count;
    uint32_t pages_have;        /* complete when equal to page_count */
    uint64_t *pfns;
    uint32_t refs;              /* users; each holds back the torn-down answer */
    bool torn_down;             /* guest asked for the end; waits for refs == 0 */
    bool orphaned;              /* in no table; freed with the last ref */
} HvbusGpadl;

struct HvbusGpadlTable {
    GHashTable *all;            /* relid << 32 | id -> HvbusGpadl */
    GHashTable *partial;        /* id -> HvbusGpadl that lacks pages */
    uint64_t total_pages;       /* of those in @all */
    void *opaque;               /* the caller's */
};

typedef enum HvbusGpadlResult {
    HVBUS_GPADL_MORE,           /* body messages must follow */
    HVBUS_GPADL_DONE,           /* all pages are known */
    HVBUS_GPADL_FAILED,         /* answer with a failure; it does not exist */
    HVBUS_GPADL_UNKNOWN,        /* body for no GPADL: there is nobody to tell */
} HvbusGpadlResult;

void hvbus_gpadl_table_init(HvbusGpadlTable *t, void *opaque);
/* Frees what has no users; the rest is freed by its last unref */
void hvbus_gpadl_table_destroy(HvbusGpadlTable *t);

/*
 * A checked-for-size GPADL_HEADER; @ranges are its @bytes from byte_count on.
 * The byte count tells the number of pages; @range_bytes has to agree in the 16
 * bits that it is wide: from 8191 pages on it wraps (Linux create_gpadl_header()).
 */
HvbusGpadlResult hvbus_gpadl_begin(HvbusGpadlTable *t, uint32_t relid,
                                   uint32_t id, uint16_t range_bytes,
                                   uint16_t range_count,
                                   const uint8_t *ranges, uint32_t bytes);
/* Page numbers of a GPADL_BODY; @relid is set unless UNKNOWN is returned */
HvbusGpadlResult hvbus_gpadl_append(HvbusGpadlTable *t, uint32_t id,
                                    const uint8_t *pfns, uint32_t bytes,
                                    uint32_t *relid);
/*
 * Put back a GPADL from a migration stream: @pages_have of @page_count page
 * numbers are in @pfns.  NULL if it breaks the rules of hvbus_gpadl_begin().
 */
HvbusGpadl *hvbus_gpadl_restore(HvbusGpadlTable *t, uint32_t relid, uint32_t id,
                                uint32_t byte_count, uint32_t byte_offset,
                                uint32_t page_count, const uint64_t *pfns,
                                uint32_t pages_have);

/* Complete or not; NULL if there is none */
HvbusGpadl *hvbus_gpadl_find(HvbusGpadlTable *t, uint32_t relid, uint32_t id);
static inline bool hvbus_gpadl_is_complete(const HvbusGpadl *g)
{
    return g->pages_have == g->page_count;
}

/* Take @g, or all of @relid, or all, out of the table */
void hvbus_gpadl_remove(HvbusGpadl *g);
void hvbus_gpadl_remove_relid(HvbusGpadlTable *t, uint32_t relid);
void hvbus_gpadl_remove_all(HvbusGpadlTable *t);

void hvbus_gpadl_ref(HvbusGpadl *g);
/* True if @g is torn down by the guest and this was its last user */
bool hvbus_gpadl_unref(HvbusGpadl *g);

/*
 * The piece of guest memory at @offset of @g: its address, and in @bytes how
 * much of the wanted @bytes is contiguous there.  @offset < byte_count.
 */
uint64_t hvbus_gpadl_translate(const HvbusGpadl *g, uint32_t offset,
                               uint32_t *bytes);

#endif /* VMBUS_GPADL_CORE_H */
