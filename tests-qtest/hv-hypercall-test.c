/*
 * Hypercalls: the status of each mistake, and what works (TLFS 3)
 *
 * The address space flushes are not here: they need a CPU with a TLB, which
 * qtest has not.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "lib/hv-guest.h"


#define BEYOND_RAM_GPA      (1ull << 40)

static HvGuest *start(void)
{
    HvGuest *g = hv_guest_start("");

    hv_guest_enable_hypercalls(g);
    return g;
}

static HvStatus call(HvGuest *g, uint64_t control, uint64_t rdx, uint64_t r8)
{
    return FIELD_EX64(hv_guest_hypercall(g, 0, control, rdx, r8),
                      HV_CALL_RESULT, STATUS);
}

static void test_needs_ring_0_and_an_os_id(void)
{
    HvGuest *g = hv_guest_start("");
    const uint64_t control = HV_CALL_NOTIFY_LONG_SPIN_WAIT | BIT(16);
    uint64_t rax;

    g_assert_cmpuint(hv_guest_hypercall_mode(g, 0, HV_TESTDEV_MODE_LONG, 0,
                                             control, 0, 0, &rax), !=,
                     HV_TESTDEV_OK);
    hv_guest_enable_hypercalls(g);
    g_assert_cmpuint(hv_guest_hypercall_mode(g, 0, HV_TESTDEV_MODE_LONG, 0,
                                             control, 0, 0, &rax), ==,
                     HV_TESTDEV_OK);
    for (unsigned cpl = 1; cpl <= 3; cpl++) {
        g_assert_cmpuint(hv_guest_hypercall_mode(g, 0, HV_TESTDEV_MODE_LONG,
                                                 cpl, control, 0, 0, &rax),
                         !=, HV_TESTDEV_OK);
    }
    g_assert_cmpuint(hv_guest_hypercall_mode(g, 0, HV_TESTDEV_MODE_REAL, 0,
                                             control, 0, 0, &rax), !=,
                     HV_TESTDEV_OK);
    hv_guest_stop(g);
}

static void test_unknown_codes_are_invalid(void)
{
    static const uint16_t codes[] = {
        0x0000, 0x0004, 0x0100, 0x0fff, 0x4000, 0x8002, 0xfffe, 0xffff,
    };
    HvGuest *g = start();

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        g_assert_cmphex(call(g, codes[i], g->call_gpa, 0), ==,
                        HV_STATUS_INVALID_CODE);
    }
    hv_guest_stop(g);
}

static void test_bad_control_words_are_invalid_input(void)
{
    static const uint64_t bits[] = {
        BIT_ULL(27), BIT_ULL(30), BIT_ULL(31), BIT_ULL(44), BIT_ULL(47),
        BIT_ULL(60), BIT_ULL(63),
        BIT_ULL(17),                /* variable header where there is none */
        BIT_ULL(32), BIT_ULL(48),   /* reps of what is not a rep hypercall */
        BIT_ULL(16),                /* 256 bytes do not fit into registers */
    };
    HvGuest *g = start();

    for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
        g_assert_cmphex(call(g, HV_CALL_POST_MESSAGE | bits[i], g->call_gpa,
                             0), ==, HV_STATUS_INVALID_INPUT);
    }
    hv_guest_stop(g);
}

static void test_input_must_be_aligned_and_in_one_page(void)
{
    HvGuest *g = start();

    for (unsigned offset = 1; offset < 8; offset++) {
        g_assert_cmphex(call(g, HV_CALL_POST_MESSAGE, g->call_gpa + offset, 0),
                        ==, HV_STATUS_BAD_ALIGNMENT);
    }
    g_assert_cmphex(call(g, HV_CALL_POST_MESSAGE,
                         g->call_gpa + HV_PAGE_SIZE - 248, 0), ==,
                    HV_STATUS_BAD_ALIGNMENT);
    /* the last place that is right: read, and then refused as a message */
    memset(hv_guest_ptr(g, g->call_gpa), 0, HV_PAGE_SIZE);
    g_assert_cmphex(call(g, HV_CALL_POST_MESSAGE,
                         g->call_gpa + HV_PAGE_SIZE - 256, 0), ==,
                    HV_STATUS_BAD_PARAMETER);
    hv_guest_stop(g);
}

static void test_input_must_be_memory(void)
{
    static const uint64_t gpas[] = {
        BEYOND_RAM_GPA, 0xfffffffffffff000ull, HV_GUEST_RAM_BYTES,
        0xfee00000, 0xfec00000, HV_TESTDEV_GPA,
    };
    HvGuest *g = start();

    for (size_t i = 0; i < ARRAY_SIZE(gpas); i++) {
        g_assert_cmphex(call(g, HV_CALL_POST_MESSAGE, gpas[i], 0), !=,
                        HV_STATUS_OK);
    }
    hv_guest_stop(g);
}

static void test_post_message_checks_its_input(void)
{
    uint8_t payload[HV_MSG_PAYLOAD_BYTES] = { 0 };
    HvGuest *g = start();

    g_assert_cmphex(hv_guest_post(g, 0, 0x1234, 1, payload, 8), ==,
                    HV_STATUS_BAD_CONNECTION_ID);
    g_assert_cmphex(hv_guest_post(g, 0, 0x1234, 1, payload, 240), ==,
                    HV_STATUS_BAD_CONNECTION_ID);
    g_assert_cmphex(hv_guest_post(g, 0, 0x1234, 1, payload, 241), ==,
                    HV_STATUS_BAD_PARAMETER);
    g_assert_cmphex(hv_guest_post(g, 0, 0x1234, 1, payload, 0xffffffff), ==,
                    HV_STATUS_BAD_PARAMETER);
    g_assert_cmphex(hv_guest_post(g, 0, 0x1234, 0, payload, 8), ==,
                    HV_STATUS_BAD_PARAMETER);
    g_assert_cmphex(hv_guest_post(g, 0, 0x1234, HV_MSG_TYPE_TIMER_EXPIRED,
                                  payload, 8), ==, HV_STATUS_BAD_PARAMETER);
    hv_guest_stop(g);
}

static void test_signal_event_checks_its_input(void)
{
    HvGuest *g = start();
    uint64_t *in = hv_guest_ptr(g, g->call_gpa);

    g_assert_cmphex(hv_guest_signal(g, 0, 0x1234, 0), ==,
                    HV_STATUS_BAD_CONNECTION_ID);
    /* from memory as well */
    in[0] = 0x1234;
    g_assert_cmphex(call(g, HV_CALL_SIGNAL_EVENT, g->call_gpa, 0), ==,
                    HV_STATUS_BAD_CONNECTION_ID);
    g_assert_cmphex(hv_guest_signal(g, 0, 0x1234, HV_EVENT_FLAG_COUNT), !=,
                    HV_STATUS_OK);
    hv_guest_stop(g);
}

static void test_missing_privilege_is_denied(void)
{
    HvGuest *g = hv_guest_start_cpu("qemu64,hv-vpindex=on", "");

    hv_guest_enable_hypercalls(g);
    g_assert_cmphex(call(g, HV_CALL_POST_MESSAGE, g->call_gpa, 0), ==,
                    HV_STATUS_DENIED);
    g_assert_cmphex(hv_guest_signal(g, 0, 1, 0), ==, HV_STATUS_DENIED);
    hv_guest_stop(g);
}

static void test_ipi_reaches_the_vps_it_names(void)
{
    HvGuest *g = start();
    const uint64_t control = HV_CALL_SEND_IPI | R_HV_CALL_FAST_MASK;

    for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
        hv_guest_drain_irqs(g, vp, 0);
    }
    g_assert_cmphex(call(g, control, 0x77, BIT(1) | BIT(3)), ==, HV_STATUS_OK);
    for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
        g_assert_cmpuint(hv_guest_drain_irqs(g, vp, 0x77), ==, vp & 1);
    }
    /* no vector below 16, none above 255 */
    g_assert_cmphex(call(g, control, 15, 1), ==, HV_STATUS_BAD_PARAMETER);
    g_assert_cmphex(call(g, control, 256, 1), ==, HV_STATUS_BAD_PARAMETER);
    hv_guest_stop(g);
}

static void put_vpset(HvGuest *g, uint64_t head, uint64_t format,
                      uint64_t banks, const uint64_t *bank, unsigned count)
{
    uint64_t *in = hv_guest_ptr(g, g->call_gpa);

    in[0] = head;
    in[1] = format;
    in[2] = banks;
    for (unsigned i = 0; i < count; i++) {
        in[3 + i] = bank[i];
    }
}

static void test_sparse_sets_are_checked(void)
{
    HvGuest *g = start();
    const uint64_t one = R_HV_CALL_VAR_QWORDS_MASK &
                         (1ull << R_HV_CALL_VAR_QWORDS_SHIFT);
    uint64_t bank[64] = { BIT(2) };

    hv_guest_drain_irqs(g, 2, 0);
    put_vpset(g, 0x88, 0, 1, bank, 1);
    g_assert_cmphex(call(g, HV_CALL_SEND_IPI_EX | one, g->call_gpa, 0), ==,
                    HV_STATUS_OK);
    g_assert_cmpuint(hv_guest_drain_irqs(g, 2, 0x88), ==, 1);
    /* the header says one bank, the mask says none, two, sixty-four */
    put_vpset(g, 0x88, 0, 3, bank, 1);
    g_assert_cmphex(call(g, HV_CALL_SEND_IPI_EX | one, g->call_gpa, 0), !=,
                    HV_STATUS_OK);
    put_vpset(g, 0x88, 0, ~0ull, bank, 1);
    g_assert_cmphex(call(g, HV_CALL_SEND_IPI_EX | one, g->call_gpa, 0), !=,
                    HV_STATUS_OK);
    /* an unknown format */
    put_vpset(g, 0x88, 7, 1, bank, 1);
    g_assert_cmphex(call(g, HV_CALL_SEND_IPI_EX | one, g->call_gpa, 0), !=,
                    HV_STATUS_OK);
    /* the longest header there can be does not fit into the page */
    put_vpset(g, 0x88, 0, ~0ull, bank, 64);
    g_assert_cmphex(call(g, HV_CALL_SEND_IPI_EX | R_HV_CALL_VAR_QWORDS_MASK,
                         g->call_gpa, 0), !=, HV_STATUS_OK);
    hv_guest_stop(g);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CALL_TEST(_name) \
    qtest_add_func("/paravisor/hypercall/" #_name, test_##_name)
    CALL_TEST(needs_ring_0_and_an_os_id);
    CALL_TEST(unknown_codes_are_invalid);
    CALL_TEST(bad_control_words_are_invalid_input);
    CALL_TEST(input_must_be_aligned_and_in_one_page);
    CALL_TEST(input_must_be_memory);
    CALL_TEST(post_message_checks_its_input);
    CALL_TEST(signal_event_checks_its_input);
    CALL_TEST(missing_privilege_is_denied);
    CALL_TEST(ipi_reaches_the_vps_it_names);
    CALL_TEST(sparse_sets_are_checked);
    return g_test_run();
}
