/*
 * A guest's MANA driver for qtests: packets
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-client.h"

static const uint8_t rq_oob[8];

/* --- TX --- */

/* Packet descriptor as Linux' mana_start_xmit makes it; its bytes */
static unsigned build_oob(ManaTxq *txq, const ManaTx *tx, ManaTxOobWire *oob)
{
    ManaVport *vp = txq->vp;
    bool is_long = tx->long_form || tx->has_vlan || !vp->short_form;
    uint32_t w[6] = { 0 };

    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, FORMAT,
                      is_long ? MANA_TX_FORMAT_LONG : MANA_TX_FORMAT_SHORT);
    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, IS_IPV4, tx->is_ipv4);
    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, IS_IPV6, tx->is_ipv6);
    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, IP_CSUM, tx->ip_csum);
    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, TCP_CSUM, tx->tcp_csum);
    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, UDP_CSUM, tx->udp_csum);
    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, SUPPRESS_CQE, tx->suppress_cqe);
    w[0] = FIELD_DP32(w[0], MANA_TX_OOB0, VCQ, txq->cq->id);
    w[1] = FIELD_DP32(w[1], MANA_TX_OOB1, TRANSPORT_OFFSET,
                      tx->transport_offset);
    w[1] = FIELD_DP32(w[1], MANA_TX_OOB1, VSQ_FRAME, txq->wq.id & 0x3fff);
    if (is_long) {
        w[2] = FIELD_DP32(w[2], MANA_TX_OOB2, INJECT_VLAN, tx->has_vlan);
        w[2] = FIELD_DP32(w[2], MANA_TX_OOB2, VLAN_PCP, tx->vlan_tci >> 13);
        w[2] = FIELD_DP32(w[2], MANA_TX_OOB2, VLAN_DEI, tx->vlan_tci >> 12 & 1);
        w[2] = FIELD_DP32(w[2], MANA_TX_OOB2, VLAN_ID, tx->vlan_tci & 0xfff);
        w[3] = FIELD_DP32(w[3], MANA_TX_OOB3, VPORT_OFFSET, vp->tx_offset);
    } else {
        w[1] = FIELD_DP32(w[1], MANA_TX_OOB1, VPORT_OFFSET, vp->tx_offset);
    }
    for (int i = 0; i < 6; i++) {
        oob->word[i] = cpu_to_le32(w[i]);
    }
    return is_long ? MANA_TX_OOB_LONG_BYTES : MANA_TX_OOB_SHORT_BYTES;
}

/* @bytes in @pieces pages, each piece somewhere in its page */
static unsigned cut(ManaTxq *txq, const ManaTx *tx, GdmaSgeWire *sges)
{
    GdmaClient *d = txq->vp->d;
    const uint8_t *data = tx->frame;
    uint32_t left = tx->bytes;
    unsigned count = 0, pieces = tx->pieces ?: 1;

    while (left) {
        uint32_t bytes = count + 1 >= pieces ? left :
                         MAX(tx->bytes / pieces, 1u);
        unsigned offset = tx->misalign ? tx->misalign + count % 7 : 0;
        uint64_t gpa;

        if (tx->mss && count == 0) {
            bytes = tx->header_bytes;
        }
        bytes = MIN(bytes, left);
        gpa = pcie_guest_alloc(d->g, DIV_ROUND_UP(offset + bytes,
                                                  GDMA_PAGE_SIZE)) + offset;
        memcpy(pcie_guest_ptr(d->g, gpa), data, bytes);
        g_assert_cmpuint(count, <, GDMA_MAX_SGES);
        sges[count++] = (GdmaSgeWire) {
            .address = gpa, .mem_key = d->mkey, .bytes = bytes,
        };
        data += bytes;
        left -= bytes;
    }
    return count;
}

void mana_txq_put(ManaTxq *txq, const ManaTx *tx)
{
    GdmaSgeWire sges[GDMA_MAX_SGES];
    uint64_t heap = txq->vp->d->g->heap_gpa;
    ManaTxOobWire oob;
    GdmaWqe wqe = {
        .oob = &oob, .oob_bytes = build_oob(txq, tx, &oob), .sges = sges,
        .sge_count = cut(txq, tx, sges), .oob_in_sgl = tx->mss,
        .client_data_unit = tx->mss,
    };
    uint32_t offset = gdma_wq_put(&txq->wq, &wqe);

    g_assert_cmpuint(txq->wq.head_bytes - txq->done_bytes, <=,
                     txq->wq.ring.bytes);
    g_queue_push_tail(txq->offsets, GUINT_TO_POINTER(offset + 1));
    g_queue_push_tail(txq->offsets, GUINT_TO_POINTER(gdma_wqe_bytes(&wqe)));
    /* start over before the heap is full: nothing is under way for so long */
    if (heap > PCIE_GUEST_RAM_BYTES - 4 * MiB) {
        g_error("no guest memory left for frames");
    }
}

void mana_txq_send(ManaTxq *txq, const ManaTx *tx)
{
    mana_txq_put(txq, tx);
    gdma_wq_ring(&txq->wq);
}

bool mana_txq_wait(ManaTxq *txq, ManaCqeType *type, int64_t timeout_us)
{
    ManaTxCqeWire data;
    GdmaCqeWire cqe;
    uint32_t header, offset;

    if (!gdma_cq_wait(txq->cq, &cqe, timeout_us)) {
        return false;
    }
    memcpy(&data, cqe.data, sizeof(data));
    header = le32_to_cpu(data.header);
    g_assert_cmpuint(FIELD_EX32(header, MANA_CQE, CLIENT_TYPE), ==,
                     MANA_CQE_COMPLETION);
    g_assert_cmpuint(FIELD_EX32(le32_to_cpu(cqe.info), GDMA_CQE_INFO, IS_SQ),
                     ==, 1);
    g_assert_cmpuint(FIELD_EX32(le32_to_cpu(cqe.info), GDMA_CQE_INFO, WQ_ID),
                     ==, txq->wq.id);
    g_assert(!g_queue_is_empty(txq->offsets));
    offset = GPOINTER_TO_UINT(g_queue_pop_head(txq->offsets)) - 1;
    g_assert_cmpuint(FIELD_EX32(le32_to_cpu(data.offsets), MANA_TX_CQE,
                                WQE_OFFSET_BU), ==,
                     offset / GDMA_WQE_BU_BYTES);
    txq->done_bytes += GPOINTER_TO_UINT(g_queue_pop_head(txq->offsets));
    *type = FIELD_EX32(header, MANA_CQE, TYPE);
    return true;
}

ManaCqeType mana_txq_expect(ManaTxq *txq)
{
    ManaCqeType type;

    if (!mana_txq_wait(txq, &type, GDMA_CLIENT_TIMEOUT_US)) {
        g_error("no TX completion");
    }
    return type;
}

void mana_txq_send_ok(ManaTxq *txq, const ManaTx *tx)
{
    uint64_t heap = txq->vp->d->g->heap_gpa;

    mana_txq_send(txq, tx);
    g_assert_cmpint(mana_txq_expect(txq), ==, MANA_CQE_TX_OKAY);
    txq->vp->d->g->heap_gpa = heap;
}

/* --- RX --- */

void mana_rxq_post(ManaRxq *rxq, uint64_t gpa, uint32_t bytes)
{
    GdmaSgeWire sge = {
        .address = gpa, .mem_key = rxq->vp->d->mkey, .bytes = bytes,
    };
    GdmaWqe wqe = {
        .oob = rq_oob, .oob_bytes = sizeof(rq_oob), .sges = &sge,
        .sge_count = 1,
    };
    ManaRxBuffer *buffer = g_new(ManaRxBuffer, 1);

    g_assert_cmpuint((g_queue_get_length(rxq->posted) + 1) * GDMA_WQE_BU_BYTES,
                     <=, rxq->wq.ring.bytes);
    *buffer = (ManaRxBuffer) {
        .gpa = gpa, .bytes = bytes, .offset_bytes = gdma_wq_put(&rxq->wq, &wqe),
    };
    g_queue_push_tail(rxq->posted, buffer);
}

void mana_rxq_fill(ManaRxq *rxq, unsigned count)
{
    unsigned pages = DIV_ROUND_UP(rxq->buffer_bytes, GDMA_PAGE_SIZE);

    for (unsigned i = 0; i < count; i++) {
        mana_rxq_post(rxq, pcie_guest_alloc(rxq->vp->d->g, pages),
                      rxq->buffer_bytes);
    }
    gdma_wq_ring(&rxq->wq);
}

/* The oldest buffer holds a frame of @bytes */
static void take_frame(ManaRxq *rxq, unsigned cqe_type, uint32_t flags,
                       uint32_t bytes, uint32_t hash)
{
    ManaRxBuffer *buffer = g_queue_pop_head(rxq->posted);
    ManaRxFrame *f = g_new(ManaRxFrame, 1);

    g_assert(buffer);
    g_assert_cmpuint(bytes, >, 0);
    g_assert_cmpuint(bytes, <=, buffer->bytes);
    *f = (ManaRxFrame) {
        .bytes = bytes, .flags = flags, .hash = hash, .cqe_type = cqe_type,
        .data = pcie_guest_ptr(rxq->vp->d->g, buffer->gpa), .gpa = buffer->gpa,
        .buffer_bytes = buffer->bytes,
    };
    g_queue_push_tail(rxq->came, f);
    g_free(buffer);
}

static void assert_oldest(ManaRxq *rxq, uint32_t offset_bytes)
{
    ManaRxBuffer *buffer = g_queue_peek_head(rxq->posted);

    g_assert(buffer);
    g_assert_cmpuint(offset_bytes, ==, buffer->offset_bytes);
}

static void take_rx_cqe(ManaRxq *rxq, const GdmaCqeWire *cqe)
{
    ManaRxCqeWire data;
    uint32_t header, flags;
    unsigned type;

    memcpy(&data, cqe->data, sizeof(data));
    header = le32_to_cpu(data.header);
    flags = le32_to_cpu(data.flags);
    type = FIELD_EX32(header, MANA_CQE, TYPE);
    g_assert_cmpuint(FIELD_EX32(header, MANA_CQE, CLIENT_TYPE), ==,
                     MANA_CQE_COMPLETION);
    g_assert_cmpuint(FIELD_EX32(le32_to_cpu(cqe->info), GDMA_CQE_INFO, IS_SQ),
                     ==, 0);
    g_assert_cmpuint(FIELD_EX32(le32_to_cpu(cqe->info), GDMA_CQE_INFO, WQ_ID),
                     ==, rxq->wq.id);
    if (type == MANA_CQE_RX_OBJECT_FENCE) {
        rxq->fences++;
        return;
    }
    assert_oldest(rxq, le32_to_cpu(data.wqe_offset_bytes));
    switch (type) {
    case MANA_CQE_RX_TRUNCATED:
        rxq->truncated++;
        /* fall through */
    case MANA_CQE_RX_OKAY:
        take_frame(rxq, type, flags, le16_to_cpu(data.ppi[0].bytes),
                   le32_to_cpu(data.ppi[0].hash));
        break;
    case MANA_CQE_RX_COALESCED_4:
        for (int i = 0; i < MANA_RX_PPI_COUNT && data.ppi[i].bytes; i++) {
            take_frame(rxq, type, flags, le16_to_cpu(data.ppi[i].bytes),
                       le32_to_cpu(data.ppi[i].hash));
        }
        break;
    case MANA_CQE_RX_COALESCED_8:
        for (int i = 0; i < MANA_RX_PPI_COUNT && data.ppi2[i].bytes0; i++) {
            take_frame(rxq, type, flags, le16_to_cpu(data.ppi2[i].bytes0),
                       le32_to_cpu(data.ppi2[i].hash0));
            if (!data.ppi2[i].bytes1) {
                break;
            }
            take_frame(rxq, type, flags, le16_to_cpu(data.ppi2[i].bytes1),
                       le32_to_cpu(data.ppi2[i].hash1));
        }
        break;
    default:
        g_error("RX completion of type %u", type);
    }
}

bool mana_rxq_wait(ManaRxq *rxq, ManaRxFrame *f, int64_t timeout_us)
{
    g_autofree ManaRxFrame *came = NULL;
    unsigned fences = rxq->fences;
    GdmaCqeWire cqe;

    while (g_queue_is_empty(rxq->came)) {
        if (!gdma_cq_wait(rxq->cq, &cqe, timeout_us)) {
            return false;
        }
        take_rx_cqe(rxq, &cqe);
        if (rxq->fences != fences && g_queue_is_empty(rxq->came)) {
            return false;
        }
    }
    came = g_queue_pop_head(rxq->came);
    *f = *came;
    if (rxq->recycles) {
        /* the adapter writes to it again only after all others */
        mana_rxq_post(rxq, f->gpa, f->buffer_bytes);
        gdma_wq_ring(&rxq->wq);
    }
    return true;
}

ManaRxFrame mana_rxq_expect(ManaRxq *rxq)
{
    ManaRxFrame f;

    if (!mana_rxq_wait(rxq, &f, GDMA_CLIENT_TIMEOUT_US)) {
        g_error("no frame came");
    }
    return f;
}

void mana_rxq_expect_none(ManaRxq *rxq)
{
    ManaRxFrame f;

    g_assert(!mana_rxq_wait(rxq, &f, GDMA_CLIENT_QUIET_US));
}

void mana_rxq_fence(ManaRxq *rxq)
{
    unsigned seen = rxq->fences;
    ManaRxFrame f;

    g_assert_cmphex(mana_try_fence(rxq->vp, rxq->obj), ==, 0);
    while (rxq->fences == seen) {
        if (!mana_rxq_wait(rxq, &f, GDMA_CLIENT_TIMEOUT_US) &&
            rxq->fences == seen) {
            g_error("no fence came");
        }
    }
}

void mana_expect_arrival(NetWire *wire, ManaRxq *rxq, const void *frame,
                         uint32_t bytes)
{
    ManaRxFrame f;

    net_wire_send(wire, frame, bytes);
    f = mana_rxq_expect(rxq);
    g_assert_cmpuint(f.bytes, ==, bytes);
    g_assert_cmpmem(f.data, f.bytes, frame, bytes);
}
