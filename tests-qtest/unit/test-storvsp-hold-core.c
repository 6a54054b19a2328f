/*
 * Tests of storvsp-hold-core: completions that wait for others
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/paravisor/storvsp-hold-core.h"

/* Completions until one is held; the guest is busy and always has one more */
static unsigned shown_until_held(StorvspHold *h, unsigned limit)
{
    for (unsigned i = 0; i < limit; i++) {
        if (!storvsp_hold_completion(h, false)) {
            return i;
        }
    }
    return limit;
}

/* The next group is of how many */
static unsigned group(StorvspHold *h)
{
    unsigned count = 1;

    while (!storvsp_hold_completion(h, false)) {
        count++;
    }
    return count;
}

/* The guest is busy with other things, and nothing comes */
static void expire(StorvspHold *h)
{
    for (unsigned i = 1; i < STORVSP_HOLD_LOOKS; i++) {
        g_assert_false(storvsp_hold_look(h, false));
    }
    g_assert_true(storvsp_hold_look(h, false));
}

static void test_one_at_a_time(void)
{
    unsigned pause = STORVSP_HOLD_MIN_PAUSE, held = 0, shown = 0;
    StorvspHold h;

    storvsp_hold_init(&h);
    /* a guest that waits for each: trials become rare */
    for (unsigned i = 0; i < 20; i++) {
        g_assert_cmpuint(shown_until_held(&h, 10000), ==, pause);
        expire(&h);
        shown += pause;
        held++;
        pause = i ? MIN(pause * 2, STORVSP_HOLD_MAX_PAUSE) : pause;
    }
    g_assert_cmpuint(shown, >, held * 500);
}

static void test_many_at_once(void)
{
    unsigned completions = 0, size;
    StorvspHold h;

    storvsp_hold_init(&h);
    g_assert_cmpuint(shown_until_held(&h, 10000), ==, STORVSP_HOLD_MIN_PAUSE);
    g_assert_true(storvsp_hold_completion(&h, false));
    do {
        size = group(&h);
        g_assert_cmpuint(size, <=, STORVSP_HOLD_MAX);
        completions += size;
    } while (size < STORVSP_HOLD_MAX);
    /* soon enough for a burst to gain by it */
    g_assert_cmpuint(completions, <, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        g_assert_cmpuint(group(&h), ==, STORVSP_HOLD_MAX);
    }
}

static void test_fewer_than_expected(void)
{
    StorvspHold h;

    storvsp_hold_init(&h);
    for (unsigned i = 0; i < 5000; i++) {
        storvsp_hold_completion(&h, false);
    }
    while (h.held) {
        storvsp_hold_completion(&h, false);
    }
    /* three more come, then none: from now on it is two */
    for (unsigned i = 0; i < 3; i++) {
        g_assert_false(storvsp_hold_completion(&h, false));
    }
    expire(&h);
    g_assert_cmpuint(group(&h), ==, 2);
    /* and one by one when there is but one */
    g_assert_false(storvsp_hold_completion(&h, false));
    expire(&h);
    g_assert_true(storvsp_hold_completion(&h, false));
}

static void learn(StorvspHold *h)
{
    storvsp_hold_init(h);
    for (unsigned i = 0; i < 5000; i++) {
        storvsp_hold_completion(h, false);
    }
    storvsp_hold_flushed(h);
}

static void test_idle_guest(void)
{
    StorvspHold h;

    learn(&h);
    for (unsigned i = 0; i < 100; i++) {
        g_assert_true(storvsp_hold_completion(&h, true));
    }
    /* what it has learnt is not forgotten, what was shown is */
    g_assert_cmpuint(group(&h), ==, STORVSP_HOLD_MAX);
    g_assert_false(storvsp_hold_completion(&h, false));
    storvsp_hold_flushed(&h);
    g_assert_cmpuint(group(&h), ==, STORVSP_HOLD_MAX);
}

/* A guest that runs dry gets smaller groups, until it does not any more */
static void test_starved_guest(void)
{
    StorvspHold h;

    learn(&h);
    for (unsigned size = STORVSP_HOLD_MAX; size > 1; size--) {
        g_assert_false(storvsp_hold_completion(&h, false));
        g_assert_true(storvsp_hold_completion(&h, true));
        g_assert_cmpuint(group(&h), ==, size - 1);
    }
    /* a rare one does not keep the groups small */
    learn(&h);
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned j = 0; j < 2 * STORVSP_HOLD_STREAK; j++) {
            group(&h);
        }
        g_assert_false(storvsp_hold_completion(&h, false));
        g_assert_true(storvsp_hold_completion(&h, true));
    }
    g_assert_cmpuint(group(&h), >=, STORVSP_HOLD_MAX - 1);
}

/* One that runs dry with some held gets them at the next look */
static void test_guest_becomes_idle(void)
{
    StorvspHold h;

    learn(&h);
    for (unsigned i = 0; i < 4; i++) {
        g_assert_false(storvsp_hold_completion(&h, false));
        g_assert_false(storvsp_hold_look(&h, false));
    }
    g_assert_true(storvsp_hold_look(&h, true));
    g_assert_cmpuint(group(&h), ==, 3);
    /* each group has all of its time */
    g_assert_false(storvsp_hold_completion(&h, false));
    expire(&h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storvsp-hold/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/storvsp-hold/many-at-once", test_many_at_once);
    g_test_add_func("/storvsp-hold/fewer", test_fewer_than_expected);
    g_test_add_func("/storvsp-hold/idle-guest", test_idle_guest);
    g_test_add_func("/storvsp-hold/starved-guest", test_starved_guest);
    g_test_add_func("/storvsp-hold/becomes-idle", test_guest_becomes_idle);
    return g_test_run();
}
