/*
 * Sets of VPs in hypercall inputs (TLFS 7.8.7.3): mask and sparse form -> bitmap
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "hv-vpset-core.h"

void hv_vpset_from_mask(HvVpSet *set, uint64_t mask)
{
    memset(set, 0, sizeof(*set));
    set->bank[0] = mask;
}

void hv_vpset_fill(HvVpSet *set)
{
    memset(set, 0, sizeof(*set));
    set->all = true;
}

HvStatus hv_vpset_parse(HvVpSet *set, uint64_t format, uint64_t valid_banks,
                        const void *banks, unsigned bank_count)
{
    const uint8_t *next = banks;

    if (format == HV_VPSET_ALL) {
        hv_vpset_fill(set);     /* the banks mean nothing */
        return HV_STATUS_OK;
    }
    if (format != HV_VPSET_SPARSE) {
        return HV_STATUS_BAD_PARAMETER;
    }
    if (ctpop64(valid_banks) != bank_count) {
        return HV_STATUS_INVALID_INPUT;
    }
    memset(set, 0, sizeof(*set));
    for (; valid_banks; valid_banks &= valid_banks - 1) {
        set->bank[ctz64(valid_banks)] = ldq_le_p(next);
        next += sizeof(uint64_t);
    }
    return HV_STATUS_OK;
}

bool hv_vpset_has(const HvVpSet *set, uint32_t vp)
{
    if (set->all) {
        return true;
    }
    return vp < HV_VPSET_BANK_COUNT * HV_VPSET_BANK_VPS &&
        (set->bank[vp / HV_VPSET_BANK_VPS] >> (vp % HV_VPSET_BANK_VPS) & 1);
}
