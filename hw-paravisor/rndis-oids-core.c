/*
 * RNDIS: object identifiers, queried and set
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "net-frame-core.h"
#include "rndis-oids-core.h"

static void answer_u32(RndisOidAnswer *a, uint32_t val)
{
    stl_le_p(a->buf, val);
    a->bytes = 4;
}

static void answer_bytes(RndisOidAnswer *a, const void *p, uint32_t bytes)
{
    memcpy(a->buf, p, bytes);
    a->bytes = bytes;
}

/* Counters are 64 bits wide if there is room for that in the guest's buffer */
static void answer_count(RndisOidAnswer *a, uint64_t val)
{
    stq_le_p(a->buf, val);
    a->bytes = a->info_bytes >= 8 ? 8 : 4;
}

static uint64_t sum3(const uint64_t *v)
{
    return v[0] + v[1] + v[2];
}

static bool rndis_query_counter(const RndisCore *c, uint32_t oid,
                                RndisOidAnswer *a)
{
    const RndisStats *s = c->stats;
    uint64_t val;

    switch (oid) {
    case RNDIS_OID_GEN_XMIT_OK:
        val = sum3(s->tx_frames);
        break;
    case RNDIS_OID_GEN_RCV_OK:
        val = sum3(s->rx_frames);
        break;
    case RNDIS_OID_GEN_XMIT_ERROR:
    case RNDIS_OID_GEN_XMIT_DISCARDS:
        val = s->tx_errors;
        break;
    case RNDIS_OID_GEN_RCV_ERROR:
        val = s->rx_errors;
        break;
    case RNDIS_OID_GEN_RCV_NO_BUFFER:
        val = s->rx_no_buffer;
        break;
    case RNDIS_OID_GEN_RCV_DISCARDS:
        val = s->rx_errors + s->rx_no_buffer;
        break;
    case RNDIS_OID_GEN_BYTES_XMIT:
        val = sum3(s->tx_bytes);
        break;
    case RNDIS_OID_GEN_BYTES_RCV:
        val = sum3(s->rx_bytes);
        break;
    case RNDIS_OID_GEN_DIRECTED_BYTES_XMIT:
    case RNDIS_OID_GEN_MULTICAST_BYTES_XMIT:
    case RNDIS_OID_GEN_BROADCAST_BYTES_XMIT:
        val = s->tx_bytes[(oid - RNDIS_OID_GEN_DIRECTED_BYTES_XMIT) / 2];
        break;
    case RNDIS_OID_GEN_DIRECTED_FRAMES_XMIT:
    case RNDIS_OID_GEN_MULTICAST_FRAMES_XMIT:
    case RNDIS_OID_GEN_BROADCAST_FRAMES_XMIT:
        val = s->tx_frames[(oid - RNDIS_OID_GEN_DIRECTED_FRAMES_XMIT) / 2];
        break;
    case RNDIS_OID_GEN_DIRECTED_BYTES_RCV:
    case RNDIS_OID_GEN_MULTICAST_BYTES_RCV:
    case RNDIS_OID_GEN_BROADCAST_BYTES_RCV:
        val = s->rx_bytes[(oid - RNDIS_OID_GEN_DIRECTED_BYTES_RCV) / 2];
        break;
    case RNDIS_OID_GEN_DIRECTED_FRAMES_RCV:
    case RNDIS_OID_GEN_MULTICAST_FRAMES_RCV:
    case RNDIS_OID_GEN_BROADCAST_FRAMES_RCV:
        val = s->rx_frames[(oid - RNDIS_OID_GEN_DIRECTED_FRAMES_RCV) / 2];
        break;
    case RNDIS_OID_GEN_RCV_CRC_ERROR:
    case RNDIS_OID_GEN_TRANSMIT_QUEUE_LENGTH:
    case RNDIS_OID_802_3_RCV_ERROR_ALIGNMENT:
    case RNDIS_OID_802_3_XMIT_ONE_COLLISION:
    case RNDIS_OID_802_3_XMIT_MORE_COLLISIONS:
        val = 0;
        break;
    default:
        return false;
    }
    answer_count(a, val);
    return true;
}

static void rndis_query_offload(const RndisCore *c, uint32_t oid,
                                RndisOidAnswer *a)
{
    uint32_t on = oid == RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES
                ? c->offload_caps : c->offloads;
    NdisOffloadWire o = { };
    uint8_t revision = 3;
    uint32_t tx4 = 0, rx4 = 0, tx6 = 0, rx6 = 0;

    tx4 |= on & RNDIS_OFFLOAD_TX_IP4 ?
           NDIS_CSUM_IP_HEADER | NDIS_CSUM_IP_OPTIONS : 0;
    tx4 |= on & RNDIS_OFFLOAD_TX_TCP4 ?
           NDIS_CSUM_TCP | NDIS_CSUM_TCP_OPTIONS | NDIS_CSUM_IP_OPTIONS : 0;
    tx4 |= on & RNDIS_OFFLOAD_TX_UDP4 ? NDIS_CSUM_UDP : 0;
    rx4 |= on & RNDIS_OFFLOAD_RX_IP4 ?
           NDIS_CSUM_IP_HEADER | NDIS_CSUM_IP_OPTIONS : 0;
    rx4 |= on & RNDIS_OFFLOAD_RX_TCP4 ?
           NDIS_CSUM_TCP | NDIS_CSUM_TCP_OPTIONS | NDIS_CSUM_IP_OPTIONS : 0;
    rx4 |= on & RNDIS_OFFLOAD_RX_UDP4 ? NDIS_CSUM_UDP : 0;
    tx6 |= on & RNDIS_OFFLOAD_TX_TCP6 ?
           NDIS_CSUM6_TCP | NDIS_CSUM6_TCP_OPTIONS | NDIS_CSUM6_EXT_HEADERS : 0;
    tx6 |= on & RNDIS_OFFLOAD_TX_UDP6 ? NDIS_CSUM6_UDP : 0;
    rx6 |= on & RNDIS_OFFLOAD_RX_TCP6 ?
           NDIS_CSUM6_TCP | NDIS_CSUM6_TCP_OPTIONS | NDIS_CSUM6_EXT_HEADERS : 0;
    rx6 |= on & RNDIS_OFFLOAD_RX_UDP6 ? NDIS_CSUM6_UDP : 0;

    o.ip4_tx_encap = o.ip4_rx_encap = cpu_to_le32(NDIS_ENCAP_802_3);
    o.ip6_tx_encap = o.ip6_rx_encap = cpu_to_le32(NDIS_ENCAP_802_3);
    o.ip4_tx_csum = cpu_to_le32(tx4);
    o.ip4_rx_csum = cpu_to_le32(rx4);
    o.ip6_tx_csum = cpu_to_le32(tx6);
    o.ip6_rx_csum = cpu_to_le32(rx6);
    if (on & RNDIS_OFFLOAD_LSO4) {
        o.lsov2_ip4_encap = cpu_to_le32(NDIS_ENCAP_802_3);
        o.lsov2_ip4_max_bytes = cpu_to_le32(RNDIS_MAX_LSO_BYTES);
        o.lsov2_ip4_min_segments = cpu_to_le32(2);
    }
    if (on & RNDIS_OFFLOAD_LSO6) {
        o.lsov2_ip6_encap = cpu_to_le32(NDIS_ENCAP_802_3);
        o.lsov2_ip6_max_bytes = cpu_to_le32(RNDIS_MAX_LSO_BYTES);
        o.lsov2_ip6_min_segments = cpu_to_le32(2);
        o.lsov2_ip6_options = cpu_to_le32(NDIS_LSO6_EXT_HEADERS |
                                          NDIS_LSO6_TCP_OPTIONS);
    }
    if (a->offer_rsc) {
        o.rsc_ip4 = !!(on & RNDIS_OFFLOAD_RSC4);
        o.rsc_ip6 = !!(on & RNDIS_OFFLOAD_RSC6);
    }
    /* as old a structure as the guest asks for */
    if (a->info_bytes >= sizeof(NdisObjectWire) &&
        a->info[0] == NDIS_OBJECT_OFFLOAD && a->info[1] >= 1) {
        revision = MIN(a->info[1], revision);
    }
    a->bytes = revision == 1 ? NDIS_OFFLOAD_BYTES_REV1 :
               revision == 2 ? NDIS_OFFLOAD_BYTES_REV2 :
                               NDIS_OFFLOAD_BYTES_REV3;
    o.header.type = NDIS_OBJECT_OFFLOAD;
    o.header.revision = revision;
    o.header.bytes = cpu_to_le16(a->bytes);
    memcpy(a->buf, &o, a->bytes);
}

static void rndis_query_rss(const RndisCore *c, RndisOidAnswer *a)
{
    NdisRssCapsWire caps = {
        .header.type = NDIS_OBJECT_RSS_CAPABILITIES,
        .header.revision = NDIS_RSS_CAPS_REVISION,
        .header.bytes = cpu_to_le16(NDIS_RSS_CAPS_BYTES),
        .flags = cpu_to_le32(NDIS_RSS_CAPS_TOEPLITZ | NDIS_RSS_CAPS_TCP_IPV4 |
                             NDIS_RSS_CAPS_TCP_IPV6 | NDIS_RSS_CAPS_UDP_IPV4 |
                             NDIS_RSS_CAPS_UDP_IPV6 |
                             NDIS_RSS_CAPS_AVAILABLE_ON_PORTS),
        .interrupt_messages = cpu_to_le32(c->max_channels),
        .receive_queues = cpu_to_le32(c->max_channels),
        .table_entries = cpu_to_le16(NDIS_RSS_TABLE_ENTRIES),
    };

    answer_bytes(a, &caps, NDIS_RSS_CAPS_BYTES);
}

static void rndis_query_name(const RndisCore *c, RndisOidAnswer *a)
{
    const char *name = c->friendly_name ? c->friendly_name : "Network Adapter";
    uint32_t i;

    for (i = 0; name[i] && i < RNDIS_MAX_FRIENDLY_NAME; i++) {
        stw_le_p(a->buf + 2 * i, (uint8_t)name[i]);
    }
    stw_le_p(a->buf + 2 * i, 0);
    a->bytes = 2 * (i + 1);
}

static void rndis_query_link_state(const RndisCore *c, RndisOidAnswer *a)
{
    uint64_t bps = c->link_speed_bps;
    NdisLinkStateWire w = {
        .header.type = NDIS_OBJECT_DEFAULT,
        .header.revision = 1,
        .header.bytes = cpu_to_le16(sizeof(w)),
        .connect_state = cpu_to_le32(c->link_up ? 1 : 2),
        .duplex_state = cpu_to_le32(2),
    };

    w.xmit_speed_bps[0] = w.recv_speed_bps[0] = cpu_to_le32(bps);
    w.xmit_speed_bps[1] = w.recv_speed_bps[1] = cpu_to_le32(bps >> 32);
    answer_bytes(a, &w, sizeof(w));
}

static const uint32_t rndis_oids[] = {
    RNDIS_OID_GEN_SUPPORTED_LIST, RNDIS_OID_GEN_HARDWARE_STATUS,
    RNDIS_OID_GEN_MEDIA_SUPPORTED, RNDIS_OID_GEN_MEDIA_IN_USE,
    RNDIS_OID_GEN_MAXIMUM_LOOKAHEAD, RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE,
    RNDIS_OID_GEN_LINK_SPEED, RNDIS_OID_GEN_TRANSMIT_BUFFER_SPACE,
    RNDIS_OID_GEN_RECEIVE_BUFFER_SPACE, RNDIS_OID_GEN_TRANSMIT_BLOCK_SIZE,
    RNDIS_OID_GEN_RECEIVE_BLOCK_SIZE, RNDIS_OID_GEN_VENDOR_ID,
    RNDIS_OID_GEN_VENDOR_DESCRIPTION, RNDIS_OID_GEN_CURRENT_PACKET_FILTER,
    RNDIS_OID_GEN_CURRENT_LOOKAHEAD, RNDIS_OID_GEN_DRIVER_VERSION,
    RNDIS_OID_GEN_MAXIMUM_TOTAL_SIZE, RNDIS_OID_GEN_MAC_OPTIONS,
    RNDIS_OID_GEN_MEDIA_CONNECT_STATUS, RNDIS_OID_GEN_MAXIMUM_SEND_PACKETS,
    RNDIS_OID_GEN_VENDOR_DRIVER_VERSION, RNDIS_OID_GEN_NETWORK_LAYER_ADDRESSES,
    RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES,
    RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS, RNDIS_OID_GEN_MAX_LINK_SPEED,
    RNDIS_OID_GEN_LINK_STATE, RNDIS_OID_GEN_MACHINE_NAME,
    RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER, RNDIS_OID_GEN_XMIT_OK,
    RNDIS_OID_GEN_RCV_OK, RNDIS_OID_GEN_XMIT_ERROR, RNDIS_OID_GEN_RCV_ERROR,
    RNDIS_OID_GEN_RCV_NO_BUFFER, RNDIS_OID_GEN_DIRECTED_BYTES_XMIT,
    RNDIS_OID_GEN_DIRECTED_FRAMES_XMIT, RNDIS_OID_GEN_MULTICAST_BYTES_XMIT,
    RNDIS_OID_GEN_MULTICAST_FRAMES_XMIT, RNDIS_OID_GEN_BROADCAST_BYTES_XMIT,
    RNDIS_OID_GEN_BROADCAST_FRAMES_XMIT, RNDIS_OID_GEN_DIRECTED_BYTES_RCV,
    RNDIS_OID_GEN_DIRECTED_FRAMES_RCV, RNDIS_OID_GEN_MULTICAST_BYTES_RCV,
    RNDIS_OID_GEN_MULTICAST_FRAMES_RCV, RNDIS_OID_GEN_BROADCAST_BYTES_RCV,
    RNDIS_OID_GEN_BROADCAST_FRAMES_RCV, RNDIS_OID_GEN_RCV_CRC_ERROR,
    RNDIS_OID_GEN_TRANSMIT_QUEUE_LENGTH, RNDIS_OID_GEN_FRIENDLY_NAME,
    RNDIS_OID_GEN_BYTES_RCV, RNDIS_OID_GEN_BYTES_XMIT,
    RNDIS_OID_GEN_RCV_DISCARDS, RNDIS_OID_GEN_XMIT_DISCARDS,
    RNDIS_OID_802_3_PERMANENT_ADDRESS, RNDIS_OID_802_3_CURRENT_ADDRESS,
    RNDIS_OID_802_3_MULTICAST_LIST, RNDIS_OID_802_3_MAXIMUM_LIST_SIZE,
    RNDIS_OID_802_3_MAC_OPTIONS, RNDIS_OID_802_3_RCV_ERROR_ALIGNMENT,
    RNDIS_OID_802_3_XMIT_ONE_COLLISION, RNDIS_OID_802_3_XMIT_MORE_COLLISIONS,
    RNDIS_OID_TCP_OFFLOAD_CURRENT_CONFIG, RNDIS_OID_TCP_OFFLOAD_PARAMETERS,
    RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES,
};
QEMU_BUILD_BUG_ON(sizeof(rndis_oids) > RNDIS_MAX_ANSWER_BYTES);

uint32_t rndis_oid_query(const RndisCore *c, uint32_t oid, RndisOidAnswer *a)
{
    static const char vendor[] = "QEMU";
    uint32_t frame_bytes = c->mtu + NET_FRAME_ETH_BYTES;

    if (rndis_query_counter(c, oid, a)) {
        return RNDIS_STATUS_SUCCESS;
    }
    switch (oid) {
    case RNDIS_OID_GEN_SUPPORTED_LIST:
        for (int i = 0; i < ARRAY_SIZE(rndis_oids); i++) {
            stl_le_p(a->buf + 4 * i, rndis_oids[i]);
        }
        a->bytes = sizeof(rndis_oids);
        break;
    case RNDIS_OID_GEN_HARDWARE_STATUS:         /* 0: ready */
    case RNDIS_OID_GEN_MEDIA_SUPPORTED:
    case RNDIS_OID_GEN_MEDIA_IN_USE:
    case RNDIS_OID_802_3_MAC_OPTIONS:
        answer_u32(a, 0);
        break;
    case RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE:
        answer_u32(a, c->mtu);
        break;
    case RNDIS_OID_GEN_MAXIMUM_LOOKAHEAD:
    case RNDIS_OID_GEN_CURRENT_LOOKAHEAD:
    case RNDIS_OID_GEN_TRANSMIT_BLOCK_SIZE:
    case RNDIS_OID_GEN_RECEIVE_BLOCK_SIZE:
    case RNDIS_OID_GEN_MAXIMUM_TOTAL_SIZE:
        answer_u32(a, frame_bytes);
        break;
    case RNDIS_OID_GEN_TRANSMIT_BUFFER_SPACE:
    case RNDIS_OID_GEN_RECEIVE_BUFFER_SPACE:
        answer_u32(a, frame_bytes * 256);
        break;
    case RNDIS_OID_GEN_LINK_SPEED:
        answer_u32(a, rndis_link_speed_100bps(c));
        break;
    case RNDIS_OID_GEN_MAX_LINK_SPEED:
        stq_le_p(a->buf, c->link_speed_bps);
        stq_le_p(a->buf + 8, c->link_speed_bps);
        a->bytes = 16;
        break;
    case RNDIS_OID_GEN_LINK_STATE:
        rndis_query_link_state(c, a);
        break;
    case RNDIS_OID_GEN_VENDOR_ID:
        answer_u32(a, 0x00005452);              /* 52:54:00 */
        break;
    case RNDIS_OID_GEN_VENDOR_DESCRIPTION:
        answer_bytes(a, vendor, sizeof(vendor));
        break;
    case RNDIS_OID_GEN_VENDOR_DRIVER_VERSION:
        answer_u32(a, 0x00010000);
        break;
    case RNDIS_OID_GEN_DRIVER_VERSION:
        stw_le_p(a->buf, 0x061e);               /* NDIS 6.30 */
        a->bytes = 2;
        break;
    case RNDIS_OID_GEN_CURRENT_PACKET_FILTER:
        answer_u32(a, c->filter);
        break;
    case RNDIS_OID_GEN_MAC_OPTIONS:
        answer_u32(a, RNDIS_MAC_OPTION_NO_LOOPBACK |
                   RNDIS_MAC_OPTION_FULL_DUPLEX |
                   RNDIS_MAC_OPTION_8021P_PRIORITY |
                   RNDIS_MAC_OPTION_ADDR_OVERWRITE |
                   RNDIS_MAC_OPTION_8021Q_VLAN);
        break;
    case RNDIS_OID_GEN_MEDIA_CONNECT_STATUS:
        answer_u32(a, c->link_up ? RNDIS_MEDIA_CONNECTED
                                 : RNDIS_MEDIA_DISCONNECTED);
        break;
    case RNDIS_OID_GEN_MAXIMUM_SEND_PACKETS:
        answer_u32(a, RNDIS_PACKETS_PER_MESSAGE);
        break;
    case RNDIS_OID_GEN_FRIENDLY_NAME:
        rndis_query_name(c, a);
        break;
    case RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES:
        rndis_query_rss(c, a);
        break;
    case RNDIS_OID_802_3_PERMANENT_ADDRESS:
        answer_bytes(a, c->permanent_mac, RNDIS_MAC_BYTES);
        break;
    case RNDIS_OID_802_3_CURRENT_ADDRESS:
        answer_bytes(a, c->mac, RNDIS_MAC_BYTES);
        break;
    case RNDIS_OID_802_3_MULTICAST_LIST:
        answer_bytes(a, c->multicast, c->multicast_count * RNDIS_MAC_BYTES);
        break;
    case RNDIS_OID_802_3_MAXIMUM_LIST_SIZE:
        answer_u32(a, RNDIS_MAX_MULTICAST);
        break;
    case RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES:
    case RNDIS_OID_TCP_OFFLOAD_CURRENT_CONFIG:
        rndis_query_offload(c, oid, a);
        break;
    default:
        return RNDIS_STATUS_NOT_SUPPORTED;
    }
    return RNDIS_STATUS_SUCCESS;
}

/* NDIS_PARAM_CSUM_* of one protocol into its two bits */
static bool rndis_set_csum(uint32_t *on, uint8_t val, uint32_t tx, uint32_t rx)
{
    if (val > NDIS_PARAM_CSUM_BOTH) {
        return false;
    }
    if (val != NDIS_PARAM_NO_CHANGE) {
        *on &= ~(tx | rx);
        *on |= val == NDIS_PARAM_CSUM_TX ? tx : val == NDIS_PARAM_CSUM_RX ? rx :
               val == NDIS_PARAM_CSUM_BOTH ? tx | rx : 0;
    }
    return true;
}

static bool rndis_set_switch(uint32_t *on, uint8_t val, uint32_t bit)
{
    if (val > NDIS_PARAM_LSO_ON) {
        return false;
    }
    if (val != NDIS_PARAM_NO_CHANGE) {
        *on = val == NDIS_PARAM_LSO_ON ? *on | bit : *on & ~bit;
    }
    return true;
}

static uint32_t rndis_set_offloads(RndisCore *c, bool offer_rsc,
                                   const uint8_t *info, uint32_t bytes,
                                   uint32_t *changed)
{
    NdisOffloadParamsWire p = { };
    uint32_t on = c->offloads;

    if (bytes < NDIS_OFFLOAD_PARAMS_BYTES_REV1) {
        return RNDIS_STATUS_INVALID_LENGTH;
    }
    memcpy(&p, info, MIN(bytes, sizeof(p)));
    if (p.header.type != NDIS_OBJECT_DEFAULT || !p.header.revision) {
        return RNDIS_STATUS_INVALID_DATA;
    }
    if (!rndis_set_csum(&on, p.ip4_csum, RNDIS_OFFLOAD_TX_IP4,
                        RNDIS_OFFLOAD_RX_IP4) ||
        !rndis_set_csum(&on, p.tcp4_csum, RNDIS_OFFLOAD_TX_TCP4,
                        RNDIS_OFFLOAD_RX_TCP4) ||
        !rndis_set_csum(&on, p.udp4_csum, RNDIS_OFFLOAD_TX_UDP4,
                        RNDIS_OFFLOAD_RX_UDP4) ||
        !rndis_set_csum(&on, p.tcp6_csum, RNDIS_OFFLOAD_TX_TCP6,
                        RNDIS_OFFLOAD_RX_TCP6) ||
        !rndis_set_csum(&on, p.udp6_csum, RNDIS_OFFLOAD_TX_UDP6,
                        RNDIS_OFFLOAD_RX_UDP6) ||
        !rndis_set_switch(&on, p.lsov2_ip4, RNDIS_OFFLOAD_LSO4) ||
        !rndis_set_switch(&on, p.lsov2_ip6, RNDIS_OFFLOAD_LSO6) ||
        !rndis_set_switch(&on, p.rsc_ip4, RNDIS_OFFLOAD_RSC4) ||
        !rndis_set_switch(&on, p.rsc_ip6, RNDIS_OFFLOAD_RSC6)) {
        return RNDIS_STATUS_INVALID_DATA;
    }
    if ((on & ~c->offload_caps) || (!offer_rsc && (on & RNDIS_OFFLOAD_RSC))) {
        return RNDIS_STATUS_NOT_SUPPORTED;
    }
    c->offloads = on;
    *changed |= RNDIS_CHANGED_OFFLOADS;
    return RNDIS_STATUS_SUCCESS;
}

/* [@offset, @offset + @bytes) of the information, which has @info_bytes */
static bool rndis_in_bounds(uint32_t offset, uint32_t bytes,
                            uint32_t info_bytes)
{
    return offset <= info_bytes && bytes <= info_bytes - offset;
}

static uint32_t rndis_set_rss_table(const RndisCore *c, RndisRss *rss,
                                    const NdisRssParamsWire *p,
                                    const uint8_t *info, uint32_t bytes)
{
    uint32_t offset = le32_to_cpu(p->table_offset);
    uint32_t table_bytes = le16_to_cpu(p->table_bytes);

    if (!table_bytes || table_bytes % 4 ||
        table_bytes > NDIS_RSS_TABLE_ENTRIES * 4 ||
        !rndis_in_bounds(offset, table_bytes, bytes)) {
        return RNDIS_STATUS_INVALID_LENGTH;
    }
    rss->table_count = table_bytes / 4;
    for (int i = 0; i < rss->table_count; i++) {
        uint32_t channel = ldl_le_p(info + offset + 4 * i);

        if (channel >= c->max_channels) {
            return RNDIS_STATUS_INVALID_DATA;
        }
        rss->table[i] = channel;
    }
    return RNDIS_STATUS_SUCCESS;
}

static uint32_t rndis_set_rss(RndisCore *c, const uint8_t *info,
                              uint32_t bytes, uint32_t *changed)
{
    NdisRssParamsWire p = { };
    RndisRss rss = c->rss;
    uint16_t flags;
    uint32_t status;

    if (bytes < NDIS_RSS_PARAMS_BYTES_REV1) {
        return RNDIS_STATUS_INVALID_LENGTH;
    }
    memcpy(&p, info, MIN(bytes, sizeof(p)));
    flags = le16_to_cpu(p.flags);
    if (p.header.type != NDIS_OBJECT_RSS_PARAMETERS) {
        return RNDIS_STATUS_INVALID_DATA;
    }
    if (flags & NDIS_RSS_PARAM_DISABLE) {
        c->rss.is_enabled = false;
        *changed |= RNDIS_CHANGED_RSS;
        return RNDIS_STATUS_SUCCESS;
    }
    if (!(flags & NDIS_RSS_PARAM_HASH_UNCHANGED)) {
        rss.hash_info = le32_to_cpu(p.hash_info);
    }
    if (!(flags & NDIS_RSS_PARAM_TABLE_UNCHANGED)) {
        status = rndis_set_rss_table(c, &rss, &p, info, bytes);
        if (status != RNDIS_STATUS_SUCCESS) {
            return status;
        }
    }
    if (!(flags & NDIS_RSS_PARAM_KEY_UNCHANGED)) {
        uint32_t offset = le32_to_cpu(p.key_offset);

        if (le16_to_cpu(p.key_bytes) != NDIS_RSS_KEY_BYTES ||
            !rndis_in_bounds(offset, NDIS_RSS_KEY_BYTES, bytes)) {
            return RNDIS_STATUS_INVALID_LENGTH;
        }
        memcpy(rss.key, info + offset, NDIS_RSS_KEY_BYTES);
    }
    if ((rss.hash_info & NDIS_HASH_FUNCTION_MASK) != NDIS_HASH_TOEPLITZ ||
        !rss.table_count) {
        return RNDIS_STATUS_INVALID_DATA;
    }
    rss.is_enabled = true;
    c->rss = rss;
    *changed |= RNDIS_CHANGED_RSS;
    return RNDIS_STATUS_SUCCESS;
}

/* A 16-bit character string: equal to @text, ignoring case? */
static bool rndis_utf16_equal(const uint8_t *p, uint32_t bytes,
                              const char *text)
{
    if (bytes != 2 * strlen(text)) {
        return false;
    }
    for (int i = 0; text[i]; i++) {
        uint16_t ch = lduw_le_p(p + 2 * i);

        if (ch > 0x7f || g_ascii_tolower(ch) != g_ascii_tolower(text[i])) {
            return false;
        }
    }
    return true;
}

/* Twelve hexadecimal digits, in pairs that '-' or ':' may separate */
static bool rndis_parse_mac(const uint8_t *p, uint32_t bytes, uint8_t *mac)
{
    uint32_t digits = 0;

    for (uint32_t i = 0; i + 1 < bytes; i += 2) {
        uint16_t ch = lduw_le_p(p + i);
        int val;

        if ((ch == '-' || ch == ':') && digits && digits % 2 == 0) {
            continue;
        }
        if (!ch && i + 2 == bytes) {
            break;
        }
        val = ch > 0x7f ? -1 : g_ascii_xdigit_value(ch);
        if (val < 0 || digits == 2 * RNDIS_MAC_BYTES) {
            return false;
        }
        mac[digits / 2] = digits % 2 ? mac[digits / 2] | val : val << 4;
        digits++;
    }
    return digits == 2 * RNDIS_MAC_BYTES && !(mac[0] & 1);
}

static uint32_t rndis_set_config(RndisCore *c, const uint8_t *info,
                                 uint32_t bytes, uint32_t *changed)
{
    RndisConfigParameterWire p;
    uint32_t name, name_bytes, value, value_bytes;
    uint8_t mac[RNDIS_MAC_BYTES];

    if (bytes < sizeof(p)) {
        return RNDIS_STATUS_INVALID_LENGTH;
    }
    memcpy(&p, info, sizeof(p));
    name = le32_to_cpu(p.name_offset);
    name_bytes = le32_to_cpu(p.name_bytes);
    value = le32_to_cpu(p.value_offset);
    value_bytes = le32_to_cpu(p.value_bytes);
    if (!rndis_in_bounds(name, name_bytes, bytes) ||
        !rndis_in_bounds(value, value_bytes, bytes)) {
        return RNDIS_STATUS_INVALID_LENGTH;
    }
    if (!rndis_utf16_equal(info + name, name_bytes, "NetworkAddress")) {
        return RNDIS_STATUS_NOT_SUPPORTED;
    }
    if (le32_to_cpu(p.type) != RNDIS_CONFIG_STRING ||
        !rndis_parse_mac(info + value, value_bytes, mac)) {
        return RNDIS_STATUS_INVALID_DATA;
    }
    memcpy(c->mac, mac, sizeof(mac));
    *changed |= RNDIS_CHANGED_MAC;
    return RNDIS_STATUS_SUCCESS;
}

static uint32_t rndis_set_multicast(RndisCore *c, const uint8_t *info,
                                    uint32_t bytes, uint32_t *changed)
{
    if (bytes % RNDIS_MAC_BYTES) {
        return RNDIS_STATUS_INVALID_LENGTH;
    }
    if (bytes > sizeof(c->multicast)) {
        return RNDIS_STATUS_MULTICAST_FULL;
    }
    c->multicast_count = bytes / RNDIS_MAC_BYTES;
    memcpy(c->multicast, info, bytes);
    *changed |= RNDIS_CHANGED_FILTER;
    return RNDIS_STATUS_SUCCESS;
}

uint32_t rndis_oid_set(RndisCore *c, uint32_t oid, bool offer_rsc,
                       const uint8_t *info, uint32_t bytes, uint32_t *changed)
{
    switch (oid) {
    case RNDIS_OID_GEN_CURRENT_PACKET_FILTER:
        if (bytes < 4) {
            return RNDIS_STATUS_INVALID_LENGTH;
        }
        c->filter = ldl_le_p(info);
        *changed |= RNDIS_CHANGED_FILTER;
        return RNDIS_STATUS_SUCCESS;
    case RNDIS_OID_802_3_MULTICAST_LIST:
        return rndis_set_multicast(c, info, bytes, changed);
    case RNDIS_OID_TCP_OFFLOAD_PARAMETERS:
        return rndis_set_offloads(c, offer_rsc, info, bytes, changed);
    case RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS:
        return rndis_set_rss(c, info, bytes, changed);
    case RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER:
        return rndis_set_config(c, info, bytes, changed);
    case RNDIS_OID_GEN_CURRENT_LOOKAHEAD:
    case RNDIS_OID_GEN_NETWORK_LAYER_ADDRESSES:
    case RNDIS_OID_GEN_MACHINE_NAME:
        return RNDIS_STATUS_SUCCESS;            /* nothing depends on them */
    default:
        return RNDIS_STATUS_NOT_SUPPORTED;
    }
}
