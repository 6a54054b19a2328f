/*
 * MANA driver of VTL2: what its owner calls
 *
 * The driver knows the adapter by Vtl2Ops alone: registers, DMA memory, time and
 * interrupts.  Nothing blocks: a request is sent, and an interrupt goes on with
 * its answer.  What the owner wants (ports, RSS, filter) is kept as wishes, which
 * are brought about now, or when the adapter is there again after a reset.
 *
 * Every value that comes from the adapter is checked; one that breaks the rules
 * leads to a reset, and when resets do not help, to a driver that has given up.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_DRV_CORE_H
#define MANA_DRV_CORE_H

#include "mana-defs.h"
#include "vtl2.h"

#define MANA_DRV_MAX_PORTS              16
#define MANA_DRV_MAX_QUEUES             16
#define MANA_DRV_RSS_ENTRIES            128
/* In front of a received frame: free for the owner, who may change the frame */
#define MANA_DRV_RX_HEADROOM            64
/* The longest packet to send: what segmentation makes of an IP packet */
#define MANA_DRV_MAX_TX_BYTES           (65535 + 64)

typedef struct ManaDrv ManaDrv;

typedef enum ManaDrvState {
    MANA_DRV_OFF,                       /* not started, or gone */
    MANA_DRV_STARTING,
    MANA_DRV_RUNNING,
    MANA_DRV_RESETTING,                 /* waits to start again */
    MANA_DRV_FAILED,                    /* has given up */
} ManaDrvState;

typedef enum ManaDrvGso {
    MANA_DRV_GSO_NONE,
    MANA_DRV_GSO_TCP4,
    MANA_DRV_GSO_TCP6,
} ManaDrvGso;

/* A packet to send; offsets from the frame's start */
typedef struct ManaDrvTx {
    uint32_t bytes;
    bool needs_csum;                    /* over all from .csum_start on */
    uint16_t csum_start;
    uint16_t csum_offset;               /* of the field, from .csum_start */
    ManaDrvGso gso;
    uint16_t mss;
} ManaDrvTx;

/* A packet that came */
typedef struct ManaDrvRx {
    uint8_t *frame;                     /* MANA_DRV_RX_HEADROOM in front */
    uint32_t bytes;
    bool csum_ok;                       /* of TCP or UDP */
} ManaDrvRx;

typedef enum ManaDrvSent {
    MANA_DRV_SENT,                      /* copied: it is the driver's now */
    MANA_DRV_NO_ROOM,                   /* .tx_ready will come */
    MANA_DRV_DROPPED,                   /* and counted */
} ManaDrvSent;

typedef struct ManaDrvStats {
    uint64_t tx_packets;
    uint64_t tx_bytes;
    uint64_t tx_errors;
    uint64_t rx_packets;
    uint64_t rx_bytes;
    uint64_t rx_dropped;
} ManaDrvStats;

/* Calls to the owner; @owner as given to mana_drv_new() */
typedef struct ManaDrvOps {
    /* The state changed; @why is a reason, or NULL.  For the log and traces */
    void (*state_changed)(void *owner, ManaDrvState state, const char *why);
    /* The port's adapter is there (its .mac is known) or not, or its link changed */
    void (*port_changed)(void *owner, unsigned int port);
    /* False: taken, but no more until mana_drv_rx_resume() */
    bool (*receive)(void *owner, unsigned int port, unsigned int queue,
                    const ManaDrvRx *rx);
    void (*tx_ready)(void *owner, unsigned int port, unsigned int queue);
    /* The filter is where mana_drv_set_filter() wanted it */
    void (*filter_moved)(void *owner, unsigned int port, bool to_vtl0);
} ManaDrvOps;

ManaDrv *mana_drv_new(const Vtl2Ops *ops, void *fn, const ManaDrvOps *owner_ops,
                      void *owner);
/* Leaves the adapter reset, unless mana_drv_removed() was called */
void mana_drv_free(ManaDrv *d);

/* Reset the adapter and set it up, from whatever state it and the driver are in */
void mana_drv_start(ManaDrv *d);
/* Forget the adapter's queues at once; frames to be sent are dropped */
void mana_drv_stop(ManaDrv *d);

/* A state was loaded: the adapter's is unknown, memory not the driver's any more */
void mana_drv_loaded(ManaDrv *d);

/*
 * The VM stops, and runs again: between these two calls the adapter is not
 * touched, but by start, stop, port_remove and removed.  mana_drv_send() and
 * mana_drv_rx_resume() are not to be called.
 */
void mana_drv_pause(ManaDrv *d);
void mana_drv_resume(ManaDrv *d);

/* What Vtl2Driver has */
void mana_drv_interrupt(ManaDrv *d, unsigned int vector);
void mana_drv_timer(ManaDrv *d);
void mana_drv_removed(ManaDrv *d);

/*
 * Serve vport @vport with up to @queues pairs and frames of up to @mtu and an
 * Ethernet header.  False: somebody does already.
 */
bool mana_drv_port_add(ManaDrv *d, unsigned int vport, unsigned int queues,
                       unsigned int mtu);
void mana_drv_port_remove(ManaDrv *d, unsigned int vport);

/* Copy @tx->bytes from @frame for the adapter, which hears of them by a flush */
ManaDrvSent mana_drv_send(ManaDrv *d, unsigned int port, unsigned int queue,
                          const uint8_t *frame, const ManaDrvTx *tx);
/* Ring the doorbells of all queues that have something new */
void mana_drv_flush(ManaDrv *d);
void mana_drv_rx_resume(ManaDrv *d, unsigned int port, unsigned int queue);
/* Look for packets without an interrupt, as before the VM's stop */
void mana_drv_poll(ManaDrv *d);

/* Spread by hash over the queues of @table (@count entries), or not */
void mana_drv_set_rss(ManaDrv *d, unsigned int port, bool is_on,
                      const uint8_t key[MANA_HASH_KEY_BYTES],
                      const uint8_t *table, unsigned int count);
/* Where the adapter's filter sends what comes in */
void mana_drv_set_filter(ManaDrv *d, unsigned int port, bool to_vtl0);
/* The number that VTL0 knows its own function by; 0: there is none */
void mana_drv_set_serial(ManaDrv *d, unsigned int port, uint32_t serial);

ManaDrvState mana_drv_state(const ManaDrv *d);
unsigned int mana_drv_resets(const ManaDrv *d);
/* What went wrong last, or NULL */
const char *mana_drv_error(const ManaDrv *d);
/* Bytes of VTL2's memory in use */
size_t mana_drv_memory(const ManaDrv *d);
bool mana_drv_port_is_up(const ManaDrv *d, unsigned int port);
bool mana_drv_port_link(const ManaDrv *d, unsigned int port);
/* Pairs that the adapter and VTL2's memory allow; 0 before the port was up */
unsigned int mana_drv_port_queues(const ManaDrv *d, unsigned int port);
/* The owner takes no more from the queue: mana_drv_rx_resume() is to come */
bool mana_drv_rx_is_held(const ManaDrv *d, unsigned int port,
                         unsigned int queue);
/* Zeroes before the port was up */
const uint8_t *mana_drv_port_mac(const ManaDrv *d, unsigned int port);
bool mana_drv_port_filter(const ManaDrv *d, unsigned int port);
const ManaDrvStats *mana_drv_port_stats(const ManaDrv *d, unsigned int port);

#endif /* MANA_DRV_CORE_H */
