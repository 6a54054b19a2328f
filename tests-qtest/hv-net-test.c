/*
 * hv-net: the VMBus network card, as a guest's driver sees it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "lib/net-machine.h"

static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
static const uint8_t multicast[6] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb };
static const uint8_t stranger[6] = { 0x52, 0x54, 0x00, 0x99, 0x99, 0x99 };

static const uint32_t versions[] = {
    NVSP_VERSION_1, NVSP_VERSION_2, NVSP_VERSION_4, NVSP_VERSION_5,
    NVSP_VERSION_6, NVSP_VERSION_6_1,
};

/* --- handshake --- */

static void test_speaks_each_version(void)
{
    NetMachine m;

    net_machine_start(&m, "", "");
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        Netvsc *n = netvsc_start(m.c, 0, versions[i]);

        netvsc_query_offloads(n);
        netvsc_set_offloads(n, true);
        net_machine_check_traffic(&m, n, i);
        netvsc_close(n);
    }
    net_machine_stop(&m);
}

static void test_refuses_unknown_versions(void)
{
    static const uint32_t unknown[] = {
        0, 1, 3, 0x10000, 0x30001, 0x60002, 0x70000, 0xffffffff,
    };
    NetMachine m;
    Netvsc *n;

    net_machine_start(&m, "", "");
    n = netvsc_open(m.c, 0);
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        g_assert_cmpuint(netvsc_try_version(n, unknown[i]), !=,
                         NVSP_STATUS_SUCCESS);
    }
    g_assert_cmpuint(netvsc_try_version(n, NVSP_VERSION_6_1), ==,
                     NVSP_STATUS_SUCCESS);
    netvsc_close_rudely(n);
    n = netvsc_start(m.c, 0, NVSP_VERSION_5);
    net_machine_check_traffic(&m, n, 1);
    net_machine_down(&m, n);
}

static void test_tells_address_mtu_and_link(void)
{
    uint8_t mac[6];
    uint32_t bytes = sizeof(mac);
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    g_assert_cmpint(memcmp(n->mac, net_machine_mac, 6), ==, 0);
    g_assert_cmphex(netvsc_query(n, RNDIS_OID_802_3_CURRENT_ADDRESS, NULL, 0,
                                 mac, &bytes), ==, RNDIS_STATUS_SUCCESS);
    g_assert_cmpint(memcmp(mac, net_machine_mac, 6), ==, 0);
    g_assert_cmpuint(netvsc_query_u32(n, RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE),
                     ==, 1500);
    g_assert_cmpuint(netvsc_query_u32(n, RNDIS_OID_GEN_MEDIA_CONNECT_STATUS),
                     ==, RNDIS_MEDIA_CONNECTED);
    g_assert_cmpuint(netvsc_query_u32(n, RNDIS_OID_GEN_LINK_SPEED), >, 0);
    net_machine_down(&m, n);
}

/* As rndis_filter_device_add() of Linux asks; sizes are what it takes */
static void test_answers_what_linux_asks(void)
{
    uint8_t buf[512];
    NdisRssCapsWire caps;
    uint32_t bytes = NDIS_RSS_CAPS_BYTES;
    NdisOffloadWire offload;
    NetMachine m;
    Netvsc *n;

    net_machine_start(&m, ",friendly-name=Lab_7", "");
    n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    offload = netvsc_query_offloads(n);
    g_assert_cmphex(netvsc_query(n, RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES,
                                 NULL, 0, &caps, &bytes), ==,
                    RNDIS_STATUS_SUCCESS);
    g_assert_cmpuint(bytes, ==, NDIS_RSS_CAPS_BYTES);
    g_assert_cmphex(caps.header.type, ==, NDIS_OBJECT_RSS_CAPABILITIES);
    g_assert_cmpuint(le32_to_cpu(caps.receive_queues), >=, 1);
    bytes = sizeof(buf);
    g_assert_cmphex(netvsc_query(n, RNDIS_OID_GEN_FRIENDLY_NAME, NULL, 0, buf,
                                 &bytes), ==, RNDIS_STATUS_SUCCESS);
    g_assert_cmpmem(buf, bytes, u"Lab_7", 12);
    /* TCP checksums for both, and LSO: Linux enables them by these bits */
    g_assert_cmphex(le32_to_cpu(offload.ip4_tx_csum) & 0x14, ==, 0x14);
    g_assert_cmphex(le32_to_cpu(offload.ip6_tx_csum) & 0x15, ==, 0x15);
    g_assert_cmphex(le32_to_cpu(offload.lsov2_ip4_encap) & 2, ==, 2);
    g_assert_cmphex(le32_to_cpu(offload.lsov2_ip6_encap) & 2, ==, 2);
    netvsc_set_offloads(n, true);
    netvsc_set_offloads(n, false);
    net_machine_down(&m, n);
}

static void test_unknown_oids_fail_and_nothing_else(void)
{
    uint8_t buf[64] = { 0 };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (uint32_t oid = 0x0001ff00; oid < 0x0001ff20; oid++) {
        uint32_t bytes = sizeof(buf);

        g_assert_cmphex(netvsc_query(n, oid, NULL, 0, buf, &bytes), !=,
                        RNDIS_STATUS_SUCCESS);
        g_assert_cmphex(netvsc_set(n, oid, buf, 4), !=, RNDIS_STATUS_SUCCESS);
    }
    net_machine_check_traffic(&m, n, 2);
    net_machine_down(&m, n);
}

static void test_keepalive_and_reset_are_answered(void)
{
    uint8_t msg[12];
    GByteArray *answer;
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    stl_le_p(msg, RNDIS_MSG_KEEPALIVE);
    stl_le_p(msg + 4, sizeof(msg));
    stl_le_p(msg + 8, 0x1234);
    netvsc_expect_sent(n, netvsc_send_control(n, msg, sizeof(msg)));
    answer = netvsc_expect_control(n, 0x1234);
    g_assert_cmphex((uint32_t)ldl_le_p(answer->data), ==,
                    RNDIS_MSG_KEEPALIVE | RNDIS_MSG_COMPLETION);
    g_byte_array_unref(answer);
    stl_le_p(msg, RNDIS_MSG_RESET);
    netvsc_expect_sent(n, netvsc_send_control(n, msg, sizeof(msg)));
    /* the only answer without a request id: a status is there */
    answer = netvsc_expect_control(n, RNDIS_STATUS_SUCCESS);
    g_assert_cmphex((uint32_t)ldl_le_p(answer->data), ==,
                    RNDIS_MSG_RESET | RNDIS_MSG_COMPLETION);
    g_byte_array_unref(answer);
    netvsc_set_filter(n, NETVSC_FILTER_OPEN);
    net_machine_check_traffic(&m, n, 3);
    net_machine_down(&m, n);
}

/* Any payload in this completion makes every Linux wait for ever */
static void test_data_path_switch_is_completed_empty(void)
{
    NvspMessageWire answer, msg = {
        .type = cpu_to_le32(NVSP_MSG_SWITCH_DATA_PATH),
    };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    answer = netvsc_exchange(n, 0, &msg, NVSP_MESSAGE_BYTES);
    g_assert_cmpuint(answer.type, ==, 0);
    net_machine_check_traffic(&m, n, 4);
    net_machine_down(&m, n);
}

/* --- frames --- */

static void expect_on_wire(NetMachine *m, const uint8_t *want, uint32_t bytes)
{
    g_autofree uint8_t *got = g_malloc(NET_MAX_BYTES);
    uint32_t got_bytes = net_wire_expect(&m->wire, got);

    g_assert(got_bytes == bytes || (bytes < 60 && got_bytes == 60));
    g_assert_cmpint(memcmp(got, want, bytes), ==, 0);
}

static void test_sends_every_size(void)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (uint32_t bytes = NET_MIN_BYTES; bytes <= 1514; bytes++) {
        net_build_raw(frame, &flow, bytes, bytes);
        netvsc_send_frame(n, frame, bytes);
        expect_on_wire(&m, frame, bytes);
    }
    net_machine_down(&m, n);
}

static void test_receives_every_size(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (uint32_t bytes = NET_MIN_BYTES; bytes <= 1514; bytes++) {
        net_machine_to_guest(&m, net_machine_mac, bytes, bytes);
        net_machine_expect(&m, n, bytes, bytes);
    }
    net_machine_down(&m, n);
}

static void test_jumbo_frames_both_ways(void)
{
    static const uint32_t mtus[] = { 1500, 4000, 9000 };
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetMachine m;

    net_machine_start(&m, ",mtu=9000", "");
    for (size_t i = 0; i < ARRAY_SIZE(mtus); i++) {
        Netvsc *n = netvsc_start_sized(m.c, 0, NVSP_VERSION_6_1,
                                       NETVSC_RECV_PAGES, mtus[i]);
        uint64_t gpa = hv_guest_alloc(m.g, 4);

        for (uint32_t bytes = mtus[i] - 40; bytes <= mtus[i] + 14; bytes++) {
            NetvscTx tx = { .frame = frame, .bytes = bytes };
            NetvscRange range = { gpa + 100, bytes };

            net_build_raw(frame, &flow, bytes, bytes);
            memcpy(hv_guest_ptr(m.g, range.gpa), frame, bytes);
            g_assert_cmpuint(netvsc_expect_sent(
                                 n, netvsc_send_in_ranges(n, 0, &tx, &range,
                                                          1)),
                             ==, NVSP_STATUS_SUCCESS);
            expect_on_wire(&m, frame, bytes);
            net_machine_to_guest(&m, net_machine_mac, bytes, ~bytes);
            net_machine_expect(&m, n, bytes, ~bytes);
        }
        netvsc_close(n);
    }
    net_machine_stop(&m);
}

/* The frame in up to three ranges that start and end anywhere in pages */
static void test_frames_cross_pages(void)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    uint64_t gpa = hv_guest_alloc(m.g, 8);

    for (uint32_t offset = 0; offset < HV_PAGE_SIZE; offset += 251) {
        for (unsigned parts = 1; parts <= 3; parts++) {
            uint32_t bytes = 1514 - offset % 7, done = 0, seed = offset + parts;
            NetvscTx tx = { .frame = frame, .bytes = bytes };
            NetvscRange ranges[3];
            uint64_t id;

            net_build_raw(frame, &flow, bytes, seed);
            for (unsigned i = 0; i < parts; i++) {
                uint32_t len = i == parts - 1 ? bytes - done
                                              : bytes / parts + i;

                ranges[i].gpa = gpa + (2 - i) * 2 * HV_PAGE_SIZE + offset;
                ranges[i].bytes = len;
                memcpy(hv_guest_ptr(m.g, ranges[i].gpa), frame + done, len);
                done += len;
            }
            id = parts == 2 ? netvsc_send_partial(n, 0, &tx, ranges, parts)
                            : netvsc_send_in_ranges(n, 0, &tx, ranges, parts);
            g_assert_cmpuint(netvsc_expect_sent(n, id), ==,
                             NVSP_STATUS_SUCCESS);
            expect_on_wire(&m, frame, bytes);
        }
    }
    net_machine_down(&m, n);
}

/* Linux from 6.14 on: an RNDIS header that is on two pages */
static void test_header_crosses_a_page(void)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    uint8_t head[128];
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    uint64_t gpa = hv_guest_alloc(m.g, 4);

    for (uint32_t offset = 1; offset < 80; offset++) {
        NetvscTx tx = {
            .frame = frame, .bytes = 900,
            .has_hash = true, .hash = 0x12345678,
        };
        NetvscRange range = { gpa + HV_PAGE_SIZE - offset, 0 };
        uint32_t head_bytes;

        net_build_raw(frame, &flow, tx.bytes, offset);
        head_bytes = netvsc_build_header(head, &tx);
        range.bytes = head_bytes + tx.bytes;
        memcpy(hv_guest_ptr(m.g, range.gpa), head, head_bytes);
        memcpy(hv_guest_ptr(m.g, range.gpa + head_bytes), frame, tx.bytes);
        g_assert_cmpuint(netvsc_expect_sent(
                             n, netvsc_send_raw(n, 0, NVSP_CHANNEL_DATA,
                                                NVSP_NO_SECTION, 0, &range,
                                                1)),
                         ==, NVSP_STATUS_SUCCESS);
        expect_on_wire(&m, frame, tx.bytes);
    }
    net_machine_down(&m, n);
}

static void test_many_packets_in_one_message(void)
{
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    unsigned count = MIN(n->max_packets, 64);
    g_autofree uint8_t *frames = g_malloc(64 * 256);
    NetvscTx tx[64] = { 0 };

    g_assert_cmpuint(count, >, 1);
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < count; i++) {
            tx[i].frame = frames + 256 * i;
            tx[i].bytes = 60 + (round * 7 + i * 13) % 190;
            net_build_raw(frames + 256 * i, &flow, tx[i].bytes,
                          round * 64 + i);
        }
        g_assert_cmpuint(netvsc_expect_sent(
                             n, netvsc_send_in_section(n, 0, tx, count)),
                         ==, NVSP_STATUS_SUCCESS);
        for (unsigned i = 0; i < count; i++) {
            expect_on_wire(&m, tx[i].frame, tx[i].bytes);
        }
    }
    net_machine_down(&m, n);
}

/* Take the frames that wait on the wire: number @taken, and the next ones */
static unsigned take_numbered(NetMachine *m, unsigned taken, uint32_t bytes)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    uint32_t got;

    while ((got = net_wire_wait(&m->wire, frame, 0))) {
        g_assert_cmpuint(got, ==, bytes);
        g_assert(net_is_filled(frame + NET_ETH_BYTES, bytes - NET_ETH_BYTES,
                               taken));
        taken++;
    }
    return taken;
}

/*
 * More than ring, socket and sections hold: all go out in order, completed once,
 * and while nobody reads the wire they wait.
 */
static void test_burst_keeps_its_order(void)
{
    enum { COUNT = 3000 };
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    g_autofree uint64_t *id = g_new0(uint64_t, COUNT);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    unsigned sent = 0, done = 0, taken = 0, stuck = 0;
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    while (done < COUNT || taken < COUNT) {
        NetvscTx tx = { .frame = frame, .bytes = 200 };
        bool moved = false;

        /* a section is not to be written again before it is sent */
        if (sent < COUNT && sent < done + n->send_sections) {
            net_build_raw(frame, &flow, tx.bytes, sent);
            id[sent] = netvsc_send_in_section(n, 0, &tx, 1);
            moved = id[sent] != 0;
            sent += moved;
        }
        while (done < sent && netvsc_is_sent(n, id[done])) {
            g_assert_cmpuint(netvsc_expect_sent(n, id[done++]), ==,
                             NVSP_STATUS_SUCCESS);
            moved = true;
        }
        /* read the wire only when nothing else can go on */
        stuck = moved ? 0 : stuck + 1;
        if (stuck > 20) {
            taken = take_numbered(&m, taken, tx.bytes);
        }
        g_assert_cmpuint(stuck, <, 100000);
    }
    g_assert_cmpuint(taken, ==, COUNT);
    net_machine_down(&m, n);
}

/* A guest with a smaller MTU still takes what every Ethernet card takes */
static void test_small_mtu_takes_full_frames(void)
{
    NetMachine m;
    Netvsc *n;

    net_machine_start(&m, "", "");
    n = netvsc_start_sized(m.c, 0, NVSP_VERSION_6_1, NETVSC_RECV_PAGES, 1280);
    for (uint32_t bytes = 1290; bytes <= 1514; bytes += 7) {
        net_machine_to_guest(&m, net_machine_mac, bytes, bytes);
        net_machine_expect(&m, n, bytes, bytes);
    }
    net_machine_down(&m, n);
}

static void test_too_long_frames_are_dropped_alone(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (uint32_t bytes = 4000; bytes <= 65000; bytes += 7001) {
        net_machine_to_guest(&m, net_machine_mac, bytes, 1);
        net_machine_to_guest(&m, net_machine_mac, 100, bytes);
        net_machine_expect(&m, n, 100, bytes);
    }
    net_machine_down(&m, n);
}

/* The guest keeps all sections for a while: frames wait on the wire */
static void test_withheld_receive_buffers_lose_nothing(void)
{
    enum { COUNT = 1500 };
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_mac,
                            net_machine_peer_mac);
    NetMachine m;
    Netvsc *n;
    unsigned sent = 0, taken = 0;

    net_machine_start(&m, "", "");
    n = netvsc_start_sized(m.c, 0, NVSP_VERSION_6_1, 16, 1500);
    n->hold = true;
    while (taken < COUNT) {
        /* fill until the kernel's buffer is full: the host does not read */
        while (sent < COUNT) {
            net_build_raw(frame, &flow, 1000, sent);
            if (!net_wire_try_send(&m.wire, frame, 1000)) {
                break;
            }
            sent++;
        }
        for (int i = 0; i < 20; i++) {
            hv_guest_step(m.g, 0);
            netvsc_pump(n);
        }
        /* half of them, one by one, then in a rush */
        for (unsigned i = 0; i < n->recv_sections / 2; i++) {
            netvsc_return_one(n);
        }
        if (taken % 3 == 0) {
            netvsc_return_all(n);
        }
        while (!g_queue_is_empty(n->frames)) {
            g_autofree NetvscFrame *f = g_queue_pop_head(n->frames);

            g_assert_cmpuint(f->bytes, ==, 1000);
            g_assert(net_is_filled(f->data + NET_ETH_BYTES,
                                   1000 - NET_ETH_BYTES, taken));
            taken++;
        }
    }
    /* control messages find a section even when data took the others */
    n->hold = false;
    netvsc_set_filter(n, NETVSC_FILTER_OPEN);
    net_machine_down(&m, n);
}

/* The ring to the guest is full of completions and frames: they wait */
static void test_full_ring_to_the_guest_loses_nothing(void)
{
    enum { FRAMES = 60, MAX_SENT = 20000 };     /* FRAMES fit the socket */
    g_autofree uint64_t *id = g_new0(uint64_t, MAX_SENT);
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    unsigned sent = net_machine_fill_ring(&m, n, id, MAX_SENT);

    for (unsigned i = 0; i < FRAMES; i++) {
        net_machine_to_guest(&m, net_machine_mac, 200, i);
    }
    for (unsigned i = 0; i < sent; i++) {
        while (!netvsc_is_sent(n, id[i])) {
            /* what the wire does not take is not completed */
            net_wire_drain(&m.wire, 0);
        }
        g_assert_cmpuint(netvsc_expect_sent(n, id[i]), ==,
                         NVSP_STATUS_SUCCESS);
    }
    for (unsigned i = 0; i < FRAMES; i++) {
        net_machine_expect(&m, n, 200, i);
    }
    net_wire_drain(&m.wire, G_USEC_PER_SEC / 10);
    net_machine_check_traffic(&m, n, 5);
    net_machine_down(&m, n);
}

static void test_statistics_count(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    uint32_t out = netvsc_query_u32(n, RNDIS_OID_GEN_XMIT_OK);
    uint32_t in = netvsc_query_u32(n, RNDIS_OID_GEN_RCV_OK);

    for (int i = 0; i < 10; i++) {
        net_machine_check_traffic(&m, n, i);
    }
    g_assert_cmpuint(netvsc_query_u32(n, RNDIS_OID_GEN_XMIT_OK), ==, out + 10);
    g_assert_cmpuint(netvsc_query_u32(n, RNDIS_OID_GEN_RCV_OK), ==, in + 10);
    net_machine_down(&m, n);
}

/* --- what is taken from the wire --- */

static void test_packet_filter_decides(void)
{
    static const struct {
        uint32_t filter;
        bool directed, broadcast, multicast, stranger;
    } rows[] = {
        { 0, false, false, false, false },
        { RNDIS_FILTER_DIRECTED, true, false, false, false },
        { RNDIS_FILTER_BROADCAST, false, true, false, false },
        { RNDIS_FILTER_ALL_MULTICAST, false, false, true, false },
        { NETVSC_FILTER_OPEN, true, true, true, false },
        { RNDIS_FILTER_PROMISCUOUS, true, true, true, true },
    };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        netvsc_set_filter(n, rows[i].filter);
        g_assert_cmpint(net_machine_passes(&m, n, net_machine_mac), ==, rows[i].directed);
        g_assert_cmpint(net_machine_passes(&m, n, broadcast), ==, rows[i].broadcast);
        g_assert_cmpint(net_machine_passes(&m, n, multicast), ==, rows[i].multicast);
        g_assert_cmpint(net_machine_passes(&m, n, stranger), ==, rows[i].stranger);
    }
    net_machine_down(&m, n);
}

static void test_multicast_list_decides(void)
{
    static const uint8_t other[6] = { 0x01, 0x00, 0x5e, 0x00, 0x00, 0xfc };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    netvsc_set_filter(n, RNDIS_FILTER_DIRECTED | RNDIS_FILTER_MULTICAST);
    g_assert_cmphex(netvsc_set(n, RNDIS_OID_802_3_MULTICAST_LIST, multicast,
                               6), ==, RNDIS_STATUS_SUCCESS);
    g_assert(net_machine_passes(&m, n, multicast));
    g_assert(!net_machine_passes(&m, n, other));
    g_assert_cmphex(netvsc_set(n, RNDIS_OID_802_3_MULTICAST_LIST, NULL, 0),
                    ==, RNDIS_STATUS_SUCCESS);
    g_assert(!net_machine_passes(&m, n, multicast));
    g_assert(net_machine_passes(&m, n, net_machine_mac));
    net_machine_down(&m, n);
}

static void test_address_can_be_changed(void)
{
    static const uint8_t mine[6] = { 0x52, 0x54, 0x00, 0xab, 0xcd, 0xef };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    uint8_t mac[6];
    uint32_t bytes = sizeof(mac);

    g_assert_cmphex(netvsc_set_address(n, "525400ABCDEF"), ==,
                    RNDIS_STATUS_SUCCESS);
    g_assert(net_machine_passes(&m, n, mine));
    g_assert(!net_machine_passes(&m, n, net_machine_mac));
    netvsc_query(n, RNDIS_OID_802_3_CURRENT_ADDRESS, NULL, 0, mac, &bytes);
    g_assert_cmpint(memcmp(mac, mine, 6), ==, 0);
    bytes = sizeof(mac);
    netvsc_query(n, RNDIS_OID_802_3_PERMANENT_ADDRESS, NULL, 0, mac, &bytes);
    g_assert_cmpint(memcmp(mac, net_machine_mac, 6), ==, 0);
    /* what is no address is refused, and changes nothing */
    g_assert_cmphex(netvsc_set_address(n, "525400ABCDEX"), !=,
                    RNDIS_STATUS_SUCCESS);
    g_assert_cmphex(netvsc_set_address(n, "52"), !=, RNDIS_STATUS_SUCCESS);
    g_assert_cmphex(netvsc_set_address(n, ""), !=, RNDIS_STATUS_SUCCESS);
    g_assert(net_machine_passes(&m, n, mine));
    net_machine_down(&m, n);
}

static void test_link_state_is_told(void)
{
    static const char *const names[] = { "nic0", "n0" };
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        qtest_qmp_assert_success(m.g->qts,
            "{ 'execute': 'set_link',"
            "  'arguments': { 'name': %s, 'up': false } }", names[i]);
        netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
        g_assert_cmpuint(netvsc_query_u32(
                             n, RNDIS_OID_GEN_MEDIA_CONNECT_STATUS), ==,
                         RNDIS_MEDIA_DISCONNECTED);
        qtest_qmp_assert_success(m.g->qts,
            "{ 'execute': 'set_link',"
            "  'arguments': { 'name': %s, 'up': true } }", names[i]);
        netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_CONNECT);
        net_machine_check_traffic(&m, n, i);
    }
    net_machine_down(&m, n);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define NET_TEST(_name) \
    qtest_add_func("/paravisor/hv-net/" #_name, test_##_name)
    NET_TEST(speaks_each_version);
    NET_TEST(refuses_unknown_versions);
    NET_TEST(tells_address_mtu_and_link);
    NET_TEST(answers_what_linux_asks);
    NET_TEST(unknown_oids_fail_and_nothing_else);
    NET_TEST(keepalive_and_reset_are_answered);
    NET_TEST(data_path_switch_is_completed_empty);
    NET_TEST(sends_every_size);
    NET_TEST(receives_every_size);
    NET_TEST(jumbo_frames_both_ways);
    NET_TEST(frames_cross_pages);
    NET_TEST(header_crosses_a_page);
    NET_TEST(many_packets_in_one_message);
    NET_TEST(burst_keeps_its_order);
    NET_TEST(small_mtu_takes_full_frames);
    NET_TEST(too_long_frames_are_dropped_alone);
    NET_TEST(withheld_receive_buffers_lose_nothing);
    NET_TEST(full_ring_to_the_guest_loses_nothing);
    NET_TEST(statistics_count);
    NET_TEST(packet_filter_decides);
    NET_TEST(multicast_list_decides);
    NET_TEST(address_can_be_changed);
    NET_TEST(link_state_is_told);
    return g_test_run();
}
