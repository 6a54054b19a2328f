/*
 * VMBus: how the guest finds it
 *
 * The shape is that of Hyper-V: a module device with the MMIO windows that
 * pci-hyperv takes addresses from, and VMBus below it.  Guests look for windows
 * at VMBus and then at its ancestors, so they are not those of PCI.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/range.h"
#include "qemu/units.h"
#include "hw/acpi/aml-build.h"
#include "hw/i386/pc.h"
#include "hw/i386/acpi-build.h"
#include "hw/boards.h"
#include "target/i386/cpu.h"
#include "vmbus-internal.h"
#include "vmbus-machine.h"

#define MMIO_ALIGN_BYTES        (16 * MiB)
#define MMIO_LOW_MIN_BYTES      (128 * MiB)
/* flash, IOAPIC, TPM, HPET, local APIC are above */
#define MMIO_LOW_END            0xfec00000ull
/* the PCI configuration window of q35 starts here or above */
#define MMIO_LOW_BEST_END       0xb0000000ull

static uint64_t hvbus_pci_host_get(const char *prop, uint64_t none)
{
    Object *host = acpi_get_i386_pci_host();
    Error *err = NULL;
    uint64_t val;

    if (!host) {
        return none;
    }
    val = object_property_get_uint(host, prop, &err);
    if (err) {
        error_free(err);
        return none;
    }
    return val;
}

/*
 * Below 4 GiB PCI's window starts where RAM ends, so ours is cut out of it.  The
 * place below the usual configuration window of q35 is taken, or where there is
 * RAM, the bottom of what is left: firmware gives out addresses from 3 GiB up or
 * from the top down.
 */
static uint64_t hvbus_low_window(HvbusBridge *b, uint64_t *bytes)
{
    X86MachineState *x86ms = X86_MACHINE(qdev_get_machine());
    uint64_t start = QEMU_ALIGN_UP(x86ms->below_4g_mem_size, MMIO_ALIGN_BYTES);

    *bytes = b->low_mmio_bytes;
    if (b->low_mmio_base) {
        return b->low_mmio_base;
    }
    if (start + MMIO_LOW_MIN_BYTES <= MMIO_LOW_BEST_END) {
        *bytes = MIN(*bytes, MMIO_LOW_BEST_END - start);
        return MMIO_LOW_BEST_END - *bytes;
    }
    *bytes = MIN(*bytes, QEMU_ALIGN_DOWN((MMIO_LOW_END - start) / 2,
                                         MMIO_ALIGN_BYTES));
    return start;
}

/* Above RAM and memory that can be plugged; before or behind PCI's high hole */
static uint64_t hvbus_high_window(HvbusBridge *b, uint64_t *bytes)
{
    uint64_t limit = 1ull << X86_CPU(first_cpu)->phys_bits;
    uint64_t base = QEMU_ALIGN_UP(pc_pci_hole64_start(), GiB);
    uint64_t hole = hvbus_pci_host_get(PCI_HOST_PROP_PCI_HOLE64_START, 0);
    uint64_t hole_end = hvbus_pci_host_get(PCI_HOST_PROP_PCI_HOLE64_END, 0);

    *bytes = b->high_mmio_bytes;
    if (b->high_mmio_base) {
        return b->high_mmio_base;
    }
    if (hole_end && hole < base + *bytes) {
        base = MAX(base, QEMU_ALIGN_UP(hole_end, GiB));
    }
    if (*bytes > limit || base > limit - *bytes) {
        *bytes = 0;
    }
    return base;
}

/*
 * High addresses are not cut at the window's end: where the window is depends on
 * what firmware gave to PCI, which may change later.
 */
bool hvbus_device_mmio_window(HvbusDevice *dev, bool high, uint64_t *base,
                              uint64_t *bytes)
{
    HvbusBridge *b = hvbus_device_bridge(dev);
    uint64_t end = 1ull << X86_CPU(first_cpu)->phys_bits;

    *bytes = 0;
    if (!object_dynamic_cast(qdev_get_machine(), TYPE_PC_MACHINE)) {
        return false;
    }
    if (!high) {
        *base = hvbus_low_window(b, bytes);
    } else if (b->high_mmio_bytes) {
        *base = b->high_mmio_base ? b->high_mmio_base : pc_pci_hole64_start();
        *bytes = *base < end ? end - *base : 0;
    }
    return *bytes;
}

void hvbus_reserve_windows(GPtrArray *ranges)
{
    Object *obj = object_resolve_path_type("", TYPE_HVBUS_BRIDGE, NULL);
    uint64_t base, bytes;

    if (obj) {
        base = hvbus_low_window(HVBUS_BRIDGE(obj), &bytes);
        if (bytes) {
            crs_range_insert(ranges, base, base + bytes - 1);
        }
    }
}

void hvbus_build_aml(Aml *table)
{
    Object *obj = object_resolve_path_type("", TYPE_HVBUS_BRIDGE, NULL);
    Aml *scope, *module, *crs, *dev;
    uint64_t base, bytes;

    if (!obj) {
        return;
    }

    crs = aml_resource_template();
    base = hvbus_low_window(HVBUS_BRIDGE(obj), &bytes);
    if (bytes) {
        aml_append(crs, aml_dword_memory(AML_POS_DECODE, AML_MIN_FIXED,
                                         AML_MAX_FIXED, AML_NON_CACHEABLE,
                                         AML_READ_WRITE, 0, base,
                                         base + bytes - 1, 0, bytes));
    }
    base = hvbus_high_window(HVBUS_BRIDGE(obj), &bytes);
    if (bytes) {
        aml_append(crs, aml_qword_memory(AML_POS_DECODE, AML_MIN_FIXED,
                                         AML_MAX_FIXED, AML_CACHEABLE,
                                         AML_READ_WRITE, 0, base,
                                         base + bytes - 1, 0, bytes));
    }
    module = aml_device("VMOD");
    aml_append(module, aml_name_decl("_HID", aml_string("ACPI0004")));
    aml_append(module, aml_name_decl("_UID", aml_int(0)));
    aml_append(module, aml_name_decl("_CRS", crs));

    dev = aml_device("VMBS");
    aml_append(dev, aml_name_decl("_HID", aml_string("VMBus")));
    aml_append(dev, aml_name_decl("_UID", aml_int(0)));
    aml_append(dev, aml_name_decl("_DDN", aml_string("VMBUS")));
    aml_append(dev, aml_name_decl("_STA", aml_int(0xf)));
    /* Linux gives up on a device without _CRS; there is no fixed interrupt */
    aml_append(dev, aml_name_decl("_CRS", aml_resource_template()));
    aml_append(module, dev);

    scope = aml_scope("\\_SB");
    aml_append(scope, module);
    aml_append(table, scope);
}
