/*
 * Hostile guest tests of hv-disk: the way from hv-scsi to the paravisor's NVMe
 *
 * Lengths, page lists, ranges and lists of ranges that no driver sends, on a disk
 * with 512 byte blocks, one with 4096 and a striped one.  Each command is answered,
 * memory beside the buffers and blocks beside the ranges stay as they were, the
 * controllers are not reset, and the disks work on.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "lib/disk-machine.h"
#include "lib/flipper.h"

#define FLIP_US             (G_USEC_PER_SEC / 2)
#define FLIP_SEED           0x68766469
#define LOG_LIMIT_BYTES     (64 * KiB)
#define RSS_LIMIT_BYTES     (128 * MiB)
#define HV_DISKS            3           /* LUNs 0 to 2 */
/* A page of each disk that no test writes to */
#define MARK_PAGE           2000
#define MARK_SEED           77
#define MAX_PAGES           256         /* of one request */
#define VTL2_PFN            (1ull << (48 - HV_PAGE_SHIFT))

#define UNMAP               0x42
#define WRITE_SAME_16       0x93
#define READ_16             0x88
#define WRITE_16            0x8a
#define SENSE_KEY_ILLEGAL   5

typedef struct Victim {
    DiskMachine m;
    uint64_t check_gpa;         /* a page for the checks */
    uint64_t rss_bytes;
} Victim;

static void start(Victim *v)
{
    disk_machine_start(&v->m, NULL);
    v->check_gpa = hv_guest_alloc(v->m.g, 1);
    for (int lun = 0; lun < DISK_LUNS; lun++) {
        storvsc_fill(v->m.g, v->check_gpa, HV_PAGE_SIZE, MARK_SEED + lun);
        disk_run(&v->m, true, lun, MARK_PAGE, 1, v->check_gpa);
    }
    v->rss_bytes = hv_guest_rss_bytes(v->m.g);
}

/* Take unit attentions, then all is as it was */
static void check_disks(Victim *v)
{
    for (int lun = 0; lun < DISK_LUNS; lun++) {
        storvsc_test_unit(v->m.s, lun);
        memset(hv_guest_ptr(v->m.g, v->check_gpa), 0, HV_PAGE_SIZE);
        disk_run(&v->m, false, lun, MARK_PAGE, 1, v->check_gpa);
        storvsc_check(v->m.g, v->check_gpa, HV_PAGE_SIZE, MARK_SEED + lun);
    }
    for (unsigned slot = 0; slot < 32; slot++) {
        g_autofree char *state = disk_driver_info(&v->m, slot, "state");

        g_assert_true(!state || g_str_equal(state, "running"));
    }
    g_assert_cmpint(disk_counter(&v->m, "vtl2-nvme0-n1", "aborts"), ==, 0);
    g_assert_cmpint(disk_counter(&v->m, "vtl2-nvme0-n1", "retries"), ==, 0);
}

static void stop(Victim *v)
{
    check_disks(v);
    g_assert_cmpuint(hv_guest_log_bytes(v->m.g), <, LOG_LIMIT_BYTES);
    hv_guest_check_rss(v->m.g, v->rss_bytes, RSS_LIMIT_BYTES);
    disk_machine_stop(&v->m);
}

static bool is_good(const StorvspPacketWire *answer)
{
    return answer->srb.srb_status == STORVSP_SRB_SUCCESS &&
           answer->srb.scsi_status == STORVSP_SCSI_GOOD;
}

static bool is_illegal(const StorvspPacketWire *answer)
{
    return answer->srb.scsi_status == STORVSP_SCSI_CHECK_CONDITION &&
           (answer->srb.sense[2] & 0xf) == SENSE_KEY_ILLEGAL;
}

static bool buffer_is_filled(const uint8_t *p, size_t bytes, uint8_t val)
{
    return !bytes || (p[0] == val && !memcmp(p, p + 1, bytes - 1));
}

/* --- buffers --- */

/* What the SRB says, what the pages say and what the command says all differ */
static void test_odd_transfer_lengths(void)
{
    static const uint32_t lengths[] = {
        1, 3, 511, 512, 513, 4095, 4096, 4097, 8191, 8193, 65535, 65537,
    };
    static const uint32_t offsets[] = { 0, 1, 2, 511, 4093, 4095 };
    Victim v;
    uint64_t gpa;
    uint8_t *p;

    start(&v);
    gpa = hv_guest_alloc(v.m.g, 20);
    p = hv_guest_ptr(v.m.g, gpa);
    for (size_t i = 0; i < ARRAY_SIZE(lengths) * ARRAY_SIZE(offsets); i++) {
        uint32_t bytes = lengths[i / ARRAY_SIZE(offsets)];
        uint32_t offset = offsets[i % ARRAY_SIZE(offsets)];

        for (int lun = 0; lun < HV_DISKS; lun++) {
            for (unsigned blocks = 0; blocks < 4; blocks++) {
                bool is_write = blocks & 1;
                uint32_t want = blocks * disk_block_bytes(lun);
                StorvscRequest req = storvsc_rw(is_write, lun, 8, blocks,
                                                gpa + offset);
                StorvspPacketWire answer;

                req.data_bytes = bytes;
                memset(p, 0xee, 20 * HV_PAGE_SIZE);
                answer = storvsc_run(v.m.s, &req);
                g_assert_cmpint(is_good(&answer), ==, bytes >= want);
                if (!is_write) {
                    uint32_t end = offset + MIN(want, bytes);

                    g_assert_true(buffer_is_filled(p, offset, 0xee));
                    g_assert_true(buffer_is_filled(p + end,
                                                   20 * HV_PAGE_SIZE - end,
                                                   0xee));
                }
            }
        }
    }
    stop(&v);
}

/* A list of @count pages, first byte at @offset of the first one */
static uint32_t build_list(uint8_t *desc, uint32_t offset, uint32_t bytes,
                           const uint64_t *pfns, unsigned count)
{
    stl_le_p(desc, 0);
    stl_le_p(desc + 4, 1);
    stl_le_p(desc + 8, bytes);
    stl_le_p(desc + 12, offset);
    for (unsigned i = 0; i < count; i++) {
        stq_le_p(desc + 16 + 8 * i, pfns[i]);
    }
    return 16 + 8 * count;
}

/* Each page of the buffer is somewhere else, and no block begins on a page */
static void test_buffers_in_pieces(void)
{
    static const uint32_t offsets[] = { 0, 4, 512, 1, 7, 4094 };
    uint8_t desc[16 + 8 * MAX_PAGES];
    uint64_t pfns[MAX_PAGES];
    uint64_t gpa, flat;
    Victim v;

    start(&v);
    gpa = hv_guest_alloc(v.m.g, 2 * MAX_PAGES);
    flat = hv_guest_alloc(v.m.g, MAX_PAGES);
    for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
        unsigned pages = MAX_PAGES - 1;
        uint32_t bytes = pages * HV_PAGE_SIZE;
        unsigned count = pages + !!offsets[i];

        /* every other page, from the last to the first */
        for (unsigned k = 0; k < count; k++) {
            pfns[k] = (gpa >> HV_PAGE_SHIFT) + 2 * (MAX_PAGES - 1 - k);
        }
        for (int lun = 0; lun < HV_DISKS; lun++) {
            StorvscRequest req = disk_request(false, lun, 16, pages, 0);
            uint32_t desc_bytes = build_list(desc, offsets[i], bytes, pfns,
                                             count);
            StorvspPacketWire answer;

            storvsc_fill(v.m.g, flat, bytes, lun + i * 3);
            disk_run(&v.m, true, lun, 16, pages, flat);
            memset(hv_guest_ptr(v.m.g, gpa), 0, 2 * MAX_PAGES * HV_PAGE_SIZE);
            answer = storvsc_expect(v.m.s,
                storvsc_submit_range(v.m.s, 0, &req, desc, desc_bytes));
            storvsc_assert_good(&answer, bytes);
            /* back to the disk, and home by the plain way */
            req = disk_request(true, lun, 16 + pages, pages, 0);
            answer = storvsc_expect(v.m.s,
                storvsc_submit_range(v.m.s, 0, &req, desc, desc_bytes));
            storvsc_assert_good(&answer, bytes);
            memset(hv_guest_ptr(v.m.g, flat), 0, bytes);
            disk_run(&v.m, false, lun, 16 + pages, pages, flat);
            storvsc_check(v.m.g, flat, bytes, lun + i * 3);
        }
    }
    stop(&v);
}

/* Pages of VTL2, registers, no memory at all: none of them gets to the disk */
static void test_pages_that_are_not_the_guests(void)
{
    static const uint64_t pfns[] = {
        VTL2_PFN, VTL2_PFN + 1, VTL2_PFN + 100, VTL2_PFN + (1ull << 28),
        VTL2_PFN + (1ull << 29), 0xfee00, HV_TESTDEV_GPA >> HV_PAGE_SHIFT,
        HV_GUEST_RAM_BYTES >> HV_PAGE_SHIFT, 1ull << 40, ~0ull >> 12,
    };
    uint8_t desc[16 + 8];
    Victim v;

    start(&v);
    for (size_t i = 0; i < ARRAY_SIZE(pfns); i++) {
        for (int lun = 0; lun < HV_DISKS; lun++) {
            uint32_t *words = hv_guest_ptr(v.m.g, v.check_gpa);
            uint32_t desc_bytes = build_list(desc, 0, HV_PAGE_SIZE, &pfns[i],
                                             1);
            StorvscRequest req = disk_request(true, lun, 5, 1, 0);
            StorvspPacketWire answer;

            storvsc_fill(v.m.g, v.check_gpa, HV_PAGE_SIZE, 5);
            disk_run(&v.m, true, lun, 5, 1, v.check_gpa);
            answer = storvsc_expect(v.m.s,
                storvsc_submit_range(v.m.s, 0, &req, desc, desc_bytes));
            if (pfns[i] >= VTL2_PFN) {
                g_assert_false(is_good(&answer));
            }
            disk_run(&v.m, false, lun, 5, 1, v.check_gpa);
            if (!is_good(&answer)) {
                /* what failed has changed nothing, or left zeroes */
                g_assert_true(words[1] == 5 * 2654435761u + 1 ||
                              buffer_is_zero(words, HV_PAGE_SIZE));
            }
            req = disk_request(false, lun, MARK_PAGE, 1, 0);
            storvsc_expect(v.m.s,
                storvsc_submit_range(v.m.s, 0, &req, desc, desc_bytes));
        }
    }
    stop(&v);
}

/* --- ranges of blocks --- */

static StorvscRequest command_16(uint8_t lun, uint8_t opcode, uint64_t lba,
                                 uint32_t blocks, uint64_t gpa, uint32_t bytes)
{
    StorvscRequest req = disk_command(lun, opcode, gpa, bytes,
                                      opcode == READ_16 ? STORVSP_DATA_READ
                                                        : STORVSP_DATA_WRITE);

    req.cdb_bytes = 16;
    stq_be_p(req.cdb + 2, lba);
    stl_be_p(req.cdb + 10, blocks);
    return req;
}

static void test_ranges_past_the_end(void)
{
    static const uint8_t opcodes[] = { READ_16, WRITE_16, WRITE_SAME_16 };
    Victim v;
    uint64_t gpa;

    start(&v);
    gpa = hv_guest_alloc(v.m.g, 16);
    for (int lun = 0; lun < HV_DISKS; lun++) {
        uint32_t block = disk_block_bytes(lun);
        uint64_t end = (lun == 2 ? 2 : 1) * DISK_BYTES / block;
        const uint64_t lbas[] = {
            end, end - 1, end + 1, 1ull << 32, (1ull << 63) / block,
            (1ull << 63) - 1, 1ull << 63, ~0ull, ~0ull - 1,
        };

        for (size_t i = 0; i < ARRAY_SIZE(lbas) * ARRAY_SIZE(opcodes); i++) {
            uint8_t opcode = opcodes[i % ARRAY_SIZE(opcodes)];
            uint32_t bytes = (opcode == WRITE_SAME_16 ? 1 : 2) * block;
            StorvscRequest req = command_16(lun, opcode,
                                            lbas[i / ARRAY_SIZE(opcodes)], 2,
                                            gpa, bytes);
            StorvspPacketWire answer = storvsc_run(v.m.s, &req);

            g_assert_true(is_illegal(&answer));
        }
        /* the last block is one of the disk's */
        disk_run(&v.m, true, lun, end * block / HV_PAGE_SIZE - 1, 1, gpa);
    }
    stop(&v);
}

static void test_write_same(void)
{
    static const uint32_t counts[] = {
        0, 1, 2, 7, 8, 9, 127, 129, 1000, 0x10000, 0xffffffff,
    };
    Victim v;
    uint64_t gpa;

    start(&v);
    gpa = hv_guest_alloc(v.m.g, 2);
    for (size_t i = 0; i < ARRAY_SIZE(counts) * HV_DISKS * 4; i++) {
        uint8_t lun = i % HV_DISKS;
        uint32_t count = counts[i / HV_DISKS % ARRAY_SIZE(counts)];
        uint8_t flags = i / HV_DISKS / ARRAY_SIZE(counts);
        uint32_t block = disk_block_bytes(lun);
        uint64_t end = (lun == 2 ? 2 : 1) * DISK_BYTES / block;
        bool has_zeroes = flags & 2;
        StorvscRequest req = command_16(lun, WRITE_SAME_16, 3, count, gpa,
                                        block);
        StorvspPacketWire answer;

        /* behind the range, or of the marked page, there is nothing to be hit */
        if (count <= end && 3 + count > MARK_PAGE * HV_PAGE_SIZE / block) {
            continue;
        }
        if (has_zeroes) {
            memset(hv_guest_ptr(v.m.g, gpa), 0, block);
        } else {
            storvsc_fill(v.m.g, gpa, block, i);
        }
        req.cdb[1] = flags & 1 ? 0x08 : 0;              /* UNMAP */
        answer = storvsc_run(v.m.s, &req);
        if (count > end) {
            g_assert_false(is_good(&answer));
        } else if (count && (has_zeroes || !(flags & 1))) {
            uint64_t last = (3 + count - 1) * (uint64_t)block;

            g_assert_true(is_good(&answer));
            memset(hv_guest_ptr(v.m.g, v.check_gpa), 0xee, HV_PAGE_SIZE);
            disk_run(&v.m, false, lun, last / HV_PAGE_SIZE, 1, v.check_gpa);
            g_assert_cmpmem((uint8_t *)hv_guest_ptr(v.m.g, v.check_gpa) +
                            last % HV_PAGE_SIZE, block,
                            hv_guest_ptr(v.m.g, gpa), block);
        }
    }
    stop(&v);
}

typedef struct UnmapList {
    uint32_t lba_step;          /* in pages */
    uint32_t pages;             /* each */
    unsigned count;
    int lie_bytes;              /* added to the lengths in the header */
    bool is_good;
} UnmapList;

static StorvspPacketWire run_unmap(Victim *v, uint8_t lun, uint64_t gpa,
                                   const UnmapList *list)
{
    uint32_t per_page = HV_PAGE_SIZE / disk_block_bytes(lun);
    uint32_t bytes = 8 + 16 * list->count;
    uint8_t *p = hv_guest_ptr(v->m.g, gpa);
    StorvscRequest req = disk_command(lun, UNMAP, gpa, bytes,
                                      STORVSP_DATA_WRITE);

    memset(p, 0, bytes);
    stw_be_p(p, bytes - 2 + list->lie_bytes);
    stw_be_p(p + 2, bytes - 8 + list->lie_bytes);
    for (unsigned i = 0; i < list->count; i++) {
        uint64_t lba = 64 + (uint64_t)i * list->lba_step;

        stq_be_p(p + 8 + 16 * i, lba * per_page);
        stl_be_p(p + 16 + 16 * i, list->pages * per_page);
    }
    stw_be_p(req.cdb + 7, bytes);
    return storvsc_run(v->m.s, &req);
}

static void test_unmap_lists(void)
{
    static const UnmapList lists[] = {
        { 1, 1, 1, 0, true },
        { 1, 1, 255, 0, true },
        { 0, 1, 255, 0, true },                 /* one place, again and again */
        { 1, 100, 255, 0, true },               /* all over each other */
        { 1, 0, 255, 0, true },
        { 1, 1, 256, 0 },                       /* more than is offered */
        { 0, 1, 4000, 0 },
        { 100, 1, 255, 0 },                     /* past the end at last */
        { 0, 0x1ffffff, 255, 0 },
        { 0x1000000, 1, 255, 0 },
        { 1, 1, 4, 1 },
        { 1, 1, 4, 16 },
        { 1, 1, 4, 60000 },
        { 1, 1, 4, -1 },
        { 1, 1, 4, -80 },
        { 1, 1, 0, 0 },
    };
    Victim v;
    uint64_t gpa;

    start(&v);
    gpa = hv_guest_alloc(v.m.g, 17);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        for (int lun = 0; lun < HV_DISKS; lun++) {
            StorvspPacketWire answer;

            storvsc_fill(v.m.g, v.check_gpa, HV_PAGE_SIZE, i);
            disk_run(&v.m, true, lun, 64, 1, v.check_gpa);
            disk_run(&v.m, true, lun, 63, 1, v.check_gpa);
            answer = run_unmap(&v, lun, gpa, &lists[i]);
            if (lists[i].is_good) {
                g_assert_true(is_good(&answer));
                disk_run(&v.m, false, lun, 64, 1, v.check_gpa);
                g_assert_cmpint(buffer_is_zero(
                                    hv_guest_ptr(v.m.g, v.check_gpa),
                                    HV_PAGE_SIZE), ==, !!lists[i].pages);
            }
            disk_run(&v.m, false, lun, 63, 1, v.check_gpa);
            storvsc_check(v.m.g, v.check_gpa, HV_PAGE_SIZE, i);
        }
    }
    stop(&v);
}

/* --- many --- */

/* More at a time than all queues of the controllers have room for */
static void test_deeper_than_the_queues(void)
{
    enum { COUNT = 2000 };
    g_autofree uint64_t *id = g_new0(uint64_t, COUNT);
    unsigned sent = 0, done = 0;
    uint64_t gpa;
    Victim v;

    start(&v);
    gpa = hv_guest_alloc(v.m.g, 64);
    storvsc_fill(v.m.g, gpa, 64 * HV_PAGE_SIZE, 3);
    while (done < COUNT) {
        StorvspPacketWire answer;
        StorvscRequest req = disk_request(true, sent % HV_DISKS,
                                          64 * (sent / HV_DISKS % 16), 64, gpa);

        /* QEMU is told of them when the ring is full */
        if (sent < COUNT) {
            id[sent] = storvsc_try_submit(v.m.s, 0, &req, false);
            if (id[sent]) {
                sent++;
                continue;
            }
        }
        vmbus_channel_signal(v.m.s->ch[0]);
        answer = storvsc_expect(v.m.s, id[done++]);
        g_assert_true(is_good(&answer));
    }
    for (int lun = 0; lun < HV_DISKS; lun++) {
        memset(hv_guest_ptr(v.m.g, gpa), 0, 64 * HV_PAGE_SIZE);
        disk_run(&v.m, false, lun, 64 * 15, 64, gpa);
        storvsc_check(v.m.g, gpa, 64 * HV_PAGE_SIZE, 3);
    }
    stop(&v);
}

/* The packet, its list of pages and its command change while they are read */
static void flip_requests(Victim *v, int round, uint64_t gpa)
{
    static const uint32_t values[] = {
        3, 9, 1, 4096, 0xffffffff, 0, 0x28000a0a, 0x00ff0000, 16, 0x100000,
        VTL2_PFN >> 32, 0xfee00, 0x42000a0a, 0x93001010,
    };
    VmbusChannel *ch = v->m.s->ch[0];
    int64_t end = g_get_monotonic_time() + FLIP_US;
    StorvscRequest req = disk_request(round & 1, round % HV_DISKS, 16, 64, gpa);
    uint32_t step;
    Flipper *f;

    g_assert_cmpuint(storvsc_try_submit(v->m.s, 0, &req, false), !=, 0);
    step = le32_to_cpu(vmbus_ring_header(ch, &ch->out)->write_index);
    f = flipper_start((uint32_t *)vmbus_ring_data(ch, &ch->out),
                      ch->out.data_bytes / 4, values, ARRAY_SIZE(values),
                      FLIP_SEED + round);
    while (g_get_monotonic_time() < end) {
        uint32_t w = le32_to_cpu(vmbus_ring_header(ch, &ch->out)->write_index);

        w = (w + (step ?: 136)) % ch->out.data_bytes / 8 * 8;
        vmbus_ring_header(ch, &ch->out)->write_index = cpu_to_le32(w);
        vmbus_ring_header(ch, &ch->in)->read_index =
            vmbus_ring_header(ch, &ch->in)->write_index;
        vmbus_channel_signal(ch);
        hv_guest_step(v->m.g, 0);
    }
    flipper_stop(f);
}

static void test_flipping_page_lists(void)
{
    Victim v;
    uint64_t gpa;

    start(&v);
    gpa = hv_guest_alloc(v.m.g, 64);
    for (int round = 0; round < 6; round++) {
        storvsc_fill(v.m.g, gpa, 64 * HV_PAGE_SIZE, round);
        flip_requests(&v, round, gpa);
        storvsc_close(v.m.s);
        v.m.s = storvsc_start(v.m.c, 0, STORVSP_VERSION_6_2);
        /* commands were made up that may have written anywhere on the disks */
        for (int lun = 0; lun < DISK_LUNS; lun++) {
            storvsc_test_unit(v.m.s, lun);
            storvsc_fill(v.m.g, v.check_gpa, HV_PAGE_SIZE, MARK_SEED + lun);
            disk_run(&v.m, true, lun, MARK_PAGE, 1, v.check_gpa);
        }
        check_disks(&v);
    }
    stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/hv-disk-hostile/" #_name, test_##_name)
    HOSTILE_TEST(odd_transfer_lengths);
    HOSTILE_TEST(buffers_in_pieces);
    HOSTILE_TEST(pages_that_are_not_the_guests);
    HOSTILE_TEST(ranges_past_the_end);
    HOSTILE_TEST(write_same);
    HOSTILE_TEST(unmap_lists);
    HOSTILE_TEST(deeper_than_the_queues);
    HOSTILE_TEST(flipping_page_lists);
#undef HOSTILE_TEST
    return g_test_run();
}
