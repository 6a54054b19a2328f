/*
 * GDMA and MANA parsers: thousands of random inputs that know the formats
 *
 * Made for a sanitized build, which is what finds a read past the end: each
 * input is in a block of its own of exactly its length.  The results are held
 * against what the header promises.  The seed is fixed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/gdma-core.h"
#include "hw/paravisor/mana-frame-core.h"

#define ROUNDS      20000

static GRand *dice;

static uint32_t below(uint32_t n)
{
    return g_rand_int_range(dice, 0, n);
}

static uint32_t edge(void)
{
    static const uint32_t edges[] = {
        0, 1, 2, 7, 8, 13, 14, 31, 32, 33, 255, 256, 4095, 4096, 0x7fff,
        0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff,
    };

    return below(3) ? edges[below(ARRAY_SIZE(edges))] : g_rand_int(dice);
}

static uint64_t edge64(void)
{
    return edge() | (uint64_t)(below(2) ? edge() : 0) << 32;
}

/* --- work queue entries --- */

/* @bytes in a block that ends with them */
static uint8_t *random_wqe(uint32_t bytes)
{
    uint8_t *buf = g_malloc(MAX(bytes, 1));

    for (uint32_t i = 0; i < bytes; i++) {
        buf[i] = below(4) ? 0 : below(256);
    }
    if (bytes >= 8) {
        uint32_t oob = below(4) ? GDMA_WQE_OOB_8 + 4 * below(2) : below(8);

        stl_le_p(buf + 4, below(below(2) ? 8 : 40) | oob << 8 |
                          below(2) << 11 | below(0x4000) << 16);
    }
    for (uint32_t at = 16; at + 16 <= bytes; at += 16) {
        bool wild = !below(12);

        stq_le_p(buf + at, wild ? edge64() : below(1u << 30));
        stl_le_p(buf + at + 12, wild ? edge() : below(65536));
    }
    return buf;
}

static void test_entries(void)
{
    unsigned good = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t have = below(20) * 32 + (below(4) ? 0 : below(32));
        uint32_t max = below(2) ? GDMA_MAX_SQE_BYTES : GDMA_MAX_RQE_BYTES;
        g_autofree uint8_t *buf = random_wqe(have);
        uint64_t total = 0;
        GdmaWqe wqe;

        if (!gdma_wqe_parse(&wqe, buf, have, max)) {
            continue;
        }
        good++;
        g_assert_cmpuint(wqe.bytes, <=, MIN(have, max));
        g_assert_cmpuint(wqe.bytes, >, 0);
        g_assert_cmpuint(wqe.bytes % GDMA_WQE_BU_BYTES, ==, 0);
        g_assert_cmpuint(wqe.sge_count, <=, GDMA_MAX_SGES);
        g_assert_cmpuint(wqe.oob_bytes, <=, GDMA_MAX_OOB_BYTES);
        g_assert_cmpuint(8 + wqe.oob_bytes + 16 * wqe.sge_count, <=, wqe.bytes);
        for (unsigned i = 0; i < wqe.sge_count; i++) {
            g_assert_cmpuint(wqe.sges[i].address + wqe.sges[i].bytes, >=,
                             wqe.sges[i].address);
            total += wqe.sges[i].bytes;
        }
        g_assert_cmpuint(wqe.total_bytes, ==, total);
        g_assert_cmpuint(total, <=, INT32_MAX);
    }
    g_assert_cmpuint(good, >, ROUNDS / 20);
}

/* --- rings --- */

static void test_work_queue_doorbells(void)
{
    for (unsigned round = 0; round < ROUNDS / 10; round++) {
        GdmaWqRing w;
        uint32_t bytes = 4096u << below(13);

        if (!gdma_wq_init(&w, bytes)) {
            continue;
        }
        w.head = w.tail = edge() & ~31u;
        for (int i = 0; i < 50; i++) {
            GdmaWqRing old = w;
            uint32_t tail = below(2) ? edge() : w.tail + 32 * below(40);

            if (!gdma_wq_doorbell(&w, tail)) {
                g_assert_cmpmem(&w, sizeof(w), &old, sizeof(old));
            }
            g_assert_cmpuint(gdma_wq_posted_bytes(&w), <=, w.bytes);
            g_assert_cmpuint(gdma_wq_posted_bytes(&w) % 32, ==, 0);
            g_assert(gdma_wq_valid(&w));
            w.head += MIN(gdma_wq_posted_bytes(&w), 32 * below(8));
        }
    }
}

static void test_ring_doorbells(void)
{
    for (unsigned round = 0; round < ROUNDS / 10; round++) {
        uint32_t entry = below(2) ? GDMA_EQE_BYTES : GDMA_CQE_BYTES;
        uint32_t bytes = below(3) ? 4096u << below(12) : edge();
        GdmaRing r;

        if (!gdma_ring_init(&r, bytes, entry)) {
            continue;
        }
        g_assert_cmpuint(gdma_ring_entries(&r), ==, bytes / entry);
        for (int i = 0; i < 50; i++) {
            bool arm = below(2), fired;

            fired = gdma_ring_doorbell(&r, edge(), arm);
            /* armed or notified, never both, and neither unasked */
            g_assert(!(fired && r.armed));
            g_assert(arm || (!fired && !r.armed));
            for (uint32_t n = below(100); n; n--) {
                gdma_ring_advance(&r);
            }
            g_assert_cmpuint(gdma_ring_slot(&r), <, gdma_ring_entries(&r));
            g_assert_cmpuint(gdma_ring_owner(&r), <=, GDMA_OWNER_MASK);
            g_assert(gdma_ring_valid(&r, bytes, entry));
        }
    }
}

/* --- regions --- */

static void use_region(const GdmaRegion *r)
{
    uint64_t page_bytes = 1ull << r->page_shift;

    for (int i = 0; i < 20; i++) {
        uint64_t at = g_rand_double(dice) * r->bytes;
        uint64_t want = 1 + g_rand_double(dice) * (r->bytes - at - 1), got;
        uint64_t gpa = gdma_region_address(r, at, want, &got);
        bool found = false;

        g_assert_cmpuint(got, >, 0);
        g_assert_cmpuint(got, <=, want);
        for (uint32_t k = 0; k < r->page_count; k++) {
            found |= gpa - r->pages[k] < page_bytes;
        }
        g_assert(found);
    }
}

static void test_regions(void)
{
    unsigned complete = 0;

    for (unsigned round = 0; round < ROUNDS / 4; round++) {
        uint32_t type = below(4) ? 0 : below(30);
        uint32_t pages = below(3) ? below(20) : edge();
        uint64_t bytes = below(3) ? below(20 * 4096) : edge64();
        GdmaStatus status;
        GdmaRegion r;

        status = gdma_region_init(&r, bytes, below(3) ? 0 : edge(), type, pages);
        if (status) {
            continue;
        }
        for (int i = 0; i < 30 && !gdma_region_is_complete(&r); i++) {
            uint32_t count = below(8);
            g_autofree uint64_t *list = g_new(uint64_t, MAX(count, 1));

            for (uint32_t k = 0; k < count; k++) {
                list[k] = cpu_to_le64(below(30) ?
                                      (uint64_t)below(64) << r.page_shift :
                                      edge64());
            }
            gdma_region_add(&r, list, count);
            g_assert_cmpuint(r.have_count, <=, r.page_count);
            g_assert(gdma_region_valid(&r));
        }
        if (gdma_region_is_complete(&r)) {
            complete++;
            use_region(&r);
        }
        gdma_region_free(&r);
    }
    g_assert_cmpuint(complete, >, ROUNDS / 100);
}

static void test_establish(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t dwords[GDMA_SHM_DWORDS];
        GdmaShmEstablish est;

        for (unsigned i = 0; i < GDMA_SHM_DWORDS; i++) {
            dwords[i] = edge();
        }
        gdma_shm_parse_establish(&est, dwords);
        g_assert_cmphex((est.eq_gpa | est.cq_gpa | est.rq_gpa | est.sq_gpa) &
                        (GDMA_PAGE_SIZE - 1), ==, 0);
    }
}

/* --- frames --- */

/* Headers that look right here and there */
static uint8_t *random_frame(uint32_t bytes)
{
    static const uint16_t types[] = { 0x0800, 0x86dd, 0x8100, 0x88a8, 0x0806 };
    uint8_t *buf = g_malloc(MAX(bytes, 1));
    uint32_t at = 12;

    for (uint32_t i = 0; i < bytes; i++) {
        buf[i] = below(2) ? below(256) : 0;
    }
    for (int tags = below(2) * below(3); tags >= 0 && at + 2 <= bytes; tags--) {
        uint16_t type = types[tags ? 2 + below(2) : below(3) ? below(2) :
                              below(5)];

        stw_be_p(buf + at, type);
        at += tags ? 4 : 2;
    }
    if (at + 40 <= bytes && below(8)) {
        bool is_ipv6 = lduw_be_p(buf + at - 2) == 0x86dd;

        buf[at] = !below(8) ? below(256) : is_ipv6 ? 0x60 :
                  0x45 + !below(3) * below(11);
        if (buf[at] >> 4 == 4) {
            stw_be_p(buf + at + 2, below(3) ? bytes - at : edge());
            stw_be_p(buf + at + 6, below(4) ? 0 : edge());
            buf[at + 9] = below(2) ? 6 : 17;
        } else {
            stw_be_p(buf + at + 4, below(3) ? bytes - at - 40 : edge());
            buf[at + 6] = below(2) ? 6 : below(2) ? 17 : below(64);
        }
    }
    return buf;
}

static void use_frame(const NetFrame *f, const uint8_t *hdr, uint32_t have)
{
    static const uint8_t key[MANA_HASH_KEY_BYTES] = { 1, 2, 3 };
    Toeplitz toeplitz;
    uint16_t type;

    toeplitz_init(&toeplitz, key);
    mana_frame_hash(f, hdr, &toeplitz, g_rand_int(dice), &type);
    net_frame_check_ip_csum(f, hdr);
    if (net_frame_is_tcp(f) || net_frame_is_udp(f)) {
        g_assert_cmpuint(f->payload_offset, <=, have);
        g_assert_cmpuint(f->l4_offset + net_frame_csum_offset(f) + 2, <=, have);
        g_assert_cmpuint(net_frame_l4_bytes(f, hdr), <=,
                         f->bytes - f->l4_offset);
        net_frame_sum_pseudo(f, hdr, f->l4_end - f->l4_offset);
    }
}

static void test_frames(void)
{
    unsigned with_l4 = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t bytes = MANA_ETH_HEADER_BYTES + below(400);
        uint32_t have = MIN(bytes, MANA_SNAPSHOT_BYTES);
        g_autofree uint8_t *whole = random_frame(bytes);
        g_autofree uint8_t *hdr = g_memdup2(whole, have);
        NetFrame f;

        net_frame_parse_head(&f, hdr, have, bytes);
        with_l4 += net_frame_is_tcp(&f) || net_frame_is_udp(&f);
        g_assert_cmpuint(f.l4_end, <=, bytes);
        use_frame(&f, hdr, have);
    }
    g_assert_cmpuint(with_l4, >, ROUNDS / 20);
}

static void test_segments(void)
{
    unsigned good = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t hdr_bytes = below(2) ? 54 + below(50) : 14 + below(243);
        uint32_t payload = below(65536), mss = below(8) ? 1 + below(9000) : edge();
        g_autofree uint8_t *hdr = random_frame(hdr_bytes);
        g_autofree uint8_t *out = g_malloc(hdr_bytes + payload);
        uint32_t bytes;
        NetFrameCutter c;
        NetFrame f;

        /* most are what a driver makes */
        if (below(4) && hdr_bytes >= 74) {
            bool is_ipv6 = below(2);
            uint32_t l4 = is_ipv6 ? 54 : 34;

            stw_be_p(hdr + 12, is_ipv6 ? 0x86dd : 0x0800);
            hdr[14] = is_ipv6 ? 0x60 : 0x45;
            stw_be_p(hdr + 16, 0);
            stw_be_p(hdr + 18, 0);
            stw_be_p(hdr + 20, 0);
            hdr[is_ipv6 ? 20 : 23] = 6;
            hdr[l4 + 12] = ((hdr_bytes - l4) / 4) << 4;
        }
        net_frame_parse_head(&f, hdr, hdr_bytes, hdr_bytes + payload);
        if (!net_frame_is_tcp(&f) || f.payload_offset != hdr_bytes) {
            continue;
        }
        good++;
        memset(out, round, hdr_bytes + payload);
        net_frame_cut_begin(&c, &f, hdr, mss);
        for (uint32_t i = 0; i < 20 && (bytes = net_frame_cut_bytes(&c)); i++) {
            net_frame_cut_header(&c, out, bytes);
        }
        net_frame_fix_large(&f, hdr);
    }
    g_assert_cmpuint(good, >, ROUNDS / 50);
}

static void test_sums(void)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint32_t bytes = below(100), cut = bytes ? below(bytes) : 0;
        g_autofree uint8_t *buf = random_frame(bytes);
        uint64_t parts = net_frame_sum(buf, cut) +
                         net_frame_sum_part(buf + cut, bytes - cut, cut);

        g_assert_cmphex(net_frame_fold(net_frame_sum(buf, bytes)), ==,
                        net_frame_fold(parts));
    }
}

int main(int argc, char **argv)
{
    int ret;

    dice = g_rand_new_with_seed(20);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mana-fuzz/entries", test_entries);
    g_test_add_func("/mana-fuzz/work-queue-doorbells",
                    test_work_queue_doorbells);
    g_test_add_func("/mana-fuzz/ring-doorbells", test_ring_doorbells);
    g_test_add_func("/mana-fuzz/regions", test_regions);
    g_test_add_func("/mana-fuzz/establish", test_establish);
    g_test_add_func("/mana-fuzz/frames", test_frames);
    g_test_add_func("/mana-fuzz/segments", test_segments);
    g_test_add_func("/mana-fuzz/sums", test_sums);
    ret = g_test_run();
    g_rand_free(dice);
    return ret;
}
