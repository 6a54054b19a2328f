/*
 * hv-scsi: a VMBus SCSI controller that is a QEMU SCSI bus
 *
 * The protocol is in storvsp-core.c, SCSI itself in QEMU's SCSI layer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "hw/boards.h"
#include "hw/hotplug.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "hw/virtio/iothread-vq-mapping.h"
#include "migration/vmstate.h"
#include "system/block-backend.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "storvsp-internal.h"

static const QemuUUID storvsp_if_type = {
    .data = UUID(0xba6163d9, 0x04a1, 0x4d29, 0xb6, 0x05,
                 0x72, 0xe2, 0xff, 0xb1, 0xdc, 0x7f)
};

/* Requests to a unit, or to all, are cancelled before its reset returns */
static void storvsp_reset_lun(HvScsi *s, const StorvspControl *ctl)
{
    SCSIDevice *d = scsi_device_get(&s->bus, ctl->path, ctl->target, ctl->lun);

    if (d && d->lun == ctl->lun) {
        device_cold_reset(DEVICE(d));
    }
    object_unref(d);
}

static uint32_t storvsp_offer_subchannels(HvScsi *s, uint16_t count)
{
    HvbusDevice *dev = HVBUS_DEVICE(s);

    /* only once, and the primary may have closed meanwhile */
    if (count >= s->num_queues || !s->chans[0].is_open ||
        !hvbus_offer_subchannels(dev, count)) {
        return STORVSP_STATUS_INVALID_DEVICE_STATE;
    }
    return STORVSP_STATUS_SUCCESS;
}

static void storvsp_run_control(StorvspChannel *ch)
{
    HvScsi *s = ch->s;
    StorvspControl ctl = ch->ctl;
    uint32_t status = STORVSP_STATUS_SUCCESS;

    switch (ctl.action) {
    case STORVSP_ACT_SUBCHANNELS:
        status = storvsp_offer_subchannels(s, ctl.subchannel_count);
        break;
    case STORVSP_ACT_RESET_BUS:
        bus_cold_reset(BUS(&s->bus));
        break;
    case STORVSP_ACT_RESET_LUN:
        storvsp_reset_lun(s, &ctl);
        break;
    }
    /* the event loop ran: the channel may have closed and opened again */
    if (ch->is_open && ch->ctl.state == STORVSP_CTL_RUNNING &&
        ch->ctl.trans_id == ctl.trans_id) {
        ch->ctl.status = status;
        qatomic_store_release(&ch->ctl.state, STORVSP_CTL_DONE);
        hvbus_channel_kick(ch->chan);
    }
}

/* Main loop: what channels left to it */
static void storvsp_control_bh(void *opaque)
{
    HvScsi *s = opaque;

    if (s->is_stopped) {
        return;                         /* scheduled again with the VM */
    }
    for (int i = 0; i < s->num_queues; i++) {
        StorvspChannel *ch = &s->chans[i];

        if (qatomic_load_acquire(&ch->ctl.state) == STORVSP_CTL_PENDING) {
            qatomic_set(&ch->ctl.state, STORVSP_CTL_RUNNING);
            storvsp_run_control(ch);
        }
    }
    if (qatomic_read(&s->has_srb) && qatomic_read(&s->rescan_pending)) {
        storvsp_rescan(s);
    }
}

static void storvsp_vm_state_change(void *opaque, bool running, RunState state)
{
    HvScsi *s = opaque;

    qatomic_set(&s->is_stopped, !running);
    if (!running) {
        storvsp_settle(s);
    } else if (replay_mode == REPLAY_MODE_NONE) {
        qemu_bh_schedule(s->ctl_bh);
        storvsp_kick_all(s);
    }
}

void storvsp_drained_begin(SCSIBus *bus)
{
    HvScsi *s = container_of(bus, HvScsi, bus);

    qatomic_set(&s->is_drained, true);
}

void storvsp_drained_end(SCSIBus *bus)
{
    HvScsi *s = container_of(bus, HvScsi, bus);

    qatomic_set(&s->is_drained, false);
    storvsp_kick_all(s);
}

static bool storvsp_open(HvbusDevice *dev, HvbusChannel *chan,
                         const uint8_t *user_data)
{
    HvScsi *s = HV_SCSI(dev);
    uint16_t idx = hvbus_channel_idx(chan);

    if (idx >= s->num_queues) {
        return false;
    }
    storvsp_channel_detach(&s->chans[idx]);
    trace_storvsp_open(idx, hvbus_channel_relid(chan),
                       hvbus_channel_target_vp(chan));
    storvsp_channel_attach(&s->chans[idx], chan);
    return true;
}

static void storvsp_close(HvbusDevice *dev, HvbusChannel *chan)
{
    HvScsi *s = HV_SCSI(dev);
    uint16_t idx = hvbus_channel_idx(chan);

    if (idx >= s->num_queues) {
        return;
    }
    trace_storvsp_close(idx, s->chans[idx].inflight_count);
    storvsp_channel_detach(&s->chans[idx]);
    if (idx == 0) {
        storvsp_core_reset(&s->core);
        s->rescan_pending = false;
        s->has_srb = false;
    }
}

/*
 * Linux flushes the caches of disks that it removes, and does not get over it when
 * it does so in a rescinded channel.  So the disks go first.
 */
static bool storvsp_unplug_ready(HvbusDevice *dev)
{
    HvScsi *s = HV_SCSI(dev);

    if (!qatomic_xchg(&s->is_unplugging, true)) {
        storvsp_rescan(s);
    }
    if (!qatomic_read(&s->has_srb)) {
        return true;
    }
    return hvbus_device_has_rested(dev, storvsp_is_at_rest(s),
                                   STORVSP_REST_LOOKS);
}

static void storvsp_reset_hold(Object *obj, ResetType type)
{
    HvScsi *s = HV_SCSI(obj);

    /* the bus closes the channels; the units reset as children */
    s->rescan_pending = false;
    s->has_srb = false;
}

static bool storvsp_check_properties(HvScsi *s, Error **errp)
{
    if (s->max_transfer_bytes < STORVSP_MIN_TRANSFER_BYTES ||
        s->max_transfer_bytes > STORVSP_MAX_TRANSFER_BYTES ||
        s->max_transfer_bytes % HV_PAGE_SIZE) {
        error_setg(errp, "max-transfer-bytes must be a multiple of 4096 "
                   "between %u and %u", (unsigned)STORVSP_MIN_TRANSFER_BYTES,
                   (unsigned)STORVSP_MAX_TRANSFER_BYTES);
        return false;
    }
    if (s->num_queues > STORVSP_MAX_QUEUES) {
        error_setg(errp, "num-queues must be at most %u", STORVSP_MAX_QUEUES);
        return false;
    }
    if (s->iothread && s->iothread_map) {
        error_setg(errp, "iothread and iothread-vq-mapping cannot be set at "
                   "the same time");
        return false;
    }
    return true;
}

/* Make the channels, each with the context that serves it */
static bool storvsp_make_channels(HvScsi *s, Error **errp)
{
    g_autofree AioContext **ctxs = g_new(AioContext *, s->num_queues);
    AioContext *ctx = qemu_get_aio_context();

    if (s->iothread) {
        ctx = iothread_get_aio_context(s->iothread);
        object_ref(OBJECT(s->iothread));
    }
    for (int i = 0; i < s->num_queues; i++) {
        ctxs[i] = ctx;
    }
    if (s->iothread_map &&
        !iothread_vq_mapping_apply(s->iothread_map, ctxs, s->num_queues,
                                   errp)) {
        return false;
    }
    s->chans = g_new0(StorvspChannel, s->num_queues);
    for (int i = 0; i < s->num_queues; i++) {
        storvsp_channel_init(s, i, ctxs[i]);
    }
    return true;
}

static void storvsp_realize(HvbusDevice *dev, Error **errp)
{
    HvScsi *s = HV_SCSI(dev);

    if (!storvsp_check_properties(s, errp)) {
        return;
    }
    if (!s->num_queues) {
        s->num_queues = MIN(MACHINE(qdev_get_machine())->smp.max_cpus,
                            STORVSP_MAX_QUEUES);
    }
    if (!storvsp_make_channels(s, errp)) {
        return;
    }
    s->core.max_subchannels = s->num_queues - 1;
    s->core.max_transfer_bytes = s->max_transfer_bytes;
    storvsp_core_reset(&s->core);

    scsi_bus_init(&s->bus, sizeof(s->bus), DEVICE(dev), &storvsp_scsi_info);
    qbus_set_hotplug_handler(BUS(&s->bus), OBJECT(dev));
    s->is_stopped = !runstate_is_running();
    s->ctl_bh = qemu_bh_new_guarded(storvsp_control_bh, s,
                                    &DEVICE(dev)->mem_reentrancy_guard);
    s->vm_state_entry = qdev_add_vm_change_state_handler(DEVICE(dev),
                            storvsp_vm_state_change, s);
}

static void storvsp_unrealize(HvbusDevice *dev)
{
    HvScsi *s = HV_SCSI(dev);

    qemu_del_vm_change_state_handler(s->vm_state_entry);
    for (int i = 0; i < s->num_queues; i++) {
        storvsp_channel_detach(&s->chans[i]);
    }
    qemu_bh_delete(s->ctl_bh);
    qbus_set_hotplug_handler(BUS(&s->bus), NULL);
    g_clear_pointer(&s->chans, g_free);
    if (s->iothread) {
        object_unref(OBJECT(s->iothread));
    }
    if (s->iothread_map) {
        iothread_vq_mapping_cleanup(s->iothread_map);
    }
}

static void storvsp_unit_pre_plug(HotplugHandler *hotplug, DeviceState *dev,
                                  Error **errp)
{
    SCSIDevice *d = SCSI_DEVICE(dev);

    d->hba_supports_iothread = true;
    if (d->id == -1 && d->lun == -1) {
        /* target 0 has room for 255 units, the SCSI layer would find two */
        d->id = 0;
    }
}

static void storvsp_unit_plug(HotplugHandler *hotplug, DeviceState *dev,
                              Error **errp)
{
    HvScsi *s = HV_SCSI(hotplug);
    SCSIDevice *d = SCSI_DEVICE(dev);

    trace_storvsp_plug(d->channel, d->id, d->lun);
    if (s->chans[0].ctx != qemu_get_aio_context()) {
        /* I/O works from any context; it is faster from the same one */
        blk_set_aio_context(d->conf.blk, s->chans[0].ctx, NULL);
    }
    storvsp_rescan(s);
}

static void storvsp_unit_unplug(HotplugHandler *hotplug, DeviceState *dev,
                                Error **errp)
{
    HvScsi *s = HV_SCSI(hotplug);
    SCSIDevice *d = SCSI_DEVICE(dev);

    trace_storvsp_unplug(d->channel, d->id, d->lun);
    qdev_simple_device_unplug_cb(hotplug, dev, errp);
    if (s->chans[0].ctx != qemu_get_aio_context()) {
        blk_set_aio_context(d->conf.blk, qemu_get_aio_context(), NULL);
    }
    storvsp_rescan(s);
}

static int storvsp_channel_post_load(void *opaque, int version_id)
{
    StorvspChannel *ch = opaque;
    StorvspDone *d;

    ch->done_count = 0;
    QTAILQ_FOREACH(d, &ch->done, next) {
        ch->done_count++;
    }
    if (ch->done_count > STORVSP_MAX_OUTSTANDING ||
        ch->ctl.state >= STORVSP_CTL_STATE_COUNT ||
        (!ch->is_open && (ch->done_count || ch->ctl.state))) {
        error_report("hv-scsi: bad channel in the migration stream");
        return -EINVAL;
    }
    if (ch->ctl.state == STORVSP_CTL_RUNNING) {
        ch->ctl.state = STORVSP_CTL_PENDING;
    }
    return 0;
}

static int storvsp_post_load(void *opaque, int version_id)
{
    HvScsi *s = opaque;
    HvbusDevice *dev = HVBUS_DEVICE(s);

    if (!storvsp_core_valid(&s->core) ||
        (s->core.state != STORVSP_UNINITIALIZED && !s->chans[0].is_open)) {
        error_report("hv-scsi: bad protocol state in the migration stream");
        return -EINVAL;
    }
    for (int i = 0; i < s->num_queues; i++) {
        StorvspChannel *ch = &s->chans[i];
        HvbusChannel *chan = hvbus_device_channel(dev, i);

        /* a channel that failed is open here and not there */
        if (ch->is_open ? !chan : chan && hvbus_channel_is_open(chan)) {
            error_report("hv-scsi: channel %d is open in one place only", i);
            return -EINVAL;
        }
        if (ch->is_open) {
            storvsp_channel_attach(ch, chan);
        }
    }
    return 0;
}

static const VMStateDescription vmstate_storvsp_done = {
    .name = "hv-scsi/done",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(trans_id, StorvspDone),
        VMSTATE_BUFFER_UNSAFE(msg, StorvspDone, 1, STORVSP_PACKET_BYTES),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_storvsp_channel = {
    .name = "hv-scsi/channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = storvsp_channel_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(is_open, StorvspChannel),
        VMSTATE_UINT8(ctl.state, StorvspChannel),
        VMSTATE_UINT8(ctl.action, StorvspChannel),
        VMSTATE_BOOL(ctl.wants_completion, StorvspChannel),
        VMSTATE_UINT8(ctl.path, StorvspChannel),
        VMSTATE_UINT8(ctl.target, StorvspChannel),
        VMSTATE_UINT8(ctl.lun, StorvspChannel),
        VMSTATE_UINT16(ctl.subchannel_count, StorvspChannel),
        VMSTATE_UINT32(ctl.status, StorvspChannel),
        VMSTATE_UINT64(ctl.trans_id, StorvspChannel),
        VMSTATE_QTAILQ_V(done, StorvspChannel, 1, vmstate_storvsp_done,
                         StorvspDone, next),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_hv_scsi = {
    .name = "hv-scsi",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = storvsp_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_HVBUS_DEVICE(parent_obj, HvScsi),
        VMSTATE_UINT16_EQUAL(num_queues, HvScsi,
                             "the num-queues properties differ"),
        VMSTATE_UINT32_EQUAL(max_transfer_bytes, HvScsi,
                             "the max-transfer-bytes properties differ"),
        VMSTATE_UINT8(core.state, HvScsi),
        VMSTATE_UINT16(core.version, HvScsi),
        VMSTATE_BOOL(rescan_pending, HvScsi),
        VMSTATE_BOOL(has_srb, HvScsi),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT16(chans, HvScsi, num_queues,
                                             vmstate_storvsp_channel,
                                             StorvspChannel),
        VMSTATE_END_OF_LIST()
    }
};

static const Property storvsp_properties[] = {
    DEFINE_PROP_UINT16("num-queues", HvScsi, num_queues, 0),
    DEFINE_PROP_SIZE32("max-transfer-bytes", HvScsi, max_transfer_bytes, MiB),
    DEFINE_PROP_LINK("iothread", HvScsi, iothread, TYPE_IOTHREAD, IOThread *),
    DEFINE_PROP_IOTHREAD_VQ_MAPPING_LIST("iothread-vq-mapping", HvScsi,
                                         iothread_map),
};

static void storvsp_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvbusDeviceClass *hdc = HVBUS_DEVICE_CLASS(klass);
    HotplugHandlerClass *hc = HOTPLUG_HANDLER_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Hyper-V (VMBus) SCSI controller";
    dc->vmsd = &vmstate_hv_scsi;
    set_bit(DEVICE_CATEGORY_STORAGE, dc->categories);
    device_class_set_props(dc, storvsp_properties);
    rc->phases.hold = storvsp_reset_hold;

    hdc->if_type = storvsp_if_type;
    hdc->offer_flags = HVBUS_OFFER_ENUMERATE;
    hdc->realize = storvsp_realize;
    hdc->unrealize = storvsp_unrealize;
    hdc->open = storvsp_open;
    hdc->close = storvsp_close;
    hdc->unplug_ready = storvsp_unplug_ready;
    hdc->notify = storvsp_notify;

    hc->pre_plug = storvsp_unit_pre_plug;
    hc->plug = storvsp_unit_plug;
    hc->unplug = storvsp_unit_unplug;

    object_class_property_set_description(klass, "num-queues",
        "Channels the guest may use (0: one per vCPU, at most 64)");
    object_class_property_set_description(klass, "max-transfer-bytes",
        "Longest transfer of one request, a multiple of 4096");
    object_class_property_set_description(klass, "iothread",
        "IOThread that serves all channels (default: the main loop)");
    object_class_property_set_description(klass, "iothread-vq-mapping",
        "IOThreads for the channels by number, as for virtio-scsi");
}

static const TypeInfo storvsp_types[] = {
    {
        .name = TYPE_HV_SCSI,
        .parent = TYPE_HVBUS_DEVICE,
        .instance_size = sizeof(HvScsi),
        .class_init = storvsp_class_init,
        .interfaces = (InterfaceInfo[]) {
            { TYPE_HOTPLUG_HANDLER },
            { }
        },
    },
};

DEFINE_TYPES(storvsp_types)
