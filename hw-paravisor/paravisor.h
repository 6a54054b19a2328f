/*
 * Paravisor: VTL2 and what is in it, for the drivers in VTL2
 *
 * The device "paravisor" has VTL2's memory and the PCI bus vtl2.0.  A driver
 * claims a function on that bus and is told when to start.  All calls are made in
 * the main loop, under the BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef PARAVISOR_H
#define PARAVISOR_H

#include "qapi/qapi-types-hyperv.h"
#include "hw/pci/pci_device.h"
#include "qom/object.h"
#include "vtl2.h"

#define TYPE_PARAVISOR "paravisor"
OBJECT_DECLARE_SIMPLE_TYPE(Paravisor, PARAVISOR)

/* A function on vtl2.0 that a driver has */
typedef struct Vtl2Function Vtl2Function;

/* What query-paravisor tells of a function's driver.  Each may be NULL */
typedef struct ParavisorProvider {
    const char *driver;                 /* "mana", "nvme" */
    /* state, resets, error; the rest is filled in */
    void (*describe)(void *opaque, ParavisorFunctionInfo *info);
    void (*add_ports)(void *opaque, ParavisorPortInfoList ***tail);
    void (*add_namespaces)(void *opaque, ParavisorNamespaceInfoList ***tail);
} ParavisorProvider;

/* The paravisor that the function belongs to, NULL if it is on another bus */
Paravisor *paravisor_of_device(PCIDevice *dev);

/*
 * Set the function up for @drv: BARs, MSI-X (all vectors off), bus mastering.
 * Fails if it is on another bus or has a driver.  @drv and @driver stay valid
 * until vtl2_function_release(), which may come at any time, also from inside of
 * a call to the driver, and also after Vtl2Driver.removed.  drv->start follows.
 */
Vtl2Function *vtl2_function_claim(PCIDevice *dev, const Vtl2Driver *drv,
                                  void *driver, Error **errp);
/* Interrupts, bus mastering and memory decoding off; its memory is freed */
void vtl2_function_release(Vtl2Function *fn);
/* For Vtl2Ops, the void *fn is the Vtl2Function */
extern const Vtl2Ops vtl2_function_ops;

/* NULL after Vtl2Driver.removed */
PCIDevice *vtl2_function_device(const Vtl2Function *fn);
Paravisor *vtl2_function_paravisor(const Vtl2Function *fn);
/* The driver that it was claimed for */
void *vtl2_function_driver(const Vtl2Function *fn);
void vtl2_function_set_provider(Vtl2Function *fn, const ParavisorProvider *p,
                                void *opaque);

/*
 * For post_load: take the memory that a driver had when it was saved, contents
 * and all.  False if it is no memory of VTL2's, or taken.  Loading the paravisor's
 * own state, which comes first, has freed all memory: what a driver had before is
 * to be forgotten, not freed.
 */
bool vtl2_dma_claim(Vtl2Function *fn, uint64_t addr, size_t bytes,
                    Vtl2Dma *dma);

/*
 * What functions on vtl2.0 call the memory at @host.  Returns how many of the
 * @bytes are in a row there; 0 if @host is neither guest memory nor VTL2's, or
 * out of their reach.
 */
size_t vtl2_dma_map_host(Paravisor *s, const void *host, size_t bytes,
                         uint64_t *addr);

#endif /* PARAVISOR_H */
