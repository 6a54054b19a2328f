/*
 * A model of an NVMe controller for unit tests of the driver's core
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "nvme-model.h"

static void *at(Model *m, uint64_t addr, uint64_t bytes)
{
    g_assert_cmpuint(addr, >=, MEM_BASE);
    g_assert_cmpuint(addr + bytes, <=, MEM_BASE + MEM_BYTES);
    return m->mem + (addr - MEM_BASE);
}

static uint64_t op_read64(void *fn, unsigned int bar, uint64_t offset)
{
    Model *m = fn;

    if (m->is_gone) {
        return UINT64_MAX;
    }
    switch (offset) {
    case NVME_REG_CAP:
        return m->cap;
    case NVME_REG_CSTS:
        if ((m->cc & 1) && !(m->csts & 1) && m->ready_reads >= 0 &&
            m->ready_reads-- == 0) {
            m->csts |= 1;
            m->ready_reads = 0;
        }
        return m->csts;
    default:
        return 0;
    }
}

static uint32_t op_read32(void *fn, unsigned int bar, uint64_t offset)
{
    return op_read64(fn, bar, offset);
}

static void model_enable(Model *m)
{
    memset(m->q, 0, sizeof(m->q));
    m->q[0].sq = m->asq;
    m->q[0].cq = m->acq;
    m->q[0].sq_entries = (m->aqa & 0xfff) + 1;
    m->q[0].cq_entries = (m->aqa >> 16) + 1;
    m->q[0].phase = true;
    m->has_aer = false;
}

static void op_write64(void *fn, unsigned int bar, uint64_t offset,
                       uint64_t val)
{
    Model *m = fn;
    unsigned int stride = 4 << NVME_CAP_DSTRD(m->cap);
    unsigned int idx;

    g_assert_cmpuint(bar, ==, 0);
    switch (offset) {
    case NVME_REG_CC:
        if (!(val & 1)) {
            if (m->stuck_disables) {
                m->stuck_disables--;
            } else {
                m->cc = m->csts = 0;
            }
        } else {
            m->cc = val;
            model_enable(m);
        }
        break;
    case NVME_REG_AQA:
        m->aqa = val;
        break;
    case NVME_REG_ASQ:
        m->asq = val;
        break;
    case NVME_REG_ACQ:
        m->acq = val;
        break;
    default:
        g_assert_cmpuint(offset, >=, 0x1000);
        idx = (offset - 0x1000) / stride;
        g_assert_cmpuint(idx / 2, <=, NVME_DRV_MAX_IO_QUEUES);
        if (!(idx & 1)) {
            g_assert_cmpuint(val, <, m->q[idx / 2].sq_entries);
            m->q[idx / 2].sq_tail = val;
            m->doorbells++;
        }
        break;
    }
}

static void op_write32(void *fn, unsigned int bar, uint64_t offset,
                       uint32_t val)
{
    op_write64(fn, bar, offset, val);
}

static uint64_t op_bar_bytes(void *fn, unsigned int bar)
{
    return 0x4000;
}

static bool op_dma_alloc(void *fn, size_t bytes, Vtl2Dma *dma)
{
    Model *m = fn;

    bytes = ROUND_UP(bytes, VTL2_PAGE_BYTES);
    if (m->mem_used + bytes > DATA) {
        return false;
    }
    *dma = (Vtl2Dma) { m->mem + m->mem_used, MEM_BASE + m->mem_used, bytes };
    m->mem_used += bytes;
    m->dma_count++;
    return true;
}

static void op_dma_free(void *fn, Vtl2Dma *dma)
{
    Model *m = fn;

    m->dma_count--;
}

static int64_t op_now_ns(void *fn)
{
    return ((Model *)fn)->now;
}

static void op_set_timer(void *fn, int64_t deadline_ns)
{
    ((Model *)fn)->deadline = deadline_ns;
}

static unsigned int op_vector_count(void *fn)
{
    return ((Model *)fn)->vector_count;
}

static void op_enable_vector(void *fn, unsigned int vector, bool on)
{
    Model *m = fn;

    g_assert_cmpuint(vector, <, m->vector_count);
    m->vectors_on = deposit32(m->vectors_on, vector, 1, on);
}

void model_function_reset(void *fn)
{
    Model *m = fn;

    m->function_resets++;
    m->cc = m->csts = 0;
    m->vectors_on = 0;
}

static const Vtl2Ops ops = {
    .read32 = op_read32,
    .read64 = op_read64,
    .write32 = op_write32,
    .write64 = op_write64,
    .bar_bytes = op_bar_bytes,
    .dma_alloc = op_dma_alloc,
    .dma_free = op_dma_free,
    .now_ns = op_now_ns,
    .set_timer = op_set_timer,
    .vector_count = op_vector_count,
    .enable_vector = op_enable_vector,
    .function_reset = model_function_reset,
};

void model_post(Model *m, int qid, uint16_t cid, uint16_t status,
                 uint32_t result)
{
    uint32_t *cqe = at(m, m->q[qid].cq + m->q[qid].cq_tail * 16, 16);

    cqe[0] = cpu_to_le32(result);
    cqe[2] = cpu_to_le32(m->q[qid].sq_head | qid << 16);
    cqe[3] = cpu_to_le32(cid | (uint32_t)m->q[qid].phase << 16 |
                         (uint32_t)status << 17);
    if (++m->q[qid].cq_tail == m->q[qid].cq_entries) {
        m->q[qid].cq_tail = 0;
        m->q[qid].phase = !m->q[qid].phase;
    }
    m->pending |= 1 << m->q[qid].vector;
}

static void copy(Model *m, uint64_t addr, uint8_t **disk, uint64_t bytes,
                 bool to_disk)
{
    void *p = at(m, addr, bytes);

    memcpy(to_disk ? *disk : p, to_disk ? p : *disk, bytes);
    *disk += bytes;
}

static void transfer_sgl(Model *m, const NvmeCmd *cmd, uint8_t *disk,
                         uint64_t bytes, bool to_disk)
{
    NvmeSglDescriptor d = cmd->dptr.sgl, *list = &d;
    unsigned int count = 1;

    g_assert_cmpuint(m->sgls, !=, 0);
    if (d.type == NVME_SGL_DESCR_TYPE_LAST_SEGMENT << 4) {
        count = le32_to_cpu(d.len) / 16;
        g_assert_cmpuint(count, <=, NVME_DRV_MAX_PIECES);
        list = at(m, le64_to_cpu(d.addr), le32_to_cpu(d.len));
    }
    while (count--) {
        g_assert_cmphex(list->type, ==, 0);
        g_assert_cmpuint(le32_to_cpu(list->len), <=, bytes);
        copy(m, le64_to_cpu(list->addr), &disk, le32_to_cpu(list->len),
             to_disk);
        bytes -= le32_to_cpu(list->len);
        list++;
    }
    g_assert_cmpuint(bytes, ==, 0);
}

static void transfer(Model *m, const NvmeCmd *cmd, uint64_t bytes,
                     bool to_disk)
{
    const NvmeRwCmd *rw = (const NvmeRwCmd *)cmd;
    uint8_t *disk = m->disk + (le64_to_cpu(rw->slba) << m->block_log2);
    uint64_t prp1 = le64_to_cpu(cmd->dptr.prp1);
    uint64_t prp2 = le64_to_cpu(cmd->dptr.prp2);
    uint64_t part = MIN(bytes, 4096 - prp1 % 4096);
    uint64_t *list;

    if (NVME_CMD_FLAGS_PSDT(cmd->flags)) {
        transfer_sgl(m, cmd, disk, bytes, to_disk);
        return;
    }
    g_assert_cmphex(prp1 % 4, ==, 0);
    copy(m, prp1, &disk, part, to_disk);
    bytes -= part;
    if (bytes > 4096) {
        list = at(m, prp2, DIV_ROUND_UP(bytes, 4096) * 8);
        while (bytes) {
            part = MIN(bytes, 4096);
            g_assert_cmphex(le64_to_cpu(*list) % 4096, ==, 0);
            copy(m, le64_to_cpu(*list++), &disk, part, to_disk);
            bytes -= part;
        }
    } else if (bytes) {
        g_assert_cmphex(prp2 % 4096, ==, 0);
        copy(m, prp2, &disk, bytes, to_disk);
    }
}

static uint16_t model_io(Model *m, const NvmeCmd *cmd)
{
    const NvmeRwCmd *rw = (const NvmeRwCmd *)cmd;
    uint64_t offset = le64_to_cpu(rw->slba) << m->block_log2;
    uint64_t bytes = (le16_to_cpu(rw->nlb) + 1ULL) << m->block_log2;
    NvmeDsmRange *range;

    g_assert_cmpuint(le32_to_cpu(cmd->nsid), ==, 1);
    switch (cmd->opcode) {
    case NVME_CMD_READ:
    case NVME_CMD_WRITE:
        g_assert_cmpuint(offset + bytes, <=, DISK_BYTES);
        g_assert_cmpuint(bytes, <=, 4096ULL << m->mdts);
        transfer(m, cmd, bytes, cmd->opcode == NVME_CMD_WRITE);
        break;
    case NVME_CMD_WRITE_ZEROES:
        g_assert_cmpuint(offset + bytes, <=, DISK_BYTES);
        memset(m->disk + offset, 0, bytes);
        break;
    case NVME_CMD_DSM:
        range = at(m, le64_to_cpu(cmd->dptr.prp1), 16);
        g_assert_cmphex(le32_to_cpu(cmd->cdw11), ==, NVME_DSMGMT_AD);
        memset(m->disk + (le64_to_cpu(range->slba) << m->block_log2), 0xee,
               le32_to_cpu(range->nlb) << m->block_log2);
        break;
    case NVME_CMD_FLUSH:
        break;
    default:
        g_assert_not_reached();
    }
    return 0;
}

static void model_identify(Model *m, const NvmeCmd *cmd)
{
    uint8_t *page = at(m, le64_to_cpu(cmd->dptr.prp1), 4096);
    NvmeIdCtrl *ctrl = (NvmeIdCtrl *)page;
    NvmeIdNs *ns = (NvmeIdNs *)page;

    memset(page, 0, 4096);
    switch (le32_to_cpu(cmd->cdw10)) {
    case NVME_ID_CNS_CTRL:
        m->id_ctrls++;
        memcpy(ctrl->sn, "SERIAL              ", 20);
        ctrl->mdts = m->mdts;
        ctrl->sqes = 0x66;
        ctrl->cqes = 0x44;
        ctrl->oncs = cpu_to_le16(m->oncs);
        ctrl->oaes = cpu_to_le32(NVME_OAES_NS_ATTR);
        ctrl->vwc = 1;
        ctrl->sgls = cpu_to_le32(m->sgls);
        break;
    case NVME_ID_CNS_NS_ACTIVE_LIST:
        if (m->has_ns && le32_to_cpu(cmd->nsid) == 0) {
            stl_le_p(page, 1);
        }
        break;
    case NVME_ID_CNS_NS:
        ns->nsze = cpu_to_le64(DISK_BYTES >> m->block_log2);
        ns->flbas = 2;
        ns->lbaf[2].ds = m->block_log2;
        ns->lbaf[2].ms = cpu_to_le16(m->metadata);
        ns->dlfeat = 9;
        break;
    default:
        g_assert_not_reached();
    }
}

static void model_create(Model *m, const NvmeCmd *cmd)
{
    uint32_t dw10 = le32_to_cpu(cmd->cdw10), dw11 = le32_to_cpu(cmd->cdw11);
    unsigned int qid = dw10 & 0xffff;

    g_assert_cmpuint(qid, <=, m->offered_queues);
    if (cmd->opcode == NVME_ADM_CMD_CREATE_CQ) {
        g_assert_cmphex(dw11 & 3, ==, 3);
        m->q[qid].cq = le64_to_cpu(cmd->dptr.prp1);
        m->q[qid].cq_entries = (dw10 >> 16) + 1;
        m->q[qid].vector = dw11 >> 16;
        g_assert_cmpuint(m->q[qid].vector, <, m->vector_count);
        m->q[qid].phase = true;
    } else {
        g_assert_cmphex(dw11, ==, 1 | qid << 16);
        m->q[qid].sq = le64_to_cpu(cmd->dptr.prp1);
        m->q[qid].sq_entries = (dw10 >> 16) + 1;
    }
}

static void model_admin(Model *m, const NvmeCmd *cmd)
{
    uint16_t cid = le16_to_cpu(cmd->cid);
    uint16_t status = 0;
    uint32_t result = 0;

    switch (cmd->opcode) {
    case NVME_ADM_CMD_IDENTIFY:
        model_identify(m, cmd);
        break;
    case NVME_ADM_CMD_SET_FEATURES:
        if (le32_to_cpu(cmd->cdw10) == NVME_NUMBER_OF_QUEUES) {
            result = (m->offered_queues - 1) * 0x10001;
        }
        break;
    case NVME_ADM_CMD_CREATE_CQ:
    case NVME_ADM_CMD_CREATE_SQ:
        if (m->fail_create) {
            status = NVME_INVALID_QID;
        } else {
            model_create(m, cmd);
        }
        break;
    case NVME_ADM_CMD_ASYNC_EV_REQ:
        g_assert(!m->has_aer);
        m->has_aer = true;
        m->aer_cid = cid;
        return;
    case NVME_ADM_CMD_GET_LOG_PAGE:
        m->logs++;
        break;
    case NVME_ADM_CMD_ABORT:
        m->aborts++;
        if (m->drop_aborts) {
            return;
        }
        g_assert_cmphex(le32_to_cpu(cmd->cdw10) >> 16, ==, m->dropped_cid);
        model_post(m, le32_to_cpu(cmd->cdw10) & 0xffff, m->dropped_cid,
             NVME_CMD_ABORT_REQ, 0);
        break;
    default:
        g_assert_not_reached();
    }
    model_post(m, 0, cid, status, result);
}

static void model_command(Model *m, int qid, const NvmeCmd *cmd)
{
    uint16_t cid = le16_to_cpu(cmd->cid);
    uint16_t status;

    if (qid == 0) {
        model_admin(m, cmd);
        return;
    }
    g_assert_cmpuint(m->log_count, <, MAX_COMMANDS);
    m->log[m->log_count++] = *cmd;
    if (m->drop) {
        m->drop--;
        m->dropped_cid = cid;
        return;
    }
    if (m->fail_count) {
        m->fail_count--;
        status = m->fail_status;
    } else {
        status = model_io(m, cmd);
    }
    model_post(m, qid, cid, status, 0);
}

void model_fetch(Model *m)
{
    for (int i = 0; i <= NVME_DRV_MAX_IO_QUEUES; i++) {
        while (m->q[i].sq_head != m->q[i].sq_tail) {
            NvmeCmd cmd;

            memcpy(&cmd, at(m, m->q[i].sq + m->q[i].sq_head * 64, 64), 64);
            m->q[i].sq_head = (m->q[i].sq_head + 1) % m->q[i].sq_entries;
            model_command(m, i, &cmd);
        }
    }
}

void model_run(Model *m)
{
    for (int rounds = 0; rounds < 10000; rounds++) {
        uint32_t pending;

        if ((m->cc & 1) && (m->csts & 1) && !(m->csts & 2)) {
            model_fetch(m);
        }
        pending = m->pending & m->vectors_on;
        m->pending = 0;
        if (!pending) {
            return;
        }
        for (int i = 0; i < 32; i++) {
            if (pending & (1U << i)) {
                nvme_drv_interrupt(&m->drv, i);
            }
        }
    }
    g_assert_not_reached();
}

void model_pass(Model *m, int64_t ns)
{
    int64_t end = m->now + ns;

    while (m->deadline <= end) {
        m->now = MAX(m->now, m->deadline);
        m->deadline = INT64_MAX;
        nvme_drv_timer(&m->drv);
        model_run(m);
    }
    m->now = end;
}

static void on_event(void *owner, NvmeDrvEvent ev, uint64_t a, uint64_t b)
{
}

static void on_ns(NvmeDrvNs *ns)
{
    container_of(ns, Model, ns)->ns_changes++;
}

Model *model_new(void)
{
    Model *m = g_new0(Model, 1);

    m->mem = g_malloc0(MEM_BYTES);
    m->deadline = INT64_MAX;
    m->cap = 1023 | 2ULL << CAP_TO_SHIFT | 1ULL << CAP_CSS_SHIFT |
             1ULL << CAP_CQR_SHIFT;
    m->mdts = 7;
    m->sgls = NVME_CTRL_SGLS_SUPPORT_NO_ALIGN;
    m->oncs = NVME_ONCS_DSM | NVME_ONCS_WRITE_ZEROES;
    m->block_log2 = 9;
    m->offered_queues = 4;
    m->vector_count = 8;
    m->has_ns = true;
    m->drv = (NvmeDrv) {
        .ops = &ops,
        .fn = m,
        .owner = m,
        .event = on_event,
        .max_io_queues = 2,
        .max_depth = 64,
        .timeout_ticks = 10,
    };
    m->ns = (NvmeDrvNs) { .nsid = 1, .changed = on_ns };
    nvme_drv_init(&m->drv);
    nvme_drv_attach_ns(&m->drv, &m->ns);
    return m;
}

Model *model_up(void)
{
    Model *m = model_new();

    nvme_drv_start(&m->drv);
    model_run(m);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_RUNNING);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_PRESENT);
    return m;
}

void model_free(Model *m)
{
    nvme_drv_cleanup(&m->drv);
    g_assert_cmpuint(m->dma_count, ==, 0);
    g_free(m->mem);
    g_free(m);
}

static void io_finished(NvmeDrvReq *req, int ret)
{
    Io *io = container_of(req, Io, req);

    io->ret = ret;
    io->done_count++;
}

void io_submit(Model *m, Io *io, NvmeDrvOp op, uint64_t offset,
                      uint64_t bytes, uint64_t mem)
{
    io->req.ns = &m->ns;
    io->req.op = op;
    io->req.offset = offset;
    io->req.bytes = bytes;
    io->req.done = io_finished;
    io->req.segs = io->segs;
    if (!io->req.seg_count) {
        io->req.seg_count = 1;
        io->segs[0] = (NvmeDrvSeg) { MEM_BASE + DATA + mem, bytes };
    }
    io->ret = 1;
    nvme_drv_submit(&m->drv, &io->req);
    nvme_drv_start(&m->drv);
}

int io_run(Model *m, Io *io, NvmeDrvOp op, uint64_t offset,
                  uint64_t bytes, uint64_t mem)
{
    io_submit(m, io, op, offset, bytes, mem);
    nvme_drv_kick(&m->drv);
    model_run(m);
    return io->ret;
}

void model_fill(Model *m, uint64_t mem, uint64_t bytes, uint32_t seed)
{
    for (uint64_t i = 0; i < bytes; i++) {
        m->mem[DATA + mem + i] = seed = seed * 1103515245 + 12345;
        seed ^= seed >> 7;
    }
}
