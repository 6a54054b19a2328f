/*
 * What the PCI roots of hv-pci and the paravisor share
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef PCI_ROOT_H
#define PCI_ROOT_H

#include "qemu/bitmap.h"
#include "exec/memory.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_host.h"
#include "hw/qdev-core.h"

/*
 * Make the root bus of the host bridge @host: without line interrupts, with DMA in
 * @as.  @owner is the HotplugHandler.  BQL
 */
void pci_root_register_bus(DeviceState *host, const char *name,
                           DeviceState *owner, MemoryRegion *mmio,
                           MemoryRegion *io, AddressSpace *as);
void pci_root_unregister_bus(DeviceState *host);

/* Plain DMA does not say whose it is */
#define PCI_ROOT_NO_DEVFN       (-1)

/* Memory that functions write interrupt messages to; reads as all ones */
typedef struct PciRootMsi {
    MemoryRegion mr;

    /* set by the owner */
    void *opaque;
    /* @devfn wrote @data at @offset, or PCI_ROOT_NO_DEVFN did */
    void (*message)(void *opaque, int devfn, hwaddr offset, uint32_t data);
} PciRootMsi;

void pci_root_msi_init(PciRootMsi *m, Object *owner, const char *name,
                       uint64_t bytes);

/*
 * Functions on the root bus that are to be unplugged.  That happens outside of
 * what asks for it and of what waits in the middle of a function, such as a reset
 * that drains disks: nested event loops do not run the iohandler's context.
 */
typedef struct PciRootRemovals {
    /* set by the owner */
    DeviceState *owner;                 /* the bus' HotplugHandler */
    PCIHostState *host;
    void (*done)(DeviceState *owner);   /* after some went; may be NULL */

    DECLARE_BITMAP(devfns, PCI_DEVFN_MAX);
    unsigned busy;                      /* no function may be removed now */
    QEMUBH *bh;
} PciRootRemovals;

void pci_root_removals_init(PciRootRemovals *r);
void pci_root_removals_destroy(PciRootRemovals *r);
/* Unplug @devfn, if there is something then; later than this call in any case */
void pci_root_remove(PciRootRemovals *r, uint8_t devfn);
/* @devfn goes by other means */
void pci_root_removals_forget(PciRootRemovals *r, uint8_t devfn);
/* Around work inside of a function.  Nests */
void pci_root_busy_begin(PciRootRemovals *r);
void pci_root_busy_end(PciRootRemovals *r);

#endif /* PCI_ROOT_H */
