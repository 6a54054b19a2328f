/*
 * A machine with a mana adapter and the cables to it, for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_MACHINE_H
#define MANA_MACHINE_H

#include "mana-client.h"

#define MANA_MACHINE_WIRES      2

typedef struct ManaMachine {
    PcieGuest *g;
    GdmaClient *d;              /* the adapter "nic0" behind port 0 */
    NetWire wire[MANA_MACHINE_WIRES];
    unsigned wires;
    char *props;                /* of the adapter, from ',' on */
    char *netdevs;              /* QEMU's arguments for the wires */
} ManaMachine;

/* One wire per vport; @props from ',' on, or "" */
void mana_machine_start(ManaMachine *m, unsigned wires, const char *props);
/* And a driver on it */
void mana_machine_drive(ManaMachine *m, unsigned wires, const char *props);
/* With one wire, and the port up with one queue for frames of @frame_bytes */
ManaPort mana_machine_port(ManaMachine *m, uint32_t frame_bytes);
/* The port down, and mana_machine_stop() */
void mana_machine_end(ManaMachine *m, ManaPort *p);
/* A frame of net_build_raw() in @frame, to wire 0 */
void mana_machine_send(ManaMachine *m, uint8_t *frame, const NetFlow *flow,
                       uint32_t bytes, uint32_t seed);
/* A raw frame made of @seed for the port, on wire 0; and that it came in */
void mana_port_send_in(ManaMachine *m, ManaPort *p, uint32_t bytes,
                       uint32_t seed);
void mana_port_expect_in(ManaPort *p, uint32_t bytes, uint32_t seed);
/* Driver off, if there is one, and the end */
void mana_machine_stop(ManaMachine *m);
/* Migrate; the driver works on, and the wires are the same */
void mana_machine_migrate(ManaMachine *m);
/* device_add of the adapter as it was, but for its properties */
void mana_machine_replug(ManaMachine *m);

#endif /* MANA_MACHINE_H */
