/*
 * SynIC: message slots and SINT values, without QEMU around them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_SYNIC_CORE_H
#define HV_SYNIC_CORE_H

#include "hv-defs.h"

/* True if a guest may write @sint into a SINT register */
bool hv_sint_valid(uint64_t sint);

/* True if the SINT takes messages and events: neither masked nor a proxy */
bool hv_sint_open(uint64_t sint);

/* True if @sint raises its vector when it is signalled */
bool hv_sint_interrupts(uint64_t sint);

/* Set in @vectors (256 bits) those that SINTs of @sint[] end by themselves */
void hv_sint_auto_eoi_vectors(const uint64_t sint[HV_SINT_COUNT],
                              uint64_t vectors[4]);

/*
 * True if @slot is free.  If not, its pending flag is set, so that the guest
 * writes EOM when it has emptied the slot.  The guest may empty it at any
 * moment on another processor: no wake-up is lost.
 */
bool hv_slot_claim(HvMessageWire *slot);

/*
 * Put a message into @slot, which hv_slot_claim() found free, and publish it.
 * @payload_bytes <= HV_MSG_PAYLOAD_BYTES, the rest is zeroed.
 */
void hv_slot_put(HvMessageWire *slot, uint32_t type, const void *payload,
                 uint8_t payload_bytes);

/* Set event flag @flag in @flags, an area of one SINT.  True if it was clear */
bool hv_event_flag_set(uint8_t *flags, uint16_t flag);

#endif /* HV_SYNIC_CORE_H */
