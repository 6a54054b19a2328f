/*
 * VTL2's MANA driver in QEMU: its function in the paravisor, its netdevs
 *
 * One driver object belongs to each function; hv-net cards share it, each with a
 * port of its own.  The driver is in mana-drv-*-core.c; here it gets a function
 * of the paravisor's bus, and its packets become those of QEMU's net layer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-events-hyperv.h"
#include "qemu/error-report.h"
#include "qemu/iov.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "net/util.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "mana-drv-net-internal.h"
#include "trace.h"

/* A guest that switches in a loop gives one event in this time */
#define MANA_DRV_EVENT_PERIOD_MS 1000

static ManaDrvNet *mana_drv_net_port(NetClientState *nc)
{
    return DO_UPCAST(ManaDrvNetQueue, nc, nc)->port;
}

/* --- packets --- */

static bool mana_drv_net_can_receive(NetClientState *nc)
{
    return runstate_is_running();
}

void mana_drv_net_kick(Vtl2Mana *m)
{
    replay_bh_schedule_event(m->bh);
}

ssize_t mana_drv_net_send(ManaDrvNet *p, unsigned int queue,
                          const uint8_t *buf, size_t bytes)
{
    struct virtio_net_hdr hdr;
    ManaDrvTx tx = { };
    ManaDrvSent sent;

    if (bytes < MANA_DRV_VNET_BYTES) {
        return bytes;
    }
    memcpy(&hdr, buf, sizeof(hdr));
    tx.bytes = MIN(bytes - sizeof(hdr), UINT32_MAX);
    tx.needs_csum = hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
    tx.csum_start = hdr.csum_start;
    tx.csum_offset = hdr.csum_offset;
    tx.mss = hdr.gso_size;
    switch (hdr.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_TCPV4:
        tx.gso = MANA_DRV_GSO_TCP4;
        break;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        tx.gso = MANA_DRV_GSO_TCP6;
        break;
    default:
        break;
    }
    sent = mana_drv_send(p->m->d, p->vport, queue, buf + sizeof(hdr), &tx);
    trace_mana_drv_send(p->m->id, p->vport, queue, tx.bytes, tx.mss, sent);
    mana_drv_net_kick(p->m);
    return sent == MANA_DRV_NO_ROOM ? 0 : bytes;
}

/* From hv-net to the adapter */
static ssize_t mana_drv_net_receive(NetClientState *nc, const uint8_t *buf,
                                    size_t bytes)
{
    ManaDrvNet *p = mana_drv_net_port(nc);

    if (p->m->is_stopped) {
        return mana_drv_net_keep(p, nc->queue_index, false, buf, bytes) ? bytes
                                                                        : 0;
    }
    if (mana_drv_net_is_waiting(p, nc->queue_index)) {
        return 0;                       /* behind those from before the stop */
    }
    return mana_drv_net_send(p, nc->queue_index, buf, bytes);
}

static void mana_drv_net_resume(ManaDrvNet *p)
{
    p->resume = false;
    for (unsigned int i = 0; i < p->queue_count; i++) {
        ManaDrvNetQueue *q = DO_UPCAST(ManaDrvNetQueue, nc, p->ncs[i]);
        unsigned int held = q->held;

        if (held && !q->copy) {
            q->held = 0;
            mana_drv_rx_resume(p->m->d, p->vport, held - 1);
        }
    }
}

static void mana_drv_net_bh(void *opaque)
{
    Vtl2Mana *m = opaque;

    if (m->is_stopped) {
        return;                         /* scheduled again with the VM */
    }
    mana_drv_net_send_waiting(m);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (m->ports[i] && m->ports[i]->resume) {
            mana_drv_net_resume(m->ports[i]);
        }
    }
    mana_drv_flush(m->d);
}

static bool mana_drv_net_deliver(void *owner, unsigned int port,
                                 unsigned int queue, const ManaDrvRx *rx)
{
    Vtl2Mana *m = owner;
    ManaDrvNet *p = m->ports[port];
    unsigned int idx = queue % p->queue_count;
    struct virtio_net_hdr hdr = { };
    uint8_t *buf = rx->frame - sizeof(hdr);

    hdr.flags = rx->csum_ok ? VIRTIO_NET_HDR_F_DATA_VALID : 0;
    memcpy(buf, &hdr, sizeof(hdr));
    trace_mana_drv_receive(m->id, port, queue, rx->bytes, rx->csum_ok);
    p->in_burst = true;
    if (mana_drv_net_to_guest(p, idx, buf, sizeof(hdr) + rx->bytes)) {
        return true;
    }
    DO_UPCAST(ManaDrvNetQueue, nc, p->ncs[idx])->held = queue + 1;
    return false;
}

static void mana_drv_net_tx_ready(void *owner, unsigned int port,
                                  unsigned int queue)
{
    Vtl2Mana *m = owner;
    ManaDrvNet *p = m->ports[port];
    unsigned int queues = mana_drv_port_queues(m->d, port);

    mana_drv_net_send_waiting(m);
    for (unsigned int i = queue; p && i < p->queue_count; i += queues) {
        qemu_flush_queued_packets(p->ncs[i]);
    }
}

/* --- what the driver tells --- */

static void mana_drv_net_state(void *owner, ManaDrvState state, const char *why)
{
    Vtl2Mana *m = owner;

    trace_mana_drv_state(m->id, state, why ?: "");
}

void mana_drv_net_set_link(ManaDrvNet *p, bool up)
{
    NetClientState *nic = p->ncs[0]->peer;

    if (p->ncs[0]->link_down == !up) {
        return;
    }
    trace_mana_drv_link(p->m->id, p->vport, up);
    for (unsigned int i = 0; i < p->queue_count; i++) {
        p->ncs[i]->link_down = !up;
        if (p->ncs[i]->peer) {
            p->ncs[i]->peer->link_down = !up;
        }
    }
    if (nic && nic->info->link_status_changed) {
        nic->info->link_status_changed(nic);
    }
}

/* There is no adapter that could be waited for */
static bool mana_drv_net_is_dead(const Vtl2Mana *m)
{
    ManaDrvState state = mana_drv_state(m->d);

    return state == MANA_DRV_FAILED ||
           (state == MANA_DRV_OFF && !m->is_loaded);
}

/* A path that is waited for is there when the adapter has it, or is no more */
static void mana_drv_net_check_path(ManaDrvNet *p)
{
    if (mana_drv_net_is_dead(p->m) ||
        (mana_drv_port_is_up(p->m->d, p->vport) &&
         mana_drv_port_filter(p->m->d, p->vport) == p->to_vf)) {
        p->user.path_moved(p->user.opaque);
    }
}

static void mana_drv_net_port_changed(void *owner, unsigned int port)
{
    Vtl2Mana *m = owner;
    ManaDrvNet *p = m->ports[port];

    if (!p) {
        return;
    }
    mana_drv_net_set_link(p, mana_drv_port_link(m->d, port));
    if (mana_drv_state(m->d) == MANA_DRV_FAILED) {
        /* nothing will be sent any more */
        for (unsigned int i = 0; i < p->queue_count; i++) {
            qemu_purge_queued_packets(p->ncs[i]);
        }
    }
    mana_drv_net_check_path(p);
}

static void mana_drv_net_moved(void *owner, unsigned int port, bool to_vtl0)
{
    Vtl2Mana *m = owner;

    trace_mana_drv_filter(m->id, port, to_vtl0);
    if (m->ports[port]) {
        mana_drv_net_check_path(m->ports[port]);
    }
}

static const ManaDrvOps mana_drv_net_ops = {
    .state_changed = mana_drv_net_state,
    .port_changed = mana_drv_net_port_changed,
    .receive = mana_drv_net_deliver,
    .tx_ready = mana_drv_net_tx_ready,
    .filter_moved = mana_drv_net_moved,
};

/* --- what the paravisor tells --- */

static void vtl2_mana_start(void *opaque)
{
    Vtl2Mana *m = opaque;

    m->is_loaded = false;
    mana_drv_net_drop_waiting(m);
    mana_drv_start(m->d);
}

static void vtl2_mana_interrupt(void *opaque, unsigned int vector)
{
    Vtl2Mana *m = opaque;

    mana_drv_interrupt(m->d, vector);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        ManaDrvNet *p = m->ports[i];

        if (p && p->in_burst) {
            p->in_burst = false;
            p->user.burst_over(p->user.opaque);
        }
    }
}

static void vtl2_mana_timer(void *opaque)
{
    Vtl2Mana *m = opaque;

    mana_drv_timer(m->d);
}

static void vtl2_mana_reset(void *opaque)
{
    Vtl2Mana *m = opaque;

    m->is_loaded = false;
    mana_drv_net_drop_waiting(m);
    mana_drv_stop(m->d);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (m->ports[i]) {
            m->ports[i]->to_vf = false;
            mana_drv_set_filter(m->d, i, false);
            mana_drv_set_rss(m->d, i, false, NULL, NULL, 0);
        }
    }
}

static void vtl2_mana_removed(void *opaque)
{
    Vtl2Mana *m = opaque;

    object_ref(OBJECT(m));
    m->is_removed = true;
    m->is_loaded = false;
    mana_drv_net_drop_waiting(m);
    vmstate_unregister(VMSTATE_IF(vtl2_function_device(m->fn)),
                       &vmstate_vtl2_mana, m);
    object_unparent(OBJECT(m));
    mana_drv_removed(m->d);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (m->ports[i]) {
            m->ports[i]->user.adapter_changed(m->ports[i]->user.opaque, false);
        }
    }
    object_unref(OBJECT(m));
}

static const Vtl2Driver vtl2_mana_driver = {
    .start = vtl2_mana_start,
    .interrupt = vtl2_mana_interrupt,
    .timer = vtl2_mana_timer,
    .reset = vtl2_mana_reset,
    .forget = vtl2_mana_forget,
    .removed = vtl2_mana_removed,
};

static void vtl2_mana_describe(void *opaque, ParavisorFunctionInfo *info)
{
    static const ParavisorDriverState states[] = {
        [MANA_DRV_OFF] = PARAVISOR_DRIVER_STATE_STARTING,
        [MANA_DRV_STARTING] = PARAVISOR_DRIVER_STATE_STARTING,
        [MANA_DRV_RUNNING] = PARAVISOR_DRIVER_STATE_RUNNING,
        [MANA_DRV_RESETTING] = PARAVISOR_DRIVER_STATE_RESETTING,
        [MANA_DRV_FAILED] = PARAVISOR_DRIVER_STATE_FAILED,
    };
    Vtl2Mana *m = opaque;

    info->state = states[mana_drv_state(m->d)];
    info->resets = mana_drv_resets(m->d);
    g_free(info->error);
    info->error = g_strdup(mana_drv_error(m->d));
}

static ParavisorPortInfo *mana_drv_net_info(ManaDrvNet *p)
{
    const ManaDrvStats *stats = mana_drv_port_stats(p->m->d, p->vport);
    ParavisorPortInfo *info = g_new0(ParavisorPortInfo, 1);
    bool is_vf = false;

    info->qom_path = object_get_canonical_path(OBJECT(p->user.dev));
    info->function = g_strdup(p->m->path);
    info->vport = p->vport;
    info->queues = mana_drv_port_queues(p->m->d, p->vport);
    info->link = !p->ncs[0]->link_down;
    p->user.describe(p->user.opaque, &info->accelerated, &is_vf,
                     &info->switches);
    info->data_path = is_vf ? PARAVISOR_DATA_PATH_VF
                            : PARAVISOR_DATA_PATH_SYNTHETIC;
    info->tx_packets = stats->tx_packets;
    info->tx_bytes = stats->tx_bytes;
    info->tx_errors = stats->tx_errors;
    info->rx_packets = stats->rx_packets;
    info->rx_bytes = stats->rx_bytes;
    info->rx_dropped = stats->rx_dropped;
    return info;
}

static void vtl2_mana_add_ports(void *opaque, ParavisorPortInfoList ***tail)
{
    Vtl2Mana *m = opaque;

    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        if (m->ports[i]) {
            QAPI_LIST_APPEND(*tail, mana_drv_net_info(m->ports[i]));
        }
    }
}

static const ParavisorProvider vtl2_mana_provider = {
    .driver = "mana",
    .describe = vtl2_mana_describe,
    .add_ports = vtl2_mana_add_ports,
};

/* --- the driver object --- */

static void vtl2_mana_vm_state(void *opaque, bool running, RunState state)
{
    Vtl2Mana *m = opaque;

    m->is_stopped = !running;
    if (!running) {
        /* the adapter has come to rest, and is not to hear of anything more */
        mana_drv_pause(m->d);
        return;
    }
    if (m->saved) {
        /* a stream broke off, and the VM goes on all the same */
        g_clear_pointer(&m->saved, g_free);
        mana_drv_net_drop_waiting(m);
    }
    mana_drv_resume(m->d);
    if (m->is_loaded) {
        m->is_loaded = false;
        mana_drv_start(m->d);
    }
    mana_drv_net_kick(m);
}

static void vtl2_mana_finalize(Object *obj)
{
    Vtl2Mana *m = VTL2_MANA(obj);

    if (m->fn) {
        PCIDevice *dev = vtl2_function_device(m->fn);

        qemu_del_vm_change_state_handler(m->vm_state_entry);
        mana_drv_free(m->d);
        qemu_bh_delete(m->bh);
        if (!m->is_removed) {
            vmstate_unregister(VMSTATE_IF(dev), &vmstate_vtl2_mana, m);
        }
        vtl2_function_release(m->fn);
    }
    mana_drv_net_drop_waiting(m);
    g_free(m->saved);
    g_free(m->path);
    g_free(m->id);
}

/* The driver of @dev, made if it has none yet; with a reference */
static Vtl2Mana *vtl2_mana_get(PCIDevice *dev, Error **errp)
{
    Object *obj = object_resolve_path_component(OBJECT(dev), "vtl2-driver");
    Vtl2Mana *m;

    if (obj) {
        object_ref(obj);
        return VTL2_MANA(obj);
    }
    m = VTL2_MANA(object_new(TYPE_VTL2_MANA));
    QTAILQ_INIT(&m->waiting);
    m->id = g_strdup(DEVICE(dev)->id);
    m->path = object_get_canonical_path(OBJECT(dev));
    m->fn = vtl2_function_claim(dev, &vtl2_mana_driver, m, errp);
    if (!m->fn) {
        object_unref(OBJECT(m));
        return NULL;
    }
    vtl2_function_set_provider(m->fn, &vtl2_mana_provider, m);
    m->d = mana_drv_new(&vtl2_function_ops, m->fn, &mana_drv_net_ops, m);
    m->bh = qemu_bh_new_guarded(mana_drv_net_bh, m,
        &DEVICE(vtl2_function_paravisor(m->fn))->mem_reentrancy_guard);
    m->is_stopped = !runstate_is_running();
    m->vm_state_entry =
        qdev_add_vm_change_state_handler(DEVICE(dev), vtl2_mana_vm_state, m);
    vmstate_register(VMSTATE_IF(dev), 0, &vmstate_vtl2_mana, m);
    object_property_add_child(OBJECT(dev), "vtl2-driver", OBJECT(m));
    return m;
}

static const TypeInfo vtl2_mana_types[] = {
    {
        .name = TYPE_VTL2_MANA,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(Vtl2Mana),
        .instance_finalize = vtl2_mana_finalize,
    },
};

DEFINE_TYPES(vtl2_mana_types)

/* --- ports --- */

static void mana_drv_net_event(void *opaque)
{
    ManaDrvNet *p = opaque;
    g_autofree char *path = NULL;

    if (p->told_vf != p->is_vf) {
        path = object_get_canonical_path(OBJECT(p->user.dev));
        p->told_vf = p->is_vf;
        qapi_event_send_paravisor_data_path(path, p->is_vf
                                            ? PARAVISOR_DATA_PATH_VF
                                            : PARAVISOR_DATA_PATH_SYNTHETIC);
        timer_mod(p->event_timer, qemu_clock_get_ms(QEMU_CLOCK_REALTIME) +
                                  MANA_DRV_EVENT_PERIOD_MS);
    }
}

void mana_drv_net_tell_path(ManaDrvNet *p, bool is_vf)
{
    p->is_vf = is_vf;
    if (!timer_pending(p->event_timer)) {
        mana_drv_net_event(p);
    }
}

static bool mana_drv_net_has_vnet(NetClientState *nc)
{
    return true;
}

static bool mana_drv_net_has_vnet_len(NetClientState *nc, int len)
{
    return len == MANA_DRV_VNET_BYTES;
}

static void mana_drv_net_set_vnet_len(NetClientState *nc, int len)
{
    assert(len == MANA_DRV_VNET_BYTES);
}

static NetClientInfo mana_drv_net_client_info = {
    .type = NET_CLIENT_DRIVER_NONE,
    .size = sizeof(ManaDrvNetQueue),
    .can_receive = mana_drv_net_can_receive,
    .receive = mana_drv_net_receive,
    .has_vnet_hdr = mana_drv_net_has_vnet,
    .has_vnet_hdr_len = mana_drv_net_has_vnet_len,
    .set_vnet_hdr_len = mana_drv_net_set_vnet_len,
};

/* A property of the port: the first one's have no number */
static char *mana_drv_net_property(PCIDevice *dev, const char *name,
                                   unsigned int vport, Error **errp)
{
    g_autofree char *numbered = vport ? g_strdup_printf("%s%u", name, vport)
                                      : g_strdup(name);

    return object_property_get_str(OBJECT(dev), numbered, errp);
}

/* Ports are as many as the last one with a netdev says */
static bool mana_drv_net_port_exists(PCIDevice *dev, unsigned int vport)
{
    for (unsigned int i = vport; i < MANA_DRV_MAX_PORTS; i++) {
        g_autofree char *netdev = mana_drv_net_property(dev, "netdev", i, NULL);

        if (!i || (netdev && *netdev)) {
            return true;
        }
    }
    return false;
}

static bool mana_drv_net_take_mac(PCIDevice *dev, const char *mana,
                                  unsigned int vport, MACAddr *mac,
                                  Error **errp)
{
    static const MACAddr none = { .a = { 0, 0, 0, 0, 0, 0 } };
    g_autofree char *text = mana_drv_net_property(dev, "mac", vport, errp);
    MACAddr theirs;

    if (!text) {
        return false;
    }
    if (net_parse_macaddr(theirs.a, text)) {
        error_setg(errp, "'%s' has no MAC address", mana);
        return false;
    }
    if (memcmp(mac, &none, sizeof(none)) && memcmp(mac, &theirs, sizeof(none))) {
        error_setg(errp, "the MAC address must be that of the adapter's port, "
                   "%s", text);
        return false;
    }
    *mac = theirs;
    return true;
}

static void mana_drv_net_new_queues(ManaDrvNet *p, NICConf *conf)
{
    g_autofree char *name = g_strdup_printf("%s.vport%u", p->m->id, p->vport);

    for (unsigned int i = 0; i < p->queue_count; i++) {
        NetClientState *nc = qemu_new_net_client(&mana_drv_net_client_info,
                                                 NULL, TYPE_VTL2_MANA, name);

        DO_UPCAST(ManaDrvNetQueue, nc, nc)->port = p;
        nc->queue_index = i;
        nc->do_not_pad = true;
        qemu_set_info_str(nc, "port %u of %s", p->vport, p->m->id);
        p->ncs[i] = nc;
        conf->peers.ncs[i] = nc;
    }
    conf->peers.queues = p->queue_count;
}

/* The driver of @mana, whose port @vport is free; with a reference */
static Vtl2Mana *mana_drv_net_find(const char *mana, uint8_t vport,
                                   MACAddr *mac, Error **errp)
{
    DeviceState *dev = qdev_find_recursive(sysbus_get_default(), mana);
    Vtl2Mana *m;

    if (!dev || !dev->realized || !object_dynamic_cast(OBJECT(dev), "mana")) {
        error_setg(errp, "there is no mana device '%s'", mana);
        return NULL;
    }
    if (vport >= MANA_DRV_MAX_PORTS ||
        !mana_drv_net_port_exists(PCI_DEVICE(dev), vport)) {
        error_setg(errp, "'%s' has no vport %u", mana, vport);
        return NULL;
    }
    if (!mana_drv_net_take_mac(PCI_DEVICE(dev), mana, vport, mac, errp)) {
        return NULL;
    }
    m = vtl2_mana_get(PCI_DEVICE(dev), errp);
    if (m && m->ports[vport]) {
        error_setg(errp, "vport %u of '%s' is in use", vport, mana);
        object_unref(OBJECT(m));
        return NULL;
    }
    return m;
}

static void mana_drv_net_attach(ManaDrvNet *p, Vtl2Mana *m)
{
    p->m = m;
    m->ports[p->vport] = p;
    mana_drv_port_add(m->d, p->vport, p->queue_count, MAX(p->mtu, 1500));
}

/* The adapter is gone: is there another one?  The link comes with its port */
static void mana_drv_net_claim(void *opaque)
{
    ManaDrvNet *p = opaque;
    Vtl2Mana *gone = p->m, *m;
    Error *err = NULL;

    if (!gone->is_removed) {
        return;
    }
    m = mana_drv_net_find(gone->id, p->vport, &p->mac, &err);
    trace_mana_drv_claim(gone->id, p->vport, m);
    if (!m) {
        warn_reportf_err(err, "hv-net '%s' does not take the adapter: ",
                         p->user.dev->id ?: "");
        return;
    }
    mana_drv_net_forget_held(p);
    gone->ports[p->vport] = NULL;
    mana_drv_net_attach(p, m);
    object_unref(OBJECT(gone));
    p->user.adapter_changed(p->user.opaque, true);
}

/* The device is not complete yet: a reset and its place on the bus follow */
static void mana_drv_net_realized(DeviceListener *l, DeviceState *dev)
{
    ManaDrvNet *p = container_of(l, ManaDrvNet, listener);

    if (p->m->is_removed && !g_strcmp0(dev->id, p->m->id)) {
        qemu_bh_schedule(p->claim_bh);
    }
}

ManaDrvNet *mana_drv_net_new(const char *mana, uint8_t vport,
                             unsigned int queues, uint16_t mtu, NICConf *conf,
                             const ManaDrvNetUser *user, Error **errp)
{
    Vtl2Mana *m = mana_drv_net_find(mana, vport, &conf->macaddr, errp);
    ManaDrvNet *p;

    if (!m) {
        return NULL;
    }
    p = g_new0(ManaDrvNet, 1);
    p->user = *user;
    p->vport = vport;
    p->mtu = mtu;
    p->mac = conf->macaddr;
    p->queue_count = MIN(MAX(queues, 1), MANA_DRV_MAX_QUEUES);
    p->event_timer = timer_new_ms(QEMU_CLOCK_REALTIME, mana_drv_net_event, p);
    /* not from inside of another device's wait */
    p->claim_bh = aio_bh_new_guarded(iohandler_get_aio_context(),
                                     mana_drv_net_claim, p,
                                     &user->dev->mem_reentrancy_guard);
    mana_drv_net_attach(p, m);
    mana_drv_net_new_queues(p, conf);
    p->listener.realize = mana_drv_net_realized;
    device_listener_register(&p->listener);
    return p;
}

void mana_drv_net_free(ManaDrvNet *p)
{
    Vtl2Mana *m = p->m;
    bool is_last = true;

    device_listener_unregister(&p->listener);
    qemu_bh_delete(p->claim_bh);
    mana_drv_port_remove(m->d, p->vport);
    m->ports[p->vport] = NULL;
    mana_drv_net_forget_held(p);
    qemu_del_net_client(p->ncs[0]);
    timer_free(p->event_timer);
    g_free(p);
    for (unsigned int i = 0; i < MANA_DRV_MAX_PORTS; i++) {
        is_last &= !m->ports[i];
    }
    if (is_last && !m->is_removed) {
        object_unparent(OBJECT(m));
    }
    object_unref(OBJECT(m));
}

void mana_drv_net_set_rss(ManaDrvNet *p, bool is_on, const uint8_t *key,
                          const uint8_t *table, unsigned int count)
{
    mana_drv_set_rss(p->m->d, p->vport, is_on, key, table, count);
}

void mana_drv_net_flush(ManaDrvNet *p)
{
    mana_drv_flush(p->m->d);
}

void mana_drv_net_set_path(ManaDrvNet *p, bool to_vf)
{
    p->to_vf = to_vf;
    mana_drv_set_filter(p->m->d, p->vport, to_vf);
    if (mana_drv_net_is_dead(p->m)) {
        p->user.path_moved(p->user.opaque);
    }
}

void mana_drv_net_set_serial(ManaDrvNet *p, uint32_t serial)
{
    mana_drv_set_serial(p->m->d, p->vport, serial);
}

bool mana_drv_net_is_there(const ManaDrvNet *p)
{
    return !p->m->is_removed;
}
