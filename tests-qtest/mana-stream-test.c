/*
 * mana: migration streams that somebody has changed
 *
 * A snapshot is saved, one field of it changed in its file, and loaded: it must
 * be refused, and what was read of it never used, should the VM go on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "tests/qtest/libqos/libqos.h"
#include "lib/mana-machine.h"
#include "lib/net-rss.h"

#define FRAME_BYTES     1514
#define QUEUES          2
#define EQS             (2 + QUEUES)
#define CQS             (2 + 2 * QUEUES)
#define WQS             (2 + QUEUES)

static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
static uint8_t frame[NET_MAX_BYTES];
static uint8_t got[NET_MAX_BYTES];

/* Where entries begin in the file */
typedef struct Stream {
    uint8_t *data;
    gsize bytes;
    uint64_t at;                /* while they are looked for */
    uint64_t hwc_up;
    uint64_t next_handle;
    uint64_t eq[EQS];
    uint64_t cq[CQS];
    uint64_t sq[WQS];
    uint64_t rq[WQS];
    uint64_t vport;
    uint64_t region;
} Stream;

/* Offsets in an entry, as vmstate has them */
enum {
    REGION_SHIFT = 12,
    REGION_PAGE_COUNT = 16,
    REGION_PAGES = 24,
    EQ_LOG2 = 1, EQ_TAIL = 5, EQ_MSIX = 10, EQ_REGION = 14,
    CQ_LOG2 = 1, CQ_TAIL = 5, CQ_REGION = 17,
    WQ_BYTES = 2, WQ_HEAD = 6, WQ_TAIL = 10, WQ_CQ = 14, WQ_HANDLE = 18,
    WQ_VPORT = 26, WQ_IDX = 27, WQ_REGION = 29,
    VPORT_COALESCE = 2, VPORT_DEFAULT_RQ = 10, VPORT_INDIR_COUNT = 14,
    VPORT_INDIR = 18,
    VPORT_BYTES = VPORT_INDIR + 4 * MANA_MAX_INDIRECTION + MANA_HASH_KEY_BYTES +
                  8 * MANA_STAT_COUNT,
};

static void find_region(Stream *st)
{
    uint32_t pages = ldl_be_p(st->data + st->at + REGION_PAGE_COUNT);

    g_assert_cmpuint(pages, <=, 64);
    st->at += REGION_PAGES + 8 * pages;
}

static void find_table(Stream *st, uint64_t *table, unsigned count,
                       unsigned region)
{
    for (unsigned i = 0; i < count; i++) {
        table[i] = st->at;
        g_assert_cmpuint(st->data[st->at], <=, 1);      /* in use */
        st->at += region;
        find_region(st);
    }
}

/* vports, queues, vectors, MTU: no other such sequence is in a VM so small */
static void find_fields(Stream *st)
{
    uint8_t head[16];
    uint8_t *p;

    stl_be_p(head, 1);
    stl_be_p(head + 4, QUEUES);
    stl_be_p(head + 8, 65);
    stl_be_p(head + 12, 9000);
    p = memmem(st->data, st->bytes, head, sizeof(head));
    g_assert(p);
    st->hwc_up = p + sizeof(head) + GDMA_SHM_BYTES - st->data;
    g_assert_cmpuint(st->data[st->hwc_up], ==, 1);
    st->next_handle = st->hwc_up + 2 + 8;
    st->at = st->next_handle + 8 + 1;           /* the link */
    st->at += 16;                               /* pages of doorbells: a bitmap */
    find_table(st, st->eq, EQS, EQ_REGION);
    find_table(st, st->cq, CQS, CQ_REGION);
    find_table(st, st->sq, WQS, WQ_REGION);
    find_table(st, st->rq, WQS, WQ_REGION);
    st->vport = st->at;
    st->at += VPORT_BYTES;
    g_assert_cmpuint(st->data[st->at], ==, 1);
    st->region = st->at + 1;
    st->at = st->region + 8;
    find_region(st);
    g_assert_cmpuint(st->data[st->at], ==, 0);
}

typedef struct Scene {
    ManaMachine m;
    ManaPort p;
    ManaTxq *txq;
    ManaRxq *rxq;
    char *image;
    GdmaRing spare;
    Stream st;
} Scene;

static void scene_open(Scene *s)
{
    ManaRxq *table[MANA_CLIENT_MAX_INDIRECTION];
    g_autofree char *props = NULL;
    g_autofree char *error = NULL;
    ManaRxConfig config;
    int fd = g_file_open_tmp("mana-stream-XXXXXX", &s->image, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    mkimg(s->image, "qcow2", 64);
    props = g_strdup_printf(",queues=%d -drive if=none,id=d0,format=qcow2,"
                            "file=%s", QUEUES, s->image);
    mana_machine_drive(&s->m, 1, props);
    s->p = mana_port_up(s->m.d, 0, 1, FRAME_BYTES);
    s->txq = mana_txq_new(s->p.vp, s->p.eq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE);
    s->rxq = mana_rxq_new(s->p.vp, s->p.eq, GDMA_PAGE_SIZE, GDMA_PAGE_SIZE,
                          FRAME_BYTES);
    for (unsigned i = 0; i < s->p.vp->indirection_entries; i++) {
        table[i] = i & 1 ? s->rxq : s->p.rxq;
    }
    config = (ManaRxConfig) {
        .rx_enable = MANA_TRISTATE_TRUE, .rss_enable = MANA_TRISTATE_TRUE,
        .default_rxq = s->p.rxq, .key = net_rss_key, .table = table,
        .table_count = s->p.vp->indirection_entries,
    };
    g_assert_cmphex(mana_config_rx(s->p.vp, &config), ==, 0);
    /* a region that no queue has */
    s->spare = gdma_ring_new(s->m.d, GDMA_PAGE_SIZE, false);
    gdma_region_new(s->m.d, &s->spare, 0);
    gdma_settle(s->m.d);

    error = qtest_hmp(s->m.g->qts, "savevm s0");
    g_assert_cmpstr(error, ==, "");
    g_assert(g_file_get_contents(s->image, (char **)&s->st.data, &s->st.bytes,
                                 NULL));
    find_fields(&s->st);
}

static void write_file(Scene *s, uint64_t at, const void *data, size_t bytes)
{
    int fd = open(s->image, O_WRONLY);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, data, bytes, at), ==, bytes);
    close(fd);
}

static bool try_load(Scene *s)
{
    g_autofree char *error = qtest_hmp(s->m.g->qts, "loadvm s0");

    return !*error;
}

/* The hardware channel, as query-mana has it */
static bool channel_is_up(Scene *s)
{
    QDict *rsp = qtest_qmp(s->m.g->qts, "{ 'execute': 'query-mana' }");
    QDict *adapter = qobject_to(QDict,
                                qlist_peek(qdict_get_qlist(rsp, "return")));
    bool is_up = qdict_get_bool(adapter, "channel");

    qobject_unref(rsp);
    return is_up;
}

/* Everything that would use a queue, or a region */
static void use_all(Scene *s)
{
    GdmaClient *d = s->m.d;
    NetFlow flow = net_flow(false, NET_TCP, s->p.vp->mac, peer_mac);
    uint32_t bytes = net_build(frame, &flow, 100, 1);

    net_wire_send(&s->m.wire[0], frame, bytes);
    for (uint64_t id = 0; id < 8; id++) {
        gdma_doorbell(d, d->db_page, GDMA_DB_SQ, id | 64ull << 32);
        gdma_doorbell(d, d->db_page, GDMA_DB_RQ, id | 64ull << 32);
        gdma_doorbell(d, d->db_page, GDMA_DB_CQ, id | 1ull << 63);
        gdma_doorbell(d, d->db_page, GDMA_DB_EQ, id | 1ull << 63);
    }
    pcie_guest_step(s->m.g, SCALE_MS);
    qtest_qmp_assert_success(s->m.g->qts, "{ 'execute': 'set_link',"
        " 'arguments': { 'name': 'nic0', 'up': false } }");
    qtest_qmp_assert_success(s->m.g->qts, "{ 'execute': 'set_link',"
        " 'arguments': { 'name': 'nic0', 'up': true } }");
}

/* @bytes at @at of the stream hold @value: that is no state to load */
static void refuse(Scene *s, uint64_t at, unsigned bytes, uint64_t value)
{
    uint8_t be[8];

    stq_be_p(be, value);
    g_test_message("offset %" PRIu64 " of %u bytes: 0x%" PRIx64, at, bytes,
                   value);
    write_file(s, at, be + 8 - bytes, bytes);
    g_assert(!try_load(s));
    write_file(s, at, s->st.data + at, bytes);
    /* before the VM runs, and when it does */
    qobject_unref(qtest_qmp(s->m.g->qts, "{ 'execute': 'x-mana-inject',"
        " 'arguments': { 'id': 'nic0', 'event': 'reset-request' } }"));
    qtest_qmp_assert_success(s->m.g->qts, "{ 'execute': 'cont' }");
    use_all(s);
    g_assert(!channel_is_up(s));
    while (net_wire_wait(&s->m.wire[0], got, 0)) {
        /* nothing of interest */
    }
}

/* A good one, and what was saved works: after all that was refused, too */
static void scene_close(Scene *s)
{
    NetFlow flow = net_flow(false, NET_RAW, s->p.vp->mac, peer_mac);

    g_assert(try_load(s));
    g_assert(channel_is_up(s));
    net_build_raw(frame, &flow, 300, 1);
    mana_expect_arrival(&s->m.wire[0], s->p.rxq, frame, 300);
    mana_rx_off(s->p.vp);
    mana_rxq_free(s->rxq, true);
    mana_txq_free(s->txq, true);
    mana_port_down(&s->p);
    gdma_ring_free(&s->spare);
    /* it has said what it thinks of the streams */
    g_assert_cmpint(truncate(s->m.g->log_path, 0), ==, 0);
    mana_machine_stop(&s->m);
    unlink(s->image);
    g_free(s->image);
    g_free(s->st.data);
}

static void test_work_queues(void)
{
    Scene s = { 0 };
    const uint64_t *tables[2];

    scene_open(&s);
    tables[0] = s.st.sq;
    tables[1] = s.st.rq;
    for (unsigned i = 0; i < 2; i++) {
        const uint64_t *wq = tables[i];
        uint64_t twin = ldq_be_p(s.st.data + wq[2] + WQ_HANDLE);

        refuse(&s, wq[0], 1, 1);
        refuse(&s, wq[1], 1, 0);
        refuse(&s, wq[2], 1, 0);                        /* with memory */
        refuse(&s, wq[2] + WQ_BYTES, 4, 0);
        refuse(&s, wq[2] + WQ_BYTES, 4, 16 * GDMA_PAGE_SIZE);
        refuse(&s, wq[2] + WQ_HEAD, 4, 1);
        refuse(&s, wq[2] + WQ_TAIL, 4, 0x80000000);
        refuse(&s, wq[2] + WQ_CQ, 4, 0);
        refuse(&s, wq[2] + WQ_CQ, 4, 0xffffffff);
        refuse(&s, wq[2] + WQ_HANDLE, 8, 0);
        refuse(&s, wq[2] + WQ_HANDLE, 8, UINT64_MAX);
        refuse(&s, wq[3] + WQ_HANDLE, 8, twin);
        refuse(&s, wq[2] + WQ_VPORT, 1, 1);
        refuse(&s, wq[2] + WQ_IDX, 2, QUEUES);
        refuse(&s, wq[3] + WQ_IDX, 2, 0);
    }
    scene_close(&s);
}

static void test_event_and_completion_queues(void)
{
    Scene s = { 0 };

    scene_open(&s);
    refuse(&s, s.st.eq[0], 1, 1);
    refuse(&s, s.st.eq[1], 1, 0);
    refuse(&s, s.st.eq[2], 1, 0);
    refuse(&s, s.st.eq[3], 1, 1);
    refuse(&s, s.st.eq[2] + EQ_LOG2, 4, 32);
    refuse(&s, s.st.eq[2] + EQ_LOG2, 4, 12);
    refuse(&s, s.st.eq[2] + EQ_TAIL, 4, 0xffffffff);
    refuse(&s, s.st.eq[2] + EQ_MSIX, 4, 65);
    refuse(&s, s.st.cq[0], 1, 1);
    refuse(&s, s.st.cq[1], 1, 0);
    refuse(&s, s.st.cq[2], 1, 0);
    refuse(&s, s.st.cq[2] + CQ_LOG2, 4, 0xffffffff);
    refuse(&s, s.st.cq[2] + CQ_TAIL, 4, 0xffffffff);
    refuse(&s, s.st.hwc_up, 1, 0);
    refuse(&s, s.st.next_handle, 8, 1);
    scene_close(&s);
}

/* With a wrong count of pages the rest is read as something else, or not read */
static void test_regions(void)
{
    Scene s = { 0 };
    uint64_t regions[4];

    scene_open(&s);
    regions[0] = s.st.eq[2] + EQ_REGION;
    regions[1] = s.st.cq[2] + CQ_REGION;
    regions[2] = s.st.rq[3] + WQ_REGION;
    regions[3] = s.st.region + 8;
    for (unsigned i = 0; i < ARRAY_SIZE(regions); i++) {
        refuse(&s, regions[i], 8, i == 3 ? 0 : 4095);
        refuse(&s, regions[i] + REGION_SHIFT, 4, 11);
        refuse(&s, regions[i] + REGION_SHIFT, 4, 0xffffffff);
        refuse(&s, regions[i] + REGION_PAGE_COUNT, 4, 0);
        refuse(&s, regions[i] + REGION_PAGE_COUNT, 4, 0xffffffff);
        if (i < 3) {
            /* the other one may wait for so many */
            refuse(&s, regions[i] + REGION_PAGE_COUNT, 4, 1 << 18);
        }
        refuse(&s, regions[i] + REGION_PAGES, 8, 1);
    }
    refuse(&s, s.st.region, 8, UINT64_MAX);
    scene_close(&s);
}

static void test_vports(void)
{
    Scene s = { 0 };

    scene_open(&s);
    refuse(&s, s.st.vport + VPORT_COALESCE, 1, 0);
    refuse(&s, s.st.vport + VPORT_COALESCE, 1, 255);
    refuse(&s, s.st.vport + VPORT_DEFAULT_RQ, 4, 1);
    refuse(&s, s.st.vport + VPORT_DEFAULT_RQ, 4, 0xffffffff);
    refuse(&s, s.st.vport + VPORT_INDIR_COUNT, 4, 3);
    refuse(&s, s.st.vport + VPORT_INDIR_COUNT, 4, 2 * MANA_MAX_INDIRECTION);
    refuse(&s, s.st.vport + VPORT_INDIR, 4, 1);
    refuse(&s, s.st.vport + VPORT_INDIR + 4, 4, 99);
    scene_close(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!have_qemu_img()) {
        g_test_message("no qemu-img");
        return g_test_run();
    }
    /* what is freed without having been set is no valid pointer */
    g_setenv("MALLOC_PERTURB_", "165", true);
    qtest_add_func("/paravisor/mana-stream/work-queues", test_work_queues);
    qtest_add_func("/paravisor/mana-stream/event-and-completion-queues",
                   test_event_and_completion_queues);
    qtest_add_func("/paravisor/mana-stream/regions", test_regions);
    qtest_add_func("/paravisor/mana-stream/vports", test_vports);
    return g_test_run();
}
