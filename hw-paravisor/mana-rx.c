/*
 * mana: reception
 *
 * A frame goes straight from the back end's buffer to the driver's; only its
 * headers are copied here, to be parsed.  A large TCP packet, which comes from the
 * back end at the cost of one frame, is cut here: the driver gets what went over the
 * wire.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/iov.h"
#include "net/eth.h"
#include "standard-headers/linux/virtio_net.h"
#include "mana-internal.h"

typedef struct ManaRxPacket {
    const struct iovec *iov;
    int iovcnt;
    uint32_t start;                     /* of the frame in .iov */
    uint32_t bytes;                     /* of the frame, as it came */
    uint32_t head_bytes;                /* in .head */
    NetFrame frame;
    struct virtio_net_hdr vnet;         /* host order */
    uint32_t flags;                     /* MANA_RX_CQE */
    uint32_t hash;
    uint8_t head[MANA_SNAPSHOT_BYTES];
} ManaRxPacket;

/* A vport gets its own address, broadcasts and multicasts */
static bool mana_rx_filter(const ManaVport *vp, const uint8_t *head,
                           ManaGfStat *first)
{
    if (is_broadcast_ether_addr(head)) {
        *first = MANA_STAT_RX_BCAST_PACKETS;
    } else if (is_multicast_ether_addr(head)) {
        *first = MANA_STAT_RX_MCAST_PACKETS;
    } else {
        *first = MANA_STAT_RX_UCAST_PACKETS;
        return !memcmp(head, vp->s->conf[vp->idx].macaddr.a, ETH_ALEN);
    }
    return true;
}

static uint64_t mana_rx_sum(const ManaRxPacket *pkt, uint32_t from,
                            uint32_t to)
{
    uint32_t skip = pkt->start + from;
    uint64_t sum = 0;
    uint32_t at = 0;

    for (int i = 0; i < pkt->iovcnt && from + at < to; i++) {
        uint32_t n = pkt->iov[i].iov_len;

        if (skip >= n) {
            skip -= n;
            continue;
        }
        n = MIN(n - skip, to - from - at);
        sum += net_frame_sum_part((uint8_t *)pkt->iov[i].iov_base + skip, n,
                                  at);
        at += n;
        skip = 0;
    }
    return sum;
}

/* A frame whose checksum the sender left to us: make it whole */
static void mana_rx_complete_csum(ManaRxPacket *pkt)
{
    uint32_t start = pkt->vnet.csum_start;
    uint32_t field = start + pkt->vnet.csum_offset;

    if (start < pkt->bytes && field + 2 <= pkt->head_bytes) {
        uint16_t csum = ~net_frame_fold(mana_rx_sum(pkt, start, pkt->bytes));

        stw_he_p(pkt->head + field, csum ? csum : 0xffff);
    }
}

static void mana_rx_checksum(ManaRxPacket *pkt)
{
    const NetFrame *f = &pkt->frame;
    bool tcp = net_frame_is_tcp(f), udp = net_frame_is_udp(f);
    bool known = pkt->vnet.flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM |
                                    VIRTIO_NET_HDR_F_DATA_VALID);
    uint32_t l4_bytes;
    bool ok;

    if (pkt->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
        mana_rx_complete_csum(pkt);
    }
    if (!f->ip_version) {
        return;
    }
    ok = net_frame_check_ip_csum(f, pkt->head) != NET_FRAME_CSUM_BAD;
    pkt->flags = FIELD_DP32(pkt->flags, MANA_RX_CQE, IP_OK, ok);
    pkt->flags = FIELD_DP32(pkt->flags, MANA_RX_CQE, IP_BAD, !ok);
    if (!ok || !f->has_ip_length || (!tcp && !udp)) {
        return;
    }
    l4_bytes = net_frame_l4_bytes(f, pkt->head);
    if (!known && udp &&
        (!l4_bytes || !lduw_he_p(pkt->head + f->l4_offset +
                                 net_frame_csum_offset(f)))) {
        return;                         /* no length, or no checksum */
    }
    ok = known ||
         net_frame_fold(net_frame_sum_pseudo(f, pkt->head, l4_bytes) +
                        mana_rx_sum(pkt, f->l4_offset,
                                    f->l4_offset + l4_bytes)) == 0xffff;
    pkt->flags |= tcp ? FIELD_DP32(0, MANA_RX_CQE, TCP_OK, ok) |
                        FIELD_DP32(0, MANA_RX_CQE, TCP_BAD, !ok)
                      : FIELD_DP32(0, MANA_RX_CQE, UDP_OK, ok) |
                        FIELD_DP32(0, MANA_RX_CQE, UDP_BAD, !ok);
}

/* ID of the RQ that the frame goes to, 0 if there is none */
static uint32_t mana_rx_steer(ManaVport *vp, ManaRxPacket *pkt)
{
    uint16_t types = vp->hash_types ? vp->hash_types : UINT16_MAX;
    uint16_t type;
    uint32_t rq_id;

    if (!vp->rss_enabled || !vp->indir_count) {
        return vp->default_rq;
    }
    pkt->hash = mana_frame_hash(&pkt->frame, pkt->head, &vp->toeplitz, types,
                                &type);
    if (!type) {
        return vp->default_rq;
    }
    pkt->flags = FIELD_DP32(pkt->flags, MANA_RX_CQE, HASH_TYPE, type);
    rq_id = vp->indir_rq[pkt->hash & (vp->indir_count - 1)];
    return rq_id ? rq_id : vp->default_rq;
}

/* The tag goes into the completion, the rest of the frame to the SGEs */
static bool mana_rx_copy(Mana *s, ManaRxPacket *pkt, const GdmaWqe *wqe)
{
    uint32_t strip = pkt->frame.has_vlan ? NET_FRAME_VLAN_BYTES : 0;
    uint32_t at, skip = pkt->start + pkt->head_bytes;

    if (strip) {
        memmove(pkt->head + NET_FRAME_VLAN_BYTES, pkt->head, 2 * ETH_ALEN);
    }
    at = pkt->head_bytes - strip;
    if (!gdma_sges_write(s, wqe, 0, pkt->head + strip, at)) {
        return false;
    }
    for (int i = 0; i < pkt->iovcnt; i++) {
        uint32_t n = pkt->iov[i].iov_len;

        if (skip >= n) {
            skip -= n;
            continue;
        }
        if (!gdma_sges_write(s, wqe, at,
                             (uint8_t *)pkt->iov[i].iov_base + skip,
                             n - skip)) {
            return false;
        }
        at += n - skip;
        skip = 0;
    }
    return true;
}

static uint32_t mana_rx_cqe_header(ManaCqeType type)
{
    uint32_t header = FIELD_DP32(0, MANA_CQE, TYPE, type);

    header = FIELD_DP32(header, MANA_CQE, CLIENT_TYPE, MANA_CQE_COMPLETION);
    return cpu_to_le32(header);
}

/* Show the driver the coalesced completion that is being filled */
static void mana_rx_flush(Mana *s, uint32_t rq_id)
{
    GdmaWq *rq = &s->rqs[rq_id];
    ManaRxCqeWire cqe = { 0 };
    ManaCqeType type = MANA_CQE_RX_OKAY;

    clear_bit(rq_id, s->rq_open);
    if (!rq->co_count) {
        return;
    }
    if (rq->co_count > MANA_RX_PPI_COUNT) {
        type = MANA_CQE_RX_COALESCED_8;
        for (int i = 0; i < rq->co_count; i += 2) {
            ManaRxPpi2Wire *ppi = &cqe.ppi2[i / 2];

            ppi->bytes0 = cpu_to_le16(rq->co_bytes[i]);
            ppi->hash0 = cpu_to_le32(rq->co_hash[i]);
            if (i + 1 < rq->co_count) {
                ppi->bytes1 = cpu_to_le16(rq->co_bytes[i + 1]);
                ppi->hash1 = cpu_to_le32(rq->co_hash[i + 1]);
            }
        }
    } else {
        type = rq->co_count > 1 ? MANA_CQE_RX_COALESCED_4 : MANA_CQE_RX_OKAY;
        for (int i = 0; i < rq->co_count; i++) {
            cqe.ppi[i].bytes = cpu_to_le16(rq->co_bytes[i]);
            cqe.ppi[i].hash = cpu_to_le32(rq->co_hash[i]);
        }
    }
    cqe.header = mana_rx_cqe_header(type);
    cqe.flags = cpu_to_le32(rq->co_flags);
    cqe.wqe_offset_bytes = cpu_to_le32(rq->co_wqe_offset);
    gdma_post_cqe(s, rq->cq_id, &cqe, sizeof(cqe), rq_id, false);
    gdma_cq_notify(s, rq->cq_id, rq->co_count);
    rq->co_count = 0;
}

void mana_rx_flush_all(Mana *s)
{
    uint32_t id;

    while ((id = find_first_bit(s->rq_open, s->wq_count)) < s->wq_count) {
        mana_rx_flush(s, id);
    }
}

void mana_rx_fence(Mana *s, uint32_t rq_id)
{
    ManaRxCqeWire cqe = {
        .header = mana_rx_cqe_header(MANA_CQE_RX_OBJECT_FENCE),
    };
    uint32_t cq_id = s->rqs[rq_id].cq_id;

    mana_rx_flush(s, rq_id);
    gdma_post_cqe(s, cq_id, &cqe, sizeof(cqe), rq_id, false);
    gdma_cq_notify(s, cq_id, 1);
}

/* Packets of one completion have the same flags */
static void mana_rx_done(ManaVport *vp, uint32_t rq_id, ManaRxPacket *pkt,
                         uint32_t wqe_offset)
{
    Mana *s = vp->s;
    GdmaWq *rq = &s->rqs[rq_id];
    uint32_t strip = pkt->frame.has_vlan ? NET_FRAME_VLAN_BYTES : 0;

    if (rq->co_count && rq->co_flags != pkt->flags) {
        mana_rx_flush(s, rq_id);
    }
    if (!rq->co_count) {
        rq->co_flags = pkt->flags;
        rq->co_wqe_offset = wqe_offset;
    }
    rq->co_bytes[rq->co_count] = pkt->bytes - strip;
    rq->co_hash[rq->co_count] = pkt->hash;
    rq->co_count++;
    if (rq->co_count >= vp->coalesce) {
        mana_rx_flush(s, rq_id);
    } else if (!test_and_set_bit(rq_id, s->rq_open)) {
        /* the back end's burst is over when the bottom half runs */
        qemu_bh_schedule(s->bh);
    }
}

/* A CQ no longer than its RQ must have room for a fence, too */
static bool mana_rx_has_buffer(Mana *s, uint32_t rq_id, GdmaWqe *wqe)
{
    GdmaWq *rq = &s->rqs[rq_id];
    GdmaCq *cq = gdma_cq_get(s, rq->cq_id);
    uint32_t wqes = rq->ring.bytes / GDMA_WQE_BU_BYTES;
    uint32_t reserve = cq && gdma_ring_entries(&cq->ring) <= wqes ?
                       GDMA_WQE_BU_BYTES : 0;

    if (gdma_wq_posted_bytes(&rq->ring) <= reserve) {
        gdma_rq_want(s, rq_id);
    }
    return gdma_wq_posted_bytes(&rq->ring) > reserve &&
           gdma_wq_peek(s, false, rq_id, wqe);
}

/*
 * No buffer: wait for one, but not for ever, as other queues wait as well.  True: it
 * was waited enough, and the frame is dropped
 */
static bool mana_rx_no_buffer(ManaVport *vp, uint32_t rq_id)
{
    GdmaWq *rq = &vp->s->rqs[rq_id];

    if (rq->is_failed || rq->is_impatient) {
        vp->stat[MANA_STAT_RX_NO_WQE]++;
        return true;
    }
    if (!rq->is_starved) {
        trace_mana_rx_starved(vp->idx, rq_id);
        rq->is_starved = true;
        rq->starved_since_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
        timer_mod_anticipate_ns(vp->rx_timer, rq->starved_since_ns +
                                              MANA_RX_PATIENCE_NS);
    }
    return false;
}

void mana_rx_timeout(void *opaque)
{
    ManaVport *vp = opaque;
    Mana *s = vp->s;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    bool enough = false;

    for (uint32_t id = GDMA_HWC_ID + 1; id < s->wq_count; id++) {
        GdmaWq *rq = &s->rqs[id];
        int64_t end_ns = rq->starved_since_ns + MANA_RX_PATIENCE_NS;

        if (!rq->is_starved || rq->is_impatient || rq->vport != vp->idx) {
            continue;
        }
        if (end_ns <= now) {
            rq->is_impatient = true;
            enough = true;
        } else {
            timer_mod_anticipate_ns(vp->rx_timer, end_ns);
        }
    }
    if (enough) {
        mana_rx_resume(vp);
        mana_rx_flush_all(s);
    }
}

/* Take the frame apart; false if it is not for this vport */
static bool mana_rx_parse(ManaVport *vp, ManaRxPacket *pkt, ManaGfStat *first)
{
    size_t all = iov_size(pkt->iov, pkt->iovcnt);

    pkt->flags = 0;
    pkt->hash = 0;
    pkt->start = vp->has_vnet ? sizeof(pkt->vnet) : 0;
    memset(&pkt->vnet, 0, sizeof(pkt->vnet));
    if (all < pkt->start + MANA_ETH_HEADER_BYTES || all > NET_BUFSIZE) {
        return false;
    }
    if (vp->has_vnet) {
        iov_to_buf(pkt->iov, pkt->iovcnt, 0, &pkt->vnet, sizeof(pkt->vnet));
    }
    pkt->bytes = all - pkt->start;
    pkt->head_bytes = iov_to_buf(pkt->iov, pkt->iovcnt, pkt->start, pkt->head,
                                 sizeof(pkt->head));
    if (!mana_rx_filter(vp, pkt->head, first)) {
        return false;
    }
    net_frame_parse_head(&pkt->frame, pkt->head, pkt->head_bytes, pkt->bytes);
    return true;
}

/*
 * The vport that the filter leads to.  If that one has no driver that takes
 * packets, or not any more, the other has them: VTL2's, or VTL0's while VTL2
 * sets its function up again.
 */
static ManaVport *mana_rx_vport(ManaVport *vp)
{
    Mana *vf = vp->s->vf;
    ManaVport *other = vf ? &vf->vports[vp->idx] : NULL;

    return other && other->rx_enabled && (vp->to_vtl0 || !vp->rx_enabled)
           ? other : vp;
}

/* A frame to RQ @rq_id.  False: it has no buffer, and waits for one */
static bool mana_rx_give(ManaVport *vp, ManaRxPacket *pkt, uint32_t rq_id,
                         ManaGfStat first)
{
    Mana *s = vp->s;
    GdmaWq *rq = gdma_wq_get(s, false, rq_id);
    uint32_t offset, bytes;
    GdmaWqe wqe;

    if (!rq) {
        vp->stat[MANA_STAT_RX_NO_WQE]++;
        return true;
    }
    if (!mana_rx_has_buffer(s, rq_id, &wqe)) {
        return mana_rx_no_buffer(vp, rq_id);
    }
    bytes = pkt->bytes - (pkt->frame.has_vlan ? NET_FRAME_VLAN_BYTES : 0);
    if (bytes > wqe.total_bytes) {
        /* longer than the driver's MTU: it keeps the buffer */
        trace_mana_rx_oversize(vp->idx, rq_id, bytes, wqe.total_bytes);
        vp->stat[MANA_STAT_RX_NO_WQE]++;
        if (wqe.total_bytes < MANA_ETH_HEADER_BYTES) {
            mana_guest_error(s, "RQ %u: a buffer of %u bytes", rq_id,
                             wqe.total_bytes);
            rq->is_failed = true;
        }
        return true;
    }
    if (pkt->frame.has_vlan) {
        pkt->flags = FIELD_DP32(pkt->flags, MANA_RX_CQE, VLAN_PRESENT, 1);
        pkt->flags = FIELD_DP32(pkt->flags, MANA_RX_CQE, VLAN_ID,
                                pkt->frame.vlan_tci & 0xfff);
    }
    mana_rx_checksum(pkt);
    offset = rq->ring.head & (rq->ring.bytes - 1);
    gdma_wq_pop(rq, &wqe);
    if (wqe.sges[0].mem_key != MANA_GPA_MKEY ||
        !mana_rx_copy(s, pkt, &wqe)) {
        mana_guest_error(s, "RQ %u: a buffer is not memory", rq_id);
        rq->is_failed = true;
        return true;
    }
    vp->stat[first]++;
    vp->stat[first + 1] += bytes;
    vp->stat[MANA_STAT_RX_BYTES] += bytes;
    mana_rx_done(vp, rq_id, pkt, offset);
    return true;
}

/* Segments of @pkt that the driver has, from when there was no buffer for more */
static uint32_t mana_rx_given(const ManaRxCut *cut, const ManaRxPacket *pkt)
{
    return cut->given && cut->bytes == pkt->bytes &&
           cut->mss == pkt->vnet.gso_size &&
           !memcmp(cut->head, pkt->head, pkt->frame.payload_offset)
           ? cut->given : 0;
}

/*
 * A TCP packet whose segments have @pkt->vnet.gso_size of payload.  False: some have
 * no buffer; the back end is to bring the packet again
 */
static bool mana_rx_cut(ManaVport *vp, ManaRxPacket *pkt, uint32_t rq_id,
                        ManaGfStat first, ManaRxCut *cut)
{
    Mana *s = vp->s;
    uint32_t given, flags = pkt->flags;
    NetFrameCutter cutter;
    struct iovec iov;
    ManaRxPacket seg = { .iov = &iov, .iovcnt = 1, .hash = pkt->hash };

    if (!net_frame_is_tcp(&pkt->frame) || !pkt->vnet.gso_size) {
        return true;                    /* we asked for none of these */
    }
    given = mana_rx_given(cut, pkt);
    cut->given = 0;
    trace_mana_rx_cut(vp->idx, rq_id, pkt->bytes, pkt->vnet.gso_size, given);
    if (!s->rx_cut_buf) {
        s->rx_cut_buf = g_malloc(NET_BUFSIZE);
    }
    iov_to_buf(pkt->iov, pkt->iovcnt, pkt->start, s->rx_cut_buf, pkt->bytes);
    net_frame_cut_begin(&cutter, &pkt->frame, s->rx_cut_buf,
                        pkt->vnet.gso_size);
    net_frame_cut_skip(&cutter, given);
    /* all checksums are right */
    seg.vnet.flags = VIRTIO_NET_HDR_F_DATA_VALID;
    for (; (iov.iov_base = net_frame_cut_next(&cutter, &seg.bytes)); given++) {
        iov.iov_len = seg.bytes;
        seg.flags = flags;
        seg.head_bytes = MIN(seg.bytes, sizeof(seg.head));
        memcpy(seg.head, iov.iov_base, seg.head_bytes);
        net_frame_parse_head(&seg.frame, seg.head, seg.head_bytes, seg.bytes);
        if (!mana_rx_give(vp, &seg, rq_id, first)) {
            cut->given = given;
            cut->bytes = pkt->bytes;
            cut->mss = pkt->vnet.gso_size;
            memcpy(cut->head, pkt->head, pkt->frame.payload_offset);
            return false;
        }
    }
    return true;
}

ssize_t mana_receive(NetClientState *nc, const struct iovec *iov, int iovcnt)
{
    ManaVport *wire = qemu_get_nic_opaque(nc);
    ManaVport *vp = mana_rx_vport(wire);
    ManaRxCut *cut = &wire->rx_cut[nc->queue_index];
    ssize_t all = iov_size(iov, iovcnt);
    ManaRxPacket pkt = { .iov = iov, .iovcnt = iovcnt };
    ManaGfStat first;
    uint32_t rq_id;

    if (!vp->rx_enabled) {
        vp->stat[MANA_STAT_RX_VPORT_DISABLED] += vp->s->hwc_up;
        cut->given = 0;
        return all;
    }
    if (!mana_rx_parse(vp, &pkt, &first)) {
        return all;
    }
    vp->tx_run = 0;
    vp->rx_run++;
    rq_id = mana_rx_steer(vp, &pkt);
    if (pkt.vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE) {
        return mana_rx_cut(vp, &pkt, rq_id, first, cut) ? all : 0;
    }
    cut->given = 0;                     /* the large packet that waited is gone */
    return mana_rx_give(vp, &pkt, rq_id, first) ? all : 0;
}

void mana_rx_resume(ManaVport *vp)
{
    for (int i = 0; i < vp->queue_count && vp->wire; i++) {
        qemu_flush_queued_packets(qemu_get_subqueue(vp->wire->nic, i));
    }
}
