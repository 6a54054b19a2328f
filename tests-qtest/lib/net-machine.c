/*
 * A guest with one hv-net and a test at the other end of its wire
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "net-machine.h"

#define QUIET_US            (G_USEC_PER_SEC / 10)

const uint8_t net_machine_mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
const uint8_t net_machine_peer_mac[6] = { 0x02, 0, 0, 0, 0, 1 };

static void start(NetMachine *m, const char *args)
{
    m->g = hv_guest_start(args);
    net_wire_accept(&m->wire);
    m->c = vmbus_client_new(m->g, 0);
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
}

void net_machine_start(NetMachine *m, const char *props, const char *extra)
{
    g_autofree char *netdev = net_wire_start(&m->wire, "n0");
    g_autofree char *args = g_strdup_printf(
        "-device hv-vmbus %s -device hv-net,id=nic0,netdev=n0,mac="
        NET_MACHINE_MAC "%s %s", netdev, props, extra);

    if (g_getenv("QPV_NET_BOOST")) {
        net_wire_stop(&m->wire);
        net_machine_start_boost(m, "", props, extra);
        return;
    }
    start(m, args);
}

void net_machine_start_boost(NetMachine *m, const char *adapter,
                             const char *props, const char *extra)
{
    g_autofree char *netdev = net_wire_start(&m->wire, "n0");
    g_autofree char *args = g_strdup_printf(
        "-device hv-vmbus -device paravisor,id=pv %s "
        "-device mana,id=mana0,bus=vtl2.0,netdev=n0,mac=" NET_MACHINE_MAC
        "%s -device hv-net,id=nic0,mana=mana0%s %s", netdev, adapter, props,
        extra);

    start(m, args);
}

void net_machine_migrate(NetMachine *m)
{
    hv_guest_migrate(m->g);
    net_wire_accept(&m->wire);
}

void net_machine_reset(NetMachine *m)
{
    hv_guest_reset(m->g);
    vmbus_client_restart(m->c);
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
}

void net_machine_stop(NetMachine *m)
{
    vmbus_expect_alive(m->c);
    vmbus_client_free(m->c);
    hv_guest_stop(m->g);
    net_wire_stop(&m->wire);
}

Netvsc *net_machine_up(NetMachine *m)
{
    net_machine_start(m, "", "");
    return netvsc_start(m->c, 0, NVSP_VERSION_6_1);
}

void net_machine_down(NetMachine *m, Netvsc *n)
{
    netvsc_close(n);
    net_machine_stop(m);
}

void net_machine_settle(NetMachine *m, Netvsc *n)
{
    while (!net_machine_is_quiet(m, n)) {
        continue;
    }
}

unsigned net_machine_fill_ring(NetMachine *m, Netvsc *n, uint64_t *id,
                               unsigned max)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetvscTx tx = { .frame = frame, .bytes = 100 };
    unsigned sent = 0, stuck = 0;

    net_build_raw(frame, &flow, tx.bytes, 7);
    while (sent < max && stuck < 100) {
        id[sent] = netvsc_send_in_section(n, 0, &tx, 1);
        if (id[sent]) {
            sent++;
            stuck = 0;
        } else {
            hv_guest_step(m->g, 0);
            stuck++;
        }
        net_wire_drain(&m->wire, 0);
    }
    g_assert_cmpuint(stuck, ==, 100);
    g_assert_cmpuint(sent, >, 1000);
    return sent;
}

void net_machine_to_guest(NetMachine *m, const uint8_t dst_mac[6],
                          uint32_t bytes, uint32_t seed)
{
    NetFlow flow = net_flow(false, NET_RAW, dst_mac, net_machine_peer_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);

    net_build_raw(frame, &flow, bytes, seed);
    net_wire_send(&m->wire, frame, bytes);
}

void net_machine_expect(NetMachine *m, Netvsc *n, uint32_t bytes,
                        uint32_t seed)
{
    g_autofree NetvscFrame *f = netvsc_expect_frame(n);

    /* a short one may have been padded with zeroes on its way */
    g_assert(f->bytes == bytes || (bytes < 60 && f->bytes == 60));
    g_assert_cmphex(lduw_be_p(f->data + 12), ==, 0x88b5);
    g_assert(net_is_filled(f->data + NET_ETH_BYTES, bytes - NET_ETH_BYTES,
                           seed));
}

void net_machine_check_traffic(NetMachine *m, Netvsc *n, uint32_t seed)
{
    NetFlow out = net_flow(false, NET_RAW, net_machine_peer_mac,
                           net_machine_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    uint32_t bytes = net_build_raw(frame, &out, 600 + seed % 64, seed), got;

    netvsc_send_frame(n, frame, bytes);
    got = net_wire_expect(&m->wire, frame);
    g_assert_cmpuint(got, ==, bytes);
    g_assert(net_is_filled(frame + NET_ETH_BYTES, bytes - NET_ETH_BYTES,
                           seed));
    net_machine_to_guest(m, net_machine_mac, 700 + seed % 64, seed + 1);
    net_machine_expect(m, n, 700 + seed % 64, seed + 1);
}

bool net_machine_is_quiet(NetMachine *m, Netvsc *n)
{
    g_autofree NetvscFrame *f = netvsc_wait_frame(n, QUIET_US);

    return !f;
}

bool net_machine_passes(NetMachine *m, Netvsc *n, const uint8_t dst_mac[6])
{
    net_machine_to_guest(m, dst_mac, 100, 1);
    return !net_machine_is_quiet(m, n);
}
