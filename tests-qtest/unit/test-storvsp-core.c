/*
 * Unit tests of the storage VSP's protocol core
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "hw/paravisor/storvsp-core.h"

#define MAX_SUBCHANNELS 3
#define MAX_TRANSFER    0x100000

static void core_init(StorvspCore *c, StorvspState state)
{
    memset(c, 0, sizeof(*c));
    storvsp_core_reset(c);
    c->max_subchannels = MAX_SUBCHANNELS;
    c->max_transfer_bytes = MAX_TRANSFER;
    c->state = state;
    c->version = state >= STORVSP_VERSION_KNOWN ? STORVSP_VERSION_6_2 : 0;
}

static uint32_t send_op(StorvspCore *c, StorvspPacketWire *pkt, uint32_t op,
                        StorvspVerdict *v)
{
    pkt->operation = cpu_to_le32(op);
    storvsp_core_handle(c, true, pkt, sizeof(*pkt), v);
    g_assert_cmpuint(v->operation, ==, op);
    return v->status;
}

static void fill_srb(StorvspPacketWire *pkt, const uint8_t *cdb, uint8_t bytes)
{
    memset(pkt, 0, sizeof(*pkt));
    pkt->operation = cpu_to_le32(STORVSP_OP_EXECUTE_SRB);
    pkt->srb.length = cpu_to_le16(sizeof(StorvspSrbWire));
    pkt->srb.path_id = 7;
    pkt->srb.target_id = 1;
    pkt->srb.lun = 254;
    pkt->srb.port_number = 9;
    pkt->srb.cdb_length = bytes;
    pkt->srb.sense_info_length = STORVSP_SENSE_BYTES;
    pkt->srb.data_in = STORVSP_DATA_READ;
    pkt->srb.data_transfer_length = cpu_to_le32(0x12345);
    pkt->srb.queue_sort_key = cpu_to_le32(0xabcdef01);
    memcpy(pkt->srb.cdb, cdb, MIN(bytes, STORVSP_CDB_BYTES));
}

static void test_init_sequence(void)
{
    static const uint16_t good[] = { 0x0501, 0x0600, 0x0602 };
    int i;

    for (i = 0; i < ARRAY_SIZE(good); i++) {
        StorvspPacketWire pkt = { 0 };
        StorvspVerdict v;
        StorvspCore c;

        core_init(&c, STORVSP_UNINITIALIZED);
        g_assert_cmphex(send_op(&c, &pkt, 7, &v), ==, 0);
        g_assert_cmpuint(le32_to_cpu(v.reply.operation), ==, 1);

        pkt.version.major_minor = cpu_to_le16(0x0700);
        g_assert_cmphex(send_op(&c, &pkt, 9, &v), ==, 0xc0000059);
        g_assert_cmphex(le32_to_cpu(v.reply.status), ==, 0xc0000059);
        pkt.version.major_minor = cpu_to_le16(0x0402);
        g_assert_cmphex(send_op(&c, &pkt, 9, &v), ==, 0xc0000059);
        pkt.version.major_minor = cpu_to_le16(good[i]);
        g_assert_cmphex(send_op(&c, &pkt, 9, &v), ==, 0);
        g_assert_cmphex(c.version, ==, good[i]);

        g_assert_cmphex(send_op(&c, &pkt, 10, &v), ==, 0);
        g_assert_cmpuint(le16_to_cpu(v.reply.properties.max_channel_count), ==,
                         MAX_SUBCHANNELS);
        g_assert_cmpuint(le32_to_cpu(v.reply.properties.flags), ==, 1);
        g_assert_cmpuint(le32_to_cpu(v.reply.properties.max_transfer_bytes),
                         ==, MAX_TRANSFER);
        g_assert_cmphex(send_op(&c, &pkt, 8, &v), ==, 0);
        g_assert_cmpuint(c.state, ==, STORVSP_READY);
    }
}

static void test_single_channel(void)
{
    StorvspPacketWire pkt = { 0 };
    StorvspVerdict v;
    StorvspCore c;

    core_init(&c, STORVSP_VERSION_KNOWN);
    c.max_subchannels = 0;
    g_assert_cmphex(send_op(&c, &pkt, 10, &v), ==, 0);
    g_assert_cmpuint(v.reply.properties.flags, ==, 0);
    g_assert_cmpuint(v.reply.properties.max_channel_count, ==, 0);
}

/* Each operation in each state: taken in one, INVALID_DEVICE_STATE elsewhere */
static void test_wrong_states(void)
{
    static const struct {
        uint32_t op;
        StorvspState state;
    } rows[] = {
        { STORVSP_OP_BEGIN_INITIALIZATION, STORVSP_UNINITIALIZED },
        { STORVSP_OP_QUERY_PROTOCOL_VERSION, STORVSP_BEGUN },
        { STORVSP_OP_QUERY_PROPERTIES, STORVSP_VERSION_KNOWN },
        { STORVSP_OP_END_INITIALIZATION, STORVSP_PROPERTIES_KNOWN },
        { STORVSP_OP_CREATE_SUB_CHANNELS, STORVSP_READY },
        { STORVSP_OP_EXECUTE_SRB, STORVSP_READY },
        { STORVSP_OP_RESET_LUN, STORVSP_READY },
        { STORVSP_OP_RESET_ADAPTER, STORVSP_READY },
        { STORVSP_OP_RESET_BUS, STORVSP_READY },
    };
    static const uint8_t cdb[6] = { 0 };
    int i;
    StorvspState state;

    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        for (state = 0; state < STORVSP_STATE_COUNT; state++) {
            StorvspPacketWire pkt;
            StorvspVerdict v;
            StorvspCore c, before;

            fill_srb(&pkt, cdb, sizeof(cdb));
            if (rows[i].op == STORVSP_OP_QUERY_PROTOCOL_VERSION) {
                pkt.version.major_minor = cpu_to_le16(STORVSP_VERSION_6_0);
            } else if (rows[i].op == STORVSP_OP_CREATE_SUB_CHANNELS) {
                pkt.sub_channel_count = cpu_to_le16(1);
            }
            core_init(&c, state);
            before = c;
            send_op(&c, &pkt, rows[i].op, &v);
            if (state == rows[i].state) {
                g_assert_cmphex(v.status, ==, 0);
                g_assert_true(storvsp_core_valid(&c));
                continue;
            }
            g_assert_cmphex(v.status, ==, 0xc0000184);
            g_assert_cmphex(le32_to_cpu(v.reply.status), ==, 0xc0000184);
            g_assert_cmpuint(v.action, ==, STORVSP_ACT_REPLY);
            g_assert_cmpmem(&before, sizeof(before), &c, sizeof(c));
        }
    }
}

static void test_unknown_operations(void)
{
    static const uint32_t ops[] = { 0, 1, 2, 11, 12, 14, 15, 255, 0x80000003,
                                    UINT32_MAX };
    int i;
    StorvspState state;

    for (i = 0; i < ARRAY_SIZE(ops); i++) {
        for (state = 0; state < STORVSP_STATE_COUNT; state++) {
            StorvspPacketWire pkt = { 0 };
            StorvspVerdict v;
            StorvspCore c;

            core_init(&c, state);
            g_assert_cmphex(send_op(&c, &pkt, ops[i], &v), ==, 0xc00000bb);
            g_assert_cmpuint(v.action, ==, STORVSP_ACT_REPLY);
            g_assert_cmpuint(c.state, ==, state);
        }
    }
}

/* Every length of every operation gets an answer and reads no byte too many */
static void test_lengths(void)
{
    static const uint32_t need[] = {
        [3] = 64, [4] = 64, [5] = 12, [6] = 12, [13] = 14,
    };
    uint32_t op, bytes;

    for (op = 0; op <= 20; op++) {
        for (bytes = 0; bytes <= 80; bytes++) {
            g_autofree uint8_t *msg = g_malloc0(MAX(bytes, 1));
            StorvspVerdict v;
            StorvspCore c;

            if (bytes >= 4) {
                stl_le_p(msg, op);
            }
            if (bytes > 20) {
                msg[20] = 6;            /* cdb_length */
            }
            core_init(&c, STORVSP_READY);
            storvsp_core_handle(&c, true, msg, bytes, &v);
            g_assert_cmpuint(c.state, ==, STORVSP_READY);
            if (op < ARRAY_SIZE(need) && need[op]) {
                g_assert_cmphex(v.status, ==, bytes >= need[op] ? 0 :
                                STORVSP_STATUS_INVALID_PARAMETER);
            } else {
                g_assert_cmphex(v.status, !=, 0);
            }
            if (v.action != STORVSP_ACT_EXECUTE) {
                g_assert_cmpuint(le32_to_cpu(v.reply.operation), ==, 1);
                g_assert_cmphex(le32_to_cpu(v.reply.status), ==, v.status);
            }
            if (op == STORVSP_OP_EXECUTE_SRB && bytes >= 4 && bytes < 64) {
                g_assert_cmphex(v.reply.srb.srb_status, ==, 6);
            }
        }
    }
}

static void test_version_length(void)
{
    uint8_t msg[16] = { STORVSP_OP_QUERY_PROTOCOL_VERSION };
    StorvspVerdict v;
    StorvspCore c;

    stw_le_p(msg + 12, STORVSP_VERSION_6_2);
    core_init(&c, STORVSP_BEGUN);
    storvsp_core_handle(&c, true, msg, 15, &v);
    g_assert_cmphex(v.status, ==, STORVSP_STATUS_INVALID_PARAMETER);
    g_assert_cmpuint(c.state, ==, STORVSP_BEGUN);
    storvsp_core_handle(&c, true, msg, 16, &v);
    g_assert_cmphex(v.status, ==, 0);
}

static void test_subchannel_counts(void)
{
    uint32_t count;

    for (count = 0; count <= UINT16_MAX; count++) {
        StorvspPacketWire pkt = { 0 };
        StorvspVerdict v;
        StorvspCore c;

        core_init(&c, STORVSP_READY);
        pkt.sub_channel_count = cpu_to_le16(count);
        send_op(&c, &pkt, STORVSP_OP_CREATE_SUB_CHANNELS, &v);
        if (count > MAX_SUBCHANNELS) {
            g_assert_cmphex(v.status, ==, STORVSP_STATUS_INVALID_PARAMETER);
            g_assert_cmpuint(v.action, ==, STORVSP_ACT_REPLY);
        } else {
            g_assert_cmphex(v.status, ==, 0);
            g_assert_cmpuint(v.action, ==, count ? STORVSP_ACT_SUBCHANNELS :
                             STORVSP_ACT_REPLY);
            g_assert_cmpuint(v.subchannel_count, ==, count);
        }
    }
}

/* A sub-channel takes requests and resets, and no set-up */
static void test_subchannel_operations(void)
{
    static const uint8_t cdb[6] = { 0 };
    uint32_t op;

    for (op = 3; op <= 13; op++) {
        StorvspPacketWire pkt;
        StorvspVerdict v;
        StorvspCore c;

        fill_srb(&pkt, cdb, sizeof(cdb));
        pkt.operation = cpu_to_le32(op);
        core_init(&c, op == 7 ? STORVSP_UNINITIALIZED : STORVSP_READY);
        storvsp_core_handle(&c, false, &pkt, sizeof(pkt), &v);
        if (op <= 6) {
            g_assert_cmphex(v.status, ==, 0);
        } else {
            g_assert_cmphex(v.status, !=, 0);
            g_assert_cmpuint(v.action, ==, STORVSP_ACT_REPLY);
        }
    }
}

static void test_request_fields(void)
{
    static const uint8_t cdb[16] = {
        0x88, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    };
    uint32_t bytes, data_in, sense;
    StorvspPacketWire pkt;
    StorvspSrb srb;

    for (bytes = 0; bytes <= 255; bytes++) {
        fill_srb(&pkt, cdb, bytes);
        if (bytes == 0 || bytes > 16) {
            g_assert_false(storvsp_parse_srb(&pkt.srb, &srb));
            continue;
        }
        g_assert_true(storvsp_parse_srb(&pkt.srb, &srb));
        g_assert_cmpuint(srb.cdb_bytes, ==, bytes);
        g_assert_cmpmem(srb.cdb, bytes, cdb, bytes);
        g_assert_true(buffer_is_zero(srb.cdb + bytes, 16 - bytes) ||
                      bytes == 16);
        g_assert_cmpuint(srb.path, ==, 7);
        g_assert_cmpuint(srb.target, ==, 1);
        g_assert_cmpuint(srb.lun, ==, 254);
        g_assert_cmphex(srb.data_bytes, ==, 0x12345);
    }
    for (data_in = 0; data_in <= 255; data_in++) {
        fill_srb(&pkt, cdb, 16);
        pkt.srb.data_in = data_in;
        g_assert_cmpint(storvsp_parse_srb(&pkt.srb, &srb), ==, data_in <= 2);
    }
    for (sense = 0; sense <= 255; sense++) {
        fill_srb(&pkt, cdb, 16);
        pkt.srb.sense_info_length = sense;
        g_assert_true(storvsp_parse_srb(&pkt.srb, &srb));
        g_assert_cmpuint(srb.sense_bytes, ==, MIN(sense, 20));
    }
}

static void test_bad_request_is_answered(void)
{
    static const uint8_t cdb[17] = { 0 };
    StorvspPacketWire pkt;
    StorvspVerdict v;
    StorvspCore c;

    fill_srb(&pkt, cdb, 17);
    core_init(&c, STORVSP_READY);
    send_op(&c, &pkt, STORVSP_OP_EXECUTE_SRB, &v);
    g_assert_cmpuint(v.action, ==, STORVSP_ACT_REPLY);
    g_assert_cmphex(v.reply.srb.srb_status, ==, STORVSP_SRB_INVALID_REQUEST);
    g_assert_cmphex(v.reply.srb.data_transfer_length, ==, 0);
    g_assert_cmpuint(v.reply.srb.lun, ==, 254);
}

static void test_request_reply(void)
{
    static const uint8_t cdb[10] = { 0x28 };
    uint8_t sense[32];
    StorvspPacketWire pkt, reply;
    StorvspSrb srb;
    uint32_t n;

    memset(sense, 0x5a, sizeof(sense));
    fill_srb(&pkt, cdb, 10);
    g_assert_true(storvsp_parse_srb(&pkt.srb, &srb));

    storvsp_build_srb_reply(&reply, &srb, STORVSP_SRB_SUCCESS, 0, 4096, NULL,
                            0);
    g_assert_cmpuint(le32_to_cpu(reply.operation), ==, 1);
    g_assert_cmpuint(reply.status, ==, 0);
    g_assert_cmphex(reply.srb.srb_status, ==, 1);
    g_assert_cmphex(reply.srb.scsi_status, ==, 0);
    g_assert_cmpuint(le32_to_cpu(reply.srb.data_transfer_length), ==, 4096);
    g_assert_cmpuint(reply.srb.sense_info_length, ==, 0);
    g_assert_cmphex(le32_to_cpu(reply.srb.queue_sort_key), ==, 0xabcdef01);
    g_assert_cmpmem(reply.srb.cdb, 16, pkt.srb.cdb, 16);

    for (n = 0; n <= sizeof(sense); n++) {
        storvsp_build_srb_reply(&reply, &srb, STORVSP_SRB_ERROR, 2, 0, sense,
                                n);
        g_assert_cmphex(reply.srb.srb_status, ==, n ? 0x84 : 0x04);
        g_assert_cmpuint(reply.srb.sense_info_length, ==, MIN(n, 20));
        if (n) {
            g_assert_cmpmem(reply.srb.sense, MIN(n, 20), sense, MIN(n, 20));
        }
        g_assert_cmphex(le32_to_cpu(reply.srb.queue_sort_key), ==, 0xabcdef01);
    }

    /* a guest that takes no sense gets none, and is not told there is some */
    srb.sense_bytes = 0;
    storvsp_build_srb_reply(&reply, &srb, STORVSP_SRB_ERROR, 2, 0, sense, 18);
    g_assert_cmphex(reply.srb.srb_status, ==, 0x04);
    g_assert_cmpuint(reply.srb.sense_info_length, ==, 0);
}

static void test_status_mapping(void)
{
    uint32_t status;

    for (status = 0; status <= 255; status++) {
        uint8_t want = STORVSP_SRB_ERROR;

        if (status == 0x00 || status == 0x04) {
            want = STORVSP_SRB_SUCCESS;
        } else if (status == 0x08 || status == 0x28 || status == 0x30) {
            want = STORVSP_SRB_BUSY;
        } else if (status == 0x40) {
            want = STORVSP_SRB_ABORTED;
        }
        g_assert_cmphex(storvsp_srb_status(status), ==, want);
    }
}

static void test_absent_unit(void)
{
    uint8_t buf[STORVSP_ABSENT_BYTES];
    uint8_t cdb[16];
    StorvspPacketWire pkt;
    StorvspSrb srb;
    uint32_t op, alloc;

    for (op = 0; op <= 255; op++) {
        memset(cdb, 0xff, sizeof(cdb));
        cdb[0] = op;
        fill_srb(&pkt, cdb, 16);
        g_assert_true(storvsp_parse_srb(&pkt.srb, &srb));
        g_assert_cmpint(storvsp_absent_data(&srb, buf) >= 0, ==,
                        op == 0x12 || op == 0xa0);
    }
    for (alloc = 0; alloc <= UINT16_MAX; alloc++) {
        memset(cdb, 0, sizeof(cdb));
        cdb[0] = 0x12;
        stw_be_p(&cdb[3], alloc);
        fill_srb(&pkt, cdb, 6);
        g_assert_true(storvsp_parse_srb(&pkt.srb, &srb));
        g_assert_cmpint(storvsp_absent_data(&srb, buf), ==, MIN(alloc, 36));
        g_assert_cmphex(buf[0], ==, 0x7f);
        g_assert_cmpuint(buf[4], ==, 31);
    }
    memset(cdb, 0, sizeof(cdb));
    cdb[0] = 0xa0;
    cdb[9] = 16;
    fill_srb(&pkt, cdb, 12);
    g_assert_true(storvsp_parse_srb(&pkt.srb, &srb));
    g_assert_cmpint(storvsp_absent_data(&srb, buf), ==, 8);
    g_assert_true(buffer_is_zero(buf, 8));
}

static void test_hidden_failures(void)
{
    uint8_t cdb[16] = { 0 };
    bool absent;
    uint32_t op;

    for (op = 0; op <= 255; op++) {
        cdb[0] = op;
        cdb[1] = 0;
        g_assert_cmpint(storvsp_failure_is_hidden(cdb, &absent), ==,
                        op == 0x12 || op == 0x1a || op == 0x5a);
        g_assert_cmpint(absent, ==, op == 0x12);
        cdb[1] = 1;
        storvsp_failure_is_hidden(cdb, &absent);
        g_assert_false(absent);
        g_assert_cmpint(storvsp_short_buffer_ok(cdb), ==,
                        op != 0x08 && op != 0x28 && op != 0x88 && op != 0xa8);
    }
}

/* The migration stream brings any state and version; few are possible */
static void test_stream_states(void)
{
    uint32_t state, version, good = 0;

    for (state = 0; state <= 255; state++) {
        for (version = 0; version <= UINT16_MAX; version++) {
            StorvspCore c = { .state = state, .version = version };

            good += storvsp_core_valid(&c);
        }
    }
    /* two states without a version, three states with three versions */
    g_assert_cmpuint(good, ==, 2 + 3 * 3);
}

static void test_rescan(void)
{
    StorvspPacketWire pkt;

    memset(&pkt, 0xff, sizeof(pkt));
    storvsp_build_rescan(&pkt);
    g_assert_cmpuint(le32_to_cpu(pkt.operation), ==, 11);
    g_assert_cmpuint(pkt.flags, ==, 0);
    g_assert_true(buffer_is_zero((uint8_t *)&pkt + 4, sizeof(pkt) - 4));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storvsp/init_sequence", test_init_sequence);
    g_test_add_func("/storvsp/single_channel", test_single_channel);
    g_test_add_func("/storvsp/rejects_wrong_state", test_wrong_states);
    g_test_add_func("/storvsp/answers_unknown_operation",
                    test_unknown_operations);
    g_test_add_func("/storvsp/takes_any_length", test_lengths);
    g_test_add_func("/storvsp/version_needs_its_bytes", test_version_length);
    g_test_add_func("/storvsp/subchannel_counts", test_subchannel_counts);
    g_test_add_func("/storvsp/subchannel_operations",
                    test_subchannel_operations);
    g_test_add_func("/storvsp/request_fields", test_request_fields);
    g_test_add_func("/storvsp/answers_bad_request",
                    test_bad_request_is_answered);
    g_test_add_func("/storvsp/request_reply", test_request_reply);
    g_test_add_func("/storvsp/status_mapping", test_status_mapping);
    g_test_add_func("/storvsp/absent_unit", test_absent_unit);
    g_test_add_func("/storvsp/hidden_failures", test_hidden_failures);
    g_test_add_func("/storvsp/rejects_impossible_stream", test_stream_states);
    g_test_add_func("/storvsp/rescan", test_rescan);
    return g_test_run();
}
