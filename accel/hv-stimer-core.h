/*
 * Synthetic timers: register rules and expiry arithmetic
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_STIMER_CORE_H
#define HV_STIMER_CORE_H

#include "hv-defs.h"

/*
 * The shortest period, 100 us: each expiry costs the host a wake-up, and a
 * guest must not be able to keep QEMU's main loop busy.  TLFS 12.3 lets a
 * signal arrive any time after its expiry.
 */
#define HV_STIMER_MIN_PERIOD_100NS      1000

/* Expiries of a periodic timer that is not lazy which are made up for */
#define HV_STIMER_MAX_CATCH_UP          8

/* True if a guest may write @config into a STIMERx_CONFIG register */
bool hv_stimer_config_valid(uint64_t config);

/* @config as it reads back: an enabled timer needs a target to tell */
uint64_t hv_stimer_config_fix(uint64_t config);

/* What a write of @count makes of @config: count 0 stops the timer */
uint64_t hv_stimer_config_after_count(uint64_t config, uint64_t count);

/*
 * First expiry of a timer that is enabled at @now: @count itself for one-shot
 * timers, one period ahead for periodic ones.  0: it does not run.
 */
uint64_t hv_stimer_first_expiry(uint64_t config, uint64_t count, uint64_t now);

/*
 * The expiry after @expires of a periodic timer, in phase with it.  A lazy
 * timer skips what it missed; another one makes up for some of it.
 */
uint64_t hv_stimer_next_expiry(uint64_t config, uint64_t count,
                               uint64_t expires, uint64_t now);

/*
 * When to signal @expires: a periodic timer that is late has its period
 * halved until it has caught up, so the result may be later than @expires.
 */
uint64_t hv_stimer_signal_time(uint64_t count, uint64_t expires, uint64_t now);

#endif /* HV_STIMER_CORE_H */
