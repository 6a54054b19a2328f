/*
 * Unit tests of GDMA's rings, work queue entries and DMA regions
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/gdma-core.h"

/* --- EQ and CQ rings --- */

static void test_takes_only_queue_sizes(void)
{
    static const uint32_t bad[] = {
        0, 1, 64, 2048, 4095, 4097, 12288, 32 << 20, 0x80000000, UINT32_MAX,
    };
    GdmaWqRing w;
    GdmaRing r;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_false(gdma_ring_init(&r, bad[i], GDMA_EQE_BYTES));
        g_assert_false(gdma_wq_init(&w, bad[i]));
    }
    for (uint32_t bytes = 4096; bytes <= GDMA_MAX_QUEUE_BYTES; bytes *= 2) {
        g_assert_true(gdma_ring_init(&r, bytes, GDMA_CQE_BYTES));
        g_assert_cmpuint(gdma_ring_entries(&r), ==, bytes / 64);
        g_assert_true(gdma_ring_valid(&r, bytes, GDMA_CQE_BYTES));
        g_assert_false(gdma_ring_valid(&r, bytes, GDMA_EQE_BYTES));
        g_assert_true(gdma_wq_init(&w, bytes));
        g_assert_true(gdma_wq_valid(&w));
    }
}

static void test_owner_changes_each_lap(void)
{
    GdmaRing r;

    g_assert_true(gdma_ring_init(&r, 4096, GDMA_CQE_BYTES));
    for (uint32_t lap = 1; lap < 20; lap++) {
        for (uint32_t i = 0; i < 64; i++) {
            g_assert_cmpuint(gdma_ring_owner(&r), ==, lap % 8);
            g_assert_cmpuint(gdma_ring_slot(&r), ==, i);
            gdma_ring_advance(&r);
        }
    }
}

static void test_arms_or_fires(void)
{
    GdmaRing r;

    g_assert_true(gdma_ring_init(&r, 4096, GDMA_CQE_BYTES));
    g_assert_true(r.armed);
    /* nothing unseen: armed */
    g_assert_false(gdma_ring_doorbell(&r, 64, true));
    g_assert_true(r.armed);
    g_assert_false(gdma_ring_doorbell(&r, 64, false));
    g_assert_false(r.armed);
    /* an entry that the driver has not seen: at once */
    gdma_ring_advance(&r);
    g_assert_true(gdma_ring_doorbell(&r, 64, true));
    g_assert_false(r.armed);
    g_assert_false(gdma_ring_doorbell(&r, 65, true));
    g_assert_true(r.armed);
    /* a whole lap unseen still is, more is an overrun */
    for (int i = 0; i < 64; i++) {
        gdma_ring_advance(&r);
    }
    g_assert_true(gdma_ring_doorbell(&r, 65, true));
    gdma_ring_advance(&r);
    g_assert_false(gdma_ring_doorbell(&r, 65, true));
    g_assert_false(r.armed);
    /* garbage above the eight laps does not count */
    g_assert_false(gdma_ring_doorbell(&r, r.tail | 0x7ffffe00, true));
    g_assert_true(r.armed);
}

/* --- SQ and RQ rings --- */

static void test_wq_takes_only_what_fits(void)
{
    GdmaWqRing w;

    g_assert_true(gdma_wq_init(&w, 4096));
    g_assert_false(gdma_wq_doorbell(&w, 1));
    g_assert_false(gdma_wq_doorbell(&w, 4096 + 32));
    g_assert_false(gdma_wq_doorbell(&w, (uint32_t)-32));
    g_assert_true(gdma_wq_doorbell(&w, 4096));
    g_assert_cmpuint(gdma_wq_posted_bytes(&w), ==, 4096);
    /* not backwards */
    g_assert_false(gdma_wq_doorbell(&w, 4096 - 32));
    w.head = 4096;
    g_assert_true(gdma_wq_doorbell(&w, 4096));
    /* over the end of the counter */
    w.head = w.tail = -64;
    g_assert_true(gdma_wq_doorbell(&w, 64));
    g_assert_cmpuint(gdma_wq_posted_bytes(&w), ==, 128);
    g_assert_true(gdma_wq_valid(&w));
    w.tail = w.head + 8192;
    g_assert_false(gdma_wq_valid(&w));
}

/* --- entries --- */

static uint32_t make_wqe(uint8_t *buf, uint32_t oob_code, uint32_t oob_bytes,
                         uint32_t sges)
{
    uint32_t at = ROUND_UP(8 + oob_bytes, 16);

    memset(buf, 0, 1024);
    stl_le_p(buf + 4, sges | oob_code << 8 | 1 << 11 | 1448 << 16);
    memset(buf + 8, 0x5a, oob_bytes);
    for (uint32_t i = 0; i < sges; i++, at += 16) {
        stq_le_p(buf + at, 0x1000 * (i + 1));
        stl_le_p(buf + at + 8, 7);
        stl_le_p(buf + at + 12, 100 + i);
    }
    return ROUND_UP(at, 32);
}

static void test_parses_each_format(void)
{
    static const struct {
        uint32_t code, bytes;
    } oob[] = {
        { 0, 8 }, { GDMA_WQE_OOB_8, 8 }, { GDMA_WQE_OOB_24, 24 },
        { GDMA_WQE_OOB_32, 32 },
    };
    uint8_t buf[1024];
    GdmaWqe wqe;

    for (size_t i = 0; i < ARRAY_SIZE(oob); i++) {
        for (uint32_t sges = 0; sges <= 29; sges++) {
            uint32_t bytes = make_wqe(buf, oob[i].code, oob[i].bytes, sges);

            g_assert_true(gdma_wqe_parse(&wqe, buf, bytes, 512));
            g_assert_cmpuint(wqe.bytes, ==, bytes);
            g_assert_cmpuint(wqe.oob_bytes, ==, oob[i].bytes);
            g_assert_cmpuint(wqe.sge_count, ==, sges);
            g_assert_cmpuint(wqe.client_data_unit, ==, 1448);
            g_assert_true(wqe.oob_in_sgl);
            g_assert_cmphex(wqe.oob[oob[i].bytes - 1], ==, 0x5a);
            if (sges) {
                g_assert_cmphex(wqe.sges[sges - 1].address, ==, 0x1000 * sges);
                g_assert_cmpuint(wqe.sges[sges - 1].bytes, ==, 99 + sges);
                g_assert_cmpuint(wqe.sges[sges - 1].mem_key, ==, 7);
            }
            g_assert_false(gdma_wqe_parse(&wqe, buf, bytes - 1, 512));
            g_assert_false(gdma_wqe_parse(&wqe, buf, bytes, bytes - 32));
        }
    }
}

static void test_rejects_bad_entries(void)
{
    uint8_t buf[8192];
    GdmaWqe wqe;

    /* OOB sizes that no driver has */
    for (uint32_t code = 0; code < 8; code++) {
        uint32_t bytes = make_wqe(buf, code, 8, 1);
        bool known = code == 0 || code == 2 || code == 6 || code == 7;

        g_assert_cmpint(gdma_wqe_parse(&wqe, buf, MAX(bytes, 128), 512), ==,
                        known);
    }
    /* more SGEs than the largest entry has room for */
    memset(buf, 0, sizeof(buf));
    stl_le_p(buf + 4, 31 | GDMA_WQE_OOB_8 << 8);
    g_assert_true(gdma_wqe_parse(&wqe, buf, 512, 512));
    stl_le_p(buf + 4, 32 | GDMA_WQE_OOB_8 << 8);
    g_assert_false(gdma_wqe_parse(&wqe, buf, sizeof(buf), 8192));
    stl_le_p(buf + 4, 255 | GDMA_WQE_OOB_8 << 8);
    g_assert_false(gdma_wqe_parse(&wqe, buf, sizeof(buf), 8192));
    /* too few bytes for a header */
    g_assert_false(gdma_wqe_parse(&wqe, buf, 0, 512));
    g_assert_false(gdma_wqe_parse(&wqe, buf, 7, 512));
    /* sums and addresses that wrap */
    make_wqe(buf, GDMA_WQE_OOB_8, 8, 2);
    stl_le_p(buf + 16 + 12, 0x7fffffff);
    stl_le_p(buf + 32 + 12, 1);
    g_assert_false(gdma_wqe_parse(&wqe, buf, 64, 512));
    stl_le_p(buf + 32 + 12, 0);
    g_assert_true(gdma_wqe_parse(&wqe, buf, 64, 512));
    stq_le_p(buf + 16, UINT64_MAX - 10);
    g_assert_false(gdma_wqe_parse(&wqe, buf, 64, 512));
}

/* --- regions --- */

static void add_pages(GdmaRegion *r, uint64_t gpa, uint32_t count,
                      GdmaStatus status)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = cpu_to_le64(gpa + ((uint64_t)i << r->page_shift));

        g_assert_cmphex(gdma_region_add(r, &page, 1), ==,
                        i + 1 < count ? GDMA_STATUS_MORE_ENTRIES : status);
    }
}

static void test_region_in_parts(void)
{
    uint64_t run;
    GdmaRegion r;

    g_assert_cmphex(gdma_region_init(&r, 16384, 0, 0, 4), ==, 0);
    add_pages(&r, 0x10000, 2, GDMA_STATUS_MORE_ENTRIES);
    g_assert_false(gdma_region_is_complete(&r));
    add_pages(&r, 0x80000, 2, GDMA_STATUS_SUCCESS);
    g_assert_true(gdma_region_is_complete(&r));
    /* no more than was announced */
    g_assert_cmphex(gdma_region_add(&r, "12345678", 1), ==,
                    GDMA_STATUS_INVALID_PARAMETER);

    g_assert_cmphex(gdma_region_address(&r, 0, 16384, &run), ==, 0x10000);
    g_assert_cmpuint(run, ==, 8192);
    g_assert_cmphex(gdma_region_address(&r, 8191, 2, &run), ==, 0x11fff);
    g_assert_cmpuint(run, ==, 1);
    g_assert_cmphex(gdma_region_address(&r, 8192, 8192, &run), ==, 0x80000);
    g_assert_cmpuint(run, ==, 8192);
    gdma_region_free(&r);
}

static void test_region_of_each_page_size(void)
{
    for (uint32_t type = 0; type <= GDMA_MAX_PAGE_TYPE; type++) {
        uint64_t page = 4096ull << type;
        uint64_t run;
        GdmaRegion r;

        /* begins and ends within pages */
        g_assert_cmphex(gdma_region_init(&r, page, 512, type, 2), ==, 0);
        add_pages(&r, page * 8, 2, GDMA_STATUS_SUCCESS);
        g_assert_true(gdma_region_valid(&r));
        g_assert_cmphex(gdma_region_address(&r, page - 512, 512, &run), ==,
                        page * 9);
        g_assert_cmpuint(run, ==, 512);
        gdma_region_free(&r);
        g_assert_cmphex(gdma_region_init(&r, 2 * page, 512, type, 2), ==,
                        GDMA_STATUS_INVALID_PARAMETER);
    }
}

static void test_rejects_bad_regions(void)
{
    static const struct {
        uint64_t bytes;
        uint32_t offset, type, pages;
        GdmaStatus status;
    } bad[] = {
        { 0, 0, 0, 1, GDMA_STATUS_INVALID_PARAMETER },
        { 4096, 0, 0, 0, GDMA_STATUS_INVALID_PARAMETER },
        { 4097, 0, 0, 1, GDMA_STATUS_INVALID_PARAMETER },
        { 4096, 1, 0, 1, GDMA_STATUS_INVALID_PARAMETER },
        { 1, 4096, 0, 2, GDMA_STATUS_INVALID_PARAMETER },
        { UINT64_MAX, 4095, 0, 2, GDMA_STATUS_INVALID_PARAMETER },
        { 4096, 0, GDMA_MAX_PAGE_TYPE + 1, 1, GDMA_STATUS_INVALID_PARAMETER },
        { 4096, 0, UINT32_MAX, 1, GDMA_STATUS_INVALID_PARAMETER },
        { 4096, 0, 0, GDMA_MAX_REGION_PAGES + 1, GDMA_STATUS_NO_RESOURCES },
        { 4096, 0, 0, UINT32_MAX, GDMA_STATUS_NO_RESOURCES },
    };
    uint64_t page;
    GdmaRegion r;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmphex(gdma_region_init(&r, bad[i].bytes, bad[i].offset,
                                         bad[i].type, bad[i].pages), ==,
                        bad[i].status);
    }
    g_assert_cmphex(gdma_region_init(&r, 65536, 0, 4, 1), ==, 0);
    page = cpu_to_le64(0x11000);
    g_assert_cmphex(gdma_region_add(&r, &page, 1), ==,
                    GDMA_STATUS_INVALID_PARAMETER);
    g_assert_cmphex(gdma_region_add(&r, &page, UINT32_MAX), ==,
                    GDMA_STATUS_INVALID_PARAMETER);
    g_assert_cmpuint(r.have_count, ==, 0);
    gdma_region_free(&r);
}

/* --- shared memory --- */

static void test_establish_has_52_bit_frames(void)
{
    uint8_t bytes[GDMA_SHM_BYTES] = { 0 };
    uint32_t dwords[GDMA_SHM_DWORDS];
    GdmaShmEstablish est;

    for (int i = 0; i < 24; i++) {
        bytes[i] = 0xf0 - i;
    }
    stw_le_p(bytes + 24, 0x4321);
    stw_le_p(bytes + 26, 9);
    for (int i = 0; i < GDMA_SHM_DWORDS; i++) {
        dwords[i] = ldl_le_p(bytes + i * 4);
    }
    gdma_shm_parse_establish(&est, dwords);
    g_assert_cmphex(est.eq_gpa, ==, 0x1ebecedeeeff0000ull);
    g_assert_cmphex(est.cq_gpa, ==, 0x2e5e6e7e8e9ea000ull);
    g_assert_cmphex(est.rq_gpa, ==, 0x3dfe0e1e2e3e4000ull);
    g_assert_cmphex(est.sq_gpa, ==, 0x4d9dadbdcddde000ull);
    g_assert_cmpuint(est.msix, ==, 9);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/paravisor/gdma-core/" #name, test_ ## name)
    ADD(takes_only_queue_sizes);
    ADD(owner_changes_each_lap);
    ADD(arms_or_fires);
    ADD(wq_takes_only_what_fits);
    ADD(parses_each_format);
    ADD(rejects_bad_entries);
    ADD(region_in_parts);
    ADD(region_of_each_page_size);
    ADD(rejects_bad_regions);
    ADD(establish_has_52_bit_frames);
    return g_test_run();
}
