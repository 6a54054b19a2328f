/*
 * NVMe driver: numbers of the specification that QEMU's header lacks
 *
 * NVM Express Base Specification 1.4 and the NVM command set in it; the wire
 * structs are those of block/nvme.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NVME_DRV_DEFS_H
#define NVME_DRV_DEFS_H

#include "block/nvme.h"

#define NVME_DRV_DOORBELLS_OFFSET       0x1000
#define NVME_DRV_SQE_LOG2               6
#define NVME_DRV_CQE_LOG2               4

/* CAP.TO and CC.RDY waits count in these */
#define NVME_DRV_CAP_TO_UNIT_MS         500

/* Completion queue entry, in 32-bit words (section 4.6) */
#define NVME_DRV_CQE_WORDS              4
#define NVME_DRV_CQE_RESULT_WORD        0
#define NVME_DRV_CQE_STATUS_WORD        3
FIELD(NVME_DRV_CQE, CID, 0, 16)
FIELD(NVME_DRV_CQE, PHASE, 16, 1)
FIELD(NVME_DRV_CQE, STATUS, 17, 15)

/* Status: code and type, without the More and Do Not Retry bits */
#define NVME_DRV_STATUS_MASK            0x7ff
#define NVME_DRV_STATUS_TYPE(status)    (((status) >> 8) & 7)
#define NVME_DRV_STATUS_TYPE_PATH       3

/* Write Zeroes may deallocate: control word, and the namespace's DLFEAT */
#define NVME_DRV_CONTROL_DEAC           (1 << 9)
#define NVME_DRV_DLFEAT_READ_MASK       0x7
#define NVME_DRV_DLFEAT_READ_ZEROES     0x1
#define NVME_DRV_DLFEAT_WZ_DEAC         (1 << 3)

/* FLBAS: format in bits 0-3 and 5-6, bit 4 is metadata at the end of a block */
#define NVME_DRV_FLBAS_FORMAT(flbas)    (((flbas) & 0xf) | ((flbas) >> 1 & 0x30))

/* Write Zeroes takes a 16-bit number of blocks, less one */
#define NVME_DRV_RW_MAX_BLOCKS          0x10000

#endif /* NVME_DRV_DEFS_H */
