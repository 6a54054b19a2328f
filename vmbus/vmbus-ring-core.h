/*
 * VMBus: ring arithmetic and packet parsing, on values copied from the guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_RING_CORE_H
#define VMBUS_RING_CORE_H

#include "qemu/osdep.h"
#include "vmbus-defs.h"

/* The one door for indexes that the guest writes */
static inline bool hvbus_ring_idx_is_ok(uint32_t idx, uint32_t data_bytes)
{
    return idx < data_bytes && idx % 8 == 0;
}

/* Bytes between reader and writer; both indexes are checked */
static inline uint32_t hvbus_ring_used(uint32_t read_idx, uint32_t write_idx,
                                       uint32_t data_bytes)
{
    return write_idx >= read_idx ? write_idx - read_idx
                                 : data_bytes - read_idx + write_idx;
}

/* Room for a writer.  A ring is never full: a packet must be shorter */
static inline uint32_t hvbus_ring_room(uint32_t read_idx, uint32_t write_idx,
                                       uint32_t data_bytes)
{
    return data_bytes - hvbus_ring_used(read_idx, write_idx, data_bytes);
}

static inline uint32_t hvbus_ring_advance(uint32_t idx, uint32_t bytes,
                                          uint32_t data_bytes)
{
    idx += bytes;
    return idx >= data_bytes ? idx - data_bytes : idx;
}

/*
 * After a write from @old_write_idx on: does the reader want to be signalled?
 * Only when it had read everything before, as then it may have stopped looking.
 */
static inline bool hvbus_ring_wants_signal(uint32_t interrupt_mask,
                                           uint32_t read_idx,
                                           uint32_t old_write_idx)
{
    return !interrupt_mask && read_idx == old_write_idx;
}

/*
 * After a read: is there now, and was not before, the room that the writer waits
 * for (more than @pending_bytes)?
 */
static inline bool hvbus_ring_room_wants_signal(uint32_t pending_bytes,
                                                uint32_t old_room,
                                                uint32_t room)
{
    return pending_bytes && old_room <= pending_bytes && room > pending_bytes;
}

/* Bytes that a packet takes in the ring, with trailer; 0 if it is too long */
uint32_t hvbus_packet_ring_bytes(uint32_t desc_bytes, uint32_t msg_bytes);
void hvbus_packet_build(HvbusPacketWire *wire, uint16_t type, uint16_t flags,
                        uint64_t trans_id, uint32_t desc_bytes,
                        uint32_t msg_bytes);

typedef struct HvbusPacketInfo {
    uint16_t type;
    uint16_t flags;
    uint64_t trans_id;
    uint32_t desc_bytes;        /* between the descriptor and the message */
    uint32_t msg_bytes;         /* with the padding to 8 */
    uint32_t ring_bytes;        /* with descriptor and trailer */
} HvbusPacketInfo;

/*
 * Check the copied descriptor @wire of a packet, of which @used_bytes are in the
 * ring and whose length may be @max_bytes.  False: @why says what is wrong.
 */
bool hvbus_packet_parse(const HvbusPacketWire *wire, uint32_t used_bytes,
                        uint32_t max_bytes, HvbusPacketInfo *info,
                        const char **why);

/*
 * The guest memory of a GPA-direct packet, piece by piece.  Pages that follow
 * each other are one piece.
 */
typedef struct HvbusRangeIter {
    const uint8_t *pos;         /* unread part of the descriptor's tail */
    uint32_t left;
    uint32_t ranges_left;
    /* in the current range */
    uint32_t bytes_left;
    uint32_t in_page;           /* offset in the next page */
} HvbusRangeIter;

bool hvbus_ranges_begin(HvbusRangeIter *it, const uint8_t *desc,
                        uint32_t desc_bytes);
/* 1 and a piece, 0 at the end, -1 malformed */
int hvbus_ranges_next(HvbusRangeIter *it, uint64_t *gpa, uint64_t *bytes);

#endif /* VMBUS_RING_CORE_H */
