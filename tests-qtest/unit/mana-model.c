/*
 * A MANA adapter for unit tests of its driver
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-model.h"

#define BAR_BYTES   (64 * 1024)
#define DB_ZONE     0x1000
#define HWC_ID      1

/* --- memory --- */

static void *at(Model *m, uint64_t addr, size_t bytes)
{
    g_assert_cmphex(addr, >=, MODEL_MEMORY_ADDR);
    g_assert_cmphex(addr + bytes, <=, MODEL_MEMORY_ADDR + MODEL_MEMORY_BYTES);
    return m->memory + (addr - MODEL_MEMORY_ADDR);
}

static bool model_alloc(void *fn, size_t bytes, Vtl2Dma *dma)
{
    Model *m = fn;
    gpointer key;
    GSList *list;

    bytes = ROUND_UP(bytes, VTL2_PAGE_BYTES);
    if (m->used_bytes + bytes > m->memory_bytes) {
        return false;
    }
    key = GSIZE_TO_POINTER(bytes);
    list = g_hash_table_lookup(m->freed, key);
    if (list) {
        dma->ptr = list->data;
        list = g_slist_delete_link(list, list);
        g_hash_table_insert(m->freed, key, list);
    } else {
        g_assert_cmpuint(m->next + bytes, <=, MODEL_MEMORY_BYTES);
        dma->ptr = m->memory + m->next;
        m->next += bytes;
    }
    model_own(m, dma->ptr, bytes, true);
    memset(dma->ptr, 0, bytes);
    dma->bytes = bytes;
    dma->addr = MODEL_MEMORY_ADDR + ((uint8_t *)dma->ptr - m->memory);
    return true;
}

static void model_dma_free(void *fn, Vtl2Dma *dma)
{
    Model *m = fn;
    gpointer key = GSIZE_TO_POINTER(dma->bytes);
    GSList *list = g_hash_table_lookup(m->freed, key);

    memset(dma->ptr, 0xdd, dma->bytes);
    model_own(m, dma->ptr, dma->bytes, false);
    g_hash_table_insert(m->freed, key, g_slist_prepend(list, dma->ptr));
    memset(dma, 0, sizeof(*dma));
}

static bool is_memory(uint64_t addr, size_t bytes)
{
    return addr >= MODEL_MEMORY_ADDR && bytes <= MODEL_MEMORY_BYTES &&
           addr - MODEL_MEMORY_ADDR <= MODEL_MEMORY_BYTES - bytes;
}

/* As a ring must be */
static bool is_pages(uint64_t addr, size_t bytes)
{
    return addr % GDMA_PAGE_SIZE == 0 && is_memory(addr, bytes);
}

/* --- queues --- */

static void model_raise(Model *m, uint32_t vector)
{
    if (m->vectors_on & 1u << vector) {
        m->pending |= 1u << vector;
    }
}

void model_post_eqe(Model *m, uint32_t eq_id, uint32_t type, uint32_t data)
{
    ModelQueue *eq = &m->eq[eq_id];
    GdmaEqeWire *e;

    if (!eq->is_used) {
        return;
    }
    e = at(m, eq->addr + gdma_ring_slot(&eq->ring) * sizeof(*e), sizeof(*e));
    *e = (GdmaEqeWire) {
        .details[0] = cpu_to_le32(data),
        .info = cpu_to_le32(FIELD_DP32(type, GDMA_EQE_INFO, OWNER,
                                       gdma_ring_owner(&eq->ring))),
    };
    gdma_ring_advance(&eq->ring);
    if (eq->ring.armed) {
        eq->ring.armed = false;
        model_raise(m, eq->parent);
    }
}

void model_cq_notify(Model *m, uint32_t cq_id)
{
    ModelQueue *cq = &m->cq[cq_id];

    if (cq->is_used && cq->ring.armed) {
        cq->ring.armed = false;
        model_post_eqe(m, cq->parent, GDMA_EQE_COMPLETION, cq_id);
    }
}

void model_post_cqe(Model *m, uint32_t cq_id, const void *data, size_t bytes,
                    uint32_t wq_id, bool is_sq)
{
    ModelQueue *cq = &m->cq[cq_id];
    uint32_t info = FIELD_DP32(0, GDMA_CQE_INFO, WQ_ID, wq_id);
    GdmaCqeWire *e;

    g_assert(cq->is_used);
    e = at(m, cq->addr + gdma_ring_slot(&cq->ring) * sizeof(*e), sizeof(*e));
    memset(e, 0, sizeof(*e));
    memcpy(e->data, data, bytes);
    info = FIELD_DP32(info, GDMA_CQE_INFO, IS_SQ, is_sq);
    e->info = cpu_to_le32(FIELD_DP32(info, GDMA_CQE_INFO, OWNER,
                                     gdma_ring_owner(&cq->ring)));
    gdma_ring_advance(&cq->ring);
}

static bool is_all_memory(const GdmaWqe *wqe)
{
    for (uint32_t i = 0; i < wqe->sge_count; i++) {
        if (!is_memory(wqe->sges[i].address, wqe->sges[i].bytes)) {
            return false;
        }
    }
    return true;
}

static bool wq_peek(Model *m, ModelQueue *q, GdmaWqe *wqe)
{
    uint8_t buf[GDMA_MAX_SQE_BYTES];
    uint32_t posted = gdma_wq_posted_bytes(&q->wq);
    uint32_t n = MIN(posted, sizeof(buf));

    if (!posted || q->is_stuck) {
        return false;
    }
    for (uint32_t i = 0; i < n; i += GDMA_WQE_BU_BYTES) {
        memcpy(buf + i, at(m, q->addr + ((q->wq.head + i) & (q->bytes - 1)),
                           GDMA_WQE_BU_BYTES), GDMA_WQE_BU_BYTES);
    }
    if (!gdma_wqe_parse(wqe, buf, n, sizeof(buf)) || !is_all_memory(wqe)) {
        g_assert_true(m->is_hostile);
        q->is_stuck = true;
        return false;
    }
    return true;
}

static void gather(Model *m, const GdmaWqe *wqe, uint8_t *to)
{
    for (uint32_t i = 0; i < wqe->sge_count; i++) {
        memcpy(to, at(m, wqe->sges[i].address, wqe->sges[i].bytes),
               wqe->sges[i].bytes);
        to += wqe->sges[i].bytes;
    }
}

static ModelQueue *new_queue(Model *m, ModelQueue *table, uint32_t id,
                             uint64_t addr, uint32_t bytes, uint32_t parent)
{
    ModelQueue *q = &table[id];

    g_assert(!q->is_used);
    g_assert(gdma_queue_bytes_ok(bytes));
    g_assert_nonnull(at(m, addr, bytes));
    *q = (ModelQueue) {
        .is_used = true, .addr = addr, .bytes = bytes, .parent = parent,
    };
    if (table == m->eq || table == m->cq) {
        g_assert(gdma_ring_init(&q->ring, bytes, table == m->eq
                                ? GDMA_EQE_BYTES : GDMA_CQE_BYTES));
        q->ring.armed = true;
    } else {
        g_assert(gdma_wq_init(&q->wq, bytes));
    }
    return q;
}

uint32_t model_find(Model *m, bool is_sq, unsigned int port, unsigned int nth)
{
    ModelQueue *table = is_sq ? m->sq : m->rq;

    for (uint32_t id = HWC_ID + 1; id < MODEL_IDS; id++) {
        if (table[id].is_used && table[id].port == port && nth-- == 0) {
            return id;
        }
    }
    g_assert_not_reached();
}

/* --- registers --- */

static void model_reset(void *fn)
{
    Model *m = fn;

    memset(m->eq, 0, sizeof(m->eq));
    memset(m->cq, 0, sizeof(m->cq));
    memset(m->sq, 0, sizeof(m->sq));
    memset(m->rq, 0, sizeof(m->rq));
    memset(m->shm, 0, sizeof(m->shm));
    memset(m->rx_on, 0, sizeof(m->rx_on));
    memset(m->to_vtl0, 0, sizeof(m->to_vtl0));
    memset(m->serial, 0, sizeof(m->serial));
    m->hwc_up = false;
    m->pending = 0;
    m->vectors_on = 0;
    m->next_id = HWC_ID + 1;
    m->resets++;
}

static uint64_t gpn(Model *m, unsigned int byte, unsigned int shift)
{
    const uint8_t *shm = (uint8_t *)m->shm;

    return (ldl_le_p(shm + byte) | (uint64_t)lduw_le_p(shm + byte + 4) << 32 |
            (uint64_t)(lduw_le_p(shm + 24) >> shift & 0xf) << 48) << 12;
}

static void model_establish(Model *m)
{
    static const GdmaInitData kinds[] = {
        GDMA_INIT_DATA_CQ_ID, GDMA_INIT_DATA_RQ_ID, GDMA_INIT_DATA_SQ_ID,
        GDMA_INIT_DATA_QUEUE_DEPTH, GDMA_INIT_DATA_MAX_REQUEST,
        GDMA_INIT_DATA_MAX_RESPONSE, GDMA_INIT_DATA_GPA_MKEY,
    };

    new_queue(m, m->eq, HWC_ID, gpn(m, 0, 0), 4096,
              lduw_le_p((uint8_t *)m->shm + 26));
    new_queue(m, m->cq, HWC_ID, gpn(m, 6, 4), 4096, HWC_ID);
    new_queue(m, m->rq, HWC_ID, gpn(m, 12, 8), 4096, HWC_ID);
    new_queue(m, m->sq, HWC_ID, gpn(m, 18, 12), 4096, HWC_ID);
    m->hwc_up = true;
    model_post_eqe(m, HWC_ID, GDMA_EQE_HWC_INIT_EQ_ID_DB, HWC_ID);
    for (int i = 0; i < ARRAY_SIZE(kinds); i++) {
        uint32_t value = kinds[i] >= GDMA_INIT_DATA_MAX_REQUEST &&
                         kinds[i] <= GDMA_INIT_DATA_MAX_RESPONSE ? 4096 : 1;

        model_post_eqe(m, HWC_ID, GDMA_EQE_HWC_INIT_DATA,
                       (uint32_t)kinds[i] << 24 | value);
    }
    model_post_eqe(m, HWC_ID, GDMA_EQE_HWC_INIT_DONE, 0);
}

/* The queue that a doorbell is of; NULL if that is the hostile adapter's doing */
static ModelQueue *model_doorbell_queue(Model *m, uint64_t offset, uint32_t id)
{
    ModelQueue *table = NULL;

    switch (offset & 0xfff) {
    case GDMA_DB_SQ:
        table = m->sq;
        break;
    case GDMA_DB_RQ:
        table = m->rq;
        break;
    case GDMA_DB_CQ:
        table = m->cq;
        break;
    case GDMA_DB_EQ:
        table = m->eq;
        break;
    default:
        g_assert_not_reached();
    }
    if (id < MODEL_IDS && table[id].is_used) {
        return &table[id];
    }
    g_assert_true(m->is_hostile);
    return NULL;
}

static void model_doorbell(Model *m, uint64_t offset, uint64_t val)
{
    uint32_t id = val & 0xffffff;
    uint32_t tail = FIELD_EX64(val, GDMA_CQ_DOORBELL, TAIL);
    bool arm = val >> 63;
    ModelQueue *q = model_doorbell_queue(m, offset, id);

    m->doorbells++;
    if (!q) {
        return;
    }
    switch (offset & 0xfff) {
    case GDMA_DB_SQ:
    case GDMA_DB_RQ:
        g_assert(gdma_wq_doorbell(&q->wq, val >> 32) || m->is_hostile);
        break;
    case GDMA_DB_CQ:
        if (gdma_ring_doorbell(&m->cq[id].ring, tail, arm)) {
            m->cq[id].ring.armed = true;
            model_cq_notify(m, id);
        }
        break;
    case GDMA_DB_EQ:
        if (gdma_ring_doorbell(&m->eq[id].ring, tail, arm)) {
            model_raise(m, m->eq[id].parent);
        }
        break;
    default:
        g_assert_not_reached();
    }
}

static uint64_t model_read64(void *fn, unsigned int bar, uint64_t offset)
{
    Model *m = fn;

    g_assert_cmpuint(bar, ==, 0);
    g_assert_cmphex(offset % 8, ==, 0);
    if (m->is_gone) {
        return UINT64_MAX;
    }
    return offset < GDMA_REG_BYTES ? m->regs[offset / 8] : 0;
}

static uint32_t model_read32(void *fn, unsigned int bar, uint64_t offset)
{
    Model *m = fn;

    if (m->is_gone) {
        return UINT32_MAX;
    }
    if (offset >= GDMA_REG_BYTES && offset < GDMA_REG_BYTES + GDMA_SHM_BYTES) {
        return m->shm[(offset - GDMA_REG_BYTES) / 4];
    }
    return model_read64(fn, bar, offset & ~7ull) >> (offset % 8 * 8);
}

static void model_shm_done(Model *m)
{
    m->shm[GDMA_SHM_HEADER_DWORD] &= ~R_GDMA_SHM_HEADER_OWNER_IS_PF_MASK;
    m->shm[GDMA_SHM_HEADER_DWORD] |= R_GDMA_SHM_HEADER_RESPONSE_MASK;
}

static void model_write32(void *fn, unsigned int bar, uint64_t offset,
                          uint32_t val)
{
    Model *m = fn;
    uint32_t dword = (offset - GDMA_REG_BYTES) / 4;

    if (m->is_gone) {
        return;
    }
    g_assert_cmpuint(dword, <, GDMA_SHM_DWORDS);
    m->shm[dword] = val;
    if (dword == GDMA_SHM_HEADER_DWORD) {
        g_assert_cmphex(val, ==, GDMA_SHM_ESTABLISH_HWC |
                                 R_GDMA_SHM_HEADER_OWNER_IS_PF_MASK);
        model_establish(m);
        if (!m->shm_is_slow) {
            model_shm_done(m);
        }
    }
}

static void model_write64(void *fn, unsigned int bar, uint64_t offset,
                          uint64_t val)
{
    Model *m = fn;

    g_assert_cmphex(offset, >=, DB_ZONE);
    g_assert_cmphex(offset, <, BAR_BYTES);
    if (!m->is_gone) {
        model_doorbell(m, offset, val);
    }
}

static uint64_t model_bar_bytes(void *fn, unsigned int bar)
{
    return bar ? 0 : BAR_BYTES;
}

static int64_t model_now(void *fn)
{
    return ((Model *)fn)->now_ns;
}

static void model_set_timer(void *fn, int64_t deadline_ns)
{
    ((Model *)fn)->timer_ns = deadline_ns;
}

static unsigned int model_vector_count(void *fn)
{
    return MODEL_VECTORS;
}

static void model_enable_vector(void *fn, unsigned int vector, bool on)
{
    Model *m = fn;

    g_assert_cmpuint(vector, <, MODEL_VECTORS);
    m->vectors_on = deposit32(m->vectors_on, vector, 1, on);
}

const Vtl2Ops model_ops = {
    .read32 = model_read32,
    .read64 = model_read64,
    .write32 = model_write32,
    .write64 = model_write64,
    .bar_bytes = model_bar_bytes,
    .dma_alloc = model_alloc,
    .dma_free = model_dma_free,
    .dma_claim = model_dma_claim,
    .now_ns = model_now,
    .set_timer = model_set_timer,
    .vector_count = model_vector_count,
    .enable_vector = model_enable_vector,
    .function_reset = model_reset,
};

/* --- requests --- */

static uint32_t model_create_wq(Model *m, const ManaCreateWqReqWire *req,
                                ManaCreateWqRespWire *resp)
{
    bool is_sq = le32_to_cpu(req->wq_type) == GDMA_QUEUE_SQ;
    uint32_t eq_id = le32_to_cpu(req->cq_parent_eq_id);
    uint32_t id = m->next_id++;
    ModelQueue *q;

    g_assert_cmpuint(id, <, MODEL_IDS);
    if (eq_id >= MODEL_IDS || !m->eq[eq_id].is_used ||
        !is_pages(le64_to_cpu(req->cq_region), le32_to_cpu(req->cq_bytes)) ||
        !is_pages(le64_to_cpu(req->wq_region), le32_to_cpu(req->wq_bytes))) {
        g_assert_true(m->is_hostile);
        return 1;
    }
    new_queue(m, m->cq, id, le64_to_cpu(req->cq_region),
              le32_to_cpu(req->cq_bytes), eq_id);
    q = new_queue(m, is_sq ? m->sq : m->rq, id, le64_to_cpu(req->wq_region),
                  le32_to_cpu(req->wq_bytes), id);
    q->port = le64_to_cpu(req->vport) - 100;
    q->obj = m->next_obj++;
    resp->wq_id = cpu_to_le32(id);
    resp->cq_id = cpu_to_le32(id);
    resp->wq_obj = cpu_to_le64(q->obj);
    return 0;
}

static uint32_t model_config_rx(Model *m, const ManaVportRxReqWire *req,
                                uint32_t bytes)
{
    unsigned int port = le64_to_cpu(req->vport) - 100;
    unsigned int count = le16_to_cpu(req->indir_count);

    g_assert_cmpuint(count, <=, MANA_MAX_INDIRECTION);
    g_assert_cmpuint(bytes, ==, sizeof(*req) + 8 * count);
    m->rx_on[port] = le32_to_cpu(req->rx_enable) == MANA_TRISTATE_TRUE;
    m->rss_on[port] = le32_to_cpu(req->rss_enable) == MANA_TRISTATE_TRUE;
    m->default_rq[port] = le64_to_cpu(req->default_rxobj);
    m->table_count[port] = count;
    for (unsigned int i = 0; i < count; i++) {
        m->table[port][i] = ldq_le_p((uint8_t *)(req + 1) + 8 * i);
    }
    return 0;
}

static uint32_t answer_gdma(Model *m, const void *msg, uint32_t type,
                            void *resp)
{
    switch (type) {
    case GDMA_VERIFY_VF_DRIVER_VERSION: {
        GdmaVerifyVersionRespWire *r = resp;

        r->protocol = cpu_to_le64(1);
        r->pf_cap_flags[0] = cpu_to_le64(m->pf_caps);
        break;
    }
    case GDMA_QUERY_HWC_TIMEOUT:
        ((GdmaHwcTimeoutRespWire *)resp)->timeout_ms = cpu_to_le32(200);
        break;
    case GDMA_QUERY_MAX_RESOURCES: {
        GdmaMaxResourcesRespWire *r = resp;

        r->max_sq = r->max_rq = r->max_eq = cpu_to_le32(32);
        r->max_cq = cpu_to_le32(64);
        r->max_msix = cpu_to_le32(MODEL_VECTORS);
        break;
    }
    case GDMA_LIST_DEVICES: {
        GdmaListDevicesRespWire *r = resp;

        r->count = cpu_to_le32(2);
        r->devs[0].type = cpu_to_le16(GDMA_DEVICE_HWC);
        r->devs[1].type = cpu_to_le16(GDMA_DEVICE_MANA);
        break;
    }
    case GDMA_REGISTER_DEVICE: {
        GdmaRegisterDeviceRespWire *r = resp;

        r->pdid = cpu_to_le32(7);
        r->gpa_mkey = cpu_to_le32(9);
        r->db_page = cpu_to_le32(1);
        break;
    }
    case GDMA_CREATE_DMA_REGION:
        /* rings follow each other page by page here */
        ((GdmaCreateRegionRespWire *)resp)->region =
            cpu_to_le64(ldq_le_p((const GdmaCreateRegionReqWire *)msg + 1));
        break;
    case GDMA_CREATE_QUEUE: {
        const GdmaCreateQueueReqWire *req = msg;
        uint32_t id = m->next_id++;

        g_assert_cmpuint(id, <, MODEL_IDS);
        if (!is_pages(le64_to_cpu(req->region),
                      le32_to_cpu(req->queue_bytes))) {
            g_assert_true(m->is_hostile);
            return 1;
        }
        new_queue(m, m->eq, id, le64_to_cpu(req->region),
                  le32_to_cpu(req->queue_bytes), le32_to_cpu(req->eq_msix));
        ((GdmaCreateQueueRespWire *)resp)->queue_id = cpu_to_le32(id);
        break;
    }
    default:
        g_assert_true(m->is_hostile);
        return 1;
    }
    return 0;
}

static uint32_t answer_mana(Model *m, const void *msg, uint32_t bytes,
                            uint32_t type, void *resp)
{
    /* most of them have the port first */
    uint64_t port = le64_to_cpu(((ManaLinkConfigReqWire *)msg)->vport) - 100;

    if (port >= MODEL_PORTS && type != MANA_QUERY_DEV_CONFIG &&
        type != MANA_QUERY_VPORT_CONFIG) {
        g_assert_true(m->is_hostile);
        return 1;
    }
    switch (type) {
    case MANA_QUERY_DEV_CONFIG: {
        ManaDevConfigRespWire *r = resp;

        r->max_vports = cpu_to_le16(MODEL_PORTS);
        r->max_eqs = cpu_to_le32(32);
        r->adapter_mtu = cpu_to_le16(MODEL_MTU + MANA_ETH_HEADER_BYTES);
        break;
    }
    case MANA_QUERY_VPORT_CONFIG: {
        ManaVportConfigRespWire *r = resp;
        uint32_t idx = le32_to_cpu(((ManaVportConfigReqWire *)msg)->vport_idx);

        g_assert_cmpuint(idx, <, MODEL_PORTS);
        r->max_sq = r->max_rq = cpu_to_le32(8);
        r->indirection_entries = cpu_to_le32(64);
        r->mac[0] = 2;
        r->mac[5] = idx;
        r->vport = cpu_to_le64(100 + idx);
        break;
    }
    case MANA_CONFIG_VPORT_TX: {
        ManaVportTxRespWire *r = resp;

        r->vport_offset = cpu_to_le16(m->short_form ? 3 : 300);
        r->short_form_allowed = m->short_form;
        break;
    }
    case MANA_CREATE_WQ_OBJ:
        return model_create_wq(m, msg, resp);
    case MANA_CONFIG_VPORT_RX:
        model_config_rx(m, msg, bytes);
        break;
    case MANA_VTL2_ASSIGN_SERIAL_NUMBER:
        m->serial[port] = le32_to_cpu(((ManaSerialNumberReqWire *)msg)->serial);
        break;
    case MANA_VTL2_MOVE_FILTER:
        m->to_vtl0[port] = ((ManaMoveFilterReqWire *)msg)->to_vtl0;
        break;
    default:
        g_assert_true(m->is_hostile);
        return 1;
    }
    return 0;
}

static bool model_run_hwc(Model *m)
{
    uint8_t msg[4096] = { 0 }, resp[4096] = { 0 };
    const GdmaReqHeaderWire *hdr = (void *)msg;
    GdmaRespHeaderWire *r = (void *)resp;
    GdmaHwcRxOobWire oob = { 0 };
    uint32_t type, bytes, status;
    GdmaWqe sqe, rqe;

    if (!m->hwc_up || m->is_mute || !wq_peek(m, &m->sq[HWC_ID], &sqe)) {
        return false;
    }
    if (!wq_peek(m, &m->rq[HWC_ID], &rqe) || sqe.total_bytes > sizeof(msg) ||
        rqe.total_bytes < sizeof(resp)) {
        g_assert_true(m->is_hostile);
        return false;
    }
    gather(m, &sqe, msg);
    g_assert(m->is_hostile ||
             le32_to_cpu(hdr->req.msg_bytes) == sqe.total_bytes);
    type = le32_to_cpu(hdr->req.msg_type);
    bytes = le32_to_cpu(hdr->resp.msg_bytes);
    m->requests++;
    if (type >> 16) {
        status = answer_mana(m, msg, sqe.total_bytes, type, resp);
    } else {
        status = answer_gdma(m, msg, type, resp);
    }
    r->status = cpu_to_le32(status);
    r->response = hdr->resp;
    r->response.hwc_msg_id = hdr->req.hwc_msg_id;
    r->dev_id = hdr->dev_id;
    r->activity_id = hdr->activity_id;
    if (m->tamper && (m->tamper_type == type || !m->tamper_type)) {
        bytes = m->tamper(m, type, resp, bytes);
    }
    memcpy(at(m, rqe.sges[0].address, 4096), resp, MIN(bytes, sizeof(resp)));
    oob.response_bytes = cpu_to_le32(bytes);
    m->sq[HWC_ID].wq.head += sqe.bytes;
    m->rq[HWC_ID].wq.head += rqe.bytes;
    model_post_cqe(m, HWC_ID, "", 0, HWC_ID, true);
    model_post_cqe(m, HWC_ID, &oob, sizeof(oob), HWC_ID, false);
    model_cq_notify(m, HWC_ID);
    return true;
}

/* --- packets --- */

static bool model_run_sq(Model *m, uint32_t id)
{
    ModelQueue *q = &m->sq[id];
    ManaTxCqeWire cqe = { .header = cpu_to_le32(MANA_CQE_TX_OKAY | 1 << 6) };
    ModelFrame *f;
    GdmaWqe wqe;

    if (!q->is_used || !wq_peek(m, q, &wqe)) {
        return false;
    }
    f = g_new0(ModelFrame, 1);
    f->data = g_malloc(wqe.total_bytes);
    f->bytes = wqe.total_bytes;
    gather(m, &wqe, f->data);
    f->oob_bytes = wqe.oob_bytes;
    for (int i = 0; i < 6; i++) {
        f->oob[i] = ldl_le_p(wqe.oob + 4 * i);
    }
    f->sge_count = wqe.sge_count;
    f->header_bytes = wqe.sges[0].bytes;
    f->is_lso = wqe.oob_in_sgl;
    f->mss = wqe.client_data_unit;
    f->port = q->port;
    f->sq_id = id;
    g_ptr_array_add(m->sent, f);
    cqe.offsets = cpu_to_le32(FIELD_DP32(0, MANA_TX_CQE, WQE_OFFSET_BU,
        (q->wq.head & (q->bytes - 1)) / GDMA_WQE_BU_BYTES));
    q->wq.head += wqe.bytes;
    model_post_cqe(m, q->parent, &cqe, sizeof(cqe), id, true);
    model_cq_notify(m, q->parent);
    return true;
}

bool model_receive(Model *m, unsigned int port, unsigned int slot,
                   const void *frame, uint32_t bytes, uint32_t flags)
{
    ManaRxCqeWire cqe = {
        .header = cpu_to_le32(MANA_CQE_RX_OKAY | 1 << 6),
        .flags = cpu_to_le32(flags),
        .ppi[0].bytes = cpu_to_le16(bytes),
    };
    uint64_t obj = m->rss_on[port] ?
                   m->table[port][slot % m->table_count[port]] :
                   m->default_rq[port];
    ModelQueue *q = NULL;
    uint32_t id;
    GdmaWqe wqe;

    g_assert(m->rx_on[port]);
    for (id = HWC_ID + 1; id < MODEL_IDS && !q; id++) {
        q = m->rq[id].is_used && m->rq[id].obj == obj ? &m->rq[id] : NULL;
    }
    g_assert(q);
    id--;
    if (!wq_peek(m, q, &wqe)) {
        return false;
    }
    g_assert_cmpuint(wqe.total_bytes, >=, bytes);
    memcpy(at(m, wqe.sges[0].address, bytes), frame, bytes);
    cqe.wqe_offset_bytes = cpu_to_le32(q->wq.head & (q->bytes - 1));
    q->wq.head += wqe.bytes;
    model_post_cqe(m, q->parent, &cqe, sizeof(cqe), id, false);
    model_cq_notify(m, q->parent);
    return true;
}

static bool model_run_device(Model *m)
{
    bool more = false;

    if (m->is_gone) {
        return false;
    }
    if (m->shm_is_slow && m->hwc_up) {
        m->shm_is_slow = false;
        model_shm_done(m);
    }
    more |= model_run_hwc(m);
    for (uint32_t id = HWC_ID + 1; id < MODEL_IDS; id++) {
        while (model_run_sq(m, id)) {
            more = true;
        }
    }
    return more;
}

void model_run(Model *m)
{
    bool more = true;

    for (int rounds = 0; more; rounds++) {
        uint32_t pending = m->pending;

        /* wrong IDs can make each interrupt the cause of the next one */
        if (m->is_hostile && rounds == 1000) {
            break;
        }
        g_assert_cmpint(rounds, <, 100000);
        m->pending = 0;
        for (unsigned int v = 0; v < MODEL_VECTORS; v++) {
            if (pending & 1u << v) {
                mana_drv_interrupt(m->d, v);
            }
        }
        more = model_run_device(m) || pending || m->pending;
    }
}

/* --- begin and end --- */

static void free_list(gpointer list)
{
    g_slist_free(list);
}

Model *model_new(void)
{
    Model *m = g_new0(Model, 1);

    m->memory = g_malloc0(MODEL_MEMORY_BYTES);
    m->memory_bytes = MODEL_MEMORY_BYTES;
    /* values are replaced by hand */
    m->freed = g_hash_table_new(NULL, NULL);
    m->regs[GDMA_REG_DB_ZONE_OFFSET / 8] = DB_ZONE;
    m->regs[GDMA_REG_DB_PAGE_BYTES / 8] = 4096;
    m->regs[GDMA_REG_SHM_OFFSET / 8] = GDMA_REG_BYTES;
    m->regs[GDMA_REG_SHM_BYTES / 8] = GDMA_SHM_BYTES;
    m->timer_ns = INT64_MAX;
    m->short_form = true;
    m->pf_caps = GDMA_PF_CAP_QUERY_HWC_TIMEOUT;
    m->next_obj = 0x5000;
    m->sent = g_ptr_array_new_with_free_func(model_frame_free);
    m->got = g_ptr_array_new_with_free_func(model_frame_free);
    m->d = mana_drv_new(&model_ops, m, &model_owner_ops, m);
    return m;
}

void model_free(Model *m)
{
    GHashTableIter iter;
    gpointer list;

    mana_drv_free(m->d);
    /* the driver gives back all that it took */
    g_assert_cmpuint(m->used_bytes, ==, 0);
    g_hash_table_iter_init(&iter, m->freed);
    while (g_hash_table_iter_next(&iter, NULL, &list)) {
        free_list(list);
    }
    g_hash_table_unref(m->freed);
    g_ptr_array_unref(m->sent);
    g_ptr_array_unref(m->got);
    g_free(m->memory);
    g_free(m);
}
