/*
 * Hyper-V partition interface: CPUID leaves, MSRs, hypercalls, wire structs
 *
 * Facts from the Hypervisor Top Level Functional Specification (TLFS) 6.0b and
 * from Linux include/hyperv/hvgdk_mini.h, hvhdk.h; where the two differ, the
 * comment at the item says which one is followed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HV_DEFS_H
#define HV_DEFS_H

#include "qemu/osdep.h"
#include "hw/registerfields.h"

/* The hypervisor's page, whatever the target's page size is (TLFS 1.4) */
#define HV_PAGE_SHIFT                   12
#define HV_PAGE_SIZE                    4096u
#define HV_PAGE_MASK                    (~(uint64_t)(HV_PAGE_SIZE - 1))

/* VTLs that this implementation can name; only VTL0 runs code today */
#define HV_VTL_COUNT                    3
#define HV_MAX_VPS                      64

/* "any VP" and "self" in VP index fields (TLFS 7.8.1) */
#define HV_VP_INDEX_ANY                 0xffffffffu
#define HV_VP_INDEX_SELF                0xfffffffeu
#define HV_PARTITION_ID_SELF            (~0ull)

/*
 * CPUID leaves (TLFS 2.4).  Names that hyperv-proto.h has too are spelt as
 * there, because both headers are seen in files that need cpu.h.
 */
#define HV_CPUID_BASE                   0x40000000u
#define HV_CPUID_VENDOR                 0x40000000u
#define HV_CPUID_INTERFACE              0x40000001
#define HV_CPUID_VERSION                0x40000002
#define HV_CPUID_FEATURES               0x40000003
#define HV_CPUID_RECOMMENDATIONS        0x40000004u
#define HV_CPUID_LIMITS                 0x40000005u
#define HV_CPUID_HARDWARE               0x40000006u
#define HV_CPUID_NESTED                 0x4000000au
#define HV_CPUID_ISOLATION              0x4000000cu
#define HV_CPUID_VS_VENDOR              0x40000080u
#define HV_CPUID_VS_INTERFACE           0x40000081u
#define HV_CPUID_VS_PROPERTIES          0x40000082u
#define HV_CPUID_END                    0x400000ffu

#define HV_INTERFACE_HV1                0x31237648u     /* "Hv#1" */
#define HV_INTERFACE_VS1                0x31235356u     /* "VS#1" */

/* 0x40000003 EAX: partition privileges, low half (TLFS 4.2.2) */
#define HV_PRIV_VP_RUNTIME              BIT(0)
#define HV_PRIV_TIME_REF_COUNT          BIT(1)
#define HV_PRIV_SYNIC                   BIT(2)
#define HV_PRIV_SYNTIMER                BIT(3)
#define HV_PRIV_APIC_MSRS               BIT(4)
#define HV_PRIV_HYPERCALL_MSRS          BIT(5)
#define HV_PRIV_VP_INDEX                BIT(6)
#define HV_PRIV_RESET                   BIT(7)
#define HV_PRIV_STAT_PAGES              BIT(8)
#define HV_PRIV_REFERENCE_TSC           BIT(9)
#define HV_PRIV_GUEST_IDLE              BIT(10)
#define HV_PRIV_FREQUENCY_MSRS          BIT(11)
#define HV_PRIV_REENLIGHTENMENT         BIT(13)
#define HV_PRIV_TSC_INVARIANT           BIT(15)

/* 0x40000003 EBX: partition privileges, high half */
#define HV_PRIVH_CREATE_PARTITIONS      BIT(0)
#define HV_PRIVH_ACCESS_PARTITION_ID    BIT(1)
#define HV_PRIVH_POST_MESSAGES          BIT(4)
#define HV_PRIVH_SIGNAL_EVENTS          BIT(5)
#define HV_PRIVH_CPU_MANAGEMENT         BIT(12)
#define HV_PRIVH_ACCESS_VSM             BIT(16)
#define HV_PRIVH_ACCESS_VP_REGISTERS    BIT(17)
#define HV_PRIVH_EXTENDED_HYPERCALLS    BIT(20)
#define HV_PRIVH_START_VP               BIT(21)
#define HV_PRIVH_ISOLATION              BIT(22)

/* 0x40000003 EDX: features */
#define HV_FEAT_MWAIT                   BIT(0)
#define HV_FEAT_DYNAMIC_PARTITIONING    BIT(3)
#define HV_FEAT_XMM_INPUT               BIT(4)
#define HV_FEAT_GUEST_IDLE              BIT(5)
#define HV_FEAT_FREQUENCY_MSRS          BIT(8)
#define HV_FEAT_GUEST_CRASH_MSRS        BIT(10)
#define HV_FEAT_EXT_GVA_RANGES_FLUSH    BIT(14)
#define HV_FEAT_XMM_OUTPUT              BIT(15)
#define HV_FEAT_STIMER_DIRECT           BIT(19)

/* 0x40000004 EAX: recommendations */
#define HV_HINT_LOCAL_TLB_FLUSH         BIT(1)
#define HV_HINT_REMOTE_TLB_FLUSH        BIT(2)
#define HV_HINT_APIC_MSRS               BIT(3)
#define HV_HINT_RESET_MSR               BIT(4)
#define HV_HINT_RELAXED_TIMING          BIT(5)
#define HV_HINT_DEPRECATE_AUTO_EOI      BIT(9)
#define HV_HINT_CLUSTER_IPI             BIT(10)
#define HV_HINT_EX_PROCESSOR_MASKS      BIT(11)
#define HV_HINT_NO_NONARCH_CORESHARING  BIT(18)
#define HV_SPINLOCK_NEVER_NOTIFY        0xffffffffu

/* MSRs (TLFS appendix; Linux hvgdk_mini.h) */
#define HV_MSR_FIRST                    0x40000000u
#define HV_MSR_LAST                     0x40001fffu
#define HV_MSR_GUEST_OS_ID              0x40000000u
#define HV_MSR_HYPERCALL                0x40000001u
#define HV_MSR_VP_INDEX                 0x40000002u
#define HV_MSR_RESET                    0x40000003u
#define HV_MSR_VP_RUNTIME               0x40000010u
#define HV_MSR_TIME_REF_COUNT           0x40000020u
#define HV_MSR_REFERENCE_TSC            0x40000021u
#define HV_MSR_TSC_FREQUENCY            0x40000022u
#define HV_MSR_APIC_FREQUENCY           0x40000023u
#define HV_MSR_NPIEP_CONFIG             0x40000040u
#define HV_MSR_EOI                      0x40000070u
#define HV_MSR_ICR                      0x40000071u
#define HV_MSR_TPR                      0x40000072u
#define HV_MSR_VP_ASSIST_PAGE           0x40000073u
#define HV_MSR_SCONTROL                 0x40000080u
#define HV_MSR_SVERSION                 0x40000081u
#define HV_MSR_SIEFP                    0x40000082u
#define HV_MSR_SIMP                     0x40000083u
#define HV_MSR_EOM                      0x40000084u
#define HV_MSR_SINT0                    0x40000090u
#define HV_MSR_SINT15                   0x4000009fu
#define HV_MSR_STIMER0_CONFIG           0x400000b0u
#define HV_MSR_STIMER3_COUNT            0x400000b7u
#define HV_MSR_GUEST_IDLE               0x400000f0u
#define HV_MSR_CRASH_P0                 0x40000100u
#define HV_MSR_CRASH_P4                 0x40000104u
#define HV_MSR_CRASH_CTL                0x40000105u
#define HV_MSR_REENLIGHTENMENT_CONTROL  0x40000106u
#define HV_MSR_TSC_EMULATION_CONTROL    0x40000107u
#define HV_MSR_TSC_EMULATION_STATUS     0x40000108u
#define HV_MSR_TSC_INVARIANT_CONTROL    0x40000118u

/* bit 0 of every MSR that places a page; the page number is in [63:12] */
#define HV_MSR_PAGE_ENABLE              BIT_ULL(0)
#define HV_MSR_HYPERCALL_LOCKED         BIT_ULL(1)
#define HV_MSR_SCONTROL_ENABLE          BIT_ULL(0)
#define HV_SVERSION                     1u
#define HV_CRASH_CTL_NOTIFY             (1ull << 63)
#define HV_CRASH_CTL_MESSAGE            BIT_ULL(62)
#define HV_CRASH_PARAM_COUNT            5

/* Vectors of interrupts; those below are the processor's exceptions (TLFS 10.5) */
#define HV_FIRST_VALID_VECTOR           0x10
#define HV_LAST_VALID_VECTOR            0xff

/* VP assist page (TLFS 10.3.5): first u32 */
#define HV_ASSIST_NO_EOI_REQUIRED       BIT(0)

/* SINTx (TLFS 11.8.4) */
#define HV_SINT_COUNT                   16
#define HV_SINT_RESET                   0x10000ull      /* masked */
FIELD(HV_SINT, VECTOR, 0, 8)
FIELD(HV_SINT, MASKED, 16, 1)
FIELD(HV_SINT, AUTO_EOI, 17, 1)
FIELD(HV_SINT, POLLING, 18, 1)
FIELD(HV_SINT, AS_INTERCEPT, 19, 1)
FIELD(HV_SINT, PROXY, 20, 1)

/* STIMERx_CONFIG (TLFS 12.3) */
#define HV_STIMER_COUNT                 4
FIELD(HV_STIMER, ENABLE, 0, 1)
FIELD(HV_STIMER, PERIODIC, 1, 1)
FIELD(HV_STIMER, LAZY, 2, 1)
FIELD(HV_STIMER, AUTO_ENABLE, 3, 1)
FIELD(HV_STIMER, APIC_VECTOR, 4, 8)
FIELD(HV_STIMER, DIRECT_MODE, 12, 1)
FIELD(HV_STIMER, SINTX, 16, 4)

/* SynIC messages (TLFS 11.8.3) */
#define HV_MSG_PAYLOAD_BYTES            240
#define HV_MSG_BYTES                    256
#define HV_MSG_TYPE_NONE                0u
#define HV_MSG_TYPE_CHANNEL             1u
#define HV_MSG_TYPE_TIMER_EXPIRED       0x80000010u
#define HV_MSG_FLAG_PENDING             BIT(0)

typedef struct HvMessageWire {
    uint32_t type;              /* written last by the host, 0 = slot free */
    uint8_t payload_bytes;
    uint8_t flags;              /* HV_MSG_FLAG_* */
    uint16_t reserved1;
    uint64_t origin;            /* port or partition id of the sender */
    uint8_t payload[HV_MSG_PAYLOAD_BYTES];
} HvMessageWire;
QEMU_BUILD_BUG_ON(sizeof(HvMessageWire) != HV_MSG_BYTES);

typedef struct HvTimerMessageWire {
    uint32_t timer_idx;
    uint32_t reserved1;
    uint64_t expiration_100ns;
    uint64_t delivery_100ns;
} HvTimerMessageWire;
QEMU_BUILD_BUG_ON(sizeof(HvTimerMessageWire) != 24);

/* event flags: 2048 bits for each SINT in the event flags page */
#define HV_EVENT_FLAG_COUNT             2048
#define HV_EVENT_FLAG_BYTES             (HV_EVENT_FLAG_COUNT / 8)

/* Reference TSC page (TLFS 12.7) */
typedef struct HvReferenceTscWire {
    uint32_t sequence;          /* 0: page not usable, read the MSR */
    uint32_t reserved1;
    uint64_t scale;             /* 0.64 fixed point, 100 ns per tick */
    int64_t offset_100ns;
} HvReferenceTscWire;
QEMU_BUILD_BUG_ON(sizeof(HvReferenceTscWire) != 24);

/* Hypercall control word in RCX and result in RAX (TLFS 3.7) */
FIELD(HV_CALL, CODE, 0, 16)
FIELD(HV_CALL, FAST, 16, 1)
FIELD(HV_CALL, VAR_QWORDS, 17, 10)
FIELD(HV_CALL, RSVD1, 27, 4)
FIELD(HV_CALL, NESTED, 31, 1)
FIELD(HV_CALL, REP_COUNT, 32, 12)
FIELD(HV_CALL, RSVD2, 44, 4)
FIELD(HV_CALL, REP_START, 48, 12)
FIELD(HV_CALL, RSVD3, 60, 4)
FIELD(HV_CALL_RESULT, STATUS, 0, 16)
FIELD(HV_CALL_RESULT, REPS_DONE, 32, 12)

/* Hypercall codes (TLFS appendix A) */
#define HV_CALL_SWITCH_VA_SPACE         0x0001
#define HV_CALL_FLUSH_VA_SPACE          0x0002
#define HV_CALL_FLUSH_VA_LIST           0x0003
#define HV_CALL_NOTIFY_LONG_SPIN_WAIT   0x0008
#define HV_CALL_SEND_IPI                0x000b
#define HV_CALL_FLUSH_VA_SPACE_EX       0x0013
#define HV_CALL_FLUSH_VA_LIST_EX        0x0014
#define HV_CALL_SEND_IPI_EX             0x0015
#define HV_CALL_GET_PARTITION_ID        0x0046
#define HV_CALL_GET_VP_REGISTERS        0x0050
#define HV_CALL_SET_VP_REGISTERS        0x0051
#define HV_CALL_POST_MESSAGE            0x005c
#define HV_CALL_SIGNAL_EVENT            0x005d
#define HV_CALL_RETARGET_INTERRUPT      0x007e
#define HV_CALL_GET_VP_INDEX_FROM_APIC  0x009a
#define HV_CALL_EXT_QUERY_CAPABILITIES  0x8001

/* HV_CALL_RETARGET_INTERRUPT, checked: where a device's interrupt now goes */
typedef struct HvRetarget {
    uint32_t device_id;         /* function number in [2:0] */
    uint32_t msi_address;       /* low half of the address */
    uint32_t msi_data;
    uint8_t vector;
    bool is_multicast;          /* to all of the VPs, else to one of them */
    uint64_t vp_mask;           /* existing VPs 0 to 63; at least one */
} HvRetarget;

/* Status codes (TLFS appendix B) */
typedef enum HvStatus {
    HV_STATUS_OK                        = 0x0000,
    HV_STATUS_INVALID_CODE              = 0x0002,
    HV_STATUS_INVALID_INPUT             = 0x0003,
    HV_STATUS_BAD_ALIGNMENT             = 0x0004,
    HV_STATUS_BAD_PARAMETER             = 0x0005,
    HV_STATUS_DENIED                    = 0x0006,
    HV_STATUS_BAD_PARTITION_STATE       = 0x0007,
    HV_STATUS_OPERATION_DENIED          = 0x0008,
    HV_STATUS_UNKNOWN_PROPERTY          = 0x0009,
    HV_STATUS_OUT_OF_RANGE              = 0x000a,
    HV_STATUS_NO_MEMORY                 = 0x000b,
    HV_STATUS_BAD_PARTITION_ID          = 0x000d,
    HV_STATUS_BAD_VP_INDEX              = 0x000e,
    HV_STATUS_NOT_FOUND                 = 0x0010,
    HV_STATUS_BAD_PORT_ID               = 0x0011,
    HV_STATUS_BAD_CONNECTION_ID         = 0x0012,
    HV_STATUS_NO_BUFFERS                = 0x0013,
    HV_STATUS_BAD_VP_STATE              = 0x0015,
    HV_STATUS_BAD_REGISTER_VALUE        = 0x0050,
} HvStatus;

/* HV_CALL_POST_MESSAGE input (TLFS 11.10.1) */
typedef struct HvPostMessageWire {
    uint32_t connection_id;     /* [23:0] */
    uint32_t reserved1;
    uint32_t message_type;
    uint32_t payload_bytes;
    uint8_t payload[HV_MSG_PAYLOAD_BYTES];
} HvPostMessageWire;
QEMU_BUILD_BUG_ON(sizeof(HvPostMessageWire) != 256);

#define HV_CONNECTION_ID_MASK           0x00ffffff

#endif /* HV_DEFS_H */
