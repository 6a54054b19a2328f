/*
 * Ethernet frames of MANA: RSS, tags
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mana-frame-core.h"

#define ETH_TYPE_OFFSET     12
#define ETH_TYPE_VLAN       0x8100

uint32_t mana_frame_hash(const NetFrame *f, const uint8_t *hdr,
                         const Toeplitz *key, uint16_t types, uint16_t *type)
{
    bool is_v6 = f->ip_version == 6;
    uint16_t l4_type = 0;

    *type = 0;
    if (!f->ip_version) {
        return 0;
    }
    if (net_frame_is_tcp(f)) {
        l4_type = is_v6 ? MANA_HASH_TCP_IPV6 : MANA_HASH_TCP_IPV4;
    } else if (net_frame_is_udp(f)) {
        l4_type = is_v6 ? MANA_HASH_UDP_IPV6 : MANA_HASH_UDP_IPV4;
    }
    l4_type &= types;
    *type = l4_type ?: types & (is_v6 ? MANA_HASH_IPV6 : MANA_HASH_IPV4);
    return *type ? toeplitz_hash_frame(key, f, hdr, l4_type) : 0;
}

void mana_vlan_insert(NetFrame *f, uint8_t *hdr, size_t hdr_bytes,
                      uint16_t tci)
{
    memmove(hdr + ETH_TYPE_OFFSET + NET_FRAME_VLAN_BYTES, hdr + ETH_TYPE_OFFSET,
            hdr_bytes - ETH_TYPE_OFFSET);
    stw_be_p(hdr + ETH_TYPE_OFFSET, ETH_TYPE_VLAN);
    stw_be_p(hdr + ETH_TYPE_OFFSET + 2, tci);
    f->bytes += NET_FRAME_VLAN_BYTES;
    f->head_bytes += NET_FRAME_VLAN_BYTES;
    f->l3_offset += NET_FRAME_VLAN_BYTES;
    f->l4_offset += NET_FRAME_VLAN_BYTES;
    f->l4_end += NET_FRAME_VLAN_BYTES;
    if (f->payload_offset) {
        f->payload_offset += NET_FRAME_VLAN_BYTES;
    }
}
