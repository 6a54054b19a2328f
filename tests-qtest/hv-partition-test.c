/*
 * Hyper-V partition: MSRs, overlay pages, SynIC, timers, as a guest sees them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "lib/hv-guest.h"

#define TIMER_SINT          3
#define DIRECT_VECTOR       0xed
#define MS_100NS            10000
#define MS_NS               1000000

#define STIMER_CONFIG(_n)   (HV_MSR_STIMER0_CONFIG + 2 * (_n))
#define STIMER_COUNT(_n)    (HV_MSR_STIMER0_CONFIG + 2 * (_n) + 1)
#define STIMER_DIRECT       (R_HV_STIMER_DIRECT_MODE_MASK | \
                             (DIRECT_VECTOR << R_HV_STIMER_APIC_VECTOR_SHIFT))
#define STIMER_MESSAGE      (TIMER_SINT << R_HV_STIMER_SINTX_SHIFT)

static HvGuest *start(void)
{
    HvGuest *g = hv_guest_start("");

    hv_guest_enable_hypercalls(g);
    return g;
}

static uint64_t now_100ns(HvGuest *g)
{
    return hv_guest_msr(g, 0, HV_MSR_TIME_REF_COUNT);
}

static void test_leaves_name_the_interface(void)
{
    HvGuest *g = hv_guest_start("");
    uint32_t r[4];

    hv_guest_cpuid(g, 0, HV_CPUID_VENDOR, r);
    g_assert_cmphex(r[0], >=, HV_CPUID_LIMITS);
    g_assert_cmpint(memcmp(&r[1], "Microsoft Hv", 12), ==, 0);
    hv_guest_cpuid(g, 0, HV_CPUID_INTERFACE, r);
    g_assert_cmphex(r[0], ==, HV_INTERFACE_HV1);
    hv_guest_cpuid(g, 0, HV_CPUID_FEATURES, r);
    g_assert_cmphex(r[0] & (HV_PRIV_SYNIC | HV_PRIV_SYNTIMER |
                            HV_PRIV_HYPERCALL_MSRS | HV_PRIV_VP_INDEX), ==,
                    HV_PRIV_SYNIC | HV_PRIV_SYNTIMER |
                    HV_PRIV_HYPERCALL_MSRS | HV_PRIV_VP_INDEX);
    g_assert_cmphex(r[3] & HV_FEAT_STIMER_DIRECT, !=, 0);
    hv_guest_cpuid(g, 0, 1, r);
    g_assert_cmphex(r[2] & BIT(31), !=, 0);
    hv_guest_stop(g);
}

static void test_every_vp_knows_its_index(void)
{
    HvGuest *g = hv_guest_start("");

    for (unsigned i = 0; i < HV_GUEST_VPS; i++) {
        g_assert_cmpuint(hv_guest_msr(g, i, HV_MSR_VP_INDEX), ==, i);
    }
    hv_guest_stop(g);
}

/* TLFS: what is read-only, write-only or absent raises #GP */
static void test_wrong_access_faults(void)
{
    static const uint32_t read_only[] = {
        HV_MSR_VP_INDEX, HV_MSR_VP_RUNTIME, HV_MSR_TIME_REF_COUNT,
        HV_MSR_TSC_FREQUENCY, HV_MSR_APIC_FREQUENCY, HV_MSR_SVERSION,
    };
    static const uint32_t absent[] = {
        HV_MSR_TSC_INVARIANT_CONTROL, 0x40000fff, 0x4000008f, 0x400000b8,
    };
    HvGuest *g = start();
    uint64_t val;

    for (size_t i = 0; i < ARRAY_SIZE(read_only); i++) {
        g_assert(hv_guest_rdmsr(g, 0, read_only[i], &val));
        g_assert(!hv_guest_wrmsr(g, 0, read_only[i], val));
    }
    for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
        g_assert(!hv_guest_rdmsr(g, 0, absent[i], &val));
        g_assert(!hv_guest_wrmsr(g, 0, absent[i], 0));
    }
    /* no vector below 16 on a SINT that is not masked */
    g_assert(!hv_guest_wrmsr(g, 0, HV_MSR_SINT0, 15));
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_SINT0, 15 | HV_SINT_RESET));
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_SINT0, 16));
    hv_guest_stop(g);
}

static void test_msrs_of_features_that_are_off_fault(void)
{
    HvGuest *g = hv_guest_start_cpu("qemu64,hv-vpindex=on", "");
    uint64_t val;

    g_assert(hv_guest_rdmsr(g, 0, HV_MSR_VP_INDEX, &val));
    g_assert(!hv_guest_rdmsr(g, 0, HV_MSR_SCONTROL, &val));
    g_assert(!hv_guest_rdmsr(g, 0, HV_MSR_TIME_REF_COUNT, &val));
    g_assert(!hv_guest_rdmsr(g, 0, HV_MSR_STIMER0_CONFIG, &val));
    g_assert(!hv_guest_wrmsr(g, 0, HV_MSR_RESET, 0));
    hv_guest_stop(g);
}

static void test_hypercall_page_needs_os_id(void)
{
    HvGuest *g = hv_guest_start("");
    uint64_t page = hv_guest_alloc(g, 1);
    uint8_t code[4];

    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_HYPERCALL, page | HV_MSR_PAGE_ENABLE));
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_HYPERCALL) & HV_MSR_PAGE_ENABLE,
                    ==, 0);
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_GUEST_OS_ID, 0x8100060c00000000ull));
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_HYPERCALL, page | HV_MSR_PAGE_ENABLE));
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_HYPERCALL), ==,
                    page | HV_MSR_PAGE_ENABLE);
    qtest_memread(g->qts, page, code, sizeof(code));
    /* VMCALL or VMMCALL, then RET */
    g_assert_cmphex(code[0], ==, 0x0f);
    g_assert_cmphex(code[1], ==, 0x01);
    g_assert(code[2] == 0xc1 || code[2] == 0xd9);
    g_assert_cmphex(code[3], ==, 0xc3);
    /* without an OS id there is no page */
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_GUEST_OS_ID, 0));
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_HYPERCALL) & HV_MSR_PAGE_ENABLE,
                    ==, 0);
    g_assert_cmphex(qtest_readl(g->qts, page), ==, 0);
    hv_guest_stop(g);
}

static void test_locked_hypercall_page_stays(void)
{
    HvGuest *g = start();
    uint64_t val = hv_guest_msr(g, 0, HV_MSR_HYPERCALL);

    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_HYPERCALL,
                            val | HV_MSR_HYPERCALL_LOCKED));
    val |= HV_MSR_HYPERCALL_LOCKED;
    hv_guest_wrmsr(g, 0, HV_MSR_HYPERCALL, 0);
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_HYPERCALL), ==, val);
    hv_guest_reset(g);
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_HYPERCALL), ==, 0);
    hv_guest_stop(g);
}

static void test_sints_are_masked_after_reset(void)
{
    HvGuest *g = start();

    for (int pass = 0; pass < 2; pass++) {
        for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
            for (unsigned i = 0; i < HV_SINT_COUNT; i++) {
                g_assert_cmphex(hv_guest_msr(g, vp, HV_MSR_SINT0 + i), ==,
                                HV_SINT_RESET);
            }
            g_assert_cmphex(hv_guest_msr(g, vp, HV_MSR_SIMP) &
                            HV_MSR_PAGE_ENABLE, ==, 0);
            g_assert_cmphex(hv_guest_msr(g, vp, HV_MSR_SIEFP) &
                            HV_MSR_PAGE_ENABLE, ==, 0);
            g_assert_cmphex(hv_guest_msr(g, vp, HV_MSR_SVERSION), ==,
                            HV_SVERSION);
            hv_guest_enable_synic(g, vp, 2);
        }
        hv_guest_reset(g);
    }
    hv_guest_stop(g);
}

static void test_overlay_hides_and_restores_ram(void)
{
    static const uint32_t msrs[] = {
        HV_MSR_SIMP, HV_MSR_SIEFP, HV_MSR_VP_ASSIST_PAGE,
    };
    const uint64_t pattern = 0x1122334455667788ull;
    HvGuest *g = start();

    for (size_t i = 0; i < ARRAY_SIZE(msrs); i++) {
        uint64_t a = hv_guest_alloc(g, 2), b = a + HV_PAGE_SIZE;

        qtest_writeq(g->qts, a + 8, pattern);
        qtest_writeq(g->qts, b + 8, ~pattern);
        g_assert(hv_guest_wrmsr(g, 0, msrs[i], a | HV_MSR_PAGE_ENABLE));
        g_assert_cmphex(qtest_readq(g->qts, a + 8), ==, 0);
        qtest_writeq(g->qts, a + 8, 42);
        /* the page moves with its content */
        g_assert(hv_guest_wrmsr(g, 0, msrs[i], b | HV_MSR_PAGE_ENABLE));
        g_assert_cmphex(qtest_readq(g->qts, a + 8), ==, pattern);
        g_assert_cmphex(qtest_readq(g->qts, b + 8), ==, 42);
        g_assert(hv_guest_wrmsr(g, 0, msrs[i], b));
        g_assert_cmphex(qtest_readq(g->qts, b + 8), ==, ~pattern);
        g_assert_cmphex(*(uint64_t *)hv_guest_ptr(g, a + 8), ==, pattern);
    }
    hv_guest_stop(g);
}

/* All VPs put their page on one address: one is seen, none is lost */
static void test_overlays_of_vps_can_share_an_address(void)
{
    HvGuest *g = start();
    uint64_t page = hv_guest_alloc(g, 1);

    qtest_writeq(g->qts, page, 7);
    for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
        g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIMP, page | HV_MSR_PAGE_ENABLE));
        g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIEFP,
                                page | HV_MSR_PAGE_ENABLE));
    }
    g_assert_cmphex(qtest_readq(g->qts, page), ==, 0);
    for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
        g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIMP, 0));
        g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIEFP, 0));
    }
    g_assert_cmphex(qtest_readq(g->qts, page), ==, 7);
    hv_guest_stop(g);
}

static void test_overlay_beyond_address_space_is_no_harm(void)
{
    static const uint64_t gpas[] = {
        1ull << 40, 1ull << 51, 0xfffffffffffff000ull, 0xfee00000, 0xfed80000,
    };
    static const uint32_t msrs[] = {
        HV_MSR_SIMP, HV_MSR_SIEFP, HV_MSR_VP_ASSIST_PAGE, HV_MSR_REFERENCE_TSC,
        HV_MSR_HYPERCALL,
    };
    HvGuest *g = start();

    for (size_t m = 0; m < ARRAY_SIZE(msrs); m++) {
        for (size_t i = 0; i < ARRAY_SIZE(gpas); i++) {
            if (gpas[i] == HV_TESTDEV_GPA) {
                continue;       /* it would hide the test's own door */
            }
            hv_guest_wrmsr(g, 1, msrs[m], gpas[i] | HV_MSR_PAGE_ENABLE);
        }
        g_assert(hv_guest_wrmsr(g, 1, msrs[m], 0));
    }
    hv_guest_enable_synic(g, 1, 2);
    hv_guest_stop(g);
}

static void test_reference_counter_counts_100ns(void)
{
    HvGuest *g = start();
    uint64_t t0 = now_100ns(g);

    hv_guest_step(g, 5 * MS_NS);
    g_assert_cmpuint(now_100ns(g) - t0, ==, 5 * MS_100NS);
    /* one counter for all VPs */
    g_assert_cmpuint(hv_guest_msr(g, 3, HV_MSR_TIME_REF_COUNT), ==,
                     now_100ns(g));
    hv_guest_reset(g);
    g_assert_cmpuint(now_100ns(g), <=, t0 + 5 * MS_100NS);
    hv_guest_stop(g);
}

static void test_timer_fires_once_when_due(void)
{
    HvGuest *g = start();

    for (unsigned n = 0; n < HV_STIMER_COUNT; n++) {
        g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(n), STIMER_DIRECT |
                                R_HV_STIMER_ENABLE_MASK));
        /* enabled with count 0 does not fire */
        hv_guest_step(g, MS_NS);
        g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 0);
        g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(n), STIMER_DIRECT |
                                R_HV_STIMER_AUTO_ENABLE_MASK));
        g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(n),
                                now_100ns(g) + 2 * MS_100NS));
        g_assert_cmphex(hv_guest_msr(g, 0, STIMER_CONFIG(n)) &
                        R_HV_STIMER_ENABLE_MASK, !=, 0);
        hv_guest_step(g, 2 * MS_NS - 200);
        g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 0);
        hv_guest_step(g, 400);
        g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 1);
        g_assert_cmphex(hv_guest_msr(g, 0, STIMER_CONFIG(n)) &
                        R_HV_STIMER_ENABLE_MASK, ==, 0);
        hv_guest_step(g, 10 * MS_NS);
        g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 0);
    }
    hv_guest_stop(g);
}

static void test_timer_in_the_past_fires_at_once(void)
{
    HvGuest *g = start();

    hv_guest_step(g, MS_NS);
    g_assert(hv_guest_wrmsr(g, 2, STIMER_CONFIG(0), STIMER_DIRECT |
                            R_HV_STIMER_AUTO_ENABLE_MASK));
    g_assert(hv_guest_wrmsr(g, 2, STIMER_COUNT(0), 1));
    hv_guest_step(g, 1);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 2, DIRECT_VECTOR), ==, 1);
    hv_guest_stop(g);
}

static void test_timer_can_be_cancelled(void)
{
    HvGuest *g = start();
    uint64_t config = STIMER_DIRECT | R_HV_STIMER_AUTO_ENABLE_MASK;

    g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(0), config));
    g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(0), now_100ns(g) + MS_100NS));
    g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(0), 0));
    hv_guest_step(g, 3 * MS_NS);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 0);
    g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(0), now_100ns(g) + MS_100NS));
    g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(0), config));
    hv_guest_step(g, 3 * MS_NS);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 0);
    hv_guest_stop(g);
}

static void test_periodic_timer_repeats(void)
{
    HvGuest *g = start();

    g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(1), MS_100NS));
    g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(1), STIMER_DIRECT |
                            R_HV_STIMER_PERIODIC_MASK |
                            R_HV_STIMER_ENABLE_MASK));
    for (int i = 0; i < 5; i++) {
        hv_guest_step(g, MS_NS);
        g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 1);
    }
    g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(1), 0));
    hv_guest_step(g, 5 * MS_NS);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 0);
    hv_guest_stop(g);
}

/* The shortest period must not keep QEMU busy for ever */
static void test_shortest_period_ends(void)
{
    HvGuest *g = start();

    for (unsigned n = 0; n < HV_STIMER_COUNT; n++) {
        g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(n), 1));
        g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(n), STIMER_DIRECT |
                                R_HV_STIMER_PERIODIC_MASK |
                                R_HV_STIMER_ENABLE_MASK));
    }
    hv_guest_step(g, MS_NS);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), >, 0);
    for (unsigned n = 0; n < HV_STIMER_COUNT; n++) {
        g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(n), 0));
    }
    hv_guest_stop(g);
}

static void expect_timer_message(HvGuest *g, unsigned idx, uint64_t expiration)
{
    HvMessageWire msg;
    HvTimerMessageWire timer;

    g_assert(hv_guest_wait_message(g, 0, TIMER_SINT, &msg, G_USEC_PER_SEC));
    g_assert_cmphex(le32_to_cpu(msg.type), ==, HV_MSG_TYPE_TIMER_EXPIRED);
    g_assert_cmpuint(msg.payload_bytes, ==, sizeof(timer));
    memcpy(&timer, msg.payload, sizeof(timer));
    g_assert_cmpuint(le32_to_cpu(timer.timer_idx), ==, idx);
    g_assert_cmpuint(le64_to_cpu(timer.expiration_100ns), ==, expiration);
    g_assert_cmpuint(le64_to_cpu(timer.delivery_100ns), >=, expiration);
}

static uint64_t arm_message_timer(HvGuest *g, unsigned n, uint64_t delta_100ns)
{
    uint64_t due = now_100ns(g) + delta_100ns;

    g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(n), STIMER_MESSAGE |
                            R_HV_STIMER_AUTO_ENABLE_MASK));
    g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(n), due));
    return due;
}

static void test_timer_message_names_its_expiry(void)
{
    HvGuest *g = start();
    uint64_t due;

    hv_guest_enable_synic(g, 0, TIMER_SINT);
    due = arm_message_timer(g, 2, MS_100NS);
    hv_guest_step(g, MS_NS + 200);
    expect_timer_message(g, 2, due);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, HV_GUEST_VECTOR), ==, 1);
    hv_guest_stop(g);
}

/* Two timers, one slot: the second message waits for the EOM */
static void test_message_waits_for_a_busy_slot(void)
{
    HvGuest *g = start();
    uint64_t slot, due[2];

    hv_guest_enable_synic(g, 0, TIMER_SINT);
    slot = g->vp[0].simp_gpa + TIMER_SINT * HV_MSG_BYTES;
    due[0] = arm_message_timer(g, 0, MS_100NS);
    due[1] = arm_message_timer(g, 1, 2 * MS_100NS);
    hv_guest_step(g, MS_NS + 200);
    g_assert_cmphex(qtest_readl(g->qts, slot), ==, HV_MSG_TYPE_TIMER_EXPIRED);
    g_assert_cmphex(qtest_readb(g->qts, slot + 5) & HV_MSG_FLAG_PENDING, ==, 0);
    hv_guest_step(g, MS_NS);
    g_assert_cmphex(qtest_readb(g->qts, slot + 5) & HV_MSG_FLAG_PENDING, !=, 0);
    expect_timer_message(g, 0, due[0]);
    expect_timer_message(g, 1, due[1]);
    hv_guest_stop(g);
}

static void test_auto_eoi_leaves_nothing_in_service(void)
{
    HvGuest *g = start();

    hv_guest_enable_synic(g, 0, TIMER_SINT);
    arm_message_timer(g, 0, 1);
    hv_guest_step(g, MS_NS);
    g_assert_cmphex(hv_guest_take_irq(g, 0), ==, HV_GUEST_VECTOR);
    g_assert(hv_guest_eoi(g, 0));
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_SINT0 + TIMER_SINT, HV_GUEST_VECTOR |
                            R_HV_SINT_AUTO_EOI_MASK));
    qtest_writel(g->qts, g->vp[0].simp_gpa + TIMER_SINT * HV_MSG_BYTES, 0);
    arm_message_timer(g, 0, 1);
    hv_guest_step(g, MS_NS);
    g_assert_cmphex(hv_guest_take_irq(g, 0), ==, HV_GUEST_VECTOR);
    g_assert(!hv_guest_eoi(g, 0));
    hv_guest_stop(g);
}

static void test_polled_sint_does_not_interrupt(void)
{
    HvGuest *g = start();
    uint64_t due;

    hv_guest_enable_synic(g, 0, TIMER_SINT);
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_SINT0 + TIMER_SINT, HV_GUEST_VECTOR |
                            R_HV_SINT_POLLING_MASK));
    due = arm_message_timer(g, 0, MS_100NS);
    hv_guest_step(g, 2 * MS_NS);
    expect_timer_message(g, 0, due);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, HV_GUEST_VECTOR), ==, 0);
    hv_guest_stop(g);
}

/* What is switched off must not be written to: it is the guest's RAM again */
static void test_nothing_is_written_after_synic_is_off(void)
{
    HvGuest *g = start();
    uint64_t simp;

    hv_guest_enable_synic(g, 0, TIMER_SINT);
    simp = g->vp[0].simp_gpa;
    arm_message_timer(g, 0, MS_100NS);
    hv_guest_disable_synic(g, 0);
    hv_guest_step(g, 2 * MS_NS);
    for (unsigned i = 0; i < HV_PAGE_SIZE; i += 8) {
        g_assert_cmphex(*(uint64_t *)hv_guest_ptr(g, simp + i), ==, 0);
    }
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, HV_GUEST_VECTOR), ==, 0);
    hv_guest_stop(g);
}

static void test_timers_are_off_after_reset(void)
{
    HvGuest *g = start();

    g_assert(hv_guest_wrmsr(g, 0, STIMER_COUNT(0), MS_100NS));
    g_assert(hv_guest_wrmsr(g, 0, STIMER_CONFIG(0), STIMER_DIRECT |
                            R_HV_STIMER_PERIODIC_MASK |
                            R_HV_STIMER_ENABLE_MASK));
    hv_guest_reset(g);
    hv_guest_step(g, 10 * MS_NS);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, DIRECT_VECTOR), ==, 0);
    g_assert_cmphex(hv_guest_msr(g, 0, STIMER_CONFIG(0)), ==, 0);
    g_assert_cmphex(hv_guest_msr(g, 0, STIMER_COUNT(0)), ==, 0);
    hv_guest_stop(g);
}

static void test_crash_tells_management(void)
{
    /* the default would be to end QEMU */
    HvGuest *g = hv_guest_start("-action panic=none");
    QDict *event;

    for (unsigned i = 0; i < HV_CRASH_PARAM_COUNT; i++) {
        g_assert(hv_guest_wrmsr(g, 0, HV_MSR_CRASH_P0 + i, 0x100 + i));
    }
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_CRASH_CTL, HV_CRASH_CTL_NOTIFY));
    event = qtest_qmp_eventwait_ref(g->qts, "GUEST_PANICKED");
    g_assert(qdict_haskey(qdict_get_qdict(event, "data"), "info"));
    qobject_unref(event);
    hv_guest_stop(g);
}

static void test_reset_msr_resets_the_machine(void)
{
    HvGuest *g = start();

    g_assert(hv_guest_wrmsr(g, 1, HV_MSR_RESET, 1));
    qtest_qmp_eventwait(g->qts, "RESET");
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_GUEST_OS_ID), ==, 0);
    hv_guest_stop(g);
}

static void test_migration_keeps_pages_timers_and_time(void)
{
    HvGuest *g = start();
    uint64_t t0, due, sint, call;

    hv_guest_enable_synic(g, 0, TIMER_SINT);
    hv_guest_enable_synic(g, 3, 2);
    qtest_writeq(g->qts, g->vp[3].siefp_gpa + 8, 0xfeed);
    due = arm_message_timer(g, 0, 50 * MS_100NS);
    t0 = now_100ns(g);
    sint = hv_guest_msr(g, 0, HV_MSR_SINT0 + TIMER_SINT);
    call = hv_guest_msr(g, 0, HV_MSR_HYPERCALL);
    hv_guest_migrate(g);
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_SINT0 + TIMER_SINT), ==, sint);
    g_assert_cmphex(hv_guest_msr(g, 0, HV_MSR_HYPERCALL), ==, call);
    g_assert_cmpuint(now_100ns(g), >=, t0);
    g_assert_cmphex(qtest_readq(g->qts, g->vp[3].siefp_gpa + 8), ==, 0xfeed);
    g_assert_cmphex(qtest_readb(g->qts, call & HV_PAGE_MASK), ==, 0x0f);
    hv_guest_step(g, 60 * MS_NS);
    expect_timer_message(g, 0, due);
    hv_guest_stop(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define PARTITION_TEST(_name) \
    qtest_add_func("/paravisor/partition/" #_name, test_##_name)
    PARTITION_TEST(leaves_name_the_interface);
    PARTITION_TEST(every_vp_knows_its_index);
    PARTITION_TEST(wrong_access_faults);
    PARTITION_TEST(msrs_of_features_that_are_off_fault);
    PARTITION_TEST(hypercall_page_needs_os_id);
    PARTITION_TEST(locked_hypercall_page_stays);
    PARTITION_TEST(sints_are_masked_after_reset);
    PARTITION_TEST(overlay_hides_and_restores_ram);
    PARTITION_TEST(overlays_of_vps_can_share_an_address);
    PARTITION_TEST(overlay_beyond_address_space_is_no_harm);
    PARTITION_TEST(reference_counter_counts_100ns);
    PARTITION_TEST(timer_fires_once_when_due);
    PARTITION_TEST(timer_in_the_past_fires_at_once);
    PARTITION_TEST(timer_can_be_cancelled);
    PARTITION_TEST(periodic_timer_repeats);
    PARTITION_TEST(shortest_period_ends);
    PARTITION_TEST(timer_message_names_its_expiry);
    PARTITION_TEST(message_waits_for_a_busy_slot);
    PARTITION_TEST(auto_eoi_leaves_nothing_in_service);
    PARTITION_TEST(polled_sint_does_not_interrupt);
    PARTITION_TEST(nothing_is_written_after_synic_is_off);
    PARTITION_TEST(timers_are_off_after_reset);
    PARTITION_TEST(crash_tells_management);
    PARTITION_TEST(reset_msr_resets_the_machine);
    PARTITION_TEST(migration_keeps_pages_timers_and_time);
    return g_test_run();
}
