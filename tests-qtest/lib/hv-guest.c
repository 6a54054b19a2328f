/*
 * A Hyper-V guest in a qtest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hv-guest.h"

static QTestState *hv_guest_spawn(HvGuest *g, const char *incoming)
{
    return qtest_initf(
        "-machine q35,memory-backend=ram -m 128M -smp %u "
        "-object memory-backend-file,id=ram,size=128M,share=on,"
        "mem-path=/proc/self/fd/%d "
        "-nodefaults -cpu %s %s 2>>%s",
        HV_GUEST_VPS, g->ram.fd, g->args, incoming, g->log_path);
}

HvGuest *hv_guest_start_cpu(const char *cpu, const char *extra)
{
    HvGuest *g = g_new0(HvGuest, 1);

    g->log_path = guest_log_new();
    g->args = g_strdup_printf("%s -device %s %s", cpu, TYPE_HV_TESTDEV, extra);
    guest_ram_map(&g->ram, HV_GUEST_RAM_BYTES);
    g->heap_gpa = HV_GUEST_HEAP_GPA;
    g->qts = hv_guest_spawn(g, "");
    g->call_gpa = hv_guest_alloc(g, 2);
    return g;
}

HvGuest *hv_guest_start(const char *extra)
{
    return hv_guest_start_cpu(HV_GUEST_CPU, extra);
}

void hv_guest_stop(HvGuest *g)
{
    g_assert(qtest_probe_child(g->qts));
    qtest_quit(g->qts);
    guest_ram_unmap(&g->ram);
    guest_log_free(g->log_path);
    g_free(g->args);
    g_free(g);
}

void hv_guest_migrate(HvGuest *g)
{
    QTestState *from = g->qts;
    GuestRam old_ram = g->ram;
    char *incoming = guest_migrate_incoming();

    guest_ram_map(&g->ram, HV_GUEST_RAM_BYTES);
    g->qts = hv_guest_spawn(g, incoming);
    guest_migrate(from, g->qts, incoming, NULL, NULL);
    guest_ram_unmap(&old_ram);
}

void hv_guest_reset(HvGuest *g)
{
    qtest_system_reset(g->qts);
    memset(g->vp, 0, sizeof(g->vp));
}

uint64_t hv_guest_alloc(HvGuest *g, unsigned count)
{
    uint64_t gpa = g->heap_gpa;

    g->heap_gpa += (uint64_t)count * HV_PAGE_SIZE;
    g_assert_cmphex(g->heap_gpa, <=, HV_GUEST_RAM_BYTES);
    memset(g->ram.ptr + gpa, 0, (size_t)count * HV_PAGE_SIZE);
    return gpa;
}

void *hv_guest_ptr(HvGuest *g, uint64_t gpa)
{
    g_assert_cmphex(gpa, <, HV_GUEST_RAM_BYTES);
    return g->ram.ptr + gpa;
}

/* Execute @regs.command on @regs.vp */
static void hv_guest_execute(HvGuest *g, HvGuestRegs *regs)
{
    uint64_t *qword = (uint64_t *)regs;

    for (size_t i = 0; i < sizeof(*regs) / 8; i++) {
        qword[i] = cpu_to_le64(qword[i]);
    }
    qtest_memwrite(g->qts, HV_TESTDEV_GPA, regs, sizeof(*regs));
    qtest_memread(g->qts, HV_TESTDEV_GPA, regs, sizeof(*regs));
    for (size_t i = 0; i < sizeof(*regs) / 8; i++) {
        qword[i] = le64_to_cpu(qword[i]);
    }
}

/* True for no exception, false for #GP (13) */
static bool hv_guest_no_gp(const HvGuestRegs *regs)
{
    if (regs->command != HV_TESTDEV_OK) {
        g_assert_cmphex(regs->command, ==, 13);
    }
    return regs->command == HV_TESTDEV_OK;
}

bool hv_guest_wrmsr(HvGuest *g, unsigned vp, uint32_t msr, uint64_t val)
{
    HvGuestRegs regs = {
        .vp = vp, .rcx = msr, .rax = val, .command = HV_TESTDEV_DO_WRMSR,
    };

    hv_guest_execute(g, &regs);
    return hv_guest_no_gp(&regs);
}

bool hv_guest_rdmsr(HvGuest *g, unsigned vp, uint32_t msr, uint64_t *val)
{
    HvGuestRegs regs = {
        .vp = vp, .rcx = msr, .command = HV_TESTDEV_DO_RDMSR,
    };

    hv_guest_execute(g, &regs);
    *val = regs.rax;
    return hv_guest_no_gp(&regs);
}

uint64_t hv_guest_msr(HvGuest *g, unsigned vp, uint32_t msr)
{
    uint64_t val;

    g_assert(hv_guest_rdmsr(g, vp, msr, &val));
    return val;
}

/* Execute what cannot fail and give RAX */
static uint64_t hv_guest_do(HvGuest *g, HvGuestRegs *regs)
{
    hv_guest_execute(g, regs);
    g_assert_cmphex(regs->command, ==, HV_TESTDEV_OK);
    return regs->rax;
}

void hv_guest_cpuid(HvGuest *g, unsigned vp, uint32_t leaf, uint32_t out[4])
{
    HvGuestRegs regs = {
        .vp = vp, .rax = leaf, .command = HV_TESTDEV_DO_CPUID,
    };

    out[0] = hv_guest_do(g, &regs);
    out[1] = regs.rbx;
    out[2] = regs.rcx;
    out[3] = regs.rdx;
}

uint64_t hv_guest_hypercall_mode(HvGuest *g, unsigned vp, unsigned mode,
                                 unsigned cpl, uint64_t control, uint64_t rdx,
                                 uint64_t r8, uint64_t *rax)
{
    HvGuestRegs regs = {
        .vp = vp, .rcx = control, .rdx = rdx, .r8 = r8,
        .mode = mode, .cpl = cpl,
    };

    do {
        regs.command = HV_TESTDEV_DO_CALL;
        hv_guest_execute(g, &regs);
    } while (regs.command == HV_TESTDEV_AGAIN);
    *rax = regs.rax;
    return regs.command;
}

uint64_t hv_guest_hypercall(HvGuest *g, unsigned vp, uint64_t control,
                            uint64_t rdx, uint64_t r8)
{
    uint64_t rax;

    g_assert_cmphex(hv_guest_hypercall_mode(g, vp, HV_TESTDEV_MODE_LONG, 0,
                                            control, rdx, r8, &rax),
                    ==, HV_TESTDEV_OK);
    return rax;
}

HvStatus hv_guest_post(HvGuest *g, unsigned vp, uint32_t conn_id,
                       uint32_t type, const void *payload, uint32_t bytes)
{
    HvPostMessageWire *wire = hv_guest_ptr(g, g->call_gpa);

    memset(wire, 0, sizeof(*wire));
    wire->connection_id = cpu_to_le32(conn_id);
    wire->message_type = cpu_to_le32(type);
    wire->payload_bytes = cpu_to_le32(bytes);
    memcpy(wire->payload, payload, MIN(bytes, sizeof(wire->payload)));
    /* the message before the hypercall, which another thread may run */
    smp_wmb();
    return FIELD_EX64(hv_guest_hypercall(g, vp, HV_CALL_POST_MESSAGE,
                                         g->call_gpa, 0),
                      HV_CALL_RESULT, STATUS);
}

HvStatus hv_guest_signal(HvGuest *g, unsigned vp, uint32_t conn_id,
                         uint16_t flag)
{
    return FIELD_EX64(hv_guest_hypercall(
                          g, vp, HV_CALL_SIGNAL_EVENT | R_HV_CALL_FAST_MASK,
                          conn_id | ((uint64_t)flag << 32), 0),
                      HV_CALL_RESULT, STATUS);
}

int hv_guest_take_irq(HvGuest *g, unsigned vp)
{
    HvGuestRegs regs = { .vp = vp, .command = HV_TESTDEV_DO_TAKE_IRQ };

    return (int64_t)hv_guest_do(g, &regs);
}

bool hv_guest_eoi(HvGuest *g, unsigned vp)
{
    HvGuestRegs regs = { .vp = vp, .command = HV_TESTDEV_DO_EOI };

    return hv_guest_do(g, &regs);
}

unsigned hv_guest_drain_irqs(HvGuest *g, unsigned vp, uint8_t vector)
{
    unsigned count = 0;
    int taken;

    while ((taken = hv_guest_take_irq(g, vp)) != HV_GUEST_NO_VECTOR) {
        count += taken == vector;
        hv_guest_eoi(g, vp);
    }
    return count;
}

void hv_guest_enable_hypercalls(HvGuest *g)
{
    uint64_t page = hv_guest_alloc(g, 1);

    /* vendor 0x8100: Linux, version 6.12 */
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_GUEST_OS_ID, 0x8100060c00000000ull));
    g_assert(hv_guest_wrmsr(g, 0, HV_MSR_HYPERCALL, page | HV_MSR_PAGE_ENABLE));
}

void hv_guest_enable_synic(HvGuest *g, unsigned vp, unsigned sint)
{
    HvGuestVp *v = &g->vp[vp];

    if (!v->simp_gpa) {
        v->simp_gpa = hv_guest_alloc(g, 1);
        v->siefp_gpa = hv_guest_alloc(g, 1);
    }
    g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIMP,
                            v->simp_gpa | HV_MSR_PAGE_ENABLE));
    g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIEFP,
                            v->siefp_gpa | HV_MSR_PAGE_ENABLE));
    g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SINT0 + sint, HV_GUEST_VECTOR));
    g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SCONTROL, HV_MSR_SCONTROL_ENABLE));
}

void hv_guest_disable_synic(HvGuest *g, unsigned vp)
{
    HvGuestVp *v = &g->vp[vp];

    g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIMP, v->simp_gpa));
    g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SIEFP, v->siefp_gpa));
    g_assert(hv_guest_wrmsr(g, vp, HV_MSR_SCONTROL, 0));
    v->simp_gpa = 0;
    v->siefp_gpa = 0;
}

bool hv_guest_poll_message(HvGuest *g, unsigned vp, unsigned sint,
                           HvMessageWire *msg)
{
    uint64_t slot = g->vp[vp].simp_gpa + sint * HV_MSG_BYTES;
    uint8_t flags;

    g_assert_cmphex(g->vp[vp].simp_gpa, !=, 0);
    if (qtest_readl(g->qts, slot) == HV_MSG_TYPE_NONE) {
        return false;
    }
    qtest_memread(g->qts, slot, msg, sizeof(*msg));
    qtest_writel(g->qts, slot, HV_MSG_TYPE_NONE);
    /* the host may have asked for the EOM after the copy was made */
    flags = qtest_readb(g->qts, slot + offsetof(HvMessageWire, flags));
    if (flags & HV_MSG_FLAG_PENDING) {
        g_assert(hv_guest_wrmsr(g, vp, HV_MSR_EOM, 0));
    }
    return true;
}

bool hv_guest_wait_message(HvGuest *g, unsigned vp, unsigned sint,
                           HvMessageWire *msg, int64_t timeout_us)
{
    int64_t end = g_get_monotonic_time() + timeout_us;

    while (!hv_guest_poll_message(g, vp, sint, msg)) {
        if (g_get_monotonic_time() > end) {
            return false;
        }
    }
    return true;
}

uint64_t hv_guest_take_flags(HvGuest *g, unsigned vp, unsigned sint,
                             unsigned idx)
{
    HvGuestRegs regs = {
        .vp = vp,
        .rdx = g->vp[vp].siefp_gpa + sint * HV_EVENT_FLAG_BYTES + idx * 8,
        .command = HV_TESTDEV_DO_XCHG,
    };

    return hv_guest_do(g, &regs);
}

void hv_guest_step(HvGuest *g, int64_t ns)
{
    if (ns) {
        qtest_clock_step(g->qts, ns);
    } else {
        /* any command: the main loop runs before it reads the next one */
        qtest_readl(g->qts, HV_GUEST_HEAP_GPA);
    }
}

uint64_t hv_guest_rss_bytes(HvGuest *g)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/statm",
                                            (int)qtest_pid(g->qts));
    g_autofree char *text = NULL;
    uint64_t total, resident, shared;

    g_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpint(sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &total,
                           &resident, &shared), ==, 3);
    /* guest RAM is shared and does not count */
    return (resident - shared) * qemu_real_host_page_size();
}

void hv_guest_check_rss(HvGuest *g, uint64_t before_bytes, uint64_t limit_bytes)
{
#ifndef QEMU_SANITIZE_ADDRESS
    int64_t deadline_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

    /* old memory maps wait for an RCU grace period and for the BQL: give both */
    while (hv_guest_rss_bytes(g) >= before_bytes + limit_bytes &&
           g_get_monotonic_time() < deadline_us) {
        qtest_clock_step(g->qts, 1);
        g_usleep(10000);
    }
    g_assert_cmpuint(hv_guest_rss_bytes(g), <, before_bytes + limit_bytes);
#endif
}

uint64_t hv_guest_log_bytes(HvGuest *g)
{
    struct stat st;

    return stat(g->log_path, &st) == 0 ? st.st_size : 0;
}
