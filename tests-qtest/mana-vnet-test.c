/*
 * mana: a netdev that leaves checksums and segmentation to the adapter
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/mana-machine.h"
#include "lib/net-tap.h"

#define PAYLOAD_BYTES   20000
#define MSS             1400
#define FRAME_BYTES     (1500 + NET_ETH_BYTES)

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];

typedef struct Vnet {
    ManaMachine m;
    ManaPort p;
    NetTap tap;
} Vnet;

/* False: the test is skipped */
static bool start(Vnet *v)
{
    g_autofree char *args = NULL;

    if (!net_tap_open(&v->tap)) {
        return false;
    }
    args = g_strdup_printf("-netdev tap,id=w0,fd=%d,vhost=off "
                           "-device mana,id=nic0,bus=rp0,netdev=w0", v->tap.fd);
    v->m = (ManaMachine) { .g = pcie_guest_start(args) };
    v->m.d = gdma_start(v->m.g, 0);
    v->p = mana_port_up(v->m.d, 0, 1, FRAME_BYTES);
    return true;
}

static void stop(Vnet *v)
{
    mana_machine_end(&v->m, &v->p);
    net_tap_close(&v->tap);
}

static NetFlow flow_in(Vnet *v, bool is_ipv6, NetProto proto)
{
    NetFlow flow = net_flow(is_ipv6, proto, v->p.vp->mac, peer_mac);

    flow.tcp_flags = 0x18;              /* PSH, ACK */
    return flow;
}

/* The interface says things of its own, to everybody */
static bool is_ours(const ManaRxFrame *f)
{
    return !memcmp(f->data + 6, peer_mac, 6);
}

static void assert_finished(const ManaRxFrame *f, NetProto proto, NetHeaders *h)
{
    net_assert_good(f->data, f->bytes, h);
    g_assert_true(FIELD_EX32(f->flags, MANA_RX_CQE, IP_OK));
    g_assert_true(proto == NET_TCP ? FIELD_EX32(f->flags, MANA_RX_CQE, TCP_OK)
                                   : FIELD_EX32(f->flags, MANA_RX_CQE, UDP_OK));
}

/* The next segment of @mss or fewer, behind @done bytes; put into @all */
static bool take_segment(Vnet *v, const NetFlow *flow, uint8_t *all,
                         uint32_t *done, uint32_t mss)
{
    ManaRxFrame f;
    NetHeaders h;

    do {
        if (!mana_rxq_wait(v->p.rxq, &f, GDMA_CLIENT_QUIET_US)) {
            return false;
        }
    } while (!is_ours(&f));
    assert_finished(&f, NET_TCP, &h);
    g_assert_cmpuint(h.seq, ==, flow->seq + *done);
    g_assert_cmpuint(h.payload_bytes, ==, MIN(mss, PAYLOAD_BYTES - *done));
    memcpy(all + *done, f.data + h.payload, h.payload_bytes);
    *done += h.payload_bytes;
    /* PSH is the last one's */
    g_assert_cmphex(f.data[h.l4 + 13], ==, *done == PAYLOAD_BYTES ? 0x18 : 0x10);
    return true;
}

static void test_unfinished_frames_are_finished(void)
{
    Vnet v;

    if (!start(&v)) {
        return;
    }
    for (unsigned kind = 0; kind < 4; kind++) {
        NetProto proto = kind & 2 ? NET_TCP : NET_UDP;
        NetFlow flow = flow_in(&v, kind & 1, proto);
        ManaRxFrame f;
        NetHeaders h;

        net_tap_send_unfinished(&v.tap, frame, &flow, 700, 0, kind);
        do {
            f = mana_rxq_expect(v.p.rxq);
        } while (!is_ours(&f));
        assert_finished(&f, proto, &h);
        g_assert(net_is_filled(f.data + h.payload, 700, kind));
    }
    stop(&v);
}

static void test_large_packets_are_cut(void)
{
    g_autofree uint8_t *all = g_malloc(PAYLOAD_BYTES);
    Vnet v;

    if (!start(&v)) {
        return;
    }
    g_assert_true(net_tap_has_tso(&v.tap));     /* else the kernel would cut */
    for (unsigned kind = 0; kind < 8; kind++) {
        NetFlow flow = flow_in(&v, kind & 1, NET_TCP);
        uint32_t done = 0;

        net_tap_send_unfinished(&v.tap, frame, &flow, PAYLOAD_BYTES, MSS, kind);
        while (done < PAYLOAD_BYTES) {
            g_assert_true(take_segment(&v, &flow, all, &done, MSS));
        }
        g_assert(net_is_filled(all, PAYLOAD_BYTES, kind));
    }
    stop(&v);
}

/* What had no buffer comes when there is one: each segment once, and in order */
static void test_segments_wait_for_buffers(void)
{
    g_autofree uint8_t *all = g_malloc(PAYLOAD_BYTES);
    unsigned waits = 0;
    Vnet v;

    if (!start(&v)) {
        return;
    }
    v.p.rxq->recycles = false;
    for (unsigned kind = 0; kind < 4; kind++) {
        NetFlow flow = flow_in(&v, kind & 1, NET_TCP);
        uint32_t mss = 180, done = 0;   /* 112 segments, and 64 buffers */

        net_tap_send_unfinished(&v.tap, frame, &flow, PAYLOAD_BYTES, mss, kind);
        while (done < PAYLOAD_BYTES) {
            if (!take_segment(&v, &flow, all, &done, mss)) {
                mana_rxq_fill(v.p.rxq, 7);
                waits++;
            }
        }
        g_assert(net_is_filled(all, PAYLOAD_BYTES, kind));
    }
    g_assert_cmpuint(waits, >, 4 * 112 / 7 - 64 / 7 - 2);
    stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define VNET_TEST(_name) \
    qtest_add_func("/paravisor/mana-vnet/" #_name, test_##_name)
    VNET_TEST(unfinished_frames_are_finished);
    VNET_TEST(large_packets_are_cut);
    VNET_TEST(segments_wait_for_buffers);
    return g_test_run();
}
