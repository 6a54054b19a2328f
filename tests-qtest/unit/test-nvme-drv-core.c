/*
 * Unit tests of the NVMe driver's core: bring-up, requests, errors
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "nvme-model.h"

static void test_brings_controller_up(void)
{
    Model *m = model_up();

    g_assert_cmpuint(m->drv.io_queue_count, ==, 2);
    g_assert_cmpstr(m->drv.serial, ==, "SERIAL");
    g_assert_cmpuint(m->drv.max_command_bytes, ==, 512 * KiB);
    g_assert_cmpuint(m->ns.size_bytes, ==, DISK_BYTES);
    g_assert_cmpuint(m->ns.block_log2, ==, 9);
    g_assert_true(m->ns.can_deallocate_zeroes);
    g_assert_cmphex(m->vectors_on, ==, 7);
    g_assert_true(m->has_aer);
    g_assert_cmphex(m->cc, ==, 0x460001);
    /* an idle driver asks for no time */
    model_pass(m, 2 * NVME_DRV_TICK_NS);
    g_assert_cmpint(m->deadline, ==, INT64_MAX);
    model_free(m);
}

static void test_waits_for_ready(void)
{
    Model *m = model_new();

    m->ready_reads = 20;
    nvme_drv_start(&m->drv);
    model_run(m);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_STARTING);
    model_pass(m, 50 * NVME_DRV_POLL_NS);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_RUNNING);
    model_free(m);

    /* never ready: it is tried a few times */
    m = model_new();
    m->ready_reads = -1;
    nvme_drv_start(&m->drv);
    model_pass(m, 60 * NVME_DRV_TICK_NS);
    g_assert_cmpint(m->drv.state, ==, NVME_DRV_FAILED);
    g_assert_nonnull(m->drv.error);
    g_assert_cmpint(m->deadline, ==, INT64_MAX);
    model_free(m);
}

static void test_refuses_unfit_controllers(void)
{
    static const struct {
        uint64_t cap_or, cap_clear;
    } rows[] = {
        { 1ULL << CAP_MPSMIN_SHIFT, 0 },
        { 0, 0xffULL << CAP_CSS_SHIFT },
        { 0, 0xffff },
        { 0xfULL << CAP_DSTRD_SHIFT, 0 },
    };

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        Model *m = model_new();
        Io io = { };

        m->cap = (m->cap | rows[i].cap_or) & ~rows[i].cap_clear;
        g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 4096, 0), ==, -EIO);
        g_assert_cmpint(m->drv.state, ==, NVME_DRV_FAILED);
        model_free(m);
    }
}

static void test_first_request_brings_up(void)
{
    Model *m = model_new();
    Io io = { };

    model_fill(m, 0, 4096, 1);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_WRITE, 8192, 4096, 0), ==, 0);
    g_assert_cmpmem(m->disk + 8192, 4096, m->mem + DATA, 4096);
    g_assert_cmpuint(m->ns.writes, ==, 1);
    g_assert_cmpuint(m->ns.write_bytes, ==, 4096);
    model_free(m);
}

static void check_layout(Model *m, Io *io, uint64_t bytes)
{
    uint64_t pos = 0;

    model_fill(m, 0, 6 * MiB, 7 + io->req.seg_count);
    g_assert_true(nvme_drv_segs_ok(&m->drv, &m->ns, io->segs,
                                   io->req.seg_count));
    g_assert_cmpint(io_run(m, io, NVME_DRV_WRITE, 4096, bytes, 0), ==, 0);
    for (unsigned int i = 0; i < io->req.seg_count; i++) {
        void *p = m->mem + (io->segs[i].addr - MEM_BASE);

        g_assert_cmpmem(m->disk + 4096 + pos, io->segs[i].bytes,
                        p, io->segs[i].bytes);
        memset(p, 0, io->segs[i].bytes);
        pos += io->segs[i].bytes;
    }
    g_assert_cmpuint(pos, ==, bytes);
    g_assert_cmpint(io_run(m, io, NVME_DRV_READ, 4096, bytes, 0), ==, 0);
    pos = 0;
    for (unsigned int i = 0; i < io->req.seg_count; i++) {
        void *p = m->mem + (io->segs[i].addr - MEM_BASE);

        g_assert_cmpmem(m->disk + 4096 + pos, io->segs[i].bytes,
                        p, io->segs[i].bytes);
        pos += io->segs[i].bytes;
    }
    g_assert_cmpuint(m->ns.errors, ==, 0);
}

/* Each length and cut, with SGLs and without */
static void test_describes_memory(void)
{
    static const uint32_t sizes[] = {
        512, 4096, 4608, 8192, 12288, 65536, 512 * KiB, 512 * KiB + 512,
        1 * MiB, 3 * MiB + 4096,
    };

    for (int sgl = 0; sgl < 2; sgl++) {
        for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
            Model *m = model_new();
            Io io = { };

            m->sgls = sgl;
            nvme_drv_start(&m->drv);
            model_run(m);
            for (int off = 0; off <= 2048; off += 1024) {
                io.req.seg_count = 1;
                io.segs[0] = (NvmeDrvSeg) { MEM_BASE + DATA + off, sizes[i] };
                check_layout(m, &io, sizes[i]);
            }
            model_free(m);
        }
    }
}

static void scatter(Io *io, unsigned int count, uint64_t first, uint64_t bytes,
                    uint64_t stride)
{
    io->req.seg_count = count;
    for (unsigned int i = 0; i < count; i++) {
        io->segs[i] = (NvmeDrvSeg) {
            MEM_BASE + DATA + (count - 1 - i) * stride + (i ? 0 : first),
            bytes - (i ? 0 : first),
        };
    }
}

static void test_describes_scattered_memory(void)
{
    for (int sgl = 0; sgl < 2; sgl++) {
        Model *m = model_new();
        Io io = { };

        m->sgls = sgl;
        nvme_drv_start(&m->drv);
        model_run(m);
        scatter(&io, 2, 0, 4096, 8192);
        check_layout(m, &io, 8192);
        scatter(&io, 31, 512, 4096, 8192);
        check_layout(m, &io, 31 * 4096 - 512);
        scatter(&io, 300, 0, 4096, 8192);
        check_layout(m, &io, 300 * 4096);
        /* PRPs end at each of these: a command a piece */
        scatter(&io, 7, 0, 1024, 2048);
        check_layout(m, &io, 7 * 1024);
        if (sgl) {
            /* pieces of no whole block, more of them than a command takes */
            scatter(&io, 512, 0, 96, 128);
            check_layout(m, &io, 512 * 96);
        } else {
            scatter(&io, 512, 0, 96, 128);
            g_assert_false(nvme_drv_segs_ok(&m->drv, &m->ns, io.segs, 512));
            g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 512 * 96, 0), ==,
                            -EINVAL);
        }
        model_free(m);
    }
}

static void test_splits_at_mdts(void)
{
    Model *m = model_new();
    Io io = { };

    m->mdts = 1;
    nvme_drv_start(&m->drv);
    model_run(m);
    model_fill(m, 0, 100 * KiB, 3);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_WRITE, 0, 100 * KiB, 0), ==, 0);
    g_assert_cmpuint(m->log_count, ==, 13);
    g_assert_cmpuint(io.done_count, ==, 1);
    g_assert_cmpuint(m->ns.writes, ==, 1);
    g_assert_cmpmem(m->disk, 100 * KiB, m->mem + DATA, 100 * KiB);

    /* one part fails: the request does, once, and after the others are over */
    m->fail_status = NVME_UNRECOVERED_READ | NVME_DNR;
    m->fail_count = 1;
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 0, 100 * KiB, 0), ==,
                    -ENODATA);
    g_assert_cmpuint(io.done_count, ==, 2);
    g_assert_cmpuint(m->ns.errors, ==, 1);
    g_assert_false(nvme_drv_is_busy(&m->drv));
    model_free(m);
}

static void test_other_commands(void)
{
    Model *m = model_up();
    Io io = { .req.may_unmap = true, .req.fua = true };
    NvmeRwCmd *rw;

    memset(m->disk, 0x55, DISK_BYTES);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_WRITE_ZEROES, 4096, 8192, 0), ==,
                    0);
    rw = (NvmeRwCmd *)&m->log[m->log_count - 1];
    g_assert_cmphex(le16_to_cpu(rw->control), ==, 0x4200);
    g_assert_cmphex(m->disk[4095], ==, 0x55);
    g_assert_cmphex(m->disk[4096 + 8191], ==, 0);
    g_assert_cmphex(m->disk[4096 + 8192], ==, 0x55);

    g_assert_cmpint(io_run(m, &io, NVME_DRV_DISCARD, 65536, 4096, 0), ==, 0);
    g_assert_cmphex(m->disk[65536], ==, 0xee);
    g_assert_cmphex(m->disk[65536 + 4096], ==, 0x55);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_FLUSH, 0, 0, 0), ==, 0);
    g_assert_cmpuint(m->log[m->log_count - 1].opcode, ==, NVME_CMD_FLUSH);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_WRITE, 0, 4096, 0), ==, 0);
    rw = (NvmeRwCmd *)&m->log[m->log_count - 1];
    g_assert_cmphex(le16_to_cpu(rw->control), ==, NVME_RW_FUA);
    g_assert_cmpuint(m->ns.discards, ==, 2);
    g_assert_cmpuint(m->ns.flushes, ==, 1);

    /* not whole blocks, nothing at all, a flush of something */
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 256, 512, 0), ==, -EINVAL);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 512, 100, 0), ==, -EINVAL);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_READ, 512, 0, 0), ==, -EINVAL);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_FLUSH, 512, 512, 0), ==, -EINVAL);
    model_free(m);

    m = model_new();
    m->oncs = 0;
    g_assert_cmpint(io_run(m, &io, NVME_DRV_DISCARD, 0, 4096, 0), ==,
                    -ENOTSUP);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_WRITE_ZEROES, 0, 4096, 0), ==,
                    -ENOTSUP);
    model_free(m);
}

static void test_more_requests_than_slots(void)
{
    Model *m = model_up();
    g_autofree Io *io = g_new0(Io, 500);
    unsigned int doorbells = m->doorbells;

    for (int i = 0; i < 500; i++) {
        io_submit(m, &io[i], NVME_DRV_WRITE, i * 512, 512, i * 512);
    }
    /* none has heard of any yet; then two queues are full */
    g_assert_cmpuint(m->doorbells, ==, doorbells);
    nvme_drv_kick(&m->drv);
    g_assert_cmpuint(m->doorbells, ==, doorbells + 2);
    model_run(m);
    for (int i = 0; i < 500; i++) {
        g_assert_cmpint(io[i].ret, ==, 0);
        g_assert_cmpuint(io[i].done_count, ==, 1);
    }
    g_assert_cmpuint(m->log_count, ==, 500);
    g_assert_cmpuint(m->doorbells, <, doorbells + 20);
    model_free(m);
}

static void test_status_is_errno(void)
{
    static const struct {
        uint16_t status;
        NvmeDrvOp op;
        int ret;
        unsigned int commands;
    } rows[] = {
        { NVME_UNRECOVERED_READ, NVME_DRV_READ, -ENODATA, 1 },
        { NVME_WRITE_FAULT, NVME_DRV_WRITE, -EIO, 1 },
        { NVME_INTERNAL_DEV_ERROR, NVME_DRV_FLUSH, -EIO, 1 },
        { NVME_LBA_RANGE | NVME_DNR, NVME_DRV_READ, -EIO, 1 },
        { NVME_CAP_EXCEEDED, NVME_DRV_WRITE, -ENOSPC, 1 },
        { NVME_WRITE_TO_RO, NVME_DRV_WRITE, -EROFS, 1 },
        { NVME_INVALID_FIELD, NVME_DRV_DISCARD, -ENOTSUP, 1 },
        { NVME_INVALID_OPCODE, NVME_DRV_WRITE_ZEROES, -ENOTSUP, 1 },
        { NVME_INVALID_FIELD, NVME_DRV_READ, -EINVAL, 1 },
        { NVME_INVALID_NSID, NVME_DRV_READ, -ENOMEDIUM, 1 },
        { NVME_NS_RESV_CONFLICT, NVME_DRV_WRITE, -EBADE, 1 },
        { NVME_NS_NOT_READY, NVME_DRV_READ, -EIO, 4 },
        { NVME_NS_NOT_READY | NVME_DNR, NVME_DRV_READ, -EIO, 1 },
        { 0x0371, NVME_DRV_READ, -EIO, 4 },
        { 0x7ff, NVME_DRV_READ, -EIO, 1 },
    };

    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        Model *m = model_up();
        Io io = { };
        uint64_t bytes = rows[i].op == NVME_DRV_FLUSH ? 0 : 4096;

        m->fail_status = rows[i].status;
        m->fail_count = UINT32_MAX;
        g_assert_cmpint(io_run(m, &io, rows[i].op, 0, bytes, 0), ==,
                        rows[i].ret);
        g_assert_cmpuint(m->log_count, ==, rows[i].commands);
        g_assert_cmpuint(m->ns.retries, ==, rows[i].commands - 1);
        m->fail_count = 0;
        g_assert_cmpint(io_run(m, &io, rows[i].op, 0, bytes, 0), ==, 0);
        model_free(m);
    }
}

static void test_passing_error_is_retried(void)
{
    Model *m = model_up();
    Io io = { };

    m->fail_status = NVME_NS_NOT_READY;
    m->fail_count = 2;
    model_fill(m, 0, 3 * MiB, 5);
    g_assert_cmpint(io_run(m, &io, NVME_DRV_WRITE, 0, 3 * MiB, 0), ==, 0);
    g_assert_cmpmem(m->disk, 3 * MiB, m->mem + DATA, 3 * MiB);
    g_assert_cmpuint(io.done_count, ==, 1);
    g_assert_cmpuint(m->ns.errors, ==, 0);
    model_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define T(name) g_test_add_func("/paravisor/nvme-drv/" #name, test_##name)
    T(brings_controller_up);
    T(waits_for_ready);
    T(refuses_unfit_controllers);
    T(first_request_brings_up);
    T(describes_memory);
    T(describes_scattered_memory);
    T(splits_at_mdts);
    T(other_commands);
    T(more_requests_than_slots);
    T(status_is_errno);
    T(passing_error_is_retried);
#undef T
    return g_test_run();
}
