/*
 * The other end of a network card in a qtest: a tap with virtio-net headers
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include "net-tap.h"

#define TAP_TIMEOUT_MS      20000

/* What the child could not do: its exit status */
static const char *const tap_steps[] = {
    "", "make a network namespace", "open /dev/net/tun", "make a tap",
    "set the tap up", "open a packet socket", "hand over the descriptors",
};

/* Both descriptors of @t, inside a new namespace; the step that failed, or 0 */
static int tap_make(NetTap *t)
{
    struct ifreq req = {
        .ifr_name = "tap0",
        .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
    };
    struct sockaddr_ll addr = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
    };
    int on = 1;

    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
        return 1;
    }
    t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (t->fd < 0) {
        return 2;
    }
    if (ioctl(t->fd, TUNSETIFF, &req)) {
        return 3;
    }
    t->wire = socket(AF_PACKET, SOCK_RAW, 0);
    req.ifr_flags = IFF_UP | IFF_NOARP;
    if (t->wire < 0 || ioctl(t->wire, SIOCSIFFLAGS, &req) ||
        ioctl(t->wire, SIOCGIFINDEX, &req)) {
        return 4;
    }
    addr.sll_ifindex = req.ifr_ifindex;
    if (setsockopt(t->wire, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) ||
        bind(t->wire, (struct sockaddr *)&addr, sizeof(addr))) {
        return 5;
    }
    return 0;
}

/* One message with, @is_out, or for both descriptors */
static bool tap_pass(int sock, NetTap *t, bool is_out)
{
    int fds[2] = { t->fd, t->wire };
    char byte = 0, control[CMSG_SPACE(sizeof(fds))] = { 0 };
    struct iovec iov = { &byte, 1 };
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

    if (is_out) {
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(fds));
        memcpy(CMSG_DATA(c), fds, sizeof(fds));
        return sendmsg(sock, &msg, 0) == 1;
    }
    if (recvmsg(sock, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg)) {
        return false;
    }
    memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fds));
    t->fd = fds[0];
    t->wire = fds[1];
    return true;
}

bool net_tap_open(NetTap *t)
{
    int pair[2], status;
    pid_t child;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), ==, 0);
    child = fork();
    g_assert_cmpint(child, >=, 0);
    if (!child) {
        status = tap_make(t);
        if (!status && !tap_pass(pair[1], t, true)) {
            status = ARRAY_SIZE(tap_steps) - 1;
        }
        _exit(status);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    g_assert_cmpint(status, <, ARRAY_SIZE(tap_steps));
    if (!status) {
        g_assert_true(tap_pass(pair[0], t, false));
    } else {
        g_autofree char *why = g_strdup_printf("cannot %s", tap_steps[status]);

        g_test_skip(why);
    }
    close(pair[0]);
    close(pair[1]);
    return !status;
}

bool net_tap_has_tso(NetTap *t)
{
    struct ethtool_value val = { .cmd = ETHTOOL_GTSO };
    struct ifreq req = { .ifr_name = "tap0", .ifr_data = (void *)&val };

    g_assert_cmpint(ioctl(t->wire, SIOCETHTOOL, &req), ==, 0);
    return val.data;
}

void net_tap_close(NetTap *t)
{
    close(t->fd);
    close(t->wire);
}

void net_tap_send(NetTap *t, const struct virtio_net_hdr *hdr,
                  const void *frame, uint32_t bytes)
{
    struct iovec iov[2] = {
        { (void *)hdr, sizeof(*hdr) }, { (void *)frame, bytes },
    };

    g_assert_cmpint(writev(t->wire, iov, 2), ==, sizeof(*hdr) + bytes);
}

uint16_t net_csum_offset(NetProto proto)
{
    return proto == NET_TCP ? 16 : 6;
}

void net_tap_send_unfinished(NetTap *t, void *frame, const NetFlow *flow,
                             uint32_t payload_bytes, uint16_t gso_size,
                             uint32_t seed)
{
    uint32_t bytes = net_build(frame, flow, payload_bytes, seed);
    struct virtio_net_hdr hdr = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM };
    NetHeaders h;

    g_assert(net_parse(frame, bytes, &h));
    /* the kernel, unlike a guest, has the length in it */
    net_prepare_offload(frame, bytes, false);
    hdr.csum_start = h.l4;
    hdr.csum_offset = net_csum_offset(flow->proto);
    if (gso_size) {
        hdr.gso_type = flow->is_ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6
                                     : VIRTIO_NET_HDR_GSO_TCPV4;
        hdr.gso_size = gso_size;
        hdr.hdr_len = h.payload;
    }
    net_tap_send(t, &hdr, frame, bytes);
}

uint32_t net_tap_expect(NetTap *t, const uint8_t src_mac[6],
                        struct virtio_net_hdr *hdr, void *frame)
{
    struct iovec iov[2] = {
        { hdr, sizeof(*hdr) }, { frame, NET_MAX_BYTES },
    };
    struct pollfd p = { .fd = t->wire, .events = POLLIN };
    ssize_t n;

    /* the interface and the test itself send too */
    do {
        g_assert_cmpint(poll(&p, 1, TAP_TIMEOUT_MS), ==, 1);
        n = readv(t->wire, iov, 2);
        g_assert_cmpint(n, >=, (ssize_t)sizeof(*hdr) + NET_ETH_BYTES);
    } while (memcmp((uint8_t *)frame + 6, src_mac, 6));
    return n - sizeof(*hdr);
}
