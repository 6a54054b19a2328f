/*
 * mana: the adapter as a guest's driver sees it: identity, channels, requests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "lib/mana-machine.h"

/* --- identity and registers --- */

static void test_config_space(void)
{
    ManaMachine m;
    QPCIDevice *pci;
    uint8_t cap;

    mana_machine_start(&m, 1, "");
    pci = pcie_guest_device(m.g, 0);
    g_assert_cmphex(qpci_config_readw(pci, PCI_VENDOR_ID), ==,
                    GDMA_PCI_VENDOR_ID);
    g_assert_cmphex(qpci_config_readw(pci, PCI_DEVICE_ID), ==,
                    GDMA_PCI_DEVICE_ID_VF);
    g_assert_cmphex(qpci_config_readw(pci, PCI_CLASS_DEVICE), ==, 0x0200);
    /* one function, no INTx pin */
    g_assert_cmphex(qpci_config_readb(pci, PCI_HEADER_TYPE), ==, 0);
    g_assert_cmphex(qpci_config_readb(pci, PCI_INTERRUPT_PIN), ==, 0);
    g_assert_cmpuint(qpci_msix_table_size(pci), >=, 2);
    cap = qpci_find_capability(pci, PCI_CAP_ID_EXP, 0);
    g_assert_cmphex(cap, !=, 0);
    g_assert_cmphex(qpci_config_readl(pci, cap + PCI_EXP_DEVCAP) &
                    PCI_EXP_DEVCAP_FLR, !=, 0);
    g_assert_cmphex(qpci_find_capability(pci, PCI_CAP_ID_PM, 0), !=, 0);
    g_free(pci);
    mana_machine_stop(&m);
}

/* What Linux 7.3 checks before it believes a register */
static void test_registers(void)
{
    ManaMachine m;
    GdmaClient *d;

    mana_machine_start(&m, 1, "");
    d = gdma_probe(m.g, 0);
    g_assert_cmpuint(d->db_page_bytes, >=, GDMA_PAGE_SIZE);
    g_assert_cmpuint(d->db_zone, <, d->bar_bytes);
    g_assert_cmpuint(d->db_zone % GDMA_PAGE_SIZE, ==, 0);
    g_assert_cmpuint(d->shm % 4, ==, 0);
    g_assert_cmpuint(d->shm + GDMA_SHM_BYTES, <=, d->bar_bytes);
    /* registers are read only, in every size */
    qpci_io_writeq(d->pci, d->bar, GDMA_REG_DB_ZONE_OFFSET, UINT64_MAX);
    qpci_io_writel(d->pci, d->bar, GDMA_REG_SHM_OFFSET, UINT32_MAX);
    qpci_io_writeb(d->pci, d->bar, GDMA_REG_DB_PAGE_BYTES, 0xff);
    g_assert_cmphex(qpci_io_readq(d->pci, d->bar, GDMA_REG_DB_ZONE_OFFSET), ==,
                    d->db_zone);
    g_assert_cmphex(qpci_io_readl(d->pci, d->bar, GDMA_REG_SHM_OFFSET), ==,
                    d->shm);
    g_assert_cmphex(qpci_io_readw(d->pci, d->bar, GDMA_REG_DB_PAGE_BYTES), ==,
                    d->db_page_bytes);
    /* both halves of a 64-bit register can be read alone */
    g_assert_cmphex(qpci_io_readl(d->pci, d->bar, GDMA_REG_DB_ZONE_OFFSET), ==,
                    (uint32_t)d->db_zone);
    g_assert_cmphex(qpci_io_readl(d->pci, d->bar, GDMA_REG_DB_ZONE_OFFSET + 4),
                    ==, d->db_zone >> 32);
    gdma_forget(d);
    mana_machine_stop(&m);
}

/* --- shared-memory channel --- */

static void test_channel_comes_and_goes(void)
{
    ManaMachine m;

    mana_machine_start(&m, 1, "");
    m.d = gdma_probe(m.g, 0);
    g_assert_cmphex(gdma_shm_wait(m.d), ==, 0);
    for (int i = 0; i < 5; i++) {
        /* on another vector each time */
        g_assert_cmphex(gdma_establish(m.d, i % 3), ==, 0);
        gdma_expect_alive(m.d);
        g_assert_cmphex(gdma_shm_destroy(m.d), ==, 0);
    }
    /* after a kexec: the old channel is up and its memory is other things */
    g_assert_cmphex(gdma_establish(m.d, 0), ==, 0);
    g_assert_cmphex(gdma_establish(m.d, 1), ==, 0);
    gdma_expect_alive(m.d);
    g_assert_cmphex(gdma_shm_destroy(m.d), ==, 0);
    gdma_forget(m.d);
    m.d = NULL;
    mana_machine_stop(&m);
}

static void test_nothing_is_written_after_destroy(void)
{
    ManaMachine m;
    GdmaRing eq;
    uint8_t *page;

    mana_machine_start(&m, 1, "");
    m.d = gdma_start(m.g, 0);
    eq = m.d->hwc_eq->ring;
    page = gdma_ring_at(m.d, &eq, 0);
    g_assert_cmphex(gdma_shm_destroy(m.d), ==, 0);
    memset(page, 0xee, GDMA_PAGE_SIZE);
    /* doorbells of queues that are gone */
    gdma_wq_ring(&m.d->hwc_sq);
    gdma_eq_ring(m.d->hwc_eq, true);
    gdma_cq_ring(m.d->hwc_cq, true);
    pcie_guest_step(m.g, SCALE_MS);
    for (unsigned i = 0; i < GDMA_PAGE_SIZE; i++) {
        g_assert_cmphex(page[i], ==, 0xee);
    }
    gdma_forget(m.d);
    m.d = NULL;
    mana_machine_stop(&m);
}

/* --- GDMA requests --- */

static void test_version_is_negotiated(void)
{
    GdmaVerifyVersionReqWire req;
    GdmaVerifyVersionRespWire resp;
    ManaMachine m;

    mana_machine_drive(&m, 1, "");
    gdma_init_request(m.d, &req, GDMA_VERIFY_VF_DRIVER_VERSION, sizeof(req),
                      sizeof(resp));
    req.protocol_min = cpu_to_le64(2);
    req.protocol_max = cpu_to_le64(9);
    g_assert_cmphex(gdma_request(m.d, &req, sizeof(req), &resp, sizeof(resp)),
                    !=, 0);
    mana_machine_stop(&m);
}

static void test_resources(void)
{
    GdmaReqHeaderWire req;
    GdmaMaxResourcesRespWire resp;
    ManaMachine m;

    mana_machine_drive(&m, 1, "");
    gdma_init_request(m.d, &req, GDMA_QUERY_MAX_RESOURCES, sizeof(req),
                      sizeof(resp));
    g_assert_cmphex(gdma_request(m.d, &req, sizeof(req), &resp, sizeof(resp)),
                    ==, 0);
    g_assert_cmpuint(le32_to_cpu(resp.max_sq), >=, 16);
    g_assert_cmpuint(le32_to_cpu(resp.max_rq), >=, 16);
    g_assert_cmpuint(le32_to_cpu(resp.max_cq), >=, 32);
    g_assert_cmpuint(le32_to_cpu(resp.max_eq), >=, 16);
    g_assert_cmpuint(le32_to_cpu(resp.max_msix), >=, 2);
    g_assert_cmpuint(le32_to_cpu(resp.max_msix), <=,
                     qpci_msix_table_size(m.d->pci));
    mana_machine_stop(&m);
}

static void test_devices(void)
{
    GdmaReqHeaderWire req;
    GdmaListDevicesRespWire resp;
    GdmaRegisterDeviceRespWire reg;
    GdmaRespHeaderWire header;
    ManaMachine m;
    unsigned mana = 0, mana_ib = 0;

    mana_machine_drive(&m, 1, "");
    gdma_init_request(m.d, &req, GDMA_LIST_DEVICES, sizeof(req), sizeof(resp));
    g_assert_cmphex(gdma_request(m.d, &req, sizeof(req), &resp, sizeof(resp)),
                    ==, 0);
    g_assert_cmpuint(le32_to_cpu(resp.count), <=, GDMA_MAX_DEVICES);
    for (unsigned i = 0; i < le32_to_cpu(resp.count); i++) {
        mana += le16_to_cpu(resp.devs[i].type) == GDMA_DEVICE_MANA;
        mana_ib += le16_to_cpu(resp.devs[i].type) == GDMA_DEVICE_MANA_IB;
    }
    g_assert_cmpuint(mana, ==, 1);
    g_assert_cmpuint(mana_ib, ==, 1);
    gdma_init_request(m.d, &req, GDMA_REGISTER_DEVICE, sizeof(req),
                      sizeof(reg));
    req.dev_id.type = cpu_to_le16(GDMA_DEVICE_NONE);
    g_assert_cmphex(gdma_request(m.d, &req, sizeof(req), &reg, sizeof(reg)),
                    !=, 0);
    /* what mana_ib does until it learns that there is no RDMA */
    req.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA_IB);
    g_assert_cmphex(gdma_request(m.d, &req, sizeof(req), &reg, sizeof(reg)),
                    ==, 0);
    gdma_init_request(m.d, &req, 0x30001, sizeof(req), 200);
    req.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA_IB);
    g_assert(gdma_request_raw(m.d, &req, sizeof(req), &header));
    g_assert_cmphex(le32_to_cpu(header.status), ==, GDMA_STATUS_UNSUPPORTED);
    gdma_init_request(m.d, &req, GDMA_DEREGISTER_DEVICE, sizeof(req),
                      sizeof(header));
    req.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA_IB);
    g_assert_cmphex(gdma_request(m.d, &req, sizeof(req), &header,
                                 sizeof(header)), ==, 0);
    gdma_expect_alive(m.d);
    mana_machine_stop(&m);
}

static void test_unknown_requests_are_unsupported(void)
{
    static const uint32_t types[] = {
        0, 6, 9, 14, 33, 99, 1000, 0x20000, 0x20009, 0x20010, 0x30001, 0x30002,
        0xfffffffe, 0xffffffff,
    };
    ManaMachine m;

    mana_machine_drive(&m, 1, "");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        g_assert_cmphex(gdma_simple_request(m.d, types[i]), ==,
                        GDMA_STATUS_UNSUPPORTED);
    }
    mana_machine_stop(&m);
}

static void test_regions(void)
{
    static const unsigned firsts[] = { 1, 7, 32, 63 };
    ManaMachine m;
    uint64_t region, other, page;
    GdmaRing ring;

    mana_machine_drive(&m, 1, "");
    ring = gdma_ring_new(m.d, 64 * GDMA_PAGE_SIZE, true);
    region = gdma_region_new(m.d, &ring, 0);
    other = gdma_region_new(m.d, &ring, 0);
    g_assert_cmphex(region, !=, other);
    g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION, region),
                    ==, 0);
    g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION, region),
                    !=, 0);
    g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION, other),
                    ==, 0);
    for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
        region = gdma_region_new(m.d, &ring, firsts[i]);
        g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION,
                                            region), ==, 0);
    }
    gdma_ring_free(&ring);
    /* larger pages, and a begin inside one */
    for (uint32_t type = 0; type <= 9; type++) {
        page = 0x200000;
        g_assert_cmphex(gdma_region_try(m.d, &page, 1, GDMA_PAGE_SIZE - 512,
                                        512, type, &region), ==, 0);
        g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION,
                                            region), ==, 0);
    }
    mana_machine_stop(&m);
}

/* A queue's memory that came in ADD_PAGES is used as any other */
static void test_queue_of_added_pages(void)
{
    ManaMachine m;
    GdmaEq eq = { .msix = 1 };
    GdmaEq *known;
    uint64_t region;

    mana_machine_drive(&m, 1, "");
    eq.d = m.d;
    eq.db_page = m.d->db_page;
    eq.ring = gdma_ring_new(m.d, 16 * GDMA_PAGE_SIZE, true);
    eq.head = eq.ring.bytes / GDMA_EQE_BYTES;
    region = gdma_region_new(m.d, &eq.ring, 3);
    g_assert_cmphex(gdma_eq_try(m.d, region, eq.ring.bytes, 1, &eq.id), ==, 0);
    known = g_memdup2(&eq, sizeof(eq));
    g_ptr_array_add(m.d->eqs, known);
    /* into its second page and on to the added ones */
    for (unsigned i = 0; i < 4 * GDMA_PAGE_SIZE / GDMA_EQE_BYTES; i++) {
        g_assert_cmphex(gdma_test_eqe(m.d, known->id), ==, 0);
        g_assert_cmpuint(known->tests, ==, i + 1);
    }
    gdma_eq_destroy(known);
    mana_machine_stop(&m);
}

/* An incomplete region makes no queue */
static void test_region_must_be_complete(void)
{
    ManaMachine m;
    GdmaRing ring;
    uint64_t region;
    uint32_t id;

    mana_machine_drive(&m, 1, "");
    ring = gdma_ring_new(m.d, 2 * GDMA_PAGE_SIZE, false);
    g_assert_cmphex(gdma_region_try(m.d, ring.page_gpa, 1, ring.bytes, 0, 0,
                                    &region), ==, GDMA_STATUS_MORE_ENTRIES);
    g_assert_cmphex(gdma_eq_try(m.d, region, ring.bytes, 1, &id), !=, 0);
    g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION, region),
                    ==, 0);
    gdma_ring_free(&ring);
    mana_machine_stop(&m);
}

static void test_queue_consumes_its_region(void)
{
    ManaMachine m;
    GdmaRing ring;
    uint64_t region;
    uint32_t id, other;

    mana_machine_drive(&m, 1, "");
    ring = gdma_ring_new(m.d, GDMA_PAGE_SIZE, false);
    region = gdma_region_new(m.d, &ring, 0);
    g_assert_cmphex(gdma_eq_try(m.d, region, GDMA_PAGE_SIZE, 1, &id), ==, 0);
    g_assert_cmphex(gdma_eq_try(m.d, region, GDMA_PAGE_SIZE, 1, &other), !=, 0);
    g_assert_cmphex(gdma_eq_try_destroy(m.d, id), ==, 0);
    g_assert_cmphex(gdma_eq_try_destroy(m.d, id), !=, 0);
    g_assert_cmphex(gdma_eq_try(m.d, region, GDMA_PAGE_SIZE, 1, &id), !=, 0);
    gdma_ring_free(&ring);
    mana_machine_stop(&m);
}

static void test_event_queues_have_their_vectors(void)
{
    ManaMachine m;
    GdmaEq *eq[8];
    unsigned before;

    mana_machine_drive(&m, 1, "");
    for (unsigned i = 0; i < ARRAY_SIZE(eq); i++) {
        /* two on each vector; the first two share the channel's */
        eq[i] = gdma_eq_new(m.d, GDMA_PAGE_SIZE << i % 3, i / 2);
    }
    for (unsigned round = 0; round < 20; round++) {
        unsigned i = round * 5 % ARRAY_SIZE(eq);

        before = m.d->interrupts[eq[i]->msix];
        g_assert_cmphex(gdma_test_eqe(m.d, eq[i]->id), ==, 0);
        g_assert_cmpuint(m.d->interrupts[eq[i]->msix], >, before);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(eq); i++) {
        gdma_eq_destroy(eq[(i * 3 + 1) % ARRAY_SIZE(eq)]);
    }
    mana_machine_stop(&m);
}

/* --- arming and masking --- */

static void test_no_interrupt_unless_armed(void)
{
    ManaMachine m;
    GdmaEqeWire eqe;
    GdmaEq *eq;

    mana_machine_drive(&m, 1, "");
    eq = gdma_eq_new(m.d, GDMA_PAGE_SIZE, 1);
    eq->holds = true;
    /* armed at its creation */
    g_assert_cmphex(gdma_test_eqe(m.d, eq->id), ==, 0);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->interrupts[1], ==, 1);
    g_assert(gdma_eq_next(eq, &eqe));
    /* not armed: an event and no interrupt */
    gdma_eq_ring(eq, false);
    g_assert_cmphex(gdma_test_eqe(m.d, eq->id), ==, 0);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->interrupts[1], ==, 1);
    /* armed with an old tail: at once */
    gdma_eq_ring(eq, true);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->interrupts[1], ==, 2);
    g_assert(gdma_eq_next(eq, &eqe));
    g_assert(!gdma_eq_next(eq, &eqe));
    /* armed with the present one: nothing until there is an event */
    gdma_eq_ring(eq, true);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->interrupts[1], ==, 2);
    eq->holds = false;
    g_assert_cmphex(gdma_test_eqe(m.d, eq->id), ==, 0);
    g_assert_cmpuint(m.d->interrupts[1], ==, 3);
    gdma_eq_destroy(eq);
    mana_machine_stop(&m);
}

static void test_masked_vector_is_pending(void)
{
    ManaMachine m;
    GdmaEq *eq;

    mana_machine_drive(&m, 1, "");
    eq = gdma_eq_new(m.d, GDMA_PAGE_SIZE, 1);
    gdma_mask_vector(m.d, 1, true);
    eq->holds = true;
    g_assert_cmphex(gdma_test_eqe(m.d, eq->id), ==, 0);
    eq->holds = false;
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->interrupts[1], ==, 0);
    g_assert(qpci_msix_pending(m.d->pci, 1));
    gdma_mask_vector(m.d, 1, false);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->interrupts[1], ==, 1);
    g_assert_cmpuint(eq->tests, ==, 1);
    gdma_eq_destroy(eq);
    mana_machine_stop(&m);
}

/* Entries wrap; owner bits go through all eight laps */
static void test_channel_wraps(void)
{
    ManaMachine m;

    mana_machine_drive(&m, 1, "");
    /* CQ: 64 entries, two per request: eight laps and more */
    for (int i = 0; i < 300; i++) {
        g_assert_cmphex(gdma_simple_request(m.d, 99), ==,
                        GDMA_STATUS_UNSUPPORTED);
    }
    mana_machine_stop(&m);
}

/* --- MANA requests --- */

static void test_device_config(void)
{
    ManaMachine m;
    ManaConfig config;

    mana_machine_drive(&m, 2, "");
    for (uint16_t version = 1; version <= 3; version++) {
        g_assert_cmphex(mana_dev_config(m.d, version, &config), ==, 0);
        g_assert_cmpuint(config.max_vports, ==, 2);
        g_assert_cmpuint(config.max_eqs, >, 0);
        if (version > 1) {
            g_assert_cmpuint(config.adapter_mtu, >=, 1514);
            g_assert_cmpuint(config.adapter_mtu, <=, 9014);
        }
    }
    mana_machine_stop(&m);
}

static void test_vports(void)
{
    ManaMachine m;
    ManaVport vp[2], none;

    mana_machine_drive(&m, 2, "");
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmphex(mana_try_vport(m.d, i, &vp[i]), ==, 0);
        g_assert_cmpuint(vp[i].max_sq, >=, 8);
        g_assert_cmpuint(vp[i].max_rq, >=, 8);
        g_assert_cmpuint(ctpop32(vp[i].indirection_entries), ==, 1);
        g_assert_cmpuint(vp[i].indirection_entries, <=, 512);
        g_assert_cmphex(vp[i].mac[0] & 1, ==, 0);
        g_assert_cmphex(mana_config_tx(&vp[i]), ==, 0);
    }
    g_assert_cmphex(vp[0].handle, !=, vp[1].handle);
    g_assert_cmpint(memcmp(vp[0].mac, vp[1].mac, 6), !=, 0);
    g_assert_cmphex(mana_try_vport(m.d, 2, &none), !=, 0);
    g_assert_cmphex(mana_try_vport(m.d, UINT32_MAX, &none), !=, 0);
    none = vp[0];
    none.handle = 0x1234567890;
    g_assert_cmphex(mana_config_tx(&none), !=, 0);
    mana_machine_stop(&m);
}

static void test_statistics_begin_at_zero(void)
{
    ManaMachine m;

    mana_machine_drive(&m, 1, "");
    for (unsigned i = 0; i < MANA_STAT_COUNT; i++) {
        g_assert_cmpuint(mana_stat(m.d, i), ==, 0);
    }
    mana_machine_stop(&m);
}

static void test_link_config(void)
{
    ManaLinkConfigReqWire req;
    ManaLinkConfigRespWire resp;
    ManaMachine m;
    ManaVport *vp;

    mana_machine_drive(&m, 1, "");
    vp = mana_vport_open(m.d, 0);
    gdma_init_request(m.d, &req, MANA_QUERY_LINK_CONFIG, sizeof(req),
                      sizeof(resp));
    req.hdr.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    req.vport = cpu_to_le64(vp->handle);
    g_assert_cmphex(gdma_request(m.d, &req, sizeof(req), &resp, sizeof(resp)),
                    ==, 0);
    g_assert_cmpuint(le32_to_cpu(resp.link_speed_mbps), >, 0);
    g_free(vp);
    mana_machine_stop(&m);
}

/* Queues in any order, their event queue first or last, none left over */
static void test_queues_destroyed_in_any_order(void)
{
    ManaMachine m;
    ManaVport *vp;

    mana_machine_drive(&m, 1, "");
    vp = mana_vport_open(m.d, 0);
    for (unsigned order = 0; order < 6; order++) {
        GdmaEq *eq = gdma_eq_new(m.d, GDMA_PAGE_SIZE, 1);
        ManaTxq *txq = mana_txq_new(vp, eq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE);
        ManaRxq *rxq = mana_rxq_new(vp, eq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE,
                                    1514);

        mana_rxq_fill(rxq, 8);
        mana_rx_on(vp, rxq);
        for (unsigned step = 0; step < 3; step++) {
            switch ((order % 3 + step * (1 + order / 3)) % 3) {
            case 0:
                gdma_eq_destroy(eq);
                break;
            case 1:
                mana_txq_free(txq, true);
                break;
            case 2:
                mana_rxq_free(rxq, true);
                break;
            }
        }
    }
    mana_rx_off(vp);
    g_free(vp);
    mana_machine_stop(&m);
}

/* As many queues as the adapter says there are; then all over again */
static void test_every_queue_can_be_made(void)
{
    ManaMachine m;
    ManaVport *vp;
    ManaTxq *txq[64];
    ManaRxq *rxq[64];
    GdmaEq *eq;
    unsigned count;

    mana_machine_drive(&m, 1, "");
    vp = mana_vport_open(m.d, 0);
    count = MIN(MIN(vp->max_sq, vp->max_rq), 64);
    for (int round = 0; round < 2; round++) {
        eq = gdma_eq_new(m.d, GDMA_PAGE_SIZE, 1);
        for (unsigned i = 0; i < count; i++) {
            txq[i] = mana_txq_new(vp, eq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE);
            rxq[i] = mana_rxq_new(vp, eq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE,
                                  1514);
        }
        for (unsigned i = 0; i < count; i++) {
            mana_rxq_free(rxq[i], true);
            mana_txq_free(txq[count - 1 - i], true);
        }
        gdma_eq_destroy(eq);
    }
    g_free(vp);
    mana_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana/config-space", test_config_space);
    qtest_add_func("/paravisor/mana/registers", test_registers);
    qtest_add_func("/paravisor/mana/channel-comes-and-goes",
                   test_channel_comes_and_goes);
    qtest_add_func("/paravisor/mana/nothing-is-written-after-destroy",
                   test_nothing_is_written_after_destroy);
    qtest_add_func("/paravisor/mana/channel-wraps", test_channel_wraps);
    qtest_add_func("/paravisor/mana/version-is-negotiated",
                   test_version_is_negotiated);
    qtest_add_func("/paravisor/mana/resources", test_resources);
    qtest_add_func("/paravisor/mana/devices", test_devices);
    qtest_add_func("/paravisor/mana/unknown-requests-are-unsupported",
                   test_unknown_requests_are_unsupported);
    qtest_add_func("/paravisor/mana/regions", test_regions);
    qtest_add_func("/paravisor/mana/queue-of-added-pages",
                   test_queue_of_added_pages);
    qtest_add_func("/paravisor/mana/region-must-be-complete",
                   test_region_must_be_complete);
    qtest_add_func("/paravisor/mana/queue-consumes-its-region",
                   test_queue_consumes_its_region);
    qtest_add_func("/paravisor/mana/event-queues-have-their-vectors",
                   test_event_queues_have_their_vectors);
    qtest_add_func("/paravisor/mana/no-interrupt-unless-armed",
                   test_no_interrupt_unless_armed);
    qtest_add_func("/paravisor/mana/masked-vector-is-pending",
                   test_masked_vector_is_pending);
    qtest_add_func("/paravisor/mana/device-config", test_device_config);
    qtest_add_func("/paravisor/mana/vports", test_vports);
    qtest_add_func("/paravisor/mana/statistics-begin-at-zero",
                   test_statistics_begin_at_zero);
    qtest_add_func("/paravisor/mana/link-config", test_link_config);
    qtest_add_func("/paravisor/mana/queues-destroyed-in-any-order",
                   test_queues_destroyed_in_any_order);
    qtest_add_func("/paravisor/mana/every-queue-can-be-made",
                   test_every_queue_can_be_made);
    return g_test_run();
}
