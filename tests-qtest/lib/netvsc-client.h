/*
 * A guest's VMBus network driver for qtests
 *
 * It shares netvsp-defs.h and rndis-defs.h with the device and nothing else.  It
 * is as strict as Linux or stricter: what Linux would choke on aborts the test.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NETVSC_CLIENT_H
#define NETVSC_CLIENT_H

#include "vmbus-client.h"
#include "hw/paravisor/netvsp-defs.h"
#include "hw/paravisor/rndis-defs.h"

#define NETVSC_RING_PAGES       32
#define NETVSC_MAX_CHANNELS     8
#define NETVSC_RECV_PAGES       256
#define NETVSC_SEND_PAGES       64
#define NETVSC_MAX_FRAME_BYTES  65536
#define NETVSC_MAX_RANGES       24
/* trans id of the handshake in Linux: VMBUS_RQST_INIT */
#define NETVSC_TRANS_INIT       (UINT64_MAX - 2)
#define NETVSC_FILTER_OPEN \
    (RNDIS_FILTER_DIRECTED | RNDIS_FILTER_ALL_MULTICAST | \
     RNDIS_FILTER_BROADCAST)

/* A frame that came, with what the host said of it */
typedef struct NetvscFrame {
    unsigned channel;
    uint32_t bytes;
    bool has_csum;
    bool has_vlan;
    bool has_hash;
    uint32_t csum;              /* RNDIS_RX_CSUM_* */
    uint32_t vlan;              /* RNDIS_8021Q_* */
    uint32_t hash;
    unsigned pieces;            /* receive sections it came in */
    uint8_t data[NETVSC_MAX_FRAME_BYTES];
} NetvscFrame;

/* A frame to send, with what the host is asked to do to it */
typedef struct NetvscTx {
    const void *frame;
    uint32_t bytes;
    bool has_csum;
    bool has_lso;
    bool has_vlan;
    bool has_hash;
    uint32_t csum;              /* RNDIS_TX_CSUM_* */
    uint32_t lso;               /* RNDIS_LSO_* */
    uint32_t vlan;
    uint32_t hash;
} NetvscTx;

typedef struct NetvscRange {
    uint64_t gpa;               /* may start and end inside pages */
    uint32_t bytes;
} NetvscRange;

/* A receive packet whose sections the guest keeps */
typedef struct NetvscHeld {
    unsigned channel;
    uint64_t trans_id;
    unsigned ranges;
    uint32_t section[NVSP_MAX_XFER_RANGES];
} NetvscHeld;

typedef struct Netvsc {
    VmbusClient *c;
    VmbusChannel *ch[NETVSC_MAX_CHANNELS];      /* [0]: primary */
    unsigned channels;
    uint32_t version;
    uint64_t recv_gpa;
    unsigned recv_pages;
    uint32_t recv_gpadl;
    uint32_t recv_section_bytes;
    uint32_t recv_sections;
    uint64_t send_gpa;
    unsigned send_pages;
    uint32_t send_gpadl;
    uint32_t send_section_bytes;
    uint32_t send_sections;
    uint32_t next_section;
    uint32_t max_packets;               /* per message, from INIT_C */
    uint32_t alignment;                 /* bytes, of messages in a section */
    uint8_t mac[6];
    uint64_t control_gpa;               /* page for requests */
    uint64_t next_trans_id;
    uint32_t next_request_id;
    bool hold;                          /* keep receive sections */
    GQueue *held;                       /* of NetvscHeld */
    uint8_t *recv_busy;                 /* per section: with the guest */
    GHashTable *done;                   /* trans id -> NvspMessageWire */
    GHashTable *rx_ids;                 /* receive trans ids not returned */
    GQueue *frames;                     /* of NetvscFrame */
    GQueue *control;                    /* of GByteArray: RNDIS answers */
    GArray *indications;                /* of uint32_t: status codes */
    NetvscFrame *partial;               /* RSC: not all pieces are here */
    unsigned tables;                    /* SEND_INDIRECTION_TABLE seen */
    uint32_t table[NVSP_SEND_TABLE_ENTRIES];
    unsigned vf_messages;
    uint32_t vf_allocated;
    uint32_t vf_serial;
    uint64_t rx_packets;                /* VMBus packets with data */
} Netvsc;

/* Open the @nth card's primary channel; no handshake */
Netvsc *netvsc_open(VmbusClient *c, unsigned nth);
/* open, and everything Linux does up to an interface that is up */
Netvsc *netvsc_start(VmbusClient *c, unsigned nth, uint32_t version);
/* As above with the receive buffer's size and the MTU */
Netvsc *netvsc_start_sized(VmbusClient *c, unsigned nth, uint32_t version,
                           unsigned recv_pages, uint32_t mtu);
/* Close all channels, sub-channels first, tear the GPADLs down and free */
void netvsc_close(Netvsc *n);
/* As above without the protocol's own farewell */
void netvsc_close_rudely(Netvsc *n);
/* The host knows the channels no more: free */
void netvsc_forget(Netvsc *n);

/* --- NVSP --- */

/* Send @msg in-band; its completion.  @bytes: of @msg */
NvspMessageWire netvsc_exchange(Netvsc *n, unsigned channel,
                                const NvspMessageWire *msg, uint32_t bytes);
/* Send @msg without asking for a completion, as Linux does for some */
void netvsc_tell(Netvsc *n, unsigned channel, const NvspMessageWire *msg);
/* INIT: the status that came back */
uint32_t netvsc_try_version(Netvsc *n, uint32_t version);
void netvsc_send_config(Netvsc *n, uint32_t mtu, uint32_t caps);
/* GPADLs and both buffers; expected to succeed */
void netvsc_make_buffers(Netvsc *n, unsigned recv_pages, unsigned send_pages);
/* Sub-channel request: status, *@count what was granted */
uint32_t netvsc_ask_subchannels(Netvsc *n, uint32_t *count);
/* Ask for @count sub-channels and open them, each with another target VP */
void netvsc_open_subchannels(Netvsc *n, unsigned count);
/* Wait for SEND_INDIRECTION_TABLE number @seen + 1 */
void netvsc_expect_table(Netvsc *n, unsigned seen);

/* --- RNDIS control plane --- */

/* Put @msg (RNDIS header filled in) on the wire as Linux does; trans id */
uint64_t netvsc_send_control(Netvsc *n, const void *msg, uint32_t bytes);
/* The answer to request @id, waiting for it; free with g_byte_array_unref */
GByteArray *netvsc_expect_control(Netvsc *n, uint32_t id);
/* True if no answer or indication is waiting after some time */
bool netvsc_control_is_quiet(Netvsc *n);
void netvsc_rndis_init(Netvsc *n);
/* The driver's farewell to RNDIS; channels and buffers stay */
void netvsc_halt(Netvsc *n);
/*
 * Query: RNDIS status; *@bytes: capacity of @out, then what came.  @in may be
 * NULL.
 */
uint32_t netvsc_query(Netvsc *n, uint32_t oid, const void *in,
                      uint32_t in_bytes, void *out, uint32_t *bytes);
/* A query that must succeed with exactly four bytes */
uint32_t netvsc_query_u32(Netvsc *n, uint32_t oid);
uint32_t netvsc_set(Netvsc *n, uint32_t oid, const void *data, uint32_t bytes);
void netvsc_set_filter(Netvsc *n, uint32_t filter);
/* TCP_OFFLOAD_HARDWARE_CAPABILITIES as Linux asks */
NdisOffloadWire netvsc_query_offloads(Netvsc *n);
/* TCP_OFFLOAD_PARAMETERS: everything the capabilities allow, or nothing */
void netvsc_set_offloads(Netvsc *n, bool on);
/* RSS parameters with @entries channel numbers; the status */
uint32_t netvsc_set_rss(Netvsc *n, uint16_t flags, const uint32_t *table,
                        unsigned entries,
                        const uint8_t key[NDIS_RSS_KEY_BYTES]);
/* RNDIS_CONFIG_PARAMETER "NetworkAddress" with @text; the status */
uint32_t netvsc_set_address(Netvsc *n, const char *text);
/* Wait for indication number @seen + 1 with @status */
void netvsc_expect_indication(Netvsc *n, uint32_t status);

/* --- data --- */

/* RNDIS packet with its PPIs and the frame at @buf; its bytes */
uint32_t netvsc_build_packet(Netvsc *n, uint8_t *buf, const NetvscTx *tx);
/* As above without the frame: what stands before it */
uint32_t netvsc_build_header(uint8_t *buf, const NetvscTx *tx);
/* @count packets in one section of the send buffer; trans id, 0: no room */
uint64_t netvsc_send_in_section(Netvsc *n, unsigned channel,
                                const NetvscTx *tx, unsigned count);
/* One packet in GPA ranges; the header is put into a page of its own */
uint64_t netvsc_send_in_ranges(Netvsc *n, unsigned channel, const NetvscTx *tx,
                               const NetvscRange *ranges, unsigned count);
/* Header in a section of the send buffer, the frame in GPA ranges */
uint64_t netvsc_send_partial(Netvsc *n, unsigned channel, const NetvscTx *tx,
                             const NetvscRange *ranges, unsigned count);
/* The raw packet under all of these; @section_idx may be NVSP_NO_SECTION */
uint64_t netvsc_send_raw(Netvsc *n, unsigned channel, uint32_t channel_type,
                         uint32_t section_idx, uint32_t section_bytes,
                         const NetvscRange *ranges, unsigned count);
bool netvsc_is_sent(Netvsc *n, uint64_t trans_id);
/* Wait for the completion; the NVSP status */
uint32_t netvsc_expect_sent(Netvsc *n, uint64_t trans_id);
/* The frame of @tx copied to @gpa and sent from there in one range: sent, and good */
void netvsc_send_from(Netvsc *n, uint64_t gpa, const NetvscTx *tx);
/* A frame without offloads, in a section: sent, and good */
void netvsc_send_frame(Netvsc *n, const void *frame, uint32_t bytes);

/* Take what has come, and return receive sections unless they are held */
void netvsc_pump(Netvsc *n);
/* Return the sections of the oldest held packet, or of all */
void netvsc_return_one(Netvsc *n);
void netvsc_return_all(Netvsc *n);
/* Next frame; free with g_free.  NULL if none came for @timeout_us */
NetvscFrame *netvsc_wait_frame(Netvsc *n, int64_t timeout_us);
NetvscFrame *netvsc_expect_frame(Netvsc *n);

#endif /* NETVSC_CLIENT_H */
