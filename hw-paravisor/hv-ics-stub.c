/*
 * Integration services: the monitor's commands in a build without them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qemu/coroutine.h"

static void hv_ic_no_service(Error **errp)
{
    error_setg(errp, "this QEMU has no Hyper-V integration services");
}

HypervIcsInfo *qmp_query_hv_ics(Error **errp)
{
    return g_new0(HypervIcsInfo, 1);
}

void coroutine_fn qmp_hv_shutdown(HypervShutdownMode mode, bool has_force,
                                  bool force, const char *message,
                                  Error **errp)
{
    hv_ic_no_service(errp);
}

HypervKvpItemList *coroutine_fn qmp_hv_kvp_get(HypervKvpPool pool,
                                               const char *key,
                                               bool has_timeout,
                                               uint32_t timeout, Error **errp)
{
    hv_ic_no_service(errp);
    return NULL;
}

void coroutine_fn qmp_hv_kvp_set(const char *key, const char *value,
                                 bool has_type, HypervKvpType type,
                                 bool has_pool, HypervKvpPool pool,
                                 bool has_timeout, uint32_t timeout,
                                 Error **errp)
{
    hv_ic_no_service(errp);
}

void coroutine_fn qmp_hv_kvp_delete(const char *key, bool has_pool,
                                    HypervKvpPool pool, bool has_timeout,
                                    uint32_t timeout, Error **errp)
{
    hv_ic_no_service(errp);
}

HypervIpConfig *coroutine_fn qmp_hv_kvp_get_ip(const char *id,
                                               bool has_timeout,
                                               uint32_t timeout, Error **errp)
{
    hv_ic_no_service(errp);
    return NULL;
}

void coroutine_fn qmp_hv_kvp_set_ip(const char *id, HypervIpConfig *config,
                                    bool has_timeout, uint32_t timeout,
                                    Error **errp)
{
    hv_ic_no_service(errp);
}

void coroutine_fn qmp_hv_vss_freeze(bool has_timeout, uint32_t timeout,
                                    bool has_thaw_after, uint32_t thaw_after,
                                    Error **errp)
{
    hv_ic_no_service(errp);
}

void coroutine_fn qmp_hv_vss_thaw(bool has_timeout, uint32_t timeout,
                                  Error **errp)
{
    hv_ic_no_service(errp);
}

void coroutine_fn qmp_hv_copy_file(const char *source, const char *directory,
                                   const char *name, bool has_overwrite,
                                   bool overwrite, bool has_create_directory,
                                   bool create_directory, bool has_timeout,
                                   uint32_t timeout, Error **errp)
{
    hv_ic_no_service(errp);
}
