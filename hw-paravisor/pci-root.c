/*
 * What the PCI roots of hv-pci and the paravisor share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/rcu_queue.h"
#include "hw/hotplug.h"
#include "hw/pci/pci_bus.h"
#include "system/replay.h"
#include "pci-root.h"

/* --- the bus --- */

/* Nobody was shown a pin */
static void pci_root_set_irq(void *opaque, int irq, int level)
{
}

static int pci_root_map_irq(PCIDevice *d, int pin)
{
    return 0;
}

static AddressSpace *pci_root_get_dma_as(PCIBus *bus, void *opaque, int devfn)
{
    return opaque;
}

static const PCIIOMMUOps pci_root_iommu_ops = {
    .get_address_space = pci_root_get_dma_as,
};

/*
 * Put the host bridge @dev behind the others of its bus.  A -device that names no
 * bus gets the first that fits, and that is to be the board's.
 */
static void pci_root_move_last(DeviceState *dev)
{
    BusState *bus = qdev_get_parent_bus(dev);
    BusChild *kid;

    WITH_RCU_READ_LOCK_GUARD() {
        QTAILQ_FOREACH_RCU(kid, &bus->children, sibling) {
            if (kid->child == dev) {
                break;
            }
        }
    }
    if (kid) {
        QTAILQ_REMOVE_RCU(&bus->children, kid, sibling);
        QTAILQ_INSERT_TAIL_RCU(&bus->children, kid, sibling);
    }
}

void pci_root_register_bus(DeviceState *host, const char *name,
                           DeviceState *owner, MemoryRegion *mmio,
                           MemoryRegion *io, AddressSpace *as)
{
    PCIBus *bus = pci_register_root_bus(host, name, pci_root_set_irq,
                                        pci_root_map_irq, NULL, mmio, io, 0, 1,
                                        TYPE_PCIE_BUS);

    PCI_HOST_BRIDGE(host)->bus = bus;
    pci_setup_iommu(bus, &pci_root_iommu_ops, as);
    qbus_set_hotplug_handler(BUS(bus), OBJECT(owner));
    pci_root_move_last(host);
}

void pci_root_unregister_bus(DeviceState *host)
{
    PCIBus *bus = PCI_HOST_BRIDGE(host)->bus;

    qbus_set_hotplug_handler(BUS(bus), NULL);
    pci_unregister_root_bus(bus);
}

/* --- interrupt messages --- */

static MemTxResult pci_root_msi_write(void *opaque, hwaddr addr, uint64_t data,
                                      unsigned size, MemTxAttrs attrs)
{
    PciRootMsi *m = opaque;

    m->message(m->opaque, attrs.unspecified ? PCI_ROOT_NO_DEVFN
                                            : attrs.requester_id & 0xff,
               addr, data);
    return MEMTX_OK;
}

static MemTxResult pci_root_msi_read(void *opaque, hwaddr addr, uint64_t *data,
                                     unsigned size, MemTxAttrs attrs)
{
    *data = ~0ull;
    return MEMTX_OK;
}

static const MemoryRegionOps pci_root_msi_ops = {
    .read_with_attrs = pci_root_msi_read,
    .write_with_attrs = pci_root_msi_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
    .impl = {
        .min_access_size = 4,
        .max_access_size = 4,
    },
};

void pci_root_msi_init(PciRootMsi *m, Object *owner, const char *name,
                       uint64_t bytes)
{
    memory_region_init_io(&m->mr, owner, &pci_root_msi_ops, m, name, bytes);
    /* takes no part in what a function or its driver is doing now */
    m->mr.disable_reentrancy_guard = true;
}

/* --- removal --- */

static void pci_root_remove_soon(PciRootRemovals *r)
{
    if (!r->busy && !bitmap_empty(r->devfns, PCI_DEVFN_MAX)) {
        replay_bh_schedule_event(r->bh);
    }
}

static void pci_root_remove_bh(void *opaque)
{
    PciRootRemovals *r = opaque;
    unsigned long i;

    if (r->busy) {
        return;                         /* whoever is busy asks again */
    }
    r->busy++;
    for (i = find_first_bit(r->devfns, PCI_DEVFN_MAX); i < PCI_DEVFN_MAX;
         i = find_next_bit(r->devfns, PCI_DEVFN_MAX, i + 1)) {
        PCIDevice *d = r->host->bus->devices[i];

        clear_bit(i, r->devfns);
        if (d) {
            hotplug_handler_unplug(HOTPLUG_HANDLER(r->owner), DEVICE(d),
                                   &error_abort);
            object_unparent(OBJECT(d));
        }
    }
    r->busy--;
    if (r->done) {
        r->done(r->owner);
    }
    pci_root_remove_soon(r);
}

void pci_root_removals_init(PciRootRemovals *r)
{
    r->bh = aio_bh_new_guarded(iohandler_get_aio_context(), pci_root_remove_bh,
                               r, &r->owner->mem_reentrancy_guard);
}

void pci_root_removals_destroy(PciRootRemovals *r)
{
    qemu_bh_delete(r->bh);
    r->bh = NULL;
}

void pci_root_remove(PciRootRemovals *r, uint8_t devfn)
{
    set_bit(devfn, r->devfns);
    pci_root_remove_soon(r);
}

void pci_root_removals_forget(PciRootRemovals *r, uint8_t devfn)
{
    clear_bit(devfn, r->devfns);
}

void pci_root_busy_begin(PciRootRemovals *r)
{
    r->busy++;
}

void pci_root_busy_end(PciRootRemovals *r)
{
    r->busy--;
    pci_root_remove_soon(r);
}
