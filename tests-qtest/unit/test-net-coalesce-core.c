/*
 * Unit tests of the coalescing of TCP segments
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/net-coalesce-core.h"

#define MSS 1000

/* A TCP segment over IPv4 (@version 4) or IPv6 with 12 bytes of options */
static uint32_t make(uint8_t *p, int version, uint32_t seq, uint8_t flags,
                     uint32_t payload)
{
    uint32_t l4 = 14 + (version == 4 ? 20 : 40);
    uint32_t bytes = l4 + 32 + payload;
    NetFrame f;

    memset(p, 0x11, l4 + 32);
    for (uint32_t i = 0; i < payload; i++) {
        p[l4 + 32 + i] = (seq + i) * 3;
    }
    stw_be_p(p + 12, version == 4 ? 0x0800 : 0x86dd);
    p[14] = version == 4 ? 0x45 : 0x60;
    if (version == 4) {
        stw_be_p(p + 16, bytes - 14);
        stw_be_p(p + 18, seq);          /* identification */
        stw_be_p(p + 20, 0x4000);
        p[14 + 9] = 6;
    } else {
        stw_be_p(p + 18, bytes - 54);
        p[14 + 6] = 6;
    }
    stl_be_p(p + l4 + 4, seq);
    p[l4 + 12] = 0x80;
    p[l4 + 13] = flags;
    net_frame_parse(&f, p, bytes);
    net_frame_set_ip_csum(&f, p);
    net_frame_set_l4_csum(&f, p, false);
    return bytes;
}

static bool add(NetCoalesce *c, uint8_t *buf, const uint8_t *p, uint32_t bytes)
{
    NetFrame f;

    net_frame_parse(&f, p, bytes);
    return net_coalesce_can_start(&f, p) && net_coalesce_add(c, buf, &f, p);
}

static void start(NetCoalesce *c, uint8_t *buf, int version, uint32_t seq,
                  uint8_t flags)
{
    uint32_t bytes = make(buf, version, seq, flags, MSS);
    NetFrame f;

    net_frame_parse(&f, buf, bytes);
    g_assert_true(net_coalesce_can_start(&f, buf));
    net_coalesce_start(c, &f, buf);
}

static void check(const uint8_t *p, uint32_t bytes, uint32_t seq,
                  uint32_t payload)
{
    NetFrame f;

    net_frame_parse(&f, p, bytes);
    g_assert_true(f.has_ip_length);
    g_assert_cmpuint(f.l4_end, ==, bytes);
    g_assert_cmpuint(bytes - f.payload_offset, ==, payload);
    if (f.ip_version == 4) {
        g_assert_cmpint(net_frame_check_ip_csum(&f, p), ==, NET_FRAME_CSUM_OK);
    }
    g_assert_cmpint(net_frame_check_l4_csum(&f, p), ==, NET_FRAME_CSUM_OK);
    for (uint32_t i = 0; i < payload; i++) {
        g_assert_cmphex(p[f.payload_offset + i], ==, (uint8_t)((seq + i) * 3));
    }
}

static void test_whole(void)
{
    static uint8_t buf[NET_COALESCE_MAX_BYTES], p[2048];

    for (int version = 4; version <= 6; version += 2) {
        uint32_t seq = UINT32_MAX - 5500;
        NetCoalesce c;
        uint32_t n = 1;

        start(&c, buf, version, seq, 0x10);
        while (add(&c, buf, p, make(p, version, seq + n * MSS, 0x10, MSS))) {
            n++;
        }
        g_assert_cmpuint(n, ==, (NET_COALESCE_MAX_BYTES - 100) / MSS);
        g_assert_cmpuint(c.segments, ==, n);
        check(buf, net_coalesce_finish(&c, buf), seq, n * MSS);
        g_assert_cmpuint(c.bytes, ==, 0);
        g_assert_false(add(&c, buf, p, make(p, version, seq, 0x10, MSS)));
    }
}

static void test_end(void)
{
    static uint8_t buf[NET_COALESCE_MAX_BYTES], p[2048];
    NetCoalesce c;

    /* a push ends the packet, as does a short segment */
    start(&c, buf, 4, 1, 0x10);
    g_assert_true(add(&c, buf, p, make(p, 4, 1 + MSS, 0x18, MSS)));
    g_assert_false(add(&c, buf, p, make(p, 4, 1 + 2 * MSS, 0x10, MSS)));
    g_assert_cmphex(buf[34 + 13], ==, 0x18);
    check(buf, net_coalesce_finish(&c, buf), 1, 2 * MSS);
    start(&c, buf, 4, 1, 0x10);
    g_assert_true(add(&c, buf, p, make(p, 4, 1 + MSS, 0x10, 10)));
    g_assert_false(add(&c, buf, p, make(p, 4, 11 + MSS, 0x10, 10)));
    check(buf, net_coalesce_finish(&c, buf), 1, MSS + 10);
    start(&c, buf, 4, 1, 0x18);
    g_assert_false(add(&c, buf, p, make(p, 4, 1 + MSS, 0x10, MSS)));
    check(buf, net_coalesce_finish(&c, buf), 1, MSS);
}

static void test_not_the_next(void)
{
    static const struct {
        uint32_t seq, payload;
        uint8_t flags;
    } cases[] = {
        { 1, MSS, 0x10 }, { MSS, MSS, 0x10 }, { MSS + 2, MSS, 0x10 },
        { 1 + MSS, MSS + 1, 0x10 }, { 1 + MSS, 0, 0x10 },
        { 1 + MSS, MSS, 0x11 }, { 1 + MSS, MSS, 0x12 }, { 1 + MSS, MSS, 0x14 },
        { 1 + MSS, MSS, 0x30 }, { 1 + MSS, MSS, 0x50 }, { 1 + MSS, MSS, 0x90 },
        { 1 + MSS, MSS, 0x00 },
    };
    static uint8_t buf[NET_COALESCE_MAX_BYTES], p[2048];
    NetCoalesce c;

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        start(&c, buf, 4, 1, 0x10);
        g_assert_false(add(&c, buf, p, make(p, 4, cases[i].seq, cases[i].flags,
                                            cases[i].payload)));
        g_assert_cmpuint(c.segments, ==, 1);
    }
    g_assert_false(add(&c, buf, p, make(p, 6, 1 + MSS, 0x10, MSS)));
}

/* Any bit of the headers that differs keeps a segment out, but a few fields */
static void test_other_flow(void)
{
    static uint8_t buf[NET_COALESCE_MAX_BYTES], p[2048];

    for (int version = 4; version <= 6; version += 2) {
        uint32_t l4 = 14 + (version == 4 ? 20 : 40);

        for (uint32_t at = 0; at < l4 + 32; at++) {
            uint32_t bytes = make(p, version, 1 + MSS, 0x10, MSS);
            bool free_v4 = version == 4 && ((at >= 18 && at < 20) ||
                                            (at >= 24 && at < 26));
            bool free_csum = at >= l4 + 16 && at < l4 + 18;
            NetCoalesce c;

            start(&c, buf, version, 1, 0x10);
            p[at] ^= 0x40;
            g_assert(add(&c, buf, p, bytes) == (free_v4 || free_csum));
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net-coalesce/puts_segments_together", test_whole);
    g_test_add_func("/net-coalesce/ends_with_push_or_short", test_end);
    g_test_add_func("/net-coalesce/takes_only_the_next", test_not_the_next);
    g_test_add_func("/net-coalesce/takes_only_the_flow", test_other_flow);
    return g_test_run();
}
