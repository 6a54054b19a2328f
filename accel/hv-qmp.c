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

static strList *hv_info_features(const HvFeatures *f)
{
    strList *list = NULL, **tail = &list;

    for (const HvFeatureName *n = hv_feature_names; n->name; n++) {
        if (hv_feature_shown(f, n)) {
            QAPI_LIST_APPEND(tail, g_strdup(n->name));
        }
    }
    return list;
}

static HypervVtlInfo *hv_info_vtl(const HvPartVtl *v, uint8_t vtl)
{
    HypervVtlInfo *info = g_new0(HypervVtlInfo, 1);
    uint64List **tail = &info->crash;

    info->vtl = vtl;
    info->guest_os_id = v->guest_os_id;
    info->hypercall = v->hypercall;
    info->reference_tsc = v->reference_tsc;
    info->tsc_invariant = v->tsc_invariant;
    info->reenlightenment = v->reenlightenment;
    for (int i = 0; i < HV_CRASH_PARAM_COUNT; i++) {
        QAPI_LIST_APPEND(tail, v->crash_param[i]);
    }
    return info;
}

static HypervSintInfoList *hv_info_sints(const HvSynic *s)
{
    HypervSintInfoList *list = NULL, **tail = &list;

    for (int i = 0; i < HV_SINT_COUNT; i++) {
        HypervSintInfo *info;

        if (s->sint[i] == HV_SINT_RESET) {
            continue;
        }
        info = g_new0(HypervSintInfo, 1);
        info->index = i;
        info->value = s->sint[i];
        info->message_waits = s->slot_wanted & BIT(i);
        QAPI_LIST_APPEND(tail, info);
    }
    return list;
}

static HypervTimerInfoList *hv_info_timers(const HvVpVtl *v)
{
    HypervTimerInfoList *list = NULL, **tail = &list;

    for (int i = 0; i < HV_STIMER_COUNT; i++) {
        const HvStimer *t = &v->stimer[i];
        HypervTimerInfo *info;

        if (!t->config && !t->count_100ns) {
            continue;
        }
        info = g_new0(HypervTimerInfo, 1);
        info->index = i;
        info->config = t->config;
        info->count = t->count_100ns;
        info->expires = t->expires_100ns;
        info->message_waits = t->msg_pending;
        QAPI_LIST_APPEND(tail, info);
    }
    return list;
}

static HypervVpInfo *hv_info_vp(const HvVp *vp)
{
    HypervVpInfo *info = g_new0(HypervVpInfo, 1);
    HypervVpVtlInfoList **tail = &info->vtls;

    info->index = vp->index;
    info->active_vtl = vp->active_vtl;
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        const HvVpVtl *v = &vp->vtl[vtl];
        HypervVpVtlInfo *vi;

        if (vtl != vp->active_vtl && !v->synic.scontrol && !v->vp_assist) {
            continue;
        }
        vi = g_new0(HypervVpVtlInfo, 1);
        vi->vtl = vtl;
        vi->scontrol = v->synic.scontrol;
        vi->simp = v->synic.simp;
        vi->siefp = v->synic.siefp;
        vi->vp_assist = v->vp_assist;
        vi->sints = hv_info_sints(&v->synic);
        vi->timers = hv_info_timers(v);
        QAPI_LIST_APPEND(tail, vi);
    }
    return info;
}

HypervInfo *qmp_query_hyperv(Error **errp)
{
    HvPartition *p = hv_partition_lookup();
    HypervInfo *info;
    HypervVtlInfoList **vtl_tail;
    HypervVpInfoList **vp_tail;

    info = g_new0(HypervInfo, 1);
    if (!p || !p->active) {
        return info;
    }
    info->present = true;
    info->features = hv_info_features(&p->feat);
    info->reference_time = hv_partition_ref_time_100ns(p);
    vtl_tail = &info->vtls;
    for (int vtl = 0; vtl < HV_VTL_COUNT; vtl++) {
        if (vtl == 0 || p->vtl[vtl].guest_os_id) {
            QAPI_LIST_APPEND(vtl_tail, hv_info_vtl(&p->vtl[vtl], vtl));
        }
    }
    vp_tail = &info->vps;
    for (uint32_t i = 0; i < p->max_vps; i++) {
        if (p->vps[i]) {
            QAPI_LIST_APPEND(vp_tail, hv_info_vp(p->vps[i]));
        }
    }
    return info;
}

static void hv_text_vtl(GString *out, const HypervVtlInfo *v)
{
    g_string_append_printf(out, "VTL%u: os-id 0x%" PRIx64 " hypercall 0x%" PRIx64
                           " reference-tsc 0x%" PRIx64 " tsc-invariant 0x%"
                           PRIx64 " reenlightenment 0x%" PRIx64 "\n  crash",
                           v->vtl, v->guest_os_id, v->hypercall,
                           v->reference_tsc, v->tsc_invariant,
                           v->reenlightenment);
    for (const uint64List *c = v->crash; c; c = c->next) {
        g_string_append_printf(out, " 0x%" PRIx64, c->value);
    }
    g_string_append_c(out, '\n');
}

static void hv_text_vp_vtl(GString *out, const HypervVpVtlInfo *v)
{
    g_string_append_printf(out, "  VTL%u: scontrol 0x%" PRIx64 " simp 0x%" PRIx64
                           " siefp 0x%" PRIx64 " vp-assist 0x%" PRIx64 "\n",
                           v->vtl, v->scontrol, v->simp, v->siefp,
                           v->vp_assist);
    for (const HypervSintInfoList *l = v->sints; l; l = l->next) {
        g_string_append_printf(out, "    SINT%u 0x%" PRIx64 "%s\n",
                               l->value->index, l->value->value,
                               l->value->message_waits ? " message waits" : "");
    }
    for (const HypervTimerInfoList *l = v->timers; l; l = l->next) {
        g_string_append_printf(out, "    STIMER%u config 0x%" PRIx64 " count %"
                               PRIu64 " expires %" PRIu64 "%s\n",
                               l->value->index, l->value->config,
                               l->value->count, l->value->expires,
                               l->value->message_waits ? " message waits" : "");
    }
}

HumanReadableText *qmp_x_query_hyperv(Error **errp)
{
    g_autoptr(HypervInfo) info = qmp_query_hyperv(errp);
    g_autoptr(GString) out = g_string_new("features:");

    if (!info->present) {
        g_string_assign(out, "no Hyper-V partition served by TCG in this VM\n");
        return human_readable_text_from_str(out);
    }
    for (const strList *l = info->features; l; l = l->next) {
        g_string_append_printf(out, " %s", l->value);
    }
    g_string_append_printf(out, "\nreference time: %" PRIu64 " x 100 ns\n",
                           info->reference_time);
    for (const HypervVtlInfoList *l = info->vtls; l; l = l->next) {
        hv_text_vtl(out, l->value);
    }
    for (const HypervVpInfoList *l = info->vps; l; l = l->next) {
        g_string_append_printf(out, "VP %u: runs VTL%u\n", l->value->index,
                               l->value->active_vtl);
        for (HypervVpVtlInfoList *v = l->value->vtls; v; v = v->next) {
            hv_text_vp_vtl(out, v->value);
        }
    }
    return human_readable_text_from_str(out);
}
