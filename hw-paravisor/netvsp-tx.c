/*
 * hv-net: frames from the guest to the netdev
 *
 * A message is copied out of guest memory as a whole; then its packets are
 * looked at, changed in place as the guest wants, and sent from there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "standard-headers/linux/virtio_net.h"
#include "netvsp-internal.h"

/* Linux' least segment (tcp_min_snd_mss); less would make too many frames */
#define NETVSP_MIN_MSS  48

int64_t netvsp_gather(NetvspChannel *ch, const HvbusPacket *pkt,
                      const NetvspRndis *r, uint8_t *buf, uint32_t max_bytes)
{
    HvNet *s = ch->s;
    uint32_t bytes = r->section_bytes;
    int64_t n;

    if (bytes > max_bytes) {
        return -1;
    }
    if (bytes && (!s->send_gpadl ||
                  !hvbus_gpadl_read(s->send_gpadl, r->section_idx *
                                    s->core.send.section_bytes, buf, bytes))) {
        return -1;
    }
    if (pkt->type != HVBUS_PKT_GPA_DIRECT) {
        return bytes;
    }
    n = hvbus_packet_read(ch->chan, pkt, buf + bytes, max_bytes - bytes);
    return n < 0 ? -1 : n + bytes;
}

/* All frames of the message have left @queue */
static void netvsp_tx_finish(HvNet *s, int queue, NetvspTx *tx)
{
    NetvspQueue *q = &s->queues[queue];

    QTAILQ_REMOVE(&q->tx, tx, next);
    q->queued_bytes -= tx->bytes;
    if (tx->ch && tx->wants_completion) {
        netvsp_complete(tx->ch, tx->trans_id, tx->status, false);
        netvsp_flush_soon(tx->ch);
    }
    g_free(tx);
    if (q->queued_bytes < NETVSP_TX_QUEUED_BYTES) {
        /* any of its channels may wait, not just the one that sent this */
        netvsp_kick_stopped(s, queue);
    }
}

/* The netdev's queue let go of a frame */
static void netvsp_tx_sent(NetClientState *nc, ssize_t ret)
{
    HvNet *s = qemu_get_nic_opaque(nc);
    NetvspQueue *q = &s->queues[nc->queue_index];
    NetvspTx *tx = QTAILQ_FIRST(&q->tx);

    if (!tx || --tx->frames) {
        return;
    }
    netvsp_tx_finish(s, nc->queue_index, tx);
}

void netvsp_tx_purge(HvNet *s)
{
    for (int i = 0; i < s->queue_count; i++) {
        NetClientState *peer = qemu_get_subqueue(s->nic, i)->peer;

        if (peer) {
            qemu_flush_or_purge_queued_packets(peer, true);
        }
    }
}

bool netvsp_tx_is_full(NetvspChannel *ch)
{
    HvNet *s = ch->s;

    return s->queues[ch->idx % s->queue_count].queued_bytes >=
           NETVSP_TX_QUEUED_BYTES;
}

void netvsp_tx_forget(NetvspChannel *ch)
{
    HvNet *s = ch->s;

    for (int i = 0; i < s->queue_count; i++) {
        NetvspTx *tx;

        QTAILQ_FOREACH(tx, &s->queues[i].tx, next) {
            if (tx->ch == ch) {
                tx->ch = NULL;
            }
        }
    }
}

/* Put a virtio-net header in front of @frame */
static uint8_t *netvsp_push_vnet(HvNet *s, uint8_t *frame, const NetFrame *f,
                                 bool needs_csum, uint32_t mss)
{
    struct virtio_net_hdr hdr = { };

    if (needs_csum) {
        hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        hdr.csum_start = f->l4_offset;
        hdr.csum_offset = net_frame_csum_offset(f);
    }
    if (mss) {
        hdr.gso_type = f->ip_version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
                                          : VIRTIO_NET_HDR_GSO_TCPV6;
        hdr.gso_size = mss;
        hdr.hdr_len = f->payload_offset;
    }
    frame -= s->vnet_bytes;
    memcpy(frame, &hdr, sizeof(hdr));
    return frame;
}

/* The frames of one message, on their way */
typedef struct NetvspTxRun {
    NetvspChannel *ch;
    NetClientState *nc;
    NetvspTx *tx;                       /* once a frame was queued */
    uint64_t trans_id;
    bool wants_completion;
} NetvspTxRun;

static void netvsp_tx_frame(NetvspTxRun *run, const uint8_t *data,
                            uint32_t bytes)
{
    HvNet *s = run->ch->s;
    NetvspQueue *q = &s->queues[run->nc->queue_index];

    s->tx_frames++;
    if (qemu_send_packet_async(run->nc, data, bytes, netvsp_tx_sent) != 0) {
        return;
    }
    if (!run->tx) {
        run->tx = g_new0(NetvspTx, 1);
        run->tx->ch = run->ch;
        run->tx->trans_id = run->trans_id;
        run->tx->wants_completion = run->wants_completion;
        /* one more than there are, until the message is through */
        run->tx->frames = 1;
        QTAILQ_INSERT_TAIL(&q->tx, run->tx, next);
    }
    run->tx->frames++;
    run->tx->bytes += bytes;
    q->queued_bytes += bytes;
}

static bool netvsp_tx_large(NetvspTxRun *run, uint8_t *frame, NetFrame *f,
                            const RndisPacket *p)
{
    HvNet *s = run->ch->s;
    uint32_t mss = p->lso & RNDIS_LSO_MSS_MASK;
    NetFrameCutter c;
    uint32_t bytes;
    uint8_t *seg;

    if (mss < NETVSP_MIN_MSS || !net_frame_fix_large(f, frame)) {
        return false;
    }
    if (f->bytes - f->payload_offset <= mss) {
        mss = 0;                        /* it is not large at all */
    }
    if (s->vnet_bytes) {
        net_frame_set_l4_csum(f, frame, true);
        seg = netvsp_push_vnet(s, frame, f, true, mss);
        netvsp_tx_frame(run, seg, f->bytes + s->vnet_bytes);
        return true;
    }
    if (!mss) {
        net_frame_set_l4_csum(f, frame, false);
        netvsp_tx_frame(run, frame, f->bytes);
        return true;
    }
    net_frame_cut_begin(&c, f, frame, mss);
    while ((seg = net_frame_cut_next(&c, &bytes))) {
        netvsp_tx_frame(run, seg, bytes);
    }
    return true;
}

/* The checksums that the guest leaves to us; false: there is none to make */
static bool netvsp_tx_csum(HvNet *s, uint8_t *frame, const NetFrame *f,
                           uint32_t want, bool *needs_csum)
{
    bool l4 = ((want & RNDIS_TX_CSUM_TCP) && net_frame_is_tcp(f)) ||
              ((want & RNDIS_TX_CSUM_UDP) && net_frame_is_udp(f));

    if (want & RNDIS_TX_CSUM_IP_HEADER) {
        net_frame_set_ip_csum(f, frame);
    }
    if (l4) {
        net_frame_set_l4_csum(f, frame, s->vnet_bytes);
        *needs_csum = s->vnet_bytes;
    }
    return l4 || !(want & (RNDIS_TX_CSUM_TCP | RNDIS_TX_CSUM_UDP));
}

/* Send the frame of @p in @msg.  False: it is bad */
static bool netvsp_tx_packet(NetvspTxRun *run, uint8_t *msg,
                             const RndisPacket *p)
{
    HvNet *s = run->ch->s;
    uint8_t *frame = msg + p->data_offset;
    uint32_t bytes = p->data_bytes;
    bool needs_csum = false;
    NetFrame f;

    trace_netvsp_tx(run->ch->idx, bytes, p->has_csum ? p->csum : 0,
                    p->has_lso ? p->lso : 0);
    if (p->has_vlan) {
        frame = net_frame_push_vlan(frame, p->vlan_tci);
        bytes += NET_FRAME_VLAN_BYTES;
    }
    if (p->has_lso || p->has_csum || s->vnet_bytes) {
        net_frame_parse(&f, frame, bytes);
    }
    if (p->has_lso) {
        return netvsp_tx_large(run, frame, &f, p);
    }
    if (p->has_csum && !netvsp_tx_csum(s, frame, &f, p->csum, &needs_csum)) {
        return false;
    }
    if (s->vnet_bytes) {
        frame = netvsp_push_vnet(s, frame, &f, needs_csum, 0);
        bytes += s->vnet_bytes;
    }
    netvsp_tx_frame(run, frame, bytes);
    return true;
}

/* All packets of the message; returns NvspStatus */
static uint32_t netvsp_tx_packets(NetvspTxRun *run, uint8_t *msg,
                                  uint32_t bytes)
{
    RndisStats *stats = &run->ch->s->stats;
    uint32_t status = NVSP_STATUS_SUCCESS;
    uint32_t done = 0;
    int cast;

    /* guests pad the last packet: less than a header is no packet */
    while (bytes - done >= RNDIS_HEADER_BYTES) {
        RndisPacket p;
        const char *why = rndis_packet_parse(msg + done, bytes - done, &p);

        if (why) {
            netvsp_guest_error(run->ch, "packet at %u of %u: %s", done, bytes,
                               why);
            stats->tx_errors++;
            return NVSP_STATUS_INVALID_RNDIS;
        }
        cast = rndis_cast(msg + done + p.data_offset);
        if (netvsp_tx_packet(run, msg + done, &p)) {
            stats->tx_frames[cast]++;
            stats->tx_bytes[cast] += p.data_bytes;
        } else {
            netvsp_guest_error(run->ch, "offload of no TCP or UDP packet");
            stats->tx_errors++;
            status = NVSP_STATUS_INVALID_RNDIS;
        }
        done += p.msg_bytes;
    }
    if (!done) {
        netvsp_guest_error(run->ch, "empty message");
        return NVSP_STATUS_INVALID_RNDIS;
    }
    return status;
}

void netvsp_tx_message(NetvspChannel *ch, const HvbusPacket *pkt,
                       const NetvspRndis *r)
{
    HvNet *s = ch->s;
    NetvspTxRun run = {
        .ch = ch,
        .nc = netvsp_channel_nc(ch),
        .trans_id = pkt->trans_id,
        .wants_completion = pkt->wants_completion,
    };
    uint32_t status = NVSP_STATUS_FAILURE;
    int64_t bytes;

    if (!s->rndis.is_initialized || netvsp_tx_is_full(ch)) {
        /*
         * Lost: Linux halts RNDIS before it stops sending, and warns of each frame
         * that fails.  If there is no room, what the guest returns behind this
         * message is not to wait for some.
         */
        trace_netvsp_tx_dropped(ch->idx, run.trans_id);
        s->stats.tx_errors++;
        status = NVSP_STATUS_SUCCESS;
    } else {
        bytes = netvsp_gather(ch, pkt, r, s->tx_buf, NETVSP_TX_BUF_BYTES);
        if (bytes < 0) {
            netvsp_guest_error(ch, "message is not there, or too long");
        } else {
            status = netvsp_tx_packets(&run, s->tx_buf, bytes);
        }
    }
    trace_netvsp_tx_message(ch->idx, run.trans_id, status, !!run.tx);
    if (run.tx) {
        run.tx->status = status;
        if (--run.tx->frames == 0) {
            netvsp_tx_finish(s, run.nc->queue_index, run.tx);
        }
    } else if (run.wants_completion) {
        netvsp_complete(ch, run.trans_id, status,
                        pkt->type != HVBUS_PKT_GPA_DIRECT);
    }
}
