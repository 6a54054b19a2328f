/*
 * Network VSP: the NVSP control plane
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "net-frame-core.h"
#include "netvsp-core.h"

/* Newest first */
static const uint32_t netvsp_versions[] = {
    NVSP_VERSION_6_1, NVSP_VERSION_6, NVSP_VERSION_5, NVSP_VERSION_4,
    NVSP_VERSION_2, NVSP_VERSION_1,
};

void netvsp_core_reset(NetvspCore *c)
{
    c->version = 0;
    c->ndis_version = 0;
    c->guest_mtu = NETVSP_DEFAULT_MTU;
    c->capabilities = 0;
    c->data_path = NVSP_DATA_PATH_SYNTHETIC;
    c->subchannel_count = 0;
    c->recv = (NetvspBuffer) { };
    c->send = (NetvspBuffer) { };
}

static bool netvsp_version_known(uint32_t version)
{
    for (int i = 0; i < ARRAY_SIZE(netvsp_versions); i++) {
        if (netvsp_versions[i] == version) {
            return true;
        }
    }
    return false;
}

static bool netvsp_buffer_valid(const NetvspBuffer *b, uint32_t min_bytes,
                                uint32_t max_bytes)
{
    return !b->is_set || (b->section_bytes >= min_bytes &&
                          b->section_bytes <= max_bytes &&
                          b->section_count &&
                          b->section_count <= NETVSP_MAX_SECTIONS);
}

bool netvsp_core_valid(const NetvspCore *c)
{
    if (!c->version) {
        return !c->recv.is_set && !c->send.is_set && !c->subchannel_count &&
               c->data_path == NVSP_DATA_PATH_SYNTHETIC;
    }
    return netvsp_version_known(c->version) &&
           c->guest_mtu >= NETVSP_MIN_MTU && c->guest_mtu <= NETVSP_MAX_MTU &&
           c->data_path <= NVSP_DATA_PATH_VF &&
           c->subchannel_count < c->max_channels &&
           netvsp_buffer_valid(&c->recv, NETVSP_MIN_RECV_SECTION_BYTES,
                               NETVSP_MAX_MTU + 4096) &&
           netvsp_buffer_valid(&c->send, NETVSP_SEND_SECTION_BYTES,
                               NETVSP_SEND_SECTION_BYTES);
}

bool netvsp_core_has_rsc(const NetvspCore *c)
{
    return c->version >= NVSP_VERSION_6_1 && (c->capabilities & NVSP_CAP_RSC);
}

bool netvsp_core_wants_vf(const NetvspCore *c)
{
    return c->version >= NVSP_VERSION_4 && (c->capabilities & NVSP_CAP_SRIOV);
}

static void netvsp_fail(NetvspVerdict *v, uint32_t status, const char *why)
{
    v->status = status;
    v->why = why;
}

/*
 * Start the reply: its type, and room for @body_bytes of body.  Linux 6.1 wants more
 * of SEND_SEND_BUF_COMPLETE than there is in it, so all are padded.
 */
static void netvsp_reply(NetvspVerdict *v, uint32_t type, uint32_t body_bytes)
{
    v->reply.type = cpu_to_le32(type);
    v->reply_bytes = MAX(offsetof(NvspMessageWire, bytes) + body_bytes,
                         NVSP_MESSAGE_BYTES);
}

static void netvsp_handle_init(NetvspCore *c, const NvspMessageWire *m,
                               NetvspVerdict *v)
{
    uint32_t min = le32_to_cpu(m->init.min_version);
    uint32_t max = le32_to_cpu(m->init.max_version);
    uint32_t version = 0;

    for (int i = 0; i < ARRAY_SIZE(netvsp_versions) && !version; i++) {
        if (netvsp_versions[i] >= min && netvsp_versions[i] <= max) {
            version = netvsp_versions[i];
        }
    }
    if (c->version) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "second INIT");
    } else if (!version) {
        /* guests try one version after the other: no mistake */
        v->status = min > netvsp_versions[0] ? NVSP_STATUS_TOO_NEW :
                    max < NVSP_VERSION_1 ? NVSP_STATUS_TOO_OLD :
                                           NVSP_STATUS_UNSUPPORTED;
    } else {
        c->version = version;
    }
    netvsp_reply(v, NVSP_MSG_INIT_COMPLETE, sizeof(v->reply.init_complete));
    v->reply.init_complete.negotiated_version =
        cpu_to_le32(v->status == NVSP_STATUS_SUCCESS ? version : 0xffffffff);
    v->reply.init_complete.max_mdl_chain_length = cpu_to_le32(34);
    v->reply.init_complete.status = cpu_to_le32(v->status);
}

static void netvsp_handle_ndis_config(NetvspCore *c, const NvspMessageWire *m,
                                      NetvspVerdict *v)
{
    uint32_t mtu = le32_to_cpu(m->ndis_config.mtu);

    if (mtu < NETVSP_MIN_MTU + NET_FRAME_ETH_BYTES ||
        mtu > NETVSP_MAX_MTU + NET_FRAME_ETH_BYTES) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "MTU out of range");
        return;
    }
    c->guest_mtu = mtu - NET_FRAME_ETH_BYTES;
    c->capabilities = le32_to_cpu(m->ndis_config.capabilities);
}

static void netvsp_handle_set_buffer(const NetvspBuffer *b,
                                     const NvspMessageWire *m,
                                     NetvspVerdict *v)
{
    v->gpadl_id = le32_to_cpu(m->send_buffer.gpadl_id);
    v->buffer_id = le16_to_cpu(m->send_buffer.id);
    v->action = v->type == NVSP_MSG_SEND_RECV_BUF ? NETVSP_ACT_SET_RECV_BUF
                                                  : NETVSP_ACT_SET_SEND_BUF;
    if (b->is_set) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "the buffer is set already");
    }
}

static void netvsp_handle_revoke(NetvspBuffer *b, const NvspMessageWire *m,
                                 NetvspVerdict *v)
{
    if (!b->is_set || b->id != le16_to_cpu(m->revoke_buffer.id)) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "revokes a buffer that is not set");
        return;
    }
    *b = (NetvspBuffer) { };
    v->action = v->type == NVSP_MSG_REVOKE_RECV_BUF
              ? NETVSP_ACT_REVOKE_RECV_BUF : NETVSP_ACT_REVOKE_SEND_BUF;
}

static void netvsp_handle_rndis(NetvspCore *c, bool is_primary,
                                const NvspMessageWire *m, NetvspVerdict *v)
{
    NetvspRndis *r = &v->rndis;
    uint32_t channel = le32_to_cpu(m->rndis.channel_type);

    r->is_control = channel == NVSP_CHANNEL_CONTROL;
    r->section_idx = le32_to_cpu(m->rndis.section_idx);
    r->section_bytes = le32_to_cpu(m->rndis.section_bytes);
    if (channel > NVSP_CHANNEL_CONTROL || (r->is_control && !is_primary)) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "bad RNDIS channel");
    } else if (r->section_idx == NVSP_NO_SECTION) {
        r->section_bytes = 0;
    } else if (!c->send.is_set || r->section_idx >= c->send.section_count ||
               r->section_bytes > c->send.section_bytes) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "bad send-buffer section");
    }
    if (v->status == NVSP_STATUS_SUCCESS) {
        v->action = NETVSP_ACT_RNDIS;
    }
    netvsp_build_rndis_complete(&v->reply, v->status);
    v->reply_bytes = NVSP_RNDIS_COMPLETE_BYTES;
}

static void netvsp_reply_subchannels(NetvspVerdict *v, uint16_t count)
{
    netvsp_reply(v, NVSP_MSG_SUBCHANNEL, sizeof(v->reply.subchannel_complete));
    v->reply.subchannel_complete.status = cpu_to_le32(v->status);
    v->reply.subchannel_complete.count = cpu_to_le32(count);
}

static void netvsp_handle_subchannel(NetvspCore *c, const NvspMessageWire *m,
                                     NetvspVerdict *v)
{
    uint32_t count = le32_to_cpu(m->subchannel.count);

    if (le32_to_cpu(m->subchannel.operation) != NVSP_SUBCHANNEL_ALLOCATE) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "unknown sub-channel operation");
    } else if (c->subchannel_count) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "has sub-channels already");
    } else if (count >= c->max_channels) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "wants too many sub-channels");
    } else if (count) {
        v->action = NETVSP_ACT_SUBCHANNELS;
        v->subchannel_count = count;
    }
    netvsp_reply_subchannels(v, 0);
}

void netvsp_core_subchannels_offered(NetvspCore *c, NetvspVerdict *v, bool ok)
{
    if (ok) {
        c->subchannel_count = v->subchannel_count;
    } else {
        v->status = NVSP_STATUS_FAILURE;
    }
    netvsp_reply_subchannels(v, c->subchannel_count);
}

static void netvsp_handle_data_path(NetvspCore *c, const NvspMessageWire *m,
                                    NetvspVerdict *v)
{
    uint32_t path = le32_to_cpu(m->data_path);

    /* the completion is empty in any case: Linux waits for that one only */
    if (path > NVSP_DATA_PATH_VF) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "unknown data path");
        return;
    }
    c->data_path = path;
    v->data_path = path;
    v->action = NETVSP_ACT_DATA_PATH;
}

/* What each message needs: a version, its length, the primary channel */
typedef struct NetvspMessageInfo {
    uint32_t type;
    uint32_t min_version;               /* 0: comes before negotiation */
    uint8_t min_bytes;                  /* with the type word */
    bool any_channel;
} NetvspMessageInfo;

static const NetvspMessageInfo netvsp_messages[] = {
    { NVSP_MSG_SEND_RNDIS, NVSP_VERSION_1, 16, true },
    { NVSP_MSG_INIT, 0, 12 },
    { NVSP_MSG_SEND_NDIS_VERSION, NVSP_VERSION_1, 12 },
    { NVSP_MSG_SEND_RECV_BUF, NVSP_VERSION_1, 10 },
    { NVSP_MSG_REVOKE_RECV_BUF, NVSP_VERSION_1, 6 },
    { NVSP_MSG_SEND_SEND_BUF, NVSP_VERSION_1, 10 },
    { NVSP_MSG_REVOKE_SEND_BUF, NVSP_VERSION_1, 6 },
    { NVSP_MSG_SEND_NDIS_CONFIG, NVSP_VERSION_2, 20 },
    { NVSP_MSG_SWITCH_DATA_PATH, NVSP_VERSION_4, 8 },
    { NVSP_MSG_OID_QUERY_EX, NVSP_VERSION_5, 4 },
    { NVSP_MSG_SUBCHANNEL, NVSP_VERSION_5, 12 },
    { NVSP_MSG_PD_API, NVSP_VERSION_6_1, 8 },
    /* completes what the guest was told; nothing to do */
    { NVSP_MSG_SEND_VF_ASSOCIATION, NVSP_VERSION_4, 4 },
};

static bool netvsp_check_message(const NetvspCore *c, bool is_primary,
                                 uint32_t bytes, NetvspVerdict *v)
{
    for (int i = 0; i < ARRAY_SIZE(netvsp_messages); i++) {
        const NetvspMessageInfo *info = &netvsp_messages[i];

        if (info->type != v->type) {
            continue;
        }
        if (!is_primary && !info->any_channel) {
            netvsp_fail(v, NVSP_STATUS_FAILURE, "not on the primary channel");
        } else if (bytes < info->min_bytes) {
            netvsp_fail(v, NVSP_STATUS_FAILURE, "message is too short");
        } else if (c->version < info->min_version) {
            netvsp_fail(v, NVSP_STATUS_FAILURE, "not in this version");
        } else {
            return true;
        }
        return false;
    }
    netvsp_fail(v, NVSP_STATUS_UNSUPPORTED, "unknown message");
    return false;
}

/* The answer to a message that was refused before anybody looked into it */
static void netvsp_reply_refused(NetvspVerdict *v)
{
    switch (v->type) {
    case NVSP_MSG_INIT:
        netvsp_reply(v, NVSP_MSG_INIT_COMPLETE,
                     sizeof(v->reply.init_complete));
        v->reply.init_complete.status = cpu_to_le32(v->status);
        break;
    case NVSP_MSG_SEND_RECV_BUF:
        netvsp_reply(v, NVSP_MSG_SEND_RECV_BUF_COMPLETE,
                     sizeof(v->reply.recv_buf_complete));
        v->reply.recv_buf_complete.status = cpu_to_le32(v->status);
        break;
    case NVSP_MSG_SEND_SEND_BUF:
        netvsp_reply(v, NVSP_MSG_SEND_SEND_BUF_COMPLETE,
                     sizeof(v->reply.send_buf_complete));
        v->reply.send_buf_complete.status = cpu_to_le32(v->status);
        break;
    case NVSP_MSG_SUBCHANNEL:
        netvsp_reply_subchannels(v, 0);
        break;
    case NVSP_MSG_SEND_RNDIS:
        netvsp_build_rndis_complete(&v->reply, v->status);
        v->reply_bytes = NVSP_RNDIS_COMPLETE_BYTES;
        break;
    }
}

void netvsp_core_handle(NetvspCore *c, bool is_primary, const void *msg,
                        uint32_t bytes, NetvspVerdict *v)
{
    NvspMessageWire m = { };

    memset(v, 0, sizeof(*v));
    v->action = NETVSP_ACT_REPLY;
    v->status = NVSP_STATUS_SUCCESS;
    memcpy(&m, msg, MIN(bytes, sizeof(m)));
    v->type = le32_to_cpu(m.type);

    if (!netvsp_check_message(c, is_primary, bytes, v)) {
        netvsp_reply_refused(v);
        return;
    }
    switch (v->type) {
    case NVSP_MSG_SEND_RNDIS:
        netvsp_handle_rndis(c, is_primary, &m, v);
        break;
    case NVSP_MSG_INIT:
        netvsp_handle_init(c, &m, v);
        break;
    case NVSP_MSG_SEND_NDIS_VERSION:
        c->ndis_version = (le32_to_cpu(m.ndis_version.major) & 0xffff) << 16 |
                          (le32_to_cpu(m.ndis_version.minor) & 0xffff);
        break;
    case NVSP_MSG_SEND_NDIS_CONFIG:
        netvsp_handle_ndis_config(c, &m, v);
        break;
    case NVSP_MSG_SEND_RECV_BUF:
        netvsp_handle_set_buffer(&c->recv, &m, v);
        break;
    case NVSP_MSG_SEND_SEND_BUF:
        netvsp_handle_set_buffer(&c->send, &m, v);
        break;
    case NVSP_MSG_REVOKE_RECV_BUF:
        netvsp_handle_revoke(&c->recv, &m, v);
        break;
    case NVSP_MSG_REVOKE_SEND_BUF:
        netvsp_handle_revoke(&c->send, &m, v);
        break;
    case NVSP_MSG_SUBCHANNEL:
        netvsp_handle_subchannel(c, &m, v);
        break;
    case NVSP_MSG_SWITCH_DATA_PATH:
        netvsp_handle_data_path(c, &m, v);
        break;
    case NVSP_MSG_OID_QUERY_EX:
        netvsp_reply(v, NVSP_MSG_OID_QUERY_EX_COMPLETE,
                     sizeof(v->reply.oid_query_ex_complete));
        v->reply.oid_query_ex_complete.status = cpu_to_le32(0xc00000bb);
        break;
    case NVSP_MSG_PD_API:
        /* packet direct is not offered: the operation back, with a failure */
        netvsp_reply(v, NVSP_MSG_PD_API, sizeof(v->reply.pd_api));
        v->reply.pd_api.operation = m.pd_api.operation;
        v->reply.pd_api.status = cpu_to_le32(NVSP_STATUS_UNSUPPORTED);
        break;
    }
}

static uint32_t netvsp_recv_section_bytes(const NetvspCore *c,
                                          uint32_t buffer_bytes)
{
    uint32_t mtu = MIN(c->guest_mtu, c->mtu);
    bool is_large = netvsp_core_has_rsc(c) &&
                    buffer_bytes >= NETVSP_LARGE_RECV_BUF_BYTES;

    return MAX(ROUND_UP(mtu + NETVSP_SECTION_EXTRA_BYTES, 8),
               is_large ? NETVSP_LARGE_RECV_SECTION_BYTES
                        : NETVSP_MIN_RECV_SECTION_BYTES);
}

bool netvsp_core_buffer_set(NetvspCore *c, NetvspVerdict *v,
                            uint32_t buffer_bytes)
{
    bool is_recv = v->action == NETVSP_ACT_SET_RECV_BUF;
    NetvspBuffer *b = is_recv ? &c->recv : &c->send;
    uint32_t section_bytes = is_recv ? netvsp_recv_section_bytes(c, buffer_bytes)
                                     : NETVSP_SEND_SECTION_BYTES;
    uint32_t count = MIN(buffer_bytes / section_bytes, NETVSP_MAX_SECTIONS);

    if (v->status == NVSP_STATUS_SUCCESS && !count) {
        netvsp_fail(v, NVSP_STATUS_FAILURE, "no GPADL, or too small");
    }
    if (v->status == NVSP_STATUS_SUCCESS) {
        *b = (NetvspBuffer) {
            .is_set = true,
            .id = v->buffer_id,
            .gpadl_id = v->gpadl_id,
            .section_bytes = section_bytes,
            .section_count = count,
        };
    }
    netvsp_reply_refused(v);
    if (v->status != NVSP_STATUS_SUCCESS) {
        return false;
    }
    if (is_recv) {
        NvspRecvSectionWire *s = &v->reply.recv_buf_complete.section;

        v->reply.recv_buf_complete.num_sections = cpu_to_le32(1);
        s->sub_alloc_size = cpu_to_le32(section_bytes);
        s->num_sub_allocs = cpu_to_le32(count);
        s->end_offset = cpu_to_le32(section_bytes * count);
    } else {
        v->reply.send_buf_complete.section_size = cpu_to_le32(section_bytes);
    }
    return true;
}

void netvsp_build_rndis_complete(NvspMessageWire *msg, uint32_t status)
{
    msg->type = cpu_to_le32(NVSP_MSG_SEND_RNDIS_COMPLETE);
    msg->rndis_status = cpu_to_le32(status);
}

uint32_t netvsp_build_rndis(NvspMessageWire *msg, bool is_control)
{
    memset(msg, 0, sizeof(*msg));
    msg->type = cpu_to_le32(NVSP_MSG_SEND_RNDIS);
    msg->rndis.channel_type = cpu_to_le32(is_control ? NVSP_CHANNEL_CONTROL
                                                     : NVSP_CHANNEL_DATA);
    msg->rndis.section_idx = cpu_to_le32(NVSP_NO_SECTION);
    return NVSP_MESSAGE_BYTES;
}

uint32_t netvsp_build_vf_association(NvspMessageWire *msg, bool present,
                                     uint32_t serial)
{
    memset(msg, 0, sizeof(*msg));
    msg->type = cpu_to_le32(NVSP_MSG_SEND_VF_ASSOCIATION);
    msg->vf_association.allocated = cpu_to_le32(present);
    msg->vf_association.serial = cpu_to_le32(serial);
    return NVSP_MESSAGE_BYTES;
}

/* Channels in turn, as the guest's own default is */
uint32_t netvsp_build_send_table(NvspMessageWire *msg, uint16_t channel_count)
{
    memset(msg, 0, sizeof(*msg));
    msg->type = cpu_to_le32(NVSP_MSG_SEND_INDIRECTION_TABLE);
    msg->indirection.count = cpu_to_le32(NVSP_SEND_TABLE_ENTRIES);
    msg->indirection.offset = cpu_to_le32(NVSP_SEND_TABLE_OFFSET);
    for (int i = 0; i < NVSP_SEND_TABLE_ENTRIES; i++) {
        msg->indirection.table[i] = cpu_to_le32(i % channel_count);
    }
    return sizeof(*msg);
}
