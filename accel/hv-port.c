/*
 * Ports: who gets the messages and events that the guest sends (TLFS 11.10)
 *
 * Messages are looked up under the BQL.  Events are looked up without a lock:
 * the table is a QHT, its entries are freed after an RCU grace period.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/qht.h"
#include "qemu/xxhash.h"
#include "hv-internal.h"

struct HvPort {
    struct rcu_head rcu;
    uint32_t key;               /* VTL in [31:24], connection id below */
    HvMessageHandler on_message;
    HvEventHandler on_event;
    void *opaque;
};

struct HvEventTable {
    struct qht ports;
};

static uint32_t port_key(uint8_t vtl, uint32_t conn_id)
{
    return (uint32_t)vtl << 24 | (conn_id & HV_CONNECTION_ID_MASK);
}

static bool event_port_equal(const void *a, const void *b)
{
    const HvPort *port_a = a;
    const HvPort *port_b = b;

    return port_a->key == port_b->key;
}

void hv_port_init(HvPartition *p)
{
    p->message_ports = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    p->event_ports = g_new0(struct HvEventTable, 1);
    qht_init(&p->event_ports->ports, event_port_equal, 64,
             QHT_MODE_AUTO_RESIZE);
}

bool hv_partition_connect_message(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                                  HvMessageHandler handler, void *opaque,
                                  Error **errp)
{
    uint32_t key = port_key(vtl, conn_id);
    HvPort *port;

    if (p->ops) {
        return p->ops->connect_message(p, vtl, conn_id, handler, opaque, errp);
    }
    if (g_hash_table_contains(p->message_ports, GUINT_TO_POINTER(key))) {
        error_setg(errp, "message connection 0x%" PRIx32 " of VTL%u is taken",
                   conn_id, vtl);
        return false;
    }
    port = g_new0(HvPort, 1);
    port->key = key;
    port->on_message = handler;
    port->opaque = opaque;
    g_hash_table_insert(p->message_ports, GUINT_TO_POINTER(key), port);
    return true;
}

void hv_partition_disconnect_message(HvPartition *p, uint8_t vtl,
                                     uint32_t conn_id)
{
    if (p->ops) {
        p->ops->disconnect_message(p, vtl, conn_id);
        return;
    }
    g_hash_table_remove(p->message_ports,
                        GUINT_TO_POINTER(port_key(vtl, conn_id)));
}

bool hv_partition_connect_event(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                                HvEventHandler handler, void *opaque)
{
    HvPort *port;

    if (p->ops) {
        return p->ops->connect_event(p, vtl, conn_id, handler, opaque);
    }
    port = g_new0(HvPort, 1);
    port->key = port_key(vtl, conn_id);
    port->on_event = handler;
    port->opaque = opaque;
    if (!qht_insert(&p->event_ports->ports, port, qemu_xxhash2(port->key),
                    NULL)) {
        g_free(port);
        return false;
    }
    return true;
}

void hv_partition_disconnect_event(HvPartition *p, uint8_t vtl,
                                   uint32_t conn_id)
{
    HvPort want = { .key = port_key(vtl, conn_id) };
    uint32_t hash = qemu_xxhash2(want.key);
    HvPort *port;

    if (p->ops) {
        p->ops->disconnect_event(p, vtl, conn_id);
        return;
    }
    port = qht_lookup(&p->event_ports->ports, &want, hash);
    if (port && qht_remove(&p->event_ports->ports, port, hash)) {
        g_free_rcu(port, rcu);
    }
}

HvStatus hv_port_post_message(HvVp *vp, const HvPostMessageWire *wire)
{
    HvPostedMessage msg = {
        .vp = vp->index,
        .vtl = vp->active_vtl,
        .type = le32_to_cpu(wire->message_type),
        .payload_bytes = le32_to_cpu(wire->payload_bytes),
    };
    uint32_t key = port_key(msg.vtl, le32_to_cpu(wire->connection_id));
    HvPort *port;

    /* types with the high bit set are the hypervisor's own */
    if (msg.payload_bytes > HV_MSG_PAYLOAD_BYTES ||
        msg.type == HV_MSG_TYPE_NONE || msg.type & BIT(31)) {
        return HV_STATUS_BAD_PARAMETER;
    }
    port = g_hash_table_lookup(vp->part->message_ports, GUINT_TO_POINTER(key));
    if (!port) {
        return HV_STATUS_BAD_CONNECTION_ID;
    }
    memcpy(msg.payload, wire->payload, msg.payload_bytes);
    return port->on_message(port->opaque, &msg);
}

HvStatus hv_port_signal_event(HvVp *vp, uint32_t conn_id, uint16_t flag)
{
    HvPort want = { .key = port_key(vp->active_vtl, conn_id) };
    HvPort *port;

    if (flag >= HV_EVENT_FLAG_COUNT) {
        return HV_STATUS_BAD_PARAMETER;
    }
    RCU_READ_LOCK_GUARD();
    port = qht_lookup(&vp->part->event_ports->ports, &want,
                      qemu_xxhash2(want.key));
    if (!port) {
        return HV_STATUS_BAD_CONNECTION_ID;
    }
    port->on_event(port->opaque, flag);
    return HV_STATUS_OK;
}
