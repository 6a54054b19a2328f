/*
 * VMBus: shared by the files of this folder
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_INTERNAL_H
#define VMBUS_INTERNAL_H

#include "hw/qdev-core.h"

#define TYPE_HVBUS_BUS "hv-vmbus-bus"
OBJECT_DECLARE_SIMPLE_TYPE(HvbusBus, HVBUS_BUS)

struct HvbusBus {
    BusState parent_obj;
};

#endif /* VMBUS_INTERNAL_H */
