/*
 * Sets of VPs in hypercall inputs (TLFS 7.8.7.3): mask and sparse form -> bitmap
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_VPSET_CORE_H
#define HV_VPSET_CORE_H

#include "hv-defs.h"

#define HV_VPSET_SPARSE                 0
#define HV_VPSET_ALL                    1
#define HV_VPSET_BANK_COUNT             64
#define HV_VPSET_BANK_VPS               64

typedef struct HvVpSet {
    bool all;
    uint64_t bank[HV_VPSET_BANK_COUNT];
} HvVpSet;

/* The VPs 0..63 of @mask */
void hv_vpset_from_mask(HvVpSet *set, uint64_t mask);

/* Every VP there is */
void hv_vpset_fill(HvVpSet *set);

/*
 * @format, @valid_banks: as the guest wrote them, in host order; @banks: copied
 * input, one little-endian qword for each bit of @valid_banks.
 */
HvStatus hv_vpset_parse(HvVpSet *set, uint64_t format, uint64_t valid_banks,
                        const void *banks, unsigned bank_count);

/* VPs beyond the banks are in the set only if it holds all */
bool hv_vpset_has(const HvVpSet *set, uint32_t vp);

#endif /* HV_VPSET_CORE_H */
