/*
 * Paravisor: VTL2's PCI bus, interrupt messages, and what is plugged into the bus
 *
 * The bus belongs to a PCI host bridge that firmware and the board's tables do not
 * know.  BARs are in VTL2's address space and in no other; configuration space is
 * reached by function calls of code in VTL2.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "hw/hotplug.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "paravisor-internal.h"

#define TYPE_VTL2_PCI_HOST "vtl2-pci-host"
OBJECT_DECLARE_SIMPLE_TYPE(Vtl2PciHost, VTL2_PCI_HOST)

struct Vtl2PciHost {
    PCIHostState parent_obj;

    Paravisor *pv;
};

PCIDevice *vtl2_bus_device(Paravisor *s, uint8_t devfn)
{
    return s->host->bus->devices[devfn];
}

Paravisor *paravisor_of_device(PCIDevice *dev)
{
    BusState *bus = qdev_get_parent_bus(DEVICE(dev));
    Object *host = bus && bus->parent
                   ? object_dynamic_cast(OBJECT(bus->parent),
                                         TYPE_VTL2_PCI_HOST) : NULL;

    return host ? VTL2_PCI_HOST(host)->pv : NULL;
}

/* --- plugging --- */

void vtl2_bus_pre_plug(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    if (object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE)) {
        error_setg(errp, "vtl2.0 has no room for PCI bridges: it is one bus");
    }
}

void vtl2_bus_plug(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    trace_vtl2_plug(PCI_DEVICE(dev)->devfn);
}

void vtl2_bus_unplug(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    Paravisor *s = PARAVISOR(h);
    uint8_t devfn = PCI_DEVICE(dev)->devfn;

    trace_vtl2_unplug(devfn);
    pci_root_removals_forget(&s->removals, devfn);
    if (s->fns[devfn]) {
        vtl2_function_remove(s->fns[devfn]);
    }
    qdev_unrealize(dev);
}

void vtl2_bus_unplug_request(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    Paravisor *s = PARAVISOR(h);

    if (pci_is_vf(PCI_DEVICE(dev))) {
        error_setg(errp, "a virtual function goes with its physical one");
        return;
    }
    dev->pending_deleted_event = true;
    pci_root_remove(&s->removals, PCI_DEVICE(dev)->devfn);
}

/* --- interrupt messages --- */

/* What is no message that VTL2 gave out leads nowhere */
static void vtl2_msi_message(void *opaque, int devfn, hwaddr offset,
                             uint32_t data)
{
    Paravisor *s = opaque;
    Vtl2Function *fn = s->fns[offset / VTL2_PAGE_BYTES];

    if (!fn || devfn != fn->dev->devfn || offset % VTL2_PAGE_BYTES ||
        data >= fn->vector_count) {
        trace_vtl2_bad_message(offset, data);
        qemu_log_mask(LOG_GUEST_ERROR, "paravisor: unknown message 0x%08x at 0x%"
                      HWADDR_PRIx "\n", data, offset);
        return;
    }
    vtl2_function_message(fn, data);
}

/* --- the bridge --- */

static void vtl2_host_realize(DeviceState *dev, Error **errp)
{
    Paravisor *s = VTL2_PCI_HOST(dev)->pv;

    pci_root_register_bus(dev, "vtl2.0", DEVICE(s), &s->bus_mmio, &s->bus_io,
                          &s->as);
}

/* Names the functions in migration streams; there is one paravisor */
static const char *vtl2_host_root_bus_path(PCIHostState *phb, PCIBus *bus)
{
    return "vtl2";
}

/* All enter phases come before the first device loses state in its hold phase */
static void vtl2_host_reset_enter(Object *obj, ResetType type)
{
    Paravisor *s = VTL2_PCI_HOST(obj)->pv;

    for (unsigned i = 0; i < VTL2_FUNCTION_COUNT; i++) {
        if (s->fns[i]) {
            vtl2_function_reset_enter(s->fns[i]);
        }
    }
}

static void vtl2_host_reset_exit(Object *obj, ResetType type)
{
    Paravisor *s = VTL2_PCI_HOST(obj)->pv;

    for (unsigned i = 0; i < VTL2_FUNCTION_COUNT; i++) {
        if (s->fns[i]) {
            vtl2_function_reset_exit(s->fns[i]);
        }
    }
}

static void vtl2_bus_map(Paravisor *s)
{
    Object *owner = OBJECT(s);

    memory_region_init(&s->bus_mmio, owner, "vtl2-bus-mmio", UINT64_MAX);
    memory_region_init(&s->bus_io, owner, "vtl2-bus-io", UINT64_MAX);
    memory_region_init_alias(&s->mmio64, owner, "vtl2-mmio64", &s->bus_mmio,
                             VTL2_MMIO64_BASE,
                             VTL2_FUNCTION_COUNT * VTL2_SLICE64_BYTES);
    memory_region_add_subregion(&s->root, VTL2_MMIO64_BASE, &s->mmio64);
    memory_region_init_alias(&s->mmio32, owner, "vtl2-mmio32", &s->bus_mmio,
                             VTL2_BUS32_BASE,
                             VTL2_FUNCTION_COUNT * VTL2_SLICE32_BYTES);
    memory_region_add_subregion(&s->root, VTL2_MMIO32_BASE, &s->mmio32);
    s->msi.opaque = s;
    s->msi.message = vtl2_msi_message;
    pci_root_msi_init(&s->msi, owner, "vtl2-msi", VTL2_MSI_BYTES);
    memory_region_add_subregion_overlap(&s->root, VTL2_MSI_BASE, &s->msi.mr, 1);
}

static void vtl2_bus_unmap(Paravisor *s)
{
    memory_region_del_subregion(&s->root, &s->mmio64);
    memory_region_del_subregion(&s->root, &s->mmio32);
    memory_region_del_subregion(&s->root, &s->msi.mr);
}

bool vtl2_bus_realize(Paravisor *s, Error **errp)
{
    DeviceState *host = qdev_new(TYPE_VTL2_PCI_HOST);

    vtl2_bus_map(s);
    s->host = PCI_HOST_BRIDGE(host);
    s->removals.owner = DEVICE(s);
    s->removals.host = s->host;
    pci_root_removals_init(&s->removals);
    VTL2_PCI_HOST(host)->pv = s;
    object_property_add_child(OBJECT(s), "host", OBJECT(host));
    /* it has no configuration address register */
    qdev_prop_set_bit(host, "x-config-reg-migration-enabled", false);
    if (!sysbus_realize_and_unref(SYS_BUS_DEVICE(host), errp)) {
        object_unparent(OBJECT(host));
        pci_root_removals_destroy(&s->removals);
        vtl2_bus_unmap(s);
        return false;
    }
    return true;
}

static void vtl2_host_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIHostBridgeClass *hc = PCI_HOST_BRIDGE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    /* part of paravisor */
    dc->user_creatable = false;
    dc->realize = vtl2_host_realize;
    dc->fw_name = "pci";
    set_bit(DEVICE_CATEGORY_BRIDGE, dc->categories);
    rc->phases.enter = vtl2_host_reset_enter;
    rc->phases.exit = vtl2_host_reset_exit;
    hc->root_bus_path = vtl2_host_root_bus_path;
}

static const TypeInfo vtl2_host_types[] = {
    {
        .name = TYPE_VTL2_PCI_HOST,
        .parent = TYPE_PCI_HOST_BRIDGE,
        .instance_size = sizeof(Vtl2PciHost),
        .class_init = vtl2_host_class_init,
    },
};

DEFINE_TYPES(vtl2_host_types)
