/*
 * The other end of a network card in a qtest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/un.h>
#include "net-wire.h"

#define WIRE_TIMEOUT_US     (20 * G_USEC_PER_SEC)
#define ETHERTYPE_IPV4      0x0800
#define ETHERTYPE_IPV6      0x86dd
#define ETHERTYPE_RARP      0x8035
#define ETHERTYPE_TEST      0x88b5
#define ETHERTYPE_VLAN      0x8100

/* --- the socket: frames with their length in front --- */

char *net_wire_start(NetWire *w, const char *id)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    int fd = g_file_open_tmp("hv-net-wire-XXXXXX", &w->path, NULL);

    close(fd);
    unlink(w->path);
    g_strlcpy(addr.sun_path, w->path, sizeof(addr.sun_path));
    w->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    w->fd = -1;
    g_assert_cmpint(bind(w->listen_fd, (struct sockaddr *)&addr, sizeof(addr)),
                    ==, 0);
    g_assert_cmpint(listen(w->listen_fd, 4), ==, 0);
    return g_strdup_printf("-netdev stream,id=%s,server=off,addr.type=unix,"
                           "addr.path=%s ", id, w->path);
}

static bool wire_poll(int fd, int events, int64_t timeout_us)
{
    struct pollfd p = { .fd = fd, .events = events };

    return poll(&p, 1, timeout_us / 1000) == 1;
}

void net_wire_accept(NetWire *w)
{
    struct timeval timeout = { .tv_sec = WIRE_TIMEOUT_US / G_USEC_PER_SEC };

    if (w->fd >= 0) {
        close(w->fd);
    }
    g_assert(wire_poll(w->listen_fd, POLLIN, WIRE_TIMEOUT_US));
    w->fd = accept(w->listen_fd, NULL, NULL);
    g_assert_cmpint(w->fd, >=, 0);
    /* for POLLOUT three quarters of the buffer would have to be free */
    g_assert_cmpint(setsockopt(w->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout,
                               sizeof(timeout)), ==, 0);
}

void net_wire_stop(NetWire *w)
{
    close(w->fd);
    close(w->listen_fd);
    unlink(w->path);
    g_free(w->path);
}

static void wire_write(NetWire *w, const void *data, size_t bytes)
{
    const uint8_t *at = data;

    while (bytes) {
        ssize_t n;

        n = send(w->fd, at, bytes, MSG_NOSIGNAL);
        g_assert_cmpint(n, >, 0);
        at += n;
        bytes -= n;
    }
}

void net_wire_send(NetWire *w, const void *frame, uint32_t bytes)
{
    g_autofree uint8_t *all = g_malloc(bytes + 4);

    stl_be_p(all, bytes);
    memcpy(all + 4, frame, bytes);
    wire_write(w, all, bytes + 4);
}

bool net_wire_try_send(NetWire *w, const void *frame, uint32_t bytes)
{
    g_autofree uint8_t *all = g_malloc(bytes + 4);
    ssize_t n;

    stl_be_p(all, bytes);
    memcpy(all + 4, frame, bytes);
    n = send(w->fd, all, bytes + 4, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
        g_assert(errno == EAGAIN || errno == EWOULDBLOCK);
        return false;
    }
    /* half a frame must be finished */
    wire_write(w, all + n, bytes + 4 - n);
    return true;
}

static void wire_read(NetWire *w, void *data, size_t bytes)
{
    uint8_t *at = data;

    while (bytes) {
        ssize_t n;

        g_assert(wire_poll(w->fd, POLLIN, WIRE_TIMEOUT_US));
        n = recv(w->fd, at, bytes, 0);
        g_assert_cmpint(n, >, 0);
        at += n;
        bytes -= n;
    }
}

uint32_t net_wire_wait(NetWire *w, void *frame, int64_t timeout_us)
{
    uint32_t bytes;

    do {
        if (!wire_poll(w->fd, POLLIN, timeout_us)) {
            return 0;
        }
        wire_read(w, &bytes, sizeof(bytes));
        bytes = be32_to_cpu(bytes);
        g_assert_cmpuint(bytes, >, 0);
        g_assert_cmpuint(bytes, <=, NET_MAX_BYTES);
        wire_read(w, frame, bytes);
        /* after a migration QEMU announces the card's address, several times */
    } while (bytes >= NET_ETH_BYTES &&
             lduw_be_p((uint8_t *)frame + 12) == ETHERTYPE_RARP);
    return bytes;
}

void net_wire_drain(NetWire *w, int64_t timeout_us)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);

    while (net_wire_wait(w, frame, timeout_us)) {
        continue;
    }
}

bool net_wire_is_read(NetWire *w)
{
    int unread;

    g_assert_cmpint(ioctl(w->fd, SIOCOUTQ, &unread), ==, 0);
    return !unread;
}

uint32_t net_wire_expect(NetWire *w, void *frame)
{
    uint32_t bytes = net_wire_wait(w, frame, WIRE_TIMEOUT_US);

    if (!bytes) {
        g_error("no frame on the wire");
    }
    return bytes;
}

/* --- frames --- */

static void net_fill(uint8_t *at, uint32_t bytes, uint32_t seed)
{
    uint32_t x = seed * 2654435761u + 1;

    for (uint32_t i = 0; i < bytes; i++) {
        x = x * 1664525 + 1013904223;
        at[i] = x >> 24;
    }
}

bool net_is_filled(const uint8_t *at, uint32_t bytes, uint32_t seed)
{
    g_autofree uint8_t *want = g_malloc(bytes + 1);

    net_fill(want, bytes, seed);
    return memcmp(at, want, bytes) == 0;
}

NetFlow net_flow(bool is_ipv6, NetProto proto, const uint8_t dst_mac[6],
                 const uint8_t src_mac[6])
{
    NetFlow f = {
        .is_ipv6 = is_ipv6, .proto = proto,
        .src_port = 4660, .dst_port = 5001, .seq = 0xfffff000,
        .ip_id = 0xfffe, .tcp_flags = 0x18,
    };

    memcpy(f.dst_mac, dst_mac, 6);
    memcpy(f.src_mac, src_mac, 6);
    if (is_ipv6) {
        f.src_ip[0] = f.dst_ip[0] = 0xfd;
        f.src_ip[15] = 1;
        f.dst_ip[15] = 2;
    } else {
        f.src_ip[0] = f.dst_ip[0] = 10;
        f.src_ip[3] = 1;
        f.dst_ip[3] = 2;
    }
    return f;
}

/* One's complement sum of big-endian words; an odd last byte is a high one */
static uint32_t sum_words(uint32_t sum, const uint8_t *at, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        sum += i % 2 ? at[i] : at[i] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint16_t fold(uint32_t sum)
{
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

static uint32_t pseudo_sum(const uint8_t *frame, const NetHeaders *h,
                           uint32_t l4_bytes)
{
    uint32_t sum = h->is_ipv6 ? sum_words(0, frame + h->l3 + 8, 32)
                              : sum_words(0, frame + h->l3 + 12, 8);

    return sum + h->proto + (l4_bytes & 0xffff) + (l4_bytes >> 16);
}

static uint32_t l4_bytes(const NetHeaders *h)
{
    return h->payload + h->payload_bytes - h->l4;
}

/* The one's complement sum over the L4 part and its pseudo header, folded */
static uint16_t net_l4_sum(const uint8_t *frame, const NetHeaders *h)
{
    return fold(sum_words(fold(pseudo_sum(frame, h, l4_bytes(h))),
                          frame + h->l4, l4_bytes(h)));
}

static uint32_t l4_csum_at(const NetHeaders *h)
{
    return h->l4 + (h->proto == NET_TCP ? 16 : 6);
}

static uint32_t put_ipv4(uint8_t *at, const NetFlow *flow, uint32_t l4_bytes)
{
    memset(at, 0, 20);
    at[0] = 0x45;
    stw_be_p(at + 2, 20 + l4_bytes);
    stw_be_p(at + 4, flow->ip_id);
    at[6] = 0x40;
    at[8] = 64;
    at[9] = flow->proto;
    memcpy(at + 12, flow->src_ip, 4);
    memcpy(at + 16, flow->dst_ip, 4);
    stw_be_p(at + 10, ~fold(sum_words(0, at, 20)));
    return 20;
}

static uint32_t put_ipv6(uint8_t *at, const NetFlow *flow, uint32_t l4_bytes)
{
    uint32_t ext = flow->ext_header_bytes;

    memset(at, 0, 40 + ext);
    at[0] = 0x60;
    stw_be_p(at + 4, ext + l4_bytes);
    at[6] = ext ? 0 : flow->proto;
    at[7] = 64;
    memcpy(at + 8, flow->src_ip, 16);
    memcpy(at + 24, flow->dst_ip, 16);
    if (ext) {
        at[40] = flow->proto;
        at[41] = ext / 8 - 1;
        /* PadN over all the rest */
        at[42] = 1;
        at[43] = ext - 4;
    }
    return 40 + ext;
}

static uint32_t put_l4(uint8_t *at, const NetFlow *flow, uint32_t payload)
{
    uint32_t bytes = flow->proto == NET_TCP ? 20 + flow->tcp_option_bytes : 8;

    memset(at, 0, bytes);
    stw_be_p(at, flow->src_port);
    stw_be_p(at + 2, flow->dst_port);
    if (flow->proto == NET_UDP) {
        stw_be_p(at + 4, 8 + payload);
        return bytes;
    }
    stl_be_p(at + 4, flow->seq);
    stl_be_p(at + 8, 0x01020304);
    at[12] = (bytes / 4) << 4;
    at[13] = flow->tcp_flags;
    stw_be_p(at + 14, 0x7fff);
    memset(at + 20, 1, flow->tcp_option_bytes);     /* no-operation */
    return bytes;
}

uint32_t net_build(uint8_t *frame, const NetFlow *flow, uint32_t payload_bytes,
                   uint32_t seed)
{
    uint32_t l4_head = flow->proto == NET_TCP ? 20 + flow->tcp_option_bytes
                                              : 8;
    uint32_t at = NET_ETH_BYTES;
    NetHeaders h;
    uint16_t sum;

    memcpy(frame, flow->dst_mac, 6);
    memcpy(frame + 6, flow->src_mac, 6);
    stw_be_p(frame + 12, flow->is_ipv6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
    at += flow->is_ipv6
        ? put_ipv6(frame + at, flow, l4_head + payload_bytes)
        : put_ipv4(frame + at, flow, l4_head + payload_bytes);
    at += put_l4(frame + at, flow, payload_bytes);
    net_fill(frame + at, payload_bytes, seed);
    g_assert(net_parse(frame, at + payload_bytes, &h));
    sum = ~net_l4_sum(frame, &h);
    if (flow->proto == NET_UDP && sum == 0) {
        sum = 0xffff;
    }
    stw_be_p(frame + l4_csum_at(&h), sum);
    return at + payload_bytes;
}

uint32_t net_build_raw(uint8_t *frame, const NetFlow *flow, uint32_t bytes,
                       uint32_t seed)
{
    g_assert_cmpuint(bytes, >=, NET_MIN_BYTES);
    memcpy(frame, flow->dst_mac, 6);
    memcpy(frame + 6, flow->src_mac, 6);
    stw_be_p(frame + 12, ETHERTYPE_TEST);
    net_fill(frame + NET_ETH_BYTES, bytes - NET_ETH_BYTES, seed);
    return bytes;
}

static bool parse_l3(const uint8_t *frame, uint32_t bytes, NetHeaders *h,
                     uint32_t *end)
{
    const uint8_t *ip = frame + h->l3;

    if (!h->is_ipv6) {
        if (bytes < h->l3 + 20) {
            return false;
        }
        *end = h->l3 + lduw_be_p(ip + 2);
        h->l4 = h->l3 + (ip[0] & 0xf) * 4;
        h->ip_id = lduw_be_p(ip + 4);
        h->proto = ip[9];
        return true;
    }
    if (bytes < h->l3 + 48) {
        return false;
    }
    *end = h->l3 + 40 + lduw_be_p(ip + 4);
    h->l4 = h->l3 + 40;
    h->proto = ip[6];
    if (ip[6] == 0) {
        h->proto = ip[40];
        h->l4 += 8 * (ip[41] + 1);
    }
    return true;
}

bool net_parse(const uint8_t *frame, uint32_t bytes, NetHeaders *h)
{
    uint32_t type_at = 12, end;
    uint16_t type;

    memset(h, 0, sizeof(*h));
    if (bytes < NET_ETH_BYTES + NET_VLAN_BYTES) {
        return false;
    }
    type = lduw_be_p(frame + type_at);
    if (type == ETHERTYPE_VLAN) {
        type_at += NET_VLAN_BYTES;
        type = lduw_be_p(frame + type_at);
    }
    h->l3 = type_at + 2;
    h->is_ipv6 = type == ETHERTYPE_IPV6;
    if ((type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6) ||
        !parse_l3(frame, bytes, h, &end) || end > bytes ||
        (h->proto != NET_TCP && h->proto != NET_UDP) ||
        h->l4 + (h->proto == NET_TCP ? 20 : 8) > end) {
        return false;
    }
    h->payload = h->l4 + 8;
    if (h->proto == NET_TCP) {
        h->payload = h->l4 + (frame[h->l4 + 12] >> 4) * 4;
        h->seq = ldl_be_p(frame + h->l4 + 4);
        h->tcp_flags = frame[h->l4 + 13];
    }
    if (h->payload > end) {
        return false;
    }
    h->payload_bytes = end - h->payload;
    return true;
}

void net_assert_good(const uint8_t *frame, uint32_t bytes, NetHeaders *h)
{
    g_assert(net_parse(frame, bytes, h));
    /* short frames may be padded, longer ones may not */
    g_assert(h->payload + h->payload_bytes == bytes || bytes <= 60);
    if (!h->is_ipv6) {
        g_assert_cmphex(fold(sum_words(0, frame + h->l3, h->l4 - h->l3)), ==,
                        0xffff);
    }
    if (h->proto == NET_UDP) {
        g_assert_cmpuint(lduw_be_p(frame + h->l4 + 4), ==,
                         8 + h->payload_bytes);
        /* 0 says that there is none */
        g_assert_cmphex(lduw_be_p(frame + l4_csum_at(h)), !=, 0);
    }
    g_assert_cmphex(net_l4_sum(frame, h), ==, 0xffff);
}

void net_prepare_offload(uint8_t *frame, uint32_t bytes, bool is_lso)
{
    NetHeaders h;
    uint8_t *ip;

    g_assert(net_parse(frame, bytes, &h));
    ip = frame + h.l3;
    stw_be_p(frame + l4_csum_at(&h),
             fold(pseudo_sum(frame, &h, is_lso ? 0 : l4_bytes(&h))));
    if (!is_lso) {
        return;
    }
    /* as netvsc_xmit() leaves them */
    if (h.is_ipv6) {
        stw_be_p(ip + 4, 0);
    } else {
        stw_be_p(ip + 2, 0);
        stw_be_p(ip + 10, 0);
    }
}

uint32_t net_toeplitz(const uint8_t key[40], const uint8_t *frame,
                      const NetHeaders *h, bool with_ports)
{
    uint32_t addr_at = h->l3 + (h->is_ipv6 ? 8 : 12);
    uint32_t addr_bytes = h->is_ipv6 ? 32 : 8, bytes = addr_bytes;
    uint8_t in[36];
    uint32_t hash = 0;

    memcpy(in, frame + addr_at, addr_bytes);
    if (with_ports) {
        memcpy(in + addr_bytes, frame + h->l4, 4);
        bytes += 4;
    }
    for (uint32_t bit = 0; bit < bytes * 8; bit++) {
        uint32_t window = 0;

        if (!(in[bit / 8] & (0x80 >> (bit % 8)))) {
            continue;
        }
        for (uint32_t k = bit; k < bit + 32; k++) {
            window = window << 1 | ((key[k / 8] >> (7 - k % 8)) & 1);
        }
        hash ^= window;
    }
    return hash;
}
