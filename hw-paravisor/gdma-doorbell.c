/*
 * mana: doorbells and the bottom half that answers them
 *
 * A doorbell write leaves its value in an array, sets a bit and schedules the
 * bottom half: however many of them a vCPU writes, the work is done in one run,
 * and not at the cost of that vCPU, which does not even wait for the BQL.  Hence two
 * sides, with a full barrier on each between what it writes and what it reads:
 *
 *   the vCPU    writes .value and .pending, then reads .posted or .wanted
 *   the device  writes .posted or .wanted, then reads .pending
 *
 * A doorbell that gives room back or asks for an event wakes the bottom half only
 * if there is something to do already; else the device finds it when it comes to
 * that queue (gdma_*_catch_up()).
 *
 * VTL2's driver rings from the main loop.  Its frames are sent at once: another round
 * of the loop would let go of the BQL and take it again before a vCPU that waits for
 * it has woken, and the vCPU would wait on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/core/cpu.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "system/tcg.h"
#include "mana-internal.h"

/* CQ and EQ values as kept: the tail, and arm in the bit above it */
#define GDMA_DB_ARM     0x80000000u

/* Rounds of one run before others get their turn */
#define MANA_BH_ROUNDS  4

static void gdma_doorbells_free_one(GdmaDoorbells *db)
{
    g_free(db->value);
    g_free(db->posted);
    g_free(db->pending);
    g_free(db->wanted);
}

static void gdma_doorbells_init_one(GdmaDoorbells *db, uint32_t count)
{
    gdma_doorbells_free_one(db);        /* of an earlier realization */
    db->count = count;
    db->value = g_new0(uint32_t, count);
    db->posted = g_new0(uint32_t, count);
    db->pending = bitmap_new(count);
    db->wanted = bitmap_new(count);
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

void gdma_doorbell_forget(GdmaDoorbells *db, uint32_t id, uint32_t posted)
{
    clear_bit_atomic(id, db->pending);
    if (id != GDMA_HWC_ID) {
        clear_bit_atomic(id, db->wanted);
    }
    gdma_doorbell_posted(db, id, posted);
}

void gdma_doorbell_posted(GdmaDoorbells *db, uint32_t id, uint32_t posted)
{
    qatomic_set(&db->posted[id], posted);
}

static bool gdma_doorbell_leave(GdmaDoorbells *db, uint32_t id, uint32_t val)
{
    if (id >= db->count) {
        return false;
    }
    qatomic_set(&db->value[id], val);
    set_bit_atomic(id, db->pending);
    smp_mb__after_rmw();                /* .pending before .posted or .wanted */
    return true;
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

/* One that wants an event of entries that are there already */
static void gdma_doorbell_cq(Mana *s, GdmaDoorbells *db, uint32_t id,
                             uint64_t val)
{
    uint32_t left = gdma_doorbell_cq_value(val);

    if (gdma_doorbell_leave(db, id, left) && (left & GDMA_DB_ARM) &&
        qatomic_read(&db->posted[id]) != (left & ~GDMA_DB_ARM)) {
        mana_kick(s);
    }
}

static bool gdma_doorbell_is_wanted(const GdmaDoorbells *db, uint32_t id)
{
    return qatomic_read(&db->wanted[BIT_WORD(id)]) & BIT_MASK(id);
}

static void gdma_doorbell_rq(Mana *s, uint32_t id, uint64_t val)
{
    GdmaDoorbells *db = &s->db_rq;

    if (gdma_doorbell_leave(db, id, FIELD_EX64(val, GDMA_WQ_DOORBELL, TAIL)) &&
        gdma_doorbell_is_wanted(db, id)) {
        mana_kick(s);
    }
}

static void mana_run(Mana *s);

static void mana_work(CPUState *cpu, run_on_cpu_data data)
{
    Mana *s = data.host_ptr;
    MemReentrancyGuard *guard = &DEVICE(s)->mem_reentrancy_guard;
    bool was_engaged = guard->engaged_in_io;

    qatomic_set(&s->work_queued, false);
    guard->engaged_in_io = true;        /* as for the bottom half */
    mana_run(s);
    guard->engaged_in_io = was_engaged;
    object_unref(s);
}

/*
 * Run when this vCPU leaves guest code, which is at once: where each frame waits for
 * the one before, the main loop would have to wake for every one of them
 */
static void mana_kick_vcpu(Mana *s)
{
    if (!qatomic_xchg(&s->work_queued, true)) {
        object_ref(s);
        async_run_on_cpu(current_cpu, mana_work, RUN_ON_CPU_HOST_PTR(s));
    }
}

static void gdma_doorbell_sq(Mana *s, uint32_t id, uint64_t val)
{
    GdmaDoorbells *db = &s->db_sq;

    if (!gdma_doorbell_leave(db, id, FIELD_EX64(val, GDMA_WQ_DOORBELL, TAIL))) {
        return;
    }
    if (!s->doorbells.lockless_writes || id == GDMA_HWC_ID) {
        mana_kick(s);
    } else if (!current_cpu && !s->is_running) {
        mana_run(s);                    /* VTL2's driver, in a bottom half */
    } else if (current_cpu && gdma_doorbell_is_wanted(db, id)) {
        mana_kick_vcpu(s);
    } else {
        mana_kick(s);
    }
}

/* Moderation of a CQ: nothing to wait for */
static void gdma_doorbell_dim(Mana *s, uint64_t val)
{
    uint32_t id = FIELD_EX64(val, GDMA_DIM_DOORBELL, ID);
    BQL_LOCK_GUARD();
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

static bool gdma_doorbell_is_dropped(Mana *s)
{
    if (!qatomic_read(&s->inject.drop_doorbells)) {
        return false;
    }
    BQL_LOCK_GUARD();
    if (!s->inject.drop_doorbells) {
        return false;
    }
    s->inject.drop_doorbells--;
    return true;
}

/* Without the BQL, see above */
static void gdma_doorbell_write(void *opaque, hwaddr addr, uint64_t val,
                                unsigned size)
{
    Mana *s = opaque;
    uint32_t id = FIELD_EX64(val, GDMA_WQ_DOORBELL, ID);

    trace_gdma_doorbell(addr, val);
    if (gdma_doorbell_is_dropped(s)) {
        return;
    }
    switch (addr & (GDMA_PAGE_SIZE - 1)) {
    case GDMA_DB_SQ:
        gdma_doorbell_sq(s, id, val);
        break;
    case GDMA_DB_RQ:
    case GDMA_DB_RQ_CLIENT_DATA:
        gdma_doorbell_rq(s, id, val);
        break;
    case GDMA_DB_CQ:
        gdma_doorbell_cq(s, &s->db_cq, id, val);
        break;
    case GDMA_DB_EQ:
        gdma_doorbell_cq(s, &s->db_eq, FIELD_EX64(val, GDMA_EQ_DOORBELL, ID),
                         val);
        break;
    case GDMA_DB_DIM:
        gdma_doorbell_dim(s, val);
        break;
    }
}

static uint64_t gdma_doorbell_read(void *opaque, hwaddr addr, unsigned size)
{
    return 0;
}

/* Whole 64-bit writes only: half a doorbell would name another queue */
static const MemoryRegionOps gdma_doorbell_ops = {
    .read = gdma_doorbell_read,
    .write = gdma_doorbell_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 8, .max_access_size = 8 },
    .impl = { .min_access_size = 8, .max_access_size = 8 },
};

void gdma_doorbells_map(Mana *s)
{
    memory_region_init_io(&s->doorbells, OBJECT(s), &gdma_doorbell_ops, s,
                          "mana-doorbells",
                          MANA_BAR_BYTES - MANA_DB_ZONE_OFFSET);
    /* a replay wants each write in its place among the main loop's events */
    s->doorbells.lockless_writes = tcg_enabled() && !icount_enabled();
    s->doorbells.disable_reentrancy_guard = s->doorbells.lockless_writes;
    memory_region_add_subregion(&s->bar, MANA_DB_ZONE_OFFSET, &s->doorbells);
}

/* Whether there was a write to @id since the last time */
static bool gdma_doorbell_take(GdmaDoorbells *db, uint32_t id, uint32_t *val)
{
    unsigned long *word = &db->pending[BIT_WORD(id)];

    smp_mb();                           /* .posted or .wanted before .pending */
    if (!(qatomic_read(word) & BIT_MASK(id))) {
        return false;
    }
    clear_bit_atomic(id, db->pending);
    smp_mb__after_rmw();
    *val = qatomic_read(&db->value[id]);
    return true;
}

bool gdma_eq_catch_up(Mana *s, uint32_t id)
{
    GdmaEq *eq = gdma_eq_get(s, id);
    uint32_t val;

    return eq && gdma_doorbell_take(&s->db_eq, id, &val) &&
           gdma_ring_doorbell(&eq->ring, val & ~GDMA_DB_ARM,
                              val & GDMA_DB_ARM);
}

bool gdma_cq_catch_up(Mana *s, uint32_t id)
{
    GdmaCq *cq = gdma_cq_get(s, id);
    uint32_t val;

    if (!cq || !gdma_doorbell_take(&s->db_cq, id, &val)) {
        return false;
    }
    cq->mod_pending = 0;
    clear_bit(id, s->cq_held);
    return gdma_ring_doorbell(&cq->ring, val & ~GDMA_DB_ARM,
                              val & GDMA_DB_ARM);
}

static void gdma_rq_catch_up(Mana *s, uint32_t id)
{
    GdmaWq *wq = gdma_wq_get(s, false, id);
    uint32_t val;

    if (!wq || !gdma_doorbell_take(&s->db_rq, id, &val)) {
        return;
    }
    if (!gdma_wq_doorbell(&wq->ring, val)) {
        mana_guest_error(s, "RQ %u: tail 0x%x", id, val);
    } else if (wq->is_starved) {
        wq->is_starved = false;
        wq->is_impatient = false;
        s->rx_resume = true;
    }
}

void gdma_sq_want(Mana *s, uint32_t id, bool is_wanted)
{
    if (is_wanted == gdma_doorbell_is_wanted(&s->db_sq, id)) {
        return;
    }
    if (is_wanted) {
        set_bit_atomic(id, s->db_sq.wanted);
    } else {
        clear_bit_atomic(id, s->db_sq.wanted);
    }
}

void gdma_rq_want(Mana *s, uint32_t id)
{
    set_bit_atomic(id, s->db_rq.wanted);
    gdma_rq_catch_up(s, id);
    if (s->rx_resume) {
        mana_kick(s);                   /* frames of another subqueue wait */
    }
}

static void gdma_take_eq(Mana *s, uint32_t id)
{
    if (gdma_eq_catch_up(s, id)) {
        gdma_raise(s, s->eqs[id].msix);
    }
}

static void gdma_take_cq(Mana *s, uint32_t id)
{
    if (gdma_cq_catch_up(s, id)) {
        /* there are completions to see: as if they came now */
        s->cqs[id].ring.armed = true;
        gdma_cq_notify(s, id, 1);
    }
}

static void gdma_take_rq(Mana *s, uint32_t id)
{
    if (id != GDMA_HWC_ID) {
        clear_bit_atomic(id, s->db_rq.wanted);
    }
    gdma_rq_catch_up(s, id);
}

static void gdma_take_sq(Mana *s, uint32_t id)
{
    GdmaWq *wq = gdma_wq_get(s, true, id);
    uint32_t val;

    if (!wq || !gdma_doorbell_take(&s->db_sq, id, &val)) {
        return;
    }
    if (!gdma_wq_doorbell(&wq->ring, val)) {
        mana_guest_error(s, "SQ %u: tail 0x%x", id, val);
    } else if (id != GDMA_HWC_ID && gdma_wq_posted_bytes(&wq->ring)) {
        set_bit(id, s->sq_active);
    }
}

static void gdma_take_all(Mana *s, GdmaDoorbells *db,
                          void (*take)(Mana *s, uint32_t id))
{
    for (uint32_t w = 0; w < BITS_TO_LONGS(db->count); w++) {
        unsigned long bits = qatomic_read(&db->pending[w]);

        for (; bits; bits &= bits - 1) {
            take(s, w * BITS_PER_LONG + ctzl(bits));
        }
    }
}

void gdma_take_doorbells(Mana *s)
{
    gdma_take_all(s, &s->db_eq, gdma_take_eq);
    gdma_take_all(s, &s->db_cq, gdma_take_cq);
    gdma_take_all(s, &s->db_rq, gdma_take_rq);
    gdma_take_all(s, &s->db_sq, gdma_take_sq);
}

static void mana_run(Mana *s)
{
    bool more = false;

    if (s->is_stopped || !s->vports) {
        return;                         /* scheduled again with the VM, or gone */
    }
    s->is_running = true;
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
    s->is_running = false;
    if (more) {
        qemu_bh_schedule(s->bh);
    }
}

static void mana_bh(void *opaque)
{
    mana_run(opaque);
}

void gdma_doorbells_init(Mana *s)
{
    gdma_doorbells_init_one(&s->db_sq, s->wq_count);
    gdma_doorbells_init_one(&s->db_rq, s->wq_count);
    set_bit(GDMA_HWC_ID, s->db_rq.wanted);
    gdma_doorbells_init_one(&s->db_cq, s->cq_count);
    gdma_doorbells_init_one(&s->db_eq, s->eq_count);
    if (!s->bh) {
        s->bh = qemu_bh_new_guarded(mana_bh, s,
                                    &DEVICE(s)->mem_reentrancy_guard);
    }
}
