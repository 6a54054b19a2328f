/*
 * Paravisor: VTL2, its memory and its address space
 *
 * VTL2's memory is in VTL2's address space alone: nothing that asks for the memory
 * of the machine finds it, be it a CPU, a device of VTL0, a dump or the firmware's
 * tables.  docs/system/devices/paravisor.rst is for users.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "exec/address-spaces.h"
#include "hw/hotplug.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "paravisor-internal.h"

void paravisor_kick(Paravisor *s)
{
    replay_bh_schedule_event(s->bh);
}

/* Outside of what made the work: a message in the middle of an access */
static void paravisor_bh(void *opaque)
{
    Paravisor *s = opaque;
    unsigned long i;

    for (i = find_first_bit(s->busy, VTL2_FUNCTION_COUNT);
         i < VTL2_FUNCTION_COUNT;
         i = find_next_bit(s->busy, VTL2_FUNCTION_COUNT, i + 1)) {
        clear_bit(i, s->busy);
        if (s->fns[i] && !vtl2_function_run(s->fns[i])) {
            set_bit(i, s->busy);        /* when the VM runs again */
        }
    }
}

static void paravisor_vm_state_change(void *opaque, bool running,
                                      RunState state)
{
    Paravisor *s = opaque;

    if (running) {
        /* drivers may write from now on, and not always by way of a function */
        s->is_touched = true;
        paravisor_kick(s);
    }
}

static bool paravisor_check_properties(Paravisor *s, Error **errp)
{
    bool ambiguous = false;

    if (s->memory_bytes < PARAVISOR_MIN_MEMORY ||
        s->memory_bytes > PARAVISOR_MAX_MEMORY ||
        s->memory_bytes % VTL2_PAGE_BYTES) {
        g_autofree char *min = size_to_str(PARAVISOR_MIN_MEMORY);
        g_autofree char *max = size_to_str(PARAVISOR_MAX_MEMORY);

        error_setg(errp, "'memory' must be from %s to %s, in pages of %u bytes",
                   min, max, VTL2_PAGE_BYTES);
        return false;
    }
    object_resolve_path_type("", TYPE_PARAVISOR, &ambiguous);
    if (ambiguous) {
        error_setg(errp, "a VM can have only one paravisor");
        return false;
    }
    return true;
}

static bool paravisor_init_memory(Paravisor *s, Error **errp)
{
    Object *owner = OBJECT(s);

    /* migration finds it by its name, which is fixed as there is one */
    if (!memory_region_init_ram(&s->ram, owner, "vtl2.ram", s->memory_bytes,
                                errp)) {
        return false;
    }
    s->ram_ptr = memory_region_get_ram_ptr(&s->ram);
    memory_region_init(&s->root, owner, "vtl2", UINT64_MAX);
    memory_region_init_alias(&s->vtl0, owner, "vtl2-vtl0", get_system_memory(),
                             0, VTL2_VTL0_BYTES);
    memory_region_add_subregion(&s->root, 0, &s->vtl0);
    memory_region_add_subregion(&s->root, VTL2_RAM_BASE, &s->ram);
    address_space_init(&s->as, &s->root, "vtl2");
    return true;
}

static void paravisor_realize(DeviceState *dev, Error **errp)
{
    Paravisor *s = PARAVISOR(dev);

    if (!paravisor_check_properties(s, errp) ||
        !paravisor_init_memory(s, errp)) {
        return;
    }
    vtl2_pages_init(&s->pages, s->memory_bytes / VTL2_PAGE_BYTES);
    vtl2_dma_listen(s);
    s->bh = qemu_bh_new_guarded(paravisor_bh, s, &dev->mem_reentrancy_guard);
    if (!vtl2_bus_realize(s, errp)) {
        qemu_bh_delete(s->bh);
        vtl2_dma_unlisten(s);
        vtl2_pages_destroy(&s->pages);
        address_space_destroy(&s->as);
        return;
    }
    qdev_add_vm_change_state_handler(dev, paravisor_vm_state_change, s);
    trace_paravisor_realize(s->memory_bytes);
}

static int paravisor_pre_load(void *opaque)
{
    Paravisor *s = opaque;

    /* drivers take what they had when their own state is loaded */
    for (unsigned i = 0; i < VTL2_FUNCTION_COUNT; i++) {
        if (s->fns[i]) {
            vtl2_function_forget(s->fns[i]);
        }
    }
    vtl2_pages_reset(&s->pages);
    return 0;
}

/* No state of its own: but it is the mark at which memory becomes free */
static const VMStateDescription vmstate_paravisor = {
    .name = "paravisor",
    .version_id = 1,
    .minimum_version_id = 1,
    .priority = MIG_PRI_PCI_BUS,
    .pre_load = paravisor_pre_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_EQUAL(memory_bytes, Paravisor,
                             "the paravisor's memory has another size"),
        VMSTATE_END_OF_LIST()
    },
};

static const Property paravisor_properties[] = {
    DEFINE_PROP_SIZE("memory", Paravisor, memory_bytes,
                     PARAVISOR_DEFAULT_MEMORY),
};

static void paravisor_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HotplugHandlerClass *hhc = HOTPLUG_HANDLER_CLASS(klass);

    dc->desc = "Paravisor in VTL2";
    dc->realize = paravisor_realize;
    dc->vmsd = &vmstate_paravisor;
    dc->hotpluggable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, paravisor_properties);
    hhc->pre_plug = vtl2_bus_pre_plug;
    hhc->plug = vtl2_bus_plug;
    hhc->unplug_request = vtl2_bus_unplug_request;
    hhc->unplug = vtl2_bus_unplug;

    object_class_property_set_description(klass, "memory",
        "Size of VTL2's memory, beyond that of the guest");
}

static const TypeInfo paravisor_types[] = {
    {
        .name = TYPE_PARAVISOR,
        .parent = TYPE_DEVICE,
        .instance_size = sizeof(Paravisor),
        .class_init = paravisor_class_init,
        .interfaces = (InterfaceInfo[]) {
            { TYPE_HOTPLUG_HANDLER },
            { }
        },
    },
};

DEFINE_TYPES(paravisor_types)
