/*
 * A guest's GDMA driver for qtests: rings, queues, doorbells, interrupts
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "hw/pci/pci_regs.h"
#include "gdma-client.h"

/* As Linux: so many entries are taken from an EQ for an interrupt */
#define EQES_PER_INTERRUPT  5

/* --- rings --- */

GdmaRing gdma_ring_new(GdmaClient *d, uint32_t bytes, bool scattered)
{
    unsigned pages = DIV_ROUND_UP(bytes, GDMA_PAGE_SIZE);
    GdmaRing ring = {
        .bytes = bytes, .pages = pages, .page_gpa = g_new(uint64_t, pages),
    };
    uint64_t gpa = pcie_guest_alloc(d->g, scattered ? 2 * pages : pages);

    for (unsigned i = 0; i < pages; i++) {
        /* backwards, with holes */
        unsigned at = scattered ? 2 * (pages - 1 - i) : i;

        ring.page_gpa[i] = gpa + (uint64_t)at * GDMA_PAGE_SIZE;
    }
    return ring;
}

void gdma_ring_free(GdmaRing *ring)
{
    g_free(ring->page_gpa);
    ring->page_gpa = NULL;
}

void *gdma_ring_at(GdmaClient *d, const GdmaRing *ring, uint32_t offset_bytes)
{
    g_assert_cmpuint(offset_bytes, <, ring->bytes);
    return pcie_guest_ptr(d->g, ring->page_gpa[offset_bytes / GDMA_PAGE_SIZE] +
                                offset_bytes % GDMA_PAGE_SIZE);
}

/* --- doorbells --- */

void gdma_doorbell(GdmaClient *d, uint32_t db_page, uint32_t offset,
                   uint64_t val)
{
    qpci_io_writeq(d->pci, d->bar,
                   d->db_zone + (uint64_t)db_page * d->db_page_bytes + offset,
                   val);
}

void gdma_eq_ring(GdmaEq *eq, bool arm)
{
    uint32_t entries = eq->ring.bytes / GDMA_EQE_BYTES;

    gdma_doorbell(eq->d, eq->db_page, GDMA_DB_EQ,
                  eq->id | (uint64_t)(eq->head % (entries * 8)) << 32 |
                  (uint64_t)arm << 63);
}

void gdma_cq_ring(GdmaCq *cq, bool arm)
{
    uint32_t entries = cq->ring.bytes / GDMA_CQE_BYTES;

    if (arm) {
        cq->is_ready = false;
    }
    gdma_doorbell(cq->d, cq->db_page, GDMA_DB_CQ,
                  cq->id | (uint64_t)(cq->head % (entries * 8)) << 32 |
                  (uint64_t)arm << 63);
}

void gdma_wq_ring(GdmaWq *wq)
{
    gdma_doorbell(wq->d, wq->db_page, wq->is_rq ? GDMA_DB_RQ : GDMA_DB_SQ,
                  wq->id | (uint64_t)wq->head_bytes << 32);
}

/* --- event and completion queues --- */

/* Neither new nor old would mean that entries were lost */
static bool owner_is_new(uint32_t head, uint32_t entries, uint32_t owner)
{
    uint32_t lap = head / entries;

    if (owner == ((lap - 1) & GDMA_OWNER_MASK)) {
        return false;
    }
    g_assert_cmphex(owner, ==, lap & GDMA_OWNER_MASK);
    return true;
}

bool gdma_eq_next(GdmaEq *eq, GdmaEqeWire *eqe)
{
    uint32_t entries = eq->ring.bytes / GDMA_EQE_BYTES;
    GdmaEqeWire *at = gdma_ring_at(eq->d, &eq->ring,
                                   eq->head % entries * GDMA_EQE_BYTES);
    uint32_t info = le32_to_cpu(qatomic_load_acquire(&at->info));

    if (!owner_is_new(eq->head, entries, FIELD_EX32(info, GDMA_EQE_INFO,
                                                    OWNER))) {
        return false;
    }
    *eqe = *at;
    eq->head++;
    return true;
}

bool gdma_cq_next(GdmaCq *cq, GdmaCqeWire *cqe)
{
    uint32_t entries = cq->ring.bytes / GDMA_CQE_BYTES;
    GdmaCqeWire *at = gdma_ring_at(cq->d, &cq->ring,
                                   cq->head % entries * GDMA_CQE_BYTES);
    uint32_t info = le32_to_cpu(qatomic_load_acquire(&at->info));

    if (!owner_is_new(cq->head, entries, FIELD_EX32(info, GDMA_CQE_INFO,
                                                    OWNER))) {
        return false;
    }
    *cqe = *at;
    cq->head++;
    return true;
}

GdmaEq *gdma_eq_find(GdmaClient *d, uint32_t id)
{
    for (unsigned i = 0; i < d->eqs->len; i++) {
        GdmaEq *eq = g_ptr_array_index(d->eqs, i);

        if (eq->id == id) {
            return eq;
        }
    }
    return NULL;
}

static GdmaCq *find_cq(GdmaClient *d, uint32_t id)
{
    for (unsigned i = 0; i < d->cqs->len; i++) {
        GdmaCq *cq = g_ptr_array_index(d->cqs, i);

        if (cq->id == id) {
            return cq;
        }
    }
    return NULL;
}

static void take_init_eqe(GdmaEq *eq, uint32_t type, uint32_t data)
{
    GdmaClient *d = eq->d;
    uint32_t kind = FIELD_EX32(data, GDMA_EQE_DATA, TYPE);

    /* until it knows its ID the guest cannot ring */
    if (d->init_eqes++ == 0) {
        g_assert_cmpuint(type, ==, GDMA_EQE_HWC_INIT_EQ_ID_DB);
    }
    switch (type) {
    case GDMA_EQE_HWC_INIT_EQ_ID_DB:
        eq->id = FIELD_EX32(data, GDMA_INIT_EQ_ID_DB, EQ_ID);
        eq->db_page = FIELD_EX32(data, GDMA_INIT_EQ_ID_DB, DB_PAGE);
        break;
    case GDMA_EQE_HWC_INIT_DATA:
        g_assert_cmpuint(kind, <, GDMA_CLIENT_INIT_VALUES);
        d->init[kind] = FIELD_EX32(data, GDMA_EQE_DATA, VALUE);
        break;
    case GDMA_EQE_HWC_INIT_DONE:
        d->is_up = true;
        break;
    }
}

static void take_eqe(GdmaEq *eq, const GdmaEqeWire *eqe)
{
    uint32_t type = FIELD_EX32(le32_to_cpu(eqe->info), GDMA_EQE_INFO, TYPE);
    uint32_t data = le32_to_cpu(eqe->details[0]);
    GdmaCq *cq;

    switch (type) {
    case GDMA_EQE_COMPLETION:
        cq = find_cq(eq->d, data & 0xffffff);
        if (!cq && eq->d->ignores_strays) {
            break;
        }
        if (!cq) {
            g_error("completion event for unknown CQ %u", data & 0xffffff);
        }
        g_assert(cq->eq == eq);
        cq->is_ready = true;
        cq->is_fresh = true;
        eq->completions++;
        break;
    case GDMA_EQE_TEST_EVENT:
        eq->tests++;
        break;
    case GDMA_EQE_HWC_INIT_EQ_ID_DB:
    case GDMA_EQE_HWC_INIT_DATA:
    case GDMA_EQE_HWC_INIT_DONE:
        g_assert(eq == eq->d->hwc_eq);
        take_init_eqe(eq, type, data);
        break;
    default:
        g_array_append_val(eq->d->news, *eqe);
        break;
    }
}

/* True if vector @nth fired since it was last asked for */
static bool gdma_take_interrupt(GdmaClient *d, unsigned nth)
{
    uint32_t *word = pcie_guest_ptr(d->g, d->msi_gpa + 4 * nth);
    uint32_t data = le32_to_cpu(qatomic_xchg(word, 0));

    if (!data) {
        return false;
    }
    if (d->ignores_strays && data != nth + 1) {
        return false;
    }
    g_assert_cmphex(data, ==, nth + 1);
    d->interrupts[nth]++;
    return true;
}

static void serve_eq(GdmaEq *eq)
{
    GdmaEqeWire eqe;

    for (int i = 0; i < EQES_PER_INTERRUPT && gdma_eq_next(eq, &eqe); i++) {
        take_eqe(eq, &eqe);
    }
    gdma_eq_ring(eq, true);
}

void gdma_poll(GdmaClient *d)
{
    for (unsigned i = 0; i < d->vectors; i++) {
        if (!gdma_take_interrupt(d, i)) {
            continue;
        }
        for (unsigned k = 0; k < d->eqs->len; k++) {
            GdmaEq *eq = g_ptr_array_index(d->eqs, k);

            if (eq->msix == i && !eq->holds) {
                serve_eq(eq);
            }
        }
    }
}

void gdma_settle(GdmaClient *d)
{
    int64_t end = g_get_monotonic_time() + GDMA_CLIENT_QUIET_US;

    while (g_get_monotonic_time() < end) {
        pcie_guest_step(d->g, 100 * 1000);
        gdma_poll(d);
        g_usleep(1000);
    }
}

bool gdma_cq_wait(GdmaCq *cq, GdmaCqeWire *cqe, int64_t timeout_us)
{
    int64_t end = g_get_monotonic_time() + timeout_us;

    for (;;) {
        while (cq->is_ready) {
            if (gdma_cq_next(cq, cqe)) {
                cq->is_fresh = false;
                return true;
            }
            /* taken all: as Linux when its poll is done */
            cq->empty_events += cq->is_fresh;
            cq->is_fresh = false;
            gdma_cq_ring(cq, true);
        }
        pcie_guest_step(cq->d->g, 10 * 1000);
        gdma_poll(cq->d);
        if (cq->is_ready) {
            continue;
        }
        if (g_get_monotonic_time() >= end) {
            return false;
        }
        g_usleep(50);
    }
}

/* --- work queues --- */

uint32_t gdma_wqe_bytes(const GdmaWqe *wqe)
{
    return ROUND_UP(sizeof(GdmaWqeHeaderWire) + wqe->oob_bytes +
                    wqe->sge_count * sizeof(GdmaSgeWire), GDMA_WQE_BU_BYTES);
}

/* Raw basic units */
static void gdma_wq_put_raw(GdmaWq *wq, const void *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i += GDMA_WQE_BU_BYTES) {
        memcpy(gdma_ring_at(wq->d, &wq->ring, wq->head_bytes % wq->ring.bytes),
               (const uint8_t *)data + i, GDMA_WQE_BU_BYTES);
        wq->head_bytes += GDMA_WQE_BU_BYTES;
    }
}

uint32_t gdma_wq_put(GdmaWq *wq, const GdmaWqe *wqe)
{
    uint8_t buf[GDMA_MAX_SQE_BYTES] = { 0 };
    uint32_t bytes = gdma_wqe_bytes(wqe);
    uint32_t offset = wq->head_bytes % wq->ring.bytes;
    uint32_t params = 0;
    uint8_t *p = buf + sizeof(GdmaWqeHeaderWire);

    g_assert_cmpuint(bytes, <=, sizeof(buf));
    params = FIELD_DP32(params, GDMA_WQE_PARAMS, SGE_COUNT, wqe->sge_count);
    params = FIELD_DP32(params, GDMA_WQE_PARAMS, OOB_SIZE,
                        wqe->oob_bytes == 32 ? GDMA_WQE_OOB_32 :
                        wqe->oob_bytes / 4);
    params = FIELD_DP32(params, GDMA_WQE_PARAMS, OOB_IN_SGL, wqe->oob_in_sgl);
    params = FIELD_DP32(params, GDMA_WQE_PARAMS, CLIENT_DATA_UNIT,
                        wqe->client_data_unit);
    stl_le_p(buf + 4, params);
    memcpy(p, wqe->oob, wqe->oob_bytes);
    p += wqe->oob_bytes;
    for (unsigned i = 0; i < wqe->sge_count; i++) {
        stq_le_p(p, wqe->sges[i].address);
        stl_le_p(p + 8, wqe->sges[i].mem_key);
        stl_le_p(p + 12, wqe->sges[i].bytes);
        p += sizeof(GdmaSgeWire);
    }
    gdma_wq_put_raw(wq, buf, bytes);
    return offset;
}

/* --- queue objects --- */

GdmaCq *gdma_cq_new(GdmaClient *d, GdmaRing ring, GdmaEq *eq, uint32_t id)
{
    GdmaCq *cq = g_new0(GdmaCq, 1);

    g_assert(!find_cq(d, id));
    *cq = (GdmaCq) {
        .d = d, .ring = ring, .eq = eq, .id = id, .db_page = d->db_page,
        .head = ring.bytes / GDMA_CQE_BYTES,
    };
    g_ptr_array_add(d->cqs, cq);
    return cq;
}

void gdma_cq_free(GdmaCq *cq)
{
    GdmaEqeWire eqe;

    /* events that came before the device let go of it; poll() arms the EQ */
    if (g_ptr_array_find(cq->d->eqs, cq->eq, NULL) && !cq->eq->holds) {
        while (gdma_eq_next(cq->eq, &eqe)) {
            take_eqe(cq->eq, &eqe);
        }
    }
    g_ptr_array_remove(cq->d->cqs, cq);
    gdma_ring_free(&cq->ring);
    g_free(cq);
}

uint32_t gdma_eq_try(GdmaClient *d, uint64_t region, uint32_t bytes,
                     unsigned msix, uint32_t *id)
{
    GdmaCreateQueueReqWire req = { 0 };
    GdmaCreateQueueRespWire resp;
    uint32_t status;

    gdma_init_request(d, &req, GDMA_CREATE_QUEUE, sizeof(req), sizeof(resp));
    req.hdr.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    req.type = cpu_to_le32(GDMA_QUEUE_EQ);
    req.pdid = cpu_to_le32(d->pdid);
    req.db_page = cpu_to_le32(d->db_page);
    req.region = cpu_to_le64(region);
    req.queue_bytes = cpu_to_le32(bytes);
    req.eq_msix = cpu_to_le32(msix);
    status = gdma_request(d, &req, sizeof(req), &resp, sizeof(resp));
    *id = le32_to_cpu(resp.queue_id);
    return status;
}

GdmaEq *gdma_eq_new(GdmaClient *d, uint32_t bytes, unsigned msix)
{
    GdmaEq *eq = g_new0(GdmaEq, 1);
    uint64_t region;

    eq->d = d;
    eq->msix = msix;
    eq->db_page = d->db_page;
    eq->ring = gdma_ring_new(d, bytes, true);
    eq->head = bytes / GDMA_EQE_BYTES;
    region = gdma_region_new(d, &eq->ring, 0);
    g_assert_cmphex(gdma_eq_try(d, region, bytes, msix, &eq->id), ==, 0);
    g_assert_cmphex(eq->id, <=, 0xffff);
    g_ptr_array_add(d->eqs, eq);
    return eq;
}

uint32_t gdma_eq_try_destroy(GdmaClient *d, uint32_t id)
{
    GdmaDisableQueueReqWire req = { 0 };
    GdmaRespHeaderWire resp;

    gdma_init_request(d, &req, GDMA_DISABLE_QUEUE, sizeof(req), sizeof(resp));
    req.hdr.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    req.type = cpu_to_le32(GDMA_QUEUE_EQ);
    req.queue_id = cpu_to_le32(id);
    req.alloc_res_id_on_creation = cpu_to_le32(1);
    return gdma_request(d, &req, sizeof(req), &resp, sizeof(resp));
}

void gdma_eq_destroy(GdmaEq *eq)
{
    unsigned seen = eq->tests;

    /* Linux flushes it first */
    g_assert_cmphex(gdma_test_eqe(eq->d, eq->id), ==, 0);
    g_assert_cmpuint(eq->tests, ==, seen + 1);
    g_assert_cmphex(gdma_eq_try_destroy(eq->d, eq->id), ==, 0);
    g_ptr_array_remove(eq->d->eqs, eq);
    gdma_ring_free(&eq->ring);
    g_free(eq);
}
