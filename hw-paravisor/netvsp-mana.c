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
    HvNet *s = opaque;
    bool is_vf = netvsp_data_path_is_vf(s);

    trace_netvsp_path(is_vf, s->path_is_vf, s->path_pending);
    if (s->path_is_vf != is_vf) {
        s->path_is_vf = is_vf;
        s->path_switches++;
        mana_drv_net_tell_path(s->mana, is_vf);
    }
    if (s->path_pending) {
        s->path_done = true;
        netvsp_schedule(s);
    }
}

static void netvsp_mana_adapter_changed(void *opaque, bool is_there)
{
    HvNet *s = opaque;

    if (is_there) {
        netvsp_mana_apply_rss(s);
        mana_drv_net_set_path(s->mana, netvsp_data_path_is_vf(s));
    }
    netvsp_vf_adapter_changed(s, is_there);
}

static void netvsp_mana_burst_over(void *opaque)
{
    netvsp_run_scheduled(opaque);
}

static void netvsp_mana_describe(void *opaque, bool *accelerated, bool *is_vf,
                                 uint32_t *switches)
{
    HvNet *s = opaque;

    *accelerated = s->accelerated;
    *is_vf = s->path_is_vf;
    *switches = s->path_switches;
}

bool netvsp_mana_switch(HvNet *s, const HvbusPacket *pkt)
{
    if (!s->mana) {
        return false;
    }
    if (s->path_pending) {
        /* it changed its mind: the first one is over */
        s->path_done = true;
        netvsp_mana_send_pending(s);
    }
    s->path_pending = pkt->wants_completion;
    s->path_trans_id = pkt->trans_id;
    mana_drv_net_set_path(s->mana, netvsp_data_path_is_vf(s));
    return true;
}

void netvsp_mana_send_pending(HvNet *s)
{
    /* Linux waits for an empty one */
    NvspMessageWire none = { };

    if (s->path_done) {
        s->path_done = false;
        if (s->path_pending) {
            s->path_pending = false;
            netvsp_send(&s->chans[0], HVBUS_PKT_COMPLETION, s->path_trans_id,
                        NULL, 0, &none, 0);
        }
    }
}

void netvsp_mana_reset_path(HvNet *s)
{
    s->path_pending = false;
    s->path_done = false;
    if (s->mana) {
        mana_drv_net_set_path(s->mana, false);
    }
}

bool netvsp_mana_restore(HvNet *s)
{
    if (s->path_pending && (!s->mana || !s->chans[0].is_open)) {
        return false;
    }
    s->path_done = false;
    if (s->mana) {
        bool is_vf = netvsp_data_path_is_vf(s);

        /* a switch that the guest waits for is yet to be made, and counted */
        s->path_is_vf = s->path_pending ? !is_vf : is_vf;
        mana_drv_net_tell_path(s->mana, s->path_is_vf);
        mana_drv_net_set_path(s->mana, is_vf);
    }
    return true;
}

bool netvsp_mana_realize(HvNet *s, Error **errp)
{
    ManaDrvNetUser user = {
        .dev = DEVICE(s),
        .path_moved = netvsp_mana_path_moved,
        .adapter_changed = netvsp_mana_adapter_changed,
        .burst_over = netvsp_mana_burst_over,
        .describe = netvsp_mana_describe,
        .opaque = s,
    };
    unsigned queues = s->num_queues ? s->num_queues :
                      MACHINE(qdev_get_machine())->smp.max_cpus;

    if (!s->mana_id) {
        if (s->vport || s->accelerated) {
            error_setg(errp, "'%s' needs 'mana'",
                       s->vport ? "vport" : "accelerated");
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
