/*
 * hv-ic-vss: freeze the guest's file systems for a backup, and thaw them
 *
 * A daemon in the guest does it.  File systems stay frozen no longer than the
 * caller of hv-vss-freeze said: if its hv-vss-thaw does not come, or a guest says
 * that it is frozen after we gave up waiting for it, it is thawed from here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "ics-internal.h"

/* to write back dirty pages may take long */
#define HV_IC_VSS_TIMEOUT_S     60
#define HV_IC_VSS_THAW_AFTER_S  60
#define HV_IC_VSS_RETRY_NS      (2 * NANOSECONDS_PER_SECOND)

OBJECT_DECLARE_SIMPLE_TYPE(HvIcVss, HV_IC_VSS)

struct HvIcVss {
    HvIc parent_obj;

    /* migrated */
    QEMUTimer *timer;                   /* virtual clock; thaws */
    bool is_frozen;
    uint8_t operation;                  /* of the latest request */
    bool was_asked;                     /* HOT_BACKUP was answered */
    uint32_t hot_backup_flags;          /* with these */
};

static const HvIcProtocol hv_ic_vss_protocol = {
    .msg_type = HV_IC_MSG_VSS,
    .framework_count = 1,
    .frameworks = { { 3, 0 } },
    .message_count = 1,
    .messages = { { 5, 0 } },
};

static bool coroutine_fn hv_ic_vss_call(HvIcVss *s, uint8_t operation,
                                        const char *what, int64_t timeout_ms,
                                        Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    HvIcVssWire wire = { .operation = operation };

    if (HV_IC(s)->core.state == HV_IC_READY) {
        s->operation = operation;
    }
    if (!hv_ic_call_ok(HV_IC(s), what, &wire, sizeof(wire), timeout_ms,
                       answer, errp)) {
        return false;
    }
    if (operation == HV_IC_VSS_HOT_BACKUP &&
        answer->body_bytes >= HV_IC_VSS_MIN_BYTES) {
        s->was_asked = true;
        s->hot_backup_flags = ldl_le_p(answer->body +
                                       offsetof(HvIcVssWire, flags));
    }
    return true;
}

/* Thaw without anybody waiting; again later if that is not possible now */
static void hv_ic_vss_thaw(HvIcVss *s)
{
    HvIcVssWire wire = { .operation = HV_IC_VSS_THAW };
    bool sent = hv_ic_request(HV_IC(s), &wire, sizeof(wire));

    trace_hv_ic_vss_thaw(sent);
    if (sent) {
        s->operation = HV_IC_VSS_THAW;
    }
    timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                        HV_IC_VSS_RETRY_NS);
}

static void hv_ic_vss_timer(void *opaque)
{
    HvIcVss *s = opaque;

    if (s->is_frozen) {
        hv_ic_vss_thaw(s);
    }
}

static void hv_ic_vss_set_frozen(HvIcVss *s, bool is_frozen, uint32_t seconds)
{
    s->is_frozen = is_frozen;
    trace_hv_ic_vss_frozen(is_frozen, seconds);
    if (is_frozen) {
        timer_mod(s->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                            seconds * NANOSECONDS_PER_SECOND);
    } else {
        timer_del(s->timer);
    }
}

/* Nobody waits for this: it is late, or thaws what nobody else did */
static void hv_ic_vss_answer(HvIc *ic, const HvIcVerdict *v)
{
    HvIcVss *s = HV_IC_VSS(ic);

    if (v->status != HV_IC_STATUS_OK) {
        return;
    }
    if (s->operation == HV_IC_VSS_FREEZE) {
        hv_ic_vss_set_frozen(s, true, 0);
    } else if (s->operation == HV_IC_VSS_THAW) {
        hv_ic_vss_set_frozen(s, false, 0);
    }
}

static void hv_ic_vss_closed(HvIc *ic)
{
    HvIcVss *s = HV_IC_VSS(ic);

    s->operation = 0;
    s->was_asked = false;
    if (s->is_frozen) {
        hv_ic_vss_set_frozen(s, false, 0);
    }
}

HypervVssInfo *hv_ic_vss_info(HvIc *ic)
{
    HvIcVss *s = HV_IC_VSS(ic);
    HypervVssInfo *info = g_new0(HypervVssInfo, 1);

    info->frozen = s->is_frozen;
    if (s->is_frozen) {
        info->has_thaw_in = true;
        info->thaw_in = MAX(0, (int64_t)(timer_expire_time_ns(s->timer) -
                                qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL))) /
                        SCALE_MS;
    }
    info->has_hot_backup_flags = s->was_asked;
    info->hot_backup_flags = s->hot_backup_flags;
    return info;
}

void coroutine_fn qmp_hv_vss_freeze(bool has_timeout, uint32_t timeout,
                                    bool has_thaw_after, uint32_t thaw_after,
                                    Error **errp)
{
    HvIc *ic = hv_ic_find(TYPE_HV_IC_VSS, errp);
    int64_t timeout_ms = (has_timeout ? timeout : HV_IC_VSS_TIMEOUT_S) * 1000LL;
    HvIcVss *s;

    if (!ic) {
        return;
    }
    s = HV_IC_VSS(ic);
    if (s->is_frozen) {
        error_setg(errp, "the guest's file systems are frozen already");
        return;
    }
    object_ref(OBJECT(s));
    if (!hv_ic_vss_call(s, HV_IC_VSS_HOT_BACKUP, "a backup", timeout_ms,
                        errp) ||
        !hv_ic_vss_call(s, HV_IC_VSS_FREEZE, "to freeze", timeout_ms, errp)) {
        /* told */
    } else if (!ic->chan) {
        error_setg(errp, "the guest has closed the service");
    } else {
        hv_ic_vss_set_frozen(s, true, has_thaw_after ? thaw_after
                                                     : HV_IC_VSS_THAW_AFTER_S);
    }
    object_unref(OBJECT(s));
}

void coroutine_fn qmp_hv_vss_thaw(bool has_timeout, uint32_t timeout,
                                  Error **errp)
{
    HvIc *ic = hv_ic_find(TYPE_HV_IC_VSS, errp);
    int64_t timeout_ms = (has_timeout ? timeout : HV_IC_VSS_TIMEOUT_S) * 1000LL;
    HvIcVss *s;

    if (!ic) {
        return;
    }
    s = HV_IC_VSS(ic);
    if (!s->is_frozen) {
        error_setg(errp, "the guest's file systems are not frozen, or not any "
                   "more");
        return;
    }
    object_ref(OBJECT(s));
    if (hv_ic_vss_call(s, HV_IC_VSS_THAW, "to thaw", timeout_ms, errp)) {
        hv_ic_vss_set_frozen(s, false, 0);
    }
    object_unref(OBJECT(s));
}

static bool hv_ic_vss_setup(HvIc *ic, Error **errp)
{
    HvIcVss *s = HV_IC_VSS(ic);

    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, hv_ic_vss_timer, s);
    return true;
}

static void hv_ic_vss_cleanup(HvIc *ic)
{
    timer_del(HV_IC_VSS(ic)->timer);
}

static void hv_ic_vss_finalize(Object *obj)
{
    /* a command that outlives the device may look at it */
    timer_free(HV_IC_VSS(obj)->timer);
}

static const VMStateDescription vmstate_hv_ic_vss = {
    .name = TYPE_HV_IC_VSS,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_HV_IC(parent_obj, HvIcVss),
        VMSTATE_TIMER_PTR(timer, HvIcVss),
        VMSTATE_BOOL(is_frozen, HvIcVss),
        VMSTATE_UINT8(operation, HvIcVss),
        VMSTATE_BOOL(was_asked, HvIcVss),
        VMSTATE_UINT32(hot_backup_flags, HvIcVss),
        VMSTATE_END_OF_LIST()
    }
};

static void hv_ic_vss_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvIcClass *k = HV_IC_CLASS(klass);

    dc->desc = "Hyper-V integration service: volume snapshots";
    dc->vmsd = &vmstate_hv_ic_vss;
    HVBUS_DEVICE_CLASS(klass)->if_type = (QemuUUID) {
        .data = UUID(0x35fa2e29, 0xea23, 0x4236, 0x96, 0xae,
                     0x3a, 0x6e, 0xba, 0xcb, 0xa4, 0x40)
    };
    k->instance_id = (QemuUUID) {
        .data = UUID(0x2450ee40, 0x33bf, 0x4fbd, 0x89, 0x2e,
                     0x9f, 0xb0, 0x6e, 0x92, 0x14, 0xcf)
    };
    k->protocol = &hv_ic_vss_protocol;
    k->setup = hv_ic_vss_setup;
    k->cleanup = hv_ic_vss_cleanup;
    k->answer = hv_ic_vss_answer;
    k->closed = hv_ic_vss_closed;
}

static const TypeInfo hv_ic_vss_types[] = {
    {
        .name = TYPE_HV_IC_VSS,
        .parent = TYPE_HV_IC,
        .instance_size = sizeof(HvIcVss),
        .instance_finalize = hv_ic_vss_finalize,
        .class_init = hv_ic_vss_class_init,
    },
};

DEFINE_TYPES(hv_ic_vss_types)
