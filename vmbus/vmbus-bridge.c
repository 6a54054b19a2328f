/*
 * VMBus: the bridge, which is the server of one guest
 *
 * The bridge joins the control plane (vmbus-core.c) to the partition's message
 * ports and to the channels.  It sits on no bus, so that every board takes it;
 * "hv-vmbus-host", which it creates on the system bus, owns its bus, so that
 * -device finds the bus and a reset of the machine reaches it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "hw/hotplug.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "migration/vmstate.h"
#include "qemu/units.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "accel/hyperv/guest-access.h"
#include "vmbus-internal.h"
#include "trace.h"

#define TYPE_HVBUS_HOST "hv-vmbus-host"
OBJECT_DECLARE_SIMPLE_TYPE(HvbusHost, HVBUS_HOST)

struct HvbusHost {
    SysBusDevice parent_obj;

    HvbusBridge *bridge;
};

static void hvbus_bridge_guest_error(HvbusBridge *b, const char *why,
                                     uint32_t id)
{
    trace_hvbus_bridge_guest_error(why, id);
    qemu_log_mask(LOG_GUEST_ERROR, "hv-vmbus: %s (%u)\n", why, id);
}

void hvbus_bridge_flush(HvbusBridge *b)
{
    HvbusOutMessage *out;

    while ((out = hvbus_core_out(&b->core))) {
        int r = hv_partition_post_message(b->partition, b->core.target_vp,
                                          HVBUS_VTL, b->core.sint,
                                          HV_MSG_TYPE_CHANNEL, out->data,
                                          out->bytes);

        trace_hvbus_bridge_out(hvbus_message_name(ldl_le_p(out->data)),
                               b->core.target_vp, r);
        if (r < 0) {
            /*
             * -EAGAIN: the slot notifier goes on.  Without SynIC the message
             * waits for it: the guest's next message tries again.
             */
            break;
        }
        hvbus_core_out_done(&b->core);
    }
}

static void hvbus_bridge_slot_free(Notifier *n, void *data)
{
    HvbusBridge *b = container_of(n, HvbusBridge, slot_notifier);
    HvSlotFree *slot = data;

    if (slot->vp == b->core.target_vp && slot->vtl == HVBUS_VTL &&
        slot->sint == b->core.sint) {
        hvbus_bridge_flush(b);
    }
}

static HvStatus hvbus_bridge_message(void *opaque, const HvPostedMessage *msg)
{
    HvbusBridge *b = opaque;
    HvStatus status;

    if (msg->type != HV_MSG_TYPE_CHANNEL) {
        hvbus_bridge_guest_error(b, "post of an unknown message type",
                                 msg->type);
        return HV_STATUS_BAD_PARAMETER;
    }
    if (msg->payload_bytes >= sizeof(uint32_t)) {
        trace_hvbus_bridge_in(hvbus_message_name(ldl_le_p(msg->payload)),
                              msg->vp, msg->payload_bytes);
    }
    status = hvbus_core_message(&b->core, msg->payload, msg->payload_bytes);
    if (b->core.error) {
        hvbus_bridge_guest_error(b, b->core.error, b->core.error_id);
    }
    trace_hvbus_bridge_state(b->core.state, b->core.version);
    hvbus_bridge_flush(b);
    return status;
}

void hvbus_bridge_signal_guest(HvbusBridge *b, uint32_t vp, uint32_t relid)
{
    uint16_t flag = relid;

    if (unlikely(hvbus_core_is_shared(&b->core))) {
        AddressSpace *as = hv_partition_as(b->partition, HVBUS_VTL);
        uint64_t gpa = b->core.interrupt_gpa + relid / 8;
        uint8_t bits;

        /* the guest only clears bits: one that comes back is no harm */
        QEMU_LOCK_GUARD(&b->interrupt_page_lock);
        if (!guest_read(as, gpa, &bits, sizeof(bits))) {
            return;
        }
        bits |= 1u << relid % 8;
        if (!guest_write(as, gpa, &bits, sizeof(bits))) {
            return;
        }
        flag = 0;
    }
    hv_partition_signal_event(b->partition, vp, HVBUS_VTL, HVBUS_SINT, flag);
}

/* Which channel it is would be in the guest's page; looking at all is as good */
static void hvbus_bridge_shared_bh(void *opaque)
{
    HvbusBridge *b = opaque;

    if (!hvbus_core_is_shared(&b->core)) {
        return;
    }
    for (guint i = 0; i < b->core.offers->len; i++) {
        HvbusCoreChannel *ch = b->core.offers->pdata[i];

        if (ch->opaque && ch->state == HVBUS_CHAN_OPEN) {
            hvbus_channel_kick(ch->opaque);
        }
    }
}

/* vCPU thread, no BQL */
static void hvbus_bridge_shared_event(void *opaque, uint16_t flag)
{
    HvbusBridge *b = opaque;

    qemu_bh_schedule(b->shared_bh);
}

static bool hvbus_bridge_has_vp(void *opaque, uint32_t vp)
{
    HvbusBridge *b = opaque;

    return hv_partition_has_vp(b->partition, vp);
}

static bool hvbus_bridge_open(void *opaque, HvbusCoreChannel *ch,
                              const uint8_t *user_data)
{
    return ch->opaque && hvbus_channel_open(ch->opaque, user_data);
}

static void hvbus_bridge_close(void *opaque, HvbusCoreChannel *ch)
{
    if (ch->opaque) {
        hvbus_channel_close(ch->opaque);
    }
}

static void hvbus_bridge_retarget(void *opaque, HvbusCoreChannel *ch)
{
    HvbusChannel *chan = ch->opaque;

    if (chan) {
        trace_hvbus_bridge_retarget(ch->relid, ch->target_vp);
        qatomic_set(&chan->target_vp, ch->target_vp);
    }
}

static void hvbus_bridge_drop(void *opaque, HvbusCoreChannel *ch)
{
    HvbusChannel *chan = ch->opaque;

    trace_hvbus_bridge_drop(ch->relid, ch->sub_idx);
    /* a withheld device has no channel that the guest could let go of later */
    if (!ch->sub_idx && (!chan->dev->is_withheld ||
                         DEVICE(chan->dev)->pending_deleted_event)) {
        hvbus_device_released(chan->dev);
    }
    hvbus_channel_drop(chan);
}

static const HvbusCoreOps hvbus_bridge_ops = {
    .has_vp = hvbus_bridge_has_vp,
    .open = hvbus_bridge_open,
    .close = hvbus_bridge_close,
    .retarget = hvbus_bridge_retarget,
    .drop = hvbus_bridge_drop,
};

/* The memory map changed: each channel maps its rings anew at its next use */
static void hvbus_bridge_memory_commit(MemoryListener *listener)
{
    HvbusBridge *b = container_of(listener, HvbusBridge, listener);

    qatomic_inc(&b->map_generation);
}

/* Work that came while the machine was stopped is found by looking for it */
static void hvbus_bridge_vm_state(void *opaque, bool running, RunState state)
{
    HvbusBridge *b = opaque;
    guint i;

    qatomic_set(&b->vm_running, running);
    for (i = 0; i < b->core.offers->len; i++) {
        HvbusCoreChannel *ch = b->core.offers->pdata[i];

        if (!ch->opaque || ch->state != HVBUS_CHAN_OPEN) {
            continue;
        }
        if (running) {
            /* a stop is in no log, and no signal was lost by it */
            if (replay_mode == REPLAY_MODE_NONE) {
                hvbus_channel_kick(ch->opaque);
            }
        } else {
            hvbus_channel_quiesce(ch->opaque);
        }
    }
    if (running) {
        hvbus_bridge_flush(b);
    }
}

static bool hvbus_bridge_connect(HvbusBridge *b, Error **errp)
{
    if (!hv_partition_connect_message(b->partition, HVBUS_VTL,
                                      HVBUS_MESSAGE_CONN_ID,
                                      hvbus_bridge_message, b, errp)) {
        return false;
    }
    if (!hv_partition_connect_message(b->partition, HVBUS_VTL,
                                      HVBUS_MESSAGE_CONN_ID_V5,
                                      hvbus_bridge_message, b, errp)) {
        hv_partition_disconnect_message(b->partition, HVBUS_VTL,
                                        HVBUS_MESSAGE_CONN_ID);
        return false;
    }
    b->shared_bh = qemu_bh_new_guarded(hvbus_bridge_shared_bh, b,
                                       &DEVICE(b)->mem_reentrancy_guard);
    qemu_mutex_init(&b->interrupt_page_lock);
    if (!hv_partition_connect_event(b->partition, HVBUS_VTL,
                                    HVBUS_EVENT_CONN_ID_SHARED,
                                    hvbus_bridge_shared_event, b)) {
        error_setg(errp, "VMBus event connection id is in use");
        return false;
    }
    b->slot_notifier.notify = hvbus_bridge_slot_free;
    hv_partition_add_slot_notifier(b->partition, &b->slot_notifier);
    return true;
}

static bool hvbus_bridge_create_bus(HvbusBridge *b, Error **errp)
{
    g_autofree char *name = g_strdup_printf("%s.0", DEVICE(b)->id
                                            ? DEVICE(b)->id : "vmbus");

    b->host = qdev_new(TYPE_HVBUS_HOST);
    HVBUS_HOST(b->host)->bridge = b;
    object_property_add_child(OBJECT(b), "host", OBJECT(b->host));
    b->bus = HVBUS_BUS(qbus_new(TYPE_HVBUS_BUS, b->host, name));
    b->bus->bridge = b;
    qbus_set_hotplug_handler(BUS(b->bus), OBJECT(b));
    return sysbus_realize_and_unref(SYS_BUS_DEVICE(b->host), errp);
}

static void hvbus_bridge_realize(DeviceState *dev, Error **errp)
{
    HvbusBridge *b = HVBUS_BRIDGE(dev);

    if (!b->partition) {
        b->partition = hv_partition_find();
        if (b->partition) {
            object_ref(OBJECT(b->partition));   /* as the link property does */
        }
    }
    if (!hv_partition_require_synic(b->partition, errp)) {
        return;
    }
    hvbus_core_init(&b->core, &hvbus_bridge_ops, b);
    if (!hvbus_bridge_connect(b, errp)) {
        hvbus_core_destroy(&b->core);
        return;
    }
    if (!hvbus_bridge_create_bus(b, errp)) {
        return;
    }
    b->listener = (MemoryListener) {
        .name = "hv-vmbus",
        .commit = hvbus_bridge_memory_commit,
    };
    memory_listener_register(&b->listener,
                             hv_partition_as(b->partition, HVBUS_VTL));
    b->vm_running = runstate_is_running();
    qdev_add_vm_change_state_handler(dev, hvbus_bridge_vm_state, b);
}

/*
 * Ask the guest to let go of the device; hvbus_device_released() goes on when it
 * has, when there is no guest to ask, or when it is reset.
 */
static void hvbus_bridge_unplug_request(HotplugHandler *handler,
                                        DeviceState *qdev, Error **errp)
{
    qdev->pending_deleted_event = true;
    hvbus_device_take_back(HVBUS_DEVICE(qdev));
}

static void hvbus_bridge_unplug(HotplugHandler *handler, DeviceState *qdev,
                                Error **errp)
{
    qdev_unrealize(qdev);
}

static void hvbus_host_reset_hold(Object *obj, ResetType type)
{
    HvbusBridge *b = HVBUS_HOST(obj)->bridge;

    hvbus_core_reset(&b->core);
    b->core.target_vp = 0;
    b->core.sint = HVBUS_SINT;
}

static const Property hvbus_bridge_properties[] = {
    DEFINE_PROP_LINK("partition", HvbusBridge, partition, TYPE_HV_PARTITION,
                     HvPartition *),
    DEFINE_PROP_UINT64("low-mmio-base", HvbusBridge, low_mmio_base, 0),
    DEFINE_PROP_SIZE("low-mmio-size", HvbusBridge, low_mmio_bytes, 256 * MiB),
    DEFINE_PROP_UINT64("high-mmio-base", HvbusBridge, high_mmio_base, 0),
    DEFINE_PROP_SIZE("high-mmio-size", HvbusBridge, high_mmio_bytes, 8 * GiB),
};

static void hvbus_bridge_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HotplugHandlerClass *hhc = HOTPLUG_HANDLER_CLASS(klass);

    dc->desc = "Hyper-V VMBus server";
    dc->realize = hvbus_bridge_realize;
    dc->vmsd = &vmstate_hvbus_bridge;
    dc->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_BRIDGE, dc->categories);
    device_class_set_props(dc, hvbus_bridge_properties);
    hhc->unplug_request = hvbus_bridge_unplug_request;
    hhc->unplug = hvbus_bridge_unplug;
}

static void hvbus_host_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    /* part of hv-vmbus */
    dc->user_creatable = false;
    dc->fw_name = "vmbus";
    rc->phases.hold = hvbus_host_reset_hold;
}

static const TypeInfo hvbus_bridge_types[] = {
    {
        .name = TYPE_HVBUS_HOST,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(HvbusHost),
        .class_init = hvbus_host_class_init,
    },
    {
        .name = TYPE_HVBUS_BRIDGE,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(HvbusBridge),
        .class_init = hvbus_bridge_class_init,
        .interfaces = (InterfaceInfo[]) {
            { TYPE_HOTPLUG_HANDLER },
            { }
        },
    },
};

DEFINE_TYPES(hvbus_bridge_types)
