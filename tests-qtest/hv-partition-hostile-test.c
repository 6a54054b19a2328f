/*
 * Hyper-V partition against a guest that lies: MSRs, hypercalls, SynIC
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/flipper.h"
#include "lib/hv-guest.h"

#define FUZZ_SEED           0x68767370
#define FUZZ_US             (3 * G_USEC_PER_SEC)
#define FLIP_US             (G_USEC_PER_SEC / 2)
#define LOG_LIMIT_BYTES     (16 * KiB)
#define RSS_LIMIT_BYTES     (32 * MiB)

typedef struct Victim {
    HvGuest *g;
    uint64_t rss_bytes;
} Victim;

static void start(Victim *v)
{
    v->g = hv_guest_start("");
    hv_guest_enable_hypercalls(v->g);
    v->rss_bytes = hv_guest_rss_bytes(v->g);
}

static void stop(Victim *v)
{
    HvMessageWire msg;

    g_assert_cmpuint(hv_guest_log_bytes(v->g), <, LOG_LIMIT_BYTES);
    hv_guest_check_rss(v->g, v->rss_bytes, RSS_LIMIT_BYTES);
    /* the partition works as if nothing had been */
    hv_guest_reset(v->g);
    hv_guest_enable_hypercalls(v->g);
    hv_guest_enable_synic(v->g, 0, 4);
    g_assert(hv_guest_wrmsr(v->g, 0, HV_MSR_STIMER0_CONFIG,
                            R_HV_STIMER_AUTO_ENABLE_MASK |
                            (4 << R_HV_STIMER_SINTX_SHIFT)));
    g_assert(hv_guest_wrmsr(v->g, 0, HV_MSR_STIMER0_CONFIG + 1, 1));
    hv_guest_step(v->g, 1000);
    g_assert(hv_guest_wait_message(v->g, 0, 4, &msg, G_USEC_PER_SEC));
    g_assert_cmphex(le32_to_cpu(msg.type), ==, HV_MSG_TYPE_TIMER_EXPIRED);
    hv_guest_stop(v->g);
}

static bool may_write(uint32_t msr)
{
    return msr != HV_MSR_RESET && msr != HV_MSR_CRASH_CTL;
}

/* A page in RAM, above the test's own, or far beyond all memory */
static uint64_t random_page(GRand *r)
{
    if (g_rand_int_range(r, 0, 4) == 0) {
        return ((uint64_t)g_rand_int(r) << 32) | (g_rand_int(r) & ~0xfffu);
    }
    return 64 * MiB + g_rand_int_range(r, 0, 64) * HV_PAGE_SIZE;
}

static void random_msr(Victim *v, GRand *r)
{
    uint32_t msr = HV_MSR_FIRST + g_rand_int_range(r, 0, 0x120);
    unsigned vp = g_rand_int_range(r, 0, HV_GUEST_VPS);
    uint64_t val;

    switch (g_rand_int_range(r, 0, 4)) {
    case 0:
        val = random_page(r) | g_rand_int_range(r, 0, 4);
        break;
    case 1:
        val = g_rand_int(r) & g_rand_int(r);
        break;
    case 2:
        val = g_rand_int_range(r, 0, 0x100000);
        break;
    default:
        val = ((uint64_t)g_rand_int(r) << 32) | g_rand_int(r);
    }
    if (may_write(msr)) {
        hv_guest_wrmsr(v->g, vp, msr, val);
    }
    hv_guest_rdmsr(v->g, vp, msr, &val);
}

static void test_random_msrs(void)
{
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    unsigned steps = 0;
    Victim v;

    g_test_message("seed 0x%x", FUZZ_SEED);
    start(&v);
    while (g_get_monotonic_time() < end) {
        random_msr(&v, r);
        if (++steps % 64 == 0) {
            hv_guest_step(v.g, 10000);
        }
    }
    g_test_message("%u steps", steps);
    g_rand_free(r);
    stop(&v);
}

/* Flushes need a TLB, which a CPU under qtest has not */
static bool may_call(uint16_t code)
{
    return code != HV_CALL_FLUSH_VA_SPACE && code != HV_CALL_FLUSH_VA_LIST &&
        code != HV_CALL_FLUSH_VA_SPACE_EX && code != HV_CALL_FLUSH_VA_LIST_EX;
}

static void test_random_hypercalls(void)
{
    static const uint16_t codes[] = {
        HV_CALL_NOTIFY_LONG_SPIN_WAIT, HV_CALL_SEND_IPI, HV_CALL_SEND_IPI_EX,
        HV_CALL_GET_PARTITION_ID, HV_CALL_GET_VP_REGISTERS,
        HV_CALL_SET_VP_REGISTERS, HV_CALL_POST_MESSAGE, HV_CALL_SIGNAL_EVENT,
        HV_CALL_RETARGET_INTERRUPT, HV_CALL_GET_VP_INDEX_FROM_APIC,
        HV_CALL_EXT_QUERY_CAPABILITIES, HV_CALL_SWITCH_VA_SPACE,
    };
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    unsigned steps = 0;
    Victim v;

    g_test_message("seed 0x%x", FUZZ_SEED);
    start(&v);
    while (g_get_monotonic_time() < end) {
        uint32_t *in = hv_guest_ptr(v.g, v.g->call_gpa);
        uint64_t control = codes[g_rand_int_range(r, 0, ARRAY_SIZE(codes))];
        uint64_t rdx = v.g->call_gpa, r8 = v.g->call_gpa + HV_PAGE_SIZE, rax;

        if (g_rand_int_range(r, 0, 10) == 0) {
            control = g_rand_int(r) & 0xffff;
        }
        for (int i = 0; i < 64; i++) {
            in[i] = g_rand_int_range(r, 0, 3) ? 0 : g_rand_int(r);
        }
        control |= (uint64_t)g_rand_int_range(r, 0, 2) << 16;
        control |= (uint64_t)g_rand_int_range(r, 0, 3) << 17;
        control |= (uint64_t)(g_rand_int(r) & g_rand_int(r) & 0xfff) << 32;
        control |= (uint64_t)(g_rand_int(r) & g_rand_int(r) &
                              g_rand_int(r) & 0xfff) << 48;
        if (g_rand_int_range(r, 0, 8) == 0) {
            rdx = random_page(r) + g_rand_int_range(r, 0, HV_PAGE_SIZE);
            r8 = random_page(r) + g_rand_int_range(r, 0, HV_PAGE_SIZE);
        }
        if (may_call(control & 0xffff)) {
            hv_guest_hypercall_mode(v.g, g_rand_int_range(r, 0, HV_GUEST_VPS),
                                    g_rand_int_range(r, 0, 2), 0, control, rdx,
                                    r8, &rax);
        }
        steps++;
    }
    g_test_message("%u steps", steps);
    g_rand_free(r);
    stop(&v);
}

/* The input page changes while the hypercall copies and checks it */
static void test_input_that_flips(void)
{
    static const uint32_t values[] = {
        0, 1, 8, 240, 241, 0xffffffff, 0x80000010, 0x10000,
    };
    static const uint16_t codes[] = {
        HV_CALL_POST_MESSAGE, HV_CALL_SEND_IPI_EX, HV_CALL_SIGNAL_EVENT,
    };
    Victim v;

    start(&v);
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        Flipper *f = flipper_start(hv_guest_ptr(v.g, v.g->call_gpa), 8, values,
                                   ARRAY_SIZE(values), FUZZ_SEED + i);
        int64_t end = g_get_monotonic_time() + FLIP_US;
        uint64_t control = codes[i];

        if (codes[i] == HV_CALL_SEND_IPI_EX) {
            control |= 2ull << R_HV_CALL_VAR_QWORDS_SHIFT;
        }
        while (g_get_monotonic_time() < end) {
            hv_guest_hypercall(v.g, i, control, v.g->call_gpa, 0);
        }
        flipper_stop(f);
    }
    stop(&v);
}

/* EOM without a message, timers without a slot, pages that come and go */
static void test_storm_of_synic_changes(void)
{
    Victim v;

    start(&v);
    hv_guest_enable_synic(v.g, 1, 3);
    for (unsigned n = 0; n < HV_STIMER_COUNT; n++) {
        hv_guest_wrmsr(v.g, 1, HV_MSR_STIMER0_CONFIG + 2 * n + 1, 100);
        hv_guest_wrmsr(v.g, 1, HV_MSR_STIMER0_CONFIG + 2 * n,
                       R_HV_STIMER_ENABLE_MASK | R_HV_STIMER_PERIODIC_MASK |
                       (3 << R_HV_STIMER_SINTX_SHIFT));
    }
    for (int i = 0; i < 2000; i++) {
        uint64_t slot = v.g->vp[1].simp_gpa + 3 * HV_MSG_BYTES;

        hv_guest_step(v.g, 50000);
        /* the slot's header is the guest's to spoil */
        qtest_writel(v.g->qts, slot, i % 3 ? 0 : 0xffffffff);
        qtest_writel(v.g->qts, slot + 4, i % 5 ? 0 : 0xffffffff);
        hv_guest_wrmsr(v.g, 1, HV_MSR_EOM, i);
        if (i % 7 == 0) {
            hv_guest_wrmsr(v.g, 1, HV_MSR_SIMP, v.g->vp[1].simp_gpa);
            hv_guest_wrmsr(v.g, 1, HV_MSR_EOM, i);
            hv_guest_wrmsr(v.g, 1, HV_MSR_SIMP, v.g->vp[1].simp_gpa |
                           HV_MSR_PAGE_ENABLE);
        }
        if (i % 11 == 0) {
            hv_guest_wrmsr(v.g, 1, HV_MSR_SCONTROL, i % 2);
        }
    }
    stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/partition-hostile/" #_name, test_##_name)
    HOSTILE_TEST(random_msrs);
    HOSTILE_TEST(random_hypercalls);
    HOSTILE_TEST(input_that_flips);
    HOSTILE_TEST(storm_of_synic_changes);
    return g_test_run();
}
