/*
 * hv-pci: the configuration window, and the memory that takes interrupt messages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "vpci-internal.h"

static PCIDevice *vpci_selected(HvPci *s)
{
    uint8_t devfn;

    return vpci_slot_parse(s->selected_slot, &devfn) ? vpci_function(s, devfn)
                                                     : NULL;
}

/*
 * What a guest of vPCI has no use for and must not see: I/O ports and the ROM,
 * for which it has no addresses.
 */
static bool vpci_config_is_hidden(PCIDevice *d, uint32_t offset)
{
    unsigned bar = (offset - PCI_BASE_ADDRESS_0) / 4;

    if (offset >= PCI_BASE_ADDRESS_0 && bar < VPCI_BAR_COUNT) {
        return d->io_regions[bar].size &&
               d->io_regions[bar].type & PCI_BASE_ADDRESS_SPACE_IO;
    }
    return (offset & ~3) == PCI_ROM_ADDRESS;
}

/* Nor the interrupt pin: there are no line interrupts.  Accesses are aligned */
static uint32_t vpci_config_hide_pin(uint32_t offset, unsigned size,
                                     uint32_t val)
{
    if (offset <= PCI_INTERRUPT_PIN && offset + size > PCI_INTERRUPT_PIN) {
        val &= ~(0xffu << (PCI_INTERRUPT_PIN - offset) * 8);
    }
    return val;
}

static uint64_t vpci_window_read(void *opaque, hwaddr addr, unsigned size)
{
    HvPci *s = opaque;
    uint32_t offset = addr - VPCI_WINDOW_CONFIG;
    PCIDevice *d;
    uint32_t val;

    if (addr < VPCI_WINDOW_CONFIG) {
        return addr == VPCI_WINDOW_SLOT ? s->selected_slot : 0;
    }
    d = vpci_selected(s);
    if (!d) {
        val = ~0u;
    } else if (vpci_config_is_hidden(d, offset)) {
        val = 0;
    } else {
        val = pci_host_config_read_common(d, offset, pci_config_size(d), size);
        val = vpci_config_hide_pin(offset, size, val);
    }
    trace_vpci_config_read(s->device_id, s->selected_slot, offset, size, val);
    return val;
}

static void vpci_window_write(void *opaque, hwaddr addr, uint64_t val,
                              unsigned size)
{
    HvPci *s = opaque;
    uint32_t offset = addr - VPCI_WINDOW_CONFIG;
    PCIDevice *d;

    if (addr < VPCI_WINDOW_CONFIG) {
        if (addr == VPCI_WINDOW_SLOT) {
            s->selected_slot = val;
        }
        return;
    }
    d = vpci_selected(s);
    trace_vpci_config_write(s->device_id, s->selected_slot, offset, size, val);
    if (d && !vpci_config_is_hidden(d, offset)) {
        pci_host_config_write_common(d, offset, pci_config_size(d), val, size);
    }
}

const MemoryRegionOps vpci_window_ops = {
    .read = vpci_window_read,
    .write = vpci_window_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = {
        .min_access_size = 1,
        .max_access_size = 4,
    },
};

/* A function writes a message; what is no message of its own leads nowhere */
void vpci_msi_message(void *opaque, int devfn, hwaddr offset, uint32_t data)
{
    HvPci *s = opaque;
    const VpciInterrupt *intr = NULL;
    uint64_t vps;

    if (devfn != PCI_ROOT_NO_DEVFN) {
        intr = vpci_core_find(&s->core, devfn, VPCI_MSI_ADDRESS + offset, data);
    }
    if (!intr) {
        vpci_guest_error(s, "function %d writes unknown message 0x%08x", devfn,
                         data);
        return;
    }
    for (vps = intr->vp_mask; vps; vps &= vps - 1) {
        if (hvbus_device_interrupt(HVBUS_DEVICE(s), ctz64(vps),
                                   intr->vector)) {
            trace_vpci_interrupt(s->device_id, devfn, data, ctz64(vps),
                                 intr->vector);
            if (!intr->is_multicast) {
                break;
            }
        }
    }
}
