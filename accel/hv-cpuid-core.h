/*
 * What a partition offers: hv-* properties in, CPUID leaves out
 *
 * Needs GLib only.  Mapping of properties to bits as in the Hypervisor Top Level
 * Functional Specification (TLFS) 2.4 and as KVM users know it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_CPUID_CORE_H
#define HV_CPUID_CORE_H

#include "hv-defs.h"

/* The hv-* CPU properties; same numbers as HYPERV_FEAT_* of target/i386 */
typedef enum HvProp {
    HV_PROP_RELAXED,
    HV_PROP_VAPIC,
    HV_PROP_TIME,
    HV_PROP_CRASH,
    HV_PROP_RESET,
    HV_PROP_VPINDEX,
    HV_PROP_RUNTIME,
    HV_PROP_SYNIC,
    HV_PROP_STIMER,
    HV_PROP_FREQUENCIES,
    HV_PROP_REENLIGHTENMENT,
    HV_PROP_TLBFLUSH,
    HV_PROP_EVMCS,
    HV_PROP_IPI,
    HV_PROP_STIMER_DIRECT,
    HV_PROP_AVIC,
    HV_PROP_SYNDBG,
    HV_PROP_EMSR_BITMAP,
    HV_PROP_XMM_INPUT,
    HV_PROP_TLBFLUSH_EXT,
    HV_PROP_TLBFLUSH_DIRECT,
    HV_PROP_COUNT
} HvProp;

/* What the guest is offered; built once from the CPU and object properties */
typedef struct HvFeatures {
    uint32_t priv_low;          /* HV_PRIV_* */
    uint32_t priv_high;         /* HV_PRIVH_* */
    uint32_t features;          /* HV_FEAT_* */
    uint32_t hints;             /* HV_HINT_* */
    uint32_t spinlock_retries;
    uint32_t max_vps;
    uint32_t max_lps;
    uint32_t vendor[3];
    uint32_t version[4];        /* leaf 0x40000002 as it is shown */
    uint32_t vs_properties;     /* leaf 0x40000082 EAX */
} HvFeatures;

/* What the user asked for */
typedef struct HvFeatureRequest {
    uint64_t props;             /* BIT_ULL(HvProp) */
    bool passthrough;           /* all that is implemented */
    bool synic_only;            /* SynIC without post-message, signal-event */
    bool no_coresharing;
    /* properties of the partition object */
    bool guest_idle;
    bool tsc_invariant;
    bool extended_hypercalls;
    bool xmm_output;
    bool vp_registers;
} HvFeatureRequest;

typedef struct HvCpuidLeaf {
    uint32_t eax, ebx, ecx, edx;
} HvCpuidLeaf;

/* Properties that hv-passthrough turns on */
uint64_t hv_props_implemented(void);

/* Name of @prop for messages, e.g. "virtual APIC (hv-vapic)" */
const char *hv_prop_desc(HvProp prop);

/*
 * Set the four feature words of @f from @req.  Returns NULL, or a message that
 * says what is not supported or missing; the caller frees it.
 */
char *hv_features_build(const HvFeatureRequest *req, HvFeatures *f)
    G_GNUC_WARN_UNUSED_RESULT;

/* Output of CPUID @leaf, 0x40000000..0x400000ff; zeros for what is not there */
HvCpuidLeaf hv_cpuid_leaf(const HvFeatures *f, uint32_t leaf);

/* The properties and privileges that @f shows, as words for the monitor */
typedef struct HvFeatureName {
    const char *name;
    size_t word_ofs;            /* of the uint32_t in HvFeatures */
    uint32_t bit;
} HvFeatureName;

extern const HvFeatureName hv_feature_names[];  /* ends with a NULL name */

static inline bool hv_feature_shown(const HvFeatures *f,
                                    const HvFeatureName *n)
{
    return *(const uint32_t *)((const char *)f + n->word_ofs) & n->bit;
}

#endif /* HV_CPUID_CORE_H */
