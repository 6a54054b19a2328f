/*
 * Block node that stripes over several others
 *
 * What a striped disk of the paravisor is made of: chunks of equal size, on each
 * member in turn.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "block/aio_task.h"
#include "block/block_int.h"
#include "block/block_int-io.h"
#include "nvme-drv.h"

/* Parts of one request that are under way at a time */
#define NVME_STRIPE_MAX_TASKS           16

typedef struct NvmeStripe {
    BdrvChild **members;
    unsigned int count;
    uint64_t chunk_bytes;
    uint64_t size_bytes;
    uint32_t block_bytes;
} NvmeStripe;

typedef enum NvmeStripeOp {
    NVME_STRIPE_READ,
    NVME_STRIPE_WRITE,
    NVME_STRIPE_ZEROES,
    NVME_STRIPE_DISCARD,
} NvmeStripeOp;

typedef struct NvmeStripeTask {
    AioTask task;
    NvmeStripeOp op;
    BdrvChild *member;
    int64_t offset;                     /* on the member */
    int64_t bytes;
    QEMUIOVector *qiov;
    size_t qiov_offset;
    BdrvRequestFlags flags;
} NvmeStripeTask;

static int coroutine_fn GRAPH_RDLOCK nvme_stripe_run(const NvmeStripeTask *t)
{
    switch (t->op) {
    case NVME_STRIPE_READ:
        return bdrv_co_preadv_part(t->member, t->offset, t->bytes, t->qiov,
                                   t->qiov_offset, t->flags);
    case NVME_STRIPE_WRITE:
        return bdrv_co_pwritev_part(t->member, t->offset, t->bytes, t->qiov,
                                    t->qiov_offset, t->flags);
    case NVME_STRIPE_ZEROES:
        return bdrv_co_pwrite_zeroes(t->member, t->offset, t->bytes, t->flags);
    default:
        return bdrv_co_pdiscard(t->member, t->offset, t->bytes);
    }
}

/* The caller, who waits for all tasks, has the lock */
static int coroutine_fn nvme_stripe_task(AioTask *task)
{
    NvmeStripeTask *t = container_of(task, NvmeStripeTask, task);

    GRAPH_RDLOCK_GUARD();
    return nvme_stripe_run(t);
}

static void coroutine_fn nvme_stripe_add(AioTaskPool *pool,
                                         const NvmeStripeTask *t)
{
    NvmeStripeTask *task = g_new(NvmeStripeTask, 1);

    *task = *t;
    task->task = (AioTask) { .func = nvme_stripe_task };
    aio_task_pool_start_task(pool, &task->task);
}

/* All tasks of @pool are over, which goes: 0 or the first error */
static int coroutine_fn nvme_stripe_wait(AioTaskPool *pool)
{
    int ret;

    aio_task_pool_wait_all(pool);
    ret = aio_task_pool_status(pool);
    aio_task_pool_free(pool);
    return ret;
}

static int coroutine_fn GRAPH_RDLOCK
nvme_stripe_co_rw(BlockDriverState *bs, NvmeStripeOp op, int64_t offset,
                  int64_t bytes, QEMUIOVector *qiov, size_t qiov_offset,
                  BdrvRequestFlags flags)
{
    NvmeStripe *s = bs->opaque;
    AioTaskPool *pool = NULL;

    while (bytes) {
        uint64_t chunk = offset / s->chunk_bytes;
        uint64_t in_chunk = offset % s->chunk_bytes;
        NvmeStripeTask t = {
            .op = op,
            .member = s->members[chunk % s->count],
            .offset = chunk / s->count * s->chunk_bytes + in_chunk,
            .bytes = MIN(bytes, s->chunk_bytes - in_chunk),
            .qiov = qiov,
            .qiov_offset = qiov_offset,
            .flags = flags,
        };

        if (!pool && t.bytes == bytes) {
            return nvme_stripe_run(&t);
        }
        if (!pool) {
            pool = aio_task_pool_new(NVME_STRIPE_MAX_TASKS);
        }
        nvme_stripe_add(pool, &t);
        offset += t.bytes;
        bytes -= t.bytes;
        qiov_offset += t.bytes;
    }
    return pool ? nvme_stripe_wait(pool) : 0;
}

static int coroutine_fn GRAPH_RDLOCK
nvme_stripe_co_preadv_part(BlockDriverState *bs, int64_t offset,
                           int64_t bytes, QEMUIOVector *qiov,
                           size_t qiov_offset, BdrvRequestFlags flags)
{
    return nvme_stripe_co_rw(bs, NVME_STRIPE_READ, offset, bytes, qiov,
                             qiov_offset, flags);
}

static int coroutine_fn GRAPH_RDLOCK
nvme_stripe_co_pwritev_part(BlockDriverState *bs, int64_t offset,
                            int64_t bytes, QEMUIOVector *qiov,
                            size_t qiov_offset, BdrvRequestFlags flags)
{
    return nvme_stripe_co_rw(bs, NVME_STRIPE_WRITE, offset, bytes, qiov,
                             qiov_offset, flags);
}

/* What of the disk's first @offset bytes is on member @idx */
static int64_t nvme_stripe_share(const NvmeStripe *s, unsigned int idx,
                                 int64_t offset)
{
    uint64_t chunk = offset / s->chunk_bytes;
    int64_t share = chunk / s->count * s->chunk_bytes;

    if (idx < chunk % s->count) {
        share += s->chunk_bytes;
    } else if (idx == chunk % s->count) {
        share += offset % s->chunk_bytes;
    }
    return share;
}

/* A range of the disk is one range on each member */
static int coroutine_fn GRAPH_RDLOCK
nvme_stripe_co_range(BlockDriverState *bs, NvmeStripeOp op, int64_t offset,
                     int64_t bytes, BdrvRequestFlags flags)
{
    NvmeStripe *s = bs->opaque;
    AioTaskPool *pool = aio_task_pool_new(NVME_STRIPE_MAX_TASKS);

    for (unsigned int i = 0; i < s->count; i++) {
        int64_t start = nvme_stripe_share(s, i, offset);
        NvmeStripeTask t = {
            .op = op,
            .member = s->members[i],
            .offset = start,
            .bytes = nvme_stripe_share(s, i, offset + bytes) - start,
            .flags = flags,
        };

        if (t.bytes) {
            nvme_stripe_add(pool, &t);
        }
    }
    return nvme_stripe_wait(pool);
}

static int coroutine_fn GRAPH_RDLOCK
nvme_stripe_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset,
                             int64_t bytes, BdrvRequestFlags flags)
{
    return nvme_stripe_co_range(bs, NVME_STRIPE_ZEROES, offset, bytes, flags);
}

static int coroutine_fn GRAPH_RDLOCK
nvme_stripe_co_pdiscard(BlockDriverState *bs, int64_t offset, int64_t bytes)
{
    return nvme_stripe_co_range(bs, NVME_STRIPE_DISCARD, offset, bytes, 0);
}

static int64_t coroutine_fn GRAPH_RDLOCK
nvme_stripe_co_getlength(BlockDriverState *bs)
{
    NvmeStripe *s = bs->opaque;

    return s->size_bytes;
}

static void nvme_stripe_refresh_limits(BlockDriverState *bs, Error **errp)
{
    NvmeStripe *s = bs->opaque;

    bs->bl.request_alignment = MAX(s->block_bytes, BDRV_SECTOR_SIZE);
    bs->bl.pwrite_zeroes_alignment = bs->bl.request_alignment;
    bs->bl.pdiscard_alignment = bs->bl.request_alignment;
}

static int nvme_stripe_probe_blocksizes(BlockDriverState *bs, BlockSizes *bsz)
{
    NvmeStripe *s = bs->opaque;

    bsz->log = bsz->phys = s->block_bytes;
    return 0;
}

/* The members have them all, so the first one can tell */
static int nvme_stripe_snapshot_create(BlockDriverState *bs,
                                       QEMUSnapshotInfo *sn_info)
{
    return 0;
}

static int nvme_stripe_snapshot_goto(BlockDriverState *bs, const char *id)
{
    return 0;
}

static int nvme_stripe_snapshot_delete(BlockDriverState *bs, const char *id,
                                       const char *name, Error **errp)
{
    return 0;
}

static int nvme_stripe_snapshot_list(BlockDriverState *bs,
                                     QEMUSnapshotInfo **info)
{
    NvmeStripe *s = bs->opaque;

    return bdrv_snapshot_list(s->members[0]->bs, info);
}

static void nvme_stripe_close(BlockDriverState *bs)
{
    NvmeStripe *s = bs->opaque;

    g_free(s->members);
}

static BlockDriver bdrv_nvme_stripe = {
    .format_name = "vtl2-stripe",
    .instance_size = sizeof(NvmeStripe),

    .bdrv_close = nvme_stripe_close,
    .bdrv_child_perm = bdrv_default_perms,
    .bdrv_co_preadv_part = nvme_stripe_co_preadv_part,
    .bdrv_co_pwritev_part = nvme_stripe_co_pwritev_part,
    .bdrv_co_pwrite_zeroes = nvme_stripe_co_pwrite_zeroes,
    .bdrv_co_pdiscard = nvme_stripe_co_pdiscard,
    .bdrv_co_getlength = nvme_stripe_co_getlength,
    .bdrv_refresh_limits = nvme_stripe_refresh_limits,
    .bdrv_probe_blocksizes = nvme_stripe_probe_blocksizes,
    .bdrv_snapshot_create = nvme_stripe_snapshot_create,
    .bdrv_snapshot_goto = nvme_stripe_snapshot_goto,
    .bdrv_snapshot_delete = nvme_stripe_snapshot_delete,
    .bdrv_snapshot_list = nvme_stripe_snapshot_list,
};

static bool nvme_stripe_attach(BlockDriverState *bs,
                               BlockDriverState **members, unsigned int count,
                               Error **errp)
{
    NvmeStripe *s = bs->opaque;
    bool ok = true;

    s->members = g_new0(BdrvChild *, count);
    bdrv_drain_all_begin();
    bdrv_graph_wrlock();
    for (unsigned int i = 0; i < count && ok; i++) {
        g_autofree char *name = g_strdup_printf("member%u", i);

        /* takes the reference over */
        bdrv_ref(members[i]);
        s->members[i] = bdrv_attach_child(bs, members[i], name, &child_of_bds,
                                          BDRV_CHILD_DATA, errp);
        ok = s->members[i];
    }
    bdrv_graph_wrunlock();
    bdrv_drain_all_end();
    s->count = count;
    return ok;
}

/* Sizes and flags that all members have */
static bool nvme_stripe_measure(BlockDriverState *bs, Error **errp)
{
    NvmeStripe *s = bs->opaque;
    int64_t shortest = INT64_MAX;
    BlockSizes first = { }, sizes;

    bs->supported_write_flags |= BDRV_REQ_FUA;
    bs->supported_zero_flags = BDRV_REQ_FUA | BDRV_REQ_MAY_UNMAP;
    GRAPH_RDLOCK_GUARD_MAINLOOP();
    for (unsigned int i = 0; i < s->count; i++) {
        BlockDriverState *member = s->members[i]->bs;

        shortest = MIN(shortest, member->total_sectors * BDRV_SECTOR_SIZE);
        if (bdrv_probe_blocksizes(member, &sizes) < 0 ||
            (i && sizes.log != first.log)) {
            error_setg(errp, "the namespaces of a striped disk must have "
                       "blocks of the same size");
            return false;
        }
        first = sizes;
        bs->supported_write_flags &= member->supported_write_flags;
        bs->supported_zero_flags &= member->supported_zero_flags;
    }
    s->block_bytes = first.log;
    s->size_bytes = shortest / s->chunk_bytes * s->chunk_bytes * s->count;
    if (s->chunk_bytes % s->block_bytes || !s->size_bytes) {
        error_setg(errp, "'stripe' must be a multiple of the block size, %u "
                   "bytes, and at most the size of a namespace",
                   s->block_bytes);
        return false;
    }
    bs->total_sectors = s->size_bytes / BDRV_SECTOR_SIZE;
    bdrv_refresh_limits(bs, NULL, errp);
    return true;
}

BlockDriverState *nvme_stripe_open(BlockDriverState **members,
                                   unsigned int count, uint64_t stripe_bytes,
                                   Error **errp)
{
    BlockDriverState *bs;
    NvmeStripe *s;

    bs = bdrv_new_open_driver(&bdrv_nvme_stripe, NULL,
                              BDRV_O_RDWR | BDRV_O_UNMAP, errp);
    if (!bs) {
        return NULL;
    }
    s = bs->opaque;
    s->chunk_bytes = stripe_bytes;
    if (!nvme_stripe_attach(bs, members, count, errp) ||
        !nvme_stripe_measure(bs, errp)) {
        bdrv_unref(bs);
        return NULL;
    }
    return bs;
}
