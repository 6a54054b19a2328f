/*
 * Unit tests of VTL2's MANA driver: its state goes to another driver, with all
 * under way; states that make no sense
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-model.h"

static const ModelFrame *sent(Model *m, unsigned int nth)
{
    g_assert_cmpuint(nth, <, m->sent->len);
    return m->sent->pdata[nth];
}

/* Frames of @bytes each, whose tags count from 0 on */
static void send_some(Model *m, unsigned int count, uint32_t bytes)
{
    for (unsigned int i = 0; i < count; i++) {
        g_assert_cmpint(model_send(m, 0, bytes, i), ==, MANA_DRV_SENT);
    }
}

static void expect_sent(Model *m, unsigned int count, uint32_t bytes)
{
    g_assert_cmpuint(m->sent->len, ==, count);
    for (unsigned int i = 0; i < count; i++) {
        g_assert_cmpuint(sent(m, i)->bytes, ==, bytes);
        g_assert_cmpuint(sent(m, i)->data[bytes - 1], ==, i & 0xff);
    }
}

static void receive_some(Model *m, unsigned int from, unsigned int to)
{
    uint8_t frame[60];

    for (unsigned int i = from; i < to; i++) {
        memset(frame, i, sizeof(frame));
        g_assert_true(model_receive(m, 0, 0, frame, sizeof(frame), 0));
    }
}

static void expect_got(Model *m, unsigned int count)
{
    g_assert_cmpuint(m->got->len, ==, count);
    for (unsigned int i = 0; i < count; i++) {
        g_assert_cmpuint(((ModelFrame *)m->got->pdata[i])->data[59], ==,
                         i & 0xff);
    }
}

/* Another driver has the adapter, and nobody asked the adapter for anything */
static void migrate(Model *m)
{
    unsigned int requests = m->requests, resets = m->resets;

    model_migrate(m);
    g_assert_cmpuint(m->requests, ==, requests);
    g_assert_cmpuint(m->resets, ==, resets);
    g_assert_cmpint(mana_drv_state(m->d), ==, MANA_DRV_RUNNING);
}

/* --- what is under way --- */

static void test_goes_on_without_a_request(void)
{
    Model *m = model_start(4);
    unsigned int requests;

    model_expect_traffic(m);
    requests = m->requests;
    for (int i = 0; i < 20; i++) {
        migrate(m);
        model_expect_traffic(m);
    }
    g_assert_cmpuint(m->requests, ==, requests);
    g_assert_cmpuint(mana_drv_port_queues(m->d, 0), ==, 4);
    g_assert_cmpuint(mana_drv_port_mac(m->d, 0)[0], ==, 2);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_packets, ==, 21);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->rx_packets, ==, 21);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_errors, ==, 0);
    model_free(m);
}

static void test_packets_the_adapter_has_not_heard_of(void)
{
    Model *m = model_start(2);

    send_some(m, 10, 100);
    migrate(m);
    model_run(m);
    expect_sent(m, 10, 100);
    model_expect_traffic(m);
    model_free(m);
}

static void test_packets_in_the_queue(void)
{
    Model *m = model_start(2);
    uint32_t sq = model_find(m, true, 0, 0);

    m->sq[sq].is_stuck = true;
    send_some(m, 10, 100);
    mana_drv_flush(m->d);
    model_run(m);
    migrate(m);
    m->sq[sq].is_stuck = false;
    model_run(m);
    expect_sent(m, 10, 100);
    model_expect_traffic(m);
    model_free(m);
}

static void test_completions_not_looked_at(void)
{
    Model *m = model_start(2);

    send_some(m, 200, 100);
    mana_drv_flush(m->d);
    model_run(m);
    migrate(m);
    model_run(m);
    expect_sent(m, 200, 100);
    /* round and round the rings */
    for (int i = 0; i < 3000; i++) {
        while (model_send(m, 0, 100, 200 + i) == MANA_DRV_NO_ROOM) {
            model_run(m);
        }
    }
    mana_drv_flush(m->d);
    model_run(m);
    expect_sent(m, 3200, 100);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 0);
    model_free(m);
}

/* All the room is taken, by packets of a size that leaves gaps in the pool */
static void test_full_queue(void)
{
    for (int i = 0; i < 2; i++) {
        uint32_t bytes = i ? 60 : 50000, count = 0;
        Model *m = model_start(1);
        uint32_t sq = model_find(m, true, 0, 0);

        for (int k = 0; k < 25; k++) {
            g_assert_cmpint(model_send(m, 0, bytes, 1), ==, MANA_DRV_SENT);
        }
        mana_drv_flush(m->d);
        model_run(m);
        g_ptr_array_set_size(m->sent, 0);
        m->sq[sq].is_stuck = true;
        while (model_send(m, 0, bytes, count) == MANA_DRV_SENT) {
            count++;
        }
        g_assert_cmpuint(count, >, 30);
        migrate(m);
        g_assert_cmpint(model_send(m, 0, bytes, 0), ==, MANA_DRV_NO_ROOM);
        m->tx_ready = 0;
        m->sq[sq].is_stuck = false;
        model_run(m);
        g_assert_cmpuint(m->tx_ready, >, 0);
        expect_sent(m, count, bytes);
        model_expect_traffic(m);
        model_free(m);
    }
}

static void test_packets_received_but_not_seen(void)
{
    Model *m = model_start(2);

    for (int i = 0; i < 10; i++) {
        receive_some(m, i * 200, i * 200 + 150);
        migrate(m);
        /* the interrupt is late, and more comes */
        receive_some(m, i * 200 + 150, i * 200 + 200);
        model_run(m);
        expect_got(m, i * 200 + 200);
    }
    model_expect_traffic(m);
    model_free(m);
}

static void test_owner_that_holds(void)
{
    Model *m = model_start(1);

    m->refuse_rx = true;
    receive_some(m, 0, 20);
    model_run(m);
    g_assert_cmpuint(m->got->len, ==, 1);
    m->refuse_rx = false;
    migrate(m);
    model_run(m);
    g_assert_cmpuint(m->got->len, ==, 1);
    g_assert_true(mana_drv_rx_is_held(m->d, 0, 0));
    mana_drv_rx_resume(m->d, 0, 0);
    model_run(m);
    expect_got(m, 20);
    model_expect_traffic(m);
    model_free(m);
}

/* The adapter has the request, or has answered and nobody has seen it */
static void test_request_under_way(void)
{
    for (int i = 0; i < 2; i++) {
        Model *m = model_start(1);
        uint32_t vectors = m->vectors_on;

        m->is_mute = !i;
        m->vectors_on = i ? 0 : vectors;
        mana_drv_set_filter(m->d, 0, true);
        model_run(m);
        g_assert_cmpuint(m->moved, ==, 0);
        m->is_mute = false;
        m->vectors_on = vectors;
        {
            g_autofree ManaDrvSaved *s = model_save(m);

            g_assert_cmphex(s->flags & MANA_DRV_SAVED_BUSY, !=, 0);
            g_assert_null(model_load(m, s));
        }
        /* the card knows where it is to go */
        mana_drv_set_filter(m->d, 0, true);
        g_assert_cmpuint(m->moved, ==, 0);
        m->requests = 0;
        mana_drv_resume(m->d);
        model_run(m);
        g_assert_cmpuint(m->requests, ==, !i);
        g_assert_cmpuint(m->moved, ==, 1);
        g_assert_true(m->to_vtl0[0]);
        g_assert_true(mana_drv_port_filter(m->d, 0));
        model_expect_traffic(m);
        model_free(m);
    }
}

/* An answer that was lost with the adapter before */
static void test_request_without_an_answer(void)
{
    Model *m = model_start(1);

    m->is_mute = true;
    mana_drv_set_serial(m->d, 0, 5);
    model_run(m);
    /* taken, and forgotten */
    m->sq[1].wq.head = m->sq[1].wq.tail;
    m->is_mute = false;
    model_migrate(m);
    mana_drv_set_serial(m->d, 0, 5);
    /* 200 ms, as the adapter has said */
    model_wait(m, 190);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 0);
    model_wait(m, 100);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 1);
    g_assert_cmpuint(m->serial[0], ==, 5);
    model_expect_traffic(m);
    model_free(m);
}

static void test_wishes_of_a_paused_driver(void)
{
    static const uint8_t key[MANA_HASH_KEY_BYTES] = { 1 }, table[2] = { 1, 0 };
    Model *m = model_start(2);
    unsigned int requests;

    mana_drv_set_rss(m->d, 0, true, key, table, 2);
    model_run(m);
    requests = m->requests;
    mana_drv_pause(m->d);
    /* as it is: no request; another one: when the VM runs */
    mana_drv_set_rss(m->d, 0, true, key, table, 2);
    mana_drv_set_filter(m->d, 0, true);
    model_run(m);
    g_assert_cmpuint(m->requests, ==, requests);
    model_migrate(m);
    mana_drv_set_rss(m->d, 0, true, key, table, 2);
    model_run(m);
    g_assert_cmpuint(m->requests, ==, requests);
    mana_drv_set_filter(m->d, 0, true);
    model_run(m);
    g_assert_cmpuint(m->requests, ==, requests + 1);
    g_assert_true(m->to_vtl0[0]);
    model_free(m);
}

static void test_two_ports(void)
{
    Model *m = model_start(2);

    g_assert_true(mana_drv_port_add(m->d, 1, 2, 1500));
    model_run(m);
    g_assert_true(model_receive(m, 1, 0, "0123456789abcdef", 16, 0));
    migrate(m);
    model_run(m);
    g_assert_cmpuint(((ModelFrame *)m->got->pdata[0])->port, ==, 1);
    g_assert_cmpuint(mana_drv_port_mac(m->d, 1)[5], ==, 1);
    model_expect_traffic(m);
    model_free(m);
}

/* What the other driver took over, it can send again */
static void test_reset_after_the_load(void)
{
    for (int i = 0; i < 2; i++) {
        Model *m = model_start(1);
        uint32_t sq = model_find(m, true, 0, 0);
        uint8_t frame[2048];
        ManaDrvTx tx = { .needs_csum = true, .csum_start = 34,
                         .csum_offset = 16, .gso = MANA_DRV_GSO_TCP4,
                         .mss = 500 };

        m->sq[sq].is_stuck = true;
        send_some(m, 10, 100);
        tx.bytes = model_packet(frame, 6, 1900, false);
        g_assert_cmpint(mana_drv_send(m->d, 0, 0, frame, &tx), ==,
                        MANA_DRV_SENT);
        mana_drv_flush(m->d);
        model_run(m);
        migrate(m);
        if (i) {
            model_post_eqe(m, 1, GDMA_EQE_HWC_RESET_REQUEST, 0);
        } else {
            /* the watchdog begins anew */
            model_wait(m, 5000);
            g_assert_cmpuint(mana_drv_resets(m->d), ==, 0);
            model_wait(m, 1500);
        }
        model_wait(m, 100);
        g_assert_cmpuint(mana_drv_resets(m->d), ==, 1);
        g_assert_cmpmem(sent(m, 10)->data, sent(m, 10)->bytes, frame, tx.bytes);
        g_assert_true(sent(m, 10)->is_lso);
        g_assert_cmpuint(sent(m, 10)->mss, ==, 500);
        g_ptr_array_set_size(m->sent, 10);
        expect_sent(m, 10, 100);
        model_expect_traffic(m);
        model_free(m);
    }
}

/* Any moment of a long run both ways */
static void test_random_moments(void)
{
    Model *m = model_start(1);
    unsigned int out = 0, in = 0;
    uint32_t sq = model_find(m, true, 0, 0);

    m->seed = 1;
    for (int i = 0; i < 20000; i++) {
        uint8_t frame[60];

        switch (model_random(m) % 12) {
        case 0:
            m->sq[sq].is_stuck = !m->sq[sq].is_stuck;
            break;
        case 1:
            model_run(m);
            break;
        case 2:
            migrate(m);
            break;
        case 3:
            mana_drv_flush(m->d);
            break;
        case 4 ... 7:
            memset(frame, in, sizeof(frame));
            in += model_receive(m, 0, 0, frame, sizeof(frame), 0);
            break;
        default:
            out += model_send(m, 0, 100, out) == MANA_DRV_SENT;
            break;
        }
    }
    m->sq[sq].is_stuck = false;
    mana_drv_flush(m->d);
    model_run(m);
    g_assert_cmpuint(out, >, 5000);
    g_assert_cmpuint(in, >, 5000);
    expect_sent(m, out, 100);
    expect_got(m, in);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 0);
    model_free(m);
}

/* --- what has no state --- */

static void test_nothing_to_save_before_it_runs(void)
{
    Model *m = model_new();

    g_assert_true(mana_drv_port_add(m->d, 0, 1, 1500));
    g_assert_null(model_save(m));
    mana_drv_resume(m->d);
    mana_drv_start(m->d);
    g_assert_null(model_save(m));
    mana_drv_resume(m->d);
    model_run(m);
    /* a second port comes up */
    g_assert_true(mana_drv_port_add(m->d, 1, 1, 1500));
    g_assert_null(model_save(m));
    mana_drv_resume(m->d);
    model_run(m);
    g_assert_true(mana_drv_port_is_up(m->d, 1));
    model_post_eqe(m, 1, GDMA_EQE_HWC_RESET_REQUEST, 0);
    model_run(m);
    g_assert_cmpint(m->state, ==, MANA_DRV_RESETTING);
    g_assert_null(model_save(m));
    mana_drv_resume(m->d);
    model_wait(m, 100);
    migrate(m);
    model_expect_traffic(m);
    model_free(m);
}

/* --- states that make no sense --- */

/* Packets under way both ways, and an owner that takes no more */
static Model *busy_model(void)
{
    Model *m = model_start(2);

    receive_some(m, 0, 30);
    model_run(m);
    m->sq[model_find(m, true, 0, 0)].is_stuck = true;
    send_some(m, 5, 1000);
    mana_drv_flush(m->d);
    model_run(m);
    m->refuse_rx = true;
    receive_some(m, 30, 40);
    model_run(m);
    g_assert_true(mana_drv_rx_is_held(m->d, 0, 0));
    m->refuse_rx = false;
    return m;
}

/* A field and what it must not be */
typedef struct BadField {
    const char *name;
    size_t offset;
    size_t bytes;
    uint64_t value;
} BadField;

#define BAD(_field, _value) {                                           \
    #_field, offsetof(ManaDrvSaved, _field),                            \
    sizeof(((ManaDrvSaved *)0)->_field), _value                         \
}
#define BAD_PORT(_field, _value)    BAD(port[0]._field, _value)
#define BAD_PAIR(_field, _value)    BAD(port[0].pair[0]._field, _value)
static const BadField bad_fields[] = {
    BAD(flags, 1 << 2), BAD(flags, 1u << 31), BAD(flags, MANA_DRV_SAVED_BUSY),
    BAD(vector_count, 0), BAD(vector_count, MODEL_VECTORS + 1),
    BAD(db_page, 15), BAD(db_page, UINT32_MAX),
    BAD(max_vports, 0), BAD(max_queues, 0),
    BAD(max_frame_bytes, 14), BAD(max_frame_bytes, 65536),
    BAD(max_frame_bytes, 100),
    BAD(hwc_timeout_ms, 0), BAD(hwc_timeout_ms, UINT32_MAX),
    BAD(hwc_db_page, 15), BAD(hwc_db_page, UINT32_MAX),
    BAD(hwc_init[GDMA_INIT_DATA_MAX_REQUEST], 8),
    BAD(hwc_init[GDMA_INIT_DATA_MAX_RESPONSE], 8),
    BAD(hwc_init[GDMA_INIT_DATA_QUEUE_DEPTH], 0),
    BAD(hwc_init[GDMA_INIT_DATA_CQ_ID], 7),
    BAD(step, 0), BAD(step, 1000), BAD(step, UINT32_MAX),
    BAD(step_port, MANA_DRV_MAX_PORTS), BAD(step_port, UINT16_MAX),
    BAD(port_count, 0), BAD(port_count, 2), BAD(port_count, 17),
    BAD(port_count, UINT32_MAX),
    BAD_PORT(vport, 1), BAD_PORT(vport, MANA_DRV_MAX_PORTS),
    BAD_PORT(vport, UINT32_MAX), BAD_PORT(flags, 1 << 4),
    BAD_PORT(max_indirection, 0), BAD_PORT(max_indirection, 65),
    BAD_PORT(max_indirection, 1u << 31), BAD_PORT(tx_offset, 256),
    BAD_PORT(tx_offset, UINT16_MAX), BAD_PORT(mac[0], 1),
    BAD_PORT(pair_count, 0), BAD_PORT(pair_count, 1), BAD_PORT(pair_count, 3),
    BAD_PORT(pair_count, 17), BAD_PORT(pair_count, UINT32_MAX),
    BAD_PAIR(flags, 1 << 3), BAD_PAIR(flags, 1u << 31),
    BAD_PAIR(sq.told, 1 << 12),
    BAD_PAIR(tx_count, MANA_DRV_SAVED_TX), BAD_PAIR(tx_count, UINT32_MAX),
    BAD_PAIR(tx_count, MANA_DRV_SAVED_TX + 1),
    BAD_PAIR(tx[0].at, 1), BAD_PAIR(tx[0].at, 64), BAD_PAIR(tx[1].at, 0),
    BAD_PAIR(tx[1].at, 64), BAD_PAIR(tx[4].at, 1 << 20),
    BAD_PAIR(tx[4].at, -64u), BAD_PAIR(tx[0].bytes, 13),
    BAD_PAIR(tx[4].bytes, MANA_DRV_MAX_TX_BYTES + 1),
    BAD_PAIR(tx[4].bytes, UINT32_MAX), BAD_PAIR(tx[2].bytes, 2000),
    BAD_PAIR(tx[2].oob0, 3), BAD_PAIR(tx[2].oob0, 1u << 31),
    BAD_PAIR(tx[2].transport_offset, 1024), BAD_PAIR(tx[2].header_bytes, 54),
    BAD_PAIR(tx[2].mss, 500), BAD_PAIR(tx[2].flags, 2),
};

/* The same of a ring */
#define BAD_RING(_field, _value) {                                      \
    #_field, offsetof(ManaDrvSavedRing, _field),                        \
    sizeof(((ManaDrvSavedRing *)0)->_field), _value                     \
}

/* First what is bad of any, then of rings, then of work queues */
static const BadField bad_rings[] = {
    BAD_RING(addr, 0), BAD_RING(addr, MODEL_MEMORY_ADDR + 1),
    BAD_RING(addr, MODEL_MEMORY_ADDR + MODEL_MEMORY_BYTES),
    BAD_RING(addr, UINT64_MAX & -4096ull), BAD_RING(bytes, 0),
    BAD_RING(bytes, UINT32_MAX), BAD_RING(bytes, 4097),
#define BAD_OF_MEMORY   7
    BAD_RING(id, 1 << 24), BAD_RING(id, UINT32_MAX),
    BAD_RING(head, UINT32_MAX),
#define BAD_OF_CQ       10
    BAD_RING(head, 33), BAD_RING(told, 33), BAD_RING(told, 0x80000000),
    BAD_RING(obj, UINT64_MAX),
};
#define BAD_OF_WQ       ARRAY_SIZE(bad_rings)

static const struct {
    size_t offset;
    unsigned int count;                 /* of bad_rings[] */
} rings[] = {
    { offsetof(ManaDrvSaved, hwc_eq), BAD_OF_CQ },
    { offsetof(ManaDrvSaved, hwc_cq), BAD_OF_CQ },
    { offsetof(ManaDrvSaved, hwc_sq), BAD_OF_WQ },
    { offsetof(ManaDrvSaved, hwc_rq), BAD_OF_WQ },
    { offsetof(ManaDrvSaved, request), BAD_OF_MEMORY },
    { offsetof(ManaDrvSaved, response), BAD_OF_MEMORY },
    { offsetof(ManaDrvSaved, port[0].pair[0].eq), BAD_OF_CQ },
    { offsetof(ManaDrvSaved, port[0].pair[0].sq), BAD_OF_WQ },
    { offsetof(ManaDrvSaved, port[0].pair[0].sq_cq), BAD_OF_CQ },
    { offsetof(ManaDrvSaved, port[0].pair[0].rq), BAD_OF_WQ },
    { offsetof(ManaDrvSaved, port[0].pair[1].rq_cq), BAD_OF_CQ },
    { offsetof(ManaDrvSaved, port[0].pair[1].tx_pool), BAD_OF_MEMORY },
    { offsetof(ManaDrvSaved, port[0].pair[1].rx_pool), BAD_OF_MEMORY },
};

static void put_field(void *s, const BadField *f)
{
    uint8_t *at = (uint8_t *)s + f->offset;

    switch (f->bytes) {
    case 1:
        *at = f->value;
        break;
    case 2:
        *(uint16_t *)at = f->value;
        break;
    case 4:
        *(uint32_t *)at = f->value;
        break;
    default:
        *(uint64_t *)at = f->value;
        break;
    }
}

/* Set up anew, by the driver that refused a state */
static void expect_start(Model *m)
{
    mana_drv_resume(m->d);
    mana_drv_start(m->d);
    model_run(m);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    model_expect_traffic(m);
}

/* @f of what is at @offset of the state */
static void expect_refused(size_t offset, const BadField *f)
{
    Model *m = busy_model();
    g_autofree ManaDrvSaved *s = model_save(m);

    put_field((uint8_t *)s + offset, f);
    if (!model_load(m, s)) {
        g_error("%s at %zu may be 0x%" PRIx64, f->name, offset, f->value);
    }
    expect_start(m);
    model_free(m);
}

static void test_refuses_bad_fields(void)
{
    for (int i = 0; i < ARRAY_SIZE(bad_fields); i++) {
        expect_refused(0, &bad_fields[i]);
    }
}

static void test_refuses_bad_rings(void)
{
    for (int i = 0; i < ARRAY_SIZE(rings); i++) {
        for (int k = 0; k < rings[i].count; k++) {
            expect_refused(rings[i].offset, &bad_rings[k]);
        }
    }
}

/* Each piece of memory is there once */
static void test_refuses_memory_twice(void)
{
    for (int i = 1; i < ARRAY_SIZE(rings); i++) {
        Model *m = busy_model();
        g_autofree ManaDrvSaved *s = model_save(m);
        ManaDrvSavedRing *from = (void *)((uint8_t *)s + rings[i - 1].offset);
        ManaDrvSavedRing *to = (void *)((uint8_t *)s + rings[i].offset);

        to->addr = from->addr;
        g_assert_nonnull(model_load(m, s));
        model_free(m);
    }
}

static void test_refuses_other_ports(void)
{
    Model *m = model_start(2);
    g_autofree ManaDrvSaved *s = NULL;

    g_assert_true(mana_drv_port_add(m->d, 1, 2, 1500));
    model_run(m);
    s = model_save(m);
    g_assert_cmpuint(s->port_count, ==, 2);
    s->port[1].vport = 0;
    g_assert_nonnull(model_load(m, s));
    model_free(m);
}

/* One that is taken all the same: whatever comes of it, nothing breaks */
static void live_with(Model *m)
{
    m->is_hostile = true;
    mana_drv_resume(m->d);
    for (int i = 0; i < 3; i++) {
        for (int id = 0; id < MODEL_IDS; id++) {
            m->sq[id].is_stuck = false;
        }
        mana_drv_rx_resume(m->d, 0, 0);
        model_send(m, i, 2000, 1);
        mana_drv_flush(m->d);
        if (m->rx_on[0]) {
            model_receive(m, 0, i, "0123456789abcdef", 16, 0);
        }
        mana_drv_set_filter(m->d, 0, !(i & 1));
        model_wait(m, i ? 10000 : 0);
    }
}

static void test_any_byte_may_be_bad(void)
{
    size_t pair = offsetof(ManaDrvSaved, port[0].pair[0]);
    size_t end = pair + offsetof(ManaDrvSavedPair, tx[6]);
    unsigned int taken = 0, refused = 0;

    for (size_t at = 0; at < end; at += g_test_quick() ? 3 : 1) {
        static const uint8_t flips[] = { 0x01, 0x20, 0x80, 0xff };

        for (int i = 0; i < ARRAY_SIZE(flips); i++) {
            Model *m = busy_model();
            g_autofree ManaDrvSaved *s = model_save(m);

            ((uint8_t *)s)[at] ^= flips[i];
            if (model_load(m, s)) {
                refused++;
            } else {
                taken++;
                live_with(m);
            }
            model_free(m);
        }
    }
    g_test_message("%u taken, %u refused", taken, refused);
    g_assert_cmpuint(taken, >, 100);
    g_assert_cmpuint(refused, >, 100);
}

#define SAVED_TEST(name) \
    g_test_add_func("/paravisor/mana-drv-saved-core/" #name, test_ ## name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SAVED_TEST(goes_on_without_a_request);
    SAVED_TEST(packets_the_adapter_has_not_heard_of);
    SAVED_TEST(packets_in_the_queue);
    SAVED_TEST(completions_not_looked_at);
    SAVED_TEST(full_queue);
    SAVED_TEST(packets_received_but_not_seen);
    SAVED_TEST(owner_that_holds);
    SAVED_TEST(request_under_way);
    SAVED_TEST(request_without_an_answer);
    SAVED_TEST(wishes_of_a_paused_driver);
    SAVED_TEST(two_ports);
    SAVED_TEST(reset_after_the_load);
    SAVED_TEST(random_moments);
    SAVED_TEST(nothing_to_save_before_it_runs);
    SAVED_TEST(refuses_bad_fields);
    SAVED_TEST(refuses_bad_rings);
    SAVED_TEST(refuses_memory_twice);
    SAVED_TEST(refuses_other_ports);
    SAVED_TEST(any_byte_may_be_bad);
    return g_test_run();
}
