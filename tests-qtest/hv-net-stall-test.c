/*
 * hv-net: what has to wait goes on
 *
 * The VM stops, the wire is not read, sections or the ring run out, channels
 * close: afterwards frames pass again, whichever end comes first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "lib/net-machine.h"
#include "lib/net-rss.h"

#define SMALL_BYTES     100
#define LARGE_BYTES     1000
#define DRAIN_US        (G_USEC_PER_SEC / 10)
/* Steps without a change after which nothing is expected any more */
#define QUIET_STEPS     200

static void push_frame(Netvsc *n, unsigned channel, uint32_t bytes,
                       uint32_t seed)
{
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetvscTx tx = { .frame = frame, .bytes = bytes };

    net_build_raw(frame, &flow, bytes, seed);
    g_assert_cmphex(netvsc_send_in_section(n, channel, &tx, 1), !=, 0);
}

/* Wait until the host took all of the ring, or does not go on */
static bool is_ring_taken(Netvsc *n, unsigned channel)
{
    HvbusRingHeaderWire *hdr = vmbus_ring_header(n->ch[channel],
                                                 &n->ch[channel]->out);
    uint32_t seen = hdr->read_index;

    for (unsigned i = 0; i < QUIET_STEPS; i++) {
        hv_guest_step(n->c->g, 0);
        if (qatomic_read(&hdr->read_index) == hdr->write_index) {
            return true;
        }
        if (qatomic_read(&hdr->read_index) != seen) {
            seen = qatomic_read(&hdr->read_index);
            i = 0;
        }
    }
    return false;
}

/* Nobody reads the wire: send until the channel stops; frames that were sent */
static unsigned fill_wire(Netvsc *n, unsigned channel)
{
    unsigned sent = 0;

    do {
        for (unsigned i = 0; i < n->send_sections / 2; i++) {
            push_frame(n, channel, LARGE_BYTES, 0);
            sent++;
        }
        g_assert_cmpuint(sent, <, 100000);
    } while (is_ring_taken(n, channel));
    return sent;
}

/* Take @large frames of fill_wire(), in any order with @small other ones */
static void expect_wire(NetMachine *m, Netvsc *n, unsigned large,
                        unsigned small)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);

    while (large || small) {
        uint32_t bytes = net_wire_expect(&m->wire, frame);

        g_assert(bytes == LARGE_BYTES ? large-- : small--);
        netvsc_pump(n);
    }
}

static void test_frames_of_a_stop_come_after_it(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (unsigned i = 0; i < 10; i++) {
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'stop' }");
        net_machine_to_guest(&m, net_machine_mac, 200 + i, i);
        g_assert(net_machine_is_quiet(&m, n));
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
        net_machine_expect(&m, n, 200 + i, i);
        net_machine_check_traffic(&m, n, i);
    }
    net_machine_down(&m, n);
}

/* The queue to the wire is one for all channels */
static void test_all_channels_that_stopped_go_on(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    unsigned large;

    netvsc_open_subchannels(n, 2);
    large = fill_wire(n, 1);
    push_frame(n, 0, SMALL_BYTES, 1);
    push_frame(n, 2, SMALL_BYTES, 1);
    g_assert(!is_ring_taken(n, 0));
    g_assert(!is_ring_taken(n, 2));
    expect_wire(&m, n, large, 2);
    net_machine_check_traffic(&m, n, 1);
    net_machine_down(&m, n);
}

/* Frames of the channel that was do not stop the one that is */
static void test_reopened_channel_goes_on(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    for (unsigned i = 0; i < 3; i++) {
        fill_wire(n, 0);
        netvsc_close_rudely(n);
        n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    }
    net_wire_drain(&m.wire, DRAIN_US);
    net_machine_check_traffic(&m, n, 1);
    net_machine_down(&m, n);
}

/* Until QEMU reads the wire no more; frames that were sent */
static unsigned fill_guest(NetMachine *m)
{
    NetFlow flow = net_flow(false, NET_RAW, net_machine_mac,
                            net_machine_peer_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    unsigned sent = 0, quiet = 0;

    net_build_raw(frame, &flow, LARGE_BYTES, 1);
    while (quiet < QUIET_STEPS) {
        if (net_wire_try_send(&m->wire, frame, LARGE_BYTES)) {
            sent++;
            quiet = 0;
        } else {
            quiet++;
        }
        hv_guest_step(m->g, 0);
        g_assert_cmpuint(sent, <, 100000);
    }
    return sent;
}

/*
 * Both ends send and neither reads before it could send, as two of these cards
 * back to back would do: the completions of what came are behind what is to go.
 */
static void test_full_both_ways_is_no_deadlock(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    unsigned from_wire, got = 0;

    n->hold = true;
    fill_wire(n, 0);
    from_wire = fill_guest(&m);
    n->hold = false;
    for (unsigned steps = 0; got < from_wire; steps++) {
        netvsc_pump(n);
        while (!g_queue_is_empty(n->frames)) {
            g_free(g_queue_pop_head(n->frames));
            got++;
            steps = 0;
        }
        hv_guest_step(m.g, 0);
        g_assert_cmpuint(steps, <, 100000);
    }
    net_wire_drain(&m.wire, DRAIN_US);
    g_assert(is_ring_taken(n, 0));
    net_machine_check_traffic(&m, n, 1);
    net_machine_down(&m, n);
}

/* The netdev does not wait for a guest that is not there */
static void test_closed_card_does_not_block_the_wire(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    n->hold = true;
    fill_guest(&m);
    netvsc_close_rudely(n);
    for (unsigned i = 0; i < 5000; i++) {
        /* one that waits for ever otherwise */
        net_machine_to_guest(&m, net_machine_mac, LARGE_BYTES, i);
    }
    n = netvsc_start(m.c, 0, NVSP_VERSION_6_1);
    net_machine_settle(&m, n);
    net_machine_check_traffic(&m, n, 1);
    net_machine_down(&m, n);
}

/* Frames for it go to the primary channel, and others are not held up */
static void test_broken_subchannel_blocks_nobody(void)
{
    NetFlow flow = net_flow(false, NET_TCP, net_machine_mac,
                            net_machine_peer_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    uint32_t table[16];
    NetMachine m;
    Netvsc *n = net_machine_up(&m);

    netvsc_open_subchannels(n, 1);
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        table[i] = 1;
    }
    g_assert_cmphex(netvsc_set_rss(n, 0, table, ARRAY_SIZE(table),
                                   net_rss_key), ==, RNDIS_STATUS_SUCCESS);
    for (unsigned i = 0; i < 20; i++) {
        g_autofree NetvscFrame *f = NULL;

        if (i == 10) {
            vmbus_ring_header(n->ch[1], &n->ch[1]->out)->write_index = 0x7;
            vmbus_channel_signal(n->ch[1]);
            hv_guest_step(m.g, 0);
        }
        net_wire_send(&m.wire, frame, net_build(frame, &flow, 64, i));
        f = netvsc_expect_frame(n);
        g_assert_cmpuint(f->channel, ==, i < 10);
    }
    net_machine_check_traffic(&m, n, 1);
    net_machine_down(&m, n);
}

/* --- coalescing --- */

/* @count segments in one go; the payload that came, in *@packets frames */
static uint32_t stream_to_guest(NetMachine *m, Netvsc *n, unsigned count,
                                uint32_t payload_bytes, unsigned *packets)
{
    NetFlow flow = net_flow(false, NET_TCP, net_machine_mac,
                            net_machine_peer_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    uint32_t got = 0;

    *packets = 0;
    flow.tcp_flags = 0x10;
    qtest_qmp_assert_success(m->g->qts, "{ 'execute': 'stop' }");
    for (unsigned i = 0; i < count; i++) {
        net_wire_send(&m->wire, frame,
                      net_build(frame, &flow, payload_bytes, i));
        flow.seq += payload_bytes;
        flow.ip_id++;
    }
    qtest_qmp_assert_success(m->g->qts, "{ 'execute': 'cont' }");
    while (got < count * payload_bytes) {
        g_autofree NetvscFrame *f = netvsc_expect_frame(n);
        NetHeaders h;

        net_assert_good(f->data, f->bytes, &h);
        for (uint32_t at = 0; at < h.payload_bytes; at += payload_bytes) {
            g_assert(net_is_filled(f->data + h.payload + at, payload_bytes,
                                   (got + at) / payload_bytes));
        }
        got += h.payload_bytes;
        ++*packets;
    }
    return got;
}

static void test_segments_come_as_one_packet(void)
{
    NetMachine m;
    Netvsc *n = net_machine_up(&m);
    unsigned packets;

    netvsc_query_offloads(n);
    netvsc_set_offloads(n, true);
    for (unsigned round = 0; round < 10; round++) {
        stream_to_guest(&m, n, 40, 1400, &packets);
        g_assert_cmpuint(packets, <=, 10);
    }
    netvsc_set_offloads(n, false);
    stream_to_guest(&m, n, 40, 1400, &packets);
    g_assert_cmpuint(packets, ==, 40);
    net_machine_down(&m, n);
}

/* ethtool -G rx: no packet is made that the whole buffer does not hold */
static void test_coalescing_fits_a_small_buffer(void)
{
    NetMachine m;

    net_machine_start(&m, "", "");
    for (unsigned pages = 2; pages <= 12; pages++) {
        Netvsc *n = netvsc_start_sized(m.c, 0, NVSP_VERSION_6_1, pages, 1500);
        unsigned packets;

        netvsc_query_offloads(n);
        netvsc_set_offloads(n, true);
        for (unsigned round = 0; round < 5; round++) {
            stream_to_guest(&m, n, 60, 1400, &packets);
        }
        net_machine_check_traffic(&m, n, pages);
        netvsc_close(n);
    }
    net_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define STALL_TEST(_name) \
    qtest_add_func("/paravisor/hv-net-stall/" #_name, test_##_name)
    STALL_TEST(frames_of_a_stop_come_after_it);
    STALL_TEST(all_channels_that_stopped_go_on);
    STALL_TEST(reopened_channel_goes_on);
    STALL_TEST(full_both_ways_is_no_deadlock);
    STALL_TEST(closed_card_does_not_block_the_wire);
    STALL_TEST(broken_subchannel_blocks_nobody);
    STALL_TEST(segments_come_as_one_packet);
    STALL_TEST(coalescing_fits_a_small_buffer);
    return g_test_run();
}
