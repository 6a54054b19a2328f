/*
 * NVMe driver: queues, requests, completions, timeouts
 *
 * NVM Express Base Specification 1.4, sections 4 and 7.
 *
 * A request is cut into commands as long as there are free slots.  When the
 * controller is reset its commands are taken back and the request starts over:
 * all that the driver sends can be done twice.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "nvme-drv-core.h"

#define CID_SLOT(cid)                   ((cid) & 0xff)
#define CID_GENERATION(cid)             ((cid) >> 8)

QEMU_BUILD_BUG_ON(NVME_DRV_MAX_DEPTH > 255);
QEMU_BUILD_BUG_ON(NVME_DRV_ADMIN_DEPTH > NVME_DRV_MAX_DEPTH);
QEMU_BUILD_BUG_ON(NVME_DRV_ADMIN_DEPTH - 1 < 3);
QEMU_BUILD_BUG_ON(NVME_DRV_MAX_PIECES * sizeof(NvmeSglDescriptor) >
                  VTL2_PAGE_BYTES);
QEMU_BUILD_BUG_ON(NVME_DRV_MAX_COMMAND_BYTES / VTL2_PAGE_BYTES >
                  VTL2_PAGE_BYTES / sizeof(uint64_t));

static void report(NvmeDrv *c, NvmeDrvEvent ev, uint64_t a, uint64_t b)
{
    c->event(c->owner, ev, a, b);
}

const char *nvme_drv_state_name(NvmeDrvState state)
{
    static const char *const names[] = {
        [NVME_DRV_OFF] = "off",
        [NVME_DRV_STARTING] = "starting",
        [NVME_DRV_RUNNING] = "running",
        [NVME_DRV_RESETTING] = "resetting",
        [NVME_DRV_FAILED] = "failed",
        [NVME_DRV_REMOVED] = "removed",
    };

    return names[state];
}

void nvme_drv_set_state(NvmeDrv *c, NvmeDrvState state)
{
    NvmeDrvState before = c->state;

    if (state != before) {
        c->state = state;
        report(c, NVME_DRV_EV_STATE, state, before);
    }
}

/* Queues */

bool nvme_drv_queue_alloc(NvmeDrv *c, NvmeDrvQueue *q, uint16_t qid,
                          uint16_t entries, bool has_lists)
{
    q->qid = qid;
    q->entries = entries;
    q->depth = entries - 1;
    if (!c->ops->dma_alloc(c->fn, entries << NVME_DRV_SQE_LOG2, &q->sq) ||
        !c->ops->dma_alloc(c->fn, entries << NVME_DRV_CQE_LOG2, &q->cq) ||
        (has_lists &&
         !c->ops->dma_alloc(c->fn, q->depth * VTL2_PAGE_BYTES, &q->lists))) {
        nvme_drv_queue_free(c, q);
        return false;
    }
    nvme_drv_queue_reset(q);
    return true;
}

/* All slots must be free; generations go on, lest old completions fit */
void nvme_drv_queue_reset(NvmeDrvQueue *q)
{
    q->sq_tail = q->sq_rung = 0;
    q->cq_head = q->cq_rung = 0;
    q->phase = true;
    q->free_count = q->depth;
    for (int i = 0; i < q->depth; i++) {
        q->free[i] = q->depth - 1 - i;
        q->slots[i].kind = NVME_DRV_SLOT_FREE;
        q->slots[i].req = NULL;
    }
    if (q->cq.ptr) {
        memset(q->cq.ptr, 0, q->entries << NVME_DRV_CQE_LOG2);
    }
}

void nvme_drv_queue_free(NvmeDrv *c, NvmeDrvQueue *q)
{
    Vtl2Dma *parts[] = { &q->sq, &q->cq, &q->lists };

    for (int i = 0; i < ARRAY_SIZE(parts); i++) {
        if (parts[i]->ptr) {
            c->ops->dma_free(c->fn, parts[i]);
            *parts[i] = (Vtl2Dma) { };
        }
    }
    q->entries = q->depth = q->free_count = 0;
}

/*
 * I/O looks for a queue with room first.  On the admin queue there are a step, an
 * abort and a request for events at most, one of each, whatever the controller does.
 */
unsigned int nvme_drv_queue_take_slot(NvmeDrvQueue *q)
{
    assert(q->free_count);
    return q->free[--q->free_count];
}

static void queue_give_slot(NvmeDrvQueue *q, unsigned int idx)
{
    q->slots[idx].kind = NVME_DRV_SLOT_FREE;
    q->slots[idx].req = NULL;
    q->free[q->free_count++] = idx;
}

/* Put @cmd in the queue.  Slots are fewer than entries, so there is room */
unsigned int nvme_drv_queue_send(NvmeDrv *c, NvmeDrvQueue *q, NvmeCmd *cmd,
                                 unsigned int idx, NvmeDrvSlotKind kind)
{
    NvmeDrvSlot *slot = &q->slots[idx];
    uint16_t cid;

    slot->kind = kind;
    slot->age = 0;
    slot->is_aborted = false;
    slot->generation++;
    cid = idx | slot->generation << 8;
    cmd->cid = cpu_to_le16(cid);
    memcpy((NvmeCmd *)q->sq.ptr + q->sq_tail, cmd, sizeof(*cmd));
    q->sq_tail = q->sq_tail + 1 == q->entries ? 0 : q->sq_tail + 1;
    report(c, NVME_DRV_EV_SUBMIT, q->qid, cid | cmd->opcode << 16);
    return cid;
}

static void ring(NvmeDrv *c, NvmeDrvQueue *q, bool is_cq, uint16_t value)
{
    uint64_t offset = NVME_DRV_DOORBELLS_OFFSET +
                      ((2ULL * q->qid + is_cq) << c->doorbell_stride_log2);

    c->ops->write32(c->fn, 0, offset, value);
}

void nvme_drv_kick(NvmeDrv *c)
{
    for (int i = 0; i <= c->io_queue_count; i++) {
        NvmeDrvQueue *q = &c->queues[i];

        if (q->sq_tail != q->sq_rung) {
            smp_wmb();                  /* commands before the doorbell */
            q->sq_rung = q->sq_tail;
            ring(c, q, false, q->sq_tail);
        }
    }
}

void nvme_drv_arm_timer(NvmeDrv *c, int64_t delay_ns)
{
    int64_t now = c->ops->now_ns(c->fn);

    if (!c->timer_armed) {
        c->timer_armed = true;
        c->last_tick_ns = now;
    }
    c->ops->set_timer(c->fn, now + delay_ns);
}

/* Requests */

static void req_finish(NvmeDrv *c, NvmeDrvReq *req)
{
    NvmeDrvNs *ns = req->ns;

    if (req->ret < 0) {
        ns->errors++;
    } else {
        c->resets_in_row = 0;
        switch (req->op) {
        case NVME_DRV_READ:
            ns->reads++;
            ns->read_bytes += req->bytes;
            break;
        case NVME_DRV_WRITE:
            ns->writes++;
            ns->write_bytes += req->bytes;
            break;
        case NVME_DRV_FLUSH:
            ns->flushes++;
            break;
        default:
            ns->discards++;
            break;
        }
    }
    g_queue_push_tail_link(&c->finished, &req->link);
}

void nvme_drv_enter(NvmeDrv *c)
{
    c->entry_depth++;
}

void nvme_drv_leave(NvmeDrv *c)
{
    if (--c->entry_depth) {
        return;
    }
    while (c->finished.head) {
        NvmeDrvReq *req = g_queue_pop_head_link(&c->finished)->data;

        req->done(req, req->ret);
    }
}

static void req_queue(NvmeDrv *c, NvmeDrvReq *req, bool first)
{
    if (!req->is_queued) {
        req->is_queued = true;
        if (first) {
            g_queue_push_head_link(&c->pending, &req->link);
        } else {
            g_queue_push_tail_link(&c->pending, &req->link);
        }
    }
}

static void req_unqueue(NvmeDrv *c, NvmeDrvReq *req)
{
    if (req->is_queued) {
        req->is_queued = false;
        g_queue_unlink(&c->pending, &req->link);
    }
}

static void req_rewind(NvmeDrvReq *req)
{
    req->sent_bytes = 0;
    req->seg_idx = 0;
    req->seg_offset = 0;
}

/* One command less under way: send @req again, finish it, or neither */
static void req_settle(NvmeDrv *c, NvmeDrvReq *req, bool again)
{
    if (req->ret < 0) {
        req_unqueue(c, req);
    } else if (again) {
        /* with commands still under way: these count for nothing */
        req_rewind(req);
        req_queue(c, req, true);
    }
    if (!req->inflight_count && !req->is_queued) {
        req_finish(c, req);
    }
}

/* Longest part of @req for one command, without regard to its memory */
static uint32_t req_limit(const NvmeDrv *c, const NvmeDrvReq *req)
{
    uint64_t left = req->bytes - req->sent_bytes;
    unsigned int shift = req->ns->block_log2;

    switch (req->op) {
    case NVME_DRV_READ:
    case NVME_DRV_WRITE:
        return MIN(left, c->max_command_bytes);
    case NVME_DRV_WRITE_ZEROES:
        return MIN(left, (uint64_t)NVME_DRV_RW_MAX_BLOCKS << shift);
    case NVME_DRV_DISCARD:
        return MIN(left, 1ULL << 30);
    default:
        return 0;
    }
}

static void build_rw(NvmeDrv *c, NvmeDrvReq *req, NvmeCmd *cmd, uint32_t bytes)
{
    NvmeRwCmd *rw = (NvmeRwCmd *)cmd;
    unsigned int shift = req->ns->block_log2;
    uint16_t control = 0;

    if (req->fua && req->op != NVME_DRV_READ) {
        control |= NVME_RW_FUA;
    }
    if (req->op == NVME_DRV_WRITE_ZEROES && req->may_unmap &&
        req->ns->can_deallocate_zeroes) {
        control |= NVME_DRV_CONTROL_DEAC;
    }
    rw->slba = cpu_to_le64((req->offset + req->sent_bytes) >> shift);
    rw->nlb = cpu_to_le16((bytes >> shift) - 1);
    rw->control = cpu_to_le16(control);
}

/* Build the next command of @req.  -EINVAL if its memory cannot be described */
static int req_build(NvmeDrv *c, NvmeDrvReq *req, NvmeDrvQueue *q,
                     unsigned int idx, NvmeCmd *cmd)
{
    static const uint8_t opcodes[] = {
        [NVME_DRV_READ] = NVME_CMD_READ,
        [NVME_DRV_WRITE] = NVME_CMD_WRITE,
        [NVME_DRV_FLUSH] = NVME_CMD_FLUSH,
        [NVME_DRV_WRITE_ZEROES] = NVME_CMD_WRITE_ZEROES,
        [NVME_DRV_DISCARD] = NVME_CMD_DSM,
    };
    void *list = (uint8_t *)q->lists.ptr + idx * VTL2_PAGE_BYTES;
    uint64_t list_addr = q->lists.addr + idx * VTL2_PAGE_BYTES;
    unsigned int shift = req->ns->block_log2;
    uint32_t bytes = req_limit(c, req);

    *cmd = (NvmeCmd) {
        .opcode = opcodes[req->op],
        .nsid = cpu_to_le32(req->ns->nsid),
    };
    switch (req->op) {
    case NVME_DRV_READ:
    case NVME_DRV_WRITE:
        bytes = nvme_drv_build_data(c, req, cmd, list, list_addr, bytes);
        if (!bytes) {
            return -EINVAL;
        }
        build_rw(c, req, cmd, bytes);
        break;
    case NVME_DRV_WRITE_ZEROES:
        build_rw(c, req, cmd, bytes);
        break;
    case NVME_DRV_DISCARD:
        *(NvmeDsmRange *)list = (NvmeDsmRange) {
            .nlb = cpu_to_le32(bytes >> shift),
            .slba = cpu_to_le64((req->offset + req->sent_bytes) >> shift),
        };
        cmd->dptr.prp1 = cpu_to_le64(list_addr);
        cmd->cdw11 = cpu_to_le32(NVME_DSMGMT_AD);
        break;
    case NVME_DRV_FLUSH:
        break;
    }
    q->slots[idx].bytes = bytes;
    return 0;
}

/* Send the next command of @req, the first of the pending ones */
static void req_send(NvmeDrv *c, NvmeDrvReq *req, NvmeDrvQueue *q)
{
    unsigned int idx = nvme_drv_queue_take_slot(q);
    NvmeCmd cmd;
    int ret = req_build(c, req, q, idx, &cmd);

    if (ret < 0) {
        queue_give_slot(q, idx);
        req->ret = ret;
        req_settle(c, req, false);
        return;
    }
    q->slots[idx].req = req;
    req->inflight_count++;
    c->inflight_count++;
    req->sent_bytes += q->slots[idx].bytes;
    if (req->sent_bytes >= req->bytes) {
        req_unqueue(c, req);
    }
    nvme_drv_queue_send(c, q, &cmd, idx, NVME_DRV_SLOT_IO);
}

static NvmeDrvQueue *pick_queue(NvmeDrv *c, const NvmeDrvReq *req)
{
    for (unsigned int i = 0; i < c->io_queue_count; i++) {
        unsigned int idx = (req->ns->queue_hint + i) % c->io_queue_count;

        if (c->queues[1 + idx].free_count) {
            return &c->queues[1 + idx];
        }
    }
    return NULL;
}

/* Why a request cannot be sent, now that the controller runs */
static int req_check(const NvmeDrv *c, const NvmeDrvReq *req)
{
    uint64_t block_mask = (1ULL << req->ns->block_log2) - 1;

    switch (req->ns->state) {
    case NVME_DRV_NS_PRESENT:
        break;
    case NVME_DRV_NS_UNUSABLE:
        return -EIO;
    default:
        return -ENOMEDIUM;
    }
    if ((req->offset | req->bytes) & block_mask) {
        return -EINVAL;
    }
    if ((req->op == NVME_DRV_WRITE_ZEROES &&
         !(c->oncs & NVME_ONCS_WRITE_ZEROES)) ||
        (req->op == NVME_DRV_DISCARD && !(c->oncs & NVME_ONCS_DSM))) {
        return -ENOTSUP;
    }
    return 0;
}

void nvme_drv_pump(NvmeDrv *c)
{
    while (c->state == NVME_DRV_RUNNING && !c->is_leaving && c->pending.head) {
        NvmeDrvReq *req = c->pending.head->data;
        NvmeDrvQueue *q;

        /* a request whose namespace is being looked at holds up the others */
        if (req->ns->state == NVME_DRV_NS_UNKNOWN) {
            break;
        }
        if (!req->ret) {
            req->ret = req_check(c, req);
        }
        if (req->ret < 0 ||
            (req->op == NVME_DRV_FLUSH && !c->has_volatile_cache)) {
            req_unqueue(c, req);
            req_settle(c, req, false);
            continue;
        }
        q = pick_queue(c, req);
        if (!q) {
            break;
        }
        req_send(c, req, q);
    }
    if (c->inflight_count && !c->timer_armed) {
        nvme_drv_arm_timer(c, NVME_DRV_TICK_NS);
    }
}

void nvme_drv_submit(NvmeDrv *c, NvmeDrvReq *req)
{
    req->link = (GList) { .data = req };
    req->is_queued = false;
    req->retries = req->resets = 0;
    req->inflight_count = 0;
    req->ret = 0;
    req_rewind(req);

    nvme_drv_enter(c);
    if (c->state == NVME_DRV_REMOVED || c->state == NVME_DRV_FAILED) {
        req->ret = c->state == NVME_DRV_REMOVED ? -ENOMEDIUM : -EIO;
    } else if ((req->bytes == 0) != (req->op == NVME_DRV_FLUSH)) {
        req->ret = -EINVAL;
    }
    if (req->ret < 0) {
        req_finish(c, req);
    } else {
        req_queue(c, req, false);
        nvme_drv_pump(c);
    }
    nvme_drv_leave(c);
}

bool nvme_drv_is_busy(const NvmeDrv *c)
{
    return c->inflight_count || c->pending.head;
}

void nvme_drv_take_back(NvmeDrv *c)
{
    for (int i = 1; i <= NVME_DRV_MAX_IO_QUEUES; i++) {
        NvmeDrvQueue *q = &c->queues[i];

        for (int j = 0; j < q->depth; j++) {
            NvmeDrvReq *req = q->slots[j].req;

            if (!req) {
                continue;
            }
            queue_give_slot(q, j);
            c->inflight_count--;
            req->inflight_count--;
            req_rewind(req);
            if (!req->inflight_count) {
                if (req->resets++ >= NVME_DRV_MAX_RESETS && !req->ret) {
                    req->ret = -EIO;
                }
                req->ns->retries++;
            }
            req_queue(c, req, true);
        }
        nvme_drv_queue_reset(q);
    }
}

void nvme_drv_fail_all(NvmeDrv *c, int ret)
{
    nvme_drv_take_back(c);
    while (c->pending.head) {
        NvmeDrvReq *req = c->pending.head->data;

        req_unqueue(c, req);
        req->ret = ret;
        req_finish(c, req);
    }
}

/* Completions */

static void io_done(NvmeDrv *c, NvmeDrvQueue *q, unsigned int idx,
                    uint16_t status)
{
    NvmeDrvReq *req = q->slots[idx].req;
    bool again = false;

    queue_give_slot(q, idx);
    c->inflight_count--;
    req->inflight_count--;
    if (status & NVME_DRV_STATUS_MASK) {
        if (nvme_drv_status_passes(status) && !req->ret &&
            req->retries < NVME_DRV_MAX_RETRIES) {
            req->retries++;
            req->ns->retries++;
            again = true;
        } else if (!req->ret) {
            req->ret = nvme_drv_errno(req->op, status);
            c->error = "a command failed";
        }
    }
    req_settle(c, req, again);
}

static bool take_completion(NvmeDrv *c, NvmeDrvQueue *q)
{
    uint32_t *cqe = (uint32_t *)q->cq.ptr + q->cq_head * NVME_DRV_CQE_WORDS;
    uint32_t word, result;
    unsigned int idx;
    uint16_t cid, status;
    NvmeDrvSlotKind kind;

    /* the controller writes the word with the phase last */
    word = le32_to_cpu(qatomic_load_acquire(cqe + NVME_DRV_CQE_STATUS_WORD));
    if (FIELD_EX32(word, NVME_DRV_CQE, PHASE) != q->phase) {
        return false;
    }
    result = le32_to_cpu(qatomic_read(cqe + NVME_DRV_CQE_RESULT_WORD));
    if (++q->cq_head == q->entries) {
        q->cq_head = 0;
        q->phase = !q->phase;
    }

    cid = FIELD_EX32(word, NVME_DRV_CQE, CID);
    status = FIELD_EX32(word, NVME_DRV_CQE, STATUS);
    idx = CID_SLOT(cid);
    if (idx >= q->depth || q->slots[idx].kind == NVME_DRV_SLOT_FREE ||
        q->slots[idx].generation != CID_GENERATION(cid)) {
        c->bad_completions++;
        report(c, NVME_DRV_EV_BAD_COMPLETION, q->qid, cid | status << 16);
        return true;
    }
    report(c, NVME_DRV_EV_COMPLETE, q->qid, cid | status << 16);
    kind = q->slots[idx].kind;
    if (kind == NVME_DRV_SLOT_IO) {
        io_done(c, q, idx, status);
    } else {
        queue_give_slot(q, idx);
        nvme_drv_admin_done(c, kind, status, result);
    }
    return true;
}

static bool has_queues(const NvmeDrv *c)
{
    return c->state != NVME_DRV_OFF && c->state != NVME_DRV_FAILED &&
           c->state != NVME_DRV_REMOVED && c->step != NVME_DRV_STEP_DISABLE;
}

/* A controller that never stops is left for the next tick */
static void process_queue(NvmeDrv *c, NvmeDrvQueue *q)
{
    unsigned int budget = 4 * q->entries;

    while (budget && has_queues(c) && take_completion(c, q)) {
        budget--;
    }
    if (has_queues(c) && q->cq_head != q->cq_rung) {
        q->cq_rung = q->cq_head;
        ring(c, q, true, q->cq_head);
    }
    if (!budget && !c->timer_armed) {
        nvme_drv_arm_timer(c, NVME_DRV_TICK_NS);
    }
}

static void process_queues(NvmeDrv *c, int vector)
{
    for (int i = 0; i <= c->io_queue_count && has_queues(c); i++) {
        if (vector < 0 || c->queues[i].vector == vector) {
            process_queue(c, &c->queues[i]);
        }
    }
    nvme_drv_pump(c);
    nvme_drv_kick(c);
}

void nvme_drv_interrupt(NvmeDrv *c, unsigned int vector)
{
    nvme_drv_enter(c);
    process_queues(c, vector);
    nvme_drv_leave(c);
}

void nvme_drv_poll(NvmeDrv *c)
{
    nvme_drv_enter(c);
    nvme_drv_step_poll(c);
    process_queues(c, -1);
    nvme_drv_leave(c);
}

/* Timeouts */

static void send_abort(NvmeDrv *c, NvmeDrvQueue *q, unsigned int idx)
{
    NvmeDrvSlot *slot = &q->slots[idx];
    NvmeDrvQueue *admin = &c->queues[0];
    uint16_t cid = idx | slot->generation << 8;
    NvmeCmd cmd = {
        .opcode = NVME_ADM_CMD_ABORT,
        .cdw10 = cpu_to_le32(q->qid | (uint32_t)cid << 16),
    };

    slot->is_aborted = true;
    slot->age = 0;
    slot->req->ns->aborts++;
    c->abort_busy = true;
    c->error = "a request timed out";
    report(c, NVME_DRV_EV_TIMEOUT, q->qid, cid);
    nvme_drv_queue_send(c, admin, &cmd, nvme_drv_queue_take_slot(admin),
                        NVME_DRV_SLOT_ABORT);
}

/* True: nothing but a reset helps */
static bool age_queue(NvmeDrv *c, NvmeDrvQueue *q)
{
    for (int i = 0; i < q->depth; i++) {
        NvmeDrvSlot *slot = &q->slots[i];

        if (slot->kind == NVME_DRV_SLOT_FREE ||
            slot->kind == NVME_DRV_SLOT_ASYNC) {
            continue;
        }
        slot->age++;
        if (slot->kind != NVME_DRV_SLOT_IO) {
            if (slot->age > NVME_DRV_ADMIN_TICKS) {
                return true;
            }
        } else if (slot->age > c->timeout_ticks) {
            if (slot->is_aborted) {
                return true;
            }
            if (!c->abort_busy && c->queues[0].free_count) {
                send_abort(c, q, i);
            }
        }
    }
    return false;
}

static void check_health(NvmeDrv *c)
{
    uint32_t csts = c->ops->read32(c->fn, 0, NVME_REG_CSTS);

    if (csts == UINT32_MAX) {
        c->error = "the controller does not answer";
        nvme_drv_removed(c);
        return;
    }
    if (csts & NVME_CSTS_FAILED) {
        nvme_drv_reset(c, "the controller reports a fatal error");
        return;
    }
    for (int i = 0; i <= c->io_queue_count; i++) {
        if (age_queue(c, &c->queues[i])) {
            nvme_drv_reset(c, "a request timed out and could not be aborted");
            return;
        }
    }
    nvme_drv_kick(c);
}

void nvme_drv_tick(NvmeDrv *c)
{
    nvme_drv_enter(c);
    nvme_drv_poll(c);
    if (c->state == NVME_DRV_RUNNING) {
        check_health(c);
    } else {
        nvme_drv_step_tick(c);
    }
    nvme_drv_leave(c);
}

void nvme_drv_timer(NvmeDrv *c)
{
    int64_t now = c->ops->now_ns(c->fn);
    bool is_waiting;

    if (!c->timer_armed) {
        return;
    }
    nvme_drv_enter(c);
    if (now - c->last_tick_ns >= NVME_DRV_TICK_NS) {
        c->last_tick_ns = now;
        nvme_drv_tick(c);
    } else {
        nvme_drv_poll(c);
    }
    nvme_drv_admin_pump(c);
    is_waiting = c->step == NVME_DRV_STEP_DISABLE ||
                 c->step == NVME_DRV_STEP_ENABLE;
    if (is_waiting || c->step != NVME_DRV_STEP_NONE || c->wants_async ||
        c->inflight_count) {
        nvme_drv_arm_timer(c, is_waiting ? NVME_DRV_POLL_NS : NVME_DRV_TICK_NS);
    } else {
        c->timer_armed = false;
        c->ops->set_timer(c->fn, INT64_MAX);
    }
    nvme_drv_leave(c);
}
