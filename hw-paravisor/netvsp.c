/*
 * hv-net: a VMBus network card whose other end is any netdev
 *
 * The protocols are in netvsp-core.c and rndis-core.c, see docs/specs/hv-net.rst.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "hw/boards.h"
#include "hw/qdev-properties.h"
#include "hw/qdev-properties-system.h"
#include "standard-headers/linux/virtio_net.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "system/system.h"
#include "netvsp-internal.h"

#define NETVSP_DEFAULT_MAX_QUEUES       16

static const QemuUUID netvsp_if_type = {
    .data = UUID(0xf8615163, 0xdf3e, 0x46c5, 0x91, 0x3f,
                 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e)
};

void netvsp_schedule(HvNet *s)
{
    if (!s->is_scheduled) {
        s->is_scheduled = true;
        replay_bh_schedule_event(s->flush_bh);
    }
}

void netvsp_run_scheduled(HvNet *s)
{
    if (!s->is_scheduled) {
        return;
    }
    s->is_scheduled = false;
    if (s->is_stopped) {
        return;                         /* scheduled again with the VM */
    }
    for (int i = 0; i < s->num_queues; i++) {
        NetvspChannel *ch = &s->chans[i];

        if (ch->is_open && !ch->in_notify) {
            if (i == 0) {
                netvsp_send_pending(s);
            }
            netvsp_rx_flush(ch);
            netvsp_flush(ch);
            s->rx_retry |= !hvbus_channel_is_open(ch->chan);
        }
    }
    if (s->rx_retry) {
        netvsp_rx_unblock(s);
    }
}

/* Show the guest what has come in this run of the event loop */
static void netvsp_flush_bh(void *opaque)
{
    netvsp_run_scheduled(opaque);
}

/* What could wait has waited long enough */
static void netvsp_held_timer(void *opaque)
{
    HvNet *s = opaque;

    for (int i = 0; i < s->num_queues; i++) {
        if (s->chans[i].is_open) {
            netvsp_flush_held(&s->chans[i]);
        }
    }
}

static void netvsp_vm_state_change(void *opaque, bool running, RunState state)
{
    HvNet *s = opaque;

    s->is_stopped = !running;
    /* a stop is in no log: the guest must not see one, but in a snapshot */
    if (replay_mode != REPLAY_MODE_NONE && state != RUN_STATE_SAVE_VM) {
        return;
    }
    if (running) {
        netvsp_schedule(s);
        netvsp_rx_resume(s);
        return;
    }
    for (int i = 0; i < s->num_queues; i++) {
        NetvspChannel *ch = &s->chans[i];

        if (ch->is_open) {
            netvsp_rx_flush(ch);
            netvsp_flush_held(ch);
        }
    }
}

static void netvsp_link_status_changed(NetClientState *nc)
{
    HvNet *s = qemu_get_nic_opaque(nc);
    bool up = !qemu_get_queue(s->nic)->link_down && !s->is_unplugging;

    for (int i = 0; i < s->queue_count && !up; i++) {
        /* what waits in the netdev's queues will not get there */
        qemu_purge_queued_packets(qemu_get_subqueue(s->nic, i));
    }
    if (s->rndis.link_up != up) {
        trace_netvsp_link(up);
        s->rndis.link_up = up;
        s->link_pending = true;
        netvsp_schedule(s);
    }
}

static void netvsp_announce(NetClientState *nc)
{
    HvNet *s = qemu_get_nic_opaque(nc);

    if (s->network_change && nc->queue_index == 0) {
        s->change_pending = true;
        netvsp_schedule(s);
    }
}

static RxFilterInfo *netvsp_query_rx_filter(NetClientState *nc)
{
    HvNet *s = qemu_get_nic_opaque(nc);
    const RndisCore *r = &s->rndis;
    RxFilterInfo *info = g_new0(RxFilterInfo, 1);

    info->name = g_strdup(nc->name);
    info->promiscuous = r->filter & RNDIS_FILTER_PROMISCUOUS;
    info->unicast = r->filter & RNDIS_FILTER_DIRECTED ? RX_STATE_NORMAL
                                                      : RX_STATE_NONE;
    info->multicast = r->filter & RNDIS_FILTER_ALL_MULTICAST ? RX_STATE_ALL :
                      r->filter & RNDIS_FILTER_MULTICAST ? RX_STATE_NORMAL
                                                         : RX_STATE_NONE;
    info->broadcast_allowed = r->filter & RNDIS_FILTER_BROADCAST;
    info->vlan = RX_STATE_ALL;
    info->main_mac = qemu_mac_strdup_printf(r->mac);
    for (int i = r->multicast_count; i-- > 0;) {
        QAPI_LIST_PREPEND(info->multicast_table,
                          qemu_mac_strdup_printf(r->multicast[i]));
    }
    return info;
}

static NetClientInfo netvsp_net_info = {
    .type = NET_CLIENT_DRIVER_NIC,
    .size = sizeof(NICState),
    .can_receive = netvsp_can_receive,
    .receive = netvsp_receive,
    .link_status_changed = netvsp_link_status_changed,
    .query_rx_filter = netvsp_query_rx_filter,
    .announce = netvsp_announce,
};

void netvsp_vf_associate(HvNet *s, uint32_t serial, bool present)
{
    s->vf_serial = serial;
    s->vf_present = present;
    s->vf_pending = s->rndis.is_initialized;
    netvsp_schedule(s);
}

bool netvsp_data_path_is_vf(HvNet *s)
{
    return s->core.data_path == NVSP_DATA_PATH_VF;
}

static bool netvsp_open(HvbusDevice *dev, HvbusChannel *chan,
                        const uint8_t *user_data)
{
    HvNet *s = HV_NET(dev);
    uint16_t idx = hvbus_channel_idx(chan);

    if (idx >= s->num_queues) {
        return false;
    }
    netvsp_channel_detach(&s->chans[idx]);
    if (idx == 0) {
        netvsp_reset_protocol(s);       /* what a load that failed has left */
    }
    trace_netvsp_open(idx, hvbus_channel_relid(chan),
                      hvbus_channel_target_vp(chan));
    netvsp_channel_attach(&s->chans[idx], chan);
    if (idx && s->open_channels == s->core.subchannel_count + 1) {
        s->table_pending = true;
        netvsp_schedule(s);
    }
    return true;
}

static void netvsp_close(HvbusDevice *dev, HvbusChannel *chan)
{
    HvNet *s = HV_NET(dev);
    uint16_t idx = hvbus_channel_idx(chan);

    if (idx >= s->num_queues || !s->chans[idx].is_open) {
        return;
    }
    trace_netvsp_close(idx);
    netvsp_channel_detach(&s->chans[idx]);
    if (idx == 0) {
        netvsp_reset_protocol(s);
        netvsp_tx_purge(s);
    }
}

static bool netvsp_is_at_rest(HvNet *s)
{
    if (!s->rndis.is_initialized || s->link_pending ||
        s->open_channels != s->core.subchannel_count + 1 ||
        (s->core.subchannel_count && !s->rndis.rss.is_enabled)) {
        return false;
    }
    for (int i = 0; i < s->queue_count; i++) {
        if (!QTAILQ_EMPTY(&s->queues[i].tx)) {
            return false;
        }
    }
    for (int i = 0; i < s->num_queues; i++) {
        NetvspChannel *ch = &s->chans[i];

        if (ch->is_open && (!QTAILQ_EMPTY(&ch->out) ||
                            !hvbus_channel_is_drained(ch->chan))) {
            return false;
        }
    }
    return true;
}

/*
 * Linux waits without end for answers that a rescinded channel cannot bring: in
 * the setting up of sub-channels, which holds the RTNL, and for packets that
 * were not completed.  Without a link it sends nothing more.
 */
static bool netvsp_unplug_ready(HvbusDevice *dev)
{
    HvNet *s = HV_NET(dev);
    bool is_at_rest;

    if (!netvsp_vf_is_gone(s)) {
        return false;                   /* the guest moves to the card */
    }
    if (!s->is_unplugging) {
        s->is_unplugging = true;
        netvsp_link_status_changed(qemu_get_queue(s->nic));
    }
    is_at_rest = netvsp_is_at_rest(s) && s->tx_frames == s->rest_tx_frames;
    s->rest_tx_frames = s->tx_frames;
    return hvbus_device_has_rested(dev, is_at_rest, NETVSP_REST_LOOKS);
}

static void netvsp_reset_hold(Object *obj, ResetType type)
{
    HvNet *s = HV_NET(obj);

    /* the bus closes the channels */
    memcpy(s->rndis.mac, s->rndis.permanent_mac, sizeof(s->rndis.mac));
    s->stats = (RndisStats) { };
    if (s->nic) {
        qemu_format_nic_info_str(qemu_get_queue(s->nic), s->rndis.mac);
    }
}

static bool netvsp_check_properties(HvNet *s, Error **errp)
{
    if (s->num_queues > NVSP_MAX_CHANNELS) {
        error_setg(errp, "num-queues must be at most %u", NVSP_MAX_CHANNELS);
        return false;
    }
    if (s->mtu < NETVSP_MIN_MTU || s->mtu > NETVSP_MAX_MTU) {
        error_setg(errp, "mtu must be between %u and %u", NETVSP_MIN_MTU,
                   NETVSP_MAX_MTU);
        return false;
    }
    if (!s->speed_mbps || s->speed_mbps > UINT32_MAX / 10000) {
        error_setg(errp, "speed must be between 1 and %u Mbit/s",
                   UINT32_MAX / 10000);
        return false;
    }
    if (s->friendly_name && strlen(s->friendly_name) > RNDIS_MAX_FRIENDLY_NAME) {
        error_setg(errp, "friendly-name must have at most %u characters",
                   RNDIS_MAX_FRIENDLY_NAME);
        return false;
    }
    return true;
}

static void netvsp_init_rndis(HvNet *s)
{
    RndisCore *r = &s->rndis;
    uint32_t caps = 0;

    if (s->has_csum) {
        caps = RNDIS_OFFLOAD_LSO4 - 1;  /* all checksums, both ways */
        caps |= s->has_lso ? RNDIS_OFFLOAD_LSO4 | RNDIS_OFFLOAD_LSO6 : 0;
    }
    caps |= s->has_rsc ? RNDIS_OFFLOAD_RSC : 0;
    memcpy(r->permanent_mac, s->conf.macaddr.a, sizeof(r->permanent_mac));
    memcpy(r->mac, s->conf.macaddr.a, sizeof(r->mac));
    r->mtu = s->mtu;
    r->max_channels = s->num_queues;
    r->offload_caps = caps;
    r->link_speed_bps = s->speed_mbps * 1000000ull;
    r->link_up = true;
    r->friendly_name = s->friendly_name;
    r->stats = &s->stats;
    rndis_core_reset(r);
}

/* virtio-net headers with every frame, if the netdev has them on all queues */
static void netvsp_init_vnet(HvNet *s)
{
    int i;

    for (i = 0; i < s->queue_count; i++) {
        if (!qemu_has_vnet_hdr(qemu_get_subqueue(s->nic, i)->peer)) {
            return;
        }
    }
    s->vnet_bytes = sizeof(struct virtio_net_hdr);
    for (i = 0; i < s->queue_count; i++) {
        qemu_set_vnet_hdr_len(qemu_get_subqueue(s->nic, i)->peer,
                              s->vnet_bytes);
    }
}

static void netvsp_unrealize(HvbusDevice *dev)
{
    HvNet *s = HV_NET(dev);

    netvsp_vf_unrealize(s);
    qemu_del_vm_change_state_handler(s->vm_state_entry);
    for (int i = 0; i < s->num_queues; i++) {
        netvsp_channel_detach(&s->chans[i]);
    }
    netvsp_reset_protocol(s);
    for (int i = 0; i < s->queue_count; i++) {
        qemu_purge_queued_packets(qemu_get_subqueue(s->nic, i));
        while (!QTAILQ_EMPTY(&s->queues[i].tx)) {
            NetvspTx *tx = QTAILQ_FIRST(&s->queues[i].tx);

            QTAILQ_REMOVE(&s->queues[i].tx, tx, next);
            g_free(tx);
        }
    }
    qemu_del_nic(g_steal_pointer(&s->nic));
    netvsp_mana_unrealize(s);
    qemu_bh_delete(s->flush_bh);
    timer_free(s->held_timer);
    g_clear_pointer(&s->chans, g_free);
    g_clear_pointer(&s->queues, g_free);
    g_clear_pointer(&s->tx_buf, g_free);
    g_clear_pointer(&s->rx_buf, g_free);
}

static void netvsp_realize(HvbusDevice *dev, Error **errp)
{
    HvNet *s = HV_NET(dev);

    if (!netvsp_check_properties(s, errp)) {
        return;
    }
    if (!netvsp_mana_realize(s, errp)) {
        return;
    }
    qemu_macaddr_default_if_unset(&s->conf.macaddr);
    s->queue_count = MAX(s->conf.peers.queues, 1);
    if (!s->num_queues) {
        s->num_queues = s->queue_count > 1 ? s->queue_count :
                        MIN(MACHINE(qdev_get_machine())->smp.max_cpus,
                            NETVSP_DEFAULT_MAX_QUEUES);
        s->num_queues = MIN(s->num_queues, NVSP_MAX_CHANNELS);
    }
    s->queues = g_new0(NetvspQueue, s->queue_count);
    for (int i = 0; i < s->queue_count; i++) {
        QTAILQ_INIT(&s->queues[i].tx);
    }
    s->chans = g_new0(NetvspChannel, s->num_queues);
    for (int i = 0; i < s->num_queues; i++) {
        netvsp_channel_init(s, i);
    }
    s->tx_buf = g_malloc(NETVSP_TX_BUF_BYTES);
    s->rx_buf = g_malloc(NETVSP_RX_BUF_BYTES);
    s->core.max_channels = s->num_queues;
    s->core.mtu = s->mtu;
    netvsp_core_reset(&s->core);
    netvsp_sections_destroy(&s->sections);
    netvsp_init_rndis(s);

    s->flush_bh = qemu_bh_new_guarded(netvsp_flush_bh, s,
                                      &DEVICE(dev)->mem_reentrancy_guard);
    s->held_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, netvsp_held_timer, s);
    s->nic = qemu_new_nic(&netvsp_net_info, &s->conf,
                          object_get_typename(OBJECT(dev)), DEVICE(dev)->id,
                          &DEVICE(dev)->mem_reentrancy_guard, s);
    for (int i = 0; i < s->queue_count; i++) {
        qemu_get_subqueue(s->nic, i)->do_not_pad = true;
    }
    s->rndis.link_up = !qemu_get_queue(s->nic)->link_down;
    netvsp_init_vnet(s);
    netvsp_apply_offloads(s);
    qemu_format_nic_info_str(qemu_get_queue(s->nic), s->conf.macaddr.a);
    s->is_stopped = !runstate_is_running();
    s->vm_state_entry = qdev_add_vm_change_state_handler(DEVICE(dev),
                            netvsp_vm_state_change, s);
    if (!netvsp_vf_realize(s, errp)) {
        netvsp_unrealize(dev);
    }
}

static void netvsp_instance_init(Object *obj)
{
    HvNet *s = HV_NET(obj);

    device_add_bootindex_property(obj, &s->conf.bootindex, "bootindex",
                                  "/ethernet-phy@0", DEVICE(obj));
}

static const Property netvsp_properties[] = {
    DEFINE_NIC_PROPERTIES(HvNet, conf),
    DEFINE_PROP_STRING("mana", HvNet, mana_id),
    DEFINE_PROP_UINT8("vport", HvNet, vport, 0),
    DEFINE_PROP_BOOL("accelerated", HvNet, accelerated, false),
    DEFINE_PROP_UINT16("num-queues", HvNet, num_queues, 0),
    DEFINE_PROP_UINT16("mtu", HvNet, mtu, NETVSP_DEFAULT_MTU),
    DEFINE_PROP_UINT32("speed", HvNet, speed_mbps, 10000),
    DEFINE_PROP_STRING("friendly-name", HvNet, friendly_name),
    DEFINE_PROP_BOOL("csum", HvNet, has_csum, true),
    DEFINE_PROP_BOOL("lso", HvNet, has_lso, true),
    DEFINE_PROP_BOOL("rsc", HvNet, has_rsc, true),
    DEFINE_PROP_BOOL("network-change", HvNet, network_change, false),
};

static void netvsp_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvbusDeviceClass *hdc = HVBUS_DEVICE_CLASS(klass);
    ResettableClass *rc = RESETTABLE_CLASS(klass);

    dc->desc = "Hyper-V (VMBus) network card";
    dc->vmsd = &vmstate_hv_net;
    dc->fw_name = "ethernet";
    set_bit(DEVICE_CATEGORY_NETWORK, dc->categories);
    device_class_set_props(dc, netvsp_properties);
    rc->phases.hold = netvsp_reset_hold;

    hdc->if_type = netvsp_if_type;
    hdc->unplug_ready = netvsp_unplug_ready;
    hdc->offer_flags = HVBUS_OFFER_ENUMERATE;
    hdc->realize = netvsp_realize;
    hdc->unrealize = netvsp_unrealize;
    hdc->open = netvsp_open;
    hdc->close = netvsp_close;
    hdc->notify = netvsp_notify;

    object_class_property_set_description(klass, "mana",
        "A mana adapter on the paravisor's bus to use instead of a netdev");
    object_class_property_set_description(klass, "vport",
        "Port of that adapter");
    object_class_property_set_description(klass, "accelerated",
        "Give the guest a function of that adapter beside the card");
    object_class_property_set_description(klass, "num-queues",
        "Channels the guest may use (0: the netdev's queues, or one per vCPU)");
    object_class_property_set_description(klass, "mtu",
        "Longest packet without the Ethernet header");
    object_class_property_set_description(klass, "speed",
        "Link speed that the guest sees, in Mbit/s");
    object_class_property_set_description(klass, "friendly-name",
        "Name of the adapter; guests show it as an alias");
    object_class_property_set_description(klass, "csum",
        "Offer checksum offload, both ways");
    object_class_property_set_description(klass, "lso",
        "Offer segmentation offload (needs csum)");
    object_class_property_set_description(klass, "rsc",
        "Offer receive segment coalescing");
    object_class_property_set_description(klass, "network-change",
        "Tell the guest of a network change when it is to announce itself");
}

static const TypeInfo netvsp_types[] = {
    {
        .name = TYPE_HV_NET,
        .parent = TYPE_HVBUS_DEVICE,
        .instance_size = sizeof(HvNet),
        .instance_init = netvsp_instance_init,
        .class_init = netvsp_class_init,
    },
};

DEFINE_TYPES(netvsp_types)
