/*
 * MANA driver of VTL2: packets
 *
 * A packet to send is copied into the queue's pool, a ring as the adapter
 * completes in order; so one or two SGEs describe it.  Completions of sending are
 * taken when there is something to send, with an interrupt only for a queue that
 * is full.  Received packets are given to the owner where the adapter put them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-drv-state-core.h"
#include "net-frame-core.h"

/* --- sending --- */

/* Where @bytes without a gap fit in the pool; what they take with the gap */
static bool mana_drv_pool_take(ManaDrvTxq *txq, uint32_t bytes, uint32_t *at,
                               uint32_t *pool_bytes)
{
    uint32_t need = ROUND_UP(bytes, MANA_DRV_TX_ALIGN);
    uint32_t to_end = txq->pool.bytes - txq->pool_head;
    uint32_t gap = need <= to_end ? 0 : to_end;

    if (gap + need > txq->pool.bytes - txq->pool_used) {
        return false;
    }
    *at = gap ? 0 : txq->pool_head;
    *pool_bytes = gap + need;
    txq->pool_used += gap + need;
    txq->pool_head = *at + need == txq->pool.bytes ? 0 : *at + need;
    return true;
}

static uint32_t mana_drv_tx_oob(const ManaDrvPort *p, const ManaDrvTxq *txq,
                                const ManaDrvTxSlot *slot, ManaTxOobWire *oob)
{
    uint32_t w0 = slot->oob0;
    uint32_t w1 = FIELD_DP32(0, MANA_TX_OOB1, TRANSPORT_OFFSET,
                             slot->transport_offset);

    w0 = FIELD_DP32(w0, MANA_TX_OOB0, FORMAT,
                    p->short_form ? MANA_TX_FORMAT_SHORT : MANA_TX_FORMAT_LONG);
    w0 = FIELD_DP32(w0, MANA_TX_OOB0, VCQ, txq->cq.id);
    w1 = FIELD_DP32(w1, MANA_TX_OOB1, VSQ_FRAME, txq->wq.id &
                    (R_MANA_TX_OOB1_VSQ_FRAME_MASK >>
                     R_MANA_TX_OOB1_VSQ_FRAME_SHIFT));
    if (p->short_form) {
        w1 = FIELD_DP32(w1, MANA_TX_OOB1, VPORT_OFFSET, p->tx_offset);
    }
    *oob = (ManaTxOobWire) {
        .word = {
            cpu_to_le32(w0), cpu_to_le32(w1), 0,
            cpu_to_le32(p->short_form ? 0 :
                        FIELD_DP32(0, MANA_TX_OOB3, VPORT_OFFSET,
                                   p->tx_offset)),
        },
    };
    return p->short_form ? MANA_TX_OOB_SHORT_BYTES : MANA_TX_OOB_LONG_BYTES;
}

/* The entry of @slot, whose packet is in the pool */
static void mana_drv_tx_put(ManaDrv *d, ManaDrvPort *p, ManaDrvTxq *txq,
                            ManaDrvTxSlot *slot)
{
    ManaTxOobWire oob;
    uint32_t oob_bytes = mana_drv_tx_oob(p, txq, slot, &oob);
    uint64_t addr = txq->pool.addr + slot->at;
    uint32_t head = slot->header_bytes ? slot->header_bytes : slot->bytes;
    GdmaSgeWire sges[2] = {
        {
            .address = cpu_to_le64(addr),
            .mem_key = cpu_to_le32(d->mkey),
            .bytes = cpu_to_le32(head),
        }, {
            .address = cpu_to_le64(addr + head),
            .mem_key = cpu_to_le32(d->mkey),
            .bytes = cpu_to_le32(slot->bytes - head),
        },
    };

    slot->wqe_bytes = mana_drv_wq_put(&txq->wq, &oob, oob_bytes, sges,
                                      slot->header_bytes ? 2 : 1,
                                      slot->header_bytes, slot->mss);
    d->needs_flush = true;
}

/* The checksum that is neither TCP's nor UDP's; the field has its first part */
static void mana_drv_tx_sum(uint8_t *frame, const ManaDrvTx *tx)
{
    uint32_t field = tx->csum_start + tx->csum_offset;
    uint64_t sum;

    if (tx->csum_start < tx->bytes && field + 2 <= tx->bytes) {
        sum = net_frame_sum(frame + tx->csum_start,
                            tx->bytes - tx->csum_start);
        stw_he_p(frame + field, ~net_frame_fold(sum));
    }
}

/*
 * Offloads of the packet at @frame, of which @copy is what is sent; false if it
 * cannot be
 */
static bool mana_drv_tx_offload(const uint8_t *frame, uint8_t *copy,
                                const ManaDrvTx *tx, ManaDrvTxSlot *slot)
{
    NetFrame f;

    slot->oob0 = 0;
    slot->header_bytes = 0;
    slot->mss = 0;
    slot->transport_offset = 0;
    if (!tx->needs_csum && tx->gso == MANA_DRV_GSO_NONE) {
        return true;
    }
    if (tx->bytes < MANA_ETH_HEADER_BYTES) {
        return false;
    }
    net_frame_parse_head(&f, frame, MIN(tx->bytes, MANA_MAX_LSO_HEADER_BYTES),
                         tx->bytes);
    if (tx->gso != MANA_DRV_GSO_NONE) {
        if (!net_frame_is_tcp(&f) || !tx->mss ||
            f.ip_version != (tx->gso == MANA_DRV_GSO_TCP4 ? 4 : 6) ||
            f.payload_offset >= tx->bytes ||
            tx->mss >> R_GDMA_WQE_PARAMS_CLIENT_DATA_UNIT_LENGTH) {
            return false;
        }
        slot->header_bytes = f.payload_offset;
        slot->mss = tx->mss;
        slot->oob0 = FIELD_DP32(slot->oob0, MANA_TX_OOB0, IP_CSUM,
                                f.ip_version == 4);
    } else if ((!net_frame_is_tcp(&f) && !net_frame_is_udp(&f)) ||
               tx->csum_start != f.l4_offset) {
        mana_drv_tx_sum(copy, tx);
        return true;
    }
    slot->transport_offset = f.l4_offset;
    slot->oob0 = FIELD_DP32(slot->oob0, MANA_TX_OOB0, IS_IPV4,
                            f.ip_version == 4);
    slot->oob0 = FIELD_DP32(slot->oob0, MANA_TX_OOB0, IS_IPV6,
                            f.ip_version == 6);
    slot->oob0 = FIELD_DP32(slot->oob0, MANA_TX_OOB0, TCP_CSUM,
                            net_frame_is_tcp(&f));
    slot->oob0 = FIELD_DP32(slot->oob0, MANA_TX_OOB0, UDP_CSUM,
                            net_frame_is_udp(&f));
    return true;
}

static bool mana_drv_tx_has_room(const ManaDrvTxq *txq)
{
    uint32_t posted = txq->wq.head_bytes - txq->done_bytes;

    return txq->count < MANA_DRV_TX_SLOTS &&
           MANA_DRV_SQ_BYTES - posted >= mana_drv_wqe_bytes(
               MANA_TX_OOB_LONG_BYTES, 2);
}

/* Room in the pool and in the ring */
static bool mana_drv_tx_take(ManaDrvTxq *txq, ManaDrvTxSlot *slot)
{
    return mana_drv_tx_has_room(txq) &&
           mana_drv_pool_take(txq, slot->bytes, &slot->at, &slot->pool_bytes);
}

static ManaDrvSent mana_drv_tx_full(ManaDrv *d, ManaDrvTxq *txq)
{
    txq->is_full = true;
    if (!txq->is_armed) {
        txq->is_armed = true;
        mana_drv_wq_ring(d, &txq->wq);
        mana_drv_cq_ring(d, &txq->cq, true);
    }
    return MANA_DRV_NO_ROOM;
}

ManaDrvSent mana_drv_send(ManaDrv *d, unsigned int port, unsigned int queue,
                          const uint8_t *frame, const ManaDrvTx *tx)
{
    ManaDrvPort *p = &d->port[port];
    ManaDrvTxq *txq;
    ManaDrvTxSlot slot = { .bytes = tx->bytes };
    uint8_t *copy;
    unsigned int idx;
    bool was_empty;

    if (tx->bytes < MANA_ETH_HEADER_BYTES ||
        tx->bytes > MANA_DRV_MAX_TX_BYTES || d->state == MANA_DRV_FAILED ||
        d->state == MANA_DRV_OFF) {
        p->stats.tx_errors++;
        return MANA_DRV_DROPPED;
    }
    if (!p->is_up) {
        return MANA_DRV_NO_ROOM;
    }
    queue %= p->queues;
    txq = &p->txq[queue];
    if (!mana_drv_tx_take(txq, &slot)) {
        mana_drv_tx_poll(d, p, queue);
        if (!p->is_up) {
            return MANA_DRV_NO_ROOM;
        }
        if (!mana_drv_tx_take(txq, &slot)) {
            return mana_drv_tx_full(d, txq);
        }
    }
    copy = (uint8_t *)txq->pool.ptr + slot.at;
    memcpy(copy, frame, tx->bytes);
    was_empty = !txq->count;
    if (!mana_drv_tx_offload(frame, copy, tx, &slot)) {
        /* give the room back: it was the last that was taken */
        txq->pool_used -= slot.pool_bytes;
        txq->pool_head = (slot.at + txq->pool.bytes - (slot.pool_bytes -
                          ROUND_UP(tx->bytes, MANA_DRV_TX_ALIGN))) %
                         txq->pool.bytes;
        p->stats.tx_errors++;
        return MANA_DRV_DROPPED;
    }
    mana_drv_tx_put(d, p, txq, &slot);
    idx = (txq->first + txq->count++) % MANA_DRV_TX_SLOTS;
    txq->slots[idx] = slot;
    p->stats.tx_packets++;
    p->stats.tx_bytes += tx->bytes;
    if (was_empty) {
        txq->progress_ns = d->ops->now_ns(d->fn);
        mana_drv_update_timer(d);
    }
    return MANA_DRV_SENT;
}

static void mana_drv_tx_release(ManaDrvTxq *txq)
{
    ManaDrvTxSlot *slot = &txq->slots[txq->first];

    txq->pool_used -= slot->pool_bytes;
    txq->done_bytes += slot->wqe_bytes;
    txq->first = (txq->first + 1) % MANA_DRV_TX_SLOTS;
    txq->count--;
    if (!txq->count) {
        txq->pool_head = 0;
        txq->pool_used = 0;
    }
}

/* A completion is of the oldest packet: it must say so */
static bool mana_drv_tx_complete(ManaDrvPort *p, ManaDrvTxq *txq,
                                 const GdmaCqeWire *cqe)
{
    ManaTxCqeWire data;
    uint32_t header, info = le32_to_cpu(cqe->info);
    uint32_t at = (txq->done_bytes & (txq->wq.ring_bytes - 1)) /
                  GDMA_WQE_BU_BYTES;

    memcpy(&data, cqe->data, sizeof(data));
    header = le32_to_cpu(data.header);
    if (!txq->count || !FIELD_EX32(info, GDMA_CQE_INFO, IS_SQ) ||
        FIELD_EX32(info, GDMA_CQE_INFO, WQ_ID) != txq->wq.id ||
        FIELD_EX32(header, MANA_CQE, CLIENT_TYPE) != MANA_CQE_COMPLETION ||
        FIELD_EX32(le32_to_cpu(data.offsets), MANA_TX_CQE, WQE_OFFSET_BU) !=
        at) {
        return false;
    }
    if (FIELD_EX32(header, MANA_CQE, TYPE) != MANA_CQE_TX_OKAY) {
        p->stats.tx_errors++;
    }
    mana_drv_tx_release(txq);
    return true;
}

void mana_drv_tx_poll(ManaDrv *d, ManaDrvPort *p, unsigned int queue)
{
    ManaDrvTxq *txq = &p->txq[queue];
    ManaDrvTaken taken = MANA_DRV_NOTHING;
    GdmaCqeWire cqe;
    int done = 0;

    /* no more than a ring of them: the adapter cannot keep this up for ever */
    while (done < MANA_DRV_TX_SLOTS &&
           (taken = mana_drv_cq_take(&txq->cq, &cqe)) == MANA_DRV_TAKEN) {
        if (!mana_drv_tx_complete(p, txq, &cqe)) {
            mana_drv_fail(d, "a completion of no packet sent");
            return;
        }
        done++;
    }
    if (taken == MANA_DRV_OVERRUN) {
        mana_drv_fail(d, "completions of sending overran");
        return;
    }
    if (done) {
        txq->progress_ns = d->ops->now_ns(d->fn);
        /* eight laps without a word, and the adapter would lose count */
        mana_drv_cq_ring(d, &txq->cq, txq->is_armed);
    }
}

void mana_drv_tx_settle(ManaDrvPort *p, unsigned int queue)
{
    ManaDrvTxq *txq = &p->txq[queue];
    GdmaCqeWire cqe;

    for (int i = 0; i < MANA_DRV_TX_SLOTS; i++) {
        if (mana_drv_cq_take(&txq->cq, &cqe) != MANA_DRV_TAKEN ||
            !mana_drv_tx_complete(p, txq, &cqe)) {
            break;
        }
    }
}

bool mana_drv_tx_is_stuck(const ManaDrvTxq *txq, int64_t now_ns)
{
    return txq->count && now_ns - txq->progress_ns >=
           MANA_DRV_TX_TIMEOUT_MS * MANA_DRV_MS;
}

void mana_drv_tx_resend(ManaDrv *d, ManaDrvPort *p, ManaDrvTxq *txq)
{
    uint32_t count = txq->count;

    txq->done_bytes = 0;
    txq->progress_ns = d->ops->now_ns(d->fn);
    /* one that was sent twice may be what broke the adapter */
    while (count && txq->slots[txq->first].is_resent) {
        mana_drv_tx_release(txq);
        p->stats.tx_errors++;
        count--;
    }
    txq->done_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        ManaDrvTxSlot *slot = &txq->slots[(txq->first + i) %
                                          MANA_DRV_TX_SLOTS];

        slot->is_resent = true;
        mana_drv_tx_put(d, p, txq, slot);
    }
}

/* --- receiving --- */

static void mana_drv_rx_post(ManaDrv *d, ManaDrvRxq *rxq, uint32_t slot)
{
    static const uint8_t oob[8];
    GdmaSgeWire sge = {
        .address = cpu_to_le64(rxq->pool.addr + (uint64_t)slot * rxq->stride +
                               MANA_DRV_RX_HEADROOM),
        .mem_key = cpu_to_le32(d->mkey),
        .bytes = cpu_to_le32(rxq->stride - MANA_DRV_RX_HEADROOM),
    };

    mana_drv_wq_put(&rxq->wq, oob, sizeof(oob), &sge, 1, false, 0);
}

void mana_drv_rx_fill(ManaDrv *d, ManaDrvRxq *rxq)
{
    for (uint32_t i = 0; i < MANA_DRV_RX_SLOTS; i++) {
        mana_drv_rx_post(d, rxq, i);
    }
    mana_drv_wq_ring(d, &rxq->wq);
}

typedef enum ManaDrvRxVerdict {
    MANA_DRV_RX_GO_ON,
    MANA_DRV_RX_HOLD,
    MANA_DRV_RX_BAD,
} ManaDrvRxVerdict;

static ManaDrvRxVerdict mana_drv_rx_deliver(ManaDrv *d, ManaDrvPort *p,
                                            unsigned int queue, uint32_t slot,
                                            const ManaRxCqeWire *data)
{
    ManaDrvRxq *rxq = &p->rxq[queue];
    uint32_t flags = le32_to_cpu(data->flags);
    bool ip_bad = FIELD_EX32(flags, MANA_RX_CQE, IP_BAD);
    bool l4_ok = FIELD_EX32(flags, MANA_RX_CQE, TCP_OK) ||
                 FIELD_EX32(flags, MANA_RX_CQE, UDP_OK);
    ManaDrvRx rx = {
        .frame = (uint8_t *)rxq->pool.ptr + (size_t)slot * rxq->stride +
                 MANA_DRV_RX_HEADROOM,
        .bytes = le16_to_cpu(data->ppi[0].bytes),
        .csum_ok = l4_ok && !ip_bad,
    };

    if (rx.bytes > rxq->stride - MANA_DRV_RX_HEADROOM) {
        return MANA_DRV_RX_BAD;
    }
    if (rx.bytes < MANA_ETH_HEADER_BYTES) {
        p->stats.rx_dropped++;
        return MANA_DRV_RX_GO_ON;
    }
    if (FIELD_EX32(flags, MANA_RX_CQE, VLAN_PRESENT)) {
        /* the tag, which the adapter took out, goes back into the frame */
        rx.frame = net_frame_push_vlan(rx.frame, FIELD_EX32(flags, MANA_RX_CQE,
                                                            VLAN_ID));
        rx.bytes += NET_FRAME_VLAN_BYTES;
    }
    p->stats.rx_packets++;
    p->stats.rx_bytes += rx.bytes;
    return d->owner_ops->receive(d->owner, mana_drv_port_idx(d, p), queue, &rx)
           ? MANA_DRV_RX_GO_ON : MANA_DRV_RX_HOLD;
}

/* A completion is of the oldest buffer, which goes back to the adapter */
static ManaDrvRxVerdict mana_drv_rx_complete(ManaDrv *d, ManaDrvPort *p,
                                             unsigned int queue,
                                             const GdmaCqeWire *cqe)
{
    ManaDrvRxq *rxq = &p->rxq[queue];
    uint32_t slot = rxq->first % MANA_DRV_RX_SLOTS;
    ManaDrvRxVerdict verdict = MANA_DRV_RX_GO_ON;
    uint32_t header, info = le32_to_cpu(cqe->info);
    ManaRxCqeWire data;

    memcpy(&data, cqe->data, sizeof(data));
    header = le32_to_cpu(data.header);
    if (FIELD_EX32(info, GDMA_CQE_INFO, IS_SQ) ||
        FIELD_EX32(info, GDMA_CQE_INFO, WQ_ID) != rxq->wq.id ||
        FIELD_EX32(header, MANA_CQE, CLIENT_TYPE) != MANA_CQE_COMPLETION) {
        return MANA_DRV_RX_BAD;
    }
    switch (FIELD_EX32(header, MANA_CQE, TYPE)) {
    case MANA_CQE_RX_OBJECT_FENCE:
        return MANA_DRV_RX_GO_ON;
    case MANA_CQE_RX_OKAY:
    case MANA_CQE_RX_TRUNCATED:
        break;
    default:
        return MANA_DRV_RX_BAD;
    }
    if (le32_to_cpu(data.wqe_offset_bytes) != slot * MANA_DRV_RQE_BYTES) {
        return MANA_DRV_RX_BAD;
    }
    if (FIELD_EX32(header, MANA_CQE, TYPE) == MANA_CQE_RX_OKAY) {
        verdict = mana_drv_rx_deliver(d, p, queue, slot, &data);
    } else {
        p->stats.rx_dropped++;
    }
    /* the owner may have stopped the driver */
    if (p->is_up) {
        rxq->first++;
        mana_drv_rx_post(d, rxq, slot);
    }
    return verdict;
}

void mana_drv_rx_poll(ManaDrv *d, ManaDrvPort *p, unsigned int queue)
{
    ManaDrvRxq *rxq = &p->rxq[queue];
    ManaDrvTaken taken = MANA_DRV_NOTHING;
    GdmaCqeWire cqe;

    for (int i = 0; i < MANA_DRV_POLL_BUDGET && !rxq->is_held; i++) {
        ManaDrvRxVerdict verdict;

        taken = mana_drv_cq_take(&rxq->cq, &cqe);
        if (taken != MANA_DRV_TAKEN) {
            break;
        }
        verdict = mana_drv_rx_complete(d, p, queue, &cqe);
        if (!p->is_up) {
            return;
        }
        if (verdict == MANA_DRV_RX_BAD) {
            mana_drv_fail(d, "a completion of no packet received");
            return;
        }
        rxq->is_held = verdict == MANA_DRV_RX_HOLD;
    }
    if (taken == MANA_DRV_OVERRUN) {
        mana_drv_fail(d, "completions of receiving overran");
        return;
    }
    mana_drv_wq_ring(d, &rxq->wq);
    /* what was left behind the budget makes an event at once */
    mana_drv_cq_ring(d, &rxq->cq, !rxq->is_held);
}

void mana_drv_rx_resume(ManaDrv *d, unsigned int port, unsigned int queue)
{
    ManaDrvPort *p = &d->port[port];

    if (queue < p->queues && p->rxq[queue].is_held) {
        p->rxq[queue].is_held = false;
        if (p->is_up) {
            mana_drv_rx_poll(d, p, queue);
        }
    }
}
