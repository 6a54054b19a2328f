/*
 * GDMA rings, work queue entries and DMA regions
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "gdma-core.h"

bool gdma_queue_bytes_ok(uint32_t bytes)
{
    return bytes >= GDMA_PAGE_SIZE && bytes <= GDMA_MAX_QUEUE_BYTES &&
           is_power_of_2(bytes);
}

bool gdma_ring_init(GdmaRing *r, uint32_t bytes, uint32_t entry_bytes)
{
    if (!gdma_queue_bytes_ok(bytes)) {
        return false;
    }
    r->entries_log2 = ctz32(bytes / entry_bytes);
    r->tail = gdma_ring_entries(r);     /* the first lap's owner is 1 */
    r->armed = true;
    return true;
}

bool gdma_ring_valid(const GdmaRing *r, uint32_t bytes, uint32_t entry_bytes)
{
    return gdma_queue_bytes_ok(bytes) &&
           r->entries_log2 == ctz32(bytes / entry_bytes) &&
           r->tail < gdma_ring_entries(r) << GDMA_OWNER_BITS;
}

bool gdma_ring_doorbell(GdmaRing *r, uint32_t tail, bool arm)
{
    uint32_t laps = gdma_ring_entries(r) << GDMA_OWNER_BITS;
    uint32_t unseen = (r->tail - tail) & (laps - 1);

    r->armed = arm && unseen == 0;
    /* more than a lap unseen is an overrun: silence, as OpenVMM has seen */
    return arm && unseen != 0 && unseen <= gdma_ring_entries(r);
}

bool gdma_wq_init(GdmaWqRing *w, uint32_t bytes)
{
    if (!gdma_queue_bytes_ok(bytes)) {
        return false;
    }
    w->bytes = bytes;
    w->head = 0;
    w->tail = 0;
    return true;
}

bool gdma_wq_valid(const GdmaWqRing *w)
{
    return gdma_queue_bytes_ok(w->bytes) &&
           w->head % GDMA_WQE_BU_BYTES == 0 &&
           w->tail % GDMA_WQE_BU_BYTES == 0 &&
           gdma_wq_posted_bytes(w) <= w->bytes;
}

bool gdma_wq_doorbell(GdmaWqRing *w, uint32_t tail)
{
    uint32_t posted = tail - w->head;

    if (tail % GDMA_WQE_BU_BYTES || posted > w->bytes ||
        posted < gdma_wq_posted_bytes(w)) {
        return false;
    }
    w->tail = tail;
    return true;
}

static uint32_t gdma_wqe_oob_bytes(uint32_t code)
{
    switch (code) {
    case 0:
    case GDMA_WQE_OOB_8:
        return 8;
    case GDMA_WQE_OOB_24:
        return 24;
    case GDMA_WQE_OOB_32:
        return 32;
    default:
        return 0;
    }
}

/* SGEs are aligned to their size */
static uint32_t gdma_wqe_sgl_offset(uint32_t oob_bytes)
{
    return ROUND_UP(sizeof(GdmaWqeHeaderWire) + oob_bytes,
                    sizeof(GdmaSgeWire));
}

uint32_t gdma_wqe_bytes(const GdmaWqeHeaderWire *hdr, uint32_t max_bytes)
{
    uint32_t params = le32_to_cpu(hdr->params);
    uint32_t oob_bytes =
        gdma_wqe_oob_bytes(FIELD_EX32(params, GDMA_WQE_PARAMS, OOB_SIZE));
    uint32_t bytes = gdma_wqe_sgl_offset(oob_bytes) +
        FIELD_EX32(params, GDMA_WQE_PARAMS, SGE_COUNT) * sizeof(GdmaSgeWire);

    bytes = ROUND_UP(bytes, GDMA_WQE_BU_BYTES);
    return oob_bytes && bytes <= MIN(max_bytes, GDMA_MAX_SQE_BYTES) ? bytes : 0;
}

bool gdma_wqe_parse(GdmaWqe *wqe, const uint8_t *buf, uint32_t have_bytes,
                    uint32_t max_bytes)
{
    GdmaWqeHeaderWire hdr;
    uint32_t params;
    uint64_t total = 0;

    if (have_bytes < sizeof(hdr)) {
        return false;
    }
    memcpy(&hdr, buf, sizeof(hdr));
    wqe->bytes = gdma_wqe_bytes(&hdr, max_bytes);
    if (!wqe->bytes || wqe->bytes > have_bytes) {
        return false;
    }
    params = le32_to_cpu(hdr.params);
    wqe->oob_bytes =
        gdma_wqe_oob_bytes(FIELD_EX32(params, GDMA_WQE_PARAMS, OOB_SIZE));
    wqe->sge_count = FIELD_EX32(params, GDMA_WQE_PARAMS, SGE_COUNT);
    wqe->oob_in_sgl = FIELD_EX32(params, GDMA_WQE_PARAMS, OOB_IN_SGL);
    wqe->client_data_unit =
        FIELD_EX32(params, GDMA_WQE_PARAMS, CLIENT_DATA_UNIT);
    memset(wqe->oob, 0, sizeof(wqe->oob));
    memcpy(wqe->oob, buf + sizeof(hdr), wqe->oob_bytes);

    buf += gdma_wqe_sgl_offset(wqe->oob_bytes);
    for (int i = 0; i < wqe->sge_count; i++, buf += sizeof(GdmaSgeWire)) {
        GdmaSge *sge = &wqe->sges[i];

        sge->address = ldq_le_p(buf + offsetof(GdmaSgeWire, address));
        sge->mem_key = ldl_le_p(buf + offsetof(GdmaSgeWire, mem_key));
        sge->bytes = ldl_le_p(buf + offsetof(GdmaSgeWire, bytes));
        total += sge->bytes;
        if (sge->address + sge->bytes < sge->address) {
            return false;
        }
    }
    wqe->total_bytes = total;
    return total <= INT32_MAX;
}

GdmaStatus gdma_region_init(GdmaRegion *r, uint64_t bytes, uint32_t offset,
                            uint32_t page_type, uint32_t page_count)
{
    GdmaRegion region = {
        .bytes = bytes,
        .offset = offset,
        .page_shift = GDMA_PAGE_SHIFT + MIN(page_type, GDMA_MAX_PAGE_TYPE),
        .page_count = page_count,
    };

    if (page_type > GDMA_MAX_PAGE_TYPE || !page_count || !bytes) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    if (page_count > GDMA_MAX_REGION_PAGES) {
        return GDMA_STATUS_NO_RESOURCES;
    }
    if (!gdma_region_valid(&region)) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    region.pages = g_new0(uint64_t, page_count);
    *r = region;
    return GDMA_STATUS_SUCCESS;
}

GdmaStatus gdma_region_add(GdmaRegion *r, const void *pages, uint32_t count)
{
    uint64_t low = (1ull << r->page_shift) - 1;

    if (count > r->page_count - r->have_count) {
        return GDMA_STATUS_INVALID_PARAMETER;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t gpa = ldq_le_p((const uint8_t *)pages + i * sizeof(gpa));

        if ((gpa & low) || gpa + low < gpa) {
            return GDMA_STATUS_INVALID_PARAMETER;
        }
        r->pages[r->have_count + i] = gpa;
    }
    r->have_count += count;
    return gdma_region_is_complete(r) ? GDMA_STATUS_SUCCESS
                                      : GDMA_STATUS_MORE_ENTRIES;
}

void gdma_region_free(GdmaRegion *r)
{
    g_free(r->pages);
    memset(r, 0, sizeof(*r));
}

bool gdma_region_valid(const GdmaRegion *r)
{
    uint64_t room;

    if (r->page_shift < GDMA_PAGE_SHIFT ||
        r->page_shift > GDMA_PAGE_SHIFT + GDMA_MAX_PAGE_TYPE ||
        r->page_count > GDMA_MAX_REGION_PAGES ||
        r->have_count > r->page_count) {
        return false;
    }
    room = (uint64_t)r->page_count << r->page_shift;
    for (uint32_t i = 0; i < r->have_count; i++) {
        uint64_t low = (1ull << r->page_shift) - 1;

        if ((r->pages[i] & low) || r->pages[i] + low < r->pages[i]) {
            return false;
        }
    }
    return r->offset < 1ull << r->page_shift && r->offset < room &&
           r->bytes && r->bytes <= room - r->offset;
}

uint64_t gdma_region_address(const GdmaRegion *r, uint64_t at, uint64_t want,
                             uint64_t *bytes)
{
    uint64_t page_bytes = 1ull << r->page_shift;
    uint64_t pos = at + r->offset;
    uint32_t i = pos >> r->page_shift;
    uint64_t in_page = pos & (page_bytes - 1);
    uint64_t gpa = r->pages[i] + in_page;
    uint64_t run = page_bytes - in_page;

    while (run < want && r->pages[i] + page_bytes == r->pages[i + 1]) {
        run += page_bytes;
        i++;
    }
    *bytes = MIN(run, want);
    return gpa;
}

static uint64_t gdma_shm_gpa(const uint8_t *low, uint32_t high)
{
    uint64_t gpn = (uint32_t)ldl_le_p(low) |
                   (uint64_t)lduw_le_p(low + 4) << 32 |
                   (uint64_t)(high & 0xf) << 48;

    return gpn << GDMA_PAGE_SHIFT;
}

void gdma_shm_parse_establish(GdmaShmEstablish *est, const uint32_t *dwords)
{
    GdmaShmEstablishWire wire;
    uint32_t high;

    for (int i = 0; i < GDMA_SHM_DWORDS; i++) {
        stl_le_p((uint8_t *)&wire + i * 4, dwords[i]);
    }
    high = le16_to_cpu(wire.high);
    est->eq_gpa = gdma_shm_gpa(wire.eq_gpn, high);
    est->cq_gpa = gdma_shm_gpa(wire.cq_gpn, high >> 4);
    est->rq_gpa = gdma_shm_gpa(wire.rq_gpn, high >> 8);
    est->sq_gpa = gdma_shm_gpa(wire.sq_gpn, high >> 12);
    est->msix = le16_to_cpu(wire.msix);
}
