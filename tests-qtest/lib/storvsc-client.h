/*
 * A guest's VMBus SCSI driver for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef STORVSC_CLIENT_H
#define STORVSC_CLIENT_H

#include "vmbus-client.h"
#include "hw/paravisor/storvsp-defs.h"

#define STORVSC_RING_PAGES      8
#define STORVSC_MAX_CHANNELS    8
#define STORVSC_BLOCK_BYTES     512
/* Time that passes for the guest in each look for an answer */
#define STORVSC_STEP_NS         10000
/* trans id of the handshake in Linux: VMBUS_RQST_INIT */
#define STORVSC_TRANS_INIT      (UINT64_MAX - 2)

typedef struct Storvsc {
    VmbusClient *c;
    VmbusChannel *ch[STORVSC_MAX_CHANNELS];     /* [0]: primary */
    unsigned channels;
    uint16_t version;
    uint16_t max_subchannels;
    uint32_t max_transfer_bytes;
    uint64_t next_trans_id;
    unsigned rescans;           /* ENUMERATE_BUS and REMOVE_DEVICE seen */
    GHashTable *done;           /* trans id -> StorvspPacketWire */
} Storvsc;

typedef struct StorvscRequest {
    uint8_t path;
    uint8_t target;
    uint8_t lun;
    uint8_t data_in;            /* STORVSP_DATA_* */
    uint8_t cdb[16];
    uint8_t cdb_bytes;
    uint32_t data_bytes;        /* 0: no memory */
    uint64_t data_gpa;          /* any alignment; pages in a row */
} StorvscRequest;

/* Open the @nth controller's primary channel; no handshake */
Storvsc *storvsc_open(VmbusClient *c, unsigned nth);
/* open, and the handshake as Linux makes it, with @version */
Storvsc *storvsc_start(VmbusClient *c, unsigned nth, uint16_t version);
/* Ask for @count sub-channels and open them, each with another target VP */
void storvsc_open_subchannels(Storvsc *s, unsigned count);
/* Close all channels, sub-channels first, and free */
void storvsc_close(Storvsc *s);
/* The host knows the channels no more: free */
void storvsc_forget(Storvsc *s);

/* Send @pkt in-band on channel @idx, wait for its completion */
StorvspPacketWire storvsc_exchange(Storvsc *s, unsigned idx,
                                   const StorvspPacketWire *pkt);
/* As above for a packet that is an operation and nothing else: the status */
uint32_t storvsc_operation(Storvsc *s, uint32_t op);
uint32_t storvsc_query_version(Storvsc *s, uint16_t version);
uint32_t storvsc_query_properties(Storvsc *s);
/* BEGIN to END, every step expected to succeed */
void storvsc_handshake(Storvsc *s, uint16_t version);

/* Put a request into the ring; returns its trans id, 0 if there is no room */
uint64_t storvsc_try_submit(Storvsc *s, unsigned idx,
                            const StorvscRequest *req, bool signal);
uint64_t storvsc_submit(Storvsc *s, unsigned idx, const StorvscRequest *req);
/* As above, with @desc to describe the memory instead of .data_gpa */
uint64_t storvsc_submit_range(Storvsc *s, unsigned idx,
                              const StorvscRequest *req, const void *desc,
                              uint32_t desc_bytes);
/* Take completions that have come */
void storvsc_pump(Storvsc *s);
bool storvsc_is_done(Storvsc *s, uint64_t trans_id);
/* Wait for the answer to @trans_id */
StorvspPacketWire storvsc_expect(Storvsc *s, uint64_t trans_id);
/* Submit on the primary and wait */
StorvspPacketWire storvsc_run(Storvsc *s, const StorvscRequest *req);

/* READ(10) or WRITE(10) of LUN @lun at target 0 */
StorvscRequest storvsc_rw(bool is_write, uint8_t lun, uint32_t lba,
                          uint16_t blocks, uint64_t gpa);
/* Expect the answer to be good */
void storvsc_assert_good(const StorvspPacketWire *answer, uint32_t data_bytes);
void storvsc_write(Storvsc *s, uint8_t lun, uint32_t lba, uint16_t blocks,
                   uint64_t gpa);
void storvsc_read(Storvsc *s, uint8_t lun, uint32_t lba, uint16_t blocks,
                  uint64_t gpa);
/* Words in guest memory that tell place and @seed, and that they are there */
void storvsc_fill(HvGuest *g, uint64_t gpa, uint32_t bytes, uint32_t seed);
void storvsc_check(HvGuest *g, uint64_t gpa, uint32_t bytes, uint32_t seed);
/* TEST UNIT READY: SRB status */
uint8_t storvsc_test_unit(Storvsc *s, uint8_t lun);
/* Wait until the host asked for a rescan once more than @seen times */
void storvsc_expect_rescan(Storvsc *s, unsigned seen);

#endif /* STORVSC_CLIENT_H */
