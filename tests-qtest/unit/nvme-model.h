/*
 * A model of an NVMe controller for unit tests of the driver's core
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NVME_MODEL_H
#define NVME_MODEL_H

#include "qemu/units.h"
#include "hw/paravisor/nvme-drv-core.h"

#define MEM_BASE        0x100000000ULL
#define MEM_BYTES       (24 * MiB)
#define DISK_BYTES      (8 * MiB)
#define MAX_COMMANDS    8192
#define DATA            (16 * MiB)      /* where the tests' own memory starts */

/* A controller with one namespace, driven by run() */
typedef struct Model {
    uint8_t *mem;
    uint64_t mem_used;
    unsigned int dma_count;
    int64_t now;
    int64_t deadline;
    uint32_t vectors_on;
    uint32_t pending;                   /* vectors */

    uint64_t cap;
    uint32_t cc;
    uint32_t csts;
    uint32_t aqa;
    uint64_t asq;
    uint64_t acq;
    struct {
        uint64_t sq, cq;
        uint16_t sq_entries, cq_entries, sq_head, sq_tail, cq_tail, vector;
        bool phase;
    } q[1 + NVME_DRV_MAX_IO_QUEUES];
    unsigned int doorbells;
    unsigned int function_resets;

    /* what it is */
    uint8_t mdts;
    uint32_t sgls;
    uint16_t oncs;
    uint8_t block_log2;
    uint16_t metadata;
    uint16_t offered_queues;
    unsigned int vector_count;
    bool has_ns;

    /* how it misbehaves */
    bool is_gone;
    int ready_reads;                    /* before RDY follows EN; -1: never */
    int stuck_disables;                 /* EN = 0 is not heard so often */
    uint32_t drop;                      /* I/O commands that get no answer */
    bool drop_aborts;
    uint16_t fail_status;
    uint32_t fail_count;
    bool fail_create;

    uint16_t aer_cid;
    bool has_aer;
    NvmeCmd log[MAX_COMMANDS];          /* I/O commands seen */
    unsigned int log_count;
    uint16_t dropped_cid;
    unsigned int aborts, id_ctrls, logs;
    uint8_t disk[DISK_BYTES];

    NvmeDrv drv;
    NvmeDrvNs ns;
    unsigned int ns_changes;
} Model;

typedef struct Io {
    NvmeDrvReq req;
    NvmeDrvSeg segs[600];
    int ret;                            /* 1: not done */
    unsigned int done_count;
} Io;

/* Let the controller and the driver go on until nothing moves */
void model_run(Model *m);
/* Time goes by, in the driver's own steps */
void model_pass(Model *m, int64_t ns);
Model *model_new(void);
/* After the bring-up */
Model *model_up(void);
void model_free(Model *m);
/* One segment at DATA + @mem, unless the test sets others */
void io_submit(Model *m, Io *io, NvmeDrvOp op, uint64_t offset, uint64_t bytes,
               uint64_t mem);
/* Returns what the request ends with, 1 if it does not */
int io_run(Model *m, Io *io, NvmeDrvOp op, uint64_t offset, uint64_t bytes,
           uint64_t mem);
void model_fill(Model *m, uint64_t mem, uint64_t bytes, uint32_t seed);
/* A completion */
void model_post(Model *m, int qid, uint16_t cid, uint16_t status,
                uint32_t result);
/* Carry out what the doorbells tell of */
void model_fetch(Model *m);
void model_function_reset(void *fn);

#endif /* NVME_MODEL_H */
