/*
 * Hyper-V partition: what the parts of accel/ owe each other
 *
 * Each part owns a group of MSRs and has the same verbs:
 *   hv_<part>_wrmsr/_rdmsr   true: done; false: the caller raises #GP
 *   hv_<part>_vp_init/_vp_reset/_vp_fini
 *   hv_<part>_post_load      rebuild what is derived; errno on a bad stream
 *
 * Locking: all of it under the BQL, except where "any" is said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_INTERNAL_H
#define HV_INTERNAL_H

#include "qemu/timer.h"
#include "qemu/rcu.h"
#include "exec/memory.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hv-partition.h"
#include "hv-cpuid-core.h"
#include "hv-flush-core.h"
#include CONFIG_DEVICES

typedef struct HvVp HvVp;

/*
 * Overlay page: a page of the hypervisor's own RAM that is placed over guest
 * RAM; what it covers comes back when it goes (TLFS 5.2.1).  All pages of a
 * partition are in one RAM block, each is mapped by an alias.
 */
typedef struct HvOverlay {
    /* derived */
    MemoryRegion mr;            /* alias into the partition's page block */
    void *hva;                  /* the page; constant while it exists */
    uint32_t page_idx;          /* its page in the block */
    hwaddr gpa;                 /* where it is, if placed */
    bool exists;
    bool placed;
} HvOverlay;

/* Make @ov own page @page_idx of the block, not placed; @name for info mtree */
void hv_overlay_init(HvPartition *p, HvOverlay *ov, const char *name,
                     uint32_t page_idx, bool readonly);
void hv_overlay_fini(HvPartition *p, HvOverlay *ov);
/* Place at @gpa (page aligned), or move there.  False: not a guest address */
bool hv_overlay_place(HvPartition *p, uint8_t vtl, HvOverlay *ov, hwaddr gpa);
void hv_overlay_remove(HvPartition *p, uint8_t vtl, HvOverlay *ov);
/* The host wrote the page: tell dirty tracking.  any */
void hv_overlay_mark_dirty(HvOverlay *ov);

/* One synthetic timer (hv-stimer.c) */
typedef struct HvStimer {
    /* migrated */
    uint64_t config;            /* STIMERx_CONFIG */
    uint64_t count_100ns;       /* STIMERx_COUNT */
    uint64_t expires_100ns;     /* reference time of the next expiry */
    bool msg_pending;           /* message not yet delivered: slot was taken */
    uint64_t msg_expires_100ns; /* expiry time that this message tells */
    /* host only */
    QEMUTimer *timer;
    HvVp *vp;
    uint8_t vtl;
    uint8_t idx;
} HvStimer;

/* SynIC of one (VP, VTL) (hv-synic.c) */
typedef struct HvSynic {
    /* migrated */
    uint64_t scontrol;
    uint64_t siefp;
    uint64_t simp;
    uint64_t sint[HV_SINT_COUNT];
    uint16_t slot_wanted;       /* SINTs whose slot refused a message */
    uint32_t raise_pending;     /* atomic: SINTs to raise from the vCPU's thread */
    /* derived */
    HvOverlay msg_page;
    HvOverlay event_page;
    uint64_t auto_eoi_vectors[4];   /* 256 bits */
    /* host only */
    QEMUTimer *raise_timer;     /* raises raise_pending after a load */
} HvSynic;

typedef struct HvVpVtl {
    HvSynic synic;
    HvStimer stimer[HV_STIMER_COUNT];
    /* migrated */
    uint64_t vp_assist;         /* MSR value */
    bool eoi_offered;           /* assist bit was set, and not looked at since */
    /* derived */
    HvOverlay assist_page;
} HvVpVtl;

struct HvVp {
    struct rcu_head rcu;        /* first: call_rcu() wants it there */
    HvPartition *part;
    X86CPU *cpu;
    uint32_t index;
    /* migrated */
    uint8_t active_vtl;
    uint64_t runtime_base_100ns;    /* reference time at which VP_RUNTIME was 0 */
    bool is_idle;               /* GUEST_IDLE was read at the address below, */
    uint64_t idle_rip;          /* see hv_tcg_idle_wakes() */
    HvVpVtl vtl[HV_VTL_COUNT];
    /* host only: hv-hypercall-tlb.c */
    QemuSpin flush_lock;
    HvFlushWork flush;          /* what other VPs asked this one to flush */
    bool flush_queued;          /* a work item for it waits */
};

/* State that a partition has once for each VTL */
typedef struct HvPartVtl {
    /* migrated */
    uint64_t guest_os_id;
    uint64_t hypercall;         /* MSR value */
    uint64_t reference_tsc;     /* MSR value */
    uint64_t tsc_invariant;
    uint64_t reenlightenment;
    uint64_t tsc_emulation_control;
    uint64_t tsc_emulation_status;
    uint64_t crash_param[HV_CRASH_PARAM_COUNT];
    uint64_t crash_ctl;
    /* derived */
    HvOverlay hypercall_page;
    HvOverlay tsc_page;
} HvPartVtl;

typedef struct HvPort HvPort;   /* hv-port.c: connection id -> handler */

/*
 * What an accelerator other than TCG does in place of the functions of
 * hv-partition.h with these names; all are there.  TCG has no table, so that
 * its own code is called directly.
 */
typedef struct HvPartitionOps {
    bool (*require_synic)(HvPartition *p, Error **errp);
    bool (*has_vp)(HvPartition *p, uint32_t vp);
    uint64_t (*ref_time_100ns)(HvPartition *p);
    bool (*connect_message)(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                            HvMessageHandler handler, void *opaque,
                            Error **errp);
    void (*disconnect_message)(HvPartition *p, uint8_t vtl, uint32_t conn_id);
    bool (*connect_event)(HvPartition *p, uint8_t vtl, uint32_t conn_id,
                          HvEventHandler handler, void *opaque);
    void (*disconnect_event)(HvPartition *p, uint8_t vtl, uint32_t conn_id);
    int (*post_message)(HvPartition *p, uint32_t vp, uint8_t vtl, uint8_t sint,
                        uint32_t type, const void *payload,
                        uint32_t payload_bytes);
    bool (*signal_event)(HvPartition *p, uint32_t vp, uint8_t vtl, uint8_t sint,
                         uint16_t flag);
    void (*reset)(HvPartition *p);      /* before the CPUs are reset */
} HvPartitionOps;

struct HvPartition {
    Object parent_obj;

    /* properties */
    OnOffAuto vmmcall;          /* hypercall page: VMMCALL instead of VMCALL */
    OnOffAuto guest_idle;       /* auto: with hv-passthrough; so are the others */
    OnOffAuto tsc_invariant;
    OnOffAuto extended_hypercalls;
    OnOffAuto xmm_output;
    OnOffAuto vp_registers;

    HvFeatures feat;
    bool active;                /* TCG: at least one VP was made */
    const HvPartitionOps *ops;  /* NULL: TCG, or not yet known */
    struct HvKvm *kvm;          /* hv-kvm.c */

    /* migrated */
    HvPartVtl vtl[HV_VTL_COUNT];
    int64_t time_ref_base_ns;   /* QEMU_CLOCK_VIRTUAL at reference time 0 */
    uint64_t vp_mask;           /* VPs that exist, in a stream */
    uint64_t tsc_hz;            /* 0: not measured yet; atomic */

    /* host only */
    MemoryRegion pages;         /* all overlay pages */
    uint32_t page_count;
    uint32_t max_vps;
    HvVp **vps;                 /* [max_vps]; read with qatomic_rcu_read */
    int64_t tsc_sample_ticks;   /* host ticks and clock when the first VP */
    int64_t tsc_sample_ns;      /* was made: start of the measurement */
    Notifier machine_done;
    ResettableState reset_state;
    GHashTable *message_ports;  /* (vtl, id) -> HvPort; BQL */
    GHashTable *devices;        /* (vtl, id) -> handler; BQL; NULL: none yet */
    struct HvEventTable *event_ports;   /* RCU */
    NotifierList slot_notifiers;
};

/* Placement of pages in the block: HV_PART_PAGES per VTL, then the VPs' */
enum { HV_PAGE_HYPERCALL, HV_PAGE_TSC, HV_PART_PAGES };
enum { HV_PAGE_SIMP, HV_PAGE_SIEFP, HV_PAGE_ASSIST, HV_VP_PAGES };

static inline uint32_t hv_part_page_idx(uint8_t vtl, unsigned page)
{
    return vtl * HV_PART_PAGES + page;
}

static inline uint32_t hv_vp_page_idx(uint32_t vp, uint8_t vtl, unsigned page)
{
    return HV_VTL_COUNT * HV_PART_PAGES
        + (vp * HV_VTL_COUNT + vtl) * HV_VP_PAGES + page;
}

static inline HvVpVtl *hv_vp_cur(HvVp *vp)
{
    return &vp->vtl[vp->active_vtl];
}

/* The VP with @index or NULL.  any, inside RCU or BQL */
HvVp *hv_partition_vp(HvPartition *p, uint32_t index);

/*
 * The VM's partition, made at /machine/hyperv-partition if the user made none.
 * hv_partition_setup() builds what all VPs share from the properties of the
 * first CPU and checks the others against it.
 */
HvPartition *hv_partition_get(Error **errp);
/* The same, or NULL when there is none */
HvPartition *hv_partition_lookup(void);
bool hv_partition_setup(HvPartition *p, X86CPU *cpu, Error **errp);
bool hv_partition_add_vp(HvPartition *p, X86CPU *cpu, Error **errp);
void hv_partition_remove_vp(HvVp *vp);

/* What @cpu and @p (may be NULL) ask for */
HvFeatureRequest hv_feature_request(HvPartition *p, X86CPU *cpu);
/* True if any hv-* property of @cpu is set */
bool hv_cpu_wants_partition(X86CPU *cpu);

/*
 * hv-msr.c: an MSR of @vp, which runs in this thread.  False: not offered, or not
 * a value for it.  BQL
 */
bool hv_msr_read(HvVp *vp, uint32_t msr, uint64_t *val);
bool hv_msr_write(HvVp *vp, uint32_t msr, uint64_t val);

/* hv-synic.c */
void hv_synic_vp_init(HvVp *vp);
void hv_synic_vp_reset(HvVp *vp);
void hv_synic_vp_fini(HvVp *vp);
int hv_synic_post_load(HvVp *vp);
bool hv_synic_wrmsr(HvVp *vp, uint32_t msr, uint64_t val);
bool hv_synic_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val);
/* Raise the interrupt of @sint as its SINT register says.  any */
void hv_synic_raise(HvVp *vp, uint8_t vtl, uint8_t sint);
/* Inject fixed edge interrupt @vector into the VP's local APIC.  BQL */
void hv_synic_inject(HvVp *vp, uint8_t vector);

/* hv-stimer.c */
void hv_stimer_vp_init(HvVp *vp);
void hv_stimer_vp_reset(HvVp *vp);
void hv_stimer_vp_fini(HvVp *vp);
int hv_stimer_post_load(HvVp *vp);
bool hv_stimer_wrmsr(HvVp *vp, uint32_t msr, uint64_t val);
bool hv_stimer_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val);
/* A slot of @sint became free: deliver what waits */
void hv_stimer_slot_free(HvVp *vp, uint8_t vtl, uint8_t sint);

/* hv-misc.c: OS id, hypercall page, VP index, reset, crash and the like */
bool hv_misc_wrmsr(HvVp *vp, uint32_t msr, uint64_t val);
bool hv_misc_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val);
bool hv_hypercall_page_wrmsr(HvVp *vp, uint32_t msr, uint64_t val);
void hv_misc_init(HvPartition *p);
void hv_misc_reset(HvPartition *p);
int hv_misc_post_load(HvPartition *p);
/* GUEST_IDLE */
bool hv_idle_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val);
/* Fill the hypercall page: it depends on the vendor of the CPU model */
void hv_hypercall_page_fill(HvPartition *p, X86CPU *cpu);

/* hv-assist.c: VP assist page and the APIC's MSRs */
void hv_assist_vp_init(HvVp *vp);
void hv_assist_vp_reset(HvVp *vp);
void hv_assist_vp_fini(HvVp *vp);
int hv_assist_post_load(HvVp *vp);
/* The APIC hands @vector to @vp: offer it to leave out the EOI, if that may be */
void hv_assist_offer_eoi(HvVp *vp, uint8_t vector);
bool hv_assist_wrmsr(HvVp *vp, uint32_t msr, uint64_t val);
bool hv_assist_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val);

/* hv-reftime.c: reference counter, reference TSC page, frequencies */
void hv_reftime_init(HvPartition *p);
bool hv_reftime_wrmsr(HvVp *vp, uint32_t msr, uint64_t val);
bool hv_reftime_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val);   /* any */
void hv_reftime_reset(HvPartition *p);
int hv_reftime_post_load(HvPartition *p);
int64_t hv_reftime_to_virtual_ns(HvPartition *p, uint64_t ref_100ns);

/* hv-port.c */
void hv_port_init(HvPartition *p);
HvStatus hv_port_post_message(HvVp *vp, const HvPostMessageWire *wire);
HvStatus hv_port_signal_event(HvVp *vp, uint32_t conn_id, uint16_t flag); /* any */

/* hv-kvm.c */
#if defined(CONFIG_KVM) && defined(CONFIG_HYPERV)
/* Let KVM serve @p; again is allowed.  The CPUs must exist */
bool hv_kvm_attach(HvPartition *p, Error **errp);
void hv_kvm_cpu_gone(X86CPU *cpu);
#else
static inline bool hv_kvm_attach(HvPartition *p, Error **errp)
{
    error_setg(errp, "this QEMU was built without Hyper-V support for KVM");
    return false;
}

static inline void hv_kvm_cpu_gone(X86CPU *cpu)
{
}
#endif

/* hv-vmstate.c */
extern const VMStateDescription vmstate_hv_partition;
extern const VMStateDescription vmstate_hv_vp;
extern const VMStateDescription vmstate_hv_synic;
extern const VMStateDescription vmstate_hv_stimer;

#endif /* HV_INTERNAL_H */
