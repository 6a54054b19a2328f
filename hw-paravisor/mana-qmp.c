/*
 * mana: state and error injection for the monitor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qapi/type-helpers.h"
#include "mana-internal.h"

#define MANA_INJECT_DEFAULT_MS  1000

static uint32List *mana_queue_ids(Mana *s, const GdmaWq *wqs, uint8_t vport)
{
    uint32List *list = NULL, **tail = &list;

    for (uint32_t id = GDMA_HWC_ID + 1; id < s->wq_count; id++) {
        if (wqs[id].in_use && wqs[id].vport == vport) {
            QAPI_LIST_APPEND(tail, id);
        }
    }
    return list;
}

static ManaVportInfo *mana_vport_info(Mana *s, const ManaVport *vp)
{
    ManaVportInfo *info = g_new0(ManaVportInfo, 1);
    const uint8_t *mac = s->conf[vp->idx].macaddr.a;
    const uint64_t *stat = vp->stat;

    info->index = vp->idx;
    info->mac = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
                                mac[1], mac[2], mac[3], mac[4], mac[5]);
    info->link = mana_net_link(vp);
    info->receiving = vp->rx_enabled;
    info->rss = vp->rss_enabled;
    info->vnet_header = vp->has_vnet;
    info->send_queues = mana_queue_ids(s, s->sqs, vp->idx);
    info->receive_queues = mana_queue_ids(s, s->rqs, vp->idx);
    info->rx_packets = stat[MANA_STAT_RX_UCAST_PACKETS] +
                       stat[MANA_STAT_RX_BCAST_PACKETS] +
                       stat[MANA_STAT_RX_MCAST_PACKETS];
    info->rx_bytes = stat[MANA_STAT_RX_BYTES];
    info->tx_packets = stat[MANA_STAT_TX_UCAST_PACKETS] +
                       stat[MANA_STAT_TX_BCAST_PACKETS] +
                       stat[MANA_STAT_TX_MCAST_PACKETS];
    info->tx_bytes = stat[MANA_STAT_TX_BYTES];
    return info;
}

static ManaInfo *mana_info(Mana *s)
{
    ManaInfo *info = g_new0(ManaInfo, 1);
    ManaVportInfoList **tail = &info->vports;

    info->qom_path = object_get_canonical_path(OBJECT(s));
    info->channel = s->hwc_up;
    info->registered = s->eth_registered;
    info->driver_flags = s->drv_caps;
    for (uint32_t id = 0; id < s->eq_count; id++) {
        info->event_queues += s->eqs[id].in_use;
    }
    for (uint32_t v = 0; v < s->vport_count; v++) {
        QAPI_LIST_APPEND(tail, mana_vport_info(s, &s->vports[v]));
    }
    return info;
}

static int mana_collect(Object *obj, void *opaque)
{
    ManaInfoList ***tail = opaque;

    if (object_dynamic_cast(obj, TYPE_MANA) && DEVICE(obj)->realized) {
        QAPI_LIST_APPEND(*tail, mana_info(MANA(obj)));
    }
    return 0;
}

ManaInfoList *qmp_query_mana(Error **errp)
{
    ManaInfoList *list = NULL, **tail = &list;

    object_child_foreach_recursive(object_get_root(), mana_collect, &tail);
    return list;
}

static void mana_text_queues(GString *out, const char *name,
                             const uint32List *list)
{
    g_string_append_printf(out, "    %s queues:", name);
    for (; list; list = list->next) {
        g_string_append_printf(out, " %u", list->value);
    }
    g_string_append_c(out, '\n');
}

HumanReadableText *qmp_x_query_mana(Error **errp)
{
    g_autoptr(ManaInfoList) list = qmp_query_mana(errp);
    g_autoptr(GString) out = g_string_new("");

    if (!list) {
        g_string_assign(out, "no mana device in this VM\n");
    }
    for (const ManaInfoList *l = list; l; l = l->next) {
        const ManaInfo *m = l->value;

        g_string_append_printf(out, "%s: hardware channel %s, Ethernet %s, "
                               "driver flags 0x%" PRIx64 ", %u event queues\n",
                               m->qom_path, m->channel ? "up" : "down",
                               m->registered ? "registered" : "not registered",
                               m->driver_flags, m->event_queues);
        for (const ManaVportInfoList *p = m->vports; p; p = p->next) {
            const ManaVportInfo *v = p->value;

            g_string_append_printf(out, "  port %u: %s, link %s%s%s%s\n",
                                   v->index, v->mac, v->link ? "up" : "down",
                                   v->receiving ? ", receiving" : "",
                                   v->rss ? ", RSS" : "",
                                   v->vnet_header ? ", vnet header" : "");
            g_string_append_printf(out, "    received %" PRIu64 " packets, %"
                                   PRIu64 " bytes; sent %" PRIu64
                                   " packets, %" PRIu64 " bytes\n",
                                   v->rx_packets, v->rx_bytes, v->tx_packets,
                                   v->tx_bytes);
            mana_text_queues(out, "send", v->send_queues);
            mana_text_queues(out, "receive", v->receive_queues);
        }
    }
    return human_readable_text_from_str(out);
}

static bool mana_inject_queue_error(Mana *s, bool has_queue, uint32_t queue,
                                    Error **errp)
{
    uint32_t first = has_queue ? queue : GDMA_HWC_ID + 1;
    uint32_t last = has_queue ? queue : s->wq_count - 1;

    if (has_queue && (queue == GDMA_HWC_ID || !gdma_wq_get(s, true, queue))) {
        error_setg(errp, "no send queue %u", queue);
        return false;
    }
    for (uint32_t id = first; id <= last; id++) {
        s->sqs[id].is_failed = s->sqs[id].in_use;
    }
    return true;
}

void qmp_x_mana_inject(const char *id, ManaInjectEvent event, bool has_count,
                       uint32_t count, bool has_milliseconds,
                       uint32_t milliseconds, bool has_queue, uint32_t queue,
                       Error **errp)
{
    Object *obj = object_resolve_path_type(id, TYPE_MANA, NULL);
    uint32_t ms = has_milliseconds ? milliseconds : MANA_INJECT_DEFAULT_MS;
    uint32_t times = has_count ? count : 1;
    uint32_t detail;
    Mana *s;

    if (!obj || !DEVICE(obj)->realized) {
        error_setg(errp, "no mana device '%s'", id);
        return;
    }
    s = MANA(obj);
    trace_mana_inject(id, event, times, ms);
    if ((!s->hwc_up || s->is_loading) &&
        (event == MANA_INJECT_EVENT_HWC_TIMEOUT_CONFIG ||
         event == MANA_INJECT_EVENT_RESET_REQUEST)) {
        error_setg(errp, "the guest has set up no hardware channel");
        return;
    }
    switch (event) {
    case MANA_INJECT_EVENT_HWC_TIMEOUT:
        s->inject.hwc_timeouts = times;
        break;
    case MANA_INJECT_EVENT_HWC_TIMEOUT_CONFIG:
        detail = FIELD_DP32(MIN(ms, 0xffffff), GDMA_EQE_DATA, TYPE,
                            GDMA_RECONFIG_HWC_TIMEOUT);
        gdma_post_eqe(s, GDMA_HWC_ID, GDMA_EQE_HWC_SOC_RECONFIG_DATA, detail);
        break;
    case MANA_INJECT_EVENT_RESET_REQUEST:
        gdma_post_eqe(s, GDMA_HWC_ID, GDMA_EQE_HWC_RESET_REQUEST, 0);
        break;
    case MANA_INJECT_EVENT_QUEUE_ERROR:
        mana_inject_queue_error(s, has_queue, queue, errp);
        break;
    case MANA_INJECT_EVENT_LINK_FLAP:
        mana_link_flap(s, ms);
        break;
    case MANA_INJECT_EVENT_LATE_INTERRUPT:
        s->inject.late_interrupts = times;
        s->inject.late_ms = ms;
        break;
    case MANA_INJECT_EVENT_DROPPED_DOORBELL:
        s->inject.drop_doorbells = times;
        break;
    default:
        break;
    }
}
