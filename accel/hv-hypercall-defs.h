/*
 * Inputs and outputs of hypercalls (TLFS appendix A)
 *
 * Those of ports and messages are in hv-defs.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_HYPERCALL_DEFS_H
#define HV_HYPERCALL_DEFS_H

#include "hv-defs.h"

/* HV_CALL_SIGNAL_EVENT (TLFS 11.10.2) */
typedef struct HvSignalEventWire {
    uint32_t connection_id;     /* [23:0] */
    uint16_t flag;              /* counted from the port's first flag */
    uint16_t reserved1;
} HvSignalEventWire;
QEMU_BUILD_BUG_ON(sizeof(HvSignalEventWire) != 8);

#endif /* HV_HYPERCALL_DEFS_H */
