/*
 * Hyper-V partition: VP assist page and the MSRs of the local APIC (TLFS 10)
 *
 * EOI assist (TLFS 10.3.5): a bit in the assist page offers the guest to end the
 * interrupt in service by clearing the bit, which costs no access to the APIC.
 * The APIC learns of it when its in-service bits next count.  One offer at most
 * is open, and it is for the highest interrupt in service: the APIC settles it
 * before another interrupt gets there.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/i386/apic.h"
#include "hw/i386/apic_internal.h"
#include "hv-internal.h"
#include "hv-tcg.h"
#include "trace.h"

/* local APIC registers, number = offset / 16 */
#define HV_APIC_REG_TPR         0x08
#define HV_APIC_REG_ICR_LOW     0x30
#define HV_APIC_REG_ICR_HIGH    0x31
#define HV_APIC_TPR_VALID       0xffull

/*
 * The APIC finds its CPU by the thread it is called in, and is reached as the
 * guest reaches it: through x2APIC MSRs, or at its page.
 */
static bool hv_apic_x2apic(HvVp *vp)
{
    return cpu_get_apic_base(vp->cpu->apic_state) & MSR_IA32_APICBASE_EXTD;
}

static hwaddr hv_apic_reg_gpa(HvVp *vp, unsigned reg)
{
    return (cpu_get_apic_base(vp->cpu->apic_state) & MSR_IA32_APICBASE_BASE) +
        reg * 16;
}

static bool hv_apic_write(HvVp *vp, unsigned reg, uint64_t val)
{
    MemTxResult res;

    if (hv_apic_x2apic(vp)) {
        return apic_msr_write(reg, val) == 0;
    }
    if (reg == HV_APIC_REG_ICR_LOW && !hv_apic_write(vp, HV_APIC_REG_ICR_HIGH,
                                                     val >> 32)) {
        return false;
    }
    address_space_stl(CPU(vp->cpu)->as, hv_apic_reg_gpa(vp, reg), val,
                      MEMTXATTRS_UNSPECIFIED, &res);
    return res == MEMTX_OK;
}

static bool hv_apic_read(HvVp *vp, unsigned reg, uint64_t *val)
{
    MemTxResult res;
    uint64_t high = 0;

    if (hv_apic_x2apic(vp)) {
        return apic_msr_read(reg, val) == 0;
    }
    if (reg == HV_APIC_REG_ICR_LOW && !hv_apic_read(vp, HV_APIC_REG_ICR_HIGH,
                                                    &high)) {
        return false;
    }
    *val = high << 32 |
        address_space_ldl(CPU(vp->cpu)->as, hv_apic_reg_gpa(vp, reg),
                          MEMTXATTRS_UNSPECIFIED, &res);
    return res == MEMTX_OK;
}

/* The APIC exists and is enabled */
static bool hv_apic_on(HvVp *vp)
{
    DeviceState *apic = vp->cpu->apic_state;

    return apic && (cpu_get_apic_base(apic) & MSR_IA32_APICBASE_ENABLE);
}

static uint32_t *hv_assist_eoi_word(HvVpVtl *v)
{
    return v->assist_page.hva;
}

/* Guests look at the bit only when they are told to use the MSRs */
static bool hv_assist_eoi_usable(HvVp *vp, HvVpVtl *v)
{
    return (vp->part->feat.hints & HV_HINT_APIC_MSRS) &&
        v->assist_page.placed && vp->cpu->apic_state;
}

void hv_assist_offer_eoi(HvVp *vp, uint8_t vector)
{
    HvVpVtl *v = hv_vp_cur(vp);
    APICCommonState *apic;

    if (!hv_assist_eoi_usable(vp, v)) {
        return;
    }
    apic = APIC_COMMON(vp->cpu->apic_state);
    /* the I/O APIC waits for the EOI of a level; what is pending needs one too */
    if (apic_get_bit(apic->tmr, vector) ||
        apic_get_highest_priority_irr(vp->cpu->apic_state) >= 0) {
        return;
    }
    trace_hv_assist_offer_eoi(vp->index, vector);
    qatomic_or(hv_assist_eoi_word(v), cpu_to_le32(HV_ASSIST_NO_EOI_REQUIRED));
    hv_overlay_mark_dirty(&v->assist_page);
    v->eoi_offered = true;
}

/*
 * Close the offer: either the guest has taken it, then the interrupt ends now,
 * or it finds the bit clear and sends an EOI.
 */
void hv_tcg_apic_settle_eoi(X86CPU *cpu)
{
    HvVp *vp = cpu->hv_vp;
    const uint32_t bit = cpu_to_le32(HV_ASSIST_NO_EOI_REQUIRED);
    HvVpVtl *v;
    bool taken;

    if (!vp || !hv_vp_cur(vp)->eoi_offered) {
        return;
    }
    v = hv_vp_cur(vp);
    v->eoi_offered = false;     /* first: the APIC asks again as it ends one */
    taken = !(qatomic_fetch_and(hv_assist_eoi_word(v), ~bit) & bit);
    hv_overlay_mark_dirty(&v->assist_page);
    trace_hv_assist_settle_eoi(vp->index, taken);
    if (taken) {
        apic_signal_eoi(cpu->apic_state);
    }
}

static bool hv_assist_page_wrmsr(HvVp *vp, uint8_t vtl, uint64_t val)
{
    HvVpVtl *v = &vp->vtl[vtl];

    if (!(val & HV_MSR_PAGE_ENABLE)) {
        hv_tcg_apic_settle_eoi(vp->cpu);
        hv_overlay_remove(vp->part, vtl, &v->assist_page);
    } else {
        if (!v->assist_page.placed) {
            memset(v->assist_page.hva, 0, HV_PAGE_SIZE);
            hv_overlay_mark_dirty(&v->assist_page);
        }
        if (!hv_overlay_place(vp->part, vtl, &v->assist_page,
                              val & HV_PAGE_MASK)) {
            return false;
        }
    }
    v->vp_assist = val;
    return true;
}

bool hv_assist_wrmsr(HvVp *vp, uint32_t msr, uint64_t val)
{
    switch (msr) {
    case HV_MSR_VP_ASSIST_PAGE:
        return hv_assist_page_wrmsr(vp, vp->active_vtl, val);
    case HV_MSR_EOI:
        if (!hv_apic_on(vp) || val >> 32) {
            return false;
        }
        apic_signal_eoi(vp->cpu->apic_state);
        return true;
    case HV_MSR_ICR:
        return hv_apic_on(vp) && hv_apic_write(vp, HV_APIC_REG_ICR_LOW, val);
    case HV_MSR_TPR:
        return hv_apic_on(vp) && !(val & ~HV_APIC_TPR_VALID) &&
            hv_apic_write(vp, HV_APIC_REG_TPR, val);
    default:
        return false;
    }
}

bool hv_assist_rdmsr(HvVp *vp, uint32_t msr, uint64_t *val)
{
    switch (msr) {
    case HV_MSR_VP_ASSIST_PAGE:
        *val = hv_vp_cur(vp)->vp_assist;
        return true;
    case HV_MSR_ICR:
        return hv_apic_on(vp) && hv_apic_read(vp, HV_APIC_REG_ICR_LOW, val);
    case HV_MSR_TPR:
        return hv_apic_on(vp) && hv_apic_read(vp, HV_APIC_REG_TPR, val);
    default:
        return false;           /* EOI is write-only */
    }
}

void hv_assist_vp_init(HvVp *vp)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        hv_overlay_init(vp->part, &vp->vtl[vtl].assist_page, "hyperv-vp-assist",
                        hv_vp_page_idx(vp->index, vtl, HV_PAGE_ASSIST), false);
    }
}

void hv_assist_vp_reset(HvVp *vp)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        hv_overlay_remove(vp->part, vtl, &vp->vtl[vtl].assist_page);
        vp->vtl[vtl].vp_assist = 0;
        vp->vtl[vtl].eoi_offered = false;
    }
}

void hv_assist_vp_fini(HvVp *vp)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        hv_overlay_fini(vp->part, &vp->vtl[vtl].assist_page);
    }
}

int hv_assist_post_load(HvVp *vp)
{
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        HvVpVtl *v = &vp->vtl[vtl];

        hv_overlay_remove(vp->part, vtl, &v->assist_page);
        if ((v->vp_assist & HV_MSR_PAGE_ENABLE) &&
            !hv_overlay_place(vp->part, vtl, &v->assist_page,
                              v->vp_assist & HV_PAGE_MASK)) {
            return -EINVAL;
        }
        if (v->eoi_offered && !hv_assist_eoi_usable(vp, v)) {
            return -EINVAL;
        }
    }
    return 0;
}
