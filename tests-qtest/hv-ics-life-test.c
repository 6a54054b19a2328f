/*
 * hv-ic-*: the driver goes while it owes an answer, and another one comes
 *
 * What waits in the monitor gets an error at once; versions are agreed anew; the
 * old answer, should it still come, counts for nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/ics-client.h"

static IcMessage msg;
static IcMessage stale;
static IcMessage offer;

/* How the driver goes */
typedef enum Way {
    CLOSES,                     /* rmmod */
    UNLOADS,                    /* kexec, hibernation */
    RESETS,
    WAY_COUNT
} Way;

typedef struct Request {
    const char *name;
    const char *guid;
    uint16_t major;
    uint16_t minor;
    uint16_t msg_type;
    const char *json;
    const char *refused;        /* part of the error when the guest says no */
} Request;

#define IP_CONFIG \
    "{'family': 'ipv4', 'dhcp': true, 'addresses': [], 'subnets': [], " \
    "'gateways': [], 'dns-servers': []}"

static const Request requests[] = {
    { "kvp", IC_GUID_KVP, 4, 0, HV_IC_MSG_KVP, IC_QMP_SET, "refused to set" },
    { "kvp", IC_GUID_KVP, 4, 0, HV_IC_MSG_KVP,
      "{'execute': 'hv-kvp-delete', 'arguments': {'key': 'k'}}",
      "refused to delete" },
    { "kvp", IC_GUID_KVP, 4, 0, HV_IC_MSG_KVP,
      "{'execute': 'hv-kvp-get', 'arguments': {'pool': 'guest'}}",
      "cannot read" },
    { "kvp", IC_GUID_KVP, 4, 0, HV_IC_MSG_KVP,
      "{'execute': 'hv-kvp-get-ip', 'arguments': {'id': 'x'}}",
      "refused to read" },
    { "kvp", IC_GUID_KVP, 4, 0, HV_IC_MSG_KVP,
      "{'execute': 'hv-kvp-set-ip', 'arguments': {'id': 'x', 'config': "
      IP_CONFIG "}}", "refused to configure" },
    { "vss", IC_GUID_VSS, 5, 0, HV_IC_MSG_VSS, "{'execute': 'hv-vss-freeze'}",
      "refused a backup" },
    { "shutdown", IC_GUID_SHUTDOWN, 3, 2, HV_IC_MSG_SHUTDOWN,
      "{'execute': 'hv-shutdown', 'arguments': {'mode': 'powerdown'}}",
      "refused powerdown" },
    { "shutdown", IC_GUID_SHUTDOWN, 3, 2, HV_IC_MSG_SHUTDOWN,
      "{'execute': 'hv-shutdown', 'arguments': {'mode': 'hibernate'}}",
      "refused hibernate" },
};

/* The driver of @ic goes, while a command waits for its answer or does not */
static void take_away(IcMachine *m, IcClient *ic, Way way, bool is_waiting)
{
    switch (way) {
    case CLOSES:
        ic_close(ic);
        break;
    case UNLOADS:
        vmbus_unload(m->c);
        ic_forget(ic);
        break;
    default:
        /* the monitor is busy with the command */
        qtest_outb(m->g->qts, 0xcf9, 6);
        memset(m->g->vp, 0, sizeof(m->g->vp));
        ic_forget(ic);
    }
    if (is_waiting) {
        ic_qmp_expect_error(m->g, "closed the channel");
    }
    if (way == RESETS) {
        qtest_qmp_eventwait(m->g->qts, "RESET");
        vmbus_client_restart(m->c);
    }
    if (way != CLOSES) {
        vmbus_connect(m->c, HVBUS_VERSION_5_3);
        vmbus_request_offers(m->c);
    }
}

/* The answer that the driver before owed changes nothing */
static void answer_stale(IcMachine *m, IcClient *ic, const char *name,
                         const char *state)
{
    msg = stale;
    ic_answer(ic, &msg, HV_IC_STATUS_OK);
    for (int i = 0; i < 10; i++) {
        ic_machine_run(m, 0);
    }
    if (state) {
        ic_expect_state(m->g, name, state);
    }
}

/* The next driver, with an answer of the one before it at each step */
static IcClient *come_back(IcMachine *m, const Request *r)
{
    IcClient *ic = ic_open(m->c, r->guid);

    ic_expect(ic, HV_IC_MSG_NEGOTIATE, &offer);
    answer_stale(m, ic, r->name, "negotiating");
    ic_choose(ic, &offer, 3, 0, r->major, r->minor);
    ic_expect_state(m->g, r->name, "ready");
    answer_stale(m, ic, r->name, "ready");
    return ic;
}

static void test_driver_goes_in_the_middle_of_each_request(void)
{
    IcMachine m;

    ic_machine_start(&m, "");
    for (size_t i = 0; i < ARRAY_SIZE(requests) * WAY_COUNT; i++) {
        const Request *r = &requests[i / WAY_COUNT];
        IcClient *ic = ic_start(m.c, r->guid, r->major, r->minor);
        g_autofree IcMessage *request = g_new0(IcMessage, 1);

        ic_expect_state(m.g, r->name, "ready");
        ic_qmp_send(m.g, r->json);
        ic_expect(ic, r->msg_type, &stale);
        take_away(&m, ic, i % WAY_COUNT, true);
        ic_qmp_fails(m.g, r->json, "does not use the service");

        ic = come_back(&m, r);
        ic_qmp_send(m.g, r->json);
        ic_expect(ic, r->msg_type, request);
        /* the old answer says yes, the new one no: it is the new one's */
        answer_stale(&m, ic, r->name, NULL);
        ic_answer(ic, request, HV_IC_STATUS_FAIL);
        ic_qmp_expect_error(m.g, r->refused);
        ic_expect_state(m.g, r->name, "ready");
        g_assert_false(ic_poll(ic, &msg));
        ic_close(ic);
    }
    ic_machine_stop(&m);
}

/* Not even versions were agreed */
static void test_driver_goes_in_the_middle_of_negotiation(void)
{
    IcMachine m;

    ic_machine_start(&m, "");
    for (Way way = 0; way < WAY_COUNT; way++) {
        IcClient *ic = ic_open(m.c, IC_GUID_KVP);

        ic_expect(ic, HV_IC_MSG_NEGOTIATE, &stale);
        take_away(&m, ic, way, false);
        ic = ic_open(m.c, IC_GUID_KVP);
        ic_expect(ic, HV_IC_MSG_NEGOTIATE, &offer);
        ic_choose(ic, &stale, 3, 0, 1, 0);
        ic_machine_run(&m, 0);
        ic_expect_state(m.g, "kvp", "negotiating");
        ic_choose(ic, &offer, 3, 0, 4, 0);
        ic_expect_state(m.g, "kvp", "ready");
        ic_close(ic);
    }
    ic_machine_stop(&m);
}

/* system_powerdown waits for nothing: the next driver is asked anew */
static void test_driver_goes_without_an_answer_to_powerdown(void)
{
    static const char powerdown[] = "{'execute': 'system_powerdown'}";
    const Request *r = &requests[ARRAY_SIZE(requests) - 1];
    IcMachine m;

    ic_machine_start(&m, "");
    for (Way way = 0; way < WAY_COUNT; way++) {
        IcClient *ic = ic_start(m.c, IC_GUID_SHUTDOWN, 3, 2);

        ic_expect_state(m.g, "shutdown", "ready");
        qtest_qmp_assert_success(m.g->qts, powerdown);
        ic_expect(ic, HV_IC_MSG_SHUTDOWN, &stale);
        take_away(&m, ic, way, false);
        ic = come_back(&m, r);
        g_assert_false(ic_poll(ic, &msg));
        qtest_qmp_assert_success(m.g->qts, powerdown);
        ic_expect(ic, HV_IC_MSG_SHUTDOWN, &msg);
        ic_answer(ic, &msg, HV_IC_STATUS_OK);
        ic_expect_state(m.g, "shutdown", "ready");
        ic_close(ic);
    }
    ic_machine_stop(&m);
}

/* What a driver froze is no more when it has gone, whatever its answer says */
static void test_driver_goes_while_it_freezes_and_thaws(void)
{
    const Request *r = &requests[5];
    IcMachine m;

    ic_machine_start(&m, "");
    for (Way way = 0; way < WAY_COUNT; way++) {
        IcClient *ic = ic_start(m.c, IC_GUID_VSS, 5, 0);

        ic_expect_state(m.g, "vss", "ready");
        ic_freeze(&m, ic, &stale, "");
        take_away(&m, ic, way, true);
        ic_check_frozen(&m, false);
        ic = come_back(&m, r);
        ic_check_frozen(&m, false);

        ic_freeze(&m, ic, &msg, "");
        ic_answer(ic, &msg, HV_IC_STATUS_OK);
        ic_qmp_expect_ok(m.g);
        ic_check_frozen(&m, true);
        ic_qmp_send(m.g, "{'execute': 'hv-vss-thaw'}");
        ic_expect_vss(ic, &stale, HV_IC_VSS_THAW);
        take_away(&m, ic, way, true);
        ic_check_frozen(&m, false);
        ic = come_back(&m, r);
        /* nobody thaws what is not frozen */
        ic_machine_run(&m, 100);
        g_assert_false(ic_poll(ic, &msg));
        ic_close(ic);
    }
    ic_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define LIFE_TEST(_name) \
    qtest_add_func("/paravisor/hv-ics-life/" #_name, test_##_name)
    LIFE_TEST(driver_goes_in_the_middle_of_each_request);
    LIFE_TEST(driver_goes_in_the_middle_of_negotiation);
    LIFE_TEST(driver_goes_without_an_answer_to_powerdown);
    LIFE_TEST(driver_goes_while_it_freezes_and_thaws);
    return g_test_run();
}
