/*
 * Paravisor: what its parts owe each other
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef PARAVISOR_INTERNAL_H
#define PARAVISOR_INTERNAL_H

#include "qemu/bitmap.h"
#include "qemu/units.h"
#include "exec/memory.h"
#include "hw/pci/pci_host.h"
#include "hw/qdev-core.h"
#include "paravisor.h"
#include "pci-root.h"
#include "trace.h"
#include "vtl2-pages-core.h"

/*
 * VTL2's address space.  VTL0's begins at 0, as far as VTL2 and its functions can
 * reach it; all else lies above.  A GDMA setup command carries 52 bits.
 */
#define VTL2_VTL0_BYTES         (1ull << 48)
#define VTL2_RAM_BASE           (1ull << 48)
#define VTL2_MMIO64_BASE        (VTL2_RAM_BASE + (1ull << 40))
#define VTL2_MMIO32_BASE        (VTL2_RAM_BASE + (2ull << 40))
/* Interrupt messages: where VTL0 has its own.  One page per function */
#define VTL2_MSI_BASE           0xfee00000u
#define VTL2_MSI_BYTES          (VTL2_FUNCTION_COUNT * VTL2_PAGE_BYTES)

/* On the bus; 32 bit BARs have a window below 4 GiB there */
#define VTL2_BUS32_BASE         0x80000000u
/* Each function has a slice of either window, so that addresses need no memory */
#define VTL2_SLICE64_BYTES      (4 * GiB)
#define VTL2_SLICE32_BYTES      (4 * MiB)

#define VTL2_FUNCTION_COUNT     256     /* one bus */
#define VTL2_BAR_COUNT          6
#define VTL2_MAX_VECTORS        2048    /* MSI-X has no more */

#define PARAVISOR_MIN_MEMORY    (1 * MiB)
#define PARAVISOR_MAX_MEMORY    (4 * GiB)
#define PARAVISOR_DEFAULT_MEMORY (32 * MiB)

struct Vtl2Function {
    Paravisor *pv;
    PCIDevice *dev;                     /* NULL: gone */
    const Vtl2Driver *drv;
    void *driver;
    const ParavisorProvider *provider;
    void *provider_opaque;
    uint32_t owner;                     /* of pages */
    QEMUTimer *timer;

    /* migrated */
    bool start_pending;
    int64_t deadline_ns;                /* INT64_MAX: none */
    uint64_t interrupts;                /* messages so far */
    /* messages that the driver has yet to be told of */
    uint64_t pending[VTL2_MAX_VECTORS / 64];

    /* derived, from the function's configuration space */
    uint64_t bar_addr[VTL2_BAR_COUNT];  /* in VTL2's address space; 0: none */
    uint64_t bar_bytes[VTL2_BAR_COUNT];
    uint16_t vector_count;
    uint16_t msix_cap;                  /* 0: none */
    uint64_t msix_table;                /* address in VTL2's address space */

    bool is_resetting;                  /* reset of the VM */
    bool is_released;                   /* to be freed after the last call */
    unsigned calls;                     /* of the driver that have not returned */
};

/* A part of RAM, by where it is in QEMU */
typedef struct Vtl2HostRange {
    uintptr_t host;
    uint64_t bytes;
    uint64_t addr;
} Vtl2HostRange;

struct Paravisor {
    DeviceState parent_obj;

    /* properties */
    uint64_t memory_bytes;

    /* host only */
    PCIHostState *host;
    MemoryRegion root;                  /* VTL2's view */
    MemoryRegion vtl0;
    MemoryRegion ram;
    MemoryRegion mmio64;
    MemoryRegion mmio32;
    PciRootMsi msi;
    MemoryRegion bus_mmio;              /* the bus' view */
    MemoryRegion bus_io;
    AddressSpace as;
    MemoryListener listener;
    GArray *host_ranges;                /* Vtl2HostRange, ascending */
    unsigned last_range;                /* the hit of the last look-up */
    void *ram_ptr;
    bool is_touched;                    /* RAM, since it was last marked dirty */
    Vtl2Pages pages;
    uint32_t next_owner;
    QEMUBH *bh;

    Vtl2Function *fns[VTL2_FUNCTION_COUNT];
    PciRootRemovals removals;           /* .busy: in drivers, register writes */
    /* functions for which the bottom half has something to do */
    DECLARE_BITMAP(busy, VTL2_FUNCTION_COUNT);
};

/* paravisor.c */
void paravisor_kick(Paravisor *s);

/* vtl2-bus.c */
bool vtl2_bus_realize(Paravisor *s, Error **errp);
void vtl2_bus_pre_plug(HotplugHandler *h, DeviceState *dev, Error **errp);
void vtl2_bus_plug(HotplugHandler *h, DeviceState *dev, Error **errp);
void vtl2_bus_unplug(HotplugHandler *h, DeviceState *dev, Error **errp);
void vtl2_bus_unplug_request(HotplugHandler *h, DeviceState *dev, Error **errp);
PCIDevice *vtl2_bus_device(Paravisor *s, uint8_t devfn);

/* vtl2-function.c */
void vtl2_function_reset_enter(Vtl2Function *fn);
void vtl2_function_reset_exit(Vtl2Function *fn);
void vtl2_function_forget(Vtl2Function *fn);
/* A message from the function */
void vtl2_function_message(Vtl2Function *fn, uint32_t vector);
/* Tell the driver what happened.  False if it must wait for the VM to run */
bool vtl2_function_run(Vtl2Function *fn);
void vtl2_function_remove(Vtl2Function *fn);

/* vtl2-config.c: the function's configuration space, as a guest OS uses it */
/* Look for BARs and MSI-X */
bool vtl2_config_probe(Vtl2Function *fn, Error **errp);
void vtl2_config_setup(Vtl2Function *fn);
void vtl2_config_mask(Vtl2Function *fn, unsigned vector, bool mask);
void vtl2_config_disable(Vtl2Function *fn);
/* Reset the function and set it up */
void vtl2_config_flr(Vtl2Function *fn);

/* vtl2-dma.c */
bool vtl2_dma_alloc(Vtl2Function *fn, size_t bytes, Vtl2Dma *dma);
void vtl2_dma_free(Vtl2Function *fn, Vtl2Dma *dma);
void vtl2_dma_listen(Paravisor *s);
void vtl2_dma_unlisten(Paravisor *s);

#endif /* PARAVISOR_INTERNAL_H */
