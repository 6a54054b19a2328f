/*
 * Unit tests of checksums and segmentation of frames
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/net-frame-core.h"

#define ROOM 64

/* The checksum as RFC 1071 has it, byte by byte */
static uint16_t slow_sum(const uint8_t *p, uint32_t bytes, uint32_t sum)
{
    for (uint32_t i = 0; i < bytes; i++) {
        sum += i % 2 ? p[i] : p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

typedef struct Shape {
    int version;                        /* 4 or 6 */
    uint8_t proto;
    int tags;
    int ip_options;                     /* bytes; IPv6: of an extension */
    int tcp_options;
} Shape;

/* Build a frame with @payload bytes, checksums zero; returns its length */
static uint32_t make(uint8_t *p, const Shape *s, uint32_t payload)
{
    uint32_t l3 = 14 + 4 * s->tags;
    uint32_t ip_bytes = (s->version == 4 ? 20 : 40) + s->ip_options;
    uint32_t l4 = l3 + ip_bytes;
    uint32_t l4_bytes = s->proto == 6 ? 20 + s->tcp_options : 8;
    uint32_t bytes = l4 + l4_bytes + payload;

    for (uint32_t i = 0; i < bytes; i++) {
        p[i] = i * 7 + (i >> 8);
    }
    for (int i = 0; i < s->tags; i++) {
        stw_be_p(p + 12 + 4 * i, 0x8100);
        stw_be_p(p + 14 + 4 * i, 0x6123);
    }
    stw_be_p(p + l3 - 2, s->version == 4 ? 0x0800 : 0x86dd);
    if (s->version == 4) {
        p[l3] = 0x40 | ip_bytes / 4;
        stw_be_p(p + l3 + 2, bytes - l3);
        stw_be_p(p + l3 + 4, 0xfffe);
        stw_be_p(p + l3 + 6, 0x4000);
        p[l3 + 9] = s->proto;
        stw_be_p(p + l3 + 10, 0);
    } else {
        p[l3] = 0x60;
        stw_be_p(p + l3 + 4, bytes - l3 - 40);
        p[l3 + 6] = s->ip_options ? 60 : s->proto;
        if (s->ip_options) {
            p[l3 + 40] = s->proto;
            p[l3 + 41] = s->ip_options / 8 - 1;
        }
    }
    if (s->proto == 6) {
        p[l4 + 12] = l4_bytes / 4 << 4;
        p[l4 + 13] = 0x99;              /* CWR ACK PSH FIN */
        stw_be_p(p + l4 + 16, 0);
    } else {
        stw_be_p(p + l4 + 4, bytes - l4);
        stw_be_p(p + l4 + 6, 0);
    }
    return bytes;
}

static void check_l4(const NetFrame *f, const uint8_t *p)
{
    const uint8_t *ip = p + f->l3_offset;
    uint32_t bytes = f->l4_end - f->l4_offset;
    uint32_t sum = f->ip_version == 4 ? slow_sum(ip + 12, 8, 0)
                                      : slow_sum(ip + 8, 32, 0);

    sum += f->proto + bytes;
    g_assert_cmphex(slow_sum(p + f->l4_offset, bytes, sum), ==, 0xffff);
    g_assert_cmpint(net_frame_check_l4_csum(f, p), ==, NET_FRAME_CSUM_OK);
}

static void check_ip(const NetFrame *f, const uint8_t *p)
{
    if (f->ip_version == 4) {
        g_assert_cmphex(slow_sum(p + f->l3_offset, f->l4_offset - f->l3_offset,
                                 0), ==, 0xffff);
        g_assert_cmpint(net_frame_check_ip_csum(f, p), ==, NET_FRAME_CSUM_OK);
    }
}

static const Shape shapes[] = {
    { 4, 6, 0, 0, 0 }, { 4, 6, 0, 0, 12 }, { 4, 6, 1, 8, 40 },
    { 4, 17, 0, 0, 0 }, { 4, 17, 2, 40, 0 },
    { 6, 6, 0, 0, 12 }, { 6, 6, 1, 16, 0 }, { 6, 17, 0, 0, 0 },
    { 6, 17, 0, 8, 0 },
};

static void test_sum(void)
{
    uint8_t buf[300];

    for (int i = 0; i < sizeof(buf); i++) {
        buf[i] = 0xff - i * 5;
    }
    for (uint32_t offset = 0; offset < 9; offset++) {
        for (uint32_t n = 0; n + offset < sizeof(buf); n++) {
            uint16_t want = slow_sum(buf + offset, n, 0);
            uint16_t got = be16_to_cpu(net_frame_fold(
                               net_frame_sum(buf + offset, n)));

            g_assert(got == want || (!got && want == 0xffff));
        }
    }
    g_assert_cmphex(net_frame_fold(UINT64_MAX), ==, 0xffff);
    g_assert_cmphex(net_frame_fold(0), ==, 0);
}

/* In two parts, wherever the cut is */
static void test_sum_of_parts(void)
{
    uint8_t buf[200];

    for (int i = 0; i < sizeof(buf); i++) {
        buf[i] = i * 31 + 5;
    }
    for (uint32_t n = 1; n < sizeof(buf); n++) {
        for (uint32_t cut = 0; cut <= n; cut += 7) {
            uint64_t sum = net_frame_sum_part(buf, cut, 0) +
                           net_frame_sum_part(buf + cut, n - cut, cut);

            g_assert_cmphex(be16_to_cpu(net_frame_fold(sum)), ==,
                            slow_sum(buf, n, 0));
        }
    }
}

static void test_checksums(void)
{
    uint8_t buf[ROOM + 4096];
    uint8_t *p = buf + ROOM;

    for (int i = 0; i < ARRAY_SIZE(shapes); i++) {
        for (uint32_t payload = 0; payload < 2000; payload += 37) {
            uint32_t bytes = make(p, &shapes[i], payload);
            NetFrame f;

            net_frame_parse(&f, p, bytes);
            g_assert_cmpuint(f.ip_version, ==, shapes[i].version);
            g_assert_cmpuint(f.payload_offset + payload, ==, bytes);
            g_assert(f.has_vlan == !!shapes[i].tags);
            g_assert(net_frame_is_tcp(&f) == (shapes[i].proto == 6));
            g_assert(net_frame_is_udp(&f) == (shapes[i].proto == 17));
            net_frame_set_ip_csum(&f, p);
            net_frame_set_l4_csum(&f, p, false);
            check_ip(&f, p);
            check_l4(&f, p);
            p[bytes - 1]++;
            g_assert_cmpint(net_frame_check_l4_csum(&f, p), ==,
                            NET_FRAME_CSUM_BAD);
            p[bytes - 1]--;
            /* what the guest left in the field does not count; padding neither */
            memset(p + bytes, 0x77, 20);
            net_frame_parse(&f, p, bytes + 20);
            net_frame_set_l4_csum(&f, p, false);
            check_l4(&f, p);
        }
    }
}

/* The field that NEEDS_CSUM wants: summing all up gives the checksum */
static void test_partial(void)
{
    uint8_t buf[ROOM + 4096];
    uint8_t *p = buf + ROOM;

    for (int i = 0; i < ARRAY_SIZE(shapes); i++) {
        uint32_t bytes = make(p, &shapes[i], 101);
        uint8_t *field;
        uint16_t whole;
        NetFrame f;

        net_frame_parse(&f, p, bytes);
        field = p + f.l4_offset + net_frame_csum_offset(&f);
        net_frame_set_l4_csum(&f, p, false);
        whole = lduw_he_p(field);
        net_frame_set_l4_csum(&f, p, true);
        g_assert_cmphex((uint16_t)~net_frame_fold(net_frame_sum(
                        p + f.l4_offset, bytes - f.l4_offset)), ==, whole);
    }
}

static void test_udp_zero(void)
{
    static const Shape udp = { 4, 17 };
    uint8_t buf[ROOM + 128];
    uint8_t *p = buf + ROOM;
    uint32_t bytes = make(p, &udp, 2);
    NetFrame f;

    net_frame_parse(&f, p, bytes);
    g_assert_cmpint(net_frame_check_l4_csum(&f, p), ==, NET_FRAME_CSUM_NONE);
    /* a payload that makes the sum come out as 0 */
    stw_be_p(p + bytes - 2, 0);
    net_frame_set_l4_csum(&f, p, false);
    memcpy(p + bytes - 2, p + f.l4_offset + 6, 2);
    net_frame_set_l4_csum(&f, p, false);
    g_assert_cmphex(lduw_he_p(p + f.l4_offset + 6), ==, 0xffff);
    check_l4(&f, p);
}

static void check_segment(const Shape *s, const uint8_t *seg, uint32_t bytes,
                          const uint8_t *whole, uint32_t *done, uint32_t mss,
                          int idx, uint32_t payload)
{
    uint32_t n = MIN(mss, payload - *done);
    bool is_last = *done + n == payload;
    uint8_t flags = 0x10 | (is_last ? 0x09 : 0) | (idx ? 0 : 0x80);
    NetFrame f;

    net_frame_parse(&f, seg, bytes);
    g_assert_true(f.has_ip_length);
    g_assert_cmpuint(f.l4_end, ==, bytes);
    g_assert_cmpuint(bytes - f.payload_offset, ==, n);
    g_assert_cmpmem(seg + f.payload_offset, n,
                    whole + f.payload_offset + *done, n);
    check_ip(&f, seg);
    check_l4(&f, seg);
    g_assert_cmphex((uint32_t)ldl_be_p(seg + f.l4_offset + 4), ==,
                    (uint32_t)ldl_be_p(whole + f.l4_offset + 4) + *done);
    g_assert_cmphex(seg[f.l4_offset + 13], ==, flags);
    if (f.ip_version == 4) {
        g_assert_cmphex(lduw_be_p(seg + f.l3_offset + 4), ==,
                        (uint16_t)(0xfffe + idx));
    }
    *done += n;
}

static void test_cut(void)
{
    static const uint32_t sizes[][2] = {
        { 1, 1000 }, { 1000, 1000 }, { 1001, 1000 }, { 2000, 1000 },
        { 65400, 1448 }, { 65000, 8948 }, { 999, 8 }, { 64001, 536 },
    };
    g_autofree uint8_t *buf = g_malloc(ROOM + 70000);
    g_autofree uint8_t *whole = g_malloc(70000);
    uint8_t *p = buf + ROOM;

    for (int i = 0; i < ARRAY_SIZE(shapes); i++) {
        for (int j = 0; j < ARRAY_SIZE(sizes) && shapes[i].proto == 6; j++) {
            uint32_t payload = sizes[j][0], mss = sizes[j][1], done = 0, n;
            uint32_t bytes = make(p, &shapes[i], payload);
            NetFrameCutter c;
            uint8_t *seg;
            NetFrame f;

            /* guests leave out the length and the checksum of IPv4 */
            net_frame_parse(&f, p, bytes);
            stw_be_p(p + f.l3_offset + (f.ip_version == 4 ? 2 : 4), 0);
            net_frame_parse(&f, p, bytes);
            g_assert_false(f.has_ip_length);
            g_assert_true(net_frame_fix_large(&f, p));
            g_assert_true(f.has_ip_length);
            check_ip(&f, p);
            memcpy(whole, p, bytes);
            net_frame_cut_begin(&c, &f, p, mss);
            for (int idx = 0; (seg = net_frame_cut_next(&c, &n)); idx++) {
                check_segment(&shapes[i], seg, n, whole, &done, mss, idx,
                              payload);
            }
            g_assert_cmpuint(done, ==, payload);
        }
    }
}

/* The payload is elsewhere, the headers alone were looked at */
static void test_cut_pieces(void)
{
    g_autofree uint8_t *whole = g_malloc(70000);
    g_autofree uint8_t *seg = g_malloc(70000);
    uint32_t payload = 64001, mss = 1448;

    for (int i = 0; i < ARRAY_SIZE(shapes); i++) {
        uint32_t bytes = make(whole, &shapes[i], payload);
        uint32_t head_bytes = bytes - payload, done = 0, n;
        g_autofree uint8_t *head = g_memdup2(whole, head_bytes);
        NetFrameCutter c;
        NetFrame f;

        if (shapes[i].proto != 6) {
            continue;
        }
        net_frame_parse_head(&f, head, head_bytes, bytes);
        stw_be_p(head + f.l3_offset + (f.ip_version == 4 ? 2 : 4), 0);
        net_frame_parse_head(&f, head, head_bytes, bytes);
        g_assert_cmpuint(f.payload_offset, ==, head_bytes);
        net_frame_cut_begin(&c, &f, head, mss);
        for (int idx = 0; (n = net_frame_cut_bytes(&c)); idx++) {
            memcpy(seg + head_bytes, whole + c.next, n);
            net_frame_cut_header(&c, seg, n);
            check_segment(&shapes[i], seg, head_bytes + n, whole, &done, mss,
                          idx, payload);
        }
        g_assert_cmpuint(done, ==, payload);
        /* what somebody else is to cut */
        g_assert_true(net_frame_fix_large(&f, head));
        g_assert_true(f.has_ip_length);
        g_assert_cmpuint(f.l4_end, ==, bytes);
        check_ip(&f, head);
    }
}

/* However little there is of it: no header that is not there */
static void test_head(void)
{
    for (int i = 0; i < ARRAY_SIZE(shapes); i++) {
        uint8_t whole[256];
        uint32_t bytes = make(whole, &shapes[i], 20);
        uint32_t payload_offset = bytes - 20;

        for (uint32_t n = 14; n <= bytes; n++) {
            g_autofree uint8_t *head = g_memdup2(whole, n);
            bool is_there;
            NetFrame f;

            net_frame_parse_head(&f, head, n, bytes);
            is_there = net_frame_is_tcp(&f) || net_frame_is_udp(&f);
            g_assert_cmpint(is_there, ==, n >= payload_offset);
            if (is_there) {
                g_assert_cmpuint(f.payload_offset, ==, payload_offset);
                g_assert_cmpuint(f.l4_end, ==, bytes);
            }
        }
    }
}

/* UDP has a length of its own */
static void test_l4_bytes(void)
{
    static const Shape udp = { 4, 17 }, tcp = { 4, 6 };
    static const uint16_t lengths[][2] = {
        { 0, 0 }, { 7, 0 }, { 8, 8 }, { 27, 27 }, { 28, 28 }, { 29, 0 },
        { 0xffff, 0 },
    };
    uint8_t p[256];
    uint32_t bytes = make(p, &tcp, 20);
    NetFrame f;

    net_frame_parse(&f, p, bytes);
    g_assert_cmpuint(net_frame_l4_bytes(&f, p), ==, 40);
    bytes = make(p, &udp, 20);
    net_frame_parse(&f, p, bytes);
    for (int i = 0; i < ARRAY_SIZE(lengths); i++) {
        stw_be_p(p + f.l4_offset + 4, lengths[i][0]);
        g_assert_cmpuint(net_frame_l4_bytes(&f, p), ==, lengths[i][1]);
    }
}

static void test_not_large(void)
{
    g_autofree uint8_t *p = g_malloc0(80000);
    static const Shape udp = { 4, 17 }, tcp4 = { 4, 6 }, tcp6 = { 6, 6 };
    NetFrame f;
    uint32_t bytes;

    bytes = make(p, &udp, 3000);
    net_frame_parse(&f, p, bytes);
    g_assert_false(net_frame_fix_large(&f, p));
    /* too long for the length fields */
    bytes = make(p, &tcp4, 65535 - 40 + 1);
    net_frame_parse(&f, p, bytes);
    g_assert_false(net_frame_fix_large(&f, p));
    bytes = make(p, &tcp4, 65535 - 40);
    net_frame_parse(&f, p, bytes);
    g_assert_true(net_frame_fix_large(&f, p));
    bytes = make(p, &tcp6, 65535 - 20 + 1);
    net_frame_parse(&f, p, bytes);
    g_assert_false(net_frame_fix_large(&f, p));
    memset(p, 0, 100);
    net_frame_parse(&f, p, 100);
    g_assert_false(net_frame_fix_large(&f, p));
}

static void test_fragments(void)
{
    static const Shape tcp4 = { 4, 6 }, ext6 = { 6, 6, 0, 8, 0 };
    uint8_t p[2048];
    uint32_t bytes = make(p, &tcp4, 1000);
    NetFrame f;

    stw_be_p(p + 14 + 6, 0x2000);
    net_frame_parse(&f, p, bytes);
    g_assert_true(f.is_fragment);
    g_assert_false(net_frame_is_tcp(&f));
    g_assert_cmpint(net_frame_check_l4_csum(&f, p), ==, NET_FRAME_CSUM_NONE);
    bytes = make(p, &ext6, 1000);
    p[14 + 6] = 44;
    stw_be_p(p + 14 + 42, 0x0001);
    net_frame_parse(&f, p, bytes);
    g_assert_true(f.is_fragment);
    g_assert_false(net_frame_is_tcp(&f));
    /* one that is alone is none */
    stw_be_p(p + 14 + 42, 0);
    net_frame_parse(&f, p, bytes);
    g_assert_true(net_frame_is_tcp(&f));
}

/* Cut short at any byte, or changed at any byte: nothing is read past the end */
static void test_any_frame(void)
{
    for (int i = 0; i < ARRAY_SIZE(shapes); i++) {
        uint8_t whole[256];
        uint32_t bytes = make(whole, &shapes[i], 20);

        for (uint32_t n = 14; n <= bytes; n++) {
            for (uint32_t at = 12; at < n; at++) {
                /* on the heap: the sanitizer watches the ends */
                g_autofree uint8_t *p = g_memdup2(whole, n);
                NetFrame f;

                p[at] = at % 3 ? 0xff : 0;
                net_frame_parse_head(&f, p, n, bytes);
                g_assert_cmpuint(f.l4_end, <=, bytes);
                g_assert_cmpuint(f.payload_offset, <=, n);
                net_frame_check_ip_csum(&f, p);
                net_frame_parse(&f, p, n);
                g_assert_cmpuint(f.l4_end, <=, n);
                g_assert_cmpuint(f.payload_offset, <=, n);
                net_frame_check_ip_csum(&f, p);
                net_frame_check_l4_csum(&f, p);
                if (net_frame_is_tcp(&f) || net_frame_is_udp(&f)) {
                    net_frame_set_l4_csum(&f, p, false);
                }
                net_frame_set_ip_csum(&f, p);
                net_frame_fix_large(&f, p);
            }
        }
    }
}

static void test_push_vlan(void)
{
    static const Shape tcp4 = { 4, 6 };
    uint8_t buf[ROOM + 256];
    uint8_t *p = buf + ROOM;
    uint32_t bytes = make(p, &tcp4, 10);
    uint8_t macs[12];
    NetFrame f;

    memcpy(macs, p, 12);
    p = net_frame_push_vlan(p, 0xe123);
    net_frame_parse(&f, p, bytes + 4);
    g_assert_true(f.has_vlan);
    g_assert_cmphex(f.vlan_tci, ==, 0xe123);
    g_assert_true(net_frame_is_tcp(&f));
    g_assert_cmpmem(macs, 12, p, 12);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net-frame/sum", test_sum);
    g_test_add_func("/net-frame/sum_of_parts", test_sum_of_parts);
    g_test_add_func("/net-frame/checksums", test_checksums);
    g_test_add_func("/net-frame/partial_checksums", test_partial);
    g_test_add_func("/net-frame/udp_checksum_is_never_zero", test_udp_zero);
    g_test_add_func("/net-frame/cuts_large_packets", test_cut);
    g_test_add_func("/net-frame/cuts_packets_in_pieces", test_cut_pieces);
    g_test_add_func("/net-frame/cuts_nothing_else", test_not_large);
    g_test_add_func("/net-frame/looks_at_the_head_alone", test_head);
    g_test_add_func("/net-frame/udp_has_a_length_of_its_own", test_l4_bytes);
    g_test_add_func("/net-frame/fragments", test_fragments);
    g_test_add_func("/net-frame/reads_not_past_the_end", test_any_frame);
    g_test_add_func("/net-frame/push_vlan", test_push_vlan);
    return g_test_run();
}
