/*
 * A guest's VMBus network driver for qtests: handshake and control plane
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "netvsc-client.h"

#define CONTROL_PAGES       3
/* Linux: sizeof(struct rndis_message) and RNDIS_EXT_LEN */
#define MAX_ANSWER_BYTES    (4096 + 64)

/* --- life cycle --- */

Netvsc *netvsc_open(VmbusClient *c, unsigned nth)
{
    Netvsc *n = g_new0(Netvsc, 1);
    VmbusOffer *offer = vmbus_expect_offer(c, VMBUS_GUID_NET, 0, nth);

    n->c = c;
    n->next_trans_id = 1;
    n->next_request_id = 1;
    n->max_packets = 1;
    n->alignment = 1;
    n->done = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                    g_free);
    n->rx_ids = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                      NULL);
    n->frames = g_queue_new();
    n->control = g_queue_new();
    n->held = g_queue_new();
    n->indications = g_array_new(false, false, sizeof(uint32_t));
    n->control_gpa = hv_guest_alloc(c->g, CONTROL_PAGES);
    n->ch[0] = vmbus_channel_open(c, offer, NETVSC_RING_PAGES, 0);
    n->channels = 1;
    return n;
}

Netvsc *netvsc_start_sized(VmbusClient *c, unsigned nth, uint32_t version,
                           unsigned recv_pages, uint32_t mtu)
{
    Netvsc *n = netvsc_open(c, nth);
    NvspMessageWire ndis = {
        .type = cpu_to_le32(NVSP_MSG_SEND_NDIS_VERSION),
        .ndis_version.major = cpu_to_le32(6),
        .ndis_version.minor = cpu_to_le32(version >= NVSP_VERSION_5 ? 30 : 1),
    };
    uint32_t bytes = sizeof(n->mac);

    g_assert_cmpuint(netvsc_try_version(n, version), ==, NVSP_STATUS_SUCCESS);
    if (version >= NVSP_VERSION_2) {
        uint32_t caps = NVSP_CAP_8021Q;

        if (version >= NVSP_VERSION_5) {
            caps |= NVSP_CAP_SRIOV | NVSP_CAP_TEAMING;
        }
        if (version >= NVSP_VERSION_6_1) {
            caps |= NVSP_CAP_RSC;
        }
        netvsc_send_config(n, mtu + 14, caps);
    }
    netvsc_tell(n, 0, &ndis);
    netvsc_make_buffers(n, recv_pages, NETVSC_SEND_PAGES);
    netvsc_rndis_init(n);
    g_assert_cmphex(netvsc_query(n, RNDIS_OID_802_3_PERMANENT_ADDRESS, NULL, 0,
                                 n->mac, &bytes), ==, RNDIS_STATUS_SUCCESS);
    g_assert_cmpuint(bytes, ==, sizeof(n->mac));
    netvsc_set_filter(n, NETVSC_FILTER_OPEN);
    return n;
}

Netvsc *netvsc_start(VmbusClient *c, unsigned nth, uint32_t version)
{
    return netvsc_start_sized(c, nth, version, NETVSC_RECV_PAGES, 1500);
}

void netvsc_forget(Netvsc *n)
{
    while (n->channels) {
        vmbus_channel_forget(n->ch[--n->channels]);
    }
    g_hash_table_destroy(n->done);
    g_hash_table_destroy(n->rx_ids);
    g_queue_free_full(n->frames, g_free);
    g_queue_free_full(n->held, g_free);
    g_queue_free_full(n->control, (GDestroyNotify)g_byte_array_unref);
    g_array_free(n->indications, true);
    g_free(n->partial);
    g_free(n->recv_busy);
    g_free(n);
}

void netvsc_close_rudely(Netvsc *n)
{
    VmbusClient *c = n->c;
    uint32_t relid = n->ch[0]->offer->relid;
    uint32_t gpadls[] = { n->recv_gpadl, n->send_gpadl };

    while (n->channels) {
        vmbus_channel_close(n->ch[--n->channels]);
    }
    for (size_t i = 0; i < ARRAY_SIZE(gpadls); i++) {
        if (gpadls[i]) {
            vmbus_gpadl_teardown(c, relid, gpadls[i]);
        }
    }
    netvsc_forget(n);
}

void netvsc_halt(Netvsc *n)
{
    RndisHeaderWire hdr = {
        .type = cpu_to_le32(RNDIS_MSG_HALT),
        .msg_bytes = cpu_to_le32(12),
    };
    uint8_t halt[12] = { 0 };

    memcpy(halt, &hdr, sizeof(hdr));
    netvsc_expect_sent(n, netvsc_send_control(n, halt, sizeof(halt)));
}

void netvsc_close(Netvsc *n)
{
    NvspMessageWire revoke = {
        .type = cpu_to_le32(NVSP_MSG_REVOKE_RECV_BUF),
        .revoke_buffer.id = cpu_to_le16(NVSP_RECV_BUFFER_ID),
    };

    netvsc_return_all(n);
    netvsc_halt(n);
    netvsc_tell(n, 0, &revoke);
    revoke.type = cpu_to_le32(NVSP_MSG_REVOKE_SEND_BUF);
    revoke.revoke_buffer.id = cpu_to_le16(NVSP_SEND_BUFFER_ID);
    netvsc_tell(n, 0, &revoke);
    netvsc_close_rudely(n);
}

/* --- NVSP --- */

NvspMessageWire netvsc_exchange(Netvsc *n, unsigned channel,
                                const NvspMessageWire *msg, uint32_t bytes)
{
    uint64_t id = NETVSC_TRANS_INIT;
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;
    NvspMessageWire answer;

    vmbus_channel_send(n->ch[channel], HVBUS_PKT_INBAND,
                       HVBUS_PKT_FLAG_COMPLETION, id, NULL, 0, msg, bytes);
    while (!netvsc_is_sent(n, id)) {
        if (g_get_monotonic_time() > end) {
            g_error("NVSP message %u was not completed",
                    le32_to_cpu(msg->type));
        }
        hv_guest_step(n->c->g, 0);
    }
    answer = *(NvspMessageWire *)g_hash_table_lookup(n->done, &id);
    g_hash_table_remove(n->done, &id);
    return answer;
}

void netvsc_tell(Netvsc *n, unsigned channel, const NvspMessageWire *msg)
{
    vmbus_channel_send(n->ch[channel], HVBUS_PKT_INBAND, 0, NETVSC_TRANS_INIT,
                       NULL, 0, msg, NVSP_MESSAGE_BYTES);
}

uint32_t netvsc_try_version(Netvsc *n, uint32_t version)
{
    NvspMessageWire msg = {
        .type = cpu_to_le32(NVSP_MSG_INIT),
        .init.min_version = cpu_to_le32(version),
        .init.max_version = cpu_to_le32(version),
    };
    NvspMessageWire answer = netvsc_exchange(n, 0, &msg, NVSP_MESSAGE_BYTES);
    uint32_t status = le32_to_cpu(answer.init_complete.status);

    g_assert_cmpuint(le32_to_cpu(answer.type), ==, NVSP_MSG_INIT_COMPLETE);
    if (status == NVSP_STATUS_SUCCESS) {
        n->version = version;
    }
    return status;
}

void netvsc_send_config(Netvsc *n, uint32_t mtu, uint32_t caps)
{
    NvspMessageWire msg = {
        .type = cpu_to_le32(NVSP_MSG_SEND_NDIS_CONFIG),
        .ndis_config.mtu = cpu_to_le32(mtu),
        .ndis_config.capabilities = cpu_to_le32(caps),
    };

    netvsc_tell(n, 0, &msg);
}

static void netvsc_make_recv_buffer(Netvsc *n, unsigned pages)
{
    NvspMessageWire answer, msg = {
        .type = cpu_to_le32(NVSP_MSG_SEND_RECV_BUF),
        .send_buffer.id = cpu_to_le16(NVSP_RECV_BUFFER_ID),
    };
    NvspRecvSectionWire *section = &answer.recv_buf_complete.section;

    n->recv_pages = pages;
    n->recv_gpa = hv_guest_alloc(n->c->g, pages);
    n->recv_gpadl = vmbus_gpadl_create(n->c, n->ch[0]->offer->relid,
                                       n->recv_gpa, pages);
    msg.send_buffer.gpadl_id = cpu_to_le32(n->recv_gpadl);
    answer = netvsc_exchange(n, 0, &msg, NVSP_MESSAGE_BYTES);
    g_assert_cmpuint(le32_to_cpu(answer.type), ==,
                     NVSP_MSG_SEND_RECV_BUF_COMPLETE);
    g_assert_cmpuint(le32_to_cpu(answer.recv_buf_complete.status), ==,
                     NVSP_STATUS_SUCCESS);
    /* the checks of netvsc_init_buf() in Linux */
    g_assert_cmpuint(le32_to_cpu(answer.recv_buf_complete.num_sections), ==,
                     1);
    g_assert_cmpuint(section->offset, ==, 0);
    n->recv_section_bytes = le32_to_cpu(section->sub_alloc_size);
    n->recv_sections = le32_to_cpu(section->num_sub_allocs);
    g_assert_cmpuint(n->recv_section_bytes, >=, NVSP_MIN_SECTION_BYTES);
    g_assert_cmpuint(n->recv_sections, >, 0);
    g_assert_cmpuint((uint64_t)n->recv_section_bytes * n->recv_sections, <=,
                     (uint64_t)pages * HV_PAGE_SIZE);
    n->recv_busy = g_new0(uint8_t, n->recv_sections);
}

static void netvsc_make_send_buffer(Netvsc *n, unsigned pages)
{
    NvspMessageWire answer, msg = {
        .type = cpu_to_le32(NVSP_MSG_SEND_SEND_BUF),
        .send_buffer.id = cpu_to_le16(NVSP_SEND_BUFFER_ID),
    };

    n->send_pages = pages;
    n->send_gpa = hv_guest_alloc(n->c->g, pages);
    n->send_gpadl = vmbus_gpadl_create(n->c, n->ch[0]->offer->relid,
                                       n->send_gpa, pages);
    msg.send_buffer.gpadl_id = cpu_to_le32(n->send_gpadl);
    answer = netvsc_exchange(n, 0, &msg, NVSP_MESSAGE_BYTES);
    g_assert_cmpuint(le32_to_cpu(answer.type), ==,
                     NVSP_MSG_SEND_SEND_BUF_COMPLETE);
    g_assert_cmpuint(le32_to_cpu(answer.send_buf_complete.status), ==,
                     NVSP_STATUS_SUCCESS);
    n->send_section_bytes = le32_to_cpu(answer.send_buf_complete.section_size);
    g_assert_cmpuint(n->send_section_bytes, >=, NVSP_MIN_SECTION_BYTES);
    n->send_sections = pages * HV_PAGE_SIZE / n->send_section_bytes;
    g_assert_cmpuint(n->send_sections, >, 0);
}

void netvsc_make_buffers(Netvsc *n, unsigned recv_pages, unsigned send_pages)
{
    netvsc_make_recv_buffer(n, recv_pages);
    netvsc_make_send_buffer(n, send_pages);
}

uint32_t netvsc_ask_subchannels(Netvsc *n, uint32_t *count)
{
    NvspMessageWire answer, msg = {
        .type = cpu_to_le32(NVSP_MSG_SUBCHANNEL),
        .subchannel.operation = cpu_to_le32(NVSP_SUBCHANNEL_ALLOCATE),
        .subchannel.count = cpu_to_le32(*count),
    };

    answer = netvsc_exchange(n, 0, &msg, NVSP_MESSAGE_BYTES);
    g_assert_cmpuint(le32_to_cpu(answer.type), ==, NVSP_MSG_SUBCHANNEL);
    *count = le32_to_cpu(answer.subchannel_complete.count);
    return le32_to_cpu(answer.subchannel_complete.status);
}

void netvsc_open_subchannels(Netvsc *n, unsigned count)
{
    uint32_t granted = count;

    g_assert_cmpuint(count, <, NETVSC_MAX_CHANNELS);
    g_assert_cmpuint(netvsc_ask_subchannels(n, &granted), ==,
                     NVSP_STATUS_SUCCESS);
    g_assert_cmpuint(granted, ==, count);
    for (unsigned i = 1; i <= count; i++) {
        VmbusOffer *offer = vmbus_expect_offer(n->c, VMBUS_GUID_NET, i, 0);

        g_assert_cmpint(memcmp(offer->instance_id,
                               n->ch[0]->offer->instance_id, 16), ==, 0);
        n->ch[i] = vmbus_channel_open(n->c, offer, NETVSC_RING_PAGES,
                                      i % HV_GUEST_VPS);
        n->channels++;
    }
}

void netvsc_expect_table(Netvsc *n, unsigned seen)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (;;) {
        netvsc_pump(n);
        if (n->tables > seen) {
            return;
        }
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(n->c->g, 0);
    }
}

/* --- RNDIS control plane --- */

uint64_t netvsc_send_control(Netvsc *n, const void *msg, uint32_t bytes)
{
    NetvscRange range = { n->control_gpa, bytes };

    g_assert_cmpuint(bytes, <=, CONTROL_PAGES * HV_PAGE_SIZE);
    memcpy(hv_guest_ptr(n->c->g, n->control_gpa), msg, bytes);
    return netvsc_send_raw(n, 0, NVSP_CHANNEL_CONTROL, NVSP_NO_SECTION, 0,
                           &range, 1);
}

GByteArray *netvsc_expect_control(Netvsc *n, uint32_t id)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (;;) {
        netvsc_pump(n);
        for (GList *l = n->control->head; l; l = l->next) {
            GByteArray *msg = l->data;

            if ((uint32_t)ldl_le_p(msg->data + RNDIS_HEADER_BYTES) == id) {
                g_queue_delete_link(n->control, l);
                g_assert_cmpuint(msg->len, <=, MAX_ANSWER_BYTES);
                return msg;
            }
        }
        if (g_get_monotonic_time() > end) {
            g_error("RNDIS request %u was not answered", id);
        }
        hv_guest_step(n->c->g, 0);
    }
}

bool netvsc_control_is_quiet(Netvsc *n)
{
    for (int i = 0; i < 20; i++) {
        netvsc_pump(n);
        hv_guest_step(n->c->g, 0);
    }
    return g_queue_is_empty(n->control);
}

/* Send a request of @type with @body behind the request id; its answer */
static GByteArray *netvsc_request(Netvsc *n, uint32_t type, const void *body,
                                  uint32_t body_bytes)
{
    uint32_t bytes = RNDIS_HEADER_BYTES + 4 + body_bytes;
    uint32_t id = n->next_request_id++;
    g_autofree uint8_t *msg = g_malloc0(bytes);
    GByteArray *answer;

    stl_le_p(msg, type);
    stl_le_p(msg + 4, bytes);
    stl_le_p(msg + 8, id);
    memcpy(msg + 12, body, body_bytes);
    g_assert_cmpuint(netvsc_expect_sent(n, netvsc_send_control(n, msg, bytes)),
                     ==, NVSP_STATUS_SUCCESS);
    answer = netvsc_expect_control(n, id);
    g_assert_cmphex((uint32_t)ldl_le_p(answer->data), ==,
                    type | RNDIS_MSG_COMPLETION);
    g_assert_cmpuint((uint32_t)ldl_le_p(answer->data + 4), ==, answer->len);
    return answer;
}

void netvsc_rndis_init(Netvsc *n)
{
    RndisInitWire init = {
        .major = cpu_to_le32(1),
        .max_transfer_bytes = cpu_to_le32(0x4000),
    };
    RndisInitCompleteWire wire;
    GByteArray *answer = netvsc_request(n, RNDIS_MSG_INIT,
                                        &init.major, sizeof(init) - 4);

    g_assert_cmpuint(answer->len, >=, RNDIS_HEADER_BYTES + sizeof(wire));
    memcpy(&wire, answer->data + RNDIS_HEADER_BYTES, sizeof(wire));
    g_assert_cmphex(wire.status, ==, RNDIS_STATUS_SUCCESS);
    n->max_packets = MAX(1, le32_to_cpu(wire.max_packets_per_message));
    g_assert_cmpuint(le32_to_cpu(wire.packet_alignment_log2), <=, 12);
    n->alignment = 1u << le32_to_cpu(wire.packet_alignment_log2);
    g_byte_array_unref(answer);
}

/* QUERY or SET with @info; the answer */
static GByteArray *netvsc_oid(Netvsc *n, uint32_t type, uint32_t oid,
                              const void *info, uint32_t info_bytes)
{
    uint32_t bytes = sizeof(RndisRequestWire) - 4 + info_bytes;
    g_autofree uint8_t *body = g_malloc0(bytes);

    stl_le_p(body, oid);
    stl_le_p(body + 4, info_bytes);
    stl_le_p(body + 8, sizeof(RndisRequestWire));
    if (info_bytes) {
        memcpy(body + 16, info, info_bytes);
    }
    return netvsc_request(n, type, body, bytes);
}

uint32_t netvsc_query(Netvsc *n, uint32_t oid, const void *in,
                      uint32_t in_bytes, void *out, uint32_t *bytes)
{
    GByteArray *answer = netvsc_oid(n, RNDIS_MSG_QUERY, oid, in, in_bytes);
    RndisQueryCompleteWire wire;
    uint32_t status, got, offset;

    g_assert_cmpuint(answer->len, >=, RNDIS_HEADER_BYTES + sizeof(wire));
    memcpy(&wire, answer->data + RNDIS_HEADER_BYTES, sizeof(wire));
    status = le32_to_cpu(wire.status);
    got = le32_to_cpu(wire.info_bytes);
    offset = le32_to_cpu(wire.info_offset);
    if (status == RNDIS_STATUS_SUCCESS) {
        /* as rndis_filter_query_device() checks, where there is something */
        g_assert(offset >= sizeof(wire) || got == 0);
        g_assert_cmpuint(got, <=, *bytes);
        g_assert_cmpuint(RNDIS_HEADER_BYTES + offset + got, <=, answer->len);
        memcpy(out, answer->data + RNDIS_HEADER_BYTES + offset, got);
    } else {
        /* Linux looks at these, not at the status */
        g_assert_cmpuint(got, ==, 0);
        g_assert_cmpuint(offset, ==, 0);
    }
    *bytes = got;
    g_byte_array_unref(answer);
    return status;
}

uint32_t netvsc_query_u32(Netvsc *n, uint32_t oid)
{
    uint32_t val = 0, bytes = sizeof(val);

    g_assert_cmphex(netvsc_query(n, oid, NULL, 0, &val, &bytes), ==,
                    RNDIS_STATUS_SUCCESS);
    g_assert_cmpuint(bytes, ==, sizeof(val));
    return le32_to_cpu(val);
}

uint32_t netvsc_set(Netvsc *n, uint32_t oid, const void *data, uint32_t bytes)
{
    GByteArray *answer = netvsc_oid(n, RNDIS_MSG_SET, oid, data, bytes);
    uint32_t status = ldl_le_p(answer->data + RNDIS_HEADER_BYTES + 4);

    g_assert_cmpuint(answer->len, >=, RNDIS_HEADER_BYTES + 8);
    g_byte_array_unref(answer);
    return status;
}

void netvsc_set_filter(Netvsc *n, uint32_t filter)
{
    uint32_t wire = cpu_to_le32(filter);

    g_assert_cmphex(netvsc_set(n, RNDIS_OID_GEN_CURRENT_PACKET_FILTER, &wire,
                               sizeof(wire)), ==, RNDIS_STATUS_SUCCESS);
}

NdisOffloadWire netvsc_query_offloads(Netvsc *n)
{
    uint8_t revision = n->version >= NVSP_VERSION_5 ? 3 :
        n->version == NVSP_VERSION_4 ? 2 : 1;
    uint16_t size = revision == 3 ? NDIS_OFFLOAD_BYTES_REV3 :
        revision == 2 ? NDIS_OFFLOAD_BYTES_REV2 : NDIS_OFFLOAD_BYTES_REV1;
    NdisOffloadWire wire = {
        .header.type = NDIS_OBJECT_OFFLOAD,
        .header.revision = revision,
        .header.bytes = cpu_to_le16(size),
    };
    uint32_t bytes = NDIS_OFFLOAD_BYTES_REV3;

    g_assert_cmphex(netvsc_query(
                        n, RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES,
                        &wire, size, &wire, &bytes), ==, RNDIS_STATUS_SUCCESS);
    /* the checks of rndis_query_hwcaps() */
    g_assert_cmphex(wire.header.type, ==, NDIS_OBJECT_OFFLOAD);
    g_assert_cmpuint(wire.header.revision, >=, 1);
    g_assert_cmpuint(le16_to_cpu(wire.header.bytes), <=, bytes);
    g_assert_cmpuint(le16_to_cpu(wire.header.bytes), >=,
                     NDIS_OFFLOAD_BYTES_REV1);
    return wire;
}

void netvsc_set_offloads(Netvsc *n, bool on)
{
    NdisOffloadWire caps = netvsc_query_offloads(n);
    bool v5 = n->version >= NVSP_VERSION_5;
    uint8_t csum = on ? NDIS_PARAM_CSUM_BOTH : NDIS_PARAM_CSUM_OFF;
    uint8_t lso = on ? NDIS_PARAM_LSO_ON : NDIS_PARAM_LSO_OFF;
    uint8_t rsc = on && caps.rsc_ip4 && caps.rsc_ip6 ? NDIS_PARAM_RSC_ON
                                                     : NDIS_PARAM_RSC_OFF;
    /* sizes as Linux has them, and no UDP checksums up to version 4 */
    uint32_t bytes = v5 ? 28 : 22;
    NdisOffloadParamsWire wire = {
        .header.type = NDIS_OBJECT_DEFAULT,
        .header.revision = 3,
        .header.bytes = cpu_to_le16(bytes),
        .ip4_csum = csum, .tcp4_csum = csum, .tcp6_csum = csum,
        .udp4_csum = v5 ? csum : 0, .udp6_csum = v5 ? csum : 0,
        .lsov2_ip4 = lso, .lsov2_ip6 = lso,
        .rsc_ip4 = rsc, .rsc_ip6 = rsc,
    };

    g_assert_cmphex(netvsc_set(n, RNDIS_OID_TCP_OFFLOAD_PARAMETERS, &wire,
                               bytes), ==, RNDIS_STATUS_SUCCESS);
}

uint32_t netvsc_set_rss(Netvsc *n, uint16_t flags, const uint32_t *table,
                        unsigned entries, const uint8_t key[NDIS_RSS_KEY_BYTES])
{
    NdisRssParamsWire wire = {
        .header.type = NDIS_OBJECT_RSS_PARAMETERS,
        .header.revision = 2,
        .header.bytes = cpu_to_le16(sizeof(wire)),
        .flags = cpu_to_le16(flags),
        .hash_info = cpu_to_le32(NDIS_HASH_TOEPLITZ | NDIS_HASH_IPV4 |
                                 NDIS_HASH_TCP_IPV4 | NDIS_HASH_IPV6 |
                                 NDIS_HASH_TCP_IPV6),
        .table_bytes = cpu_to_le16(4 * entries),
        .table_offset = cpu_to_le32(sizeof(wire)),
        .key_bytes = cpu_to_le16(NDIS_RSS_KEY_BYTES),
        .key_offset = cpu_to_le32(sizeof(wire) + 4 * entries),
    };
    uint32_t bytes = sizeof(wire) + 4 * entries + NDIS_RSS_KEY_BYTES;
    g_autofree uint8_t *buf = g_malloc0(bytes);

    memcpy(buf, &wire, sizeof(wire));
    for (unsigned i = 0; i < entries; i++) {
        stl_le_p(buf + sizeof(wire) + 4 * i, table[i]);
    }
    memcpy(buf + bytes - NDIS_RSS_KEY_BYTES, key, NDIS_RSS_KEY_BYTES);
    return netvsc_set(n, RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS, buf, bytes);
}

static uint32_t put_utf16(uint8_t *at, const char *text)
{
    uint32_t len = strlen(text);

    for (uint32_t i = 0; i < len; i++) {
        stw_le_p(at + 2 * i, text[i]);
    }
    return 2 * len;
}

uint32_t netvsc_set_address(Netvsc *n, const char *text)
{
    uint8_t buf[256] = { 0 };
    RndisConfigParameterWire wire = {
        .name_offset = cpu_to_le32(sizeof(wire)),
        .type = cpu_to_le32(RNDIS_CONFIG_STRING),
    };
    uint32_t name_bytes = put_utf16(buf + sizeof(wire), "NetworkAddress");
    uint32_t value_at = sizeof(wire) + name_bytes, value_bytes;

    g_assert_cmpuint(value_at + 2 * strlen(text), <=, sizeof(buf));
    value_bytes = put_utf16(buf + value_at, text);
    wire.name_bytes = cpu_to_le32(name_bytes);
    wire.value_offset = cpu_to_le32(value_at);
    wire.value_bytes = cpu_to_le32(value_bytes);
    memcpy(buf, &wire, sizeof(wire));
    return netvsc_set(n, RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER, buf,
                      value_at + value_bytes);
}

void netvsc_expect_indication(Netvsc *n, uint32_t status)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (;;) {
        netvsc_pump(n);
        for (unsigned i = 0; i < n->indications->len; i++) {
            if (g_array_index(n->indications, uint32_t, i) == status) {
                g_array_remove_range(n->indications, 0, i + 1);
                return;
            }
        }
        if (g_get_monotonic_time() > end) {
            g_error("indication 0x%x did not come", status);
        }
        hv_guest_step(n->c->g, 0);
    }
}
