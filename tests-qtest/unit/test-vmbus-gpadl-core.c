/*
 * Unit tests of VMBus GPADL assembly
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/vmbus/vmbus-gpadl-core.h"

#define RELID   3
#define ID      0xe1e10

typedef struct Fixture {
    HvbusGpadlTable t;
} Fixture;

static void setup(Fixture *f, const void *data)
{
    hvbus_gpadl_table_init(&f->t, NULL);
}

static void teardown(Fixture *f, const void *data)
{
    hvbus_gpadl_table_destroy(&f->t);
    g_assert_cmpuint(f->t.total_pages, ==, 0);
}

/* A header for @pages pages of which @inline_pages are in it */
static HvbusGpadlResult begin_at(Fixture *f, uint32_t relid, uint32_t id,
                                 uint32_t byte_count, uint32_t byte_offset,
                                 uint32_t pages, uint32_t inline_pages)
{
    g_autofree uint8_t *buf = g_malloc0(8 + inline_pages * 8);
    uint32_t i;

    stl_le_p(buf, byte_count);
    stl_le_p(buf + 4, byte_offset);
    for (i = 0; i < inline_pages; i++) {
        stq_le_p(buf + 8 + i * 8, 100 + i);
    }
    return hvbus_gpadl_begin(&f->t, relid, id, 8 + pages * 8, 1, buf,
                             8 + inline_pages * 8);
}

static HvbusGpadlResult begin(Fixture *f, uint32_t pages, uint32_t inline_pages)
{
    return begin_at(f, RELID, ID, pages * HV_PAGE_SIZE, 0, pages, inline_pages);
}

static HvbusGpadlResult append(Fixture *f, uint32_t id, uint32_t first,
                               uint32_t count)
{
    g_autofree uint8_t *buf = g_malloc0(count * 8 + 1);
    uint32_t i, relid = 0;
    HvbusGpadlResult r;

    for (i = 0; i < count; i++) {
        stq_le_p(buf + i * 8, 100 + first + i);
    }
    r = hvbus_gpadl_append(&f->t, id, buf, count * 8, &relid);
    g_assert_cmpuint(relid, ==, r == HVBUS_GPADL_UNKNOWN ? 0 : RELID);
    return r;
}

static void test_assembles_every_split(Fixture *f, const void *data)
{
    const uint32_t pages = 60;
    uint32_t head, chunk, i;

    for (head = 0; head <= 26; head++) {
        for (chunk = 1; chunk <= 28; chunk++) {
            uint32_t have = head;
            HvbusGpadl *g;

            g_assert_cmpint(begin(f, pages, head), ==, HVBUS_GPADL_MORE);
            while (have < pages) {
                uint32_t n = MIN(chunk, pages - have);

                g_assert_cmpint(append(f, ID, have, n), ==,
                                have + n == pages ? HVBUS_GPADL_DONE
                                                  : HVBUS_GPADL_MORE);
                have += n;
            }
            g = hvbus_gpadl_find(&f->t, RELID, ID);
            g_assert_true(g && hvbus_gpadl_is_complete(g));
            for (i = 0; i < pages; i++) {
                g_assert_cmpuint(g->pfns[i], ==, 100 + i);
            }
            hvbus_gpadl_remove(g);
        }
    }
}

static void test_rejects_bad_lengths(Fixture *f, const void *data)
{
    uint8_t buf[8 + 16] = { 0 };
    uint32_t bytes;

    stl_le_p(buf, 2 * HV_PAGE_SIZE);
    /* too short for a range, and sizes that are no whole page numbers */
    for (bytes = 0; bytes < 8; bytes++) {
        g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 24, 1, buf, bytes),
                        ==, HVBUS_GPADL_FAILED);
        g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, bytes, 1, buf, 24),
                        ==, HVBUS_GPADL_FAILED);
    }
    for (bytes = 9; bytes < 16; bytes++) {
        g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 24, 1, buf, bytes),
                        ==, HVBUS_GPADL_FAILED);
        g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, bytes, 1, buf, 24),
                        ==, HVBUS_GPADL_FAILED);
    }
    /* the range count */
    g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 24, 0, buf, 24),
                    ==, HVBUS_GPADL_FAILED);
    g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 24, 2, buf, 24),
                    ==, HVBUS_GPADL_FAILED);
    g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 24, 0xffff, buf, 24),
                    ==, HVBUS_GPADL_FAILED);
    /* more page numbers than the range has */
    g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 16, 1, buf, 24),
                    ==, HVBUS_GPADL_FAILED);
    g_assert_cmpuint(g_hash_table_size(f->t.all), ==, 0);
    g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 24, 1, buf, 24),
                    ==, HVBUS_GPADL_DONE);
}

static void test_rejects_counts_that_disagree(Fixture *f, const void *data)
{
    static const struct {
        uint32_t byte_count, byte_offset, pages;
        bool is_ok;
    } cases[] = {
        { 0, 0, 0 }, { 0, 0, 1 }, { 1, 0, 1, true }, { 4096, 0, 1, true },
        { 4097, 0, 1 }, { 4097, 0, 2, true }, { 4096, 1, 1 },
        { 4096, 1, 2, true }, { 4096, 4095, 2, true }, { 4096, 4096, 2 },
        { 1, 0xffffffff, 1 }, { 0xffffffff, 0, 1 }, { 0xfffff000, 0, 8190 },
        { 0xfffff000, 4095, 1 }, { 8190 * 4096u, 0, 8190, true },
        /* range_bytes has wrapped */
        { 8191 * 4096u, 0, 8191, true }, { 8192 * 4096u, 0, 8192, true },
        { HVBUS_GPADL_MAX_PAGES * 4096u, 0, HVBUS_GPADL_MAX_PAGES, true },
        { (HVBUS_GPADL_MAX_PAGES + 1) * 4096u, 0, HVBUS_GPADL_MAX_PAGES + 1 },
    };
    size_t i;

    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        HvbusGpadlResult r = begin_at(f, RELID, ID, cases[i].byte_count,
                                      cases[i].byte_offset, cases[i].pages,
                                      MIN(cases[i].pages, 1));

        if (cases[i].is_ok) {
            g_assert_cmpint(r, ==, cases[i].pages == 1 ? HVBUS_GPADL_DONE
                                                       : HVBUS_GPADL_MORE);
        } else {
            g_assert_cmpint(r, ==, HVBUS_GPADL_FAILED);
            continue;
        }
        hvbus_gpadl_remove(hvbus_gpadl_find(&f->t, RELID, ID));
    }
}

static void test_rejects_bodies_without_header(Fixture *f, const void *data)
{
    g_assert_cmpint(append(f, ID, 0, 1), ==, HVBUS_GPADL_UNKNOWN);
    g_assert_cmpint(begin(f, 2, 2), ==, HVBUS_GPADL_DONE);
    /* complete */
    g_assert_cmpint(append(f, ID, 0, 1), ==, HVBUS_GPADL_UNKNOWN);
    g_assert_cmpuint(hvbus_gpadl_find(&f->t, RELID, ID)->pages_have, ==, 2);
}

static void test_ends_at_one_page_too_many(Fixture *f, const void *data)
{
    g_assert_cmpint(begin(f, 30, 26), ==, HVBUS_GPADL_MORE);
    g_assert_cmpint(append(f, ID, 26, 5), ==, HVBUS_GPADL_FAILED);
    g_assert_null(hvbus_gpadl_find(&f->t, RELID, ID));
    g_assert_cmpint(append(f, ID, 26, 4), ==, HVBUS_GPADL_UNKNOWN);
}

static void test_rejects_page_beyond_52_bits(Fixture *f, const void *data)
{
    uint8_t buf[16] = { 0 };

    stl_le_p(buf, HV_PAGE_SIZE);
    stq_le_p(buf + 8, HVBUS_PFN_MAX + 1);
    g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 16, 1, buf, 16), ==,
                    HVBUS_GPADL_FAILED);
    stq_le_p(buf + 8, HVBUS_PFN_MAX);
    g_assert_cmpint(hvbus_gpadl_begin(&f->t, RELID, ID, 16, 1, buf, 16), ==,
                    HVBUS_GPADL_DONE);
}

static void test_interleaves_channels(Fixture *f, const void *data)
{
    g_assert_cmpint(begin_at(f, 1, 10, 2 * 4096, 0, 2, 1), ==,
                    HVBUS_GPADL_MORE);
    g_assert_cmpint(begin_at(f, RELID, 11, 2 * 4096, 0, 2, 1), ==,
                    HVBUS_GPADL_MORE);
    /* the body names no channel, so an id is assembled once at a time */
    g_assert_cmpint(begin_at(f, RELID, 10, 2 * 4096, 0, 2, 1), ==,
                    HVBUS_GPADL_FAILED);
    g_assert_cmpint(append(f, 11, 1, 1), ==, HVBUS_GPADL_DONE);
    g_assert_false(hvbus_gpadl_is_complete(hvbus_gpadl_find(&f->t, 1, 10)));
    hvbus_gpadl_remove_relid(&f->t, 1);
    g_assert_null(hvbus_gpadl_find(&f->t, 1, 10));
    g_assert_nonnull(hvbus_gpadl_find(&f->t, RELID, 11));
}

static void test_rejects_duplicates(Fixture *f, const void *data)
{
    g_assert_cmpint(begin(f, 1, 1), ==, HVBUS_GPADL_DONE);
    g_assert_cmpint(begin(f, 1, 1), ==, HVBUS_GPADL_FAILED);
    g_assert_nonnull(hvbus_gpadl_find(&f->t, RELID, ID));
    /* of another channel, with the first one complete */
    g_assert_cmpint(begin_at(f, RELID + 1, ID, 4096, 0, 1, 1), ==,
                    HVBUS_GPADL_DONE);
}

static void test_bounds_the_total(Fixture *f, const void *data)
{
    uint32_t id, pages = HVBUS_GPADL_MAX_PAGES;

    for (id = 1; id <= HVBUS_GPADL_MAX_TOTAL_PAGES / pages; id++) {
        g_assert_cmpint(begin_at(f, RELID, id, pages * 4096u, 0, pages, 0), ==,
                        HVBUS_GPADL_MORE);
    }
    g_assert_cmpint(begin_at(f, RELID, id, pages * 4096u, 0, pages, 0), ==,
                    HVBUS_GPADL_FAILED);
    hvbus_gpadl_remove(hvbus_gpadl_find(&f->t, RELID, 1));
    g_assert_cmpint(begin_at(f, RELID, id, pages * 4096u, 0, pages, 0), ==,
                    HVBUS_GPADL_MORE);
}

static void test_bounds_the_number(Fixture *f, const void *data)
{
    uint32_t id;

    for (id = 1; id <= HVBUS_GPADL_MAX_COUNT; id++) {
        g_assert_cmpint(begin_at(f, RELID, id, 4096, 0, 1, 0), ==,
                        HVBUS_GPADL_MORE);
    }
    g_assert_cmpint(begin_at(f, RELID, id, 4096, 0, 1, 0), ==,
                    HVBUS_GPADL_FAILED);
}

static void test_user_outlives_removal(Fixture *f, const void *data)
{
    HvbusGpadl *g;

    g_assert_cmpint(begin(f, 2, 2), ==, HVBUS_GPADL_DONE);
    g = hvbus_gpadl_find(&f->t, RELID, ID);
    hvbus_gpadl_ref(g);
    hvbus_gpadl_remove_all(&f->t);
    g_assert_cmpuint(g->pfns[1], ==, 101);
    g_assert_false(hvbus_gpadl_unref(g));
}

static void test_translates(Fixture *f, const void *data)
{
    uint32_t bytes;
    HvbusGpadl *g;

    g_assert_cmpint(begin_at(f, RELID, ID, 3 * 4096 - 100, 100, 3, 3), ==,
                    HVBUS_GPADL_DONE);
    g = hvbus_gpadl_find(&f->t, RELID, ID);
    bytes = 3 * 4096 - 100;
    g_assert_cmphex(hvbus_gpadl_translate(g, 0, &bytes), ==, 100 * 4096 + 100);
    g_assert_cmpuint(bytes, ==, 3 * 4096 - 100);
    g->pfns[2] = 7;
    bytes = 3 * 4096 - 100;
    hvbus_gpadl_translate(g, 0, &bytes);
    g_assert_cmpuint(bytes, ==, 2 * 4096 - 100);
    bytes = 10;
    g_assert_cmphex(hvbus_gpadl_translate(g, 2 * 4096 - 100, &bytes), ==,
                    7 * 4096);
    g_assert_cmpuint(bytes, ==, 10);
}

static void test_restore_checks(Fixture *f, const void *data)
{
    uint64_t pfns[3] = { 1, 2, HVBUS_PFN_MAX + 1 };
    HvbusGpadl *g;

    g_assert_null(hvbus_gpadl_restore(&f->t, RELID, ID, 3 * 4096, 0, 3, pfns,
                                      3));
    g_assert_null(hvbus_gpadl_restore(&f->t, RELID, ID, 3 * 4096, 0, 3, pfns,
                                      4));
    g_assert_null(hvbus_gpadl_restore(&f->t, RELID, ID, 3 * 4096, 0, 2, pfns,
                                      2));
    g = hvbus_gpadl_restore(&f->t, RELID, ID, 3 * 4096, 0, 3, pfns, 2);
    g_assert_true(g && !hvbus_gpadl_is_complete(g));
    g_assert_cmpint(append(f, ID, 0, 1), ==, HVBUS_GPADL_DONE);
}

#define ADD(name) \
    g_test_add("/paravisor/vmbus-gpadl-core/" #name, Fixture, NULL, setup, \
               test_##name, teardown)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(assembles_every_split);
    ADD(rejects_bad_lengths);
    ADD(rejects_counts_that_disagree);
    ADD(rejects_bodies_without_header);
    ADD(ends_at_one_page_too_many);
    ADD(rejects_page_beyond_52_bits);
    ADD(interleaves_channels);
    ADD(rejects_duplicates);
    ADD(bounds_the_total);
    ADD(bounds_the_number);
    ADD(user_outlives_removal);
    ADD(translates);
    ADD(restore_checks);
    return g_test_run();
}
