/*
 * Integration services: what all of them have in common
 *
 * Each service is a device of its own, as it is a VMBus device for the guest.  The
 * channel, negotiation, waiting for an answer, migration are here; bodies of
 * messages and the monitor's commands are in hv-ics-SERVICE.c.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "system/runstate.h"
#include "ics-internal.h"

/* Packets taken in one run of notify() */
#define HV_IC_RECV_BATCH    16

/* A coroutine in hv_ic_call() */
struct HvIcCall {
    Coroutine *co;
    HvIcAnswer *answer;
    QEMUTimer *timer;
    const char *failure;                /* NULL: answered */
    bool is_over;
};

HvIc *hv_ic_find(const char *type, Error **errp)
{
    Object *obj = object_resolve_path_type("", type, NULL);

    if (!obj || !DEVICE(obj)->realized) {
        error_setg(errp, "this machine has no %s device", type);
        return NULL;
    }
    return HV_IC(obj);
}

static void hv_ic_call_over(HvIc *ic, const char *failure)
{
    HvIcCall *call = ic->call;

    if (call && !call->is_over) {
        call->is_over = true;
        call->failure = failure;
        timer_del(call->timer);
        aio_co_schedule(qemu_get_aio_context(), call->co);
    }
}

static void hv_ic_call_timeout(void *opaque)
{
    HvIc *ic = opaque;

    trace_hv_ic_timeout(object_get_typename(OBJECT(ic)), ic->core.trans_id);
    hv_ic_call_over(ic, "the guest did not answer in time");
}

static bool hv_ic_send(HvIc *ic, const uint8_t *msg, uint32_t msg_bytes)
{
    if (!hvbus_send(ic->chan, HVBUS_PKT_INBAND, 0, 0, NULL, 0, msg,
                    msg_bytes)) {
        return false;
    }
    hv_ic_core_sent(&ic->core);
    hvbus_send_flush(ic->chan);
    return true;
}

bool hv_ic_request(HvIc *ic, const void *body, uint32_t body_bytes)
{
    g_autofree uint8_t *msg = NULL;
    uint32_t msg_bytes;

    if (!ic->chan || ic->core.state != HV_IC_READY || !runstate_is_running()) {
        return false;
    }
    msg = g_malloc(HV_IC_MAX_MSG_BYTES);
    msg_bytes = hv_ic_core_build_request(&ic->core, msg, body, body_bytes);
    if (!hv_ic_send(ic, msg, msg_bytes)) {
        return false;
    }
    trace_hv_ic_request(object_get_typename(OBJECT(ic)), ic->core.trans_id,
                        body_bytes);
    return true;
}

/* Why a request cannot be sent now, or NULL */
static const char *hv_ic_obstacle(HvIc *ic)
{
    if (!runstate_is_running()) {
        return "the machine is stopped";
    }
    if (ic->call) {
        return "another command is under way";
    }
    if (ic->chan && !hvbus_channel_is_open(ic->chan)) {
        return "the guest broke the channel";
    }
    switch (ic->core.state) {
    case HV_IC_CLOSED:
        return "the guest does not use the service";
    case HV_IC_OPENED:
    case HV_IC_NEGOTIATING:
        return "the guest has not agreed on a version";
    case HV_IC_REFUSED:
        return "the guest knows none of our versions";
    case HV_IC_BUSY:
        return "the guest has not answered an earlier request";
    default:
        return NULL;
    }
}

bool coroutine_fn hv_ic_call(HvIc *ic, const void *body, uint32_t body_bytes,
                             int64_t timeout_ms, HvIcAnswer *answer,
                             Error **errp)
{
    const char *type = object_get_typename(OBJECT(ic));
    const char *obstacle = hv_ic_obstacle(ic);
    HvIcCall call = { .co = qemu_coroutine_self(), .answer = answer };

    if (obstacle) {
        error_setg(errp, "%s: %s", type, obstacle);
        return false;
    }
    if (!hv_ic_request(ic, body, body_bytes)) {
        error_setg(errp, "%s: no room in the guest's ring", type);
        return false;
    }
    object_ref(OBJECT(ic));
    call.timer = timer_new_ms(QEMU_CLOCK_REALTIME, hv_ic_call_timeout, ic);
    timer_mod(call.timer,
              qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + timeout_ms);
    ic->call = &call;
    while (!call.is_over) {
        qemu_coroutine_yield();
    }
    ic->call = NULL;
    timer_free(call.timer);
    object_unref(OBJECT(ic));
    if (call.failure) {
        error_setg(errp, "%s: %s", type, call.failure);
        return false;
    }
    return true;
}

bool coroutine_fn hv_ic_call_ok(HvIc *ic, const char *what, const void *body,
                                uint32_t body_bytes, int64_t timeout_ms,
                                HvIcAnswer *answer, Error **errp)
{
    const char *type = object_get_typename(OBJECT(ic));

    if (!hv_ic_call(ic, body, body_bytes, timeout_ms, answer, errp)) {
        return false;
    }
    if (answer->status != HV_IC_STATUS_OK) {
        error_setg(errp, "%s: the guest refused %s: %s (0x%08x)", type, what,
                   hv_ic_status_text(answer->status), answer->status);
        return false;
    }
    return true;
}

static void hv_ic_negotiate(HvIc *ic)
{
    g_autofree uint8_t *msg = g_malloc(HV_IC_MAX_MSG_BYTES);
    uint32_t msg_bytes = hv_ic_core_build_negotiate(&ic->core, msg);

    /* else: notify() runs when there is room */
    if (hv_ic_send(ic, msg, msg_bytes)) {
        trace_hv_ic_negotiate(object_get_typename(OBJECT(ic)));
    }
}

static void hv_ic_answered(HvIc *ic, const HvIcVerdict *v)
{
    HvIcClass *k = HV_IC_GET_CLASS(ic);
    HvIcCall *call = ic->call;

    trace_hv_ic_answer(object_get_typename(OBJECT(ic)), ic->core.trans_id,
                       v->status, v->body_bytes);
    if (call && !call->is_over) {
        call->answer->status = v->status;
        call->answer->body_bytes = v->body_bytes;
        memcpy(call->answer->body, v->body, v->body_bytes);
        hv_ic_call_over(ic, NULL);
    } else if (k->answer) {
        k->answer(ic, v);
    }
}

static void hv_ic_handle_packet(HvIc *ic, const HvbusPacket *pkt)
{
    HvIcClass *k = HV_IC_GET_CLASS(ic);
    HvIcVerdict v;

    if (pkt->type != HVBUS_PKT_INBAND) {
        hv_ic_guest_error(ic, "packet of unknown type");
        return;
    }
    if (pkt->msg_bytes > HV_IC_MAX_MSG_BYTES) {
        hv_ic_guest_error(ic, "message is too long");
        return;
    }
    hv_ic_core_handle(&ic->core, pkt->msg, pkt->msg_bytes, &v);
    switch (v.event) {
    case HV_IC_EVENT_BAD:
        hv_ic_guest_error(ic, v.why);
        break;
    case HV_IC_EVENT_READY:
        trace_hv_ic_ready(object_get_typename(OBJECT(ic)),
                          ic->core.framework.major, ic->core.framework.minor,
                          ic->core.message.major, ic->core.message.minor);
        if (k->ready) {
            k->ready(ic);
        }
        break;
    case HV_IC_EVENT_REFUSED:
        hv_ic_guest_error(ic, "no common version");
        break;
    case HV_IC_EVENT_ANSWER:
        hv_ic_answered(ic, &v);
        break;
    }
}

static void hv_ic_notify(HvbusDevice *dev, HvbusChannel *chan)
{
    HvIc *ic = HV_IC(dev);
    int budget = HV_IC_RECV_BATCH;
    HvbusPacket pkt;

    if (!ic->chan) {
        return;
    }
    if (ic->core.state == HV_IC_OPENED) {
        hv_ic_negotiate(ic);
    }
    hvbus_recv_begin(chan);
    while (budget-- && hvbus_recv(chan, &pkt) > 0) {
        hv_ic_handle_packet(ic, &pkt);
    }
    if (hvbus_recv_end(chan)) {
        hvbus_channel_kick(chan);
    }
}

static bool hv_ic_open(HvbusDevice *dev, HvbusChannel *chan,
                       const uint8_t *user_data)
{
    HvIc *ic = HV_IC(dev);

    trace_hv_ic_open(object_get_typename(OBJECT(ic)));
    ic->chan = chan;
    hv_ic_core_open(&ic->core);
    return true;
}

static void hv_ic_close(HvbusDevice *dev, HvbusChannel *chan)
{
    HvIc *ic = HV_IC(dev);
    HvIcClass *k = HV_IC_GET_CLASS(ic);

    trace_hv_ic_close(object_get_typename(OBJECT(ic)));
    ic->chan = NULL;
    hv_ic_core_close(&ic->core);
    hv_ic_call_over(ic, "the guest closed the channel");
    if (k->closed) {
        k->closed(ic);
    }
}

static void hv_ic_fill_offer(HvbusDevice *dev, uint8_t *user_def)
{
    stl_le_p(user_def, HVBUS_PIPE_MODE_MESSAGE);
}

static void hv_ic_vm_state_change(void *opaque, bool running, RunState state)
{
    HvIc *ic = opaque;
    HvIcClass *k = HV_IC_GET_CLASS(ic);

    if (running && k->resumed) {
        k->resumed(ic);
    }
}

static void hv_ic_realize(HvbusDevice *dev, Error **errp)
{
    HvIc *ic = HV_IC(dev);
    HvIcClass *k = HV_IC_GET_CLASS(ic);
    const char *type = object_get_typename(OBJECT(ic));
    bool ambiguous = false;

    object_resolve_path_type("", type, &ambiguous);
    if (ambiguous) {
        error_setg(errp, "a machine can have one %s only", type);
        return;
    }
    if (k->setup && !k->setup(ic, errp)) {
        return;
    }
    ic->vm_state_entry = qdev_add_vm_change_state_handler(
        DEVICE(dev), hv_ic_vm_state_change, ic);
}

static void hv_ic_unrealize(HvbusDevice *dev)
{
    HvIc *ic = HV_IC(dev);
    HvIcClass *k = HV_IC_GET_CLASS(ic);

    qemu_del_vm_change_state_handler(ic->vm_state_entry);
    hv_ic_call_over(ic, "the device was removed");
    if (k->cleanup) {
        k->cleanup(ic);
    }
}

static int hv_ic_pre_save(void *opaque)
{
    HvIc *ic = opaque;

    ic->saved_state = ic->core.state;
    return 0;
}

static int hv_ic_post_load(void *opaque, int version_id)
{
    HvIc *ic = opaque;
    HvbusChannel *chan = hvbus_device_channel(HVBUS_DEVICE(ic), 0);
    bool is_open = ic->saved_state != HV_IC_CLOSED;

    ic->core.state = ic->saved_state;
    if (!hv_ic_core_valid(&ic->core) ||
        is_open != (chan && hvbus_channel_was_opened(chan))) {
        error_report("%s: bad state in the migration stream",
                     object_get_typename(OBJECT(ic)));
        /* fit for a reset */
        hv_ic_core_close(&ic->core);
        return -EINVAL;
    }
    hv_ic_call_over(ic, "the machine's state was replaced");
    ic->chan = is_open ? chan : NULL;
    return 0;
}

const VMStateDescription vmstate_hv_ic = {
    .name = "hv-ic",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = hv_ic_pre_save,
    .post_load = hv_ic_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_HVBUS_DEVICE(parent_obj, HvIc),
        VMSTATE_UINT8(saved_state, HvIc),
        VMSTATE_UINT8(core.trans_id, HvIc),
        VMSTATE_UINT16(core.framework.major, HvIc),
        VMSTATE_UINT16(core.framework.minor, HvIc),
        VMSTATE_UINT16(core.message.major, HvIc),
        VMSTATE_UINT16(core.message.minor, HvIc),
        VMSTATE_END_OF_LIST()
    }
};

static void hv_ic_instance_init(Object *obj)
{
    HvIc *ic = HV_IC(obj);
    HvIcClass *k = HV_IC_GET_CLASS(ic);

    ic->core.protocol = k->protocol;
    HVBUS_DEVICE(obj)->instance_id = k->instance_id;
}

static void hv_ic_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvbusDeviceClass *hdc = HVBUS_DEVICE_CLASS(klass);

    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    hdc->offer_flags = HVBUS_OFFER_NAMED_PIPE;
    hdc->realize = hv_ic_realize;
    hdc->unrealize = hv_ic_unrealize;
    hdc->fill_offer = hv_ic_fill_offer;
    hdc->open = hv_ic_open;
    hdc->close = hv_ic_close;
    hdc->notify = hv_ic_notify;
}

static const TypeInfo hv_ic_types[] = {
    {
        .name = TYPE_HV_IC,
        .parent = TYPE_HVBUS_DEVICE,
        .abstract = true,
        .instance_size = sizeof(HvIc),
        .instance_init = hv_ic_instance_init,
        .class_size = sizeof(HvIcClass),
        .class_init = hv_ic_class_init,
    },
};

DEFINE_TYPES(hv_ic_types)
