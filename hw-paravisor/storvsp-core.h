/*
 * Storage VSP: protocol state, request parsing and answers
 *
 * No I/O and no QEMU objects: packets in as copies, a verdict out.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef STORVSP_CORE_H
#define STORVSP_CORE_H

#include "storvsp-defs.h"

typedef enum StorvspState {
    STORVSP_UNINITIALIZED,
    STORVSP_BEGUN,                      /* after BEGIN_INITIALIZATION */
    STORVSP_VERSION_KNOWN,
    STORVSP_PROPERTIES_KNOWN,
    STORVSP_READY,                      /* after END_INITIALIZATION */
    STORVSP_STATE_COUNT
} StorvspState;

typedef struct StorvspCore {
    /* set by the owner */
    uint16_t max_subchannels;
    uint32_t max_transfer_bytes;

    /* changed by packets on the primary channel only */
    uint8_t state;                      /* StorvspState */
    uint16_t version;                   /* STORVSP_VERSION_*, 0: none yet */
} StorvspCore;

/* A SCSI request in host order, checked */
typedef struct StorvspSrb {
    StorvspSrbWire wire;                /* as received, echoed in the answer */
    uint8_t path;
    uint8_t target;
    uint8_t lun;
    uint8_t data_in;                    /* STORVSP_DATA_* */
    uint8_t cdb_bytes;                  /* 1 to 16 */
    uint8_t sense_bytes;                /* the guest takes; at most 20 */
    uint32_t data_bytes;
    uint8_t cdb[STORVSP_CDB_BYTES];     /* zero past cdb_bytes */
} StorvspSrb;

typedef enum StorvspAction {
    STORVSP_ACT_REPLY,                  /* send the answer as it is */
    STORVSP_ACT_EXECUTE,                /* run the request in .srb */
    STORVSP_ACT_RESET_LUN,              /* of the address in .srb, then answer */
    STORVSP_ACT_RESET_BUS,              /* every unit, then answer */
    STORVSP_ACT_SUBCHANNELS,            /* offer .subchannel_count, then answer */
} StorvspAction;

typedef struct StorvspVerdict {
    StorvspAction action;
    uint32_t operation;                 /* of the packet; for traces */
    uint32_t status;                    /* StorvspStatus of the answer */
    uint16_t subchannel_count;
    StorvspSrb srb;                     /* EXECUTE, RESET_LUN */
    StorvspPacketWire reply;            /* not with EXECUTE */
} StorvspVerdict;

/* Back to the state of a closed primary channel */
void storvsp_core_reset(StorvspCore *c);

/* Is @c, as read from a migration stream, a state the protocol can reach? */
bool storvsp_core_valid(const StorvspCore *c);

/*
 * Take the packet @msg of @bytes (any length) from the primary or a sub-channel.
 * Changes the state of @c and fills @v, always with something to answer.
 */
void storvsp_core_handle(StorvspCore *c, bool is_primary, const void *msg,
                         uint32_t bytes, StorvspVerdict *v);

/* Check a request and turn it to host order.  False: answer INVALID_REQUEST */
bool storvsp_parse_srb(const StorvspSrbWire *wire, StorvspSrb *srb);

/* Build the completion of anything but a SCSI request */
void storvsp_build_reply(StorvspPacketWire *reply, uint32_t status);

/* Build the unsolicited packet that makes the guest scan the bus again */
void storvsp_build_rescan(StorvspPacketWire *pkt);

/*
 * Build the completion of @srb.  @sense (may be NULL) goes in as far as the guest
 * takes it, and sets the autosense flag.
 */
void storvsp_build_srb_reply(StorvspPacketWire *reply, const StorvspSrb *srb,
                             uint8_t srb_status, uint8_t scsi_status,
                             uint32_t data_bytes, const uint8_t *sense,
                             uint32_t sense_bytes);

/* The SRB status for a SCSI status, without the autosense flag */
uint8_t storvsp_srb_status(uint8_t scsi_status);

/*
 * Does the guest take a failure of this command for success, and so look at the
 * buffer?  Then the buffer is cleared, and if @absent says so its first byte is
 * 0x7f: no unit there.
 */
bool storvsp_failure_is_hidden(const uint8_t *cdb, bool *absent);

/* May the buffer be shorter than what the command transfers? */
bool storvsp_short_buffer_ok(const uint8_t *cdb);

#define STORVSP_ABSENT_BYTES            36
/*
 * What a target without units says to @srb: the bytes (at most
 * STORVSP_ABSENT_BYTES) put in @buf, or -1 if the command is refused with
 * INVALID_LUN.
 */
int storvsp_absent_data(const StorvspSrb *srb, uint8_t *buf);

#endif /* STORVSP_CORE_H */
