/*
 * hv-ic-shutdown: power off, restart and hibernate by the guest's own doing
 *
 * Powering down goes to the guest twice, here and as a press of the ACPI power
 * button: whichever the guest minds.  Linux and Windows take the second one for
 * what it is, a request for what is under way.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qemu/bswap.h"
#include "qemu/module.h"
#include "hw/qdev-properties.h"
#include "system/runstate.h"
#include "ics-internal.h"

/* the guest answers before it acts */
#define HV_IC_SHUTDOWN_ANSWER_MS    (10 * 1000)

OBJECT_DECLARE_SIMPLE_TYPE(HvIcShutdown, HV_IC_SHUTDOWN)

struct HvIcShutdown {
    HvIc parent_obj;

    /* properties */
    bool powerdown;                     /* system_powerdown is for us too */

    /* host only */
    Notifier powerdown_notifier;
};

static const HvIcProtocol hv_ic_shutdown_protocol = {
    .msg_type = HV_IC_MSG_SHUTDOWN,
    .framework_count = 2,
    .frameworks = { { 1, 0 }, { 3, 0 } },
    .message_count = 4,
    .messages = { { 1, 0 }, { 3, 0 }, { 3, 1 }, { 3, 2 } },
};

static void hv_ic_shutdown_build(HvIcShutdownWire *wire, uint32_t flags)
{
    memset(wire, 0, sizeof(*wire));
    wire->reason = cpu_to_le32(HV_IC_SHUTDOWN_PLANNED);
    wire->flags = cpu_to_le32(flags);
}

static bool hv_ic_shutdown_set_text(HvIcShutdownWire *wire, const char *text,
                                    Error **errp)
{
    const glong max = HV_IC_SHUTDOWN_TEXT_BYTES / 2 - 1;
    g_autofree gunichar2 *utf16 = NULL;
    glong units;

    utf16 = g_utf8_to_utf16(text, -1, NULL, &units, NULL);
    if (!utf16 || units > max) {
        error_setg(errp, "message must be text of up to %ld UTF-16 units", max);
        return false;
    }
    for (glong i = 0; i < units; i++) {
        stw_le_p(wire->text + 2 * i, utf16[i]);
    }
    return true;
}

static void hv_ic_shutdown_powerdown(Notifier *n, void *data)
{
    HvIcShutdown *s = container_of(n, HvIcShutdown, powerdown_notifier);
    HvIcShutdownWire wire;
    bool sent;

    if (!s->powerdown) {
        return;
    }
    hv_ic_shutdown_build(&wire, 0);
    sent = hv_ic_request(HV_IC(s), &wire, sizeof(wire));
    trace_hv_ic_shutdown_powerdown(sent);
}

void coroutine_fn qmp_hv_shutdown(HypervShutdownMode mode, bool has_force,
                                  bool force, const char *message,
                                  Error **errp)
{
    g_autofree HvIcAnswer *answer = g_new(HvIcAnswer, 1);
    HvIc *ic = hv_ic_find(TYPE_HV_IC_SHUTDOWN, errp);
    uint32_t flags = has_force && force ? HV_IC_SHUTDOWN_FORCE : 0;
    HvIcShutdownWire wire;
    uint16_t minor = 0;

    if (!ic) {
        return;
    }
    /* powering off is in all versions */
    if (mode == HYPERV_SHUTDOWN_MODE_REBOOT) {
        flags |= HV_IC_SHUTDOWN_REBOOT;
        minor = 1;
    } else if (mode == HYPERV_SHUTDOWN_MODE_HIBERNATE) {
        flags |= HV_IC_SHUTDOWN_HIBERNATE;
        minor = 2;
    }
    if (minor && ic->core.state == HV_IC_READY &&
        !hv_ic_core_speaks(&ic->core, 3, minor)) {
        error_setg(errp, "the guest's version %u.%u of the service cannot %s",
                   ic->core.message.major, ic->core.message.minor,
                   HypervShutdownMode_str(mode));
        return;
    }
    hv_ic_shutdown_build(&wire, flags);
    if (message && !hv_ic_shutdown_set_text(&wire, message, errp)) {
        return;
    }
    hv_ic_call_ok(ic, HypervShutdownMode_str(mode), &wire, sizeof(wire),
                  HV_IC_SHUTDOWN_ANSWER_MS, answer, errp);
}

static bool hv_ic_shutdown_setup(HvIc *ic, Error **errp)
{
    HvIcShutdown *s = HV_IC_SHUTDOWN(ic);

    s->powerdown_notifier.notify = hv_ic_shutdown_powerdown;
    qemu_register_powerdown_notifier(&s->powerdown_notifier);
    return true;
}

static void hv_ic_shutdown_cleanup(HvIc *ic)
{
    notifier_remove(&HV_IC_SHUTDOWN(ic)->powerdown_notifier);
}

static const VMStateDescription vmstate_hv_ic_shutdown = {
    .name = TYPE_HV_IC_SHUTDOWN,
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_HV_IC(parent_obj, HvIcShutdown),
        VMSTATE_END_OF_LIST()
    }
};

static const Property hv_ic_shutdown_properties[] = {
    DEFINE_PROP_BOOL("powerdown", HvIcShutdown, powerdown, true),
};

static void hv_ic_shutdown_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    HvIcClass *k = HV_IC_CLASS(klass);

    dc->desc = "Hyper-V integration service: shutdown";
    dc->vmsd = &vmstate_hv_ic_shutdown;
    device_class_set_props(dc, hv_ic_shutdown_properties);
    HVBUS_DEVICE_CLASS(klass)->if_type = (QemuUUID) {
        .data = UUID(0x0e0b6031, 0x5213, 0x4934, 0x81, 0x8b,
                     0x38, 0xd9, 0x0c, 0xed, 0x39, 0xdb)
    };
    k->instance_id = (QemuUUID) {
        .data = UUID(0xb6650ff7, 0x33bc, 0x4840, 0x80, 0x48,
                     0xe0, 0x67, 0x67, 0x86, 0xf3, 0x93)
    };
    k->protocol = &hv_ic_shutdown_protocol;
    k->setup = hv_ic_shutdown_setup;
    k->cleanup = hv_ic_shutdown_cleanup;
    object_class_property_set_description(klass, "powerdown",
        "system_powerdown asks the guest by this service too");
}

static const TypeInfo hv_ic_shutdown_types[] = {
    {
        .name = TYPE_HV_IC_SHUTDOWN,
        .parent = TYPE_HV_IC,
        .instance_size = sizeof(HvIcShutdown),
        .class_init = hv_ic_shutdown_class_init,
    },
};

DEFINE_TYPES(hv_ic_shutdown_types)
