/*
 * Paravisor: configuration space of VTL2's functions
 *
 * What the PCI code of an operating system does: sizing and placing BARs, MSI-X,
 * function level reset; all of it by configuration and register accesses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/pci/pci_regs.h"
#include "paravisor-internal.h"

/* The list is in 192 bytes, an entry has at least 4 */
#define PCI_MAX_CAPS            48

static uint32_t vtl2_config_read(Vtl2Function *fn, uint32_t offset,
                                 unsigned bytes)
{
    return pci_host_config_read_common(fn->dev, offset,
                                       pci_config_size(fn->dev), bytes);
}

static void vtl2_config_write(Vtl2Function *fn, uint32_t offset, uint32_t val,
                              unsigned bytes)
{
    pci_host_config_write_common(fn->dev, offset, pci_config_size(fn->dev),
                                 val, bytes);
}

/* Offset of the capability, 0 if the function has none of that kind */
static uint16_t vtl2_config_find_cap(Vtl2Function *fn, uint8_t id)
{
    uint16_t status = vtl2_config_read(fn, PCI_STATUS, 2);
    uint8_t offset = PCI_CAPABILITY_LIST;

    if (!(status & PCI_STATUS_CAP_LIST)) {
        return 0;
    }
    for (unsigned i = 0; i < PCI_MAX_CAPS; i++) {
        offset = vtl2_config_read(fn, offset, 1) & ~3;
        if (offset < PCI_STD_HEADER_SIZEOF) {
            return 0;
        }
        if (vtl2_config_read(fn, offset + PCI_CAP_LIST_ID, 1) == id) {
            return offset;
        }
        offset += PCI_CAP_LIST_NEXT;
    }
    return 0;
}

/* What the BAR register says after all ones were written; 0: no memory BAR */
static uint64_t vtl2_config_size_bar(Vtl2Function *fn, unsigned bar,
                                     bool *is_64)
{
    uint32_t reg = PCI_BASE_ADDRESS_0 + bar * 4;
    uint64_t mask;
    uint32_t low;

    vtl2_config_write(fn, reg, ~0u, 4);
    low = vtl2_config_read(fn, reg, 4);
    *is_64 = false;
    if (!low || low & PCI_BASE_ADDRESS_SPACE_IO) {
        return 0;
    }
    mask = (low & (uint32_t)PCI_BASE_ADDRESS_MEM_MASK) | 0xffffffffull << 32;
    *is_64 = low & PCI_BASE_ADDRESS_MEM_TYPE_64 && bar + 1 < VTL2_BAR_COUNT;
    if (*is_64) {
        vtl2_config_write(fn, reg + 4, ~0u, 4);
        mask = (uint32_t)mask |
               (uint64_t)vtl2_config_read(fn, reg + 4, 4) << 32;
    }
    return ~mask + 1;
}

/* Sizes, and places in the windows: the same ones each time */
static bool vtl2_config_find_bars(Vtl2Function *fn, Error **errp)
{
    uint8_t devfn = fn->dev->devfn;
    uint64_t base64 = VTL2_MMIO64_BASE + devfn * VTL2_SLICE64_BYTES;
    uint64_t base32 = VTL2_MMIO32_BASE + devfn * VTL2_SLICE32_BYTES;
    uint64_t next64 = base64, next32 = base32;
    bool is_64;

    vtl2_config_write(fn, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
    for (unsigned bar = 0; bar < VTL2_BAR_COUNT; bar += is_64 ? 2 : 1) {
        uint64_t bytes = vtl2_config_size_bar(fn, bar, &is_64);
        uint64_t end = is_64 ? base64 + VTL2_SLICE64_BYTES
                             : base32 + VTL2_SLICE32_BYTES;
        uint64_t *next = is_64 ? &next64 : &next32;
        uint64_t addr;

        if (!bytes) {
            continue;
        }
        addr = ROUND_UP(*next, bytes);
        if (bytes > VTL2_SLICE64_BYTES || addr > end - bytes) {
            error_setg(errp, "BAR %u is too large for the paravisor's bus",
                       bar);
            return false;
        }
        fn->bar_addr[bar] = addr;
        fn->bar_bytes[bar] = bytes;
        *next = addr + bytes;
    }
    return true;
}

static bool vtl2_config_find_msix(Vtl2Function *fn, Error **errp)
{
    uint32_t table;
    unsigned bar;

    fn->msix_cap = vtl2_config_find_cap(fn, PCI_CAP_ID_MSIX);
    if (!fn->msix_cap) {
        return true;
    }
    fn->vector_count =
        (vtl2_config_read(fn, fn->msix_cap + PCI_MSIX_FLAGS, 2) &
         PCI_MSIX_FLAGS_QSIZE) + 1;
    table = vtl2_config_read(fn, fn->msix_cap + PCI_MSIX_TABLE, 4);
    bar = table & PCI_MSIX_FLAGS_BIRMASK;
    table &= ~PCI_MSIX_FLAGS_BIRMASK;
    if (bar >= VTL2_BAR_COUNT ||
        fn->vector_count * PCI_MSIX_ENTRY_SIZE > fn->bar_bytes[bar] ||
        table > fn->bar_bytes[bar] - fn->vector_count * PCI_MSIX_ENTRY_SIZE) {
        error_setg(errp, "the MSI-X table is not in the function's memory");
        return false;
    }
    fn->msix_table = fn->bar_addr[bar] + table;
    return true;
}

bool vtl2_config_probe(Vtl2Function *fn, Error **errp)
{
    return vtl2_config_find_bars(fn, errp) && vtl2_config_find_msix(fn, errp);
}

static void vtl2_config_write_msix(Vtl2Function *fn, unsigned vector,
                                   unsigned field, uint32_t val)
{
    address_space_stl_le(&fn->pv->as, fn->msix_table +
                         vector * PCI_MSIX_ENTRY_SIZE + field, val,
                         MEMTXATTRS_UNSPECIFIED, NULL);
}

void vtl2_config_mask(Vtl2Function *fn, unsigned vector, bool mask)
{
    vtl2_config_write_msix(fn, vector, PCI_MSIX_ENTRY_VECTOR_CTRL,
                           mask ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

void vtl2_config_setup(Vtl2Function *fn)
{
    uint16_t command = PCI_COMMAND_INTX_DISABLE | PCI_COMMAND_MEMORY |
                       PCI_COMMAND_MASTER;
    uint32_t msi = VTL2_MSI_BASE + fn->dev->devfn * VTL2_PAGE_BYTES;

    for (unsigned bar = 0; bar < VTL2_BAR_COUNT; bar++) {
        uint32_t reg = PCI_BASE_ADDRESS_0 + bar * 4;
        uint64_t addr = fn->bar_addr[bar];

        if (!addr) {
            continue;
        }
        if (addr >= VTL2_MMIO32_BASE) {
            addr = addr - VTL2_MMIO32_BASE + VTL2_BUS32_BASE;
        } else {
            vtl2_config_write(fn, reg + 4, addr >> 32, 4);
        }
        vtl2_config_write(fn, reg, addr, 4);
    }
    vtl2_config_write(fn, PCI_COMMAND, command, 2);
    if (!fn->msix_cap) {
        return;
    }
    vtl2_config_write(fn, fn->msix_cap + PCI_MSIX_FLAGS,
                      PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL, 2);
    for (unsigned v = 0; v < fn->vector_count; v++) {
        vtl2_config_write_msix(fn, v, PCI_MSIX_ENTRY_LOWER_ADDR, msi);
        vtl2_config_write_msix(fn, v, PCI_MSIX_ENTRY_UPPER_ADDR, 0);
        vtl2_config_write_msix(fn, v, PCI_MSIX_ENTRY_DATA, v);
        vtl2_config_mask(fn, v, true);
    }
    vtl2_config_write(fn, fn->msix_cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE,
                      2);
}

void vtl2_config_disable(Vtl2Function *fn)
{
    if (fn->msix_cap) {
        vtl2_config_write(fn, fn->msix_cap + PCI_MSIX_FLAGS, 0, 2);
    }
    vtl2_config_write(fn, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
}

/* By the function's own means; by those of the bus if it has none */
void vtl2_config_flr(Vtl2Function *fn)
{
    uint16_t cap = vtl2_config_find_cap(fn, PCI_CAP_ID_EXP);
    uint16_t control;

    if (cap &&
        vtl2_config_read(fn, cap + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR) {
        control = vtl2_config_read(fn, cap + PCI_EXP_DEVCTL, 2);
        vtl2_config_write(fn, cap + PCI_EXP_DEVCTL,
                          control | PCI_EXP_DEVCTL_BCR_FLR, 2);
    } else {
        pci_device_reset(fn->dev);
    }
    vtl2_config_setup(fn);
}
