/*
 * hv-ic-heartbeat: does the guest still run?
 *
 * The period is one of the guest's time, which stops with the machine: a guest
 * that does not run is not expected to answer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "ics-internal.h"

#define HV_IC_HEARTBEAT_PERIOD_NS   (2 * NANOSECONDS_PER_SECOND)
/* periods without an answer until the guest counts as lost */
#define HV_IC_HEARTBEAT_LOST        3

OBJECT_DECLARE_SIMPLE_TYPE(HvIcHeartbeat, HV_IC_HEARTBEAT)

struct HvIcHeartbeat {
    HvIc parent_obj;

    /* migrated */
    QEMUTimer *timer;                   /* virtual clock */
    uint64_t sequence;                  /* of the latest request */
    uint64_t answers;                   /* since the channel opened */
    int64_t answered_ns;                /* virtual clock */
    uint32_t app_state;                 /* HV_IC_APP_* */
    uint32_t missed;                    /* periods since the latest answer */
};

static const HvIcProtocol hv_ic_heartbeat_protocol = {
    .msg_type = HV_IC_MSG_HEARTBEAT,
    .framework_count = 2,
    .frameworks = { { 1, 0 }, { 3, 0 } },
    .message_count = 2,
    .messages = { { 1, 0 }, { 3, 0 } },
};

static void hv_ic_heartbeat_tick(void *opaque)
{
    HvIcHeartbeat *s = opaque;
    HvIcHeartbeatWire wire = { .sequence = cpu_to_le64(s->sequence) };

    if (!hv_ic_request(HV_IC(s), &wire, sizeof(wire))) {
        s->missed = MIN(s->missed + 1, HV_IC_HEARTBEAT_LOST);
        if (s->missed == HV_IC_HEARTBEAT_LOST) {
            trace_hv_ic_heartbeat_lost(s->sequence);
        }
    }
    timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                        HV_IC_HEARTBEAT_PERIOD_NS);
}

static void hv_ic_heartbeat_answer(HvIc *ic, const HvIcVerdict *v)
{
    HvIcHeartbeat *s = HV_IC_HEARTBEAT(ic);
    HvIcHeartbeatWire wire = { 0 };

    if (v->status != HV_IC_STATUS_OK ||
        v->body_bytes < HV_IC_HEARTBEAT_MIN_BYTES) {
        hv_ic_guest_error(ic, "bad heartbeat");
        return;
    }
    memcpy(&wire, v->body, MIN(v->body_bytes, sizeof(wire)));
    if (le64_to_cpu(wire.sequence) != s->sequence + 1) {
        hv_ic_guest_error(ic, "heartbeat out of sequence");
        return;
    }
    s->sequence++;
    s->answers++;
    s->missed = 0;
    s->app_state = MIN(le32_to_cpu(wire.app_state), HV_IC_APP_STOPPED + 1);
    s->answered_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void hv_ic_heartbeat_closed(HvIc *ic)
{
    HvIcHeartbeat *s = HV_IC_HEARTBEAT(ic);

    timer_del(s->timer);
    s->sequence = 0;
    s->answers = 0;
    s->missed = 0;
    s->app_state = HV_IC_APP_UNKNOWN;
}

static void hv_ic_heartbeat_ready(HvIc *ic)
{
    hv_ic_heartbeat_tick(HV_IC_HEARTBEAT(ic));
}

HypervHeartbeatInfo *hv_ic_heartbeat_info(HvIc *ic)
{
    static const HypervAppState states[] = {
        [HV_IC_APP_UNKNOWN] = HYPERV_APP_STATE_UNKNOWN,
        [HV_IC_APP_HEALTHY] = HYPERV_APP_STATE_HEALTHY,
        [HV_IC_APP_CRITICAL] = HYPERV_APP_STATE_CRITICAL,
        [HV_IC_APP_STOPPED] = HYPERV_APP_STATE_STOPPED,
    };
    HvIcHeartbeat *s = HV_IC_HEARTBEAT(ic);
    HypervHeartbeatInfo *info = g_new0(HypervHeartbeatInfo, 1);

    info->state = s->missed >= HV_IC_HEARTBEAT_LOST
        ? HYPERV_HEARTBEAT_STATE_LOST
        : s->answers ? HYPERV_HEARTBEAT_STATE_OK
                     : HYPERV_HEARTBEAT_STATE_NO_CONTACT;
    info->sequence = s->sequence;
    if (s->answers) {
        info->has_last_seen = true;
        info->last_seen = MAX(0, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) -
                                 s->answered_ns) / SCALE_MS;
    }
    info->application_state = s->app_state < ARRAY_SIZE(states)
        ? states[s->app_state] : HYPERV_APP_STATE_UNKNOWN;
    return info;
}

static bool hv_ic_heartbeat_setup(HvIc *ic, Error **errp)
{
    HvIcHeartbeat *s = HV_IC_HEARTBEAT(ic);

    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, hv_ic_heartbeat_tick, s);
    return true;
}

static void hv_ic_heartbeat_cleanup(HvIc *ic)
{
    timer_free(g_steal_pointer(&HV_IC_HEARTBEAT(ic)->timer));
}

static int hv_ic_heartbeat_post_load(void *opaque, int version_id)
{
    HvIcHeartbeat *s = opaque;

    s->missed = MIN(s->missed, HV_IC_HEARTBEAT_LOST);
    return 0;
}

static const VMStateDescription vmstate_hv_ic_heartbeat = {
    .name = TYPE_HV_IC_HEARTBEAT,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = hv_ic_heartbeat_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_HV_IC(parent_obj, HvIcHeartbeat),
        VMSTATE_TIMER_PTR(timer, HvIcHeartbeat),
        VMSTATE_UINT64(sequence, HvIcHeartbeat),
        VMSTATE_UINT64(answers, HvIcHeartbeat),
        VMSTATE_INT64(answered_ns, HvIcHeartbeat),
        VMSTATE_UINT32(app_state, HvIcHeartbeat),
        VMSTATE_UINT32(missed, HvIcHeartbeat),
        VMSTATE_END_OF_LIST()
    }
};

static void hv_ic_heartbeat_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvIcClass *k = HV_IC_CLASS(klass);

    dc->desc = "Hyper-V integration service: heartbeat";
    dc->vmsd = &vmstate_hv_ic_heartbeat;
    HVBUS_DEVICE_CLASS(klass)->if_type = (QemuUUID) {
        .data = UUID(0x57164f39, 0x9115, 0x4e78, 0xab, 0x55,
                     0x38, 0x2f, 0x3b, 0xd5, 0x42, 0x2d)
    };
    k->instance_id = (QemuUUID) {
        .data = UUID(0xfd149e91, 0x82e0, 0x4a7d, 0xaf, 0xa6,
                     0x2a, 0x41, 0x66, 0xcb, 0xd7, 0xc0)
    };
    k->protocol = &hv_ic_heartbeat_protocol;
    k->setup = hv_ic_heartbeat_setup;
    k->cleanup = hv_ic_heartbeat_cleanup;
    k->ready = hv_ic_heartbeat_ready;
    k->answer = hv_ic_heartbeat_answer;
    k->closed = hv_ic_heartbeat_closed;
}

static const TypeInfo hv_ic_heartbeat_types[] = {
    {
        .name = TYPE_HV_IC_HEARTBEAT,
        .parent = TYPE_HV_IC,
        .instance_size = sizeof(HvIcHeartbeat),
        .class_init = hv_ic_heartbeat_class_init,
    },
};

DEFINE_TYPES(hv_ic_heartbeat_types)
