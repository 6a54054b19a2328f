/*
 * hv-scsi: the VMBus SCSI controller, as a guest's storage driver sees it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "hw/paravisor/storvsp-hold-core.h"
#include "lib/storvsc-client.h"

#define NS_PER_S                1000000000LL

#define DISK_BYTES          (16 * MiB)
#define VERIFY_PAGES        64
#define SECTORS_PER_PAGE    (HV_PAGE_SIZE / STORVSC_BLOCK_BYTES)

/* A disk whose reads take 1 s of real time, unless they are cancelled */
#define SLOW_DISK \
    "-blockdev driver=null-co,node-name=slow,size=67108864,latency-ns=1000000000 " \
    "-device scsi-hd,bus=s0.0,scsi-id=0,lun=7,drive=slow,id=slow-hd "

typedef struct Machine {
    HvGuest *g;
    VmbusClient *c;
    char *image;
} Machine;

static void machine_start(Machine *m, const char *extra)
{
    g_autofree char *args = NULL;
    int fd = g_file_open_tmp("hv-scsi-XXXXXX", &m->image, NULL);

    g_assert_cmpint(ftruncate(fd, DISK_BYTES), ==, 0);
    close(fd);
    args = g_strdup_printf(
        "-device hv-vmbus -device hv-scsi,id=s0 "
        "-blockdev driver=raw,node-name=d0,file.driver=file,"
        "file.locking=off,file.filename=%s "
        "-device scsi-hd,bus=s0.0,scsi-id=0,lun=0,drive=d0,id=hd0 %s",
        m->image, extra);
    m->g = hv_guest_start(args);
    m->c = vmbus_client_new(m->g, 0);
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
}

static void machine_stop(Machine *m)
{
    vmbus_expect_alive(m->c);
    vmbus_client_free(m->c);
    hv_guest_stop(m->g);
    unlink(m->image);
    g_free(m->image);
}

static Storvsc *start(Machine *m, const char *extra)
{
    Storvsc *s;

    machine_start(m, extra);
    s = storvsc_start(m->c, 0, STORVSP_VERSION_6_2);
    storvsc_test_unit(s, 0);        /* takes the power-on unit attention */
    return s;
}

static void stop(Machine *m, Storvsc *s)
{
    storvsc_close(s);
    machine_stop(m);
}

/* --- handshake --- */

static void test_speaks_each_version(void)
{
    static const uint16_t versions[] = {
        STORVSP_VERSION_5_1, STORVSP_VERSION_6_0, STORVSP_VERSION_6_2,
    };
    Machine m;

    machine_start(&m, "");
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        Storvsc *s = storvsc_start(m.c, 0, versions[i]);

        g_assert_cmphex(storvsc_test_unit(s, 0), !=, STORVSP_SRB_INVALID_LUN);
        storvsc_close(s);
    }
    machine_stop(&m);
}

static void test_refuses_unknown_versions(void)
{
    static const uint16_t versions[] = { 0, 0x0402, 0x0603, 0x0700, 0xffff };
    Machine m;
    Storvsc *s;

    machine_start(&m, "");
    s = storvsc_open(m.c, 0);
    g_assert_cmphex(storvsc_operation(s, STORVSP_OP_BEGIN_INITIALIZATION), ==,
                    STORVSP_STATUS_SUCCESS);
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        g_assert_cmphex(storvsc_query_version(s, versions[i]), ==,
                        STORVSP_STATUS_REVISION_MISMATCH);
    }
    g_assert_cmphex(storvsc_query_version(s, STORVSP_VERSION_6_0), ==,
                    STORVSP_STATUS_SUCCESS);
    stop(&m, s);
}

/* Every operation in every state: answered, and refused out of order */
static void test_wrong_order_is_refused(void)
{
    Machine m;

    machine_start(&m, "");
    for (unsigned steps = 0; steps <= 4; steps++) {
        for (uint32_t op = 0; op <= 16; op++) {
            Storvsc *s = storvsc_open(m.c, 0);
            uint32_t status;

            if (steps >= 1) {
                storvsc_operation(s, STORVSP_OP_BEGIN_INITIALIZATION);
            }
            if (steps >= 2) {
                storvsc_query_version(s, STORVSP_VERSION_6_2);
            }
            if (steps >= 3) {
                storvsc_query_properties(s);
            }
            if (steps >= 4) {
                g_assert_cmphex(storvsc_operation(
                                    s, STORVSP_OP_END_INITIALIZATION),
                                ==, STORVSP_STATUS_SUCCESS);
            }
            status = storvsc_operation(s, op);
            if (steps == 0 && op != STORVSP_OP_BEGIN_INITIALIZATION) {
                g_assert_cmphex(status, !=, STORVSP_STATUS_SUCCESS);
            }
            if (steps == 4 && op == STORVSP_OP_END_INITIALIZATION) {
                g_assert_cmphex(status, !=, STORVSP_STATUS_SUCCESS);
            }
            storvsc_close(s);
        }
    }
    machine_stop(&m);
}

/* --- I/O --- */

static void test_reads_back_what_was_written(void)
{
    Machine m;
    Storvsc *s = start(&m, "");
    uint64_t gpa = hv_guest_alloc(m.g, 2);

    for (unsigned i = 0; i < VERIFY_PAGES; i++) {
        storvsc_fill(m.g, gpa, HV_PAGE_SIZE, i);
        storvsc_write(s, 0, i * SECTORS_PER_PAGE, SECTORS_PER_PAGE, gpa);
    }
    for (unsigned i = 0; i < VERIFY_PAGES; i++) {
        storvsc_read(s, 0, i * SECTORS_PER_PAGE, SECTORS_PER_PAGE, gpa);
        storvsc_check(m.g, gpa, HV_PAGE_SIZE, i);
    }
    stop(&m, s);
}

static void test_buffer_may_start_inside_a_page(void)
{
    Machine m;
    Storvsc *s = start(&m, "");
    uint64_t gpa = hv_guest_alloc(m.g, 8);
    uint32_t bytes = 3 * HV_PAGE_SIZE;

    for (uint32_t offset = 0; offset < HV_PAGE_SIZE; offset += 0x200) {
        storvsc_fill(m.g, gpa + offset, bytes, offset);
        storvsc_write(s, 0, 0, bytes / STORVSC_BLOCK_BYTES, gpa + offset);
        memset(hv_guest_ptr(m.g, gpa), 0xee, 8 * HV_PAGE_SIZE);
        storvsc_read(s, 0, 0, bytes / STORVSC_BLOCK_BYTES, gpa + offset);
        storvsc_check(m.g, gpa + offset, bytes, offset);
        /* not a byte before or behind it */
        if (offset) {
            g_assert_cmphex(*(uint8_t *)hv_guest_ptr(m.g, gpa + offset - 1),
                            ==, 0xee);
        }
        g_assert_cmphex(*(uint8_t *)hv_guest_ptr(m.g, gpa + offset + bytes),
                        ==, 0xee);
    }
    stop(&m, s);
}

static void test_longest_transfer_works(void)
{
    Machine m;
    Storvsc *s = start(&m, "");
    uint32_t bytes = MIN(s->max_transfer_bytes, 4 * MiB);
    uint64_t gpa = hv_guest_alloc(m.g, bytes / HV_PAGE_SIZE + 1);

    storvsc_fill(m.g, gpa, bytes, 1);
    storvsc_write(s, 0, 0, bytes / STORVSC_BLOCK_BYTES, gpa);
    memset(hv_guest_ptr(m.g, gpa), 0, bytes);
    storvsc_read(s, 0, 0, bytes / STORVSC_BLOCK_BYTES, gpa);
    storvsc_check(m.g, gpa, bytes, 1);
    stop(&m, s);
}

static void test_each_lun_has_its_data(void)
{
    Machine m;
    Storvsc *s = start(&m,
        "-blockdev driver=null-co,node-name=d1,size=1048576,read-zeroes=on "
        "-device scsi-hd,bus=s0.0,scsi-id=0,lun=1,drive=d1 "
        "-blockdev driver=null-co,node-name=d2,size=1048576,read-zeroes=on "
        "-device scsi-hd,bus=s0.0,scsi-id=0,lun=200,drive=d2 ");
    uint64_t gpa = hv_guest_alloc(m.g, 1);

    storvsc_fill(m.g, gpa, HV_PAGE_SIZE, 3);
    storvsc_write(s, 0, 0, SECTORS_PER_PAGE, gpa);
    storvsc_read(s, 1, 0, SECTORS_PER_PAGE, gpa);
    g_assert_cmphex(*(uint32_t *)hv_guest_ptr(m.g, gpa), ==, 0);
    storvsc_read(s, 0, 0, SECTORS_PER_PAGE, gpa);
    storvsc_check(m.g, gpa, HV_PAGE_SIZE, 3);
    storvsc_fill(m.g, gpa, HV_PAGE_SIZE, 4);
    storvsc_read(s, 200, 0, SECTORS_PER_PAGE, gpa);
    g_assert_cmphex(*(uint32_t *)hv_guest_ptr(m.g, gpa), ==, 0);
    stop(&m, s);
}

/* Linux takes a failed INQUIRY for a good one: the data must say "no unit" */
static void test_absent_lun_is_absent(void)
{
    Machine m;
    Storvsc *s = start(&m, "");
    uint64_t gpa = hv_guest_alloc(m.g, 1);
    StorvscRequest inquiry = {
        .lun = 5, .data_in = STORVSP_DATA_READ, .cdb = { 0x12, [4] = 36 },
        .cdb_bytes = 6, .data_bytes = 36, .data_gpa = gpa,
    };
    StorvscRequest read = storvsc_rw(false, 5, 0, 1, gpa);

    storvsc_run(s, &inquiry);
    g_assert_cmphex(*(uint8_t *)hv_guest_ptr(m.g, gpa), ==, 0x7f);
    g_assert_cmphex(storvsc_run(s, &read).srb.srb_status, ==,
                    STORVSP_SRB_INVALID_LUN);
    g_assert_cmphex(storvsc_test_unit(s, 5), ==, STORVSP_SRB_INVALID_LUN);
    inquiry.lun = 0;
    storvsc_run(s, &inquiry);
    g_assert_cmphex(*(uint8_t *)hv_guest_ptr(m.g, gpa), ==, 0);
    stop(&m, s);
}

static void test_errors_bring_sense_data(void)
{
    Machine m;
    Storvsc *s = start(&m, "");
    uint64_t gpa = hv_guest_alloc(m.g, 1);
    StorvscRequest read = storvsc_rw(false, 0, 0xffffff00, 1, gpa);
    StorvspPacketWire answer;

    answer = storvsc_run(s, &read);
    g_assert_cmphex(answer.srb.scsi_status, ==, STORVSP_SCSI_CHECK_CONDITION);
    g_assert_cmphex(answer.srb.srb_status, ==,
                    STORVSP_SRB_ERROR | STORVSP_SRB_AUTOSENSE_VALID);
    g_assert_cmpuint(answer.srb.sense_info_length, >=, 14);
    g_assert_cmphex(answer.srb.sense[2] & 0xf, ==, 5);  /* illegal request */
    g_assert_cmphex(answer.srb.sense[12], ==, 0x21);    /* LBA out of range */
    stop(&m, s);
}

static void test_subchannels_do_io(void)
{
    Machine m;
    Storvsc *s = start(&m, "");
    uint64_t gpa = hv_guest_alloc(m.g, STORVSC_MAX_CHANNELS);
    uint64_t id[STORVSC_MAX_CHANNELS];
    unsigned count = MIN(s->max_subchannels, HV_GUEST_VPS - 1);

    g_assert_cmpuint(count, >, 0);
    storvsc_open_subchannels(s, count);
    for (int round = 0; round < 8; round++) {
        for (unsigned i = 0; i <= count; i++) {
            StorvscRequest req = storvsc_rw(true, 0, i * SECTORS_PER_PAGE,
                                            SECTORS_PER_PAGE,
                                            gpa + i * HV_PAGE_SIZE);

            storvsc_fill(m.g, req.data_gpa, HV_PAGE_SIZE, round * 16 + i);
            id[i] = storvsc_submit(s, i, &req);
        }
        for (unsigned i = 0; i <= count; i++) {
            StorvspPacketWire answer = storvsc_expect(s, id[i]);

            storvsc_assert_good(&answer, HV_PAGE_SIZE);
        }
    }
    for (unsigned i = 0; i <= count; i++) {
        storvsc_read(s, 0, i * SECTORS_PER_PAGE, SECTORS_PER_PAGE, gpa);
        storvsc_check(m.g, gpa, HV_PAGE_SIZE, 7 * 16 + i);
    }
    /* the handshake belongs to the primary channel */
    g_assert_cmphex(le32_to_cpu(storvsc_exchange(s, 1, &(StorvspPacketWire) {
        .operation = cpu_to_le32(STORVSP_OP_BEGIN_INITIALIZATION),
    }).status), !=, STORVSP_STATUS_SUCCESS);
    stop(&m, s);
}

static void test_too_many_subchannels_are_refused(void)
{
    Machine m;
    Storvsc *s = start(&m, "");
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_CREATE_SUB_CHANNELS),
        .sub_channel_count = cpu_to_le16(s->max_subchannels + 1),
    };

    g_assert_cmphex(le32_to_cpu(storvsc_exchange(s, 0, &pkt).status), !=, 0);
    pkt.sub_channel_count = cpu_to_le16(0xffff);
    g_assert_cmphex(le32_to_cpu(storvsc_exchange(s, 0, &pkt).status), !=, 0);
    storvsc_open_subchannels(s, 1);
    stop(&m, s);
}

/* More completions than the ring to the guest holds: they wait, none is lost */
static void test_completions_wait_for_room(void)
{
    enum { COUNT = 600 };
    Machine m;
    Storvsc *s = start(&m, "");
    StorvscRequest req = { .cdb_bytes = 6, .data_in = STORVSP_DATA_UNKNOWN };
    g_autofree uint64_t *id = g_new0(uint64_t, COUNT);
    unsigned sent = 0, spins = 0;

    /* do not take a completion until the host takes no request any more */
    while (sent < COUNT && spins < 200) {
        id[sent] = storvsc_try_submit(s, 0, &req, true);
        if (id[sent]) {
            sent++;
            spins = 0;
        } else {
            spins++;
            hv_guest_step(m.g, 0);
        }
    }
    /* as many as the ring to the guest holds at least */
    g_assert_cmpuint(sent, >, 28 * KiB / 96);
    for (unsigned i = 0; i < sent; i++) {
        storvsc_expect(s, id[i]);
    }
    g_assert_cmphex(storvsc_test_unit(s, 0), ==, STORVSP_SRB_SUCCESS);
    stop(&m, s);
}

/* Is it answered within a while in which no time passes for the guest? */
static bool is_answered_at_once(Machine *m, Storvsc *s, uint64_t id)
{
    int64_t end = g_get_monotonic_time() + G_USEC_PER_SEC / 5;

    while (!storvsc_is_done(s, id) && g_get_monotonic_time() < end) {
        hv_guest_step(m->g, 0);
    }
    return storvsc_is_done(s, id);
}

/* A guest that has many requests under way gets its answers in groups */
static void test_answers_come_in_groups(void)
{
    enum { DEPTH = 32, COUNT = 2000 };
    Machine m;
    Storvsc *s = start(&m, "");
    StorvscRequest req = storvsc_rw(false, 0, 0, 8, hv_guest_alloc(m.g, 1));
    uint64_t id[DEPTH] = { }, last;
    unsigned done = 0;

    while (done < COUNT) {
        for (unsigned i = 0; i < DEPTH; i++) {
            if (id[i] && storvsc_is_done(s, id[i])) {
                storvsc_expect(s, id[i]);
                id[i] = 0;
                done++;
            }
            if (!id[i]) {
                id[i] = storvsc_submit(s, 0, &req);
            }
        }
        hv_guest_step(m.g, 0);
    }
    /* of as many as a group has at most, one is not the last of its group */
    for (unsigned i = 0; i < STORVSP_HOLD_MAX; i++) {
        last = storvsc_submit(s, 0, &req);
        if (!is_answered_at_once(&m, s, last)) {
            break;
        }
        g_assert_cmpuint(i, <, STORVSP_HOLD_MAX - 1);
        storvsc_expect(s, last);
    }
    qtest_clock_step(m.g->qts, STORVSP_HOLD_LOOKS * STORVSP_HOLD_NS);
    for (unsigned i = 0; i < DEPTH; i++) {
        storvsc_expect(s, id[i]);
    }
    storvsc_expect(s, last);
    stop(&m, s);
}

/* --- life cycle with I/O in flight --- */

static uint64_t submit_slow(Machine *m, Storvsc *s)
{
    uint64_t gpa = hv_guest_alloc(m->g, 1);
    StorvscRequest req = storvsc_rw(false, 7, 0, 8, gpa);
    uint64_t id;

    storvsc_test_unit(s, 7);
    id = storvsc_submit(s, 0, &req);
    for (int i = 0; i < 20; i++) {
        hv_guest_step(m->g, 0);
    }
    g_assert(!storvsc_is_done(s, id));
    return id;
}

static void test_bus_reset_completes_what_runs(void)
{
    Machine m;
    Storvsc *s = start(&m, SLOW_DISK);
    uint64_t id[4];
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_RESET_BUS),
    };

    for (int i = 0; i < 4; i++) {
        id[i] = submit_slow(&m, s);
    }
    g_assert_cmphex(le32_to_cpu(storvsc_exchange(s, 0, &pkt).status), ==,
                    STORVSP_STATUS_SUCCESS);
    /* Linux drains without a timeout */
    for (int i = 0; i < 4; i++) {
        g_assert_cmphex(storvsc_expect(s, id[i]).srb.srb_status, !=, 0);
    }
    storvsc_test_unit(s, 7);
    g_assert_cmphex(storvsc_test_unit(s, 7), ==, STORVSP_SRB_SUCCESS);
    stop(&m, s);
}

static void test_close_with_io_in_flight(void)
{
    Machine m;
    Storvsc *s = start(&m, SLOW_DISK);
    uint64_t gpa;

    submit_slow(&m, s);
    storvsc_close(s);
    s = storvsc_start(m.c, 0, STORVSP_VERSION_6_2);
    gpa = hv_guest_alloc(m.g, 1);
    storvsc_test_unit(s, 0);
    storvsc_read(s, 0, 0, 8, gpa);
    stop(&m, s);
}

static void test_unload_with_io_in_flight(void)
{
    Machine m;
    Storvsc *s = start(&m, SLOW_DISK);

    submit_slow(&m, s);
    vmbus_unload(m.c);
    storvsc_forget(s);
    vmbus_connect(m.c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m.c);
    s = storvsc_start(m.c, 0, STORVSP_VERSION_6_2);
    storvsc_test_unit(s, 0);
    stop(&m, s);
}

static void test_system_reset_with_io_in_flight(void)
{
    Machine m;
    Storvsc *s = start(&m, SLOW_DISK);

    storvsc_open_subchannels(s, 2);
    submit_slow(&m, s);
    storvsc_forget(s);
    hv_guest_reset(m.g);
    vmbus_client_restart(m.c);
    vmbus_connect(m.c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m.c);
    s = storvsc_start(m.c, 0, STORVSP_VERSION_6_2);
    storvsc_test_unit(s, 0);
    g_assert_cmphex(storvsc_test_unit(s, 0), ==, STORVSP_SRB_SUCCESS);
    stop(&m, s);
}

static void test_system_reset_in_every_state(void)
{
    Machine m;
    Storvsc *s;

    machine_start(&m, "");
    for (unsigned state = 0; state <= 6; state++) {
        s = NULL;
        if (state >= 1) {
            vmbus_connect(m.c, HVBUS_VERSION_5_3);
        }
        if (state >= 2) {
            vmbus_request_offers(m.c);
        }
        if (state >= 3) {
            s = storvsc_open(m.c, 0);
        }
        if (state >= 4) {
            storvsc_operation(s, STORVSP_OP_BEGIN_INITIALIZATION);
        }
        if (state >= 5) {
            storvsc_query_version(s, STORVSP_VERSION_6_2);
            storvsc_query_properties(s);
            storvsc_operation(s, STORVSP_OP_END_INITIALIZATION);
        }
        if (state >= 6) {
            storvsc_open_subchannels(s, 1);
        }
        if (s) {
            storvsc_forget(s);
        }
        hv_guest_reset(m.g);
        vmbus_client_restart(m.c);
    }
    vmbus_connect(m.c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m.c);
    s = storvsc_start(m.c, 0, STORVSP_VERSION_6_2);
    stop(&m, s);
}

static void test_controller_unplugged_with_io_in_flight(void)
{
    Machine m;
    Storvsc *s = start(&m, SLOW_DISK "-device hv-scsi,id=s1 ");
    VmbusOffer *offer = s->ch[0]->offer;

    submit_slow(&m, s);
    qtest_qmp_device_del_send(m.g->qts, "s0");
    /* a driver that never comes to rest is given half a minute */
    hv_guest_step(m.g, 29 * NS_PER_S);
    vmbus_pump(m.c);
    g_assert_false(offer->rescinded);
    hv_guest_step(m.g, 2 * NS_PER_S);
    vmbus_expect_rescind(m.c, offer);
    storvsc_close(s);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    s = storvsc_start(m.c, 0, STORVSP_VERSION_6_2);
    stop(&m, s);
}

/* Each look of the device is 10 ms after the last */
static void step_looks(Machine *m, unsigned looks)
{
    while (looks--) {
        hv_guest_step(m->g, NS_PER_S / 100);
    }
}

/*
 * The units go first, all but their caches; the channels when all has been quiet for
 * 500 looks of a guest whose first processor never halts
 */
static void test_unplug_waits_for_the_driver(void)
{
    StorvscRequest flush = { .cdb = { 0x35 /* SYNCHRONIZE CACHE */ }, .cdb_bytes = 10 };
    Machine m;
    Storvsc *s = start(&m, "");
    VmbusOffer *offer = s->ch[0]->offer;
    unsigned seen = s->rescans;

    g_assert_cmphex(storvsc_test_unit(s, 0), ==, STORVSP_SRB_SUCCESS);
    qtest_qmp_device_del_send(m.g->qts, "s0");
    storvsc_expect_rescan(s, seen);
    g_assert_cmphex(storvsc_test_unit(s, 0), ==, STORVSP_SRB_INVALID_LUN);
    step_looks(&m, 400);
    g_assert_cmphex(storvsc_run(s, &flush).srb.srb_status, ==,
                    STORVSP_SRB_SUCCESS);
    step_looks(&m, 400);
    vmbus_pump(m.c);
    g_assert_false(offer->rescinded);
    step_looks(&m, 150);
    vmbus_expect_rescind(m.c, offer);
    storvsc_close(s);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    machine_stop(&m);
}

static void test_hot_plugged_lun_makes_the_guest_rescan(void)
{
    Machine m;
    Storvsc *s = start(&m,
        "-blockdev driver=null-co,node-name=hot,size=1048576,read-zeroes=on ");
    uint64_t gpa = hv_guest_alloc(m.g, 1);
    unsigned seen = s->rescans;

    g_assert_cmphex(storvsc_test_unit(s, 3), ==, STORVSP_SRB_INVALID_LUN);
    qtest_qmp_device_add(m.g->qts, "scsi-hd", "hot-hd",
                         "{'bus': 's0.0', 'drive': 'hot', 'scsi-id': 0,"
                         " 'lun': 3}");
    storvsc_expect_rescan(s, seen);
    storvsc_test_unit(s, 3);
    storvsc_read(s, 3, 0, 8, gpa);
    seen = s->rescans;
    qtest_qmp_device_del(m.g->qts, "hot-hd");
    storvsc_expect_rescan(s, seen);
    g_assert_cmphex(storvsc_test_unit(s, 3), ==, STORVSP_SRB_INVALID_LUN);
    stop(&m, s);
}

static void test_no_rescan_before_the_first_request(void)
{
    Machine m;
    Storvsc *s;

    machine_start(&m,
        "-blockdev driver=null-co,node-name=hot,size=1048576,read-zeroes=on ");
    s = storvsc_start(m.c, 0, STORVSP_VERSION_6_2);
    qtest_qmp_device_add(m.g->qts, "scsi-hd", "hot-hd",
                         "{'bus': 's0.0', 'drive': 'hot', 'scsi-id': 0,"
                         " 'lun': 3}");
    for (int i = 0; i < 20; i++) {
        hv_guest_step(m.g, 1000000);
        storvsc_pump(s);
        g_assert_cmpuint(s->rescans, ==, 0);
    }
    storvsc_test_unit(s, 3);
    storvsc_expect_rescan(s, 0);
    stop(&m, s);
}

static void test_lun_unplugged_with_io_in_flight(void)
{
    Machine m;
    Storvsc *s = start(&m, SLOW_DISK);
    uint64_t id = submit_slow(&m, s);

    qtest_qmp_device_del(m.g->qts, "slow-hd");
    /* completed, one way or another */
    storvsc_expect(s, id);
    g_assert_cmphex(storvsc_test_unit(s, 7), ==, STORVSP_SRB_INVALID_LUN);
    stop(&m, s);
}

static void test_migrates_with_io_in_flight(void)
{
    Machine m;
    Storvsc *s = start(&m, "-blockdev driver=null-co,node-name=slow,size=67108864,"
                           "latency-ns=200000000 -device scsi-hd,bus=s0.0,"
                           "scsi-id=0,lun=7,drive=slow ");
    uint64_t gpa = hv_guest_alloc(m.g, 1), id[4];

    storvsc_open_subchannels(s, 1);
    storvsc_fill(m.g, gpa, HV_PAGE_SIZE, 99);
    storvsc_write(s, 0, 80, SECTORS_PER_PAGE, gpa);
    for (int i = 0; i < 4; i++) {
        StorvscRequest req = storvsc_rw(false, 7, 0, 8, gpa);

        id[i] = storvsc_submit(s, i % 2, &req);
    }
    hv_guest_migrate(m.g);
    for (int i = 0; i < 4; i++) {
        storvsc_expect(s, id[i]);
    }
    memset(hv_guest_ptr(m.g, gpa), 0, HV_PAGE_SIZE);
    storvsc_read(s, 0, 80, SECTORS_PER_PAGE, gpa);
    storvsc_check(m.g, gpa, HV_PAGE_SIZE, 99);
    stop(&m, s);
}

/* A failed read stops the VM (rerror=stop); the next QEMU tries it again */
static void test_migrates_a_request_to_be_retried(void)
{
    Machine m;
    Storvsc *s = start(&m,
        "-blockdev driver=null-co,node-name=base,size=1048576,read-zeroes=on "
        "-blockdev driver=blkdebug,node-name=err,image=base,"
        "inject-error.0.event=none,inject-error.0.iotype=read,"
        "inject-error.0.errno=5,inject-error.0.once=on,"
        "inject-error.0.sector=64 "
        "-device scsi-hd,bus=s0.0,scsi-id=0,lun=9,drive=err,rerror=stop ");
    uint64_t gpa = hv_guest_alloc(m.g, 1);
    StorvscRequest req = storvsc_rw(false, 9, 64, 8, gpa);
    StorvspPacketWire answer;
    uint64_t id;

    storvsc_test_unit(s, 9);
    id = storvsc_submit(s, 0, &req);
    qtest_qmp_eventwait(m.g->qts, "STOP");
    hv_guest_migrate(m.g);
    /* the error is injected once, but in each QEMU */
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
    qtest_qmp_eventwait(m.g->qts, "STOP");
    qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
    answer = storvsc_expect(s, id);
    storvsc_assert_good(&answer, HV_PAGE_SIZE);
    stop(&m, s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define SCSI_TEST(_name) \
    qtest_add_func("/paravisor/hv-scsi/" #_name, test_##_name)
    SCSI_TEST(speaks_each_version);
    SCSI_TEST(refuses_unknown_versions);
    SCSI_TEST(wrong_order_is_refused);
    SCSI_TEST(reads_back_what_was_written);
    SCSI_TEST(buffer_may_start_inside_a_page);
    SCSI_TEST(longest_transfer_works);
    SCSI_TEST(each_lun_has_its_data);
    SCSI_TEST(absent_lun_is_absent);
    SCSI_TEST(errors_bring_sense_data);
    SCSI_TEST(subchannels_do_io);
    SCSI_TEST(too_many_subchannels_are_refused);
    SCSI_TEST(completions_wait_for_room);
    SCSI_TEST(answers_come_in_groups);
    SCSI_TEST(bus_reset_completes_what_runs);
    SCSI_TEST(close_with_io_in_flight);
    SCSI_TEST(unload_with_io_in_flight);
    SCSI_TEST(system_reset_with_io_in_flight);
    SCSI_TEST(system_reset_in_every_state);
    SCSI_TEST(controller_unplugged_with_io_in_flight);
    SCSI_TEST(unplug_waits_for_the_driver);
    SCSI_TEST(hot_plugged_lun_makes_the_guest_rescan);
    SCSI_TEST(no_rescan_before_the_first_request);
    SCSI_TEST(lun_unplugged_with_io_in_flight);
    SCSI_TEST(migrates_with_io_in_flight);
    SCSI_TEST(migrates_a_request_to_be_retried);
    return g_test_run();
}
