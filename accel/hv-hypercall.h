/*
 * Hypercalls: what the dispatcher gives to a handler
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_HYPERCALL_H
#define HV_HYPERCALL_H

#include "hv-internal.h"
#include "hv-hypercall-core.h"
#include "hv-hypercall-defs.h"

/*
 * One execution of a hypercall.  A handler runs in the vCPU's thread without the
 * BQL and reads @in, a copy of the whole input.  It returns the status of the
 * call.  A rep handler works from element @rep_idx to before @plan.rep_end,
 * counts @rep_idx up for each that is done, and may go beyond rep_end if that is
 * no more work.  If it returns HV_STATUS_OK with elements left, the guest
 * executes the instruction again.
 */
typedef struct HvCall {
    HvVp *vp;
    uint8_t vtl;
    HvCallPlan plan;
    uint16_t rep_idx;
    const uint8_t *in;          /* plan.in_bytes */
    uint8_t *out;               /* plan.out_bytes, zeroed */
} HvCall;

static inline const void *hv_call_var(const HvCall *call)
{
    return call->in + call->plan.var_off;
}

static inline const void *hv_call_reps(const HvCall *call)
{
    return call->in + call->plan.rep_off;
}

/* Is @id this partition? */
static inline HvStatus hv_call_check_partition(uint64_t id)
{
    return id == HV_PARTITION_ID_SELF || id == HV_PARTITION_ID
        ? HV_STATUS_OK : HV_STATUS_BAD_PARTITION_ID;
}

/* May the caller act on @input_vtl (FIELD HV_INPUT_VTL)?  On its own only */
static inline HvStatus hv_call_check_vtl(const HvCall *call, uint8_t input_vtl)
{
    if (FIELD_EX8(input_vtl, HV_INPUT_VTL, RSVD)) {
        return HV_STATUS_BAD_PARAMETER;
    }
    if (FIELD_EX8(input_vtl, HV_INPUT_VTL, USE) &&
        FIELD_EX8(input_vtl, HV_INPUT_VTL, VTL) != call->vtl) {
        return HV_STATUS_DENIED;
    }
    return HV_STATUS_OK;
}

/* hv-hypercall-msg.c */
HvStatus hv_run_post_message(HvCall *call);
HvStatus hv_run_signal_event(HvCall *call);

/* hv-hypercall-tlb.c */
HvStatus hv_run_flush(HvCall *call);
HvStatus hv_run_flush_ex(HvCall *call);

/* hv-hypercall-vp.c */
HvStatus hv_run_send_ipi(HvCall *call);
HvStatus hv_run_send_ipi_ex(HvCall *call);
HvStatus hv_run_vp_index_from_apic_id(HvCall *call);
HvStatus hv_run_long_spin_wait(HvCall *call);
HvStatus hv_run_get_partition_id(HvCall *call);
HvStatus hv_run_ext_query_capabilities(HvCall *call);

/* hv-hypercall-device.c */
HvStatus hv_run_retarget_interrupt(HvCall *call);

/* hv-hypercall-vpregs.c */
HvStatus hv_run_get_vp_registers(HvCall *call);
HvStatus hv_run_set_vp_registers(HvCall *call);

#endif /* HV_HYPERCALL_H */
