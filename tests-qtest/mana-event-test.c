/*
 * mana: when events come: moderation as the driver asks for it, and as it is without
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/mana-machine.h"

#define STANDARD_BYTES  (1500 + NET_ETH_BYTES)

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];
static uint8_t got[NET_MAX_BYTES];

/* Let the device work, and next to no time pass */
static void let_work(ManaMachine *m)
{
    for (int i = 0; i < 20; i++) {
        pcie_guest_step(m->g, SCALE_US);
        gdma_poll(m->d);
        g_usleep(1000);
    }
}

/* One event for four completions, or after 900 microseconds */
static void test_completions_are_moderated(void)
{
    ManaMachine m;
    ManaPort p;
    GdmaCqeWire cqe;
    unsigned before;
    uint64_t dim;

    p = mana_machine_port(&m, STANDARD_BYTES);
    gdma_settle(m.d);
    dim = FIELD_DP64(0, GDMA_DIM_DOORBELL, ID, p.rxq->cq->id);
    dim = FIELD_DP64(dim, GDMA_DIM_DOORBELL, USEC, 900);
    dim = FIELD_DP64(dim, GDMA_DIM_DOORBELL, USEC_VALID, 1);
    dim = FIELD_DP64(dim, GDMA_DIM_DOORBELL, COMPS, 4);
    dim = FIELD_DP64(dim, GDMA_DIM_DOORBELL, COMPS_VALID, 1);
    gdma_doorbell(m.d, m.d->db_page, GDMA_DB_DIM, dim);
    before = p.eq->completions;
    for (unsigned i = 1; i <= 4; i++) {
        mana_port_send_in(&m, &p, 100, i);
        let_work(&m);
        g_assert_cmpuint(p.eq->completions, ==, before + (i == 4));
    }
    for (unsigned i = 1; i <= 4; i++) {
        g_assert(gdma_cq_next(p.rxq->cq, &cqe));
    }
    gdma_cq_ring(p.rxq->cq, true);
    mana_port_send_in(&m, &p, 100, 5);
    let_work(&m);
    g_assert_cmpuint(p.eq->completions, ==, before + 1);
    pcie_guest_step(m.g, SCALE_MS);
    let_work(&m);
    g_assert_cmpuint(p.eq->completions, ==, before + 2);
    mana_rx_off(p.vp);
    mana_rxq_free(p.rxq, true);
    mana_txq_free(p.txq, true);
    gdma_eq_destroy(p.eq);
    g_free(p.vp);
    mana_machine_stop(&m);
}

/* Events of completions that have come until now, as no time passes */
static void expect_events(ManaMachine *m, ManaPort *p, unsigned count)
{
    for (int i = 0; i < 1000 && p->eq->completions < count; i++) {
        g_usleep(1000);
        gdma_poll(m->d);
    }
    gdma_poll(m->d);
    g_assert_cmpuint(p->eq->completions, ==, count);
}

/*
 * A stream of frames: that they were sent is told of when they are many, or after
 * a while.  Not when a frame came in between, as somebody may wait for what follows
 */
static void test_a_stream_may_wait(void)
{
    enum { STREAM = 8, MANY = 32 };
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, peer_mac);
    ManaTx tx = { .frame = frame, .bytes = 100 };
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    gdma_settle(m.d);
    for (unsigned round = 0; round < 4; round++) {
        unsigned sent = STREAM - 1 + MANY - (round & 1);
        unsigned events = p.eq->completions;

        for (unsigned i = 1; i <= sent; i++) {
            bool is_told = i < STREAM || i == STREAM - 1 + MANY;

            net_build_raw(frame, &flow, 100, i);
            mana_txq_send(p.txq, &tx);
            net_wire_expect(&m.wire[0], got);
            events += is_told;
            expect_events(&m, &p, events);
            if (i < STREAM) {
                g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
                gdma_cq_ring(p.txq->cq, true);
            }
        }
        if (round & 1) {
            pcie_guest_step(m.g, 200 * SCALE_US);
            expect_events(&m, &p, ++events);
        }
        for (unsigned i = STREAM; i <= sent; i++) {
            g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
        }
        gdma_cq_ring(p.txq->cq, true);
        mana_port_send_in(&m, &p, 100, round);
        mana_port_expect_in(&p, 100, round);
        gdma_cq_ring(p.rxq->cq, true);
        let_work(&m);
    }
    mana_machine_end(&m, &p);
}

static void take_in(ManaMachine *m, ManaPort *p, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        mana_port_send_in(m, p, 100, i);
        mana_port_expect_in(p, 100, i);
    }
    gdma_cq_ring(p->rxq->cq, true);
    let_work(m);
}

/*
 * Where many frames come in, the event of one that was sent goes along with theirs,
 * or comes after a while
 */
static void test_events_go_along(void)
{
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, peer_mac);
    ManaTx tx = { .frame = frame, .bytes = 100 };
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    gdma_settle(m.d);
    for (unsigned round = 0; round < 4; round++) {
        unsigned events;

        take_in(&m, &p, 0, 3);
        events = p.eq->completions;
        net_build_raw(frame, &flow, 100, round);
        mana_txq_send(p.txq, &tx);
        net_wire_expect(&m.wire[0], got);
        let_work(&m);
        g_assert_cmpuint(p.eq->completions, ==, events);
        if (round & 1) {
            pcie_guest_step(m.g, SCALE_MS);
            expect_events(&m, &p, events + 1);
        } else {
            mana_port_send_in(&m, &p, 100, 3);
            expect_events(&m, &p, events + 2);
            mana_port_expect_in(&p, 100, 3);
            gdma_cq_ring(p.rxq->cq, true);
        }
        g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
        gdma_cq_ring(p.txq->cq, true);
    }
    mana_machine_end(&m, &p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-event/events-go-along",
                   test_events_go_along);
    qtest_add_func("/paravisor/mana-event/completions-are-moderated",
                   test_completions_are_moderated);
    qtest_add_func("/paravisor/mana-event/a-stream-may-wait",
                   test_a_stream_may_wait);
    return g_test_run();
}
