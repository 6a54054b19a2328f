/*
 * mana: several queues: RSS, shared event queues, coalesced completions, vports
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/mana-machine.h"
#include "lib/net-rss.h"

#define QUEUES          4
#define FRAME_BYTES     1514

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];
static uint8_t got[NET_MAX_BYTES];

/* A vport with several pairs, on an event queue each or on one */
typedef struct Queues {
    ManaVport *vp;
    GdmaEq *eq[QUEUES];
    ManaTxq *txq[QUEUES];
    ManaRxq *rxq[QUEUES];
    unsigned eqs;
} Queues;

static void queues_up(Queues *q, GdmaClient *d, unsigned eqs, unsigned vectors)
{
    *q = (Queues) { .vp = mana_vport_open(d, 0), .eqs = eqs };
    for (unsigned i = 0; i < eqs; i++) {
        q->eq[i] = gdma_eq_new(d, GDMA_PAGE_SIZE, 1 + i % vectors);
    }
    for (unsigned i = 0; i < QUEUES; i++) {
        q->txq[i] = mana_txq_new(q->vp, q->eq[i % eqs], 2 * GDMA_PAGE_SIZE,
                                 4 * GDMA_PAGE_SIZE);
        q->rxq[i] = mana_rxq_new(q->vp, q->eq[i % eqs], GDMA_PAGE_SIZE,
                                 4 * GDMA_PAGE_SIZE, FRAME_BYTES);
        mana_rxq_fill(q->rxq[i], 64);
    }
}

static void queues_down(Queues *q)
{
    mana_rx_off(q->vp);
    for (unsigned i = 0; i < QUEUES; i++) {
        mana_rxq_fence(q->rxq[i]);
        g_assert_cmpuint(q->rxq[i]->cq->empty_events, ==, 0);
        mana_rxq_free(q->rxq[i], true);
        mana_txq_free(q->txq[i], true);
    }
    for (unsigned i = 0; i < q->eqs; i++) {
        gdma_eq_destroy(q->eq[i]);
    }
    g_free(q->vp);
}

/* Entry n of the table is queue n modulo QUEUES, as Linux has it by default */
static unsigned spread(Queues *q, ManaRxConfig *config, ManaRxq **table)
{
    unsigned entries = q->vp->indirection_entries;

    for (unsigned i = 0; i < entries; i++) {
        table[i] = q->rxq[i % QUEUES];
    }
    *config = (ManaRxConfig) {
        .rx_enable = MANA_TRISTATE_TRUE, .rss_enable = MANA_TRISTATE_TRUE,
        .default_rxq = q->rxq[0], .key = net_rss_key, .table = table,
        .table_count = entries,
    };
    return entries;
}

/* --- RSS --- */

/* The test's own arithmetic, before anything is judged by it */
static void test_published_vectors(void)
{
    NetHeaders h;

    for (unsigned i = 0; i < NET_RSS_VECTORS; i++) {
        NetFlow flow = net_rss_flow(i, NET_TCP, peer_mac, peer_mac);
        uint32_t bytes = net_build(frame, &flow, 10, i);

        g_assert(net_parse(frame, bytes, &h));
        g_assert_cmphex(net_toeplitz(net_rss_key, frame, &h, true), ==,
                        net_rss_vectors[i].hash_ports);
        g_assert_cmphex(net_toeplitz(net_rss_key, frame, &h, false), ==,
                        net_rss_vectors[i].hash_addresses);
    }
}

static void expect_hash(const ManaRxFrame *f, NetProto proto, bool is_ipv6,
                        unsigned nth)
{
    uint32_t type = FIELD_EX32(f->flags, MANA_RX_CQE, HASH_TYPE);

    if (type & (MANA_HASH_IPV4 | MANA_HASH_IPV6)) {
        g_assert_cmphex(f->hash, ==, net_rss_vectors[nth].hash_addresses);
    } else {
        g_assert_cmphex(type, ==, is_ipv6 ?
                        (proto == NET_TCP ? MANA_HASH_TCP_IPV6 :
                                            MANA_HASH_UDP_IPV6) :
                        (proto == NET_TCP ? MANA_HASH_TCP_IPV4 :
                                            MANA_HASH_UDP_IPV4));
        g_assert_cmphex(f->hash, ==, net_rss_vectors[nth].hash_ports);
    }
    /* Linux 6.12 counts on L4 hashes for TCP */
    if (proto == NET_TCP) {
        g_assert_cmphex(f->hash, ==, net_rss_vectors[nth].hash_ports);
    }
}

static void test_rss_vectors(void)
{
    ManaRxq *table[MANA_CLIENT_MAX_INDIRECTION];
    ManaRxConfig config;
    ManaMachine m;
    Queues q;
    unsigned entries;

    mana_machine_drive(&m, 1, "");
    queues_up(&q, m.d, QUEUES, QUEUES);
    entries = spread(&q, &config, table);
    g_assert_cmphex(mana_config_rx(q.vp, &config), ==, 0);
    for (unsigned i = 0; i < 2 * NET_RSS_VECTORS; i++) {
        unsigned nth = i / 2;
        NetProto proto = i & 1 ? NET_UDP : NET_TCP;
        NetFlow flow = net_rss_flow(nth, proto, q.vp->mac, peer_mac);
        uint32_t bytes = net_build(frame, &flow, 100, i);
        uint32_t hash = net_rss_vectors[nth].hash_ports;
        ManaRxFrame f;

        net_wire_send(&m.wire[0], frame, bytes);
        f = mana_rxq_expect(q.rxq[hash % entries % QUEUES]);
        g_assert_cmpmem(f.data, f.bytes, frame, bytes);
        expect_hash(&f, proto, net_rss_vectors[nth].is_ipv6, nth);
    }
    queues_down(&q);
    mana_machine_stop(&m);
}

/* Another key, another table, hash types chosen, and RSS off again */
static void test_rss_is_configured(void)
{
    ManaRxq *table[MANA_CLIENT_MAX_INDIRECTION];
    uint8_t key[NET_RSS_KEY_BYTES];
    ManaRxConfig config;
    ManaMachine m;
    Queues q;
    NetFlow flow;
    NetHeaders h;
    uint32_t bytes;

    mana_machine_drive(&m, 1, "");
    queues_up(&q, m.d, QUEUES, QUEUES);
    spread(&q, &config, table);
    for (unsigned i = 0; i < sizeof(key); i++) {
        key[i] = i * 37 + 11;
    }
    config.key = key;
    for (unsigned i = 0; i < config.table_count; i++) {
        table[i] = q.rxq[i / 3 % QUEUES];
    }
    g_assert_cmphex(mana_config_rx(q.vp, &config), ==, 0);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t hash;

        flow = net_flow(i & 1, NET_TCP, q.vp->mac, peer_mac);
        flow.src_port = 3000 + i * 13;
        bytes = net_build(frame, &flow, 60, i);
        g_assert(net_parse(frame, bytes, &h));
        hash = net_toeplitz(key, frame, &h, true);
        mana_expect_arrival(&m.wire[0],
                            q.rxq[hash % config.table_count / 3 % QUEUES],
                            frame, bytes);
    }
    /* the key and the table stay when RSS goes; the default queue gets all */
    config = (ManaRxConfig) {
        .rx_enable = MANA_TRISTATE_KEEP, .rss_enable = MANA_TRISTATE_FALSE,
        .default_rxq = q.rxq[3],
    };
    g_assert_cmphex(mana_config_rx(q.vp, &config), ==, 0);
    for (unsigned i = 0; i < 10; i++) {
        flow.src_port = 5000 + i * 7;
        bytes = net_build(frame, &flow, 60, i);
        mana_expect_arrival(&m.wire[0], q.rxq[3], frame, bytes);
    }
    queues_down(&q);
    mana_machine_stop(&m);
}

static void test_not_ip_goes_to_the_default_queue(void)
{
    ManaRxq *table[MANA_CLIENT_MAX_INDIRECTION];
    ManaRxConfig config;
    ManaMachine m;
    Queues q;
    NetFlow flow;

    mana_machine_drive(&m, 1, "");
    queues_up(&q, m.d, QUEUES, QUEUES);
    spread(&q, &config, table);
    config.default_rxq = q.rxq[2];
    g_assert_cmphex(mana_config_rx(q.vp, &config), ==, 0);
    flow = net_flow(false, NET_RAW, q.vp->mac, peer_mac);
    for (unsigned i = 0; i < 20; i++) {
        net_build_raw(frame, &flow, 100 + i, i);
        mana_expect_arrival(&m.wire[0], q.rxq[2], frame, 100 + i);
    }
    queues_down(&q);
    mana_machine_stop(&m);
}

/* --- event queues and vectors --- */

/* One of the frames that queues send, 90 bytes and their number, comes */
static void expect_sent(ManaMachine *m, Queues *q, unsigned round,
                        unsigned *seen)
{
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, q->vp->mac);
    uint32_t bytes = net_wire_expect(&m->wire[0], got);

    g_assert_cmpuint(bytes, >=, 90);
    g_assert_cmpuint(bytes, <, 90 + QUEUES);
    g_assert_cmphex(*seen & 1u << (bytes - 90), ==, 0);
    *seen |= 1u << (bytes - 90);
    net_build_raw(frame, &flow, bytes, round);
    g_assert_cmpmem(got, bytes, frame, bytes);
}

/* Traffic on all pairs at once, both ways; every frame arrives */
static void exchange(ManaMachine *m, Queues *q, unsigned rounds)
{
    unsigned came[QUEUES] = { 0 }, sent[QUEUES] = { 0 };
    uint64_t heap = m->g->heap_gpa;
    NetHeaders h;

    for (unsigned round = 0; round < rounds; round++) {
        unsigned seen = 0;

        for (unsigned i = 0; i < QUEUES; i++) {
            NetFlow flow = net_flow(false, NET_RAW, peer_mac, q->vp->mac);
            ManaTx tx = { .frame = frame, .bytes = 90 + i };

            net_build_raw(frame, &flow, 90 + i, round);
            mana_txq_send(q->txq[i], &tx);
        }
        for (unsigned i = 0; i < 8; i++) {
            NetFlow flow = net_flow(i & 1, NET_TCP, q->vp->mac, peer_mac);
            uint32_t bytes, hash;

            flow.src_port = round * 8 + i;
            bytes = net_build(frame, &flow, 200, i);
            g_assert(net_parse(frame, bytes, &h));
            hash = net_toeplitz(net_rss_key, frame, &h, true);
            net_wire_send(&m->wire[0], frame, bytes);
            sent[hash % q->vp->indirection_entries % QUEUES]++;
        }
        for (unsigned i = 0; i < QUEUES; i++) {
            g_assert_cmpint(mana_txq_expect(q->txq[i]), ==, MANA_CQE_TX_OKAY);
            expect_sent(m, q, round, &seen);
            for (; came[i] < sent[i]; came[i]++) {
                mana_rxq_expect(q->rxq[i]);
            }
        }
        m->g->heap_gpa = heap;
    }
    for (unsigned i = 0; i < QUEUES; i++) {
        g_assert_cmpuint(came[i], >, 0);
        mana_rxq_expect_none(q->rxq[i]);
    }
}

static void check_sharing(unsigned eqs, unsigned vectors)
{
    ManaRxq *table[MANA_CLIENT_MAX_INDIRECTION];
    ManaRxConfig config;
    ManaMachine m;
    Queues q;

    mana_machine_drive(&m, 1, "");
    queues_up(&q, m.d, eqs, vectors);
    spread(&q, &config, table);
    g_assert_cmphex(mana_config_rx(q.vp, &config), ==, 0);
    exchange(&m, &q, 40);
    for (unsigned i = 0; i < vectors; i++) {
        g_assert_cmpuint(m.d->interrupts[1 + i], >, 0);
    }
    queues_down(&q);
    mana_machine_stop(&m);
}

static void test_vector_per_queue(void)
{
    check_sharing(QUEUES, QUEUES);
}

static void test_queues_share_a_vector(void)
{
    check_sharing(QUEUES, 1);
}

static void test_queues_share_an_event_queue(void)
{
    check_sharing(1, 1);
}

/* One event for each arming, however many completions there are */
static void test_completion_queue_arming(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    GdmaCqeWire cqe;
    unsigned before;

    p = mana_machine_port(&m, FRAME_BYTES);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    gdma_settle(m.d);
    before = p.eq->completions;
    for (int i = 0; i < 10; i++) {
        mana_machine_send(&m, frame, &flow, 100, i);
    }
    gdma_settle(m.d);
    g_assert_cmpuint(p.eq->completions, ==, before + 1);
    for (int i = 0; i < 4; i++) {
        g_assert(gdma_cq_next(p.rxq->cq, &cqe));
    }
    /* told how far it is, but not armed */
    gdma_cq_ring(p.rxq->cq, false);
    gdma_settle(m.d);
    g_assert_cmpuint(p.eq->completions, ==, before + 1);
    /* armed with six completions left: at once, and once */
    gdma_cq_ring(p.rxq->cq, true);
    gdma_settle(m.d);
    g_assert_cmpuint(p.eq->completions, ==, before + 2);
    for (int i = 0; i < 6; i++) {
        g_assert(gdma_cq_next(p.rxq->cq, &cqe));
    }
    g_assert(!gdma_cq_next(p.rxq->cq, &cqe));
    gdma_cq_ring(p.rxq->cq, true);
    gdma_settle(m.d);
    g_assert_cmpuint(p.eq->completions, ==, before + 2);
    net_wire_send(&m.wire[0], frame, 100);
    gdma_settle(m.d);
    g_assert_cmpuint(p.eq->completions, ==, before + 3);
    mana_rx_off(p.vp);
    mana_rxq_free(p.rxq, true);
    mana_txq_free(p.txq, true);
    gdma_eq_destroy(p.eq);
    g_free(p.vp);
    mana_machine_stop(&m);
}

/* --- coalesced completions --- */

static void check_coalescing(uint16_t version, bool eight)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    ManaRxFrame f;
    unsigned coalesced = 0, coalesced8 = 0, sent = 0;
    ManaRxConfig config = {
        .rx_enable = MANA_TRISTATE_TRUE, .rss_enable = MANA_TRISTATE_KEEP,
        .coalesce4 = true, .coalesce8 = eight, .version = version,
    };

    p = mana_machine_port(&m, FRAME_BYTES);
    config.default_rxq = p.rxq;
    g_assert_cmphex(mana_config_rx(p.vp, &config), ==, 0);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    for (int round = 0; round < 30; round++) {
        unsigned first = sent;

        /* so that they come at once */
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'stop' }");
        for (int i = 0; i <= round; i++) {
            mana_machine_send(&m, frame, &flow, 100 + sent % 99, sent);
            sent++;
        }
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
        for (unsigned i = first; i < sent; i++) {
            f = mana_rxq_expect(p.rxq);
            net_build_raw(frame, &flow, 100 + i % 99, i);
            g_assert_cmpmem(f.data, f.bytes, frame, 100 + i % 99);
            coalesced += f.cqe_type != MANA_CQE_RX_OKAY;
            coalesced8 += f.cqe_type == MANA_CQE_RX_COALESCED_8;
        }
    }
    g_test_message("%u of %u frames came in coalesced completions, %u by eight",
                   coalesced, sent, coalesced8);
    g_assert_cmpuint(coalesced, >, sent / 2);
    g_assert_cmpint(coalesced8 > sent / 2, ==, eight);
    g_assert(eight || !coalesced8);
    mana_machine_end(&m, &p);
}

static void test_coalesces_four(void)
{
    check_coalescing(2, false);
}

static void test_coalesces_eight(void)
{
    check_coalescing(5, true);
}

/* Never unless asked: 6.1 and 6.12 drop such completions */
static void test_does_not_coalesce_unasked(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;

    p = mana_machine_port(&m, FRAME_BYTES);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    for (int i = 0; i < 60; i++) {
        mana_machine_send(&m, frame, &flow, 100, i);
    }
    for (int i = 0; i < 60; i++) {
        ManaRxFrame f = mana_rxq_expect(p.rxq);

        g_assert_cmpuint(f.cqe_type, ==, MANA_CQE_RX_OKAY);
    }
    mana_machine_end(&m, &p);
}

/* --- vports --- */

static void test_vports_have_their_own_wires(void)
{
    ManaMachine m;
    ManaPort p[2];

    mana_machine_drive(&m, 2, "");
    for (unsigned i = 0; i < 2; i++) {
        p[i] = mana_port_up(m.d, i, 1 + i, FRAME_BYTES);
    }
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 2; i++) {
            NetFlow in = net_flow(false, NET_RAW, p[i].vp->mac, peer_mac);
            NetFlow out = net_flow(false, NET_RAW, peer_mac, p[i].vp->mac);
            ManaTx tx = { .frame = frame, .bytes = 400 + i };

            net_build_raw(frame, &in, 500, round * 2 + i);
            mana_expect_arrival(&m.wire[i], p[i].rxq, frame, 500);
            net_build_raw(frame, &out, 400 + i, round);
            mana_txq_send_ok(p[i].txq, &tx);
            g_assert_cmpuint(net_wire_expect(&m.wire[i], got), ==, 400 + i);
            g_assert_cmpmem(got, 400 + i, frame, 400 + i);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        g_assert_cmpuint(net_wire_wait(&m.wire[i], got, 0), ==, 0);
        mana_rxq_expect_none(p[i].rxq);
    }
    /* the one goes, the other works on */
    mana_port_down(&p[0]);
    for (unsigned round = 0; round < 10; round++) {
        NetFlow in = net_flow(false, NET_RAW, p[1].vp->mac, peer_mac);

        net_build_raw(frame, &in, 500, round);
        mana_expect_arrival(&m.wire[1], p[1].rxq, frame, 500);
    }
    mana_port_down(&p[1]);
    mana_machine_stop(&m);
}

/* Queues go while frames come and go; what is left works */
static void test_queues_go_under_traffic(void)
{
    ManaRxq *table[MANA_CLIENT_MAX_INDIRECTION];
    ManaRxConfig config;
    ManaMachine m;
    Queues q;

    mana_machine_drive(&m, 1, "");
    for (unsigned order = 0; order < 8; order++) {
        uint64_t heap = m.g->heap_gpa;

        queues_up(&q, m.d, 2, 2);
        spread(&q, &config, table);
        g_assert_cmphex(mana_config_rx(q.vp, &config), ==, 0);
        for (unsigned i = 0; i < 64; i++) {
            NetFlow flow = net_flow(false, NET_UDP, q.vp->mac, peer_mac);
            ManaTx tx = { .frame = frame };

            flow.src_port = i * 31 + order;
            tx.bytes = net_build(frame, &flow, 300, i);
            net_wire_send(&m.wire[0], frame, tx.bytes);
            mana_txq_send(q.txq[i % QUEUES], &tx);
        }
        /* no fence, no farewell */
        for (unsigned i = 0; i < QUEUES; i++) {
            unsigned k = (i * (1 + order / 4 * 2) + order) % QUEUES;

            mana_rxq_free(q.rxq[k], true);
            mana_txq_free(q.txq[k], true);
            if (i == order % QUEUES) {
                mana_rx_off(q.vp);
            }
        }
        gdma_eq_destroy(q.eq[order % 2]);
        gdma_eq_destroy(q.eq[!(order % 2)]);
        g_free(q.vp);
        while (net_wire_wait(&m.wire[0], got, 0)) {
            /* what still got out */
        }
        m.g->heap_gpa = heap;
    }
    mana_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-queue/published-vectors",
                   test_published_vectors);
    qtest_add_func("/paravisor/mana-queue/rss-vectors", test_rss_vectors);
    qtest_add_func("/paravisor/mana-queue/rss-is-configured",
                   test_rss_is_configured);
    qtest_add_func("/paravisor/mana-queue/not-ip-goes-to-the-default-queue",
                   test_not_ip_goes_to_the_default_queue);
    qtest_add_func("/paravisor/mana-queue/vector-per-queue",
                   test_vector_per_queue);
    qtest_add_func("/paravisor/mana-queue/queues-share-a-vector",
                   test_queues_share_a_vector);
    qtest_add_func("/paravisor/mana-queue/queues-share-an-event-queue",
                   test_queues_share_an_event_queue);
    qtest_add_func("/paravisor/mana-queue/completion-queue-arming",
                   test_completion_queue_arming);
    qtest_add_func("/paravisor/mana-queue/coalesces-four",
                   test_coalesces_four);
    qtest_add_func("/paravisor/mana-queue/coalesces-eight",
                   test_coalesces_eight);
    qtest_add_func("/paravisor/mana-queue/does-not-coalesce-unasked",
                   test_does_not_coalesce_unasked);
    qtest_add_func("/paravisor/mana-queue/vports-have-their-own-wires",
                   test_vports_have_their_own_wires);
    qtest_add_func("/paravisor/mana-queue/queues-go-under-traffic",
                   test_queues_go_under_traffic);
    return g_test_run();
}
