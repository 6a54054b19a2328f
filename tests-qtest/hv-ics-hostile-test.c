/*
 * hv-ic-* against a guest that lies: lengths, versions, answers to nothing, floods
 *
 * After each story: QEMU runs, the log is short, another service works, and the
 * abused one can be started anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "lib/flipper.h"
#include "lib/ics-client.h"

#define FUZZ_SEED           0x69637373
#define FUZZ_US             (3 * G_USEC_PER_SEC)
#define LOG_LIMIT_BYTES     (16 * KiB)
#define RSS_LIMIT_BYTES     (64 * MiB)

#define QMP_GET \
    "{'execute': 'hv-kvp-get', 'arguments': {'pool': 'guest', 'timeout': 60}}"

typedef struct Service {
    const char *name;
    const char *guid;
    uint16_t msg_type;
    uint16_t major;
    uint16_t minor;
} Service;

static const Service services[] = {
    { "shutdown", IC_GUID_SHUTDOWN, HV_IC_MSG_SHUTDOWN, 3, 2 },
    { "heartbeat", IC_GUID_HEARTBEAT, HV_IC_MSG_HEARTBEAT, 3, 0 },
    { "timesync", IC_GUID_TIMESYNC, HV_IC_MSG_TIMESYNC, 4, 0 },
    { "kvp", IC_GUID_KVP, HV_IC_MSG_KVP, 4, 0 },
    { "fcopy", IC_GUID_FCOPY, HV_IC_MSG_FCOPY, 1, 1 },
};

typedef struct Victim {
    IcMachine m;
    IcClient *bystander;        /* volume snapshots; must go on working */
    uint64_t rss_bytes;
} Victim;

static IcMessage msg;

static void start(Victim *v)
{
    ic_machine_start(&v->m, "");
    v->bystander = ic_start(v->m.c, IC_GUID_VSS, 5, 0);
    ic_expect_state(v->m.g, "vss", "ready");
    v->rss_bytes = hv_guest_rss_bytes(v->m.g);
}

static void check_bystander(Victim *v)
{
    g_autofree IcMessage *vss = g_new0(IcMessage, 1);

    ic_freeze(&v->m, v->bystander, vss, "");
    ic_answer(v->bystander, vss, 0);
    ic_qmp_expect_ok(v->m.g);
    ic_qmp_send(v->m.g, "{'execute': 'hv-vss-thaw'}");
    ic_expect_vss(v->bystander, vss, HV_IC_VSS_THAW);
    ic_answer(v->bystander, vss, 0);
    ic_qmp_expect_ok(v->m.g);
}

static void stop(Victim *v)
{
    check_bystander(v);
    g_assert_cmpuint(hv_guest_log_bytes(v->m.g), <, LOG_LIMIT_BYTES);
    hv_guest_check_rss(v->m.g, v->rss_bytes, RSS_LIMIT_BYTES);
    ic_close(v->bystander);
    ic_machine_stop(&v->m);
}

/* The service as its driver starts it, and back */
static void check_restarts(Victim *v, const Service *s)
{
    IcClient *ic = ic_start(v->m.c, s->guid, s->major, s->minor);
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (;;) {
        g_autofree char *state = ic_query_state(v->m.g, s->name);

        if (!strcmp(state, "ready") || !strcmp(state, "busy")) {
            break;
        }
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(v->m.g, 0);
    }
    ic_close(ic);
}

static void settle(Victim *v, IcClient *ic)
{
    vmbus_channel_signal(ic->ch);
    for (int i = 0; i < 4; i++) {
        hv_guest_step(v->m.g, 0);
    }
}

static void test_packets_of_every_length(void)
{
    static const uint16_t types[] = { 0, 6, 7, 8, 9, 0xb, 0xffff };
    static uint8_t junk[256];
    Victim v;

    start(&v);
    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        IcClient *ic = ic_start(v.m.c, services[i].guid, services[i].major,
                                services[i].minor);

        for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
            for (uint32_t bytes = 0; bytes <= sizeof(junk); bytes += 3) {
                memset(junk, t * 0x55, sizeof(junk));
                if (!vmbus_channel_push(ic->ch, types[t], 0, 0, NULL, 0, junk,
                                        bytes)) {
                    settle(&v, ic);
                }
            }
            settle(&v, ic);
        }
        ic_close(ic);
        check_restarts(&v, &services[i]);
    }
    stop(&v);
}

/* Each field of the headers set to bad values, while an answer is awaited */
static void bad_headers(Victim *v, IcClient *ic, const IcMessage *good)
{
    static const uint32_t values[] = {
        0, 1, 7, 19, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0xffffffff,
    };
    g_autofree IcMessage *bad = g_new(IcMessage, 1);

    for (unsigned at = 0; at < HV_IC_HEADER_BYTES; at += 2) {
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            *bad = *good;
            stw_le_p(bad->raw + at, values[i]);
            if (!(bad->raw[8 + 17] & HV_IC_FLAG_RESPONSE) ||
                at == 4 || at == 8 + 4 || at == 8 + 16) {
                /* what cannot be taken for the answer itself */
                ic_send(ic, bad);
            }
            if (at % 4 == 0) {
                stl_le_p(bad->raw + at, values[i]);
                bad->raw[8 + 17] = HV_IC_FLAG_REQUEST;
                ic_send(ic, bad);
            }
            settle(v, ic);
        }
    }
}

static void test_headers_that_lie(void)
{
    Victim v;
    IcClient *ic;

    start(&v);
    ic = ic_open(v.m.c, IC_GUID_KVP);
    ic_expect(ic, HV_IC_MSG_NEGOTIATE, &msg);
    bad_headers(&v, ic, &msg);
    ic_choose(ic, &msg, 3, 0, 4, 0);
    ic_expect_state(v.m.g, "kvp", "ready");
    ic_qmp_send(v.m.g, IC_QMP_SET);
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    bad_headers(&v, ic, &msg);
    ic_answer(ic, &msg, 0);
    ic_qmp_expect_ok(v.m.g);
    ic_close(ic);
    stop(&v);
}

static void test_versions_that_were_not_offered(void)
{
    static const uint16_t bad[][4] = {
        { 3, 0, 5, 0 }, { 3, 0, 0, 0 }, { 0, 0, 4, 0 }, { 3, 1, 4, 0 },
        { 0xffff, 0xffff, 0xffff, 0xffff }, { 4, 0, 3, 0 },
    };
    Victim v;

    start(&v);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        IcClient *ic = ic_open(v.m.c, IC_GUID_KVP);

        ic_expect(ic, HV_IC_MSG_NEGOTIATE, &msg);
        ic_choose(ic, &msg, bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
        ic_expect_state(v.m.g, "kvp", "refused");
        ic_qmp_fails(v.m.g, IC_QMP_SET, "none of our versions");
        ic_close(ic);
    }
    check_restarts(&v, &services[3]);
    stop(&v);
}

/* Answers that nobody asked for, as fast as the ring takes them */
static void test_flood_of_answers(void)
{
    Victim v;

    start(&v);
    for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
        IcClient *ic = ic_start(v.m.c, services[i].guid, services[i].major,
                                services[i].minor);
        HvIcHeaderWire hdr = {
            .msg_type = cpu_to_le16(services[i].msg_type),
            .flags = HV_IC_FLAG_TRANSACTION | HV_IC_FLAG_RESPONSE,
        };

        memset(&msg, 0, sizeof(msg));
        msg.bytes = HV_IC_HEADER_BYTES;
        stl_le_p(msg.raw, HV_IC_PIPE_DATA);
        stl_le_p(msg.raw + 4, sizeof(hdr));
        for (int n = 0; n < 5000; n++) {
            hdr.trans_id = n;
            ic_set_header(&msg, &hdr);
            if (!vmbus_channel_push(ic->ch, HVBUS_PKT_INBAND, 0, 0, NULL, 0,
                                    msg.raw, msg.bytes)) {
                vmbus_channel_signal(ic->ch);
            }
        }
        check_bystander(&v);
        ic_close(ic);
        check_restarts(&v, &services[i]);
    }
    stop(&v);
}

/* A pool without an end is cut off */
static void test_pool_without_end(void)
{
    Victim v;
    IcClient *ic;
    unsigned asked = 0;
    int64_t end;
    QDict *rsp;

    start(&v);
    ic = ic_start(v.m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(v.m.g, "kvp", "ready");
    ic_qmp_send(v.m.g, QMP_GET);
    end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;
    while (asked < 1024) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        if (!ic_poll(ic, &msg)) {
            hv_guest_step(v.m.g, 0);
            continue;
        }
        asked++;
        stl_le_p(ic_body(&msg) + 8, HV_IC_KVP_STRING);
        stl_le_p(ic_body(&msg) + 12, HV_IC_KVP_KEY_BYTES);
        stl_le_p(ic_body(&msg) + 16, HV_IC_KVP_VALUE_BYTES);
        memset(ic_body(&msg) + 20, 'a', 512 + 2048);
        ic_answer(ic, &msg, 0);
    }
    rsp = ic_qmp_receive(v.m.g);
    g_assert_cmpuint(qlist_size(qdict_get_qlist(rsp, "return")), ==, 1024);
    qobject_unref(rsp);
    g_assert(!ic_poll(ic, &msg));
    ic_close(ic);
    stop(&v);
}

/* Bodies of junk and of each length: an error or a value, and no more */
static void test_answers_with_junk(void)
{
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    unsigned good = 0;
    Victim v;
    IcClient *ic;

    start(&v);
    ic = ic_start(v.m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(v.m.g, "kvp", "ready");
    for (int i = 0; i < 200; i++) {
        bool ip = i % 4 == 0;
        HvIcHeaderWire hdr;
        QDict *rsp;

        ic_qmp_send(v.m.g, ip ? "{'execute': 'hv-kvp-get-ip', 'arguments': "
                                "{'id': 'x'}}" : QMP_GET);
        ic_expect(ic, HV_IC_MSG_KVP, &msg);
        for (uint32_t at = HV_IC_HEADER_BYTES; at < msg.bytes; at += 4) {
            stl_le_p(msg.raw + at, g_rand_int(r) & g_rand_int(r));
        }
        if (g_rand_boolean(r)) {
            stl_le_p(ic_body(&msg) + 8, g_rand_int_range(r, 0, 12));
            stl_le_p(ic_body(&msg) + 12, g_rand_int_range(r, 0, 520));
            stl_le_p(ic_body(&msg) + 16, g_rand_int_range(r, 0, 2060));
        }
        hdr = ic_header(&msg);
        hdr.body_bytes = cpu_to_le16(g_rand_int_range(r, 0, 3)
                                     ? le16_to_cpu(hdr.body_bytes)
                                     : g_rand_int_range(r, 0, 2600));
        ic_set_header(&msg, &hdr);
        ic_answer(ic, &msg, 0);
        /*
         * A good item is followed by the question for the next one: that has
         * come, if at all, before the guest's next hypercall ends.
         */
        if (!ip) {
            settle(&v, ic);
            if (ic_poll(ic, &msg)) {
                ic_answer(ic, &msg, HV_IC_STATUS_NO_MORE);
                good++;
            }
        }
        rsp = ic_qmp_receive(v.m.g);
        g_assert(qdict_haskey(rsp, "return") || qdict_haskey(rsp, "error"));
        qobject_unref(rsp);
    }
    g_test_message("%u good ones", good);
    ic_close(ic);
    g_rand_free(r);
    stop(&v);
}

static void test_heartbeats_with_junk(void)
{
    Victim v;
    IcClient *ic;

    start(&v);
    ic = ic_start(v.m.c, IC_GUID_HEARTBEAT, 3, 0);
    for (uint16_t bytes = 0; bytes < 40; bytes++) {
        HvIcHeaderWire hdr;

        ic_expect(ic, HV_IC_MSG_HEARTBEAT, &msg);
        hdr = ic_header(&msg);
        hdr.body_bytes = cpu_to_le16(bytes);
        ic_set_header(&msg, &hdr);
        memset(ic_body(&msg), 0xff, 40);
        ic_answer(ic, &msg, bytes % 3 ? 0 : HV_IC_STATUS_FAIL);
        ic_expect_state(v.m.g, "heartbeat", "ready");
        ic_check_heartbeat(&v.m, "no-contact", 0);
        ic_machine_run(&v.m, 2.1);
    }
    ic_beat(ic, &msg, 1, 0xffffffff);
    ic_expect_state(v.m.g, "heartbeat", "ready");
    ic_check_heartbeat(&v.m, "ok", 1);
    ic_close(ic);
    stop(&v);
}

/* A guest that never thaws is asked at a bounded rate */
static void test_never_thaws(void)
{
    Victim v;
    unsigned asked = 0;

    start(&v);
    ic_freeze(&v.m, v.bystander, &msg, "'thaw-after': 1");
    ic_answer(v.bystander, &msg, 0);
    ic_qmp_expect_ok(v.m.g);
    for (int second = 0; second < 20; second++) {
        ic_machine_run(&v.m, 1);
        while (ic_poll(v.bystander, &msg)) {
            asked++;
            ic_answer(v.bystander, &msg, HV_IC_STATUS_FAIL);
            hv_guest_step(v.m.g, 0);
        }
    }
    g_assert_cmpuint(asked, >=, 5);
    g_assert_cmpuint(asked, <=, 20);
    ic_check_frozen(&v.m, true);
    ic_close(v.bystander);
    ic_check_frozen(&v.m, false);
    v.bystander = ic_start(v.m.c, IC_GUID_VSS, 5, 0);
    ic_expect_state(v.m.g, "vss", "ready");
    stop(&v);
}

/* Rings in which nothing fits, or that nobody reads */
static void test_rings_without_room(void)
{
    Victim v;
    IcClient ic = { 0 };

    start(&v);
    ic.c = v.m.c;
    ic.ch = vmbus_channel_open(v.m.c, vmbus_expect_offer(v.m.c, IC_GUID_KVP, 0,
                                                         0), 2, 0);
    ic_expect(&ic, HV_IC_MSG_NEGOTIATE, &msg);
    ic_choose(&ic, &msg, 3, 0, 4, 0);
    ic_expect_state(v.m.g, "kvp", "ready");
    /* one page of data, a message of two */
    ic_qmp_fails(v.m.g, "{'execute': 'hv-kvp-get-ip', 'arguments': "
                 "{'id': 'x'}}", "no room");
    ic_qmp_send(v.m.g, IC_QMP_SET);
    ic_expect(&ic, HV_IC_MSG_KVP, &msg);
    ic_answer(&ic, &msg, 0);
    ic_qmp_expect_ok(v.m.g);
    /* the guest says that it has not read anything since */
    vmbus_ring_header(ic.ch, &ic.ch->in)->read_index = cpu_to_le32(
        (le32_to_cpu(vmbus_ring_header(ic.ch, &ic.ch->in)->write_index) + 8) %
        ic.ch->in.data_bytes);
    ic_qmp_fails(v.m.g, IC_QMP_SET, "no room");
    vmbus_channel_close(ic.ch);
    check_restarts(&v, &services[3]);
    stop(&v);
}

static void test_broken_ring_fails_one_service(void)
{
    Victim v;
    IcClient *ic;

    start(&v);
    ic = ic_start(v.m.c, IC_GUID_KVP, 4, 0);
    ic_expect_state(v.m.g, "kvp", "ready");
    ic_qmp_send(v.m.g, "{'execute': 'hv-kvp-set', 'arguments': {"
                "'key': 'k', 'value': 'v', 'timeout': 1}}");
    ic_expect(ic, HV_IC_MSG_KVP, &msg);
    vmbus_ring_header(ic->ch, &ic->ch->out)->write_index = 0xfffffff8;
    settle(&v, ic);
    ic_qmp_expect_error(v.m.g, "did not answer");
    ic_qmp_fails(v.m.g, IC_QMP_SET, "broke the channel");
    check_bystander(&v);
    ic_close(ic);
    check_restarts(&v, &services[3]);
    stop(&v);
}

/* A second processor changes an answer while it is read */
static void test_answers_that_flip(void)
{
    static const uint32_t values[] = {
        0, 1, 0xffffffff, 0x10003, 28, 2600, 0x00060003, HV_IC_PIPE_DATA,
        HV_IC_STATUS_FAIL, HV_IC_STATUS_NO_MORE,
    };
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    unsigned rounds = 0;
    Victim v;

    start(&v);
    while (g_get_monotonic_time() < end) {
        IcClient *ic = ic_start(v.m.c, IC_GUID_HEARTBEAT, 3, 0);
        Flipper *f;

        ic_expect(ic, HV_IC_MSG_HEARTBEAT, &msg);
        /* the descriptor and both headers of the answer */
        f = flipper_start((uint32_t *)(vmbus_ring_data(ic->ch, &ic->ch->out) +
                              le32_to_cpu(vmbus_ring_header(
                                  ic->ch, &ic->ch->out)->write_index)),
                          (16 + HV_IC_HEADER_BYTES) / 4, values,
                          ARRAY_SIZE(values), FUZZ_SEED + rounds++);
        ic_answer(ic, &msg, 0);
        settle(&v, ic);
        flipper_stop(f);
        ic_close(ic);
        if (rounds % 8 == 0) {
            check_bystander(&v);
        }
    }
    g_test_message("%u rounds", rounds);
    check_restarts(&v, &services[1]);
    stop(&v);
}

static void test_open_and_close_storm(void)
{
    Victim v;

    start(&v);
    for (int i = 0; i < 100; i++) {
        const Service *s = &services[i % ARRAY_SIZE(services)];
        IcClient *ic = ic_open(v.m.c, s->guid);

        if (i % 3) {
            ic_expect(ic, HV_IC_MSG_NEGOTIATE, &msg);
            ic_choose(ic, &msg, 3, 0, s->major, s->minor);
        }
        if (s->msg_type == HV_IC_MSG_KVP && i % 3) {
            ic_expect_state(v.m.g, "kvp", "ready");
            ic_qmp_send(v.m.g, IC_QMP_SET);
            ic_close(ic);
            /* before the command was taken, or after */
            ic_qmp_expect_error(v.m.g, "hv-ic-kvp: the guest");
        } else {
            ic_close(ic);
        }
    }
    stop(&v);
}

static void test_random_messages(void)
{
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    unsigned steps = 0;
    Victim v;

    start(&v);
    while (g_get_monotonic_time() < end) {
        const Service *s = &services[g_rand_int_range(
            r, 0, ARRAY_SIZE(services))];
        IcClient *ic = ic_start(v.m.c, s->guid, s->major, s->minor);

        for (int i = 0; i < 200; i++, steps++) {
            if (!ic_poll(ic, &msg)) {
                memset(&msg, 0, sizeof(msg));
                msg.bytes = g_rand_int_range(r, 0, 3000);
                stl_le_p(msg.raw, HV_IC_PIPE_DATA);
                stl_le_p(msg.raw + 4, MAX(msg.bytes, 8) - 8);
            }
            for (int n = g_rand_int_range(r, 0, 6); n; n--) {
                msg.raw[g_rand_int_range(r, 0, 48)] = g_rand_int(r);
            }
            msg.raw[8 + 17] |= HV_IC_FLAG_RESPONSE;
            vmbus_channel_push(ic->ch, HVBUS_PKT_INBAND, 0, g_rand_int(r),
                               NULL, 0, msg.raw, msg.bytes);
            if (i % 8 == 0) {
                settle(&v, ic);
                ic_machine_run(&v.m, 1);
            }
        }
        check_bystander(&v);
        ic_close(ic);
    }
    g_test_message("%u messages", steps);
    g_rand_free(r);
    stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/hv-ics-hostile/" #_name, test_##_name)
    HOSTILE_TEST(packets_of_every_length);
    HOSTILE_TEST(headers_that_lie);
    HOSTILE_TEST(versions_that_were_not_offered);
    HOSTILE_TEST(flood_of_answers);
    HOSTILE_TEST(pool_without_end);
    HOSTILE_TEST(answers_with_junk);
    HOSTILE_TEST(heartbeats_with_junk);
    HOSTILE_TEST(never_thaws);
    HOSTILE_TEST(rings_without_room);
    HOSTILE_TEST(broken_ring_fails_one_service);
    HOSTILE_TEST(answers_that_flip);
    HOSTILE_TEST(open_and_close_storm);
    HOSTILE_TEST(random_messages);
    return g_test_run();
}
