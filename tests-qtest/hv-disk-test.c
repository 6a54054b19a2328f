/*
 * hv-disk: NVMe namespaces of the paravisor's, as a guest's SCSI driver sees them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "lib/storvsc-client.h"

#define DISK_BYTES          (16 * MiB)
#define SECTORS_PER_PAGE    (HV_PAGE_SIZE / STORVSC_BLOCK_BYTES)
#define STRIPE_BYTES        (64 * KiB)

/* LUN 0: 512 byte blocks; LUN 1: 4096; LUN 2: striped; LUN 3: a scsi-hd */
#define DISK_ARGS \
    "-device hv-vmbus -device paravisor,id=pv -device hv-scsi,id=s0 " \
    "-device nvme,id=nvme0,bus=vtl2.0,serial=a,drive=d0 " \
    "-device nvme,id=nvme1,bus=vtl2.0,serial=b " \
    "-device nvme-ns,bus=nvme1,nsid=1,drive=d1,logical_block_size=4096," \
    "physical_block_size=4096 " \
    "-device nvme-ns,bus=nvme1,nsid=7,drive=d2 " \
    "-device nvme,id=nvme2,bus=vtl2.0,serial=c,drive=d3 " \
    "-device hv-disk,id=hd0,bus=s0.0,scsi-id=0,lun=0,nvme=nvme0,nsid=1 " \
    "-device hv-disk,id=hd1,bus=s0.0,scsi-id=0,lun=1,nvme=nvme1,nsid=1 " \
    "-device hv-disk,id=hd2,bus=s0.0,scsi-id=0,lun=2,nvme=nvme1:7+nvme2:1," \
    "stripe=64K " \
    "-device scsi-hd,id=hd3,bus=s0.0,scsi-id=0,lun=3,drive=d4 "

#define DISKS               5

typedef struct Machine {
    HvGuest *g;
    VmbusClient *c;
    Storvsc *s;
    char *image[DISKS];
} Machine;

static void machine_connect(Machine *m)
{
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
    m->s = storvsc_start(m->c, 0, STORVSP_VERSION_6_2);
    for (int lun = 0; lun < 4; lun++) {
        storvsc_test_unit(m->s, lun);   /* takes the unit attention */
    }
}

static void machine_start(Machine *m, const char *blkdebug)
{
    g_autoptr(GString) args = g_string_new("");

    for (int i = 0; i < DISKS; i++) {
        int fd = g_file_open_tmp("hv-disk-XXXXXX", &m->image[i], NULL);

        g_assert_cmpint(ftruncate(fd, DISK_BYTES), ==, 0);
        close(fd);
        g_string_append_printf(args, "-blockdev driver=file,node-name=%s%d,"
                               "locking=off,discard=unmap,filename=%s ",
                               i || !blkdebug ? "d" : "f", i, m->image[i]);
    }
    if (blkdebug) {
        g_string_append_printf(args, "-blockdev driver=blkdebug,node-name=d0,"
                               "image=f0,%s ", blkdebug);
    }
    g_string_append(args, DISK_ARGS);
    m->g = hv_guest_start(args->str);
    m->c = vmbus_client_new(m->g, 0);
    machine_connect(m);
}

static void machine_stop(Machine *m)
{
    storvsc_close(m->s);
    vmbus_expect_alive(m->c);
    vmbus_client_free(m->c);
    hv_guest_stop(m->g);
    for (int i = 0; i < DISKS; i++) {
        unlink(m->image[i]);
        g_free(m->image[i]);
    }
}

static void fill(HvGuest *g, uint64_t gpa, uint32_t bytes, uint32_t seed)
{
    uint32_t *words = hv_guest_ptr(g, gpa);

    for (uint32_t i = 0; i < bytes / 4; i++) {
        words[i] = seed * 2654435761u + i;
    }
}

static void check(HvGuest *g, uint64_t gpa, uint32_t bytes, uint32_t seed)
{
    uint32_t *words = hv_guest_ptr(g, gpa);

    for (uint32_t i = 0; i < bytes / 4; i++) {
        g_assert_cmphex(words[i], ==, seed * 2654435761u + i);
    }
}

/* What query-paravisor tells of a namespace: a number */
static int64_t counter(Machine *m, const char *node, const char *key)
{
    g_autoptr(QDict) reply = qtest_qmp(m->g->qts,
                                       "{ 'execute': 'query-paravisor' }");
    QList *list = qdict_get_qlist(reply, "return");
    QDict *pv = qobject_to(QDict, qlist_peek(list));
    const QListEntry *e;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(pv, "namespaces"), e) {
        QDict *ns = qobject_to(QDict, qlist_entry_obj(e));

        if (g_str_equal(qdict_get_str(ns, "node-name"), node)) {
            return qdict_get_int(ns, key);
        }
    }
    g_assert_not_reached();
}

/* As above, of the function in slot @slot: a string */
static char *function_state(Machine *m, unsigned slot, const char *key)
{
    g_autoptr(QDict) reply = qtest_qmp(m->g->qts,
                                       "{ 'execute': 'query-paravisor' }");
    QList *list = qdict_get_qlist(reply, "return");
    QDict *pv = qobject_to(QDict, qlist_peek(list));
    const QListEntry *e;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(pv, "functions"), e) {
        QDict *fn = qobject_to(QDict, qlist_entry_obj(e));
        g_autofree char *address = g_strdup_printf("%02x.0", slot);

        if (g_str_equal(qdict_get_str(fn, "address"), address)) {
            return g_strdup(qdict_get_str(fn, key));
        }
    }
    return NULL;
}

static StorvscRequest scsi_request(uint8_t lun, uint8_t opcode, uint64_t gpa,
                                   uint32_t bytes, uint8_t data_in)
{
    return (StorvscRequest) {
        .lun = lun,
        .data_in = bytes ? data_in : STORVSP_DATA_UNKNOWN,
        .cdb = { opcode },
        .cdb_bytes = 10,
        .data_bytes = bytes,
        .data_gpa = gpa,
    };
}

/* @pages of data at page @at of the disk, whatever its block size */
static StorvscRequest page_request(bool is_write, uint8_t lun, uint32_t at,
                                   unsigned pages, uint64_t gpa)
{
    unsigned blocks = lun == 1 ? 1 : SECTORS_PER_PAGE;
    StorvscRequest req = storvsc_rw(is_write, lun, at * blocks, pages * blocks,
                                    gpa);

    req.data_bytes = pages * HV_PAGE_SIZE;
    return req;
}

static void run_page(Machine *m, bool is_write, uint8_t lun, uint32_t at,
                     uint64_t gpa)
{
    StorvscRequest req = page_request(is_write, lun, at, 1, gpa);
    StorvspPacketWire answer = storvsc_run(m->s, &req);

    storvsc_assert_good(&answer, HV_PAGE_SIZE);
}

static void test_reads_back_what_was_written(void)
{
    Machine m;
    uint64_t gpa;
    int64_t bounced;

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 1);
    bounced = counter(&m, "vtl2-nvme0-n1", "bounced-bytes");
    for (int lun = 0; lun < 4; lun++) {
        for (unsigned i = 0; i < 64; i++) {
            fill(m.g, gpa, HV_PAGE_SIZE, lun * 100 + i);
            run_page(&m, true, lun, i, gpa);
        }
    }
    for (int lun = 0; lun < 4; lun++) {
        for (unsigned i = 0; i < 64; i++) {
            run_page(&m, false, lun, i, gpa);
            check(m.g, gpa, HV_PAGE_SIZE, lun * 100 + i);
        }
    }
    g_assert_cmpint(counter(&m, "vtl2-nvme0-n1", "writes"), ==, 64);
    g_assert_cmpint(counter(&m, "vtl2-nvme0-n1", "write-bytes"), ==,
                    64 * HV_PAGE_SIZE);
    g_assert_cmpint(counter(&m, "vtl2-nvme1-n1", "block-size"), ==, 4096);
    g_assert_cmpint(counter(&m, "vtl2-nvme1-n1", "size"), ==, DISK_BYTES);
    /* the guest's data goes straight */
    g_assert_cmpint(counter(&m, "vtl2-nvme0-n1", "bounced-bytes"), ==, bounced);
    machine_stop(&m);
}

static void test_buffer_may_start_anywhere(void)
{
    Machine m;
    uint32_t bytes = 512 * KiB;
    uint64_t gpa;
    int64_t bounced;

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, bytes / HV_PAGE_SIZE + 2);
    bounced = counter(&m, "vtl2-nvme0-n1", "bounced-bytes");
    for (uint32_t offset = 0; offset < HV_PAGE_SIZE; offset += 508) {
        fill(m.g, gpa + offset, bytes, offset);
        storvsc_write(m.s, 0, 8, bytes / STORVSC_BLOCK_BYTES, gpa + offset);
        memset(hv_guest_ptr(m.g, gpa), 0xee, bytes + 2 * HV_PAGE_SIZE);
        storvsc_read(m.s, 0, 8, bytes / STORVSC_BLOCK_BYTES, gpa + offset);
        check(m.g, gpa + offset, bytes, offset);
        g_assert_cmphex(*(uint8_t *)hv_guest_ptr(m.g, gpa + offset + bytes),
                        ==, 0xee);
    }
    g_assert_cmpint(counter(&m, "vtl2-nvme0-n1", "bounced-bytes"), ==, bounced);
    machine_stop(&m);
}

static void test_stripes_over_two_namespaces(void)
{
    Machine m;
    uint32_t bytes = 8 * STRIPE_BYTES;
    g_autofree char *buf = g_malloc(bytes / 2);
    uint64_t gpa;

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, bytes / HV_PAGE_SIZE);
    fill(m.g, gpa, bytes, 5);
    storvsc_write(m.s, 2, 0, bytes / STORVSC_BLOCK_BYTES, gpa);
    /* chunks 0, 2, 4, 6 on one, the others on the other */
    for (int i = 0; i < 2; i++) {
        FILE *f = fopen(m.image[2 + i], "rb");

        g_assert_cmpuint(fread(buf, 1, bytes / 2, f), ==, bytes / 2);
        fclose(f);
        for (int j = 0; j < 4; j++) {
            g_assert_cmpmem(buf + j * STRIPE_BYTES, STRIPE_BYTES,
                            hv_guest_ptr(m.g, gpa + (2 * j + i) * STRIPE_BYTES),
                            STRIPE_BYTES);
        }
    }
    /* not at a chunk's start */
    fill(m.g, gpa, 3 * STRIPE_BYTES, 6);
    storvsc_write(m.s, 2, 100, 3 * STRIPE_BYTES / STORVSC_BLOCK_BYTES, gpa);
    memset(hv_guest_ptr(m.g, gpa), 0, bytes);
    storvsc_read(m.s, 2, 100, 3 * STRIPE_BYTES / STORVSC_BLOCK_BYTES, gpa);
    check(m.g, gpa, 3 * STRIPE_BYTES, 6);
    machine_stop(&m);
}

static void test_flushes_and_discards(void)
{
    Machine m;
    StorvscRequest req;
    StorvspPacketWire answer;
    uint64_t gpa;
    uint8_t *p;

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 1);
    fill(m.g, gpa, HV_PAGE_SIZE, 1);
    storvsc_write(m.s, 0, 64, SECTORS_PER_PAGE, gpa);
    req = scsi_request(0, 0x35, 0, 0, 0);       /* SYNCHRONIZE CACHE(10) */
    answer = storvsc_run(m.s, &req);
    storvsc_assert_good(&answer, 0);
    g_assert_cmpint(counter(&m, "vtl2-nvme0-n1", "flushes"), >=, 1);

    p = hv_guest_ptr(m.g, gpa);
    memset(p, 0, 24);
    stw_be_p(p, 22);
    stw_be_p(p + 2, 16);
    stq_be_p(p + 8, 64);
    stl_be_p(p + 16, SECTORS_PER_PAGE);
    req = scsi_request(0, 0x42, gpa, 24, STORVSP_DATA_WRITE);   /* UNMAP */
    req.cdb[8] = 24;
    answer = storvsc_run(m.s, &req);
    g_assert_cmphex(answer.srb.srb_status & 0x3f, ==, STORVSP_SRB_SUCCESS);
    g_assert_cmpint(counter(&m, "vtl2-nvme0-n1", "discards"), >=, 1);
    storvsc_read(m.s, 0, 64, SECTORS_PER_PAGE, gpa);
    g_assert_true(buffer_is_zero(p, HV_PAGE_SIZE));
    machine_stop(&m);
}

/* The file's error is the controller's, the driver's, and at last sense data */
static void test_errors_bring_sense_data(void)
{
    Machine m;
    StorvscRequest req;
    StorvspPacketWire answer;
    uint64_t gpa;

    machine_start(&m, "inject-error.0.event=none,inject-error.0.iotype=read,"
                  "inject-error.0.errno=5,inject-error.0.sector=800,"
                  "inject-error.1.event=none,inject-error.1.iotype=write,"
                  "inject-error.1.errno=5,inject-error.1.sector=900");
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
    g_assert_cmpint(counter(&m, "vtl2-nvme0-n1", "errors"), ==, 6);
    machine_stop(&m);
}

static void test_system_reset_with_io_in_flight(void)
{
    Machine m;
    uint64_t gpa;

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 256);
    for (int round = 0; round < 5; round++) {
        fill(m.g, gpa, HV_PAGE_SIZE, round);
        storvsc_write(m.s, 0, 0, SECTORS_PER_PAGE, gpa);
        for (int i = 0; i < 40; i++) {
            StorvscRequest req = page_request(i & 1, i % 4, 64, 64,
                                              gpa + HV_PAGE_SIZE);

            storvsc_try_submit(m.s, 0, &req, true);
        }
        storvsc_forget(m.s);
        hv_guest_reset(m.g);
        vmbus_client_restart(m.c);
        machine_connect(&m);
        storvsc_read(m.s, 0, 0, SECTORS_PER_PAGE, gpa);
        check(m.g, gpa, HV_PAGE_SIZE, round);
    }
    machine_stop(&m);
}

static void test_controller_goes_under_io(void)
{
    Machine m;
    uint64_t gpa, id[40];
    StorvscRequest req;
    StorvspPacketWire answer;
    g_autofree char *state = NULL;

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 64);
    for (int i = 0; i < 40; i++) {
        req = page_request(i & 1, i % 4, 64, 16, gpa);
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
    run_page(&m, false, 1, 0, gpa);
    qtest_qmp_device_del(m.g->qts, "hd0");
    state = function_state(&m, 0, "state");
    g_assert_null(state);
    machine_stop(&m);
}

static void test_disk_goes_and_comes(void)
{
    Machine m;
    uint64_t gpa;

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 1);
    fill(m.g, gpa, HV_PAGE_SIZE, 3);
    storvsc_write(m.s, 0, 8, SECTORS_PER_PAGE, gpa);
    for (int i = 0; i < 3; i++) {
        g_autofree char *with = function_state(&m, 0, "driver");
        g_autofree char *without = NULL;

        g_assert_cmpstr(with, ==, "nvme");
        qtest_qmp_device_del(m.g->qts, "hd0");
        without = function_state(&m, 0, "driver");
        g_assert_cmpstr(without, ==, "none");
        qtest_qmp_device_add(m.g->qts, "hv-disk", "hd0",
                             "{'bus': 's0.0', 'scsi-id': 0, 'lun': 0,"
                             " 'nvme': ['nvme0:1']}");
        storvsc_test_unit(m.s, 0);
        storvsc_read(m.s, 0, 8, SECTORS_PER_PAGE, gpa);
        check(m.g, gpa, HV_PAGE_SIZE, 3);
    }
    machine_stop(&m);
}

/* Stopping the VM drains all nodes, those behind the controller, too */
static void test_stops_with_io_in_flight(void)
{
    Machine m;
    uint64_t gpa, id[60];

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 64);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 60; i++) {
            StorvscRequest req = storvsc_rw(i & 1, i % 2 * 2, 64 * i, 128, gpa);

            id[i] = storvsc_submit(m.s, 0, &req);
        }
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'stop' }");
        qtest_qmp_assert_success(m.g->qts, "{ 'execute': 'cont' }");
        for (int i = 0; i < 60; i++) {
            StorvspPacketWire answer = storvsc_expect(m.s, id[i]);

            g_assert_cmphex(answer.srb.scsi_status, ==, 0);
        }
    }
    machine_stop(&m);
}

static void test_migrates_with_io_in_flight(void)
{
    Machine m;
    uint64_t gpa, id[40];

    machine_start(&m, NULL);
    gpa = hv_guest_alloc(m.g, 64);
    for (int round = 0; round < 2; round++) {
        fill(m.g, gpa, HV_PAGE_SIZE, round);
        storvsc_write(m.s, 0, 8, SECTORS_PER_PAGE, gpa);
        storvsc_write(m.s, 2, 8, SECTORS_PER_PAGE, gpa);
        for (int i = 0; i < 40; i++) {
            StorvscRequest req = storvsc_rw(i & 1, i % 2 * 2, 64 + 64 * i, 64,
                                            gpa + HV_PAGE_SIZE);

            id[i] = storvsc_submit(m.s, 0, &req);
        }
        hv_guest_migrate(m.g);
        for (int i = 0; i < 40; i++) {
            StorvspPacketWire answer = storvsc_expect(m.s, id[i]);

            g_assert_cmphex(answer.srb.scsi_status, ==, 0);
        }
        for (int lun = 0; lun <= 2; lun += 2) {
            memset(hv_guest_ptr(m.g, gpa), 0, HV_PAGE_SIZE);
            storvsc_read(m.s, lun, 8, SECTORS_PER_PAGE, gpa);
            check(m.g, gpa, HV_PAGE_SIZE, round);
        }
    }
    machine_stop(&m);
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
    DISK_TEST(system_reset_with_io_in_flight);
    DISK_TEST(controller_goes_under_io);
    DISK_TEST(disk_goes_and_comes);
    DISK_TEST(stops_with_io_in_flight);
    DISK_TEST(migrates_with_io_in_flight);
#undef DISK_TEST
    return g_test_run();
}
