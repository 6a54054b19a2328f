/*
 * MANA driver of VTL2: its state as a migration stream carries it
 *
 * A plain struct that the driver fills, and takes over after it has checked all
 * of it.  Memory is saved as addresses: its contents are in VTL2's RAM block.
 * What can be worked out of the rest is not here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_DRV_SAVED_CORE_H
#define MANA_DRV_SAVED_CORE_H

#include "mana-drv-core.h"

/* Packets of one queue that the adapter has not completed */
#define MANA_DRV_SAVED_TX               512
#define MANA_DRV_SAVED_INIT             (GDMA_INIT_DATA_PF_DEST_CQ_ID + 1)

/* A ring, or a piece of memory: then .addr and .bytes alone count */
typedef struct ManaDrvSavedRing {
    uint64_t addr;
    uint64_t obj;                       /* work queues of ports */
    uint32_t bytes;
    uint32_t id;
    uint32_t head;                      /* EQ, CQ: entries; else bytes written */
    uint32_t told;                      /* work queues: bytes */
} ManaDrvSavedRing;

#define MANA_DRV_SAVED_TX_RESENT        (1 << 0)

typedef struct ManaDrvSavedTx {
    uint32_t at;                        /* in .tx_pool */
    uint32_t bytes;
    uint32_t oob0;
    uint16_t transport_offset;
    uint16_t header_bytes;
    uint16_t mss;
    uint16_t flags;                     /* MANA_DRV_SAVED_TX_* */
} ManaDrvSavedTx;

#define MANA_DRV_SAVED_TX_FULL          (1 << 0)
#define MANA_DRV_SAVED_TX_ARMED         (1 << 1)
#define MANA_DRV_SAVED_RX_HELD          (1 << 2)
#define MANA_DRV_SAVED_PAIR_FLAGS       (MANA_DRV_SAVED_TX_FULL | \
                                         MANA_DRV_SAVED_TX_ARMED | \
                                         MANA_DRV_SAVED_RX_HELD)

/* A pair of queues */
typedef struct ManaDrvSavedPair {
    uint32_t flags;                     /* MANA_DRV_SAVED_* */
    ManaDrvSavedRing eq;
    ManaDrvSavedRing sq;
    ManaDrvSavedRing sq_cq;
    ManaDrvSavedRing rq;
    ManaDrvSavedRing rq_cq;
    ManaDrvSavedRing tx_pool;
    ManaDrvSavedRing rx_pool;
    uint32_t tx_count;
    ManaDrvSavedTx tx[MANA_DRV_SAVED_TX];   /* oldest first */
} ManaDrvSavedPair;

#define MANA_DRV_SAVED_RSS              (1 << 0)
#define MANA_DRV_SAVED_RX_DIRTY         (1 << 1)
#define MANA_DRV_SAVED_FILTER           (1 << 2)
#define MANA_DRV_SAVED_SHORT_FORM       (1 << 3)
#define MANA_DRV_SAVED_PORT_FLAGS       (MANA_DRV_SAVED_RSS | \
                                         MANA_DRV_SAVED_RX_DIRTY | \
                                         MANA_DRV_SAVED_FILTER | \
                                         MANA_DRV_SAVED_SHORT_FORM)

typedef struct ManaDrvSavedPort {
    uint32_t vport;
    uint32_t flags;                     /* MANA_DRV_SAVED_* */
    uint64_t handle;
    uint32_t serial;
    uint32_t max_indirection;
    uint16_t tx_offset;
    uint8_t mac[6];
    uint8_t rss_key[MANA_HASH_KEY_BYTES];
    uint8_t rss_table[MANA_DRV_RSS_ENTRIES];
    uint64_t stats[6];                  /* in the order of ManaDrvStats */
    uint32_t pair_count;
    ManaDrvSavedPair pair[MANA_DRV_MAX_QUEUES];
} ManaDrvSavedPort;
QEMU_BUILD_BUG_ON(sizeof(ManaDrvStats) != 6 * sizeof(uint64_t));

#define MANA_DRV_SAVED_BUSY             (1 << 0)
#define MANA_DRV_SAVED_LINK_DOWN        (1 << 1)
#define MANA_DRV_SAVED_FLAGS            (MANA_DRV_SAVED_BUSY | \
                                         MANA_DRV_SAVED_LINK_DOWN)

/* Large: some megabytes, most of which stay zero */
typedef struct ManaDrvSaved {
    uint32_t flags;                     /* MANA_DRV_SAVED_* */
    uint32_t resets;
    uint64_t pf_caps;
    uint32_t vector_count;
    uint32_t pdid;
    uint32_t mkey;
    uint32_t db_page;
    uint32_t max_vports;
    uint32_t max_frame_bytes;
    uint32_t max_queues;

    /* the hardware channel */
    uint32_t hwc_timeout_ms;
    uint32_t hwc_db_page;
    uint32_t hwc_init[MANA_DRV_SAVED_INIT];
    uint32_t activity_id;
    uint16_t msg_id;
    uint16_t step_port;                 /* of the request under way */
    uint32_t step;
    ManaDrvSavedRing hwc_eq;
    ManaDrvSavedRing hwc_cq;
    ManaDrvSavedRing hwc_sq;
    ManaDrvSavedRing hwc_rq;
    ManaDrvSavedRing request;
    ManaDrvSavedRing response;

    uint32_t port_count;
    ManaDrvSavedPort port[MANA_DRV_MAX_PORTS];
} ManaDrvSaved;

/*
 * Fill @s, which is all zeroes, while the driver is paused.  False: there is
 * nothing worth to be saved, for the adapter is not up, or not with all ports
 */
bool mana_drv_save(const ManaDrv *d, ManaDrvSaved *s);
/*
 * Take @s over; the memory that the driver had before is not its own any more.
 * The driver is paused then, and its filters and serial numbers are yet to
 * become what the owner wants.  Returns NULL, or what is wrong with @s: then the
 * driver is as after mana_drv_loaded().
 */
const char *mana_drv_load(ManaDrv *d, const ManaDrvSaved *s);

#endif /* MANA_DRV_SAVED_CORE_H */
