/*
 * hv-net: what the guest configures, over NVSP and RNDIS
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "netvsp-internal.h"

/* Nothing that the guest shared is used any more after this */
static void netvsp_drop_recv_buf(HvNet *s)
{
    for (int i = 0; i < s->num_queues; i++) {
        netvsp_rx_forget(&s->chans[i]);
    }
    netvsp_sections_destroy(&s->sections);
    s->rx_starved = false;
    if (s->recv_gpadl) {
        hvbus_gpadl_put(g_steal_pointer(&s->recv_gpadl));
    }
    netvsp_rx_unblock_soon(s);          /* to be dropped */
}

static void netvsp_drop_send_buf(HvNet *s)
{
    /* frames on their way were copied */
    if (s->send_gpadl) {
        hvbus_gpadl_put(g_steal_pointer(&s->send_gpadl));
    }
}

static void netvsp_set_buffer(NetvspChannel *ch, NetvspVerdict *v)
{
    HvNet *s = ch->s;
    bool is_recv = v->action == NETVSP_ACT_SET_RECV_BUF;
    HvbusGpadl *gpadl = hvbus_gpadl_get(ch->chan, v->gpadl_id);

    if (!netvsp_core_buffer_set(&s->core, v,
                                gpadl ? hvbus_gpadl_bytes(gpadl) : 0)) {
        if (gpadl) {
            hvbus_gpadl_put(gpadl);
        }
        return;
    }
    if (is_recv) {
        s->recv_gpadl = gpadl;
        netvsp_sections_init(&s->sections, s->core.recv.section_count);
    } else {
        s->send_gpadl = gpadl;
    }
}

static void netvsp_offer_subchannels(HvNet *s, NetvspVerdict *v)
{
    bool ok = hvbus_offer_subchannels(HVBUS_DEVICE(s), v->subchannel_count);

    netvsp_core_subchannels_offered(&s->core, v, ok);
    trace_netvsp_subchannels(v->subchannel_count, ok);
}

void netvsp_apply_offloads(HvNet *s)
{
    uint32_t on = s->rndis.offloads;

    trace_netvsp_offloads(on);
    if (!s->vnet_bytes) {
        return;
    }
    for (int i = 0; i < s->queue_count; i++) {
        NetClientState *nc = qemu_get_subqueue(s->nic, i);

        /* large frames only if the guest takes them; else the host cuts them */
        qemu_set_offload(nc->peer, true, !!(on & RNDIS_OFFLOAD_RSC4),
                         !!(on & RNDIS_OFFLOAD_RSC6), false, false, false,
                         false);
    }
}

void netvsp_apply_rss(HvNet *s)
{
    trace_netvsp_rss(s->rndis.rss.is_enabled, s->rndis.rss.hash_info,
                     s->rndis.rss.table_count);
    if (s->rndis.rss.is_enabled) {
        toeplitz_init(&s->toeplitz, s->rndis.rss.key);
    }
    netvsp_mana_apply_rss(s);
}

void netvsp_reset_protocol(HvNet *s)
{
    netvsp_drop_recv_buf(s);
    netvsp_drop_send_buf(s);
    netvsp_core_reset(&s->core);
    netvsp_mana_reset_path(s);
    rndis_core_reset(&s->rndis);
    netvsp_apply_offloads(s);
    s->link_pending = false;
    s->change_pending = false;
    s->table_pending = false;
}

static void netvsp_apply(HvNet *s, uint32_t changed)
{
    if (changed & RNDIS_CHANGED_OFFLOADS) {
        netvsp_apply_offloads(s);
    }
    if (changed & RNDIS_CHANGED_RSS) {
        netvsp_apply_rss(s);
    }
    if (changed & RNDIS_CHANGED_MAC) {
        trace_netvsp_mac(s->rndis.mac[0], s->rndis.mac[1], s->rndis.mac[2],
                         s->rndis.mac[3], s->rndis.mac[4], s->rndis.mac[5]);
        qemu_format_nic_info_str(qemu_get_queue(s->nic), s->rndis.mac);
    }
    if ((changed & RNDIS_CHANGED_STATE) && s->rndis.is_initialized) {
        /* the guest asks for the state of the link itself */
        s->link_told = s->rndis.link_up;
        s->vf_pending = s->vf_present;
    }
    if (changed & (RNDIS_CHANGED_FILTER | RNDIS_CHANGED_STATE)) {
        netvsp_rx_unblock(s);
    }
}

bool netvsp_send_control(HvNet *s, const void *msg, uint32_t bytes)
{
    NetvspChannel *ch = &s->chans[0];
    struct {
        HvbusXferPagesWire head;
        HvbusXferRangeWire range;
    } desc = { };
    NetvspChain chain = { };
    NvspMessageWire nvsp;
    uint32_t idx, nvsp_bytes;

    if (!s->recv_gpadl || bytes > s->core.recv.section_bytes) {
        return false;
    }
    idx = netvsp_sections_add(&s->sections, 0, &chain);
    if (idx == NETVSP_NO_IDX) {
        return false;
    }
    if (!hvbus_gpadl_write(s->recv_gpadl, idx * s->core.recv.section_bytes,
                           msg, bytes)) {
        netvsp_sections_drop(&s->sections, &chain);
        return false;
    }
    desc.head.page_set_id = cpu_to_le16(s->core.recv.id);
    desc.head.range_count = cpu_to_le32(1);
    desc.range.byte_count = cpu_to_le32(bytes);
    desc.range.byte_offset = cpu_to_le32(idx * s->core.recv.section_bytes);
    nvsp_bytes = netvsp_build_rndis(&nvsp, true);
    netvsp_sections_sent(&s->sections, &chain);
    netvsp_send(ch, HVBUS_PKT_XFER_PAGES, (uint64_t)chain.head + 1, &desc,
                sizeof(desc), &nvsp, nvsp_bytes);
    return true;
}

/* A control message: the NVSP status to complete it with */
static uint32_t netvsp_control_message(NetvspChannel *ch,
                                       const HvbusPacket *pkt,
                                       const NetvspRndis *r)
{
    HvNet *s = ch->s;
    g_autofree uint8_t *msg = g_malloc(RNDIS_MAX_CONTROL_BYTES);
    int64_t bytes = netvsp_gather(ch, pkt, r, msg, RNDIS_MAX_CONTROL_BYTES);
    RndisVerdict v;

    if (bytes < 0) {
        netvsp_guest_error(ch, "control message is not there, or too long");
        return NVSP_STATUS_FAILURE;
    }
    if (!s->recv_gpadl || !s->sections.free_count) {
        /* no place for the answer: the guest holds all of them */
        netvsp_guest_error(ch, "no section for the answer");
        return NVSP_STATUS_BUSY;
    }
    if (!rndis_core_handle(&s->rndis, netvsp_core_has_rsc(&s->core) &&
                           s->has_rsc, msg, bytes, &v)) {
        netvsp_guest_error(ch, "bad RNDIS message of %" PRId64 " bytes",
                           bytes);
        return NVSP_STATUS_INVALID_RNDIS;
    }
    trace_netvsp_control(v.type, v.oid, v.status, v.reply_bytes);
    if (v.status) {
        qemu_log_mask(v.status == RNDIS_STATUS_NOT_SUPPORTED
                      ? LOG_UNIMP : LOG_GUEST_ERROR,
                      "hv-net: RNDIS message %u OID 0x%08x: status 0x%08x\n",
                      v.type, v.oid, v.status);
    }
    if (v.changed) {
        netvsp_apply(s, v.changed);
    }
    if (v.reply_bytes) {
        netvsp_send_control(s, v.reply, v.reply_bytes);
    }
    return NVSP_STATUS_SUCCESS;
}

static void netvsp_act(NetvspChannel *ch, const HvbusPacket *pkt,
                       NetvspVerdict *v)
{
    HvNet *s = ch->s;

    switch (v->action) {
    case NETVSP_ACT_SET_RECV_BUF:
    case NETVSP_ACT_SET_SEND_BUF:
        netvsp_set_buffer(ch, v);
        break;
    case NETVSP_ACT_REVOKE_RECV_BUF:
        netvsp_drop_recv_buf(s);
        break;
    case NETVSP_ACT_REVOKE_SEND_BUF:
        netvsp_drop_send_buf(s);
        break;
    case NETVSP_ACT_SUBCHANNELS:
        netvsp_offer_subchannels(s, v);
        break;
    case NETVSP_ACT_DATA_PATH:
        trace_netvsp_data_path(v->data_path);
        break;
    case NETVSP_ACT_RNDIS:
        /* control messages; data goes another way */
        netvsp_build_rndis_complete(&v->reply,
                                    netvsp_control_message(ch, pkt,
                                                           &v->rndis));
        break;
    case NETVSP_ACT_REPLY:
        break;
    }
}

void netvsp_handle_packet(NetvspChannel *ch, const HvbusPacket *pkt)
{
    HvNet *s = ch->s;
    NetvspVerdict v;

    if (pkt->type != HVBUS_PKT_INBAND && pkt->type != HVBUS_PKT_GPA_DIRECT) {
        netvsp_guest_error(ch, "packet of type %u", pkt->type);
        if (pkt->wants_completion) {
            netvsp_complete(ch, pkt->trans_id, NVSP_STATUS_FAILURE, false);
        }
        return;
    }
    netvsp_core_handle(&s->core, ch->idx == 0, pkt->msg, pkt->msg_bytes, &v);
    if (v.action == NETVSP_ACT_RNDIS && !v.rndis.is_control) {
        netvsp_tx_message(ch, pkt, &v.rndis);
        return;
    }
    netvsp_act(ch, pkt, &v);
    if (v.action == NETVSP_ACT_DATA_PATH && netvsp_mana_switch(s, pkt)) {
        return;
    }
    trace_netvsp_message(ch->idx, pkt->trans_id, v.type, v.status);
    if (v.why) {
        netvsp_guest_error(ch, "message %u of %u bytes: %s", v.type,
                           pkt->msg_bytes, v.why);
    }
    if (pkt->wants_completion) {
        netvsp_send(ch, HVBUS_PKT_COMPLETION, pkt->trans_id, NULL, 0, &v.reply,
                    v.reply_bytes);
    }
}
