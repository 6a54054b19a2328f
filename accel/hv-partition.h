/*
 * Hyper-V partition: the API of accel/ for the layers above it
 *
 * One partition object exists per VM.  It owns what the Hyper-V interface
 * (TLFS) gives a guest: CPUID leaves, MSRs, hypercalls and, per VP and per VTL,
 * the SynIC and the synthetic timers.  Everything here takes (vp, vtl); today
 * only VTL0 runs code.
 *
 * Locking: "BQL" means the caller holds it; "any" means any thread, with or
 * without the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_PARTITION_H
#define HV_PARTITION_H

#include "qom/object.h"
#include "exec/hwaddr.h"
#include "exec/memattrs.h"
#include "qemu/notify.h"
#include "hv-defs.h"

#define TYPE_HV_PARTITION "hyperv-partition"
OBJECT_DECLARE_SIMPLE_TYPE(HvPartition, HV_PARTITION)

/*
 * The VM's partition, or NULL when no CPU has a hv-* property (BQL).  With KVM it
 * makes the partition if need be.  Use it as the default of a "partition" link;
 * do not call it at run time.
 */
HvPartition *hv_partition_find(void);

/*
 * True when the partition offers SynIC, VP index, post-message and signal-event,
 * which VMBus needs; else sets @errp to a message that names the CPU
 * properties to add.  BQL.
 */
bool hv_partition_require_synic(HvPartition *p, Error **errp);

/* Guest physical memory as code in @vtl sees it.  Valid as long as @p.  any */
AddressSpace *hv_partition_as(HvPartition *p, uint8_t vtl);

/* True if VP @vp exists now.  any */
bool hv_partition_has_vp(HvPartition *p, uint32_t vp);

/*
 * True if VP @vp has halted, or it is not known what it does.  A hint: it may be
 * otherwise when this returns.  any
 */
bool hv_partition_vp_is_idle(HvPartition *p, uint32_t vp);

/*
 * Time since the partition was created or reset, 100 ns units; the value of MSR
 * 0x40000020.  Follows QEMU_CLOCK_VIRTUAL, thus icount and migration.  any
 */
uint64_t hv_partition_ref_time_100ns(HvPartition *p);

/*
 * Message ports (TLFS 11.10): @handler runs for each HV_CALL_POST_MESSAGE to
 * @conn_id made by code in @vtl.  It runs in the vCPU's thread under the BQL,
 * with a copied and length-checked message; what it returns is the hypercall's
 * status.
 */
typedef struct HvPostedMessage {
    uint32_t vp;                /* who posts */
    uint8_t vtl;
    uint32_t type;
    uint32_t payload_bytes;     /* <= HV_MSG_PAYLOAD_BYTES */
    uint8_t payload[HV_MSG_PAYLOAD_BYTES];
} HvPostedMessage;

typedef HvStatus (*HvMessageHandler)(void *opaque, const HvPostedMessage *msg);

/* False and @errp set if @conn_id is taken.  BQL */
bool hv_partition_connect_message(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                                  HvMessageHandler handler, void *opaque,
                                  Error **errp);
void hv_partition_disconnect_message(HvPartition *p, uint8_t vtl,
                                     uint32_t conn_id);

/*
 * Event ports: @handler runs for each HV_CALL_SIGNAL_EVENT to @conn_id made by
 * code in @vtl, in the vCPU's thread, WITHOUT the BQL and inside an RCU read
 * section: it may only do thread-safe things such as scheduling a bottom half.
 * @flag is the flag number of the call (0 for VMBus).  After disconnect
 * returns no new call starts; one already running ends within an RCU grace
 * period, so free @opaque with call_rcu() or after synchronize_rcu().
 */
typedef void (*HvEventHandler)(void *opaque, uint16_t flag);

/* False if @conn_id is taken.  BQL */
bool hv_partition_connect_event(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                                HvEventHandler handler, void *opaque);
void hv_partition_disconnect_event(HvPartition *p, uint8_t vtl,
                                   uint32_t conn_id);

/*
 * Interrupts of devices that are remapped: @handler runs for each
 * HV_CALL_RETARGET_INTERRUPT that code in @vtl makes for @device_id (any function:
 * bits [2:0] do not count), in the vCPU's thread under the BQL.  What it returns
 * is the hypercall's status.
 */
typedef HvStatus (*HvRetargetHandler)(void *opaque, const HvRetarget *to);

/* False if @device_id is taken.  BQL */
bool hv_partition_connect_device(HvPartition *p, uint8_t vtl,
                                 uint32_t device_id, HvRetargetHandler handler,
                                 void *opaque);
void hv_partition_disconnect_device(HvPartition *p, uint8_t vtl,
                                    uint32_t device_id);

/*
 * Host to guest: fixed edge interrupt @vector for @vp, while code in @vtl runs.
 * False if there is no such VP.  BQL
 */
bool hv_partition_interrupt(HvPartition *p, uint32_t vp, uint8_t vtl,
                            uint8_t vector);

/*
 * Host to guest: put @msg into the slot of @sint of (@vp, @vtl) and raise the
 * SINT.  BQL.
 * Returns 0 if it was delivered; -EAGAIN if the slot is taken: the pending flag
 * is set and the notifiers of hv_partition_add_slot_notifier() run when the
 * guest signals end of message; -ENODEV if the VP does not exist or its SynIC or
 * message page is off; -EINVAL for a payload that is too long.
 */
int hv_partition_post_message(HvPartition *p, uint32_t vp, uint8_t vtl,
                              uint8_t sint, uint32_t type,
                              const void *payload, uint32_t payload_bytes);

typedef struct HvSlotFree {
    uint32_t vp;
    uint8_t vtl;
    uint8_t sint;
} HvSlotFree;

/*
 * @n is notified (data: HvSlotFree *) when a slot that answered -EAGAIN may have
 * become free.  Runs in the vCPU's thread under the BQL.  BQL
 */
void hv_partition_add_slot_notifier(HvPartition *p, Notifier *n);
void hv_partition_remove_slot_notifier(Notifier *n);

/*
 * Host to guest: set event flag @flag of @sint of (@vp, @vtl) and, if it was
 * clear, raise the SINT.  any.  False if there is no such VP or its SynIC or event
 * page is off.
 */
bool hv_partition_signal_event(HvPartition *p, uint32_t vp, uint8_t vtl,
                               uint8_t sint, uint16_t flag);

#endif /* HV_PARTITION_H */
