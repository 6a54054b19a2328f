/*
 * Ethernet frames in host memory: headers, checksums, segmentation
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "net-frame-core.h"

#define ETHERTYPE_IP4           0x0800
#define ETHERTYPE_VLAN          0x8100
#define ETHERTYPE_QINQ          0x88a8
#define ETHERTYPE_IP6           0x86dd
#define IP4_HEADER_BYTES        20
#define IP6_HEADER_BYTES        40
#define IP6_MAX_EXTENSIONS      8
#define TCP_HEADER_BYTES        20
#define UDP_HEADER_BYTES        8
#define TCP_FLAG_FIN            0x01
#define TCP_FLAG_PSH            0x08
#define TCP_FLAG_CWR            0x80

/* IPv6 header types that may precede the transport */
#define IP6_HOP_BY_HOP          0
#define IP6_ROUTING             43
#define IP6_FRAGMENT            44
#define IP6_DESTINATION         60

static void net_frame_parse_l4(NetFrame *f, const uint8_t *data)
{
    uint32_t left = MIN(f->l4_end, f->head_bytes) - f->l4_offset;
    uint32_t header_bytes;

    if (f->proto == NET_FRAME_PROTO_TCP && left >= TCP_HEADER_BYTES) {
        header_bytes = (data[f->l4_offset + 12] >> 4) * 4;
        if (header_bytes < TCP_HEADER_BYTES || header_bytes > left) {
            return;
        }
    } else if (f->proto == NET_FRAME_PROTO_UDP && left >= UDP_HEADER_BYTES) {
        header_bytes = UDP_HEADER_BYTES;
    } else {
        return;
    }
    if (f->l4_offset + header_bytes <= NET_FRAME_MAX_HEADER) {
        f->payload_offset = f->l4_offset + header_bytes;
    }
}

static void net_frame_parse_ip4(NetFrame *f, const uint8_t *data)
{
    const uint8_t *ip = data + f->l3_offset;
    uint32_t left = f->bytes - f->l3_offset;
    uint32_t at_hand = f->head_bytes - f->l3_offset;
    uint32_t header_bytes, total;

    if (at_hand < IP4_HEADER_BYTES || ip[0] >> 4 != 4) {
        return;
    }
    header_bytes = (ip[0] & 0xf) * 4;
    total = lduw_be_p(ip + 2);
    if (header_bytes < IP4_HEADER_BYTES || header_bytes > at_hand) {
        return;
    }
    f->ip_version = 4;
    f->has_ip_length = total >= header_bytes && total <= left;
    f->l4_end = f->l3_offset + (f->has_ip_length ? total : left);
    f->is_fragment = lduw_be_p(ip + 6) & 0x3fff;
    f->proto = ip[9];
    f->l4_offset = f->l3_offset + header_bytes;
    if (!f->is_fragment) {
        net_frame_parse_l4(f, data);
    }
}

static void net_frame_parse_ip6(NetFrame *f, const uint8_t *data)
{
    const uint8_t *ip = data + f->l3_offset;
    uint32_t left = f->bytes - f->l3_offset;
    uint32_t offset, payload, end;
    uint8_t type;

    if (f->head_bytes - f->l3_offset < IP6_HEADER_BYTES || ip[0] >> 4 != 6) {
        return;
    }
    payload = lduw_be_p(ip + 4);
    f->ip_version = 6;
    f->has_ip_length = payload && payload <= left - IP6_HEADER_BYTES;
    f->l4_end = f->has_ip_length ? f->l3_offset + IP6_HEADER_BYTES + payload
                                 : f->bytes;
    end = MIN(f->l4_end, f->head_bytes);
    type = ip[6];
    offset = f->l3_offset + IP6_HEADER_BYTES;
    for (int i = 0; i < IP6_MAX_EXTENSIONS; i++) {
        if (type != IP6_HOP_BY_HOP && type != IP6_ROUTING &&
            type != IP6_FRAGMENT && type != IP6_DESTINATION) {
            f->proto = type;
            f->l4_offset = offset;
            if (!f->is_fragment) {
                net_frame_parse_l4(f, data);
            }
            return;
        }
        if (offset + 8 > end || offset > NET_FRAME_MAX_HEADER) {
            return;
        }
        if (type == IP6_FRAGMENT) {
            f->is_fragment |= (lduw_be_p(data + offset + 2) & 0xfff9) != 0;
            type = data[offset];
            offset += 8;
        } else {
            type = data[offset];
            offset += 8 + 8 * data[offset + 1];
        }
        if (offset > end) {
            return;
        }
    }
}

void net_frame_parse_head(NetFrame *f, const uint8_t *head,
                          uint32_t head_bytes, uint32_t bytes)
{
    uint16_t type = lduw_be_p(head + 12);

    *f = (NetFrame) { .bytes = bytes, .head_bytes = head_bytes };
    f->l3_offset = NET_FRAME_ETH_BYTES;
    for (int i = 0; i < 2 && (type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ);
         i++) {
        if (head_bytes < f->l3_offset + NET_FRAME_VLAN_BYTES) {
            return;
        }
        if (i == 0 && type == ETHERTYPE_VLAN) {
            f->has_vlan = true;
            f->vlan_tci = lduw_be_p(head + f->l3_offset);
        }
        type = lduw_be_p(head + f->l3_offset + 2);
        f->l3_offset += NET_FRAME_VLAN_BYTES;
    }
    if (type == ETHERTYPE_IP4) {
        net_frame_parse_ip4(f, head);
    } else if (type == ETHERTYPE_IP6) {
        net_frame_parse_ip6(f, head);
    }
}

uint64_t net_frame_sum(const void *data, uint32_t bytes)
{
    const uint8_t *p = data;
    uint64_t sum = 0;
    uint64_t a = 0, b = 0;

    /* 32 bits at a time, in host order: the byte order cancels out */
    for (; bytes >= 16; bytes -= 16, p += 16) {
        uint64_t v0 = ldq_he_p(p), v1 = ldq_he_p(p + 8);

        a += (v0 & 0xffffffff) + (v0 >> 32);
        b += (v1 & 0xffffffff) + (v1 >> 32);
    }
    sum = a + b;
    for (; bytes >= 2; bytes -= 2, p += 2) {
        sum += (uint16_t)lduw_he_p(p);
    }
    if (bytes) {
        uint8_t last[2] = { *p, 0 };

        sum += (uint16_t)lduw_he_p(last);
    }
    return sum;
}

uint64_t net_frame_sum_part(const void *data, uint32_t bytes, uint32_t offset)
{
    uint64_t sum = net_frame_sum(data, bytes);

    return offset % 2 ? bswap16(net_frame_fold(sum)) : sum;
}

uint16_t net_frame_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

void net_frame_set_ip_csum(const NetFrame *f, uint8_t *data)
{
    uint8_t *ip = data + f->l3_offset;

    if (f->ip_version == 4) {
        stw_he_p(ip + 10, 0);
        stw_he_p(ip + 10, ~net_frame_fold(net_frame_sum(ip, (ip[0] & 0xf) * 4)));
    }
}

/* Addresses, protocol, length of the transport packet */
uint64_t net_frame_sum_pseudo(const NetFrame *f, const uint8_t *data,
                              uint32_t l4_bytes)
{
    const uint8_t *ip = data + f->l3_offset;

    return (f->ip_version == 4 ? net_frame_sum(ip + 12, 8)
                               : net_frame_sum(ip + 8, 32)) +
           cpu_to_be16(f->proto) + cpu_to_be16(l4_bytes >> 16) +
           cpu_to_be16(l4_bytes & 0xffff);
}

uint32_t net_frame_l4_bytes(const NetFrame *f, const uint8_t *data)
{
    uint32_t bytes = f->l4_end - f->l4_offset;
    uint32_t udp_bytes;

    if (f->proto != NET_FRAME_PROTO_UDP) {
        return bytes;
    }
    udp_bytes = lduw_be_p(data + f->l4_offset + 4);
    return udp_bytes >= UDP_HEADER_BYTES && udp_bytes <= bytes ? udp_bytes : 0;
}

uint16_t net_frame_csum_offset(const NetFrame *f)
{
    return f->proto == NET_FRAME_PROTO_TCP ? 16 : 6;
}

void net_frame_set_l4_csum(const NetFrame *f, uint8_t *data, bool partial)
{
    uint8_t *field = data + f->l4_offset + net_frame_csum_offset(f);
    uint32_t l4_bytes = f->l4_end - f->l4_offset;
    uint64_t sum = net_frame_sum_pseudo(f, data, l4_bytes);
    uint16_t csum;

    if (partial) {
        stw_he_p(field, net_frame_fold(sum));
        return;
    }
    stw_he_p(field, 0);
    sum += net_frame_sum(data + f->l4_offset, l4_bytes);
    csum = ~net_frame_fold(sum);
    if (!csum && f->proto == NET_FRAME_PROTO_UDP) {
        csum = 0xffff;                  /* 0 says that there is no checksum */
    }
    stw_he_p(field, csum);
}

NetFrameCsum net_frame_check_ip_csum(const NetFrame *f, const uint8_t *data)
{
    const uint8_t *ip = data + f->l3_offset;

    if (f->ip_version != 4) {
        return NET_FRAME_CSUM_NONE;
    }
    return net_frame_fold(net_frame_sum(ip, (ip[0] & 0xf) * 4)) == 0xffff
           ? NET_FRAME_CSUM_OK : NET_FRAME_CSUM_BAD;
}

NetFrameCsum net_frame_check_l4_csum(const NetFrame *f, const uint8_t *data)
{
    uint32_t l4_bytes = f->l4_end - f->l4_offset;
    uint64_t sum;

    if (!f->has_ip_length || (!net_frame_is_tcp(f) && !net_frame_is_udp(f))) {
        return NET_FRAME_CSUM_NONE;
    }
    if (f->proto == NET_FRAME_PROTO_UDP) {
        if (!lduw_he_p(data + f->l4_offset + 6) ||
            lduw_be_p(data + f->l4_offset + 4) != l4_bytes) {
            return NET_FRAME_CSUM_NONE;
        }
    }
    sum = net_frame_sum_pseudo(f, data, l4_bytes) +
          net_frame_sum(data + f->l4_offset, l4_bytes);
    return net_frame_fold(sum) == 0xffff ? NET_FRAME_CSUM_OK
                                         : NET_FRAME_CSUM_BAD;
}

/* Write the length into an IP header, for a packet up to @end */
static void net_frame_set_ip_length(const NetFrame *f, uint8_t *ip,
                                    uint32_t end)
{
    uint32_t bytes = end - f->l3_offset;

    if (f->ip_version == 4) {
        stw_be_p(ip + 2, bytes);
    } else {
        stw_be_p(ip + 4, bytes - IP6_HEADER_BYTES);
    }
}

bool net_frame_fix_large(NetFrame *f, uint8_t *data)
{
    uint32_t l3_bytes = f->bytes - f->l3_offset;
    NetFrame whole = *f;

    if (l3_bytes > 0xffff + (f->ip_version == 6 ? IP6_HEADER_BYTES : 0)) {
        return false;
    }
    if (f->ip_version) {
        net_frame_set_ip_length(f, data + f->l3_offset, f->bytes);
        net_frame_parse_head(&whole, data, f->head_bytes, f->bytes);
    }
    if (!net_frame_is_tcp(&whole)) {
        return false;
    }
    *f = whole;
    net_frame_set_ip_csum(f, data);
    return true;
}

void net_frame_cut_begin(NetFrameCutter *c, const NetFrame *f, uint8_t *data,
                         uint32_t mss)
{
    c->f = *f;
    c->data = data;
    c->mss = mss;
    c->next = f->payload_offset;
    c->segment_idx = 0;
    memcpy(c->header, data, f->payload_offset);
}

void net_frame_cut_header(NetFrameCutter *c, uint8_t *seg, uint32_t bytes)
{
    uint32_t header_bytes = c->f.payload_offset;
    uint8_t *ip = seg + c->f.l3_offset, *tcp = seg + c->f.l4_offset;
    NetFrame f = c->f;

    memcpy(seg, c->header, header_bytes);
    f.bytes = f.l4_end = header_bytes + bytes;
    net_frame_set_ip_length(&f, ip, f.l4_end);
    if (f.ip_version == 4) {
        stw_be_p(ip + 4, lduw_be_p(ip + 4) + c->segment_idx);
        net_frame_set_ip_csum(&f, seg);
    }
    stl_be_p(tcp + 4, ldl_be_p(tcp + 4) + c->next - header_bytes);
    if (c->next + bytes != c->f.l4_end) {
        tcp[13] &= ~(TCP_FLAG_FIN | TCP_FLAG_PSH);
    }
    if (c->segment_idx) {
        tcp[13] &= ~TCP_FLAG_CWR;
    }
    net_frame_set_l4_csum(&f, seg, false);
    c->next += bytes;
    c->segment_idx++;
}

uint8_t *net_frame_cut_next(NetFrameCutter *c, uint32_t *bytes)
{
    uint32_t payload_bytes = net_frame_cut_bytes(c);
    uint8_t *seg = c->data + c->next - c->f.payload_offset;

    if (!payload_bytes) {
        return NULL;
    }
    net_frame_cut_header(c, seg, payload_bytes);
    *bytes = c->f.payload_offset + payload_bytes;
    return seg;
}

uint8_t *net_frame_push_vlan(uint8_t *data, uint16_t tci)
{
    uint8_t *to = data - NET_FRAME_VLAN_BYTES;

    memmove(to, data, 12);
    stw_be_p(to + 12, ETHERTYPE_VLAN);
    stw_be_p(to + 14, tci);
    return to;
}
