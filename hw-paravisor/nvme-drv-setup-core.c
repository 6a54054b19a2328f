/*
 * NVMe driver: bringing the controller up, namespaces, events, resets
 *
 * NVM Express Base Specification 1.4, sections 3.1, 5 and 7.6.
 *
 * One admin command at a time, beside an abort and the request for events.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "nvme-drv-core.h"

/* Register reads when there is no time to wait */
#define DISABLE_READS                   1000

static void scan_start(NvmeDrv *c);
static void scan_next(NvmeDrv *c);
static void step_failed(NvmeDrv *c, const char *why);

static void send_step(NvmeDrv *c, NvmeDrvStep step, NvmeCmd *cmd)
{
    NvmeDrvQueue *admin = &c->queues[0];

    c->step = step;
    c->step_ticks = 0;
    c->step_limit_ticks = NVME_DRV_ADMIN_TICKS;
    nvme_drv_queue_send(c, admin, cmd, nvme_drv_queue_take_slot(admin),
                        NVME_DRV_SLOT_STEP);
    nvme_drv_kick(c);
}

static void send_identify(NvmeDrv *c, NvmeDrvStep step, uint8_t cns,
                          uint32_t nsid)
{
    NvmeCmd cmd = {
        .opcode = NVME_ADM_CMD_IDENTIFY,
        .nsid = cpu_to_le32(nsid),
        .dptr.prp1 = cpu_to_le64(c->page.addr),
        .cdw10 = cpu_to_le32(cns),
    };

    memset(c->page.ptr, 0, VTL2_PAGE_BYTES);
    send_step(c, step, &cmd);
}

static void send_feature(NvmeDrv *c, NvmeDrvStep step, uint8_t feature,
                         uint32_t value)
{
    NvmeCmd cmd = {
        .opcode = NVME_ADM_CMD_SET_FEATURES,
        .cdw10 = cpu_to_le32(feature),
        .cdw11 = cpu_to_le32(value),
    };

    send_step(c, step, &cmd);
}

static void send_create(NvmeDrv *c, NvmeDrvStep step)
{
    NvmeDrvQueue *q = &c->queues[c->step_queue];
    bool is_cq = step == NVME_DRV_STEP_CREATE_CQ;
    uint32_t flags = is_cq ? NVME_CQ_PC | NVME_CQ_IEN | q->vector << 16 :
                             NVME_SQ_PC | q->qid << 16;
    NvmeCmd cmd = {
        .opcode = is_cq ? NVME_ADM_CMD_CREATE_CQ : NVME_ADM_CMD_CREATE_SQ,
        .dptr.prp1 = cpu_to_le64(is_cq ? q->cq.addr : q->sq.addr),
        .cdw10 = cpu_to_le32(q->qid | (q->entries - 1) << 16),
        .cdw11 = cpu_to_le32(flags),
    };

    send_step(c, step, &cmd);
}

static void send_async(NvmeDrv *c)
{
    NvmeDrvQueue *admin = &c->queues[0];
    NvmeCmd cmd = { .opcode = NVME_ADM_CMD_ASYNC_EV_REQ };

    c->wants_async = false;
    nvme_drv_queue_send(c, admin, &cmd, nvme_drv_queue_take_slot(admin),
                        NVME_DRV_SLOT_ASYNC);
    nvme_drv_kick(c);
}

/* Controller on and off */

static void set_vectors(NvmeDrv *c, bool on)
{
    unsigned int count = c->ops->vector_count(c->fn);

    for (unsigned int i = 0; i < MIN(count, 1U + c->max_io_queues); i++) {
        c->ops->enable_vector(c->fn, i, on);
    }
}

/* Stop the controller's DMA without waiting long */
static void disable_now(NvmeDrv *c)
{
    uint32_t csts = c->ops->read32(c->fn, 0, NVME_REG_CSTS);

    if (csts == UINT32_MAX) {
        return;
    }
    c->ops->write32(c->fn, 0, NVME_REG_CC, 0);
    for (int i = 0; i < DISABLE_READS && (csts & NVME_CSTS_READY); i++) {
        csts = c->ops->read32(c->fn, 0, NVME_REG_CSTS);
    }
    if (csts != UINT32_MAX && (csts & NVME_CSTS_READY)) {
        c->ops->function_reset(c->fn);
    }
}

static void forget(NvmeDrv *c)
{
    c->step = NVME_DRV_STEP_NONE;
    c->step_ns = NULL;
    c->io_queue_count = 0;
    c->abort_busy = false;
    c->wants_async = false;
    c->wants_log = false;
    c->wants_scan = false;
    nvme_drv_queue_reset(&c->queues[0]);
}

static void give_up(NvmeDrv *c, const char *why)
{
    c->error = why;
    disable_now(c);
    set_vectors(c, false);
    forget(c);
    nvme_drv_set_state(c, NVME_DRV_FAILED);
    nvme_drv_fail_all(c, -EIO);
}

/* Registers as read; false if no driver of ours can use the controller */
static bool check_cap(NvmeDrv *c, uint64_t cap)
{
    uint64_t bar_bytes = c->ops->bar_bytes(c->fn, 0);
    uint32_t limit_ms;

    c->doorbell_stride_log2 = 2 + NVME_CAP_DSTRD(cap);
    c->queue_limit = MIN(NVME_CAP_MQES(cap) + 1, UINT16_MAX);
    if (!c->ops->vector_count(c->fn)) {
        give_up(c, "the controller has no MSI-X");
        return false;
    }
    if (NVME_CAP_MPSMIN(cap) > 0) {
        give_up(c, "the controller has no pages of 4096 bytes");
        return false;
    }
    if (!(NVME_CAP_CSS(cap) & (NVME_CAP_CSS_NCSS | NVME_CAP_CSS_IOCSS))) {
        give_up(c, "the controller has no NVM command set");
        return false;
    }
    if (c->queue_limit < 2 || bar_bytes < NVME_DRV_DOORBELLS_OFFSET +
                                          (4ULL << c->doorbell_stride_log2)) {
        give_up(c, "the controller has no room for queues");
        return false;
    }
    limit_ms = MAX(NVME_CAP_TO(cap), 1) * NVME_DRV_CAP_TO_UNIT_MS;
    c->step_limit_ticks = limit_ms / (NVME_DRV_TICK_NS / 1000000) + 1;
    return true;
}

static bool alloc_admin(NvmeDrv *c)
{
    NvmeDrvQueue *admin = &c->queues[0];

    return (c->page.ptr ||
            c->ops->dma_alloc(c->fn, VTL2_PAGE_BYTES, &c->page)) &&
           (admin->entries ||
            nvme_drv_queue_alloc(c, admin, 0, NVME_DRV_ADMIN_DEPTH, false));
}

static void begin(NvmeDrv *c, NvmeDrvState state)
{
    uint64_t cap;

    nvme_drv_set_state(c, state);
    if (!alloc_admin(c)) {
        give_up(c, "VTL2 has no memory for queues");
        return;
    }
    if (c->needs_function_reset) {
        c->needs_function_reset = false;
        c->ops->function_reset(c->fn);
    }
    cap = c->ops->read64(c->fn, 0, NVME_REG_CAP);
    if (cap == UINT64_MAX) {
        c->error = "the controller does not answer";
        nvme_drv_removed(c);
        return;
    }
    if (!check_cap(c, cap)) {
        return;
    }
    c->step = NVME_DRV_STEP_DISABLE;
    c->step_ticks = 0;
    c->ops->write32(c->fn, 0, NVME_REG_CC, 0);
    nvme_drv_arm_timer(c, NVME_DRV_POLL_NS);
    nvme_drv_step_poll(c);
}

void nvme_drv_start(NvmeDrv *c)
{
    if (c->state == NVME_DRV_OFF && !c->is_held) {
        nvme_drv_enter(c);
        begin(c, NVME_DRV_STARTING);
        nvme_drv_leave(c);
    }
}

/* The controller is off and touches no memory: set it up anew */
static void enable(NvmeDrv *c)
{
    NvmeDrvQueue *admin = &c->queues[0];
    uint16_t entries = admin->entries;  /* CAP.MQES is of I/O queues */
    uint32_t cc = 0;

    forget(c);
    nvme_drv_take_back(c);
    set_vectors(c, true);

    c->ops->write32(c->fn, 0, NVME_REG_AQA,
                    (entries - 1) | (entries - 1) << AQA_ACQS_SHIFT);
    c->ops->write64(c->fn, 0, NVME_REG_ASQ, admin->sq.addr);
    c->ops->write64(c->fn, 0, NVME_REG_ACQ, admin->cq.addr);
    NVME_SET_CC_EN(cc, 1);
    NVME_SET_CC_IOSQES(cc, NVME_DRV_SQE_LOG2);
    NVME_SET_CC_IOCQES(cc, NVME_DRV_CQE_LOG2);
    c->step = NVME_DRV_STEP_ENABLE;
    c->step_ticks = 0;
    c->ops->write32(c->fn, 0, NVME_REG_CC, cc);
}

void nvme_drv_step_poll(NvmeDrv *c)
{
    uint32_t csts;

    if (c->step == NVME_DRV_STEP_DISABLE) {
        csts = c->ops->read32(c->fn, 0, NVME_REG_CSTS);
        if (csts == UINT32_MAX) {
            nvme_drv_removed(c);
        } else if (!(csts & NVME_CSTS_READY)) {
            enable(c);
        }
    }
    if (c->step == NVME_DRV_STEP_ENABLE) {
        csts = c->ops->read32(c->fn, 0, NVME_REG_CSTS);
        if (csts == UINT32_MAX) {
            nvme_drv_removed(c);
        } else if (csts & NVME_CSTS_FAILED) {
            step_failed(c, "the controller reports a fatal error");
        } else if (csts & NVME_CSTS_READY) {
            send_identify(c, NVME_DRV_STEP_ID_CTRL, NVME_ID_CNS_CTRL, 0);
        }
    }
}

static void step_failed(NvmeDrv *c, const char *why)
{
    if (c->resets_in_row++ >= NVME_DRV_MAX_RESETS) {
        give_up(c, why);
        return;
    }
    c->error = why;
    c->resets++;
    /* one that cannot be disabled needs more force */
    c->needs_function_reset = c->step == NVME_DRV_STEP_DISABLE;
    c->event(c->owner, NVME_DRV_EV_RESET, c->resets_in_row, 0);
    begin(c, c->state);
}

/* Half a second of a bring-up has passed */
void nvme_drv_step_tick(NvmeDrv *c)
{
    if (c->step == NVME_DRV_STEP_NONE) {
        return;
    }
    if (c->step > NVME_DRV_STEP_ENABLE &&
        (c->ops->read32(c->fn, 0, NVME_REG_CSTS) & NVME_CSTS_FAILED)) {
        step_failed(c, "the controller reports a fatal error");
    } else if (++c->step_ticks > c->step_limit_ticks) {
        step_failed(c, "the controller does not become ready");
    }
}

void nvme_drv_reset(NvmeDrv *c, const char *why)
{
    if (c->state != NVME_DRV_RUNNING) {
        return;
    }
    nvme_drv_enter(c);
    if (c->resets_in_row++ >= NVME_DRV_MAX_RESETS) {
        give_up(c, why);
    } else {
        c->error = why;
        c->resets++;
        c->event(c->owner, NVME_DRV_EV_RESET, c->resets_in_row, 0);
        begin(c, NVME_DRV_RESETTING);
    }
    nvme_drv_leave(c);
}

/* Answers to the steps */

static bool take_id_ctrl(NvmeDrv *c)
{
    const NvmeIdCtrl *id = c->page.ptr;
    uint8_t mdts = id->mdts;
    uint8_t sqes = id->sqes, cqes = id->cqes;

    if (NVME_CTRL_SQES_MIN(sqes) > NVME_DRV_SQE_LOG2 ||
        NVME_CTRL_SQES_MAX(sqes) < NVME_DRV_SQE_LOG2 ||
        NVME_CTRL_CQES_MIN(cqes) > NVME_DRV_CQE_LOG2 ||
        NVME_CTRL_CQES_MAX(cqes) < NVME_DRV_CQE_LOG2) {
        give_up(c, "the controller wants other queue entries");
        return false;
    }
    c->max_command_bytes = NVME_DRV_MAX_COMMAND_BYTES;
    if (mdts && mdts < ctz32(NVME_DRV_MAX_COMMAND_BYTES / VTL2_PAGE_BYTES)) {
        c->max_command_bytes = VTL2_PAGE_BYTES << mdts;
    }
    c->oncs = le16_to_cpu(id->oncs);
    c->oaes = le32_to_cpu(id->oaes);
    c->sgls = le32_to_cpu(id->sgls);
    c->has_volatile_cache = id->vwc & NVME_VWC_PRESENT;
    memcpy(c->serial, id->sn, sizeof(id->sn));
    c->serial[sizeof(id->sn)] = 0;
    g_strchomp(c->serial);
    return true;
}

/* Queues that fit the BAR, the messages and the controller's @offered */
static bool alloc_io_queues(NvmeDrv *c, unsigned int offered)
{
    uint64_t bar_bytes = c->ops->bar_bytes(c->fn, 0);
    unsigned int vectors = c->ops->vector_count(c->fn);
    uint16_t entries = MIN(c->max_depth, c->queue_limit);
    uint64_t fit = ((bar_bytes - NVME_DRV_DOORBELLS_OFFSET) >>
                    (c->doorbell_stride_log2 + 1)) - 1;
    unsigned int count = MIN(MIN(offered, c->max_io_queues), fit);

    count = MIN(count, MAX(vectors, 2) - 1);
    for (c->wanted_queues = 0; c->wanted_queues < count; c->wanted_queues++) {
        NvmeDrvQueue *q = &c->queues[c->wanted_queues + 1];

        if (q->entries != entries) {
            nvme_drv_queue_free(c, q);
            if (!nvme_drv_queue_alloc(c, q, c->wanted_queues + 1, entries,
                                      true)) {
                break;
            }
        }
        q->vector = vectors > 1 ? q->qid : 0;
    }
    return c->wanted_queues > 0;
}

static void begin_events(NvmeDrv *c)
{
    if (c->oaes & NVME_OAES_NS_ATTR) {
        send_feature(c, NVME_DRV_STEP_ASYNC_CONFIG,
                     NVME_ASYNCHRONOUS_EVENT_CONF, NVME_OAES_NS_ATTR);
    } else {
        scan_start(c);
    }
}

static void take_num_queues(NvmeDrv *c, uint32_t result)
{
    unsigned int offered = MIN(result & 0xffff, result >> 16) + 1;

    if (!alloc_io_queues(c, offered)) {
        give_up(c, "VTL2 has no memory for queues");
        return;
    }
    c->step_queue = 1;
    send_create(c, NVME_DRV_STEP_CREATE_CQ);
}

static void take_created(NvmeDrv *c, bool ok)
{
    if (!ok) {
        if (c->step_queue == 1) {
            step_failed(c, "the controller makes no queues");
        } else {
            begin_events(c);
        }
    } else if (c->step == NVME_DRV_STEP_CREATE_CQ) {
        send_create(c, NVME_DRV_STEP_CREATE_SQ);
    } else {
        c->io_queue_count = c->step_queue;
        if (c->step_queue < c->wanted_queues) {
            c->step_queue++;
            send_create(c, NVME_DRV_STEP_CREATE_CQ);
        } else {
            begin_events(c);
        }
    }
}

/* Namespaces */

static void ns_result(NvmeDrvNs *ns, NvmeDrvNsState state, const char *error)
{
    ns->state = state;
    ns->error = error;
    if (ns->changed) {
        ns->changed(ns);
    }
}

static void take_id_ns(NvmeDrv *c, NvmeDrvNs *ns)
{
    const NvmeIdNs *id = c->page.ptr;
    uint64_t blocks = le64_to_cpu(id->nsze);
    unsigned int format = NVME_DRV_FLBAS_FORMAT(id->flbas);
    uint8_t block_log2 = id->lbaf[format].ds;
    uint16_t metadata_bytes = le16_to_cpu(id->lbaf[format].ms);
    uint8_t dlfeat = id->dlfeat;

    if (!blocks) {
        ns_result(ns, NVME_DRV_NS_ABSENT, NULL);
        return;
    }
    if (block_log2 < 9 || block_log2 > 12 ||
        blocks > (uint64_t)INT64_MAX >> block_log2) {
        ns_result(ns, NVME_DRV_NS_UNUSABLE,
                  "its blocks are not of 512 to 4096 bytes");
        return;
    }
    if (metadata_bytes) {
        ns_result(ns, NVME_DRV_NS_UNUSABLE, "its blocks have metadata");
        return;
    }
    /* its user keeps to the one that it was told of first */
    if (ns->block_log2 && ns->block_log2 != block_log2) {
        ns_result(ns, NVME_DRV_NS_UNUSABLE, "its block size has changed");
        return;
    }
    ns->block_log2 = block_log2;
    ns->size_bytes = blocks << block_log2;
    ns->can_deallocate_zeroes =
        (dlfeat & NVME_DRV_DLFEAT_WZ_DEAC) &&
        (dlfeat & NVME_DRV_DLFEAT_READ_MASK) == NVME_DRV_DLFEAT_READ_ZEROES;
    ns_result(ns, NVME_DRV_NS_PRESENT, NULL);
}

/* What waited for the step to end */
static void admin_next(NvmeDrv *c)
{
    NvmeCmd cmd = {
        .opcode = NVME_ADM_CMD_GET_LOG_PAGE,
        .nsid = cpu_to_le32(NVME_NSID_BROADCAST),
        .dptr.prp1 = cpu_to_le64(c->page.addr),
        .cdw10 = cpu_to_le32(c->log_page |
                             (VTL2_PAGE_BYTES / 4 - 1) << 16),
    };

    if (c->state != NVME_DRV_RUNNING || c->step != NVME_DRV_STEP_NONE) {
        return;
    }
    if (c->wants_log) {
        c->wants_log = false;
        send_step(c, NVME_DRV_STEP_LOG, &cmd);
    } else if (c->wants_scan) {
        scan_start(c);
    }
}

static void scan_ns(NvmeDrv *c, GList *link)
{
    NvmeDrvNs *ns;

    c->step_ns = link;
    if (link) {
        ns = link->data;
        /* the list of active namespaces starts behind the number given */
        send_identify(c, NVME_DRV_STEP_NS_LIST, NVME_ID_CNS_NS_ACTIVE_LIST,
                      ns->nsid - 1);
        return;
    }
    c->step = NVME_DRV_STEP_NONE;
    if (c->state != NVME_DRV_RUNNING) {
        nvme_drv_set_state(c, NVME_DRV_RUNNING);
    }
    admin_next(c);
    nvme_drv_pump(c);
    nvme_drv_kick(c);
}

static void scan_start(NvmeDrv *c)
{
    c->wants_scan = false;
    scan_ns(c, c->namespaces.head);
}

static void scan_next(NvmeDrv *c)
{
    scan_ns(c, c->step_ns ? c->step_ns->next : NULL);
}

static void take_ns_list(NvmeDrv *c, bool ok)
{
    NvmeDrvNs *ns = c->step_ns ? c->step_ns->data : NULL;
    uint32_t first = ldl_le_p(c->page.ptr);

    if (ns && ok && first == ns->nsid) {
        send_identify(c, NVME_DRV_STEP_NS_IDENTIFY, NVME_ID_CNS_NS, ns->nsid);
        return;
    }
    if (ns) {
        ns_result(ns, NVME_DRV_NS_ABSENT, NULL);
    }
    scan_next(c);
}

static void take_ns_identify(NvmeDrv *c, bool ok)
{
    NvmeDrvNs *ns = c->step_ns ? c->step_ns->data : NULL;

    if (ns && ok) {
        take_id_ns(c, ns);
    } else if (ns) {
        ns_result(ns, NVME_DRV_NS_ABSENT, NULL);
    }
    scan_next(c);
}

void nvme_drv_attach_ns(NvmeDrv *c, NvmeDrvNs *ns)
{
    ns->link = (GList) { .data = ns };
    ns->state = NVME_DRV_NS_UNKNOWN;
    g_queue_push_tail_link(&c->namespaces, &ns->link);
    if (c->state == NVME_DRV_REMOVED) {
        ns->state = NVME_DRV_NS_ABSENT;
    } else if (c->state == NVME_DRV_RUNNING) {
        c->wants_scan = c->step != NVME_DRV_STEP_NONE;
        if (!c->wants_scan) {
            scan_start(c);
        }
    }
}

void nvme_drv_detach_ns(NvmeDrv *c, NvmeDrvNs *ns)
{
    if (c->step_ns == &ns->link) {
        /* the answer on its way is nobody's; the others are looked at later */
        c->step_ns = NULL;
        c->wants_scan = true;
    }
    g_queue_unlink(&c->namespaces, &ns->link);
}

/* Answers on the admin queue */

static void async_done(NvmeDrv *c, uint16_t status, uint32_t result)
{
    if (status & NVME_DRV_STATUS_MASK) {
        return;                         /* it has none of them, or no more */
    }
    c->event(c->owner, NVME_DRV_EV_ASYNC, result, 0);
    c->log_page = extract32(result, 16, 8);
    c->wants_log = true;
    c->wants_scan = c->wants_scan || c->log_page == NVME_LOG_CHANGED_NSLIST;
    admin_next(c);
}

static void step_done(NvmeDrv *c, bool ok, uint32_t result)
{
    switch (c->step) {
    case NVME_DRV_STEP_ID_CTRL:
        if (!ok) {
            step_failed(c, "the controller does not identify itself");
        } else if (take_id_ctrl(c)) {
            uint32_t count = c->max_io_queues - 1;

            send_feature(c, NVME_DRV_STEP_NUM_QUEUES, NVME_NUMBER_OF_QUEUES,
                         count | count << 16);
        }
        break;
    case NVME_DRV_STEP_NUM_QUEUES:
        if (ok) {
            take_num_queues(c, result);
        } else {
            step_failed(c, "the controller offers no queues");
        }
        break;
    case NVME_DRV_STEP_CREATE_CQ:
    case NVME_DRV_STEP_CREATE_SQ:
        take_created(c, ok);
        break;
    case NVME_DRV_STEP_ASYNC_CONFIG:
        if (ok) {
            send_async(c);
        }
        scan_start(c);
        break;
    case NVME_DRV_STEP_LOG:
        c->step = NVME_DRV_STEP_NONE;
        /* not at once: a controller full of events must not keep us busy */
        c->wants_async = true;
        nvme_drv_arm_timer(c, NVME_DRV_TICK_NS);
        admin_next(c);
        break;
    case NVME_DRV_STEP_NS_LIST:
        take_ns_list(c, ok);
        break;
    case NVME_DRV_STEP_NS_IDENTIFY:
        take_ns_identify(c, ok);
        break;
    default:
        break;
    }
}

void nvme_drv_admin_done(NvmeDrv *c, NvmeDrvSlotKind kind, uint16_t status,
                         uint32_t result)
{
    switch (kind) {
    case NVME_DRV_SLOT_ABORT:
        c->abort_busy = false;
        break;
    case NVME_DRV_SLOT_ASYNC:
        async_done(c, status, result);
        break;
    case NVME_DRV_SLOT_STEP:
        step_done(c, !(status & NVME_DRV_STATUS_MASK), result);
        break;
    default:
        break;
    }
}

void nvme_drv_admin_pump(NvmeDrv *c)
{
    if (c->wants_async && c->state == NVME_DRV_RUNNING) {
        send_async(c);
    }
}

/* The driver's own life */

void nvme_drv_init(NvmeDrv *c)
{
    g_queue_init(&c->namespaces);
    g_queue_init(&c->pending);
    g_queue_init(&c->finished);
    c->max_io_queues = MIN(MAX(c->max_io_queues, 1), NVME_DRV_MAX_IO_QUEUES);
    c->max_depth = MIN(MAX(c->max_depth, 2), NVME_DRV_MAX_DEPTH);
    c->state = NVME_DRV_OFF;
}

static void stop_timer(NvmeDrv *c)
{
    if (c->timer_armed) {
        c->timer_armed = false;
        c->ops->set_timer(c->fn, INT64_MAX);
    }
}

void nvme_drv_cleanup(NvmeDrv *c)
{
    if (c->state != NVME_DRV_OFF && c->state != NVME_DRV_REMOVED) {
        disable_now(c);
        set_vectors(c, false);
    }
    forget(c);
    stop_timer(c);
    c->state = NVME_DRV_OFF;
    for (int i = 0; i <= NVME_DRV_MAX_IO_QUEUES; i++) {
        nvme_drv_queue_free(c, &c->queues[i]);
    }
    if (c->page.ptr) {
        c->ops->dma_free(c->fn, &c->page);
        c->page = (Vtl2Dma) { };
    }
}

void nvme_drv_machine_reset(NvmeDrv *c)
{
    if (c->state == NVME_DRV_REMOVED) {
        return;
    }
    nvme_drv_enter(c);
    forget(c);
    stop_timer(c);
    c->resets_in_row = 0;
    c->error = NULL;
    c->needs_function_reset = true;
    c->is_held = true;
    nvme_drv_set_state(c, NVME_DRV_OFF);
    nvme_drv_fail_all(c, -EIO);
    nvme_drv_leave(c);
}

void nvme_drv_resume(NvmeDrv *c)
{
    c->is_held = false;
    if (c->pending.head) {
        nvme_drv_start(c);
    }
}

void nvme_drv_forget_memory(NvmeDrv *c)
{
    c->page = (Vtl2Dma) { };
    for (int i = 0; i <= NVME_DRV_MAX_IO_QUEUES; i++) {
        NvmeDrvQueue *q = &c->queues[i];

        q->sq = q->cq = q->lists = (Vtl2Dma) { };
        q->entries = q->depth = q->free_count = 0;
    }
}

void nvme_drv_stop_sending(NvmeDrv *c)
{
    c->is_leaving = true;
}

void nvme_drv_removed(NvmeDrv *c)
{
    if (c->state == NVME_DRV_REMOVED) {
        return;
    }
    nvme_drv_enter(c);
    disable_now(c);
    forget(c);
    stop_timer(c);
    nvme_drv_set_state(c, NVME_DRV_REMOVED);
    nvme_drv_fail_all(c, -ENOMEDIUM);
    for (GList *l = c->namespaces.head; l; l = l->next) {
        ns_result(l->data, NVME_DRV_NS_ABSENT, NULL);
    }
    nvme_drv_leave(c);
}
