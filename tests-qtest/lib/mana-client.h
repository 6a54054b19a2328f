/*
 * A guest's MANA driver for qtests: vports, queues, packets
 *
 * It shares gdma-defs.h and mana-defs.h with the device and nothing else.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MANA_CLIENT_H
#define MANA_CLIENT_H

#include "gdma-client.h"
#include "net-wire.h"
#include "hw/paravisor/mana-defs.h"

#define MANA_CLIENT_MAX_INDIRECTION     512

typedef struct ManaConfig {
    uint64_t pf_caps;
    uint16_t max_vports;
    uint32_t max_eqs;
    uint16_t adapter_mtu;       /* with the Ethernet header */
} ManaConfig;

typedef struct ManaVport {
    GdmaClient *d;
    uint64_t handle;
    uint32_t max_sq;
    uint32_t max_rq;
    uint32_t indirection_entries;
    uint8_t mac[6];
    uint16_t tx_offset;
    bool short_form;
} ManaVport;

typedef struct ManaTxq {
    ManaVport *vp;
    GdmaWq wq;
    GdmaCq *cq;
    uint64_t obj;
    GQueue *offsets;            /* of entries sent and not completed, in order */
    uint32_t done_bytes;        /* completed, as .wq.head_bytes counts */
} ManaTxq;

typedef struct ManaRxBuffer {
    uint64_t gpa;
    uint32_t bytes;
    uint32_t offset_bytes;      /* of its entry */
} ManaRxBuffer;

typedef struct ManaRxFrame {
    uint32_t bytes;
    uint32_t flags;             /* MANA_RX_CQE */
    uint32_t hash;
    unsigned cqe_type;
    uint8_t *data;              /* in guest memory */
    uint64_t gpa;               /* of the buffer, for mana_rxq_post() */
    uint32_t buffer_bytes;
} ManaRxFrame;

typedef struct ManaRxq {
    ManaVport *vp;
    GdmaWq wq;
    GdmaCq *cq;
    uint64_t obj;
    uint32_t buffer_bytes;
    GQueue *posted;             /* of ManaRxBuffer, in order */
    GQueue *came;               /* of ManaRxFrame: taken from a coalesced CQE */
    unsigned fences;            /* seen */
    unsigned truncated;
    bool recycles;              /* post a buffer again once it was looked at */
} ManaRxq;

/* What a frame wants from the adapter */
typedef struct ManaTx {
    const void *frame;
    uint32_t bytes;
    bool long_form;             /* where the short one would do */
    bool ip_csum;
    bool tcp_csum;
    bool udp_csum;
    bool is_ipv4;
    bool is_ipv6;
    uint16_t transport_offset;
    uint16_t mss;               /* LSO: header in the first SGE */
    uint16_t header_bytes;
    bool has_vlan;
    uint16_t vlan_tci;
    unsigned pieces;            /* SGEs to cut it into, 0: one */
    unsigned misalign;          /* offset in its page */
    bool suppress_cqe;
} ManaTx;

typedef struct ManaRxConfig {
    uint32_t rx_enable;         /* MANA_TRISTATE_* */
    uint32_t rss_enable;
    const ManaRxq *default_rxq;
    const uint8_t *key;
    ManaRxq *const *table;
    unsigned table_count;
    bool coalesce4;
    bool coalesce8;
    uint16_t hash_types;        /* with V5 */
    uint16_t version;           /* 0: 2 */
} ManaRxConfig;

/* QUERY_DEV_CONFIG with @version of the answer: the status */
uint32_t mana_dev_config(GdmaClient *d, uint16_t version, ManaConfig *config);
/* QUERY_VPORT_CONFIG: the status */
uint32_t mana_try_vport(GdmaClient *d, uint32_t idx, ManaVport *vp);
/* vport @idx, and CONFIG_VPORT_TX */
ManaVport *mana_vport_open(GdmaClient *d, uint32_t idx);
uint32_t mana_config_tx(ManaVport *vp);
/* CONFIG_VPORT_RX: the status */
uint32_t mana_config_rx(ManaVport *vp, const ManaRxConfig *config);
/* Enable with one queue and without RSS */
void mana_rx_on(ManaVport *vp, ManaRxq *rxq);
void mana_rx_off(ManaVport *vp);
/* Counters of the adapter */
uint64_t mana_stat(GdmaClient *d, ManaGfStat which);

/* CREATE_WQ_OBJ: the status; rings of @wq_bytes and @cq_bytes, or regions */
uint32_t mana_try_wq(ManaVport *vp, uint32_t type, uint64_t wq_region,
                     uint64_t cq_region, uint32_t wq_bytes, uint32_t cq_bytes,
                     uint32_t eq_id, ManaCreateWqRespWire *resp);
uint32_t mana_try_destroy_wq(ManaVport *vp, uint32_t type, uint64_t obj);
uint32_t mana_try_fence(ManaVport *vp, uint64_t obj);

ManaTxq *mana_txq_new(ManaVport *vp, GdmaEq *eq, uint32_t wq_bytes,
                      uint32_t cq_bytes);
/* Forget it; with @destroy the device forgets too */
void mana_txq_free(ManaTxq *txq, bool destroy);
/* Put an entry into the ring without telling */
void mana_txq_put(ManaTxq *txq, const ManaTx *tx);
/* put and ring */
void mana_txq_send(ManaTxq *txq, const ManaTx *tx);
/* Type of the oldest entry's completion, which must come, and in order */
ManaCqeType mana_txq_expect(ManaTxq *txq);
/* As above; false if it did not come for @timeout_us */
bool mana_txq_wait(ManaTxq *txq, ManaCqeType *type, int64_t timeout_us);
/* send, and expect TX_OKAY */
void mana_txq_send_ok(ManaTxq *txq, const ManaTx *tx);

ManaRxq *mana_rxq_new(ManaVport *vp, GdmaEq *eq, uint32_t wq_bytes,
                      uint32_t cq_bytes, uint32_t buffer_bytes);
void mana_rxq_free(ManaRxq *rxq, bool destroy);
/* Post a buffer without telling; @count new ones, and tell */
void mana_rxq_post(ManaRxq *rxq, uint64_t gpa, uint32_t bytes);
void mana_rxq_fill(ManaRxq *rxq, unsigned count);
/* Next frame: false if none came for @timeout_us; fences are counted */
bool mana_rxq_wait(ManaRxq *rxq, ManaRxFrame *f, int64_t timeout_us);
ManaRxFrame mana_rxq_expect(ManaRxq *rxq);
/* Nothing comes for a while */
void mana_rxq_expect_none(ManaRxq *rxq);
/* FENCE_RQ, and its completion */
void mana_rxq_fence(ManaRxq *rxq);

/* @frame goes to the wire, arrives on @rxq as it is */
void mana_expect_arrival(NetWire *wire, ManaRxq *rxq, const void *frame,
                         uint32_t bytes);

/* One vport with one EQ, TX and RX queue, receiving */
typedef struct ManaPort {
    ManaVport *vp;
    GdmaEq *eq;
    ManaTxq *txq;
    ManaRxq *rxq;
} ManaPort;

ManaPort mana_port_up(GdmaClient *d, uint32_t idx, unsigned msix,
                      uint32_t buffer_bytes);
void mana_port_down(ManaPort *p);
/* The device has forgotten: free */
void mana_port_forget(ManaPort *p);

#endif /* MANA_CLIENT_H */
