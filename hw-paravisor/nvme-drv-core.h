/*
 * NVMe driver: the controller, its queues and the requests
 *
 * No I/O of its own and no QEMU objects: everything goes through Vtl2Ops.  One
 * context calls all of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NVME_DRV_CORE_H
#define NVME_DRV_CORE_H

#include "nvme-drv-defs.h"
#include "vtl2.h"

#define NVME_DRV_MAX_IO_QUEUES          8
#define NVME_DRV_MAX_DEPTH              128
#define NVME_DRV_ADMIN_DEPTH            32
/* Longest transfer of one command, so that its page of addresses holds it */
#define NVME_DRV_MAX_COMMAND_BYTES      (1024 * 1024)
#define NVME_DRV_MAX_PIECES             256
/* Commands age in ticks, which stop while nothing is under way */
#define NVME_DRV_TICK_NS                500000000LL
#define NVME_DRV_POLL_NS                1000000LL
#define NVME_DRV_ADMIN_TICKS            20
/* Resets in a row without a request done before the driver gives up */
#define NVME_DRV_MAX_RESETS             3
/* How often a request is sent again after a passing error */
#define NVME_DRV_MAX_RETRIES            3

typedef struct NvmeDrv NvmeDrv;
typedef struct NvmeDrvNs NvmeDrvNs;
typedef struct NvmeDrvReq NvmeDrvReq;

typedef enum NvmeDrvState {
    NVME_DRV_OFF,                       /* until nvme_drv_start() */
    NVME_DRV_STARTING,
    NVME_DRV_RUNNING,
    NVME_DRV_RESETTING,
    NVME_DRV_FAILED,                    /* until nvme_drv_machine_reset() */
    NVME_DRV_REMOVED,
} NvmeDrvState;

typedef enum NvmeDrvOp {
    NVME_DRV_READ,
    NVME_DRV_WRITE,
    NVME_DRV_FLUSH,
    NVME_DRV_WRITE_ZEROES,
    NVME_DRV_DISCARD,
} NvmeDrvOp;

/* A piece of memory as the controller addresses it */
typedef struct NvmeDrvSeg {
    uint64_t addr;
    uint64_t bytes;
} NvmeDrvSeg;

/* A request, part of the caller's own; untouched by it until done() */
struct NvmeDrvReq {
    /* set by the caller */
    NvmeDrvNs *ns;
    NvmeDrvOp op;
    bool fua;                           /* write, write zeroes */
    bool may_unmap;                     /* write zeroes */
    uint64_t offset;                    /* in bytes, whole blocks */
    uint64_t bytes;                     /* whole blocks; 0 with a flush */
    const NvmeDrvSeg *segs;             /* read, write: .bytes in all */
    unsigned int seg_count;
    /* 0 or -errno.  May be called from inside nvme_drv_submit() */
    void (*done)(NvmeDrvReq *req, int ret);

    /* the core's */
    GList link;
    bool is_queued;                     /* has something to be sent */
    uint8_t retries;
    uint8_t resets;
    unsigned int inflight_count;        /* commands */
    int ret;
    uint64_t sent_bytes;
    unsigned int seg_idx;               /* where the next command starts */
    uint64_t seg_offset;
};

typedef enum NvmeDrvNsState {
    NVME_DRV_NS_UNKNOWN,                /* not looked at yet */
    NVME_DRV_NS_PRESENT,
    NVME_DRV_NS_ABSENT,                 /* not active on the controller */
    NVME_DRV_NS_UNUSABLE,               /* see NvmeDrvNs.error */
} NvmeDrvNsState;

/* A namespace in use, part of its user's own struct */
struct NvmeDrvNs {
    /* set by the caller */
    uint32_t nsid;
    unsigned int queue_hint;            /* I/O queue to use while it has room */
    void (*changed)(NvmeDrvNs *ns);     /* state or size; may be NULL */

    /* for the caller to read */
    NvmeDrvNsState state;
    const char *error;
    uint8_t block_log2;
    bool can_deallocate_zeroes;
    uint64_t size_bytes;
    uint64_t reads;
    uint64_t read_bytes;
    uint64_t writes;
    uint64_t write_bytes;
    uint64_t flushes;
    uint64_t discards;
    uint64_t errors;
    uint64_t retries;
    uint64_t aborts;

    /* the core's */
    GList link;
};

/* What the owner may want to show; the numbers are in the comments */
typedef enum NvmeDrvEvent {
    NVME_DRV_EV_STATE,                  /* NvmeDrvState now, before */
    NVME_DRV_EV_SUBMIT,                 /* queue, cid | opcode << 16 */
    NVME_DRV_EV_COMPLETE,               /* queue, cid | status << 16 */
    NVME_DRV_EV_BAD_COMPLETION,         /* queue, cid | status << 16 */
    NVME_DRV_EV_TIMEOUT,                /* queue, cid */
    NVME_DRV_EV_RESET,                  /* resets in a row, 0 */
    NVME_DRV_EV_ASYNC,                  /* result of the event, 0 */
} NvmeDrvEvent;

typedef struct NvmeDrvSlot {
    NvmeDrvReq *req;                    /* NULL: free, or an admin command */
    uint32_t bytes;                     /* of the request */
    uint16_t age;                       /* in ticks */
    uint8_t generation;                 /* upper half of the cid */
    uint8_t kind;                       /* NvmeDrvSlotKind */
    bool is_aborted;
} NvmeDrvSlot;

typedef enum NvmeDrvSlotKind {
    NVME_DRV_SLOT_FREE,
    NVME_DRV_SLOT_IO,
    NVME_DRV_SLOT_STEP,
    NVME_DRV_SLOT_ABORT,
    NVME_DRV_SLOT_ASYNC,
} NvmeDrvSlotKind;

/* A pair of queues; 0 is the admin queue */
typedef struct NvmeDrvQueue {
    uint16_t qid;
    uint16_t depth;                     /* slots, one less than the entries */
    uint16_t entries;
    uint16_t vector;
    uint16_t sq_tail;
    uint16_t sq_rung;                   /* tail that the controller knows */
    uint16_t cq_head;
    uint16_t cq_rung;
    bool phase;
    uint16_t free_count;
    uint8_t free[NVME_DRV_MAX_DEPTH];   /* stack of slots */
    NvmeDrvSlot slots[NVME_DRV_MAX_DEPTH];
    Vtl2Dma sq;
    Vtl2Dma cq;
    Vtl2Dma lists;                      /* a page per slot: PRPs, SGL, ranges */
} NvmeDrvQueue;

/* What the admin queue is busy with, in this order */
typedef enum NvmeDrvStep {
    NVME_DRV_STEP_NONE,
    NVME_DRV_STEP_DISABLE,
    NVME_DRV_STEP_ENABLE,
    NVME_DRV_STEP_ID_CTRL,
    NVME_DRV_STEP_NUM_QUEUES,
    NVME_DRV_STEP_CREATE_CQ,
    NVME_DRV_STEP_CREATE_SQ,
    NVME_DRV_STEP_ASYNC_CONFIG,
    NVME_DRV_STEP_LOG,                  /* from here on RUNNING, too */
    NVME_DRV_STEP_NS_LIST,
    NVME_DRV_STEP_NS_IDENTIFY,
} NvmeDrvStep;

struct NvmeDrv {
    /* set by the owner before nvme_drv_init() */
    const Vtl2Ops *ops;
    void *fn;
    void *owner;
    void (*event)(void *owner, NvmeDrvEvent ev, uint64_t a, uint64_t b);
    uint16_t max_io_queues;
    uint16_t max_depth;                 /* entries of an I/O queue */
    uint16_t timeout_ticks;             /* of an I/O command */

    /* for the owner to read */
    NvmeDrvState state;
    const char *error;                  /* what went wrong last, or NULL */
    uint32_t resets;
    uint32_t bad_completions;
    uint16_t io_queue_count;
    char serial[21];
    bool has_volatile_cache;
    uint16_t oncs;
    uint32_t max_command_bytes;

    /* the core's */
    GQueue namespaces;
    GQueue pending;                     /* requests with something to be sent */
    GQueue finished;                    /* done() is to be called */
    NvmeDrvQueue queues[1 + NVME_DRV_MAX_IO_QUEUES];
    Vtl2Dma page;                       /* of the command of .step */
    uint8_t doorbell_stride_log2;
    uint16_t wanted_queues;             /* in this bring-up */
    uint16_t queue_limit;               /* entries: CAP.MQES */
    uint32_t sgls;
    uint32_t oaes;
    uint8_t step;                       /* NvmeDrvStep */
    uint16_t step_queue;
    uint16_t step_ticks;
    uint16_t step_limit_ticks;
    GList *step_ns;
    uint8_t log_page;
    uint8_t resets_in_row;
    bool needs_function_reset;
    bool is_held;                       /* until nvme_drv_resume() */
    bool is_leaving;                    /* nvme_drv_stop_sending() */
    bool wants_log;                     /* .log_page is to be read */
    bool wants_scan;
    bool wants_async;                   /* an event request is to be sent */
    bool abort_busy;
    bool timer_armed;
    int64_t last_tick_ns;
    unsigned int inflight_count;        /* I/O commands */
    unsigned int entry_depth;           /* of the functions below */
};

void nvme_drv_init(NvmeDrv *c);

/* Disable the controller and let go of all memory.  No request may be under way */
void nvme_drv_cleanup(NvmeDrv *c);

/* Bring the controller up, unless a request already did */
void nvme_drv_start(NvmeDrv *c);

/*
 * The function loses its state and is out of reach until nvme_drv_resume().
 * Requests under way fail with -EIO, later ones wait.
 */
void nvme_drv_machine_reset(NvmeDrv *c);
void nvme_drv_resume(NvmeDrv *c);

/* The memory that the driver had is gone.  Not while the controller is on */
void nvme_drv_forget_memory(NvmeDrv *c);

/* What is under way may end, nothing more is sent: nvme_drv_removed() follows */
void nvme_drv_stop_sending(NvmeDrv *c);
/* The function goes: all requests fail with -ENOMEDIUM, before this returns */
void nvme_drv_removed(NvmeDrv *c);

/* As Vtl2Driver has them */
void nvme_drv_interrupt(NvmeDrv *c, unsigned int vector);
void nvme_drv_timer(NvmeDrv *c);

/* Look at everything, as with lost interrupts or a clock that stands still */
void nvme_drv_poll(NvmeDrv *c);
/* NVME_DRV_TICK_NS have passed although the function's clock stands still */
void nvme_drv_tick(NvmeDrv *c);

/* @ns is looked up on the controller; ns->changed() tells the result */
void nvme_drv_attach_ns(NvmeDrv *c, NvmeDrvNs *ns);
/* No request of @ns may be under way */
void nvme_drv_detach_ns(NvmeDrv *c, NvmeDrvNs *ns);

/*
 * Queue @req; it waits while the controller is off, resets, or comes up.  Touches
 * no register, so that it may be called where a register access may not wait.
 * The controller learns of it at nvme_drv_kick(), so that several
 * requests cost one doorbell.
 */
void nvme_drv_submit(NvmeDrv *c, NvmeDrvReq *req);
void nvme_drv_kick(NvmeDrv *c);

/* Can the controller reach memory that is cut up in this way? */
bool nvme_drv_segs_ok(const NvmeDrv *c, const NvmeDrvNs *ns,
                      const NvmeDrvSeg *segs, unsigned int seg_count);

/* Requests that are not done yet? */
bool nvme_drv_is_busy(const NvmeDrv *c);

/* Reset the controller; requests under way are sent again */
void nvme_drv_reset(NvmeDrv *c, const char *why);

const char *nvme_drv_state_name(NvmeDrvState state);

/* Shared inside of the core */

/*
 * Around each function above: what is finished is told on the way out, when the
 * state is whole and nothing is on the stack but the caller.
 */
void nvme_drv_enter(NvmeDrv *c);
void nvme_drv_leave(NvmeDrv *c);

/* nvme-drv-data-core.c */
/*
 * Describe the next part of @req, at most @limit_bytes, in @cmd and the page of
 * addresses @list.  Returns the bytes, 0 if the memory cannot be described.
 */
uint32_t nvme_drv_build_data(const NvmeDrv *c, NvmeDrvReq *req, NvmeCmd *cmd,
                             void *list, uint64_t list_addr,
                             uint32_t limit_bytes);
/* -errno for the status of a failed command */
int nvme_drv_errno(NvmeDrvOp op, uint16_t status);
/* May a command that failed with @status succeed when sent again? */
bool nvme_drv_status_passes(uint16_t status);

/* nvme-drv-core.c */
void nvme_drv_set_state(NvmeDrv *c, NvmeDrvState state);
/* Fail what is not done; @ret is -errno */
void nvme_drv_fail_all(NvmeDrv *c, int ret);
/* Take all requests back from the queues; they are to be sent again */
void nvme_drv_take_back(NvmeDrv *c);
void nvme_drv_pump(NvmeDrv *c);
void nvme_drv_arm_timer(NvmeDrv *c, int64_t delay_ns);
bool nvme_drv_queue_alloc(NvmeDrv *c, NvmeDrvQueue *q, uint16_t qid,
                          uint16_t entries, bool has_lists);
void nvme_drv_queue_reset(NvmeDrvQueue *q);
void nvme_drv_queue_free(NvmeDrv *c, NvmeDrvQueue *q);
/* The queue must have a free slot */
unsigned int nvme_drv_queue_send(NvmeDrv *c, NvmeDrvQueue *q, NvmeCmd *cmd,
                                 unsigned int slot, NvmeDrvSlotKind kind);
unsigned int nvme_drv_queue_take_slot(NvmeDrvQueue *q);

/* nvme-drv-setup-core.c */
void nvme_drv_admin_done(NvmeDrv *c, NvmeDrvSlotKind kind, uint16_t status,
                         uint32_t result);
void nvme_drv_step_poll(NvmeDrv *c);
void nvme_drv_step_tick(NvmeDrv *c);
/* Send what waits for time to pass */
void nvme_drv_admin_pump(NvmeDrv *c);

#endif /* NVME_DRV_CORE_H */
