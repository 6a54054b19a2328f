/*
 * Network VSP: who holds which section of the receive buffer
 *
 * A section is free, or belongs to a packet to the guest: one on its way into the
 * ring, or one that the guest has and will complete.  The sections of a packet
 * are chained; the first one is the packet's transaction id.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NETVSP_SECTIONS_CORE_H
#define NETVSP_SECTIONS_CORE_H

#include "netvsp-defs.h"

#define NETVSP_NO_IDX                   0xffffffffu
/* .owner: the channel, and these */
#define NETVSP_SECTION_FREE             0xffffu
#define NETVSP_SECTION_SENT             0x8000u /* first one, guest has it */
#define NETVSP_SECTION_CHANNEL          0x00ffu

typedef struct NetvspSections {
    /* migrated */
    uint32_t count;
    uint32_t *next;                     /* by section: in its chain */
    uint16_t *owner;                    /* by section */

    /* derived */
    uint32_t free_head;                 /* the last freed is used first */
    uint32_t free_count;
    uint32_t held[NVSP_MAX_CHANNELS];   /* by channel */
} NetvspSections;

/* The sections of one packet, in order */
typedef struct NetvspChain {
    uint32_t head;
    uint32_t tail;
    uint32_t count;
} NetvspChain;

void netvsp_sections_init(NetvspSections *s, uint32_t count);
void netvsp_sections_destroy(NetvspSections *s);

/* Add a free section to @chain (.count 0: a new one); its number or NO_IDX */
uint32_t netvsp_sections_add(NetvspSections *s, uint16_t channel,
                             NetvspChain *chain);
/* Give the whole chain back, unsent */
void netvsp_sections_drop(NetvspSections *s, NetvspChain *chain);
/* The guest has the packet; complete() or release() frees it */
void netvsp_sections_sent(NetvspSections *s, const NetvspChain *chain);
/*
 * The guest completes the packet @head on @channel.  Returns the sections freed;
 * 0: there is no such packet.
 */
uint32_t netvsp_sections_complete(NetvspSections *s, uint16_t channel,
                                  uint64_t head);
/* Free all that @channel holds */
void netvsp_sections_release(NetvspSections *s, uint16_t channel);

/*
 * After .count, .next and .owner came from a migration stream: check them and make
 * what is derived.  @channels: numbers below are in use.  @unsent: of each of them
 * the .head and .count of the packet that was not sent yet, or .count 0; the .tail
 * is found here.
 */
bool netvsp_sections_restore(NetvspSections *s, uint16_t channels,
                             NetvspChain *const *unsent);

#endif /* NETVSP_SECTIONS_CORE_H */
