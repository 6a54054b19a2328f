/*
 * hv-pci: the PCI bus, the memory around it, and what is plugged into it
 *
 * The bus belongs to a PCI host bridge that firmware and the board's tables do
 * not know.  BARs are mapped into a memory of the bus's own; the guest sees of it
 * what lies in the MMIO windows of VMBus.  The functions see guest memory, but
 * where the local APICs are they see the interrupt messages that vPCI gave out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "hw/hotplug.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/qdev-properties.h"
#include "hw/sysbus.h"
#include "vpci-internal.h"

#define TYPE_HV_PCI_HOST "hv-pci-host"
OBJECT_DECLARE_SIMPLE_TYPE(VpciHost, HV_PCI_HOST)

/* A guest that does not answer may be asked again after this */
#define VPCI_EJECT_AGAIN_MS             5000

struct VpciHost {
    PCIHostState parent_obj;

    HvPci *pci;
    char path[UUID_STR_LEN + 8];        /* names devices in migration streams */
};

static PCIBus *vpci_pci_bus(HvPci *s)
{
    return s->host->bus;
}

/* Functions whose device has no function 0 yet are not to be seen */
static bool vpci_bus_is_shown(HvPci *s, uint8_t devfn)
{
    PCIBus *bus = vpci_pci_bus(s);
    PCIDevice *d = bus->devices[devfn];

    return d && !pci_is_vf(d) && bus->devices[PCI_DEVFN(PCI_SLOT(devfn), 0)];
}

PCIDevice *vpci_function(HvPci *s, uint8_t devfn)
{
    return vpci_core_has_function(&s->core, devfn)
           ? vpci_pci_bus(s)->devices[devfn] : NULL;
}

/*
 * The set of functions may have changed; @s is realized.  False if a first
 * function cannot be offered.
 */
static bool vpci_bus_update_functions(HvPci *s)
{
    uint64_t now[VPCI_FUNCTION_COUNT / 64] = { 0 };
    bool has_any = false;

    for (unsigned i = 0; i < VPCI_FUNCTION_COUNT; i++) {
        if (vpci_bus_is_shown(s, i)) {
            vpci_set_bit(now, i);
            has_any = true;
        } else if (vpci_core_has_function(&s->core, i)) {
            vpci_core_free_interrupts(&s->core, i);
            vpci_clear_bit(s->eject_pending, i);
            vpci_clear_bit(s->eject_sent, i);
        }
    }
    if (!memcmp(now, s->core.functions, sizeof(now))) {
        return true;
    }
    /* Linux sets up the memory of a bus once: an empty one must be new to it */
    if (!hvbus_device_set_offered(HVBUS_DEVICE(s), has_any)) {
        return false;
    }
    memcpy(s->core.functions, now, sizeof(now));
    if (s->is_open && s->relations_asked) {
        s->relations_pending = true;
        hvbus_channel_kick(s->chan);
    }
    return true;
}

void vpci_bus_describe(HvPci *s, GArray *functions)
{
    bool has_node = s->numa_node != VPCI_NO_NUMA_NODE;

    for (unsigned i = 0; i < VPCI_FUNCTION_COUNT; i++) {
        PCIDevice *d = vpci_function(s, i);
        const uint8_t *cfg;
        VpciFunction2Wire f;

        if (!d) {
            continue;
        }
        /* the device's configuration space has the wire's byte order */
        cfg = d->config;
        memset(&f, 0, sizeof(f));
        memcpy(&f.base.vendor_id, cfg + PCI_VENDOR_ID, 2);
        memcpy(&f.base.device_id, cfg + PCI_DEVICE_ID, 2);
        f.base.revision = cfg[PCI_REVISION_ID];
        f.base.prog_if = cfg[PCI_CLASS_PROG];
        f.base.subclass = cfg[PCI_CLASS_DEVICE];
        f.base.base_class = cfg[PCI_CLASS_DEVICE + 1];
        memcpy(&f.base.subsystem, cfg + PCI_SUBSYSTEM_VENDOR_ID, 4);
        f.base.slot = cpu_to_le32(vpci_slot(i));
        f.base.serial = cpu_to_le32(s->serial + i);
        f.flags = cpu_to_le32(has_node ? VPCI_FUNCTION2_NUMA : 0);
        f.numa_node = cpu_to_le16(has_node ? s->numa_node : 0);
        g_array_append_val(functions, f);
    }
}

/* What reading a BAR gives after all ones were written to it */
void vpci_bus_probe_bars(HvPci *s, uint8_t devfn,
                         uint32_t bars[VPCI_BAR_COUNT])
{
    PCIDevice *d = vpci_function(s, devfn);

    for (unsigned i = 0; d && i < VPCI_BAR_COUNT; i++) {
        const PCIIORegion *r = &d->io_regions[i];
        uint64_t mask = ~(r->size - 1);

        if (!r->size || r->type & PCI_BASE_ADDRESS_SPACE_IO) {
            continue;
        }
        bars[i] = cpu_to_le32((uint32_t)mask | r->type);
        if (r->type & PCI_BASE_ADDRESS_MEM_TYPE_64 && i + 1 < VPCI_BAR_COUNT) {
            bars[++i] = cpu_to_le32(mask >> 32);
        }
    }
}

void vpci_bus_update_window(HvPci *s)
{
    trace_vpci_window(s->device_id, s->core.is_d0, s->core.window_gpa);
    if (memory_region_is_mapped(&s->window)) {
        memory_region_del_subregion(&s->mmio, &s->window);
        memory_region_del_subregion(&s->dma, &s->window_hole);
    }
    if (s->core.is_d0) {
        memory_region_add_subregion_overlap(&s->dma, s->core.window_gpa,
                                            &s->window_hole, 1);
        memory_region_add_subregion_overlap(&s->mmio, s->core.window_gpa,
                                            &s->window, 2);     /* BARs: 1 */
    }
}

void vpci_bus_reset_function(HvPci *s, uint8_t devfn)
{
    PCIDevice *d = vpci_function(s, devfn);

    if (d) {
        trace_vpci_reset_function(s->device_id, devfn);
        object_ref(OBJECT(d));
        pci_root_busy_begin(&s->removals);
        pci_device_reset(d);
        pci_root_busy_end(&s->removals);
        object_unref(OBJECT(d));
    }
}

void vpci_bus_reset_all(HvPci *s)
{
    for (unsigned i = 0; i < VPCI_FUNCTION_COUNT; i++) {
        vpci_bus_reset_function(s, i);
    }
}

void vpci_bus_set_power(HvPci *s, uint8_t devfn, bool on)
{
    PCIDevice *d = vpci_function(s, devfn);
    uint16_t command;

    if (d) {
        command = pci_get_word(d->config + PCI_COMMAND);
        command = on ? command | PCI_COMMAND_MEMORY
                     : command & ~(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
        d->config_write(d, PCI_COMMAND, command, 2);
    }
}

/* --- plugging --- */

void vpci_bus_pre_plug(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    if (object_dynamic_cast(OBJECT(dev), TYPE_PCI_BRIDGE)) {
        error_setg(errp, "hv-pci has no room for PCI bridges: it is one bus");
    }
}

void vpci_bus_plug(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    HvPci *s = HV_PCI(h);

    trace_vpci_plug(s->device_id, PCI_DEVICE(dev)->devfn);
    if (!vpci_bus_update_functions(s)) {
        error_setg(errp, "no VMBus channel is left for hv-pci");
    }
}

void vpci_bus_unplug(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    HvPci *s = HV_PCI(h);

    trace_vpci_unplug(s->device_id, PCI_DEVICE(dev)->devfn);
    pci_root_removals_forget(&s->removals, PCI_DEVICE(dev)->devfn);
    qdev_unrealize(dev);
    vpci_bus_update_functions(s);
}

/* Ask the guest to let go of the function, if it knows of it */
void vpci_bus_unplug_request(HotplugHandler *h, DeviceState *dev, Error **errp)
{
    HvPci *s = HV_PCI(h);
    PCIDevice *d = PCI_DEVICE(dev);
    uint8_t devfn = d->devfn;

    if (pci_is_vf(d)) {
        error_setg(errp, "a virtual function goes with its physical one");
        return;
    }
    dev->pending_deleted_event = true;
    if (s->is_open && s->relations_asked && vpci_function(s, devfn)) {
        dev->pending_deleted_expires_ms =
            qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + VPCI_EJECT_AGAIN_MS;
        vpci_clear_bit(s->eject_sent, devfn);
        vpci_set_bit(s->eject_pending, devfn);
        hvbus_channel_kick(s->chan);
    } else {
        pci_root_remove(&s->removals, devfn);
    }
}

static void vpci_bus_removed(DeviceState *dev)
{
    vpci_kick_missed(HV_PCI(dev));
}

/* --- the bridge --- */

static void vpci_host_realize(DeviceState *dev, Error **errp)
{
    VpciHost *h = HV_PCI_HOST(dev);
    const char *id = DEVICE(h->pci)->id;
    g_autofree char *name = id ? g_strdup_printf("%s.0", id) : NULL;
    char uuid[UUID_STR_LEN];

    qemu_uuid_unparse(&HVBUS_DEVICE(h->pci)->instance_id, uuid);
    snprintf(h->path, sizeof(h->path), "hv-pci/%s", uuid);
    pci_root_register_bus(dev, name, DEVICE(h->pci), &h->pci->mmio,
                          &h->pci->io, &h->pci->dma_as);
}

static const char *vpci_host_root_bus_path(PCIHostState *phb, PCIBus *bus)
{
    return HV_PCI_HOST(phb)->path;
}

static void vpci_init_memory(HvPci *s)
{
    Object *owner = OBJECT(s);
    MemoryRegion *guest = hvbus_device_as(HVBUS_DEVICE(s))->root;

    memory_region_init(&s->mmio, owner, "hv-pci-mmio", UINT64_MAX);
    memory_region_init(&s->io, owner, "hv-pci-io", UINT64_MAX);
    memory_region_init_io(&s->window, owner, &vpci_window_ops, s,
                          "hv-pci-window", VPCI_WINDOW_BYTES);
    for (unsigned i = 0; i < VPCI_RANGE_COUNT; i++) {
        VpciRange *r = &s->core.ranges[i];

        if (r->bytes) {
            memory_region_init_alias(&s->guest_views[i], owner, "hv-pci-view",
                                     &s->mmio, r->base, r->bytes);
            memory_region_add_subregion_overlap(guest, r->base,
                                                &s->guest_views[i], 0);
        }
    }

    memory_region_init(&s->dma, owner, "hv-pci-dma", UINT64_MAX);
    memory_region_init_alias(&s->dma_memory, owner, "hv-pci-dma-memory", guest,
                             0, UINT64_MAX);
    memory_region_add_subregion(&s->dma, 0, &s->dma_memory);
    /* a function that writes its own configuration would reset itself in DMA */
    memory_region_init_io(&s->window_hole, owner, NULL, s,
                          "hv-pci-window-hole", VPCI_WINDOW_BYTES);
    s->msi.opaque = s;
    s->msi.message = vpci_msi_message;
    pci_root_msi_init(&s->msi, owner, "hv-pci-msi", VPCI_MSI_BYTES);
    memory_region_add_subregion_overlap(&s->dma, VPCI_MSI_ADDRESS, &s->msi.mr,
                                        1);
    address_space_init(&s->dma_as, &s->dma, "hv-pci-dma");
}

static void vpci_fini_memory(HvPci *s)
{
    MemoryRegion *guest = hvbus_device_as(HVBUS_DEVICE(s))->root;

    for (unsigned i = 0; i < VPCI_RANGE_COUNT; i++) {
        if (s->core.ranges[i].bytes) {
            memory_region_del_subregion(guest, &s->guest_views[i]);
        }
    }
    address_space_destroy(&s->dma_as);
    memory_region_del_subregion(&s->dma, &s->msi.mr);
    memory_region_del_subregion(&s->dma, &s->dma_memory);
}

bool vpci_bus_realize(HvPci *s, Error **errp)
{
    DeviceState *host = qdev_new(TYPE_HV_PCI_HOST);

    for (unsigned i = 0; i < VPCI_RANGE_COUNT; i++) {
        VpciRange *r = &s->core.ranges[i];

        if (!hvbus_device_mmio_window(HVBUS_DEVICE(s), i, &r->base,
                                      &r->bytes)) {
            r->base = r->bytes = 0;
        }
    }
    vpci_init_memory(s);
    s->host = PCI_HOST_BRIDGE(host);
    s->removals.owner = DEVICE(s);
    s->removals.host = s->host;
    s->removals.done = vpci_bus_removed;
    pci_root_removals_init(&s->removals);
    HV_PCI_HOST(host)->pci = s;
    object_property_add_child(OBJECT(s), "host", OBJECT(host));
    /* its configuration address register is none of the guest's */
    qdev_prop_set_bit(host, "x-config-reg-migration-enabled", false);
    if (!sysbus_realize_and_unref(SYS_BUS_DEVICE(host), errp)) {
        object_unparent(OBJECT(host));
        pci_root_removals_destroy(&s->removals);
        vpci_fini_memory(s);
        return false;
    }
    return true;
}

void vpci_bus_unrealize(HvPci *s)
{
    object_unparent(OBJECT(s->host));
    s->host = NULL;
    pci_root_removals_destroy(&s->removals);
    vpci_fini_memory(s);
}

static void vpci_host_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIHostBridgeClass *hc = PCI_HOST_BRIDGE_CLASS(klass);

    /* part of hv-pci */
    dc->user_creatable = false;
    dc->realize = vpci_host_realize;
    dc->unrealize = pci_root_unregister_bus;
    dc->fw_name = "pci";
    set_bit(DEVICE_CATEGORY_BRIDGE, dc->categories);
    hc->root_bus_path = vpci_host_root_bus_path;
}

static const TypeInfo vpci_host_types[] = {
    {
        .name = TYPE_HV_PCI_HOST,
        .parent = TYPE_PCI_HOST_BRIDGE,
        .instance_size = sizeof(VpciHost),
        .class_init = vpci_host_class_init,
    },
};

DEFINE_TYPES(vpci_host_types)
