/*
 * RNDIS: data packets
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "net-frame-core.h"
#include "rndis-core.h"

/* More than any guest sends; a packet of nothing else is not worth a walk */
#define RNDIS_MAX_PPIS          32

static const char *rndis_parse_ppi(uint32_t type, const uint8_t *val,
                                   uint32_t bytes, RndisPacket *p)
{
    uint32_t v;

    switch (type) {
    case RNDIS_PPI_CHECKSUM:
    case RNDIS_PPI_LSO:
    case RNDIS_PPI_8021Q:
        break;
    default:
        return NULL;                    /* a hash, or nothing we know */
    }
    if (bytes < 4) {
        return "short per-packet information";
    }
    v = ldl_le_p(val);
    if (type == RNDIS_PPI_CHECKSUM) {
        p->has_csum = true;
        p->csum = v;
    } else if (type == RNDIS_PPI_LSO) {
        p->has_lso = true;
        p->lso = v;
    } else {
        p->has_vlan = true;
        p->vlan_tci = (v & RNDIS_8021Q_PRI_MASK) << 13 |
                      (v & RNDIS_8021Q_CFI ? 1u << 12 : 0) |
                      (v >> RNDIS_8021Q_VID_SHIFT & 0xfff);
    }
    return NULL;
}

static const char *rndis_parse_ppis(const uint8_t *ppi, uint32_t left,
                                    RndisPacket *p)
{
    const char *why;

    for (int i = 0; left >= sizeof(RndisPpiWire); i++) {
        uint32_t bytes = ldl_le_p(ppi);
        uint32_t type = ldl_le_p(ppi + 4);
        uint32_t offset = ldl_le_p(ppi + 8);

        if (bytes < sizeof(RndisPpiWire) || bytes > left ||
            offset < sizeof(RndisPpiWire) || offset > bytes) {
            return "bad per-packet information";
        }
        if (i >= RNDIS_MAX_PPIS) {
            return "too much per-packet information";
        }
        why = rndis_parse_ppi(type, ppi + offset, bytes - offset, p);
        if (why) {
            return why;
        }
        ppi += bytes;
        left -= bytes;
    }
    return NULL;
}

const char *rndis_packet_parse(const uint8_t *msg, uint32_t bytes,
                               RndisPacket *p)
{
    RndisPacketWire w;
    uint32_t body_bytes, ppi_offset, ppi_bytes;

    *p = (RndisPacket) { };
    if (bytes < RNDIS_PACKET_BYTES) {
        return "too short for a packet";
    }
    if (ldl_le_p(msg) != RNDIS_MSG_PACKET) {
        return "no data packet";
    }
    p->msg_bytes = ldl_le_p(msg + 4);
    if (p->msg_bytes < RNDIS_PACKET_BYTES || p->msg_bytes > bytes) {
        return "bad message length";
    }
    memcpy(&w, msg + RNDIS_HEADER_BYTES, sizeof(w));
    body_bytes = p->msg_bytes - RNDIS_HEADER_BYTES;
    p->data_offset = le32_to_cpu(w.data_offset);
    p->data_bytes = le32_to_cpu(w.data_bytes);
    if (p->data_offset < sizeof(w) || p->data_offset > body_bytes ||
        p->data_bytes > body_bytes - p->data_offset ||
        p->data_bytes < NET_FRAME_ETH_BYTES) {
        return "bad place of the data";
    }
    p->data_offset += RNDIS_HEADER_BYTES;
    ppi_offset = le32_to_cpu(w.ppi_offset);
    ppi_bytes = le32_to_cpu(w.ppi_bytes);
    if (!ppi_bytes) {
        return NULL;
    }
    if (ppi_offset < sizeof(w) || ppi_offset > body_bytes ||
        ppi_bytes > body_bytes - ppi_offset) {
        return "bad place of the per-packet information";
    }
    return rndis_parse_ppis(msg + RNDIS_HEADER_BYTES + ppi_offset, ppi_bytes,
                            p);
}

static uint8_t *rndis_build_ppi(uint8_t *p, uint32_t type, uint32_t val)
{
    stl_le_p(p, sizeof(RndisPpiWire) + 4);
    stl_le_p(p + 4, type);
    stl_le_p(p + 8, sizeof(RndisPpiWire));
    stl_le_p(p + 12, val);
    return p + sizeof(RndisPpiWire) + 4;
}

uint32_t rndis_packet_build(uint8_t *buf, const RndisRxInfo *info,
                            uint32_t data_bytes)
{
    uint8_t *p = buf + RNDIS_PACKET_BYTES;
    uint32_t header_bytes, ppi_bytes;

    if (info->has_hash) {
        p = rndis_build_ppi(p, RNDIS_PPI_HASH_VALUE, info->hash);
    }
    if (info->has_vlan) {
        uint32_t tci = info->vlan_tci;

        p = rndis_build_ppi(p, RNDIS_PPI_8021Q,
                            tci >> 13 | (tci >> 12 & 1) << 3 |
                            (tci & 0xfff) << RNDIS_8021Q_VID_SHIFT);
    }
    if (info->csum) {
        p = rndis_build_ppi(p, RNDIS_PPI_CHECKSUM, info->csum);
    }
    if (info->fragment_flags) {
        p = rndis_build_ppi(p, RNDIS_PPI_PACKET_ID,
                            RNDIS_PACKET_ID_VERSION |
                            info->fragment_flags << 8 |
                            (uint32_t)info->packet_id << 16);
    }
    header_bytes = p - buf;
    ppi_bytes = header_bytes - RNDIS_PACKET_BYTES;

    memset(buf, 0, RNDIS_PACKET_BYTES);
    stl_le_p(buf, RNDIS_MSG_PACKET);
    stl_le_p(buf + 4, header_bytes + data_bytes);
    stl_le_p(buf + 8, header_bytes - RNDIS_HEADER_BYTES);
    stl_le_p(buf + 12, data_bytes);
    if (ppi_bytes) {
        stl_le_p(buf + 28, sizeof(RndisPacketWire));
        stl_le_p(buf + 32, ppi_bytes);
    }
    return header_bytes;
}
