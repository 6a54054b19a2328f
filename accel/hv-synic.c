/*
 * Synthetic interrupt controller of a VP: registers, messages, event flags,
 * interrupts (TLFS 11.8 to 11.10)
 *
 * Registers change under the BQL.  hv_partition_signal_event() runs in any
 * thread and reads them atomically; it writes to the hypervisor's own page,
 * which exists as long as the VP, so that a race with a guest that switches
 * the page off does no harm.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "qemu/error-report.h"
#include "qemu/log.h"
#include "hw/i386/apic.h"
#include "migration/vmstate.h"
#include "hv-internal.h"
#include "hv-synic-core.h"
#include "hv-tcg.h"
#include "trace.h"

#define synic_guest_error(vp, what, val)                                \
    do {                                                                \
        trace_hv_synic_bad_guest((vp)->index, what, val);               \
        qemu_log_mask(LOG_GUEST_ERROR, "hyperv: VP %u: %s 0x%" PRIx64   \
                      "\n", (vp)->index, what, (uint64_t)(val));        \
    } while (0)

static bool page_enabled(uint64_t scontrol, uint64_t page_msr)
{
    return (scontrol & HV_MSR_SCONTROL_ENABLE)
        && (page_msr & HV_MSR_PAGE_ENABLE);
}

static HvMessageWire *synic_slot(HvSynic *s, uint8_t sint)
{
    return (HvMessageWire *)s->msg_page.hva + sint;
}

/* --- interrupts --- */

void hv_synic_inject(HvVp *vp, uint8_t vector)
{
    if (vp->cpu->apic_state) {
        apic_inject_fixed(vp->cpu->apic_state, vector);
    }
}

static void synic_raise_now(HvVp *vp, uint8_t vtl, uint8_t sint)
{
    uint64_t val = vp->vtl[vtl].synic.sint[sint];

    if (hv_sint_interrupts(val)) {
        uint8_t vector = FIELD_EX64(val, HV_SINT, VECTOR);

        trace_hv_synic_raise(vp->index, vtl, sint, vector);
        hv_synic_inject(vp, vector);
    }
}

/* Raise what other threads asked for.  BQL */
static void synic_raise_pending(HvVp *vp)
{
    uint8_t vtl;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        uint32_t sints = qatomic_xchg(&vp->vtl[vtl].synic.raise_pending, 0);

        while (sints) {
            uint8_t sint = ctz32(sints);

            sints &= sints - 1;
            synic_raise_now(vp, vtl, sint);
        }
    }
}

static void synic_raise_work(CPUState *cs, run_on_cpu_data data)
{
    HvVp *vp = X86_CPU(cs)->hv_vp;

    if (vp) {
        synic_raise_pending(vp);
    }
}

static void synic_raise_timer(void *opaque)
{
    synic_raise_pending(opaque);
}

void hv_synic_raise(HvVp *vp, uint8_t vtl, uint8_t sint)
{
    HvSynic *s = &vp->vtl[vtl].synic;

    if (bql_locked()) {
        synic_raise_now(vp, vtl, sint);
    } else if (hv_sint_interrupts(qatomic_read_u64(&s->sint[sint]))
               && !qatomic_fetch_or(&s->raise_pending, BIT(sint))) {
        /* the first bit starts the work, which takes all of them */
        async_run_on_cpu(CPU(vp->cpu), synic_raise_work, RUN_ON_CPU_NULL);
    }
}

bool hv_tcg_apic_auto_eoi(X86CPU *cpu, uint8_t vector)
{
    HvVp *vp = cpu->hv_vp;
    uint64_t *vectors;

    if (!vp) {
        return false;
    }
    vectors = hv_vp_cur(vp)->synic.auto_eoi_vectors;
    if (vectors[vector / 64] & BIT_ULL(vector % 64)) {
        return true;
    }
    hv_assist_offer_eoi(vp, vector);
    return false;
}

/* --- messages and event flags, host to guest --- */

static HvSynic *synic_find(HvPartition *p, uint32_t vp_index, uint8_t vtl,
                           uint8_t sint, HvVp **vp)
{
    if (vtl >= HV_VTL_COUNT || sint >= HV_SINT_COUNT) {
        return NULL;
    }
    *vp = hv_partition_vp(p, vp_index);
    return *vp ? &(*vp)->vtl[vtl].synic : NULL;
}

int hv_partition_post_message(HvPartition *p, uint32_t vp_index, uint8_t vtl,
                              uint8_t sint, uint32_t type,
                              const void *payload, uint32_t payload_bytes)
{
    HvVp *vp = NULL;
    HvSynic *s;
    HvMessageWire *slot;

    if (p->ops) {
        return p->ops->post_message(p, vp_index, vtl, sint, type, payload,
                                    payload_bytes);
    }
    s = synic_find(p, vp_index, vtl, sint, &vp);
    if (payload_bytes > HV_MSG_PAYLOAD_BYTES || type == HV_MSG_TYPE_NONE) {
        return -EINVAL;
    }
    if (!s || !page_enabled(s->scontrol, s->simp)
        || !hv_sint_open(s->sint[sint])) {
        trace_hv_synic_message_refused(vp_index, vtl, sint, type);
        return -ENODEV;
    }

    slot = synic_slot(s, sint);
    if (!hv_slot_claim(slot)) {
        s->slot_wanted |= BIT(sint);
        hv_overlay_mark_dirty(&s->msg_page);
        trace_hv_synic_message_busy(vp_index, vtl, sint, type);
        return -EAGAIN;
    }
    hv_slot_put(slot, type, payload, payload_bytes);
    hv_overlay_mark_dirty(&s->msg_page);
    trace_hv_synic_message_posted(vp_index, vtl, sint, type, payload_bytes);
    hv_synic_raise(vp, vtl, sint);
    return 0;
}

bool hv_partition_signal_event(HvPartition *p, uint32_t vp_index, uint8_t vtl,
                               uint8_t sint, uint16_t flag)
{
    HvVp *vp = NULL;
    HvSynic *s;
    uint8_t *flags;

    if (unlikely(p->ops)) {
        return p->ops->signal_event(p, vp_index, vtl, sint, flag);
    }
    if (flag >= HV_EVENT_FLAG_COUNT) {
        return false;
    }
    RCU_READ_LOCK_GUARD();
    s = synic_find(p, vp_index, vtl, sint, &vp);
    if (!s || !page_enabled(qatomic_read_u64(&s->scontrol),
                            qatomic_read_u64(&s->siefp))
        || !hv_sint_open(qatomic_read_u64(&s->sint[sint]))) {
        trace_hv_synic_event_refused(vp_index, vtl, sint, flag);
        return false;
    }
    flags = qatomic_read(&s->event_page.hva);
    if (!flags) {
        return false;           /* the VP is going away */
    }
    flags += sint * HV_EVENT_FLAG_BYTES;
    if (hv_event_flag_set(flags, flag)) {
        hv_overlay_mark_dirty(&s->event_page);
        trace_hv_synic_event_set(vp_index, vtl, sint, flag);
        hv_synic_raise(vp, vtl, sint);
    }
    return true;
}

void hv_partition_add_slot_notifier(HvPartition *p, Notifier *n)
{
    notifier_list_add(&p->slot_notifiers, n);
}

void hv_partition_remove_slot_notifier(Notifier *n)
{
    notifier_remove(n);
}

/* Offer the slots of @sints that are free now to those that wait for them */
static void synic_retry(HvVp *vp, uint8_t vtl, uint16_t sints)
{
    HvSynic *s = &vp->vtl[vtl].synic;

    if (!page_enabled(s->scontrol, s->simp)) {
        return;
    }
    sints &= s->slot_wanted;
    while (sints) {
        HvSlotFree slot = { .vp = vp->index, .vtl = vtl, .sint = ctz32(sints) };

        sints &= sints - 1;
        if (!hv_sint_open(s->sint[slot.sint])
            || !hv_slot_claim(synic_slot(s, slot.sint))) {
            continue;
        }
        s->slot_wanted &= ~BIT(slot.sint);
        trace_hv_synic_message_retry(vp->index, vtl, slot.sint);
        hv_stimer_slot_free(vp, vtl, slot.sint);
        notifier_list_notify(&vp->part->slot_notifiers, &slot);
    }
}

/* --- registers --- */

/*
 * Place a page as its MSR changes from @old to @val.  A page that is switched
 * on starts out empty, as with KVM: nothing is left from an earlier owner, such
 * as the kernel before a kexec.
 */
static bool synic_write_page(HvVp *vp, HvOverlay *ov, uint64_t *msr,
                             uint64_t val)
{
    uint8_t vtl = vp->active_vtl;

    if (!(val & HV_MSR_PAGE_ENABLE)) {
        hv_overlay_remove(vp->part, vtl, ov);
    } else {
        if (!(*msr & HV_MSR_PAGE_ENABLE)) {
            memset(ov->hva, 0, HV_PAGE_SIZE);
            hv_overlay_mark_dirty(ov);
        }
        if (!hv_overlay_place(vp->part, vtl, ov, val & HV_PAGE_MASK)) {
            synic_guest_error(vp, "SynIC page outside of memory", val);
            return false;
        }
    }
    qatomic_set_u64(msr, val);
    return true;
}

static bool synic_write_sint(HvVp *vp, unsigned sint, uint64_t val)
{
    HvSynic *s = &hv_vp_cur(vp)->synic;

    if (!hv_sint_valid(val)) {
        synic_guest_error(vp, "SINT with a reserved vector", val);
        return false;
    }
    qatomic_set_u64(&s->sint[sint], val);
    hv_sint_auto_eoi_vectors(s->sint, s->auto_eoi_vectors);
    synic_retry(vp, vp->active_vtl, BIT(sint));
    return true;
}

bool hv_synic_wrmsr(HvVp *vp, uint32_t msr, uint64_t val)
{
    uint8_t vtl = vp->active_vtl;
    HvSynic *s = &vp->vtl[vtl].synic;

    trace_hv_synic_wrmsr(vp->index, vtl, msr, val);
    switch (msr) {
    case HV_MSR_SCONTROL:
        /* bits 63 to 1 are to be preserved */
        qatomic_set_u64(&s->scontrol, val);
        break;
    case HV_MSR_SIEFP:
        return synic_write_page(vp, &s->event_page, &s->siefp, val);
    case HV_MSR_SIMP:
        if (!synic_write_page(vp, &s->msg_page, &s->simp, val)) {
            return false;
        }
        break;
    case HV_MSR_EOM:
        trace_hv_synic_eom(vp->index, vtl, s->slot_wanted);
        break;
    case HV_MSR_SINT0 ... HV_MSR_SINT15:
        return synic_write_sint(vp, msr - HV_MSR_SINT0, val);
    default:
        return false;
    }
    synic_retry(vp, vtl, UINT16_MAX);
    return true;
}

bool hv_synic_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val)
{
    HvSynic *s = &hv_vp_cur(vp)->synic;

    switch (msr) {
    case HV_MSR_SCONTROL:
        *val = s->scontrol;
        return true;
    case HV_MSR_SVERSION:
        *val = HV_SVERSION;
        return true;
    case HV_MSR_SIEFP:
        *val = s->siefp;
        return true;
    case HV_MSR_SIMP:
        *val = s->simp;
        return true;
    case HV_MSR_EOM:
        *val = 0;
        return true;
    case HV_MSR_SINT0 ... HV_MSR_SINT15:
        *val = s->sint[msr - HV_MSR_SINT0];
        return true;
    default:
        return false;
    }
}

/* --- life cycle --- */

void hv_synic_vp_init(HvVp *vp)
{
    uint8_t vtl;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvSynic *s = &vp->vtl[vtl].synic;
        g_autofree char *simp = NULL, *siefp = NULL;

        simp = g_strdup_printf("hyperv-vp%u-vtl%u-simp", vp->index, vtl);
        siefp = g_strdup_printf("hyperv-vp%u-vtl%u-siefp", vp->index, vtl);
        hv_overlay_init(vp->part, &s->msg_page, simp,
                        hv_vp_page_idx(vp->index, vtl, HV_PAGE_SIMP), false);
        hv_overlay_init(vp->part, &s->event_page, siefp,
                        hv_vp_page_idx(vp->index, vtl, HV_PAGE_SIEFP), false);
        s->raise_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, synic_raise_timer,
                                      vp);
    }
    hv_synic_vp_reset(vp);
}

static void synic_reset_page(HvVp *vp, uint8_t vtl, HvOverlay *ov,
                             uint64_t *msr)
{
    qatomic_set_u64(msr, 0);
    hv_overlay_remove(vp->part, vtl, ov);
    memset(ov->hva, 0, HV_PAGE_SIZE);
    hv_overlay_mark_dirty(ov);
}

void hv_synic_vp_reset(HvVp *vp)
{
    uint8_t vtl;
    unsigned i;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvSynic *s = &vp->vtl[vtl].synic;

        qatomic_set_u64(&s->scontrol, 0);
        synic_reset_page(vp, vtl, &s->msg_page, &s->simp);
        synic_reset_page(vp, vtl, &s->event_page, &s->siefp);
        for (i = 0; i < HV_SINT_COUNT; i++) {
            qatomic_set_u64(&s->sint[i], HV_SINT_RESET);
        }
        s->slot_wanted = 0;
        qatomic_set(&s->raise_pending, 0);
        timer_del(s->raise_timer);
        memset(s->auto_eoi_vectors, 0, sizeof(s->auto_eoi_vectors));
    }
}

void hv_synic_vp_fini(HvVp *vp)
{
    uint8_t vtl;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvSynic *s = &vp->vtl[vtl].synic;

        timer_free(s->raise_timer);
        s->raise_timer = NULL;
        hv_overlay_remove(vp->part, vtl, &s->msg_page);
        hv_overlay_remove(vp->part, vtl, &s->event_page);
        hv_overlay_fini(vp->part, &s->msg_page);
        hv_overlay_fini(vp->part, &s->event_page);
    }
}

static bool synic_load_page(HvVp *vp, uint8_t vtl, HvOverlay *ov, uint64_t msr)
{
    if (msr & HV_MSR_PAGE_ENABLE) {
        return hv_overlay_place(vp->part, vtl, ov, msr & HV_PAGE_MASK);
    }
    hv_overlay_remove(vp->part, vtl, ov);
    return true;
}

int hv_synic_post_load(HvVp *vp)
{
    uint8_t vtl;
    unsigned i;

    for (vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvSynic *s = &vp->vtl[vtl].synic;

        for (i = 0; i < HV_SINT_COUNT; i++) {
            if (!hv_sint_valid(s->sint[i])) {
                error_report("hyperv: VP %u: SINT%u 0x%" PRIx64 " in stream",
                             vp->index, i, s->sint[i]);
                return -EINVAL;
            }
        }
        if (!synic_load_page(vp, vtl, &s->msg_page, s->simp)
            || !synic_load_page(vp, vtl, &s->event_page, s->siefp)
            || s->raise_pending > UINT16_MAX) {
            error_report("hyperv: VP %u: bad SynIC state in stream", vp->index);
            return -EINVAL;
        }
        hv_sint_auto_eoi_vectors(s->sint, s->auto_eoi_vectors);
        /* the APIC may not be loaded yet: raise when the clock runs again */
        if (s->raise_pending) {
            timer_mod(s->raise_timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
        } else {
            timer_del(s->raise_timer);
        }
    }
    return 0;
}

const VMStateDescription vmstate_hv_synic = {
    .name = "hyperv/synic",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(scontrol, HvSynic),
        VMSTATE_UINT64(siefp, HvSynic),
        VMSTATE_UINT64(simp, HvSynic),
        VMSTATE_UINT64_ARRAY(sint, HvSynic, HV_SINT_COUNT),
        VMSTATE_UINT16(slot_wanted, HvSynic),
        VMSTATE_UINT32(raise_pending, HvSynic),
        VMSTATE_END_OF_LIST()
    },
};
