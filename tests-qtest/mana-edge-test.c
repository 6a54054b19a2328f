/*
 * mana: what is rare: lengths that differ, buffers that come late or are too
 * small, one queue's flood, errors that a test asks for, links that are down
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "lib/mana-machine.h"
#include "lib/net-rss.h"

#define STANDARD_BYTES  (1500 + NET_ETH_BYTES)
#define JUMBO_BYTES     (9000 + NET_ETH_BYTES)
#define PATIENCE_NS     NANOSECONDS_PER_SECOND

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];
static uint8_t want[NET_MAX_BYTES];
static uint8_t got[NET_MAX_BYTES];

static void set_link(ManaMachine *m, const char *name, bool up)
{
    qtest_qmp_assert_success(m->g->qts, "{ 'execute': 'set_link', 'arguments':"
                             " { 'name': %s, 'up': %i } }", name, up);
}

/* --- lengths that differ --- */

/* @extra bytes behind TCP or UDP, as a part of the IP packet or behind it */
static uint32_t build_longer(bool is_ipv6, NetProto proto, const uint8_t *dst,
                             const uint8_t *src, uint32_t payload,
                             uint32_t extra, bool in_ip)
{
    NetFlow flow = net_flow(is_ipv6, proto, dst, src);
    uint32_t bytes = net_build(frame, &flow, payload, payload);
    uint8_t *ip = frame + NET_ETH_BYTES;
    uint8_t *length = ip + (is_ipv6 ? 4 : 2);
    uint32_t sum;

    memset(frame + bytes, 0xa5, extra);
    if (in_ip) {
        stw_be_p(length, lduw_be_p(length) + extra);
        if (!is_ipv6) {
            /* RFC 1624 */
            sum = (uint16_t)~lduw_be_p(ip + 10) + extra;
            stw_be_p(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
        }
    }
    return bytes + extra;
}

static uint32_t csum_at(bool is_ipv6, NetProto proto)
{
    return NET_ETH_BYTES + (is_ipv6 ? 40 : 20) + (proto == NET_TCP ? 16 : 6);
}

static void check_tx_longer(ManaMachine *m, ManaPort *p, unsigned kind,
                            uint32_t payload, uint32_t extra)
{
    bool is_ipv6 = kind & 1, in_ip = kind & 2;
    /* only UDP has a length of its own */
    NetProto proto = !in_ip && kind & 4 ? NET_TCP : NET_UDP;
    uint32_t bytes = build_longer(is_ipv6, proto, peer_mac, p->vp->mac, payload,
                                  extra, in_ip);
    ManaTx tx = {
        .frame = frame, .bytes = bytes, .is_ipv4 = !is_ipv6,
        .is_ipv6 = is_ipv6, .tcp_csum = proto == NET_TCP,
        .udp_csum = proto == NET_UDP, .pieces = 1 + payload % 3,
        .transport_offset = csum_at(is_ipv6, proto) & ~7,
    };

    memcpy(want, frame, bytes);
    stw_be_p(frame + csum_at(is_ipv6, proto), 0x1234);
    mana_txq_send_ok(p->txq, &tx);
    g_assert_cmpuint(net_wire_expect(&m->wire[0], got), ==, bytes);
    g_assert_cmpmem(got, bytes, want, bytes);
}

static void test_tx_checksum_ends_with_its_packet(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, JUMBO_BYTES);
    for (unsigned kind = 0; kind < 8; kind++) {
        check_tx_longer(&m, &p, kind, 100, 30);
        check_tx_longer(&m, &p, kind, 101, 7);
        /* long ones are not copied: what is behind may be a piece of its own */
        check_tx_longer(&m, &p, kind, 2500, 1000);
        check_tx_longer(&m, &p, kind, 2501, 1);
        check_tx_longer(&m, &p, kind, 100, 4000);
    }
    mana_machine_end(&m, &p);
}

static void test_tx_udp_of_impossible_length(void)
{
    static const uint16_t lengths[] = { 0, 7, 109, 0xffff };
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++) {
        ManaTx tx = { .frame = frame, .is_ipv4 = true, .udp_csum = true };

        tx.bytes = build_longer(false, NET_UDP, peer_mac, p.vp->mac, 100, 0,
                                false);
        stw_be_p(frame + NET_ETH_BYTES + 24, lengths[i]);
        mana_txq_send(p.txq, &tx);
        g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_HDR_ERROR);
    }
    g_assert_cmpuint(net_wire_wait(&m.wire[0], got, GDMA_CLIENT_QUIET_US), ==,
                     0);
    mana_machine_end(&m, &p);
}

static void test_rx_udp_length_is_its_own(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (unsigned kind = 0; kind < 16; kind++) {
        bool is_ipv6 = kind & 1, is_bad = kind & 4, is_odd = kind & 8;
        uint32_t bytes = build_longer(is_ipv6, NET_UDP, p.vp->mac, peer_mac,
                                      200 + kind, 20 + kind, kind & 2);
        ManaRxFrame f;

        if (is_bad) {
            frame[csum_at(is_ipv6, NET_UDP) + 10] ^= 4;
        }
        if (is_odd) {
            stw_be_p(frame + csum_at(is_ipv6, NET_UDP) - 2, 7);
        }
        net_wire_send(&m.wire[0], frame, bytes);
        f = mana_rxq_expect(p.rxq);
        g_assert_cmpmem(f.data, f.bytes, frame, bytes);
        /* no verdict on what has no length */
        g_assert_cmpint(FIELD_EX32(f.flags, MANA_RX_CQE, IP_OK), ==, 1);
        g_assert_cmpint(FIELD_EX32(f.flags, MANA_RX_CQE, UDP_OK), ==,
                        !is_bad && !is_odd);
        g_assert_cmpint(FIELD_EX32(f.flags, MANA_RX_CQE, UDP_BAD), ==,
                        is_bad && !is_odd);
    }
    mana_machine_end(&m, &p);
}

/* --- buffers --- */

/* Use up all buffers, and let one frame more wait for one */
static void starve(ManaMachine *m, ManaPort *p, uint32_t *seed)
{
    ManaRxFrame f;

    p->rxq->recycles = false;
    while (g_queue_get_length(p->rxq->posted)) {
        mana_port_send_in(m, p, 100, (*seed)++);
        /* one may be kept for a fence: this frame is the one that waits */
        if (!mana_rxq_wait(p->rxq, &f, GDMA_CLIENT_QUIET_US)) {
            return;
        }
    }
    mana_port_send_in(m, p, 100, (*seed)++);
}

/* A second is counted from when the queue ran dry, each time it does */
static void test_rx_waits_a_second_each_time(void)
{
    ManaMachine m;
    ManaPort p;
    uint32_t seed = 0;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (int i = 0; i < 4; i++) {
        starve(&m, &p, &seed);
        gdma_expect_alive(m.d);
        pcie_guest_step(m.g, PATIENCE_NS / 10 * 7);
        mana_rxq_fill(p.rxq, 5);
        mana_port_expect_in(&p, 100, seed - 1);
    }
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_NO_WQE), ==, 0);
    mana_rxq_fill(p.rxq, 5);
    mana_machine_end(&m, &p);
}

static void test_rx_drops_after_a_second(void)
{
    ManaMachine m;
    ManaPort p;
    uint32_t seed = 0;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (int i = 0; i < 3; i++) {
        uint64_t before = mana_stat(m.d, MANA_STAT_RX_NO_WQE);

        starve(&m, &p, &seed);
        gdma_expect_alive(m.d);
        pcie_guest_step(m.g, PATIENCE_NS + SCALE_MS);
        g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_NO_WQE), ==, before + 1);
        /* nothing waits any more */
        mana_port_send_in(&m, &p, 100, 1);
        mana_port_send_in(&m, &p, 100, 2);
        mana_rxq_expect_none(p.rxq);
        g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_NO_WQE), ==, before + 3);
        mana_rxq_fill(p.rxq, 5);
        mana_rxq_expect_none(p.rxq);
        mana_port_send_in(&m, &p, 100, 3);
        mana_port_expect_in(&p, 100, 3);
    }
    mana_rxq_fill(p.rxq, 5);
    mana_machine_end(&m, &p);
}

static void test_rx_of_too_much_is_counted(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (uint32_t i = 1; i <= 10; i++) {
        mana_port_send_in(&m, &p, STANDARD_BYTES + i, i);
        mana_port_send_in(&m, &p, STANDARD_BYTES, i);
        mana_port_expect_in(&p, STANDARD_BYTES, i);
        g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_NO_WQE), ==, i);
    }
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_UCAST_PACKETS), ==, 10);
    mana_machine_end(&m, &p);
}

/* No frame fits: such a queue has failed, and does not hold up the others */
static void test_rx_buffer_without_room(void)
{
    ManaMachine m;
    ManaPort p;
    ManaRxq *other;
    uint64_t gpa;

    p = mana_machine_port(&m, STANDARD_BYTES);
    other = mana_rxq_new(p.vp, p.eq, GDMA_PAGE_SIZE, 4 * GDMA_PAGE_SIZE, 13);
    gpa = pcie_guest_alloc(m.g, 1);
    mana_rxq_post(other, gpa, 13);
    mana_rxq_post(other, gpa, STANDARD_BYTES);
    gdma_wq_ring(&other->wq);
    mana_rx_on(p.vp, other);
    for (uint32_t i = 0; i < 3; i++) {
        mana_port_send_in(&m, &p, 100, i);
    }
    mana_rxq_expect_none(other);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_NO_WQE), ==, 3);
    mana_rx_on(p.vp, p.rxq);
    mana_port_send_in(&m, &p, 100, 3);
    mana_port_expect_in(&p, 100, 3);
    mana_rxq_free(other, true);
    mana_machine_end(&m, &p);
}

/* --- a flood --- */

static uint64_t tx_packets(ManaMachine *m, unsigned vport)
{
    QDict *rsp = qtest_qmp(m->g->qts, "{ 'execute': 'query-mana' }");
    QDict *adapter = qobject_to(QDict,
                                qlist_peek(qdict_get_qlist(rsp, "return")));
    const QListEntry *e = qlist_first(qdict_get_qlist(adapter, "vports"));
    uint64_t packets;

    while (vport--) {
        e = qlist_next(e);
    }
    packets = qdict_get_int(qobject_to(QDict, qlist_entry_obj(e)),
                            "tx-packets");
    qobject_unref(rsp);
    return packets;
}

/*
 * One doorbell for 120,000 segments, to a wire that takes all of them at once,
 * as it is off: the monitor is heard before they are out.  Not each time, on a
 * machine that has other things to do.
 */
static void test_segments_count_as_frames(void)
{
    enum { ENTRIES = 64, PAYLOAD = 60000, MSS = 32, TRIES = 10 };
    NetFlow flow = net_flow(false, NET_TCP, peer_mac, peer_mac);
    uint64_t share = (uint64_t)ENTRIES * (PAYLOAD / MSS), total = 0;
    bool is_heard = false;
    ManaMachine m;
    ManaPort p;
    NetHeaders h;
    ManaTx tx = {
        .frame = frame, .is_ipv4 = true, .ip_csum = true, .tcp_csum = true,
        .mss = MSS,
    };

    mana_machine_drive(&m, 2, "");
    set_link(&m, "nic0.1", false);
    p = mana_port_up(m.d, 1, 1, STANDARD_BYTES);
    tx.bytes = net_build(frame, &flow, PAYLOAD, 1);
    g_assert(net_parse(frame, tx.bytes, &h));
    net_prepare_offload(frame, tx.bytes, true);
    tx.header_bytes = h.payload;
    tx.transport_offset = h.l4;
    for (int i = 0; i < TRIES && !is_heard; i++) {
        for (int j = 0; j < ENTRIES; j++) {
            mana_txq_put(p.txq, &tx);
        }
        g_assert_cmpuint(tx_packets(&m, 1), ==, total);
        total += share;
        gdma_wq_ring(&p.txq->wq);
        is_heard = tx_packets(&m, 1) < total;
        for (int j = 0; j < ENTRIES; j++) {
            g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
        }
        g_assert_cmpuint(tx_packets(&m, 1), ==, total);
    }
    g_assert_true(is_heard);
    mana_machine_end(&m, &p);
}

/* --- errors of transmission --- */

static void send_bad(ManaPort *p, uint32_t bytes, ManaCqeType type)
{
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, p->vp->mac);
    ManaTx tx = { .frame = frame, .bytes = bytes };

    net_build_raw(frame, &flow, MAX(bytes, NET_MIN_BYTES), bytes);
    mana_txq_send(p->txq, &tx);
    g_assert_cmpint(mana_txq_expect(p->txq), ==, type);
}

static void test_tx_errors_are_told_and_counted(void)
{
    uint32_t longest = JUMBO_BYTES + NET_VLAN_BYTES;
    ManaMachine m;
    ManaPort p;

    mana_machine_drive(&m, 2, "");
    p = mana_port_up(m.d, 0, 1, STANDARD_BYTES);
    send_bad(&p, longest, MANA_CQE_TX_OKAY);
    g_assert_cmpuint(net_wire_expect(&m.wire[0], got), ==, longest);
    send_bad(&p, longest + 1, MANA_CQE_TX_MTU_DROP);
    send_bad(&p, 13, MANA_CQE_TX_GDMA_ERROR);
    p.vp->tx_offset = 1;
    send_bad(&p, 100, MANA_CQE_TX_VPORT_OUT_OF_RANGE);
    p.vp->tx_offset = 0;
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_TX_MTU_VIOLATION), ==, 1);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_TX_GDMA_ERROR), ==, 1);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_TX_BAD_VPORT_OFFSET), ==, 1);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_TX_UCAST_PACKETS), ==, 1);
    g_assert_cmpuint(net_wire_wait(&m.wire[0], got, 0), ==, 0);
    g_assert_cmpuint(net_wire_wait(&m.wire[1], got, 0), ==, 0);
    mana_machine_end(&m, &p);
}

static void test_suppressed_completions(void)
{
    ManaMachine m;
    ManaPort p;
    ManaCqeType type;
    NetFlow flow;

    p = mana_machine_port(&m, STANDARD_BYTES);
    flow = net_flow(false, NET_RAW, peer_mac, p.vp->mac);
    net_build_raw(frame, &flow, 100, 1);
    for (int i = 0; i < 8; i++) {
        ManaTx tx = { .frame = frame, .bytes = 100, .suppress_cqe = i < 7 };

        mana_txq_put(p.txq, &tx);
        if (tx.suppress_cqe) {
            /* the oldest that is to complete is a later one */
            g_queue_pop_head(p.txq->offsets);
            p.txq->done_bytes +=
                GPOINTER_TO_UINT(g_queue_pop_head(p.txq->offsets));
        }
    }
    gdma_wq_ring(&p.txq->wq);
    g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
    g_assert(!mana_txq_wait(p.txq, &type, GDMA_CLIENT_QUIET_US));
    for (int i = 0; i < 8; i++) {
        g_assert_cmpuint(net_wire_expect(&m.wire[0], got), ==, 100);
    }
    mana_machine_end(&m, &p);
}

/* --- steering --- */

static void test_frames_for_others(void)
{
    static const uint8_t other[6] = { 0x52, 0x54, 0, 0xee, 0, 1 };
    NetFlow flow = net_flow(false, NET_RAW, other, peer_mac);
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    mana_machine_send(&m, frame, &flow, 100, 1);
    mana_rxq_expect_none(p.rxq);
    mana_port_send_in(&m, &p, 100, 2);
    mana_port_expect_in(&p, 100, 2);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_UCAST_PACKETS), ==, 1);
    mana_machine_end(&m, &p);
}

/* The driver wants addresses hashed, and no ports */
static void test_hash_types(void)
{
    ManaMachine m;
    ManaPort p;
    ManaRxq *table[MANA_CLIENT_MAX_INDIRECTION];
    ManaRxConfig config = {
        .rx_enable = MANA_TRISTATE_TRUE, .rss_enable = MANA_TRISTATE_TRUE,
        .key = net_rss_key, .table = table, .version = 2,
        .hash_types = MANA_HASH_IPV4 | MANA_HASH_IPV6 | MANA_HASH_UDP_IPV4,
    };

    p = mana_machine_port(&m, STANDARD_BYTES);
    config.default_rxq = p.rxq;
    config.table_count = p.vp->indirection_entries;
    for (unsigned i = 0; i < config.table_count; i++) {
        table[i] = p.rxq;
    }
    g_assert_cmphex(mana_config_rx(p.vp, &config), ==, 0);
    for (unsigned i = 0; i < 2 * NET_RSS_VECTORS; i++) {
        NetProto proto = i & 1 ? NET_UDP : NET_TCP;
        NetFlow flow = net_rss_flow(i / 2, proto, p.vp->mac, peer_mac);
        uint32_t bytes = net_build(frame, &flow, 100, i);
        bool is_ipv6 = net_rss_vectors[i / 2].is_ipv6;
        bool ports = proto == NET_UDP && !is_ipv6;
        ManaRxFrame f;

        net_wire_send(&m.wire[0], frame, bytes);
        f = mana_rxq_expect(p.rxq);
        g_assert_cmphex(FIELD_EX32(f.flags, MANA_RX_CQE, HASH_TYPE), ==,
                        ports ? MANA_HASH_UDP_IPV4 :
                        is_ipv6 ? MANA_HASH_IPV6 : MANA_HASH_IPV4);
        g_assert_cmphex(f.hash, ==,
                        ports ? net_rss_vectors[i / 2].hash_ports :
                        net_rss_vectors[i / 2].hash_addresses);
    }
    mana_machine_end(&m, &p);
}

/* --- errors by injection --- */

static void inject(ManaMachine *m, const char *event)
{
    qtest_qmp_assert_success(m->g->qts, "{ 'execute': 'x-mana-inject',"
        " 'arguments': { 'id': 'nic0', 'event': %s, 'milliseconds': 200 } }",
        event);
}

static void send_one(ManaPort *p, uint32_t seed)
{
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, p->vp->mac);
    ManaTx tx = { .frame = frame, .bytes = 100 };

    net_build_raw(frame, &flow, 100, seed);
    mana_txq_send(p->txq, &tx);
}

static void test_injected_errors(void)
{
    ManaMachine m;
    ManaPort p;
    GdmaReqHeaderWire req;
    GdmaRespHeaderWire resp;
    ManaCqeType type;

    p = mana_machine_port(&m, STANDARD_BYTES);
    gdma_settle(m.d);
    /* the next doorbell makes up for one that was lost */
    inject(&m, "dropped-doorbell");
    send_one(&p, 1);
    g_assert(!mana_txq_wait(p.txq, &type, GDMA_CLIENT_QUIET_US));
    send_one(&p, 2);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
        g_assert_cmpuint(net_wire_expect(&m.wire[0], got), ==, 100);
    }
    /* an interrupt comes when its time has come */
    g_assert(!mana_txq_wait(p.txq, &type, GDMA_CLIENT_QUIET_US));
    inject(&m, "late-interrupt");
    send_one(&p, 3);
    g_assert(!mana_txq_wait(p.txq, &type, GDMA_CLIENT_QUIET_US));
    g_assert_cmpuint(net_wire_expect(&m.wire[0], got), ==, 100);
    pcie_guest_step(m.g, NANOSECONDS_PER_SECOND / 5);
    g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
    /* one request gets no answer, the next one does */
    inject(&m, "hwc-timeout");
    gdma_init_request(m.d, &req, GDMA_LIST_DEVICES, sizeof(req), 300);
    g_assert(!gdma_request_raw(m.d, &req, sizeof(req), &resp));
    g_assert(gdma_request_raw(m.d, &req, sizeof(req), &resp));
    /* a queue that stopped is good for nothing but to be destroyed */
    inject(&m, "queue-error");
    send_one(&p, 4);
    g_assert(!mana_txq_wait(p.txq, &type, GDMA_CLIENT_QUIET_US));
    mana_port_send_in(&m, &p, 100, 5);
    mana_port_expect_in(&p, 100, 5);
    inject(&m, "reset-request");
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->news->len, ==, 1);
    g_array_set_size(m.d->news, 0);
    mana_port_down(&p);
    p = mana_port_up(m.d, 0, 1, STANDARD_BYTES);
    send_one(&p, 6);
    g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
    mana_machine_end(&m, &p);
}

/* Counters, and errors that were asked for and did not happen yet */
static void test_reset_forgets(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    send_one(&p, 1);
    g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
    gdma_settle(m.d);
    inject(&m, "dropped-doorbell");
    inject(&m, "hwc-timeout");
    inject(&m, "late-interrupt");
    pcie_guest_reset(m.g);
    mana_port_forget(&p);
    gdma_forget(m.d);
    m.d = gdma_start(m.g, 0);
    for (unsigned i = 0; i < MANA_STAT_COUNT; i++) {
        g_assert_cmpuint(mana_stat(m.d, i), ==, 0);
    }
    mana_machine_stop(&m);
}

/* --- link --- */

/* One event came, and it says this */
static void expect_link_event(ManaMachine *m, uint32_t type)
{
    GdmaEqeWire *eqe;

    gdma_settle(m->d);
    g_assert_cmpuint(m->d->news->len, ==, 1);
    eqe = &g_array_index(m->d->news, GdmaEqeWire, 0);
    g_assert_cmpuint(FIELD_EX32(le32_to_cpu(eqe->details[0]), GDMA_EQE_DATA,
                                TYPE), ==, type);
    g_array_set_size(m->d->news, 0);
}

/* Once its ports are there: Linux forgets what it was told before */
static void test_link_is_down_when_a_driver_comes(void)
{
    ManaMachine m;
    ManaPort p;

    mana_machine_start(&m, 1, "");
    set_link(&m, "nic0", false);
    m.d = gdma_start(m.g, 0);
    for (int i = 0; i < 2; i++) {
        p = mana_port_up(m.d, 0, 1, STANDARD_BYTES);
        expect_link_event(&m, GDMA_RECONFIG_LINK_DISCONNECT);
        mana_port_down(&p);
    }
    p = mana_port_up(m.d, 0, 1, STANDARD_BYTES);
    expect_link_event(&m, GDMA_RECONFIG_LINK_DISCONNECT);
    set_link(&m, "nic0", true);
    expect_link_event(&m, GDMA_RECONFIG_LINK_CONNECT);
    mana_port_down(&p);
    p = mana_port_up(m.d, 0, 1, STANDARD_BYTES);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->news->len, ==, 0);
    mana_machine_end(&m, &p);
}

/* The other host's link is up; and while the VM is stopped, nobody is told */
static void test_link_changes_while_stopped(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    set_link(&m, "nic0", false);
    expect_link_event(&m, GDMA_RECONFIG_LINK_DISCONNECT);
    mana_machine_migrate(&m);
    expect_link_event(&m, GDMA_RECONFIG_LINK_CONNECT);
    mana_machine_migrate(&m);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->news->len, ==, 0);
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'stop' }");
    set_link(&m, "nic0", false);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->news->len, ==, 0);
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
    expect_link_event(&m, GDMA_RECONFIG_LINK_DISCONNECT);
    mana_machine_end(&m, &p);
}

/* The flap is over, but there is nothing to be linked with */
static void test_flap_of_a_netdev_that_goes(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'x-mana-inject',"
        " 'arguments': { 'id': 'nic0', 'event': 'link-flap',"
        " 'milliseconds': 100 } }");
    expect_link_event(&m, GDMA_RECONFIG_LINK_DISCONNECT);
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'netdev_del',"
                             " 'arguments': { 'id': 'w0' } }");
    pcie_guest_step(m.g, NANOSECONDS_PER_SECOND);
    gdma_settle(m.d);
    g_assert_cmpuint(m.d->news->len, ==, 0);
    gdma_expect_alive(m.d);
    mana_machine_end(&m, &p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-edge/tx-checksum-ends-with-its-packet",
                   test_tx_checksum_ends_with_its_packet);
    qtest_add_func("/paravisor/mana-edge/tx-udp-of-impossible-length",
                   test_tx_udp_of_impossible_length);
    qtest_add_func("/paravisor/mana-edge/rx-udp-length-is-its-own",
                   test_rx_udp_length_is_its_own);
    qtest_add_func("/paravisor/mana-edge/rx-waits-a-second-each-time",
                   test_rx_waits_a_second_each_time);
    qtest_add_func("/paravisor/mana-edge/rx-drops-after-a-second",
                   test_rx_drops_after_a_second);
    qtest_add_func("/paravisor/mana-edge/rx-of-too-much-is-counted",
                   test_rx_of_too_much_is_counted);
    qtest_add_func("/paravisor/mana-edge/rx-buffer-without-room",
                   test_rx_buffer_without_room);
    qtest_add_func("/paravisor/mana-edge/segments-count-as-frames",
                   test_segments_count_as_frames);
    qtest_add_func("/paravisor/mana-edge/tx-errors-are-told-and-counted",
                   test_tx_errors_are_told_and_counted);
    qtest_add_func("/paravisor/mana-edge/suppressed-completions",
                   test_suppressed_completions);
    qtest_add_func("/paravisor/mana-edge/frames-for-others",
                   test_frames_for_others);
    qtest_add_func("/paravisor/mana-edge/hash-types",
                   test_hash_types);
    qtest_add_func("/paravisor/mana-edge/injected-errors",
                   test_injected_errors);
    qtest_add_func("/paravisor/mana-edge/reset-forgets", test_reset_forgets);
    qtest_add_func("/paravisor/mana-edge/link-is-down-when-a-driver-comes",
                   test_link_is_down_when_a_driver_comes);
    qtest_add_func("/paravisor/mana-edge/link-changes-while-stopped",
                   test_link_changes_while_stopped);
    qtest_add_func("/paravisor/mana-edge/flap-of-a-netdev-that-goes",
                   test_flap_of_a_netdev_that_goes);
    return g_test_run();
}
