/*
 * hv-scsi against a guest that lies: packets, ranges, commands, storms
 *
 * After each story: QEMU runs, the log is short, the data of the other controller
 * is what it was, and the abused controller can be started anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/flipper.h"
#include "lib/storvsc-client.h"

#define FUZZ_SEED           0x73637369
#define FUZZ_US             (3 * G_USEC_PER_SEC)
#define FLIP_US             (G_USEC_PER_SEC / 2)
#define LOG_LIMIT_BYTES     (16 * KiB)
#define RSS_LIMIT_BYTES     (128 * MiB)
#define DISK_BYTES          (1 * MiB)
#define MARK                0x5a
/* RAM that nothing else uses */
#define TARGET_GPA          (96 * MiB)

typedef struct Victim {
    HvGuest *g;
    VmbusClient *c;
    Storvsc *s;                 /* is abused; its disk is junk */
    Storvsc *bystander;         /* its disk holds MARK and must keep it */
    uint64_t check_gpa;         /* a page for the bystander */
    char *image;
    uint64_t rss_bytes;
} Victim;

static void start(Victim *v, const char *extra)
{
    g_autofree char *args = NULL;
    g_autofree char *disk = g_malloc(DISK_BYTES);

    memset(disk, MARK, DISK_BYTES);
    close(g_file_open_tmp("hv-scsi-hostile-XXXXXX", &v->image, NULL));
    g_assert(g_file_set_contents(v->image, disk, DISK_BYTES, NULL));
    args = g_strdup_printf(
        "-device hv-vmbus -device hv-scsi,id=s0 -device hv-scsi,id=s1 "
        "-blockdev driver=null-co,node-name=d0,size=1048576,read-zeroes=on "
        "-device scsi-hd,bus=s0.0,scsi-id=0,lun=0,drive=d0 "
        "-blockdev driver=raw,node-name=d1,file.driver=file,file.filename=%s "
        "-device scsi-hd,bus=s1.0,scsi-id=0,lun=0,drive=d1 %s",
        v->image, extra);
    v->g = hv_guest_start(args);
    v->c = vmbus_client_new(v->g, 0);
    vmbus_connect(v->c, HVBUS_VERSION_5_3);
    vmbus_request_offers(v->c);
    v->s = storvsc_start(v->c, 0, STORVSP_VERSION_6_2);
    v->bystander = storvsc_start(v->c, 1, STORVSP_VERSION_6_2);
    v->check_gpa = hv_guest_alloc(v->g, 1);
    storvsc_test_unit(v->s, 0);
    storvsc_test_unit(v->bystander, 0);
    v->rss_bytes = hv_guest_rss_bytes(v->g);
}

static void check_bystander(Victim *v)
{
    uint8_t *page = hv_guest_ptr(v->g, v->check_gpa);

    memset(page, 0, HV_PAGE_SIZE);
    storvsc_read(v->bystander, 0, 16, 8, v->check_gpa);
    for (unsigned i = 0; i < HV_PAGE_SIZE; i++) {
        g_assert_cmphex(page[i], ==, MARK);
    }
}

/* Close the abused channel and start it anew */
static void restart_victim(Victim *v)
{
    storvsc_close(v->s);
    v->s = storvsc_start(v->c, 0, STORVSP_VERSION_6_2);
    storvsc_test_unit(v->s, 0);
    g_assert_cmphex(storvsc_test_unit(v->s, 0), ==, STORVSP_SRB_SUCCESS);
}

static void stop(Victim *v)
{
    check_bystander(v);
    restart_victim(v);
    g_assert_cmpuint(hv_guest_log_bytes(v->g), <, LOG_LIMIT_BYTES);
    hv_guest_check_rss(v->g, v->rss_bytes, RSS_LIMIT_BYTES);
    storvsc_close(v->s);
    storvsc_close(v->bystander);
    vmbus_client_free(v->c);
    hv_guest_stop(v->g);
    unlink(v->image);
    g_free(v->image);
}

static void settle(Victim *v)
{
    vmbus_channel_signal(v->s->ch[0]);
    for (int i = 0; i < 4; i++) {
        hv_guest_step(v->g, 0);
    }
}

/* Take whatever came from the abused channel, and do not look at it */
static void discard_answers(Victim *v)
{
    VmbusPacket pkt;

    while (vmbus_channel_poll(v->s->ch[0], &pkt)) {
        continue;
    }
}

static void test_packets_of_every_length(void)
{
    Victim v;

    start(&v, "");
    for (uint32_t op = 0; op <= 15; op++) {
        for (uint32_t bytes = 0; bytes <= 128; bytes++) {
            uint8_t msg[128] = { 0 };
            VmbusPacket pkt;

            stl_le_p(msg, op);
            vmbus_channel_send(v.s->ch[0], HVBUS_PKT_INBAND,
                               HVBUS_PKT_FLAG_COMPLETION, 0x1000 + bytes,
                               NULL, 0, msg, bytes);
            /* each is answered: Linux would wait for ever */
            do {
                g_assert(vmbus_channel_wait(v.s->ch[0], &pkt,
                                            HV_GUEST_TIMEOUT_US));
            } while (pkt.type != HVBUS_PKT_COMPLETION);
            g_assert_cmphex(pkt.trans_id, ==, 0x1000 + bytes);
        }
        restart_victim(&v);
    }
    stop(&v);
}

typedef struct BadRange {
    uint32_t range_count;
    uint32_t byte_count;
    uint32_t byte_offset;
    uint64_t pfn;
    unsigned pfns;
    uint32_t data_bytes;        /* of the SRB */
} BadRange;

static void submit_bad_range(Victim *v, const BadRange *bad, uint8_t opcode,
                             uint64_t trans_id)
{
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(STORVSP_OP_EXECUTE_SRB),
        .srb.length = cpu_to_le16(sizeof(StorvspSrbWire)),
        .srb.cdb_length = 10,
        .srb.sense_info_length = STORVSP_SENSE_BYTES,
        .srb.data_in = opcode == 0x28 ? STORVSP_DATA_READ : STORVSP_DATA_WRITE,
        .srb.data_transfer_length = cpu_to_le32(bad->data_bytes),
        .srb.cdb = { opcode, [8] = 8 },
    };
    uint8_t desc[16 + 8 * 8] = { 0 };

    stl_le_p(desc + 4, bad->range_count);
    stl_le_p(desc + 8, bad->byte_count);
    stl_le_p(desc + 12, bad->byte_offset);
    for (unsigned i = 0; i < bad->pfns; i++) {
        stq_le_p(desc + 16 + 8 * i, bad->pfn + i);
    }
    vmbus_channel_send(v->s->ch[0], HVBUS_PKT_GPA_DIRECT,
                       HVBUS_PKT_FLAG_COMPLETION, trans_id, desc,
                       16 + 8 * bad->pfns, &pkt, sizeof(pkt));
    settle(v);
}

static void test_ranges_that_lie(void)
{
    static const uint64_t pfns[] = {
        TARGET_GPA >> HV_PAGE_SHIFT,
        (HV_GUEST_RAM_BYTES >> HV_PAGE_SHIFT) - 1,
        0x100000000, ~0ull, HVBUS_PFN_MAX, 0xfee00, 0xfec00,
        HV_TESTDEV_GPA >> HV_PAGE_SHIFT, 0,
    };
    static const BadRange shapes[] = {
        { 1, 4096, 0, 0, 1, 4096 },
        { 0, 4096, 0, 0, 1, 4096 },
        { 2, 4096, 0, 0, 1, 4096 },
        { 0x10000, 4096, 0, 0, 1, 4096 },
        { 0xffffffff, 4096, 0, 0, 1, 4096 },
        { 1, 0, 0, 0, 0, 4096 },
        { 1, 8192, 0, 0, 1, 8192 },
        { 1, 4096, 1, 0, 1, 4096 },
        { 1, 4096, 4095, 0, 2, 4096 },
        { 1, 4096, 4096, 0, 2, 4096 },
        { 1, 4096, 0xffffffff, 0, 1, 4096 },
        { 1, 0xffffffff, 0, 0, 8, 4096 },
        { 1, 0xffffffff, 0xffffffff, 0, 8, 0xffffffff },
        { 1, 4096, 0, 0, 1, 0 },
        { 1, 4096, 0, 0, 1, 0xffffffff },
        { 1, 512, 0, 0, 1, 4096 },
        { 1, 4096, 0, 0, 1, 512 },
    };
    uint64_t id = 0x2000;
    Victim v;

    start(&v, "");
    for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
        for (size_t p = 0; p < ARRAY_SIZE(pfns); p++) {
            BadRange bad = shapes[s];

            bad.pfn = pfns[p];
            /* reads go to memory, writes come from it */
            submit_bad_range(&v, &bad, 0x28, id++);
            submit_bad_range(&v, &bad, 0x2a, id++);
            discard_answers(&v);
        }
        check_bystander(&v);
        restart_victim(&v);
    }
    stop(&v);
}

/* A read into the registers of a device must not reach them */
static void test_dma_to_device_registers_fails(void)
{
    const BadRange apic = { 1, 4096, 0, 0xfee00, 1, 4096 };
    const BadRange self = {
        1, 4096, 0, HV_TESTDEV_GPA >> HV_PAGE_SHIFT, 1, 4096
    };
    Victim v;
    StorvspPacketWire answer;

    start(&v, "");
    submit_bad_range(&v, &apic, 0x28, 0x3000);
    answer = storvsc_expect(v.s, 0x3000);
    g_assert_cmphex(answer.srb.srb_status, !=, STORVSP_SRB_SUCCESS);
    submit_bad_range(&v, &self, 0x28, 0x3001);
    answer = storvsc_expect(v.s, 0x3001);
    g_assert_cmphex(answer.srb.srb_status, !=, STORVSP_SRB_SUCCESS);
    stop(&v);
}

static void test_one_transaction_id_for_many(void)
{
    StorvscRequest req = { .cdb_bytes = 6, .data_in = STORVSP_DATA_UNKNOWN };
    unsigned answers = 0;
    VmbusPacket pkt;
    Victim v;

    start(&v, "");
    for (int i = 0; i < 32; i++) {
        v.s->next_trans_id = 42;
        storvsc_submit(v.s, 0, &req);
    }
    while (answers < 32) {
        g_assert(vmbus_channel_wait(v.s->ch[0], &pkt, HV_GUEST_TIMEOUT_US));
        g_assert_cmphex(pkt.trans_id, ==, 42);
        answers++;
    }
    g_assert(!vmbus_channel_poll(v.s->ch[0], &pkt));
    stop(&v);
}

static void test_every_command_with_junk(void)
{
    Victim v;
    uint64_t gpa;

    start(&v, "");
    gpa = hv_guest_alloc(v.g, 4);
    for (unsigned op = 0; op <= 0xff; op++) {
        for (int fill = 0; fill < 3; fill++) {
            StorvscRequest req = {
                .cdb_bytes = fill == 1 ? 16 : 6,
                .data_in = fill,
                .data_bytes = fill == 2 ? 0 : 4 * HV_PAGE_SIZE,
                .data_gpa = gpa,
            };

            memset(req.cdb, fill * 0x55, sizeof(req.cdb));
            req.cdb[0] = op;
            /* answered, whatever the answer is */
            storvsc_run(v.s, &req);
        }
    }
    stop(&v);
}

static void test_command_lengths_and_addresses(void)
{
    static const uint8_t lens[] = { 0, 1, 5, 6, 9, 10, 16, 17, 32, 255 };
    Victim v;
    uint64_t gpa;

    start(&v, "");
    gpa = hv_guest_alloc(v.g, 1);
    for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
        for (unsigned addr = 0; addr < 8; addr++) {
            StorvscRequest req = storvsc_rw(false, 0, 0, 8, gpa);

            req.cdb_bytes = lens[i];
            req.path = addr & 1 ? 0xff : 0;
            req.target = addr & 2 ? 0xff : 0;
            req.lun = addr & 4 ? 0xff : 0;
            storvsc_run(v.s, &req);
        }
    }
    stop(&v);
}

static void test_requests_that_flip(void)
{
    static const uint32_t values[] = {
        3, 9, 1, 4096, 0xffffffff, 0, 0x28000a0a, 0x00ff0000, 16, 0x100000,
    };
    Victim v;
    uint64_t gpa;

    start(&v, "");
    gpa = hv_guest_alloc(v.g, 4);
    for (int round = 0; round < 4; round++) {
        VmbusChannel *ch = v.s->ch[0];
        uint32_t *words = (uint32_t *)vmbus_ring_data(v.s->ch[0], &ch->out);
        int64_t end = g_get_monotonic_time() + FLIP_US / 2;
        StorvscRequest req = storvsc_rw(round & 1, 0, 0, 32, gpa);
        Flipper *f;

        g_assert_cmpuint(storvsc_try_submit(v.s, 0, &req, false), !=, 0);
        f = flipper_start(words, ch->out.data_bytes / 4, values,
                          ARRAY_SIZE(values), FUZZ_SEED + round);
        while (g_get_monotonic_time() < end) {
            uint32_t w = le32_to_cpu(vmbus_ring_header(ch, &ch->out)
                                     ->write_index);

            w = (w + 136) % ch->out.data_bytes;
            vmbus_ring_header(ch, &ch->out)->write_index = cpu_to_le32(w);
            vmbus_ring_header(ch, &ch->in)->read_index =
                vmbus_ring_header(ch, &ch->in)->write_index;
            settle(&v);
        }
        flipper_stop(f);
        check_bystander(&v);
        restart_victim(&v);
    }
    stop(&v);
}

static void test_storm_of_subchannel_requests(void)
{
    Victim v;

    start(&v, "");
    for (unsigned i = 0; i < 300; i++) {
        StorvspPacketWire pkt = {
            .operation = cpu_to_le32(STORVSP_OP_CREATE_SUB_CHANNELS),
            .sub_channel_count = cpu_to_le16(i % 5 ? i : v.s->max_subchannels),
        };

        storvsc_exchange(v.s, 0, &pkt);
        vmbus_pump(v.c);
    }
    stop(&v);
}

/* As many requests as the guest can post, none of which ends soon */
static void test_requests_in_flight_are_bounded(void)
{
    StorvscRequest req;
    uint64_t gpa;
    unsigned sent = 0;
    Victim v;

    start(&v, "-blockdev driver=null-co,node-name=slow,size=67108864,"
              "latency-ns=2000000000 "
              "-device scsi-hd,bus=s0.0,scsi-id=0,lun=7,drive=slow ");
    gpa = hv_guest_alloc(v.g, 1);
    req = storvsc_rw(false, 7, 0, 8, gpa);
    storvsc_test_unit(v.s, 7);
    v.rss_bytes = hv_guest_rss_bytes(v.g);
    for (int i = 0; i < 6000; i++) {
        if (storvsc_try_submit(v.s, 0, &req, i % 32 == 0)) {
            sent++;
        } else {
            settle(&v);
        }
    }
    g_assert_cmpuint(sent, >, 100);
    check_bystander(&v);
    hv_guest_check_rss(v.g, v.rss_bytes, RSS_LIMIT_BYTES);
    stop(&v);
}

static void fuzz_packet(Victim *v, GRand *r, uint64_t gpa)
{
    StorvspPacketWire pkt = {
        .operation = cpu_to_le32(g_rand_int_range(r, 0, 3)
                                 ? STORVSP_OP_EXECUTE_SRB
                                 : g_rand_int_range(r, 0, 16)),
        .srb.length = cpu_to_le16(sizeof(StorvspSrbWire)),
        .srb.sense_info_length = g_rand_int_range(r, 0, 30),
        .srb.cdb_length = g_rand_int_range(r, 0, 20),
        .srb.data_in = g_rand_int_range(r, 0, 4),
        .srb.lun = g_rand_int_range(r, 0, 2),
        .srb.data_transfer_length = cpu_to_le32(g_rand_int_range(r, 0, 9000)),
    };
    uint8_t desc[16 + 8 * 4] = { 0 };
    unsigned pfns = g_rand_int_range(r, 0, 5);
    bool direct = g_rand_boolean(r);

    for (int i = 0; i < 16; i++) {
        pkt.srb.cdb[i] = g_rand_int(r) & g_rand_int(r);
    }
    stl_le_p(desc + 4, g_rand_int_range(r, 0, 3));
    stl_le_p(desc + 8, g_rand_int_range(r, 0, 20000));
    stl_le_p(desc + 12, g_rand_int_range(r, 0, 5000));
    for (unsigned i = 0; i < pfns; i++) {
        stq_le_p(desc + 16 + 8 * i,
                 g_rand_int_range(r, 0, 8) ? (gpa >> HV_PAGE_SHIFT) + i
                                           : g_rand_int(r));
    }
    vmbus_channel_push(v->s->ch[0],
                       direct ? HVBUS_PKT_GPA_DIRECT : HVBUS_PKT_INBAND,
                       HVBUS_PKT_FLAG_COMPLETION, g_rand_int(r), desc,
                       direct ? 16 + 8 * pfns : 0, &pkt,
                       g_rand_int_range(r, 0, 4) ? sizeof(pkt)
                                                 : g_rand_int_range(r, 0, 64));
}

static void test_random_requests(void)
{
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    unsigned steps = 0;
    uint64_t gpa;
    Victim v;

    g_test_message("seed 0x%x", FUZZ_SEED);
    start(&v, "");
    gpa = hv_guest_alloc(v.g, 8);
    while (g_get_monotonic_time() < end) {
        for (int i = 0; i < 200; i++, steps++) {
            fuzz_packet(&v, r, gpa);
            if (i % 8 == 0) {
                settle(&v);
                discard_answers(&v);
            }
        }
        check_bystander(&v);
        restart_victim(&v);
    }
    g_test_message("%u requests", steps);
    g_rand_free(r);
    stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/hv-scsi-hostile/" #_name, test_##_name)
    HOSTILE_TEST(packets_of_every_length);
    HOSTILE_TEST(ranges_that_lie);
    HOSTILE_TEST(dma_to_device_registers_fails);
    HOSTILE_TEST(one_transaction_id_for_many);
    HOSTILE_TEST(every_command_with_junk);
    HOSTILE_TEST(command_lengths_and_addresses);
    HOSTILE_TEST(requests_that_flip);
    HOSTILE_TEST(storm_of_subchannel_requests);
    HOSTILE_TEST(requests_in_flight_are_bounded);
    HOSTILE_TEST(random_requests);
    return g_test_run();
}
