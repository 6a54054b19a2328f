/*
 * Round trips and small datagrams, for the network tests and benches: runs in
 * the guest and on the host, static, so that both ends are the same program.
 *
 *   netload serve PORT                       echo and count, until killed
 *   netload rr tcp|udp HOST PORT SECONDS     round trips of one byte
 *   netload blast HOST PORT SECONDS BYTES    datagrams one way, as fast as it goes
 *   netload window HOST PORT SECONDS BYTES   the same, no faster than they are taken
 *
 * A client prints "rate N sent N lost N": per second, sent, and not answered or
 * not counted by the server.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* first byte of a datagram */
enum { ECHO = 'E', COUNT = 'C', QUERY = 'Q', WINDOW = 'W' };

/* Datagrams that may be under way, and so many are acknowledged at once */
#define WINDOW_COUNT    128
#define WINDOW_ACK      32

#define REPLY_MS        200
#define QUERY_TRIES     20
#define SOCKET_BYTES    (4 << 20)

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int listen_on(int type, int port)
{
    struct sockaddr_in6 addr = {
        .sin6_family = AF_INET6, .sin6_port = htons(port),
    };
    int on = 1, off = 0, bytes = SOCKET_BYTES;
    int fd = socket(AF_INET6, type, 0);
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };

    if (fd >= 0) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
        if (bind(fd, (void *)&addr, sizeof(addr))) {
            die("bind");
        }
    } else {
        /* a host without IPv6 */
        fd = socket(AF_INET, type, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (fd < 0 || bind(fd, (void *)&v4, sizeof(v4))) {
            die("bind");
        }
    }
    return fd;
}

static void serve_udp(int fd)
{
    struct sockaddr_storage from;
    uint64_t count = 0;
    char buf[65536];

    for (;;) {
        socklen_t from_bytes = sizeof(from);
        ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (void *)&from,
                             &from_bytes);

        if (n < 1) {
            continue;
        }
        if (buf[0] == COUNT) {
            count++;
        } else if (buf[0] == WINDOW) {
            if (++count % WINDOW_ACK == 0) {
                sendto(fd, &count, sizeof(count), 0, (void *)&from,
                       from_bytes);
            }
        } else if (buf[0] == ECHO) {
            sendto(fd, buf, n, 0, (void *)&from, from_bytes);
        } else if (buf[0] == QUERY) {
            sendto(fd, &count, sizeof(count), 0, (void *)&from, from_bytes);
        }
    }
}

static void serve_connection(int fd)
{
    int on = 1;
    char c;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1) {
        continue;
    }
    exit(0);
}

static void serve(int port)
{
    int tcp = listen_on(SOCK_STREAM, port), udp = listen_on(SOCK_DGRAM, port);

    signal(SIGCHLD, SIG_IGN);
    if (listen(tcp, 16)) {
        die("listen");
    }
    if (fork() == 0) {
        serve_udp(udp);
    }
    for (;;) {
        int fd = accept(tcp, NULL, NULL);

        if (fd >= 0 && fork() == 0) {
            serve_connection(fd);
        }
        close(fd);
    }
}

static int connect_to(int type, const char *host, const char *port)
{
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(atoi(port)),
    };
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)),
    };
    int is_v6 = inet_pton(AF_INET6, host, &v6.sin6_addr) == 1;
    int on = 1, fd = socket(is_v6 ? AF_INET6 : AF_INET, type, 0);

    if (!is_v6 && inet_pton(AF_INET, host, &v4.sin_addr) != 1) {
        fprintf(stderr, "%s is not an address\n", host);
        exit(2);
    }
    if (fd < 0 || (is_v6 ? connect(fd, (void *)&v6, sizeof(v6))
                         : connect(fd, (void *)&v4, sizeof(v4)))) {
        die("connect");
    }
    if (type == SOCK_STREAM) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    return fd;
}

static void print_rate(uint64_t done, uint64_t sent, double seconds)
{
    printf("rate %.0f sent %llu lost %llu\n", done / seconds,
           (unsigned long long)sent, (unsigned long long)(sent - done));
}

static void round_trips(int fd, double seconds)
{
    double start = now(), end = start + seconds;
    uint64_t sent = 0, done = 0;
    char c = ECHO;

    while (now() < end) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (send(fd, &c, 1, 0) != 1) {
            die("send");
        }
        sent++;
        /* a datagram may be lost; a stream may not, and gets more time */
        if (poll(&p, 1, REPLY_MS * 10) == 1 && recv(fd, &c, 1, 0) == 1) {
            done++;
        }
    }
    print_rate(done, sent, now() - start);
}

static uint64_t ask_count(int fd)
{
    uint64_t count;
    char c = QUERY;

    for (int i = 0; i < QUERY_TRIES; i++) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        send(fd, &c, 1, 0);
        if (poll(&p, 1, REPLY_MS) == 1 &&
            recv(fd, &count, sizeof(count), 0) == sizeof(count)) {
            return count;
        }
    }
    fprintf(stderr, "no answer from the server\n");
    exit(1);
}

static void blast(int fd, double seconds, int bytes)
{
    uint64_t sent = 0, before = ask_count(fd), done;
    double start = now(), end = start + seconds, took;
    char buf[65536] = { COUNT };

    do {
        /* looking at the clock costs as much as a packet */
        for (int i = 0; i < 16; i++) {
            if (send(fd, buf, bytes, 0) == bytes) {
                sent++;
            } else if (errno != ENOBUFS && errno != ECONNREFUSED) {
                die("send");
            }
        }
    } while (now() < end);
    took = now() - start;
    usleep(REPLY_MS * 1000);
    done = ask_count(fd) - before;
    print_rate(done, sent, took);
}

/* Acknowledgements tell the server's count; a silence, that the rest is lost */
static void window(int fd, double seconds, int bytes)
{
    uint64_t base = ask_count(fd), sent = 0, lost = 0, count = base;
    double start = now(), end = start + seconds;
    char buf[65536] = { WINDOW };

    while (now() < end) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        while (sent - lost - (count - base) < WINDOW_COUNT) {
            if (send(fd, buf, bytes, 0) != bytes && errno != ENOBUFS &&
                errno != ECONNREFUSED) {
                die("send");
            }
            sent++;
        }
        if (poll(&p, 1, REPLY_MS) != 1 ||
            recv(fd, &count, sizeof(count), 0) != sizeof(count)) {
            count = ask_count(fd);
            lost = sent - (count - base);
        }
    }
    print_rate(count - base, sent, now() - start);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "serve")) {
        serve(atoi(argv[2]));
    } else if (argc == 6 && !strcmp(argv[1], "rr")) {
        int type = !strcmp(argv[2], "tcp") ? SOCK_STREAM : SOCK_DGRAM;

        round_trips(connect_to(type, argv[3], argv[4]), atof(argv[5]));
    } else if (argc == 6 && !strcmp(argv[1], "blast")) {
        blast(connect_to(SOCK_DGRAM, argv[2], argv[3]), atof(argv[4]),
              atoi(argv[5]));
    } else if (argc == 6 && !strcmp(argv[1], "window")) {
        window(connect_to(SOCK_DGRAM, argv[2], argv[3]), atof(argv[4]),
               atoi(argv[5]));
    } else {
        fprintf(stderr, "netload: serve, rr, blast or window: see the source\n");
        return 2;
    }
    return 0;
}
