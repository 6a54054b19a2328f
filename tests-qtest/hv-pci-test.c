/*
 * hv-pci: PCI functions behind VMBus, as a guest's vPCI driver sees them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "lib/vpci-functions.h"

/* --- protocol --- */

static void test_speaks_each_version(void)
{
    Machine m;

    machine_start(&m, EDU);
    for (uint32_t v = VPCI_VERSION_1_1; v <= VPCI_VERSION_1_4; v++) {
        Vpci *p = vpci_client_start(m.c, 0, v);

        g_assert_cmpuint(p->function_count, ==, 1);
        edu_start(p, 0);
        vpci_client_stop(p);
    }
    machine_stop(&m);
}

static void test_refuses_unknown_versions(void)
{
    static const uint32_t versions[] = { 0, 0x10000, 0x10005, 0x20001, ~0u };
    Machine m;
    Vpci *v;

    machine_start(&m, EDU);
    v = vpci_client_open(m.c, 0);
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        g_assert_cmphex(vpci_client_word(v, VPCI_QUERY_VERSION, versions[i]),
                        ==, VPCI_STATUS_REVISION_MISMATCH);
    }
    vpci_client_bring_up(v, 0, VPCI_VERSION_1_2);
    bus_stop(&m, v);
}

static void test_describes_functions(void)
{
    Machine m;
    Vpci *v;

    machine_start(&m, "-device edu,bus=vp0.0,addr=0 "
                      "-device edu,bus=vp0.0,addr=3.0,multifunction=on "
                      "-device edu,bus=vp0.0,addr=3.1 "
                      "-device hv-pci,id=vp1,serial=77,numa-node=1 "
                      "-device nvme,bus=vp1.0,serial=x ");
    v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
    g_assert_cmpuint(v->function_count, ==, 3);
    g_assert_cmphex(v->functions[0].base.vendor_id, ==, 0x1234);
    g_assert_cmphex(v->functions[0].base.device_id, ==, 0x11e8);
    g_assert_cmphex(v->functions[0].base.revision, ==, 0x10);
    g_assert_cmphex(v->functions[0].base.subclass, ==, 0xff);
    g_assert_cmphex(v->functions[0].base.base_class, ==, 0);
    g_assert_cmphex(v->functions[0].base.subsystem, ==, 0x11001af4);
    g_assert_cmphex(v->functions[0].base.slot, ==, 0);
    g_assert_cmphex(v->functions[0].base.serial, ==, BUS_SERIAL);
    g_assert_cmphex(v->functions[0].flags, ==, 0);
    g_assert_cmphex(v->functions[1].base.slot, ==, 3);
    g_assert_cmphex(v->functions[2].base.slot, ==, 3 | 1 << 5);
    g_assert_cmphex(v->functions[2].base.serial, ==, BUS_SERIAL + 0x19);
    for (unsigned i = 0; i < 3; i++) {
        edu_start(v, v->functions[i].base.slot);
    }
    vpci_client_stop(v);

    v = vpci_client_start(m.c, 1, VPCI_VERSION_1_4);
    g_assert_cmpuint(v->function_count, ==, 1);
    g_assert_cmphex(v->functions[0].base.base_class, ==, 1);
    g_assert_cmphex(v->functions[0].base.subclass, ==, 8);
    g_assert_cmphex(v->functions[0].base.prog_if, ==, 2);
    g_assert_cmpuint(v->functions[0].base.serial, ==, 77);
    g_assert_cmphex(v->functions[0].flags, ==, VPCI_FUNCTION2_NUMA);
    g_assert_cmpuint(v->functions[0].numa_node, ==, 1);
    bus_stop(&m, v);
}

static void test_replies_wait_for_room(void)
{
    VpciHeaderWire msg = { cpu_to_le32(VPCI_QUERY_REQUIREMENTS), 0 };
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    uint64_t sent = 0x1000, seen = 0x1000;
    VmbusPacket pkt;

    /* more answers than the ring holds, none of them taken */
    while (sent < 0x1000 + 2000) {
        if (!vmbus_channel_push(v->ch, HVBUS_PKT_INBAND,
                                HVBUS_PKT_FLAG_COMPLETION, sent, NULL, 0, &msg,
                                sizeof(msg))) {
            vmbus_channel_signal(v->ch);
            if (!vmbus_channel_wait(v->ch, &pkt, HV_GUEST_TIMEOUT_US)) {
                g_error("no answer to 0x%" PRIx64, seen);
            }
            g_assert_cmphex(pkt.trans_id, ==, seen);
            seen++;
            continue;
        }
        sent++;
    }
    vmbus_channel_signal(v->ch);
    for (; seen < sent; seen++) {
        g_assert(vmbus_channel_wait(v->ch, &pkt, HV_GUEST_TIMEOUT_US));
        g_assert_cmphex(pkt.trans_id, ==, seen);
        g_assert_cmphex(ldl_le_p(pkt.msg), ==, 0);
    }
    bus_stop(&m, v);
}

/* --- memory --- */

static void test_window_shows_the_selected_function(void)
{
    Machine m;
    Vpci *v = bus_start(&m, EDU "-device e1000e,bus=vp0.0,addr=2 ");
    uint32_t pin;

    for (unsigned i = 0; i < 3; i++) {
        g_assert_cmphex(vpci_client_cfg_read(v, 0, PCI_VENDOR_ID, 4), ==,
                        0x11e81234);
        g_assert_cmphex(vpci_client_cfg_read(v, 2, PCI_VENDOR_ID, 2), ==,
                        0x8086);
        /* there is no such function: Linux takes this for a device that went */
        g_assert_cmphex(vpci_client_cfg_read(v, 1, PCI_VENDOR_ID, 2), ==,
                        0xffff);
        g_assert_cmphex(vpci_client_cfg_read(v, 0x102, PCI_VENDOR_ID, 2), ==,
                        0xffff);
    }
    /* byte and word accesses, and extended space of an express device alone */
    g_assert_cmphex(vpci_client_cfg_read(v, 0, PCI_VENDOR_ID + 1, 1), ==, 0x12);
    g_assert_cmphex(vpci_client_cfg_read(v, 0, 0x100, 4), ==, 0xffffffff);
    g_assert_cmphex(vpci_client_cfg_read(v, 2, 0x100, 4), !=, 0xffffffff);
    vpci_client_cfg_write(v, 2, PCI_CACHE_LINE_SIZE, 1, 0x10);
    g_assert_cmphex(vpci_client_cfg_read(v, 2, PCI_CACHE_LINE_SIZE, 1), ==,
                    0x10);
    /* no I/O ports, no ROM, no pin */
    for (uint32_t reg = PCI_BASE_ADDRESS_0 + 8; ; reg = PCI_ROM_ADDRESS) {
        vpci_client_cfg_write(v, 2, reg, 4, ~0u);
        g_assert_cmphex(vpci_client_cfg_read(v, 2, reg, 4), ==, 0);
        if (reg == PCI_ROM_ADDRESS) {
            break;
        }
    }
    pin = vpci_client_cfg_read(v, 2, PCI_INTERRUPT_PIN, 1);
    g_assert_cmphex(pin, ==, 0);
    pin = vpci_client_cfg_read(v, 2, PCI_INTERRUPT_LINE, 4);
    g_assert_cmphex(pin & 0xff00, ==, 0);
    /* gone with D0 */
    g_assert_cmphex(vpci_client_word(v, VPCI_D0_EXIT, 0), ==, 0);
    g_assert_cmphex(vpci_client_cfg_read(v, 0, PCI_VENDOR_ID, 4), !=,
                    0x11e81234);
    g_assert_cmphex(vpci_client_d0_entry(v, VPCI_CLIENT_HIGH_GPA), ==, 0);
    g_assert_cmphex(vpci_client_cfg_read(v, 0, PCI_VENDOR_ID, 4), ==,
                    0x11e81234);
    bus_stop(&m, v);
}

static void test_bars_are_in_the_windows_only(void)
{
    static const uint64_t elsewhere[] = { 0xc0000000, 0x9ff00000, 0x2000000 };
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    uint64_t bar = edu_start(v, 0);

    qtest_writel(m.g->qts, bar + EDU_LIVENESS, 0x12345678);
    g_assert_cmphex(qtest_readl(m.g->qts, bar + EDU_LIVENESS), ==, ~0x12345678u);
    vpci_client_cfg_write(v, 0, PCI_COMMAND, 2, 0);
    g_assert_cmphex(qtest_readl(m.g->qts, bar), !=, EDU_ID);
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
        vpci_client_cfg_write(v, 0, PCI_BASE_ADDRESS_0, 4, elsewhere[i]);
        vpci_client_cfg_write(v, 0, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
        g_assert_cmphex(qtest_readl(m.g->qts, elsewhere[i]), !=, EDU_ID);
    }
    /* what was RAM is RAM */
    qtest_writel(m.g->qts, 0x2000000, 0xabcd1234);
    g_assert_cmphex(*(uint32_t *)hv_guest_ptr(m.g, 0x2000000), ==, 0xabcd1234);
    vpci_client_cfg_write(v, 0, PCI_BASE_ADDRESS_0, 4, bar);
    g_assert_cmphex(qtest_readl(m.g->qts, bar), ==, EDU_ID);
    bus_stop(&m, v);
}

/* --- interrupts --- */

static void test_msi_goes_where_the_guest_says(void)
{
    Machine m;

    machine_start(&m, EDU);
    for (uint32_t version = VPCI_VERSION_1_1; version <= VPCI_VERSION_1_4;
         version++) {
        Vpci *v = vpci_client_start(m.c, 0, version);
        uint64_t bar = edu_start(v, 0);
        VpciMsi msi;

        g_assert_cmphex(vpci_client_create(v, 0, VECTOR, 1, 2, &msi), ==, 0);
        edu_set_msi(v, 0, &msi);
        edu_raise(v, bar);
        /* version 1.1 names all VPs: the first gets it */
        vpci_client_expect_irq(v, version == VPCI_VERSION_1_1 ? 0 : 2, VECTOR);
        vpci_client_expect_no_irq(v);
        for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
            g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x60 + vp,
                                                 BIT_ULL(vp)), ==,
                            HV_STATUS_OK);
            edu_raise(v, bar);
            vpci_client_expect_irq(v, vp, 0x60 + vp);
            vpci_client_expect_no_irq(v);
        }
        /* any of a set, and all of it */
        g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x70, 0xe), ==, 0);
        edu_raise(v, bar);
        vpci_client_expect_irq(v, 1, 0x70);
        vpci_client_expect_no_irq(v);
        vpci_client_delete(v, 0, &msi);
        g_assert_cmphex(vpci_client_word(v, VPCI_QUERY_REQUIREMENTS, 0), ==, 0);
        edu_raise(v, bar);
        vpci_client_expect_no_irq(v);
        vpci_client_stop(v);
    }
    machine_stop(&m);
}

static void test_multicast_reaches_all(void)
{
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    uint64_t bar = edu_start(v, 0);
    VpciMsi msi;

    vpci_client_create(v, 0, VECTOR, 1, 0, &msi);
    edu_set_msi(v, 0, &msi);
    v->multicast = true;
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x70, 0xe), ==, 0);
    edu_raise(v, bar);
    for (unsigned vp = 1; vp < HV_GUEST_VPS; vp++) {
        vpci_client_expect_irq(v, vp, 0x70);
    }
    vpci_client_expect_no_irq(v);
    bus_stop(&m, v);
}

static void test_retarget_is_checked(void)
{
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    uint64_t bar = edu_start(v, 0);
    VpciMsi msi, other;

    vpci_client_create(v, 0, VECTOR, 1, 1, &msi);
    edu_set_msi(v, 0, &msi);
    other = msi;
    other.data++;
    g_assert_cmphex(vpci_client_retarget(v, 0, &other, 0x70, 1), !=, 0);
    other = msi;
    other.address += 0x1000;
    g_assert_cmphex(vpci_client_retarget(v, 0, &other, 0x70, 1), !=, 0);
    g_assert_cmphex(vpci_client_retarget(v, 1 << 5, &msi, 0x70, 1), !=, 0);
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 15, 1), !=, 0);
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 256, 1), !=, 0);
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x70, 0), !=, 0);
    /* no such VPs */
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x70, 0xf0), !=, 0);
    v->device_id ^= 0x80;
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x70, 1), ==,
                    HV_STATUS_NOT_FOUND);
    v->device_id ^= 0x80;
    edu_raise(v, bar);
    vpci_client_expect_irq(v, 1, VECTOR);
    vpci_client_expect_no_irq(v);
    bus_stop(&m, v);
}

/* A message that the guest made up is not an interrupt, whatever it says */
static void test_made_up_messages_do_nothing(void)
{
    VpciMsi msi, bad[5];
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    uint64_t bar = edu_start(v, 0);

    vpci_client_create(v, 0, VECTOR, 1, 1, &msi);
    bad[0] = (VpciMsi) { 0xfee00000, VECTOR };          /* as for an APIC */
    bad[1] = (VpciMsi) { 0xfee01000, VECTOR };
    bad[2] = (VpciMsi) { msi.address, msi.data + 1 };
    bad[3] = (VpciMsi) { msi.address + 0x1000, msi.data };
    bad[4] = (VpciMsi) { msi.address | 1ull << 32, msi.data };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        edu_set_msi(v, 0, &bad[i]);
        edu_raise(v, bar);
        vpci_client_expect_no_irq(v);
    }
    edu_set_msi(v, 0, &msi);
    edu_raise(v, bar);
    vpci_client_expect_irq(v, 1, VECTOR);
    bus_stop(&m, v);
}

/* Nor is another bus's message, nor one that a CPU or another device writes */
static void test_messages_belong_to_their_function(void)
{
    Machine m;
    Vpci *v, *v2;
    uint64_t bar, bar2;
    VpciMsi msi;

    machine_start(&m, EDU "-device edu,bus=vp0.0,addr=1 "
                          "-device hv-pci,id=vp1 -device edu,bus=vp1.0 ");
    v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
    v2 = vpci_client_start(m.c, 1, VPCI_VERSION_1_4);
    bar = edu_start(v, 1);
    bar2 = edu_start(v2, 0);
    vpci_client_create(v, 0, VECTOR, 1, 1, &msi);
    edu_set_msi(v, 1, &msi);
    edu_raise(v, bar);
    edu_set_msi(v2, 0, &msi);
    edu_raise(v2, bar2);
    vpci_client_expect_no_irq(v);
    edu_set_msi(v, 0, &msi);
    edu_raise(v, edu_start(v, 0));
    vpci_client_expect_irq(v, 1, VECTOR);
    vpci_client_stop(v2);
    bus_stop(&m, v);
}

static void test_msix_and_dma_of_nvme(void)
{
    Machine m;
    Vpci *v = bus_start(&m, NVME);
    VpciMsi msi;
    Nvme n;

    g_assert_cmphex(vpci_client_create(v, 0, VECTOR, 1, 3, &msi), ==, 0);
    nvme_start(&n, v, &msi);
    for (unsigned i = 0; i < 3 * NVME_QUEUE; i++) {
        unsigned vp = i % HV_GUEST_VPS;

        g_assert_cmphex(vpci_client_retarget(v, 0, &msi, VECTOR + i,
                                             BIT_ULL(vp)), ==, HV_STATUS_OK);
        nvme_submit_identify(&n);
        vpci_client_expect_irq(v, vp, VECTOR + i);
        nvme_check_identify(&n);
    }
    bus_stop(&m, v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define PCI_TEST(_name) \
    qtest_add_func("/paravisor/hv-pci/" #_name, test_##_name)
    PCI_TEST(speaks_each_version);
    PCI_TEST(refuses_unknown_versions);
    PCI_TEST(describes_functions);
    PCI_TEST(replies_wait_for_room);
    PCI_TEST(window_shows_the_selected_function);
    PCI_TEST(bars_are_in_the_windows_only);
    PCI_TEST(msi_goes_where_the_guest_says);
    PCI_TEST(multicast_reaches_all);
    PCI_TEST(retarget_is_checked);
    PCI_TEST(made_up_messages_do_nothing);
    PCI_TEST(messages_belong_to_their_function);
    PCI_TEST(msix_and_dma_of_nvme);
    return g_test_run();
}
