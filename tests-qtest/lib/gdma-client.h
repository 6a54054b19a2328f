/*
 * A guest's GDMA driver for qtests: registers, hardware channel, queues
 *
 * It shares gdma-defs.h with the device and nothing else.  It does what Linux'
 * driver does and is as strict or stricter: what Linux would warn about aborts
 * the test.  It looks at an event queue only after its interrupt, and at a
 * completion queue only after its event, so that a lost one is found.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef GDMA_CLIENT_H
#define GDMA_CLIENT_H

#include "pcie-guest.h"
#include "hw/paravisor/gdma-defs.h"

#define GDMA_CLIENT_MAX_VECTORS     65
#define GDMA_CLIENT_TIMEOUT_US      (10 * 1000 * 1000)
/* how long nothing must come before the test believes that nothing will */
#define GDMA_CLIENT_QUIET_US        (30 * 1000)

typedef struct GdmaClient GdmaClient;

/* Memory of a queue; its pages need not follow each other */
typedef struct GdmaRing {
    uint64_t *page_gpa;
    unsigned pages;
    uint32_t bytes;
} GdmaRing;

typedef struct GdmaEq {
    GdmaClient *d;
    GdmaRing ring;
    uint32_t id;
    uint32_t db_page;
    unsigned msix;
    uint32_t head;              /* entries taken, starts at one lap */
    bool holds;                 /* leave events where they are */
    unsigned tests;             /* TEST_EVENTs seen */
    unsigned completions;       /* COMPLETION events seen */
} GdmaEq;

typedef struct GdmaCq {
    GdmaClient *d;
    GdmaRing ring;
    GdmaEq *eq;
    uint32_t id;
    uint32_t db_page;
    uint32_t head;              /* entries taken, starts at one lap */
    bool is_ready;              /* an event came since it was armed */
    bool is_fresh;              /* and nothing was taken since */
    unsigned empty_events;      /* events that no completion stood behind */
} GdmaCq;

typedef struct GdmaWq {
    GdmaClient *d;
    GdmaRing ring;
    uint32_t id;
    uint32_t db_page;
    bool is_rq;
    uint32_t head_bytes;        /* written, counts on and on */
} GdmaWq;

/* One work queue entry */
typedef struct GdmaWqe {
    const void *oob;
    unsigned oob_bytes;         /* 8, 24 or 32 */
    const GdmaSgeWire *sges;    /* host order */
    unsigned sge_count;
    bool oob_in_sgl;
    uint16_t client_data_unit;
} GdmaWqe;

/* What came in HWC_INIT_DATA, by type */
#define GDMA_CLIENT_INIT_VALUES     12

struct GdmaClient {
    PcieGuest *g;
    QPCIDevice *pci;
    QPCIBar bar;
    uint64_t bar_bytes;
    uint64_t db_zone;
    uint32_t db_page_bytes;
    uint64_t shm;
    unsigned vectors;
    uint64_t msi_gpa;           /* a dword per vector: its message's data */
    unsigned interrupts[GDMA_CLIENT_MAX_VECTORS];
    uint32_t init[GDMA_CLIENT_INIT_VALUES];
    bool is_up;                 /* INIT_DONE came */
    /* completion events of CQs that are gone, entries over the messages' words */
    bool ignores_strays;
    unsigned init_eqes;
    GPtrArray *eqs;
    GPtrArray *cqs;
    GdmaEq *hwc_eq;
    GdmaCq *hwc_cq;
    GdmaWq hwc_rq;
    GdmaWq hwc_sq;
    uint64_t request_gpa;
    uint64_t response_gpa;
    uint16_t next_msg_id;
    uint32_t activity_id;
    GArray *news;               /* GdmaEqeWire: events 132 and up */
    uint32_t pdid;              /* of REGISTER_DEVICE */
    uint32_t mkey;
    uint32_t db_page;
};

/* --- PCI and registers --- */

/* Enable the function behind @port with MSI-X; no channel yet */
GdmaClient *gdma_probe(PcieGuest *g, unsigned port);
/* Free; the device is left as it is */
void gdma_forget(GdmaClient *d);
/* Offset in configuration space of the power state register */
uint8_t gdma_pm_control(GdmaClient *d);
void gdma_flr(GdmaClient *d);

/* --- shared-memory channel --- */

void gdma_shm_write(GdmaClient *d, const uint32_t dwords[GDMA_SHM_DWORDS]);
/* The header dword, once the device does not own it any more */
uint32_t gdma_shm_wait(GdmaClient *d);
/* ESTABLISH: the status; queues are made and the events awaited if it is 0 */
uint8_t gdma_establish(GdmaClient *d, unsigned msix);
uint8_t gdma_shm_destroy(GdmaClient *d);
/* probe, establish, test event, version, resources, device: all must succeed */
GdmaClient *gdma_start(PcieGuest *g, unsigned port);
/* The other way round, and free */
void gdma_stop(GdmaClient *d);

/* --- requests --- */

/* Start a request in @req (at least the header) with dev_id HWC */
void gdma_init_request(GdmaClient *d, void *req, uint32_t type,
                       uint32_t req_bytes, uint32_t resp_bytes);
/*
 * Send what gdma_init_request() began; @resp_bytes come back in @resp.
 * Everything of the answer is checked but the status, which is returned.
 */
uint32_t gdma_request(GdmaClient *d, void *req, uint32_t req_bytes, void *resp,
                      uint32_t resp_bytes);
/*
 * Put @bytes as they are on the wire.  False if no answer came; else *@resp is
 * the response's header.
 */
bool gdma_request_raw(GdmaClient *d, const void *req, uint32_t bytes,
                      GdmaRespHeaderWire *resp);
/* A request that is its header, and one with a handle: the status */
uint32_t gdma_simple_request(GdmaClient *d, uint32_t type);
uint32_t gdma_handle_request(GdmaClient *d, uint32_t type, uint64_t handle);
uint32_t gdma_verify_version(GdmaClient *d, uint64_t *pf_caps);
void gdma_register_device(GdmaClient *d);
/* GENERATE_TEST_EQE: the status; waits for the event if the EQ is known */
uint32_t gdma_test_eqe(GdmaClient *d, uint32_t eq_id);

/* --- rings and regions --- */

/* Memory of @bytes; pages in no order if @scattered */
GdmaRing gdma_ring_new(GdmaClient *d, uint32_t bytes, bool scattered);
void gdma_ring_free(GdmaRing *ring);
void *gdma_ring_at(GdmaClient *d, const GdmaRing *ring, uint32_t offset_bytes);
/* CREATE_DMA_REGION over @ring, ADD_PAGES after @first pages (0: all at once) */
uint64_t gdma_region_new(GdmaClient *d, const GdmaRing *ring, unsigned first);
uint32_t gdma_region_try(GdmaClient *d, const uint64_t *pages, unsigned count,
                         uint64_t length_bytes, uint32_t offset_in_page,
                         uint32_t page_type, uint64_t *region);

/* --- queues --- */

GdmaEq *gdma_eq_new(GdmaClient *d, uint32_t bytes, unsigned msix);
/* CREATE_QUEUE for an EQ over @region: the status */
uint32_t gdma_eq_try(GdmaClient *d, uint64_t region, uint32_t bytes,
                     unsigned msix, uint32_t *id);
uint32_t gdma_eq_try_destroy(GdmaClient *d, uint32_t id);
void gdma_eq_destroy(GdmaEq *eq);
GdmaEq *gdma_eq_find(GdmaClient *d, uint32_t id);
void gdma_eq_ring(GdmaEq *eq, bool arm);
/* Next entry if its owner bits say so */
bool gdma_eq_next(GdmaEq *eq, GdmaEqeWire *eqe);

/* A CQ that a request has made; gdma_cq_free() only forgets it */
GdmaCq *gdma_cq_new(GdmaClient *d, GdmaRing ring, GdmaEq *eq, uint32_t id);
void gdma_cq_free(GdmaCq *cq);
void gdma_cq_ring(GdmaCq *cq, bool arm);
bool gdma_cq_next(GdmaCq *cq, GdmaCqeWire *cqe);
/* As a driver would see it: after an event; false if none for @timeout_us */
bool gdma_cq_wait(GdmaCq *cq, GdmaCqeWire *cqe, int64_t timeout_us);

/* Build an entry at the head; its offset in the ring in bytes */
uint32_t gdma_wq_put(GdmaWq *wq, const GdmaWqe *wqe);
uint32_t gdma_wqe_bytes(const GdmaWqe *wqe);
void gdma_wq_ring(GdmaWq *wq);
void gdma_doorbell(GdmaClient *d, uint32_t db_page, uint32_t offset,
                   uint64_t val);

/* --- interrupts --- */

/* Serve the queues of vectors that fired, as an interrupt handler */
void gdma_poll(GdmaClient *d);
/* Poll until the device has nothing more to say for a while */
void gdma_settle(GdmaClient *d);
void gdma_mask_vector(GdmaClient *d, unsigned nth, bool mask);
/* Nothing wrong was seen, and the device answers */
void gdma_expect_alive(GdmaClient *d);

#endif /* GDMA_CLIENT_H */
