/*
 * What query-paravisor says of an hv-net on an adapter in VTL2, for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_BOOST_H
#define NET_BOOST_H

#include "qobject/qdict.h"
#include "net-machine.h"

/* Number @nth of "ports" or "functions"; with a reference.  NULL: not so many */
QDict *net_boost_entry(NetMachine *m, const char *list, unsigned nth);
/* A number of port @nth */
int64_t net_boost_counter(NetMachine *m, unsigned nth, const char *name);
bool net_boost_path_is(NetMachine *m, unsigned nth, const char *path);
void net_boost_await_path(NetMachine *m, unsigned nth, const char *path);
/* The driver works, after @resets resets or more */
void net_boost_await_running(NetMachine *m, int64_t resets);
/* x-mana-inject into mana0 */
void net_boost_inject(NetMachine *m, const char *event);
/* Plug the adapter mana0 with @mac, on the wire n0 */
void net_boost_plug(NetMachine *m, const char *mac);

#endif /* NET_BOOST_H */
