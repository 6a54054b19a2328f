/*
 * TCP segments of one flow, put together as they come in
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_COALESCE_CORE_H
#define NET_COALESCE_CORE_H

#include "net-frame-core.h"

/*
 * Longest packet made: all that a sender has put into one.  Shorter ones, of any size as
 * bursts end anywhere, had Linux' receive buffer overrun: its window follows the ratio
 * of payload to memory of the packet that came last.
 */
#define NET_COALESCE_MAX_BYTES  65535

/* The packet in the making, and what is expected next */
typedef struct NetCoalesce {
    uint32_t bytes;                     /* 0: there is none */
    uint32_t segments;
    uint32_t next_seq;
    uint32_t mss;                       /* payload of the first segment */
    bool is_closed;                     /* nothing may follow */
    NetFrame f;                         /* of the first segment */
} NetCoalesce;

/*
 * May the frame @data, parsed as @f, start a packet that others are added to?
 * Its TCP checksum must have been found good.
 */
bool net_coalesce_can_start(const NetFrame *f, const uint8_t *data);

/* Start with the frame that is at @buf, which has NET_COALESCE_MAX_BYTES */
void net_coalesce_start(NetCoalesce *c, const NetFrame *f, const uint8_t *buf);

/*
 * Add the frame @data, parsed as @f and with a good checksum, to what is at @buf.
 * False: it does not belong there, or does not fit.
 */
bool net_coalesce_add(NetCoalesce *c, uint8_t *buf, const NetFrame *f,
                      const uint8_t *data);

/* Write lengths and checksums of the packet at @buf; returns its bytes */
uint32_t net_coalesce_finish(NetCoalesce *c, uint8_t *buf);

#endif /* NET_COALESCE_CORE_H */
