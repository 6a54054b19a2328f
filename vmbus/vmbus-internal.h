/*
 * VMBus: shared by the files of this folder
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_INTERNAL_H
#define VMBUS_INTERNAL_H

#include "hw/qdev-core.h"
#include "qemu/notify.h"
#include "qemu/log.h"
#include "accel/hyperv/hv-partition.h"
#include "vmbus-channel.h"
#include "vmbus-core.h"
#include "vmbus-ring.h"

#define TYPE_HVBUS_BUS "hv-vmbus-bus"
OBJECT_DECLARE_SIMPLE_TYPE(HvbusBus, HVBUS_BUS)

#define TYPE_HVBUS_BRIDGE "hv-vmbus"
OBJECT_DECLARE_SIMPLE_TYPE(HvbusBridge, HVBUS_BRIDGE)

/* How long a driver may take to come to rest before its device is taken back */
#define HVBUS_UNPLUG_POLL_MS            10
#define HVBUS_UNPLUG_MAX_MS             30000
/* A look at a driver at rest counts for so many if the guest has nothing else to do */
#define HVBUS_UNPLUG_IDLE_WEIGHT        10

/* VTL that this server's guest runs in */
#define HVBUS_VTL 0

struct HvbusBus {
    BusState parent_obj;

    HvbusBridge *bridge;
};

/* What the stream says about a channel */
typedef struct HvbusSavedChannel {
    uint8_t if_type[16];
    uint8_t instance_id[16];
    uint16_t sub_idx;
    uint8_t state;                      /* HvbusChanState */
    bool has_device;
    uint32_t relid;
    uint32_t open_id;
    uint32_t ring_gpadl_id;
    uint32_t target_vp;
    uint32_t downstream_page_idx;
} HvbusSavedChannel;

typedef struct HvbusSavedGpadl {
    uint32_t relid;
    uint32_t id;
    uint32_t byte_count;
    uint32_t byte_offset;
    uint32_t page_count;
    uint32_t pages_have;
    bool torn_down;
} HvbusSavedGpadl;

/* Flat form of HvbusCore between pre_save and the stream, and back */
typedef struct HvbusSaved {
    uint8_t state;                      /* HvbusConnState */
    uint8_t sint;
    uint32_t version;
    uint32_t target_vp;
    int32_t channel_count;
    int32_t gpadl_count;
    uint32_t pfn_count;
    int32_t message_count;
    HvbusSavedChannel *channels;
    HvbusSavedGpadl *gpadls;
    uint64_t *pfns;                     /* of all gpadls, in their order */
    HvbusOutMessage *messages;
} HvbusSaved;

struct HvbusBridge {
    DeviceState parent_obj;

    /* properties */
    HvPartition *partition;             /* "partition" */
    uint64_t low_mmio_base;             /* 0: find a place */
    uint64_t low_mmio_bytes;
    uint64_t high_mmio_base;            /* 0: find a place */
    uint64_t high_mmio_bytes;

    /* migrated */
    HvbusCore core;
    HvbusSaved saved;

    /* host only */
    DeviceState *host;                  /* owns the bus */
    HvbusBus *bus;
    Notifier slot_notifier;
    MemoryListener listener;
    QEMUBH *shared_bh;                  /* kicks all channels, before 2.4 */
    QemuMutex interrupt_page_lock;
    bool vm_running;                    /* atomic */
    unsigned int map_generation;        /* atomic; memory map changes */
};

struct HvbusChannel {
    struct rcu_head rcu;
    HvbusBridge *bridge;
    HvbusDevice *dev;                   /* holds a reference */
    HvbusCoreChannel *core;             /* NULL once dropped */
    uint16_t idx;
    uint32_t relid;
    bool is_connected;                  /* to its event port */
    void *opaque;                       /* the device's */

    AioContext *ctx;
    QEMUBH *bh;
    QEMUTimer *event_timer;             /* the monitor's events keep apart */
    bool told_open;                     /* what the last of them said */
    bool is_kicked;                     /* atomic: bh is scheduled */
    bool is_started;                    /* atomic: notify() may run */
    bool is_open;                       /* atomic: the rings may be used */
    bool has_failed;                    /* atomic */
    uint32_t target_vp;                 /* atomic */

    /* while open; the channel's context or one that has stopped it */
    HvbusRingMap *map;
    unsigned int map_generation;
    HvbusRing in;
    HvbusRing out;
    uint8_t *rx_buf;
    uint32_t rx_buf_bytes;
};

/* vmbus-qmp.c: tell the monitor that the channel is open or closed */
void hvbus_channel_tell(HvbusChannel *chan);

/* vmbus-channel.c */
HvbusChannel *hvbus_channel_new(HvbusBridge *bridge, HvbusDevice *dev,
                                uint16_t idx);
/* Out of the device's list; freed after RCU */
void hvbus_channel_drop(HvbusChannel *chan);
/* Give the channel the relid it has in the core: its event port follows */
bool hvbus_channel_attach(HvbusChannel *chan, HvbusCoreChannel *core);
/* Away from its event port */
void hvbus_channel_detach(HvbusChannel *chan);
bool hvbus_channel_open(HvbusChannel *chan, const uint8_t *user_data);
void hvbus_channel_close(HvbusChannel *chan);
/*
 * After load: open with the ring indexes of the stream.  False if they or the
 * ring pages are bad.
 */
bool hvbus_channel_resume(HvbusChannel *chan, uint32_t in_idx, uint32_t out_idx,
                          bool has_failed);
/* Wait until notify() does not run; it does not start again while stopped */
void hvbus_channel_quiesce(HvbusChannel *chan);

/* vmbus-device.c */
HvbusBridge *hvbus_device_bridge(HvbusDevice *dev);
void hvbus_device_offer(HvbusDevice *dev, HvbusOffer *offer);
/* The guest has let go of @dev: finish its unplug */
void hvbus_device_released(HvbusDevice *dev);
/* The user wants it back: rescind its channels, as soon as the driver is at rest */
void hvbus_device_take_back(HvbusDevice *dev);
/* The device with this id on the bus, or NULL */
HvbusDevice *hvbus_find_device(HvbusBridge *b, const uint8_t *instance_id);
extern const VMStateDescription vmstate_hvbus_bridge;

/* vmbus-bridge.c */
/* Deliver what is queued for the guest.  BQL */
void hvbus_bridge_flush(HvbusBridge *b);
/* Signal the guest that channel @relid has something for it.  any thread */
void hvbus_bridge_signal_guest(HvbusBridge *b, uint32_t vp, uint32_t relid);

#endif /* VMBUS_INTERNAL_H */
