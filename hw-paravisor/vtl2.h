/*
 * Paravisor: what VTL2 gives to the drivers in it
 *
 * A driver has a PCI function on VTL2's bus.  It reaches the function's registers,
 * memory for DMA, time and interrupts through Vtl2Ops and by no other way, so that
 * the driver's core (*-core.c) runs in unit tests, in QEMU, and later as guest
 * code.  QEMU's implementation is vtl2-function.c.
 *
 * All calls are made in one context (QEMU: the main loop, under the BQL).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VTL2_H
#define VTL2_H

#include "qemu/osdep.h"

#define VTL2_PAGE_BYTES                 4096

/* A piece of VTL2's memory: whole pages, zeroed */
typedef struct Vtl2Dma {
    void *ptr;
    uint64_t addr;                      /* what the function calls it */
    size_t bytes;
} Vtl2Dma;

typedef struct Vtl2Ops {
    /* Registers, 4 or 8 bytes wide, in BAR @bar.  All ones if the function is gone */
    uint32_t (*read32)(void *fn, unsigned int bar, uint64_t offset);
    uint64_t (*read64)(void *fn, unsigned int bar, uint64_t offset);
    void (*write32)(void *fn, unsigned int bar, uint64_t offset, uint32_t val);
    void (*write64)(void *fn, unsigned int bar, uint64_t offset, uint64_t val);

    /* Size of the BAR in bytes, 0 if there is none */
    uint64_t (*bar_bytes)(void *fn, unsigned int bar);

    /* @bytes is rounded up to pages.  False if VTL2 has no more memory */
    bool (*dma_alloc)(void *fn, size_t bytes, Vtl2Dma *dma);
    void (*dma_free)(void *fn, Vtl2Dma *dma);
    /*
     * While a state is loaded: take memory that the driver had, contents and all.
     * False if it is none of VTL2's, or is taken
     */
    bool (*dma_claim)(void *fn, uint64_t addr, size_t bytes, Vtl2Dma *dma);

    /* Nanoseconds, monotonic; stops while the VM does */
    int64_t (*now_ns)(void *fn);
    /* Call Vtl2Driver.timer at @deadline_ns, or never: INT64_MAX */
    void (*set_timer)(void *fn, int64_t deadline_ns);

    /* Number of MSI-X messages that the function has */
    unsigned int (*vector_count)(void *fn);
    /* Messages of @vector reach the driver, or not.  They start out off */
    void (*enable_vector)(void *fn, unsigned int vector, bool on);

    /* Reset by the PCI function (FLR); BARs, bus mastering, MSI-X are set up again */
    void (*function_reset)(void *fn);
} Vtl2Ops;

/* How VTL2 calls the driver; never from inside of one of the calls above */
typedef struct Vtl2Driver {
    /*
     * The function is set up as if new.  Comes once after the claim and after
     * each reset of the VM, when the VM runs; not after a state was loaded.
     */
    void (*start)(void *driver);
    /* Several messages of one vector may come as one */
    void (*interrupt)(void *driver, unsigned int vector);
    void (*timer)(void *driver);
    /*
     * The VM is about to be reset, the function still works: what is under way
     * may come to its end before this returns.  May be NULL.
     */
    void (*quiesce)(void *driver);
    /*
     * The VM is being reset, the function's state is lost: until start, registers
     * read as all ones, nothing arrives, the timer is off.  Complete what is
     * under way without the function.  Memory stays allocated.
     */
    void (*reset)(void *driver);
    /*
     * A state is about to be loaded, after a reset: memory is the driver's no more,
     * unless its state claims it.  Should the stream break off, start may follow.
     */
    void (*forget)(void *driver);
    /*
     * The function is being unplugged: it must not be used after this returns.
     * Its memory is freed then.
     */
    void (*removed)(void *driver);
    /*
     * Interrupts arrive while the VM is stopped, too: for a driver whose user
     * lets it come to rest then by itself, as the block layer does.  Others get
     * them when the VM runs again.
     */
    bool runs_when_stopped;
} Vtl2Driver;

#endif /* VTL2_H */
