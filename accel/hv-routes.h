/*
 * The SINT routes and connections of hw/hyperv/hyperv.h on our partition
 *
 * hw/hyperv implements them with KVM.  Each function there asks first whether
 * the guest has a partition of ours, and calls its namesake here if so; that
 * is how QEMU's hyperv-testdev works with TCG.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_ROUTES_H
#define HV_ROUTES_H

#include "hw/hyperv/hyperv.h"
#include CONFIG_DEVICES

#ifdef CONFIG_HV_PARTITION

/* True if the VM has a partition that runs under TCG */
bool hv_routes_enabled(void);

/* All as in hw/hyperv/hyperv.h.  BQL */
HvSintRoute *hv_routes_new(uint32_t vp_index, uint32_t sint, HvSintMsgCb cb,
                           void *cb_data);
void hv_routes_ref(HvSintRoute *route);
void hv_routes_unref(HvSintRoute *route);
int hv_routes_set_sint(HvSintRoute *route);
int hv_routes_post_msg(HvSintRoute *route, struct hyperv_message *msg);
int hv_routes_set_event_flag(HvSintRoute *route, unsigned eventno);
int hv_routes_set_msg_handler(uint32_t conn_id, HvMsgHandler handler,
                              void *data);
int hv_routes_set_event_flag_handler(uint32_t conn_id, EventNotifier *notifier);

#else

static inline bool hv_routes_enabled(void)
{
    return false;
}

static inline HvSintRoute *hv_routes_new(uint32_t vp_index, uint32_t sint,
                                         HvSintMsgCb cb, void *cb_data)
{
    return NULL;
}

static inline void hv_routes_ref(HvSintRoute *route)
{
}

static inline void hv_routes_unref(HvSintRoute *route)
{
}

static inline int hv_routes_set_sint(HvSintRoute *route)
{
    return -ENOSYS;
}

static inline int hv_routes_post_msg(HvSintRoute *route,
                                     struct hyperv_message *msg)
{
    return -ENOSYS;
}

static inline int hv_routes_set_event_flag(HvSintRoute *route, unsigned eventno)
{
    return -ENOSYS;
}

static inline int hv_routes_set_msg_handler(uint32_t conn_id,
                                            HvMsgHandler handler, void *data)
{
    return -ENOSYS;
}

static inline int hv_routes_set_event_flag_handler(uint32_t conn_id,
                                                   EventNotifier *notifier)
{
    return -ENOSYS;
}

#endif
#endif /* HV_ROUTES_H */
