/*
 * VMBus: the control plane
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "vmbus-core.h"

static const uint32_t hvbus_versions[] = {
    HVBUS_VERSION_0_13, HVBUS_VERSION_1_1, HVBUS_VERSION_2_4,
    HVBUS_VERSION_3_0, HVBUS_VERSION_4_0, HVBUS_VERSION_4_1,
    HVBUS_VERSION_5_0, HVBUS_VERSION_5_1, HVBUS_VERSION_5_2, HVBUS_VERSION_5_3,
    HVBUS_VERSION_6_0,
};

bool hvbus_version_is_known(uint32_t version)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(hvbus_versions); i++) {
        if (hvbus_versions[i] == version) {
            return true;
        }
    }
    return false;
}

static void hvbus_error(HvbusCore *core, const char *why, uint32_t id)
{
    core->error = why;
    core->error_id = id;
}

/* Queue a message; the header's type is set here */
static void hvbus_send_msg(HvbusCore *core, HvbusMessageType type, void *msg,
                           uint16_t bytes)
{
    HvbusOutMessage *out = g_new0(HvbusOutMessage, 1);
    HvbusHeaderWire *hdr = msg;

    hdr->type = cpu_to_le32(type);
    hdr->reserved1 = 0;
    out->bytes = bytes;
    memcpy(out->data, msg, bytes);
    g_queue_push_tail(&core->out, out);
}

static void hvbus_out_clear(HvbusCore *core)
{
    g_queue_clear_full(&core->out, g_free);
}

HvbusOutMessage *hvbus_core_out(HvbusCore *core)
{
    return g_queue_peek_head(&core->out);
}

void hvbus_core_out_done(HvbusCore *core)
{
    g_free(g_queue_pop_head(&core->out));
}

static void hvbus_send_relid(HvbusCore *core, HvbusMessageType type,
                             uint32_t relid)
{
    HvbusRelidWire msg = { .relid = cpu_to_le32(relid) };

    hvbus_send_msg(core, type, &msg, sizeof(msg));
}

static void hvbus_send_gpadl_created(HvbusCore *core, uint32_t relid,
                                     uint32_t id, uint32_t status)
{
    HvbusGpadlCreatedWire msg = {
        .relid = cpu_to_le32(relid),
        .gpadl_id = cpu_to_le32(id),
        .status = cpu_to_le32(status),
    };

    hvbus_send_msg(core, HVBUS_MSG_GPADL_CREATED, &msg, sizeof(msg));
}

static void hvbus_send_torndown(HvbusCore *core, uint32_t id)
{
    HvbusGpadlTorndownWire msg = { .gpadl_id = cpu_to_le32(id) };

    hvbus_send_msg(core, HVBUS_MSG_GPADL_TORNDOWN, &msg, sizeof(msg));
}

/* Tell the guest about @ch.  Facts: Linux vmbus_channel_offer_channel */
static void hvbus_send_offer(HvbusCore *core, HvbusCoreChannel *ch)
{
    HvbusOfferWire msg = {
        .flags = cpu_to_le16(ch->offer.flags),
        .mmio_megabytes = cpu_to_le16(ch->offer.mmio_megabytes),
        .sub_channel_idx = cpu_to_le16(ch->sub_idx),
        .relid = cpu_to_le32(ch->relid),
        .is_dedicated_interrupt = cpu_to_le16(1),
        .connection_id = cpu_to_le32(HVBUS_EVENT_CONN_ID_BASE + ch->relid),
    };

    hvbus_guid_swap(msg.if_type, ch->offer.if_type);
    hvbus_guid_swap(msg.instance_id, ch->offer.instance_id);
    memcpy(msg.user_def, ch->offer.user_def, sizeof(msg.user_def));
    ch->state = HVBUS_CHAN_CLOSED;
    hvbus_send_msg(core, HVBUS_MSG_OFFERCHANNEL, &msg, HVBUS_OFFER_BYTES);
}

static HvbusCoreChannel *hvbus_by_relid(HvbusCore *core, uint32_t relid)
{
    if (relid < HVBUS_RELID_MIN || relid > HVBUS_RELID_MAX) {
        return NULL;
    }
    return core->by_relid[relid];
}

void hvbus_core_put_gpadl(HvbusCore *core, HvbusGpadl *g)
{
    uint32_t id = g->id;

    if (hvbus_gpadl_unref(g)) {
        hvbus_gpadl_remove(g);
        hvbus_send_torndown(core, id);
    }
}

/* The reverse of hvbus_core_add(), with the caller told */
void hvbus_core_remove(HvbusCore *core, HvbusCoreChannel *ch)
{
    if (ch->opaque) {
        core->ops->drop(core->opaque, ch);
    }
    if (ch->relid) {
        hvbus_gpadl_remove_relid(&core->gpadls, ch->relid);
        core->by_relid[ch->relid] = NULL;
    }
    g_ptr_array_remove(core->offers, ch);
    g_free(ch);
}

static void hvbus_rescind_subs(HvbusCore *core, HvbusCoreChannel *primary)
{
    uint32_t relid;

    for (relid = HVBUS_RELID_MIN; relid <= HVBUS_RELID_MAX; relid++) {
        HvbusCoreChannel *ch = core->by_relid[relid];

        if (ch && ch->sub_idx && ch->state != HVBUS_CHAN_RESCINDED &&
            !memcmp(ch->offer.instance_id, primary->offer.instance_id, 16)) {
            hvbus_core_rescind(core, ch, true);
        }
    }
}

/* Sub-channels live no longer than their primary is open */
static void hvbus_close_channel(HvbusCore *core, HvbusCoreChannel *ch)
{
    if (ch->state != HVBUS_CHAN_OPEN) {
        return;
    }
    if (!ch->sub_idx) {
        hvbus_rescind_subs(core, ch);
    }
    core->ops->close(core->opaque, ch);
    ch->state = HVBUS_CHAN_CLOSED;
    if (ch->ring) {
        hvbus_core_put_gpadl(core, g_steal_pointer(&ch->ring));
    }
}

void hvbus_core_rescind(HvbusCore *core, HvbusCoreChannel *ch, bool detach)
{
    if (ch->state == HVBUS_CHAN_HIDDEN || ch->state == HVBUS_CHAN_RELEASED) {
        hvbus_core_remove(core, ch);
        return;
    }
    if (ch->state != HVBUS_CHAN_RESCINDED) {
        if (!ch->sub_idx) {
            hvbus_rescind_subs(core, ch);
        }
        hvbus_close_channel(core, ch);
        ch->state = HVBUS_CHAN_RESCINDED;
        hvbus_send_relid(core, HVBUS_MSG_RESCIND_OFFER, ch->relid);
    }
    if (detach && ch->opaque) {
        core->ops->drop(core->opaque, ch);
        ch->opaque = NULL;
    }
}

void hvbus_core_reset(HvbusCore *core)
{
    uint32_t relid;

    /* the guest must hear nothing of what follows */
    for (relid = HVBUS_RELID_MIN; relid <= HVBUS_RELID_MAX; relid++) {
        if (core->by_relid[relid]) {
            hvbus_close_channel(core, core->by_relid[relid]);
        }
    }
    for (relid = HVBUS_RELID_MIN; relid <= HVBUS_RELID_MAX; relid++) {
        HvbusCoreChannel *ch = core->by_relid[relid];

        if (!ch) {
            continue;
        }
        if (ch->sub_idx || ch->state == HVBUS_CHAN_RESCINDED) {
            hvbus_core_remove(core, ch);
        } else {
            ch->state = HVBUS_CHAN_HIDDEN;
        }
    }
    hvbus_gpadl_remove_all(&core->gpadls);
    hvbus_out_clear(core);
    core->state = HVBUS_CONN_NONE;
    core->version = 0;
}

static int hvbus_offer_cmp(const HvbusCoreChannel *a, const HvbusCoreChannel *b)
{
    int d = memcmp(a->offer.if_type, b->offer.if_type, 16);

    return d ? d : a->seq < b->seq ? -1 : 1;
}

/*
 * Offer @ch if the guest has let go of the device's earlier primary: Linux drops
 * an offer of an instance that it still has.
 */
static void hvbus_offer_if_free(HvbusCore *core, HvbusCoreChannel *ch)
{
    guint i;

    for (i = 0; i < core->offers->len && !ch->sub_idx; i++) {
        HvbusCoreChannel *old = core->offers->pdata[i];

        if (old != ch && !old->sub_idx && old->state == HVBUS_CHAN_RESCINDED &&
            !memcmp(old->offer.instance_id, ch->offer.instance_id, 16)) {
            return;
        }
    }
    hvbus_send_offer(core, ch);
}

/* The channel of that device, whoever holds it; NULL if there is none */
static HvbusCoreChannel *hvbus_core_find(HvbusCore *core,
                                         const uint8_t *instance_id,
                                         uint16_t sub_idx)
{
    HvbusCoreChannel *found = NULL;
    uint32_t i;

    /* one that lives before one that was rescinded */
    for (i = 0; i < core->offers->len; i++) {
        HvbusCoreChannel *ch = core->offers->pdata[i];

        if (ch->sub_idx == sub_idx &&
            !memcmp(ch->offer.instance_id, instance_id, 16)) {
            if (ch->state != HVBUS_CHAN_RESCINDED) {
                return ch;
            }
            found = ch;
        }
    }
    return found;
}

HvbusCoreChannel *hvbus_core_add(HvbusCore *core, const HvbusOffer *offer,
                                 uint16_t sub_idx, void *opaque)
{
    HvbusCoreChannel *ch;
    uint32_t relid, pos;

    ch = hvbus_core_find(core, offer->instance_id, sub_idx);
    /* a stream may bring the relid of one that was rescinded */
    if (ch && ch->state != HVBUS_CHAN_RESCINDED && !core->is_restoring) {
        return NULL;
    }
    for (relid = HVBUS_RELID_MIN; core->by_relid[relid]; relid++) {
        if (relid == HVBUS_RELID_MAX) {
            return NULL;
        }
    }
    ch = g_new0(HvbusCoreChannel, 1);
    ch->offer = *offer;
    ch->seq = core->next_seq++;
    ch->relid = relid;
    ch->sub_idx = sub_idx;
    ch->opaque = opaque;
    core->by_relid[relid] = ch;
    for (pos = 0; pos < core->offers->len; pos++) {
        if (hvbus_offer_cmp(ch, core->offers->pdata[pos]) < 0) {
            break;
        }
    }
    g_ptr_array_insert(core->offers, pos, ch);
    if (core->state == HVBUS_CONN_OFFERED && !core->is_restoring) {
        hvbus_offer_if_free(core, ch);
    }
    return ch;
}

/* Messages of the guest; each is at least as long as its row in the table says */

static void hvbus_on_contact(HvbusCore *core, const uint8_t *msg, uint32_t bytes)
{
    HvbusContactWire in;
    HvbusVersionResponseWire out = { 0 };
    uint32_t version, vp;
    bool is_v5, is_ok;

    memcpy(&in, msg, sizeof(in));
    version = le32_to_cpu(in.version);
    vp = le32_to_cpu(in.target_vp);
    is_v5 = version >= HVBUS_VERSION_5_0;

    /* a new loader, a new kernel or a retry: the old connection is over */
    hvbus_core_reset(core);
    if (!core->ops->has_vp(core->opaque, vp)) {
        hvbus_error(core, "contact for a VP that does not exist", vp);
        return;
    }
    core->target_vp = vp;
    core->sint = HVBUS_SINT;
    is_ok = hvbus_version_is_known(version);
    if (is_ok && is_v5) {
        is_ok = in.message_vtl == 0 && in.message_sint < HV_SINT_COUNT;
        core->sint = is_ok ? in.message_sint : HVBUS_SINT;
    }
    if (version < HVBUS_VERSION_2_4) {
        core->interrupt_gpa = ldq_le_p(msg + HVBUS_CONTACT_INTERRUPT_PAGE);
        is_ok = is_ok && core->interrupt_gpa % HV_PAGE_SIZE == 0;
    }
    if (is_ok) {
        core->state = HVBUS_CONN_CONTACT;
        core->version = version;
        out.is_supported = 1;
        out.selected = cpu_to_le32(is_v5 ? HVBUS_MESSAGE_CONN_ID_V5 : version);
        /* no feature of 6.0 is offered: feature_flags stays 0 */
    }
    hvbus_send_msg(core, HVBUS_MSG_VERSION_RESPONSE, &out,
                   version >= HVBUS_VERSION_6_0 ? sizeof(out)
                                                : HVBUS_VERSION_RESPONSE_BYTES);
}

static void hvbus_on_unload(HvbusCore *core, const uint8_t *msg, uint32_t bytes)
{
    HvbusHeaderWire out;

    hvbus_core_reset(core);
    hvbus_send_msg(core, HVBUS_MSG_UNLOAD_RESPONSE, &out, sizeof(out));
}

static void hvbus_on_request_offers(HvbusCore *core, const uint8_t *msg,
                                    uint32_t bytes)
{
    HvbusHeaderWire out;
    uint32_t i;

    core->state = HVBUS_CONN_OFFERED;
    for (i = 0; i < core->offers->len; i++) {
        HvbusCoreChannel *ch = core->offers->pdata[i];

        if (ch->state == HVBUS_CHAN_HIDDEN) {
            hvbus_send_offer(core, ch);
        }
    }
    hvbus_send_msg(core, HVBUS_MSG_ALLOFFERS_DELIVERED, &out, sizeof(out));
}

/* Checks the ring's place and takes it; NULL: what is wrong */
static const char *hvbus_take_ring(HvbusCore *core, HvbusCoreChannel *ch,
                                   uint32_t gpadl_id, uint32_t page_idx)
{
    HvbusGpadl *g = hvbus_gpadl_find(&core->gpadls, ch->relid, gpadl_id);

    if (!g || !hvbus_gpadl_is_complete(g) || g->torn_down) {
        return "open with an unknown GPADL";
    }
    if (!hvbus_ring_place_is_ok(g, page_idx)) {
        return "open with rings of a wrong size";
    }
    hvbus_gpadl_ref(g);
    ch->ring = g;
    ch->downstream_page_idx = page_idx;
    return NULL;
}

static bool hvbus_target_is_ok(HvbusCore *core, uint32_t vp)
{
    return vp == HVBUS_VP_NO_INTERRUPT || core->ops->has_vp(core->opaque, vp);
}

static const char *hvbus_open_channel(HvbusCore *core, const HvbusOpenWire *in)
{
    HvbusCoreChannel *ch = hvbus_by_relid(core, le32_to_cpu(in->relid));
    const char *why;

    if (!ch || ch->state != HVBUS_CHAN_CLOSED) {
        return "open of a channel that is not offered or is open";
    }
    if (!hvbus_target_is_ok(core, le32_to_cpu(in->target_vp))) {
        return "open for a VP that does not exist";
    }
    why = hvbus_take_ring(core, ch, le32_to_cpu(in->ring_gpadl_id),
                          le32_to_cpu(in->downstream_page_idx));
    if (why) {
        return why;
    }
    ch->open_id = le32_to_cpu(in->open_id);
    ch->target_vp = le32_to_cpu(in->target_vp);
    ch->state = HVBUS_CHAN_OPEN;
    if (!core->ops->open(core->opaque, ch, in->user_data)) {
        ch->state = HVBUS_CHAN_CLOSED;
        hvbus_core_put_gpadl(core, g_steal_pointer(&ch->ring));
        return "open refused by the device";
    }
    return NULL;
}

static void hvbus_on_open(HvbusCore *core, const uint8_t *msg, uint32_t bytes)
{
    HvbusOpenWire in;
    HvbusOpenResultWire out;
    const char *why;

    memcpy(&in, msg, sizeof(in));
    out.relid = in.relid;
    out.open_id = in.open_id;
    why = hvbus_open_channel(core, &in);
    if (why) {
        hvbus_error(core, why, le32_to_cpu(in.relid));
    }
    out.status = cpu_to_le32(why ? HVBUS_STATUS_UNSUCCESSFUL : HVBUS_STATUS_OK);
    hvbus_send_msg(core, HVBUS_MSG_OPENCHANNEL_RESULT, &out, sizeof(out));
}

static void hvbus_on_close(HvbusCore *core, const uint8_t *msg, uint32_t bytes)
{
    uint32_t relid = ldl_le_p(msg + offsetof(HvbusRelidWire, relid));
    HvbusCoreChannel *ch = hvbus_by_relid(core, relid);

    if (!ch || ch->state == HVBUS_CHAN_HIDDEN) {
        hvbus_error(core, "close of an unknown channel", relid);
    } else if (ch->state == HVBUS_CHAN_OPEN) {
        hvbus_close_channel(core, ch);
    } else if (ch->state != HVBUS_CHAN_RESCINDED) {
        hvbus_error(core, "close of a channel that is not open", relid);
    }
}

static void hvbus_on_gpadl_header(HvbusCore *core, const uint8_t *msg,
                                  uint32_t bytes)
{
    HvbusGpadlHeaderWire in;
    HvbusCoreChannel *ch;
    uint32_t relid, id;
    HvbusGpadlResult r = HVBUS_GPADL_FAILED;

    memcpy(&in, msg, sizeof(in));
    relid = le32_to_cpu(in.relid);
    id = le32_to_cpu(in.gpadl_id);
    ch = hvbus_by_relid(core, relid);
    if (ch && ch->state != HVBUS_CHAN_HIDDEN &&
        ch->state != HVBUS_CHAN_RELEASED) {
        r = hvbus_gpadl_begin(&core->gpadls, relid, id,
                              le16_to_cpu(in.range_bytes),
                              le16_to_cpu(in.range_count),
                              msg + HVBUS_GPADL_RANGE_OFFSET,
                              bytes - HVBUS_GPADL_RANGE_OFFSET);
    }
    if (r == HVBUS_GPADL_FAILED) {
        hvbus_error(core, "bad GPADL header", id);
        hvbus_send_gpadl_created(core, relid, id, HVBUS_STATUS_UNSUCCESSFUL);
    } else if (r == HVBUS_GPADL_DONE) {
        hvbus_send_gpadl_created(core, relid, id, HVBUS_STATUS_OK);
    }
}

static void hvbus_on_gpadl_body(HvbusCore *core, const uint8_t *msg,
                                uint32_t bytes)
{
    const uint32_t head = sizeof(HvbusGpadlBodyWire);
    uint32_t id = ldl_le_p(msg + offsetof(HvbusGpadlBodyWire, gpadl_id));
    uint32_t relid = 0;

    switch (hvbus_gpadl_append(&core->gpadls, id, msg + head, bytes - head,
                               &relid)) {
    case HVBUS_GPADL_MORE:
        break;
    case HVBUS_GPADL_DONE:
        hvbus_send_gpadl_created(core, relid, id, HVBUS_STATUS_OK);
        break;
    case HVBUS_GPADL_FAILED:
        hvbus_error(core, "bad GPADL body", id);
        hvbus_send_gpadl_created(core, relid, id, HVBUS_STATUS_UNSUCCESSFUL);
        break;
    case HVBUS_GPADL_UNKNOWN:
        hvbus_error(core, "body for no incomplete GPADL", id);
        break;
    }
}

static void hvbus_on_gpadl_teardown(HvbusCore *core, const uint8_t *msg,
                                    uint32_t bytes)
{
    uint32_t relid = ldl_le_p(msg + offsetof(HvbusGpadlTeardownWire, relid));
    uint32_t id = ldl_le_p(msg + offsetof(HvbusGpadlTeardownWire, gpadl_id));
    HvbusGpadl *g = hvbus_gpadl_find(&core->gpadls, relid, id);

    if (g && g->refs) {
        /* answered by the last hvbus_core_put_gpadl() */
        g->torn_down = true;
        return;
    }
    if (g) {
        hvbus_gpadl_remove(g);
    } else {
        /* answered all the same: the guest waits without a timeout */
        hvbus_error(core, "teardown of an unknown GPADL", id);
    }
    hvbus_send_torndown(core, id);
}

static void hvbus_on_released(HvbusCore *core, const uint8_t *msg,
                              uint32_t bytes)
{
    uint32_t relid = ldl_le_p(msg + offsetof(HvbusRelidWire, relid));
    HvbusCoreChannel *ch = hvbus_by_relid(core, relid);
    uint8_t instance_id[16];
    uint16_t sub_idx;

    if (ch && ch->state == HVBUS_CHAN_RESCINDED) {
        memcpy(instance_id, ch->offer.instance_id, sizeof(instance_id));
        sub_idx = ch->sub_idx;
        hvbus_core_remove(core, ch);
        /* the same device may be there again */
        ch = sub_idx ? NULL : hvbus_core_find(core, instance_id, 0);
        if (ch && ch->state == HVBUS_CHAN_HIDDEN) {
            hvbus_offer_if_free(core, ch);
        }
    } else if (ch && ch->state == HVBUS_CHAN_CLOSED) {
        /* no driver wants it: as if it were not offered, until reconnect */
        hvbus_gpadl_remove_relid(&core->gpadls, relid);
        ch->state = HVBUS_CHAN_RELEASED;
    } else {
        hvbus_error(core, "release of a relid in use or unknown", relid);
    }
}

static void hvbus_on_tl_connect(HvbusCore *core, const uint8_t *msg,
                                uint32_t bytes)
{
    HvbusTlConnectWire in;
    HvbusTlResultWire out = {
        .status = cpu_to_le32(HVBUS_STATUS_CONN_REFUSED),
    };

    memcpy(&in, msg, sizeof(in));
    memcpy(out.endpoint_id, in.endpoint_id, sizeof(out.endpoint_id));
    memcpy(out.service_id, in.service_id, sizeof(out.service_id));
    hvbus_send_msg(core, HVBUS_MSG_TL_CONNECT_RESULT, &out, sizeof(out));
}

static void hvbus_on_modify(HvbusCore *core, const uint8_t *msg, uint32_t bytes)
{
    HvbusModifyWire in;
    HvbusModifyResponseWire out;
    HvbusCoreChannel *ch;
    bool is_ok;

    memcpy(&in, msg, sizeof(in));
    ch = hvbus_by_relid(core, le32_to_cpu(in.relid));
    is_ok = ch && ch->state == HVBUS_CHAN_OPEN &&
            hvbus_target_is_ok(core, le32_to_cpu(in.target_vp));
    if (is_ok) {
        ch->target_vp = le32_to_cpu(in.target_vp);
        core->ops->retarget(core->opaque, ch);
    } else {
        hvbus_error(core, "bad channel or VP to modify", le32_to_cpu(in.relid));
    }
    if (core->version >= HVBUS_VERSION_5_3) {
        out.relid = in.relid;
        out.status = cpu_to_le32(is_ok ? HVBUS_STATUS_OK
                                       : HVBUS_STATUS_UNSUCCESSFUL);
        hvbus_send_msg(core, HVBUS_MSG_MODIFYCHANNEL_RESPONSE, &out,
                       sizeof(out));
    }
}

/* States that a message is accepted in */
#define IN_NONE         BIT(HVBUS_CONN_NONE)
#define IN_CONTACT      BIT(HVBUS_CONN_CONTACT)
#define IN_OFFERED      BIT(HVBUS_CONN_OFFERED)
#define IN_CONNECTED    (IN_CONTACT | IN_OFFERED)
#define IN_ANY          (IN_NONE | IN_CONNECTED)

static const struct {
    const char *name;
    void (*run)(HvbusCore *core, const uint8_t *msg, uint32_t bytes);
    uint16_t min_bytes;
    uint8_t states;
    bool ends_queue;            /* drops all answers, so it needs no room */
} hvbus_messages[HVBUS_MSG_COUNT] = {
    [HVBUS_MSG_OFFERCHANNEL] = { "OFFERCHANNEL" },
    [HVBUS_MSG_RESCIND_OFFER] = { "RESCIND_OFFER" },
    [HVBUS_MSG_REQUESTOFFERS] = {
        "REQUESTOFFERS", hvbus_on_request_offers,
        sizeof(HvbusHeaderWire), IN_CONTACT },
    [HVBUS_MSG_ALLOFFERS_DELIVERED] = { "ALLOFFERS_DELIVERED" },
    [HVBUS_MSG_OPENCHANNEL] = {
        "OPENCHANNEL", hvbus_on_open, sizeof(HvbusOpenWire), IN_CONNECTED },
    [HVBUS_MSG_OPENCHANNEL_RESULT] = { "OPENCHANNEL_RESULT" },
    [HVBUS_MSG_CLOSECHANNEL] = {
        "CLOSECHANNEL", hvbus_on_close, sizeof(HvbusRelidWire), IN_OFFERED },
    [HVBUS_MSG_GPADL_HEADER] = {
        "GPADL_HEADER", hvbus_on_gpadl_header,
        sizeof(HvbusGpadlHeaderWire), IN_CONNECTED },
    [HVBUS_MSG_GPADL_BODY] = {
        "GPADL_BODY", hvbus_on_gpadl_body,
        sizeof(HvbusGpadlBodyWire), IN_OFFERED },
    [HVBUS_MSG_GPADL_CREATED] = { "GPADL_CREATED" },
    [HVBUS_MSG_GPADL_TEARDOWN] = {
        "GPADL_TEARDOWN", hvbus_on_gpadl_teardown,
        sizeof(HvbusGpadlTeardownWire), IN_CONNECTED },
    [HVBUS_MSG_GPADL_TORNDOWN] = { "GPADL_TORNDOWN" },
    [HVBUS_MSG_RELID_RELEASED] = {
        "RELID_RELEASED", hvbus_on_released,
        sizeof(HvbusRelidWire), IN_OFFERED },
    [HVBUS_MSG_INITIATE_CONTACT] = {
        "INITIATE_CONTACT", hvbus_on_contact,
        sizeof(HvbusContactWire), IN_ANY, true },
    [HVBUS_MSG_VERSION_RESPONSE] = { "VERSION_RESPONSE" },
    [HVBUS_MSG_UNLOAD] = {
        "UNLOAD", hvbus_on_unload, sizeof(HvbusHeaderWire), IN_ANY, true },
    [HVBUS_MSG_UNLOAD_RESPONSE] = { "UNLOAD_RESPONSE" },
    [HVBUS_MSG_TL_CONNECT_REQUEST] = {
        "TL_CONNECT_REQUEST", hvbus_on_tl_connect,
        sizeof(HvbusTlConnectWire), IN_CONNECTED },
    [HVBUS_MSG_MODIFYCHANNEL] = {
        "MODIFYCHANNEL", hvbus_on_modify,
        sizeof(HvbusModifyWire), IN_CONNECTED },
    [HVBUS_MSG_TL_CONNECT_RESULT] = { "TL_CONNECT_RESULT" },
    [HVBUS_MSG_MODIFYCHANNEL_RESPONSE] = { "MODIFYCHANNEL_RESPONSE" },
};

const char *hvbus_message_name(uint32_t type)
{
    return type < HVBUS_MSG_COUNT && hvbus_messages[type].name ?
           hvbus_messages[type].name : "unknown";
}

HvStatus hvbus_core_message(HvbusCore *core, const uint8_t *msg, uint32_t bytes)
{
    uint32_t type;

    core->error = NULL;
    if (bytes < sizeof(HvbusHeaderWire)) {
        hvbus_error(core, "message without a header", bytes);
        return HV_STATUS_OK;
    }
    type = ldl_le_p(msg);
    if (type >= HVBUS_MSG_COUNT || !hvbus_messages[type].run) {
        hvbus_error(core, "message type that guests do not send", type);
        return HV_STATUS_OK;
    }
    if (core->out.length >= HVBUS_OUT_LIMIT &&
        !hvbus_messages[type].ends_queue) {
        return HV_STATUS_NO_BUFFERS;
    }
    if (bytes < hvbus_messages[type].min_bytes) {
        hvbus_error(core, "message is too short", type);
    } else if (!(hvbus_messages[type].states & BIT(core->state))) {
        hvbus_error(core, "message in a wrong state", type);
    } else {
        hvbus_messages[type].run(core, msg, bytes);
    }
    return HV_STATUS_OK;
}

void hvbus_core_init(HvbusCore *core, const HvbusCoreOps *ops, void *opaque)
{
    memset(core, 0, sizeof(*core));
    core->ops = ops;
    core->opaque = opaque;
    core->sint = HVBUS_SINT;
    core->offers = g_ptr_array_new();
    hvbus_gpadl_table_init(&core->gpadls, core);
    g_queue_init(&core->out);
}

void hvbus_core_destroy(HvbusCore *core)
{
    while (core->offers->len) {
        HvbusCoreChannel *ch = core->offers->pdata[core->offers->len - 1];

        hvbus_close_channel(core, ch);
        hvbus_core_remove(core, ch);
    }
    g_ptr_array_free(core->offers, true);
    hvbus_gpadl_table_destroy(&core->gpadls);
    hvbus_out_clear(core);
}
