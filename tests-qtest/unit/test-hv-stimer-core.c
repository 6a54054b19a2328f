/*
 * Unit tests of the synthetic timers' register rules and expiry arithmetic
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/hyperv/hv-stimer-core.h"

#define EN              R_HV_STIMER_ENABLE_MASK
#define PERIODIC        R_HV_STIMER_PERIODIC_MASK
#define LAZY            R_HV_STIMER_LAZY_MASK
#define AUTO            R_HV_STIMER_AUTO_ENABLE_MASK
#define DIRECT(vec)     (R_HV_STIMER_DIRECT_MODE_MASK | (uint64_t)(vec) << 4)
#define SINT(n)         ((uint64_t)(n) << 16)
#define MS              10000ull

static void rejects_reserved_bits(void)
{
    g_assert_true(hv_stimer_config_valid(EN | PERIODIC | LAZY | AUTO | SINT(15)
                                         | DIRECT(255)));
    for (unsigned bit = 13; bit < 64; bit++) {
        bool defined = bit >= 16 && bit < 20;

        g_assert_cmpint(hv_stimer_config_valid(1ull << bit), ==, defined);
    }
}

static void rejects_direct_vector_below_16(void)
{
    g_assert_false(hv_stimer_config_valid(EN | DIRECT(15)));
    g_assert_false(hv_stimer_config_valid(AUTO | DIRECT(0)));
    g_assert_true(hv_stimer_config_valid(EN | DIRECT(16)));
    g_assert_true(hv_stimer_config_valid(DIRECT(0)));   /* not enabled */
    g_assert_true(hv_stimer_config_valid(EN | SINT(2)));
}

static void sint_0_disables_message_mode(void)
{
    g_assert_cmphex(hv_stimer_config_fix(EN | AUTO), ==, AUTO);
    g_assert_cmphex(hv_stimer_config_fix(EN | SINT(1)), ==, EN | SINT(1));
    g_assert_cmphex(hv_stimer_config_fix(EN | DIRECT(16)), ==, EN | DIRECT(16));
}

static void count_write_enables_and_stops(void)
{
    uint64_t c = SINT(2);

    g_assert_cmphex(hv_stimer_config_after_count(c, 1), ==, c);
    g_assert_cmphex(hv_stimer_config_after_count(c | AUTO, 1), ==,
                    c | AUTO | EN);
    g_assert_cmphex(hv_stimer_config_after_count(c | AUTO | EN, 0), ==,
                    c | AUTO);
    g_assert_cmphex(hv_stimer_config_after_count(AUTO, 1), ==, AUTO);
}

static void first_expiry(void)
{
    g_assert_cmpuint(hv_stimer_first_expiry(SINT(2), 5, 100), ==, 0);
    g_assert_cmpuint(hv_stimer_first_expiry(EN, 0, 100), ==, 0);
    /* one-shot: absolute, the past included */
    g_assert_cmpuint(hv_stimer_first_expiry(EN, 5, 100), ==, 5);
    g_assert_cmpuint(hv_stimer_first_expiry(EN, UINT64_MAX, 100), ==,
                     UINT64_MAX);
    /* periodic: relative, with a floor, and "never" rather than a wrap */
    g_assert_cmpuint(hv_stimer_first_expiry(EN | PERIODIC, MS, 100), ==,
                     MS + 100);
    g_assert_cmpuint(hv_stimer_first_expiry(EN | PERIODIC, 1, 100), ==,
                     HV_STIMER_MIN_PERIOD_100NS + 100);
    g_assert_cmpuint(hv_stimer_first_expiry(EN | PERIODIC, UINT64_MAX, 100), ==,
                     UINT64_MAX);
}

static void periodic_keeps_phase(void)
{
    uint64_t c = EN | PERIODIC;

    g_assert_cmpuint(hv_stimer_next_expiry(c, MS, 5 * MS, 5 * MS), ==, 6 * MS);
    g_assert_cmpuint(hv_stimer_next_expiry(c, MS, 5 * MS, 6 * MS - 1), ==,
                     6 * MS);
    g_assert_cmpuint(hv_stimer_next_expiry(c | LAZY, MS, 5 * MS, 9 * MS + 7), ==,
                     10 * MS);
    g_assert_cmpuint(hv_stimer_next_expiry(c | LAZY, MS, 5 * MS, 9 * MS), ==,
                     10 * MS);
}

static void catch_up_is_bounded(void)
{
    uint64_t c = EN | PERIODIC, now = 1000 * MS + 7, expires = 5 * MS;
    unsigned made_up = 0;

    expires = hv_stimer_next_expiry(c, MS, expires, now);
    while (expires <= now) {
        made_up++;
        g_assert_cmpuint(made_up, <=, HV_STIMER_MAX_CATCH_UP);
        g_assert_cmpuint(expires % MS, ==, 0);
        expires = hv_stimer_next_expiry(c, MS, expires, now);
    }
    g_assert_cmpuint(made_up, ==, HV_STIMER_MAX_CATCH_UP);
    g_assert_cmpuint(expires, ==, 1001 * MS);
}

static void late_signals_have_a_floor(void)
{
    g_assert_cmpuint(hv_stimer_signal_time(MS, 200, 100), ==, 200);
    g_assert_cmpuint(hv_stimer_signal_time(4 * MS, 100, 200), ==, 200 + 2 * MS);
    g_assert_cmpuint(hv_stimer_signal_time(1, 100, 200), ==,
                     200 + HV_STIMER_MIN_PERIOD_100NS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hv-stimer/rejects-reserved-bits", rejects_reserved_bits);
    g_test_add_func("/hv-stimer/rejects-direct-vector-below-16",
                    rejects_direct_vector_below_16);
    g_test_add_func("/hv-stimer/sint-0-disables-message-mode",
                    sint_0_disables_message_mode);
    g_test_add_func("/hv-stimer/count-write-enables-and-stops",
                    count_write_enables_and_stops);
    g_test_add_func("/hv-stimer/first-expiry", first_expiry);
    g_test_add_func("/hv-stimer/periodic-keeps-phase", periodic_keeps_phase);
    g_test_add_func("/hv-stimer/catch-up-is-bounded", catch_up_is_bounded);
    g_test_add_func("/hv-stimer/late-signals-have-a-floor",
                    late_signals_have_a_floor);
    return g_test_run();
}
