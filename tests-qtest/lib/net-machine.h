/*
 * A guest with one hv-net and a test at the other end of its wire
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_MACHINE_H
#define NET_MACHINE_H

#include "netvsc-client.h"
#include "net-wire.h"

#define NET_MACHINE_MAC     "52:54:00:12:34:56"

extern const uint8_t net_machine_mac[6];
extern const uint8_t net_machine_peer_mac[6];

typedef struct NetMachine {
    HvGuest *g;
    VmbusClient *c;
    NetWire wire;
} NetMachine;

/* The card is nic0 with @props (",name=value"), its netdev n0; offers are here */
void net_machine_start(NetMachine *m, const char *props, const char *extra);
/*
 * The same with the adapter mana0 of VTL2 (with properties @adapter) between card
 * and wire.  With QPV_NET_BOOST in the environment all machines are such.
 */
void net_machine_start_boost(NetMachine *m, const char *adapter,
                             const char *props, const char *extra);
/* Continue in another QEMU; frames that wait in the socket stay behind */
void net_machine_migrate(NetMachine *m);
/* Reset the machine and connect VMBus again */
void net_machine_reset(NetMachine *m);
void net_machine_stop(NetMachine *m);

/* The usual beginning: a machine, and its driver up with the latest version */
Netvsc *net_machine_up(NetMachine *m);
/* The usual end: the driver says goodbye, and the machine ends */
void net_machine_down(NetMachine *m, Netvsc *n);
/* Drop what comes to the guest until nothing does */
void net_machine_settle(NetMachine *m, Netvsc *n);
/*
 * Send and take no answer until the ring to the guest is full and completions wait
 * behind it.  Transaction ids to @id, of @max; how many.
 */
unsigned net_machine_fill_ring(NetMachine *m, Netvsc *n, uint64_t *id,
                               unsigned max);

/* A frame each way, and what came is what was sent */
void net_machine_check_traffic(NetMachine *m, Netvsc *n, uint32_t seed);
/* Send a bare frame to the guest */
void net_machine_to_guest(NetMachine *m, const uint8_t dst_mac[6],
                          uint32_t bytes, uint32_t seed);
/* Take a frame and check that it is that one */
void net_machine_expect(NetMachine *m, Netvsc *n, uint32_t bytes,
                        uint32_t seed);
/* True if nothing comes to the guest for a while; a frame that does is lost */
bool net_machine_is_quiet(NetMachine *m, Netvsc *n);

/* Whether a frame to @dst_mac reaches the guest */
bool net_machine_passes(NetMachine *m, Netvsc *n, const uint8_t dst_mac[6]);

#endif /* NET_MACHINE_H */
