/*
 * Hyper-V partition: the object, its VPs and its life
 *
 * A partition comes into being with "-object hyperv-partition", or by itself at
 * /machine/hyperv-partition with the first CPU that has a hv-* property.  VPs are
 * made when their CPUs are realized; what they share is laid out with the first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/error-report.h"
#include "qapi/error.h"
#include "qapi/visitor.h"
#include "qapi/qapi-visit-common.h"
#include "qom/object_interfaces.h"
#include "hw/boards.h"
#include "hw/qdev-core.h"
#include "hw/resettable.h"
#include "system/cpu-timers.h"
#include "system/kvm.h"
#include "system/reset.h"
#include "system/system.h"
#include "exec/address-spaces.h"
#include "migration/vmstate.h"
#include "hv-internal.h"
#include "trace.h"

HvPartition *hv_partition_lookup(void)
{
    Object *obj = object_resolve_path_type("", TYPE_HV_PARTITION, NULL);

    return obj ? HV_PARTITION(obj) : NULL;
}

/* With KVM no CPU asks for a partition: the first device that does makes it */
HvPartition *hv_partition_find(void)
{
    HvPartition *p = hv_partition_lookup();

    if (!p && kvm_enabled() && first_cpu
        && hv_cpu_wants_partition(X86_CPU(first_cpu))) {
        p = hv_partition_get(NULL);
    }
    return p;
}

HvPartition *hv_partition_get(Error **errp)
{
    HvPartition *p = hv_partition_lookup();
    Object *obj;

    if (p) {
        return p;
    }
    obj = object_new(TYPE_HV_PARTITION);
    if (!object_property_try_add_child(qdev_get_machine(), "hyperv-partition",
                                       obj, errp)) {
        object_unref(obj);
        return NULL;
    }
    object_unref(obj);
    return HV_PARTITION(obj);
}

bool hv_partition_require_synic(HvPartition *p, Error **errp)
{
    if (p && kvm_enabled()) {
        return hv_kvm_attach(p, errp) && p->ops->require_synic(p, errp);
    }
    if (!p || !p->active) {
        error_setg(errp, "no Hyper-V partition in this VM");
        error_append_hint(errp, "Add a Hyper-V property to -cpu, for example "
                          "hv-passthrough=on, or hv-vpindex=on,hv-synic=on.\n");
        return false;
    }
    if (!(p->feat.priv_low & HV_PRIV_SYNIC) ||
        !(p->feat.priv_low & HV_PRIV_VP_INDEX) ||
        !(p->feat.priv_high & HV_PRIVH_POST_MESSAGES) ||
        !(p->feat.priv_high & HV_PRIVH_SIGNAL_EVENTS)) {
        error_setg(errp, "the Hyper-V partition has no SynIC");
        error_append_hint(errp, "Add hv-vpindex=on,hv-synic=on to -cpu.\n");
        return false;
    }
    return true;
}

AddressSpace *hv_partition_as(HvPartition *p, uint8_t vtl)
{
    return &address_space_memory;
}

HvVp *hv_partition_vp(HvPartition *p, uint32_t index)
{
    return index < p->max_vps ? qatomic_rcu_read(&p->vps[index]) : NULL;
}

bool hv_partition_has_vp(HvPartition *p, uint32_t vp)
{
    if (p->ops) {
        return p->ops->has_vp(p, vp);
    }
    return vp < p->max_vps && qatomic_read(&p->vps[vp]);
}

bool hv_partition_vp_is_idle(HvPartition *p, uint32_t vp)
{
    HvVp *v;

    if (p->ops) {
        return true;
    }
    RCU_READ_LOCK_GUARD();
    v = hv_partition_vp(p, vp);
    return !v || qatomic_read(&CPU(v->cpu)->halted);
}

static void hv_partition_lay_out(HvPartition *p, Error **errp)
{
    ERRP_GUARD();
    unsigned max_cpus = MACHINE(qdev_get_machine())->smp.max_cpus;

    if (max_cpus > HV_MAX_VPS) {
        error_setg(errp, "a Hyper-V partition has at most %d VPs, but -smp "
                   "allows for %u CPUs", HV_MAX_VPS, max_cpus);
        return;
    }
    p->page_count = hv_vp_page_idx(max_cpus, 0, 0);
    if (!memory_region_init_ram_nomigrate(&p->pages, OBJECT(p), "hyperv-pages",
                                          (uint64_t)p->page_count *
                                          HV_PAGE_SIZE, errp)) {
        return;
    }
    vmstate_register_ram_global(&p->pages);
    p->vps = g_new0(HvVp *, max_cpus);
    p->max_vps = max_cpus;
}

bool hv_partition_setup(HvPartition *p, X86CPU *cpu, Error **errp)
{
    ERRP_GUARD();
    HvFeatureRequest req = hv_feature_request(p, cpu);
    HvFeatures feat = {
        .spinlock_retries = cpu->hyperv_spinlock_attempts,
        .max_vps = cpu->hv_max_vps < 0 ? HV_MAX_VPS : cpu->hv_max_vps,
        .max_lps = cpu->hyperv_limits[0],
        .version = {
            cpu->hyperv_ver_id_build,
            (uint32_t)cpu->hyperv_ver_id_major << 16 | cpu->hyperv_ver_id_minor,
            cpu->hyperv_ver_id_sp,
            (uint32_t)cpu->hyperv_ver_id_sb << 24 |
                (cpu->hyperv_ver_id_sn & 0xffffff),
        },
    };
    g_autofree char *msg = hv_features_build(&req, &feat);

    if (msg) {
        error_setg(errp, "%s", msg);
        return false;
    }
    memcpy(feat.vendor, cpu->hyperv_vendor_id, sizeof(feat.vendor));

    if (req.tsc_invariant && !icount_enabled()) {
        error_setg(errp, "tsc-invariant=on needs -icount: without it the "
                   "guest's TSC counts cycles of the host");
        return false;
    }

    if (p->active) {
        if (memcmp(&feat, &p->feat, sizeof(feat))) {
            error_setg(errp, "all CPUs of a Hyper-V partition must have the "
                       "same hv-* properties");
            return false;
        }
        return true;
    }
    hv_partition_lay_out(p, errp);
    if (*errp) {
        return false;
    }
    p->feat = feat;
    hv_port_init(p);
    hv_misc_init(p);
    hv_hypercall_page_fill(p, cpu);
    hv_reftime_init(p);
    qemu_register_resettable(OBJECT(p));
    vmstate_register(NULL, 0, &vmstate_hv_partition, p);
    p->active = true;
    /* CPUs and devices keep plain pointers: it stays when /objects goes */
    object_ref(OBJECT(p));
    trace_hv_partition_setup(feat.priv_low, feat.priv_high, feat.features,
                             feat.hints);
    return true;
}

bool hv_partition_add_vp(HvPartition *p, X86CPU *cpu, Error **errp)
{
    int index = CPU(cpu)->cpu_index;
    HvVp *vp;

    if (index < 0 || index >= p->max_vps) {
        error_setg(errp, "CPU index %d cannot be a Hyper-V VP index", index);
        return false;
    }
    if (p->feat.max_vps <= index) {
        error_setg(errp, "x-hv-max-vps=%u allows for no CPU with index %d",
                   p->feat.max_vps, index);
        return false;
    }
    if (p->vps[index]) {
        error_setg(errp, "Hyper-V VP %d exists already", index);
        return false;
    }
    vp = g_new0(HvVp, 1);
    vp->part = p;
    vp->cpu = cpu;
    vp->index = index;
    vp->runtime_base_100ns = hv_partition_ref_time_100ns(p);
    /* hv_partition_signal_event() may use the CPU for a grace period more */
    object_ref(OBJECT(cpu));
    hv_assist_vp_init(vp);
    hv_synic_vp_init(vp);
    hv_stimer_vp_init(vp);
    qatomic_rcu_set(&p->vps[index], vp);
    cpu->hv_vp = vp;
    vmstate_register(NULL, index, &vmstate_hv_vp, vp);
    trace_hv_partition_add_vp(index);
    return true;
}

static void hv_vp_reset(HvVp *vp)
{
    vp->active_vtl = 0;
    vp->is_idle = false;
    vp->runtime_base_100ns = 0;     /* as reference time */
    hv_stimer_vp_reset(vp);
    hv_synic_vp_reset(vp);
    hv_assist_vp_reset(vp);
}

static void hv_vp_free(HvVp *vp)
{
    object_unref(OBJECT(vp->cpu));
    g_free(vp);
}

void hv_partition_remove_vp(HvVp *vp)
{
    HvPartition *p = vp->part;

    trace_hv_partition_remove_vp(vp->index);
    vmstate_unregister(NULL, &vmstate_hv_vp, vp);
    qatomic_rcu_set(&p->vps[vp->index], NULL);
    vp->cpu->hv_vp = NULL;
    hv_vp_reset(vp);
    hv_stimer_vp_fini(vp);
    hv_synic_vp_fini(vp);
    hv_assist_vp_fini(vp);
    call_rcu(vp, hv_vp_free, rcu);
}

/* System reset: INIT and SIPI leave a VP's Hyper-V state alone (TLFS 7.8) */
static void hv_partition_reset_enter(Object *obj, ResetType type)
{
    HvPartition *p = HV_PARTITION(obj);

    if (p->ops) {
        p->ops->reset(p);
        return;
    }
    for (uint32_t i = 0; i < p->max_vps; i++) {
        if (p->vps[i]) {
            hv_vp_reset(p->vps[i]);
        }
    }
    hv_misc_reset(p);
    hv_reftime_reset(p);
}

static ResettableState *hv_partition_get_reset_state(Object *obj)
{
    return &HV_PARTITION(obj)->reset_state;
}

static void hv_partition_machine_done(Notifier *n, void *unused)
{
    HvPartition *p = container_of(n, HvPartition, machine_done);
    Error *err = NULL;

    if (kvm_enabled()) {
        if (!hv_kvm_attach(p, &err)) {
            error_prepend(&err, "hyperv-partition: ");
            error_report_err(err);
            exit(EXIT_FAILURE);
        }
        return;
    }
    if (!p->active) {
        error_report("hyperv-partition: no CPU has a hv-* property");
        error_printf("Use -accel tcg and add hv-passthrough=on, or the single "
                     "hv-* properties, to -cpu.\n");
        exit(EXIT_FAILURE);
    }
}

static void hv_partition_complete(UserCreatable *uc, Error **errp)
{
    HvPartition *p = HV_PARTITION(uc);
    bool ambiguous = false;

    if (phase_check(PHASE_MACHINE_INITIALIZED)) {
        error_setg(errp, "hyperv-partition cannot be added to a machine that "
                   "exists");
        return;
    }
    object_resolve_path_type("", TYPE_HV_PARTITION, &ambiguous);
    if (ambiguous) {
        error_setg(errp, "a VM has only one hyperv-partition");
        return;
    }
    p->machine_done.notify = hv_partition_machine_done;
    qemu_add_machine_init_done_notifier(&p->machine_done);
}

/* VPs and devices point to it as long as the VM lives */
static bool hv_partition_can_be_deleted(UserCreatable *uc)
{
    return false;
}

static OnOffAuto *hv_partition_on_off_auto(Object *obj, const void *ofs)
{
    return (OnOffAuto *)((char *)obj + (uintptr_t)ofs);
}

static void hv_partition_get_on_off_auto(Object *obj, Visitor *v,
                                         const char *name, void *opaque,
                                         Error **errp)
{
    visit_type_OnOffAuto(v, name, hv_partition_on_off_auto(obj, opaque), errp);
}

static void hv_partition_set_on_off_auto(Object *obj, Visitor *v,
                                         const char *name, void *opaque,
                                         Error **errp)
{
    if (HV_PARTITION(obj)->active || HV_PARTITION(obj)->ops) {
        error_setg(errp, "'%s' cannot be changed when CPUs exist", name);
        return;
    }
    visit_type_OnOffAuto(v, name, hv_partition_on_off_auto(obj, opaque), errp);
}

static void hv_partition_finalize(Object *obj)
{
    HvPartition *p = HV_PARTITION(obj);

    assert(!p->active);
    if (p->machine_done.notify) {
        qemu_remove_machine_init_done_notifier(&p->machine_done);
    }
}

static void hv_partition_class_init(ObjectClass *oc, void *data)
{
    UserCreatableClass *ucc = USER_CREATABLE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);
    static const struct {
        const char *name;
        size_t ofs;
        const char *help;
    } props[] = {
        { "vmmcall", offsetof(HvPartition, vmmcall),
          "Hypercall page uses VMMCALL instead of VMCALL" },
        { "guest-idle", offsetof(HvPartition, guest_idle),
          "Offer the guest idle MSR" },
        { "tsc-invariant", offsetof(HvPartition, tsc_invariant),
          "Offer the TSC invariant control MSR" },
        { "extended-hypercalls", offsetof(HvPartition, extended_hypercalls),
          "Offer extended hypercalls" },
        { "xmm-output", offsetof(HvPartition, xmm_output),
          "Offer hypercall output in XMM registers" },
        { "vp-registers", offsetof(HvPartition, vp_registers),
          "Offer the get and set VP registers hypercalls" },
    };

    ucc->complete = hv_partition_complete;
    ucc->can_be_deleted = hv_partition_can_be_deleted;
    rc->phases.enter = hv_partition_reset_enter;
    rc->get_state = hv_partition_get_reset_state;
    for (size_t i = 0; i < ARRAY_SIZE(props); i++) {
        object_class_property_add(oc, props[i].name, "OnOffAuto",
                                  hv_partition_get_on_off_auto,
                                  hv_partition_set_on_off_auto, NULL,
                                  (void *)(uintptr_t)props[i].ofs);
        object_class_property_set_description(oc, props[i].name,
                                              props[i].help);
    }
}

static const TypeInfo hv_partition_types[] = {
    {
        .name = TYPE_HV_PARTITION,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(HvPartition),
        .instance_finalize = hv_partition_finalize,
        .class_init = hv_partition_class_init,
        .interfaces = (InterfaceInfo[]) {
            { TYPE_USER_CREATABLE },
            { TYPE_RESETTABLE_INTERFACE },
            { }
        },
    },
};

DEFINE_TYPES(hv_partition_types)
