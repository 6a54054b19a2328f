/*
 * Unit tests of VP sets
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "accel/hyperv/hv-vpset-core.h"

static void mask_names_first_64(void)
{
    HvVpSet set;

    hv_vpset_from_mask(&set, 0x8000000000000005ull);
    g_assert_true(hv_vpset_has(&set, 0));
    g_assert_false(hv_vpset_has(&set, 1));
    g_assert_true(hv_vpset_has(&set, 2));
    g_assert_true(hv_vpset_has(&set, 63));
    g_assert_false(hv_vpset_has(&set, 64));
    g_assert_false(hv_vpset_has(&set, 127));
    g_assert_false(hv_vpset_has(&set, UINT32_MAX));
}

static void sparse_banks_go_where_their_bit_is(void)
{
    uint64_t banks[3] = {
        cpu_to_le64(0x1), cpu_to_le64(0x8000000000000000ull), cpu_to_le64(0x2),
    };
    uint64_t valid = BIT_ULL(0) | BIT_ULL(7) | BIT_ULL(63);
    HvVpSet set;
    unsigned count = 0;

    g_assert_cmpint(hv_vpset_parse(&set, HV_VPSET_SPARSE, valid, banks, 3), ==,
                    HV_STATUS_OK);
    for (uint32_t i = 0; i < 8192; i++) {
        count += hv_vpset_has(&set, i);
    }
    g_assert_cmpuint(count, ==, 3);
    g_assert_true(hv_vpset_has(&set, 0));
    g_assert_true(hv_vpset_has(&set, 7 * 64 + 63));
    g_assert_true(hv_vpset_has(&set, 63 * 64 + 1));
}

static void all_64_banks(void)
{
    uint64_t banks[64];
    HvVpSet set;

    memset(banks, 0xff, sizeof(banks));
    g_assert_cmpint(hv_vpset_parse(&set, HV_VPSET_SPARSE, ~0ull, banks, 64), ==,
                    HV_STATUS_OK);
    for (uint32_t i = 0; i < 4096; i++) {
        g_assert_true(hv_vpset_has(&set, i));
    }
    g_assert_false(hv_vpset_has(&set, 4096));
    g_assert_false(hv_vpset_has(&set, UINT32_MAX));
}

static void empty_set_is_allowed(void)
{
    HvVpSet set;

    g_assert_cmpint(hv_vpset_parse(&set, HV_VPSET_SPARSE, 0, NULL, 0), ==,
                    HV_STATUS_OK);
    for (uint32_t i = 0; i < 4096; i++) {
        g_assert_false(hv_vpset_has(&set, i));
    }
}

static void all_ignores_banks(void)
{
    HvVpSet set;

    g_assert_cmpint(hv_vpset_parse(&set, HV_VPSET_ALL, ~0ull, NULL, 0), ==,
                    HV_STATUS_OK);
    g_assert_true(hv_vpset_has(&set, 0));
    g_assert_true(hv_vpset_has(&set, 5000));
}

static void rejects_bank_count_that_differs(void)
{
    uint64_t banks[64] = { 0 };
    HvVpSet set;

    for (unsigned count = 0; count <= 64; count++) {
        HvStatus status = hv_vpset_parse(&set, HV_VPSET_SPARSE, 0x7, banks,
                                         count);

        g_assert_cmpint(status, ==, count == 3 ? HV_STATUS_OK
                                               : HV_STATUS_INVALID_INPUT);
    }
}

static void rejects_unknown_format(void)
{
    uint64_t bank = 0;
    HvVpSet set;

    g_assert_cmpint(hv_vpset_parse(&set, 2, 1, &bank, 1), ==,
                    HV_STATUS_BAD_PARAMETER);
    g_assert_cmpint(hv_vpset_parse(&set, 1ull << 32, 1, &bank, 1), ==,
                    HV_STATUS_BAD_PARAMETER);
}

#define ADD(name) g_test_add_func("/hv-vpset/" #name, name)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD(mask_names_first_64);
    ADD(sparse_banks_go_where_their_bit_is);
    ADD(all_64_banks);
    ADD(empty_set_is_allowed);
    ADD(all_ignores_banks);
    ADD(rejects_bank_count_that_differs);
    ADD(rejects_unknown_format);
    return g_test_run();
}
