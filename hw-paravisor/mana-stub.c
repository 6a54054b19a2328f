/*
 * mana: the monitor's commands in a build without it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qapi/type-helpers.h"

ManaInfoList *qmp_query_mana(Error **errp)
{
    return NULL;
}

HumanReadableText *qmp_x_query_mana(Error **errp)
{
    g_autoptr(GString) out = g_string_new("this QEMU has no mana device\n");

    return human_readable_text_from_str(out);
}

void qmp_x_mana_inject(const char *id, ManaInjectEvent event, bool has_count,
                       uint32_t count, bool has_milliseconds,
                       uint32_t milliseconds, bool has_queue, uint32_t queue,
                       Error **errp)
{
    error_setg(errp, "this QEMU has no mana device");
}
