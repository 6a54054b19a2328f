/*
 * VMBus: control messages, ring layout, packet formats
 *
 * Facts from Linux include/linux/hyperv.h and drivers/hv (7.3, 6.12, 6.1) and
 * from OpenVMM vmbus_core/src/protocol.rs, vmbus_ring/src/lib.rs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef VMBUS_DEFS_H
#define VMBUS_DEFS_H

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "accel/hyperv/hv-defs.h"

/* Versions: major in [31:16], minor in [15:0] */
#define HVBUS_VERSION(major, minor)     (((major) << 16) | (minor))
#define HVBUS_VERSION_0_13              HVBUS_VERSION(0u, 13u)
#define HVBUS_VERSION_1_1               HVBUS_VERSION(1u, 1u)
#define HVBUS_VERSION_2_4               HVBUS_VERSION(2u, 4u)
#define HVBUS_VERSION_3_0               HVBUS_VERSION(3u, 0u)
#define HVBUS_VERSION_4_0               HVBUS_VERSION(4u, 0u)
#define HVBUS_VERSION_4_1               HVBUS_VERSION(4u, 1u)
#define HVBUS_VERSION_5_0               HVBUS_VERSION(5u, 0u)
#define HVBUS_VERSION_5_1               HVBUS_VERSION(5u, 1u)
#define HVBUS_VERSION_5_2               HVBUS_VERSION(5u, 2u)
#define HVBUS_VERSION_5_3               HVBUS_VERSION(5u, 3u)
#define HVBUS_VERSION_6_0               HVBUS_VERSION(6u, 0u)

/* Where control messages go.  Versions from 5.0 on start at the second id */
#define HVBUS_MESSAGE_CONN_ID           1u
#define HVBUS_MESSAGE_CONN_ID_V5        4u
#define HVBUS_SINT                      2
/*
 * Before 2.4 the channels share one connection id and event flag 0; a page of the
 * guest's has a bit for each channel, to the guest in the first half, from it in
 * the second.
 */
#define HVBUS_EVENT_CONN_ID_SHARED      2u
#define HVBUS_INTERRUPT_HALF_BYTES      2048u
/* connection id of a channel: this plus its relid */
#define HVBUS_EVENT_CONN_ID_BASE        0x10000u

/* relid 0 is skipped by guests; it is also the event flag number */
#define HVBUS_RELID_MIN                 1u
#define HVBUS_RELID_MAX                 2047u

#define HVBUS_VP_NO_INTERRUPT           0xffffffffu

/* Status words in answers; Linux only looks for zero */
#define HVBUS_STATUS_OK                 0u
#define HVBUS_STATUS_UNSUCCESSFUL       0xc0000001u
#define HVBUS_STATUS_CONN_REFUSED       0xc0000236u

typedef enum HvbusMessageType {
    HVBUS_MSG_OFFERCHANNEL              = 1,
    HVBUS_MSG_RESCIND_OFFER             = 2,
    HVBUS_MSG_REQUESTOFFERS             = 3,
    HVBUS_MSG_ALLOFFERS_DELIVERED       = 4,
    HVBUS_MSG_OPENCHANNEL               = 5,
    HVBUS_MSG_OPENCHANNEL_RESULT        = 6,
    HVBUS_MSG_CLOSECHANNEL              = 7,
    HVBUS_MSG_GPADL_HEADER              = 8,
    HVBUS_MSG_GPADL_BODY                = 9,
    HVBUS_MSG_GPADL_CREATED             = 10,
    HVBUS_MSG_GPADL_TEARDOWN            = 11,
    HVBUS_MSG_GPADL_TORNDOWN            = 12,
    HVBUS_MSG_RELID_RELEASED            = 13,
    HVBUS_MSG_INITIATE_CONTACT          = 14,
    HVBUS_MSG_VERSION_RESPONSE          = 15,
    HVBUS_MSG_UNLOAD                    = 16,
    HVBUS_MSG_UNLOAD_RESPONSE           = 17,
    HVBUS_MSG_TL_CONNECT_REQUEST        = 21,
    HVBUS_MSG_MODIFYCHANNEL             = 22,
    HVBUS_MSG_TL_CONNECT_RESULT         = 23,
    HVBUS_MSG_MODIFYCHANNEL_RESPONSE    = 24,
    HVBUS_MSG_COUNT
} HvbusMessageType;

#define HVBUS_USER_BYTES                120

typedef struct HvbusHeaderWire {
    uint32_t type;                      /* HvbusMessageType */
    uint32_t reserved1;
} HvbusHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusHeaderWire) != 8);

/* Offer flags (chn_flags) */
#define HVBUS_OFFER_ENUMERATE           0x0001
#define HVBUS_OFFER_CONFIDENTIAL_RING   0x0002
#define HVBUS_OFFER_CONFIDENTIAL_MEMORY 0x0004
#define HVBUS_OFFER_NAMED_PIPE          0x0010
#define HVBUS_OFFER_LOOPBACK            0x0100
#define HVBUS_OFFER_PARENT              0x0200
#define HVBUS_OFFER_TLNPI_PROVIDER      0x2000
/* first word of user_def of a HVBUS_OFFER_NAMED_PIPE offer */
#define HVBUS_PIPE_MODE_BYTE            0u
#define HVBUS_PIPE_MODE_MESSAGE         4u

typedef struct HvbusOfferWire {
    HvbusHeaderWire hdr;
    uint8_t if_type[16];                /* Windows byte order, as all GUIDs */
    uint8_t instance_id[16];
    uint64_t reserved1;
    uint64_t reserved2;
    uint16_t flags;                     /* HVBUS_OFFER_* */
    uint16_t mmio_megabytes;
    uint8_t user_def[HVBUS_USER_BYTES];
    uint16_t sub_channel_idx;
    uint16_t reserved3;
    uint32_t relid;
    uint8_t monitor_id;
    uint8_t monitor_allocated;          /* bit 0 */
    uint16_t is_dedicated_interrupt;    /* bit 0 */
    uint32_t connection_id;
} HvbusOfferWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusOfferWire) != 200);
QEMU_BUILD_BUG_ON(offsetof(HvbusOfferWire, flags) != 56);
QEMU_BUILD_BUG_ON(offsetof(HvbusOfferWire, sub_channel_idx) != 180);
QEMU_BUILD_BUG_ON(offsetof(HvbusOfferWire, connection_id) != 192);
/* the struct is padded to 8; the message is not */
#define HVBUS_OFFER_BYTES               196

/* RESCIND_OFFER, CLOSECHANNEL, RELID_RELEASED */
typedef struct HvbusRelidWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
} HvbusRelidWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusRelidWire) != 12);

typedef struct HvbusOpenWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
    uint32_t open_id;
    uint32_t ring_gpadl_id;
    uint32_t target_vp;
    uint32_t downstream_page_idx;       /* first page of the ring to the guest */
    uint8_t user_data[HVBUS_USER_BYTES];
} HvbusOpenWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusOpenWire) != 148);

typedef struct HvbusOpenResultWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
    uint32_t open_id;
    uint32_t status;
} HvbusOpenResultWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusOpenResultWire) != 20);

/*
 * GPADL_HEADER: one range {byte_count, byte_offset, page numbers}; what does not
 * fit follows in GPADL_BODY messages.
 */
typedef struct HvbusGpadlHeaderWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
    uint32_t gpadl_id;
    uint16_t range_bytes;               /* of all ranges with their headers */
    uint16_t range_count;
    uint32_t byte_count;                /* the first range starts here */
    uint32_t byte_offset;
} HvbusGpadlHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusGpadlHeaderWire) != 28);
#define HVBUS_GPADL_RANGE_OFFSET        20
#define HVBUS_GPADL_HEADER_MAX_PFNS     26

typedef struct HvbusGpadlBodyWire {
    HvbusHeaderWire hdr;
    uint32_t message_number;            /* Linux leaves it 0 */
    uint32_t gpadl_id;
} HvbusGpadlBodyWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusGpadlBodyWire) != 16);
#define HVBUS_GPADL_BODY_MAX_PFNS       28

/* GPADL_CREATED; GPADL_TEARDOWN is the same without the status */
typedef struct HvbusGpadlCreatedWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
    uint32_t gpadl_id;
    uint32_t status;
} HvbusGpadlCreatedWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusGpadlCreatedWire) != 20);

typedef struct HvbusGpadlTeardownWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
    uint32_t gpadl_id;
} HvbusGpadlTeardownWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusGpadlTeardownWire) != 16);

typedef struct HvbusGpadlTorndownWire {
    HvbusHeaderWire hdr;
    uint32_t gpadl_id;
} HvbusGpadlTorndownWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusGpadlTorndownWire) != 12);

typedef struct HvbusContactWire {
    HvbusHeaderWire hdr;
    uint32_t version;
    uint32_t target_vp;
    /* from 5.0 on; before it this is the address of the interrupt page */
    uint8_t message_sint;
    uint8_t message_vtl;
    uint16_t reserved1;
    uint32_t feature_flags;             /* from 6.0 on */
    uint64_t monitor_page_gpa[2];
} HvbusContactWire;
#define HVBUS_CONTACT_INTERRUPT_PAGE    offsetof(HvbusContactWire, message_sint)
QEMU_BUILD_BUG_ON(sizeof(HvbusContactWire) != 40);
QEMU_BUILD_BUG_ON(offsetof(HvbusContactWire, feature_flags) != 20);

typedef struct HvbusVersionResponseWire {
    HvbusHeaderWire hdr;
    uint8_t is_supported;
    uint8_t connection_state;           /* 0: connected */
    uint16_t reserved1;
    uint32_t selected;                  /* < 5.0 version, else connection id */
    uint32_t feature_flags;             /* from 6.0 on */
} HvbusVersionResponseWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusVersionResponseWire) != 20);
#define HVBUS_VERSION_RESPONSE_BYTES    16      /* before 6.0 */

typedef struct HvbusTlConnectWire {
    HvbusHeaderWire hdr;
    uint8_t endpoint_id[16];
    uint8_t service_id[16];
} HvbusTlConnectWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusTlConnectWire) != 40);

typedef struct HvbusTlResultWire {
    HvbusHeaderWire hdr;
    uint8_t endpoint_id[16];
    uint8_t service_id[16];
    uint32_t status;
} HvbusTlResultWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusTlResultWire) != 44);

typedef struct HvbusModifyWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
    uint32_t target_vp;
} HvbusModifyWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusModifyWire) != 16);

typedef struct HvbusModifyResponseWire {
    HvbusHeaderWire hdr;
    uint32_t relid;
    uint32_t status;
} HvbusModifyResponseWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusModifyResponseWire) != 16);

/*
 * A ring: this header in a page of its own, then the data.  The indexes are byte
 * offsets into the data, 8-aligned.
 */
typedef struct HvbusRingHeaderWire {
    uint32_t write_index;               /* producer's */
    uint32_t read_index;                /* consumer's */
    uint32_t interrupt_mask;            /* consumer's: 1 = do not signal me */
    uint32_t pending_send_bytes;        /* producer's: signal at this much room */
    uint32_t reserved1[12];
    uint32_t feature_bits;              /* HVBUS_RING_FEATURE_* */
} HvbusRingHeaderWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusRingHeaderWire) != 68);
QEMU_BUILD_BUG_ON(offsetof(HvbusRingHeaderWire, feature_bits) != 64);
#define HVBUS_RING_FEATURE_PENDING_SEND BIT(0)
#define HVBUS_RING_MIN_PAGES            2
/* 32 MiB for both rings is what one GPADL can name */
#define HVBUS_RING_MAX_PAGES            8192

/* Packet types */
#define HVBUS_PKT_INBAND                6
#define HVBUS_PKT_XFER_PAGES            7
#define HVBUS_PKT_GPA_DIRECT            9
#define HVBUS_PKT_COMPLETION            11
#define HVBUS_PKT_FLAG_COMPLETION       BIT(0)  /* completion requested */

typedef struct HvbusPacketWire {
    uint16_t type;                      /* HVBUS_PKT_* */
    uint16_t offset_qwords;             /* of the message, from here */
    uint16_t total_qwords;              /* descriptor + message, no trailer */
    uint16_t flags;                     /* HVBUS_PKT_FLAG_* */
    uint64_t trans_id;
} HvbusPacketWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusPacketWire) != 16);

/* after each packet: its start offset in the upper half, 0 in the lower */
#define HVBUS_PKT_TRAILER_BYTES         8
#define HVBUS_PKT_MAX_BYTES             (0xffffu * 8)

/* Between the descriptor and the message of HVBUS_PKT_GPA_DIRECT */
typedef struct HvbusGpaDirectWire {
    uint32_t reserved1;
    uint32_t range_count;
} HvbusGpaDirectWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusGpaDirectWire) != 8);

typedef struct HvbusGpaRangeWire {
    uint32_t byte_count;
    uint32_t byte_offset;
    uint64_t pfns[];
} HvbusGpaRangeWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusGpaRangeWire) != 8);

/* The same place in HVBUS_PKT_XFER_PAGES */
typedef struct HvbusXferPagesWire {
    uint16_t page_set_id;
    uint8_t sender_owns_set;
    uint8_t reserved1;
    uint32_t range_count;
} HvbusXferPagesWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusXferPagesWire) != 8);

typedef struct HvbusXferRangeWire {
    uint32_t byte_count;
    uint32_t byte_offset;
} HvbusXferRangeWire;
QEMU_BUILD_BUG_ON(sizeof(HvbusXferRangeWire) != 8);

/* transaction ids that guests use for packets without an answer */
#define HVBUS_TRANS_ID_UNSOLICITED      0ull

/* A page number must give an address of at most 52 bits */
#define HVBUS_PFN_MAX                   ((1ull << (52 - HV_PAGE_SHIFT)) - 1)

/*
 * GUIDs: text and QemuUUID order to the order of the wire, where the first
 * three fields are little-endian; the same operation leads back.
 */
static inline void hvbus_guid_swap(uint8_t *to, const uint8_t *from)
{
    static const uint8_t order[16] = {
        3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
    };
    int i;

    for (i = 0; i < 16; i++) {
        to[i] = from[order[i]];
    }
}

#endif /* VMBUS_DEFS_H */
