/*
 * hv-net: shared by netvsp*.c
 *
 * Everything runs in the main loop, under the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NETVSP_INTERNAL_H
#define NETVSP_INTERNAL_H

#include "hw/vmbus/vmbus-channel.h"
#include "hw/qdev-core.h"
#include "net/net.h"
#include "qemu/log.h"
#include "qemu/timer.h"
#include "qemu/units.h"
#include "mana-drv-net.h"
#include "netvsp-core.h"
#include "netvsp-sections-core.h"
#include "net-coalesce-core.h"
#include "net-frame-core.h"
#include "rndis-core.h"
#include "toeplitz-core.h"
#include "trace.h"

/*
 * Packets taken, and frames sent, in one run, lest one channel keep the event loop
 * to itself
 */
#define NETVSP_RECV_BATCH               256
#define NETVSP_TX_BATCH                 4096
/* Receive sections that only control messages may use */
#define NETVSP_CONTROL_SECTIONS         16
/* Ranges of one receive packet; more frames go into the next one */
#define NETVSP_BATCH_RANGES             NVSP_MAX_XFER_RANGES_OLD
/* A message of the guest: a section, and the longest packet behind it */
#define NETVSP_TX_BUF_BYTES             (96 * KiB)
/* Bytes that may wait in the netdev's queue before a channel stops */
#define NETVSP_TX_QUEUED_BYTES          (1 * MiB)
/*
 * Completions of messages that were copied can wait for others or for a received
 * frame: the guest needs no interrupt for each.  Not longer than that.
 */
#define NETVSP_MAX_HELD                 32
#define NETVSP_MAX_HELD_NS              (1 * SCALE_MS)
/* Room in front of a received frame for its RNDIS header */
#define NETVSP_RX_HEADROOM              128
#define NETVSP_RX_BUF_BYTES             (NETVSP_RX_HEADROOM + 80 * KiB)
/* A driver that was at rest in so many looks in a row sends nothing more */
#define NETVSP_REST_LOOKS               10

#define TYPE_HV_NET "hv-net"
OBJECT_DECLARE_SIMPLE_TYPE(HvNet, HV_NET)

typedef struct NetvspChannel NetvspChannel;

/* A packet for the ring that found no room: a completion or a control message */
typedef struct NetvspOut {
    uint16_t type;                      /* HVBUS_PKT_* */
    uint16_t desc_bytes;
    uint32_t msg_bytes;
    uint64_t trans_id;
    uint8_t desc[16];
    NvspMessageWire msg;
    QTAILQ_ENTRY(NetvspOut) next;
} NetvspOut;

/* Frames in the receive buffer that the guest was not told of yet */
typedef struct NetvspBatch {
    NetvspChain chain;
    uint32_t bytes[NETVSP_BATCH_RANGES];    /* by section of .chain */
} NetvspBatch;

struct NetvspChannel {
    /* migrated */
    bool saved_open;                    /* .is_open, in the stream only */
    QTAILQ_HEAD(, NetvspOut) out;       /* oldest first */
    NetvspBatch batch;

    /* host only */
    HvNet *s;
    uint16_t idx;
    bool is_open;                       /* .chan is there */
    HvbusChannel *chan;
    bool in_notify;
    bool missed_notify;
    bool needs_flush;
    uint32_t held;                      /* completions that can wait */
    bool tx_stopped;                    /* the netdev has too much queued */
    NetCoalesce co;                     /* a packet in the making, at co_buf */
    uint8_t *co_buf;                    /* NULL until it is needed */
    RndisRxInfo co_info;
};

/* A message whose frames are, in part, still in the netdev's queue */
typedef struct NetvspTx {
    NetvspChannel *ch;                  /* NULL: closed meanwhile */
    uint64_t trans_id;
    bool wants_completion;
    uint32_t status;                    /* NvspStatus */
    uint32_t frames;                    /* that have not left */
    uint32_t bytes;
    QTAILQ_ENTRY(NetvspTx) next;
} NetvspTx;

/* One queue of the netdev */
typedef struct NetvspQueue {
    QTAILQ_HEAD(, NetvspTx) tx;         /* in the order sent */
    uint32_t queued_bytes;
    bool rx_blocked;                    /* a frame waits for room */
} NetvspQueue;

struct HvNet {
    HvbusDevice parent_obj;

    /* properties */
    NICConf conf;
    char *mana_id;                      /* the adapter in VTL2, or NULL */
    uint8_t vport;
    bool accelerated;
    uint16_t num_queues;
    uint16_t mtu;
    uint32_t speed_mbps;
    char *friendly_name;
    bool has_csum;
    bool has_lso;
    bool has_rsc;
    bool network_change;

    /* migrated */
    NetvspCore core;
    RndisCore rndis;
    NetvspSections sections;
    NetvspChannel *chans;               /* num_queues */
    bool link_pending;                  /* indication to be sent */
    bool link_told;                     /* what the guest knows */
    bool change_pending;                /* NETWORK_CHANGE to be sent */
    bool table_pending;                 /* send indirection table */
    bool vf_pending;
    bool vf_present;
    uint32_t vf_serial;
    bool path_pending;                  /* SWITCH_DATA_PATH to be completed */
    uint64_t path_trans_id;
    uint32_t path_switches;
    RndisStats stats;

    /* derived */
    Toeplitz toeplitz;
    HvbusGpadl *recv_gpadl;
    HvbusGpadl *send_gpadl;
    uint16_t open_channels;

    /* host only */
    NICState *nic;
    ManaDrvNet *mana;                   /* the adapter's port */
    bool path_done;                     /* .path_pending: the completion is due */
    bool path_is_vf;                    /* where the adapter has it */
    DeviceListener vf_listener;
    DeviceState *vf_pci;                /* the guest's hv-pci, if made here */
    DeviceState *vf;                    /* the function, or NULL */
    bool vf_again;                      /* make it when the adapter is there */
    QEMUBH *vf_bh;
    NetvspQueue *queues;                /* conf.peers.queues, at least 1 */
    uint16_t queue_count;
    uint8_t vnet_bytes;                 /* header in front of each frame, or 0 */
    QEMUBH *flush_bh;
    bool is_scheduled;                  /* .flush_bh is */
    QEMUTimer *held_timer;              /* virtual: a replay does the same */
    VMChangeStateEntry *vm_state_entry;
    bool is_stopped;
    bool rx_starved;                    /* sections ran out; none came back */
    bool rx_retry;                      /* unblock queues in flush_bh */
    uint32_t tx_frames;                 /* sent so far; wraps */
    bool is_unplugging;
    uint32_t rest_tx_frames;
    uint16_t rsc_id;
    uint8_t *tx_buf;
    uint8_t *rx_buf;
};

#define netvsp_guest_error(ch, fmt, ...)                                    \
    do {                                                                    \
        trace_netvsp_guest_error((ch)->idx, __LINE__);                      \
        qemu_log_mask(LOG_GUEST_ERROR, "hv-net channel %u: " fmt "\n",      \
                      (ch)->idx, ## __VA_ARGS__);                           \
    } while (0)

/* netvsp.c */
/* Flush from the event loop, in a replay where the recorded run did */
void netvsp_schedule(HvNet *s);
/* What was scheduled, now: the end of a burst.  Not from inside of a frame */
void netvsp_run_scheduled(HvNet *s);
/*
 * A VF that takes over the traffic of @s appeared (@present) or goes; @serial is
 * the one of its vPCI device.  The guest is told when it can take it.
 */
void netvsp_vf_associate(HvNet *s, uint32_t serial, bool present);
/* Does the guest send and receive through the VF? */
bool netvsp_data_path_is_vf(HvNet *s);

/* netvsp-channel.c */
void netvsp_channel_init(HvNet *s, uint16_t idx);
/* The netdev's queue of @ch */
NetClientState *netvsp_channel_nc(NetvspChannel *ch);
/* Take over @chan, which opens or came open with a migration stream */
void netvsp_channel_attach(NetvspChannel *ch, HvbusChannel *chan);
/* Forget what was to be sent; frames in the netdev's queue go on without us */
void netvsp_channel_detach(NetvspChannel *ch);
/* Look again at the rings of the channels that stopped, on any or on @queue */
void netvsp_kick_stopped(HvNet *s, int queue);
void netvsp_notify(HvbusDevice *dev, HvbusChannel *chan);
/* Into the ring, or into the queue if that is full.  @desc: at most 16 bytes */
void netvsp_send(NetvspChannel *ch, uint16_t type, uint64_t trans_id,
                 const void *desc, uint32_t desc_bytes,
                 const NvspMessageWire *msg, uint32_t msg_bytes);
/* Complete an RNDIS message of the guest, @can_wait: it does not wait for that */
void netvsp_complete(NetvspChannel *ch, uint64_t trans_id, uint32_t status,
                     bool can_wait);
/* Show the guest what was sent, soon.  From outside of netvsp_notify() */
void netvsp_flush_soon(NetvspChannel *ch);
void netvsp_flush(NetvspChannel *ch);
/* Show also what could wait */
void netvsp_flush_held(NetvspChannel *ch);
/* Tell the guest what is pending: link, VF, send table.  On channel 0 */
void netvsp_send_pending(HvNet *s);
/* Close down all: both buffers, both protocols */
void netvsp_reset_protocol(HvNet *s);

/* netvsp-control.c */
void netvsp_handle_packet(NetvspChannel *ch, const HvbusPacket *pkt);
/* Message @bytes at @msg into a section and to the guest.  False: no section */
bool netvsp_send_control(HvNet *s, const void *msg, uint32_t bytes);
void netvsp_apply_offloads(HvNet *s);
void netvsp_apply_rss(HvNet *s);

/* netvsp-tx.c */
/*
 * The bytes of an RNDIS message, from the send buffer and behind it from the
 * pages of @pkt, to @buf.  -1: not there, or more than @max_bytes.
 */
int64_t netvsp_gather(NetvspChannel *ch, const HvbusPacket *pkt,
                      const NetvspRndis *r, uint8_t *buf, uint32_t max_bytes);
void netvsp_tx_message(NetvspChannel *ch, const HvbusPacket *pkt,
                       const NetvspRndis *r);
/* @ch closes: its messages need no completion any more */
void netvsp_tx_forget(NetvspChannel *ch);
bool netvsp_tx_is_full(NetvspChannel *ch);
/* Send what is queued, or drop it */
void netvsp_tx_purge(HvNet *s);

/* netvsp-rx.c */
bool netvsp_can_receive(NetClientState *nc);
ssize_t netvsp_receive(NetClientState *nc, const uint8_t *buf, size_t bytes);
/* Tell the guest of all frames so far, if there is room for that */
void netvsp_rx_flush(NetvspChannel *ch);
/* There is room again: let the netdev go on */
void netvsp_rx_unblock(HvNet *s);
/* The VM runs again: take what came meanwhile */
void netvsp_rx_resume(HvNet *s);
/* As netvsp_rx_unblock(), from the event loop */
void netvsp_rx_unblock_soon(HvNet *s);
void netvsp_rx_forget(NetvspChannel *ch);

/* netvsp-mana.c: an adapter in VTL2 as the far end; nothing without one */
bool netvsp_mana_realize(HvNet *s, Error **errp);
void netvsp_mana_unrealize(HvNet *s);
void netvsp_mana_apply_rss(HvNet *s);
/* The guest wants another data path.  False: complete @pkt now */
bool netvsp_mana_switch(HvNet *s, const HvbusPacket *pkt);
/* Complete that, if the adapter has it.  On channel 0 */
void netvsp_mana_send_pending(HvNet *s);
/* Back to the synthetic path; the guest is not waiting */
void netvsp_mana_reset_path(HvNet *s);
/* After .core and .rndis came with a migration stream */
bool netvsp_mana_restore(HvNet *s);

/* netvsp-vf.c: the guest's own function of that adapter */
bool netvsp_vf_realize(HvNet *s, Error **errp);
/* The adapter was unplugged: so is the function; or it was plugged again */
void netvsp_vf_adapter_changed(HvNet *s, bool is_there);
/* The card is to go: the function goes first.  True when it is gone */
bool netvsp_vf_is_gone(HvNet *s);
void netvsp_vf_unrealize(HvNet *s);

/* netvsp-vmstate.c */
extern const VMStateDescription vmstate_hv_net;
#endif /* NETVSP_INTERNAL_H */
