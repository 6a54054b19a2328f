/*
 * Hypercalls that talk to ports: post message, signal event (TLFS 11.10)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "hv-hypercall.h"

/* Takes the BQL: message handlers run under it */
HvStatus hv_run_post_message(HvCall *call)
{
    HvPostMessageWire wire;

    memcpy(&wire, call->in, sizeof(wire));
    BQL_LOCK_GUARD();
    return hv_port_post_message(call->vp, &wire);
}

/* No lock: this is the guest's doorbell */
HvStatus hv_run_signal_event(HvCall *call)
{
    HvSignalEventWire wire;

    memcpy(&wire, call->in, sizeof(wire));
    return hv_port_signal_event(call->vp, le32_to_cpu(wire.connection_id),
                                le16_to_cpu(wire.flag));
}
