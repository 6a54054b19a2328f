/*
 * Unit tests of the VMBus control plane
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/vmbus/vmbus-core.h"

#define VPS     4
#define GPADL   0xe1e10

typedef struct Fixture {
    HvbusCore core;
    GString *log;               /* what was asked for: "open 1;close 1;" */
    bool refuse_open;
    HvbusCoreChannel *a;        /* relid 1, the later interface */
    HvbusCoreChannel *b;        /* relid 2 */
} Fixture;

static bool has_vp(void *opaque, uint32_t vp)
{
    return vp < VPS;
}

static bool on_open(void *opaque, HvbusCoreChannel *ch, const uint8_t *user)
{
    Fixture *f = opaque;

    g_string_append_printf(f->log, "open %u;", ch->relid);
    return !f->refuse_open;
}

static void on_close(void *opaque, HvbusCoreChannel *ch)
{
    g_string_append_printf(((Fixture *)opaque)->log, "close %u;", ch->relid);
}

static void on_retarget(void *opaque, HvbusCoreChannel *ch)
{
    g_string_append_printf(((Fixture *)opaque)->log, "target %u %u;",
                           ch->relid, ch->target_vp);
}

static void on_drop(void *opaque, HvbusCoreChannel *ch)
{
    g_string_append_printf(((Fixture *)opaque)->log, "drop %u;", ch->relid);
}

static const HvbusCoreOps ops = {
    .has_vp = has_vp,
    .open = on_open,
    .close = on_close,
    .retarget = on_retarget,
    .drop = on_drop,
};

static HvbusCoreChannel *add(Fixture *f, uint8_t if_type, uint8_t instance,
                             uint16_t sub_idx)
{
    HvbusOffer offer = { .if_type = { if_type }, .instance_id = { instance } };

    return hvbus_core_add(&f->core, &offer, sub_idx, f);
}

static void setup(Fixture *f, const void *data)
{
    hvbus_core_init(&f->core, &ops, f);
    f->log = g_string_new("");
    f->a = add(f, 9, 1, 0);
    f->b = add(f, 5, 2, 0);
    g_assert_cmpuint(f->a->relid, ==, 1);
    g_assert_cmpuint(f->b->relid, ==, 2);
}

static void teardown(Fixture *f, const void *data)
{
    hvbus_core_destroy(&f->core);
    g_string_free(f->log, true);
}

#define assert_log(f, text) \
    do { \
        g_assert_cmpstr((f)->log->str, ==, text); \
        g_string_truncate((f)->log, 0); \
    } while (0)

/* Send words after the header; the message is @bytes long in all */
static HvStatus post_bytes(Fixture *f, uint32_t type, const uint32_t *words,
                           uint32_t word_count, uint32_t bytes)
{
    uint8_t msg[HV_MSG_PAYLOAD_BYTES] = { 0 };
    uint32_t i;

    stl_le_p(msg, type);
    for (i = 0; i < word_count; i++) {
        stl_le_p(msg + 8 + i * 4, words[i]);
    }
    return hvbus_core_message(&f->core, msg, bytes);
}

#define post(f, type, bytes, ...) \
    ({ \
        const uint32_t words_[] = { __VA_ARGS__ }; \
        g_assert_cmpint(post_bytes(f, type, words_, ARRAY_SIZE(words_), \
                                   bytes), ==, HV_STATUS_OK); \
        (f)->core.error == NULL; \
    })

/* Word @idx after the header of the next message to the guest */
static uint32_t peek(Fixture *f, int idx)
{
    HvbusOutMessage *out = hvbus_core_out(&f->core);

    g_assert_nonnull(out);
    return ldl_le_p(out->data + 8 + idx * 4);
}

/* The next message to the guest must be of @type; its word @idx */
static uint32_t expect(Fixture *f, uint32_t type, int idx)
{
    uint32_t word = peek(f, idx);

    g_assert_cmpuint(peek(f, -2), ==, type);
    hvbus_core_out_done(&f->core);
    return word;
}

static void expect_none(Fixture *f)
{
    g_assert_null(hvbus_core_out(&f->core));
}

static bool contact(Fixture *f, uint32_t version, uint32_t vp)
{
    return post(f, HVBUS_MSG_INITIATE_CONTACT, 40, version, vp,
                version >= HVBUS_VERSION_5_0 ? HVBUS_SINT : 0x12345000, 0);
}

static void connect_offers(Fixture *f)
{
    g_assert_true(contact(f, HVBUS_VERSION_5_3, 0));
    g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 1);
    g_assert_true(post(f, HVBUS_MSG_REQUESTOFFERS, 8, 0));
    while (f->core.out.length) {
        hvbus_core_out_done(&f->core);
    }
}

static bool make_gpadl(Fixture *f, uint32_t relid, uint32_t id, uint32_t pages)
{
    uint32_t words[5 + 2 * HVBUS_GPADL_HEADER_MAX_PFNS] = {
        relid, id, (8 + 8 * pages) | 1 << 16, pages * HV_PAGE_SIZE, 0
    };
    uint32_t i;

    g_assert_cmpuint(pages, <=, HVBUS_GPADL_HEADER_MAX_PFNS);
    for (i = 0; i < pages; i++) {
        words[5 + 2 * i] = 100 + i;
    }
    post_bytes(f, HVBUS_MSG_GPADL_HEADER, words, ARRAY_SIZE(words),
               28 + 8 * pages);
    return expect(f, HVBUS_MSG_GPADL_CREATED, 2) == 0;
}

static uint32_t open_status(Fixture *f, uint32_t relid, uint32_t gpadl,
                            uint32_t vp, uint32_t page_idx)
{
    post(f, HVBUS_MSG_OPENCHANNEL, 148, relid, relid + 50, gpadl, vp, page_idx);
    g_assert_cmpuint(peek(f, 0), ==, relid);
    g_assert_cmpuint(peek(f, 1), ==, relid + 50);
    return expect(f, HVBUS_MSG_OPENCHANNEL_RESULT, 2);
}

static void open_channel(Fixture *f, uint32_t relid)
{
    g_assert_true(make_gpadl(f, relid, GPADL + relid, 4));
    g_assert_cmpuint(open_status(f, relid, GPADL + relid, 0, 2), ==, 0);
}

static void test_negotiates_each_version(Fixture *f, const void *data)
{
    static const uint32_t known[] = {
        0x20004, 0x30000, 0x40000, 0x40001, 0x50000, 0x50001, 0x50002, 0x50003,
        0x60000
    };
    static const uint32_t unknown[] = { 0, 0xc, 0x10002, 0x50004, 0x60001, ~0u };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(known); i++) {
        uint32_t word;

        g_assert_true(contact(f, known[i], 1));
        g_assert_cmpuint(hvbus_core_out(&f->core)->bytes, ==,
                         known[i] == 0x60000 ? 20 : 16);
        g_assert_cmpuint(f->core.target_vp, ==, 1);
        word = peek(f, 1);
        g_assert_cmpuint(word, ==, known[i] >= 0x50000
                                   ? HVBUS_MESSAGE_CONN_ID_V5 : known[i]);
        g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 1);
        g_assert_cmpint(f->core.state, ==, HVBUS_CONN_CONTACT);
    }
    for (i = 0; i < ARRAY_SIZE(unknown); i++) {
        g_assert_true(contact(f, unknown[i], 1));
        g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 0);
        g_assert_cmpint(f->core.state, ==, HVBUS_CONN_NONE);
    }
    expect_none(f);
}

/* Before 2.4 what is the SINT later is the address of the interrupt page */
static void test_takes_the_interrupt_page(Fixture *f, const void *data)
{
    static const uint32_t shared[] = { 0xd, 0x10001 };

    for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
        g_assert_true(post(f, HVBUS_MSG_INITIATE_CONTACT, 40, shared[i], 1,
                           0x7000));
        g_assert_cmpuint(peek(f, 1), ==, shared[i]);
        g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 1);
        g_assert_cmphex((uint32_t)f->core.interrupt_gpa, ==, 0x7000);
        g_assert_true(hvbus_core_is_shared(&f->core));
        g_assert_true(post(f, HVBUS_MSG_INITIATE_CONTACT, 40, shared[i], 1,
                           0x7008));
        g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 0);
    }
}

static void test_refuses_other_vtl_and_vp(Fixture *f, const void *data)
{
    g_assert_true(post(f, HVBUS_MSG_INITIATE_CONTACT, 40, HVBUS_VERSION_5_3, 0,
                       2 | 2 << 8));
    g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 0);
    g_assert_true(post(f, HVBUS_MSG_INITIATE_CONTACT, 40, HVBUS_VERSION_5_3, 0,
                       16));
    g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 0);
    g_assert_false(contact(f, HVBUS_VERSION_5_3, VPS));
    expect_none(f);
}

static void test_offers_in_stable_order(Fixture *f, const void *data)
{
    HvbusCoreChannel *c = add(f, 5, 3, 0);

    contact(f, HVBUS_VERSION_5_3, 0);
    expect(f, HVBUS_MSG_VERSION_RESPONSE, 0);
    expect_none(f);
    g_assert_true(post(f, HVBUS_MSG_REQUESTOFFERS, 8, 0));
    g_assert_cmpuint(hvbus_core_out(&f->core)->bytes, ==, HVBUS_OFFER_BYTES);
    g_assert_cmpuint(expect(f, HVBUS_MSG_OFFERCHANNEL, 44), ==, f->b->relid);
    g_assert_cmpuint(expect(f, HVBUS_MSG_OFFERCHANNEL, 44), ==, c->relid);
    g_assert_cmpuint(expect(f, HVBUS_MSG_OFFERCHANNEL, 44), ==, f->a->relid);
    expect(f, HVBUS_MSG_ALLOFFERS_DELIVERED, 0);
    expect_none(f);
    /* once per connection */
    g_assert_false(post(f, HVBUS_MSG_REQUESTOFFERS, 8, 0));
    expect_none(f);
    /* added later: at once */
    c = add(f, 1, 4, 0);
    g_assert_cmpuint(expect(f, HVBUS_MSG_OFFERCHANNEL, 46), ==,
                     HVBUS_EVENT_CONN_ID_BASE + c->relid);
    expect_none(f);
}

static void test_wrong_state_is_ignored(Fixture *f, const void *data)
{
    uint32_t type;

    for (type = 0; type < HVBUS_MSG_COUNT + 10; type++) {
        if (type == HVBUS_MSG_INITIATE_CONTACT || type == HVBUS_MSG_UNLOAD) {
            continue;
        }
        /* not connected: nothing is answered */
        g_assert_false(post(f, type, 240, 1, GPADL, 0));
        expect_none(f);
    }
    g_assert_true(post(f, HVBUS_MSG_UNLOAD, 8, 0));
    expect(f, HVBUS_MSG_UNLOAD_RESPONSE, 0);

    contact(f, HVBUS_VERSION_5_3, 0);
    expect(f, HVBUS_MSG_VERSION_RESPONSE, 0);
    /* not offered yet: what guests wait for is answered with a failure */
    g_assert_false(make_gpadl(f, 1, GPADL, 4));
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 2), !=, 0);
    g_assert_false(post(f, HVBUS_MSG_GPADL_TEARDOWN, 16, 1, GPADL));
    g_assert_cmpuint(expect(f, HVBUS_MSG_GPADL_TORNDOWN, 0), ==, GPADL);
    g_assert_false(post(f, HVBUS_MSG_MODIFYCHANNEL, 16, 1, 0));
    g_assert_cmpuint(expect(f, HVBUS_MSG_MODIFYCHANNEL_RESPONSE, 1), !=, 0);
    g_assert_false(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 1));
    g_assert_false(post(f, HVBUS_MSG_RELID_RELEASED, 12, 1));
    expect_none(f);
    g_assert_cmpstr(f->log->str, ==, "");
}

static void test_short_messages_are_ignored(Fixture *f, const void *data)
{
    static const struct {
        uint32_t type, min_bytes;
    } rows[] = {
        { HVBUS_MSG_REQUESTOFFERS, 8 }, { HVBUS_MSG_OPENCHANNEL, 148 },
        { HVBUS_MSG_CLOSECHANNEL, 12 }, { HVBUS_MSG_GPADL_HEADER, 28 },
        { HVBUS_MSG_GPADL_BODY, 16 }, { HVBUS_MSG_GPADL_TEARDOWN, 16 },
        { HVBUS_MSG_RELID_RELEASED, 12 }, { HVBUS_MSG_INITIATE_CONTACT, 40 },
        { HVBUS_MSG_UNLOAD, 8 }, { HVBUS_MSG_TL_CONNECT_REQUEST, 40 },
        { HVBUS_MSG_MODIFYCHANNEL, 16 },
    };
    uint32_t i, bytes;

    connect_offers(f);
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        for (bytes = 0; bytes < rows[i].min_bytes; bytes++) {
            g_assert_false(post(f, rows[i].type, bytes, 1, 0));
            expect_none(f);
        }
    }
    g_assert_cmpint(f->core.state, ==, HVBUS_CONN_OFFERED);
}

static void test_opens_and_closes(Fixture *f, const void *data)
{
    connect_offers(f);
    open_channel(f, 1);
    assert_log(f, "open 1;");
    /* an open one is not opened again */
    g_assert_cmpuint(open_status(f, 1, GPADL + 1, 0, 2), !=, 0);
    assert_log(f, "");
    g_assert_true(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 1));
    assert_log(f, "close 1;");
    g_assert_false(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 1));
    g_assert_false(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 0));
    g_assert_false(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 0xffffffff));
    assert_log(f, "");
    /* and again with the same pages */
    g_assert_cmpuint(open_status(f, 1, GPADL + 1, HVBUS_VP_NO_INTERRUPT, 2), ==,
                     0);
    assert_log(f, "open 1;");
}

static void test_open_checks(Fixture *f, const void *data)
{
    connect_offers(f);
    g_assert_true(make_gpadl(f, 1, GPADL, 6));
    g_assert_true(make_gpadl(f, 2, GPADL + 1, 6));
    g_assert_cmpuint(open_status(f, 0, GPADL, 0, 3), !=, 0);
    g_assert_cmpuint(open_status(f, 3, GPADL, 0, 3), !=, 0);
    g_assert_cmpuint(open_status(f, 0xffffffff, GPADL, 0, 3), !=, 0);
    g_assert_cmpuint(open_status(f, 1, GPADL + 1, 0, 3), !=, 0);
    g_assert_cmpuint(open_status(f, 1, GPADL, VPS, 3), !=, 0);
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 0), !=, 0);
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 1), !=, 0);
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 5), !=, 0);
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 6), !=, 0);
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 0xffffffff), !=, 0);
    assert_log(f, "");
    f->refuse_open = true;
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 4), !=, 0);
    f->refuse_open = false;
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 4), ==, 0);
    assert_log(f, "open 1;open 1;");
}

static void test_teardown_waits_for_users(Fixture *f, const void *data)
{
    HvbusGpadl *g;

    connect_offers(f);
    open_channel(f, 1);
    /* the rings are in it */
    g_assert_true(post(f, HVBUS_MSG_GPADL_TEARDOWN, 16, 1, GPADL + 1));
    expect_none(f);
    g_assert_true(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 1));
    g_assert_cmpuint(expect(f, HVBUS_MSG_GPADL_TORNDOWN, 0), ==, GPADL + 1);
    /* a device's own */
    g_assert_true(make_gpadl(f, 1, GPADL, 4));
    g = hvbus_gpadl_find(&f->core.gpadls, 1, GPADL);
    hvbus_gpadl_ref(g);
    g_assert_true(post(f, HVBUS_MSG_GPADL_TEARDOWN, 16, 1, GPADL));
    g_assert_cmpuint(open_status(f, 1, GPADL, 0, 2), !=, 0);
    expect_none(f);
    hvbus_core_put_gpadl(&f->core, g);
    g_assert_cmpuint(expect(f, HVBUS_MSG_GPADL_TORNDOWN, 0), ==, GPADL);
    expect_none(f);
}

static void test_gpadl_errors_are_answered(Fixture *f, const void *data)
{
    connect_offers(f);
    g_assert_false(make_gpadl(f, 0, GPADL, 4));
    g_assert_false(make_gpadl(f, 7, GPADL, 4));
    g_assert_true(make_gpadl(f, 1, GPADL, 4));
    g_assert_false(make_gpadl(f, 1, GPADL, 4));
    /* a body for what is complete */
    g_assert_false(post(f, HVBUS_MSG_GPADL_BODY, 24, 0, GPADL, 5, 0));
    expect_none(f);
    /* too many pages in a body */
    g_assert_true(post(f, HVBUS_MSG_GPADL_HEADER, 28, 1, 9,
                       (8 + 8) | 1 << 16, 4096, 0));
    g_assert_false(post(f, HVBUS_MSG_GPADL_BODY, 32, 0, 9, 5, 0, 6, 0));
    g_assert_cmpuint(expect(f, HVBUS_MSG_GPADL_CREATED, 2), !=, 0);
    g_assert_false(post(f, HVBUS_MSG_GPADL_TEARDOWN, 16, 1, 9));
    g_assert_cmpuint(expect(f, HVBUS_MSG_GPADL_TORNDOWN, 0), ==, 9);
}

static void test_modifies_target(Fixture *f, const void *data)
{
    connect_offers(f);
    open_channel(f, 1);
    assert_log(f, "open 1;");
    g_assert_true(post(f, HVBUS_MSG_MODIFYCHANNEL, 16, 1, 3));
    g_assert_cmpuint(expect(f, HVBUS_MSG_MODIFYCHANNEL_RESPONSE, 1), ==, 0);
    assert_log(f, "target 1 3;");
    g_assert_false(post(f, HVBUS_MSG_MODIFYCHANNEL, 16, 1, VPS));
    g_assert_cmpuint(expect(f, HVBUS_MSG_MODIFYCHANNEL_RESPONSE, 1), !=, 0);
    assert_log(f, "");
    /* older guests do not know the answer */
    f->core.version = HVBUS_VERSION_5_2;
    g_assert_true(post(f, HVBUS_MSG_MODIFYCHANNEL, 16, 1, 2));
    expect_none(f);
}

static void test_refuses_sockets(Fixture *f, const void *data)
{
    connect_offers(f);
    g_assert_true(post(f, HVBUS_MSG_TL_CONNECT_REQUEST, 40, 1, 2, 3, 4, 5, 6,
                       7, 8));
    g_assert_cmpuint(peek(f, 4), ==, 5);
    g_assert_cmpuint(expect(f, HVBUS_MSG_TL_CONNECT_RESULT, 8), !=, 0);
}

static void test_subchannels_end_first(Fixture *f, const void *data)
{
    HvbusCoreChannel *s1, *s2;

    connect_offers(f);
    open_channel(f, 1);
    s1 = add(f, 9, 1, 1);
    s2 = add(f, 9, 1, 2);
    g_assert_null(add(f, 9, 1, 2));
    g_assert_cmpuint(s1->relid, ==, 3);
    g_assert_cmpuint(expect(f, HVBUS_MSG_OFFERCHANNEL, 44), ==, 3);
    g_assert_cmpuint(expect(f, HVBUS_MSG_OFFERCHANNEL, 44), ==, s2->relid);
    open_channel(f, 4);
    assert_log(f, "open 1;open 4;");
    g_assert_true(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 1));
    assert_log(f, "drop 3;close 4;drop 4;close 1;");
    g_assert_cmpuint(expect(f, HVBUS_MSG_RESCIND_OFFER, 0), ==, 3);
    g_assert_cmpuint(expect(f, HVBUS_MSG_RESCIND_OFFER, 0), ==, 4);
    expect_none(f);
    /* the relids are not used again before they are released */
    s1 = add(f, 9, 1, 1);
    g_assert_cmpuint(s1->relid, ==, 5);
    expect(f, HVBUS_MSG_OFFERCHANNEL, 0);
    g_assert_true(post(f, HVBUS_MSG_RELID_RELEASED, 12, 3));
    s2 = add(f, 9, 1, 2);
    g_assert_cmpuint(s2->relid, ==, 3);
}

static void test_rescinds_until_released(Fixture *f, const void *data)
{
    connect_offers(f);
    open_channel(f, 1);
    assert_log(f, "open 1;");
    hvbus_core_rescind(&f->core, f->a, false);
    assert_log(f, "close 1;");
    g_assert_cmpuint(expect(f, HVBUS_MSG_RESCIND_OFFER, 0), ==, 1);
    hvbus_core_rescind(&f->core, f->a, false);
    expect_none(f);
    /* what a driver may still do with it */
    g_assert_true(post(f, HVBUS_MSG_CLOSECHANNEL, 12, 1));
    g_assert_true(make_gpadl(f, 1, 77, 4));
    g_assert_cmpuint(open_status(f, 1, 77, 0, 2), !=, 0);
    g_assert_true(post(f, HVBUS_MSG_GPADL_TEARDOWN, 16, 1, GPADL + 1));
    g_assert_cmpuint(expect(f, HVBUS_MSG_GPADL_TORNDOWN, 0), ==, GPADL + 1);
    assert_log(f, "");
    g_assert_true(post(f, HVBUS_MSG_RELID_RELEASED, 12, 1));
    assert_log(f, "drop 1;");
    g_assert_null(hvbus_gpadl_find(&f->core.gpadls, 1, 77));
    g_assert_false(post(f, HVBUS_MSG_RELID_RELEASED, 12, 1));
}

/* Linux drops an offer of an instance that it still has */
static void test_offers_again_when_released(Fixture *f, const void *data)
{
    HvbusCoreChannel *again;

    connect_offers(f);
    hvbus_core_rescind(&f->core, f->a, true);
    assert_log(f, "drop 1;");
    g_assert_cmpuint(expect(f, HVBUS_MSG_RESCIND_OFFER, 0), ==, 1);
    again = add(f, 9, 1, 0);
    g_assert_nonnull(again);
    g_assert_cmpuint(again->relid, ==, 3);
    expect_none(f);
    g_assert_cmpint(again->state, ==, HVBUS_CHAN_HIDDEN);
    g_assert_true(post(f, HVBUS_MSG_RELID_RELEASED, 12, 1));
    /* word 44 of the offer is its relid */
    g_assert_cmpuint(expect(f, HVBUS_MSG_OFFERCHANNEL, 44), ==, 3);
    expect_none(f);
    g_assert_cmpint(again->state, ==, HVBUS_CHAN_CLOSED);
}

static void test_rescinds_at_once_if_unknown(Fixture *f, const void *data)
{
    hvbus_core_rescind(&f->core, f->a, false);
    assert_log(f, "drop 1;");
    connect_offers(f);
    /* the guest gives back what it has no driver for */
    g_assert_true(post(f, HVBUS_MSG_RELID_RELEASED, 12, 2));
    hvbus_core_rescind(&f->core, f->b, false);
    assert_log(f, "drop 2;");
    expect_none(f);
}

static void test_unload_in_every_state(Fixture *f, const void *data)
{
    HvbusCoreChannel *s;

    connect_offers(f);
    open_channel(f, 1);
    open_channel(f, 2);
    s = add(f, 9, 1, 1);
    g_assert_nonnull(s);
    g_assert_true(post(f, HVBUS_MSG_GPADL_HEADER, 28, 1, 9,
                       (8 + 16) | 1 << 16, 8192, 0));
    hvbus_core_rescind(&f->core, f->b, false);
    assert_log(f, "open 1;open 2;close 2;");
    g_assert_true(post(f, HVBUS_MSG_UNLOAD, 8, 0));
    assert_log(f, "drop 3;close 1;drop 2;");
    expect(f, HVBUS_MSG_UNLOAD_RESPONSE, 0);
    expect_none(f);
    g_assert_cmpuint(g_hash_table_size(f->core.gpadls.all), ==, 0);
    g_assert_cmpuint(f->core.offers->len, ==, 1);
    /* and then the next kernel */
    contact(f, HVBUS_VERSION_4_0, 2);
    expect(f, HVBUS_MSG_VERSION_RESPONSE, 0);
    g_assert_true(post(f, HVBUS_MSG_UNLOAD, 8, 0));
    expect(f, HVBUS_MSG_UNLOAD_RESPONSE, 0);
    g_assert_true(post(f, HVBUS_MSG_UNLOAD, 8, 0));
    expect(f, HVBUS_MSG_UNLOAD_RESPONSE, 0);
    connect_offers(f);
    open_channel(f, 1);
    assert_log(f, "open 1;");
}

static void test_contact_again_starts_over(Fixture *f, const void *data)
{
    connect_offers(f);
    open_channel(f, 1);
    assert_log(f, "open 1;");
    contact(f, HVBUS_VERSION_5_3, 1);
    assert_log(f, "close 1;");
    g_assert_cmpuint(expect(f, HVBUS_MSG_VERSION_RESPONSE, 0), ==, 1);
    expect_none(f);
    g_assert_null(hvbus_gpadl_find(&f->core.gpadls, 1, GPADL + 1));
}

static void test_flood_is_held_back(Fixture *f, const void *data)
{
    const uint32_t words[] = { 1, GPADL };
    uint32_t n;

    connect_offers(f);
    for (n = 0; n < HVBUS_OUT_LIMIT; n++) {
        g_assert_cmpint(post_bytes(f, HVBUS_MSG_GPADL_TEARDOWN, words, 2, 16),
                        ==, HV_STATUS_OK);
    }
    g_assert_cmpint(post_bytes(f, HVBUS_MSG_GPADL_TEARDOWN, words, 2, 16), ==,
                    HV_STATUS_NO_BUFFERS);
    g_assert_cmpuint(f->core.out.length, ==, HVBUS_OUT_LIMIT);
    expect(f, HVBUS_MSG_GPADL_TORNDOWN, 0);
    g_assert_cmpint(post_bytes(f, HVBUS_MSG_GPADL_TEARDOWN, words, 2, 16), ==,
                    HV_STATUS_OK);
    /* a crashing kernel that takes nothing can still unload */
    g_assert_true(post(f, HVBUS_MSG_UNLOAD, 8, 0));
    expect(f, HVBUS_MSG_UNLOAD_RESPONSE, 0);
    expect_none(f);
}

static void test_relids_run_out(Fixture *f, const void *data)
{
    HvbusOffer offer = { 0 };
    uint32_t n;

    for (n = 3; n <= HVBUS_RELID_MAX; n++) {
        stl_le_p(offer.instance_id + 4, n);
        g_assert_nonnull(hvbus_core_add(&f->core, &offer, 0, f));
    }
    stl_le_p(offer.instance_id + 4, n);
    g_assert_null(hvbus_core_add(&f->core, &offer, 0, f));
}

static void test_restore_checks(Fixture *f, const void *data)
{
    HvbusCore *c = &f->core;
    uint64_t pfns[] = { 1, 2, 3, 4 };

    hvbus_core_restore_begin(c);
    g_assert_false(hvbus_core_restore_conn(c, HVBUS_CONN_STATES, 0, 0, 2));
    g_assert_false(hvbus_core_restore_conn(c, HVBUS_CONN_OFFERED, 7, 0, 2));
    g_assert_false(hvbus_core_restore_conn(c, HVBUS_CONN_OFFERED, 0x50003, 0,
                                           16));
    g_assert_true(hvbus_core_restore_conn(c, HVBUS_CONN_OFFERED, 0x50003, 0,
                                          2));
    g_assert_true(hvbus_gpadl_restore(&c->gpadls, 2, 5, 4 * 4096, 0, 4, pfns,
                                      4));
    g_assert_false(hvbus_core_restore_channel(c, f->a, 0, HVBUS_CHAN_OPEN));
    g_assert_false(hvbus_core_restore_channel(c, f->a, 2048, HVBUS_CHAN_OPEN));
    g_assert_false(hvbus_core_restore_channel(c, f->a, 2, HVBUS_CHAN_STATES));
    g_assert_true(hvbus_core_restore_channel(c, f->a, 2, HVBUS_CHAN_OPEN));
    g_assert_false(hvbus_core_restore_channel(c, f->b, 2, HVBUS_CHAN_CLOSED));
    g_assert_false(hvbus_core_restore_open(c, f->a, 0, 6, 0, 2));
    g_assert_false(hvbus_core_restore_open(c, f->a, 0, 5, VPS, 2));
    g_assert_false(hvbus_core_restore_open(c, f->a, 0, 5, 0, 3));
    g_assert_true(hvbus_core_restore_open(c, f->a, 0, 5, 0, 2));
    /* b was left out */
    g_assert_false(hvbus_core_restore_end(c));
    g_assert_cmpuint(f->b->relid, !=, 0);
    /* still fit for a reset */
    hvbus_core_reset(c);
    assert_log(f, "close 2;");
}

/* A stream whose channels without devices hold every relid */
static void test_restore_leaves_no_relid(Fixture *f, const void *data)
{
    HvbusCore *c = &f->core;
    HvbusOffer offer = { 0 };
    uint32_t n;

    hvbus_core_restore_begin(c);
    g_assert_true(hvbus_core_restore_conn(c, HVBUS_CONN_OFFERED, 0x50003, 0,
                                          2));
    for (n = HVBUS_RELID_MIN; n <= HVBUS_RELID_MAX; n++) {
        HvbusCoreChannel *ch;

        stl_le_p(offer.instance_id + 4, n);
        ch = hvbus_core_add(c, &offer, 0, NULL);
        g_assert_nonnull(ch);
        g_assert_true(hvbus_core_restore_channel(c, ch, n,
                                                 HVBUS_CHAN_RESCINDED));
    }
    g_assert_false(hvbus_core_restore_end(c));
    g_assert_true(c->by_relid[f->a->relid] == f->a);
    g_assert_true(c->by_relid[f->b->relid] == f->b);
    g_assert_true(f->a->relid != f->b->relid);
    g_assert_null(hvbus_core_out(c));
    hvbus_core_reset(c);
}

#define ADD(name) \
    g_test_add("/paravisor/vmbus-core/" #name, Fixture, NULL, setup, \
               test_##name, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(negotiates_each_version);
    ADD(takes_the_interrupt_page);
    ADD(refuses_other_vtl_and_vp);
    ADD(offers_in_stable_order);
    ADD(wrong_state_is_ignored);
    ADD(short_messages_are_ignored);
    ADD(opens_and_closes);
    ADD(open_checks);
    ADD(teardown_waits_for_users);
    ADD(gpadl_errors_are_answered);
    ADD(modifies_target);
    ADD(refuses_sockets);
    ADD(subchannels_end_first);
    ADD(rescinds_until_released);
    ADD(offers_again_when_released);
    ADD(rescinds_at_once_if_unknown);
    ADD(unload_in_every_state);
    ADD(contact_again_starts_over);
    ADD(flood_is_held_back);
    ADD(relids_run_out);
    ADD(restore_checks);
    ADD(restore_leaves_no_relid);
    return g_test_run();
}
