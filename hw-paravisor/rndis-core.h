/*
 * RNDIS: the adapter that the guest configures, and the packets it sends
 *
 * No I/O and no QEMU objects: copies of messages in, answers out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef RNDIS_CORE_H
#define RNDIS_CORE_H

#include "qemu/bitops.h"
#include "rndis-defs.h"

#define RNDIS_MAC_BYTES                 6
#define RNDIS_MAX_MULTICAST             64
/* Control messages: the longest taken, and the longest made */
#define RNDIS_MAX_CONTROL_BYTES         8192
#define RNDIS_MAX_REPLY_BYTES           1024
/* Packets in one message, and the power of two that they are aligned to */
#define RNDIS_PACKETS_PER_MESSAGE       8
#define RNDIS_PACKET_ALIGN_LOG2         3
#define RNDIS_MAX_LSO_BYTES             65536
#define RNDIS_MAX_FRIENDLY_NAME         63

/* What is done for packets in software or by the host; bits of .offloads */
#define RNDIS_OFFLOAD_TX_IP4            BIT(0)  /* IPv4 header checksum */
#define RNDIS_OFFLOAD_TX_TCP4           BIT(1)
#define RNDIS_OFFLOAD_TX_UDP4           BIT(2)
#define RNDIS_OFFLOAD_TX_TCP6           BIT(3)
#define RNDIS_OFFLOAD_TX_UDP6           BIT(4)
#define RNDIS_OFFLOAD_RX_IP4            BIT(5)
#define RNDIS_OFFLOAD_RX_TCP4           BIT(6)
#define RNDIS_OFFLOAD_RX_UDP4           BIT(7)
#define RNDIS_OFFLOAD_RX_TCP6           BIT(8)
#define RNDIS_OFFLOAD_RX_UDP6           BIT(9)
#define RNDIS_OFFLOAD_LSO4              BIT(10)
#define RNDIS_OFFLOAD_LSO6              BIT(11)
#define RNDIS_OFFLOAD_RSC4              BIT(12)
#define RNDIS_OFFLOAD_RSC6              BIT(13)
#define RNDIS_OFFLOAD_ALL               0x3fffu
#define RNDIS_OFFLOAD_RSC               (RNDIS_OFFLOAD_RSC4 | RNDIS_OFFLOAD_RSC6)
#define RNDIS_OFFLOAD_RX_CSUM           (0x1fu << 5)

typedef struct RndisRss {
    bool is_enabled;
    uint32_t hash_info;                 /* NDIS_HASH_* */
    uint16_t table_count;
    uint8_t table[NDIS_RSS_TABLE_ENTRIES];  /* channel numbers */
    uint8_t key[NDIS_RSS_KEY_BYTES];
} RndisRss;

/* Counted by the owner; answered to statistics OIDs */
typedef struct RndisStats {
    uint64_t tx_frames[3];              /* RNDIS_CAST_* */
    uint64_t tx_bytes[3];
    uint64_t rx_frames[3];
    uint64_t rx_bytes[3];
    uint64_t tx_errors;
    uint64_t rx_errors;
    uint64_t rx_no_buffer;
} RndisStats;
#define RNDIS_CAST_UNI                  0
#define RNDIS_CAST_MULTI                1
#define RNDIS_CAST_BROAD                2

typedef struct RndisCore {
    /* set by the owner */
    uint8_t permanent_mac[RNDIS_MAC_BYTES];
    uint16_t mtu;
    uint16_t max_channels;
    uint32_t offload_caps;              /* RNDIS_OFFLOAD_* */
    uint64_t link_speed_bps;
    bool link_up;
    const char *friendly_name;          /* ASCII, or NULL */
    const RndisStats *stats;

    /* changed by messages */
    bool is_initialized;
    uint32_t filter;                    /* RNDIS_FILTER_* */
    uint32_t offloads;                  /* RNDIS_OFFLOAD_*, switched on */
    uint8_t mac[RNDIS_MAC_BYTES];
    uint16_t multicast_count;
    uint8_t multicast[RNDIS_MAX_MULTICAST][RNDIS_MAC_BYTES];
    RndisRss rss;
} RndisCore;

/* What a message changed; for the owner to act on */
#define RNDIS_CHANGED_STATE             BIT(0)  /* initialized, halted */
#define RNDIS_CHANGED_FILTER            BIT(1)  /* with the multicast list */
#define RNDIS_CHANGED_OFFLOADS          BIT(2)
#define RNDIS_CHANGED_MAC               BIT(3)
#define RNDIS_CHANGED_RSS               BIT(4)

typedef struct RndisVerdict {
    uint32_t type;                      /* of the message; for traces */
    uint32_t oid;                       /* QUERY and SET */
    uint32_t status;                    /* RndisStatus */
    uint32_t changed;                   /* RNDIS_CHANGED_* */
    uint32_t reply_bytes;               /* 0: no answer */
    uint8_t reply[RNDIS_MAX_REPLY_BYTES];
} RndisVerdict;

/* After HALT or a close.  The address stays: guests set it once only */
void rndis_core_reset(RndisCore *c);
/* Is @c, as read from a migration stream, a state the protocol can reach? */
bool rndis_core_valid(const RndisCore *c);

/*
 * Take the control message @msg of @bytes.  @offer_rsc: the guest takes packets in
 * several sections.  False: not even a header of RNDIS, no answer.
 */
bool rndis_core_handle(RndisCore *c, bool offer_rsc, const void *msg,
                       uint32_t bytes, RndisVerdict *v);

/* An indication; returns its bytes.  @value: 4 bytes of status buffer, if any */
uint32_t rndis_build_indication(uint8_t *buf, uint32_t status, bool has_value,
                                uint32_t value);
/* The link speed in units of 100 bit/s */
uint32_t rndis_link_speed_100bps(const RndisCore *c);

/* Does the filter let a frame to @dst through? */
bool rndis_core_accepts(const RndisCore *c, const uint8_t *dst);
/* RNDIS_CAST_* of a destination */
int rndis_cast(const uint8_t *dst);

/* A data packet from the guest, checked */
typedef struct RndisPacket {
    uint32_t msg_bytes;                 /* to the next packet */
    uint32_t data_offset;               /* from the message on */
    uint32_t data_bytes;
    bool has_csum;
    bool has_lso;
    bool has_vlan;
    uint32_t csum;                      /* RNDIS_TX_CSUM_* */
    uint32_t lso;                       /* RNDIS_LSO_* */
    uint16_t vlan_tci;
} RndisPacket;

/* Parse the packet at @msg, of which @bytes are there.  NULL, or what is wrong */
const char *rndis_packet_parse(const uint8_t *msg, uint32_t bytes,
                               RndisPacket *p);

/* What goes with a packet to the guest */
typedef struct RndisRxInfo {
    uint32_t csum;                      /* RNDIS_RX_CSUM_*, 0: unknown */
    bool has_vlan;
    uint16_t vlan_tci;
    bool has_hash;
    uint32_t hash;
    /* in several sections: this one's RNDIS_PACKET_ID_* flags, else 0 */
    uint8_t fragment_flags;
    uint16_t packet_id;
} RndisRxInfo;
#define RNDIS_MAX_RX_HEADER_BYTES       (RNDIS_PACKET_BYTES + 4 * 16)

/* Build what precedes @data_bytes of frame; returns the bytes put in @buf */
uint32_t rndis_packet_build(uint8_t *buf, const RndisRxInfo *info,
                            uint32_t data_bytes);

#endif /* RNDIS_CORE_H */
