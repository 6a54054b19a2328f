/*
 * A guest's integration services for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "ics-client.h"

HvIcHeaderWire ic_header(const IcMessage *msg)
{
    HvIcHeaderWire hdr;

    memcpy(&hdr, msg->raw + sizeof(HvIcPipeWire), sizeof(hdr));
    return hdr;
}

void ic_set_header(IcMessage *msg, const HvIcHeaderWire *hdr)
{
    memcpy(msg->raw + sizeof(HvIcPipeWire), hdr, sizeof(*hdr));
}

uint8_t *ic_body(IcMessage *msg)
{
    return msg->raw + HV_IC_HEADER_BYTES;
}

IcClient *ic_open(VmbusClient *c, const char *guid)
{
    IcClient *ic = g_new0(IcClient, 1);

    ic->c = c;
    ic->ch = vmbus_channel_open(c, vmbus_expect_offer(c, guid, 0, 0),
                                IC_RING_PAGES, 0);
    return ic;
}

IcClient *ic_start(VmbusClient *c, const char *guid, uint16_t major,
                   uint16_t minor)
{
    g_autofree IcMessage *msg = g_new0(IcMessage, 1);
    IcClient *ic = ic_open(c, guid);

    ic_expect(ic, HV_IC_MSG_NEGOTIATE, msg);
    ic_choose(ic, msg, 3, 0, major, minor);
    return ic;
}

void ic_close(IcClient *ic)
{
    vmbus_channel_close(ic->ch);
    g_free(ic);
}

void ic_forget(IcClient *ic)
{
    vmbus_channel_forget(ic->ch);
    g_free(ic);
}

/* What Linux checks of a message before it looks into it */
static void ic_check(const IcMessage *msg)
{
    HvIcPipeWire pipe;
    HvIcHeaderWire hdr = ic_header(msg);

    memcpy(&pipe, msg->raw, sizeof(pipe));
    g_assert_cmpuint(msg->bytes, >=, HV_IC_HEADER_BYTES);
    g_assert_cmpuint(le32_to_cpu(pipe.type), ==, HV_IC_PIPE_DATA);
    g_assert_cmpuint(le32_to_cpu(pipe.bytes), <=, msg->bytes - sizeof(pipe));
    g_assert_cmpuint(le16_to_cpu(hdr.body_bytes), <=,
                     msg->bytes - HV_IC_HEADER_BYTES);
    g_assert_cmphex(hdr.flags, ==,
                    HV_IC_FLAG_TRANSACTION | HV_IC_FLAG_REQUEST);
    g_assert_cmphex(hdr.status, ==, 0);
}

bool ic_poll(IcClient *ic, IcMessage *msg)
{
    g_autofree VmbusPacket *pkt = g_new(VmbusPacket, 1);

    if (!vmbus_channel_poll(ic->ch, pkt)) {
        return false;
    }
    g_assert_cmpuint(pkt->type, ==, HVBUS_PKT_INBAND);
    g_assert_cmpuint(pkt->msg_bytes, <=, sizeof(msg->raw));
    msg->bytes = pkt->msg_bytes;
    memcpy(msg->raw, pkt->msg, pkt->msg_bytes);
    ic_check(msg);
    return true;
}

void ic_expect(IcClient *ic, uint16_t type, IcMessage *msg)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    while (!ic_poll(ic, msg)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(ic->c->g, 0);
    }
    g_assert_cmpuint(le16_to_cpu(ic_header(msg).msg_type), ==, type);
}

void ic_send(IcClient *ic, const IcMessage *msg)
{
    vmbus_channel_send(ic->ch, HVBUS_PKT_INBAND, 0, 0, NULL, 0, msg->raw,
                       msg->bytes);
}

void ic_answer(IcClient *ic, IcMessage *msg, uint32_t status)
{
    HvIcHeaderWire hdr = ic_header(msg);

    hdr.status = cpu_to_le32(status);
    hdr.flags = HV_IC_FLAG_TRANSACTION | HV_IC_FLAG_RESPONSE;
    ic_set_header(msg, &hdr);
    ic_send(ic, msg);
}

void ic_choose(IcClient *ic, IcMessage *msg, uint16_t framework_major,
               uint16_t framework_minor, uint16_t major, uint16_t minor)
{
    HvIcHeaderWire hdr = ic_header(msg);
    uint8_t *body = ic_body(msg);

    stw_le_p(body, 1);
    stw_le_p(body + 2, 1);
    stw_le_p(body + 8, framework_major);
    stw_le_p(body + 10, framework_minor);
    stw_le_p(body + 12, major);
    stw_le_p(body + 14, minor);
    hdr.body_bytes = cpu_to_le16(16);
    ic_set_header(msg, &hdr);
    ic_answer(ic, msg, 0);
}

bool ic_offers(IcMessage *msg, uint16_t major, uint16_t minor)
{
    uint8_t *body = ic_body(msg);
    unsigned frameworks = lduw_le_p(body), messages = lduw_le_p(body + 2);

    g_assert_cmpuint(HV_IC_HEADER_BYTES + 8 + 4 * (frameworks + messages), <=,
                     msg->bytes);
    for (unsigned i = frameworks; i < frameworks + messages; i++) {
        if (lduw_le_p(body + 8 + 4 * i) == major &&
            lduw_le_p(body + 10 + 4 * i) == minor) {
            return true;
        }
    }
    return false;
}

void ic_qmp_send(HvGuest *g, const char *json)
{
    qtest_qmp_send_raw(g->qts, "%s\n", json);
}

QDict *ic_qmp_receive(HvGuest *g)
{
    return qtest_qmp_receive(g->qts);
}

void ic_qmp_expect_ok(HvGuest *g)
{
    QDict *rsp = ic_qmp_receive(g);

    if (!qdict_haskey(rsp, "return")) {
        g_error("%s", qdict_get_str(qdict_get_qdict(rsp, "error"), "desc"));
    }
    qobject_unref(rsp);
}

void ic_qmp_expect_error(HvGuest *g, const char *text)
{
    QDict *rsp = ic_qmp_receive(g);
    QDict *error = qdict_get_qdict(rsp, "error");

    g_assert_nonnull(error);
    if (!strstr(qdict_get_str(error, "desc"), text)) {
        g_error("'%s' is not in: %s", text, qdict_get_str(error, "desc"));
    }
    qobject_unref(rsp);
}

void ic_qmp_fails(HvGuest *g, const char *json, const char *text)
{
    ic_qmp_send(g, json);
    ic_qmp_expect_error(g, text);
}

QDict *ic_query(HvGuest *g, const char *part)
{
    QDict *rsp = qtest_qmp(g->qts, "{ 'execute': 'query-hv-ics' }");
    QDict *out = qdict_get_qdict(qdict_get_qdict(rsp, "return"), part);

    qobject_ref(out);
    qobject_unref(rsp);
    return out;
}

char *ic_query_state(HvGuest *g, const char *name)
{
    QDict *rsp = qtest_qmp(g->qts, "{ 'execute': 'query-hv-ics' }");
    QList *list = qdict_get_qlist(qdict_get_qdict(rsp, "return"), "services");
    char *state = NULL;
    QListEntry *e;

    QLIST_FOREACH_ENTRY(list, e) {
        QDict *info = qobject_to(QDict, qlist_entry_obj(e));

        if (!strcmp(qdict_get_str(info, "service"), name)) {
            state = g_strdup(qdict_get_str(info, "state"));
        }
    }
    qobject_unref(rsp);
    return state ? state : g_strdup("absent");
}

void ic_expect_state(HvGuest *g, const char *name, const char *state)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (;;) {
        g_autofree char *now = ic_query_state(g, name);

        if (!strcmp(now, state)) {
            return;
        }
        if (g_get_monotonic_time() > end) {
            g_error("%s is %s, not %s", name, now, state);
        }
        hv_guest_step(g, 0);
    }
}

void ic_machine_start(IcMachine *m, const char *extra)
{
    g_autofree char *args = g_strconcat(
        "-device hv-vmbus -device hv-ic-shutdown,id=down "
        "-device hv-ic-heartbeat,id=beat -device hv-ic-timesync,id=time "
        "-device hv-ic-kvp,id=kvp -device hv-ic-vss,id=vss "
        "-device hv-ic-fcopy,id=fcopy ", extra, NULL);

    m->g = hv_guest_start(args);
    m->c = vmbus_client_new(m->g, 0);
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
}

void ic_machine_stop(IcMachine *m)
{
    vmbus_expect_alive(m->c);
    vmbus_client_free(m->c);
    hv_guest_stop(m->g);
}

void ic_machine_run(IcMachine *m, double seconds)
{
    hv_guest_step(m->g, seconds * 1e9);
}

void ic_check_heartbeat(IcMachine *m, const char *state, uint64_t sequence)
{
    QDict *beat = ic_query(m->g, "heartbeat");

    g_assert_cmpstr(qdict_get_str(beat, "state"), ==, state);
    g_assert_cmpuint(qdict_get_int(beat, "sequence"), ==, sequence);
    qobject_unref(beat);
}

void ic_beat(IcClient *ic, IcMessage *msg, uint64_t add, uint32_t app_state)
{
    ic_expect(ic, HV_IC_MSG_HEARTBEAT, msg);
    stq_le_p(ic_body(msg), ldq_le_p(ic_body(msg)) + add);
    stl_le_p(ic_body(msg) + 8, app_state);
    ic_answer(ic, msg, 0);
}

void ic_expect_vss(IcClient *ic, IcMessage *msg, uint8_t operation)
{
    ic_expect(ic, HV_IC_MSG_VSS, msg);
    g_assert_cmpuint(ic_body(msg)[0], ==, operation);
    g_assert_cmpuint(le16_to_cpu(ic_header(msg).body_bytes), >=,
                     HV_IC_VSS_MIN_BYTES);
}

void ic_check_frozen(IcMachine *m, bool frozen)
{
    QDict *vss = ic_query(m->g, "vss");

    g_assert_cmpint(qdict_get_bool(vss, "frozen"), ==, frozen);
    qobject_unref(vss);
}

void ic_freeze(IcMachine *m, IcClient *ic, IcMessage *msg, const char *args)
{
    g_autofree char *json = g_strdup_printf(
        "{'execute': 'hv-vss-freeze', 'arguments': {%s}}", args);

    ic_qmp_send(m->g, json);
    ic_expect_vss(ic, msg, HV_IC_VSS_HOT_BACKUP);
    stl_le_p(ic_body(msg) + 8, HV_IC_VSS_NO_AUTO_RECOVERY);
    ic_answer(ic, msg, 0);
    ic_expect_vss(ic, msg, HV_IC_VSS_FREEZE);
}
