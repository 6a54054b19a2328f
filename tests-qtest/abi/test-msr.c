/*
 * Guest ABI tests: CPUID and MSRs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "abi.h"

static void cpuid_tests(void)
{
    struct regs4 r = cpuid(0x40000000);

    check(r.a >= 0x40000005 && r.a <= 0x400000ff, "cpuid_max_leaf_in_range");
    check_eq(cpuid(0x40000001).a, 0x31237648, "cpuid_interface_is_hv1");
    check((hv_features.a & 0x60) == 0x60, "cpuid_offers_hypercall_and_vp_index");
    check_eq(hv_features.b & 1, 0, "cpuid_no_root_partition");
    check(cpuid(0x40000005).a >= 1, "cpuid_limits_has_vps");
    r = cpuid(0x40000082);
    check_eq(r.a | r.b | r.c | r.d, 0, "cpuid_virt_stack_properties_zero");
    r = cpuid(0x4000000c);
    check_eq(r.a | r.b | r.c | r.d, 0, "cpuid_isolation_zero");
    r = cpuid(0x40000050);
    check_eq(r.a | r.b | r.c | r.d, 0, "cpuid_unknown_leaf_zero");
    check(cpuid(1).c >> 31, "cpuid_hypervisor_bit");
}

static void hypercall_page_tests(void)
{
    uint8_t *p = page_a;
    uint64_t val;

    memset(page_a, 0x5a, 4096);
    check_eq(rdmsr(MSR_GUEST_OS_ID), 0, "os_id_reset_value");
    wrmsr(MSR_HYPERCALL, (uintptr_t)page_a | 1);
    check_eq(rdmsr(MSR_HYPERCALL) & 1, 0, "hypercall_page_needs_os_id");
    wrmsr(MSR_GUEST_OS_ID, 0x8100000000000001ull);
    wrmsr(MSR_HYPERCALL, (uintptr_t)page_a | 1);
    check_eq(rdmsr(MSR_HYPERCALL), (uintptr_t)page_a | 1, "hypercall_msr_reads_back");
    check(p[0] == 0x0f && p[1] == 0x01 && (p[2] == 0xc1 || p[2] == 0xd9)
          && p[3] == 0xc3, "hypercall_page_has_code");
    wrmsr(MSR_HYPERCALL, (uintptr_t)page_b | 1);
    check_eq(p[0], 0x5a, "hypercall_page_moves_and_ram_comes_back");
    check_eq(page_b[1], 0x01, "hypercall_page_is_at_new_place");
    wrmsr(MSR_GUEST_OS_ID, 0);
    check_eq(page_b[1], 0, "os_id_zero_removes_hypercall_page");
    check_eq(rdmsr(MSR_HYPERCALL) & 1, 0, "os_id_zero_clears_enable");
    check_eq(try_wrmsr(MSR_VP_INDEX, 1), VEC_GP, "vp_index_is_read_only");
    check_eq(try_rdmsr(MSR_VP_INDEX, &val), NO_FAULT, "vp_index_reads");
    check_eq(val, 0, "boot_cpu_is_vp_0");
    check_eq(try_rdmsr(0x40000fff, NULL), VEC_GP, "unknown_msr_faults");
    check_eq(try_wrmsr(0x40000fff, 0), VEC_GP, "unknown_msr_write_faults");
    check_eq(try_wrmsr(MSR_TIME_REF, 0), VEC_GP, "time_ref_count_is_read_only");
}

static void synic_msr_tests(void)
{
    uint64_t val;

    if (!(hv_features.a & 4)) {
        check_eq(try_rdmsr(MSR_SCONTROL, NULL), VEC_GP, "no_synic_no_msr");
        return;
    }
    check_eq(rdmsr(MSR_SVERSION), 1, "synic_version_1");
    check_eq(try_wrmsr(MSR_SVERSION, 1), VEC_GP, "synic_version_read_only");
    check_eq(rdmsr(MSR_SINT0 + 5), 0x10000, "sint_reset_is_masked");
    check_eq(try_wrmsr(MSR_SINT0 + 5, 8), VEC_GP, "sint_vector_below_16_faults");
    check_eq(try_wrmsr(MSR_SINT0 + 5, 0x10008), NO_FAULT,
             "sint_masked_takes_any_vector");
    wrmsr(MSR_SINT0 + 5, 0x10000);
    check_eq(try_rdmsr(MSR_EOM, &val), NO_FAULT, "eom_reads");
    check_eq(val, 0, "eom_reads_zero");

    memset(page_a, 0x77, 4096);
    wrmsr(MSR_SIMP, (uintptr_t)page_a | 1);
    check_eq(page_a[0], 0, "simp_overlay_hides_ram");
    page_a[0] = 1;
    wrmsr(MSR_SIMP, 0);
    check_eq(page_a[0], 0x77, "simp_disable_restores_ram");
    memset(page_b, 0x66, 4096);
    wrmsr(MSR_SIEFP, (uintptr_t)page_b | 1);
    check_eq(page_b[100], 0, "siefp_overlay_hides_ram");
    wrmsr(MSR_SIEFP, 0);
    check_eq(page_b[100], 0x66, "siefp_disable_restores_ram");
}

static void assist_tests(void)
{
    check_eq(try_wrmsr(MSR_VP_ASSIST, (uintptr_t)page_a | 1), NO_FAULT,
             "vp_assist_enables");
    check_eq(rdmsr(MSR_VP_ASSIST), (uintptr_t)page_a | 1,
             "vp_assist_reads_back");
    check_eq(*(uint32_t *)page_a & 1, 0, "vp_assist_no_eoi_hint_at_start");
    wrmsr(MSR_VP_ASSIST, 0);
}

void msr_tests(void)
{
    cpuid_tests();
    hypercall_page_tests();
    synic_msr_tests();
    assist_tests();
}
