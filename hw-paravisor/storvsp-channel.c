/*
 * hv-scsi: packets of a channel, and what the main loop does for it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/defer-call.h"
#include "block/aio-wait.h"
#include "system/replay.h"
#include "storvsp-internal.h"

static bool storvsp_is_paused(HvScsi *s)
{
    return qatomic_read(&s->is_stopped) || qatomic_read(&s->is_drained);
}

/* Show the guest what was sent since the last flush */
static void storvsp_flush(StorvspChannel *ch)
{
    if (ch->needs_flush) {
        ch->needs_flush = false;
        ch->is_urgent = false;
        timer_del(ch->hold_timer);
        storvsp_hold_flushed(&ch->hold);
        hvbus_send_flush(ch->chan);
    }
}

static void storvsp_flush_bh(void *opaque)
{
    StorvspChannel *ch = opaque;

    if (qatomic_read(&ch->is_open)) {
        storvsp_flush(ch);
    }
}

static void storvsp_hold_start_timer(StorvspChannel *ch)
{
    timer_mod(ch->hold_timer,
              qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + STORVSP_HOLD_NS);
}

static void storvsp_hold_timeout(void *opaque)
{
    StorvspChannel *ch = opaque;
    uint8_t held = ch->hold.held, target = ch->hold.target;

    if (!qatomic_read(&ch->is_open)) {
        return;
    }
    if (!storvsp_hold_look(&ch->hold, hvbus_channel_vp_is_idle(ch->chan))) {
        storvsp_hold_start_timer(ch);
        return;
    }
    trace_storvsp_hold_over(ch->idx, held, target);
    storvsp_flush(ch);
}

/* True if what was sent is left to others or to the timer */
static bool storvsp_hold(StorvspChannel *ch)
{
    /* how far the guest is now differs from one replay to the next */
    if (replay_mode != REPLAY_MODE_NONE ||
        qatomic_read(&ch->s->is_stopped) ||
        storvsp_hold_completion(&ch->hold,
                                hvbus_channel_vp_is_idle(ch->chan))) {
        return false;
    }
    if (!timer_pending(ch->hold_timer)) {
        storvsp_hold_start_timer(ch);
    }
    return true;
}

void storvsp_reply(StorvspChannel *ch, uint64_t trans_id,
                   const StorvspPacketWire *msg)
{
    StorvspDone *d;

    if (!qatomic_read(&ch->is_open)) {
        return;
    }
    if (QTAILQ_EMPTY(&ch->done) &&
        hvbus_send_completion(ch->chan, trans_id, msg, sizeof(*msg))) {
        ch->needs_flush = true;
        return;
    }
    trace_storvsp_ring_full(ch->idx, trans_id, ch->done_count);
    d = g_new(StorvspDone, 1);
    d->trans_id = trans_id;
    d->msg = *msg;
    QTAILQ_INSERT_TAIL(&ch->done, d, next);
    ch->done_count++;
}

void storvsp_request_over(StorvspChannel *ch)
{
    if (!qatomic_read(&ch->is_open)) {
        aio_wait_kick();                /* storvsp_channel_detach() */
        return;
    }
    if (ch->in_notify) {
        ch->is_urgent = true;
        return;
    }
    if (ch->is_full &&
        ch->inflight_count + ch->done_count <= STORVSP_MAX_OUTSTANDING / 2) {
        hvbus_channel_kick(ch->chan);
    }
    if (!ch->needs_flush || storvsp_hold(ch)) {
        return;
    }
    /*
     * One interrupt for all that complete in this round of the event loop; but
     * a guest that waits for this one alone gets it at once.
     */
    if (ch->inflight_count == 0 || qatomic_read(&ch->s->is_stopped)) {
        storvsp_flush(ch);
    } else {
        qemu_bh_schedule(ch->flush_bh);
    }
}

static void storvsp_forget_done(StorvspChannel *ch)
{
    StorvspDone *d;

    while ((d = QTAILQ_FIRST(&ch->done))) {
        QTAILQ_REMOVE(&ch->done, d, next);
        g_free(d);
    }
    ch->done_count = 0;
}

/* Send what waits for room.  False if it still does */
static bool storvsp_send_queued(StorvspChannel *ch)
{
    HvScsi *s = ch->s;
    StorvspPacketWire msg;
    StorvspDone *d;

    while ((d = QTAILQ_FIRST(&ch->done))) {
        if (!hvbus_send_completion(ch->chan, d->trans_id, &d->msg,
                                   sizeof(d->msg))) {
            return false;
        }
        ch->needs_flush = ch->is_urgent = true;
        QTAILQ_REMOVE(&ch->done, d, next);
        ch->done_count--;
        g_free(d);
    }
    if (qatomic_load_acquire(&ch->ctl.state) == STORVSP_CTL_DONE) {
        trace_storvsp_control_done(ch->idx, ch->ctl.trans_id, ch->ctl.status);
        if (ch->ctl.wants_completion) {
            storvsp_build_reply(&msg, ch->ctl.status);
            storvsp_reply(ch, ch->ctl.trans_id, &msg);
            ch->is_urgent = true;
        }
        qatomic_set(&ch->ctl.state, STORVSP_CTL_NONE);
    }
    if (ch->idx == 0 && s->core.state == STORVSP_READY &&
        qatomic_read(&s->has_srb) &&
        qatomic_xchg(&s->rescan_pending, false)) {
        storvsp_build_rescan(&msg);
        if (!hvbus_send(ch->chan, HVBUS_PKT_INBAND, 0,
                        HVBUS_TRANS_ID_UNSOLICITED, NULL, 0, &msg,
                        sizeof(msg))) {
            qatomic_set(&s->rescan_pending, true);
            return false;
        }
        trace_storvsp_rescan_sent(ch->idx);
        ch->needs_flush = ch->is_urgent = true;
    }
    return true;
}

/* Leave @v to the main loop; the channel receives again when it is answered */
static void storvsp_defer_control(StorvspChannel *ch, const StorvspVerdict *v,
                                  const HvbusPacket *pkt)
{
    ch->ctl = (StorvspControl) {
        .state = STORVSP_CTL_NONE,
        .action = v->action,
        .wants_completion = pkt->wants_completion,
        .path = v->srb.path,
        .target = v->srb.target,
        .lun = v->srb.lun,
        .subchannel_count = v->subchannel_count,
        .trans_id = pkt->trans_id,
    };
    qatomic_store_release(&ch->ctl.state, STORVSP_CTL_PENDING);
    qemu_bh_schedule(ch->s->ctl_bh);
}

static void storvsp_handle_packet(StorvspChannel *ch, const HvbusPacket *pkt)
{
    StorvspVerdict v;

    if (pkt->type != HVBUS_PKT_INBAND && pkt->type != HVBUS_PKT_GPA_DIRECT) {
        storvsp_guest_error(ch, "packet of type %u", pkt->type);
        if (pkt->wants_completion) {
            storvsp_build_reply(&v.reply, STORVSP_STATUS_INVALID_PARAMETER);
            storvsp_reply(ch, pkt->trans_id, &v.reply);
            ch->is_urgent = true;
        }
        return;
    }
    storvsp_core_handle(&ch->s->core, ch->idx == 0, pkt->msg, pkt->msg_bytes,
                        &v);
    if (v.action == STORVSP_ACT_EXECUTE) {
        if (!qatomic_read(&ch->s->has_srb)) {
            qatomic_set(&ch->s->has_srb, true);
            qemu_bh_schedule(ch->s->ctl_bh);    /* for a rescan */
        }
        ch->srb_count++;
        storvsp_run_srb(ch, &v.srb, pkt);
        return;
    }
    trace_storvsp_control(ch->idx, pkt->trans_id, v.operation, v.status);
    if (v.status) {
        storvsp_guest_error(ch, "operation %u of %u bytes: status 0x%08x",
                            v.operation, pkt->msg_bytes, v.status);
    }
    if (v.action != STORVSP_ACT_REPLY) {
        storvsp_defer_control(ch, &v, pkt);
    } else if (pkt->wants_completion) {
        storvsp_reply(ch, pkt->trans_id, &v.reply);
        ch->is_urgent = true;
    }
}

static void storvsp_receive(StorvspChannel *ch)
{
    HvbusChannel *chan = ch->chan;      /* a close amid this clears it */
    int budget = STORVSP_RECV_BATCH;
    bool more = true;
    HvbusPacket pkt;

    hvbus_recv_begin(chan);
    while (budget--) {
        ch->is_full = ch->inflight_count + ch->done_count >=
                      STORVSP_MAX_OUTSTANDING;
        if (ch->is_full ||
            qatomic_read(&ch->ctl.state) != STORVSP_CTL_NONE ||
            !qatomic_read(&ch->is_open) || storvsp_is_paused(ch->s)) {
            more = false;               /* something else kicks us */
            break;
        }
        if (hvbus_recv(chan, &pkt) <= 0) {
            break;
        }
        storvsp_handle_packet(ch, &pkt);
    }
    if (hvbus_recv_end(chan) && more) {
        hvbus_channel_kick(chan);
    }
}

void storvsp_notify(HvbusDevice *dev, HvbusChannel *chan)
{
    StorvspChannel *ch = hvbus_channel_opaque(chan);

    if (!ch || !qatomic_read(&ch->is_open)) {
        return;
    }
    if (ch->in_notify) {
        ch->missed_notify = true;
        return;
    }
    if (storvsp_is_paused(ch->s)) {
        return;                         /* storvsp_kick_all() follows */
    }
    ch->in_notify = true;
    defer_call_begin();
    if (storvsp_send_queued(ch)) {
        storvsp_receive(ch);
    }
    defer_call_end();
    ch->in_notify = false;
    if (!qatomic_read(&ch->is_open)) {
        return;
    }
    if (ch->is_urgent) {
        storvsp_flush(ch);
    }
    if (ch->missed_notify) {
        ch->missed_notify = false;
        hvbus_channel_kick(chan);
    }
}

void storvsp_rescan(HvScsi *s)
{
    StorvspChannel *ch = &s->chans[0];

    if (ch->is_open && qatomic_read(&s->core.state) == STORVSP_READY) {
        qatomic_set(&s->rescan_pending, true);
        hvbus_channel_kick(ch->chan);
    }
}

void storvsp_kick_all(HvScsi *s)
{
    for (int i = 0; i < s->num_queues; i++) {
        if (s->chans[i].is_open) {
            hvbus_channel_kick(s->chans[i].chan);
        }
    }
}

void storvsp_settle(HvScsi *s)
{
    for (int i = 0; i < s->num_queues; i++) {
        StorvspChannel *ch = &s->chans[i];

        if (!ch->is_open) {
            continue;
        }
        if (ch->ctx == qemu_get_aio_context()) {
            storvsp_flush_bh(ch);
        } else {
            aio_wait_bh_oneshot(ch->ctx, storvsp_flush_bh, ch);
        }
    }
}

typedef struct StorvspLook {
    StorvspChannel *ch;
    bool is_at_rest;
    uint32_t srb_count;
} StorvspLook;

/* In the channel's context */
static void storvsp_look(void *opaque)
{
    StorvspLook *look = opaque;
    StorvspChannel *ch = look->ch;

    look->srb_count = ch->srb_count;
    look->is_at_rest = !ch->inflight_count && !ch->done_count &&
                       ch->ctl.state == STORVSP_CTL_NONE &&
                       hvbus_channel_is_drained(ch->chan);
}

bool storvsp_is_at_rest(HvScsi *s)
{
    bool is_at_rest = !qatomic_read(&s->rescan_pending);
    uint32_t srb_count = 0;

    for (int i = 0; i < s->num_queues; i++) {
        StorvspLook look = { .ch = &s->chans[i], .is_at_rest = true };

        if (!look.ch->is_open) {
            continue;
        }
        if (look.ch->ctx == qemu_get_aio_context()) {
            storvsp_look(&look);
        } else {
            aio_wait_bh_oneshot(look.ch->ctx, storvsp_look, &look);
        }
        is_at_rest = is_at_rest && look.is_at_rest;
        srb_count += look.srb_count;
    }
    is_at_rest = is_at_rest && srb_count == s->rest_srb_count;
    s->rest_srb_count = srb_count;
    return is_at_rest;
}

void storvsp_channel_init(HvScsi *s, uint16_t idx, AioContext *ctx)
{
    StorvspChannel *ch = &s->chans[idx];

    ch->s = s;
    ch->idx = idx;
    ch->ctx = ctx;
    QTAILQ_INIT(&ch->done);
    QTAILQ_INIT(&ch->inflight);
}

void storvsp_channel_attach(StorvspChannel *ch, HvbusChannel *chan)
{
    if (ch->flush_bh) {
        /* open before a migration stream came in on top */
        qemu_bh_delete(ch->flush_bh);
        timer_free(ch->hold_timer);
    }
    ch->chan = chan;
    ch->in_notify = false;
    ch->missed_notify = false;
    ch->is_full = false;
    ch->needs_flush = false;
    ch->is_urgent = false;
    storvsp_hold_init(&ch->hold);
    ch->hold_timer = aio_timer_new(ch->ctx, QEMU_CLOCK_VIRTUAL, SCALE_NS,
                                   storvsp_hold_timeout, ch);
    ch->flush_bh = aio_bh_new_guarded(ch->ctx, storvsp_flush_bh, ch,
                                      &DEVICE(ch->s)->mem_reentrancy_guard);
    hvbus_channel_set_opaque(chan, ch);
    hvbus_channel_set_aio_context(chan, ch->ctx);
    qatomic_set(&ch->is_open, true);
}

static void storvsp_cancel_bh(void *opaque)
{
    storvsp_cancel_all(opaque);
}

void storvsp_channel_detach(StorvspChannel *ch)
{
    if (!ch->is_open) {
        return;
    }
    qatomic_set(&ch->is_open, false);
    if (ch->ctx == qemu_get_aio_context()) {
        storvsp_cancel_all(ch);
    } else {
        /* also waits for a notify() that runs there */
        aio_wait_bh_oneshot(ch->ctx, storvsp_cancel_bh, ch);
    }
    AIO_WAIT_WHILE_UNLOCKED(NULL, qatomic_read(&ch->inflight_count) > 0);

    qemu_bh_delete(ch->flush_bh);
    ch->flush_bh = NULL;
    timer_free(ch->hold_timer);
    ch->hold_timer = NULL;
    hvbus_channel_set_opaque(ch->chan, NULL);
    ch->chan = NULL;
    ch->ctl.state = STORVSP_CTL_NONE;
    storvsp_forget_done(ch);
}
