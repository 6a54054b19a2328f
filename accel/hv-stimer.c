/*
 * Synthetic timers of a VP (TLFS 12.3)
 *
 * Timers follow QEMU_CLOCK_VIRTUAL through the reference time, so that icount,
 * record/replay, vm_stop and migration need nothing special.  An expiry that
 * lies in the past is signalled from within the register write.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "migration/vmstate.h"
#include "hv-internal.h"
#include "hv-stimer-core.h"
#include "trace.h"

/* Farther expiries are looked at again then; keeps sums of ns in range */
#define STIMER_MAX_AHEAD_100NS          (24ull * 3600 * 10000000)

static void stimer_deliver(HvStimer *t);

/* Arm the host timer for expires_100ns, which is not 0 */
static void stimer_arm(HvStimer *t, uint64_t now)
{
    HvPartition *p = t->vp->part;
    uint64_t at = t->expires_100ns;

    if (FIELD_EX64(t->config, HV_STIMER, PERIODIC)) {
        at = hv_stimer_signal_time(t->count_100ns, at, now);
    }
    if (at > now && at - now > STIMER_MAX_AHEAD_100NS) {
        at = now + STIMER_MAX_AHEAD_100NS;
    }
    trace_hv_stimer_arm(t->vp->index, t->vtl, t->idx, t->expires_100ns, now);
    timer_mod(t->timer, hv_reftime_to_virtual_ns(p, at));
}

static void stimer_signal(HvStimer *t)
{
    if (FIELD_EX64(t->config, HV_STIMER, DIRECT_MODE)) {
        uint8_t vector = FIELD_EX64(t->config, HV_STIMER, APIC_VECTOR);

        trace_hv_stimer_deliver_direct(t->vp->index, t->vtl, t->idx, vector);
        hv_synic_inject(t->vp, vector);
        if (!FIELD_EX64(t->config, HV_STIMER, PERIODIC)) {
            t->config = FIELD_DP64(t->config, HV_STIMER, ENABLE, 0);
        }
    } else if (!t->msg_pending) {
        /* else the slot is still taken: ticks do not pile up */
        t->msg_pending = true;
        t->msg_expires_100ns = t->expires_100ns;
        stimer_deliver(t);
    }
}

/* Signal what is due at @now, and arm the host timer for what comes next */
static void stimer_run(HvStimer *t, uint64_t now)
{
    if (!t->expires_100ns) {
        return;
    }
    if (t->expires_100ns <= now) {
        trace_hv_stimer_expire(t->vp->index, t->vtl, t->idx, t->expires_100ns,
                               now);
        stimer_signal(t);
        t->expires_100ns = FIELD_EX64(t->config, HV_STIMER, PERIODIC)
            ? hv_stimer_next_expiry(t->config, t->count_100ns,
                                    t->expires_100ns, now) : 0;
    }
    if (t->expires_100ns) {
        stimer_arm(t, now);
    }
}

static void stimer_expired(void *opaque)
{
    HvStimer *t = opaque;

    stimer_run(t, hv_partition_ref_time_100ns(t->vp->part));
}

/* Try to put the waiting expiry message into the SINT's slot */
static void stimer_deliver(HvStimer *t)
{
    HvPartition *p = t->vp->part;
    uint8_t sint = FIELD_EX64(t->config, HV_STIMER, SINTX);
    HvTimerMessageWire msg = {
        .timer_idx = cpu_to_le32(t->idx),
        .expiration_100ns = cpu_to_le64(t->msg_expires_100ns),
        .delivery_100ns = cpu_to_le64(hv_partition_ref_time_100ns(p)),
    };
    int ret = hv_partition_post_message(p, t->vp->index, t->vtl, sint,
                                        HV_MSG_TYPE_TIMER_EXPIRED,
                                        &msg, sizeof(msg));

    trace_hv_stimer_deliver_message(t->vp->index, t->vtl, t->idx, sint, ret);
    if (ret == -ENODEV) {
        /* SINT, page or SynIC is off: delivered when that changes */
        t->vp->vtl[t->vtl].synic.slot_wanted |= BIT(sint);
    } else if (ret == 0) {
        t->msg_pending = false;
        if (!FIELD_EX64(t->config, HV_STIMER, PERIODIC)) {
            t->config = FIELD_DP64(t->config, HV_STIMER, ENABLE, 0);
        }
    }
}

void hv_stimer_slot_free(HvVp *vp, uint8_t vtl, uint8_t sint)
{
    unsigned i;

    for (i = 0; i < HV_STIMER_COUNT; i++) {
        HvStimer *t = &vp->vtl[vtl].stimer[i];

        if (t->msg_pending
            && FIELD_EX64(t->config, HV_STIMER, SINTX) == sint) {
            stimer_deliver(t);
        }
    }
}

/* Forget the expiry and the message that told of an earlier one */
static void stimer_stop(HvStimer *t)
{
    timer_del(t->timer);
    t->expires_100ns = 0;
    t->msg_pending = false;
    t->msg_expires_100ns = 0;
}

static void stimer_restart(HvStimer *t)
{
    uint64_t now = hv_partition_ref_time_100ns(t->vp->part);

    stimer_stop(t);
    t->expires_100ns = hv_stimer_first_expiry(t->config, t->count_100ns, now);
    stimer_run(t, now);
}

bool hv_stimer_wrmsr(HvVp *vp, uint32_t msr, uint64_t val)
{
    unsigned n = msr - HV_MSR_STIMER0_CONFIG;
    HvStimer *t;

    if (n >= 2 * HV_STIMER_COUNT) {
        return false;
    }
    t = &hv_vp_cur(vp)->stimer[n / 2];
    trace_hv_stimer_wrmsr(vp->index, t->vtl, t->idx, n % 2 ? "count" : "config",
                          val);
    if (n % 2) {
        t->count_100ns = val;
        t->config = hv_stimer_config_after_count(t->config, val);
    } else {
        if (!hv_stimer_config_valid(val)
            || (FIELD_EX64(val, HV_STIMER, DIRECT_MODE)
                && !(vp->part->feat.features & HV_FEAT_STIMER_DIRECT))) {
            trace_hv_stimer_bad_config(vp->index, t->vtl, t->idx, val);
            qemu_log_mask(LOG_GUEST_ERROR, "hyperv: VP %u: timer config 0x%"
                          PRIx64 " is not valid\n", vp->index, val);
            return false;
        }
        t->config = hv_stimer_config_fix(val);
    }
    stimer_restart(t);
    return true;
}

bool hv_stimer_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val)
{
    unsigned n = msr - HV_MSR_STIMER0_CONFIG;
    HvStimer *t;

    if (n >= 2 * HV_STIMER_COUNT) {
        return false;
    }
    t = &hv_vp_cur(vp)->stimer[n / 2];
    *val = n % 2 ? t->count_100ns : t->config;
    return true;
}

/* --- life cycle --- */

void hv_stimer_vp_init(HvVp *vp)
{
    unsigned vtl, i;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        for (i = 0; i < HV_STIMER_COUNT; i++) {
            HvStimer *t = &vp->vtl[vtl].stimer[i];

            t->vp = vp;
            t->vtl = vtl;
            t->idx = i;
            t->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, stimer_expired, t);
        }
    }
}

void hv_stimer_vp_reset(HvVp *vp)
{
    unsigned vtl, i;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        for (i = 0; i < HV_STIMER_COUNT; i++) {
            HvStimer *t = &vp->vtl[vtl].stimer[i];

            stimer_stop(t);
            t->config = 0;
            t->count_100ns = 0;
        }
    }
}

void hv_stimer_vp_fini(HvVp *vp)
{
    unsigned vtl, i;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        for (i = 0; i < HV_STIMER_COUNT; i++) {
            HvStimer *t = &vp->vtl[vtl].stimer[i];

            timer_free(t->timer);
            t->timer = NULL;
        }
    }
}

/* The rules that the registers keep, for a timer from a migration stream */
static bool stimer_valid(const HvStimer *t)
{
    bool enabled = FIELD_EX64(t->config, HV_STIMER, ENABLE);

    return hv_stimer_config_valid(t->config)
        && hv_stimer_config_fix(t->config) == t->config
        && (!t->expires_100ns || (enabled && t->count_100ns))
        && (!t->msg_pending
            || (enabled && !FIELD_EX64(t->config, HV_STIMER, DIRECT_MODE)));
}

int hv_stimer_post_load(HvVp *vp)
{
    uint64_t now = hv_partition_ref_time_100ns(vp->part);
    unsigned vtl, i;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        for (i = 0; i < HV_STIMER_COUNT; i++) {
            HvStimer *t = &vp->vtl[vtl].stimer[i];

            if (!stimer_valid(t)) {
                error_report("hyperv: VP %u: bad timer %u in stream",
                             vp->index, i);
                return -EINVAL;
            }
            timer_del(t->timer);
            if (t->expires_100ns) {
                /* one that is due fires when the clock runs again */
                stimer_arm(t, now);
            }
        }
    }
    return 0;
}

const VMStateDescription vmstate_hv_stimer = {
    .name = "hyperv/stimer",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(config, HvStimer),
        VMSTATE_UINT64(count_100ns, HvStimer),
        VMSTATE_UINT64(expires_100ns, HvStimer),
        VMSTATE_BOOL(msg_pending, HvStimer),
        VMSTATE_UINT64(msg_expires_100ns, HvStimer),
        VMSTATE_END_OF_LIST()
    },
};
