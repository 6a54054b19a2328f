/*
 * VTL2's MANA driver in QEMU: frames that wait over a stop of the VM
 *
 * When the VM stops, the net layer drops what is in its queues.  A frame of the
 * guest's for which the adapter had no room then comes here, and so does the copy
 * of one for which the guest had none.  Both migrate.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "mana-drv-net-internal.h"
#include "trace.h"

/* Of an adapter: the queues of hv-net have a limit, but stops can repeat */
#define MANA_DRV_NET_MAX_WAITING    (64 * MiB)

static ManaDrvNetQueue *mana_drv_net_queue(const ManaDrvNet *p,
                                           unsigned int queue)
{
    return DO_UPCAST(ManaDrvNetQueue, nc, p->ncs[queue]);
}

bool mana_drv_net_keep(ManaDrvNet *p, unsigned int queue, bool to_guest,
                       const uint8_t *buf, uint32_t bytes)
{
    Vtl2Mana *m = p->m;
    ManaDrvNetFrame *f;

    trace_mana_drv_keep(m->id, p->vport, queue, to_guest, bytes);
    if (bytes > MANA_DRV_NET_MAX_WAITING - m->waiting_bytes) {
        return false;
    }
    f = g_new0(ManaDrvNetFrame, 1);
    f->vport = p->vport;
    f->queue = queue;
    f->to_guest = to_guest;
    f->bytes = bytes;
    f->data = g_memdup2(buf, bytes);
    m->waiting_bytes += bytes;
    QTAILQ_INSERT_TAIL(&m->waiting, f, next);
    return true;
}

static void mana_drv_net_drop(Vtl2Mana *m, ManaDrvNetFrame *f)
{
    QTAILQ_REMOVE(&m->waiting, f, next);
    m->waiting_bytes -= MIN(m->waiting_bytes, f->bytes);
    g_free(f->data);
    g_free(f);
}

void mana_drv_net_drop_waiting(Vtl2Mana *m)
{
    ManaDrvNetFrame *f, *next;

    QTAILQ_FOREACH_SAFE(f, &m->waiting, next, next) {
        mana_drv_net_drop(m, f);
    }
}

bool mana_drv_net_is_waiting(const ManaDrvNet *p, unsigned int queue)
{
    const ManaDrvNetFrame *f;

    QTAILQ_FOREACH(f, &p->m->waiting, next) {
        if (!f->to_guest && f->vport == p->vport && f->queue == queue) {
            return true;
        }
    }
    return false;
}

void mana_drv_net_forget_held(ManaDrvNet *p)
{
    p->resume = false;
    for (unsigned int i = 0; i < p->queue_count; i++) {
        ManaDrvNetQueue *q = mana_drv_net_queue(p, i);

        q->held = 0;
        g_clear_pointer(&q->copy, g_free);
    }
}

/*
 * hv-net has taken what it was given last: go on, but not from in here.  Or the
 * frame was dropped, by a stop: then the copy is the only one
 */
static void mana_drv_net_sent(NetClientState *nc, ssize_t ret)
{
    ManaDrvNetQueue *q = DO_UPCAST(ManaDrvNetQueue, nc, nc);
    ManaDrvNet *p = q->port;

    if (q->copy && !ret && p->m->is_stopped) {
        mana_drv_net_keep(p, nc->queue_index, true, q->copy, q->copy_bytes);
    }
    g_clear_pointer(&q->copy, g_free);
    p->resume = true;
    mana_drv_net_kick(p->m);
}

bool mana_drv_net_to_guest(ManaDrvNet *p, unsigned int queue,
                           const uint8_t *buf, uint32_t bytes)
{
    ManaDrvNetQueue *q = mana_drv_net_queue(p, queue);

    if (qemu_send_packet_async(&q->nc, buf, bytes, mana_drv_net_sent) != 0) {
        return true;
    }
    g_free(q->copy);
    q->copy = g_memdup2(buf, bytes);
    q->copy_bytes = bytes;
    return false;
}

void mana_drv_net_send_waiting(Vtl2Mana *m)
{
    uint16_t blocked[MANA_DRV_MAX_PORTS] = { 0 };
    ManaDrvNetFrame *f, *next;
    bool was_sent = false;

    QEMU_BUILD_BUG_ON(MANA_DRV_MAX_QUEUES > 16);
    if (m->in_waiting || QTAILQ_EMPTY(&m->waiting)) {
        return;
    }
    m->in_waiting = true;
    QTAILQ_FOREACH_SAFE(f, &m->waiting, next, next) {
        ManaDrvNet *p = m->ports[f->vport];

        if (p && f->queue >= p->queue_count) {
            p = NULL;                   /* of a stream that broke off */
        }
        if (p && f->to_guest) {
            mana_drv_net_to_guest(p, f->queue, f->data, f->bytes);
            p->resume = true;
        } else if (p && (blocked[f->vport] >> f->queue & 1 ||
                         !mana_drv_net_send(p, f->queue, f->data, f->bytes))) {
            blocked[f->vport] |= 1 << f->queue;
            continue;
        }
        was_sent = true;
        mana_drv_net_drop(m, f);
    }
    m->in_waiting = false;
    /* what came meanwhile was sent back to hv-net's queues */
    for (unsigned int i = 0; was_sent && i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvNet *p = m->ports[i];

        for (unsigned int q = 0; p && q < p->queue_count; q++) {
            if (!(blocked[i] >> q & 1)) {
                qemu_flush_queued_packets(p->ncs[q]);
            }
        }
    }
}

/* The far end parses headers of its own making: this is the only flag it gets */
static void mana_drv_net_clean_header(ManaDrvNetFrame *f)
{
    struct virtio_net_hdr hdr = { };

    hdr.flags = ((struct virtio_net_hdr *)f->data)->flags &
                VIRTIO_NET_HDR_F_DATA_VALID;
    memcpy(f->data, &hdr, sizeof(hdr));
}

bool mana_drv_net_adopt_waiting(Vtl2Mana *m)
{
    ManaDrvNetFrame *f;

    m->waiting_bytes = 0;
    QTAILQ_FOREACH(f, &m->waiting, next) {
        m->waiting_bytes += f->bytes;
        if (m->waiting_bytes > MANA_DRV_NET_MAX_WAITING ||
            !m->ports[f->vport] ||
            f->queue >= m->ports[f->vport]->queue_count) {
            return false;
        }
        if (f->to_guest) {
            mana_drv_net_clean_header(f);
        }
    }
    return true;
}
