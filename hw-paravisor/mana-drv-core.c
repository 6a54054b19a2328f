/*
 * MANA driver of VTL2: its life, from start to removal, and interrupts
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-drv-state-core.h"

/* Failures after so long a good time do not add up */
#define MANA_DRV_CALM_MS        5000

static bool mana_drv_is_live(const ManaDrv *d)
{
    return d->state == MANA_DRV_STARTING || d->state == MANA_DRV_RUNNING;
}

void mana_drv_set_state(ManaDrv *d, ManaDrvState state, const char *why)
{
    if (d->state != state) {
        d->state = state;
        d->state_ns = d->ops->now_ns(d->fn);
        d->owner_ops->state_changed(d->owner, state, why);
    }
}

static int64_t mana_drv_watchdog_ns(const ManaDrv *d)
{
    int64_t at = INT64_MAX;

    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        const ManaDrvPort *p = &d->port[i];

        for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
            if (p->txq[q].count) {
                at = MIN(at, p->txq[q].progress_ns +
                         MANA_DRV_TX_TIMEOUT_MS * MANA_DRV_MS);
            }
        }
    }
    return at;
}

void mana_drv_update_timer(ManaDrv *d)
{
    int64_t at = d->restart_ns;

    if (d->is_removed || d->is_paused) {
        return;
    }
    if (mana_drv_is_live(d)) {
        at = MIN(d->deadline_ns, mana_drv_watchdog_ns(d));
    }
    if (at != d->timer_ns) {
        d->timer_ns = at;
        d->ops->set_timer(d->fn, at);
    }
}

/* The queues are not the adapter's any more, or soon will not be */
static void mana_drv_forget(ManaDrv *d)
{
    d->hwc.is_up = false;
    d->hwc.is_busy = false;
    d->hwc.has_eq_id = false;
    d->hwc.eq.is_there = false;
    d->awaits_shm = false;
    d->adapter_up = false;
    d->deadline_ns = INT64_MAX;
    d->restart_ns = INT64_MAX;
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvPort *p = &d->port[i];

        for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
            mana_drv_tx_settle(p, q);
        }
        p->is_up = false;
    }
}

static void mana_drv_tell_ports(ManaDrv *d)
{
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (d->port[i].is_wanted) {
            d->owner_ops->port_changed(d->owner, i);
        }
    }
}

void mana_drv_fail(ManaDrv *d, const char *why)
{
    int64_t now = d->ops->now_ns(d->fn);

    if (!mana_drv_is_live(d)) {
        return;
    }
    d->error = why;
    mana_drv_forget(d);
    if (d->state == MANA_DRV_RUNNING &&
        now - d->state_ns > MANA_DRV_CALM_MS * MANA_DRV_MS) {
        d->attempts = 0;
    }
    d->restart_ns = now;
    if (d->attempts == MANA_DRV_MAX_ATTEMPTS) {
        for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
            mana_drv_port_drop(&d->port[i]);
        }
        mana_drv_set_state(d, MANA_DRV_FAILED, why);
        mana_drv_tell_ports(d);
    } else {
        d->restart_ns += (MANA_DRV_FIRST_DELAY_MS << d->attempts) * MANA_DRV_MS;
        d->attempts++;
        mana_drv_set_state(d, MANA_DRV_RESETTING, why);
    }
    mana_drv_update_timer(d);
}

static void mana_drv_begin(ManaDrv *d)
{
    mana_drv_forget(d);
    d->ops->function_reset(d->fn);
    d->step = MANA_DRV_STEP_VERSION;
    d->pf_caps = 0;
    d->hwc_timeout_ms = MANA_DRV_HWC_TIMEOUT_MS;
    mana_drv_set_state(d, MANA_DRV_STARTING, NULL);
    if (!d->has_memory && !mana_drv_hwc_alloc(d)) {
        mana_drv_hwc_free(d);
        mana_drv_fail(d, "VTL2 has too little memory");
    } else if (!mana_drv_hwc_establish(d)) {
        mana_drv_fail(d, "the adapter's registers make no sense");
    }
    mana_drv_update_timer(d);
}

void mana_drv_start(ManaDrv *d)
{
    if (!d->is_removed) {
        d->attempts = 0;
        mana_drv_begin(d);
    }
}

void mana_drv_stop(ManaDrv *d)
{
    mana_drv_forget(d);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        mana_drv_port_drop(&d->port[i]);
    }
    mana_drv_set_state(d, MANA_DRV_OFF, NULL);
    mana_drv_update_timer(d);
}

/* --- interrupts --- */

static void mana_drv_tx_event(ManaDrv *d, ManaDrvPort *p, unsigned int queue)
{
    ManaDrvTxq *txq = &p->txq[queue];

    txq->is_armed = false;
    mana_drv_tx_poll(d, p, queue);
    if (p->is_up && txq->is_full) {
        txq->is_full = false;
        d->owner_ops->tx_ready(d->owner, mana_drv_port_idx(d, p), queue);
    }
}

/* Events of an EQ of port @p, or of the hardware channel without one */
static void mana_drv_serve_eq(ManaDrv *d, ManaDrvEq *eq, ManaDrvPort *p,
                              unsigned int queue)
{
    ManaDrvTaken taken = MANA_DRV_NOTHING;
    GdmaEqeWire eqe;

    for (int i = 0; i < MANA_DRV_EQ_BYTES / GDMA_EQE_BYTES; i++) {
        uint32_t type, data;

        taken = mana_drv_eq_take(eq, &eqe);
        if (taken != MANA_DRV_TAKEN) {
            break;
        }
        type = FIELD_EX32(le32_to_cpu(eqe.info), GDMA_EQE_INFO, TYPE);
        data = le32_to_cpu(eqe.details[0]);
        if (type != GDMA_EQE_COMPLETION) {
            if (!p) {
                mana_drv_hwc_event(d, type, data);
            }
        } else if (!p) {
            mana_drv_hwc_poll(d);
        } else if (data == p->txq[queue].cq.id) {
            mana_drv_tx_event(d, p, queue);
        } else if (data == p->rxq[queue].cq.id) {
            mana_drv_rx_poll(d, p, queue);
        }
        if (!mana_drv_is_live(d)) {
            return;
        }
    }
    if (taken == MANA_DRV_OVERRUN) {
        mana_drv_fail(d, "events overran");
    } else if (eq->is_there) {
        mana_drv_eq_arm(d, eq);
    }
}

void mana_drv_interrupt(ManaDrv *d, unsigned int vector)
{
    if (mana_drv_is_live(d) && vector == MANA_DRV_HWC_VECTOR) {
        mana_drv_serve_eq(d, &d->hwc.eq, NULL, 0);
    }
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvPort *p = &d->port[i];

        for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
            if (p->eq[q].vector == vector) {
                mana_drv_serve_eq(d, &p->eq[q], p, q);
            }
        }
    }
    mana_drv_flush(d);
    mana_drv_update_timer(d);
}

void mana_drv_flush(ManaDrv *d)
{
    if (!d->needs_flush || d->is_paused) {
        return;
    }
    d->needs_flush = false;
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvPort *p = &d->port[i];

        for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
            mana_drv_wq_ring(d, &p->txq[q].wq);
        }
    }
}

void mana_drv_poll(ManaDrv *d)
{
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvPort *p = &d->port[i];

        for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
            mana_drv_rx_poll(d, p, q);
        }
    }
    mana_drv_flush(d);
    mana_drv_update_timer(d);
}

/* --- time --- */

/* An interrupt may be late: what has come counts */
static void mana_drv_hwc_late(ManaDrv *d, int64_t now)
{
    mana_drv_serve_eq(d, &d->hwc.eq, NULL, 0);
    if (mana_drv_is_live(d) && now >= d->deadline_ns) {
        mana_drv_fail(d, d->hwc.is_up ? "a request has no answer"
                                      : "the hardware channel does not come up");
    }
}

static void mana_drv_watchdog(ManaDrv *d, int64_t now)
{
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvPort *p = &d->port[i];

        for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
            if (mana_drv_tx_is_stuck(&p->txq[q], now)) {
                mana_drv_tx_poll(d, p, q);
                if (mana_drv_tx_is_stuck(&p->txq[q], now)) {
                    mana_drv_fail(d, "a send queue stands still");
                }
            }
        }
    }
}

void mana_drv_timer(ManaDrv *d)
{
    int64_t now = d->ops->now_ns(d->fn);

    d->timer_ns = INT64_MAX;
    if (!mana_drv_is_live(d)) {
        if (now >= d->restart_ns) {
            d->restart_ns = INT64_MAX;
            if (d->state == MANA_DRV_RESETTING) {
                d->resets++;
                mana_drv_begin(d);
            } else if (d->state == MANA_DRV_FAILED) {
                d->ops->function_reset(d->fn);
            }
        }
    } else if (now >= d->deadline_ns) {
        if (d->awaits_shm) {
            mana_drv_shm_poll(d);
        } else {
            mana_drv_hwc_late(d, now);
        }
    }
    mana_drv_watchdog(d, now);
    mana_drv_update_timer(d);
}

/* --- begin and end --- */

ManaDrv *mana_drv_new(const Vtl2Ops *ops, void *fn, const ManaDrvOps *owner_ops,
                      void *owner)
{
    ManaDrv *d = g_new0(ManaDrv, 1);

    d->ops = ops;
    d->fn = fn;
    d->owner_ops = owner_ops;
    d->owner = owner;
    d->timer_ns = INT64_MAX;
    mana_drv_forget(d);
    return d;
}

void mana_drv_free_memory(ManaDrv *d)
{
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        mana_drv_port_free(d, &d->port[i]);
    }
    mana_drv_hwc_free(d);
}

void mana_drv_free(ManaDrv *d)
{
    if (!d->is_removed) {
        mana_drv_stop(d);
        d->ops->function_reset(d->fn);
        mana_drv_free_memory(d);
    }
    g_free(d);
}

void mana_drv_removed(ManaDrv *d)
{
    mana_drv_stop(d);
    mana_drv_free_memory(d);
    d->is_removed = true;
    mana_drv_tell_ports(d);
}

void mana_drv_loaded(ManaDrv *d)
{
    mana_drv_stop(d);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        mana_drv_port_forget_memory(&d->port[i]);
    }
    mana_drv_hwc_forget_memory(d);
    d->memory_bytes = 0;
    d->is_restored = false;
}

void mana_drv_pause(ManaDrv *d)
{
    d->is_paused = true;
}

/* What the adapter may have missed, and what it has not told */
static void mana_drv_ring_all(ManaDrv *d)
{
    int64_t now = d->ops->now_ns(d->fn);

    mana_drv_wq_ring_again(d, &d->hwc.rq);
    mana_drv_wq_ring_again(d, &d->hwc.sq);
    mana_drv_cq_ring(d, &d->hwc.cq, true);
    mana_drv_eq_arm(d, &d->hwc.eq);
    d->deadline_ns = d->hwc.is_busy ? now + d->hwc_timeout_ms * MANA_DRV_MS
                                    : INT64_MAX;
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvPort *p = &d->port[i];

        for (unsigned int q = 0; q < p->queues && p->is_up; q++) {
            p->txq[q].progress_ns = now;
            mana_drv_wq_ring_again(d, &p->rxq[q].wq);
            mana_drv_wq_ring_again(d, &p->txq[q].wq);
            mana_drv_cq_ring(d, &p->txq[q].cq, p->txq[q].is_armed);
            mana_drv_cq_ring(d, &p->rxq[q].cq, !p->rxq[q].is_held);
            mana_drv_eq_arm(d, &p->eq[q]);
        }
    }
}

void mana_drv_resume(ManaDrv *d)
{
    bool is_restored = d->is_restored && d->state == MANA_DRV_RUNNING;

    d->is_paused = false;
    d->is_restored = false;
    if (is_restored) {
        mana_drv_ring_all(d);
        d->timer_ns = 0;                /* the function's is the stream's */
        /* a card whose state came first was told of no move */
        for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
            mana_drv_set_filter(d, i, d->port[i].filter_wanted);
        }
    }
    mana_drv_next(d);
    mana_drv_flush(d);
    mana_drv_update_timer(d);
}

void mana_drv_port_remove(ManaDrv *d, unsigned int vport)
{
    ManaDrvPort *p = &d->port[vport];
    bool was_live = mana_drv_is_live(d) || d->state == MANA_DRV_RESETTING;
    /* a request under way may be the first one for the port */
    bool is_coming = d->hwc.is_busy && d->step_port == vport;

    p->is_wanted = false;
    if (d->is_removed || (!p->has_memory && !is_coming)) {
        return;
    }
    /* the queues of the other ports go with the reset, and come back */
    mana_drv_forget(d);
    d->ops->function_reset(d->fn);
    mana_drv_port_free(d, p);
    p->queues = 0;
    if (was_live) {
        mana_drv_begin(d);
    }
}

ManaDrvState mana_drv_state(const ManaDrv *d)
{
    return d->state;
}

unsigned int mana_drv_resets(const ManaDrv *d)
{
    return d->resets;
}

const char *mana_drv_error(const ManaDrv *d)
{
    return d->error;
}

size_t mana_drv_memory(const ManaDrv *d)
{
    return d->memory_bytes;
}
