/*
 * mana: GDMA requests about devices, queues and memory
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "mana-internal.h"

static GdmaStatus gdma_verify_version(Mana *s, GdmaRequestMsg *req)
{
    const GdmaVerifyVersionReqWire *m = gdma_body(req, GdmaVerifyVersionReqWire);
    GdmaVerifyVersionRespWire *resp = req->resp;

    if (!m || le64_to_cpu(m->protocol_min) > GDMA_PROTOCOL_V1 ||
        le64_to_cpu(m->protocol_max) < GDMA_PROTOCOL_V1) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    s->drv_caps = le64_to_cpu(m->drv_cap_flags[0]);
    trace_gdma_driver(le32_to_cpu(m->os_type), le32_to_cpu(m->os_major),
                      le32_to_cpu(m->os_minor), s->drv_caps);
    resp->protocol = cpu_to_le64(GDMA_PROTOCOL_V1);
    resp->pf_cap_flags[0] = cpu_to_le64(GDMA_PF_CAP_QUERY_HWC_TIMEOUT |
                                        GDMA_PF_CAP_LARGE_PAGES |
                                        GDMA_PF_CAP_DIM);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_max_resources(Mana *s, GdmaRequestMsg *req)
{
    GdmaMaxResourcesRespWire *resp = req->resp;

    /* the tables without entry 0 and the hardware channel's */
    resp->max_sq = cpu_to_le32(s->wq_count - GDMA_HWC_ID - 1);
    resp->max_rq = cpu_to_le32(s->wq_count - GDMA_HWC_ID - 1);
    resp->max_cq = cpu_to_le32(s->cq_count - GDMA_HWC_ID - 1);
    resp->max_eq = cpu_to_le32(s->eq_count - GDMA_HWC_ID - 1);
    resp->max_db = cpu_to_le32(MANA_DB_PAGE_COUNT);
    resp->max_mst = cpu_to_le32(1);
    resp->max_msix = cpu_to_le32(s->vectors);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_list_devices(Mana *s, GdmaRequestMsg *req)
{
    static const uint16_t types[] = {
        GDMA_DEVICE_HWC, GDMA_DEVICE_MANA, GDMA_DEVICE_MANA_IB,
    };
    GdmaListDevicesRespWire *resp = req->resp;

    resp->count = cpu_to_le32(ARRAY_SIZE(types));
    for (int i = 0; i < ARRAY_SIZE(types); i++) {
        resp->devs[i].type = cpu_to_le16(types[i]);
        resp->devs[i].instance = cpu_to_le16(types[i] != GDMA_DEVICE_HWC);
    }
    return GDMA_STATUS_SUCCESS;
}

/*
 * RDMA (MANA_IB) has nothing to offer, and says so when its driver asks for its
 * capabilities: Linux 6.12 takes a device that is not listed for a pointer, and
 * 7.3 gives the whole adapter up if one that is listed cannot be registered.
 */
static GdmaStatus gdma_register_device(Mana *s, GdmaRequestMsg *req)
{
    GdmaRegisterDeviceRespWire *resp = req->resp;

    if (req->dev_type == GDMA_DEVICE_MANA) {
        if (s->eth_registered) {
            return GDMA_STATUS_INVALID_STATE;
        }
        s->eth_registered = true;
    } else if (req->dev_type != GDMA_DEVICE_MANA_IB) {
        return GDMA_STATUS_INVALID_DEVICE;
    }
    resp->pdid = cpu_to_le32(MANA_ETH_PDID);
    resp->gpa_mkey = cpu_to_le32(MANA_GPA_MKEY);
    resp->db_page = cpu_to_le32(MANA_DB_PAGE_ETH);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_deregister_device(Mana *s, GdmaRequestMsg *req)
{
    if (req->dev_type == GDMA_DEVICE_MANA_IB) {
        return GDMA_STATUS_SUCCESS;
    }
    if (req->dev_type != GDMA_DEVICE_MANA) {
        return GDMA_STATUS_INVALID_DEVICE;
    }
    if (!s->eth_registered) {
        return GDMA_STATUS_INVALID_STATE;
    }
    s->eth_registered = false;
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_test_eqe(Mana *s, GdmaRequestMsg *req)
{
    const GdmaTestEqeReqWire *m = gdma_body(req, GdmaTestEqeReqWire);

    if (!m || !gdma_eq_get(s, le32_to_cpu(m->eq_id))) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    gdma_post_eqe(s, le32_to_cpu(m->eq_id), GDMA_EQE_TEST_EVENT, 0);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_reset_eqe(Mana *s, GdmaRequestMsg *req)
{
    const GdmaResetEqeReqWire *m = gdma_body(req, GdmaResetEqeReqWire);

    if (!m || !gdma_eq_get(s, le32_to_cpu(m->eq_id))) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    gdma_post_eqe(s, le32_to_cpu(m->eq_id), GDMA_EQE_HWC_RESET_REQUEST,
                  le32_to_cpu(m->data));
    return GDMA_STATUS_SUCCESS;
}

/* Only EQs are made so; a WQ comes with its CQ by MANA_CREATE_WQ_OBJ */
static GdmaStatus gdma_create_queue(Mana *s, GdmaRequestMsg *req)
{
    const GdmaCreateQueueReqWire *m = gdma_body(req, GdmaCreateQueueReqWire);
    GdmaCreateQueueRespWire *resp = req->resp;
    uint64_t handle;
    GdmaRegion region;
    uint32_t bytes, id;

    if (!m || le32_to_cpu(m->type) != GDMA_QUEUE_EQ ||
        le32_to_cpu(m->eq_msix) >= s->vectors) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    handle = le64_to_cpu(m->region);
    bytes = le32_to_cpu(m->queue_bytes);
    if (!gdma_region_take(s, handle, bytes, &region)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    id = gdma_eq_create(s, bytes, &region, le32_to_cpu(m->eq_msix));
    if (!id) {
        gdma_region_put_back(s, handle, &region);
        return GDMA_STATUS_NO_RESOURCES;
    }
    resp->queue_id = cpu_to_le32(id);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_disable_queue(Mana *s, GdmaRequestMsg *req)
{
    const GdmaDisableQueueReqWire *m = gdma_body(req, GdmaDisableQueueReqWire);
    uint32_t id;

    if (!m || le32_to_cpu(m->type) != GDMA_QUEUE_EQ) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    id = le32_to_cpu(m->queue_id);
    if (id == GDMA_HWC_ID || !gdma_eq_get(s, id)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    gdma_eq_destroy(s, id);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_change_msix(Mana *s, GdmaRequestMsg *req)
{
    const GdmaChangeMsixReqWire *m = gdma_body(req, GdmaChangeMsixReqWire);
    GdmaEq *eq = m ? gdma_eq_get(s, le32_to_cpu(m->eq_id)) : NULL;

    if (!eq || le32_to_cpu(m->msix) >= s->vectors) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    eq->msix = le32_to_cpu(m->msix);
    return GDMA_STATUS_SUCCESS;
}

/* Doorbell pages for user space */
static GdmaStatus gdma_allocate_range(Mana *s, GdmaRequestMsg *req)
{
    const GdmaAllocateRangeReqWire *m = gdma_body(req, GdmaAllocateRangeReqWire);
    GdmaAllocateRangeRespWire *resp = req->resp;
    uint32_t count, align, first;

    if (!m || le32_to_cpu(m->type) != GDMA_RESOURCE_DOORBELL_PAGE) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    count = le32_to_cpu(m->count);
    align = MAX(1, le32_to_cpu(m->alignment));
    if (!count || count > MANA_DB_PAGE_COUNT || !is_power_of_2(align)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    first = bitmap_find_next_zero_area(s->db_pages, MANA_DB_PAGE_COUNT, 0,
                                       count, align - 1);
    if (first >= MANA_DB_PAGE_COUNT) {
        return GDMA_STATUS_NO_RESOURCES;
    }
    bitmap_set(s->db_pages, first, count);
    resp->first = cpu_to_le32(first);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_destroy_range(Mana *s, GdmaRequestMsg *req)
{
    const GdmaDestroyRangeReqWire *m = gdma_body(req, GdmaDestroyRangeReqWire);
    uint32_t first, count;

    if (!m || le32_to_cpu(m->type) != GDMA_RESOURCE_DOORBELL_PAGE) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    first = le32_to_cpu(m->first);
    count = le32_to_cpu(m->count);
    if (first < MANA_DB_PAGE_FIRST_FREE || first >= MANA_DB_PAGE_COUNT ||
        count > MANA_DB_PAGE_COUNT - first ||
        find_next_zero_bit(s->db_pages, first + count, first) <
        first + count) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    bitmap_clear(s->db_pages, first, count);
    return GDMA_STATUS_SUCCESS;
}

static GdmaRegionEntry *gdma_region_find(Mana *s, uint64_t handle)
{
    GdmaRegionEntry *e;

    QTAILQ_FOREACH(e, &s->regions, next) {
        if (e->handle == handle) {
            return e;
        }
    }
    return NULL;
}

static void gdma_region_remove(Mana *s, GdmaRegionEntry *e)
{
    QTAILQ_REMOVE(&s->regions, e, next);
    s->region_count--;
    g_free(e);
}

static void gdma_region_insert(Mana *s, uint64_t handle, GdmaRegion *region)
{
    GdmaRegionEntry *e = g_new0(GdmaRegionEntry, 1);

    e->handle = handle;
    e->region = *region;
    /* the next request is most likely about the newest one */
    QTAILQ_INSERT_HEAD(&s->regions, e, next);
    s->region_count++;
}

bool gdma_region_take(Mana *s, uint64_t handle, uint32_t bytes,
                      GdmaRegion *region)
{
    GdmaRegionEntry *e = gdma_region_find(s, handle);

    if (!e || !gdma_region_is_complete(&e->region) ||
        e->region.bytes < bytes || e->region.offset % GDMA_CQE_BYTES) {
        return false;
    }
    *region = e->region;
    gdma_region_remove(s, e);
    return true;
}

void gdma_region_put_back(Mana *s, uint64_t handle, GdmaRegion *region)
{
    gdma_region_insert(s, handle, region);
}

void gdma_regions_free(Mana *s)
{
    GdmaRegionEntry *e, *tmp;

    QTAILQ_FOREACH_SAFE(e, &s->regions, next, tmp) {
        s->total_pages -= e->region.page_count;
        gdma_region_free(&e->region);
        gdma_region_remove(s, e);
    }
}

static GdmaStatus gdma_create_region(Mana *s, GdmaRequestMsg *req)
{
    const GdmaCreateRegionReqWire *m = gdma_body(req, GdmaCreateRegionReqWire);
    GdmaCreateRegionRespWire *resp = req->resp;
    uint32_t listed, page_count;
    GdmaStatus status;
    GdmaRegion region;

    if (!m) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    listed = le32_to_cpu(m->listed);
    page_count = le32_to_cpu(m->page_count);
    if (listed > (req->bytes - sizeof(*m)) / sizeof(uint64_t)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    if (s->region_count >= GDMA_MAX_REGIONS ||
        page_count > GDMA_MAX_TOTAL_PAGES - s->total_pages) {
        return GDMA_STATUS_NO_RESOURCES;
    }
    status = gdma_region_init(&region, le64_to_cpu(m->length_bytes),
                              le32_to_cpu(m->offset_in_page),
                              le32_to_cpu(m->page_type), page_count);
    if (status) {
        return status;
    }
    status = gdma_region_add(&region, m + 1, listed);
    if (status && status != GDMA_STATUS_MORE_ENTRIES) {
        gdma_region_free(&region);
        return status;
    }
    s->total_pages += page_count;
    gdma_region_insert(s, s->next_handle, &region);
    resp->region = cpu_to_le64(s->next_handle++);
    return status;
}

static GdmaStatus gdma_add_pages(Mana *s, GdmaRequestMsg *req)
{
    const GdmaAddPagesReqWire *m = gdma_body(req, GdmaAddPagesReqWire);
    GdmaRegionEntry *e;
    uint32_t listed;

    if (!m) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    listed = le32_to_cpu(m->listed);
    e = gdma_region_find(s, le64_to_cpu(m->region));
    if (!e || listed > (req->bytes - sizeof(*m)) / sizeof(uint64_t)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    return gdma_region_add(&e->region, m + 1, listed);
}

static GdmaStatus gdma_destroy_region(Mana *s, GdmaRequestMsg *req)
{
    const GdmaHandleReqWire *m = gdma_body(req, GdmaHandleReqWire);
    GdmaRegionEntry *e = m ? gdma_region_find(s, le64_to_cpu(m->handle)) : NULL;

    if (!e) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    s->total_pages -= e->region.page_count;
    gdma_region_free(&e->region);
    gdma_region_remove(s, e);
    return GDMA_STATUS_SUCCESS;
}

static GdmaStatus gdma_hwc_timeout(Mana *s, GdmaRequestMsg *req)
{
    GdmaHwcTimeoutRespWire *resp = req->resp;

    resp->timeout_ms = cpu_to_le32(MANA_HWC_TIMEOUT_MS);
    return GDMA_STATUS_SUCCESS;
}

static const struct {
    uint32_t type;
    GdmaStatus (*run)(Mana *s, GdmaRequestMsg *req);
} gdma_requests[] = {
    { GDMA_VERIFY_VF_DRIVER_VERSION, gdma_verify_version },
    { GDMA_QUERY_MAX_RESOURCES, gdma_max_resources },
    { GDMA_LIST_DEVICES, gdma_list_devices },
    { GDMA_REGISTER_DEVICE, gdma_register_device },
    { GDMA_DEREGISTER_DEVICE, gdma_deregister_device },
    { GDMA_GENERATE_TEST_EQE, gdma_test_eqe },
    { GDMA_GENERATE_RESET_EQE, gdma_reset_eqe },
    { GDMA_CREATE_QUEUE, gdma_create_queue },
    { GDMA_DISABLE_QUEUE, gdma_disable_queue },
    { GDMA_ALLOCATE_RESOURCE_RANGE, gdma_allocate_range },
    { GDMA_DESTROY_RESOURCE_RANGE, gdma_destroy_range },
    { GDMA_CREATE_DMA_REGION, gdma_create_region },
    { GDMA_DMA_REGION_ADD_PAGES, gdma_add_pages },
    { GDMA_DESTROY_DMA_REGION, gdma_destroy_region },
    { GDMA_CHANGE_MSIX_FOR_EQ, gdma_change_msix },
    { GDMA_QUERY_HWC_TIMEOUT, gdma_hwc_timeout },
};

GdmaStatus gdma_request(Mana *s, GdmaRequestMsg *req)
{
    for (int i = 0; i < ARRAY_SIZE(gdma_requests); i++) {
        if (gdma_requests[i].type == req->type) {
            return gdma_requests[i].run(s, req);
        }
    }
    return GDMA_STATUS_UNSUPPORTED;
}
