/*
 * A machine with PCI functions behind hv-pci, and drivers for three kinds of them
 *
 * edu has MSI and registers that answer, nvme has MSI-X and DMA, e1000e has MSI-X
 * and can migrate.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VPCI_FUNCTIONS_H
#define VPCI_FUNCTIONS_H

#include "vpci-client.h"

/* byte 5 has its top bit set, so that the device id is a negative int in Linux */
#define BUS_ID          "1a2b3c4d-9e8f-5011-8000-000000000001"
#define BUS_SERIAL      0x1a2b3c4d
#define EDU             "-device edu,id=e0,bus=vp0.0,addr=0 "
#define NVME \
    "-blockdev driver=null-co,node-name=d0,size=1048576,read-zeroes=on " \
    "-device nvme,id=n0,bus=vp0.0,addr=0,drive=d0,serial=vpci-test "

#define E1000E          "-device e1000e,id=c0,bus=vp0.0,addr=0 "

#define E1000E_CAUSE    (1u << 20)      /* receive queue 0 */
#define EDU_ID          0x010000ed
#define EDU_LIVENESS    0x04
#define EDU_RAISE       0x60
#define EDU_ACK         0x64
#define VECTOR          0x41

typedef struct Machine {
    HvGuest *g;
    VmbusClient *c;
} Machine;

/* A bus "vp0" with what @extra says; offers are there */
void machine_start(Machine *m, const char *extra);
void machine_stop(Machine *m);
/* As above, and the bus is up with version 1.4; and its end */
Vpci *bus_start(Machine *m, const char *extra);
void bus_stop(Machine *m, Vpci *v);

/* Where the function's registers are now */
uint64_t edu_start(Vpci *v, uint32_t slot);
void edu_set_msi(Vpci *v, uint32_t slot, const VpciMsi *msi);
void edu_raise(Vpci *v, uint64_t bar);

/* nvme's admin queue */
#define NVME_QUEUE      8

typedef struct Nvme {
    Vpci *v;
    uint64_t bar;
    uint64_t sq_gpa;
    uint64_t cq_gpa;
    uint64_t buf_gpa;
    unsigned tail;
    unsigned head;
    bool phase;
} Nvme;

/* Enable the controller in slot 0; @msi is its interrupt 0 */
void nvme_start(Nvme *n, Vpci *v, const VpciMsi *msi);
void nvme_submit_identify(Nvme *n);
/* The completion is there and good, and so is what it brought */
void nvme_check_identify(Nvme *n);

/* Where the registers of the card in slot 0 are; @msi is its interrupt 0 */
uint64_t e1000e_start(Vpci *v, const VpciMsi *msi);
void e1000e_raise(Vpci *v, uint64_t bar);

#endif /* VPCI_FUNCTIONS_H */
