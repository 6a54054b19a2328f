/*
 * hv-net: checksums, segmentation, VLAN tags and RSS, checked byte by byte on
 * the other end of the wire against computations of the test's own
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/net-machine.h"

#define TCP_FIN             0x01
#define TCP_PSH             0x08
#define TCP_CWR             0x80
#define RSS_ENTRIES         128

/* The key and the vectors of Microsoft's RSS document */
static const uint8_t rss_key[NDIS_RSS_KEY_BYTES] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
    0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0,
    0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4,
    0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c,
    0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

typedef struct Offload {
    NetMachine m;
    Netvsc *n;
    NetFlow out;                /* guest to wire */
    NetFlow in;
    uint8_t *frame;
    uint8_t *got;
    uint64_t gpa;               /* room for the longest packet */
} Offload;

static void start(Offload *o, bool on)
{
    net_machine_start(&o->m, "", "");
    o->n = netvsc_start(o->m.c, 0, NVSP_VERSION_6_1);
    netvsc_query_offloads(o->n);
    netvsc_set_offloads(o->n, on);
    o->frame = g_malloc(NET_MAX_BYTES);
    o->got = g_malloc(NET_MAX_BYTES);
    o->gpa = hv_guest_alloc(o->m.g, NET_MAX_BYTES / HV_PAGE_SIZE + 2);
}

static void stop(Offload *o)
{
    net_machine_check_traffic(&o->m, o->n, 77);
    netvsc_close(o->n);
    net_machine_stop(&o->m);
    g_free(o->frame);
    g_free(o->got);
}

static void set_flows(Offload *o, bool is_ipv6, NetProto proto)
{
    o->out = net_flow(is_ipv6, proto, net_machine_peer_mac, net_machine_mac);
    o->in = net_flow(is_ipv6, proto, net_machine_mac, net_machine_peer_mac);
}

/* From guest memory, in one range that begins inside a page */
static void send_tx(Offload *o, NetvscTx *tx)
{
    tx->frame = o->frame;
    netvsc_send_from(o->n, o->gpa + 1234, tx);
}

static uint32_t csum_ppi(const NetHeaders *h)
{
    return (h->is_ipv6 ? RNDIS_TX_CSUM_IPV6
                       : RNDIS_TX_CSUM_IPV4 | RNDIS_TX_CSUM_IP_HEADER) |
        (h->proto == NET_TCP ? RNDIS_TX_CSUM_TCP : RNDIS_TX_CSUM_UDP) |
        (h->l4 << RNDIS_TX_CSUM_L4_SHIFT);
}

/* --- to the wire --- */

static void test_checksums_are_filled_in(void)
{
    static const NetProto protos[] = { NET_TCP, NET_UDP };
    Offload o;

    start(&o, true);
    for (unsigned kind = 0; kind < 4; kind++) {
        for (uint32_t payload = 0; payload <= 1400; payload += 35) {
            NetHeaders h, got;
            NetvscTx tx = { .has_csum = true };

            set_flows(&o, kind & 1, protos[kind >> 1]);
            o.out.tcp_option_bytes = payload % 2 ? 12 : 0;
            tx.bytes = net_build(o.frame, &o.out, payload, payload);
            g_assert(net_parse(o.frame, tx.bytes, &h));
            net_prepare_offload(o.frame, tx.bytes, false);
            if (!h.is_ipv6) {
                stw_be_p(o.frame + h.l3 + 10, 0);
            }
            tx.csum = csum_ppi(&h);
            send_tx(&o, &tx);
            g_assert_cmpuint(net_wire_expect(&o.m.wire, o.got), ==, tx.bytes);
            net_assert_good(o.got, tx.bytes, &got);
            g_assert(net_is_filled(o.got + got.payload, payload, payload));
        }
    }
    stop(&o);
}

/* Linux does not ask for the IP header's when it has filled it in itself */
static void test_untouched_parts_stay_as_they_are(void)
{
    NetvscTx tx = { .has_csum = true };
    NetHeaders h;
    Offload o;

    start(&o, true);
    set_flows(&o, false, NET_TCP);
    tx.bytes = net_build(o.frame, &o.out, 100, 1);
    net_parse(o.frame, tx.bytes, &h);
    tx.csum = csum_ppi(&h) & ~RNDIS_TX_CSUM_IP_HEADER;
    net_prepare_offload(o.frame, tx.bytes, false);
    send_tx(&o, &tx);
    g_assert_cmpuint(net_wire_expect(&o.m.wire, o.got), ==, tx.bytes);
    net_assert_good(o.got, tx.bytes, &h);
    /* no request: a wrong checksum goes out as it is */
    tx.has_csum = false;
    tx.bytes = net_build(o.frame, &o.out, 100, 2);
    o.frame[h.l4 + 16] ^= 0xff;
    o.frame[h.l3 + 10] ^= 0xff;
    send_tx(&o, &tx);
    g_assert_cmpuint(net_wire_expect(&o.m.wire, o.got), ==, tx.bytes);
    g_assert_cmpint(memcmp(o.got, o.frame, tx.bytes), ==, 0);
    stop(&o);
}

/* Take the segments of @payload bytes, @mss each, and check every field */
static void expect_segments(Offload *o, const NetHeaders *big, uint32_t mss,
                            uint32_t payload, uint32_t seed, uint32_t vlan)
{
    g_autofree uint8_t *all = g_malloc(payload + NET_MAX_BYTES);
    uint32_t have = 0, count = 0;

    while (have < payload) {
        uint32_t bytes = net_wire_expect(&o->m.wire, o->got);
        uint32_t want = MIN(mss, payload - have);
        bool last = have + want == payload;
        NetHeaders h;

        if (vlan) {
            g_assert_cmphex(lduw_be_p(o->got + 12), ==, 0x8100);
            g_assert_cmphex(lduw_be_p(o->got + 14), ==, vlan);
        }
        net_assert_good(o->got, bytes, &h);
        g_assert_cmpuint(h.payload_bytes, ==, want);
        g_assert_cmphex(h.seq, ==, (uint32_t)(big->seq + have));
        if (!h.is_ipv6) {
            g_assert_cmphex(h.ip_id, ==, (uint16_t)(big->ip_id + count));
        }
        g_assert_cmphex(h.tcp_flags & (TCP_FIN | TCP_PSH), ==,
                        last ? big->tcp_flags & (TCP_FIN | TCP_PSH) : 0);
        g_assert_cmphex(h.tcp_flags & TCP_CWR, ==,
                        count == 0 ? big->tcp_flags & TCP_CWR : 0);
        /* options are in every segment */
        g_assert_cmpuint(h.payload - h.l4, ==, big->payload - big->l4);
        memcpy(all + have, o->got + h.payload, want);
        have += want;
        count++;
    }
    g_assert(net_is_filled(all, payload, seed));
}

static void send_lso(Offload *o, uint32_t payload, uint32_t mss, uint32_t seed,
                     uint32_t vlan_ppi, uint32_t vlan_tag)
{
    NetHeaders h;
    NetvscTx tx = {
        .has_lso = true,
        .has_vlan = vlan_tag != 0,
        .vlan = vlan_ppi,
    };

    tx.bytes = net_build(o->frame, &o->out, payload, seed);
    g_assert(net_parse(o->frame, tx.bytes, &h));
    net_prepare_offload(o->frame, tx.bytes, true);
    tx.lso = mss | h.l4 << RNDIS_LSO_L4_SHIFT | RNDIS_LSO_TYPE_V2 |
        (h.is_ipv6 ? RNDIS_LSO_IPV6 : 0);
    send_tx(o, &tx);
    expect_segments(o, &h, mss, payload, seed, vlan_tag);
}

static void test_large_sends_become_segments(void)
{
    static const uint32_t msses[] = { 536, 1440, 1448, 1460 };
    static const uint32_t payloads[] = {
        1, 535, 536, 537, 1460, 1461, 2920, 9000, 32767, 60000, 65000,
    };
    Offload o;

    start(&o, true);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        for (size_t m = 0; m < ARRAY_SIZE(msses); m++) {
            for (size_t p = 0; p < ARRAY_SIZE(payloads); p++) {
                set_flows(&o, v6, NET_TCP);
                o.out.tcp_flags |= TCP_FIN | (p % 2 ? TCP_CWR : 0);
                o.out.tcp_option_bytes = m == 2 ? 12 : 0;
                send_lso(&o, payloads[p], msses[m], p + 1, 0, 0);
            }
        }
    }
    stop(&o);
}

static void test_extension_headers_are_in_every_segment(void)
{
    Offload o;

    start(&o, true);
    set_flows(&o, true, NET_TCP);
    o.out.ext_header_bytes = 16;
    send_lso(&o, 20000, 1400, 3, 0, 0);
    stop(&o);
}

static uint32_t vlan_ppi(unsigned pri, unsigned vid)
{
    return pri | vid << RNDIS_8021Q_VID_SHIFT;
}

static void test_vlan_tags_go_out(void)
{
    Offload o;

    start(&o, true);
    for (unsigned vid = 1; vid < 4095; vid += 409) {
        NetvscTx tx = { .has_vlan = true, .vlan = vlan_ppi(vid % 8, vid) };
        NetHeaders h;
        uint32_t bytes;

        set_flows(&o, vid & 1, NET_UDP);
        tx.bytes = net_build(o.frame, &o.out, 300, vid);
        send_tx(&o, &tx);
        bytes = net_wire_expect(&o.m.wire, o.got);
        g_assert_cmpuint(bytes, ==, tx.bytes + NET_VLAN_BYTES);
        g_assert_cmphex(lduw_be_p(o.got + 12), ==, 0x8100);
        g_assert_cmphex(lduw_be_p(o.got + 14), ==, (vid % 8) << 13 | vid);
        g_assert_cmpint(memcmp(o.got + 16, o.frame + 12, tx.bytes - 12), ==,
                        0);
        g_assert_cmpint(memcmp(o.got, o.frame, 12), ==, 0);
        net_assert_good(o.got, bytes, &h);
        /* with the other offloads in one packet */
        set_flows(&o, vid & 1, NET_TCP);
        send_lso(&o, 5000, 1448, vid, vlan_ppi(3, vid), 3 << 13 | vid);
    }
    stop(&o);
}

/* --- from the wire --- */

static void test_vlan_tags_come_in(void)
{
    static const uint8_t tag[4] = { 0x81, 0x00, 0xa0, 0x05 };
    Offload o;

    start(&o, true);
    for (unsigned kind = 0; kind < 4; kind++) {
        g_autofree NetvscFrame *f = NULL;
        uint32_t bytes, head = 12;

        set_flows(&o, kind & 1, kind & 2 ? NET_TCP : NET_UDP);
        bytes = net_build(o.frame, &o.in, 500, kind);
        memcpy(o.got, o.frame, head);
        memcpy(o.got + head, tag, sizeof(tag));
        memcpy(o.got + head + 4, o.frame + head, bytes - head);
        net_wire_send(&o.m.wire, o.got, bytes + 4);
        f = netvsc_expect_frame(o.n);
        g_assert_cmpuint(f->bytes, ==, bytes);
        g_assert(f->has_vlan);
        g_assert_cmphex(f->vlan, ==, vlan_ppi(5, 5));
        g_assert_cmpint(memcmp(f->data, o.frame, bytes), ==, 0);
    }
    stop(&o);
}

static uint32_t ok_bit(NetProto proto)
{
    return proto == NET_TCP ? RNDIS_RX_CSUM_TCP_OK : RNDIS_RX_CSUM_UDP_OK;
}

/* Never "good" for what is bad; "good" only if the guest wants to hear it */
static void test_received_checksums_are_judged(void)
{
    Offload o;

    for (unsigned on = 0; on < 2; on++) {
        start(&o, on);
        for (unsigned kind = 0; kind < 4; kind++) {
            for (unsigned bad = 0; bad < 3; bad++) {
                NetProto proto = kind & 2 ? NET_TCP : NET_UDP;
                g_autofree NetvscFrame *f = NULL;
                uint32_t bytes;
                NetHeaders h;

                set_flows(&o, kind & 1, proto);
                bytes = net_build(o.frame, &o.in, 333, kind);
                net_parse(o.frame, bytes, &h);
                if (bad == 1) {
                    o.frame[h.payload + 5] ^= 1;
                } else if (bad == 2 && !h.is_ipv6) {
                    o.frame[h.l3 + 8]--;        /* TTL */
                }
                net_wire_send(&o.m.wire, o.frame, bytes);
                f = netvsc_expect_frame(o.n);
                g_assert_cmpuint(f->bytes, ==, bytes);
                g_assert_cmpint(memcmp(f->data, o.frame, bytes), ==, 0);
                if (!on) {
                    g_assert(!f->has_csum || f->csum == 0);
                    continue;
                }
                if (bad == 0) {
                    g_assert(f->has_csum);
                    g_assert_cmphex(f->csum & ok_bit(proto), !=, 0);
                    g_assert_cmphex(f->csum & 7, ==, 0);
                } else if (bad == 1) {
                    g_assert_cmphex(f->csum & ok_bit(proto), ==, 0);
                } else if (!h.is_ipv6) {
                    g_assert_cmphex(f->csum & RNDIS_RX_CSUM_IP_OK, ==, 0);
                }
            }
        }
        stop(&o);
    }
}

/* A UDP checksum of 0 says that there is none; a fragment has no whole one */
static void test_what_cannot_be_judged_is_not(void)
{
    g_autofree NetvscFrame *f1 = NULL, *f2 = NULL;
    uint32_t bytes, sum;
    NetHeaders h;
    Offload o;

    start(&o, true);
    set_flows(&o, false, NET_UDP);
    bytes = net_build(o.frame, &o.in, 333, 1);
    net_parse(o.frame, bytes, &h);
    stw_be_p(o.frame + h.l4 + 6, 0);
    net_wire_send(&o.m.wire, o.frame, bytes);
    f1 = netvsc_expect_frame(o.n);
    g_assert_cmphex(f1->csum & RNDIS_RX_CSUM_UDP_FAILED, ==, 0);

    bytes = net_build(o.frame, &o.in, 333, 1);
    /* more fragments; keep the header's sum right */
    sum = lduw_be_p(o.frame + h.l3 + 10);
    o.frame[h.l3 + 6] = 0x20;
    sum += 0x4000 - 0x2000;
    stw_be_p(o.frame + h.l3 + 10, (sum & 0xffff) + (sum >> 16));
    net_wire_send(&o.m.wire, o.frame, bytes);
    f2 = netvsc_expect_frame(o.n);
    g_assert_cmphex(f2->csum & (RNDIS_RX_CSUM_UDP_OK |
                                RNDIS_RX_CSUM_UDP_FAILED |
                                RNDIS_RX_CSUM_IP_FAILED), ==, 0);
    stop(&o);
}

/* --- receive side scaling --- */

typedef struct RssVector {
    uint8_t src[4];
    uint8_t dst[4];
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t ip_hash;
    uint32_t tcp_hash;
} RssVector;

static const RssVector rss_vectors[] = {
    { { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766,
      0x323e8fc2, 0x51ccc178 },
    { { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739,
      0xd718262a, 0xc626b0ea },
    { { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024,
      0xd2d0a5de, 0x5c2b394a },
    { { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217,
      0x82989176, 0xafc7327f },
    { { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303,
      0x5d1809c5, 0x10e828a2 },
};

static void start_rss(Offload *o, unsigned queues)
{
    uint32_t table[RSS_ENTRIES];

    start(o, true);
    netvsc_open_subchannels(o->n, queues - 1);
    for (unsigned i = 0; i < RSS_ENTRIES; i++) {
        table[i] = i % queues;
    }
    /* as Linux: off first, and its answer does not matter */
    netvsc_set_rss(o->n, NDIS_RSS_PARAM_DISABLE, table, RSS_ENTRIES, rss_key);
    g_assert_cmphex(netvsc_set_rss(o->n, 0, table, RSS_ENTRIES, rss_key), ==,
                    RNDIS_STATUS_SUCCESS);
}

static void check_hash(Offload *o, uint32_t bytes, uint32_t hash,
                       unsigned queues)
{
    g_autofree NetvscFrame *f = NULL;

    net_wire_send(&o->m.wire, o->frame, bytes);
    f = netvsc_expect_frame(o->n);
    g_assert_cmpuint(f->channel, ==, hash % RSS_ENTRIES % queues);
    g_assert(f->has_hash);
    g_assert_cmphex(f->hash, ==, hash);
}

static void test_known_vectors_choose_the_channel(void)
{
    Offload o;

    start_rss(&o, 4);
    for (size_t i = 0; i < ARRAY_SIZE(rss_vectors); i++) {
        const RssVector *v = &rss_vectors[i];

        for (unsigned tcp = 0; tcp < 2; tcp++) {
            set_flows(&o, false, tcp ? NET_TCP : NET_UDP);
            memcpy(o.in.src_ip, v->src, 4);
            memcpy(o.in.dst_ip, v->dst, 4);
            o.in.src_port = v->src_port;
            o.in.dst_port = v->dst_port;
            check_hash(&o, net_build(o.frame, &o.in, 64, i),
                       tcp ? v->tcp_hash : v->ip_hash, 4);
        }
    }
    stop(&o);
}

static void test_flows_spread_over_all_channels(void)
{
    unsigned seen[4] = { 0 };
    Offload o;

    start_rss(&o, 4);
    for (unsigned i = 0; i < 400; i++) {
        g_autofree NetvscFrame *f = NULL;
        NetHeaders h;
        uint32_t bytes, hash;

        set_flows(&o, i & 1, NET_TCP);
        o.in.src_port = 1000 + i;
        bytes = net_build(o.frame, &o.in, 64, i);
        net_parse(o.frame, bytes, &h);
        hash = net_toeplitz(rss_key, o.frame, &h, true);
        net_wire_send(&o.m.wire, o.frame, bytes);
        f = netvsc_expect_frame(o.n);
        g_assert_cmpuint(f->channel, ==, hash % RSS_ENTRIES % 4);
        g_assert_cmpint(memcmp(f->data, o.frame, bytes), ==, 0);
        seen[f->channel]++;
    }
    for (unsigned i = 0; i < 4; i++) {
        g_assert_cmpuint(seen[i], >, 400 / 4 / 3);
    }
    /* ethtool -X: all to one, then RSS off: all to the first */
    for (unsigned queue = 0; queue < 4; queue++) {
        uint32_t table[RSS_ENTRIES];
        g_autofree NetvscFrame *f = NULL;

        for (unsigned i = 0; i < RSS_ENTRIES; i++) {
            table[i] = queue;
        }
        g_assert_cmphex(netvsc_set_rss(o.n, 0, table, RSS_ENTRIES, rss_key),
                        ==, RNDIS_STATUS_SUCCESS);
        set_flows(&o, false, NET_TCP);
        net_wire_send(&o.m.wire, o.frame, net_build(o.frame, &o.in, 64, 1));
        f = netvsc_expect_frame(o.n);
        g_assert_cmpuint(f->channel, ==, queue);
    }
    stop(&o);
}

static void test_every_channel_sends(void)
{
    Offload o;

    start_rss(&o, 4);
    for (unsigned i = 0; i < 200; i++) {
        NetvscTx tx = { .frame = o.frame };

        set_flows(&o, false, NET_RAW);
        tx.bytes = net_build_raw(o.frame, &o.out, 100 + i, i);
        g_assert_cmpuint(netvsc_expect_sent(
                             o.n, netvsc_send_in_section(o.n, i % 4, &tx, 1)),
                         ==, NVSP_STATUS_SUCCESS);
        g_assert_cmpuint(net_wire_expect(&o.m.wire, o.got), ==, tx.bytes);
        g_assert(net_is_filled(o.got + NET_ETH_BYTES,
                               tx.bytes - NET_ETH_BYTES, i));
    }
    stop(&o);
}

/* The guest gets a table of channels to send on, of 16 entries that exist */
static void test_send_table_names_open_channels(void)
{
    Offload o;

    start_rss(&o, 4);
    netvsc_expect_table(o.n, 0);
    for (unsigned i = 0; i < NVSP_SEND_TABLE_ENTRIES; i++) {
        g_assert_cmpuint(o.n->table[i], <, 4);
    }
    stop(&o);
}

static void test_too_many_subchannels_are_not_granted(void)
{
    uint32_t count = 1000;
    Offload o;

    start(&o, true);
    g_assert_cmpuint(netvsc_ask_subchannels(o.n, &count), ==,
                     NVSP_STATUS_FAILURE);
    g_assert_cmpuint(count, ==, 0);
    vmbus_pump(o.m.c);
    g_assert_null(vmbus_find_offer(o.m.c, VMBUS_GUID_NET, 1, 0));
    /* that was no request: one that can be met is */
    netvsc_open_subchannels(o.n, 1);
    g_assert_null(vmbus_find_offer(o.m.c, VMBUS_GUID_NET, 2, 0));
    stop(&o);
}

static void test_rss_survives_migration(void)
{
    Offload o;

    start_rss(&o, 3);
    net_machine_migrate(&o.m);
    for (size_t i = 0; i < ARRAY_SIZE(rss_vectors); i++) {
        const RssVector *v = &rss_vectors[i];

        set_flows(&o, false, NET_TCP);
        memcpy(o.in.src_ip, v->src, 4);
        memcpy(o.in.dst_ip, v->dst, 4);
        o.in.src_port = v->src_port;
        o.in.dst_port = v->dst_port;
        check_hash(&o, net_build(o.frame, &o.in, 64, i), v->tcp_hash, 3);
    }
    /* and offloads are still on */
    set_flows(&o, false, NET_TCP);
    send_lso(&o, 20000, 1448, 5, 0, 0);
    stop(&o);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define NET_TEST(_name) \
    qtest_add_func("/paravisor/hv-net-offload/" #_name, test_##_name)
    NET_TEST(checksums_are_filled_in);
    NET_TEST(untouched_parts_stay_as_they_are);
    NET_TEST(large_sends_become_segments);
    NET_TEST(extension_headers_are_in_every_segment);
    NET_TEST(vlan_tags_go_out);
    NET_TEST(vlan_tags_come_in);
    NET_TEST(received_checksums_are_judged);
    NET_TEST(what_cannot_be_judged_is_not);
    NET_TEST(known_vectors_choose_the_channel);
    NET_TEST(flows_spread_over_all_channels);
    NET_TEST(every_channel_sends);
    NET_TEST(send_table_names_open_channels);
    NET_TEST(too_many_subchannels_are_not_granted);
    NET_TEST(rss_survives_migration);
    return g_test_run();
}
