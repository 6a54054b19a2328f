/*
 * hv-disk: NVMe namespaces of the paravisor's, as a guest's SCSI driver sees them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/timer.h"
#include "lib/disk-machine.h"

#define BATCH               60

static void test_reads_back_what_was_written(void)
{
    DiskMachine m;
    uint64_t gpa;
    int64_t bounced;

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 1);
    bounced = disk_counter(&m, "vtl2-nvme0-n1", "bounced-bytes");
    for (int lun = 0; lun < 4; lun++) {
        for (unsigned i = 0; i < 64; i++) {
            storvsc_fill(m.g, gpa, HV_PAGE_SIZE, lun * 100 + i);
            disk_run(&m, true, lun, i, 1, gpa);
        }
    }
    for (int lun = 0; lun < 4; lun++) {
        for (unsigned i = 0; i < 64; i++) {
            disk_run(&m, false, lun, i, 1, gpa);
            storvsc_check(m.g, gpa, HV_PAGE_SIZE, lun * 100 + i);
        }
    }
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "writes"), ==, 64);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "write-bytes"), ==,
                    64 * HV_PAGE_SIZE);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme1-n1", "block-size"), ==,
                    4096);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme1-n1", "size"), ==,
                    DISK_BYTES);
    /* the guest's data goes straight */
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "bounced-bytes"), ==,
                    bounced);
    disk_machine_stop(&m);
}

static void test_buffer_may_start_anywhere(void)
{
    DiskMachine m;
    uint32_t bytes = 512 * KiB;
    uint64_t gpa;
    int64_t bounced;

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, bytes / HV_PAGE_SIZE + 2);
    bounced = disk_counter(&m, "vtl2-nvme0-n1", "bounced-bytes");
    for (uint32_t offset = 0; offset < HV_PAGE_SIZE; offset += 508) {
        storvsc_fill(m.g, gpa + offset, bytes, offset);
        storvsc_write(m.s, 0, 8, bytes / STORVSC_BLOCK_BYTES, gpa + offset);
        memset(hv_guest_ptr(m.g, gpa), 0xee, bytes + 2 * HV_PAGE_SIZE);
        storvsc_read(m.s, 0, 8, bytes / STORVSC_BLOCK_BYTES, gpa + offset);
        storvsc_check(m.g, gpa + offset, bytes, offset);
        g_assert_cmphex(*(uint8_t *)hv_guest_ptr(m.g, gpa + offset + bytes),
                        ==, 0xee);
    }
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "bounced-bytes"), ==,
                    bounced);
    disk_machine_stop(&m);
}

static void test_stripes_over_two_namespaces(void)
{
    DiskMachine m;
    uint32_t bytes = 8 * DISK_CHUNK;
    g_autofree char *buf = g_malloc(bytes / 2);
    uint64_t gpa;

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, bytes / HV_PAGE_SIZE);
    storvsc_fill(m.g, gpa, bytes, 5);
    storvsc_write(m.s, 2, 0, bytes / STORVSC_BLOCK_BYTES, gpa);
    /* chunks 0, 2, 4, 6 on one, the others on the other */
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(m.image[2 + i], "rb");

        g_assert_cmpuint(fread(buf, 1, bytes / 2, f), ==, bytes / 2);
        fclose(f);
        for (int j = 0; j < 4; j++) {
            g_assert_cmpmem(buf + j * DISK_CHUNK, DISK_CHUNK,
                            hv_guest_ptr(m.g, gpa + (2 * j + i) * DISK_CHUNK),
                            DISK_CHUNK);
        }
    }
    /* not at a chunk's start */
    storvsc_fill(m.g, gpa, 3 * DISK_CHUNK, 6);
    storvsc_write(m.s, 2, 100, 3 * DISK_CHUNK / STORVSC_BLOCK_BYTES, gpa);
    memset(hv_guest_ptr(m.g, gpa), 0, bytes);
    storvsc_read(m.s, 2, 100, 3 * DISK_CHUNK / STORVSC_BLOCK_BYTES, gpa);
    storvsc_check(m.g, gpa, 3 * DISK_CHUNK, 6);
    disk_machine_stop(&m);
}

static void test_flushes_and_discards(void)
{
    DiskMachine m;
    StorvscRequest req;
    StorvspPacketWire answer;
    uint64_t gpa;
    uint8_t *p;

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 1);
    storvsc_fill(m.g, gpa, HV_PAGE_SIZE, 1);
    storvsc_write(m.s, 0, 64, DISK_PAGE_SECTORS, gpa);
    req = disk_command(0, 0x35, 0, 0, 0);       /* SYNCHRONIZE CACHE(10) */
    answer = storvsc_run(m.s, &req);
    storvsc_assert_good(&answer, 0);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "flushes"), >=, 1);

    p = hv_guest_ptr(m.g, gpa);
    memset(p, 0, 24);
    stw_be_p(p, 22);
    stw_be_p(p + 2, 16);
    stq_be_p(p + 8, 64);
    stl_be_p(p + 16, DISK_PAGE_SECTORS);
    req = disk_command(0, 0x42, gpa, 24, STORVSP_DATA_WRITE);   /* UNMAP */
    req.cdb[8] = 24;
    answer = storvsc_run(m.s, &req);
    g_assert_cmphex(answer.srb.srb_status & 0x3f, ==, STORVSP_SRB_SUCCESS);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "discards"), >=, 1);
    storvsc_read(m.s, 0, 64, DISK_PAGE_SECTORS, gpa);
    g_assert_true(buffer_is_zero(p, HV_PAGE_SIZE));
    disk_machine_stop(&m);
}

/* The file's error is the controller's, the driver's, and at last sense data */
static void test_errors_bring_sense_data(void)
{
    DiskMachine m;
    StorvscRequest req;
    StorvspPacketWire answer;
    uint64_t gpa;

    disk_machine_start(&m, "-blockdev driver=blkdebug,node-name=d0,image=f0,"
                       "inject-error.0.event=none,inject-error.0.iotype=read,"
                       "inject-error.0.errno=5,inject-error.0.sector=800,"
                       "inject-error.1.event=none,inject-error.1.iotype=write,"
                       "inject-error.1.errno=5,inject-error.1.sector=900 ");
    gpa = hv_guest_alloc(m.g, 1);
    for (int i = 0; i < 3; i++) {
        req = storvsc_rw(false, 0, 800, 8, gpa);
        answer = storvsc_run(m.s, &req);
        g_assert_cmphex(answer.srb.scsi_status, ==, 2);
        g_assert_cmphex(answer.srb.sense[2] & 0xf, ==, 3);  /* medium error */
        g_assert_cmphex(answer.srb.sense[12], ==, 0x11);
        req = storvsc_rw(true, 0, 900, 8, gpa);
        answer = storvsc_run(m.s, &req);
        g_assert_cmphex(answer.srb.scsi_status, ==, 2);
        storvsc_read(m.s, 0, 0, 8, gpa);
    }
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "errors"), ==, 6);
    disk_machine_stop(&m);
}

static void test_system_reset_with_io_in_flight(void)
{
    DiskMachine m;
    uint64_t gpa;

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 256);
    for (int round = 0; round < 5; round++) {
        storvsc_fill(m.g, gpa, HV_PAGE_SIZE, round);
        storvsc_write(m.s, 0, 0, DISK_PAGE_SECTORS, gpa);
        for (int i = 0; i < 40; i++) {
            StorvscRequest req = disk_request(i & 1, i % 4, 64, 64,
                                              gpa + HV_PAGE_SIZE);

            storvsc_try_submit(m.s, 0, &req, true);
        }
        storvsc_forget(m.s);
        hv_guest_reset(m.g);
        vmbus_client_restart(m.c);
        disk_machine_connect(&m);
        storvsc_read(m.s, 0, 0, DISK_PAGE_SECTORS, gpa);
        storvsc_check(m.g, gpa, HV_PAGE_SIZE, round);
    }
    disk_machine_stop(&m);
}

static void test_controller_goes_under_io(void)
{
    DiskMachine m;
    uint64_t gpa, id[40];
    StorvscRequest req;
    StorvspPacketWire answer;
    g_autofree char *state = NULL;

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 64);
    for (int i = 0; i < 40; i++) {
        req = disk_request(i & 1, i % 4, 64, 16, gpa);
        id[i] = storvsc_submit(m.s, 0, &req);
    }
    qtest_qmp_device_del(m.g->qts, "nvme0");
    for (int i = 0; i < 40; i++) {
        answer = storvsc_expect(m.s, id[i]);
        if (i % 4) {
            g_assert_cmphex(answer.srb.scsi_status, ==, 0);
        }
    }
    req = storvsc_rw(false, 0, 0, 8, gpa);
    answer = storvsc_run(m.s, &req);
    g_assert_cmphex(answer.srb.scsi_status, ==, 2);
    g_assert_cmphex(answer.srb.sense[12], ==, 0x3a);    /* medium not present */
    /* the others work; the disk can go */
    disk_run(&m, false, 1, 0, 1, gpa);
    qtest_qmp_device_del(m.g->qts, "hd0");
    state = disk_driver_info(&m, 0, "state");
    g_assert_null(state);
    disk_machine_stop(&m);
}

/* With commands under way, too, it lets go of its image: another can have it */
static void test_controller_goes_and_comes(void)
{
    DiskMachine m;
    uint64_t gpa, id[8];

    disk_machine_start(&m, "-blockdev driver=null-co,node-name=d0,size=16777216,"
                       "read-zeroes=on,latency-ns=100000000 ");
    gpa = hv_guest_alloc(m.g, 1);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ARRAY_SIZE(id); i++) {
            StorvscRequest req = storvsc_rw(false, 0, 8 * i, 8, gpa);

            id[i] = storvsc_submit(m.s, 0, &req);
        }
        qtest_qmp_device_del(m.g->qts, "nvme0");
        for (int i = 0; i < ARRAY_SIZE(id); i++) {
            storvsc_expect(m.s, id[i]);
        }
        qtest_qmp_device_del(m.g->qts, "hd0");
        qtest_qmp_device_add(m.g->qts, "nvme", "nvme0",
                             "{'bus': 'vtl2.0', 'serial': 'x', 'drive': 'd0'}");
        qtest_qmp_device_add(m.g->qts, "hv-disk", "hd0",
                             "{'bus': 's0.0', 'scsi-id': 0, 'lun': 0,"
                             " 'nvme': ['nvme0:1']}");
        storvsc_test_unit(m.s, 0);
        storvsc_read(m.s, 0, 0, 8, gpa);
    }
    disk_machine_stop(&m);
}

static void test_disk_goes_and_comes(void)
{
    DiskMachine m;
    uint64_t gpa;

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 1);
    storvsc_fill(m.g, gpa, HV_PAGE_SIZE, 3);
    storvsc_write(m.s, 0, 8, DISK_PAGE_SECTORS, gpa);
    for (int i = 0; i < 3; i++) {
        g_autofree char *with = disk_driver_info(&m, 0, "driver");
        g_autofree char *without = NULL;

        g_assert_cmpstr(with, ==, "nvme");
        qtest_qmp_device_del(m.g->qts, "hd0");
        without = disk_driver_info(&m, 0, "driver");
        g_assert_cmpstr(without, ==, "none");
        qtest_qmp_device_add(m.g->qts, "hv-disk", "hd0",
                             "{'bus': 's0.0', 'scsi-id': 0, 'lun': 0,"
                             " 'nvme': ['nvme0:1']}");
        storvsc_test_unit(m.s, 0);
        storvsc_read(m.s, 0, 8, DISK_PAGE_SECTORS, gpa);
        storvsc_check(m.g, gpa, HV_PAGE_SIZE, 3);
    }
    disk_machine_stop(&m);
}

static int64_t aborts(DiskMachine *m)
{
    return disk_counter(m, "vtl2-nvme0-n1", "aborts");
}

/* Guest time goes by until the driver aborts a command of LUN 0 */
static void pass_until_abort(DiskMachine *m)
{
    unsigned half_seconds = 0;

    while (!aborts(m)) {
        hv_guest_step(m->g, NANOSECONDS_PER_SECOND / 2);
        g_assert_cmpuint(++half_seconds, <, 100);
    }
    /* not too soon */
    g_assert_cmpuint(half_seconds, >, 50);
}

static void run_qemu_io(DiskMachine *m, const char *command)
{
    g_autofree char *text = qtest_hmp(m->g->qts, "qemu-io -d nvme0 \"%s\"",
                                      command);

    g_assert_cmpstr(text, ==, "");
}

/* A write that hangs in the controller's backend is aborted, then sent again */
static void test_stalled_request_is_aborted(void)
{
    DiskMachine m;
    StorvscRequest req;
    StorvspPacketWire answer;
    uint64_t gpa, id;

    disk_machine_start(&m, "-blockdev driver=blkdebug,node-name=d0,image=f0 ");
    gpa = hv_guest_alloc(m.g, 2);
    run_qemu_io(&m, "break pwritev stall");
    storvsc_fill(m.g, gpa, HV_PAGE_SIZE, 1);
    req = storvsc_rw(true, 0, 0, 8, gpa);
    id = storvsc_submit(m.s, 0, &req);
    pass_until_abort(&m);
    g_assert_false(storvsc_is_done(m.s, id));
    /* the others work meanwhile */
    for (int lun = 1; lun < DISK_LUNS; lun++) {
        disk_run(&m, true, lun, 0, 1, gpa);
    }
    storvsc_read(m.s, 0, 64, 8, gpa + HV_PAGE_SIZE);
    run_qemu_io(&m, "resume stall");
    answer = storvsc_expect(m.s, id);
    storvsc_assert_good(&answer, HV_PAGE_SIZE);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "retries"), ==, 1);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "errors"), ==, 0);
    storvsc_read(m.s, 0, 0, 8, gpa);
    storvsc_check(m.g, gpa, HV_PAGE_SIZE, 1);
    disk_machine_stop(&m);
}

static void set_limit(DiskMachine *m, int bytes_per_second)
{
    qtest_qmp_assert_success(m->g->qts,
        "{ 'execute': 'qom-set', 'arguments': { 'path': '/objects/tg',"
        " 'property': 'limits', 'value': { 'bps-total': %d } } }",
        bytes_per_second);
}

/* Many that hang: the controller is reset, all of them are sent again */
static void test_stalled_backend_resets_the_controller(void)
{
    DiskMachine m;
    uint64_t gpa, id[40];
    g_autofree char *state = NULL;

    disk_machine_start(&m, "-object throttle-group,id=tg "
                       "-blockdev driver=throttle,node-name=d0,file=f0,"
                       "throttle-group=tg ");
    gpa = hv_guest_alloc(m.g, ARRAY_SIZE(id));
    set_limit(&m, 1);
    for (int i = 0; i < ARRAY_SIZE(id); i++) {
        StorvscRequest req = storvsc_rw(true, 0, 8 * i, 8,
                                        gpa + i * HV_PAGE_SIZE);

        storvsc_fill(m.g, gpa + i * HV_PAGE_SIZE, HV_PAGE_SIZE, i);
        id[i] = storvsc_submit(m.s, 0, &req);
    }
    pass_until_abort(&m);
    /* for new ones; it is the reset that sets free what waits */
    set_limit(&m, 0);
    g_assert_false(storvsc_is_done(m.s, id[ARRAY_SIZE(id) - 1]));
    for (int i = 0; i < 100; i++) {
        hv_guest_step(m.g, NANOSECONDS_PER_SECOND / 2);
    }
    for (int i = 0; i < ARRAY_SIZE(id); i++) {
        StorvspPacketWire answer = storvsc_expect(m.s, id[i]);

        storvsc_assert_good(&answer, HV_PAGE_SIZE);
    }
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "retries"), >=, 39);
    g_assert_cmpint(disk_counter(&m, "vtl2-nvme0-n1", "errors"), ==, 0);
    state = disk_driver_info(&m, 0, "state");
    g_assert_cmpstr(state, ==, "running");
    memset(hv_guest_ptr(m.g, gpa), 0, ARRAY_SIZE(id) * HV_PAGE_SIZE);
    for (int i = 0; i < ARRAY_SIZE(id); i++) {
        storvsc_read(m.s, 0, 8 * i, 8, gpa);
        storvsc_check(m.g, gpa, HV_PAGE_SIZE, i);
    }
    disk_machine_stop(&m);
}

/* Reads and writes of a plain and of a striped disk, not of the first blocks */
static void submit_all(DiskMachine *m, uint64_t *id, uint64_t gpa)
{
    for (int i = 0; i < BATCH; i++) {
        StorvscRequest req = storvsc_rw(i & 1, i % 2 * 2, 64 + 64 * i, 64, gpa);

        id[i] = storvsc_submit(m->s, 0, &req);
    }
}

static void expect_all_good(DiskMachine *m, const uint64_t *id)
{
    for (int i = 0; i < BATCH; i++) {
        StorvspPacketWire answer = storvsc_expect(m->s, id[i]);

        g_assert_cmphex(answer.srb.scsi_status, ==, STORVSP_SCSI_GOOD);
    }
}

/* Stopping the VM drains all nodes, those behind the controller, too */
static void test_stops_with_io_in_flight(void)
{
    DiskMachine m;
    uint64_t gpa, id[BATCH];

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 64);
    for (int round = 0; round < 10; round++) {
        submit_all(&m, id, gpa);
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'stop' }");
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
        expect_all_good(&m, id);
    }
    disk_machine_stop(&m);
}

static void test_migrates_with_io_in_flight(void)
{
    DiskMachine m;
    uint64_t gpa, id[BATCH];

    disk_machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 64);
    for (int round = 0; round < 2; round++) {
        storvsc_fill(m.g, gpa, HV_PAGE_SIZE, round);
        storvsc_write(m.s, 0, 8, DISK_PAGE_SECTORS, gpa);
        storvsc_write(m.s, 2, 8, DISK_PAGE_SECTORS, gpa);
        submit_all(&m, id, gpa + HV_PAGE_SIZE);
        hv_guest_migrate(m.g);
        expect_all_good(&m, id);
        for (int lun = 0; lun <= 2; lun += 2) {
            memset(hv_guest_ptr(m.g, gpa), 0, HV_PAGE_SIZE);
            storvsc_read(m.s, lun, 8, DISK_PAGE_SECTORS, gpa);
            storvsc_check(m.g, gpa, HV_PAGE_SIZE, round);
        }
    }
    disk_machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define DISK_TEST(_name) \
    qtest_add_func("/paravisor/hv-disk/" #_name, test_##_name)
    DISK_TEST(reads_back_what_was_written);
    DISK_TEST(buffer_may_start_anywhere);
    DISK_TEST(stripes_over_two_namespaces);
    DISK_TEST(flushes_and_discards);
    DISK_TEST(errors_bring_sense_data);
    DISK_TEST(stalled_request_is_aborted);
    DISK_TEST(stalled_backend_resets_the_controller);
    DISK_TEST(system_reset_with_io_in_flight);
    DISK_TEST(controller_goes_under_io);
    DISK_TEST(controller_goes_and_comes);
    DISK_TEST(disk_goes_and_comes);
    DISK_TEST(stops_with_io_in_flight);
    DISK_TEST(migrates_with_io_in_flight);
#undef DISK_TEST
    return g_test_run();
}
