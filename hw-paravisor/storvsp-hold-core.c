/*
 * Storage VSP: how long a completion may wait for others
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "storvsp-hold-core.h"

void storvsp_hold_init(StorvspHold *h)
{
    *h = (StorvspHold) { .target = 1, .pause_left = STORVSP_HOLD_MIN_PAUSE };
}

void storvsp_hold_flushed(StorvspHold *h)
{
    h->held = 0;
    h->looks = 0;
}

static void storvsp_hold_shrink(StorvspHold *h, int target)
{
    h->target = MAX(target, 1);
    storvsp_hold_flushed(h);
    h->streak = 0;
    if (h->target == 1) {
        h->pause = MIN(MAX(h->pause * 2, STORVSP_HOLD_MIN_PAUSE),
                       STORVSP_HOLD_MAX_PAUSE);
        h->pause_left = h->pause;
    }
}

bool storvsp_hold_completion(StorvspHold *h, bool vp_idle)
{
    if (vp_idle) {
        if (h->held) {
            /* it ran out of work while it had something to come */
            storvsp_hold_shrink(h, h->target - 1);
        }
        return true;
    }
    if (h->target == 1) {
        if (h->pause_left) {
            h->pause_left--;
            return true;
        }
        h->target = 2;
    }
    if (++h->held < h->target) {
        return false;
    }
    storvsp_hold_flushed(h);
    h->pause = 0;
    if (++h->streak == STORVSP_HOLD_STREAK) {
        h->streak = 0;
        h->target = MIN(h->target + 1, STORVSP_HOLD_MAX);
    }
    return true;
}

bool storvsp_hold_look(StorvspHold *h, bool vp_idle)
{
    if (!vp_idle && ++h->looks < STORVSP_HOLD_LOOKS) {
        return false;
    }
    storvsp_hold_shrink(h, h->held - 1);
    return true;
}
