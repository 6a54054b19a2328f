/*
 * Unit tests of VTL2's MANA driver: adapters that break the rules
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-model.h"

/* Make all that follows an answer's header @fill */
static uint32_t tamper_fill(void *response, uint32_t bytes, int fill)
{
    uint32_t from = sizeof(GdmaRespHeaderWire);

    if (bytes > from) {
        memset((uint8_t *)response + from, fill, bytes - from);
    }
    return bytes;
}

static uint32_t tamper_garbage(Model *m, uint32_t type, void *response,
                               uint32_t bytes)
{
    return tamper_fill(response, bytes, 0xff);
}

static uint32_t tamper_zero(Model *m, uint32_t type, void *response,
                            uint32_t bytes)
{
    return tamper_fill(response, bytes, 0);
}

static uint32_t tamper_status(Model *m, uint32_t type, void *response,
                              uint32_t bytes)
{
    ((GdmaRespHeaderWire *)response)->status = cpu_to_le32(5);
    return bytes;
}

static uint32_t tamper_short(Model *m, uint32_t type, void *response,
                             uint32_t bytes)
{
    return bytes - 1;
}

static uint32_t tamper_huge(Model *m, uint32_t type, void *response,
                            uint32_t bytes)
{
    return UINT32_MAX;
}

static uint32_t tamper_id(Model *m, uint32_t type, void *response,
                          uint32_t bytes)
{
    ((GdmaRespHeaderWire *)response)->response.hwc_msg_id ^= 1;
    return bytes;
}

/* Now and then one of the above, or single bytes */
static uint32_t tamper_random(Model *m, uint32_t type, void *response,
                              uint32_t bytes)
{
    static uint32_t (*const ways[])(Model *, uint32_t, void *, uint32_t) = {
        tamper_garbage, tamper_zero, tamper_status, tamper_short, tamper_huge,
        tamper_id,
    };
    uint32_t way = model_random(m) % 1024;

    if (way < ARRAY_SIZE(ways)) {
        return ways[way](m, type, response, bytes);
    }
    if (way < 32 && bytes > sizeof(GdmaRespHeaderWire)) {
        uint32_t body = bytes - sizeof(GdmaRespHeaderWire);

        for (uint32_t i = model_random(m) % 4; i > 0; i--) {
            uint32_t at = sizeof(GdmaRespHeaderWire) + model_random(m) % body;

            /* small numbers are IDs that somebody has */
            ((uint8_t *)response)[at] = model_random(m) % (i % 2 ? 256 : 8);
        }
    }
    return bytes;
}

/* A driver that is begun again serves an honest adapter */
static void expect_recovery(Model *m)
{
    m->tamper = NULL;
    m->is_hostile = false;
    m->on_owner = NULL;
    mana_drv_start(m->d);
    model_wait(m, 1000);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    model_expect_traffic(m);
}

static void test_bad_answers(void)
{
    static uint32_t (*const tampers[])(Model *, uint32_t, void *, uint32_t) = {
        tamper_garbage, tamper_zero, tamper_status, tamper_short, tamper_huge,
        tamper_id,
    };
    static const uint32_t types[] = {
        GDMA_VERIFY_VF_DRIVER_VERSION, GDMA_QUERY_HWC_TIMEOUT,
        GDMA_QUERY_MAX_RESOURCES, GDMA_LIST_DEVICES, GDMA_REGISTER_DEVICE,
        MANA_QUERY_DEV_CONFIG, MANA_QUERY_VPORT_CONFIG, MANA_CONFIG_VPORT_TX,
        MANA_CONFIG_VPORT_RX,
    };

    for (int t = 0; t < ARRAY_SIZE(types); t++) {
        for (int k = 0; k < ARRAY_SIZE(tampers); k++) {
            Model *m = model_new();

            m->tamper = tampers[k];
            m->tamper_type = types[t];
            g_assert_true(mana_drv_port_add(m->d, 0, 2, 1500));
            mana_drv_start(m->d);
            model_wait(m, 100000);
            g_assert_true(m->state == MANA_DRV_FAILED ||
                          m->state == MANA_DRV_RUNNING);
            expect_recovery(m);
            model_free(m);
        }
    }
}

/* IDs of queues that no doorbell has room for */
static void test_bad_queue_ids(void)
{
    static const uint32_t types[] = { GDMA_CREATE_QUEUE, MANA_CREATE_WQ_OBJ };

    for (int i = 0; i < ARRAY_SIZE(types); i++) {
        Model *m = model_new();

        m->tamper = tamper_garbage;
        m->tamper_type = types[i];
        g_assert_true(mana_drv_port_add(m->d, 0, 2, 1500));
        mana_drv_start(m->d);
        model_wait(m, 100000);
        g_assert_cmpint(m->state, ==, MANA_DRV_FAILED);
        model_free(m);
    }
}

static void test_bad_registers(void)
{
    static const struct {
        unsigned int reg;
        uint64_t val;
    } cases[] = {
        { GDMA_REG_SHM_OFFSET, 64 * 1024 - 31 },
        { GDMA_REG_SHM_OFFSET, UINT64_MAX - 3 },
        { GDMA_REG_SHM_OFFSET, 0x29 },
        { GDMA_REG_DB_ZONE_OFFSET, 64 * 1024 },
        { GDMA_REG_DB_ZONE_OFFSET, UINT64_MAX - 7 },
        { GDMA_REG_DB_PAGE_BYTES, 0 },
        { GDMA_REG_DB_PAGE_BYTES, 8 },
        { GDMA_REG_DB_PAGE_BYTES, 0xffff },
    };

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        Model *m = model_new();

        m->regs[cases[i].reg / 8] = cases[i].val;
        g_assert_true(mana_drv_port_add(m->d, 0, 1, 1500));
        mana_drv_start(m->d);
        model_wait(m, 100000);
        g_assert_cmpint(m->state, ==, MANA_DRV_FAILED);
        model_free(m);
    }
}

/* Completions that no packet belongs to: a reset, and it goes on */
static void test_bad_completions(void)
{
    for (int i = 0; i < 7; i++) {
        Model *m = model_start(1);
        bool is_sq = i < 2;
        uint32_t id = model_find(m, is_sq, 0, 0);
        ManaRxCqeWire rx = {
            .header = cpu_to_le32(MANA_CQE_RX_OKAY | 1 << 6),
            .ppi[0].bytes = cpu_to_le16(60),
        };
        ManaTxCqeWire tx = {
            .header = cpu_to_le32(MANA_CQE_TX_OKAY | 1 << 6),
        };
        uint32_t cq_id = is_sq ? m->sq[id].parent : m->rq[id].parent;

        switch (i) {
        case 0:                         /* of nothing sent */
            break;
        case 1:
            g_assert_cmpint(model_send(m, 0, 60, 1), ==, MANA_DRV_SENT);
            tx.offsets = cpu_to_le32(0xffffffff);
            break;
        case 2:
            rx.wqe_offset_bytes = cpu_to_le32(32);
            break;
        case 3:
            rx.wqe_offset_bytes = cpu_to_le32(UINT32_MAX);
            break;
        case 4:
            rx.ppi[0].bytes = cpu_to_le16(UINT16_MAX);
            break;
        case 5:
            rx.header = cpu_to_le32(MANA_CQE_RX_COALESCED_8 | 1 << 6);
            break;
        case 6:
            rx.header = cpu_to_le32(MANA_CQE_RX_OKAY);
            break;
        }
        if (is_sq) {
            model_post_cqe(m, cq_id, &tx, sizeof(tx), id, true);
        } else {
            model_post_cqe(m, cq_id, &rx, sizeof(rx), id, false);
        }
        model_cq_notify(m, cq_id);
        model_run(m);
        g_assert_cmpint(m->state, ==, MANA_DRV_RESETTING);
        model_wait(m, 100);
        g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
        model_expect_traffic(m);
        model_free(m);
    }
}

/* Events of all kinds and all data, and a queue that overran */
static void test_bad_events(void)
{
    Model *m = model_start(2);

    for (uint32_t type = 0; type < 256; type++) {
        for (uint32_t id = 1; id < 4; id++) {
            if (m->hwc_up && m->eq[id].is_used) {
                model_post_eqe(m, id, type, 0x01ffffff * type);
            }
            model_run(m);
        }
        model_wait(m, 20000);
    }
    mana_drv_start(m->d);
    model_run(m);
    for (int i = 0; i < 700; i++) {
        model_post_eqe(m, 1, GDMA_EQE_TEST_EVENT, 0);
    }
    model_run(m);
    g_assert_cmpint(m->state, ==, MANA_DRV_RESETTING);
    model_wait(m, 100);
    model_expect_traffic(m);
    model_free(m);
}

/* All that the adapter can write, at random */
static void test_random_memory(void)
{
    Model *m = model_start(2);
    uint32_t seed = 1;

    for (int i = 0; i < 3000; i++) {
        ModelQueue *tables[] = { m->eq, m->cq };
        ModelQueue *q;

        seed = seed * 1664525 + 1013904223;
        q = &tables[seed >> 31][(seed >> 8) % 12];
        if (q->is_used) {
            uint32_t at = (seed >> 4) % q->bytes;

            m->memory[q->addr - MODEL_MEMORY_ADDR + at] = seed >> 12;
        }
        if (m->hwc_up && i % 3 == 0) {
            model_send(m, i % 2, 60, i);
            mana_drv_flush(m->d);
        }
        mana_drv_interrupt(m->d, i % MODEL_VECTORS);
        model_wait(m, i % 50 ? 1 : 3000);
        if (m->state == MANA_DRV_FAILED) {
            mana_drv_start(m->d);
        }
    }
    mana_drv_start(m->d);
    model_wait(m, 100);
    model_expect_traffic(m);
    model_free(m);
}

/* An owner that has a wish whenever it is told something */
static void owner_wishes(Model *m)
{
    static const uint8_t key[MANA_HASH_KEY_BYTES] = { 1 };
    uint8_t table[3] = { model_random(m), model_random(m), model_random(m) };
    unsigned int port = model_random(m) % MODEL_PORTS;

    switch (model_random(m) % 6) {
    case 0:
        mana_drv_set_rss(m->d, port, true, key, table, sizeof(table));
        break;
    case 1:
        mana_drv_set_rss(m->d, port, false, NULL, NULL, 0);
        break;
    case 2:
        mana_drv_set_serial(m->d, port, model_random(m));
        break;
    case 3:
        /* filter_moved may answer at once: not from in there for ever */
        m->on_owner = NULL;
        mana_drv_set_filter(m->d, port, model_random(m) % 2);
        m->on_owner = owner_wishes;
        break;
    case 4:
        model_send(m, model_random(m), 60, 1);
        break;
    default:
        mana_drv_flush(m->d);
        break;
    }
}

/* Wishes in the middle of an answer come after it: none is mixed up with another */
static void test_wishes_inside_of_callbacks(void)
{
    for (uint32_t seed = 0; seed < 200; seed++) {
        Model *m = model_new();

        m->seed = seed;
        m->on_owner = owner_wishes;
        g_assert_true(mana_drv_port_add(m->d, 0, 2, 1500));
        g_assert_true(mana_drv_port_add(m->d, 1, 2, 1500));
        mana_drv_start(m->d);
        for (int i = 0; i < 20; i++) {
            owner_wishes(m);
            model_wait(m, 1);
        }
        g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
        g_assert_cmpuint(m->resets, ==, 1);
        expect_recovery(m);
        model_free(m);
    }
}

static void hostile_move(Model *m)
{
    ManaRxCqeWire cqe;
    uint32_t id = model_random(m) % 16;

    switch (model_random(m) % 8) {
    case 0:
        if (m->cq[id].is_used) {
            for (unsigned int i = 0; i < sizeof(cqe); i++) {
                ((uint8_t *)&cqe)[i] = model_random(m);
            }
            model_post_cqe(m, id, &cqe, sizeof(cqe), model_random(m) % 16,
                           model_random(m) % 2);
            model_cq_notify(m, id);
        }
        break;
    case 1:
        model_post_eqe(m, id, model_random(m), model_random(m));
        break;
    case 2:
        mana_drv_interrupt(m->d, model_random(m) % MODEL_VECTORS);
        break;
    case 3:
        mana_drv_port_remove(m->d, 1);
        g_assert_true(mana_drv_port_add(m->d, 1, 1 + model_random(m) % 4,
                                        1500));
        break;
    case 4:
        model_send(m, model_random(m), 60 + model_random(m) % 3000, 1);
        mana_drv_flush(m->d);
        break;
    case 5:
        if (m->state == MANA_DRV_FAILED) {
            mana_drv_start(m->d);
        }
        break;
    default:
        owner_wishes(m);
        break;
    }
    model_wait(m, model_random(m) % 40 ? 1 : 5000);
}

/* Answers, events and completions at random, while the owner goes on */
static void test_random_answers(void)
{
    unsigned int up = 0;

    for (uint32_t seed = 1; seed <= 200; seed++) {
        Model *m = model_new();

        m->seed = seed * 7919;
        m->tamper = tamper_random;
        m->is_hostile = true;
        m->on_owner = owner_wishes;
        g_assert_true(mana_drv_port_add(m->d, 0, 3, 1500));
        g_assert_true(mana_drv_port_add(m->d, 1, 1, 9000));
        mana_drv_start(m->d);
        for (int i = 0; i < 100; i++) {
            hostile_move(m);
            up += mana_drv_port_is_up(m->d, 0);
        }
        expect_recovery(m);
        model_free(m);
    }
    /* it is no test if the driver never gets anywhere */
    g_assert_cmpuint(up, >, 1000);
}

/* A port goes while the first request for it is under way */
static void test_port_goes_while_it_comes(void)
{
    Model *m = model_start(1);

    m->is_mute = true;
    g_assert_true(mana_drv_port_add(m->d, 1, 1, 1500));
    mana_drv_port_remove(m->d, 1);
    m->is_mute = false;
    model_wait(m, 100);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    g_assert_false(mana_drv_port_is_up(m->d, 1));
    g_assert_false(m->rx_on[1]);
    model_expect_traffic(m);
    model_free(m);
}

#define DRV_TEST(name) \
    g_test_add_func("/paravisor/mana-drv-hostile/" #name, test_ ## name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    DRV_TEST(bad_answers);
    DRV_TEST(bad_queue_ids);
    DRV_TEST(bad_registers);
    DRV_TEST(bad_completions);
    DRV_TEST(bad_events);
    DRV_TEST(random_memory);
    DRV_TEST(wishes_inside_of_callbacks);
    DRV_TEST(random_answers);
    DRV_TEST(port_goes_while_it_comes);
    return g_test_run();
}
