/*
 * Integration services: framing, version negotiation, one request at a time
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "ics-core.h"

#define HV_IC_FLAGS_ASK     (HV_IC_FLAG_TRANSACTION | HV_IC_FLAG_REQUEST)

void hv_ic_core_close(HvIcCore *core)
{
    core->state = HV_IC_CLOSED;
    core->framework = (HvIcVersion) { 0 };
    core->message = (HvIcVersion) { 0 };
}

void hv_ic_core_open(HvIcCore *core)
{
    hv_ic_core_close(core);
    core->state = HV_IC_OPENED;
}

static void hv_ic_build_headers(const HvIcCore *core, uint8_t *buf,
                                uint16_t msg_type, uint8_t trans_id,
                                uint32_t body_bytes)
{
    HvIcPipeWire pipe = {
        .type = cpu_to_le32(HV_IC_PIPE_DATA),
        .bytes = cpu_to_le32(sizeof(HvIcHeaderWire) + body_bytes),
    };
    HvIcHeaderWire hdr = {
        .framework_major = cpu_to_le16(core->framework.major),
        .framework_minor = cpu_to_le16(core->framework.minor),
        .msg_type = cpu_to_le16(msg_type),
        .message_major = cpu_to_le16(core->message.major),
        .message_minor = cpu_to_le16(core->message.minor),
        .body_bytes = cpu_to_le16(body_bytes),
        .trans_id = trans_id,
        .flags = HV_IC_FLAGS_ASK,
    };

    memcpy(buf, &pipe, sizeof(pipe));
    memcpy(buf + sizeof(pipe), &hdr, sizeof(hdr));
}

static uint8_t *hv_ic_build_versions(uint8_t *at, const HvIcVersion *versions,
                                     unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        HvIcVersionWire wire = {
            .major = cpu_to_le16(versions[i].major),
            .minor = cpu_to_le16(versions[i].minor),
        };

        memcpy(at, &wire, sizeof(wire));
        at += sizeof(wire);
    }
    return at;
}

uint32_t hv_ic_core_build_negotiate(const HvIcCore *core,
                                    uint8_t buf[HV_IC_MAX_MSG_BYTES])
{
    const HvIcProtocol *p = core->protocol;
    HvIcNegotiateWire wire = {
        .framework_count = cpu_to_le16(p->framework_count),
        .message_count = cpu_to_le16(p->message_count),
    };
    uint8_t *at = buf + HV_IC_HEADER_BYTES;

    memcpy(at, &wire, sizeof(wire));
    at += sizeof(wire);
    at = hv_ic_build_versions(at, p->frameworks, p->framework_count);
    at = hv_ic_build_versions(at, p->messages, p->message_count);
    hv_ic_build_headers(core, buf, HV_IC_MSG_NEGOTIATE, core->trans_id + 1,
                        at - buf - HV_IC_HEADER_BYTES);
    return at - buf;
}

uint32_t hv_ic_core_build_request(const HvIcCore *core,
                                  uint8_t buf[HV_IC_MAX_MSG_BYTES],
                                  const void *body, uint32_t body_bytes)
{
    assert(body_bytes <= HV_IC_MAX_BODY_BYTES);
    hv_ic_build_headers(core, buf, core->protocol->msg_type,
                        core->trans_id + 1, body_bytes);
    memcpy(buf + HV_IC_HEADER_BYTES, body, body_bytes);
    return HV_IC_HEADER_BYTES + body_bytes;
}

void hv_ic_core_sent(HvIcCore *core)
{
    core->trans_id++;
    core->state = core->state == HV_IC_OPENED ? HV_IC_NEGOTIATING : HV_IC_BUSY;
}

static bool hv_ic_knows(const HvIcVersion *list, unsigned count,
                        HvIcVersion version)
{
    for (unsigned i = 0; i < count; i++) {
        if (list[i].major == version.major && list[i].minor == version.minor) {
            return true;
        }
    }
    return false;
}

static bool hv_ic_versions_known(const HvIcProtocol *p, HvIcVersion framework,
                                 HvIcVersion message)
{
    return hv_ic_knows(p->frameworks, p->framework_count, framework) &&
           hv_ic_knows(p->messages, p->message_count, message);
}

static HvIcVersion hv_ic_parse_version(const uint8_t *at)
{
    HvIcVersionWire wire;

    memcpy(&wire, at, sizeof(wire));
    return (HvIcVersion) {
        .major = le16_to_cpu(wire.major),
        .minor = le16_to_cpu(wire.minor),
    };
}

/* The guest says which of our versions it takes: one of each kind, or none */
static void hv_ic_handle_negotiate(HvIcCore *core, HvIcVerdict *v)
{
    HvIcNegotiateWire wire;
    HvIcVersion framework, message;

    if (v->body_bytes < sizeof(wire)) {
        v->why = "negotiation is too short";
        return;
    }
    memcpy(&wire, v->body, sizeof(wire));
    if (le16_to_cpu(wire.framework_count) != 1 ||
        le16_to_cpu(wire.message_count) != 1) {
        core->state = HV_IC_REFUSED;
        v->event = HV_IC_EVENT_REFUSED;
        return;
    }
    if (v->body_bytes < sizeof(wire) + 2 * sizeof(HvIcVersionWire)) {
        v->why = "negotiation has no versions";
        return;
    }
    framework = hv_ic_parse_version(v->body + sizeof(wire));
    message = hv_ic_parse_version(v->body + sizeof(wire) +
                                  sizeof(HvIcVersionWire));
    if (!hv_ic_versions_known(core->protocol, framework, message)) {
        core->state = HV_IC_REFUSED;
        v->event = HV_IC_EVENT_REFUSED;
        return;
    }
    core->framework = framework;
    core->message = message;
    core->state = HV_IC_READY;
    v->event = HV_IC_EVENT_READY;
}

/* Headers of @msg into @hdr (wire order) and @v; false with .why set */
static bool hv_ic_parse(const uint8_t *msg, uint32_t msg_bytes,
                        HvIcHeaderWire *hdr, HvIcVerdict *v)
{
    HvIcPipeWire pipe;
    uint32_t pipe_bytes;

    if (msg_bytes < HV_IC_HEADER_BYTES) {
        v->why = "message is too short";
        return false;
    }
    memcpy(&pipe, msg, sizeof(pipe));
    memcpy(hdr, msg + sizeof(pipe), sizeof(*hdr));
    pipe_bytes = le32_to_cpu(pipe.bytes);
    if (le32_to_cpu(pipe.type) != HV_IC_PIPE_DATA) {
        v->why = "not pipe data";
        return false;
    }
    if (pipe_bytes < sizeof(*hdr) || pipe_bytes > msg_bytes - sizeof(pipe)) {
        v->why = "pipe length is out of range";
        return false;
    }
    v->body = msg + HV_IC_HEADER_BYTES;
    v->body_bytes = le16_to_cpu(hdr->body_bytes);
    v->status = le32_to_cpu(hdr->status);
    if (v->body_bytes > pipe_bytes - sizeof(*hdr)) {
        v->why = "body length is out of range";
        return false;
    }
    if (!(hdr->flags & HV_IC_FLAG_RESPONSE)) {
        v->why = "not an answer";
        return false;
    }
    return true;
}

void hv_ic_core_handle(HvIcCore *core, const uint8_t *msg, uint32_t msg_bytes,
                       HvIcVerdict *v)
{
    HvIcHeaderWire hdr;
    uint16_t msg_type;

    *v = (HvIcVerdict) { .event = HV_IC_EVENT_BAD };
    if (!hv_ic_parse(msg, msg_bytes, &hdr, v)) {
        return;
    }
    msg_type = le16_to_cpu(hdr.msg_type);
    if (core->state != HV_IC_NEGOTIATING && core->state != HV_IC_BUSY) {
        v->why = "answer to nothing";
    } else if (hdr.trans_id != core->trans_id) {
        v->why = "answer to another request";
    } else if (core->state == HV_IC_NEGOTIATING) {
        if (msg_type == HV_IC_MSG_NEGOTIATE) {
            hv_ic_handle_negotiate(core, v);
        } else {
            v->why = "versions are not agreed";
        }
    } else if (msg_type != core->protocol->msg_type) {
        v->why = "message of another service";
    } else {
        core->state = HV_IC_READY;
        v->event = HV_IC_EVENT_ANSWER;
    }
}

bool hv_ic_core_speaks(const HvIcCore *core, uint16_t major, uint16_t minor)
{
    return core->message.major > major ||
           (core->message.major == major && core->message.minor >= minor);
}

bool hv_ic_core_valid(const HvIcCore *core)
{
    switch (core->state) {
    case HV_IC_CLOSED:
    case HV_IC_OPENED:
    case HV_IC_NEGOTIATING:
    case HV_IC_REFUSED:
        return true;
    case HV_IC_READY:
    case HV_IC_BUSY:
        return hv_ic_versions_known(core->protocol, core->framework,
                                    core->message);
    default:
        return false;
    }
}

const char *hv_ic_status_text(uint32_t status)
{
    switch (status) {
    case HV_IC_STATUS_OK:
        return "success";
    case HV_IC_STATUS_FAIL:
        return "failed, or no daemon serves the request";
    case HV_IC_STATUS_NOT_FOUND:
        return "not found";
    case HV_IC_STATUS_NOT_SUPPORTED:
        return "not supported";
    case HV_IC_STATUS_EXISTS:
        return "it exists already";
    case HV_IC_STATUS_INVALID:
        return "invalid argument";
    case HV_IC_STATUS_DISK_FULL:
        return "disk full";
    case HV_IC_STATUS_NO_MORE:
        return "no such item";
    case HV_IC_STATUS_LOCKED:
        return "machine is locked";
    case HV_IC_STATUS_NOT_CONNECTED:
        return "device is not connected";
    default:
        return "unknown error";
    }
}
