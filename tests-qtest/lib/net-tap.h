/*
 * The other end of a network card in a qtest: a tap with virtio-net headers, in a
 * network namespace of its own
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_TAP_H
#define NET_TAP_H

#include "standard-headers/linux/virtio_net.h"
#include "net-wire.h"

typedef struct NetTap {
    int fd;                     /* QEMU's; inherited */
    int wire;                   /* packet socket on the interface */
} NetTap;

/* False if this host does not let us have one: the test is skipped then */
bool net_tap_open(NetTap *t);
/* Does the interface give large TCP packets to QEMU? */
bool net_tap_has_tso(NetTap *t);
void net_tap_close(NetTap *t);
void net_tap_send(NetTap *t, const struct virtio_net_hdr *hdr,
                  const void *frame, uint32_t bytes);
/*
 * Build frame number @seed in @frame and send it without its checksum, to be cut
 * into segments of @gso_size if that is not 0
 */
void net_tap_send_unfinished(NetTap *t, void *frame, const NetFlow *flow,
                             uint32_t payload_bytes, uint16_t gso_size,
                             uint32_t seed);
/* Of the checksum, in TCP's or UDP's header */
uint16_t net_csum_offset(NetProto proto);
/* Bytes of the next frame from @src_mac; aborts if none comes */
uint32_t net_tap_expect(NetTap *t, const uint8_t src_mac[6],
                        struct virtio_net_hdr *hdr, void *frame);

#endif /* NET_TAP_H */
