/*
 * A guest's VMBus driver for qtests: messages, offers, GPADLs
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/uuid.h"
#include "vmbus-client.h"

/* GUID text to wire order */
static void vmbus_guid(const char *text, uint8_t out[16])
{
    QemuUUID uuid;

    g_assert_cmpint(qemu_uuid_parse(text, &uuid), ==, 0);
    memcpy(out, uuid.data, 16);
}

static void vmbus_client_setup(VmbusClient *c)
{
    hv_guest_enable_hypercalls(c->g);
    for (unsigned vp = 0; vp < HV_GUEST_VPS; vp++) {
        hv_guest_enable_synic(c->g, vp, HVBUS_SINT);
    }
}

static void vmbus_client_forget(VmbusClient *c)
{
    c->version = 0;
    c->conn_id = HVBUS_MESSAGE_CONN_ID_V5;
    c->all_offers = false;
    g_ptr_array_set_size(c->offers, 0);
    g_queue_clear_full(c->inbox, g_free);
}

VmbusClient *vmbus_client_new(HvGuest *g, unsigned vp)
{
    VmbusClient *c = g_new0(VmbusClient, 1);

    c->g = g;
    c->vp = vp;
    c->next_gpadl_id = 0xe1e10;
    c->offers = g_ptr_array_new_with_free_func(g_free);
    c->inbox = g_queue_new();
    vmbus_client_forget(c);
    vmbus_client_setup(c);
    return c;
}

void vmbus_client_restart(VmbusClient *c)
{
    vmbus_client_forget(c);
    vmbus_client_setup(c);
}

void vmbus_client_free(VmbusClient *c)
{
    g_ptr_array_free(c->offers, true);
    g_queue_free_full(c->inbox, g_free);
    g_free(c);
}

HvStatus vmbus_post(VmbusClient *c, const void *msg, uint32_t bytes)
{
    return hv_guest_post(c->g, c->vp, c->conn_id, HV_MSG_TYPE_CHANNEL, msg,
                         bytes);
}

/* Post a message that has no body; HV_STATUS_OK is expected */
static void vmbus_post_bare(VmbusClient *c, uint32_t type)
{
    HvbusHeaderWire msg = { .type = cpu_to_le32(type) };

    g_assert_cmphex(vmbus_post(c, &msg, sizeof(msg)), ==, HV_STATUS_OK);
}

void vmbus_post_relid(VmbusClient *c, uint32_t type, uint32_t relid)
{
    HvbusRelidWire msg = {
        .hdr.type = cpu_to_le32(type),
        .relid = cpu_to_le32(relid),
    };

    g_assert_cmphex(vmbus_post(c, &msg, sizeof(msg)), ==, HV_STATUS_OK);
}

static void vmbus_note_offer(VmbusClient *c, const HvMessageWire *msg)
{
    VmbusOffer *offer = g_new0(VmbusOffer, 1);
    HvbusOfferWire wire;

    g_assert_cmpuint(msg->payload_bytes, >=, HVBUS_OFFER_BYTES);
    memcpy(&wire, msg->payload, sizeof(wire));
    hvbus_guid_swap(offer->if_type, wire.if_type);
    hvbus_guid_swap(offer->instance_id, wire.instance_id);
    offer->relid = le32_to_cpu(wire.relid);
    offer->conn_id = le32_to_cpu(wire.connection_id);
    offer->sub_idx = le16_to_cpu(wire.sub_channel_idx);
    g_assert_cmpuint(offer->relid, >=, HVBUS_RELID_MIN);
    g_assert_cmpuint(offer->relid, <=, HVBUS_RELID_MAX);
    g_assert_cmpuint(wire.monitor_allocated, ==, 0);
    for (unsigned i = 0; i < c->offers->len; i++) {
        VmbusOffer *other = g_ptr_array_index(c->offers, i);

        /* a relid is not given out again before it was released */
        g_assert(other->rescinded || other->relid != offer->relid);
    }
    g_ptr_array_add(c->offers, offer);
}

static void vmbus_note_rescind(VmbusClient *c, uint32_t relid)
{
    for (unsigned i = 0; i < c->offers->len; i++) {
        VmbusOffer *offer = g_ptr_array_index(c->offers, i);

        if (offer->relid == relid && !offer->rescinded) {
            offer->rescinded = true;
            return;
        }
    }
    g_error("rescind of relid %u that was not offered", relid);
}

static void vmbus_take_message(VmbusClient *c, const HvMessageWire *wire)
{
    VmbusMessage *msg;
    uint32_t type;

    g_assert_cmphex(le32_to_cpu(wire->type), ==, HV_MSG_TYPE_CHANNEL);
    g_assert_cmpuint(wire->payload_bytes, >=, sizeof(HvbusHeaderWire));
    g_assert_cmpuint(wire->payload_bytes, <=, HV_MSG_PAYLOAD_BYTES);
    type = ldl_le_p(wire->payload);
    switch (type) {
    case HVBUS_MSG_OFFERCHANNEL:
        vmbus_note_offer(c, wire);
        break;
    case HVBUS_MSG_RESCIND_OFFER:
        vmbus_note_rescind(c, ldl_le_p(wire->payload + 8));
        break;
    case HVBUS_MSG_ALLOFFERS_DELIVERED:
        c->all_offers = true;
        break;
    default:
        msg = g_new0(VmbusMessage, 1);
        msg->bytes = wire->payload_bytes;
        memcpy(msg->raw, wire->payload, wire->payload_bytes);
        g_queue_push_tail(c->inbox, msg);
    }
}

void vmbus_pump(VmbusClient *c)
{
    HvMessageWire wire;

    while (hv_guest_poll_message(c->g, c->vp, HVBUS_SINT, &wire)) {
        vmbus_take_message(c, &wire);
    }
}

static int64_t vmbus_deadline(void)
{
    return g_get_monotonic_time() + HV_GUEST_TIMEOUT_US;
}

VmbusMessage vmbus_expect(VmbusClient *c, uint32_t type)
{
    int64_t end = vmbus_deadline();

    for (;;) {
        for (GList *l = c->inbox->head; l; l = l->next) {
            VmbusMessage *msg = l->data;

            if (le32_to_cpu(msg->hdr.type) == type) {
                VmbusMessage copy = *msg;

                g_free(msg);
                g_queue_delete_link(c->inbox, l);
                return copy;
            }
        }
        if (g_get_monotonic_time() > end) {
            g_error("VMBus message of type %u did not come", type);
        }
        vmbus_pump(c);
    }
}

bool vmbus_is_quiet(VmbusClient *c)
{
    for (int i = 0; i < 10; i++) {
        vmbus_pump(c);
        hv_guest_step(c->g, 0);
    }
    return g_queue_is_empty(c->inbox);
}

void vmbus_expect_alive(VmbusClient *c)
{
    HvbusGpadlTeardownWire msg = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_TEARDOWN),
        .gpadl_id = cpu_to_le32(0xdeadbeef),
    };
    VmbusMessage answer;

    /* of an unknown handle: answered all the same */
    g_assert_cmphex(vmbus_post(c, &msg, sizeof(msg)), ==, HV_STATUS_OK);
    do {
        answer = vmbus_expect(c, HVBUS_MSG_GPADL_TORNDOWN);
    } while (le32_to_cpu(answer.torndown.gpadl_id) != 0xdeadbeef);
}

bool vmbus_try_version(VmbusClient *c, uint32_t version)
{
    HvbusContactWire msg = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_INITIATE_CONTACT),
        .version = cpu_to_le32(version),
        .target_vp = cpu_to_le32(c->vp),
    };
    bool v5 = version >= HVBUS_VERSION_5_0;
    VmbusMessage answer;
    HvStatus status;

    vmbus_client_forget(c);
    c->conn_id = v5 ? HVBUS_MESSAGE_CONN_ID_V5 : HVBUS_MESSAGE_CONN_ID;
    if (v5) {
        msg.message_sint = HVBUS_SINT;
    } else {
        stq_le_p(&msg.message_sint, hv_guest_alloc(c->g, 1));
    }
    msg.monitor_page_gpa[0] = cpu_to_le64(hv_guest_alloc(c->g, 1));
    msg.monitor_page_gpa[1] = cpu_to_le64(hv_guest_alloc(c->g, 1));
    status = vmbus_post(c, &msg, sizeof(msg));
    if (status != HV_STATUS_OK) {
        /* the one status after which Linux tries the next version */
        g_assert_cmphex(status, ==, HV_STATUS_BAD_CONNECTION_ID);
        return false;
    }
    answer = vmbus_expect(c, HVBUS_MSG_VERSION_RESPONSE);
    g_assert_cmpuint(answer.bytes, >=, HVBUS_VERSION_RESPONSE_BYTES);
    if (!answer.version.is_supported) {
        return false;
    }
    g_assert_cmpuint(answer.version.connection_state, ==, 0);
    if (v5) {
        c->conn_id = le32_to_cpu(answer.version.selected);
    }
    c->version = version;
    return true;
}

void vmbus_connect(VmbusClient *c, uint32_t version)
{
    g_assert(vmbus_try_version(c, version));
}

void vmbus_request_offers(VmbusClient *c)
{
    int64_t end = vmbus_deadline();

    vmbus_post_bare(c, HVBUS_MSG_REQUESTOFFERS);
    while (!c->all_offers) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        vmbus_pump(c);
    }
}

void vmbus_unload(VmbusClient *c)
{
    vmbus_post_bare(c, HVBUS_MSG_UNLOAD);
    vmbus_expect(c, HVBUS_MSG_UNLOAD_RESPONSE);
    vmbus_client_forget(c);
}

VmbusOffer *vmbus_find_offer(VmbusClient *c, const char *if_type,
                             uint16_t sub_idx, unsigned nth)
{
    uint8_t guid[16];

    vmbus_guid(if_type, guid);
    for (unsigned i = 0; i < c->offers->len; i++) {
        VmbusOffer *offer = g_ptr_array_index(c->offers, i);

        if (!offer->rescinded && offer->sub_idx == sub_idx &&
            !memcmp(offer->if_type, guid, 16) && nth-- == 0) {
            return offer;
        }
    }
    return NULL;
}

VmbusOffer *vmbus_expect_offer(VmbusClient *c, const char *if_type,
                               uint16_t sub_idx, unsigned nth)
{
    int64_t end = vmbus_deadline();
    VmbusOffer *offer;

    while (!(offer = vmbus_find_offer(c, if_type, sub_idx, nth))) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        vmbus_pump(c);
    }
    return offer;
}

void vmbus_expect_rescind(VmbusClient *c, VmbusOffer *offer)
{
    int64_t end = vmbus_deadline();

    while (!offer->rescinded) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        hv_guest_step(c->g, 10 * 1000 * 1000);
        vmbus_pump(c);
    }
}

/* --- GPADLs --- */

static unsigned vmbus_put_pfns(uint8_t *at, unsigned max, uint64_t *gpa,
                               unsigned left)
{
    unsigned count = MIN(max, left);

    for (unsigned i = 0; i < count; i++, *gpa += HV_PAGE_SIZE) {
        stq_le_p(at + 8 * i, *gpa >> HV_PAGE_SHIFT);
    }
    return count;
}

void vmbus_post_gpadl(VmbusClient *c, uint32_t relid, uint32_t gpadl_id,
                      uint64_t gpa, unsigned pages)
{
    uint8_t buf[HV_MSG_PAYLOAD_BYTES];
    HvbusGpadlHeaderWire header = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_HEADER),
        .relid = cpu_to_le32(relid),
        .gpadl_id = cpu_to_le32(gpadl_id),
        /* Linux lets it wrap for more than 31 MiB */
        .range_bytes = cpu_to_le16((8 + 8 * pages) & 0xffff),
        .range_count = cpu_to_le16(1),
        .byte_count = cpu_to_le32(pages * HV_PAGE_SIZE),
    };
    HvbusGpadlBodyWire body = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_BODY),
        .gpadl_id = cpu_to_le32(gpadl_id),
    };
    unsigned done;

    memcpy(buf, &header, sizeof(header));
    done = vmbus_put_pfns(buf + sizeof(header), HVBUS_GPADL_HEADER_MAX_PFNS,
                          &gpa, pages);
    g_assert_cmphex(vmbus_post(c, buf, sizeof(header) + 8 * done), ==,
                    HV_STATUS_OK);
    while (done < pages) {
        unsigned count = vmbus_put_pfns(buf + sizeof(body),
                                        HVBUS_GPADL_BODY_MAX_PFNS, &gpa,
                                        pages - done);

        memcpy(buf, &body, sizeof(body));
        g_assert_cmphex(vmbus_post(c, buf, sizeof(body) + 8 * count), ==,
                        HV_STATUS_OK);
        done += count;
    }
}

uint32_t vmbus_gpadl_create(VmbusClient *c, uint32_t relid, uint64_t gpa,
                            unsigned pages)
{
    uint32_t id = c->next_gpadl_id++;
    VmbusMessage answer;

    vmbus_post_gpadl(c, relid, id, gpa, pages);
    answer = vmbus_expect(c, HVBUS_MSG_GPADL_CREATED);
    g_assert_cmpuint(le32_to_cpu(answer.gpadl_created.relid), ==, relid);
    g_assert_cmphex(le32_to_cpu(answer.gpadl_created.gpadl_id), ==, id);
    g_assert_cmphex(le32_to_cpu(answer.gpadl_created.status), ==, 0);
    return id;
}

void vmbus_gpadl_teardown(VmbusClient *c, uint32_t relid, uint32_t gpadl_id)
{
    HvbusGpadlTeardownWire msg = {
        .hdr.type = cpu_to_le32(HVBUS_MSG_GPADL_TEARDOWN),
        .relid = cpu_to_le32(relid),
        .gpadl_id = cpu_to_le32(gpadl_id),
    };
    VmbusMessage answer;

    g_assert_cmphex(vmbus_post(c, &msg, sizeof(msg)), ==, HV_STATUS_OK);
    answer = vmbus_expect(c, HVBUS_MSG_GPADL_TORNDOWN);
    g_assert_cmphex(le32_to_cpu(answer.torndown.gpadl_id), ==, gpadl_id);
}
