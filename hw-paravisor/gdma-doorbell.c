/*
 * mana: doorbells and the bottom half that answers them
 *
 * A doorbell write leaves its value in an array, sets a bit and schedules the
 * bottom half: however many of them a vCPU writes, the work is done in one run,
 * and not at the cost of that vCPU.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "system/replay.h"
#include "mana-internal.h"

/* CQ and EQ values as kept: the tail, and arm in the bit above it */
#define GDMA_DB_ARM     0x80000000u

/* Rounds of one run before others get their turn */
#define MANA_BH_ROUNDS  4

static void gdma_doorbells_init_one(GdmaDoorbells *db, uint32_t count)
{
    db->count = count;
    db->value = g_new0(uint32_t, count);
    db->pending = bitmap_new(count);
}

static void gdma_doorbells_free_one(GdmaDoorbells *db)
{
    g_free(db->value);
    g_free(db->pending);
}

void gdma_doorbells_free(Mana *s)
{
    gdma_doorbells_free_one(&s->db_sq);
    gdma_doorbells_free_one(&s->db_rq);
    gdma_doorbells_free_one(&s->db_cq);
    gdma_doorbells_free_one(&s->db_eq);
    if (s->bh) {
        qemu_bh_delete(s->bh);
    }
}

void gdma_doorbell_forget(GdmaDoorbells *db, uint32_t id)
{
    clear_bit(id, db->pending);
}

static void gdma_doorbell_leave(GdmaDoorbells *db, uint32_t id, uint32_t val)
{
    if (id < db->count) {
        db->value[id] = val;
        set_bit(id, db->pending);
    }
}

static uint32_t gdma_doorbell_cq_value(uint64_t val)
{
    return FIELD_EX64(val, GDMA_CQ_DOORBELL, TAIL) |
           (FIELD_EX64(val, GDMA_CQ_DOORBELL, ARM) ? GDMA_DB_ARM : 0);
}

void mana_kick(Mana *s)
{
    replay_bh_schedule_event(s->bh);
}

/* Moderation of a CQ: nothing to wait for */
static void gdma_doorbell_dim(Mana *s, uint64_t val)
{
    uint32_t id = FIELD_EX64(val, GDMA_DIM_DOORBELL, ID);
    GdmaCq *cq = gdma_cq_get(s, id);

    if (cq) {
        uint16_t usec = cq->mod_usec;
        uint8_t comps = cq->mod_comps;

        if (FIELD_EX64(val, GDMA_DIM_DOORBELL, USEC_VALID)) {
            usec = FIELD_EX64(val, GDMA_DIM_DOORBELL, USEC);
        }
        if (FIELD_EX64(val, GDMA_DIM_DOORBELL, COMPS_VALID)) {
            comps = FIELD_EX64(val, GDMA_DIM_DOORBELL, COMPS);
        }
        gdma_cq_moderate(s, id, usec, comps);
    }
}

static void gdma_doorbell_write(void *opaque, hwaddr addr, uint64_t val,
                                unsigned size)
{
    Mana *s = opaque;
    uint32_t id = FIELD_EX64(val, GDMA_WQ_DOORBELL, ID);

    trace_gdma_doorbell(addr, val);
    if (s->inject.drop_doorbells) {
        s->inject.drop_doorbells--;
        return;
    }
    switch (addr & (GDMA_PAGE_SIZE - 1)) {
    case GDMA_DB_SQ:
        gdma_doorbell_leave(&s->db_sq, id,
                            FIELD_EX64(val, GDMA_WQ_DOORBELL, TAIL));
        break;
    case GDMA_DB_RQ:
    case GDMA_DB_RQ_CLIENT_DATA:
        gdma_doorbell_leave(&s->db_rq, id,
                            FIELD_EX64(val, GDMA_WQ_DOORBELL, TAIL));
        break;
    case GDMA_DB_CQ:
        gdma_doorbell_leave(&s->db_cq, id, gdma_doorbell_cq_value(val));
        break;
    case GDMA_DB_EQ:
        gdma_doorbell_leave(&s->db_eq,
                            FIELD_EX64(val, GDMA_EQ_DOORBELL, ID),
                            gdma_doorbell_cq_value(val));
        break;
    case GDMA_DB_DIM:
        gdma_doorbell_dim(s, val);
        return;
    default:
        return;
    }
    mana_kick(s);
}

static uint64_t gdma_doorbell_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

/* Whole 64-bit writes only: half a doorbell would name another queue */
const MemoryRegionOps gdma_doorbell_ops = {
    .read = gdma_doorbell_read,
    .write = gdma_doorbell_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 8, .max_access_size = 8 },
    .impl = { .min_access_size = 8, .max_access_size = 8 },
};

static void gdma_take_one(Mana *s, GdmaDoorbells *db,
                          void (*apply)(Mana *s, uint32_t id, uint32_t val))
{
    for (uint32_t w = 0; w < BITS_TO_LONGS(db->count); w++) {
        unsigned long bits = db->pending[w];

        db->pending[w] = 0;
        while (bits) {
            uint32_t id = w * BITS_PER_LONG + ctzl(bits);

            bits &= bits - 1;
            apply(s, id, db->value[id]);
        }
    }
}

static void gdma_take_eq(Mana *s, uint32_t id, uint32_t val)
{
    GdmaEq *eq = gdma_eq_get(s, id);

    if (eq && gdma_ring_doorbell(&eq->ring, val & ~GDMA_DB_ARM,
                                 val & GDMA_DB_ARM)) {
        gdma_raise(s, eq->msix);
    }
}

static void gdma_take_cq(Mana *s, uint32_t id, uint32_t val)
{
    GdmaCq *cq = gdma_cq_get(s, id);

    if (!cq) {
        return;
    }
    cq->mod_pending = 0;
    clear_bit(id, s->cq_held);
    if (gdma_ring_doorbell(&cq->ring, val & ~GDMA_DB_ARM, val & GDMA_DB_ARM)) {
        /* there are completions to see: as if they came now */
        cq->ring.armed = true;
        gdma_cq_notify(s, id, 1);
    }
}

static void gdma_take_sq(Mana *s, uint32_t id, uint32_t val)
{
    GdmaWq *wq = gdma_wq_get(s, true, id);

    if (wq && !gdma_wq_doorbell(&wq->ring, val)) {
        mana_guest_error(s, "SQ %u: tail 0x%x", id, val);
    } else if (wq && id != GDMA_HWC_ID && gdma_wq_posted_bytes(&wq->ring)) {
        set_bit(id, s->sq_active);
    }
}

static void gdma_take_rq(Mana *s, uint32_t id, uint32_t val)
{
    GdmaWq *wq = gdma_wq_get(s, false, id);

    if (wq && !gdma_wq_doorbell(&wq->ring, val)) {
        mana_guest_error(s, "RQ %u: tail 0x%x", id, val);
    } else if (wq && wq->is_starved) {
        wq->is_starved = false;
        wq->is_impatient = false;
        s->rx_resume = true;
    }
}

void gdma_take_doorbells(Mana *s)
{
    gdma_take_one(s, &s->db_eq, gdma_take_eq);
    gdma_take_one(s, &s->db_cq, gdma_take_cq);
    gdma_take_one(s, &s->db_rq, gdma_take_rq);
    gdma_take_one(s, &s->db_sq, gdma_take_sq);
}

static void mana_bh(void *opaque)
{
    Mana *s = opaque;
    bool more = false;

    if (s->is_stopped) {
        return;                         /* scheduled again with the VM */
    }
    for (int i = 0; i < MANA_BH_ROUNDS; i++) {
        gdma_take_doorbells(s);
        gdma_hwc_run(s);
        more = mana_tx_run(s);
        mana_rx_flush_all(s);
        if (s->rx_resume) {
            s->rx_resume = false;
            for (uint32_t v = 0; v < s->vport_count; v++) {
                mana_rx_resume(&s->vports[v]);
            }
            mana_rx_flush_all(s);
        }
        if (!more) {
            break;
        }
    }
    if (more) {
        qemu_bh_schedule(s->bh);
    }
}

void gdma_doorbells_init(Mana *s)
{
    gdma_doorbells_init_one(&s->db_sq, s->wq_count);
    gdma_doorbells_init_one(&s->db_rq, s->wq_count);
    gdma_doorbells_init_one(&s->db_cq, s->cq_count);
    gdma_doorbells_init_one(&s->db_eq, s->eq_count);
    s->bh = qemu_bh_new_guarded(mana_bh, s, &DEVICE(s)->mem_reentrancy_guard);
}
