/*
 * hv-net against a guest that lies: packets, sections, ranges, offloads
 *
 * After each story: QEMU runs, the log is short, the other card carries frames,
 * and the abused card can be started anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/flipper.h"
#include "lib/net-victim.h"

#define FUZZ_SEED           0x6e657476
#define FUZZ_US             (3 * G_USEC_PER_SEC)
#define FLIP_US             (G_USEC_PER_SEC / 2)

/* Each word of the packet header set to each wild value */
static void test_packet_headers_that_lie(void)
{
    uint8_t msg[2048];
    Victim v;

    victim_start(&v);
    for (unsigned word = 0; word < 15; word++) {
        for (size_t i = 0; i < VICTIM_WILD_COUNT; i++) {
            for (unsigned in_section = 0; in_section < 2; in_section++) {
                NetvscTx tx = {
                    .bytes = 1000, .has_vlan = true, .has_csum = true,
                    .csum = 0x00220005, .vlan = 0x50,
                };
                uint32_t head;

                memset(msg, 0x45, sizeof(msg));
                head = netvsc_build_header(msg, &tx);
                stl_le_p(msg + 4 * word, victim_wild[i]);
                victim_send_data(&v, msg, head + tx.bytes, in_section);
                victim_send_data(&v, msg, 1 + victim_wild[i] % 100, in_section);
            }
        }
        victim_check_bystander(&v);
        victim_check_control(&v);
    }
    victim_stop(&v);
}

static void test_ppi_chains_that_lie(void)
{
    uint8_t msg[16384];
    Victim v;

    victim_start(&v);
    for (size_t size = 0; size < VICTIM_WILD_COUNT; size++) {
        for (size_t off = 0; off < VICTIM_WILD_COUNT; off++) {
            NetvscTx tx = {
                .bytes = 500, .has_hash = true, .has_vlan = true,
                .has_lso = true, .lso = 0x402205a8,
            };
            uint32_t head;

            memset(msg, 0, sizeof(msg));
            head = netvsc_build_header(msg, &tx);
            stl_le_p(msg + 44 + 16 * (off % 3), victim_wild[size]);
            stl_le_p(msg + 44 + 16 * (off % 3) + 8, victim_wild[off]);
            victim_send_data(&v, msg, head + tx.bytes, off & 1);
        }
    }
    /* as many as a message can hold, of every type, and of no size at all */
    for (uint32_t type = 0; type < 20; type++) {
        uint32_t count = 700, head = 44 + 16 * count;

        memset(msg, 0, sizeof(msg));
        stl_le_p(msg, RNDIS_MSG_PACKET);
        stl_le_p(msg + 4, head + 100);
        stl_le_p(msg + 8, head - 8);
        stl_le_p(msg + 12, 100);
        stl_le_p(msg + 28, 36);
        stl_le_p(msg + 32, 16 * count);
        for (uint32_t i = 0; i < count; i++) {
            stl_le_p(msg + 44 + 16 * i, type == 19 ? 0 : 16);
            stl_le_p(msg + 48 + 16 * i, type);
            stl_le_p(msg + 52 + 16 * i, 12);
        }
        victim_send_data(&v, msg, head + 100, false);
    }
    victim_check_control(&v);
    victim_stop(&v);
}

/* Segmentation asked for what cannot be segmented */
static void test_lso_that_lies(void)
{
    static const uint32_t msses[] = { 0, 1, 2, 20, 1448, 0xffff, 0xfffff };
    static const uint32_t l4s[] = { 0, 13, 14, 34, 54, 100, 0x3ff };
    g_autofree uint8_t *frame = g_malloc0(NET_MAX_BYTES);
    g_autofree uint8_t *msg = g_malloc0(NET_MAX_BYTES + 256);
    Victim v;

    victim_start(&v);
    for (unsigned kind = 0; kind < 8; kind++) {
        for (size_t s = 0; s < ARRAY_SIZE(msses); s++) {
            for (size_t l = 0; l < ARRAY_SIZE(l4s); l++) {
                NetFlow flow = net_flow(kind & 1, kind & 4 ? NET_UDP : NET_TCP,
                                        net_machine_peer_mac,
                                        net_machine_mac);
                NetvscTx tx = { .has_lso = true };
                uint32_t head;

                tx.bytes = net_build(frame, &flow, s ? 3000 : 0, l);
                /* header lengths that lie too */
                frame[14] = kind & 2 ? 0x40 | l * 2 : frame[14];
                frame[kind & 1 ? 66 : 46] = l * 37;
                if (l == 3 && s == 3) {
                    tx.bytes = 14;
                }
                tx.lso = msses[s] | l4s[l] << RNDIS_LSO_L4_SHIFT |
                    (kind & 2 ? RNDIS_LSO_IPV6 : 0) |
                    (kind & 4 ? 0 : RNDIS_LSO_TYPE_V2);
                head = netvsc_build_header(msg, &tx);
                memcpy(msg + head, frame, tx.bytes);
                victim_send_data(&v, msg, head + tx.bytes, false);
            }
        }
        victim_check_bystander(&v);
    }
    victim_check_control(&v);
    victim_stop(&v);
}

static void test_checksum_requests_that_lie(void)
{
    g_autofree uint8_t *frame = g_malloc0(NET_MAX_BYTES);
    g_autofree uint8_t *msg = g_malloc0(NET_MAX_BYTES);
    Victim v;

    victim_start(&v);
    for (uint32_t flags = 0; flags < 32; flags++) {
        for (uint32_t l4 = 0; l4 <= 0x3ff; l4 += l4 < 80 ? 3 : 101) {
            NetFlow flow = net_flow(flags & 1, flags & 2 ? NET_TCP : NET_UDP,
                                    net_machine_peer_mac, net_machine_mac);
            NetvscTx tx = {
                .has_csum = true, .csum = flags | l4 << RNDIS_TX_CSUM_L4_SHIFT,
            };
            uint32_t head;

            tx.bytes = net_build(frame, &flow, l4 % 64, l4);
            if (l4 % 5 == 0) {
                tx.bytes = 14 + l4 % 30;
            }
            head = netvsc_build_header(msg, &tx);
            memcpy(msg + head, frame, tx.bytes);
            victim_send_data(&v, msg, head + tx.bytes, l4 & 1);
        }
    }
    victim_check_control(&v);
    victim_stop(&v);
}

static void test_sections_that_are_not_there(void)
{
    static const uint32_t indices[] = {
        0, 1, 41, 42, 43, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xaaaaaaab,
        0xfffffffe, 0xffffffff,
    };
    Victim v;

    victim_start(&v);
    for (size_t i = 0; i < ARRAY_SIZE(indices); i++) {
        for (size_t b = 0; b < VICTIM_WILD_COUNT; b++) {
            for (unsigned control = 0; control < 3; control++) {
                uint8_t head[64] = { RNDIS_MSG_PACKET, 0, 0, 0, 60 };
                NetvscRange range = { v.gpa, 60 };

                memcpy(hv_guest_ptr(v.m.g, v.gpa), head, 60);
                netvsc_send_raw(v.n, 0, control, indices[i], victim_wild[b], &range,
                                b % 2);
                vmbus_channel_signal(v.n->ch[0]);
                hv_guest_step(v.m.g, 0);
                victim_discard(&v);
            }
        }
    }
    victim_check_control(&v);
    victim_stop(&v);
}

typedef struct BadRange {
    uint32_t range_count;
    uint32_t byte_count;
    uint32_t byte_offset;
    unsigned pfns;
} BadRange;

static void test_ranges_that_lie(void)
{
    static const uint64_t pfns[] = {
        (HV_GUEST_RAM_BYTES >> HV_PAGE_SHIFT) - 1, 0x100000000, ~0ull,
        HVBUS_PFN_MAX, 0xfee00, HV_TESTDEV_GPA >> HV_PAGE_SHIFT, 0,
    };
    static const BadRange shapes[] = {
        { 1, 4096, 0, 1 }, { 0, 4096, 0, 1 }, { 2, 4096, 0, 1 },
        { 0xffffffff, 4096, 0, 1 }, { 1, 0, 0, 0 }, { 1, 0, 0, 1 },
        { 1, 8192, 0, 1 }, { 1, 4096, 4095, 2 }, { 1, 4096, 4096, 2 },
        { 1, 4096, 0xffffffff, 1 }, { 1, 0xffffffff, 0, 8 },
        { 1, 0xffffffff, 0xffffffff, 8 }, { 1, 8, 4090, 2 },
    };
    Victim v;

    victim_start(&v);
    for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
        for (size_t p = 0; p < ARRAY_SIZE(pfns); p++) {
            for (uint32_t channel = 0; channel < 2; channel++) {
                NvspMessageWire msg = {
                    .type = cpu_to_le32(NVSP_MSG_SEND_RNDIS),
                    .rndis.channel_type = cpu_to_le32(channel),
                    .rndis.section_idx = cpu_to_le32(NVSP_NO_SECTION),
                };
                uint8_t desc[16 + 8 * 8] = { 0 };

                stl_le_p(desc + 4, shapes[s].range_count);
                stl_le_p(desc + 8, shapes[s].byte_count);
                stl_le_p(desc + 12, shapes[s].byte_offset);
                for (unsigned i = 0; i < shapes[s].pfns; i++) {
                    stq_le_p(desc + 16 + 8 * i, pfns[p] + i);
                }
                victim_push(&v, HVBUS_PKT_GPA_DIRECT, desc, 16 + 8 * shapes[s].pfns,
                     &msg, NVSP_MESSAGE_BYTES);
                victim_settle(&v);
            }
        }
        victim_check_bystander(&v);
        victim_restart(&v);
    }
    victim_stop(&v);
}

/* --- a second processor that changes what the host reads --- */

static void test_headers_that_flip(void)
{
    static const uint32_t values[] = {
        1, 2, 4, 5, 36, 44, 60, 107, 0x10000, 0xffffffff, 0, 1514, 0x402205a8,
    };
    g_autofree uint8_t *frame = g_malloc0(NET_MAX_BYTES);
    Victim v;

    victim_start(&v);
    for (unsigned round = 0; round < 6; round++) {
        VmbusChannel *ch = v.n->ch[0];
        NetFlow flow = net_flow(round & 1, NET_TCP, net_machine_peer_mac,
                                net_machine_mac);
        NetvscTx tx = {
            .frame = frame, .has_csum = true, .has_lso = round & 2,
            .csum = 0x00220005, .lso = 0x402205a8,
        };
        int64_t end = g_get_monotonic_time() + FLIP_US;
        bool control = round >= 4;
        uint32_t *words;
        Flipper *f;

        tx.bytes = net_build(frame, &flow, 2000, round);
        netvsc_build_packet(v.n, hv_guest_ptr(v.m.g, v.gpa), &tx);
        netvsc_build_packet(v.n, hv_guest_ptr(v.m.g, v.n->send_gpa), &tx);
        words = round == 5 ? (uint32_t *)vmbus_ring_data(ch, &ch->out)
            : hv_guest_ptr(v.m.g, round & 2 ? v.n->send_gpa : v.gpa);
        f = flipper_start(words, 32, values, ARRAY_SIZE(values),
                          FUZZ_SEED + round);
        while (g_get_monotonic_time() < end) {
            NetvscRange range = { v.gpa, 2200 };

            if (round & 2) {
                netvsc_send_raw(v.n, 0, control, 0, 2200, NULL, 0);
            } else {
                netvsc_send_raw(v.n, 0, control, NVSP_NO_SECTION, 0, &range,
                                1);
            }
            vmbus_channel_signal(ch);
            hv_guest_step(v.m.g, 0);
            victim_discard(&v);
        }
        flipper_stop(f);
        victim_check_bystander(&v);
        if (round == 5) {
            victim_reopen(&v);
        } else {
            victim_restart(&v);
        }
    }
    victim_stop(&v);
}

static void test_floods_from_both_sides(void)
{
    g_autofree uint8_t *frame = g_malloc0(NET_MAX_BYTES);
    NetFlow flow = net_flow(false, NET_RAW, net_machine_mac,
                            net_machine_peer_mac);
    int64_t end = g_get_monotonic_time() + FUZZ_US / 2;
    NetvscTx tx = { .frame = frame, .bytes = 60 };
    Victim v;

    victim_start(&v);
    net_build_raw(frame, &flow, 60, 1);
    v.n->hold = true;
    while (g_get_monotonic_time() < end) {
        netvsc_send_in_section(v.n, 0, &tx, 1);
        net_wire_try_send(&v.m.wire, frame, 60);
        vmbus_channel_signal(v.n->ch[0]);
    }
    victim_check_bystander(&v);
    hv_guest_check_rss(v.m.g, v.rss_bytes, VICTIM_RSS_BYTES);
    v.n->hold = false;
    victim_settle(&v);
    victim_stop(&v);
}

static void fuzz_data(Victim *v, GRand *r)
{
    uint32_t bytes = g_rand_int_range(r, 8, 3000);
    g_autofree uint8_t *msg = g_malloc0(bytes + 256);
    NetvscTx tx = {
        .bytes = bytes, .has_csum = g_rand_boolean(r),
        .has_lso = g_rand_boolean(r), .has_vlan = g_rand_boolean(r),
        .csum = g_rand_int(r), .lso = g_rand_int(r), .vlan = g_rand_int(r),
    };
    uint32_t head = netvsc_build_header(msg, &tx);

    for (unsigned i = g_rand_int_range(r, 0, 4); i; i--) {
        stl_le_p(msg + 4 * g_rand_int_range(r, 0, 20),
                 victim_wild[g_rand_int_range(r, 0, VICTIM_WILD_COUNT)]);
    }
    for (unsigned i = 0; i < 60; i++) {
        msg[head + i] = g_rand_int(r) & g_rand_int(r);
    }
    msg[head + 12] = g_rand_boolean(r) ? 0x08 : 0x86;
    msg[head + 13] = msg[head + 12] == 8 ? 0 : 0xdd;
    victim_send_data(v, msg, head + bytes, g_rand_boolean(r));
}

static void fuzz_control(Victim *v, GRand *r)
{
    uint8_t msg[256];

    for (size_t i = 0; i < sizeof(msg); i++) {
        msg[i] = g_rand_int(r) & g_rand_int(r);
    }
    stl_le_p(msg, g_rand_int_range(r, 0, 9));
    stl_le_p(msg + 4, g_rand_boolean(r) ? sizeof(msg) : g_rand_int(r));
    stl_le_p(msg + 12, victim_oids[g_rand_int_range(r, 0, VICTIM_OID_COUNT)]);
    stl_le_p(msg + 16, g_rand_int_range(r, 0, 260));
    stl_le_p(msg + 20, g_rand_int_range(r, 0, 4) ? 20 : g_rand_int(r));
    victim_send_control(v, msg, sizeof(msg));
}

static void test_random_messages(void)
{
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    int64_t end = g_get_monotonic_time() + FUZZ_US;
    unsigned steps = 0;
    Victim v;

    g_test_message("seed 0x%x", FUZZ_SEED);
    victim_start(&v);
    while (g_get_monotonic_time() < end) {
        for (int i = 0; i < 200; i++, steps++) {
            if (g_rand_int_range(r, 0, 3)) {
                fuzz_data(&v, r);
            } else {
                fuzz_control(&v, r);
            }
            if (i % 16 == 0) {
                net_machine_to_guest(&v.m, net_machine_mac, 100, i);
            }
        }
        victim_check_bystander(&v);
        victim_restart(&v);
    }
    g_test_message("%u messages", steps);
    g_rand_free(r);
    victim_stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/hv-net-hostile-data/" #_name, test_##_name)
    HOSTILE_TEST(packet_headers_that_lie);
    HOSTILE_TEST(ppi_chains_that_lie);
    HOSTILE_TEST(lso_that_lies);
    HOSTILE_TEST(checksum_requests_that_lie);
    HOSTILE_TEST(sections_that_are_not_there);
    HOSTILE_TEST(ranges_that_lie);
    HOSTILE_TEST(headers_that_flip);
    HOSTILE_TEST(floods_from_both_sides);
    HOSTILE_TEST(random_messages);
    return g_test_run();
}
