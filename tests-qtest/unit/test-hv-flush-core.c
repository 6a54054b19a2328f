/*
 * Unit tests of the TLB flush ranges
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "accel/hyperv/hv-flush-core.h"

static HvFlushRange parse(uint64_t element, bool extended)
{
    HvFlushRange range;

    g_assert_cmpint(hv_flush_parse_range(element, extended, &range), ==,
                    HV_STATUS_OK);
    return range;
}

static void simple_counts_pages_beyond_one(void)
{
    HvFlushRange r = parse(0x7f0000001000ull, false);

    g_assert_cmphex(r.gva, ==, 0x7f0000001000ull);
    g_assert_cmphex(r.bytes, ==, 4096);
    r = parse(0x7f0000001fffull, false);
    g_assert_cmphex(r.gva, ==, 0x7f0000001000ull);
    g_assert_cmphex(r.bytes, ==, 16 * MiB);
}

static void extended_takes_11_bits(void)
{
    HvFlushRange r = parse(0x10007ffull, true);

    g_assert_cmphex(r.gva, ==, 0x1000000);
    g_assert_cmphex(r.bytes, ==, 2048 * 4096);
}

static void extended_large_pages(void)
{
    HvFlushRange r = parse(0xffff888000200801ull, true);

    g_assert_cmphex(r.gva, ==, 0xffff888000200000ull);
    g_assert_cmphex(r.bytes, ==, 4 * MiB);
    r = parse(0xffff888040001800ull, true);
    g_assert_cmphex(r.gva, ==, 0xffff888040000000ull);
    g_assert_cmphex(r.bytes, ==, GiB);
}

static void extended_rejects_reserved_bits(void)
{
    HvFlushRange r;

    for (unsigned bit = 13; bit <= 20; bit++) {
        g_assert_cmpint(hv_flush_parse_range(BIT_ULL(bit) | BIT_ULL(11), true,
                                             &r), ==, HV_STATUS_BAD_PARAMETER);
        /* without the large bit it belongs to the page number */
        g_assert_cmphex(parse(BIT_ULL(bit), true).gva, ==, BIT_ULL(bit));
    }
}

static void stops_at_end_of_address_space(void)
{
    HvFlushRange r = parse(~0ull, false);

    g_assert_cmphex(r.gva, ==, 0xfffffffffffff000ull);
    g_assert_cmphex(r.bytes, ==, 4096);
    r = parse(0xfffull, false);
    g_assert_cmphex(r.gva, ==, 0);
    g_assert_cmphex(r.bytes, ==, 16 * MiB);
}

static void too_many_ranges_become_all(void)
{
    HvFlushWork work = { 0 };

    for (unsigned i = 0; i < HV_FLUSH_MAX_RANGES; i++) {
        hv_flush_add(&work, parse(i * 4096ull, false));
        g_assert_false(work.all);
    }
    g_assert_cmpuint(work.page_count, ==, HV_FLUSH_MAX_RANGES);
    hv_flush_add(&work, parse(0, false));
    g_assert_true(work.all);
    g_assert_cmpuint(work.range_count, ==, 0);
    hv_flush_add(&work, parse(0, false));
    g_assert_cmpuint(work.range_count, ==, 0);
}

static void too_many_pages_become_all(void)
{
    HvFlushWork work = { 0 };

    hv_flush_add(&work, parse(HV_FLUSH_MAX_PAGES - 1, false));
    g_assert_false(work.all);
    hv_flush_add(&work, parse(0x100000, false));
    g_assert_true(work.all);

    hv_flush_clear(&work);
    hv_flush_add(&work, parse(HV_FLUSH_MAX_PAGES, false));
    g_assert_true(work.all);
}

static void merge_keeps_both(void)
{
    HvFlushWork a = { 0 }, b = { 0 }, all = { .all = true };

    hv_flush_add(&a, parse(0x1000, false));
    hv_flush_add(&b, parse(0x2000, false));
    hv_flush_merge(&a, &b);
    g_assert_cmpuint(a.range_count, ==, 2);
    g_assert_cmphex(a.range[0].gva, ==, 0x1000);
    g_assert_cmphex(a.range[1].gva, ==, 0x2000);
    hv_flush_merge(&a, &all);
    g_assert_true(a.all);
    hv_flush_merge(&all, &b);
    g_assert_true(all.all);
    g_assert_cmpuint(all.range_count, ==, 0);
}

#define ADD(name) g_test_add_func("/hv-flush/" #name, name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(simple_counts_pages_beyond_one);
    ADD(extended_takes_11_bits);
    ADD(extended_large_pages);
    ADD(extended_rejects_reserved_bits);
    ADD(stops_at_end_of_address_space);
    ADD(too_many_ranges_become_all);
    ADD(too_many_pages_become_all);
    ADD(merge_keeps_both);
    return g_test_run();
}
