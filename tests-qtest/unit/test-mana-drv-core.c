/*
 * Unit tests of VTL2's MANA driver, against a model of the adapter
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-model.h"

/* --- setup --- */

static void test_comes_up(void)
{
    Model *m = model_start(4);

    g_assert_cmpuint(mana_drv_port_queues(m->d, 0), ==, 4);
    g_assert_cmpuint(mana_drv_port_mac(m->d, 0)[0], ==, 2);
    g_assert_true(m->rx_on[0]);
    g_assert_cmpuint(m->port_changes, ==, 1);
    g_assert_cmpuint(m->tx_ready, ==, 4);
    g_assert_cmpuint(m->resets, ==, 1);
    g_assert_cmphex(m->vectors_on, ==, 0x1f);
    model_expect_traffic(m);
    model_free(m);
}

static void test_waits_for_shared_memory(void)
{
    Model *m = model_new();

    m->shm_is_slow = true;
    g_assert_true(mana_drv_port_add(m->d, 0, 1, 1500));
    mana_drv_start(m->d);
    g_assert_cmpint(m->state, ==, MANA_DRV_STARTING);
    model_wait(m, 10);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    model_expect_traffic(m);
    model_free(m);
}

static void test_serves_two_ports(void)
{
    Model *m = model_start(2);

    g_assert_false(mana_drv_port_add(m->d, 0, 2, 1500));
    g_assert_true(mana_drv_port_add(m->d, 1, 2, 1500));
    model_run(m);
    g_assert_true(mana_drv_port_is_up(m->d, 1));
    g_assert_cmpuint(mana_drv_port_mac(m->d, 1)[5], ==, 1);
    g_assert_true(model_receive(m, 1, 0, "0123456789abcdef", 16, 0));
    model_run(m);
    g_assert_cmpuint(((ModelFrame *)m->got->pdata[0])->port, ==, 1);
    model_expect_traffic(m);
    /* the other one comes back after the reset */
    mana_drv_port_remove(m->d, 1);
    model_run(m);
    g_assert_cmpuint(m->resets, >, 1);
    model_expect_traffic(m);
    model_free(m);
}

static void test_takes_fewer_queues_for_want_of_memory(void)
{
    Model *m = model_new();

    m->memory_bytes = 5u << 20;
    g_assert_true(mana_drv_port_add(m->d, 0, 8, 1500));
    mana_drv_start(m->d);
    model_run(m);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    g_assert_cmpuint(mana_drv_port_queues(m->d, 0), <, 8);
    g_assert_cmpuint(mana_drv_memory(m->d), ==, m->used_bytes);
    model_expect_traffic(m);
    model_free(m);
}

static void test_gives_up_without_memory(void)
{
    Model *m = model_new();

    m->memory_bytes = 64 << 10;
    g_assert_true(mana_drv_port_add(m->d, 0, 1, 1500));
    mana_drv_start(m->d);
    model_wait(m, 20000);
    g_assert_cmpint(m->state, ==, MANA_DRV_FAILED);
    g_assert_nonnull(mana_drv_error(m->d));
    g_assert_false(mana_drv_port_link(m->d, 0));
    g_assert_cmpint(model_send(m, 0, 60, 1), ==, MANA_DRV_DROPPED);
    /* a start is a new chance */
    m->memory_bytes = MODEL_MEMORY_BYTES;
    mana_drv_start(m->d);
    model_run(m);
    model_expect_traffic(m);
    model_free(m);
}

/* --- sending --- */

static const ModelFrame *sent(Model *m, unsigned int nth)
{
    g_assert_cmpuint(nth, <, m->sent->len);
    return m->sent->pdata[nth];
}

static void test_one_doorbell_for_a_batch(void)
{
    Model *m = model_start(1);
    unsigned int before = m->doorbells;

    for (int i = 0; i < 100; i++) {
        g_assert_cmpint(model_send(m, 0, 60 + i, i), ==, MANA_DRV_SENT);
    }
    g_assert_cmpuint(m->doorbells, ==, before);
    mana_drv_flush(m->d);
    g_assert_cmpuint(m->doorbells, ==, before + 1);
    model_run(m);
    g_assert_cmpuint(m->sent->len, ==, 100);
    for (int i = 0; i < 100; i++) {
        g_assert_cmpuint(sent(m, i)->bytes, ==, 60 + i);
        g_assert_cmpuint(sent(m, i)->data[59 + i], ==, i);
    }
    model_free(m);
}

static void test_many_frames_of_all_sizes(void)
{
    Model *m = model_start(2);
    uint64_t bytes = 0;

    for (int i = 0; i < 20000; i++) {
        uint32_t n = 14 + i * 37 % 9000;

        while (model_send(m, i % 2, n, i) == MANA_DRV_NO_ROOM) {
            unsigned int ready = m->tx_ready;

            model_run(m);
            g_assert_cmpuint(m->tx_ready, >, ready);
        }
        bytes += n;
        if (i % 7 == 0) {
            mana_drv_flush(m->d);
        }
    }
    mana_drv_flush(m->d);
    model_run(m);
    g_assert_cmpuint(m->sent->len, ==, 20000);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_packets, ==, 20000);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_bytes, ==, bytes);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_errors, ==, 0);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 0);
    model_free(m);
}

static void test_checksum_offload(void)
{
    Model *m = model_start(1);
    uint8_t frame[256];
    ManaDrvTx tx = { .needs_csum = true };

    for (int i = 0; i < 4; i++) {
        bool vlan = i & 1, udp = i & 2;
        uint32_t l4 = vlan ? 38 : 34;
        const ModelFrame *f;

        tx.bytes = model_packet(frame, udp ? 17 : 6, 100, vlan);
        tx.csum_start = l4;
        tx.csum_offset = udp ? 6 : 16;
        g_assert_cmpint(mana_drv_send(m->d, 0, 0, frame, &tx), ==,
                        MANA_DRV_SENT);
        mana_drv_flush(m->d);
        model_run(m);
        f = sent(m, i);
        g_assert_cmpuint(f->oob_bytes, ==, 8);
        g_assert_cmphex(FIELD_EX32(f->oob[0], MANA_TX_OOB0, TCP_CSUM), ==,
                        !udp);
        g_assert_cmphex(FIELD_EX32(f->oob[0], MANA_TX_OOB0, UDP_CSUM), ==, udp);
        g_assert_cmphex(FIELD_EX32(f->oob[0], MANA_TX_OOB0, IS_IPV4), ==, 1);
        g_assert_cmphex(FIELD_EX32(f->oob[1], MANA_TX_OOB1, TRANSPORT_OFFSET),
                        ==, l4);
        g_assert_cmphex(FIELD_EX32(f->oob[1], MANA_TX_OOB1, VPORT_OFFSET), ==,
                        3);
        g_assert_cmpmem(f->data, f->bytes, frame, tx.bytes);
    }
    model_free(m);
}

/* One that the adapter does not know is made here */
static void test_other_checksum_in_software(void)
{
    Model *m = model_start(1);
    uint8_t frame[128];
    ManaDrvTx tx = { .needs_csum = true, .csum_start = 34, .csum_offset = 2 };
    uint32_t sum = 0;

    tx.bytes = model_packet(frame, 6, 20, false);
    frame[23] = 132;
    memset(frame + 34, 0, tx.bytes - 34);
    frame[40] = 0x12;
    frame[41] = 0x34;
    g_assert_cmpint(mana_drv_send(m->d, 0, 0, frame, &tx), ==, MANA_DRV_SENT);
    mana_drv_flush(m->d);
    model_run(m);
    g_assert_cmphex(sent(m, 0)->oob[0] & 0x70, ==, 0);
    for (uint32_t i = 34; i < tx.bytes; i += 2) {
        sum += lduw_be_p(sent(m, 0)->data + i);
    }
    g_assert_cmphex(sum, ==, 0xffff);
    model_free(m);
}

static void test_segmentation_offload(void)
{
    Model *m = model_start(1);
    g_autofree uint8_t *frame = g_malloc(MANA_DRV_MAX_TX_BYTES);
    ManaDrvTx tx = { .needs_csum = true, .csum_start = 34, .csum_offset = 16,
                     .gso = MANA_DRV_GSO_TCP4, .mss = 1448 };
    const ModelFrame *f;

    for (int i = 0; i < 50; i++) {
        tx.bytes = model_packet(frame, 6, 65000 - i * 1000, false);
        while (mana_drv_send(m->d, 0, 0, frame, &tx) == MANA_DRV_NO_ROOM) {
            model_run(m);
        }
        mana_drv_flush(m->d);
    }
    model_run(m);
    g_assert_cmpuint(m->sent->len, ==, 50);
    f = sent(m, 49);
    g_assert_true(f->is_lso);
    g_assert_cmpuint(f->mss, ==, 1448);
    g_assert_cmpuint(f->header_bytes, ==, 54);
    g_assert_cmpuint(f->sge_count, ==, 2);
    g_assert_cmpmem(f->data, f->bytes, frame, tx.bytes);
    /* no TCP, wrong version, no MSS, no payload */
    frame[23] = 17;
    g_assert_cmpint(mana_drv_send(m->d, 0, 0, frame, &tx), ==,
                    MANA_DRV_DROPPED);
    frame[23] = 6;
    tx.gso = MANA_DRV_GSO_TCP6;
    g_assert_cmpint(mana_drv_send(m->d, 0, 0, frame, &tx), ==,
                    MANA_DRV_DROPPED);
    tx.gso = MANA_DRV_GSO_TCP4;
    tx.mss = 0;
    g_assert_cmpint(mana_drv_send(m->d, 0, 0, frame, &tx), ==,
                    MANA_DRV_DROPPED);
    tx.mss = 1448;
    tx.bytes = model_packet(frame, 6, 0, false);
    g_assert_cmpint(mana_drv_send(m->d, 0, 0, frame, &tx), ==,
                    MANA_DRV_DROPPED);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_errors, ==, 4);
    model_expect_traffic(m);
    model_free(m);
}

static void test_long_descriptor(void)
{
    Model *m = model_new();
    const ModelFrame *f;

    m->short_form = false;
    g_assert_true(mana_drv_port_add(m->d, 0, 1, 1500));
    mana_drv_start(m->d);
    model_run(m);
    model_expect_traffic(m);
    f = sent(m, 0);
    g_assert_cmpuint(f->oob_bytes, ==, 24);
    g_assert_cmphex(FIELD_EX32(f->oob[0], MANA_TX_OOB0, FORMAT), ==,
                    MANA_TX_FORMAT_LONG);
    g_assert_cmphex(FIELD_EX32(f->oob[3], MANA_TX_OOB3, VPORT_OFFSET), ==, 300);
    model_free(m);
}

static void test_drops_runts_and_giants(void)
{
    Model *m = model_start(1);

    g_assert_cmpint(model_send(m, 0, 13, 1), ==, MANA_DRV_DROPPED);
    g_assert_cmpint(model_send(m, 0, MANA_DRV_MAX_TX_BYTES + 1, 1), ==,
                    MANA_DRV_DROPPED);
    g_assert_cmpint(model_send(m, 0, MANA_DRV_MAX_TX_BYTES, 1), ==,
                    MANA_DRV_SENT);
    g_assert_cmpint(model_send(m, 0, 14, 1), ==, MANA_DRV_SENT);
    mana_drv_flush(m->d);
    model_run(m);
    g_assert_cmpuint(m->sent->len, ==, 2);
    model_free(m);
}

/* --- receiving --- */

static void test_receives_round_and_round(void)
{
    Model *m = model_start(2);
    uint8_t frame[1514];

    for (int i = 0; i < 5000; i++) {
        uint32_t bytes = 14 + i % 1500;

        memset(frame, i, sizeof(frame));
        while (!model_receive(m, 0, 0, frame, bytes, 0)) {
            model_run(m);
        }
        if (i % 100 == 0) {
            model_run(m);
        }
    }
    model_run(m);
    g_assert_cmpuint(m->got->len, ==, 5000);
    for (int i = 0; i < 5000; i++) {
        const ModelFrame *f = m->got->pdata[i];

        g_assert_cmpuint(f->bytes, ==, 14 + i % 1500);
        g_assert_cmpuint(f->data[f->bytes - 1], ==, i & 0xff);
    }
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 0);
    model_free(m);
}

static void test_receive_flags(void)
{
    static const struct {
        uint32_t flags;
        bool ok;
    } cases[] = {
        { 0, false },
        { R_MANA_RX_CQE_IP_OK_MASK, false },
        { R_MANA_RX_CQE_IP_OK_MASK | R_MANA_RX_CQE_TCP_OK_MASK, true },
        { R_MANA_RX_CQE_IP_OK_MASK | R_MANA_RX_CQE_UDP_OK_MASK, true },
        { R_MANA_RX_CQE_IP_BAD_MASK | R_MANA_RX_CQE_TCP_OK_MASK, false },
        { R_MANA_RX_CQE_IP_OK_MASK | R_MANA_RX_CQE_TCP_BAD_MASK, false },
    };
    Model *m = model_start(1);
    uint8_t frame[128];
    uint32_t bytes = model_packet(frame, 6, 20, false);
    const ModelFrame *f;

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        g_assert_true(model_receive(m, 0, 0, frame, bytes, cases[i].flags));
        model_run(m);
        f = m->got->pdata[i];
        g_assert_cmpint(f->is_lso, ==, cases[i].ok);
        g_assert_cmpmem(f->data, f->bytes, frame, bytes);
    }
    /* the tag comes back */
    g_assert_true(model_receive(m, 0, 0, frame, bytes,
                                R_MANA_RX_CQE_VLAN_PRESENT_MASK | 0x123));
    model_run(m);
    f = m->got->pdata[m->got->len - 1];
    g_assert_cmpuint(f->bytes, ==, bytes + 4);
    g_assert_cmphex((uint32_t)ldl_be_p(f->data + 12), ==, 0x81000123);
    g_assert_cmpmem(f->data, 12, frame, 12);
    g_assert_cmpmem(f->data + 16, f->bytes - 16, frame + 12, bytes - 12);
    model_free(m);
}

static void test_owner_can_hold(void)
{
    Model *m = model_start(1);
    uint8_t frame[64] = { 2 };

    m->refuse_rx = true;
    for (int i = 0; i < 20; i++) {
        g_assert_true(model_receive(m, 0, 0, frame, 60, 0));
    }
    model_run(m);
    g_assert_cmpuint(m->got->len, ==, 1);
    /* nothing more before it says so, whatever comes */
    g_assert_true(model_receive(m, 0, 0, frame, 60, 0));
    model_run(m);
    mana_drv_poll(m->d);
    g_assert_cmpuint(m->got->len, ==, 1);
    m->refuse_rx = false;
    mana_drv_rx_resume(m->d, 0, 0);
    model_run(m);
    g_assert_cmpuint(m->got->len, ==, 21);
    model_expect_traffic(m);
    model_free(m);
}

static void test_rss_spreads(void)
{
    Model *m = model_start(4);
    uint8_t key[MANA_HASH_KEY_BYTES] = { 1 }, table[4] = { 3, 2, 1, 0 };
    uint8_t frame[64] = { 2 };

    mana_drv_set_rss(m->d, 0, true, key, table, 4);
    model_run(m);
    g_assert_true(m->rss_on[0]);
    for (int i = 0; i < 40; i++) {
        g_assert_true(model_receive(m, 0, i, frame, 60, 0));
    }
    model_run(m);
    for (int q = 0; q < 4; q++) {
        g_assert_cmpuint(m->got_queue[q], ==, 10);
    }
    g_assert_cmphex(m->table[0][0], ==, m->rq[model_find(m, false, 0, 3)].obj);
    mana_drv_set_rss(m->d, 0, false, NULL, NULL, 0);
    model_run(m);
    g_assert_false(m->rss_on[0]);
    g_assert_cmphex(m->default_rq[0], ==,
                    m->rq[model_find(m, false, 0, 0)].obj);
    model_free(m);
}

/* --- filter and serial --- */

static void test_moves_filter(void)
{
    Model *m = model_start(1);

    mana_drv_set_serial(m->d, 0, 77);
    mana_drv_set_filter(m->d, 0, true);
    g_assert_cmpuint(m->moved, ==, 0);
    model_run(m);
    g_assert_true(m->to_vtl0[0]);
    g_assert_cmpuint(m->serial[0], ==, 77);
    g_assert_cmpuint(m->moved, ==, 1);
    g_assert_true(m->moved_to_vtl0);
    /* to and fro while a request is under way: the last wish counts */
    mana_drv_set_filter(m->d, 0, false);
    mana_drv_set_filter(m->d, 0, true);
    mana_drv_set_filter(m->d, 0, false);
    model_run(m);
    g_assert_false(m->to_vtl0[0]);
    g_assert_false(m->moved_to_vtl0);
    /* where it is already */
    m->moved = 0;
    mana_drv_set_filter(m->d, 0, false);
    g_assert_cmpuint(m->moved, ==, 1);
    model_free(m);
}

static void test_filter_survives_reset(void)
{
    Model *m = model_start(1);

    mana_drv_set_filter(m->d, 0, true);
    mana_drv_set_serial(m->d, 0, 5);
    model_run(m);
    model_post_eqe(m, 1, GDMA_EQE_HWC_RESET_REQUEST, 0);
    model_wait(m, 1000);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    g_assert_cmpuint(m->resets, ==, 2);
    g_assert_true(m->to_vtl0[0]);
    g_assert_cmpuint(m->serial[0], ==, 5);
    g_assert_cmpuint(m->moved, ==, 2);
    model_free(m);
}

/* --- recovery --- */

static void test_reset_request_loses_nothing(void)
{
    Model *m = model_start(2);

    /* what the adapter has not seen is sent again */
    m->sq[model_find(m, true, 0, 0)].is_stuck = true;
    for (int i = 0; i < 10; i++) {
        g_assert_cmpint(model_send(m, 0, 60, i), ==, MANA_DRV_SENT);
    }
    mana_drv_flush(m->d);
    model_post_eqe(m, 1, GDMA_EQE_HWC_RESET_REQUEST, 0);
    model_run(m);
    g_assert_cmpint(m->state, ==, MANA_DRV_RESETTING);
    g_assert_cmpint(model_send(m, 0, 60, 10), ==, MANA_DRV_NO_ROOM);
    m->tx_ready = 0;
    model_wait(m, 100);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    g_assert_cmpuint(m->tx_ready, ==, 2);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 1);
    g_assert_cmpuint(m->sent->len, ==, 10);
    for (int i = 0; i < 10; i++) {
        g_assert_cmpuint(sent(m, i)->data[0], ==, i);
    }
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_errors, ==, 0);
    model_expect_traffic(m);
    model_free(m);
}

/* Completions of sending are looked at late, and also before a reset */
static void test_reset_request_sends_nothing_twice(void)
{
    Model *m = model_start(2);

    for (int i = 0; i < 10; i++) {
        g_assert_cmpint(model_send(m, i % 2, 60, i), ==, MANA_DRV_SENT);
    }
    mana_drv_flush(m->d);
    model_run(m);
    g_assert_cmpuint(m->sent->len, ==, 10);
    model_post_eqe(m, 1, GDMA_EQE_HWC_RESET_REQUEST, 0);
    model_wait(m, 1000);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 1);
    g_assert_cmpuint(m->sent->len, ==, 10);
    g_assert_cmpuint(mana_drv_port_stats(m->d, 0)->tx_errors, ==, 0);
    model_expect_traffic(m);
    model_free(m);
}

static void test_stuck_queue_is_reset(void)
{
    Model *m = model_start(1);

    m->sq[model_find(m, true, 0, 0)].is_stuck = true;
    g_assert_cmpint(model_send(m, 0, 60, 1), ==, MANA_DRV_SENT);
    mana_drv_flush(m->d);
    model_wait(m, 5000);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 0);
    model_wait(m, 2000);
    g_assert_cmpuint(mana_drv_resets(m->d), ==, 1);
    g_assert_cmpuint(m->sent->len, ==, 1);
    /* a packet that does it again is not sent a third time */
    m->sq[model_find(m, true, 0, 0)].is_stuck = true;
    g_assert_cmpint(model_send(m, 0, 60, 2), ==, MANA_DRV_SENT);
    mana_drv_flush(m->d);
    for (int i = 0; i < 2; i++) {
        m->sq[model_find(m, true, 0, 0)].is_stuck = true;
        model_post_eqe(m, 1, GDMA_EQE_HWC_RESET_REQUEST, 0);
        model_run(m);
        m->is_mute = true;
        model_wait(m, 10);
        m->is_mute = false;
        model_wait(m, 0);
        model_run(m);
    }
    model_wait(m, 100);
    model_expect_traffic(m);
    model_free(m);
}

static void test_mute_channel_is_reset(void)
{
    Model *m = model_start(1);

    m->is_mute = true;
    mana_drv_set_filter(m->d, 0, true);
    /* the adapter has said 200 ms */
    model_wait(m, 190);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    model_wait(m, 11);
    g_assert_cmpint(m->state, ==, MANA_DRV_RESETTING);
    m->is_mute = false;
    model_wait(m, 100);
    g_assert_cmpint(m->state, ==, MANA_DRV_RUNNING);
    g_assert_true(m->to_vtl0[0]);
    model_expect_traffic(m);
    model_free(m);
}

static void test_gives_up_on_a_dead_adapter(void)
{
    Model *m = model_start(1);

    m->is_mute = true;
    mana_drv_set_filter(m->d, 0, true);
    model_wait(m, 200000);
    g_assert_cmpint(m->state, ==, MANA_DRV_FAILED);
    g_assert_cmpint(model_send(m, 0, 60, 1), ==, MANA_DRV_DROPPED);
    model_free(m);
}

static void test_adapter_that_is_gone(void)
{
    Model *m = model_start(1);

    m->is_gone = true;
    model_post_eqe(m, 1, GDMA_EQE_HWC_RESET_REQUEST, 0);
    model_wait(m, 20000);
    g_assert_cmpint(m->state, ==, MANA_DRV_FAILED);
    mana_drv_removed(m->d);
    g_assert_cmpuint(m->used_bytes, ==, 0);
    g_assert_cmpint(m->state, ==, MANA_DRV_OFF);
    g_assert_false(mana_drv_port_link(m->d, 0));
    g_assert_cmpint(model_send(m, 0, 60, 1), ==, MANA_DRV_DROPPED);
    mana_drv_start(m->d);
    g_assert_cmpint(m->state, ==, MANA_DRV_OFF);
    model_free(m);
}

static void test_link_events(void)
{
    Model *m = model_start(1);

    g_assert_true(mana_drv_port_link(m->d, 0));
    model_post_eqe(m, 1, GDMA_EQE_HWC_SOC_RECONFIG_DATA,
                   GDMA_RECONFIG_LINK_DISCONNECT << 24);
    model_run(m);
    g_assert_false(mana_drv_port_link(m->d, 0));
    g_assert_cmpuint(m->port_changes, ==, 2);
    model_post_eqe(m, 1, GDMA_EQE_HWC_SOC_RECONFIG_DATA,
                   GDMA_RECONFIG_LINK_CONNECT << 24);
    model_run(m);
    g_assert_true(mana_drv_port_link(m->d, 0));
    model_free(m);
}

#define DRV_TEST(name) \
    g_test_add_func("/paravisor/mana-drv-core/" #name, test_ ## name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    DRV_TEST(comes_up);
    DRV_TEST(waits_for_shared_memory);
    DRV_TEST(serves_two_ports);
    DRV_TEST(takes_fewer_queues_for_want_of_memory);
    DRV_TEST(gives_up_without_memory);
    DRV_TEST(one_doorbell_for_a_batch);
    DRV_TEST(many_frames_of_all_sizes);
    DRV_TEST(checksum_offload);
    DRV_TEST(other_checksum_in_software);
    DRV_TEST(segmentation_offload);
    DRV_TEST(long_descriptor);
    DRV_TEST(drops_runts_and_giants);
    DRV_TEST(receives_round_and_round);
    DRV_TEST(receive_flags);
    DRV_TEST(owner_can_hold);
    DRV_TEST(rss_spreads);
    DRV_TEST(moves_filter);
    DRV_TEST(filter_survives_reset);
    DRV_TEST(reset_request_loses_nothing);
    DRV_TEST(reset_request_sends_nothing_twice);
    DRV_TEST(stuck_queue_is_reset);
    DRV_TEST(mute_channel_is_reset);
    DRV_TEST(gives_up_on_a_dead_adapter);
    DRV_TEST(adapter_that_is_gone);
    DRV_TEST(link_events);
    return g_test_run();
}
