/*
 * Ethernet frames in host memory: where the headers are, checksums,
 * segmentation
 *
 * For network devices whose guest leaves this work to the card, and whose netdev
 * does not do it.  Offsets count from the start of the frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FRAME_CORE_H
#define NET_FRAME_CORE_H

#include "qemu/osdep.h"

#define NET_FRAME_ETH_BYTES     14
#define NET_FRAME_VLAN_BYTES    4
#define NET_FRAME_PROTO_TCP     6
#define NET_FRAME_PROTO_UDP     17
/* The longest headers in front of TCP or UDP data that are understood */
#define NET_FRAME_MAX_HEADER    512

typedef struct NetFrame {
    uint32_t bytes;
    uint32_t head_bytes;                /* of them, what is at hand */
    uint16_t l3_offset;                 /* behind VLAN tags */
    uint8_t ip_version;                 /* 4, 6, or 0: no (good) IP */
    uint8_t proto;                      /* of the transport; 0 unknown */
    bool is_fragment;
    bool has_ip_length;                 /* the length in the IP header fits */
    bool has_vlan;                      /* the outermost tag, 0x8100 */
    uint16_t vlan_tci;
    uint16_t l4_offset;                 /* .proto not 0 */
    uint16_t payload_offset;            /* TCP and UDP, header at hand; or 0 */
    uint32_t l4_end;                    /* end of the IP packet */
} NetFrame;

/*
 * Look at the first @head_bytes (at least 14) of a frame of @bytes.  Never fails:
 * what is odd is not IP.
 */
void net_frame_parse_head(NetFrame *f, const uint8_t *head,
                          uint32_t head_bytes, uint32_t bytes);

/* The same with all of the frame at hand */
static inline void net_frame_parse(NetFrame *f, const uint8_t *data,
                                   uint32_t bytes)
{
    net_frame_parse_head(f, data, bytes, bytes);
}

/* Is it a whole TCP or UDP packet? */
static inline bool net_frame_is_tcp(const NetFrame *f)
{
    return f->proto == NET_FRAME_PROTO_TCP && f->payload_offset &&
           !f->is_fragment;
}

static inline bool net_frame_is_udp(const NetFrame *f)
{
    return f->proto == NET_FRAME_PROTO_UDP && f->payload_offset &&
           !f->is_fragment;
}

/* Ones' complement sum of @bytes, not folded; add sums of even-sized parts */
uint64_t net_frame_sum(const void *data, uint32_t bytes);
/* The same for a part that begins at @offset of what is summed: it may be odd */
uint64_t net_frame_sum_part(const void *data, uint32_t bytes, uint32_t offset);
/* Fold to the 16 bits of a checksum field, not inverted, in wire order */
uint16_t net_frame_fold(uint64_t sum);
/* Sum of the pseudo header of @l4_bytes of TCP or UDP */
uint64_t net_frame_sum_pseudo(const NetFrame *f, const uint8_t *data,
                              uint32_t l4_bytes);
/*
 * Bytes that the checksum of TCP or UDP covers: UDP has a length of its own,
 * which may be less than the IP packet's.  0 if it is impossible.
 */
uint32_t net_frame_l4_bytes(const NetFrame *f, const uint8_t *data);

/* Write the checksum of the IPv4 header */
void net_frame_set_ip_csum(const NetFrame *f, uint8_t *data);
/*
 * Write the checksum of TCP or UDP: the whole one, or, with @partial, what a
 * virtio-net header with NEEDS_CSUM wants in the field.
 */
void net_frame_set_l4_csum(const NetFrame *f, uint8_t *data, bool partial);
/* Offset of the checksum field in the TCP or UDP header */
uint16_t net_frame_csum_offset(const NetFrame *f);

typedef enum NetFrameCsum {
    NET_FRAME_CSUM_NONE,                /* nothing there to check */
    NET_FRAME_CSUM_OK,
    NET_FRAME_CSUM_BAD,
} NetFrameCsum;

NetFrameCsum net_frame_check_ip_csum(const NetFrame *f, const uint8_t *data);
NetFrameCsum net_frame_check_l4_csum(const NetFrame *f, const uint8_t *data);

/*
 * Make a large TCP packet one that has the right lengths and IPv4 checksum, as
 * guests leave them out; @f is brought up to date.  False: it is no TCP packet
 * that somebody else could cut, and @f stays as it was.
 */
bool net_frame_fix_large(NetFrame *f, uint8_t *data);

/* The segments of a large TCP packet, one after the other */
typedef struct NetFrameCutter {
    NetFrame f;
    uint8_t *data;
    uint32_t mss;
    uint32_t next;                      /* offset of the payload to come */
    uint32_t segment_idx;
    uint8_t header[NET_FRAME_MAX_HEADER];
} NetFrameCutter;

/* @f is TCP, up to .l4_end; only the headers need to be at @data */
void net_frame_cut_begin(NetFrameCutter *c, const NetFrame *f, uint8_t *data,
                         uint32_t mss);
/*
 * The next segment with all checksums, or NULL at the end; for a frame that is
 * whole.  It is made in @data, its headers in place of the end of the segment
 * before, which must have been used by then.
 */
uint8_t *net_frame_cut_next(NetFrameCutter *c, uint32_t *bytes);

/* Leave out the first @segments, of a frame that is not cut yet */
static inline void net_frame_cut_skip(NetFrameCutter *c, uint32_t segments)
{
    c->segment_idx = segments;
    c->next += segments * c->mss;
}

/* For frames in pieces: payload of the next segment, from .next; 0 at the end */
static inline uint32_t net_frame_cut_bytes(const NetFrameCutter *c)
{
    return MIN(c->f.l4_end - c->next, c->mss);
}

/*
 * Put the headers of the next segment, with all checksums, to @seg; its @bytes of
 * payload are behind them already
 */
void net_frame_cut_header(NetFrameCutter *c, uint8_t *seg, uint32_t bytes);

/* Move the MAC addresses at @data to put a tag behind them: 4 bytes in front */
uint8_t *net_frame_push_vlan(uint8_t *data, uint16_t tci);

#endif /* NET_FRAME_CORE_H */
