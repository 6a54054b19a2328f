/*
 * VMBus: state in snapshots and migration
 *
 * The bridge is loaded before its devices (by priority).  It brings back the
 * connection, GPADLs, channels and undelivered messages; each device then opens
 * its channels with their ring positions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "migration/vmstate.h"
#include "vmbus-internal.h"

/* at most so many undelivered messages: HVBUS_OUT_LIMIT and our own */
#define HVBUS_SAVED_MAX_MESSAGES (HVBUS_OUT_LIMIT + 4 * (HVBUS_RELID_MAX + 1))

typedef struct HvbusSavedRing {
    uint16_t idx;                       /* of the channel */
    bool is_open;
    bool has_failed;
    uint32_t in_idx;
    uint32_t out_idx;
} HvbusSavedRing;

static void hvbus_saved_clear(HvbusSaved *s)
{
    g_free(s->channels);
    g_free(s->gpadls);
    g_free(s->pfns);
    g_free(s->messages);
    memset(s, 0, sizeof(*s));
}

static void hvbus_save_channel(HvbusSavedChannel *s, const HvbusCoreChannel *ch)
{
    memcpy(s->if_type, ch->offer.if_type, sizeof(s->if_type));
    memcpy(s->instance_id, ch->offer.instance_id, sizeof(s->instance_id));
    s->sub_idx = ch->sub_idx;
    s->state = ch->state;
    s->has_device = ch->opaque;
    s->relid = ch->relid;
    if (ch->state == HVBUS_CHAN_OPEN) {
        s->open_id = ch->open_id;
        s->ring_gpadl_id = ch->ring->id;
        s->target_vp = ch->target_vp;
        s->downstream_page_idx = ch->downstream_page_idx;
    }
}

static void hvbus_save_gpadls(HvbusSaved *s, HvbusGpadlTable *t)
{
    GHashTableIter it;
    gpointer value;
    int32_t i = 0;

    s->gpadl_count = g_hash_table_size(t->all);
    s->gpadls = g_new0(HvbusSavedGpadl, s->gpadl_count);
    s->pfns = g_new0(uint64_t, t->total_pages);
    g_hash_table_iter_init(&it, t->all);
    while (g_hash_table_iter_next(&it, NULL, &value)) {
        HvbusGpadl *g = value;

        s->gpadls[i++] = (HvbusSavedGpadl) {
            .relid = g->relid,
            .id = g->id,
            .byte_count = g->byte_count,
            .byte_offset = g->byte_offset,
            .page_count = g->page_count,
            .pages_have = g->pages_have,
            .torn_down = g->torn_down,
        };
        memcpy(s->pfns + s->pfn_count, g->pfns,
               g->pages_have * sizeof(g->pfns[0]));
        s->pfn_count += g->pages_have;
    }
}

static int hvbus_bridge_pre_save(void *opaque)
{
    HvbusBridge *b = opaque;
    HvbusCore *core = &b->core;
    HvbusSaved *s = &b->saved;
    GList *l;
    int32_t i;

    hvbus_saved_clear(s);
    s->state = core->state;
    s->version = core->version;
    s->target_vp = core->target_vp;
    s->sint = core->sint;
    s->channel_count = core->offers->len;
    s->channels = g_new0(HvbusSavedChannel, s->channel_count);
    for (i = 0; i < s->channel_count; i++) {
        hvbus_save_channel(&s->channels[i], core->offers->pdata[i]);
    }
    hvbus_save_gpadls(s, &core->gpadls);
    s->message_count = core->out.length;
    s->messages = g_new0(HvbusOutMessage, s->message_count);
    for (l = core->out.head, i = 0; l; l = l->next, i++) {
        s->messages[i] = *(HvbusOutMessage *)l->data;
    }
    return 0;
}

static int hvbus_bridge_post_save(void *opaque)
{
    hvbus_saved_clear(&HVBUS_BRIDGE(opaque)->saved);
    return 0;
}

static int hvbus_bridge_pre_load(void *opaque)
{
    hvbus_saved_clear(&HVBUS_BRIDGE(opaque)->saved);
    return 0;
}

static bool hvbus_load_gpadls(HvbusBridge *b)
{
    HvbusSaved *s = &b->saved;
    uint32_t pfn = 0;
    int32_t i;

    for (i = 0; i < s->gpadl_count; i++) {
        HvbusSavedGpadl *sg = &s->gpadls[i];
        HvbusGpadl *g;

        if (sg->pages_have > s->pfn_count - pfn ||
            sg->relid < HVBUS_RELID_MIN || sg->relid > HVBUS_RELID_MAX) {
            return false;
        }
        g = hvbus_gpadl_restore(&b->core.gpadls, sg->relid, sg->id,
                                sg->byte_count, sg->byte_offset,
                                sg->page_count, s->pfns + pfn, sg->pages_have);
        if (!g) {
            return false;
        }
        g->torn_down = sg->torn_down;
        pfn += sg->pages_have;
    }
    return pfn == s->pfn_count;
}

/* The channel that @s speaks of: the device's, or a new one */
static HvbusCoreChannel *hvbus_load_find(HvbusBridge *b, HvbusSavedChannel *s)
{
    HvbusOffer offer = { 0 };
    HvbusDevice *dev;
    HvbusChannel *chan;
    HvbusCoreChannel *ch;

    memcpy(offer.if_type, s->if_type, sizeof(offer.if_type));
    memcpy(offer.instance_id, s->instance_id, sizeof(offer.instance_id));
    if (!s->has_device) {
        /* only its relid is still in use */
        return s->state == HVBUS_CHAN_RESCINDED
               ? hvbus_core_add(&b->core, &offer, s->sub_idx, NULL) : NULL;
    }
    dev = hvbus_find_device(b, s->instance_id);
    if (!dev || memcmp(HVBUS_DEVICE_GET_CLASS(dev)->if_type.data, s->if_type,
                       sizeof(s->if_type))) {
        return NULL;
    }
    chan = hvbus_device_channel(dev, s->sub_idx);
    if (!s->sub_idx) {
        return chan ? chan->core : NULL;
    }
    if (chan) {
        return NULL;
    }
    hvbus_device_offer(dev, &offer);
    chan = hvbus_channel_new(b, dev, s->sub_idx);
    ch = hvbus_core_add(&b->core, &offer, s->sub_idx, chan);
    if (!ch) {
        hvbus_channel_drop(chan);
    } else {
        chan->core = ch;
    }
    return ch;
}

static bool hvbus_load_channels(HvbusBridge *b)
{
    HvbusSaved *s = &b->saved;
    int32_t i;

    for (i = 0; i < s->channel_count; i++) {
        HvbusSavedChannel *sc = &s->channels[i];
        HvbusCoreChannel *ch = hvbus_load_find(b, sc);

        if (!ch || !hvbus_core_restore_channel(&b->core, ch, sc->relid,
                                               sc->state)) {
            error_report("hv-vmbus: channel %u of the stream has no device, "
                         "or a bad state", sc->relid);
            return false;
        }
        if (ch->opaque && !hvbus_channel_attach(ch->opaque, ch)) {
            return false;
        }
        if (sc->state == HVBUS_CHAN_OPEN &&
            !hvbus_core_restore_open(&b->core, ch, sc->open_id,
                                     sc->ring_gpadl_id, sc->target_vp,
                                     sc->downstream_page_idx)) {
            error_report("hv-vmbus: open channel %u of the stream is bad",
                         sc->relid);
            return false;
        }
    }
    return true;
}

static bool hvbus_load_messages(HvbusBridge *b)
{
    HvbusSaved *s = &b->saved;
    int32_t i;

    for (i = 0; i < s->message_count; i++) {
        if (!hvbus_core_restore_out(&b->core, s->messages[i].data,
                                    s->messages[i].bytes)) {
            return false;
        }
    }
    return true;
}

/*
 * Every channel's event port must be free before the first takes the relid of
 * another.
 */
static void hvbus_load_begin(HvbusBridge *b)
{
    guint i;

    hvbus_core_restore_begin(&b->core);
    for (i = 0; i < b->core.offers->len; i++) {
        HvbusCoreChannel *ch = b->core.offers->pdata[i];

        hvbus_channel_detach(ch->opaque);
    }
}

static int hvbus_bridge_post_load(void *opaque, int version_id)
{
    HvbusBridge *b = opaque;
    HvbusSaved *s = &b->saved;
    bool is_ok;

    hvbus_load_begin(b);
    is_ok = hvbus_core_restore_conn(&b->core, s->state, s->version,
                                    s->target_vp, s->sint) &&
            hvbus_load_gpadls(b) && hvbus_load_channels(b) &&
            hvbus_load_messages(b);
    /* also when something failed: the core must be fit for a reset */
    is_ok = hvbus_core_restore_end(&b->core) && is_ok;
    hvbus_saved_clear(s);
    if (!is_ok) {
        error_report("hv-vmbus: bad state in the stream");
        return -EINVAL;
    }
    return 0;
}

static bool hvbus_saved_counts_ok(void *opaque, int version_id)
{
    HvbusSaved *s = &HVBUS_BRIDGE(opaque)->saved;

    return s->channel_count >= 0 && s->channel_count <= HVBUS_RELID_MAX &&
           s->gpadl_count >= 0 && s->gpadl_count <= HVBUS_GPADL_MAX_COUNT &&
           s->pfn_count <= HVBUS_GPADL_MAX_TOTAL_PAGES &&
           s->message_count >= 0 &&
           s->message_count <= HVBUS_SAVED_MAX_MESSAGES;
}

static const VMStateDescription vmstate_hvbus_saved_channel = {
    .name = "hv-vmbus/channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8_ARRAY(if_type, HvbusSavedChannel, 16),
        VMSTATE_UINT8_ARRAY(instance_id, HvbusSavedChannel, 16),
        VMSTATE_UINT16(sub_idx, HvbusSavedChannel),
        VMSTATE_UINT8(state, HvbusSavedChannel),
        VMSTATE_BOOL(has_device, HvbusSavedChannel),
        VMSTATE_UINT32(relid, HvbusSavedChannel),
        VMSTATE_UINT32(open_id, HvbusSavedChannel),
        VMSTATE_UINT32(ring_gpadl_id, HvbusSavedChannel),
        VMSTATE_UINT32(target_vp, HvbusSavedChannel),
        VMSTATE_UINT32(downstream_page_idx, HvbusSavedChannel),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_hvbus_saved_gpadl = {
    .name = "hv-vmbus/gpadl",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(relid, HvbusSavedGpadl),
        VMSTATE_UINT32(id, HvbusSavedGpadl),
        VMSTATE_UINT32(byte_count, HvbusSavedGpadl),
        VMSTATE_UINT32(byte_offset, HvbusSavedGpadl),
        VMSTATE_UINT32(page_count, HvbusSavedGpadl),
        VMSTATE_UINT32(pages_have, HvbusSavedGpadl),
        VMSTATE_BOOL(torn_down, HvbusSavedGpadl),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_hvbus_saved_message = {
    .name = "hv-vmbus/message",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(bytes, HvbusOutMessage),
        VMSTATE_UINT8_ARRAY(data, HvbusOutMessage, HV_MSG_PAYLOAD_BYTES),
        VMSTATE_END_OF_LIST()
    }
};

static bool hvbus_shared_needed(void *opaque)
{
    HvbusBridge *b = opaque;

    return b->core.state != HVBUS_CONN_NONE && hvbus_core_is_shared(&b->core);
}

static const VMStateDescription vmstate_hvbus_shared = {
    .name = "hv-vmbus/interrupt-page",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = hvbus_shared_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(core.interrupt_gpa, HvbusBridge),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_hvbus_bridge = {
    .name = "hv-vmbus",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = MIG_PRI_PCI_BUS,        /* before the devices on the bus */
    .pre_save = hvbus_bridge_pre_save,
    .post_save = hvbus_bridge_post_save,
    .pre_load = hvbus_bridge_pre_load,
    .post_load = hvbus_bridge_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT8(saved.state, HvbusBridge),
        VMSTATE_UINT8(saved.sint, HvbusBridge),
        VMSTATE_UINT32(saved.version, HvbusBridge),
        VMSTATE_UINT32(saved.target_vp, HvbusBridge),
        VMSTATE_INT32(saved.channel_count, HvbusBridge),
        VMSTATE_INT32(saved.gpadl_count, HvbusBridge),
        VMSTATE_UINT32(saved.pfn_count, HvbusBridge),
        VMSTATE_INT32(saved.message_count, HvbusBridge),
        VMSTATE_VALIDATE("counts", hvbus_saved_counts_ok),
        VMSTATE_STRUCT_VARRAY_ALLOC(saved.channels, HvbusBridge,
                                    saved.channel_count, 1,
                                    vmstate_hvbus_saved_channel,
                                    HvbusSavedChannel),
        VMSTATE_STRUCT_VARRAY_ALLOC(saved.gpadls, HvbusBridge,
                                    saved.gpadl_count, 1,
                                    vmstate_hvbus_saved_gpadl,
                                    HvbusSavedGpadl),
        VMSTATE_VARRAY_UINT32_ALLOC(saved.pfns, HvbusBridge, saved.pfn_count,
                                    1, vmstate_info_uint64, uint64_t),
        VMSTATE_STRUCT_VARRAY_ALLOC(saved.messages, HvbusBridge,
                                    saved.message_count, 1,
                                    vmstate_hvbus_saved_message,
                                    HvbusOutMessage),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_hvbus_shared,
        NULL
    }
};

static void hvbus_saved_rings_clear(HvbusDevice *dev)
{
    g_clear_pointer(&dev->saved_rings, g_free);
    dev->saved_ring_count = 0;
}

static int hvbus_device_pre_save(void *opaque)
{
    HvbusDevice *dev = opaque;
    int32_t i;

    hvbus_saved_rings_clear(dev);
    dev->saved_ring_count = dev->channels->len;
    dev->saved_rings = g_new0(HvbusSavedRing, dev->saved_ring_count);
    for (i = 0; i < dev->saved_ring_count; i++) {
        HvbusChannel *chan = dev->channels->pdata[i];

        dev->saved_rings[i] = (HvbusSavedRing) {
            .idx = chan->idx,
            .is_open = qatomic_read(&chan->is_open),
            .has_failed = qatomic_read(&chan->has_failed),
            .in_idx = chan->in.idx,
            .out_idx = chan->out.idx,
        };
    }
    return 0;
}

static int hvbus_device_post_save(void *opaque)
{
    hvbus_saved_rings_clear(opaque);
    return 0;
}

static int hvbus_device_pre_load(void *opaque)
{
    hvbus_saved_rings_clear(opaque);
    return 0;
}

/* Exactly the channels that the bridge's state calls open are opened */
static bool hvbus_load_rings(HvbusDevice *dev)
{
    int32_t i;

    if (dev->saved_ring_count != (int32_t)dev->channels->len) {
        return false;
    }
    for (i = 0; i < dev->saved_ring_count; i++) {
        HvbusSavedRing *s = &dev->saved_rings[i];
        HvbusChannel *chan = hvbus_device_channel(dev, s->idx);

        if (!chan || !chan->core ||
            s->is_open != (chan->core->state == HVBUS_CHAN_OPEN)) {
            return false;
        }
        if (s->is_open && !hvbus_channel_resume(chan, s->in_idx, s->out_idx,
                                                s->has_failed)) {
            return false;
        }
    }
    return true;
}

static int hvbus_device_post_load(void *opaque, int version_id)
{
    HvbusDevice *dev = opaque;
    bool is_ok = hvbus_load_rings(dev);

    hvbus_saved_rings_clear(dev);
    if (!is_ok) {
        error_report("hv-vmbus: bad channels of a device in the stream");
        return -EINVAL;
    }
    return 0;
}

static bool hvbus_saved_rings_ok(void *opaque, int version_id)
{
    HvbusDevice *dev = opaque;

    return dev->saved_ring_count >= 0 &&
           dev->saved_ring_count <= HVBUS_RELID_MAX;
}

static const VMStateDescription vmstate_hvbus_saved_ring = {
    .name = "hv-vmbus-device/ring",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(idx, HvbusSavedRing),
        VMSTATE_BOOL(is_open, HvbusSavedRing),
        VMSTATE_BOOL(has_failed, HvbusSavedRing),
        VMSTATE_UINT32(in_idx, HvbusSavedRing),
        VMSTATE_UINT32(out_idx, HvbusSavedRing),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_hvbus_device = {
    .name = "hv-vmbus-device",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = hvbus_device_pre_save,
    .post_save = hvbus_device_post_save,
    .pre_load = hvbus_device_pre_load,
    .post_load = hvbus_device_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_INT32(saved_ring_count, HvbusDevice),
        VMSTATE_VALIDATE("rings", hvbus_saved_rings_ok),
        VMSTATE_STRUCT_VARRAY_ALLOC(saved_rings, HvbusDevice, saved_ring_count,
                                    1, vmstate_hvbus_saved_ring,
                                    HvbusSavedRing),
        VMSTATE_END_OF_LIST()
    }
};
