/*
 * Hyper-V partition: dispatch of the MSRs (TLFS appendix D)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "qemu/main-loop.h"
#include "hv-internal.h"
#include "tcg/helper-tcg.h"
#include "hv-tcg.h"
#include "trace.h"

typedef struct HvMsrInfo {
    uint32_t first, last;
    const char *name;
    bool (*write)(HvVp *vp, uint32_t msr, uint64_t val);
    bool (*read)(HvVp *vp, uint32_t msr, uint64_t *val);
    /* shown in CPUID 0x40000003, else #GP; both 0: always there */
    uint32_t priv_low;
    uint32_t features;
    bool lockless_read;
} HvMsrInfo;

/* Sorted by how often they are used: a guest reads clocks and sets timers */
static const HvMsrInfo hv_msrs[] = {
    { HV_MSR_TIME_REF_COUNT, HV_MSR_TIME_REF_COUNT, "TIME_REF_COUNT",
      NULL, hv_reftime_rdmsr, HV_PRIV_TIME_REF_COUNT, 0, true },
    { HV_MSR_STIMER0_CONFIG, HV_MSR_STIMER3_COUNT, "STIMER",
      hv_stimer_wrmsr, hv_stimer_rdmsr, HV_PRIV_SYNTIMER },
    { HV_MSR_EOM, HV_MSR_EOM, "EOM",
      hv_synic_wrmsr, hv_synic_rdmsr, HV_PRIV_SYNIC },
    { HV_MSR_EOI, HV_MSR_EOI, "EOI",
      hv_assist_wrmsr, hv_assist_rdmsr, HV_PRIV_APIC_MSRS },
    { HV_MSR_ICR, HV_MSR_ICR, "ICR",
      hv_assist_wrmsr, hv_assist_rdmsr, HV_PRIV_APIC_MSRS },
    { HV_MSR_TPR, HV_MSR_TPR, "TPR",
      hv_assist_wrmsr, hv_assist_rdmsr, HV_PRIV_APIC_MSRS },
    { HV_MSR_VP_INDEX, HV_MSR_VP_INDEX, "VP_INDEX",
      NULL, hv_misc_rdmsr, HV_PRIV_VP_INDEX, 0, true },
    { HV_MSR_VP_RUNTIME, HV_MSR_VP_RUNTIME, "VP_RUNTIME",
      NULL, hv_misc_rdmsr, HV_PRIV_VP_RUNTIME, 0, true },
    { HV_MSR_GUEST_OS_ID, HV_MSR_GUEST_OS_ID, "GUEST_OS_ID",
      hv_misc_wrmsr, hv_misc_rdmsr, HV_PRIV_HYPERCALL_MSRS },
    { HV_MSR_HYPERCALL, HV_MSR_HYPERCALL, "HYPERCALL",
      hv_hypercall_page_wrmsr, hv_misc_rdmsr, HV_PRIV_HYPERCALL_MSRS },
    { HV_MSR_RESET, HV_MSR_RESET, "RESET",
      hv_misc_wrmsr, hv_misc_rdmsr, HV_PRIV_RESET },
    { HV_MSR_REFERENCE_TSC, HV_MSR_REFERENCE_TSC, "REFERENCE_TSC",
      hv_reftime_wrmsr, hv_reftime_rdmsr, HV_PRIV_REFERENCE_TSC },
    { HV_MSR_TSC_FREQUENCY, HV_MSR_TSC_FREQUENCY, "TSC_FREQUENCY",
      NULL, hv_reftime_rdmsr, HV_PRIV_FREQUENCY_MSRS, 0, true },
    { HV_MSR_APIC_FREQUENCY, HV_MSR_APIC_FREQUENCY, "APIC_FREQUENCY",
      NULL, hv_reftime_rdmsr, HV_PRIV_FREQUENCY_MSRS, 0, true },
    /* Linux writes it on each CPU whatever CPUID says */
    { HV_MSR_VP_ASSIST_PAGE, HV_MSR_VP_ASSIST_PAGE, "VP_ASSIST_PAGE",
      hv_assist_wrmsr, hv_assist_rdmsr },
    { HV_MSR_SCONTROL, HV_MSR_SIMP, "SYNIC",
      hv_synic_wrmsr, hv_synic_rdmsr, HV_PRIV_SYNIC },
    { HV_MSR_SINT0, HV_MSR_SINT15, "SINT",
      hv_synic_wrmsr, hv_synic_rdmsr, HV_PRIV_SYNIC },
    { HV_MSR_GUEST_IDLE, HV_MSR_GUEST_IDLE, "GUEST_IDLE",
      NULL, hv_idle_rdmsr, HV_PRIV_GUEST_IDLE },
    { HV_MSR_CRASH_P0, HV_MSR_CRASH_P4, "CRASH_P",
      hv_misc_wrmsr, hv_misc_rdmsr, 0, HV_FEAT_GUEST_CRASH_MSRS },
    { HV_MSR_CRASH_CTL, HV_MSR_CRASH_CTL, "CRASH_CTL",
      hv_misc_wrmsr, hv_misc_rdmsr, 0, HV_FEAT_GUEST_CRASH_MSRS },
    { HV_MSR_REENLIGHTENMENT_CONTROL, HV_MSR_REENLIGHTENMENT_CONTROL,
      "REENLIGHTENMENT_CONTROL",
      hv_misc_wrmsr, hv_misc_rdmsr, HV_PRIV_REENLIGHTENMENT },
    { HV_MSR_TSC_EMULATION_CONTROL, HV_MSR_TSC_EMULATION_CONTROL,
      "TSC_EMULATION_CONTROL",
      hv_misc_wrmsr, hv_misc_rdmsr, HV_PRIV_REENLIGHTENMENT },
    { HV_MSR_TSC_EMULATION_STATUS, HV_MSR_TSC_EMULATION_STATUS,
      "TSC_EMULATION_STATUS",
      hv_misc_wrmsr, hv_misc_rdmsr, HV_PRIV_REENLIGHTENMENT },
    { HV_MSR_TSC_INVARIANT_CONTROL, HV_MSR_TSC_INVARIANT_CONTROL,
      "TSC_INVARIANT_CONTROL",
      hv_misc_wrmsr, hv_misc_rdmsr, HV_PRIV_TSC_INVARIANT },
};

static const HvMsrInfo *hv_msr_find(uint32_t msr)
{
    for (size_t i = 0; i < ARRAY_SIZE(hv_msrs); i++) {
        if (msr >= hv_msrs[i].first && msr <= hv_msrs[i].last) {
            return &hv_msrs[i];
        }
    }
    return NULL;
}

static const char *hv_msr_name(uint32_t msr)
{
    const HvMsrInfo *info = hv_msr_find(msr);

    return info ? info->name : "unknown";
}

static bool hv_msr_offered(const HvVp *vp, const HvMsrInfo *info)
{
    const HvFeatures *f = &vp->part->feat;

    return info &&
        (f->priv_low & info->priv_low) == info->priv_low &&
        (f->features & info->features) == info->features;
}

bool hv_msr_read(HvVp *vp, uint32_t msr, uint64_t *val)
{
    const HvMsrInfo *info = hv_msr_find(msr);

    return hv_msr_offered(vp, info) && info->read && info->read(vp, msr, val);
}

bool hv_msr_write(HvVp *vp, uint32_t msr, uint64_t val)
{
    const HvMsrInfo *info = hv_msr_find(msr);

    return hv_msr_offered(vp, info) && info->write && info->write(vp, msr, val);
}

static void hv_msr_fault(HvVp *vp, bool is_write, uint32_t msr, uint64_t val,
                         uintptr_t ra)
{
    trace_hv_msr_bad_access(vp->index, is_write ? "write" : "read",
                            hv_msr_name(msr), msr, val);
    qemu_log_mask(LOG_GUEST_ERROR, "hyperv: VP %u: bad %s of MSR 0x%x (%s) "
                  "0x%" PRIx64 "\n", vp->index, is_write ? "write" : "read",
                  msr, hv_msr_name(msr), val);
    raise_exception_err_ra(&vp->cpu->env, EXCP0D_GPF, 0, ra);
}

bool hv_tcg_wrmsr(CPUX86State *env, uint32_t msr, uint64_t val, uintptr_t ra)
{
    HvVp *vp = env_archcpu(env)->hv_vp;
    const HvMsrInfo *info;
    bool done = false;

    if (!vp || msr < HV_MSR_FIRST || msr > HV_MSR_LAST) {
        return false;
    }
    info = hv_msr_find(msr);
    if (hv_msr_offered(vp, info) && info->write) {
        BQL_LOCK_GUARD();
        done = info->write(vp, msr, val);
    }
    if (!done) {
        hv_msr_fault(vp, true, msr, val, ra);
    }
    trace_hv_wrmsr(vp->index, vp->active_vtl, info->name, msr, val);
    return true;
}

bool hv_tcg_rdmsr(CPUX86State *env, uint32_t msr, uint64_t *val, uintptr_t ra)
{
    HvVp *vp = env_archcpu(env)->hv_vp;
    const HvMsrInfo *info;
    bool done = false;

    if (!vp || msr < HV_MSR_FIRST || msr > HV_MSR_LAST) {
        return false;
    }
    info = hv_msr_find(msr);
    if (hv_msr_offered(vp, info) && info->read) {
        if (info->lockless_read) {
            done = info->read(vp, msr, val);
        } else {
            BQL_LOCK_GUARD();
            done = info->read(vp, msr, val);
        }
    }
    if (!done) {
        hv_msr_fault(vp, false, msr, 0, ra);
    }
    trace_hv_rdmsr(vp->index, vp->active_vtl, info->name, msr, *val);
    return true;
}
