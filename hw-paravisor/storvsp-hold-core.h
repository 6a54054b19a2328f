/*
 * Storage VSP: how long a completion may wait for others
 *
 * An interrupt costs a guest more than the request that it is for.  While the
 * guest's processor has other things to do, completions are held until there are
 * several, or for STORVSP_HOLD_LOOKS times STORVSP_HOLD_NS.  How many is learnt: more
 * while they come before the time is over, fewer when the guest ran out of other work.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef STORVSP_HOLD_CORE_H
#define STORVSP_HOLD_CORE_H

#include "qemu/osdep.h"

/* While completions are held, the guest's processor is looked at so often ... */
#define STORVSP_HOLD_NS                 80000
/* ... and so many times at most: it has 100 us of work and more for each */
#define STORVSP_HOLD_LOOKS              10
/* Completions of a group */
#define STORVSP_HOLD_MAX                8
/* So many groups in time, and the next may have one more */
#define STORVSP_HOLD_STREAK             16
/* Completions shown at once until holding is tried again; doubles */
#define STORVSP_HOLD_MIN_PAUSE          32
#define STORVSP_HOLD_MAX_PAUSE          2048

typedef struct StorvspHold {
    uint8_t target;                     /* completions of a group */
    uint8_t held;
    uint8_t looks;                      /* since the first that is held */
    uint8_t streak;
    uint16_t pause;                     /* of the last failure */
    uint16_t pause_left;
} StorvspHold;

void storvsp_hold_init(StorvspHold *h);

/*
 * There is one completion more.  @vp_idle: the guest's processor waits for
 * something.  True: show the guest what there is; false: hold it, and call
 * storvsp_hold_look() when STORVSP_HOLD_NS have passed since the first.
 */
bool storvsp_hold_completion(StorvspHold *h, bool vp_idle);
/* True: show the guest what is held; false: look again after STORVSP_HOLD_NS */
bool storvsp_hold_look(StorvspHold *h, bool vp_idle);
/* Something else showed the guest what was held */
void storvsp_hold_flushed(StorvspHold *h);

#endif /* STORVSP_HOLD_CORE_H */
