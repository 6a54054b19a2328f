/*
 * A machine with PCI functions behind hv-pci, and drivers for three kinds of them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/pci/pci_regs.h"
#include "vpci-functions.h"

void machine_start(Machine *m, const char *extra)
{
    g_autofree char *args = g_strdup_printf(
        "-device hv-vmbus -device hv-pci,id=vp0,instance-id=" BUS_ID " %s",
        extra);

    m->g = hv_guest_start(args);
    m->c = vmbus_client_new(m->g, 0);
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
}

void machine_stop(Machine *m)
{
    vmbus_expect_alive(m->c);
    vmbus_client_free(m->c);
    hv_guest_stop(m->g);
}

Vpci *bus_start(Machine *m, const char *extra)
{
    machine_start(m, extra);
    return vpci_client_start(m->c, 0, VPCI_VERSION_1_4);
}

void bus_stop(Machine *m, Vpci *v)
{
    vpci_client_stop(v);
    machine_stop(m);
}

uint64_t edu_start(Vpci *v, uint32_t slot)
{
    uint64_t bars[VPCI_BAR_COUNT];

    vpci_client_place_bars(v, slot, bars);
    g_assert_cmphex(qtest_readl(v->c->g->qts, bars[0]), ==, EDU_ID);
    return bars[0];
}

void edu_set_msi(Vpci *v, uint32_t slot, const VpciMsi *msi)
{
    uint32_t cap = vpci_client_capability(v, slot, PCI_CAP_ID_MSI);

    g_assert_cmphex(cap, !=, 0);
    vpci_client_cfg_write(v, slot, cap + PCI_MSI_ADDRESS_LO, 4, msi->address);
    vpci_client_cfg_write(v, slot, cap + PCI_MSI_ADDRESS_HI, 4,
                          msi->address >> 32);
    vpci_client_cfg_write(v, slot, cap + PCI_MSI_DATA_64, 2, msi->data);
    vpci_client_cfg_write(v, slot, cap + PCI_MSI_FLAGS, 2,
                          PCI_MSI_FLAGS_ENABLE);
}

void edu_raise(Vpci *v, uint64_t bar)
{
    qtest_writel(v->c->g->qts, bar + EDU_RAISE, 1);
    qtest_writel(v->c->g->qts, bar + EDU_ACK, 1);
}

static void nvme_enable(Nvme *n)
{
    QTestState *qts = n->v->c->g->qts;

    qtest_writel(qts, n->bar + 0x14, 0);
    qtest_writel(qts, n->bar + 0x24, (NVME_QUEUE - 1) << 16 | (NVME_QUEUE - 1));
    qtest_writeq(qts, n->bar + 0x28, n->sq_gpa);
    qtest_writeq(qts, n->bar + 0x30, n->cq_gpa);
    qtest_writel(qts, n->bar + 0x14, 0x460001);
    g_assert_cmphex(qtest_readl(qts, n->bar + 0x1c) & 1, ==, 1);
}

/* Entry 0 of the MSI-X table of slot 0 */
static void set_msix(Vpci *v, uint64_t bars[VPCI_BAR_COUNT],
                     const VpciMsi *msi)
{
    QTestState *qts = v->c->g->qts;
    uint32_t cap = vpci_client_capability(v, 0, PCI_CAP_ID_MSIX);
    uint32_t table = vpci_client_cfg_read(v, 0, cap + PCI_MSIX_TABLE, 4);
    uint64_t entry = bars[table & 7] + (table & ~7u);

    qtest_writel(qts, entry, msi->address);
    qtest_writel(qts, entry + 4, msi->address >> 32);
    qtest_writel(qts, entry + 8, msi->data);
    qtest_writel(qts, entry + 12, 0);
    vpci_client_cfg_write(v, 0, cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
}

void nvme_start(Nvme *n, Vpci *v, const VpciMsi *msi)
{
    uint64_t bars[VPCI_BAR_COUNT];

    *n = (Nvme) { .v = v, .phase = true };
    n->sq_gpa = hv_guest_alloc(v->c->g, 1);
    n->cq_gpa = hv_guest_alloc(v->c->g, 1);
    n->buf_gpa = hv_guest_alloc(v->c->g, 1);
    vpci_client_place_bars(v, 0, bars);
    n->bar = bars[0];
    set_msix(v, bars, msi);
    nvme_enable(n);
}

void nvme_submit_identify(Nvme *n)
{
    HvGuest *g = n->v->c->g;
    uint8_t *sqe = hv_guest_ptr(g, n->sq_gpa + n->tail * 64);

    memset(hv_guest_ptr(g, n->buf_gpa), 0, HV_PAGE_SIZE);
    memset(sqe, 0, 64);
    stl_le_p(sqe, 0x06 | n->tail << 16);
    stq_le_p(sqe + 24, n->buf_gpa);
    stl_le_p(sqe + 40, 1);
    n->tail = (n->tail + 1) % NVME_QUEUE;
    qtest_writel(g->qts, n->bar + 0x1000, n->tail);
}

void nvme_check_identify(Nvme *n)
{
    HvGuest *g = n->v->c->g;
    uint8_t *cqe = hv_guest_ptr(g, n->cq_gpa + n->head * 16);
    uint32_t word = ldl_le_p(cqe + 12);

    g_assert_cmphex(word >> 17, ==, 0);
    g_assert_cmpuint(word >> 16 & 1, ==, n->phase);
    n->head = (n->head + 1) % NVME_QUEUE;
    n->phase ^= !n->head;
    qtest_writel(g->qts, n->bar + 0x1004, n->head);
    g_assert_cmphex(lduw_le_p(hv_guest_ptr(g, n->buf_gpa)), ==, 0x1b36);
    g_assert_cmpint(memcmp((char *)hv_guest_ptr(g, n->buf_gpa) + 4, "vpci-test",
                           9), ==, 0);
}

uint64_t e1000e_start(Vpci *v, const VpciMsi *msi)
{
    QTestState *qts = v->c->g->qts;
    uint64_t bars[VPCI_BAR_COUNT];

    vpci_client_place_bars(v, 0, bars);
    set_msix(v, bars, msi);
    qtest_writel(qts, bars[0] + 0xe4, 8);               /* IVAR: entry 0 */
    qtest_writel(qts, bars[0] + 0xdc, E1000E_CAUSE);    /* EIAC */
    return bars[0];
}

void e1000e_raise(Vpci *v, uint64_t bar)
{
    /* it holds interrupts back that come too soon */
    hv_guest_step(v->c->g, SCALE_MS);
    /* IMS: masked by the last one; ICS */
    qtest_writel(v->c->g->qts, bar + 0xd0, E1000E_CAUSE);
    qtest_writel(v->c->g->qts, bar + 0xc8, E1000E_CAUSE);
}
