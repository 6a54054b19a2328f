/*
 * Ethernet frames of MANA: headers, checksums, RSS, segmentation
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-frame-core.h"

#define ETH_TYPE_OFFSET     12
#define ETH_TYPE_IPV4       0x0800
#define ETH_TYPE_IPV6       0x86dd
#define ETH_TYPE_VLAN       0x8100
#define ETH_TYPE_QINQ       0x88a8

#define IPV4_MIN_BYTES      20
#define IPV4_FRAGMENT_MASK  0x3fff      /* offset and "more fragments" */
#define IPV6_BYTES          40
#define IPV6_MAX_EXTENSIONS 8

#define IP_PROTO_HOPOPTS    0
#define IP_PROTO_TCP        6
#define IP_PROTO_UDP        17
#define IP_PROTO_ROUTING    43
#define IP_PROTO_FRAGMENT   44
#define IP_PROTO_DSTOPTS    60

#define TCP_MIN_BYTES       20
#define TCP_FLAGS_OFFSET    13
#define TCP_FIN             0x01
#define TCP_PSH             0x08
#define TCP_CWR             0x80
#define TCP_CSUM_OFFSET     16
#define UDP_BYTES           8
#define UDP_LENGTH_OFFSET   4
#define UDP_CSUM_OFFSET     6

static void mana_frame_parse_l4(ManaFrame *f, const uint8_t *hdr,
                                size_t have_bytes, size_t offset,
                                uint8_t proto)
{
    size_t bytes;

    if (proto == IP_PROTO_TCP && offset + TCP_MIN_BYTES <= have_bytes) {
        bytes = (hdr[offset + 12] >> 4) * 4;
        if (bytes < TCP_MIN_BYTES || offset + bytes > f->l3_end) {
            return;
        }
        f->l4 = MANA_L4_TCP;
    } else if (proto == IP_PROTO_UDP && offset + UDP_BYTES <= have_bytes) {
        bytes = UDP_BYTES;
        if (offset + bytes > f->l3_end) {
            return;
        }
        f->l4 = MANA_L4_UDP;
    } else {
        return;
    }
    f->l4_offset = offset;
    f->payload_offset = offset + bytes;
}

static void mana_frame_parse_ipv4(ManaFrame *f, const uint8_t *hdr,
                                  size_t have_bytes, size_t frame_bytes)
{
    const uint8_t *ip = hdr + f->l3_offset;
    size_t ip_bytes, total;

    if (f->l3_offset + IPV4_MIN_BYTES > have_bytes || ip[0] >> 4 != 4) {
        return;
    }
    ip_bytes = (ip[0] & 0xf) * 4;
    total = lduw_be_p(ip + 2);
    total = total ? total : frame_bytes - f->l3_offset;
    if (ip_bytes < IPV4_MIN_BYTES || f->l3_offset + ip_bytes > have_bytes ||
        total < ip_bytes || f->l3_offset + total > frame_bytes) {
        return;
    }
    f->ip_version = 4;
    f->l3_end = f->l3_offset + total;
    if ((lduw_be_p(ip + 6) & IPV4_FRAGMENT_MASK) == 0) {
        mana_frame_parse_l4(f, hdr, have_bytes, f->l3_offset + ip_bytes, ip[9]);
    }
}

static void mana_frame_parse_ipv6(ManaFrame *f, const uint8_t *hdr,
                                  size_t have_bytes, size_t frame_bytes)
{
    const uint8_t *ip = hdr + f->l3_offset;
    size_t offset = f->l3_offset + IPV6_BYTES;
    size_t total;
    uint8_t proto;

    if (offset > have_bytes || ip[0] >> 4 != 6) {
        return;
    }
    total = lduw_be_p(ip + 4);
    total = total ? total + IPV6_BYTES : frame_bytes - f->l3_offset;
    if (f->l3_offset + total > frame_bytes) {
        return;
    }
    f->ip_version = 6;
    f->l3_end = f->l3_offset + total;
    proto = ip[6];
    for (int i = 0; i < IPV6_MAX_EXTENSIONS; i++) {
        if (proto != IP_PROTO_HOPOPTS && proto != IP_PROTO_ROUTING &&
            proto != IP_PROTO_DSTOPTS) {
            break;
        }
        if (offset + 8 > have_bytes) {
            return;
        }
        proto = hdr[offset];
        offset += (hdr[offset + 1] + 1) * 8;
    }
    mana_frame_parse_l4(f, hdr, have_bytes, offset, proto);
}

bool mana_frame_parse(ManaFrame *f, const uint8_t *hdr, size_t have_bytes,
                      size_t frame_bytes)
{
    size_t type_offset = ETH_TYPE_OFFSET;
    uint16_t type;

    memset(f, 0, sizeof(*f));
    if (have_bytes < MANA_ETH_HEADER_BYTES || have_bytes > frame_bytes) {
        return false;
    }
    type = lduw_be_p(hdr + type_offset);
    /* two tags at most; the outer one is the frame's */
    for (int i = 0; i < 2; i++) {
        if ((type != ETH_TYPE_VLAN && type != ETH_TYPE_QINQ) ||
            type_offset + 2 + MANA_VLAN_TAG_BYTES > have_bytes) {
            break;
        }
        if (i == 0 && type == ETH_TYPE_VLAN) {
            f->has_vlan = true;
            f->vlan_tci = lduw_be_p(hdr + type_offset + 2);
        }
        type_offset += MANA_VLAN_TAG_BYTES;
        type = lduw_be_p(hdr + type_offset);
    }
    f->l3_offset = type_offset + 2;
    if (type == ETH_TYPE_IPV4) {
        mana_frame_parse_ipv4(f, hdr, have_bytes, frame_bytes);
    } else if (type == ETH_TYPE_IPV6) {
        mana_frame_parse_ipv6(f, hdr, have_bytes, frame_bytes);
    }
    return true;
}

uint32_t mana_frame_hash(const ManaFrame *f, const uint8_t *hdr,
                         const Toeplitz *key, uint16_t types, uint16_t *type)
{
    static const uint16_t l4_types[2][3] = {
        { 0, MANA_HASH_TCP_IPV4, MANA_HASH_UDP_IPV4 },
        { 0, MANA_HASH_TCP_IPV6, MANA_HASH_UDP_IPV6 },
    };
    bool is_v6 = f->ip_version == 6;
    uint8_t input[TOEPLITZ_MAX_BYTES];
    size_t bytes = is_v6 ? 32 : 8;
    uint16_t l4_type = l4_types[is_v6][f->l4];

    *type = 0;
    if (!f->ip_version) {
        return 0;
    }
    memcpy(input, hdr + f->l3_offset + (is_v6 ? 8 : 12), bytes);
    if (types & l4_type) {
        memcpy(input + bytes, hdr + f->l4_offset, 4);
        bytes += 4;
        *type = l4_type;
    } else {
        *type = types & (is_v6 ? MANA_HASH_IPV6 : MANA_HASH_IPV4);
    }
    return *type ? toeplitz_hash(key, input, bytes) : 0;
}

static uint32_t mana_csum_fold(uint64_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

uint32_t mana_csum_add(uint32_t sum, const void *data, size_t bytes, bool odd)
{
    const uint8_t *p = data;
    uint64_t acc[4] = { 0 };
    uint32_t part;

    for (; bytes >= 16; bytes -= 16, p += 16) {
        uint32_t w[4];

        memcpy(w, p, sizeof(w));
        for (int i = 0; i < 4; i++) {
            acc[i] += w[i];
        }
    }
    for (; bytes >= 2; bytes -= 2, p += 2) {
        acc[0] += lduw_he_p(p);
    }
    if (bytes) {
        uint8_t last[2] = { *p, 0 };

        acc[1] += lduw_he_p(last);
    }
    part = mana_csum_fold(mana_csum_fold(acc[0]) + mana_csum_fold(acc[1]) +
                          mana_csum_fold(acc[2]) + mana_csum_fold(acc[3]));
    return mana_csum_fold((uint64_t)sum + (odd ? bswap16(part) : part));
}

uint16_t mana_csum_finish(uint32_t sum)
{
    return ~mana_csum_fold(sum);
}

uint32_t mana_csum_pseudo(const ManaFrame *f, const uint8_t *hdr,
                          uint32_t l4_bytes)
{
    bool is_v6 = f->ip_version == 6;
    uint8_t proto = f->l4 == MANA_L4_TCP ? IP_PROTO_TCP : IP_PROTO_UDP;
    uint32_t sum = cpu_to_be16(proto) + cpu_to_be16(l4_bytes & 0xffff) +
                   cpu_to_be16(l4_bytes >> 16);

    return mana_csum_add(sum, hdr + f->l3_offset + (is_v6 ? 8 : 12),
                         is_v6 ? 32 : 8, false);
}

uint32_t mana_l4_bytes(const ManaFrame *f, const uint8_t *hdr)
{
    uint32_t bytes = f->l3_end - f->l4_offset;
    uint32_t udp_bytes;

    if (f->l4 != MANA_L4_UDP) {
        return bytes;
    }
    udp_bytes = lduw_be_p(hdr + f->l4_offset + UDP_LENGTH_OFFSET);
    return udp_bytes >= UDP_BYTES && udp_bytes <= bytes ? udp_bytes : 0;
}

uint32_t mana_csum_offset(const ManaFrame *f)
{
    return f->l4_offset +
           (f->l4 == MANA_L4_TCP ? TCP_CSUM_OFFSET : UDP_CSUM_OFFSET);
}

void mana_ip_csum_fill(const ManaFrame *f, uint8_t *hdr)
{
    uint8_t *ip = hdr + f->l3_offset;

    if (f->ip_version == 4) {
        stw_he_p(ip + 10, 0);
        stw_he_p(ip + 10, mana_csum_finish(
            mana_csum_add(0, ip, (ip[0] & 0xf) * 4, false)));
    }
}

void mana_vlan_insert(ManaFrame *f, uint8_t *hdr, size_t hdr_bytes,
                      uint16_t tci)
{
    memmove(hdr + ETH_TYPE_OFFSET + MANA_VLAN_TAG_BYTES, hdr + ETH_TYPE_OFFSET,
            hdr_bytes - ETH_TYPE_OFFSET);
    stw_be_p(hdr + ETH_TYPE_OFFSET, ETH_TYPE_VLAN);
    stw_be_p(hdr + ETH_TYPE_OFFSET + 2, tci);
    f->l3_offset += MANA_VLAN_TAG_BYTES;
    f->l3_end += MANA_VLAN_TAG_BYTES;
    if (f->l4) {
        f->l4_offset += MANA_VLAN_TAG_BYTES;
        f->payload_offset += MANA_VLAN_TAG_BYTES;
    }
}

bool mana_lso_ok(const ManaLso *lso)
{
    return lso->frame.l4 == MANA_L4_TCP && lso->mss && lso->payload_bytes &&
           lso->frame.payload_offset == lso->hdr_bytes;
}

static void mana_lso_set_length(const ManaLso *lso, uint8_t *out,
                                uint32_t payload_bytes)
{
    uint8_t *ip = out + lso->frame.l3_offset;
    uint32_t ip_bytes = lso->hdr_bytes - lso->frame.l3_offset + payload_bytes;

    if (lso->frame.ip_version == 4) {
        stw_be_p(ip + 2, ip_bytes);
    } else {
        stw_be_p(ip + 4, ip_bytes - IPV6_BYTES);
    }
}

void mana_lso_segment(const ManaLso *lso, uint8_t *out, uint32_t at,
                      uint32_t bytes, uint32_t payload_sum)
{
    const ManaFrame *f = &lso->frame;
    uint32_t tcp_bytes = lso->hdr_bytes - f->l4_offset;
    uint8_t *ip = out + f->l3_offset;
    uint8_t *tcp = out + f->l4_offset;
    uint32_t sum;

    memcpy(out, lso->hdr, lso->hdr_bytes);
    mana_lso_set_length(lso, out, bytes);
    if (f->ip_version == 4) {
        stw_be_p(ip + 4, lduw_be_p(ip + 4) + at / lso->mss);
        mana_ip_csum_fill(f, out);
    }
    stl_be_p(tcp + 4, ldl_be_p(tcp + 4) + at);
    if (at) {
        tcp[TCP_FLAGS_OFFSET] &= ~TCP_CWR;
    }
    if (at + bytes < lso->payload_bytes) {
        tcp[TCP_FLAGS_OFFSET] &= ~(TCP_FIN | TCP_PSH);
    }
    stw_he_p(tcp + TCP_CSUM_OFFSET, 0);
    sum = payload_sum + mana_csum_pseudo(f, out, tcp_bytes + bytes);
    stw_he_p(tcp + TCP_CSUM_OFFSET,
             mana_csum_finish(mana_csum_add(sum, tcp, tcp_bytes, false)));
}

bool mana_lso_prepare(const ManaLso *lso, uint8_t *out)
{
    const ManaFrame *f = &lso->frame;
    uint32_t l4_bytes = lso->hdr_bytes - f->l4_offset + lso->payload_bytes;

    if (lso->hdr_bytes - f->l3_offset + lso->payload_bytes > UINT16_MAX) {
        return false;
    }
    memcpy(out, lso->hdr, lso->hdr_bytes);
    mana_lso_set_length(lso, out, lso->payload_bytes);
    mana_ip_csum_fill(f, out);
    stw_he_p(out + mana_csum_offset(f),
             mana_csum_fold(mana_csum_pseudo(f, out, l4_bytes)));
    return true;
}
