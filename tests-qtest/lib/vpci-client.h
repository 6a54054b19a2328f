/*
 * A guest's vPCI driver for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VPCI_CLIENT_H
#define VPCI_CLIENT_H

#include "vmbus-client.h"
#include "hw/paravisor/vpci-defs.h"

#define VMBUS_GUID_VPCI         "44c4f61d-4444-4400-9d52-802e27ede19f"
#define VPCI_CLIENT_RING_PAGES  5       /* as Linux has it */
#define VPCI_CLIENT_FUNCTIONS   8
/* in the windows of a q35 with 128 MiB */
#define VPCI_CLIENT_WINDOW_GPA  0xa0000000ull
#define VPCI_CLIENT_LOW_GPA     0xa1000000ull
#define VPCI_CLIENT_HIGH_GPA    0x900000000ull

typedef struct VpciMsi {
    uint64_t address;
    uint32_t data;
} VpciMsi;

typedef struct Vpci {
    VmbusClient *c;
    VmbusChannel *ch;
    uint32_t version;
    uint64_t window_gpa;
    uint32_t device_id;         /* for the retarget hypercall */
    bool multicast;             /* retarget to all of the VPs, not to one */
    uint64_t next_trans_id;
    uint64_t next_low_gpa;      /* for BARs */
    uint64_t next_high_gpa;
    /* what the host said last */
    unsigned relations;         /* messages seen */
    unsigned function_count;
    VpciFunction2Wire functions[VPCI_CLIENT_FUNCTIONS];
    unsigned ejects;
    uint32_t eject_slot;
} Vpci;

/* Open the @nth bus's channel, nothing more */
Vpci *vpci_client_open(VmbusClient *c, unsigned nth);
/*
 * Bring the @nth bus up as Linux does: version, relations, requirements, D0 with
 * the window at VPCI_CLIENT_WINDOW_GPA + @nth * 64 KiB, BARs, resources
 */
Vpci *vpci_client_start(VmbusClient *c, unsigned nth, uint32_t version);
/* The same after the channel was opened */
void vpci_client_bring_up(Vpci *v, unsigned nth, uint32_t version);
/* As Linux ends: resources released, D0 exit; then close */
void vpci_client_stop(Vpci *v);
void vpci_client_close(Vpci *v);
/* The host knows the channel no more: free */
void vpci_client_forget(Vpci *v);

/* Take in-band messages that have come */
void vpci_client_pump(Vpci *v);
/* Send a message that has no answer */
void vpci_client_send(Vpci *v, const void *msg, uint32_t bytes);
/* Send @msg, wait for the completion: its status; up to @reply_bytes of it */
uint32_t vpci_client_call(Vpci *v, const void *msg, uint32_t bytes,
                          void *reply, uint32_t reply_bytes);
/* As above for a message that is a type and a word */
uint32_t vpci_client_word(Vpci *v, uint32_t type, uint32_t word);
/* Wait until relations came more than @seen times */
void vpci_client_expect_relations(Vpci *v, unsigned seen);
void vpci_client_expect_eject(Vpci *v, uint32_t slot);
uint32_t vpci_client_d0_entry(Vpci *v, uint64_t window_gpa);
/* VPCI_EJECTION_COMPLETE */
void vpci_client_ejected(Vpci *v, uint32_t slot, uint32_t status);

/* Configuration space, by the window */
uint32_t vpci_client_cfg_read(Vpci *v, uint32_t slot, uint32_t offset,
                              unsigned size);
void vpci_client_cfg_write(Vpci *v, uint32_t slot, uint32_t offset,
                           unsigned size, uint32_t val);
/* Give all BARs of @slot addresses, as probed; memory and bus mastering on */
void vpci_client_place_bars(Vpci *v, uint32_t slot,
                            uint64_t bar_gpa[VPCI_BAR_COUNT]);
/* Offset of a capability, 0 if there is none */
uint32_t vpci_client_capability(Vpci *v, uint32_t slot, uint8_t id);

/* Create with the form that the version has; the completion's status */
uint32_t vpci_client_create(Vpci *v, uint32_t slot, uint8_t vector,
                            uint16_t count, uint16_t vp, VpciMsi *msi);
void vpci_client_delete(Vpci *v, uint32_t slot, const VpciMsi *msi);
/* HV_CALL_RETARGET_INTERRUPT in the form that the version has */
HvStatus vpci_client_retarget(Vpci *v, uint32_t slot, const VpciMsi *msi,
                              uint32_t vector, uint64_t vp_mask);

/* Wait until @vp took @vector; other vectors abort the test */
void vpci_client_expect_irq(Vpci *v, unsigned vp, uint8_t vector);
/* No VP has an interrupt, save VMBus's own */
void vpci_client_expect_no_irq(Vpci *v);

#endif /* VPCI_CLIENT_H */
