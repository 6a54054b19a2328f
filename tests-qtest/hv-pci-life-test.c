/*
 * hv-pci: functions and buses that come and go, resets and migration
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"
#include "lib/vpci-functions.h"

/* --- coming and going --- */

/* Unplug @id, the last function: the guest lets it go, and the bus goes, too */
static void eject_last(Machine *m, Vpci *v, const char *id)
{
    VmbusOffer *offer = v->ch->offer;

    qtest_qmp_device_del_send(m->g->qts, id);
    vpci_client_expect_eject(v, 0);
    vpci_client_ejected(v, 0, 0);
    qtest_qmp_eventwait(m->g->qts, "DEVICE_DELETED");
    vmbus_expect_rescind(m->c, offer);
    vpci_client_close(v);
}

static void test_empty_bus_is_offered_when_it_fills(void)
{
    Machine m;
    VmbusOffer *offer;
    Vpci *v;

    /* a device that names no bus is the board's */
    machine_start(&m, "-device edu ");
    g_assert_null(vmbus_find_offer(m.c, VMBUS_GUID_VPCI, 0, 0));
    for (unsigned i = 0; i < 3; i++) {
        qtest_qmp_device_add(m.g->qts, "edu", "e0", "{'bus': 'vp0.0'}");
        v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
        offer = v->ch->offer;
        edu_start(v, 0);
        eject_last(&m, v, "e0");
        if (i == 1) {
            /* plugged while the guest still holds the old offer */
            qtest_qmp_device_add(m.g->qts, "edu", "e0", "{'bus': 'vp0.0'}");
            vmbus_pump(m.c);
            g_assert_null(vmbus_find_offer(m.c, VMBUS_GUID_VPCI, 0, 0));
            vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
            v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
            offer = v->ch->offer;
            eject_last(&m, v, "e0");
        }
        vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    }
    machine_stop(&m);
}

static void test_relations_follow_plugging(void)
{
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    unsigned seen = v->relations;

    qtest_qmp_device_add(m.g->qts, "edu", "e1",
                         "{'bus': 'vp0.0', 'addr': '5'}");
    vpci_client_expect_relations(v, seen);
    g_assert_cmpuint(v->function_count, ==, 2);
    edu_start(v, 5);
    seen = v->relations;
    qtest_qmp_device_del_send(m.g->qts, "e1");
    vpci_client_expect_eject(v, 5);
    vpci_client_ejected(v, 5, 0);
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    vpci_client_expect_relations(v, seen);
    g_assert_cmpuint(v->function_count, ==, 1);
    g_assert_cmphex(vpci_client_cfg_read(v, 5, 0, 2), ==, 0xffff);
    edu_start(v, 0);
    bus_stop(&m, v);
}

static void test_refused_ejection_leaves_the_function(void)
{
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    VmbusOffer *offer = v->ch->offer;

    qtest_qmp_device_del_send(m.g->qts, "e0");
    vpci_client_expect_eject(v, 0);
    vpci_client_ejected(v, 0, 0xc0000001);
    g_assert_cmphex(vpci_client_word(v, VPCI_QUERY_REQUIREMENTS, 0), ==, 0);
    edu_start(v, 0);
    /* again, and now it agrees */
    eject_last(&m, v, "e0");
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    machine_stop(&m);
}

static void test_unplug_ends_with_the_channel(void)
{
    Machine m;
    Vpci *v = bus_start(&m, EDU);

    qtest_qmp_device_del_send(m.g->qts, "e0");
    vpci_client_expect_eject(v, 0);
    vpci_client_close(v);
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    machine_stop(&m);
}

static void test_unplug_without_a_driver(void)
{
    Machine m;

    machine_start(&m, EDU);
    vmbus_expect_offer(m.c, VMBUS_GUID_VPCI, 0, 0);
    qtest_qmp_device_del(m.g->qts, "e0");
    vmbus_expect_rescind(m.c, m.c->offers->pdata[0]);
    machine_stop(&m);
}

static void test_unplug_under_io(void)
{
    Machine m;
    Vpci *v = bus_start(&m, NVME);
    VpciMsi msi;
    Nvme n;

    vpci_client_create(v, 0, VECTOR, 1, 3, &msi);
    nvme_start(&n, v, &msi);
    for (unsigned i = 0; i < 5; i++) {
        nvme_submit_identify(&n);
    }
    eject_last(&m, v, "n0");
    machine_stop(&m);
}

static void test_bus_unplugged_with_interrupts(void)
{
    Machine m;
    Vpci *v = bus_start(&m, NVME "-device hv-pci,id=vp1 -device edu,bus=vp1.0 ");
    VmbusOffer *offer = v->ch->offer;
    VpciMsi msi;
    Nvme n;

    vpci_client_create(v, 0, VECTOR, 1, 3, &msi);
    nvme_start(&n, v, &msi);
    nvme_submit_identify(&n);
    qtest_qmp_device_del_send(m.g->qts, "vp0");
    vmbus_expect_rescind(m.c, offer);
    vpci_client_close(v);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    v = vpci_client_start(m.c, 0, VPCI_VERSION_1_3);
    edu_start(v, 0);
    vpci_client_stop(v);
    /* the same bus again */
    qtest_qmp_device_add(m.g->qts, "hv-pci", "vp0", "{}");
    qtest_qmp_device_add(m.g->qts, "edu", "e9", "{'bus': 'vp0.0'}");
    vmbus_expect_offer(m.c, VMBUS_GUID_VPCI, 0, 1);
    machine_stop(&m);
}

/* Both asked for before the guest has let go of either */
static void test_bus_and_function_unplugged_at_once(void)
{
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    VmbusOffer *offer = v->ch->offer;

    qtest_qmp_device_del_send(m.g->qts, "e0");
    vpci_client_expect_eject(v, 0);
    qtest_qmp_device_del_send(m.g->qts, "vp0");
    vmbus_expect_rescind(m.c, offer);
    vpci_client_close(v);
    vmbus_post_relid(m.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
    /* the function, and the bus, each by id and by path */
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    qtest_qmp_eventwait(m.g->qts, "DEVICE_DELETED");
    qtest_qmp_device_add(m.g->qts, "hv-pci", "vp0", "{}");
    machine_stop(&m);
}

static void test_close_resets_functions(void)
{
    Machine m;
    Vpci *v = bus_start(&m, NVME);
    uint64_t bars[VPCI_BAR_COUNT];
    VpciMsi msi;
    Nvme n;

    vpci_client_create(v, 0, VECTOR, 1, 3, &msi);
    nvme_start(&n, v, &msi);
    nvme_submit_identify(&n);
    vpci_client_close(v);
    v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
    g_assert_cmphex(vpci_client_cfg_read(v, 0, PCI_COMMAND, 2), ==, 0);
    g_assert_cmphex(vpci_client_cfg_read(v, 0, PCI_BASE_ADDRESS_0 + 4, 4), ==,
                    0);
    vpci_client_place_bars(v, 0, bars);
    g_assert_cmphex(qtest_readl(m.g->qts, bars[0] + 0x1c), ==, 0);
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x70, 1), !=, 0);
    vpci_client_create(v, 0, VECTOR, 1, 3, &msi);
    nvme_start(&n, v, &msi);
    nvme_submit_identify(&n);
    vpci_client_expect_irq(v, 3, VECTOR);
    nvme_check_identify(&n);
    bus_stop(&m, v);
}

static void test_unload_and_reset(void)
{
    Machine m;
    Vpci *v = bus_start(&m, NVME);
    VpciMsi msi;
    Nvme n;

    for (unsigned i = 0; i < 4; i++) {
        vpci_client_create(v, 0, VECTOR, 1, 3, &msi);
        nvme_start(&n, v, &msi);
        nvme_submit_identify(&n);
        if (i % 2) {
            nvme_submit_identify(&n);
            vpci_client_forget(v);
            hv_guest_reset(m.g);
            vmbus_client_restart(m.c);
        } else {
            vmbus_unload(m.c);
            vpci_client_forget(v);
        }
        vmbus_connect(m.c, HVBUS_VERSION_5_3);
        vmbus_request_offers(m.c);
        v = vpci_client_start(m.c, 0, VPCI_VERSION_1_4);
    }
    bus_stop(&m, v);
}

static void test_power_states(void)
{
    VpciPowerWire msg = {
        .type = cpu_to_le32(VPCI_POWER_STATE_CHANGE),
        .state = cpu_to_le32(VPCI_POWER_D3),
    };
    VpciPowerReplyWire reply;
    Machine m;
    Vpci *v = bus_start(&m, EDU);
    uint64_t bar = edu_start(v, 0);

    g_assert_cmphex(vpci_client_call(v, &msg, sizeof(msg), &reply,
                                     sizeof(reply)), ==, 0);
    g_assert_cmphex(reply.state, ==, VPCI_POWER_D3);
    g_assert_cmphex(qtest_readl(m.g->qts, bar), !=, EDU_ID);
    msg.state = cpu_to_le32(VPCI_POWER_D0);
    g_assert_cmphex(vpci_client_call(v, &msg, sizeof(msg), &reply,
                                     sizeof(reply)), ==, 0);
    g_assert_cmphex(qtest_readl(m.g->qts, bar), ==, EDU_ID);
    bus_stop(&m, v);
}

/* --- migration --- */

static void test_migrates_interrupts_and_window(void)
{
    Machine m;
    Vpci *v = bus_start(&m, E1000E);
    VpciMsi msi, other;
    uint64_t bar;

    vpci_client_create(v, 0, 0x90, 32, 0, &other);
    vpci_client_create(v, 0, VECTOR, 1, 0, &msi);
    vpci_client_retarget(v, 0, &msi, 0x66, BIT_ULL(2));
    bar = e1000e_start(v, &msi);
    e1000e_raise(v, bar);
    vpci_client_expect_irq(v, 2, 0x66);
    hv_guest_migrate(m.g);
    g_assert_cmphex(vpci_client_cfg_read(v, 0, PCI_VENDOR_ID, 2), ==, 0x8086);
    vpci_client_expect_no_irq(v);
    e1000e_raise(v, bar);
    vpci_client_expect_irq(v, 2, 0x66);
    g_assert_cmphex(vpci_client_retarget(v, 0, &msi, 0x67, BIT_ULL(1)), ==, 0);
    g_assert_cmphex(vpci_client_retarget(v, 0, &other, 0x67, BIT_ULL(1)), ==,
                    0);
    e1000e_raise(v, bar);
    /* on its way into the VP */
    hv_guest_migrate(m.g);
    vpci_client_expect_irq(v, 1, 0x67);
    /* whose place is taken is known there too */
    g_assert_cmphex(vpci_client_create(v, 0, VECTOR, 1, 0, &other), ==, 0);
    g_assert_cmphex(other.data, !=, msi.data);
    bus_stop(&m, v);
}

static void test_migrates_an_answer_that_waits(void)
{
    VpciHeaderWire msg = { cpu_to_le32(VPCI_QUERY_REQUIREMENTS), 0 };
    Machine m;
    Vpci *v = bus_start(&m, E1000E);
    unsigned sent = 0, seen = 0;
    VmbusPacket pkt;

    /* answers of 48 bytes to questions of 32: theirs fills first */
    while (vmbus_channel_push(v->ch, HVBUS_PKT_INBAND,
                              HVBUS_PKT_FLAG_COMPLETION, 1 + sent, NULL, 0,
                              &msg, sizeof(msg))) {
        sent++;
    }
    vmbus_channel_signal(v->ch);
    for (unsigned i = 0; i < 50; i++) {
        hv_guest_step(m.g, 0);
    }
    hv_guest_migrate(m.g);
    for (; seen < sent; seen++) {
        g_assert(vmbus_channel_wait(v->ch, &pkt, HV_GUEST_TIMEOUT_US));
        g_assert_cmphex(pkt.trans_id, ==, 1 + seen);
    }
    bus_stop(&m, v);
}

static void test_migrates_an_ejection(void)
{
    Machine m;
    Vpci *v = bus_start(&m, E1000E);
    VmbusOffer *offer = v->ch->offer;

    qtest_qmp_device_del_send(m.g->qts, "c0");
    vpci_client_expect_eject(v, 0);
    hv_guest_migrate(m.g);
    vpci_client_ejected(v, 0, 0);
    vmbus_expect_rescind(m.c, offer);
    vpci_client_close(v);
    machine_stop(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define PCI_TEST(_name) \
    qtest_add_func("/paravisor/hv-pci-life/" #_name, test_##_name)
    PCI_TEST(empty_bus_is_offered_when_it_fills);
    PCI_TEST(relations_follow_plugging);
    PCI_TEST(refused_ejection_leaves_the_function);
    PCI_TEST(unplug_ends_with_the_channel);
    PCI_TEST(unplug_without_a_driver);
    PCI_TEST(unplug_under_io);
    PCI_TEST(bus_unplugged_with_interrupts);
    PCI_TEST(bus_and_function_unplugged_at_once);
    PCI_TEST(close_resets_functions);
    PCI_TEST(unload_and_reset);
    PCI_TEST(power_states);
    PCI_TEST(migrates_interrupts_and_window);
    PCI_TEST(migrates_an_answer_that_waits);
    PCI_TEST(migrates_an_ejection);
    return g_test_run();
}
