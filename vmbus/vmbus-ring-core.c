/*
 * VMBus: ring arithmetic and packet parsing, on values copied from the guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "vmbus-ring-core.h"

uint32_t hvbus_packet_ring_bytes(uint32_t desc_bytes, uint32_t msg_bytes)
{
    uint64_t total = sizeof(HvbusPacketWire) +
                     ROUND_UP((uint64_t)desc_bytes, 8) +
                     ROUND_UP((uint64_t)msg_bytes, 8);

    return total > HVBUS_PKT_MAX_BYTES ? 0 : total + HVBUS_PKT_TRAILER_BYTES;
}

void hvbus_packet_build(HvbusPacketWire *wire, uint16_t type, uint16_t flags,
                        uint64_t trans_id, uint32_t desc_bytes,
                        uint32_t msg_bytes)
{
    uint32_t offset = sizeof(*wire) + ROUND_UP(desc_bytes, 8);

    wire->type = cpu_to_le16(type);
    wire->offset_qwords = cpu_to_le16(offset / 8);
    wire->total_qwords = cpu_to_le16((offset + ROUND_UP(msg_bytes, 8)) / 8);
    wire->flags = cpu_to_le16(flags);
    wire->trans_id = cpu_to_le64(trans_id);
}

bool hvbus_packet_parse(const HvbusPacketWire *wire, uint32_t used_bytes,
                        uint32_t max_bytes, HvbusPacketInfo *info,
                        const char **why)
{
    uint32_t offset = le16_to_cpu(wire->offset_qwords) * 8u;
    uint32_t total = le16_to_cpu(wire->total_qwords) * 8u;

    if (total < sizeof(*wire)) {
        *why = "packet is shorter than its descriptor";
        return false;
    }
    if (total > max_bytes) {
        *why = "packet is longer than the device takes";
        return false;
    }
    if (total + HVBUS_PKT_TRAILER_BYTES > used_bytes) {
        *why = "packet ends behind the write index";
        return false;
    }
    if (offset < sizeof(*wire) || offset > total) {
        *why = "message starts outside of its packet";
        return false;
    }
    info->type = le16_to_cpu(wire->type);
    info->flags = le16_to_cpu(wire->flags);
    info->trans_id = le64_to_cpu(wire->trans_id);
    info->desc_bytes = offset - sizeof(*wire);
    info->msg_bytes = total - offset;
    info->ring_bytes = total + HVBUS_PKT_TRAILER_BYTES;
    return true;
}

bool hvbus_ranges_begin(HvbusRangeIter *it, const uint8_t *desc,
                        uint32_t desc_bytes)
{
    const uint32_t head = sizeof(HvbusGpaDirectWire);

    memset(it, 0, sizeof(*it));
    if (desc_bytes < head) {
        return false;
    }
    it->pos = desc + head;
    it->left = desc_bytes - head;
    it->ranges_left = ldl_le_p(desc + offsetof(HvbusGpaDirectWire,
                                               range_count));
    return true;
}

static void hvbus_ranges_skip(HvbusRangeIter *it, uint32_t bytes)
{
    it->pos += bytes;
    it->left -= bytes;
}

/* Go to the next range that has bytes; 1, 0 or -1 as hvbus_ranges_next() */
static int hvbus_ranges_enter(HvbusRangeIter *it)
{
    const uint32_t head = sizeof(HvbusGpaRangeWire);

    while (!it->bytes_left) {
        uint64_t pages;

        if (!it->ranges_left) {
            return 0;
        }
        if (it->left < head) {
            return -1;
        }
        it->ranges_left--;
        it->bytes_left = ldl_le_p(it->pos);
        it->in_page = ldl_le_p(it->pos + 4);
        hvbus_ranges_skip(it, head);
        if (it->in_page >= HV_PAGE_SIZE) {
            return -1;
        }
        pages = DIV_ROUND_UP((uint64_t)it->in_page + it->bytes_left,
                             HV_PAGE_SIZE);
        if (pages > it->left / sizeof(uint64_t)) {
            return -1;
        }
        if (!it->bytes_left && it->in_page) {
            hvbus_ranges_skip(it, sizeof(uint64_t));
        }
    }
    return 1;
}

int hvbus_ranges_next(HvbusRangeIter *it, uint64_t *gpa, uint64_t *bytes)
{
    uint64_t pfn;
    int r = hvbus_ranges_enter(it);

    if (r <= 0) {
        return r;
    }
    pfn = ldq_le_p(it->pos);
    if (pfn > HVBUS_PFN_MAX) {
        return -1;
    }
    *gpa = (pfn << HV_PAGE_SHIFT) + it->in_page;
    *bytes = 0;
    do {
        uint32_t n = MIN(it->bytes_left, HV_PAGE_SIZE - it->in_page);

        *bytes += n;
        it->bytes_left -= n;
        it->in_page = 0;
        hvbus_ranges_skip(it, sizeof(uint64_t));
        pfn++;
    } while (it->bytes_left && ldq_le_p(it->pos) == pfn &&
             pfn <= HVBUS_PFN_MAX);
    return 1;
}
