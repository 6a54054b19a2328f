/*
 * VMBus: the base of its devices and the bus they sit on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "monitor/monitor.h"
#include "hw/hotplug.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "vmbus-internal.h"
#include "trace.h"

HvbusBridge *hvbus_device_bridge(HvbusDevice *dev)
{
    return HVBUS_BUS(qdev_get_parent_bus(DEVICE(dev)))->bridge;
}

AddressSpace *hvbus_device_as(HvbusDevice *dev)
{
    return dev->as;
}

uint64_t hvbus_device_ref_time_100ns(HvbusDevice *dev)
{
    return hv_partition_ref_time_100ns(hvbus_device_bridge(dev)->partition);
}

HvbusChannel *hvbus_device_channel(HvbusDevice *dev, uint16_t idx)
{
    guint i;

    for (i = 0; i < dev->channels->len; i++) {
        HvbusChannel *chan = dev->channels->pdata[i];

        if (chan->idx == idx) {
            return chan;
        }
    }
    return NULL;
}

HvbusDevice *hvbus_find_device(HvbusBridge *b, const uint8_t *instance_id)
{
    BusChild *kid;

    QTAILQ_FOREACH(kid, &BUS(b->bus)->children, sibling) {
        HvbusDevice *dev = HVBUS_DEVICE(kid->child);

        if (kid->child->realized &&
            !memcmp(dev->instance_id.data, instance_id, 16)) {
            return dev;
        }
    }
    return NULL;
}

void hvbus_device_offer(HvbusDevice *dev, HvbusOffer *offer)
{
    HvbusDeviceClass *hc = HVBUS_DEVICE_GET_CLASS(dev);

    memset(offer, 0, sizeof(*offer));
    memcpy(offer->if_type, hc->if_type.data, sizeof(offer->if_type));
    memcpy(offer->instance_id, dev->instance_id.data,
           sizeof(offer->instance_id));
    offer->flags = hc->offer_flags;
    offer->mmio_megabytes = hc->mmio_megabytes;
    if (hc->fill_offer) {
        hc->fill_offer(dev, offer->user_def);
    }
}

/*
 * A name-based UUID (RFC 4122 version 5 form) from the type and the id, so that
 * the same command line gives the guest the same device; without an id, from the
 * number of the device among those of its type.
 */
static void hvbus_device_derive_id(HvbusDevice *dev, HvbusBridge *b)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
    const char *type = object_get_typename(OBJECT(dev));
    uint8_t digest[20];
    gsize digest_bytes = sizeof(digest);
    unsigned int n = 0;

    do {
        g_autofree char *name = DEVICE(dev)->id
            ? g_strdup_printf("hv-vmbus:%s:id:%s", type, DEVICE(dev)->id)
            : g_strdup_printf("hv-vmbus:%s:%u", type, n);

        g_checksum_reset(sum);
        g_checksum_update(sum, (const guchar *)name, -1);
        digest_bytes = sizeof(digest);
        g_checksum_get_digest(sum, digest, &digest_bytes);
        memcpy(dev->instance_id.data, digest, 16);
        dev->instance_id.data[6] = (dev->instance_id.data[6] & 0x0f) | 0x50;
        dev->instance_id.data[8] = (dev->instance_id.data[8] & 0x3f) | 0x80;
        n++;
    } while (!DEVICE(dev)->id && n <= HVBUS_RELID_MAX &&
             hvbus_find_device(b, dev->instance_id.data));
}

static bool hvbus_device_add_primary(HvbusDevice *dev, HvbusBridge *b,
                                     Error **errp)
{
    HvbusChannel *chan;
    HvbusCoreChannel *core;
    HvbusOffer offer;

    hvbus_device_offer(dev, &offer);
    chan = hvbus_channel_new(b, dev, 0);
    core = hvbus_core_add(&b->core, &offer, 0, chan);
    if (!core) {
        hvbus_channel_drop(chan);
        error_setg(errp, "no VMBus channel is left, or instance-id is in use");
        return false;
    }
    if (!hvbus_channel_attach(chan, core)) {
        hvbus_core_remove(&b->core, core);
        error_setg(errp, "VMBus connection id of the channel is in use");
        return false;
    }
    return true;
}

static void hvbus_device_realize(DeviceState *qdev, Error **errp)
{
    HvbusDevice *dev = HVBUS_DEVICE(qdev);
    HvbusDeviceClass *hc = HVBUS_DEVICE_GET_CLASS(dev);
    HvbusBridge *b = hvbus_device_bridge(dev);
    Error *err = NULL;

    if (qemu_uuid_is_null(&dev->instance_id)) {
        hvbus_device_derive_id(dev, b);
    }
    if (hvbus_find_device(b, dev->instance_id.data)) {
        error_setg(errp, "another VMBus device has the same instance-id");
        return;
    }
    dev->as = hv_partition_as(b->partition, HVBUS_VTL);
    if (hc->realize) {
        hc->realize(dev, &err);
        if (err) {
            error_propagate(errp, err);
            return;
        }
    }
    if (!dev->is_withheld && !hvbus_device_add_primary(dev, b, errp)) {
        if (hc->unrealize) {
            hc->unrealize(dev);
        }
        return;
    }
    hvbus_bridge_flush(b);
}

static void hvbus_device_unrealize(DeviceState *qdev)
{
    HvbusDevice *dev = HVBUS_DEVICE(qdev);
    HvbusDeviceClass *hc = HVBUS_DEVICE_GET_CLASS(dev);
    HvbusBridge *b = hvbus_device_bridge(dev);
    HvbusChannel *primary = hvbus_device_channel(dev, 0);

    dev->unplug_scheduled = true;
    timer_del(dev->unplug_timer);
    if (primary && primary->core) {
        hvbus_core_rescind(&b->core, primary->core, true);
        hvbus_bridge_flush(b);
    }
    if (hc->unrealize) {
        hc->unrealize(dev);
    }
}

bool hvbus_device_set_offered(HvbusDevice *dev, bool is_offered)
{
    HvbusBridge *b = hvbus_device_bridge(dev);
    HvbusChannel *primary = hvbus_device_channel(dev, 0);
    bool is_ok = true;

    if (dev->is_withheld != is_offered || dev->unplug_scheduled) {
        return true;
    }
    trace_hvbus_device_set_offered(DEVICE(dev)->id ? DEVICE(dev)->id : "",
                                   is_offered);
    dev->is_withheld = !is_offered;
    if (is_offered) {
        is_ok = hvbus_device_add_primary(dev, b, NULL);
        dev->is_withheld = !is_ok;
    } else if (primary && primary->core) {
        hvbus_core_rescind(&b->core, primary->core, true);
    }
    hvbus_bridge_flush(b);
    return is_ok;
}

bool hvbus_device_connect_interrupts(HvbusDevice *dev, uint32_t device_id,
                                     HvbusRetargetHandler handler,
                                     void *opaque)
{
    return hv_partition_connect_device(hvbus_device_bridge(dev)->partition,
                                       HVBUS_VTL, device_id, handler, opaque);
}

void hvbus_device_disconnect_interrupts(HvbusDevice *dev, uint32_t device_id)
{
    hv_partition_disconnect_device(hvbus_device_bridge(dev)->partition,
                                   HVBUS_VTL, device_id);
}

bool hvbus_device_interrupt(HvbusDevice *dev, uint32_t vp, uint8_t vector)
{
    return hv_partition_interrupt(hvbus_device_bridge(dev)->partition, vp,
                                  HVBUS_VTL, vector);
}

bool hvbus_offer_subchannels(HvbusDevice *dev, uint16_t count)
{
    HvbusBridge *b = hvbus_device_bridge(dev);
    HvbusOffer offer;
    uint16_t i;

    if (dev->channels->len != 1) {
        return false;
    }
    hvbus_device_offer(dev, &offer);
    for (i = 1; i <= count; i++) {
        HvbusChannel *chan = hvbus_channel_new(b, dev, i);
        HvbusCoreChannel *core = hvbus_core_add(&b->core, &offer, i, chan);

        if (!core) {
            hvbus_channel_drop(chan);
        } else if (hvbus_channel_attach(chan, core)) {
            continue;
        } else {
            hvbus_core_rescind(&b->core, core, true);
        }
        while (--i) {
            chan = hvbus_device_channel(dev, i);
            hvbus_core_rescind(&b->core, chan->core, true);
        }
        break;
    }
    hvbus_bridge_flush(b);
    return dev->channels->len == count + 1u;
}

static void hvbus_unplug_bh(void *opaque)
{
    HvbusDevice *dev = opaque;
    DeviceState *qdev = DEVICE(dev);

    if (qdev->realized && qdev_get_parent_bus(qdev)) {
        hotplug_handler_unplug(qdev_get_hotplug_handler(qdev), qdev,
                               &error_abort);
        object_unparent(OBJECT(qdev));
    }
    object_unref(OBJECT(dev));
}

/*
 * Outside of what let go of the device: a hypercall's handler, a reset, or an
 * event loop that one of them runs, which leaves the iohandler's context alone
 */
void hvbus_device_released(HvbusDevice *dev)
{
    if (!dev->unplug_scheduled) {
        dev->unplug_scheduled = true;
        object_ref(OBJECT(dev));
        replay_bh_schedule_oneshot_event(iohandler_get_aio_context(),
                                         hvbus_unplug_bh, dev);
    }
}

bool hvbus_device_has_rested(HvbusDevice *dev, bool is_at_rest,
                             unsigned int looks)
{
    if (!is_at_rest) {
        dev->unplug_rest = 0;
        return false;
    }
    dev->unplug_rest += all_cpu_threads_idle() ? HVBUS_UNPLUG_IDLE_WEIGHT : 1;
    return dev->unplug_rest > looks * HVBUS_UNPLUG_IDLE_WEIGHT;
}

/* True if the driver is at rest, not there, or out of time; else look again */
static bool hvbus_device_is_at_rest(HvbusDevice *dev, HvbusChannel *primary)
{
    HvbusDeviceClass *hc = HVBUS_DEVICE_GET_CLASS(dev);
    int64_t now_ms = qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL);

    if (!hc->unplug_ready || !hvbus_channel_is_open(primary) ||
        hc->unplug_ready(dev)) {
        return true;
    }
    if (!dev->unplug_deadline_ms) {
        dev->unplug_deadline_ms = now_ms + HVBUS_UNPLUG_MAX_MS;
    } else if (now_ms >= dev->unplug_deadline_ms) {
        return true;
    }
    timer_mod(dev->unplug_timer, now_ms + HVBUS_UNPLUG_POLL_MS);
    return false;
}

void hvbus_device_take_back(HvbusDevice *dev)
{
    HvbusBridge *b = hvbus_device_bridge(dev);
    HvbusChannel *primary = hvbus_device_channel(dev, 0);

    if (!primary || !primary->core) {
        hvbus_device_released(dev);
    } else if (hvbus_device_is_at_rest(dev, primary)) {
        trace_hvbus_device_take_back(primary->relid);
        timer_del(dev->unplug_timer);
        dev->unplug_deadline_ms = 0;
        dev->unplug_rest = 0;
        hvbus_core_rescind(&b->core, primary->core, false);
        hvbus_bridge_flush(b);
    }
}

static void hvbus_device_unplug_timer(void *opaque)
{
    hvbus_device_take_back(opaque);
}

static void hvbus_device_init(Object *obj)
{
    HvbusDevice *dev = HVBUS_DEVICE(obj);

    dev->channels = g_ptr_array_new();
    dev->unplug_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL,
                                     hvbus_device_unplug_timer, dev);
}

static void hvbus_device_finalize(Object *obj)
{
    HvbusDevice *dev = HVBUS_DEVICE(obj);

    timer_free(dev->unplug_timer);
    g_ptr_array_free(dev->channels, true);
    g_free(dev->saved_rings);
}

static const Property hvbus_device_properties[] = {
    DEFINE_PROP_UUID_NODEFAULT("instance-id", HvbusDevice, instance_id),
};

static void hvbus_device_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->bus_type = TYPE_HVBUS_BUS;
    dc->realize = hvbus_device_realize;
    dc->unrealize = hvbus_device_unrealize;
    device_class_set_props(dc, hvbus_device_properties);
}

/* Names the device's section in a migration stream and its firmware path */
static char *hvbus_bus_get_dev_path(DeviceState *qdev)
{
    char id[UUID_STR_LEN];

    qemu_uuid_unparse(&HVBUS_DEVICE(qdev)->instance_id, id);
    return g_strdup_printf("vmbus/%s", id);
}

static char *hvbus_bus_get_fw_dev_path(DeviceState *qdev)
{
    char id[UUID_STR_LEN];

    qemu_uuid_unparse(&HVBUS_DEVICE(qdev)->instance_id, id);
    return g_strdup_printf("%s@%s", qdev_fw_name(qdev), id);
}

static void hvbus_bus_print_dev(Monitor *mon, DeviceState *qdev, int indent)
{
    HvbusDevice *dev = HVBUS_DEVICE(qdev);
    guint i;

    for (i = 0; i < dev->channels->len; i++) {
        HvbusChannel *chan = dev->channels->pdata[i];

        monitor_printf(mon, "%*schannel %u: relid %u, %s\n", indent, "",
                       chan->idx, chan->relid,
                       qatomic_read(&chan->has_failed) ? "failed" :
                       hvbus_channel_is_open(chan) ? "open" : "closed");
    }
}

static void hvbus_bus_class_init(ObjectClass *klass, void *data)
{
    BusClass *bc = BUS_CLASS(klass);

    bc->get_dev_path = hvbus_bus_get_dev_path;
    bc->get_fw_dev_path = hvbus_bus_get_fw_dev_path;
    bc->print_dev = hvbus_bus_print_dev;
}

static const TypeInfo hvbus_device_types[] = {
    {
        .name = TYPE_HVBUS_BUS,
        .parent = TYPE_BUS,
        .instance_size = sizeof(HvbusBus),
        .class_init = hvbus_bus_class_init,
    },
    {
        .name = TYPE_HVBUS_DEVICE,
        .parent = TYPE_DEVICE,
        .abstract = true,
        .instance_size = sizeof(HvbusDevice),
        .instance_init = hvbus_device_init,
        .instance_finalize = hvbus_device_finalize,
        .class_size = sizeof(HvbusDeviceClass),
        .class_init = hvbus_device_class_init,
    },
};

DEFINE_TYPES(hvbus_device_types)
