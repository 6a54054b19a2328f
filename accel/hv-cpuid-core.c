/*
 * What a partition offers: hv-* properties in, CPUID leaves out
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "hv-cpuid-core.h"

typedef struct HvPropInfo {
    const char *desc;
    uint32_t priv_low;
    uint32_t priv_high;
    uint32_t features;
    uint32_t hints;
    uint32_t requires;          /* BIT(HvProp) */
    bool unsupported;
} HvPropInfo;

static const HvPropInfo hv_props[HV_PROP_COUNT] = {
    [HV_PROP_RELAXED] = {
        .desc = "relaxed timing (hv-relaxed)",
        .hints = HV_HINT_RELAXED_TIMING,
    },
    [HV_PROP_VAPIC] = {
        .desc = "virtual APIC (hv-vapic)",
        .priv_low = HV_PRIV_APIC_MSRS,
    },
    [HV_PROP_TIME] = {
        .desc = "clocksources (hv-time)",
        .priv_low = HV_PRIV_TIME_REF_COUNT | HV_PRIV_REFERENCE_TSC,
    },
    [HV_PROP_CRASH] = {
        .desc = "crash MSRs (hv-crash)",
        .features = HV_FEAT_GUEST_CRASH_MSRS,
    },
    [HV_PROP_RESET] = {
        .desc = "reset MSR (hv-reset)",
        .priv_low = HV_PRIV_RESET,
    },
    [HV_PROP_VPINDEX] = {
        .desc = "VP_INDEX MSR (hv-vpindex)",
        .priv_low = HV_PRIV_VP_INDEX,
    },
    [HV_PROP_RUNTIME] = {
        .desc = "VP_RUNTIME MSR (hv-runtime)",
        .priv_low = HV_PRIV_VP_RUNTIME,
    },
    [HV_PROP_SYNIC] = {
        .desc = "synthetic interrupt controller (hv-synic)",
        .priv_low = HV_PRIV_SYNIC,
    },
    [HV_PROP_STIMER] = {
        .desc = "synthetic timers (hv-stimer)",
        .priv_low = HV_PRIV_SYNTIMER,
        .requires = BIT(HV_PROP_SYNIC) | BIT(HV_PROP_TIME),
    },
    [HV_PROP_FREQUENCIES] = {
        .desc = "frequency MSRs (hv-frequencies)",
        .priv_low = HV_PRIV_FREQUENCY_MSRS,
        .features = HV_FEAT_FREQUENCY_MSRS,
    },
    [HV_PROP_REENLIGHTENMENT] = {
        .desc = "reenlightenment MSRs (hv-reenlightenment)",
        .priv_low = HV_PRIV_REENLIGHTENMENT,
    },
    [HV_PROP_TLBFLUSH] = {
        .desc = "paravirtualized TLB flush (hv-tlbflush)",
        .hints = HV_HINT_REMOTE_TLB_FLUSH | HV_HINT_EX_PROCESSOR_MASKS,
        .requires = BIT(HV_PROP_VPINDEX),
    },
    [HV_PROP_EVMCS] = {
        .desc = "enlightened VMCS (hv-evmcs)",
        .unsupported = true,
    },
    [HV_PROP_IPI] = {
        .desc = "paravirtualized IPI (hv-ipi)",
        .hints = HV_HINT_CLUSTER_IPI | HV_HINT_EX_PROCESSOR_MASKS,
        .requires = BIT(HV_PROP_VPINDEX),
    },
    [HV_PROP_STIMER_DIRECT] = {
        .desc = "direct mode synthetic timers (hv-stimer-direct)",
        .features = HV_FEAT_STIMER_DIRECT,
        .requires = BIT(HV_PROP_STIMER),
    },
    [HV_PROP_AVIC] = {
        .desc = "AVIC/APICv support (hv-avic/hv-apicv)",
        .hints = HV_HINT_DEPRECATE_AUTO_EOI,
    },
    [HV_PROP_SYNDBG] = {
        .desc = "synthetic kernel debugger channel (hv-syndbg)",
        .unsupported = true,
    },
    [HV_PROP_EMSR_BITMAP] = {
        .desc = "enlightened MSR-Bitmap (hv-emsr-bitmap)",
        .unsupported = true,
    },
    [HV_PROP_XMM_INPUT] = {
        .desc = "XMM fast hypercall input (hv-xmm-input)",
        .features = HV_FEAT_XMM_INPUT,
    },
    [HV_PROP_TLBFLUSH_EXT] = {
        .desc = "extended GVA ranges for TLB flush hypercalls "
                "(hv-tlbflush-ext)",
        .features = HV_FEAT_EXT_GVA_RANGES_FLUSH,
        .requires = BIT(HV_PROP_TLBFLUSH),
    },
    [HV_PROP_TLBFLUSH_DIRECT] = {
        .desc = "direct TLB flush (hv-tlbflush-direct)",
        .unsupported = true,
    },
};

#define NAME(n, word, b) { n, offsetof(HvFeatures, word), b }
const HvFeatureName hv_feature_names[] = {
    NAME("vp-runtime", priv_low, HV_PRIV_VP_RUNTIME),
    NAME("time-ref-count", priv_low, HV_PRIV_TIME_REF_COUNT),
    NAME("synic", priv_low, HV_PRIV_SYNIC),
    NAME("syntimer", priv_low, HV_PRIV_SYNTIMER),
    NAME("apic-msrs", priv_low, HV_PRIV_APIC_MSRS),
    NAME("hypercall", priv_low, HV_PRIV_HYPERCALL_MSRS),
    NAME("vp-index", priv_low, HV_PRIV_VP_INDEX),
    NAME("reset", priv_low, HV_PRIV_RESET),
    NAME("reference-tsc", priv_low, HV_PRIV_REFERENCE_TSC),
    NAME("guest-idle", priv_low, HV_PRIV_GUEST_IDLE),
    NAME("frequency-msrs", priv_low, HV_PRIV_FREQUENCY_MSRS),
    NAME("reenlightenment", priv_low, HV_PRIV_REENLIGHTENMENT),
    NAME("tsc-invariant", priv_low, HV_PRIV_TSC_INVARIANT),
    NAME("partition-id", priv_high, HV_PRIVH_ACCESS_PARTITION_ID),
    NAME("post-messages", priv_high, HV_PRIVH_POST_MESSAGES),
    NAME("signal-events", priv_high, HV_PRIVH_SIGNAL_EVENTS),
    NAME("vsm", priv_high, HV_PRIVH_ACCESS_VSM),
    NAME("vp-registers", priv_high, HV_PRIVH_ACCESS_VP_REGISTERS),
    NAME("extended-hypercalls", priv_high, HV_PRIVH_EXTENDED_HYPERCALLS),
    NAME("start-vp", priv_high, HV_PRIVH_START_VP),
    NAME("isolation", priv_high, HV_PRIVH_ISOLATION),
    NAME("dynamic-partitioning", features, HV_FEAT_DYNAMIC_PARTITIONING),
    NAME("xmm-input", features, HV_FEAT_XMM_INPUT),
    NAME("crash-msrs", features, HV_FEAT_GUEST_CRASH_MSRS),
    NAME("extended-gva-ranges", features, HV_FEAT_EXT_GVA_RANGES_FLUSH),
    NAME("xmm-output", features, HV_FEAT_XMM_OUTPUT),
    NAME("stimer-direct", features, HV_FEAT_STIMER_DIRECT),
    NAME("hint-remote-tlb-flush", hints, HV_HINT_REMOTE_TLB_FLUSH),
    NAME("hint-apic-msrs", hints, HV_HINT_APIC_MSRS),
    NAME("hint-relaxed-timing", hints, HV_HINT_RELAXED_TIMING),
    NAME("hint-no-auto-eoi", hints, HV_HINT_DEPRECATE_AUTO_EOI),
    NAME("hint-cluster-ipi", hints, HV_HINT_CLUSTER_IPI),
    NAME("hint-ex-processor-masks", hints, HV_HINT_EX_PROCESSOR_MASKS),
    NAME("hint-no-coresharing", hints, HV_HINT_NO_NONARCH_CORESHARING),
    { NULL }
};
#undef NAME

uint64_t hv_props_implemented(void)
{
    uint64_t props = 0;

    for (int i = 0; i < HV_PROP_COUNT; i++) {
        if (!hv_props[i].unsupported) {
            props |= BIT_ULL(i);
        }
    }
    return props;
}

const char *hv_prop_desc(HvProp prop)
{
    return prop < HV_PROP_COUNT ? hv_props[prop].desc : "property";
}

/* NULL, or what is wrong with @prop being among @props */
static char *hv_prop_check(uint64_t props, HvProp prop)
{
    uint64_t missing = hv_props[prop].requires & ~props;

    if (hv_props[prop].unsupported) {
        return g_strdup_printf("Hyper-V %s is not supported by TCG",
                               hv_prop_desc(prop));
    }
    if (missing) {
        return g_strdup_printf("Hyper-V %s requires Hyper-V %s",
                               hv_prop_desc(prop), hv_prop_desc(ctz64(missing)));
    }
    return NULL;
}

/* Bits that follow from others, or from the object's properties */
static void hv_features_derive(const HvFeatureRequest *req, uint64_t props,
                               HvFeatures *f)
{
    /* needed by every other one */
    f->priv_low |= HV_PRIV_HYPERCALL_MSRS;
    /* as KVM: Windows asks for it before it takes a hot-plugged CPU */
    f->features |= HV_FEAT_DYNAMIC_PARTITIONING;

    if ((props & BIT_ULL(HV_PROP_SYNIC)) && !req->synic_only) {
        f->priv_high |= HV_PRIVH_POST_MESSAGES | HV_PRIVH_SIGNAL_EVENTS;
    }
    if ((props & BIT_ULL(HV_PROP_VAPIC)) && !(props & BIT_ULL(HV_PROP_AVIC))) {
        f->hints |= HV_HINT_APIC_MSRS;
    }
    if (req->no_coresharing) {
        f->hints |= HV_HINT_NO_NONARCH_CORESHARING;
    }
    if (req->guest_idle) {
        f->priv_low |= HV_PRIV_GUEST_IDLE;
        f->features |= HV_FEAT_GUEST_IDLE;
    }
    if (req->tsc_invariant) {
        f->priv_low |= HV_PRIV_TSC_INVARIANT;
    }
    if (req->extended_hypercalls) {
        f->priv_high |= HV_PRIVH_EXTENDED_HYPERCALLS;
    }
    if (req->vp_registers) {
        f->priv_high |= HV_PRIVH_ACCESS_VP_REGISTERS;
    }
    if (req->xmm_output) {
        f->features |= HV_FEAT_XMM_OUTPUT;
    }
}

char *hv_features_build(const HvFeatureRequest *req, HvFeatures *f)
{
    uint64_t props = req->props;

    if (req->passthrough) {
        props |= hv_props_implemented();
    }
    f->priv_low = f->priv_high = f->features = f->hints = 0;

    for (int i = 0; i < HV_PROP_COUNT; i++) {
        const HvPropInfo *info = &hv_props[i];
        char *msg;

        if (!(props & BIT_ULL(i))) {
            continue;
        }
        msg = hv_prop_check(props, i);
        if (msg) {
            return msg;
        }
        f->priv_low |= info->priv_low;
        f->priv_high |= info->priv_high;
        f->features |= info->features;
        f->hints |= info->hints;
    }
    if ((props & BIT_ULL(HV_PROP_SYNIC)) && !req->synic_only &&
        !(props & BIT_ULL(HV_PROP_VPINDEX))) {
        return g_strdup_printf("Hyper-V %s requires Hyper-V %s",
                               hv_prop_desc(HV_PROP_SYNIC),
                               hv_prop_desc(HV_PROP_VPINDEX));
    }
    hv_features_derive(req, props, f);
    return NULL;
}

HvCpuidLeaf hv_cpuid_leaf(const HvFeatures *f, uint32_t leaf)
{
    switch (leaf) {
    case HV_CPUID_VENDOR:
        return (HvCpuidLeaf) { HV_CPUID_NESTED,
                               f->vendor[0], f->vendor[1], f->vendor[2] };
    case HV_CPUID_INTERFACE:
        return (HvCpuidLeaf) { HV_INTERFACE_HV1 };
    case HV_CPUID_VERSION:
        return (HvCpuidLeaf) { f->version[0], f->version[1],
                               f->version[2], f->version[3] };
    case HV_CPUID_FEATURES:
        return (HvCpuidLeaf) { f->priv_low, f->priv_high, 0, f->features };
    case HV_CPUID_RECOMMENDATIONS:
        return (HvCpuidLeaf) { f->hints, f->spinlock_retries };
    case HV_CPUID_LIMITS:
        return (HvCpuidLeaf) { f->max_vps, f->max_lps };
    case HV_CPUID_VS_VENDOR:
        /* "Microsoft VS" */
        return (HvCpuidLeaf) { HV_CPUID_VS_PROPERTIES,
                               0x7263694d, 0x666f736f, 0x53562074 };
    case HV_CPUID_VS_INTERFACE:
        return (HvCpuidLeaf) { HV_INTERFACE_VS1 };
    case HV_CPUID_VS_PROPERTIES:
        return (HvCpuidLeaf) { f->vs_properties };
    default:
        return (HvCpuidLeaf) { 0 };
    }
}
