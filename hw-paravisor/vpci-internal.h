/*
 * hv-pci: shared by vpci*.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VPCI_INTERNAL_H
#define VPCI_INTERNAL_H

#include "hw/vmbus/vmbus-channel.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_device.h"
#include "hw/pci/pci_host.h"
#include "qemu/log.h"
#include "pci-root.h"
#include "vpci-core.h"
#include "trace.h"

#define TYPE_HV_PCI "hv-pci"
OBJECT_DECLARE_SIMPLE_TYPE(HvPci, HV_PCI)

#define VPCI_NO_NUMA_NODE               UINT32_MAX

/* All under the BQL; the channel is served in the main loop */
struct HvPci {
    HvbusDevice parent_obj;

    /* properties */
    uint32_t serial;                    /* 0: from the instance id */
    uint32_t numa_node;                 /* VPCI_NO_NUMA_NODE: none */

    /* migrated */
    bool is_open;
    VpciCore core;
    uint32_t selected_slot;             /* in the configuration window */
    bool relations_asked;               /* since the channel opened */
    bool relations_pending;             /* to be sent */
    uint64_t eject_pending[VPCI_FUNCTION_COUNT / 64];   /* EJECT to be sent */
    uint64_t eject_sent[VPCI_FUNCTION_COUNT / 64];      /* answer to come */
    bool reply_pending;                 /* did not fit into the ring */
    uint64_t reply_trans_id;
    uint32_t reply_bytes;
    uint8_t reply[VPCI_REPLY_BYTES];
    bool saved_open;
    int32_t saved_interrupt_count;
    VpciInterrupt *saved_interrupts;    /* those in use */

    /* host only */
    uint32_t device_id;                 /* for the guest's retarget hypercall */
    HvbusChannel *chan;                 /* while open */
    PCIHostState *host;
    MemoryRegion mmio;                  /* what the functions' BARs are put into */
    MemoryRegion io;                    /* leads nowhere */
    MemoryRegion guest_views[VPCI_RANGE_COUNT]; /* of .mmio, in guest memory */
    MemoryRegion window;                /* in .mmio, in D0 */
    MemoryRegion window_hole;           /* in .dma, in its place */
    MemoryRegion dma;                   /* what functions see: */
    MemoryRegion dma_memory;            /* guest memory and */
    PciRootMsi msi;                     /* where messages go, over it */
    AddressSpace dma_as;
    PciRootRemovals removals;           /* .busy: in a packet, a reset */
    bool missed_notify;
};

#define vpci_guest_error(s, fmt, ...)                                       \
    do {                                                                    \
        trace_vpci_guest_error((s)->device_id, __LINE__);                   \
        qemu_log_mask(LOG_GUEST_ERROR, "hv-pci 0x%08x: " fmt "\n",          \
                      (s)->device_id, ## __VA_ARGS__);                      \
    } while (0)

static inline bool vpci_bit(const uint64_t *bits, uint8_t devfn)
{
    return bits[devfn / 64] >> devfn % 64 & 1;
}

static inline void vpci_set_bit(uint64_t *bits, uint8_t devfn)
{
    bits[devfn / 64] |= BIT_ULL(devfn % 64);
}

static inline void vpci_clear_bit(uint64_t *bits, uint8_t devfn)
{
    bits[devfn / 64] &= ~BIT_ULL(devfn % 64);
}

/* vpci-bus.c: the PCI bus, its memory, what is plugged into it */
bool vpci_bus_realize(HvPci *s, Error **errp);
void vpci_bus_unrealize(HvPci *s);
/* The function that the guest may address as @devfn, or NULL */
PCIDevice *vpci_function(HvPci *s, uint8_t devfn);
/* Put the window to where the core says, or take it away */
void vpci_bus_update_window(HvPci *s);
/* Reset the function, and all; I/O that it does is waited for or cancelled */
void vpci_bus_reset_function(HvPci *s, uint8_t devfn);
void vpci_bus_reset_all(HvPci *s);
void vpci_bus_set_power(HvPci *s, uint8_t devfn, bool on);
void vpci_bus_describe(HvPci *s, GArray *functions);
void vpci_bus_probe_bars(HvPci *s, uint8_t devfn,
                         uint32_t bars[VPCI_BAR_COUNT]);
void vpci_bus_pre_plug(HotplugHandler *h, DeviceState *dev, Error **errp);
void vpci_bus_plug(HotplugHandler *h, DeviceState *dev, Error **errp);
void vpci_bus_unplug(HotplugHandler *h, DeviceState *dev, Error **errp);
void vpci_bus_unplug_request(HotplugHandler *h, DeviceState *dev,
                             Error **errp);

/* vpci-channel.c */
bool vpci_open(HvbusDevice *dev, HvbusChannel *chan, const uint8_t *user_data);
void vpci_close(HvbusDevice *dev, HvbusChannel *chan);
void vpci_notify(HvbusDevice *dev, HvbusChannel *chan);
/* .busy has ended: packets that came meanwhile are to be looked at */
void vpci_kick_missed(HvPci *s);

/* vpci-window.c: what the guest and the functions reach by memory accesses */
extern const MemoryRegionOps vpci_window_ops;
void vpci_msi_message(void *opaque, int devfn, hwaddr offset, uint32_t data);

#endif /* VPCI_INTERNAL_H */
