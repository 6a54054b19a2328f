/*
 * Unit tests of the integration services' framing and negotiation
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/ics-core.h"

#define BODY_BYTES  40

static const HvIcProtocol protocol = {
    .msg_type = HV_IC_MSG_HEARTBEAT,
    .framework_count = 2,
    .frameworks = { { 1, 0 }, { 3, 0 } },
    .message_count = 3,
    .messages = { { 1, 0 }, { 3, 0 }, { 3, 2 } },
};

static uint8_t buf[HV_IC_MAX_MSG_BYTES];

/* Change the message in @buf to an answer, as Linux does */
static void make_answer(void)
{
    buf[8 + 17] = HV_IC_FLAG_TRANSACTION | HV_IC_FLAG_RESPONSE;
}

static void put_negotiate(uint16_t frameworks, uint16_t messages,
                          HvIcVersion framework, HvIcVersion message)
{
    uint8_t *body = buf + HV_IC_HEADER_BYTES;

    stw_le_p(buf + 8 + 10, 16);
    stw_le_p(body, frameworks);
    stw_le_p(body + 2, messages);
    stw_le_p(body + 8, framework.major);
    stw_le_p(body + 10, framework.minor);
    stw_le_p(body + 12, message.major);
    stw_le_p(body + 14, message.minor);
    make_answer();
}

static uint32_t start(HvIcCore *core)
{
    uint32_t bytes;

    memset(core, 0, sizeof(*core));
    core->protocol = &protocol;
    hv_ic_core_open(core);
    g_assert_cmpuint(core->state, ==, HV_IC_OPENED);
    bytes = hv_ic_core_build_negotiate(core, buf);
    hv_ic_core_sent(core);
    g_assert_cmpuint(core->state, ==, HV_IC_NEGOTIATING);
    return bytes;
}

static void make_ready(HvIcCore *core)
{
    uint32_t bytes = start(core);
    HvIcVerdict v;

    put_negotiate(1, 1, (HvIcVersion) { 3, 0 }, (HvIcVersion) { 3, 2 });
    hv_ic_core_handle(core, buf, bytes, &v);
    g_assert_cmpint(v.event, ==, HV_IC_EVENT_READY);
    g_assert_cmpuint(core->state, ==, HV_IC_READY);
}

static uint32_t make_busy(HvIcCore *core)
{
    uint8_t body[BODY_BYTES] = { 1, 2, 3 };
    uint32_t bytes;

    make_ready(core);
    bytes = hv_ic_core_build_request(core, buf, body, sizeof(body));
    hv_ic_core_sent(core);
    g_assert_cmpuint(core->state, ==, HV_IC_BUSY);
    return bytes;
}

static void test_offers_all_versions(void)
{
    HvIcCore core;
    uint32_t bytes = start(&core);
    const uint8_t *body = buf + HV_IC_HEADER_BYTES;

    g_assert_cmpuint(bytes, ==, HV_IC_HEADER_BYTES + 8 + 5 * 4);
    g_assert_cmpuint(ldl_le_p(buf), ==, HV_IC_PIPE_DATA);
    g_assert_cmpuint(ldl_le_p(buf + 4), ==, bytes - 8);
    g_assert_cmpuint(lduw_le_p(buf + 8 + 4), ==, HV_IC_MSG_NEGOTIATE);
    g_assert_cmpuint(lduw_le_p(buf + 8 + 10), ==, bytes - HV_IC_HEADER_BYTES);
    g_assert_cmpuint(buf[8 + 17], ==, 3);
    g_assert_cmpuint(lduw_le_p(body), ==, 2);
    g_assert_cmpuint(lduw_le_p(body + 2), ==, 3);
    g_assert_cmphex(ldl_le_p(body + 8), ==, 1);
    g_assert_cmphex(ldl_le_p(body + 12), ==, 3);
    g_assert_cmphex(ldl_le_p(body + 16), ==, 1);
    g_assert_cmphex(ldl_le_p(body + 20), ==, 3);
    g_assert_cmphex(ldl_le_p(body + 24), ==, 0x20003);
}

static void test_takes_each_version(void)
{
    for (unsigned f = 0; f < protocol.framework_count; f++) {
        for (unsigned m = 0; m < protocol.message_count; m++) {
            HvIcCore core;
            uint32_t bytes = start(&core);
            HvIcVerdict v;

            put_negotiate(1, 1, protocol.frameworks[f], protocol.messages[m]);
            hv_ic_core_handle(&core, buf, bytes, &v);
            g_assert_cmpint(v.event, ==, HV_IC_EVENT_READY);
            g_assert_cmpuint(core.framework.major, ==,
                             protocol.frameworks[f].major);
            g_assert_cmpuint(core.message.minor, ==,
                             protocol.messages[m].minor);
            g_assert(hv_ic_core_speaks(&core, 1, 0));
            g_assert_cmpint(hv_ic_core_speaks(&core, 3, 1), ==, m == 2);
            g_assert_cmpint(hv_ic_core_speaks(&core, 3, 0), ==, m >= 1);
            g_assert(!hv_ic_core_speaks(&core, 4, 0));
        }
    }
}

static void test_refuses_other_versions(void)
{
    static const struct {
        uint16_t frameworks, messages;
        HvIcVersion framework, message;
    } bad[] = {
        { 0, 0, { 3, 0 }, { 3, 0 } },
        { 0, 1, { 3, 0 }, { 3, 0 } },
        { 1, 0, { 3, 0 }, { 3, 0 } },
        { 2, 1, { 3, 0 }, { 3, 0 } },
        { 1, 0xffff, { 3, 0 }, { 3, 0 } },
        { 1, 1, { 3, 1 }, { 3, 0 } },
        { 1, 1, { 0, 0 }, { 3, 0 } },
        { 1, 1, { 3, 0 }, { 3, 1 } },
        { 1, 1, { 3, 0 }, { 0xffff, 0xffff } },
        { 1, 1, { 3, 0 }, { 0, 3 } },
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        HvIcCore core;
        uint32_t bytes = start(&core);
        HvIcVerdict v;

        put_negotiate(bad[i].frameworks, bad[i].messages, bad[i].framework,
                      bad[i].message);
        hv_ic_core_handle(&core, buf, bytes, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_REFUSED);
        g_assert_cmpuint(core.state, ==, HV_IC_REFUSED);
        /* for good, until the channel opens again */
        put_negotiate(1, 1, (HvIcVersion) { 3, 0 }, (HvIcVersion) { 3, 0 });
        hv_ic_core_handle(&core, buf, bytes, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
        hv_ic_core_open(&core);
        g_assert_cmpuint(core.state, ==, HV_IC_OPENED);
    }
}

static void test_negotiation_needs_its_bytes(void)
{
    for (uint32_t body_bytes = 0; body_bytes < 16; body_bytes++) {
        HvIcCore core;
        uint32_t bytes = start(&core);
        HvIcVerdict v;

        put_negotiate(1, 1, (HvIcVersion) { 3, 0 }, (HvIcVersion) { 3, 0 });
        stw_le_p(buf + 8 + 10, body_bytes);
        hv_ic_core_handle(&core, buf, bytes, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
        g_assert_cmpuint(core.state, ==, HV_IC_NEGOTIATING);
    }
}

static void test_request_and_answer(void)
{
    HvIcCore core;
    uint32_t bytes = make_busy(&core);
    HvIcVerdict v;

    g_assert_cmpuint(bytes, ==, HV_IC_HEADER_BYTES + BODY_BYTES);
    g_assert_cmpuint(lduw_le_p(buf + 8), ==, 3);
    g_assert_cmpuint(lduw_le_p(buf + 8 + 4), ==, HV_IC_MSG_HEARTBEAT);
    g_assert_cmphex(ldl_le_p(buf + 8 + 6), ==, 0x20003);
    g_assert_cmpuint(lduw_le_p(buf + 8 + 10), ==, BODY_BYTES);
    g_assert_cmpuint(buf[HV_IC_HEADER_BYTES + 2], ==, 3);
    make_answer();
    stl_le_p(buf + 8 + 12, HV_IC_STATUS_NO_MORE);
    hv_ic_core_handle(&core, buf, bytes, &v);
    g_assert_cmpint(v.event, ==, HV_IC_EVENT_ANSWER);
    g_assert_cmphex(v.status, ==, HV_IC_STATUS_NO_MORE);
    g_assert(v.body == buf + HV_IC_HEADER_BYTES);
    g_assert_cmpuint(v.body_bytes, ==, BODY_BYTES);
    g_assert_cmpuint(core.state, ==, HV_IC_READY);
    /* once */
    hv_ic_core_handle(&core, buf, bytes, &v);
    g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
    g_assert_cmpuint(core.state, ==, HV_IC_READY);
}

static void test_answer_to_another_request(void)
{
    HvIcCore core;
    uint32_t bytes = make_busy(&core);
    uint8_t id = buf[8 + 16];
    HvIcVerdict v;

    make_answer();
    for (unsigned other = 0; other < 256; other++) {
        if (other == id) {
            continue;
        }
        buf[8 + 16] = other;
        hv_ic_core_handle(&core, buf, bytes, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
        g_assert_cmpuint(core.state, ==, HV_IC_BUSY);
    }
    buf[8 + 16] = id;
    for (unsigned type = 0; type < 16; type++) {
        stw_le_p(buf + 8 + 4, type);
        if (type != HV_IC_MSG_HEARTBEAT) {
            hv_ic_core_handle(&core, buf, bytes, &v);
            g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
            g_assert_cmpuint(core.state, ==, HV_IC_BUSY);
        }
    }
}

/* Each length at each place where there is one, and flags */
static void test_bad_framing(void)
{
    static const uint32_t lengths[] = {
        0, 1, 19, 8 + 20 + BODY_BYTES, 21 + BODY_BYTES, 0x7fffffff, 0xffffffff,
    };
    HvIcCore core;
    uint32_t bytes = make_busy(&core);
    HvIcVerdict v;

    make_answer();
    for (uint32_t n = 0; n < bytes; n++) {
        hv_ic_core_handle(&core, buf, n, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
    }
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        stl_le_p(buf + 4, lengths[i]);
        hv_ic_core_handle(&core, buf, bytes, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
    }
    stl_le_p(buf + 4, bytes - 8);
    for (uint32_t n = BODY_BYTES + 1; n <= 0xffff; n++) {
        stw_le_p(buf + 8 + 10, n);
        hv_ic_core_handle(&core, buf, bytes, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
    }
    stw_le_p(buf + 8 + 10, BODY_BYTES);
    for (unsigned flags = 0; flags < 256; flags++) {
        buf[8 + 17] = flags;
        if (!(flags & HV_IC_FLAG_RESPONSE)) {
            hv_ic_core_handle(&core, buf, bytes, &v);
            g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
        }
    }
    make_answer();
    stl_le_p(buf, 0);
    hv_ic_core_handle(&core, buf, bytes, &v);
    g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
    g_assert_cmpuint(core.state, ==, HV_IC_BUSY);
    /* after all that the right one counts */
    stl_le_p(buf, HV_IC_PIPE_DATA);
    hv_ic_core_handle(&core, buf, bytes, &v);
    g_assert_cmpint(v.event, ==, HV_IC_EVENT_ANSWER);
}

static void test_unsolicited(void)
{
    for (unsigned state = 0; state < HV_IC_STATE_COUNT; state++) {
        HvIcCore core;
        uint32_t bytes = make_busy(&core);
        HvIcVerdict v;

        core.state = state;
        make_answer();
        if (state == HV_IC_BUSY) {
            continue;
        }
        hv_ic_core_handle(&core, buf, bytes, &v);
        g_assert_cmpint(v.event, ==, HV_IC_EVENT_BAD);
        g_assert(v.why);
        g_assert_cmpuint(core.state, ==, state);
    }
}

static void test_largest_body(void)
{
    g_autofree uint8_t *body = g_malloc0(HV_IC_MAX_BODY_BYTES);
    HvIcCore core;
    HvIcVerdict v;
    uint32_t bytes;

    make_ready(&core);
    bytes = hv_ic_core_build_request(&core, buf, body, HV_IC_MAX_BODY_BYTES);
    g_assert_cmpuint(bytes, ==, HV_IC_MAX_MSG_BYTES);
    hv_ic_core_sent(&core);
    make_answer();
    hv_ic_core_handle(&core, buf, bytes, &v);
    g_assert_cmpint(v.event, ==, HV_IC_EVENT_ANSWER);
    g_assert_cmpuint(v.body_bytes, ==, HV_IC_MAX_BODY_BYTES);
}

static void test_stream(void)
{
    HvIcCore core;

    make_ready(&core);
    for (unsigned state = 0; state < 256; state++) {
        core.state = state;
        g_assert_cmpint(hv_ic_core_valid(&core), ==, state < HV_IC_STATE_COUNT);
    }
    core.state = HV_IC_BUSY;
    core.message = (HvIcVersion) { 9, 9 };
    g_assert(!hv_ic_core_valid(&core));
    core.state = HV_IC_REFUSED;
    g_assert(hv_ic_core_valid(&core));
}

static void test_status_text(void)
{
    g_assert_cmpstr(hv_ic_status_text(0), ==, "success");
    g_assert_cmpstr(hv_ic_status_text(0xdeadbeef), ==, "unknown error");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ics/offers_all_versions", test_offers_all_versions);
    g_test_add_func("/ics/takes_each_version", test_takes_each_version);
    g_test_add_func("/ics/refuses_other_versions", test_refuses_other_versions);
    g_test_add_func("/ics/negotiation_needs_its_bytes",
                    test_negotiation_needs_its_bytes);
    g_test_add_func("/ics/request_and_answer", test_request_and_answer);
    g_test_add_func("/ics/rejects_answer_to_another_request",
                    test_answer_to_another_request);
    g_test_add_func("/ics/rejects_bad_framing", test_bad_framing);
    g_test_add_func("/ics/rejects_unsolicited", test_unsolicited);
    g_test_add_func("/ics/largest_body", test_largest_body);
    g_test_add_func("/ics/rejects_impossible_stream", test_stream);
    g_test_add_func("/ics/status_text", test_status_text);
    return g_test_run();
}
