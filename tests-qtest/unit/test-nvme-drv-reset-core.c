/*
 * Unit tests of the NVMe driver's core: timeouts, resets, broken controllers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "nvme-model.h"

static void test_timeout_aborts(void)
{
    Model *m = model_up();
    Io io = { };

    m->drop = 1;
    model_fill(m, 0, 4096, 9);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_WRITE, 0, 4096, 0), ==, 1);
    model_pass(m, 9 * NVME_DRV_TICK_NS);
    g_assert_cmpuint(m->aborts, ==, 0);
    model_pass(m, 4 * NVME_DRV_TICK_NS);
    g_assert_cmpuint(m->aborts, ==, 1);
    g_assert_cmpuint(m->ns.aborts, ==, 1);
    g_assert_cmpint(io.ret, ==, 0);
    g_assert_cmpuint(m->drv.resets, ==, 0);
    g_assert_cmpmem(m->disk, 4096, m->mem + DATA, 4096);

    /* over and over: the caller learns of it */
    m->drop = UINT32_MAX;
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, 1);
    model_pass(m, 60 * NVME_DRV_TICK_NS);
    g_assert_cmpint(io.ret, ==, -ETIMEDOUT);
    g_assert_false(nvme_drv_is_busy(&m->drv));
    model_free(m);
}

static void test_reset_replays(void)
{
    Model *m = model_up();
    g_autofree Io *io = g_new0(Io, 200);

    m->drop_aborts = true;
    m->drop = 60;
    model_fill(m, 0, 200 * 4096, 11);
    for (int i = 0; i < 200; i++) {
        io_submit(m, &io[i], NVME_DRV_WRITE, i * 4096, 4096, i * 4096);
    }
    nvme_drv_kick(&m->drv);
    model_run(m);
    g_assert_cmpuint(m->drv.inflight_count, ==, 60);
    model_pass(m, 40 * NVME_DRV_TICK_NS);
    g_assert_cmpuint(m->drv.resets, ==, 1);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_RUNNING);
    g_assert_cmpuint(m->id_ctrls, ==, 2);
    for (int i = 0; i < 200; i++) {
        g_assert_cmpint(io[i].ret, ==, 0);
        g_assert_cmpuint(io[i].done_count, ==, 1);
    }
    g_assert_cmpmem(m->disk, 200 * 4096, m->mem + DATA, 200 * 4096);
    g_assert_cmpuint(m->ns.retries, ==, 60);
    model_free(m);

    /* a request that never gets through does not reset for ever */
    m = model_up();
    m->drop_aborts = true;
    m->drop = UINT32_MAX;
    g_assert_cmpint(io_run(m, &io[0], NVME_DRV_READ, 0, 4096, 0), ==, 1);
    model_pass(m, 200 * NVME_DRV_TICK_NS);
    g_assert_cmpint(io[0].ret, ==, -EIO);
    g_assert_cmpuint(m->drv.resets, <=, NVME_DRV_MAX_RESETS);
    model_free(m);
}

static void test_fatal_status_resets(void)
{
    Model *m = model_up();
    Io io = { };

    m->csts |= NVME_CSTS_FAILED;
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 2 * MiB, 0), ==, 1);
    model_pass(m, 2 * NVME_DRV_TICK_NS);
    g_assert_cmpint(io.ret, ==, 0);
    g_assert_cmpuint(m->drv.resets, ==, 1);

    /* one that cannot be disabled is reset as a function */
    m->csts |= NVME_CSTS_FAILED;
    m->stuck_disables = 100;
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, 1);
    model_pass(m, 30 * NVME_DRV_TICK_NS);
    g_assert_cmpint(io.ret, ==, 0);
    g_assert_cmpuint(m->function_resets, ==, 1);
    model_free(m);
}

static void test_removal(void)
{
    Model *m = model_up();
    g_autofree Io *io = g_new0(Io, 200);

    m->drop = UINT32_MAX;
    for (int i = 0; i < 200; i++) {
        io_submit(m, &io[i], NVME_DRV_READ, 0, 4096, 0);
    }
    nvme_drv_kick(&m->drv);
    model_run(m);
    nvme_drv_removed(&m->drv);
    for (int i = 0; i < 200; i++) {
        g_assert_cmpint(io[i].ret, ==, -ENOMEDIUM);
        g_assert_cmpuint(io[i].done_count, ==, 1);
    }
    g_assert_cmphex(m->cc, ==, 0);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_ABSENT);
    g_assert_cmpint(io_run(m, &io[0], NVME_DRV_READ, 0, 4096, 0), ==,
                    -ENOMEDIUM);
    nvme_drv_machine_reset(&m->drv);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_REMOVED);
    model_free(m);

    /* announced: what is under way ends, the rest does not begin */
    m = model_up();
    io_submit(m, &io[0], NVME_DRV_READ, 0, 4096, 0);
    nvme_drv_stop_sending(&m->drv);
    io_submit(m, &io[1], NVME_DRV_READ, 0, 4096, 0);
    nvme_drv_kick(&m->drv);
    model_run(m);
    g_assert_cmpint(io[0].ret, ==, 0);
    g_assert_cmpuint(m->log_count, ==, 1);
    g_assert_cmpint(io[1].ret, ==, 1);
    nvme_drv_removed(&m->drv);
    g_assert_cmpint(io[1].ret, ==, -ENOMEDIUM);
    model_free(m);

    /* unannounced: all ones are seen when a request takes long */
    m = model_up();
    m->drop = UINT32_MAX;
    g_assert_cmpint(io_run(m, &io[0], NVME_DRV_READ, 0, 4096, 0), ==, 1);
    m->is_gone = true;
    model_pass(m, 2 * NVME_DRV_TICK_NS);
    g_assert_cmpint(io[0].ret, ==, -ENOMEDIUM);
    model_free(m);
}

static void test_machine_reset(void)
{
    Model *m = model_up();
    Io io = { };

    m->drop = 1;
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, 1);
    m->is_gone = true;
    nvme_drv_machine_reset(&m->drv);
    g_assert_cmpint(io.ret, ==, -EIO);
    g_assert_cmpint(m->deadline, ==, INT64_MAX);

    /* what comes while the function is out of reach waits */
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, 1);
    model_function_reset(m);
    m->is_gone = false;
    nvme_drv_resume(&m->drv);
    model_run(m);
    g_assert_cmpint(io.ret, ==, 0);

    nvme_drv_machine_reset(&m->drv);
    nvme_drv_resume(&m->drv);
    model_run(m);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_OFF);
    g_assert_cmpint(m->deadline, ==, INT64_MAX);
    /* loading a state takes the memory away, too */
    nvme_drv_forget_memory(&m->drv);
    m->dma_count = 0;
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, 0);
    g_assert_cmpuint(m->function_resets, ==, 3);
    model_free(m);
}

/* A clock that stands still: the owner looks, and says that time passes */
static void test_works_by_polling(void)
{
    Model *m = model_new();
    Io io = { };

    m->vector_count = 1;
    m->ready_reads = 5;
    io_submit(m, &io, NVME_DRV_READ, 0, 4096, 0);
    for (int i = 0; i < 100 && io.ret == 1; i++) {
        nvme_drv_poll(&m->drv);
        if (m->csts & 1) {
            model_fetch(m);
        }
    }
    g_assert_cmpint(io.ret, ==, 0);
    m->drop = 1;
    m->drop_aborts = true;
    io_submit(m, &io, NVME_DRV_READ, 0, 4096, 0);
    nvme_drv_kick(&m->drv);
    for (int i = 0; i < 100 && io.ret == 1; i++) {
        nvme_drv_tick(&m->drv);
        if (m->csts & 1) {
            model_fetch(m);
        }
    }
    g_assert_cmpint(io.ret, ==, 0);
    g_assert_cmpuint(m->drv.resets, ==, 1);
    model_free(m);
}

static void async_event(Model *m, uint32_t result)
{
    g_assert_true(m->has_aer);
    m->has_aer = false;
    model_post(m, 0, m->aer_cid, 0, result);
    model_run(m);
}

static void test_namespace_goes_and_comes(void)
{
    Model *m = model_up();
    uint32_t changed = NVME_AER_TYPE_NOTICE | NVME_LOG_CHANGED_NSLIST << 16;
    Io io = { };

    m->has_ns = false;
    async_event(m, changed);
    g_assert_cmpuint(m->logs, ==, 1);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_ABSENT);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==,
                    -ENOMEDIUM);
    model_pass(m, 2 * NVME_DRV_TICK_NS);
    m->has_ns = true;
    async_event(m, changed);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_PRESENT);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, 0);

    /* other blocks are another disk */
    model_pass(m, 2 * NVME_DRV_TICK_NS);
    m->block_log2 = 12;
    async_event(m, changed);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_UNUSABLE);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, -EIO);

    /* that it was away meanwhile does not make it the same */
    for (int i = 0; i < 2; i++) {
        m->has_ns = i;
        model_pass(m, 2 * NVME_DRV_TICK_NS);
        async_event(m, changed);
    }
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_UNUSABLE);
    model_pass(m, 2 * NVME_DRV_TICK_NS);
    m->block_log2 = 9;
    async_event(m, changed);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, 0);

    /* an event of another kind only has its page read */
    model_pass(m, 2 * NVME_DRV_TICK_NS);
    g_assert_cmpuint(m->logs, ==, 6);
    async_event(m, NVME_AER_TYPE_SMART | NVME_LOG_SMART_INFO << 16);
    g_assert_cmpuint(m->logs, ==, 7);
    model_free(m);
}

static void test_unusable_namespaces(void)
{
    static const uint8_t sizes[] = { 0, 8, 13, 63, 255 };
    Model *m;

    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        m = model_new();
        /* the model's own shift has less room than the field */
        m->block_log2 = 9;
        nvme_drv_start(&m->drv);
        m->block_log2 = sizes[i] & 31;
        if (sizes[i] < 32) {
            model_run(m);
            g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_UNUSABLE);
            g_assert_nonnull(m->ns.error);
        }
        model_free(m);
    }
    m = model_new();
    m->metadata = 8;
    nvme_drv_start(&m->drv);
    model_run(m);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_UNUSABLE);
    model_free(m);

    m = model_new();
    m->ns.nsid = 7;
    nvme_drv_start(&m->drv);
    model_run(m);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_RUNNING);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_ABSENT);
    model_free(m);
}

static void test_few_resources(void)
{
    Model *m = model_new();
    Io io = { };

    /* one vector, one queue of two entries */
    m->vector_count = 1;
    m->offered_queues = 1;
    m->cap = (m->cap & ~0xffffULL) | 1;
    m->mdts = 1;
    nvme_drv_start(&m->drv);
    model_run(m);
    g_assert_cmpuint(m->drv.io_queue_count, ==, 1);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 1 * MiB, 0), ==, 0);
    model_free(m);

    m = model_new();
    m->fail_create = true;
    nvme_drv_start(&m->drv);
    model_run(m);
    model_pass(m, 30 * NVME_DRV_TICK_NS);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_FAILED);
    model_free(m);

    /* memory for the admin queue at most */
    for (int pages = 0; pages < 5; pages++) {
        m = model_new();
        m->mem_used = DATA - pages * 4096;
        nvme_drv_start(&m->drv);
        model_run(m);
        g_assert_cmpint(m->drv.state, ==, NVME_DRV_FAILED);
        /* and some more later */
        m->mem_used = DATA - 64 * MAX_COMMANDS;
        nvme_drv_machine_reset(&m->drv);
        nvme_drv_resume(&m->drv);
        nvme_drv_start(&m->drv);
        model_run(m);
        g_assert_cmpint(m->drv.state, ==, NVME_DRV_RUNNING);
        model_free(m);
    }
}

/* Completions that nobody waits for, in all queues, with I/O under way */
static void test_wild_completions(void)
{
    Model *m = model_up();
    g_autofree Io *io = g_new0(Io, 32);
    GRand *rand = g_rand_new_with_seed(1);

    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 32; i++) {
            io_submit(m, &io[i], NVME_DRV_READ, 0, 4096, 0);
        }
        for (int i = 0; i < 20; i++) {
            /* generations 200 and up are not in use */
            uint16_t cid = g_rand_int(rand) | 0xc800;

            if ((cid & 0xff) < NVME_DRV_MAX_DEPTH && (round & 127) > 96) {
                cid |= 0x80;
            }
            model_post(m, g_rand_int_range(rand, 0, 3), cid, g_rand_int(rand) & 0x7fff,
                 g_rand_int(rand));
            model_run(m);
        }
        nvme_drv_kick(&m->drv);
        model_run(m);
        for (int i = 0; i < 32; i++) {
            g_assert_cmpint(io[i].ret, <=, 0);
        }
    }
    g_assert_cmpuint(m->drv.bad_completions, >, 1000);
    g_rand_free(rand);
    model_free(m);
}

/* Memory and registers full of noise: no crash, no endless loop */
static void test_noise(void)
{
    GRand *rand = g_rand_new_with_seed(2);

    for (int round = 0; round < 300; round++) {
        Model *m = model_up();
        g_autofree Io *io = g_new0(Io, 64);

        for (int i = 0; i < 64; i++) {
            io_submit(m, &io[i], i % 5, 0, i % 5 == NVME_DRV_FLUSH ? 0 : 4096,
                      0);
        }
        nvme_drv_kick(&m->drv);
        for (int i = 0; i < 40; i++) {
            NvmeDrvQueue *q = &m->drv.queues[g_rand_int_range(rand, 0, 3)];
            uint8_t *cqe = q->cq.ptr;

            for (int j = 0; q->entries && j < 64; j++) {
                cqe[g_rand_int_range(rand, 0, q->entries * 16)] =
                    g_rand_int(rand);
            }
            for (int j = 0; j < 64; j++) {
                ((uint8_t *)m->drv.page.ptr)[g_rand_int_range(rand, 0, 600)] =
                    g_rand_int(rand);
            }
            if (i % 8 == 7) {
                m->csts = g_rand_int_range(rand, 0, 4);
            }
            nvme_drv_poll(&m->drv);
            nvme_drv_tick(&m->drv);
        }
        nvme_drv_removed(&m->drv);
        for (int i = 0; i < 64; i++) {
            g_assert_cmpuint(io[i].done_count, ==, 1);
        }
        model_free(m);
    }
    g_rand_free(rand);
}

static void resubmit(NvmeDrvReq *req, int ret)
{
    Io *io = container_of(req, Io, req);
    Model *m = container_of(req->ns, Model, ns);

    io->ret = ret;
    if (++io->done_count < 1000) {
        nvme_drv_submit(&m->drv, req);
        nvme_drv_kick(&m->drv);
    }
}

/* done() may send the same request again at once, even as all fails */
static void test_done_submits(void)
{
    Model *m = model_up();
    Io io = { };

    io_submit(m, &io, NVME_DRV_READ, 0, 4096, 0);
    io.req.done = resubmit;
    nvme_drv_kick(&m->drv);
    model_run(m);
    g_assert_cmpuint(io.done_count, ==, 1000);
    io_submit(m, &io, NVME_DRV_READ, 0, 4096, 0);
    io.req.done = resubmit;
    io.done_count = 0;
    nvme_drv_removed(&m->drv);
    g_assert_cmpuint(io.done_count, ==, 1000);
    g_assert_cmpint(io.ret, ==, -ENOMEDIUM);
    model_free(m);
}

static void test_detach_while_looking(void)
{
    Model *m = model_up();
    NvmeDrvNs other = { .nsid = 3 };

    nvme_drv_attach_ns(&m->drv, &other);
    nvme_drv_detach_ns(&m->drv, &m->ns);
    nvme_drv_attach_ns(&m->drv, &m->ns);
    model_run(m);
    g_assert_cmpint(m->ns.state, ==, NVME_DRV_NS_PRESENT);
    g_assert_cmpint(other.state, ==, NVME_DRV_NS_ABSENT);
    nvme_drv_detach_ns(&m->drv, &other);
    model_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define T(name) g_test_add_func("/paravisor/nvme-drv-reset/" #name, test_##name)
    T(timeout_aborts);
    T(reset_replays);
    T(fatal_status_resets);
    T(removal);
    T(machine_reset);
    T(works_by_polling);
    T(namespace_goes_and_comes);
    T(unusable_namespaces);
    T(few_resources);
    T(wild_completions);
    T(noise);
    T(done_submits);
    T(detach_while_looking);
#undef T
    return g_test_run();
}
