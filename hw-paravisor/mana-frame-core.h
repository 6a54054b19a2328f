/*
 * Ethernet frames of MANA: RSS, tags.  The rest is in net-frame-core.h
 *
 * No I/O and no QEMU objects: works on copies of headers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_FRAME_CORE_H
#define MANA_FRAME_CORE_H

#include "mana-defs.h"
#include "net-frame-core.h"
#include "toeplitz-core.h"

/* Bytes of a frame that are enough to find its headers */
#define MANA_SNAPSHOT_BYTES             MANA_MAX_LSO_HEADER_BYTES
QEMU_BUILD_BUG_ON(MANA_SNAPSHOT_BYTES + NET_FRAME_VLAN_BYTES >
                  NET_FRAME_MAX_HEADER);

/* RSS hash over what @types (MANA_HASH_*) allows; *@type is 0 if nothing is */
uint32_t mana_frame_hash(const NetFrame *f, const uint8_t *hdr,
                         const Toeplitz *key, uint16_t types, uint16_t *type);

/* Insert a tag behind the addresses; @hdr has room for it */
void mana_vlan_insert(NetFrame *f, uint8_t *hdr, size_t hdr_bytes,
                      uint16_t tci);

#endif /* MANA_FRAME_CORE_H */
