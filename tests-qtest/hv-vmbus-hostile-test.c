/*
 * VMBus and its rings against a guest that lies
 *
 * After each story: QEMU runs, the second controller's channel works, the log is
 * short, and the channel that was abused can be opened anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/flipper.h"
#include "lib/storvsc-client.h"

#define RING_PAGES          4
#define FUZZ_SEED           0x76627573
#define FUZZ_US             (3 * G_USEC_PER_SEC)
#define FLIP_US             (G_USEC_PER_SEC / 2)
#define LOG_LIMIT_BYTES     (16 * KiB)
#define RSS_LIMIT_BYTES     (96 * MiB)

typedef struct Victim {
    HvGuest *g;
    VmbusClient *c;
    Storvsc *bystander;         /* another controller: must not notice */
    uint64_t rss_bytes;
} Victim;

static void connect_bystander(Victim *v)
{
    vmbus_connect(v->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(v->c);
    v->bystander = storvsc_start(v->c, 1, STORVSP_VERSION_6_2);
}

static void start(Victim *v)
{
    v->g = hv_guest_start(
        "-device hv-vmbus -device hv-scsi,id=s0 -device hv-scsi,id=s1 "
        "-blockdev driver=null-co,node-name=d0,size=1048576,read-zeroes=on "
        "-device scsi-hd,bus=s1.0,scsi-id=0,lun=0,drive=d0 "
        "-blockdev driver=null-co,node-name=d1,size=1048576,read-zeroes=on "
        "-device scsi-hd,bus=s0.0,scsi-id=0,lun=0,drive=d1 ");
    v->c = vmbus_client_new(v->g, 0);
    connect_bystander(v);
    storvsc_test_unit(v->bystander, 0);
    v->rss_bytes = hv_guest_rss_bytes(v->g);
}

static VmbusOffer *victim_offer(Victim *v)
{
    return vmbus_expect_offer(v->c, VMBUS_GUID_SCSI, 0, 0);
}

static void check_bystander(Victim *v)
{
    vmbus_expect_alive(v->c);
    g_assert_cmphex(storvsc_test_unit(v->bystander, 0), ==,
                    STORVSP_SRB_SUCCESS);
}

static void check_victim_reopens(Victim *v)
{
    Storvsc *s = storvsc_start(v->c, 0, STORVSP_VERSION_6_2);

    storvsc_test_unit(s, 0);
    g_assert_cmphex(storvsc_test_unit(s, 0), ==, STORVSP_SRB_SUCCESS);
    storvsc_close(s);
}

static void stop(Victim *v)
{
    check_bystander(v);
    check_victim_reopens(v);
    g_assert_cmpuint(hv_guest_log_bytes(v->g), <, LOG_LIMIT_BYTES);
    hv_guest_check_rss(v->g, v->rss_bytes, RSS_LIMIT_BYTES);
    storvsc_close(v->bystander);
    vmbus_client_free(v->c);
    hv_guest_stop(v->g);
}

/* --- messages --- */

static void test_messages_of_every_length(void)
{
    uint8_t msg[HV_MSG_PAYLOAD_BYTES];
    Victim v;

    start(&v);
    for (int fill = 0; fill <= 0xff; fill += 0xff) {
        for (uint32_t type = 0; type <= 32; type++) {
            if (type == HVBUS_MSG_INITIATE_CONTACT ||
                type == HVBUS_MSG_UNLOAD ||
                type == HVBUS_MSG_REQUESTOFFERS) {
                continue;       /* these end the connection: see below */
            }
            for (uint32_t bytes = 0; bytes <= sizeof(msg); bytes++) {
                memset(msg, fill, sizeof(msg));
                stl_le_p(msg, type);
                vmbus_post(v.c, msg, bytes);
                if (bytes % 16 == 0) {
                    vmbus_pump(v.c);
                }
            }
            vmbus_expect_alive(v.c);
            g_queue_clear_full(v.c->inbox, g_free);
        }
    }
    stop(&v);
}

static void test_contact_of_every_length(void)
{
    uint8_t msg[HV_MSG_PAYLOAD_BYTES];
    Victim v;

    start(&v);
    for (int fill = 0; fill <= 0xff; fill += 0xff) {
        for (uint32_t bytes = 0; bytes <= sizeof(msg); bytes++) {
            memset(msg, fill, sizeof(msg));
            stl_le_p(msg, HVBUS_MSG_INITIATE_CONTACT);
            vmbus_post(v.c, msg, bytes);
            if (bytes >= 12) {
                stl_le_p(msg + 8, HVBUS_VERSION_5_3);
                vmbus_post(v.c, msg, bytes);
            }
            vmbus_pump(v.c);
        }
    }
    storvsc_forget(v.bystander);
    connect_bystander(&v);
    storvsc_test_unit(v.bystander, 0);
    stop(&v);
}

static void post_sample(VmbusClient *c, uint32_t type, uint32_t relid)
{
    uint8_t msg[HV_MSG_PAYLOAD_BYTES] = { 0 };

    stl_le_p(msg, type);
    stl_le_p(msg + 8, relid);
    stl_le_p(msg + 12, 0x4711);
    vmbus_post(c, msg, 148);
    vmbus_pump(c);
}

/* Each type in each state of the connection and of a channel */
static void test_messages_in_the_wrong_state(void)
{
    Victim v;

    start(&v);
    for (unsigned state = 0; state <= 4; state++) {
        for (uint32_t type = 0; type <= HVBUS_MSG_COUNT; type++) {
            VmbusChannel *ch = NULL;
            uint32_t relid = 1;

            storvsc_forget(v.bystander);
            vmbus_connect(v.c, HVBUS_VERSION_5_3);
            vmbus_unload(v.c);
            if (state >= 1) {
                vmbus_connect(v.c, HVBUS_VERSION_5_3);
            }
            if (state >= 2) {
                vmbus_request_offers(v.c);
                relid = victim_offer(&v)->relid;
            }
            if (state >= 3) {
                ch = vmbus_channel_new(v.c, victim_offer(&v), RING_PAGES);
            }
            if (state >= 4) {
                vmbus_channel_try_open(ch, 0);
            }
            post_sample(v.c, type, relid);
            post_sample(v.c, type, relid);
            if (ch) {
                vmbus_channel_forget(ch);
            }
            connect_bystander(&v);
            storvsc_test_unit(v.bystander, 0);
        }
    }
    stop(&v);
}

/* --- GPADLs --- */

static void post_gpadl_header(VmbusClient *c, uint32_t relid, uint32_t id,
                              uint16_t range_bytes, uint16_t range_count,
                              uint32_t byte_count, uint32_t byte_offset,
                              uint64_t pfn, unsigned pfns)
{
    uint8_t buf[HV_MSG_PAYLOAD_BYTES] = { 0 };
    HvbusGpadlHeaderWire h = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_HEADER),
        .relid = cpu_to_le32(relid),
        .gpadl_id = cpu_to_le32(id),
        .range_bytes = cpu_to_le16(range_bytes),
        .range_count = cpu_to_le16(range_count),
        .byte_count = cpu_to_le32(byte_count),
        .byte_offset = cpu_to_le32(byte_offset),
    };

    memcpy(buf, &h, sizeof(h));
    for (unsigned i = 0; i < pfns; i++) {
        stq_le_p(buf + sizeof(h) + 8 * i, pfn + i);
    }
    vmbus_post(c, buf, sizeof(h) + 8 * pfns);
    vmbus_pump(c);
}

static void test_gpadl_counts_that_lie(void)
{
    static const uint16_t range_bytes[] = { 0, 7, 8, 16, 24, 0x8000, 0xffff };
    static const uint16_t range_counts[] = { 0, 1, 2, 0xffff };
    static const uint32_t byte_counts[] = {
        0, 1, 4096, 4097, 0x7fffffff, 0xfffff000, 0xffffffff,
    };
    static const uint32_t offsets[] = { 0, 1, 4095, 4096, 0xffffffff };
    uint32_t id = 0x10000, relid;
    Victim v;

    start(&v);
    relid = victim_offer(&v)->relid;
    for (size_t a = 0; a < ARRAY_SIZE(range_bytes); a++) {
        for (size_t b = 0; b < ARRAY_SIZE(range_counts); b++) {
            for (size_t c = 0; c < ARRAY_SIZE(byte_counts); c++) {
                for (size_t d = 0; d < ARRAY_SIZE(offsets); d++) {
                    post_gpadl_header(v.c, relid, id++, range_bytes[a],
                                      range_counts[b], byte_counts[c],
                                      offsets[d], ~0ull, (a + d) % 3);
                }
            }
        }
        vmbus_expect_alive(v.c);
        g_queue_clear_full(v.c->inbox, g_free);
    }
    /* forget what was taken */
    storvsc_forget(v.bystander);
    vmbus_unload(v.c);
    connect_bystander(&v);
    storvsc_test_unit(v.bystander, 0);
    stop(&v);
}

/* Headers that promise 32 MiB each and bring nothing */
static void test_gpadl_storm_is_bounded_in_memory(void)
{
    uint32_t relid, refused = 0;
    Victim v;

    start(&v);
    relid = victim_offer(&v)->relid;
    for (uint32_t id = 1; id <= 8000; id++) {
        post_gpadl_header(v.c, relid, id, 0xfff8, 1, 8190 * HV_PAGE_SIZE, 0,
                          1, 26);
        refused += g_queue_get_length(v.c->inbox);
        g_queue_clear_full(v.c->inbox, g_free);
    }
    g_assert_cmpuint(refused, >, 0);
    hv_guest_check_rss(v.g, v.rss_bytes, RSS_LIMIT_BYTES);
    storvsc_forget(v.bystander);
    vmbus_unload(v.c);
    connect_bystander(&v);
    storvsc_test_unit(v.bystander, 0);
    stop(&v);
}

static void test_gpadl_bodies_without_header(void)
{
    uint8_t buf[HV_MSG_PAYLOAD_BYTES] = { 0 };
    uint32_t relid, id;
    Victim v;

    start(&v);
    relid = victim_offer(&v)->relid;
    id = vmbus_gpadl_create(v.c, relid, HV_GUEST_HEAP_GPA, 40);
    stl_le_p(buf, HVBUS_MSG_GPADL_BODY);
    for (uint32_t bytes = 16; bytes <= sizeof(buf); bytes++) {
        stl_le_p(buf + 12, id);             /* complete already */
        vmbus_post(v.c, buf, bytes);
        stl_le_p(buf + 12, 0x777777);       /* unknown */
        vmbus_post(v.c, buf, bytes);
    }
    vmbus_gpadl_teardown(v.c, relid, id);
    stop(&v);
}

/* Rings in places that are not memory */
static void test_ring_outside_of_memory(void)
{
    static const uint64_t gpas[] = {
        1ull << 40, HV_GUEST_RAM_BYTES - HV_PAGE_SIZE, 0xfee00000,
        HV_TESTDEV_GPA, 0xfffffffff000ull,
    };
    Victim v;

    start(&v);
    for (size_t i = 0; i < ARRAY_SIZE(gpas); i++) {
        uint32_t id = v.c->next_gpadl_id++;
        VmbusOffer *offer = victim_offer(&v);
        VmbusChannel ch = {
            .c = v.c, .offer = offer, .gpadl_id = id, .pages = RING_PAGES,
        };
        VmbusMessage answer;

        vmbus_post_gpadl(v.c, offer->relid, id, gpas[i], 2 * RING_PAGES);
        answer = vmbus_expect(v.c, HVBUS_MSG_GPADL_CREATED);
        if (!answer.gpadl_created.status) {
            g_assert_cmphex(vmbus_channel_try_open(&ch, 0), !=,
                            HVBUS_STATUS_OK);
            vmbus_gpadl_teardown(v.c, offer->relid, id);
        }
    }
    stop(&v);
}

/* --- rings --- */

static void signal_and_settle(VmbusChannel *ch)
{
    vmbus_channel_signal(ch);
    for (int i = 0; i < 4; i++) {
        hv_guest_step(ch->c->g, 0);
    }
}

static void test_ring_indexes_out_of_range(void)
{
    static const uint32_t values[] = {
        1, 4, 7, 12288, 12287, 12280, 12289, 0x7ffffff8, 0x80000000,
        0xfffffff8, 0xffffffff,
    };
    Victim v;

    start(&v);
    for (unsigned field = 0; field < 4; field++) {
        for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
            VmbusChannel *ch = vmbus_channel_open(v.c, victim_offer(&v),
                                                  RING_PAGES, 0);
            HvbusRingHeaderWire *h =
                vmbus_ring_header(ch, field < 2 ? &ch->out : &ch->in);
            StorvspPacketWire pkt = {
                .operation = cpu_to_le32(STORVSP_OP_BEGIN_INITIALIZATION),
            };

            /* an answer is on its way when the index goes wrong */
            vmbus_channel_push(ch, HVBUS_PKT_INBAND, HVBUS_PKT_FLAG_COMPLETION,
                               1, NULL, 0, &pkt, sizeof(pkt));
            if (field % 2) {
                h->read_index = cpu_to_le32(values[i]);
            } else {
                h->write_index = cpu_to_le32(values[i]);
            }
            signal_and_settle(ch);
            check_bystander(&v);
            vmbus_channel_close(ch);
        }
    }
    stop(&v);
}

static void test_packet_lengths_that_lie(void)
{
    static const uint16_t lens[] = { 0, 1, 2, 3, 9, 10, 11, 511, 1535, 0xffff };
    static const uint16_t offs[] = { 0, 1, 2, 3, 9, 10, 11, 0x7fff, 0xffff };
    static const uint16_t types[] = { 0, 6, 7, 9, 11, 0xffff };
    Victim v;

    start(&v);
    for (size_t l = 0; l < ARRAY_SIZE(lens); l++) {
        for (size_t o = 0; o < ARRAY_SIZE(offs); o++) {
            uint16_t type = types[(l + o) % ARRAY_SIZE(types)];
            VmbusChannel *ch = vmbus_channel_open(v.c, victim_offer(&v),
                                                  RING_PAGES, 0);
            uint8_t raw[88] = { 0 };

            stw_le_p(raw, type);
            stw_le_p(raw + 2, offs[o]);
            stw_le_p(raw + 4, lens[l]);
            stw_le_p(raw + 6, HVBUS_PKT_FLAG_COMPLETION);
            stl_le_p(raw + 20, 0xffffffff);     /* range count */
            vmbus_channel_push_raw(ch, raw, sizeof(raw));
            signal_and_settle(ch);
            vmbus_channel_close(ch);
        }
        check_bystander(&v);
    }
    stop(&v);
}

static void test_headers_that_flip(void)
{
    static const uint32_t values[] = {
        0, 8, 16, 88, 1024, 12280, 12288, 0xfffffff8, 1, 0x10000,
    };
    Victim v;

    start(&v);
    for (unsigned which = 0; which < 2; which++) {
        VmbusChannel *ch = vmbus_channel_open(v.c, victim_offer(&v), RING_PAGES,
                                              1);
        uint32_t *words = hv_guest_ptr(v.g, which ? ch->in.gpa : ch->out.gpa);
        Flipper *f = flipper_start(words, 17, values, ARRAY_SIZE(values),
                                   FUZZ_SEED);
        int64_t end = g_get_monotonic_time() + FLIP_US;

        while (g_get_monotonic_time() < end) {
            signal_and_settle(ch);
        }
        flipper_stop(f);
        check_bystander(&v);
        vmbus_channel_close(ch);
    }
    stop(&v);
}

/* The packets change while they are copied and parsed */
static void test_packets_that_flip(void)
{
    static const uint32_t values[] = {
        0x00020006, 0x00020009, 0x000a0006, 0xffff0009, 0x0001000a,
        0x0001ffff, 0x00010000, 1, 3, 7, 0xffffffff, 0,
    };
    int64_t end = 0;
    Victim v;

    start(&v);
    for (int round = 0; round < 10; round++) {
        VmbusChannel *ch = vmbus_channel_open(v.c, victim_offer(&v), RING_PAGES,
                                              1);
        uint32_t *words = (uint32_t *)vmbus_ring_data(ch, &ch->out);
        Flipper *f = flipper_start(words, ch->out.data_bytes / 4, values,
                                   ARRAY_SIZE(values), FUZZ_SEED + round);
        uint32_t at = 0;

        end = g_get_monotonic_time() + FLIP_US / 10;
        while (g_get_monotonic_time() < end) {
            at = (at + 88) % ch->out.data_bytes;
            vmbus_ring_header(ch, &ch->out)->write_index = cpu_to_le32(at);
            vmbus_ring_header(ch, &ch->in)->read_index =
                vmbus_ring_header(ch, &ch->in)->write_index;
            signal_and_settle(ch);
        }
        flipper_stop(f);
        vmbus_channel_close(ch);
    }
    stop(&v);
}

/* --- storms --- */

static void test_storm_of_signals(void)
{
    VmbusChannel *ch;
    Victim v;

    start(&v);
    ch = vmbus_channel_open(v.c, victim_offer(&v), RING_PAGES, 0);
    for (int i = 0; i < 5000; i++) {
        vmbus_channel_signal(ch);
        /* to ids and flags that are nobody's as well */
        hv_guest_signal(v.g, i % HV_GUEST_VPS, i * 17, i * 31);
    }
    check_bystander(&v);
    vmbus_channel_close(ch);
    stop(&v);
}

static void test_rapid_open_and_close(void)
{
    Victim v;

    start(&v);
    for (int i = 0; i < 100; i++) {
        VmbusChannel *ch = vmbus_channel_open(v.c, victim_offer(&v), RING_PAGES,
                                              i % HV_GUEST_VPS);
        uint8_t junk[96];

        memset(junk, i, sizeof(junk));
        vmbus_channel_push_raw(ch, junk, sizeof(junk));
        vmbus_channel_signal(ch);
        vmbus_channel_close(ch);
        /* a bell for what is gone */
        hv_guest_signal(v.g, 0, victim_offer(&v)->conn_id, 0);
    }
    stop(&v);
}

static void test_rapid_offer_and_rescind(void)
{
    Victim v;

    start(&v);
    for (int i = 0; i < 30; i++) {
        VmbusOffer *offer;

        qtest_qmp_device_add(v.g->qts, "hv-scsi", "hot", "{}");
        if (i % 3) {
            vmbus_expect_offer(v.c, VMBUS_GUID_SCSI, 0, 2);
        }
        qtest_qmp_device_del_send(v.g->qts, "hot");
        offer = g_ptr_array_index(v.c->offers, v.c->offers->len - 1);
        while (offer->sub_idx || !offer->rescinded) {
            vmbus_pump(v.c);
            offer = g_ptr_array_index(v.c->offers, v.c->offers->len - 1);
        }
        vmbus_post_relid(v.c, HVBUS_MSG_RELID_RELEASED, offer->relid);
        qtest_qmp_eventwait(v.g->qts, "DEVICE_DELETED");
    }
    stop(&v);
}

/* Messages posted and never taken from the slot */
static void test_guest_that_reads_no_answers(void)
{
    uint32_t accepted = 0;
    Victim v;

    start(&v);
    for (uint32_t i = 0; i < 20000; i++) {
        HvbusGpadlTeardownWire msg = {
            .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_TEARDOWN),
            .gpadl_id = cpu_to_le32(i),
        };

        accepted += vmbus_post(v.c, &msg, sizeof(msg)) == HV_STATUS_OK;
    }
    g_assert_cmpuint(accepted, >, 0);
    hv_guest_check_rss(v.g, v.rss_bytes, RSS_LIMIT_BYTES);
    vmbus_is_quiet(v.c);
    for (int i = 0; i < 200; i++) {
        vmbus_is_quiet(v.c);
    }
    g_queue_clear_full(v.c->inbox, g_free);
    stop(&v);
}

/* The pages of the SynIC laid over rings, and taken away under them */
static void test_synic_pages_over_rings(void)
{
    VmbusChannel *ch;
    Victim v;

    start(&v);
    ch = vmbus_channel_open(v.c, victim_offer(&v), RING_PAGES, 3);
    for (int i = 0; i < 50; i++) {
        uint64_t gpa = ch->ring_gpa + (i % (2 * RING_PAGES)) * HV_PAGE_SIZE;

        hv_guest_wrmsr(v.g, 3, HV_MSR_SIMP, gpa | HV_MSR_PAGE_ENABLE);
        hv_guest_wrmsr(v.g, 3, HV_MSR_SIEFP, gpa | HV_MSR_PAGE_ENABLE);
        signal_and_settle(ch);
        hv_guest_wrmsr(v.g, 3, HV_MSR_SCONTROL, i & 1);
        hv_guest_wrmsr(v.g, 3, HV_MSR_SIEFP, 0);
        signal_and_settle(ch);
    }
    hv_guest_wrmsr(v.g, 3, HV_MSR_SIMP, 0);
    vmbus_channel_close(ch);
    stop(&v);
}

/* --- fuzz --- */

static void fuzz_once(Victim *v, GRand *r, VmbusChannel *ch)
{
    uint32_t relid = victim_offer(v)->relid;
    uint8_t msg[HV_MSG_PAYLOAD_BYTES];

    switch (g_rand_int_range(r, 0, 8)) {
    case 0 ... 3:
        for (size_t i = 0; i < sizeof(msg); i += 4) {
            stl_le_p(msg + i, g_rand_int_range(r, 0, 3) ? 0 : g_rand_int(r));
        }
        stl_le_p(msg, g_rand_int_range(r, 5, 26));
        if (ldl_le_p(msg) == HVBUS_MSG_INITIATE_CONTACT ||
            ldl_le_p(msg) == HVBUS_MSG_UNLOAD) {
            return;
        }
        stl_le_p(msg + 8, relid);
        vmbus_post(v->c, msg, g_rand_int_range(r, 0, sizeof(msg) + 1));
        break;
    case 4 ... 5:
        for (size_t i = 0; i < 88; i += 4) {
            stl_le_p(msg + i, g_rand_int(r) & g_rand_int(r) & g_rand_int(r));
        }
        stw_le_p(msg, g_rand_int_range(r, 5, 12));
        stw_le_p(msg + 2, g_rand_int_range(r, 1, 11));
        stw_le_p(msg + 4, g_rand_int_range(r, 1, 12));
        vmbus_channel_push_raw(ch, msg, 88);
        break;
    case 6:
        vmbus_ring_header(ch, &ch->in)->read_index = g_rand_int(r) % 12288 & ~7;
        break;
    default:
        vmbus_channel_signal(ch);
    }
    vmbus_pump(v->c);
    g_queue_clear_full(v->c->inbox, g_free);
}

static void test_random_traffic(void)
{
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    unsigned steps = 0;
    Victim v;

    g_test_message("seed 0x%x", FUZZ_SEED);
    start(&v);
    while (g_get_monotonic_time() < end) {
        VmbusChannel *ch = vmbus_channel_open(v.c, victim_offer(&v), RING_PAGES,
                                              steps % HV_GUEST_VPS);

        for (int i = 0; i < 100; i++, steps++) {
            fuzz_once(&v, r, ch);
        }
        check_bystander(&v);
        vmbus_channel_forget(ch);
        storvsc_forget(v.bystander);
        vmbus_unload(v.c);
        v.g->heap_gpa = 64 * MiB;       /* all ring memory is free again */
        connect_bystander(&v);
        storvsc_test_unit(v.bystander, 0);
    }
    g_test_message("%u steps", steps);
    g_rand_free(r);
    stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/vmbus-hostile/" #_name, test_##_name)
    HOSTILE_TEST(messages_of_every_length);
    HOSTILE_TEST(contact_of_every_length);
    HOSTILE_TEST(messages_in_the_wrong_state);
    HOSTILE_TEST(gpadl_counts_that_lie);
    HOSTILE_TEST(gpadl_storm_is_bounded_in_memory);
    HOSTILE_TEST(gpadl_bodies_without_header);
    HOSTILE_TEST(ring_outside_of_memory);
    HOSTILE_TEST(ring_indexes_out_of_range);
    HOSTILE_TEST(packet_lengths_that_lie);
    HOSTILE_TEST(headers_that_flip);
    HOSTILE_TEST(packets_that_flip);
    HOSTILE_TEST(storm_of_signals);
    HOSTILE_TEST(rapid_open_and_close);
    HOSTILE_TEST(rapid_offer_and_rescind);
    HOSTILE_TEST(guest_that_reads_no_answers);
    HOSTILE_TEST(synic_pages_over_rings);
    HOSTILE_TEST(random_traffic);
    return g_test_run();
}
