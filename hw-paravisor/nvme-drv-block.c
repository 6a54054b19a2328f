/*
 * NVMe driver in VTL2: a namespace as a block node
 *
 * Data in the guest's memory goes straight there; what the controller cannot
 * reach, such as the block layer's own buffers, takes the way through VTL2 memory.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "block/block_int-io.h"
#include "block/snapshot.h"
#include "system/block-backend.h"
#include "nvme-drv-internal.h"

/* Pieces of a request that need no memory of their own */
#define NVME_DRV_STACK_SEGS             128
/* One request must not keep the controller busy for long */
#define NVME_DRV_MAX_DISCARD            (1u << 30)

typedef struct NvmeDrvCo {
    NvmeDrvReq req;
    Coroutine *co;                      /* NULL: does not wait yet */
    bool is_done;
    int ret;
} NvmeDrvCo;

static void nvme_drv_co_done(NvmeDrvReq *req, int ret)
{
    NvmeDrvCo *r = container_of(req, NvmeDrvCo, req);

    r->ret = ret;
    r->is_done = true;
    if (r->co) {
        aio_co_wake(r->co);
    }
}

/* r->req: .op, .offset, .bytes, .segs and flags are set */
static int coroutine_fn nvme_drv_co_run(NvmeDrvNode *node, NvmeDrvCo *r)
{
    NvmeDrvHost *h = node->host;

    if (qemu_get_current_aio_context() != qemu_get_aio_context()) {
        return -ENOTSUP;                /* see hv-disk, which says so */
    }
    trace_nvme_drv_request(h->name, node->ns.nsid, r->req.op, r->req.offset,
                           r->req.bytes, r->req.seg_count);
    r->req.ns = &node->ns;
    r->req.done = nvme_drv_co_done;
    nvme_drv_submit(&h->drv, &r->req);
    if (!r->is_done) {
        nvme_drv_host_kick(h);
    }
    if (!r->is_done) {
        r->co = qemu_coroutine_self();
        qemu_coroutine_yield();
    }
    trace_nvme_drv_done(h->name, node->ns.nsid, r->req.op, r->req.offset,
                        r->ret);
    return r->ret;
}

/*
 * Describe @qiov as the controller sees it, in at most @max pieces.  Returns how
 * many, 0 if it cannot.
 */
static unsigned int nvme_drv_map(NvmeDrvNode *node, const QEMUIOVector *qiov,
                                 NvmeDrvSeg *segs, unsigned int max)
{
    NvmeDrvHost *h = node->host;
    unsigned int count = 0;

    for (int i = 0; i < qiov->niov; i++) {
        const uint8_t *host = qiov->iov[i].iov_base;
        size_t left = qiov->iov[i].iov_len;

        while (left) {
            uint64_t addr;
            size_t got = vtl2_dma_map_host(h->pv, host, left, &addr);

            if (!got) {
                return 0;
            }
            if (count && segs[count - 1].addr + segs[count - 1].bytes == addr) {
                segs[count - 1].bytes += got;
            } else if (count == max) {
                return 0;
            } else {
                segs[count++] = (NvmeDrvSeg) { addr, got };
            }
            host += got;
            left -= got;
        }
    }
    return nvme_drv_segs_ok(&h->drv, &node->ns, segs, count) ? count : 0;
}

static int coroutine_fn nvme_drv_co_bounce(NvmeDrvNode *node, NvmeDrvOp op,
                                           int64_t offset, int64_t bytes,
                                           QEMUIOVector *qiov, bool fua)
{
    NvmeDrvHost *h = node->host;
    int64_t done = 0;
    unsigned int piece;
    int ret = 0;

    trace_nvme_drv_bounce(h->name, node->ns.nsid, offset, bytes);
    if (!nvme_drv_bounce_get(h, &piece)) {
        return h->dev ? -ENOMEM : -ENOMEDIUM;
    }
    while (done < bytes && ret >= 0) {
        int64_t part = MIN(bytes - done, NVME_DRV_BOUNCE_BYTES);
        size_t at = (size_t)piece * NVME_DRV_BOUNCE_BYTES;
        NvmeDrvSeg seg = { h->bounce.addr + at, part };
        NvmeDrvCo r = {
            .req = {
                .op = op,
                .fua = fua,
                .offset = offset + done,
                .bytes = part,
                .segs = &seg,
                .seg_count = 1,
            },
        };

        if (!h->bounce.ptr) {
            ret = -ENOMEDIUM;           /* unplugged meanwhile */
            break;
        }
        if (op == NVME_DRV_WRITE) {
            qemu_iovec_to_buf(qiov, done, (uint8_t *)h->bounce.ptr + at, part);
        }
        ret = nvme_drv_co_run(node, &r);
        if (ret >= 0 && op == NVME_DRV_READ) {
            qemu_iovec_from_buf(qiov, done, (uint8_t *)h->bounce.ptr + at,
                                part);
        }
        node->bounced_bytes += part;
        done += part;
    }
    nvme_drv_bounce_put(h, piece);
    return ret;
}

static int coroutine_fn nvme_drv_co_rw(BlockDriverState *bs, NvmeDrvOp op,
                                       int64_t offset, int64_t bytes,
                                       QEMUIOVector *qiov, bool fua)
{
    NvmeDrvNode *node = bs->opaque;
    NvmeDrvSeg stack_segs[NVME_DRV_STACK_SEGS];
    g_autofree NvmeDrvSeg *heap_segs = NULL;
    NvmeDrvCo r = {
        .req = {
            .op = op,
            .fua = fua,
            .offset = offset,
            .bytes = bytes,
            .segs = stack_segs,
        },
    };
    unsigned int max = NVME_DRV_STACK_SEGS;

    if (qiov->niov > max) {
        max = qiov->niov;
        heap_segs = g_new(NvmeDrvSeg, max);
        r.req.segs = heap_segs;
    }
    r.req.seg_count = nvme_drv_map(node, qiov, heap_segs ?: stack_segs, max);
    if (!r.req.seg_count) {
        return nvme_drv_co_bounce(node, op, offset, bytes, qiov, fua);
    }
    return nvme_drv_co_run(node, &r);
}

static int coroutine_fn GRAPH_RDLOCK
nvme_drv_co_preadv(BlockDriverState *bs, int64_t offset, int64_t bytes,
                   QEMUIOVector *qiov, BdrvRequestFlags flags)
{
    return nvme_drv_co_rw(bs, NVME_DRV_READ, offset, bytes, qiov, false);
}

static int coroutine_fn GRAPH_RDLOCK
nvme_drv_co_pwritev(BlockDriverState *bs, int64_t offset, int64_t bytes,
                    QEMUIOVector *qiov, BdrvRequestFlags flags)
{
    return nvme_drv_co_rw(bs, NVME_DRV_WRITE, offset, bytes, qiov,
                          flags & BDRV_REQ_FUA);
}

static int coroutine_fn GRAPH_RDLOCK nvme_drv_co_flush(BlockDriverState *bs)
{
    NvmeDrvCo r = { .req = { .op = NVME_DRV_FLUSH } };

    return nvme_drv_co_run(bs->opaque, &r);
}

static int coroutine_fn GRAPH_RDLOCK
nvme_drv_co_pwrite_zeroes(BlockDriverState *bs, int64_t offset, int64_t bytes,
                          BdrvRequestFlags flags)
{
    NvmeDrvCo r = {
        .req = {
            .op = NVME_DRV_WRITE_ZEROES,
            .offset = offset,
            .bytes = bytes,
            .fua = flags & BDRV_REQ_FUA,
            .may_unmap = flags & BDRV_REQ_MAY_UNMAP,
        },
    };

    return nvme_drv_co_run(bs->opaque, &r);
}

static int coroutine_fn GRAPH_RDLOCK
nvme_drv_co_pdiscard(BlockDriverState *bs, int64_t offset, int64_t bytes)
{
    NvmeDrvCo r = {
        .req = {
            .op = NVME_DRV_DISCARD,
            .offset = offset,
            .bytes = bytes,
        },
    };

    if (!QEMU_IS_ALIGNED(offset | bytes, bs->bl.request_alignment)) {
        return -ENOTSUP;                /* the rest of a request: no harm */
    }
    return nvme_drv_co_run(bs->opaque, &r);
}

static int64_t coroutine_fn GRAPH_RDLOCK
nvme_drv_co_getlength(BlockDriverState *bs)
{
    NvmeDrvNode *node = bs->opaque;

    return node->ns.size_bytes;
}

static void nvme_drv_refresh_limits(BlockDriverState *bs, Error **errp)
{
    NvmeDrvNode *node = bs->opaque;
    uint32_t block_bytes = 1u << node->ns.block_log2;

    bs->bl.request_alignment = MAX(block_bytes, BDRV_SECTOR_SIZE);
    bs->bl.pwrite_zeroes_alignment = bs->bl.request_alignment;
    bs->bl.pdiscard_alignment = bs->bl.request_alignment;
    bs->bl.max_pdiscard = NVME_DRV_MAX_DISCARD;
    bs->bl.max_iov = IOV_MAX;
}

static int nvme_drv_probe_blocksizes(BlockDriverState *bs, BlockSizes *bsz)
{
    NvmeDrvNode *node = bs->opaque;

    bsz->log = bsz->phys = 1u << node->ns.block_log2;
    return 0;
}

/*
 * Internal snapshots of the data are made where it is, behind the controller: this
 * node has what is there, and nothing to do.
 */
static int nvme_drv_snapshot_create(BlockDriverState *bs,
                                    QEMUSnapshotInfo *sn_info)
{
    return 0;
}

static int nvme_drv_snapshot_goto(BlockDriverState *bs, const char *id)
{
    return 0;
}

static int nvme_drv_snapshot_delete(BlockDriverState *bs, const char *id,
                                    const char *name, Error **errp)
{
    return 0;
}

static int nvme_drv_snapshot_list(BlockDriverState *bs,
                                  QEMUSnapshotInfo **info)
{
    NvmeDrvNode *node = bs->opaque;
    NvmeDrvBackend *b = node->host ? QLIST_FIRST(&node->host->backends) : NULL;

    return b && blk_bs(b->blk) ? bdrv_snapshot_list(blk_bs(b->blk), info)
                               : -ENOMEDIUM;
}

static void nvme_drv_close(BlockDriverState *bs)
{
    NvmeDrvNode *node = bs->opaque;

    if (node->host) {
        trace_nvme_drv_close(node->host->name, node->ns.nsid);
        nvme_drv_host_detach(node->host, node);
        nvme_drv_host_put(node->host);
        node->host = NULL;
    }
}

static BlockDriver bdrv_nvme_drv = {
    .format_name = "vtl2-nvme",
    .instance_size = sizeof(NvmeDrvNode),

    .bdrv_close = nvme_drv_close,
    .bdrv_co_preadv = nvme_drv_co_preadv,
    .bdrv_co_pwritev = nvme_drv_co_pwritev,
    .bdrv_co_flush_to_disk = nvme_drv_co_flush,
    .bdrv_co_pwrite_zeroes = nvme_drv_co_pwrite_zeroes,
    .bdrv_co_pdiscard = nvme_drv_co_pdiscard,
    .bdrv_co_getlength = nvme_drv_co_getlength,
    .bdrv_refresh_limits = nvme_drv_refresh_limits,
    .bdrv_probe_blocksizes = nvme_drv_probe_blocksizes,
    .bdrv_snapshot_create = nvme_drv_snapshot_create,
    .bdrv_snapshot_goto = nvme_drv_snapshot_goto,
    .bdrv_snapshot_delete = nvme_drv_snapshot_delete,
    .bdrv_snapshot_list = nvme_drv_snapshot_list,
};

/* Now that the namespace is known, make the node's size and limits its own */
static bool nvme_drv_node_update(BlockDriverState *bs, Error **errp)
{
    NvmeDrvNode *node = bs->opaque;
    Error *err = NULL;

    bs->total_sectors = node->ns.size_bytes / BDRV_SECTOR_SIZE;
    bs->supported_write_flags |= BDRV_REQ_FUA;
    bs->supported_zero_flags = BDRV_REQ_FUA;
    if (node->ns.can_deallocate_zeroes) {
        bs->supported_zero_flags |= BDRV_REQ_MAY_UNMAP;
    }
    bdrv_graph_rdlock_main_loop();
    bdrv_refresh_limits(bs, NULL, &err);
    bdrv_graph_rdunlock_main_loop();
    error_propagate(errp, err);
    return !err;
}

BlockDriverState *nvme_drv_open_namespace(PCIDevice *dev, uint32_t nsid,
                                          Error **errp)
{
    NvmeDrvHost *h = nvme_drv_host_get(dev, errp);
    g_autofree char *name = NULL;
    BlockDriverState *bs;
    NvmeDrvNode *node;

    if (!h) {
        return NULL;
    }
    name = g_strdup_printf("vtl2-%s-n%u", h->name, nsid);
    /* too long a name, or one in use: the block layer makes one up */
    bs = bdrv_new_open_driver(&bdrv_nvme_drv,
                              strlen(name) < sizeof(bs->node_name) &&
                              !bdrv_find_node(name) ? name : NULL,
                              BDRV_O_RDWR | BDRV_O_UNMAP, errp);
    if (!bs) {
        nvme_drv_host_put(h);
        return NULL;
    }
    node = bs->opaque;
    node->bs = bs;
    node->host = h;
    node->ns.nsid = nsid;
    if (!nvme_drv_host_attach(h, node, errp)) {
        node->host = NULL;
        bdrv_unref(bs);
        nvme_drv_host_put(h);
        return NULL;
    }
    if (!nvme_drv_node_update(bs, errp)) {
        bdrv_unref(bs);
        return NULL;
    }
    trace_nvme_drv_open(h->name, nsid, bdrv_get_node_name(bs),
                        node->ns.size_bytes, 1u << node->ns.block_log2);
    return bs;
}
