/*
 * VTL2's MANA driver as a netdev inside: the far end of an hv-net card
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_DRV_NET_H
#define MANA_DRV_NET_H

#include "hw/qdev-core.h"
#include "net/net.h"

/* A port of an adapter, as a netdev with a queue for each pair of queues */
typedef struct ManaDrvNet ManaDrvNet;

typedef struct ManaDrvNetUser {
    DeviceState *dev;                   /* the guest's card */
    /*
     * The adapter's filter is where mana_drv_net_set_path() wanted it, or there
     * is no adapter any more that could be waited for
     */
    void (*path_moved)(void *opaque);
    /*
     * The adapter was unplugged, or one under the same id was plugged and knows
     * nothing yet of RSS, path and serial number
     */
    void (*adapter_changed)(void *opaque, bool is_there);
    /* What the adapter's interrupt was for has been handed over */
    void (*burst_over)(void *opaque);
    void (*describe)(void *opaque, bool *accelerated, bool *is_vf,
                     uint32_t *switches);
    void *opaque;
} ManaDrvNetUser;

/*
 * Claim port @vport of the mana device @mana with up to @queues queues, create the
 * netdev and put it into @conf, together with the port's MAC address.  An address
 * in @conf must be the port's.  If the adapter is unplugged, the netdev has no link
 * until one with the same id and address is plugged.
 */
ManaDrvNet *mana_drv_net_new(const char *mana, uint8_t vport,
                             unsigned int queues, uint16_t mtu, NICConf *conf,
                             const ManaDrvNetUser *user, Error **errp);
/* After the NIC that peers with it was deleted */
void mana_drv_net_free(ManaDrvNet *p);
/* The end of a batch that was sent: ring the adapter's doorbells */
void mana_drv_net_flush(ManaDrvNet *p);
/* Queue numbers in @table are those of the netdev */
void mana_drv_net_set_rss(ManaDrvNet *p, bool is_on, const uint8_t *key,
                          const uint8_t *table, unsigned int count);
/* Where what comes in goes: to the netdev, or to the guest's own function */
void mana_drv_net_set_path(ManaDrvNet *p, bool to_vf);
/* Let the monitor know, not too often, where it goes */
void mana_drv_net_tell_path(ManaDrvNet *p, bool is_vf);
/* Is the adapter plugged? */
bool mana_drv_net_is_there(const ManaDrvNet *p);
/* Serial number of that function, 0: none */
void mana_drv_net_set_serial(ManaDrvNet *p, uint32_t serial);

#endif /* MANA_DRV_NET_H */
