/*
 * Unit tests of MANA's frames: RSS, tags
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/mana-frame-core.h"

#define PROTO_TCP       NET_FRAME_PROTO_TCP
#define PROTO_UDP       NET_FRAME_PROTO_UDP

/* A frame with @payload bytes; returns its length */
static uint32_t make_frame(uint8_t *buf, bool vlan, int ip, uint8_t proto,
                           uint32_t payload)
{
    uint32_t at = 12, l4_bytes = proto == PROTO_TCP ? 32 : 8;

    memset(buf, 0x11, 12);
    if (vlan) {
        stw_be_p(buf + at, 0x8100);
        stw_be_p(buf + at + 2, 0x6123);
        at += 4;
    }
    stw_be_p(buf + at, ip == 4 ? 0x0800 : 0x86dd);
    at += 2;
    memset(buf + at, 0, 40);
    if (ip == 4) {
        buf[at] = 0x45;
        stw_be_p(buf + at + 2, 20 + l4_bytes + payload);
        buf[at + 9] = proto;
        stl_be_p(buf + at + 12, 0x0a000001);
        stl_be_p(buf + at + 16, 0x0a0000fe);
        at += 20;
    } else {
        buf[at] = 0x60;
        stw_be_p(buf + at + 4, l4_bytes + payload);
        buf[at + 6] = proto;
        memset(buf + at + 8, 0xfd, 16);
        memset(buf + at + 24, 0xfe, 16);
        at += 40;
    }
    memset(buf + at, 0, l4_bytes);
    stw_be_p(buf + at, 40000);
    stw_be_p(buf + at + 2, 443);
    if (proto == PROTO_TCP) {
        buf[at + 12] = 0x80;
    } else {
        stw_be_p(buf + at + 4, 8 + payload);
    }
    at += l4_bytes;
    memset(buf + at, 0x22, payload);
    return at + payload;
}

/* The hash of a frame, and the one of what it should be over */
static void check_hash(int ip, uint8_t proto, uint16_t types, uint16_t want)
{
    bool ports = want & ~(MANA_HASH_IPV4 | MANA_HASH_IPV6);
    uint32_t l3 = 14, l3_bytes = ip == 4 ? 20 : 40;
    uint32_t addresses = ip == 4 ? 8 : 32;
    uint8_t buf[256], input[TOEPLITZ_MAX_BYTES];
    uint32_t bytes = make_frame(buf, false, ip, proto, 60), hash;
    uint16_t type;
    Toeplitz t;
    NetFrame f;

    toeplitz_init(&t, buf);
    net_frame_parse(&f, buf, bytes);
    hash = mana_frame_hash(&f, buf, &t, types, &type);
    g_assert_cmphex(type, ==, want);
    memcpy(input, buf + l3 + l3_bytes - addresses, addresses);
    memcpy(input + addresses, buf + l3 + l3_bytes, 4);
    g_assert_cmphex(hash, ==, !want ? 0 :
                    toeplitz_hash(&t, input, addresses + (ports ? 4 : 0)));
}

static void test_hashes_what_is_allowed(void)
{
    const uint16_t all = UINT16_MAX;

    check_hash(4, PROTO_TCP, all, MANA_HASH_TCP_IPV4);
    check_hash(4, PROTO_UDP, all, MANA_HASH_UDP_IPV4);
    check_hash(6, PROTO_TCP, all, MANA_HASH_TCP_IPV6);
    check_hash(6, PROTO_UDP, all, MANA_HASH_UDP_IPV6);
    check_hash(4, PROTO_TCP, MANA_HASH_IPV4 | MANA_HASH_UDP_IPV4,
               MANA_HASH_IPV4);
    check_hash(6, PROTO_UDP, MANA_HASH_IPV6, MANA_HASH_IPV6);
    check_hash(4, PROTO_TCP, MANA_HASH_IPV6 | MANA_HASH_TCP_IPV6, 0);
    check_hash(4, PROTO_UDP, MANA_HASH_UDP_IPV4, MANA_HASH_UDP_IPV4);
    check_hash(4, PROTO_UDP, 0, 0);
}

static void test_hashes_any_header(void)
{
    uint8_t buf[256];

    for (int i = 0; i < 50000; i++) {
        uint32_t bytes = make_frame(buf, i & 1, i & 2 ? 4 : 6, PROTO_TCP, 60);
        uint32_t head_bytes = g_test_rand_int_range(14, bytes + 1);
        g_autofree uint8_t *head = g_memdup2(buf, head_bytes);
        uint16_t type;
        Toeplitz t;
        NetFrame f;

        toeplitz_init(&t, buf);
        for (int n = 0; n < 4; n++) {
            head[g_test_rand_int_range(0, head_bytes)] =
                g_test_rand_int_range(0, 256);
        }
        net_frame_parse_head(&f, head, head_bytes, bytes);
        mana_frame_hash(&f, head, &t, UINT16_MAX, &type);
    }
}

static void test_fragments_have_no_ports(void)
{
    uint8_t buf[256];
    uint32_t bytes = make_frame(buf, false, 4, PROTO_UDP, 60);
    uint16_t type;
    Toeplitz t;
    NetFrame f;

    memset(&t, 0, sizeof(t));
    stw_be_p(buf + 14 + 6, 0x2000);
    net_frame_parse(&f, buf, bytes);
    g_assert_cmpint(f.ip_version, ==, 4);
    mana_frame_hash(&f, buf, &t, UINT16_MAX, &type);
    g_assert_cmphex(type, ==, MANA_HASH_IPV4);
    mana_frame_hash(&f, buf, &t, MANA_HASH_UDP_IPV4, &type);
    g_assert_cmphex(type, ==, 0);
}

static void check_tag(int ip, uint8_t proto)
{
    uint8_t tagged[256], plain[256];
    uint32_t bytes = make_frame(tagged, true, ip, proto, 60);
    NetFrame f, want;

    make_frame(plain, false, ip, proto, 60);
    net_frame_parse(&want, tagged, bytes);
    net_frame_parse(&f, plain, bytes - 4);
    mana_vlan_insert(&f, plain, bytes - 4, 0x6123);
    g_assert_cmpmem(plain, bytes, tagged, bytes);
    g_assert_cmpuint(f.bytes, ==, want.bytes);
    g_assert_cmpuint(f.head_bytes, ==, want.head_bytes);
    g_assert_cmpuint(f.l3_offset, ==, want.l3_offset);
    g_assert_cmpuint(f.l4_offset, ==, want.l4_offset);
    g_assert_cmpuint(f.payload_offset, ==, want.payload_offset);
    g_assert_cmpuint(f.l4_end, ==, want.l4_end);
}

static void test_inserts_tag(void)
{
    check_tag(4, PROTO_TCP);
    check_tag(4, PROTO_UDP);
    check_tag(6, PROTO_TCP);
    check_tag(6, 50);
}

/* Too many tags for others to find the headers: they are known here all the same */
static void test_cuts_behind_three_tags(void)
{
    uint8_t buf[1024];
    uint32_t bytes = make_frame(buf, true, 4, PROTO_TCP, 600);
    NetFrame f, before;
    NetFrameCutter c;

    net_frame_parse(&f, buf, bytes);
    for (int i = 0; i < 2; i++) {
        mana_vlan_insert(&f, buf, f.bytes, 5);
    }
    before = f;
    g_assert_false(net_frame_fix_large(&f, buf));
    g_assert_cmpmem(&f, sizeof(f), &before, sizeof(before));
    net_frame_cut_begin(&c, &f, buf, 400);
    g_assert_cmpuint(c.next, ==, bytes + 8 - 600);
    g_assert_cmpuint(net_frame_cut_bytes(&c), ==, 400);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) \
    g_test_add_func("/paravisor/mana-frame-core/" #name, test_ ## name)
    ADD(hashes_what_is_allowed);
    ADD(hashes_any_header);
    ADD(fragments_have_no_ports);
    ADD(inserts_tag);
    ADD(cuts_behind_three_tags);
    return g_test_run();
}
