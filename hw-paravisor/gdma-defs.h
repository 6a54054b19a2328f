/*
 * GDMA: the queues, registers and requests beneath the Azure network adapter
 *
 * Facts from Linux include/net/mana/{gdma,hw_channel,shm_channel}.h and
 * drivers/net/ethernet/microsoft/mana/{gdma_main,hw_channel,shm_channel}.c
 * (6.1, 6.12, 7.3) and from OpenVMM vm/devices/net/gdma_defs/src/lib.rs.
 * No public specification exists; docs/specs/mana.rst has the whole picture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef GDMA_DEFS_H
#define GDMA_DEFS_H

#include "qemu/osdep.h"
#include "hw/registerfields.h"

/* Pages of the adapter, whatever the guest's are */
#define GDMA_PAGE_SHIFT                 12
#define GDMA_PAGE_SIZE                  4096u

/* PCI identity */
#define GDMA_PCI_VENDOR_ID              0x1414
#define GDMA_PCI_DEVICE_ID_PF           0x00b9
#define GDMA_PCI_DEVICE_ID_VF           0x00ba

/* BAR 0 of a virtual function */
#define GDMA_REG_VERSION                0x00    /* micro u16, minor, major u8 */
#define GDMA_REG_DB_ZONE_OFFSET         0x08    /* u64, in BAR 0 */
#define GDMA_REG_DB_PAGE_BYTES          0x10    /* u16 */
#define GDMA_REG_SHM_OFFSET             0x18    /* u64, in BAR 0 */
#define GDMA_REG_SHM_BYTES              0x20    /* u16 */
#define GDMA_REG_BYTES                  0x28

/* Doorbells: 64-bit writes at these offsets in a doorbell page */
#define GDMA_DB_SQ                      0x000
#define GDMA_DB_RQ                      0x400
#define GDMA_DB_RQ_CLIENT_DATA          0x408
#define GDMA_DB_CQ                      0x800
#define GDMA_DB_DIM                     0x820   /* interrupt moderation of a CQ */
#define GDMA_DB_EQ                      0xff8

/* SQ and RQ: the tail counts bytes, modulo 2^32 */
FIELD(GDMA_WQ_DOORBELL, ID, 0, 24)
FIELD(GDMA_WQ_DOORBELL, WQE_COUNT, 24, 8)
FIELD(GDMA_WQ_DOORBELL, TAIL, 32, 32)

/* CQ and EQ (ID of 16 bits): the tail counts entries, modulo eight laps */
FIELD(GDMA_CQ_DOORBELL, ID, 0, 24)
FIELD(GDMA_CQ_DOORBELL, TAIL, 32, 31)
FIELD(GDMA_CQ_DOORBELL, ARM, 63, 1)
FIELD(GDMA_EQ_DOORBELL, ID, 0, 16)

FIELD(GDMA_DIM_DOORBELL, ID, 0, 24)
FIELD(GDMA_DIM_DOORBELL, USEC, 32, 10)
FIELD(GDMA_DIM_DOORBELL, USEC_VALID, 47, 1)
FIELD(GDMA_DIM_DOORBELL, COMPS, 48, 8)
FIELD(GDMA_DIM_DOORBELL, COMPS_VALID, 63, 1)

/* Shared-memory channel: eight dwords; a write to the last one is the trigger */
#define GDMA_SHM_BYTES                  32
#define GDMA_SHM_DWORDS                 (GDMA_SHM_BYTES / 4)
#define GDMA_SHM_HEADER_DWORD           (GDMA_SHM_DWORDS - 1)

FIELD(GDMA_SHM_HEADER, TYPE, 0, 3)
FIELD(GDMA_SHM_HEADER, VERSION, 3, 3)
FIELD(GDMA_SHM_HEADER, RESPONSE, 7, 1)
FIELD(GDMA_SHM_HEADER, STATUS, 8, 8)
FIELD(GDMA_SHM_HEADER, RESET_VF, 24, 1)
FIELD(GDMA_SHM_HEADER, OWNER_IS_PF, 31, 1)

typedef enum GdmaShmType {
    GDMA_SHM_ESTABLISH_HWC              = 1,
    GDMA_SHM_DESTROY_HWC                = 2,
    GDMA_SHM_REPORT_HWC_TIMEOUT         = 4,
} GdmaShmType;

/* Frame numbers of 52 bits: the low 48 in six bytes, the rest in .high */
typedef struct GdmaShmEstablishWire {
    uint8_t eq_gpn[6];
    uint8_t cq_gpn[6];
    uint8_t rq_gpn[6];
    uint8_t sq_gpn[6];
    uint16_t high;                      /* EQ 3:0, CQ 7:4, RQ 11:8, SQ 15:12 */
    uint16_t msix;
    uint32_t header;                    /* GDMA_SHM_HEADER */
} GdmaShmEstablishWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaShmEstablishWire) != GDMA_SHM_BYTES);
QEMU_BUILD_BUG_ON(offsetof(GdmaShmEstablishWire, high) != 24);

/*
 * Work queue entry: header, inline OOB, SGEs, rounded up to basic units.  It
 * wraps at the end of the ring.
 */
#define GDMA_WQE_BU_BYTES               32
#define GDMA_MAX_SQE_BYTES              512
#define GDMA_MAX_RQE_BYTES              256
#define GDMA_MAX_SGES                   ((GDMA_MAX_SQE_BYTES - 16) / 16)
#define GDMA_MAX_OOB_BYTES              32

typedef struct GdmaWqeHeaderWire {
    uint32_t last_vbytes;               /* in bits 31:24 */
    uint32_t params;                    /* GDMA_WQE_PARAMS */
} GdmaWqeHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaWqeHeaderWire) != 8);

FIELD(GDMA_WQE_PARAMS, SGE_COUNT, 0, 8)
FIELD(GDMA_WQE_PARAMS, OOB_SIZE, 8, 3)          /* dwords, but 7 is 32 bytes */
FIELD(GDMA_WQE_PARAMS, OOB_IN_SGL, 11, 1)
FIELD(GDMA_WQE_PARAMS, CLIENT_DATA_UNIT, 16, 14)

#define GDMA_WQE_OOB_8                  2
#define GDMA_WQE_OOB_24                 6
#define GDMA_WQE_OOB_32                 7

typedef struct GdmaSgeWire {
    uint64_t address;
    uint32_t mem_key;
    uint32_t bytes;
} GdmaSgeWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaSgeWire) != 16);

/* Owner bits: which lap, modulo 8, an entry was written in; the first is 1 */
#define GDMA_OWNER_BITS                 3
#define GDMA_OWNER_MASK                 7u

#define GDMA_CQE_DATA_BYTES             60

typedef struct GdmaCqeWire {
    uint8_t data[GDMA_CQE_DATA_BYTES];
    uint32_t info;                      /* GDMA_CQE_INFO */
} GdmaCqeWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCqeWire) != 64);
#define GDMA_CQE_BYTES                  64

FIELD(GDMA_CQE_INFO, WQ_ID, 0, 24)
FIELD(GDMA_CQE_INFO, IS_SQ, 24, 1)
FIELD(GDMA_CQE_INFO, OWNER, 29, 3)

typedef struct GdmaEqeWire {
    uint32_t details[3];
    uint32_t info;                      /* GDMA_EQE_INFO */
} GdmaEqeWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaEqeWire) != 16);
#define GDMA_EQE_BYTES                  16

FIELD(GDMA_EQE_INFO, TYPE, 0, 8)
FIELD(GDMA_EQE_INFO, CLIENT_ID, 16, 2)
FIELD(GDMA_EQE_INFO, OWNER, 29, 3)

typedef enum GdmaEqeType {
    GDMA_EQE_COMPLETION                 = 3,    /* details[0]: CQ ID */
    GDMA_EQE_TEST_EVENT                 = 64,
    GDMA_EQE_HWC_INIT_EQ_ID_DB          = 129,
    GDMA_EQE_HWC_INIT_DATA              = 130,
    GDMA_EQE_HWC_INIT_DONE              = 131,
    GDMA_EQE_HWC_FPGA_RECONFIG          = 132,
    GDMA_EQE_HWC_SOC_RECONFIG_DATA      = 133,
    GDMA_EQE_HWC_SOC_SERVICE            = 134,
    GDMA_EQE_HWC_RESET_REQUEST          = 135,
    GDMA_EQE_RNIC_QP_FATAL              = 176,
} GdmaEqeType;

/* details[0] of HWC_INIT_EQ_ID_DB */
FIELD(GDMA_INIT_EQ_ID_DB, EQ_ID, 0, 16)
FIELD(GDMA_INIT_EQ_ID_DB, DB_PAGE, 16, 16)

/* details[0] of HWC_INIT_DATA and HWC_SOC_RECONFIG_DATA */
FIELD(GDMA_EQE_DATA, VALUE, 0, 24)
FIELD(GDMA_EQE_DATA, TYPE, 24, 8)

typedef enum GdmaInitData {
    GDMA_INIT_DATA_CQ_ID                = 1,
    GDMA_INIT_DATA_RQ_ID                = 2,
    GDMA_INIT_DATA_SQ_ID                = 3,
    GDMA_INIT_DATA_QUEUE_DEPTH          = 4,
    GDMA_INIT_DATA_MAX_REQUEST          = 5,
    GDMA_INIT_DATA_MAX_RESPONSE         = 6,
    GDMA_INIT_DATA_MAX_CQS              = 7,
    GDMA_INIT_DATA_PDID                 = 8,
    GDMA_INIT_DATA_GPA_MKEY             = 9,
    GDMA_INIT_DATA_PF_DEST_RQ_ID        = 10,
    GDMA_INIT_DATA_PF_DEST_CQ_ID        = 11,
} GdmaInitData;

typedef enum GdmaReconfigData {
    GDMA_RECONFIG_HWC_TIMEOUT           = 1,    /* value: ms */
    GDMA_RECONFIG_LINK_CONNECT          = 2,
    GDMA_RECONFIG_LINK_DISCONNECT       = 3,
} GdmaReconfigData;

/* details[0] of HWC_SOC_SERVICE: the type in bits 31:28 */
#define GDMA_SERVICE_RDMA_SUSPEND       1
#define GDMA_SERVICE_RDMA_RESUME        2
FIELD(GDMA_EQE_SERVICE, VALUE, 0, 28)
FIELD(GDMA_EQE_SERVICE, TYPE, 28, 4)

/* Inline OOB of an SQ entry of the hardware channel */
typedef struct GdmaHwcTxOobWire {
    uint32_t reserved1;
    uint32_t reserved2;
    uint32_t vrq;                       /* RQ ID 23:0, destination VF 31:24 */
    uint32_t vrcq;                      /* CQ ID 23:0 */
    uint32_t vscq;                      /* CQ ID 23:0, flags */
    uint32_t vsq;                       /* SQ ID 23:0 */
} GdmaHwcTxOobWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaHwcTxOobWire) != 24);
FIELD(GDMA_HWC_OOB, QUEUE_ID, 0, 24)

/* CQE data of a response on the hardware channel */
typedef struct GdmaHwcRxOobWire {
    uint32_t type;
    uint32_t source;
    uint32_t reserved1;
    uint32_t rx_wqe_offset_bytes;       /* of the RQ entry, in the ring */
    uint32_t rx_wqe_address_high;
    uint32_t client_data_unit;
    uint32_t response_bytes;
    uint32_t chunk_offset;
} GdmaHwcRxOobWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaHwcRxOobWire) != 32);
QEMU_BUILD_BUG_ON(offsetof(GdmaHwcRxOobWire, response_bytes) != 24);

#define GDMA_HWC_MAX_MESSAGE_BYTES      4096

/* Requests on the hardware channel */
typedef enum GdmaRequest {
    GDMA_VERIFY_VF_DRIVER_VERSION       = 1,
    GDMA_QUERY_MAX_RESOURCES            = 2,
    GDMA_LIST_DEVICES                   = 3,
    GDMA_REGISTER_DEVICE                = 4,
    GDMA_DEREGISTER_DEVICE              = 5,
    GDMA_GENERATE_TEST_EQE              = 10,
    GDMA_GENERATE_RESET_EQE             = 11,
    GDMA_CREATE_QUEUE                   = 12,
    GDMA_DISABLE_QUEUE                  = 13,
    GDMA_ALLOCATE_RESOURCE_RANGE        = 22,
    GDMA_DESTROY_RESOURCE_RANGE         = 24,
    GDMA_CREATE_DMA_REGION              = 25,
    GDMA_DMA_REGION_ADD_PAGES           = 26,
    GDMA_DESTROY_DMA_REGION             = 27,
    GDMA_CREATE_PD                      = 29,
    GDMA_DESTROY_PD                     = 30,
    GDMA_CREATE_MR                      = 31,
    GDMA_DESTROY_MR                     = 32,
    GDMA_CHANGE_MSIX_FOR_EQ             = 81,
    GDMA_QUERY_HWC_TIMEOUT              = 84,
    GDMA_ALLOC_DM                       = 96,
    GDMA_DESTROY_DM                     = 97,
} GdmaRequest;

/*
 * Status of a response.  Linux knows the first, MORE_ENTRIES and
 * UNSUPPORTED; any other value is an error to it.
 */
typedef enum GdmaStatus {
    GDMA_STATUS_SUCCESS                 = 0,
    GDMA_STATUS_INVALID_PARAMETER       = 1,
    GDMA_STATUS_INVALID_STATE           = 2,
    GDMA_STATUS_NO_RESOURCES            = 3,
    GDMA_STATUS_INVALID_DEVICE          = 4,
    GDMA_STATUS_MORE_ENTRIES            = 0x105,
    GDMA_STATUS_UNSUPPORTED             = 0xffffffff,
} GdmaStatus;

typedef struct GdmaMsgHeaderWire {
    uint32_t header_type;               /* 0 */
    uint32_t msg_type;                  /* GdmaRequest, ManaRequest */
    uint16_t msg_version;
    uint16_t hwc_msg_id;
    uint32_t msg_bytes;
} GdmaMsgHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaMsgHeaderWire) != 16);

typedef struct GdmaDevIdWire {
    uint16_t type;                      /* GDMA_DEVICE_* */
    uint16_t instance;
} GdmaDevIdWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaDevIdWire) != 4);
#define GDMA_DEVICE_NONE                0
#define GDMA_DEVICE_HWC                 1
#define GDMA_DEVICE_MANA                2
#define GDMA_DEVICE_MANA_IB             3

typedef struct GdmaReqHeaderWire {
    GdmaMsgHeaderWire req;
    GdmaMsgHeaderWire resp;             /* what the driver expects */
    GdmaDevIdWire dev_id;
    uint32_t activity_id;
} GdmaReqHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaReqHeaderWire) != 40);

typedef struct GdmaRespHeaderWire {
    GdmaMsgHeaderWire response;
    GdmaDevIdWire dev_id;               /* echoed */
    uint32_t activity_id;               /* echoed */
    uint32_t status;                    /* GdmaStatus */
    uint32_t reserved1;
} GdmaRespHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaRespHeaderWire) != 32);

/* VERIFY_VF_DRIVER_VERSION */
#define GDMA_PROTOCOL_V1                1

/* gd_drv_cap_flags1: what a driver can do */
#define GDMA_DRV_CAP_EQ_SHARING         BIT_ULL(0)
#define GDMA_DRV_CAP_NAPI_WORK_DONE     BIT_ULL(2)
#define GDMA_DRV_CAP_HWC_TIMEOUT        BIT_ULL(3)
#define GDMA_DRV_CAP_LARGE_PAGES        BIT_ULL(4)
#define GDMA_DRV_CAP_VAR_INDIR_TABLE    BIT_ULL(5)
#define GDMA_DRV_CAP_LINK_AWARE         BIT_ULL(6)
#define GDMA_DRV_CAP_LIST_HOLES         BIT_ULL(11)
#define GDMA_DRV_CAP_DYNAMIC_IRQ        BIT_ULL(13)
#define GDMA_DRV_CAP_SELF_RESET         BIT_ULL(14)
#define GDMA_DRV_CAP_RECONFIG_EQE       BIT_ULL(17)
#define GDMA_DRV_CAP_SQ_STALL_RECOVERY  BIT_ULL(18)
#define GDMA_DRV_CAP_MSI_UNSHARE        BIT_ULL(19)
#define GDMA_DRV_CAP_LINEARIZE          BIT_ULL(20)
#define GDMA_DRV_CAP_PERIODIC_STATS     BIT_ULL(21)
#define GDMA_DRV_CAP_PROBE_RECOVERY     BIT_ULL(22)
#define GDMA_DRV_CAP_TIMEOUT_RECOVERY   BIT_ULL(25)
#define GDMA_DRV_CAP_DIM                BIT_ULL(28)
#define GDMA_DRV_CAP_SCATTERED_BUFFERS  BIT_ULL(30)

/* pf_cap_flags1: what the adapter offers */
#define GDMA_PF_CAP_QUERY_HWC_TIMEOUT   BIT_ULL(3)
#define GDMA_PF_CAP_LARGE_PAGES         BIT_ULL(4)
#define GDMA_PF_CAP_SELF_RESET_EQE      BIT_ULL(7)
#define GDMA_PF_CAP_DIM                 BIT_ULL(15)

typedef struct GdmaVerifyVersionReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t protocol_min;
    uint64_t protocol_max;
    uint64_t drv_cap_flags[4];
    uint64_t drv_version;
    uint32_t os_type;                   /* Linux 0x10, Windows 0x20 */
    uint32_t reserved1;
    uint32_t os_major;
    uint32_t os_minor;
    uint32_t os_build;
    uint32_t os_platform;
    uint64_t reserved2;
    uint8_t os_text[4][128];
} GdmaVerifyVersionReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaVerifyVersionReqWire) != 640);

typedef struct GdmaVerifyVersionRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t protocol;
    uint64_t pf_cap_flags[4];
} GdmaVerifyVersionRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaVerifyVersionRespWire) != 72);

/* QUERY_MAX_RESOURCES */
typedef struct GdmaMaxResourcesRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t status;
    uint32_t max_sq;
    uint32_t max_rq;
    uint32_t max_cq;
    uint32_t max_eq;
    uint32_t max_db;
    uint32_t max_mst;
    uint32_t max_cq_mod_ctx;
    uint32_t max_mod_cq;
    uint32_t max_msix;
} GdmaMaxResourcesRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaMaxResourcesRespWire) != 72);

/* LIST_DEVICES */
#define GDMA_MAX_DEVICES                64
typedef struct GdmaListDevicesRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t count;
    uint32_t reserved1;
    GdmaDevIdWire devs[GDMA_MAX_DEVICES];
} GdmaListDevicesRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaListDevicesRespWire) != 296);

/* REGISTER_DEVICE */
typedef struct GdmaRegisterDeviceRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t pdid;
    uint32_t gpa_mkey;
    uint32_t db_page;
} GdmaRegisterDeviceRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaRegisterDeviceRespWire) != 44);

/* GENERATE_TEST_EQE */
typedef struct GdmaTestEqeReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t eq_id;
} GdmaTestEqeReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaTestEqeReqWire) != 44);

/* GENERATE_RESET_EQE */
typedef struct GdmaResetEqeReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t eq_id;
    uint32_t data;
} GdmaResetEqeReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaResetEqeReqWire) != 48);

/* CREATE_QUEUE */
typedef enum GdmaQueueType {
    GDMA_QUEUE_SQ                       = 1,
    GDMA_QUEUE_RQ                       = 2,
    GDMA_QUEUE_CQ                       = 3,
    GDMA_QUEUE_EQ                       = 4,
} GdmaQueueType;

typedef struct GdmaCreateQueueReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t type;                      /* GdmaQueueType */
    uint32_t reserved1;
    uint32_t pdid;
    uint32_t db_page;
    uint64_t region;                    /* DMA region handle, consumed */
    uint32_t reserved2;
    uint32_t queue_bytes;
    uint32_t throttle_log2;
    uint32_t eq_msix;
    uint32_t cq_mod_ctx_id;
    uint32_t cq_parent_eq_id;
    uint8_t rq_drop_on_overrun;
    uint8_t rq_err_on_wqe_overflow;
    uint8_t rq_chain_wqes;
    uint8_t sq_hw_db;
    uint32_t reserved3;
} GdmaCreateQueueReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreateQueueReqWire) != 96);
QEMU_BUILD_BUG_ON(offsetof(GdmaCreateQueueReqWire, region) != 56);

typedef struct GdmaCreateQueueRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t queue_id;
} GdmaCreateQueueRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreateQueueRespWire) != 36);

/* A CQ without an EQ */
#define GDMA_CQ_NO_EQ                   0xffff

/* DISABLE_QUEUE */
typedef struct GdmaDisableQueueReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t type;                      /* GdmaQueueType */
    uint32_t queue_id;
    uint32_t alloc_res_id_on_creation;
} GdmaDisableQueueReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaDisableQueueReqWire) != 52);

/* ALLOCATE_RESOURCE_RANGE, DESTROY_RESOURCE_RANGE */
#define GDMA_RESOURCE_DOORBELL_PAGE     27
typedef struct GdmaAllocateRangeReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t type;                      /* GDMA_RESOURCE_* */
    uint32_t count;
    uint32_t alignment;
    uint32_t first;
} GdmaAllocateRangeReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaAllocateRangeReqWire) != 56);

typedef struct GdmaAllocateRangeRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t first;
} GdmaAllocateRangeRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaAllocateRangeRespWire) != 36);

typedef struct GdmaDestroyRangeReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t type;
    uint32_t count;
    uint32_t first;
} GdmaDestroyRangeReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaDestroyRangeReqWire) != 52);

/* CREATE_DMA_REGION; as many uint64_t addresses follow as .listed says */
typedef struct GdmaCreateRegionReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t length_bytes;
    uint32_t offset_in_page;
    uint32_t page_type;                 /* log2 of the page's bytes, minus 12 */
    uint32_t page_count;
    uint32_t listed;                    /* fewer: the rest by ADD_PAGES */
} GdmaCreateRegionReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreateRegionReqWire) != 64);
#define GDMA_MAX_PAGE_TYPE              20

typedef struct GdmaCreateRegionRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t region;
} GdmaCreateRegionRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreateRegionRespWire) != 40);

/* DMA_REGION_ADD_PAGES; addresses follow */
typedef struct GdmaAddPagesReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t region;
    uint32_t listed;
    uint32_t reserved1;
} GdmaAddPagesReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaAddPagesReqWire) != 56);

/* DESTROY_DMA_REGION, DESTROY_PD, DESTROY_MR, DESTROY_DM */
typedef struct GdmaHandleReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t handle;
} GdmaHandleReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaHandleReqWire) != 48);

/* CREATE_PD */
typedef struct GdmaCreatePdReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t flags;
    uint32_t reserved1;
} GdmaCreatePdReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreatePdReqWire) != 48);

typedef struct GdmaCreatePdRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t pd;
    uint32_t pd_id;
    uint32_t reserved1;
} GdmaCreatePdRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreatePdRespWire) != 48);

/* CREATE_MR */
#define GDMA_MR_TYPE_GPA                1
#define GDMA_MR_TYPE_GVA                2
#define GDMA_MR_TYPE_ZBVA               4
typedef struct GdmaCreateMrReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t pd;
    uint32_t type;
    uint32_t reserved1;
    uint64_t region;                    /* consumed */
    uint64_t virtual_address;
    uint32_t access_flags;
    uint32_t reserved2;
} GdmaCreateMrReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreateMrReqWire) != 80);

typedef struct GdmaCreateMrRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t mr;
    uint32_t lkey;
    uint32_t rkey;
} GdmaCreateMrRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaCreateMrRespWire) != 48);

/* CHANGE_MSIX_FOR_EQ */
typedef struct GdmaChangeMsixReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t eq_id;
    uint32_t msix;
    uint32_t reserved1;
    uint32_t reserved2;
} GdmaChangeMsixReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaChangeMsixReqWire) != 56);

/* QUERY_HWC_TIMEOUT */
typedef struct GdmaHwcTimeoutReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t timeout_ms;
    uint32_t reserved1;
} GdmaHwcTimeoutReqWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaHwcTimeoutReqWire) != 48);

typedef struct GdmaHwcTimeoutRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t timeout_ms;
    uint32_t reserved1;
} GdmaHwcTimeoutRespWire;
QEMU_BUILD_BUG_ON(sizeof(GdmaHwcTimeoutRespWire) != 40);

#endif /* GDMA_DEFS_H */
