/*
 * vPCI, a PCI bus over VMBus: messages
 *
 * Facts from Linux drivers/pci/controller/pci-hyperv.c (7.x, 6.12, 6.1) and from
 * OpenVMM vpci_protocol/src/lib.rs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VPCI_DEFS_H
#define VPCI_DEFS_H

#include "qemu/osdep.h"
#include "hw/registerfields.h"

/* Protocol versions: major in [31:16], minor in [15:0] */
#define VPCI_VERSION_1_1                0x00010001u     /* Windows 10 */
#define VPCI_VERSION_1_2                0x00010002u     /* RS1 */
#define VPCI_VERSION_1_3                0x00010003u     /* VB */
#define VPCI_VERSION_1_4                0x00010004u     /* FE, Server 2022 */

typedef enum VpciMessageType {
    VPCI_BUS_RELATIONS                  = 0x42490000,   /* to the guest */
    VPCI_QUERY_BUS_RELATIONS            = 0x42490001,
    VPCI_POWER_STATE_CHANGE             = 0x42490004,
    VPCI_QUERY_REQUIREMENTS             = 0x42490005,
    VPCI_D0_ENTRY                       = 0x42490007,
    VPCI_D0_EXIT                        = 0x42490008,
    VPCI_READ_BLOCK                     = 0x42490009,
    VPCI_WRITE_BLOCK                    = 0x4249000a,
    VPCI_EJECT                          = 0x4249000b,   /* to the guest */
    VPCI_EJECTION_COMPLETE              = 0x4249000f,
    VPCI_RESOURCES_ASSIGNED             = 0x42490010,
    VPCI_RESOURCES_RELEASED             = 0x42490011,
    VPCI_QUERY_VERSION                  = 0x42490013,
    VPCI_CREATE_INTERRUPT               = 0x42490014,
    VPCI_DELETE_INTERRUPT               = 0x42490015,
    VPCI_RESOURCES_ASSIGNED2            = 0x42490016,
    VPCI_CREATE_INTERRUPT2              = 0x42490017,
    VPCI_BUS_RELATIONS2                 = 0x42490019,   /* to the guest */
    VPCI_RESOURCES_ASSIGNED3            = 0x4249001a,
    VPCI_CREATE_INTERRUPT3              = 0x4249001b,
} VpciMessageType;

/* First word of completions; the high bit marks failure */
typedef enum VpciStatus {
    VPCI_STATUS_OK                      = 0,
    VPCI_STATUS_REVISION_MISMATCH       = 0xc0000059,
    VPCI_STATUS_NO_SUCH_DEVICE          = 0xc000000e,
    VPCI_STATUS_NO_RESOURCES            = 0xc000009a,
    VPCI_STATUS_NOT_SUPPORTED           = 0xc00000bb,
    VPCI_STATUS_BAD_STATE               = 0xc0000184,
    VPCI_STATUS_BAD_DATA                = 0xc000090b,
} VpciStatus;

/* Slot numbers: device and function are not where a devfn has them */
FIELD(VPCI_SLOT, DEVICE, 0, 5)
FIELD(VPCI_SLOT, FUNCTION, 5, 3)
FIELD(VPCI_SLOT, RSVD, 8, 24)

#define VPCI_BAR_COUNT                  6
#define VPCI_BLOCK_BYTES                128     /* at most */
#define VPCI_MAX_VECTORS                32      /* of one interrupt message */
#define VPCI_MAX_TARGETS                32
#define VPCI_DELIVERY_FIXED             0
#define VPCI_DELIVERY_LOWEST            1
#define VPCI_POWER_D0                   1
#define VPCI_POWER_D3                   4

/* The configuration window, at an address the guest names in D0_ENTRY */
#define VPCI_WINDOW_BYTES               0x2000
#define VPCI_WINDOW_SLOT                0x0000  /* u32: slot number */
#define VPCI_WINDOW_CONFIG              0x1000  /* that function's 4 KiB */
#define VPCI_CONFIG_BYTES               0x1000

/* Messages that are a type and a slot number, or only a type */
typedef struct VpciHeaderWire {
    uint32_t type;                      /* VpciMessageType */
    uint32_t slot;
} VpciHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(VpciHeaderWire) != 8);

typedef struct VpciQueryVersionWire {
    uint32_t type;
    uint32_t version;
} VpciQueryVersionWire;
QEMU_BUILD_BUG_ON(sizeof(VpciQueryVersionWire) != 8);

typedef struct VpciFunctionWire {
    uint16_t vendor_id;
    uint16_t device_id;
    uint8_t revision;
    uint8_t prog_if;
    uint8_t subclass;
    uint8_t base_class;
    uint32_t subsystem;                 /* vendor in [15:0] */
    uint32_t slot;
    uint32_t serial;                    /* Linux names the PCI slot after it */
} VpciFunctionWire;
QEMU_BUILD_BUG_ON(sizeof(VpciFunctionWire) != 20);

#define VPCI_FUNCTION2_NUMA             BIT(0)  /* numa_node is valid */
typedef struct VpciFunction2Wire {
    VpciFunctionWire base;
    uint32_t flags;                     /* VPCI_FUNCTION2_* */
    uint16_t numa_node;
    uint16_t reserved1;
} VpciFunction2Wire;
QEMU_BUILD_BUG_ON(sizeof(VpciFunction2Wire) != 28);

/* VPCI_BUS_RELATIONS and 2: functions follow */
typedef struct VpciRelationsWire {
    uint32_t type;
    uint32_t function_count;
} VpciRelationsWire;
QEMU_BUILD_BUG_ON(sizeof(VpciRelationsWire) != 8);

typedef struct VpciRequirementsReplyWire {
    uint32_t status;
    uint32_t probed_bar[VPCI_BAR_COUNT];        /* as after writing ones */
} VpciRequirementsReplyWire;
QEMU_BUILD_BUG_ON(sizeof(VpciRequirementsReplyWire) != 28);

typedef struct VpciD0EntryWire {
    uint32_t type;
    uint32_t reserved1;
    uint64_t window_gpa;
} VpciD0EntryWire;
QEMU_BUILD_BUG_ON(sizeof(VpciD0EntryWire) != 16);

typedef struct VpciPowerWire {
    uint32_t type;
    uint32_t slot;
    uint32_t state;                     /* VPCI_POWER_* */
} VpciPowerWire;
QEMU_BUILD_BUG_ON(sizeof(VpciPowerWire) != 12);

typedef struct VpciPowerReplyWire {
    uint32_t status;
    uint32_t slot;
    uint32_t state;
    uint32_t reserved1;
} VpciPowerReplyWire;
QEMU_BUILD_BUG_ON(sizeof(VpciPowerReplyWire) != 16);

/* Of a BAR; 0 in .type: nothing is said about it */
typedef struct VpciMemoryWire {
    uint8_t type;
    uint8_t share;
    uint16_t flags;
    uint32_t address_low;
    uint32_t address_high;
    uint32_t bytes;
    uint32_t reserved1;
} VpciMemoryWire;
QEMU_BUILD_BUG_ON(sizeof(VpciMemoryWire) != 20);

/* VPCI_RESOURCES_ASSIGNED*; in the reply the type is a status.  MSIs follow */
typedef struct VpciResourcesWire {
    uint32_t type;
    uint32_t slot;
    VpciMemoryWire memory[VPCI_BAR_COUNT];
    uint32_t msi_count;
    uint32_t reserved1;
} VpciResourcesWire;
QEMU_BUILD_BUG_ON(sizeof(VpciResourcesWire) != 136);

/* VPCI_CREATE_INTERRUPT; 2 and 3 differ in the vector and name the VPs */
typedef struct VpciCreateWire {
    uint32_t type;
    uint32_t slot;
    uint8_t vector;
    uint8_t delivery_mode;              /* VPCI_DELIVERY_* */
    uint16_t vector_count;
    uint32_t reserved1;
    uint64_t vp_mask;
} VpciCreateWire;
QEMU_BUILD_BUG_ON(sizeof(VpciCreateWire) != 24);

typedef struct VpciCreate2Wire {
    uint32_t type;
    uint32_t slot;
    uint8_t vector;
    uint8_t delivery_mode;
    uint16_t vector_count;
    uint16_t vp_count;
    uint16_t vps[VPCI_MAX_TARGETS];
    uint16_t reserved1;                 /* Linux leaves it away */
} VpciCreate2Wire;
QEMU_BUILD_BUG_ON(sizeof(VpciCreate2Wire) != 80);
#define VPCI_CREATE2_BYTES              offsetof(VpciCreate2Wire, reserved1)

typedef struct VpciCreate3Wire {
    uint32_t type;
    uint32_t slot;
    uint32_t vector;
    uint8_t delivery_mode;
    uint8_t reserved1;
    uint16_t vector_count;
    uint16_t vp_count;
    uint16_t vps[VPCI_MAX_TARGETS];
    uint16_t reserved2;                 /* Linux leaves it away */
} VpciCreate3Wire;
QEMU_BUILD_BUG_ON(sizeof(VpciCreate3Wire) != 84);
#define VPCI_CREATE3_BYTES              offsetof(VpciCreate3Wire, reserved2)

/* What the device writes where to interrupt the guest; count is the message's */
typedef struct VpciMsiWire {
    uint16_t reserved1;
    uint16_t vector_count;
    uint32_t data;
    uint32_t address_low;
    uint32_t address_high;
} VpciMsiWire;
QEMU_BUILD_BUG_ON(sizeof(VpciMsiWire) != 16);

typedef struct VpciCreateReplyWire {
    uint32_t status;
    uint32_t reserved1;
    VpciMsiWire msi;
} VpciCreateReplyWire;
QEMU_BUILD_BUG_ON(sizeof(VpciCreateReplyWire) != 24);

typedef struct VpciDeleteWire {
    uint32_t type;
    uint32_t slot;
    VpciMsiWire msi;
} VpciDeleteWire;
QEMU_BUILD_BUG_ON(sizeof(VpciDeleteWire) != 24);

/* VPCI_READ_BLOCK and VPCI_WRITE_BLOCK, where .bytes bytes follow */
typedef struct VpciBlockWire {
    uint32_t type;
    uint32_t block_id;
    uint32_t slot;
    uint32_t bytes;
} VpciBlockWire;
QEMU_BUILD_BUG_ON(sizeof(VpciBlockWire) != 16);

typedef struct VpciEjectedWire {
    uint32_t type;
    uint32_t slot;
    uint32_t status;
} VpciEjectedWire;
QEMU_BUILD_BUG_ON(sizeof(VpciEjectedWire) != 12);

/* A completion that is only a status; padding makes Linux take it */
typedef struct VpciStatusWire {
    uint32_t status;
    uint32_t reserved1;
} VpciStatusWire;
QEMU_BUILD_BUG_ON(sizeof(VpciStatusWire) != 8);

#endif /* VPCI_DEFS_H */
