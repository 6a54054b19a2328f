/*
 * GDMA rings, work queue entries and DMA regions: arithmetic on snapshots
 *
 * No I/O and no QEMU objects.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef GDMA_CORE_H
#define GDMA_CORE_H

#include "gdma-defs.h"

/* No driver makes queues larger; a power of two */
#define GDMA_MAX_QUEUE_BYTES            (16u << 20)

/* A power of two, from one page up */
bool gdma_queue_bytes_ok(uint32_t bytes);

/*
 * The ring of an EQ or CQ.  The adapter never reads back what it wrote, and
 * does not know how far the driver is but for the tails of doorbells.
 */
typedef struct GdmaRing {
    uint32_t entries_log2;
    uint32_t tail;                      /* next entry, modulo eight laps */
    bool armed;
} GdmaRing;

/* False if @bytes is no size for a queue */
bool gdma_ring_init(GdmaRing *r, uint32_t bytes, uint32_t entry_bytes);
/* The same checks on a ring that came with a migration stream */
bool gdma_ring_valid(const GdmaRing *r, uint32_t bytes, uint32_t entry_bytes);

static inline uint32_t gdma_ring_entries(const GdmaRing *r)
{
    return 1u << r->entries_log2;
}

/* Where the next entry goes */
static inline uint32_t gdma_ring_slot(const GdmaRing *r)
{
    return r->tail & (gdma_ring_entries(r) - 1);
}

/* Owner bits of the next entry */
static inline uint32_t gdma_ring_owner(const GdmaRing *r)
{
    return (r->tail >> r->entries_log2) & GDMA_OWNER_MASK;
}

/* An entry was written */
static inline void gdma_ring_advance(GdmaRing *r)
{
    r->tail = (r->tail + 1) &
              ((gdma_ring_entries(r) << GDMA_OWNER_BITS) - 1);
}

/*
 * The driver's doorbell.  True if it is to be notified at once, as it armed
 * the ring with entries in it that it has not seen.
 */
bool gdma_ring_doorbell(GdmaRing *r, uint32_t tail, bool arm);

/* The ring of an SQ or RQ; head and tail count bytes modulo 2^32 */
typedef struct GdmaWqRing {
    uint32_t bytes;                     /* a power of two */
    uint32_t head;                      /* consumed by the adapter */
    uint32_t tail;                      /* posted by the driver */
} GdmaWqRing;

bool gdma_wq_init(GdmaWqRing *w, uint32_t bytes);
bool gdma_wq_valid(const GdmaWqRing *w);

static inline uint32_t gdma_wq_posted_bytes(const GdmaWqRing *w)
{
    return w->tail - w->head;
}

/* False, and nothing changes, if @tail is unaligned or claims too much */
bool gdma_wq_doorbell(GdmaWqRing *w, uint32_t tail);

typedef struct GdmaSge {
    uint64_t address;
    uint32_t mem_key;
    uint32_t bytes;
} GdmaSge;

/* A work queue entry in host order */
typedef struct GdmaWqe {
    uint32_t bytes;                     /* in the ring */
    uint32_t total_bytes;               /* sum over the SGEs, below 2^31 */
    uint16_t client_data_unit;          /* MSS of a TX entry */
    uint8_t oob_bytes;
    uint8_t sge_count;
    bool oob_in_sgl;                    /* LSO in a TX entry */
    uint8_t oob[GDMA_MAX_OOB_BYTES];    /* zero past oob_bytes */
    GdmaSge sges[GDMA_MAX_SGES];
} GdmaWqe;

/*
 * Bytes that the entry with this header takes in its ring, 0 if the header is
 * malformed or asks for more than @max_bytes.
 */
uint32_t gdma_wqe_bytes(const GdmaWqeHeaderWire *hdr, uint32_t max_bytes);

/*
 * Parse the entry at @buf, of which @have_bytes are there and posted; at most
 * @max_bytes long.  False if it is malformed or not all there.
 */
bool gdma_wqe_parse(GdmaWqe *wqe, const uint8_t *buf, uint32_t have_bytes,
                    uint32_t max_bytes);

/* A list of pages */
typedef struct GdmaRegion {
    uint64_t bytes;
    uint32_t offset;                    /* in the first page */
    uint32_t page_shift;
    uint32_t page_count;
    uint32_t have_count;                /* of .pages; less while incomplete */
    uint64_t *pages;                    /* page_count */
} GdmaRegion;

/* Pages of one region, and of all regions of an adapter with their queues */
#define GDMA_MAX_REGION_PAGES           (1u << 18)
#define GDMA_MAX_TOTAL_PAGES            (1u << 20)

/*
 * Start a region; memory for its pages is allocated.  @r has nothing to free
 * on failure.
 */
GdmaStatus gdma_region_init(GdmaRegion *r, uint64_t bytes, uint32_t offset,
                            uint32_t page_type, uint32_t page_count);
/* Append @count little-endian addresses; MORE_ENTRIES while some are missing */
GdmaStatus gdma_region_add(GdmaRegion *r, const void *pages, uint32_t count);
void gdma_region_free(GdmaRegion *r);
/* The checks of init and add on a region from a migration stream */
bool gdma_region_valid(const GdmaRegion *r);

static inline bool gdma_region_is_complete(const GdmaRegion *r)
{
    return r->have_count == r->page_count;
}

/*
 * Address of byte @at of a complete region; *@bytes gets how many, @want at
 * most, follow at consecutive addresses.  @at + @want is not past r->bytes.
 */
uint64_t gdma_region_address(const GdmaRegion *r, uint64_t at, uint64_t want,
                             uint64_t *bytes);

/* ESTABLISH_HWC in the shared-memory channel: addresses of the four pages */
typedef struct GdmaShmEstablish {
    uint64_t eq_gpa;
    uint64_t cq_gpa;
    uint64_t rq_gpa;
    uint64_t sq_gpa;
    uint16_t msix;
} GdmaShmEstablish;

void gdma_shm_parse_establish(GdmaShmEstablish *est,
                              const uint32_t *dwords);

#endif /* GDMA_CORE_H */
