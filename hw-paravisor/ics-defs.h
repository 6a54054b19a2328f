/*
 * Integration services: wire formats
 *
 * Facts from Linux (include/linux/hyperv.h, include/uapi/linux/hyperv.h,
 * drivers/hv/hv_util.c, hv_kvp.c, hv_snapshot.c, hv_fcopy.c) and from OpenVMM
 * (hyperv_ic_protocol).  A message is a pipe header, a service header and a body;
 * the guest answers with the same message, changed in place.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ICS_DEFS_H
#define ICS_DEFS_H

#include "qemu/compiler.h"

/* --- framing --- */

#define HV_IC_PIPE_DATA                 1u

/* VmbusPipeHeader */
typedef struct HvIcPipeWire {
    uint32_t type;                      /* HV_IC_PIPE_DATA */
    uint32_t bytes;                     /* behind this header */
} HvIcPipeWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcPipeWire) != 8);

#define HV_IC_MSG_NEGOTIATE             0u
#define HV_IC_MSG_HEARTBEAT             1u
#define HV_IC_MSG_KVP                   2u
#define HV_IC_MSG_SHUTDOWN              3u
#define HV_IC_MSG_TIMESYNC              4u
#define HV_IC_MSG_VSS                   5u
#define HV_IC_MSG_FCOPY                 7u

#define HV_IC_FLAG_TRANSACTION          0x01u
#define HV_IC_FLAG_REQUEST              0x02u
#define HV_IC_FLAG_RESPONSE             0x04u

typedef struct HvIcVersionWire {
    uint16_t major;
    uint16_t minor;
} HvIcVersionWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcVersionWire) != 4);

/* icmsg_hdr */
typedef struct HvIcHeaderWire {
    uint16_t framework_major;
    uint16_t framework_minor;
    uint16_t msg_type;                  /* HV_IC_MSG_* */
    uint16_t message_major;
    uint16_t message_minor;
    uint16_t body_bytes;
    uint32_t status;                    /* HV_IC_STATUS_* */
    uint8_t trans_id;
    uint8_t flags;                      /* HV_IC_FLAG_* */
    uint8_t reserved[2];
} HvIcHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcHeaderWire) != 20);
QEMU_BUILD_BUG_ON(offsetof(HvIcHeaderWire, status) != 12);

#define HV_IC_HEADER_BYTES              28u     /* both headers */
/* OpenVMM's limit for a message of either side, headers included */
#define HV_IC_MAX_MSG_BYTES             13312u
#define HV_IC_MAX_BODY_BYTES            (HV_IC_MAX_MSG_BYTES - HV_IC_HEADER_BYTES)

/* Status of an answer; they are HRESULTs */
#define HV_IC_STATUS_OK                 0u
#define HV_IC_STATUS_FAIL               0x80004005u
#define HV_IC_STATUS_NOT_FOUND          0x80041002u
#define HV_IC_STATUS_NOT_SUPPORTED      0x80070032u
#define HV_IC_STATUS_EXISTS             0x80070050u
#define HV_IC_STATUS_INVALID            0x80070057u
#define HV_IC_STATUS_DISK_FULL          0x80070070u
#define HV_IC_STATUS_NO_MORE            0x80070103u
#define HV_IC_STATUS_LOCKED             0x800704f7u
#define HV_IC_STATUS_NOT_CONNECTED      0x8007048fu

/* Body of NEGOTIATE; the framework versions follow, then the message versions */
typedef struct HvIcNegotiateWire {
    uint16_t framework_count;
    uint16_t message_count;
    uint32_t reserved;
} HvIcNegotiateWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcNegotiateWire) != 8);

/* --- shutdown --- */

#define HV_IC_SHUTDOWN_FORCE            0x1u
#define HV_IC_SHUTDOWN_REBOOT           0x2u
#define HV_IC_SHUTDOWN_HIBERNATE        0x4u
/* SHTDN_REASON_FLAG_PLANNED of the Windows SDK */
#define HV_IC_SHUTDOWN_PLANNED          0x80000000u
#define HV_IC_SHUTDOWN_TEXT_BYTES       2048

typedef struct HvIcShutdownWire {
    uint32_t reason;
    uint32_t timeout_seconds;
    uint32_t flags;                     /* HV_IC_SHUTDOWN_* */
    uint8_t text[HV_IC_SHUTDOWN_TEXT_BYTES];    /* UTF-16 */
} HvIcShutdownWire;
/* Linux ignores a shorter one without an answer */
QEMU_BUILD_BUG_ON(sizeof(HvIcShutdownWire) != 2060);

/* --- heartbeat --- */

#define HV_IC_APP_UNKNOWN               0u
#define HV_IC_APP_HEALTHY               1u
#define HV_IC_APP_CRITICAL              2u
#define HV_IC_APP_STOPPED               3u

typedef struct HvIcHeartbeatWire {
    uint64_t sequence;                  /* the guest adds 1 */
    uint32_t app_state;                 /* HV_IC_APP_*, by the guest */
    uint32_t reserved[7];
} HvIcHeartbeatWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcHeartbeatWire) != 40);
#define HV_IC_HEARTBEAT_MIN_BYTES       8u

/* --- time synchronisation --- */

#define HV_IC_TIME_SYNC                 0x1u    /* set the clock now */
#define HV_IC_TIME_SAMPLE               0x2u    /* for a disciplined clock */
/* 1601-01-01 to 1970-01-01, in 100 ns */
#define HV_IC_TIME_EPOCH_100NS          116444736000000000ull

/* Version 4.0 on */
typedef struct HvIcTimeRefWire {
    uint64_t host_time_100ns;           /* since 1601, UTC */
    uint64_t ref_time_100ns;            /* reference counter at that time */
    uint8_t flags;                      /* HV_IC_TIME_* */
    uint8_t leap;
    uint8_t stratum;
    uint8_t reserved[5];
} HvIcTimeRefWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcTimeRefWire) != 24);

/* Before version 4.0 */
typedef struct HvIcTimeWire {
    uint64_t host_time_100ns;
    uint64_t guest_time_100ns;          /* unused */
    uint64_t round_trip_100ns;
    uint8_t flags;
    uint8_t reserved[7];
} HvIcTimeWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcTimeWire) != 32);

/* --- key-value pairs --- */

#define HV_IC_KVP_GET                   0u
#define HV_IC_KVP_SET                   1u
#define HV_IC_KVP_DELETE                2u
#define HV_IC_KVP_ENUMERATE             3u
#define HV_IC_KVP_GET_IP                4u
#define HV_IC_KVP_SET_IP                5u

#define HV_IC_KVP_POOL_COUNT            5u
#define HV_IC_KVP_KEY_BYTES             512
#define HV_IC_KVP_VALUE_BYTES           2048

#define HV_IC_KVP_STRING                1u
#define HV_IC_KVP_EXPAND_STRING         2u
#define HV_IC_KVP_U32                   4u
#define HV_IC_KVP_U64_LINUX             8u
#define HV_IC_KVP_U64                   11u

typedef struct HvIcKvpValueWire {
    uint32_t type;                      /* HV_IC_KVP_STRING.. */
    uint32_t key_bytes;                 /* the NUL included */
    uint32_t value_bytes;
    uint8_t key[HV_IC_KVP_KEY_BYTES];   /* UTF-16 */
    uint8_t value[HV_IC_KVP_VALUE_BYTES];
} HvIcKvpValueWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcKvpValueWire) != 2572);

typedef struct HvIcKvpWire {
    uint8_t operation;                  /* HV_IC_KVP_GET.. */
    uint8_t pool;
    uint16_t reserved;
    union {
        HvIcKvpValueWire value;         /* GET, SET */
        struct {
            uint32_t key_bytes;
            uint8_t key[HV_IC_KVP_KEY_BYTES];
        } del;                          /* DELETE */
        struct {
            uint32_t idx;
            HvIcKvpValueWire value;
        } item;                         /* ENUMERATE */
    };
} HvIcKvpWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcKvpWire) != 2580);

#define HV_IC_IP_FAMILY_V4              0x1u
#define HV_IC_IP_FAMILY_V6              0x2u
#define HV_IC_IP_ADAPTER_BYTES          256
#define HV_IC_IP_LIST_BYTES             2048
#define HV_IC_IP_GATEWAY_BYTES          1024

/* GET_IP and SET_IP: two bytes nearer to the header than the others */
typedef struct HvIcKvpIpWire {
    uint8_t operation;
    uint8_t pool;
    uint8_t adapter[HV_IC_IP_ADAPTER_BYTES];    /* UTF-16, all of them */
    uint8_t family;                     /* HV_IC_IP_FAMILY_* */
    uint8_t dhcp;
    uint8_t addresses[HV_IC_IP_LIST_BYTES];     /* separated by ';' */
    uint8_t subnets[HV_IC_IP_LIST_BYTES];
    uint8_t gateways[HV_IC_IP_GATEWAY_BYTES];
    uint8_t dns_servers[HV_IC_IP_LIST_BYTES];
} HvIcKvpIpWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcKvpIpWire) != 7428);
QEMU_BUILD_BUG_ON(offsetof(HvIcKvpIpWire, addresses) != 260);

/* --- volume snapshots --- */

#define HV_IC_VSS_CREATE                0u
#define HV_IC_VSS_DELETE                1u
#define HV_IC_VSS_HOT_BACKUP            2u
#define HV_IC_VSS_GET_DM_INFO           3u
#define HV_IC_VSS_BACKUP_COMPLETE       4u
#define HV_IC_VSS_FREEZE                5u
#define HV_IC_VSS_THAW                  6u
#define HV_IC_VSS_AUTO_RECOVER          7u

/* Answer to HOT_BACKUP */
#define HV_IC_VSS_NO_AUTO_RECOVERY      5u

typedef struct HvIcVssWire {
    uint8_t operation;                  /* HV_IC_VSS_* */
    uint8_t reserved[7];
    uint32_t flags;
    uint8_t data[20];
} HvIcVssWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcVssWire) != 32);
#define HV_IC_VSS_MIN_BYTES             12u

/* --- file copy --- */

#define HV_IC_FCOPY_START               0u
#define HV_IC_FCOPY_WRITE               1u
#define HV_IC_FCOPY_COMPLETE            2u
#define HV_IC_FCOPY_CANCEL              3u

#define HV_IC_FCOPY_OVERWRITE           0x1u
#define HV_IC_FCOPY_CREATE_PATH         0x2u

#define HV_IC_FCOPY_NAME_BYTES          520
#define HV_IC_FCOPY_DATA_BYTES          6144

typedef struct HvIcFcopyWire {
    uint32_t operation;                 /* HV_IC_FCOPY_START.. */
    uint8_t service_id0[16];
    uint8_t service_id1[16];
} HvIcFcopyWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcFcopyWire) != 36);

/* struct hv_start_fcopy is packed: the size is not aligned */
typedef struct QEMU_PACKED HvIcFcopyStartWire {
    HvIcFcopyWire hdr;
    uint8_t file_name[HV_IC_FCOPY_NAME_BYTES];  /* UTF-16 */
    uint8_t path_name[HV_IC_FCOPY_NAME_BYTES];
    uint32_t flags;                     /* HV_IC_FCOPY_OVERWRITE.. */
    uint64_t file_bytes;
} HvIcFcopyStartWire;
QEMU_BUILD_BUG_ON(sizeof(HvIcFcopyStartWire) != 1088);
QEMU_BUILD_BUG_ON(offsetof(HvIcFcopyStartWire, file_bytes) != 1080);

typedef struct HvIcFcopyWriteWire {
    HvIcFcopyWire hdr;
    uint32_t reserved;
    uint64_t offset_bytes;
    uint32_t data_bytes;
    uint8_t data[HV_IC_FCOPY_DATA_BYTES];
    uint32_t reserved1;                 /* not sent: struct hv_do_fcopy is packed */
} HvIcFcopyWriteWire;
QEMU_BUILD_BUG_ON(offsetof(HvIcFcopyWriteWire, data) != 52);
#define HV_IC_FCOPY_WRITE_BYTES         6196u   /* what goes over the wire */
QEMU_BUILD_BUG_ON(offsetof(HvIcFcopyWriteWire, reserved1) != 6196);

#endif /* ICS_DEFS_H */
