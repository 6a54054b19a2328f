/*
 * hv-net: the packets of a channel
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "netvsp-internal.h"

NetClientState *netvsp_channel_nc(NetvspChannel *ch)
{
    HvNet *s = ch->s;

    return qemu_get_subqueue(s->nic, ch->idx % s->queue_count);
}

void netvsp_flush(NetvspChannel *ch)
{
    if (ch->needs_flush) {
        ch->needs_flush = false;
        ch->held = 0;
        hvbus_send_flush(ch->chan);
    }
}

void netvsp_flush_held(NetvspChannel *ch)
{
    ch->needs_flush |= ch->held > 0;
    netvsp_flush(ch);
}

void netvsp_flush_soon(NetvspChannel *ch)
{
    HvNet *s = ch->s;

    if (ch->in_notify) {
        return;
    }
    if (s->is_stopped) {
        netvsp_flush(ch);
    } else {
        netvsp_schedule(s);
    }
}

/* The guest gives receive sections back by completing the packet */
static uint16_t netvsp_out_flags(uint16_t type)
{
    return type == HVBUS_PKT_XFER_PAGES ? HVBUS_PKT_FLAG_COMPLETION : 0;
}

void netvsp_send(NetvspChannel *ch, uint16_t type, uint64_t trans_id,
                 const void *desc, uint32_t desc_bytes,
                 const NvspMessageWire *msg, uint32_t msg_bytes)
{
    NetvspOut *o;

    if (!ch->is_open) {
        return;
    }
    if (QTAILQ_EMPTY(&ch->out) &&
        hvbus_send(ch->chan, type, netvsp_out_flags(type), trans_id, desc,
                   desc_bytes, msg, msg_bytes)) {
        ch->needs_flush = true;
        return;
    }
    trace_netvsp_ring_full(ch->idx, trans_id);
    o = g_new0(NetvspOut, 1);
    o->type = type;
    o->trans_id = trans_id;
    o->desc_bytes = desc_bytes;
    if (desc_bytes) {
        memcpy(o->desc, desc, desc_bytes);
    }
    o->msg_bytes = msg_bytes;
    memcpy(&o->msg, msg, msg_bytes);
    QTAILQ_INSERT_TAIL(&ch->out, o, next);
}

void netvsp_complete(NetvspChannel *ch, uint64_t trans_id, uint32_t status,
                     bool can_wait)
{
    HvNet *s = ch->s;
    bool needs_flush = ch->needs_flush;
    NvspMessageWire msg;

    netvsp_build_rndis_complete(&msg, status);
    netvsp_send(ch, HVBUS_PKT_COMPLETION, trans_id, NULL, 0, &msg,
                NVSP_RNDIS_COMPLETE_BYTES);
    /* a guest with few sections would soon have none left to send */
    if (!can_wait || !ch->is_open || !QTAILQ_EMPTY(&ch->out) ||
        ++ch->held >= MIN(NETVSP_MAX_HELD, s->core.send.section_count / 4)) {
        return;
    }
    ch->needs_flush = needs_flush;
    if (!timer_pending(s->held_timer)) {
        timer_mod(s->held_timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                                 NETVSP_MAX_HELD_NS);
    }
}

/* Send what waits for room.  False if some of it still does */
static bool netvsp_send_queued(NetvspChannel *ch)
{
    NetvspOut *o;

    while ((o = QTAILQ_FIRST(&ch->out))) {
        if (!hvbus_send(ch->chan, o->type, netvsp_out_flags(o->type),
                        o->trans_id, o->desc, o->desc_bytes, &o->msg,
                        o->msg_bytes)) {
            return false;
        }
        ch->needs_flush = true;
        QTAILQ_REMOVE(&ch->out, o, next);
        g_free(o);
    }
    return true;
}

void netvsp_send_pending(HvNet *s)
{
    NetvspChannel *ch = &s->chans[0];
    uint8_t buf[32];
    NvspMessageWire msg;
    uint32_t bytes;

    if (!ch->is_open || !s->rndis.is_initialized ||
        !QTAILQ_EMPTY(&ch->out)) {
        return;
    }
    if (s->link_pending && s->link_told != s->rndis.link_up) {
        bytes = rndis_build_indication(buf, s->rndis.link_up
                                       ? RNDIS_STATUS_MEDIA_CONNECT
                                       : RNDIS_STATUS_MEDIA_DISCONNECT,
                                       false, 0);
        if (!netvsp_send_control(s, buf, bytes)) {
            return;                     /* again when a section is free */
        }
        s->link_told = s->rndis.link_up;
    }
    s->link_pending = false;
    if (s->change_pending) {
        bytes = rndis_build_indication(buf, RNDIS_STATUS_NETWORK_CHANGE, false,
                                       0);
        if (!netvsp_send_control(s, buf, bytes)) {
            return;
        }
        s->change_pending = false;
    }
    netvsp_mana_send_pending(s);
    if (s->vf_pending && netvsp_core_wants_vf(&s->core)) {
        s->vf_pending = false;
        bytes = netvsp_build_vf_association(&msg, s->vf_present, s->vf_serial);
        trace_netvsp_vf(s->vf_serial, s->vf_present);
        netvsp_send(ch, HVBUS_PKT_INBAND, 0, NULL, 0, &msg, bytes);
    }
    if (s->table_pending) {
        s->table_pending = false;
        bytes = netvsp_build_send_table(&msg, s->open_channels);
        netvsp_send(ch, HVBUS_PKT_INBAND, 0, NULL, 0, &msg, bytes);
    }
}

static void netvsp_handle_completion(NetvspChannel *ch, const HvbusPacket *pkt)
{
    HvNet *s = ch->s;

    /* the section number with a bit that tells it from no number at all */
    if (!pkt->trans_id ||
        !netvsp_sections_complete(&s->sections, ch->idx, pkt->trans_id - 1)) {
        netvsp_guest_error(ch, "completion of unknown packet 0x%" PRIx64,
                           pkt->trans_id);
        return;
    }
    s->rx_starved = false;
}

void netvsp_kick_stopped(HvNet *s, int queue)
{
    for (int i = 0; i < s->num_queues; i++) {
        NetvspChannel *ch = &s->chans[i];

        if (ch->is_open && ch->tx_stopped &&
            (queue < 0 || i % s->queue_count == queue)) {
            hvbus_channel_kick(ch->chan);
        }
    }
}

/*
 * May the channel take more from the guest?  Not if the netdev has too much, unless
 * that would keep back the receive sections that the netdev itself may wait for.
 */
static bool netvsp_may_receive(NetvspChannel *ch)
{
    ch->tx_stopped = netvsp_tx_is_full(ch) && !ch->s->rx_starved;
    return ch->is_open && QTAILQ_EMPTY(&ch->out) && !ch->tx_stopped;
}

static void netvsp_receive_ring(NetvspChannel *ch)
{
    HvbusChannel *chan = ch->chan;      /* a close amid this clears it */
    HvNet *s = ch->s;
    uint32_t tx_frames = s->tx_frames;
    int budget = NETVSP_RECV_BATCH;
    bool more = true;
    HvbusPacket pkt;

    hvbus_recv_begin(chan);
    while (budget-- && s->tx_frames - tx_frames < NETVSP_TX_BATCH) {
        if (!netvsp_may_receive(ch)) {
            more = false;               /* something else kicks us */
            break;
        }
        if (hvbus_recv(chan, &pkt) <= 0) {
            break;
        }
        if (pkt.type == HVBUS_PKT_COMPLETION) {
            netvsp_handle_completion(ch, &pkt);
        } else {
            netvsp_handle_packet(ch, &pkt);
        }
    }
    if (hvbus_recv_end(chan) && more) {
        hvbus_channel_kick(chan);
    }
}

void netvsp_notify(HvbusDevice *dev, HvbusChannel *chan)
{
    NetvspChannel *ch = hvbus_channel_opaque(chan);
    HvNet *s = HV_NET(dev);

    if (!ch || !ch->is_open) {
        return;
    }
    if (ch->in_notify) {
        ch->missed_notify = true;
        return;
    }
    ch->in_notify = true;
    if (netvsp_send_queued(ch)) {
        netvsp_receive_ring(ch);
        if (ch->idx == 0) {
            netvsp_send_pending(s);
        }
        /*
         * Also what the netdev answered at once.  Last: what a batch asks for, if
         * there is no room, would be taken back by a smaller packet that fits.
         */
        netvsp_rx_flush(ch);
    }
    ch->in_notify = false;
    if (!ch->is_open) {
        return;
    }
    if (s->mana) {
        mana_drv_net_flush(s->mana);
    }
    netvsp_flush(ch);
    netvsp_rx_unblock(s);
    if (ch->missed_notify) {
        ch->missed_notify = false;
        hvbus_channel_kick(chan);
    }
}

void netvsp_channel_init(HvNet *s, uint16_t idx)
{
    NetvspChannel *ch = &s->chans[idx];

    ch->s = s;
    ch->idx = idx;
    QTAILQ_INIT(&ch->out);
}

void netvsp_channel_attach(NetvspChannel *ch, HvbusChannel *chan)
{
    ch->chan = chan;
    ch->in_notify = false;
    ch->missed_notify = false;
    ch->needs_flush = false;
    ch->tx_stopped = false;
    ch->held = 0;
    hvbus_channel_set_opaque(chan, ch);
    ch->is_open = true;
    ch->s->open_channels++;
}

void netvsp_channel_detach(NetvspChannel *ch)
{
    NetvspOut *o;

    if (ch->is_open) {
        ch->is_open = false;
        ch->s->open_channels--;
        netvsp_tx_forget(ch);
        hvbus_channel_set_opaque(ch->chan, NULL);
        ch->chan = NULL;
        netvsp_rx_unblock_soon(ch->s);
    }
    /* a load that failed leaves these in a channel that is not open */
    netvsp_rx_forget(ch);
    while ((o = QTAILQ_FIRST(&ch->out))) {
        QTAILQ_REMOVE(&ch->out, o, next);
        g_free(o);
    }
}
