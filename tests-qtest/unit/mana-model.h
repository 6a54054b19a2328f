/*
 * A MANA adapter for unit tests of its driver
 *
 * It does what the driver needs and is strict about what the driver writes; a
 * test can make it misbehave.  All that it does, it does in model_run().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_MODEL_H
#define MANA_MODEL_H

#include "hw/paravisor/gdma-core.h"
#include "hw/paravisor/mana-drv-saved-core.h"

#define MODEL_VECTORS       8
#define MODEL_IDS           64
#define MODEL_MEMORY_BYTES  (24u << 20)
#define MODEL_MEMORY_ADDR   0x123450000000ull
#define MODEL_PORTS         2
#define MODEL_MAX_FRAMES    4096
#define MODEL_MTU           9000

typedef struct ModelQueue {
    bool is_used;
    bool is_stuck;                      /* takes nothing more */
    uint64_t addr;
    uint32_t bytes;
    GdmaRing ring;                      /* EQ, CQ */
    GdmaWqRing wq;                      /* SQ, RQ */
    uint32_t parent;                    /* EQ: vector, CQ: EQ, SQ and RQ: CQ */
    unsigned int port;
    uint64_t obj;
} ModelQueue;

typedef struct ModelFrame {
    uint8_t *data;
    uint32_t bytes;
    uint32_t oob[6];
    uint32_t oob_bytes;
    uint32_t sge_count;
    uint32_t header_bytes;
    bool is_lso;
    uint16_t mss;
    unsigned int port;
    uint32_t sq_id;
} ModelFrame;

typedef struct Model Model;
struct Model {
    ManaDrv *d;
    uint8_t *memory;
    uint32_t memory_bytes;              /* that VTL2 gives */
    uint32_t used_bytes;                /* by allocations */
    uint32_t next;                      /* first page never given */
    GHashTable *freed;                  /* lists of pages by their number */
    bool owned[MODEL_MEMORY_BYTES / VTL2_PAGE_BYTES];   /* pages in use */
    int64_t now_ns;
    int64_t timer_ns;
    uint64_t regs[GDMA_REG_BYTES / 8];
    uint32_t shm[GDMA_SHM_DWORDS];
    bool is_gone;                       /* all reads are ones */
    bool is_mute;                       /* no answers to requests */
    bool shm_is_slow;
    unsigned int resets;
    unsigned int requests;
    unsigned int doorbells;
    uint32_t vectors_on;
    uint32_t pending;                   /* interrupts */
    ModelQueue eq[MODEL_IDS], cq[MODEL_IDS], sq[MODEL_IDS], rq[MODEL_IDS];
    uint32_t next_id;
    uint64_t next_obj;
    bool hwc_up;
    uint64_t pf_caps;
    uint32_t sq_tail[MODEL_IDS], rq_tail[MODEL_IDS];
    bool short_form;
    /* steering */
    bool rx_on[MODEL_PORTS], rss_on[MODEL_PORTS], to_vtl0[MODEL_PORTS];
    uint32_t serial[MODEL_PORTS];
    uint64_t default_rq[MODEL_PORTS];
    uint64_t table[MODEL_PORTS][MANA_MAX_INDIRECTION];
    unsigned int table_count[MODEL_PORTS];
    /* frames sent */
    GPtrArray *sent;
    /* change an answer before it goes out: its bytes */
    uint32_t (*tamper)(Model *m, uint32_t type, void *response, uint32_t bytes);
    uint32_t tamper_type;               /* 0: all */
    /* IDs, ports and regions may be of a tampered answer: refused, not failed */
    bool is_hostile;
    uint32_t seed;
    /* called each time that the owner is told something */
    void (*on_owner)(Model *m);
    /* what the owner was told */
    ManaDrvState state;
    unsigned int port_changes, tx_ready, moved;
    bool moved_to_vtl0;
    bool refuse_rx;
    GPtrArray *got;                     /* ModelFrame */
    unsigned int got_queue[MANA_DRV_MAX_QUEUES];
};

/* The driver's owner, which is the model */
extern const ManaDrvOps model_owner_ops;
extern const Vtl2Ops model_ops;

Model *model_new(void);
void model_free(Model *m);
/* Adapter and interrupts, until nothing more happens */
void model_run(Model *m);
/* The same, and the time goes on to the driver's timer, up to @ms */
void model_wait(Model *m, unsigned int ms);
/* A frame for @port by way of entry @slot of the RSS table; false: no buffer */
bool model_receive(Model *m, unsigned int port, unsigned int slot,
                   const void *frame, uint32_t bytes, uint32_t flags);
/* A completion in CQ @cq_id that may say anything */
void model_post_cqe(Model *m, uint32_t cq_id, const void *data, size_t bytes,
                    uint32_t wq_id, bool is_sq);
void model_cq_notify(Model *m, uint32_t cq_id);
void model_post_eqe(Model *m, uint32_t eq_id, uint32_t type, uint32_t data);
/* The queue of @port that was made as number @nth; its ID */
uint32_t model_find(Model *m, bool is_sq, unsigned int port, unsigned int nth);
void model_frame_free(gpointer frame);
/* The next of a row of numbers that .seed begins */
uint32_t model_random(Model *m);

/* An IPv4 packet of TCP (6) or UDP with @payload bytes; returns its length */
uint32_t model_packet(uint8_t *f, uint8_t proto, uint32_t payload, bool vlan);
/* Pages are taken, or given back */
void model_own(Model *m, void *ptr, size_t bytes, bool on);
bool model_dma_claim(void *fn, uint64_t addr, size_t bytes, Vtl2Dma *dma);
/* The driver stops, and its state into a new struct; NULL: it has none */
ManaDrvSaved *model_save(Model *m);
/*
 * Another driver, which has the ports of the one before: what is wrong with the
 * state, or NULL.  Memory and adapter are as they were
 */
const char *model_load(Model *m, const ManaDrvSaved *s);
/* Save, load, go on */
void model_migrate(Model *m);
/* Adapter and driver with port 0, running */
Model *model_start(unsigned int queues);
/* A frame of @bytes, all @tag */
ManaDrvSent model_send(Model *m, unsigned int queue, uint32_t bytes,
                       uint8_t tag);
/* Both ways */
void model_expect_traffic(Model *m);

#endif /* MANA_MODEL_H */
