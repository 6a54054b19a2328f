/*
 * A guest's VMBus driver for qtests: channels and rings
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "vmbus-client.h"

HvbusRingHeaderWire *vmbus_ring_header(VmbusChannel *ch, VmbusRing *ring)
{
    return hv_guest_ptr(ch->c->g, ring->gpa);
}

uint8_t *vmbus_ring_data(VmbusChannel *ch, VmbusRing *ring)
{
    return hv_guest_ptr(ch->c->g, ring->gpa + HV_PAGE_SIZE);
}

VmbusChannel *vmbus_channel_new(VmbusClient *c, VmbusOffer *offer,
                                unsigned pages)
{
    VmbusChannel *ch = g_new0(VmbusChannel, 1);

    ch->c = c;
    ch->offer = offer;
    ch->pages = pages;
    ch->ring_gpa = hv_guest_alloc(c->g, 2 * pages);
    ch->out.gpa = ch->ring_gpa;
    ch->in.gpa = ch->ring_gpa + (uint64_t)pages * HV_PAGE_SIZE;
    ch->out.data_bytes = ch->in.data_bytes = (pages - 1) * HV_PAGE_SIZE;
    ch->gpadl_id = vmbus_gpadl_create(c, offer->relid, ch->ring_gpa,
                                      2 * pages);
    /* as Linux: after the GPADL, before the open */
    vmbus_ring_header(ch, &ch->out)->feature_bits =
        cpu_to_le32(HVBUS_RING_FEATURE_PENDING_SEND);
    vmbus_ring_header(ch, &ch->in)->feature_bits =
        cpu_to_le32(HVBUS_RING_FEATURE_PENDING_SEND);
    return ch;
}

uint32_t vmbus_channel_try_open(VmbusChannel *ch, unsigned target_vp)
{
    HvbusOpenWire msg = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_OPENCHANNEL),
        .relid = cpu_to_le32(ch->offer->relid),
        .open_id = cpu_to_le32(ch->offer->relid),
        .ring_gpadl_id = cpu_to_le32(ch->gpadl_id),
        .target_vp = cpu_to_le32(target_vp),
        .downstream_page_idx = cpu_to_le32(ch->pages),
    };
    VmbusMessage answer;

    ch->target_vp = target_vp;
    g_assert_cmphex(vmbus_post(ch->c, &msg, sizeof(msg)), ==, HV_STATUS_OK);
    answer = vmbus_expect(ch->c, HVBUS_MSG_OPENCHANNEL_RESULT);
    g_assert_cmpuint(le32_to_cpu(answer.open_result.relid), ==,
                     ch->offer->relid);
    g_assert_cmpuint(le32_to_cpu(answer.open_result.open_id), ==,
                     ch->offer->relid);
    return le32_to_cpu(answer.open_result.status);
}

VmbusChannel *vmbus_channel_open(VmbusClient *c, VmbusOffer *offer,
                                 unsigned pages, unsigned target_vp)
{
    VmbusChannel *ch = vmbus_channel_new(c, offer, pages);

    g_assert_cmphex(vmbus_channel_try_open(ch, target_vp), ==, HVBUS_STATUS_OK);
    return ch;
}

void vmbus_channel_close(VmbusChannel *ch)
{
    vmbus_post_relid(ch->c, HVBUS_MSG_CLOSECHANNEL, ch->offer->relid);
    vmbus_gpadl_teardown(ch->c, ch->offer->relid, ch->gpadl_id);
    g_free(ch);
}

void vmbus_channel_forget(VmbusChannel *ch)
{
    g_free(ch);
}

static uint32_t vmbus_ring_free_bytes(VmbusChannel *ch, VmbusRing *ring)
{
    HvbusRingHeaderWire *hdr = vmbus_ring_header(ch, ring);
    uint32_t r = le32_to_cpu(qatomic_load_acquire(&hdr->read_index));
    uint32_t w = le32_to_cpu(qatomic_load_acquire(&hdr->write_index));

    g_assert_cmphex(r, <, ring->data_bytes);
    g_assert_cmphex(w, <, ring->data_bytes);
    return w >= r ? ring->data_bytes - (w - r) : r - w;
}

void vmbus_channel_signal(VmbusChannel *ch)
{
    ch->signals++;
    g_assert_cmphex(hv_guest_signal(ch->c->g, ch->target_vp,
                                    ch->offer->conn_id, 0), ==, HV_STATUS_OK);
}

static uint32_t vmbus_ring_copy_in(VmbusChannel *ch, uint32_t at,
                                   const void *data, uint32_t bytes)
{
    const uint8_t *from = data;

    for (uint32_t i = 0; i < bytes; i++) {
        vmbus_ring_data(ch, &ch->out)[at] = from[i];
        at = (at + 1) % ch->out.data_bytes;
    }
    return at;
}

void vmbus_channel_push_raw(VmbusChannel *ch, const void *data, uint32_t bytes)
{
    HvbusRingHeaderWire *hdr = vmbus_ring_header(ch, &ch->out);
    uint32_t at = le32_to_cpu(hdr->write_index);

    at = vmbus_ring_copy_in(ch, at, data, bytes);
    qatomic_store_release(&hdr->write_index, cpu_to_le32(at));
    /* write index before the caller looks whether the host sleeps */
    smp_mb();
}

bool vmbus_channel_push(VmbusChannel *ch, uint16_t type, uint16_t flags,
                        uint64_t trans_id, const void *desc,
                        uint32_t desc_bytes, const void *msg,
                        uint32_t msg_bytes)
{
    uint32_t head_bytes = sizeof(HvbusPacketWire) + desc_bytes;
    uint32_t total_bytes = ROUND_UP(head_bytes + msg_bytes, 8);
    HvbusPacketWire pkt = {
        .type = cpu_to_le16(type),
        .offset_qwords = cpu_to_le16(head_bytes / 8),
        .total_qwords = cpu_to_le16(total_bytes / 8),
        .flags = cpu_to_le16(flags),
        .trans_id = cpu_to_le64(trans_id),
    };
    HvbusRingHeaderWire *hdr = vmbus_ring_header(ch, &ch->out);
    uint32_t start = le32_to_cpu(hdr->write_index);
    g_autofree uint8_t *buf = g_malloc0(total_bytes + HVBUS_PKT_TRAILER_BYTES);

    g_assert_cmpuint(head_bytes % 8, ==, 0);
    if (vmbus_ring_free_bytes(ch, &ch->out) <=
        total_bytes + HVBUS_PKT_TRAILER_BYTES) {
        return false;
    }
    memcpy(buf, &pkt, sizeof(pkt));
    if (desc_bytes) {
        memcpy(buf + sizeof(pkt), desc, desc_bytes);
    }
    memcpy(buf + head_bytes, msg, msg_bytes);
    stq_le_p(buf + total_bytes, (uint64_t)start << 32);
    vmbus_channel_push_raw(ch, buf, total_bytes + HVBUS_PKT_TRAILER_BYTES);
    return true;
}

void vmbus_channel_send(VmbusChannel *ch, uint16_t type, uint16_t flags,
                        uint64_t trans_id, const void *desc,
                        uint32_t desc_bytes, const void *msg,
                        uint32_t msg_bytes)
{
    HvbusRingHeaderWire *hdr = vmbus_ring_header(ch, &ch->out);
    uint32_t old = hdr->write_index;

    g_assert(vmbus_channel_push(ch, type, flags, trans_id, desc, desc_bytes,
                                msg, msg_bytes));
    /* Linux hv_signal_on_write(): mask clear, and the ring was empty */
    if (!qatomic_read(&hdr->interrupt_mask) &&
        qatomic_read(&hdr->read_index) == old) {
        vmbus_channel_signal(ch);
    }
}

static void vmbus_ring_copy_out(VmbusChannel *ch, uint32_t at, void *data,
                                uint32_t bytes)
{
    uint8_t *to = data;

    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = vmbus_ring_data(ch, &ch->in)[(at + i) % ch->in.data_bytes];
    }
}

bool vmbus_channel_poll(VmbusChannel *ch, VmbusPacket *pkt)
{
    HvbusRingHeaderWire *hdr = vmbus_ring_header(ch, &ch->in);
    uint32_t r = le32_to_cpu(hdr->read_index);
    uint32_t w = le32_to_cpu(qatomic_load_acquire(&hdr->write_index));
    uint32_t head_bytes, total_bytes, pending, old_free;
    HvbusPacketWire wire;

    g_assert_cmphex(w, <, ch->in.data_bytes);
    g_assert_cmphex(w % 8, ==, 0);
    if (r == w) {
        return false;
    }
    old_free = vmbus_ring_free_bytes(ch, &ch->in);
    vmbus_ring_copy_out(ch, r, &wire, sizeof(wire));
    head_bytes = le16_to_cpu(wire.offset_qwords) * 8;
    total_bytes = le16_to_cpu(wire.total_qwords) * 8;
    g_assert_cmpuint(head_bytes, >=, sizeof(wire));
    g_assert_cmpuint(total_bytes, >=, head_bytes);
    g_assert_cmpuint(total_bytes + HVBUS_PKT_TRAILER_BYTES, <=,
                     ch->in.data_bytes - old_free);
    pkt->type = le16_to_cpu(wire.type);
    pkt->flags = le16_to_cpu(wire.flags);
    pkt->trans_id = le64_to_cpu(wire.trans_id);
    pkt->msg_bytes = total_bytes - head_bytes;
    g_assert_cmpuint(pkt->msg_bytes, <=, sizeof(pkt->msg));
    vmbus_ring_copy_out(ch, (r + head_bytes) % ch->in.data_bytes, pkt->msg,
                        pkt->msg_bytes);
    pkt->desc_bytes = head_bytes - sizeof(wire);
    g_assert_cmpuint(pkt->desc_bytes, <=, sizeof(pkt->desc));
    vmbus_ring_copy_out(ch, (r + sizeof(wire)) % ch->in.data_bytes, pkt->desc,
                        pkt->desc_bytes);
    r = (r + total_bytes + HVBUS_PKT_TRAILER_BYTES) % ch->in.data_bytes;
    qatomic_store_release(&hdr->read_index, cpu_to_le32(r));
    /* read index before pending_send_bytes: pair of the host's [A] */
    smp_mb();
    /* Linux hv_pkt_iter_close(): the host waits for room and there is enough */
    pending = le32_to_cpu(qatomic_read(&hdr->pending_send_bytes));
    if (pending && old_free <= pending &&
        vmbus_ring_free_bytes(ch, &ch->in) > pending) {
        vmbus_channel_signal(ch);
    }
    return true;
}

bool vmbus_channel_wait(VmbusChannel *ch, VmbusPacket *pkt, int64_t timeout_us)
{
    int64_t end = g_get_monotonic_time() + timeout_us;

    while (!vmbus_channel_poll(ch, pkt)) {
        if (g_get_monotonic_time() > end) {
            return false;
        }
        hv_guest_step(ch->c->g, 0);
    }
    return true;
}
