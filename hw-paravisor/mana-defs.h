/*
 * MANA: the Ethernet function on top of GDMA: requests, packets, completions
 *
 * Facts from Linux include/net/mana/mana.h and
 * drivers/net/ethernet/microsoft/mana/mana_en.c (6.1, 6.12, 7.3) and from
 * OpenVMM vm/devices/net/gdma_defs/src/bnic.rs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_DEFS_H
#define MANA_DEFS_H

#include "gdma-defs.h"

#define MANA_HASH_KEY_BYTES             40
#define MANA_MAX_INDIRECTION            512     /* entries, a power of two */
#define MANA_MAX_QUEUES                 64      /* pairs a driver uses per vport */
#define MANA_ETH_HEADER_BYTES           14
#define MANA_MAX_LSO_HEADER_BYTES       256

typedef enum ManaRequest {
    MANA_QUERY_DEV_CONFIG               = 0x20001,
    MANA_QUERY_GF_STAT                  = 0x20002,
    MANA_CONFIG_VPORT_TX                = 0x20003,
    MANA_CREATE_WQ_OBJ                  = 0x20004,
    MANA_DESTROY_WQ_OBJ                 = 0x20005,
    MANA_FENCE_RQ                       = 0x20006,
    MANA_CONFIG_VPORT_RX                = 0x20007,
    MANA_QUERY_VPORT_CONFIG             = 0x20008,
    MANA_QUERY_LINK_CONFIG              = 0x2000a,
    MANA_SET_BW_CLAMP                   = 0x2000b,
    MANA_QUERY_PHY_STAT                 = 0x2000c,
    /* of a paravisor in VTL2 */
    MANA_VTL2_ASSIGN_SERIAL_NUMBER      = 0x27801,
    MANA_VTL2_MOVE_FILTER               = 0x27802,
    MANA_VTL2_QUERY_FILTER_STATE        = 0x27803,
    /* of a physical function's driver */
    MANA_REGISTER_FILTER                = 0x28000,
    MANA_DEREGISTER_FILTER              = 0x28001,
    MANA_REGISTER_HW_PORT               = 0x28003,
    MANA_DEREGISTER_HW_PORT             = 0x28004,
} ManaRequest;

/* Packet descriptor of an SQ entry: the first two words are the short form */
typedef struct ManaTxOobWire {
    uint32_t word[6];
} ManaTxOobWire;
QEMU_BUILD_BUG_ON(sizeof(ManaTxOobWire) != 24);
#define MANA_TX_OOB_SHORT_BYTES         8
#define MANA_TX_OOB_LONG_BYTES          24

FIELD(MANA_TX_OOB0, FORMAT, 0, 2)               /* MANA_TX_FORMAT_* */
FIELD(MANA_TX_OOB0, IS_IPV4, 2, 1)
FIELD(MANA_TX_OOB0, IS_IPV6, 3, 1)
FIELD(MANA_TX_OOB0, IP_CSUM, 4, 1)
FIELD(MANA_TX_OOB0, TCP_CSUM, 5, 1)
FIELD(MANA_TX_OOB0, UDP_CSUM, 6, 1)
FIELD(MANA_TX_OOB0, SUPPRESS_CQE, 7, 1)
FIELD(MANA_TX_OOB0, VCQ, 8, 24)
FIELD(MANA_TX_OOB1, TRANSPORT_OFFSET, 0, 10)
FIELD(MANA_TX_OOB1, VSQ_FRAME, 10, 14)
FIELD(MANA_TX_OOB1, VPORT_OFFSET, 24, 8)
FIELD(MANA_TX_OOB2, IS_ENCAP, 0, 1)
FIELD(MANA_TX_OOB2, INNER_IPV6, 1, 1)
FIELD(MANA_TX_OOB2, INNER_TCP_OPTIONS, 2, 1)
FIELD(MANA_TX_OOB2, INJECT_VLAN, 3, 1)
FIELD(MANA_TX_OOB2, VLAN_PCP, 16, 3)
FIELD(MANA_TX_OOB2, VLAN_DEI, 19, 1)
FIELD(MANA_TX_OOB2, VLAN_ID, 20, 12)
FIELD(MANA_TX_OOB3, INNER_FRAME_OFFSET, 0, 10)
FIELD(MANA_TX_OOB3, INNER_IP_OFFSET, 10, 6)
FIELD(MANA_TX_OOB3, VPORT_OFFSET, 16, 12)

#define MANA_TX_FORMAT_SHORT            0
#define MANA_TX_FORMAT_LONG             1
#define MANA_SHORT_VPORT_OFFSET_MAX     255

/* First word of the data of every CQE */
FIELD(MANA_CQE, TYPE, 0, 6)
FIELD(MANA_CQE, CLIENT_TYPE, 6, 2)
FIELD(MANA_CQE, VENDOR_ERROR, 8, 24)
#define MANA_CQE_COMPLETION             1       /* .CLIENT_TYPE */

typedef enum ManaCqeType {
    MANA_CQE_RX_OKAY                    = 1,
    MANA_CQE_RX_COALESCED_4             = 2,
    MANA_CQE_RX_OBJECT_FENCE            = 3,
    MANA_CQE_RX_TRUNCATED               = 4,
    MANA_CQE_RX_COALESCED_8             = 7,
    MANA_CQE_TX_OKAY                    = 32,
    MANA_CQE_TX_SA_DROP                 = 33,
    MANA_CQE_TX_MTU_DROP                = 34,
    MANA_CQE_TX_INVALID_OOB             = 35,
    MANA_CQE_TX_INVALID_ETH_TYPE        = 36,
    MANA_CQE_TX_HDR_ERROR               = 37,
    MANA_CQE_TX_VF_DISABLED             = 38,
    MANA_CQE_TX_VPORT_OUT_OF_RANGE      = 39,
    MANA_CQE_TX_VPORT_DISABLED          = 40,
    MANA_CQE_TX_VLAN_VIOLATION          = 41,
    MANA_CQE_TX_GDMA_ERROR              = 42,
} ManaCqeType;

typedef struct ManaTxCqeWire {
    uint32_t header;                    /* MANA_CQE */
    uint32_t data_offset;
    uint32_t offsets;                   /* SGL 4:0, WQE 31:5 */
    uint32_t reserved1[12];
} ManaTxCqeWire;
QEMU_BUILD_BUG_ON(sizeof(ManaTxCqeWire) != GDMA_CQE_DATA_BYTES);
FIELD(MANA_TX_CQE, WQE_OFFSET_BU, 5, 27)

typedef struct ManaRxPpiWire {
    uint16_t bytes;
    uint16_t reserved1;
    uint32_t reserved2;
    uint32_t hash;
} ManaRxPpiWire;
QEMU_BUILD_BUG_ON(sizeof(ManaRxPpiWire) != 12);

/* The same 12 bytes in a COALESCED_8 completion: two packets each */
typedef struct ManaRxPpi2Wire {
    uint32_t hash0;
    uint16_t bytes0;
    uint16_t bytes1;
    uint32_t hash1;
} ManaRxPpi2Wire;
QEMU_BUILD_BUG_ON(sizeof(ManaRxPpi2Wire) != 12);

#define MANA_RX_PPI_COUNT               4
typedef struct ManaRxCqeWire {
    uint32_t header;                    /* MANA_CQE */
    uint32_t flags;                     /* MANA_RX_CQE */
    union {
        ManaRxPpiWire ppi[MANA_RX_PPI_COUNT];
        ManaRxPpi2Wire ppi2[MANA_RX_PPI_COUNT];
    };
    uint32_t wqe_offset_bytes;          /* of the first RQ entry, in the ring */
} ManaRxCqeWire;
QEMU_BUILD_BUG_ON(sizeof(ManaRxCqeWire) != GDMA_CQE_DATA_BYTES);

FIELD(MANA_RX_CQE, VLAN_ID, 0, 12)
FIELD(MANA_RX_CQE, VLAN_PRESENT, 12, 1)
FIELD(MANA_RX_CQE, OUTER_IP_OK, 13, 1)
FIELD(MANA_RX_CQE, OUTER_IP_BAD, 14, 1)
FIELD(MANA_RX_CQE, HASH_TYPE, 16, 9)            /* MANA_HASH_* */
FIELD(MANA_RX_CQE, IP_OK, 25, 1)
FIELD(MANA_RX_CQE, IP_BAD, 26, 1)
FIELD(MANA_RX_CQE, TCP_OK, 27, 1)
FIELD(MANA_RX_CQE, TCP_BAD, 28, 1)
FIELD(MANA_RX_CQE, UDP_OK, 29, 1)
FIELD(MANA_RX_CQE, UDP_BAD, 30, 1)

/* NDIS hash types */
#define MANA_HASH_IPV4                  BIT(0)
#define MANA_HASH_TCP_IPV4              BIT(1)
#define MANA_HASH_UDP_IPV4              BIT(2)
#define MANA_HASH_IPV6                  BIT(3)
#define MANA_HASH_TCP_IPV6              BIT(4)
#define MANA_HASH_UDP_IPV6              BIT(5)
#define MANA_HASH_IPV6_EX               BIT(6)
#define MANA_HASH_TCP_IPV6_EX           BIT(7)
#define MANA_HASH_UDP_IPV6_EX           BIT(8)

/* QUERY_DEV_CONFIG */
typedef struct ManaDevConfigReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t drv_cap_flags[4];
    uint32_t proto_major;
    uint32_t proto_minor;
    uint32_t proto_micro;
    uint32_t reserved1;
} ManaDevConfigReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaDevConfigReqWire) != 88);

typedef struct ManaDevConfigRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t pf_cap_flags[4];
    uint16_t max_vports;
    uint8_t bm_hostmode;                /* V3 */
    uint8_t reserved1;
    uint32_t max_eqs;
    uint16_t adapter_mtu;               /* V2; with the Ethernet header */
    uint16_t reserved2;
    uint32_t link_speed_mbps;           /* V4 */
} ManaDevConfigRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaDevConfigRespWire) != 80);
QEMU_BUILD_BUG_ON(offsetof(ManaDevConfigRespWire, adapter_mtu) != 72);
#define MANA_DEV_CONFIG_V1_BYTES        72

/* QUERY_GF_STAT */
typedef struct ManaGfStatReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t requested;                 /* one bit per counter */
} ManaGfStatReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaGfStatReqWire) != 48);

/* In Linux' order; OpenVMM has multicast before broadcast */
typedef enum ManaGfStat {
    MANA_STAT_RX_NO_WQE,
    MANA_STAT_RX_VPORT_DISABLED,
    MANA_STAT_RX_BYTES,
    MANA_STAT_RX_UCAST_PACKETS,
    MANA_STAT_RX_UCAST_BYTES,
    MANA_STAT_RX_BCAST_PACKETS,
    MANA_STAT_RX_BCAST_BYTES,
    MANA_STAT_RX_MCAST_PACKETS,
    MANA_STAT_RX_MCAST_BYTES,
    MANA_STAT_TX_GF_DISABLED,
    MANA_STAT_TX_VPORT_DISABLED,
    MANA_STAT_TX_BAD_VPORT_OFFSET,
    MANA_STAT_TX_VLAN_ENFORCEMENT,
    MANA_STAT_TX_ETH_TYPE_ENFORCEMENT,
    MANA_STAT_TX_SA_ENFORCEMENT,
    MANA_STAT_TX_SQPDID_ENFORCEMENT,
    MANA_STAT_TX_CQPDID_ENFORCEMENT,
    MANA_STAT_TX_MTU_VIOLATION,
    MANA_STAT_TX_INVALID_OOB,
    MANA_STAT_TX_BYTES,
    MANA_STAT_TX_UCAST_PACKETS,
    MANA_STAT_TX_UCAST_BYTES,
    MANA_STAT_TX_BCAST_PACKETS,
    MANA_STAT_TX_BCAST_BYTES,
    MANA_STAT_TX_MCAST_PACKETS,
    MANA_STAT_TX_MCAST_BYTES,
    MANA_STAT_TX_GDMA_ERROR,
    MANA_STAT_COUNT
} ManaGfStat;
#define MANA_STAT_ALL                   0x7ffffffull

typedef struct ManaGfStatRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t reported;
    uint64_t counter[MANA_STAT_COUNT];
} ManaGfStatRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaGfStatRespWire) != 256);

/* CONFIG_VPORT_TX */
typedef struct ManaVportTxReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
    uint32_t pdid;
    uint32_t db_page;
} ManaVportTxReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaVportTxReqWire) != 56);

typedef struct ManaVportTxRespWire {
    GdmaRespHeaderWire hdr;
    uint16_t vport_offset;
    uint8_t short_form_allowed;
    uint8_t reserved1;
} ManaVportTxRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaVportTxRespWire) != 36);

/* CREATE_WQ_OBJ: a work queue with its CQ */
typedef struct ManaCreateWqReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
    uint32_t wq_type;                   /* GDMA_QUEUE_SQ, GDMA_QUEUE_RQ */
    uint32_t reserved1;
    uint64_t wq_region;                 /* consumed */
    uint64_t cq_region;                 /* consumed */
    uint32_t wq_bytes;
    uint32_t cq_bytes;
    uint32_t cq_mod_ctx_id;
    uint32_t cq_parent_eq_id;
    uint8_t allow_rqwqe_chain;          /* V2 */
    uint8_t cq_moderation_requested;    /* V3, with what follows */
    uint16_t cq_moderation_comps;
    uint16_t cq_moderation_usec;
    uint8_t reserved2[2];
} ManaCreateWqReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaCreateWqReqWire) != 96);
#define MANA_CREATE_WQ_V1_BYTES         88

typedef struct ManaCreateWqRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t wq_id;
    uint32_t cq_id;
    uint64_t wq_obj;
    uint16_t cq_moderation_comps;       /* V2, with what follows */
    uint16_t cq_moderation_usec;
    uint8_t cq_moderation_enabled;
    uint8_t reserved1[3];
} ManaCreateWqRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaCreateWqRespWire) != 56);

/* DESTROY_WQ_OBJ */
typedef struct ManaDestroyWqReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t wq_type;
    uint32_t reserved1;
    uint64_t wq_obj;
} ManaDestroyWqReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaDestroyWqReqWire) != 56);

/* FENCE_RQ */
typedef struct ManaFenceRqReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t wq_obj;
} ManaFenceRqReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaFenceRqReqWire) != 48);

/* CONFIG_VPORT_RX; as many wq_obj handles as .indir_count says at .indir_offset */
typedef struct ManaVportRxReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
    uint16_t indir_count;
    uint16_t indir_offset;              /* from the message's start */
    uint32_t rx_enable;                 /* MANA_TRISTATE_* */
    uint32_t rss_enable;                /* MANA_TRISTATE_* */
    uint8_t update_default_rxobj;
    uint8_t update_hash_key;
    uint8_t update_indir_table;
    uint8_t reserved1;
    uint64_t default_rxobj;
    uint8_t hash_key[MANA_HASH_KEY_BYTES];
    uint8_t coalesce;                   /* V2: up to four packets in a CQE */
    uint8_t reserved2[3];
    uint16_t hash_types;                /* MANA_HASH_*; 0: all */
    uint8_t coalesce8;                  /* V5: up to eight */
    uint8_t reserved3;
} ManaVportRxReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaVportRxReqWire) != 120);
QEMU_BUILD_BUG_ON(offsetof(ManaVportRxReqWire, hash_key) != 72);
#define MANA_VPORT_RX_V1_BYTES          112

#define MANA_TRISTATE_FALSE             0u
#define MANA_TRISTATE_TRUE              1u
#define MANA_TRISTATE_KEEP              0xffffffffu

typedef struct ManaVportRxRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t coalesce_timeout_ns;       /* V2 */
    uint32_t reserved1;
} ManaVportRxRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaVportRxRespWire) != 40);

/* QUERY_VPORT_CONFIG */
typedef struct ManaVportConfigReqWire {
    GdmaReqHeaderWire hdr;
    uint32_t vport_idx;
} ManaVportConfigReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaVportConfigReqWire) != 44);

typedef struct ManaVportConfigRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t max_sq;
    uint32_t max_rq;
    uint32_t indirection_entries;
    uint32_t reserved1;
    uint8_t mac[6];
    uint8_t reserved2[2];
    uint64_t vport;
} ManaVportConfigRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaVportConfigRespWire) != 64);

/* QUERY_LINK_CONFIG */
typedef struct ManaLinkConfigReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
} ManaLinkConfigReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaLinkConfigReqWire) != 48);

typedef struct ManaLinkConfigRespWire {
    GdmaRespHeaderWire hdr;
    uint32_t qos_speed_mbps;
    uint8_t qos_unconfigured;
    uint8_t reserved1[3];
    uint32_t link_speed_mbps;
    uint8_t reserved2[4];
} ManaLinkConfigRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaLinkConfigRespWire) != 48);

/* SET_BW_CLAMP */
typedef struct ManaBwClampReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
    uint32_t enable;                    /* MANA_TRISTATE_* */
    uint32_t speed_mbps;
} ManaBwClampReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaBwClampReqWire) != 56);

typedef struct ManaBwClampRespWire {
    GdmaRespHeaderWire hdr;
    uint8_t qos_unconfigured;
    uint8_t reserved1[7];
} ManaBwClampRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaBwClampRespWire) != 40);

/* QUERY_PHY_STAT: drops, then packets, bytes and pauses per class, RX before TX */
#define MANA_PHY_STAT_COUNT             (2 + 3 * 8 * 2)
typedef struct ManaPhyStatRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t reported;
    uint64_t counter[MANA_PHY_STAT_COUNT];
} ManaPhyStatRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaPhyStatRespWire) != 440);
#define MANA_PHY_RX_DROPS               0
#define MANA_PHY_TX_DROPS               1
#define MANA_PHY_RX_PACKETS_TC0         2
#define MANA_PHY_TX_PACKETS_TC0         3
#define MANA_PHY_RX_BYTES_TC0           18
#define MANA_PHY_TX_BYTES_TC0           19

/* VTL2_ASSIGN_SERIAL_NUMBER */
typedef struct ManaSerialNumberReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
    uint32_t serial;
    uint32_t reserved1;
} ManaSerialNumberReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaSerialNumberReqWire) != 56);

/* VTL2_MOVE_FILTER, VTL2_QUERY_FILTER_STATE */
typedef struct ManaMoveFilterReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
    uint8_t to_vtl0;                    /* not in QUERY_FILTER_STATE */
    uint8_t reserved1[3];
    uint32_t reserved2;
} ManaMoveFilterReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaMoveFilterReqWire) != 56);

typedef struct ManaFilterStateRespWire {
    GdmaRespHeaderWire hdr;
    uint8_t to_vtl0;
    uint8_t reserved1[7];
} ManaFilterStateRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaFilterStateRespWire) != 40);

/* REGISTER_FILTER */
typedef struct ManaRegisterFilterReqWire {
    GdmaReqHeaderWire hdr;
    uint64_t vport;
    uint8_t mac[6];
    uint8_t reserved1[18];
} ManaRegisterFilterReqWire;
QEMU_BUILD_BUG_ON(sizeof(ManaRegisterFilterReqWire) != 72);

typedef struct ManaHandleRespWire {
    GdmaRespHeaderWire hdr;
    uint64_t handle;
} ManaHandleRespWire;
QEMU_BUILD_BUG_ON(sizeof(ManaHandleRespWire) != 40);

#endif /* MANA_DEFS_H */
