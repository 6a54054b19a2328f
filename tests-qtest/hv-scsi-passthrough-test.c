/*
 * hv-scsi with SCSI devices of the host: scsi-block and scsi-generic
 *
 * Needs a SCSI disk to write to, so guest/test_passthrough.py runs this inside a
 * guest that has one from scsi_debug: HV_SCSI_TEST_BLOCK and
 * HV_SCSI_TEST_GENERIC name its block and sg device.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"

#include "qemu/bswap.h"
#include "qemu/memalign.h"
#include "lib/storvsc-client.h"

#define READ_CAPACITY   0x25
#define INQUIRY         0x12
#define TEST_BLOCKS     200             /* 100 KiB: many pages */

typedef struct Machine {
    HvGuest *g;
    VmbusClient *c;
    Storvsc *s;
} Machine;

static const char *block_path, *generic_path;

static void start(Machine *m, const void *driver)
{
    bool is_block = g_str_equal(driver, "scsi-block");
    g_autofree char *args = g_strdup_printf(
        "-blockdev driver=host_device,node-name=d0,filename=%s "
        "-device hv-vmbus -device hv-scsi,id=s0 "
        "-device %s,bus=s0.0,scsi-id=0,lun=0,drive=d0",
        is_block ? block_path : generic_path, (const char *)driver);

    m->g = hv_guest_start(args);
    m->c = vmbus_client_new(m->g, 0);
    vmbus_connect(m->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(m->c);
    m->s = storvsc_start(m->c, 0, STORVSP_VERSION_6_2);
}

static void stop(Machine *m)
{
    storvsc_close(m->s);
    vmbus_expect_alive(m->c);
    vmbus_client_free(m->c);
    hv_guest_stop(m->g);
}

static StorvspPacketWire run_in(Machine *m, uint8_t op, uint8_t cdb_bytes,
                                uint8_t alloc_at, uint32_t bytes, uint64_t gpa)
{
    StorvscRequest req = {
        .data_in = STORVSP_DATA_READ,
        .cdb = { op },
        .cdb_bytes = cdb_bytes,
        .data_bytes = bytes,
        .data_gpa = gpa,
    };

    if (alloc_at) {
        req.cdb[alloc_at] = bytes;
    }
    return storvsc_run(m->s, &req);
}

/* It is the device that answers, not an emulation of one */
static void test_inquiry_is_the_devices_own(const void *driver)
{
    StorvspPacketWire answer;
    Machine m;
    uint64_t gpa;

    start(&m, driver);
    gpa = hv_guest_alloc(m.g, 1);
    answer = run_in(&m, INQUIRY, 6, 4, 36, gpa);
    storvsc_assert_good(&answer, 36);
    g_assert(!memcmp(hv_guest_ptr(m.g, gpa + 8), "Linux   scsi_debug", 18));
    stop(&m);
}

static void test_writes_reach_the_device(const void *driver)
{
    const uint32_t bytes = TEST_BLOCKS * STORVSC_BLOCK_BYTES;
    g_autofree uint8_t *seen = g_malloc(bytes);
    uint64_t out, in;
    uint8_t *p;
    Machine m;
    int fd;

    start(&m, driver);
    out = hv_guest_alloc(m.g, DIV_ROUND_UP(bytes, HV_PAGE_SIZE));
    in = hv_guest_alloc(m.g, DIV_ROUND_UP(bytes, HV_PAGE_SIZE));
    p = hv_guest_ptr(m.g, out);
    for (uint32_t i = 0; i < bytes; i++) {
        p[i] = g_test_rand_int();
    }
    storvsc_write(m.s, 0, 16, TEST_BLOCKS, out);
    storvsc_read(m.s, 0, 16, TEST_BLOCKS, in);
    g_assert(!memcmp(p, hv_guest_ptr(m.g, in), bytes));
    stop(&m);

    fd = open(block_path, O_RDONLY | O_DIRECT);
    g_assert_cmpint(fd, >=, 0);
    p = qemu_memalign(HV_PAGE_SIZE, bytes);
    g_assert_cmpint(pread(fd, p, bytes, 16 * STORVSC_BLOCK_BYTES), ==, bytes);
    memcpy(seen, p, bytes);
    qemu_vfree(p);
    close(fd);
    start(&m, driver);
    in = hv_guest_alloc(m.g, DIV_ROUND_UP(bytes, HV_PAGE_SIZE));
    storvsc_read(m.s, 0, 16, TEST_BLOCKS, in);
    g_assert(!memcmp(seen, hv_guest_ptr(m.g, in), bytes));
    stop(&m);
}

/* Sense data comes through unchanged: beyond the last block */
static void test_sense_comes_from_the_device(const void *driver)
{
    StorvspPacketWire answer;
    StorvscRequest req;
    Machine m;
    uint64_t gpa;

    start(&m, driver);
    gpa = hv_guest_alloc(m.g, 1);
    do {
        answer = run_in(&m, READ_CAPACITY, 10, 0, 8, gpa);
    } while (answer.srb.scsi_status == STORVSP_SCSI_CHECK_CONDITION);
    storvsc_assert_good(&answer, 8);
    req = storvsc_rw(false, 0, ldl_be_p(hv_guest_ptr(m.g, gpa)) + 1, 1, gpa);
    answer = storvsc_run(m.s, &req);
    g_assert_cmphex(answer.srb.scsi_status, ==, STORVSP_SCSI_CHECK_CONDITION);
    g_assert_cmphex(answer.srb.sense[2] & 0xf, ==, 5);      /* ILLEGAL REQUEST */
    g_assert_cmphex(answer.srb.sense[12], ==, 0x21);        /* LBA out of range */
    stop(&m);
}

/* An opcode QEMU knows nothing about is for the device to judge */
static void test_unknown_opcode_is_refused_by_the_device(const void *driver)
{
    StorvspPacketWire answer;
    Machine m;

    start(&m, driver);
    answer = run_in(&m, 0xcf, 10, 0, 0, 0);
    while (answer.srb.scsi_status == STORVSP_SCSI_CHECK_CONDITION &&
           (answer.srb.sense[2] & 0xf) == 6) {
        answer = run_in(&m, 0xcf, 10, 0, 0, 0);
    }
    g_assert_cmphex(answer.srb.scsi_status, ==, STORVSP_SCSI_CHECK_CONDITION);
    g_assert_cmphex(answer.srb.sense[2] & 0xf, ==, 5);
    g_assert_cmphex(answer.srb.sense[12], ==, 0x20);        /* invalid opcode */
    stop(&m);
}

int main(int argc, char **argv)
{
    static const char *const drivers[] = { "scsi-block", "scsi-generic" };
    static const struct {
        const char *name;
        void (*fn)(const void *driver);
    } tests[] = {
        { "inquiry", test_inquiry_is_the_devices_own },
        { "data", test_writes_reach_the_device },
        { "sense", test_sense_comes_from_the_device },
        { "unknown-opcode", test_unknown_opcode_is_refused_by_the_device },
    };

    g_test_init(&argc, &argv, NULL);
    block_path = g_getenv("HV_SCSI_TEST_BLOCK");
    generic_path = g_getenv("HV_SCSI_TEST_GENERIC");
    if (!block_path || !generic_path) {
        fprintf(stderr, "set HV_SCSI_TEST_BLOCK and HV_SCSI_TEST_GENERIC to a "
                "SCSI disk that may be written to\n");
        return 1;
    }
    for (int i = 0; i < ARRAY_SIZE(drivers); i++) {
        for (int j = 0; j < ARRAY_SIZE(tests); j++) {
            g_autofree char *path = g_strdup_printf(
                "paravisor/hv-scsi/%s/%s", drivers[i], tests[j].name);

            qtest_add_data_func(path, drivers[i], tests[j].fn);
        }
    }
    return g_test_run();
}
