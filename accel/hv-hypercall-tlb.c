/*
 * Hypercalls that flush TLBs, here and on other VPs (TLFS 4.2)
 *
 * No BQL.  A VP's TLB is flushed in its own thread only.  What it has to flush
 * is in HvVp.flush; one work item is queued for it, however many calls ask, so
 * that a guest cannot fill the queue of a VP that is slow to run.
 *
 * When the caller executes its next instruction, no VP that was named runs with
 * an old entry.  A VP that executes no guest code now does its work before it
 * does so again, so nobody waits for a halted VP.  For one that does execute, the
 * caller asks for exclusive work: all vCPUs leave their guest code first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "exec/cputlb.h"
#include "hw/core/cpu.h"
#include "hv-hypercall.h"
#include "hv-vpset-core.h"
#include "trace.h"

#define HV_ALL_MMU_INDEXES  MAKE_64BIT_MASK(0, NB_MMU_MODES)

#define HV_FLUSH_KNOWN_FLAGS (HV_FLUSH_ALL_PROCESSORS | HV_FLUSH_ALL_SPACES | \
                              HV_FLUSH_NON_GLOBAL | HV_FLUSH_EXTENDED)

static void flush_own_tlb(CPUState *cs, const HvFlushWork *work)
{
    if (work->all) {
        tlb_flush(cs);
        return;
    }
    for (uint32_t i = 0; i < work->range_count; i++) {
        /*
         * The range function looks at the end of the range only to see if it
         * cuts a large page; the page function looks at the start.
         */
        tlb_flush_page(cs, work->range[i].gva);
        if (work->range[i].bytes > HV_PAGE_SIZE) {
            tlb_flush_range_by_mmuidx(cs, work->range[i].gva,
                                      work->range[i].bytes,
                                      HV_ALL_MMU_INDEXES, TARGET_LONG_BITS);
        }
    }
}

static void flush_queued(CPUState *cs, run_on_cpu_data data)
{
    HvVp *vp = X86_CPU(cs)->hv_vp;
    HvFlushWork work;

    if (!vp) {
        return;
    }
    qemu_spin_lock(&vp->flush_lock);
    work = vp->flush;
    hv_flush_clear(&vp->flush);
    vp->flush_queued = false;
    qemu_spin_unlock(&vp->flush_lock);
    flush_own_tlb(cs, &work);
}

static void exclusive_point(CPUState *cs, run_on_cpu_data data)
{
}

/* True if @vp may execute guest code now */
static bool queue_flush(HvVp *vp, const HvFlushWork *work)
{
    CPUState *cs = CPU(vp->cpu);
    bool was_queued;

    qemu_spin_lock(&vp->flush_lock);
    hv_flush_merge(&vp->flush, work);
    was_queued = vp->flush_queued;
    vp->flush_queued = true;
    qemu_spin_unlock(&vp->flush_lock);

    if (!was_queued) {
        async_run_on_cpu(cs, flush_queued, RUN_ON_CPU_NULL);
    }
    /* work item before "running": pairs with cpu_exec_start() */
    smp_mb();
    return qatomic_read(&cs->running);
}

static void flush_vps(HvVp *self, const HvVpSet *set, const HvFlushWork *work)
{
    HvPartition *p = self->part;
    bool wait = false;
    unsigned vp_count = 0;

    RCU_READ_LOCK_GUARD();
    for (uint32_t i = 0; i < p->max_vps; i++) {
        HvVp *vp = hv_vpset_has(set, i) ? hv_partition_vp(p, i) : NULL;

        if (!vp) {
            continue;
        }
        vp_count++;
        if (vp == self) {
            flush_own_tlb(CPU(vp->cpu), work);
        } else if (queue_flush(vp, work)) {
            wait = true;
        }
    }
    if (wait) {
        async_safe_run_on_cpu(CPU(self->cpu), exclusive_point, RUN_ON_CPU_NULL);
    }
    trace_hv_flush(self->index, self->active_vtl, vp_count, work->all,
                   work->range_count, work->page_count, wait);
}

/*
 * Address spaces and global pages are not told apart: the TLB has no tags, and
 * to flush more than was asked is right.
 */
static HvStatus check_flags(const HvCall *call, uint64_t flags)
{
    bool ext_ok = call->vp->part->feat.features & HV_FEAT_EXT_GVA_RANGES_FLUSH;

    if (flags & ~(uint64_t)HV_FLUSH_KNOWN_FLAGS ||
        (flags & HV_FLUSH_EXTENDED && !ext_ok)) {
        return HV_STATUS_BAD_PARAMETER;
    }
    return HV_STATUS_OK;
}

/* The list, if this is a rep call; a simple call flushes all */
static HvStatus read_work(const HvCall *call, uint64_t flags,
                          HvFlushWork *work)
{
    const uint8_t *list = hv_call_reps(call);

    *work = (HvFlushWork) { .all = !call->plan.rep_count };
    for (unsigned i = call->rep_idx; i < call->plan.rep_count; i++) {
        HvFlushRange range;
        HvStatus status;

        status = hv_flush_parse_range(ldq_le_p(list + i * sizeof(uint64_t)),
                                      flags & HV_FLUSH_EXTENDED, &range);
        if (status != HV_STATUS_OK) {
            return status;
        }
        hv_flush_add(work, range);
    }
    return HV_STATUS_OK;
}

static HvStatus flush(HvCall *call, uint64_t flags, const HvVpSet *set)
{
    HvFlushWork work;
    HvStatus status;

    status = read_work(call, flags, &work);
    if (status == HV_STATUS_OK) {
        flush_vps(call->vp, set, &work);
        /* a long list became "all": it is done in one go */
        call->rep_idx = call->plan.rep_count;
    }
    return status;
}

/* No lock */
HvStatus hv_run_flush(HvCall *call)
{
    HvFlushWire wire;
    HvVpSet set;
    uint64_t flags;
    HvStatus status;

    memcpy(&wire, call->in, sizeof(wire));
    flags = le64_to_cpu(wire.flags);
    status = check_flags(call, flags);
    if (status != HV_STATUS_OK) {
        return status;
    }
    if (flags & HV_FLUSH_ALL_PROCESSORS) {
        hv_vpset_fill(&set);
    } else {
        hv_vpset_from_mask(&set, le64_to_cpu(wire.vp_mask));
    }
    return flush(call, flags, &set);
}

/* No lock */
HvStatus hv_run_flush_ex(HvCall *call)
{
    HvFlushExWire wire;
    HvVpSet set;
    uint64_t flags;
    HvStatus status;

    memcpy(&wire, call->in, sizeof(wire));
    flags = le64_to_cpu(wire.flags);
    status = check_flags(call, flags);
    if (status != HV_STATUS_OK) {
        return status;
    }
    status = hv_vpset_parse(&set, le64_to_cpu(wire.set_format),
                            le64_to_cpu(wire.valid_banks), hv_call_var(call),
                            call->plan.var_qwords);
    if (status != HV_STATUS_OK) {
        return status;
    }
    if (flags & HV_FLUSH_ALL_PROCESSORS) {
        hv_vpset_fill(&set);
    }
    return flush(call, flags, &set);
}
