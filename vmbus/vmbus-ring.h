/*
 * VMBus: a channel's rings in guest memory
 *
 * One thread at a time uses a ring pair: the one that runs the channel's
 * AioContext, or one that has stopped it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_RING_H
#define VMBUS_RING_H

#include "exec/memory.h"
#include "qemu/rcu.h"
#include "vmbus-gpadl-core.h"
#include "vmbus-ring-core.h"

/* The pages of one GPADL as host memory; never changed, freed after RCU */
typedef struct HvbusRingMap {
    struct rcu_head rcu;
    uint32_t page_count;
    uint32_t run_count;
    MemoryRegionCache *runs;    /* contiguous pieces of guest memory */
    uint8_t **page_host;        /* by page: where it is */
    uint32_t *page_run;         /* by page: index into runs */
    uint32_t *run_first_page;   /* by run */
} HvbusRingMap;

/* NULL if a page is not RAM */
HvbusRingMap *hvbus_ring_map(AddressSpace *as, const HvbusGpadl *g);
void hvbus_ring_unmap(HvbusRingMap *map);

typedef struct HvbusRing {
    HvbusRingMap *map;          /* shared with the other ring; not owned */
    uint32_t first_page;        /* header; the data follows */
    uint32_t data_bytes;
    uint32_t idx;               /* ours: read index in, write index out */
    uint32_t shown_idx;         /* what the guest knows of idx */
    uint32_t peer_idx;          /* last checked value of the guest's index */
    bool asked;                 /* pending_send_bytes is set */
} HvbusRing;

void hvbus_ring_init(HvbusRing *r, HvbusRingMap *map, uint32_t first_page,
                     uint32_t page_count);
/*
 * Take over the indexes that the guest set up and announce pending_send_bytes.
 * False: they are out of range.
 */
bool hvbus_ring_start_in(HvbusRing *r);
bool hvbus_ring_start_out(HvbusRing *r);

/* The header as it is now, for the monitor */
void hvbus_ring_header(const HvbusRing *r, HvbusRingHeaderWire *wire);

/* Is there nothing in it?  Takes the indexes as they are, good or not */
bool hvbus_ring_is_empty(const HvbusRing *r);

/* Guest to host */
void hvbus_ring_set_mask(HvbusRing *r, bool masked);
/* Bytes to read, or -1 if the guest's index is out of range */
int64_t hvbus_ring_fill(HvbusRing *r);
/* Copy from @offset behind the read index */
void hvbus_ring_peek(HvbusRing *r, uint32_t offset, void *buf, uint32_t bytes);
void hvbus_ring_consume(HvbusRing *r, uint32_t bytes);
/* Give the space back; true if the guest waits for it and must be signalled */
bool hvbus_ring_show_read(HvbusRing *r);
/* Clear the mask and look again; as hvbus_ring_fill() */
int64_t hvbus_ring_unmask(HvbusRing *r);

/* Host to guest */
/* 1 if @bytes fit, 0 not (and the guest was asked to tell), -1 bad index */
int hvbus_ring_reserve(HvbusRing *r, uint32_t bytes, bool ask);
/* Append, within what was reserved */
void hvbus_ring_put(HvbusRing *r, const void *buf, uint32_t bytes);
/* Show what was put; true if the guest must be signalled */
bool hvbus_ring_show_write(HvbusRing *r);

#endif /* VMBUS_RING_H */
