/*
 * mana: random sequences of requests that know the formats
 *
 * Each request is one that a driver may send, with handles, sizes and addresses
 * that are mostly good: so it gets behind the first check.  The same seed gives
 * the same sequence; MANA_FUZZ_SEED and MANA_FUZZ_ROUNDS choose others.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "lib/mana-machine.h"
#include "lib/net-rss.h"

#define DEFAULT_ROUNDS      3000
#define POOL_SLOTS          32
#define RAM_PAGES           512

static const uint32_t edges[] = {
    0, 1, 7, 8, 32, 63, 64, 255, 256, 4095, 4096, 8192, 16384, 0xffff, 0x10000,
    0xffffff, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff,
};

/* What answers have given, to be used again */
typedef struct Pool {
    uint64_t value[POOL_SLOTS];
    unsigned next;
} Pool;

typedef struct Fuzz {
    ManaMachine m;
    GRand *rand;
    uint64_t ram;               /* pages for queues and buffers */
    uint64_t heap;
    Pool regions;
    Pool eqs;
    Pool sqs, rqs;              /* handles */
    Pool wq_ids, cq_ids;
    uint64_t vport[2];
    unsigned answered, good;
} Fuzz;

static uint32_t below(Fuzz *f, uint32_t n)
{
    return g_rand_int_range(f->rand, 0, n);
}

static uint32_t edge(Fuzz *f)
{
    return edges[below(f, ARRAY_SIZE(edges))];
}

/* @good, but one time in sixteen something else */
static uint32_t mostly(Fuzz *f, uint32_t good)
{
    return below(f, 16) ? good : edge(f);
}

static void pool_put(Fuzz *f, Pool *p, uint64_t value)
{
    p->value[p->next++ % POOL_SLOTS] = value;
}

static uint64_t pool_get(Fuzz *f, Pool *p)
{
    if (!p->next || !below(f, 20)) {
        return edge(f);
    }
    return p->value[below(f, MIN(p->next, POOL_SLOTS))];
}

static uint64_t any_page(Fuzz *f)
{
    switch (below(f, 24)) {
    case 0:
        return f->m.d->bar.addr + below(f, 8) * GDMA_PAGE_SIZE;
    case 1:
        return (uint64_t)edge(f) << 12;
    case 2:
        return ~0xfffull;
    default:
        return f->ram + (uint64_t)below(f, RAM_PAGES) * GDMA_PAGE_SIZE;
    }
}

static uint32_t queue_bytes(Fuzz *f)
{
    return mostly(f, GDMA_PAGE_SIZE << below(f, 3));
}

/* --- one builder for each request: the bytes of it --- */

static uint32_t build_region(Fuzz *f, void *buf)
{
    GdmaCreateRegionReqWire *req = buf;
    uint32_t pages = 1u << below(f, 3), listed = mostly(f, pages);
    uint8_t *at = buf;

    req->length_bytes = cpu_to_le64(mostly(f, pages * GDMA_PAGE_SIZE));
    req->offset_in_page = cpu_to_le32(mostly(f, 0));
    req->page_type = cpu_to_le32(below(f, 12) ? 0 : below(f, 24));
    req->page_count = cpu_to_le32(mostly(f, pages));
    req->listed = cpu_to_le32(below(f, 8) ? listed : pages / 2);
    for (uint32_t i = 0; i < 8; i++) {
        stq_le_p(at + sizeof(*req) + 8 * i, any_page(f));
    }
    return sizeof(*req) + 8 * pages;
}

static uint32_t build_add_pages(Fuzz *f, void *buf)
{
    GdmaAddPagesReqWire *req = buf;
    uint32_t pages = 1 + below(f, 4);
    uint8_t *at = buf;

    req->region = cpu_to_le64(pool_get(f, &f->regions));
    req->listed = cpu_to_le32(mostly(f, pages));
    for (uint32_t i = 0; i < pages; i++) {
        stq_le_p(at + sizeof(*req) + 8 * i, any_page(f));
    }
    return sizeof(*req) + 8 * pages;
}

static uint32_t build_create_eq(Fuzz *f, void *buf)
{
    GdmaCreateQueueReqWire *req = buf;

    req->type = cpu_to_le32(mostly(f, GDMA_QUEUE_EQ));
    req->pdid = cpu_to_le32(mostly(f, f->m.d->pdid));
    req->db_page = cpu_to_le32(mostly(f, f->m.d->db_page));
    req->region = cpu_to_le64(pool_get(f, &f->regions));
    req->queue_bytes = cpu_to_le32(queue_bytes(f));
    req->eq_msix = cpu_to_le32(mostly(f, below(f, 8)));
    return sizeof(*req);
}

static uint32_t build_disable(Fuzz *f, void *buf)
{
    GdmaDisableQueueReqWire *req = buf;

    req->type = cpu_to_le32(mostly(f, GDMA_QUEUE_EQ));
    req->queue_id = cpu_to_le32(pool_get(f, &f->eqs));
    req->alloc_res_id_on_creation = cpu_to_le32(mostly(f, 1));
    return sizeof(*req);
}

static uint32_t build_handle(Fuzz *f, void *buf)
{
    GdmaHandleReqWire *req = buf;

    req->handle = cpu_to_le64(pool_get(f, &f->regions));
    return sizeof(*req);
}

static uint32_t build_create_wq(Fuzz *f, void *buf)
{
    ManaCreateWqReqWire *req = buf;

    req->vport = cpu_to_le64(f->vport[below(f, 2)]);
    req->wq_type = cpu_to_le32(mostly(f, GDMA_QUEUE_SQ + below(f, 2)));
    req->wq_region = cpu_to_le64(pool_get(f, &f->regions));
    req->cq_region = cpu_to_le64(pool_get(f, &f->regions));
    req->wq_bytes = cpu_to_le32(queue_bytes(f));
    req->cq_bytes = cpu_to_le32(queue_bytes(f));
    req->cq_parent_eq_id = cpu_to_le32(pool_get(f, &f->eqs));
    req->cq_moderation_requested = below(f, 2);
    req->cq_moderation_comps = cpu_to_le16(below(f, 300));
    req->cq_moderation_usec = cpu_to_le16(below(f, 2000));
    return below(f, 2) ? sizeof(*req) : MANA_CREATE_WQ_V1_BYTES;
}

static uint32_t build_destroy_wq(Fuzz *f, void *buf)
{
    ManaDestroyWqReqWire *req = buf;
    bool is_sq = below(f, 2);

    req->wq_type = cpu_to_le32(mostly(f, is_sq ? GDMA_QUEUE_SQ :
                                                 GDMA_QUEUE_RQ));
    req->wq_obj = cpu_to_le64(pool_get(f, is_sq ? &f->sqs : &f->rqs));
    return sizeof(*req);
}

static uint32_t build_fence(Fuzz *f, void *buf)
{
    ManaFenceRqReqWire *req = buf;

    req->wq_obj = cpu_to_le64(pool_get(f, &f->rqs));
    return sizeof(*req);
}

static uint32_t build_vport_rx(Fuzz *f, void *buf)
{
    ManaVportRxReqWire *req = buf;
    uint32_t entries = 1u << below(f, 6);
    uint8_t *at = buf;

    req->vport = cpu_to_le64(f->vport[below(f, 2)]);
    req->indir_count = cpu_to_le16(mostly(f, entries));
    req->indir_offset = cpu_to_le16(mostly(f, sizeof(*req)));
    req->rx_enable = cpu_to_le32(below(f, 3) - 1);
    req->rss_enable = cpu_to_le32(below(f, 3) - 1);
    req->update_default_rxobj = below(f, 2);
    req->update_hash_key = below(f, 2);
    req->update_indir_table = below(f, 2);
    req->default_rxobj = cpu_to_le64(pool_get(f, &f->rqs));
    req->coalesce = below(f, 2);
    req->coalesce8 = below(f, 2);
    for (uint32_t i = 0; i < entries; i++) {
        stq_le_p(at + sizeof(*req) + 8 * i, pool_get(f, &f->rqs));
    }
    return sizeof(*req) + 8 * entries;
}

static uint32_t build_test_eqe(Fuzz *f, void *buf)
{
    GdmaTestEqeReqWire *req = buf;

    req->eq_id = cpu_to_le32(pool_get(f, &f->eqs));
    return sizeof(*req);
}

static uint32_t build_vport_tx(Fuzz *f, void *buf)
{
    ManaVportTxReqWire *req = buf;

    req->vport = cpu_to_le64(below(f, 8) ? f->vport[below(f, 2)] : edge(f));
    req->pdid = cpu_to_le32(mostly(f, f->m.d->pdid));
    req->db_page = cpu_to_le32(mostly(f, f->m.d->db_page));
    return sizeof(*req);
}

static uint32_t build_noise(Fuzz *f, void *buf)
{
    for (uint32_t i = sizeof(GdmaReqHeaderWire); i < 160; i += 4) {
        stl_le_p((uint8_t *)buf + i, edge(f));
    }
    return sizeof(GdmaReqHeaderWire) + below(f, 120);
}

static const struct {
    uint32_t type;
    unsigned weight;
    uint32_t (*build)(Fuzz *f, void *buf);
} requests[] = {
    { GDMA_CREATE_DMA_REGION, 30, build_region },
    { GDMA_DMA_REGION_ADD_PAGES, 6, build_add_pages },
    { GDMA_DESTROY_DMA_REGION, 4, build_handle },
    { GDMA_CREATE_QUEUE, 8, build_create_eq },
    { GDMA_DISABLE_QUEUE, 4, build_disable },
    { GDMA_GENERATE_TEST_EQE, 4, build_test_eqe },
    { GDMA_ALLOCATE_RESOURCE_RANGE, 1, build_noise },
    { GDMA_DESTROY_RESOURCE_RANGE, 1, build_noise },
    { GDMA_CHANGE_MSIX_FOR_EQ, 1, build_noise },
    { GDMA_CREATE_MR, 1, build_noise },
    { MANA_CREATE_WQ_OBJ, 16, build_create_wq },
    { MANA_DESTROY_WQ_OBJ, 7, build_destroy_wq },
    { MANA_FENCE_RQ, 4, build_fence },
    { MANA_CONFIG_VPORT_RX, 8, build_vport_rx },
    { MANA_CONFIG_VPORT_TX, 2, build_vport_tx },
    { MANA_QUERY_VPORT_CONFIG, 1, build_noise },
    { MANA_QUERY_GF_STAT, 1, build_noise },
    { MANA_VTL2_MOVE_FILTER, 1, build_noise },
};

static unsigned pick_request(Fuzz *f)
{
    unsigned total = 0, dice;

    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        total += requests[i].weight;
    }
    dice = below(f, total);
    for (size_t i = 0; ; i++) {
        if (dice < requests[i].weight) {
            return i;
        }
        dice -= requests[i].weight;
    }
}

/* --- a round --- */

static void keep_result(Fuzz *f, const void *req, uint32_t type)
{
    const uint8_t *resp = pcie_guest_ptr(f->m.g, f->m.d->response_gpa);
    const ManaCreateWqReqWire *wq = req;
    const ManaCreateWqRespWire *made = (const void *)resp;

    switch (type) {
    case GDMA_CREATE_DMA_REGION:
        pool_put(f, &f->regions, ldq_le_p(resp + 32));
        break;
    case GDMA_CREATE_QUEUE:
        pool_put(f, &f->eqs, (uint32_t)ldl_le_p(resp + 32));
        break;
    case MANA_CREATE_WQ_OBJ:
        pool_put(f, le32_to_cpu(wq->wq_type) == GDMA_QUEUE_SQ ? &f->sqs :
                 &f->rqs, le64_to_cpu(made->wq_obj));
        pool_put(f, &f->wq_ids, le32_to_cpu(made->wq_id));
        pool_put(f, &f->cq_ids, le32_to_cpu(made->cq_id));
        break;
    }
}

static void fuzz_start(Fuzz *f)
{
    GdmaClient *d = f->m.d;
    ManaVport vp;
    uint64_t caps;

    f->m.g->heap_gpa = f->heap;
    g_assert_cmphex(gdma_establish(d, 0), ==, 0);
    g_assert_cmphex(gdma_verify_version(d, &caps), ==, 0);
    gdma_register_device(d);
    for (unsigned v = 0; v < 2; v++) {
        g_assert_cmphex(mana_try_vport(d, v, &vp), ==, 0);
        g_assert_cmphex(mana_config_tx(&vp), ==, 0);
        f->vport[v] = vp.handle;
    }
}

static void fuzz_request(Fuzz *f)
{
    uint8_t buf[1024] = { 0 };
    GdmaReqHeaderWire *hdr = (void *)buf;
    GdmaRespHeaderWire resp;
    unsigned i = pick_request(f);
    uint32_t bytes;

    gdma_init_request(f->m.d, buf, requests[i].type, sizeof(*hdr), 300);
    hdr->dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    hdr->req.msg_version = cpu_to_le16(1 + below(f, 5));
    hdr->resp.msg_version = cpu_to_le16(1 + below(f, 3));
    bytes = requests[i].build(f, buf);
    hdr->req.msg_bytes = cpu_to_le32(mostly(f, bytes));
    if (!gdma_request_raw(f->m.d, buf, bytes, &resp)) {
        /* a queue of its may lie over the channel's */
        fuzz_start(f);
        return;
    }
    f->answered++;
    if (le32_to_cpu(resp.status) == GDMA_STATUS_SUCCESS ||
        le32_to_cpu(resp.status) == GDMA_STATUS_MORE_ENTRIES) {
        f->good++;
        keep_result(f, buf, requests[i].type);
    }
}

/* Doorbells for queues that are, or were; entries of random bytes */
static void fuzz_doorbells(Fuzz *f)
{
    static const uint32_t offsets[] = {
        GDMA_DB_SQ, GDMA_DB_RQ, GDMA_DB_CQ, GDMA_DB_EQ, GDMA_DB_DIM,
    };

    for (int i = 0; i < 4; i++) {
        uint32_t *page = pcie_guest_ptr(f->m.g, f->ram + below(f, RAM_PAGES) *
                                        (uint64_t)GDMA_PAGE_SIZE);
        uint32_t which = below(f, ARRAY_SIZE(offsets));
        uint64_t id = pool_get(f, which < 2 ? &f->wq_ids : which == 3 ?
                               &f->eqs : &f->cq_ids);

        /* a WQE with one to eight SGEs into these pages */
        page[0] = 0;
        page[1] = below(f, 8) | (below(f, 2) ? 0x200 : 0x600) |
                  below(f, 8) << 8;
        for (unsigned k = 2; k < 64; k++) {
            page[k] = k % 4 == 0 ? f->ram + below(f, RAM_PAGES * 4096) :
                      k % 4 == 3 ? below(f, 3000) : 0;
        }
        gdma_doorbell(f->m.d, mostly(f, f->m.d->db_page) & 63, offsets[which],
                      (id & 0xffffff) |
                      (uint64_t)(below(f, 64) * 32) << 32 |
                      (uint64_t)below(f, 2) << 63);
    }
    pcie_guest_step(f->m.g, below(f, 2) ? SCALE_US : SCALE_MS);
}

static void fuzz_frame(Fuzz *f)
{
    static const uint8_t broadcast[6] = { 255, 255, 255, 255, 255, 255 };
    static uint8_t frame[NET_MAX_BYTES];
    NetFlow flow = net_flow(below(f, 2), below(f, 2) ? NET_TCP : NET_UDP,
                            broadcast, broadcast);
    unsigned wire = below(f, 2);
    uint32_t bytes;

    flow.src_port = below(f, 65536);
    bytes = net_build(frame, &flow, below(f, 1400), below(f, 100));
    net_wire_try_send(&f->m.wire[wire], frame, bytes);
    for (unsigned i = 0; i < 2; i++) {
        while (net_wire_wait(&f->m.wire[i], frame, 0)) {
            /* what was let out */
        }
    }
}

static void fuzz(uint32_t seed, unsigned rounds)
{
    Fuzz f = { .rand = g_rand_new_with_seed(seed) };

    mana_machine_start(&f.m, 2, "");
    f.m.d = gdma_probe(f.m.g, 0);
    f.m.d->ignores_strays = true;
    f.ram = pcie_guest_alloc(f.m.g, RAM_PAGES);
    f.heap = f.m.g->heap_gpa;
    fuzz_start(&f);
    for (unsigned i = 0; i < rounds; i++) {
        fuzz_request(&f);
        if (i % 3 == 0) {
            fuzz_doorbells(&f);
        }
        if (i % 5 == 0) {
            fuzz_frame(&f);
        }
        if (i % 1000 == 999) {
            fuzz_start(&f);
        }
    }
    g_test_message("seed %u: %u of %u requests answered, %u granted", seed,
                   f.answered, rounds, f.good);
    /* it was no waste of time */
    g_assert_cmpuint(f.good, >, rounds / 10);
    fuzz_start(&f);
    gdma_expect_alive(f.m.d);
    g_rand_free(f.rand);
    mana_machine_stop(&f.m);
}

static unsigned from_environment(const char *name, unsigned otherwise)
{
    const char *text = g_getenv(name);
    unsigned value = otherwise;

    if (text) {
        g_assert_cmpint(qemu_strtoui(text, NULL, 0, &value), ==, 0);
    }
    return value;
}

static void test_requests(void)
{
    fuzz(from_environment("MANA_FUZZ_SEED", 1),
         from_environment("MANA_FUZZ_ROUNDS", DEFAULT_ROUNDS));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-fuzz/requests", test_requests);
    return g_test_run();
}
