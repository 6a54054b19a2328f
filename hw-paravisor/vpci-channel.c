/*
 * hv-pci: the channel's packets
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "vpci-internal.h"

/* Packets taken from the ring in one go */
#define VPCI_RECV_BATCH                 32

/* False if it did not fit: it is kept, and nothing is received until it does */
static bool vpci_reply(HvPci *s, uint64_t trans_id, const void *reply,
                       uint32_t bytes)
{
    if (hvbus_send_completion(s->chan, trans_id, reply, bytes)) {
        return true;
    }
    s->reply_pending = true;
    s->reply_trans_id = trans_id;
    s->reply_bytes = bytes;
    memcpy(s->reply, reply, bytes);
    return false;
}

static bool vpci_send_relations(HvPci *s)
{
    g_autoptr(GArray) functions = g_array_new(false, true,
                                              sizeof(VpciFunction2Wire));
    g_autoptr(GByteArray) msg = g_byte_array_new();

    vpci_bus_describe(s, functions);
    vpci_build_relations(&s->core, msg, (void *)functions->data,
                         functions->len);
    if (!hvbus_send(s->chan, HVBUS_PKT_INBAND, 0, HVBUS_TRANS_ID_UNSOLICITED,
                    NULL, 0, msg->data, msg->len)) {
        return false;
    }
    trace_vpci_relations(s->device_id, functions->len);
    s->relations_pending = false;
    return true;
}

static bool vpci_send_eject(HvPci *s, uint8_t devfn)
{
    VpciHeaderWire msg = {
        .type = cpu_to_le32(VPCI_EJECT),
        .slot = cpu_to_le32(vpci_slot(devfn)),
    };

    if (!hvbus_send(s->chan, HVBUS_PKT_INBAND, 0, HVBUS_TRANS_ID_UNSOLICITED,
                    NULL, 0, &msg, sizeof(msg))) {
        return false;
    }
    trace_vpci_eject(s->device_id, devfn);
    vpci_clear_bit(s->eject_pending, devfn);
    vpci_set_bit(s->eject_sent, devfn);
    return true;
}

/* Send what waits for room.  False if it still does */
static bool vpci_send_queued(HvPci *s)
{
    if (s->reply_pending) {
        s->reply_pending = false;
        if (!vpci_reply(s, s->reply_trans_id, s->reply, s->reply_bytes)) {
            return false;
        }
    }
    if (s->relations_pending && !vpci_send_relations(s)) {
        return false;
    }
    for (unsigned i = 0; i < VPCI_FUNCTION_COUNT; i++) {
        if (vpci_bit(s->eject_pending, i) && !vpci_send_eject(s, i)) {
            return false;
        }
    }
    return true;
}

static void vpci_ejected(HvPci *s, const VpciVerdict *v)
{
    PCIDevice *d = vpci_function(s, v->devfn);

    if (!d || !vpci_bit(s->eject_sent, v->devfn)) {
        vpci_guest_error(s, "function %02x.%x is not to be ejected",
                         PCI_SLOT(v->devfn), PCI_FUNC(v->devfn));
        return;
    }
    trace_vpci_ejected(s->device_id, v->devfn, v->accepted);
    vpci_clear_bit(s->eject_sent, v->devfn);
    if (v->accepted) {
        pci_root_remove(&s->removals, v->devfn);
    } else {
        DEVICE(d)->pending_deleted_event = false;
    }
}

/* May wait for I/O of a function, which lets the main loop run */
static void vpci_run(HvPci *s, VpciVerdict *v)
{
    VpciRequirementsReplyWire out = { 0 };

    switch (v->action) {
    case VPCI_ACT_REPLY:
        break;
    case VPCI_ACT_RELATIONS:
        s->relations_asked = true;
        s->relations_pending = true;
        break;
    case VPCI_ACT_REQUIREMENTS:
        vpci_bus_probe_bars(s, v->devfn, out.probed_bar);
        memcpy(v->reply, &out, sizeof(out));
        v->reply_bytes = sizeof(out);
        break;
    case VPCI_ACT_D0_ENTRY:
        vpci_bus_update_window(s);
        break;
    case VPCI_ACT_D0_EXIT:
        vpci_bus_update_window(s);
        vpci_bus_reset_all(s);
        break;
    case VPCI_ACT_RELEASED:
        vpci_bus_reset_function(s, v->devfn);
        break;
    case VPCI_ACT_POWER:
        vpci_bus_set_power(s, v->devfn, v->power_on);
        break;
    case VPCI_ACT_EJECTED:
        vpci_ejected(s, v);
        break;
    }
}

static void vpci_handle_packet(HvPci *s, const HvbusPacket *pkt)
{
    HvbusChannel *chan = s->chan;
    bool wants_completion = pkt->wants_completion;
    uint64_t trans_id = pkt->trans_id;
    VpciVerdict v;

    if (pkt->type != HVBUS_PKT_INBAND) {
        vpci_guest_error(s, "packet of type %u", pkt->type);
        return;
    }
    vpci_core_handle(&s->core, pkt->msg, pkt->msg_bytes, &v);
    trace_vpci_message(s->device_id, v.type, v.devfn, v.status);
    if (v.status) {
        vpci_guest_error(s, "message 0x%08x of %u bytes: status 0x%08x",
                         v.type, pkt->msg_bytes, v.status);
    }
    vpci_run(s, &v);
    /* the event loop may have run: the channel may have closed */
    if (wants_completion && s->is_open && s->chan == chan) {
        vpci_reply(s, trans_id, v.reply, v.reply_bytes);
    }
}

static void vpci_receive(HvPci *s)
{
    HvbusChannel *chan = s->chan;
    int budget = VPCI_RECV_BATCH;
    bool has_room = true;
    HvbusPacket pkt;

    hvbus_recv_begin(chan);
    while (budget-- && s->is_open && s->chan == chan) {
        has_room = vpci_send_queued(s);
        if (!has_room || hvbus_recv(chan, &pkt) <= 0) {
            break;
        }
        vpci_handle_packet(s, &pkt);
    }
    /* without room, the guest tells when there is some */
    if (s->is_open && s->chan == chan && hvbus_recv_end(chan) && has_room) {
        hvbus_channel_kick(chan);
    }
}

void vpci_kick_missed(HvPci *s)
{
    if (s->missed_notify && s->is_open) {
        hvbus_channel_kick(s->chan);
    }
    s->missed_notify = false;
}

void vpci_notify(HvbusDevice *dev, HvbusChannel *chan)
{
    HvPci *s = HV_PCI(dev);

    if (!s->is_open || s->chan != chan) {
        return;
    }
    if (s->removals.busy) {
        s->missed_notify = true;        /* inside of ourselves */
        return;
    }
    object_ref(OBJECT(s));
    pci_root_busy_begin(&s->removals);
    vpci_receive(s);
    if (s->is_open && s->chan == chan) {
        vpci_send_queued(s);
        hvbus_send_flush(chan);
    }
    pci_root_busy_end(&s->removals);
    vpci_kick_missed(s);
    object_unref(OBJECT(s));
}

bool vpci_open(HvbusDevice *dev, HvbusChannel *chan, const uint8_t *user_data)
{
    HvPci *s = HV_PCI(dev);

    trace_vpci_open(s->device_id, hvbus_channel_relid(chan),
                    hvbus_channel_target_vp(chan));
    s->chan = chan;
    s->is_open = true;
    return true;
}

void vpci_close(HvbusDevice *dev, HvbusChannel *chan)
{
    HvPci *s = HV_PCI(dev);

    trace_vpci_close(s->device_id);
    s->is_open = false;
    s->chan = NULL;
    vpci_core_reset(&s->core);
    vpci_bus_update_window(s);
    s->selected_slot = 0;
    s->relations_asked = false;
    s->relations_pending = false;
    s->reply_pending = false;
    /* whoever is next must not find functions that do DMA for the last */
    vpci_bus_reset_all(s);
    for (unsigned i = 0; i < VPCI_FUNCTION_COUNT; i++) {
        if (vpci_bit(s->eject_pending, i) || vpci_bit(s->eject_sent, i)) {
            vpci_clear_bit(s->eject_pending, i);
            vpci_clear_bit(s->eject_sent, i);
            pci_root_remove(&s->removals, i);
        }
    }
}
