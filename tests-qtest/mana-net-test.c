/*
 * mana: packets, as a guest's driver and the wire see them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "lib/mana-machine.h"
#include "lib/net-rss.h"

#define JUMBO_MTU       9000
#define STANDARD_BYTES  (1500 + NET_ETH_BYTES)
#define JUMBO_BYTES     (JUMBO_MTU + NET_ETH_BYTES)
#define JUMBO           ",mtu=9000"

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];
static uint8_t got[NET_MAX_BYTES];

/* --- TX --- */

static void expect_on_wire(ManaMachine *m, unsigned wire, const uint8_t *want,
                           uint32_t bytes)
{
    uint32_t have = net_wire_expect(&m->wire[wire], got);

    /* Ethernet's minimum may be filled up with zeroes */
    if (have != bytes) {
        g_assert_cmpuint(bytes, <, 60);
        g_assert_cmpuint(have, ==, 60);
        for (uint32_t i = bytes; i < have; i++) {
            g_assert_cmphex(got[i], ==, 0);
        }
    }
    g_assert_cmpmem(got, bytes, want, bytes);
}

static void send_raw(ManaMachine *m, ManaPort *p, uint32_t bytes, ManaTx *tx)
{
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, p->vp->mac);

    net_build_raw(frame, &flow, bytes, bytes);
    tx->frame = frame;
    tx->bytes = bytes;
    mana_txq_send_ok(p->txq, tx);
    expect_on_wire(m, 0, frame, bytes);
}

static void test_tx_of_every_size(void)
{
    ManaMachine m;
    ManaPort p;

    mana_machine_drive(&m, 1, JUMBO);
    p = mana_port_up(m.d, 0, 1, JUMBO_BYTES);
    for (uint32_t bytes = NET_ETH_BYTES; bytes <= JUMBO_BYTES; ) {
        ManaTx tx = { .misalign = bytes % 61 };

        send_raw(&m, &p, bytes, &tx);
        bytes += bytes < 130 ? 1 : bytes < STANDARD_BYTES - 70 ? 61 :
                 bytes < STANDARD_BYTES + 8 ? 1 :
                 MIN(997, MAX(JUMBO_BYTES - bytes, 1u));
    }
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_TX_UCAST_PACKETS), ==,
                     p.txq->wq.head_bytes / GDMA_WQE_BU_BYTES);
    mana_machine_end(&m, &p);
}

static void test_tx_of_many_pieces(void)
{
    ManaMachine m;
    ManaPort p;

    mana_machine_drive(&m, 1, JUMBO);
    p = mana_port_up(m.d, 0, 1, JUMBO_BYTES);
    for (unsigned pieces = 1; pieces <= GDMA_MAX_SGES; pieces++) {
        for (unsigned is_long = 0; is_long < 2; is_long++) {
            ManaTx tx = {
                .pieces = pieces, .misalign = pieces * 37, .long_form = is_long,
            };

            /* an entry has 512 bytes */
            if (is_long && pieces == GDMA_MAX_SGES) {
                continue;
            }

            send_raw(&m, &p, 60, &tx);
            send_raw(&m, &p, STANDARD_BYTES, &tx);
            send_raw(&m, &p, JUMBO_BYTES, &tx);
        }
    }
    mana_machine_end(&m, &p);
}

/* Four laps of the ring with entries of all lengths, so that each wraps */
static void test_tx_ring_wraps(void)
{
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (unsigned i = 0; p.txq->wq.head_bytes < 4 * p.txq->wq.ring.bytes; i++) {
        ManaTx tx = { .pieces = 1 + i * 7 % GDMA_MAX_SGES };

        send_raw(&m, &p, 64 + i % 900, &tx);
    }
    mana_machine_end(&m, &p);
}

/* One doorbell for as many entries as fit */
static void test_tx_of_a_full_ring(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    unsigned count;

    p = mana_machine_port(&m, STANDARD_BYTES);
    flow = net_flow(false, NET_RAW, peer_mac, p.vp->mac);
    count = p.txq->wq.ring.bytes / GDMA_WQE_BU_BYTES;
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < count; i++) {
            ManaTx tx = { .frame = frame, .bytes = 100 };

            net_build_raw(frame, &flow, 100, i);
            mana_txq_put(p.txq, &tx);
        }
        gdma_wq_ring(&p.txq->wq);
        for (unsigned i = 0; i < count; i++) {
            g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
            net_build_raw(frame, &flow, 100, i);
            expect_on_wire(&m, 0, frame, 100);
        }
    }
    mana_machine_end(&m, &p);
}

/* The peer reads nothing; then it does, and gets everything in order */
static void test_tx_waits_for_a_slow_peer(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    ManaCqeType type;
    unsigned sent = 0, done = 0;

    p = mana_machine_port(&m, STANDARD_BYTES);
    flow = net_flow(false, NET_RAW, peer_mac, p.vp->mac);
    /* until completions stop: the socket is full */
    while (sent - done < 200) {
        uint64_t heap = m.g->heap_gpa;
        ManaTx tx = { .frame = frame, .bytes = STANDARD_BYTES };

        net_build_raw(frame, &flow, STANDARD_BYTES, sent++);
        mana_txq_send(p.txq, &tx);
        while (mana_txq_wait(p.txq, &type, 0)) {
            g_assert_cmpint(type, ==, MANA_CQE_TX_OKAY);
            done++;
        }
        m.g->heap_gpa = sent == done ? heap : m.g->heap_gpa;
        g_assert_cmpuint(sent, <, 10000);
    }
    for (unsigned i = 0; i < sent; i++) {
        net_build_raw(frame, &flow, STANDARD_BYTES, i);
        expect_on_wire(&m, 0, frame, STANDARD_BYTES);
    }
    for (; done < sent; done++) {
        g_assert_cmpint(mana_txq_expect(p.txq), ==, MANA_CQE_TX_OKAY);
    }
    mana_machine_end(&m, &p);
}

/* --- TX offloads --- */

static uint32_t build(bool is_ipv6, NetProto proto, const uint8_t *dst,
                      const uint8_t *src, uint32_t payload, uint32_t seed)
{
    NetFlow flow = net_flow(is_ipv6, proto, dst, src);

    flow.tcp_option_bytes = seed % 4 * 4;
    return net_build(frame, &flow, payload, seed);
}

static void insert_vlan(uint8_t *f, uint32_t *bytes, uint16_t tci)
{
    memmove(f + 16, f + 12, *bytes - 12);
    stw_be_p(f + 12, 0x8100);
    stw_be_p(f + 14, tci);
    *bytes += NET_VLAN_BYTES;
}

/* As Linux leaves a frame for the adapter, and as it must leave it */
static void check_csum_offload(ManaMachine *m, ManaPort *p, bool is_ipv6,
                               NetProto proto, uint32_t payload, bool vlan)
{
    static uint8_t want[NET_MAX_BYTES];
    uint32_t bytes = build(is_ipv6, proto, peer_mac, p->vp->mac, payload,
                           payload);
    ManaTx tx = {
        .frame = frame, .bytes = bytes, .is_ipv4 = !is_ipv6,
        .is_ipv6 = is_ipv6, .ip_csum = !is_ipv6, .tcp_csum = proto == NET_TCP,
        .udp_csum = proto == NET_UDP, .has_vlan = vlan,
        .vlan_tci = vlan ? 0x6000 | (payload & 0xfff) : 0,
        .pieces = 1 + payload % 5, .misalign = payload % 31,
    };
    NetHeaders h;

    memcpy(want, frame, bytes);
    g_assert(net_parse(frame, bytes, &h));
    /* for UDP Linux gives no offset */
    tx.transport_offset = proto == NET_TCP ? h.l4 : 0;
    net_prepare_offload(frame, bytes, false);
    if (!is_ipv6) {
        stw_be_p(frame + h.l3 + 10, 0);
    }
    mana_txq_send_ok(p->txq, &tx);
    if (vlan) {
        insert_vlan(want, &bytes, tx.vlan_tci);
    }
    expect_on_wire(m, 0, want, bytes);
    if (bytes > 60) {
        net_assert_good(got, bytes, &h);
    }
}

static void test_tx_checksums(void)
{
    static const uint32_t payloads[] = {
        0, 1, 2, 3, 17, 18, 100, 101, 1000, 1399, 1400,
    };
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
        for (unsigned k = 0; k < 8; k++) {
            check_csum_offload(&m, &p, k & 1, k & 2 ? NET_TCP : NET_UDP,
                               payloads[i], k & 4);
        }
    }
    mana_machine_end(&m, &p);
}

/* A UDP sum of 0 must go out as 0xffff: 0 says that there is none */
static void test_tx_udp_checksum_of_zero(void)
{
    ManaMachine m;
    ManaPort p;
    NetHeaders h;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (unsigned is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
        uint32_t bytes = build(is_ipv6, NET_UDP, peer_mac, p.vp->mac, 32, 1);
        ManaTx tx = {
            .frame = frame, .bytes = bytes, .is_ipv4 = !is_ipv6,
            .is_ipv6 = is_ipv6, .udp_csum = true,
        };
        uint32_t sum;

        g_assert(net_parse(frame, bytes, &h));
        /* add the checksum to a word of the payload: the new one is 0 */
        sum = lduw_be_p(frame + h.payload) + lduw_be_p(frame + h.l4 + 6);
        stw_be_p(frame + h.payload, (sum & 0xffff) + (sum >> 16));
        net_prepare_offload(frame, bytes, false);
        mana_txq_send_ok(p.txq, &tx);
        g_assert_cmpuint(net_wire_expect(&m.wire[0], got), ==, bytes);
        g_assert_cmphex(lduw_be_p(got + h.l4 + 6), ==, 0xffff);
        net_assert_good(got, bytes, &h);
    }
    mana_machine_end(&m, &p);
}

static void check_lso(ManaMachine *m, ManaPort *p, bool is_ipv6,
                      uint32_t payload, uint16_t mss, bool vlan)
{
    static uint8_t whole[NET_MAX_BYTES];
    NetFlow flow = net_flow(is_ipv6, NET_TCP, peer_mac, p->vp->mac);
    uint32_t bytes, at = 0, segments = 0;
    NetHeaders h, s;
    ManaTx tx = {
        .frame = frame, .is_ipv4 = !is_ipv6, .is_ipv6 = is_ipv6,
        .ip_csum = !is_ipv6, .tcp_csum = true, .mss = mss, .has_vlan = vlan,
        .vlan_tci = vlan ? 0x2fff : 0, .pieces = 1 + mss % 17,
        .misalign = mss % 100,
    };

    flow.tcp_flags = 0x19;      /* FIN, PSH, ACK */
    flow.tcp_option_bytes = 12;
    bytes = net_build(frame, &flow, payload, payload);
    memcpy(whole, frame, bytes);
    g_assert(net_parse(frame, bytes, &h));
    net_prepare_offload(frame, bytes, true);
    tx.bytes = bytes;
    tx.header_bytes = h.payload;
    tx.transport_offset = h.l4;
    mana_txq_send_ok(p->txq, &tx);
    while (at < payload) {
        uint32_t n = net_wire_expect(&m->wire[0], got);

        net_assert_good(got, n, &s);
        g_assert_cmpuint(s.l3, ==, vlan ? 18 : 14);
        if (vlan) {
            g_assert_cmphex(lduw_be_p(got + 14), ==, tx.vlan_tci);
        }
        g_assert_cmpuint(s.payload_bytes, ==, MIN(mss, payload - at));
        g_assert_cmpmem(got + s.payload, s.payload_bytes,
                        whole + h.payload + at, s.payload_bytes);
        g_assert_cmphex(s.seq, ==, (uint32_t)(h.seq + at));
        if (!is_ipv6) {
            g_assert_cmphex(s.ip_id, ==, (uint16_t)(h.ip_id + segments));
        }
        at += s.payload_bytes;
        /* FIN and PSH belong to the last one */
        g_assert_cmphex(s.tcp_flags, ==, at == payload ? 0x19 : 0x10);
        segments++;
    }
}

static void test_tx_segmentation(void)
{
    static const uint16_t sizes[] = { 64, 536, 1447, 1448 };
    static const uint32_t payloads[] = {
        1449, 2896, 2897, 5000, 16384, 32767, 60000, 65000,
    };
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (size_t i = 0; i < ARRAY_SIZE(payloads); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
            /* the socket holds so many frames that nobody has read */
            if (payloads[i] / sizes[k] < 150) {
                check_lso(&m, &p, k & 1, payloads[i], sizes[k], i & 1);
                check_lso(&m, &p, !(k & 1), payloads[i], sizes[k], false);
            }
        }
    }
    /* a payload that is one segment */
    check_lso(&m, &p, false, 100, 1448, false);
    mana_machine_end(&m, &p);
}

/* --- RX --- */

static void test_rx_of_every_size(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;

    mana_machine_drive(&m, 1, JUMBO);
    p = mana_port_up(m.d, 0, 1, JUMBO_BYTES);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    for (uint32_t bytes = NET_ETH_BYTES; bytes <= JUMBO_BYTES; ) {
        net_build_raw(frame, &flow, bytes, bytes);
        mana_expect_arrival(&m.wire[0], p.rxq, frame, bytes);
        bytes += bytes < 130 ? 1 : bytes < STANDARD_BYTES - 70 ? 61 :
                 bytes < STANDARD_BYTES + 8 ? 1 :
                 MIN(997, MAX(JUMBO_BYTES - bytes, 1u));
    }
    g_assert_cmpuint(p.rxq->truncated, ==, 0);
    mana_machine_end(&m, &p);
}

/* A frame that is longer than its buffer costs itself and nothing else */
static void test_rx_of_too_much(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    ManaRxFrame f;

    p = mana_machine_port(&m, STANDARD_BYTES);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    for (unsigned i = 0; i < 100; i++) {
        mana_machine_send(&m, frame, &flow, STANDARD_BYTES + 1 + i * 50, i);
        mana_machine_send(&m, frame, &flow, 200, i);
        f = mana_rxq_expect(p.rxq);
        if (f.cqe_type == MANA_CQE_RX_TRUNCATED) {
            f = mana_rxq_expect(p.rxq);
        }
        g_assert_cmpmem(f.data, f.bytes, frame, 200);
    }
    mana_machine_end(&m, &p);
}

static void test_rx_addresses(void)
{
    static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
    static const uint8_t multicast[6] = { 0x33, 0x33, 0, 0, 0, 1 };
    const uint8_t *dst[3] = { broadcast, multicast };
    ManaMachine m;
    ManaPort p;

    p = mana_machine_port(&m, STANDARD_BYTES);
    dst[2] = p.vp->mac;
    for (unsigned i = 0; i < 3; i++) {
        NetFlow flow = net_flow(false, NET_RAW, dst[i], peer_mac);

        net_build_raw(frame, &flow, 99, i);
        mana_expect_arrival(&m.wire[0], p.rxq, frame, 99);
    }
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_BCAST_PACKETS), ==, 1);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_MCAST_PACKETS), ==, 1);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_UCAST_PACKETS), ==, 1);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_BYTES), ==, 3 * 99);
    mana_machine_end(&m, &p);
}

static void expect_flags(ManaRxFrame *f, bool is_ipv6, NetProto proto,
                         bool ip_ok, bool l4_ok)
{
    bool tcp = proto == NET_TCP;

    if (!is_ipv6) {
        g_assert_cmpint(FIELD_EX32(f->flags, MANA_RX_CQE, IP_OK), ==, ip_ok);
        g_assert_cmpint(FIELD_EX32(f->flags, MANA_RX_CQE, IP_BAD), ==, !ip_ok);
    } else {
        /* Linux wants it for any CHECKSUM_UNNECESSARY */
        g_assert_cmpint(FIELD_EX32(f->flags, MANA_RX_CQE, IP_OK), ==, 1);
    }
    if (ip_ok) {
        g_assert_cmpint(FIELD_EX32(f->flags, MANA_RX_CQE, TCP_OK), ==,
                        tcp && l4_ok);
        g_assert_cmpint(FIELD_EX32(f->flags, MANA_RX_CQE, TCP_BAD), ==,
                        tcp && !l4_ok);
        g_assert_cmpint(FIELD_EX32(f->flags, MANA_RX_CQE, UDP_OK), ==,
                        !tcp && l4_ok);
        g_assert_cmpint(FIELD_EX32(f->flags, MANA_RX_CQE, UDP_BAD), ==,
                        !tcp && !l4_ok);
    }
}

static void test_rx_checksum_flags(void)
{
    ManaMachine m;
    ManaPort p;
    ManaRxFrame f;
    NetHeaders h;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (unsigned k = 0; k < 64; k++) {
        bool is_ipv6 = k & 1, bad_l4 = k & 4, bad_ip = k & 8 && !is_ipv6;
        NetProto proto = k & 2 ? NET_TCP : NET_UDP;
        uint32_t bytes = build(is_ipv6, proto, p.vp->mac, peer_mac,
                               k * 21 % 1300 + 60, k);

        g_assert(net_parse(frame, bytes, &h));
        if (bad_l4) {
            frame[h.payload + k % h.payload_bytes] ^= 0x10;
        }
        if (bad_ip) {
            frame[h.l3 + 8] ^= 1;           /* time to live */
        }
        net_wire_send(&m.wire[0], frame, bytes);
        f = mana_rxq_expect(p.rxq);
        g_assert_cmpmem(f.data, f.bytes, frame, bytes);
        expect_flags(&f, is_ipv6, proto, !bad_ip, !bad_l4);
    }
    mana_machine_end(&m, &p);
}

static void test_rx_vlan_is_stripped(void)
{
    static uint8_t tagged[NET_MAX_BYTES];
    ManaMachine m;
    ManaPort p;
    ManaRxFrame f;
    uint32_t bytes, tagged_bytes;

    p = mana_machine_port(&m, STANDARD_BYTES);
    for (unsigned k = 0; k < 40; k++) {
        uint16_t vid = k == 39 ? 4094 : k * 105 + 1;

        /* the last ones are as long as can be */
        bytes = build(k & 1, k & 2 ? NET_TCP : NET_UDP, p.vp->mac, peer_mac,
                      k < 36 ? 100 + k : 1400, 0);
        memcpy(tagged, frame, bytes);
        tagged_bytes = bytes;
        insert_vlan(tagged, &tagged_bytes, vid);
        net_wire_send(&m.wire[0], tagged, tagged_bytes);
        f = mana_rxq_expect(p.rxq);
        g_assert_cmpint(FIELD_EX32(f.flags, MANA_RX_CQE, VLAN_PRESENT), ==, 1);
        g_assert_cmpuint(FIELD_EX32(f.flags, MANA_RX_CQE, VLAN_ID), ==, vid);
        g_assert_cmpmem(f.data, f.bytes, frame, bytes);
        expect_flags(&f, k & 1, k & 2 ? NET_TCP : NET_UDP, true, true);
        /* and none where none is */
        net_wire_send(&m.wire[0], frame, bytes);
        f = mana_rxq_expect(p.rxq);
        g_assert_cmphex(FIELD_EX32(f.flags, MANA_RX_CQE, VLAN_PRESENT), ==, 0);
    }
    mana_machine_end(&m, &p);
}

/* --- receive buffers --- */

/* Frames wait for buffers; none is lost */
static void test_rx_waits_for_buffers(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    ManaRxFrame f;
    unsigned sent = 0, came = 0;

    p = mana_machine_port(&m, STANDARD_BYTES);
    p.rxq->recycles = false;
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    while (sent < 100) {
        mana_machine_send(&m, frame, &flow, 700, sent++);
    }
    while (mana_rxq_wait(p.rxq, &f, GDMA_CLIENT_QUIET_US)) {
        net_build_raw(frame, &flow, 700, came++);
        g_assert_cmpmem(f.data, f.bytes, frame, 700);
    }
    /* one may be kept for a fence, as the CQ is no longer than the RQ */
    g_assert_cmpuint(came, >=, 63);
    while (came < sent) {
        mana_rxq_fill(p.rxq, 5);
        for (int i = 0; i < 5 && came < sent; i++) {
            f = mana_rxq_expect(p.rxq);
            net_build_raw(frame, &flow, 700, came++);
            g_assert_cmpmem(f.data, f.bytes, frame, 700);
        }
    }
    mana_machine_end(&m, &p);
}

/* Four laps of RQ and CQ, one buffer in the queue or many */
static void test_rx_rings_wrap(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    ManaRxFrame f;
    unsigned sent = 0, came = 0, frames;

    p = mana_machine_port(&m, STANDARD_BYTES);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    frames = 4 * p.rxq->wq.ring.bytes / GDMA_WQE_BU_BYTES + 100;
    while (came < frames) {
        for (unsigned i = 0; i < 50 && sent < frames; i++) {
            mana_machine_send(&m, frame, &flow, 100 + sent % 50, sent);
            sent++;
        }
        while (came < sent) {
            f = mana_rxq_expect(p.rxq);
            net_build_raw(frame, &flow, 100 + came % 50, came);
            g_assert_cmpmem(f.data, f.bytes, frame, 100 + came % 50);
            came++;
        }
    }
    mana_machine_end(&m, &p);
}

static void test_rx_disabled_drops(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;

    p = mana_machine_port(&m, STANDARD_BYTES);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    mana_rx_off(p.vp);
    for (int i = 0; i < 20; i++) {
        mana_machine_send(&m, frame, &flow, 300, i);
    }
    mana_rxq_expect_none(p.rxq);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_VPORT_DISABLED), ==, 20);
    mana_rx_on(p.vp, p.rxq);
    net_build_raw(frame, &flow, 300, 1000);
    mana_expect_arrival(&m.wire[0], p.rxq, frame, 300);
    g_assert_cmpuint(mana_stat(m.d, MANA_STAT_RX_UCAST_PACKETS), ==, 1);
    mana_machine_end(&m, &p);
}

/* A fence comes behind all frames before it, on a busy queue and an idle one */
static void test_fence(void)
{
    ManaMachine m;
    ManaPort p;
    NetFlow flow;
    ManaRxFrame f;
    unsigned came;

    p = mana_machine_port(&m, STANDARD_BYTES);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    mana_rxq_fence(p.rxq);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 30; i++) {
            mana_machine_send(&m, frame, &flow, 300, i);
        }
        came = 0;
        if (round & 1) {
            /* all of them are in memory; else some may be dropped */
            gdma_settle(m.d);
        }
        mana_rx_off(p.vp);
        g_assert_cmphex(mana_try_fence(p.vp, p.rxq->obj), ==, 0);
        while (mana_rxq_wait(p.rxq, &f, GDMA_CLIENT_TIMEOUT_US)) {
            came++;
        }
        g_assert_cmpuint(p.rxq->fences, ==, round + 2);
        g_assert_cmpuint(came, <=, 30);
        g_assert_cmpuint(came, >=, round & 1 ? 30 : 0);
        mana_rxq_expect_none(p.rxq);
        mana_rx_on(p.vp, p.rxq);
        /* the entries behind the fence are good yet */
        mana_rxq_expect_none(p.rxq);
        net_build_raw(frame, &flow, 200, round);
        mana_expect_arrival(&m.wire[0], p.rxq, frame, 200);
    }
    mana_machine_end(&m, &p);
}

/* --- the monitor --- */

static void test_shown_in_monitor(void)
{
    ManaMachine m;
    ManaPort p;
    ManaTx tx = { 0 };
    QDict *rsp, *port;
    char *text, *mac;

    p = mana_machine_port(&m, STANDARD_BYTES);
    send_raw(&m, &p, 100, &tx);
    send_raw(&m, &p, 200, &tx);
    rsp = qtest_qmp(m.g->qts, "{ 'execute': 'query-mana' }");
    port = qobject_to(QDict, qlist_peek(qdict_get_qlist(rsp, "return")));
    g_assert_cmpstr(qdict_get_str(port, "qom-path"), ==,
                    "/machine/peripheral/nic0");
    g_assert(qdict_get_bool(port, "channel"));
    g_assert(qdict_get_bool(port, "registered"));
    port = qobject_to(QDict, qlist_peek(qdict_get_qlist(port, "vports")));
    mac = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", p.vp->mac[0],
                          p.vp->mac[1], p.vp->mac[2], p.vp->mac[3],
                          p.vp->mac[4], p.vp->mac[5]);
    g_assert_cmpstr(qdict_get_str(port, "mac"), ==, mac);
    g_assert(qdict_get_bool(port, "link"));
    g_assert(qdict_get_bool(port, "receiving"));
    g_assert_cmpint(qdict_get_int(port, "tx-packets"), ==, 2);
    g_assert_cmpint(qdict_get_int(port, "tx-bytes"), ==, 300);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(port, "send-queues")), ==, 1);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(port, "receive-queues")), ==, 1);
    qobject_unref(rsp);

    rsp = qtest_qmp(m.g->qts, "{ 'execute': 'x-query-mana' }");
    text = g_strdup(qdict_get_str(qdict_get_qdict(rsp, "return"),
                                  "human-readable-text"));
    g_assert_nonnull(strstr(text, "nic0: hardware channel up, "
                                  "Ethernet registered"));
    g_assert_nonnull(strstr(text, mac));
    g_assert_nonnull(strstr(text, "sent 2 packets, 300 bytes"));
    qobject_unref(rsp);
    g_free(text);
    g_free(mac);
    mana_machine_end(&m, &p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-net/tx-of-every-size",
                   test_tx_of_every_size);
    qtest_add_func("/paravisor/mana-net/tx-of-many-pieces",
                   test_tx_of_many_pieces);
    qtest_add_func("/paravisor/mana-net/tx-ring-wraps", test_tx_ring_wraps);
    qtest_add_func("/paravisor/mana-net/tx-of-a-full-ring",
                   test_tx_of_a_full_ring);
    qtest_add_func("/paravisor/mana-net/tx-waits-for-a-slow-peer",
                   test_tx_waits_for_a_slow_peer);
    qtest_add_func("/paravisor/mana-net/tx-checksums", test_tx_checksums);
    qtest_add_func("/paravisor/mana-net/tx-udp-checksum-of-zero",
                   test_tx_udp_checksum_of_zero);
    qtest_add_func("/paravisor/mana-net/tx-segmentation",
                   test_tx_segmentation);
    qtest_add_func("/paravisor/mana-net/rx-of-every-size",
                   test_rx_of_every_size);
    qtest_add_func("/paravisor/mana-net/rx-of-too-much", test_rx_of_too_much);
    qtest_add_func("/paravisor/mana-net/rx-addresses", test_rx_addresses);
    qtest_add_func("/paravisor/mana-net/rx-checksum-flags",
                   test_rx_checksum_flags);
    qtest_add_func("/paravisor/mana-net/rx-vlan-is-stripped",
                   test_rx_vlan_is_stripped);
    qtest_add_func("/paravisor/mana-net/rx-waits-for-buffers",
                   test_rx_waits_for_buffers);
    qtest_add_func("/paravisor/mana-net/rx-rings-wrap", test_rx_rings_wrap);
    qtest_add_func("/paravisor/mana-net/rx-disabled-drops",
                   test_rx_disabled_drops);
    qtest_add_func("/paravisor/mana-net/fence", test_fence);
    qtest_add_func("/paravisor/mana-net/shown-in-monitor",
                   test_shown_in_monitor);
    return g_test_run();
}
