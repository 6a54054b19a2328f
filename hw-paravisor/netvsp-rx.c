/*
 * hv-net: frames from the netdev to the guest
 *
 * A frame is put into one or, if the guest takes that, several sections of the
 * receive buffer; for such a guest TCP segments are put together.  The guest is
 * told of many frames at once, in one packet per run of the event loop.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "standard-headers/linux/virtio_net.h"
#include "netvsp-internal.h"

/*
 * Longest packet of the netdev's that is not cut.  Guests allocate that much in one
 * piece: with what they need besides, 32 KiB.
 */
#define NETVSP_RX_MAX_LARGE_BYTES       (31 * 1024)

/* Tell the guest of the frames in the batch, if the ring has room */
static bool netvsp_rx_send_batch(NetvspChannel *ch)
{
    HvNet *s = ch->s;
    NetvspBatch *b = &ch->batch;
    struct {
        HvbusXferPagesWire head;
        HvbusXferRangeWire ranges[NETVSP_BATCH_RANGES];
    } desc;
    NvspMessageWire nvsp;
    uint32_t idx = b->chain.head;
    uint32_t nvsp_bytes;

    if (!b->chain.count) {
        return true;
    }
    if (!QTAILQ_EMPTY(&ch->out)) {
        return false;
    }
    desc.head = (HvbusXferPagesWire) {
        .page_set_id = cpu_to_le16(s->core.recv.id),
        .range_count = cpu_to_le32(b->chain.count),
    };
    for (uint32_t i = 0; i < b->chain.count; i++) {
        desc.ranges[i].byte_count = cpu_to_le32(b->bytes[i]);
        desc.ranges[i].byte_offset =
            cpu_to_le32(idx * s->core.recv.section_bytes);
        idx = s->sections.next[idx];
    }
    nvsp_bytes = netvsp_build_rndis(&nvsp, false);
    if (!hvbus_send(ch->chan, HVBUS_PKT_XFER_PAGES, HVBUS_PKT_FLAG_COMPLETION,
                    (uint64_t)b->chain.head + 1, &desc,
                    sizeof(desc.head) +
                    b->chain.count * sizeof(desc.ranges[0]), &nvsp,
                    nvsp_bytes)) {
        return false;
    }
    trace_netvsp_rx_batch(ch->idx, b->chain.head + 1, b->chain.count);
    netvsp_sections_sent(&s->sections, &b->chain);
    b->chain.count = 0;
    ch->needs_flush = true;
    return true;
}

void netvsp_rx_forget(NetvspChannel *ch)
{
    ch->batch.chain.count = 0;
    ch->co.bytes = 0;
    g_clear_pointer(&ch->co_buf, g_free);
    netvsp_sections_release(&ch->s->sections, ch->idx);
    ch->s->rx_starved = false;
}

void netvsp_rx_unblock_soon(HvNet *s)
{
    s->rx_retry = true;
    netvsp_schedule(s);
}

/* Frames may wait in a queue that never was blocked: we did not look */
void netvsp_rx_resume(HvNet *s)
{
    for (int i = 0; i < s->queue_count; i++) {
        s->queues[i].rx_blocked = false;
        qemu_flush_queued_packets(qemu_get_subqueue(s->nic, i));
    }
}

void netvsp_rx_unblock(HvNet *s)
{
    s->rx_retry = false;
    for (int i = 0; i < s->queue_count; i++) {
        if (s->queues[i].rx_blocked && !s->is_stopped) {
            s->queues[i].rx_blocked = false;
            qemu_flush_queued_packets(qemu_get_subqueue(s->nic, i));
        }
    }
}

/* The hash of the flow, if the guest wants one over this kind of packet */
static bool netvsp_rx_hash(HvNet *s, const NetFrame *f, const uint8_t *frame,
                           uint32_t *hash)
{
    uint32_t want = s->rndis.rss.hash_info;
    bool ports;

    if (f->ip_version == 4) {
        ports = (net_frame_is_tcp(f) && (want & NDIS_HASH_TCP_IPV4)) ||
                (net_frame_is_udp(f) && (want & NDIS_HASH_UDP_IPV4));
        want &= NDIS_HASH_IPV4;
    } else if (f->ip_version == 6) {
        ports = (net_frame_is_tcp(f) && (want & NDIS_HASH_TCP_IPV6)) ||
                (net_frame_is_udp(f) && (want & NDIS_HASH_UDP_IPV6));
        want &= NDIS_HASH_IPV6;
    } else {
        return false;
    }
    if (!ports && !want) {
        return false;
    }
    *hash = toeplitz_hash_frame(&s->toeplitz, f, frame, ports);
    return true;
}

static bool netvsp_rx_is_usable(NetvspChannel *ch)
{
    return ch->is_open && hvbus_channel_is_open(ch->chan);
}

/* The channel for a frame that came in on @queue; also fills the hash */
static NetvspChannel *netvsp_rx_channel(HvNet *s, uint16_t queue,
                                        const NetFrame *f,
                                        const uint8_t *frame,
                                        RndisRxInfo *info)
{
    uint16_t idx = 0;

    if (s->rndis.rss.is_enabled) {
        info->has_hash = netvsp_rx_hash(s, f, frame, &info->hash);
        if (info->has_hash) {
            idx = s->rndis.rss.table[info->hash % s->rndis.rss.table_count];
        }
    }
    if (s->queue_count > 1) {
        idx = queue;                    /* the host has chosen */
    }
    /* one that is not open, or not any more, or that the guest broke */
    if (idx >= s->num_queues || !netvsp_rx_is_usable(&s->chans[idx])) {
        idx = 0;
    }
    return &s->chans[idx];
}

/* What the guest need not check any more.  @csum_ok: known to be good */
static uint32_t netvsp_rx_csum(HvNet *s, const NetFrame *f,
                               const uint8_t *frame, bool csum_ok)
{
    uint32_t on = s->rndis.offloads;
    bool tcp = net_frame_is_tcp(f), udp = net_frame_is_udp(f);
    NetFrameCsum l4 = NET_FRAME_CSUM_NONE;
    uint32_t flags = 0;

    if (f->ip_version == 4 && (on & RNDIS_OFFLOAD_RX_CSUM)) {
        NetFrameCsum ip = net_frame_check_ip_csum(f, frame);

        flags |= ip == NET_FRAME_CSUM_OK ? RNDIS_RX_CSUM_IP_OK
                                         : RNDIS_RX_CSUM_IP_FAILED;
    }
    if ((tcp && (on & (f->ip_version == 4 ? RNDIS_OFFLOAD_RX_TCP4
                                          : RNDIS_OFFLOAD_RX_TCP6))) ||
        (udp && (on & (f->ip_version == 4 ? RNDIS_OFFLOAD_RX_UDP4
                                          : RNDIS_OFFLOAD_RX_UDP6)))) {
        l4 = csum_ok ? NET_FRAME_CSUM_OK : net_frame_check_l4_csum(f, frame);
    }
    if (l4 == NET_FRAME_CSUM_OK) {
        flags |= tcp ? RNDIS_RX_CSUM_TCP_OK : RNDIS_RX_CSUM_UDP_OK;
    } else if (l4 == NET_FRAME_CSUM_BAD) {
        flags |= tcp ? RNDIS_RX_CSUM_TCP_FAILED : RNDIS_RX_CSUM_UDP_FAILED;
    }
    return flags;
}

/*
 * Put a frame into the batch of @ch, in @count sections.  @frame has
 * NETVSP_RX_HEADROOM bytes in front, which are overwritten.
 */
static bool netvsp_rx_store(NetvspChannel *ch, uint8_t *frame, uint32_t bytes,
                            uint32_t part_bytes, const RndisRxInfo *info)
{
    HvNet *s = ch->s;
    NetvspBatch *b = &ch->batch;
    RndisRxInfo part = *info;
    bool is_first = true;

    for (uint32_t done = 0; done < bytes; done += part_bytes) {
        uint32_t n = MIN(bytes - done, part_bytes);
        uint8_t header[RNDIS_MAX_RX_HEADER_BYTES];
        uint32_t header_bytes, idx;
        uint8_t *from;

        if (n < bytes) {
            part.fragment_flags = RNDIS_PACKET_ID_MULTI |
                (is_first ? RNDIS_PACKET_ID_FIRST : 0) |
                (done + n == bytes ? RNDIS_PACKET_ID_LAST : 0);
        }
        header_bytes = rndis_packet_build(header, &part, n);
        from = frame + done - header_bytes;
        memcpy(from, header, header_bytes);
        idx = netvsp_sections_add(&s->sections, ch->idx, &b->chain);
        b->bytes[b->chain.count - 1] = header_bytes + n;
        if (!hvbus_gpadl_write(s->recv_gpadl,
                               idx * s->core.recv.section_bytes, from,
                               header_bytes + n)) {
            return false;               /* the guest took its memory away */
        }
        /* what holds for the packet is in its first part only */
        is_first = part.has_hash = part.has_vlan = false;
        part.csum = 0;
    }
    return true;
}

/* Sections that control messages may need, and frames may not have */
static uint32_t netvsp_rx_reserve(HvNet *s)
{
    return MIN(NETVSP_CONTROL_SECTIONS, s->sections.count / 4);
}

/* Sections that frames have if the guest holds none */
static uint32_t netvsp_rx_max_sections(HvNet *s)
{
    return s->sections.count - netvsp_rx_reserve(s);
}

static bool netvsp_rx_has_sections(HvNet *s, uint32_t count)
{
    if (s->sections.free_count >= count + netvsp_rx_reserve(s)) {
        return true;
    }
    /* those that the guest returns may be behind frames it sends */
    s->rx_starved = true;
    netvsp_kick_stopped(s, -1);
    return false;
}

/* What of a frame one section takes */
static uint32_t netvsp_rx_part_bytes(HvNet *s)
{
    return s->core.recv.section_bytes - RNDIS_MAX_RX_HEADER_BYTES;
}

/* What of @bytes the sections take, for a guest that takes a packet in several */
static uint32_t netvsp_rx_max_bytes(HvNet *s, uint32_t bytes)
{
    return MIN(bytes,
               netvsp_rx_max_sections(s) * netvsp_rx_part_bytes(s));
}

/* Are there sections, and ranges in the batch, for a frame of @bytes? */
static bool netvsp_rx_make_room(NetvspChannel *ch, uint32_t bytes)
{
    uint32_t count = DIV_ROUND_UP(bytes, netvsp_rx_part_bytes(ch->s));

    if (ch->batch.chain.count + count > NETVSP_BATCH_RANGES &&
        (!netvsp_rx_send_batch(ch) || count > NETVSP_BATCH_RANGES)) {
        return false;
    }
    return netvsp_rx_has_sections(ch->s, count);
}

static void netvsp_rx_count(HvNet *s, const uint8_t *frame, uint32_t bytes)
{
    int cast = rndis_cast(frame);

    s->stats.rx_frames[cast]++;
    s->stats.rx_bytes[cast] += bytes;
}

/* Give a frame that fits the guest's MTU, or is large, to the guest */
static bool netvsp_rx_deliver(HvNet *s, NetvspChannel *ch, uint8_t *frame,
                              uint32_t bytes, RndisRxInfo *info)
{
    uint32_t part_bytes = netvsp_rx_part_bytes(s);

    if (DIV_ROUND_UP(bytes, part_bytes) > netvsp_rx_max_sections(s)) {
        s->stats.rx_no_buffer++;        /* there never will be room */
        return true;
    }
    if (!netvsp_rx_make_room(ch, bytes)) {
        return false;
    }
    netvsp_rx_count(s, frame, bytes);
    if (!netvsp_rx_store(ch, frame, bytes, part_bytes, info)) {
        s->stats.rx_errors++;
    }
    trace_netvsp_rx(ch->idx, bytes, DIV_ROUND_UP(bytes, part_bytes),
                    info->csum, info->hash);
    return true;
}

static void netvsp_rx_schedule(NetvspChannel *ch)
{
    if (!ch->in_notify) {
        netvsp_schedule(ch->s);
    }
}

/* Deliver the packet in the making, if there is one.  False: no room */
static bool netvsp_rx_end_coalescing(NetvspChannel *ch)
{
    uint8_t *frame = ch->co_buf + NETVSP_RX_HEADROOM;
    uint32_t bytes = ch->co.bytes;
    RndisRxInfo info = ch->co_info;

    if (!bytes) {
        return true;
    }
    /* finish only what will be taken: it cannot go on afterwards */
    if (!netvsp_rx_make_room(ch, bytes)) {
        return false;
    }
    trace_netvsp_rx_coalesced(ch->idx, bytes, ch->co.segments);
    net_coalesce_finish(&ch->co, frame);
    return netvsp_rx_deliver(ch->s, ch, frame, bytes, &info);
}

/* Deliver now, or put together with what follows.  False: no room */
static bool netvsp_rx_coalesce(HvNet *s, NetvspChannel *ch, uint8_t *frame,
                               const NetFrame *f, RndisRxInfo *info,
                               bool is_allowed)
{
    if (is_allowed && net_coalesce_can_start(f, frame)) {
        if (ch->co.bytes && ch->co_info.vlan_tci == info->vlan_tci &&
            ch->co.bytes + f->bytes <=
            netvsp_rx_max_bytes(s, NET_COALESCE_MAX_BYTES) &&
            net_coalesce_add(&ch->co, ch->co_buf + NETVSP_RX_HEADROOM, f,
                             frame)) {
            return true;
        }
        if (!netvsp_rx_end_coalescing(ch)) {
            return false;
        }
        if (f->bytes < NET_COALESCE_MAX_BYTES / 2) {
            if (!ch->co_buf) {
                ch->co_buf = g_malloc(NETVSP_RX_HEADROOM +
                                      NET_COALESCE_MAX_BYTES);
            }
            memcpy(ch->co_buf + NETVSP_RX_HEADROOM, frame, f->l4_end);
            net_coalesce_start(&ch->co, f, ch->co_buf + NETVSP_RX_HEADROOM);
            ch->co_info = *info;
            return true;
        }
    } else if (!netvsp_rx_end_coalescing(ch)) {
        return false;
    }
    return netvsp_rx_deliver(s, ch, frame, f->bytes, info);
}

void netvsp_rx_flush(NetvspChannel *ch)
{
    /* in any case: to return the batch is what may give room to the other */
    netvsp_rx_end_coalescing(ch);
    netvsp_rx_send_batch(ch);
}

/*
 * A large packet that the guest does not take as one, cut into packets with @mss of
 * payload.  False: no room.
 */
static bool netvsp_rx_cut(HvNet *s, NetvspChannel *ch, uint8_t *frame,
                          NetFrame *f, uint32_t mss, RndisRxInfo *info)
{
    uint32_t segments = DIV_ROUND_UP(f->bytes - f->payload_offset, mss);
    uint32_t each = DIV_ROUND_UP(f->payload_offset + mss,
                                 netvsp_rx_part_bytes(s));
    uint32_t count = MIN(segments * each, netvsp_rx_max_sections(s));
    RndisRxInfo one;
    NetFrameCutter c;
    uint32_t bytes;
    uint8_t *seg;

    /* what is refused comes again: so be sure that it fits, as far as it can */
    if (!netvsp_rx_end_coalescing(ch) ||
        (ch->batch.chain.count + count > NETVSP_BATCH_RANGES &&
         !netvsp_rx_send_batch(ch)) || !netvsp_rx_has_sections(s, count)) {
        return false;
    }
    net_frame_cut_begin(&c, f, frame, mss);
    /* the room in front of a segment is the end of the one before: that has gone */
    while ((seg = net_frame_cut_next(&c, &bytes))) {
        one = *info;
        one.packet_id = s->rsc_id++;
        if (!netvsp_rx_deliver(s, ch, seg, bytes, &one)) {
            s->stats.rx_no_buffer++;
        }
    }
    return true;
}

/*
 * The payload of the packets into which a large one is cut; 0: it goes as it is,
 * NETVSP_RX_BAD: the guest cannot have it.
 */
#define NETVSP_RX_BAD   UINT32_MAX
static uint32_t netvsp_rx_cut_mss(HvNet *s, const NetFrame *f,
                                  const struct virtio_net_hdr *hdr)
{
    bool takes_large = s->rndis.offloads & (f->ip_version == 4
                                            ? RNDIS_OFFLOAD_RSC4
                                            : RNDIS_OFFLOAD_RSC6);
    uint32_t max_bytes = takes_large
                         ? netvsp_rx_max_bytes(s, NETVSP_RX_MAX_LARGE_BYTES)
                         : netvsp_rx_part_bytes(s);
    uint32_t mss = hdr->gso_size;

    if (hdr->gso_type == VIRTIO_NET_HDR_GSO_NONE ||
        (takes_large && f->bytes <= max_bytes)) {
        return 0;
    }
    if (!mss || !net_frame_is_tcp(f) || f->payload_offset + mss > max_bytes) {
        return NETVSP_RX_BAD;
    }
    return takes_large ? ROUND_DOWN(max_bytes - f->payload_offset, mss) : mss;
}

/*
 * Write the checksum that the host left out: the guest cannot be told of one that
 * is not there yet.  True: it is the one of TCP or UDP.
 */
static bool netvsp_rx_make_csum(const NetFrame *f, uint8_t *frame,
                                const struct virtio_net_hdr *hdr,
                                bool was_tagged)
{
    uint32_t start = hdr->csum_start - (was_tagged ? NET_FRAME_VLAN_BYTES : 0);
    uint16_t csum;

    /* in a tunnel it is not the outer header's */
    if ((net_frame_is_tcp(f) || net_frame_is_udp(f)) &&
        start == f->l4_offset && hdr->csum_offset == net_frame_csum_offset(f)) {
        net_frame_set_l4_csum(f, frame, false);
        return true;
    }
    if (start < f->bytes && hdr->csum_offset + 2 <= f->bytes - start) {
        csum = ~net_frame_fold(net_frame_sum(frame + start, f->bytes - start));
        stw_he_p(frame + start + hdr->csum_offset, csum);
    }
    return false;
}

typedef enum NetvspRxVerdict {
    NETVSP_RX_DONE,                     /* taken, or not for us */
    NETVSP_RX_NO_ROOM,
} NetvspRxVerdict;

/* A frame for @ch was @taken or refused */
static NetvspRxVerdict netvsp_rx_verdict(NetvspChannel *ch, bool taken)
{
    if (taken) {
        netvsp_rx_schedule(ch);
        return NETVSP_RX_DONE;
    }
    /* a channel that has just failed never has room again */
    return netvsp_rx_is_usable(ch) ? NETVSP_RX_NO_ROOM : NETVSP_RX_DONE;
}

/* @frame is a copy with NETVSP_RX_HEADROOM bytes in front */
static NetvspRxVerdict netvsp_rx_frame(HvNet *s, uint16_t queue,
                                       uint8_t *frame, uint32_t bytes,
                                       const struct virtio_net_hdr *hdr)
{
    /* the MTU is for what the guest sends: slirp, for one, pays no heed to it */
    uint32_t max_bytes = MAX(MIN(s->core.guest_mtu, s->mtu),
                             NETVSP_DEFAULT_MTU) + NET_FRAME_ETH_BYTES;
    uint32_t rsc_bit, mss;
    bool csum_ok = hdr->flags & VIRTIO_NET_HDR_F_DATA_VALID;
    bool is_large = hdr->gso_type != VIRTIO_NET_HDR_GSO_NONE;
    RndisRxInfo info = { };
    NetvspChannel *ch;
    NetFrame f;

    net_frame_parse(&f, frame, bytes);
    if (f.has_vlan) {
        info.has_vlan = true;
        info.vlan_tci = f.vlan_tci;
        memmove(frame + NET_FRAME_VLAN_BYTES, frame, 12);
        frame += NET_FRAME_VLAN_BYTES;
        bytes -= NET_FRAME_VLAN_BYTES;
        net_frame_parse(&f, frame, bytes);
    }
    ch = netvsp_rx_channel(s, queue, &f, frame, &info);
    if (!netvsp_rx_is_usable(ch)) {
        return NETVSP_RX_DONE;          /* until the guest opens it again */
    }
    rsc_bit = f.ip_version == 4 ? RNDIS_OFFLOAD_RSC4 : RNDIS_OFFLOAD_RSC6;
    mss = netvsp_rx_cut_mss(s, &f, hdr);
    if (mss == NETVSP_RX_BAD || (bytes > max_bytes && !is_large)) {
        s->stats.rx_errors++;
        return NETVSP_RX_DONE;
    }
    if (mss) {
        info.csum = netvsp_rx_csum(s, &f, frame, true);
        return netvsp_rx_verdict(ch, netvsp_rx_cut(s, ch, frame, &f, mss,
                                                   &info));
    }
    if (hdr->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        csum_ok = netvsp_rx_make_csum(&f, frame, hdr, info.has_vlan);
    }
    info.csum = netvsp_rx_csum(s, &f, frame, csum_ok);
    info.packet_id = s->rsc_id++;
    return netvsp_rx_verdict(ch, netvsp_rx_coalesce(s, ch, frame, &f, &info,
                                  !is_large && (s->rndis.offloads & rsc_bit) &&
                                  (info.csum & RNDIS_RX_CSUM_TCP_OK) &&
                                  !(info.csum & RNDIS_RX_CSUM_IP_FAILED)));
}

bool netvsp_can_receive(NetClientState *nc)
{
    HvNet *s = qemu_get_nic_opaque(nc);

    return !s->is_stopped && !s->queues[nc->queue_index].rx_blocked;
}

ssize_t netvsp_receive(NetClientState *nc, const uint8_t *buf, size_t bytes)
{
    HvNet *s = qemu_get_nic_opaque(nc);
    NetvspQueue *q = &s->queues[nc->queue_index];
    struct virtio_net_hdr hdr = { };
    uint8_t *frame = s->rx_buf + NETVSP_RX_HEADROOM;
    size_t frame_bytes;

    if (s->is_stopped) {
        return 0;
    }
    if (bytes < s->vnet_bytes + NET_FRAME_ETH_BYTES ||
        bytes > NETVSP_RX_BUF_BYTES - NETVSP_RX_HEADROOM) {
        s->stats.rx_errors++;
        return bytes;
    }
    frame_bytes = bytes - s->vnet_bytes;
    if (s->is_unplugging || !s->rndis.is_initialized || !s->recv_gpadl ||
        !s->chans[0].is_open ||
        !rndis_core_accepts(&s->rndis, buf + s->vnet_bytes)) {
        return bytes;
    }
    if (s->vnet_bytes) {
        memcpy(&hdr, buf, sizeof(hdr));
    }
    memcpy(frame, buf + s->vnet_bytes, frame_bytes);
    if (netvsp_rx_frame(s, nc->queue_index, frame, frame_bytes, &hdr) ==
        NETVSP_RX_NO_ROOM) {
        trace_netvsp_rx_blocked(nc->queue_index, s->sections.free_count);
        q->rx_blocked = true;
        return 0;
    }
    return bytes;
}
