/*
 * VMBus: the base of its devices and the bus they sit on
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "hw/vmbus/vmbus-channel.h"
#include "vmbus-internal.h"

static void hvbus_device_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->bus_type = TYPE_HVBUS_BUS;
}

static const TypeInfo hvbus_device_types[] = {
    {
        .name = TYPE_HVBUS_BUS,
        .parent = TYPE_BUS,
        .instance_size = sizeof(HvbusBus),
    },
    {
        .name = TYPE_HVBUS_DEVICE,
        .parent = TYPE_DEVICE,
        .abstract = true,
        .instance_size = sizeof(HvbusDevice),
        .class_size = sizeof(HvbusDeviceClass),
        .class_init = hvbus_device_class_init,
    },
};

DEFINE_TYPES(hvbus_device_types)
