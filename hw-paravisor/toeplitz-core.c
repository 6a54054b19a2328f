/*
 * The Toeplitz hash of receive side scaling (RSS)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "toeplitz-core.h"

void toeplitz_init(Toeplitz *t, const uint8_t key[TOEPLITZ_KEY_BYTES])
{
    uint32_t window = ldl_be_p(key);

    for (int i = 0; i < TOEPLITZ_MAX_BYTES * 8; i++) {
        int next = i + 32;              /* the bit that comes in */

        t->window[i] = window;
        window = window << 1 | ((key[next / 8] >> (7 - next % 8)) & 1);
    }
}

uint32_t toeplitz_hash(const Toeplitz *t, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    uint32_t hash = 0;

    bytes = MIN(bytes, TOEPLITZ_MAX_BYTES);
    for (size_t i = 0; i < bytes; i++) {
        for (uint32_t b = (uint32_t)p[i] << 24; b; ) {
            int bit = clz32(b);

            hash ^= t->window[i * 8 + bit];
            b &= ~(0x80000000u >> bit);
        }
    }
    return hash;
}

uint32_t toeplitz_hash_frame(const Toeplitz *t, const NetFrame *f,
                             const uint8_t *head, bool with_ports)
{
    bool is_v6 = f->ip_version == 6;
    uint8_t input[TOEPLITZ_MAX_BYTES];
    size_t bytes = is_v6 ? 32 : 8;

    memcpy(input, head + f->l3_offset + (is_v6 ? 8 : 12), bytes);
    if (with_ports) {
        memcpy(input + bytes, head + f->l4_offset, 4);
        bytes += 4;
    }
    return toeplitz_hash(t, input, bytes);
}
