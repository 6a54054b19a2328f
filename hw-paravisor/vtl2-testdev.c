/*
 * Paravisor test device: a driver in VTL2 that a qtest directs
 *
 * Registers: vtl2-testdev-defs.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/module.h"
#include "exec/address-spaces.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "paravisor.h"
#include "vtl2-testdev-defs.h"

#define VTL2_TESTDEV_AREAS      16

OBJECT_DECLARE_SIMPLE_TYPE(Vtl2Testdev, VTL2_TESTDEV)

struct Vtl2Testdev {
    DeviceState parent_obj;

    /* properties */
    char *function;
    uint64_t gpa;
    bool runs_when_stopped;

    /* migrated */
    uint64_t area_addr[VTL2_TESTDEV_AREAS];
    uint64_t area_bytes[VTL2_TESTDEV_AREAS];
    uint64_t reg[VTL2_TESTDEV_INTERRUPTS(VTL2_TESTDEV_VECTORS) / 8];

    /* host only */
    MemoryRegion mmio;
    Vtl2Driver drv;
    Vtl2Function *fn;
    Vtl2Dma areas[VTL2_TESTDEV_AREAS];
};

static void vtl2_testdev_start(void *opaque)
{
    Vtl2Testdev *s = opaque;

    s->reg[VTL2_TESTDEV_STARTS / 8]++;
}

static void vtl2_testdev_reset(void *opaque)
{
    Vtl2Testdev *s = opaque;

    s->reg[VTL2_TESTDEV_RESETS / 8]++;
}

static void vtl2_testdev_interrupt(void *opaque, unsigned vector)
{
    Vtl2Testdev *s = opaque;

    if (vector < VTL2_TESTDEV_VECTORS) {
        s->reg[VTL2_TESTDEV_INTERRUPTS(vector) / 8]++;
    }
}

static void vtl2_testdev_timer(void *opaque)
{
    Vtl2Testdev *s = opaque;

    s->reg[VTL2_TESTDEV_TIMEOUTS / 8]++;
}

static void vtl2_testdev_removed(void *opaque)
{
    Vtl2Testdev *s = opaque;

    s->reg[VTL2_TESTDEV_REMOVALS / 8]++;
    vtl2_function_release(s->fn);
    s->fn = NULL;
    memset(s->areas, 0, sizeof(s->areas));
}

static bool vtl2_testdev_claim(Vtl2Testdev *s, Error **errp)
{
    Object *obj = s->function
                  ? object_resolve_path_type(s->function, TYPE_PCI_DEVICE, NULL)
                  : NULL;

    if (!obj) {
        error_setg(errp, "no PCI device '%s'", s->function ?: "");
        return false;
    }
    s->fn = vtl2_function_claim(PCI_DEVICE(obj), &s->drv, s, errp);
    return s->fn;
}

static void vtl2_testdev_release(Vtl2Testdev *s)
{
    vtl2_function_release(s->fn);
    s->fn = NULL;
    memset(s->areas, 0, sizeof(s->areas));
}

static void vtl2_testdev_forget(void *opaque)
{
    Vtl2Testdev *s = opaque;

    memset(s->areas, 0, sizeof(s->areas));
}

static Vtl2Dma *vtl2_testdev_area(Vtl2Testdev *s, uint64_t addr, size_t bytes)
{
    for (unsigned i = 0; i < VTL2_TESTDEV_AREAS; i++) {
        Vtl2Dma *a = &s->areas[i];

        if (addr >= a->addr && bytes <= a->bytes &&
            addr - a->addr <= a->bytes - bytes) {
            return a;
        }
    }
    return NULL;
}

static bool vtl2_testdev_alloc(Vtl2Testdev *s, size_t bytes, uint64_t *addr)
{
    for (unsigned i = 0; i < VTL2_TESTDEV_AREAS; i++) {
        Vtl2Dma *a = &s->areas[i];

        if (!a->bytes) {
            if (!vtl2_function_ops.dma_alloc(s->fn, bytes, a)) {
                return false;
            }
            *addr = a->addr;
            return true;
        }
    }
    return false;
}

static bool vtl2_testdev_map(Vtl2Testdev *s, hwaddr gpa, uint64_t *addr)
{
    hwaddr bytes = 1;
    void *host = address_space_map(&address_space_memory, gpa, &bytes, true,
                                   MEMTXATTRS_UNSPECIFIED);
    bool done = host && vtl2_dma_map_host(vtl2_function_paravisor(s->fn), host,
                                          bytes, addr) == bytes;

    if (host) {
        address_space_unmap(&address_space_memory, host, bytes, true, 0);
    }
    return done;
}

static bool vtl2_testdev_memory(Vtl2Testdev *s, uint64_t command,
                                const uint64_t *arg, uint64_t *result)
{
    Vtl2Dma *a = vtl2_testdev_area(s, arg[0],
                                   command == VTL2_TESTDEV_DO_FREE ? 1 : 8);

    if (!a) {
        return false;
    }
    switch (command) {
    case VTL2_TESTDEV_DO_FREE:
        vtl2_function_ops.dma_free(s->fn, a);
        return true;
    case VTL2_TESTDEV_DO_PEEK:
        *result = ldq_le_p(a->ptr + (arg[0] - a->addr));
        return true;
    default:
        stq_le_p(a->ptr + (arg[0] - a->addr), arg[1]);
        return true;
    }
}

static bool vtl2_testdev_execute(Vtl2Testdev *s, uint64_t command)
{
    const Vtl2Ops *ops = &vtl2_function_ops;
    const uint64_t *arg = s->reg;
    uint64_t *result = &s->reg[VTL2_TESTDEV_RESULT / 8];
    Vtl2Function *fn = s->fn;

    if (!fn) {
        return command == VTL2_TESTDEV_DO_CLAIM && vtl2_testdev_claim(s, NULL);
    }
    switch (command) {
    case VTL2_TESTDEV_DO_RELEASE:
        vtl2_testdev_release(s);
        return true;
    case VTL2_TESTDEV_DO_READ32:
        *result = ops->read32(fn, arg[0], arg[1]);
        return true;
    case VTL2_TESTDEV_DO_READ64:
        *result = ops->read64(fn, arg[0], arg[1]);
        return true;
    case VTL2_TESTDEV_DO_WRITE32:
        ops->write32(fn, arg[0], arg[1], arg[2]);
        return true;
    case VTL2_TESTDEV_DO_WRITE64:
        ops->write64(fn, arg[0], arg[1], arg[2]);
        return true;
    case VTL2_TESTDEV_DO_BYTES:
        *result = ops->bar_bytes(fn, arg[0]);
        return true;
    case VTL2_TESTDEV_DO_ALLOC:
        return vtl2_testdev_alloc(s, arg[0], result);
    case VTL2_TESTDEV_DO_FREE:
    case VTL2_TESTDEV_DO_PEEK:
    case VTL2_TESTDEV_DO_POKE:
        return vtl2_testdev_memory(s, command, arg, result);
    case VTL2_TESTDEV_DO_TIMER:
        ops->set_timer(fn, arg[0] == UINT64_MAX ? INT64_MAX
                                                : ops->now_ns(fn) + arg[0]);
        return true;
    case VTL2_TESTDEV_DO_VECTORS:
        *result = ops->vector_count(fn);
        return true;
    case VTL2_TESTDEV_DO_ENABLE:
        ops->enable_vector(fn, arg[0], arg[1]);
        return true;
    case VTL2_TESTDEV_DO_RESET:
        ops->function_reset(fn);
        return true;
    case VTL2_TESTDEV_DO_UNPLUG:
        qdev_unplug(DEVICE(vtl2_function_device(fn)), NULL);
        ops->function_reset(fn);
        return true;
    case VTL2_TESTDEV_DO_MAP:
        return vtl2_testdev_map(s, arg[0], result);
    default:
        return false;
    }
}

static uint64_t vtl2_testdev_read(void *opaque, hwaddr addr, unsigned bytes)
{
    Vtl2Testdev *s = opaque;

    return addr / 8 < ARRAY_SIZE(s->reg) ? s->reg[addr / 8] : 0;
}

static void vtl2_testdev_write(void *opaque, hwaddr addr, uint64_t val,
                               unsigned bytes)
{
    Vtl2Testdev *s = opaque;

    if (addr == VTL2_TESTDEV_COMMAND) {
        val = vtl2_testdev_execute(s, val);
    }
    if (addr / 8 < ARRAY_SIZE(s->reg)) {
        s->reg[addr / 8] = val;
    }
}

static const MemoryRegionOps vtl2_testdev_ops = {
    .read = vtl2_testdev_read,
    .write = vtl2_testdev_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 8, .max_access_size = 8 },
    .impl = { .min_access_size = 8, .max_access_size = 8 },
};

static void vtl2_testdev_realize(DeviceState *dev, Error **errp)
{
    Vtl2Testdev *s = VTL2_TESTDEV(dev);

    s->drv = (Vtl2Driver) {
        .start = vtl2_testdev_start,
        .interrupt = vtl2_testdev_interrupt,
        .timer = vtl2_testdev_timer,
        .reset = vtl2_testdev_reset,
        .forget = vtl2_testdev_forget,
        .removed = vtl2_testdev_removed,
        .runs_when_stopped = s->runs_when_stopped,
    };
    if (!vtl2_testdev_claim(s, errp)) {
        return;
    }
    memory_region_init_io(&s->mmio, OBJECT(s), &vtl2_testdev_ops, s,
                          TYPE_VTL2_TESTDEV, VTL2_TESTDEV_BYTES);
    memory_region_add_subregion_overlap(get_system_memory(), s->gpa, &s->mmio,
                                        1);
}

static int vtl2_testdev_pre_save(void *opaque)
{
    Vtl2Testdev *s = opaque;

    for (unsigned i = 0; i < VTL2_TESTDEV_AREAS; i++) {
        s->area_addr[i] = s->areas[i].addr;
        s->area_bytes[i] = s->areas[i].bytes;
    }
    return 0;
}

static int vtl2_testdev_post_load(void *opaque, int version_id)
{
    Vtl2Testdev *s = opaque;

    for (unsigned i = 0; i < VTL2_TESTDEV_AREAS; i++) {
        if (s->area_bytes[i] &&
            (!s->fn || !vtl2_dma_claim(s->fn, s->area_addr[i],
                                       s->area_bytes[i], &s->areas[i]))) {
            error_report("vtl2-testdev: area %u is not to be had", i);
            return -EINVAL;
        }
    }
    return 0;
}

static const VMStateDescription vmstate_vtl2_testdev = {
    .name = TYPE_VTL2_TESTDEV,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_save = vtl2_testdev_pre_save,
    .post_load = vtl2_testdev_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(area_addr, Vtl2Testdev, VTL2_TESTDEV_AREAS),
        VMSTATE_UINT64_ARRAY(area_bytes, Vtl2Testdev, VTL2_TESTDEV_AREAS),
        VMSTATE_UINT64_ARRAY(reg, Vtl2Testdev,
            VTL2_TESTDEV_INTERRUPTS(VTL2_TESTDEV_VECTORS) / 8),
        VMSTATE_END_OF_LIST()
    },
};

static const Property vtl2_testdev_properties[] = {
    DEFINE_PROP_STRING("function", Vtl2Testdev, function),
    DEFINE_PROP_UINT64("address", Vtl2Testdev, gpa, VTL2_TESTDEV_GPA),
    DEFINE_PROP_BOOL("runs-when-stopped", Vtl2Testdev, runs_when_stopped,
                     false),
};

static void vtl2_testdev_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);

    dc->desc = "Paravisor test device";
    dc->realize = vtl2_testdev_realize;
    dc->vmsd = &vmstate_vtl2_testdev;
    dc->hotpluggable = false;
    device_class_set_props(dc, vtl2_testdev_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo vtl2_testdev_types[] = {
    {
        .name = TYPE_VTL2_TESTDEV,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(Vtl2Testdev),
        .class_init = vtl2_testdev_class_init,
    },
};

DEFINE_TYPES(vtl2_testdev_types)
