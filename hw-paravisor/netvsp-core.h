/*
 * Network VSP: the NVSP control plane, on copies of messages
 *
 * No I/O and no QEMU objects: a message in, a verdict out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NETVSP_CORE_H
#define NETVSP_CORE_H

#include "netvsp-defs.h"

/* What the guest may choose as MTU, and what it has before it says so */
#define NETVSP_MIN_MTU                  68
#define NETVSP_DEFAULT_MTU              1500
#define NETVSP_MAX_MTU                  65521
#define NETVSP_SEND_SECTION_BYTES       6144
/* What a receive section has besides the MTU: Ethernet, VLAN, RNDIS, PPIs */
#define NETVSP_SECTION_EXTRA_BYTES      (14 + 4 + 44 + 5 * 16)
#define NETVSP_MIN_RECV_SECTION_BYTES   1728
/*
 * For guests that take a packet in several sections: the longest one made in four,
 * not in twenty, if the buffer has room for many such
 */
#define NETVSP_LARGE_RECV_SECTION_BYTES 8128
#define NETVSP_LARGE_RECV_BUF_BYTES     (1024 * 1024)
#define NETVSP_MAX_SECTIONS             65536

/* A buffer that the guest shares, cut into sections of equal size */
typedef struct NetvspBuffer {
    bool is_set;
    uint16_t id;
    uint32_t gpadl_id;
    uint32_t section_bytes;
    uint32_t section_count;
} NetvspBuffer;

typedef struct NetvspCore {
    /* set by the owner */
    uint16_t max_channels;              /* with the primary */
    uint16_t mtu;                       /* of the device */

    /* changed by messages on the primary channel only */
    uint32_t version;                   /* NVSP_VERSION_*, 0: none yet */
    uint32_t ndis_version;              /* major << 16 | minor; nothing asks */
    uint32_t guest_mtu;                 /* without the Ethernet header */
    uint32_t capabilities;              /* NVSP_CAP_* of the guest */
    uint8_t data_path;                  /* NVSP_DATA_PATH_* */
    uint16_t subchannel_count;
    NetvspBuffer recv;
    NetvspBuffer send;
} NetvspCore;

typedef enum NetvspAction {
    NETVSP_ACT_REPLY,                   /* nothing but the answer */
    NETVSP_ACT_SET_RECV_BUF,            /* .gpadl_id, .buffer_id; see below */
    NETVSP_ACT_SET_SEND_BUF,
    NETVSP_ACT_REVOKE_RECV_BUF,
    NETVSP_ACT_REVOKE_SEND_BUF,
    NETVSP_ACT_RNDIS,                   /* .rndis */
    NETVSP_ACT_SUBCHANNELS,             /* .subchannel_count; see below */
    NETVSP_ACT_DATA_PATH,               /* .data_path, then the answer */
} NetvspAction;

/* A message, in host order */
typedef struct NetvspRndis {
    bool is_control;
    uint32_t section_idx;               /* or NVSP_NO_SECTION */
    uint32_t section_bytes;             /* at most a section */
} NetvspRndis;

typedef struct NetvspVerdict {
    NetvspAction action;
    uint32_t type;                      /* of the message; for traces */
    uint32_t status;                    /* NvspStatus, for traces */
    const char *why;                    /* a guest's mistake, or NULL */
    uint32_t gpadl_id;
    uint16_t buffer_id;
    uint16_t subchannel_count;
    uint8_t data_path;
    NetvspRndis rndis;
    /* the completion, if the guest wants one; can be empty */
    uint32_t reply_bytes;
    NvspMessageWire reply;
} NetvspVerdict;

/* Back to the state of a closed primary channel */
void netvsp_core_reset(NetvspCore *c);

/* Is @c, as read from a migration stream, a state the protocol can reach? */
bool netvsp_core_valid(const NetvspCore *c);

/* Take the message @msg of @bytes (any length), changing @c and filling @v */
void netvsp_core_handle(NetvspCore *c, bool is_primary, const void *msg,
                        uint32_t bytes, NetvspVerdict *v);

/*
 * After NETVSP_ACT_SET_RECV_BUF or _SEND_BUF: the GPADL has @buffer_bytes, or 0 if
 * there is no such.  Fills .recv or .send and the reply; false: refused, the GPADL
 * is not used.
 */
bool netvsp_core_buffer_set(NetvspCore *c, NetvspVerdict *v,
                            uint32_t buffer_bytes);

/* After NETVSP_ACT_SUBCHANNELS: they are offered, or not */
void netvsp_core_subchannels_offered(NetvspCore *c, NetvspVerdict *v, bool ok);

/* The answer to NETVSP_ACT_RNDIS */
void netvsp_build_rndis_complete(NvspMessageWire *msg, uint32_t status);

/* Messages to the guest; each returns the bytes of @msg to send */
uint32_t netvsp_build_rndis(NvspMessageWire *msg, bool is_control);
uint32_t netvsp_build_vf_association(NvspMessageWire *msg, bool present,
                                     uint32_t serial);
uint32_t netvsp_build_send_table(NvspMessageWire *msg,
                                 uint16_t channel_count);

/* Does the guest take packets in several receive sections (RSC)? */
bool netvsp_core_has_rsc(const NetvspCore *c);
/* Does the guest want to know of a VF? */
bool netvsp_core_wants_vf(const NetvspCore *c);

#endif /* NETVSP_CORE_H */
