/*
 * mana: a vport as a client of QEMU's net layer
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/qdev-core.h"
#include "net/eth.h"
#include "standard-headers/linux/virtio_net.h"
#include "mana-internal.h"

static bool mana_can_receive(NetClientState *nc)
{
    ManaVport *vp = qemu_get_nic_opaque(nc);

    return !vp->s->is_stopped;
}

static ssize_t mana_receive_flat(NetClientState *nc, const uint8_t *buf,
                                 size_t size)
{
    struct iovec iov = { .iov_base = (void *)buf, .iov_len = size };

    return mana_receive(nc, &iov, 1);
}

static void mana_link_status_changed(NetClientState *nc)
{
    ManaVport *vp = qemu_get_nic_opaque(nc);

    trace_mana_link(vp->idx, !nc->link_down);
    mana_link_update(vp->s);
    if (vp->s->vf) {
        mana_link_update(vp->s->vf);
    }
}

static void mana_set_link(ManaVport *vp, bool up)
{
    for (int i = 0; i < vp->queue_count; i++) {
        qemu_get_subqueue(vp->nic, i)->link_down = !up;
    }
    mana_link_status_changed(qemu_get_queue(vp->nic));
}

void mana_link_unflap(void *opaque)
{
    Mana *s = opaque;

    for (uint32_t v = 0; v < s->vport_count; v++) {
        /* without its netdev the link stays down */
        if ((s->inject.flapping & (1u << v)) &&
            !s->vports[v].nic->peer_deleted) {
            mana_set_link(&s->vports[v], true);
        }
    }
    s->inject.flapping = 0;
}

void mana_link_flap(Mana *s, uint32_t ms)
{
    for (uint32_t v = 0; v < s->vport_count; v++) {
        if (s->vports[v].nic && mana_net_link(&s->vports[v])) {
            s->inject.flapping |= 1u << v;
            mana_set_link(&s->vports[v], false);
        }
    }
    timer_mod(s->flap_timer, qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + ms);
}

static NetClientInfo mana_net_info = {
    .type = NET_CLIENT_DRIVER_NIC,
    .size = sizeof(NICState),
    .can_receive = mana_can_receive,
    .receive = mana_receive_flat,
    .receive_iov = mana_receive,
    .link_status_changed = mana_link_status_changed,
};

static void mana_tx_timeout(void *opaque)
{
    ManaVport *vp = opaque;

    /* the wire is not to be waited for: a driver would reset its queues */
    vp->tx_impatient = true;
    mana_tx_wake(vp->s);
    if (vp->s->vf) {
        mana_tx_wake(vp->s->vf);
    }
}

/* Every subqueue must have it, and then the one length that is used here */
static bool mana_net_peer_has_vnet(ManaVport *vp)
{
    for (int i = 0; i < vp->queue_count; i++) {
        NetClientState *peer = qemu_get_subqueue(vp->nic, i)->peer;

        if (!peer || !qemu_has_vnet_hdr(peer) ||
            !qemu_has_vnet_hdr_len(peer, sizeof(struct virtio_net_hdr))) {
            return false;
        }
    }
    return true;
}

/* The wire, and what is known of it, of the same vport of another function */
static void mana_net_share(ManaVport *vp)
{
    Mana *s = vp->s;

    vp->wire = &s->pf->vports[vp->idx];
    vp->queue_count = vp->wire->queue_count;
    vp->has_vnet = vp->wire->has_vnet;
    s->conf[vp->idx].macaddr = s->pf->conf[vp->idx].macaddr;
    vp->rx_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, mana_rx_timeout, vp);
}

bool mana_net_link(const ManaVport *vp)
{
    return vp->wire && !qemu_get_queue(vp->wire->nic)->link_down;
}

bool mana_net_init(ManaVport *vp, Error **errp)
{
    Mana *s = vp->s;
    NICConf *conf = &s->conf[vp->idx];
    DeviceState *dev = DEVICE(s);
    g_autofree char *name = NULL;

    if (s->pf) {
        mana_net_share(vp);
        return true;
    }
    vp->wire = vp;
    qemu_macaddr_default_if_unset(&conf->macaddr);
    if (is_multicast_ether_addr(conf->macaddr.a)) {
        error_setg(errp, "the MAC address of vport %u is no unicast one",
                   vp->idx);
        return false;
    }
    if (dev->id && vp->idx) {
        name = g_strdup_printf("%s.%u", dev->id, vp->idx);
    }
    vp->queue_count = MAX(1, conf->peers.queues);
    vp->nic = qemu_new_nic(&mana_net_info, conf,
                           object_get_typename(OBJECT(s)),
                           name ? name : dev->id,
                           &dev->mem_reentrancy_guard, vp);
    qemu_format_nic_info_str(qemu_get_queue(vp->nic), conf->macaddr.a);
    vp->tx_waiting = g_new0(uint32_t, vp->queue_count);
    vp->rx_cut = g_new0(ManaRxCut, vp->queue_count);
    vp->rx_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, mana_rx_timeout, vp);
    vp->tx_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, mana_tx_timeout, vp);
    vp->has_vnet = mana_net_peer_has_vnet(vp);
    for (int i = 0; i < vp->queue_count && vp->has_vnet; i++) {
        NetClientState *peer = qemu_get_subqueue(vp->nic, i)->peer;

        qemu_set_vnet_hdr_len(peer, sizeof(struct virtio_net_hdr));
        /* large packets of TCP are cut here, which costs less than one by one */
        qemu_set_offload(peer, 1, 1, 1, 0, 0, 0, 0);
    }
    return true;
}

void mana_net_free(ManaVport *vp)
{
    timer_free(vp->rx_timer);
    vp->rx_timer = NULL;
    if (!vp->nic) {
        return;
    }
    /* frames that the back end has not taken yet would call mana_tx_sent() */
    for (int i = 0; i < vp->queue_count; i++) {
        qemu_purge_queued_packets(qemu_get_subqueue(vp->nic, i));
    }
    qemu_del_nic(vp->nic);
    vp->nic = NULL;
    timer_free(vp->tx_timer);
    g_clear_pointer(&vp->tx_waiting, g_free);
    g_clear_pointer(&vp->rx_cut, g_free);
}
