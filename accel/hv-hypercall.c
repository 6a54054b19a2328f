/*
 * Hypercalls: registers in, copy in, run, copy out, registers out (TLFS 3)
 *
 * Runs in the vCPU's thread inside a TCG helper, without the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "exec/cpu-common.h"
#include "hv-hypercall.h"
#include "hv-tcg.h"
#include "guest-access.h"
#include "trace.h"

static const HvCallInfo hv_calls[] = {
    {
        .code = HV_CALL_POST_MESSAGE,
        .name = "post_message",
        .in_bytes = sizeof(HvPostMessageWire),
        .priv_high = HV_PRIVH_POST_MESSAGES,
        .run = hv_run_post_message,
    }, {
        .code = HV_CALL_SIGNAL_EVENT,
        .name = "signal_event",
        .in_bytes = sizeof(HvSignalEventWire),
        .priv_high = HV_PRIVH_SIGNAL_EVENTS,
        .run = hv_run_signal_event,
    }, {
        .code = HV_CALL_FLUSH_VA_SPACE,
        .name = "flush_va_space",
        .in_bytes = sizeof(HvFlushWire),
        .hints = HV_HINT_REMOTE_TLB_FLUSH,
        .run = hv_run_flush,
    }, {
        .code = HV_CALL_FLUSH_VA_LIST,
        .name = "flush_va_list",
        .flags = HV_CALL_IS_REP,
        .in_bytes = sizeof(HvFlushWire),
        .rep_in_bytes = sizeof(uint64_t),
        .hints = HV_HINT_REMOTE_TLB_FLUSH,
        .run = hv_run_flush,
    }, {
        .code = HV_CALL_FLUSH_VA_SPACE_EX,
        .name = "flush_va_space_ex",
        .flags = HV_CALL_HAS_VAR,
        .in_bytes = sizeof(HvFlushExWire),
        .hints = HV_HINT_REMOTE_TLB_FLUSH | HV_HINT_EX_PROCESSOR_MASKS,
        .run = hv_run_flush_ex,
    }, {
        .code = HV_CALL_FLUSH_VA_LIST_EX,
        .name = "flush_va_list_ex",
        .flags = HV_CALL_IS_REP | HV_CALL_HAS_VAR,
        .in_bytes = sizeof(HvFlushExWire),
        .rep_in_bytes = sizeof(uint64_t),
        .hints = HV_HINT_REMOTE_TLB_FLUSH | HV_HINT_EX_PROCESSOR_MASKS,
        .run = hv_run_flush_ex,
    }, {
        .code = HV_CALL_SEND_IPI,
        .name = "send_ipi",
        .in_bytes = sizeof(HvSendIpiWire),
        .hints = HV_HINT_CLUSTER_IPI,
        .run = hv_run_send_ipi,
    }, {
        .code = HV_CALL_SEND_IPI_EX,
        .name = "send_ipi_ex",
        .flags = HV_CALL_HAS_VAR,
        .in_bytes = sizeof(HvSendIpiExWire),
        .hints = HV_HINT_CLUSTER_IPI | HV_HINT_EX_PROCESSOR_MASKS,
        .run = hv_run_send_ipi_ex,
    }, {
        .code = HV_CALL_NOTIFY_LONG_SPIN_WAIT,
        .name = "notify_long_spin_wait",
        .in_bytes = sizeof(uint64_t),   /* how long it spun: not used */
        .run = hv_run_long_spin_wait,
    }, {
        .code = HV_CALL_GET_PARTITION_ID,
        .name = "get_partition_id",
        .out_bytes = sizeof(uint64_t),
        .priv_high = HV_PRIVH_ACCESS_PARTITION_ID,
        .run = hv_run_get_partition_id,
    }, {
        .code = HV_CALL_EXT_QUERY_CAPABILITIES,
        .name = "ext_query_capabilities",
        .out_bytes = sizeof(uint64_t),
        .priv_high = HV_PRIVH_EXTENDED_HYPERCALLS,
        .run = hv_run_ext_query_capabilities,
    }, {
        .code = HV_CALL_RETARGET_INTERRUPT,
        .name = "retarget_interrupt",
        .flags = HV_CALL_HAS_VAR,
        .in_bytes = sizeof(HvRetargetWire),
        .run = hv_run_retarget_interrupt,
    }, {
        .code = HV_CALL_GET_VP_INDEX_FROM_APIC,
        .name = "get_vp_index_from_apic_id",
        .flags = HV_CALL_IS_REP,
        .in_bytes = sizeof(HvVpIndexFromApicWire),
        .rep_in_bytes = sizeof(uint32_t),
        .rep_out_bytes = sizeof(uint32_t),
        .priv_high = HV_PRIVH_ACCESS_VP_REGISTERS,
        .run = hv_run_vp_index_from_apic_id,
    }, {
        .code = HV_CALL_GET_VP_REGISTERS,
        .name = "get_vp_registers",
        .flags = HV_CALL_IS_REP,
        .in_bytes = sizeof(HvVpRegistersWire),
        .rep_in_bytes = sizeof(uint32_t),
        .rep_out_bytes = sizeof(HvRegisterValueWire),
        .priv_high = HV_PRIVH_ACCESS_VP_REGISTERS,
        .run = hv_run_get_vp_registers,
    }, {
        .code = HV_CALL_SET_VP_REGISTERS,
        .name = "set_vp_registers",
        .flags = HV_CALL_IS_REP,
        .in_bytes = sizeof(HvVpRegistersWire),
        .rep_in_bytes = sizeof(HvRegisterAssocWire),
        .priv_high = HV_PRIVH_ACCESS_VP_REGISTERS,
        .run = hv_run_set_vp_registers,
    },
};

static bool is_64bit(CPUX86State *env)
{
    return env->hflags & HF_CS64_MASK;
}

static uint64_t reg_pair(CPUX86State *env, unsigned high, unsigned low)
{
    return (uint64_t)(uint32_t)env->regs[high] << 32 |
        (uint32_t)env->regs[low];
}

static void set_reg_pair(CPUX86State *env, unsigned high, unsigned low,
                         uint64_t val)
{
    env->regs[high] = val >> 32;
    env->regs[low] = (uint32_t)val;
}

/* RDX and R8, or their 32-bit stand-ins: addresses or fast parameters */
static uint64_t first_param(CPUX86State *env)
{
    return is_64bit(env) ? env->regs[R_EDX] : reg_pair(env, R_EBX, R_ECX);
}

static uint64_t second_param(CPUX86State *env)
{
#ifdef TARGET_X86_64
    if (is_64bit(env)) {
        return env->regs[R_R8];
    }
#endif
    return reg_pair(env, R_EDI, R_ESI);
}

static uint64_t get_control(CPUX86State *env)
{
    return is_64bit(env) ? env->regs[R_ECX] : reg_pair(env, R_EDX, R_EAX);
}

static void set_control(CPUX86State *env, uint64_t control)
{
    if (is_64bit(env)) {
        env->regs[R_ECX] = control;
    } else {
        set_reg_pair(env, R_EDX, R_EAX, control);
    }
}

static void set_result(CPUX86State *env, uint64_t result)
{
    if (is_64bit(env)) {
        env->regs[R_EAX] = result;
    } else {
        set_reg_pair(env, R_EDX, R_EAX, result);
    }
}

/* Registers as little-endian bytes: RDX, R8, XMM0 .. XMM5 */
static void read_fast_regs(CPUX86State *env, uint8_t *buf)
{
    stq_le_p(buf, first_param(env));
    stq_le_p(buf + 8, second_param(env));
    for (unsigned i = 0; i < 6 && is_64bit(env); i++) {
        stq_le_p(buf + 16 + i * 16, env->xmm_regs[i].ZMM_Q(0));
        stq_le_p(buf + 24 + i * 16, env->xmm_regs[i].ZMM_Q(1));
    }
}

/* 64-bit callers only: others have no fast output */
static void write_fast_regs(CPUX86State *env, const uint8_t *buf)
{
    env->regs[R_EDX] = ldq_le_p(buf);
#ifdef TARGET_X86_64
    env->regs[R_R8] = ldq_le_p(buf + 8);
#endif
    for (unsigned i = 0; i < 6; i++) {
        env->xmm_regs[i].ZMM_Q(0) = ldq_le_p(buf + 16 + i * 16);
        env->xmm_regs[i].ZMM_Q(1) = ldq_le_p(buf + 24 + i * 16);
    }
}

/* Output bytes [@from, @to) that this execution made; nothing if it failed */
static void output_range(const HvCall *call, const HvCallInfo *info,
                         HvStatus status, uint32_t *from, uint32_t *to)
{
    if (info->flags & HV_CALL_IS_REP) {
        *from = call->plan.rep_start * info->rep_out_bytes;
        *to = call->rep_idx * info->rep_out_bytes;
    } else {
        *from = 0;
        *to = status == HV_STATUS_OK ? info->out_bytes : 0;
    }
}

static HvStatus run_fast(CPUX86State *env, HvCall *call, const HvCallInfo *info)
{
    const HvFeatures *feat = &call->vp->part->feat;
    HvCallFastRules rules = {
        .xmm_input = is_64bit(env) && feat->features & HV_FEAT_XMM_INPUT,
        .xmm_output = is_64bit(env) && feat->features & HV_FEAT_XMM_OUTPUT,
    };
    uint8_t regs[HV_CALL_XMM_BYTES];
    uint8_t out[HV_CALL_XMM_BYTES] = { 0 };
    uint32_t from, to;
    HvStatus status;

    status = hv_call_check_fast(&call->plan, rules);
    if (status != HV_STATUS_OK) {
        return status;
    }
    read_fast_regs(env, regs);
    call->in = regs;
    call->out = out;
    status = info->run(call);
    output_range(call, info, status, &from, &to);
    if (from < to) {
        memcpy(regs + hv_call_fast_out_off(&call->plan) + from,
               out + from, to - from);
        write_fast_regs(env, regs);
    }
    return status;
}

static HvStatus run_slow(CPUX86State *env, HvCall *call, const HvCallInfo *info)
{
    AddressSpace *as = hv_partition_as(call->vp->part, call->vtl);
    uint64_t in_gpa = first_param(env);
    uint64_t out_gpa = second_param(env);
    uint8_t in[HV_PAGE_SIZE];
    uint8_t out[HV_PAGE_SIZE];
    uint32_t from, to;
    HvStatus status;

    status = hv_call_check_slow(&call->plan, in_gpa, out_gpa);
    if (status != HV_STATUS_OK) {
        return status;
    }
    if (call->plan.in_bytes &&
        !guest_read(as, in_gpa, in, call->plan.in_bytes)) {
        return HV_STATUS_BAD_ALIGNMENT;
    }
    memset(out, 0, call->plan.out_bytes);
    call->in = in;
    call->out = out;
    status = info->run(call);
    output_range(call, info, status, &from, &to);
    if (from < to &&
        !guest_write(as, out_gpa + from, out + from, to - from)) {
        call->rep_idx = call->plan.rep_start;
        return HV_STATUS_BAD_ALIGNMENT;
    }
    return status;
}

static HvStatus dispatch(CPUX86State *env, HvVp *vp, uint64_t control,
                         const HvCallInfo *info, uint16_t *rep_idx, bool *again)
{
    const HvFeatures *feat = &vp->part->feat;
    HvCallPlan plan;
    HvStatus status;
    HvCall call;

    if (!info) {
        return HV_STATUS_INVALID_CODE;
    }
    status = hv_call_check_offer(info, feat->priv_high, feat->hints);
    if (status != HV_STATUS_OK) {
        return status;
    }
    status = hv_call_plan(control, info, &plan);
    if (status != HV_STATUS_OK) {
        return status;
    }
    call = (HvCall) {
        .vp = vp,
        .vtl = vp->active_vtl,
        .plan = plan,
        .rep_idx = plan.rep_start,
    };
    status = plan.fast ? run_fast(env, &call, info)
                       : run_slow(env, &call, info);
    *rep_idx = call.rep_idx;
    *again = status == HV_STATUS_OK && call.rep_idx < plan.rep_count;
    return status;
}

/* #UD else: ring 0 of protected mode, after the guest gave its OS id */
static bool caller_allowed(CPUX86State *env, HvVp *vp)
{
    return (env->hflags & HF_PE_MASK) && !(env->hflags & HF_CPL_MASK) &&
        qatomic_read(&vp->part->vtl[vp->active_vtl].guest_os_id);
}

bool hv_tcg_has_hypercalls(CPUX86State *env)
{
    HvVp *vp = env_archcpu(env)->hv_vp;

    return vp && vp->part->feat.priv_low & HV_PRIV_HYPERCALL_MSRS;
}

bool hv_tcg_hypercall(CPUX86State *env, uintptr_t ra)
{
    HvVp *vp = env_archcpu(env)->hv_vp;
    uint64_t control = get_control(env);
    uint16_t reps = 0;
    bool again = false;
    const HvCallInfo *info;
    HvStatus status;

    if (!hv_tcg_has_hypercalls(env) || !caller_allowed(env, vp)) {
        return false;
    }
    info = hv_call_find(hv_calls, ARRAY_SIZE(hv_calls),
                        FIELD_EX64(control, HV_CALL, CODE));
    status = dispatch(env, vp, control, info, &reps, &again);
    trace_hv_hypercall(vp->index, vp->active_vtl, info ? info->name : "unknown",
                       control, status, reps);
    if (again) {
        /* bounded work at a time: interrupts are taken before the next part */
        set_control(env, hv_call_continue(control, reps));
        cpu_loop_exit_restore(env_cpu(env), ra);
    }
    if (status != HV_STATUS_OK) {
        qemu_log_mask(LOG_GUEST_ERROR, "VP %" PRIu32 ": hypercall 0x%016" PRIx64
                      " ends with status 0x%x\n", vp->index, control, status);
    }
    set_result(env, hv_call_result(status, reps));
    return true;
}
