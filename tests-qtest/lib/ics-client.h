/*
 * A guest's integration services for qtests: framing and negotiation as in Linux,
 * and QMP commands whose answers come when the guest has given its own
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ICS_CLIENT_H
#define ICS_CLIENT_H

#include "qobject/qdict.h"
#include "vmbus-client.h"
#include "hw/paravisor/ics-defs.h"

#define IC_GUID_SHUTDOWN    "0e0b6031-5213-4934-818b-38d90ced39db"
#define IC_GUID_TIMESYNC    "9527e630-d0ae-497b-adce-e80ab0175caf"
#define IC_GUID_HEARTBEAT   "57164f39-9115-4e78-ab55-382f3bd5422d"
#define IC_GUID_KVP         "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6"
#define IC_GUID_VSS         "35fa2e29-ea23-4236-96ae-3a6ebacba440"
#define IC_GUID_FCOPY       "34d14be3-dee4-41c8-9ae7-6b174977c192"

/* as vmbus_open() in Linux's hv_utils: header page and 12 KiB */
#define IC_RING_PAGES       4

/* A message of the host, to be answered in place */
typedef struct IcMessage {
    uint32_t bytes;
    uint8_t raw[HV_IC_MAX_MSG_BYTES];
} IcMessage;

typedef struct IcClient {
    VmbusClient *c;
    VmbusChannel *ch;
} IcClient;

HvIcHeaderWire ic_header(const IcMessage *msg);
void ic_set_header(IcMessage *msg, const HvIcHeaderWire *hdr);
uint8_t *ic_body(IcMessage *msg);

/* Open the service's channel; its NEGOTIATE is not read */
IcClient *ic_open(VmbusClient *c, const char *guid);
/* open, and agree on framework 3.0 and version @major.@minor */
IcClient *ic_start(VmbusClient *c, const char *guid, uint16_t major,
                   uint16_t minor);
void ic_close(IcClient *ic);
/* The host knows the channel no more: free */
void ic_forget(IcClient *ic);

/* Next message of the host, if there is one */
bool ic_poll(IcClient *ic, IcMessage *msg);
/* As above, waiting for it, and it is of @type */
void ic_expect(IcClient *ic, uint16_t type, IcMessage *msg);
/* Make an answer of @msg with @status, as Linux does, and send it */
void ic_answer(IcClient *ic, IcMessage *msg, uint32_t status);
/* Send @msg as it is */
void ic_send(IcClient *ic, const IcMessage *msg);

/* Choose these versions in answer to NEGOTIATE and send that */
void ic_choose(IcClient *ic, IcMessage *msg, uint16_t framework_major,
               uint16_t framework_minor, uint16_t major, uint16_t minor);
/* Does NEGOTIATE @msg offer it? */
bool ic_offers(IcMessage *msg, uint16_t major, uint16_t minor);

/* Send a QMP command (JSON) without waiting for its answer */
void ic_qmp_send(HvGuest *g, const char *json);
/* The answer to it, which is "return" or "error"; the caller unrefs */
QDict *ic_qmp_receive(HvGuest *g);
/* The answer is no error; it has @text in its description */
void ic_qmp_expect_ok(HvGuest *g);
void ic_qmp_expect_error(HvGuest *g, const char *text);
/* Both at once, for a command that does not need the guest */
void ic_qmp_fails(HvGuest *g, const char *json, const char *text);

/* State of service @name in query-hv-ics, "absent" if it is not there */
char *ic_query_state(HvGuest *g, const char *name);
void ic_expect_state(HvGuest *g, const char *name, const char *state);
/* query-hv-ics, member @part; the caller unrefs */
QDict *ic_query(HvGuest *g, const char *part);

/* A machine with all services and a connected guest; services are not opened */
typedef struct IcMachine {
    HvGuest *g;
    VmbusClient *c;
} IcMachine;

#define IC_QMP_SET \
    "{'execute': 'hv-kvp-set', 'arguments': {'key': 'k', 'value': 'v'}}"

void ic_machine_start(IcMachine *m, const char *extra);
void ic_machine_stop(IcMachine *m);
/* Let virtual time pass */
void ic_machine_run(IcMachine *m, double seconds);

void ic_check_heartbeat(IcMachine *m, const char *state, uint64_t sequence);
/* Answer the next heartbeat, its sequence plus @add */
void ic_beat(IcClient *ic, IcMessage *msg, uint64_t add, uint32_t app_state);

void ic_expect_vss(IcClient *ic, IcMessage *msg, uint8_t operation);
void ic_check_frozen(IcMachine *m, bool frozen);
/* hv-vss-freeze with @args until FREEZE is in @msg, to be answered */
void ic_freeze(IcMachine *m, IcClient *ic, IcMessage *msg, const char *args);

#endif /* ICS_CLIENT_H */
