/*
 * hv-ic-kvp, hv-ic-vss, hv-ic-fcopy: the monitor's commands that a guest answers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "lib/ics-client.h"

static IcMessage msg;

/* --- key-value pairs --- */

/* Answer ENUMERATE with pair @idx of @count */
static void answer_item(IcClient *ic, uint32_t count)
{
    uint8_t *body = ic_body(&msg);
    uint32_t idx;

    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    g_assert_cmpuint(le16_to_cpu(ic_header(&msg).body_bytes), ==,
                     sizeof(HvIcKvpWire));
    g_assert_cmpuint(body[0], ==, HV_IC_KVP_ENUMERATE);
    g_assert_cmpuint(body[1], ==, 1);
    idx = ldl_le_p(body + 4);
    if (idx >= count) {
        ic_answer(ic, &msg, HV_IC_STATUS_NO_MORE);
        return;
    }
    stl_le_p(body + 8, HV_IC_KVP_STRING);
    stl_le_p(body + 12, 6);
    stl_le_p(body + 16, 4);
    stw_le_p(body + 20, 'k');
    stw_le_p(body + 22, 'a' + idx % 26);
    stw_le_p(body + 20 + 512, '0' + idx % 10);
    ic_answer(ic, &msg, 0);
}

static void test_kvp_read(void)
{
    IcMachine m;
    IcClient *ic;
    QDict *rsp;
    QList *list;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, "{'execute': 'hv-kvp-get', 'arguments': {"
                "'pool': 'guest'}}");
    for (int i = 0; i <= 3; i++) {
        answer_item(ic, 3);
    }
    rsp = ic_qmp_receive(m.g);
    list = qdict_get_qlist(rsp, "return");
    g_assert_cmpuint(qlist_size(list), ==, 3);
    qobject_unref(rsp);

    ic_qmp_send(m.g, "{'execute': 'hv-kvp-get', 'arguments': {"
                "'pool': 'guest', 'key': 'kb'}}");
    answer_item(ic, 3);
    answer_item(ic, 3);
    rsp = ic_qmp_receive(m.g);
    list = qdict_get_qlist(rsp, "return");
    g_assert_cmpuint(qlist_size(list), ==, 1);
    g_assert_cmpstr(qdict_get_str(qobject_to(QDict, qlist_peek(list)),
                                  "value"), ==, "1");
    qobject_unref(rsp);

    ic_qmp_send(m.g, "{'execute': 'hv-kvp-get', 'arguments': {"
                "'pool': 'guest', 'key': 'none'}}");
    answer_item(ic, 1);
    answer_item(ic, 1);
    ic_qmp_expect_error(m.g, "no pair");
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_kvp_write(void)
{
    IcMachine m;
    IcClient *ic;
    uint8_t *body = ic_body(&msg);

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, IC_QMP_SET);
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    g_assert_cmpuint(body[0], ==, HV_IC_KVP_SET);
    g_assert_cmpuint(body[1], ==, 0);
    g_assert_cmpmem(body + 16, 4, "k\0\0\0", 4);
    g_assert_cmpmem(body + 16 + 512, 4, "v\0\0\0", 4);
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    ic_qmp_send(m.g, "{'execute': 'hv-kvp-delete', 'arguments': {"
                "'key': 'k', 'pool': 'guest'}}");
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    g_assert_cmpuint(body[0], ==, HV_IC_KVP_DELETE);
    g_assert_cmpuint(body[1], ==, 1);
    ic_answer(ic, &msg, HV_IC_STATUS_NO_MORE);
    ic_qmp_expect_error(m.g, "no such item");
    ic_qmp_fails(m.g, "{'execute': 'hv-kvp-set', 'arguments': {"
                 "'key': 'k', 'value': 'v', 'type': 'u32'}}", "not a number");
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_kvp_ip(void)
{
    IcMachine m;
    IcClient *ic;
    QDict *rsp, *config;
    uint8_t *body = ic_body(&msg);

    ic_machine_start(&m, "-device e1000,id=nic,mac=52:54:00:ab:cd:ef ");
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, "{'execute': 'hv-kvp-get-ip', 'arguments': {"
                "'id': 'nic'}}");
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    g_assert_cmpuint(le16_to_cpu(ic_header(&msg).body_bytes), ==,
                     sizeof(HvIcKvpIpWire));
    g_assert_cmpuint(body[0], ==, HV_IC_KVP_GET_IP);
    g_assert_cmpmem(body + 2, 10, "5\0" "2\0" ":\0" "5\0" "4\0", 10);
    g_assert_cmpuint(body[2 + 2 * 9], ==, 'A');
    memcpy(body + offsetof(HvIcKvpIpWire, addresses), "1\0;\0" "2\0\0\0", 8);
    ic_answer(ic, &msg, 0);
    rsp = ic_qmp_receive(m.g);
    config = qdict_get_qdict(rsp, "return");
    g_assert_cmpuint(qlist_size(qdict_get_qlist(config, "addresses")), ==, 2);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(config, "gateways")), ==, 0);
    qobject_unref(rsp);

    /* a VMBus device has its instance id, anything else its own name */
    ic_qmp_send(m.g, "{'execute': 'hv-kvp-set-ip', 'arguments': {"
                "'id': 'down', 'config': {'family': 'both', 'dhcp': true, "
                "'addresses': ['10.0.0.1', 'fe80::1'], 'subnets': [], "
                "'gateways': [], 'dns-servers': []}}}");
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    g_assert_cmpuint(body[0], ==, HV_IC_KVP_SET_IP);
    g_assert_cmpmem(body + 2, 8, "{\0b\0" "6\0" "6\0", 8);
    g_assert_cmpuint(body[offsetof(HvIcKvpIpWire, family)], ==, 3);
    g_assert_cmpuint(body[offsetof(HvIcKvpIpWire, dhcp)], ==, 1);
    g_assert_cmpuint(body[offsetof(HvIcKvpIpWire, addresses) + 16], ==, ';');
    ic_answer(ic, &msg, HV_IC_STATUS_NOT_FOUND);
    ic_qmp_expect_error(m.g, "not found");
    ic_close(ic);

    ic = ic_start(m.c, IC_GUID_KVP, 3, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_fails(m.g, "{'execute': 'hv-kvp-get-ip', 'arguments': {"
                 "'id': 'nic'}}", "no network configuration");
    ic_close(ic);
    ic_machine_stop(&m);
}

/* A guest that does not answer: an error in time, and other work goes on */
static void test_answer_comes_late(void)
{
    IcMachine m;
    IcClient *ic, *hb;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    hb = ic_start(m.c, IC_GUID_HEARTBEAT, 3, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, "{'execute': 'hv-kvp-set', 'arguments': {"
                "'key': 'k', 'value': 'v', 'timeout': 1}}");
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    ic_beat(hb, &msg, 1, HV_IC_APP_HEALTHY);
    ic_qmp_expect_error(m.g, "did not answer in time");
    ic_check_heartbeat(&m, "ok", 1);
    ic_expect_state(m.g, "kvp", "busy");
    ic_qmp_fails(m.g, IC_QMP_SET, "earlier request");
    g_assert(!ic_poll(ic, &msg));
    ic_close(hb);
    ic_close(ic);

    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, "{'execute': 'hv-kvp-set', 'arguments': {"
                "'key': 'k', 'value': 'v', 'timeout': 0}}");
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    ic_qmp_expect_error(m.g, "did not answer in time");
    ic_answer(ic, &msg, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, IC_QMP_SET);
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    ic_close(ic);
    ic_machine_stop(&m);
}

/* The channel goes while a command waits */
static void test_channel_goes_under_a_command(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, IC_QMP_SET);
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    ic_close(ic);
    ic_qmp_expect_error(m.g, "closed the channel");

    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_qmp_send(m.g, IC_QMP_SET);
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    vmbus_unload(m.c);
    ic_qmp_expect_error(m.g, "closed the channel");
    ic_forget(ic);
    ic_expect_state(m.g, "kvp", "closed");
    vmbus_client_free(m.c);
    hv_guest_stop(m.g);
}

/* --- volume snapshots --- */

static void test_freeze_and_thaw(void)
{
    IcMachine m;
    IcClient *ic;
    QDict *vss;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_VSS, 5, 0);
    ic_expect_state(m.g, "vss", "ready");
    ic_qmp_fails(m.g, "{'execute': 'hv-vss-thaw'}", "not frozen");
    ic_freeze(&m, ic, &msg, "");
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    vss = ic_query(m.g, "vss");
    g_assert_true(qdict_get_bool(vss, "frozen"));
    g_assert_cmpint(qdict_get_int(vss, "hot-backup-flags"), ==, 5);
    g_assert_cmpint(qdict_get_int(vss, "thaw-in"), >, 50000);
    qobject_unref(vss);
    ic_qmp_fails(m.g, "{'execute': 'hv-vss-freeze'}", "frozen already");
    ic_qmp_send(m.g, "{'execute': 'hv-vss-thaw'}");
    ic_expect_vss(ic, &msg, HV_IC_VSS_THAW);
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    ic_check_frozen(&m, false);
    ic_machine_run(&m, 100);
    g_assert(!ic_poll(ic, &msg));

    /* a guest that says no */
    ic_qmp_send(m.g, "{'execute': 'hv-vss-freeze'}");
    ic_expect_vss(ic, &msg, HV_IC_VSS_HOT_BACKUP);
    ic_answer(ic, &msg, HV_IC_STATUS_FAIL);
    ic_qmp_expect_error(m.g, "refused a backup");
    ic_freeze(&m, ic, &msg, "");
    ic_answer(ic, &msg, HV_IC_STATUS_FAIL);
    ic_qmp_expect_error(m.g, "refused to freeze");
    ic_check_frozen(&m, false);
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_thaws_by_itself(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_VSS, 5, 0);
    ic_expect_state(m.g, "vss", "ready");
    ic_freeze(&m, ic, &msg, "'thaw-after': 10");
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    ic_machine_run(&m, 9);
    g_assert(!ic_poll(ic, &msg));
    ic_machine_run(&m, 1.5);
    ic_expect_vss(ic, &msg, HV_IC_VSS_THAW);
    /* again if it fails */
    ic_answer(ic, &msg, HV_IC_STATUS_FAIL);
    ic_expect_state(m.g, "vss", "ready");
    ic_check_frozen(&m, true);
    ic_machine_run(&m, 3);
    ic_expect_vss(ic, &msg, HV_IC_VSS_THAW);
    ic_answer(ic, &msg, 0);
    ic_expect_state(m.g, "vss", "ready");
    ic_check_frozen(&m, false);

    /* and when it says that it is frozen after nobody waits for that */
    ic_freeze(&m, ic, &msg, "'timeout': 1");
    ic_qmp_expect_error(m.g, "did not answer in time");
    ic_check_frozen(&m, false);
    ic_answer(ic, &msg, 0);
    ic_machine_run(&m, 1);
    ic_expect_vss(ic, &msg, HV_IC_VSS_THAW);
    ic_answer(ic, &msg, 0);
    ic_expect_state(m.g, "vss", "ready");
    ic_check_frozen(&m, false);
    ic_close(ic);
    ic_machine_stop(&m);
}

/* --- file copy --- */

static uint32_t fcopy_operation(IcClient *ic)
{
    ic_expect(ic, HV_IC_MSG_FCOPY, &msg);
    return ldl_le_p(ic_body(&msg));
}

static void test_copies_a_file(void)
{
    g_autofree char *path = NULL, *json = NULL;
    g_autofree uint8_t *data = g_malloc(13000), *got = g_malloc0(13000);
    uint8_t *body = ic_body(&msg);
    uint64_t done = 0;
    IcMachine m;
    IcClient *ic;

    for (int i = 0; i < 13000; i++) {
        data[i] = i * 7 + i / 256;
    }
    close(g_file_open_tmp("hv-ics-XXXXXX", &path, NULL));
    g_assert(g_file_set_contents(path, (char *)data, 13000, NULL));
    json = g_strdup_printf("{'execute': 'hv-copy-file', 'arguments': {"
                           "'source': '%s', 'directory': '/tmp', 'name': 'n', "
                           "'create-directory': true}}", path);
    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_FCOPY, 1, 1);
    ic_expect_state(m.g, "fcopy", "ready");
    ic_qmp_send(m.g, json);
    g_assert_cmpuint(fcopy_operation(ic), ==, HV_IC_FCOPY_START);
    g_assert_cmpmem(body + 36, 4, "n\0\0\0", 4);
    g_assert_cmpmem(body + 556, 12, "/\0t\0m\0p\0/\0\0\0", 12);
    g_assert_cmpuint(ldl_le_p(body + 1076), ==, HV_IC_FCOPY_CREATE_PATH);
    g_assert_cmpuint(ldq_le_p(body + 1080), ==, 13000);
    ic_answer(ic, &msg, 0);
    while (fcopy_operation(ic) == HV_IC_FCOPY_WRITE) {
        uint32_t bytes = ldl_le_p(body + 48);

        g_assert_cmpuint(le16_to_cpu(ic_header(&msg).body_bytes), ==, 6196);
        g_assert_cmpuint(ldq_le_p(body + 40), ==, done);
        g_assert_cmpuint(bytes, <=, HV_IC_FCOPY_DATA_BYTES);
        memcpy(got + done, body + 52, bytes);
        done += bytes;
        ic_answer(ic, &msg, 0);
    }
    g_assert_cmpuint(ldl_le_p(body), ==, HV_IC_FCOPY_COMPLETE);
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    g_assert_cmpmem(got, done, data, 13000);

    /* the guest's disk is full */
    ic_qmp_send(m.g, json);
    fcopy_operation(ic);
    ic_answer(ic, &msg, 0);
    fcopy_operation(ic);
    ic_answer(ic, &msg, HV_IC_STATUS_DISK_FULL);
    g_assert_cmpuint(fcopy_operation(ic), ==, HV_IC_FCOPY_CANCEL);
    ic_answer(ic, &msg, HV_IC_STATUS_FAIL);
    ic_qmp_expect_error(m.g, "disk full");

    unlink(path);
    ic_qmp_fails(m.g, json, "No such file");
    ic_qmp_fails(m.g, "{'execute': 'hv-copy-file', 'arguments': {"
                 "'source': '/dev/zero', 'directory': '/tmp'}}",
                 "not a regular file");
    ic_close(ic);
    ic_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/hv-ics-command/kvp_read", test_kvp_read);
    qtest_add_func("/paravisor/hv-ics-command/kvp_write", test_kvp_write);
    qtest_add_func("/paravisor/hv-ics-command/kvp_ip", test_kvp_ip);
    qtest_add_func("/paravisor/hv-ics-command/answer_comes_late",
                   test_answer_comes_late);
    qtest_add_func("/paravisor/hv-ics-command/channel_goes_under_a_command",
                   test_channel_goes_under_a_command);
    qtest_add_func("/paravisor/hv-ics-command/freeze_and_thaw", test_freeze_and_thaw);
    qtest_add_func("/paravisor/hv-ics-command/thaws_by_itself", test_thaws_by_itself);
    qtest_add_func("/paravisor/hv-ics-command/copies_a_file", test_copies_a_file);
    return g_test_run();
}
