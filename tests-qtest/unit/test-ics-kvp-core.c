/*
 * Unit tests of the key-value pairs' wire format
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/cutils.h"
#include "hw/paravisor/ics-kvp-core.h"

/* U+00FC, U+4F60, U+1F600: one, one and two UTF-16 units */
#define TEXT        "\xc3\xbc\xe4\xbd\xa0\xf0\x9f\x98\x80"
#define TEXT_UNITS  4

static const char *why;

static void test_utf16_round_trip(void)
{
    uint8_t buf[32];
    g_autofree char *back = NULL;
    uint32_t bytes = hv_ic_utf16_put(buf, sizeof(buf), TEXT);

    g_assert_cmpuint(bytes, ==, 2 * TEXT_UNITS + 2);
    g_assert_cmphex(lduw_le_p(buf), ==, 0xfc);
    g_assert_cmphex(lduw_le_p(buf + 2), ==, 0x4f60);
    g_assert_cmphex(lduw_le_p(buf + 4), ==, 0xd83d);
    g_assert_true(buffer_is_zero(buf + 8, sizeof(buf) - 8));
    back = hv_ic_utf16_get(buf, bytes);
    g_assert_cmpstr(back, ==, TEXT);
}

static void test_utf16_limits(void)
{
    uint8_t buf[8];
    uint32_t bytes;

    g_assert_cmpuint(hv_ic_utf16_put(buf, sizeof(buf), "abc"), ==, 8);
    g_assert_cmpuint(hv_ic_utf16_put(buf, sizeof(buf), "abcd"), ==, 0);
    g_assert_cmpuint(hv_ic_utf16_put(buf, sizeof(buf), "\xff"), ==, 0);
    g_assert_cmpuint(hv_ic_utf16_put(buf, sizeof(buf), ""), ==, 2);
    /* no NUL: the bytes end it; an odd byte is none */
    memcpy(buf, "a\0b\0c\0d\0", 8);
    for (bytes = 0; bytes <= 8; bytes++) {
        g_autofree char *text = hv_ic_utf16_get(buf, bytes);

        g_assert_cmpuint(strlen(text), ==, bytes / 2);
    }
    /* half a surrogate pair */
    stw_le_p(buf, 0xd83d);
    g_assert_null(hv_ic_utf16_get(buf, 2));
    g_assert_null(hv_ic_utf16_get(buf, 8));
}

static void test_set(void)
{
    HvIcKvpWire wire;
    HvIcKvpItem item = { HV_IC_KVP_STRING, (char *)"key", (char *)"value" };

    g_assert(hv_ic_kvp_build_set(&wire, 1, &item, &why));
    g_assert_cmpuint(wire.operation, ==, HV_IC_KVP_SET);
    g_assert_cmpuint(wire.pool, ==, 1);
    g_assert_cmpuint(ldl_le_p(&wire.value.type), ==, 1);
    g_assert_cmpuint(ldl_le_p(&wire.value.key_bytes), ==, 8);
    g_assert_cmpuint(ldl_le_p(&wire.value.value_bytes), ==, 12);
    g_assert_cmpmem(wire.value.key, 8, "k\0e\0y\0\0\0", 8);
    item.type = HV_IC_KVP_U32;
    item.value = (char *)"4294967295";
    g_assert(hv_ic_kvp_build_set(&wire, 1, &item, &why));
    g_assert_cmpuint(ldl_le_p(&wire.value.type), ==, HV_IC_KVP_U32);
    g_assert_cmphex((uint32_t)ldl_le_p(wire.value.value), ==, UINT32_MAX);
    item.value = (char *)"4294967296";
    g_assert(!hv_ic_kvp_build_set(&wire, 1, &item, &why));
    item.type = HV_IC_KVP_U64;
    g_assert(hv_ic_kvp_build_set(&wire, 1, &item, &why));
    g_assert_cmpuint(ldl_le_p(&wire.value.type), ==, HV_IC_KVP_U64_LINUX);
    g_assert_cmphex(ldq_le_p(wire.value.value), ==, 0x100000000);
    item.value = (char *)"12x";
    g_assert(!hv_ic_kvp_build_set(&wire, 1, &item, &why));
}

static void test_set_limits(void)
{
    HvIcKvpWire wire;

    for (int key = 254; key <= 256; key++) {
        for (int value = 1022; value <= 1024; value++) {
            g_autofree char *k = g_strnfill(key, 'k');
            g_autofree char *v = g_strnfill(value, 'v');
            HvIcKvpItem item = { HV_IC_KVP_STRING, k, v };

            g_assert_cmpint(hv_ic_kvp_build_set(&wire, 0, &item, &why), ==,
                            key <= 255 && value <= 1023);
            g_assert_cmpint(hv_ic_kvp_build_delete(&wire, 0, k, &why), ==,
                            key <= 255);
        }
    }
    g_assert(!hv_ic_kvp_build_delete(&wire, 0, "", &why));
}

static void put_item(HvIcKvpWire *wire, uint32_t type, uint32_t key_bytes,
                     uint32_t value_bytes)
{
    hv_ic_kvp_build_enumerate(wire, 2, 7);
    g_assert_cmpuint(wire->operation, ==, HV_IC_KVP_ENUMERATE);
    g_assert_cmpuint(ldl_le_p(&wire->item.idx), ==, 7);
    hv_ic_utf16_put(wire->item.value.key, 512, "key");
    hv_ic_utf16_put(wire->item.value.value, 2048, "value");
    stl_le_p(&wire->item.value.type, type);
    stl_le_p(&wire->item.value.key_bytes, key_bytes);
    stl_le_p(&wire->item.value.value_bytes, value_bytes);
}

static bool parse(const HvIcKvpWire *wire, HvIcKvpItem *item)
{
    return hv_ic_kvp_parse_item((const uint8_t *)wire, sizeof(*wire), item,
                                &why);
}

static void test_item(void)
{
    HvIcKvpWire wire;
    HvIcKvpItem item;

    put_item(&wire, HV_IC_KVP_EXPAND_STRING, 8, 12);
    g_assert(parse(&wire, &item));
    g_assert_cmpstr(item.key, ==, "key");
    g_assert_cmpstr(item.value, ==, "value");
    g_assert_cmpuint(item.type, ==, HV_IC_KVP_STRING);
    hv_ic_kvp_item_clear(&item);

    put_item(&wire, HV_IC_KVP_U64, 8, 8);
    stq_le_p(wire.item.value.value, UINT64_MAX);
    g_assert(parse(&wire, &item));
    g_assert_cmpstr(item.value, ==, "18446744073709551615");
    hv_ic_kvp_item_clear(&item);

    put_item(&wire, HV_IC_KVP_U32, 8, 4);
    stl_le_p(wire.item.value.value, 5);
    g_assert(parse(&wire, &item));
    g_assert_cmpstr(item.value, ==, "5");
    hv_ic_kvp_item_clear(&item);
}

static void test_bad_item(void)
{
    static const struct {
        uint32_t type, key_bytes, value_bytes;
    } bad[] = {
        { HV_IC_KVP_STRING, 513, 12 }, { HV_IC_KVP_STRING, 8, 2049 },
        { HV_IC_KVP_STRING, UINT32_MAX, 12 },
        { HV_IC_KVP_STRING, 8, UINT32_MAX },
        { HV_IC_KVP_U32, 8, 5 }, { HV_IC_KVP_U64, 8, 4 },
        { 0, 8, 12 }, { 3, 8, 12 }, { UINT32_MAX, 8, 12 },
    };
    HvIcKvpWire wire;
    HvIcKvpItem item;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        put_item(&wire, bad[i].type, bad[i].key_bytes, bad[i].value_bytes);
        g_assert(!parse(&wire, &item));
    }
    put_item(&wire, HV_IC_KVP_STRING, 512, 2048);
    for (uint32_t n = 0; n < sizeof(wire); n++) {
        g_assert(!hv_ic_kvp_parse_item((uint8_t *)&wire, n, &item, &why));
    }
    stw_le_p(wire.item.value.value, 0xdc00);
    g_assert(!parse(&wire, &item));
    /* full to the last byte, without a NUL */
    memset(wire.item.value.key, 'a', 512);
    memset(wire.item.value.value, 'b', 2048);
    g_assert(parse(&wire, &item));
    g_assert_cmpuint(g_utf8_strlen(item.value, -1), ==, 1024);
    hv_ic_kvp_item_clear(&item);
}

static void test_ip(void)
{
    char *two[] = { (char *)"10.0.0.1", (char *)"fe80::1", NULL };
    char *none[] = { NULL };
    HvIcIpConfig config = {
        .family = HV_IC_IP_FAMILY_V6, .dhcp = true,
        .addresses = two, .subnets = none, .gateways = two, .dns_servers = none,
    }, back;
    HvIcKvpIpWire wire;

    g_assert(hv_ic_kvp_build_set_ip(&wire, "{adapter}", &config, &why));
    g_assert_cmpuint(wire.operation, ==, HV_IC_KVP_SET_IP);
    g_assert_cmpuint(wire.family, ==, 2);
    g_assert_cmpuint(wire.dhcp, ==, 1);
    hv_ic_utf16_put(wire.addresses, sizeof(wire.addresses), ";1.2.3.4;;5.6.7.8;");
    for (uint32_t n = 0; n < sizeof(wire); n++) {
        g_assert(!hv_ic_kvp_parse_ip((uint8_t *)&wire, n, &back, &why));
    }
    wire.family = 0xff;
    g_assert(hv_ic_kvp_parse_ip((uint8_t *)&wire, sizeof(wire), &back, &why));
    g_assert_cmpuint(back.family, ==, 3);
    g_assert_true(back.dhcp);
    g_assert_cmpuint(g_strv_length(back.addresses), ==, 2);
    g_assert_cmpstr(back.addresses[0], ==, "1.2.3.4");
    g_assert_cmpstr(back.addresses[1], ==, "5.6.7.8");
    g_assert_cmpuint(g_strv_length(back.subnets), ==, 0);
    g_assert_cmpstr(back.gateways[1], ==, "fe80::1");
    hv_ic_ip_config_clear(&back);

    stw_le_p(wire.dns_servers, 0xd800);
    g_assert(!hv_ic_kvp_parse_ip((uint8_t *)&wire, sizeof(wire), &back, &why));
    /* no NUL anywhere */
    memset(&wire, ';', sizeof(wire));
    g_assert(hv_ic_kvp_parse_ip((uint8_t *)&wire, sizeof(wire), &back, &why));
    hv_ic_ip_config_clear(&back);
}

static void test_ip_limits(void)
{
    g_autofree char *longest = g_strnfill(127, 'a');
    g_autofree char *too_long = g_strnfill(128, 'a');
    g_autofree char *list = g_strnfill(512, '1');
    char *none[] = { NULL }, *one[] = { list, NULL };
    HvIcIpConfig config = {
        .addresses = one, .subnets = none, .gateways = none,
        .dns_servers = none,
    };
    HvIcKvpIpWire wire;

    g_assert(hv_ic_kvp_build_get_ip(&wire, longest, &why));
    g_assert(!hv_ic_kvp_build_get_ip(&wire, too_long, &why));
    g_assert(!hv_ic_kvp_build_get_ip(&wire, "", &why));
    g_assert(hv_ic_kvp_build_set_ip(&wire, "x", &config, &why));
    config.gateways = one;
    g_assert(!hv_ic_kvp_build_set_ip(&wire, "x", &config, &why));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ics-kvp/utf16_round_trip", test_utf16_round_trip);
    g_test_add_func("/ics-kvp/utf16_limits", test_utf16_limits);
    g_test_add_func("/ics-kvp/set", test_set);
    g_test_add_func("/ics-kvp/set_limits", test_set_limits);
    g_test_add_func("/ics-kvp/item", test_item);
    g_test_add_func("/ics-kvp/rejects_bad_item", test_bad_item);
    g_test_add_func("/ics-kvp/ip", test_ip);
    g_test_add_func("/ics-kvp/ip_limits", test_ip_limits);
    return g_test_run();
}
