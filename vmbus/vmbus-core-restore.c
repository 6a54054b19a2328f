/*
 * VMBus: the control plane's state from a migration stream
 *
 * The stream is checked like a guest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "vmbus-core.h"

void hvbus_core_restore_begin(HvbusCore *core)
{
    uint32_t i;

    hvbus_core_reset(core);
    for (i = 0; i < core->offers->len; i++) {
        HvbusCoreChannel *ch = core->offers->pdata[i];

        core->by_relid[ch->relid] = NULL;
        ch->relid = 0;
    }
    core->is_restoring = true;
}

static bool hvbus_core_lacks_relid(const HvbusCore *core)
{
    uint32_t i;

    for (i = 0; i < core->offers->len; i++) {
        const HvbusCoreChannel *ch = core->offers->pdata[i];

        if (!ch->relid) {
            return true;
        }
    }
    return false;
}

bool hvbus_core_restore_end(HvbusCore *core)
{
    bool is_ok = true;
    uint32_t i, relid;

    core->is_restoring = false;
    /* as many relids as those without a device hold may be wanted below */
    for (i = core->offers->len; i-- > 0;) {
        HvbusCoreChannel *ch = core->offers->pdata[i];

        if (!ch->opaque && hvbus_core_lacks_relid(core)) {
            hvbus_core_remove(core, ch);
        }
    }
    for (i = 0; i < core->offers->len; i++) {
        HvbusCoreChannel *ch = core->offers->pdata[i];

        if (ch->relid && (ch->state != HVBUS_CHAN_OPEN || ch->ring)) {
            continue;
        }
        is_ok = false;
        /* the load has failed; leave what can still be reset */
        ch->state = HVBUS_CHAN_HIDDEN;
        for (relid = HVBUS_RELID_MIN;
             !ch->relid && relid <= HVBUS_RELID_MAX; relid++) {
            if (!core->by_relid[relid]) {
                core->by_relid[relid] = ch;
                ch->relid = relid;
            }
        }
    }
    return is_ok;
}

bool hvbus_core_restore_conn(HvbusCore *core, uint32_t state, uint32_t version,
                             uint32_t target_vp, uint8_t sint)
{
    if (state >= HVBUS_CONN_STATES || sint >= HV_SINT_COUNT ||
        (state != HVBUS_CONN_NONE && !hvbus_version_is_known(version))) {
        return false;
    }
    core->state = state;
    core->version = state == HVBUS_CONN_NONE ? 0 : version;
    core->target_vp = target_vp;
    core->sint = sint;
    return true;
}

bool hvbus_core_restore_channel(HvbusCore *core, HvbusCoreChannel *ch,
                                uint32_t relid, uint32_t state)
{
    if (relid < HVBUS_RELID_MIN || relid > HVBUS_RELID_MAX ||
        state >= HVBUS_CHAN_STATES) {
        return false;
    }
    if (core->by_relid[relid] && core->by_relid[relid] != ch) {
        return false;
    }
    if (state != HVBUS_CHAN_HIDDEN && core->state != HVBUS_CONN_OFFERED) {
        return false;
    }
    if (core->by_relid[ch->relid] == ch) {
        core->by_relid[ch->relid] = NULL;
    }
    core->by_relid[relid] = ch;
    ch->relid = relid;
    ch->state = state;
    return true;
}

bool hvbus_core_restore_open(HvbusCore *core, HvbusCoreChannel *ch,
                             uint32_t open_id, uint32_t ring_gpadl_id,
                             uint32_t target_vp, uint32_t downstream_page_idx)
{
    HvbusGpadl *g;

    g = hvbus_gpadl_find(&core->gpadls, ch->relid, ring_gpadl_id);
    if (ch->state != HVBUS_CHAN_OPEN || ch->ring || !g ||
        !hvbus_gpadl_is_complete(g) ||
        !hvbus_ring_place_is_ok(g, downstream_page_idx)) {
        return false;
    }
    if (target_vp != HVBUS_VP_NO_INTERRUPT &&
        !core->ops->has_vp(core->opaque, target_vp)) {
        return false;
    }
    hvbus_gpadl_ref(g);
    ch->ring = g;
    ch->open_id = open_id;
    ch->target_vp = target_vp;
    ch->downstream_page_idx = downstream_page_idx;
    return true;
}

bool hvbus_core_restore_out(HvbusCore *core, const uint8_t *data,
                            uint32_t bytes)
{
    HvbusOutMessage *out;

    if (bytes < sizeof(HvbusHeaderWire) || bytes > HV_MSG_PAYLOAD_BYTES) {
        return false;
    }
    out = g_new0(HvbusOutMessage, 1);
    out->bytes = bytes;
    memcpy(out->data, data, bytes);
    g_queue_push_tail(&core->out, out);
    return true;
}
