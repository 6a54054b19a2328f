/*
 * NVMe driver in VTL2: shared by nvme-drv.c and nvme-drv-block.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NVME_DRV_INTERNAL_H
#define NVME_DRV_INTERNAL_H

#include "block/block_int.h"
#include "qom/object.h"
#include "nvme-drv-core.h"
#include "nvme-drv.h"
#include "paravisor.h"
#include "trace.h"

#define TYPE_NVME_DRV "vtl2-nvme-driver"
OBJECT_DECLARE_SIMPLE_TYPE(NvmeDrvHost, NVME_DRV)

/* VTL2 memory for data that the controller cannot reach, in pieces */
#define NVME_DRV_BOUNCE_COUNT           16
#define NVME_DRV_BOUNCE_BYTES           (64 * 1024)

/* A namespace as a block node: its opaque */
typedef struct NvmeDrvNode {
    NvmeDrvHost *host;                  /* NULL: not open yet */
    BlockDriverState *bs;
    NvmeDrvNs ns;
    uint64_t bounced_bytes;
    QLIST_ENTRY(NvmeDrvNode) next;
} NvmeDrvNode;

/* What is behind the controller: drained, the nodes before it are to rest, too */
typedef struct NvmeDrvBackend {
    BlockBackend *blk;                  /* ours, on the node of the device's */
    BlockBackend *device_blk;
    QLIST_ENTRY(NvmeDrvBackend) next;
} NvmeDrvBackend;

/* A controller; lives as long as it has nodes.  Main loop, BQL */
struct NvmeDrvHost {
    Object parent_obj;

    Vtl2Function *fn;
    Paravisor *pv;
    PCIDevice *dev;                     /* NULL: unplugged */
    MemoryRegion early_dma;             /* until PCI gives the device its own */
    bool has_early_dma;
    char *name;                         /* of the device, for messages */
    Vtl2Ops ops;                        /* VTL2's, but for register writes */
    NvmeDrv drv;
    QLIST_HEAD(, NvmeDrvNode) nodes;
    QLIST_HEAD(, NvmeDrvBackend) backends;
    unsigned int quiesce_count;         /* backends that are drained */
    unsigned int write_depth;           /* in a register write */
    QEMUBH *start_bh;
    QEMUTimer *idle_timer;              /* host clock, while the VM is stopped */
    int64_t idle_tick_ns;               /* timeouts were looked at */
    VMChangeStateEntry *vm_state_entry;
    Vtl2Dma bounce;
    uint32_t bounce_busy;               /* bit per piece */
    CoQueue bounce_waiters;
};

/* nvme-drv.c */
/* The driver of @dev, claimed now if need be; nvme_drv_host_put() lets go of it */
NvmeDrvHost *nvme_drv_host_get(PCIDevice *dev, Error **errp);
void nvme_drv_host_put(NvmeDrvHost *host);
/* Look the namespace of @node up, and wait for the answer */
bool nvme_drv_host_attach(NvmeDrvHost *host, NvmeDrvNode *node, Error **errp);
void nvme_drv_host_detach(NvmeDrvHost *host, NvmeDrvNode *node);
/* Requests were submitted: make the controller see them */
void nvme_drv_host_kick(NvmeDrvHost *host);
/* A piece of VTL2 memory, once one is free.  False: there will be none */
bool coroutine_fn nvme_drv_bounce_get(NvmeDrvHost *host, unsigned int *piece);
void nvme_drv_bounce_put(NvmeDrvHost *host, unsigned int piece);

#endif /* NVME_DRV_INTERNAL_H */
