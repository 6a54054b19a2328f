/*
 * Paravisor: VTL2's bus, functions and memory, as a driver in VTL2 has them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "tests/qtest/libqos/libqos.h"
#include "lib/vtl2-client.h"

#define PARAVISOR       "-device paravisor,id=pv,memory=2M "
#define NVME \
    "-blockdev driver=null-co,node-name=d0,size=1048576,read-zeroes=on " \
    "-device nvme,id=n0,bus=vtl2.0,addr=1,drive=d0,serial=vtl2-test "
#define E1000E          "-device e1000e,id=n0,bus=vtl2.0,addr=1 "
#define DRIVER          "-device vtl2-testdev,function=n0 "

#define NVME_ID         0x1b36          /* first word of identify data */
#define NVME_VERSION    0x08

static Vtl2Client *start(const char *args)
{
    Vtl2Client *v = g_new0(Vtl2Client, 1);

    v->g = pcie_guest_start(args);
    return v;
}

static void stop(Vtl2Client *v)
{
    pcie_guest_stop(v->g);
    g_free(v);
}

/* query-paravisor's answer about the one there is; to be freed */
static QDict *query(Vtl2Client *v)
{
    QDict *rsp = qtest_qmp(v->g->qts, "{ 'execute': 'query-paravisor' }");
    QList *list = qdict_get_qlist(rsp, "return");
    QDict *info;

    g_assert_cmpuint(qlist_size(list), ==, 1);
    info = qobject_to(QDict, qlist_pop(list));
    qobject_unref(rsp);
    return info;
}

static uint64_t memory_used(Vtl2Client *v)
{
    QDict *info = query(v);
    uint64_t used = qdict_get_int(info, "memory-used");

    qobject_unref(info);
    return used;
}

/* --- what a driver has --- */

static void test_function_is_set_up(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);

    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_STARTS), ==, 1);
    g_assert_cmpuint(vtl2_must(v, VTL2_TESTDEV_DO_VECTORS, 0, 0, 0), >, 1);
    g_assert_cmpuint(vtl2_must(v, VTL2_TESTDEV_DO_BYTES, 0, 0, 0), >=, 0x2000);
    g_assert_cmpuint(vtl2_must(v, VTL2_TESTDEV_DO_BYTES, 1, 0, 0), ==, 0);
    g_assert_cmpuint(vtl2_must(v, VTL2_TESTDEV_DO_BYTES, 6, 0, 0), ==, 0);
    g_assert_cmphex(vtl2_read(v, 0, NVME_VERSION), ==, 0x10400);
    g_assert_cmphex(vtl2_must(v, VTL2_TESTDEV_DO_READ64, 0, NVME_VERSION, 0),
                    ==, 0x10400);
    stop(v);
}

static void test_accesses_stay_in_the_bar(void)
{
    static const uint64_t wild[] = {
        -1ull, -3ull, -4ull, -8ull, 1ull << 32, 1ull << 63,
    };
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    uint64_t bytes = vtl2_must(v, VTL2_TESTDEV_DO_BYTES, 0, 0, 0);

    for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
        g_assert_cmphex(vtl2_read(v, 0, wild[i]), ==, UINT32_MAX);
        vtl2_write(v, 0, wild[i], 0x460001);
    }
    g_assert_cmphex(vtl2_read(v, 0, bytes), ==, UINT32_MAX);
    g_assert_cmphex(vtl2_read(v, 0, bytes - 3), ==, UINT32_MAX);
    g_assert_cmphex(vtl2_must(v, VTL2_TESTDEV_DO_READ64, 0, bytes - 4, 0), ==,
                    UINT64_MAX);
    g_assert_cmphex(vtl2_read(v, 1, 0), ==, UINT32_MAX);
    g_assert_cmphex(vtl2_read(v, 6, 0), ==, UINT32_MAX);
    g_assert_cmphex(vtl2_read(v, 1u << 31, 0), ==, UINT32_MAX);
    stop(v);
}

static void test_dma_and_interrupts(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    uint64_t irq = VTL2_TESTDEV_INTERRUPTS(0);
    uint64_t buf, gpa;
    Vtl2Nvme n;

    vtl2_nvme_start(&n, v);
    buf = vtl2_alloc(v, 4096);
    /* vectors start out off, and do not get lost */
    g_assert_cmphex(vtl2_nvme_identify(&n, buf), ==, 0);
    g_assert_cmphex(vtl2_peek(v, buf) & 0xffff, ==, NVME_ID);
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, irq), ==, 0);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, irq), <=, 1);
    /* the function reaches guest memory where the guest has it */
    gpa = pcie_guest_alloc(v->g, 1);
    g_assert_cmphex(vtl2_nvme_identify(&n, gpa), ==, 0);
    g_assert_cmphex(lduw_le_p(pcie_guest_ptr(v->g, gpa)), ==, NVME_ID);
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, irq), >=, 1);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 0, 0);
    gpa = vtl2_count(v, irq);
    g_assert_cmphex(vtl2_nvme_identify(&n, buf), ==, 0);
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, irq), ==, gpa);
    stop(v);
}

/* Data of a function is no interrupt, wherever it is written to */
static void test_data_is_no_message(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    Vtl2Nvme n;

    vtl2_nvme_start(&n, v);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 1, 1, 0);
    for (unsigned slot = 0; slot < 256; slot += 8) {
        vtl2_nvme_identify(&n, VTL2_MSI_ADDR + slot * 4096);
    }
    pcie_guest_step(v->g, 1);
    for (unsigned i = 0; i < VTL2_TESTDEV_VECTORS; i++) {
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(i)), ==, 0);
    }
    stop(v);
}

static void test_memory_runs_out(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    uint64_t a, b, none;

    g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_ALLOC, 0, 0, 0, &none));
    g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_ALLOC, 2 * MiB + 1, 0, 0, &none));
    g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_ALLOC, UINT64_MAX, 0, 0, &none));
    a = vtl2_alloc(v, MiB + 1);
    g_assert_cmphex(a, ==, VTL2_RAM_ADDR);
    g_assert_cmpuint(memory_used(v), ==, MiB + 4096);
    g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_ALLOC, MiB, 0, 0, &none));
    b = vtl2_alloc(v, MiB - 4096);
    vtl2_poke(v, b, ~0ull);
    vtl2_must(v, VTL2_TESTDEV_DO_FREE, a, 0, 0);
    vtl2_must(v, VTL2_TESTDEV_DO_FREE, b, 0, 0);
    g_assert_cmpuint(memory_used(v), ==, 0);
    /* what is given out is zeroed */
    a = vtl2_alloc(v, 2 * MiB);
    g_assert_cmphex(vtl2_peek(v, b), ==, 0);
    vtl2_must(v, VTL2_TESTDEV_DO_RELEASE, 0, 0, 0);
    g_assert_cmpuint(memory_used(v), ==, 0);
    stop(v);
}

static void test_timer(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);

    vtl2_must(v, VTL2_TESTDEV_DO_TIMER, SCALE_MS, 0, 0);
    pcie_guest_step(v->g, SCALE_MS - 1);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_TIMEOUTS), ==, 0);
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_TIMEOUTS), ==, 1);
    pcie_guest_step(v->g, NANOSECONDS_PER_SECOND);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_TIMEOUTS), ==, 1);
    vtl2_must(v, VTL2_TESTDEV_DO_TIMER, SCALE_MS, 0, 0);
    vtl2_must(v, VTL2_TESTDEV_DO_TIMER, ~0ull, 0, 0);
    pcie_guest_step(v->g, NANOSECONDS_PER_SECOND);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_TIMEOUTS), ==, 1);
    stop(v);
}

static void test_maps_guest_memory(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    static const uint64_t gpas[] = { 0, 4096, 0x9f000, MiB, 64 * MiB + 5,
                                     PCIE_GUEST_RAM_BYTES - 1 };

    for (size_t i = 0; i < ARRAY_SIZE(gpas); i++) {
        g_assert_cmphex(vtl2_must(v, VTL2_TESTDEV_DO_MAP, gpas[i], 0, 0), ==,
                        gpas[i]);
    }
    /* firmware, which a function could not write, and registers */
    g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_MAP, 0xfffffff0, 0, 0, NULL));
    g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_MAP, 0xfed00000, 0, 0, NULL));
    stop(v);
}

/* 32 bit BARs: registers in one of them, the MSI-X table in another */
static void test_function_with_small_bars(void)
{
    Vtl2Client *v = start(PARAVISOR E1000E DRIVER);

    vtl2_e1000e_start(v);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t before = vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0));

        vtl2_e1000e_raise(v);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0)), >, before);
    }
    stop(v);
}

/* --- life --- */

static void test_function_reset(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    uint64_t buf = vtl2_alloc(v, 4096);
    uint64_t before;
    Vtl2Nvme n;

    vtl2_nvme_start(&n, v);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    g_assert_cmphex(vtl2_nvme_identify(&n, buf), ==, 0);
    vtl2_must(v, VTL2_TESTDEV_DO_RESET, 0, 0, 0);
    g_assert_cmphex(vtl2_read(v, 0, 0x1c) & 1, ==, 0);
    before = vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0));
    vtl2_nvme_start(&n, v);
    g_assert_cmphex(vtl2_nvme_identify(&n, buf), ==, 0);
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0)), ==, before);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    g_assert_cmphex(vtl2_nvme_identify(&n, buf), ==, 0);
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0)), >, before);
    stop(v);
}

static void test_vm_reset(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    uint64_t buf = vtl2_alloc(v, 4096);
    uint64_t resets, starts;
    Vtl2Nvme n;

    pcie_guest_step(v->g, 1);
    resets = vtl2_count(v, VTL2_TESTDEV_RESETS);
    starts = vtl2_count(v, VTL2_TESTDEV_STARTS);
    for (unsigned i = 1; i < 4; i++) {
        vtl2_nvme_start(&n, v);
        vtl2_must(v, VTL2_TESTDEV_DO_TIMER, SCALE_MS, 0, 0);
        g_assert_cmphex(vtl2_nvme_identify(&n, buf), ==, 0);
        pcie_guest_reset(v->g);
        pcie_guest_step(v->g, NANOSECONDS_PER_SECOND);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_RESETS), ==, resets + i);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_STARTS), ==, starts + i);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_TIMEOUTS), ==, 0);
        /* memory is the driver's as before, with what was in it */
        g_assert_cmphex(vtl2_peek(v, buf) & 0xffff, ==, NVME_ID);
        vtl2_must(v, VTL2_TESTDEV_DO_FREE, n.sq, 0, 0);
        vtl2_must(v, VTL2_TESTDEV_DO_FREE, n.cq, 0, 0);
    }
    stop(v);
}

static void test_unplug_and_replug(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    Vtl2Nvme n;

    for (unsigned i = 1; i < 4; i++) {
        vtl2_nvme_start(&n, v);
        g_assert_cmphex(vtl2_nvme_identify(&n, vtl2_alloc(v, 1)), ==, 0);
        vtl2_must(v, VTL2_TESTDEV_DO_TIMER, SCALE_MS, 0, 0);
        qtest_qmp_device_del(v->g->qts, "n0");
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_REMOVALS), ==, i);
        g_assert_cmpuint(memory_used(v), ==, 0);
        g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_CLAIM, 0, 0, 0, NULL));
        pcie_guest_step(v->g, NANOSECONDS_PER_SECOND);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_TIMEOUTS), ==, 0);
        qtest_qmp_device_add(v->g->qts, "nvme", "n0",
                             "{'bus': 'vtl2.0', 'drive': 'd0',"
                             " 'serial': 'again'}");
        vtl2_must(v, VTL2_TESTDEV_DO_CLAIM, 0, 0, 0);
    }
    stop(v);
}

/* A reset drains the disk, which lets the main loop run in the middle of it */
static void test_unplug_waits_for_a_reset(void)
{
    Vtl2Client *v = start(PARAVISOR
        "-blockdev driver=null-co,node-name=d0,size=1048576,read-zeroes=on,"
        "latency-ns=200000000 "
        "-device nvme,id=n0,bus=vtl2.0,addr=1,drive=d0,serial=vtl2-test "
        DRIVER);
    int64_t end = g_get_monotonic_time() + PCIE_GUEST_TIMEOUT_US;
    Vtl2Nvme n;

    vtl2_nvme_start(&n, v);
    vtl2_nvme_read(&n, vtl2_alloc(v, 4096));
    vtl2_must(v, VTL2_TESTDEV_DO_UNPLUG, 0, 0, 0);
    /* QEMU's nvme may leave no event: it forgets what a reset interrupts */
    while (!vtl2_count(v, VTL2_TESTDEV_REMOVALS)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        pcie_guest_step(v->g, 1);
    }
    g_assert_cmpuint(memory_used(v), ==, 0);
    g_assert_false(vtl2_do(v, VTL2_TESTDEV_DO_READ32, 0, NVME_VERSION, 0,
                           NULL));
    stop(v);
}

static void test_release_and_claim(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER);
    uint64_t starts;
    Vtl2Nvme n;

    for (unsigned i = 0; i < 3; i++) {
        pcie_guest_step(v->g, 1);
        starts = vtl2_count(v, VTL2_TESTDEV_STARTS);
        vtl2_nvme_start(&n, v);
        g_assert_cmphex(vtl2_nvme_identify(&n, vtl2_alloc(v, 1)), ==, 0);
        vtl2_must(v, VTL2_TESTDEV_DO_RELEASE, 0, 0, 0);
        vtl2_must(v, VTL2_TESTDEV_DO_CLAIM, 0, 0, 0);
        pcie_guest_step(v->g, 1);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_STARTS), ==, starts + 1);
    }
    vtl2_must(v, VTL2_TESTDEV_DO_RELEASE, 0, 0, 0);
    qtest_qmp_device_del(v->g->qts, "n0");
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_REMOVALS), ==, 0);
    stop(v);
}

/* A driver gets interrupts when the VM runs, unless it says otherwise */
static void check_stopped_vm(const char *args, bool while_stopped)
{
    Vtl2Client *v = start(args);

    vtl2_e1000e_start(v);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    qtest_qmp_assert_success(v->g->qts, "{ 'execute': 'stop' }");
    qtest_qmp_eventwait(v->g->qts, "STOP");
    vtl2_e1000e_raise(v);
    g_assert_cmpint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0)) > 0, ==,
                    while_stopped);
    qtest_qmp_assert_success(v->g->qts, "{ 'execute': 'cont' }");
    qtest_qmp_eventwait(v->g->qts, "RESUME");
    pcie_guest_step(v->g, 1);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0)), >, 0);
    stop(v);
}

static void test_stopped_vm_holds_interrupts(void)
{
    check_stopped_vm(PARAVISOR E1000E DRIVER, false);
    check_stopped_vm(PARAVISOR E1000E
                     "-device vtl2-testdev,function=n0,runs-when-stopped=on ",
                     true);
}

static void test_migrates(void)
{
    const char *args = PARAVISOR E1000E DRIVER;
    Vtl2Client *v = start(args);
    uint64_t a = vtl2_alloc(v, 5 * 4096);
    uint64_t b = vtl2_alloc(v, 4096);
    uint64_t starts, interrupts;

    pcie_guest_step(v->g, 1);
    starts = vtl2_count(v, VTL2_TESTDEV_STARTS);
    vtl2_must(v, VTL2_TESTDEV_DO_FREE, a, 0, 0);
    a = vtl2_alloc(v, 2 * 4096);
    vtl2_e1000e_start(v);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    vtl2_e1000e_raise(v);
    vtl2_must(v, VTL2_TESTDEV_DO_TIMER, SCALE_MS, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        vtl2_poke(v, a, 0x1234567800 + i);
        vtl2_poke(v, b + 4088, 0x8765432100 + i);
        pcie_guest_migrate(v->g, args);
        g_assert_cmphex(vtl2_peek(v, a), ==, 0x1234567800 + i);
        g_assert_cmphex(vtl2_peek(v, b + 4088), ==, 0x8765432100 + i);
        g_assert_cmpuint(memory_used(v), ==, 3 * 4096);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_STARTS), ==, starts);
        interrupts = vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0));
        vtl2_e1000e_raise(v);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0)), >,
                         interrupts);
    }
    /* a qtest's clock begins anew with each QEMU */
    pcie_guest_step(v->g, NANOSECONDS_PER_SECOND);
    g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_TIMEOUTS), ==, 1);
    vtl2_must(v, VTL2_TESTDEV_DO_FREE, a, 0, 0);
    vtl2_must(v, VTL2_TESTDEV_DO_FREE, b, 0, 0);
    g_assert_cmpuint(memory_used(v), ==, 0);
    stop(v);
}

/* Memory that a driver writes after all of it was sent once */
static void write_late(PcieGuest *g)
{
    Vtl2Client v = { .g = g };

    vtl2_poke(&v, VTL2_RAM_ADDR + 8, 2);
    vtl2_write(&v, 0, 0xc8, 0);
}

static void test_migrates_late_writes(void)
{
    const char *args = PARAVISOR E1000E
                       "-device vtl2-testdev,function=n0,runs-when-stopped=on ";
    Vtl2Client *v = start(args);

    g_assert_cmphex(vtl2_alloc(v, 4096), ==, VTL2_RAM_ADDR);
    vtl2_poke(v, VTL2_RAM_ADDR, 1);
    v->g->before_switchover = write_late;
    pcie_guest_migrate(v->g, args);
    g_assert_cmphex(vtl2_peek(v, VTL2_RAM_ADDR), ==, 1);
    g_assert_cmphex(vtl2_peek(v, VTL2_RAM_ADDR + 8), ==, 2);
    stop(v);
}

static void check_hmp(Vtl2Client *v, const char *command)
{
    g_autofree char *text = qtest_hmp(v->g->qts, "%s", command);

    g_assert_cmpstr(text, ==, "");
}

/* What came after the snapshot is undone: memory, and whose it is */
static void test_snapshot(void)
{
    g_autofree char *image = NULL;
    g_autofree char *args = NULL;
    int fd = g_file_open_tmp("vtl2-snapshot-XXXXXX", &image, NULL);
    uint64_t a, b, used, interrupts;
    Vtl2Client *v;

    close(fd);
    mkimg(image, "qcow2", 64);
    args = g_strdup_printf(PARAVISOR E1000E DRIVER
                           "-drive if=none,id=d0,format=qcow2,file=%s", image);
    v = start(args);
    a = vtl2_alloc(v, 3 * 4096);
    b = vtl2_alloc(v, 4096);
    vtl2_poke(v, a + 4096, 1);
    vtl2_poke(v, b, 2);
    used = memory_used(v);
    vtl2_e1000e_start(v);
    vtl2_must(v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    check_hmp(v, "savevm s0");
    for (unsigned i = 0; i < 3; i++) {
        vtl2_must(v, VTL2_TESTDEV_DO_FREE, a, 0, 0);
        vtl2_alloc(v, MiB);
        vtl2_poke(v, b, 4);
        if (i == 1) {
            pcie_guest_reset(v->g);
        } else if (i == 2) {
            vtl2_must(v, VTL2_TESTDEV_DO_RESET, 0, 0, 0);
        }
        check_hmp(v, "loadvm s0");
        g_assert_cmpuint(memory_used(v), ==, used);
        g_assert_cmphex(vtl2_peek(v, a + 4096), ==, 1);
        g_assert_cmphex(vtl2_peek(v, b), ==, 2);
        interrupts = vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0));
        vtl2_e1000e_raise(v);
        g_assert_cmpuint(vtl2_count(v, VTL2_TESTDEV_INTERRUPTS(0)), >,
                         interrupts);
    }
    stop(v);
    unlink(image);
}

/* --- the monitor --- */

static void test_query(void)
{
    Vtl2Client *v = start(PARAVISOR NVME DRIVER
                          "-device e1000e,bus=vtl2.0,id=n1,addr=3 ");
    QDict *info, *f;
    QList *list;
    char *text;

    vtl2_alloc(v, 4097);
    info = query(v);
    g_assert_cmpstr(qdict_get_str(info, "qom-path"), ==,
                    "/machine/peripheral/pv");
    g_assert_cmphex(qdict_get_int(info, "memory-base"), ==, VTL2_RAM_ADDR);
    g_assert_cmpuint(qdict_get_int(info, "memory-size"), ==, 2 * MiB);
    g_assert_cmpuint(qdict_get_int(info, "memory-used"), ==, 8192);
    list = qdict_get_qlist(info, "functions");
    g_assert_cmpuint(qlist_size(list), ==, 2);
    f = qobject_to(QDict, qlist_pop(list));
    g_assert_cmpstr(qdict_get_str(f, "qom-path"), ==, "/machine/peripheral/n0");
    g_assert_cmpstr(qdict_get_str(f, "address"), ==, "01.0");
    qobject_unref(f);
    f = qobject_to(QDict, qlist_pop(list));
    g_assert_cmpstr(qdict_get_str(f, "address"), ==, "03.0");
    g_assert_cmpstr(qdict_get_str(f, "driver"), ==, "none");
    g_assert_cmpstr(qdict_get_str(f, "state"), ==, "absent");
    qobject_unref(f);
    qobject_unref(info);
    text = qtest_hmp(v->g->qts, "info paravisor");
    g_assert_nonnull(strstr(text, "/machine/peripheral/pv: VTL2 memory 2 MiB"));
    g_assert_nonnull(strstr(text, "function 03.0: /machine/peripheral/n1"));
    g_free(text);
    stop(v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define PV_TEST(_name) \
    qtest_add_func("/paravisor/paravisor/" #_name, test_##_name)
    PV_TEST(function_is_set_up);
    PV_TEST(accesses_stay_in_the_bar);
    PV_TEST(dma_and_interrupts);
    PV_TEST(data_is_no_message);
    PV_TEST(memory_runs_out);
    PV_TEST(timer);
    PV_TEST(maps_guest_memory);
    PV_TEST(function_with_small_bars);
    PV_TEST(function_reset);
    PV_TEST(vm_reset);
    PV_TEST(unplug_and_replug);
    PV_TEST(unplug_waits_for_a_reset);
    PV_TEST(release_and_claim);
    PV_TEST(stopped_vm_holds_interrupts);
    PV_TEST(migrates);
    PV_TEST(migrates_late_writes);
    PV_TEST(snapshot);
    PV_TEST(query);
    return g_test_run();
}
