/*
 * VMBus in the monitor: query-vmbus, info vmbus, VMBUS_CHANNEL_STATE_CHANGE
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/uuid.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "lib/storvsc-client.h"

#define RING_PAGES          4
#define S0_PATH             "/machine/peripheral/s0"
/* no event for this long in real time: there will be none */
#define QUIET_US            (2 * G_USEC_PER_SEC)
#define FLAPS               50

#define ARGS "-device hv-vmbus -device hv-scsi,id=s0 -device hv-scsi,id=s1"

static HvGuest *start(VmbusClient **c, const char *args)
{
    HvGuest *g = hv_guest_start(args);

    *c = vmbus_client_new(g, 0);
    return g;
}

static HvGuest *start_connected(VmbusClient **c, const char *args)
{
    HvGuest *g = start(c, args);

    vmbus_connect(*c, HVBUS_VERSION_5_3);
    vmbus_request_offers(*c);
    return g;
}

static void stop(HvGuest *g, VmbusClient *c)
{
    vmbus_expect_alive(c);
    vmbus_client_free(c);
    hv_guest_stop(g);
}

static QDict *nth(QList *list, unsigned n)
{
    const QListEntry *entry = qlist_first(list);

    while (entry && n--) {
        entry = qlist_next(entry);
    }
    return entry ? qobject_to(QDict, qlist_entry_obj(entry)) : NULL;
}

/* The answer of query-vmbus; the caller frees it */
static QDict *query(HvGuest *g)
{
    QDict *rsp = qtest_qmp(g->qts, "{ 'execute': 'query-vmbus' }");

    g_assert(qdict_haskey(rsp, "return"));
    return rsp;
}

static QDict *server(QDict *rsp)
{
    QList *list = qdict_get_qlist(rsp, "return");

    g_assert_cmpuint(qlist_size(list), ==, 1);
    return nth(list, 0);
}

/* The channel of the device at @path, or NULL */
static QDict *channel(QDict *rsp, const char *path)
{
    QList *list = qdict_get_qlist(server(rsp), "channels");
    QDict *ch;

    for (unsigned i = 0; (ch = nth(list, i)); i++) {
        if (!g_strcmp0(qdict_get_try_str(ch, "qom-path"), path)) {
            return ch;
        }
    }
    return NULL;
}

static void expect_state(HvGuest *g, const char *path, const char *state)
{
    QDict *rsp = query(g);
    QDict *ch = channel(rsp, path);

    g_assert_nonnull(ch);
    g_assert_cmpstr(qdict_get_str(ch, "state"), ==, state);
    g_assert_cmpint(qdict_haskey(ch, "to-host"), ==, g_str_equal(state, "open"));
    qobject_unref(rsp);
}

/* The next event must say this */
static void expect_event(HvGuest *g, VmbusOffer *offer, bool open)
{
    QDict *event = qtest_qmp_eventwait_ref(g->qts, "VMBUS_CHANNEL_STATE_CHANGE");
    QDict *data = qdict_get_qdict(event, "data");

    g_assert_cmpstr(qdict_get_str(data, "qom-path"), ==, S0_PATH);
    g_assert_cmpint(qdict_get_int(data, "relid"), ==, offer->relid);
    g_assert_cmpint(qdict_get_int(data, "sub-channel"), ==, 0);
    g_assert_cmpint(qdict_get_bool(data, "open"), ==, open);
    qobject_unref(event);
}

/* s0 has the lower relid, so its offer is the first */
static VmbusOffer *s0_offer(VmbusClient *c)
{
    VmbusOffer *offer = vmbus_find_offer(c, VMBUS_GUID_SCSI, 0, 0);

    g_assert_nonnull(offer);
    return offer;
}

/* --- query --- */

static void test_no_server(void)
{
    HvGuest *g = hv_guest_start("");
    QDict *rsp = query(g);
    g_autofree char *text = qtest_hmp(g->qts, "info vmbus");

    g_assert(qlist_empty(qdict_get_qlist(rsp, "return")));
    g_assert_cmpstr(text, ==, "no hv-vmbus device in this VM\r\n");
    qobject_unref(rsp);
    hv_guest_stop(g);
}

static void test_connection(void)
{
    VmbusClient *c;
    HvGuest *g = start(&c, ARGS);
    QDict *rsp = query(g);

    g_assert_cmpstr(qdict_get_str(server(rsp), "state"), ==, "none");
    g_assert(!qdict_haskey(server(rsp), "version"));
    g_assert(!qdict_haskey(server(rsp), "target-vp"));
    qobject_unref(rsp);
    expect_state(g, S0_PATH, "hidden");

    c->vp = 2;
    vmbus_connect(c, HVBUS_VERSION_4_1);
    rsp = query(g);
    g_assert_cmpstr(qdict_get_str(server(rsp), "state"), ==, "contact");
    g_assert_cmpstr(qdict_get_str(server(rsp), "version"), ==, "4.1");
    g_assert_cmpint(qdict_get_int(server(rsp), "target-vp"), ==, 2);
    qobject_unref(rsp);

    vmbus_request_offers(c);
    rsp = query(g);
    g_assert_cmpstr(qdict_get_str(server(rsp), "state"), ==, "offered");
    g_assert_cmpint(qdict_get_int(server(rsp), "queued-messages"), ==, 0);
    g_assert(qlist_empty(qdict_get_qlist(server(rsp), "gpadls")));
    qobject_unref(rsp);
    expect_state(g, S0_PATH, "closed");

    vmbus_unload(c);
    expect_state(g, S0_PATH, "hidden");
    vmbus_connect(c, HVBUS_VERSION_5_3);
    stop(g, c);
}

static void test_offer(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c, ARGS);
    QDict *rsp = query(g);
    QDict *ch = channel(rsp, S0_PATH);
    VmbusOffer *offer = s0_offer(c);
    QemuUUID uuid;

    g_assert_nonnull(ch);
    g_assert_cmpstr(qdict_get_str(ch, "type"), ==, "hv-scsi");
    g_assert_cmpstr(qdict_get_str(ch, "class-id"), ==, VMBUS_GUID_SCSI);
    g_assert_cmpint(qdict_get_int(ch, "relid"), ==, offer->relid);
    g_assert_cmpint(qdict_get_int(ch, "sub-channel"), ==, 0);
    g_assert(!qemu_uuid_parse(qdict_get_str(ch, "instance-id"), &uuid));
    g_assert_cmpmem(uuid.data, 16, offer->instance_id, 16);
    qobject_unref(rsp);
    stop(g, c);
}

static void check_open_channel(const char *args)
{
    static const uint8_t junk[40];
    VmbusClient *c;
    HvGuest *g = start_connected(&c, args);
    VmbusChannel *ch = vmbus_channel_open(c, s0_offer(c), RING_PAGES, 1);
    QDict *rsp, *info, *ring, *gpadl;

    /* no signal, so that the host does not read it */
    g_assert(vmbus_channel_push(ch, 6, 0, 1, NULL, 0, junk, sizeof(junk)));
    rsp = query(g);
    info = channel(rsp, S0_PATH);
    g_assert_cmpstr(qdict_get_str(info, "state"), ==, "open");
    g_assert_cmpint(qdict_get_int(info, "target-vp"), ==, 1);
    g_assert(!qdict_get_bool(info, "failed"));
    ring = qdict_get_qdict(info, "to-host");
    g_assert_cmpint(qdict_get_int(ring, "size"), ==, ch->out.data_bytes);
    g_assert_cmpint(qdict_get_int(ring, "read-index"), ==, 0);
    /* descriptor, message, and the eight bytes behind each packet */
    g_assert_cmpint(qdict_get_int(ring, "write-index"), ==,
                    16 + sizeof(junk) + 8);
    ring = qdict_get_qdict(info, "to-guest");
    g_assert_cmpint(qdict_get_int(ring, "size"), ==, ch->in.data_bytes);
    g_assert_cmpint(qdict_get_int(ring, "write-index"), ==, 0);

    g_assert_cmpuint(qlist_size(qdict_get_qlist(server(rsp), "gpadls")), ==, 1);
    gpadl = nth(qdict_get_qlist(server(rsp), "gpadls"), 0);
    g_assert_cmpint(qdict_get_int(gpadl, "id"), ==, ch->gpadl_id);
    g_assert_cmpint(qdict_get_int(gpadl, "relid"), ==, ch->offer->relid);
    g_assert_cmpint(qdict_get_int(gpadl, "size"), ==,
                    2 * RING_PAGES * HV_PAGE_SIZE);
    g_assert_cmpint(qdict_get_int(gpadl, "users"), >=, 1);
    g_assert(qdict_get_bool(gpadl, "complete"));
    qobject_unref(rsp);
    vmbus_channel_close(ch);
    expect_state(g, S0_PATH, "closed");
    stop(g, c);
}

static void test_open_channel(void)
{
    check_open_channel(ARGS);
}

/* The rings belong to another thread */
static void test_open_channel_in_iothread(void)
{
    check_open_channel("-object iothread,id=t0 -device hv-vmbus "
                       "-device hv-scsi,id=s0,iothread=t0");
}

static void test_broken_ring(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c, ARGS);
    VmbusChannel *ch = vmbus_channel_open(c, s0_offer(c), RING_PAGES, 0);
    gint64 end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;
    bool failed;

    vmbus_ring_header(ch, &ch->out)->write_index = cpu_to_le32(13);
    vmbus_channel_signal(ch);
    do {
        QDict *rsp = query(g);

        failed = qdict_get_bool(channel(rsp, S0_PATH), "failed");
        qobject_unref(rsp);
    } while (!failed && g_get_monotonic_time() < end);
    g_assert(failed);
    vmbus_channel_close(ch);
    stop(g, c);
}

static void test_rescinded_channel(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c, ARGS);
    VmbusOffer *offer = s0_offer(c);
    QDict *rsp;

    qtest_qmp_assert_success(g->qts, "{ 'execute': 'device_del',"
                             "  'arguments': { 'id': 's0' } }");
    vmbus_expect_rescind(c, offer);
    expect_state(g, S0_PATH, "rescinded");
    vmbus_post_relid(c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    qtest_qmp_eventwait(g->qts, "DEVICE_DELETED");
    rsp = query(g);
    g_assert_null(channel(rsp, S0_PATH));
    g_assert_nonnull(channel(rsp, "/machine/peripheral/s1"));
    qobject_unref(rsp);
    stop(g, c);
}

static void test_text(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c, ARGS);
    VmbusChannel *ch = vmbus_channel_open(c, s0_offer(c), RING_PAGES, 3);
    g_autofree char *text = qtest_hmp(g->qts, "info vmbus");
    g_autofree char *line = g_strdup_printf("channel %u: hv-scsi open, VP 3\r\n",
                                            ch->offer->relid);
    g_autofree char *ring = g_strdup_printf("to host: %u bytes, read 0, write 0",
                                            ch->out.data_bytes);

    g_assert_nonnull(strstr(text, "offered, version 5.3, messages to VP 0"));
    g_assert_nonnull(strstr(text, line));
    g_assert_nonnull(strstr(text, ring));
    g_assert_nonnull(strstr(text, "class " VMBUS_GUID_SCSI));
    g_assert_nonnull(strstr(text, "GPADL 0x"));
    vmbus_channel_close(ch);
    stop(g, c);
}

/* --- events --- */

static void test_event_of_open_and_close(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c, ARGS);
    VmbusChannel *ch = vmbus_channel_open(c, s0_offer(c), RING_PAGES, 0);

    expect_event(g, s0_offer(c), true);
    vmbus_channel_close(ch);
    expect_event(g, s0_offer(c), false);
    stop(g, c);
}

static void test_event_of_reset(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c, ARGS);
    VmbusChannel *ch = vmbus_channel_open(c, s0_offer(c), RING_PAGES, 0);

    expect_event(g, s0_offer(c), true);
    vmbus_channel_forget(ch);
    hv_guest_reset(g);
    vmbus_client_restart(c);
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    expect_event(g, s0_offer(c), false);
    stop(g, c);
}

/* A guest in a loop gives few events, and the last one is true */
static void test_events_keep_apart(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c, ARGS);
    gint64 began = g_get_monotonic_time(), end;
    unsigned events = 0, most;
    bool open = true;
    VmbusChannel *ch;
    QDict *event;

    for (unsigned i = 0; i < FLAPS; i++) {
        ch = vmbus_channel_open(c, s0_offer(c), RING_PAGES, 0);
        vmbus_channel_close(ch);
    }
    /* one at once, one at the end of each second */
    most = 2 + (g_get_monotonic_time() - began) / G_USEC_PER_SEC + 1;
    end = g_get_monotonic_time() + QUIET_US;
    while (g_get_monotonic_time() < end) {
        event = qtest_qmp_event_ref(g->qts, "VMBUS_CHANNEL_STATE_CHANGE");
        if (event) {
            open = qdict_get_bool(qdict_get_qdict(event, "data"), "open");
            events++;
            qobject_unref(event);
        }
        /* events are read with an answer */
        qobject_unref(query(g));
        g_usleep(10000);
    }
    g_assert_cmpuint(events, >=, 2);
    g_assert_cmpuint(events, <=, most);
    g_assert(!open);
    stop(g, c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("/paravisor/vmbus-qmp/no-server", test_no_server);
    qtest_add_func("/paravisor/vmbus-qmp/connection", test_connection);
    qtest_add_func("/paravisor/vmbus-qmp/offer", test_offer);
    qtest_add_func("/paravisor/vmbus-qmp/open-channel", test_open_channel);
    qtest_add_func("/paravisor/vmbus-qmp/open-channel-in-iothread",
                   test_open_channel_in_iothread);
    qtest_add_func("/paravisor/vmbus-qmp/broken-ring", test_broken_ring);
    qtest_add_func("/paravisor/vmbus-qmp/rescinded-channel",
                   test_rescinded_channel);
    qtest_add_func("/paravisor/vmbus-qmp/text", test_text);
    qtest_add_func("/paravisor/vmbus-qmp/event-of-open-and-close",
                   test_event_of_open_and_close);
    qtest_add_func("/paravisor/vmbus-qmp/event-of-reset", test_event_of_reset);
    qtest_add_func("/paravisor/vmbus-qmp/events-keep-apart",
                   test_events_keep_apart);
    return g_test_run();
}
