/*
 * Monitor commands of a QEMU built without the Hyper-V partition
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/qapi-commands-hyperv.h"
#include "qapi/type-helpers.h"

HypervInfo *qmp_query_hyperv(Error **errp)
{
    return g_new0(HypervInfo, 1);
}

HumanReadableText *qmp_x_query_hyperv(Error **errp)
{
    g_autoptr(GString) out =
        g_string_new("this QEMU was built without the Hyper-V partition\n");

    return human_readable_text_from_str(out);
}
