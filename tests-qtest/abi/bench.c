/*
 * Guest ABI benches: what a call into the partition costs, in ns
 *
 * One line each: "bench NAME ns N".  Time is the reference counter, so under TCG
 * it is host time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "abi.h"

#define CALLS           200000
#define TIMERS          20000
#define MESSAGES        5000

static volatile uint64_t fired;

static void on_irq(uint8_t vec)
{
    fired++;
    apic_eoi();
}

static void report(const char *name, uint64_t t0, uint64_t count)
{
    out("bench %s ns %u\n", name, (ref_time() - t0) * 100 / count);
}

static void bench_calls(void)
{
    uint64_t t0, i;

    t0 = ref_time();
    for (i = 0; i < CALLS; i++) {
        hypercall(8 | CTL_FAST, 1, 0);
    }
    report("hypercall-fast", t0, CALLS);
    t0 = ref_time();
    for (i = 0; i < CALLS; i++) {
        hypercall(0x5d | CTL_FAST, 0x123456, 0);
    }
    report("hypercall-signal-event-unknown", t0, CALLS);
    t0 = ref_time();
    for (i = 0; i < CALLS; i++) {
        hypercall(0x5c, (uintptr_t)page_in, 0);
    }
    report("hypercall-post-message-unknown", t0, CALLS);
    t0 = ref_time();
    for (i = 0; i < CALLS; i++) {
        ref_time();
    }
    report("msr-time-ref-count", t0, CALLS);
    t0 = ref_time();
    for (i = 0; i < CALLS; i++) {
        rdmsr(MSR_SCONTROL);
    }
    report("msr-scontrol-read", t0, CALLS);
}

static void bench_timers(void)
{
    uint64_t t0, i;

    set_irq(0x60, on_irq);
    wrmsr(MSR_STIMER0_CONFIG, 8 | 1 << 12 | 0x60 << 4);
    t0 = ref_time();
    for (i = 0; i < CALLS; i++) {
        wrmsr(MSR_STIMER0_COUNT, ~0ull >> 8);
    }
    report("stimer-arm", t0, CALLS);
    sti();
    fired = 0;
    t0 = ref_time();
    for (i = 0; i < TIMERS; i++) {
        wrmsr(MSR_STIMER0_COUNT, 1);
        while (fired <= i) {
            pause();
        }
    }
    report("stimer-expire-direct", t0, TIMERS);
}

/* A control message to VMBus and its answer: VERSION_RESPONSE */
static void bench_messages(void)
{
    volatile uint32_t *slot = (uint32_t *)(page_b + 2 * 256);
    uint32_t *in = (uint32_t *)page_in;
    uint64_t t0 = 0, i;

    set_irq(0x61, on_irq);
    wrmsr(MSR_SIMP, (uintptr_t)page_b | 1);
    wrmsr(MSR_SCONTROL, 1);
    wrmsr(MSR_SINT0 + 2, 0x61);
    memset(page_in, 0, 256);
    in[0] = 1;              /* connection */
    in[2] = 1;              /* channel message */
    in[3] = 40;
    in[4] = 14;             /* INITIATE_CONTACT with version 0: refused */
    fired = 0;
    if (hypercall(0x5c, (uintptr_t)in, 0) & 0xffff) {
        skip("bench_message_round_trip", "no VMBus");
        return;
    }
    for (i = 0; i < MESSAGES; i++) {
        while (!*slot) {
            pause();
        }
        *slot = 0;
        wrmsr(MSR_EOM, 0);
        if (i == 0) {
            t0 = ref_time();
        }
        hypercall(0x5c, (uintptr_t)in, 0);
    }
    report("message-round-trip", t0, MESSAGES - 1);
}

void benches(void)
{
    bench_calls();
    bench_timers();
    if (hv_features.b & 0x10) {
        bench_messages();
    }
}
