/*
 * Hypercalls: control word, sizes and rep arithmetic (TLFS 3.7, 3.8)
 *
 * Pure: works on numbers that were copied from the guest, touches no memory of
 * it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_HYPERCALL_CORE_H
#define HV_HYPERCALL_CORE_H

#include "hv-defs.h"

/* RDX, R8 and XMM0 to XMM5 */
#define HV_CALL_FAST_BYTES              16
#define HV_CALL_XMM_BYTES               112
/* Reps that one execution of the instruction does; then interrupts are taken */
#define HV_CALL_REPS_AT_ONCE            64

/* HvCallInfo.flags */
#define HV_CALL_IS_REP                  BIT(0)
#define HV_CALL_HAS_VAR                 BIT(1)  /* variable header allowed */

struct HvCall;
typedef HvStatus (*HvCallHandler)(struct HvCall *call);

/* One hypercall: a row of the table */
typedef struct HvCallInfo {
    uint16_t code;
    uint8_t flags;
    uint16_t in_bytes;          /* before the variable header and the list */
    uint16_t rep_in_bytes;      /* one element of the input list */
    uint16_t out_bytes;         /* simple call */
    uint16_t rep_out_bytes;     /* one element of the output list */
    uint32_t priv_high;         /* HV_PRIVH_* that the caller must have */
    uint32_t hints;             /* HV_HINT_* with which CPUID offers the call */
    const char *name;
    HvCallHandler run;
} HvCallInfo;

/* What a control word asks for, checked against its row */
typedef struct HvCallPlan {
    bool fast;
    uint16_t var_qwords;
    uint16_t rep_count;
    uint16_t rep_start;
    uint16_t rep_end;           /* this execution stops before this element */
    uint32_t var_off;           /* bytes from the start of the input */
    uint32_t rep_off;           /* where the input list starts */
    uint32_t in_bytes;          /* all of the input */
    uint32_t out_bytes;         /* all of the output */
} HvCallPlan;

/* Registers that a fast call may use */
typedef struct HvCallFastRules {
    bool xmm_input;
    bool xmm_output;            /* implies that XMM registers can be named */
} HvCallFastRules;

/* The row for @code or NULL */
const HvCallInfo *hv_call_find(const HvCallInfo *table, unsigned row_count,
                               uint16_t code);

/* Does a caller with these CPUID bits have the call? */
HvStatus hv_call_check_offer(const HvCallInfo *info, uint32_t priv_high,
                             uint32_t hints);

/* Check @control; fill @plan on HV_STATUS_OK */
HvStatus hv_call_plan(uint64_t control, const HvCallInfo *info,
                      HvCallPlan *plan);

/* Check the place of input and output in guest memory */
HvStatus hv_call_check_slow(const HvCallPlan *plan, uint64_t in_gpa,
                            uint64_t out_gpa);

/* Check that input and output fit in registers */
HvStatus hv_call_check_fast(const HvCallPlan *plan, HvCallFastRules rules);

/* Output of a fast call starts here, in bytes from RDX: a register pair */
uint32_t hv_call_fast_out_off(const HvCallPlan *plan);

/* RAX: @status and the number of list elements that are done */
uint64_t hv_call_result(HvStatus status, uint16_t reps_done);

/* @control for the next execution of a call that stopped before @rep_idx */
uint64_t hv_call_continue(uint64_t control, uint16_t rep_idx);

#endif /* HV_HYPERCALL_CORE_H */
