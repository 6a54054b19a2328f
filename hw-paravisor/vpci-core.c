/*
 * hv-pci: the protocol (VSP side) and its interrupt messages
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/host-utils.h"
#include "vpci-core.h"

void vpci_core_reset(VpciCore *core)
{
    core->version = 0;
    core->is_d0 = false;
    core->window_gpa = 0;
    memset(core->interrupts, 0, sizeof(core->interrupts));
}

static bool version_is_known(uint32_t version)
{
    return version >= VPCI_VERSION_1_1 && version <= VPCI_VERSION_1_4;
}

bool vpci_slot_parse(uint32_t slot, uint8_t *devfn)
{
    *devfn = FIELD_EX32(slot, VPCI_SLOT, DEVICE) << 3 |
             FIELD_EX32(slot, VPCI_SLOT, FUNCTION);
    return !FIELD_EX32(slot, VPCI_SLOT, RSVD);
}

static void set_status(VpciVerdict *v, VpciStatus status)
{
    VpciStatusWire wire = { .status = cpu_to_le32(status) };

    v->status = status;
    v->reply_bytes = sizeof(wire);
    memcpy(v->reply, &wire, sizeof(wire));
}

static void set_reply(VpciVerdict *v, const void *wire, uint32_t bytes)
{
    v->reply_bytes = bytes;
    memcpy(v->reply, wire, bytes);
}

/* --- interrupts --- */

/* A run of @count free entries, aligned to @count; -1: none */
static int find_free(const VpciCore *core, unsigned count)
{
    for (unsigned i = 0; i < VPCI_INTERRUPT_COUNT; i += count) {
        unsigned n = 0;

        while (n < count && !core->interrupts[i + n].vector) {
            n++;
        }
        if (n == count) {
            return i;
        }
    }
    return -1;
}

static void free_block(VpciCore *core, unsigned idx)
{
    unsigned count = core->interrupts[idx].message_count;

    memset(&core->interrupts[idx], 0, count * sizeof(core->interrupts[0]));
}

void vpci_core_free_interrupts(VpciCore *core, uint8_t devfn)
{
    for (unsigned i = 0; i < VPCI_INTERRUPT_COUNT; i++) {
        VpciInterrupt *intr = &core->interrupts[i];

        if (intr->message_count && intr->devfn == devfn) {
            free_block(core, i);
        }
    }
}

const VpciInterrupt *vpci_core_find(const VpciCore *core, uint8_t devfn,
                                    uint64_t address, uint32_t data)
{
    const VpciInterrupt *intr;

    if (address != VPCI_MSI_ADDRESS || data < VPCI_MSI_DATA ||
        data - VPCI_MSI_DATA >= VPCI_INTERRUPT_COUNT) {
        return NULL;
    }
    intr = &core->interrupts[data - VPCI_MSI_DATA];
    return intr->vector && intr->devfn == devfn ? intr : NULL;
}

/* The id names the bus and a function, but not a device */
HvStatus vpci_core_retarget(VpciCore *core, const HvRetarget *to)
{
    VpciInterrupt *intr;

    if (to->msi_address != VPCI_MSI_ADDRESS || to->msi_data < VPCI_MSI_DATA ||
        to->msi_data - VPCI_MSI_DATA >= VPCI_INTERRUPT_COUNT) {
        return HV_STATUS_BAD_PARAMETER;
    }
    intr = &core->interrupts[to->msi_data - VPCI_MSI_DATA];
    if (!intr->vector || (intr->devfn & 7) != (to->device_id & 7)) {
        return HV_STATUS_BAD_PARAMETER;
    }
    intr->vector = to->vector;
    intr->vp_mask = to->vp_mask;
    intr->is_multicast = to->is_multicast;
    return HV_STATUS_OK;
}

/* What VPCI_CREATE_INTERRUPT* ask for, in host order */
typedef struct Wanted {
    uint64_t vp_mask;
    uint32_t vector;
    uint16_t vector_count;
    uint8_t delivery_mode;
} Wanted;

static bool parse_targets(const uint16_t *vps, uint16_t count, uint64_t *mask)
{
    if (count > VPCI_MAX_TARGETS) {
        return false;
    }
    *mask = 0;
    for (unsigned i = 0; i < count; i++) {
        uint16_t vp = le16_to_cpu(vps[i]);

        if (vp >= HV_MAX_VPS) {
            return false;
        }
        *mask |= BIT_ULL(vp);
    }
    return true;
}

static bool parse_create(uint32_t type, const uint8_t *msg, Wanted *w)
{
    VpciCreateWire v1;
    VpciCreate2Wire v2;
    VpciCreate3Wire v3;

    switch (type) {
    case VPCI_CREATE_INTERRUPT:
        memcpy(&v1, msg, sizeof(v1));
        w->vector = v1.vector;
        w->vector_count = le16_to_cpu(v1.vector_count);
        w->delivery_mode = v1.delivery_mode;
        w->vp_mask = le64_to_cpu(v1.vp_mask);
        return true;
    case VPCI_CREATE_INTERRUPT2:
        memcpy(&v2, msg, VPCI_CREATE2_BYTES);
        w->vector = v2.vector;
        w->vector_count = le16_to_cpu(v2.vector_count);
        w->delivery_mode = v2.delivery_mode;
        return parse_targets(v2.vps, le16_to_cpu(v2.vp_count), &w->vp_mask);
    default:
        memcpy(&v3, msg, VPCI_CREATE3_BYTES);
        w->vector = le32_to_cpu(v3.vector);
        w->vector_count = le16_to_cpu(v3.vector_count);
        w->delivery_mode = v3.delivery_mode;
        return parse_targets(v3.vps, le16_to_cpu(v3.vp_count), &w->vp_mask);
    }
}

static bool wanted_is_ok(const Wanted *w)
{
    return w->vector >= HV_FIRST_VALID_VECTOR &&
           w->vector <= HV_LAST_VALID_VECTOR &&
           w->vector_count && w->vector_count <= VPCI_MAX_VECTORS &&
           is_power_of_2(w->vector_count) &&
           w->vector + w->vector_count - 1 <= HV_LAST_VALID_VECTOR &&
           w->delivery_mode <= VPCI_DELIVERY_LOWEST;
}

static void on_create(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                      VpciVerdict *v)
{
    VpciCreateReplyWire out = { 0 };
    Wanted w;
    int idx;

    if (!parse_create(v->type, msg, &w) || !wanted_is_ok(&w)) {
        set_status(v, VPCI_STATUS_BAD_DATA);
        return;
    }
    idx = find_free(core, w.vector_count);
    if (idx < 0) {
        set_status(v, VPCI_STATUS_NO_RESOURCES);
        return;
    }
    for (unsigned i = 0; i < w.vector_count; i++) {
        core->interrupts[idx + i] = (VpciInterrupt) {
            .vp_mask = w.vp_mask,
            .idx = idx + i,
            .devfn = v->devfn,
            .vector = w.vector + i,
            .message_count = i ? 0 : w.vector_count,
        };
    }
    out.msi.vector_count = cpu_to_le16(w.vector_count);
    out.msi.data = cpu_to_le32(VPCI_MSI_DATA + idx);
    out.msi.address_low = cpu_to_le32(VPCI_MSI_ADDRESS);
    set_reply(v, &out, sizeof(out));
}

static void on_delete(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                      VpciVerdict *v)
{
    const VpciInterrupt *intr;
    VpciDeleteWire in;

    memcpy(&in, msg, sizeof(in));
    intr = vpci_core_find(core, v->devfn,
                          (uint64_t)le32_to_cpu(in.msi.address_high) << 32 |
                          le32_to_cpu(in.msi.address_low),
                          le32_to_cpu(in.msi.data));
    if (!intr || !intr->message_count) {
        set_status(v, VPCI_STATUS_BAD_DATA);
        return;
    }
    free_block(core, intr->idx);
}

/* --- the other messages --- */

static void on_version(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                       VpciVerdict *v)
{
    uint32_t version = ldl_le_p(msg + offsetof(VpciQueryVersionWire, version));

    if (core->version) {
        set_status(v, VPCI_STATUS_BAD_STATE);
    } else if (!version_is_known(version)) {
        set_status(v, VPCI_STATUS_REVISION_MISMATCH);
    } else {
        core->version = version;
    }
}

static void on_query_relations(VpciCore *core, const uint8_t *msg,
                               uint32_t bytes, VpciVerdict *v)
{
    v->action = VPCI_ACT_RELATIONS;
}

static void on_requirements(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                            VpciVerdict *v)
{
    v->action = VPCI_ACT_REQUIREMENTS;
}

static bool window_is_ok(const VpciCore *core, uint64_t gpa)
{
    for (unsigned i = 0; i < VPCI_RANGE_COUNT; i++) {
        const VpciRange *r = &core->ranges[i];

        if (gpa >= r->base && r->bytes >= VPCI_WINDOW_BYTES &&
            gpa - r->base <= r->bytes - VPCI_WINDOW_BYTES) {
            return gpa % HV_PAGE_SIZE == 0;
        }
    }
    return false;
}

static void on_d0_entry(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                        VpciVerdict *v)
{
    VpciD0EntryWire in;
    uint64_t gpa;

    memcpy(&in, msg, sizeof(in));
    gpa = le64_to_cpu(in.window_gpa);
    if (core->is_d0) {
        set_status(v, VPCI_STATUS_BAD_STATE);
    } else if (!window_is_ok(core, gpa)) {
        set_status(v, VPCI_STATUS_BAD_DATA);
    } else {
        core->is_d0 = true;
        core->window_gpa = gpa;
        v->action = VPCI_ACT_D0_ENTRY;
    }
}

/* Also without D0: Linux sends it when its D0_ENTRY has failed */
static void on_d0_exit(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                       VpciVerdict *v)
{
    core->is_d0 = false;
    core->window_gpa = 0;
    memset(core->interrupts, 0, sizeof(core->interrupts));
    v->action = VPCI_ACT_D0_EXIT;
}

/*
 * Linux says nothing in the list: it writes the BARs and asks for each message
 * by itself.
 */
static void on_assigned(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                        VpciVerdict *v)
{
    VpciResourcesWire out = { 0 };
    VpciResourcesWire in;

    memcpy(&in, msg, sizeof(in));
    for (unsigned i = 0; i < VPCI_BAR_COUNT; i++) {
        if (in.memory[i].type) {
            set_status(v, VPCI_STATUS_NOT_SUPPORTED);
            return;
        }
    }
    if (in.msi_count) {
        set_status(v, VPCI_STATUS_NOT_SUPPORTED);
        return;
    }
    out.slot = in.slot;
    set_reply(v, &out, sizeof(out));
}

static void on_released(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                        VpciVerdict *v)
{
    vpci_core_free_interrupts(core, v->devfn);
    v->action = VPCI_ACT_RELEASED;
}

static void on_power(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                     VpciVerdict *v)
{
    VpciPowerReplyWire out = { 0 };
    VpciPowerWire in;
    uint32_t state;

    memcpy(&in, msg, sizeof(in));
    state = le32_to_cpu(in.state);
    if (state != VPCI_POWER_D0 && state != VPCI_POWER_D3) {
        set_status(v, VPCI_STATUS_BAD_DATA);
        return;
    }
    out.slot = in.slot;
    out.state = in.state;
    set_reply(v, &out, sizeof(out));
    v->power_on = state == VPCI_POWER_D0;
    v->action = VPCI_ACT_POWER;
}

/* A back channel to a driver of the physical function: there is none */
static void on_block(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                     VpciVerdict *v)
{
    set_status(v, VPCI_STATUS_NOT_SUPPORTED);
}

static void on_ejected(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                       VpciVerdict *v)
{
    v->accepted = !ldl_le_p(msg + offsetof(VpciEjectedWire, status));
    v->action = VPCI_ACT_EJECTED;
}

/* What a message needs */
#define ANY_STATE       BIT(0)          /* else: an agreed version */
#define IN_D0           BIT(1)
#define FUNCTION        BIT(2)          /* its slot number names a function */

typedef struct VpciMessageInfo {
    void (*run)(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                VpciVerdict *v);
    uint32_t min_version;
    uint16_t min_bytes;
    uint8_t needs;
} VpciMessageInfo;

#define ROW(type)       [(type) - VPCI_BUS_RELATIONS]

static const VpciMessageInfo vpci_messages[] = {
    ROW(VPCI_QUERY_VERSION) = {
        on_version, 0, sizeof(VpciQueryVersionWire), ANY_STATE },
    ROW(VPCI_QUERY_BUS_RELATIONS) = { on_query_relations, 0, 4 },
    ROW(VPCI_QUERY_REQUIREMENTS) = {
        on_requirements, 0, sizeof(VpciHeaderWire), FUNCTION },
    ROW(VPCI_D0_ENTRY) = { on_d0_entry, 0, sizeof(VpciD0EntryWire) },
    ROW(VPCI_D0_EXIT) = { on_d0_exit, 0, 4 },
    ROW(VPCI_RESOURCES_ASSIGNED) = {
        on_assigned, 0, sizeof(VpciResourcesWire), FUNCTION | IN_D0 },
    ROW(VPCI_RESOURCES_ASSIGNED2) = {
        on_assigned, VPCI_VERSION_1_2, sizeof(VpciResourcesWire),
        FUNCTION | IN_D0 },
    ROW(VPCI_RESOURCES_ASSIGNED3) = {
        on_assigned, VPCI_VERSION_1_4, sizeof(VpciResourcesWire),
        FUNCTION | IN_D0 },
    ROW(VPCI_RESOURCES_RELEASED) = {
        on_released, 0, sizeof(VpciHeaderWire), FUNCTION },
    ROW(VPCI_CREATE_INTERRUPT) = {
        on_create, 0, sizeof(VpciCreateWire), FUNCTION | IN_D0 },
    ROW(VPCI_CREATE_INTERRUPT2) = {
        on_create, VPCI_VERSION_1_2, VPCI_CREATE2_BYTES, FUNCTION | IN_D0 },
    ROW(VPCI_CREATE_INTERRUPT3) = {
        on_create, VPCI_VERSION_1_4, VPCI_CREATE3_BYTES, FUNCTION | IN_D0 },
    ROW(VPCI_DELETE_INTERRUPT) = {
        on_delete, 0, sizeof(VpciDeleteWire), FUNCTION },
    ROW(VPCI_POWER_STATE_CHANGE) = {
        on_power, 0, sizeof(VpciPowerWire), FUNCTION | IN_D0 },
    ROW(VPCI_READ_BLOCK) = { on_block, 0, sizeof(VpciBlockWire) },
    ROW(VPCI_WRITE_BLOCK) = { on_block, 0, sizeof(VpciBlockWire) },
    ROW(VPCI_EJECTION_COMPLETE) = {
        on_ejected, 0, sizeof(VpciEjectedWire), FUNCTION },
};

static const VpciMessageInfo *find_message(uint32_t type)
{
    uint32_t row = type - VPCI_BUS_RELATIONS;

    return row < ARRAY_SIZE(vpci_messages) && vpci_messages[row].run
           ? &vpci_messages[row] : NULL;
}

void vpci_core_handle(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                      VpciVerdict *v)
{
    const VpciMessageInfo *info;

    memset(v, 0, sizeof(*v));
    set_status(v, VPCI_STATUS_OK);
    v->type = bytes >= 4 ? ldl_le_p(msg) : 0;
    info = find_message(v->type);
    if (!info) {
        set_status(v, VPCI_STATUS_NOT_SUPPORTED);
    } else if (bytes < info->min_bytes) {
        set_status(v, VPCI_STATUS_BAD_DATA);
    } else if (!(info->needs & ANY_STATE) && !core->version) {
        set_status(v, VPCI_STATUS_BAD_STATE);
    } else if (core->version < info->min_version) {
        set_status(v, VPCI_STATUS_NOT_SUPPORTED);
    } else if (info->needs & IN_D0 && !core->is_d0) {
        set_status(v, VPCI_STATUS_BAD_STATE);
    } else if (info->needs & FUNCTION &&
               (!vpci_slot_parse(ldl_le_p(msg + offsetof(VpciHeaderWire, slot)),
                                 &v->devfn) ||
                !vpci_core_has_function(core, v->devfn))) {
        set_status(v, VPCI_STATUS_NO_SUCH_DEVICE);
    } else {
        info->run(core, msg, bytes, v);
    }
}

void vpci_build_relations(const VpciCore *core, GByteArray *buf,
                          const VpciFunction2Wire *functions, uint32_t count)
{
    bool is_long = core->version >= VPCI_VERSION_1_3;
    VpciRelationsWire head = {
        .type = cpu_to_le32(is_long ? VPCI_BUS_RELATIONS2 : VPCI_BUS_RELATIONS),
        .function_count = cpu_to_le32(count),
    };

    g_byte_array_append(buf, (const guint8 *)&head, sizeof(head));
    for (uint32_t i = 0; i < count; i++) {
        g_byte_array_append(buf, (const guint8 *)&functions[i],
                            is_long ? sizeof(functions[i])
                                    : sizeof(functions[i].base));
    }
}

/* Each block within the table, aligned, its entries alike, none outside of one */
static bool interrupts_are_valid(const VpciCore *core)
{
    unsigned i = 0;

    while (i < VPCI_INTERRUPT_COUNT) {
        const VpciInterrupt *first = &core->interrupts[i];
        unsigned count = first->message_count;

        if (!first->vector) {
            if (count) {
                return false;
            }
            i++;
            continue;
        }
        if (!count || count > VPCI_MAX_VECTORS || !is_power_of_2(count) ||
            i % count) {
            return false;
        }
        for (unsigned end = i + count; i < end; i++) {
            const VpciInterrupt *intr = &core->interrupts[i];

            if (intr->idx != i || intr->vector < HV_FIRST_VALID_VECTOR ||
                intr->devfn != first->devfn ||
                (intr != first && intr->message_count)) {
                return false;
            }
        }
    }
    return true;
}

bool vpci_core_valid(const VpciCore *core)
{
    return (!core->version || version_is_known(core->version)) &&
           (!core->is_d0 ||
            (core->version && window_is_ok(core, core->window_gpa))) &&
           interrupts_are_valid(core);
}
