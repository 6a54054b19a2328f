/*
 * Hypercalls: control word, sizes and rep arithmetic (TLFS 3.7, 3.8)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hv-hypercall-core.h"

const HvCallInfo *hv_call_find(const HvCallInfo *table, unsigned row_count,
                               uint16_t code)
{
    for (unsigned i = 0; i < row_count; i++) {
        if (table[i].code == code) {
            return &table[i];
        }
    }
    return NULL;
}

HvStatus hv_call_check_offer(const HvCallInfo *info, uint32_t priv_high,
                             uint32_t hints)
{
    if ((hints & info->hints) != info->hints) {
        return HV_STATUS_INVALID_CODE;
    }
    if ((priv_high & info->priv_high) != info->priv_high) {
        return HV_STATUS_DENIED;
    }
    return HV_STATUS_OK;
}

static bool reserved_bits_clear(uint64_t control)
{
    /* bit 31 asks the hypervisor below a nested one, which there is not */
    return !(control & (R_HV_CALL_RSVD1_MASK | R_HV_CALL_NESTED_MASK |
                        R_HV_CALL_RSVD2_MASK | R_HV_CALL_RSVD3_MASK));
}

HvStatus hv_call_plan(uint64_t control, const HvCallInfo *info,
                      HvCallPlan *plan)
{
    HvCallPlan p = {
        .fast = FIELD_EX64(control, HV_CALL, FAST),
        .var_qwords = FIELD_EX64(control, HV_CALL, VAR_QWORDS),
        .rep_count = FIELD_EX64(control, HV_CALL, REP_COUNT),
        .rep_start = FIELD_EX64(control, HV_CALL, REP_START),
    };

    if (!reserved_bits_clear(control)) {
        return HV_STATUS_INVALID_INPUT;
    }
    if (p.var_qwords && !(info->flags & HV_CALL_HAS_VAR)) {
        return HV_STATUS_INVALID_INPUT;
    }
    if (info->flags & HV_CALL_IS_REP) {
        if (p.rep_start >= p.rep_count) {       /* a count of 0 too */
            return HV_STATUS_INVALID_INPUT;
        }
    } else if (p.rep_count || p.rep_start) {
        return HV_STATUS_INVALID_INPUT;
    }

    p.rep_end = MIN(p.rep_count, p.rep_start + HV_CALL_REPS_AT_ONCE);
    p.var_off = info->in_bytes;
    p.rep_off = p.var_off + p.var_qwords * sizeof(uint64_t);
    p.in_bytes = p.rep_off + p.rep_count * info->rep_in_bytes;
    p.out_bytes = info->out_bytes + p.rep_count * info->rep_out_bytes;
    *plan = p;
    return HV_STATUS_OK;
}

static bool place_ok(uint64_t gpa, uint32_t bytes)
{
    return !bytes ||
        (!(gpa % 8) && bytes <= HV_PAGE_SIZE - gpa % HV_PAGE_SIZE);
}

HvStatus hv_call_check_slow(const HvCallPlan *plan, uint64_t in_gpa,
                            uint64_t out_gpa)
{
    if (!place_ok(in_gpa, plan->in_bytes) ||
        !place_ok(out_gpa, plan->out_bytes)) {
        return HV_STATUS_BAD_ALIGNMENT;
    }
    return HV_STATUS_OK;
}

uint32_t hv_call_fast_out_off(const HvCallPlan *plan)
{
    return ROUND_UP(plan->in_bytes, 16);
}

HvStatus hv_call_check_fast(const HvCallPlan *plan, HvCallFastRules rules)
{
    uint32_t in_max = rules.xmm_input ? HV_CALL_XMM_BYTES : HV_CALL_FAST_BYTES;

    if (plan->in_bytes > in_max) {
        return HV_STATUS_INVALID_INPUT;
    }
    if (plan->out_bytes &&
        (!rules.xmm_output ||
         plan->out_bytes > HV_CALL_XMM_BYTES - hv_call_fast_out_off(plan))) {
        return HV_STATUS_INVALID_INPUT;
    }
    return HV_STATUS_OK;
}

uint64_t hv_call_result(HvStatus status, uint16_t reps_done)
{
    uint64_t result = FIELD_DP64(0, HV_CALL_RESULT, STATUS, status);

    return FIELD_DP64(result, HV_CALL_RESULT, REPS_DONE, reps_done);
}

uint64_t hv_call_continue(uint64_t control, uint16_t rep_idx)
{
    return FIELD_DP64(control, HV_CALL, REP_START, rep_idx);
}
