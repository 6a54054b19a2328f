/*
 * hv-net: a netdev that takes and gives checksums and segmentation as work to do
 *
 * What the guest leaves to the card goes on to the tap as it is; what the tap
 * leaves to the card comes to the guest whole or in pieces, never unfinished.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/net-machine.h"
#include "lib/net-tap.h"

#define PAYLOAD_BYTES       20000
#define MSS                 1400

typedef struct Vnet {
    NetMachine m;
    NetTap tap;
    Netvsc *n;
    uint8_t *frame;
    uint8_t *got;
    uint64_t gpa;               /* room for the longest packet */
} Vnet;

/* False: the test is skipped */
static bool start(Vnet *v, bool on)
{
    g_autofree char *args = NULL;

    if (!net_tap_open(&v->tap)) {
        return false;
    }
    args = g_strdup_printf("-device hv-vmbus -netdev tap,id=n0,fd=%d,vhost=off "
                           "-device hv-net,netdev=n0,mac=" NET_MACHINE_MAC,
                           v->tap.fd);
    v->m.g = hv_guest_start(args);
    v->m.c = vmbus_client_new(v->m.g, 0);
    vmbus_connect(v->m.c, HVBUS_VERSION_5_3);
    vmbus_request_offers(v->m.c);
    v->n = netvsc_start(v->m.c, 0, NVSP_VERSION_6_1);
    /* the interface says things of its own, to everybody */
    netvsc_set_filter(v->n, RNDIS_FILTER_DIRECTED);
    netvsc_query_offloads(v->n);
    netvsc_set_offloads(v->n, on);
    v->frame = g_malloc(NET_MAX_BYTES);
    v->got = g_malloc(NET_MAX_BYTES);
    v->gpa = hv_guest_alloc(v->m.g, NET_MAX_BYTES / HV_PAGE_SIZE + 2);
    return true;
}

static void stop(Vnet *v)
{
    netvsc_close(v->n);
    vmbus_expect_alive(v->m.c);
    vmbus_client_free(v->m.c);
    hv_guest_stop(v->m.g);
    net_tap_close(&v->tap);
    g_free(v->frame);
    g_free(v->got);
}

static NetFlow flow_out(bool is_ipv6, NetProto proto)
{
    return net_flow(is_ipv6, proto, net_machine_peer_mac, net_machine_mac);
}

static NetFlow flow_in(bool is_ipv6, NetProto proto)
{
    return net_flow(is_ipv6, proto, net_machine_mac, net_machine_peer_mac);
}

static void test_checksums_are_left_to_the_tap(void)
{
    Vnet v;

    if (!start(&v, true)) {
        return;
    }
    for (unsigned kind = 0; kind < 4; kind++) {
        NetProto proto = kind & 2 ? NET_TCP : NET_UDP;
        NetFlow flow = flow_out(kind & 1, proto);
        struct virtio_net_hdr hdr;
        NetvscTx tx = { .frame = v.frame, .has_csum = true };
        NetHeaders h;

        tx.bytes = net_build(v.frame, &flow, 500, kind);
        g_assert(net_parse(v.frame, tx.bytes, &h));
        net_prepare_offload(v.frame, tx.bytes, false);
        tx.csum = (h.is_ipv6 ? RNDIS_TX_CSUM_IPV6 : RNDIS_TX_CSUM_IPV4) |
            (proto == NET_TCP ? RNDIS_TX_CSUM_TCP : RNDIS_TX_CSUM_UDP) |
            h.l4 << RNDIS_TX_CSUM_L4_SHIFT;
        netvsc_send_from(v.n, v.gpa + 77, &tx);
        g_assert_cmpuint(net_tap_expect(&v.tap, net_machine_mac, &hdr, v.got),
                         ==, tx.bytes);
        g_assert_cmphex(hdr.flags, ==, VIRTIO_NET_HDR_F_NEEDS_CSUM);
        g_assert_cmpuint(hdr.gso_type, ==, VIRTIO_NET_HDR_GSO_NONE);
        g_assert_cmpuint(hdr.csum_start, ==, h.l4);
        g_assert_cmpuint(hdr.csum_offset, ==, net_csum_offset(proto));
        g_assert_cmpmem(v.got, tx.bytes, v.frame, tx.bytes);
    }
    stop(&v);
}

static void test_large_sends_go_out_whole(void)
{
    Vnet v;

    if (!start(&v, true)) {
        return;
    }
    for (unsigned v6 = 0; v6 < 2; v6++) {
        NetFlow flow = flow_out(v6, NET_TCP);
        struct virtio_net_hdr hdr;
        NetvscTx tx = { .frame = v.frame, .has_lso = true };
        NetHeaders h;

        tx.bytes = net_build(v.frame, &flow, PAYLOAD_BYTES, v6);
        g_assert(net_parse(v.frame, tx.bytes, &h));
        net_prepare_offload(v.frame, tx.bytes, true);
        tx.lso = MSS | h.l4 << RNDIS_LSO_L4_SHIFT | RNDIS_LSO_TYPE_V2 |
            (v6 ? RNDIS_LSO_IPV6 : 0);
        netvsc_send_from(v.n, v.gpa + 77, &tx);
        g_assert_cmpuint(net_tap_expect(&v.tap, net_machine_mac, &hdr, v.got),
                         ==, tx.bytes);
        g_assert_cmphex(hdr.flags, ==, VIRTIO_NET_HDR_F_NEEDS_CSUM);
        g_assert_cmpuint(hdr.gso_type, ==, v6 ? VIRTIO_NET_HDR_GSO_TCPV6
                                              : VIRTIO_NET_HDR_GSO_TCPV4);
        g_assert_cmpuint(hdr.gso_size, ==, MSS);
        g_assert_cmpuint(hdr.csum_start, ==, h.l4);
        g_assert(net_is_filled(v.got + h.payload, PAYLOAD_BYTES, v6));
    }
    stop(&v);
}

/* Offloads @on or off, the guest gets finished frames and is told so */
static void test_unfinished_frames_are_finished(void)
{
    for (unsigned on = 0; on < 2; on++) {
        Vnet v;

        if (!start(&v, on)) {
            return;
        }
        for (unsigned kind = 0; kind < 4; kind++) {
            NetProto proto = kind & 2 ? NET_TCP : NET_UDP;
            NetFlow flow = flow_in(kind & 1, proto);
            g_autofree NetvscFrame *f = NULL;
            NetHeaders h;

            net_tap_send_unfinished(&v.tap, v.frame, &flow, 700, 0, kind);
            f = netvsc_expect_frame(v.n);
            net_assert_good(f->data, f->bytes, &h);
            g_assert(net_is_filled(f->data + h.payload, 700, kind));
            if (on) {
                g_assert(f->has_csum);
                g_assert_cmphex(f->csum & (proto == NET_TCP
                                           ? RNDIS_RX_CSUM_TCP_OK
                                           : RNDIS_RX_CSUM_UDP_OK), !=, 0);
            }
        }
        stop(&v);
    }
}

/* With RSC in one packet of several sections, without in segments */
static void test_large_packets_come_in(void)
{
    for (unsigned kind = 0; kind < 4; kind++) {
        bool on = kind & 1;
        NetFlow flow = flow_in(kind & 2, NET_TCP);
        uint32_t done = 0;
        unsigned frames = 0;
        g_autofree uint8_t *all = g_malloc(PAYLOAD_BYTES);
        Vnet v;

        if (!start(&v, on)) {
            return;
        }
        flow.tcp_flags = 0x10;
        net_tap_send_unfinished(&v.tap, v.frame, &flow, PAYLOAD_BYTES, MSS,
                                kind);
        while (done < PAYLOAD_BYTES) {
            g_autofree NetvscFrame *f = netvsc_expect_frame(v.n);
            NetHeaders h;

            net_assert_good(f->data, f->bytes, &h);
            g_assert_cmpuint(h.seq, ==, flow.seq + done);
            g_assert_cmpuint(done + h.payload_bytes, <=, PAYLOAD_BYTES);
            memcpy(all + done, f->data + h.payload, h.payload_bytes);
            done += h.payload_bytes;
            frames++;
            g_assert(on ? f->pieces > 1 : h.payload_bytes <= MSS);
            g_assert(!on || f->csum & RNDIS_RX_CSUM_TCP_OK);
        }
        g_assert(net_is_filled(all, PAYLOAD_BYTES, kind));
        g_assert_cmpuint(frames, ==, on ? 1 : DIV_ROUND_UP(PAYLOAD_BYTES, MSS));
        stop(&v);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define VNET_TEST(_name) \
    qtest_add_func("/paravisor/hv-net-vnet/" #_name, test_##_name)
    VNET_TEST(checksums_are_left_to_the_tap);
    VNET_TEST(large_sends_go_out_whole);
    VNET_TEST(unfinished_frames_are_finished);
    VNET_TEST(large_packets_come_in);
    return g_test_run();
}
