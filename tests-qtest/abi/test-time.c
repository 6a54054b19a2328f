/*
 * Guest ABI tests: reference time, synthetic timers, idle
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "abi.h"

#define TIMER_ENABLE        1ull
#define TIMER_PERIODIC      2ull
#define TIMER_AUTO          8ull
#define TIMER_VECTOR(v)     ((uint64_t)(v) << 4)
#define TIMER_DIRECT        (1ull << 12)
#define TIMER_SINT(s)       ((uint64_t)(s) << 16)
#define MSG_TIMER_EXPIRED   0x80000010u

static volatile uint64_t fired;
static volatile uint64_t fired_at;

static void on_timer(uint8_t vec)
{
    fired_at = ref_time();
    fired++;
    apic_eoi();
}

static void on_timer_auto_eoi(uint8_t vec)
{
    fired++;
}

static void clock_tests(void)
{
    uint64_t a = ref_time(), b, hz, t0, t1, c0, c1;
    bool ok = false;

    b = ref_time();
    check(b >= a, "reference_counter_is_monotone");
    for (int i = 0; i < 10000 && ref_time() == b; i++) {
    }
    check(ref_time() > b, "reference_counter_moves");
    if (!(hv_features.a & 1 << 11)) {
        skip("frequencies", "not offered");
        return;
    }
    hz = rdmsr(MSR_TSC_FREQUENCY);
    /* a busy host may take this CPU away between two readings: try again */
    for (int i = 0; i < 20 && !ok; i++) {
        t0 = ref_time();
        c0 = rdtsc();
        spin_100ns(2000000);
        t1 = ref_time();
        c1 = rdtsc();
        c1 = (c1 - c0) * 10000000 / (t1 - t0);
        out("# TSC measured %u Hz, told %u Hz\n", c1, hz);
        ok = c1 > hz / 100 * 98 && c1 < hz / 100 * 102;
    }
    check(ok, "tsc_frequency_is_true");
    check(rdmsr(MSR_APIC_FREQUENCY) >= 1000000, "apic_frequency_is_plausible");
}

static void tsc_page_tests(void)
{
    volatile uint32_t *seq = (uint32_t *)page_a;
    uint64_t ref, ref2, calc, scale;
    int64_t offset;

    memset(page_a, 0x11, 4096);
    wrmsr(MSR_REFERENCE_TSC, (uintptr_t)page_a | 1);
    check_eq(rdmsr(MSR_REFERENCE_TSC), (uintptr_t)page_a | 1,
             "reference_tsc_reads_back");
    if (*seq) {
        scale = *(uint64_t *)(page_a + 8);
        offset = *(int64_t *)(page_a + 16);
        ref = ref_time();
        calc = (uint64_t)((unsigned __int128)rdtsc() * scale >> 64) + offset;
        ref2 = ref_time();
        out("# page %u, MSR %u to %u\n", calc, ref, ref2);
        check(calc + 100 >= ref && calc <= ref2 + 100,
              "reference_tsc_page_agrees_with_msr");
    } else {
        check_eq(*seq, 0, "reference_tsc_page_says_use_the_msr");
    }
    wrmsr(MSR_REFERENCE_TSC, 0);
    check_eq(*seq, 0x11111111, "reference_tsc_disable_restores_ram");
}

static void direct_timer_tests(void)
{
    uint64_t when;

    if (!(hv_features.d & 1 << 19)) {
        skip("stimer_direct", "not offered");
        return;
    }
    set_irq(0x60, on_timer);
    sti();
    fired = 0;
    wrmsr(MSR_STIMER0_CONFIG, TIMER_ENABLE | TIMER_AUTO | TIMER_DIRECT
          | TIMER_VECTOR(0x60));
    spin_100ns(100000);
    check_eq(fired, 0, "stimer_enabled_with_count_0_stays_silent");
    when = ref_time() + 200000;
    wrmsr(MSR_STIMER0_COUNT, when);
    check(rdmsr(MSR_STIMER0_CONFIG) & TIMER_ENABLE, "stimer_auto_enables");
    check(wait_u64(&fired, 1, 2000), "stimer_one_shot_fires");
    check(fired_at >= when, "stimer_not_early");
    spin_100ns(500000);
    check_eq(fired, 1, "stimer_one_shot_fires_once");
    check_eq(rdmsr(MSR_STIMER0_CONFIG) & TIMER_ENABLE, 0,
             "stimer_one_shot_clears_enable");
    wrmsr(MSR_STIMER0_COUNT, 1);
    check(wait_u64(&fired, 2, 2000), "stimer_in_the_past_fires_at_once");
    wrmsr(MSR_STIMER0_COUNT, ref_time() + 300000);
    wrmsr(MSR_STIMER0_CONFIG, 0);
    spin_100ns(600000);
    check_eq(fired, 2, "stimer_disable_cancels");
    wrmsr(MSR_STIMER0_COUNT, 50000);
    wrmsr(MSR_STIMER0_CONFIG, TIMER_ENABLE | TIMER_PERIODIC | TIMER_DIRECT
          | TIMER_VECTOR(0x60));
    check(wait_u64(&fired, 7, 2000), "stimer_periodic_repeats");
    wrmsr(MSR_STIMER0_CONFIG, 0);
    wrmsr(MSR_STIMER0_COUNT, 0);
    check_eq(try_wrmsr(MSR_STIMER0_CONFIG, TIMER_ENABLE | TIMER_DIRECT
                       | TIMER_VECTOR(8)), VEC_GP,
             "stimer_direct_vector_below_16");
    cli();
}

static void message_timer_tests(void)
{
    volatile uint32_t *slot = (uint32_t *)(page_b + 3 * 256);
    volatile uint8_t *flags = page_b + 3 * 256 + 5;

    set_irq(0x61, on_timer_auto_eoi);
    memset(page_b, 0, 4096);
    wrmsr(MSR_SIMP, (uintptr_t)page_b | 1);
    wrmsr(MSR_SCONTROL, 1);
    wrmsr(MSR_SINT0 + 3, 0x61 | 1 << 17);           /* auto EOI */
    fired = 0;
    sti();
    wrmsr(MSR_STIMER0_CONFIG, TIMER_AUTO | TIMER_SINT(3));
    wrmsr(MSR_STIMER0_COUNT, ref_time() + 10000);
    check(wait_u64(&fired, 1, 2000), "stimer_message_raises_sint");
    check_eq(*slot, MSG_TIMER_EXPIRED, "stimer_message_type");
    check_eq(page_b[3 * 256 + 4], 24, "stimer_message_payload_size");
    check(!apic_in_service(0x61), "auto_eoi_leaves_isr_clear");
    wrmsr(MSR_STIMER0_COUNT, ref_time() + 10000);
    spin_100ns(300000);
    check_eq(fired, 1, "stimer_message_waits_for_slot");
    check_eq(*flags & 1, 1, "busy_slot_gets_pending_flag");
    *slot = 0;
    wrmsr(MSR_EOM, 0);
    check(wait_u64(&fired, 2, 2000), "eom_delivers_waiting_message");
    *slot = 0;
    cli();
    wrmsr(MSR_SINT0 + 3, 0x10000);
    wrmsr(MSR_SIMP, 0);
    wrmsr(MSR_SCONTROL, 0);
}

/* Waits, as Linux does for a spinlock, for one of its own priority class */
static void on_timer_that_idles(uint8_t vec)
{
    wrmsr(MSR_STIMER0_CONFIG, TIMER_AUTO | TIMER_DIRECT | TIMER_VECTOR(0x61));
    wrmsr(MSR_STIMER0_COUNT, ref_time() + 300000);
    rdmsr(MSR_GUEST_IDLE);
    check_eq(fired, 0, "guest_idle_ends_with_what_is_not_delivered");
    apic_eoi();
}

static void idle_tests(void)
{
    uint64_t t0;

    set_irq(0x60, on_timer);
    fired = 0;
    sti();
    wrmsr(MSR_STIMER0_CONFIG, TIMER_AUTO | TIMER_DIRECT | TIMER_VECTOR(0x60));
    t0 = ref_time();
    wrmsr(MSR_STIMER0_COUNT, t0 + 300000);
    while (!fired) {
        sti_hlt();
    }
    check(ref_time() >= t0 + 300000, "stimer_wakes_halted_vp");
    cli();
    if (!(hv_features.a & 1 << 10)) {
        check_eq(try_rdmsr(MSR_GUEST_IDLE, NULL), VEC_GP, "no_idle_no_msr");
        return;
    }
    t0 = ref_time();
    wrmsr(MSR_STIMER0_COUNT, t0 + 300000);
    rdmsr(MSR_GUEST_IDLE);
    check(ref_time() >= t0 + 290000, "guest_idle_waits_with_if_clear");
    sti();
    check(wait_u64(&fired, 2, 1000), "guest_idle_interrupt_pending_after");
    fired = 0;
    set_irq(0x61, on_timer);
    set_irq(0x68, on_timer_that_idles);
    wrmsr(MSR_STIMER0_CONFIG, TIMER_AUTO | TIMER_DIRECT | TIMER_VECTOR(0x68));
    wrmsr(MSR_STIMER0_COUNT, ref_time() + 100000);
    check(wait_u64(&fired, 1, 2000), "guest_idle_in_a_handler_ends");
    cli();
}

void time_tests(void)
{
    clock_tests();
    tsc_page_tests();
    if (!(hv_features.a & 1 << 3)) {
        skip("stimers", "not offered");
        return;
    }
    direct_timer_tests();
    message_timer_tests();
    idle_tests();
}
