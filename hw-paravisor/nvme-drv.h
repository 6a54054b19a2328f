/*
 * NVMe driver in VTL2: its namespaces as block nodes
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NVME_DRV_H
#define NVME_DRV_H

#include "block/block.h"
#include "hw/pci/pci.h"

/*
 * A block node whose blocks are those of namespace @nsid of the controller @dev on
 * vtl2.0.  The caller owns a reference; the controller is let go of with the last
 * node.  Works in the main loop's context alone.
 */
BlockDriverState *nvme_drv_open_namespace(PCIDevice *dev, uint32_t nsid,
                                          Error **errp);

/*
 * A block node over the @count nodes in @members, @stripe_bytes of each in turn.
 * As long as the shortest of them allows.  Takes no reference of the caller's.
 */
BlockDriverState *nvme_stripe_open(BlockDriverState **members,
                                   unsigned int count, uint64_t stripe_bytes,
                                   Error **errp);

#endif /* NVME_DRV_H */
