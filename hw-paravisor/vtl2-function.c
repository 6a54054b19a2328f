/*
 * Paravisor: a function on VTL2's bus and the driver that has it
 *
 * The driver reaches the function by accesses to VTL2's address space.  Messages
 * and timers reach the driver from the main loop, never from inside of an access.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/timer.h"
#include "hw/qdev-core.h"
#include "migration/vmstate.h"
#include "system/runstate.h"
#include "paravisor-internal.h"

static bool vtl2_function_is_up(const Vtl2Function *fn)
{
    return fn->dev && !fn->is_resetting;
}

static bool vtl2_function_is_valid(const Vtl2Function *fn, unsigned bar,
                                   uint64_t offset, unsigned bytes)
{
    return vtl2_function_is_up(fn) && bar < VTL2_BAR_COUNT &&
           fn->bar_bytes[bar] >= bytes &&
           offset <= fn->bar_bytes[bar] - bytes;
}

/* The function may wait for its backends in the middle of a write: it stays */
static Paravisor *vtl2_access_begin(Vtl2Function *fn)
{
    fn->pv->is_touched = true;
    pci_root_busy_begin(&fn->pv->removals);
    return fn->pv;
}

/* --- Vtl2Ops --- */

static uint32_t vtl2_read32(void *opaque, unsigned bar, uint64_t offset)
{
    Vtl2Function *fn = opaque;
    uint32_t val = ~0u;

    if (vtl2_function_is_valid(fn, bar, offset, 4)) {
        val = address_space_ldl_le(&fn->pv->as, fn->bar_addr[bar] + offset,
                                   MEMTXATTRS_UNSPECIFIED, NULL);
    }
    trace_vtl2_read(fn->owner, bar, offset, 4, val);
    return val;
}

static uint64_t vtl2_read64(void *opaque, unsigned bar, uint64_t offset)
{
    Vtl2Function *fn = opaque;
    uint64_t val = ~0ull;

    if (vtl2_function_is_valid(fn, bar, offset, 8)) {
        val = address_space_ldq_le(&fn->pv->as, fn->bar_addr[bar] + offset,
                                   MEMTXATTRS_UNSPECIFIED, NULL);
    }
    trace_vtl2_read(fn->owner, bar, offset, 8, val);
    return val;
}

static void vtl2_write32(void *opaque, unsigned bar, uint64_t offset,
                         uint32_t val)
{
    Vtl2Function *fn = opaque;

    trace_vtl2_write(fn->owner, bar, offset, 4, val);
    if (vtl2_function_is_valid(fn, bar, offset, 4)) {
        Paravisor *s = vtl2_access_begin(fn);

        address_space_stl_le(&s->as, fn->bar_addr[bar] + offset, val,
                             MEMTXATTRS_UNSPECIFIED, NULL);
        pci_root_busy_end(&s->removals);
    }
}

static void vtl2_write64(void *opaque, unsigned bar, uint64_t offset,
                         uint64_t val)
{
    Vtl2Function *fn = opaque;

    trace_vtl2_write(fn->owner, bar, offset, 8, val);
    if (vtl2_function_is_valid(fn, bar, offset, 8)) {
        Paravisor *s = vtl2_access_begin(fn);

        address_space_stq_le(&s->as, fn->bar_addr[bar] + offset, val,
                             MEMTXATTRS_UNSPECIFIED, NULL);
        pci_root_busy_end(&s->removals);
    }
}

static uint64_t vtl2_bar_bytes(void *opaque, unsigned bar)
{
    Vtl2Function *fn = opaque;

    return bar < VTL2_BAR_COUNT ? fn->bar_bytes[bar] : 0;
}

static bool vtl2_op_dma_alloc(void *opaque, size_t bytes, Vtl2Dma *dma)
{
    return vtl2_dma_alloc(opaque, bytes, dma);
}

static void vtl2_op_dma_free(void *opaque, Vtl2Dma *dma)
{
    vtl2_dma_free(opaque, dma);
}

static bool vtl2_op_dma_claim(void *opaque, uint64_t addr, size_t bytes,
                              Vtl2Dma *dma)
{
    return vtl2_dma_claim(opaque, addr, bytes, dma);
}

static int64_t vtl2_now_ns(void *opaque)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void vtl2_set_timer(void *opaque, int64_t deadline_ns)
{
    Vtl2Function *fn = opaque;

    if (!vtl2_function_is_up(fn)) {
        deadline_ns = INT64_MAX;
    }
    fn->deadline_ns = deadline_ns;
    if (deadline_ns == INT64_MAX) {
        timer_del(fn->timer);
    } else {
        timer_mod(fn->timer, deadline_ns);
    }
}

static unsigned vtl2_vector_count(void *opaque)
{
    Vtl2Function *fn = opaque;

    return fn->vector_count;
}

static void vtl2_enable_vector(void *opaque, unsigned vector, bool on)
{
    Vtl2Function *fn = opaque;

    if (vtl2_function_is_up(fn) && vector < fn->vector_count) {
        trace_vtl2_enable_vector(fn->owner, vector, on);
        vtl2_config_mask(fn, vector, !on);
    }
}

static void vtl2_function_flr(void *opaque)
{
    Vtl2Function *fn = opaque;

    trace_vtl2_function_reset(fn->owner);
    if (vtl2_function_is_up(fn)) {
        Paravisor *s = vtl2_access_begin(fn);

        memset(fn->pending, 0, sizeof(fn->pending));
        vtl2_config_flr(fn);
        pci_root_busy_end(&s->removals);
    }
}

const Vtl2Ops vtl2_function_ops = {
    .read32 = vtl2_read32,
    .read64 = vtl2_read64,
    .write32 = vtl2_write32,
    .write64 = vtl2_write64,
    .bar_bytes = vtl2_bar_bytes,
    .dma_alloc = vtl2_op_dma_alloc,
    .dma_free = vtl2_op_dma_free,
    .dma_claim = vtl2_op_dma_claim,
    .now_ns = vtl2_now_ns,
    .set_timer = vtl2_set_timer,
    .vector_count = vtl2_vector_count,
    .enable_vector = vtl2_enable_vector,
    .function_reset = vtl2_function_flr,
};

/* --- calls to the driver --- */

static void vtl2_function_free(Vtl2Function *fn)
{
    timer_free(fn->timer);
    g_free(fn);
}

static void vtl2_call_begin(Vtl2Function *fn)
{
    fn->calls++;
    fn->pv->is_touched = true;
    pci_root_busy_begin(&fn->pv->removals);
}

/* The end of @fn, if the driver has let go of it */
static void vtl2_call_end(Vtl2Function *fn)
{
    Paravisor *s = fn->pv;

    fn->calls--;
    if (fn->is_released && !fn->calls) {
        vtl2_function_free(fn);
    }
    pci_root_busy_end(&s->removals);
}

static void vtl2_function_kick(Vtl2Function *fn)
{
    if (fn->dev) {
        set_bit(fn->dev->devfn, fn->pv->busy);
        paravisor_kick(fn->pv);
    }
}

static void vtl2_function_timeout(void *opaque)
{
    Vtl2Function *fn = opaque;

    fn->deadline_ns = INT64_MAX;
    vtl2_call_begin(fn);
    fn->drv->timer(fn->driver);
    vtl2_call_end(fn);
}

void vtl2_function_message(Vtl2Function *fn, uint32_t vector)
{
    trace_vtl2_interrupt(fn->owner, vector);
    fn->interrupts++;
    if (!fn->is_resetting) {
        fn->pending[vector / 64] |= 1ull << vector % 64;
        vtl2_function_kick(fn);
    }
}

/* Before the machine is complete, or a state is loaded, nothing starts */
static bool vtl2_function_may_start(const Vtl2Function *fn)
{
    return runstate_is_running() ||
           (fn->drv->runs_when_stopped && phase_check(PHASE_MACHINE_READY) &&
            !runstate_check(RUN_STATE_INMIGRATE) &&
            !runstate_check(RUN_STATE_RESTORE_VM));
}

bool vtl2_function_run(Vtl2Function *fn)
{
    uint64_t pending[ARRAY_SIZE(fn->pending)];

    if (fn->start_pending && !vtl2_function_may_start(fn)) {
        return false;
    }
    if (!runstate_is_running() && !fn->drv->runs_when_stopped) {
        return false;
    }
    vtl2_call_begin(fn);
    if (fn->start_pending) {
        trace_vtl2_start(fn->owner);
        fn->start_pending = false;
        fn->drv->start(fn->driver);
    }
    /* what comes meanwhile is for the next time */
    memcpy(pending, fn->pending, sizeof(pending));
    for (unsigned i = 0; i < ARRAY_SIZE(pending); i++) {
        for (; pending[i]; pending[i] &= pending[i] - 1) {
            uint64_t bit = pending[i] & -pending[i];

            if (fn->is_released || !(fn->pending[i] & bit)) {
                continue;
            }
            fn->pending[i] &= ~bit;
            fn->drv->interrupt(fn->driver, i * 64 + ctz64(bit));
        }
    }
    vtl2_call_end(fn);
    return true;
}

void vtl2_function_reset_enter(Vtl2Function *fn)
{
    vtl2_call_begin(fn);
    if (fn->drv->quiesce) {
        fn->drv->quiesce(fn->driver);
    }
    fn->is_resetting = true;
    memset(fn->pending, 0, sizeof(fn->pending));
    vtl2_set_timer(fn, INT64_MAX);
    fn->drv->reset(fn->driver);
    vtl2_call_end(fn);
}

void vtl2_function_reset_exit(Vtl2Function *fn)
{
    fn->is_resetting = false;
    vtl2_config_setup(fn);
    fn->start_pending = true;
    vtl2_function_kick(fn);
}

void vtl2_function_forget(Vtl2Function *fn)
{
    vtl2_call_begin(fn);
    fn->drv->forget(fn->driver);
    vtl2_call_end(fn);
}

/* --- claim and release --- */

static int vtl2_function_post_load(void *opaque, int version_id)
{
    Vtl2Function *fn = opaque;

    for (unsigned v = fn->vector_count; v < VTL2_MAX_VECTORS; v++) {
        if (fn->pending[v / 64] >> v % 64 & 1) {
            error_report("paravisor: interrupt %u is none of the function's",
                         v);
            return -EINVAL;
        }
    }
    vtl2_set_timer(fn, fn->deadline_ns);
    vtl2_function_kick(fn);
    return 0;
}

static const VMStateDescription vmstate_vtl2_function = {
    .name = "vtl2-function",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = vtl2_function_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_BOOL(start_pending, Vtl2Function),
        VMSTATE_INT64(deadline_ns, Vtl2Function),
        VMSTATE_UINT64(interrupts, Vtl2Function),
        VMSTATE_UINT64_ARRAY(pending, Vtl2Function, VTL2_MAX_VECTORS / 64),
        VMSTATE_END_OF_LIST()
    },
};

Vtl2Function *vtl2_function_claim(PCIDevice *dev, const Vtl2Driver *drv,
                                  void *driver, Error **errp)
{
    Paravisor *s = paravisor_of_device(dev);
    const char *id = DEVICE(dev)->id ?: object_get_typename(OBJECT(dev));
    Vtl2Function *fn;

    if (!s) {
        error_setg(errp, "'%s' is not on the paravisor's bus vtl2.0", id);
        return NULL;
    }
    if (s->fns[dev->devfn]) {
        error_setg(errp, "'%s' has a driver in the paravisor already", id);
        return NULL;
    }
    fn = g_new0(Vtl2Function, 1);
    fn->pv = s;
    fn->dev = dev;
    fn->drv = drv;
    fn->driver = driver;
    fn->owner = ++s->next_owner;
    fn->deadline_ns = INT64_MAX;
    if (!vtl2_config_probe(fn, errp)) {
        error_prepend(errp, "'%s': ", id);
        g_free(fn);
        return NULL;
    }
    fn->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, vtl2_function_timeout, fn);
    s->fns[dev->devfn] = fn;
    vtl2_config_setup(fn);
    vmstate_register(VMSTATE_IF(dev), 0, &vmstate_vtl2_function, fn);
    trace_vtl2_claim(fn->owner, id, dev->devfn, fn->vector_count);
    fn->start_pending = true;
    vtl2_function_kick(fn);
    return fn;
}

/* Driver and function are apart now */
static void vtl2_function_detach(Vtl2Function *fn)
{
    Paravisor *s = fn->pv;

    vmstate_unregister(VMSTATE_IF(fn->dev), &vmstate_vtl2_function, fn);
    vtl2_config_disable(fn);
    s->fns[fn->dev->devfn] = NULL;
    fn->dev = NULL;
    fn->start_pending = false;
    memset(fn->pending, 0, sizeof(fn->pending));
    vtl2_set_timer(fn, INT64_MAX);
    vtl2_pages_free_all(&s->pages, fn->owner);
}

void vtl2_function_release(Vtl2Function *fn)
{
    trace_vtl2_release(fn->owner);
    if (fn->dev) {
        vtl2_function_detach(fn);
    }
    fn->is_released = true;
    if (!fn->calls) {
        vtl2_function_free(fn);
    }
}

void vtl2_function_remove(Vtl2Function *fn)
{
    vtl2_call_begin(fn);
    fn->drv->removed(fn->driver);
    if (fn->dev) {
        vtl2_function_detach(fn);
    }
    vtl2_call_end(fn);
}

PCIDevice *vtl2_function_device(const Vtl2Function *fn)
{
    return fn->dev;
}

Paravisor *vtl2_function_paravisor(const Vtl2Function *fn)
{
    return fn->pv;
}

void *vtl2_function_driver(const Vtl2Function *fn)
{
    return fn->driver;
}

void vtl2_function_set_provider(Vtl2Function *fn, const ParavisorProvider *p,
                                void *opaque)
{
    fn->provider = p;
    fn->provider_opaque = opaque;
}
