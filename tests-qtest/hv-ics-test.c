/*
 * hv-ic-*: the integration services, as a guest's drivers see them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/ics-client.h"

static IcMessage msg;

/* --- negotiation --- */

static void test_offers_what_linux_knows(void)
{
    static const struct {
        const char *guid;
        uint16_t versions[4][2];
    } rows[] = {
        { IC_GUID_SHUTDOWN, { { 3, 2 }, { 3, 1 }, { 3, 0 }, { 1, 0 } } },
        { IC_GUID_TIMESYNC, { { 4, 0 }, { 3, 0 }, { 1, 0 } } },
        { IC_GUID_HEARTBEAT, { { 3, 0 }, { 1, 0 } } },
        { IC_GUID_KVP, { { 4, 0 }, { 3, 0 }, { 1, 0 } } },
        { IC_GUID_VSS, { { 5, 0 } } },
        { IC_GUID_FCOPY, { { 1, 1 } } },
    };
    IcMachine m;

    ic_machine_start(&m, "");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned j = 0; j < 4 && rows[i].versions[j][0]; j++) {
            uint16_t major = rows[i].versions[j][0];
            uint16_t minor = rows[i].versions[j][1];
            IcClient *ic = ic_open(m.c, rows[i].guid);

            ic_expect(ic, HV_IC_MSG_NEGOTIATE, &msg);
            g_assert(ic_offers(&msg, major, minor));
            ic_choose(ic, &msg, 3, 0, major, minor);
            ic_close(ic);
        }
    }
    ic_machine_stop(&m);
}

static void test_refused_until_reopened(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    ic = ic_open(m.c, IC_GUID_KVP);
    ic_expect(ic, HV_IC_MSG_NEGOTIATE, &msg);
    stl_le_p(ic_body(&msg), 0);
    ic_answer(ic, &msg, 0);
    ic_expect_state(m.g, "kvp", "refused");
    ic_qmp_fails(m.g, IC_QMP_SET, "none of our versions");
    ic_close(ic);
    ic_expect_state(m.g, "kvp", "closed");
    ic_qmp_fails(m.g, IC_QMP_SET, "does not use");
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_close(ic);
    ic_machine_stop(&m);
}

/* --- shutdown --- */

static uint32_t shutdown_flags(IcClient *ic)
{
    ic_expect(ic, HV_IC_MSG_SHUTDOWN, &msg);
    /* Linux does not even answer a shorter one */
    g_assert_cmpuint(msg.bytes, >=,
                     HV_IC_HEADER_BYTES + sizeof(HvIcShutdownWire));
    return ldl_le_p(ic_body(&msg) + offsetof(HvIcShutdownWire, flags));
}

static void test_powerdown_asks_the_guest(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    /* with nobody there it does no harm */
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'system_powerdown'}");
    ic = ic_start(m.c, IC_GUID_SHUTDOWN, 1, 0);
    ic_expect_state(m.g, "shutdown", "ready");
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'system_powerdown'}");
    g_assert_cmphex(shutdown_flags(ic), ==, 0);
    /* once, until it has answered */
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'system_powerdown'}");
    ic_machine_run(&m, 0);
    g_assert(!ic_poll(ic, &msg));
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_powerdown_can_be_left_to_acpi(void)
{
    IcMachine m;
    IcClient *ic;

    m.g = hv_guest_start("-device hv-vmbus -device hv-ic-shutdown,powerdown=off");
    m.c = vmbus_client_new(m.g, 0);
    vmbus_connect(m.c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m.c);
    ic = ic_start(m.c, IC_GUID_SHUTDOWN, 3, 2);
    ic_expect_state(m.g, "shutdown", "ready");
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'system_powerdown'}");
    ic_machine_run(&m, 0);
    g_assert(!ic_poll(ic, &msg));
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_shutdown_modes(void)
{
    g_autofree char *text = g_strnfill(1024, 'x');
    g_autofree char *too_long = g_strdup_printf(
        "{'execute': 'hv-shutdown', 'arguments': {"
        "'mode': 'powerdown', 'message': '%s'}}", text);
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_SHUTDOWN, 3, 2);
    ic_expect_state(m.g, "shutdown", "ready");
    ic_qmp_send(m.g, "{'execute': 'hv-shutdown', 'arguments': {"
                "'mode': 'reboot', 'force': true, 'message': 'bye'}}");
    g_assert_cmphex(shutdown_flags(ic), ==, 3);
    g_assert_cmpmem(ic_body(&msg) + 12, 8, "b\0y\0e\0\0\0", 8);
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    ic_qmp_send(m.g, "{'execute': 'hv-shutdown', 'arguments': {"
                "'mode': 'hibernate'}}");
    g_assert_cmphex(shutdown_flags(ic), ==, 4);
    ic_answer(ic, &msg, HV_IC_STATUS_FAIL);
    ic_qmp_expect_error(m.g, "refused hibernate");
    ic_qmp_fails(m.g, too_long, "up to 1023 UTF-16 units");
    ic_close(ic);

    /* what the version does not know is not asked for */
    ic = ic_start(m.c, IC_GUID_SHUTDOWN, 3, 0);
    ic_expect_state(m.g, "shutdown", "ready");
    ic_qmp_fails(m.g, "{'execute': 'hv-shutdown', 'arguments': {"
                 "'mode': 'reboot'}}", "cannot reboot");
    ic_qmp_send(m.g, "{'execute': 'hv-shutdown', 'arguments': {"
                "'mode': 'powerdown'}}");
    g_assert_cmphex(shutdown_flags(ic), ==, 0);
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(m.g);
    ic_close(ic);
    ic_machine_stop(&m);
}

/* --- heartbeat --- */

static void test_heartbeat(void)
{
    IcMachine m;
    IcClient *ic;
    QDict *info;

    ic_machine_start(&m, "");
    ic_check_heartbeat(&m, "no-contact", 0);
    ic = ic_start(m.c, IC_GUID_HEARTBEAT, 3, 0);
    for (uint64_t n = 1; n <= 3; n++) {
        ic_beat(ic, &msg, 1, n == 3 ? HV_IC_APP_CRITICAL : HV_IC_APP_HEALTHY);
        ic_expect_state(m.g, "heartbeat", "ready");
        ic_check_heartbeat(&m, "ok", n);
        ic_machine_run(&m, 2.1);
    }
    info = ic_query(m.g, "heartbeat");
    g_assert_cmpstr(qdict_get_str(info, "application-state"), ==, "critical");
    g_assert_cmpint(qdict_get_int(info, "last-seen"), >=, 2000);
    g_assert_cmpint(qdict_get_int(info, "last-seen"), <, 4000);
    qobject_unref(info);

    /* silence: ok for some seconds, then lost, and found again */
    ic_machine_run(&m, 2.1);
    ic_machine_run(&m, 2.1);
    ic_check_heartbeat(&m, "ok", 3);
    ic_machine_run(&m, 2.1);
    ic_check_heartbeat(&m, "lost", 3);
    ic_beat(ic, &msg, 1, HV_IC_APP_HEALTHY);
    ic_expect_state(m.g, "heartbeat", "ready");
    ic_check_heartbeat(&m, "ok", 4);
    /* one request at a time, however long it took */
    g_assert(!ic_poll(ic, &msg));
    ic_close(ic);
    ic_check_heartbeat(&m, "no-contact", 0);
    ic_machine_stop(&m);
}

static void test_heartbeat_counts_right_answers_only(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_HEARTBEAT, 3, 0);
    for (uint64_t add = 0; add < 8; add += 2) {
        ic_beat(ic, &msg, add, HV_IC_APP_HEALTHY);
        ic_expect_state(m.g, "heartbeat", "ready");
        ic_check_heartbeat(&m, "no-contact", 0);
        ic_machine_run(&m, 2.1);
    }
    ic_beat(ic, &msg, 1, HV_IC_APP_HEALTHY);
    ic_expect_state(m.g, "heartbeat", "ready");
    ic_check_heartbeat(&m, "ok", 1);
    ic_close(ic);
    ic_machine_stop(&m);
}

/* --- time --- */

static int64_t host_seconds(void)
{
    return ldq_le_p(ic_body(&msg)) / 10000000 - 11644473600ll;
}

static void test_time_on_start_and_after_stop(void)
{
    IcMachine m;
    IcClient *ic;
    uint64_t ref_100ns;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_TIMESYNC, 4, 0);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpuint(le16_to_cpu(ic_header(&msg).body_bytes), ==, 24);
    g_assert_cmpuint(ic_body(&msg)[16], ==, HV_IC_TIME_SYNC);
    g_assert_cmpint(llabs(host_seconds() - time(NULL)), <, 60);
    ref_100ns = ldq_le_p(ic_body(&msg) + 8);
    ic_answer(ic, &msg, 0);
    ic_machine_run(&m, 5.1);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpuint(ic_body(&msg)[16], ==, HV_IC_TIME_SAMPLE);
    g_assert_cmpuint(ldq_le_p(ic_body(&msg) + 8), >=, ref_100ns + 50000000);
    g_assert_cmpuint(ldq_le_p(ic_body(&msg) + 8), <=,
                     hv_guest_msr(m.g, 0, HV_MSR_TIME_REF_COUNT));
    /* not answered: nothing more comes, but the wish is kept */
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'stop'}");
    qtest_qmp_eventwait(m.g->qts, "STOP");
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'cont'}");
    ic_machine_run(&m, 1);
    g_assert(!ic_poll(ic, &msg));
    ic_answer(ic, &msg, 0);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpuint(ic_body(&msg)[16], ==, HV_IC_TIME_SYNC);
    ic_answer(ic, &msg, 0);
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_time_of_old_version(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_TIMESYNC, 3, 0);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpuint(le16_to_cpu(ic_header(&msg).body_bytes), ==, 32);
    g_assert_cmpuint(ic_body(&msg)[24], ==, HV_IC_TIME_SYNC);
    ic_close(ic);
    ic_machine_stop(&m);
}

/* Virtual time: seconds of it and no others pass from one message to the next */
static void check_clock_vm(const char *rtc, int64_t expected)
{
    IcMachine m;
    IcClient *ic;
    int64_t first;

    ic_machine_start(&m, rtc);
    ic = ic_start(m.c, IC_GUID_TIMESYNC, 4, 0);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    first = host_seconds();
    g_assert_cmpint(llabs(first - expected), <, 30);
    ic_answer(ic, &msg, 0);
    ic_machine_run(&m, 3600);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);    /* an old one */
    ic_answer(ic, &msg, 0);
    ic_expect_state(m.g, "timesync", "ready");
    ic_machine_run(&m, 5);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpint(host_seconds() - first, >=, 3599);
    g_assert_cmpint(host_seconds() - first, <=, 3606);
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_time_is_that_of_the_rtc(void)
{
    IcMachine m;
    IcClient *ic;

    /* 2001-02-03T04:05:06Z */
    check_clock_vm("-rtc base=2001-02-03T04:05:06,clock=vm", 981173106);
    check_clock_vm("-rtc base=utc,clock=vm", time(NULL));

    /* the clock shows local time, the guest gets UTC */
    g_setenv("TZ", "Asia/Tokyo-9", true);
    tzset();
    check_clock_vm("-rtc base=localtime,clock=vm", time(NULL));
    ic_machine_start(&m, "-rtc base=localtime");
    ic = ic_start(m.c, IC_GUID_TIMESYNC, 4, 0);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpint(llabs(host_seconds() - time(NULL)), <, 30);
    ic_close(ic);
    ic_machine_stop(&m);
    g_unsetenv("TZ");
    tzset();

    ic_machine_start(&m, "-rtc base=2001-02-03T04:05:06");
    ic = ic_start(m.c, IC_GUID_TIMESYNC, 4, 0);
    ic_expect(ic, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpint(llabs(host_seconds() - 981173106), <, 30);
    ic_close(ic);
    ic_machine_stop(&m);
}

/* --- life cycle --- */

static void test_no_devices(void)
{
    HvGuest *g = hv_guest_start("-device hv-vmbus");
    g_autofree char *state = ic_query_state(g, "kvp");

    g_assert_cmpstr(state, ==, "absent");
    ic_qmp_fails(g, IC_QMP_SET, "no hv-ic-kvp device");
    ic_qmp_fails(g, "{'execute': 'hv-vss-freeze'}", "no hv-ic-vss device");
    ic_qmp_fails(g, "{'execute': 'hv-shutdown', 'arguments': {"
                 "'mode': 'powerdown'}}", "no hv-ic-shutdown device");
    hv_guest_stop(g);
}

static void test_one_of_each(void)
{
    IcMachine m;

    ic_machine_start(&m, "");
    ic_qmp_fails(m.g, "{'execute': 'device_add', 'arguments': {"
                 "'driver': 'hv-ic-kvp'}}", "same instance-id");
    ic_qmp_fails(m.g, "{'execute': 'device_add', 'arguments': {"
                 "'driver': 'hv-ic-kvp', 'instance-id': "
                 "'11111111-2222-3333-4444-555555555555'}}",
                 "one hv-ic-kvp only");
    ic_machine_stop(&m);
}

static void test_stopped_machine_is_not_asked(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'stop'}");
    qtest_qmp_eventwait(m.g->qts, "STOP");
    ic_qmp_fails(m.g, IC_QMP_SET, "machine is stopped");
    qtest_qmp_assert_success(m.g->qts, "{'execute': 'cont'}");
    qtest_qmp_eventwait(m.g->qts, "RESUME");
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_unplug_and_plug(void)
{
    IcMachine m;
    IcClient *ic;

    ic_machine_start(&m, "");
    for (int i = 0; i < 3; i++) {
        ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
        ic_expect_state(m.g, "kvp", "ready");
        qtest_qmp_device_del_send(m.g->qts, "kvp");
        vmbus_expect_rescind(m.c, ic->ch->offer);
        ic_qmp_fails(m.g, IC_QMP_SET, "does not use");
        vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED,
                         ic->ch->offer->relid);
        qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
        ic_forget(ic);
        ic_qmp_fails(m.g, IC_QMP_SET, "no hv-ic-kvp device");
        qtest_qmp_device_add(m.g->qts, "hv-ic-kvp", "kvp", "{}");
    }
    ic = ic_start(m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(m.g, "kvp", "ready");
    ic_close(ic);
    ic_machine_stop(&m);
}

static void test_reset_begins_anew(void)
{
    IcMachine m;
    IcClient *hb, *vss;

    ic_machine_start(&m, "");
    hb = ic_start(m.c, IC_GUID_HEARTBEAT, 3, 0);
    vss = ic_start(m.c, IC_GUID_VSS, 5, 0);
    ic_beat(hb, &msg, 1, HV_IC_APP_HEALTHY);
    ic_expect_state(m.g, "vss", "ready");
    ic_freeze(&m, vss, &msg, "");
    ic_answer(vss, &msg, 0);
    ic_qmp_expect_ok(m.g);
    hv_guest_reset(m.g);
    ic_forget(hb);
    ic_forget(vss);
    ic_check_heartbeat(&m, "no-contact", 0);
    ic_check_frozen(&m, false);
    vmbus_client_restart(m.c);
    vmbus_connect(m.c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m.c);
    hb = ic_start(m.c, IC_GUID_HEARTBEAT, 3, 0);
    ic_beat(hb, &msg, 1, HV_IC_APP_HEALTHY);
    ic_expect_state(m.g, "heartbeat", "ready");
    ic_check_heartbeat(&m, "ok", 1);
    ic_close(hb);
    ic_machine_stop(&m);
}

/* Into another QEMU while everything is under way */
static void test_migrates_while_busy(void)
{
    g_autofree IcMessage *kvp_msg = g_new0(IcMessage, 1);
    IcClient *hb, *kvp, *vss, *ts, *down;
    IcMachine m;

    ic_machine_start(&m, "");
    down = ic_open(m.c, IC_GUID_SHUTDOWN);      /* NEGOTIATE not answered */
    hb = ic_start(m.c, IC_GUID_HEARTBEAT, 3, 0);
    kvp = ic_start(m.c, IC_GUID_KVP, 4, 0);
    vss = ic_start(m.c, IC_GUID_VSS, 5, 0);
    ts = ic_start(m.c, IC_GUID_TIMESYNC, 4, 0);
    ic_beat(hb, &msg, 1, HV_IC_APP_HEALTHY);
    ic_expect(ts, HV_IC_MSG_TIMESYNC, &msg);
    ic_answer(ts, &msg, 0);
    ic_expect_state(m.g, "vss", "ready");
    ic_freeze(&m, vss, &msg, "'thaw-after': 30");
    ic_answer(vss, &msg, 0);
    ic_qmp_expect_ok(m.g);
    ic_qmp_send(m.g, "{'execute': 'hv-kvp-set', 'arguments': {"
                "'key': 'k', 'value': 'v', 'timeout': 0}}");
    ic_expect(kvp, HV_IC_MSG_KVP, kvp_msg);
    ic_qmp_expect_error(m.g, "in time");

    hv_guest_migrate(m.g);

    ic_expect_state(m.g, "kvp", "busy");
    ic_check_heartbeat(&m, "ok", 1);
    ic_check_frozen(&m, true);
    ic_qmp_fails(m.g, IC_QMP_SET, "earlier request");
    ic_answer(kvp, kvp_msg, 0);
    ic_expect_state(m.g, "kvp", "ready");
    /* the time has to be set there */
    ic_expect(ts, HV_IC_MSG_TIMESYNC, &msg);
    g_assert_cmpuint(ic_body(&msg)[16], ==, HV_IC_TIME_SYNC);
    ic_expect(down, HV_IC_MSG_NEGOTIATE, &msg);
    ic_choose(down, &msg, 3, 0, 3, 2);
    ic_expect_state(m.g, "shutdown", "ready");
    ic_machine_run(&m, 2.1);
    ic_beat(hb, &msg, 1, HV_IC_APP_HEALTHY);
    ic_expect_state(m.g, "heartbeat", "ready");
    ic_check_heartbeat(&m, "ok", 2);
    ic_machine_run(&m, 31);
    ic_expect_vss(vss, &msg, HV_IC_VSS_THAW);
    ic_answer(vss, &msg, 0);
    ic_expect_state(m.g, "vss", "ready");
    ic_check_frozen(&m, false);
    ic_close(hb);
    ic_close(kvp);
    ic_close(vss);
    ic_close(ts);
    ic_close(down);
    ic_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/hv-ics/offers_what_linux_knows",
                   test_offers_what_linux_knows);
    qtest_add_func("/paravisor/hv-ics/refused_until_reopened",
                   test_refused_until_reopened);
    qtest_add_func("/paravisor/hv-ics/powerdown_asks_the_guest",
                   test_powerdown_asks_the_guest);
    qtest_add_func("/paravisor/hv-ics/powerdown_can_be_left_to_acpi",
                   test_powerdown_can_be_left_to_acpi);
    qtest_add_func("/paravisor/hv-ics/shutdown_modes", test_shutdown_modes);
    qtest_add_func("/paravisor/hv-ics/heartbeat", test_heartbeat);
    qtest_add_func("/paravisor/hv-ics/heartbeat_counts_right_answers_only",
                   test_heartbeat_counts_right_answers_only);
    qtest_add_func("/paravisor/hv-ics/time_on_start_and_after_stop",
                   test_time_on_start_and_after_stop);
    qtest_add_func("/paravisor/hv-ics/time_of_old_version",
                   test_time_of_old_version);
    qtest_add_func("/paravisor/hv-ics/time_is_that_of_the_rtc",
                   test_time_is_that_of_the_rtc);
    qtest_add_func("/paravisor/hv-ics/no_devices", test_no_devices);
    qtest_add_func("/paravisor/hv-ics/one_of_each", test_one_of_each);
    qtest_add_func("/paravisor/hv-ics/stopped_machine_is_not_asked",
                   test_stopped_machine_is_not_asked);
    qtest_add_func("/paravisor/hv-ics/unplug_and_plug", test_unplug_and_plug);
    qtest_add_func("/paravisor/hv-ics/reset_begins_anew",
                   test_reset_begins_anew);
    qtest_add_func("/paravisor/hv-ics/migrates_while_busy",
                   test_migrates_while_busy);
    return g_test_run();
}
