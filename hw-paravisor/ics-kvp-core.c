/*
 * Integration services: key-value pairs and network configurations on the wire
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "ics-kvp-core.h"

#define HV_IC_IP_SEPARATOR  ";"

uint32_t hv_ic_utf16_put(uint8_t *buf, uint32_t buf_bytes, const char *text)
{
    glong units = 0;
    g_autofree gunichar2 *utf16 = g_utf8_to_utf16(text, -1, NULL, &units,
                                                  NULL);

    memset(buf, 0, buf_bytes);
    if (!utf16 || (uint64_t)units * 2 + 2 > buf_bytes) {
        return 0;
    }
    for (glong i = 0; i < units; i++) {
        stw_le_p(buf + 2 * i, utf16[i]);
    }
    return units * 2 + 2;
}

char *hv_ic_utf16_get(const uint8_t *buf, uint32_t bytes)
{
    g_autofree gunichar2 *utf16 = g_new(gunichar2, bytes / 2 + 1);
    uint32_t units = 0;

    while (units < bytes / 2) {
        utf16[units] = lduw_le_p(buf + 2 * units);
        if (!utf16[units]) {
            break;
        }
        units++;
    }
    return g_utf16_to_utf8(utf16, units, NULL, NULL, NULL);
}

void hv_ic_kvp_item_clear(HvIcKvpItem *item)
{
    g_clear_pointer(&item->key, g_free);
    g_clear_pointer(&item->value, g_free);
}

static bool hv_ic_kvp_put_key(uint8_t *buf, const char *key,
                              uint32_t *key_bytes, const char **why)
{
    *key_bytes = hv_ic_utf16_put(buf, HV_IC_KVP_KEY_BYTES, key);
    /* an empty one is how old daemons say that there are no more */
    if (*key_bytes <= 2) {
        *why = "the key is empty, too long, or not UTF-8";
        return false;
    }
    return true;
}

static bool hv_ic_kvp_put_value(HvIcKvpValueWire *wire,
                                const HvIcKvpItem *item, const char **why)
{
    uint32_t bytes = 0;
    uint64_t number;

    switch (item->type) {
    case HV_IC_KVP_STRING:
        bytes = hv_ic_utf16_put(wire->value, sizeof(wire->value), item->value);
        break;
    case HV_IC_KVP_U32:
        if (!qemu_strtou64(item->value, NULL, 10, &number) &&
            number <= UINT32_MAX) {
            stl_le_p(wire->value, number);
            bytes = 4;
        }
        break;
    case HV_IC_KVP_U64:
        if (!qemu_strtou64(item->value, NULL, 10, &number)) {
            stq_le_p(wire->value, number);
            bytes = 8;
        }
        break;
    }
    if (!bytes) {
        *why = "the value is too long, not UTF-8, or not a number of its type";
        return false;
    }
    /* the registry's number is 11; Linux knows 8 */
    wire->type = cpu_to_le32(item->type == HV_IC_KVP_U64 ? HV_IC_KVP_U64_LINUX
                                                         : item->type);
    wire->value_bytes = cpu_to_le32(bytes);
    return true;
}

bool hv_ic_kvp_build_set(HvIcKvpWire *wire, uint8_t pool,
                         const HvIcKvpItem *item, const char **why)
{
    uint32_t key_bytes;

    memset(wire, 0, sizeof(*wire));
    wire->operation = HV_IC_KVP_SET;
    wire->pool = pool;
    if (!hv_ic_kvp_put_key(wire->value.key, item->key, &key_bytes, why) ||
        !hv_ic_kvp_put_value(&wire->value, item, why)) {
        return false;
    }
    wire->value.key_bytes = cpu_to_le32(key_bytes);
    return true;
}

bool hv_ic_kvp_build_delete(HvIcKvpWire *wire, uint8_t pool, const char *key,
                            const char **why)
{
    uint32_t key_bytes;

    memset(wire, 0, sizeof(*wire));
    wire->operation = HV_IC_KVP_DELETE;
    wire->pool = pool;
    if (!hv_ic_kvp_put_key(wire->del.key, key, &key_bytes, why)) {
        return false;
    }
    wire->del.key_bytes = cpu_to_le32(key_bytes);
    return true;
}

void hv_ic_kvp_build_enumerate(HvIcKvpWire *wire, uint8_t pool, uint32_t idx)
{
    memset(wire, 0, sizeof(*wire));
    wire->operation = HV_IC_KVP_ENUMERATE;
    wire->pool = pool;
    wire->item.idx = cpu_to_le32(idx);
}

static bool hv_ic_kvp_parse_value(const HvIcKvpValueWire *wire,
                                  HvIcKvpItem *item)
{
    uint32_t value_bytes = le32_to_cpu(wire->value_bytes);

    switch (item->type) {
    case HV_IC_KVP_STRING:
    case HV_IC_KVP_EXPAND_STRING:
        item->type = HV_IC_KVP_STRING;
        item->value = hv_ic_utf16_get(wire->value, value_bytes);
        return item->value;
    case HV_IC_KVP_U32:
        item->value = g_strdup_printf("%" PRIu32, ldl_le_p(wire->value));
        return value_bytes == 4;
    case HV_IC_KVP_U64:
    case HV_IC_KVP_U64_LINUX:
        item->type = HV_IC_KVP_U64;
        item->value = g_strdup_printf("%" PRIu64, ldq_le_p(wire->value));
        return value_bytes == 8;
    default:
        return false;
    }
}

bool hv_ic_kvp_parse_item(const uint8_t *body, uint32_t body_bytes,
                          HvIcKvpItem *item, const char **why)
{
    const HvIcKvpValueWire *wire = (const void *)(body +
        offsetof(HvIcKvpWire, item.value));
    HvIcKvpValueWire value;

    *item = (HvIcKvpItem) { 0 };
    if (body_bytes < sizeof(HvIcKvpWire)) {
        *why = "the guest's answer is too short";
        return false;
    }
    memcpy(&value, wire, sizeof(value));
    if (le32_to_cpu(value.key_bytes) > sizeof(value.key) ||
        le32_to_cpu(value.value_bytes) > sizeof(value.value)) {
        *why = "the guest's answer has a length out of range";
        return false;
    }
    item->type = le32_to_cpu(value.type);
    item->key = hv_ic_utf16_get(value.key, le32_to_cpu(value.key_bytes));
    if (!item->key || !hv_ic_kvp_parse_value(&value, item)) {
        hv_ic_kvp_item_clear(item);
        *why = "the guest's answer has no valid key or value";
        return false;
    }
    return true;
}

void hv_ic_ip_config_clear(HvIcIpConfig *config)
{
    g_clear_pointer(&config->addresses, g_strfreev);
    g_clear_pointer(&config->subnets, g_strfreev);
    g_clear_pointer(&config->gateways, g_strfreev);
    g_clear_pointer(&config->dns_servers, g_strfreev);
}

static bool hv_ic_ip_put_list(uint8_t *buf, uint32_t buf_bytes, char **list,
                              const char **why)
{
    g_autofree char *text = g_strjoinv(HV_IC_IP_SEPARATOR, list);

    if (!hv_ic_utf16_put(buf, buf_bytes, text)) {
        *why = "a list of addresses is too long, or not UTF-8";
        return false;
    }
    return true;
}

bool hv_ic_kvp_build_get_ip(HvIcKvpIpWire *wire, const char *adapter,
                            const char **why)
{
    memset(wire, 0, sizeof(*wire));
    wire->operation = HV_IC_KVP_GET_IP;
    if (hv_ic_utf16_put(wire->adapter, sizeof(wire->adapter), adapter) <= 2) {
        *why = "the adapter's id is empty, too long, or not UTF-8";
        return false;
    }
    wire->family = HV_IC_IP_FAMILY_V4 | HV_IC_IP_FAMILY_V6;
    return true;
}

bool hv_ic_kvp_build_set_ip(HvIcKvpIpWire *wire, const char *adapter,
                            const HvIcIpConfig *config, const char **why)
{
    if (!hv_ic_kvp_build_get_ip(wire, adapter, why)) {
        return false;
    }
    wire->operation = HV_IC_KVP_SET_IP;
    wire->family = config->family;
    wire->dhcp = config->dhcp;
    return hv_ic_ip_put_list(wire->addresses, sizeof(wire->addresses),
                             config->addresses, why) &&
           hv_ic_ip_put_list(wire->subnets, sizeof(wire->subnets),
                             config->subnets, why) &&
           hv_ic_ip_put_list(wire->gateways, sizeof(wire->gateways),
                             config->gateways, why) &&
           hv_ic_ip_put_list(wire->dns_servers, sizeof(wire->dns_servers),
                             config->dns_servers, why);
}

/* The items of a list; empty ones, as Linux puts at its end, are left out */
static char **hv_ic_ip_get_list(const uint8_t *buf, uint32_t bytes)
{
    g_autofree char *text = hv_ic_utf16_get(buf, bytes);
    char **list;
    unsigned kept = 0;

    if (!text) {
        return NULL;
    }
    list = g_strsplit(text, HV_IC_IP_SEPARATOR, -1);
    for (unsigned i = 0; list[i]; i++) {
        if (*list[i]) {
            list[kept++] = list[i];
        } else {
            g_free(list[i]);
        }
    }
    list[kept] = NULL;
    return list;
}

bool hv_ic_kvp_parse_ip(const uint8_t *body, uint32_t body_bytes,
                        HvIcIpConfig *config, const char **why)
{
    g_autofree HvIcKvpIpWire *wire = NULL;

    if (body_bytes < sizeof(*wire)) {
        *why = "the guest's answer is too short";
        return false;
    }
    wire = g_memdup2(body, sizeof(*wire));
    *config = (HvIcIpConfig) {
        .family = wire->family & (HV_IC_IP_FAMILY_V4 | HV_IC_IP_FAMILY_V6),
        .dhcp = wire->dhcp,
        .addresses = hv_ic_ip_get_list(wire->addresses,
                                       sizeof(wire->addresses)),
        .subnets = hv_ic_ip_get_list(wire->subnets, sizeof(wire->subnets)),
        .gateways = hv_ic_ip_get_list(wire->gateways, sizeof(wire->gateways)),
        .dns_servers = hv_ic_ip_get_list(wire->dns_servers,
                                         sizeof(wire->dns_servers)),
    };
    if (!config->addresses || !config->subnets || !config->gateways ||
        !config->dns_servers) {
        hv_ic_ip_config_clear(config);
        *why = "the guest's answer is not text";
        return false;
    }
    return true;
}
