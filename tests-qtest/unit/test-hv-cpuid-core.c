/*
 * Unit test: hv-* properties to CPUID leaves
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "accel/hyperv/hv-cpuid-core.h"

#define P(prop) BIT_ULL(HV_PROP_##prop)

static HvFeatures build_ok(const HvFeatureRequest *req)
{
    HvFeatures f = { 0 };
    g_autofree char *msg = hv_features_build(req, &f);

    g_assert_cmpstr(msg, ==, NULL);
    return f;
}

static HvFeatures build_props(uint64_t props)
{
    return build_ok(&(HvFeatureRequest) { .props = props });
}

static void assert_refused(uint64_t props, const char *want)
{
    HvFeatures f = { 0 };
    g_autofree char *msg =
        hv_features_build(&(HvFeatureRequest) { .props = props }, &f);

    g_assert_cmpstr(msg, ==, want);
}

static void shows_named_bits_only(void)
{
    static const struct {
        uint64_t props;
        uint32_t low, high, features, hints;
    } rows[] = {
        { 0, 0, 0, 0, 0 },
        { P(RELAXED), 0, 0, 0, BIT(5) },
        { P(VAPIC), BIT(4), 0, 0, BIT(3) },
        { P(VAPIC) | P(AVIC), BIT(4), 0, 0, BIT(9) },
        { P(TIME), BIT(1) | BIT(9), 0, 0, 0 },
        { P(CRASH), 0, 0, BIT(10), 0 },
        { P(RESET), BIT(7), 0, 0, 0 },
        { P(VPINDEX), BIT(6), 0, 0, 0 },
        { P(RUNTIME), BIT(0), 0, 0, 0 },
        { P(SYNIC) | P(VPINDEX), BIT(2) | BIT(6), BIT(4) | BIT(5), 0, 0 },
        { P(STIMER) | P(SYNIC) | P(VPINDEX) | P(TIME),
          BIT(1) | BIT(2) | BIT(3) | BIT(6) | BIT(9), BIT(4) | BIT(5), 0, 0 },
        { P(FREQUENCIES), BIT(11), 0, BIT(8), 0 },
        { P(REENLIGHTENMENT), BIT(13), 0, 0, 0 },
        { P(TLBFLUSH) | P(VPINDEX), BIT(6), 0, 0, BIT(2) | BIT(11) },
        { P(IPI) | P(VPINDEX), BIT(6), 0, 0, BIT(10) | BIT(11) },
        { P(TLBFLUSH_EXT) | P(TLBFLUSH) | P(VPINDEX), BIT(6), 0, BIT(14),
          BIT(2) | BIT(11) },
        { P(XMM_INPUT), 0, 0, BIT(4), 0 },
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        HvFeatures f = build_props(rows[i].props);

        /* hypercall MSRs and CPU hot-plug come with any property */
        g_assert_cmphex(f.priv_low, ==, rows[i].low | BIT(5));
        g_assert_cmphex(f.priv_high, ==, rows[i].high);
        g_assert_cmphex(f.features, ==, rows[i].features | BIT(3));
        g_assert_cmphex(f.hints, ==, rows[i].hints);
    }
}

static void refuses_what_is_missing(void)
{
    assert_refused(P(STIMER) | P(TIME) | P(VPINDEX),
                   "Hyper-V synthetic timers (hv-stimer) requires Hyper-V "
                   "synthetic interrupt controller (hv-synic)");
    assert_refused(P(SYNIC),
                   "Hyper-V synthetic interrupt controller (hv-synic) requires "
                   "Hyper-V VP_INDEX MSR (hv-vpindex)");
    assert_refused(P(IPI), "Hyper-V paravirtualized IPI (hv-ipi) requires "
                   "Hyper-V VP_INDEX MSR (hv-vpindex)");
    assert_refused(P(STIMER_DIRECT),
                   "Hyper-V direct mode synthetic timers (hv-stimer-direct) "
                   "requires Hyper-V synthetic timers (hv-stimer)");
}

static void refuses_what_is_not_implemented(void)
{
    static const HvProp props[] = {
        HV_PROP_EVMCS, HV_PROP_SYNDBG, HV_PROP_EMSR_BITMAP,
        HV_PROP_TLBFLUSH_DIRECT,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(props); i++) {
        g_autofree char *want =
            g_strdup_printf("Hyper-V %s is not supported by TCG",
                            hv_prop_desc(props[i]));

        assert_refused(BIT_ULL(props[i]), want);
        g_assert_false(hv_props_implemented() & BIT_ULL(props[i]));
    }
}

static void synic_only_has_no_hypercalls(void)
{
    HvFeatures f = build_ok(&(HvFeatureRequest) {
        .props = P(SYNIC), .synic_only = true,
    });

    g_assert_cmphex(f.priv_high, ==, 0);
}

static void passthrough_shows_all(void)
{
    HvFeatureRequest req = {
        .passthrough = true, .guest_idle = true, .tsc_invariant = true,
        .extended_hypercalls = true, .xmm_output = true, .vp_registers = true,
        .no_coresharing = true,
    };
    HvFeatures f = build_ok(&req);

    g_assert_cmphex(f.priv_low, ==, 0xaeff);
    g_assert_cmphex(f.priv_high, ==, BIT(4) | BIT(5) | BIT(17) | BIT(20));
    g_assert_cmphex(f.features, ==, BIT(3) | BIT(4) | BIT(5) | BIT(8) |
                    BIT(10) | BIT(14) | BIT(15) | BIT(19));
    /* no hint to use the APIC's MSRs: they cost more than the APIC here */
    g_assert_cmphex(f.hints, ==, BIT(2) | BIT(5) | BIT(9) | BIT(10) | BIT(11) |
                    BIT(18));
}

static void leaves_are_laid_out(void)
{
    HvFeatures f = {
        .priv_low = 1, .priv_high = 2, .features = 3, .hints = 4,
        .spinlock_retries = 5, .max_vps = 6, .max_lps = 7,
        .version = { 8, 9, 10, 11 }, .vs_properties = 12,
    };
    HvCpuidLeaf l;

    memcpy(f.vendor, "Microsoft Hv", 12);
    l = hv_cpuid_leaf(&f, 0x40000000);
    g_assert_cmphex(l.eax, ==, 0x4000000a);
    g_assert_cmpmem(&l.ebx, 12, "Microsoft Hv", 12);
    l = hv_cpuid_leaf(&f, 0x40000001);
    g_assert_cmpmem(&l.eax, 4, "Hv#1", 4);
    l = hv_cpuid_leaf(&f, 0x40000002);
    g_assert_true(l.eax == 8 && l.ebx == 9 && l.ecx == 10 && l.edx == 11);
    l = hv_cpuid_leaf(&f, 0x40000003);
    g_assert_true(l.eax == 1 && l.ebx == 2 && l.ecx == 0 && l.edx == 3);
    l = hv_cpuid_leaf(&f, 0x40000004);
    g_assert_true(l.eax == 4 && l.ebx == 5 && l.ecx == 0 && l.edx == 0);
    l = hv_cpuid_leaf(&f, 0x40000005);
    g_assert_true(l.eax == 6 && l.ebx == 7 && l.ecx == 0 && l.edx == 0);
    l = hv_cpuid_leaf(&f, 0x40000080);
    g_assert_cmphex(l.eax, ==, 0x40000082);
    g_assert_cmpmem(&l.ebx, 12, "Microsoft VS", 12);
    l = hv_cpuid_leaf(&f, 0x40000081);
    g_assert_cmpmem(&l.eax, 4, "VS#1", 4);
    l = hv_cpuid_leaf(&f, 0x40000082);
    g_assert_true(l.eax == 12 && !l.ebx && !l.ecx && !l.edx);
}

static void other_leaves_are_zero(void)
{
    HvFeatures f = build_ok(&(HvFeatureRequest) { .passthrough = true });

    for (uint32_t leaf = 0x40000006; leaf <= 0x400000ff; leaf++) {
        HvCpuidLeaf l = hv_cpuid_leaf(&f, leaf);

        if (leaf < 0x40000080 || leaf > 0x40000082) {
            g_assert_true(!l.eax && !l.ebx && !l.ecx && !l.edx);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hv-cpuid/shows-named-bits-only", shows_named_bits_only);
    g_test_add_func("/hv-cpuid/refuses-what-is-missing",
                    refuses_what_is_missing);
    g_test_add_func("/hv-cpuid/refuses-what-is-not-implemented",
                    refuses_what_is_not_implemented);
    g_test_add_func("/hv-cpuid/synic-only-has-no-hypercalls",
                    synic_only_has_no_hypercalls);
    g_test_add_func("/hv-cpuid/passthrough-shows-all", passthrough_shows_all);
    g_test_add_func("/hv-cpuid/leaves-are-laid-out", leaves_are_laid_out);
    g_test_add_func("/hv-cpuid/other-leaves-are-zero", other_leaves_are_zero);
    return g_test_run();
}
