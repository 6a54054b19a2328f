/*
 * The key and test vectors that the definition of RSS was published with
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_RSS_H
#define NET_RSS_H

#include "net-wire.h"

#define NET_RSS_KEY_BYTES   40
#define NET_RSS_VECTORS     8

typedef struct NetRssVector {
    bool is_ipv6;
    const char *src, *dst;
    uint16_t src_port, dst_port;
    uint32_t hash_addresses, hash_ports;
} NetRssVector;

extern const uint8_t net_rss_key[NET_RSS_KEY_BYTES];
extern const NetRssVector net_rss_vectors[NET_RSS_VECTORS];

/* The TCP or UDP flow of vector @nth */
NetFlow net_rss_flow(unsigned nth, NetProto proto, const uint8_t dst_mac[6],
                     const uint8_t src_mac[6]);

#endif /* NET_RSS_H */
