/*
 * hv-net: a port of an adapter in VTL2 as the far end
 *
 * The property "mana" names the adapter.  The paravisor's driver makes a netdev of
 * the port, and the card knows no difference but for these: the guest's RSS is
 * done by the adapter, and the data path can be moved to a function of the
 * adapter that the guest has.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/boards.h"
#include "netvsp-internal.h"

#define NETVSP_MANA_MAX_QUEUES  16

static void netvsp_mana_path_moved(void *opaque)
{
}

static void netvsp_mana_describe(void *opaque, bool *accelerated, bool *is_vf,
                                 uint32_t *switches)
{
    HvNet *s = opaque;

    *accelerated = false;
    *is_vf = netvsp_data_path_is_vf(s);
    *switches = 0;
}

bool netvsp_mana_realize(HvNet *s, Error **errp)
{
    ManaDrvNetUser user = {
        .dev = DEVICE(s),
        .path_moved = netvsp_mana_path_moved,
        .describe = netvsp_mana_describe,
        .opaque = s,
    };
    unsigned queues = s->num_queues ? s->num_queues :
                      MACHINE(qdev_get_machine())->smp.max_cpus;

    if (!s->mana_id) {
        if (s->vport) {
            error_setg(errp, "'vport' needs 'mana'");
            return false;
        }
        return true;
    }
    if (s->conf.peers.ncs[0]) {
        error_setg(errp, "the card has either 'netdev' or 'mana': the "
                   "adapter's own netdev is its wire");
        return false;
    }
    s->mana = mana_drv_net_new(s->mana_id, s->vport,
                               MIN(queues, NETVSP_MANA_MAX_QUEUES), s->mtu,
                               &s->conf, &user, errp);
    return s->mana;
}

void netvsp_mana_unrealize(HvNet *s)
{
    if (s->mana) {
        mana_drv_net_free(g_steal_pointer(&s->mana));
        memset(&s->conf.peers, 0, sizeof(s->conf.peers));
    }
}

void netvsp_mana_apply_rss(HvNet *s)
{
    const RndisRss *rss = &s->rndis.rss;

    if (s->mana) {
        mana_drv_net_set_rss(s->mana, rss->is_enabled, rss->key, rss->table,
                             rss->table_count);
    }
}
