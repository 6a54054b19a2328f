/*
 * Unit tests of the vPCI protocol and its interrupt table
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/paravisor/vpci-core.h"

#define WINDOW      0xa0000000ull
#define FUNC        0x00        /* devfn */
#define FUNC2       0x0b        /* device 1, function 3 */

typedef struct Fixture {
    VpciCore core;
    VpciVerdict v;
} Fixture;

static void setup(Fixture *f, const void *data)
{
    f->core.functions[0] = BIT_ULL(FUNC) | BIT_ULL(FUNC2);
    f->core.ranges[0] = (VpciRange) { WINDOW, 0x10000 };
    f->core.ranges[1] = (VpciRange) { 1ull << 40, 1ull << 32 };
}

static void teardown(Fixture *f, const void *data)
{
    g_assert_true(vpci_core_valid(&f->core));
}

static VpciStatus handle(Fixture *f, const void *msg, uint32_t bytes)
{
    g_autofree uint8_t *copy = g_memdup2(msg, bytes);   /* for ASan */

    vpci_core_handle(&f->core, copy, bytes, &f->v);
    g_assert_cmpuint(f->v.reply_bytes, >=, sizeof(VpciStatusWire));
    g_assert_cmpuint(f->v.reply_bytes, <=, sizeof(f->v.reply));
    g_assert_cmphex((uint32_t)ldl_le_p(f->v.reply), ==, f->v.status);
    if (f->v.status) {
        g_assert_cmpint(f->v.action, ==, VPCI_ACT_REPLY);
    }
    return f->v.status;
}

static VpciStatus send_word(Fixture *f, uint32_t type, uint32_t word)
{
    VpciHeaderWire msg = { cpu_to_le32(type), cpu_to_le32(word) };

    return handle(f, &msg, sizeof(msg));
}

static VpciStatus d0_entry(Fixture *f, uint64_t gpa)
{
    VpciD0EntryWire msg = {
        .type = cpu_to_le32(VPCI_D0_ENTRY),
        .window_gpa = cpu_to_le64(gpa),
    };

    return handle(f, &msg, sizeof(msg));
}

static void to_d0(Fixture *f, uint32_t version)
{
    g_assert_cmphex(send_word(f, VPCI_QUERY_VERSION, version), ==, 0);
    g_assert_cmphex(d0_entry(f, WINDOW), ==, 0);
    g_assert_cmpint(f->v.action, ==, VPCI_ACT_D0_ENTRY);
}

static VpciStatus create3(Fixture *f, uint8_t devfn, uint32_t vector,
                          uint16_t count, uint16_t vp)
{
    VpciCreate3Wire msg = {
        .type = cpu_to_le32(VPCI_CREATE_INTERRUPT3),
        .slot = cpu_to_le32(vpci_slot(devfn)),
        .vector = cpu_to_le32(vector),
        .vector_count = cpu_to_le16(count),
        .vp_count = cpu_to_le16(1),
        .vps = { cpu_to_le16(vp) },
    };

    return handle(f, &msg, VPCI_CREATE3_BYTES);
}

/* The message that the last create gave */
static uint32_t created(Fixture *f)
{
    VpciCreateReplyWire out;

    g_assert_cmpuint(f->v.reply_bytes, ==, sizeof(out));
    memcpy(&out, f->v.reply, sizeof(out));
    g_assert_cmphex(le32_to_cpu(out.msi.address_low), ==, VPCI_MSI_ADDRESS);
    g_assert_cmphex(out.msi.address_high, ==, 0);
    return le32_to_cpu(out.msi.data);
}

static VpciStatus delete_msi(Fixture *f, uint8_t devfn, uint64_t address,
                         uint32_t data)
{
    VpciDeleteWire msg = {
        .type = cpu_to_le32(VPCI_DELETE_INTERRUPT),
        .slot = cpu_to_le32(vpci_slot(devfn)),
        .msi.data = cpu_to_le32(data),
        .msi.address_low = cpu_to_le32(address),
        .msi.address_high = cpu_to_le32(address >> 32),
    };

    return handle(f, &msg, sizeof(msg));
}

/* --- state --- */

static void test_agrees_on_each_version(Fixture *f, const void *data)
{
    static const uint32_t bad[] = {
        0, 1, 0x00010000, 0x00010005, 0x00020001, 0x00010104, 0xffffffff,
    };

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmphex(send_word(f, VPCI_QUERY_VERSION, bad[i]), ==,
                        VPCI_STATUS_REVISION_MISMATCH);
        g_assert_cmphex(f->core.version, ==, 0);
    }
    for (uint32_t v = VPCI_VERSION_1_1; v <= VPCI_VERSION_1_4; v++) {
        g_assert_cmphex(send_word(f, VPCI_QUERY_VERSION, v), ==, 0);
        g_assert_cmphex(f->core.version, ==, v);
        g_assert_cmphex(send_word(f, VPCI_QUERY_VERSION, v), ==,
                        VPCI_STATUS_BAD_STATE);
        vpci_core_reset(&f->core);
    }
}

static void test_version_comes_first(Fixture *f, const void *data)
{
    uint8_t msg[256] = { 0 };

    for (uint32_t i = 0; i < 0x40; i++) {
        VpciStatus status;

        stl_le_p(msg, VPCI_BUS_RELATIONS + i);
        if (VPCI_BUS_RELATIONS + i == VPCI_QUERY_VERSION) {
            continue;
        }
        status = handle(f, msg, sizeof(msg));
        g_assert_true(status == VPCI_STATUS_BAD_STATE ||
                      status == VPCI_STATUS_NOT_SUPPORTED);
    }
    g_assert_cmphex(f->core.version, ==, 0);
}

static void test_short_messages_are_refused(Fixture *f, const void *data)
{
    static const struct {
        uint32_t type;
        uint32_t bytes;
    } rows[] = {
        { VPCI_QUERY_REQUIREMENTS, sizeof(VpciHeaderWire) },
        { VPCI_D0_ENTRY, sizeof(VpciD0EntryWire) },
        { VPCI_RESOURCES_ASSIGNED, sizeof(VpciResourcesWire) },
        { VPCI_RESOURCES_ASSIGNED2, sizeof(VpciResourcesWire) },
        { VPCI_RESOURCES_RELEASED, sizeof(VpciHeaderWire) },
        { VPCI_CREATE_INTERRUPT, sizeof(VpciCreateWire) },
        { VPCI_CREATE_INTERRUPT2, VPCI_CREATE2_BYTES },
        { VPCI_CREATE_INTERRUPT3, VPCI_CREATE3_BYTES },
        { VPCI_DELETE_INTERRUPT, sizeof(VpciDeleteWire) },
        { VPCI_POWER_STATE_CHANGE, sizeof(VpciPowerWire) },
        { VPCI_READ_BLOCK, sizeof(VpciBlockWire) },
        { VPCI_EJECTION_COMPLETE, sizeof(VpciEjectedWire) },
    };
    uint8_t msg[256] = { 0 };

    to_d0(f, VPCI_VERSION_1_4);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        stl_le_p(msg, rows[i].type);
        for (uint32_t bytes = 4; bytes < rows[i].bytes; bytes++) {
            g_assert_cmphex(handle(f, msg, bytes), ==, VPCI_STATUS_BAD_DATA);
        }
    }
    for (uint32_t bytes = 0; bytes < 4; bytes++) {
        g_assert_cmphex(handle(f, msg, bytes), ==, VPCI_STATUS_NOT_SUPPORTED);
    }
}

static void test_window_must_be_in_range(Fixture *f, const void *data)
{
    static const uint64_t bad[] = {
        0, WINDOW - 0x1000, WINDOW + 0xf000, WINDOW + 0x10000, WINDOW + 0x800,
        UINT64_MAX, UINT64_MAX - 0xfff, UINT64_MAX - 0x1fff, 1ull << 39,
        (1ull << 40) + (1ull << 32) - 0x1000,
    };

    send_word(f, VPCI_QUERY_VERSION, VPCI_VERSION_1_3);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmphex(d0_entry(f, bad[i]), ==, VPCI_STATUS_BAD_DATA);
        g_assert_false(f->core.is_d0);
    }
    g_assert_cmphex(d0_entry(f, WINDOW + 0xe000), ==, 0);
    g_assert_cmphex(d0_entry(f, WINDOW), ==, VPCI_STATUS_BAD_STATE);
    g_assert_cmphex(f->core.window_gpa, ==, WINDOW + 0xe000);
    g_assert_cmphex(send_word(f, VPCI_D0_EXIT, 0), ==, 0);
    g_assert_cmpint(f->v.action, ==, VPCI_ACT_D0_EXIT);
    g_assert_cmphex(d0_entry(f, (1ull << 40) + (1ull << 32) - 0x2000), ==, 0);
    /* twice, as after a failed entry */
    g_assert_cmphex(send_word(f, VPCI_D0_EXIT, 0), ==, 0);
    g_assert_cmphex(send_word(f, VPCI_D0_EXIT, 0), ==, 0);
}

static void test_slots_name_functions(Fixture *f, const void *data)
{
    uint8_t devfn;

    for (unsigned i = 0; i < VPCI_FUNCTION_COUNT; i++) {
        g_assert_true(vpci_slot_parse(vpci_slot(i), &devfn));
        g_assert_cmpuint(devfn, ==, i);
    }
    g_assert_cmphex(vpci_slot(FUNC2), ==, 1 | 3 << 5);
    g_assert_false(vpci_slot_parse(0x100, &devfn));

    to_d0(f, VPCI_VERSION_1_4);
    for (uint32_t slot = 0; slot < 0x200; slot++) {
        bool there = slot == vpci_slot(FUNC) || slot == vpci_slot(FUNC2);

        g_assert_cmphex(send_word(f, VPCI_QUERY_REQUIREMENTS, slot), ==,
                        there ? 0 : VPCI_STATUS_NO_SUCH_DEVICE);
    }
}

static void test_forms_belong_to_versions(Fixture *f, const void *data)
{
    VpciResourcesWire msg = { 0 };

    for (uint32_t v = VPCI_VERSION_1_1; v <= VPCI_VERSION_1_4; v++) {
        to_d0(f, v);
        g_assert_cmphex(create3(f, FUNC, 32, 1, 0), ==,
                        v < VPCI_VERSION_1_4 ? VPCI_STATUS_NOT_SUPPORTED : 0);
        msg.type = cpu_to_le32(VPCI_RESOURCES_ASSIGNED);
        g_assert_cmphex(handle(f, &msg, sizeof(msg)), ==, 0);
        msg.type = cpu_to_le32(VPCI_RESOURCES_ASSIGNED2);
        g_assert_cmphex(handle(f, &msg, sizeof(msg)), ==,
                        v < VPCI_VERSION_1_2 ? VPCI_STATUS_NOT_SUPPORTED : 0);
        vpci_core_reset(&f->core);
    }
    /* resources in the message are not acted on, so they are refused */
    to_d0(f, VPCI_VERSION_1_4);
    msg.memory[5].type = 3;
    g_assert_cmphex(handle(f, &msg, sizeof(msg)), ==,
                    VPCI_STATUS_NOT_SUPPORTED);
    msg.memory[5].type = 0;
    msg.msi_count = cpu_to_le32(1);
    g_assert_cmphex(handle(f, &msg, sizeof(msg)), ==,
                    VPCI_STATUS_NOT_SUPPORTED);
}

static void test_relations_in_both_forms(Fixture *f, const void *data)
{
    VpciFunction2Wire fn[2] = {
        { .base.vendor_id = cpu_to_le16(0x1414), .base.serial = 1 },
        { .base.slot = cpu_to_le32(vpci_slot(FUNC2)), .flags = 1 },
    };

    for (uint32_t v = VPCI_VERSION_1_1; v <= VPCI_VERSION_1_4; v++) {
        g_autoptr(GByteArray) buf = g_byte_array_new();
        bool is_long = v >= VPCI_VERSION_1_3;
        unsigned size = is_long ? 28 : 20;

        f->core.version = v;
        vpci_build_relations(&f->core, buf, fn, 2);
        g_assert_cmpuint(buf->len, ==, 8 + 2 * size);
        g_assert_cmphex(ldl_le_p(buf->data), ==,
                        is_long ? VPCI_BUS_RELATIONS2 : VPCI_BUS_RELATIONS);
        g_assert_cmpuint(ldl_le_p(buf->data + 4), ==, 2);
        g_assert_cmphex(lduw_le_p(buf->data + 8), ==, 0x1414);
        g_assert_cmphex(ldl_le_p(buf->data + 8 + size + 12), ==,
                        vpci_slot(FUNC2));
    }
}

/* --- interrupts --- */

static void test_creates_in_each_form(Fixture *f, const void *data)
{
    VpciCreateWire v1 = {
        .type = cpu_to_le32(VPCI_CREATE_INTERRUPT), .vector = 0x31,
        .vector_count = cpu_to_le16(1), .vp_mask = cpu_to_le64(~0ull),
    };
    VpciCreate2Wire v2 = {
        .type = cpu_to_le32(VPCI_CREATE_INTERRUPT2), .vector = 0x32,
        .vector_count = cpu_to_le16(1), .vp_count = cpu_to_le16(2),
        .vps = { cpu_to_le16(3), cpu_to_le16(63) },
    };
    const VpciInterrupt *intr;

    to_d0(f, VPCI_VERSION_1_4);
    g_assert_cmphex(handle(f, &v1, sizeof(v1)), ==, 0);
    intr = vpci_core_find(&f->core, FUNC, VPCI_MSI_ADDRESS, created(f));
    g_assert_cmphex(intr->vector, ==, 0x31);
    g_assert_cmphex(intr->vp_mask, ==, ~0ull);
    g_assert_cmphex(handle(f, &v2, VPCI_CREATE2_BYTES), ==, 0);
    intr = vpci_core_find(&f->core, FUNC, VPCI_MSI_ADDRESS, created(f));
    g_assert_cmphex(intr->vector, ==, 0x32);
    g_assert_cmphex(intr->vp_mask, ==, BIT_ULL(3) | BIT_ULL(63));
    g_assert_cmphex(create3(f, FUNC2, 0x33, 1, 2), ==, 0);
    intr = vpci_core_find(&f->core, FUNC2, VPCI_MSI_ADDRESS, created(f));
    g_assert_cmphex(intr->vector, ==, 0x33);
    g_assert_cmphex(intr->vp_mask, ==, BIT_ULL(2));
    /* no other function may use it */
    g_assert_null(vpci_core_find(&f->core, FUNC, VPCI_MSI_ADDRESS,
                                 created(f)));
    g_assert_null(vpci_core_find(&f->core, FUNC2, VPCI_MSI_ADDRESS + 4,
                                 created(f)));
    g_assert_null(vpci_core_find(&f->core, FUNC2,
                                 VPCI_MSI_ADDRESS | 1ull << 32, created(f)));
}

static void test_create_checks(Fixture *f, const void *data)
{
    static const struct {
        uint32_t vector;
        uint16_t count;
        uint16_t vp;
    } bad[] = {
        { 0, 1, 0 }, { 15, 1, 0 }, { 256, 1, 0 }, { 0xffffffff, 1, 0 },
        { 32, 0, 0 }, { 32, 3, 0 }, { 32, 33, 0 }, { 32, 64, 0 },
        { 32, 0xffff, 0 }, { 255, 2, 0 }, { 225, 32, 0 }, { 32, 1, 64 },
        { 32, 1, 0xffff },
    };
    VpciCreate3Wire msg = {
        .type = cpu_to_le32(VPCI_CREATE_INTERRUPT3),
        .vector = cpu_to_le32(32), .vector_count = cpu_to_le16(1),
    };

    to_d0(f, VPCI_VERSION_1_4);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmphex(create3(f, FUNC, bad[i].vector, bad[i].count,
                                bad[i].vp), ==, VPCI_STATUS_BAD_DATA);
    }
    msg.vp_count = cpu_to_le16(33);
    g_assert_cmphex(handle(f, &msg, VPCI_CREATE3_BYTES), ==,
                    VPCI_STATUS_BAD_DATA);
    msg.vp_count = cpu_to_le16(32);
    msg.delivery_mode = 2;
    g_assert_cmphex(handle(f, &msg, VPCI_CREATE3_BYTES), ==,
                    VPCI_STATUS_BAD_DATA);
    msg.delivery_mode = 1;
    g_assert_cmphex(handle(f, &msg, VPCI_CREATE3_BYTES), ==, 0);
    g_assert_cmphex(create3(f, FUNC, 224, 32, 63), ==, 0);
    g_assert_cmphex(send_word(f, VPCI_D0_EXIT, 0), ==, 0);
    g_assert_cmphex(create3(f, FUNC, 32, 1, 0), ==, VPCI_STATUS_BAD_STATE);
}

static void test_messages_are_aligned_and_run_out(Fixture *f, const void *data)
{
    uint32_t first, many;
    unsigned count = 0;

    to_d0(f, VPCI_VERSION_1_4);
    g_assert_cmphex(create3(f, FUNC, 32, 1, 0), ==, 0);
    first = created(f);
    g_assert_cmphex(create3(f, FUNC, 32, 32, 0), ==, 0);
    many = created(f);
    g_assert_cmpuint(many % 32, ==, 0);
    for (unsigned i = 0; i < 32; i++) {
        const VpciInterrupt *intr = vpci_core_find(&f->core, FUNC,
                                                   VPCI_MSI_ADDRESS, many + i);

        g_assert_cmpuint(intr->vector, ==, 32 + i);
    }
    while (create3(f, FUNC2, 32, 1, 0) == 0) {
        g_assert_cmphex(created(f), <=, 0xffff);
        count++;
    }
    g_assert_cmphex(f->v.status, ==, VPCI_STATUS_NO_RESOURCES);
    g_assert_cmpuint(count, ==, VPCI_INTERRUPT_COUNT - 33);
    g_assert_true(vpci_core_valid(&f->core));
    /* the place of a block is free only as a whole */
    g_assert_cmphex(delete_msi(f, FUNC, VPCI_MSI_ADDRESS, first), ==, 0);
    g_assert_cmphex(create3(f, FUNC, 32, 2, 0), ==, VPCI_STATUS_NO_RESOURCES);
    g_assert_cmphex(create3(f, FUNC, 32, 1, 0), ==, 0);
    g_assert_cmphex(created(f), ==, first);
    vpci_core_free_interrupts(&f->core, FUNC2);
    g_assert_nonnull(vpci_core_find(&f->core, FUNC, VPCI_MSI_ADDRESS, many));
    g_assert_cmphex(create3(f, FUNC2, 32, 32, 0), ==, 0);
}

static void test_delete_takes_whole_blocks(Fixture *f, const void *data)
{
    uint32_t msi;

    to_d0(f, VPCI_VERSION_1_4);
    create3(f, FUNC, 64, 4, 0);
    msi = created(f);
    for (uint32_t i = 1; i < 4; i++) {
        g_assert_cmphex(delete_msi(f, FUNC, VPCI_MSI_ADDRESS, msi + i), ==,
                        VPCI_STATUS_BAD_DATA);
    }
    g_assert_cmphex(delete_msi(f, FUNC2, VPCI_MSI_ADDRESS, msi), ==,
                    VPCI_STATUS_BAD_DATA);
    g_assert_cmphex(delete_msi(f, FUNC, VPCI_MSI_ADDRESS | 1ull << 32, msi), ==,
                    VPCI_STATUS_BAD_DATA);
    g_assert_cmphex(delete_msi(f, FUNC, VPCI_MSI_ADDRESS, ~0u), ==,
                    VPCI_STATUS_BAD_DATA);
    g_assert_cmphex(delete_msi(f, FUNC, VPCI_MSI_ADDRESS, 0), ==,
                    VPCI_STATUS_BAD_DATA);
    g_assert_cmphex(delete_msi(f, FUNC, VPCI_MSI_ADDRESS, msi), ==, 0);
    g_assert_cmphex(delete_msi(f, FUNC, VPCI_MSI_ADDRESS, msi), ==,
                    VPCI_STATUS_BAD_DATA);
    for (uint32_t i = 0; i < 4; i++) {
        g_assert_null(vpci_core_find(&f->core, FUNC, VPCI_MSI_ADDRESS,
                                     msi + i));
    }
}

static void test_retargets_what_exists(Fixture *f, const void *data)
{
    HvRetarget to = {
        .device_id = 0x12345600 | (FUNC2 & 7), .msi_address = VPCI_MSI_ADDRESS,
        .vector = 0x77, .is_multicast = true, .vp_mask = 6,
    };
    const VpciInterrupt *intr;

    to_d0(f, VPCI_VERSION_1_4);
    create3(f, FUNC2, 64, 4, 0);
    to.msi_data = created(f) + 3;
    g_assert_cmpint(vpci_core_retarget(&f->core, &to), ==, HV_STATUS_OK);
    intr = vpci_core_find(&f->core, FUNC2, VPCI_MSI_ADDRESS, to.msi_data);
    g_assert_cmphex(intr->vector, ==, 0x77);
    g_assert_cmphex(intr->vp_mask, ==, 6);
    g_assert_true(intr->is_multicast);
    /* its neighbours stay */
    intr = vpci_core_find(&f->core, FUNC2, VPCI_MSI_ADDRESS, to.msi_data - 1);
    g_assert_cmphex(intr->vector, ==, 66);

    to.device_id++;
    g_assert_cmpint(vpci_core_retarget(&f->core, &to), !=, HV_STATUS_OK);
    to.device_id--;
    to.msi_data++;
    g_assert_cmpint(vpci_core_retarget(&f->core, &to), !=, HV_STATUS_OK);
    to.msi_data = VPCI_MSI_DATA + VPCI_INTERRUPT_COUNT;
    g_assert_cmpint(vpci_core_retarget(&f->core, &to), !=, HV_STATUS_OK);
    to.msi_data = VPCI_MSI_DATA - 1;
    g_assert_cmpint(vpci_core_retarget(&f->core, &to), !=, HV_STATUS_OK);
    to.msi_address += 4;
    g_assert_cmpint(vpci_core_retarget(&f->core, &to), !=, HV_STATUS_OK);
}

static void test_ends_free_interrupts(Fixture *f, const void *data)
{
    uint32_t a, b;

    to_d0(f, VPCI_VERSION_1_4);
    create3(f, FUNC, 64, 1, 0);
    a = created(f);
    create3(f, FUNC2, 64, 1, 0);
    b = created(f);
    g_assert_cmphex(send_word(f, VPCI_RESOURCES_RELEASED, vpci_slot(FUNC)), ==,
                    0);
    g_assert_cmpint(f->v.action, ==, VPCI_ACT_RELEASED);
    g_assert_null(vpci_core_find(&f->core, FUNC, VPCI_MSI_ADDRESS, a));
    g_assert_nonnull(vpci_core_find(&f->core, FUNC2, VPCI_MSI_ADDRESS, b));
    g_assert_cmphex(send_word(f, VPCI_D0_EXIT, 0), ==, 0);
    g_assert_null(vpci_core_find(&f->core, FUNC2, VPCI_MSI_ADDRESS, b));
}

/* Bytes without sense: answered, and the state stays one that can be */
static void test_random_messages(Fixture *f, const void *data)
{
    uint8_t msg[VPCI_REPLY_BYTES];

    for (unsigned i = 0; i < 200000; i++) {
        uint32_t bytes = g_test_rand_int_range(0, sizeof(msg) + 1);

        for (uint32_t j = 0; j < bytes; j++) {
            msg[j] = g_test_rand_bit() ? 0 : g_test_rand_int();
        }
        if (bytes >= 8 && i % 16) {
            stl_le_p(msg, VPCI_BUS_RELATIONS +
                          g_test_rand_int_range(0, 0x20));
            stl_le_p(msg + 4, vpci_slot(g_test_rand_bit() ? FUNC : FUNC2));
        }
        handle(f, msg, bytes);
        if (i % 64 == 0) {
            send_word(f, VPCI_QUERY_VERSION, VPCI_VERSION_1_4);
            d0_entry(f, WINDOW);
            g_assert_true(vpci_core_valid(&f->core));
        }
    }
}

/* --- state from a stream --- */

static void test_bad_states_are_seen(Fixture *f, const void *data)
{
    VpciCore saved;

    to_d0(f, VPCI_VERSION_1_4);
    create3(f, FUNC, 64, 4, 0);
    saved = f->core;
#define BAD(change) \
    do { \
        change; \
        g_assert_false(vpci_core_valid(&f->core)); \
        f->core = saved; \
    } while (0)
    BAD(f->core.version = 7);
    BAD(f->core.version = 0);
    BAD(f->core.window_gpa = 0x1000);
    BAD(f->core.window_gpa += 8);
    BAD(f->core.interrupts[0].message_count = 0);
    BAD(f->core.interrupts[0].message_count = 3);
    BAD(f->core.interrupts[0].message_count = 8);
    BAD(f->core.interrupts[0].message_count = 64);
    BAD(f->core.interrupts[0].vector = 0);
    BAD(f->core.interrupts[1].vector = 0);
    BAD(f->core.interrupts[1].vector = 15);
    BAD(f->core.interrupts[1].message_count = 1);
    BAD(f->core.interrupts[2].devfn = FUNC2);
    BAD(f->core.interrupts[3].idx = 2);
    BAD(f->core.interrupts[9].message_count = 1);
    BAD(f->core.interrupts[2047] = f->core.interrupts[0]);
    /* a block of two that is not aligned */
    for (unsigned i = 5; i <= 6; i++) {
        f->core.interrupts[i] = (VpciInterrupt) {
            .idx = i, .vector = 64, .message_count = i == 5 ? 2 : 0,
        };
    }
    BAD();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) \
    g_test_add("/paravisor/vpci-core/" #name, Fixture, NULL, setup, \
               test_##name, teardown)
    ADD(agrees_on_each_version);
    ADD(version_comes_first);
    ADD(short_messages_are_refused);
    ADD(window_must_be_in_range);
    ADD(slots_name_functions);
    ADD(forms_belong_to_versions);
    ADD(relations_in_both_forms);
    ADD(creates_in_each_form);
    ADD(create_checks);
    ADD(messages_are_aligned_and_run_out);
    ADD(delete_takes_whole_blocks);
    ADD(retargets_what_exists);
    ADD(ends_free_interrupts);
    ADD(random_messages);
    ADD(bad_states_are_seen);
    return g_test_run();
}
