/*
 * hv-net against a guest that lies: NVSP and the RNDIS control plane
 *
 * After each story: QEMU runs, the log is short, the other card carries frames,
 * and the abused card can be started anew.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/net-victim.h"

#define FUZZ_SEED           0x6e657476

/* --- NVSP --- */

static void test_messages_of_every_type_and_length(void)
{
    Victim v;

    victim_start(&v);
    for (uint32_t type = 0; type <= 140; type++) {
        if (type == 3) {
            type = 99;
        }
        for (uint32_t bytes = 0; bytes <= 80; bytes += bytes < 16 ? 1 : 8) {
            uint8_t msg[80];

            memset(msg, bytes, sizeof(msg));
            stl_le_p(msg, type);
            victim_push(&v, HVBUS_PKT_INBAND, NULL, 0, msg, bytes);
            if (bytes % 8 == 0) {
                victim_settle(&v);
            }
        }
        victim_restart(&v);
    }
    victim_stop(&v);
}

static void test_vmbus_packets_of_every_type(void)
{
    Victim v;

    victim_start(&v);
    for (uint16_t type = 0; type <= 20; type++) {
        uint8_t msg[NVSP_MESSAGE_BYTES] = { NVSP_MSG_SEND_RNDIS };
        uint8_t desc[24] = { 0xfe, 0xca, 0, 0, 1 };

        victim_push(&v, type, NULL, 0, msg, sizeof(msg));
        victim_push(&v, type, desc, sizeof(desc), msg, sizeof(msg));
        victim_push(&v, type, desc, 8, msg, 0);
        victim_settle(&v);
        victim_check_bystander(&v);
        victim_restart(&v);
    }
    victim_stop(&v);
}

static void advance(Victim *v, unsigned steps)
{
    if (steps >= 1) {
        netvsc_try_version(v->n, NVSP_VERSION_6_1);
    }
    if (steps >= 2) {
        netvsc_send_config(v->n, 1514, NVSP_CAP_8021Q);
    }
    if (steps >= 3) {
        netvsc_make_buffers(v->n, VICTIM_RECV_PAGES, 16);
    }
    if (steps >= 4) {
        netvsc_rndis_init(v->n);
    }
}

static void test_every_message_in_every_state(void)
{
    static const uint32_t types[] = {
        1, 2, 100, 101, 102, 103, 104, 105, 106, 107, 108, 125, 128, 129,
        131, 132, 133, 134, 135, 136,
    };
    Victim v;

    victim_start(&v);
    for (unsigned steps = 0; steps <= 4; steps++) {
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
            uint8_t msg[NVSP_MESSAGE_BYTES] = { 0 };
            uint8_t data[60] = { RNDIS_MSG_PACKET, 0, 0, 0, 60 };

            netvsc_close_rudely(v.n);
            v.m.g->heap_gpa = v.heap_gpa;
            v.n = netvsc_open(v.m.c, 0);
            advance(&v, steps);
            stl_le_p(msg, types[i]);
            stl_le_p(msg + 4, 1);
            stl_le_p(msg + 8, 1);
            victim_push(&v, HVBUS_PKT_INBAND, NULL, 0, msg, sizeof(msg));
            /* and frames, from both sides */
            memcpy(hv_guest_ptr(v.m.g, v.gpa), data, sizeof(data));
            netvsc_send_raw(v.n, 0, i & 1, i & 2 ? 0 : NVSP_NO_SECTION,
                            i & 2 ? 60 : 0,
                            &(NetvscRange) { v.gpa, 60 }, !(i & 2));
            net_machine_to_guest(&v.m, net_machine_mac, 100, i);
            victim_settle(&v);
        }
    }
    victim_stop(&v);
}

static void test_buffers_that_lie(void)
{
    static const uint32_t types[] = {
        NVSP_MSG_SEND_RECV_BUF, NVSP_MSG_SEND_SEND_BUF,
    };
    Victim v;

    victim_start(&v);
    for (unsigned round = 0; round < 16; round++) {
        uint32_t relid, ids[4];

        netvsc_close_rudely(v.n);
        v.m.g->heap_gpa = v.heap_gpa;
        v.n = netvsc_open(v.m.c, 0);
        netvsc_try_version(v.n, NVSP_VERSION_6_1);
        if (round & 8) {
            netvsc_send_config(v.n, victim_wild[round + 9], NVSP_CAP_8021Q);
        }
        relid = v.n->ch[0]->offer->relid;
        ids[0] = v.n->ch[0]->gpadl_id;          /* the ring itself */
        ids[1] = 0xdeadbeef;
        ids[2] = v.bystander->recv_gpadl;       /* of another channel */
        ids[3] = vmbus_gpadl_create(v.m.c, relid, v.gpa, 1);
        for (unsigned i = 0; i < 4; i++) {
            NvspMessageWire msg = {
                .type = cpu_to_le32(types[round & 1]),
                .send_buffer.gpadl_id = cpu_to_le32(ids[(i + round) % 4]),
                .send_buffer.id = cpu_to_le16(round & 2 ? 0xcafe : i),
            };
            NvspMessageWire answer = netvsc_exchange(v.n, 0, &msg,
                                                     NVSP_MESSAGE_BYTES);

            if (ids[(i + round) % 4] == ids[1] ||
                ids[(i + round) % 4] == ids[2]) {
                g_assert_cmpuint(le32_to_cpu(answer.rndis_status), !=,
                                 NVSP_STATUS_SUCCESS);
            }
            net_machine_to_guest(&v.m, net_machine_mac, 100, i);
            victim_settle(&v);
        }
        victim_check_bystander(&v);
        netvsc_close_rudely(v.n);
        vmbus_gpadl_teardown(v.m.c, relid, ids[3]);
        victim_open(&v);
    }
    victim_stop(&v);
}

/* Torn down while the host uses it: the answer waits, the memory is not touched */
static void test_buffers_torn_down_in_use(void)
{
    Victim v;

    victim_start(&v);
    for (unsigned round = 0; round < 4; round++) {
        HvbusGpadlTeardownWire msg = {
            .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_TEARDOWN),
            .relid = cpu_to_le32(v.n->ch[0]->offer->relid),
        };
        uint8_t *page;
        NvspMessageWire revoke = {
            .type = cpu_to_le32(round & 1 ? NVSP_MSG_REVOKE_SEND_BUF
                                          : NVSP_MSG_REVOKE_RECV_BUF),
            .revoke_buffer.id = cpu_to_le16(round & 1 ? NVSP_SEND_BUFFER_ID
                                                      : NVSP_RECV_BUFFER_ID),
        };

        msg.gpadl_id = cpu_to_le32(round & 1 ? v.n->send_gpadl
                                             : v.n->recv_gpadl);
        v.n->hold = true;
        net_machine_to_guest(&v.m, net_machine_mac, 100, 1);
        victim_settle(&v);
        g_assert_cmphex(vmbus_post(v.m.c, &msg, sizeof(msg)), ==,
                        HV_STATUS_OK);
        if (round & 2) {
            netvsc_tell(v.n, 0, &revoke);
        }
        for (int i = 0; i < 20; i++) {
            net_machine_to_guest(&v.m, net_machine_mac, 100, i);
            victim_settle(&v);
        }
        vmbus_post_relid(v.m.c, HVBUS_MSG_CLOSECHANNEL,
                         v.n->ch[0]->offer->relid);
        vmbus_expect(v.m.c, HVBUS_MSG_GPADL_TORNDOWN);
        page = hv_guest_ptr(v.m.g, v.n->recv_gpa);
        memset(page, 0xa5, HV_PAGE_SIZE);
        net_machine_to_guest(&v.m, net_machine_mac, 100, 1);
        for (int i = 0; i < 20; i++) {
            hv_guest_step(v.m.g, 0);
        }
        for (unsigned i = 0; !(round & 1) && i < HV_PAGE_SIZE; i++) {
            g_assert_cmphex(page[i], ==, 0xa5);
        }
        vmbus_gpadl_teardown(v.m.c, v.n->ch[0]->offer->relid,
                             round & 1 ? v.n->recv_gpadl : v.n->send_gpadl);
        vmbus_gpadl_teardown(v.m.c, v.n->ch[0]->offer->relid,
                             v.n->ch[0]->gpadl_id);
        netvsc_forget(v.n);
        victim_open(&v);
        victim_check_bystander(&v);
    }
    victim_stop(&v);
}

/* The guest has returned its sections by other means */
static void forget_held(Netvsc *n)
{
    NetvscHeld *held;

    while ((held = g_queue_pop_head(n->held))) {
        for (unsigned i = 0; i < held->ranges; i++) {
            n->recv_busy[held->section[i]] = 0;
        }
        g_hash_table_remove(n->rx_ids, &held->trans_id);
        g_free(held);
    }
}

/* Frames that come to a guest which returns none */
static unsigned count_until_full(Victim *v)
{
    unsigned count = 0;

    v->n->hold = true;
    for (unsigned i = 0; i < 2 * v->n->recv_sections; i++) {
        net_machine_to_guest(&v->m, net_machine_mac, 200, i);
    }
    while (!net_machine_is_quiet(&v->m, v->n)) {
        count++;
    }
    v->n->hold = false;
    net_machine_settle(&v->m, v->n);
    return count;
}

static void test_completions_that_nobody_asked_for(void)
{
    NvspMessageWire msg = {
        .type = cpu_to_le32(NVSP_MSG_SEND_RNDIS_COMPLETE),
        .rndis_status = cpu_to_le32(NVSP_STATUS_SUCCESS),
    };
    unsigned most;
    Victim v;

    victim_start(&v);
    most = count_until_full(&v);
    v.n->hold = true;
    for (int i = 0; i < 10; i++) {
        net_machine_to_guest(&v.m, net_machine_mac, 100, i);
        hv_guest_step(v.m.g, 0);
        netvsc_pump(v.n);
    }
    for (uint32_t bytes = 0; bytes <= 16; bytes++) {
        for (uint64_t id = 0; id < 40; id++) {
            /* each real id too, several times */
            vmbus_channel_push(v.n->ch[0], HVBUS_PKT_COMPLETION, 0,
                               id < 38 ? id : ~0ull - id, NULL, 0, &msg,
                               bytes);
        }
        vmbus_channel_signal(v.n->ch[0]);
        for (int i = 0; i < 4; i++) {
            hv_guest_step(v.m.g, 0);
        }
    }
    /* each section is free, and free once */
    forget_held(v.n);
    victim_discard(&v);
    v.n->hold = false;
    for (unsigned i = 0; i < 4 * v.n->recv_sections; i++) {
        net_machine_to_guest(&v.m, net_machine_mac, 100, i);
        net_machine_expect(&v.m, v.n, 100, i);
    }
    g_assert_cmpuint(count_until_full(&v), ==, most);
    victim_stop(&v);
}

static void test_storm_of_subchannel_requests(void)
{
    Victim v;

    victim_start(&v);
    for (unsigned i = 0; i < 300; i++) {
        NvspMessageWire msg = {
            .type = cpu_to_le32(NVSP_MSG_SUBCHANNEL),
            .subchannel.operation = cpu_to_le32(i % 3),
            .subchannel.count = cpu_to_le32(victim_wild[i % VICTIM_WILD_COUNT]),
        };

        netvsc_exchange(v.n, 0, &msg, NVSP_MESSAGE_BYTES);
        vmbus_pump(v.m.c);
    }
    victim_stop(&v);
}

/* --- RNDIS control --- */

static void test_control_messages_that_lie(void)
{
    Victim v;

    victim_start(&v);
    for (uint32_t type = 0; type <= 10; type++) {
        for (size_t i = 0; i < VICTIM_WILD_COUNT; i++) {
            uint8_t msg[64] = { type };

            stl_le_p(msg + 4, victim_wild[i]);
            for (uint32_t bytes = 1; bytes <= sizeof(msg); bytes += 7) {
                victim_send_control(&v, msg, bytes);
            }
        }
        stl_le_p(v.m.g->ram.ptr + v.gpa, type | RNDIS_MSG_COMPLETION);
        if (type != RNDIS_MSG_HALT) {
            victim_check_control(&v);
        }
        victim_restart(&v);
    }
    victim_stop(&v);
}

/* CVE-2021-28476: lengths and offsets of the information buffer */
static void test_oid_buffers_that_lie(void)
{
    Victim v;

    victim_start(&v);
    for (uint32_t type = RNDIS_MSG_QUERY; type <= RNDIS_MSG_SET; type++) {
        for (size_t o = 0; o < VICTIM_OID_COUNT; o++) {
            for (size_t i = 0; i < VICTIM_WILD_COUNT * 2; i++) {
                uint8_t msg[256];
                uint32_t bytes = i & 1 ? sizeof(msg) : 28;

                memset(msg, i, sizeof(msg));
                stl_le_p(msg, type);
                stl_le_p(msg + 4, bytes);
                stl_le_p(msg + 8, i);
                stl_le_p(msg + 12, victim_oids[o]);
                stl_le_p(msg + 16, victim_wild[i % VICTIM_WILD_COUNT]);
                stl_le_p(msg + 20, i % 3 ? 20 : victim_wild[(i + o) %
                                                     VICTIM_WILD_COUNT]);
                victim_send_control(&v, msg, bytes);
            }
        }
    }
    victim_check_control(&v);
    victim_stop(&v);
}

/* Well-framed, of every length, full of junk: each is answered */
static void test_sets_with_junk_are_answered(void)
{
    GRand *r = g_rand_new_with_seed(FUZZ_SEED);
    Victim v;

    victim_start(&v);
    for (size_t o = 0; o < VICTIM_OID_COUNT; o++) {
        for (uint32_t bytes = 0; bytes <= 640; bytes += bytes < 48 ? 1 : 37) {
            uint8_t data[640], out[4096];
            uint32_t out_bytes = sizeof(out);

            for (uint32_t i = 0; i < bytes; i++) {
                data[i] = g_rand_int(r) & g_rand_int(r);
            }
            netvsc_set(v.n, victim_oids[o], data, bytes);
            netvsc_query(v.n, victim_oids[o], data, bytes, out, &out_bytes);
        }
        net_machine_to_guest(&v.m, net_machine_mac, 100, 1);
        victim_settle(&v);
    }
    victim_check_control(&v);
    victim_check_bystander(&v);
    g_rand_free(r);
    victim_stop(&v);
}

static void set_rss(Victim *v, const NdisRssParamsWire *wire,
                    const uint32_t *table)
{
    uint8_t buf[sizeof(*wire) + 512 + NDIS_RSS_KEY_BYTES] = { 0 };

    memcpy(buf, wire, sizeof(*wire));
    memcpy(buf + sizeof(*wire), table, 512);
    netvsc_set(v->n, RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS, buf, sizeof(buf));
}

/* No division by zero, no channel that is not there */
static void test_rss_tables_that_lie(void)
{
    NetFlow flow = net_flow(false, NET_TCP, net_machine_mac,
                            net_machine_peer_mac);
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    Victim v;

    victim_start(&v);
    netvsc_open_subchannels(v.n, 2);
    for (size_t i = 0; i < VICTIM_WILD_COUNT * 6; i++) {
        uint32_t table[128], val = victim_wild[i / 6];
        NdisRssParamsWire wire = {
            .header = { NDIS_OBJECT_RSS_PARAMETERS, 2,
                        cpu_to_le16(sizeof(wire)) },
            .hash_info = cpu_to_le32(0x1701),
            .table_bytes = cpu_to_le16(512),
            .table_offset = cpu_to_le32(sizeof(wire)),
            .key_bytes = cpu_to_le16(NDIS_RSS_KEY_BYTES),
            .key_offset = cpu_to_le32(sizeof(wire) + 512),
        };

        for (unsigned t = 0; t < ARRAY_SIZE(table); t++) {
            table[t] = cpu_to_le32(i % 6 == 0 ? val : t % 3);
        }
        switch (i % 6) {
        case 1:
            wire.table_bytes = cpu_to_le16(val);
            break;
        case 2:
            wire.table_offset = cpu_to_le32(val);
            break;
        case 3:
            wire.key_bytes = cpu_to_le16(val);
            break;
        case 4:
            wire.key_offset = cpu_to_le32(val);
            break;
        case 5:
            wire.hash_info = cpu_to_le32(val);
            break;
        }
        set_rss(&v, &wire, table);
        flow.src_port = i;
        net_wire_send(&v.m.wire, frame, net_build(frame, &flow, 64, i));
        for (int s = 0; s < 3; s++) {
            hv_guest_step(v.m.g, 0);
        }
        victim_discard(&v);
    }
    victim_check_control(&v);
    victim_stop(&v);
}

static void test_answers_that_nobody_takes_are_bounded(void)
{
    uint8_t msg[28] = { RNDIS_MSG_QUERY };
    unsigned sent = 0;
    Victim v;

    victim_start(&v);
    v.n->hold = true;
    stl_le_p(msg + 4, sizeof(msg));
    stl_le_p(msg + 12, RNDIS_OID_GEN_SUPPORTED_LIST);
    memcpy(hv_guest_ptr(v.m.g, v.gpa), msg, sizeof(msg));
    for (int i = 0; i < 20000; i++) {
        NetvscRange range = { v.gpa, sizeof(msg) };

        if (netvsc_send_raw(v.n, 0, NVSP_CHANNEL_CONTROL, NVSP_NO_SECTION, 0,
                            &range, 1)) {
            sent++;
        }
        if (i % 64 == 0) {
            vmbus_channel_signal(v.n->ch[0]);
            hv_guest_step(v.m.g, 0);
        }
        /* the link too: its news wait for a section as well */
        if (i % 512 == 0) {
            qtest_qmp_assert_success(v.m.g->qts,
                "{ 'execute': 'set_link',"
                "  'arguments': { 'name': 'nic0', 'up': %i } }",
                (i / 512) % 2);
        }
    }
    qtest_qmp_assert_success(v.m.g->qts,
        "{ 'execute': 'set_link',"
        "  'arguments': { 'name': 'nic0', 'up': true } }");
    g_assert_cmpuint(sent, >, 100);
    victim_check_bystander(&v);
    hv_guest_check_rss(v.m.g, v.rss_bytes, VICTIM_RSS_BYTES);
    v.n->hold = false;
    victim_settle(&v);
    victim_stop(&v);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define HOSTILE_TEST(_name) \
    qtest_add_func("/paravisor/hv-net-hostile/" #_name, test_##_name)
    HOSTILE_TEST(messages_of_every_type_and_length);
    HOSTILE_TEST(vmbus_packets_of_every_type);
    HOSTILE_TEST(every_message_in_every_state);
    HOSTILE_TEST(buffers_that_lie);
    HOSTILE_TEST(buffers_torn_down_in_use);
    HOSTILE_TEST(completions_that_nobody_asked_for);
    HOSTILE_TEST(storm_of_subchannel_requests);
    HOSTILE_TEST(control_messages_that_lie);
    HOSTILE_TEST(oid_buffers_that_lie);
    HOSTILE_TEST(sets_with_junk_are_answered);
    HOSTILE_TEST(rss_tables_that_lie);
    HOSTILE_TEST(answers_that_nobody_takes_are_bounded);
    return g_test_run();
}
