/*
 * mana: GDMA queues in guest memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/msix.h"
#include "mana-internal.h"

void gdma_queues_init(Mana *s)
{
    uint32_t pairs = s->vport_count * s->num_queues;

    /* ID 0 is never used, GDMA_HWC_ID is the hardware channel's */
    s->eq_count = GDMA_HWC_ID + 1 + pairs;
    s->cq_count = GDMA_HWC_ID + 1 + 2 * pairs;
    s->wq_count = GDMA_HWC_ID + 1 + pairs;
    s->eqs = g_new0(GdmaEq, s->eq_count);
    s->cqs = g_new0(GdmaCq, s->cq_count);
    s->sqs = g_new0(GdmaWq, s->wq_count);
    s->rqs = g_new0(GdmaWq, s->wq_count);
    s->sq_active = bitmap_new(s->wq_count);
    s->rq_open = bitmap_new(s->wq_count);
    s->cq_held = bitmap_new(s->cq_count);
    s->late_vectors = bitmap_new(s->vectors);
    s->db_page_count = MANA_DB_PAGE_COUNT;
    s->db_pages = bitmap_new(s->db_page_count);
}

void gdma_queues_free(Mana *s)
{
    /* a vCPU may come with a doorbell that it began to write before */
    s->eq_count = 0;
    s->cq_count = 0;
    s->wq_count = 0;
    g_clear_pointer(&s->eqs, g_free);
    g_clear_pointer(&s->cqs, g_free);
    g_clear_pointer(&s->sqs, g_free);
    g_clear_pointer(&s->rqs, g_free);
    g_clear_pointer(&s->sq_active, g_free);
    g_clear_pointer(&s->rq_open, g_free);
    g_clear_pointer(&s->cq_held, g_free);
    g_clear_pointer(&s->late_vectors, g_free);
    g_clear_pointer(&s->db_pages, g_free);
}

static void gdma_region_move(GdmaRegion *to, GdmaRegion *from)
{
    *to = *from;
    memset(from, 0, sizeof(*from));
}

static void gdma_region_drop(Mana *s, GdmaRegion *r)
{
    s->total_pages -= r->page_count;
    gdma_region_free(r);
}

uint32_t gdma_eq_create(Mana *s, uint32_t bytes, GdmaRegion *region,
                        uint32_t msix)
{
    for (uint32_t id = GDMA_HWC_ID; id < s->eq_count; id++) {
        GdmaEq *eq = &s->eqs[id];

        if (eq->in_use || (id == GDMA_HWC_ID) != !s->hwc_up) {
            continue;
        }
        if (!gdma_ring_init(&eq->ring, bytes, GDMA_EQE_BYTES)) {
            break;
        }
        gdma_doorbell_forget(&s->db_eq, id, eq->ring.tail);
        gdma_region_move(&eq->region, region);
        eq->in_use = true;
        eq->msix = msix;
        return id;
    }
    return 0;
}

uint32_t gdma_cq_create(Mana *s, uint32_t bytes, GdmaRegion *region,
                        uint32_t eq_id)
{
    for (uint32_t id = GDMA_HWC_ID; id < s->cq_count; id++) {
        GdmaCq *cq = &s->cqs[id];

        if (cq->in_use || (id == GDMA_HWC_ID) != !s->hwc_up) {
            continue;
        }
        if (!gdma_ring_init(&cq->ring, bytes, GDMA_CQE_BYTES)) {
            break;
        }
        gdma_doorbell_forget(&s->db_cq, id, cq->ring.tail);
        gdma_region_move(&cq->region, region);
        cq->in_use = true;
        cq->eq_id = eq_id;
        cq->mod_usec = 0;
        cq->mod_comps = 0;
        cq->mod_pending = 0;
        cq->wait_usec = 0;
        return id;
    }
    return 0;
}

uint32_t gdma_wq_create(Mana *s, bool is_sq, uint32_t bytes,
                        GdmaRegion *region, uint32_t cq_id)
{
    GdmaWq *wqs = is_sq ? s->sqs : s->rqs;

    for (uint32_t id = GDMA_HWC_ID; id < s->wq_count; id++) {
        GdmaWq *wq = &wqs[id];
        GdmaWq fresh = { .in_use = true, .cq_id = cq_id };

        if (wq->in_use || (id == GDMA_HWC_ID) != !s->hwc_up) {
            continue;
        }
        if (!gdma_wq_init(&fresh.ring, bytes)) {
            break;
        }
        gdma_doorbell_forget(is_sq ? &s->db_sq : &s->db_rq, id, 0);
        gdma_region_move(&fresh.region, region);
        *wq = fresh;
        return id;
    }
    return 0;
}

void gdma_eq_destroy(Mana *s, uint32_t id)
{
    GdmaEq *eq = &s->eqs[id];

    eq->in_use = false;
    gdma_doorbell_forget(&s->db_eq, id, 0);
    gdma_region_drop(s, &eq->region);
}

void gdma_cq_destroy(Mana *s, uint32_t id)
{
    GdmaCq *cq = &s->cqs[id];

    cq->in_use = false;
    cq->mod_pending = 0;
    clear_bit(id, s->cq_held);
    gdma_doorbell_forget(&s->db_cq, id, 0);
    gdma_region_drop(s, &cq->region);
}

void gdma_wq_destroy(Mana *s, bool is_sq, uint32_t id)
{
    GdmaWq *wq = is_sq ? &s->sqs[id] : &s->rqs[id];

    clear_bit(id, is_sq ? s->sq_active : s->rq_open);
    gdma_doorbell_forget(is_sq ? &s->db_sq : &s->db_rq, id, 0);
    g_free(wq->ahead);
    gdma_region_drop(s, &wq->region);
    memset(wq, 0, sizeof(*wq));
}

GdmaEq *gdma_eq_get(Mana *s, uint32_t id)
{
    return id < s->eq_count && s->eqs[id].in_use ? &s->eqs[id] : NULL;
}

GdmaCq *gdma_cq_get(Mana *s, uint32_t id)
{
    return id < s->cq_count && s->cqs[id].in_use ? &s->cqs[id] : NULL;
}

GdmaWq *gdma_wq_get(Mana *s, bool is_sq, uint32_t id)
{
    GdmaWq *wqs = is_sq ? s->sqs : s->rqs;

    return id < s->wq_count && wqs[id].in_use ? &wqs[id] : NULL;
}

/* Copy from ring position @at on, around the ring's end */
static bool gdma_ring_read(Mana *s, const GdmaRegion *r, uint32_t ring_bytes,
                           uint32_t at, uint8_t *buf, uint32_t bytes)
{
    while (bytes) {
        uint32_t pos = at & (ring_bytes - 1);
        uint64_t run;
        uint64_t gpa = gdma_region_address(r, pos,
                                           MIN(bytes, ring_bytes - pos), &run);

        if (!guest_read(s->as, gpa, buf, run)) {
            return false;
        }
        buf += run;
        at += run;
        bytes -= run;
    }
    return true;
}

/* Entries do not cross pages: they divide them */
static void gdma_write_entry(Mana *s, const GdmaRegion *r, uint32_t slot,
                             const void *entry, uint32_t entry_bytes)
{
    uint32_t body = entry_bytes - sizeof(uint32_t);
    uint64_t run;
    uint64_t gpa = gdma_region_address(r, (uint64_t)slot * entry_bytes,
                                       entry_bytes, &run);

    if (run < entry_bytes || !guest_write(s->as, gpa, entry, body)) {
        mana_guest_error(s, "queue entry at 0x%" PRIx64 " is not memory", gpa);
        return;
    }
    smp_wmb();                          /* body before owner bits */
    if (!guest_write(s->as, gpa + body, (const uint8_t *)entry + body,
                     sizeof(uint32_t))) {
        mana_guest_error(s, "queue entry at 0x%" PRIx64 " is not memory", gpa);
    }
}

void gdma_raise(Mana *s, uint32_t vector)
{
    if (vector >= s->vectors) {
        return;
    }
    trace_gdma_raise(vector);
    if (s->inject.late_interrupts) {
        s->inject.late_interrupts--;
        set_bit(vector, s->late_vectors);
        timer_mod(s->late_timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) +
                  s->inject.late_ms);
        return;
    }
    smp_wmb();                          /* entries before the interrupt */
    msix_notify(&s->parent_obj, vector);
}

void gdma_post_eqe(Mana *s, uint32_t eq_id, GdmaEqeType type, uint32_t detail)
{
    GdmaEq *eq = gdma_eq_get(s, eq_id);
    GdmaEqeWire wire = { .details[0] = cpu_to_le32(detail) };
    uint32_t info = 0;

    if (!eq) {
        return;
    }
    info = FIELD_DP32(info, GDMA_EQE_INFO, TYPE, type);
    info = FIELD_DP32(info, GDMA_EQE_INFO, OWNER, gdma_ring_owner(&eq->ring));
    wire.info = cpu_to_le32(info);
    trace_gdma_post_eqe(eq_id, type, detail, eq->ring.armed);
    gdma_write_entry(s, &eq->region, gdma_ring_slot(&eq->ring), &wire,
                     sizeof(wire));
    gdma_ring_advance(&eq->ring);
    gdma_doorbell_posted(&s->db_eq, eq_id, eq->ring.tail);
    if (gdma_eq_catch_up(s, eq_id) || eq->ring.armed) {
        eq->ring.armed = false;
        gdma_raise(s, eq->msix);
    }
}

void gdma_post_cqe(Mana *s, uint32_t cq_id, const void *data, size_t bytes,
                   uint32_t wq_id, bool is_sq)
{
    GdmaCq *cq = gdma_cq_get(s, cq_id);
    GdmaCqeWire wire = { 0 };
    uint32_t info = 0;

    if (!cq) {
        return;
    }
    memcpy(wire.data, data, MIN(bytes, sizeof(wire.data)));
    info = FIELD_DP32(info, GDMA_CQE_INFO, WQ_ID, wq_id);
    info = FIELD_DP32(info, GDMA_CQE_INFO, IS_SQ, is_sq);
    info = FIELD_DP32(info, GDMA_CQE_INFO, OWNER, gdma_ring_owner(&cq->ring));
    wire.info = cpu_to_le32(info);
    gdma_write_entry(s, &cq->region, gdma_ring_slot(&cq->ring), &wire,
                     sizeof(wire));
    gdma_ring_advance(&cq->ring);
    gdma_doorbell_posted(&s->db_cq, cq_id, cq->ring.tail);
}

static void gdma_cq_post_event(Mana *s, uint32_t cq_id)
{
    GdmaCq *cq = &s->cqs[cq_id];

    cq->ring.armed = false;
    cq->mod_pending = 0;
    clear_bit(cq_id, s->cq_held);
    gdma_post_eqe(s, cq->eq_id, GDMA_EQE_COMPLETION, cq_id);
}

/*
 * The driver hears of the CQ by way of its EQ.  As it looks there anyhow, what other
 * CQs of this EQ hold back goes first.
 */
static void gdma_cq_fire(Mana *s, uint32_t cq_id)
{
    for (uint32_t id = find_first_bit(s->cq_held, s->cq_count);
         id < s->cq_count; id = find_next_bit(s->cq_held, s->cq_count,
                                              id + 1)) {
        if (id != cq_id && s->cqs[id].eq_id == s->cqs[cq_id].eq_id) {
            gdma_cq_post_event(s, id);
        }
    }
    gdma_cq_post_event(s, cq_id);
}

void gdma_cq_notify(Mana *s, uint32_t cq_id, uint32_t count)
{
    GdmaCq *cq = gdma_cq_get(s, cq_id);
    uint16_t usec;
    uint8_t comps;

    if (!cq || !count) {
        return;
    }
    if (gdma_cq_catch_up(s, cq_id)) {
        cq->ring.armed = true;
    }
    if (!cq->ring.armed) {
        return;
    }
    usec = cq->mod_usec;
    comps = cq->mod_comps;
    if (!usec && cq->wait_usec) {
        usec = cq->wait_usec;
        comps = MANA_TX_MOD_COMPS;
    }
    if (!usec) {
        gdma_cq_fire(s, cq_id);
        return;
    }
    if (!cq->mod_pending) {
        cq->mod_deadline_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                              (int64_t)usec * SCALE_US;
        set_bit(cq_id, s->cq_held);
        timer_mod_anticipate_ns(s->mod_timer, cq->mod_deadline_ns);
    }
    cq->mod_pending += MIN(count, UINT16_MAX);
    if (comps && cq->mod_pending >= comps) {
        gdma_cq_fire(s, cq_id);
    }
}

void gdma_cq_moderate(Mana *s, uint32_t cq_id, uint16_t usec, uint8_t comps)
{
    GdmaCq *cq = &s->cqs[cq_id];

    trace_gdma_cq_moderate(cq_id, usec, comps);
    cq->mod_usec = usec;
    cq->mod_comps = comps;
    if (cq->mod_pending && !usec) {
        gdma_cq_fire(s, cq_id);
    }
}

void gdma_release_held(Mana *s, bool all)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);

    for (uint32_t id = find_first_bit(s->cq_held, s->cq_count);
         id < s->cq_count; id = find_next_bit(s->cq_held, s->cq_count,
                                              id + 1)) {
        if (gdma_cq_catch_up(s, id)) {
            gdma_cq_fire(s, id);
        } else if (!test_bit(id, s->cq_held)) {
            continue;                   /* the driver has seen them */
        } else if (all || s->cqs[id].mod_deadline_ns <= now) {
            gdma_cq_fire(s, id);
        } else {
            timer_mod_anticipate_ns(s->mod_timer, s->cqs[id].mod_deadline_ns);
        }
    }
}

static bool gdma_wq_fail(Mana *s, bool is_sq, uint32_t id)
{
    GdmaWq *wq = is_sq ? &s->sqs[id] : &s->rqs[id];

    mana_guest_error(s, "bad entry in %s %u at byte 0x%x",
                     is_sq ? "SQ" : "RQ", id, wq->ring.head);
    wq->is_failed = true;
    return false;
}

bool gdma_wq_peek(Mana *s, bool is_sq, uint32_t id, GdmaWqe *wqe)
{
    GdmaWq *wq = is_sq ? &s->sqs[id] : &s->rqs[id];
    uint32_t posted = gdma_wq_posted_bytes(&wq->ring);
    uint32_t max_bytes = is_sq ? GDMA_MAX_SQE_BYTES : GDMA_MAX_RQE_BYTES;
    uint32_t have = wq->ring.head - wq->ahead_pos;

    if (!posted || wq->is_failed) {
        return false;
    }
    if (!wq->ahead) {
        wq->ahead = g_malloc(GDMA_RQ_AHEAD_BYTES);
    }
    /* what was read ahead may still have this entry */
    have = have < wq->ahead_bytes ? wq->ahead_bytes - have : 0;
    if (have && gdma_wqe_parse(wqe, wq->ahead + (wq->ring.head - wq->ahead_pos),
                               have, max_bytes)) {
        return true;
    }
    wq->ahead_pos = wq->ring.head;
    wq->ahead_bytes = MIN(posted, GDMA_RQ_AHEAD_BYTES);
    if (!gdma_ring_read(s, &wq->region, wq->ring.bytes, wq->ring.head,
                        wq->ahead, wq->ahead_bytes) ||
        !gdma_wqe_parse(wqe, wq->ahead, wq->ahead_bytes, max_bytes)) {
        return gdma_wq_fail(s, is_sq, id);
    }
    return true;
}

void gdma_wq_pop(GdmaWq *wq, const GdmaWqe *wqe)
{
    wq->ring.head += wqe->bytes;
}

/* @buf is only read if @is_write */
static bool gdma_sges_copy(Mana *s, const GdmaWqe *wqe, uint32_t at,
                           uint8_t *buf, uint32_t bytes, bool is_write)
{
    for (int i = 0; i < wqe->sge_count && bytes; i++) {
        const GdmaSge *sge = &wqe->sges[i];
        uint32_t n;

        if (at >= sge->bytes) {
            at -= sge->bytes;
            continue;
        }
        n = MIN(bytes, sge->bytes - at);
        if (is_write ? !guest_write(s->as, sge->address + at, buf, n)
                     : !guest_read(s->as, sge->address + at, buf, n)) {
            return false;
        }
        buf += n;
        bytes -= n;
        at = 0;
    }
    return bytes == 0;
}

bool gdma_sges_read(Mana *s, const GdmaWqe *wqe, uint32_t at, void *buf,
                    uint32_t bytes)
{
    return gdma_sges_copy(s, wqe, at, buf, bytes, false);
}

bool gdma_sges_write(Mana *s, const GdmaWqe *wqe, uint32_t at,
                     const void *buf, uint32_t bytes)
{
    return gdma_sges_copy(s, wqe, at, (uint8_t *)buf, bytes, true);
}
