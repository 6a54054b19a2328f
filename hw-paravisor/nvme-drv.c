/*
 * NVMe driver in VTL2: a controller, between VTL2's function and the core
 *
 * The device has block backends of its own.  When one of them is drained, what the
 * controller still has to do must reach it, and nothing new may come: so the nodes
 * of the driver are quiesced with it, as parents are, and requests of the device
 * are not held back.  A controller reset drains them too, from the inside; it does
 * not wait for the requests that wait for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "block/block_int-io.h"
#include "hw/pci/pci_ids.h"
#include "hw/qdev-core.h"
#include "migration/vmstate.h"
#include "qemu/defer-call.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "qemu/timer.h"
#include "system/block-backend.h"
#include "system/runstate.h"
#include "nvme-drv-internal.h"

#define NVME_DRV_CHILD          "vtl2-driver"
#define NVME_DRV_IO_QUEUES      4
#define NVME_DRV_DEPTH          128
/* Of an I/O command until it is aborted: 30 seconds */
#define NVME_DRV_TIMEOUT_TICKS  60
/* Host time for what must not wait longer */
#define NVME_DRV_WAIT_NS        (10 * NANOSECONDS_PER_SECOND)

/* --- the core's events --- */

static void nvme_drv_event(void *owner, NvmeDrvEvent ev, uint64_t a, uint64_t b)
{
    NvmeDrvHost *h = owner;

    switch (ev) {
    case NVME_DRV_EV_STATE:
        trace_nvme_drv_state(h->name, nvme_drv_state_name(a),
                             h->drv.error ?: "");
        break;
    case NVME_DRV_EV_SUBMIT:
        trace_nvme_drv_submit(h->name, a, b & 0xffff, b >> 16);
        break;
    case NVME_DRV_EV_COMPLETE:
        trace_nvme_drv_complete(h->name, a, b & 0xffff, b >> 16);
        break;
    case NVME_DRV_EV_BAD_COMPLETION:
        trace_nvme_drv_bad_completion(h->name, a, b & 0xffff, b >> 16);
        break;
    case NVME_DRV_EV_TIMEOUT:
        trace_nvme_drv_timeout(h->name, a, b);
        break;
    case NVME_DRV_EV_RESET:
        trace_nvme_drv_reset(h->name, a, h->drv.error ?: "");
        break;
    case NVME_DRV_EV_ASYNC:
        trace_nvme_drv_async(h->name, a);
        break;
    }
}

/* --- register writes, in which the device may drain its backends --- */

static void nvme_drv_write32(void *fn, unsigned bar, uint64_t offset,
                             uint32_t val)
{
    NvmeDrvHost *h = vtl2_function_driver(fn);

    h->write_depth++;
    vtl2_function_ops.write32(fn, bar, offset, val);
    h->write_depth--;
}

static void nvme_drv_function_reset(void *fn)
{
    NvmeDrvHost *h = vtl2_function_driver(fn);

    h->write_depth++;
    vtl2_function_ops.function_reset(fn);
    h->write_depth--;
}

/* --- backends of the device --- */

static void nvme_drv_drained_begin(void *opaque)
{
    NvmeDrvHost *h = opaque;
    NvmeDrvNode *node;

    h->quiesce_count++;
    QLIST_FOREACH(node, &h->nodes, next) {
        bdrv_do_drained_begin_quiesce(node->bs, NULL);
    }
}

static void nvme_drv_drained_end(void *opaque)
{
    NvmeDrvHost *h = opaque;
    NvmeDrvNode *node;

    h->quiesce_count--;
    QLIST_FOREACH(node, &h->nodes, next) {
        bdrv_drained_end(node->bs);
    }
}

static bool nvme_drv_drained_poll(void *opaque)
{
    NvmeDrvHost *h = opaque;
    NvmeDrvNode *node;

    GRAPH_RDLOCK_GUARD_MAINLOOP();

    if (h->write_depth) {
        return false;
    }
    QLIST_FOREACH(node, &h->nodes, next) {
        if (bdrv_drain_poll(node->bs, NULL, false)) {
            return true;
        }
    }
    return false;
}

static const BlockDevOps nvme_drv_backend_ops = {
    .drained_begin = nvme_drv_drained_begin,
    .drained_end = nvme_drv_drained_end,
    .drained_poll = nvme_drv_drained_poll,
};

/* The subsystem, in which the device puts its namespaces, or NULL */
static DeviceState *nvme_drv_subsystem(PCIDevice *dev)
{
    Object *obj = NULL;

    if (object_property_find(OBJECT(dev), "subsys")) {
        obj = object_property_get_link(OBJECT(dev), "subsys", NULL);
    }
    return obj ? DEVICE(obj) : NULL;
}

/* Is @dev the controller @whole or in it, or in its subsystem? */
static bool nvme_drv_is_part(DeviceState *dev, PCIDevice *whole)
{
    DeviceState *subsystem = nvme_drv_subsystem(whole);

    while (dev && dev != DEVICE(whole) && dev != subsystem) {
        BusState *bus = qdev_get_parent_bus(dev);

        dev = bus ? bus->parent : NULL;
    }
    return dev;
}

static bool nvme_drv_add_backends(NvmeDrvHost *h, Error **errp)
{
    BlockBackend *blk = NULL;

    while ((blk = blk_all_next(blk))) {
        DeviceState *dev = blk_get_attached_dev(blk);
        NvmeDrvBackend *b;

        if (!dev || !nvme_drv_is_part(dev, h->dev) || !blk_bs(blk)) {
            continue;
        }
        b = g_new0(NvmeDrvBackend, 1);
        b->device_blk = blk;
        blk_ref(blk);
        blk_set_disable_request_queuing(blk, true);
        b->blk = blk_new(qemu_get_aio_context(), 0, BLK_PERM_ALL);
        blk_set_dev_ops(b->blk, &nvme_drv_backend_ops, h);
        blk_set_allow_aio_context_change(b->blk, false);
        QLIST_INSERT_HEAD(&h->backends, b, next);
        if (blk_insert_bs(b->blk, blk_bs(blk), errp) < 0) {
            return false;
        }
    }
    return true;
}

static void nvme_drv_drop_backends(NvmeDrvHost *h)
{
    NvmeDrvBackend *b;

    while ((b = QLIST_FIRST(&h->backends))) {
        QLIST_REMOVE(b, next);
        blk_set_disable_request_queuing(b->device_blk, false);
        blk_unref(b->device_blk);
        if (blk_bs(b->blk)) {
            blk_remove_bs(b->blk);
        }
        blk_unref(b->blk);
        g_free(b);
    }
}

/* --- early DMA --- */

/*
 * PCI gives a device its DMA when the machine is complete, while the disk must be
 * known earlier: until the first reset, lend it VTL2's address space.
 */
static void nvme_drv_lend_dma(NvmeDrvHost *h)
{
    MemoryRegion *all = pci_device_iommu_address_space(h->dev)->root;

    if (!phase_check(PHASE_MACHINE_READY)) {
        memory_region_init_alias(&h->early_dma, OBJECT(h), "early-dma", all, 0,
                                 memory_region_size(all));
        memory_region_add_subregion(&h->dev->bus_master_container_region, 0,
                                    &h->early_dma);
        h->has_early_dma = true;
    }
}

static void nvme_drv_take_dma_back(NvmeDrvHost *h)
{
    if (h->has_early_dma) {
        h->has_early_dma = false;
        memory_region_del_subregion(&h->dev->bus_master_container_region,
                                    &h->early_dma);
        object_unparent(OBJECT(&h->early_dma));
    }
}

/* --- calls from VTL2 --- */

/*
 * While the VM is stopped its clock stands still: the host's takes its place.  Before
 * the machine is complete VTL2 gets no interrupts either.
 */
static void nvme_drv_idle_poll(void *opaque)
{
    NvmeDrvHost *h = opaque;
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

    if (runstate_is_running() || !nvme_drv_is_busy(&h->drv)) {
        return;
    }
    timer_mod(h->idle_timer, now + NVME_DRV_POLL_NS);
    if (now - h->idle_tick_ns < NVME_DRV_TICK_NS) {
        nvme_drv_poll(&h->drv);
    } else {
        h->idle_tick_ns = now;
        nvme_drv_tick(&h->drv);
    }
}

static void nvme_drv_watch_idle(NvmeDrvHost *h)
{
    if (!runstate_is_running() && !timer_pending(h->idle_timer)) {
        h->idle_tick_ns = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
        timer_mod(h->idle_timer, h->idle_tick_ns + NVME_DRV_POLL_NS);
    }
}

static void nvme_drv_vm_state_change(void *opaque, bool running,
                                     RunState state)
{
    nvme_drv_watch_idle(opaque);
}

static void nvme_drv_start_bh(void *opaque)
{
    NvmeDrvHost *h = opaque;

    if (nvme_drv_is_busy(&h->drv)) {
        nvme_drv_start(&h->drv);
    }
}

static void nvme_drv_deferred_kick(void *opaque)
{
    NvmeDrvHost *h = opaque;

    nvme_drv_kick(&h->drv);
}

void nvme_drv_host_kick(NvmeDrvHost *h)
{
    if (h->drv.state == NVME_DRV_OFF) {
        /* the device may wait for its backends then, a coroutine could not */
        qemu_bh_schedule(h->start_bh);
    } else {
        defer_call(nvme_drv_deferred_kick, h);
    }
    nvme_drv_watch_idle(h);
}

static void nvme_drv_on_start(void *opaque)
{
    NvmeDrvHost *h = opaque;

    nvme_drv_resume(&h->drv);
}

static void nvme_drv_on_interrupt(void *opaque, unsigned vector)
{
    NvmeDrvHost *h = opaque;

    object_ref(OBJECT(h));
    defer_call_begin();
    nvme_drv_interrupt(&h->drv, vector);
    defer_call_end();
    object_unref(OBJECT(h));
}

static void nvme_drv_on_timer(void *opaque)
{
    NvmeDrvHost *h = opaque;

    object_ref(OBJECT(h));
    nvme_drv_timer(&h->drv);
    object_unref(OBJECT(h));
}

/*
 * Wait for the controller.  False: not within @limit_ns, in which time that the host
 * had for others does not count
 */
static bool nvme_drv_wait(NvmeDrvHost *h, bool (*is_done)(void *opaque),
                          void *opaque, int64_t limit_ns)
{
    int64_t last = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
    int64_t tick = last, waited_ns = 0;

    while (!is_done(opaque)) {
        int64_t now = qemu_clock_get_ns(QEMU_CLOCK_REALTIME);

        waited_ns += MIN(now - last, SCALE_MS);
        last = now;
        if (waited_ns > limit_ns) {
            return false;
        }
        if (now - tick > NVME_DRV_TICK_NS) {
            tick = now;
            nvme_drv_tick(&h->drv);
        }
        nvme_drv_poll(&h->drv);
        if (!aio_poll(qemu_get_aio_context(), false)) {
            g_usleep(20);
        }
    }
    return true;
}

static bool nvme_drv_is_idle(void *opaque)
{
    NvmeDrvHost *h = opaque;

    return !nvme_drv_is_busy(&h->drv) || h->drv.is_held;
}

static void nvme_drv_on_quiesce(void *opaque)
{
    NvmeDrvHost *h = opaque;

    object_ref(OBJECT(h));
    nvme_drv_wait(h, nvme_drv_is_idle, h, NVME_DRV_WAIT_NS);
    nvme_drv_take_dma_back(h);
    object_unref(OBJECT(h));
}

static void nvme_drv_on_reset(void *opaque)
{
    NvmeDrvHost *h = opaque;

    nvme_drv_machine_reset(&h->drv);
}

static void nvme_drv_set_migratable(NvmeDrvHost *h, bool on)
{
    const VMStateDescription *vmsd = qdev_get_vmsd(DEVICE(h->dev));

    /*
     * The device cannot be migrated as it holds state of its guest.  Here the
     * guest is this driver, which sets the device up anew.
     */
    if (!vmsd || !vmsd->unmigratable) {
        return;
    }
    if (on) {
        vmstate_unregister(VMSTATE_IF(h->dev), vmsd, h->dev);
    } else {
        vmstate_register_any(VMSTATE_IF(h->dev), vmsd, h->dev);
    }
}

static void nvme_drv_on_forget(void *opaque)
{
    NvmeDrvHost *h = opaque;

    nvme_drv_machine_reset(&h->drv);
    nvme_drv_forget_memory(&h->drv);
    h->bounce = (Vtl2Dma) { };
}

static int nvme_drv_post_load(void *opaque, int version_id)
{
    NvmeDrvHost *h = opaque;

    /* set up again when the guest asks for something, with new memory */
    nvme_drv_resume(&h->drv);
    return 0;
}

static const VMStateDescription vmstate_nvme_drv = {
    .name = "vtl2-nvme-driver",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = nvme_drv_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_END_OF_LIST()
    },
};

/* The device can be used no more */
static void nvme_drv_leave_device(NvmeDrvHost *h)
{
    vmstate_unregister(VMSTATE_IF(h->dev), &vmstate_nvme_drv, h);
    nvme_drv_set_migratable(h, false);
    nvme_drv_drop_backends(h);
    nvme_drv_take_dma_back(h);
    h->dev = NULL;
    object_unparent(OBJECT(h));
}

static bool nvme_drv_has_no_commands(void *opaque)
{
    NvmeDrvHost *h = opaque;

    return !h->drv.inflight_count;
}

static void nvme_drv_on_removed(void *opaque)
{
    NvmeDrvHost *h = opaque;

    trace_nvme_drv_removed(h->name);
    object_ref(OBJECT(h));
    /*
     * QEMU's nvme keeps a reference to itself for each command that it is disabled
     * in the middle of, and its image with it.
     */
    nvme_drv_stop_sending(&h->drv);
    nvme_drv_wait(h, nvme_drv_has_no_commands, h, NVME_DRV_WAIT_NS);
    nvme_drv_removed(&h->drv);
    nvme_drv_forget_memory(&h->drv);
    h->bounce = (Vtl2Dma) { };
    while (qemu_co_enter_next(&h->bounce_waiters, NULL)) {
        /* they find that there is nothing to wait for */
    }
    nvme_drv_leave_device(h);
    object_unref(OBJECT(h));
}

static const Vtl2Driver nvme_drv_driver = {
    .start = nvme_drv_on_start,
    .interrupt = nvme_drv_on_interrupt,
    .timer = nvme_drv_on_timer,
    .quiesce = nvme_drv_on_quiesce,
    .reset = nvme_drv_on_reset,
    .forget = nvme_drv_on_forget,
    .removed = nvme_drv_on_removed,
    .runs_when_stopped = true,
};

/* --- for the monitor --- */

static void nvme_drv_describe(void *opaque, ParavisorFunctionInfo *info)
{
    static const ParavisorDriverState states[] = {
        [NVME_DRV_OFF] = PARAVISOR_DRIVER_STATE_STARTING,
        [NVME_DRV_STARTING] = PARAVISOR_DRIVER_STATE_STARTING,
        [NVME_DRV_RUNNING] = PARAVISOR_DRIVER_STATE_RUNNING,
        [NVME_DRV_RESETTING] = PARAVISOR_DRIVER_STATE_RESETTING,
        [NVME_DRV_FAILED] = PARAVISOR_DRIVER_STATE_FAILED,
        [NVME_DRV_REMOVED] = PARAVISOR_DRIVER_STATE_FAILED,
    };
    NvmeDrvHost *h = opaque;

    info->state = states[h->drv.state];
    info->resets = h->drv.resets;
    info->error = g_strdup(h->drv.error);
}

static void nvme_drv_add_namespaces(void *opaque,
                                    ParavisorNamespaceInfoList ***tail)
{
    NvmeDrvHost *h = opaque;
    NvmeDrvNode *node;

    QLIST_FOREACH(node, &h->nodes, next) {
        ParavisorNamespaceInfo *info = g_new0(ParavisorNamespaceInfo, 1);
        const NvmeDrvNs *ns = &node->ns;

        info->node_name = g_strdup(bdrv_get_node_name(node->bs));
        info->function = object_get_canonical_path(OBJECT(h->dev));
        info->nsid = ns->nsid;
        info->block_size = 1u << ns->block_log2;
        info->size = ns->size_bytes;
        info->queues = h->drv.io_queue_count;
        info->reads = ns->reads;
        info->read_bytes = ns->read_bytes;
        info->writes = ns->writes;
        info->write_bytes = ns->write_bytes;
        info->flushes = ns->flushes;
        info->discards = ns->discards;
        info->errors = ns->errors;
        info->retries = ns->retries;
        info->aborts = ns->aborts;
        info->bounced_bytes = node->bounced_bytes;
        QAPI_LIST_APPEND(*tail, info);
    }
}

static const ParavisorProvider nvme_drv_provider = {
    .driver = "nvme",
    .describe = nvme_drv_describe,
    .add_namespaces = nvme_drv_add_namespaces,
};

/* --- bounce memory --- */

bool coroutine_fn nvme_drv_bounce_get(NvmeDrvHost *h, unsigned int *piece)
{
    for (;;) {
        if (!h->dev) {
            return false;
        }
        if (!h->bounce.ptr &&
            !vtl2_function_ops.dma_alloc(h->fn, NVME_DRV_BOUNCE_COUNT *
                                         NVME_DRV_BOUNCE_BYTES, &h->bounce)) {
            return false;
        }
        *piece = ctz32(~h->bounce_busy);
        if (*piece < NVME_DRV_BOUNCE_COUNT) {
            h->bounce_busy |= 1u << *piece;
            return true;
        }
        qemu_co_queue_wait(&h->bounce_waiters, NULL);
    }
}

void nvme_drv_bounce_put(NvmeDrvHost *h, unsigned int piece)
{
    h->bounce_busy &= ~(1u << piece);
    qemu_co_enter_next(&h->bounce_waiters, NULL);
}

/* --- life --- */

static bool nvme_drv_check_device(PCIDevice *dev, Error **errp)
{
    const char *id = DEVICE(dev)->id ?: object_get_typename(OBJECT(dev));
    DeviceState *subsystem = nvme_drv_subsystem(dev);

    if (pci_get_word(dev->config + PCI_CLASS_DEVICE) !=
        PCI_CLASS_STORAGE_EXPRESS) {
        error_setg(errp, "'%s' is a %s, no NVMe controller", id,
                   object_get_typename(OBJECT(dev)));
        return false;
    }
    /* one without an id is the controller's own */
    if (subsystem && subsystem->id) {
        error_setg(errp, "'%s' is part of a subsystem, whose namespaces others "
                   "may use; leave out subsys=", id);
        return false;
    }
    return true;
}

static bool nvme_drv_claim(NvmeDrvHost *h, PCIDevice *dev, Error **errp)
{
    h->dev = dev;
    h->name = g_strdup(DEVICE(dev)->id ?: object_get_typename(OBJECT(dev)));
    h->fn = vtl2_function_claim(dev, &nvme_drv_driver, h, errp);
    if (!h->fn) {
        return false;
    }
    h->pv = vtl2_function_paravisor(h->fn);
    h->ops = vtl2_function_ops;
    h->ops.write32 = nvme_drv_write32;
    h->ops.function_reset = nvme_drv_function_reset;
    h->drv = (NvmeDrv) {
        .ops = &h->ops,
        .fn = h->fn,
        .owner = h,
        .event = nvme_drv_event,
        .max_io_queues = NVME_DRV_IO_QUEUES,
        .max_depth = NVME_DRV_DEPTH,
        .timeout_ticks = NVME_DRV_TIMEOUT_TICKS,
    };
    nvme_drv_init(&h->drv);
    if (!nvme_drv_add_backends(h, errp)) {
        nvme_drv_drop_backends(h);
        vtl2_function_release(h->fn);
        return false;
    }
    nvme_drv_lend_dma(h);
    vtl2_function_set_provider(h->fn, &nvme_drv_provider, h);
    nvme_drv_set_migratable(h, true);
    vmstate_register(VMSTATE_IF(dev), 0, &vmstate_nvme_drv, h);
    h->start_bh = aio_bh_new(qemu_get_aio_context(), nvme_drv_start_bh, h);
    h->idle_timer = aio_timer_new(qemu_get_aio_context(), QEMU_CLOCK_REALTIME,
                                  SCALE_NS, nvme_drv_idle_poll, h);
    h->vm_state_entry =
        qdev_add_vm_change_state_handler(DEVICE(dev), nvme_drv_vm_state_change,
                                         h);
    return true;
}

NvmeDrvHost *nvme_drv_host_get(PCIDevice *dev, Error **errp)
{
    Object *obj = object_resolve_path_component(OBJECT(dev), NVME_DRV_CHILD);
    NvmeDrvHost *h;

    if (obj) {
        return NVME_DRV(object_ref(obj));
    }
    if (!nvme_drv_check_device(dev, errp)) {
        return NULL;
    }
    h = NVME_DRV(object_new(TYPE_NVME_DRV));
    if (!nvme_drv_claim(h, dev, errp)) {
        object_unref(OBJECT(h));
        return NULL;
    }
    object_property_add_child(OBJECT(dev), NVME_DRV_CHILD, OBJECT(h));
    return h;
}

void nvme_drv_host_put(NvmeDrvHost *h)
{
    if (QLIST_EMPTY(&h->nodes) && h->fn) {
        qemu_del_vm_change_state_handler(h->vm_state_entry);
        qemu_bh_delete(h->start_bh);
        timer_free(h->idle_timer);
        nvme_drv_cleanup(&h->drv);
        if (h->dev) {
            nvme_drv_leave_device(h);
        }
        vtl2_function_release(h->fn);
        h->fn = NULL;
    }
    object_unref(OBJECT(h));
}

static bool nvme_drv_is_looked_up(void *opaque)
{
    NvmeDrvNode *node = opaque;
    NvmeDrvState state = node->host->drv.state;

    return node->ns.state != NVME_DRV_NS_UNKNOWN ||
           state == NVME_DRV_FAILED || state == NVME_DRV_REMOVED;
}

bool nvme_drv_host_attach(NvmeDrvHost *h, NvmeDrvNode *node, Error **errp)
{
    NvmeDrvNode *other;

    QLIST_FOREACH(other, &h->nodes, next) {
        if (other->ns.nsid == node->ns.nsid) {
            error_setg(errp, "namespace %u of '%s' is in use by node '%s'",
                       node->ns.nsid, h->name, bdrv_get_node_name(other->bs));
            return false;
        }
        node->ns.queue_hint++;
    }
    QLIST_INSERT_HEAD(&h->nodes, node, next);
    for (unsigned int i = 0; i < h->quiesce_count; i++) {
        bdrv_do_drained_begin_quiesce(node->bs, NULL);
    }
    nvme_drv_attach_ns(&h->drv, &node->ns);
    nvme_drv_start(&h->drv);
    nvme_drv_wait(h, nvme_drv_is_looked_up, node, NVME_DRV_WAIT_NS);
    if (node->ns.state == NVME_DRV_NS_UNKNOWN) {
        error_setg(errp, "NVMe controller '%s' does not work: %s", h->name,
                   h->drv.error ?: "no answer");
    } else if (node->ns.state == NVME_DRV_NS_UNUSABLE) {
        error_setg(errp, "namespace %u of '%s' cannot be used: %s",
                   node->ns.nsid, h->name, node->ns.error);
    } else if (node->ns.state == NVME_DRV_NS_ABSENT) {
        error_setg(errp, "NVMe controller '%s' has no active namespace %u",
                   h->name, node->ns.nsid);
    } else {
        return true;
    }
    nvme_drv_host_detach(h, node);
    return false;
}

void nvme_drv_host_detach(NvmeDrvHost *h, NvmeDrvNode *node)
{
    nvme_drv_detach_ns(&h->drv, &node->ns);
    QLIST_REMOVE(node, next);
    for (unsigned int i = 0; i < h->quiesce_count; i++) {
        bdrv_drained_end(node->bs);
    }
}

static void nvme_drv_instance_init(Object *obj)
{
    NvmeDrvHost *h = NVME_DRV(obj);

    QLIST_INIT(&h->nodes);
    QLIST_INIT(&h->backends);
    qemu_co_queue_init(&h->bounce_waiters);
}

static void nvme_drv_instance_finalize(Object *obj)
{
    g_free(NVME_DRV(obj)->name);
}

static const TypeInfo nvme_drv_types[] = {
    {
        .name = TYPE_NVME_DRV,
        .parent = TYPE_OBJECT,
        .instance_size = sizeof(NvmeDrvHost),
        .instance_init = nvme_drv_instance_init,
        .instance_finalize = nvme_drv_instance_finalize,
    },
};

DEFINE_TYPES(nvme_drv_types)
