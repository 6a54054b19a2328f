/*
 * Hyper-V partition: entry points of the hooks in TCG and target/i386
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "system/cpu-timers.h"
#include "exec/cpu-common.h"
#include "exec/translation-block.h"
#include "hv-internal.h"
#include "hv-tcg.h"
#include "trace.h"

/* hv-cpuid-core.c numbers the properties as target/i386 does */
QEMU_BUILD_BUG_ON((int)HV_PROP_RELAXED != HYPERV_FEAT_RELAXED);
QEMU_BUILD_BUG_ON((int)HV_PROP_VAPIC != HYPERV_FEAT_VAPIC);
QEMU_BUILD_BUG_ON((int)HV_PROP_TIME != HYPERV_FEAT_TIME);
QEMU_BUILD_BUG_ON((int)HV_PROP_CRASH != HYPERV_FEAT_CRASH);
QEMU_BUILD_BUG_ON((int)HV_PROP_RESET != HYPERV_FEAT_RESET);
QEMU_BUILD_BUG_ON((int)HV_PROP_VPINDEX != HYPERV_FEAT_VPINDEX);
QEMU_BUILD_BUG_ON((int)HV_PROP_RUNTIME != HYPERV_FEAT_RUNTIME);
QEMU_BUILD_BUG_ON((int)HV_PROP_SYNIC != HYPERV_FEAT_SYNIC);
QEMU_BUILD_BUG_ON((int)HV_PROP_STIMER != HYPERV_FEAT_STIMER);
QEMU_BUILD_BUG_ON((int)HV_PROP_FREQUENCIES != HYPERV_FEAT_FREQUENCIES);
QEMU_BUILD_BUG_ON((int)HV_PROP_REENLIGHTENMENT != HYPERV_FEAT_REENLIGHTENMENT);
QEMU_BUILD_BUG_ON((int)HV_PROP_TLBFLUSH != HYPERV_FEAT_TLBFLUSH);
QEMU_BUILD_BUG_ON((int)HV_PROP_EVMCS != HYPERV_FEAT_EVMCS);
QEMU_BUILD_BUG_ON((int)HV_PROP_IPI != HYPERV_FEAT_IPI);
QEMU_BUILD_BUG_ON((int)HV_PROP_STIMER_DIRECT != HYPERV_FEAT_STIMER_DIRECT);
QEMU_BUILD_BUG_ON((int)HV_PROP_AVIC != HYPERV_FEAT_AVIC);
QEMU_BUILD_BUG_ON((int)HV_PROP_SYNDBG != HYPERV_FEAT_SYNDBG);
QEMU_BUILD_BUG_ON((int)HV_PROP_EMSR_BITMAP != HYPERV_FEAT_MSR_BITMAP);
QEMU_BUILD_BUG_ON((int)HV_PROP_XMM_INPUT != HYPERV_FEAT_XMM_INPUT);
QEMU_BUILD_BUG_ON((int)HV_PROP_TLBFLUSH_EXT != HYPERV_FEAT_TLBFLUSH_EXT);
QEMU_BUILD_BUG_ON((int)HV_PROP_TLBFLUSH_DIRECT != HYPERV_FEAT_TLBFLUSH_DIRECT);

bool hv_cpu_wants_partition(X86CPU *cpu)
{
    return cpu->hyperv_features || cpu->hyperv_passthrough ||
        cpu->hyperv_spinlock_attempts != HV_SPINLOCK_NEVER_NOTIFY;
}

static bool hv_prop_on(OnOffAuto prop, bool auto_value)
{
    return prop == ON_OFF_AUTO_AUTO ? auto_value : prop == ON_OFF_AUTO_ON;
}

HvFeatureRequest hv_feature_request(HvPartition *p, X86CPU *cpu)
{
    bool all = cpu->hyperv_passthrough;
    HvFeatureRequest req = {
        .props = cpu->hyperv_features,
        .passthrough = all,
        .synic_only = cpu->hyperv_synic_kvm_only,
        .no_coresharing = cpu->hyperv_no_nonarch_cs == ON_OFF_AUTO_ON,
    };

    if (p) {
        req.guest_idle = hv_prop_on(p->guest_idle, all);
        /* the TSC counts host cycles at a rate of the host's, but for icount */
        req.tsc_invariant = hv_prop_on(p->tsc_invariant,
                                       all && icount_enabled());
        req.extended_hypercalls = hv_prop_on(p->extended_hypercalls, all);
        req.xmm_output = hv_prop_on(p->xmm_output, all);
        req.vp_registers = hv_prop_on(p->vp_registers, all);
    }
    return req;
}

/*
 * Also called for CPU objects that are only asked for their features: makes
 * nothing.
 */
bool hv_tcg_expand_features(X86CPU *cpu, Error **errp)
{
    HvFeatureRequest req = hv_feature_request(NULL, cpu);
    HvFeatures feat = { 0 };
    g_autofree char *msg = NULL;

    if (!hv_cpu_wants_partition(cpu)) {
        return true;
    }
    msg = hv_features_build(&req, &feat);
    if (msg) {
        error_setg(errp, "%s", msg);
        error_append_hint(errp, "hv-passthrough=on stands for all that is "
                          "supported.\n");
        return false;
    }
    if (cpu->hyperv_passthrough) {
        cpu->hyperv_features |= hv_props_implemented();
    }
    trace_hv_tcg_expand_features(cpu->hyperv_features, feat.priv_low,
                                 feat.priv_high, feat.features, feat.hints);
    return true;
}

bool hv_tcg_cpu_realize(X86CPU *cpu, Error **errp)
{
    HvPartition *p;

    if (!hv_cpu_wants_partition(cpu)) {
        p = hv_partition_lookup();
        if (p && p->active) {
            error_setg(errp, "all CPUs of a Hyper-V partition must have the "
                       "same hv-* properties");
            return false;
        }
        return true;
    }
    p = hv_partition_get(errp);
    if (!p || !hv_partition_setup(p, cpu, errp) ||
        !hv_partition_add_vp(p, cpu, errp)) {
        return false;
    }
    /*
     * For a single vCPU TCG makes plain loads and stores of locked
     * instructions.  Guests use those as the barrier between a ring's index
     * and its interrupt mask, both shared with the thread of the device, and
     * a signal is lost without it.
     */
    tcg_cflags_set(CPU(cpu), CF_PARALLEL);
    return true;
}

void hv_tcg_cpu_unrealize(X86CPU *cpu)
{
    if (cpu->hv_vp) {
        hv_partition_remove_vp(cpu->hv_vp);
    } else {
        hv_kvm_cpu_gone(cpu);
    }
}

bool hv_tcg_cpuid(CPUX86State *env, uint32_t leaf, uint32_t subleaf,
                  uint32_t *eax, uint32_t *ebx, uint32_t *ecx, uint32_t *edx)
{
    HvVp *vp = env_archcpu(env)->hv_vp;
    HvCpuidLeaf out;

    if (!vp || leaf < HV_CPUID_BASE || leaf > HV_CPUID_END) {
        return false;
    }
    out = hv_cpuid_leaf(&vp->part->feat, leaf);
    *eax = out.eax;
    *ebx = out.ebx;
    *ecx = out.ecx;
    *edx = out.edx;
    return true;
}
