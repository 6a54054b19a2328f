/*
 * Interrupts of devices that the hypervisor remaps: who asks where they go, and
 * their way into a VP (TLFS has no text; Linux hvhdk.h and pci-hyperv.c)
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic-msidef.h"
#include "hw/i386/apic_internal.h"
#include "hw/pci/msi.h"
#include "hw/core/cpu.h"
#include "hv-hypercall.h"
#include "hv-vpset-core.h"
#include "trace.h"

#define HV_DEVICE_FUNCTION_MASK         7u

typedef struct HvDevicePort {
    uint64_t key;
    HvRetargetHandler on_retarget;
    void *opaque;
} HvDevicePort;

static uint64_t device_key(uint8_t vtl, uint32_t device_id)
{
    return (uint64_t)vtl << 32 | (device_id & ~HV_DEVICE_FUNCTION_MASK);
}

bool hv_partition_connect_device(HvPartition *p, uint8_t vtl,
                                 uint32_t device_id, HvRetargetHandler handler,
                                 void *opaque)
{
    uint64_t key = device_key(vtl, device_id);
    HvDevicePort *port;

    if (!p->devices) {
        p->devices = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL,
                                           g_free);
    }
    if (g_hash_table_contains(p->devices, &key)) {
        return false;
    }
    port = g_new0(HvDevicePort, 1);
    port->key = key;
    port->on_retarget = handler;
    port->opaque = opaque;
    g_hash_table_insert(p->devices, &port->key, port);
    return true;
}

void hv_partition_disconnect_device(HvPartition *p, uint8_t vtl,
                                    uint32_t device_id)
{
    uint64_t key = device_key(vtl, device_id);

    g_hash_table_remove(p->devices, &key);
}

/* KVM: its APIC takes MSIs; @vp is the CPU's index in either case */
static void send_msi(X86CPU *cpu, uint8_t vector)
{
    MSIMessage msg = {
        .address = APIC_DEFAULT_ADDRESS |
                   (cpu->apic_id & 0xff) << MSI_ADDR_DEST_ID_SHIFT |
                   (uint64_t)(cpu->apic_id & 0xffffff00) << 32,
        .data = vector,
    };

    apic_get_class(NULL)->send_msi(&msg);
}

bool hv_partition_interrupt(HvPartition *p, uint32_t vp, uint8_t vtl,
                            uint8_t vector)
{
    if (!hv_partition_has_vp(p, vp)) {
        return false;
    }
    if (p->ops) {
        send_msi(X86_CPU(qemu_get_cpu(vp)), vector);
    } else {
        hv_synic_inject(hv_partition_vp(p, vp), vector);
    }
    return true;
}

/* The VPs of @wire, as far as they exist */
static HvStatus get_targets(HvCall *call, const HvRetargetWire *wire,
                            uint64_t *vp_mask)
{
    HvPartition *p = call->vp->part;
    HvVpSet set;

    if (le32_to_cpu(wire->flags) & HV_RETARGET_PROCESSOR_SET) {
        const uint8_t *var = hv_call_var(call);
        HvStatus status;

        if (!call->plan.var_qwords) {
            return HV_STATUS_INVALID_INPUT;
        }
        status = hv_vpset_parse(&set, le64_to_cpu(wire->vp_mask), ldq_le_p(var),
                                var + sizeof(uint64_t),
                                call->plan.var_qwords - 1);
        if (status != HV_STATUS_OK) {
            return status;
        }
    } else if (call->plan.var_qwords) {
        return HV_STATUS_INVALID_INPUT;
    } else {
        hv_vpset_from_mask(&set, le64_to_cpu(wire->vp_mask));
    }
    *vp_mask = 0;
    for (uint32_t i = 0; i < MIN(p->max_vps, HV_MAX_VPS); i++) {
        if (hv_vpset_has(&set, i) && hv_partition_vp(p, i)) {
            *vp_mask |= BIT_ULL(i);
        }
    }
    return *vp_mask ? HV_STATUS_OK : HV_STATUS_BAD_PARAMETER;
}

/* Takes the BQL: it protects the table and the devices */
HvStatus hv_run_retarget_interrupt(HvCall *call)
{
    HvPartition *p = call->vp->part;
    HvRetarget to;
    HvRetargetWire wire;
    HvDevicePort *port;
    HvStatus status;
    uint64_t key;

    memcpy(&wire, call->in, sizeof(wire));
    status = hv_call_check_partition(le64_to_cpu(wire.partition_id));
    if (status != HV_STATUS_OK) {
        return status;
    }
    if (le32_to_cpu(wire.source) != HV_INTERRUPT_SOURCE_MSI ||
        le32_to_cpu(wire.vector) < HV_FIRST_VALID_VECTOR ||
        le32_to_cpu(wire.vector) > HV_LAST_VALID_VECTOR ||
        le32_to_cpu(wire.flags) & ~(HV_RETARGET_MULTICAST |
                                    HV_RETARGET_PROCESSOR_SET)) {
        return HV_STATUS_BAD_PARAMETER;
    }
    BQL_LOCK_GUARD();
    to = (HvRetarget) {
        /* Linux builds it as an int, so the upper half may be its sign */
        .device_id = le64_to_cpu(wire.device_id),
        .msi_address = le32_to_cpu(wire.msi_address),
        .msi_data = le32_to_cpu(wire.msi_data),
        .vector = le32_to_cpu(wire.vector),
        .is_multicast = le32_to_cpu(wire.flags) & HV_RETARGET_MULTICAST,
    };
    status = get_targets(call, &wire, &to.vp_mask);
    if (status != HV_STATUS_OK) {
        return status;
    }
    trace_hv_retarget(call->vp->index, call->vtl, to.device_id, to.msi_data,
                      to.vector, to.vp_mask);
    key = device_key(call->vtl, to.device_id);
    port = p->devices ? g_hash_table_lookup(p->devices, &key) : NULL;
    return port ? port->on_retarget(port->opaque, &to) : HV_STATUS_NOT_FOUND;
}
