/*
 * A guest with PCI Express and nothing else, in a qtest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "pcie-guest.h"

#define FIRST_PORT_SLOT     4
/* Each port has a window of this size from here */
#define WINDOW_GPA          0xc0000000u
#define WINDOW_BYTES        (128 * MiB)

static QTestState *spawn(PcieGuest *g, const char *incoming)
{
    return qtest_initf(
        "-machine q35,memory-backend=ram -m 128M "
        "-object memory-backend-file,id=ram,size=128M,share=on,"
        "mem-path=/proc/self/fd/%d -nodefaults "
        "-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
        "-device pcie-root-port,id=rp0,chassis=1,addr=%x.0 "
        "-device pcie-root-port,id=rp1,chassis=2,addr=%x.0 %s %s 2>>%s",
        g->ram.fd, FIRST_PORT_SLOT, FIRST_PORT_SLOT + 1, g->args, incoming,
        g->log_path);
}

static QPCIDevice port_device(PcieGuest *g, unsigned port)
{
    return (QPCIDevice) {
        .bus = g->bus,
        .devfn = QPCI_DEVFN(FIRST_PORT_SLOT + port, 0),
    };
}

/* Bus number, and a memory window that a function's BARs may be put into */
static void open_ports(PcieGuest *g)
{
    for (unsigned i = 0; i < PCIE_GUEST_PORTS; i++) {
        QPCIDevice port = port_device(g, i);
        uint32_t base = WINDOW_GPA + i * WINDOW_BYTES;

        qpci_config_writeb(&port, PCI_PRIMARY_BUS, 0);
        qpci_config_writeb(&port, PCI_SECONDARY_BUS, i + 1);
        qpci_config_writeb(&port, PCI_SUBORDINATE_BUS, i + 1);
        qpci_config_writew(&port, PCI_MEMORY_BASE, base >> 16);
        qpci_config_writew(&port, PCI_MEMORY_LIMIT,
                           (base + WINDOW_BYTES - 1) >> 16);
        /* base above limit: no prefetchable window */
        qpci_config_writew(&port, PCI_PREF_MEMORY_BASE, 0xfff0);
        qpci_config_writew(&port, PCI_PREF_MEMORY_LIMIT, 0);
        qpci_config_writew(&port, PCI_COMMAND,
                           PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    }
}

PcieGuest *pcie_guest_start(const char *extra)
{
    PcieGuest *g = g_new0(PcieGuest, 1);

    g->log_path = guest_log_new();
    g->args = g_strdup(extra);
    guest_ram_map(&g->ram, PCIE_GUEST_RAM_BYTES);
    g->heap_gpa = PCIE_GUEST_HEAP_GPA;
    g->qts = spawn(g, "");
    g->bus = qpci_new_pc(g->qts, NULL);
    open_ports(g);
    return g;
}

void pcie_guest_stop(PcieGuest *g)
{
    g_assert(qtest_probe_child(g->qts));
    qpci_free_pc(g->bus);
    qtest_quit(g->qts);
    guest_ram_unmap(&g->ram);
    guest_log_free(g->log_path);
    g_free(g->args);
    g_free(g);
}

void pcie_guest_assert_quiet(PcieGuest *g, unsigned lines)
{
    g_autofree char *text = NULL;
    unsigned found = 0;

    g_assert(g_file_get_contents(g->log_path, &text, NULL, NULL));
    for (const char *p = text, *end; (end = strchr(p, '\n')); p = end + 1) {
        /* ASan says once that coroutines are strange to it */
        found += !g_strrstr_len(p, end - p, "makecontext");
    }
    g_assert_cmpuint(found, <=, lines);
}

typedef struct Switchover {
    PcieGuest *g;
    QTestState *from, *to;
} Switchover;

static void before_switchover(void *opaque)
{
    Switchover *s = opaque;

    s->g->qts = s->from;
    s->g->before_switchover(s->g);
    s->g->qts = s->to;
}

void pcie_guest_migrate(PcieGuest *g, const char *extra)
{
    Switchover s = { .g = g, .from = g->qts };
    GuestRam old_ram = g->ram;
    char *incoming = guest_migrate_incoming();

    g_free(g->args);
    g->args = g_strdup(extra);
    guest_ram_map(&g->ram, PCIE_GUEST_RAM_BYTES);
    g->qts = s.to = spawn(g, incoming);
    guest_migrate(s.from, s.to, incoming,
                  g->before_switchover ? before_switchover : NULL, &s);
    guest_ram_unmap(&old_ram);
    g->bus->qts = g->qts;
}

void pcie_guest_reset(PcieGuest *g)
{
    qtest_system_reset(g->qts);
    open_ports(g);
}

void pcie_guest_step(PcieGuest *g, int64_t ns)
{
    qtest_clock_step(g->qts, ns);
}

uint64_t pcie_guest_alloc(PcieGuest *g, unsigned pages)
{
    uint64_t gpa = g->heap_gpa;

    g->heap_gpa += (uint64_t)pages * PCIE_GUEST_PAGE_BYTES;
    g_assert_cmphex(g->heap_gpa, <=, PCIE_GUEST_RAM_BYTES);
    memset(g->ram.ptr + gpa, 0, (size_t)pages * PCIE_GUEST_PAGE_BYTES);
    return gpa;
}

void *pcie_guest_ptr(PcieGuest *g, uint64_t gpa)
{
    g_assert_cmphex(gpa, <, PCIE_GUEST_RAM_BYTES);
    return g->ram.ptr + gpa;
}

QPCIDevice *pcie_guest_device(PcieGuest *g, unsigned port)
{
    QPCIDevice *dev = qpci_device_find(g->bus,
                                       (port + 1) << 8 | QPCI_DEVFN(0, 0));

    /* libqos would put BARs anywhere */
    g->bus->mmio_alloc_ptr = WINDOW_GPA + port * WINDOW_BYTES;
    g->bus->mmio_limit = g->bus->mmio_alloc_ptr + WINDOW_BYTES;
    return dev;
}

void pcie_guest_unplug(PcieGuest *g, unsigned port, const char *id)
{
    QPCIDevice rp = port_device(g, port);
    uint8_t cap = qpci_find_capability(&rp, PCI_CAP_ID_EXP, 0);
    uint16_t control;

    g_assert_cmphex(cap, !=, 0);
    qtest_qmp_device_del_send(g->qts, id);
    /* what Linux does after the attention button: indicator and power off */
    pcie_guest_step(g, NANOSECONDS_PER_SECOND);
    control = qpci_config_readw(&rp, cap + PCI_EXP_SLTCTL);
    control &= ~(PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_PCC);
    qpci_config_writew(&rp, cap + PCI_EXP_SLTCTL,
                       control | PCI_EXP_SLTCTL_PWR_IND_OFF |
                       PCI_EXP_SLTCTL_PWR_OFF);
    qtest_qmp_eventwait(g->qts, "DEVICE_DELETED");
    qpci_config_writew(&rp, cap + PCI_EXP_SLTSTA, 0xffff);
    control = qpci_config_readw(&rp, cap + PCI_EXP_SLTCTL);
    control &= ~(PCI_EXP_SLTCTL_PIC | PCI_EXP_SLTCTL_PCC);
    qpci_config_writew(&rp, cap + PCI_EXP_SLTCTL,
                       control | PCI_EXP_SLTCTL_PWR_IND_ON |
                       PCI_EXP_SLTCTL_PWR_ON);
}
