/*
 * mana: a guest that means harm, in the channels and requests
 *
 * Whatever it does, QEMU lives, says nothing, and the adapter works again after
 * a new ESTABLISH at the latest; another adapter's traffic goes on.
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

static const uint32_t request_types[] = {
    GDMA_VERIFY_VF_DRIVER_VERSION, GDMA_QUERY_MAX_RESOURCES, GDMA_LIST_DEVICES,
    GDMA_REGISTER_DEVICE, GDMA_DEREGISTER_DEVICE, GDMA_GENERATE_TEST_EQE,
    GDMA_GENERATE_RESET_EQE, GDMA_CREATE_QUEUE, GDMA_DISABLE_QUEUE,
    GDMA_ALLOCATE_RESOURCE_RANGE, GDMA_DESTROY_RESOURCE_RANGE,
    GDMA_CREATE_DMA_REGION, GDMA_DMA_REGION_ADD_PAGES, GDMA_DESTROY_DMA_REGION,
    GDMA_CREATE_PD, GDMA_DESTROY_PD, GDMA_CREATE_MR, GDMA_DESTROY_MR,
    GDMA_CHANGE_MSIX_FOR_EQ, GDMA_QUERY_HWC_TIMEOUT, GDMA_ALLOC_DM,
    GDMA_DESTROY_DM, MANA_QUERY_DEV_CONFIG, MANA_QUERY_GF_STAT,
    MANA_CONFIG_VPORT_TX, MANA_CREATE_WQ_OBJ, MANA_DESTROY_WQ_OBJ,
    MANA_FENCE_RQ, MANA_CONFIG_VPORT_RX, MANA_QUERY_VPORT_CONFIG,
    MANA_QUERY_LINK_CONFIG, MANA_SET_BW_CLAMP, MANA_QUERY_PHY_STAT,
    MANA_VTL2_ASSIGN_SERIAL_NUMBER, MANA_VTL2_MOVE_FILTER,
    MANA_VTL2_QUERY_FILTER_STATE, MANA_REGISTER_FILTER,
    MANA_DEREGISTER_FILTER, MANA_REGISTER_HW_PORT, MANA_DEREGISTER_HW_PORT,
};

/* Values that are wrong somewhere */
static const uint32_t wild[] = {
    0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 65, 255, 256, 4095, 4096, 4097, 0x7fff,
    0x8000, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0x80000000, 0xfffff000,
    0xfffffffe, 0xffffffff,
};

static uint32_t pick(GRand *rand, const uint32_t *list, unsigned count)
{
    return list[g_rand_int_range(rand, 0, count)];
}

/* The adapter can be had again, whatever state it is in */
static void revive(ManaMachine *m)
{
    uint64_t caps;

    /* the old queues are leaks of the test's memory: begin where it began */
    while (m->d->eqs->len) {
        GdmaEq *eq = g_ptr_array_index(m->d->eqs, 0);

        if (eq == m->d->hwc_eq) {
            break;
        }
        g_ptr_array_remove_index(m->d->eqs, 0);
    }
    g_assert_cmphex(gdma_establish(m->d, 0), ==, 0);
    g_assert_cmphex(gdma_verify_version(m->d, &caps), ==, 0);
    gdma_register_device(m->d);
    gdma_expect_alive(m->d);
}

/* A channel again, and what requests of @type need to be more than refused */
static void restart(ManaMachine *m, uint32_t type)
{
    uint64_t caps;

    g_assert_cmphex(gdma_establish(m->d, 0), ==, 0);
    g_assert_cmphex(gdma_verify_version(m->d, &caps), ==, 0);
    if (type != GDMA_REGISTER_DEVICE) {
        gdma_register_device(m->d);
    }
}

/* Some request of @type got further than to the look at its device */
static bool is_heard(uint32_t status)
{
    return status != GDMA_STATUS_INVALID_DEVICE &&
           status != GDMA_STATUS_UNSUPPORTED;
}

/* Requests that the adapter does not know */
static bool is_unknown(uint32_t type)
{
    return (type >= GDMA_CREATE_PD && type <= GDMA_DESTROY_MR) ||
           type == GDMA_ALLOC_DM || type == GDMA_DESTROY_DM ||
           type == MANA_SET_BW_CLAMP ||
           (type >= MANA_REGISTER_FILTER && type < 0x28010);
}

static void init_request(ManaMachine *m, void *req, uint32_t type,
                         uint32_t bytes, uint32_t resp_bytes)
{
    gdma_init_request(m->d, req, type, bytes, resp_bytes);
    if (type >> 16 || type == GDMA_REGISTER_DEVICE ||
        type == GDMA_DEREGISTER_DEVICE) {
        ((GdmaReqHeaderWire *)req)->dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    }
}

/* --- shared-memory channel --- */

static void test_shm_headers(void)
{
    ManaMachine m;
    uint32_t dwords[GDMA_SHM_DWORDS];

    mana_machine_drive(&m, 1, "");
    for (uint32_t low = 0; low < 256; low++) {
        memset(dwords, low & 1 ? 0xff : 0, sizeof(dwords));
        dwords[GDMA_SHM_HEADER_DWORD] = low | 1u << 31 | (low & 2) << 23;
        gdma_shm_write(m.d, dwords);
        gdma_shm_wait(m.d);
    }
    revive(&m);
    mana_machine_stop(&m);
}

/* Queues of the channel in places where no memory is */
static void test_shm_addresses(void)
{
    ManaMachine m;
    GdmaShmEstablishWire wire;
    uint32_t dwords[GDMA_SHM_DWORDS];
    uint64_t gpas[5];

    mana_machine_drive(&m, 1, "");
    gpas[0] = m.d->bar.addr;                    /* registers */
    gpas[1] = m.d->bar.addr + m.d->db_zone;     /* doorbells */
    gpas[2] = UNMAPPED_GPA;
    gpas[3] = HPET_GPA;
    gpas[4] = ~0ull;
    for (unsigned i = 0; i < 5 * 5; i++) {
        uint8_t *at = (uint8_t *)&wire;

        memset(&wire, 0, sizeof(wire));
        for (unsigned k = 0; k < 4; k++) {
            uint64_t gpn = gpas[(i + k * (i / 5)) % 5] >> GDMA_PAGE_SHIFT;

            stl_le_p(at + 6 * k, gpn);
            stw_le_p(at + 6 * k + 4, gpn >> 32);
        }
        wire.header = cpu_to_le32(GDMA_SHM_ESTABLISH_HWC | 1u << 31);
        wire.msix = cpu_to_le16(i % 7 ? i : 0xffff);
        memcpy(dwords, &wire, sizeof(wire));
        gdma_shm_write(m.d, dwords);
        gdma_shm_wait(m.d);
        /* entries in such a ring, and doorbells for it */
        for (uint32_t id = 0; id < 4; id++) {
            gdma_doorbell(m.d, 0, GDMA_DB_SQ, id | 32ull << 32);
            gdma_doorbell(m.d, 0, GDMA_DB_RQ, id | 32ull << 32);
        }
        pcie_guest_step(m.g, SCALE_MS);
    }
    revive(&m);
    mana_machine_stop(&m);
}

/* Accesses of every size everywhere in the BAR */
static void test_register_access(void)
{
    ManaMachine m;
    GRand *rand = g_rand_new_with_seed(1);
    uint64_t page_ends[4];

    mana_machine_drive(&m, 1, "");
    page_ends[0] = m.d->db_zone;
    page_ends[1] = m.d->shm;
    page_ends[2] = m.d->db_zone + m.d->db_page_bytes;
    page_ends[3] = m.d->bar_bytes;
    for (int i = 0; i < 3000; i++) {
        uint64_t at = i % 3 ? g_rand_int_range(rand, 0, m.d->bar_bytes - 8) :
                      page_ends[i % 4] - 8 + g_rand_int_range(rand, 0, 8);
        uint64_t val = g_rand_int(rand) | (uint64_t)g_rand_int(rand) << 32;
        uint8_t buf[8];

        at = MIN(at, m.d->bar_bytes - 8);
        qpci_memread(m.d->pci, m.d->bar, at, buf, 1u << i % 4);
        memcpy(buf, &val, 8);
        qpci_memwrite(m.d->pci, m.d->bar, at, buf, 1u << i % 4);
    }
    g_rand_free(rand);
    revive(&m);
    mana_machine_stop(&m);
}

/* --- requests --- */

/* The status, or UNSUPPORTED if the request cost the channel */
static uint32_t wild_request(ManaMachine *m, GRand *rand, uint32_t type)
{
    uint8_t buf[GDMA_HWC_MAX_MESSAGE_BYTES];
    GdmaReqHeaderWire *req = (void *)buf;
    GdmaRespHeaderWire resp;
    uint32_t bytes = g_rand_int_range(rand, 0, 8) ?
                     g_rand_int_range(rand, sizeof(*req), 200) :
                     g_rand_int_range(rand, 30, sizeof(buf) + 1);
    uint32_t body = MAX(bytes, sizeof(*req));

    for (uint32_t i = 0; i < sizeof(buf); i += 4) {
        stl_le_p(buf + i, pick(rand, wild, ARRAY_SIZE(wild)));
    }
    init_request(m, req, type, sizeof(*req),
                 g_rand_int_range(rand, 0, 3) ? 400 :
                 pick(rand, wild, ARRAY_SIZE(wild)));
    if (g_rand_int_range(rand, 0, 2)) {
        stq_le_p(buf + sizeof(*req), g_rand_int_range(rand, 1, 3)); /* vport */
    }
    req->req.msg_bytes = cpu_to_le32(g_rand_int_range(rand, 0, 3) ? body :
                                     pick(rand, wild, ARRAY_SIZE(wild)));
    req->req.msg_version = cpu_to_le16(g_rand_int_range(rand, 0, 7));
    req->resp.msg_version = cpu_to_le16(g_rand_int_range(rand, 0, 7));
    if (!gdma_request_raw(m->d, buf, bytes, &resp)) {
        restart(m, type);
        return GDMA_STATUS_UNSUPPORTED;
    }
    if (le32_to_cpu(req->req.msg_bytes) < sizeof(*req) ||
        le32_to_cpu(req->resp.msg_bytes) < sizeof(resp)) {
        return GDMA_STATUS_UNSUPPORTED;         /* the header's fault */
    }
    return le32_to_cpu(resp.status);
}

static void check_wild_requests(uint32_t seed)
{
    GRand *rand = g_rand_new_with_seed(seed);
    ManaMachine m;
    uint64_t heap;

    mana_machine_drive(&m, 2, "");
    heap = m.g->heap_gpa;
    for (size_t i = 0; i < ARRAY_SIZE(request_types); i++) {
        uint32_t type = request_types[i];
        unsigned heard = 0;

        restart(&m, type);
        for (int k = 0; k < 12; k++) {
            heard += is_heard(wild_request(&m, rand, type));
        }
        g_assert_cmpint(heard > 0, ==, !is_unknown(type));
        m.g->heap_gpa = heap;
    }
    revive(&m);
    g_rand_free(rand);
    mana_machine_stop(&m);
}

static void test_wild_requests(void)
{
    for (uint32_t seed = 1; seed <= 3; seed++) {
        check_wild_requests(seed);
    }
}

/* Every length from none to all of each request, the rest being good */
static void test_short_requests(void)
{
    static const uint32_t lengths[] = { 40, 41, 44, 47, 48, 52, 55, 56, 63, 64,
                                        87, 88, 95, 119, 4096, 39, 16, 1, 0 };
    ManaMachine m;
    uint8_t buf[GDMA_HWC_MAX_MESSAGE_BYTES];
    GdmaRespHeaderWire resp;

    mana_machine_drive(&m, 1, "");
    for (size_t i = 0; i < ARRAY_SIZE(request_types); i++) {
        uint64_t heap = m.g->heap_gpa;
        uint32_t type = request_types[i];
        unsigned heard = 0;

        restart(&m, type);
        for (size_t k = 0; k < ARRAY_SIZE(lengths); k++) {
            bool has_header = lengths[k] >= sizeof(GdmaReqHeaderWire);
            bool answered;

            /* such ones are the same to all requests, and cost the channel */
            if (!has_header && i % 10) {
                continue;
            }
            init_request(&m, buf, type, sizeof(buf), 400);
            stl_le_p(buf + 12, lengths[k]);
            answered = gdma_request_raw(m.d, buf, lengths[k], &resp);
            if (!answered) {
                restart(&m, type);
            }
            /* more in its header than there is */
            stl_le_p(buf + 12, 0xffffffff);
            if (has_header) {
                g_assert(answered);
                g_assert(gdma_request_raw(m.d, buf, lengths[k], &resp));
                heard += is_heard(le32_to_cpu(resp.status));
            }
        }
        g_assert_cmpint(heard > 0, ==, !is_unknown(type));
        m.g->heap_gpa = heap;
    }
    revive(&m);
    mana_machine_stop(&m);
}

/* --- regions and queues --- */

static uint32_t try_region(ManaMachine *m, uint64_t length, uint32_t offset,
                           uint32_t page_type, uint32_t page_count,
                           uint32_t listed, uint64_t page)
{
    struct {
        GdmaCreateRegionReqWire req;
        uint64_t page[4];
    } QEMU_PACKED r;
    GdmaCreateRegionRespWire resp;

    gdma_init_request(m->d, &r, GDMA_CREATE_DMA_REGION, sizeof(r),
                      sizeof(resp));
    r.req.length_bytes = cpu_to_le64(length);
    r.req.offset_in_page = cpu_to_le32(offset);
    r.req.page_type = cpu_to_le32(page_type);
    r.req.page_count = cpu_to_le32(page_count);
    r.req.listed = cpu_to_le32(listed);
    r.page[0] = cpu_to_le64(page);
    return gdma_request(m->d, &r, sizeof(r), &resp, sizeof(resp));
}

static void test_bad_regions(void)
{
    ManaMachine m;
    uint64_t page = 0x100000;

    mana_machine_drive(&m, 1, "");
    /* no bytes, no pages, more listed than sent or than there are */
    g_assert_cmphex(try_region(&m, 0, 0, 0, 0, 0, page), !=, 0);
    g_assert_cmphex(try_region(&m, 0, 0, 0, 1, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, 4096, 0, 0, 1, 5, page), !=, 0);
    g_assert_cmphex(try_region(&m, 4096, 0, 0, 1, 0xffffffff, page), !=, 0);
    g_assert_cmphex(try_region(&m, 4096, 0, 0, 0xffffffff, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, ~0ull, 0, 0, 0xffffffff, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, ~0ull, 0, 0, 1, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, ~0ull, ~0u, 0, 1, 1, page), !=, 0);
    /* sums that wrap to something small */
    g_assert_cmphex(try_region(&m, -4096ull, 4096, 0, 1, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, 1ull << 44, 0, 0, 0, 0, page), !=, 0);
    g_assert_cmphex(try_region(&m, 4096, 4096, 0, 1, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, 4096, 0, 21, 1, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, 4096, 0, 63, 1, 1, page), !=, 0);
    g_assert_cmphex(try_region(&m, 4096, 0, 0xffffffff, 1, 1, page), !=, 0);
    gdma_expect_alive(m.d);
    mana_machine_stop(&m);
}

static void test_region_flood(void)
{
    ManaMachine m;
    uint64_t region, last = 0;
    unsigned count = 0;
    uint64_t page = 0x100000;

    mana_machine_drive(&m, 1, "");
    while (gdma_region_try(m.d, &page, 1, 4096, 0, 0, &region) == 0) {
        last = region;
        g_assert_cmpuint(++count, <, 100000);
    }
    g_assert_cmpuint(count, >, 100);
    /* full; one goes, one comes */
    g_assert_cmphex(gdma_handle_request(m.d, GDMA_DESTROY_DMA_REGION, last),
                    ==, 0);
    g_assert_cmphex(gdma_region_try(m.d, &page, 1, 4096, 0, 0, &region), ==, 0);
    revive(&m);
    /* and they went with the channel */
    for (unsigned i = 0; i < 10; i++) {
        g_assert_cmphex(gdma_region_try(m.d, &page, 1, 4096, 0, 0, &region),
                        ==, 0);
    }
    mana_machine_stop(&m);
}

static void test_bad_queues(void)
{
    static const uint32_t sizes[] = {
        0, 1, 16, 4095, 4097, 8192, 12288, 1u << 20, 1u << 31, 0xfffff000,
        0xffffffff,
    };
    ManaMachine m;
    ManaCreateWqRespWire resp;
    ManaVport *vp;
    GdmaRing ring;
    GdmaEq *eq;
    uint64_t region, other;
    uint32_t id;

    mana_machine_drive(&m, 1, "");
    vp = mana_vport_open(m.d, 0);
    eq = gdma_eq_new(m.d, GDMA_PAGE_SIZE, 1);
    ring = gdma_ring_new(m.d, GDMA_PAGE_SIZE, false);
    region = gdma_region_new(m.d, &ring, 0);
    other = gdma_region_new(m.d, &ring, 0);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        g_assert_cmphex(gdma_eq_try(m.d, region, sizes[i], 1, &id), !=, 0);
        g_assert_cmphex(mana_try_wq(vp, GDMA_QUEUE_SQ, region, other, sizes[i],
                                    GDMA_PAGE_SIZE, eq->id, &resp), !=, 0);
        g_assert_cmphex(mana_try_wq(vp, GDMA_QUEUE_RQ, region, other,
                                    GDMA_PAGE_SIZE, sizes[i], eq->id, &resp),
                        !=, 0);
    }
    /* vectors, event queues and regions that are not; one region twice */
    g_assert_cmphex(gdma_eq_try(m.d, region, GDMA_PAGE_SIZE, 65535, &id), !=,
                    0);
    g_assert_cmphex(gdma_eq_try(m.d, ~0ull, GDMA_PAGE_SIZE, 1, &id), !=, 0);
    g_assert_cmphex(mana_try_wq(vp, GDMA_QUEUE_SQ, region, region,
                                GDMA_PAGE_SIZE, GDMA_PAGE_SIZE, eq->id, &resp),
                    !=, 0);
    for (uint32_t type = 0; type < 6; type++) {
        if (type != GDMA_QUEUE_SQ && type != GDMA_QUEUE_RQ) {
            g_assert_cmphex(mana_try_wq(vp, type, region, other,
                                        GDMA_PAGE_SIZE, GDMA_PAGE_SIZE, eq->id,
                                        &resp), !=, 0);
        }
    }
    /* none of it has eaten a region */
    g_assert_cmphex(mana_try_wq(vp, GDMA_QUEUE_SQ, region, other,
                                GDMA_PAGE_SIZE, GDMA_PAGE_SIZE, eq->id, &resp),
                    ==, 0);
    /* the wrong kind, somebody else's, none */
    g_assert_cmphex(mana_try_destroy_wq(vp, GDMA_QUEUE_RQ,
                                        le64_to_cpu(resp.wq_obj)), !=, 0);
    g_assert_cmphex(mana_try_fence(vp, le64_to_cpu(resp.wq_obj)), !=, 0);
    g_assert_cmphex(mana_try_destroy_wq(vp, GDMA_QUEUE_SQ, ~0ull), !=, 0);
    g_assert_cmphex(mana_try_fence(vp, ~0ull), !=, 0);
    g_assert_cmphex(mana_try_destroy_wq(vp, GDMA_QUEUE_SQ,
                                        le64_to_cpu(resp.wq_obj)), ==, 0);
    gdma_eq_destroy(eq);
    gdma_ring_free(&ring);
    g_free(vp);
    mana_machine_stop(&m);
}

/* The channel's queues are not to be had by requests */
static void test_own_queues_cannot_be_destroyed(void)
{
    ManaMachine m;

    mana_machine_drive(&m, 1, "");
    g_assert_cmphex(gdma_eq_try_destroy(m.d, m.d->hwc_eq->id), !=, 0);
    g_assert_cmphex(gdma_eq_try_destroy(m.d, 0xffffffff), !=, 0);
    gdma_expect_alive(m.d);
    mana_machine_stop(&m);
}

static void rx_config_request(ManaMachine *m, ManaVport *vp, GRand *rand,
                              uint64_t obj)
{
    uint8_t buf[sizeof(ManaVportRxReqWire) + 64 * 8];
    ManaVportRxReqWire *req = (void *)buf;
    GdmaRespHeaderWire resp;

    gdma_init_request(m->d, req, MANA_CONFIG_VPORT_RX, sizeof(buf),
                      sizeof(ManaVportRxRespWire));
    req->hdr.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    req->hdr.req.msg_version = cpu_to_le16(g_rand_int_range(rand, 1, 6));
    req->vport = cpu_to_le64(vp->handle);
    req->indir_count = cpu_to_le16(g_rand_int_range(rand, 0, 2) ?
                                   g_rand_int_range(rand, 0, 66) :
                                   pick(rand, wild, ARRAY_SIZE(wild)));
    req->indir_offset = cpu_to_le16(g_rand_int_range(rand, 0, 2) ?
                                    sizeof(*req) :
                                    pick(rand, wild, ARRAY_SIZE(wild)));
    req->rx_enable = cpu_to_le32(g_rand_int_range(rand, 0, 4) - 1);
    req->rss_enable = cpu_to_le32(g_rand_int_range(rand, 0, 4) - 1);
    req->update_default_rxobj = g_rand_int_range(rand, 0, 256);
    req->update_hash_key = g_rand_int_range(rand, 0, 256);
    req->update_indir_table = g_rand_int_range(rand, 0, 256);
    req->default_rxobj = cpu_to_le64(g_rand_int_range(rand, 0, 2) ? obj :
                                     pick(rand, wild, ARRAY_SIZE(wild)));
    req->coalesce = g_rand_int_range(rand, 0, 256);
    req->coalesce8 = g_rand_int_range(rand, 0, 256);
    req->hash_types = g_rand_int(rand);
    for (int i = 0; i < 64; i++) {
        stq_le_p(buf + sizeof(*req) + 8 * i, g_rand_int_range(rand, 0, 8) ? obj :
                 pick(rand, wild, ARRAY_SIZE(wild)));
    }
    g_assert(gdma_request_raw(m->d, buf, sizeof(buf), &resp));
}

/* Tables of no length, of queues that are not; then frames, then the queue goes */
static void test_bad_rx_configuration(void)
{
    GRand *rand = g_rand_new_with_seed(7);
    static uint8_t frame[NET_MAX_BYTES];
    ManaMachine m;

    mana_machine_drive(&m, 1, "");
    for (int round = 0; round < 20; round++) {
        uint64_t heap = m.g->heap_gpa;
        ManaPort p = mana_port_up(m.d, 0, 1, FRAME_BYTES);

        p.eq->holds = true;
        m.d->ignores_strays = true;
        for (int i = 0; i < 20; i++) {
            NetFlow flow = net_rss_flow(i % NET_RSS_VECTORS, NET_TCP, p.vp->mac,
                                        p.vp->mac);
            uint32_t bytes = net_build(frame, &flow, 60, i);

            rx_config_request(&m, p.vp, rand, p.rxq->obj);
            net_wire_send(&m.wire[0], frame, bytes);
            pcie_guest_step(m.g, 10 * SCALE_US);
        }
        mana_rxq_free(p.rxq, true);
        net_wire_send(&m.wire[0], frame, 100);
        pcie_guest_step(m.g, 10 * SCALE_US);
        mana_rx_off(p.vp);
        mana_txq_free(p.txq, true);
        p.eq->holds = false;
        gdma_eq_ring(p.eq, true);
        gdma_settle(m.d);
        gdma_eq_destroy(p.eq);
        g_free(p.vp);
        m.g->heap_gpa = heap;
    }
    g_rand_free(rand);
    mana_machine_stop(&m);
}

/* --- the channel's own work queues --- */

/* The response goes where no memory is: doorbells, registers, nowhere */
static void test_response_into_the_bar(void)
{
    ManaMachine m;
    GdmaReqHeaderWire req;
    GdmaRespHeaderWire resp;
    uint64_t gpas[4], heap;

    mana_machine_drive(&m, 1, "");
    gpas[0] = m.d->bar.addr;
    gpas[1] = m.d->bar.addr + m.d->db_zone;
    gpas[2] = UNMAPPED_GPA;
    gpas[3] = HPET_GPA;
    heap = m.g->heap_gpa;
    for (unsigned i = 0; i < 16; i++) {
        /* the buffer that is posted is a good one: use it up */
        g_assert_cmphex(gdma_simple_request(m.d, 99), ==,
                        GDMA_STATUS_UNSUPPORTED);
        /* now the one after it: the entry's address is in the ring */
        stq_le_p(gdma_ring_at(m.d, &m.d->hwc_rq.ring,
                              (m.d->hwc_rq.head_bytes - GDMA_WQE_BU_BYTES) %
                              m.d->hwc_rq.ring.bytes) + 16, gpas[i % 4]);
        gdma_init_request(m.d, &req, i & 4 ? GDMA_LIST_DEVICES :
                          GDMA_QUERY_MAX_RESOURCES, sizeof(req),
                          i & 8 ? 4096 : 300);
        gdma_request_raw(m.d, &req, sizeof(req), &resp);
        m.g->heap_gpa = heap;
        revive(&m);
    }
    mana_machine_stop(&m);
}

/* Random bytes as work queue entries, random tails */
static void test_wild_entries_in_the_channel(void)
{
    GRand *rand = g_rand_new_with_seed(3);
    ManaMachine m;
    uint64_t heap;

    mana_machine_drive(&m, 1, "");
    heap = m.g->heap_gpa;
    for (int round = 0; round < 60; round++) {
        GdmaWq *wq = round & 1 ? &m.d->hwc_rq : &m.d->hwc_sq;
        uint32_t *page = gdma_ring_at(m.d, &wq->ring, 0);

        for (unsigned i = 0; i < GDMA_PAGE_SIZE / 4; i++) {
            page[i] = g_rand_int_range(rand, 0, 2) ? g_rand_int(rand) :
                      pick(rand, wild, ARRAY_SIZE(wild));
        }
        for (int i = 0; i < 20; i++) {
            wq->head_bytes = g_rand_int_range(rand, 0, 2) ?
                             wq->head_bytes + 32 * g_rand_int_range(rand, 0, 9) :
                             pick(rand, wild, ARRAY_SIZE(wild));
            gdma_wq_ring(wq);
            pcie_guest_step(m.g, SCALE_US);
        }
        m.g->heap_gpa = heap;
        revive(&m);
    }
    g_rand_free(rand);
    mana_machine_stop(&m);
}

/* The request changes while it is read */
static void test_request_flips(void)
{
    static const uint32_t values[] = {
        0, 1, 40, 64, 4096, 0xffff, 0xffffffff, GDMA_CREATE_DMA_REGION,
        GDMA_DMA_REGION_ADD_PAGES, MANA_CONFIG_VPORT_RX, MANA_CREATE_WQ_OBJ,
        GDMA_LIST_DEVICES, 120,
    };
    ManaMachine m;
    uint64_t heap;

    mana_machine_drive(&m, 1, "");
    heap = m.g->heap_gpa;
    for (uint32_t round = 0; round < 6; round++) {
        GdmaCreateRegionReqWire req;
        GdmaRespHeaderWire resp;
        Flipper *f;

        f = flipper_start(pcie_guest_ptr(m.g, round & 1 ? m.d->request_gpa :
                                         m.d->hwc_sq.ring.page_gpa[0]),
                          round & 1 ? 64 : GDMA_PAGE_SIZE / 4, values,
                          ARRAY_SIZE(values), round);
        for (int i = 0; i < 60; i++) {
            GdmaCqeWire cqe;

            gdma_init_request(m.d, &req, GDMA_CREATE_DMA_REGION, sizeof(req),
                              300);
            memcpy(pcie_guest_ptr(m.g, m.d->request_gpa), &req, sizeof(req));
            m.d->hwc_sq.head_bytes += 64;
            gdma_wq_ring(&m.d->hwc_sq);
            pcie_guest_step(m.g, SCALE_US);
            gdma_cq_next(m.d->hwc_cq, &cqe);
        }
        flipper_stop(f);
        gdma_request_raw(m.d, &req, sizeof(req), &resp);
        m.g->heap_gpa = heap;
        revive(&m);
    }
    mana_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/mana-hostile/shm-headers", test_shm_headers);
    qtest_add_func("/paravisor/mana-hostile/shm-addresses",
                   test_shm_addresses);
    qtest_add_func("/paravisor/mana-hostile/register-access",
                   test_register_access);
    qtest_add_func("/paravisor/mana-hostile/wild-requests",
                   test_wild_requests);
    qtest_add_func("/paravisor/mana-hostile/short-requests",
                   test_short_requests);
    qtest_add_func("/paravisor/mana-hostile/bad-regions", test_bad_regions);
    qtest_add_func("/paravisor/mana-hostile/region-flood", test_region_flood);
    qtest_add_func("/paravisor/mana-hostile/bad-queues", test_bad_queues);
    qtest_add_func("/paravisor/mana-hostile/own-queues-cannot-be-destroyed",
                   test_own_queues_cannot_be_destroyed);
    qtest_add_func("/paravisor/mana-hostile/bad-rx-configuration",
                   test_bad_rx_configuration);
    qtest_add_func("/paravisor/mana-hostile/response-into-the-bar",
                   test_response_into_the_bar);
    qtest_add_func("/paravisor/mana-hostile/wild-entries-in-the-channel",
                   test_wild_entries_in_the_channel);
    qtest_add_func("/paravisor/mana-hostile/request-flips",
                   test_request_flips);
    return g_test_run();
}
