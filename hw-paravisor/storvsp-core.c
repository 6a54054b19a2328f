/*
 * Storage VSP: protocol state, request parsing and answers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "storvsp-core.h"

void storvsp_core_reset(StorvspCore *c)
{
    c->state = STORVSP_UNINITIALIZED;
    c->version = 0;
}

static bool storvsp_version_ok(uint16_t version)
{
    return version == STORVSP_VERSION_5_1 ||
           version == STORVSP_VERSION_6_0 ||
           version == STORVSP_VERSION_6_2;
}

bool storvsp_core_valid(const StorvspCore *c)
{
    if (c->state >= STORVSP_STATE_COUNT) {
        return false;
    }
    return c->state < STORVSP_VERSION_KNOWN ? c->version == 0
                                            : storvsp_version_ok(c->version);
}

void storvsp_build_reply(StorvspPacketWire *reply, uint32_t status)
{
    memset(reply, 0, sizeof(*reply));
    reply->operation = cpu_to_le32(STORVSP_OP_COMPLETE_IO);
    reply->status = cpu_to_le32(status);
}

void storvsp_build_rescan(StorvspPacketWire *pkt)
{
    memset(pkt, 0, sizeof(*pkt));
    pkt->operation = cpu_to_le32(STORVSP_OP_ENUMERATE_BUS);
}

void storvsp_build_srb_reply(StorvspPacketWire *reply, const StorvspSrb *srb,
                             uint8_t srb_status, uint8_t scsi_status,
                             uint32_t data_bytes, const uint8_t *sense,
                             uint32_t sense_bytes)
{
    storvsp_build_reply(reply, STORVSP_STATUS_SUCCESS);
    reply->srb = srb->wire;
    reply->srb.scsi_status = scsi_status;
    reply->srb.data_transfer_length = cpu_to_le32(data_bytes);

    sense_bytes = sense ? MIN(sense_bytes, srb->sense_bytes) : 0;
    if (sense_bytes) {
        srb_status |= STORVSP_SRB_AUTOSENSE_VALID;
        memset(reply->srb.sense, 0, sizeof(reply->srb.sense));
        memcpy(reply->srb.sense, sense, sense_bytes);
    }
    reply->srb.sense_info_length = sense_bytes;
    reply->srb.srb_status = srb_status;
}

uint8_t storvsp_srb_status(uint8_t scsi_status)
{
    switch (scsi_status) {
    case STORVSP_SCSI_GOOD:
    case STORVSP_SCSI_CONDITION_MET:
        return STORVSP_SRB_SUCCESS;
    case STORVSP_SCSI_BUSY:
    case STORVSP_SCSI_TASK_SET_FULL:
    case STORVSP_SCSI_ACA_ACTIVE:
        /*
         * Linux acts on the SCSI status alone then, and queues the command
         * again; with ERROR it would use up one of its few retries.
         */
        return STORVSP_SRB_BUSY;
    case STORVSP_SCSI_TASK_ABORTED:
        return STORVSP_SRB_ABORTED;
    default:
        return STORVSP_SRB_ERROR;
    }
}

bool storvsp_failure_is_hidden(const uint8_t *cdb, bool *absent)
{
    /* a standard INQUIRY (no EVPD) full of zeros would be a disk */
    *absent = cdb[0] == STORVSP_SCSI_INQUIRY && !(cdb[1] & 1);
    return cdb[0] == STORVSP_SCSI_INQUIRY ||
           cdb[0] == STORVSP_SCSI_MODE_SENSE_6 ||
           cdb[0] == STORVSP_SCSI_MODE_SENSE_10;
}

bool storvsp_short_buffer_ok(const uint8_t *cdb)
{
    switch (cdb[0]) {
    case STORVSP_SCSI_READ_6:
    case STORVSP_SCSI_READ_10:
    case STORVSP_SCSI_READ_12:
    case STORVSP_SCSI_READ_16:
        return false;
    default:
        return true;
    }
}

int storvsp_absent_data(const StorvspSrb *srb, uint8_t *buf)
{
    uint32_t alloc_bytes;

    memset(buf, 0, STORVSP_ABSENT_BYTES);
    switch (srb->cdb[0]) {
    case STORVSP_SCSI_INQUIRY:
        buf[0] = 0x7f;                  /* no unit can be here, no type */
        if (!(srb->cdb[1] & 1)) {
            buf[4] = STORVSP_ABSENT_BYTES - 5;
            return MIN(lduw_be_p(&srb->cdb[3]), STORVSP_ABSENT_BYTES);
        }
        buf[1] = srb->cdb[2];           /* an empty page */
        return MIN(lduw_be_p(&srb->cdb[3]), 4);
    case STORVSP_SCSI_REPORT_LUNS:
        /* an empty list, lest Linux try 255 LUNs one by one */
        alloc_bytes = ldl_be_p(&srb->cdb[6]);
        return MIN(alloc_bytes, 8);
    default:
        return -1;
    }
}

bool storvsp_parse_srb(const StorvspSrbWire *wire, StorvspSrb *srb)
{
    memset(srb, 0, sizeof(*srb));
    srb->wire = *wire;
    srb->path = wire->path_id;
    srb->target = wire->target_id;
    srb->lun = wire->lun;
    srb->data_in = wire->data_in;
    srb->data_bytes = le32_to_cpu(wire->data_transfer_length);
    srb->sense_bytes = MIN(wire->sense_info_length, STORVSP_SENSE_BYTES);
    if (wire->cdb_length == 0 || wire->cdb_length > STORVSP_CDB_BYTES ||
        wire->data_in > STORVSP_DATA_UNKNOWN) {
        return false;
    }
    srb->cdb_bytes = wire->cdb_length;
    memcpy(srb->cdb, wire->cdb, srb->cdb_bytes);
    return true;
}

static uint32_t storvsp_query_version(StorvspCore *c,
                                      const StorvspPacketWire *pkt,
                                      StorvspVerdict *v)
{
    uint16_t version = le16_to_cpu(pkt->version.major_minor);

    if (!storvsp_version_ok(version)) {
        return STORVSP_STATUS_REVISION_MISMATCH;
    }
    c->version = version;
    c->state = STORVSP_VERSION_KNOWN;
    return STORVSP_STATUS_SUCCESS;
}

static uint32_t storvsp_query_properties(StorvspCore *c,
                                         const StorvspPacketWire *pkt,
                                         StorvspVerdict *v)
{
    StorvspPropertiesWire *p = &v->reply.properties;

    p->max_channel_count = cpu_to_le16(c->max_subchannels);
    p->flags = cpu_to_le32(c->max_subchannels ? STORVSP_PROPERTY_MULTI_CHANNEL
                                              : 0);
    p->max_transfer_bytes = cpu_to_le32(c->max_transfer_bytes);
    c->state = STORVSP_PROPERTIES_KNOWN;
    return STORVSP_STATUS_SUCCESS;
}

static uint32_t storvsp_begin(StorvspCore *c, const StorvspPacketWire *pkt,
                              StorvspVerdict *v)
{
    c->state = STORVSP_BEGUN;
    return STORVSP_STATUS_SUCCESS;
}

static uint32_t storvsp_end(StorvspCore *c, const StorvspPacketWire *pkt,
                            StorvspVerdict *v)
{
    c->state = STORVSP_READY;
    return STORVSP_STATUS_SUCCESS;
}

static uint32_t storvsp_create_subchannels(StorvspCore *c,
                                           const StorvspPacketWire *pkt,
                                           StorvspVerdict *v)
{
    uint16_t count = le16_to_cpu(pkt->sub_channel_count);

    if (count > c->max_subchannels) {
        return STORVSP_STATUS_INVALID_PARAMETER;
    }
    if (count) {
        v->action = STORVSP_ACT_SUBCHANNELS;
        v->subchannel_count = count;
    }
    return STORVSP_STATUS_SUCCESS;
}

static uint32_t storvsp_execute(StorvspCore *c, const StorvspPacketWire *pkt,
                                StorvspVerdict *v)
{
    if (!storvsp_parse_srb(&pkt->srb, &v->srb)) {
        return STORVSP_STATUS_INVALID_PARAMETER;
    }
    v->action = STORVSP_ACT_EXECUTE;
    return STORVSP_STATUS_SUCCESS;
}

static uint32_t storvsp_reset_bus(StorvspCore *c, const StorvspPacketWire *pkt,
                                  StorvspVerdict *v)
{
    v->action = STORVSP_ACT_RESET_BUS;
    return STORVSP_STATUS_SUCCESS;
}

static uint32_t storvsp_reset_lun(StorvspCore *c, const StorvspPacketWire *pkt,
                                  StorvspVerdict *v)
{
    /* only the address counts; the rest of the request may be anything */
    storvsp_parse_srb(&pkt->srb, &v->srb);
    v->action = STORVSP_ACT_RESET_LUN;
    return STORVSP_STATUS_SUCCESS;
}

#define STORVSP_IN(state)               (1u << (state))

typedef struct StorvspOpInfo {
    uint32_t (*run)(StorvspCore *c, const StorvspPacketWire *pkt,
                    StorvspVerdict *v);
    uint32_t min_bytes;
    uint32_t states;                    /* STORVSP_IN() of those that accept it */
    bool any_channel;                   /* else the primary alone */
} StorvspOpInfo;

static const StorvspOpInfo storvsp_ops[] = {
    [STORVSP_OP_EXECUTE_SRB] = {
        .run = storvsp_execute,
        .min_bytes = STORVSP_PACKET_BYTES,
        .states = STORVSP_IN(STORVSP_READY),
        .any_channel = true,
    },
    [STORVSP_OP_RESET_LUN] = {
        .run = storvsp_reset_lun,
        .min_bytes = STORVSP_PACKET_BYTES,
        .states = STORVSP_IN(STORVSP_READY),
        .any_channel = true,
    },
    [STORVSP_OP_RESET_ADAPTER] = {
        .run = storvsp_reset_bus,
        .min_bytes = STORVSP_HEADER_BYTES,
        .states = STORVSP_IN(STORVSP_READY),
        .any_channel = true,
    },
    [STORVSP_OP_RESET_BUS] = {
        .run = storvsp_reset_bus,
        .min_bytes = STORVSP_HEADER_BYTES,
        .states = STORVSP_IN(STORVSP_READY),
        .any_channel = true,
    },
    [STORVSP_OP_BEGIN_INITIALIZATION] = {
        .run = storvsp_begin,
        .min_bytes = STORVSP_HEADER_BYTES,
        .states = STORVSP_IN(STORVSP_UNINITIALIZED),
    },
    [STORVSP_OP_END_INITIALIZATION] = {
        .run = storvsp_end,
        .min_bytes = STORVSP_HEADER_BYTES,
        .states = STORVSP_IN(STORVSP_PROPERTIES_KNOWN),
    },
    [STORVSP_OP_QUERY_PROTOCOL_VERSION] = {
        .run = storvsp_query_version,
        .min_bytes = STORVSP_HEADER_BYTES + sizeof(StorvspVersionWire),
        .states = STORVSP_IN(STORVSP_BEGUN),
    },
    [STORVSP_OP_QUERY_PROPERTIES] = {
        .run = storvsp_query_properties,
        .min_bytes = STORVSP_HEADER_BYTES,
        .states = STORVSP_IN(STORVSP_VERSION_KNOWN),
    },
    [STORVSP_OP_CREATE_SUB_CHANNELS] = {
        .run = storvsp_create_subchannels,
        .min_bytes = STORVSP_HEADER_BYTES + sizeof(uint16_t),
        .states = STORVSP_IN(STORVSP_READY),
    },
};

static uint32_t storvsp_dispatch(StorvspCore *c, bool is_primary,
                                 const StorvspPacketWire *pkt, uint32_t bytes,
                                 StorvspVerdict *v)
{
    const StorvspOpInfo *op;

    if (bytes < STORVSP_HEADER_BYTES) {
        return STORVSP_STATUS_INVALID_PARAMETER;
    }
    if (v->operation >= ARRAY_SIZE(storvsp_ops) ||
        !storvsp_ops[v->operation].run) {
        return STORVSP_STATUS_NOT_SUPPORTED;
    }
    op = &storvsp_ops[v->operation];
    if (!(op->states & STORVSP_IN(c->state)) ||
        (!is_primary && !op->any_channel)) {
        return STORVSP_STATUS_INVALID_DEVICE_STATE;
    }
    if (bytes < op->min_bytes) {
        return STORVSP_STATUS_INVALID_PARAMETER;
    }
    return op->run(c, pkt, v);
}

void storvsp_core_handle(StorvspCore *c, bool is_primary, const void *msg,
                         uint32_t bytes, StorvspVerdict *v)
{
    StorvspPacketWire pkt = { 0 };

    memcpy(&pkt, msg, MIN(bytes, sizeof(pkt)));
    memset(v, 0, sizeof(*v));
    v->action = STORVSP_ACT_REPLY;
    v->operation = le32_to_cpu(pkt.operation);
    storvsp_build_reply(&v->reply, STORVSP_STATUS_SUCCESS);

    v->status = storvsp_dispatch(c, is_primary, &pkt, bytes, v);
    v->reply.status = cpu_to_le32(v->status);
    if (v->operation == STORVSP_OP_EXECUTE_SRB &&
        v->action == STORVSP_ACT_REPLY) {
        /* guests look at the request's status only */
        v->reply.srb = pkt.srb;
        v->reply.srb.srb_status = STORVSP_SRB_INVALID_REQUEST;
        v->reply.srb.scsi_status = STORVSP_SCSI_GOOD;
        v->reply.srb.data_transfer_length = 0;
    }
}
