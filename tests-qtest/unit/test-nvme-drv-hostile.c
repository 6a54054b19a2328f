/*
 * Unit tests of the NVMe driver's core: a controller that means harm
 *
 * It takes the driver's commands and then answers what it likes: twice, never, for
 * another queue, with any status and result, while its registers and the pages it
 * was given say anything.  The driver keeps its books in order, each request ends
 * once, and no assertion of the driver's is reached.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "nvme-model.h"

#define ROUNDS          400
#define STEPS           120
#define REQUESTS        96
#define KNOWN           64
#define QUEUES          (1 + NVME_DRV_MAX_IO_QUEUES)
/* A step, an abort, a request for events */
#define ADMIN_COMMANDS  3

typedef struct Hostile {
    Model *m;
    GRand *rand;
    uint16_t known[QUEUES][KNOWN];      /* command ids seen */
    unsigned int known_count[QUEUES];
    Io io[REQUESTS];
} Hostile;

static uint32_t dice(Hostile *h, uint32_t sides)
{
    return g_rand_int_range(h->rand, 0, sides);
}

static void take_create(Model *m, const NvmeCmd *cmd)
{
    uint32_t dw10 = le32_to_cpu(cmd->cdw10);
    unsigned int qid = dw10 & 0xffff;

    g_assert_cmpuint(qid, >, 0);
    g_assert_cmpuint(qid, <, QUEUES);
    if (cmd->opcode == NVME_ADM_CMD_CREATE_CQ) {
        m->q[qid].cq = le64_to_cpu(cmd->dptr.prp1);
        m->q[qid].cq_entries = (dw10 >> 16) + 1;
        m->q[qid].vector = le32_to_cpu(cmd->cdw11) >> 16;
        m->q[qid].phase = true;
        m->q[qid].cq_tail = 0;
    } else {
        m->q[qid].sq = le64_to_cpu(cmd->dptr.prp1);
        m->q[qid].sq_entries = (dw10 >> 16) + 1;
        m->q[qid].sq_head = m->q[qid].sq_tail = 0;
    }
}

/* Take commands, so that there is something to answer; carry out none */
static void hostile_fetch(Hostile *h)
{
    Model *m = h->m;

    for (int i = 0; i < QUEUES; i++) {
        while (m->q[i].sq_entries && m->q[i].sq_head != m->q[i].sq_tail) {
            uint64_t offset = m->q[i].sq + m->q[i].sq_head * 64 - MEM_BASE;
            NvmeCmd cmd;

            memcpy(&cmd, m->mem + offset, sizeof(cmd));
            m->q[i].sq_head = (m->q[i].sq_head + 1) % m->q[i].sq_entries;
            h->known[i][h->known_count[i]++ % KNOWN] = le16_to_cpu(cmd.cid);
            if (!i && (cmd.opcode == NVME_ADM_CMD_CREATE_CQ ||
                       cmd.opcode == NVME_ADM_CMD_CREATE_SQ)) {
                take_create(m, &cmd);
            }
        }
    }
}

static uint16_t hostile_cid(Hostile *h, int qid)
{
    unsigned int count = MIN(h->known_count[qid], KNOWN);

    switch (dice(h, 8)) {
    case 0:
        return g_rand_int(h->rand);
    case 1:
        qid = dice(h, QUEUES);
        count = MIN(h->known_count[qid], KNOWN);
        break;
    default:
        break;
    }
    /* rather a late one, which the driver still waits for */
    return count ? h->known[qid][(h->known_count[qid] - 1 -
                                  dice(h, MIN(count, 1 + dice(h, KNOWN)))) %
                                 KNOWN]
                 : g_rand_int(h->rand);
}

static void hostile_answer(Hostile *h)
{
    static const uint16_t statuses[] = {
        NVME_CMD_ABORT_REQ, NVME_NS_NOT_READY, NVME_INVALID_NSID,
        NVME_INTERNAL_DEV_ERROR, NVME_UNRECOVERED_READ, NVME_INVALID_OPCODE,
        NVME_INVALID_FIELD | NVME_DNR, 0x7fff,
    };
    static const uint32_t results[] = {
        0, UINT32_MAX, 0x10001, 0x70007,
        NVME_AER_TYPE_NOTICE | NVME_LOG_CHANGED_NSLIST << 16,
        NVME_AER_TYPE_SMART | NVME_LOG_SMART_INFO << 16,
        NVME_AER_TYPE_ERROR,
    };
    int qid = dice(h, 3) ? 0 : dice(h, QUEUES);

    if (h->m->q[qid].cq_entries) {
        model_post(h->m, qid, hostile_cid(h, qid),
                   dice(h, 3) ? 0 : statuses[dice(h, ARRAY_SIZE(statuses))],
                   results[dice(h, ARRAY_SIZE(results))]);
    }
}

/* Identify data, lists and logs: near enough to the real ones to be used */
static void hostile_page(Hostile *h)
{
    static const uint8_t shifts[] = { 9, 12, 0, 13, 255 };
    uint8_t *page = h->m->drv.page.ptr;
    NvmeIdCtrl *ctrl = (NvmeIdCtrl *)page;
    NvmeIdNs *ns = (NvmeIdNs *)page;

    if (!page) {
        return;
    }
    switch (dice(h, 4)) {
    case 0:
        ctrl->mdts = g_rand_int(h->rand);
        ctrl->sqes = 0x66;
        ctrl->cqes = 0x44;
        ctrl->oncs = g_rand_int(h->rand);
        ctrl->oaes = g_rand_int(h->rand);
        ctrl->sgls = g_rand_int(h->rand);
        ctrl->vwc = g_rand_int(h->rand);
        break;
    case 1:
        stl_le_p(page, dice(h, 3));
        break;
    case 2:
        ns->nsze = cpu_to_le64(dice(h, 4) ? DISK_BYTES >> 12
                                          : (uint64_t)g_rand_int(h->rand) << 40);
        ns->flbas = g_rand_int(h->rand);
        for (int i = 0; i < ARRAY_SIZE(ns->lbaf); i++) {
            ns->lbaf[i].ds = shifts[dice(h, ARRAY_SIZE(shifts))];
            ns->lbaf[i].ms = dice(h, 4) ? 0 : g_rand_int(h->rand);
        }
        break;
    default:
        for (int i = 0; i < 600; i++) {
            page[i] = g_rand_int(h->rand);
        }
        break;
    }
}

static void hostile_registers(Hostile *h)
{
    static const uint16_t mqes[] = { 0, 1, 2, 63, 1023, 0xffff };
    Model *m = h->m;

    switch (dice(h, 12)) {
    case 0:
        m->csts = dice(h, 4);
        break;
    case 1:
        m->cap = (m->cap & ~0xffffULL) | mqes[dice(h, ARRAY_SIZE(mqes))];
        break;
    case 2:
        m->ready_reads = dice(h, 6) - 1;
        break;
    case 3:
        m->stuck_disables = dice(h, 3);
        break;
    default:
        /* mostly it plays along, to get further */
        m->csts = m->cc & 1;
        break;
    }
}

/* What must hold between any two calls of the driver */
static void check_books(Hostile *h)
{
    const NvmeDrv *c = &h->m->drv;
    unsigned int inflight = 0;

    g_assert_cmpint(c->queues[0].depth - c->queues[0].free_count, <=,
                    ADMIN_COMMANDS);
    for (int i = 0; i < QUEUES; i++) {
        const NvmeDrvQueue *q = &c->queues[i];
        unsigned int used = 0;

        for (int j = 0; j < q->depth; j++) {
            used += q->slots[j].kind != NVME_DRV_SLOT_FREE;
            inflight += q->slots[j].kind == NVME_DRV_SLOT_IO;
            g_assert_true(!q->slots[j].req ||
                          q->slots[j].kind == NVME_DRV_SLOT_IO);
        }
        g_assert_cmpuint(used + q->free_count, ==, q->depth);
    }
    g_assert_cmpuint(c->inflight_count, ==, inflight);
    for (int i = 0; i < REQUESTS; i++) {
        g_assert_cmpuint(h->io[i].done_count, <=, 1);
    }
}

static void hostile_step(Hostile *h)
{
    Model *m = h->m;

    hostile_registers(h);
    hostile_page(h);
    if (m->cc & 1) {
        hostile_fetch(h);
        for (int i = dice(h, 6); i > 0; i--) {
            hostile_answer(h);
        }
    }
    switch (dice(h, 4)) {
    case 0:
        m->now += dice(h, 4) * NVME_DRV_TICK_NS;
        nvme_drv_timer(&m->drv);
        break;
    case 1:
        nvme_drv_poll(&m->drv);
        break;
    case 2:
        nvme_drv_kick(&m->drv);
        break;
    default:
        nvme_drv_interrupt(&m->drv, dice(h, m->vector_count));
        break;
    }
    check_books(h);
}

static void submit_some(Hostile *h, unsigned int *next)
{
    for (int i = dice(h, 8); i > 0 && *next < REQUESTS; i--) {
        NvmeDrvOp op = dice(h, NVME_DRV_DISCARD + 1);

        io_submit(h->m, &h->io[(*next)++], op, dice(h, 256) * 4096,
                  op == NVME_DRV_FLUSH ? 0 : (1 + dice(h, 32)) * 4096, 0);
    }
}

/* Ends in one of the states in which nothing is left to be waited for */
static void run_out(Hostile *h, unsigned int submitted)
{
    Model *m = h->m;

    m->csts = 0;
    m->ready_reads = -1;
    m->stuck_disables = 0;
    for (int i = 0; i < 2000 && nvme_drv_is_busy(&m->drv); i++) {
        m->now += NVME_DRV_TICK_NS;
        nvme_drv_timer(&m->drv);
        check_books(h);
    }
    for (unsigned int i = 0; i < submitted; i++) {
        g_assert_cmpuint(h->io[i].done_count, ==, 1);
        g_assert_cmpint(h->io[i].ret, <=, 0);
    }
}

static void test_keeps_its_books(void)
{
    unsigned int states[NVME_DRV_REMOVED + 1] = { 0 };
    unsigned int resets = 0, aborts = 0, good = 0;

    for (int round = 0; round < ROUNDS; round++) {
        Hostile *h = g_new0(Hostile, 1);
        unsigned int submitted = 0;

        h->rand = g_rand_new_with_seed(round);
        h->m = model_up();
        h->m->drv.timeout_ticks = 2;
        for (int i = 0; i < STEPS; i++) {
            submit_some(h, &submitted);
            hostile_step(h);
        }
        states[h->m->drv.state]++;
        resets += h->m->drv.resets;
        aborts += h->m->ns.aborts;
        run_out(h, submitted);
        for (unsigned int i = 0; i < submitted; i++) {
            good += !h->io[i].ret;
        }
        model_free(h->m);
        g_rand_free(h->rand);
        g_free(h);
    }
    g_test_message("%u resets, %u aborts, %u requests done; %u running, %u failed",
                   resets, aborts, good, states[NVME_DRV_RUNNING],
                   states[NVME_DRV_FAILED]);
    /* it has been in all the places that it may be in */
    g_assert_cmpuint(resets, >, ROUNDS);
    g_assert_cmpuint(aborts, >, 0);
    g_assert_cmpuint(good, >, ROUNDS);
    g_assert_cmpuint(states[NVME_DRV_FAILED], >, 0);
    g_assert_cmpuint(states[NVME_DRV_RUNNING] + states[NVME_DRV_RESETTING], >, 0);
}

/* Answers to all that was ever sent, again and again, while the driver runs */
static void test_answers_twice(void)
{
    Hostile *h = g_new0(Hostile, 1);

    h->rand = g_rand_new_with_seed(1);
    h->m = model_up();
    for (int i = 0; i < REQUESTS; i++) {
        io_submit(h->m, &h->io[i], NVME_DRV_READ, 0, 4096, 0);
        nvme_drv_kick(&h->m->drv);
        hostile_fetch(h);
        for (int qid = 0; qid < 3; qid++) {
            for (int k = 0; k < MIN(h->known_count[qid], KNOWN); k++) {
                model_post(h->m, qid, h->known[qid][k], 0, 0);
                nvme_drv_poll(&h->m->drv);
            }
        }
        check_books(h);
        g_assert_cmpuint(h->io[i].done_count, ==, 1);
    }
    g_assert_cmpuint(h->m->drv.bad_completions, >, REQUESTS);
    g_assert_cmpint(h->m->drv.state, ==, NVME_DRV_RUNNING);
    model_free(h->m);
    g_rand_free(h->rand);
    g_free(h);
}

/* An event for each request for events: they cost a page now and then, no more */
static void test_storm_of_events(void)
{
    Hostile *h = g_new0(Hostile, 1);
    Model *m = h->m = model_up();
    unsigned int logs;

    for (int i = 0; i < 5000; i++) {
        if (m->has_aer) {
            m->has_aer = false;
            model_post(m, 0, m->aer_cid, 0,
                       NVME_AER_TYPE_NOTICE | NVME_LOG_CHANGED_NSLIST << 16);
        }
        model_run(m);
        model_pass(m, NVME_DRV_TICK_NS / 50);
        check_books(h);
    }
    logs = m->logs;
    g_assert_cmpuint(logs, >, 50);
    g_assert_cmpuint(logs, <=, 101);
    g_assert_cmpint(io_run(m, &h->io[0], NVME_DRV_READ, 0, 4096, 0), ==, 0);
    model_free(m);
    g_free(h);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define T(name) \
    g_test_add_func("/paravisor/nvme-drv-hostile/" #name, test_##name)
    T(keeps_its_books);
    T(answers_twice);
    T(storm_of_events);
#undef T
    return g_test_run();
}
