/*
 * Unit tests of the RSS hash: the vectors of Microsoft's NDIS documentation
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/toeplitz-core.h"

static const uint8_t key[TOEPLITZ_KEY_BYTES] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static void test_ipv4_vectors(void)
{
    static const struct {
        uint32_t src, dst;
        uint16_t sport, dport;
        uint32_t ip, tcp;
    } v[] = {
        { 0x420995bb, 0xa18e6450, 2794, 1766, 0x323e8fc2, 0x51ccc178 },
        { 0xc75c6f02, 0x41458c53, 14230, 4739, 0xd718262a, 0xc626b0ea },
        { 0x1813c65f, 0x0c16cfb8, 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
        { 0x261bcd1e, 0xd18ea306, 48228, 2217, 0x82989176, 0xafc7327f },
        { 0x9927a3bf, 0xcabc7f02, 44251, 1303, 0x5d1809c5, 0x10e828a2 },
    };
    Toeplitz t;

    toeplitz_init(&t, key);
    for (int i = 0; i < ARRAY_SIZE(v); i++) {
        uint8_t in[12];

        stl_be_p(in, v[i].src);
        stl_be_p(in + 4, v[i].dst);
        stw_be_p(in + 8, v[i].sport);
        stw_be_p(in + 10, v[i].dport);
        g_assert_cmphex(toeplitz_hash(&t, in, 8), ==, v[i].ip);
        g_assert_cmphex(toeplitz_hash(&t, in, 12), ==, v[i].tcp);
    }
}

static void test_ipv6_vectors(void)
{
    static const uint8_t in[36] = {
        0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, 7,
        0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, 0, 0, 0, 0, 0, 0, 0, 1,
        2794 >> 8, 2794 & 0xff, 1766 >> 8, 1766 & 0xff,
    };
    Toeplitz t;

    toeplitz_init(&t, key);
    g_assert_cmphex(toeplitz_hash(&t, in, 32), ==, 0x2cc18cd5);
    g_assert_cmphex(toeplitz_hash(&t, in, 36), ==, 0x40207d3d);
}

/* Input past the longest that RSS has does not count, nor read past the key */
static void test_bounds_input(void)
{
    uint8_t in[64];
    Toeplitz t;

    memset(in, 0xff, sizeof(in));
    toeplitz_init(&t, key);
    g_assert_cmphex(toeplitz_hash(&t, in, 0), ==, 0);
    g_assert_cmphex(toeplitz_hash(&t, in, sizeof(in)), ==,
                    toeplitz_hash(&t, in, TOEPLITZ_MAX_BYTES));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/paravisor/toeplitz/ipv4_vectors", test_ipv4_vectors);
    g_test_add_func("/paravisor/toeplitz/ipv6_vectors", test_ipv6_vectors);
    g_test_add_func("/paravisor/toeplitz/bounds_input", test_bounds_input);
    return g_test_run();
}
