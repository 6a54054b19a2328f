/*
 * Unit tests of the hypercall control word, sizes and results
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/hyperv/hv-hypercall-core.h"

static const HvCallInfo rows[] = {
    { .code = 0x5c, .in_bytes = 256, .priv_high = HV_PRIVH_POST_MESSAGES },
    { .code = 0x03, .flags = HV_CALL_IS_REP, .in_bytes = 24,
      .rep_in_bytes = 8 },
    { .code = 0x14, .flags = HV_CALL_IS_REP | HV_CALL_HAS_VAR, .in_bytes = 32,
      .rep_in_bytes = 8,
      .hints = HV_HINT_REMOTE_TLB_FLUSH | HV_HINT_EX_PROCESSOR_MASKS },
    { .code = 0x15, .flags = HV_CALL_HAS_VAR, .in_bytes = 24 },
    { .code = 0x50, .flags = HV_CALL_IS_REP, .in_bytes = 16, .rep_in_bytes = 4,
      .rep_out_bytes = 16 },
    { .code = 0x46, .out_bytes = 8 },
};

static const HvCallInfo *row(uint16_t code)
{
    const HvCallInfo *info = hv_call_find(rows, ARRAY_SIZE(rows), code);

    g_assert_nonnull(info);
    return info;
}

static uint64_t control(uint16_t code, unsigned var, unsigned count,
                        unsigned start)
{
    return code | (uint64_t)var << 17 | (uint64_t)count << 32 |
        (uint64_t)start << 48;
}

static HvStatus plan_status(uint64_t val)
{
    HvCallPlan plan;

    return hv_call_plan(val, row(val & 0xffff), &plan);
}

static HvCallPlan plan_ok(uint64_t val)
{
    HvCallPlan plan;

    g_assert_cmpint(hv_call_plan(val, row(val & 0xffff), &plan), ==,
                    HV_STATUS_OK);
    return plan;
}

static void finds_rows(void)
{
    g_assert_cmphex(row(0x14)->code, ==, 0x14);
    g_assert_null(hv_call_find(rows, ARRAY_SIZE(rows), 0));
    g_assert_null(hv_call_find(rows, ARRAY_SIZE(rows), 0xffff));
}

static void offer_follows_cpuid(void)
{
    const HvCallInfo *post = row(0x5c);
    const HvCallInfo *flush = row(0x14);

    g_assert_cmpint(hv_call_check_offer(post, 0, ~0u), ==, HV_STATUS_DENIED);
    g_assert_cmpint(hv_call_check_offer(post, HV_PRIVH_POST_MESSAGES, 0), ==,
                    HV_STATUS_OK);
    g_assert_cmpint(hv_call_check_offer(flush, ~0u, 0), ==,
                    HV_STATUS_INVALID_CODE);
    g_assert_cmpint(hv_call_check_offer(flush, ~0u, HV_HINT_REMOTE_TLB_FLUSH),
                    ==, HV_STATUS_INVALID_CODE);
    g_assert_cmpint(hv_call_check_offer(flush, 0, flush->hints), ==,
                    HV_STATUS_OK);
}

static void rejects_each_reserved_bit(void)
{
    static const uint8_t ranges[][2] = { { 27, 31 }, { 44, 47 }, { 60, 63 } };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool rep = rows[i].flags & HV_CALL_IS_REP;
        uint64_t good = control(rows[i].code, 0, rep, 0);

        g_assert_cmpint(plan_status(good), ==, HV_STATUS_OK);
        for (size_t j = 0; j < ARRAY_SIZE(ranges); j++) {
            for (unsigned b = ranges[j][0]; b <= ranges[j][1]; b++) {
                g_assert_cmpint(plan_status(good | BIT_ULL(b)), ==,
                                HV_STATUS_INVALID_INPUT);
            }
        }
    }
}

static void rejects_variable_header_where_none_is(void)
{
    for (unsigned var = 1; var < 1024; var++) {
        g_assert_cmpint(plan_status(control(0x5c, var, 0, 0)), ==,
                        HV_STATUS_INVALID_INPUT);
        g_assert_cmpint(plan_status(control(0x03, var, 1, 0)), ==,
                        HV_STATUS_INVALID_INPUT);
        g_assert_cmpint(plan_status(control(0x15, var, 0, 0)), ==,
                        HV_STATUS_OK);
    }
}

static void simple_call_has_no_reps(void)
{
    g_assert_cmpint(plan_status(control(0x5c, 0, 1, 0)), ==,
                    HV_STATUS_INVALID_INPUT);
    g_assert_cmpint(plan_status(control(0x5c, 0, 0, 1)), ==,
                    HV_STATUS_INVALID_INPUT);
    g_assert_cmpint(plan_status(control(0x5c, 0, 0xfff, 0xfff)), ==,
                    HV_STATUS_INVALID_INPUT);
    g_assert_cmpint(plan_status(control(0x15, 3, 1, 0)), ==,
                    HV_STATUS_INVALID_INPUT);
}

static void rep_start_is_below_count(void)
{
    static const unsigned counts[] = { 0, 1, 2, 63, 64, 65, 508, 0xfff };

    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        for (unsigned start = 0; start <= 0xfff; start++) {
            HvStatus status = plan_status(control(0x03, 0, counts[i], start));

            g_assert_cmpint(status, ==, start < counts[i]
                            ? HV_STATUS_OK : HV_STATUS_INVALID_INPUT);
        }
    }
}

static void plan_gives_sizes(void)
{
    HvCallPlan p = plan_ok(control(0x14, 2, 10, 3) | BIT_ULL(16));

    g_assert_true(p.fast);
    g_assert_cmpuint(p.var_qwords, ==, 2);
    g_assert_cmpuint(p.var_off, ==, 32);
    g_assert_cmpuint(p.rep_off, ==, 48);
    g_assert_cmpuint(p.in_bytes, ==, 128);
    g_assert_cmpuint(p.out_bytes, ==, 0);

    p = plan_ok(control(0x50, 0, 0xfff, 0));
    g_assert_false(p.fast);
    g_assert_cmpuint(p.in_bytes, ==, 16 + 0xfff * 4);
    g_assert_cmpuint(p.out_bytes, ==, 0xfff * 16);

    p = plan_ok(control(0x14, 1023, 0xfff, 0));
    g_assert_cmpuint(p.in_bytes, ==, 32 + 1023 * 8 + 0xfff * 8);
}

static void one_execution_is_bounded(void)
{
    HvCallPlan p = plan_ok(control(0x03, 0, 500, 0));

    g_assert_cmpuint(p.rep_end, ==, HV_CALL_REPS_AT_ONCE);
    p = plan_ok(control(0x03, 0, 500, 480));
    g_assert_cmpuint(p.rep_end, ==, 500);
    p = plan_ok(control(0x03, 0, 0xfff, 0xffe));
    g_assert_cmpuint(p.rep_end, ==, 0xfff);
}

static void slow_input_is_aligned_and_in_one_page(void)
{
    HvCallPlan p = plan_ok(control(0x5c, 0, 0, 0));

    g_assert_cmpint(hv_call_check_slow(&p, 0x1000, 1), ==, HV_STATUS_OK);
    for (unsigned off = 1; off < 8; off++) {
        g_assert_cmpint(hv_call_check_slow(&p, 0x1000 + off, 0), ==,
                        HV_STATUS_BAD_ALIGNMENT);
    }
    g_assert_cmpint(hv_call_check_slow(&p, 0x1f00, 0), ==, HV_STATUS_OK);
    g_assert_cmpint(hv_call_check_slow(&p, 0x1f08, 0), ==,
                    HV_STATUS_BAD_ALIGNMENT);
    g_assert_cmpint(hv_call_check_slow(&p, ~7ull, 0), ==,
                    HV_STATUS_BAD_ALIGNMENT);
}

static void slow_list_of_one_page(void)
{
    HvCallPlan p = plan_ok(control(0x03, 0, 509, 0));

    g_assert_cmpuint(p.in_bytes, ==, 4096);
    g_assert_cmpint(hv_call_check_slow(&p, 0x1000, 0), ==, HV_STATUS_OK);
    g_assert_cmpint(hv_call_check_slow(&p, 0x1008, 0), ==,
                    HV_STATUS_BAD_ALIGNMENT);
    p = plan_ok(control(0x03, 0, 510, 0));
    g_assert_cmpint(hv_call_check_slow(&p, 0x1000, 0), ==,
                    HV_STATUS_BAD_ALIGNMENT);
}

static void slow_output_is_checked_if_there_is_any(void)
{
    HvCallPlan p = plan_ok(control(0x46, 0, 0, 0));

    /* no input: its address means nothing */
    g_assert_cmpint(hv_call_check_slow(&p, 3, 0x2000), ==, HV_STATUS_OK);
    g_assert_cmpint(hv_call_check_slow(&p, 0, 0x2004), ==,
                    HV_STATUS_BAD_ALIGNMENT);
    p = plan_ok(control(0x50, 0, 256, 0));
    g_assert_cmpint(hv_call_check_slow(&p, 0x1000, 0x2000), ==, HV_STATUS_OK);
    g_assert_cmpint(hv_call_check_slow(&p, 0x1000, 0x2008), ==,
                    HV_STATUS_BAD_ALIGNMENT);
    p = plan_ok(control(0x50, 0, 257, 0));
    g_assert_cmpint(hv_call_check_slow(&p, 0x1000, 0x2000), ==,
                    HV_STATUS_BAD_ALIGNMENT);
}

static void fast_input_fits_in_registers(void)
{
    HvCallFastRules plain = { 0 };
    HvCallFastRules xmm = { .xmm_input = true };
    HvCallPlan p = { .in_bytes = 16 };

    g_assert_cmpint(hv_call_check_fast(&p, plain), ==, HV_STATUS_OK);
    p.in_bytes = 17;
    g_assert_cmpint(hv_call_check_fast(&p, plain), ==, HV_STATUS_INVALID_INPUT);
    g_assert_cmpint(hv_call_check_fast(&p, xmm), ==, HV_STATUS_OK);
    p.in_bytes = 112;
    g_assert_cmpint(hv_call_check_fast(&p, xmm), ==, HV_STATUS_OK);
    p.in_bytes = 113;
    g_assert_cmpint(hv_call_check_fast(&p, xmm), ==, HV_STATUS_INVALID_INPUT);
}

static void fast_output_follows_input(void)
{
    HvCallFastRules no_output = { .xmm_input = true };
    HvCallFastRules output = { .xmm_input = true, .xmm_output = true };
    HvCallPlan p = { .in_bytes = 20, .out_bytes = 16 };

    g_assert_cmpint(hv_call_check_fast(&p, no_output), ==,
                    HV_STATUS_INVALID_INPUT);
    g_assert_cmpint(hv_call_check_fast(&p, output), ==, HV_STATUS_OK);
    g_assert_cmpuint(hv_call_fast_out_off(&p), ==, 32);
    p.out_bytes = 80;
    g_assert_cmpint(hv_call_check_fast(&p, output), ==, HV_STATUS_OK);
    p.out_bytes = 81;
    g_assert_cmpint(hv_call_check_fast(&p, output), ==,
                    HV_STATUS_INVALID_INPUT);
    p.in_bytes = 112;
    p.out_bytes = 1;
    g_assert_cmpint(hv_call_check_fast(&p, output), ==,
                    HV_STATUS_INVALID_INPUT);
}

static void result_and_continuation_words(void)
{
    uint64_t c = control(0x03, 0, 0xfff, 0) | BIT_ULL(16);

    g_assert_cmphex(hv_call_result(HV_STATUS_OK, 0xfff), ==, 0xfff00000000ull);
    g_assert_cmphex(hv_call_result(HV_STATUS_BAD_PARAMETER, 3), ==,
                    0x300000005ull);
    g_assert_cmphex(hv_call_continue(c, 64), ==, c | 64ull << 48);
    g_assert_cmphex(hv_call_continue(c | 64ull << 48, 128), ==,
                    c | 128ull << 48);
}

#define ADD(name) g_test_add_func("/hv-hypercall/" #name, name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(finds_rows);
    ADD(offer_follows_cpuid);
    ADD(rejects_each_reserved_bit);
    ADD(rejects_variable_header_where_none_is);
    ADD(simple_call_has_no_reps);
    ADD(rep_start_is_below_count);
    ADD(plan_gives_sizes);
    ADD(one_execution_is_bounded);
    ADD(slow_input_is_aligned_and_in_one_page);
    ADD(slow_list_of_one_page);
    ADD(slow_output_is_checked_if_there_is_any);
    ADD(fast_input_fits_in_registers);
    ADD(fast_output_follows_input);
    ADD(result_and_continuation_words);
    return g_test_run();
}
