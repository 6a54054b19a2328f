/*
 * Inputs and outputs of hypercalls (TLFS appendix A)
 *
 * Those of ports and messages are in hv-defs.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_HYPERCALL_DEFS_H
#define HV_HYPERCALL_DEFS_H

#include "hv-defs.h"

/* HV_CALL_SIGNAL_EVENT (TLFS 11.10.2) */
typedef struct HvSignalEventWire {
    uint32_t connection_id;     /* [23:0] */
    uint16_t flag;              /* counted from the port's first flag */
    uint16_t reserved1;
} HvSignalEventWire;
QEMU_BUILD_BUG_ON(sizeof(HvSignalEventWire) != 8);

/*
 * Our partition's id: the guest only hands it back.  1 is the root partition's
 * on Hyper-V.
 */
#define HV_PARTITION_ID                 2ull

/* HV_CALL_FLUSH_*: flags */
#define HV_FLUSH_ALL_PROCESSORS         BIT(0)
#define HV_FLUSH_ALL_SPACES             BIT(1)
#define HV_FLUSH_NON_GLOBAL             BIT(2)
#define HV_FLUSH_EXTENDED               BIT(3)  /* list in extended format */

/* HV_CALL_FLUSH_VA_SPACE; HV_CALL_FLUSH_VA_LIST: a list of qwords follows */
typedef struct HvFlushWire {
    uint64_t address_space;     /* CR3 */
    uint64_t flags;             /* HV_FLUSH_* */
    uint64_t vp_mask;
} HvFlushWire;
QEMU_BUILD_BUG_ON(sizeof(HvFlushWire) != 24);

/* the same with a VP set; the banks are the variable header */
typedef struct HvFlushExWire {
    uint64_t address_space;
    uint64_t flags;
    uint64_t set_format;
    uint64_t valid_banks;
} HvFlushExWire;
QEMU_BUILD_BUG_ON(sizeof(HvFlushExWire) != 32);

/* "target VTL" bytes: a VTL, used if the flag is set, else the caller's own */
FIELD(HV_INPUT_VTL, VTL, 0, 4)
FIELD(HV_INPUT_VTL, USE, 4, 1)
FIELD(HV_INPUT_VTL, RSVD, 5, 3)

/* HV_CALL_SEND_IPI (TLFS 10.5.1) */
typedef struct HvSendIpiWire {
    uint32_t vector;
    uint8_t target_vtl;         /* HV_INPUT_VTL */
    uint8_t reserved1[3];
    uint64_t vp_mask;
} HvSendIpiWire;
QEMU_BUILD_BUG_ON(sizeof(HvSendIpiWire) != 16);

/* HV_CALL_SEND_IPI_EX; the banks are the variable header */
typedef struct HvSendIpiExWire {
    uint32_t vector;
    uint8_t target_vtl;         /* HV_INPUT_VTL */
    uint8_t reserved1[3];
    uint64_t set_format;
    uint64_t valid_banks;
} HvSendIpiExWire;
QEMU_BUILD_BUG_ON(sizeof(HvSendIpiExWire) != 24);

/*
 * HV_CALL_RETARGET_INTERRUPT (Linux hvhdk.h hv_retarget_device_interrupt).  With
 * HV_RETARGET_PROCESSOR_SET, vp_mask is the set's format and the variable header
 * has the valid banks and then the banks.
 */
#define HV_INTERRUPT_SOURCE_MSI         1u
#define HV_RETARGET_MULTICAST           BIT(0)
#define HV_RETARGET_PROCESSOR_SET       BIT(1)

typedef struct HvRetargetWire {
    uint64_t partition_id;
    uint64_t device_id;
    uint32_t source;            /* HV_INTERRUPT_SOURCE_MSI */
    uint32_t reserved1;
    uint32_t msi_address;
    uint32_t msi_data;
    uint64_t reserved2;
    uint32_t vector;
    uint32_t flags;             /* HV_RETARGET_* */
    uint64_t vp_mask;
} HvRetargetWire;
QEMU_BUILD_BUG_ON(sizeof(HvRetargetWire) != 56);

/* HV_CALL_GET_VP_INDEX_FROM_APIC: a list of u32 follows, and one comes back */
typedef struct HvVpIndexFromApicWire {
    uint64_t partition_id;
    uint8_t target_vtl;         /* a plain number */
    uint8_t reserved1[7];
} HvVpIndexFromApicWire;
QEMU_BUILD_BUG_ON(sizeof(HvVpIndexFromApicWire) != 16);

/* HV_CALL_GET_VP_REGISTERS: u32 names in, HvRegisterValueWire out */
typedef struct HvVpRegistersWire {
    uint64_t partition_id;
    uint32_t vp_index;
    uint8_t target_vtl;         /* HV_INPUT_VTL */
    uint8_t reserved1[3];
} HvVpRegistersWire;
QEMU_BUILD_BUG_ON(sizeof(HvVpRegistersWire) != 16);

typedef struct HvRegisterValueWire {
    uint64_t low;
    uint64_t high;
} HvRegisterValueWire;
QEMU_BUILD_BUG_ON(sizeof(HvRegisterValueWire) != 16);

/* HV_CALL_SET_VP_REGISTERS: a list of these */
typedef struct HvRegisterAssocWire {
    uint32_t name;
    uint32_t reserved1[3];
    HvRegisterValueWire value;
} HvRegisterAssocWire;
QEMU_BUILD_BUG_ON(sizeof(HvRegisterAssocWire) != 32);

/* Register names (TLFS appendix F; Linux hvgdk_mini.h, enum hv_register_name) */
#define HV_REG_HYPERVISOR_VERSION       0x00000100u
#define HV_REG_PRIVILEGES_AND_FEATURES  0x00000200u
#define HV_REG_RECOMMENDATIONS          0x00000201u
#define HV_REG_IMPLEMENTATION_LIMITS    0x00000202u
#define HV_REG_CRASH_P0                 0x00000210u
#define HV_REG_CRASH_CTL                0x00000215u
#define HV_REG_VP_RUNTIME               0x00090000u
#define HV_REG_HYPERCALL                0x00090001u
#define HV_REG_GUEST_OS_ID              0x00090002u
#define HV_REG_VP_INDEX                 0x00090003u
#define HV_REG_TIME_REF_COUNT           0x00090004u
#define HV_REG_VP_ASSIST_PAGE           0x00090013u
#define HV_REG_REFERENCE_TSC            0x00090017u
#define HV_REG_SINT0                    0x000a0000u
#define HV_REG_SCONTROL                 0x000a0010u
#define HV_REG_STIMER0_CONFIG           0x000b0000u
#define HV_REG_VSM_VP_STATUS            0x000d0003u
#define HV_REG_VSM_PARTITION_STATUS     0x000d0004u
#define HV_REG_VSM_CAPABILITIES         0x000d0006u

FIELD(HV_VSM_VP_STATUS, ACTIVE_VTL, 0, 4)
FIELD(HV_VSM_VP_STATUS, ENABLED_VTLS, 16, 16)
FIELD(HV_VSM_PARTITION_STATUS, ENABLED_VTLS, 0, 16)
FIELD(HV_VSM_PARTITION_STATUS, MAX_VTL, 16, 4)

#endif /* HV_HYPERCALL_DEFS_H */
