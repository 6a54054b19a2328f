/*
 * MANA driver of VTL2: shared-memory channel, hardware channel
 *
 * The channel has one request under way.  Its queues are a page each, which is
 * all that the shared-memory channel can name.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-drv-state-core.h"

bool mana_drv_hwc_alloc(ManaDrv *d)
{
    ManaDrvHwc *h = &d->hwc;

    d->has_memory = true;
    return mana_drv_alloc(d, MANA_DRV_HWC_RING_BYTES, &h->eq.ring) &&
           mana_drv_alloc(d, MANA_DRV_HWC_RING_BYTES, &h->cq.ring) &&
           mana_drv_alloc(d, MANA_DRV_HWC_RING_BYTES, &h->rq.ring) &&
           mana_drv_alloc(d, MANA_DRV_HWC_RING_BYTES, &h->sq.ring) &&
           mana_drv_alloc(d, GDMA_HWC_MAX_MESSAGE_BYTES, &h->request) &&
           mana_drv_alloc(d, GDMA_HWC_MAX_MESSAGE_BYTES, &h->response);
}

void mana_drv_hwc_free(ManaDrv *d)
{
    ManaDrvHwc *h = &d->hwc;

    mana_drv_dealloc(d, &h->eq.ring);
    mana_drv_dealloc(d, &h->cq.ring);
    mana_drv_dealloc(d, &h->rq.ring);
    mana_drv_dealloc(d, &h->sq.ring);
    mana_drv_dealloc(d, &h->request);
    mana_drv_dealloc(d, &h->response);
    d->has_memory = false;
}

void mana_drv_hwc_forget_memory(ManaDrv *d)
{
    ManaDrvHwc *h = &d->hwc;
    Vtl2Dma none = { };

    h->eq.ring = h->cq.ring = h->rq.ring = h->sq.ring = none;
    h->request = h->response = none;
    d->has_memory = false;
}

/* --- shared memory --- */

bool mana_drv_read_regs(ManaDrv *d)
{
    ManaDrvRegs *r = &d->regs;

    r->bar_bytes = d->ops->bar_bytes(d->fn, MANA_DRV_BAR);
    if (r->bar_bytes < GDMA_REG_BYTES) {
        return false;
    }
    r->shm = d->ops->read64(d->fn, MANA_DRV_BAR, GDMA_REG_SHM_OFFSET);
    r->db_zone = d->ops->read64(d->fn, MANA_DRV_BAR, GDMA_REG_DB_ZONE_OFFSET);
    r->db_page_bytes = d->ops->read32(d->fn, MANA_DRV_BAR,
                                      GDMA_REG_DB_PAGE_BYTES) & 0xffff;
    return r->shm % 4 == 0 && r->shm < r->bar_bytes &&
           r->bar_bytes - r->shm >= GDMA_SHM_BYTES &&
           r->db_page_bytes >= GDMA_PAGE_SIZE && r->db_zone % 8 == 0 &&
           r->db_zone < r->bar_bytes &&
           r->bar_bytes - r->db_zone >= r->db_page_bytes;
}

bool mana_drv_db_page_ok(const ManaDrv *d, uint32_t page)
{
    return page < (d->regs.bar_bytes - d->regs.db_zone) / d->regs.db_page_bytes;
}

static void mana_drv_put_gpn(uint8_t at[6], uint16_t *high, unsigned int shift,
                             uint64_t addr)
{
    uint64_t gpn = addr >> GDMA_PAGE_SHIFT;

    stl_le_p(at, gpn);
    stw_le_p(at + 4, gpn >> 32);
    *high |= (gpn >> 48) << shift;
}

bool mana_drv_hwc_establish(ManaDrv *d)
{
    GdmaShmEstablishWire wire = { 0 };
    ManaDrvHwc *h = &d->hwc;
    uint16_t high = 0;

    if (!mana_drv_read_regs(d)) {
        return false;
    }
    mana_drv_eq_init(&h->eq, MANA_DRV_HWC_VECTOR);
    mana_drv_cq_init(&h->cq, MANA_DRV_HWC_RING_BYTES);
    mana_drv_wq_init(&h->rq, MANA_DRV_HWC_RING_BYTES, true);
    mana_drv_wq_init(&h->sq, MANA_DRV_HWC_RING_BYTES, false);
    memset(h->init, 0, sizeof(h->init));
    h->has_eq_id = false;
    h->is_up = false;
    h->is_busy = false;
    mana_drv_put_gpn(wire.eq_gpn, &high, 0, h->eq.ring.addr);
    mana_drv_put_gpn(wire.cq_gpn, &high, 4, h->cq.ring.addr);
    mana_drv_put_gpn(wire.rq_gpn, &high, 8, h->rq.ring.addr);
    mana_drv_put_gpn(wire.sq_gpn, &high, 12, h->sq.ring.addr);
    wire.high = cpu_to_le16(high);
    wire.msix = cpu_to_le16(MANA_DRV_HWC_VECTOR);
    wire.header = cpu_to_le32(GDMA_SHM_ESTABLISH_HWC |
                              R_GDMA_SHM_HEADER_OWNER_IS_PF_MASK);
    d->ops->enable_vector(d->fn, MANA_DRV_HWC_VECTOR, true);
    for (unsigned int i = 0; i < GDMA_SHM_DWORDS; i++) {
        d->ops->write32(d->fn, MANA_DRV_BAR, d->regs.shm + 4 * i,
                        ldl_le_p((uint8_t *)&wire + 4 * i));
    }
    d->awaits_shm = true;
    d->shm_deadline_ns = d->ops->now_ns(d->fn) +
                         d->hwc_timeout_ms * MANA_DRV_MS;
    mana_drv_shm_poll(d);
    return true;
}

/* The adapter writes the answer when it is done; its events can be first */
void mana_drv_shm_poll(ManaDrv *d)
{
    uint32_t header = d->ops->read32(d->fn, MANA_DRV_BAR, d->regs.shm +
                                     4 * GDMA_SHM_HEADER_DWORD);
    int64_t now = d->ops->now_ns(d->fn);

    if (header == UINT32_MAX) {
        mana_drv_fail(d, "the adapter is not there");
    } else if (FIELD_EX32(header, GDMA_SHM_HEADER, OWNER_IS_PF)) {
        d->deadline_ns = now + MANA_DRV_SHM_POLL_MS * MANA_DRV_MS;
        if (now >= d->shm_deadline_ns) {
            mana_drv_fail(d, "no answer in shared memory");
        }
    } else if (FIELD_EX32(header, GDMA_SHM_HEADER, TYPE) !=
               GDMA_SHM_ESTABLISH_HWC ||
               !FIELD_EX32(header, GDMA_SHM_HEADER, RESPONSE) ||
               FIELD_EX32(header, GDMA_SHM_HEADER, STATUS)) {
        mana_drv_fail(d, "the adapter refuses a hardware channel");
    } else {
        d->awaits_shm = false;
        d->deadline_ns = d->hwc.is_up ? INT64_MAX
                                      : now + d->hwc_timeout_ms * MANA_DRV_MS;
        mana_drv_next(d);
    }
}

/* --- events of the channel's EQ --- */

bool mana_drv_hwc_adopt(ManaDrv *d)
{
    ManaDrvHwc *h = &d->hwc;

    h->request_bytes = MIN(h->init[GDMA_INIT_DATA_MAX_REQUEST],
                           GDMA_HWC_MAX_MESSAGE_BYTES);
    h->cq.id = h->init[GDMA_INIT_DATA_CQ_ID];
    h->rq.id = h->init[GDMA_INIT_DATA_RQ_ID];
    h->sq.id = h->init[GDMA_INIT_DATA_SQ_ID];
    h->cq.db_page = h->rq.db_page = h->sq.db_page = h->eq.db_page;
    return h->request_bytes >= sizeof(GdmaVerifyVersionReqWire) &&
           h->init[GDMA_INIT_DATA_MAX_RESPONSE] >= sizeof(GdmaRespHeaderWire) &&
           h->init[GDMA_INIT_DATA_QUEUE_DEPTH];
}

static void mana_drv_hwc_init_done(ManaDrv *d)
{
    ManaDrvHwc *h = &d->hwc;
    static const uint8_t oob[8];
    GdmaSgeWire sge = {
        .address = cpu_to_le64(h->response.addr),
        .mem_key = cpu_to_le32(h->init[GDMA_INIT_DATA_GPA_MKEY]),
        .bytes = cpu_to_le32(GDMA_HWC_MAX_MESSAGE_BYTES),
    };

    if (!h->has_eq_id || !mana_drv_hwc_adopt(d)) {
        mana_drv_fail(d, "the hardware channel's limits are too narrow");
        return;
    }
    h->is_up = true;
    d->deadline_ns = d->awaits_shm ? d->deadline_ns : INT64_MAX;
    mana_drv_wq_put(&h->rq, oob, sizeof(oob), &sge, 1, false, 0);
    mana_drv_wq_ring(d, &h->rq);
    mana_drv_next(d);
}

void mana_drv_hwc_event(ManaDrv *d, unsigned int type, uint32_t data)
{
    ManaDrvHwc *h = &d->hwc;
    uint32_t value = FIELD_EX32(data, GDMA_EQE_DATA, VALUE);
    uint32_t kind = FIELD_EX32(data, GDMA_EQE_DATA, TYPE);

    switch (type) {
    case GDMA_EQE_HWC_INIT_EQ_ID_DB:
        h->eq.id = FIELD_EX32(data, GDMA_INIT_EQ_ID_DB, EQ_ID);
        h->eq.db_page = FIELD_EX32(data, GDMA_INIT_EQ_ID_DB, DB_PAGE);
        if (h->has_eq_id || !mana_drv_db_page_ok(d, h->eq.db_page)) {
            mana_drv_fail(d, "bad doorbell page");
            return;
        }
        h->has_eq_id = true;
        h->eq.is_there = true;
        break;
    case GDMA_EQE_HWC_INIT_DATA:
        if (kind < ARRAY_SIZE(h->init) && !h->is_up) {
            h->init[kind] = value;
        }
        break;
    case GDMA_EQE_HWC_INIT_DONE:
        if (!h->is_up) {
            mana_drv_hwc_init_done(d);
        }
        break;
    case GDMA_EQE_HWC_SOC_RECONFIG_DATA:
        if (kind == GDMA_RECONFIG_HWC_TIMEOUT) {
            d->hwc_timeout_ms = MIN(MAX(value, MANA_DRV_MIN_HWC_TIMEOUT_MS),
                                    MANA_DRV_MAX_HWC_TIMEOUT_MS);
        } else if (kind == GDMA_RECONFIG_LINK_CONNECT ||
                   kind == GDMA_RECONFIG_LINK_DISCONNECT) {
            d->link_is_down = kind == GDMA_RECONFIG_LINK_DISCONNECT;
            for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
                if (d->port[i].is_up) {
                    d->owner_ops->port_changed(d->owner, i);
                }
            }
        }
        break;
    case GDMA_EQE_HWC_FPGA_RECONFIG:
    case GDMA_EQE_HWC_RESET_REQUEST:
        mana_drv_fail(d, "the adapter asks for a reset");
        break;
    default:
        break;
    }
}

/* --- requests --- */

void *mana_drv_request(ManaDrv *d, uint32_t type, uint32_t bytes,
                       uint32_t response_bytes)
{
    ManaDrvHwc *h = &d->hwc;
    bool is_mana = type >> 16;

    /* no answer can break this: see mana_drv_next(), and the lists' lengths */
    assert(!h->is_busy && bytes <= GDMA_HWC_MAX_MESSAGE_BYTES);
    h->sent = (GdmaReqHeaderWire) {
        .req = {
            .msg_type = cpu_to_le32(type),
            .msg_version = cpu_to_le16(1),
            .hwc_msg_id = cpu_to_le16(h->msg_id++),
            .msg_bytes = cpu_to_le32(bytes),
        },
        .resp = {
            .msg_type = cpu_to_le32(type),
            .msg_version = cpu_to_le16(1),
            .msg_bytes = cpu_to_le32(response_bytes),
        },
        .dev_id.type = cpu_to_le16(is_mana ? GDMA_DEVICE_MANA
                                           : GDMA_DEVICE_HWC),
        .dev_id.instance = cpu_to_le16(is_mana),
        .activity_id = cpu_to_le32(++h->activity_id),
    };
    h->expect_bytes = response_bytes;
    memset(h->request.ptr, 0, bytes);
    memcpy(h->request.ptr, &h->sent, sizeof(h->sent));
    return h->request.ptr;
}

void mana_drv_request_send(ManaDrv *d)
{
    ManaDrvHwc *h = &d->hwc;
    GdmaHwcTxOobWire oob = {
        .vrq = cpu_to_le32(h->init[GDMA_INIT_DATA_PF_DEST_RQ_ID]),
        .vrcq = cpu_to_le32(h->init[GDMA_INIT_DATA_PF_DEST_CQ_ID]),
        .vscq = cpu_to_le32(h->cq.id),
        .vsq = cpu_to_le32(h->sq.id),
    };
    GdmaSgeWire sge = {
        .address = cpu_to_le64(h->request.addr),
        .mem_key = cpu_to_le32(h->init[GDMA_INIT_DATA_GPA_MKEY]),
    };

    /* the caller may have changed versions and device: the answer has them */
    memcpy(&h->sent, h->request.ptr, sizeof(h->sent));
    if (le32_to_cpu(h->sent.req.msg_bytes) > h->request_bytes) {
        mana_drv_fail(d, "the adapter takes too short requests");
        return;
    }
    sge.bytes = h->sent.req.msg_bytes;
    h->is_busy = true;
    d->deadline_ns = d->ops->now_ns(d->fn) + d->hwc_timeout_ms * MANA_DRV_MS;
    mana_drv_wq_put(&h->sq, &oob, sizeof(oob), &sge, 1, false, 0);
    mana_drv_wq_ring(d, &h->sq);
}

/* The answer, as a copy; what belongs to another request is let go */
static void mana_drv_response(ManaDrv *d, uint32_t bytes)
{
    ManaDrvHwc *h = &d->hwc;
    QEMU_ALIGNED(8) uint8_t copy[GDMA_HWC_MAX_MESSAGE_BYTES] = { 0 };
    const GdmaRespHeaderWire *r = (const void *)copy;
    static const uint8_t oob[8];
    GdmaSgeWire sge = {
        .address = cpu_to_le64(h->response.addr),
        .mem_key = cpu_to_le32(h->init[GDMA_INIT_DATA_GPA_MKEY]),
        .bytes = cpu_to_le32(GDMA_HWC_MAX_MESSAGE_BYTES),
    };
    uint32_t status;

    bytes = MIN(bytes, sizeof(copy));
    memcpy(copy, h->response.ptr, bytes);
    mana_drv_wq_put(&h->rq, oob, sizeof(oob), &sge, 1, false, 0);
    mana_drv_wq_ring(d, &h->rq);
    if (!h->is_busy || bytes < sizeof(*r) ||
        r->response.hwc_msg_id != h->sent.req.hwc_msg_id ||
        r->response.msg_type != h->sent.resp.msg_type ||
        r->activity_id != h->sent.activity_id) {
        mana_drv_fail(d, "an answer to no request");
        return;
    }
    h->is_busy = false;
    d->deadline_ns = INT64_MAX;
    status = le32_to_cpu(r->status);
    if (status == GDMA_STATUS_SUCCESS && bytes < h->expect_bytes) {
        mana_drv_fail(d, "an answer is too short");
        return;
    }
    mana_drv_step_done(d, status, copy, bytes);
}

void mana_drv_hwc_poll(ManaDrv *d)
{
    ManaDrvHwc *h = &d->hwc;
    ManaDrvTaken taken = MANA_DRV_NOTHING;
    GdmaHwcRxOobWire oob;
    GdmaCqeWire cqe;

    /* two completions a request: more than a ring of them is a device gone mad */
    for (int i = 0; i < MANA_DRV_HWC_RING_BYTES / GDMA_CQE_BYTES && h->is_up; i++) {
        taken = mana_drv_cq_take(&h->cq, &cqe);
        if (taken != MANA_DRV_TAKEN) {
            break;
        }
        if (!FIELD_EX32(le32_to_cpu(cqe.info), GDMA_CQE_INFO, IS_SQ)) {
            memcpy(&oob, cqe.data, sizeof(oob));
            mana_drv_response(d, le32_to_cpu(oob.response_bytes));
        }
    }
    if (taken == MANA_DRV_OVERRUN) {
        mana_drv_fail(d, "the hardware channel's completions overran");
    } else if (h->is_up) {
        mana_drv_cq_ring(d, &h->cq, true);
    }
}
