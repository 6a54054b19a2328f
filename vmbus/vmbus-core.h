/*
 * VMBus: the control plane
 *
 * A state machine: a message of the guest comes in, answers are put into a queue
 * that the caller delivers, and what must happen to a channel is asked for
 * through HvbusCoreOps.  No I/O, no guest memory, no QEMU object.  All calls are
 * serialized by the caller (the bridge: BQL).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_CORE_H
#define VMBUS_CORE_H

#include "qemu/osdep.h"
#include "vmbus-defs.h"
#include "vmbus-gpadl-core.h"

/* With so many answers undelivered, the guest's messages are not taken */
#define HVBUS_OUT_LIMIT                 256

typedef enum HvbusConnState {
    HVBUS_CONN_NONE,            /* no version agreed */
    HVBUS_CONN_CONTACT,         /* version agreed */
    HVBUS_CONN_OFFERED,         /* offers were requested */
    HVBUS_CONN_STATES
} HvbusConnState;

typedef enum HvbusChanState {
    HVBUS_CHAN_HIDDEN,          /* the guest does not know of it */
    HVBUS_CHAN_CLOSED,          /* offered */
    HVBUS_CHAN_OPEN,
    HVBUS_CHAN_RESCINDED,       /* until the guest releases the relid */
    HVBUS_CHAN_RELEASED,        /* the guest gave the offer back by itself */
    HVBUS_CHAN_STATES
} HvbusChanState;

typedef struct HvbusOffer {
    uint8_t if_type[16];        /* UUID (text) order, as instance_id */
    uint8_t instance_id[16];
    uint16_t flags;
    uint16_t mmio_megabytes;
    uint8_t user_def[HVBUS_USER_BYTES];
} HvbusOffer;

typedef struct HvbusCoreChannel {
    HvbusOffer offer;
    uint64_t seq;               /* creation order */
    uint32_t relid;
    uint16_t sub_idx;           /* 0: primary */
    HvbusChanState state;
    void *opaque;               /* the caller's; NULL once dropped */

    /* while open */
    uint32_t open_id;
    uint32_t target_vp;         /* or HVBUS_VP_NO_INTERRUPT */
    uint32_t downstream_page_idx;
    HvbusGpadl *ring;           /* holds a reference */
} HvbusCoreChannel;

typedef struct HvbusCore HvbusCore;

typedef struct HvbusCoreOps {
    bool (*has_vp)(void *opaque, uint32_t vp);
    /* @ch is set up as the guest asked; false: the guest is told so */
    bool (*open)(void *opaque, HvbusCoreChannel *ch, const uint8_t *user_data);
    /* all use of the rings must have ended when this returns */
    void (*close)(void *opaque, HvbusCoreChannel *ch);
    /* target_vp changed */
    void (*retarget)(void *opaque, HvbusCoreChannel *ch);
    /*
     * @ch is no channel any more and will be freed: a sub-channel at its rescind,
     * a primary when the guest has let go of it.
     */
    void (*drop)(void *opaque, HvbusCoreChannel *ch);
} HvbusCoreOps;

typedef struct HvbusOutMessage {
    uint16_t bytes;
    uint8_t data[HV_MSG_PAYLOAD_BYTES];
} HvbusOutMessage;

struct HvbusCore {
    const HvbusCoreOps *ops;
    void *opaque;

    HvbusConnState state;
    uint32_t version;
    uint32_t target_vp;         /* VP for messages to the guest */
    uint8_t sint;
    uint64_t interrupt_gpa;     /* before 2.4: the shared interrupt page */
    HvbusGpadlTable gpadls;
    HvbusCoreChannel *by_relid[HVBUS_RELID_MAX + 1];
    GPtrArray *offers;          /* HvbusCoreChannel in offer order */
    GQueue out;                 /* HvbusOutMessage, oldest first */
    uint64_t next_seq;
    bool is_restoring;

    /* why the last message was refused, or NULL, and for which id */
    const char *error;
    uint32_t error_id;
};

void hvbus_core_init(HvbusCore *core, const HvbusCoreOps *ops, void *opaque);
void hvbus_core_destroy(HvbusCore *core);

/*
 * One message of the guest.  HV_STATUS_OK if it was taken, even if it was wrong:
 * then core->error tells; HV_STATUS_NO_BUFFERS if the guest must take its
 * answers first.
 */
HvStatus hvbus_core_message(HvbusCore *core, const uint8_t *msg, uint32_t bytes);

/* The oldest undelivered message to the guest, or NULL; and it was delivered */
HvbusOutMessage *hvbus_core_out(HvbusCore *core);
void hvbus_core_out_done(HvbusCore *core);

/*
 * A new channel, offered at once if the guest asked for offers and does not hold
 * an earlier one of the device, else when it lets go of that.  NULL if no relid
 * is free or there is one like it.
 */
HvbusCoreChannel *hvbus_core_add(HvbusCore *core, const HvbusOffer *offer,
                                 uint16_t sub_idx, void *opaque);
/*
 * Close and take back @ch, a primary with its sub-channels before it.  It is
 * dropped and freed at once if the guest does not know it, else when the guest
 * releases it; with @detach it is dropped now in any case.
 */
void hvbus_core_rescind(HvbusCore *core, HvbusCoreChannel *ch, bool detach);
/* Drop and free @ch without telling the guest */
void hvbus_core_remove(HvbusCore *core, HvbusCoreChannel *ch);

/* A user of @g is done */
void hvbus_core_put_gpadl(HvbusCore *core, HvbusGpadl *g);

/* The guest is gone: close everything and forget it */
void hvbus_core_reset(HvbusCore *core);

/*
 * Migration: between begin and end channels are added and given their old
 * relids.  False if the values break the rules that messages obey, or if a
 * channel was left without a relid.
 */
void hvbus_core_restore_begin(HvbusCore *core);
bool hvbus_core_restore_end(HvbusCore *core);
bool hvbus_core_restore_conn(HvbusCore *core, uint32_t state, uint32_t version,
                             uint32_t target_vp, uint8_t sint);
/* For a channel that hvbus_core_add() made; ring and open data if it is open */
bool hvbus_core_restore_channel(HvbusCore *core, HvbusCoreChannel *ch,
                                uint32_t relid, uint32_t state);
bool hvbus_core_restore_open(HvbusCore *core, HvbusCoreChannel *ch,
                             uint32_t open_id, uint32_t ring_gpadl_id,
                             uint32_t target_vp, uint32_t downstream_page_idx);
bool hvbus_core_restore_out(HvbusCore *core, const uint8_t *data,
                            uint32_t bytes);

/* Two rings fit into @g, the second from page @page_idx on */
static inline bool hvbus_ring_place_is_ok(const HvbusGpadl *g,
                                          uint32_t page_idx)
{
    return !g->byte_offset && g->page_count <= HVBUS_RING_MAX_PAGES &&
           page_idx >= HVBUS_RING_MIN_PAGES && page_idx < g->page_count &&
           g->page_count - page_idx >= HVBUS_RING_MIN_PAGES;
}

bool hvbus_version_is_known(uint32_t version);
/* Do the channels of this connection share their interrupt? */
static inline bool hvbus_core_is_shared(const HvbusCore *core)
{
    return core->version && core->version < HVBUS_VERSION_2_4;
}

/* For traces; never NULL */
const char *hvbus_message_name(uint32_t type);

#endif /* VMBUS_CORE_H */
