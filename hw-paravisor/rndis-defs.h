/*
 * RNDIS: messages, object identifiers and per-packet information, as Hyper-V's
 * network VSP uses them
 *
 * Facts from Linux drivers/net/hyperv (hyperv_net.h, rndis_filter.c; 7.3, 6.12,
 * 6.1), include/linux/rndis.h and from OpenVMM netvsp/src/rndisprot.rs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef RNDIS_DEFS_H
#define RNDIS_DEFS_H

#include "qemu/osdep.h"

typedef enum RndisMessageType {
    RNDIS_MSG_PACKET                    = 1,
    RNDIS_MSG_INIT                      = 2,
    RNDIS_MSG_HALT                      = 3,
    RNDIS_MSG_QUERY                     = 4,
    RNDIS_MSG_SET                       = 5,
    RNDIS_MSG_RESET                     = 6,
    RNDIS_MSG_INDICATE                  = 7,
    RNDIS_MSG_KEEPALIVE                 = 8,
} RndisMessageType;
/* The answer to a request has this bit added to its type */
#define RNDIS_MSG_COMPLETION            0x80000000u

typedef enum RndisStatus {
    RNDIS_STATUS_SUCCESS                = 0,
    RNDIS_STATUS_BUFFER_OVERFLOW        = 0x80000005,
    RNDIS_STATUS_FAILURE                = 0xc0000001,
    RNDIS_STATUS_RESOURCES              = 0xc000009a,
    RNDIS_STATUS_NOT_SUPPORTED          = 0xc00000bb,
    RNDIS_STATUS_MULTICAST_FULL         = 0xc0010009,
    RNDIS_STATUS_INVALID_LENGTH         = 0xc0010014,
    RNDIS_STATUS_INVALID_DATA           = 0xc0010015,
    RNDIS_STATUS_BUFFER_TOO_SHORT       = 0xc0010016,
    RNDIS_STATUS_INVALID_OID            = 0xc0010017,
    /* of indications */
    RNDIS_STATUS_MEDIA_CONNECT          = 0x4001000b,
    RNDIS_STATUS_MEDIA_DISCONNECT       = 0x4001000c,
    RNDIS_STATUS_LINK_SPEED_CHANGE      = 0x40010013,
    RNDIS_STATUS_NETWORK_CHANGE         = 0x40010018,
    RNDIS_STATUS_OFFLOAD_CURRENT_CONFIG = 0x40020006,
} RndisStatus;

typedef struct RndisHeaderWire {
    uint32_t type;                      /* RndisMessageType */
    uint32_t msg_bytes;                 /* with this header */
} RndisHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(RndisHeaderWire) != 8);
#define RNDIS_HEADER_BYTES              8

/*
 * The bodies follow the header.  Offsets in them count from the start of the
 * body ("request id" on), not of the message.
 */
typedef struct RndisInitWire {
    uint32_t request_id;
    uint32_t major;                     /* 1 */
    uint32_t minor;                     /* 0 */
    uint32_t max_transfer_bytes;
} RndisInitWire;
QEMU_BUILD_BUG_ON(sizeof(RndisInitWire) != 16);

typedef struct RndisInitCompleteWire {
    uint32_t request_id;
    uint32_t status;                    /* RndisStatus */
    uint32_t major;
    uint32_t minor;
    uint32_t device_flags;              /* RNDIS_DEVICE_* */
    uint32_t medium;                    /* RNDIS_MEDIUM_* */
    uint32_t max_packets_per_message;
    uint32_t max_transfer_bytes;
    uint32_t packet_alignment_log2;
    uint32_t reserved1;
    uint32_t reserved2;
} RndisInitCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(RndisInitCompleteWire) != 44);
#define RNDIS_DEVICE_CONNECTIONLESS     1
#define RNDIS_MEDIUM_802_3              0

/* HALT has a request id only.  QUERY and SET: */
typedef struct RndisRequestWire {
    uint32_t request_id;
    uint32_t oid;
    uint32_t info_bytes;
    uint32_t info_offset;
    uint32_t reserved1;
} RndisRequestWire;
QEMU_BUILD_BUG_ON(sizeof(RndisRequestWire) != 20);

typedef struct RndisQueryCompleteWire {
    uint32_t request_id;
    uint32_t status;                    /* RndisStatus */
    uint32_t info_bytes;
    uint32_t info_offset;
} RndisQueryCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(RndisQueryCompleteWire) != 16);

/* SET and KEEPALIVE */
typedef struct RndisSetCompleteWire {
    uint32_t request_id;
    uint32_t status;                    /* RndisStatus */
} RndisSetCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(RndisSetCompleteWire) != 8);

/* The only answer without a request id */
typedef struct RndisResetCompleteWire {
    uint32_t status;                    /* RndisStatus */
    uint32_t addressing_reset;
} RndisResetCompleteWire;
QEMU_BUILD_BUG_ON(sizeof(RndisResetCompleteWire) != 8);

typedef struct RndisIndicateWire {
    uint32_t status;                    /* RndisStatus */
    uint32_t info_bytes;
    uint32_t info_offset;
} RndisIndicateWire;
QEMU_BUILD_BUG_ON(sizeof(RndisIndicateWire) != 12);

typedef struct RndisPacketWire {
    uint32_t data_offset;               /* from this field on */
    uint32_t data_bytes;
    uint32_t oob_offset;
    uint32_t oob_bytes;
    uint32_t oob_count;
    uint32_t ppi_offset;                /* from data_offset on */
    uint32_t ppi_bytes;
    uint32_t reserved1;
    uint32_t reserved2;
} RndisPacketWire;
QEMU_BUILD_BUG_ON(sizeof(RndisPacketWire) != 36);
#define RNDIS_PACKET_BYTES              44      /* with the header */

/* Per-packet information, one behind the other */
typedef struct RndisPpiWire {
    uint32_t bytes;                     /* with this header */
    uint32_t type;                      /* RndisPpiType */
    uint32_t offset;                    /* of the value, from here */
} RndisPpiWire;
QEMU_BUILD_BUG_ON(sizeof(RndisPpiWire) != 12);
#define RNDIS_PPI_INTERNAL              0x80000000u     /* in type */

typedef enum RndisPpiType {
    RNDIS_PPI_CHECKSUM                  = 0,
    RNDIS_PPI_IPSEC                     = 1,
    RNDIS_PPI_LSO                       = 2,
    RNDIS_PPI_CLASSIFICATION            = 3,
    RNDIS_PPI_SG_LIST                   = 5,
    RNDIS_PPI_8021Q                     = 6,
    RNDIS_PPI_HASH_VALUE                = 8,
    RNDIS_PPI_PACKET_ID                 = 1 | RNDIS_PPI_INTERNAL,
} RndisPpiType;

/* CHECKSUM, to the host */
#define RNDIS_TX_CSUM_IPV4              0x01u
#define RNDIS_TX_CSUM_IPV6              0x02u
#define RNDIS_TX_CSUM_TCP               0x04u
#define RNDIS_TX_CSUM_UDP               0x08u
#define RNDIS_TX_CSUM_IP_HEADER         0x10u
#define RNDIS_TX_CSUM_L4_SHIFT          16      /* 10 bits: transport offset */
#define RNDIS_TX_CSUM_L4_MASK           0x3ffu
/* CHECKSUM, to the guest */
#define RNDIS_RX_CSUM_TCP_FAILED        0x001u
#define RNDIS_RX_CSUM_UDP_FAILED        0x002u
#define RNDIS_RX_CSUM_IP_FAILED         0x004u
#define RNDIS_RX_CSUM_TCP_OK            0x008u
#define RNDIS_RX_CSUM_UDP_OK            0x010u
#define RNDIS_RX_CSUM_IP_OK             0x020u
#define RNDIS_RX_CSUM_LOOPBACK          0x040u
#define RNDIS_RX_CSUM_TCP_INVALID       0x080u  /* value is not in the packet */
#define RNDIS_RX_CSUM_IP_INVALID        0x100u
/* LSO; version 2 */
#define RNDIS_LSO_MSS_MASK              0xfffffu
#define RNDIS_LSO_L4_SHIFT              20      /* 10 bits: transport offset */
#define RNDIS_LSO_L4_MASK               0x3ffu
#define RNDIS_LSO_TYPE_V2               0x40000000u
#define RNDIS_LSO_IPV6                  0x80000000u
/* 8021Q */
#define RNDIS_8021Q_PRI_MASK            0x7u
#define RNDIS_8021Q_CFI                 0x8u
#define RNDIS_8021Q_VID_SHIFT           4       /* 12 bits */

/* PACKET_ID: a packet in several receive sections (RSC) */
typedef struct RndisPacketIdWire {
    uint8_t version;                    /* 1 */
    uint8_t flags;                      /* RNDIS_PACKET_ID_* */
    uint16_t id;
} RndisPacketIdWire;
QEMU_BUILD_BUG_ON(sizeof(RndisPacketIdWire) != 4);
#define RNDIS_PACKET_ID_VERSION         1
#define RNDIS_PACKET_ID_MULTI           0x1
#define RNDIS_PACKET_ID_FIRST           0x2
#define RNDIS_PACKET_ID_LAST            0x4

/* Object identifiers */
#define RNDIS_OID_GEN_SUPPORTED_LIST            0x00010101u
#define RNDIS_OID_GEN_HARDWARE_STATUS           0x00010102u
#define RNDIS_OID_GEN_MEDIA_SUPPORTED           0x00010103u
#define RNDIS_OID_GEN_MEDIA_IN_USE              0x00010104u
#define RNDIS_OID_GEN_MAXIMUM_LOOKAHEAD         0x00010105u
#define RNDIS_OID_GEN_MAXIMUM_FRAME_SIZE        0x00010106u
#define RNDIS_OID_GEN_LINK_SPEED                0x00010107u
#define RNDIS_OID_GEN_TRANSMIT_BUFFER_SPACE     0x00010108u
#define RNDIS_OID_GEN_RECEIVE_BUFFER_SPACE      0x00010109u
#define RNDIS_OID_GEN_TRANSMIT_BLOCK_SIZE       0x0001010au
#define RNDIS_OID_GEN_RECEIVE_BLOCK_SIZE        0x0001010bu
#define RNDIS_OID_GEN_VENDOR_ID                 0x0001010cu
#define RNDIS_OID_GEN_VENDOR_DESCRIPTION        0x0001010du
#define RNDIS_OID_GEN_CURRENT_PACKET_FILTER     0x0001010eu
#define RNDIS_OID_GEN_CURRENT_LOOKAHEAD         0x0001010fu
#define RNDIS_OID_GEN_DRIVER_VERSION            0x00010110u
#define RNDIS_OID_GEN_MAXIMUM_TOTAL_SIZE        0x00010111u
#define RNDIS_OID_GEN_PROTOCOL_OPTIONS          0x00010112u
#define RNDIS_OID_GEN_MAC_OPTIONS               0x00010113u
#define RNDIS_OID_GEN_MEDIA_CONNECT_STATUS      0x00010114u
#define RNDIS_OID_GEN_MAXIMUM_SEND_PACKETS      0x00010115u
#define RNDIS_OID_GEN_VENDOR_DRIVER_VERSION     0x00010116u
#define RNDIS_OID_GEN_NETWORK_LAYER_ADDRESSES   0x00010118u
#define RNDIS_OID_GEN_RECEIVE_SCALE_CAPABILITIES 0x00010203u
#define RNDIS_OID_GEN_RECEIVE_SCALE_PARAMETERS  0x00010204u
#define RNDIS_OID_GEN_MAX_LINK_SPEED            0x00010206u
#define RNDIS_OID_GEN_LINK_STATE                0x00010207u
#define RNDIS_OID_GEN_MACHINE_NAME              0x0001021au
#define RNDIS_OID_GEN_RNDIS_CONFIG_PARAMETER    0x0001021bu
#define RNDIS_OID_GEN_XMIT_OK                   0x00020101u
#define RNDIS_OID_GEN_RCV_OK                    0x00020102u
#define RNDIS_OID_GEN_XMIT_ERROR                0x00020103u
#define RNDIS_OID_GEN_RCV_ERROR                 0x00020104u
#define RNDIS_OID_GEN_RCV_NO_BUFFER             0x00020105u
#define RNDIS_OID_GEN_DIRECTED_BYTES_XMIT       0x00020201u
#define RNDIS_OID_GEN_DIRECTED_FRAMES_XMIT      0x00020202u
#define RNDIS_OID_GEN_MULTICAST_BYTES_XMIT      0x00020203u
#define RNDIS_OID_GEN_MULTICAST_FRAMES_XMIT     0x00020204u
#define RNDIS_OID_GEN_BROADCAST_BYTES_XMIT      0x00020205u
#define RNDIS_OID_GEN_BROADCAST_FRAMES_XMIT     0x00020206u
#define RNDIS_OID_GEN_DIRECTED_BYTES_RCV        0x00020207u
#define RNDIS_OID_GEN_DIRECTED_FRAMES_RCV       0x00020208u
#define RNDIS_OID_GEN_MULTICAST_BYTES_RCV       0x00020209u
#define RNDIS_OID_GEN_MULTICAST_FRAMES_RCV      0x0002020au
#define RNDIS_OID_GEN_BROADCAST_BYTES_RCV       0x0002020bu
#define RNDIS_OID_GEN_BROADCAST_FRAMES_RCV      0x0002020cu
#define RNDIS_OID_GEN_RCV_CRC_ERROR             0x0002020du
#define RNDIS_OID_GEN_TRANSMIT_QUEUE_LENGTH     0x0002020eu
#define RNDIS_OID_GEN_FRIENDLY_NAME             0x00020216u
#define RNDIS_OID_GEN_BYTES_RCV                 0x00020219u
#define RNDIS_OID_GEN_BYTES_XMIT                0x0002021au
#define RNDIS_OID_GEN_RCV_DISCARDS              0x0002021bu
#define RNDIS_OID_GEN_XMIT_DISCARDS             0x0002021cu
#define RNDIS_OID_802_3_PERMANENT_ADDRESS       0x01010101u
#define RNDIS_OID_802_3_CURRENT_ADDRESS         0x01010102u
#define RNDIS_OID_802_3_MULTICAST_LIST          0x01010103u
#define RNDIS_OID_802_3_MAXIMUM_LIST_SIZE       0x01010104u
#define RNDIS_OID_802_3_MAC_OPTIONS             0x01010105u
#define RNDIS_OID_OFFLOAD_ENCAPSULATION         0x0101010au
#define RNDIS_OID_802_3_ADD_MULTICAST_ADDRESS   0x01010208u
#define RNDIS_OID_802_3_DELETE_MULTICAST_ADDRESS 0x01010209u
#define RNDIS_OID_802_3_RCV_ERROR_ALIGNMENT     0x01020101u
#define RNDIS_OID_802_3_XMIT_ONE_COLLISION      0x01020102u
#define RNDIS_OID_802_3_XMIT_MORE_COLLISIONS    0x01020103u
#define RNDIS_OID_TCP_OFFLOAD_CURRENT_CONFIG    0xfc01020bu
#define RNDIS_OID_TCP_OFFLOAD_PARAMETERS        0xfc01020cu
#define RNDIS_OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES 0xfc01020du

/* GEN_CURRENT_PACKET_FILTER */
#define RNDIS_FILTER_DIRECTED           0x01u
#define RNDIS_FILTER_MULTICAST          0x02u
#define RNDIS_FILTER_ALL_MULTICAST      0x04u
#define RNDIS_FILTER_BROADCAST          0x08u
#define RNDIS_FILTER_PROMISCUOUS        0x20u

#define RNDIS_MEDIA_CONNECTED           0
#define RNDIS_MEDIA_DISCONNECTED        1

/* GEN_MAC_OPTIONS */
#define RNDIS_MAC_OPTION_NO_LOOPBACK    0x008u
#define RNDIS_MAC_OPTION_FULL_DUPLEX    0x010u
#define RNDIS_MAC_OPTION_8021P_PRIORITY 0x040u
#define RNDIS_MAC_OPTION_ADDR_OVERWRITE 0x080u
#define RNDIS_MAC_OPTION_8021Q_VLAN     0x200u

/* GEN_RNDIS_CONFIG_PARAMETER; the strings are UTF-16, offsets from here */
typedef struct RndisConfigParameterWire {
    uint32_t name_offset;
    uint32_t name_bytes;
    uint32_t type;                      /* RNDIS_CONFIG_* */
    uint32_t value_offset;
    uint32_t value_bytes;
} RndisConfigParameterWire;
QEMU_BUILD_BUG_ON(sizeof(RndisConfigParameterWire) != 20);
#define RNDIS_CONFIG_INTEGER            0
#define RNDIS_CONFIG_STRING             2

typedef struct NdisObjectWire {
    uint8_t type;                       /* NDIS_OBJECT_* */
    uint8_t revision;
    uint16_t bytes;                     /* of the whole object */
} NdisObjectWire;
QEMU_BUILD_BUG_ON(sizeof(NdisObjectWire) != 4);
#define NDIS_OBJECT_DEFAULT             0x80
#define NDIS_OBJECT_RSS_CAPABILITIES    0x88
#define NDIS_OBJECT_RSS_PARAMETERS      0x89
#define NDIS_OBJECT_OFFLOAD             0xa7

/* TCP_OFFLOAD_HARDWARE_CAPABILITIES and _CURRENT_CONFIG */
typedef struct NdisOffloadWire {
    NdisObjectWire header;              /* OFFLOAD */
    uint32_t ip4_tx_encap;              /* NDIS_ENCAP_802_3, also below */
    uint32_t ip4_tx_csum;               /* NDIS_CSUM_* */
    uint32_t ip4_rx_encap;
    uint32_t ip4_rx_csum;
    uint32_t ip6_tx_encap;
    uint32_t ip6_tx_csum;               /* NDIS_CSUM6_* */
    uint32_t ip6_rx_encap;
    uint32_t ip6_rx_csum;
    uint32_t lsov1[4];
    uint32_t ipsecv1[7];
    uint32_t lsov2_ip4_encap;
    uint32_t lsov2_ip4_max_bytes;
    uint32_t lsov2_ip4_min_segments;
    uint32_t lsov2_ip6_encap;
    uint32_t lsov2_ip6_max_bytes;
    uint32_t lsov2_ip6_min_segments;
    uint32_t lsov2_ip6_options;         /* NDIS_LSO6_* */
    uint32_t flags;
    /* since revision 2 */
    uint32_t ipsecv2[8];
    /* since revision 3 */
    uint8_t rsc_ip4;
    uint8_t rsc_ip6;
    uint8_t reserved1[2];
    uint32_t encap_gre[2];
} NdisOffloadWire;
QEMU_BUILD_BUG_ON(sizeof(NdisOffloadWire) != 156);
QEMU_BUILD_BUG_ON(offsetof(NdisOffloadWire, lsov2_ip4_encap) != 80);
QEMU_BUILD_BUG_ON(offsetof(NdisOffloadWire, rsc_ip4) != 144);
#define NDIS_OFFLOAD_BYTES_REV1         112
#define NDIS_OFFLOAD_BYTES_REV2         144
#define NDIS_OFFLOAD_BYTES_REV3         156
#define NDIS_ENCAP_802_3                0x2u
/* two bits per item: 1 supported */
#define NDIS_CSUM_IP_OPTIONS            0x001u
#define NDIS_CSUM_TCP_OPTIONS           0x004u
#define NDIS_CSUM_TCP                   0x010u
#define NDIS_CSUM_UDP                   0x040u
#define NDIS_CSUM_IP_HEADER             0x100u
#define NDIS_CSUM6_EXT_HEADERS          0x001u
#define NDIS_CSUM6_TCP_OPTIONS          0x004u
#define NDIS_CSUM6_TCP                  0x010u
#define NDIS_CSUM6_UDP                  0x040u
#define NDIS_LSO6_EXT_HEADERS           0x001u
#define NDIS_LSO6_TCP_OPTIONS           0x004u

/* TCP_OFFLOAD_PARAMETERS */
typedef struct NdisOffloadParamsWire {
    NdisObjectWire header;              /* DEFAULT */
    uint8_t ip4_csum;                   /* NDIS_PARAM_CSUM_* */
    uint8_t tcp4_csum;
    uint8_t udp4_csum;
    uint8_t tcp6_csum;
    uint8_t udp6_csum;
    uint8_t lsov1;                      /* NDIS_PARAM_LSO_* */
    uint8_t ipsecv1;
    uint8_t lsov2_ip4;
    uint8_t lsov2_ip6;
    uint8_t tcp_connection_ip4;
    uint8_t tcp_connection_ip6;
    uint8_t reserved1;
    uint32_t flags;
    /* since revision 2 */
    uint8_t ipsecv2;
    uint8_t ipsecv2_ip4;
    /* since revision 3 */
    uint8_t rsc_ip4;                    /* NDIS_PARAM_RSC_* */
    uint8_t rsc_ip6;
    uint8_t encap_task_offload;
    uint8_t encap_types;
    uint8_t reserved2[2];
} NdisOffloadParamsWire;
QEMU_BUILD_BUG_ON(sizeof(NdisOffloadParamsWire) != 28);
QEMU_BUILD_BUG_ON(offsetof(NdisOffloadParamsWire, rsc_ip4) != 22);
#define NDIS_OFFLOAD_PARAMS_BYTES_REV1  20
#define NDIS_PARAM_NO_CHANGE            0
#define NDIS_PARAM_CSUM_OFF             1
#define NDIS_PARAM_CSUM_TX              2
#define NDIS_PARAM_CSUM_RX              3
#define NDIS_PARAM_CSUM_BOTH            4
#define NDIS_PARAM_LSO_OFF              1
#define NDIS_PARAM_LSO_ON               2
#define NDIS_PARAM_RSC_OFF              1
#define NDIS_PARAM_RSC_ON               2

/* GEN_RECEIVE_SCALE_CAPABILITIES: 18 bytes, Linux takes no more */
typedef struct NdisRssCapsWire {
    NdisObjectWire header;              /* RSS_CAPABILITIES */
    uint32_t flags;                     /* NDIS_RSS_CAPS_* */
    uint32_t interrupt_messages;
    uint32_t receive_queues;
    uint16_t table_entries;
    uint16_t reserved1;                 /* not sent */
} NdisRssCapsWire;
QEMU_BUILD_BUG_ON(sizeof(NdisRssCapsWire) != 20);
#define NDIS_RSS_CAPS_BYTES             18
#define NDIS_RSS_CAPS_REVISION          2
#define NDIS_RSS_CAPS_TOEPLITZ          0x00000001u
#define NDIS_RSS_CAPS_TCP_IPV4          0x00000100u
#define NDIS_RSS_CAPS_TCP_IPV6          0x00000200u
#define NDIS_RSS_CAPS_UDP_IPV4          0x00000800u
#define NDIS_RSS_CAPS_UDP_IPV6          0x00001000u
#define NDIS_RSS_CAPS_AVAILABLE_ON_PORTS 0x10000000u

/* GEN_RECEIVE_SCALE_PARAMETERS; offsets from the start of this */
typedef struct NdisRssParamsWire {
    NdisObjectWire header;              /* RSS_PARAMETERS */
    uint16_t flags;                     /* NDIS_RSS_PARAM_* */
    uint16_t base_cpu;
    uint32_t hash_info;                 /* NDIS_HASH_* */
    uint16_t table_bytes;
    uint16_t reserved1;
    uint32_t table_offset;
    uint16_t key_bytes;
    uint16_t reserved2;
    uint32_t key_offset;
    /* since revision 2 */
    uint32_t masks_offset;
    uint32_t mask_count;
    uint32_t mask_bytes;
} NdisRssParamsWire;
QEMU_BUILD_BUG_ON(sizeof(NdisRssParamsWire) != 40);
#define NDIS_RSS_PARAMS_BYTES_REV1      28
#define NDIS_RSS_PARAM_BASE_CPU_UNCHANGED 0x01
#define NDIS_RSS_PARAM_HASH_UNCHANGED   0x02
#define NDIS_RSS_PARAM_TABLE_UNCHANGED  0x04
#define NDIS_RSS_PARAM_KEY_UNCHANGED    0x08
#define NDIS_RSS_PARAM_DISABLE          0x10
#define NDIS_RSS_KEY_BYTES              40
#define NDIS_RSS_TABLE_ENTRIES          128     /* u32 channel numbers */
#define NDIS_HASH_TOEPLITZ              0x00000001u
#define NDIS_HASH_FUNCTION_MASK         0x000000ffu
#define NDIS_HASH_IPV4                  0x00000100u
#define NDIS_HASH_TCP_IPV4              0x00000200u
#define NDIS_HASH_IPV6                  0x00000400u
#define NDIS_HASH_IPV6_EX               0x00000800u
#define NDIS_HASH_TCP_IPV6              0x00001000u
#define NDIS_HASH_TCP_IPV6_EX           0x00002000u
#define NDIS_HASH_UDP_IPV4              0x00004000u
#define NDIS_HASH_UDP_IPV6              0x00008000u

/* GEN_LINK_STATE */
typedef struct NdisLinkStateWire {
    NdisObjectWire header;              /* DEFAULT */
    uint32_t connect_state;             /* 1 connected, 2 not */
    uint32_t duplex_state;              /* 2 full */
    uint32_t reserved1;
    uint32_t xmit_speed_bps[2];         /* low, high */
    uint32_t recv_speed_bps[2];
    uint32_t pause_functions;
    uint32_t auto_negotiation;
} NdisLinkStateWire;
QEMU_BUILD_BUG_ON(sizeof(NdisLinkStateWire) != 40);

#endif /* RNDIS_DEFS_H */
