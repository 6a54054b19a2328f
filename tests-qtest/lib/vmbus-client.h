/*
 * A guest's VMBus driver for qtests
 *
 * It shares vmbus-defs.h with the server and nothing else.  Every message goes
 * through a hypercall, every answer through the message page; rings are in guest
 * RAM that the test maps.  The vmbus_expect functions abort the test when the
 * answer does not come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_CLIENT_H
#define VMBUS_CLIENT_H

#include "hv-guest.h"
#include "hw/vmbus/vmbus-defs.h"

#define VMBUS_GUID_NET      "f8615163-df3e-46c5-913f-f2d2f965ed0e"
#define VMBUS_GUID_SCSI     "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f"

typedef struct VmbusOffer {
    uint8_t if_type[16];        /* text order */
    uint8_t instance_id[16];
    uint32_t relid;
    uint32_t conn_id;
    uint16_t sub_idx;
    bool rescinded;
} VmbusOffer;

typedef struct VmbusMessage {
    uint32_t bytes;
    union {
        HvbusHeaderWire hdr;
        HvbusOpenResultWire open_result;
        HvbusGpadlCreatedWire gpadl_created;
        HvbusGpadlTorndownWire torndown;
        HvbusVersionResponseWire version;
        HvbusModifyResponseWire modified;
        HvbusRelidWire relid;
        uint8_t raw[HV_MSG_PAYLOAD_BYTES];
    };
} VmbusMessage;

typedef struct VmbusClient {
    HvGuest *g;
    unsigned vp;                /* that gets the messages */
    uint32_t version;           /* 0: not connected */
    uint32_t conn_id;           /* where messages go */
    bool all_offers;            /* ALLOFFERS_DELIVERED came */
    uint32_t next_gpadl_id;
    GPtrArray *offers;          /* of VmbusOffer, rescinded ones included */
    GQueue *inbox;              /* of VmbusMessage */
} VmbusClient;

/* SynIC and hypercall page are set up; not connected */
VmbusClient *vmbus_client_new(HvGuest *g, unsigned vp);
/* Forget everything after a reset of the machine and set up again */
void vmbus_client_restart(VmbusClient *c);
void vmbus_client_free(VmbusClient *c);

/* Post @bytes of @msg as they are */
HvStatus vmbus_post(VmbusClient *c, const void *msg, uint32_t bytes);
/* Post a message with a relid; HV_STATUS_OK is expected */
void vmbus_post_relid(VmbusClient *c, uint32_t type, uint32_t relid);

/* Take what has come; offers and rescinds are noted, the rest is queued */
void vmbus_pump(VmbusClient *c);
/* Next message of @type, waiting for it */
VmbusMessage vmbus_expect(VmbusClient *c, uint32_t type);
/* True if no message but offers and rescinds came until now */
bool vmbus_is_quiet(VmbusClient *c);
/* Post a bare message that is always answered and skip to the answer */
void vmbus_expect_alive(VmbusClient *c);

/* INITIATE_CONTACT as Linux does; true if the version was taken */
bool vmbus_try_version(VmbusClient *c, uint32_t version);
void vmbus_connect(VmbusClient *c, uint32_t version);
/* REQUESTOFFERS and all the answers */
void vmbus_request_offers(VmbusClient *c);
void vmbus_unload(VmbusClient *c);

/* A live offer: the @nth with @if_type (text) and @sub_idx, or NULL */
VmbusOffer *vmbus_find_offer(VmbusClient *c, const char *if_type,
                             uint16_t sub_idx, unsigned nth);
/* As above, waiting for it */
VmbusOffer *vmbus_expect_offer(VmbusClient *c, const char *if_type,
                               uint16_t sub_idx, unsigned nth);
/* Guest time goes by until then */
void vmbus_expect_rescind(VmbusClient *c, VmbusOffer *offer);

/* Post header and bodies for @pages pages that begin at @gpa */
void vmbus_post_gpadl(VmbusClient *c, uint32_t relid, uint32_t gpadl_id,
                      uint64_t gpa, unsigned pages);
/* Create a GPADL, return its id, expect status 0 */
uint32_t vmbus_gpadl_create(VmbusClient *c, uint32_t relid, uint64_t gpa,
                            unsigned pages);
void vmbus_gpadl_teardown(VmbusClient *c, uint32_t relid, uint32_t gpadl_id);

/* One direction of a channel, from the guest's side */
typedef struct VmbusRing {
    uint64_t gpa;               /* header page */
    uint32_t data_bytes;
} VmbusRing;

typedef struct VmbusChannel {
    VmbusClient *c;
    VmbusOffer *offer;
    unsigned target_vp;
    uint32_t gpadl_id;
    uint64_t ring_gpa;
    unsigned pages;             /* of one ring */
    VmbusRing out;              /* guest to host */
    VmbusRing in;
    uint64_t signals;           /* that the guest sent */
} VmbusChannel;

typedef struct VmbusPacket {
    uint16_t type;
    uint16_t flags;
    uint64_t trans_id;
    uint32_t msg_bytes;
    uint8_t msg[16384];
    uint32_t desc_bytes;        /* between descriptor and message: page sets */
    uint8_t desc[4800];
} VmbusPacket;

/* Rings and their GPADL, header pages zeroed; OPENCHANNEL is not sent */
VmbusChannel *vmbus_channel_new(VmbusClient *c, VmbusOffer *offer,
                                unsigned pages);
/* OPENCHANNEL; the status that came back */
uint32_t vmbus_channel_try_open(VmbusChannel *ch, unsigned target_vp);
/* Both of the above, expecting success */
VmbusChannel *vmbus_channel_open(VmbusClient *c, VmbusOffer *offer,
                                 unsigned pages, unsigned target_vp);
/* CLOSECHANNEL and GPADL teardown, then free */
void vmbus_channel_close(VmbusChannel *ch);
/* The host knows the channel no more: free it */
void vmbus_channel_forget(VmbusChannel *ch);

HvbusRingHeaderWire *vmbus_ring_header(VmbusChannel *ch, VmbusRing *ring);
uint8_t *vmbus_ring_data(VmbusChannel *ch, VmbusRing *ring);

void vmbus_channel_signal(VmbusChannel *ch);
/*
 * Put a packet into the ring without signalling; false if it does not fit.
 * The descriptor's lengths are right.
 */
bool vmbus_channel_push(VmbusChannel *ch, uint16_t type, uint16_t flags,
                        uint64_t trans_id, const void *desc,
                        uint32_t desc_bytes, const void *msg,
                        uint32_t msg_bytes);
/* Put raw bytes into the ring and move the index by their number */
void vmbus_channel_push_raw(VmbusChannel *ch, const void *data, uint32_t bytes);
/* Push one packet that fits and signal if the host wants that */
void vmbus_channel_send(VmbusChannel *ch, uint16_t type, uint16_t flags,
                        uint64_t trans_id, const void *desc,
                        uint32_t desc_bytes, const void *msg,
                        uint32_t msg_bytes);
/* Take a packet out of the ring, if there is one */
bool vmbus_channel_poll(VmbusChannel *ch, VmbusPacket *pkt);
/* As above, waiting at most @timeout_us */
bool vmbus_channel_wait(VmbusChannel *ch, VmbusPacket *pkt, int64_t timeout_us);

#endif /* VMBUS_CLIENT_H */
