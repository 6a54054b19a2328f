/*
 * Hypercalls about VPs: interrupts between them, their numbers, long waits
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "hw/core/cpu.h"
#include "hv-hypercall.h"
#include "hv-vpset-core.h"
#include "trace.h"

/* Takes the BQL: it protects the local APICs */
static HvStatus send_ipi(HvCall *call, uint32_t vector, const HvVpSet *set)
{
    HvPartition *p = call->vp->part;
    unsigned vp_count = 0;

    if (vector < HV_FIRST_VALID_VECTOR || vector > HV_LAST_VALID_VECTOR) {
        return HV_STATUS_BAD_PARAMETER;
    }
    BQL_LOCK_GUARD();
    for (uint32_t i = 0; i < p->max_vps; i++) {
        HvVp *vp = hv_vpset_has(set, i) ? hv_partition_vp(p, i) : NULL;

        if (vp) {
            hv_synic_inject(vp, vector);
            vp_count++;
        }
    }
    trace_hv_send_ipi(call->vp->index, call->vtl, vector, vp_count);
    return HV_STATUS_OK;
}

HvStatus hv_run_send_ipi(HvCall *call)
{
    HvSendIpiWire wire;
    HvVpSet set;
    HvStatus status;

    memcpy(&wire, call->in, sizeof(wire));
    status = hv_call_check_vtl(call, wire.target_vtl);
    if (status != HV_STATUS_OK) {
        return status;
    }
    hv_vpset_from_mask(&set, le64_to_cpu(wire.vp_mask));
    return send_ipi(call, le32_to_cpu(wire.vector), &set);
}

HvStatus hv_run_send_ipi_ex(HvCall *call)
{
    HvSendIpiExWire wire;
    HvVpSet set;
    HvStatus status;

    memcpy(&wire, call->in, sizeof(wire));
    status = hv_call_check_vtl(call, wire.target_vtl);
    if (status != HV_STATUS_OK) {
        return status;
    }
    status = hv_vpset_parse(&set, le64_to_cpu(wire.set_format),
                            le64_to_cpu(wire.valid_banks), hv_call_var(call),
                            call->plan.var_qwords);
    if (status != HV_STATUS_OK) {
        return status;
    }
    return send_ipi(call, le32_to_cpu(wire.vector), &set);
}

static bool find_apic_id(HvPartition *p, uint32_t apic_id, uint32_t *vp_index)
{
    for (uint32_t i = 0; i < p->max_vps; i++) {
        HvVp *vp = hv_partition_vp(p, i);

        if (vp && vp->cpu->apic_id == apic_id) {
            *vp_index = vp->index;
            return true;
        }
    }
    return false;
}

/* Takes the BQL: it protects the set of VPs */
HvStatus hv_run_vp_index_from_apic_id(HvCall *call)
{
    const uint8_t *ids = hv_call_reps(call);
    HvVpIndexFromApicWire wire;
    HvStatus status;

    memcpy(&wire, call->in, sizeof(wire));
    status = hv_call_check_partition(le64_to_cpu(wire.partition_id));
    if (status != HV_STATUS_OK) {
        return status;
    }
    if (wire.target_vtl > call->vtl) {
        return HV_STATUS_DENIED;
    }
    BQL_LOCK_GUARD();
    for (; call->rep_idx < call->plan.rep_end; call->rep_idx++) {
        size_t off = call->rep_idx * sizeof(uint32_t);
        uint32_t index;

        if (!find_apic_id(call->vp->part, ldl_le_p(ids + off), &index)) {
            return HV_STATUS_BAD_PARAMETER;
        }
        stl_le_p(call->out + off, index);
    }
    return HV_STATUS_OK;
}

/*
 * No lock.  The guest spins for a lock that another VP holds: let the thread of
 * that one run, or, if one thread runs all VPs, let it take the next.
 */
HvStatus hv_run_long_spin_wait(HvCall *call)
{
    if (qemu_tcg_mttcg_enabled()) {
        g_thread_yield();
    } else {
        cpu_exit(CPU(call->vp->cpu));
    }
    return HV_STATUS_OK;
}

/* No lock */
HvStatus hv_run_get_partition_id(HvCall *call)
{
    stq_le_p(call->out, HV_PARTITION_ID);
    return HV_STATUS_OK;
}

/* No lock.  No extended hypercall but this one */
HvStatus hv_run_ext_query_capabilities(HvCall *call)
{
    stq_le_p(call->out, 0);
    return HV_STATUS_OK;
}
