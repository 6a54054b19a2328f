/*
 * The key and test vectors that the definition of RSS was published with:
 * "Verifying the RSS Hash Calculation" in the NDIS documentation
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include <arpa/inet.h>
#include "net-rss.h"

const uint8_t net_rss_key[NET_RSS_KEY_BYTES] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
    0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
    0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

const NetRssVector net_rss_vectors[NET_RSS_VECTORS] = {
    { false, "66.9.149.187", "161.142.100.80", 2794, 1766,
      0x323e8fc2, 0x51ccc178 },
    { false, "199.92.111.2", "65.69.140.83", 14230, 4739,
      0xd718262a, 0xc626b0ea },
    { false, "24.19.198.95", "12.22.207.184", 12898, 38024,
      0xd2d0a5de, 0x5c2b394a },
    { false, "38.27.205.30", "209.142.163.6", 48228, 2217,
      0x82989176, 0xafc7327f },
    { false, "153.39.163.191", "202.188.127.2", 44251, 1303,
      0x5d1809c5, 0x10e828a2 },
    { true, "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766,
      0x2cc18cd5, 0x40207d3d },
    { true, "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739,
      0x0f0c461c, 0xdde51bbf },
    { true, "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
      "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x4b61e985, 0x02d1feef },
};

NetFlow net_rss_flow(unsigned nth, NetProto proto, const uint8_t dst_mac[6],
                     const uint8_t src_mac[6])
{
    const NetRssVector *v = &net_rss_vectors[nth];
    NetFlow flow = net_flow(v->is_ipv6, proto, dst_mac, src_mac);
    int family = v->is_ipv6 ? AF_INET6 : AF_INET;

    g_assert_cmpint(inet_pton(family, v->src, flow.src_ip), ==, 1);
    g_assert_cmpint(inet_pton(family, v->dst, flow.dst_ip), ==, 1);
    flow.src_port = v->src_port;
    flow.dst_port = v->dst_port;
    return flow;
}
