/*
 * VMBus: the API for devices
 *
 * A device is a HvbusDevice on the bus of the bridge ("hv-vmbus").  It has one
 * primary channel and, once it asks for them, sub-channels.  A channel is a pair
 * of rings in guest memory: packets in from the guest, packets out to it.
 *
 * Contexts: a channel belongs to one AioContext, by default the main loop's.
 * notify() runs there as a guarded bottom half; every hvbus_recv/hvbus_send call
 * for the channel is made there.  open() and close() run in the main loop's
 * context or a vCPU thread, under the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_CHANNEL_H
#define VMBUS_CHANNEL_H

#include "hw/qdev-core.h"
#include "qemu/uuid.h"
#include "qemu/iov.h"
#include "system/dma.h"
#include "block/aio.h"
#include "vmbus-defs.h"

#define TYPE_HVBUS_DEVICE "hv-vmbus-device"
OBJECT_DECLARE_TYPE(HvbusDevice, HvbusDeviceClass, HVBUS_DEVICE)

typedef struct HvbusChannel HvbusChannel;
typedef struct HvbusGpadl HvbusGpadl;

struct HvbusDeviceClass {
    DeviceClass parent_class;

    /* interface GUID in UUID (big-endian) order; the wire order is our work */
    QemuUUID if_type;
    uint16_t offer_flags;               /* HVBUS_OFFER_* */
    uint16_t mmio_megabytes;
    uint32_t max_packet_bytes;          /* longest packet taken; 0: 16 KiB */

    /* Set up and tear down the device; the bus calls them around the offer */
    void (*realize)(HvbusDevice *dev, Error **errp);
    void (*unrealize)(HvbusDevice *dev);
    /* Fill the 120 user bytes of the offer.  Optional */
    void (*fill_offer)(HvbusDevice *dev, uint8_t *user_def);
    /*
     * The guest opens @chan with its 120 bytes @user_data.  False: the guest is
     * told that it failed.
     */
    bool (*open)(HvbusDevice *dev, HvbusChannel *chan, const uint8_t *user_data);
    /*
     * @chan closes: by the guest, by rescind, unload or reset.  All work on it is
     * finished or cancelled when this returns; the rings can no longer be used.
     */
    void (*close)(HvbusDevice *dev, HvbusChannel *chan);
    /* There may be packets to receive, or room to send what did not fit */
    void (*notify)(HvbusDevice *dev, HvbusChannel *chan);
    /*
     * The user wants the device back, while the guest has its primary channel open:
     * bring the guest's driver to rest.  Called again every few milliseconds, for
     * half a minute, until true (hvbus_device_has_rested()); then the channels are
     * rescinded.  Optional
     */
    bool (*unplug_ready)(HvbusDevice *dev);
};

struct HvbusDevice {
    DeviceState parent_obj;

    /* properties */
    QemuUUID instance_id;               /* "instance-id"; default from the id */

    /* migrated; kept by the bus */
    int32_t saved_ring_count;
    struct HvbusSavedRing *saved_rings;

    /* host only */
    GPtrArray *channels;                /* of HvbusChannel, [0] is the primary */
    AddressSpace *as;                   /* the guest's memory, for DMA */
    bool unplug_scheduled;
    bool is_withheld;                   /* not offered to the guest */
    QEMUTimer *unplug_timer;            /* until the driver is at rest */
    int64_t unplug_deadline_ms;
    unsigned int unplug_rest;           /* looks at a driver at rest, weighted */
};

/*
 * For unplug_ready(): the driver is at rest, or not, at this look.  True if it was in
 * @looks looks in a row at an idle guest, or in more at a busy one, whose driver may
 * only wait for its turn.  BQL
 */
bool hvbus_device_has_rested(HvbusDevice *dev, bool is_at_rest,
                             unsigned int looks);

/* Add to a device's vmstate: channels, rings and their in-flight positions */
extern const VMStateDescription vmstate_hvbus_device;
#define VMSTATE_HVBUS_DEVICE(_field, _state) \
    VMSTATE_STRUCT(_field, _state, 1, vmstate_hvbus_device, HvbusDevice)

uint16_t hvbus_channel_idx(HvbusChannel *chan);     /* 0: primary */
uint32_t hvbus_channel_relid(HvbusChannel *chan);   /* correlator for traces */
uint32_t hvbus_channel_target_vp(HvbusChannel *chan);
/* The target VP has halted, or it is not known: a hint.  any thread */
bool hvbus_channel_vp_is_idle(HvbusChannel *chan);
bool hvbus_channel_is_open(HvbusChannel *chan);
/* As the above, but also when the guest has broken the ring since */
bool hvbus_channel_was_opened(HvbusChannel *chan);
HvbusChannel *hvbus_device_channel(HvbusDevice *dev, uint16_t idx); /* or NULL */
AddressSpace *hvbus_device_as(HvbusDevice *dev);
/* The partition's reference counter, in units of 100 ns.  any thread */
uint64_t hvbus_device_ref_time_100ns(HvbusDevice *dev);

/*
 * Take the device back from the guest, or offer it again; the guest gets the new
 * offer when it has let go of the old one.  realize() may withhold its device: then
 * it is not offered until this is called.  The channels are gone when withholding
 * returns.  False if there is no channel left for an offer.  BQL
 */
bool hvbus_device_set_offered(HvbusDevice *dev, bool is_offered);

/*
 * Where the guest may place MMIO of devices: @high false, the window below 4 GiB
 * that the guest is told of; true, all from the window above 4 GiB on.  False if
 * there is none.  From machine init on; BQL
 */
bool hvbus_device_mmio_window(HvbusDevice *dev, bool high, uint64_t *base,
                              uint64_t *bytes);

/*
 * Interrupts of a device that the guest knows as @device_id (bits [2:0] do not
 * count): @handler runs when the guest says where one goes, in its vCPU's thread
 * under the BQL.  False if @device_id is taken.  BQL
 */
typedef HvStatus (*HvbusRetargetHandler)(void *opaque, const HvRetarget *to);
bool hvbus_device_connect_interrupts(HvbusDevice *dev, uint32_t device_id,
                                     HvbusRetargetHandler handler,
                                     void *opaque);
void hvbus_device_disconnect_interrupts(HvbusDevice *dev, uint32_t device_id);
/* Interrupt @vp with @vector, edge, fixed.  False if there is no such VP.  BQL */
bool hvbus_device_interrupt(HvbusDevice *dev, uint32_t vp, uint8_t vector);

/* For the device to hang its own state on a channel */
void hvbus_channel_set_opaque(HvbusChannel *chan, void *opaque);
void *hvbus_channel_opaque(HvbusChannel *chan);

/*
 * Move the channel's work to @ctx; only while it is closed, or in post_load while
 * the VM has not started.  BQL
 */
void hvbus_channel_set_aio_context(HvbusChannel *chan, AioContext *ctx);

/*
 * Has either side received all that the other has sent?  Also true if the channel
 * is not open or has failed.  From the channel's context
 */
bool hvbus_channel_is_drained(HvbusChannel *chan);

/* Run notify() soon, from the channel's context.  any thread */
void hvbus_channel_kick(HvbusChannel *chan);

/*
 * Offer sub-channels 1..@count; they are rescinded when the primary closes.
 * False if there are some already or no channel ids are left.  BQL
 */
bool hvbus_offer_subchannels(HvbusDevice *dev, uint16_t count);

/*
 * A packet from the guest, copied out of the ring: nothing in it changes any
 * more.  Lengths and offsets are checked; contents are not.
 */
typedef struct HvbusPacket {
    uint16_t type;                      /* HVBUS_PKT_* */
    bool wants_completion;
    uint64_t trans_id;
    const uint8_t *msg;                 /* valid until the next hvbus_recv() */
    uint32_t msg_bytes;
    /* the part between descriptor and message (GPA ranges, page sets) */
    const uint8_t *desc;
    uint32_t desc_bytes;
} HvbusPacket;

/*
 * Receive: hvbus_recv_begin(), hvbus_recv() until it gives no packet or the
 * device has enough, hvbus_recv_end().
 *
 * hvbus_recv(): 1 a packet, 0 ring empty, -1 the guest broke the ring: the
 * channel has failed, is closed for traffic, and stays so until it is re-opened.
 * hvbus_recv_end() gives the space back and returns true if there is more to
 * receive: then the device goes on, or calls hvbus_channel_kick().
 */
void hvbus_recv_begin(HvbusChannel *chan);
int hvbus_recv(HvbusChannel *chan, HvbusPacket *pkt);
bool hvbus_recv_end(HvbusChannel *chan);

/*
 * Add the guest memory of a GPA-direct packet to @sgl (initialized by the
 * caller with hvbus_device_as()).  False if the ranges are malformed, cover
 * anything but memory, or more than @max_bytes; @sgl is then to be thrown away.
 */
bool hvbus_packet_sgl(const HvbusPacket *pkt, QEMUSGList *sgl,
                      uint32_t max_bytes);

/*
 * Copy the guest memory of a GPA-direct packet to @buf, of @max_bytes.  Returns the
 * bytes, or -1 if the ranges are malformed, not memory, or more than that.
 */
int64_t hvbus_packet_read(HvbusChannel *chan, const HvbusPacket *pkt,
                          void *buf, uint32_t max_bytes);

/*
 * Send: one or more packets, then hvbus_send_flush(), which shows them to the
 * guest and interrupts it if it needs that.
 *
 * False if the packet does not fit now: nothing was written, the guest was asked
 * to tell when there is room, and notify() will run then.  Also false on a
 * closed or failed channel (hvbus_channel_is_open() tells which).
 */
bool hvbus_send(HvbusChannel *chan, uint16_t type, uint16_t flags,
                uint64_t trans_id, const void *desc, uint32_t desc_bytes,
                const void *msg, uint32_t msg_bytes);
void hvbus_send_flush(HvbusChannel *chan);
/* A completion packet (type 0xb) for @trans_id */
bool hvbus_send_completion(HvbusChannel *chan, uint64_t trans_id,
                           const void *msg, uint32_t msg_bytes);
/*
 * Does a packet of that size fit now?  If not, the guest was asked to tell when it
 * does, and notify() will run then; but one that is never to fit, or a channel that
 * is not open, is not waited for.
 */
bool hvbus_send_has_room(HvbusChannel *chan, uint32_t desc_bytes,
                         uint32_t msg_bytes);

/*
 * GPADLs that the guest made for the device's channel (receive buffers and the
 * like).  get takes a reference that holds back GPADL_TORNDOWN until put; close()
 * is the last chance to put.  After migration get them again in post_load.
 * get and put: BQL.
 */
HvbusGpadl *hvbus_gpadl_get(HvbusChannel *chan, uint32_t gpadl_id);
void hvbus_gpadl_put(HvbusGpadl *gpadl);
uint32_t hvbus_gpadl_bytes(HvbusGpadl *gpadl);
/* Copy; false if it is not all inside of @gpadl, or not memory */
bool hvbus_gpadl_read(HvbusGpadl *gpadl, uint32_t offset, void *buf,
                      uint32_t bytes);
bool hvbus_gpadl_write(HvbusGpadl *gpadl, uint32_t offset, const void *buf,
                       uint32_t bytes);

#endif /* VMBUS_CHANNEL_H */
