/*
 * VTL2's MANA driver in QEMU: migration
 *
 * The driver goes on with the queues that it had; their contents are in VTL2's
 * memory, which migrates as RAM does.  A driver whose adapter is not up sends no
 * queues, nor did older versions: then the adapter is set up anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "mana-drv-net-internal.h"

/* --- the driver's queues --- */

static const VMStateDescription vmstate_ring = {
    .name = "vtl2-mana/ring",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(addr, ManaDrvSavedRing),
        VMSTATE_UINT64(obj, ManaDrvSavedRing),
        VMSTATE_UINT32(bytes, ManaDrvSavedRing),
        VMSTATE_UINT32(id, ManaDrvSavedRing),
        VMSTATE_UINT32(head, ManaDrvSavedRing),
        VMSTATE_UINT32(told, ManaDrvSavedRing),
        VMSTATE_END_OF_LIST()
    }
};

#define VMSTATE_RING(_field, _state) \
    VMSTATE_STRUCT(_field, _state, 1, vmstate_ring, ManaDrvSavedRing)

static const VMStateDescription vmstate_tx = {
    .name = "vtl2-mana/tx",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(at, ManaDrvSavedTx),
        VMSTATE_UINT32(bytes, ManaDrvSavedTx),
        VMSTATE_UINT32(oob0, ManaDrvSavedTx),
        VMSTATE_UINT16(transport_offset, ManaDrvSavedTx),
        VMSTATE_UINT16(header_bytes, ManaDrvSavedTx),
        VMSTATE_UINT16(mss, ManaDrvSavedTx),
        VMSTATE_UINT16(flags, ManaDrvSavedTx),
        VMSTATE_END_OF_LIST()
    }
};

static bool vtl2_mana_tx_count_ok(void *opaque, int version_id)
{
    return ((ManaDrvSavedPair *)opaque)->tx_count <= MANA_DRV_SAVED_TX;
}

static const VMStateDescription vmstate_pair = {
    .name = "vtl2-mana/pair",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(flags, ManaDrvSavedPair),
        VMSTATE_RING(eq, ManaDrvSavedPair),
        VMSTATE_RING(sq, ManaDrvSavedPair),
        VMSTATE_RING(sq_cq, ManaDrvSavedPair),
        VMSTATE_RING(rq, ManaDrvSavedPair),
        VMSTATE_RING(rq_cq, ManaDrvSavedPair),
        VMSTATE_RING(tx_pool, ManaDrvSavedPair),
        VMSTATE_RING(rx_pool, ManaDrvSavedPair),
        VMSTATE_UINT32(tx_count, ManaDrvSavedPair),
        VMSTATE_VALIDATE("packets", vtl2_mana_tx_count_ok),
        VMSTATE_STRUCT_VARRAY_UINT32(tx, ManaDrvSavedPair, tx_count, 1,
                                     vmstate_tx, ManaDrvSavedTx),
        VMSTATE_END_OF_LIST()
    }
};

static bool vtl2_mana_pair_count_ok(void *opaque, int version_id)
{
    return ((ManaDrvSavedPort *)opaque)->pair_count <= MANA_DRV_MAX_QUEUES;
}

static const VMStateDescription vmstate_port = {
    .name = "vtl2-mana/port",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(vport, ManaDrvSavedPort),
        VMSTATE_UINT32(flags, ManaDrvSavedPort),
        VMSTATE_UINT64(handle, ManaDrvSavedPort),
        VMSTATE_UINT32(serial, ManaDrvSavedPort),
        VMSTATE_UINT32(max_indirection, ManaDrvSavedPort),
        VMSTATE_UINT16(tx_offset, ManaDrvSavedPort),
        VMSTATE_BUFFER(mac, ManaDrvSavedPort),
        VMSTATE_BUFFER(rss_key, ManaDrvSavedPort),
        VMSTATE_BUFFER(rss_table, ManaDrvSavedPort),
        VMSTATE_UINT64_ARRAY(stats, ManaDrvSavedPort, 6),
        VMSTATE_UINT32(pair_count, ManaDrvSavedPort),
        VMSTATE_VALIDATE("pairs of queues", vtl2_mana_pair_count_ok),
        VMSTATE_STRUCT_VARRAY_UINT32(pair, ManaDrvSavedPort, pair_count, 1,
                                     vmstate_pair, ManaDrvSavedPair),
        VMSTATE_END_OF_LIST()
    }
};

static bool vtl2_mana_port_count_ok(void *opaque, int version_id)
{
    return ((ManaDrvSaved *)opaque)->port_count <= MANA_DRV_MAX_PORTS;
}

static const VMStateDescription vmstate_saved = {
    .name = "vtl2-mana/driver",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(flags, ManaDrvSaved),
        VMSTATE_UINT32(resets, ManaDrvSaved),
        VMSTATE_UINT64(pf_caps, ManaDrvSaved),
        VMSTATE_UINT32(vector_count, ManaDrvSaved),
        VMSTATE_UINT32(pdid, ManaDrvSaved),
        VMSTATE_UINT32(mkey, ManaDrvSaved),
        VMSTATE_UINT32(db_page, ManaDrvSaved),
        VMSTATE_UINT32(max_vports, ManaDrvSaved),
        VMSTATE_UINT32(max_frame_bytes, ManaDrvSaved),
        VMSTATE_UINT32(max_queues, ManaDrvSaved),
        VMSTATE_UINT32(hwc_timeout_ms, ManaDrvSaved),
        VMSTATE_UINT32(hwc_db_page, ManaDrvSaved),
        VMSTATE_UINT32_ARRAY(hwc_init, ManaDrvSaved, MANA_DRV_SAVED_INIT),
        VMSTATE_UINT32(activity_id, ManaDrvSaved),
        VMSTATE_UINT16(msg_id, ManaDrvSaved),
        VMSTATE_UINT16(step_port, ManaDrvSaved),
        VMSTATE_UINT32(step, ManaDrvSaved),
        VMSTATE_RING(hwc_eq, ManaDrvSaved),
        VMSTATE_RING(hwc_cq, ManaDrvSaved),
        VMSTATE_RING(hwc_sq, ManaDrvSaved),
        VMSTATE_RING(hwc_rq, ManaDrvSaved),
        VMSTATE_RING(request, ManaDrvSaved),
        VMSTATE_RING(response, ManaDrvSaved),
        VMSTATE_UINT32(port_count, ManaDrvSaved),
        VMSTATE_VALIDATE("ports", vtl2_mana_port_count_ok),
        VMSTATE_STRUCT_VARRAY_UINT32(port, ManaDrvSaved, port_count, 1,
                                     vmstate_port, ManaDrvSavedPort),
        VMSTATE_END_OF_LIST()
    }
};

static bool vtl2_mana_queues_needed(void *opaque)
{
    return ((Vtl2Mana *)opaque)->has_saved;
}

static int vtl2_mana_queues_post_load(void *opaque, int version_id)
{
    ((Vtl2Mana *)opaque)->has_saved = true;
    return 0;
}

static const VMStateDescription vmstate_vtl2_mana_queues = {
    .name = "vtl2-mana/queues",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = vtl2_mana_queues_needed,
    .post_load = vtl2_mana_queues_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_POINTER(saved, Vtl2Mana, vmstate_saved, ManaDrvSaved),
        VMSTATE_END_OF_LIST()
    }
};

/* --- frames that wait --- */

/* The list's loader allocates an entry and leaves it as malloc() gave it */
static int vtl2_mana_frame_pre_load(void *opaque)
{
    memset(opaque, 0, sizeof(ManaDrvNetFrame));
    return 0;
}

static bool vtl2_mana_frame_ok(void *opaque, int version_id)
{
    ManaDrvNetFrame *f = opaque;

    return f->vport < MANA_DRV_MAX_PORTS && f->queue < MANA_DRV_MAX_QUEUES &&
           f->bytes >= MANA_DRV_VNET_BYTES &&
           f->bytes <= MANA_DRV_VNET_BYTES + MANA_DRV_MAX_TX_BYTES;
}

static const VMStateDescription vmstate_frame = {
    .name = "vtl2-mana/frame",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = vtl2_mana_frame_pre_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(vport, ManaDrvNetFrame),
        VMSTATE_UINT8(queue, ManaDrvNetFrame),
        VMSTATE_BOOL(to_guest, ManaDrvNetFrame),
        VMSTATE_UINT32(bytes, ManaDrvNetFrame),
        VMSTATE_VALIDATE("frame", vtl2_mana_frame_ok),
        VMSTATE_VBUFFER_ALLOC_UINT32(data, ManaDrvNetFrame, 1, NULL, bytes),
        VMSTATE_END_OF_LIST()
    }
};

static bool vtl2_mana_frames_needed(void *opaque)
{
    return !QTAILQ_EMPTY(&((Vtl2Mana *)opaque)->waiting);
}

static const VMStateDescription vmstate_vtl2_mana_frames = {
    .name = "vtl2-mana/frames",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = vtl2_mana_frames_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_QTAILQ_V(waiting, Vtl2Mana, 1, vmstate_frame, ManaDrvNetFrame,
                         next),
        VMSTATE_END_OF_LIST()
    }
};

/* --- all of it --- */

static int vtl2_mana_pre_save(void *opaque)
{
    Vtl2Mana *m = opaque;

    m->has_run = m->is_loaded || mana_drv_state(m->d) != MANA_DRV_OFF;
    g_free(m->saved);
    m->saved = g_new0(ManaDrvSaved, 1);
    m->has_saved = mana_drv_save(m->d, m->saved);
    return 0;
}

static int vtl2_mana_post_save(void *opaque)
{
    Vtl2Mana *m = opaque;

    g_clear_pointer(&m->saved, g_free);
    return 0;
}

void vtl2_mana_forget(void *opaque)
{
    Vtl2Mana *m = opaque;

    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (m->ports[i]) {
            mana_drv_net_forget_held(m->ports[i]);
        }
    }
    mana_drv_net_drop_waiting(m);
    mana_drv_loaded(m->d);
    /* should the stream have no state, or break off, and the VM run: set up anew */
    m->is_loaded = true;
}

static int vtl2_mana_pre_load(void *opaque)
{
    Vtl2Mana *m = opaque;

    g_free(m->saved);
    m->saved = g_new0(ManaDrvSaved, 1);
    m->has_saved = false;
    return 0;
}

/* What the card knows of the driver, as if it had been told of it */
static void vtl2_mana_restore_ports(Vtl2Mana *m)
{
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvNet *p = m->ports[i];

        for (unsigned int q = 0; p && q < p->queue_count; q++) {
            if (mana_drv_rx_is_held(m->d, i, q)) {
                DO_UPCAST(ManaDrvNetQueue, nc, p->ncs[q])->held = q + 1;
                p->resume = true;
            }
        }
        if (p) {
            mana_drv_net_set_link(p, mana_drv_port_link(m->d, i));
        }
    }
}

static int vtl2_mana_post_load(void *opaque, int version_id)
{
    Vtl2Mana *m = opaque;
    g_autofree ManaDrvSaved *saved = g_steal_pointer(&m->saved);
    const char *why = NULL;

    /* should the VM run after all, the adapter is set up anew */
    m->is_loaded = m->has_run;
    if (!mana_drv_net_adopt_waiting(m)) {
        why = "frames of no card";
    } else if (m->has_saved) {
        why = m->has_run ? mana_drv_load(m->d, saved) : "queues of no driver";
    }
    if (why) {
        error_report("mana '%s': %s in the migration stream", m->id, why);
        mana_drv_net_drop_waiting(m);
        mana_drv_loaded(m->d);
        return -EINVAL;
    }
    if (m->has_saved) {
        m->is_loaded = false;
        vtl2_mana_restore_ports(m);
    } else {
        mana_drv_loaded(m->d);
    }
    return 0;
}

const VMStateDescription vmstate_vtl2_mana = {
    .name = "vtl2-mana",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = vtl2_mana_pre_save,
    .post_save = vtl2_mana_post_save,
    .pre_load = vtl2_mana_pre_load,
    .post_load = vtl2_mana_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(has_run, Vtl2Mana),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_vtl2_mana_queues,
        &vmstate_vtl2_mana_frames,
        NULL
    }
};
