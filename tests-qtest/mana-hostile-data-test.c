/*
 * mana: a guest that means harm, in queues, packets and doorbells
 *
 * Vport 0 is the culprit's.  Vport 1 belongs to somebody else, and its traffic
 * must go on whatever happens.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/flipper.h"
#include "lib/mana-machine.h"
#include "lib/net-rss.h"

#define FRAME_BYTES     1514
#define UNMAPPED_GPA    0x7fffff000000ull
#define HPET_GPA        0xfed00000ull       /* MMIO of another device */

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];
static uint8_t got[NET_MAX_BYTES];

typedef struct Scene {
    ManaMachine m;
    ManaPort victim;
    ManaVport *vp;
    GdmaEq *eq;
    uint64_t heap;
} Scene;

static void scene_open(Scene *s)
{
    mana_machine_drive(&s->m, 2, "");
    s->victim = mana_port_up(s->m.d, 1, 2, FRAME_BYTES);
    s->vp = mana_vport_open(s->m.d, 0);
    s->eq = gdma_eq_new(s->m.d, GDMA_PAGE_SIZE, 1);
    s->heap = s->m.g->heap_gpa;
}

/* Somebody else's frames, both ways */
static void check_victim(Scene *s)
{
    for (uint32_t i = 0; i < 3; i++) {
        NetFlow in = net_flow(false, NET_RAW, s->victim.vp->mac, peer_mac);
        NetFlow out = net_flow(false, NET_RAW, peer_mac, s->victim.vp->mac);
        ManaTx tx = { .frame = frame, .bytes = 200 };

        net_build_raw(frame, &out, 200, i);
        mana_txq_send_ok(s->victim.txq, &tx);
        g_assert_cmpuint(net_wire_expect(&s->m.wire[1], got), ==, 200);
        g_assert_cmpmem(got, 200, frame, 200);
        net_build_raw(frame, &in, 300, i);
        mana_expect_arrival(&s->m.wire[1], s->victim.rxq, frame, 300);
    }
}

static void scene_close(Scene *s)
{
    check_victim(s);
    gdma_eq_destroy(s->eq);
    g_free(s->vp);
    mana_port_down(&s->victim);
    mana_machine_stop(&s->m);
}

static ManaTxq *new_txq(Scene *s)
{
    s->m.g->heap_gpa = s->heap;
    return mana_txq_new(s->vp, s->eq, 2 * GDMA_PAGE_SIZE, 4 * GDMA_PAGE_SIZE);
}

static ManaRxq *new_rxq(Scene *s)
{
    s->m.g->heap_gpa = s->heap;
    return mana_rxq_new(s->vp, s->eq, GDMA_PAGE_SIZE, 4 * GDMA_PAGE_SIZE,
                        FRAME_BYTES);
}

/* The queue is there to be destroyed, in whatever state it is */
static void end_txq(Scene *s, ManaTxq *txq)
{
    while (net_wire_wait(&s->m.wire[0], got, 0)) {
        /* what was let out */
    }
    s->m.d->ignores_strays = true;
    mana_txq_free(txq, true);
    gdma_settle(s->m.d);
    check_victim(s);
}

/* The culprit's frames work with a new queue */
static void check_culprit(Scene *s)
{
    NetFlow flow = net_flow(false, NET_RAW, peer_mac, s->vp->mac);
    ManaTxq *txq = new_txq(s);
    ManaTx tx = { .frame = frame, .bytes = 400 };

    net_build_raw(frame, &flow, 400, 1);
    mana_txq_send_ok(txq, &tx);
    g_assert_cmpuint(net_wire_expect(&s->m.wire[0], got), ==, 400);
    g_assert_cmpmem(got, 400, frame, 400);
    mana_txq_free(txq, true);
}

/* --- TX --- */

static void put_wqe(GdmaWq *wq, const uint32_t oob[6], unsigned oob_bytes,
                    const GdmaSgeWire *sges, unsigned count, bool in_sgl,
                    uint16_t unit)
{
    GdmaWqe wqe = {
        .oob = oob, .oob_bytes = oob_bytes, .sges = sges, .sge_count = count,
        .oob_in_sgl = in_sgl, .client_data_unit = unit,
    };

    gdma_wq_put(wq, &wqe);
    gdma_wq_ring(wq);
    pcie_guest_step(wq->d->g, 10 * SCALE_US);
}

static void test_tx_from_where_no_memory_is(void)
{
    static const uint32_t sizes[] = {
        0, 1, 13, 14, 60, 1514, 4096, 65536, 0x7fffffff, 0x80000000,
        0xffffffff,
    };
    Scene s;
    uint64_t gpas[7];

    scene_open(&s);
    gpas[0] = s.m.d->bar.addr;                  /* its own registers */
    gpas[1] = s.m.d->bar.addr + s.m.d->db_zone; /* and doorbells */
    gpas[2] = UNMAPPED_GPA;
    gpas[3] = HPET_GPA;
    gpas[4] = ~0ull;                            /* wraps */
    gpas[5] = PCIE_GUEST_RAM_BYTES - 7;         /* begins in memory */
    gpas[6] = s.m.d->pci->msix_table_bar.addr;
    for (unsigned i = 0; i < ARRAY_SIZE(gpas); i++) {
        ManaTxq *txq = new_txq(&s);

        for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++) {
            uint32_t oob[6] = { txq->cq->id << 8, 0 };
            GdmaSgeWire sges[30];

            for (unsigned n = 0; n < 30; n++) {
                sges[n] = (GdmaSgeWire) {
                    .address = gpas[i], .mem_key = s.m.d->mkey,
                    .bytes = sizes[k],
                };
            }
            put_wqe(&txq->wq, oob, 8, sges, 1, false, 0);
            put_wqe(&txq->wq, oob, 8, sges, 30, false, 0);
        }
        end_txq(&s, txq);
    }
    check_culprit(&s);
    scene_close(&s);
}

/* Headers that cannot be segmented, an MSS that makes no sense */
static void test_tx_bad_segmentation(void)
{
    static const uint16_t units[] = { 0, 1, 2, 64, 1448, 0x3fff };
    static const uint32_t headers[] = { 0, 1, 13, 14, 33, 34, 53, 54, 55, 66,
                                        255, 256, 257, 1000, 65000 };
    Scene s;

    scene_open(&s);
    for (unsigned i = 0; i < ARRAY_SIZE(headers); i++) {
        ManaTxq *txq = new_txq(&s);
        uint64_t gpa = pcie_guest_alloc(s.m.g, 40);
        NetFlow flow = net_flow(i & 1, i % 3 ? NET_TCP : NET_UDP, peer_mac,
                                s.vp->mac);

        net_build(pcie_guest_ptr(s.m.g, gpa), &flow, 60000, i);
        for (unsigned k = 0; k < 2 * ARRAY_SIZE(units); k++) {
            uint32_t oob[6] = { txq->cq->id << 8 | 0x74, 0xfffffff };
            GdmaSgeWire sges[3] = {
                { .address = gpa, .mem_key = s.m.d->mkey, .bytes = headers[i] },
                { .address = gpa + headers[i], .mem_key = s.m.d->mkey,
                  .bytes = k & 1 ? 60 : 0 },
                { .address = gpa, .mem_key = s.m.d->mkey,
                  .bytes = k % 3 ? 20 : 4096 },
            };

            oob[0] |= k & 1;        /* long form */
            put_wqe(&txq->wq, oob, k & 1 ? 24 : 8, sges, 1 + k % 3, true,
                    units[k / 2]);
        }
        end_txq(&s, txq);
    }
    check_culprit(&s);
    scene_close(&s);
}

/* One byte of payload in a segment: as many segments as there are bytes */
static void test_tx_of_very_many_segments(void)
{
    Scene s;
    ManaTxq *txq;
    NetFlow flow;
    NetHeaders h;
    static const unsigned mss[] = { 1, 32, 33 };    /* the first is refused */
    unsigned frames = 0;
    ManaTx tx = {
        .frame = frame, .is_ipv4 = true, .ip_csum = true, .tcp_csum = true,
    };

    scene_open(&s);
    txq = new_txq(&s);
    flow = net_flow(false, NET_TCP, peer_mac, s.vp->mac);
    tx.bytes = net_build(frame, &flow, 60000, 1);
    g_assert(net_parse(frame, tx.bytes, &h));
    net_prepare_offload(frame, tx.bytes, true);
    tx.header_bytes = h.payload;
    tx.transport_offset = h.l4;
    for (size_t i = 0; i < ARRAY_SIZE(mss); i++) {
        tx.mss = mss[i];
        mana_txq_send(txq, &tx);
    }
    /* the victim lives next to it */
    check_victim(&s);
    while (net_wire_wait(&s.m.wire[0], got, GDMA_CLIENT_QUIET_US)) {
        frames++;
    }
    g_assert_cmpuint(frames, ==, DIV_ROUND_UP(60000, 32) +
                                 DIV_ROUND_UP(60000, 33));
    end_txq(&s, txq);
    check_culprit(&s);
    scene_close(&s);
}

/* Every short frame, with every offload asked for */
static void test_tx_of_stubs(void)
{
    Scene s;
    ManaTxq *txq;
    uint64_t gpa;

    scene_open(&s);
    for (unsigned kind = 0; kind < 4; kind++) {
        NetFlow flow = net_flow(kind & 1, kind & 2 ? NET_TCP : NET_UDP,
                                peer_mac, s.vp->mac);

        txq = new_txq(&s);
        gpa = pcie_guest_alloc(s.m.g, 1);
        net_build(pcie_guest_ptr(s.m.g, gpa), &flow, 60, kind);
        for (uint32_t bytes = 0; bytes < 120; bytes++) {
            uint32_t oob[6] = {
                txq->cq->id << 8 | 0x7d, bytes * 37 % 1024, 8 | 0x123 << 20,
            };
            GdmaSgeWire sge = {
                .address = gpa, .mem_key = s.m.d->mkey, .bytes = bytes,
            };

            put_wqe(&txq->wq, oob, 24, &sge, 1, false, 0);
        }
        end_txq(&s, txq);
    }
    check_culprit(&s);
    scene_close(&s);
}

/* Random entries and random tails, in SQ and RQ, and frames that come */
static void test_wild_entries(void)
{
    GRand *rand = g_rand_new_with_seed(11);
    NetFlow flow;
    Scene s;

    scene_open(&s);
    flow = net_flow(false, NET_RAW, s.vp->mac, peer_mac);
    for (unsigned round = 0; round < 80; round++) {
        ManaTxq *txq = new_txq(&s);
        ManaRxq *rxq = mana_rxq_new(s.vp, s.eq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE,
                                    FRAME_BYTES);
        GdmaWq *wq[2] = { &txq->wq, &rxq->wq };

        for (unsigned k = 0; k < 2; k++) {
            for (uint32_t at = 0; at < wq[k]->ring.bytes; at += 4) {
                uint32_t dice = g_rand_int_range(rand, 0, 6);

                stl_le_p(gdma_ring_at(s.m.d, &wq[k]->ring, at),
                         dice < 2 ? 0 : dice == 2 ? 0xffffffff :
                         dice == 3 ? PCIE_GUEST_HEAP_GPA + at :
                         dice == 4 ? g_rand_int_range(rand, 0, 0xfff) :
                         g_rand_int(rand));
            }
        }
        mana_rx_on(s.vp, rxq);
        for (unsigned i = 0; i < 10; i++) {
            for (unsigned k = 0; k < 2; k++) {
                wq[k]->head_bytes += 32 * g_rand_int_range(rand, 0, 17);
                if (i > 7) {
                    wq[k]->head_bytes = g_rand_int(rand);
                }
                gdma_wq_ring(wq[k]);
            }
            net_build_raw(frame, &flow, 60 + i, i);
            net_wire_send(&s.m.wire[0], frame, 60 + i);
            pcie_guest_step(s.m.g, 10 * SCALE_US);
        }
        mana_rx_off(s.vp);
        s.m.d->ignores_strays = true;
        mana_rxq_free(rxq, true);
        /* wild entries may have asked for DMA into the victim's memory */
        while (net_wire_wait(&s.m.wire[0], got, 0)) {
            /* what was let out */
        }
        mana_txq_free(txq, true);
    }
    g_rand_free(rand);
    gdma_settle(s.m.d);
    scene_close(&s);
}

/* --- RX --- */

static void test_rx_to_where_no_memory_is(void)
{
    static const uint32_t sizes[] = { 0, 1, 14, 59, 60, 1514, 0xffffffff };
    uint64_t gpas[6];
    NetFlow flow;
    Scene s;

    scene_open(&s);
    flow = net_flow(false, NET_RAW, s.vp->mac, peer_mac);
    gpas[0] = s.m.d->bar.addr;
    gpas[1] = s.m.d->bar.addr + s.m.d->db_zone + GDMA_DB_SQ;
    gpas[2] = UNMAPPED_GPA;
    gpas[3] = HPET_GPA;
    gpas[4] = ~0ull;
    gpas[5] = s.m.d->bar.addr + s.m.d->db_zone +
              (uint64_t)s.m.d->db_page * s.m.d->db_page_bytes + GDMA_DB_EQ;
    for (unsigned i = 0; i < ARRAY_SIZE(gpas); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++) {
            ManaRxq *rxq = new_rxq(&s);

            s.m.d->ignores_strays = true;
            rxq->recycles = false;
            for (int n = 0; n < 8; n++) {
                mana_rxq_post(rxq, gpas[i], sizes[k]);
            }
            gdma_wq_ring(&rxq->wq);
            mana_rx_on(s.vp, rxq);
            for (unsigned n = 0; n < 4; n++) {
                net_build_raw(frame, &flow, 60 + n * 200, n);
                net_wire_send(&s.m.wire[0], frame, 60 + n * 200);
            }
            pcie_guest_step(s.m.g, 100 * SCALE_US);
            mana_rx_off(s.vp);
            mana_rxq_free(rxq, true);
        }
        check_victim(&s);
    }
    gdma_settle(s.m.d);
    scene_close(&s);
}

/* --- completions that nobody takes --- */

static void test_completion_queue_overflows(void)
{
    Scene s;
    NetFlow flow;
    ManaTxq *txq;
    unsigned taken = 0;

    scene_open(&s);
    flow = net_flow(false, NET_RAW, peer_mac, s.vp->mac);
    s.m.g->heap_gpa = s.heap;
    /* 64 entries for 256 packets, and again */
    txq = mana_txq_new(s.vp, s.eq, 2 * GDMA_PAGE_SIZE, GDMA_PAGE_SIZE);
    net_build_raw(frame, &flow, 100, 1);
    for (int i = 0; i < 1000; i++) {
        uint64_t heap = s.m.g->heap_gpa;
        ManaTx tx = { .frame = frame, .bytes = 100 };

        txq->done_bytes = txq->wq.head_bytes;
        mana_txq_send(txq, &tx);
        if (i % 100 == 99) {
            check_victim(&s);
            net_build_raw(frame, &flow, 100, 1);
        }
        while (net_wire_wait(&s.m.wire[0], got, 0)) {
            taken++;
        }
        s.m.g->heap_gpa = heap;
    }
    g_assert_cmpuint(taken, >, 0);
    end_txq(&s, txq);
    check_culprit(&s);
    scene_close(&s);
}

static void test_event_queue_overflows(void)
{
    Scene s;

    scene_open(&s);
    s.eq->holds = true;
    for (int i = 0; i < 600; i++) {
        g_assert_cmphex(gdma_test_eqe(s.m.d, s.eq->id), ==, 0);
    }
    check_victim(&s);
    /* it is of no more use, but it can go */
    g_assert_cmphex(gdma_eq_try_destroy(s.m.d, s.eq->id), ==, 0);
    g_ptr_array_remove(s.m.d->eqs, s.eq);
    gdma_ring_free(&s.eq->ring);
    g_free(s.eq);
    s.eq = gdma_eq_new(s.m.d, GDMA_PAGE_SIZE, 1);
    s.heap = s.m.g->heap_gpa;
    check_culprit(&s);
    scene_close(&s);
}

/* The ring itself is no memory */
static void test_queues_where_no_memory_is(void)
{
    uint64_t gpas[4];
    Scene s;

    scene_open(&s);
    gpas[0] = s.m.d->bar.addr;
    gpas[1] = s.m.d->bar.addr + s.m.d->db_zone;
    gpas[2] = UNMAPPED_GPA & ~0xfffull;
    gpas[3] = HPET_GPA;
    for (unsigned i = 0; i < 16; i++) {
        ManaCreateWqRespWire resp;
        uint64_t wq, cq;
        bool is_sq = i & 1;
        uint32_t id;

        g_assert_cmphex(gdma_region_try(s.m.d, &gpas[i % 4], 1, GDMA_PAGE_SIZE,
                                        0, 0, &wq), ==, 0);
        g_assert_cmphex(gdma_region_try(s.m.d, &gpas[i / 4], 1, GDMA_PAGE_SIZE,
                                        0, 0, &cq), ==, 0);
        g_assert_cmphex(mana_try_wq(s.vp, is_sq ? GDMA_QUEUE_SQ : GDMA_QUEUE_RQ,
                                    wq, cq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE,
                                    s.eq->id, &resp), ==, 0);
        id = le32_to_cpu(resp.wq_id);
        gdma_doorbell(s.m.d, s.m.d->db_page, is_sq ? GDMA_DB_SQ : GDMA_DB_RQ,
                      id | 512ull << 32);
        if (!is_sq) {
            ManaRxq rxq = { .obj = le64_to_cpu(resp.wq_obj) };

            mana_rx_on(s.vp, &rxq);
            net_wire_send(&s.m.wire[0], frame, 200);
            pcie_guest_step(s.m.g, 100 * SCALE_US);
            s.m.d->ignores_strays = true;
            g_assert_cmphex(mana_try_fence(s.vp, rxq.obj), ==, 0);
            mana_rx_off(s.vp);
        }
        pcie_guest_step(s.m.g, 100 * SCALE_US);
        g_assert_cmphex(mana_try_destroy_wq(s.vp, is_sq ? GDMA_QUEUE_SQ :
                                            GDMA_QUEUE_RQ,
                                            le64_to_cpu(resp.wq_obj)), ==, 0);
        check_victim(&s);
    }
    gdma_settle(s.m.d);
    scene_close(&s);
}

/* --- doorbells --- */

static void test_wild_doorbells(void)
{
    static const uint32_t offsets[] = {
        GDMA_DB_SQ, GDMA_DB_RQ, GDMA_DB_RQ_CLIENT_DATA, GDMA_DB_CQ,
        GDMA_DB_DIM, GDMA_DB_EQ,
    };
    GRand *rand = g_rand_new_with_seed(5);
    Scene s;

    scene_open(&s);
    for (unsigned i = 0; i < 6000; i++) {
        uint32_t page = g_rand_int_range(rand, 0, 4);
        uint64_t id = g_rand_int_range(rand, 0, 3) ?
                      g_rand_int_range(rand, 40, 300) : g_rand_int(rand);

        /* not of queues that live: what happens then is the next test */
        gdma_doorbell(s.m.d, i % 50 ? page : 127 - 1,
                      offsets[i % ARRAY_SIZE(offsets)],
                      (id & 0xffffff) | (uint64_t)g_rand_int(rand) << 32);
    }
    g_rand_free(rand);
    check_victim(&s);
    check_culprit(&s);
    scene_close(&s);
}

/* Tails that go back, or claim more than a ring, for a queue that lives */
static void test_tails_that_lie(void)
{
    static const uint32_t tails[] = {
        1, 31, 33, 8193, 8224, 16384, 0x7fffffff, 0x80000000, 0xffffffe0,
        0xffffffff,
    };
    Scene s;

    scene_open(&s);
    for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
        ManaTxq *txq = new_txq(&s);

        gdma_doorbell(s.m.d, s.m.d->db_page, GDMA_DB_SQ,
                      txq->wq.id | (uint64_t)tails[i] << 32);
        pcie_guest_step(s.m.g, 100 * SCALE_US);
        /* CQ and EQ: further than the adapter is */
        gdma_doorbell(s.m.d, s.m.d->db_page, GDMA_DB_CQ,
                      txq->cq->id | (uint64_t)tails[i] << 32 | 1ull << 63);
        gdma_doorbell(s.m.d, s.m.d->db_page, GDMA_DB_EQ,
                      s.eq->id | (uint64_t)tails[i] << 32 | 1ull << 63);
        pcie_guest_step(s.m.g, 100 * SCALE_US);
        gdma_eq_ring(s.eq, true);
        end_txq(&s, txq);
    }
    check_culprit(&s);
    scene_close(&s);
}

/* --- two processors --- */

static void test_entries_flip(void)
{
    static const uint32_t values[] = {
        0, 1, 8, 0x201, 0x61e, 0x2ff, 0x7ff, 0xa01, 0xffffffff, 1514, 65536,
        0x80000000, PCIE_GUEST_HEAP_GPA, 0x5a80a01,
    };
    Scene s;

    scene_open(&s);
    for (uint32_t round = 0; round < 8; round++) {
        ManaTxq *txq = new_txq(&s);
        Flipper *f = flipper_start(gdma_ring_at(s.m.d, &txq->wq.ring, 0),
                                   GDMA_PAGE_SIZE / 4, values,
                                   ARRAY_SIZE(values), round);

        for (int i = 0; i < 100; i++) {
            txq->wq.head_bytes += 32 * (1 + i % 16);
            gdma_wq_ring(&txq->wq);
            pcie_guest_step(s.m.g, SCALE_US);
            while (net_wire_wait(&s.m.wire[0], got, 0)) {
                /* what was let out */
            }
        }
        flipper_stop(f);
        end_txq(&s, txq);
    }
    check_culprit(&s);
    scene_close(&s);
}

/* The frame changes while it is segmented and summed */
static void test_frame_flips(void)
{
    static const uint32_t values[] = { 0, 0xffffffff, 0x45, 0x60, 0x0608, 0x50 };
    Scene s;

    scene_open(&s);
    for (uint32_t round = 0; round < 6; round++) {
        ManaTxq *txq = new_txq(&s);
        uint64_t gpa = pcie_guest_alloc(s.m.g, 16);
        NetFlow flow = net_flow(round & 1, NET_TCP, peer_mac, s.vp->mac);
        uint32_t bytes = net_build(pcie_guest_ptr(s.m.g, gpa), &flow, 20000, 1);
        Flipper *f = flipper_start(pcie_guest_ptr(s.m.g, gpa), 24, values,
                                   ARRAY_SIZE(values), round);

        for (int i = 0; i < 60; i++) {
            uint32_t oob[6] = { txq->cq->id << 8 | 0x74, 34 };
            GdmaSgeWire sges[2] = {
                { .address = gpa, .mem_key = s.m.d->mkey,
                  .bytes = round & 1 ? 74 : 54 },
                { .address = gpa + 100, .mem_key = s.m.d->mkey,
                  .bytes = bytes - 100 },
            };

            put_wqe(&txq->wq, oob, 8, sges, 2, true, 1000);
            while (net_wire_wait(&s.m.wire[0], got, 0)) {
                /* what was let out */
            }
        }
        flipper_stop(f);
        end_txq(&s, txq);
    }
    check_culprit(&s);
    scene_close(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-hostile-data/tx-from-where-no-memory-is",
                   test_tx_from_where_no_memory_is);
    qtest_add_func("/paravisor/mana-hostile-data/tx-bad-segmentation",
                   test_tx_bad_segmentation);
    qtest_add_func("/paravisor/mana-hostile-data/tx-of-very-many-segments",
                   test_tx_of_very_many_segments);
    qtest_add_func("/paravisor/mana-hostile-data/tx-of-stubs",
                   test_tx_of_stubs);
    qtest_add_func("/paravisor/mana-hostile-data/wild-entries",
                   test_wild_entries);
    qtest_add_func("/paravisor/mana-hostile-data/rx-to-where-no-memory-is",
                   test_rx_to_where_no_memory_is);
    qtest_add_func("/paravisor/mana-hostile-data/completion-queue-overflows",
                   test_completion_queue_overflows);
    qtest_add_func("/paravisor/mana-hostile-data/event-queue-overflows",
                   test_event_queue_overflows);
    qtest_add_func("/paravisor/mana-hostile-data/queues-where-no-memory-is",
                   test_queues_where_no_memory_is);
    qtest_add_func("/paravisor/mana-hostile-data/wild-doorbells",
                   test_wild_doorbells);
    qtest_add_func("/paravisor/mana-hostile-data/tails-that-lie",
                   test_tails_that_lie);
    qtest_add_func("/paravisor/mana-hostile-data/entries-flip",
                   test_entries_flip);
    qtest_add_func("/paravisor/mana-hostile-data/frame-flips",
                   test_frame_flips);
    return g_test_run();
}
