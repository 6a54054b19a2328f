/*
 * The other end of a network card in a qtest: a socket netdev, and frames that
 * are built and checked here, apart from QEMU's own checksum code
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include "qemu/osdep.h"

#define NET_ETH_BYTES       14
#define NET_VLAN_BYTES      4
#define NET_MIN_BYTES       14
#define NET_MAX_BYTES       65600

typedef struct NetWire {
    char *path;
    int listen_fd;
    int fd;                     /* the QEMU that runs now, or -1 */
} NetWire;

/* Arguments for QEMU: a netdev @id that connects here; free with g_free */
char *net_wire_start(NetWire *w, const char *id);
/* Take QEMU's connection; after a migration the new QEMU's */
void net_wire_accept(NetWire *w);
void net_wire_stop(NetWire *w);
void net_wire_send(NetWire *w, const void *frame, uint32_t bytes);
/* False if the kernel's buffer is full: QEMU does not read */
bool net_wire_try_send(NetWire *w, const void *frame, uint32_t bytes);
/* Bytes of the next frame; 0 if none came in @timeout_us */
uint32_t net_wire_wait(NetWire *w, void *frame, int64_t timeout_us);
/* Drop frames until none came for @timeout_us */
void net_wire_drain(NetWire *w, int64_t timeout_us);
/* True if QEMU has read all that was sent */
bool net_wire_is_read(NetWire *w);
/* As net_wire_wait(); aborts if none came */
uint32_t net_wire_expect(NetWire *w, void *frame);

/* A TCP or UDP flow, or neither: then a bare Ethernet frame of type 0x88b5 */
typedef enum NetProto { NET_RAW = 0, NET_TCP = 6, NET_UDP = 17 } NetProto;

typedef struct NetFlow {
    uint8_t dst_mac[6];
    uint8_t src_mac[6];
    bool is_ipv6;
    NetProto proto;
    uint8_t src_ip[16];         /* IPv4: the first four */
    uint8_t dst_ip[16];
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq;
    uint16_t ip_id;
    uint8_t tcp_flags;
    uint8_t tcp_option_bytes;   /* multiple of 4 */
    uint8_t ext_header_bytes;   /* IPv6 hop-by-hop options, multiple of 8 */
} NetFlow;

/* Headers as in a frame: all offsets from its start */
typedef struct NetHeaders {
    bool is_ipv6;
    NetProto proto;
    uint32_t l3;
    uint32_t l4;
    uint32_t payload;
    uint32_t payload_bytes;
    uint16_t ip_id;
    uint32_t seq;
    uint8_t tcp_flags;
} NetHeaders;

/* Is it the pattern @seed? */
bool net_is_filled(const uint8_t *at, uint32_t bytes, uint32_t seed);

/* A flow between two fixed addresses and ports */
NetFlow net_flow(bool is_ipv6, NetProto proto, const uint8_t dst_mac[6],
                 const uint8_t src_mac[6]);
/* Headers and @payload_bytes of pattern @seed, every checksum right */
uint32_t net_build(uint8_t *frame, const NetFlow *flow, uint32_t payload_bytes,
                   uint32_t seed);
/* A bare frame of @bytes in all, pattern @seed */
uint32_t net_build_raw(uint8_t *frame, const NetFlow *flow, uint32_t bytes,
                       uint32_t seed);
/* Find the headers; false if it is no TCP or UDP frame that is whole */
bool net_parse(const uint8_t *frame, uint32_t bytes, NetHeaders *h);
/* Assert that the IPv4 header's and the L4 checksum are right */
void net_assert_good(const uint8_t *frame, uint32_t bytes, NetHeaders *h);
/*
 * What a driver leaves for the host: the pseudo header's sum in the checksum
 * field, without the length if @is_lso
 */
void net_prepare_offload(uint8_t *frame, uint32_t bytes, bool is_lso);

/* Toeplitz over addresses, and ports if @with_ports, of a frame */
uint32_t net_toeplitz(const uint8_t key[40], const uint8_t *frame,
                      const NetHeaders *h, bool with_ports);

#endif /* NET_WIRE_H */
