/*
 * Synthetic timers: register rules and expiry arithmetic (TLFS 12.3)
 *
 * All times are reference time in units of 100 ns.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "hv-stimer-core.h"
#include "hv-synic-core.h"

#define CONFIG_DEFINED                                                  \
    (R_HV_STIMER_ENABLE_MASK | R_HV_STIMER_PERIODIC_MASK                \
     | R_HV_STIMER_LAZY_MASK | R_HV_STIMER_AUTO_ENABLE_MASK             \
     | R_HV_STIMER_APIC_VECTOR_MASK | R_HV_STIMER_DIRECT_MODE_MASK      \
     | R_HV_STIMER_SINTX_MASK)

bool hv_stimer_config_valid(uint64_t config)
{
    if (config & ~(uint64_t)CONFIG_DEFINED) {
        return false;
    }
    return !FIELD_EX64(config, HV_STIMER, DIRECT_MODE)
        || !(config & (R_HV_STIMER_ENABLE_MASK | R_HV_STIMER_AUTO_ENABLE_MASK))
        || FIELD_EX64(config, HV_STIMER, APIC_VECTOR) >= HV_FIRST_VALID_VECTOR;
}

uint64_t hv_stimer_config_fix(uint64_t config)
{
    if (!FIELD_EX64(config, HV_STIMER, DIRECT_MODE)
        && !FIELD_EX64(config, HV_STIMER, SINTX)) {
        config &= ~(uint64_t)R_HV_STIMER_ENABLE_MASK;
    }
    return config;
}

uint64_t hv_stimer_config_after_count(uint64_t config, uint64_t count)
{
    if (!count) {
        config &= ~(uint64_t)R_HV_STIMER_ENABLE_MASK;
    } else if (FIELD_EX64(config, HV_STIMER, AUTO_ENABLE)) {
        config |= R_HV_STIMER_ENABLE_MASK;
    }
    return hv_stimer_config_fix(config);
}

/* Reference time never gets near the end, so a sum that does is "never" */
static uint64_t time_add(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return uadd64_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t period(uint64_t count)
{
    return MAX(count, HV_STIMER_MIN_PERIOD_100NS);
}

uint64_t hv_stimer_first_expiry(uint64_t config, uint64_t count, uint64_t now)
{
    if (!FIELD_EX64(config, HV_STIMER, ENABLE) || !count) {
        return 0;
    }
    return FIELD_EX64(config, HV_STIMER, PERIODIC)
        ? time_add(now, period(count)) : count;
}

uint64_t hv_stimer_next_expiry(uint64_t config, uint64_t count,
                               uint64_t expires, uint64_t now)
{
    uint64_t next = time_add(expires, period(count));
    uint64_t missed, kept;

    if (next > now) {
        return next;
    }
    missed = (now - next) / period(count) + 1;
    kept = FIELD_EX64(config, HV_STIMER, LAZY) ? 0 : HV_STIMER_MAX_CATCH_UP;
    if (missed <= kept) {
        return next;
    }
    return time_add(next, (missed - kept) * period(count));
}

uint64_t hv_stimer_signal_time(uint64_t count, uint64_t expires, uint64_t now)
{
    if (expires > now) {
        return expires;
    }
    return time_add(now, MAX(period(count) / 2, HV_STIMER_MIN_PERIOD_100NS));
}
