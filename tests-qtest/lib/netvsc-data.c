/*
 * A guest's VMBus network driver for qtests: frames
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "netvsc-client.h"

#define HEADER_BYTES_MAX    256
/* Virtual time that goes by when nothing came */
#define PUMP_NS             100000

/* --- to the host --- */

static uint32_t put_ppi(uint8_t *at, uint32_t type, uint32_t val)
{
    stl_le_p(at, sizeof(RndisPpiWire) + 4);
    stl_le_p(at + 4, type);
    stl_le_p(at + 8, sizeof(RndisPpiWire));
    stl_le_p(at + 12, val);
    return sizeof(RndisPpiWire) + 4;
}

uint32_t netvsc_build_header(uint8_t *buf, const NetvscTx *tx)
{
    uint32_t ppi_bytes = 0, head_bytes;
    uint8_t *ppi = buf + RNDIS_PACKET_BYTES;
    RndisPacketWire wire = { 0 };

    /* the order of netvsc_xmit() */
    if (tx->has_hash) {
        ppi_bytes += put_ppi(ppi + ppi_bytes, RNDIS_PPI_HASH_VALUE, tx->hash);
    }
    if (tx->has_vlan) {
        ppi_bytes += put_ppi(ppi + ppi_bytes, RNDIS_PPI_8021Q, tx->vlan);
    }
    if (tx->has_lso) {
        ppi_bytes += put_ppi(ppi + ppi_bytes, RNDIS_PPI_LSO, tx->lso);
    }
    if (tx->has_csum) {
        ppi_bytes += put_ppi(ppi + ppi_bytes, RNDIS_PPI_CHECKSUM, tx->csum);
    }
    head_bytes = RNDIS_PACKET_BYTES + ppi_bytes;
    stl_le_p(buf, RNDIS_MSG_PACKET);
    stl_le_p(buf + 4, head_bytes + tx->bytes);
    wire.data_offset = cpu_to_le32(head_bytes - RNDIS_HEADER_BYTES);
    wire.data_bytes = cpu_to_le32(tx->bytes);
    if (ppi_bytes) {
        wire.ppi_offset = cpu_to_le32(sizeof(wire));
        wire.ppi_bytes = cpu_to_le32(ppi_bytes);
    }
    memcpy(buf + RNDIS_HEADER_BYTES, &wire, sizeof(wire));
    return head_bytes;
}

uint32_t netvsc_build_packet(Netvsc *n, uint8_t *buf, const NetvscTx *tx)
{
    uint32_t head_bytes = netvsc_build_header(buf, tx);
    uint32_t bytes = ROUND_UP(head_bytes + tx->bytes, n->alignment);

    memcpy(buf + head_bytes, tx->frame, tx->bytes);
    memset(buf + head_bytes + tx->bytes, 0, bytes - head_bytes - tx->bytes);
    /* Linux adds the padding to the message's length */
    stl_le_p(buf + 4, bytes);
    return bytes;
}

/* Descriptor of a GPA-direct packet; its bytes */
static uint32_t put_ranges(uint8_t *at, const NetvscRange *ranges,
                           unsigned count)
{
    uint32_t bytes = 8;

    stl_le_p(at, 0);
    stl_le_p(at + 4, count);
    for (unsigned i = 0; i < count; i++) {
        uint32_t offset = ranges[i].gpa % HV_PAGE_SIZE;
        uint32_t pages = DIV_ROUND_UP(offset + ranges[i].bytes, HV_PAGE_SIZE);

        stl_le_p(at + bytes, ranges[i].bytes);
        stl_le_p(at + bytes + 4, offset);
        bytes += 8;
        for (uint32_t p = 0; p < pages; p++, bytes += 8) {
            stq_le_p(at + bytes, (ranges[i].gpa >> HV_PAGE_SHIFT) + p);
        }
    }
    return bytes;
}

uint64_t netvsc_send_raw(Netvsc *n, unsigned channel, uint32_t channel_type,
                         uint32_t section_idx, uint32_t section_bytes,
                         const NetvscRange *ranges, unsigned count)
{
    NvspMessageWire msg = {
        .type = cpu_to_le32(NVSP_MSG_SEND_RNDIS),
        .rndis.channel_type = cpu_to_le32(channel_type),
        .rndis.section_idx = cpu_to_le32(section_idx),
        .rndis.section_bytes = cpu_to_le32(section_bytes),
    };
    HvbusRingHeaderWire *hdr = vmbus_ring_header(n->ch[channel],
                                                 &n->ch[channel]->out);
    uint32_t old = hdr->write_index, desc_bytes = 0, total_pages = 0;
    g_autofree uint8_t *desc = NULL;

    if (count) {
        for (unsigned i = 0; i < count; i++) {
            total_pages += ranges[i].bytes / HV_PAGE_SIZE + 2;
        }
        desc = g_malloc0(8 + 8 * count + 8 * total_pages);
        desc_bytes = put_ranges(desc, ranges, count);
    }
    if (!vmbus_channel_push(n->ch[channel],
                            count ? HVBUS_PKT_GPA_DIRECT : HVBUS_PKT_INBAND,
                            HVBUS_PKT_FLAG_COMPLETION, n->next_trans_id, desc,
                            desc_bytes, &msg, NVSP_MESSAGE_BYTES)) {
        return 0;
    }
    if (!qatomic_read(&hdr->interrupt_mask) &&
        qatomic_read(&hdr->read_index) == old) {
        vmbus_channel_signal(n->ch[channel]);
    }
    return n->next_trans_id++;
}

uint64_t netvsc_send_in_section(Netvsc *n, unsigned channel,
                                const NetvscTx *tx, unsigned count)
{
    uint32_t idx = n->next_section, at = 0;
    uint8_t *section = hv_guest_ptr(n->c->g, n->send_gpa +
                                    (uint64_t)idx * n->send_section_bytes);
    uint64_t id;

    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpuint(at + HEADER_BYTES_MAX + tx[i].bytes, <=,
                         n->send_section_bytes + HEADER_BYTES_MAX);
        at += netvsc_build_packet(n, section + at, &tx[i]);
        g_assert_cmpuint(at, <=, n->send_section_bytes);
    }
    id = netvsc_send_raw(n, channel, NVSP_CHANNEL_DATA, idx, at, NULL, 0);
    if (id) {
        n->next_section = (idx + 1) % n->send_sections;
    }
    return id;
}

uint64_t netvsc_send_in_ranges(Netvsc *n, unsigned channel, const NetvscTx *tx,
                               const NetvscRange *ranges, unsigned count)
{
    NetvscRange all[NETVSC_MAX_RANGES];
    uint64_t page = hv_guest_alloc(n->c->g, 1);

    g_assert_cmpuint(count, <, NETVSC_MAX_RANGES);
    all[0].gpa = page + 16;
    all[0].bytes = netvsc_build_header(hv_guest_ptr(n->c->g, all[0].gpa), tx);
    memcpy(all + 1, ranges, count * sizeof(ranges[0]));
    return netvsc_send_raw(n, channel, NVSP_CHANNEL_DATA, NVSP_NO_SECTION, 0,
                           all, count + 1);
}

uint64_t netvsc_send_partial(Netvsc *n, unsigned channel, const NetvscTx *tx,
                             const NetvscRange *ranges, unsigned count)
{
    uint32_t idx = n->next_section;
    uint8_t *section = hv_guest_ptr(n->c->g, n->send_gpa +
                                    (uint64_t)idx * n->send_section_bytes);
    uint32_t bytes = netvsc_build_header(section, tx);

    n->next_section = (idx + 1) % n->send_sections;
    return netvsc_send_raw(n, channel, NVSP_CHANNEL_DATA, idx, bytes, ranges,
                           count);
}

bool netvsc_is_sent(Netvsc *n, uint64_t trans_id)
{
    netvsc_pump(n);
    return g_hash_table_contains(n->done, &trans_id);
}

uint32_t netvsc_expect_sent(Netvsc *n, uint64_t trans_id)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;
    NvspMessageWire *answer;
    uint32_t status;

    g_assert_cmphex(trans_id, !=, 0);
    while (!netvsc_is_sent(n, trans_id)) {
        if (g_get_monotonic_time() > end) {
            g_error("packet 0x%" PRIx64 " was not completed", trans_id);
        }
        hv_guest_step(n->c->g, 0);
    }
    answer = g_hash_table_lookup(n->done, &trans_id);
    g_assert_cmpuint(le32_to_cpu(answer->type), ==,
                     NVSP_MSG_SEND_RNDIS_COMPLETE);
    status = le32_to_cpu(answer->rndis_status);
    g_hash_table_remove(n->done, &trans_id);
    return status;
}

void netvsc_send_from(Netvsc *n, uint64_t gpa, const NetvscTx *tx)
{
    NetvscRange range = { gpa, tx->bytes };

    memcpy(hv_guest_ptr(n->c->g, gpa), tx->frame, tx->bytes);
    g_assert_cmpuint(netvsc_expect_sent(n, netvsc_send_in_ranges(n, 0, tx,
                                                                 &range, 1)),
                     ==, NVSP_STATUS_SUCCESS);
}

void netvsc_send_frame(Netvsc *n, const void *frame, uint32_t bytes)
{
    NetvscTx tx = { .frame = frame, .bytes = bytes };

    g_assert_cmpuint(netvsc_expect_sent(n, netvsc_send_in_section(n, 0, &tx,
                                                                  1)),
                     ==, NVSP_STATUS_SUCCESS);
}

/* --- from the host --- */

static void take_ppis(NetvscFrame *f, const uint8_t *ppi, uint32_t bytes,
                      uint32_t *packet_id)
{
    while (bytes) {
        uint32_t size, type, offset, val;

        g_assert_cmpuint(bytes, >=, sizeof(RndisPpiWire));
        size = ldl_le_p(ppi);
        type = ldl_le_p(ppi + 4);
        offset = ldl_le_p(ppi + 8);
        /* Linux 7.3 would never come out of rndis_get_ppi() */
        g_assert_cmpuint(size, <=, bytes);
        g_assert_cmpuint(offset, >=, sizeof(RndisPpiWire));
        g_assert_cmpuint(offset + 4, <=, size);
        g_assert_cmpuint(size % 4, ==, 0);
        val = ldl_le_p(ppi + offset);
        switch (type) {
        case RNDIS_PPI_CHECKSUM:
            f->has_csum = true;
            f->csum = val;
            break;
        case RNDIS_PPI_8021Q:
            f->has_vlan = true;
            f->vlan = val;
            break;
        case RNDIS_PPI_HASH_VALUE:
            f->has_hash = true;
            f->hash = val;
            break;
        case RNDIS_PPI_PACKET_ID:
            *packet_id = val;
            break;
        default:
            g_error("PPI of type 0x%x", type);
        }
        ppi += size;
        bytes -= size;
    }
}

static void take_frame(Netvsc *n, unsigned channel, const uint8_t *msg,
                       uint32_t bytes)
{
    RndisPacketWire wire;
    uint32_t data_offset, data_bytes, ppi_offset, ppi_bytes, id = 0;
    NetvscFrame *f = n->partial ?: g_new0(NetvscFrame, 1);
    uint32_t flags;

    g_assert_cmpuint(bytes, >=, RNDIS_PACKET_BYTES);
    memcpy(&wire, msg + RNDIS_HEADER_BYTES, sizeof(wire));
    data_offset = le32_to_cpu(wire.data_offset);
    data_bytes = le32_to_cpu(wire.data_bytes);
    ppi_offset = le32_to_cpu(wire.ppi_offset);
    ppi_bytes = le32_to_cpu(wire.ppi_bytes);
    /* the checks of rndis_filter_receive_data() */
    g_assert_cmpuint(data_offset, >=, sizeof(wire));
    g_assert_cmpuint(RNDIS_HEADER_BYTES + (uint64_t)data_offset + data_bytes,
                     <=, bytes);
    g_assert_cmpuint(wire.oob_bytes, ==, 0);
    if (ppi_bytes) {
        g_assert_cmpuint(ppi_offset, >=, sizeof(wire));
        g_assert_cmpuint((uint64_t)ppi_offset + ppi_bytes, <=, data_offset);
        take_ppis(f, msg + RNDIS_HEADER_BYTES + ppi_offset, ppi_bytes, &id);
    }
    g_assert_cmpuint(f->bytes + data_bytes, <=, sizeof(f->data));
    memcpy(f->data + f->bytes, msg + RNDIS_HEADER_BYTES + data_offset,
           data_bytes);
    f->bytes += data_bytes;
    f->pieces++;
    f->channel = channel;
    n->partial = NULL;
    flags = (id >> 8) & 0xff;
    if (id && (flags & RNDIS_PACKET_ID_MULTI) &&
        !(flags & RNDIS_PACKET_ID_LAST)) {
        n->partial = f;
        return;
    }
    g_queue_push_tail(n->frames, f);
}

static void take_rndis(Netvsc *n, unsigned channel, uint32_t channel_type,
                       const uint8_t *msg, uint32_t bytes)
{
    uint32_t type, msg_bytes, status;

    g_assert_cmpuint(bytes, >=, RNDIS_HEADER_BYTES);
    type = ldl_le_p(msg);
    msg_bytes = ldl_le_p(msg + 4);
    g_assert_cmpuint(msg_bytes, <=, bytes);
    if (type == RNDIS_MSG_PACKET) {
        g_assert_cmpuint(channel_type, ==, NVSP_CHANNEL_DATA);
        take_frame(n, channel, msg, msg_bytes);
        return;
    }
    /* answers and indications belong to the primary channel */
    g_assert_cmpuint(channel, ==, 0);
    g_assert_cmpuint(channel_type, ==, NVSP_CHANNEL_CONTROL);
    if (type == RNDIS_MSG_INDICATE) {
        g_assert_cmpuint(msg_bytes, >=,
                         RNDIS_HEADER_BYTES + sizeof(RndisIndicateWire));
        status = ldl_le_p(msg + RNDIS_HEADER_BYTES);
        g_array_append_val(n->indications, status);
        return;
    }
    g_assert_cmphex(type & RNDIS_MSG_COMPLETION, !=, 0);
    g_assert_cmpuint(msg_bytes, >=, RNDIS_HEADER_BYTES + 4);
    g_queue_push_tail(n->control,
                      g_byte_array_append(g_byte_array_new(), msg, msg_bytes));
}

static void return_held(Netvsc *n, NetvscHeld *held)
{
    NvspMessageWire msg = {
        .type = cpu_to_le32(NVSP_MSG_SEND_RNDIS_COMPLETE),
        .rndis_status = cpu_to_le32(NVSP_STATUS_SUCCESS),
    };

    for (unsigned i = 0; i < held->ranges; i++) {
        n->recv_busy[held->section[i]] = 0;
    }
    g_assert(g_hash_table_remove(n->rx_ids, &held->trans_id));
    vmbus_channel_send(n->ch[held->channel], HVBUS_PKT_COMPLETION, 0,
                       held->trans_id, NULL, 0, &msg,
                       NVSP_RNDIS_COMPLETE_BYTES);
    g_free(held);
}

void netvsc_return_one(Netvsc *n)
{
    NetvscHeld *held = g_queue_pop_head(n->held);

    if (held) {
        return_held(n, held);
    }
}

void netvsc_return_all(Netvsc *n)
{
    while (!g_queue_is_empty(n->held)) {
        netvsc_return_one(n);
    }
}

static void take_range(Netvsc *n, NetvscHeld *held, uint32_t channel_type,
                       uint32_t bytes, uint32_t offset)
{
    uint32_t section = offset / n->recv_section_bytes;
    g_autofree uint8_t *copy = NULL;

    g_assert_cmpuint(section, <, n->recv_sections);
    g_assert_cmpuint((uint64_t)offset + bytes, <=,
                     (uint64_t)(section + 1) * n->recv_section_bytes);
    /* "Packet too big" in Linux */
    g_assert_cmpuint(bytes, <=, n->recv_section_bytes);
    /* not while the guest has it */
    g_assert_cmpuint(n->recv_busy[section], ==, 0);
    n->recv_busy[section] = 1;
    held->section[held->ranges++] = section;
    copy = g_memdup2(hv_guest_ptr(n->c->g, n->recv_gpa + offset), bytes);
    take_rndis(n, held->channel, channel_type, copy, bytes);
}

static void take_xfer_pages(Netvsc *n, unsigned channel,
                            const VmbusPacket *pkt)
{
    NetvscHeld *held = g_new0(NetvscHeld, 1);
    NvspMessageWire msg = { 0 };
    uint32_t count;
    uint64_t *key;

    g_assert_cmpuint(pkt->msg_bytes, >=, 4 + sizeof(NvspRndisWire));
    memcpy(&msg, pkt->msg, MIN(pkt->msg_bytes, sizeof(msg)));
    g_assert_cmpuint(le32_to_cpu(msg.type), ==, NVSP_MSG_SEND_RNDIS);
    g_assert_cmpuint(pkt->desc_bytes, >=, 8);
    g_assert_cmphex(lduw_le_p(pkt->desc), ==, NVSP_RECV_BUFFER_ID);
    count = ldl_le_p(pkt->desc + 4);
    g_assert_cmpuint(count, >=, 1);
    g_assert_cmpuint(count, <=, NVSP_MAX_XFER_RANGES);
    g_assert_cmpuint(8 + 8 * count, <=, pkt->desc_bytes);
    g_assert_cmphex(pkt->flags & HVBUS_PKT_FLAG_COMPLETION, !=, 0);
    /* one at a time: the id is how it is given back */
    g_assert(!g_hash_table_contains(n->rx_ids, &pkt->trans_id));
    key = g_new(uint64_t, 1);
    *key = pkt->trans_id;
    g_hash_table_add(n->rx_ids, key);
    /* more would overrun the ring of completions in Linux */
    g_assert_cmpuint(g_hash_table_size(n->rx_ids), <=, n->recv_sections);
    held->channel = channel;
    held->trans_id = pkt->trans_id;
    n->rx_packets++;
    for (uint32_t i = 0; i < count; i++) {
        take_range(n, held, le32_to_cpu(msg.rndis.channel_type),
                   ldl_le_p(pkt->desc + 8 + 8 * i),
                   ldl_le_p(pkt->desc + 12 + 8 * i));
    }
    /* a piece of a frame does not wait for the next packet */
    g_assert_null(n->partial);
    g_queue_push_tail(n->held, held);
}

static void take_inband(Netvsc *n, unsigned channel, const VmbusPacket *pkt)
{
    NvspMessageWire msg = { 0 };
    uint32_t offset;

    g_assert_cmpuint(channel, ==, 0);
    memcpy(&msg, pkt->msg, MIN(pkt->msg_bytes, sizeof(msg)));
    switch (le32_to_cpu(msg.type)) {
    case NVSP_MSG_SEND_INDIRECTION_TABLE:
        offset = le32_to_cpu(msg.indirection.offset);
        g_assert_cmpuint(le32_to_cpu(msg.indirection.count), ==,
                         NVSP_SEND_TABLE_ENTRIES);
        g_assert_cmpuint(offset + sizeof(n->table), <=, pkt->msg_bytes);
        for (unsigned i = 0; i < NVSP_SEND_TABLE_ENTRIES; i++) {
            n->table[i] = ldl_le_p(pkt->msg + offset + 4 * i);
        }
        n->tables++;
        break;
    case NVSP_MSG_SEND_VF_ASSOCIATION:
        n->vf_allocated = le32_to_cpu(msg.vf_association.allocated);
        n->vf_serial = le32_to_cpu(msg.vf_association.serial);
        n->vf_messages++;
        break;
    default:
        g_error("in-band message of type %u", le32_to_cpu(msg.type));
    }
}

static void take_completion(Netvsc *n, const VmbusPacket *pkt)
{
    NvspMessageWire *msg = g_new0(NvspMessageWire, 1);
    uint64_t *key = g_new(uint64_t, 1);

    /* once and only once */
    g_assert(!g_hash_table_contains(n->done, &pkt->trans_id));
    memcpy(msg, pkt->msg, MIN(pkt->msg_bytes, sizeof(*msg)));
    /* Linux 6.1 drops a shorter SEND_SEND_BUF_COMPLETE, and its probe hangs */
    g_assert(pkt->msg_bytes >= NVSP_MESSAGE_BYTES || pkt->msg_bytes == 0 ||
             le32_to_cpu(msg->type) == NVSP_MSG_SEND_RNDIS_COMPLETE);
    *key = pkt->trans_id;
    g_hash_table_insert(n->done, key, msg);
}

void netvsc_pump(Netvsc *n)
{
    bool came = false;
    VmbusPacket pkt;

    for (unsigned i = 0; i < n->channels; i++) {
        while (vmbus_channel_poll(n->ch[i], &pkt)) {
            came = true;
            switch (pkt.type) {
            case HVBUS_PKT_COMPLETION:
                take_completion(n, &pkt);
                break;
            case HVBUS_PKT_XFER_PAGES:
                take_xfer_pages(n, i, &pkt);
                break;
            case HVBUS_PKT_INBAND:
                take_inband(n, i, &pkt);
                break;
            default:
                g_error("packet of type %u", pkt.type);
            }
        }
    }
    if (!n->hold) {
        netvsc_return_all(n);
    }
    if (!came) {
        /* some completions wait a little */
        hv_guest_step(n->c->g, PUMP_NS);
    }
}

NetvscFrame *netvsc_wait_frame(Netvsc *n, int64_t timeout_us)
{
    int64_t end = g_get_monotonic_time() + timeout_us;

    for (;;) {
        netvsc_pump(n);
        if (!g_queue_is_empty(n->frames)) {
            return g_queue_pop_head(n->frames);
        }
        if (g_get_monotonic_time() > end) {
            return NULL;
        }
        hv_guest_step(n->c->g, 0);
    }
}

NetvscFrame *netvsc_expect_frame(Netvsc *n)
{
    NetvscFrame *f = netvsc_wait_frame(n, HV_GUEST_TIMEOUT_US);

    if (!f) {
        g_error("no frame came");
    }
    return f;
}
