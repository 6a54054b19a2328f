/*
 * MANA driver of VTL2: shared by mana-drv-*-core.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_DRV_STATE_CORE_H
#define MANA_DRV_STATE_CORE_H

#include "qemu/bswap.h"
#include "qemu/bitops.h"
#include "qemu/units.h"
#include "mana-drv-core.h"
#include "mana-drv-saved-core.h"

#define MANA_DRV_BAR                    0
#define MANA_DRV_HWC_VECTOR             0
#define MANA_DRV_MS                     (1000 * 1000ll)

/* The adapter's answer to a request; it can say that it needs longer */
#define MANA_DRV_HWC_TIMEOUT_MS         10000
#define MANA_DRV_MIN_HWC_TIMEOUT_MS     50
#define MANA_DRV_MAX_HWC_TIMEOUT_MS     60000
#define MANA_DRV_SHM_POLL_MS            1
/* The adapter waits 5 s for its wire: a queue that stands longer is broken */
#define MANA_DRV_TX_TIMEOUT_MS          6000
/* Resets in a row; each waits twice as long as the one before */
#define MANA_DRV_MAX_ATTEMPTS           8
#define MANA_DRV_FIRST_DELAY_MS         10

#define MANA_DRV_HWC_RING_BYTES         GDMA_PAGE_SIZE
#define MANA_DRV_EQ_BYTES               GDMA_PAGE_SIZE
#define MANA_DRV_SQ_BYTES               (16 * KiB)
#define MANA_DRV_MIN_SQE_BYTES          GDMA_WQE_BU_BYTES
#define MANA_DRV_TX_SLOTS               (MANA_DRV_SQ_BYTES / MANA_DRV_MIN_SQE_BYTES)
QEMU_BUILD_BUG_ON(MANA_DRV_TX_SLOTS > MANA_DRV_SAVED_TX);
#define MANA_DRV_TX_CQ_BYTES            (MANA_DRV_TX_SLOTS * GDMA_CQE_BYTES)
#define MANA_DRV_RX_SLOTS               256
#define MANA_DRV_RQE_BYTES              32
#define MANA_DRV_RQ_BYTES               (MANA_DRV_RX_SLOTS * MANA_DRV_RQE_BYTES)
/* a fence and the longest burst have room */
#define MANA_DRV_RX_CQ_BYTES            (2 * MANA_DRV_RX_SLOTS * GDMA_CQE_BYTES)
/* Copies of packets to send, of all queues of a port, and of one at least */
#define MANA_DRV_TX_PORT_BYTES          (2 * MiB)
#define MANA_DRV_TX_MIN_BYTES           (256 * KiB)
/* Packets begin at a multiple of this in the pool */
#define MANA_DRV_TX_ALIGN               64
/* Completions of one queue before others have their turn */
#define MANA_DRV_POLL_BUDGET            128

typedef struct ManaDrvRegs {
    uint64_t shm;                       /* offset in the BAR */
    uint64_t db_zone;
    uint32_t db_page_bytes;
    uint64_t bar_bytes;
} ManaDrvRegs;

/* An event queue */
typedef struct ManaDrvEq {
    Vtl2Dma ring;
    uint32_t id;
    uint32_t db_page;
    uint32_t head;                      /* entries taken; starts at one lap */
    unsigned int vector;
    bool is_there;
} ManaDrvEq;

typedef struct ManaDrvCq {
    Vtl2Dma ring;
    uint32_t ring_bytes;
    uint32_t id;
    uint32_t db_page;
    uint32_t head;                      /* entries taken; starts at one lap */
} ManaDrvCq;

typedef struct ManaDrvWq {
    Vtl2Dma ring;
    uint32_t ring_bytes;
    uint32_t id;
    uint32_t db_page;
    uint32_t head_bytes;                /* written; modulo 2^32 */
    uint32_t told_bytes;                /* the adapter knows of */
    uint64_t obj;
    bool is_rq;
} ManaDrvWq;

/* A packet that the adapter has, for the case that it must be sent again */
typedef struct ManaDrvTxSlot {
    uint32_t at;                        /* in the pool */
    uint32_t bytes;
    uint32_t pool_bytes;                /* that its end frees */
    uint32_t wqe_bytes;
    uint32_t oob0;                      /* flags of MANA_TX_OOB0 */
    uint32_t transport_offset;
    uint16_t header_bytes;              /* LSO */
    uint16_t mss;
    bool is_resent;
} ManaDrvTxSlot;

typedef struct ManaDrvTxq {
    ManaDrvWq wq;
    ManaDrvCq cq;
    Vtl2Dma pool;                       /* used as a ring */
    uint32_t pool_head;                 /* next byte to fill */
    uint32_t pool_used;
    uint32_t done_bytes;                /* of .wq that the adapter is through with */
    ManaDrvTxSlot *slots;               /* MANA_DRV_TX_SLOTS, a ring */
    uint32_t first;
    uint32_t count;
    bool is_full;                       /* the owner waits for .tx_ready */
    bool is_armed;
    int64_t progress_ns;                /* last completion, or first packet */
} ManaDrvTxq;

typedef struct ManaDrvRxq {
    ManaDrvWq wq;
    ManaDrvCq cq;
    Vtl2Dma pool;
    uint32_t stride;
    uint32_t first;                     /* oldest buffer posted, counts on */
    bool is_held;                       /* the owner takes no more */
} ManaDrvRxq;

/* What the setup of a queue pair goes through, in this order */
typedef enum ManaDrvStep {
    /* of the adapter */
    MANA_DRV_STEP_VERSION,
    MANA_DRV_STEP_TIMEOUT,
    MANA_DRV_STEP_MAX_RESOURCES,
    MANA_DRV_STEP_LIST,
    MANA_DRV_STEP_REGISTER,
    MANA_DRV_STEP_DEV_CONFIG,
    MANA_DRV_STEP_ADAPTER_DONE,
    /* of a port */
    MANA_DRV_STEP_VPORT,
    MANA_DRV_STEP_VPORT_TX,
    MANA_DRV_STEP_EQ_REGION,            /* from here on for each queue pair */
    MANA_DRV_STEP_EQ,
    MANA_DRV_STEP_SQ_REGION,
    MANA_DRV_STEP_SQ_CQ_REGION,
    MANA_DRV_STEP_SQ,
    MANA_DRV_STEP_RQ_REGION,
    MANA_DRV_STEP_RQ_CQ_REGION,
    MANA_DRV_STEP_RQ,
    MANA_DRV_STEP_VPORT_RX,
    MANA_DRV_STEP_PORT_DONE,
    /* changes while it runs */
    MANA_DRV_STEP_SET_RX,
    MANA_DRV_STEP_SET_SERIAL,
    MANA_DRV_STEP_SET_FILTER,
    MANA_DRV_STEP_COUNT,
} ManaDrvStep;

typedef struct ManaDrvPort {
    /* the owner's wishes */
    bool is_wanted;
    unsigned int want_queues;
    unsigned int mtu;
    bool rss_on;
    uint8_t rss_key[MANA_HASH_KEY_BYTES];
    uint8_t rss_table[MANA_DRV_RSS_ENTRIES];
    bool filter_wanted;
    uint32_t serial_wanted;

    /* what the adapter has */
    bool is_up;
    bool rx_dirty;
    bool filter;
    uint32_t serial;
    uint64_t handle;
    uint16_t tx_offset;
    bool short_form;
    uint32_t max_indirection;
    uint8_t mac[6];

    bool has_memory;
    unsigned int queues;
    ManaDrvEq eq[MANA_DRV_MAX_QUEUES];
    ManaDrvTxq txq[MANA_DRV_MAX_QUEUES];
    ManaDrvRxq rxq[MANA_DRV_MAX_QUEUES];
    ManaDrvStats stats;
} ManaDrvPort;

/* The hardware channel */
typedef struct ManaDrvHwc {
    ManaDrvEq eq;
    ManaDrvCq cq;
    ManaDrvWq sq;
    ManaDrvWq rq;
    Vtl2Dma request;                    /* a page each */
    Vtl2Dma response;
    uint32_t init[GDMA_INIT_DATA_PF_DEST_CQ_ID + 1];
    bool has_eq_id;
    bool is_up;
    uint16_t msg_id;
    uint32_t activity_id;
    uint32_t request_bytes;
    /* the request under way */
    bool is_busy;
    GdmaReqHeaderWire sent;
    uint32_t expect_bytes;
} ManaDrvHwc;

struct ManaDrv {
    const Vtl2Ops *ops;
    void *fn;
    const ManaDrvOps *owner_ops;
    void *owner;

    ManaDrvState state;
    bool is_removed;
    bool link_is_down;
    unsigned int resets;
    unsigned int attempts;              /* to get it going again */
    const char *error;
    size_t memory_bytes;

    ManaDrvRegs regs;
    ManaDrvHwc hwc;
    bool has_memory;
    bool awaits_shm;
    uint32_t hwc_timeout_ms;
    int64_t deadline_ns;                /* of the answer, or the next poll */
    int64_t shm_deadline_ns;
    int64_t restart_ns;
    int64_t state_ns;                   /* since when .state is */
    int64_t timer_ns;                   /* what the timer is set to */

    /* the step under way */
    ManaDrvStep step;
    unsigned int step_port;
    unsigned int step_queue;
    uint64_t region[2];
    bool in_step;                       /* its answer is looked at */

    bool adapter_up;
    unsigned int vector_count;
    uint64_t pf_caps;
    uint32_t pdid;
    uint32_t mkey;
    uint32_t db_page;
    uint32_t max_vports;
    uint32_t max_frame_bytes;
    uint32_t max_queues;

    bool is_paused;                     /* the adapter is not to be touched */
    bool is_restored;                   /* paused since a state was loaded */
    bool needs_flush;
    ManaDrvPort port[MANA_DRV_MAX_PORTS];
};

/* mana-drv-queue-core.c */
bool mana_drv_alloc(ManaDrv *d, size_t bytes, Vtl2Dma *dma);
void mana_drv_dealloc(ManaDrv *d, Vtl2Dma *dma);
void mana_drv_eq_init(ManaDrvEq *eq, unsigned int vector);
void mana_drv_cq_init(ManaDrvCq *cq, uint32_t ring_bytes);
void mana_drv_wq_init(ManaDrvWq *wq, uint32_t ring_bytes, bool is_rq);
typedef enum ManaDrvTaken {
    MANA_DRV_NOTHING,
    MANA_DRV_TAKEN,
    MANA_DRV_OVERRUN,                   /* owner bits of another lap */
} ManaDrvTaken;
/* A copy of the next entry, if there is one */
ManaDrvTaken mana_drv_eq_take(ManaDrvEq *eq, GdmaEqeWire *eqe);
ManaDrvTaken mana_drv_cq_take(ManaDrvCq *cq, GdmaCqeWire *cqe);
void mana_drv_eq_arm(ManaDrv *d, ManaDrvEq *eq);
void mana_drv_cq_ring(ManaDrv *d, ManaDrvCq *cq, bool arm);
/* Tell the adapter of the entries it does not know yet, if there are any */
void mana_drv_wq_ring(ManaDrv *d, ManaDrvWq *wq);
/* Tell it all, also what it was told already */
void mana_drv_wq_ring_again(ManaDrv *d, ManaDrvWq *wq);
/*
 * An entry at the head: its bytes in the ring.  The driver alone says how long it
 * is, MANA_DRV_MAX_WQE_BYTES at most.
 */
#define MANA_DRV_MAX_SGES       2
#define MANA_DRV_MAX_WQE_BYTES \
    ROUND_UP(sizeof(GdmaWqeHeaderWire) + MANA_TX_OOB_LONG_BYTES + \
             MANA_DRV_MAX_SGES * sizeof(GdmaSgeWire), GDMA_WQE_BU_BYTES)
QEMU_BUILD_BUG_ON(MANA_DRV_MAX_WQE_BYTES > GDMA_MAX_SQE_BYTES);
QEMU_BUILD_BUG_ON(sizeof(GdmaHwcTxOobWire) > MANA_TX_OOB_LONG_BYTES);
uint32_t mana_drv_wq_put(ManaDrvWq *wq, const void *oob, uint32_t oob_bytes,
                         const GdmaSgeWire *sges, unsigned int sge_count,
                         bool oob_in_sgl, uint16_t client_data);
static inline uint32_t mana_drv_wqe_bytes(uint32_t oob_bytes,
                                          unsigned int sge_count)
{
    return ROUND_UP(sizeof(GdmaWqeHeaderWire) + oob_bytes +
                    sge_count * sizeof(GdmaSgeWire), GDMA_WQE_BU_BYTES);
}

/* mana-drv-hwc-core.c */
bool mana_drv_hwc_alloc(ManaDrv *d);
void mana_drv_hwc_free(ManaDrv *d);
/* It is not the driver's any more */
void mana_drv_hwc_forget_memory(ManaDrv *d);
/* False if the registers make no sense */
bool mana_drv_read_regs(ManaDrv *d);
bool mana_drv_db_page_ok(const ManaDrv *d, uint32_t page);
/*
 * Take the queues that .init and .eq tell of.  False if the limits there are too
 * narrow
 */
bool mana_drv_hwc_adopt(ManaDrv *d);
/* Begin: false if the registers make no sense */
bool mana_drv_hwc_establish(ManaDrv *d);
void mana_drv_shm_poll(ManaDrv *d);
void mana_drv_hwc_event(ManaDrv *d, unsigned int type, uint32_t data);
/* Completions of the channel; its answers go to mana_drv_step_done() */
void mana_drv_hwc_poll(ManaDrv *d);
/*
 * The page for a request; *@req has its header.  For a step's .ask, which
 * mana_drv_next() calls when no request is under way
 */
void *mana_drv_request(ManaDrv *d, uint32_t type, uint32_t bytes,
                       uint32_t response_bytes);
void mana_drv_request_send(ManaDrv *d);

/* mana-drv-setup-core.c */
/* Do what is to be done next, if the channel is free */
void mana_drv_next(ManaDrv *d);
void mana_drv_step_done(ManaDrv *d, uint32_t status, const void *response,
                        uint32_t bytes);

/* mana-drv-port-core.c */
bool mana_drv_port_alloc(ManaDrv *d, ManaDrvPort *p);
void mana_drv_port_free(ManaDrv *d, ManaDrvPort *p);
void mana_drv_port_forget_memory(ManaDrvPort *p);
/* Rings as they are before the adapter knows them */
void mana_drv_port_prepare(ManaDrv *d, ManaDrvPort *p);
/* The adapter has all queues: give them buffers, and what was not sent yet */
void mana_drv_port_begin(ManaDrv *d, ManaDrvPort *p);
void mana_drv_port_drop(ManaDrvPort *p);
/* Of a received frame with its headroom */
uint32_t mana_drv_rx_stride(const ManaDrv *d, const ManaDrvPort *p);
/* Of a queue's pool for packets to send */
uint32_t mana_drv_tx_pool_bytes(const ManaDrvPort *p);
unsigned int mana_drv_port_vector(const ManaDrv *d, unsigned int queue);

/* mana-drv-data-core.c */
void mana_drv_tx_poll(ManaDrv *d, ManaDrvPort *p, unsigned int queue);
void mana_drv_rx_poll(ManaDrv *d, ManaDrvPort *p, unsigned int queue);
void mana_drv_rx_fill(ManaDrv *d, ManaDrvRxq *rxq);
/* The queue's last moment: what the adapter has sent is not to be sent again */
void mana_drv_tx_settle(ManaDrvPort *p, unsigned int queue);
/* Put again what the adapter has not completed */
void mana_drv_tx_resend(ManaDrv *d, ManaDrvPort *p, ManaDrvTxq *txq);
/* The queue has had packets for too long without a completion */
bool mana_drv_tx_is_stuck(const ManaDrvTxq *txq, int64_t now_ns);

/* mana-drv-core.c */
/* Something is wrong with the adapter: start over */
void mana_drv_fail(ManaDrv *d, const char *why);
void mana_drv_set_state(ManaDrv *d, ManaDrvState state, const char *why);
void mana_drv_update_timer(ManaDrv *d);
void mana_drv_free_memory(ManaDrv *d);
static inline unsigned int mana_drv_port_idx(const ManaDrv *d,
                                             const ManaDrvPort *p)
{
    return p - d->port;
}

#endif /* MANA_DRV_STATE_CORE_H */
