/*
 * Hyper-V partition under KVM: hv-partition.h on top of hw/hyperv
 *
 * The kernel has the VPs' SynIC registers, timers and hypercalls; QEMU's
 * hw/hyperv has the SynIC pages, the SINT routes and the connections.  This
 * file has none of the guest's state, so there is nothing to migrate.
 *
 * Messages are put into the slot here instead of with hyperv_post_msg(): that
 * one keeps its route until the guest has emptied the slot, and a SynIC that is
 * reset with a route in use ends in an assertion.  The kernel writes only to
 * the slots of SINTs that the guest gave to its timers; a guest that gives one
 * SINT to both can lose messages of its own.
 *
 * Untested beyond its refusals: the machines at hand have no KVM with a SynIC,
 * and no guest was run on it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/event_notifier.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qapi/error.h"
#include "hw/boards.h"
#include "hw/core/cpu.h"
#include "hw/hyperv/hyperv.h"
#include "system/kvm.h"
#include "system/reset.h"
#include "exec/address-spaces.h"
#include <linux/kvm.h>
#include "hv-internal.h"
#include "hv-synic-core.h"
#include "trace.h"

#define KVM_VTL             0   /* the only one that KVM has */

/* A slot that was taken is looked at again after this time, doubled each time */
#define KVM_RETRY_MIN_MS    1
#define KVM_RETRY_MAX_MS    64

struct HvKvm {
    /*
     * [max_vps * HV_SINT_COUNT], NULL where none was made yet.  Made and
     * dropped under the BQL and @lock, used under @lock.
     */
    HvSintRoute **routes;
    QemuMutex lock;
    uint16_t *slot_wanted;      /* [max_vps]: SINTs whose slot was taken; BQL */
    QEMUTimer *retry_timer;
    uint32_t retry_ms;
    GHashTable *event_ports;    /* connection id -> KvmPort; BQL */
    GHashTable *message_ports;
};

typedef struct KvmPort {
    struct rcu_head rcu;
    HvMessageHandler on_message;
    HvEventHandler on_event;
    void *opaque;
    EventNotifier notifier;     /* of an event port */
    bool connected;             /* BQL */
} KvmPort;

/* A signal that needs a route first, on its way to the main loop */
typedef struct KvmSignal {
    HvPartition *part;
    uint32_t vp;
    uint8_t sint;
    uint16_t flag;
} KvmSignal;

static bool kvm_has_vp(HvPartition *p, uint32_t vp)
{
    RCU_READ_LOCK_GUARD();
    return vp < p->max_vps && qemu_get_cpu(vp);
}

/* The SynIC device that hw/hyperv gave to @vp's CPU, if it is on; BQL */
static Object *kvm_synic(HvPartition *p, uint32_t vp)
{
    CPUState *cs = vp < p->max_vps ? qemu_get_cpu(vp) : NULL;

    if (!cs || !(qatomic_read_u64(&X86_CPU(cs)->env.msr_hv_synic_control) &
                 HV_MSR_SCONTROL_ENABLE)) {
        return NULL;
    }
    return object_resolve_path_component(OBJECT(cs), "synic");
}

/* --- SINT routes --- */

static HvSintRoute **kvm_route_slot(HvPartition *p, uint32_t vp, uint8_t sint)
{
    return &p->kvm->routes[vp * HV_SINT_COUNT + sint];
}

/*
 * The route to @sint of @vp, made if need be.  A route gets its interrupt when
 * it is made, and only if the SynIC is on then.  BQL
 */
static HvSintRoute *kvm_route(HvPartition *p, uint32_t vp, uint8_t sint)
{
    HvSintRoute **slot, *route;

    if (sint >= HV_SINT_COUNT || !kvm_synic(p, vp)) {
        return NULL;
    }
    slot = kvm_route_slot(p, vp, sint);
    if (!*slot) {
        route = hyperv_sint_route_new(vp, sint, NULL, NULL);
        trace_hv_kvm_route_new(vp, sint, !!route);
        QEMU_LOCK_GUARD(&p->kvm->lock);
        *slot = route;
    }
    return *slot;
}

static void kvm_drop_routes(HvPartition *p, uint32_t vp)
{
    QEMU_LOCK_GUARD(&p->kvm->lock);
    for (uint8_t sint = 0; sint < HV_SINT_COUNT; sint++) {
        HvSintRoute **slot = kvm_route_slot(p, vp, sint);

        hyperv_sint_route_unref(*slot);     /* NULL is allowed */
        *slot = NULL;
    }
}

/* --- host to guest --- */

/* Notify those who wait for slots; each tries again and may have to wait more */
static void kvm_retry_slots(void *opaque)
{
    HvPartition *p = opaque;

    for (uint32_t vp = 0; vp < p->max_vps; vp++) {
        uint16_t sints = p->kvm->slot_wanted[vp];

        p->kvm->slot_wanted[vp] = 0;
        for (; sints; sints &= sints - 1) {
            HvSlotFree slot = { .vp = vp, .vtl = KVM_VTL, .sint = ctz32(sints) };

            trace_hv_synic_message_retry(vp, KVM_VTL, slot.sint);
            notifier_list_notify(&p->slot_notifiers, &slot);
        }
    }
}

static void kvm_want_slot(HvPartition *p, uint32_t vp, uint8_t sint)
{
    struct HvKvm *k = p->kvm;

    k->slot_wanted[vp] |= BIT(sint);
    if (!timer_pending(k->retry_timer)) {
        timer_mod(k->retry_timer,
                  qemu_clock_get_ms(QEMU_CLOCK_VIRTUAL) + k->retry_ms);
        k->retry_ms = MIN(k->retry_ms * 2, KVM_RETRY_MAX_MS);
    }
}

/*
 * Find the slot of @sint of @vp in the SynIC's own page, which hw/hyperv places
 * over guest RAM.  The caller drops the reference to section->mr.
 */
static HvMessageWire *kvm_find_slot(HvPartition *p, uint32_t vp, uint8_t sint,
                                    MemoryRegionSection *section)
{
    Object *synic = kvm_synic(p, vp);
    uint64_t simp;

    if (!synic) {
        return NULL;
    }
    simp = qatomic_read_u64(&X86_CPU(qemu_get_cpu(vp))
                            ->env.msr_hv_synic_msg_page);
    if (!(simp & HV_MSR_PAGE_ENABLE)) {
        return NULL;
    }
    *section = memory_region_find(get_system_memory(),
                                  (simp & HV_PAGE_MASK) +
                                  sint * HV_MSG_BYTES, HV_MSG_BYTES);
    if (!section->mr) {
        return NULL;
    }
    if (memory_region_owner(section->mr) != synic ||
        int128_get64(section->size) != HV_MSG_BYTES) {
        memory_region_unref(section->mr);
        return NULL;
    }
    return memory_region_get_ram_ptr(section->mr) +
        section->offset_within_region;
}

static int kvm_post_message(HvPartition *p, uint32_t vp, uint8_t vtl,
                            uint8_t sint, uint32_t type, const void *payload,
                            uint32_t payload_bytes)
{
    HvSintRoute *route = vtl == KVM_VTL ? kvm_route(p, vp, sint) : NULL;
    MemoryRegionSection section;
    HvMessageWire *slot;
    int r = 0;

    if (payload_bytes > HV_MSG_PAYLOAD_BYTES || type == HV_MSG_TYPE_NONE) {
        return -EINVAL;
    }
    slot = route ? kvm_find_slot(p, vp, sint, &section) : NULL;
    if (!slot) {
        trace_hv_synic_message_refused(vp, vtl, sint, type);
        return -ENODEV;
    }
    if (hv_slot_claim(slot)) {
        hv_slot_put(slot, type, payload, payload_bytes);
        trace_hv_synic_message_posted(vp, vtl, sint, type, payload_bytes);
        hyperv_sint_route_set_sint(route);
        p->kvm->retry_ms = KVM_RETRY_MIN_MS;
    } else {
        trace_hv_synic_message_busy(vp, vtl, sint, type);
        kvm_want_slot(p, vp, sint);
        r = -EAGAIN;
    }
    memory_region_set_dirty(section.mr, section.offset_within_region,
                            HV_MSG_BYTES);
    memory_region_unref(section.mr);
    return r;
}

static bool kvm_set_flag(HvSintRoute *route, uint32_t vp, uint8_t sint,
                         uint16_t flag)
{
    if (!route || hyperv_set_event_flag(route, flag) < 0) {
        trace_hv_synic_event_refused(vp, KVM_VTL, sint, flag);
        return false;
    }
    return true;
}

static void kvm_signal_bh(void *opaque)
{
    g_autofree KvmSignal *s = opaque;

    kvm_set_flag(kvm_route(s->part, s->vp, s->sint), s->vp, s->sint, s->flag);
}

/* Making a route needs the BQL: without it, the first signal takes a detour */
static bool kvm_signal_event(HvPartition *p, uint32_t vp, uint8_t vtl,
                             uint8_t sint, uint16_t flag)
{
    KvmSignal *s;

    if (vtl != KVM_VTL || vp >= p->max_vps || sint >= HV_SINT_COUNT ||
        flag >= HV_EVENT_FLAG_COUNT) {
        return false;
    }
    WITH_QEMU_LOCK_GUARD(&p->kvm->lock) {
        HvSintRoute *route = *kvm_route_slot(p, vp, sint);

        if (route) {
            return kvm_set_flag(route, vp, sint, flag);
        }
    }
    if (bql_locked()) {
        return kvm_set_flag(kvm_route(p, vp, sint), vp, sint, flag);
    }
    s = g_new(KvmSignal, 1);
    *s = (KvmSignal) { .part = p, .vp = vp, .sint = sint, .flag = flag };
    aio_bh_schedule_oneshot(qemu_get_aio_context(), kvm_signal_bh, s);
    return true;
}

/* --- guest to host --- */

/* In the vCPU's thread, without the BQL; @in is guest memory */
static uint16_t kvm_message(const struct hyperv_post_message_input *in,
                            void *opaque)
{
    KvmPort *port = opaque;
    struct hyperv_post_message_input copy;
    HvPostedMessage msg = { .vp = current_cpu->cpu_index, .vtl = KVM_VTL };

    memcpy(&copy, in, sizeof(copy));
    barrier();                  /* from here on only the copy is read */
    msg.type = le32_to_cpu(copy.message_type);
    msg.payload_bytes = le32_to_cpu(copy.payload_size);
    /* types with the high bit set are the hypervisor's own */
    if (msg.payload_bytes > HV_MSG_PAYLOAD_BYTES ||
        msg.type == HV_MSG_TYPE_NONE || msg.type & BIT(31)) {
        return HV_STATUS_BAD_PARAMETER;
    }
    memcpy(msg.payload, copy.payload, msg.payload_bytes);

    BQL_LOCK_GUARD();
    if (!port->connected) {
        return HV_STATUS_BAD_CONNECTION_ID;
    }
    return port->on_message(port->opaque, &msg);
}

static bool kvm_connect_message(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                                HvMessageHandler handler, void *opaque,
                                Error **errp)
{
    KvmPort *port;

    if (vtl != KVM_VTL) {
        error_setg(errp, "with KVM there is no VTL%u", vtl);
        return false;
    }
    port = g_new0(KvmPort, 1);
    port->on_message = handler;
    port->opaque = opaque;
    port->connected = true;
    if (hyperv_set_msg_handler(conn_id, kvm_message, port) < 0) {
        error_setg(errp, "message connection 0x%" PRIx32 " of VTL%u is taken",
                   conn_id, vtl);
        g_free(port);
        return false;
    }
    g_hash_table_insert(p->kvm->message_ports, GUINT_TO_POINTER(conn_id), port);
    return true;
}

static void kvm_disconnect_message(HvPartition *p, uint8_t vtl,
                                   uint32_t conn_id)
{
    KvmPort *port = g_hash_table_lookup(p->kvm->message_ports,
                                        GUINT_TO_POINTER(conn_id));

    if (vtl == KVM_VTL && port) {
        g_hash_table_remove(p->kvm->message_ports, GUINT_TO_POINTER(conn_id));
        hyperv_set_msg_handler(conn_id, NULL, NULL);
        port->connected = false;
        g_free_rcu(port, rcu);
    }
}

/* In the main loop: the kernel has signalled the port's eventfd */
static void kvm_event(EventNotifier *n)
{
    KvmPort *port = container_of(n, KvmPort, notifier);

    if (event_notifier_test_and_clear(n)) {
        RCU_READ_LOCK_GUARD();
        port->on_event(port->opaque, 0);
    }
}

static bool kvm_connect_event(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                              HvEventHandler handler, void *opaque)
{
    KvmPort *port;

    if (vtl != KVM_VTL || g_hash_table_contains(p->kvm->event_ports,
                                                GUINT_TO_POINTER(conn_id))) {
        return false;
    }
    port = g_new0(KvmPort, 1);
    port->on_event = handler;
    port->opaque = opaque;
    if (event_notifier_init(&port->notifier, false) < 0) {
        g_free(port);
        return false;
    }
    event_notifier_set_handler(&port->notifier, kvm_event);
    if (hyperv_set_event_flag_handler(conn_id, &port->notifier) < 0) {
        event_notifier_set_handler(&port->notifier, NULL);
        event_notifier_cleanup(&port->notifier);
        g_free(port);
        return false;
    }
    g_hash_table_insert(p->kvm->event_ports, GUINT_TO_POINTER(conn_id), port);
    return true;
}

/* A vCPU may have been about to signal the notifier until now */
static void kvm_free_event_port(KvmPort *port)
{
    event_notifier_cleanup(&port->notifier);
    g_free(port);
}

static void kvm_disconnect_event(HvPartition *p, uint8_t vtl, uint32_t conn_id)
{
    KvmPort *port = g_hash_table_lookup(p->kvm->event_ports,
                                        GUINT_TO_POINTER(conn_id));

    if (vtl == KVM_VTL && port) {
        g_hash_table_remove(p->kvm->event_ports, GUINT_TO_POINTER(conn_id));
        hyperv_set_event_flag_handler(conn_id, NULL);
        event_notifier_set_handler(&port->notifier, NULL);
        call_rcu(port, kvm_free_event_port, rcu);
    }
}

/* --- the partition --- */

/* The kernel's MSR 0x40000020 counts the KVM clock */
static uint64_t kvm_ref_time_100ns(HvPartition *p)
{
    struct kvm_clock_data data = { 0 };

    if (kvm_vm_ioctl(kvm_state, KVM_GET_CLOCK, &data) < 0) {
        return 0;
    }
    return data.clock / 100;
}

static bool kvm_require_synic(HvPartition *p, Error **errp)
{
    X86CPU *cpu = X86_CPU(first_cpu);

    if (!kvm_check_extension(kvm_state, KVM_CAP_HYPERV_SYNIC2)) {
        error_setg(errp, "the host kernel's KVM has no Hyper-V SynIC");
        return false;
    }
    if (!hyperv_feat_enabled(cpu, HYPERV_FEAT_SYNIC) ||
        !hyperv_feat_enabled(cpu, HYPERV_FEAT_VPINDEX) ||
        cpu->hyperv_synic_kvm_only || !hyperv_is_synic_enabled()) {
        error_setg(errp, "the Hyper-V partition has no SynIC");
        error_append_hint(errp, "Add hv-vpindex=on,hv-synic=on to -cpu.\n");
        return false;
    }
    if (!kvm_gsi_routing_enabled()) {
        error_setg(errp, "the SynIC of KVM needs the kernel's interrupt "
                   "controller");
        error_append_hint(errp, "Add kernel-irqchip=split to -accel kvm.\n");
        return false;
    }
    return true;
}

/*
 * Before the CPUs are reset, which wants that no route is left.  A signal in
 * another thread has either used its route or finds none.
 */
static void kvm_reset(HvPartition *p)
{
    timer_del(p->kvm->retry_timer);
    p->kvm->retry_ms = KVM_RETRY_MIN_MS;
    for (uint32_t vp = 0; vp < p->max_vps; vp++) {
        p->kvm->slot_wanted[vp] = 0;
        kvm_drop_routes(p, vp);
    }
}

static const HvPartitionOps hv_kvm_ops = {
    .require_synic = kvm_require_synic,
    .has_vp = kvm_has_vp,
    .ref_time_100ns = kvm_ref_time_100ns,
    .connect_message = kvm_connect_message,
    .disconnect_message = kvm_disconnect_message,
    .connect_event = kvm_connect_event,
    .disconnect_event = kvm_disconnect_event,
    .post_message = kvm_post_message,
    .signal_event = kvm_signal_event,
    .reset = kvm_reset,
};

bool hv_kvm_attach(HvPartition *p, Error **errp)
{
    struct HvKvm *k;

    if (p->ops) {
        return true;
    }
    if (!first_cpu || !hv_cpu_wants_partition(X86_CPU(first_cpu))) {
        error_setg(errp, "no CPU has a hv-* property");
        error_append_hint(errp, "Add hv-passthrough=on, or the single hv-* "
                          "properties, to -cpu.\n");
        return false;
    }
    if (p->vmmcall || p->guest_idle || p->tsc_invariant ||
        p->extended_hypercalls || p->xmm_output || p->vp_registers) {
        error_setg(errp, "the properties of hyperv-partition need -accel tcg: "
                   "with KVM the host kernel decides");
        return false;
    }
    p->max_vps = MACHINE(qdev_get_machine())->smp.max_cpus;
    k = g_new0(struct HvKvm, 1);
    qemu_mutex_init(&k->lock);
    k->routes = g_new0(HvSintRoute *, p->max_vps * HV_SINT_COUNT);
    k->slot_wanted = g_new0(uint16_t, p->max_vps);
    k->retry_timer = timer_new_ms(QEMU_CLOCK_VIRTUAL, kvm_retry_slots, p);
    k->retry_ms = KVM_RETRY_MIN_MS;
    k->message_ports = g_hash_table_new(NULL, NULL);
    k->event_ports = g_hash_table_new(NULL, NULL);
    p->kvm = k;
    p->ops = &hv_kvm_ops;
    qemu_register_resettable(OBJECT(p));
    /* devices keep plain pointers: it stays when /objects goes */
    object_ref(OBJECT(p));
    trace_hv_kvm_attach(p->max_vps);
    return true;
}

void hv_kvm_cpu_gone(X86CPU *cpu)
{
    HvPartition *p = hv_partition_lookup();
    int vp = CPU(cpu)->cpu_index;

    if (p && p->ops && vp >= 0 && vp < p->max_vps) {
        p->kvm->slot_wanted[vp] = 0;
        kvm_drop_routes(p, vp);
    }
}
