/*
 * Storage VSP: packets between a guest's storvsc and a Hyper-V SCSI controller
 *
 * Facts from Linux drivers/scsi/storvsc_drv.c (7.3, 6.12, 6.1) and from OpenVMM
 * storvsp_protocol/src/lib.rs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef STORVSP_DEFS_H
#define STORVSP_DEFS_H

#include "qemu/osdep.h"

#define STORVSP_VERSION(major, minor)   (((major) << 8) | (minor))
#define STORVSP_VERSION_5_1             STORVSP_VERSION(5, 1)   /* Windows 8 */
#define STORVSP_VERSION_6_0             STORVSP_VERSION(6, 0)   /* 8.1 */
#define STORVSP_VERSION_6_2             STORVSP_VERSION(6, 2)   /* 10 */

typedef enum StorvspOp {
    STORVSP_OP_COMPLETE_IO              = 1,    /* in every completion */
    STORVSP_OP_REMOVE_DEVICE            = 2,    /* to the guest */
    STORVSP_OP_EXECUTE_SRB              = 3,
    STORVSP_OP_RESET_LUN                = 4,
    STORVSP_OP_RESET_ADAPTER            = 5,
    STORVSP_OP_RESET_BUS                = 6,
    STORVSP_OP_BEGIN_INITIALIZATION     = 7,
    STORVSP_OP_END_INITIALIZATION       = 8,
    STORVSP_OP_QUERY_PROTOCOL_VERSION   = 9,
    STORVSP_OP_QUERY_PROPERTIES         = 10,
    STORVSP_OP_ENUMERATE_BUS            = 11,   /* to the guest: rescan */
    STORVSP_OP_FCHBA_DATA               = 12,   /* Fibre Channel only */
    STORVSP_OP_CREATE_SUB_CHANNELS      = 13,
} StorvspOp;

/* Status of a packet (not of a SCSI request): NTSTATUS values */
typedef enum StorvspStatus {
    STORVSP_STATUS_SUCCESS              = 0,
    STORVSP_STATUS_INVALID_PARAMETER    = 0xc000000d,
    STORVSP_STATUS_REVISION_MISMATCH    = 0xc0000059,
    STORVSP_STATUS_INSUFF_RESOURCES     = 0xc000009a,
    STORVSP_STATUS_NOT_SUPPORTED        = 0xc00000bb,
    STORVSP_STATUS_INVALID_DEVICE_STATE = 0xc0000184,
} StorvspStatus;

typedef enum StorvspSrbStatus {
    STORVSP_SRB_SUCCESS                 = 0x01,
    STORVSP_SRB_ABORTED                 = 0x02,
    STORVSP_SRB_ERROR                   = 0x04,
    STORVSP_SRB_BUSY                    = 0x05,
    STORVSP_SRB_INVALID_REQUEST         = 0x06,
    STORVSP_SRB_DATA_OVERRUN            = 0x12,
    STORVSP_SRB_INVALID_LUN             = 0x20,
    STORVSP_SRB_AUTOSENSE_VALID         = 0x80, /* flag */
} StorvspSrbStatus;

/* data_in of a request */
#define STORVSP_DATA_WRITE              0
#define STORVSP_DATA_READ               1
#define STORVSP_DATA_UNKNOWN            2

#define STORVSP_CDB_BYTES               16
#define STORVSP_SENSE_BYTES             20

typedef struct StorvspSrbWire {
    uint16_t length;                    /* 0x34 */
    uint8_t srb_status;                 /* StorvspSrbStatus */
    uint8_t scsi_status;
    uint8_t port_number;
    uint8_t path_id;
    uint8_t target_id;
    uint8_t lun;
    uint8_t cdb_length;
    uint8_t sense_info_length;
    uint8_t data_in;                    /* STORVSP_DATA_* */
    uint8_t reserved1;
    uint32_t data_transfer_length;
    union {
        uint8_t cdb[STORVSP_CDB_BYTES];
        uint8_t sense[STORVSP_SENSE_BYTES];
    };
    /* since Windows 8 (protocol 5.1) */
    uint16_t reserved2;
    uint8_t queue_tag;
    uint8_t queue_action;
    uint32_t srb_flags;
    uint32_t time_out_value;
    uint32_t queue_sort_key;
} StorvspSrbWire;
QEMU_BUILD_BUG_ON(sizeof(StorvspSrbWire) != 52);
QEMU_BUILD_BUG_ON(offsetof(StorvspSrbWire, cdb) != 16);
QEMU_BUILD_BUG_ON(offsetof(StorvspSrbWire, srb_flags) != 40);

typedef struct StorvspVersionWire {
    uint16_t major_minor;               /* STORVSP_VERSION_* */
    uint16_t revision;
} StorvspVersionWire;
QEMU_BUILD_BUG_ON(sizeof(StorvspVersionWire) != 4);

/* Two 8-byte fields here are only 4-aligned in the packet: kept as bytes */
typedef struct StorvspPropertiesWire {
    uint32_t reserved1;
    uint16_t max_channel_count;         /* sub-channels the guest may ask for */
    uint16_t reserved2;
    uint32_t flags;                     /* STORVSP_PROPERTY_* */
    uint32_t max_transfer_bytes;
    uint8_t reserved3[8];
} StorvspPropertiesWire;
QEMU_BUILD_BUG_ON(sizeof(StorvspPropertiesWire) != 24);
#define STORVSP_PROPERTY_MULTI_CHANNEL  0x1

typedef struct StorvspPacketWire {
    uint32_t operation;                 /* StorvspOp */
    uint32_t flags;                     /* bit 0: completion requested */
    uint32_t status;                    /* StorvspStatus */
    union {
        StorvspSrbWire srb;
        StorvspVersionWire version;
        StorvspPropertiesWire properties;
        uint16_t sub_channel_count;
        uint8_t bytes[52];
    };
} StorvspPacketWire;
QEMU_BUILD_BUG_ON(sizeof(StorvspPacketWire) != 64);
QEMU_BUILD_BUG_ON(offsetof(StorvspPacketWire, srb) != 12);

#define STORVSP_PACKET_BYTES            64
#define STORVSP_HEADER_BYTES            12

/* As far as Linux scans a controller */
#define STORVSP_MAX_PATH                7
#define STORVSP_MAX_TARGET              1
#define STORVSP_MAX_LUN                 254

/* SCSI command codes and status bytes (SPC-4, SAM-5) that the core knows */
#define STORVSP_SCSI_READ_6             0x08
#define STORVSP_SCSI_INQUIRY            0x12
#define STORVSP_SCSI_MODE_SENSE_6       0x1a
#define STORVSP_SCSI_READ_10            0x28
#define STORVSP_SCSI_MODE_SENSE_10      0x5a
#define STORVSP_SCSI_READ_16            0x88
#define STORVSP_SCSI_REPORT_LUNS        0xa0
#define STORVSP_SCSI_READ_12            0xa8

#define STORVSP_SCSI_GOOD               0x00
#define STORVSP_SCSI_CHECK_CONDITION    0x02
#define STORVSP_SCSI_CONDITION_MET      0x04
#define STORVSP_SCSI_BUSY               0x08
#define STORVSP_SCSI_TASK_SET_FULL      0x28
#define STORVSP_SCSI_ACA_ACTIVE         0x30
#define STORVSP_SCSI_TASK_ABORTED       0x40

#endif /* STORVSP_DEFS_H */
