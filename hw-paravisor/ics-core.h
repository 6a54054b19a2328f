/*
 * Integration services: framing, version negotiation, one request at a time
 *
 * The host asks, the guest answers.  After the channel opens the host offers
 * versions; when the guest has chosen, requests follow, never two at a time: Linux
 * reads a single packet per interrupt.  An answer that comes after the host has
 * given up waiting still frees the service for the next request.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ICS_CORE_H
#define ICS_CORE_H

#include "ics-defs.h"

typedef struct HvIcVersion {
    uint16_t major;
    uint16_t minor;
} HvIcVersion;

#define HV_IC_MAX_VERSIONS      8

/* What a service speaks; constant */
typedef struct HvIcProtocol {
    uint16_t msg_type;                  /* HV_IC_MSG_* */
    uint8_t framework_count;
    uint8_t message_count;
    HvIcVersion frameworks[HV_IC_MAX_VERSIONS];
    HvIcVersion messages[HV_IC_MAX_VERSIONS];
} HvIcProtocol;

typedef enum HvIcState {
    HV_IC_CLOSED,                       /* the guest does not use it */
    HV_IC_OPENED,                       /* NEGOTIATE is to be sent */
    HV_IC_NEGOTIATING,
    HV_IC_REFUSED,                      /* no version in common */
    HV_IC_READY,
    HV_IC_BUSY,                         /* a request is not yet answered */
    HV_IC_STATE_COUNT
} HvIcState;

typedef struct HvIcCore {
    const HvIcProtocol *protocol;

    /* migrated */
    uint8_t state;                      /* HvIcState */
    uint8_t trans_id;                   /* of the latest request */
    HvIcVersion framework;              /* READY and BUSY */
    HvIcVersion message;
} HvIcCore;

typedef enum HvIcEvent {
    HV_IC_EVENT_BAD,                    /* ignored; .why tells */
    HV_IC_EVENT_READY,                  /* versions are agreed */
    HV_IC_EVENT_REFUSED,
    HV_IC_EVENT_ANSWER,                 /* to the request that was under way */
} HvIcEvent;

typedef struct HvIcVerdict {
    HvIcEvent event;
    const char *why;
    uint32_t status;                    /* of an answer */
    const uint8_t *body;                /* inside the message */
    uint32_t body_bytes;
} HvIcVerdict;

void hv_ic_core_open(HvIcCore *core);
void hv_ic_core_close(HvIcCore *core);

/*
 * Build NEGOTIATE (OPENED) or a request with @body (READY) in @buf; returns its
 * bytes.  Nothing is under way until hv_ic_core_sent().
 */
uint32_t hv_ic_core_build_negotiate(const HvIcCore *core,
                                    uint8_t buf[HV_IC_MAX_MSG_BYTES]);
uint32_t hv_ic_core_build_request(const HvIcCore *core,
                                  uint8_t buf[HV_IC_MAX_MSG_BYTES],
                                  const void *body, uint32_t body_bytes);
/* The message that was built is in the ring */
void hv_ic_core_sent(HvIcCore *core);

/* A packet of the guest, already copied */
void hv_ic_core_handle(HvIcCore *core, const uint8_t *msg, uint32_t msg_bytes,
                       HvIcVerdict *v);

/* The negotiated message version is at least @major.@minor */
bool hv_ic_core_speaks(const HvIcCore *core, uint16_t major, uint16_t minor);

/* Could it come from a migration stream? */
bool hv_ic_core_valid(const HvIcCore *core);

/* What a status of an answer means, in words */
const char *hv_ic_status_text(uint32_t status);

#endif /* ICS_CORE_H */
