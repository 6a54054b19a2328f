/*
 * Unit tests of the RNDIS core: control messages, objects, data packets
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/rndis-core.h"

#define ID 0x51525354

static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
static RndisStats stats;

/* ldl_le_p() is signed */
static uint32_t get32(const void *p)
{
    return ldl_le_p(p);
}

static void core_init(RndisCore *c)
{
    memset(c, 0, sizeof(*c));
    memcpy(c->permanent_mac, mac, 6);
    memcpy(c->mac, mac, 6);
    c->mtu = 1500;
    c->max_channels = 4;
    c->offload_caps = RNDIS_OFFLOAD_ALL;
    c->link_speed_bps = 10000000000ull;
    c->link_up = true;
    c->stats = &stats;
    rndis_core_reset(c);
}

/* A message of @type with @words behind the request id, and @data */
static uint32_t make(uint8_t *msg, uint32_t type, const uint32_t *words, int n,
                     const void *data, uint32_t bytes)
{
    stl_le_p(msg, type);
    stl_le_p(msg + 4, 12 + n * 4 + bytes);
    stl_le_p(msg + 8, ID);
    for (int i = 0; i < n; i++) {
        stl_le_p(msg + 12 + 4 * i, words[i]);
    }
    if (bytes) {
        memcpy(msg + 12 + 4 * n, data, bytes);
    }
    return 12 + n * 4 + bytes;
}

static void check_reply(const RndisVerdict *v, uint32_t type, uint32_t status)
{
    g_assert_cmpuint(v->reply_bytes, >=, 16);
    g_assert_cmphex(get32(v->reply), ==, type | 0x80000000);
    g_assert_cmpuint(get32(v->reply + 4), ==, v->reply_bytes);
    g_assert_cmphex(get32(v->reply + 8), ==, ID);
    g_assert_cmphex(get32(v->reply + 12), ==, status);
    g_assert_cmphex(v->status, ==, status);
}

static uint32_t query(RndisCore *c, uint32_t oid, const void *in,
                      uint32_t in_bytes, RndisVerdict *v, const uint8_t **info)
{
    uint32_t words[] = { oid, in_bytes, 20, 0 };
    uint8_t msg[512];
    uint32_t bytes = make(msg, RNDIS_MSG_QUERY, words, 4, in, in_bytes);

    g_assert_true(rndis_core_handle(c, true, msg, bytes, v));
    check_reply(v, RNDIS_MSG_QUERY, v->status);
    g_assert_cmpuint(v->reply_bytes, ==, 24 + get32(v->reply + 16));
    if (v->status) {
        /* what makes Linux see a failure */
        g_assert_cmpuint(get32(v->reply + 16), ==, 0);
        g_assert_cmpuint(get32(v->reply + 20), ==, 0);
    } else if (get32(v->reply + 16)) {
        g_assert_cmpuint(get32(v->reply + 20), ==, 16);
    }
    *info = v->reply + 24;
    return get32(v->reply + 16);
}

static uint32_t query_u32(RndisCore *c, uint32_t oid)
{
    RndisVerdict v;
    const uint8_t *info;

    g_assert_cmpuint(query(c, oid, NULL, 0, &v, &info), ==, 4);
    return get32(info);
}

static uint32_t set(RndisCore *c, uint32_t oid, const void *in,
                    uint32_t in_bytes, RndisVerdict *v)
{
    uint32_t words[] = { oid, in_bytes, 20, 0 };
    uint8_t msg[4096];
    uint32_t bytes = make(msg, RNDIS_MSG_SET, words, 4, in, in_bytes);

    g_assert_true(rndis_core_handle(c, true, msg, bytes, v));
    g_assert_cmpuint(v->reply_bytes, ==, 16);
    check_reply(v, RNDIS_MSG_SET, v->status);
    g_assert_true(rndis_core_valid(c));
    return v->status;
}

static void test_init_halt(void)
{
    uint32_t words[] = { 1, 0, 0x4000 };
    uint8_t msg[64];
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    g_assert_true(rndis_core_handle(&c, true, msg, make(msg, RNDIS_MSG_INIT,
                                    words, 3, NULL, 0), &v));
    check_reply(&v, RNDIS_MSG_INIT, 0);
    g_assert_cmpuint(v.reply_bytes, ==, 52);
    g_assert_cmpuint(get32(v.reply + 32), ==, 8);    /* packets */
    g_assert_cmpuint(get32(v.reply + 40), ==, 3);    /* alignment */
    g_assert_true(c.is_initialized);
    c.filter = 0xd;
    c.mac[5]++;
    g_assert_true(rndis_core_handle(&c, true, msg, make(msg, RNDIS_MSG_HALT,
                                    NULL, 0, NULL, 0), &v));
    g_assert_cmpuint(v.reply_bytes, ==, 0);
    g_assert_false(c.is_initialized);
    g_assert_cmpuint(c.filter, ==, 0);
    /* Linux sets a changed address once, not after each restart */
    g_assert_cmpuint(c.mac[5], ==, mac[5] + 1);

    words[0] = 2;
    g_assert_true(rndis_core_handle(&c, true, msg, make(msg, RNDIS_MSG_INIT,
                                    words, 3, NULL, 0), &v));
    check_reply(&v, RNDIS_MSG_INIT, RNDIS_STATUS_FAILURE);
    g_assert_false(c.is_initialized);
}

static void test_other_messages(void)
{
    uint8_t msg[64];
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    g_assert_true(rndis_core_handle(&c, true, msg, make(msg, RNDIS_MSG_RESET,
                                    NULL, 0, NULL, 0), &v));
    g_assert_cmpuint(v.reply_bytes, ==, 16);
    g_assert_cmphex(get32(v.reply), ==, 0x80000006);
    g_assert_cmpuint(get32(v.reply + 8), ==, 0);
    g_assert_true(rndis_core_handle(&c, true, msg,
                                    make(msg, RNDIS_MSG_KEEPALIVE, NULL, 0,
                                         NULL, 0), &v));
    check_reply(&v, RNDIS_MSG_KEEPALIVE, 0);
    /* an answer to an answer would never end */
    g_assert_true(rndis_core_handle(&c, true, msg,
                                    make(msg, 0x80000004, NULL, 0, NULL, 0),
                                    &v));
    g_assert_cmpuint(v.reply_bytes, ==, 0);
    g_assert_true(rndis_core_handle(&c, true, msg,
                                    make(msg, 99, NULL, 0, NULL, 0), &v));
    check_reply(&v, 99, RNDIS_STATUS_NOT_SUPPORTED);
    /* not even a header, or a length that is not there */
    g_assert_false(rndis_core_handle(&c, true, msg, 7, &v));
    stl_le_p(msg + 4, 13);
    g_assert_false(rndis_core_handle(&c, true, msg, 12, &v));
    stl_le_p(msg + 4, 7);
    g_assert_false(rndis_core_handle(&c, true, msg, 12, &v));
}

static void test_queries(void)
{
    static const struct {
        uint32_t oid, val;
    } u32s[] = {
        { RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE, 1500 },
        { RNDIS_OID_GEN_MAXIMUM_TOTAL_SIZE, 1514 },
        { RNDIS_OID_GEN_LINK_SPEED, 100000000 },
        { RNDIS_OID_GEN_MEDIA_CONNECT_STATUS, 0 },
        { RNDIS_OID_GEN_CURRENT_PACKET_FILTER, 0 },
        { RNDIS_OID_802_3_MAXIMUM_LIST_SIZE, RNDIS_MAX_MULTICAST },
    };
    const uint8_t *info;
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    for (int i = 0; i < ARRAY_SIZE(u32s); i++) {
        g_assert_cmpuint(query_u32(&c, u32s[i].oid), ==, u32s[i].val);
    }
    c.link_up = false;
    g_assert_cmpuint(query_u32(&c, RNDIS_OID_GEN_MEDIA_CONNECT_STATUS), ==, 1);
    c.link_speed_bps = UINT64_MAX;
    g_assert_cmpuint(query_u32(&c, RNDIS_OID_GEN_LINK_SPEED), ==, UINT32_MAX);
    g_assert_cmpuint(query(&c, RNDIS_OID_802_3_PERMANENT_ADDRESS, NULL, 0, &v,
                           &info), ==, 6);
    g_assert_cmpmem(info, 6, mac, 6);
    /* "Network Adapter" and a zero, 16 bits each */
    g_assert_cmpuint(query(&c, RNDIS_OID_GEN_FRIENDLY_NAME, NULL, 0, &v,
                           &info), ==, 32);
    g_assert_cmpuint(lduw_le_p(info), ==, 'N');
    g_assert_cmpuint(lduw_le_p(info + 30), ==, 0);
    query(&c, 0x12345678, NULL, 0, &v, &info);
    g_assert_cmphex(v.status, ==, RNDIS_STATUS_NOT_SUPPORTED);
}

/* Each object of the list can be queried or set, and answers have an end */
static void test_supported_list(void)
{
    const uint8_t *info;
    uint8_t list[1024];
    RndisVerdict v;
    RndisCore c;
    uint32_t bytes;

    core_init(&c);
    bytes = query(&c, RNDIS_OID_GEN_SUPPORTED_LIST, NULL, 0, &v, &info);
    g_assert_cmpuint(bytes, >=, 40 * 4);
    g_assert_cmpuint(bytes % 4, ==, 0);
    memcpy(list, info, bytes);
    for (uint32_t i = 0; i < bytes; i += 4) {
        uint32_t oid = get32(list + i);
        uint32_t q, s;

        query(&c, oid, NULL, 0, &v, &info);
        q = v.status;
        s = set(&c, oid, "\0\0\0\0", 4, &v);
        g_assert(q == 0 || s != RNDIS_STATUS_NOT_SUPPORTED);
    }
}

static void test_counters(void)
{
    uint8_t room[8] = { };
    const uint8_t *info;
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    stats.rx_bytes[RNDIS_CAST_MULTI] = 0x123456789ull;
    g_assert_cmphex(query_u32(&c, RNDIS_OID_GEN_MULTICAST_BYTES_RCV), ==,
                    0x23456789);
    g_assert_cmpuint(query(&c, RNDIS_OID_GEN_MULTICAST_BYTES_RCV, room, 8, &v,
                           &info), ==, 8);
    g_assert_cmphex(ldq_le_p(info), ==, 0x123456789ull);
    g_assert_cmpuint(query_u32(&c, RNDIS_OID_GEN_DIRECTED_BYTES_RCV), ==, 0);
    stats.tx_frames[0] = 1;
    stats.tx_frames[1] = 2;
    stats.tx_frames[2] = 4;
    g_assert_cmpuint(query_u32(&c, RNDIS_OID_GEN_XMIT_OK), ==, 7);
    g_assert_cmpuint(query_u32(&c, RNDIS_OID_GEN_BROADCAST_FRAMES_XMIT), ==, 4);
    memset(&stats, 0, sizeof(stats));
}

static void test_offload_caps(void)
{
    static const uint16_t sizes[] = { 112, 144, 156 };
    NdisObjectWire h = { .type = NDIS_OBJECT_OFFLOAD };
    NdisOffloadWire o = { };
    const uint8_t *info;
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    for (int rev = 1; rev <= 4; rev++) {
        uint32_t want = sizes[MIN(rev, 3) - 1];

        h.revision = rev;
        g_assert_cmpuint(query(&c, RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES,
                               &h, sizeof(h), &v, &info), ==, want);
        memcpy(&o, info, want);
        g_assert_cmpuint(o.header.revision, ==, MIN(rev, 3));
        g_assert_cmpuint(le16_to_cpu(o.header.bytes), ==, want);
    }
    /* what Linux looks for */
    g_assert_cmphex(le32_to_cpu(o.ip4_tx_csum) & 0x54, ==, 0x54);
    g_assert_cmphex(le32_to_cpu(o.ip6_tx_csum) & 0x55, ==, 0x55);
    g_assert_cmphex(le32_to_cpu(o.lsov2_ip6_options) & 5, ==, 5);
    g_assert_cmpuint(o.rsc_ip4, ==, 1);
    g_assert_cmpuint(query(&c, RNDIS_OID_TCP_OFFLOAD_CURRENT_CONFIG, NULL, 0,
                           &v, &info), ==, 156);
    memcpy(&o, info, sizeof(o));
    g_assert_cmphex(o.ip4_tx_csum, ==, 0);
    g_assert_cmphex(o.lsov2_ip4_encap, ==, 0);
    c.offload_caps = 0;
    query(&c, RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES, NULL, 0, &v, &info);
    memcpy(&o, info, sizeof(o));
    g_assert_cmphex(o.ip4_tx_csum | o.ip6_tx_csum | o.lsov2_ip4_encap |
                    o.rsc_ip4, ==, 0);
}

static void test_offload_params(void)
{
    NdisOffloadParamsWire p = {
        .header = { NDIS_OBJECT_DEFAULT, 3, cpu_to_le16(28) },
        .ip4_csum = 1, .tcp4_csum = 4, .udp4_csum = 2, .tcp6_csum = 3,
        .lsov2_ip4 = 2, .rsc_ip4 = 2, .rsc_ip6 = 2,
    };
    uint32_t want = RNDIS_OFFLOAD_TX_TCP4 | RNDIS_OFFLOAD_RX_TCP4 |
                    RNDIS_OFFLOAD_TX_UDP4 | RNDIS_OFFLOAD_RX_TCP6 |
                    RNDIS_OFFLOAD_LSO4 | RNDIS_OFFLOAD_RSC;
    uint32_t oid = RNDIS_OID_TCP_OFFLOAD_PARAMETERS;
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    g_assert_cmphex(set(&c, oid, &p, 28, &v), ==, 0);
    g_assert_cmphex(c.offloads, ==, want);
    g_assert_cmphex(v.changed, ==, RNDIS_CHANGED_OFFLOADS);
    /* an older structure does not reach the RSC switches; 0 changes nothing */
    p.tcp4_csum = 1;
    p.lsov2_ip4 = 0;
    p.rsc_ip4 = p.rsc_ip6 = 1;
    g_assert_cmphex(set(&c, oid, &p, 22, &v), ==, 0);
    want &= ~(RNDIS_OFFLOAD_TX_TCP4 | RNDIS_OFFLOAD_RX_TCP4);
    g_assert_cmphex(c.offloads, ==, want);
    g_assert_cmphex(set(&c, oid, &p, 19, &v), ==, RNDIS_STATUS_INVALID_LENGTH);
    p.tcp4_csum = 5;
    g_assert_cmphex(set(&c, oid, &p, 28, &v), ==, RNDIS_STATUS_INVALID_DATA);
    p.tcp4_csum = 0;
    p.lsov2_ip6 = 3;
    g_assert_cmphex(set(&c, oid, &p, 28, &v), ==, RNDIS_STATUS_INVALID_DATA);
    g_assert_cmphex(c.offloads, ==, want);
    /* never on what is not offered */
    p.lsov2_ip6 = 2;
    c.offload_caps &= ~RNDIS_OFFLOAD_LSO6;
    g_assert_cmphex(set(&c, oid, &p, 28, &v), ==, RNDIS_STATUS_NOT_SUPPORTED);
    g_assert_cmphex(c.offloads, ==, want);
}

/* RSS parameters as Linux sends them: @entries of @channel, then the key */
static uint32_t make_rss(uint8_t *buf, uint16_t flags, uint32_t entries,
                         uint32_t channel, uint32_t hash_info)
{
    NdisRssParamsWire p = {
        .header = { NDIS_OBJECT_RSS_PARAMETERS, 2, cpu_to_le16(40) },
        .flags = cpu_to_le16(flags),
        .hash_info = cpu_to_le32(hash_info),
        .table_bytes = cpu_to_le16(4 * entries),
        .table_offset = cpu_to_le32(sizeof(p)),
        .key_bytes = cpu_to_le16(40),
        .key_offset = cpu_to_le32(sizeof(p) + 4 * entries),
    };

    memcpy(buf, &p, sizeof(p));
    for (int i = 0; i < entries; i++) {
        stl_le_p(buf + sizeof(p) + 4 * i, channel);
    }
    memset(buf + sizeof(p) + 4 * entries, 0x5a, 40);
    return sizeof(p) + 4 * entries + 40;
}

static void test_rss(void)
{
    static const struct {
        uint32_t entries, channel, hash_info, cut, status;
    } cases[] = {
        { 128, 3, 0x1701, 0, 0 },
        { 1, 0, 0x1701, 0, 0 },
        { 127, 1, 0x1701, 0, 0 },
        { 0, 0, 0x1701, 0, RNDIS_STATUS_INVALID_LENGTH },
        { 129, 0, 0x1701, 0, RNDIS_STATUS_INVALID_LENGTH },
        { 16, 4, 0x1701, 0, RNDIS_STATUS_INVALID_DATA },
        { 16, ~0u, 0x1701, 0, RNDIS_STATUS_INVALID_DATA },
        { 16, 1, 0x1702, 0, RNDIS_STATUS_INVALID_DATA },
        { 16, 1, 0, 0, RNDIS_STATUS_INVALID_DATA },
        { 16, 1, 0x1701, 1, RNDIS_STATUS_INVALID_LENGTH },
        { 16, 1, 0x1701, 41, RNDIS_STATUS_INVALID_LENGTH },
        { 16, 1, 0x1701, 130, RNDIS_STATUS_INVALID_LENGTH },
    };
    uint32_t oid = RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS;
    uint8_t buf[1024];
    RndisVerdict v;
    RndisCore c;

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t bytes = make_rss(buf, 0, cases[i].entries, cases[i].channel,
                                  cases[i].hash_info);

        core_init(&c);
        g_assert_cmphex(set(&c, oid, buf, bytes - cases[i].cut, &v), ==,
                        cases[i].status);
        g_assert(c.rss.is_enabled == !cases[i].status);
    }
    /* only the table, then off, then on with what was there */
    core_init(&c);
    set(&c, oid, buf, make_rss(buf, 0, 8, 1, 0x1701), &v);
    g_assert_cmphex(set(&c, oid, buf, make_rss(buf,
                        NDIS_RSS_PARAM_HASH_UNCHANGED |
                        NDIS_RSS_PARAM_KEY_UNCHANGED, 4, 2, 0), &v), ==, 0);
    g_assert_cmpuint(c.rss.table_count, ==, 4);
    g_assert_cmphex(c.rss.hash_info, ==, 0x1701);
    g_assert_cmphex(c.rss.key[39], ==, 0x5a);
    /* the request that disables is not looked at further */
    memset(buf, 0, sizeof(buf));
    buf[0] = NDIS_OBJECT_RSS_PARAMETERS;
    buf[4] = NDIS_RSS_PARAM_DISABLE;
    g_assert_cmphex(set(&c, oid, buf, 28, &v), ==, 0);
    g_assert_false(c.rss.is_enabled);
    g_assert_cmphex(set(&c, oid, buf, 27, &v), ==,
                    RNDIS_STATUS_INVALID_LENGTH);
    buf[4] = 0xe;
    g_assert_cmphex(set(&c, oid, buf, 28, &v), ==, 0);
    g_assert_true(c.rss.is_enabled);
    core_init(&c);
    g_assert_cmphex(set(&c, oid, buf, 28, &v), ==, RNDIS_STATUS_INVALID_DATA);
}

static uint32_t put_utf16(uint8_t *to, const char *text)
{
    uint32_t i;

    for (i = 0; text[i]; i++) {
        stw_le_p(to + 2 * i, (uint8_t)text[i]);
    }
    return 2 * i;
}

static uint32_t set_config(RndisCore *c, const char *name, uint32_t type,
                           const char *value, int value_bytes)
{
    uint8_t buf[256] = { };
    uint32_t n = put_utf16(buf + 20, name);
    uint32_t m = put_utf16(buf + 20 + n, value);
    RndisVerdict v;

    stl_le_p(buf, 20);
    stl_le_p(buf + 4, n);
    stl_le_p(buf + 8, type);
    stl_le_p(buf + 12, 20 + n);
    stl_le_p(buf + 16, value_bytes < 0 ? m : value_bytes);
    return set(c, RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER, buf, 20 + n + m, &v);
}

static void test_mac_change(void)
{
    static const uint8_t want[6] = { 0x02, 0xab, 0xcd, 0xef, 0x01, 0x99 };
    static const char *const bad[] = {
        "", "02abcdef019", "02abcdef01999", "02abcdef019g", "03abcdef0199",
        "02abcdef01\xe4\xe4", "0-2abcdef0199", "-02abcdef0199",
    };
    RndisCore c;

    core_init(&c);
    g_assert_cmphex(set_config(&c, "NetworkAddress", 2, "02abCDef0199", -1), ==,
                    0);
    g_assert_cmpmem(c.mac, 6, want, 6);
    g_assert_cmpmem(c.permanent_mac, 6, mac, 6);
    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmphex(set_config(&c, "NetworkAddress", 2, bad[i], -1), ==,
                        RNDIS_STATUS_INVALID_DATA);
        g_assert_cmpmem(c.mac, 6, want, 6);
    }
    g_assert_cmphex(set_config(&c, "networkaddress", 2, "02-AB-CD-EF-01-98",
                               -1), ==, 0);
    g_assert_cmphex(c.mac[5], ==, 0x98);
    g_assert_cmphex(set_config(&c, "NetworkAddress", 0, "02abcdef0199", -1), ==,
                    RNDIS_STATUS_INVALID_DATA);
    g_assert_cmphex(set_config(&c, "NetworkAddres", 2, "02abcdef0199", -1), ==,
                    RNDIS_STATUS_NOT_SUPPORTED);
    g_assert_cmphex(set_config(&c, "NetworkAddress", 2, "02abcdef0199", 25), ==,
                    RNDIS_STATUS_INVALID_LENGTH);
    g_assert_cmphex(set_config(&c, "NetworkAddress", 2, "02abcdef0199",
                               0x7fffffff), ==, RNDIS_STATUS_INVALID_LENGTH);
}

static void test_filter(void)
{
    static const uint8_t other[6] = { 0x52, 0x54, 0, 9, 9, 9 };
    static const uint8_t group[6] = { 0x33, 0x33, 0, 0, 0, 1 };
    static const uint8_t group2[6] = { 0x33, 0x33, 0, 0, 0, 2 };
    static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    uint32_t oid = RNDIS_OID_GEN_CURRENT_PACKET_FILTER;
    uint8_t list[RNDIS_MAX_MULTICAST * 6 + 6] = { };
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    g_assert_false(rndis_core_accepts(&c, mac));
    g_assert_false(rndis_core_accepts(&c, all));
    g_assert_cmphex(set(&c, oid, "\x0d\0\0\0", 4, &v), ==, 0);
    g_assert_true(rndis_core_accepts(&c, mac));
    g_assert_false(rndis_core_accepts(&c, other));
    g_assert_true(rndis_core_accepts(&c, group));
    g_assert_true(rndis_core_accepts(&c, all));
    set(&c, oid, "\x03\0\0\0", 4, &v);
    g_assert_false(rndis_core_accepts(&c, group));
    g_assert_false(rndis_core_accepts(&c, all));
    g_assert_cmphex(set(&c, RNDIS_OID_802_3_MULTICAST_LIST, group, 6, &v), ==,
                    0);
    g_assert_true(rndis_core_accepts(&c, group));
    g_assert_false(rndis_core_accepts(&c, group2));
    set(&c, oid, "\x20\0\0\0", 4, &v);
    g_assert_true(rndis_core_accepts(&c, other));
    g_assert_true(rndis_core_accepts(&c, group2));
    g_assert_cmphex(set(&c, oid, "\x20\0\0", 3, &v), ==,
                    RNDIS_STATUS_INVALID_LENGTH);
    g_assert_cmphex(set(&c, RNDIS_OID_802_3_MULTICAST_LIST, list, 7, &v), ==,
                    RNDIS_STATUS_INVALID_LENGTH);
    g_assert_cmphex(set(&c, RNDIS_OID_802_3_MULTICAST_LIST, list,
                        RNDIS_MAX_MULTICAST * 6, &v), ==, 0);
    g_assert_cmphex(set(&c, RNDIS_OID_802_3_MULTICAST_LIST, list,
                        sizeof(list), &v), ==, RNDIS_STATUS_MULTICAST_FULL);
}

/* CVE-2021-28476 and its like: offset and length of the information */
static void test_bad_info(void)
{
    static const uint32_t offsets[] = { 0, 19, 20, 24, 25, 0x7fffffff, ~0u };
    static const uint32_t lengths[] = { 4, 5, 0x7fffffff, ~0u, ~0u - 19 };
    uint8_t msg[64];
    RndisVerdict v;
    RndisCore c;

    core_init(&c);
    for (int i = 0; i < ARRAY_SIZE(offsets); i++) {
        for (int j = 0; j < ARRAY_SIZE(lengths); j++) {
            uint32_t words[] = {
                RNDIS_OID_GEN_CURRENT_PACKET_FILTER, lengths[j], offsets[i], 0
            };
            bool good = offsets[i] == 20 && lengths[j] == 4;

            for (uint32_t type = RNDIS_MSG_QUERY; type <= RNDIS_MSG_SET;
                 type++) {
                g_assert_true(rndis_core_handle(&c, true, msg,
                              make(msg, type, words, 4, "\1\0\0\0", 4), &v));
                g_assert((v.status == 0) == good);
            }
        }
    }
    /* every length of message, up to one with an information of 4 bytes */
    for (uint32_t bytes = 8; bytes < 32; bytes++) {
        uint32_t words[] = { RNDIS_OID_GEN_CURRENT_PACKET_FILTER, 4, 20, 0 };

        make(msg, RNDIS_MSG_SET, words, 4, "\1\0\0\0", 4);
        stl_le_p(msg + 4, bytes);
        g_assert_true(rndis_core_handle(&c, true, msg, bytes, &v));
        g_assert_cmphex(v.status, ==, RNDIS_STATUS_INVALID_LENGTH);
    }
}

static uint32_t make_packet(uint8_t *msg, uint32_t data_bytes,
                            uint32_t ppi_bytes)
{
    memset(msg, 0, 44 + ppi_bytes + data_bytes);
    stl_le_p(msg, RNDIS_MSG_PACKET);
    stl_le_p(msg + 4, 44 + ppi_bytes + data_bytes);
    stl_le_p(msg + 8, 36 + ppi_bytes);
    stl_le_p(msg + 12, data_bytes);
    stl_le_p(msg + 28, ppi_bytes ? 36 : 0);
    stl_le_p(msg + 32, ppi_bytes);
    return 44 + ppi_bytes + data_bytes;
}

static void put_ppi(uint8_t *p, uint32_t bytes, uint32_t type, uint32_t offset,
                    uint32_t val)
{
    stl_le_p(p, bytes);
    stl_le_p(p + 4, type);
    stl_le_p(p + 8, offset);
    stl_le_p(p + 12, val);
}

static void test_packet(void)
{
    uint8_t msg[512];
    uint32_t bytes;
    RndisPacket p;

    bytes = make_packet(msg, 60, 64);
    put_ppi(msg + 44, 16, RNDIS_PPI_HASH_VALUE, 12, 0x1234);
    put_ppi(msg + 60, 16, RNDIS_PPI_8021Q, 12, 5 | 1 << 3 | 0x123 << 4);
    put_ppi(msg + 76, 16, RNDIS_PPI_LSO, 12, 1448 | 34 << 20 | 1u << 30);
    put_ppi(msg + 92, 16, RNDIS_PPI_CHECKSUM, 12, 0x220005);
    g_assert_null(rndis_packet_parse(msg, bytes, &p));
    g_assert_cmpuint(p.msg_bytes, ==, bytes);
    g_assert_cmpuint(p.data_offset, ==, 108);
    g_assert_cmpuint(p.data_bytes, ==, 60);
    g_assert_true(p.has_vlan && p.has_csum && p.has_lso);
    g_assert_cmphex(p.vlan_tci, ==, 5 << 13 | 1 << 12 | 0x123);
    g_assert_cmphex(p.csum, ==, 0x220005);
    g_assert_cmpuint(p.lso & RNDIS_LSO_MSS_MASK, ==, 1448);
    /* padding behind the data, and a packet behind that */
    stl_le_p(msg + 12, 57);
    g_assert_null(rndis_packet_parse(msg, sizeof(msg), &p));
    g_assert_cmpuint(p.data_bytes, ==, 57);
    g_assert_cmpuint(p.msg_bytes, ==, bytes);
}

static void test_bad_packets(void)
{
    static const struct {
        uint32_t offset, val;
    } cases[] = {
        { 0, 2 }, { 4, 43 }, { 4, 125 }, { 4, ~0u }, { 4, 0 },
        { 8, 35 }, { 8, 53 }, { 8, ~0u }, { 8, 0 },
        { 12, 13 }, { 12, 65 }, { 12, ~0u }, { 12, ~0u - 50 },
        { 28, 35 }, { 28, 0x1000 }, { 28, ~0u }, { 32, 0x1000 }, { 32, ~0u },
        /* the information: its size, where its value is */
        { 44, 0 }, { 44, 11 }, { 44, 17 }, { 44, ~0u }, { 44, 12 },
        { 52, 11 }, { 52, 17 }, { 52, ~0u }, { 52, 13 },
    };
    uint8_t msg[512];
    RndisPacket p;

    for (int i = 0; i < ARRAY_SIZE(cases); i++) {
        uint32_t bytes = make_packet(msg, 64, 16);

        g_assert_cmpuint(bytes, ==, 124);
        put_ppi(msg + 44, 16, RNDIS_PPI_CHECKSUM, 12, 5);
        g_assert_null(rndis_packet_parse(msg, bytes, &p));
        stl_le_p(msg + cases[i].offset, cases[i].val);
        g_assert_nonnull(rndis_packet_parse(msg, bytes, &p));
    }
    for (uint32_t bytes = 0; bytes < 44; bytes++) {
        make_packet(msg, 64, 0);
        stl_le_p(msg + 4, bytes);
        g_assert_nonnull(rndis_packet_parse(msg, bytes, &p));
    }
}

static void test_many_ppis(void)
{
    g_autofree uint8_t *msg = g_malloc(65536);
    RndisPacket p;

    for (int n = 30; n < 3000; n *= 10) {
        uint32_t bytes = make_packet(msg, 14, 12 * n);

        for (int i = 0; i < n; i++) {
            stl_le_p(msg + 44 + 12 * i, 12);
            stl_le_p(msg + 48 + 12 * i, RNDIS_PPI_SG_LIST);
            stl_le_p(msg + 52 + 12 * i, 12);
        }
        g_assert(!rndis_packet_parse(msg, bytes, &p) == (n <= 32));
    }
}

static void test_build(void)
{
    RndisRxInfo info = {
        .csum = RNDIS_RX_CSUM_TCP_OK, .has_vlan = true,
        .vlan_tci = 3 << 13 | 0xabc, .has_hash = true, .hash = 0x11223344,
        .fragment_flags = RNDIS_PACKET_ID_MULTI, .packet_id = 0x5566,
    };
    uint8_t buf[RNDIS_MAX_RX_HEADER_BYTES + 64] = { };
    RndisPacket p;
    uint32_t bytes = rndis_packet_build(buf, &info, 64);

    g_assert_cmpuint(bytes, ==, RNDIS_MAX_RX_HEADER_BYTES);
    g_assert_null(rndis_packet_parse(buf, bytes + 64, &p));
    g_assert_cmpuint(p.data_offset, ==, bytes);
    g_assert_cmphex(p.vlan_tci, ==, info.vlan_tci);
    g_assert_cmphex(p.csum, ==, info.csum);
    /* the packet id comes last here */
    g_assert_cmphex(get32(buf + bytes - 12), ==, 0x80000001);
    g_assert_cmphex(get32(buf + bytes - 4), ==, 0x55660101);

    info = (RndisRxInfo) { };
    bytes = rndis_packet_build(buf, &info, 64);
    g_assert_cmpuint(bytes, ==, 44);
    /* Linux takes an offset of 0 for "none" */
    g_assert_cmpuint(get32(buf + 28), ==, 0);
}

static void test_indication(void)
{
    uint8_t buf[32];

    g_assert_cmpuint(rndis_build_indication(buf, RNDIS_STATUS_MEDIA_CONNECT,
                                            false, 0), ==, 20);
    g_assert_cmpuint(rndis_build_indication(buf,
                     RNDIS_STATUS_LINK_SPEED_CHANGE, true, 77), ==, 24);
    g_assert_cmpuint(get32(buf + 16), ==, 12);
    g_assert_cmpuint(get32(buf + 20), ==, 77);
}

static void test_stream(void)
{
    RndisCore c;

    core_init(&c);
    g_assert_true(rndis_core_valid(&c));
    c.rss.is_enabled = true;
    g_assert_false(rndis_core_valid(&c));
    c.rss.table_count = 1;
    c.rss.table[0] = 4;
    g_assert_false(rndis_core_valid(&c));
    c.rss.table[0] = 3;
    g_assert_true(rndis_core_valid(&c));
    c.rss.table_count = NDIS_RSS_TABLE_ENTRIES + 1;
    g_assert_false(rndis_core_valid(&c));
    core_init(&c);
    c.multicast_count = RNDIS_MAX_MULTICAST + 1;
    g_assert_false(rndis_core_valid(&c));
    core_init(&c);
    c.offloads = 0x4000;
    g_assert_false(rndis_core_valid(&c));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rndis-core/initialize_and_halt", test_init_halt);
    g_test_add_func("/rndis-core/other_messages", test_other_messages);
    g_test_add_func("/rndis-core/queries", test_queries);
    g_test_add_func("/rndis-core/supported_list_is_true", test_supported_list);
    g_test_add_func("/rndis-core/counters", test_counters);
    g_test_add_func("/rndis-core/offload_capabilities", test_offload_caps);
    g_test_add_func("/rndis-core/offload_parameters", test_offload_params);
    g_test_add_func("/rndis-core/rss", test_rss);
    g_test_add_func("/rndis-core/mac_change", test_mac_change);
    g_test_add_func("/rndis-core/packet_filter", test_filter);
    g_test_add_func("/rndis-core/rejects_information_out_of_range",
                    test_bad_info);
    g_test_add_func("/rndis-core/parses_packets", test_packet);
    g_test_add_func("/rndis-core/rejects_bad_packets", test_bad_packets);
    g_test_add_func("/rndis-core/bounds_information", test_many_ppis);
    g_test_add_func("/rndis-core/builds_packets", test_build);
    g_test_add_func("/rndis-core/builds_indications", test_indication);
    g_test_add_func("/rndis-core/checks_the_stream", test_stream);
    return g_test_run();
}
