/*
 * Guest ABI tests: several processors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "abi.h"

static volatile uint64_t hits[64];

static void count_hit(uint8_t vec)
{
    hits[this_cpu()]++;
    apic_eoi();
}

static void read_vp_index(void *arg)
{
    *(volatile uint64_t *)arg = rdmsr(MSR_VP_INDEX);
}

static void enable_irqs(void *arg)
{
    sti();
}

static void halt_once(void *arg)
{
    uint64_t before = hits[this_cpu()];

    *(volatile uint64_t *)arg = 1;
    while (hits[this_cpu()] == before) {
        cli();
        if (hits[this_cpu()] == before) {
            sti_hlt();
        }
    }
}

static void read_ref(void *arg)
{
    volatile uint64_t *slots = arg;

    slots[1] = ref_time();
    slots[0] = 1;
}

/* PTE of the test address: 4 KiB pages below one page directory entry */
#define TEST_VA 0x3f000000ull
static uint64_t test_pt[512] __attribute__((aligned(4096)));
static volatile uint64_t stop_reading, stale_seen, reads;

static void reader(void *arg)
{
    volatile uint64_t *va = (uint64_t *)TEST_VA;
    volatile uint64_t *expect = arg;

    while (!stop_reading) {
        uint64_t lo = expect[0];
        uint64_t v = *va;

        if (v < lo) {
            stale_seen++;
        }
        reads++;
    }
}

/*
 * A reader on another VP runs while the page behind an address is exchanged.
 * Once the flush call has returned, no VP may see the old page.
 */
static void remote_flush_test(uint64_t vp1)
{
    static uint64_t frames[2][512] __attribute__((aligned(4096)));
    static volatile uint64_t expect;
    uint64_t *in = (uint64_t *)page_in;
    uint64_t i;

    if (!(hv_hints.a & 1 << 2)) {
        skip("remote_flush", "not offered");
        return;
    }
    frames[0][0] = 0;
    test_pt[0] = (uintptr_t)frames[0] | 7;
    pd[TEST_VA >> 21] = (uintptr_t)test_pt | 7;
    in[0] = 0;
    in[1] = 3;
    in[2] = 0;
    hypercall(2, (uintptr_t)in, 0);
    run_on(1, reader, (void *)&expect);
    for (i = 1; i <= 2000; i++) {
        uint64_t *next = frames[i & 1];

        next[0] = i;
        test_pt[0] = (uintptr_t)next | 7;
        in[1] = i & 2 ? 3 : 0;          /* all, or by mask */
        in[2] = 1 | 1ull << vp1;
        in[3] = TEST_VA;
        if (i & 1) {
            hypercall(3 | CTL_REPS(1), (uintptr_t)in, 0);
        } else {
            hypercall(2, (uintptr_t)in, 0);
        }
        expect = i;
    }
    stop_reading = 1;
    wait_for(1);
    out("# %u reads, %u stale\n", reads, stale_seen);
    check_eq(stale_seen, 0, "no_stale_translation_after_flush_call");
}

void smp_tests(void)
{
    volatile uint64_t v, slots[2];
    uint64_t before, vp1 = 0;       /* CPUs count in the order they came up */
    bool ok = true;

    if (cpu_count < 2) {
        skip("smp", "one CPU");
        return;
    }
    out("# %u CPUs\n", (uint64_t)cpu_count);
    for (unsigned i = 1; i < cpu_count; i++) {
        v = ~0ull;
        run_on(i, read_vp_index, (void *)&v);
        wait_for(i);
        ok &= v < 64 && v != 0;
        vp1 = i == 1 ? v : vp1;
    }
    check(ok, "every_cpu_has_a_vp_index");

    ok = true;
    for (int i = 0; i < 200; i++) {
        slots[0] = 0;
        before = ref_time();
        run_on(1, read_ref, (void *)slots);
        wait_for(1);
        ok &= slots[1] >= before && ref_time() >= slots[1];
    }
    check(ok, "reference_counter_is_monotone_over_cpus");

    set_irq(0x55, count_hit);
    for (unsigned i = 1; i < cpu_count; i++) {
        run_on(i, enable_irqs, NULL);
        wait_for(i);
    }
    if (hv_hints.a & 1 << 10) {
        check_eq(hypercall(0x000b | CTL_FAST, 0x55, 1ull << vp1), 0,
                 "ipi_to_other_vp");
        check(wait_u64(&hits[1], 1, 2000), "ipi_to_other_vp_arrives");
        v = 0;
        run_on(1, halt_once, (void *)&v);
        wait_u64(&v, 1, 1000);
        spin_100ns(200000);
        hypercall(0x000b | CTL_FAST, 0x55, 1ull << vp1);
        check(wait_u64(&hits[1], 2, 2000), "ipi_wakes_halted_vp");
        wait_for(1);
    } else {
        skip("ipi", "not offered");
    }
    remote_flush_test(vp1);
}
