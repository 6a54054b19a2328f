/*
 * mana: shared-memory channel and hardware channel (HWC)
 *
 * The driver bootstraps the hardware channel, a set of queues of one page
 * each, through eight dwords of BAR 0, and sends all requests through it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-internal.h"

#define GDMA_SHM_STATUS_FAILED          1

/* Requests of one run: the driver has one under way, others may have more */
#define GDMA_HWC_BATCH                  16

static bool gdma_hwc_page(Mana *s, uint64_t gpa, GdmaRegion *region)
{
    uint64_t page = cpu_to_le64(gpa);

    if (gdma_region_init(region, GDMA_PAGE_SIZE, 0, 0, 1)) {
        return false;
    }
    if (gdma_region_add(region, &page, 1)) {
        gdma_region_free(region);
        return false;
    }
    s->total_pages++;
    return true;
}

static void gdma_hwc_announce(Mana *s)
{
    const struct {
        GdmaInitData type;
        uint32_t value;
    } data[] = {
        { GDMA_INIT_DATA_CQ_ID, GDMA_HWC_ID },
        { GDMA_INIT_DATA_RQ_ID, GDMA_HWC_ID },
        { GDMA_INIT_DATA_SQ_ID, GDMA_HWC_ID },
        { GDMA_INIT_DATA_QUEUE_DEPTH, 1 },
        { GDMA_INIT_DATA_MAX_REQUEST, GDMA_HWC_MAX_MESSAGE_BYTES },
        { GDMA_INIT_DATA_MAX_RESPONSE, GDMA_HWC_MAX_MESSAGE_BYTES },
        { GDMA_INIT_DATA_MAX_CQS, s->cq_count },
        { GDMA_INIT_DATA_PDID, MANA_HWC_PDID },
        { GDMA_INIT_DATA_GPA_MKEY, MANA_GPA_MKEY },
    };

    /* first of all: with it the driver can ring the EQ's doorbell */
    gdma_post_eqe(s, GDMA_HWC_ID, GDMA_EQE_HWC_INIT_EQ_ID_DB,
                  FIELD_DP32(0, GDMA_INIT_EQ_ID_DB, EQ_ID, GDMA_HWC_ID));
    for (int i = 0; i < ARRAY_SIZE(data); i++) {
        uint32_t detail = FIELD_DP32(0, GDMA_EQE_DATA, TYPE, data[i].type);

        gdma_post_eqe(s, GDMA_HWC_ID, GDMA_EQE_HWC_INIT_DATA,
                      FIELD_DP32(detail, GDMA_EQE_DATA, VALUE, data[i].value));
    }
    gdma_post_eqe(s, GDMA_HWC_ID, GDMA_EQE_HWC_INIT_DONE, 0);
}

void gdma_hwc_destroy(Mana *s)
{
    trace_gdma_hwc_destroy(s->hwc_up);
    /* a refused stream may have left anything in any entry */
    for (uint32_t id = 0; id < s->wq_count; id++) {
        gdma_wq_destroy(s, true, id);
        gdma_wq_destroy(s, false, id);
    }
    for (uint32_t id = 0; id < s->cq_count; id++) {
        gdma_cq_destroy(s, id);
    }
    for (uint32_t id = 0; id < s->eq_count; id++) {
        gdma_eq_destroy(s, id);
    }
    gdma_regions_free(s);
    s->region_count = 0;
    s->total_pages = 0;
    for (uint32_t v = 0; v < s->vport_count; v++) {
        mana_vport_reset(&s->vports[v]);
    }
    bitmap_zero(s->late_vectors, s->vectors);
    bitmap_zero(s->db_pages, MANA_DB_PAGE_COUNT);
    bitmap_set(s->db_pages, 0, MANA_DB_PAGE_FIRST_FREE);
    s->hwc_up = false;
    s->eth_registered = false;
    s->drv_caps = 0;
    s->link_was_up = true;              /* what a new driver takes for granted */
    s->is_loading = false;
    /* packets that wait for a buffer wait in vain */
    s->rx_resume = true;
    mana_kick(s);
}

/* Four pages; an old channel, left by a kernel before kexec, goes first */
static bool gdma_hwc_establish(Mana *s)
{
    GdmaRegion eq, cq, rq, sq;
    GdmaShmEstablish est;
    bool ok;

    gdma_hwc_destroy(s);
    gdma_shm_parse_establish(&est, s->shm);
    trace_gdma_hwc_establish(est.eq_gpa, est.cq_gpa, est.rq_gpa, est.sq_gpa,
                             est.msix);
    if (est.msix >= s->vectors) {
        return false;
    }
    /* what a failed step left is freed with the rest below */
    ok = gdma_hwc_page(s, est.eq_gpa, &eq) &&
         gdma_eq_create(s, GDMA_PAGE_SIZE, &eq, est.msix) &&
         gdma_hwc_page(s, est.cq_gpa, &cq) &&
         gdma_cq_create(s, GDMA_PAGE_SIZE, &cq, GDMA_HWC_ID) &&
         gdma_hwc_page(s, est.rq_gpa, &rq) &&
         gdma_wq_create(s, false, GDMA_PAGE_SIZE, &rq, GDMA_HWC_ID) &&
         gdma_hwc_page(s, est.sq_gpa, &sq) &&
         gdma_wq_create(s, true, GDMA_PAGE_SIZE, &sq, GDMA_HWC_ID);
    if (!ok) {
        gdma_hwc_destroy(s);
        return false;
    }
    s->hwc_up = true;
    gdma_hwc_announce(s);
    return true;
}

static bool gdma_shm_handle(Mana *s, uint32_t header)
{
    uint32_t version = FIELD_EX32(header, GDMA_SHM_HEADER, VERSION);

    if (FIELD_EX32(header, GDMA_SHM_HEADER, RESPONSE)) {
        return false;
    }
    switch (FIELD_EX32(header, GDMA_SHM_HEADER, TYPE)) {
    case GDMA_SHM_ESTABLISH_HWC:
        return version == 0 && gdma_hwc_establish(s);
    case GDMA_SHM_DESTROY_HWC:
        if (version) {
            return false;
        }
        gdma_hwc_destroy(s);
        return true;
    case GDMA_SHM_REPORT_HWC_TIMEOUT:
        /* what a driver has to complain of; there is nobody to tell */
        return version != 0;
    default:
        return false;
    }
}

void gdma_shm_write(Mana *s, uint32_t dword, uint32_t val)
{
    uint32_t header;
    bool ok;

    s->shm[dword] = val;
    if (dword != GDMA_SHM_HEADER_DWORD) {
        return;
    }
    ok = gdma_shm_handle(s, val);
    trace_gdma_shm(val, ok);
    if (!ok) {
        mana_guest_error(s, "shared-memory request 0x%08x", val);
    }
    header = FIELD_DP32(val, GDMA_SHM_HEADER, RESPONSE, 1);
    header = FIELD_DP32(header, GDMA_SHM_HEADER, STATUS,
                        ok ? 0 : GDMA_SHM_STATUS_FAILED);
    header = FIELD_DP32(header, GDMA_SHM_HEADER, OWNER_IS_PF, 0);
    s->shm[GDMA_SHM_HEADER_DWORD] = header;
}

/*
 * Copy the request, run it and build the response in s->hwc_resp.  The bytes
 * of the response, or 0 if the request has not even a header.
 */
static uint32_t gdma_hwc_answer(Mana *s, const GdmaWqe *sqe, uint32_t room)
{
    uint32_t bytes = MIN(sqe->total_bytes, sizeof(s->hwc_req));
    const GdmaReqHeaderWire *hdr = (const void *)s->hwc_req;
    GdmaRespHeaderWire *resp = (void *)s->hwc_resp;
    GdmaRequestMsg req;
    uint32_t status;

    if (bytes < sizeof(*hdr) ||
        !gdma_sges_read(s, sqe, 0, s->hwc_req, bytes)) {
        return 0;
    }
    memset(s->hwc_resp, 0, sizeof(s->hwc_resp));
    req = (GdmaRequestMsg) {
        .msg = s->hwc_req,
        .bytes = MIN(bytes, le32_to_cpu(hdr->req.msg_bytes)),
        .type = le32_to_cpu(hdr->req.msg_type),
        .version = le16_to_cpu(hdr->req.msg_version),
        .resp_version = le16_to_cpu(hdr->resp.msg_version),
        .dev_type = le16_to_cpu(hdr->dev_id.type),
        .resp_bytes = MIN(le32_to_cpu(hdr->resp.msg_bytes),
                          MIN(room, sizeof(s->hwc_resp))),
        .resp = s->hwc_resp,
    };
    if (req.bytes < sizeof(*hdr) || req.resp_bytes < sizeof(*resp)) {
        status = GDMA_STATUS_INVALID_PARAMETER;
        req.resp_bytes = sizeof(*resp);
    } else if (req.type >> 16) {
        status = mana_request(s, &req);
    } else {
        status = gdma_request(s, &req);
    }
    trace_gdma_request(req.type, req.version, req.bytes, req.resp_bytes,
                       status);
    if (status && status != GDMA_STATUS_MORE_ENTRIES) {
        qemu_log_mask(status == GDMA_STATUS_UNSUPPORTED ? LOG_UNIMP
                                                        : LOG_GUEST_ERROR,
                      "mana: request 0x%x: status 0x%x\n", req.type, status);
    }
    resp->response = hdr->resp;
    resp->response.hwc_msg_id = hdr->req.hwc_msg_id;
    resp->response.msg_bytes = cpu_to_le32(req.resp_bytes);
    resp->dev_id = hdr->dev_id;
    resp->activity_id = hdr->activity_id;
    resp->status = cpu_to_le32(status);
    return req.resp_bytes;
}

static void gdma_hwc_fail(Mana *s, const char *why)
{
    mana_guest_error(s, "hardware channel: %s", why);
    s->sqs[GDMA_HWC_ID].is_failed = true;
}

/* One request.  False if there is none, or no buffer for its response */
static bool gdma_hwc_run_one(Mana *s)
{
    GdmaWq *sq = &s->sqs[GDMA_HWC_ID];
    GdmaWq *rq = &s->rqs[GDMA_HWC_ID];
    GdmaHwcRxOobWire oob = { 0 };
    GdmaWqe sqe, rqe;
    uint32_t room, bytes;

    if (!gdma_wq_peek(s, true, GDMA_HWC_ID, &sqe)) {
        return false;
    }
    if (s->inject.hwc_timeouts) {
        s->inject.hwc_timeouts--;
        trace_gdma_hwc_timeout();
        gdma_wq_pop(sq, &sqe);
        return true;
    }
    if (!gdma_wq_peek(s, false, GDMA_HWC_ID, &rqe)) {
        return false;
    }
    room = rqe.total_bytes;
    gdma_wq_pop(sq, &sqe);
    bytes = room < sizeof(GdmaRespHeaderWire) ? 0 :
            gdma_hwc_answer(s, &sqe, room);
    if (!bytes || !s->hwc_up ||
        !gdma_sges_write(s, &rqe, 0, s->hwc_resp, bytes)) {
        gdma_hwc_fail(s, "a message is not memory, or too short");
        return false;
    }
    oob.rx_wqe_offset_bytes = cpu_to_le32(rq->ring.head & (rq->ring.bytes - 1));
    oob.response_bytes = cpu_to_le32(bytes);
    gdma_wq_pop(rq, &rqe);
    gdma_post_cqe(s, GDMA_HWC_ID, "", 0, GDMA_HWC_ID, true);
    gdma_post_cqe(s, GDMA_HWC_ID, &oob, sizeof(oob), GDMA_HWC_ID, false);
    /* one event for both: Linux warns of an event without a completion */
    gdma_cq_notify(s, GDMA_HWC_ID, 2);
    return true;
}

void gdma_hwc_run(Mana *s)
{
    for (int i = 0; i < GDMA_HWC_BATCH && s->hwc_up; i++) {
        if (!gdma_hwc_run_one(s)) {
            return;
        }
    }
    if (s->hwc_up && gdma_wq_posted_bytes(&s->sqs[GDMA_HWC_ID].ring)) {
        mana_kick(s);
    }
}
