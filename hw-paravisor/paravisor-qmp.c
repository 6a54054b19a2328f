/*
 * Paravisor: state for the monitor
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qapi/type-helpers.h"
#include "paravisor-internal.h"

static ParavisorFunctionInfo *paravisor_function_info(PCIDevice *dev,
                                                      const Vtl2Function *fn)
{
    ParavisorFunctionInfo *info = g_new0(ParavisorFunctionInfo, 1);

    info->qom_path = object_get_canonical_path(OBJECT(dev));
    info->address = g_strdup_printf("%02x.%x", PCI_SLOT(dev->devfn),
                                    PCI_FUNC(dev->devfn));
    info->state = PARAVISOR_DRIVER_STATE_ABSENT;
    if (fn) {
        info->interrupts = fn->interrupts;
        info->state = fn->start_pending ? PARAVISOR_DRIVER_STATE_STARTING
                                        : PARAVISOR_DRIVER_STATE_RUNNING;
    }
    if (fn && fn->provider) {
        info->driver = g_strdup(fn->provider->driver);
        if (fn->provider->describe) {
            fn->provider->describe(fn->provider_opaque, info);
        }
    } else {
        info->driver = g_strdup("none");
    }
    return info;
}

static ParavisorInfo *paravisor_info(Paravisor *s)
{
    ParavisorInfo *info = g_new0(ParavisorInfo, 1);
    ParavisorFunctionInfoList **functions = &info->functions;
    ParavisorPortInfoList **ports = &info->ports;
    ParavisorNamespaceInfoList **namespaces = &info->namespaces;

    info->qom_path = object_get_canonical_path(OBJECT(s));
    info->memory_base = VTL2_RAM_BASE;
    info->memory_size = s->memory_bytes;
    info->memory_used = (uint64_t)s->pages.used_count * VTL2_PAGE_BYTES;
    for (unsigned i = 0; i < VTL2_FUNCTION_COUNT; i++) {
        PCIDevice *dev = vtl2_bus_device(s, i);
        const Vtl2Function *fn = s->fns[i];

        if (!dev) {
            continue;
        }
        QAPI_LIST_APPEND(functions, paravisor_function_info(dev, fn));
        if (fn && fn->provider && fn->provider->add_ports) {
            fn->provider->add_ports(fn->provider_opaque, &ports);
        }
        if (fn && fn->provider && fn->provider->add_namespaces) {
            fn->provider->add_namespaces(fn->provider_opaque, &namespaces);
        }
    }
    return info;
}

ParavisorInfoList *qmp_query_paravisor(Error **errp)
{
    Object *obj = object_resolve_path_type("", TYPE_PARAVISOR, NULL);
    ParavisorInfoList *list = NULL;

    if (obj && DEVICE(obj)->realized) {
        QAPI_LIST_PREPEND(list, paravisor_info(PARAVISOR(obj)));
    }
    return list;
}

static void paravisor_text_functions(GString *out,
                                     const ParavisorFunctionInfoList *l)
{
    for (; l; l = l->next) {
        const ParavisorFunctionInfo *f = l->value;

        g_string_append_printf(out, "  function %s: %s, driver %s, %s, %" PRIu64
                               " interrupts, %u resets\n", f->address,
                               f->qom_path, f->driver,
                               ParavisorDriverState_str(f->state),
                               f->interrupts, f->resets);
        if (f->error) {
            g_string_append_printf(out, "    last error: %s\n", f->error);
        }
    }
}

static void paravisor_text_ports(GString *out, const ParavisorPortInfoList *l)
{
    for (; l; l = l->next) {
        const ParavisorPortInfo *p = l->value;

        g_string_append_printf(out, "  port: %s on %s vport %u, %u queues, link "
                               "%s\n", p->qom_path, p->function, p->vport,
                               p->queues, p->link ? "up" : "down");
        g_string_append_printf(out, "    path: %s%s, %u switches\n",
                               ParavisorDataPath_str(p->data_path),
                               p->accelerated ? " (accelerated)" : "",
                               p->switches);
        g_string_append_printf(out, "    sent %" PRIu64 " packets, %" PRIu64
                               " bytes, %" PRIu64 " errors\n", p->tx_packets,
                               p->tx_bytes, p->tx_errors);
        g_string_append_printf(out, "    received %" PRIu64 " packets, %" PRIu64
                               " bytes, %" PRIu64 " dropped\n", p->rx_packets,
                               p->rx_bytes, p->rx_dropped);
    }
}

static void paravisor_text_namespaces(GString *out,
                                      const ParavisorNamespaceInfoList *l)
{
    for (; l; l = l->next) {
        const ParavisorNamespaceInfo *n = l->value;
        g_autofree char *size = size_to_str(n->size);

        g_string_append_printf(out, "  namespace: %s on %s nsid %u, %s, blocks "
                               "of %u bytes, %u queues\n", n->node_name,
                               n->function, n->nsid, size, n->block_size,
                               n->queues);
        g_string_append_printf(out, "    %" PRIu64 " reads, %" PRIu64
                               " bytes; %" PRIu64 " writes, %" PRIu64 " bytes\n",
                               n->reads, n->read_bytes, n->writes,
                               n->write_bytes);
        g_string_append_printf(out, "    %" PRIu64 " flushes, %" PRIu64
                               " discards, %" PRIu64 " errors, %" PRIu64
                               " retries, %" PRIu64 " aborts, %" PRIu64
                               " bytes bounced\n", n->flushes, n->discards,
                               n->errors, n->retries, n->aborts,
                               n->bounced_bytes);
    }
}

HumanReadableText *qmp_x_query_paravisor(Error **errp)
{
    g_autoptr(ParavisorInfoList) list = qmp_query_paravisor(errp);
    g_autoptr(GString) out = g_string_new("");

    if (!list) {
        g_string_assign(out, "no paravisor in this VM\n");
    }
    for (const ParavisorInfoList *l = list; l; l = l->next) {
        const ParavisorInfo *p = l->value;
        g_autofree char *size = size_to_str(p->memory_size);
        g_autofree char *used = size_to_str(p->memory_used);

        g_string_append_printf(out, "%s: VTL2 memory %s at 0x%" PRIx64
                               ", %s in use\n", p->qom_path, size,
                               p->memory_base, used);
        paravisor_text_functions(out, p->functions);
        paravisor_text_ports(out, p->ports);
        paravisor_text_namespaces(out, p->namespaces);
    }
    return human_readable_text_from_str(out);
}
