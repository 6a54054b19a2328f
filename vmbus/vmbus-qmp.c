/*
 * VMBus: state and events for the monitor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/aio-wait.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qapi/qapi-events-hyperv.h"
#include "qapi/type-helpers.h"
#include "vmbus-internal.h"

QEMU_BUILD_BUG_ON((int)VMBUS_CONNECTION_STATE_OFFERED != HVBUS_CONN_OFFERED);
QEMU_BUILD_BUG_ON((int)VMBUS_CONNECTION_STATE__MAX != HVBUS_CONN_STATES);
QEMU_BUILD_BUG_ON((int)VMBUS_CHANNEL_STATE_RELEASED != HVBUS_CHAN_RELEASED);
QEMU_BUILD_BUG_ON((int)VMBUS_CHANNEL_STATE__MAX != HVBUS_CHAN_STATES);

/* A guest that opens and closes in a loop gives one event in this time */
#define HVBUS_EVENT_PERIOD_MS           1000

/* --- events --- */

static void hvbus_channel_emit(HvbusChannel *chan)
{
    g_autofree char *path = object_get_canonical_path(OBJECT(chan->dev));

    chan->told_open = chan->is_open;
    qapi_event_send_vmbus_channel_state_change(path, chan->relid, chan->idx,
                                               chan->told_open);
    timer_mod(chan->event_timer, qemu_clock_get_ms(QEMU_CLOCK_REALTIME) +
                                 HVBUS_EVENT_PERIOD_MS);
}

static void hvbus_channel_event_timer(void *opaque)
{
    HvbusChannel *chan = opaque;

    if (chan->told_open != chan->is_open) {
        hvbus_channel_emit(chan);
    }
}

void hvbus_channel_tell(HvbusChannel *chan)
{
    if (!chan->event_timer) {
        chan->event_timer = timer_new_ms(QEMU_CLOCK_REALTIME,
                                         hvbus_channel_event_timer, chan);
    }
    if (!timer_pending(chan->event_timer) &&
        chan->told_open != chan->is_open) {
        hvbus_channel_emit(chan);
    }
}

/* --- state --- */

typedef struct HvbusLook {
    HvbusChannel *chan;
    VmbusChannelInfo *info;
} HvbusLook;

static VmbusRingInfo *hvbus_ring_info(const HvbusRing *r)
{
    VmbusRingInfo *info = g_new0(VmbusRingInfo, 1);
    HvbusRingHeaderWire wire;

    hvbus_ring_header(r, &wire);
    info->size = r->data_bytes;
    info->read_index = le32_to_cpu(wire.read_index);
    info->write_index = le32_to_cpu(wire.write_index);
    info->interrupt_mask = wire.interrupt_mask;
    info->pending_send_size = le32_to_cpu(wire.pending_send_bytes);
    return info;
}

/* In the channel's context, which is the one that may change its maps */
static void hvbus_channel_look(void *opaque)
{
    HvbusLook *look = opaque;
    HvbusChannel *chan = look->chan;

    look->info->failed = chan->has_failed;
    if (chan->is_open && chan->map) {
        look->info->to_host = hvbus_ring_info(&chan->in);
        look->info->to_guest = hvbus_ring_info(&chan->out);
    }
}

static VmbusChannelInfo *hvbus_channel_info(const HvbusCoreChannel *ch)
{
    VmbusChannelInfo *info = g_new0(VmbusChannelInfo, 1);
    HvbusLook look = { .chan = ch->opaque, .info = info };
    QemuUUID uuid;

    info->relid = ch->relid;
    info->sub_channel = ch->sub_idx;
    memcpy(uuid.data, ch->offer.if_type, sizeof(uuid.data));
    info->class_id = qemu_uuid_unparse_strdup(&uuid);
    memcpy(uuid.data, ch->offer.instance_id, sizeof(uuid.data));
    info->instance_id = qemu_uuid_unparse_strdup(&uuid);
    info->state = (VmbusChannelState)ch->state;
    if (ch->state == HVBUS_CHAN_OPEN &&
        ch->target_vp != HVBUS_VP_NO_INTERRUPT) {
        info->has_target_vp = true;
        info->target_vp = ch->target_vp;
    }
    if (!look.chan) {
        return info;
    }
    info->qom_path = object_get_canonical_path(OBJECT(look.chan->dev));
    info->type = g_strdup(object_get_typename(OBJECT(look.chan->dev)));
    if (look.chan->ctx == qemu_get_aio_context()) {
        hvbus_channel_look(&look);
    } else {
        aio_wait_bh_oneshot(look.chan->ctx, hvbus_channel_look, &look);
    }
    return info;
}

static void hvbus_gpadl_info(gpointer key, gpointer value, gpointer opaque)
{
    const HvbusGpadl *g = value;
    VmbusGpadlInfoList ***tail = opaque;
    VmbusGpadlInfo *info = g_new0(VmbusGpadlInfo, 1);

    info->id = g->id;
    info->relid = g->relid;
    info->size = g->byte_count;
    info->users = g->refs;
    info->complete = hvbus_gpadl_is_complete(g);
    QAPI_LIST_APPEND(*tail, info);
}

static VmbusInfo *hvbus_info(HvbusBridge *b)
{
    const HvbusCore *core = &b->core;
    VmbusInfo *info = g_new0(VmbusInfo, 1);
    VmbusChannelInfoList **channels = &info->channels;
    VmbusGpadlInfoList **gpadls = &info->gpadls;

    info->qom_path = object_get_canonical_path(OBJECT(b));
    info->state = (VmbusConnectionState)core->state;
    if (core->state != HVBUS_CONN_NONE) {
        info->version = g_strdup_printf("%u.%u", core->version >> 16,
                                        core->version & 0xffff);
        info->has_target_vp = true;
        info->target_vp = core->target_vp;
    }
    info->queued_messages = g_queue_get_length((GQueue *)&core->out);
    for (guint i = 0; i < core->offers->len; i++) {
        QAPI_LIST_APPEND(channels, hvbus_channel_info(core->offers->pdata[i]));
    }
    g_hash_table_foreach(core->gpadls.all, hvbus_gpadl_info, &gpadls);
    return info;
}

static int hvbus_collect(Object *obj, void *opaque)
{
    VmbusInfoList ***tail = opaque;

    if (object_dynamic_cast(obj, TYPE_HVBUS_BRIDGE) && DEVICE(obj)->realized) {
        QAPI_LIST_APPEND(*tail, hvbus_info(HVBUS_BRIDGE(obj)));
    }
    return 0;
}

VmbusInfoList *qmp_query_vmbus(Error **errp)
{
    VmbusInfoList *list = NULL, **tail = &list;

    object_child_foreach_recursive(object_get_root(), hvbus_collect, &tail);
    return list;
}

/* --- text --- */

static void hvbus_text_ring(GString *out, const char *name,
                            const VmbusRingInfo *r)
{
    if (r) {
        g_string_append_printf(out, "    %s: %u bytes, read %u, write %u%s",
                               name, r->size, r->read_index, r->write_index,
                               r->interrupt_mask ? ", masked" : "");
        if (r->pending_send_size) {
            g_string_append_printf(out, ", waits for %u bytes",
                                   r->pending_send_size);
        }
        g_string_append_c(out, '\n');
    }
}

static void hvbus_text_channel(GString *out, const VmbusChannelInfo *c)
{
    g_string_append_printf(out, "  channel %u: %s %s%s", c->relid,
                           c->type ? c->type : "(no device)",
                           VmbusChannelState_str(c->state),
                           c->failed ? ", failed" : "");
    if (c->sub_channel) {
        g_string_append_printf(out, ", sub-channel %u", c->sub_channel);
    }
    if (c->has_target_vp) {
        g_string_append_printf(out, ", VP %u", c->target_vp);
    }
    g_string_append_printf(out, "\n    class %s instance %s\n", c->class_id,
                           c->instance_id);
    hvbus_text_ring(out, "to host", c->to_host);
    hvbus_text_ring(out, "to guest", c->to_guest);
}

HumanReadableText *qmp_x_query_vmbus(Error **errp)
{
    g_autoptr(VmbusInfoList) list = qmp_query_vmbus(errp);
    g_autoptr(GString) out = g_string_new("");

    if (!list) {
        g_string_assign(out, "no hv-vmbus device in this VM\n");
    }
    for (const VmbusInfoList *l = list; l; l = l->next) {
        const VmbusInfo *v = l->value;

        g_string_append_printf(out, "%s: %s", v->qom_path,
                               VmbusConnectionState_str(v->state));
        if (v->version) {
            g_string_append_printf(out, ", version %s, messages to VP %u",
                                   v->version, v->target_vp);
        }
        g_string_append_printf(out, ", %u messages wait\n",
                               v->queued_messages);
        for (const VmbusChannelInfoList *c = v->channels; c; c = c->next) {
            hvbus_text_channel(out, c->value);
        }
        for (const VmbusGpadlInfoList *g = v->gpadls; g; g = g->next) {
            g_string_append_printf(out, "  GPADL 0x%x of channel %u: %u bytes, "
                                   "%u users%s\n", g->value->id,
                                   g->value->relid, g->value->size,
                                   g->value->users,
                                   g->value->complete ? "" : ", incomplete");
        }
    }
    return human_readable_text_from_str(out);
}
