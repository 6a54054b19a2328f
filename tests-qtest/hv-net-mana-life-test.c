/*
 * hv-net on an adapter in VTL2: adapter, card and function come and go; the data
 * path in migrations; a guest that misuses it; several ports
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "lib/net-boost.h"
#include "lib/vpci-client.h"

#define OTHER_MAC   "52:54:00:12:34:57"

static const uint8_t other_mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x57 };

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

static NvspMessageWire path_message(bool to_vf)
{
    return (NvspMessageWire) {
        .type = cpu_to_le32(NVSP_MSG_SWITCH_DATA_PATH),
        .data_path = cpu_to_le32(to_vf),
    };
}

static void switch_path(Netvsc *n, bool to_vf)
{
    NvspMessageWire msg = path_message(to_vf);

    netvsc_exchange(n, 0, &msg, sizeof(msg));
}

/* Ask, and do not wait for the completion */
static void ask_path(Netvsc *n, bool to_vf, uint64_t trans_id)
{
    NvspMessageWire msg = path_message(to_vf);

    vmbus_channel_send(n->ch[0], HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION,
                       trans_id, NULL, 0, &msg, sizeof(msg));
}

static void await_vf(Netvsc *n, bool there)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    do {
        if (g_get_monotonic_time() > end) {
            g_error("the guest is not told that the function %s",
                    there ? "came" : "went");
        }
        hv_guest_step(n->c->g, 0);
        netvsc_pump(n);
    } while (!n->vf_messages || n->vf_allocated != there);
}

static bool device_exists(NetMachine *m, const char *id)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral/%s", id);
    QDict *resp = qtest_qmp(m->g->qts, "{ 'execute': 'qom-list', 'arguments': "
                            "{ 'path': %s } }", path);
    bool exists = qdict_haskey(resp, "return");

    qobject_unref(resp);
    return exists;
}

static void await_device(NetMachine *m, const char *id, bool there)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    while (device_exists(m, id) != there) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(m->g, 0);
    }
}

/* --- the adapter comes and goes --- */

static void test_adapter_is_plugged_again(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    net_machine_check_traffic(&m, n, 1);
    for (unsigned i = 0; i < 3; i++) {
        qtest_qmp_device_del(m.g->qts, "mana0");
        netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
        net_boost_plug(&m, NET_MACHINE_MAC);
        netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_CONNECT);
        net_boost_await_running(&m, 0);
        for (unsigned k = 0; k < 20; k++) {
            net_machine_check_traffic(&m, n, k);
        }
        /* the adapter is a new one, and so are its counters */
        g_assert_cmpint(net_boost_counter(&m, 0, "tx-packets"), ==, 20);
    }
    net_machine_reset(&m);
    netvsc_forget(n);
    n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    net_machine_check_traffic(&m, n, 2);
    stop(&m, n);
}

static void test_adapter_with_another_mac_is_not_taken(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    qtest_qmp_device_del(m.g->qts, "mana0");
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    net_boost_plug(&m, OTHER_MAC);
    hv_guest_step(m.g, 0);
    g_assert_null(net_boost_entry(&m, "ports", 0));
    qtest_qmp_device_del(m.g->qts, "mana0");
    net_boost_plug(&m, NET_MACHINE_MAC);
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_CONNECT);
    net_machine_check_traffic(&m, n, 1);
    stop(&m, n);
}

/* What the guest has set is set in the new adapter, too */
static void test_rss_and_path_follow_to_the_new_adapter(void)
{
    static const uint32_t table[4] = { 1, 1, 1, 1 };
    static const uint8_t key[NDIS_RSS_KEY_BYTES] = { 1, 2, 3 };
    NetMachine m;
    Netvsc *n = start(&m, ",num-queues=2");

    netvsc_open_subchannels(n, 1);
    g_assert_cmphex(netvsc_set_rss(n, 0, table, 4, key), ==,
                    RNDIS_STATUS_SUCCESS);
    switch_path(n, true);
    qtest_qmp_device_del(m.g->qts, "mana0");
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    net_boost_plug(&m, NET_MACHINE_MAC);
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_CONNECT);
    net_boost_await_running(&m, 0);
    g_assert_true(net_boost_path_is(&m, 0, "vf"));
    net_machine_check_traffic(&m, n, 1);
    switch_path(n, false);
    g_assert_true(net_boost_path_is(&m, 0, "synthetic"));
    stop(&m, n);
}

static void test_function_goes_and_comes_with_the_adapter(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");

    await_vf(n, true);
    for (unsigned i = 0; i < 2; i++) {
        switch_path(n, true);
        net_machine_check_traffic(&m, n, i);
        qtest_qmp_device_del_send(m.g->qts, "mana0");
        await_vf(n, false);
        await_device(&m, "nic0-vf", false);
        await_device(&m, "mana0", false);
        net_boost_plug(&m, NET_MACHINE_MAC);
        await_vf(n, true);
        await_device(&m, "nic0-vf", true);
        net_boost_await_running(&m, 0);
        net_machine_check_traffic(&m, n, i);
    }
    stop(&m, n);
}

/* The function that the user took away does not come with the adapter */
static void test_function_stays_away(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");

    await_vf(n, true);
    qtest_qmp_device_del(m.g->qts, "nic0-vf");
    await_vf(n, false);
    qtest_qmp_device_del(m.g->qts, "mana0");
    net_boost_plug(&m, NET_MACHINE_MAC);
    net_boost_await_running(&m, 0);
    net_machine_check_traffic(&m, n, 1);
    g_assert_false(device_exists(&m, "nic0-vf"));
    qtest_qmp_assert_success(m.g->qts,
        "{ 'execute': 'device_add', 'arguments': {"
        "  'driver': 'mana', 'id': 'nic0-vf', 'bus': 'nic0-pci.0',"
        "  'pf': 'mana0' } }");
    await_vf(n, true);
    net_machine_check_traffic(&m, n, 2);
    stop(&m, n);
}

static void test_accelerated_card_is_unplugged(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");
    VmbusOffer *offer = n->ch[0]->offer;

    await_vf(n, true);
    switch_path(n, true);
    net_machine_check_traffic(&m, n, 1);
    qtest_qmp_device_del_send(m.g->qts, "nic0");
    await_vf(n, false);
    await_device(&m, "nic0-vf", false);
    g_assert_true(device_exists(&m, "nic0"));
    hv_guest_step(m.g, 6LL * 1000 * 1000 * 1000);
    vmbus_expect_rescind(m.c, offer);
    netvsc_close_rudely(n);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    await_device(&m, "nic0", false);
    g_assert_false(device_exists(&m, "nic0-pci"));
    /* all of it can be made again */
    qtest_qmp_assert_success(m.g->qts,
        "{ 'execute': 'device_add', 'arguments': {"
        "  'driver': 'hv-net', 'id': 'nic0', 'mana': 'mana0',"
        "  'accelerated': true } }");
    await_device(&m, "nic0-vf", true);
    net_machine_stop(&m);
}

/* The adapter does not wait for a guest that keeps its function */
static void test_adapter_goes_and_the_guest_keeps_the_function(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");
    Vpci *v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
    VmbusOffer *offer = v->ch->offer;
    unsigned messages;

    await_vf(n, true);
    switch_path(n, true);
    qtest_qmp_device_del_send(m.g->qts, "mana0");
    vpci_client_expect_eject(v, 0);
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    await_device(&m, "mana0", false);
    net_boost_plug(&m, NET_MACHINE_MAC);
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_CONNECT);
    net_boost_await_running(&m, 0);
    /* no wire leads to the old function: the card has the frames */
    net_machine_check_traffic(&m, n, 1);
    g_assert_true(device_exists(&m, "nic0-vf"));
    g_assert_cmphex(vpci_client_cfg_read(v, 0, 0, 2), !=, 0xffff);
    /* it was asked once; the new function comes as soon as the old one is gone */
    vpci_client_pump(v);
    g_assert_cmpuint(v->ejects, ==, 0);
    messages = n->vf_messages;
    vpci_client_ejected(v, 0, 0);
    vmbus_expect_rescind(m.c, offer);
    vpci_client_close(v);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    await_vf(n, true);
    g_assert_cmpuint(n->vf_messages, ==, messages + 2);
    v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
    net_machine_check_traffic(&m, n, 2);
    vpci_client_stop(v);
    stop(&m, n);
}

/* Nor does the card, for longer than it waits for its own driver */
static void test_card_goes_and_the_guest_keeps_the_function(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");
    Vpci *v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
    VmbusOffer *offer = n->ch[0]->offer, *pci_offer = v->ch->offer;

    await_vf(n, true);
    switch_path(n, true);
    qtest_qmp_device_del_send(m.g->qts, "nic0");
    vpci_client_expect_eject(v, 0);
    net_machine_check_traffic(&m, n, 1);
    hv_guest_step(m.g, 6LL * 1000 * 1000 * 1000);
    vmbus_expect_rescind(m.c, offer);
    netvsc_close_rudely(n);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    await_device(&m, "nic0", false);
    vmbus_expect_rescind(m.c, pci_offer);
    vpci_client_close(v);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, pci_offer->relid);
    await_device(&m, "nic0-vf", false);
    net_machine_stop(&m);
}

/* --- migration --- */

static void test_path_and_function_migrate(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");
    unsigned messages;

    await_vf(n, true);
    for (unsigned i = 1; i <= 2; i++) {
        switch_path(n, i % 2);
        messages = n->vf_messages;
        net_machine_migrate(&m);
        net_boost_await_running(&m, 0);
        net_boost_await_path(&m, 0, i % 2 ? "vf" : "synthetic");
        g_assert_cmpint(net_boost_counter(&m, 0, "switches"), ==, i);
        net_machine_check_traffic(&m, n, i);
        /* the guest knows of the function: nothing to tell */
        g_assert_cmpuint(n->vf_messages, ==, messages);
    }
    switch_path(n, true);
    g_assert_cmpint(net_boost_counter(&m, 0, "switches"), ==, 3);
    stop(&m, n);
}

/*
 * The adapter has taken the request and does not answer; nor will the other one,
 * which the driver resets then
 */
static void test_pending_switch_migrates(void)
{
    for (unsigned i = 0; i < 2; i++) {
        NetMachine m;
        Netvsc *n = start(&m, ",accelerated=on");
        uint64_t id = 0x5151;

        await_vf(n, true);
        if (i) {
            switch_path(n, true);
        }
        net_boost_inject(&m, "hwc-timeout");
        ask_path(n, !i, id);
        hv_guest_step(m.g, 0);
        g_assert_false(netvsc_is_sent(n, id));
        net_machine_migrate(&m);
        for (int k = 0; k < 1000 && !netvsc_is_sent(n, id); k++) {
            hv_guest_step(m.g, 50 * 1000 * 1000);
        }
        g_assert_true(netvsc_is_sent(n, id));
        g_assert_true(net_boost_path_is(&m, 0, i ? "synthetic" : "vf"));
        g_assert_cmpint(net_boost_counter(&m, 0, "switches"), ==, i + 1);
        net_machine_check_traffic(&m, n, i);
        stop(&m, n);
    }
}

/* --- misuse --- */

/* Each switch is completed, in whatever number they come */
static void test_switches_in_a_loop(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");

    await_vf(n, true);
    for (unsigned i = 0; i < 500; i++) {
        ask_path(n, i % 2, 0x10000 + i);
        if (i % 20 == 19) {
            for (unsigned k = i - 19; k <= i; k++) {
                int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

                while (!netvsc_is_sent(n, 0x10000 + k)) {
                    g_assert_cmpint(g_get_monotonic_time(), <, end);
                    hv_guest_step(m.g, 0);
                }
            }
        }
    }
    net_boost_await_path(&m, 0, "vf");
    net_machine_check_traffic(&m, n, 1);
    stop(&m, n);
}

static void test_switch_without_function(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "");

    for (unsigned i = 1; i <= 4; i++) {
        switch_path(n, i % 2);
        net_machine_check_traffic(&m, n, i);
    }
    stop(&m, n);
}

static void test_channel_closes_while_a_switch_is_pending(void)
{
    NetMachine m;
    Netvsc *n = start(&m, ",accelerated=on");

    await_vf(n, true);
    for (unsigned i = 1; i <= 2; i++) {
        net_boost_inject(&m, "hwc-timeout");
        ask_path(n, true, 0x777);
        hv_guest_step(m.g, 0);
        g_assert_false(netvsc_is_sent(n, 0x777));
        netvsc_close_rudely(n);
        n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
        hv_guest_step(m.g, 31LL * 1000 * 1000 * 1000);
        net_boost_await_running(&m, i);
        net_boost_await_path(&m, 0, "synthetic");
        net_machine_check_traffic(&m, n, i);
    }
    stop(&m, n);
}

/* Channels that are not there: refused, or folded onto those that are */
static void test_rss_tables_out_of_range(void)
{
    static const uint32_t bad[] = { 2, 7, 63, 64, 255, 256, 65536, 0xffffffff };
    static const uint8_t key[NDIS_RSS_KEY_BYTES] = { 9, 8, 7 };
    uint32_t table[NDIS_RSS_TABLE_ENTRIES];
    NetMachine m;
    Netvsc *n = start(&m, ",num-queues=2");

    netvsc_open_subchannels(n, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(table); k++) {
            table[k] = k % 3 ? bad[i] : k % 2;
        }
        netvsc_set_rss(n, 0, table, 1 + i * 15, key);
        netvsc_set_rss(n, 0, table, ARRAY_SIZE(table), key);
        net_machine_check_traffic(&m, n, i);
    }
    g_assert_cmpint(net_boost_counter(&m, 0, "rx-packets"), ==,
                    ARRAY_SIZE(bad));
    stop(&m, n);
}

/* --- two ports --- */

static void check_other_port(NetMachine *m, NetWire *wire, Netvsc *n,
                             uint32_t seed)
{
    NetFlow out = net_flow(false, NET_RAW, net_machine_peer_mac, other_mac);
    NetFlow in = net_flow(false, NET_RAW, other_mac, net_machine_peer_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    uint32_t bytes = net_build_raw(frame, &out, 300, seed);

    netvsc_send_frame(n, frame, bytes);
    g_assert_cmpuint(net_wire_expect(wire, frame), ==, bytes);
    g_assert(net_is_filled(frame + NET_ETH_BYTES, bytes - NET_ETH_BYTES, seed));
    bytes = net_build_raw(frame, &in, 400, seed + 1);
    net_wire_send(wire, frame, bytes);
    net_machine_expect(m, n, bytes, seed + 1);
}

static void check_adapter(NetMachine *m, unsigned vport, const char *mac)
{
    QDict *resp = qtest_qmp(m->g->qts, "{ 'execute': 'query-mana' }");
    QDict *mana = qobject_to(QDict,
                             qlist_peek(qdict_get_qlist(resp, "return")));
    const QListEntry *e = qlist_first(qdict_get_qlist(mana, "vports"));
    static const char *const names[] = {
        "tx-packets", "tx-bytes", "rx-packets", "rx-bytes",
    };
    QDict *theirs;

    for (unsigned i = 0; i < vport; i++) {
        e = qlist_next(e);
    }
    theirs = qobject_to(QDict, qlist_entry_obj(e));
    g_assert_cmpstr(qdict_get_str(theirs, "mac"), ==, mac);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        g_assert_cmpint(net_boost_counter(m, vport, names[i]), ==,
                        qdict_get_int(theirs, names[i]));
    }
    qobject_unref(resp);
}

static void set_link(NetMachine *m, const char *name, bool up)
{
    qtest_qmp_assert_success(m->g->qts, "{ 'execute': 'set_link', 'arguments': "
                             "{ 'name': %s, 'up': %i } }", name, up);
}

static void test_two_ports(void)
{
    NetMachine m;
    NetWire wire;
    g_autofree char *netdev = net_wire_start(&wire, "n1");
    g_autofree char *more = g_strdup_printf(
        "%s -device hv-net,id=nic1,mana=mana0,vport=1", netdev);
    Netvsc *n0, *n1;
    VmbusOffer *offer;

    net_machine_start_boost(&m, ",netdev1=n1,mac1=" OTHER_MAC, "", more);
    net_wire_accept(&wire);
    n0 = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    n1 = netvsc_start(m.c, 1, NVSP_VERSION_6_1);
    g_assert_cmpmem(n0->mac, 6, net_machine_mac, 6);
    g_assert_cmpmem(n1->mac, 6, other_mac, 6);
    for (unsigned i = 0; i < 5; i++) {
        net_machine_check_traffic(&m, n0, i);
        check_other_port(&m, &wire, n1, i);
        check_other_port(&m, &wire, n1, i);
    }
    g_assert_cmpint(net_boost_counter(&m, 0, "tx-packets"), ==, 5);
    g_assert_cmpint(net_boost_counter(&m, 1, "tx-packets"), ==, 10);
    check_adapter(&m, 0, NET_MACHINE_MAC);
    check_adapter(&m, 1, OTHER_MAC);
    /* the adapter's reset is both ports' */
    net_boost_inject(&m, "reset-request");
    net_boost_await_running(&m, 1);
    net_machine_check_traffic(&m, n0, 1);
    check_other_port(&m, &wire, n1, 1);
    /* one goes, the other stays */
    offer = n1->ch[0]->offer;
    netvsc_close(n1);
    qtest_qmp_device_del_send(m.g->qts, "nic1");
    vmbus_expect_rescind(m.c, offer);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    await_device(&m, "nic1", false);
    net_boost_await_running(&m, 1);
    net_machine_check_traffic(&m, n0, 2);
    netvsc_close(n0);
    net_machine_stop(&m);
    net_wire_stop(&wire);
}

/* The adapter tells of one link: it is up while one of the wires is */
static void test_link_of_two_ports(void)
{
    NetMachine m;
    NetWire wire;
    g_autofree char *netdev = net_wire_start(&wire, "n1");
    g_autofree char *more = g_strdup_printf(
        "%s -device hv-net,id=nic1,mana=mana0,vport=1", netdev);
    Netvsc *n0, *n1;

    net_machine_start_boost(&m, ",netdev1=n1,mac1=" OTHER_MAC, "", more);
    net_wire_accept(&wire);
    n0 = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    n1 = netvsc_start(m.c, 1, NVSP_VERSION_6_1);
    set_link(&m, "mana0.1", false);
    net_machine_check_traffic(&m, n0, 1);
    g_assert_cmpuint(n0->indications->len, ==, 0);
    set_link(&m, "mana0", false);
    netvsc_expect_indication(n0, RNDIS_STATUS_MEDIA_DISCONNECT);
    netvsc_expect_indication(n1, RNDIS_STATUS_MEDIA_DISCONNECT);
    set_link(&m, "mana0.1", true);
    netvsc_expect_indication(n1, RNDIS_STATUS_MEDIA_CONNECT);
    check_other_port(&m, &wire, n1, 1);
    set_link(&m, "mana0", true);
    netvsc_expect_indication(n0, RNDIS_STATUS_MEDIA_CONNECT);
    net_machine_check_traffic(&m, n0, 2);
    netvsc_close(n1);
    netvsc_close(n0);
    net_machine_stop(&m);
    net_wire_stop(&wire);
}

#define LIFE_TEST(name) \
    qtest_add_func("/paravisor/hv-net-mana-life/" #name, test_ ## name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    LIFE_TEST(adapter_is_plugged_again);
    LIFE_TEST(adapter_with_another_mac_is_not_taken);
    LIFE_TEST(rss_and_path_follow_to_the_new_adapter);
    LIFE_TEST(function_goes_and_comes_with_the_adapter);
    LIFE_TEST(function_stays_away);
    LIFE_TEST(accelerated_card_is_unplugged);
    LIFE_TEST(adapter_goes_and_the_guest_keeps_the_function);
    LIFE_TEST(card_goes_and_the_guest_keeps_the_function);
    LIFE_TEST(path_and_function_migrate);
    LIFE_TEST(pending_switch_migrates);
    LIFE_TEST(switches_in_a_loop);
    LIFE_TEST(switch_without_function);
    LIFE_TEST(channel_closes_while_a_switch_is_pending);
    LIFE_TEST(rss_tables_out_of_range);
    LIFE_TEST(two_ports);
    LIFE_TEST(link_of_two_ports);
    return g_test_run();
}
