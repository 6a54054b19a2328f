/*
 * mana: shared by gdma-*.c and mana*.c.  All of it runs with the BQL
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_INTERNAL_H
#define MANA_INTERNAL_H

#include "accel/hyperv/guest-access.h"
#include "hw/pci/pci_device.h"
#include "net/net.h"
#include "qemu/bitmap.h"
#include "qemu/log.h"
#include "qemu/timer.h"
#include "gdma-core.h"
#include "mana-frame-core.h"
#include "trace.h"

#define TYPE_MANA "mana"
OBJECT_DECLARE_SIMPLE_TYPE(Mana, MANA)

#define MANA_MAX_VPORTS                 16
#define MANA_MIN_MTU                    68
#define MANA_MAX_MTU                    9000
#define MANA_DEFAULT_INDIRECTION        128

/* IDs of queues begin here; the first of each kind is the hardware channel's */
#define GDMA_HWC_ID                     1

/* BAR 0: registers, shared memory behind them, doorbell pages */
#define MANA_BAR_BYTES                  (512 * 1024)
#define MANA_SHM_OFFSET                 GDMA_REG_BYTES
#define MANA_DB_ZONE_OFFSET             GDMA_PAGE_SIZE
#define MANA_DB_PAGE_COUNT              (MANA_BAR_BYTES / GDMA_PAGE_SIZE - 1)
/* Page 0 is the hardware channel's, 1 the Ethernet device's */
#define MANA_DB_PAGE_ETH                1
#define MANA_DB_PAGE_FIRST_FREE         2

#define MANA_HWC_PDID                   0
#define MANA_ETH_PDID                   1
#define MANA_GPA_MKEY                   1
#define MANA_HWC_TIMEOUT_MS             30000

/* DMA regions that no queue has consumed yet */
#define GDMA_MAX_REGIONS                4096
/* Entries read ahead from an RQ */
#define GDMA_RQ_AHEAD_BYTES             1024
/* TX packets of one run of the bottom half */
#define MANA_TX_BATCH                   256
/*
 * Events of large packets that were sent, and of what was sent between many that came
 * in, go along with the events of those to come, or wait so long, if the driver does
 * not ask for another moderation.  When that many entries were sent since a frame
 * came in, they wait for each other.
 */
#define MANA_TX_MOD_USEC                1000
#define MANA_TX_STREAM                  8
#define MANA_TX_STREAM_MOD_USEC         200
#define MANA_TX_MOD_COMPS               32
/* RX waits so long for a buffer, TX for the back end, before packets drop */
#define MANA_RX_PATIENCE_NS             (1 * NANOSECONDS_PER_SECOND)
#define MANA_TX_PATIENCE_NS             (5 * NANOSECONDS_PER_SECOND)

typedef struct GdmaRegionEntry {
    uint64_t handle;
    GdmaRegion region;
    QTAILQ_ENTRY(GdmaRegionEntry) next;
} GdmaRegionEntry;

typedef struct GdmaEq {
    bool in_use;
    GdmaRing ring;
    GdmaRegion region;
    uint32_t msix;
} GdmaEq;

typedef struct GdmaCq {
    bool in_use;
    GdmaRing ring;
    GdmaRegion region;
    uint32_t eq_id;                     /* may be gone, or GDMA_CQ_NO_EQ */
    uint16_t mod_usec;                  /* moderation; 0: none */
    uint8_t mod_comps;
    uint32_t mod_pending;               /* completions held back */
    int64_t mod_deadline_ns;            /* virtual clock; with mod_pending */
    uint16_t wait_usec;                 /* if .mod_usec is not set */
} GdmaCq;

typedef struct GdmaWq {
    bool in_use;
    bool is_failed;                     /* a bad entry, or stalled by test */
    GdmaWqRing ring;
    GdmaRegion region;
    uint32_t cq_id;
    uint64_t handle;
    uint8_t vport;
    uint16_t idx;                       /* in the vport, by order of creation */
    /* a coalesced RX completion being filled */
    uint8_t co_count;
    uint32_t co_wqe_offset;
    uint32_t co_flags;
    uint16_t co_bytes[8];
    uint32_t co_hash[8];

    /* host only */
    bool is_starved;                    /* a packet waits for a buffer */
    bool is_impatient;                  /* drop rather than wait */
    int64_t starved_since_ns;           /* virtual clock; with is_starved */
    uint32_t ahead_pos;                 /* ring position of .ahead */
    uint32_t ahead_bytes;
    uint8_t *ahead;                     /* RQ: GDMA_RQ_AHEAD_BYTES, or NULL */
} GdmaWq;

/* A large packet whose segments were given to the driver in part */
typedef struct ManaRxCut {
    uint32_t given;                     /* segments; 0: there is none such */
    uint32_t bytes;                     /* of the packet ... */
    uint16_t mss;
    uint8_t head[MANA_SNAPSHOT_BYTES];  /* ... and its headers */
} ManaRxCut;

typedef struct ManaTxPacket ManaTxPacket;
typedef struct ManaVport ManaVport;

struct ManaVport {
    /* migrated */
    bool rx_enabled;
    bool rss_enabled;
    uint8_t coalesce;                   /* packets per CQE: 1, 4 or 8 */
    bool to_vtl0;
    uint16_t hash_types;                /* MANA_HASH_*; 0: all */
    uint32_t serial;
    uint32_t default_rq;                /* RQ ID, 0: none */
    uint32_t indir_count;
    uint32_t indir_rq[MANA_MAX_INDIRECTION];
    uint8_t hash_key[MANA_HASH_KEY_BYTES];
    uint64_t stat[MANA_STAT_COUNT];

    /* derived */
    Toeplitz toeplitz;

    /* host only */
    Mana *s;
    uint8_t idx;
    NICState *nic;                      /* NULL: that of .wire is used */
    ManaVport *wire;                    /* whose NIC it is; NULL: it is gone */
    uint16_t queue_count;               /* of the back end */
    bool has_vnet;
    bool tx_impatient;                  /* drop rather than wait */
    uint32_t *tx_waiting;               /* per subqueue: packets under way */
    uint32_t tx_run;                    /* entries sent since a frame came in */
    uint32_t rx_run;                    /* frames that came in since one was sent */
    ManaRxCut *rx_cut;                  /* per subqueue; of .wire */
    QEMUTimer *rx_timer;
    QEMUTimer *tx_timer;
};

/*
 * Doorbells as the last write left them, for one kind of queue.  vCPUs write them
 * without the BQL: all accesses are atomic
 */
typedef struct GdmaDoorbells {
    uint32_t count;
    uint32_t *value;
    uint32_t *posted;                   /* EQ, CQ: the tail, as in .value */
    unsigned long *pending;             /* bitmap of .value */
    unsigned long *wanted;              /* bitmap, gdma_rq_want(), gdma_sq_want() */
} GdmaDoorbells;

/* Errors that a test has asked for */
typedef struct ManaInject {
    uint32_t hwc_timeouts;              /* requests to leave unanswered */
    uint32_t drop_doorbells;
    uint32_t late_interrupts;
    uint32_t late_ms;
    uint16_t flapping;                  /* vports whose link is down so */
} ManaInject;

struct Mana {
    PCIDevice parent_obj;

    /* properties */
    NICConf conf[MANA_MAX_VPORTS];
    char *pf_id;                        /* function whose wires these are */
    uint32_t num_queues;                /* pairs per vport */
    uint32_t vectors;
    uint32_t mtu;
    uint32_t indirection;
    uint32_t speed_mbps;

    /* migrated */
    uint32_t shm[GDMA_SHM_DWORDS];
    bool hwc_up;
    bool eth_registered;
    uint64_t drv_caps;                  /* GDMA_DRV_CAP_* */
    uint64_t next_handle;
    bool link_was_up;                   /* as the driver was told */
    uint32_t vport_count;
    uint32_t eq_count;                  /* lengths of the tables below */
    uint32_t cq_count;
    uint32_t wq_count;
    GdmaEq *eqs;
    GdmaCq *cqs;
    GdmaWq *sqs;
    GdmaWq *rqs;
    ManaVport *vports;
    QTAILQ_HEAD(, GdmaRegionEntry) regions;
    int32_t db_page_count;              /* MANA_DB_PAGE_COUNT */
    unsigned long *db_pages;            /* bitmap: in use */

    /* derived */
    uint32_t region_count;
    uint64_t total_pages;

    /* host only */
    Mana *pf;                           /* what .pf_id names, or NULL */
    Mana *vf;                           /* the other way round */
    AddressSpace *as;
    MemoryRegion bar;
    MemoryRegion regs;
    MemoryRegion doorbells;
    bool is_running;                    /* in mana_run() */
    bool work_queued;                   /* atomic; mana_work() is to come */
    GdmaDoorbells db_sq;
    GdmaDoorbells db_rq;
    GdmaDoorbells db_cq;
    GdmaDoorbells db_eq;
    QEMUBH *bh;
    QEMUTimer *mod_timer;
    QEMUTimer *late_timer;
    QEMUTimer *flap_timer;
    unsigned long *sq_active;           /* SQs with entries to process */
    unsigned long *cq_held;             /* CQs with mod_pending */
    unsigned long *rq_open;             /* RQs with a coalesced CQE */
    unsigned long *late_vectors;
    VMChangeStateEntry *vm_state_entry;
    bool is_stopped;                    /* the VM */
    bool is_loading;                    /* a stream; its state is unchecked */
    bool rx_resume;                     /* packets may wait in the net layer */
    uint32_t tx_next;                   /* SQ whose turn is next */
    ManaTxPacket *tx;                   /* work space */
    uint8_t *rx_cut_buf;                /* work space of NET_BUFSIZE, or NULL */
    ManaInject inject;
    uint8_t hwc_req[GDMA_HWC_MAX_MESSAGE_BYTES] QEMU_ALIGNED(8);
    uint8_t hwc_resp[GDMA_HWC_MAX_MESSAGE_BYTES] QEMU_ALIGNED(8);
};

#define mana_guest_error(s, fmt, ...)                                       \
    do {                                                                    \
        trace_mana_guest_error(DEVICE(s)->id ? : "", __func__, __LINE__);   \
        qemu_log_mask(LOG_GUEST_ERROR, "mana: %s: " fmt "\n", __func__,     \
                      ## __VA_ARGS__);                                      \
    } while (0)

/* gdma-queue.c: queues in guest memory */
void gdma_queues_init(Mana *s);
void gdma_queues_free(Mana *s);
/*
 * Create a queue and take @region over, which stays with the caller on
 * failure.  The ID, or 0 if there is no room or the size is bad.
 */
uint32_t gdma_eq_create(Mana *s, uint32_t bytes, GdmaRegion *region,
                        uint32_t msix);
uint32_t gdma_cq_create(Mana *s, uint32_t bytes, GdmaRegion *region,
                        uint32_t eq_id);
uint32_t gdma_wq_create(Mana *s, bool is_sq, uint32_t bytes,
                        GdmaRegion *region, uint32_t cq_id);
void gdma_eq_destroy(Mana *s, uint32_t id);
void gdma_cq_destroy(Mana *s, uint32_t id);
void gdma_wq_destroy(Mana *s, bool is_sq, uint32_t id);
/* The queue, or NULL */
GdmaEq *gdma_eq_get(Mana *s, uint32_t id);
GdmaCq *gdma_cq_get(Mana *s, uint32_t id);
GdmaWq *gdma_wq_get(Mana *s, bool is_sq, uint32_t id);
void gdma_post_eqe(Mana *s, uint32_t eq_id, GdmaEqeType type,
                   uint32_t detail);
/* Write a completion; gdma_cq_notify() after one or several of them */
void gdma_post_cqe(Mana *s, uint32_t cq_id, const void *data, size_t bytes,
                   uint32_t wq_id, bool is_sq);
void gdma_cq_notify(Mana *s, uint32_t cq_id, uint32_t count);
void gdma_cq_moderate(Mana *s, uint32_t cq_id, uint16_t usec, uint8_t comps);
/* Raise what moderation or a test holds back; @all: not only what is due */
void gdma_release_held(Mana *s, bool all);
/*
 * Fetch the entry at the head, which stays there.  False if there is none; a
 * malformed one fails the queue.
 */
bool gdma_wq_peek(Mana *s, bool is_sq, uint32_t id, GdmaWqe *wqe);
void gdma_wq_pop(GdmaWq *wq, const GdmaWqe *wqe);
/* Copy to or from the SGEs, @at bytes into them; false if that is not memory */
bool gdma_sges_read(Mana *s, const GdmaWqe *wqe, uint32_t at, void *buf,
                    uint32_t bytes);
bool gdma_sges_write(Mana *s, const GdmaWqe *wqe, uint32_t at,
                     const void *buf, uint32_t bytes);
void gdma_raise(Mana *s, uint32_t vector);

/* gdma-doorbell.c */
void gdma_doorbells_init(Mana *s);
/* To be called when no vCPU can reach the region any more */
void gdma_doorbells_free(Mana *s);
void gdma_doorbells_map(Mana *s);
/* Apply doorbells written since the last time */
void gdma_take_doorbells(Mana *s);
/*
 * Apply the doorbell of one queue; after an entry was posted and before
 * .ring.armed is looked at.  True: the driver waits for entries that are there.
 */
bool gdma_eq_catch_up(Mana *s, uint32_t id);
bool gdma_cq_catch_up(Mana *s, uint32_t id);
/* Apply that of an RQ with too few entries; the next one wakes the bottom half */
void gdma_rq_want(Mana *s, uint32_t id);
/* Whether the vCPU that rings for an SQ is to do the work, not the main loop */
void gdma_sq_want(Mana *s, uint32_t id, bool is_wanted);
/* Forget what a queue that is gone was told; @posted as below */
void gdma_doorbell_forget(GdmaDoorbells *db, uint32_t id, uint32_t posted);
/* The tail of an EQ or CQ has moved to @posted */
void gdma_doorbell_posted(GdmaDoorbells *db, uint32_t id, uint32_t posted);
/* Run the bottom half: doorbells, hardware channel, TX, RX */
void mana_kick(Mana *s);

/* gdma-hwc.c: shared-memory channel, hardware channel, GDMA requests */
void gdma_shm_write(Mana *s, uint32_t dword, uint32_t val);
void gdma_hwc_run(Mana *s);
/* End the hardware channel and with it all queues and regions, good or not */
void gdma_hwc_destroy(Mana *s);

/* A request in the hardware channel; the message is a copy */
typedef struct GdmaRequestMsg {
    const void *msg;
    uint32_t bytes;                     /* sizeof(GdmaReqHeaderWire) or more */
    uint32_t type;
    uint16_t version;                   /* of the request */
    uint16_t resp_version;              /* that the driver takes */
    uint16_t dev_type;                  /* GDMA_DEVICE_* */
    uint32_t resp_bytes;                /* that the driver takes */
    void *resp;                         /* GDMA_HWC_MAX_MESSAGE_BYTES zeroes */
} GdmaRequestMsg;

/* The message, if it is as long as @type, or NULL */
static inline const void *gdma_body_of(const GdmaRequestMsg *req, size_t bytes)
{
    return req->bytes >= bytes ? req->msg : NULL;
}
#define gdma_body(req, type)    gdma_body_of(req, sizeof(type))

/* gdma-resource.c: requests about devices, queues and memory */
GdmaStatus gdma_request(Mana *s, GdmaRequestMsg *req);
/* Take the complete region @handle, of @bytes or more, out of the table */
bool gdma_region_take(Mana *s, uint64_t handle, uint32_t bytes,
                      GdmaRegion *region);
/* Take back what gdma_region_take() gave, under the same handle */
void gdma_region_put_back(Mana *s, uint64_t handle, GdmaRegion *region);
void gdma_regions_free(Mana *s);

/* mana-vport.c */
GdmaStatus mana_request(Mana *s, GdmaRequestMsg *req);
void mana_vport_reset(ManaVport *vp);
/* Tell the driver, if it listens, when the link of all vports has changed */
void mana_link_update(Mana *s);

/* mana-net.c */
bool mana_net_init(ManaVport *vp, Error **errp);
/* Take the links that are up down for a while */
void mana_link_flap(Mana *s, uint32_t ms);
void mana_link_unflap(void *opaque);
void mana_net_free(ManaVport *vp);
bool mana_net_link(const ManaVport *vp);

/* mana-tx.c */
/* True if there is more to do */
bool mana_tx_run(Mana *s);
/* Process all that is posted */
void mana_tx_wake(Mana *s);

/* mana-rx.c */
ssize_t mana_receive(NetClientState *nc, const struct iovec *iov, int iovcnt);
void mana_rx_fence(Mana *s, uint32_t rq_id);
/* Show the driver the coalesced completions that are being filled */
void mana_rx_flush_all(Mana *s);
/* Let the net layer send what had to wait */
void mana_rx_resume(ManaVport *vp);
/* Some RQ may have been without buffers for too long: a vport's timer */
void mana_rx_timeout(void *opaque);

extern const VMStateDescription vmstate_mana;

#endif /* MANA_INTERNAL_H */
