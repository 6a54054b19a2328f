/*
 * SynIC: message slots and SINT values, without QEMU around them (TLFS 11.8)
 *
 * The pages are shared with vCPUs that run at the same time:
 *
 *   guest                              host
 *   ~~~~~                              ~~~~
 *   cmpxchg type -> NONE        [A]    or PENDING into flags
 *   full barrier                       full barrier                   [B]
 *   read flags, EOM if PENDING         read type again, free if NONE
 *
 * Either the guest sees the flag, or the host sees the free slot, or both.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bswap.h"
#include "qemu/bitops.h"
#include "hv-synic-core.h"

bool hv_sint_valid(uint64_t sint)
{
    return FIELD_EX64(sint, HV_SINT, MASKED)
        || FIELD_EX64(sint, HV_SINT, VECTOR) >= HV_FIRST_VALID_VECTOR;
}

bool hv_sint_open(uint64_t sint)
{
    return !FIELD_EX64(sint, HV_SINT, MASKED)
        && !FIELD_EX64(sint, HV_SINT, PROXY);
}

bool hv_sint_interrupts(uint64_t sint)
{
    return hv_sint_open(sint) && !FIELD_EX64(sint, HV_SINT, POLLING);
}

void hv_sint_auto_eoi_vectors(const uint64_t sint[HV_SINT_COUNT],
                              uint64_t vectors[4])
{
    unsigned i;

    memset(vectors, 0, 4 * sizeof(vectors[0]));
    for (i = 0; i < HV_SINT_COUNT; i++) {
        if (hv_sint_interrupts(sint[i])
            && FIELD_EX64(sint[i], HV_SINT, AUTO_EOI)) {
            unsigned vector = FIELD_EX64(sint[i], HV_SINT, VECTOR);

            vectors[vector / 64] |= BIT_ULL(vector % 64);
        }
    }
}

static bool slot_is_free(const HvMessageWire *slot)
{
    return qatomic_read(&slot->type) == cpu_to_le32(HV_MSG_TYPE_NONE);
}

bool hv_slot_claim(HvMessageWire *slot)
{
    if (slot_is_free(slot)) {
        return true;
    }
    qatomic_or(&slot->flags, HV_MSG_FLAG_PENDING);
    smp_mb();                   /* flag before the second look: [B] */
    return slot_is_free(slot);
}

void hv_slot_put(HvMessageWire *slot, uint32_t type, const void *payload,
                 uint8_t payload_bytes)
{
    smp_mb();                   /* the guest is done with the slot: pairs [A] */
    slot->payload_bytes = payload_bytes;
    slot->reserved1 = 0;
    slot->origin = 0;
    qatomic_set(&slot->flags, 0);
    memcpy(slot->payload, payload, payload_bytes);
    memset(slot->payload + payload_bytes, 0,
           sizeof(slot->payload) - payload_bytes);
    qatomic_store_release(&slot->type, cpu_to_le32(type));
}

bool hv_event_flag_set(uint8_t *flags, uint16_t flag)
{
    uint8_t mask = BIT(flag % 8);

    return !(qatomic_fetch_or(&flags[flag / 8], mask) & mask);
}
