/*
 * Hyper-V partition: the calls that the hooks in QEMU's TCG and x86 code make
 *
 * Each returns false at once when the CPU has no VP, that is when no hv-*
 * property was given, so that QEMU then does what it always did.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_TCG_H
#define HV_TCG_H

#ifndef CONFIG_USER_ONLY
#include CONFIG_DEVICES
#endif

#if !defined(CONFIG_USER_ONLY) && defined(CONFIG_HV_PARTITION)

/*
 * Check and expand the hv-* properties of @cpu under TCG, and make its VP when
 * any is set.  Called once per CPU from x86_cpu_expand_features().  BQL
 */
bool hv_tcg_expand_features(X86CPU *cpu, Error **errp);
/* Called when the CPU is realized (index and APIC id are known) and unrealized */
bool hv_tcg_cpu_realize(X86CPU *cpu, Error **errp);
void hv_tcg_cpu_unrealize(X86CPU *cpu);
/* A halted CPU has work: it idles in GUEST_IDLE and has an interrupt pending */
bool hv_tcg_idle_wakes(X86CPU *cpu);
/* CPUID 0x40000000..0x400000ff: true if the output was set */
bool hv_tcg_cpuid(CPUX86State *env, uint32_t leaf, uint32_t subleaf,
                  uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx);
/* MSR access by the guest; may raise #GP through @ra and not return */
bool hv_tcg_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val, uintptr_t ra);
bool hv_tcg_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val, uintptr_t ra);
/* True if VMCALL and VMMCALL are hypercalls for this CPU.  Constant for a CPU */
bool hv_tcg_has_hypercalls(CPUX86State *env);
/* VMCALL or VMMCALL was executed; false: raise #UD.  May not return */
bool hv_tcg_hypercall(CPUX86State *env, uintptr_t ra);
/*
 * The local APIC hands @vector to the CPU, and has taken it out of IRR: true if
 * it needs no EOI.  BQL
 */
bool hv_tcg_apic_auto_eoi(X86CPU *cpu, uint8_t vector);
/*
 * The in-service bits of the CPU's APIC are about to count: end the interrupt
 * that the guest has ended through the VP assist page.  May call back into the
 * APIC; in the CPU's thread.  BQL
 */
void hv_tcg_apic_settle_eoi(X86CPU *cpu);

#else

static inline bool hv_tcg_expand_features(X86CPU *cpu, Error **errp)
{
    return true;
}

static inline bool hv_tcg_cpu_realize(X86CPU *cpu, Error **errp)
{
    return true;
}

static inline void hv_tcg_cpu_unrealize(X86CPU *cpu)
{
}

static inline bool hv_tcg_idle_wakes(X86CPU *cpu)
{
    return false;
}

static inline bool hv_tcg_cpuid(CPUX86State *env, uint32_t leaf,
                                uint32_t subleaf, uint32_t *eax, uint32_t *ebx,
                                uint32_t *ecx, uint32_t *edx)
{
    return false;
}

static inline bool hv_tcg_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val,
                                uintptr_t ra)
{
    return false;
}

static inline bool hv_tcg_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val,
                                uintptr_t ra)
{
    return false;
}

static inline bool hv_tcg_has_hypercalls(CPUX86State *env)
{
    return false;
}

static inline bool hv_tcg_hypercall(CPUX86State *env, uintptr_t ra)
{
    return false;
}

static inline bool hv_tcg_apic_auto_eoi(X86CPU *cpu, uint8_t vector)
{
    return false;
}

static inline void hv_tcg_apic_settle_eoi(X86CPU *cpu)
{
}

#endif
#endif /* HV_TCG_H */
