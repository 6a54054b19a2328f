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

/* hv-hypercall-msg.c */
HvStatus hv_run_post_message(HvCall *call);
HvStatus hv_run_signal_event(HvCall *call);

#endif /* HV_HYPERCALL_H */
