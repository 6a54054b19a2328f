/*
 * MANA driver of VTL2: a port's memory and queues
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-drv-state-core.h"

uint32_t mana_drv_rx_stride(const ManaDrv *d, const ManaDrvPort *p)
{
    uint32_t frame = MIN(d->max_frame_bytes, p->mtu + MANA_ETH_HEADER_BYTES);

    return ROUND_UP(MANA_DRV_RX_HEADROOM + frame, 64);
}

uint32_t mana_drv_tx_pool_bytes(const ManaDrvPort *p)
{
    uint32_t bytes = MAX(MANA_DRV_TX_PORT_BYTES / p->queues,
                         MANA_DRV_TX_MIN_BYTES);

    return bytes & -(uint32_t)VTL2_PAGE_BYTES;
}

unsigned int mana_drv_port_vector(const ManaDrv *d, unsigned int queue)
{
    return d->vector_count > 1 ? 1 + queue % (d->vector_count - 1)
                               : MANA_DRV_HWC_VECTOR;
}

static bool mana_drv_txq_alloc(ManaDrv *d, ManaDrvPort *p, ManaDrvTxq *txq)
{
    txq->slots = g_new0(ManaDrvTxSlot, MANA_DRV_TX_SLOTS);
    return mana_drv_alloc(d, MANA_DRV_SQ_BYTES, &txq->wq.ring) &&
           mana_drv_alloc(d, MANA_DRV_TX_CQ_BYTES, &txq->cq.ring) &&
           mana_drv_alloc(d, mana_drv_tx_pool_bytes(p), &txq->pool);
}

static bool mana_drv_rxq_alloc(ManaDrv *d, ManaDrvPort *p, ManaDrvRxq *rxq)
{
    rxq->stride = mana_drv_rx_stride(d, p);
    return mana_drv_alloc(d, MANA_DRV_RQ_BYTES, &rxq->wq.ring) &&
           mana_drv_alloc(d, MANA_DRV_RX_CQ_BYTES, &rxq->cq.ring) &&
           mana_drv_alloc(d, MANA_DRV_RX_SLOTS * rxq->stride, &rxq->pool);
}

bool mana_drv_port_alloc(ManaDrv *d, ManaDrvPort *p)
{
    bool ok = true;

    for (unsigned int q = 0; q < p->queues && ok; q++) {
        ok = mana_drv_alloc(d, MANA_DRV_EQ_BYTES, &p->eq[q].ring) &&
             mana_drv_txq_alloc(d, p, &p->txq[q]) &&
             mana_drv_rxq_alloc(d, p, &p->rxq[q]);
    }
    p->has_memory = ok;
    return ok;
}

void mana_drv_port_free(ManaDrv *d, ManaDrvPort *p)
{
    for (unsigned int q = 0; q < p->queues; q++) {
        ManaDrvTxq *txq = &p->txq[q];
        ManaDrvRxq *rxq = &p->rxq[q];

        mana_drv_dealloc(d, &p->eq[q].ring);
        mana_drv_dealloc(d, &txq->wq.ring);
        mana_drv_dealloc(d, &txq->cq.ring);
        mana_drv_dealloc(d, &txq->pool);
        mana_drv_dealloc(d, &rxq->wq.ring);
        mana_drv_dealloc(d, &rxq->cq.ring);
        mana_drv_dealloc(d, &rxq->pool);
        g_clear_pointer(&txq->slots, g_free);
        p->stats.tx_errors += txq->count;
        txq->first = 0;
        txq->count = 0;
        txq->pool_head = 0;
        txq->pool_used = 0;
    }
    p->has_memory = false;
}

void mana_drv_port_forget_memory(ManaDrvPort *p)
{
    Vtl2Dma none = { };

    for (unsigned int q = 0; q < p->queues; q++) {
        g_clear_pointer(&p->txq[q].slots, g_free);
        p->eq[q].ring = p->txq[q].wq.ring = p->txq[q].cq.ring = none;
        p->txq[q].pool = p->rxq[q].wq.ring = p->rxq[q].cq.ring = none;
        p->rxq[q].pool = none;
        /* so has the owner forgotten */
        p->rxq[q].is_held = false;
    }
    p->has_memory = false;
}

void mana_drv_port_prepare(ManaDrv *d, ManaDrvPort *p)
{
    for (unsigned int q = 0; q < p->queues; q++) {
        mana_drv_eq_init(&p->eq[q], mana_drv_port_vector(d, q));
        mana_drv_wq_init(&p->txq[q].wq, MANA_DRV_SQ_BYTES, false);
        mana_drv_cq_init(&p->txq[q].cq, MANA_DRV_TX_CQ_BYTES);
        mana_drv_wq_init(&p->rxq[q].wq, MANA_DRV_RQ_BYTES, true);
        mana_drv_cq_init(&p->rxq[q].cq, MANA_DRV_RX_CQ_BYTES);
        p->rxq[q].first = 0;
    }
}

void mana_drv_port_begin(ManaDrv *d, ManaDrvPort *p)
{
    /* the adapter has forgotten them */
    p->filter = false;
    p->serial = 0;
    for (unsigned int q = 0; q < p->queues; q++) {
        ManaDrvTxq *txq = &p->txq[q];

        mana_drv_tx_resend(d, p, txq);
        txq->is_armed = true;
        mana_drv_cq_ring(d, &txq->cq, true);
        if (!p->rxq[q].is_held) {
            mana_drv_cq_ring(d, &p->rxq[q].cq, true);
        }
        txq->is_full = false;
    }
    /* the owner may send on any queue at once: not before all are as they are */
    for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
        d->owner_ops->tx_ready(d->owner, mana_drv_port_idx(d, p), q);
    }
}

void mana_drv_port_drop(ManaDrvPort *p)
{
    for (unsigned int q = 0; q < p->queues; q++) {
        ManaDrvTxq *txq = &p->txq[q];

        p->stats.tx_errors += txq->count;
        txq->first = 0;
        txq->count = 0;
        txq->pool_head = 0;
        txq->pool_used = 0;
    }
}

bool mana_drv_port_add(ManaDrv *d, unsigned int vport, unsigned int queues,
                       unsigned int mtu)
{
    ManaDrvPort *p = &d->port[vport];

    if (p->is_wanted) {
        return false;
    }
    memset(p, 0, sizeof(*p));
    p->is_wanted = true;
    p->want_queues = queues;
    p->mtu = mtu;
    if (d->state == MANA_DRV_RUNNING) {
        mana_drv_set_state(d, MANA_DRV_STARTING, NULL);
        mana_drv_next(d);
    }
    mana_drv_update_timer(d);
    return true;
}

void mana_drv_set_rss(ManaDrv *d, unsigned int port, bool is_on,
                      const uint8_t key[MANA_HASH_KEY_BYTES],
                      const uint8_t *table, unsigned int count)
{
    ManaDrvPort *p = &d->port[port];
    uint8_t spread[MANA_DRV_RSS_ENTRIES] = { 0 };

    is_on = is_on && count;
    for (unsigned int i = 0; is_on && i < MANA_DRV_RSS_ENTRIES; i++) {
        spread[i] = table[i % count];
    }
    /* nothing new is no request: the card tells it again after a load */
    if (is_on == p->rss_on &&
        (!is_on || (!memcmp(p->rss_key, key, sizeof(p->rss_key)) &&
                    !memcmp(p->rss_table, spread, sizeof(spread))))) {
        return;
    }
    p->rss_on = is_on;
    if (is_on) {
        memcpy(p->rss_key, key, sizeof(p->rss_key));
        memcpy(p->rss_table, spread, sizeof(spread));
    }
    p->rx_dirty = true;
    if (d->adapter_up) {
        mana_drv_next(d);
        mana_drv_update_timer(d);
    }
}

void mana_drv_set_filter(ManaDrv *d, unsigned int port, bool to_vtl0)
{
    ManaDrvPort *p = &d->port[port];
    bool is_moving = d->hwc.is_busy && d->step == MANA_DRV_STEP_SET_FILTER &&
                     d->step_port == port;

    p->filter_wanted = to_vtl0;
    if (d->adapter_up && p->filter != to_vtl0) {
        mana_drv_next(d);
        mana_drv_update_timer(d);
    } else if (p->is_up && !is_moving) {
        d->owner_ops->filter_moved(d->owner, port, to_vtl0);
    }
}

void mana_drv_set_serial(ManaDrv *d, unsigned int port, uint32_t serial)
{
    d->port[port].serial_wanted = serial;
    if (d->adapter_up) {
        mana_drv_next(d);
        mana_drv_update_timer(d);
    }
}

/* --- what the owner can ask --- */

bool mana_drv_port_is_up(const ManaDrv *d, unsigned int port)
{
    return d->port[port].is_up;
}

bool mana_drv_port_link(const ManaDrv *d, unsigned int port)
{
    return !d->link_is_down && !d->is_removed && d->state != MANA_DRV_FAILED;
}

unsigned int mana_drv_port_queues(const ManaDrv *d, unsigned int port)
{
    return d->port[port].queues;
}

bool mana_drv_rx_is_held(const ManaDrv *d, unsigned int port,
                         unsigned int queue)
{
    return queue < d->port[port].queues && d->port[port].rxq[queue].is_held;
}

const uint8_t *mana_drv_port_mac(const ManaDrv *d, unsigned int port)
{
    return d->port[port].mac;
}

bool mana_drv_port_filter(const ManaDrv *d, unsigned int port)
{
    return d->port[port].filter;
}

const ManaDrvStats *mana_drv_port_stats(const ManaDrv *d, unsigned int port)
{
    return &d->port[port].stats;
}
