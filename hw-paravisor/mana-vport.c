/*
 * mana: requests of the Ethernet device: vports, their queues and steering
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-internal.h"

/* How long a packet may wait for others to share its completion; see RX */
#define MANA_COALESCE_TIMEOUT_NS        10000

/* A request that names a vport first: all but the adapter's own do */
static ManaVport *mana_vport_named(Mana *s, GdmaRequestMsg *req,
                                   uint32_t min_bytes)
{
    uint64_t handle;

    if (req->bytes < min_bytes || req->bytes < sizeof(ManaLinkConfigReqWire)) {
        return NULL;
    }
    handle = le64_to_cpu(((const ManaLinkConfigReqWire *)req->msg)->vport);
    return handle && handle <= s->vport_count ? &s->vports[handle - 1] : NULL;
}

void mana_vport_reset(ManaVport *vp)
{
    vp->rx_enabled = false;
    vp->rss_enabled = false;
    vp->coalesce = 1;
    vp->to_vtl0 = false;
    vp->hash_types = 0;
    vp->serial = 0;
    vp->default_rq = 0;
    vp->indir_count = 0;
    memset(vp->hash_key, 0, sizeof(vp->hash_key));
    toeplitz_init(&vp->toeplitz, vp->hash_key);
    if (vp->rx_timer) {
        timer_del(vp->rx_timer);
    }
}

static GdmaStatus mana_query_dev_config(Mana *s, GdmaRequestMsg *req)
{
    const ManaDevConfigReqWire *m = gdma_body(req, ManaDevConfigReqWire);
    ManaDevConfigRespWire *resp = req->resp;

    if (!m || req->resp_bytes < MANA_DEV_CONFIG_V1_BYTES) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    resp->max_vports = cpu_to_le16(s->vport_count);
    resp->max_eqs = cpu_to_le32(s->eq_count - GDMA_HWC_ID - 1);
    /* the driver takes no newer fields than of the version it asks for */
    if (req->resp_version >= 2) {
        resp->adapter_mtu = cpu_to_le16(s->mtu + MANA_ETH_HEADER_BYTES);
    }
    if (req->resp_version >= 4) {
        resp->link_speed_mbps = cpu_to_le32(s->speed_mbps);
    }
    return GDMA_STATUS_SUCCESS;
}

/* Over all vports */
static void mana_stat_sum(Mana *s, uint64_t *stat)
{
    for (int i = 0; i < MANA_STAT_COUNT; i++) {
        stat[i] = 0;
        for (uint32_t v = 0; v < s->vport_count; v++) {
            stat[i] += s->vports[v].stat[i];
        }
    }
}

static GdmaStatus mana_query_gf_stat(Mana *s, GdmaRequestMsg *req)
{
    ManaGfStatRespWire *resp = req->resp;
    uint64_t stat[MANA_STAT_COUNT];

    mana_stat_sum(s, stat);
    resp->reported = cpu_to_le64(MANA_STAT_ALL);
    for (int i = 0; i < MANA_STAT_COUNT; i++) {
        resp->counter[i] = cpu_to_le64(stat[i]);
    }
    return GDMA_STATUS_SUCCESS;
}

/* The wire has one traffic class, and no pauses */
static GdmaStatus mana_query_phy_stat(Mana *s, GdmaRequestMsg *req)
{
    ManaPhyStatRespWire *resp = req->resp;
    uint64_t stat[MANA_STAT_COUNT];

    mana_stat_sum(s, stat);
    resp->reported = cpu_to_le64(~0ull);
    resp->counter[MANA_PHY_RX_DROPS] = cpu_to_le64(stat[MANA_STAT_RX_NO_WQE]);
    resp->counter[MANA_PHY_RX_PACKETS_TC0] =
        cpu_to_le64(stat[MANA_STAT_RX_UCAST_PACKETS] +
                    stat[MANA_STAT_RX_BCAST_PACKETS] +
                    stat[MANA_STAT_RX_MCAST_PACKETS]);
    resp->counter[MANA_PHY_TX_PACKETS_TC0] =
        cpu_to_le64(stat[MANA_STAT_TX_UCAST_PACKETS] +
                    stat[MANA_STAT_TX_BCAST_PACKETS] +
                    stat[MANA_STAT_TX_MCAST_PACKETS]);
    resp->counter[MANA_PHY_RX_BYTES_TC0] =
        cpu_to_le64(stat[MANA_STAT_RX_BYTES]);
    resp->counter[MANA_PHY_TX_BYTES_TC0] =
        cpu_to_le64(stat[MANA_STAT_TX_BYTES]);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus mana_query_vport_config(Mana *s, GdmaRequestMsg *req)
{
    const ManaVportConfigReqWire *m = gdma_body(req, ManaVportConfigReqWire);
    ManaVportConfigRespWire *resp = req->resp;
    uint32_t idx;

    if (!m || le32_to_cpu(m->vport_idx) >= s->vport_count) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    idx = le32_to_cpu(m->vport_idx);
    resp->max_sq = cpu_to_le32(s->num_queues);
    resp->max_rq = cpu_to_le32(s->num_queues);
    resp->indirection_entries = cpu_to_le32(s->indirection);
    memcpy(resp->mac, s->conf[idx].macaddr.a, sizeof(resp->mac));
    resp->vport = cpu_to_le64(idx + 1);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus mana_config_vport_tx(Mana *s, GdmaRequestMsg *req)
{
    ManaVport *vp = mana_vport_named(s, req, sizeof(ManaVportTxReqWire));
    ManaVportTxRespWire *resp = req->resp;

    if (!vp) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    resp->vport_offset = cpu_to_le16(vp->idx);
    resp->short_form_allowed = 1;
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus mana_query_link_config(Mana *s, GdmaRequestMsg *req)
{
    ManaVport *vp = mana_vport_named(s, req, sizeof(ManaLinkConfigReqWire));
    ManaLinkConfigRespWire *resp = req->resp;

    if (!vp) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    resp->qos_speed_mbps = cpu_to_le32(s->speed_mbps);
    resp->link_speed_mbps = cpu_to_le32(s->speed_mbps);
    return GDMA_STATUS_SUCCESS;
}

/* Number in its vport, for the choice of a subqueue */
static uint16_t mana_wq_idx(Mana *s, bool is_sq, uint8_t vport)
{
    GdmaWq *wqs = is_sq ? s->sqs : s->rqs;
    uint64_t used = 0;

    QEMU_BUILD_BUG_ON(MANA_MAX_QUEUES > 64);
    for (uint32_t id = GDMA_HWC_ID + 1; id < s->wq_count; id++) {
        if (wqs[id].in_use && wqs[id].handle && wqs[id].vport == vport) {
            used |= 1ull << (wqs[id].idx & 63);
        }
    }
    return ctz64(~used);
}

/* Both tables have a free entry */
static bool mana_has_room(Mana *s, bool is_sq)
{
    uint32_t wq_id = GDMA_HWC_ID + 1, cq_id = GDMA_HWC_ID + 1;

    while (gdma_wq_get(s, is_sq, wq_id)) {
        wq_id++;
    }
    while (gdma_cq_get(s, cq_id)) {
        cq_id++;
    }
    return wq_id < s->wq_count && cq_id < s->cq_count;
}

/* Both regions, or neither */
static bool mana_take_regions(Mana *s, const ManaCreateWqReqWire *m,
                              GdmaRegion *wq, GdmaRegion *cq)
{
    uint64_t wq_handle = le64_to_cpu(m->wq_region);

    if (!gdma_region_take(s, wq_handle, le32_to_cpu(m->wq_bytes), wq)) {
        return false;
    }
    if (!gdma_region_take(s, le64_to_cpu(m->cq_region),
                          le32_to_cpu(m->cq_bytes), cq)) {
        gdma_region_put_back(s, wq_handle, wq);
        return false;
    }
    return true;
}

static void mana_set_moderation(Mana *s, GdmaRequestMsg *req, uint32_t cq_id)
{
    const ManaCreateWqReqWire *m = gdma_body(req, ManaCreateWqReqWire);
    ManaCreateWqRespWire *resp = req->resp;

    if (req->version >= 3 && m && m->cq_moderation_requested) {
        gdma_cq_moderate(s, cq_id, le16_to_cpu(m->cq_moderation_usec),
                         MIN(UINT8_MAX, le16_to_cpu(m->cq_moderation_comps)));
        resp->cq_moderation_comps = m->cq_moderation_comps;
        resp->cq_moderation_usec = m->cq_moderation_usec;
        resp->cq_moderation_enabled = 1;
    }
}

static GdmaStatus mana_create_wq(Mana *s, GdmaRequestMsg *req)
{
    const ManaCreateWqReqWire *m = req->msg;
    ManaCreateWqRespWire *resp = req->resp;
    ManaVport *vp = mana_vport_named(s, req, MANA_CREATE_WQ_V1_BYTES);
    uint32_t wq_id, cq_id, type, wq_bytes, cq_bytes, eq_id;
    GdmaRegion wq_region, cq_region;
    uint16_t idx;
    GdmaWq *wq;
    bool is_sq;

    if (!vp) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    type = le32_to_cpu(m->wq_type);
    is_sq = type == GDMA_QUEUE_SQ;
    wq_bytes = le32_to_cpu(m->wq_bytes);
    cq_bytes = le32_to_cpu(m->cq_bytes);
    eq_id = le32_to_cpu(m->cq_parent_eq_id);
    if ((!is_sq && type != GDMA_QUEUE_RQ) ||
        (eq_id != GDMA_CQ_NO_EQ && !gdma_eq_get(s, eq_id)) ||
        !gdma_queue_bytes_ok(wq_bytes) || !gdma_queue_bytes_ok(cq_bytes)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    idx = mana_wq_idx(s, is_sq, vp->idx);
    if (idx >= s->num_queues || !mana_has_room(s, is_sq)) {
        return GDMA_STATUS_NO_RESOURCES;
    }
    if (!mana_take_regions(s, m, &wq_region, &cq_region)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    /* sizes and room were checked: neither fails */
    cq_id = gdma_cq_create(s, cq_bytes, &cq_region, eq_id);
    wq_id = gdma_wq_create(s, is_sq, wq_bytes, &wq_region, cq_id);
    wq = gdma_wq_get(s, is_sq, wq_id);
    wq->vport = vp->idx;
    wq->idx = idx;
    wq->handle = s->next_handle++;
    trace_mana_create_wq(vp->idx, is_sq, wq_id, cq_id, eq_id, wq_bytes,
                         cq_bytes, wq->handle);
    mana_set_moderation(s, req, cq_id);
    resp->wq_id = cpu_to_le32(wq_id);
    resp->cq_id = cpu_to_le32(cq_id);
    resp->wq_obj = cpu_to_le64(wq->handle);
    return GDMA_STATUS_SUCCESS;
}

/* ID of the queue behind a handle, 0 if there is none */
static uint32_t mana_wq_find(Mana *s, bool is_sq, uint64_t handle)
{
    GdmaWq *wqs = is_sq ? s->sqs : s->rqs;

    for (uint32_t id = GDMA_HWC_ID + 1; handle && id < s->wq_count; id++) {
        if (wqs[id].in_use && wqs[id].handle == handle) {
            return id;
        }
    }
    return 0;
}

static void mana_forget_rq(ManaVport *vp, uint32_t rq_id)
{
    if (vp->default_rq == rq_id) {
        vp->default_rq = 0;
    }
    for (uint32_t i = 0; i < vp->indir_count; i++) {
        if (vp->indir_rq[i] == rq_id) {
            vp->indir_rq[i] = 0;
        }
    }
}

static GdmaStatus mana_destroy_wq(Mana *s, GdmaRequestMsg *req)
{
    const ManaDestroyWqReqWire *m = gdma_body(req, ManaDestroyWqReqWire);
    uint32_t id, cq_id;
    bool is_sq;

    if (!m) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    is_sq = le32_to_cpu(m->wq_type) == GDMA_QUEUE_SQ;
    id = mana_wq_find(s, is_sq, le64_to_cpu(m->wq_obj));
    if (!id) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    trace_mana_destroy_wq(is_sq, id);
    if (!is_sq) {
        mana_forget_rq(&s->vports[s->rqs[id].vport], id);
        s->rx_resume = true;
    }
    cq_id = gdma_wq_get(s, is_sq, id)->cq_id;
    gdma_wq_destroy(s, is_sq, id);
    gdma_cq_destroy(s, cq_id);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus mana_fence_rq(Mana *s, GdmaRequestMsg *req)
{
    const ManaFenceRqReqWire *m = gdma_body(req, ManaFenceRqReqWire);
    uint32_t id = m ? mana_wq_find(s, false, le64_to_cpu(m->wq_obj)) : 0;

    if (!id) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    mana_rx_fence(s, id);
    return GDMA_STATUS_SUCCESS;
}

/* Handles in the message to RQ IDs in @rq_ids; false if one is no RQ here */
static bool mana_parse_indirection(Mana *s, GdmaRequestMsg *req,
                                   const ManaVport *vp, uint32_t *rq_ids,
                                   uint32_t *count)
{
    const ManaVportRxReqWire *m = req->msg;
    uint32_t offset = le16_to_cpu(m->indir_offset);
    const uint8_t *handles = (const uint8_t *)req->msg + offset;

    *count = le16_to_cpu(m->indir_count);
    if (!is_power_of_2(*count) || *count > MANA_MAX_INDIRECTION ||
        offset < MANA_VPORT_RX_V1_BYTES || offset > req->bytes ||
        *count > (req->bytes - offset) / sizeof(uint64_t)) {
        return false;
    }
    for (uint32_t i = 0; i < *count; i++) {
        rq_ids[i] = mana_wq_find(s, false, ldq_le_p(handles + i * 8));
        if (!rq_ids[i] || s->rqs[rq_ids[i]].vport != vp->idx) {
            return false;
        }
    }
    return true;
}

static void mana_set_coalesce(ManaVport *vp, GdmaRequestMsg *req)
{
    const ManaVportRxReqWire *m = req->msg;
    ManaVportRxRespWire *resp = req->resp;

    vp->coalesce = 1;
    vp->hash_types = 0;
    /* in version 1 the table begins where these fields are */
    if (req->version >= 2 && req->bytes >= sizeof(*m) &&
        le16_to_cpu(m->indir_offset) >= sizeof(*m)) {
        vp->hash_types = le16_to_cpu(m->hash_types);
        if (m->coalesce) {
            vp->coalesce = req->version >= 5 && m->coalesce8 ? 8 : 4;
        }
    }
    if (req->resp_version >= 2) {
        resp->coalesce_timeout_ns = cpu_to_le32(MANA_COALESCE_TIMEOUT_NS);
    }
}

static GdmaStatus mana_config_vport_rx(Mana *s, GdmaRequestMsg *req)
{
    const ManaVportRxReqWire *m = req->msg;
    ManaVport *vp = mana_vport_named(s, req, MANA_VPORT_RX_V1_BYTES);
    uint32_t rq_ids[MANA_MAX_INDIRECTION];
    uint32_t count = 0, default_rq = 0;
    bool was_enabled;

    if (!vp) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    /* all of it is checked before any of it holds */
    if (m->update_default_rxobj) {
        default_rq = mana_wq_find(s, false, le64_to_cpu(m->default_rxobj));
        if (!default_rq || s->rqs[default_rq].vport != vp->idx) {
            return GDMA_STATUS_INVALID_PARAMETER;
        }
    }
    if (m->update_indir_table &&
        !mana_parse_indirection(s, req, vp, rq_ids, &count)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    mana_rx_flush_all(s);
    was_enabled = vp->rx_enabled;
    if (m->update_default_rxobj) {
        vp->default_rq = default_rq;
    }
    if (m->update_indir_table) {
        memcpy(vp->indir_rq, rq_ids, count * sizeof(rq_ids[0]));
        vp->indir_count = count;
    }
    if (m->update_hash_key) {
        memcpy(vp->hash_key, m->hash_key, sizeof(vp->hash_key));
        toeplitz_init(&vp->toeplitz, vp->hash_key);
    }
    if (le32_to_cpu(m->rss_enable) != MANA_TRISTATE_KEEP) {
        vp->rss_enabled = le32_to_cpu(m->rss_enable) == MANA_TRISTATE_TRUE;
    }
    if (le32_to_cpu(m->rx_enable) != MANA_TRISTATE_KEEP) {
        vp->rx_enabled = le32_to_cpu(m->rx_enable) == MANA_TRISTATE_TRUE;
    }
    mana_set_coalesce(vp, req);
    trace_mana_config_rx(vp->idx, vp->rx_enabled, vp->rss_enabled,
                         vp->indir_count, vp->default_rq, vp->coalesce);
    /* packets that waited get in now, or are dropped */
    s->rx_resume = true;
    if (vp->rx_enabled && !was_enabled) {
        /* Linux 7.3 forgets what it hears before its ports are there */
        s->link_was_up = true;
        mana_link_update(s);
    }
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus mana_assign_serial(Mana *s, GdmaRequestMsg *req)
{
    const ManaSerialNumberReqWire *m = req->msg;
    ManaVport *vp = mana_vport_named(s, req, sizeof(*m));

    if (!vp) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    vp->serial = le32_to_cpu(m->serial);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus mana_move_filter(Mana *s, GdmaRequestMsg *req)
{
    const ManaMoveFilterReqWire *m = req->msg;
    ManaVport *vp = mana_vport_named(s, req, sizeof(*m));

    if (!vp) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    vp->to_vtl0 = m->to_vtl0;
    trace_mana_move_filter(vp->idx, vp->to_vtl0);
    /* what waits for a buffer of the one may go to the other */
    s->rx_resume = true;
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus mana_filter_state(Mana *s, GdmaRequestMsg *req)
{
    ManaVport *vp = mana_vport_named(s, req, sizeof(ManaLinkConfigReqWire));
    ManaFilterStateRespWire *resp = req->resp;

    if (!vp) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    resp->to_vtl0 = vp->to_vtl0;
    return GDMA_STATUS_SUCCESS;
}

static const struct {
    uint32_t type;
    GdmaStatus (*run)(Mana *s, GdmaRequestMsg *req);
} mana_requests[] = {
    { MANA_QUERY_DEV_CONFIG, mana_query_dev_config },
    { MANA_QUERY_GF_STAT, mana_query_gf_stat },
    { MANA_CONFIG_VPORT_TX, mana_config_vport_tx },
    { MANA_CREATE_WQ_OBJ, mana_create_wq },
    { MANA_DESTROY_WQ_OBJ, mana_destroy_wq },
    { MANA_FENCE_RQ, mana_fence_rq },
    { MANA_CONFIG_VPORT_RX, mana_config_vport_rx },
    { MANA_QUERY_VPORT_CONFIG, mana_query_vport_config },
    { MANA_QUERY_LINK_CONFIG, mana_query_link_config },
    { MANA_QUERY_PHY_STAT, mana_query_phy_stat },
    { MANA_VTL2_ASSIGN_SERIAL_NUMBER, mana_assign_serial },
    { MANA_VTL2_MOVE_FILTER, mana_move_filter },
    { MANA_VTL2_QUERY_FILTER_STATE, mana_filter_state },
};

GdmaStatus mana_request(Mana *s, GdmaRequestMsg *req)
{
    for (int i = 0; i < ARRAY_SIZE(mana_requests); i++) {
        if (mana_requests[i].type != req->type) {
            continue;
        }
        /* 7.3 asks for the configuration before it registers the device */
        if (!s->eth_registered && req->type != MANA_QUERY_DEV_CONFIG) {
            return GDMA_STATUS_INVALID_DEVICE;
        }
        return mana_requests[i].run(s, req);
    }
    return GDMA_STATUS_UNSUPPORTED;
}

void mana_link_update(Mana *s)
{
    bool is_up = false;

    /* a VM that stops, or comes with a stream, hears of it when it runs */
    if (s->is_stopped) {
        return;
    }
    for (uint32_t v = 0; v < s->vport_count; v++) {
        is_up |= mana_net_link(&s->vports[v]);
    }
    if (is_up == s->link_was_up) {
        return;
    }
    s->link_was_up = is_up;
    if (s->hwc_up && (s->drv_caps & GDMA_DRV_CAP_LINK_AWARE)) {
        gdma_post_eqe(s, GDMA_HWC_ID, GDMA_EQE_HWC_SOC_RECONFIG_DATA,
                      FIELD_DP32(0, GDMA_EQE_DATA, TYPE,
                                 is_up ? GDMA_RECONFIG_LINK_CONNECT
                                       : GDMA_RECONFIG_LINK_DISCONNECT));
    }
}
