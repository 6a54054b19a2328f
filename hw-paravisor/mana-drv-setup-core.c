/*
 * MANA driver of VTL2: the requests that set the adapter and its ports up
 *
 * One step is one request and what its answer changes.  First the adapter's
 * steps, then those of each port that is wanted, then, while it runs, what the
 * owner changes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "mana-drv-state-core.h"

static ManaDrvPort *mana_drv_step_port(ManaDrv *d)
{
    return &d->port[d->step_port];
}

/* --- the adapter --- */

static void mana_drv_ask_version(ManaDrv *d)
{
    GdmaVerifyVersionReqWire *req;

    req = mana_drv_request(d, GDMA_VERIFY_VF_DRIVER_VERSION, sizeof(*req),
                           sizeof(GdmaVerifyVersionRespWire));
    req->protocol_min = cpu_to_le64(GDMA_PROTOCOL_V1);
    req->protocol_max = cpu_to_le64(GDMA_PROTOCOL_V1);
    req->drv_cap_flags[0] = cpu_to_le64(GDMA_DRV_CAP_HWC_TIMEOUT |
                                        GDMA_DRV_CAP_LINK_AWARE |
                                        GDMA_DRV_CAP_LIST_HOLES |
                                        GDMA_DRV_CAP_SELF_RESET |
                                        GDMA_DRV_CAP_RECONFIG_EQE);
}

static bool mana_drv_got_version(ManaDrv *d, const void *response)
{
    const GdmaVerifyVersionRespWire *r = response;

    d->pf_caps = le64_to_cpu(r->pf_cap_flags[0]);
    return le64_to_cpu(r->protocol) == GDMA_PROTOCOL_V1;
}

static void mana_drv_ask_timeout(ManaDrv *d)
{
    GdmaHwcTimeoutReqWire *req;

    req = mana_drv_request(d, GDMA_QUERY_HWC_TIMEOUT, sizeof(*req),
                           sizeof(GdmaHwcTimeoutRespWire));
    req->timeout_ms = cpu_to_le32(d->hwc_timeout_ms);
}

static bool mana_drv_got_timeout(ManaDrv *d, const void *response)
{
    const GdmaHwcTimeoutRespWire *r = response;
    uint32_t ms = le32_to_cpu(r->timeout_ms);

    d->hwc_timeout_ms = MIN(MAX(ms, MANA_DRV_MIN_HWC_TIMEOUT_MS),
                            MANA_DRV_MAX_HWC_TIMEOUT_MS);
    return true;
}

static void mana_drv_ask_max(ManaDrv *d)
{
    mana_drv_request(d, GDMA_QUERY_MAX_RESOURCES, sizeof(GdmaReqHeaderWire),
                     sizeof(GdmaMaxResourcesRespWire));
}

static bool mana_drv_got_max(ManaDrv *d, const void *response)
{
    const GdmaMaxResourcesRespWire *r = response;

    d->max_queues = MIN(MIN(le32_to_cpu(r->max_sq), le32_to_cpu(r->max_rq)),
                        MIN(le32_to_cpu(r->max_eq), le32_to_cpu(r->max_cq) / 2));
    d->vector_count = MIN(d->ops->vector_count(d->fn),
                          le32_to_cpu(r->max_msix));
    return d->max_queues && d->vector_count;
}

static void mana_drv_ask_list(ManaDrv *d)
{
    mana_drv_request(d, GDMA_LIST_DEVICES, sizeof(GdmaReqHeaderWire),
                     sizeof(GdmaListDevicesRespWire));
}

static bool mana_drv_got_list(ManaDrv *d, const void *response)
{
    const GdmaListDevicesRespWire *r = response;
    uint32_t count = MIN(le32_to_cpu(r->count), GDMA_MAX_DEVICES);

    for (uint32_t i = 0; i < count; i++) {
        if (le16_to_cpu(r->devs[i].type) == GDMA_DEVICE_MANA) {
            return true;
        }
    }
    return false;
}

static void mana_drv_ask_register(ManaDrv *d)
{
    GdmaReqHeaderWire *req;

    req = mana_drv_request(d, GDMA_REGISTER_DEVICE, sizeof(*req),
                           sizeof(GdmaRegisterDeviceRespWire));
    req->dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    req->dev_id.instance = cpu_to_le16(1);
}

static bool mana_drv_got_register(ManaDrv *d, const void *response)
{
    const GdmaRegisterDeviceRespWire *r = response;

    d->pdid = le32_to_cpu(r->pdid);
    d->mkey = le32_to_cpu(r->gpa_mkey);
    d->db_page = le32_to_cpu(r->db_page);
    return d->db_page < (d->regs.bar_bytes - d->regs.db_zone) /
                        d->regs.db_page_bytes;
}

static void mana_drv_ask_dev_config(ManaDrv *d)
{
    ManaDevConfigReqWire *req;

    req = mana_drv_request(d, MANA_QUERY_DEV_CONFIG, sizeof(*req),
                           sizeof(ManaDevConfigRespWire));
    req->hdr.resp.msg_version = cpu_to_le16(2);
    req->proto_minor = cpu_to_le32(1);
    req->proto_micro = cpu_to_le32(1);
}

static bool mana_drv_got_dev_config(ManaDrv *d, const void *response)
{
    const ManaDevConfigRespWire *r = response;

    d->max_vports = le16_to_cpu(r->max_vports);
    d->max_queues = MIN(d->max_queues, le32_to_cpu(r->max_eqs));
    d->max_frame_bytes = le16_to_cpu(r->adapter_mtu);
    return d->max_vports && d->max_queues &&
           d->max_frame_bytes > MANA_ETH_HEADER_BYTES;
}

/* --- a port --- */

static void mana_drv_ask_vport(ManaDrv *d)
{
    ManaVportConfigReqWire *req;

    req = mana_drv_request(d, MANA_QUERY_VPORT_CONFIG, sizeof(*req),
                           sizeof(ManaVportConfigRespWire));
    req->vport_idx = cpu_to_le32(d->step_port);
}

static bool mana_drv_got_vport(ManaDrv *d, const void *response)
{
    const ManaVportConfigRespWire *r = response;
    ManaDrvPort *p = mana_drv_step_port(d);
    unsigned int queues = MIN(MIN(p->want_queues, MANA_DRV_MAX_QUEUES),
                              MIN(MIN(le32_to_cpu(r->max_sq),
                                      le32_to_cpu(r->max_rq)), d->max_queues));

    if (!queues || (r->mac[0] & 1)) {
        return false;
    }
    p->handle = le64_to_cpu(r->vport);
    p->max_indirection = le32_to_cpu(r->indirection_entries);
    if (!is_power_of_2(p->max_indirection) ||
        p->max_indirection > MANA_MAX_INDIRECTION) {
        p->max_indirection = 64;
    }
    memcpy(p->mac, r->mac, sizeof(p->mac));
    if (p->has_memory && p->queues != queues) {
        mana_drv_port_free(d, p);
    }
    /* rather fewer queues than none */
    for (; queues && !p->has_memory; queues /= 2) {
        p->queues = queues;
        if (!mana_drv_port_alloc(d, p)) {
            mana_drv_port_free(d, p);
        }
    }
    if (!p->has_memory) {
        mana_drv_fail(d, "VTL2 has too little memory");
        return true;
    }
    mana_drv_port_prepare(d, p);
    return true;
}

static void mana_drv_ask_vport_tx(ManaDrv *d)
{
    ManaVportTxReqWire *req;

    req = mana_drv_request(d, MANA_CONFIG_VPORT_TX, sizeof(*req),
                           sizeof(ManaVportTxRespWire));
    req->vport = cpu_to_le64(mana_drv_step_port(d)->handle);
    req->pdid = cpu_to_le32(d->pdid);
    req->db_page = cpu_to_le32(d->db_page);
}

static bool mana_drv_got_vport_tx(ManaDrv *d, const void *response)
{
    const ManaVportTxRespWire *r = response;
    ManaDrvPort *p = mana_drv_step_port(d);

    p->tx_offset = le16_to_cpu(r->vport_offset);
    p->short_form = r->short_form_allowed &&
                    p->tx_offset <= MANA_SHORT_VPORT_OFFSET_MAX;
    d->step_queue = 0;
    return p->tx_offset < 1u << R_MANA_TX_OOB3_VPORT_OFFSET_LENGTH;
}

/* The longest lists: neither has a length that the adapter chooses */
#define MANA_DRV_MAX_RING_BYTES MAX_CONST(MANA_DRV_TX_CQ_BYTES, \
                                          MANA_DRV_RX_CQ_BYTES)
QEMU_BUILD_BUG_ON(MANA_DRV_EQ_BYTES > MANA_DRV_MAX_RING_BYTES ||
                  MANA_DRV_SQ_BYTES > MANA_DRV_MAX_RING_BYTES ||
                  MANA_DRV_RQ_BYTES > MANA_DRV_MAX_RING_BYTES);
QEMU_BUILD_BUG_ON(sizeof(GdmaCreateRegionReqWire) + sizeof(uint64_t) *
                  (MANA_DRV_MAX_RING_BYTES / GDMA_PAGE_SIZE) >
                  GDMA_HWC_MAX_MESSAGE_BYTES);
QEMU_BUILD_BUG_ON(sizeof(ManaVportRxReqWire) + sizeof(uint64_t) *
                  MANA_DRV_RSS_ENTRIES > GDMA_HWC_MAX_MESSAGE_BYTES);

/* All pages of @ring */
static void mana_drv_ask_region(ManaDrv *d, const Vtl2Dma *ring, uint32_t bytes)
{
    uint32_t count = bytes / GDMA_PAGE_SIZE;
    GdmaCreateRegionReqWire *req;
    uint8_t *list;

    req = mana_drv_request(d, GDMA_CREATE_DMA_REGION,
                           sizeof(*req) + count * sizeof(uint64_t),
                           sizeof(GdmaCreateRegionRespWire));
    req->length_bytes = cpu_to_le64(bytes);
    req->page_count = cpu_to_le32(count);
    req->listed = cpu_to_le32(count);
    list = (uint8_t *)(req + 1);
    for (uint32_t i = 0; i < count; i++) {
        stq_le_p(list + i * sizeof(uint64_t),
                 ring->addr + (uint64_t)i * GDMA_PAGE_SIZE);
    }
}

static void mana_drv_ask_queue_region(ManaDrv *d)
{
    ManaDrvPort *p = mana_drv_step_port(d);
    unsigned int q = d->step_queue;

    switch (d->step) {
    case MANA_DRV_STEP_EQ_REGION:
        mana_drv_ask_region(d, &p->eq[q].ring, MANA_DRV_EQ_BYTES);
        break;
    case MANA_DRV_STEP_SQ_REGION:
        mana_drv_ask_region(d, &p->txq[q].wq.ring, MANA_DRV_SQ_BYTES);
        break;
    case MANA_DRV_STEP_SQ_CQ_REGION:
        mana_drv_ask_region(d, &p->txq[q].cq.ring, MANA_DRV_TX_CQ_BYTES);
        break;
    case MANA_DRV_STEP_RQ_REGION:
        mana_drv_ask_region(d, &p->rxq[q].wq.ring, MANA_DRV_RQ_BYTES);
        break;
    default:
        mana_drv_ask_region(d, &p->rxq[q].cq.ring, MANA_DRV_RX_CQ_BYTES);
        break;
    }
}

static bool mana_drv_got_region(ManaDrv *d, const void *response)
{
    const GdmaCreateRegionRespWire *r = response;
    bool is_cq = d->step == MANA_DRV_STEP_SQ_CQ_REGION ||
                 d->step == MANA_DRV_STEP_RQ_CQ_REGION;

    d->region[is_cq] = le64_to_cpu(r->region);
    return true;
}

static void mana_drv_ask_eq(ManaDrv *d)
{
    ManaDrvPort *p = mana_drv_step_port(d);
    GdmaCreateQueueReqWire *req;

    req = mana_drv_request(d, GDMA_CREATE_QUEUE, sizeof(*req),
                           sizeof(GdmaCreateQueueRespWire));
    req->hdr.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    req->hdr.dev_id.instance = cpu_to_le16(1);
    req->type = cpu_to_le32(GDMA_QUEUE_EQ);
    req->pdid = cpu_to_le32(d->pdid);
    req->db_page = cpu_to_le32(d->db_page);
    req->region = cpu_to_le64(d->region[0]);
    req->queue_bytes = cpu_to_le32(MANA_DRV_EQ_BYTES);
    req->eq_msix = cpu_to_le32(p->eq[d->step_queue].vector);
    d->ops->enable_vector(d->fn, p->eq[d->step_queue].vector, true);
}

static bool mana_drv_got_eq(ManaDrv *d, const void *response)
{
    const GdmaCreateQueueRespWire *r = response;
    ManaDrvEq *eq = &mana_drv_step_port(d)->eq[d->step_queue];

    eq->id = le32_to_cpu(r->queue_id);
    eq->db_page = d->db_page;
    eq->is_there = eq->id < 1u << R_GDMA_EQ_DOORBELL_ID_LENGTH;
    if (eq->is_there) {
        mana_drv_eq_arm(d, eq);
    }
    return eq->is_there;
}

static void mana_drv_ask_wq(ManaDrv *d)
{
    ManaDrvPort *p = mana_drv_step_port(d);
    bool is_sq = d->step == MANA_DRV_STEP_SQ;
    ManaCreateWqReqWire *req;

    req = mana_drv_request(d, MANA_CREATE_WQ_OBJ, MANA_CREATE_WQ_V1_BYTES,
                           offsetof(ManaCreateWqRespWire,
                                    cq_moderation_comps));
    req->vport = cpu_to_le64(p->handle);
    req->wq_type = cpu_to_le32(is_sq ? GDMA_QUEUE_SQ : GDMA_QUEUE_RQ);
    req->wq_region = cpu_to_le64(d->region[0]);
    req->cq_region = cpu_to_le64(d->region[1]);
    req->wq_bytes = cpu_to_le32(is_sq ? MANA_DRV_SQ_BYTES : MANA_DRV_RQ_BYTES);
    req->cq_bytes = cpu_to_le32(is_sq ? MANA_DRV_TX_CQ_BYTES
                                      : MANA_DRV_RX_CQ_BYTES);
    req->cq_parent_eq_id = cpu_to_le32(p->eq[d->step_queue].id);
}

/* IDs go into 24 bits of a doorbell */
static bool mana_drv_take_wq(ManaDrv *d, const void *response, ManaDrvWq *wq,
                             ManaDrvCq *cq)
{
    const ManaCreateWqRespWire *r = response;

    wq->id = le32_to_cpu(r->wq_id);
    cq->id = le32_to_cpu(r->cq_id);
    wq->obj = le64_to_cpu(r->wq_obj);
    wq->db_page = d->db_page;
    cq->db_page = d->db_page;
    return wq->id < 1u << R_GDMA_WQ_DOORBELL_ID_LENGTH &&
           cq->id < 1u << R_GDMA_CQ_DOORBELL_ID_LENGTH &&
           wq->obj != UINT64_MAX;
}

static bool mana_drv_got_sq(ManaDrv *d, const void *response)
{
    ManaDrvTxq *txq = &mana_drv_step_port(d)->txq[d->step_queue];

    return mana_drv_take_wq(d, response, &txq->wq, &txq->cq);
}

static bool mana_drv_got_rq(ManaDrv *d, const void *response)
{
    ManaDrvPort *p = mana_drv_step_port(d);
    ManaDrvRxq *rxq = &p->rxq[d->step_queue];

    if (!mana_drv_take_wq(d, response, &rxq->wq, &rxq->cq)) {
        return false;
    }
    mana_drv_rx_fill(d, rxq);
    if (++d->step_queue < p->queues) {
        d->step = MANA_DRV_STEP_EQ_REGION - 1;
    }
    return true;
}

static void mana_drv_ask_vport_rx(ManaDrv *d)
{
    ManaDrvPort *p = mana_drv_step_port(d);
    uint32_t room = (d->hwc.request_bytes - sizeof(ManaVportRxReqWire)) /
                    sizeof(uint64_t);
    uint32_t count = MIN(MIN(p->max_indirection, MANA_DRV_RSS_ENTRIES),
                         pow2floor(room));
    ManaVportRxReqWire *req;
    uint8_t *table;

    req = mana_drv_request(d, MANA_CONFIG_VPORT_RX,
                           sizeof(*req) + count * sizeof(uint64_t),
                           sizeof(GdmaRespHeaderWire));
    req->hdr.req.msg_version = cpu_to_le16(2);
    req->vport = cpu_to_le64(p->handle);
    req->indir_count = cpu_to_le16(count);
    req->indir_offset = cpu_to_le16(sizeof(*req));
    req->rx_enable = cpu_to_le32(MANA_TRISTATE_TRUE);
    req->rss_enable = cpu_to_le32(p->rss_on ? MANA_TRISTATE_TRUE
                                            : MANA_TRISTATE_FALSE);
    req->update_default_rxobj = 1;
    req->update_hash_key = 1;
    req->update_indir_table = 1;
    req->default_rxobj = cpu_to_le64(p->rxq[0].wq.obj);
    memcpy(req->hash_key, p->rss_key, sizeof(req->hash_key));
    table = (uint8_t *)(req + 1);
    for (uint32_t i = 0; i < count; i++) {
        unsigned int q = p->rss_on ? p->rss_table[i] % p->queues : 0;

        stq_le_p(table + i * sizeof(uint64_t), p->rxq[q].wq.obj);
    }
    p->rx_dirty = false;
}

static bool mana_drv_got_vport_rx(ManaDrv *d, const void *response)
{
    ManaDrvPort *p = mana_drv_step_port(d);

    d->step = MANA_DRV_STEP_ADAPTER_DONE - 1;
    if (!p->is_up) {
        p->is_up = true;
        mana_drv_port_begin(d, p);
        d->owner_ops->port_changed(d->owner, d->step_port);
    }
    return true;
}

/* --- changes --- */

static void mana_drv_ask_serial(ManaDrv *d)
{
    ManaDrvPort *p = mana_drv_step_port(d);
    ManaSerialNumberReqWire *req;

    req = mana_drv_request(d, MANA_VTL2_ASSIGN_SERIAL_NUMBER, sizeof(*req),
                           sizeof(GdmaRespHeaderWire));
    req->vport = cpu_to_le64(p->handle);
    req->serial = cpu_to_le32(p->serial_wanted);
    p->serial = p->serial_wanted;
}

static bool mana_drv_got_serial(ManaDrv *d, const void *response)
{
    d->step = MANA_DRV_STEP_ADAPTER_DONE - 1;
    return true;
}

static void mana_drv_ask_filter(ManaDrv *d)
{
    ManaDrvPort *p = mana_drv_step_port(d);
    ManaMoveFilterReqWire *req;

    req = mana_drv_request(d, MANA_VTL2_MOVE_FILTER, sizeof(*req),
                           sizeof(GdmaRespHeaderWire));
    req->vport = cpu_to_le64(p->handle);
    req->to_vtl0 = p->filter_wanted;
    p->filter = p->filter_wanted;
}

static bool mana_drv_got_filter(ManaDrv *d, const void *response)
{
    ManaDrvPort *p = mana_drv_step_port(d);

    d->step = MANA_DRV_STEP_ADAPTER_DONE - 1;
    if (p->filter == p->filter_wanted) {
        d->owner_ops->filter_moved(d->owner, d->step_port, p->filter);
    }
    return true;
}

typedef struct ManaDrvStepInfo {
    void (*ask)(ManaDrv *d);
    bool (*got)(ManaDrv *d, const void *response);
    bool is_optional;
    const char *error;
} ManaDrvStepInfo;

static const ManaDrvStepInfo mana_drv_steps[MANA_DRV_STEP_COUNT] = {
    [MANA_DRV_STEP_VERSION] = {
        mana_drv_ask_version, mana_drv_got_version, false,
        "the adapter has another protocol version",
    },
    [MANA_DRV_STEP_TIMEOUT] = {
        mana_drv_ask_timeout, mana_drv_got_timeout, true, NULL,
    },
    [MANA_DRV_STEP_MAX_RESOURCES] = {
        mana_drv_ask_max, mana_drv_got_max, false,
        "the adapter has no queues or interrupts",
    },
    [MANA_DRV_STEP_LIST] = {
        mana_drv_ask_list, mana_drv_got_list, false,
        "the adapter has no Ethernet device",
    },
    [MANA_DRV_STEP_REGISTER] = {
        mana_drv_ask_register, mana_drv_got_register, false,
        "the Ethernet device cannot be registered",
    },
    [MANA_DRV_STEP_DEV_CONFIG] = {
        mana_drv_ask_dev_config, mana_drv_got_dev_config, false,
        "the Ethernet device has no ports, queues or MTU",
    },
    [MANA_DRV_STEP_VPORT] = {
        mana_drv_ask_vport, mana_drv_got_vport, false,
        "the port is not there, or without queues",
    },
    [MANA_DRV_STEP_VPORT_TX] = {
        mana_drv_ask_vport_tx, mana_drv_got_vport_tx, false,
        "the port cannot send",
    },
    [MANA_DRV_STEP_EQ_REGION] = {
        mana_drv_ask_queue_region, mana_drv_got_region, false,
        "the adapter refuses memory",
    },
    [MANA_DRV_STEP_EQ] = {
        mana_drv_ask_eq, mana_drv_got_eq, false,
        "an event queue cannot be made",
    },
    [MANA_DRV_STEP_SQ_REGION] = {
        mana_drv_ask_queue_region, mana_drv_got_region, false,
        "the adapter refuses memory",
    },
    [MANA_DRV_STEP_SQ_CQ_REGION] = {
        mana_drv_ask_queue_region, mana_drv_got_region, false,
        "the adapter refuses memory",
    },
    [MANA_DRV_STEP_SQ] = {
        mana_drv_ask_wq, mana_drv_got_sq, false,
        "a send queue cannot be made",
    },
    [MANA_DRV_STEP_RQ_REGION] = {
        mana_drv_ask_queue_region, mana_drv_got_region, false,
        "the adapter refuses memory",
    },
    [MANA_DRV_STEP_RQ_CQ_REGION] = {
        mana_drv_ask_queue_region, mana_drv_got_region, false,
        "the adapter refuses memory",
    },
    [MANA_DRV_STEP_RQ] = {
        mana_drv_ask_wq, mana_drv_got_rq, false,
        "a receive queue cannot be made",
    },
    [MANA_DRV_STEP_VPORT_RX] = {
        mana_drv_ask_vport_rx, mana_drv_got_vport_rx, false,
        "the port cannot receive",
    },
    [MANA_DRV_STEP_SET_RX] = {
        mana_drv_ask_vport_rx, mana_drv_got_vport_rx, false,
        "the adapter refuses RSS",
    },
    [MANA_DRV_STEP_SET_SERIAL] = {
        mana_drv_ask_serial, mana_drv_got_serial, true, NULL,
    },
    [MANA_DRV_STEP_SET_FILTER] = {
        mana_drv_ask_filter, mana_drv_got_filter, false,
        "the adapter cannot move its filter",
    },
};

/* The next wish to be brought about; false if there is none */
static bool mana_drv_choose(ManaDrv *d)
{
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvPort *p = &d->port[i];

        d->step_port = i;
        if (p->is_wanted && !p->is_up) {
            d->step = MANA_DRV_STEP_VPORT;
            return true;
        }
        if (!p->is_up) {
            continue;
        }
        if (p->serial != p->serial_wanted) {
            d->step = MANA_DRV_STEP_SET_SERIAL;
            return true;
        }
        if (p->filter != p->filter_wanted) {
            d->step = MANA_DRV_STEP_SET_FILTER;
            return true;
        }
        if (p->rx_dirty) {
            d->step = MANA_DRV_STEP_SET_RX;
            return true;
        }
    }
    return false;
}

void mana_drv_next(ManaDrv *d)
{
    /* the owner may have wishes while it is told of an answer: those come next */
    if (!d->hwc.is_up || d->hwc.is_busy || d->awaits_shm || d->in_step ||
        d->is_paused) {
        return;
    }
    if (d->step == MANA_DRV_STEP_TIMEOUT &&
        !(d->pf_caps & GDMA_PF_CAP_QUERY_HWC_TIMEOUT)) {
        d->step++;
    }
    if (d->step == MANA_DRV_STEP_ADAPTER_DONE) {
        d->adapter_up = true;
        if (!mana_drv_choose(d)) {
            mana_drv_set_state(d, MANA_DRV_RUNNING, NULL);
            return;
        }
    }
    mana_drv_steps[d->step].ask(d);
    mana_drv_request_send(d);
}

void mana_drv_step_done(ManaDrv *d, uint32_t status, const void *response,
                        uint32_t bytes)
{
    const ManaDrvStepInfo *info = &mana_drv_steps[d->step];
    bool ok;

    if (status != GDMA_STATUS_SUCCESS) {
        if (!info->is_optional) {
            mana_drv_fail(d, info->error);
            return;
        }
        if (d->step > MANA_DRV_STEP_ADAPTER_DONE) {
            d->step = MANA_DRV_STEP_ADAPTER_DONE - 1;
        }
    } else {
        d->in_step = true;
        ok = info->got(d, response);
        d->in_step = false;
        if (!ok) {
            mana_drv_fail(d, info->error);
            return;
        }
    }
    /* .got may have failed the adapter in its own words */
    if (d->hwc.is_up) {
        d->step++;
        mana_drv_next(d);
    }
}
