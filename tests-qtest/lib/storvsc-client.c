/*
 * A guest's VMBus SCSI driver for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "storvsc-client.h"

Storvsc *storvsc_open(VmbusClient *c, unsigned nth)
{
    Storvsc *s = g_new0(Storvsc, 1);
    VmbusOffer *offer = vmbus_expect_offer(c, VMBUS_GUID_SCSI, 0, nth);

    s->c = c;
    s->next_trans_id = 1;
    s->done = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                    g_free);
    s->ch[0] = vmbus_channel_open(c, offer, STORVSC_RING_PAGES, 0);
    s->channels = 1;
    return s;
}

Storvsc *storvsc_start(VmbusClient *c, unsigned nth, uint16_t version)
{
    Storvsc *s = storvsc_open(c, nth);

    storvsc_handshake(s, version);
    return s;
}

void storvsc_close(Storvsc *s)
{
    while (s->channels) {
        vmbus_channel_close(s->ch[--s->channels]);
    }
    storvsc_forget(s);
}

void storvsc_forget(Storvsc *s)
{
    while (s->channels) {
        vmbus_channel_forget(s->ch[--s->channels]);
    }
    g_hash_table_destroy(s->done);
    g_free(s);
}

static void storvsc_take(Storvsc *s, const VmbusPacket *pkt)
{
    StorvspPacketWire *wire;
    uint64_t *key;

    /* Linux drops a shorter one, and then the command hangs */
    g_assert_cmpuint(pkt->msg_bytes, >=, STORVSP_PACKET_BYTES);
    if (pkt->type == HVBUS_PKT_INBAND) {
        uint32_t op = ldl_le_p(pkt->msg);

        g_assert_cmpuint(pkt->trans_id, ==, HVBUS_TRANS_ID_UNSOLICITED);
        g_assert_cmpuint(pkt->flags & HVBUS_PKT_FLAG_COMPLETION, ==, 0);
        g_assert(op == STORVSP_OP_ENUMERATE_BUS ||
                 op == STORVSP_OP_REMOVE_DEVICE);
        s->rescans++;
        return;
    }
    g_assert_cmpuint(pkt->type, ==, HVBUS_PKT_COMPLETION);
    /* once and only once */
    g_assert(!g_hash_table_contains(s->done, &pkt->trans_id));
    key = g_new(uint64_t, 1);
    *key = pkt->trans_id;
    wire = g_new(StorvspPacketWire, 1);
    memcpy(wire, pkt->msg, sizeof(*wire));
    g_hash_table_insert(s->done, key, wire);
}

void storvsc_pump(Storvsc *s)
{
    VmbusPacket pkt;

    for (unsigned i = 0; i < s->channels; i++) {
        while (vmbus_channel_poll(s->ch[i], &pkt)) {
            storvsc_take(s, &pkt);
        }
    }
}

bool storvsc_is_done(Storvsc *s, uint64_t trans_id)
{
    storvsc_pump(s);
    return g_hash_table_contains(s->done, &trans_id);
}

StorvspPacketWire storvsc_expect(Storvsc *s, uint64_t trans_id)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;
    StorvspPacketWire answer;

    while (!storvsc_is_done(s, trans_id)) {
        if (g_get_monotonic_time() > end) {
            g_error("request 0x%" PRIx64 " was not completed", trans_id);
        }
        /* completions may be held back for a while */
        hv_guest_step(s->c->g, STORVSC_STEP_NS);
    }
    answer = *(StorvspPacketWire *)g_hash_table_lookup(s->done, &trans_id);
    g_hash_table_remove(s->done, &trans_id);
    g_assert_cmpuint(le32_to_cpu(answer.operation), ==,
                     STORVSP_OP_COMPLETE_IO);
    return answer;
}

StorvspPacketWire storvsc_exchange(Storvsc *s, unsigned idx,
                                   const StorvspPacketWire *pkt)
{
    vmbus_channel_send(s->ch[idx], HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION,
                       STORVSC_TRANS_INIT, NULL, 0, pkt, sizeof(*pkt));
    return storvsc_expect(s, STORVSC_TRANS_INIT);
}

uint32_t storvsc_operation(Storvsc *s, uint32_t op)
{
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(op),
        .flags = cpu_to_le32(1),
    };

    return le32_to_cpu(storvsc_exchange(s, 0, &pkt).status);
}

uint32_t storvsc_query_version(Storvsc *s, uint16_t version)
{
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_QUERY_PROTOCOL_VERSION),
        .flags = cpu_to_le32(1),
        .version.major_minor = cpu_to_le16(version),
    };

    return le32_to_cpu(storvsc_exchange(s, 0, &pkt).status);
}

uint32_t storvsc_query_properties(Storvsc *s)
{
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_QUERY_PROPERTIES),
        .flags = cpu_to_le32(1),
    };
    StorvspPacketWire answer = storvsc_exchange(s, 0, &pkt);
    bool multi = le32_to_cpu(answer.properties.flags)
        & STORVSP_PROPERTY_MULTI_CHANNEL;

    s->max_subchannels = multi
        ? le16_to_cpu(answer.properties.max_channel_count) : 0;
    s->max_transfer_bytes = le32_to_cpu(answer.properties.max_transfer_bytes);
    return le32_to_cpu(answer.status);
}

void storvsc_handshake(Storvsc *s, uint16_t version)
{
    g_assert_cmphex(storvsc_operation(s, STORVSP_OP_BEGIN_INITIALIZATION), ==,
                    STORVSP_STATUS_SUCCESS);
    g_assert_cmphex(storvsc_query_version(s, version), ==,
                    STORVSP_STATUS_SUCCESS);
    s->version = version;
    g_assert_cmphex(storvsc_query_properties(s), ==, STORVSP_STATUS_SUCCESS);
    g_assert_cmpuint(s->max_transfer_bytes, >=, HV_PAGE_SIZE);
    g_assert_cmphex(storvsc_operation(s, STORVSP_OP_END_INITIALIZATION), ==,
                    STORVSP_STATUS_SUCCESS);
}

void storvsc_open_subchannels(Storvsc *s, unsigned count)
{
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_CREATE_SUB_CHANNELS),
        .flags = cpu_to_le32(1),
        .sub_channel_count = cpu_to_le16(count),
    };

    g_assert_cmpuint(count, <, STORVSC_MAX_CHANNELS);
    g_assert_cmphex(le32_to_cpu(storvsc_exchange(s, 0, &pkt).status), ==,
                    STORVSP_STATUS_SUCCESS);
    for (unsigned i = 1; i <= count; i++) {
        VmbusOffer *offer = vmbus_expect_offer(s->c, VMBUS_GUID_SCSI, i, 0);

        g_assert_cmpint(memcmp(offer->instance_id,
                               s->ch[0]->offer->instance_id, 16), ==, 0);
        s->ch[i] = vmbus_channel_open(s->c, offer, STORVSC_RING_PAGES,
                                      i % HV_GUEST_VPS);
        s->channels++;
    }
}

/* Descriptor of one GPA range; returns its bytes.  @buf holds 8 + 8 + 8n */
static uint32_t storvsc_build_range(uint8_t *buf, uint64_t gpa, uint32_t bytes)
{
    uint32_t offset = gpa % HV_PAGE_SIZE;
    uint32_t pages = DIV_ROUND_UP(offset + bytes, HV_PAGE_SIZE);

    stl_le_p(buf, 0);
    stl_le_p(buf + 4, 1);
    stl_le_p(buf + 8, bytes);
    stl_le_p(buf + 12, offset);
    for (uint32_t i = 0; i < pages; i++) {
        stq_le_p(buf + 16 + 8 * i, (gpa >> HV_PAGE_SHIFT) + i);
    }
    return 16 + 8 * pages;
}

static void storvsc_build_srb(StorvspPacketWire *pkt, const StorvscRequest *req)
{
    memset(pkt, 0, sizeof(*pkt));
    pkt->operation = cpu_to_le32(STORVSP_OP_EXECUTE_SRB);
    pkt->flags = cpu_to_le32(1);
    pkt->srb.length = cpu_to_le16(sizeof(pkt->srb));
    pkt->srb.path_id = req->path;
    pkt->srb.target_id = req->target;
    pkt->srb.lun = req->lun;
    pkt->srb.cdb_length = req->cdb_bytes;
    pkt->srb.sense_info_length = STORVSP_SENSE_BYTES;
    pkt->srb.data_in = req->data_in;
    pkt->srb.data_transfer_length = cpu_to_le32(req->data_bytes);
    memcpy(pkt->srb.cdb, req->cdb, sizeof(pkt->srb.cdb));
    pkt->srb.time_out_value = cpu_to_le32(60);
}

uint64_t storvsc_try_submit(Storvsc *s, unsigned idx,
                            const StorvscRequest *req, bool signal)
{
    g_autofree uint8_t *desc = NULL;
    StorvspPacketWire pkt;
    uint32_t desc_bytes = 0;
    uint16_t type = HVBUS_PKT_INBAND;

    storvsc_build_srb(&pkt, req);
    if (req->data_bytes) {
        type = HVBUS_PKT_GPA_DIRECT;
        desc = g_malloc(32 + 8 * (req->data_bytes / HV_PAGE_SIZE + 2));
        desc_bytes = storvsc_build_range(desc, req->data_gpa, req->data_bytes);
    }
    if (!vmbus_channel_push(s->ch[idx], type, HVBUS_PKT_FLAG_COMPLETION,
                            s->next_trans_id, desc, desc_bytes, &pkt,
                            sizeof(pkt))) {
        return 0;
    }
    if (signal) {
        vmbus_channel_signal(s->ch[idx]);
    }
    return s->next_trans_id++;
}

uint64_t storvsc_submit_range(Storvsc *s, unsigned idx,
                              const StorvscRequest *req, const void *desc,
                              uint32_t desc_bytes)
{
    StorvspPacketWire pkt;

    storvsc_build_srb(&pkt, req);
    vmbus_channel_send(s->ch[idx], HVBUS_PKT_GPA_DIRECT,
                       HVBUS_PKT_FLAG_COMPLETION, s->next_trans_id, desc,
                       desc_bytes, &pkt, sizeof(pkt));
    return s->next_trans_id++;
}

uint64_t storvsc_submit(Storvsc *s, unsigned idx, const StorvscRequest *req)
{
    uint64_t id = storvsc_try_submit(s, idx, req, true);

    g_assert_cmpuint(id, !=, 0);
    return id;
}

StorvspPacketWire storvsc_run(Storvsc *s, const StorvscRequest *req)
{
    return storvsc_expect(s, storvsc_submit(s, 0, req));
}

StorvscRequest storvsc_rw(bool is_write, uint8_t lun, uint32_t lba,
                          uint16_t blocks, uint64_t gpa)
{
    StorvscRequest req = {
        .lun = lun,
        .data_in = is_write ? STORVSP_DATA_WRITE : STORVSP_DATA_READ,
        .cdb = { is_write ? 0x2a : 0x28 },
        .cdb_bytes = 10,
        .data_bytes = blocks * STORVSC_BLOCK_BYTES,
        .data_gpa = gpa,
    };

    stl_be_p(req.cdb + 2, lba);
    stw_be_p(req.cdb + 7, blocks);
    return req;
}

void storvsc_assert_good(const StorvspPacketWire *answer, uint32_t data_bytes)
{
    g_assert_cmphex(le32_to_cpu(answer->status), ==, STORVSP_STATUS_SUCCESS);
    g_assert_cmphex(answer->srb.srb_status, ==, STORVSP_SRB_SUCCESS);
    g_assert_cmphex(answer->srb.scsi_status, ==, STORVSP_SCSI_GOOD);
    g_assert_cmpuint(le32_to_cpu(answer->srb.data_transfer_length), ==,
                     data_bytes);
}

static bool storvsc_is_attention(const StorvspPacketWire *answer)
{
    return answer->srb.scsi_status == STORVSP_SCSI_CHECK_CONDITION &&
        (answer->srb.sense[2] & 0xf) == 6;
}

static void storvsc_rw_good(Storvsc *s, const StorvscRequest *req)
{
    StorvspPacketWire answer;

    do {
        answer = storvsc_run(s, req);
    } while (storvsc_is_attention(&answer));
    storvsc_assert_good(&answer, req->data_bytes);
}

void storvsc_write(Storvsc *s, uint8_t lun, uint32_t lba, uint16_t blocks,
                   uint64_t gpa)
{
    StorvscRequest req = storvsc_rw(true, lun, lba, blocks, gpa);

    storvsc_rw_good(s, &req);
}

void storvsc_read(Storvsc *s, uint8_t lun, uint32_t lba, uint16_t blocks,
                  uint64_t gpa)
{
    StorvscRequest req = storvsc_rw(false, lun, lba, blocks, gpa);

    storvsc_rw_good(s, &req);
}

void storvsc_fill(HvGuest *g, uint64_t gpa, uint32_t bytes, uint32_t seed)
{
    uint32_t *words = hv_guest_ptr(g, gpa);

    for (uint32_t i = 0; i < bytes / 4; i++) {
        words[i] = seed * 2654435761u + i;
    }
}

void storvsc_check(HvGuest *g, uint64_t gpa, uint32_t bytes, uint32_t seed)
{
    uint32_t *words = hv_guest_ptr(g, gpa);

    for (uint32_t i = 0; i < bytes / 4; i++) {
        g_assert_cmphex(words[i], ==, seed * 2654435761u + i);
    }
}

uint8_t storvsc_test_unit(Storvsc *s, uint8_t lun)
{
    StorvscRequest req = {
        .lun = lun, .cdb_bytes = 6, .data_in = STORVSP_DATA_UNKNOWN,
    };

    return storvsc_run(s, &req).srb.srb_status;
}

void storvsc_expect_rescan(Storvsc *s, unsigned seen)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (;;) {
        storvsc_pump(s);
        if (s->rescans > seen) {
            return;
        }
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(s->c->g, 0);
    }
}
