/*
 * A guest with PCI Express and nothing else, in a qtest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef PCIE_GUEST_H
#define PCIE_GUEST_H

#include "qemu/timer.h"
#include "qemu/units.h"
#include "tests/qtest/libqtest.h"
#include "tests/qtest/libqos/pci.h"
#include "tests/qtest/libqos/pci-pc.h"
#include "guest-host.h"

#define PCIE_GUEST_RAM_BYTES    (128 * MiB)
#define PCIE_GUEST_HEAP_GPA     (1 * MiB)
#define PCIE_GUEST_PAGE_BYTES   4096
#define PCIE_GUEST_PORTS        2       /* root ports "rp0", "rp1" */
#define PCIE_GUEST_TIMEOUT_US   (30 * 1000 * 1000)

typedef struct PcieGuest {
    QTestState *qts;
    QPCIBus *bus;
    char *args;
    char *log_path;             /* QEMU's stderr */
    GuestRam ram;
    uint64_t heap_gpa;
    /* in pcie_guest_migrate(): memory was copied once, and the VM is stopped */
    void (*before_switchover)(struct PcieGuest *g);
} PcieGuest;

/* q35 with the root ports and @extra; the ports' windows are open */
PcieGuest *pcie_guest_start(const char *extra);
void pcie_guest_stop(PcieGuest *g);
/* QEMU has said no more than @lines lines on stderr */
void pcie_guest_assert_quiet(PcieGuest *g, unsigned lines);
/* To another QEMU, with @extra instead of the first one's */
void pcie_guest_migrate(PcieGuest *g, const char *extra);
void pcie_guest_reset(PcieGuest *g);
/* Let the virtual clock run on, and QEMU's main loop with it */
void pcie_guest_step(PcieGuest *g, int64_t ns);

/* Zeroed pages; there is no free */
uint64_t pcie_guest_alloc(PcieGuest *g, unsigned pages);
void *pcie_guest_ptr(PcieGuest *g, uint64_t gpa);

/* Function 0 behind root port @port, NULL if the slot is empty; g_free() it */
QPCIDevice *pcie_guest_device(PcieGuest *g, unsigned port);
/* device_del of @id, and the guest's part in it: power the slot off */
void pcie_guest_unplug(PcieGuest *g, unsigned port, const char *id);

#endif /* PCIE_GUEST_H */
