/*
 * TCP segments of one flow, put together as they come in
 *
 * The rules are those of Linux' generic receive offload: everything but lengths,
 * checksums, sequence number, IPv4 identification and PSH is the same.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "net-coalesce-core.h"

#define TCP_FLAG_PSH    0x08
#define TCP_FLAG_ACK    0x10

bool net_coalesce_can_start(const NetFrame *f, const uint8_t *data)
{
    uint8_t flags;

    if (!net_frame_is_tcp(f) || !f->has_ip_length ||
        f->l4_offset - f->l3_offset != (f->ip_version == 4 ? 20 : 40) ||
        f->payload_offset == f->l4_end) {
        return false;
    }
    flags = data[f->l4_offset + 13];
    return (flags & ~TCP_FLAG_PSH) == TCP_FLAG_ACK;
}

static uint32_t net_coalesce_payload(const NetFrame *f)
{
    return f->l4_end - f->payload_offset;
}

void net_coalesce_start(NetCoalesce *c, const NetFrame *f, const uint8_t *buf)
{
    const uint8_t *tcp = buf + f->l4_offset;

    *c = (NetCoalesce) {
        .bytes = f->l4_end,             /* without padding */
        .segments = 1,
        .next_seq = ldl_be_p(tcp + 4) + net_coalesce_payload(f),
        .mss = net_coalesce_payload(f),
        .is_closed = tcp[13] & TCP_FLAG_PSH,
        .f = *f,
    };
}

/* The same but for what differs from segment to segment? */
static bool net_coalesce_same_flow(const NetFrame *f, const uint8_t *a,
                                   const uint8_t *b)
{
    const uint8_t *ip_a = a + f->l3_offset, *ip_b = b + f->l3_offset;
    const uint8_t *tcp_a = a + f->l4_offset, *tcp_b = b + f->l4_offset;

    if (memcmp(a, b, f->l3_offset)) {
        return false;
    }
    if (f->ip_version == 4) {
        /* version, length and service; flags, TTL, protocol; addresses */
        if (memcmp(ip_a, ip_b, 2) || memcmp(ip_a + 6, ip_b + 6, 4) ||
            memcmp(ip_a + 12, ip_b + 12, 8)) {
            return false;
        }
    } else if (memcmp(ip_a, ip_b, 4) || memcmp(ip_a + 6, ip_b + 6, 34)) {
        return false;
    }
    /* ports; acknowledgement and header length; window; urgent and options */
    return !memcmp(tcp_a, tcp_b, 4) && !memcmp(tcp_a + 8, tcp_b + 8, 5) &&
           !memcmp(tcp_a + 14, tcp_b + 14, 2) &&
           !memcmp(tcp_a + 18, tcp_b + 18,
                   f->payload_offset - f->l4_offset - 18);
}

bool net_coalesce_add(NetCoalesce *c, uint8_t *buf, const NetFrame *f,
                      const uint8_t *data)
{
    const uint8_t *tcp = data + f->l4_offset;
    uint32_t n = net_coalesce_payload(f);

    if (!c->bytes || c->is_closed || f->ip_version != c->f.ip_version ||
        f->l3_offset != c->f.l3_offset || f->l4_offset != c->f.l4_offset ||
        f->payload_offset != c->f.payload_offset || n > c->mss ||
        c->bytes + n > NET_COALESCE_MAX_BYTES ||
        ldl_be_p(tcp + 4) != (int32_t)c->next_seq ||
        !net_coalesce_same_flow(f, buf, data)) {
        return false;
    }
    memcpy(buf + c->bytes, data + f->payload_offset, n);
    c->bytes += n;
    c->segments++;
    c->next_seq += n;
    if (tcp[13] & TCP_FLAG_PSH) {
        buf[f->l4_offset + 13] |= TCP_FLAG_PSH;
    }
    c->is_closed = n < c->mss || (tcp[13] & TCP_FLAG_PSH);
    return true;
}

uint32_t net_coalesce_finish(NetCoalesce *c, uint8_t *buf)
{
    uint32_t bytes = c->bytes;
    NetFrame f = c->f;

    if (c->segments > 1) {
        f.bytes = bytes;
        if (net_frame_fix_large(&f, buf)) {
            net_frame_set_l4_csum(&f, buf, false);
        }
    }
    c->bytes = 0;
    return bytes;
}
