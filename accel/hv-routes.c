/*
 * The SINT routes and connections of hw/hyperv/hyperv.h on our partition
 *
 * A route names a SINT of a VP.  A message posted to it is staged; its status
 * is told in a bottom half, once the guest's slot took it.  All in VTL0.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "system/tcg.h"
#include "hv-internal.h"
#include "hv-routes.h"

#define ROUTE_VTL 0

struct HvSintRoute {
    HvPartition *part;
    uint32_t vp;
    uint8_t sint;
    unsigned refcount;

    /* message on its way, if @staged; @cb is NULL for a route without any */
    HvSintMsgCb cb;
    void *cb_data;
    struct hyperv_message msg;
    bool staged;
    int status;
    Notifier slot_free;
};

/* Connections of this interface, by id */
typedef struct RouteConn {
    struct rcu_head rcu;
    HvMsgHandler handler;
    void *data;
    EventNotifier *notifier;
} RouteConn;

static GHashTable *msg_conns, *event_conns;

bool hv_routes_enabled(void)
{
    return tcg_enabled() && hv_partition_find();
}

HvSintRoute *hv_routes_new(uint32_t vp_index, uint32_t sint, HvSintMsgCb cb,
                           void *cb_data)
{
    HvPartition *p = hv_partition_find();
    HvSintRoute *route;

    if (!hv_partition_has_vp(p, vp_index) || sint >= HV_SINT_COUNT) {
        return NULL;
    }
    route = g_new0(HvSintRoute, 1);
    route->part = p;
    route->vp = vp_index;
    route->sint = sint;
    route->refcount = 1;
    route->cb = cb;
    route->cb_data = cb_data;
    return route;
}

void hv_routes_ref(HvSintRoute *route)
{
    route->refcount++;
}

void hv_routes_unref(HvSintRoute *route)
{
    if (route && --route->refcount == 0) {
        g_free(route);
    }
}

int hv_routes_set_sint(HvSintRoute *route)
{
    HvVp *vp = hv_partition_vp(route->part, route->vp);

    if (!vp) {
        return -ENODEV;
    }
    hv_synic_raise(vp, ROUTE_VTL, route->sint);
    return 0;
}

/* The message was taken or refused for good: tell the sender */
static void route_done_bh(void *opaque)
{
    HvSintRoute *route = opaque;

    route->staged = false;
    route->cb(route->cb_data, route->status);
    hv_routes_unref(route);
}

/* Post the staged message; false if the slot is taken */
static bool route_try_post(HvSintRoute *route)
{
    route->status = hv_partition_post_message(route->part, route->vp, ROUTE_VTL,
                                              route->sint,
                                              route->msg.header.message_type,
                                              route->msg.payload,
                                              route->msg.header.payload_size);
    if (route->status == -EAGAIN) {
        return false;
    }
    aio_bh_schedule_oneshot(qemu_get_aio_context(), route_done_bh, route);
    return true;
}

static void route_slot_free(Notifier *n, void *data)
{
    HvSintRoute *route = container_of(n, HvSintRoute, slot_free);
    const HvSlotFree *slot = data;

    if (slot->vp == route->vp && slot->vtl == ROUTE_VTL
        && slot->sint == route->sint && route_try_post(route)) {
        hv_partition_remove_slot_notifier(n);
    }
}

int hv_routes_post_msg(HvSintRoute *route, struct hyperv_message *msg)
{
    if (!route->cb || msg->header.payload_size > HV_MSG_PAYLOAD_BYTES) {
        return -EINVAL;
    }
    if (route->staged) {
        return -EAGAIN;
    }
    route->msg = *msg;
    route->staged = true;
    hv_routes_ref(route);       /* until route_done_bh() */
    if (!route_try_post(route)) {
        route->slot_free.notify = route_slot_free;
        hv_partition_add_slot_notifier(route->part, &route->slot_free);
    }
    return 0;
}

int hv_routes_set_event_flag(HvSintRoute *route, unsigned eventno)
{
    if (eventno >= HV_EVENT_FLAG_COUNT) {
        return -EINVAL;
    }
    return hv_partition_signal_event(route->part, route->vp, ROUTE_VTL,
                                     route->sint, eventno) ? 0 : -ENXIO;
}

static HvStatus route_message(void *opaque, const HvPostedMessage *msg)
{
    RouteConn *conn = opaque;
    struct hyperv_post_message_input input = {
        .message_type = msg->type,
        .payload_size = msg->payload_bytes,
    };

    memcpy(input.payload, msg->payload, msg->payload_bytes);
    return conn->handler(&input, conn->data);
}

static void route_event(void *opaque, uint16_t flag)
{
    RouteConn *conn = opaque;

    event_notifier_set(conn->notifier);
}

/* Find @conn_id's entry; *@table is made when it is first used */
static RouteConn *conn_find(GHashTable **table, uint32_t conn_id)
{
    if (!*table) {
        *table = g_hash_table_new(NULL, NULL);
    }
    return g_hash_table_lookup(*table, GUINT_TO_POINTER(conn_id));
}

int hv_routes_set_msg_handler(uint32_t conn_id, HvMsgHandler handler,
                              void *data)
{
    HvPartition *p = hv_partition_find();
    RouteConn *conn = conn_find(&msg_conns, conn_id);

    if (!handler) {
        if (!conn) {
            return -ENOENT;
        }
        hv_partition_disconnect_message(p, ROUTE_VTL, conn_id);
        g_hash_table_remove(msg_conns, GUINT_TO_POINTER(conn_id));
        g_free(conn);
        return 0;
    }
    if (conn) {
        return -EEXIST;
    }
    conn = g_new0(RouteConn, 1);
    conn->handler = handler;
    conn->data = data;
    if (!hv_partition_connect_message(p, ROUTE_VTL, conn_id, route_message,
                                      conn, NULL)) {
        g_free(conn);
        return -EEXIST;
    }
    g_hash_table_insert(msg_conns, GUINT_TO_POINTER(conn_id), conn);
    return 0;
}

int hv_routes_set_event_flag_handler(uint32_t conn_id, EventNotifier *notifier)
{
    HvPartition *p = hv_partition_find();
    RouteConn *conn = conn_find(&event_conns, conn_id);

    if (!notifier) {
        if (!conn) {
            return -ENOENT;
        }
        hv_partition_disconnect_event(p, ROUTE_VTL, conn_id);
        g_hash_table_remove(event_conns, GUINT_TO_POINTER(conn_id));
        g_free_rcu(conn, rcu);
        return 0;
    }
    if (conn) {
        return -EEXIST;
    }
    conn = g_new0(RouteConn, 1);
    conn->notifier = notifier;
    if (!hv_partition_connect_event(p, ROUTE_VTL, conn_id, route_event, conn)) {
        g_free(conn);
        return -EEXIST;
    }
    g_hash_table_insert(event_conns, GUINT_TO_POINTER(conn_id), conn);
    return 0;
}
