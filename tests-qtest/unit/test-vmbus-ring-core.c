/*
 * Unit tests of VMBus ring arithmetic and packet parsing
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/vmbus/vmbus-ring-core.h"

#define DATA_BYTES 8192u

static bool parse(uint16_t offset_qwords, uint16_t total_qwords,
                  uint32_t used_bytes, uint32_t max_bytes,
                  HvbusPacketInfo *info)
{
    HvbusPacketWire wire = {
        .type = cpu_to_le16(HVBUS_PKT_INBAND),
        .offset_qwords = cpu_to_le16(offset_qwords),
        .total_qwords = cpu_to_le16(total_qwords),
        .flags = cpu_to_le16(HVBUS_PKT_FLAG_COMPLETION),
        .trans_id = cpu_to_le64(0x1234),
    };
    HvbusPacketInfo unused;
    const char *why = NULL;
    bool is_ok = hvbus_packet_parse(&wire, used_bytes, max_bytes,
                                    info ? info : &unused, &why);

    g_assert_true(is_ok == !why);
    return is_ok;
}

static void test_index_door(void)
{
    g_assert_true(hvbus_ring_idx_is_ok(0, DATA_BYTES));
    g_assert_true(hvbus_ring_idx_is_ok(DATA_BYTES - 8, DATA_BYTES));
    g_assert_false(hvbus_ring_idx_is_ok(DATA_BYTES, DATA_BYTES));
    g_assert_false(hvbus_ring_idx_is_ok(DATA_BYTES + 8, DATA_BYTES));
    g_assert_false(hvbus_ring_idx_is_ok(0xfffffff8, DATA_BYTES));
    g_assert_false(hvbus_ring_idx_is_ok(4, DATA_BYTES));
    g_assert_false(hvbus_ring_idx_is_ok(1, DATA_BYTES));
}

static void test_used_and_room_wrap(void)
{
    g_assert_cmpuint(hvbus_ring_used(0, 0, DATA_BYTES), ==, 0);
    g_assert_cmpuint(hvbus_ring_room(0, 0, DATA_BYTES), ==, DATA_BYTES);
    g_assert_cmpuint(hvbus_ring_used(8, 0, DATA_BYTES), ==, DATA_BYTES - 8);
    g_assert_cmpuint(hvbus_ring_used(DATA_BYTES - 8, 8, DATA_BYTES), ==, 16);
    g_assert_cmpuint(hvbus_ring_room(DATA_BYTES - 8, 8, DATA_BYTES), ==,
                     DATA_BYTES - 16);
    g_assert_cmpuint(hvbus_ring_advance(DATA_BYTES - 8, 8, DATA_BYTES), ==, 0);
    g_assert_cmpuint(hvbus_ring_advance(DATA_BYTES - 8, 24, DATA_BYTES), ==,
                     16);
}

static void test_signals_only_at_edges(void)
{
    g_assert_true(hvbus_ring_wants_signal(0, 64, 64));
    g_assert_false(hvbus_ring_wants_signal(1, 64, 64));
    g_assert_false(hvbus_ring_wants_signal(0, 32, 64));

    g_assert_true(hvbus_ring_room_wants_signal(100, 100, 108));
    g_assert_true(hvbus_ring_room_wants_signal(100, 8, 4096));
    g_assert_false(hvbus_ring_room_wants_signal(100, 8, 100));
    g_assert_false(hvbus_ring_room_wants_signal(100, 108, 200));
    g_assert_false(hvbus_ring_room_wants_signal(0, 0, 4096));
}

static void test_parses_packet(void)
{
    HvbusPacketInfo info;

    g_assert_true(parse(4, 10, 88, 4096, &info));
    g_assert_cmpuint(info.type, ==, HVBUS_PKT_INBAND);
    g_assert_cmpuint(info.flags, ==, HVBUS_PKT_FLAG_COMPLETION);
    g_assert_cmphex(info.trans_id, ==, 0x1234);
    g_assert_cmpuint(info.desc_bytes, ==, 16);
    g_assert_cmpuint(info.msg_bytes, ==, 48);
    g_assert_cmpuint(info.ring_bytes, ==, 88);
    /* no message at all */
    g_assert_true(parse(2, 2, 24, 4096, &info));
    g_assert_cmpuint(info.msg_bytes, ==, 0);
}

static void test_rejects_bad_packet_length(void)
{
    g_assert_false(parse(0, 0, DATA_BYTES - 8, 4096, NULL));
    g_assert_false(parse(2, 1, DATA_BYTES - 8, 4096, NULL));
    g_assert_false(parse(2, 0xffff, DATA_BYTES - 8, 4096, NULL));
    g_assert_false(parse(2, 0xffff, DATA_BYTES - 8, 0xffffffff, NULL));
    /* the limit of the device, and one more */
    g_assert_true(parse(2, 512, DATA_BYTES - 8, 4096, NULL));
    g_assert_false(parse(2, 513, DATA_BYTES - 8, 4096, NULL));
    /* the write index, with and without the trailer */
    g_assert_true(parse(2, 10, 88, 4096, NULL));
    g_assert_false(parse(2, 10, 80, 4096, NULL));
    g_assert_false(parse(2, 10, 0, 4096, NULL));
}

static void test_rejects_offset_outside_of_packet(void)
{
    g_assert_false(parse(0, 10, 88, 4096, NULL));
    g_assert_false(parse(1, 10, 88, 4096, NULL));
    g_assert_true(parse(10, 10, 88, 4096, NULL));
    g_assert_false(parse(11, 10, 88, 4096, NULL));
    g_assert_false(parse(0xffff, 10, 88, 4096, NULL));
}

static void test_builds_what_it_parses(void)
{
    uint32_t desc, msg;

    for (desc = 0; desc < 40; desc++) {
        for (msg = 0; msg < 40; msg++) {
            HvbusPacketWire wire;
            HvbusPacketInfo info;
            const char *why;
            uint32_t bytes = hvbus_packet_ring_bytes(desc, msg);

            hvbus_packet_build(&wire, HVBUS_PKT_COMPLETION, 0, 7, desc, msg);
            g_assert_true(hvbus_packet_parse(&wire, bytes, 4096, &info, &why));
            g_assert_cmpuint(info.ring_bytes, ==, bytes);
            g_assert_cmpuint(info.desc_bytes, ==, ROUND_UP(desc, 8));
            g_assert_cmpuint(info.msg_bytes, ==, ROUND_UP(msg, 8));
        }
    }
    g_assert_cmpuint(hvbus_packet_ring_bytes(0, HVBUS_PKT_MAX_BYTES - 16), ==,
                     HVBUS_PKT_MAX_BYTES + 8);
    g_assert_cmpuint(hvbus_packet_ring_bytes(0, HVBUS_PKT_MAX_BYTES - 15), ==,
                     0);
    g_assert_cmpuint(hvbus_packet_ring_bytes(0xffffffff, 0xffffffff), ==, 0);
}

/* Ranges in @q, after the {reserved, count} word */
static int ranges(uint64_t *q, uint32_t bytes, uint64_t *gpa, uint64_t *len,
                  int max)
{
    HvbusRangeIter it;
    int n = 0, r;

    if (!hvbus_ranges_begin(&it, (uint8_t *)q, bytes)) {
        return -1;
    }
    while ((r = hvbus_ranges_next(&it, &gpa[n], &len[n])) > 0) {
        g_assert_cmpint(++n, <, max);
    }
    return r < 0 ? r : n;
}

#define COUNT(n)            cpu_to_le64((uint64_t)(n) << 32)
#define RANGE(bytes, off)   cpu_to_le64((uint64_t)(off) << 32 | (bytes))

static void test_ranges_are_joined(void)
{
    uint64_t q[] = {
        COUNT(3),
        RANGE(0x2800, 0x800), cpu_to_le64(5), cpu_to_le64(6), cpu_to_le64(7),
        RANGE(0, 0),
        RANGE(0x1001, 0xfff), cpu_to_le64(9), cpu_to_le64(3),
    };
    uint64_t gpa[16], len[16];

    g_assert_cmpint(ranges(q, sizeof(q), gpa, len, 16), ==, 3);
    g_assert_cmphex(gpa[0], ==, 0x5800);
    g_assert_cmphex(len[0], ==, 0x2800);
    g_assert_cmphex(gpa[1], ==, 0x9fff);
    g_assert_cmphex(len[1], ==, 1);
    g_assert_cmphex(gpa[2], ==, 0x3000);
    g_assert_cmphex(len[2], ==, 0x1000);
}

static void test_ranges_at_each_cut(void)
{
    uint64_t q[] = {
        COUNT(2),
        RANGE(0x2000, 0), cpu_to_le64(5), cpu_to_le64(6),
        RANGE(0x1000, 0), cpu_to_le64(9),
    };
    uint64_t gpa[16], len[16];
    uint32_t bytes;

    for (bytes = 0; bytes < sizeof(q); bytes++) {
        g_autofree uint64_t *cut = g_memdup2(q, MAX(bytes, 1));

        g_assert_cmpint(ranges(cut, bytes, gpa, len, 16), ==, -1);
    }
    g_assert_cmpint(ranges(q, sizeof(q), gpa, len, 16), ==, 2);
}

static void test_rejects_malformed_ranges(void)
{
    uint64_t gpa[16], len[16];
    uint64_t offset[] = { COUNT(1), RANGE(1, 0x1000), cpu_to_le64(1), 0 };
    uint64_t wraps[] = { COUNT(1), RANGE(0xffffffff, 0xffffffff), 0, 0 };
    uint64_t huge[] = { COUNT(1), RANGE(0xffffffff, 0xfff), 0, 0 };
    uint64_t pfn[] = { COUNT(1), RANGE(1, 0), cpu_to_le64(HVBUS_PFN_MAX + 1) };
    uint64_t many[] = { COUNT(0xffffffff), 0, 0, 0 };

    g_assert_cmpint(ranges(offset, sizeof(offset), gpa, len, 16), ==, -1);
    g_assert_cmpint(ranges(wraps, sizeof(wraps), gpa, len, 16), ==, -1);
    g_assert_cmpint(ranges(huge, sizeof(huge), gpa, len, 16), ==, -1);
    g_assert_cmpint(ranges(pfn, sizeof(pfn), gpa, len, 16), ==, -1);
    g_assert_cmpint(ranges(many, sizeof(many), gpa, len, 16), ==, -1);
}

#define ADD(name) \
    g_test_add_func("/paravisor/vmbus-ring-core/" #name, test_##name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(index_door);
    ADD(used_and_room_wrap);
    ADD(signals_only_at_edges);
    ADD(parses_packet);
    ADD(rejects_bad_packet_length);
    ADD(rejects_offset_outside_of_packet);
    ADD(builds_what_it_parses);
    ADD(ranges_are_joined);
    ADD(ranges_at_each_cut);
    ADD(rejects_malformed_ranges);
    return g_test_run();
}
