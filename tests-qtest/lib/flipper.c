/*
 * A thread that changes words of guest RAM while QEMU reads them
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "flipper.h"

struct Flipper {
    GThread *thread;
    uint32_t *words;
    uint32_t *saved;
    unsigned count;
    const uint32_t *values;
    unsigned value_count;
    GRand *rand;
    int stop;                   /* atomic */
};

static gpointer flipper_run(gpointer opaque)
{
    Flipper *f = opaque;

    while (!qatomic_read(&f->stop)) {
        for (int i = 0; i < 64; i++) {
            uint32_t *word = &f->words[g_rand_int_range(f->rand, 0, f->count)];
            uint32_t dice = g_rand_int_range(f->rand, 0, f->value_count + 2);

            if (dice < f->value_count) {
                qatomic_set(word, f->values[dice]);
            } else {
                qatomic_xor(word, 1u << g_rand_int_range(f->rand, 0, 32));
            }
        }
        /* two CPUs are enough for QEMU, the test and this */
        g_thread_yield();
    }
    return NULL;
}

Flipper *flipper_start(uint32_t *words, unsigned count, const uint32_t *values,
                       unsigned value_count, uint32_t seed)
{
    Flipper *f = g_new0(Flipper, 1);

    f->words = words;
    f->saved = g_memdup2(words, count * sizeof(*words));
    f->count = count;
    f->values = values;
    f->value_count = value_count;
    f->rand = g_rand_new_with_seed(seed);
    f->thread = g_thread_new("flipper", flipper_run, f);
    return f;
}

void flipper_stop(Flipper *f)
{
    qatomic_set(&f->stop, 1);
    g_thread_join(f->thread);
    memcpy(f->words, f->saved, f->count * sizeof(*f->words));
    g_rand_free(f->rand);
    g_free(f->saved);
    g_free(f);
}
