/*
 * MANA driver of VTL2: rings in VTL2's memory, and doorbells
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "mana-drv-state-core.h"

bool mana_drv_alloc(ManaDrv *d, size_t bytes, Vtl2Dma *dma)
{
    if (!d->ops->dma_alloc(d->fn, bytes, dma)) {
        memset(dma, 0, sizeof(*dma));
        return false;
    }
    d->memory_bytes += dma->bytes;
    return true;
}

void mana_drv_dealloc(ManaDrv *d, Vtl2Dma *dma)
{
    if (dma->ptr) {
        d->memory_bytes -= dma->bytes;
        d->ops->dma_free(d->fn, dma);
        memset(dma, 0, sizeof(*dma));
    }
}

void mana_drv_eq_init(ManaDrvEq *eq, unsigned int vector)
{
    /* owner bits 0: no lap of the adapter's first eight but the last */
    memset(eq->ring.ptr, 0, MANA_DRV_EQ_BYTES);
    eq->head = MANA_DRV_EQ_BYTES / GDMA_EQE_BYTES;
    eq->id = 0;
    eq->db_page = 0;
    eq->vector = vector;
    eq->is_there = false;
}

void mana_drv_cq_init(ManaDrvCq *cq, uint32_t ring_bytes)
{
    memset(cq->ring.ptr, 0, ring_bytes);
    cq->ring_bytes = ring_bytes;
    cq->head = ring_bytes / GDMA_CQE_BYTES;
    cq->id = 0;
    cq->db_page = 0;
}

void mana_drv_wq_init(ManaDrvWq *wq, uint32_t ring_bytes, bool is_rq)
{
    wq->ring_bytes = ring_bytes;
    wq->head_bytes = 0;
    wq->told_bytes = 0;
    wq->id = 0;
    wq->db_page = 0;
    wq->obj = 0;
    wq->is_rq = is_rq;
}

/* The lap that @owner is of decides; one that is neither means lost entries */
static ManaDrvTaken mana_drv_owner(uint32_t head, uint32_t entries,
                                   uint32_t owner)
{
    uint32_t lap = head / entries;

    if (owner == ((lap - 1) & GDMA_OWNER_MASK)) {
        return MANA_DRV_NOTHING;
    }
    return owner == (lap & GDMA_OWNER_MASK) ? MANA_DRV_TAKEN : MANA_DRV_OVERRUN;
}

/* Heads count modulo eight laps, as the doorbells do */
static uint32_t mana_drv_next_head(uint32_t head, uint32_t entries)
{
    return (head + 1) & (entries * (GDMA_OWNER_MASK + 1) - 1);
}

ManaDrvTaken mana_drv_eq_take(ManaDrvEq *eq, GdmaEqeWire *eqe)
{
    uint32_t entries = MANA_DRV_EQ_BYTES / GDMA_EQE_BYTES;
    const GdmaEqeWire *ring = eq->ring.ptr;
    const GdmaEqeWire *at = &ring[eq->head & (entries - 1)];
    uint32_t info = le32_to_cpu(qatomic_load_acquire(&at->info));
    ManaDrvTaken taken = mana_drv_owner(eq->head, entries,
                                        FIELD_EX32(info, GDMA_EQE_INFO, OWNER));

    if (taken == MANA_DRV_TAKEN) {
        *eqe = *at;
        eqe->info = cpu_to_le32(info);
        eq->head = mana_drv_next_head(eq->head, entries);
    }
    return taken;
}

ManaDrvTaken mana_drv_cq_take(ManaDrvCq *cq, GdmaCqeWire *cqe)
{
    uint32_t entries = cq->ring_bytes / GDMA_CQE_BYTES;
    const GdmaCqeWire *ring = cq->ring.ptr;
    const GdmaCqeWire *at = &ring[cq->head & (entries - 1)];
    uint32_t info = le32_to_cpu(qatomic_load_acquire(&at->info));
    ManaDrvTaken taken = mana_drv_owner(cq->head, entries,
                                        FIELD_EX32(info, GDMA_CQE_INFO, OWNER));

    if (taken == MANA_DRV_TAKEN) {
        *cqe = *at;
        cqe->info = cpu_to_le32(info);
        cq->head = mana_drv_next_head(cq->head, entries);
    }
    return taken;
}

/* .db_page was checked when it came: it is inside of the BAR */
static void mana_drv_doorbell(ManaDrv *d, uint32_t db_page, uint32_t offset,
                              uint64_t val)
{
    smp_wmb();                          /* entries before the doorbell */
    d->ops->write64(d->fn, MANA_DRV_BAR, d->regs.db_zone +
                    (uint64_t)db_page * d->regs.db_page_bytes + offset, val);
}

void mana_drv_eq_arm(ManaDrv *d, ManaDrvEq *eq)
{
    uint64_t val = FIELD_DP64(0, GDMA_EQ_DOORBELL, ID, eq->id);

    val = FIELD_DP64(val, GDMA_CQ_DOORBELL, TAIL, eq->head);
    mana_drv_doorbell(d, eq->db_page, GDMA_DB_EQ,
                      FIELD_DP64(val, GDMA_CQ_DOORBELL, ARM, 1));
}

void mana_drv_cq_ring(ManaDrv *d, ManaDrvCq *cq, bool arm)
{
    uint64_t val = FIELD_DP64(0, GDMA_CQ_DOORBELL, ID, cq->id);

    val = FIELD_DP64(val, GDMA_CQ_DOORBELL, TAIL, cq->head);
    mana_drv_doorbell(d, cq->db_page, GDMA_DB_CQ,
                      FIELD_DP64(val, GDMA_CQ_DOORBELL, ARM, arm));
}

void mana_drv_wq_ring_again(ManaDrv *d, ManaDrvWq *wq)
{
    uint64_t val = FIELD_DP64(0, GDMA_WQ_DOORBELL, ID, wq->id);

    wq->told_bytes = wq->head_bytes;
    mana_drv_doorbell(d, wq->db_page, wq->is_rq ? GDMA_DB_RQ : GDMA_DB_SQ,
                      FIELD_DP64(val, GDMA_WQ_DOORBELL, TAIL, wq->head_bytes));
}

void mana_drv_wq_ring(ManaDrv *d, ManaDrvWq *wq)
{
    if (wq->told_bytes != wq->head_bytes) {
        mana_drv_wq_ring_again(d, wq);
    }
}

uint32_t mana_drv_wq_put(ManaDrvWq *wq, const void *oob, uint32_t oob_bytes,
                         const GdmaSgeWire *sges, unsigned int sge_count,
                         bool oob_in_sgl, uint16_t client_data)
{
    uint8_t wqe[MANA_DRV_MAX_WQE_BYTES] = { 0 };
    uint32_t bytes = mana_drv_wqe_bytes(oob_bytes, sge_count);
    uint32_t params = FIELD_DP32(0, GDMA_WQE_PARAMS, SGE_COUNT, sge_count);
    uint32_t at = wq->head_bytes & (wq->ring_bytes - 1);
    uint32_t run = MIN(bytes, wq->ring_bytes - at);

    assert(oob_bytes <= MANA_TX_OOB_LONG_BYTES &&
           sge_count <= MANA_DRV_MAX_SGES);
    params = FIELD_DP32(params, GDMA_WQE_PARAMS, OOB_SIZE, oob_bytes / 4);
    params = FIELD_DP32(params, GDMA_WQE_PARAMS, OOB_IN_SGL, oob_in_sgl);
    params = FIELD_DP32(params, GDMA_WQE_PARAMS, CLIENT_DATA_UNIT, client_data);
    stl_le_p(wqe + offsetof(GdmaWqeHeaderWire, params), params);
    memcpy(wqe + sizeof(GdmaWqeHeaderWire), oob, oob_bytes);
    memcpy(wqe + sizeof(GdmaWqeHeaderWire) + oob_bytes, sges,
           sge_count * sizeof(*sges));
    memcpy((uint8_t *)wq->ring.ptr + at, wqe, run);
    memcpy(wq->ring.ptr, wqe + run, bytes - run);
    wq->head_bytes += bytes;
    return bytes;
}
