/*
 * hv-scsi: shared by storvsp.c, storvsp-channel.c and storvsp-request.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef STORVSP_INTERNAL_H
#define STORVSP_INTERNAL_H

#include "hw/vmbus/vmbus-channel.h"
#include "hw/scsi/scsi.h"
#include "qapi/qapi-types-virtio.h"
#include "qemu/log.h"
#include "qemu/units.h"
#include "system/iothread.h"
#include "storvsp-core.h"
#include "storvsp-hold-core.h"
#include "trace.h"

#define TYPE_HV_SCSI "hv-scsi"
OBJECT_DECLARE_SIMPLE_TYPE(HvScsi, HV_SCSI)

#define STORVSP_MAX_QUEUES              64
/* Requests and unsent completions of one channel; more stay in the ring */
#define STORVSP_MAX_OUTSTANDING         1024
/* Packets taken in one run, lest one channel keep the event loop to itself */
#define STORVSP_RECV_BATCH              256
/* A driver that was at rest in so many looks in a row has removed its disks */
#define STORVSP_REST_LOOKS              50
#define STORVSP_MIN_TRANSFER_BYTES      (64 * KiB)
#define STORVSP_MAX_TRANSFER_BYTES      (2 * MiB)
#define STORVSP_MAX_SGES                (2 * MiB / HV_PAGE_SIZE + 1)

typedef struct StorvspChannel StorvspChannel;

/* A SCSI request under way.  Belongs to the context of its channel */
typedef struct StorvspRequest {
    StorvspChannel *ch;
    SCSIRequest *sreq;                  /* NULL: never reached a device */
    uint64_t trans_id;
    bool wants_completion;
    StorvspSrb srb;
    QEMUSGList sgl;
    QTAILQ_ENTRY(StorvspRequest) next;
} StorvspRequest;

/* A completion that found no room in the ring */
typedef struct StorvspDone {
    uint64_t trans_id;
    StorvspPacketWire msg;
    QTAILQ_ENTRY(StorvspDone) next;
} StorvspDone;

/* Where the channel's control operation is; the channel receives when NONE */
typedef enum StorvspControlState {
    STORVSP_CTL_NONE,
    STORVSP_CTL_PENDING,                /* waits for the main loop */
    STORVSP_CTL_RUNNING,
    STORVSP_CTL_DONE,                   /* waits to be answered */
    STORVSP_CTL_STATE_COUNT
} StorvspControlState;

typedef struct StorvspControl {
    uint8_t state;                      /* StorvspControlState, atomic */
    uint8_t action;                     /* StorvspAction */
    bool wants_completion;
    uint8_t path;
    uint8_t target;
    uint8_t lun;
    uint16_t subchannel_count;
    uint32_t status;                    /* StorvspStatus, with DONE */
    uint64_t trans_id;
} StorvspControl;

/*
 * Used in the channel's AioContext alone, but for .is_open and .ctl.state,
 * and except while the channel is closed (BQL then).
 */
struct StorvspChannel {
    /* migrated */
    bool is_open;                       /* atomic */
    StorvspControl ctl;
    QTAILQ_HEAD(, StorvspDone) done;    /* oldest first */

    /* derived */
    uint32_t done_count;

    /* host only */
    HvScsi *s;
    uint16_t idx;
    HvbusChannel *chan;
    AioContext *ctx;                    /* fixed at realize */
    QEMUBH *flush_bh;
    QTAILQ_HEAD(, StorvspRequest) inflight;
    uint32_t inflight_count;            /* atomic */
    uint32_t srb_count;                 /* taken so far; wraps */
    bool in_notify;
    bool missed_notify;
    bool is_full;                       /* STORVSP_MAX_OUTSTANDING reached */
    bool needs_flush;                   /* the guest has yet to be shown some */
    bool is_urgent;                     /* at the end of this notify() */
    StorvspHold hold;
    QEMUTimer *hold_timer;              /* pending while completions are held */
};

struct HvScsi {
    HvbusDevice parent_obj;

    /* properties */
    uint16_t num_queues;
    uint32_t max_transfer_bytes;
    IOThread *iothread;
    IOThreadVirtQueueMappingList *iothread_map;

    /* migrated */
    StorvspCore core;
    bool rescan_pending;                /* ENUMERATE_BUS to be sent; atomic */
    bool has_srb;                       /* since the channel opened; atomic */
    StorvspChannel *chans;              /* num_queues */

    /* host only */
    SCSIBus bus;
    QEMUBH *ctl_bh;                     /* main loop */
    VMChangeStateEntry *vm_state_entry;
    bool is_stopped;                    /* the VM; atomic */
    bool is_drained;                    /* a back end; atomic */
    bool is_unplugging;                 /* units are hidden; atomic */
    uint32_t rest_srb_count;
};

#define storvsp_guest_error(ch, fmt, ...)                                   \
    do {                                                                    \
        trace_storvsp_guest_error((ch)->idx, __LINE__);                     \
        qemu_log_mask(LOG_GUEST_ERROR, "hv-scsi channel %u: " fmt "\n",     \
                      (ch)->idx, ## __VA_ARGS__);                           \
    } while (0)

/* storvsp-channel.c */
void storvsp_channel_init(HvScsi *s, uint16_t idx, AioContext *ctx);
/* Take over @chan, which opens or came open with a migration stream.  BQL */
void storvsp_channel_attach(StorvspChannel *ch, HvbusChannel *chan);
/* Cancel all requests, wait for them, forget what was to be sent.  BQL */
void storvsp_channel_detach(StorvspChannel *ch);
void storvsp_notify(HvbusDevice *dev, HvbusChannel *chan);
/* Complete @trans_id: into the ring, or into the queue if that is full */
void storvsp_reply(StorvspChannel *ch, uint64_t trans_id,
                   const StorvspPacketWire *msg);
/*
 * Is nothing under way, has the guest seen all answers, and was no request taken
 * since the last call?  BQL
 */
bool storvsp_is_at_rest(HvScsi *s);
/* A request is over: let the guest know, and receive again if we stopped */
void storvsp_request_over(StorvspChannel *ch);
/*
 * Make the guest scan the bus, not before its first request: Linux queues the
 * scan on a workqueue that it makes after it has connected.  BQL
 */
void storvsp_rescan(HvScsi *s);
/* Run notify() of all open channels, after a stop or a drain */
void storvsp_kick_all(HvScsi *s);
/* Finish what notify() is doing anywhere, and show the guest all answers.  BQL */
void storvsp_settle(HvScsi *s);

/* storvsp-request.c */
extern const SCSIBusInfo storvsp_scsi_info;
void storvsp_run_srb(StorvspChannel *ch, const StorvspSrb *srb,
                     const HvbusPacket *pkt);
void storvsp_cancel_all(StorvspChannel *ch);

/* storvsp.c */
void storvsp_drained_begin(SCSIBus *bus);
void storvsp_drained_end(SCSIBus *bus);

#endif /* STORVSP_INTERNAL_H */
