/*
 * A hostile second processor: a thread that changes words of guest RAM at full
 * speed while QEMU reads them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FLIPPER_H
#define FLIPPER_H

typedef struct Flipper Flipper;

/*
 * Write values from @values, and sometimes one bit of the present value changed,
 * to the @count 32-bit words at @words until flipper_stop().  @seed makes the
 * order repeatable.
 */
Flipper *flipper_start(uint32_t *words, unsigned count, const uint32_t *values,
                       unsigned value_count, uint32_t seed);
/* Stop, put the words back as they were, and free */
void flipper_stop(Flipper *f);

#endif /* FLIPPER_H */
