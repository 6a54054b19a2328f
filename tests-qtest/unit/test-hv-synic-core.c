/*
 * Unit tests of SINT values, message slots and event flags
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "accel/hyperv/hv-synic-core.h"

#define MASKED      R_HV_SINT_MASKED_MASK
#define AUTO_EOI    R_HV_SINT_AUTO_EOI_MASK
#define POLLING     R_HV_SINT_POLLING_MASK
#define PROXY       R_HV_SINT_PROXY_MASK

static void vector_below_16_must_be_masked(void)
{
    g_assert_false(hv_sint_valid(0));
    g_assert_false(hv_sint_valid(15));
    g_assert_true(hv_sint_valid(16));
    g_assert_true(hv_sint_valid(255));
    g_assert_true(hv_sint_valid(MASKED));
}

static void masked_polling_and_proxy(void)
{
    g_assert_true(hv_sint_open(0xf3) && hv_sint_interrupts(0xf3));
    g_assert_false(hv_sint_open(0xf3 | MASKED));
    g_assert_false(hv_sint_open(0xf3 | PROXY));
    g_assert_true(hv_sint_open(0xf3 | POLLING));
    g_assert_false(hv_sint_interrupts(0xf3 | POLLING));
}

static void auto_eoi_vectors(void)
{
    uint64_t sint[HV_SINT_COUNT], vectors[4] = { 1, 1, 1, 1 };

    for (unsigned i = 0; i < HV_SINT_COUNT; i++) {
        sint[i] = HV_SINT_RESET | AUTO_EOI;
    }
    sint[2] = 0xf3 | AUTO_EOI;
    sint[3] = 0x41;
    sint[4] = 0x10 | AUTO_EOI;
    hv_sint_auto_eoi_vectors(sint, vectors);
    g_assert_cmphex(vectors[0], ==, 1ull << 0x10);
    g_assert_cmphex(vectors[1], ==, 0);
    g_assert_cmphex(vectors[2], ==, 0);
    g_assert_cmphex(vectors[3], ==, 1ull << (0xf3 - 192));
}

static void taken_slot_gets_the_pending_flag(void)
{
    HvMessageWire slot = { .type = 1 };

    g_assert_false(hv_slot_claim(&slot));
    g_assert_cmphex(slot.flags, ==, HV_MSG_FLAG_PENDING);
    slot.type = HV_MSG_TYPE_NONE;
    g_assert_true(hv_slot_claim(&slot));
    memset(slot.payload, 0xee, sizeof(slot.payload));
    hv_slot_put(&slot, 7, "abc", 3);
    g_assert_cmpuint(slot.type, ==, 7);
    g_assert_cmpuint(slot.payload_bytes, ==, 3);
    g_assert_cmphex(slot.flags, ==, 0);
    g_assert_cmpmem(slot.payload, 4, "abc\0", 4);
    g_assert_cmphex(slot.payload[HV_MSG_PAYLOAD_BYTES - 1], ==, 0);
}

static void event_flag_is_new_once(void)
{
    uint8_t flags[HV_EVENT_FLAG_BYTES + 1] = { 0 };

    g_assert_true(hv_event_flag_set(flags, 0));
    g_assert_false(hv_event_flag_set(flags, 0));
    g_assert_true(hv_event_flag_set(flags, HV_EVENT_FLAG_COUNT - 1));
    g_assert_cmphex(flags[HV_EVENT_FLAG_BYTES - 1], ==, 0x80);
    g_assert_cmphex(flags[HV_EVENT_FLAG_BYTES], ==, 0);
}

#define RACE_MESSAGES 200000

typedef struct Race {
    HvMessageWire slot;
    uint32_t eom_count;         /* EOMs that the guest wrote */
    uint32_t bad_count;         /* messages whose payload was not theirs */
} Race;

/* What Linux does: take the message, free the slot, EOM if asked for */
static void *race_guest(void *opaque)
{
    Race *r = opaque;

    for (uint32_t want = 1; want <= RACE_MESSAGES; want++) {
        uint32_t type, payload;

        while (!(type = qatomic_load_acquire(&r->slot.type))) {
            g_thread_yield();
        }
        memcpy(&payload, r->slot.payload, sizeof(payload));
        r->bad_count += type != want || payload != want;
        qatomic_cmpxchg(&r->slot.type, type, HV_MSG_TYPE_NONE);
        /* the slot is free before the pending flag is read */
        smp_mb();
        if (qatomic_read(&r->slot.flags) & HV_MSG_FLAG_PENDING) {
            qatomic_inc(&r->eom_count);
        }
    }
    return NULL;
}

/* A host that waits for EOM alone must never wait for ever */
static void no_wake_up_is_lost(void)
{
    Race r = { 0 };
    GThread *guest = g_thread_new("guest", race_guest, &r);

    for (uint32_t i = 1; i <= RACE_MESSAGES; i++) {
        uint32_t seen = qatomic_read(&r.eom_count);

        while (!hv_slot_claim(&r.slot)) {
            int64_t end = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;

            while (qatomic_read(&r.eom_count) == seen) {
                g_assert_cmpint(g_get_monotonic_time(), <, end);
                g_thread_yield();
            }
            seen = qatomic_read(&r.eom_count);
        }
        hv_slot_put(&r.slot, i, &i, sizeof(i));
    }
    g_thread_join(guest);
    g_assert_cmpuint(r.bad_count, ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hv-synic/vector-below-16-must-be-masked",
                    vector_below_16_must_be_masked);
    g_test_add_func("/hv-synic/masked-polling-and-proxy",
                    masked_polling_and_proxy);
    g_test_add_func("/hv-synic/auto-eoi-vectors", auto_eoi_vectors);
    g_test_add_func("/hv-synic/taken-slot-gets-the-pending-flag",
                    taken_slot_gets_the_pending_flag);
    g_test_add_func("/hv-synic/event-flag-is-new-once", event_flag_is_new_once);
    g_test_add_func("/hv-synic/no-wake-up-is-lost", no_wake_up_is_lost);
    return g_test_run();
}
