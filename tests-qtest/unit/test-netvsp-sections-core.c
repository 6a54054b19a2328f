/*
 * Unit tests of the network VSP's receive sections
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/paravisor/netvsp-sections-core.h"

#define COUNT 16

static NetvspSections *sections_new(void)
{
    NetvspSections *s = g_new0(NetvspSections, 1);

    netvsp_sections_init(s, COUNT);
    g_assert_cmpuint(s->free_count, ==, COUNT);
    return s;
}

static void sections_free(NetvspSections *s)
{
    netvsp_sections_destroy(s);
    g_free(s);
}

static NetvspChain take(NetvspSections *s, uint16_t channel, int n, bool send)
{
    NetvspChain c = { };

    while (n--) {
        g_assert_cmpuint(netvsp_sections_add(s, channel, &c), <, COUNT);
    }
    if (send) {
        netvsp_sections_sent(s, &c);
    }
    return c;
}

static void test_complete(void)
{
    NetvspSections *s = sections_new();
    NetvspChain a = take(s, 0, 3, true);
    NetvspChain b = take(s, 5, 2, true);
    NetvspChain c = take(s, 0, 1, false);

    g_assert_cmpuint(s->free_count, ==, COUNT - 6);
    g_assert_cmpuint(s->held[0], ==, 4);
    /* of another channel, not the head, not sent, out of range */
    g_assert_cmpuint(netvsp_sections_complete(s, 5, a.head), ==, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 0, a.tail), ==, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 0, c.head), ==, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 0, COUNT), ==, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 0, ~0ull), ==, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 0, 1ull << 32 | a.head), ==,
                     0);

    g_assert_cmpuint(netvsp_sections_complete(s, 5, b.head), ==, 2);
    g_assert_cmpuint(netvsp_sections_complete(s, 5, b.head), ==, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 0, a.head), ==, 3);
    netvsp_sections_drop(s, &c);
    g_assert_cmpuint(s->free_count, ==, COUNT);
    g_assert_cmpuint(s->held[0], ==, 0);
    sections_free(s);
}

static void test_all_taken(void)
{
    NetvspSections *s = sections_new();
    NetvspChain a = take(s, 1, COUNT, true);
    NetvspChain b = { };

    g_assert_cmpuint(netvsp_sections_add(s, 0, &b), ==, NETVSP_NO_IDX);
    g_assert_cmpuint(b.count, ==, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 1, a.head), ==, COUNT);
    take(s, 0, COUNT, false);
    sections_free(s);
}

static void test_release(void)
{
    NetvspSections *s = sections_new();
    NetvspChain b;

    take(s, 0, 4, true);
    take(s, 1, 3, false);
    b = take(s, 2, 2, true);
    take(s, 1, 3, true);
    netvsp_sections_release(s, 1);
    g_assert_cmpuint(s->free_count, ==, COUNT - 6);
    netvsp_sections_release(s, 1);
    netvsp_sections_release(s, 0);
    g_assert_cmpuint(netvsp_sections_complete(s, 2, b.head), ==, 2);
    g_assert_cmpuint(s->free_count, ==, COUNT);
    sections_free(s);
}

static void test_none(void)
{
    NetvspSections s = { .free_head = NETVSP_NO_IDX };
    NetvspChain c = { };
    NetvspChain *unsent[1];

    g_assert_cmpuint(netvsp_sections_add(&s, 0, &c), ==, NETVSP_NO_IDX);
    g_assert_cmpuint(netvsp_sections_complete(&s, 0, 0), ==, 0);
    netvsp_sections_release(&s, 0);
    unsent[0] = &c;
    g_assert_true(netvsp_sections_restore(&s, 1, unsent));
}

/* With two channels, of which the second one has @b unsent */
static bool restore(NetvspSections *s, NetvspChain *b)
{
    NetvspChain none = { };
    NetvspChain *unsent[] = { &none, b };

    return netvsp_sections_restore(s, 2, unsent);
}

static void test_restore(void)
{
    NetvspSections *s = sections_new();
    NetvspChain a = take(s, 0, 3, true);
    NetvspChain b = take(s, 1, 2, false);

    s->free_head = 77;
    s->held[0] = 99;
    b.tail = 99;
    g_assert_true(restore(s, &b));
    g_assert_cmpuint(s->next[b.head], ==, b.tail);
    g_assert_cmpuint(s->free_count, ==, COUNT - 5);
    g_assert_cmpuint(s->held[0], ==, 3);
    g_assert_cmpuint(netvsp_sections_complete(s, 0, a.head), ==, 3);
    netvsp_sections_drop(s, &b);
    g_assert_cmpuint(s->free_count, ==, COUNT);
    take(s, 0, COUNT, false);
    sections_free(s);
}

typedef void Breaker(NetvspSections *s, NetvspChain *a, NetvspChain *b);

static void break_channel(NetvspSections *s, NetvspChain *a, NetvspChain *b)
{
    s->owner[b->tail] = 2;
}

static void break_range(NetvspSections *s, NetvspChain *a, NetvspChain *b)
{
    s->next[a->head] = COUNT;
}

static void break_share(NetvspSections *s, NetvspChain *a, NetvspChain *b)
{
    NetvspChain c = take(s, 0, 1, true);

    s->next[c.head] = a->tail;
}

static void break_ring(NetvspSections *s, NetvspChain *a, NetvspChain *b)
{
    s->next[b->tail] = b->head;
}

static void break_self(NetvspSections *s, NetvspChain *a, NetvspChain *b)
{
    s->next[b->tail] = b->tail;
}

static void break_into_head(NetvspSections *s, NetvspChain *a, NetvspChain *b)
{
    NetvspChain c = take(s, 0, 1, true);

    s->next[c.head] = a->head;
}

static void break_into_free(NetvspSections *s, NetvspChain *a, NetvspChain *b)
{
    s->next[b->tail] = s->free_head;
}

/* The unsent packet: inside of one that the guest has */
static void break_batch_in_sent(NetvspSections *s, NetvspChain *a,
                                NetvspChain *b)
{
    netvsp_sections_drop(s, b);
    *b = take(s, 1, 2, true);
    b->head = b->tail;
    b->count = 1;
}

static void break_batch_is_sent(NetvspSections *s, NetvspChain *a,
                                NetvspChain *b)
{
    netvsp_sections_sent(s, b);
}

static void break_batch_is_short(NetvspSections *s, NetvspChain *a,
                                 NetvspChain *b)
{
    b->count--;
}

static void break_batch_is_long(NetvspSections *s, NetvspChain *a,
                                NetvspChain *b)
{
    b->count++;
}

static void break_batch_is_gone(NetvspSections *s, NetvspChain *a,
                                NetvspChain *b)
{
    b->count = 0;
}

static void break_second_batch(NetvspSections *s, NetvspChain *a,
                               NetvspChain *b)
{
    take(s, 0, 1, false);
}

static void test_restore_broken(void)
{
    static Breaker *const breakers[] = {
        break_channel, break_range, break_share, break_ring, break_self,
        break_into_head, break_into_free, break_batch_in_sent,
        break_batch_is_sent, break_batch_is_short, break_batch_is_long,
        break_batch_is_gone, break_second_batch,
    };

    for (int i = 0; i < ARRAY_SIZE(breakers); i++) {
        NetvspSections *s = sections_new();
        NetvspChain a = take(s, 0, 3, true);
        NetvspChain b = take(s, 1, 2, false);

        breakers[i](s, &a, &b);
        g_assert_false(restore(s, &b));
        sections_free(s);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/netvsp-sections/complete_once", test_complete);
    g_test_add_func("/netvsp-sections/all_taken", test_all_taken);
    g_test_add_func("/netvsp-sections/release_a_channel", test_release);
    g_test_add_func("/netvsp-sections/none_at_all", test_none);
    g_test_add_func("/netvsp-sections/restore", test_restore);
    g_test_add_func("/netvsp-sections/rejects_broken_chains",
                    test_restore_broken);
    return g_test_run();
}
