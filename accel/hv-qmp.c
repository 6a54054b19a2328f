/*
 * Hyper-V partition: state for the monitor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/type-helpers.h"
#include "qapi/qapi-commands-hyperv.h"
#include "hv-internal.h"

static void hv_text_features(GString *out, const HvFeatures *f)
{
    g_string_append(out, "features:");
    for (const HvFeatureName *n = hv_feature_names; n->name; n++) {
        if (hv_feature_shown(f, n)) {
            g_string_append_printf(out, " %s", n->name);
        }
    }
    g_string_append_c(out, '\n');
}

static void hv_text_part_vtl(GString *out, HvPartVtl *v, int vtl)
{
    g_string_append_printf(out, "VTL%d: os-id 0x%" PRIx64 " hypercall 0x%" PRIx64
                           " reference-tsc 0x%" PRIx64 " tsc-invariant 0x%"
                           PRIx64 "\n", vtl, v->guest_os_id, v->hypercall,
                           v->reference_tsc, v->tsc_invariant);
    g_string_append_printf(out, "  reenlightenment 0x%" PRIx64 " crash 0x%"
                           PRIx64 " 0x%" PRIx64 " 0x%" PRIx64 " 0x%" PRIx64
                           " 0x%" PRIx64 "\n", v->reenlightenment,
                           v->crash_param[0], v->crash_param[1],
                           v->crash_param[2], v->crash_param[3],
                           v->crash_param[4]);
}

static void hv_text_vp_vtl(GString *out, HvVpVtl *v, int vtl)
{
    HvSynic *s = &v->synic;

    g_string_append_printf(out, "  VTL%d: scontrol 0x%" PRIx64 " simp 0x%" PRIx64
                           " siefp 0x%" PRIx64 " vp-assist 0x%" PRIx64 "\n",
                           vtl, s->scontrol, s->simp, s->siefp, v->vp_assist);
    for (int i = 0; i < HV_SINT_COUNT; i++) {
        if (s->sint[i] != HV_SINT_RESET) {
            g_string_append_printf(out, "    SINT%d: 0x%" PRIx64 "%s\n", i,
                                   s->sint[i], s->slot_wanted & BIT(i)
                                   ? " message waits" : "");
        }
    }
    for (int i = 0; i < HV_STIMER_COUNT; i++) {
        HvStimer *t = &v->stimer[i];

        if (t->config || t->count_100ns) {
            g_string_append_printf(out, "    STIMER%d: config 0x%" PRIx64
                                   " count %" PRIu64 " expires %" PRIu64
                                   "%s\n", i, t->config, t->count_100ns,
                                   t->expires_100ns,
                                   t->msg_pending ? " message waits" : "");
        }
    }
}

/* A VTL in which nothing was ever set is not worth a line */
static bool hv_vp_vtl_used(const HvVpVtl *v, int vtl)
{
    return vtl == 0 || v->synic.scontrol || v->synic.simp || v->synic.siefp;
}

HumanReadableText *qmp_x_query_hyperv(Error **errp)
{
    HvPartition *p = hv_partition_find();
    g_autoptr(GString) out = g_string_new("");

    if (!p || !p->active) {
        error_setg(errp, "no Hyper-V partition in this VM");
        return NULL;
    }
    hv_text_features(out, &p->feat);
    g_string_append_printf(out, "reference time: %" PRIu64 " x 100 ns\n",
                           hv_partition_ref_time_100ns(p));
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        if (vtl == 0 || p->vtl[vtl].guest_os_id) {
            hv_text_part_vtl(out, &p->vtl[vtl], vtl);
        }
    }
    for (uint32_t i = 0; i < p->max_vps; i++) {
        HvVp *vp = p->vps[i];

        if (!vp) {
            continue;
        }
        g_string_append_printf(out, "VP %u: active VTL%u\n", i, vp->active_vtl);
        for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
            if (hv_vp_vtl_used(&vp->vtl[vtl], vtl)) {
                hv_text_vp_vtl(out, &vp->vtl[vtl], vtl);
            }
        }
    }
    return human_readable_text_from_str(out);
}
