/*
 * hv-net: migration
 *
 * Frames to the netdev have left, or were dropped, when the VM stops.  Frames to
 * the guest are in its receive buffer; which sections are in use, and what the
 * guest was not told of yet, is saved.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "migration/vmstate.h"
#include "netvsp-internal.h"

static bool netvsp_out_valid(const NetvspOut *o)
{
    return (o->type == HVBUS_PKT_COMPLETION || o->type == HVBUS_PKT_INBAND ||
            o->type == HVBUS_PKT_XFER_PAGES) &&
           o->desc_bytes <= sizeof(o->desc) && o->msg_bytes <= sizeof(o->msg);
}

static int netvsp_channel_pre_save(void *opaque)
{
    NetvspChannel *ch = opaque;

    ch->saved_open = ch->is_open;
    return 0;
}

static int netvsp_channel_post_load(void *opaque, int version_id)
{
    NetvspChannel *ch = opaque;
    NetvspOut *o;

    if (!ch->saved_open && (!QTAILQ_EMPTY(&ch->out) || ch->batch.chain.count)) {
        return -EINVAL;
    }
    QTAILQ_FOREACH(o, &ch->out, next) {
        if (!netvsp_out_valid(o)) {
            error_report("hv-net: bad packet in the migration stream");
            return -EINVAL;
        }
    }
    return 0;
}

static bool netvsp_batch_valid(HvNet *s, const NetvspBatch *b)
{
    if (b->chain.count > NETVSP_BATCH_RANGES) {
        return false;
    }
    for (uint32_t i = 0; i < b->chain.count; i++) {
        if (b->bytes[i] > s->core.recv.section_bytes) {
            return false;
        }
    }
    return true;
}

/* Take the GPADL of a buffer again; it is as large as it was */
static bool netvsp_buffer_restore(HvNet *s, const NetvspBuffer *b,
                                  HvbusGpadl **gpadl)
{
    HvbusChannel *chan = s->chans[0].chan;

    *gpadl = NULL;
    if (!b->is_set) {
        return true;
    }
    *gpadl = s->chans[0].is_open ? hvbus_gpadl_get(chan, b->gpadl_id) : NULL;
    return *gpadl && (uint64_t)b->section_bytes * b->section_count <=
                     hvbus_gpadl_bytes(*gpadl);
}

static int netvsp_sections_restore_all(HvNet *s)
{
    uint32_t count = s->core.recv.is_set ? s->core.recv.section_count : 0;
    g_autofree NetvspChain **unsent = g_new(NetvspChain *, s->num_queues);

    for (int i = 0; i < s->num_queues; i++) {
        unsent[i] = &s->chans[i].batch.chain;
        if (!netvsp_batch_valid(s, &s->chans[i].batch)) {
            error_report("hv-net: bad batch in the migration stream");
            return -EINVAL;
        }
    }
    if (s->sections.count != count ||
        !netvsp_sections_restore(&s->sections, s->num_queues, unsent)) {
        error_report("hv-net: bad receive sections in the migration stream");
        return -EINVAL;
    }
    return 0;
}

static int netvsp_pre_load(void *opaque)
{
    HvNet *s = opaque;

    for (int i = 0; i < s->num_queues; i++) {
        netvsp_channel_detach(&s->chans[i]);
    }
    /* the arrays are allocated as the stream says */
    netvsp_sections_destroy(&s->sections);
    return 0;
}

static int netvsp_restore(HvNet *s)
{
    HvbusDevice *dev = HVBUS_DEVICE(s);

    if (!netvsp_core_valid(&s->core) || !rndis_core_valid(&s->rndis) ||
        (s->core.version && !s->chans[0].saved_open)) {
        error_report("hv-net: bad protocol state in the migration stream");
        return -EINVAL;
    }
    for (int i = 0; i < s->num_queues; i++) {
        NetvspChannel *ch = &s->chans[i];
        HvbusChannel *chan = hvbus_device_channel(dev, i);

        /* a channel that failed is open here and not there */
        if (ch->saved_open ? !chan : chan && hvbus_channel_is_open(chan)) {
            error_report("hv-net: channel %d is open in one place only", i);
            return -EINVAL;
        }
        if (ch->saved_open) {
            netvsp_channel_attach(ch, chan);
        }
    }
    if (!netvsp_buffer_restore(s, &s->core.recv, &s->recv_gpadl) ||
        !netvsp_buffer_restore(s, &s->core.send, &s->send_gpadl)) {
        error_report("hv-net: bad buffer in the migration stream");
        return -EINVAL;
    }
    s->rndis.link_up = !qemu_get_queue(s->nic)->link_down;
    s->link_pending = s->rndis.is_initialized;
    netvsp_apply_offloads(s);
    netvsp_apply_rss(s);
    qemu_format_nic_info_str(qemu_get_queue(s->nic), s->rndis.mac);
    if (!netvsp_mana_restore(s)) {
        error_report("hv-net: bad data path in the migration stream");
        return -EINVAL;
    }
    return netvsp_sections_restore_all(s);
}

static int netvsp_post_load(void *opaque, int version_id)
{
    HvNet *s = opaque;
    int ret = netvsp_restore(s);

    if (ret) {
        /* the machine may still be reset and go on */
        for (int i = 0; i < s->num_queues; i++) {
            netvsp_channel_detach(&s->chans[i]);
        }
        netvsp_reset_protocol(s);
    }
    return ret;
}

static const VMStateDescription vmstate_netvsp_out = {
    .name = "hv-net/out",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT16(type, NetvspOut),
        VMSTATE_UINT16(desc_bytes, NetvspOut),
        VMSTATE_UINT32(msg_bytes, NetvspOut),
        VMSTATE_UINT64(trans_id, NetvspOut),
        VMSTATE_BUFFER(desc, NetvspOut),
        VMSTATE_BUFFER_UNSAFE(msg, NetvspOut, 1, sizeof(NvspMessageWire)),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_netvsp_channel = {
    .name = "hv-net/channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = netvsp_channel_pre_save,
    .post_load = netvsp_channel_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(saved_open, NetvspChannel),
        VMSTATE_QTAILQ_V(out, NetvspChannel, 1, vmstate_netvsp_out, NetvspOut,
                         next),
        VMSTATE_UINT32(batch.chain.head, NetvspChannel),
        VMSTATE_UINT32(batch.chain.count, NetvspChannel),
        VMSTATE_UINT32_ARRAY(batch.bytes, NetvspChannel, NETVSP_BATCH_RANGES),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_netvsp_buffer = {
    .name = "hv-net/buffer",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(is_set, NetvspBuffer),
        VMSTATE_UINT16(id, NetvspBuffer),
        VMSTATE_UINT32(gpadl_id, NetvspBuffer),
        VMSTATE_UINT32(section_bytes, NetvspBuffer),
        VMSTATE_UINT32(section_count, NetvspBuffer),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_netvsp_core = {
    .name = "hv-net/nvsp",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(version, NetvspCore),
        VMSTATE_UINT32(ndis_version, NetvspCore),
        VMSTATE_UINT32(guest_mtu, NetvspCore),
        VMSTATE_UINT32(capabilities, NetvspCore),
        VMSTATE_UINT8(data_path, NetvspCore),
        VMSTATE_UINT16(subchannel_count, NetvspCore),
        VMSTATE_STRUCT(recv, NetvspCore, 1, vmstate_netvsp_buffer,
                       NetvspBuffer),
        VMSTATE_STRUCT(send, NetvspCore, 1, vmstate_netvsp_buffer,
                       NetvspBuffer),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_netvsp_rndis = {
    .name = "hv-net/rndis",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(is_initialized, RndisCore),
        VMSTATE_UINT32(filter, RndisCore),
        VMSTATE_UINT32(offloads, RndisCore),
        VMSTATE_BUFFER(mac, RndisCore),
        VMSTATE_UINT16(multicast_count, RndisCore),
        VMSTATE_BUFFER_UNSAFE(multicast, RndisCore, 1,
                              RNDIS_MAX_MULTICAST * RNDIS_MAC_BYTES),
        VMSTATE_BOOL(rss.is_enabled, RndisCore),
        VMSTATE_UINT32(rss.hash_info, RndisCore),
        VMSTATE_UINT16(rss.table_count, RndisCore),
        VMSTATE_BUFFER(rss.table, RndisCore),
        VMSTATE_BUFFER(rss.key, RndisCore),
        VMSTATE_END_OF_LIST()
    }
};

static bool netvsp_section_count_ok(void *opaque, int version_id)
{
    HvNet *s = opaque;

    return s->sections.count <= NETVSP_MAX_SECTIONS;
}

static const VMStateDescription vmstate_netvsp_stats = {
    .name = "hv-net/stats",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(tx_frames, RndisStats, 3),
        VMSTATE_UINT64_ARRAY(tx_bytes, RndisStats, 3),
        VMSTATE_UINT64_ARRAY(rx_frames, RndisStats, 3),
        VMSTATE_UINT64_ARRAY(rx_bytes, RndisStats, 3),
        VMSTATE_UINT64(tx_errors, RndisStats),
        VMSTATE_UINT64(rx_errors, RndisStats),
        VMSTATE_UINT64(rx_no_buffer, RndisStats),
        VMSTATE_END_OF_LIST()
    }
};

static bool netvsp_path_needed(void *opaque)
{
    HvNet *s = opaque;

    return s->mana;
}

static const VMStateDescription vmstate_netvsp_path = {
    .name = "hv-net/path",
    .version_id = 1,
    .minimum_version_id = 1,
    .needed = netvsp_path_needed,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(path_pending, HvNet),
        VMSTATE_UINT64(path_trans_id, HvNet),
        VMSTATE_UINT32(path_switches, HvNet),
        VMSTATE_END_OF_LIST()
    }
};

const VMStateDescription vmstate_hv_net = {
    .name = "hv-net",
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = netvsp_pre_load,
    .post_load = netvsp_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_HVBUS_DEVICE(parent_obj, HvNet),
        VMSTATE_UINT16_EQUAL(num_queues, HvNet,
                             "the num-queues properties differ"),
        VMSTATE_UINT16_EQUAL(mtu, HvNet, "the mtu properties differ"),
        VMSTATE_STRUCT(core, HvNet, 1, vmstate_netvsp_core, NetvspCore),
        VMSTATE_STRUCT(rndis, HvNet, 1, vmstate_netvsp_rndis, RndisCore),
        VMSTATE_UINT32(sections.count, HvNet),
        VMSTATE_VALIDATE("too many receive sections", netvsp_section_count_ok),
        VMSTATE_VARRAY_UINT32_ALLOC(sections.next, HvNet, sections.count, 1,
                                    vmstate_info_uint32, uint32_t),
        VMSTATE_VARRAY_UINT32_ALLOC(sections.owner, HvNet, sections.count, 1,
                                    vmstate_info_uint16, uint16_t),
        VMSTATE_STRUCT_VARRAY_POINTER_UINT16(chans, HvNet, num_queues,
                                             vmstate_netvsp_channel,
                                             NetvspChannel),
        VMSTATE_BOOL(link_told, HvNet),
        VMSTATE_BOOL(change_pending, HvNet),
        VMSTATE_BOOL(table_pending, HvNet),
        VMSTATE_BOOL(vf_pending, HvNet),
        VMSTATE_BOOL(vf_present, HvNet),
        VMSTATE_UINT32(vf_serial, HvNet),
        VMSTATE_STRUCT(stats, HvNet, 1, vmstate_netvsp_stats, RndisStats),
        VMSTATE_END_OF_LIST()
    },
    .subsections = (const VMStateDescription * const []) {
        &vmstate_netvsp_path,
        NULL
    }
};
