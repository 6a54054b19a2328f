/*
 * Unit tests of MANA's frames: headers, checksums, RSS, segmentation
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/mana-frame-core.h"

#define PAYLOAD_MAX 70000

/* The plain way: word by word, big endian (RFC 1071) */
static uint32_t slow_sum(const uint8_t *p, size_t bytes, uint32_t sum)
{
    for (size_t i = 0; i < bytes; i++) {
        sum += i & 1 ? p[i] : p[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/* Sum over a frame's TCP or UDP with its pseudo header: 0xffff if right */
static uint32_t slow_l4_sum(const uint8_t *frame, const ManaFrame *f)
{
    uint32_t bytes = f->l3_end - f->l4_offset;
    bool is_v6 = f->ip_version == 6;
    uint32_t sum = slow_sum(frame + f->l3_offset + (is_v6 ? 8 : 12),
                            is_v6 ? 32 : 8, 0);

    sum += (f->l4 == MANA_L4_TCP ? 6 : 17) + bytes;
    return slow_sum(frame + f->l4_offset, bytes, sum);
}

/* A frame with @payload bytes; returns its length, *@head that of its headers */
static uint32_t make_frame(uint8_t *buf, bool vlan, int ip, ManaL4 l4,
                           uint32_t payload, uint32_t *head)
{
    uint32_t at = 12, l3, l4_bytes = l4 == MANA_L4_TCP ? 32 : 8;

    memset(buf, 0x11, 12);
    if (vlan) {
        stw_be_p(buf + at, 0x8100);
        stw_be_p(buf + at + 2, 0x6123);
        at += 4;
    }
    stw_be_p(buf + at, ip == 4 ? 0x0800 : 0x86dd);
    l3 = at += 2;
    memset(buf + at, 0, 40);
    if (ip == 4) {
        buf[at] = 0x45;
        stw_be_p(buf + at + 2, 20 + l4_bytes + payload);
        stw_be_p(buf + at + 4, 0xfffe);
        buf[at + 8] = 64;
        buf[at + 9] = l4 == MANA_L4_TCP ? 6 : 17;
        stl_be_p(buf + at + 12, 0x0a000001);
        stl_be_p(buf + at + 16, 0x0a0000fe);
        at += 20;
    } else {
        buf[at] = 0x60;
        stw_be_p(buf + at + 4, l4_bytes + payload);
        buf[at + 6] = l4 == MANA_L4_TCP ? 6 : 17;
        memset(buf + at + 8, 0xfd, 16);
        memset(buf + at + 24, 0xfe, 16);
        at += 40;
    }
    memset(buf + at, 0, l4_bytes);
    stw_be_p(buf + at, 40000);
    stw_be_p(buf + at + 2, 443);
    if (l4 == MANA_L4_TCP) {
        stl_be_p(buf + at + 4, 0xfffffff0);
        buf[at + 12] = 0x80;
        buf[at + 13] = 0x80 | 0x10 | 0x08 | 0x01;      /* CWR ACK PSH FIN */
    } else {
        stw_be_p(buf + at + 4, 8 + payload);
    }
    at += l4_bytes;
    *head = at;
    for (uint32_t i = 0; i < payload; i++) {
        buf[at + i] = i * 7 + (i >> 8);
    }
    g_assert_cmpuint(l3, >, 0);
    return at + payload;
}

static void test_sums_at_any_offset(void)
{
    uint8_t buf[300];

    for (int i = 0; i < sizeof(buf); i++) {
        buf[i] = i * 31 + 5;
    }
    for (int len = 0; len < 200; len++) {
        for (int split = 0; split <= len; split += 7) {
            uint32_t sum = mana_csum_add(0, buf, split, false);
            uint16_t got;

            sum = mana_csum_add(sum, buf + split, len - split, split & 1);
            got = mana_csum_finish(sum);
            g_assert_cmphex(be16_to_cpu(got), ==,
                            (uint16_t)~slow_sum(buf, len, 0));
        }
    }
}

static void test_finds_headers(void)
{
    static const int ips[] = { 4, 6 };
    uint8_t buf[512];

    for (int v = 0; v < 2; v++) {
        for (int i = 0; i < 2; i++) {
            for (ManaL4 l4 = MANA_L4_TCP; l4 <= MANA_L4_UDP; l4++) {
                uint32_t head, bytes = make_frame(buf, v, ips[i], l4, 50,
                                                  &head);
                ManaFrame f;

                g_assert_true(mana_frame_parse(&f, buf, MIN(bytes, 256),
                                               bytes));
                g_assert_cmpint(f.has_vlan, ==, v);
                g_assert_cmphex(f.vlan_tci, ==, v ? 0x6123 : 0);
                g_assert_cmpint(f.ip_version, ==, ips[i]);
                g_assert_cmpint(f.l4, ==, l4);
                g_assert_cmpuint(f.payload_offset, ==, head);
                g_assert_cmpuint(f.l3_end, ==, bytes);
                /* however little there is of it: no header that is not there */
                for (uint32_t have = 0; have <= MIN(bytes, 256); have++) {
                    if (mana_frame_parse(&f, buf, have, have) && f.l4) {
                        g_assert_cmpuint(f.payload_offset, <=, have);
                    }
                    mana_frame_parse(&f, buf, have, bytes);
                    g_assert_true(!f.l4 || f.l4_offset + 8 <= have);
                }
            }
        }
    }
}

static void test_survives_any_header(void)
{
    uint8_t buf[256];

    for (int i = 0; i < 200000; i++) {
        uint32_t head, bytes = make_frame(buf, i & 1, i & 2 ? 4 : 6,
                                          MANA_L4_TCP, 60, &head);
        uint16_t type;
        Toeplitz t;
        ManaFrame f;

        toeplitz_init(&t, buf);
        for (int n = 0; n < 4; n++) {
            buf[12 + g_test_rand_int_range(0, head - 12)] =
                g_test_rand_int_range(0, 256);
        }
        if (!mana_frame_parse(&f, buf, bytes, bytes)) {
            continue;
        }
        g_assert_cmpuint(f.l3_end, <=, bytes);
        if (f.l4) {
            g_assert_cmpuint(f.payload_offset, <=, f.l3_end);
        }
        mana_frame_hash(&f, buf, &t, 0x1ff, &type);
        if (f.ip_version == 4) {
            mana_ip_csum_fill(&f, buf);
            g_assert_true(mana_ip_csum_ok(&f, buf));
        }
    }
}

static void test_fragments_have_no_ports(void)
{
    uint8_t buf[256];
    uint32_t head, bytes = make_frame(buf, false, 4, MANA_L4_UDP, 60, &head);
    uint16_t type;
    Toeplitz t;
    ManaFrame f;

    memset(&t, 0, sizeof(t));
    stw_be_p(buf + 14 + 6, 0x2000);
    g_assert_true(mana_frame_parse(&f, buf, bytes, bytes));
    g_assert_cmpint(f.ip_version, ==, 4);
    g_assert_cmpint(f.l4, ==, MANA_L4_NONE);
    mana_frame_hash(&f, buf, &t, 0x1ff, &type);
    g_assert_cmphex(type, ==, MANA_HASH_IPV4);
    mana_frame_hash(&f, buf, &t, MANA_HASH_TCP_IPV4, &type);
    g_assert_cmphex(type, ==, 0);
}

static void test_inserts_tag(void)
{
    uint8_t tagged[256], plain[256];
    uint32_t head, bytes = make_frame(tagged, true, 4, MANA_L4_TCP, 60, &head);
    ManaFrame f, want;

    make_frame(plain, false, 4, MANA_L4_TCP, 60, &head);
    g_assert_true(mana_frame_parse(&want, tagged, bytes, bytes));
    g_assert_true(mana_frame_parse(&f, plain, bytes - 4, bytes - 4));
    mana_vlan_insert(&f, plain, bytes - 4, 0x6123);
    g_assert_cmpmem(plain, bytes, tagged, bytes);
    g_assert_cmpuint(f.l4_offset, ==, want.l4_offset);
    g_assert_cmpuint(f.payload_offset, ==, want.payload_offset);
    g_assert_cmpuint(f.l3_end, ==, want.l3_end);
}

/* Segments are what a driver would have sent one by one */
static void check_segments(bool vlan, int ip, uint32_t payload, uint32_t mss)
{
    g_autofree uint8_t *frame = g_malloc(PAYLOAD_MAX + 256);
    g_autofree uint8_t *out = g_malloc(0x4000 + 256);
    uint32_t head, idx = 0;
    ManaLso lso = { .hdr = frame, .payload_bytes = payload, .mss = mss };

    make_frame(frame, vlan, ip, MANA_L4_TCP, payload, &head);
    /* as drivers leave it in a packet to be segmented */
    stw_be_p(frame + (vlan ? 18 : 14) + (ip == 4 ? 2 : 4), 0);
    lso.hdr_bytes = head;
    g_assert_true(mana_frame_parse(&lso.frame, frame, head, head + payload));
    g_assert_true(mana_lso_ok(&lso));

    for (uint32_t at = 0; at < payload; at += mss, idx++) {
        uint32_t n = MIN(mss, payload - at);
        const uint8_t *tcp = out + lso.frame.l4_offset;
        ManaFrame f;

        memcpy(out + head, frame + head + at, n);
        mana_lso_segment(&lso, out, at, n,
                         mana_csum_add(0, out + head, n, false));
        g_assert_true(mana_frame_parse(&f, out, MIN(head + n, 256), head + n));
        g_assert_cmpuint(f.l3_end, ==, head + n);
        g_assert_cmphex(slow_l4_sum(out, &f), ==, 0xffff);
        g_assert_cmphex((uint32_t)ldl_be_p(tcp + 4), ==, 0xfffffff0 + at);
        g_assert_cmpint(!!(tcp[13] & 0x80), ==, at == 0);
        g_assert_cmpint(!!(tcp[13] & 0x09), ==, at + n == payload);
        if (ip == 4) {
            g_assert_cmphex(slow_sum(out + f.l3_offset, 20, 0), ==, 0xffff);
            g_assert_cmphex(lduw_be_p(out + f.l3_offset + 4), ==,
                            (uint16_t)(0xfffe + idx));
        }
    }
}

static void test_segments(void)
{
    static const uint32_t msses[] = { 1, 7, 536, 1448, 8948, 16383 };

    for (size_t i = 0; i < ARRAY_SIZE(msses); i++) {
        uint32_t mss = msses[i];
        uint32_t payloads[] = { 1, mss, mss + 1, 3 * mss - 1, 3 * mss };

        for (size_t p = 0; p < ARRAY_SIZE(payloads); p++) {
            check_segments(false, 4, payloads[p], mss);
            check_segments(true, 4, payloads[p], mss);
            check_segments(false, 6, payloads[p], mss);
            check_segments(true, 6, payloads[p], mss);
        }
    }
    check_segments(false, 4, 65000, 1448);
}

static void test_prepares_for_others(void)
{
    g_autofree uint8_t *frame = g_malloc(PAYLOAD_MAX + 256);
    uint8_t out[256];
    uint32_t head;
    ManaLso lso = { .hdr = frame, .payload_bytes = 10000, .mss = 1448 };
    uint32_t sum;

    make_frame(frame, false, 4, MANA_L4_TCP, 10000, &head);
    lso.hdr_bytes = head;
    g_assert_true(mana_frame_parse(&lso.frame, frame, head, head + 10000));
    g_assert_true(mana_lso_prepare(&lso, out));
    g_assert_cmpuint(lduw_be_p(out + 16), ==, 20 + 32 + 10000);
    g_assert_cmphex(slow_sum(out + 14, 20, 0), ==, 0xffff);
    sum = slow_sum(out + 26, 8, 6 + 32 + 10000);
    g_assert_cmphex(lduw_be_p(out + 34 + 16), ==, sum);
    /* longer than an IP header can say */
    lso.payload_bytes = 65536 - 52;
    g_assert_false(mana_lso_prepare(&lso, out));
}

static void test_rejects_odd_segmentation(void)
{
    uint8_t frame[512];
    uint32_t head;
    ManaLso lso = { .hdr = frame, .payload_bytes = 100, .mss = 50 };

    make_frame(frame, false, 4, MANA_L4_TCP, 100, &head);
    lso.hdr_bytes = head;
    g_assert_true(mana_frame_parse(&lso.frame, frame, head, head + 100));
    g_assert_true(mana_lso_ok(&lso));
    lso.mss = 0;
    g_assert_false(mana_lso_ok(&lso));
    lso.mss = 50;
    lso.hdr_bytes = head + 1;
    g_assert_false(mana_lso_ok(&lso));
    lso.hdr_bytes = head;
    lso.payload_bytes = 0;
    g_assert_false(mana_lso_ok(&lso));
    make_frame(frame, false, 4, MANA_L4_UDP, 100, &head);
    lso.payload_bytes = 100;
    lso.hdr_bytes = head;
    g_assert_true(mana_frame_parse(&lso.frame, frame, head, head + 100));
    g_assert_false(mana_lso_ok(&lso));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) \
    g_test_add_func("/paravisor/mana-frame-core/" #name, test_ ## name)
    ADD(sums_at_any_offset);
    ADD(finds_headers);
    ADD(survives_any_header);
    ADD(fragments_have_no_ports);
    ADD(inserts_tag);
    ADD(segments);
    ADD(prepares_for_others);
    ADD(rejects_odd_segmentation);
    return g_test_run();
}
