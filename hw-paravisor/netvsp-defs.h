/*
 * Network VSP: messages between a guest's netvsc and a Hyper-V network card
 *
 * Facts from Linux drivers/net/hyperv/hyperv_net.h and netvsc.c (7.3, 6.12,
 * 6.1) and from OpenVMM netvsp/src/protocol.rs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NETVSP_DEFS_H
#define NETVSP_DEFS_H

#include "qemu/osdep.h"

/* Protocol versions: major in [31:16], minor in [15:0], but for the first */
#define NVSP_VERSION_1                  0x00002u
#define NVSP_VERSION_2                  0x30002u
#define NVSP_VERSION_4                  0x40000u
#define NVSP_VERSION_5                  0x50000u
#define NVSP_VERSION_6                  0x60000u
#define NVSP_VERSION_6_1                0x60001u

typedef enum NvspMessageType {
    NVSP_MSG_INIT                       = 1,
    NVSP_MSG_INIT_COMPLETE              = 2,

    /* since version 1 */
    NVSP_MSG_SEND_NDIS_VERSION          = 100,
    NVSP_MSG_SEND_RECV_BUF              = 101,
    NVSP_MSG_SEND_RECV_BUF_COMPLETE     = 102,
    NVSP_MSG_REVOKE_RECV_BUF            = 103,
    NVSP_MSG_SEND_SEND_BUF              = 104,
    NVSP_MSG_SEND_SEND_BUF_COMPLETE     = 105,
    NVSP_MSG_REVOKE_SEND_BUF            = 106,
    NVSP_MSG_SEND_RNDIS                 = 107,
    NVSP_MSG_SEND_RNDIS_COMPLETE        = 108,

    /* since version 2; 109 to 124, 126 and 127 are no longer used by anybody */
    NVSP_MSG_SEND_NDIS_CONFIG           = 125,

    /* since version 4 */
    NVSP_MSG_SEND_VF_ASSOCIATION        = 128,
    NVSP_MSG_SWITCH_DATA_PATH           = 129,

    /* since version 5 */
    NVSP_MSG_OID_QUERY_EX               = 131,
    NVSP_MSG_OID_QUERY_EX_COMPLETE      = 132,
    NVSP_MSG_SUBCHANNEL                 = 133,  /* request and completion */
    NVSP_MSG_SEND_INDIRECTION_TABLE     = 134,

    /* since version 6.1 */
    NVSP_MSG_PD_API                     = 135,  /* request and completion */
    NVSP_MSG_PD_POST_BATCH              = 136,
} NvspMessageType;

typedef enum NvspStatus {
    NVSP_STATUS_NONE                    = 0,
    NVSP_STATUS_SUCCESS                 = 1,
    NVSP_STATUS_FAILURE                 = 2,
    NVSP_STATUS_TOO_NEW                 = 3,
    NVSP_STATUS_TOO_OLD                 = 4,
    NVSP_STATUS_INVALID_RNDIS           = 5,
    NVSP_STATUS_BUSY                    = 6,
    NVSP_STATUS_UNSUPPORTED             = 7,
} NvspStatus;

/* Message bodies; each follows the type word */
typedef struct NvspInitWire {
    uint32_t min_version;               /* NVSP_VERSION_* */
    uint32_t max_version;
} NvspInitWire;
QEMU_BUILD_BUG_ON(sizeof(NvspInitWire) != 8);

typedef struct NvspInitCompleteWire {
    uint32_t negotiated_version;
    uint32_t max_mdl_chain_length;
    uint32_t status;                    /* NvspStatus */
} NvspInitCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(NvspInitCompleteWire) != 12);

typedef struct NvspNdisVersionWire {
    uint32_t major;
    uint32_t minor;
} NvspNdisVersionWire;
QEMU_BUILD_BUG_ON(sizeof(NvspNdisVersionWire) != 8);

/* SEND_RECV_BUF and SEND_SEND_BUF */
typedef struct NvspSendBufferWire {
    uint32_t gpadl_id;
    uint16_t id;                        /* NVSP_*_BUFFER_ID in Linux */
    uint16_t reserved1;
} NvspSendBufferWire;
QEMU_BUILD_BUG_ON(sizeof(NvspSendBufferWire) != 8);
#define NVSP_RECV_BUFFER_ID             0xcafe
#define NVSP_SEND_BUFFER_ID             0

typedef struct NvspRecvSectionWire {
    uint32_t offset;                    /* bytes, in the buffer */
    uint32_t sub_alloc_size;            /* bytes */
    uint32_t num_sub_allocs;
    uint32_t end_offset;
} NvspRecvSectionWire;
QEMU_BUILD_BUG_ON(sizeof(NvspRecvSectionWire) != 16);

typedef struct NvspRecvBufCompleteWire {
    uint32_t status;                    /* NvspStatus */
    uint32_t num_sections;              /* Linux takes 1 only */
    NvspRecvSectionWire section;
} NvspRecvBufCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(NvspRecvBufCompleteWire) != 24);

typedef struct NvspSendBufCompleteWire {
    uint32_t status;                    /* NvspStatus */
    uint32_t section_size;              /* bytes */
} NvspSendBufCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(NvspSendBufCompleteWire) != 8);

/* REVOKE_RECV_BUF and REVOKE_SEND_BUF */
typedef struct NvspRevokeBufferWire {
    uint16_t id;
} NvspRevokeBufferWire;
QEMU_BUILD_BUG_ON(sizeof(NvspRevokeBufferWire) != 2);

typedef struct NvspRndisWire {
    uint32_t channel_type;              /* NVSP_CHANNEL_* */
    uint32_t section_idx;               /* in the send buffer */
    uint32_t section_bytes;             /* used in that section */
} NvspRndisWire;
QEMU_BUILD_BUG_ON(sizeof(NvspRndisWire) != 12);
#define NVSP_CHANNEL_DATA               0
#define NVSP_CHANNEL_CONTROL            1
#define NVSP_NO_SECTION                 0xffffffffu

typedef struct NvspNdisConfigWire {
    uint32_t mtu;                       /* with the 14 bytes of header */
    uint32_t reserved1;
    uint32_t capabilities;              /* NVSP_CAP_* */
    uint32_t capabilities_high;
} NvspNdisConfigWire;
QEMU_BUILD_BUG_ON(sizeof(NvspNdisConfigWire) != 16);
#define NVSP_CAP_VMQ                    0x01
#define NVSP_CAP_CHIMNEY                0x02
#define NVSP_CAP_SRIOV                  0x04
#define NVSP_CAP_8021Q                  0x08
#define NVSP_CAP_CORRELATION_ID         0x10
#define NVSP_CAP_TEAMING                0x20
#define NVSP_CAP_VIRTUAL_SUBNET_ID      0x40
#define NVSP_CAP_RSC                    0x80

typedef struct NvspVfAssociationWire {
    uint32_t allocated;
    uint32_t serial;
} NvspVfAssociationWire;
QEMU_BUILD_BUG_ON(sizeof(NvspVfAssociationWire) != 8);

#define NVSP_DATA_PATH_SYNTHETIC        0
#define NVSP_DATA_PATH_VF               1

typedef struct NvspSubchannelWire {
    uint32_t operation;                 /* NVSP_SUBCHANNEL_* */
    uint32_t count;
} NvspSubchannelWire;
QEMU_BUILD_BUG_ON(sizeof(NvspSubchannelWire) != 8);
#define NVSP_SUBCHANNEL_ALLOCATE        1

typedef struct NvspSubchannelCompleteWire {
    uint32_t status;                    /* NvspStatus */
    uint32_t count;
} NvspSubchannelCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(NvspSubchannelCompleteWire) != 8);

#define NVSP_SEND_TABLE_ENTRIES         16
typedef struct NvspIndirectionWire {
    uint32_t count;                     /* NVSP_SEND_TABLE_ENTRIES */
    uint32_t offset;                    /* of the table, from the type word */
    uint32_t table[NVSP_SEND_TABLE_ENTRIES];    /* channel numbers */
} NvspIndirectionWire;
QEMU_BUILD_BUG_ON(sizeof(NvspIndirectionWire) != 72);
#define NVSP_SEND_TABLE_OFFSET          12

typedef struct NvspOidQueryExCompleteWire {
    uint32_t status;                    /* RNDIS_STATUS_* */
    uint32_t bytes;
} NvspOidQueryExCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(NvspOidQueryExCompleteWire) != 8);

typedef struct NvspPdApiWire {
    uint32_t operation;
    uint32_t status;                    /* of the completion */
} NvspPdApiWire;
QEMU_BUILD_BUG_ON(sizeof(NvspPdApiWire) != 8);

typedef struct NvspMessageWire {
    uint32_t type;                      /* NvspMessageType */
    union {
        NvspInitWire init;
        NvspInitCompleteWire init_complete;
        NvspNdisVersionWire ndis_version;
        NvspSendBufferWire send_buffer;
        NvspRecvBufCompleteWire recv_buf_complete;
        NvspSendBufCompleteWire send_buf_complete;
        NvspRevokeBufferWire revoke_buffer;
        NvspRndisWire rndis;
        uint32_t rndis_status;          /* NvspStatus, RNDIS_COMPLETE */
        NvspNdisConfigWire ndis_config;
        NvspVfAssociationWire vf_association;
        uint32_t data_path;             /* NVSP_DATA_PATH_* */
        NvspSubchannelWire subchannel;
        NvspSubchannelCompleteWire subchannel_complete;
        NvspIndirectionWire indirection;
        NvspOidQueryExCompleteWire oid_query_ex_complete;
        NvspPdApiWire pd_api;
        uint8_t bytes[72];
    };
} NvspMessageWire;
QEMU_BUILD_BUG_ON(sizeof(NvspMessageWire) != 76);
QEMU_BUILD_BUG_ON(offsetof(NvspMessageWire, init) != 4);

/* What Linux sends for any message, and what it wants in fixed answers */
#define NVSP_MESSAGE_BYTES              40
/* Only the type word and a status: completion of an RNDIS message */
#define NVSP_RNDIS_COMPLETE_BYTES       8

/* Limits that Linux has */
#define NVSP_MIN_SECTION_BYTES          68
#define NVSP_MAX_CHANNELS               64
#define NVSP_MAX_XFER_RANGES            562     /* of one receive packet */
#define NVSP_MAX_XFER_RANGES_OLD        64      /* before NDIS 6.0 */

#endif /* NETVSP_DEFS_H */
