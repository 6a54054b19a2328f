/*
 * Hyper-V partition: OS id, hypercall page, VP index, runtime, guest idle, reset,
 * crash, TSC invariant and re-enlightenment MSRs (TLFS 3, 7.8, 10.1.4, 12, 15)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/qapi-types-run-state.h"
#include "system/runstate.h"
#include "hw/i386/apic.h"
#include "hv-internal.h"
#include "hv-tcg.h"
#include "trace.h"

/* longest encoding of RDMSR with its prefixes */
#define HV_MAX_RDMSR_BYTES          15
/* REENLIGHTENMENT_CONTROL: vector, enable, target VP; the rest is reserved */
#define HV_REENLIGHTENMENT_VALID    0xffffffff000100ffull
#define HV_TSC_EMULATION_VALID      BIT_ULL(0)
#define HV_TSC_INVARIANT_VALID      BIT_ULL(0)
#define HV_RESET_NOW                BIT_ULL(0)

/* AMD and Hygon have VMMCALL, all others VMCALL */
static bool hv_vendor_has_vmmcall(const CPUX86State *env)
{
    char vendor[CPUID_VENDOR_SZ + 1];

    x86_cpu_vendor_words2str(vendor, env->cpuid_vendor1, env->cpuid_vendor2,
                             env->cpuid_vendor3);
    return !strcmp(vendor, CPUID_VENDOR_AMD) || !strcmp(vendor, "HygonGenuine");
}

void hv_hypercall_page_fill(HvPartition *p, X86CPU *cpu)
{
    bool vmmcall = p->vmmcall == ON_OFF_AUTO_AUTO
        ? hv_vendor_has_vmmcall(&cpu->env) : p->vmmcall == ON_OFF_AUTO_ON;
    const uint8_t code[] = { 0x0f, 0x01, vmmcall ? 0xd9 : 0xc1, 0xc3 };

    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvOverlay *ov = &p->vtl[vtl].hypercall_page;

        /* what is behind the call traps: INT3 */
        memset(ov->hva, 0xcc, HV_PAGE_SIZE);
        memcpy(ov->hva, code, sizeof(code));
        hv_overlay_mark_dirty(ov);
    }
}

bool hv_hypercall_page_wrmsr(HvVp *vp, uint32_t msr, uint64_t val)
{
    HvPartition *p = vp->part;
    HvPartVtl *v = &p->vtl[vp->active_vtl];

    if (v->hypercall & HV_MSR_HYPERCALL_LOCKED) {
        return val == v->hypercall;
    }
    /* without an OS id the page cannot be enabled: the bit reads back clear */
    if (!v->guest_os_id) {
        val &= ~HV_MSR_PAGE_ENABLE;
    }
    if (!(val & HV_MSR_PAGE_ENABLE)) {
        hv_overlay_remove(p, vp->active_vtl, &v->hypercall_page);
    } else if (!hv_overlay_place(p, vp->active_vtl, &v->hypercall_page,
                                 val & HV_PAGE_MASK)) {
        return false;
    }
    v->hypercall = val;
    return true;
}

static void hv_guest_os_id_write(HvVp *vp, uint64_t val)
{
    HvPartition *p = vp->part;
    HvPartVtl *v = &p->vtl[vp->active_vtl];

    qatomic_set(&v->guest_os_id, val);
    if (!val && !(v->hypercall & HV_MSR_HYPERCALL_LOCKED)) {
        hv_overlay_remove(p, vp->active_vtl, &v->hypercall_page);
        v->hypercall &= ~HV_MSR_PAGE_ENABLE;
    }
}

/* The guest tells of its panic: an event for the user, as with KVM */
static void hv_crash_notify(HvVp *vp, const HvPartVtl *v)
{
    GuestPanicInformation *info = g_new0(GuestPanicInformation, 1);
    CPUX86State *env = &vp->cpu->env;

    QEMU_BUILD_BUG_ON(HV_CRASH_PARAMS != HV_CRASH_PARAM_COUNT);
    /* the CPU's crash-information property reads them there */
    memcpy(env->msr_hv_crash_params, v->crash_param, sizeof(v->crash_param));
    info->type = GUEST_PANIC_INFORMATION_TYPE_HYPER_V;
    info->u.hyper_v.arg1 = v->crash_param[0];
    info->u.hyper_v.arg2 = v->crash_param[1];
    info->u.hyper_v.arg3 = v->crash_param[2];
    info->u.hyper_v.arg4 = v->crash_param[3];
    info->u.hyper_v.arg5 = v->crash_param[4];
    trace_hv_crash_notify(vp->index, v->crash_param[0], v->crash_param[1],
                          v->crash_param[2], v->crash_param[3],
                          v->crash_param[4]);
    qemu_system_guest_panicked(info);
}

static bool hv_reenlightenment_wrmsr(HvPartVtl *v, uint32_t msr, uint64_t val)
{
    switch (msr) {
    case HV_MSR_REENLIGHTENMENT_CONTROL:
        if (val & ~HV_REENLIGHTENMENT_VALID) {
            return false;
        }
        v->reenlightenment = val;
        return true;
    case HV_MSR_TSC_EMULATION_CONTROL:
        if (val & ~HV_TSC_EMULATION_VALID) {
            return false;
        }
        v->tsc_emulation_control = val;
        return true;
    case HV_MSR_TSC_EMULATION_STATUS:
        /* the guest may only say that it has seen the end of emulation */
        if (val) {
            return false;
        }
        v->tsc_emulation_status = val;
        return true;
    default:
        return false;
    }
}

/*
 * Is an interrupt pending, be it masked by IF, or of no higher priority than the one
 * in service?  Linux waits for a spinlock in a handler and is kicked by such a one.
 */
static bool hv_idle_ends(X86CPU *cpu)
{
    return (CPU(cpu)->interrupt_request & CPU_INTERRUPT_HARD) ||
        (cpu->apic_state && apic_get_highest_priority_irr(cpu->apic_state) >= 0);
}

/*
 * Read of GUEST_IDLE: halt until an interrupt is pending, even one that the VP
 * cannot take yet (TLFS 10.1.4).  The CPU halts behind this instruction.
 */
bool hv_idle_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val)
{
    CPUState *cs = CPU(vp->cpu);

    if (!hv_idle_ends(vp->cpu)) {
        vp->idle_rip = vp->cpu->env.eip;
        vp->is_idle = true;
        cpu_interrupt(cs, CPU_INTERRUPT_HALT);
    }
    *val = 0;
    return true;
}

/*
 * A halted CPU with IF clear wakes up if it halted in GUEST_IDLE, not if in HLT.
 * The instruction pointer tells: it is right behind the RDMSR.
 */
bool hv_tcg_idle_wakes(X86CPU *cpu)
{
    const HvVp *vp = cpu->hv_vp;

    return vp && vp->is_idle &&
        cpu->env.eip - vp->idle_rip <= HV_MAX_RDMSR_BYTES && hv_idle_ends(cpu);
}

bool hv_misc_wrmsr(HvVp *vp, uint32_t msr, uint64_t val)
{
    HvPartVtl *v = &vp->part->vtl[vp->active_vtl];

    switch (msr) {
    case HV_MSR_GUEST_OS_ID:
        hv_guest_os_id_write(vp, val);
        return true;
    case HV_MSR_RESET:
        if (val & HV_RESET_NOW) {
            qemu_system_reset_request(SHUTDOWN_CAUSE_GUEST_RESET);
        }
        return true;
    case HV_MSR_CRASH_P0 ... HV_MSR_CRASH_P4:
        v->crash_param[msr - HV_MSR_CRASH_P0] = val;
        return true;
    case HV_MSR_CRASH_CTL:
        v->crash_ctl = val & HV_CRASH_CTL_MESSAGE;
        if (val & HV_CRASH_CTL_NOTIFY) {
            hv_crash_notify(vp, v);
        }
        return true;
    case HV_MSR_TSC_INVARIANT_CONTROL:
        if (val & ~HV_TSC_INVARIANT_VALID) {
            return false;
        }
        v->tsc_invariant = val;
        return true;
    default:
        return hv_reenlightenment_wrmsr(v, msr, val);
    }
}

bool hv_misc_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val)
{
    HvPartVtl *v = &vp->part->vtl[vp->active_vtl];

    switch (msr) {
    case HV_MSR_GUEST_OS_ID:
        *val = v->guest_os_id;
        return true;
    case HV_MSR_HYPERCALL:
        *val = v->hypercall;
        return true;
    case HV_MSR_VP_INDEX:
        *val = vp->index;
        return true;
    case HV_MSR_VP_RUNTIME:
        /* time in which the VP existed; halted time counts too */
        *val = hv_partition_ref_time_100ns(vp->part) - vp->runtime_base_100ns;
        return true;
    case HV_MSR_RESET:
        *val = 0;
        return true;
    case HV_MSR_CRASH_P0 ... HV_MSR_CRASH_P4:
        *val = v->crash_param[msr - HV_MSR_CRASH_P0];
        return true;
    case HV_MSR_CRASH_CTL:
        /* what the host can do, not what was written (TLFS 15.2) */
        *val = HV_CRASH_CTL_NOTIFY | HV_CRASH_CTL_MESSAGE;
        return true;
    case HV_MSR_REENLIGHTENMENT_CONTROL:
        *val = v->reenlightenment;
        return true;
    case HV_MSR_TSC_EMULATION_CONTROL:
        *val = v->tsc_emulation_control;
        return true;
    case HV_MSR_TSC_EMULATION_STATUS:
        *val = v->tsc_emulation_status;
        return true;
    case HV_MSR_TSC_INVARIANT_CONTROL:
        *val = v->tsc_invariant;
        return true;
    default:
        return false;
    }
}

void hv_misc_init(HvPartition *p)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        hv_overlay_init(p, &p->vtl[vtl].hypercall_page, "hyperv-hypercall",
                        hv_part_page_idx(vtl, HV_PAGE_HYPERCALL), true);
    }
}

void hv_misc_reset(HvPartition *p)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvPartVtl *v = &p->vtl[vtl];

        hv_overlay_remove(p, vtl, &v->hypercall_page);
        v->guest_os_id = 0;
        v->hypercall = 0;
        v->tsc_invariant = 0;
        v->reenlightenment = 0;
        v->tsc_emulation_control = 0;
        v->tsc_emulation_status = 0;
        memset(v->crash_param, 0, sizeof(v->crash_param));
        v->crash_ctl = 0;
    }
}

int hv_misc_post_load(HvPartition *p)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvPartVtl *v = &p->vtl[vtl];

        hv_overlay_remove(p, vtl, &v->hypercall_page);
        if ((v->tsc_invariant & ~HV_TSC_INVARIANT_VALID) ||
            (v->reenlightenment & ~HV_REENLIGHTENMENT_VALID) ||
            (v->tsc_emulation_control & ~HV_TSC_EMULATION_VALID) ||
            v->tsc_emulation_status || (v->crash_ctl & ~HV_CRASH_CTL_MESSAGE)) {
            return -EINVAL;
        }
        if (!(v->hypercall & HV_MSR_PAGE_ENABLE)) {
            continue;
        }
        if (!v->guest_os_id ||
            !hv_overlay_place(p, vtl, &v->hypercall_page,
                              v->hypercall & HV_PAGE_MASK)) {
            return -EINVAL;
        }
    }
    return 0;
}
