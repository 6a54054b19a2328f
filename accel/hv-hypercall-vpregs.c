/*
 * Hypercalls that get and set VP registers (TLFS 7.10)
 *
 * A VP reaches its own synthetic registers, which are MSRs by another name, and
 * reads what CPUID and the VSM registers say.  What it has at hand anyway, its
 * general registers, is refused, and so are other VPs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "hv-hypercall.h"
#include "trace.h"

typedef struct HvRegisterRange {
    uint32_t first;             /* register name */
    uint32_t count;
    uint32_t msr;               /* of the first; the others follow */
} HvRegisterRange;

static const HvRegisterRange msr_registers[] = {
    { HV_REG_CRASH_P0, HV_CRASH_PARAM_COUNT, HV_MSR_CRASH_P0 },
    { HV_REG_CRASH_CTL, 1, HV_MSR_CRASH_CTL },
    { HV_REG_VP_RUNTIME, 1, HV_MSR_VP_RUNTIME },
    { HV_REG_HYPERCALL, 1, HV_MSR_HYPERCALL },
    { HV_REG_GUEST_OS_ID, 1, HV_MSR_GUEST_OS_ID },
    { HV_REG_VP_INDEX, 1, HV_MSR_VP_INDEX },
    { HV_REG_TIME_REF_COUNT, 1, HV_MSR_TIME_REF_COUNT },
    { HV_REG_VP_ASSIST_PAGE, 1, HV_MSR_VP_ASSIST_PAGE },
    { HV_REG_REFERENCE_TSC, 1, HV_MSR_REFERENCE_TSC },
    { HV_REG_SINT0, HV_SINT_COUNT, HV_MSR_SINT0 },
    { HV_REG_SCONTROL, HV_MSR_EOM - HV_MSR_SCONTROL + 1, HV_MSR_SCONTROL },
    { HV_REG_STIMER0_CONFIG, 2 * HV_STIMER_COUNT, HV_MSR_STIMER0_CONFIG },
};

/* SCONTROL, SVERSION, SIEFP, SIMP, EOM: the same order in both worlds */
QEMU_BUILD_BUG_ON(HV_MSR_EOM - HV_MSR_SCONTROL != 4);

static bool find_msr(uint32_t name, uint32_t *msr)
{
    for (size_t i = 0; i < ARRAY_SIZE(msr_registers); i++) {
        const HvRegisterRange *r = &msr_registers[i];

        if (name >= r->first && name - r->first < r->count) {
            *msr = r->msr + (name - r->first);
            return true;
        }
    }
    return false;
}

/* Four CPUID registers as one value */
static void put_leaf(HvRegisterValueWire *value, uint32_t eax, uint32_t ebx,
                     uint32_t ecx, uint32_t edx)
{
    value->low = cpu_to_le64((uint64_t)ebx << 32 | eax);
    value->high = cpu_to_le64((uint64_t)edx << 32 | ecx);
}

/* What VTLs there are: code runs in VTL0 and no other one is enabled */
static uint64_t vsm_vp_status(const HvCall *call)
{
    uint64_t val = FIELD_DP64(0, HV_VSM_VP_STATUS, ACTIVE_VTL, call->vtl);

    return FIELD_DP64(val, HV_VSM_VP_STATUS, ENABLED_VTLS, BIT(0));
}

static HvStatus get_register(HvCall *call, uint32_t name,
                             HvRegisterValueWire *value)
{
    const HvFeatures *feat = &call->vp->part->feat;
    uint64_t val = 0;
    uint32_t msr;

    *value = (HvRegisterValueWire) { 0 };
    switch (name) {
    case HV_REG_HYPERVISOR_VERSION:
        put_leaf(value, feat->version[0], feat->version[1], feat->version[2],
                 feat->version[3]);
        return HV_STATUS_OK;
    case HV_REG_PRIVILEGES_AND_FEATURES:
        put_leaf(value, feat->priv_low, feat->priv_high, 0, feat->features);
        return HV_STATUS_OK;
    case HV_REG_RECOMMENDATIONS:
        put_leaf(value, feat->hints, feat->spinlock_retries, 0, 0);
        return HV_STATUS_OK;
    case HV_REG_IMPLEMENTATION_LIMITS:
        put_leaf(value, feat->max_vps, feat->max_lps, 0, 0);
        return HV_STATUS_OK;
    case HV_REG_VSM_VP_STATUS:
        val = vsm_vp_status(call);
        break;
    case HV_REG_VSM_PARTITION_STATUS:
        val = FIELD_DP64(0, HV_VSM_PARTITION_STATUS, ENABLED_VTLS, BIT(0));
        break;
    case HV_REG_VSM_CAPABILITIES:
        break;
    default:
        if (!find_msr(name, &msr) || !hv_msr_read(call->vp, msr, &val)) {
            return HV_STATUS_BAD_PARAMETER;
        }
    }
    value->low = cpu_to_le64(val);
    return HV_STATUS_OK;
}

static HvStatus set_register(HvCall *call, const HvRegisterAssocWire *wire)
{
    uint32_t msr;

    if (!find_msr(le32_to_cpu(wire->name), &msr)) {
        return HV_STATUS_BAD_PARAMETER;
    }
    return hv_msr_write(call->vp, msr, le64_to_cpu(wire->value.low))
        ? HV_STATUS_OK : HV_STATUS_BAD_REGISTER_VALUE;
}

static HvStatus check_target(const HvCall *call)
{
    HvVpRegistersWire wire;
    HvStatus status;
    uint32_t index;

    memcpy(&wire, call->in, sizeof(wire));
    index = le32_to_cpu(wire.vp_index);
    status = hv_call_check_partition(le64_to_cpu(wire.partition_id));
    if (status == HV_STATUS_OK) {
        status = hv_call_check_vtl(call, wire.target_vtl);
    }
    if (status != HV_STATUS_OK) {
        return status;
    }
    if (index == HV_VP_INDEX_SELF || index == call->vp->index) {
        return HV_STATUS_OK;
    }
    return hv_partition_has_vp(call->vp->part, index)
        ? HV_STATUS_OPERATION_DENIED : HV_STATUS_BAD_VP_INDEX;
}

/* Takes the BQL: it protects the registers */
HvStatus hv_run_get_vp_registers(HvCall *call)
{
    const uint8_t *names = hv_call_reps(call);
    HvStatus status = check_target(call);

    if (status != HV_STATUS_OK) {
        return status;
    }
    BQL_LOCK_GUARD();
    for (; call->rep_idx < call->plan.rep_end; call->rep_idx++) {
        uint32_t name = ldl_le_p(names + call->rep_idx * sizeof(name));
        HvRegisterValueWire value;

        status = get_register(call, name, &value);
        trace_hv_get_vp_register(call->vp->index, call->vtl, name,
                                 le64_to_cpu(value.low), status);
        if (status != HV_STATUS_OK) {
            return status;
        }
        memcpy(call->out + call->rep_idx * sizeof(value), &value,
               sizeof(value));
    }
    return HV_STATUS_OK;
}

/* Takes the BQL */
HvStatus hv_run_set_vp_registers(HvCall *call)
{
    const uint8_t *list = hv_call_reps(call);
    HvStatus status = check_target(call);

    if (status != HV_STATUS_OK) {
        return status;
    }
    BQL_LOCK_GUARD();
    for (; call->rep_idx < call->plan.rep_end; call->rep_idx++) {
        HvRegisterAssocWire wire;

        memcpy(&wire, list + call->rep_idx * sizeof(wire), sizeof(wire));
        status = set_register(call, &wire);
        trace_hv_set_vp_register(call->vp->index, call->vtl,
                                 le32_to_cpu(wire.name),
                                 le64_to_cpu(wire.value.low), status);
        if (status != HV_STATUS_OK) {
            return status;
        }
    }
    return HV_STATUS_OK;
}
