/*
 * hv-ic-timesync: tell the guest what time it is
 *
 * The time is that of the machine's real-time clock, thus what -rtc says: with
 * clock=vm and with -icount it follows the guest's own time.  A message has the
 * reference counter as it was at that time, so it does not matter when the guest
 * reads it.  A guest that asks for the time gets a SYNC, which sets its clock: one
 * that starts, and one that was stopped or loaded.  All others are samples.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/config-file.h"
#include "qemu/cutils.h"
#include "qemu/module.h"
#include "qemu/option.h"
#include "system/rtc.h"
#include "system/system.h"
#include "ics-internal.h"

#define HV_IC_TIMESYNC_PERIOD_NS    (5 * NANOSECONDS_PER_SECOND)

OBJECT_DECLARE_SIMPLE_TYPE(HvIcTimesync, HV_IC_TIMESYNC)

struct HvIcTimesync {
    HvIc parent_obj;

    /* migrated */
    QEMUTimer *timer;                   /* virtual clock */
    bool sync_wanted;                   /* the next message sets the clock */

    /* host only */
    bool is_local;                      /* -rtc base=localtime */
};

static const HvIcProtocol hv_ic_timesync_protocol = {
    .msg_type = HV_IC_MSG_TIMESYNC,
    .framework_count = 2,
    .frameworks = { { 1, 0 }, { 3, 0 } },
    .message_count = 3,
    .messages = { { 1, 0 }, { 3, 0 }, { 4, 0 } },
};

/* Seconds since 1970, UTC, as the machine's real-time clock has it */
static int64_t hv_ic_timesync_seconds(HvIcTimesync *s)
{
    struct tm tm;

    qemu_get_timedate(&tm, 0);
    if (s->is_local) {
        tm.tm_isdst = -1;
        return mktime(&tm);
    }
    return mktimegm(&tm);
}

/* The real-time clock counts whole seconds; the rest is of the clock behind it */
static uint64_t hv_ic_timesync_now_100ns(HvIcTimesync *s)
{
    int64_t before_ns = qemu_clock_get_ns(rtc_clock), after_ns, seconds;
    int tries = 3;

    do {
        after_ns = before_ns;
        seconds = hv_ic_timesync_seconds(s);
        before_ns = qemu_clock_get_ns(rtc_clock);
    } while (before_ns / NANOSECONDS_PER_SECOND !=
             after_ns / NANOSECONDS_PER_SECOND && --tries);
    return HV_IC_TIME_EPOCH_100NS + seconds * (NANOSECONDS_PER_SECOND / 100) +
           before_ns % NANOSECONDS_PER_SECOND / 100;
}

static void hv_ic_timesync_send(HvIcTimesync *s)
{
    HvIc *ic = HV_IC(s);
    uint64_t ref_100ns = hvbus_device_ref_time_100ns(HVBUS_DEVICE(s));
    uint64_t host_100ns = hv_ic_timesync_now_100ns(s);
    uint8_t flags = s->sync_wanted ? HV_IC_TIME_SYNC : HV_IC_TIME_SAMPLE;
    bool sent;

    if (hv_ic_core_speaks(&ic->core, 4, 0)) {
        HvIcTimeRefWire wire = {
            .host_time_100ns = cpu_to_le64(host_100ns),
            .ref_time_100ns = cpu_to_le64(ref_100ns),
            .flags = flags,
        };

        sent = hv_ic_request(ic, &wire, sizeof(wire));
    } else {
        HvIcTimeWire wire = {
            .host_time_100ns = cpu_to_le64(host_100ns),
            .flags = flags,
        };

        sent = hv_ic_request(ic, &wire, sizeof(wire));
    }
    if (sent) {
        trace_hv_ic_timesync_send(host_100ns, ref_100ns, flags);
        s->sync_wanted = false;
    }
}

static void hv_ic_timesync_tick(void *opaque)
{
    HvIcTimesync *s = opaque;

    hv_ic_timesync_send(s);
    timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                        HV_IC_TIMESYNC_PERIOD_NS);
}

static void hv_ic_timesync_ready(HvIc *ic)
{
    HvIcTimesync *s = HV_IC_TIMESYNC(ic);

    s->sync_wanted = true;
    hv_ic_timesync_tick(s);
}

static void hv_ic_timesync_resumed(HvIc *ic)
{
    HvIcTimesync *s = HV_IC_TIMESYNC(ic);

    if (ic->core.state == HV_IC_READY || ic->core.state == HV_IC_BUSY) {
        s->sync_wanted = true;
        timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    }
}

static void hv_ic_timesync_answer(HvIc *ic, const HvIcVerdict *v)
{
    HvIcTimesync *s = HV_IC_TIMESYNC(ic);

    /* asked for while the one before was under way */
    if (s->sync_wanted) {
        hv_ic_timesync_send(s);
    }
}

static void hv_ic_timesync_closed(HvIc *ic)
{
    HvIcTimesync *s = HV_IC_TIMESYNC(ic);

    timer_del(s->timer);
    s->sync_wanted = false;
}

static bool hv_ic_timesync_setup(HvIc *ic, Error **errp)
{
    HvIcTimesync *s = HV_IC_TIMESYNC(ic);
    QemuOpts *opts = qemu_opts_find(qemu_find_opts("rtc"), NULL);

    s->is_local = g_strcmp0(opts ? qemu_opt_get(opts, "base") : NULL,
                            "localtime") == 0;
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, hv_ic_timesync_tick, s);
    return true;
}

static void hv_ic_timesync_cleanup(HvIc *ic)
{
    timer_free(g_steal_pointer(&HV_IC_TIMESYNC(ic)->timer));
}

static const VMStateDescription vmstate_hv_ic_timesync = {
    .name = TYPE_HV_IC_TIMESYNC,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_HV_IC(parent_obj, HvIcTimesync),
        VMSTATE_TIMER_PTR(timer, HvIcTimesync),
        VMSTATE_BOOL(sync_wanted, HvIcTimesync),
        VMSTATE_END_OF_LIST()
    }
};

static void hv_ic_timesync_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvIcClass *k = HV_IC_CLASS(klass);

    dc->desc = "Hyper-V integration service: time synchronization";
    dc->vmsd = &vmstate_hv_ic_timesync;
    HVBUS_DEVICE_CLASS(klass)->if_type = (QemuUUID) {
        .data = UUID(0x9527e630, 0xd0ae, 0x497b, 0xad, 0xce,
                     0xe8, 0x0a, 0xb0, 0x17, 0x5c, 0xaf)
    };
    k->instance_id = (QemuUUID) {
        .data = UUID(0x2dd1ce17, 0x079e, 0x403c, 0xb3, 0x52,
                     0xa1, 0x92, 0x1e, 0xe2, 0x07, 0xee)
    };
    k->protocol = &hv_ic_timesync_protocol;
    k->setup = hv_ic_timesync_setup;
    k->cleanup = hv_ic_timesync_cleanup;
    k->ready = hv_ic_timesync_ready;
    k->answer = hv_ic_timesync_answer;
    k->closed = hv_ic_timesync_closed;
    k->resumed = hv_ic_timesync_resumed;
}

static const TypeInfo hv_ic_timesync_types[] = {
    {
        .name = TYPE_HV_IC_TIMESYNC,
        .parent = TYPE_HV_IC,
        .instance_size = sizeof(HvIcTimesync),
        .class_init = hv_ic_timesync_class_init,
    },
};

DEFINE_TYPES(hv_ic_timesync_types)
