/*
 * MANA driver of VTL2: saving its state, and taking a saved one over
 *
 * The stream is as little to be trusted as the adapter: every number that is used
 * as an index, a length or an address is checked, and memory is the driver's only
 * if it could be claimed.  What the rings contain is checked when it is read, as
 * always.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "mana-drv-state-core.h"

/* Of a packet's flags those that mana_drv_tx_offload() gives */
#define MANA_DRV_SAVED_OOB0 \
    (R_MANA_TX_OOB0_IS_IPV4_MASK | R_MANA_TX_OOB0_IS_IPV6_MASK | \
     R_MANA_TX_OOB0_IP_CSUM_MASK | R_MANA_TX_OOB0_TCP_CSUM_MASK | \
     R_MANA_TX_OOB0_UDP_CSUM_MASK)

/* --- save --- */

static ManaDrvSavedRing mana_drv_save_memory(const Vtl2Dma *dma)
{
    return (ManaDrvSavedRing) { .addr = dma->addr, .bytes = dma->bytes };
}

static ManaDrvSavedRing mana_drv_save_eq(const ManaDrvEq *eq)
{
    ManaDrvSavedRing r = mana_drv_save_memory(&eq->ring);

    r.id = eq->id;
    r.head = eq->head;
    return r;
}

static ManaDrvSavedRing mana_drv_save_cq(const ManaDrvCq *cq)
{
    ManaDrvSavedRing r = mana_drv_save_memory(&cq->ring);

    r.id = cq->id;
    r.head = cq->head;
    return r;
}

static ManaDrvSavedRing mana_drv_save_wq(const ManaDrvWq *wq)
{
    ManaDrvSavedRing r = mana_drv_save_memory(&wq->ring);

    r.id = wq->id;
    r.obj = wq->obj;
    r.head = wq->head_bytes;
    r.told = wq->told_bytes;
    return r;
}

static void mana_drv_save_pair(const ManaDrvPort *p, unsigned int q,
                               ManaDrvSavedPair *s)
{
    const ManaDrvTxq *txq = &p->txq[q];
    const ManaDrvRxq *rxq = &p->rxq[q];

    s->flags = (txq->is_full ? MANA_DRV_SAVED_TX_FULL : 0) |
               (txq->is_armed ? MANA_DRV_SAVED_TX_ARMED : 0) |
               (rxq->is_held ? MANA_DRV_SAVED_RX_HELD : 0);
    s->eq = mana_drv_save_eq(&p->eq[q]);
    s->sq = mana_drv_save_wq(&txq->wq);
    s->sq_cq = mana_drv_save_cq(&txq->cq);
    s->rq = mana_drv_save_wq(&rxq->wq);
    s->rq_cq = mana_drv_save_cq(&rxq->cq);
    s->tx_pool = mana_drv_save_memory(&txq->pool);
    s->rx_pool = mana_drv_save_memory(&rxq->pool);
    s->tx_count = txq->count;
    for (uint32_t i = 0; i < txq->count; i++) {
        const ManaDrvTxSlot *slot = &txq->slots[(txq->first + i) %
                                                MANA_DRV_TX_SLOTS];

        s->tx[i] = (ManaDrvSavedTx) {
            .at = slot->at,
            .bytes = slot->bytes,
            .oob0 = slot->oob0,
            .transport_offset = slot->transport_offset,
            .header_bytes = slot->header_bytes,
            .mss = slot->mss,
            .flags = slot->is_resent ? MANA_DRV_SAVED_TX_RESENT : 0,
        };
    }
}

static void mana_drv_save_port(const ManaDrvPort *p, ManaDrvSavedPort *s)
{
    s->flags = (p->rss_on ? MANA_DRV_SAVED_RSS : 0) |
               (p->rx_dirty ? MANA_DRV_SAVED_RX_DIRTY : 0) |
               (p->filter ? MANA_DRV_SAVED_FILTER : 0) |
               (p->short_form ? MANA_DRV_SAVED_SHORT_FORM : 0);
    s->handle = p->handle;
    s->serial = p->serial;
    s->max_indirection = p->max_indirection;
    s->tx_offset = p->tx_offset;
    memcpy(s->mac, p->mac, sizeof(s->mac));
    memcpy(s->rss_key, p->rss_key, sizeof(s->rss_key));
    memcpy(s->rss_table, p->rss_table, sizeof(s->rss_table));
    memcpy(s->stats, &p->stats, sizeof(s->stats));
    s->pair_count = p->queues;
    for (unsigned int q = 0; q < p->queues; q++) {
        mana_drv_save_pair(p, q, &s->pair[q]);
    }
}

static void mana_drv_save_hwc(const ManaDrv *d, ManaDrvSaved *s)
{
    const ManaDrvHwc *h = &d->hwc;

    QEMU_BUILD_BUG_ON(sizeof(s->hwc_init) != sizeof(h->init));
    s->hwc_timeout_ms = d->hwc_timeout_ms;
    s->hwc_db_page = h->eq.db_page;
    memcpy(s->hwc_init, h->init, sizeof(s->hwc_init));
    s->activity_id = h->activity_id;
    s->msg_id = h->msg_id;
    s->step = d->step;
    s->step_port = d->step_port;
    s->hwc_eq = mana_drv_save_eq(&h->eq);
    s->hwc_cq = mana_drv_save_cq(&h->cq);
    s->hwc_sq = mana_drv_save_wq(&h->sq);
    s->hwc_rq = mana_drv_save_wq(&h->rq);
    s->request = mana_drv_save_memory(&h->request);
    s->response = mana_drv_save_memory(&h->response);
}

/* Its changes while it runs are the only requests that can be under way */
static bool mana_drv_step_ok(uint32_t step, bool is_busy)
{
    return is_busy ? step >= MANA_DRV_STEP_SET_RX && step < MANA_DRV_STEP_COUNT
                   : step == MANA_DRV_STEP_ADAPTER_DONE;
}

bool mana_drv_save(const ManaDrv *d, ManaDrvSaved *s)
{
    if (d->state != MANA_DRV_RUNNING || !d->hwc.is_up || d->awaits_shm ||
        d->in_step || !mana_drv_step_ok(d->step, d->hwc.is_busy)) {
        return false;
    }
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (d->port[i].is_wanted != d->port[i].is_up) {
            return false;
        }
    }
    s->flags = (d->hwc.is_busy ? MANA_DRV_SAVED_BUSY : 0) |
               (d->link_is_down ? MANA_DRV_SAVED_LINK_DOWN : 0);
    s->resets = d->resets;
    s->pf_caps = d->pf_caps;
    s->vector_count = d->vector_count;
    s->pdid = d->pdid;
    s->mkey = d->mkey;
    s->db_page = d->db_page;
    s->max_vports = d->max_vports;
    s->max_frame_bytes = d->max_frame_bytes;
    s->max_queues = d->max_queues;
    mana_drv_save_hwc(d, s);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (d->port[i].is_up) {
            s->port[s->port_count].vport = i;
            mana_drv_save_port(&d->port[i], &s->port[s->port_count++]);
        }
    }
    return true;
}

/* --- load --- */

static bool mana_drv_load_memory(ManaDrv *d, const ManaDrvSavedRing *r,
                                 size_t bytes, Vtl2Dma *dma)
{
    bytes = ROUND_UP(bytes, VTL2_PAGE_BYTES);
    if (r->bytes != bytes || !d->ops->dma_claim(d->fn, r->addr, bytes, dma)) {
        memset(dma, 0, sizeof(*dma));
        return false;
    }
    d->memory_bytes += dma->bytes;
    return true;
}

/* Heads count modulo eight laps */
static bool mana_drv_head_ok(uint32_t head, uint32_t entries)
{
    return head < entries * (GDMA_OWNER_MASK + 1);
}

static bool mana_drv_load_eq(ManaDrv *d, const ManaDrvSavedRing *r,
                             uint32_t db_page, unsigned int vector,
                             ManaDrvEq *eq)
{
    eq->id = r->id;
    eq->head = r->head;
    eq->db_page = db_page;
    eq->vector = vector;
    eq->is_there = true;
    return r->id < 1u << R_GDMA_EQ_DOORBELL_ID_LENGTH &&
           mana_drv_head_ok(r->head, MANA_DRV_EQ_BYTES / GDMA_EQE_BYTES) &&
           mana_drv_load_memory(d, r, MANA_DRV_EQ_BYTES, &eq->ring);
}

static bool mana_drv_load_cq(ManaDrv *d, const ManaDrvSavedRing *r,
                             uint32_t ring_bytes, uint32_t db_page,
                             ManaDrvCq *cq)
{
    cq->ring_bytes = ring_bytes;
    cq->id = r->id;
    cq->head = r->head;
    cq->db_page = db_page;
    return r->id < 1u << R_GDMA_CQ_DOORBELL_ID_LENGTH &&
           mana_drv_head_ok(r->head, ring_bytes / GDMA_CQE_BYTES) &&
           mana_drv_load_memory(d, r, ring_bytes, &cq->ring);
}

static bool mana_drv_load_wq(ManaDrv *d, const ManaDrvSavedRing *r,
                             uint32_t ring_bytes, uint32_t db_page, bool is_rq,
                             ManaDrvWq *wq)
{
    mana_drv_wq_init(wq, ring_bytes, is_rq);
    wq->id = r->id;
    wq->obj = r->obj;
    wq->db_page = db_page;
    wq->head_bytes = r->head;
    wq->told_bytes = r->told;
    return r->id < 1u << R_GDMA_WQ_DOORBELL_ID_LENGTH &&
           r->obj != UINT64_MAX && r->head % GDMA_WQE_BU_BYTES == 0 &&
           r->told % GDMA_WQE_BU_BYTES == 0 &&
           r->head - r->told <= ring_bytes &&
           mana_drv_load_memory(d, r, ring_bytes, &wq->ring);
}

static bool mana_drv_load_hwc(ManaDrv *d, const ManaDrvSaved *s)
{
    ManaDrvHwc *h = &d->hwc;
    uint32_t db_page = s->hwc_db_page;

    memcpy(h->init, s->hwc_init, sizeof(h->init));
    d->has_memory = true;
    if (!mana_drv_db_page_ok(d, db_page) ||
        s->hwc_cq.id != h->init[GDMA_INIT_DATA_CQ_ID] ||
        s->hwc_sq.id != h->init[GDMA_INIT_DATA_SQ_ID] ||
        s->hwc_rq.id != h->init[GDMA_INIT_DATA_RQ_ID] ||
        !mana_drv_load_eq(d, &s->hwc_eq, db_page, MANA_DRV_HWC_VECTOR,
                          &h->eq) ||
        !mana_drv_load_cq(d, &s->hwc_cq, MANA_DRV_HWC_RING_BYTES, db_page,
                          &h->cq) ||
        !mana_drv_load_wq(d, &s->hwc_sq, MANA_DRV_HWC_RING_BYTES, db_page,
                          false, &h->sq) ||
        !mana_drv_load_wq(d, &s->hwc_rq, MANA_DRV_HWC_RING_BYTES, db_page,
                          true, &h->rq) ||
        !mana_drv_load_memory(d, &s->request, GDMA_HWC_MAX_MESSAGE_BYTES,
                              &h->request) ||
        !mana_drv_load_memory(d, &s->response, GDMA_HWC_MAX_MESSAGE_BYTES,
                              &h->response) ||
        !mana_drv_hwc_adopt(d)) {
        return false;
    }
    h->has_eq_id = true;
    h->is_up = true;
    h->activity_id = s->activity_id;
    h->msg_id = s->msg_id;
    h->is_busy = s->flags & MANA_DRV_SAVED_BUSY;
    /* it is as it was sent */
    memcpy(&h->sent, h->request.ptr, sizeof(h->sent));
    h->expect_bytes = le32_to_cpu(h->sent.resp.msg_bytes);
    return true;
}

/* A packet by itself: what is done with it when it is sent again */
static bool mana_drv_saved_tx_ok(const ManaDrvSavedTx *t)
{
    return !(t->flags & ~MANA_DRV_SAVED_TX_RESENT) &&
           !(t->oob0 & ~MANA_DRV_SAVED_OOB0) &&
           t->bytes >= MANA_ETH_HEADER_BYTES &&
           t->bytes <= MANA_DRV_MAX_TX_BYTES &&
           t->header_bytes < t->bytes &&
           t->header_bytes <= MANA_MAX_LSO_HEADER_BYTES &&
           !t->header_bytes == !t->mss &&
           !(t->mss >> R_GDMA_WQE_PARAMS_CLIENT_DATA_UNIT_LENGTH) &&
           !(t->transport_offset >> R_MANA_TX_OOB1_TRANSPORT_OFFSET_LENGTH) &&
           t->at % MANA_DRV_TX_ALIGN == 0;
}

/* One after the other in the pool, which is a ring, and in the queue */
static bool mana_drv_load_tx(ManaDrvPort *p, ManaDrvTxq *txq,
                             const ManaDrvSavedPair *s)
{
    uint32_t pool_bytes = txq->pool.bytes, wqe_bytes = 0;
    uint32_t next = s->tx_count ? s->tx[0].at : 0, used = 0;

    if (s->tx_count > MANA_DRV_TX_SLOTS) {
        return false;
    }
    for (uint32_t i = 0; i < s->tx_count; i++) {
        const ManaDrvSavedTx *t = &s->tx[i];
        uint32_t need = ROUND_UP(t->bytes, MANA_DRV_TX_ALIGN);
        uint32_t gap = t->at == next ? 0 : pool_bytes - next;

        if (!mana_drv_saved_tx_ok(t) || (gap && t->at) ||
            t->at > pool_bytes || need > pool_bytes - t->at ||
            gap + need > pool_bytes - used) {
            return false;
        }
        txq->slots[i] = (ManaDrvTxSlot) {
            .at = t->at,
            .bytes = t->bytes,
            .pool_bytes = gap + need,
            .wqe_bytes = mana_drv_wqe_bytes(p->short_form
                                            ? MANA_TX_OOB_SHORT_BYTES
                                            : MANA_TX_OOB_LONG_BYTES,
                                            t->header_bytes ? 2 : 1),
            .oob0 = t->oob0,
            .transport_offset = t->transport_offset,
            .header_bytes = t->header_bytes,
            .mss = t->mss,
            .is_resent = t->flags & MANA_DRV_SAVED_TX_RESENT,
        };
        used += gap + need;
        wqe_bytes += txq->slots[i].wqe_bytes;
        next = t->at + need == pool_bytes ? 0 : t->at + need;
    }
    txq->first = 0;
    txq->pool_head = next;
    txq->pool_used = used;
    txq->done_bytes = txq->wq.head_bytes - wqe_bytes;
    /* last: until then there is nothing to be counted as lost */
    txq->count = s->tx_count;
    return wqe_bytes <= MANA_DRV_SQ_BYTES &&
           txq->wq.head_bytes - txq->wq.told_bytes <= wqe_bytes;
}

static bool mana_drv_load_pair(ManaDrv *d, ManaDrvPort *p, unsigned int q,
                               const ManaDrvSavedPair *s)
{
    ManaDrvTxq *txq = &p->txq[q];
    ManaDrvRxq *rxq = &p->rxq[q];

    txq->slots = g_new0(ManaDrvTxSlot, MANA_DRV_TX_SLOTS);
    txq->is_full = s->flags & MANA_DRV_SAVED_TX_FULL;
    txq->is_armed = s->flags & MANA_DRV_SAVED_TX_ARMED;
    rxq->is_held = s->flags & MANA_DRV_SAVED_RX_HELD;
    rxq->stride = mana_drv_rx_stride(d, p);
    /* all buffers are posted, always: the oldest follows from the newest */
    rxq->first = s->rq.head / MANA_DRV_RQE_BYTES - MANA_DRV_RX_SLOTS;
    return !(s->flags & ~MANA_DRV_SAVED_PAIR_FLAGS) &&
           mana_drv_load_eq(d, &s->eq, d->db_page, mana_drv_port_vector(d, q),
                            &p->eq[q]) &&
           mana_drv_load_wq(d, &s->sq, MANA_DRV_SQ_BYTES, d->db_page, false,
                            &txq->wq) &&
           mana_drv_load_cq(d, &s->sq_cq, MANA_DRV_TX_CQ_BYTES, d->db_page,
                            &txq->cq) &&
           mana_drv_load_wq(d, &s->rq, MANA_DRV_RQ_BYTES, d->db_page, true,
                            &rxq->wq) &&
           mana_drv_load_cq(d, &s->rq_cq, MANA_DRV_RX_CQ_BYTES, d->db_page,
                            &rxq->cq) &&
           mana_drv_load_memory(d, &s->tx_pool, mana_drv_tx_pool_bytes(p),
                                &txq->pool) &&
           mana_drv_load_memory(d, &s->rx_pool,
                                MANA_DRV_RX_SLOTS * rxq->stride,
                                &rxq->pool) &&
           mana_drv_load_tx(p, txq, s);
}

static bool mana_drv_load_port(ManaDrv *d, const ManaDrvSavedPort *s)
{
    ManaDrvPort *p = &d->port[s->vport];

    if (s->flags & ~MANA_DRV_SAVED_PORT_FLAGS || !s->pair_count ||
        s->pair_count > MIN(p->want_queues, MANA_DRV_MAX_QUEUES) ||
        !is_power_of_2(s->max_indirection) ||
        s->max_indirection > MANA_MAX_INDIRECTION || s->mac[0] & 1 ||
        s->tx_offset >> R_MANA_TX_OOB3_VPORT_OFFSET_LENGTH) {
        return false;
    }
    p->short_form = s->flags & MANA_DRV_SAVED_SHORT_FORM;
    if (p->short_form && s->tx_offset > MANA_SHORT_VPORT_OFFSET_MAX) {
        return false;
    }
    p->rss_on = s->flags & MANA_DRV_SAVED_RSS;
    p->rx_dirty = s->flags & MANA_DRV_SAVED_RX_DIRTY;
    p->filter = s->flags & MANA_DRV_SAVED_FILTER;
    p->handle = s->handle;
    p->serial = s->serial;
    p->max_indirection = s->max_indirection;
    p->tx_offset = s->tx_offset;
    memcpy(p->mac, s->mac, sizeof(p->mac));
    memcpy(p->rss_key, s->rss_key, sizeof(p->rss_key));
    memcpy(p->rss_table, s->rss_table, sizeof(p->rss_table));
    memcpy(&p->stats, s->stats, sizeof(p->stats));
    p->queues = s->pair_count;
    p->has_memory = true;
    for (unsigned int q = 0; q < p->queues; q++) {
        if (!mana_drv_load_pair(d, p, q, &s->pair[q])) {
            return false;
        }
    }
    return true;
}

/* Each port that the owner has must be there, once, and no other */
static bool mana_drv_saved_ports_ok(const ManaDrv *d, const ManaDrvSaved *s)
{
    uint32_t seen = 0, wanted = 0;

    if (s->port_count > MANA_DRV_MAX_PORTS) {
        return false;
    }
    for (uint32_t i = 0; i < s->port_count; i++) {
        uint32_t vport = s->port[i].vport;

        if (vport >= MANA_DRV_MAX_PORTS || seen >> vport & 1) {
            return false;
        }
        seen |= 1u << vport;
    }
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        wanted |= (uint32_t)d->port[i].is_wanted << i;
    }
    return seen == wanted;
}

/* The adapter as a whole, without its queues */
static bool mana_drv_load_adapter(ManaDrv *d, const ManaDrvSaved *s)
{
    if (s->flags & ~MANA_DRV_SAVED_FLAGS || !mana_drv_read_regs(d) ||
        !mana_drv_db_page_ok(d, s->db_page) || !s->vector_count ||
        s->vector_count > d->ops->vector_count(d->fn) || !s->max_vports ||
        !s->max_queues || s->max_frame_bytes <= MANA_ETH_HEADER_BYTES ||
        s->max_frame_bytes > UINT16_MAX ||
        s->hwc_timeout_ms < MANA_DRV_MIN_HWC_TIMEOUT_MS ||
        s->hwc_timeout_ms > MANA_DRV_MAX_HWC_TIMEOUT_MS ||
        !mana_drv_step_ok(s->step, s->flags & MANA_DRV_SAVED_BUSY) ||
        s->step_port >= MANA_DRV_MAX_PORTS ||
        (s->flags & MANA_DRV_SAVED_BUSY &&
         !d->port[s->step_port].is_wanted)) {
        return false;
    }
    d->link_is_down = s->flags & MANA_DRV_SAVED_LINK_DOWN;
    d->resets = s->resets;
    d->pf_caps = s->pf_caps;
    d->vector_count = s->vector_count;
    d->pdid = s->pdid;
    d->mkey = s->mkey;
    d->db_page = s->db_page;
    d->max_vports = s->max_vports;
    d->max_frame_bytes = s->max_frame_bytes;
    d->max_queues = s->max_queues;
    d->hwc_timeout_ms = s->hwc_timeout_ms;
    d->step = s->step;
    d->step_port = s->step_port;
    return true;
}

static const char *mana_drv_load_all(ManaDrv *d, const ManaDrvSaved *s)
{
    if (!mana_drv_saved_ports_ok(d, s)) {
        return "other ports than the cards have";
    }
    if (!mana_drv_load_adapter(d, s)) {
        return "bad state of the adapter";
    }
    if (!mana_drv_load_hwc(d, s)) {
        return "bad hardware channel";
    }
    for (uint32_t i = 0; i < s->port_count; i++) {
        if (!mana_drv_load_port(d, &s->port[i])) {
            return "bad queues of a port";
        }
    }
    return NULL;
}

const char *mana_drv_load(ManaDrv *d, const ManaDrvSaved *s)
{
    bool link_is_down = d->link_is_down;
    const char *why;

    mana_drv_loaded(d);
    d->is_paused = true;
    why = mana_drv_load_all(d, s);
    if (why) {
        d->link_is_down = link_is_down;
        mana_drv_free_memory(d);
        mana_drv_loaded(d);
        return why;
    }
    for (uint32_t i = 0; i < s->port_count; i++) {
        d->port[s->port[i].vport].is_up = true;
    }
    d->adapter_up = true;
    d->attempts = 0;
    d->needs_flush = true;
    d->is_restored = true;
    mana_drv_set_state(d, MANA_DRV_RUNNING, NULL);
    return NULL;
}
