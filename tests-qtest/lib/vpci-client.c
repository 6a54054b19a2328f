/*
 * A guest's vPCI driver for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/pci/pci_regs.h"
#include "vpci-client.h"

Vpci *vpci_client_open(VmbusClient *c, unsigned nth)
{
    VmbusOffer *offer = vmbus_expect_offer(c, VMBUS_GUID_VPCI, 0, nth);
    const uint8_t *id = offer->instance_id;
    Vpci *v = g_new0(Vpci, 1);

    v->c = c;
    v->next_trans_id = 1;
    v->next_low_gpa = VPCI_CLIENT_LOW_GPA + nth * 16 * MiB;
    v->next_high_gpa = VPCI_CLIENT_HIGH_GPA + nth * 256 * MiB;
    /* text order: what Linux takes from bytes 5, 4, 7, 6 of the wire */
    v->device_id = (uint32_t)id[4] << 24 | id[5] << 16 | id[6] << 8 |
                   (id[7] & 0xf8);
    v->ch = vmbus_channel_open(c, offer, VPCI_CLIENT_RING_PAGES, 0);
    return v;
}

void vpci_client_forget(Vpci *v)
{
    vmbus_channel_forget(v->ch);
    g_free(v);
}

void vpci_client_close(Vpci *v)
{
    vmbus_channel_close(v->ch);
    g_free(v);
}

static void vpci_client_take(Vpci *v, const VmbusPacket *pkt)
{
    uint32_t type = ldl_le_p(pkt->msg);
    uint32_t count, size;

    g_assert_cmpuint(pkt->type, ==, HVBUS_PKT_INBAND);
    g_assert_cmpuint(pkt->trans_id, ==, HVBUS_TRANS_ID_UNSOLICITED);
    /* Linux leaves out what is not longer than this */
    g_assert_cmpuint(pkt->msg_bytes, >, 4);
    switch (type) {
    case VPCI_BUS_RELATIONS:
    case VPCI_BUS_RELATIONS2:
        g_assert_cmphex(type, ==, v->version >= VPCI_VERSION_1_3
                                  ? VPCI_BUS_RELATIONS2 : VPCI_BUS_RELATIONS);
        size = type == VPCI_BUS_RELATIONS2 ? sizeof(VpciFunction2Wire)
                                           : sizeof(VpciFunctionWire);
        count = ldl_le_p(pkt->msg + 4);
        g_assert_cmpuint(count, <=, VPCI_CLIENT_FUNCTIONS);
        g_assert_cmpuint(pkt->msg_bytes, >=, 8 + count * size);
        memset(v->functions, 0, sizeof(v->functions));
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&v->functions[i], pkt->msg + 8 + i * size, size);
        }
        v->function_count = count;
        v->relations++;
        break;
    case VPCI_EJECT:
        g_assert_cmpuint(pkt->msg_bytes, >=, sizeof(VpciHeaderWire));
        v->eject_slot = ldl_le_p(pkt->msg + 4);
        v->ejects++;
        break;
    default:
        g_error("message 0x%08x from the host", type);
    }
}

void vpci_client_pump(Vpci *v)
{
    VmbusPacket pkt;

    while (vmbus_channel_poll(v->ch, &pkt)) {
        vpci_client_take(v, &pkt);
    }
}

void vpci_client_send(Vpci *v, const void *msg, uint32_t bytes)
{
    vmbus_channel_send(v->ch, HVBUS_PKT_INBAND, 0, 0, NULL, 0, msg, bytes);
}

uint32_t vpci_client_call(Vpci *v, const void *msg, uint32_t bytes,
                          void *reply, uint32_t reply_bytes)
{
    uint64_t id = v->next_trans_id++;
    VmbusPacket pkt;

    vmbus_channel_send(v->ch, HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION, id,
                       NULL, 0, msg, bytes);
    for (;;) {
        g_assert(vmbus_channel_wait(v->ch, &pkt, HV_GUEST_TIMEOUT_US));
        if (pkt.type == HVBUS_PKT_COMPLETION) {
            break;
        }
        vpci_client_take(v, &pkt);
    }
    g_assert_cmphex(pkt.trans_id, ==, id);
    g_assert_cmpuint(pkt.msg_bytes, >, 4);
    if (reply_bytes && !ldl_le_p(pkt.msg)) {
        g_assert_cmpuint(pkt.msg_bytes, >=, reply_bytes);
        memcpy(reply, pkt.msg, reply_bytes);
    }
    return ldl_le_p(pkt.msg);
}

uint32_t vpci_client_word(Vpci *v, uint32_t type, uint32_t word)
{
    VpciHeaderWire msg = { cpu_to_le32(type), cpu_to_le32(word) };

    return vpci_client_call(v, &msg, sizeof(msg), NULL, 0);
}

void vpci_client_expect_relations(Vpci *v, unsigned seen)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (vpci_client_pump(v); v->relations <= seen; vpci_client_pump(v)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(v->c->g, 0);
    }
}

static void vpci_client_query_relations(Vpci *v)
{
    uint32_t msg = cpu_to_le32(VPCI_QUERY_BUS_RELATIONS);
    unsigned seen = v->relations;

    vpci_client_send(v, &msg, sizeof(msg));
    vpci_client_expect_relations(v, seen);
}

void vpci_client_expect_eject(Vpci *v, uint32_t slot)
{
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;

    for (vpci_client_pump(v); !v->ejects; vpci_client_pump(v)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(v->c->g, 0);
    }
    g_assert_cmphex(v->eject_slot, ==, slot);
    v->ejects--;
}

uint32_t vpci_client_d0_entry(Vpci *v, uint64_t window_gpa)
{
    VpciD0EntryWire msg = {
        .type = cpu_to_le32(VPCI_D0_ENTRY),
        .window_gpa = cpu_to_le64(window_gpa),
    };
    uint32_t status = vpci_client_call(v, &msg, sizeof(msg), NULL, 0);

    if (!status) {
        v->window_gpa = window_gpa;
    }
    return status;
}

void vpci_client_ejected(Vpci *v, uint32_t slot, uint32_t status)
{
    VpciEjectedWire msg = {
        .type = cpu_to_le32(VPCI_EJECTION_COMPLETE),
        .slot = cpu_to_le32(slot),
        .status = cpu_to_le32(status),
    };

    vpci_client_send(v, &msg, sizeof(msg));
}

static void vpci_client_assign(Vpci *v, uint32_t slot)
{
    VpciResourcesWire msg = {
        .type = cpu_to_le32(v->version >= VPCI_VERSION_1_2
                            ? VPCI_RESOURCES_ASSIGNED2
                            : VPCI_RESOURCES_ASSIGNED),
        .slot = cpu_to_le32(slot),
    };

    g_assert_cmphex(vpci_client_call(v, &msg, sizeof(msg), NULL, 0), ==, 0);
}

void vpci_client_bring_up(Vpci *v, unsigned nth, uint32_t version)
{
    uint64_t gpa = VPCI_CLIENT_WINDOW_GPA + nth * 64 * KiB;

    g_assert_cmphex(vpci_client_word(v, VPCI_QUERY_VERSION, version), ==, 0);
    v->version = version;
    vpci_client_query_relations(v);
    g_assert_cmphex(vpci_client_d0_entry(v, gpa), ==, 0);
    for (unsigned i = 0; i < v->function_count; i++) {
        vpci_client_assign(v, le32_to_cpu(v->functions[i].base.slot));
    }
}

Vpci *vpci_client_start(VmbusClient *c, unsigned nth, uint32_t version)
{
    Vpci *v = vpci_client_open(c, nth);

    vpci_client_bring_up(v, nth, version);
    return v;
}

void vpci_client_stop(Vpci *v)
{
    for (unsigned i = 0; i < v->function_count; i++) {
        VpciHeaderWire msg = {
            .type = cpu_to_le32(VPCI_RESOURCES_RELEASED),
            .slot = v->functions[i].base.slot,
        };

        vpci_client_send(v, &msg, sizeof(msg));
    }
    g_assert_cmphex(vpci_client_word(v, VPCI_D0_EXIT, 0), ==, 0);
    vpci_client_close(v);
}

uint32_t vpci_client_cfg_read(Vpci *v, uint32_t slot, uint32_t offset,
                              unsigned size)
{
    QTestState *qts = v->c->g->qts;
    uint64_t gpa = v->window_gpa + VPCI_WINDOW_CONFIG + offset;

    qtest_writel(qts, v->window_gpa + VPCI_WINDOW_SLOT, slot);
    return size == 1 ? qtest_readb(qts, gpa) :
           size == 2 ? qtest_readw(qts, gpa) : qtest_readl(qts, gpa);
}

void vpci_client_cfg_write(Vpci *v, uint32_t slot, uint32_t offset,
                           unsigned size, uint32_t val)
{
    QTestState *qts = v->c->g->qts;
    uint64_t gpa = v->window_gpa + VPCI_WINDOW_CONFIG + offset;

    qtest_writel(qts, v->window_gpa + VPCI_WINDOW_SLOT, slot);
    if (size == 1) {
        qtest_writeb(qts, gpa, val);
    } else if (size == 2) {
        qtest_writew(qts, gpa, val);
    } else {
        qtest_writel(qts, gpa, val);
    }
}

void vpci_client_place_bars(Vpci *v, uint32_t slot,
                            uint64_t bar_gpa[VPCI_BAR_COUNT])
{
    VpciHeaderWire msg = {
        cpu_to_le32(VPCI_QUERY_REQUIREMENTS), cpu_to_le32(slot)
    };
    VpciRequirementsReplyWire reply;

    g_assert_cmphex(vpci_client_call(v, &msg, sizeof(msg), &reply,
                                     sizeof(reply)), ==, 0);
    for (unsigned i = 0; i < VPCI_BAR_COUNT; i++) {
        uint32_t low = le32_to_cpu(reply.probed_bar[i]);
        uint32_t reg = PCI_BASE_ADDRESS_0 + 4 * i;
        bool is_64 = low & PCI_BASE_ADDRESS_MEM_TYPE_64;
        uint64_t *next = is_64 ? &v->next_high_gpa : &v->next_low_gpa;
        uint64_t mask, bytes;

        bar_gpa[i] = 0;
        if (!low) {
            continue;
        }
        g_assert_false(low & PCI_BASE_ADDRESS_SPACE_IO);
        /* what the window says of it too */
        vpci_client_cfg_write(v, slot, reg, 4, ~0u);
        g_assert_cmphex(vpci_client_cfg_read(v, slot, reg, 4), ==, low);
        mask = is_64 ? (uint64_t)le32_to_cpu(reply.probed_bar[i + 1]) << 32
                     : 0xffffffffull << 32;
        mask |= low & ~0xfu;
        bytes = MAX(-mask, HV_PAGE_SIZE);
        *next = ROUND_UP(*next, bytes);
        bar_gpa[i] = *next;
        *next += bytes;
        vpci_client_cfg_write(v, slot, reg, 4, bar_gpa[i]);
        if (is_64) {
            vpci_client_cfg_write(v, slot, reg + 4, 4, bar_gpa[i] >> 32);
            bar_gpa[++i] = 0;
        }
    }
    vpci_client_cfg_write(v, slot, PCI_COMMAND, 2,
                          PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

uint32_t vpci_client_capability(Vpci *v, uint32_t slot, uint8_t id)
{
    uint32_t at = vpci_client_cfg_read(v, slot, PCI_CAPABILITY_LIST, 1);

    for (int i = 0; at && i < 48; i++) {
        if (vpci_client_cfg_read(v, slot, at, 1) == id) {
            return at;
        }
        at = vpci_client_cfg_read(v, slot, at + 1, 1);
    }
    return 0;
}

uint32_t vpci_client_create(Vpci *v, uint32_t slot, uint8_t vector,
                            uint16_t count, uint16_t vp, VpciMsi *msi)
{
    VpciCreateWire v1 = {
        .type = cpu_to_le32(VPCI_CREATE_INTERRUPT), .slot = cpu_to_le32(slot),
        .vector = vector, .vector_count = cpu_to_le16(count),
        .vp_mask = cpu_to_le64(~0ull),
    };
    VpciCreate2Wire v2 = {
        .type = cpu_to_le32(VPCI_CREATE_INTERRUPT2), .slot = cpu_to_le32(slot),
        .vector = vector, .vector_count = cpu_to_le16(count),
        .vp_count = cpu_to_le16(1), .vps = { cpu_to_le16(vp) },
    };
    VpciCreate3Wire v3 = {
        .type = cpu_to_le32(VPCI_CREATE_INTERRUPT3), .slot = cpu_to_le32(slot),
        .vector = cpu_to_le32(vector), .vector_count = cpu_to_le16(count),
        .vp_count = cpu_to_le16(1), .vps = { cpu_to_le16(vp) },
    };
    VpciCreateReplyWire reply = { 0 };
    uint32_t status;

    switch (v->version) {
    case VPCI_VERSION_1_1:
        status = vpci_client_call(v, &v1, sizeof(v1), &reply, sizeof(reply));
        break;
    case VPCI_VERSION_1_4:
        status = vpci_client_call(v, &v3, VPCI_CREATE3_BYTES, &reply,
                                  sizeof(reply));
        break;
    default:
        status = vpci_client_call(v, &v2, VPCI_CREATE2_BYTES, &reply,
                                  sizeof(reply));
        break;
    }
    if (!status) {
        g_assert_cmpuint(le16_to_cpu(reply.msi.vector_count), ==, count);
    }
    msi->address = (uint64_t)le32_to_cpu(reply.msi.address_high) << 32 |
                   le32_to_cpu(reply.msi.address_low);
    msi->data = le32_to_cpu(reply.msi.data);
    return status;
}

void vpci_client_delete(Vpci *v, uint32_t slot, const VpciMsi *msi)
{
    VpciDeleteWire msg = {
        .type = cpu_to_le32(VPCI_DELETE_INTERRUPT), .slot = cpu_to_le32(slot),
        .msi.vector_count = cpu_to_le16(1), .msi.data = cpu_to_le32(msi->data),
        .msi.address_low = cpu_to_le32(msi->address),
        .msi.address_high = cpu_to_le32(msi->address >> 32),
    };

    vpci_client_send(v, &msg, sizeof(msg));
}

HvStatus vpci_client_retarget(Vpci *v, uint32_t slot, const VpciMsi *msi,
                              uint32_t vector, uint64_t vp_mask)
{
    HvGuest *g = v->c->g;
    uint8_t *in = hv_guest_ptr(g, g->call_gpa);
    uint64_t control = HV_CALL_RETARGET_INTERRUPT;
    bool is_set = v->version >= VPCI_VERSION_1_2;

    memset(in, 0, 128);
    stq_le_p(in, HV_PARTITION_ID_SELF);
    /* as Linux makes it: the sign of an int goes into the upper half */
    stq_le_p(in + 8, (int64_t)(int32_t)(v->device_id | slot >> 5));
    stl_le_p(in + 16, 1);                       /* MSI */
    stl_le_p(in + 24, msi->address);
    stl_le_p(in + 28, msi->data);
    stl_le_p(in + 40, vector);
    if (is_set) {
        stl_le_p(in + 44, 2 | v->multicast);    /* processor set */
        stq_le_p(in + 56, 1);                   /* bank 0 */
        stq_le_p(in + 64, vp_mask);
        control = FIELD_DP64(control, HV_CALL, VAR_QWORDS, 2);
    } else {
        stq_le_p(in + 48, vp_mask);
    }
    return FIELD_EX64(hv_guest_hypercall(g, 0, control, g->call_gpa, 0),
                      HV_CALL_RESULT, STATUS);
}

void vpci_client_expect_irq(Vpci *v, unsigned vp, uint8_t vector)
{
    HvGuest *g = v->c->g;
    int64_t end = g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;
    int got;

    do {
        hv_guest_step(g, 0);
        got = hv_guest_take_irq(g, vp);
        if (got != HV_GUEST_NO_VECTOR) {
            hv_guest_eoi(g, vp);
        }
        g_assert_cmpint(g_get_monotonic_time(), <, end);
    } while (got == HV_GUEST_NO_VECTOR || got == HV_GUEST_VECTOR);
    g_assert_cmphex(got, ==, vector);
}

void vpci_client_expect_no_irq(Vpci *v)
{
    HvGuest *g = v->c->g;

    for (unsigned i = 0; i < 3; i++) {
        hv_guest_step(g, 0);
        for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
            int got = hv_guest_take_irq(g, vp);

            if (got != HV_GUEST_NO_VECTOR) {
                hv_guest_eoi(g, vp);
                g_assert_cmphex(got, ==, HV_GUEST_VECTOR);
            }
        }
    }
}
