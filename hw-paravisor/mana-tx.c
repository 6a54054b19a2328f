/*
 * mana: transmission
 *
 * Short frames are copied once into a linear buffer; of long ones the payload
 * is mapped.  A back end that knows virtio-net headers gets checksums and
 * segmentation as requests, for others they are done here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/iov.h"
#include "net/eth.h"
#include "standard-headers/linux/virtio_net.h"
#include "mana-internal.h"

/* Frames up to here are copied whole: one translation and one buffer to send */
#define MANA_TX_LINEAR_BYTES    2048
/* Pieces of host memory of one frame */
#define MANA_TX_MAX_PIECES      (2 * GDMA_MAX_SGES)
/* Less would make too many frames of one entry; Linux' TCP sends 48 or more */
#define MANA_TX_MIN_MSS         32
/* Frames of one queue before the next one's turn */
#define MANA_TX_QUEUE_BATCH     64

/* One for the device: too large for the stack */
struct ManaTxPacket {
    ManaVport *vp;
    NetClientState *nc;
    NetFrame frame;
    ManaTxOobWire oob;                  /* host order */
    bool is_lso;
    uint16_t mss;
    uint32_t sent;                      /* frames, of this entry */
    uint32_t total_bytes;
    uint32_t head_bytes;                /* in .head; the rest is in .piece */
    int piece_count;
    struct iovec piece[MANA_TX_MAX_PIECES];
    /* a virtio-net header, in host order, goes before the frame, a tag into it */
    struct virtio_net_hdr vnet;
    uint8_t head[MANA_TX_LINEAR_BYTES + NET_FRAME_VLAN_BYTES];
    uint8_t segment[MANA_MAX_LSO_HEADER_BYTES + NET_FRAME_VLAN_BYTES +
                    (1 << R_GDMA_WQE_PARAMS_CLIENT_DATA_UNIT_LENGTH)];
};

static uint32_t mana_tx_field(const ManaTxPacket *pkt, int word, int shift,
                              int length)
{
    return extract32(pkt->oob.word[word], shift, length);
}

#define MANA_TX_FIELD(pkt, word, name)                                      \
    mana_tx_field(pkt, word, R_MANA_TX_OOB ## word ## _ ## name ## _SHIFT,   \
                  R_MANA_TX_OOB ## word ## _ ## name ## _LENGTH)

/* Inline descriptor of the entry; the completion's type */
static ManaCqeType mana_tx_parse_oob(ManaTxPacket *pkt, const GdmaWqe *wqe)
{
    uint32_t offset;
    bool is_long;

    for (int i = 0; i < ARRAY_SIZE(pkt->oob.word); i++) {
        pkt->oob.word[i] = ldl_le_p(wqe->oob + i * 4);
    }
    is_long = MANA_TX_FIELD(pkt, 0, FORMAT) == MANA_TX_FORMAT_LONG;
    if (MANA_TX_FIELD(pkt, 0, FORMAT) > MANA_TX_FORMAT_LONG ||
        (is_long && wqe->oob_bytes < MANA_TX_OOB_LONG_BYTES)) {
        return MANA_CQE_TX_INVALID_OOB;
    }
    if (!is_long) {
        /* what follows the short form is none of the descriptor */
        memset(&pkt->oob.word[2], 0, 4 * sizeof(pkt->oob.word[0]));
    }
    offset = is_long ? MANA_TX_FIELD(pkt, 3, VPORT_OFFSET)
                     : MANA_TX_FIELD(pkt, 1, VPORT_OFFSET);
    /* Linux leaves the long form's offset 0 if the short one has room for it */
    if (is_long && !offset) {
        offset = MANA_TX_FIELD(pkt, 1, VPORT_OFFSET);
    }
    return offset == pkt->vp->idx ? MANA_CQE_TX_OKAY
                                  : MANA_CQE_TX_VPORT_OUT_OF_RANGE;
}

/* Lengths that the adapter takes */
static ManaCqeType mana_tx_check_size(Mana *s, ManaTxPacket *pkt,
                                      const GdmaWqe *wqe)
{
    uint32_t max_frame = s->mtu + MANA_ETH_HEADER_BYTES + NET_FRAME_VLAN_BYTES;

    pkt->total_bytes = wqe->total_bytes;
    pkt->is_lso = wqe->oob_in_sgl;
    pkt->mss = wqe->client_data_unit;
    if (pkt->total_bytes < MANA_ETH_HEADER_BYTES || !wqe->sge_count) {
        return MANA_CQE_TX_GDMA_ERROR;
    }
    if (!pkt->is_lso) {
        return pkt->total_bytes > max_frame ? MANA_CQE_TX_MTU_DROP
                                            : MANA_CQE_TX_OKAY;
    }
    if (wqe->sge_count < 2 || pkt->mss < MANA_TX_MIN_MSS ||
        wqe->sges[0].bytes > MANA_MAX_LSO_HEADER_BYTES ||
        pkt->total_bytes > UINT16_MAX + MANA_MAX_LSO_HEADER_BYTES) {
        return MANA_CQE_TX_GDMA_ERROR;
    }
    return wqe->sges[0].bytes + pkt->mss > max_frame ? MANA_CQE_TX_MTU_DROP
                                                     : MANA_CQE_TX_OKAY;
}

static bool mana_tx_map(Mana *s, ManaTxPacket *pkt, const GdmaWqe *wqe,
                        uint32_t at)
{
    for (int i = 0; i < wqe->sge_count; i++) {
        const GdmaSge *sge = &wqe->sges[i];
        uint32_t done = MIN(at, sge->bytes);

        at -= done;
        while (done < sge->bytes) {
            struct iovec *piece = &pkt->piece[pkt->piece_count];
            hwaddr bytes = sge->bytes - done;

            if (pkt->piece_count == MANA_TX_MAX_PIECES) {
                return false;
            }
            piece->iov_base = address_space_map(s->as, sge->address + done,
                                                &bytes, false,
                                                GUEST_ACCESS_ATTRS);
            if (!piece->iov_base || !bytes) {
                return false;
            }
            piece->iov_len = bytes;
            pkt->piece_count++;
            done += bytes;
        }
    }
    return true;
}

static void mana_tx_unmap(Mana *s, ManaTxPacket *pkt)
{
    for (int i = 0; i < pkt->piece_count; i++) {
        address_space_unmap(s->as, pkt->piece[i].iov_base,
                            pkt->piece[i].iov_len, false,
                            pkt->piece[i].iov_len);
    }
    pkt->piece_count = 0;
}

/* Snapshot of the headers, and the payload copied or mapped */
static ManaCqeType mana_tx_fetch(Mana *s, ManaTxPacket *pkt,
                                 const GdmaWqe *wqe)
{
    if (wqe->sges[0].mem_key != MANA_GPA_MKEY) {
        return MANA_CQE_TX_GDMA_ERROR;
    }
    if (pkt->is_lso) {
        pkt->head_bytes = wqe->sges[0].bytes;
    } else if (pkt->total_bytes <= MANA_TX_LINEAR_BYTES) {
        pkt->head_bytes = pkt->total_bytes;
    } else {
        pkt->head_bytes = MANA_SNAPSHOT_BYTES;
    }
    pkt->piece_count = 0;
    if (!gdma_sges_read(s, wqe, 0, pkt->head, pkt->head_bytes) ||
        (pkt->head_bytes < pkt->total_bytes &&
         !mana_tx_map(s, pkt, wqe, pkt->head_bytes))) {
        mana_guest_error(s, "a frame is not in memory");
        return MANA_CQE_TX_GDMA_ERROR;
    }
    if (pkt->head_bytes < MANA_ETH_HEADER_BYTES) {
        return MANA_CQE_TX_HDR_ERROR;
    }
    net_frame_parse_head(&pkt->frame, pkt->head,
                         MIN(pkt->head_bytes, MANA_SNAPSHOT_BYTES),
                         pkt->total_bytes);
    return MANA_CQE_TX_OKAY;
}

static void mana_tx_count(ManaTxPacket *pkt, uint32_t packets, uint32_t bytes)
{
    uint64_t *stat = pkt->vp->stat;
    int first = MANA_STAT_TX_UCAST_PACKETS;

    if (is_broadcast_ether_addr(pkt->head)) {
        first = MANA_STAT_TX_BCAST_PACKETS;
    } else if (is_multicast_ether_addr(pkt->head)) {
        first = MANA_STAT_TX_MCAST_PACKETS;
    }
    stat[first] += packets;
    stat[first + 1] += bytes;
    stat[MANA_STAT_TX_BYTES] += bytes;
}

void mana_tx_wake(Mana *s)
{
    for (uint32_t id = GDMA_HWC_ID + 1; id < s->wq_count; id++) {
        if (s->sqs[id].in_use && gdma_wq_posted_bytes(&s->sqs[id].ring)) {
            set_bit(id, s->sq_active);
        }
    }
    mana_kick(s);
}

static void mana_tx_sent(NetClientState *nc, ssize_t bytes)
{
    ManaVport *vp = qemu_get_nic_opaque(nc);

    if (--vp->tx_waiting[nc->queue_index]) {
        return;
    }
    if (buffer_is_zero(vp->tx_waiting,
                       vp->queue_count * sizeof(vp->tx_waiting[0]))) {
        vp->tx_impatient = false;
        timer_del(vp->tx_timer);
    }
    mana_tx_wake(vp->s);
    if (vp->s->vf) {
        mana_tx_wake(vp->s->vf);
    }
}

/* Hand over one frame; the net layer copies what it cannot deliver now */
static void mana_tx_send(ManaTxPacket *pkt, struct iovec *iov, int count)
{
    ManaVport *wire = pkt->vp->wire;
    uint32_t *waiting = &wire->tx_waiting[pkt->nc->queue_index];

    pkt->sent++;
    if (wire->tx_impatient && *waiting) {
        return;
    }
    if (qemu_sendv_packet_async(pkt->nc, iov, count, mana_tx_sent) == 0 &&
        (*waiting)++ == 0) {
        trace_mana_tx_blocked(pkt->vp->idx, pkt->nc->queue_index);
        /* another subqueue may have been waiting for longer */
        timer_mod_anticipate_ns(wire->tx_timer,
                                qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                                MANA_TX_PATIENCE_NS);
    }
}

/* The frame, behind a virtio-net header if the back end knows that */
static void mana_tx_send_frame(ManaTxPacket *pkt)
{
    struct iovec iov[MANA_TX_MAX_PIECES + 2];
    int count = 0;

    if (pkt->vp->has_vnet) {
        /* both are one piece of memory if there is no other */
        QEMU_BUILD_BUG_ON(offsetof(ManaTxPacket, head) !=
                          offsetof(ManaTxPacket, vnet) + sizeof(pkt->vnet));
        iov[count].iov_base = &pkt->vnet;
        iov[count++].iov_len = sizeof(pkt->vnet) + pkt->head_bytes;
    } else {
        iov[count].iov_base = pkt->head;
        iov[count++].iov_len = pkt->head_bytes;
    }
    memcpy(&iov[count], pkt->piece, pkt->piece_count * sizeof(iov[0]));
    mana_tx_send(pkt, iov, count + pkt->piece_count);
}

/* Sum of the mapped pieces, which go on at @at, up to @end */
static uint64_t mana_tx_sum_pieces(const ManaTxPacket *pkt, uint32_t at,
                                   uint32_t end)
{
    uint64_t sum = 0;

    for (int i = 0; i < pkt->piece_count && at < end; i++) {
        uint32_t bytes = MIN(pkt->piece[i].iov_len, end - at);

        sum += net_frame_sum_part(pkt->piece[i].iov_base, bytes, at);
        at += bytes;
    }
    return sum;
}

/* Leave the checksum of TCP or UDP to the back end, which sums to the end */
static void mana_tx_leave_checksum(ManaTxPacket *pkt)
{
    const NetFrame *f = &pkt->frame;

    net_frame_set_l4_csum(f, pkt->head, true);
    pkt->vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    pkt->vnet.csum_start = f->l4_offset;
    pkt->vnet.csum_offset = net_frame_csum_offset(f);
}

/* Checksums that the driver asked for */
static bool mana_tx_checksum(ManaTxPacket *pkt)
{
    bool tcp = MANA_TX_FIELD(pkt, 0, TCP_CSUM);
    bool udp = MANA_TX_FIELD(pkt, 0, UDP_CSUM);
    const NetFrame *f = &pkt->frame;
    uint32_t l4_bytes, in_head;
    uint64_t sum;
    uint16_t csum;
    uint8_t *field;

    if (MANA_TX_FIELD(pkt, 0, IP_CSUM)) {
        net_frame_set_ip_csum(f, pkt->head);
    }
    if (!tcp && !udp) {
        return true;
    }
    if (tcp ? !net_frame_is_tcp(f) : !net_frame_is_udp(f)) {
        return false;
    }
    l4_bytes = net_frame_l4_bytes(f, pkt->head);
    if (!l4_bytes) {
        return false;
    }
    if (pkt->vp->has_vnet && f->l4_offset + l4_bytes == pkt->total_bytes) {
        mana_tx_leave_checksum(pkt);
        return true;
    }
    field = pkt->head + f->l4_offset + net_frame_csum_offset(f);
    stw_he_p(field, 0);
    in_head = MIN(pkt->head_bytes - f->l4_offset, l4_bytes);
    sum = net_frame_sum_pseudo(f, pkt->head, l4_bytes) +
          net_frame_sum(pkt->head + f->l4_offset, in_head) +
          mana_tx_sum_pieces(pkt, in_head, l4_bytes);
    csum = ~net_frame_fold(sum);
    stw_he_p(field, udp && !csum ? 0xffff : csum);
    return true;
}

/* Segmentation here, for a back end that knows nothing of it */
static void mana_tx_segment(ManaTxPacket *pkt)
{
    struct virtio_net_hdr vnet = { 0 };
    struct iovec iov[2] = {
        { .iov_base = &vnet, .iov_len = sizeof(vnet) },
        { .iov_base = pkt->segment },
    };
    int first = pkt->vp->has_vnet ? 0 : 1;
    NetFrameCutter c;
    uint32_t bytes;

    net_frame_cut_begin(&c, &pkt->frame, pkt->head, pkt->mss);
    while ((bytes = net_frame_cut_bytes(&c))) {
        iov_to_buf(pkt->piece, pkt->piece_count, c.next - pkt->head_bytes,
                   pkt->segment + pkt->head_bytes, bytes);
        net_frame_cut_header(&c, pkt->segment, bytes);
        iov[1].iov_len = pkt->head_bytes + bytes;
        mana_tx_send(pkt, iov + first, 2 - first);
    }
}

/* A TCP packet whose lengths and checksums do not count, in the first SGE alone */
static ManaCqeType mana_tx_lso(ManaTxPacket *pkt)
{
    uint32_t payload_bytes = pkt->total_bytes - pkt->head_bytes;
    uint32_t packets = DIV_ROUND_UP(payload_bytes, pkt->mss);
    NetFrame *f = &pkt->frame;

    if (!net_frame_is_tcp(f) || f->payload_offset != pkt->head_bytes ||
        !payload_bytes) {
        return MANA_CQE_TX_HDR_ERROR;
    }
    if (pkt->vp->has_vnet && net_frame_fix_large(f, pkt->head)) {
        mana_tx_leave_checksum(pkt);
        pkt->vnet.gso_type = f->ip_version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4
                                                : VIRTIO_NET_HDR_GSO_TCPV6;
        pkt->vnet.gso_size = pkt->mss;
        pkt->vnet.hdr_len = pkt->head_bytes;
        mana_tx_send_frame(pkt);
    } else {
        f->l4_end = f->bytes;
        mana_tx_segment(pkt);
    }
    mana_tx_count(pkt, packets, packets * pkt->head_bytes + payload_bytes);
    return MANA_CQE_TX_OKAY;
}

static ManaCqeType mana_tx_packet(Mana *s, ManaTxPacket *pkt,
                                  const GdmaWqe *wqe)
{
    ManaCqeType type = mana_tx_parse_oob(pkt, wqe);

    if (type == MANA_CQE_TX_OKAY) {
        type = mana_tx_check_size(s, pkt, wqe);
    }
    if (type == MANA_CQE_TX_OKAY) {
        type = mana_tx_fetch(s, pkt, wqe);
    }
    if (type != MANA_CQE_TX_OKAY) {
        return type;
    }
    memset(&pkt->vnet, 0, sizeof(pkt->vnet));
    if (MANA_TX_FIELD(pkt, 2, INJECT_VLAN)) {
        mana_vlan_insert(&pkt->frame, pkt->head, pkt->head_bytes,
                         MANA_TX_FIELD(pkt, 2, VLAN_PCP) << 13 |
                         MANA_TX_FIELD(pkt, 2, VLAN_DEI) << 12 |
                         MANA_TX_FIELD(pkt, 2, VLAN_ID));
        pkt->head_bytes += NET_FRAME_VLAN_BYTES;
        pkt->total_bytes += NET_FRAME_VLAN_BYTES;
    }
    if (pkt->is_lso) {
        return mana_tx_lso(pkt);
    }
    if (!mana_tx_checksum(pkt)) {
        return MANA_CQE_TX_HDR_ERROR;
    }
    mana_tx_send_frame(pkt);
    mana_tx_count(pkt, 1, pkt->total_bytes);
    return MANA_CQE_TX_OKAY;
}

static void mana_tx_count_error(ManaVport *vp, ManaCqeType type)
{
    static const struct {
        ManaCqeType type;
        ManaGfStat stat;
    } map[] = {
        { MANA_CQE_TX_MTU_DROP, MANA_STAT_TX_MTU_VIOLATION },
        { MANA_CQE_TX_INVALID_OOB, MANA_STAT_TX_INVALID_OOB },
        { MANA_CQE_TX_VPORT_OUT_OF_RANGE, MANA_STAT_TX_BAD_VPORT_OFFSET },
        { MANA_CQE_TX_GDMA_ERROR, MANA_STAT_TX_GDMA_ERROR },
    };

    for (int i = 0; i < ARRAY_SIZE(map); i++) {
        if (map[i].type == type) {
            vp->stat[map[i].stat]++;
        }
    }
}

static bool mana_tx_is_blocked(ManaVport *vp, NetClientState *nc)
{
    return vp->tx_waiting[nc->queue_index] && !vp->tx_impatient;
}

/*
 * How the next entry is to be taken, and how long the event of these waits.  A small
 * frame for one or two that came in, and so on, is a conversation: each waits for the
 * one before.
 */
static void mana_tx_adapt(Mana *s, const ManaTxPacket *pkt, uint32_t sq_id,
                          GdmaCq *cq)
{
    ManaVport *vp = pkt->vp;
    bool are_more_to_come = pkt->is_lso || vp->rx_run > 2;

    gdma_sq_want(s, sq_id, vp->tx_run == 1 && !are_more_to_come);
    if (vp->tx_run >= MANA_TX_STREAM) {
        cq->wait_usec = MANA_TX_STREAM_MOD_USEC;
    } else {
        cq->wait_usec = are_more_to_come ? MANA_TX_MOD_USEC : 0;
    }
    vp->rx_run = 0;
}

static void mana_tx_notify(Mana *s, const ManaTxPacket *pkt, uint32_t sq_id,
                           uint32_t completions)
{
    uint32_t cq_id = s->sqs[sq_id].cq_id;
    GdmaCq *cq = gdma_cq_get(s, cq_id);

    if (cq) {
        mana_tx_adapt(s, pkt, sq_id, cq);
        gdma_cq_notify(s, cq_id, completions);
    }
}

/* One queue's share.  Frames that were sent; an entry counts as one at least */
static uint32_t mana_tx_queue(Mana *s, uint32_t sq_id)
{
    GdmaWq *wq = &s->sqs[sq_id];
    ManaVport *vp = &s->vports[wq->vport];
    ManaTxPacket *pkt = s->tx;
    uint32_t done = 0, completions = 0;
    GdmaWqe wqe;

    if (!pkt) {
        pkt = s->tx = g_new(ManaTxPacket, 1);
    }
    pkt->vp = vp;
    if (!vp->wire) {
        clear_bit(sq_id, s->sq_active);
        return 0;
    }
    pkt->nc = qemu_get_subqueue(vp->wire->nic, wq->idx % vp->queue_count);
    while (done < MANA_TX_QUEUE_BATCH &&
           !mana_tx_is_blocked(vp->wire, pkt->nc) &&
           gdma_wq_peek(s, true, sq_id, &wqe)) {
        ManaTxCqeWire cqe = { 0 };
        uint32_t header = 0;
        ManaCqeType type;

        pkt->is_lso = false;
        pkt->piece_count = 0;
        pkt->sent = 0;
        type = mana_tx_packet(s, pkt, &wqe);
        mana_tx_unmap(s, pkt);
        if (type != MANA_CQE_TX_OKAY) {
            trace_mana_tx_error(vp->idx, sq_id, type);
            mana_tx_count_error(vp, type);
        }
        header = FIELD_DP32(header, MANA_CQE, TYPE, type);
        header = FIELD_DP32(header, MANA_CQE, CLIENT_TYPE, MANA_CQE_COMPLETION);
        cqe.header = cpu_to_le32(header);
        cqe.offsets = cpu_to_le32(FIELD_DP32(0, MANA_TX_CQE, WQE_OFFSET_BU,
            (wq->ring.head & (wq->ring.bytes - 1)) / GDMA_WQE_BU_BYTES));
        gdma_wq_pop(wq, &wqe);
        vp->tx_run += vp->tx_run < MANA_TX_STREAM;
        done += MAX(1, pkt->sent);
        if (type != MANA_CQE_TX_OKAY || !MANA_TX_FIELD(pkt, 0, SUPPRESS_CQE)) {
            gdma_post_cqe(s, wq->cq_id, &cqe, sizeof(cqe), sq_id, true);
            completions++;
        }
    }
    if (done) {
        mana_tx_notify(s, pkt, sq_id, completions);
    }
    if (wq->is_failed || !gdma_wq_posted_bytes(&wq->ring) ||
        mana_tx_is_blocked(vp->wire, pkt->nc)) {
        clear_bit(sq_id, s->sq_active);
    }
    return done;
}

bool mana_tx_run(Mana *s)
{
    uint32_t done = 0;

    /* on from where the last run ended, so that no queue waits for ever */
    for (int pass = 0; pass < 2 && done < MANA_TX_BATCH; pass++) {
        uint32_t id = pass ? 0 : s->tx_next;

        while (done < MANA_TX_BATCH &&
               (id = find_next_bit(s->sq_active, s->wq_count, id)) <
               s->wq_count) {
            done += mana_tx_queue(s, id++);
            s->tx_next = id;
        }
    }
    return find_first_bit(s->sq_active, s->wq_count) < s->wq_count;
}
