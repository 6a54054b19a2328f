/*
 * A guest's GDMA driver for qtests: registers, hardware channel, requests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "gdma-client.h"

#define MAX_REGION_PAGES    ((GDMA_HWC_MAX_MESSAGE_BYTES - \
                              sizeof(GdmaCreateRegionReqWire)) / 8)

/* --- PCI --- */

static void program_msix(GdmaClient *d)
{
    uint64_t entry;

    qpci_msix_enable(d->pci);
    d->vectors = MIN(qpci_msix_table_size(d->pci), GDMA_CLIENT_MAX_VECTORS);
    for (unsigned i = 0; i < d->vectors; i++) {
        entry = d->pci->msix_table_off + i * PCI_MSIX_ENTRY_SIZE;
        qpci_io_writel(d->pci, d->pci->msix_table_bar,
                       entry + PCI_MSIX_ENTRY_LOWER_ADDR, d->msi_gpa + 4 * i);
        qpci_io_writel(d->pci, d->pci->msix_table_bar,
                       entry + PCI_MSIX_ENTRY_UPPER_ADDR, 0);
        qpci_io_writel(d->pci, d->pci->msix_table_bar,
                       entry + PCI_MSIX_ENTRY_DATA, i + 1);
        gdma_mask_vector(d, i, false);
    }
}

void gdma_mask_vector(GdmaClient *d, unsigned nth, bool mask)
{
    qpci_io_writel(d->pci, d->pci->msix_table_bar,
                   d->pci->msix_table_off + nth * PCI_MSIX_ENTRY_SIZE +
                   PCI_MSIX_ENTRY_VECTOR_CTRL,
                   mask ? PCI_MSIX_ENTRY_CTRL_MASKBIT : 0);
}

/* BARs and MSI-X */
static void gdma_enable(GdmaClient *d)
{
    uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;

    d->bar = qpci_iomap(d->pci, 0, &d->bar_bytes);
    qpci_config_writew(d->pci, PCI_COMMAND, command);
    program_msix(d);
    g_assert_cmphex(qpci_config_readw(d->pci, PCI_COMMAND) & command, ==,
                    command);
    d->db_zone = qpci_io_readq(d->pci, d->bar, GDMA_REG_DB_ZONE_OFFSET);
    d->db_page_bytes = qpci_io_readl(d->pci, d->bar, GDMA_REG_DB_PAGE_BYTES) &
                       0xffff;
    d->shm = qpci_io_readq(d->pci, d->bar, GDMA_REG_SHM_OFFSET);
}

GdmaClient *gdma_probe(PcieGuest *g, unsigned port)
{
    GdmaClient *d = g_new0(GdmaClient, 1);

    d->g = g;
    d->pci = pcie_guest_device(g, port);
    g_assert(d->pci);
    d->msi_gpa = pcie_guest_alloc(g, 1);
    d->eqs = g_ptr_array_new();
    d->cqs = g_ptr_array_new();
    d->news = g_array_new(false, false, sizeof(GdmaEqeWire));
    gdma_enable(d);
    return d;
}

static void forget_channel(GdmaClient *d)
{
    if (d->hwc_eq) {
        g_ptr_array_remove(d->eqs, d->hwc_eq);
        gdma_ring_free(&d->hwc_eq->ring);
        g_clear_pointer(&d->hwc_eq, g_free);
        gdma_cq_free(d->hwc_cq);
        d->hwc_cq = NULL;
        gdma_ring_free(&d->hwc_rq.ring);
        gdma_ring_free(&d->hwc_sq.ring);
    }
    d->is_up = false;
    d->init_eqes = 0;
}

void gdma_forget(GdmaClient *d)
{
    forget_channel(d);
    while (d->eqs->len) {
        GdmaEq *eq = g_ptr_array_remove_index(d->eqs, 0);

        gdma_ring_free(&eq->ring);
        g_free(eq);
    }
    while (d->cqs->len) {
        gdma_cq_free(g_ptr_array_index(d->cqs, 0));
    }
    g_ptr_array_unref(d->eqs);
    g_ptr_array_unref(d->cqs);
    g_array_unref(d->news);
    g_free(d->pci);
    g_free(d);
}

uint8_t gdma_pm_control(GdmaClient *d)
{
    uint8_t cap = qpci_find_capability(d->pci, PCI_CAP_ID_PM, 0);

    g_assert_cmphex(cap, !=, 0);
    return cap + PCI_PM_CTRL;
}

void gdma_flr(GdmaClient *d)
{
    uint8_t cap = qpci_find_capability(d->pci, PCI_CAP_ID_EXP, 0);
    uint16_t control;

    g_assert_cmphex(cap, !=, 0);
    g_assert_cmphex(qpci_config_readl(d->pci, cap + PCI_EXP_DEVCAP) &
                    PCI_EXP_DEVCAP_FLR, !=, 0);
    control = qpci_config_readw(d->pci, cap + PCI_EXP_DEVCTL);
    qpci_config_writew(d->pci, cap + PCI_EXP_DEVCTL,
                       control | PCI_EXP_DEVCTL_BCR_FLR);
}

/* --- shared-memory channel --- */

static uint32_t shm_header(GdmaClient *d)
{
    return qpci_io_readl(d->pci, d->bar, d->shm + 4 * GDMA_SHM_HEADER_DWORD);
}

uint32_t gdma_shm_wait(GdmaClient *d)
{
    int64_t end = g_get_monotonic_time() + GDMA_CLIENT_TIMEOUT_US;
    uint32_t header;

    while (FIELD_EX32(header = shm_header(d), GDMA_SHM_HEADER, OWNER_IS_PF)) {
        g_assert_cmphex(header, !=, UINT32_MAX);
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        pcie_guest_step(d->g, SCALE_MS);
        g_usleep(100);
    }
    return header;
}

void gdma_shm_write(GdmaClient *d, const uint32_t dwords[GDMA_SHM_DWORDS])
{
    for (unsigned i = 0; i < GDMA_SHM_DWORDS; i++) {
        qpci_io_writel(d->pci, d->bar, d->shm + 4 * i, dwords[i]);
    }
}

/* The checks of Linux' mana_smc_poll_register and _read_response */
static uint8_t shm_result(GdmaClient *d, GdmaShmType type)
{
    uint32_t header = gdma_shm_wait(d);

    g_assert_cmpuint(FIELD_EX32(header, GDMA_SHM_HEADER, TYPE), ==, type);
    g_assert_cmpuint(FIELD_EX32(header, GDMA_SHM_HEADER, VERSION), ==, 0);
    g_assert_cmpuint(FIELD_EX32(header, GDMA_SHM_HEADER, RESPONSE), ==, 1);
    return FIELD_EX32(header, GDMA_SHM_HEADER, STATUS);
}

static void put_gpn(uint8_t at[6], uint16_t *high, unsigned shift, uint64_t gpa)
{
    uint64_t gpn = gpa >> GDMA_PAGE_SHIFT;

    stl_le_p(at, gpn);
    stw_le_p(at + 4, gpn >> 32);
    *high |= (gpn >> 48) << shift;
}

static void make_channel_queues(GdmaClient *d, unsigned msix)
{
    GdmaEq *eq = g_new0(GdmaEq, 1);

    *eq = (GdmaEq) {
        .d = d, .ring = gdma_ring_new(d, GDMA_PAGE_SIZE, false), .msix = msix,
        .head = GDMA_PAGE_SIZE / GDMA_EQE_BYTES, .id = UINT32_MAX,
    };
    g_ptr_array_add(d->eqs, eq);
    d->hwc_eq = eq;
    /* its ID comes in an event */
    d->hwc_cq = gdma_cq_new(d, gdma_ring_new(d, GDMA_PAGE_SIZE, false), eq,
                            UINT32_MAX);
    d->hwc_rq = (GdmaWq) {
        .d = d, .is_rq = true, .ring = gdma_ring_new(d, GDMA_PAGE_SIZE, false),
    };
    d->hwc_sq = (GdmaWq) {
        .d = d, .ring = gdma_ring_new(d, GDMA_PAGE_SIZE, false),
    };
    d->request_gpa = pcie_guest_alloc(d->g, 1);
    d->response_gpa = pcie_guest_alloc(d->g, 1);
}

static void post_response_buffer(GdmaClient *d)
{
    static const uint8_t oob[8];
    GdmaSgeWire sge = {
        .address = d->response_gpa,
        .mem_key = d->init[GDMA_INIT_DATA_GPA_MKEY],
        .bytes = d->init[GDMA_INIT_DATA_MAX_REQUEST],
    };
    GdmaWqe wqe = {
        .oob = oob, .oob_bytes = sizeof(oob), .sges = &sge, .sge_count = 1,
    };

    gdma_wq_put(&d->hwc_rq, &wqe);
    gdma_wq_ring(&d->hwc_rq);
}

static void await_channel(GdmaClient *d)
{
    int64_t end = g_get_monotonic_time() + GDMA_CLIENT_TIMEOUT_US;

    while (!d->is_up) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        pcie_guest_step(d->g, 10 * SCALE_US);
        gdma_poll(d);
    }
    d->hwc_cq->id = d->init[GDMA_INIT_DATA_CQ_ID];
    d->hwc_rq.id = d->init[GDMA_INIT_DATA_RQ_ID];
    d->hwc_sq.id = d->init[GDMA_INIT_DATA_SQ_ID];
    d->hwc_cq->db_page = d->hwc_eq->db_page;
    d->hwc_rq.db_page = d->hwc_eq->db_page;
    d->hwc_sq.db_page = d->hwc_eq->db_page;
    g_assert_cmpuint(d->hwc_cq->id, <, d->init[GDMA_INIT_DATA_MAX_CQS]);
    g_assert_cmpuint(d->init[GDMA_INIT_DATA_QUEUE_DEPTH], >=, 1);
    g_assert_cmpuint(d->init[GDMA_INIT_DATA_MAX_REQUEST], ==,
                     GDMA_HWC_MAX_MESSAGE_BYTES);
    g_assert_cmpuint(d->init[GDMA_INIT_DATA_MAX_RESPONSE], ==,
                     GDMA_HWC_MAX_MESSAGE_BYTES);
    g_assert_cmphex(d->init[GDMA_INIT_DATA_PDID], !=, 0xffffff);
    post_response_buffer(d);
}

uint8_t gdma_establish(GdmaClient *d, unsigned msix)
{
    GdmaShmEstablishWire wire = { 0 };
    uint16_t high = 0;
    uint32_t dwords[GDMA_SHM_DWORDS];
    uint8_t status;

    gdma_shm_wait(d);
    forget_channel(d);
    make_channel_queues(d, msix);
    put_gpn(wire.eq_gpn, &high, 0, d->hwc_eq->ring.page_gpa[0]);
    put_gpn(wire.cq_gpn, &high, 4, d->hwc_cq->ring.page_gpa[0]);
    put_gpn(wire.rq_gpn, &high, 8, d->hwc_rq.ring.page_gpa[0]);
    put_gpn(wire.sq_gpn, &high, 12, d->hwc_sq.ring.page_gpa[0]);
    wire.high = cpu_to_le16(high);
    wire.msix = cpu_to_le16(msix);
    wire.header = cpu_to_le32(GDMA_SHM_ESTABLISH_HWC |
                              R_GDMA_SHM_HEADER_OWNER_IS_PF_MASK);
    for (unsigned i = 0; i < GDMA_SHM_DWORDS; i++) {
        dwords[i] = ldl_le_p((uint8_t *)&wire + 4 * i);
    }
    gdma_shm_write(d, dwords);
    status = shm_result(d, GDMA_SHM_ESTABLISH_HWC);
    if (status) {
        forget_channel(d);
    } else {
        await_channel(d);
    }
    return status;
}

uint8_t gdma_shm_destroy(GdmaClient *d)
{
    gdma_shm_wait(d);
    qpci_io_writel(d->pci, d->bar, d->shm + 4 * GDMA_SHM_HEADER_DWORD,
                   GDMA_SHM_DESTROY_HWC | R_GDMA_SHM_HEADER_OWNER_IS_PF_MASK);
    return shm_result(d, GDMA_SHM_DESTROY_HWC);
}

GdmaClient *gdma_start(PcieGuest *g, unsigned port)
{
    GdmaClient *d = gdma_probe(g, port);
    uint64_t caps;

    g_assert_cmphex(gdma_establish(d, 0), ==, 0);
    g_assert_cmphex(gdma_test_eqe(d, d->hwc_eq->id), ==, 0);
    g_assert_cmphex(gdma_verify_version(d, &caps), ==, 0);
    gdma_register_device(d);
    return d;
}

void gdma_stop(GdmaClient *d)
{
    GdmaReqHeaderWire req;
    GdmaRespHeaderWire resp;

    gdma_expect_alive(d);
    gdma_init_request(d, &req, GDMA_DEREGISTER_DEVICE, sizeof(req),
                      sizeof(resp));
    req.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    g_assert_cmphex(gdma_request(d, &req, sizeof(req), &resp, sizeof(resp)),
                    ==, 0);
    g_assert_cmphex(gdma_shm_destroy(d), ==, 0);
    gdma_forget(d);
}

/* --- requests --- */

void gdma_init_request(GdmaClient *d, void *req, uint32_t type,
                       uint32_t req_bytes, uint32_t resp_bytes)
{
    GdmaReqHeaderWire *hdr = req;

    memset(req, 0, req_bytes);
    hdr->req.msg_type = cpu_to_le32(type);
    hdr->req.msg_version = cpu_to_le16(1);
    hdr->req.hwc_msg_id = cpu_to_le16(d->next_msg_id++);
    hdr->req.msg_bytes = cpu_to_le32(req_bytes);
    hdr->resp.msg_type = cpu_to_le32(type);
    hdr->resp.msg_version = cpu_to_le16(1);
    hdr->resp.msg_bytes = cpu_to_le32(resp_bytes);
    hdr->dev_id.type = cpu_to_le16(GDMA_DEVICE_HWC);
    hdr->activity_id = cpu_to_le32(++d->activity_id);
}

static void put_on_wire(GdmaClient *d, const void *req, uint32_t bytes)
{
    GdmaHwcTxOobWire oob = {
        .vrq = cpu_to_le32(d->hwc_rq.id),
        .vrcq = cpu_to_le32(d->hwc_cq->id),
        .vscq = cpu_to_le32(d->hwc_cq->id),
        .vsq = cpu_to_le32(d->hwc_sq.id),
    };
    GdmaSgeWire sge = {
        .address = d->request_gpa,
        .mem_key = d->init[GDMA_INIT_DATA_GPA_MKEY],
        .bytes = bytes,
    };
    GdmaWqe wqe = {
        .oob = &oob, .oob_bytes = sizeof(oob), .sges = &sge, .sge_count = 1,
    };

    memcpy(pcie_guest_ptr(d->g, d->request_gpa), req, bytes);
    gdma_wq_put(&d->hwc_sq, &wqe);
    gdma_wq_ring(&d->hwc_sq);
}

/* Completions until the response's; its bytes, 0 if it did not come */
static uint32_t await_response(GdmaClient *d, int64_t timeout_us)
{
    uint32_t slot = (d->hwc_rq.head_bytes - GDMA_WQE_BU_BYTES) %
                    d->hwc_rq.ring.bytes;
    GdmaHwcRxOobWire oob;
    GdmaCqeWire cqe;

    while (gdma_cq_wait(d->hwc_cq, &cqe, timeout_us)) {
        uint32_t info = le32_to_cpu(cqe.info);
        uint32_t id = FIELD_EX32(info, GDMA_CQE_INFO, WQ_ID);

        if (FIELD_EX32(info, GDMA_CQE_INFO, IS_SQ)) {
            g_assert_cmpuint(id, ==, d->hwc_sq.id);
            continue;
        }
        g_assert_cmpuint(id, ==, d->hwc_rq.id);
        memcpy(&oob, cqe.data, sizeof(oob));
        g_assert_cmpuint(le32_to_cpu(oob.rx_wqe_offset_bytes), ==, slot);
        return le32_to_cpu(oob.response_bytes);
    }
    return 0;
}

bool gdma_request_raw(GdmaClient *d, const void *req, uint32_t bytes,
                      GdmaRespHeaderWire *resp)
{
    uint32_t got;

    put_on_wire(d, req, bytes);
    got = await_response(d, 3 * GDMA_CLIENT_QUIET_US);
    if (!got) {
        return false;
    }
    g_assert_cmpuint(got, >=, sizeof(*resp));
    memcpy(resp, pcie_guest_ptr(d->g, d->response_gpa), sizeof(*resp));
    post_response_buffer(d);
    return true;
}

uint32_t gdma_request(GdmaClient *d, void *req, uint32_t req_bytes, void *resp,
                      uint32_t resp_bytes)
{
    GdmaReqHeaderWire *out = req;
    GdmaRespHeaderWire in;
    uint32_t got;

    memset(pcie_guest_ptr(d->g, d->response_gpa), 0xee,
           GDMA_HWC_MAX_MESSAGE_BYTES);
    put_on_wire(d, req, req_bytes);
    got = await_response(d, GDMA_CLIENT_TIMEOUT_US);
    g_assert_cmpuint(got, >=, sizeof(in));
    memcpy(&in, pcie_guest_ptr(d->g, d->response_gpa), sizeof(in));
    g_assert_cmphex(le32_to_cpu(in.response.header_type), ==, 0);
    g_assert_cmphex(in.response.msg_type, ==, out->resp.msg_type);
    g_assert_cmphex(in.response.hwc_msg_id, ==, out->req.hwc_msg_id);
    g_assert_cmpuint(le16_to_cpu(in.response.msg_version), <=,
                     le16_to_cpu(out->resp.msg_version));
    g_assert_cmpuint(le16_to_cpu(in.response.msg_version), >=, 1);
    g_assert_cmphex(in.dev_id.type, ==, out->dev_id.type);
    g_assert_cmphex(in.dev_id.instance, ==, out->dev_id.instance);
    g_assert_cmphex(in.activity_id, ==, out->activity_id);
    memset(resp, 0, resp_bytes);
    memcpy(resp, &in, sizeof(in));
    if (le32_to_cpu(in.status) == GDMA_STATUS_SUCCESS ||
        le32_to_cpu(in.status) == GDMA_STATUS_MORE_ENTRIES) {
        g_assert_cmpuint(got, ==, resp_bytes);
        g_assert_cmpuint(le32_to_cpu(in.response.msg_bytes), >=, resp_bytes);
        memcpy(resp, pcie_guest_ptr(d->g, d->response_gpa), resp_bytes);
    }
    post_response_buffer(d);
    return le32_to_cpu(in.status);
}

uint32_t gdma_simple_request(GdmaClient *d, uint32_t type)
{
    GdmaReqHeaderWire req;
    GdmaRespHeaderWire resp;

    gdma_init_request(d, &req, type, sizeof(req), sizeof(resp));
    return gdma_request(d, &req, sizeof(req), &resp, sizeof(resp));
}

uint32_t gdma_handle_request(GdmaClient *d, uint32_t type, uint64_t handle)
{
    GdmaHandleReqWire req;
    GdmaRespHeaderWire resp;

    gdma_init_request(d, &req, type, sizeof(req), sizeof(resp));
    req.handle = cpu_to_le64(handle);
    return gdma_request(d, &req, sizeof(req), &resp, sizeof(resp));
}

uint32_t gdma_verify_version(GdmaClient *d, uint64_t *pf_caps)
{
    GdmaVerifyVersionReqWire req;
    GdmaVerifyVersionRespWire resp;
    uint32_t status;

    gdma_init_request(d, &req, GDMA_VERIFY_VF_DRIVER_VERSION, sizeof(req),
                      sizeof(resp));
    req.protocol_min = cpu_to_le64(GDMA_PROTOCOL_V1);
    req.protocol_max = cpu_to_le64(GDMA_PROTOCOL_V1);
    req.drv_cap_flags[0] = cpu_to_le64(0x527e686d);     /* Linux 7.3 */
    req.os_type = cpu_to_le32(0x10);
    status = gdma_request(d, &req, sizeof(req), &resp, sizeof(resp));
    if (!status) {
        g_assert_cmpuint(le64_to_cpu(resp.protocol), ==, GDMA_PROTOCOL_V1);
        *pf_caps = le64_to_cpu(resp.pf_cap_flags[0]);
    }
    return status;
}

void gdma_register_device(GdmaClient *d)
{
    GdmaReqHeaderWire req;
    GdmaRegisterDeviceRespWire resp;

    gdma_init_request(d, &req, GDMA_REGISTER_DEVICE, sizeof(req),
                      sizeof(resp));
    req.dev_id.type = cpu_to_le16(GDMA_DEVICE_MANA);
    g_assert_cmphex(gdma_request(d, &req, sizeof(req), &resp, sizeof(resp)),
                    ==, 0);
    d->pdid = le32_to_cpu(resp.pdid);
    d->mkey = le32_to_cpu(resp.gpa_mkey);
    d->db_page = le32_to_cpu(resp.db_page);
    g_assert_cmphex(d->pdid, !=, UINT32_MAX);
    g_assert_cmphex(d->db_zone + (uint64_t)d->db_page_bytes * (d->db_page + 1),
                    <=, d->bar_bytes);
}

uint32_t gdma_test_eqe(GdmaClient *d, uint32_t eq_id)
{
    GdmaTestEqeReqWire req;
    GdmaRespHeaderWire resp;
    GdmaEq *eq = gdma_eq_find(d, eq_id);
    unsigned seen = eq ? eq->tests : 0;
    uint32_t status;

    gdma_init_request(d, &req, GDMA_GENERATE_TEST_EQE, sizeof(req),
                      sizeof(resp));
    req.eq_id = cpu_to_le32(eq_id);
    status = gdma_request(d, &req, sizeof(req), &resp, sizeof(resp));
    for (int i = 0; i < 1000 && eq && !eq->holds && eq->tests == seen &&
         !status; i++) {
        pcie_guest_step(d->g, 10 * SCALE_US);
        gdma_poll(d);
    }
    return status;
}

/* --- DMA regions --- */

uint32_t gdma_region_try(GdmaClient *d, const uint64_t *pages, unsigned count,
                         uint64_t length_bytes, uint32_t offset_in_page,
                         uint32_t page_type, uint64_t *region)
{
    uint8_t buf[GDMA_HWC_MAX_MESSAGE_BYTES];
    GdmaCreateRegionReqWire *req = (void *)buf;
    GdmaCreateRegionRespWire resp;
    uint32_t bytes = sizeof(*req) + count * 8, status;

    g_assert_cmpuint(bytes, <=, sizeof(buf));
    gdma_init_request(d, req, GDMA_CREATE_DMA_REGION, bytes, sizeof(resp));
    req->length_bytes = cpu_to_le64(length_bytes);
    req->offset_in_page = cpu_to_le32(offset_in_page);
    req->page_type = cpu_to_le32(page_type);
    req->page_count = cpu_to_le32(DIV_ROUND_UP(
        offset_in_page + length_bytes, (uint64_t)GDMA_PAGE_SIZE << page_type));
    req->listed = cpu_to_le32(count);
    for (unsigned i = 0; i < count; i++) {
        stq_le_p(buf + sizeof(*req) + 8 * i, pages[i]);
    }
    status = gdma_request(d, req, bytes, &resp, sizeof(resp));
    *region = le64_to_cpu(resp.region);
    return status;
}

static uint32_t add_pages(GdmaClient *d, uint64_t region, const uint64_t *pages,
                          unsigned count)
{
    uint8_t buf[GDMA_HWC_MAX_MESSAGE_BYTES];
    GdmaAddPagesReqWire *req = (void *)buf;
    GdmaRespHeaderWire resp;
    uint32_t bytes = sizeof(*req) + count * 8;

    g_assert_cmpuint(bytes, <=, sizeof(buf));
    gdma_init_request(d, req, GDMA_DMA_REGION_ADD_PAGES, bytes, sizeof(resp));
    req->region = cpu_to_le64(region);
    req->listed = cpu_to_le32(count);
    for (unsigned i = 0; i < count; i++) {
        stq_le_p(buf + sizeof(*req) + 8 * i, pages[i]);
    }
    return gdma_request(d, req, bytes, &resp, sizeof(resp));
}

uint64_t gdma_region_new(GdmaClient *d, const GdmaRing *ring, unsigned first)
{
    unsigned done = MIN(first ?: ring->pages, MAX_REGION_PAGES);
    uint64_t region;
    uint32_t status = gdma_region_try(d, ring->page_gpa, done, ring->bytes, 0,
                                      0, &region);

    while (done < ring->pages) {
        unsigned count = MIN(ring->pages - done, first ?: MAX_REGION_PAGES);

        g_assert_cmphex(status, ==, GDMA_STATUS_MORE_ENTRIES);
        status = add_pages(d, region, ring->page_gpa + done, count);
        done += count;
    }
    g_assert_cmphex(status, ==, GDMA_STATUS_SUCCESS);
    g_assert_cmphex(region, !=, 0);
    return region;
}

void gdma_expect_alive(GdmaClient *d)
{
    unsigned seen = d->hwc_eq->tests;

    g_assert(qtest_probe_child(d->g->qts));
    g_assert_cmphex(gdma_test_eqe(d, d->hwc_eq->id), ==, 0);
    g_assert_cmpuint(d->hwc_eq->tests, ==, seen + 1);
    g_assert_cmpuint(d->hwc_cq->empty_events, ==, 0);
}
