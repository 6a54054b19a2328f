/*
 * hv-pci: PCI functions behind VMBus
 *
 * The protocol is in vpci-core.c, its channel in vpci-channel.c, the PCI side in
 * vpci-bus.c and vpci-window.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "hw/hotplug.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "vpci-internal.h"

static const QemuUUID vpci_if_type = {
    .data = UUID(0x44c4f61d, 0x4444, 0x4400, 0x9d, 0x52,
                 0x80, 0x2e, 0x27, 0xed, 0xe1, 0x9f)
};

static HvStatus vpci_retarget(void *opaque, const HvRetarget *to)
{
    HvPci *s = opaque;
    HvStatus status = vpci_core_retarget(&s->core, to);

    trace_vpci_retarget(s->device_id, to->msi_data, to->vector, to->vp_mask,
                        status);
    return status;
}

static void vpci_realize(HvbusDevice *dev, Error **errp)
{
    HvPci *s = HV_PCI(dev);
    const uint8_t *id = dev->instance_id.data;  /* text order */

    /* Linux pci-hyperv.c, hv_arch_irq_unmask() */
    s->device_id = (uint32_t)id[4] << 24 | id[5] << 16 | id[6] << 8 |
                   (id[7] & 0xf8);
    if (!s->serial) {
        s->serial = ldl_be_p(id);
    }
    if (!hvbus_device_connect_interrupts(dev, s->device_id, vpci_retarget, s)) {
        error_setg(errp, "another hv-pci has the same 5th to 8th byte in its "
                   "instance-id");
        return;
    }
    if (!vpci_bus_realize(s, errp)) {
        hvbus_device_disconnect_interrupts(dev, s->device_id);
        return;
    }
    dev->is_withheld = true;            /* until there is a function */
}

static void vpci_unrealize(HvbusDevice *dev)
{
    HvPci *s = HV_PCI(dev);

    vpci_bus_unrealize(s);
    hvbus_device_disconnect_interrupts(dev, s->device_id);
}

static void vpci_finalize(Object *obj)
{
    g_free(HV_PCI(obj)->saved_interrupts);
}

/* --- migration --- */

static void vpci_saved_clear(HvPci *s)
{
    g_clear_pointer(&s->saved_interrupts, g_free);
    s->saved_interrupt_count = 0;
}

static int vpci_pre_save(void *opaque)
{
    HvPci *s = opaque;

    vpci_saved_clear(s);
    s->saved_open = s->is_open;
    s->saved_interrupts = g_new(VpciInterrupt, VPCI_INTERRUPT_COUNT);
    for (unsigned i = 0; i < VPCI_INTERRUPT_COUNT; i++) {
        if (s->core.interrupts[i].vector) {
            s->saved_interrupts[s->saved_interrupt_count++] =
                s->core.interrupts[i];
        }
    }
    return 0;
}

static int vpci_post_save(void *opaque)
{
    vpci_saved_clear(opaque);
    return 0;
}

static int vpci_pre_load(void *opaque)
{
    vpci_saved_clear(opaque);
    return 0;
}

static bool vpci_saved_count_ok(void *opaque, int version_id)
{
    HvPci *s = opaque;

    return s->saved_interrupt_count >= 0 &&
           s->saved_interrupt_count <= VPCI_INTERRUPT_COUNT;
}

static bool vpci_load_interrupts(HvPci *s)
{
    memset(s->core.interrupts, 0, sizeof(s->core.interrupts));
    for (int32_t i = 0; i < s->saved_interrupt_count; i++) {
        const VpciInterrupt *intr = &s->saved_interrupts[i];

        if (intr->idx >= VPCI_INTERRUPT_COUNT ||
            s->core.interrupts[intr->idx].vector) {
            return false;
        }
        s->core.interrupts[intr->idx] = *intr;
    }
    return true;
}

static bool vpci_load_channel(HvPci *s)
{
    HvbusChannel *chan = hvbus_device_channel(HVBUS_DEVICE(s), 0);

    if (s->saved_open != (chan && hvbus_channel_was_opened(chan))) {
        return false;
    }
    s->is_open = s->saved_open;
    s->chan = s->is_open ? chan : NULL;
    return s->is_open || (!s->core.version && !s->reply_pending &&
                          !s->relations_asked && !s->relations_pending);
}

static int vpci_post_load(void *opaque, int version_id)
{
    HvPci *s = opaque;
    bool is_ok = vpci_load_interrupts(s) && vpci_core_valid(&s->core) &&
                 vpci_load_channel(s) &&
                 s->reply_bytes <= sizeof(s->reply);

    vpci_saved_clear(s);
    if (!is_ok) {
        error_report("hv-pci: bad state in the migration stream");
        /* fit for a reset */
        vpci_core_reset(&s->core);
        s->is_open = false;
        s->chan = NULL;
        return -EINVAL;
    }
    vpci_bus_update_window(s);
    return 0;
}

static const VMStateDescription vmstate_vpci_interrupt = {
    .name = "hv-pci/interrupt",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(vp_mask, VpciInterrupt),
        VMSTATE_UINT16(idx, VpciInterrupt),
        VMSTATE_UINT8(devfn, VpciInterrupt),
        VMSTATE_UINT8(vector, VpciInterrupt),
        VMSTATE_UINT8(message_count, VpciInterrupt),
        VMSTATE_BOOL(is_multicast, VpciInterrupt),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_hv_pci = {
    .name = "hv-pci",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = vpci_pre_save,
    .post_save = vpci_post_save,
    .pre_load = vpci_pre_load,
    .post_load = vpci_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_HVBUS_DEVICE(parent_obj, HvPci),
        VMSTATE_BOOL(saved_open, HvPci),
        VMSTATE_UINT32(core.version, HvPci),
        VMSTATE_BOOL(core.is_d0, HvPci),
        VMSTATE_UINT64(core.window_gpa, HvPci),
        VMSTATE_UINT32(selected_slot, HvPci),
        VMSTATE_BOOL(relations_asked, HvPci),
        VMSTATE_BOOL(relations_pending, HvPci),
        VMSTATE_UINT64_ARRAY(eject_pending, HvPci, VPCI_FUNCTION_COUNT / 64),
        VMSTATE_UINT64_ARRAY(eject_sent, HvPci, VPCI_FUNCTION_COUNT / 64),
        VMSTATE_BOOL(reply_pending, HvPci),
        VMSTATE_UINT64(reply_trans_id, HvPci),
        VMSTATE_UINT32(reply_bytes, HvPci),
        VMSTATE_UINT8_ARRAY(reply, HvPci, VPCI_REPLY_BYTES),
        VMSTATE_INT32(saved_interrupt_count, HvPci),
        VMSTATE_VALIDATE("interrupts", vpci_saved_count_ok),
        VMSTATE_STRUCT_VARRAY_ALLOC(saved_interrupts, HvPci,
                                    saved_interrupt_count, 1,
                                    vmstate_vpci_interrupt, VpciInterrupt),
        VMSTATE_END_OF_LIST()
    }
};

static const Property vpci_properties[] = {
    DEFINE_PROP_UINT32("serial", HvPci, serial, 0),
    DEFINE_PROP_UINT32("numa-node", HvPci, numa_node, VPCI_NO_NUMA_NODE),
};

static void vpci_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvbusDeviceClass *hdc = HVBUS_DEVICE_CLASS(klass);
    HotplugHandlerClass *hc = HOTPLUG_HANDLER_CLASS(klass);

    dc->desc = "Hyper-V (VMBus) PCI pass-through bus";
    dc->vmsd = &vmstate_hv_pci;
    set_bit(DEVICE_CATEGORY_BRIDGE, dc->categories);
    device_class_set_props(dc, vpci_properties);

    hdc->if_type = vpci_if_type;
    hdc->offer_flags = HVBUS_OFFER_ENUMERATE;
    hdc->realize = vpci_realize;
    hdc->unrealize = vpci_unrealize;
    hdc->open = vpci_open;
    hdc->close = vpci_close;
    hdc->notify = vpci_notify;

    hc->pre_plug = vpci_bus_pre_plug;
    hc->plug = vpci_bus_plug;
    hc->unplug = vpci_bus_unplug;
    hc->unplug_request = vpci_bus_unplug_request;

    object_class_property_set_description(klass, "serial",
        "Serial number of function 0 (0: first part of instance-id)");
    object_class_property_set_description(klass, "numa-node",
        "NUMA node of the functions (default: none is told)");
}

static const TypeInfo vpci_types[] = {
    {
        .name = TYPE_HV_PCI,
        .parent = TYPE_HVBUS_DEVICE,
        .instance_size = sizeof(HvPci),
        .instance_finalize = vpci_finalize,
        .class_init = vpci_class_init,
        .interfaces = (InterfaceInfo[]) {
            { TYPE_HOTPLUG_HANDLER },
            { }
        },
    },
};

DEFINE_TYPES(vpci_types)
