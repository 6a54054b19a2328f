/*
 * mana: resets, power states, plug and unplug, migration, with packets under way
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "hw/pci/pci_regs.h"
#include "lib/mana-machine.h"
#include "lib/net-rss.h"

#define FRAME_BYTES     1514

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];
static uint8_t got[NET_MAX_BYTES];

static void put_frame(ManaPort *p, uint32_t bytes, uint32_t seed)
{
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, p->vp->mac);
    ManaTx tx = { .frame = frame, .bytes = bytes };

    net_build_raw(frame, &flow, bytes, seed);
    mana_txq_put(p->txq, &tx);
}

static void send_frame(ManaMachine *m, ManaPort *p, uint32_t seed)
{
    NetFlow flow = net_flow(false, NET_RAW, p->vp->mac, peer_mac);

    mana_machine_send(m, frame, &flow, 600, seed);
}

static void expect_frame(ManaPort *p, uint32_t seed)
{
    NetFlow flow = net_flow(false, NET_RAW, p->vp->mac, peer_mac);
    ManaRxFrame f = mana_rxq_expect(p->rxq);

    net_build_raw(frame, &flow, 600, seed);
    g_assert_cmpmem(f.data, f.bytes, frame, 600);
}

/* Some frames each way, one by one */
static void check_traffic(ManaMachine *m, ManaPort *p)
{
    for (uint32_t i = 0; i < 20; i++) {
        uint64_t heap = m->g->heap_gpa;

        put_frame(p, 900, i);
        gdma_wq_ring(&p->txq->wq);
        g_assert_cmpint(mana_txq_expect(p->txq), ==, MANA_CQE_TX_OKAY);
        m->g->heap_gpa = heap;
        g_assert_cmpuint(net_wire_expect(&m->wire[0], got), ==, 900);
        g_assert_cmpmem(got, 900, frame, 900);
        send_frame(m, p, i);
        expect_frame(p, i);
    }
}

/* Frames in every place where one can be: rings, net layer, sockets */
static void make_traffic(ManaMachine *m, ManaPort *p)
{
    for (uint32_t i = 0; i < 200; i++) {
        put_frame(p, FRAME_BYTES, i);
    }
    gdma_wq_ring(&p->txq->wq);
    for (uint32_t i = 0; i < 100; i++) {
        send_frame(m, p, i);
    }
}

static void drain_wire(ManaMachine *m)
{
    while (net_wire_wait(&m->wire[0], got, GDMA_CLIENT_QUIET_US)) {
        /* of the time before */
    }
}

/* A driver that starts after the device has forgotten everything */
static void start_over(ManaMachine *m, ManaPort *p)
{
    mana_port_forget(p);
    gdma_forget(m->d);
    drain_wire(m);
    m->d = gdma_start(m->g, 0);
    *p = mana_port_up(m->d, 0, 1, FRAME_BYTES);
    /* what waited in the net layer may come first */
    gdma_settle(m->d);
    for (;;) {
        ManaRxFrame f;

        if (!mana_rxq_wait(p->rxq, &f, GDMA_CLIENT_QUIET_US)) {
            break;
        }
    }
    check_traffic(m, p);
}

/* --- resets --- */

/* Three times: traffic, @cut, and a driver that starts anew */
static void check_restarts(void (*cut)(ManaMachine *m, ManaPort *p))
{
    ManaMachine m;
    ManaPort p = mana_machine_port(&m, FRAME_BYTES);

    for (int i = 0; i < 3; i++) {
        make_traffic(&m, &p);
        cut(&m, &p);
        start_over(&m, &p);
    }
    mana_machine_end(&m, &p);
}

static void reset_system(ManaMachine *m, ManaPort *p)
{
    pcie_guest_reset(m->g);
}

static void test_system_reset_under_traffic(void)
{
    check_restarts(reset_system);
}

static void reset_function(ManaMachine *m, ManaPort *p)
{
    gdma_flr(m->d);
    /* no DMA until enabled; the registers are where they were */
    g_assert_cmphex(qpci_config_readw(m->d->pci, PCI_COMMAND) &
                    PCI_COMMAND_MASTER, ==, 0);
    g_assert_cmphex(qpci_io_readq(m->d->pci, m->d->bar, GDMA_REG_SHM_OFFSET),
                    ==, m->d->shm);
}

static void test_flr_under_traffic(void)
{
    check_restarts(reset_function);
}

/* Nothing is written to memory that the guest has taken back */
static void test_flr_ends_dma(void)
{
    ManaMachine m;
    ManaPort p;
    uint64_t gpa;
    uint8_t *page;

    p = mana_machine_port(&m, FRAME_BYTES);
    gpa = ((ManaRxBuffer *)g_queue_peek_head(p.rxq->posted))->gpa;
    page = pcie_guest_ptr(m.g, gpa);
    gdma_flr(m.d);
    memset(page, 0xee, GDMA_PAGE_SIZE);
    for (uint32_t i = 0; i < 10; i++) {
        send_frame(&m, &p, i);
    }
    pcie_guest_step(m.g, NANOSECONDS_PER_SECOND / 100);
    for (unsigned i = 0; i < GDMA_PAGE_SIZE; i++) {
        g_assert_cmphex(page[i], ==, 0xee);
    }
    start_over(&m, &p);
    mana_machine_end(&m, &p);
}

static void destroy_channel(ManaMachine *m, ManaPort *p)
{
    g_assert_cmphex(gdma_shm_destroy(m->d), ==, 0);
}

static void test_channel_destroyed_under_traffic(void)
{
    check_restarts(destroy_channel);
}

/* --- power --- */

static void set_power(ManaMachine *m, uint16_t state)
{
    uint8_t reg = gdma_pm_control(m->d);
    uint16_t val = qpci_config_readw(m->d->pci, reg);

    qpci_config_writew(m->d->pci, reg, (val & ~PCI_PM_CTRL_STATE_MASK) | state);
    g_assert_cmphex(qpci_config_readw(m->d->pci, reg) & PCI_PM_CTRL_STATE_MASK,
                    ==, state);
}

/* As Linux: all down and the channel destroyed before D3 */
static void test_suspend_and_resume(void)
{
    ManaMachine m;
    ManaPort p;

    mana_machine_drive(&m, 1, "");
    for (int i = 0; i < 3; i++) {
        p = mana_port_up(m.d, 0, 1, FRAME_BYTES);
        check_traffic(&m, &p);
        mana_port_down(&p);
        g_assert_cmphex(gdma_shm_destroy(m.d), ==, 0);
        set_power(&m, 3);
        set_power(&m, 0);
        gdma_forget(m.d);
        m.d = gdma_start(m.g, 0);
    }
    mana_machine_stop(&m);
}

static void sleep_and_wake(ManaMachine *m, ManaPort *p)
{
    set_power(m, 3);
    gdma_wq_ring(&p->txq->wq);
    pcie_guest_step(m->g, SCALE_MS);
    set_power(m, 0);
}

static void test_d3_under_traffic(void)
{
    check_restarts(sleep_and_wake);
}

/* --- plug and unplug --- */

static void test_unplug_under_traffic(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, FRAME_BYTES);
    for (int i = 0; i < 3; i++) {
        make_traffic(&m, &p);
        pcie_guest_unplug(m.g, 0, "nic0");
        g_assert_null(pcie_guest_device(m.g, 0));
        mana_port_forget(&p);
        gdma_forget(m.d);
        drain_wire(&m);
        mana_machine_replug(&m);
        m.d = gdma_start(m.g, 0);
        p = mana_port_up(m.d, 0, 1, FRAME_BYTES);
        check_traffic(&m, &p);
    }
    mana_machine_end(&m, &p);
}

/* --- the VM stops, and moves --- */

static void test_stop_and_cont(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, FRAME_BYTES);
    for (int round = 0; round < 5; round++) {
        uint64_t heap = m.g->heap_gpa;

        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'stop' }");
        for (uint32_t i = 0; i < 20; i++) {
            send_frame(&m, &p, i);
            put_frame(&p, 300, i);
        }
        gdma_wq_ring(&p.txq->wq);
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
        for (uint32_t i = 0; i < 20; i++) {
            expect_frame(&p, i);
            g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
            g_assert_cmpuint(net_wire_expect(&m.wire[0], got), ==, 300);
        }
        m.g->heap_gpa = heap;
    }
    mana_machine_end(&m, &p);
}

static void test_migrates_idle(void)
{
    ManaMachine m;
    ManaPort p;
    uint64_t before;

    p = mana_machine_port(&m, FRAME_BYTES);
    for (int i = 0; i < 3; i++) {
        check_traffic(&m, &p);
        before = mana_stat(m.d, MANA_STAT_RX_UCAST_PACKETS);
        mana_machine_migrate(&m);
        check_traffic(&m, &p);
        g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_UCAST_PACKETS), ==,
                         before + 20);
    }
    mana_machine_end(&m, &p);
}

static void test_migrates_before_the_driver_comes(void)
{
    ManaMachine m;
    ManaPort p;

    mana_machine_start(&m, 1, "");
    mana_machine_migrate(&m);
    m.d = gdma_start(m.g, 0);
    mana_machine_migrate(&m);
    gdma_expect_alive(m.d);
    p = mana_port_up(m.d, 0, 1, FRAME_BYTES);
    check_traffic(&m, &p);
    mana_machine_end(&m, &p);
}

/* Whole frames that are left on a wire whose QEMU is gone */
static unsigned count_frames_left(int fd, uint32_t bytes)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    unsigned count = 0;
    ssize_t n;

    while ((n = recv(fd, got, sizeof(got), 0)) > 0) {
        g_byte_array_append(all, got, n);
    }
    for (uint32_t at = 0; at + 4 + bytes <= all->len; at += 4 + bytes) {
        g_assert_cmpuint(ldl_be_p(all->data + at), ==, bytes);
        count++;
    }
    close(fd);
    return count;
}

/* SQ full because the peer does not read, RQ with buffers, CQs unread */
static void test_migrates_with_full_rings(void)
{
    ManaMachine m;
    ManaPort p;
    ManaCqeType type;
    unsigned sent = 0, done = 0, came;
    int old;

    p = mana_machine_port(&m, FRAME_BYTES);
    while (sent - done < 200) {
        put_frame(&p, FRAME_BYTES, sent++);
        gdma_wq_ring(&p.txq->wq);
        while (mana_txq_wait(p.txq, &type, 0)) {
            done++;
        }
        g_assert_cmpuint(sent, <, 10000);
    }
    for (uint32_t i = 0; i < 30; i++) {
        send_frame(&m, &p, i);
    }
    /* they are in memory, and nobody has looked */
    pcie_guest_step(m.g, SCALE_MS);
    gdma_expect_alive(m.d);
    old = dup(m.wire[0].fd);
    mana_machine_migrate(&m);
    came = count_frames_left(old, FRAME_BYTES);
    for (uint32_t i = 0; i < 30; i++) {
        expect_frame(&p, i);
    }
    while (done < sent) {
        if (mana_txq_wait(p.txq, &type, 0)) {
            g_assert_cmpint(type, ==, MANA_CQE_TX_OKAY);
            done++;
        }
        while (net_wire_wait(&m.wire[0], got, 0)) {
            came++;
        }
    }
    while (net_wire_wait(&m.wire[0], got, GDMA_CLIENT_QUIET_US)) {
        came++;
    }
    /* the one that was half way may come twice, or be lost with its socket */
    g_assert_cmpuint(came, >=, sent - 1);
    g_assert_cmpuint(came, <=, sent + 1);
    check_traffic(&m, &p);
    mana_machine_end(&m, &p);
}

/* RX configuration, two vports, moderation: all that a driver has set */
static void test_migrates_its_configuration(void)
{
    ManaMachine m;
    ManaPort p[2];
    ManaRxq *other, *table[MANA_CLIENT_MAX_INDIRECTION];
    ManaRxConfig config;

    mana_machine_drive(&m, 2, "");
    p[0] = mana_port_up(m.d, 0, 1, FRAME_BYTES);
    p[1] = mana_port_up(m.d, 1, 2, FRAME_BYTES);
    other = mana_rxq_new(p[0].vp, p[1].eq, GDMA_PAGE_SIZE, 4 * GDMA_PAGE_SIZE,
                         FRAME_BYTES);
    mana_rxq_fill(other, 32);
    for (unsigned i = 0; i < p[0].vp->indirection_entries; i++) {
        table[i] = i & 1 ? other : p[0].rxq;
    }
    config = (ManaRxConfig) {
        .rx_enable = MANA_TRISTATE_TRUE, .rss_enable = MANA_TRISTATE_TRUE,
        .default_rxq = p[0].rxq, .key = net_rss_key, .table = table,
        .table_count = p[0].vp->indirection_entries,
    };
    g_assert_cmphex(mana_config_rx(p[0].vp, &config), ==, 0);
    mana_machine_migrate(&m);
    for (unsigned i = 0; i < NET_RSS_VECTORS; i++) {
        NetFlow flow = net_rss_flow(i, NET_TCP, p[0].vp->mac, peer_mac);
        uint32_t bytes = net_build(frame, &flow, 100, i);

        mana_expect_arrival(&m.wire[0],
                            net_rss_vectors[i].hash_ports & 1 ? other :
                            p[0].rxq, frame, bytes);
        flow = net_flow(false, NET_RAW, p[1].vp->mac, peer_mac);
        net_build_raw(frame, &flow, 200, i);
        mana_expect_arrival(&m.wire[1], p[1].rxq, frame, 200);
    }
    check_traffic(&m, &p[0]);
    mana_rx_off(p[0].vp);
    mana_rxq_fence(other);
    mana_rxq_free(other, true);
    mana_port_down(&p[0]);
    mana_port_down(&p[1]);
    mana_machine_stop(&m);
}

/* A region that is half listed, and one that no queue has yet */
static void test_migrates_regions(void)
{
    ManaMachine m;
    GdmaRing ring;
    uint64_t half, whole;
    GdmaEq *eq;
    uint32_t id;

    mana_machine_drive(&m, 1, "");
    ring = gdma_ring_new(m.d, 2 * GDMA_PAGE_SIZE, true);
    g_assert_cmphex(gdma_region_try(m.d, ring.page_gpa, 1, ring.bytes, 0, 0,
                                    &half), ==, GDMA_STATUS_MORE_ENTRIES);
    whole = gdma_region_new(m.d, &ring, 0);
    eq = gdma_eq_new(m.d, GDMA_PAGE_SIZE, 2);
    g_assert_cmphex(gdma_test_eqe(m.d, eq->id), ==, 0);
    mana_machine_migrate(&m);
    g_assert_cmphex(gdma_test_eqe(m.d, eq->id), ==, 0);
    g_assert_cmphex(gdma_eq_try(m.d, half, ring.bytes, 1, &id), !=, 0);
    g_assert_cmphex(gdma_eq_try(m.d, whole, ring.bytes, 1, &id), ==, 0);
    g_assert_cmpuint(id, !=, eq->id);
    g_assert_cmphex(gdma_eq_try_destroy(m.d, id), ==, 0);
    g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION, half),
                    ==, 0);
    gdma_eq_destroy(eq);
    gdma_ring_free(&ring);
    mana_machine_stop(&m);
}

/* --- link --- */

static void set_link(ManaMachine *m, bool up)
{
    qtest_qmp_assert_success(m->g->qts, "{ 'execute': 'set_link', 'arguments':"
                             " { 'name': 'nic0', 'up': %i } }", up);
}

/* A driver that listens to link events hears of it; frames stop and go on */
static void test_link(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, FRAME_BYTES);
    for (int i = 0; i < 3; i++) {
        GdmaEqeWire *eqe;

        g_array_set_size(m.d->news, 0);
        set_link(&m, false);
        gdma_settle(m.d);
        g_assert_cmpuint(m.d->news->len, ==, 1);
        eqe = &g_array_index(m.d->news, GdmaEqeWire, 0);
        g_assert_cmpuint(FIELD_EX32(le32_to_cpu(eqe->details[0]), GDMA_EQE_DATA,
                                    TYPE), ==, GDMA_RECONFIG_LINK_DISCONNECT);
        set_link(&m, true);
        gdma_settle(m.d);
        g_assert_cmpuint(m.d->news->len, ==, 2);
        eqe = &g_array_index(m.d->news, GdmaEqeWire, 1);
        g_assert_cmpuint(FIELD_EX32(le32_to_cpu(eqe->details[0]), GDMA_EQE_DATA,
                                    TYPE), ==, GDMA_RECONFIG_LINK_CONNECT);
        check_traffic(&m, &p);
    }
    mana_machine_end(&m, &p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-life/system-reset-under-traffic",
                   test_system_reset_under_traffic);
    qtest_add_func("/paravisor/mana-life/flr-under-traffic",
                   test_flr_under_traffic);
    qtest_add_func("/paravisor/mana-life/flr-ends-dma", test_flr_ends_dma);
    qtest_add_func("/paravisor/mana-life/channel-destroyed-under-traffic",
                   test_channel_destroyed_under_traffic);
    qtest_add_func("/paravisor/mana-life/suspend-and-resume",
                   test_suspend_and_resume);
    qtest_add_func("/paravisor/mana-life/d3-under-traffic",
                   test_d3_under_traffic);
    qtest_add_func("/paravisor/mana-life/unplug-under-traffic",
                   test_unplug_under_traffic);
    qtest_add_func("/paravisor/mana-life/stop-and-cont", test_stop_and_cont);
    qtest_add_func("/paravisor/mana-life/migrates-idle", test_migrates_idle);
    qtest_add_func("/paravisor/mana-life/migrates-before-the-driver-comes",
                   test_migrates_before_the_driver_comes);
    qtest_add_func("/paravisor/mana-life/migrates-with-full-rings",
                   test_migrates_with_full_rings);
    qtest_add_func("/paravisor/mana-life/migrates-its-configuration",
                   test_migrates_its_configuration);
    qtest_add_func("/paravisor/mana-life/migrates-regions",
                   test_migrates_regions);
    qtest_add_func("/paravisor/mana-life/link", test_link);
    return g_test_run();
}
