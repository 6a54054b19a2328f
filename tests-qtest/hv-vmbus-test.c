/*
 * VMBus server: contact, offers, GPADLs, channels, as a guest's driver sees them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "lib/storvsc-client.h"

#define RING_PAGES          4
#define UNKNOWN_RELID       2000
#define UNKNOWN_GPADL       0xabcdef

static HvGuest *start(VmbusClient **c)
{
    HvGuest *g = hv_guest_start("-device hv-vmbus -device hv-scsi,id=s0 "
                                "-device hv-scsi,id=s1");

    *c = vmbus_client_new(g, 0);
    return g;
}

static HvGuest *start_connected(VmbusClient **c)
{
    HvGuest *g = start(c);

    vmbus_connect(*c, HVBUS_VERSION_5_3);
    vmbus_request_offers(*c);
    return g;
}

static void stop(HvGuest *g, VmbusClient *c)
{
    vmbus_expect_alive(c);
    vmbus_client_free(c);
    hv_guest_stop(g);
}

static VmbusOffer *scsi_offer(VmbusClient *c, unsigned nth)
{
    VmbusOffer *offer = vmbus_find_offer(c, VMBUS_GUID_SCSI, 0, nth);

    g_assert_nonnull(offer);
    return offer;
}

/* --- contact --- */

static void test_speaks_each_version(void)
{
    static const uint32_t versions[] = {
        HVBUS_VERSION_2_4, HVBUS_VERSION_3_0, HVBUS_VERSION_4_0,
        HVBUS_VERSION_4_1, HVBUS_VERSION_5_0, HVBUS_VERSION_5_1,
        HVBUS_VERSION_5_2, HVBUS_VERSION_5_3,
    };
    VmbusClient *c;
    HvGuest *g = start(&c);

    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        vmbus_connect(c, versions[i]);
        vmbus_request_offers(c);
        g_assert_nonnull(vmbus_find_offer(c, VMBUS_GUID_SCSI, 0, 1));
        vmbus_unload(c);
    }
    vmbus_connect(c, HVBUS_VERSION_5_3);
    stop(g, c);
}

static void test_refuses_unknown_versions(void)
{
    static const uint32_t versions[] = {
        0, 1, HVBUS_VERSION(0u, 12u), HVBUS_VERSION(2u, 3u), HVBUS_VERSION(5u, 4u),
        HVBUS_VERSION(7u, 0u), 0xffffffff,
    };
    VmbusClient *c;
    HvGuest *g = start(&c);

    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        g_assert(!vmbus_try_version(c, versions[i]));
    }
    /* as Linux 7.3 does: newest first, until one is taken */
    if (!vmbus_try_version(c, HVBUS_VERSION_6_0)) {
        vmbus_connect(c, HVBUS_VERSION_5_3);
    }
    stop(g, c);
}

static void test_unknown_connection_id_is_refused(void)
{
    static const uint32_t ids[] = { 0, 2, 3, 5, 0x800074, 0xffffff };
    HvbusHeaderWire msg = { .type = cpu_to_le32(HVBUS_MSG_REQUESTOFFERS) };
    VmbusClient *c;
    HvGuest *g = start(&c);

    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        g_assert_cmphex(hv_guest_post(g, 0, ids[i], HV_MSG_TYPE_CHANNEL, &msg,
                                      sizeof(msg)), ==,
                        HV_STATUS_BAD_CONNECTION_ID);
    }
    vmbus_connect(c, HVBUS_VERSION_5_3);
    stop(g, c);
}

static void test_answers_on_the_vp_it_was_told(void)
{
    VmbusClient *c;
    HvGuest *g = start(&c);

    c->vp = 2;
    vmbus_connect(c, HVBUS_VERSION_5_3);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 2, HV_GUEST_VECTOR), ==, 1);
    vmbus_request_offers(c);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 0, HV_GUEST_VECTOR), ==, 0);
    stop(g, c);
}

static void test_second_contact_starts_afresh(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusChannel *ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 0);

    /* kexec without UNLOAD: ring memory is another's now */
    vmbus_channel_forget(ch);
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 0);
    vmbus_channel_close(ch);
    stop(g, c);
}

static void test_unload_is_answered_in_every_state(void)
{
    VmbusClient *c;
    HvGuest *g = start(&c);
    VmbusChannel *ch;

    /* connected, no offers asked for */
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_unload(c);
    /* offers delivered */
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    vmbus_unload(c);
    /* GPADL half sent */
    vmbus_connect(c, HVBUS_VERSION_4_1);
    vmbus_request_offers(c);
    ch = vmbus_channel_new(c, scsi_offer(c, 0), RING_PAGES);
    vmbus_channel_forget(ch);
    vmbus_unload(c);
    /* channel open */
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    ch = vmbus_channel_open(c, scsi_offer(c, 1), RING_PAGES, 1);
    vmbus_channel_forget(ch);
    vmbus_unload(c);
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    g_assert_nonnull(vmbus_find_offer(c, VMBUS_GUID_SCSI, 0, 1));
    stop(g, c);
}

static void test_unload_is_silent_afterwards(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);

    vmbus_unload(c);
    qtest_qmp_device_add(g->qts, "hv-scsi", "hot", "{}");
    g_assert(vmbus_is_quiet(c));
    g_assert_cmpuint(c->offers->len, ==, 0);
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    g_assert_nonnull(vmbus_find_offer(c, VMBUS_GUID_SCSI, 0, 2));
    stop(g, c);
}

/* --- offers --- */

static void test_offers_are_unique_and_stable(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    uint8_t first[2][16];

    for (int i = 0; i < 2; i++) {
        memcpy(first[i], scsi_offer(c, i)->instance_id, 16);
    }
    g_assert_cmpint(memcmp(first[0], first[1], 16), !=, 0);
    g_assert_null(vmbus_find_offer(c, VMBUS_GUID_SCSI, 0, 2));
    vmbus_unload(c);
    vmbus_connect(c, HVBUS_VERSION_5_2);
    vmbus_request_offers(c);
    for (int i = 0; i < 2; i++) {
        g_assert_cmpint(memcmp(first[i], scsi_offer(c, i)->instance_id, 16),
                        ==, 0);
    }
    stop(g, c);
}

static void test_reoffers_after_reset(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusChannel *ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 0);

    vmbus_channel_forget(ch);
    hv_guest_reset(g);
    vmbus_client_restart(c);
    /* not a word before contact */
    g_assert(vmbus_is_quiet(c));
    g_assert_cmpuint(c->offers->len, ==, 0);
    vmbus_connect(c, HVBUS_VERSION_5_3);
    vmbus_request_offers(c);
    ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 0);
    vmbus_channel_close(ch);
    stop(g, c);
}

static void test_hot_added_device_is_offered(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusChannel *ch;

    qtest_qmp_device_add(g->qts, "hv-scsi", "hot", "{}");
    ch = vmbus_channel_open(c, vmbus_expect_offer(c, VMBUS_GUID_SCSI, 0, 2),
                            RING_PAGES, 0);
    vmbus_channel_close(ch);
    stop(g, c);
}

static void test_relid_is_kept_until_released(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusOffer *offer = scsi_offer(c, 0);
    uint32_t relid = offer->relid;
    VmbusOffer *fresh;

    qtest_qmp_device_del_send(g->qts, "s0");
    vmbus_expect_rescind(c, offer);
    /* vmbus_client checks that no live offer has the same relid */
    for (int i = 0; i < 3; i++) {
        g_autofree char *id = g_strdup_printf("hot%d", i);

        qtest_qmp_device_add(g->qts, "hv-scsi", id, "{}");
        fresh = vmbus_expect_offer(c, VMBUS_GUID_SCSI, 0, 1 + i);
        g_assert_cmpuint(fresh->relid, !=, relid);
    }
    vmbus_post_relid(c, HVBUS_MSG_RELID_RELEASED, relid);
    qtest_qmp_eventwait(g->qts, "DEVICE_DELETED");
    stop(g, c);
}

static void test_rescinded_open_channel_can_be_taken_down(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusOffer *offer = scsi_offer(c, 0);
    VmbusChannel *ch = vmbus_channel_open(c, offer, RING_PAGES, 0);
    uint32_t relid = offer->relid;

    qtest_qmp_device_del_send(g->qts, "s0");
    vmbus_expect_rescind(c, offer);
    /* Linux: close, teardown, then release */
    vmbus_channel_close(ch);
    vmbus_post_relid(c, HVBUS_MSG_RELID_RELEASED, relid);
    qtest_qmp_eventwait(g->qts, "DEVICE_DELETED");
    stop(g, c);
}

/* --- GPADLs --- */

static void test_gpadl_of_any_size(void)
{
    static const unsigned pages[] = { 1, 26, 27, 54, 55, 4096, 7936, 8190, 8191,
                                      8192, 16384, 32768 };
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    uint32_t relid = scsi_offer(c, 0)->relid;

    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        /* any memory will do, nothing is read from it */
        uint32_t id = vmbus_gpadl_create(c, relid, HV_GUEST_HEAP_GPA, pages[i]);

        vmbus_gpadl_teardown(c, relid, id);
    }
    stop(g, c);
}

static uint32_t gpadl_status(VmbusClient *c, uint32_t gpadl_id)
{
    VmbusMessage answer = vmbus_expect(c, HVBUS_MSG_GPADL_CREATED);

    g_assert_cmphex(le32_to_cpu(answer.gpadl_created.gpadl_id), ==, gpadl_id);
    return le32_to_cpu(answer.gpadl_created.status);
}

static void test_gpadls_of_two_channels_interleave(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    uint32_t relid[2] = { scsi_offer(c, 0)->relid, scsi_offer(c, 1)->relid };
    uint8_t head[HV_MSG_PAYLOAD_BYTES] = { 0 };
    uint8_t body[HV_MSG_PAYLOAD_BYTES] = { 0 };
    const unsigned left = 40 - HVBUS_GPADL_HEADER_MAX_PFNS;

    for (int i = 0; i < 2; i++) {
        HvbusGpadlHeaderWire *h = (void *)head;

        h->hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_HEADER);
        h->relid = cpu_to_le32(relid[i]);
        h->gpadl_id = cpu_to_le32(0x100 + i);
        h->range_bytes = cpu_to_le16(8 + 40 * 8);
        h->range_count = cpu_to_le16(1);
        h->byte_count = cpu_to_le32(40 * HV_PAGE_SIZE);
        memset(head + sizeof(*h), 0, HVBUS_GPADL_HEADER_MAX_PFNS * 8);
        g_assert_cmphex(vmbus_post(c, head, sizeof(*h) +
                                   8 * HVBUS_GPADL_HEADER_MAX_PFNS), ==, 0);
    }
    for (int i = 1; i >= 0; i--) {
        HvbusGpadlBodyWire *b = (void *)body;

        b->hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_BODY);
        b->gpadl_id = cpu_to_le32(0x100 + i);
        g_assert_cmphex(vmbus_post(c, body, sizeof(*b) + 8 * left), ==, 0);
        g_assert_cmphex(gpadl_status(c, 0x100 + i), ==, 0);
    }
    stop(g, c);
}

static void test_gpadl_errors_are_answered(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    uint32_t relid = scsi_offer(c, 0)->relid;
    uint32_t id;

    /* for a channel that does not exist */
    vmbus_post_gpadl(c, UNKNOWN_RELID, UNKNOWN_GPADL, 0, 4);
    g_assert_cmphex(gpadl_status(c, UNKNOWN_GPADL), !=, 0);
    /* with a handle that is in use */
    id = vmbus_gpadl_create(c, relid, HV_GUEST_HEAP_GPA, 4);
    vmbus_post_gpadl(c, relid, id, HV_GUEST_HEAP_GPA, 4);
    g_assert_cmphex(gpadl_status(c, id), !=, 0);
    vmbus_gpadl_teardown(c, relid, id);
    /* of a handle that nobody knows */
    vmbus_gpadl_teardown(c, relid, UNKNOWN_GPADL);
    vmbus_gpadl_teardown(c, UNKNOWN_RELID, UNKNOWN_GPADL);
    stop(g, c);
}

/* --- channels --- */

static void test_channel_opens_closes_and_reopens(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);

    for (int i = 0; i < 20; i++) {
        VmbusChannel *ch = vmbus_channel_open(c, scsi_offer(c, i % 2),
                                              RING_PAGES, i % HV_GUEST_VPS);

        vmbus_channel_close(ch);
    }
    stop(g, c);
}

static void test_bad_opens_are_answered(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusOffer nobody = { .relid = UNKNOWN_RELID };
    VmbusChannel *ch = vmbus_channel_new(c, scsi_offer(c, 0), RING_PAGES);
    VmbusChannel fake = *ch;

    fake.offer = &nobody;
    g_assert_cmphex(vmbus_channel_try_open(&fake, 0), !=, HVBUS_STATUS_OK);
    fake = *ch;
    fake.gpadl_id = UNKNOWN_GPADL;
    g_assert_cmphex(vmbus_channel_try_open(&fake, 0), !=, HVBUS_STATUS_OK);
    /* one ring takes all pages, or has no room for data */
    for (unsigned pages = 0; pages <= 2 * RING_PAGES + 1; pages++) {
        if (pages < HVBUS_RING_MIN_PAGES ||
            pages > 2 * RING_PAGES - HVBUS_RING_MIN_PAGES) {
            fake = *ch;
            fake.pages = pages;
            g_assert_cmphex(vmbus_channel_try_open(&fake, 0), !=,
                            HVBUS_STATUS_OK);
        }
    }
    fake = *ch;
    fake.pages = 0xffffffff;
    g_assert_cmphex(vmbus_channel_try_open(&fake, 0), !=, HVBUS_STATUS_OK);
    /* none of that spoilt the channel */
    g_assert_cmphex(vmbus_channel_try_open(ch, 0), ==, HVBUS_STATUS_OK);
    g_assert_cmphex(vmbus_channel_try_open(ch, 0), !=, HVBUS_STATUS_OK);
    g_assert_cmphex(storvsc_operation(&(Storvsc) {
        .c = c, .ch = { ch }, .channels = 1,
        .done = g_hash_table_new(g_int64_hash, g_int64_equal),
    }, STORVSP_OP_BEGIN_INITIALIZATION), ==, STORVSP_STATUS_SUCCESS);
    vmbus_channel_close(ch);
    stop(g, c);
}

static void test_completion_interrupts_the_target_vp(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusOffer *offer = scsi_offer(c, 0);
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_BEGIN_INITIALIZATION),
    };
    HvbusModifyWire modify = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_MODIFYCHANNEL),
        .relid = cpu_to_le32(offer->relid),
        .target_vp = cpu_to_le32(3),
    };
    VmbusChannel *ch = vmbus_channel_open(c, offer, RING_PAGES, 1);
    VmbusMessage answer;
    VmbusPacket got;

    for (unsigned vp = 1; vp <= 3; vp += 2) {
        hv_guest_drain_irqs(g, vp, HV_GUEST_VECTOR);
        vmbus_channel_send(ch, HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION, 77,
                           NULL, 0, &pkt, sizeof(pkt));
        g_assert(vmbus_channel_wait(ch, &got, HV_GUEST_TIMEOUT_US));
        g_assert_cmpuint(got.trans_id, ==, 77);
        g_assert_cmphex(hv_guest_take_flags(g, vp, HVBUS_SINT,
                                            offer->relid / 64), ==,
                        BIT_ULL(offer->relid % 64));
        g_assert_cmpuint(hv_guest_drain_irqs(g, vp, HV_GUEST_VECTOR), ==, 1);
        if (vp == 1) {
            g_assert_cmphex(vmbus_post(c, &modify, sizeof(modify)), ==, 0);
            answer = vmbus_expect(c, HVBUS_MSG_MODIFYCHANNEL_RESPONSE);
            g_assert_cmpuint(le32_to_cpu(answer.modified.relid), ==,
                             offer->relid);
            g_assert_cmpuint(le32_to_cpu(answer.modified.status), ==, 0);
        }
    }
    vmbus_channel_close(ch);
    stop(g, c);
}

static void test_masked_ring_does_not_interrupt(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_BEGIN_INITIALIZATION),
    };
    VmbusChannel *ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 1);
    VmbusPacket got;

    vmbus_ring_header(ch, &ch->in)->interrupt_mask = 1;
    vmbus_channel_send(ch, HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION, 5,
                       NULL, 0, &pkt, sizeof(pkt));
    g_assert(vmbus_channel_wait(ch, &got, HV_GUEST_TIMEOUT_US));
    g_assert_cmpuint(hv_guest_drain_irqs(g, 1, HV_GUEST_VECTOR), ==, 0);
    vmbus_channel_close(ch);
    stop(g, c);
}

static void test_modify_is_answered_from_5_3_on(void)
{
    HvbusModifyWire modify = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_MODIFYCHANNEL),
        .relid = cpu_to_le32(UNKNOWN_RELID),
        .target_vp = cpu_to_le32(1),
    };
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    VmbusMessage answer;
    VmbusChannel *ch;

    /* the wait for it has no timeout in Linux: even an error is answered */
    g_assert_cmphex(vmbus_post(c, &modify, sizeof(modify)), ==, 0);
    answer = vmbus_expect(c, HVBUS_MSG_MODIFYCHANNEL_RESPONSE);
    g_assert_cmpuint(le32_to_cpu(answer.modified.status), !=, 0);
    ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 0);
    modify.relid = cpu_to_le32(ch->offer->relid);
    modify.target_vp = cpu_to_le32(1000);
    g_assert_cmphex(vmbus_post(c, &modify, sizeof(modify)), ==, 0);
    answer = vmbus_expect(c, HVBUS_MSG_MODIFYCHANNEL_RESPONSE);
    g_assert_cmpuint(le32_to_cpu(answer.modified.relid), ==, ch->offer->relid);
    vmbus_channel_forget(ch);
    vmbus_unload(c);

    vmbus_connect(c, HVBUS_VERSION_5_2);
    vmbus_request_offers(c);
    ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 0);
    modify.relid = cpu_to_le32(ch->offer->relid);
    modify.target_vp = cpu_to_le32(2);
    g_assert_cmphex(vmbus_post(c, &modify, sizeof(modify)), ==, 0);
    g_assert(vmbus_is_quiet(c));
    vmbus_channel_close(ch);
    stop(g, c);
}

/* More messages than one slot: none is lost, the order is kept */
static void test_answers_queue_behind_a_busy_slot(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);

    for (uint32_t i = 0; i < 64; i++) {
        HvbusGpadlTeardownWire msg = {
            .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_TEARDOWN),
            .gpadl_id = cpu_to_le32(0x1000 + i),
        };

        g_assert_cmphex(vmbus_post(c, &msg, sizeof(msg)), ==, HV_STATUS_OK);
    }
    for (uint32_t i = 0; i < 64; i++) {
        VmbusMessage answer = vmbus_expect(c, HVBUS_MSG_GPADL_TORNDOWN);

        g_assert_cmphex(le32_to_cpu(answer.torndown.gpadl_id), ==, 0x1000 + i);
    }
    stop(g, c);
}

static void test_connection_survives_migration(void)
{
    VmbusClient *c;
    HvGuest *g = start_connected(&c);
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_BEGIN_INITIALIZATION),
    };
    VmbusChannel *ch = vmbus_channel_open(c, scsi_offer(c, 1), RING_PAGES, 1);
    VmbusPacket got;

    /* a message waits for the slot, a GPADL is half there */
    for (uint32_t i = 0; i < 3; i++) {
        HvbusGpadlTeardownWire msg = {
            .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_TEARDOWN),
            .gpadl_id = cpu_to_le32(0x2000 + i),
        };

        g_assert_cmphex(vmbus_post(c, &msg, sizeof(msg)), ==, HV_STATUS_OK);
    }
    hv_guest_migrate(g);
    for (uint32_t i = 0; i < 3; i++) {
        VmbusMessage answer = vmbus_expect(c, HVBUS_MSG_GPADL_TORNDOWN);

        g_assert_cmphex(le32_to_cpu(answer.torndown.gpadl_id), ==, 0x2000 + i);
    }
    vmbus_channel_send(ch, HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION, 9,
                       NULL, 0, &pkt, sizeof(pkt));
    g_assert(vmbus_channel_wait(ch, &got, HV_GUEST_TIMEOUT_US));
    vmbus_channel_close(ch);
    ch = vmbus_channel_open(c, scsi_offer(c, 0), RING_PAGES, 0);
    vmbus_channel_close(ch);
    vmbus_unload(c);
    vmbus_connect(c, HVBUS_VERSION_5_3);
    stop(g, c);
}

static void test_needs_a_partition(void)
{
    g_autofree char *text = NULL;
    HvGuest *g = hv_guest_start_cpu("qemu64", "");

    text = qtest_hmp(g->qts, "device_add hv-vmbus");
    g_assert(strstr(text, "Hyper-V") || strstr(text, "hot"));
    hv_guest_stop(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define VMBUS_TEST(_name) \
    qtest_add_func("/paravisor/vmbus/" #_name, test_##_name)
    VMBUS_TEST(speaks_each_version);
    VMBUS_TEST(refuses_unknown_versions);
    VMBUS_TEST(unknown_connection_id_is_refused);
    VMBUS_TEST(answers_on_the_vp_it_was_told);
    VMBUS_TEST(second_contact_starts_afresh);
    VMBUS_TEST(unload_is_answered_in_every_state);
    VMBUS_TEST(unload_is_silent_afterwards);
    VMBUS_TEST(offers_are_unique_and_stable);
    VMBUS_TEST(reoffers_after_reset);
    VMBUS_TEST(hot_added_device_is_offered);
    VMBUS_TEST(relid_is_kept_until_released);
    VMBUS_TEST(rescinded_open_channel_can_be_taken_down);
    VMBUS_TEST(gpadl_of_any_size);
    VMBUS_TEST(gpadls_of_two_channels_interleave);
    VMBUS_TEST(gpadl_errors_are_answered);
    VMBUS_TEST(channel_opens_closes_and_reopens);
    VMBUS_TEST(bad_opens_are_answered);
    VMBUS_TEST(completion_interrupts_the_target_vp);
    VMBUS_TEST(masked_ring_does_not_interrupt);
    VMBUS_TEST(modify_is_answered_from_5_3_on);
    VMBUS_TEST(answers_queue_behind_a_busy_slot);
    VMBUS_TEST(connection_survives_migration);
    VMBUS_TEST(needs_a_partition);
    return g_test_run();
}
