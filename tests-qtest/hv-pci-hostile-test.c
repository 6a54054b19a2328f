/*
 * hv-pci against a guest that lies: messages, windows, BARs, interrupts, DMA
 *
 * After each story: QEMU runs, the log is short, the function on the other bus
 * answers and interrupts, and the abused bus can be brought up anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "lib/vpci-functions.h"

#define FUZZ_SEED           0x76706369
#define FUZZ_US             (2 * G_USEC_PER_SEC)
#define LOG_LIMIT_BYTES     (16 * KiB)
#define RSS_LIMIT_BYTES     (128 * MiB)
#define BYSTANDER_VECTOR    0x52

typedef struct Victim {
    Machine m;
    Vpci *v;                    /* is abused */
    Vpci *bystander;
    uint64_t bar;               /* of the bystander's edu */
    VpciMsi msi;
    uint64_t rss_bytes;
} Victim;

static void start(Victim *s, const char *functions)
{
    g_autofree char *args = g_strdup_printf(
        "%s -device hv-pci,id=vp1 -device edu,bus=vp1.0,addr=0 ", functions);

    machine_start(&s->m, args);
    s->v = vpci_client_start(s->m.c, 0, VPCI_VERSION_1_4);
    s->bystander = vpci_client_start(s->m.c, 1, VPCI_VERSION_1_4);
    s->bar = edu_start(s->bystander, 0);
    g_assert_cmphex(vpci_client_create(s->bystander, 0, BYSTANDER_VECTOR, 1, 2,
                                       &s->msi), ==, 0);
    edu_set_msi(s->bystander, 0, &s->msi);
    s->rss_bytes = hv_guest_rss_bytes(s->m.g);
}

static void drain_irqs(Victim *s)
{
    for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
        hv_guest_drain_irqs(s->m.g, vp, 0);
    }
}

static void check_bystander(Victim *s)
{
    drain_irqs(s);
    g_assert_cmphex(qtest_readl(s->m.g->qts, s->bar), ==, EDU_ID);
    edu_raise(s->bystander, s->bar);
    vpci_client_expect_irq(s->bystander, 2, BYSTANDER_VECTOR);
}

/* Take whatever came from the abused channel, and do not look at it */
static void discard(Victim *s)
{
    VmbusPacket pkt;

    for (int i = 0; i < 3; i++) {
        hv_guest_step(s->m.g, 0);
        while (vmbus_channel_poll(s->v->ch, &pkt)) {
            continue;
        }
    }
}

/* Close the abused channel and bring the bus up */
static void restart_victim(Victim *s)
{
    vpci_client_close(s->v);
    s->v = vpci_client_start(s->m.c, 0, VPCI_VERSION_1_4);
    g_assert_cmpuint(s->v->function_count, >, 0);
}

static void stop(Victim *s)
{
    check_bystander(s);
    restart_victim(s);
    g_assert_cmpuint(hv_guest_log_bytes(s->m.g), <, LOG_LIMIT_BYTES);
    hv_guest_check_rss(s->m.g, s->rss_bytes, RSS_LIMIT_BYTES);
    vpci_client_stop(s->v);
    vpci_client_stop(s->bystander);
    machine_stop(&s->m);
}

/* --- messages --- */

/* Every type and length in every state: each is answered, once */
static void test_messages_of_every_length(void)
{
    Victim s;

    start(&s, EDU);
    for (unsigned state = 0; state < 3; state++) {
        for (uint32_t type = 0; type <= 0x20; type++) {
            vpci_client_close(s.v);
            s.v = vpci_client_open(s.m.c, 0);
            if (state >= 1) {
                vpci_client_word(s.v, VPCI_QUERY_VERSION, VPCI_VERSION_1_4);
                s.v->version = VPCI_VERSION_1_4;
            }
            if (state >= 2) {
                vpci_client_d0_entry(s.v, VPCI_CLIENT_WINDOW_GPA);
            }
            for (uint32_t bytes = 0; bytes <= 160; bytes += 4) {
                uint8_t msg[160] = { 0 };

                if (bytes == 4 && VPCI_BUS_RELATIONS + type ==
                    VPCI_QUERY_VERSION) {
                    continue;       /* of version 0 */
                }
                stl_le_p(msg, VPCI_BUS_RELATIONS + type);
                vpci_client_call(s.v, msg, bytes, NULL, 0);
            }
        }
    }
    stop(&s);
}

static void test_packets_of_other_types(void)
{
    uint8_t msg[64] = { 0 };
    Victim s;

    start(&s, EDU);
    stl_le_p(msg, VPCI_QUERY_REQUIREMENTS);
    for (uint16_t type = 0; type <= 16; type++) {
        if (type != HVBUS_PKT_INBAND) {
            vmbus_channel_send(s.v->ch, type, 0, 7, msg, 16, msg, sizeof(msg));
        }
    }
    discard(&s);
    stop(&s);
}

static void test_random_messages(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    Victim s;

    start(&s, EDU "-device nvme,bus=vp0.0,addr=1,serial=x ");
    while (g_get_monotonic_time() < end) {
        for (unsigned i = 0; i < 100; i++) {
            uint8_t msg[160];
            uint32_t bytes = g_rand_int_range(rand, 0, sizeof(msg));

            for (uint32_t j = 0; j < bytes; j++) {
                msg[j] = g_rand_boolean(rand) ? 0 : g_rand_int(rand);
            }
            if (bytes >= 8) {
                stl_le_p(msg, VPCI_BUS_RELATIONS +
                              g_rand_int_range(rand, 0, 0x1e));
                stl_le_p(msg + 4, g_rand_int_range(rand, 0, 3));
            }
            vmbus_channel_push(s.v->ch, HVBUS_PKT_INBAND, g_rand_int(rand) & 1,
                               i, NULL, 0, msg, bytes);
        }
        vmbus_channel_signal(s.v->ch);
        discard(&s);
    }
    stop(&s);
}

static void test_storms_of_entry_and_exit(void)
{
    Victim s;

    start(&s, EDU);
    vpci_client_word(s.v, VPCI_D0_EXIT, 0);
    for (unsigned i = 0; i < 300; i++) {
        /* over RAM, the APIC, the other bus's BAR and window, itself, nothing */
        static const uint64_t gpas[] = {
            0, 0x100000, 0xfee00000, 0xa2000000, 0xa0010000, 0xa0000000,
            0xaffff000, 0xb0000000, HV_GUEST_HEAP_GPA, ~0ull, 0x1000000000,
            HV_TESTDEV_GPA, 0x900000000, 1ull << 63,
        };

        vpci_client_d0_entry(s.v, gpas[i % ARRAY_SIZE(gpas)]);
        vpci_client_d0_entry(s.v, gpas[i % 7]);
        vpci_client_word(s.v, VPCI_D0_EXIT, 0);
    }
    stop(&s);
}

static void test_interrupts_run_out(void)
{
    unsigned created = 0;
    VpciMsi msi;
    Victim s;

    start(&s, EDU);
    while (vpci_client_create(s.v, 0, 0x40, 32, 0, &msi) == 0) {
        g_assert_cmpuint(created++, <, 1000);
    }
    g_assert_cmpuint(created, >, 8);
    /* the other bus has its own */
    g_assert_cmphex(vpci_client_create(s.bystander, 0, 0x40, 32, 0, &msi), ==,
                    0);
    stop(&s);
}

static void test_open_and_close_storm(void)
{
    Victim s;

    start(&s, EDU "-device nvme,bus=vp0.0,addr=1,serial=x ");
    for (unsigned i = 0; i < 100; i++) {
        uint32_t msg[2] = { cpu_to_le32(VPCI_QUERY_BUS_RELATIONS), 0 };

        vpci_client_close(s.v);
        s.v = vpci_client_open(s.m.c, 0);
        s.v->version = VPCI_VERSION_1_1 + i % 4;
        vpci_client_word(s.v, VPCI_QUERY_VERSION, s.v->version);
        for (unsigned j = 0; j < i % 8; j++) {
            vpci_client_send(s.v, msg, sizeof(msg));
        }
        if (i % 2) {
            vpci_client_d0_entry(s.v, VPCI_CLIENT_WINDOW_GPA);
        }
    }
    stop(&s);
}

/* Ejections that nobody asked for, twice, for absent functions, too late */
static void test_ejections_out_of_place(void)
{
    Victim s;

    start(&s, EDU "-device edu,id=e1,bus=vp0.0,addr=1 ");
    for (uint32_t slot = 0; slot < 0x120; slot++) {
        vpci_client_ejected(s.v, slot, 0);
        vpci_client_pump(s.v);
    }
    g_assert_cmphex(vpci_client_word(s.v, VPCI_QUERY_REQUIREMENTS, 1), ==, 0);
    for (unsigned i = 0; i < 20; i++) {
        qtest_qmp_device_del_send(s.m.g->qts, "e1");
        vpci_client_expect_eject(s.v, 1);
        vpci_client_ejected(s.v, 0, 0);
        vpci_client_ejected(s.v, 1, 0);
        vpci_client_ejected(s.v, 1, 0);
        vpci_client_ejected(s.v, 1, 1);
        qtest_qmp_eventwait(s.m.g->qts, "DEVICE_DELETED");
        qtest_qmp_device_add(s.m.g->qts, "edu", "e1",
                             "{'bus': 'vp0.0', 'addr': '1'}");
    }
    vpci_client_pump(s.v);
    stop(&s);
}

/* --- memory --- */

static void test_window_accesses_of_every_kind(void)
{
    Victim s;
    uint64_t gpa = VPCI_CLIENT_WINDOW_GPA;

    start(&s, EDU "-device nvme,bus=vp0.0,addr=1,serial=x ");
    for (uint32_t slot = 0; slot < 3; slot++) {
        qtest_writel(s.m.g->qts, gpa, slot);
        for (uint32_t off = 0xff8; off < 0x2008; off++) {
            qtest_readb(s.m.g->qts, gpa + off);
            qtest_readw(s.m.g->qts, gpa + off);
            qtest_readl(s.m.g->qts, gpa + off);
            qtest_readq(s.m.g->qts, gpa + off);
        }
    }
    for (uint32_t off = 1; off < 16; off++) {
        qtest_writeb(s.m.g->qts, gpa + off, 0xff);
        qtest_writeq(s.m.g->qts, gpa + off, ~0ull);
    }
    qtest_writel(s.m.g->qts, gpa, ~0u);
    g_assert_cmphex(qtest_readl(s.m.g->qts, gpa + 0x1000), ==, ~0u);
    qtest_writel(s.m.g->qts, gpa + 0x1000, 0);
    stop(&s);
}

static void test_random_config_writes(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    Victim s;

    start(&s, EDU "-device nvme,bus=vp0.0,addr=1,serial=x "
                  "-device e1000e,bus=vp0.0,addr=2 ");
    while (g_get_monotonic_time() < end) {
        for (unsigned i = 0; i < 50; i++) {
            uint32_t slot = g_rand_int_range(rand, 0, 4);
            uint32_t off = g_rand_int_range(rand, 0, 0x400);
            unsigned size = 1 << g_rand_int_range(rand, 0, 3);

            vpci_client_cfg_write(s.v, slot, off & -size, size,
                                  g_rand_int(rand));
        }
        drain_irqs(&s);
    }
    stop(&s);
}

/* BARs over the window, over the other bus, over each other, over RAM */
static void test_bars_on_top_of_things(void)
{
    Victim s;
    uint64_t gpas[] = {
        VPCI_CLIENT_WINDOW_GPA & ~0xfffffull, 0, 0x1000000, 0xfee00000,
        0xfec00000, 0xa0000000, 0xfff00000, 0x80000000,
    };

    start(&s, EDU "-device edu,bus=vp0.0,addr=1 ");
    for (size_t i = 0; i < ARRAY_SIZE(gpas); i++) {
        for (uint32_t slot = 0; slot < 2; slot++) {
            vpci_client_cfg_write(s.v, slot, PCI_COMMAND, 2,
                                  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
            vpci_client_cfg_write(s.v, slot, PCI_BASE_ADDRESS_0, 4, gpas[i]);
            /* the window stays in reach, so all can be undone */
            g_assert_cmphex(vpci_client_cfg_read(s.v, slot, PCI_VENDOR_ID, 4),
                            ==, 0x11e81234);
        }
    }
    stop(&s);
}

/* A function that writes to itself, its bus's window, the APICs, nowhere */
static void test_dma_to_forbidden_places(void)
{
    static const uint64_t dst[] = {
        VPCI_CLIENT_WINDOW_GPA, VPCI_CLIENT_WINDOW_GPA + 0x1004, 0xfee00000,
        0xfee01000, 0xfee00ffc, 0xfeeffffc, 0xa1000000, 0xa1000060,
        0xfec00000, 0xc0000000, 0xfffffffc,
    };
    Victim s;
    uint64_t bar, gpa;

    start(&s, "-device edu,id=e0,bus=vp0.0,addr=0,dma_mask=0xffffffff ");
    bar = edu_start(s.v, 0);
    gpa = hv_guest_alloc(s.m.g, 1);
    for (unsigned i = 0; i < HV_PAGE_SIZE / 4; i++) {
        ((uint32_t *)hv_guest_ptr(s.m.g, gpa))[i] = cpu_to_le32(0x4000);
    }
    for (size_t i = 0; i < ARRAY_SIZE(dst); i++) {
        for (unsigned back = 0; back < 2; back++) {
            /* RAM to its buffer, then the buffer to the place */
            qtest_writeq(s.m.g->qts, bar + 0x80, back ? 0x40000 : gpa);
            qtest_writeq(s.m.g->qts, bar + 0x88, back ? dst[i] : 0x40000);
            qtest_writeq(s.m.g->qts, bar + 0x90, back ? 64 : HV_PAGE_SIZE);
            qtest_writeq(s.m.g->qts, bar + 0x98, back ? 3 : 1);
            hv_guest_step(s.m.g, 200 * 1000 * 1000);
        }
        vpci_client_expect_no_irq(s.v);
    }
    stop(&s);
}

/* --- the hypercall --- */

static void test_random_retargets(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    VpciMsi msi;
    Victim s;

    start(&s, EDU);
    vpci_client_create(s.v, 0, VECTOR, 1, 0, &msi);
    while (g_get_monotonic_time() < end) {
        HvGuest *g = s.m.g;
        uint8_t *in = hv_guest_ptr(g, g->call_gpa);
        uint64_t control = HV_CALL_RETARGET_INTERRUPT;

        for (unsigned i = 0; i < 640; i++) {
            in[i] = g_rand_boolean(rand) ? 0 : g_rand_int(rand);
        }
        stq_le_p(in, HV_PARTITION_ID_SELF);
        stq_le_p(in + 8, s.v->device_id);
        stl_le_p(in + 16, 1);
        stl_le_p(in + 24, msi.address);
        stl_le_p(in + 28, msi.data + g_rand_int_range(rand, -1, 2));
        stl_le_p(in + 44, g_rand_int_range(rand, 0, 8));
        if (g_rand_boolean(rand)) {
            stl_le_p(in + 40, g_rand_int_range(rand, 0, 300));
            stq_le_p(in + 48, g_rand_int_range(rand, 0, 3));
        }
        control = FIELD_DP64(control, HV_CALL, VAR_QWORDS,
                             g_rand_int_range(rand, 0, 70));
        hv_guest_hypercall(g, 0, control,
                           g->call_gpa + (g_rand_int(rand) % 64 ? 0 : 4040),
                           0);
    }
    stop(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/hv-pci-hostile/" #_name, test_##_name)
    HOSTILE_TEST(messages_of_every_length);
    HOSTILE_TEST(packets_of_other_types);
    HOSTILE_TEST(random_messages);
    HOSTILE_TEST(storms_of_entry_and_exit);
    HOSTILE_TEST(interrupts_run_out);
    HOSTILE_TEST(open_and_close_storm);
    HOSTILE_TEST(ejections_out_of_place);
    HOSTILE_TEST(window_accesses_of_every_kind);
    HOSTILE_TEST(random_config_writes);
    HOSTILE_TEST(bars_on_top_of_things);
    HOSTILE_TEST(dma_to_forbidden_places);
    HOSTILE_TEST(random_retargets);
    return g_test_run();
}
