/*
 * Integration services: shared by hv-ics*.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ICS_INTERNAL_H
#define ICS_INTERNAL_H

#include "hw/vmbus/vmbus-channel.h"
#include "migration/vmstate.h"
#include "qapi/qapi-types-hyperv.h"
#include "qemu/coroutine.h"
#include "qemu/log.h"
#include "qemu/timer.h"
#include "ics-core.h"
#include "trace.h"

#define TYPE_HV_IC              "hv-ic"
OBJECT_DECLARE_TYPE(HvIc, HvIcClass, HV_IC)

#define TYPE_HV_IC_SHUTDOWN     "hv-ic-shutdown"
#define TYPE_HV_IC_HEARTBEAT    "hv-ic-heartbeat"
#define TYPE_HV_IC_TIMESYNC     "hv-ic-timesync"
#define TYPE_HV_IC_KVP          "hv-ic-kvp"
#define TYPE_HV_IC_VSS          "hv-ic-vss"
#define TYPE_HV_IC_FCOPY        "hv-ic-fcopy"

typedef struct HvIcCall HvIcCall;

/* A service: a device with one channel.  All of it runs in the main loop */
struct HvIc {
    HvbusDevice parent_obj;

    /* migrated */
    HvIcCore core;
    uint8_t saved_state;                /* HvIcState in the stream */

    /* host only */
    HvbusChannel *chan;                 /* NULL: closed */
    HvIcCall *call;                     /* coroutine that waits, or NULL */
    VMChangeStateEntry *vm_state_entry;
};

struct HvIcClass {
    HvbusDeviceClass parent_class;

    const HvIcProtocol *protocol;
    /* text order; Linux and Hyper-V know the services by these */
    QemuUUID instance_id;

    /* All optional */
    bool (*setup)(HvIc *ic, Error **errp);
    void (*cleanup)(HvIc *ic);
    void (*ready)(HvIc *ic);            /* versions are agreed */
    /* An answer that no hv_ic_call() waits for */
    void (*answer)(HvIc *ic, const HvIcVerdict *v);
    void (*closed)(HvIc *ic);
    void (*resumed)(HvIc *ic);          /* the VM runs (again) */
};

extern const VMStateDescription vmstate_hv_ic;
#define VMSTATE_HV_IC(_field, _state) \
    VMSTATE_STRUCT(_field, _state, 1, vmstate_hv_ic, HvIc)

/* Answer to hv_ic_call() */
typedef struct HvIcAnswer {
    uint32_t status;                    /* HV_IC_STATUS_* */
    uint32_t body_bytes;
    uint8_t body[HV_IC_MAX_BODY_BYTES];
} HvIcAnswer;

/* The machine's device of @type, or NULL and @errp set */
HvIc *hv_ic_find(const char *type, Error **errp);

/*
 * Send a request without waiting.  False if the service is not ready or the ring
 * has no room; nothing was sent then.
 */
bool hv_ic_request(HvIc *ic, const void *body, uint32_t body_bytes);

/*
 * Send a request and wait for the answer, at most @timeout_ms of real time.  False
 * and @errp set if it could not be sent or no answer came; an answer that says no
 * is an answer.
 */
bool coroutine_fn hv_ic_call(HvIc *ic, const void *body, uint32_t body_bytes,
                             int64_t timeout_ms, HvIcAnswer *answer,
                             Error **errp);
/* As above, and the answer has to say yes; @what was asked for in the error */
bool coroutine_fn hv_ic_call_ok(HvIc *ic, const char *what, const void *body,
                                uint32_t body_bytes, int64_t timeout_ms,
                                HvIcAnswer *answer, Error **errp);

/* What query-hv-ics shows of single services */
HypervHeartbeatInfo *hv_ic_heartbeat_info(HvIc *ic);
HypervVssInfo *hv_ic_vss_info(HvIc *ic);

#define hv_ic_guest_error(ic, why)                                          \
    do {                                                                    \
        trace_hv_ic_guest_error(object_get_typename(OBJECT(ic)), why);      \
        qemu_log_mask(LOG_GUEST_ERROR, "%s: %s\n",                          \
                      object_get_typename(OBJECT(ic)), why);                \
    } while (0)

#endif /* ICS_INTERNAL_H */
