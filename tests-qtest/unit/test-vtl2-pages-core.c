/*
 * Unit tests: pages of VTL2's memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/paravisor/vtl2-pages-core.h"

#define PAGES   16

static void test_alloc_takes_all_and_no_more(void)
{
    Vtl2Pages p;

    vtl2_pages_init(&p, PAGES);
    for (uint32_t i = 0; i < PAGES; i++) {
        g_assert_cmpuint(vtl2_pages_alloc(&p, 1, 1), ==, i);
        g_assert_cmpuint(p.used_count, ==, i + 1);
    }
    g_assert_cmphex(vtl2_pages_alloc(&p, 1, 1), ==, VTL2_PAGES_NONE);
    vtl2_pages_reset(&p);
    g_assert_cmpuint(p.used_count, ==, 0);
    g_assert_cmpuint(vtl2_pages_alloc(&p, PAGES, 1), ==, 0);
    vtl2_pages_destroy(&p);
}

static void test_alloc_refuses_wild_counts(void)
{
    static const uint32_t counts[] = { 0, PAGES + 1, 1u << 31, UINT32_MAX };
    Vtl2Pages p;

    vtl2_pages_init(&p, PAGES);
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        g_assert_cmphex(vtl2_pages_alloc(&p, counts[i], 1), ==,
                        VTL2_PAGES_NONE);
    }
    g_assert_cmpuint(p.used_count, ==, 0);
    vtl2_pages_destroy(&p);
}

static void test_alloc_finds_holes(void)
{
    Vtl2Pages p;

    vtl2_pages_init(&p, PAGES);
    g_assert_cmpuint(vtl2_pages_alloc(&p, PAGES, 1), ==, 0);
    /* holes of 1, 3 and 2 pages, the last one at the end */
    g_assert_cmpuint(vtl2_pages_free(&p, 2, 1, 1), ==, 1);
    g_assert_cmpuint(vtl2_pages_free(&p, 6, 3, 1), ==, 3);
    g_assert_cmpuint(vtl2_pages_free(&p, 14, 2, 1), ==, 2);
    g_assert_cmphex(vtl2_pages_alloc(&p, 4, 1), ==, VTL2_PAGES_NONE);
    g_assert_cmpuint(vtl2_pages_alloc(&p, 3, 1), ==, 6);
    g_assert_cmpuint(vtl2_pages_alloc(&p, 2, 1), ==, 14);
    g_assert_cmphex(vtl2_pages_alloc(&p, 2, 1), ==, VTL2_PAGES_NONE);
    g_assert_cmpuint(vtl2_pages_alloc(&p, 1, 1), ==, 2);
    g_assert_cmpuint(p.used_count, ==, PAGES);
    vtl2_pages_destroy(&p);
}

/* A run may begin before the place where the last search ended, and go past it */
static void test_alloc_crosses_the_next_mark(void)
{
    Vtl2Pages p;

    vtl2_pages_init(&p, PAGES);
    g_assert_cmpuint(vtl2_pages_alloc(&p, 8, 1), ==, 0);
    g_assert_cmpuint(vtl2_pages_free(&p, 4, 4, 1), ==, 4);
    g_assert_cmpuint(vtl2_pages_alloc(&p, 12, 1), ==, 4);
    vtl2_pages_destroy(&p);
}

static void test_free_leaves_what_is_not_the_owners(void)
{
    Vtl2Pages p;

    vtl2_pages_init(&p, PAGES);
    g_assert_cmpuint(vtl2_pages_alloc(&p, 4, 1), ==, 0);
    g_assert_cmpuint(vtl2_pages_alloc(&p, 4, 2), ==, 4);
    g_assert_cmpuint(vtl2_pages_free(&p, 0, 8, 2), ==, 4);
    g_assert_cmpuint(vtl2_pages_free(&p, 4, 4, 2), ==, 0);
    g_assert_cmpuint(p.used_count, ==, 4);
    g_assert_cmpuint(vtl2_pages_free(&p, PAGES, 1, 1), ==, 0);
    g_assert_cmpuint(vtl2_pages_free(&p, 0, PAGES + 1, 1), ==, 0);
    g_assert_cmpuint(vtl2_pages_free(&p, 1, UINT32_MAX, 1), ==, 0);
    g_assert_cmpuint(vtl2_pages_free(&p, 0, 0, 1), ==, 0);
    g_assert_cmpuint(p.used_count, ==, 4);
    vtl2_pages_free_all(&p, 1);
    g_assert_cmpuint(p.used_count, ==, 0);
    vtl2_pages_destroy(&p);
}

static void test_claim_takes_free_pages_alone(void)
{
    Vtl2Pages p;

    vtl2_pages_init(&p, PAGES);
    g_assert_true(vtl2_pages_claim(&p, 3, 2, 1));
    g_assert_false(vtl2_pages_claim(&p, 4, 1, 1));
    g_assert_false(vtl2_pages_claim(&p, 2, 2, 2));
    g_assert_false(vtl2_pages_claim(&p, 0, 0, 1));
    g_assert_false(vtl2_pages_claim(&p, PAGES - 1, 2, 1));
    g_assert_false(vtl2_pages_claim(&p, PAGES, 1, 1));
    g_assert_false(vtl2_pages_claim(&p, 5, UINT32_MAX - 3, 1));
    g_assert_cmpuint(p.used_count, ==, 2);
    g_assert_true(vtl2_pages_claim(&p, PAGES - 1, 1, 1));
    g_assert_cmpuint(vtl2_pages_alloc(&p, 4, 1), ==, 5);
    vtl2_pages_destroy(&p);
}

/* Against a map that knows nothing of searching */
static void test_random_use_agrees_with_a_plain_map(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    uint32_t map[PAGES] = { 0 };
    Vtl2Pages p;

    vtl2_pages_init(&p, PAGES);
    for (unsigned n = 0; n < 20000; n++) {
        uint32_t count = g_rand_int_range(rand, 1, 6);
        uint32_t owner = g_rand_int_range(rand, 1, 4);
        uint32_t first, run = 0, used = 0;
        bool has_run = false;

        if (g_rand_boolean(rand)) {
            first = vtl2_pages_alloc(&p, count, owner);
            for (uint32_t i = 0; i < PAGES; i++) {
                run = map[i] ? 0 : run + 1;
                has_run |= run >= count;
            }
            g_assert_cmpint(first != VTL2_PAGES_NONE, ==, has_run);
            for (uint32_t i = 0; has_run && i < count; i++) {
                g_assert_cmpuint(map[first + i], ==, 0);
                map[first + i] = owner;
            }
        } else {
            first = g_rand_int_range(rand, 0, PAGES - count + 1);
            vtl2_pages_free(&p, first, count, owner);
            for (uint32_t i = 0; i < count; i++) {
                map[first + i] = map[first + i] == owner ? 0 : map[first + i];
            }
        }
        for (uint32_t i = 0; i < PAGES; i++) {
            used += map[i] != 0;
        }
        g_assert_cmpmem(map, sizeof(map), p.owner, sizeof(map));
        g_assert_cmpuint(p.used_count, ==, used);
    }
    vtl2_pages_destroy(&p);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define PAGES_TEST(_name) \
    g_test_add_func("/paravisor/vtl2-pages-core/" #_name, test_##_name)
    PAGES_TEST(alloc_takes_all_and_no_more);
    PAGES_TEST(alloc_refuses_wild_counts);
    PAGES_TEST(alloc_finds_holes);
    PAGES_TEST(alloc_crosses_the_next_mark);
    PAGES_TEST(free_leaves_what_is_not_the_owners);
    PAGES_TEST(claim_takes_free_pages_alone);
    PAGES_TEST(random_use_agrees_with_a_plain_map);
    return g_test_run();
}
