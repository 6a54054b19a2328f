/*
 * A driver in VTL2, directed by the test through the paravisor's test device
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VTL2_CLIENT_H
#define VTL2_CLIENT_H

#include "pcie-guest.h"
#include "hw/paravisor/vtl2-testdev-defs.h"

/* VTL2's address space, as docs/system/devices/paravisor.rst has it */
#define VTL2_RAM_ADDR           (1ull << 48)
#define VTL2_MMIO64_ADDR        (VTL2_RAM_ADDR + (1ull << 40))
#define VTL2_MMIO32_ADDR        (VTL2_RAM_ADDR + (2ull << 40))
#define VTL2_MSI_ADDR           0xfee00000ull

#define VTL2_NVME_QUEUE         8       /* entries */

/* The function that the test device at VTL2_TESTDEV_GPA has */
typedef struct Vtl2Client {
    PcieGuest *g;
} Vtl2Client;

/* False if it was refused; @result may be NULL */
bool vtl2_do(Vtl2Client *v, uint64_t command, uint64_t arg0, uint64_t arg1,
             uint64_t arg2, uint64_t *result);
/* As above, but it must be done */
uint64_t vtl2_must(Vtl2Client *v, uint64_t command, uint64_t arg0,
                   uint64_t arg1, uint64_t arg2);
/* A register: VTL2_TESTDEV_STARTS and the like */
uint64_t vtl2_count(Vtl2Client *v, uint64_t reg);

uint32_t vtl2_read(Vtl2Client *v, unsigned bar, uint64_t offset);
void vtl2_write(Vtl2Client *v, unsigned bar, uint64_t offset, uint32_t val);
uint64_t vtl2_alloc(Vtl2Client *v, uint64_t bytes);
uint64_t vtl2_peek(Vtl2Client *v, uint64_t addr);
void vtl2_poke(Vtl2Client *v, uint64_t addr, uint64_t val);

/* The admin queue of an nvme controller, in VTL2's memory */
typedef struct Vtl2Nvme {
    Vtl2Client *v;
    uint64_t sq;
    uint64_t cq;
    unsigned tail;
    unsigned head;
    bool phase;
} Vtl2Nvme;

void vtl2_nvme_start(Vtl2Nvme *n, Vtl2Client *v);
/* Identify controller to @prp */
uint16_t vtl2_nvme_identify(Vtl2Nvme *n, uint64_t prp);
/* Make I/O queue 1, send it one read of a block to @prp; nobody waits for it */
void vtl2_nvme_read(Vtl2Nvme *n, uint64_t prp);

/* e1000e's interrupt 0: what it takes to have it, and to raise it */
void vtl2_e1000e_start(Vtl2Client *v);
void vtl2_e1000e_raise(Vtl2Client *v);

#endif /* VTL2_CLIENT_H */
