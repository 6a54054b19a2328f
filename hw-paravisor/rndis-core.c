/*
 * RNDIS: the adapter that the guest configures
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "rndis-core.h"
#include "rndis-oids-core.h"

void rndis_core_reset(RndisCore *c)
{
    c->is_initialized = false;
    c->filter = 0;
    c->offloads = 0;
    c->multicast_count = 0;
    c->rss = (RndisRss) { };
}

bool rndis_core_valid(const RndisCore *c)
{
    if (c->multicast_count > RNDIS_MAX_MULTICAST ||
        (c->offloads & ~RNDIS_OFFLOAD_ALL) ||
        c->rss.table_count > NDIS_RSS_TABLE_ENTRIES ||
        (c->rss.is_enabled && !c->rss.table_count)) {
        return false;
    }
    for (int i = 0; i < c->rss.table_count; i++) {
        if (c->rss.table[i] >= c->max_channels) {
            return false;
        }
    }
    return true;
}

uint32_t rndis_link_speed_100bps(const RndisCore *c)
{
    return MIN(c->link_speed_bps / 100, UINT32_MAX);
}

int rndis_cast(const uint8_t *dst)
{
    static const uint8_t broadcast[RNDIS_MAC_BYTES] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff
    };

    return !(dst[0] & 1) ? RNDIS_CAST_UNI :
           memcmp(dst, broadcast, sizeof(broadcast)) ? RNDIS_CAST_MULTI
                                                     : RNDIS_CAST_BROAD;
}

bool rndis_core_accepts(const RndisCore *c, const uint8_t *dst)
{
    if (c->filter & RNDIS_FILTER_PROMISCUOUS) {
        return true;
    }
    switch (rndis_cast(dst)) {
    case RNDIS_CAST_UNI:
        return (c->filter & RNDIS_FILTER_DIRECTED) &&
               !memcmp(dst, c->mac, RNDIS_MAC_BYTES);
    case RNDIS_CAST_BROAD:
        return c->filter & RNDIS_FILTER_BROADCAST;
    default:
        if (c->filter & RNDIS_FILTER_ALL_MULTICAST) {
            return true;
        }
        if (c->filter & RNDIS_FILTER_MULTICAST) {
            for (int i = 0; i < c->multicast_count; i++) {
                if (!memcmp(dst, c->multicast[i], RNDIS_MAC_BYTES)) {
                    return true;
                }
            }
        }
        return false;
    }
}

static void *rndis_reply(RndisVerdict *v, uint32_t body_bytes)
{
    v->reply_bytes = RNDIS_HEADER_BYTES + body_bytes;
    stl_le_p(v->reply, v->type | RNDIS_MSG_COMPLETION);
    stl_le_p(v->reply + 4, v->reply_bytes);
    memset(v->reply + RNDIS_HEADER_BYTES, 0, body_bytes);
    return v->reply + RNDIS_HEADER_BYTES;
}

static void rndis_handle_init(RndisCore *c, const uint8_t *body,
                              uint32_t bytes, RndisVerdict *v)
{
    RndisInitCompleteWire *out = rndis_reply(v, sizeof(*out));
    RndisInitWire in = { };

    memcpy(&in, body, MIN(bytes, sizeof(in)));
    if (bytes < sizeof(in) || le32_to_cpu(in.major) != 1) {
        v->status = RNDIS_STATUS_FAILURE;
    } else {
        c->is_initialized = true;
        v->changed = RNDIS_CHANGED_STATE;
    }
    out->request_id = in.request_id;
    out->status = cpu_to_le32(v->status);
    out->major = cpu_to_le32(1);
    out->device_flags = cpu_to_le32(RNDIS_DEVICE_CONNECTIONLESS);
    out->medium = cpu_to_le32(RNDIS_MEDIUM_802_3);
    out->max_packets_per_message = cpu_to_le32(RNDIS_PACKETS_PER_MESSAGE);
    out->max_transfer_bytes = cpu_to_le32(0xefffffff);
    out->packet_alignment_log2 = cpu_to_le32(RNDIS_PACKET_ALIGN_LOG2);
}

/* The information of a QUERY or SET, or NULL */
static const uint8_t *rndis_request_info(const uint8_t *body, uint32_t bytes,
                                         const RndisRequestWire *in,
                                         uint32_t *info_bytes)
{
    uint32_t offset = le32_to_cpu(in->info_offset);

    *info_bytes = le32_to_cpu(in->info_bytes);
    if (!*info_bytes) {
        return body;
    }
    if (offset < sizeof(*in) || offset > bytes ||
        *info_bytes > bytes - offset) {
        return NULL;
    }
    return body + offset;
}

static void rndis_handle_query(RndisCore *c, bool offer_rsc,
                               const uint8_t *body, uint32_t bytes,
                               RndisVerdict *v)
{
    RndisQueryCompleteWire *out;
    RndisRequestWire in = { };
    RndisOidAnswer a = { .offer_rsc = offer_rsc };

    memcpy(&in, body, MIN(bytes, sizeof(in)));
    v->oid = le32_to_cpu(in.oid);
    a.info = bytes < sizeof(in)
           ? NULL : rndis_request_info(body, bytes, &in, &a.info_bytes);
    if (!a.info) {
        v->status = RNDIS_STATUS_INVALID_LENGTH;
    } else {
        v->status = rndis_oid_query(c, v->oid, &a);
    }
    if (v->status != RNDIS_STATUS_SUCCESS) {
        a.bytes = 0;
    }
    out = rndis_reply(v, sizeof(*out) + a.bytes);
    out->request_id = in.request_id;
    out->status = cpu_to_le32(v->status);
    if (a.bytes) {
        out->info_bytes = cpu_to_le32(a.bytes);
        out->info_offset = cpu_to_le32(sizeof(*out));
        memcpy(out + 1, a.buf, a.bytes);
    }
}

static void rndis_handle_set(RndisCore *c, bool offer_rsc, const uint8_t *body,
                             uint32_t bytes, RndisVerdict *v)
{
    RndisSetCompleteWire *out = rndis_reply(v, sizeof(*out));
    RndisRequestWire in = { };
    const uint8_t *info;
    uint32_t info_bytes = 0;

    memcpy(&in, body, MIN(bytes, sizeof(in)));
    v->oid = le32_to_cpu(in.oid);
    info = bytes < sizeof(in)
         ? NULL : rndis_request_info(body, bytes, &in, &info_bytes);
    if (!info) {
        v->status = RNDIS_STATUS_INVALID_LENGTH;
    } else {
        v->status = rndis_oid_set(c, v->oid, offer_rsc, info, info_bytes,
                                  &v->changed);
    }
    out->request_id = in.request_id;
    out->status = cpu_to_le32(v->status);
}

static void rndis_handle_simple(RndisCore *c, const uint8_t *body,
                                uint32_t bytes, RndisVerdict *v)
{
    RndisResetCompleteWire *reset;
    RndisSetCompleteWire *out;

    switch (v->type) {
    case RNDIS_MSG_HALT:
        rndis_core_reset(c);
        v->changed = ~0u;
        break;
    case RNDIS_MSG_RESET:
        /* filters and addresses stay: the guest need not set them again */
        reset = rndis_reply(v, sizeof(*reset));
        reset->status = cpu_to_le32(RNDIS_STATUS_SUCCESS);
        break;
    case RNDIS_MSG_KEEPALIVE:
        out = rndis_reply(v, sizeof(*out));
        memcpy(&out->request_id, body, MIN(bytes, sizeof(out->request_id)));
        break;
    default:
        v->status = RNDIS_STATUS_NOT_SUPPORTED;
        /* an answer only to what looks like a request with an id */
        if (v->type > RNDIS_MSG_KEEPALIVE && bytes >= 4 &&
            !(v->type & RNDIS_MSG_COMPLETION)) {
            out = rndis_reply(v, sizeof(*out));
            memcpy(&out->request_id, body, sizeof(out->request_id));
            out->status = cpu_to_le32(v->status);
        }
        break;
    }
}

bool rndis_core_handle(RndisCore *c, bool offer_rsc, const void *msg,
                       uint32_t bytes, RndisVerdict *v)
{
    const uint8_t *body = (const uint8_t *)msg + RNDIS_HEADER_BYTES;
    uint32_t msg_bytes;

    v->oid = 0;
    v->status = RNDIS_STATUS_SUCCESS;
    v->changed = 0;
    v->reply_bytes = 0;
    if (bytes < RNDIS_HEADER_BYTES) {
        return false;
    }
    v->type = ldl_le_p(msg);
    msg_bytes = ldl_le_p((const uint8_t *)msg + 4);
    if (msg_bytes < RNDIS_HEADER_BYTES || msg_bytes > bytes) {
        return false;
    }
    bytes = msg_bytes - RNDIS_HEADER_BYTES;
    switch (v->type) {
    case RNDIS_MSG_INIT:
        rndis_handle_init(c, body, bytes, v);
        break;
    case RNDIS_MSG_QUERY:
        rndis_handle_query(c, offer_rsc, body, bytes, v);
        break;
    case RNDIS_MSG_SET:
        rndis_handle_set(c, offer_rsc, body, bytes, v);
        break;
    default:
        rndis_handle_simple(c, body, bytes, v);
        break;
    }
    return true;
}

uint32_t rndis_build_indication(uint8_t *buf, uint32_t status, bool has_value,
                                uint32_t value)
{
    uint32_t bytes = RNDIS_HEADER_BYTES + sizeof(RndisIndicateWire) +
                     (has_value ? 4 : 0);

    stl_le_p(buf, RNDIS_MSG_INDICATE);
    stl_le_p(buf + 4, bytes);
    stl_le_p(buf + 8, status);
    stl_le_p(buf + 12, has_value ? 4 : 0);
    stl_le_p(buf + 16, has_value ? sizeof(RndisIndicateWire) : 0);
    if (has_value) {
        stl_le_p(buf + 20, value);
    }
    return bytes;
}
