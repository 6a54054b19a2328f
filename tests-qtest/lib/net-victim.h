/*
 * A card that a test abuses, and another one that must not notice
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_VICTIM_H
#define NET_VICTIM_H

#include "net-machine.h"

#define VICTIM_RECV_PAGES   16
#define VICTIM_MSG_PAGES    16
#define VICTIM_RSS_BYTES    (128 * MiB)

typedef struct Victim {
    NetMachine m;               /* nic0 is abused */
    NetWire wire;               /* of the bystander */
    Netvsc *n;
    Netvsc *bystander;
    uint64_t heap_gpa;          /* restarts get the same memory again */
    uint64_t gpa;               /* VICTIM_MSG_PAGES for messages and frames */
    uint64_t rss_bytes;
} Victim;

/* Lengths, offsets and indices that somebody may have forgotten to check */
#define VICTIM_WILD_COUNT   27
extern const uint32_t victim_wild[VICTIM_WILD_COUNT];
/* Object identifiers, known and not */
#define VICTIM_OID_COUNT    21
extern const uint32_t victim_oids[VICTIM_OID_COUNT];

void victim_start(Victim *v);
/* Open the abused card, as a driver does */
void victim_open(Victim *v);
/* Close the abused channel, which may have failed, and start it anew */
void victim_reopen(Victim *v);
/* See that the abused channel still works, close it and start it anew */
void victim_restart(Victim *v);
/* The other card carries a frame each way */
void victim_check_bystander(Victim *v);
/* The abused card's control plane still answers */
void victim_check_control(Victim *v);
/* All of these checks, the log and QEMU's memory; then the end */
void victim_stop(Victim *v);

/* Take whatever came from the abused card and do not look at it */
void victim_discard(Victim *v);
/* Signal, let the host work, discard */
void victim_settle(Victim *v);
/* A raw packet; waits for room */
void victim_push(Victim *v, uint16_t type, const void *desc,
                 uint32_t desc_bytes, const void *msg, uint32_t msg_bytes);
/* An RNDIS control message in one range */
void victim_send_control(Victim *v, const void *msg, uint32_t bytes);
/* An RNDIS data message in one range, or in section 0 of the send buffer */
void victim_send_data(Victim *v, const void *msg, uint32_t bytes,
                      bool in_section);

#endif /* NET_VICTIM_H */
