/*
 * Unit tests of the network VSP's protocol core
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/netvsp-core.h"

#define MAX_CHANNELS    4
#define RECV_BYTES      (16u << 20)
#define SEND_BYTES      (1u << 20)

static void core_init(NetvspCore *c, uint32_t version)
{
    memset(c, 0, sizeof(*c));
    c->max_channels = MAX_CHANNELS;
    c->mtu = 1500;
    netvsp_core_reset(c);
    c->version = version;
}

static uint32_t send_msg(NetvspCore *c, NvspMessageWire *m, uint32_t type,
                         NetvspVerdict *v)
{
    m->type = cpu_to_le32(type);
    netvsp_core_handle(c, true, m, NVSP_MESSAGE_BYTES, v);
    g_assert_cmpuint(v->type, ==, type);
    g_assert(netvsp_core_valid(c));
    return v->status;
}

static uint32_t send_init(NetvspCore *c, uint32_t min, uint32_t max)
{
    NvspMessageWire m = { };
    NetvspVerdict v;

    m.init.min_version = cpu_to_le32(min);
    m.init.max_version = cpu_to_le32(max);
    send_msg(c, &m, NVSP_MSG_INIT, &v);
    g_assert_cmpuint(v.reply_bytes, ==, 40);
    g_assert_cmpuint(le32_to_cpu(v.reply.type), ==, NVSP_MSG_INIT_COMPLETE);
    g_assert_cmpuint(le32_to_cpu(v.reply.init_complete.status), ==, v.status);
    return v.status;
}

static void test_versions(void)
{
    static const uint32_t good[] = {
        0x2, 0x30002, 0x40000, 0x50000, 0x60000, 0x60001
    };
    static const uint32_t bad[] = { 0, 1, 3, 0x30001, 0x50001, 0x60002 };
    NetvspCore c;

    for (int i = 0; i < ARRAY_SIZE(good); i++) {
        core_init(&c, 0);
        g_assert_cmpuint(send_init(&c, good[i], good[i]), ==,
                         NVSP_STATUS_SUCCESS);
        g_assert_cmphex(c.version, ==, good[i]);
        /* once only */
        g_assert_cmpuint(send_init(&c, good[i], good[i]), ==,
                         NVSP_STATUS_FAILURE);
        g_assert_cmphex(c.version, ==, good[i]);
    }
    core_init(&c, 0);
    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmpuint(send_init(&c, bad[i], bad[i]), !=,
                         NVSP_STATUS_SUCCESS);
        g_assert_cmphex(c.version, ==, 0);
    }
    g_assert_cmpuint(send_init(&c, 0x70000, 0x80000), ==, NVSP_STATUS_TOO_NEW);
    g_assert_cmpuint(send_init(&c, 0, 1), ==, NVSP_STATUS_TOO_OLD);
    /* the newest of a range; an old one may still follow a refusal */
    g_assert_cmpuint(send_init(&c, 2, 0x5ffff), ==, NVSP_STATUS_SUCCESS);
    g_assert_cmphex(c.version, ==, 0x50000);
}

static void test_ndis_config(void)
{
    static const uint32_t mtus[] = { 0, 81, 82, 1514, 9014, 65535, 65536, ~0u };
    NvspMessageWire m = { };
    NetvspVerdict v;
    NetvspCore c;

    for (int i = 0; i < ARRAY_SIZE(mtus); i++) {
        bool ok = mtus[i] >= 82 && mtus[i] <= 65535;

        core_init(&c, NVSP_VERSION_6_1);
        m.ndis_config.mtu = cpu_to_le32(mtus[i]);
        m.ndis_config.capabilities = cpu_to_le32(NVSP_CAP_RSC | NVSP_CAP_SRIOV);
        g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_SEND_NDIS_CONFIG, &v), ==,
                         ok ? NVSP_STATUS_SUCCESS : NVSP_STATUS_FAILURE);
        g_assert_cmpuint(v.reply_bytes, ==, 0);
        g_assert_cmpuint(c.guest_mtu, ==, ok ? mtus[i] - 14 : 1500);
        g_assert(netvsp_core_has_rsc(&c) == ok);
        g_assert(netvsp_core_wants_vf(&c) == ok);
    }
    /* an older guest has the VF alone */
    core_init(&c, NVSP_VERSION_6);
    m.ndis_config.mtu = cpu_to_le32(1514);
    send_msg(&c, &m, NVSP_MSG_SEND_NDIS_CONFIG, &v);
    g_assert_false(netvsp_core_has_rsc(&c));
    g_assert_true(netvsp_core_wants_vf(&c));
    core_init(&c, NVSP_VERSION_1);
    g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_SEND_NDIS_CONFIG, &v), ==,
                     NVSP_STATUS_FAILURE);
}

static void test_ndis_version(void)
{
    NvspMessageWire m = { };
    NetvspVerdict v;
    NetvspCore c;

    core_init(&c, NVSP_VERSION_5);
    m.ndis_version.major = cpu_to_le32(6);
    m.ndis_version.minor = cpu_to_le32(30);
    send_msg(&c, &m, NVSP_MSG_SEND_NDIS_VERSION, &v);
    g_assert_cmphex(c.ndis_version, ==, 0x6001e);
}

static void set_buffer(NetvspCore *c, uint32_t type, uint32_t bytes,
                       NetvspVerdict *v)
{
    NvspMessageWire m = { };

    m.send_buffer.gpadl_id = cpu_to_le32(0x1234);
    m.send_buffer.id = cpu_to_le16(NVSP_RECV_BUFFER_ID);
    send_msg(c, &m, type, v);
    g_assert_cmphex(v->gpadl_id, ==, 0x1234);
    netvsp_core_buffer_set(c, v, bytes);
    g_assert_cmpuint(le32_to_cpu(v->reply.type), ==, type + 1);
    g_assert(netvsp_core_valid(c));
}

static void test_recv_buffer(void)
{
    NvspRecvSectionWire *s;
    NvspMessageWire m = { };
    NetvspVerdict v;
    NetvspCore c;

    core_init(&c, NVSP_VERSION_5);
    set_buffer(&c, NVSP_MSG_SEND_RECV_BUF, RECV_BYTES, &v);
    g_assert_cmpuint(v.status, ==, NVSP_STATUS_SUCCESS);
    g_assert_cmpuint(v.reply_bytes, ==, 40);
    g_assert_cmpuint(le32_to_cpu(v.reply.recv_buf_complete.status), ==, 1);
    g_assert_cmpuint(le32_to_cpu(v.reply.recv_buf_complete.num_sections), ==, 1);
    s = &v.reply.recv_buf_complete.section;
    g_assert_cmpuint(le32_to_cpu(s->offset), ==, 0);
    g_assert_cmpuint(le32_to_cpu(s->sub_alloc_size), ==, 1728);
    g_assert_cmpuint(le32_to_cpu(s->num_sub_allocs), ==, RECV_BYTES / 1728);

    /* only one at a time */
    set_buffer(&c, NVSP_MSG_SEND_RECV_BUF, RECV_BYTES, &v);
    g_assert_cmpuint(v.status, ==, NVSP_STATUS_FAILURE);
    g_assert(c.recv.is_set);
    m.revoke_buffer.id = cpu_to_le16(1);
    g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_REVOKE_RECV_BUF, &v), ==,
                     NVSP_STATUS_FAILURE);
    m.revoke_buffer.id = cpu_to_le16(NVSP_RECV_BUFFER_ID);
    g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_REVOKE_RECV_BUF, &v), ==,
                     NVSP_STATUS_SUCCESS);
    g_assert_cmpuint(v.action, ==, NETVSP_ACT_REVOKE_RECV_BUF);
    g_assert_cmpuint(v.reply_bytes, ==, 0);
    g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_REVOKE_RECV_BUF, &v), ==,
                     NVSP_STATUS_FAILURE);
}

static void test_buffer_sizes(void)
{
    NetvspVerdict v;
    NetvspCore c;

    core_init(&c, NVSP_VERSION_1);
    set_buffer(&c, NVSP_MSG_SEND_RECV_BUF, 0, &v);
    g_assert_cmpuint(v.status, ==, NVSP_STATUS_FAILURE);
    g_assert_cmpuint(le32_to_cpu(v.reply.recv_buf_complete.status), ==, 2);
    set_buffer(&c, NVSP_MSG_SEND_RECV_BUF, 1727, &v);
    g_assert_false(c.recv.is_set);
    set_buffer(&c, NVSP_MSG_SEND_RECV_BUF, 1728, &v);
    g_assert_cmpuint(c.recv.section_count, ==, 1);
    set_buffer(&c, NVSP_MSG_SEND_SEND_BUF, 6143, &v);
    g_assert_false(c.send.is_set);
    set_buffer(&c, NVSP_MSG_SEND_SEND_BUF, SEND_BYTES, &v);
    g_assert_cmpuint(c.send.section_count, ==, SEND_BYTES / 6144);
    g_assert_cmpuint(v.reply_bytes, ==, 40);
    g_assert_cmpuint(le32_to_cpu(v.reply.send_buf_complete.section_size), ==,
                     6144);
    /* a jumbo frame with all that goes with it fits; nothing overflows */
    core_init(&c, NVSP_VERSION_6_1);
    c.mtu = c.guest_mtu = 9000;
    set_buffer(&c, NVSP_MSG_SEND_RECV_BUF, ~0u, &v);
    g_assert_cmpuint(c.recv.section_bytes, >=, 9000 + 18 + 44 + 64);
    g_assert_cmpuint(c.recv.section_count, ==, NETVSP_MAX_SECTIONS);
}

static uint32_t send_rndis(NetvspCore *c, bool is_primary, uint32_t channel,
                           uint32_t section, uint32_t bytes, NetvspVerdict *v)
{
    NvspMessageWire m = { };

    m.type = cpu_to_le32(NVSP_MSG_SEND_RNDIS);
    m.rndis.channel_type = cpu_to_le32(channel);
    m.rndis.section_idx = cpu_to_le32(section);
    m.rndis.section_bytes = cpu_to_le32(bytes);
    netvsp_core_handle(c, is_primary, &m, 16, v);
    g_assert_cmpuint(v->reply_bytes, ==, 8);
    g_assert_cmpuint(le32_to_cpu(v->reply.type), ==, 108);
    g_assert_cmpuint(le32_to_cpu(v->reply.rndis_status), ==, v->status);
    g_assert((v->action == NETVSP_ACT_RNDIS) ==
             (v->status == NVSP_STATUS_SUCCESS));
    return v->status;
}

static void test_rndis(void)
{
    uint32_t none = NVSP_NO_SECTION;
    NetvspVerdict v;
    NetvspCore c;

    core_init(&c, NVSP_VERSION_6_1);
    g_assert_cmpuint(send_rndis(&c, true, 0, none, 77, &v), ==, 1);
    g_assert_cmpuint(v.rndis.section_bytes, ==, 0);
    g_assert_cmpuint(send_rndis(&c, true, 1, none, 0, &v), ==, 1);
    g_assert_true(v.rndis.is_control);
    g_assert_cmpuint(send_rndis(&c, false, 0, none, 0, &v), ==, 1);
    g_assert_cmpuint(send_rndis(&c, false, 1, none, 0, &v), ==, 2);
    g_assert_cmpuint(send_rndis(&c, true, 2, none, 0, &v), ==, 2);
    g_assert_cmpuint(send_rndis(&c, true, 0, 0, 10, &v), ==, 2);
    set_buffer(&c, NVSP_MSG_SEND_SEND_BUF, SEND_BYTES, &v);
    g_assert_cmpuint(send_rndis(&c, true, 0, 0, 6144, &v), ==, 1);
    g_assert_cmpuint(send_rndis(&c, true, 0, 0, 6145, &v), ==, 2);
    g_assert_cmpuint(send_rndis(&c, true, 0, 169, 0, &v), ==, 1);
    g_assert_cmpuint(send_rndis(&c, true, 0, 170, 0, &v), ==, 2);
    g_assert_cmpuint(send_rndis(&c, true, 0, 0x80000000, 0, &v), ==, 2);
}

static void test_subchannels(void)
{
    static const struct {
        uint32_t operation, count;
        bool good;
    } cases[] = {
        { 0, 1, false }, { 2, 1, false }, { 1, 0, true },
        { 1, 1, true }, { 1, MAX_CHANNELS - 1, true },
        { 1, MAX_CHANNELS, false }, { 1, ~0u, false },
    };
    NetvspCore c;

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        NvspMessageWire m = { };
        NetvspVerdict v;

        core_init(&c, NVSP_VERSION_5);
        m.subchannel.operation = cpu_to_le32(cases[i].operation);
        m.subchannel.count = cpu_to_le32(cases[i].count);
        send_msg(&c, &m, NVSP_MSG_SUBCHANNEL, &v);
        g_assert((v.status == NVSP_STATUS_SUCCESS) == cases[i].good);
        g_assert_cmpuint(v.reply_bytes, ==, 40);
        if (v.action != NETVSP_ACT_SUBCHANNELS) {
            continue;
        }
        netvsp_core_subchannels_offered(&c, &v, true);
        g_assert_cmpuint(le32_to_cpu(v.reply.subchannel_complete.count), ==,
                         cases[i].count);
        g_assert(netvsp_core_valid(&c));
        send_msg(&c, &m, NVSP_MSG_SUBCHANNEL, &v);
        g_assert_cmpuint(v.status, ==, NVSP_STATUS_FAILURE);
    }
    core_init(&c, NVSP_VERSION_4);
    {
        NvspMessageWire m = { };
        NetvspVerdict v;

        g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_SUBCHANNEL, &v), ==,
                         NVSP_STATUS_FAILURE);
    }
}

static void test_subchannels_refused(void)
{
    NvspMessageWire m = { };
    NetvspVerdict v;
    NetvspCore c;

    core_init(&c, NVSP_VERSION_5);
    m.subchannel.operation = cpu_to_le32(NVSP_SUBCHANNEL_ALLOCATE);
    m.subchannel.count = cpu_to_le32(2);
    send_msg(&c, &m, NVSP_MSG_SUBCHANNEL, &v);
    netvsp_core_subchannels_offered(&c, &v, false);
    g_assert_cmpuint(le32_to_cpu(v.reply.subchannel_complete.status), ==, 2);
    g_assert_cmpuint(le32_to_cpu(v.reply.subchannel_complete.count), ==, 0);
    g_assert_cmpuint(c.subchannel_count, ==, 0);
}

/* As from a migration stream: sections in which no frame, or no header, fits */
static void test_section_sizes_are_checked(void)
{
    NetvspVerdict v;
    NetvspCore c;

    core_init(&c, NVSP_VERSION_5);
    set_buffer(&c, NVSP_MSG_SEND_RECV_BUF, RECV_BYTES, &v);
    c.send = (NetvspBuffer) {
        .is_set = true, .section_bytes = 6144, .section_count = 1,
    };
    g_assert(c.recv.is_set);
    g_assert(netvsp_core_valid(&c));
    for (uint32_t bytes = 0; bytes < 1728; bytes++) {
        c.recv.section_bytes = bytes;
        g_assert(!netvsp_core_valid(&c));
    }
    c.recv.section_bytes = 1728;
    for (uint32_t bytes = 0; bytes < 10000; bytes++) {
        c.send.section_bytes = bytes;
        g_assert(netvsp_core_valid(&c) == (bytes == 6144));
    }
}

static void test_data_path(void)
{
    NvspMessageWire m = { };
    NetvspVerdict v;
    NetvspCore c;

    core_init(&c, NVSP_VERSION_4);
    m.data_path = cpu_to_le32(NVSP_DATA_PATH_VF);
    g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_SWITCH_DATA_PATH, &v), ==, 1);
    g_assert_cmpuint(v.action, ==, NETVSP_ACT_DATA_PATH);
    g_assert_cmpuint(c.data_path, ==, NVSP_DATA_PATH_VF);
    /* Linux waits for a completion without payload */
    g_assert_cmpuint(v.reply_bytes, ==, 0);
    m.data_path = cpu_to_le32(2);
    g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_SWITCH_DATA_PATH, &v), ==, 2);
    g_assert_cmpuint(c.data_path, ==, NVSP_DATA_PATH_VF);
    g_assert_cmpuint(v.reply_bytes, ==, 0);
    core_init(&c, NVSP_VERSION_2);
    g_assert_cmpuint(send_msg(&c, &m, NVSP_MSG_SWITCH_DATA_PATH, &v), ==, 2);
}

/* Every type at every length, on both kinds of channel, in every version */
static void test_any_message(void)
{
    static const uint32_t versions[] = {
        0, NVSP_VERSION_1, NVSP_VERSION_2, NVSP_VERSION_4, NVSP_VERSION_5,
        NVSP_VERSION_6, NVSP_VERSION_6_1
    };
    uint8_t buf[128];
    NetvspVerdict v;
    NetvspCore c;

    for (int i = 0; i < ARRAY_SIZE(versions); i++) {
        for (uint32_t type = 0; type < 300; type++) {
            for (uint32_t bytes = 0; bytes <= sizeof(buf); bytes++) {
                memset(buf, 0xff, sizeof(buf));
                stl_le_p(buf, type);
                core_init(&c, versions[i]);
                netvsp_core_handle(&c, bytes & 1, buf, bytes, &v);
                g_assert(netvsp_core_valid(&c));
                g_assert_cmpuint(v.reply_bytes, <=, sizeof(v.reply));
                g_assert_cmpuint(v.status, !=, NVSP_STATUS_NONE);
                g_assert(v.status == NVSP_STATUS_SUCCESS || v.why ||
                         type == NVSP_MSG_INIT);
            }
        }
    }
}

static void test_builders(void)
{
    NvspMessageWire m;

    g_assert_cmpuint(netvsp_build_rndis(&m, true), ==, 40);
    g_assert_cmpuint(le32_to_cpu(m.rndis.section_idx), ==, ~0u);
    g_assert_cmpuint(netvsp_build_vf_association(&m, true, 7), >=, 12);
    g_assert_cmpuint(le32_to_cpu(m.vf_association.serial), ==, 7);
    /* 12 is where Linux finds the table, as long as there are less than 104 */
    g_assert_cmpuint(netvsp_build_send_table(&m, 3), ==, 76);
    g_assert_cmpuint(le32_to_cpu(m.indirection.count), ==, 16);
    g_assert_cmpuint(le32_to_cpu(m.indirection.offset), ==, 12);
    g_assert_cmpuint(ldl_le_p((uint8_t *)&m + 12 + 4 * 15), ==, 0);
    g_assert_cmpuint(ldl_le_p((uint8_t *)&m + 12 + 4 * 14), ==, 2);
}

static void test_stream_states(void)
{
    NetvspCore c;

    core_init(&c, 0);
    g_assert(netvsp_core_valid(&c));
    c.recv.is_set = true;
    g_assert_false(netvsp_core_valid(&c));
    core_init(&c, 0x12345);
    g_assert_false(netvsp_core_valid(&c));
    core_init(&c, NVSP_VERSION_5);
    c.subchannel_count = MAX_CHANNELS;
    g_assert_false(netvsp_core_valid(&c));
    core_init(&c, NVSP_VERSION_5);
    c.guest_mtu = 10;
    g_assert_false(netvsp_core_valid(&c));
    core_init(&c, NVSP_VERSION_5);
    c.send = (NetvspBuffer) { .is_set = true, .section_bytes = 6144 };
    g_assert_false(netvsp_core_valid(&c));
    c.send.section_count = 1;
    g_assert(netvsp_core_valid(&c));
    c.send.section_bytes = 0;
    g_assert_false(netvsp_core_valid(&c));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/netvsp-core/negotiates_one_version", test_versions);
    g_test_add_func("/netvsp-core/checks_the_mtu", test_ndis_config);
    g_test_add_func("/netvsp-core/keeps_ndis_version", test_ndis_version);
    g_test_add_func("/netvsp-core/cuts_the_receive_buffer", test_recv_buffer);
    g_test_add_func("/netvsp-core/refuses_small_buffers", test_buffer_sizes);
    g_test_add_func("/netvsp-core/checks_sections", test_rndis);
    g_test_add_func("/netvsp-core/offers_what_it_promises", test_subchannels);
    g_test_add_func("/netvsp-core/promises_nothing_if_refused",
                    test_subchannels_refused);
    g_test_add_func("/netvsp-core/completes_data_path_empty", test_data_path);
    g_test_add_func("/netvsp-core/takes_any_message", test_any_message);
    g_test_add_func("/netvsp-core/builds_messages", test_builders);
    g_test_add_func("/netvsp-core/checks_the_stream", test_stream_states);
    g_test_add_func("/netvsp-core/checks_section_sizes",
                    test_section_sizes_are_checked);
    return g_test_run();
}
