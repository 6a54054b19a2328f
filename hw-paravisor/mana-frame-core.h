/*
 * Ethernet frames of MANA: headers, checksums, RSS, segmentation
 *
 * No I/O and no QEMU objects: works on copies of headers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_FRAME_CORE_H
#define MANA_FRAME_CORE_H

#include "mana-defs.h"
#include "toeplitz-core.h"

/* Bytes of a frame that are enough to find its headers */
#define MANA_SNAPSHOT_BYTES             MANA_MAX_LSO_HEADER_BYTES
#define MANA_VLAN_TAG_BYTES             4

typedef enum ManaL4 {
    MANA_L4_NONE,                       /* other, or a fragment */
    MANA_L4_TCP,
    MANA_L4_UDP,
} ManaL4;

/* Where things are in a frame; offsets from its start */
typedef struct ManaFrame {
    uint8_t ip_version;                 /* 0: not IP, or malformed */
    uint8_t l4;                         /* ManaL4 */
    bool has_vlan;
    uint16_t vlan_tci;
    uint16_t l3_offset;
    uint16_t l4_offset;                 /* if .l4 */
    uint16_t payload_offset;            /* if .l4 */
    uint32_t l3_end;                    /* end of the IP packet */
} ManaFrame;

/*
 * Parse the first @have_bytes, no more than MANA_SNAPSHOT_BYTES of a frame of
 * @frame_bytes.  An IP length of 0 stands for "to the frame's end", as in a
 * packet to be segmented.  False if it has no Ethernet header.
 */
bool mana_frame_parse(ManaFrame *f, const uint8_t *hdr, size_t have_bytes,
                      size_t frame_bytes);

/* RSS hash over what @types (MANA_HASH_*) allows; *@type is 0 if nothing is */
uint32_t mana_frame_hash(const ManaFrame *f, const uint8_t *hdr,
                         const Toeplitz *key, uint16_t types, uint16_t *type);

/*
 * Internet checksums (RFC 1071) as sums of 16-bit words in memory order.
 * @odd: the data begin at an odd offset of what is summed.
 */
uint32_t mana_csum_add(uint32_t sum, const void *data, size_t bytes, bool odd);
uint16_t mana_csum_finish(uint32_t sum);
/* Sum of the TCP or UDP pseudo header */
uint32_t mana_csum_pseudo(const ManaFrame *f, const uint8_t *hdr,
                          uint32_t l4_bytes);
/*
 * Bytes that the checksum of TCP or UDP covers: UDP has a length of its own,
 * which may be less than the IP packet's.  0 if it is impossible.
 */
uint32_t mana_l4_bytes(const ManaFrame *f, const uint8_t *hdr);
/* Offset of the TCP or UDP checksum */
uint32_t mana_csum_offset(const ManaFrame *f);

static inline bool mana_ip_csum_ok(const ManaFrame *f, const uint8_t *hdr)
{
    return f->ip_version != 4 ||
           mana_csum_finish(mana_csum_add(0, hdr + f->l3_offset,
                                (hdr[f->l3_offset] & 0xf) * 4, false)) == 0;
}

/* Put the checksum into an IPv4 header; other headers stay as they are */
void mana_ip_csum_fill(const ManaFrame *f, uint8_t *hdr);

/* Insert a tag behind the addresses; @hdr has room for it */
void mana_vlan_insert(ManaFrame *f, uint8_t *hdr, size_t hdr_bytes,
                      uint16_t tci);

/* A TCP packet to be segmented: header as the driver gave it */
typedef struct ManaLso {
    ManaFrame frame;
    const uint8_t *hdr;
    uint32_t hdr_bytes;
    uint32_t payload_bytes;
    uint32_t mss;
} ManaLso;

/*
 * True if @lso can be segmented: whole TCP/IP headers and nothing else in the
 * header, an MSS, a payload.
 */
bool mana_lso_ok(const ManaLso *lso);

/*
 * Header of the segment with @bytes of payload from @at, into @out.
 * @payload_sum: mana_csum_add() over that payload.
 */
void mana_lso_segment(const ManaLso *lso, uint8_t *out, uint32_t at,
                      uint32_t bytes, uint32_t payload_sum);

/*
 * Make the header one that others can segment: lengths of the whole packet,
 * IP checksum, and the sum of the pseudo header as the TCP checksum.  False if
 * the packet is too long for an IP header.
 */
bool mana_lso_prepare(const ManaLso *lso, uint8_t *out);

#endif /* MANA_FRAME_CORE_H */
