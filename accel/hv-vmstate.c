/*
 * Hyper-V partition: what is saved and migrated
 *
 * Overlay pages travel with the RAM; here is the MSR state that places them.  Each
 * post_load applies the checks of the MSR path, so that a stream can do no more
 * than a guest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "hv-internal.h"

static const VMStateDescription vmstate_hv_part_vtl = {
    .name = "hyperv-partition/vtl",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(guest_os_id, HvPartVtl),
        VMSTATE_UINT64(hypercall, HvPartVtl),
        VMSTATE_UINT64(reference_tsc, HvPartVtl),
        VMSTATE_UINT64(tsc_invariant, HvPartVtl),
        VMSTATE_UINT64(reenlightenment, HvPartVtl),
        VMSTATE_UINT64(tsc_emulation_control, HvPartVtl),
        VMSTATE_UINT64(tsc_emulation_status, HvPartVtl),
        VMSTATE_UINT64_ARRAY(crash_param, HvPartVtl, HV_CRASH_PARAM_COUNT),
        VMSTATE_UINT64(crash_ctl, HvPartVtl),
        VMSTATE_END_OF_LIST()
    },
};

static uint64_t hv_partition_vp_mask(HvPartition *p)
{
    uint64_t mask = 0;

    QEMU_BUILD_BUG_ON(HV_MAX_VPS > 64);
    for (uint32_t i = 0; i < p->max_vps; i++) {
        mask |= p->vps[i] ? BIT_ULL(i) : 0;
    }
    return mask;
}

static int hv_partition_pre_save(void *opaque)
{
    HvPartition *p = opaque;

    p->vp_mask = hv_partition_vp_mask(p);
    return 0;
}

static int hv_partition_post_load(void *opaque, int version_id)
{
    HvPartition *p = opaque;
    int ret;

    if (p->vp_mask != hv_partition_vp_mask(p)) {
        error_report("hyperv-partition: VPs 0x%" PRIx64 " in stream, 0x%" PRIx64
                     " in this VM", p->vp_mask, hv_partition_vp_mask(p));
        return -EINVAL;
    }
    hv_hypercall_page_fill(p, X86_CPU(first_cpu));
    ret = hv_misc_post_load(p);
    if (!ret) {
        ret = hv_reftime_post_load(p);
    }
    if (ret) {
        error_report("hyperv-partition: bad MSR value in stream");
    }
    return ret;
}

const VMStateDescription vmstate_hv_partition = {
    .name = "hyperv-partition",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = hv_partition_pre_save,
    .post_load = hv_partition_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(feat.priv_low, HvPartition, "hv-* differ"),
        VMSTATE_UINT32_EQUAL(feat.priv_high, HvPartition, "hv-* differ"),
        VMSTATE_UINT32_EQUAL(feat.features, HvPartition, "hv-* differ"),
        VMSTATE_UINT32_EQUAL(feat.hints, HvPartition, "hv-* differ"),
        VMSTATE_UINT64(vp_mask, HvPartition),
        VMSTATE_INT64(time_ref_base_ns, HvPartition),
        VMSTATE_UINT64(tsc_hz, HvPartition),
        VMSTATE_STRUCT_ARRAY(vtl, HvPartition, HV_VTL_COUNT, 1,
                             vmstate_hv_part_vtl, HvPartVtl),
        VMSTATE_END_OF_LIST()
    },
};

static const VMStateDescription vmstate_hv_vp_vtl = {
    .name = "hyperv-vp/vtl",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT(synic, HvVpVtl, 1, vmstate_hv_synic, HvSynic),
        VMSTATE_STRUCT_ARRAY(stimer, HvVpVtl, HV_STIMER_COUNT, 1,
                             vmstate_hv_stimer, HvStimer),
        VMSTATE_UINT64(vp_assist, HvVpVtl),
        VMSTATE_BOOL(eoi_offered, HvVpVtl),
        VMSTATE_END_OF_LIST()
    },
};

static int hv_vp_post_load(void *opaque, int version_id)
{
    HvVp *vp = opaque;
    int ret = 0;

    if (vp->active_vtl != 0) {
        ret = -EINVAL;          /* only VTL0 runs code */
    }
    if (!ret) {
        ret = hv_assist_post_load(vp);
    }
    if (!ret) {
        ret = hv_synic_post_load(vp);
    }
    if (!ret) {
        ret = hv_stimer_post_load(vp);
    }
    if (ret) {
        error_report("hyperv-partition: bad state of VP %u in stream",
                     vp->index);
    }
    return ret;
}

const VMStateDescription vmstate_hv_vp = {
    .name = "hyperv-vp",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = hv_vp_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(active_vtl, HvVp),
        VMSTATE_UINT64(runtime_base_100ns, HvVp),
        VMSTATE_BOOL(is_idle, HvVp),
        VMSTATE_UINT64(idle_rip, HvVp),
        VMSTATE_STRUCT_ARRAY(vtl, HvVp, HV_VTL_COUNT, 1, vmstate_hv_vp_vtl,
                             HvVpVtl),
        VMSTATE_END_OF_LIST()
    },
};
