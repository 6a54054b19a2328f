/*
 * hv-net on an adapter in VTL2: traffic, offloads, faults, life
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/net-boost.h"

static Netvsc *start(NetMachine *m, const char *props)
{
    net_machine_start_boost(m, "", props, "");
    return netvsc_start(m->c, 0, NVSP_VERSION_6_1);
}

static void stop(NetMachine *m, Netvsc *n)
{
    netvsc_close(n);
    net_machine_stop(m);
}

static void test_counters_are_equal(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    for (unsigned i = 0; i < 50; i++) {
        net_machine_check_traffic(&m, n, i);
    }
    g_assert_cmpint(net_boost_counter(&m, 0, "tx-packets"), ==, 50);
    g_assert_cmpint(net_boost_counter(&m, 0, "rx-packets"), ==, 50);
    g_assert_cmpint(net_boost_counter(&m, 0, "tx-errors"), ==, 0);
    g_assert_cmpint(net_boost_counter(&m, 0, "rx-dropped"), ==, 0);
    stop(&m, n);
}

static void test_reset_request(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    net_machine_check_traffic(&m, n, 1);
    for (unsigned i = 1; i <= 3; i++) {
        net_boost_inject(&m, "reset-request");
        net_boost_await_running(&m, i);
        net_machine_check_traffic(&m, n, i);
    }
    stop(&m, n);
}

/* What the adapter did not send before the reset, it sends afterwards */
static void test_queue_error_loses_nothing(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);

    net_machine_check_traffic(&m, n, 1);
    net_boost_inject(&m, "queue-error");
    for (unsigned i = 0; i < 20; i++) {
        netvsc_send_frame(n, frame, net_build_raw(frame, &flow, 200 + i, i));
    }
    net_boost_await_running(&m, 1);
    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmpuint(net_wire_expect(&m.wire, frame), ==, 200 + i);
        g_assert(net_is_filled(frame + NET_ETH_BYTES, 200 + i - NET_ETH_BYTES,
                               i));
    }
    net_machine_check_traffic(&m, n, 2);
    stop(&m, n);
}

/* RSS makes a request, which has no answer */
static void test_hwc_timeout(void)
{
    static const uint32_t table[4] = { 0, 1, 0, 1 };
    static const uint8_t key[NDIS_RSS_KEY_BYTES] = { 1, 2, 3 };
    NetMachine m;
    Netvsc *n = start(&m, ",num-queues=2");

    netvsc_open_subchannels(n, 1);
    net_machine_check_traffic(&m, n, 1);
    net_boost_inject(&m, "hwc-timeout");
    g_assert_cmphex(netvsc_set_rss(n, 0, table, 4, key), ==,
                    RNDIS_STATUS_SUCCESS);
    /* the card has answered; the driver asks in bottom halves, before time passes */
    for (int i = 0; i < 16; i++) {
        hv_guest_step(m.g, 0);
    }
    hv_guest_step(m.g, 31LL * 1000 * 1000 * 1000);
    net_boost_await_running(&m, 1);
    net_machine_check_traffic(&m, n, 2);
    stop(&m, n);
}

static void test_link_follows_the_adapter(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    net_machine_check_traffic(&m, n, 1);
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'set_link', 'arguments': "
                             "{ 'name': 'mana0', 'up': false } }");
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'set_link', 'arguments': "
                             "{ 'name': 'mana0', 'up': true } }");
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_CONNECT);
    net_machine_check_traffic(&m, n, 2);
    stop(&m, n);
}

static void test_adapter_is_unplugged(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    net_machine_check_traffic(&m, n, 1);
    qtest_qmp_device_del(m.g->qts, "mana0");
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    stop(&m, n);
}

static void test_card_is_unplugged(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");
    VmbusOffer *offer = n->ch[0]->offer;

    net_machine_check_traffic(&m, n, 1);
    qtest_qmp_device_del_send(m.g->qts, "nic0");
    hv_guest_step(m.g, 6LL * 1000 * 1000 * 1000);
    vmbus_expect_rescind(m.c, offer);
    netvsc_close_rudely(n);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    /* the adapter is free for another one */
    qtest_qmp_assert_success(m.g->qts,
        "{ 'execute': 'device_add', 'arguments': {"
        "  'driver': 'hv-net', 'id': 'nic1', 'mana': 'mana0' } }");
    net_machine_stop(&m);
}

static void test_reset_and_migration(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    net_machine_check_traffic(&m, n, 1);
    net_machine_migrate(&m);
    net_boost_await_running(&m, 0);
    net_machine_check_traffic(&m, n, 2);
    netvsc_forget(n);
    net_machine_reset(&m);
    n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    net_machine_check_traffic(&m, n, 3);
    stop(&m, n);
}

/* The message that switches is completed, and the adapter has its filter there */
static void test_data_path_switch(void)
{
    NvspMessageWire msg = { .type = cpu_to_le32(NVSP_MSG_SWITCH_DATA_PATH) };
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");

    for (unsigned i = 1; i <= 4; i++) {
        QDict *port;

        msg.data_path = cpu_to_le32(i % 2);
        netvsc_exchange(n, 0, &msg, sizeof(msg));
        port = net_boost_entry(&m, "ports", 0);
        g_assert_cmpstr(qdict_get_str(port, "data-path"), ==,
                        i % 2 ? "vf" : "synthetic");
        g_assert_cmpint(qdict_get_int(port, "switches"), ==, i);
        qobject_unref(port);
        /* the function has no driver: the card has the packets */
        net_machine_check_traffic(&m, n, i);
    }
    stop(&m, n);
}

static void test_vf_is_announced_and_goes(void)
{
    NetMachine m;
    Netvsc *n;

    net_machine_start_boost(&m, "", ",accelerated=on", "");
    n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    netvsc_pump(n);
    net_machine_check_traffic(&m, n, 1);
    qtest_qmp_device_del(m.g->qts, "nic0-vf");
    net_machine_check_traffic(&m, n, 2);
    qtest_qmp_assert_success(m.g->qts,
        "{ 'execute': 'device_add', 'arguments': {"
        "  'driver': 'mana', 'id': 'nic0-vf', 'bus': 'nic0-pci.0',"
        "  'pf': 'mana0' } }");
    net_machine_check_traffic(&m, n, 3);
    stop(&m, n);
}

#define BOOST_TEST(name) \
    qtest_add_func("/paravisor/hv-net-mana/" #name, test_ ## name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    BOOST_TEST(counters_are_equal);
    BOOST_TEST(reset_request);
    BOOST_TEST(queue_error_loses_nothing);
    BOOST_TEST(hwc_timeout);
    BOOST_TEST(link_follows_the_adapter);
    BOOST_TEST(adapter_is_unplugged);
    BOOST_TEST(card_is_unplugged);
    BOOST_TEST(reset_and_migration);
    BOOST_TEST(data_path_switch);
    BOOST_TEST(vf_is_announced_and_goes);
    return g_test_run();
}
