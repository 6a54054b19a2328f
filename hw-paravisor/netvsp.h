/*
 * hv-net: the VMBus network card, for other devices
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NETVSP_H
#define NETVSP_H

#include "qom/object.h"

#define TYPE_HV_NET "hv-net"
OBJECT_DECLARE_SIMPLE_TYPE(HvNet, HV_NET)

/*
 * A VF that takes over the traffic of @s appeared (@present) or goes; @serial is
 * the one of its vPCI device.  The guest is told when it can take it.  BQL
 */
void netvsp_vf_associate(HvNet *s, uint32_t serial, bool present);
/* Does the guest send and receive through the VF?  BQL */
bool netvsp_data_path_is_vf(HvNet *s);

#endif /* NETVSP_H */
