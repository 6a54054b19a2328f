/*
 * hv-echo: a VMBus device that sends each packet back; the example of
 * docs/devel/adding-a-device.rst
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/vmbus/vmbus-channel.h"
#include "migration/vmstate.h"

#define TYPE_HV_ECHO "hv-echo"
OBJECT_DECLARE_SIMPLE_TYPE(HvEcho, HV_ECHO)

/* Packets in one go, so that a busy guest does not hold up the main loop */
#define HV_ECHO_BUDGET      64
#define HV_ECHO_MAX_BYTES   1024

struct HvEcho {
    HvbusDevice parent_obj;

    /* migrated */
    uint64_t packets;           /* sent back */
};

static bool hv_echo_open(HvbusDevice *dev, HvbusChannel *chan,
                         const uint8_t *user_data)
{
    return true;
}

static void hv_echo_close(HvbusDevice *dev, HvbusChannel *chan)
{
    HV_ECHO(dev)->packets = 0;
}

static void hv_echo_notify(HvbusDevice *dev, HvbusChannel *chan)
{
    HvEcho *s = HV_ECHO(dev);
    unsigned budget = HV_ECHO_BUDGET;
    bool has_room = true;
    HvbusPacket pkt;

    hvbus_recv_begin(chan);
    while (budget--) {
        /* none for the answer: leave the packet, notify() runs when there is */
        has_room = hvbus_send_has_room(chan, 0, HV_ECHO_MAX_BYTES);
        if (!has_room || hvbus_recv(chan, &pkt) <= 0) {
            break;
        }
        hvbus_send_completion(chan, pkt.trans_id, pkt.msg, pkt.msg_bytes);
        s->packets++;
    }
    if (hvbus_recv_end(chan) && has_room) {
        hvbus_channel_kick(chan);
    }
    hvbus_send_flush(chan);
}

static const VMStateDescription vmstate_hv_echo = {
    .name = TYPE_HV_ECHO,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_HVBUS_DEVICE(parent_obj, HvEcho),
        VMSTATE_UINT64(packets, HvEcho),
        VMSTATE_END_OF_LIST()
    }
};

static void hv_echo_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvbusDeviceClass *k = HVBUS_DEVICE_CLASS(klass);

    dc->desc = "VMBus device that sends packets back";
    dc->vmsd = &vmstate_hv_echo;
    k->if_type = (QemuUUID) {
        .data = UUID(0x2b1e8a4c, 0x6a59, 0x4f0e, 0x9d, 0x11,
                     0x5c, 0x2f, 0x60, 0x7e, 0x83, 0x01)
    };
    k->max_packet_bytes = HV_ECHO_MAX_BYTES;
    k->open = hv_echo_open;
    k->close = hv_echo_close;
    k->notify = hv_echo_notify;
}

static const TypeInfo hv_echo_types[] = {
    {
        .name = TYPE_HV_ECHO,
        .parent = TYPE_HVBUS_DEVICE,
        .instance_size = sizeof(HvEcho),
        .class_init = hv_echo_class_init,
    },
};

DEFINE_TYPES(hv_echo_types)
