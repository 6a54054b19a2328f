/*
 * The Toeplitz hash of receive side scaling (RSS)
 *
 * Source: "RSS hashing functions" of Microsoft's NDIS documentation, whose
 * test vectors the unit test has.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TOEPLITZ_CORE_H
#define TOEPLITZ_CORE_H

#include "qemu/osdep.h"
#include "net-frame-core.h"

#define TOEPLITZ_KEY_BYTES              40
/* Two IPv6 addresses and two ports */
#define TOEPLITZ_MAX_BYTES              36

typedef struct Toeplitz {
    /* for each bit of the input, the 32 bits of the key that begin there */
    uint32_t window[TOEPLITZ_MAX_BYTES * 8];
} Toeplitz;

void toeplitz_init(Toeplitz *t, const uint8_t key[TOEPLITZ_KEY_BYTES]);
/* Bytes past TOEPLITZ_MAX_BYTES do not count */
uint32_t toeplitz_hash(const Toeplitz *t, const void *data, size_t bytes);
/*
 * Over the addresses of @f, which is IP, and @with_ports those of TCP or UDP, which
 * it then has.  @head: its headers
 */
uint32_t toeplitz_hash_frame(const Toeplitz *t, const NetFrame *f,
                             const uint8_t *head, bool with_ports);

#endif /* TOEPLITZ_CORE_H */
