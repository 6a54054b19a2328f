/*
 * VTL2's MANA driver in QEMU: shared by mana-drv-net*.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_DRV_NET_INTERNAL_H
#define MANA_DRV_NET_INTERNAL_H

#include "qemu/queue.h"
#include "migration/vmstate.h"
#include "standard-headers/linux/virtio_net.h"
#include "mana-drv-core.h"
#include "mana-drv-net.h"
#include "mana-drv-saved-core.h"
#include "paravisor.h"

#define MANA_DRV_VNET_BYTES     sizeof(struct virtio_net_hdr)
QEMU_BUILD_BUG_ON(MANA_DRV_VNET_BYTES + 4 > MANA_DRV_RX_HEADROOM);

#define TYPE_VTL2_MANA "vtl2-mana-driver"
OBJECT_DECLARE_SIMPLE_TYPE(Vtl2Mana, VTL2_MANA)

typedef struct ManaDrvNetQueue {
    NetClientState nc;

    ManaDrvNet *port;
    unsigned int held;                  /* driver's queue that waits, plus 1 */
    /* of the frame in hv-net's queue that it waits for, or NULL */
    uint8_t *copy;
    uint32_t copy_bytes;
} ManaDrvNetQueue;

/* A frame that waits for the VM to run: the net layer keeps none over a stop */
typedef struct ManaDrvNetFrame {
    uint8_t vport;
    uint8_t queue;
    bool to_guest;
    uint32_t bytes;                     /* with a virtio-net header */
    uint8_t *data;
    QTAILQ_ENTRY(ManaDrvNetFrame) next;
} ManaDrvNetFrame;

struct Vtl2Mana {
    Object parent_obj;

    ManaDrv *d;
    Vtl2Function *fn;
    char *id;
    char *path;                         /* of the function, also when it is gone */
    QEMUBH *bh;
    VMChangeStateEntry *vm_state_entry;
    bool is_removed;                    /* the function is gone */
    bool is_loaded;                     /* to be started with the VM */
    bool is_stopped;                    /* the VM is */
    bool in_waiting;                    /* .waiting is looked at */
    ManaDrvNet *ports[MANA_DRV_MAX_PORTS];

    /* migrated */
    bool has_run;                       /* the driver was started */
    QTAILQ_HEAD(, ManaDrvNetFrame) waiting;     /* oldest first */
    ManaDrvSaved *saved;                /* while it is saved or loaded */
    bool has_saved;                     /* .saved has a state */

    uint64_t waiting_bytes;
};

struct ManaDrvNet {
    Vtl2Mana *m;
    ManaDrvNetUser user;
    uint8_t vport;
    uint16_t mtu;
    MACAddr mac;
    DeviceListener listener;
    QEMUBH *claim_bh;                   /* an adapter was plugged */
    unsigned int queue_count;
    NetClientState *ncs[MANA_DRV_MAX_QUEUES];
    bool to_vf;
    bool resume;                        /* a queue may go on */
    bool in_burst;                      /* the card has frames of this interrupt */
    bool is_vf;                         /* the path that the monitor is told */
    bool told_vf;
    QEMUTimer *event_timer;
};

/* mana-drv-net.c */
/* A frame from hv-net to the adapter.  Its bytes, or 0: no room */
ssize_t mana_drv_net_send(ManaDrvNet *p, unsigned int queue,
                          const uint8_t *buf, size_t bytes);
void mana_drv_net_kick(Vtl2Mana *m);
void mana_drv_net_set_link(ManaDrvNet *p, bool up);

/* mana-drv-net-wait.c */
/* A frame to hv-net.  False: it is queued there, which .copy is of */
bool mana_drv_net_to_guest(ManaDrvNet *p, unsigned int queue,
                           const uint8_t *buf, uint32_t bytes);
/* Keep a copy until the VM runs.  False: there are too many already */
bool mana_drv_net_keep(ManaDrvNet *p, unsigned int queue, bool to_guest,
                       const uint8_t *buf, uint32_t bytes);
/* Frames of @queue wait to go to the adapter */
bool mana_drv_net_is_waiting(const ManaDrvNet *p, unsigned int queue);
/* The VM runs: send what waits, as far as there is room */
void mana_drv_net_send_waiting(Vtl2Mana *m);
void mana_drv_net_drop_waiting(Vtl2Mana *m);
/* Forget which of the driver's queues wait for the guest, and their frames */
void mana_drv_net_forget_held(ManaDrvNet *p);

/* Take frames that were loaded.  False: they are none of this adapter's */
bool mana_drv_net_adopt_waiting(Vtl2Mana *m);

/* mana-drv-net-vmstate.c */
extern const VMStateDescription vmstate_vtl2_mana;
/* Vtl2Driver.forget */
void vtl2_mana_forget(void *opaque);

#endif /* MANA_DRV_NET_INTERNAL_H */
