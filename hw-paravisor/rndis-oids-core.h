/*
 * RNDIS: object identifiers; used by rndis-core.c
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef RNDIS_OIDS_CORE_H
#define RNDIS_OIDS_CORE_H

#include "rndis-core.h"

#define RNDIS_MAX_ANSWER_BYTES  (RNDIS_MAX_REPLY_BYTES - RNDIS_HEADER_BYTES - \
                                 sizeof(RndisQueryCompleteWire))

typedef struct RndisOidAnswer {
    bool offer_rsc;
    const uint8_t *info;                /* what the guest sent along */
    uint32_t info_bytes;
    uint32_t bytes;                     /* of .buf */
    uint8_t buf[RNDIS_MAX_ANSWER_BYTES];
} RndisOidAnswer;

/* Both return a RndisStatus */
uint32_t rndis_oid_query(const RndisCore *c, uint32_t oid, RndisOidAnswer *a);
uint32_t rndis_oid_set(RndisCore *c, uint32_t oid, bool offer_rsc,
                       const uint8_t *info, uint32_t bytes, uint32_t *changed);

#endif /* RNDIS_OIDS_CORE_H */
