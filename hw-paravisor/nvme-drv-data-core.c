/*
 * NVMe driver: how a command describes memory, what its status means
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "nvme-drv-core.h"

/* A place in a request's memory */
typedef struct Cursor {
    const NvmeDrvSeg *segs;
    unsigned int seg_count;
    unsigned int idx;
    uint64_t offset;
} Cursor;

/*
 * The next piece of at most @limit_bytes: neighbours in the controller's view are
 * one piece.  Returns its bytes, 0 at the end of the memory.
 */
static uint64_t cursor_piece(Cursor *cur, uint64_t limit_bytes, uint64_t *addr)
{
    uint64_t bytes = 0;

    while (bytes < limit_bytes && cur->idx < cur->seg_count) {
        const NvmeDrvSeg *seg = &cur->segs[cur->idx];
        uint64_t part = MIN(seg->bytes - cur->offset, limit_bytes - bytes);

        if (part) {
            if (!bytes) {
                *addr = seg->addr + cur->offset;
            } else if (*addr + bytes != seg->addr + cur->offset) {
                break;
            }
        }
        bytes += part;
        cur->offset += part;
        if (cur->offset == seg->bytes) {
            cur->idx++;
            cur->offset = 0;
        }
    }
    return bytes;
}

/* What the memory of a command looks like */
typedef struct Layout {
    uint64_t bytes;                     /* in NVME_DRV_MAX_PIECES */
    unsigned int pieces;
    unsigned int pages;
    uint64_t prp_bytes;                 /* from the start, fit for PRPs */
    bool is_dword_aligned;
} Layout;

static void measure(Cursor cur, uint64_t limit_bytes, Layout *l)
{
    bool prp_ok = true;
    uint64_t addr = 0, bytes;

    *l = (Layout) { .is_dword_aligned = true };
    while (l->pieces < NVME_DRV_MAX_PIECES &&
           (bytes = cursor_piece(&cur, limit_bytes - l->bytes, &addr))) {
        /* only the first page may start, and only the last one end, inside */
        prp_ok = prp_ok && !(addr % 4) &&
                 (!l->pieces || !(addr % VTL2_PAGE_BYTES));
        if (prp_ok) {
            l->prp_bytes += bytes;
            l->pages += DIV_ROUND_UP(addr % VTL2_PAGE_BYTES + bytes,
                                     VTL2_PAGE_BYTES);
        }
        prp_ok = prp_ok && !((addr + bytes) % VTL2_PAGE_BYTES);
        l->is_dword_aligned = l->is_dword_aligned && !(addr % 4) && !(bytes % 4);
        l->bytes += bytes;
        l->pieces++;
    }
}

static bool sgl_ok(const NvmeDrv *c, const Layout *l)
{
    switch (c->sgls & NVME_CTRL_SGLS_SUPPORT_MASK) {
    case NVME_CTRL_SGLS_SUPPORT_NO_ALIGN:
        return true;
    case NVME_CTRL_SGLS_SUPPORT_DWORD_ALIGN:
        return l->is_dword_aligned;
    default:
        return false;
    }
}

static void build_prps(Cursor *cur, uint64_t bytes, NvmeCmd *cmd, uint64_t *list,
                       uint64_t list_addr)
{
    unsigned int count = 0;
    uint64_t addr = 0, last = 0;

    while (bytes) {
        uint64_t piece = cursor_piece(cur, bytes, &addr);

        bytes -= piece;
        while (piece) {
            uint64_t part = MIN(piece,
                                VTL2_PAGE_BYTES - addr % VTL2_PAGE_BYTES);

            if (count == 0) {
                cmd->dptr.prp1 = cpu_to_le64(addr);
            } else {
                list[count - 1] = cpu_to_le64(addr);
                last = addr;
            }
            count++;
            addr += part;
            piece -= part;
        }
    }
    cmd->dptr.prp2 = cpu_to_le64(count > 2 ? list_addr : last);
}

static void build_sgl(Cursor *cur, uint64_t bytes, unsigned int pieces,
                      NvmeCmd *cmd, NvmeSglDescriptor *list, uint64_t list_addr)
{
    NvmeSglDescriptor *d = pieces == 1 ? &cmd->dptr.sgl : list;
    unsigned int count = 0;
    uint64_t addr = 0;

    while (bytes) {
        uint64_t piece = cursor_piece(cur, bytes, &addr);

        d[count++] = (NvmeSglDescriptor) {
            .addr = cpu_to_le64(addr),
            .len = cpu_to_le32(piece),
            .type = NVME_SGL_DESCR_TYPE_DATA_BLOCK << 4,
        };
        bytes -= piece;
    }
    if (d == list) {
        cmd->dptr.sgl = (NvmeSglDescriptor) {
            .addr = cpu_to_le64(list_addr),
            .len = cpu_to_le32(count * sizeof(*list)),
            .type = NVME_SGL_DESCR_TYPE_LAST_SEGMENT << 4,
        };
    }
    cmd->flags |= NVME_PSDT_SGL_MPTR_CONTIGUOUS << 6;
}

uint32_t nvme_drv_build_data(const NvmeDrv *c, NvmeDrvReq *req, NvmeCmd *cmd,
                             void *list, uint64_t list_addr,
                             uint32_t limit_bytes)
{
    uint64_t block_mask = (1ULL << req->ns->block_log2) - 1;
    Cursor cur = {
        .segs = req->segs,
        .seg_count = req->seg_count,
        .idx = req->seg_idx,
        .offset = req->seg_offset,
    };
    uint64_t bytes;
    Layout l;

    measure(cur, limit_bytes, &l);
    /* a list of PRPs is for many pages; one SGL entry may stand for them all */
    if (sgl_ok(c, &l) && (l.prp_bytes < l.bytes ||
                          (l.pages > 2 && l.pieces * 2 <= l.pages))) {
        bytes = l.bytes & ~block_mask;
        if (bytes < l.bytes) {
            measure(cur, bytes, &l);
        }
        if (bytes) {
            build_sgl(&cur, bytes, l.pieces, cmd, list, list_addr);
        }
    } else {
        bytes = l.prp_bytes & ~block_mask;
        build_prps(&cur, bytes, cmd, list, list_addr);
    }
    req->seg_idx = cur.idx;
    req->seg_offset = cur.offset;
    return bytes;
}

bool nvme_drv_segs_ok(const NvmeDrv *c, const NvmeDrvNs *ns,
                      const NvmeDrvSeg *segs, unsigned int seg_count)
{
    uint64_t block_bytes = 1ULL << ns->block_log2;
    Cursor cur = { .segs = segs, .seg_count = seg_count };
    uint64_t addr = 0, end = 0, total = 0, bytes;
    Layout l = { .is_dword_aligned = true };
    bool prp_ok = true;

    while ((bytes = cursor_piece(&cur, UINT32_MAX, &addr))) {
        /* where PRPs cannot go on a command ends, after whole blocks */
        if (addr % 4 || ((end | addr) % VTL2_PAGE_BYTES &&
                         total % block_bytes)) {
            prp_ok = false;
        }
        /* a command of the most pieces must hold a block */
        if (bytes * NVME_DRV_MAX_PIECES < block_bytes) {
            return false;
        }
        l.is_dword_aligned = l.is_dword_aligned && !(addr % 4) && !(bytes % 4);
        end = addr + bytes;
        total += bytes;
    }
    return prp_ok || sgl_ok(c, &l);
}

int nvme_drv_errno(NvmeDrvOp op, uint16_t status)
{
    switch (status & NVME_DRV_STATUS_MASK) {
    case NVME_SUCCESS:
        return 0;
    case NVME_INVALID_OPCODE:
    case NVME_INVALID_FIELD:
    case NVME_CMD_SIZE_LIMIT:
        /* the caller does without these */
        return op == NVME_DRV_WRITE_ZEROES || op == NVME_DRV_DISCARD ?
               -ENOTSUP : -EINVAL;
    case NVME_INVALID_NSID:
    case NVME_NS_NOT_ATTACHED:
        return -ENOMEDIUM;
    case NVME_CAP_EXCEEDED:
        return -ENOSPC;
    case NVME_NS_RESV_CONFLICT:
        return -EBADE;
    case NVME_WRITE_TO_RO:
        return -EROFS;
    case NVME_ACCESS_DENIED:
        return -EPERM;
    case NVME_UNRECOVERED_READ:
    case NVME_E2E_GUARD_ERROR:
    case NVME_E2E_APP_ERROR:
    case NVME_E2E_REF_ERROR:
    case NVME_DULB:
        return -ENODATA;
    case NVME_CMD_ABORT_REQ:
        return -ETIMEDOUT;
    default:
        return -EIO;
    }
}

bool nvme_drv_status_passes(uint16_t status)
{
    if (status & NVME_DNR) {
        return false;
    }
    status &= NVME_DRV_STATUS_MASK;
    switch (status) {
    case NVME_CMD_ABORT_REQ:
    case NVME_CMD_ABORT_SQ_DEL:
    case NVME_CID_CONFLICT:
    case NVME_COMMAND_INTERRUPTED:
    case NVME_NS_NOT_READY:
    case NVME_FORMAT_IN_PROGRESS:
        return true;
    default:
        return NVME_DRV_STATUS_TYPE(status) == NVME_DRV_STATUS_TYPE_PATH;
    }
}
