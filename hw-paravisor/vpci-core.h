/*
 * hv-pci: the protocol (VSP side) and its interrupt messages
 *
 * Pure: messages in, verdicts out.  The caller runs what a verdict asks for.  It
 * keeps one VpciCore per bus and serializes all calls.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VPCI_CORE_H
#define VPCI_CORE_H

#include "qemu/osdep.h"
#include "vpci-defs.h"
#include "accel/hyperv/hv-defs.h"

#define VPCI_FUNCTION_COUNT             256     /* devfn: 32 devices by 8 */

/*
 * Interrupt messages that a guest can hold at once, over all functions: as many
 * as one function's MSI-X table has entries.
 */
#define VPCI_INTERRUPT_COUNT            2048
/*
 * Messages are this address with data VPCI_MSI_DATA + index: 16 bits, which MSI
 * has room for, and aligned, since the device puts the number of a message into
 * the low bits.  In the memory that the functions see, the 1 MiB there is ours.
 */
#define VPCI_MSI_ADDRESS                0xfee00000u
#define VPCI_MSI_BYTES                  0x00100000u
#define VPCI_MSI_DATA                   0x4000u
QEMU_BUILD_BUG_ON(VPCI_MSI_DATA % VPCI_INTERRUPT_COUNT);
QEMU_BUILD_BUG_ON(VPCI_MSI_DATA + VPCI_INTERRUPT_COUNT > 0x10000);

#define VPCI_RANGE_COUNT                2
typedef struct VpciRange {
    uint64_t base;
    uint64_t bytes;                     /* base + bytes does not wrap */
} VpciRange;

typedef struct VpciInterrupt {
    uint64_t vp_mask;                   /* VPs 0 to 63 */
    uint16_t idx;                       /* place in the table */
    uint8_t devfn;
    uint8_t vector;                     /* 0: free */
    uint8_t message_count;              /* of its block, if it is the first */
    bool is_multicast;
} VpciInterrupt;

typedef struct VpciCore {
    /* migrated */
    uint32_t version;                   /* 0: not agreed */
    bool is_d0;
    uint64_t window_gpa;                /* with is_d0 */
    VpciInterrupt interrupts[VPCI_INTERRUPT_COUNT];

    /* the caller's: functions that the guest may address, and where its MMIO is */
    uint64_t functions[VPCI_FUNCTION_COUNT / 64];
    VpciRange ranges[VPCI_RANGE_COUNT];
} VpciCore;

typedef enum VpciAction {
    VPCI_ACT_REPLY,                     /* nothing else; .reply is complete */
    VPCI_ACT_RELATIONS,                 /* tell the guest of the functions */
    VPCI_ACT_REQUIREMENTS,              /* reply with the BARs of .devfn */
    VPCI_ACT_D0_ENTRY,                  /* map the window */
    VPCI_ACT_D0_EXIT,                   /* unmap it, reset all functions */
    VPCI_ACT_RELEASED,                  /* reset .devfn */
    VPCI_ACT_POWER,                     /* .power_on .devfn or not */
    VPCI_ACT_EJECTED,                   /* .devfn may go, if .accepted */
} VpciAction;

#define VPCI_REPLY_BYTES                sizeof(VpciResourcesWire)

typedef struct VpciVerdict {
    VpciAction action;
    VpciStatus status;
    uint32_t type;                      /* of the message, for traces */
    uint8_t devfn;
    bool power_on;
    bool accepted;
    /* little-endian; begins with the status */
    uint32_t reply_bytes;
    uint8_t reply[VPCI_REPLY_BYTES];
} VpciVerdict;

void vpci_core_reset(VpciCore *core);

/* What the state could not have become: a bad migration stream */
bool vpci_core_valid(const VpciCore *core);

/* A message of the guest of @bytes bytes, which may include padding to 8 */
void vpci_core_handle(VpciCore *core, const uint8_t *msg, uint32_t bytes,
                      VpciVerdict *v);

/* Free all interrupts of @devfn, which is reset or gone */
void vpci_core_free_interrupts(VpciCore *core, uint8_t devfn);

/* HV_CALL_RETARGET_INTERRUPT */
HvStatus vpci_core_retarget(VpciCore *core, const HvRetarget *to);

/* What @devfn means when it writes @data to @address; NULL: nothing */
const VpciInterrupt *vpci_core_find(const VpciCore *core, uint8_t devfn,
                                    uint64_t address, uint32_t data);

static inline bool vpci_core_has_function(const VpciCore *core, uint8_t devfn)
{
    return core->functions[devfn / 64] >> devfn % 64 & 1;
}

static inline uint32_t vpci_slot(uint8_t devfn)
{
    return devfn >> 3 | (devfn & 7) << R_VPCI_SLOT_FUNCTION_SHIFT;
}

/* False: not a slot number */
bool vpci_slot_parse(uint32_t slot, uint8_t *devfn);

/*
 * Build VPCI_BUS_RELATIONS or 2, as the version wants, behind @buf's end;
 * @functions in the long form
 */
void vpci_build_relations(const VpciCore *core, GByteArray *buf,
                          const VpciFunction2Wire *functions, uint32_t count);

#endif /* VPCI_CORE_H */
