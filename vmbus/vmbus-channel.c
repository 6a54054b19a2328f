/*
 * VMBus: channels, as devices use them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "block/aio-wait.h"
#include "system/replay.h"
#include "accel/hyperv/guest-access.h"
#include "vmbus-internal.h"
#include "trace.h"

#define HVBUS_DEFAULT_MAX_PACKET_BYTES  (16 * 1024)
/* Packets up to this size are put together before they go into the ring */
#define HVBUS_SMALL_PACKET_BYTES        256

/* A bottom half that an event handler may still be about to schedule */
typedef struct HvbusOldBh {
    struct rcu_head rcu;
    QEMUBH *bh;
} HvbusOldBh;

static void hvbus_old_bh_free(HvbusOldBh *old)
{
    qemu_bh_delete(old->bh);
    g_free(old);
}

static void hvbus_notify_bh(void *opaque)
{
    HvbusChannel *chan = opaque;

    /* scheduled before the channel got its context: the kick at open is later */
    if (qatomic_read(&chan->ctx) != qemu_get_current_aio_context()) {
        return;
    }
    qatomic_set(&chan->is_kicked, false);
    smp_mb();               /* a kick from now on schedules anew */
    /* while stopped nothing is received: the kick at resume makes up for it */
    if (qatomic_read(&chan->is_started) &&
        qatomic_read(&chan->bridge->vm_running)) {
        HVBUS_DEVICE_GET_CLASS(chan->dev)->notify(chan->dev, chan);
    }
}

static void hvbus_channel_new_bh(HvbusChannel *chan)
{
    chan->bh = aio_bh_new_guarded(chan->ctx, hvbus_notify_bh, chan,
                                  &DEVICE(chan->dev)->mem_reentrancy_guard);
}

void hvbus_channel_kick(HvbusChannel *chan)
{
    if (qatomic_xchg(&chan->is_kicked, true)) {
        return;
    }
    if (chan->ctx == qemu_get_aio_context()) {
        replay_bh_schedule_event(chan->bh);
    } else {
        qemu_bh_schedule(chan->bh);
    }
}

/* The guest signals: vCPU thread, no BQL, RCU read section */
static void hvbus_channel_signalled(void *opaque, uint16_t flag)
{
    HvbusChannel *chan = opaque;

    trace_hvbus_channel_signalled(chan->relid);
    if (qatomic_read(&chan->is_open)) {
        hvbus_channel_kick(chan);
    }
}

HvbusChannel *hvbus_channel_new(HvbusBridge *bridge, HvbusDevice *dev,
                                uint16_t idx)
{
    HvbusChannel *chan = g_new0(HvbusChannel, 1);

    chan->bridge = bridge;
    chan->dev = dev;
    object_ref(OBJECT(dev));
    chan->idx = idx;
    chan->ctx = qemu_get_aio_context();
    hvbus_channel_new_bh(chan);
    g_ptr_array_add(dev->channels, chan);
    return chan;
}

static void hvbus_channel_free(HvbusChannel *chan)
{
    qemu_bh_delete(chan->bh);
    object_unref(OBJECT(chan->dev));
    g_free(chan);
}

void hvbus_channel_detach(HvbusChannel *chan)
{
    if (chan->is_connected) {
        hv_partition_disconnect_event(chan->bridge->partition, HVBUS_VTL,
                                      HVBUS_EVENT_CONN_ID_BASE + chan->relid);
        chan->is_connected = false;
    }
}

void hvbus_channel_drop(HvbusChannel *chan)
{
    hvbus_channel_detach(chan);
    g_clear_pointer(&chan->event_timer, timer_free);
    chan->core = NULL;
    g_ptr_array_remove(chan->dev->channels, chan);
    call_rcu(chan, hvbus_channel_free, rcu);
}

bool hvbus_channel_attach(HvbusChannel *chan, HvbusCoreChannel *core)
{
    hvbus_channel_detach(chan);
    chan->core = core;
    chan->relid = core->relid;
    chan->is_connected = hv_partition_connect_event(
        chan->bridge->partition, HVBUS_VTL,
        HVBUS_EVENT_CONN_ID_BASE + chan->relid, hvbus_channel_signalled, chan);
    return chan->is_connected;
}

static void hvbus_nop_bh(void *opaque)
{
}

void hvbus_channel_quiesce(HvbusChannel *chan)
{
    if (chan->ctx != qemu_get_aio_context()) {
        aio_wait_bh_oneshot(chan->ctx, hvbus_nop_bh, NULL);
    }
}

static void hvbus_channel_fail(HvbusChannel *chan, const char *why)
{
    if (!qatomic_xchg(&chan->has_failed, true)) {
        trace_hvbus_channel_fail(chan->relid, why);
        qemu_log_mask(LOG_GUEST_ERROR, "hv-vmbus: channel %u failed: %s\n",
                      chan->relid, why);
    }
}

/* Map the rings; the indexes are as hvbus_ring_init() leaves them */
static bool hvbus_channel_map(HvbusChannel *chan)
{
    HvbusCoreChannel *core = chan->core;
    uint32_t split = core->downstream_page_idx;

    chan->map_generation = qatomic_read(&chan->bridge->map_generation);
    chan->map = hvbus_ring_map(chan->dev->as, core->ring);
    if (!chan->map) {
        return false;
    }
    hvbus_ring_init(&chan->in, chan->map, 0, split);
    hvbus_ring_init(&chan->out, chan->map, split,
                    core->ring->page_count - split);
    return true;
}

static void hvbus_channel_unmap(HvbusChannel *chan)
{
    hvbus_ring_unmap(g_steal_pointer(&chan->map));
    chan->in.map = NULL;
    chan->out.map = NULL;
}

/* Common to a fresh open and to one from a migration stream */
static void hvbus_channel_set_open(HvbusChannel *chan)
{
    HvbusDeviceClass *hc = HVBUS_DEVICE_GET_CLASS(chan->dev);

    chan->rx_buf_bytes = hc->max_packet_bytes ? hc->max_packet_bytes
                                              : HVBUS_DEFAULT_MAX_PACKET_BYTES;
    chan->rx_buf = g_malloc(chan->rx_buf_bytes);
    qatomic_set(&chan->target_vp, chan->core->target_vp);
    qatomic_set(&chan->is_open, true);
}

static void hvbus_channel_set_closed(HvbusChannel *chan)
{
    hvbus_channel_unmap(chan);
    g_clear_pointer(&chan->rx_buf, g_free);
}

bool hvbus_channel_open(HvbusChannel *chan, const uint8_t *user_data)
{
    HvbusDeviceClass *hc = HVBUS_DEVICE_GET_CLASS(chan->dev);

    if (!hvbus_channel_map(chan)) {
        return false;
    }
    if (!hvbus_ring_start_in(&chan->in) || !hvbus_ring_start_out(&chan->out)) {
        hvbus_channel_unmap(chan);
        return false;
    }
    qatomic_set(&chan->has_failed, false);
    hvbus_channel_set_open(chan);
    if (!hc->open(chan->dev, chan, user_data)) {
        qatomic_set(&chan->is_open, false);
        hvbus_channel_set_closed(chan);
        return false;
    }
    qatomic_set(&chan->is_started, true);
    /* a guest may signal before it has our answer */
    hvbus_channel_kick(chan);
    trace_hvbus_channel_open(chan->relid, chan->core->target_vp,
                             chan->in.data_bytes, chan->out.data_bytes);
    hvbus_channel_tell(chan);
    return true;
}

void hvbus_channel_close(HvbusChannel *chan)
{
    trace_hvbus_channel_close(chan->relid);
    qatomic_set(&chan->is_started, false);
    qatomic_set(&chan->is_open, false);
    hvbus_channel_quiesce(chan);
    HVBUS_DEVICE_GET_CLASS(chan->dev)->close(chan->dev, chan);
    hvbus_channel_set_closed(chan);
    hvbus_channel_tell(chan);
}

bool hvbus_channel_resume(HvbusChannel *chan, uint32_t in_idx, uint32_t out_idx,
                          bool has_failed)
{
    if (chan->rx_buf || !hvbus_channel_map(chan)) {
        return false;
    }
    if (!hvbus_ring_idx_is_ok(in_idx, chan->in.data_bytes) ||
        !hvbus_ring_idx_is_ok(out_idx, chan->out.data_bytes)) {
        hvbus_channel_unmap(chan);
        return false;
    }
    chan->in.idx = chan->in.shown_idx = chan->in.peer_idx = in_idx;
    chan->out.idx = chan->out.shown_idx = out_idx;
    /* as if full, so that the first use looks at the guest's index */
    chan->out.peer_idx = hvbus_ring_advance(out_idx, 8, chan->out.data_bytes);
    chan->out.asked = true;
    qatomic_set(&chan->has_failed, has_failed);
    hvbus_channel_set_open(chan);
    qatomic_set(&chan->is_started, true);
    return true;
}

/* May the rings be used?  Follows changes of the memory map */
static bool hvbus_channel_ready(HvbusChannel *chan)
{
    unsigned int generation;

    if (!hvbus_channel_is_open(chan)) {
        return false;
    }
    generation = qatomic_read(&chan->bridge->map_generation);
    if (unlikely(generation != chan->map_generation)) {
        HvbusRingMap *map = hvbus_ring_map(chan->dev->as, chan->core->ring);

        if (!map) {
            hvbus_channel_fail(chan, "ring is no longer in memory");
            return false;
        }
        hvbus_ring_unmap(chan->map);
        chan->map = chan->in.map = chan->out.map = map;
        chan->map_generation = generation;
    }
    return true;
}

static void hvbus_channel_signal_guest(HvbusChannel *chan)
{
    uint32_t vp = qatomic_read(&chan->target_vp);

    trace_hvbus_channel_signal_guest(chan->relid, vp);
    if (vp != HVBUS_VP_NO_INTERRUPT) {
        hvbus_bridge_signal_guest(chan->bridge, vp, chan->relid);
    }
}

void hvbus_recv_begin(HvbusChannel *chan)
{
    if (hvbus_channel_ready(chan)) {
        hvbus_ring_set_mask(&chan->in, true);
    }
}

int hvbus_recv(HvbusChannel *chan, HvbusPacket *pkt)
{
    HvbusRing *r = &chan->in;
    HvbusPacketWire wire;
    HvbusPacketInfo info;
    const char *why = NULL;
    int64_t used;

    if (!hvbus_channel_is_open(chan)) {
        return qatomic_read(&chan->has_failed) ? -1 : 0;
    }
    used = hvbus_ring_used(r->idx, r->peer_idx, r->data_bytes);
    if (!used) {
        used = hvbus_ring_fill(r);
    }
    if (!used) {
        return 0;
    }
    if (used < (int64_t)sizeof(wire) + HVBUS_PKT_TRAILER_BYTES) {
        hvbus_channel_fail(chan, "write index is out of range");
        return -1;
    }
    /* the descriptor once, and what it describes from behind it */
    hvbus_ring_peek(r, 0, &wire, sizeof(wire));
    if (!hvbus_packet_parse(&wire, used, chan->rx_buf_bytes, &info, &why)) {
        hvbus_channel_fail(chan, why);
        return -1;
    }
    hvbus_ring_peek(r, sizeof(wire), chan->rx_buf,
                    info.desc_bytes + info.msg_bytes);
    hvbus_ring_consume(r, info.ring_bytes);
    *pkt = (HvbusPacket) {
        .type = info.type,
        .wants_completion = info.flags & HVBUS_PKT_FLAG_COMPLETION,
        .trans_id = info.trans_id,
        .desc = chan->rx_buf,
        .desc_bytes = info.desc_bytes,
        .msg = chan->rx_buf + info.desc_bytes,
        .msg_bytes = info.msg_bytes,
    };
    trace_hvbus_recv(chan->relid, pkt->type, pkt->trans_id, pkt->msg_bytes);
    return 1;
}

bool hvbus_recv_end(HvbusChannel *chan)
{
    int64_t used;

    if (!hvbus_channel_is_open(chan)) {
        return false;
    }
    if (hvbus_ring_show_read(&chan->in)) {
        hvbus_channel_signal_guest(chan);
    }
    used = hvbus_ring_unmask(&chan->in);
    if (used < 0) {
        hvbus_channel_fail(chan, "write index is out of range");
    }
    return used > 0;
}

bool hvbus_packet_sgl(const HvbusPacket *pkt, QEMUSGList *sgl,
                      uint32_t max_bytes)
{
    HvbusRangeIter it;
    uint64_t gpa, bytes, total = 0;
    int r;

    if (pkt->type != HVBUS_PKT_GPA_DIRECT ||
        !hvbus_ranges_begin(&it, pkt->desc, pkt->desc_bytes)) {
        return false;
    }
    while ((r = hvbus_ranges_next(&it, &gpa, &bytes)) > 0) {
        total += bytes;
        if (total > max_bytes || !guest_is_memory(sgl->as, gpa, bytes)) {
            return false;
        }
        qemu_sglist_add(sgl, gpa, bytes);
    }
    return r == 0;
}

int64_t hvbus_packet_read(HvbusChannel *chan, const HvbusPacket *pkt,
                          void *buf, uint32_t max_bytes)
{
    HvbusRangeIter it;
    uint64_t gpa, bytes, total = 0;
    int r;

    if (pkt->type != HVBUS_PKT_GPA_DIRECT ||
        !hvbus_ranges_begin(&it, pkt->desc, pkt->desc_bytes)) {
        return -1;
    }
    while ((r = hvbus_ranges_next(&it, &gpa, &bytes)) > 0) {
        if (bytes > max_bytes - total ||
            !guest_read(chan->dev->as, gpa, (uint8_t *)buf + total, bytes)) {
            return -1;
        }
        total += bytes;
    }
    return r == 0 ? (int64_t)total : -1;
}

/* Bytes in the ring for such a packet; 0 if it can never fit */
static uint32_t hvbus_send_bytes(HvbusChannel *chan, uint32_t desc_bytes,
                                 uint32_t msg_bytes)
{
    uint32_t bytes = hvbus_packet_ring_bytes(desc_bytes, msg_bytes);

    return bytes < chan->out.data_bytes ? bytes : 0;
}

/* 1 if @bytes fit, 0 not and the guest was asked to tell, -1 the ring is broken */
static int hvbus_send_reserve(HvbusChannel *chan, uint32_t bytes)
{
    int r = hvbus_ring_reserve(&chan->out, bytes, false);

    if (r == 0) {
        /* to the guest there is room in place of what it was not shown */
        hvbus_send_flush(chan);
        r = hvbus_ring_reserve(&chan->out, bytes, true);
    }
    if (r < 0) {
        hvbus_channel_fail(chan, "read index is out of range");
    }
    return r;
}

/* The parts of a packet, each padded to 8, into @buf */
static void hvbus_send_small(HvbusRing *r, const HvbusPacketWire *wire,
                             const void *desc, uint32_t desc_bytes,
                             const void *msg, uint32_t msg_bytes,
                             uint64_t trailer, uint32_t bytes)
{
    uint8_t buf[HVBUS_SMALL_PACKET_BYTES] = { 0 };
    uint32_t msg_offset = sizeof(*wire) + ROUND_UP(desc_bytes, 8);

    memcpy(buf, wire, sizeof(*wire));
    if (desc_bytes) {
        memcpy(buf + sizeof(*wire), desc, desc_bytes);
    }
    if (msg_bytes) {
        memcpy(buf + msg_offset, msg, msg_bytes);
    }
    stq_le_p(buf + bytes - sizeof(trailer), trailer);
    hvbus_ring_put(r, buf, bytes);
}

static void hvbus_send_part(HvbusRing *r, const void *buf, uint32_t bytes)
{
    static const uint8_t zero[8];

    hvbus_ring_put(r, buf, bytes);
    hvbus_ring_put(r, zero, -bytes & 7);
}

bool hvbus_send(HvbusChannel *chan, uint16_t type, uint16_t flags,
                uint64_t trans_id, const void *desc, uint32_t desc_bytes,
                const void *msg, uint32_t msg_bytes)
{
    HvbusRing *r = &chan->out;
    HvbusPacketWire wire;
    uint64_t trailer;
    uint32_t bytes;

    if (!hvbus_channel_ready(chan)) {
        return false;
    }
    bytes = hvbus_send_bytes(chan, desc_bytes, msg_bytes);
    if (!bytes || hvbus_send_reserve(chan, bytes) <= 0) {
        trace_hvbus_send_no_room(chan->relid, type, trans_id, msg_bytes);
        return false;
    }
    trailer = (uint64_t)r->idx << 32;
    hvbus_packet_build(&wire, type, flags, trans_id, desc_bytes, msg_bytes);
    if (bytes <= HVBUS_SMALL_PACKET_BYTES) {
        hvbus_send_small(r, &wire, desc, desc_bytes, msg, msg_bytes, trailer,
                         bytes);
    } else {
        hvbus_ring_put(r, &wire, sizeof(wire));
        hvbus_send_part(r, desc, desc_bytes);
        hvbus_send_part(r, msg, msg_bytes);
        trailer = cpu_to_le64(trailer);
        hvbus_ring_put(r, &trailer, sizeof(trailer));
    }
    trace_hvbus_send(chan->relid, type, trans_id, msg_bytes);
    return true;
}

void hvbus_send_flush(HvbusChannel *chan)
{
    if (hvbus_channel_ready(chan) && hvbus_ring_show_write(&chan->out)) {
        hvbus_channel_signal_guest(chan);
    }
}

bool hvbus_send_completion(HvbusChannel *chan, uint64_t trans_id,
                           const void *msg, uint32_t msg_bytes)
{
    return hvbus_send(chan, HVBUS_PKT_COMPLETION, 0, trans_id, NULL, 0, msg,
                      msg_bytes);
}

bool hvbus_send_has_room(HvbusChannel *chan, uint32_t desc_bytes,
                         uint32_t msg_bytes)
{
    uint32_t bytes;

    if (!hvbus_channel_ready(chan)) {
        return false;
    }
    bytes = hvbus_send_bytes(chan, desc_bytes, msg_bytes);
    return bytes && hvbus_send_reserve(chan, bytes) > 0;
}

uint16_t hvbus_channel_idx(HvbusChannel *chan)
{
    return chan->idx;
}

uint32_t hvbus_channel_relid(HvbusChannel *chan)
{
    return chan->relid;
}

uint32_t hvbus_channel_target_vp(HvbusChannel *chan)
{
    return qatomic_read(&chan->target_vp);
}

bool hvbus_channel_vp_is_idle(HvbusChannel *chan)
{
    return hv_partition_vp_is_idle(hvbus_device_bridge(chan->dev)->partition,
                                   hvbus_channel_target_vp(chan));
}

bool hvbus_channel_is_open(HvbusChannel *chan)
{
    return qatomic_read(&chan->is_open) && !qatomic_read(&chan->has_failed);
}

bool hvbus_channel_was_opened(HvbusChannel *chan)
{
    return qatomic_read(&chan->is_open);
}

void hvbus_channel_set_opaque(HvbusChannel *chan, void *opaque)
{
    chan->opaque = opaque;
}

void *hvbus_channel_opaque(HvbusChannel *chan)
{
    return chan->opaque;
}

bool hvbus_channel_is_drained(HvbusChannel *chan)
{
    return !hvbus_channel_ready(chan) ||
           (hvbus_ring_is_empty(&chan->in) && hvbus_ring_is_empty(&chan->out) &&
            chan->in.idx == chan->in.shown_idx &&
            chan->out.idx == chan->out.shown_idx);
}

void hvbus_channel_set_aio_context(HvbusChannel *chan, AioContext *ctx)
{
    HvbusOldBh *old;

    if (ctx == chan->ctx || (qatomic_read(&chan->is_started) &&
                             qatomic_read(&chan->bridge->vm_running))) {
        return;
    }
    old = g_new0(HvbusOldBh, 1);
    old->bh = chan->bh;
    qatomic_set(&chan->ctx, ctx);
    hvbus_channel_new_bh(chan);
    qatomic_set(&chan->is_kicked, false);
    call_rcu(old, hvbus_old_bh_free, rcu);
}

HvbusGpadl *hvbus_gpadl_get(HvbusChannel *chan, uint32_t gpadl_id)
{
    HvbusGpadl *g;

    if (!chan->core) {
        return NULL;
    }
    g = hvbus_gpadl_find(&chan->bridge->core.gpadls, chan->relid, gpadl_id);
    if (!g || !hvbus_gpadl_is_complete(g)) {
        return NULL;
    }
    /* one that is being torn down is only had by who had it before migration */
    if (g->torn_down && qatomic_read(&chan->bridge->vm_running)) {
        return NULL;
    }
    hvbus_gpadl_ref(g);
    return g;
}

void hvbus_gpadl_put(HvbusGpadl *gpadl)
{
    HvbusCore *core = gpadl->table->opaque;

    hvbus_core_put_gpadl(core, gpadl);
    hvbus_bridge_flush(core->opaque);
}

uint32_t hvbus_gpadl_bytes(HvbusGpadl *gpadl)
{
    return gpadl->byte_count;
}

static bool hvbus_gpadl_in_bounds(HvbusGpadl *g, uint32_t offset,
                                  uint32_t bytes)
{
    return offset <= g->byte_count && bytes <= g->byte_count - offset;
}

static AddressSpace *hvbus_gpadl_as(HvbusGpadl *g)
{
    HvbusCore *core = g->table->opaque;
    HvbusBridge *b = core->opaque;

    return hv_partition_as(b->partition, HVBUS_VTL);
}

static bool hvbus_gpadl_copy(HvbusGpadl *gpadl, uint32_t offset, uint8_t *buf,
                             uint32_t bytes, bool is_write)
{
    AddressSpace *as = hvbus_gpadl_as(gpadl);
    uint32_t done, n;

    if (!hvbus_gpadl_in_bounds(gpadl, offset, bytes)) {
        return false;
    }
    for (done = 0; done < bytes; done += n) {
        uint64_t gpa;

        n = bytes - done;
        gpa = hvbus_gpadl_translate(gpadl, offset + done, &n);
        if (!(is_write ? guest_write(as, gpa, buf + done, n)
                       : guest_read(as, gpa, buf + done, n))) {
            return false;
        }
    }
    return true;
}

bool hvbus_gpadl_read(HvbusGpadl *gpadl, uint32_t offset, void *buf,
                      uint32_t bytes)
{
    return hvbus_gpadl_copy(gpadl, offset, buf, bytes, false);
}

bool hvbus_gpadl_write(HvbusGpadl *gpadl, uint32_t offset, const void *buf,
                       uint32_t bytes)
{
    return hvbus_gpadl_copy(gpadl, offset, (uint8_t *)buf, bytes, true);
}
