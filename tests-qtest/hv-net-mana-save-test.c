/*
 * hv-net on an adapter in VTL2: migration and snapshots with frames and requests
 * under way in the adapter's driver
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "tests/qtest/libqos/libqos.h"
#include "lib/net-boost.h"

/* Less than the frames that are sent to the guest while it keeps them */
#define RECV_PAGES      32
/* More than the adapter's queue has room for, and less than hv-net would queue */
#define MANY            1500

/* Each request to an adapter is a line in QEMU's log, which both QEMUs write */
#define TRACE           "-trace gdma_request "

static Netvsc *start(NetMachine *m, const char *props, const char *extra)
{
    g_autofree char *all = g_strconcat(TRACE, extra, NULL);

    net_machine_start_boost(m, "", props, all);
    return netvsc_start_sized(m->c, 0, NVSP_VERSION_6_1, RECV_PAGES, 1500);
}

static void stop(NetMachine *m, Netvsc *n)
{
    netvsc_close(n);
    net_machine_stop(m);
}

static unsigned requests(NetMachine *m)
{
    g_autofree char *text = NULL;
    unsigned count = 0;

    g_assert(g_file_get_contents(m->g->log_path, &text, NULL, NULL));
    for (const char *p = text; (p = strstr(p, "gdma_request")); p++) {
        count++;
    }
    g_assert_cmpuint(count, >, 0);
    return count;
}

static void inject(NetMachine *m, const char *event, unsigned count)
{
    qtest_qmp_assert_success(m->g->qts,
        "{ 'execute': 'x-mana-inject', 'arguments': {"
        "  'id': 'mana0', 'event': %s, 'count': %u,"
        "  'milliseconds': 1000 } }", event, count);
}

/* Frames of the guest's, complete for it; how many until it is kept waiting */
static unsigned send_frames(NetMachine *m, Netvsc *n, uint64_t *id,
                            unsigned max, uint32_t bytes)
{
    NetFlow flow = net_flow(false, NET_RAW, net_machine_peer_mac,
                            net_machine_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetvscTx tx = { .frame = frame, .bytes = bytes };
    unsigned sent = 0, stuck = 0;

    while (sent < max && stuck < 100) {
        net_build_raw(frame, &flow, bytes, sent);
        id[sent] = netvsc_send_in_section(n, 0, &tx, 1);
        if (id[sent]) {
            sent++;
            stuck = 0;
        } else {
            hv_guest_step(m->g, 0);
            netvsc_pump(n);
            stuck++;
        }
        if (sent % 32 == 0) {
            hv_guest_step(m->g, 0);     /* a section's turn comes again */
        }
    }
    hv_guest_step(m->g, 0);
    return sent;
}

/* They come out once, and in order */
static void expect_on_wire(NetMachine *m, unsigned count, uint32_t bytes)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);

    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpuint(net_wire_expect(&m->wire, frame), ==, bytes);
        g_assert(net_is_filled(frame + NET_ETH_BYTES, bytes - NET_ETH_BYTES,
                               i));
    }
    g_assert_cmpuint(net_wire_wait(&m->wire, frame, 50 * 1000), ==, 0);
}

static void expect_completions(Netvsc *n, const uint64_t *id, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmpuint(netvsc_expect_sent(n, id[i]), ==,
                         NVSP_STATUS_SUCCESS);
    }
}

/* Frames for a guest that keeps them: most are in the adapter's queue then */
static void fill_receive_queue(NetMachine *m, Netvsc *n, unsigned count)
{
    unsigned spins = 0;

    n->hold = true;
    for (unsigned i = 0; i < count; i++) {
        net_machine_to_guest(m, net_machine_mac, 400, i);
    }
    while (!net_wire_is_read(&m->wire)) {
        g_assert_cmpuint(spins++, <, 100000);
        hv_guest_step(m->g, 0);
    }
    for (unsigned i = 0; i < 20; i++) {
        hv_guest_step(m->g, 0);
        netvsc_pump(n);
    }
    g_assert_cmpint(net_boost_counter(m, 0, "rx-packets"), >, 1);
    g_assert_cmpint(net_boost_counter(m, 0, "rx-packets"), <, count - 20);
}

static void empty_receive_queue(NetMachine *m, Netvsc *n, unsigned count)
{
    n->hold = false;
    netvsc_return_all(n);
    for (unsigned i = 0; i < count; i++) {
        net_machine_expect(m, n, 400, i);
    }
    g_assert(net_machine_is_quiet(m, n));
    g_assert_cmpint(net_boost_counter(m, 0, "rx-packets"), ==, count);
    g_assert_cmpint(net_boost_counter(m, 0, "rx-dropped"), ==, 0);
}

/* Nothing was set up again, then or now, and all works */
static void check_calm(NetMachine *m, Netvsc *n, unsigned before)
{
    for (unsigned i = 0; i < 20; i++) {
        net_machine_check_traffic(m, n, i);
    }
    net_boost_await_running(m, 0);
    g_assert_cmpuint(requests(m), ==, before);
}

/* --- migration --- */

static void test_frames_to_the_guest(void)
{
    enum { FRAMES = 230 };
    NetMachine m;
    Netvsc *n = start(&m, "", "");
    unsigned before;

    fill_receive_queue(&m, n, FRAMES);
    before = requests(&m);
    for (unsigned i = 0; i < 2; i++) {
        int64_t packets = net_boost_counter(&m, 0, "rx-packets");

        net_machine_migrate(&m);
        g_assert_cmpint(net_boost_counter(&m, 0, "rx-packets"), ==, packets);
    }
    empty_receive_queue(&m, n, FRAMES);
    check_calm(&m, n, before);
    stop(&m, n);
}

/* The interrupt for them has not come yet */
static void test_frames_and_late_interrupt(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "", "");
    unsigned before, spins = 0;

    net_machine_check_traffic(&m, n, 1);
    before = requests(&m);
    inject(&m, "late-interrupt", 1000);
    for (unsigned i = 0; i < 30; i++) {
        net_machine_to_guest(&m, net_machine_mac, 400, i);
    }
    while (!net_wire_is_read(&m.wire)) {
        g_assert_cmpuint(spins++, <, 100000);
        hv_guest_step(m.g, 0);
    }
    g_assert_cmpint(net_boost_counter(&m, 0, "rx-packets"), ==, 1);
    net_machine_migrate(&m);
    for (unsigned i = 0; i < 30; i++) {
        net_machine_expect(&m, n, 400, i);
    }
    g_assert(net_machine_is_quiet(&m, n));
    check_calm(&m, n, before);
    stop(&m, n);
}

/* The adapter did not hear of them */
static void test_frames_from_the_guest(void)
{
    enum { FRAMES = 100 };
    g_autofree uint64_t *id = g_new0(uint64_t, FRAMES);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetMachine m;
    Netvsc *n = start(&m, "", "");
    unsigned before = requests(&m);

    inject(&m, "dropped-doorbell", 1000000);
    g_assert_cmpuint(send_frames(&m, n, id, FRAMES, 300), ==, FRAMES);
    g_assert_cmpuint(net_wire_wait(&m.wire, frame, 50 * 1000), ==, 0);
    net_machine_migrate(&m);
    expect_on_wire(&m, FRAMES, 300);
    expect_completions(n, id, FRAMES);
    check_calm(&m, n, before);
    stop(&m, n);
}

/* The adapter's queue is full, and frames wait for room in it */
static void test_more_frames_than_the_queue_has_room(void)
{
    g_autofree uint64_t *id = g_new0(uint64_t, MANY);
    NetMachine m;
    Netvsc *n = start(&m, "", "");
    unsigned before = requests(&m), count;
    int64_t in_queue;

    inject(&m, "dropped-doorbell", 1000000);
    count = send_frames(&m, n, id, MANY, 300);
    in_queue = net_boost_counter(&m, 0, "tx-packets");
    g_assert_cmpint(in_queue, >, 100);
    g_assert_cmpint(count, >, in_queue);
    net_machine_migrate(&m);
    expect_on_wire(&m, count, 300);
    expect_completions(n, id, count);
    /* QEMU has announced the card, too */
    g_assert_cmpint(net_boost_counter(&m, 0, "tx-packets"), >=, count);
    g_assert_cmpint(net_boost_counter(&m, 0, "tx-packets"), <, count + 10);
    check_calm(&m, n, before);
    stop(&m, n);
}

/* The card's state comes before that of the adapter and its driver */
static void test_adapter_that_was_plugged_again(void)
{
    enum { FRAMES = 230 };
    NetMachine m;
    Netvsc *n = start(&m, "", "");
    unsigned before;

    qtest_qmp_device_del(m.g->qts, "mana0");
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_DISCONNECT);
    net_boost_plug(&m, NET_MACHINE_MAC);
    netvsc_expect_indication(n, RNDIS_STATUS_MEDIA_CONNECT);
    net_boost_await_running(&m, 0);
    fill_receive_queue(&m, n, FRAMES);
    before = requests(&m);
    net_machine_migrate(&m);
    empty_receive_queue(&m, n, FRAMES);
    check_calm(&m, n, before);
    stop(&m, n);
}

/* All of it, by a snapshot that is loaded twice */
static void test_snapshot(void)
{
    enum { FRAMES = 230, SENT = 50 };
    g_autofree uint64_t *id = g_new0(uint64_t, SENT);
    g_autofree char *image = NULL, *drive = NULL, *error = NULL;
    int fd = g_file_open_tmp("hv-net-save-XXXXXX", &image, NULL);
    NetMachine m;
    Netvsc *n;
    unsigned before;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    mkimg(image, "qcow2", 64);
    drive = g_strdup_printf("-drive if=none,id=d0,format=qcow2,file=%s", image);
    n = start(&m, "", drive);
    fill_receive_queue(&m, n, FRAMES);
    before = requests(&m);
    inject(&m, "dropped-doorbell", 1000000);
    g_assert_cmpuint(send_frames(&m, n, id, SENT, 300), ==, SENT);
    error = qtest_hmp(m.g->qts, "savevm s0");
    g_assert_cmpstr(error, ==, "");
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *why = qtest_hmp(m.g->qts, "loadvm s0");

        g_assert_cmpstr(why, ==, "");
        /* they were never sent, as the snapshot has it */
        expect_on_wire(&m, SENT, 300);
    }
    expect_completions(n, id, SENT);
    empty_receive_queue(&m, n, FRAMES);
    check_calm(&m, n, before);
    stop(&m, n);
    unlink(image);
}

/* --- where there is no state, or a bad one --- */

/* The adapter is set up anew on the other side */
static void test_migration_in_a_reset(void)
{
    NetMachine m;
    Netvsc *n = start(&m, "", "");
    unsigned before;

    net_machine_check_traffic(&m, n, 1);
    before = requests(&m);
    net_boost_inject(&m, "reset-request");
    hv_guest_step(m.g, 0);
    net_machine_migrate(&m);
    net_boost_await_running(&m, 0);
    for (unsigned i = 0; i < 20; i++) {
        net_machine_check_traffic(&m, n, i);
    }
    g_assert_cmpuint(requests(&m), >, before + 5);
    stop(&m, n);
}

static void write_file(const char *path, uint64_t at, const void *data,
                       size_t bytes)
{
    int fd = open(path, O_WRONLY);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, data, bytes, at), ==, bytes);
    close(fd);
}

/* A stream with a bad state is refused, and the VM can go on all the same */
static void test_bad_streams(void)
{
    static const struct {
        const char *section;
        unsigned offset;                /* from the version's end */
    } bad[] = {
        { "vtl2-mana/queues", 0 },      /* flags */
        { "vtl2-mana/queues", 16 },     /* vectors */
        { "vtl2-mana/queues", 28 },     /* doorbell page */
        { "vtl2-mana/frames", 1 },      /* port and queue */
        { "vtl2-mana/frames", 4 },      /* length */
    };
    g_autofree uint64_t *id = g_new0(uint64_t, MANY);
    g_autofree char *image = NULL, *drive = NULL, *error = NULL, *data = NULL;
    int fd = g_file_open_tmp("hv-net-save-XXXXXX", &image, NULL);
    NetMachine m;
    Netvsc *n;
    gsize bytes;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    mkimg(image, "qcow2", 64);
    drive = g_strdup_printf("-drive if=none,id=d0,format=qcow2,file=%s", image);
    n = start(&m, "", drive);
    net_machine_check_traffic(&m, n, 1);
    inject(&m, "dropped-doorbell", 1000000);
    g_assert_cmpuint(send_frames(&m, n, id, MANY, 300), ==, MANY);
    error = qtest_hmp(m.g->qts, "savevm s0");
    g_assert_cmpstr(error, ==, "");
    g_assert(g_file_get_contents(image, &data, &bytes, NULL));
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        const char *name = memmem(data, bytes, bad[i].section,
                                  strlen(bad[i].section));
        static const uint8_t ones[4] = { 0xff, 0xff, 0xff, 0xff };
        g_autofree char *why = NULL;
        uint64_t at;

        g_assert(name);
        at = name - data + strlen(bad[i].section) + 4 + bad[i].offset;
        write_file(image, at, ones, sizeof(ones));
        why = qtest_hmp(m.g->qts, "loadvm s0");
        g_assert_cmpstr(why, !=, "");
        write_file(image, at, data + at, sizeof(ones));
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
        net_boost_await_running(&m, 0);
    }
    g_free(error);
    error = qtest_hmp(m.g->qts, "loadvm s0");
    g_assert_cmpstr(error, ==, "");
    expect_on_wire(&m, MANY, 300);
    expect_completions(n, id, MANY);
    net_machine_check_traffic(&m, n, 2);
    stop(&m, n);
    unlink(image);
}

static int64_t memory_used(NetMachine *m)
{
    QDict *rsp = qtest_qmp(m->g->qts, "{ 'execute': 'query-paravisor' }");
    QDict *info = qobject_to(QDict, qlist_peek(qdict_get_qlist(rsp, "return")));
    int64_t bytes = qdict_get_int(info, "memory-used");

    qobject_unref(rsp);
    return bytes;
}

/* The ports' queues come after the adapter */
static void await_memory(NetMachine *m, int64_t bytes)
{
    for (unsigned i = 0; i < 500 && memory_used(m) != bytes; i++) {
        hv_guest_step(m->g, 0);
        g_usleep(10000);
    }
    g_assert_cmpint(memory_used(m), ==, bytes);
}

/* The stream ends with the adapter's state, before that of its driver */
static void test_bad_adapter(void)
{
    g_autofree char *image = NULL, *drive = NULL, *data = NULL;
    int fd = g_file_open_tmp("hv-net-save-XXXXXX", &image, NULL);
    uint32_t head[4];                   /* vports, queues, vectors, MTU */
    const char *at;
    NetMachine m;
    Netvsc *n;
    gsize bytes;
    int64_t used;

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    mkimg(image, "qcow2", 64);
    drive = g_strdup_printf("-drive if=none,id=d0,format=qcow2,file=%s", image);
    net_machine_start_boost(&m, ",queues=3", "", drive);
    n = netvsc_start_sized(m.c, 0, NVSP_VERSION_6_1, RECV_PAGES, 1500);
    net_machine_check_traffic(&m, n, 1);
    used = memory_used(&m);
    g_assert_cmpint(used, >, 0);
    g_free(qtest_hmp(m.g->qts, "savevm s0"));
    g_assert(g_file_get_contents(image, &data, &bytes, NULL));
    stl_be_p(&head[0], 1);
    stl_be_p(&head[1], 3);
    stl_be_p(&head[2], 65);
    stl_be_p(&head[3], 9000);
    at = memmem(data, bytes, head, sizeof(head));
    g_assert(at);
    for (unsigned i = 0; i < 2; i++) {
        g_autofree char *why = NULL;

        write_file(image, at - data, "\xff", 1);
        why = qtest_hmp(m.g->qts, "loadvm s0");
        g_assert(strstr(why, "load"));
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
        net_boost_await_running(&m, 0);
        /* set up anew, in memory that is its own */
        await_memory(&m, used);

        write_file(image, at - data, at, 1);
        g_free(why);
        why = qtest_hmp(m.g->qts, "loadvm s0");
        g_assert_cmpstr(why, ==, "");
        g_assert_cmpint(memory_used(&m), ==, used);
        net_machine_check_traffic(&m, n, 2 + i);
    }
    stop(&m, n);
    unlink(image);
}

#define SAVE_TEST(name) \
    qtest_add_func("/paravisor/hv-net-mana-save/" #name, test_ ## name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SAVE_TEST(frames_to_the_guest);
    SAVE_TEST(frames_and_late_interrupt);
    SAVE_TEST(frames_from_the_guest);
    SAVE_TEST(more_frames_than_the_queue_has_room);
    SAVE_TEST(adapter_that_was_plugged_again);
    SAVE_TEST(snapshot);
    SAVE_TEST(migration_in_a_reset);
    SAVE_TEST(bad_streams);
    SAVE_TEST(bad_adapter);
    return g_test_run();
}
