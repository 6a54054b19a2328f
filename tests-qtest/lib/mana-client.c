/*
 * A guest's MANA driver for qtests: requests and queues
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-client.h"

static void init_request(GdmaClient *d, void *req, uint32_t type,
                         uint32_t req_bytes, uint32_t resp_bytes)
{
    GdmaReqHeaderWire *hdr = req;

    gdma_init_request(d, req, type, req_bytes, resp_bytes);
    hdr->dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    hdr->dev_id.instance = cpu_to_le16(1);
}

uint32_t mana_dev_config(GdmaClient *d, uint16_t version, ManaConfig *config)
{
    ManaDevConfigReqWire req;
    ManaDevConfigRespWire resp;
    uint32_t status;

    init_request(d, &req, MANA_QUERY_DEV_CONFIG, sizeof(req),
                 version == 1 ? MANA_DEV_CONFIG_V1_BYTES : sizeof(resp));
    req.hdr.resp.msg_version = cpu_to_le16(version);
    req.proto_minor = cpu_to_le32(1);
    req.proto_micro = cpu_to_le32(1);
    status = gdma_request(d, &req, sizeof(req), &resp,
                          version == 1 ? MANA_DEV_CONFIG_V1_BYTES :
                          sizeof(resp));
    *config = (ManaConfig) {
        .pf_caps = le64_to_cpu(resp.pf_cap_flags[0]),
        .max_vports = le16_to_cpu(resp.max_vports),
        .max_eqs = le32_to_cpu(resp.max_eqs),
    };
    if (version >= 2) {
        /* 6.1 and 6.12 take the MTU only from the very version they asked */
        g_assert_cmpuint(le16_to_cpu(resp.hdr.response.msg_version), ==,
                         version);
        config->adapter_mtu = le16_to_cpu(resp.adapter_mtu);
    }
    return status;
}

uint32_t mana_try_vport(GdmaClient *d, uint32_t idx, ManaVport *vp)
{
    ManaVportConfigReqWire req;
    ManaVportConfigRespWire resp;
    uint32_t status;

    init_request(d, &req, MANA_QUERY_VPORT_CONFIG, sizeof(req), sizeof(resp));
    req.vport_idx = cpu_to_le32(idx);
    status = gdma_request(d, &req, sizeof(req), &resp, sizeof(resp));
    *vp = (ManaVport) {
        .d = d,
        .handle = le64_to_cpu(resp.vport),
        .max_sq = le32_to_cpu(resp.max_sq),
        .max_rq = le32_to_cpu(resp.max_rq),
        .indirection_entries = le32_to_cpu(resp.indirection_entries),
    };
    memcpy(vp->mac, resp.mac, 6);
    return status;
}

uint32_t mana_config_tx(ManaVport *vp)
{
    ManaVportTxReqWire req;
    ManaVportTxRespWire resp;
    uint32_t status;

    init_request(vp->d, &req, MANA_CONFIG_VPORT_TX, sizeof(req), sizeof(resp));
    req.vport = cpu_to_le64(vp->handle);
    req.pdid = cpu_to_le32(vp->d->pdid);
    req.db_page = cpu_to_le32(vp->d->db_page);
    status = gdma_request(vp->d, &req, sizeof(req), &resp, sizeof(resp));
    vp->tx_offset = le16_to_cpu(resp.vport_offset);
    vp->short_form = resp.short_form_allowed;
    return status;
}

ManaVport *mana_vport_open(GdmaClient *d, uint32_t idx)
{
    ManaVport *vp = g_new0(ManaVport, 1);

    g_assert_cmphex(mana_try_vport(d, idx, vp), ==, 0);
    g_assert_cmpuint(vp->max_sq, >, 0);
    g_assert_cmpuint(vp->max_rq, >, 0);
    g_assert_cmphex(vp->mac[0] & 1, ==, 0);
    g_assert_cmphex(mana_config_tx(vp), ==, 0);
    return vp;
}

uint32_t mana_config_rx(ManaVport *vp, const ManaRxConfig *c)
{
    uint8_t buf[sizeof(ManaVportRxReqWire) + 8 * MANA_CLIENT_MAX_INDIRECTION];
    ManaVportRxReqWire *req = (void *)buf;
    ManaVportRxRespWire resp;
    uint32_t bytes = sizeof(*req) + 8 * c->table_count;
    uint16_t version = c->version ?: 2;
    uint32_t resp_bytes = version == 1 ? sizeof(resp.hdr) : sizeof(resp);

    g_assert_cmpuint(c->table_count, <=, MANA_CLIENT_MAX_INDIRECTION);
    init_request(vp->d, req, MANA_CONFIG_VPORT_RX, bytes, resp_bytes);
    req->hdr.req.msg_version = cpu_to_le16(version);
    req->hdr.resp.msg_version = cpu_to_le16(MIN(version, 2));
    req->vport = cpu_to_le64(vp->handle);
    req->indir_count = cpu_to_le16(c->table_count);
    req->indir_offset = cpu_to_le16(sizeof(*req));
    req->rx_enable = cpu_to_le32(c->rx_enable);
    req->rss_enable = cpu_to_le32(c->rss_enable);
    req->update_default_rxobj = c->default_rxq != NULL;
    req->update_hash_key = c->key != NULL;
    req->update_indir_table = c->table_count > 0;
    if (c->default_rxq) {
        req->default_rxobj = cpu_to_le64(c->default_rxq->obj);
    }
    if (c->key) {
        memcpy(req->hash_key, c->key, sizeof(req->hash_key));
    }
    req->coalesce = c->coalesce4;
    req->hash_types = cpu_to_le16(c->hash_types);
    req->coalesce8 = c->coalesce8;
    for (unsigned i = 0; i < c->table_count; i++) {
        stq_le_p(buf + sizeof(*req) + 8 * i, c->table[i]->obj);
    }
    return gdma_request(vp->d, req, bytes, &resp, resp_bytes);
}

void mana_rx_on(ManaVport *vp, ManaRxq *rxq)
{
    ManaRxConfig config = {
        .rx_enable = MANA_TRISTATE_TRUE, .rss_enable = MANA_TRISTATE_FALSE,
        .default_rxq = rxq, .table = &rxq, .table_count = 1,
    };

    g_assert_cmphex(mana_config_rx(vp, &config), ==, 0);
}

void mana_rx_off(ManaVport *vp)
{
    ManaRxConfig config = {
        .rx_enable = MANA_TRISTATE_FALSE, .rss_enable = MANA_TRISTATE_KEEP,
    };

    g_assert_cmphex(mana_config_rx(vp, &config), ==, 0);
}

uint64_t mana_stat(GdmaClient *d, ManaGfStat which)
{
    ManaGfStatReqWire req;
    ManaGfStatRespWire resp;

    init_request(d, &req, MANA_QUERY_GF_STAT, sizeof(req), sizeof(resp));
    req.requested = cpu_to_le64(MANA_STAT_ALL);
    g_assert_cmphex(gdma_request(d, &req, sizeof(req), &resp, sizeof(resp)),
                    ==, 0);
    g_assert_cmphex(le64_to_cpu(resp.reported) & (1ull << which), !=, 0);
    return le64_to_cpu(resp.counter[which]);
}

/* --- work queue objects --- */

uint32_t mana_try_wq(ManaVport *vp, uint32_t type, uint64_t wq_region,
                     uint64_t cq_region, uint32_t wq_bytes, uint32_t cq_bytes,
                     uint32_t eq_id, ManaCreateWqRespWire *resp)
{
    ManaCreateWqReqWire req;
    uint32_t resp_bytes = offsetof(ManaCreateWqRespWire, cq_moderation_comps);

    init_request(vp->d, &req, MANA_CREATE_WQ_OBJ, MANA_CREATE_WQ_V1_BYTES,
                 resp_bytes);
    req.vport = cpu_to_le64(vp->handle);
    req.wq_type = cpu_to_le32(type);
    req.wq_region = cpu_to_le64(wq_region);
    req.cq_region = cpu_to_le64(cq_region);
    req.wq_bytes = cpu_to_le32(wq_bytes);
    req.cq_bytes = cpu_to_le32(cq_bytes);
    req.cq_parent_eq_id = cpu_to_le32(eq_id);
    return gdma_request(vp->d, &req, MANA_CREATE_WQ_V1_BYTES, resp, resp_bytes);
}

uint32_t mana_try_destroy_wq(ManaVport *vp, uint32_t type, uint64_t obj)
{
    ManaDestroyWqReqWire req;
    GdmaRespHeaderWire resp;

    init_request(vp->d, &req, MANA_DESTROY_WQ_OBJ, sizeof(req), sizeof(resp));
    req.wq_type = cpu_to_le32(type);
    req.wq_obj = cpu_to_le64(obj);
    return gdma_request(vp->d, &req, sizeof(req), &resp, sizeof(resp));
}

uint32_t mana_try_fence(ManaVport *vp, uint64_t obj)
{
    ManaFenceRqReqWire req;
    GdmaRespHeaderWire resp;

    init_request(vp->d, &req, MANA_FENCE_RQ, sizeof(req), sizeof(resp));
    req.wq_obj = cpu_to_le64(obj);
    return gdma_request(vp->d, &req, sizeof(req), &resp, sizeof(resp));
}

/* As Linux: regions, CREATE_WQ_OBJ, then both queues are known; arm the CQ */
static uint64_t make_wq(ManaVport *vp, uint32_t type, GdmaEq *eq,
                        uint32_t wq_bytes, uint32_t cq_bytes, GdmaWq *wq,
                        GdmaCq **cq)
{
    GdmaRing cq_ring = gdma_ring_new(vp->d, cq_bytes, true);
    ManaCreateWqRespWire resp;
    uint64_t wq_region, cq_region;

    *wq = (GdmaWq) {
        .d = vp->d, .is_rq = type == GDMA_QUEUE_RQ,
        .ring = gdma_ring_new(vp->d, wq_bytes, true),
        .db_page = vp->d->db_page,
    };
    wq_region = gdma_region_new(vp->d, &wq->ring, 0);
    cq_region = gdma_region_new(vp->d, &cq_ring, 0);
    g_assert_cmphex(mana_try_wq(vp, type, wq_region, cq_region, wq_bytes,
                                cq_bytes, eq->id, &resp), ==, 0);
    wq->id = le32_to_cpu(resp.wq_id);
    g_assert_cmphex(le64_to_cpu(resp.wq_obj), !=, UINT64_MAX);
    g_assert_cmpuint(le32_to_cpu(resp.cq_id), <,
                     vp->d->init[GDMA_INIT_DATA_MAX_CQS]);
    *cq = gdma_cq_new(vp->d, cq_ring, eq, le32_to_cpu(resp.cq_id));
    gdma_cq_ring(*cq, true);
    return le64_to_cpu(resp.wq_obj);
}

ManaTxq *mana_txq_new(ManaVport *vp, GdmaEq *eq, uint32_t wq_bytes,
                      uint32_t cq_bytes)
{
    ManaTxq *txq = g_new0(ManaTxq, 1);

    txq->vp = vp;
    txq->obj = make_wq(vp, GDMA_QUEUE_SQ, eq, wq_bytes, cq_bytes, &txq->wq,
                       &txq->cq);
    txq->offsets = g_queue_new();
    return txq;
}

void mana_txq_free(ManaTxq *txq, bool destroy)
{
    if (destroy) {
        g_assert_cmphex(mana_try_destroy_wq(txq->vp, GDMA_QUEUE_SQ, txq->obj),
                        ==, 0);
    }
    gdma_cq_free(txq->cq);
    gdma_ring_free(&txq->wq.ring);
    g_queue_free(txq->offsets);
    g_free(txq);
}

ManaRxq *mana_rxq_new(ManaVport *vp, GdmaEq *eq, uint32_t wq_bytes,
                      uint32_t cq_bytes, uint32_t buffer_bytes)
{
    ManaRxq *rxq = g_new0(ManaRxq, 1);

    rxq->vp = vp;
    rxq->buffer_bytes = buffer_bytes;
    rxq->recycles = true;
    rxq->obj = make_wq(vp, GDMA_QUEUE_RQ, eq, wq_bytes, cq_bytes, &rxq->wq,
                       &rxq->cq);
    rxq->posted = g_queue_new();
    rxq->came = g_queue_new();
    return rxq;
}

void mana_rxq_free(ManaRxq *rxq, bool destroy)
{
    if (destroy) {
        g_assert_cmphex(mana_try_destroy_wq(rxq->vp, GDMA_QUEUE_RQ, rxq->obj),
                        ==, 0);
    }
    gdma_cq_free(rxq->cq);
    gdma_ring_free(&rxq->wq.ring);
    g_queue_free_full(rxq->posted, g_free);
    g_queue_free_full(rxq->came, g_free);
    g_free(rxq);
}

/* --- a whole port --- */

ManaPort mana_port_up(GdmaClient *d, uint32_t idx, unsigned msix,
                      uint32_t buffer_bytes)
{
    ManaPort p;

    p.eq = gdma_eq_new(d, GDMA_PAGE_SIZE, msix);
    p.vp = mana_vport_open(d, idx);
    /* the sizes of Linux 6.1 */
    p.txq = mana_txq_new(p.vp, p.eq, 2 * GDMA_PAGE_SIZE, 4 * GDMA_PAGE_SIZE);
    p.rxq = mana_rxq_new(p.vp, p.eq, 4 * GDMA_PAGE_SIZE, 8 * GDMA_PAGE_SIZE,
                         buffer_bytes);
    mana_rxq_fill(p.rxq, 64);
    mana_rx_on(p.vp, p.rxq);
    return p;
}

void mana_port_down(ManaPort *p)
{
    mana_rx_off(p->vp);
    mana_rxq_fence(p->rxq);
    mana_rxq_free(p->rxq, true);
    mana_txq_free(p->txq, true);
    gdma_eq_destroy(p->eq);
    g_free(p->vp);
}

void mana_port_forget(ManaPort *p)
{
    mana_rxq_free(p->rxq, false);
    mana_txq_free(p->txq, false);
    g_ptr_array_remove(p->eq->d->eqs, p->eq);
    gdma_ring_free(&p->eq->ring);
    g_free(p->eq);
    g_free(p->vp);
}
