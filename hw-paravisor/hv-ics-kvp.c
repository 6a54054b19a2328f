/*
 * hv-ic-kvp: key-value pairs and network configuration of the guest
 *
 * The pairs are kept by a daemon in the guest; nothing is kept here.  Single pairs
 * are read by enumeration too: the pool that a guest makes up has no other way,
 * and Linux's answer to GET lacks the first four characters of the value.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qemu/module.h"
#include "ics-internal.h"
#include "ics-kvp-core.h"

#define HV_IC_KVP_TIMEOUT_S     10
/* pairs of a pool; a guest that goes on is stopped here */
#define HV_IC_KVP_MAX_ITEMS     1024

OBJECT_DECLARE_SIMPLE_TYPE(HvIcKvp, HV_IC_KVP)

struct HvIcKvp {
    HvIc parent_obj;
};

static const HvIcProtocol hv_ic_kvp_protocol = {
    .msg_type = HV_IC_MSG_KVP,
    .framework_count = 2,
    .frameworks = { { 1, 0 }, { 3, 0 } },
    .message_count = 3,
    .messages = { { 1, 0 }, { 3, 0 }, { 4, 0 } },
};

/* The numbers on the wire */
QEMU_BUILD_BUG_ON(HYPERV_KVP_POOL_EXTERNAL != 0);
QEMU_BUILD_BUG_ON(HYPERV_KVP_POOL__MAX != HV_IC_KVP_POOL_COUNT);

static int64_t hv_ic_kvp_timeout_ms(bool has_timeout, uint32_t timeout)
{
    return (has_timeout ? timeout : HV_IC_KVP_TIMEOUT_S) * 1000LL;
}

static HypervKvpType hv_ic_kvp_qapi_type(uint32_t type)
{
    switch (type) {
    case HV_IC_KVP_U32:
        return HYPERV_KVP_TYPE_U32;
    case HV_IC_KVP_U64:
        return HYPERV_KVP_TYPE_U64;
    default:
        return HYPERV_KVP_TYPE_STRING;
    }
}

static uint32_t hv_ic_kvp_wire_type(HypervKvpType type)
{
    switch (type) {
    case HYPERV_KVP_TYPE_U32:
        return HV_IC_KVP_U32;
    case HYPERV_KVP_TYPE_U64:
        return HV_IC_KVP_U64;
    default:
        return HV_IC_KVP_STRING;
    }
}

/* 1: @item is the pair with number @idx; 0: there is none; -1: @errp is set */
static int coroutine_fn hv_ic_kvp_item_at(HvIc *ic, uint8_t pool, uint32_t idx,
                                          int64_t timeout_ms,
                                          HvIcAnswer *answer,
                                          HvIcKvpItem *item, Error **errp)
{
    HvIcKvpWire wire;
    const char *why;

    hv_ic_kvp_build_enumerate(&wire, pool, idx);
    if (!hv_ic_call(ic, &wire, sizeof(wire), timeout_ms, answer, errp)) {
        return -1;
    }
    if (answer->status == HV_IC_STATUS_NO_MORE) {
        return 0;
    }
    if (answer->status != HV_IC_STATUS_OK) {
        error_setg(errp, "the guest cannot read the pool: %s (0x%08x)",
                   hv_ic_status_text(answer->status), answer->status);
        return -1;
    }
    if (!hv_ic_kvp_parse_item(answer->body, answer->body_bytes, item, &why)) {
        error_setg(errp, "%s", why);
        return -1;
    }
    return 1;
}

HypervKvpItemList *coroutine_fn qmp_hv_kvp_get(HypervKvpPool pool,
                                               const char *key,
                                               bool has_timeout,
                                               uint32_t timeout, Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    g_autoptr(HypervKvpItemList) list = NULL;
    HypervKvpItemList **tail = &list;
    HvIc *ic = hv_ic_find(TYPE_HV_IC_KVP, errp);
    int64_t left_ms = hv_ic_kvp_timeout_ms(has_timeout, timeout);
    int64_t end_ms = qemu_clock_get_ms(QEMU_CLOCK_REALTIME) + left_ms;

    for (uint32_t idx = 0; ic && idx < HV_IC_KVP_MAX_ITEMS; idx++) {
        HypervKvpItem *info;
        HvIcKvpItem item;
        int r;

        r = hv_ic_kvp_item_at(ic, pool, idx, MAX(left_ms, 0), answer, &item,
                              errp);
        if (r < 0) {
            return NULL;
        }
        if (r == 0) {
            break;
        }
        if (!key || !strcmp(key, item.key)) {
            info = g_new0(HypervKvpItem, 1);
            info->key = g_steal_pointer(&item.key);
            info->value = g_steal_pointer(&item.value);
            info->type = hv_ic_kvp_qapi_type(item.type);
            QAPI_LIST_APPEND(tail, info);
        }
        hv_ic_kvp_item_clear(&item);
        if (key && list) {
            break;
        }
        left_ms = end_ms - qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
        /* an unplug may have come between two answers */
        ic = hv_ic_find(TYPE_HV_IC_KVP, errp);
    }
    if (!ic) {
        return NULL;
    }
    if (key && !list) {
        error_setg(errp, "the guest has no pair with key '%s' in pool %s", key,
                   HypervKvpPool_str(pool));
        return NULL;
    }
    return g_steal_pointer(&list);
}

void coroutine_fn qmp_hv_kvp_set(const char *key, const char *value,
                                 bool has_type, HypervKvpType type,
                                 bool has_pool, HypervKvpPool pool,
                                 bool has_timeout, uint32_t timeout,
                                 Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    HvIc *ic = hv_ic_find(TYPE_HV_IC_KVP, errp);
    HvIcKvpItem item = {
        .type = hv_ic_kvp_wire_type(has_type ? type : HYPERV_KVP_TYPE_STRING),
        .key = (char *)key,
        .value = (char *)value,
    };
    HvIcKvpWire wire;
    const char *why;

    if (!ic) {
        return;
    }
    if (!hv_ic_kvp_build_set(&wire, has_pool ? pool : 0, &item, &why)) {
        error_setg(errp, "%s", why);
        return;
    }
    hv_ic_call_ok(ic, "to set the key", &wire, sizeof(wire),
                  hv_ic_kvp_timeout_ms(has_timeout, timeout), answer, errp);
}

void coroutine_fn qmp_hv_kvp_delete(const char *key, bool has_pool,
                                    HypervKvpPool pool, bool has_timeout,
                                    uint32_t timeout, Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    HvIc *ic = hv_ic_find(TYPE_HV_IC_KVP, errp);
    HvIcKvpWire wire;
    const char *why;

    if (!ic) {
        return;
    }
    if (!hv_ic_kvp_build_delete(&wire, has_pool ? pool : 0, key, &why)) {
        error_setg(errp, "%s", why);
        return;
    }
    hv_ic_call_ok(ic, "to delete the key", &wire, sizeof(wire),
                  hv_ic_kvp_timeout_ms(has_timeout, timeout), answer, errp);
}

/*
 * What the guest calls the adapter: Linux wants the MAC address to read the
 * configuration and the VMBus instance id to set it.  An @id that is not one of a
 * device is passed as it is.
 */
static char *hv_ic_kvp_adapter(const char *id, bool by_mac)
{
    Object *dev = *id == '/' ? object_resolve_path(id, NULL)
        : object_resolve_path_component(machine_get_container("peripheral"),
                                        id);
    char guid[UUID_STR_LEN];

    if (by_mac && dev && object_property_find(dev, "mac")) {
        char *mac = object_property_get_str(dev, "mac", NULL);

        for (char *c = mac; c && *c; c++) {
            *c = g_ascii_toupper(*c);
        }
        return mac;
    }
    if (dev && object_dynamic_cast(dev, TYPE_HVBUS_DEVICE)) {
        qemu_uuid_unparse(&HVBUS_DEVICE(dev)->instance_id, guid);
        return g_strdup_printf("{%s}", guid);
    }
    return g_strdup(id);
}

static bool hv_ic_kvp_has_ip(HvIc *ic, Error **errp)
{
    if (ic && ic->core.state == HV_IC_READY &&
        !hv_ic_core_speaks(&ic->core, 4, 0)) {
        error_setg(errp, "the guest's version %u.%u of the service has no "
                   "network configuration", ic->core.message.major,
                   ic->core.message.minor);
        return false;
    }
    return ic;
}

static strList *hv_ic_kvp_list(char **items)
{
    strList *list = NULL, **tail = &list;

    for (; *items; items++) {
        QAPI_LIST_APPEND(tail, g_strdup(*items));
    }
    return list;
}

HypervIpConfig *coroutine_fn qmp_hv_kvp_get_ip(const char *id,
                                               bool has_timeout,
                                               uint32_t timeout, Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    g_autofree HvIcKvpIpWire *wire = g_new(HvIcKvpIpWire, 1);
    g_autofree char *adapter = hv_ic_kvp_adapter(id, true);
    HvIc *ic = hv_ic_find(TYPE_HV_IC_KVP, errp);
    HypervIpConfig *info;
    HvIcIpConfig config;
    const char *why;

    if (!hv_ic_kvp_has_ip(ic, errp)) {
        return NULL;
    }
    if (!hv_ic_kvp_build_get_ip(wire, adapter, &why)) {
        error_setg(errp, "%s", why);
        return NULL;
    }
    if (!hv_ic_call_ok(ic, "to read the adapter", wire, sizeof(*wire),
                       hv_ic_kvp_timeout_ms(has_timeout, timeout), answer,
                       errp)) {
        return NULL;
    }
    if (!hv_ic_kvp_parse_ip(answer->body, answer->body_bytes, &config, &why)) {
        error_setg(errp, "%s", why);
        return NULL;
    }
    info = g_new0(HypervIpConfig, 1);
    info->family = config.family;
    info->dhcp = config.dhcp;
    info->addresses = hv_ic_kvp_list(config.addresses);
    info->subnets = hv_ic_kvp_list(config.subnets);
    info->gateways = hv_ic_kvp_list(config.gateways);
    info->dns_servers = hv_ic_kvp_list(config.dns_servers);
    hv_ic_ip_config_clear(&config);
    return info;
}

QEMU_BUILD_BUG_ON(HYPERV_IP_FAMILY_IPV4 != HV_IC_IP_FAMILY_V4);
QEMU_BUILD_BUG_ON(HYPERV_IP_FAMILY_IPV6 != HV_IC_IP_FAMILY_V6);

static char **hv_ic_kvp_items(const strList *list)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new();

    for (; list; list = list->next) {
        g_ptr_array_add(items, g_strdup(list->value));
    }
    g_ptr_array_add(items, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&items), false);
}

void coroutine_fn qmp_hv_kvp_set_ip(const char *id, HypervIpConfig *info,
                                    bool has_timeout, uint32_t timeout,
                                    Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    g_autofree HvIcKvpIpWire *wire = g_new(HvIcKvpIpWire, 1);
    g_autofree char *adapter = hv_ic_kvp_adapter(id, false);
    HvIc *ic = hv_ic_find(TYPE_HV_IC_KVP, errp);
    HvIcIpConfig config;
    const char *why;
    bool built;

    if (!hv_ic_kvp_has_ip(ic, errp)) {
        return;
    }
    config = (HvIcIpConfig) {
        .family = info->family,
        .dhcp = info->dhcp,
        .addresses = hv_ic_kvp_items(info->addresses),
        .subnets = hv_ic_kvp_items(info->subnets),
        .gateways = hv_ic_kvp_items(info->gateways),
        .dns_servers = hv_ic_kvp_items(info->dns_servers),
    };
    built = hv_ic_kvp_build_set_ip(wire, adapter, &config, &why);
    hv_ic_ip_config_clear(&config);
    if (!built) {
        error_setg(errp, "%s", why);
        return;
    }
    hv_ic_call_ok(ic, "to configure the adapter", wire, sizeof(*wire),
                  hv_ic_kvp_timeout_ms(has_timeout, timeout), answer, errp);
}

static const VMStateDescription vmstate_hv_ic_kvp = {
    .name = TYPE_HV_IC_KVP,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_HV_IC(parent_obj, HvIcKvp),
        VMSTATE_END_OF_LIST()
    }
};

static void hv_ic_kvp_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvIcClass *k = HV_IC_CLASS(klass);

    dc->desc = "Hyper-V integration service: key-value pairs";
    dc->vmsd = &vmstate_hv_ic_kvp;
    HVBUS_DEVICE_CLASS(klass)->if_type = (QemuUUID) {
        .data = UUID(0xa9a0f4e7, 0x5a45, 0x4d96, 0xb8, 0x27,
                     0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6)
    };
    k->instance_id = (QemuUUID) {
        .data = UUID(0x242ff919, 0x07db, 0x4180, 0x9c, 0x2e,
                     0xb8, 0x6c, 0xb6, 0x8c, 0x8c, 0x55)
    };
    k->protocol = &hv_ic_kvp_protocol;
}

static const TypeInfo hv_ic_kvp_types[] = {
    {
        .name = TYPE_HV_IC_KVP,
        .parent = TYPE_HV_IC,
        .instance_size = sizeof(HvIcKvp),
        .class_init = hv_ic_kvp_class_init,
    },
};

DEFINE_TYPES(hv_ic_kvp_types)
