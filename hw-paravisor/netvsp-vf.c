/*
 * hv-net: the guest's own function of the adapter in VTL2 (accelerated networking)
 *
 * The function is a mana device whose "pf" is the card's adapter, on an hv-pci
 * bus: one that the user has made, or one made here.  The guest pairs it with the
 * card by serial number and MAC address.  Whichever comes or goes, the card is
 * told of it by QEMU's device model.  The function goes when the adapter does, and
 * before the card.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pci_host.h"
#include "hw/qdev-properties.h"
#include "monitor/qdev.h"
#include "netvsp-internal.h"

/* The function's serial number, 0 if it is none of the card's */
static uint32_t netvsp_vf_serial(HvNet *s, DeviceState *dev)
{
    BusState *bus = qdev_get_parent_bus(dev);
    g_autofree char *pf = NULL;
    Object *pci;

    if (!bus || !bus->parent || !object_dynamic_cast(OBJECT(dev), "mana")) {
        return 0;
    }
    pf = object_property_get_str(OBJECT(dev), "pf", NULL);
    /* the host bridge is hv-pci's child */
    pci = OBJECT(bus->parent)->parent;
    if (!pf || strcmp(pf, s->mana_id) || !pci ||
        !object_dynamic_cast(pci, "hv-pci")) {
        return 0;
    }
    return object_property_get_uint(pci, "serial", NULL) +
           PCI_DEVICE(dev)->devfn;
}

static void netvsp_vf_set(HvNet *s, uint32_t serial, bool present)
{
    trace_netvsp_vf_function(s->mana_id, serial, present);
    mana_drv_net_set_serial(s->mana, present ? serial : 0);
    netvsp_vf_associate(s, serial, present);
}

static void netvsp_vf_realized(DeviceListener *l, DeviceState *dev)
{
    HvNet *s = container_of(l, HvNet, vf_listener);
    uint32_t serial = netvsp_vf_serial(s, dev);

    if (serial && !s->vf) {
        s->vf = dev;
        s->vf_again = false;
        netvsp_vf_set(s, serial, true);
    }
}

/* Gone with or without the guest's consent: it has the card */
static void netvsp_vf_unrealized(DeviceListener *l, DeviceState *dev)
{
    HvNet *s = container_of(l, HvNet, vf_listener);

    if (dev == s->vf) {
        s->vf = NULL;
        s->core.data_path = NVSP_DATA_PATH_SYNTHETIC;
        mana_drv_net_set_path(s->mana, false);
        netvsp_vf_set(s, s->vf_serial, false);
        qemu_bh_schedule(s->vf_bh);
    }
}

/* The function, in the hv-pci beside the card */
static bool netvsp_vf_create(HvNet *s, Error **errp)
{
    Object *host = object_resolve_path_component(OBJECT(s->vf_pci), "host");
    DeviceState *vf = qdev_new("mana");

    qdev_prop_set_string(vf, "pf", s->mana_id);
    if (!qdev_set_id(vf, g_strdup_printf("%s-vf", DEVICE(s)->id), errp)) {
        object_unref(OBJECT(vf));
        return false;
    }
    if (!qdev_realize_and_unref(vf, BUS(PCI_HOST_BRIDGE(host)->bus), errp)) {
        object_unparent(OBJECT(vf));
        return false;
    }
    return true;
}

static bool netvsp_vf_create_bus(HvNet *s, Error **errp)
{
    const char *id = DEVICE(s)->id;
    DeviceState *pci;

    if (!id) {
        error_setg(errp, "'accelerated' needs 'id': the function's is made of "
                   "it");
        return false;
    }
    pci = qdev_new("hv-pci");
    if (!qdev_set_id(pci, g_strdup_printf("%s-pci", id), errp)) {
        object_unref(OBJECT(pci));
        return false;
    }
    if (!qdev_realize(pci, qdev_get_parent_bus(DEVICE(s)), errp)) {
        object_unparent(OBJECT(pci));
        object_unref(OBJECT(pci));
        return false;
    }
    s->vf_pci = pci;
    return true;
}

/* Ask the guest, unless it was asked, to let go of the function */
static void netvsp_vf_unplug(HvNet *s)
{
    /* it fails while the VM migrates: the next one to ask has more luck */
    if (s->vf && !s->vf->pending_deleted_event) {
        qdev_unplug(s->vf, NULL);
    }
}

static void netvsp_vf_bh(void *opaque)
{
    HvNet *s = opaque;
    Error *err = NULL;

    if (!s->vf_again || !mana_drv_net_is_there(s->mana)) {
        return;
    }
    if (s->vf) {
        netvsp_vf_unplug(s);            /* still that of the adapter before */
        return;
    }
    s->vf_again = false;
    if (!netvsp_vf_create(s, &err)) {
        warn_reportf_err(err, "hv-net '%s' has no function: ", DEVICE(s)->id);
    }
}

void netvsp_vf_adapter_changed(HvNet *s, bool is_there)
{
    if (!s->accelerated) {
        return;
    }
    if (is_there) {
        qemu_bh_schedule(s->vf_bh);
    } else if (s->vf) {
        /* a function without its adapter has no wire, and gets none again */
        s->vf_again = s->vf_pci &&
                      object_resolve_path_component(OBJECT(s->vf_pci), "host")
                      == OBJECT(qdev_get_parent_bus(s->vf)->parent);
        netvsp_vf_unplug(s);
    }
}

bool netvsp_vf_is_gone(HvNet *s)
{
    s->vf_again = false;
    netvsp_vf_unplug(s);
    return !s->vf;
}

bool netvsp_vf_realize(HvNet *s, Error **errp)
{
    if (!s->accelerated) {
        return true;
    }
    /* not from inside of another device's wait */
    s->vf_bh = aio_bh_new_guarded(iohandler_get_aio_context(), netvsp_vf_bh, s,
                                  &DEVICE(s)->mem_reentrancy_guard);
    s->vf_listener.realize = netvsp_vf_realized;
    s->vf_listener.unrealize = netvsp_vf_unrealized;
    device_listener_register(&s->vf_listener);
    return s->vf || (netvsp_vf_create_bus(s, errp) && netvsp_vf_create(s, errp));
}

void netvsp_vf_unrealize(HvNet *s)
{
    if (s->vf_listener.realize) {
        device_listener_unregister(&s->vf_listener);
        s->vf_listener.realize = NULL;
        qemu_bh_delete(s->vf_bh);
        s->vf = NULL;
    }
    if (s->vf_pci) {
        if (s->vf_pci->realized) {
            qdev_unrealize(s->vf_pci);
            object_unparent(OBJECT(s->vf_pci));
        }
        object_unref(OBJECT(s->vf_pci));
        s->vf_pci = NULL;
    }
}
