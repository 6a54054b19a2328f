/*
 * mana: migration
 *
 * The VM's stop leaves nothing under way but what the net layer holds, which
 * is lost as on a wire: doorbells are taken, completions shown, moderated and
 * late interrupts raised (mana_settle()).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "hw/pci/msix.h"
#include "migration/vmstate.h"
#include "mana-internal.h"

static bool gdma_region_count_ok(void *opaque, int version_id)
{
    GdmaRegion *r = opaque;

    return r->page_count <= GDMA_MAX_REGION_PAGES;
}

static const VMStateDescription vmstate_gdma_region = {
    .name = "mana/region",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(bytes, GdmaRegion),
        VMSTATE_UINT32(offset, GdmaRegion),
        VMSTATE_UINT32(page_shift, GdmaRegion),
        VMSTATE_UINT32(page_count, GdmaRegion),
        VMSTATE_UINT32(have_count, GdmaRegion),
        VMSTATE_VALIDATE("page count", gdma_region_count_ok),
        VMSTATE_VARRAY_UINT32_ALLOC(pages, GdmaRegion, page_count, 1,
                                    vmstate_info_uint64, uint64_t),
        VMSTATE_END_OF_LIST()
    }
};

/* The list's loader allocates an entry and leaves it as malloc() gave it */
static int gdma_region_entry_pre_load(void *opaque)
{
    memset(opaque, 0, sizeof(GdmaRegionEntry));
    return 0;
}

static const VMStateDescription vmstate_gdma_region_entry = {
    .name = "mana/region-entry",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = gdma_region_entry_pre_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(handle, GdmaRegionEntry),
        VMSTATE_STRUCT(region, GdmaRegionEntry, 1, vmstate_gdma_region,
                       GdmaRegion),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_gdma_eq = {
    .name = "mana/eq",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(in_use, GdmaEq),
        VMSTATE_UINT32(ring.entries_log2, GdmaEq),
        VMSTATE_UINT32(ring.tail, GdmaEq),
        VMSTATE_BOOL(ring.armed, GdmaEq),
        VMSTATE_UINT32(msix, GdmaEq),
        VMSTATE_STRUCT(region, GdmaEq, 1, vmstate_gdma_region, GdmaRegion),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_gdma_cq = {
    .name = "mana/cq",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(in_use, GdmaCq),
        VMSTATE_UINT32(ring.entries_log2, GdmaCq),
        VMSTATE_UINT32(ring.tail, GdmaCq),
        VMSTATE_BOOL(ring.armed, GdmaCq),
        VMSTATE_UINT32(eq_id, GdmaCq),
        VMSTATE_UINT16(mod_usec, GdmaCq),
        VMSTATE_UINT8(mod_comps, GdmaCq),
        VMSTATE_STRUCT(region, GdmaCq, 1, vmstate_gdma_region, GdmaRegion),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_gdma_wq = {
    .name = "mana/wq",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(in_use, GdmaWq),
        VMSTATE_BOOL(is_failed, GdmaWq),
        VMSTATE_UINT32(ring.bytes, GdmaWq),
        VMSTATE_UINT32(ring.head, GdmaWq),
        VMSTATE_UINT32(ring.tail, GdmaWq),
        VMSTATE_UINT32(cq_id, GdmaWq),
        VMSTATE_UINT64(handle, GdmaWq),
        VMSTATE_UINT8(vport, GdmaWq),
        VMSTATE_UINT16(idx, GdmaWq),
        VMSTATE_STRUCT(region, GdmaWq, 1, vmstate_gdma_region, GdmaRegion),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_mana_vport = {
    .name = "mana/vport",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(rx_enabled, ManaVport),
        VMSTATE_BOOL(rss_enabled, ManaVport),
        VMSTATE_UINT8(coalesce, ManaVport),
        VMSTATE_BOOL(to_vtl0, ManaVport),
        VMSTATE_UINT16(hash_types, ManaVport),
        VMSTATE_UINT32(serial, ManaVport),
        VMSTATE_UINT32(default_rq, ManaVport),
        VMSTATE_UINT32(indir_count, ManaVport),
        VMSTATE_UINT32_ARRAY(indir_rq, ManaVport, MANA_MAX_INDIRECTION),
        VMSTATE_UINT8_ARRAY(hash_key, ManaVport, MANA_HASH_KEY_BYTES),
        VMSTATE_UINT64_ARRAY(stat, ManaVport, MANA_STAT_COUNT),
        VMSTATE_END_OF_LIST()
    }
};

/* A queue's memory: all there, and of the queue's length or more */
static bool mana_memory_valid(const GdmaRegion *r, uint64_t bytes)
{
    return gdma_region_valid(r) && gdma_region_is_complete(r) &&
           r->bytes >= bytes && r->offset % GDMA_CQE_BYTES == 0;
}

static bool mana_ring_valid(const GdmaRing *ring, const GdmaRegion *r,
                            uint32_t entry_bytes)
{
    uint64_t bytes = (uint64_t)entry_bytes << MIN(ring->entries_log2, 24);

    return bytes <= GDMA_MAX_QUEUE_BYTES &&
           gdma_ring_valid(ring, bytes, entry_bytes) &&
           mana_memory_valid(r, bytes);
}

/*
 * An entry of a table is in use, or has no memory; the first never is, the
 * hardware channel's is while the channel is up, others only then.
 */
static bool mana_entry_valid(Mana *s, uint32_t id, bool in_use,
                             const GdmaRegion *r)
{
    s->total_pages += r->page_count;
    if (in_use) {
        return s->hwc_up && id;
    }
    return !r->page_count && !(s->hwc_up && id == GDMA_HWC_ID);
}

/* What CREATE_WQ_OBJ gives a queue: a handle, and a number in its vport */
static bool mana_wq_object_valid(Mana *s, const GdmaWq *wqs, uint32_t id)
{
    const GdmaWq *wq = &wqs[id];

    if (!wq->handle || wq->handle >= s->next_handle ||
        wq->vport >= s->vport_count || wq->idx >= s->num_queues) {
        return false;
    }
    for (uint32_t other = GDMA_HWC_ID + 1; other < id; other++) {
        if (wqs[other].in_use &&
            (wqs[other].handle == wq->handle ||
             (wqs[other].vport == wq->vport && wqs[other].idx == wq->idx))) {
            return false;
        }
    }
    return true;
}

static bool mana_wqs_valid(Mana *s, const GdmaWq *wqs)
{
    bool ok = true;

    for (uint32_t id = 0; id < s->wq_count; id++) {
        const GdmaWq *wq = &wqs[id];

        ok &= mana_entry_valid(s, id, wq->in_use, &wq->region) &&
              (!wq->in_use ||
               (gdma_wq_valid(&wq->ring) && gdma_cq_get(s, wq->cq_id) &&
                mana_memory_valid(&wq->region, wq->ring.bytes) &&
                (id == GDMA_HWC_ID || mana_wq_object_valid(s, wqs, id))));
    }
    return ok;
}

/* All are visited, for their pages are counted here */
static bool mana_queues_valid(Mana *s)
{
    bool ok = true;

    for (uint32_t id = 0; id < s->eq_count; id++) {
        GdmaEq *eq = &s->eqs[id];

        ok &= mana_entry_valid(s, id, eq->in_use, &eq->region) &&
              (!eq->in_use ||
               (eq->msix < s->vectors &&
                mana_ring_valid(&eq->ring, &eq->region, GDMA_EQE_BYTES)));
    }
    for (uint32_t id = 0; id < s->cq_count; id++) {
        GdmaCq *cq = &s->cqs[id];

        ok &= mana_entry_valid(s, id, cq->in_use, &cq->region) &&
              (!cq->in_use ||
               mana_ring_valid(&cq->ring, &cq->region, GDMA_CQE_BYTES));
    }
    ok &= mana_wqs_valid(s, s->sqs);
    ok &= mana_wqs_valid(s, s->rqs);
    return ok;
}

/* No RQ, or one of the vport's */
static bool mana_vport_rq_valid(const ManaVport *vp, uint32_t rq_id)
{
    const GdmaWq *rq = gdma_wq_get(vp->s, false, rq_id);

    return !rq_id || (rq && rq_id != GDMA_HWC_ID && rq->vport == vp->idx);
}

static bool mana_vport_valid(const ManaVport *vp)
{
    bool ok = (vp->coalesce == 1 || vp->coalesce == 4 || vp->coalesce == 8) &&
              vp->indir_count <= MANA_MAX_INDIRECTION &&
              (!vp->indir_count || is_power_of_2(vp->indir_count)) &&
              mana_vport_rq_valid(vp, vp->default_rq);

    for (uint32_t i = 0; ok && i < vp->indir_count; i++) {
        ok = mana_vport_rq_valid(vp, vp->indir_rq[i]);
    }
    return ok;
}

static int mana_pre_load(void *opaque)
{
    Mana *s = opaque;

    gdma_hwc_destroy(s);
    s->is_loading = true;
    return 0;
}

static int mana_post_load(void *opaque, int version_id)
{
    Mana *s = opaque;
    GdmaRegionEntry *e;
    bool ok;

    s->total_pages = 0;
    s->region_count = 0;
    ok = mana_queues_valid(s);
    QTAILQ_FOREACH(e, &s->regions, next) {
        ok = ok && e->handle < s->next_handle && gdma_region_valid(&e->region);
        s->total_pages += e->region.page_count;
        s->region_count++;
    }
    ok = ok && s->total_pages <= GDMA_MAX_TOTAL_PAGES &&
         s->region_count <= GDMA_MAX_REGIONS;
    for (uint32_t v = 0; v < s->vport_count; v++) {
        ok = ok && mana_vport_valid(&s->vports[v]);
        toeplitz_init(&s->vports[v].toeplitz, s->vports[v].hash_key);
    }
    if (!ok) {
        error_report("mana: bad state in the migration stream");
        gdma_hwc_destroy(s);
        return -EINVAL;
    }
    s->is_loading = false;
    for (uint32_t id = 0; id < s->eq_count; id++) {
        gdma_doorbell_posted(&s->db_eq, id, s->eqs[id].ring.tail);
    }
    for (uint32_t id = 0; id < s->cq_count; id++) {
        gdma_doorbell_posted(&s->db_cq, id, s->cqs[id].ring.tail);
    }
    return 0;
}

const VMStateDescription vmstate_mana = {
    .name = "mana",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = mana_pre_load,
    .post_load = mana_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_PCI_DEVICE(parent_obj, Mana),
        VMSTATE_MSIX(parent_obj, Mana),
        VMSTATE_UINT32_EQUAL(vport_count, Mana, "the numbers of vports differ"),
        VMSTATE_UINT32_EQUAL(num_queues, Mana, "the queues properties differ"),
        VMSTATE_UINT32_EQUAL(vectors, Mana, "the vectors properties differ"),
        VMSTATE_UINT32_EQUAL(mtu, Mana, "the mtu properties differ"),
        VMSTATE_UINT32_ARRAY(shm, Mana, GDMA_SHM_DWORDS),
        VMSTATE_BOOL(hwc_up, Mana),
        VMSTATE_BOOL(eth_registered, Mana),
        VMSTATE_UINT64(drv_caps, Mana),
        VMSTATE_UINT64(next_handle, Mana),
        VMSTATE_BOOL(link_was_up, Mana),
        VMSTATE_BITMAP(db_pages, Mana, 1, db_page_count),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT32(eqs, Mana, eq_count,
                                             vmstate_gdma_eq, GdmaEq),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT32(cqs, Mana, cq_count,
                                             vmstate_gdma_cq, GdmaCq),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT32(sqs, Mana, wq_count,
                                             vmstate_gdma_wq, GdmaWq),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT32(rqs, Mana, wq_count,
                                             vmstate_gdma_wq, GdmaWq),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT32(vports, Mana, vport_count,
                                             vmstate_mana_vport, ManaVport),
        VMSTATE_QTAILQ_V(regions, Mana, 1, vmstate_gdma_region_entry,
                         GdmaRegionEntry, next),
        VMSTATE_END_OF_LIST()
    }
};
