/*
 * Paravisor: the monitor's commands in a build without it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qapi/type-helpers.h"

ParavisorInfoList *qmp_query_paravisor(Error **errp)
{
    return NULL;
}

HumanReadableText *qmp_x_query_paravisor(Error **errp)
{
    g_autoptr(GString) out = g_string_new("no paravisor in this VM\n");

    return human_readable_text_from_str(out);
}
