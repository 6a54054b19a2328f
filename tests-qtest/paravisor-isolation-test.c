/*
 * Paravisor: VTL0 does not reach what is VTL2's
 *
 * Memory, BARs and configuration space of VTL2 by any address, from a CPU of VTL0,
 * by DMA of a device of VTL0, in a dump, in what firmware is told.  Each look for
 * VTL2's data has its counterpart that finds VTL0's, so that it can fail.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "standard-headers/linux/qemu_fw_cfg.h"
#include "tests/qtest/libqos/fw_cfg.h"
#include "lib/mana-machine.h"
#include "lib/vtl2-client.h"

#define PARAVISOR       "-device paravisor,id=pv,memory=2M "
#define VTL2_NVME \
    "-blockdev driver=null-co,node-name=d0,size=1048576,read-zeroes=on " \
    "-device nvme,id=n0,bus=vtl2.0,addr=1,drive=d0,serial=vtl2-test "
#define VTL2_E1000E     "-device e1000e,id=n0,bus=vtl2.0,addr=1 "
#define DRIVER          "-device vtl2-testdev,function=n0 "
#define VTL0_NVME \
    "-blockdev driver=null-co,node-name=d1,size=1048576,read-zeroes=on " \
    "-device nvme,id=n1,bus=rp0,drive=d1,serial=vtl0-test "

#define NVME_ID         0x00101b36u
#define SECRET          0x76746c322d736563ull
#define PUBLIC          0x76746c302d707562ull
/* wide enough for any part of an address to have been lost */
#define SECRET_PAGES    16

static uint64_t fill_secret(Vtl2Client *v)
{
    uint64_t addr = vtl2_alloc(v, SECRET_PAGES * 4096);

    for (unsigned i = 0; i < SECRET_PAGES; i++) {
        vtl2_poke(v, addr + i * 4096, SECRET);
        vtl2_poke(v, addr + i * 4096 + 4088, SECRET);
    }
    return addr;
}

static void check_secret(Vtl2Client *v, uint64_t addr)
{
    for (unsigned i = 0; i < SECRET_PAGES; i++) {
        g_assert_cmphex(vtl2_peek(v, addr + i * 4096), ==, SECRET);
        g_assert_cmphex(vtl2_peek(v, addr + i * 4096 + 4088), ==, SECRET);
    }
}

static bool has_qword(const void *data, size_t bytes, uint64_t qword)
{
    uint64_t wire = cpu_to_le64(qword);

    return memmem(data, bytes, &wire, sizeof(wire));
}

static Vtl2Client start(const char *args)
{
    return (Vtl2Client) { .g = pcie_guest_start(args) };
}

/* --- addresses --- */

/* What the address becomes if upper bits get lost on the way */
static const unsigned widths[] = { 20, 32, 36, 39, 40, 46, 48, 52, 57, 64 };

static void test_memory_by_any_address(void)
{
    Vtl2Client v = start(PARAVISOR VTL2_NVME DRIVER);
    QTestState *qts = v.g->qts;
    uint64_t addr = fill_secret(&v);

    g_assert_cmphex(addr, ==, VTL2_RAM_ADDR);
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        for (unsigned page = 0; page < SECRET_PAGES; page++) {
            uint64_t at = addr + page * 4096;

            at &= MAKE_64BIT_MASK(0, widths[i]);
            g_assert_cmphex(qtest_readq(qts, at), !=, SECRET);
            g_assert_cmphex(qtest_readq(qts, at + 4088), !=, SECRET);
            if (at >= PCIE_GUEST_RAM_BYTES) {
                qtest_writeq(qts, at, PUBLIC);
                qtest_memset(qts, at + 8, 0x55, 4088);
            }
        }
    }
    check_secret(&v, addr);
    g_assert_false(has_qword(v.g->ram.ptr, PCIE_GUEST_RAM_BYTES, SECRET));
    pcie_guest_stop(v.g);
}

static void test_registers_by_any_address(void)
{
    static const uint64_t bases[] = {
        VTL2_MMIO64_ADDR + (1ull << 32) * 8, VTL2_MMIO32_ADDR + 0x400000 * 8,
        0x80000000 + 0x400000 * 8,
    };
    Vtl2Client v = start(PARAVISOR VTL2_NVME DRIVER);
    QTestState *qts = v.g->qts;
    uint32_t version = vtl2_read(&v, 0, 8);

    g_assert_cmphex(version, !=, 0);
    for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
            uint64_t at = bases[i] & MAKE_64BIT_MASK(0, widths[k]);

            g_assert_cmphex(qtest_readl(qts, at + 8), !=, version);
            if (at >= PCIE_GUEST_RAM_BYTES) {
                qtest_writel(qts, at + 0x24, 0x00070007);
                qtest_writel(qts, at + 0x14, 0x460000);
            }
        }
    }
    g_assert_cmphex(vtl2_read(&v, 0, 0x24), ==, 0);
    g_assert_cmphex(vtl2_read(&v, 0, 0x14), ==, 0);
    pcie_guest_stop(v.g);
}

/* Address spaces that have @name in them, as info mtree -f lists them */
static void check_views(const char *text, const char *name,
                        const char *const *allowed)
{
    g_auto(GStrv) views = g_strsplit(text, "FlatView #", 0);
    unsigned found = 0;

    for (char **view = views; *view; view++) {
        g_auto(GStrv) lines = g_strsplit(*view, "\n", 0);

        if (!strstr(*view, name)) {
            continue;
        }
        for (char **line = lines; *line; line++) {
            g_auto(GStrv) words = NULL;

            if (!g_str_has_prefix(*line, " AS \"")) {
                continue;
            }
            words = g_strsplit(*line, "\"", 3);
            g_assert_true(g_strv_contains(allowed, words[1]));
            found++;
        }
    }
    g_assert_cmpuint(found, >=, 2);
}

static void test_views_of_memory(void)
{
    static const char *const vtl2[] = { "vtl2", "nvme", NULL };
    Vtl2Client v = start(PARAVISOR VTL2_NVME DRIVER
                         "-device e1000e,bus=rp0 -device edu,bus=rp1 ");
    g_autofree QPCIDevice *dev = pcie_guest_device(v.g, 0);
    g_autofree char *text = NULL;

    qpci_device_enable(dev);
    text = qtest_hmp(v.g->qts, "info mtree -f");
    check_views(text, "vtl2.ram", vtl2);
    check_views(text, "i/o): nvme", vtl2);
    check_views(text, "vtl2-msi", vtl2);
    pcie_guest_stop(v.g);
}

static unsigned count_functions(PcieGuest *g, uint32_t id)
{
    unsigned found = 0;

    for (unsigned bdf = 0; bdf < 256 * 256; bdf += 8) {
        qtest_outl(g->qts, 0xcf8, 1u << 31 | bdf << 8);
        found += qtest_inl(g->qts, 0xcfc) == id;
    }
    return found;
}

static void test_configuration_space(void)
{
    Vtl2Client v = start(PARAVISOR VTL2_NVME DRIVER);
    Vtl2Client both = start(PARAVISOR VTL2_NVME DRIVER VTL0_NVME);

    g_assert_cmpuint(count_functions(v.g, NVME_ID), ==, 0);
    g_assert_cmpuint(count_functions(both.g, NVME_ID), ==, 1);
    pcie_guest_stop(v.g);
    pcie_guest_stop(both.g);
}

/* --- what firmware is told --- */

static GBytes *fw_file(PcieGuest *g, const char *name)
{
    QFWCFG *fw = pc_fw_cfg_init(g->qts);
    size_t room = 1 * MiB;
    uint8_t *data = g_malloc(room);
    size_t bytes = qfw_cfg_get_file(fw, name, data, room);

    g_assert_cmpuint(bytes, >, 0);
    g_assert_cmpuint(bytes, <=, room);
    pc_fw_cfg_uninit(fw);
    return g_bytes_new_take(data, bytes);
}

static void test_firmware_sees_no_paravisor(void)
{
    static const char *const files[] = {
        "etc/e820", "etc/acpi/tables", "etc/table-loader", "etc/acpi/rsdp",
    };
    static const uint16_t keys[] = { FW_CFG_RAM_SIZE, FW_CFG_NB_CPUS };
    PcieGuest *with = pcie_guest_start(PARAVISOR VTL2_E1000E DRIVER);
    PcieGuest *without = pcie_guest_start("");

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        g_autoptr(GBytes) a = fw_file(with, files[i]);
        g_autoptr(GBytes) b = fw_file(without, files[i]);

        g_assert_true(g_bytes_equal(a, b));
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        QFWCFG *a = pc_fw_cfg_init(with->qts);
        QFWCFG *b = pc_fw_cfg_init(without->qts);

        g_assert_cmphex(qfw_cfg_get_u64(a, keys[i]), ==,
                        qfw_cfg_get_u64(b, keys[i]));
        pc_fw_cfg_uninit(a);
        pc_fw_cfg_uninit(b);
    }
    pcie_guest_stop(with);
    pcie_guest_stop(without);
}

/* --- DMA of VTL0's devices --- */

/* The controller behind port 0, with a pair of I/O queues */
typedef struct Vtl0Nvme {
    PcieGuest *g;
    QPCIDevice *dev;
    QPCIBar bar;
    uint64_t sq[2];
    uint64_t cq[2];
    unsigned at[2];
} Vtl0Nvme;

typedef struct Vtl0Command {
    uint8_t opcode;
    uint64_t prp1;
    uint64_t prp2;
    uint32_t dw[3];             /* 10 to 12 */
} Vtl0Command;

#define QUEUE_ENTRIES   64
#define NVME_CREATE_SQ  0x01
#define NVME_CREATE_CQ  0x05
#define NVME_IDENTIFY   0x06
#define NVME_WRITE      0x01
#define NVME_READ       0x02
#define NVME_DATA_ERROR 0x004

/* Up to QUEUE_ENTRIES - 1 commands per queue; the status of this one */
static uint16_t vtl0_nvme_do(Vtl0Nvme *n, unsigned queue, Vtl0Command command)
{
    unsigned at = n->at[queue];
    uint8_t *sqe = pcie_guest_ptr(n->g, n->sq[queue] + at * 64);
    uint8_t *cqe = pcie_guest_ptr(n->g, n->cq[queue] + at * 16);
    int64_t end = g_get_monotonic_time() + PCIE_GUEST_TIMEOUT_US;

    memset(sqe, 0, 64);
    stl_le_p(sqe, command.opcode | at << 16);
    stl_le_p(sqe + 4, queue);                   /* namespace 1 */
    stq_le_p(sqe + 24, command.prp1);
    stq_le_p(sqe + 32, command.prp2);
    for (unsigned i = 0; i < ARRAY_SIZE(command.dw); i++) {
        stl_le_p(sqe + 40 + i * 4, command.dw[i]);
    }
    qpci_io_writel(n->dev, n->bar, 0x1000 + queue * 8, ++n->at[queue]);
    while (!(lduw_le_p(cqe + 14) & 1)) {
        pcie_guest_step(n->g, 1000);
        g_assert_cmpint(g_get_monotonic_time(), <, end);
    }
    return lduw_le_p(cqe + 14) >> 1 & 0x7ff;
}

static void vtl0_nvme_start(Vtl0Nvme *n, PcieGuest *g)
{
    *n = (Vtl0Nvme) { .g = g, .dev = pcie_guest_device(g, 0) };
    qpci_device_enable(n->dev);
    n->bar = qpci_iomap(n->dev, 0, NULL);
    for (unsigned i = 0; i < 2; i++) {
        n->sq[i] = pcie_guest_alloc(g, 1);
        n->cq[i] = pcie_guest_alloc(g, 1);
    }
    qpci_io_writel(n->dev, n->bar, 0x24,
                   (QUEUE_ENTRIES - 1) << 16 | (QUEUE_ENTRIES - 1));
    qpci_io_writeq(n->dev, n->bar, 0x28, n->sq[0]);
    qpci_io_writeq(n->dev, n->bar, 0x30, n->cq[0]);
    qpci_io_writel(n->dev, n->bar, 0x14, 0x460001);
    g_assert_cmphex(qpci_io_readl(n->dev, n->bar, 0x1c) & 1, ==, 1);
    g_assert_cmphex(vtl0_nvme_do(n, 0, (Vtl0Command) {
        NVME_CREATE_CQ, n->cq[1], 0, { (QUEUE_ENTRIES - 1) << 16 | 1, 1 } }),
        ==, 0);
    g_assert_cmphex(vtl0_nvme_do(n, 0, (Vtl0Command) {
        NVME_CREATE_SQ, n->sq[1], 0,
        { (QUEUE_ENTRIES - 1) << 16 | 1, 1 << 16 | 1 } }), ==, 0);
}

/* A controller of VTL0 with a disk in a file; VTL2 with its secret */
typedef struct NvmeScene {
    Vtl2Client v;
    Vtl0Nvme n;
    char *path;
    uint64_t secret;
    uint64_t buf;
} NvmeScene;

static void nvme_scene_open(NvmeScene *s, const char *vtl2)
{
    g_autofree char *args = NULL;
    int fd = g_file_open_tmp("vtl2-disk-XXXXXX", &s->path, NULL);

    g_assert_cmpint(ftruncate(fd, MiB), ==, 0);
    close(fd);
    args = g_strdup_printf(PARAVISOR "%s" DRIVER
                           "-blockdev driver=file,node-name=d1,filename=%s "
                           "-device nvme,id=n1,bus=rp0,drive=d1,serial=vtl0 ",
                           vtl2, s->path);
    s->v = start(args);
    s->secret = fill_secret(&s->v);
    s->buf = pcie_guest_alloc(s->v.g, 1);
    vtl0_nvme_start(&s->n, s->v.g);
}

static void nvme_scene_close(NvmeScene *s)
{
    g_free(s->n.dev);
    pcie_guest_stop(s->v.g);
    unlink(s->path);
    g_free(s->path);
}

static void test_nvme_writes_nothing_there(void)
{
    NvmeScene s;

    nvme_scene_open(&s, VTL2_E1000E);
    g_assert_cmphex(vtl0_nvme_do(&s.n, 0, (Vtl0Command) {
        NVME_IDENTIFY, s.buf, 0, { 1 } }), ==, 0);
    g_assert_cmphex(lduw_le_p(pcie_guest_ptr(s.v.g, s.buf)), ==, 0x1b36);
    /* with the address, or the part of it that is not guest memory */
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        uint64_t at = (s.secret + 4096) & MAKE_64BIT_MASK(0, widths[i]);

        if (at >= PCIE_GUEST_RAM_BYTES) {
            vtl0_nvme_do(&s.n, 0, (Vtl0Command) {
                NVME_IDENTIFY, at, 0, { 1 } });
            vtl0_nvme_do(&s.n, 1, (Vtl0Command) {
                NVME_READ, at, at + 4096, { 0, 0, 15 } });
        }
    }
    check_secret(&s.v, s.secret);
    nvme_scene_close(&s);
}

static void test_nvme_reads_nothing_there(void)
{
    g_autofree char *data = NULL;
    gsize bytes;
    NvmeScene s;

    nvme_scene_open(&s, VTL2_E1000E);
    stq_le_p(pcie_guest_ptr(s.v.g, s.buf), PUBLIC);
    g_assert_cmphex(vtl0_nvme_do(&s.n, 1, (Vtl0Command) {
        NVME_WRITE, s.buf, 0, { 0, 0, 7 } }), ==, 0);
    for (unsigned i = 0; i < SECRET_PAGES; i++) {
        vtl0_nvme_do(&s.n, 1, (Vtl0Command) {
            NVME_WRITE, s.secret + i * 4096, 0, { 8 + i * 8, 0, 7 } });
    }
    g_assert_true(g_file_get_contents(s.path, &data, &bytes, NULL));
    g_assert_true(has_qword(data, bytes, PUBLIC));
    g_assert_false(has_qword(data, bytes, SECRET));
    nvme_scene_close(&s);
}

/* BARs and interrupt messages of VTL2 are no targets of VTL0's DMA */
static void test_nvme_reaches_no_registers(void)
{
    uint64_t bar = VTL2_MMIO64_ADDR + (1ull << 32) * 8;
    uint64_t irq = VTL2_TESTDEV_INTERRUPTS(0);
    Vtl2Nvme own;
    NvmeScene s;

    nvme_scene_open(&s, VTL2_NVME);
    for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
        uint64_t at = bar & MAKE_64BIT_MASK(0, widths[i]);

        if (at >= PCIE_GUEST_RAM_BYTES) {
            vtl0_nvme_do(&s.n, 0, (Vtl0Command) {
                NVME_IDENTIFY, at, 0, { 1 } });
        }
    }
    g_assert_cmphex(vtl2_read(&s.v, 0, 0x14), ==, 0);
    g_assert_cmphex(vtl2_read(&s.v, 0, 0x24), ==, 0);

    /* the disk has zeroes: vector 0, as VTL2's own function would write it */
    vtl2_nvme_start(&own, &s.v);
    vtl2_must(&s.v, VTL2_TESTDEV_DO_ENABLE, 0, 1, 0);
    vtl0_nvme_do(&s.n, 1, (Vtl0Command) {
        NVME_READ, VTL2_MSI_ADDR + 8 * 4096, 0, { 0 } });
    pcie_guest_step(s.v.g, 1);
    g_assert_cmpuint(vtl2_count(&s.v, irq), ==, 0);
    g_assert_cmphex(vtl2_nvme_identify(&own, s.buf), ==, 0);
    pcie_guest_step(s.v.g, 1);
    g_assert_cmpuint(vtl2_count(&s.v, irq), >, 0);
    nvme_scene_close(&s);
}

/* The list itself lies there: that is an error */
static void test_nvme_page_list(void)
{
    uint64_t list;
    NvmeScene s;

    nvme_scene_open(&s, VTL2_E1000E);
    list = pcie_guest_alloc(s.v.g, 1);
    for (unsigned i = 0; i < 512; i++) {
        stq_le_p(pcie_guest_ptr(s.v.g, list + i * 8), s.buf);
        vtl2_poke(&s.v, s.secret + i * 8, s.buf);
    }
    g_assert_cmphex(vtl0_nvme_do(&s.n, 1, (Vtl0Command) {
        NVME_READ, s.buf, list, { 0, 0, 31 } }), ==, 0);
    g_assert_cmphex(vtl0_nvme_do(&s.n, 1, (Vtl0Command) {
        NVME_READ, s.buf, s.secret, { 0, 0, 31 } }), ==, NVME_DATA_ERROR);
    nvme_scene_close(&s);
}

static void test_mana_dma(void)
{
    static uint8_t frame[NET_MAX_BYTES], got[NET_MAX_BYTES];
    static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };
    ManaMachine m;
    ManaPort p;
    Vtl2Client v;
    GdmaSgeWire sge;
    uint32_t oob[6] = { 0 };
    GdmaWqe wqe = { .oob = oob, .oob_bytes = 8, .sges = &sge, .sge_count = 1 };
    uint64_t addr;
    NetFlow flow;
    GdmaCqeWire cqe;
    ManaTxCqeWire completion;

    mana_machine_drive(&m, 1, " " PARAVISOR VTL2_E1000E DRIVER);
    v = (Vtl2Client) { .g = m.g };
    addr = fill_secret(&v);
    p = mana_port_up(m.d, 0, 1, 1514);
    sge = (GdmaSgeWire) { .mem_key = m.d->mkey, .bytes = 4096 };

    /* sent from there: an error, and nothing on the wire */
    oob[0] = p.txq->cq->id << 8;
    for (unsigned i = 0; i < SECRET_PAGES; i++) {
        sge.address = addr + i * 4096;
        gdma_wq_put(&p.txq->wq, &wqe);
        gdma_wq_ring(&p.txq->wq);
        g_assert_true(gdma_cq_wait(p.txq->cq, &cqe, PCIE_GUEST_TIMEOUT_US));
        memcpy(&completion, cqe.data, sizeof(completion));
        g_assert_cmpint(FIELD_EX32(le32_to_cpu(completion.header), MANA_CQE,
                                   TYPE), ==, MANA_CQE_TX_GDMA_ERROR);
    }
    g_assert_false(net_wire_wait(&m.wire[0], got, GDMA_CLIENT_QUIET_US));

    /* received to there: VTL2's memory is as it was */
    for (unsigned i = 0; i < SECRET_PAGES; i++) {
        mana_rxq_post(p.rxq, addr + i * 4096, 1514);
    }
    gdma_wq_ring(&p.rxq->wq);
    flow = net_flow(false, NET_RAW, p.vp->mac, peer_mac);
    for (unsigned i = 0; i < 200; i++) {
        net_build_raw(frame, &flow, 600, i);
        net_wire_send(&m.wire[0], frame, 600);
        pcie_guest_step(m.g, SCALE_MS);
    }
    check_secret(&v, addr);
    mana_port_forget(&p);
    m.d->ignores_strays = true;
    gdma_stop(m.d);
    m.d = NULL;
    mana_machine_stop(&m);
}

/* --- the host's looks at the guest --- */

static char *save_command(const char *name, uint64_t addr)
{
    return g_strdup_printf("{ 'execute': '%s', 'arguments': {"
                           " 'val': %" PRIu64 ", 'size': %u,"
                           " 'filename': %%s } }", name, addr,
                           SECRET_PAGES * 4096);
}

/* What a QMP command that writes a file has written; NULL if it refuses */
static char *saved_by(PcieGuest *g, gsize *bytes, const char *command,
                      const char *prefix)
{
    g_autofree char *path = NULL;
    g_autofree char *name = NULL;
    char *data = NULL;
    QDict *rsp;
    int fd = g_file_open_tmp("vtl2-saved-XXXXXX", &path, NULL);

    close(fd);
    name = g_strdup_printf("%s%s", prefix, path);
    rsp = qtest_qmp(g->qts, command, name);
    if (!qdict_haskey(rsp, "error")) {
        g_assert_true(g_file_get_contents(path, &data, bytes, NULL));
    }
    qobject_unref(rsp);
    unlink(path);
    return data;
}

static void test_dump(void)
{
    static const char *const commands[] = {
        "{ 'execute': 'dump-guest-memory',"
        "  'arguments': { 'paging': false, 'protocol': %s } }",
        "{ 'execute': 'dump-guest-memory',"
        "  'arguments': { 'paging': true, 'protocol': %s } }",
    };
    Vtl2Client v = start(PARAVISOR VTL2_NVME DRIVER);
    uint64_t gpa = pcie_guest_alloc(v.g, 1);

    stq_le_p(pcie_guest_ptr(v.g, gpa), PUBLIC);
    fill_secret(&v);
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        gsize bytes;
        g_autofree char *data = saved_by(v.g, &bytes, commands[i], "file:");

        g_assert_true(data && has_qword(data, bytes, PUBLIC));
        g_assert_false(has_qword(data, bytes, SECRET));
    }
    pcie_guest_stop(v.g);
}

/* By physical and by virtual address: without paging, they are the same */
static void test_saved_memory(void)
{
    static const char *const names[] = { "pmemsave", "memsave" };
    Vtl2Client v = start(PARAVISOR VTL2_NVME DRIVER);
    uint64_t gpa = pcie_guest_alloc(v.g, 1);
    uint64_t addr = fill_secret(&v);
    g_autofree char *text = NULL;

    stq_le_p(pcie_guest_ptr(v.g, gpa), PUBLIC);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        for (size_t k = 0; k < ARRAY_SIZE(widths); k++) {
            uint64_t at = addr & MAKE_64BIT_MASK(0, widths[k]);
            g_autofree char *here = save_command(names[i], gpa);
            g_autofree char *there = save_command(names[i], at);
            g_autofree char *found = NULL;
            g_autofree char *none = NULL;
            gsize bytes;

            found = saved_by(v.g, &bytes, here, "");
            g_assert_true(found && has_qword(found, bytes, PUBLIC));
            none = saved_by(v.g, &bytes, there, "");
            g_assert_false(none && has_qword(none, bytes, SECRET));
        }
    }
    text = qtest_hmp(v.g->qts, "xp /2gx 0x%" PRIx64, addr);
    g_assert_nonnull(strstr(text, "Cannot access memory"));
    g_free(text);
    text = qtest_hmp(v.g->qts, "gpa2hva 0x%" PRIx64, addr);
    g_assert_nonnull(strstr(text, "No memory is mapped"));
    pcie_guest_stop(v.g);
}

/* --- options --- */

static void check_error(const char *args, const char *error)
{
    g_autofree char *line = g_strdup_printf(
        "%s -display none -machine q35,accel=qtest -nodefaults %s",
        getenv("QTEST_QEMU_BINARY"), args);
    g_autofree char *text = NULL;
    int status;

    g_assert_true(g_spawn_command_line_sync(line, NULL, &text, &status, NULL));
    g_assert_cmpint(WEXITSTATUS(status), ==, 1);
    g_test_message("%s: %s", args, text);
    g_assert_nonnull(strstr(text, error));
}

static void test_options(void)
{
    static const char *const sizes[] = {
        "0", "4096", "1048575", "1048577", "4097M", "18446744073709551615",
    };

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        g_autofree char *args = g_strdup_printf("-device paravisor,memory=%s",
                                                sizes[i]);

        check_error(args, "'memory' must be from 1 MiB to 4 GiB");
    }
    check_error("-device paravisor,memory=x", "'memory' expects size");
    check_error("-device paravisor -device paravisor",
                "a VM can have only one paravisor");
    check_error("-device paravisor -device pcie-root-port,bus=vtl2.0",
                "no room for PCI bridges");
    check_error("-device edu,bus=vtl2.0", "Bus 'vtl2.0' not found");
    check_error("-device paravisor -device edu,id=e "
                "-device vtl2-testdev,function=e",
                "'e' is not on the paravisor's bus vtl2.0");
    check_error("-device paravisor -device edu,id=e,bus=vtl2.0 "
                "-device vtl2-testdev,function=e "
                "-device vtl2-testdev,function=e,address=0xfeda0000",
                "'e' has a driver in the paravisor already");
}

/* A device that names no bus is the board's */
static void test_default_bus_is_the_boards(void)
{
    PcieGuest *g = pcie_guest_start(PARAVISOR
                                    "-device edu,id=e0 -device edu,id=e1 ");

    g_assert_cmpuint(count_functions(g, 0x11e81234), ==, 2);
    pcie_guest_stop(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ISOLATION_TEST(_name) \
    qtest_add_func("/paravisor/paravisor-isolation/" #_name, test_##_name)
    ISOLATION_TEST(memory_by_any_address);
    ISOLATION_TEST(registers_by_any_address);
    ISOLATION_TEST(views_of_memory);
    ISOLATION_TEST(configuration_space);
    ISOLATION_TEST(firmware_sees_no_paravisor);
    ISOLATION_TEST(nvme_writes_nothing_there);
    ISOLATION_TEST(nvme_reads_nothing_there);
    ISOLATION_TEST(nvme_reaches_no_registers);
    ISOLATION_TEST(nvme_page_list);
    ISOLATION_TEST(mana_dma);
    ISOLATION_TEST(dump);
    ISOLATION_TEST(saved_memory);
    ISOLATION_TEST(options);
    ISOLATION_TEST(default_bus_is_the_boards);
    return g_test_run();
}
