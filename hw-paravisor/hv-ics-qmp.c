/*
 * Integration services: state for the monitor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/qapi-commands-hyperv.h"
#include "ics-internal.h"

static const struct {
    const char *type;
    HypervIcService service;
} hv_ic_services[] = {
    { TYPE_HV_IC_SHUTDOWN, HYPERV_IC_SERVICE_SHUTDOWN },
    { TYPE_HV_IC_HEARTBEAT, HYPERV_IC_SERVICE_HEARTBEAT },
    { TYPE_HV_IC_TIMESYNC, HYPERV_IC_SERVICE_TIMESYNC },
    { TYPE_HV_IC_KVP, HYPERV_IC_SERVICE_KVP },
    { TYPE_HV_IC_VSS, HYPERV_IC_SERVICE_VSS },
    { TYPE_HV_IC_FCOPY, HYPERV_IC_SERVICE_FCOPY },
};

static const HypervIcState hv_ic_states[HV_IC_STATE_COUNT] = {
    [HV_IC_CLOSED] = HYPERV_IC_STATE_CLOSED,
    [HV_IC_OPENED] = HYPERV_IC_STATE_NEGOTIATING,
    [HV_IC_NEGOTIATING] = HYPERV_IC_STATE_NEGOTIATING,
    [HV_IC_REFUSED] = HYPERV_IC_STATE_REFUSED,
    [HV_IC_READY] = HYPERV_IC_STATE_READY,
    [HV_IC_BUSY] = HYPERV_IC_STATE_BUSY,
};

static HypervIcInfo *hv_ic_info(HvIc *ic, HypervIcService service)
{
    HypervIcInfo *info = g_new0(HypervIcInfo, 1);
    const HvIcCore *core = &ic->core;

    info->service = service;
    info->qom_path = object_get_canonical_path(OBJECT(ic));
    info->state = hv_ic_states[core->state];
    if (core->state == HV_IC_READY || core->state == HV_IC_BUSY) {
        info->framework_version = g_strdup_printf("%u.%u",
                                                  core->framework.major,
                                                  core->framework.minor);
        info->message_version = g_strdup_printf("%u.%u", core->message.major,
                                                core->message.minor);
    }
    return info;
}

HypervIcsInfo *qmp_query_hv_ics(Error **errp)
{
    HypervIcsInfo *info = g_new0(HypervIcsInfo, 1);
    HypervIcInfoList **tail = &info->services;

    for (unsigned i = 0; i < ARRAY_SIZE(hv_ic_services); i++) {
        HypervIcService service = hv_ic_services[i].service;
        HvIc *ic = hv_ic_find(hv_ic_services[i].type, NULL);

        if (!ic) {
            continue;
        }
        QAPI_LIST_APPEND(tail, hv_ic_info(ic, service));
        if (service == HYPERV_IC_SERVICE_HEARTBEAT) {
            info->heartbeat = hv_ic_heartbeat_info(ic);
        } else if (service == HYPERV_IC_SERVICE_VSS) {
            info->vss = hv_ic_vss_info(ic);
        }
    }
    return info;
}
