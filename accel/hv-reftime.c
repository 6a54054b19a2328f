/*
 * Hyper-V partition: reference time, reference TSC page, frequencies (TLFS 12)
 *
 * The reference counter is QEMU_CLOCK_VIRTUAL in units of 100 ns.  With -icount
 * the guest's TSC is the virtual clock in ns, so the TSC page is exact.  Without
 * it the TSC counts host cycles and the clock counts ns of a clock that the host
 * disciplines: no fixed scale ties them, so the page says sequence 0, which
 * sends the guest to the MSR.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "qemu/timer.h"
#include "system/cpu-timers.h"
#include "hv-internal.h"
#include "trace.h"

#define HV_NS_PER_TICK          100     /* reference counter */
/* the APIC timer counts QEMU_CLOCK_VIRTUAL */
#define HV_APIC_HZ              NANOSECONDS_PER_SECOND
/* shortest measurement of the TSC: 1 us of jitter is then 50 ppm */
#define HV_TSC_MEASURE_NS       (20 * SCALE_MS)
#define HV_TSC_ROUND_HZ         1000

uint64_t hv_partition_ref_time_100ns(HvPartition *p)
{
    int64_t ns;

    if (unlikely(p->ops)) {
        return p->ops->ref_time_100ns(p);
    }
    ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) -
        qatomic_read_i64(&p->time_ref_base_ns);
    return ns > 0 ? ns / HV_NS_PER_TICK : 0;
}

int64_t hv_reftime_to_virtual_ns(HvPartition *p, uint64_t ref_100ns)
{
    uint64_t ns;

    if (umul64_overflow(ref_100ns, HV_NS_PER_TICK, &ns) ||
        uadd64_overflow(ns, p->time_ref_base_ns, &ns) || ns > INT64_MAX) {
        return INT64_MAX;
    }
    return ns;
}

/* Rewrite the TSC page; the guest reads it again when sequence changed */
static void hv_tsc_page_update(HvPartition *p, HvPartVtl *v)
{
    HvReferenceTscWire *page = v->tsc_page.hva;
    uint32_t sequence = le32_to_cpu(page->sequence) + 1;

    if (!icount_enabled()) {
        memset(page, 0, sizeof(*page));
        hv_overlay_mark_dirty(&v->tsc_page);
        return;
    }
    if (sequence == 0 || sequence == UINT32_MAX) {
        sequence = 1;
    }
    qatomic_set(&page->sequence, 0);
    smp_wmb();                  /* page is off before its fields change */
    /* ticks are ns: scale is 2^64 / 100 */
    page->scale = cpu_to_le64(UINT64_MAX / HV_NS_PER_TICK + 1);
    page->offset_100ns = cpu_to_le64(-(p->time_ref_base_ns / HV_NS_PER_TICK));
    smp_wmb();                  /* fields before the page is on again */
    qatomic_set(&page->sequence, cpu_to_le32(sequence));
    hv_overlay_mark_dirty(&v->tsc_page);
}

/*
 * Frequency of the guest's TSC.  It counts host cycles, at a rate that nobody
 * tells: compare it with the real-time clock since the first VP was made, long
 * ago by the time a guest asks.  The first answer is kept: it must not vary.
 */
static uint64_t hv_tsc_hz(HvPartition *p)
{
    uint64_t hz = qatomic_read_u64(&p->tsc_hz), high, old;
    int64_t ns, ticks;

    if (hz) {
        return hz;
    }
    if (icount_enabled()) {
        hz = NANOSECONDS_PER_SECOND;
    } else {
        ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - p->tsc_sample_ns;
        if (ns < HV_TSC_MEASURE_NS) {
            g_usleep((HV_TSC_MEASURE_NS - ns) / SCALE_US + 1);
        }
        ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME) - p->tsc_sample_ns;
        ticks = cpu_get_host_ticks() - p->tsc_sample_ticks;
        mulu64(&hz, &high, MAX(ticks, 1), NANOSECONDS_PER_SECOND);
        divu128(&hz, &high, MAX(ns, 1));
        hz = QEMU_ALIGN_DOWN(hz + HV_TSC_ROUND_HZ / 2, HV_TSC_ROUND_HZ);
    }
    old = qatomic_cmpxchg(&p->tsc_hz, 0, hz);
    trace_hv_tsc_hz(old ? old : hz);
    return old ? old : hz;
}

bool hv_reftime_wrmsr(HvVp *vp, uint32_t msr, uint64_t val)
{
    HvPartition *p = vp->part;
    HvPartVtl *v = &p->vtl[vp->active_vtl];

    if (msr != HV_MSR_REFERENCE_TSC) {
        return false;
    }
    if (val & HV_MSR_PAGE_ENABLE) {
        hv_tsc_page_update(p, v);
        if (!hv_overlay_place(p, vp->active_vtl, &v->tsc_page,
                              val & HV_PAGE_MASK)) {
            return false;
        }
    } else {
        hv_overlay_remove(p, vp->active_vtl, &v->tsc_page);
    }
    v->reference_tsc = val;
    return true;
}

bool hv_reftime_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val)
{
    HvPartition *p = vp->part;

    switch (msr) {
    case HV_MSR_TIME_REF_COUNT:
        *val = hv_partition_ref_time_100ns(p);
        return true;
    case HV_MSR_REFERENCE_TSC:
        *val = p->vtl[vp->active_vtl].reference_tsc;
        return true;
    case HV_MSR_TSC_FREQUENCY:
        *val = hv_tsc_hz(p);
        return true;
    case HV_MSR_APIC_FREQUENCY:
        *val = HV_APIC_HZ;
        return true;
    default:
        return false;
    }
}

/* Reference time is 0 now; whole ticks, so that page and MSR round alike */
static void hv_reftime_start(HvPartition *p)
{
    int64_t now_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    qatomic_set_i64(&p->time_ref_base_ns, now_ns - now_ns % HV_NS_PER_TICK);
}

void hv_reftime_init(HvPartition *p)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        hv_overlay_init(p, &p->vtl[vtl].tsc_page, "hyperv-reference-tsc",
                        hv_part_page_idx(vtl, HV_PAGE_TSC), true);
    }
    hv_reftime_start(p);
    p->tsc_sample_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    p->tsc_sample_ticks = cpu_get_host_ticks();
}

void hv_reftime_reset(HvPartition *p)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        hv_overlay_remove(p, vtl, &p->vtl[vtl].tsc_page);
        p->vtl[vtl].reference_tsc = 0;
    }
    hv_reftime_start(p);
}

int hv_reftime_post_load(HvPartition *p)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvPartVtl *v = &p->vtl[vtl];

        hv_overlay_remove(p, vtl, &v->tsc_page);
        if (!(v->reference_tsc & HV_MSR_PAGE_ENABLE)) {
            continue;
        }
        hv_tsc_page_update(p, v);
        if (!hv_overlay_place(p, vtl, &v->tsc_page,
                              v->reference_tsc & HV_PAGE_MASK)) {
            return -EINVAL;
        }
    }
    return 0;
}
