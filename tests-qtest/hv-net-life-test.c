/*
 * hv-net: close, reset, unplug and migration with frames in flight
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "lib/net-machine.h"

static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t multicast[6] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb };

static const uint32_t versions[] = {
    NVSP_VERSION_1, NVSP_VERSION_2, NVSP_VERSION_4, NVSP_VERSION_5,
    NVSP_VERSION_6, NVSP_VERSION_6_1,
};

#define NS_PER_S                1000000000LL
#define DRAIN_US                (G_USEC_PER_SEC / 10)

/* Frames both ways that nobody has taken yet */
static void leave_in_flight(NetMachine *m, Netvsc *n)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);

    n->hold = true;
    for (unsigned i = 0; i < 50; i++) {
        NetvscTx tx = { .frame = frame, .bytes = 300 };

        net_build_raw(frame, &flow, tx.bytes, i);
        netvsc_send_in_section(n, i % n->channels, &tx, 1);
        net_machine_to_guest(m, net_machine_mac, 400, i);
    }
}

static void check_new_start(NetMachine *m)
{
    Netvsc *n = netvsc_start(m->c, 0, NVSP_VERSION_6_1);

    net_wire_drain(&m->wire, DRAIN_US);
    net_machine_settle(m, n);
    net_machine_check_traffic(m, n, 9);
    netvsc_close(n);
}

static void test_close_and_open_with_frames_in_flight(void)
{
    NetMachine m;

    net_machine_start(&m, "", "");
    for (unsigned i = 0; i < 8; i++) {
        Netvsc *n = netvsc_start(m.c, 0, versions[i % ARRAY_SIZE(versions)]);

        leave_in_flight(&m, n);
        if (i % 2) {
            netvsc_close_rudely(n);
        } else {
            netvsc_close(n);
        }
        net_wire_drain(&m.wire, DRAIN_US);
    }
    check_new_start(&m);
    net_machine_stop(&m);
}

/* Linux halts before it stops sending, and warns of each frame that fails */
static void test_frames_after_halt_are_lost(void)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetvscTx tx = { .frame = frame, .bytes = 300 };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    net_build_raw(frame, &flow, tx.bytes, 1);
    netvsc_send_frame(n, frame, tx.bytes);
    g_assert_cmpuint(net_wire_expect(&m.wire, frame), ==, tx.bytes);
    netvsc_halt(n);
    g_assert_cmpuint(netvsc_expect_sent(n, netvsc_send_in_section(n, 0, &tx, 1)),
                     ==, NVSP_STATUS_SUCCESS);
    g_assert_cmpuint(net_wire_wait(&m.wire, frame, DRAIN_US), ==, 0);
    netvsc_close_rudely(n);
    check_new_start(&m);
    net_machine_stop(&m);
}

static void test_unload_with_frames_in_flight(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    leave_in_flight(&m, n);
    vmbus_unload(m.c);
    netvsc_forget(n);
    vmbus_connect(m.c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m.c);
    check_new_start(&m);
    net_machine_stop(&m);
}

static void test_system_reset_with_frames_in_flight(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    netvsc_open_subchannels(n, 2);
    g_assert_cmphex(netvsc_set_address(n, "525400ABCDEF"), ==,
                    RNDIS_STATUS_SUCCESS);
    leave_in_flight(&m, n);
    netvsc_forget(n);
    net_machine_reset(&m);
    /* with the address that the user gave */
    check_new_start(&m);
    net_machine_stop(&m);
}

static void test_system_reset_in_every_state(void)
{
    NetMachine m;
    Netvsc *n;

    net_machine_start(&m, "", "");
    for (unsigned state = 0; state <= 6; state++) {
        n = netvsc_open(m.c, 0);
        if (state >= 1) {
            netvsc_try_version(n, NVSP_VERSION_6_1);
        }
        if (state >= 2) {
            netvsc_send_config(n, 1514, NVSP_CAP_8021Q);
        }
        if (state >= 3) {
            netvsc_make_buffers(n, 32, 32);
        }
        if (state >= 4) {
            netvsc_rndis_init(n);
        }
        if (state >= 5) {
            netvsc_set_filter(n, NETVSC_FILTER_OPEN);
        }
        if (state >= 6) {
            netvsc_open_subchannels(n, 2);
        }
        netvsc_forget(n);
        net_machine_reset(&m);
    }
    check_new_start(&m);
    net_machine_stop(&m);
}

static void unplug(NetMachine *m, Netvsc *n)
{
    VmbusOffer *offer = n->ch[0]->offer;

    qtest_qmp_device_del_send(m->g->qts, "nic0");
    /* a driver that never comes to rest is given half a minute */
    hv_guest_step(m->g, 29 * NS_PER_S);
    vmbus_pump(m->c);
    g_assert_false(offer->rescinded);
    hv_guest_step(m->g, 2 * NS_PER_S);
    vmbus_expect_rescind(m->c, offer);
    netvsc_close_rudely(n);
    vmbus_post_relid(m->c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    qtest_qmp_eventwait(m->g->qts, "DEVICE_DELETED");
}

static void test_unplug_and_plug_with_frames_in_flight(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (unsigned i = 0; i < 3; i++) {
        leave_in_flight(&m, n);
        unplug(&m, n);
        net_wire_drain(&m.wire, DRAIN_US);
        qtest_qmp_device_add(m.g->qts, "hv-net", "nic0",
                             "{'netdev': 'n0', 'mac': '" NET_MACHINE_MAC "'}");
        n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
        net_machine_settle(&m, n);
        net_machine_check_traffic(&m, n, i);
    }
    net_machine_down(&m, n);
}

/* Each look of the device is 10 ms after the last */
static void step_while_driver_works(NetMachine *m, Netvsc *n, unsigned looks)
{
    while (looks--) {
        hv_guest_step(m->g, NS_PER_S / 100);
        g_assert_true(netvsc_control_is_quiet(n));
    }
}

/*
 * The link goes, and the channels when the driver has had nothing under way for 100
 * looks of a guest whose first processor never halts
 */
static void test_unplug_waits_for_the_driver(void)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetvscTx tx = { .frame = frame, .bytes = 100 };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    VmbusOffer *offer = n->ch[0]->offer;

    net_build_raw(frame, &flow, tx.bytes, 1);
    qtest_qmp_device_del_send(m.g->qts, "nic0");
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    step_while_driver_works(&m, n, 70);
    netvsc_expect_sent(n, netvsc_send_in_section(n, 0, &tx, 1));
    step_while_driver_works(&m, n, 70);
    g_assert_false(offer->rescinded);
    step_while_driver_works(&m, n, 70);
    vmbus_expect_rescind(m.c, offer);
    netvsc_close_rudely(n);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    net_machine_stop(&m);
}

/* The netdev goes first: the card stays, without a link */
static void test_netdev_goes_with_frames_in_flight(void)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetvscTx tx = { .frame = frame, .bytes = 100 };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    leave_in_flight(&m, n);
    qtest_qmp_assert_success(m.g->qts,
        "{ 'execute': 'netdev_del', 'arguments': { 'id': 'n0' } }");
    n->hold = false;
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    net_build_raw(frame, &flow, tx.bytes, 1);
    /* completed, to whom ever it goes */
    netvsc_expect_sent(n, netvsc_send_in_section(n, 0, &tx, 1));
    net_machine_down(&m, n);
}

/* --- migration --- */

/*
 * Frames that the guest holds, completions and frames for which its ring has no
 * room, messages that the host has not read
 */
static void test_migrates_with_frames_in_flight(void)
{
    enum { MAX_SENT = 20000, HELD = 20, FRAMES = 50 };
    g_autofree uint64_t *id = g_new0(uint64_t, MAX_SENT);
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    unsigned spins = 0, sent;

    netvsc_set_offloads(n, true);
    n->hold = true;
    for (unsigned i = 0; i < HELD; i++) {
        net_machine_to_guest(&m, net_machine_mac, 400, i);
    }
    /* the guest has them, and gives them back to the next QEMU */
    while (g_queue_get_length(n->frames) < HELD) {
        g_assert_cmpuint(spins++, <, 100000);
        hv_guest_step(m.g, 0);
        netvsc_pump(n);
    }
    sent = net_machine_fill_ring(&m, n, id, MAX_SENT);
    for (unsigned i = HELD; i < FRAMES; i++) {
        net_machine_to_guest(&m, net_machine_mac, 400, i);
    }
    while (!net_wire_is_read(&m.wire)) {
        g_assert_cmpuint(spins++, <, 100000);
        hv_guest_step(m.g, 0);
    }
    net_machine_migrate(&m);
    n->hold = false;
    for (unsigned i = 0; i < sent; i++) {
        g_assert_cmpuint(netvsc_expect_sent(n, id[i]), ==,
                         NVSP_STATUS_SUCCESS);
        net_wire_drain(&m.wire, 0);
    }
    for (unsigned i = 0; i < FRAMES; i++) {
        net_machine_expect(&m, n, 400, i);
    }
    net_wire_drain(&m.wire, DRAIN_US);
    for (unsigned i = 0; i < 1000; i++) {
        net_machine_check_traffic(&m, n, i);
    }
    net_machine_down(&m, n);
}

static void test_migrates_what_the_guest_has_set(void)
{
    static const uint8_t mine[6] = { 0x52, 0x54, 0x00, 0xab, 0xcd, 0xef };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    netvsc_open_subchannels(n, 3);
    g_assert_cmphex(netvsc_set_address(n, "525400ABCDEF"), ==,
                    RNDIS_STATUS_SUCCESS);
    g_assert_cmphex(netvsc_set(n, RNDIS_OID_802_3_MULTICAST_LIST, multicast,
                               6), ==, RNDIS_STATUS_SUCCESS);
    netvsc_set_filter(n, RNDIS_FILTER_DIRECTED | RNDIS_FILTER_MULTICAST);
    net_machine_migrate(&m);
    g_assert(net_machine_passes(&m, n, mine));
    g_assert(net_machine_passes(&m, n, multicast));
    g_assert(!net_machine_passes(&m, n, broadcast));
    g_assert(!net_machine_passes(&m, n, net_machine_mac));
    net_machine_migrate(&m);
    netvsc_set_filter(n, NETVSC_FILTER_OPEN);
    g_assert(net_machine_passes(&m, n, broadcast));
    net_machine_down(&m, n);
}

static void test_migrates_in_every_state(void)
{
    NetMachine m;

    net_machine_start(&m, "", "");
    for (unsigned state = 0; state <= 4; state++) {
        Netvsc *n = netvsc_open(m.c, 0);

        for (unsigned step = 0; step <= 4; step++) {
            if (step == state) {
                net_machine_migrate(&m);
            }
            switch (step) {
            case 0:
                g_assert_cmpuint(netvsc_try_version(n, NVSP_VERSION_6_1), ==,
                                 NVSP_STATUS_SUCCESS);
                break;
            case 1:
                netvsc_send_config(n, 1514, NVSP_CAP_8021Q);
                netvsc_make_buffers(n, 64, 32);
                break;
            case 2:
                netvsc_rndis_init(n);
                break;
            case 3:
                netvsc_set_filter(n, NETVSC_FILTER_OPEN);
                break;
            default:
                net_machine_check_traffic(&m, n, state);
            }
        }
        netvsc_close(n);
    }
    net_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define NET_TEST(_name) \
    qtest_add_func("/paravisor/hv-net-life/" #_name, test_##_name)
    NET_TEST(close_and_open_with_frames_in_flight);
    NET_TEST(frames_after_halt_are_lost);
    NET_TEST(unload_with_frames_in_flight);
    NET_TEST(system_reset_with_frames_in_flight);
    NET_TEST(system_reset_in_every_state);
    NET_TEST(unplug_and_plug_with_frames_in_flight);
    NET_TEST(unplug_waits_for_the_driver);
    NET_TEST(netdev_goes_with_frames_in_flight);
    NET_TEST(migrates_with_frames_in_flight);
    NET_TEST(migrates_what_the_guest_has_set);
    NET_TEST(migrates_in_every_state);
    return g_test_run();
}
