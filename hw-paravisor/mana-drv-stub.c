/*
 * hv-net without a paravisor that has a MANA driver
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "mana-drv-net.h"

ManaDrvNet *mana_drv_net_new(const char *mana, uint8_t vport,
                             unsigned int queues, uint16_t mtu, NICConf *conf,
                             const ManaDrvNetUser *user, Error **errp)
{
    error_setg(errp, "this QEMU has no MANA driver in its paravisor");
    return NULL;
}

void mana_drv_net_free(ManaDrvNet *p)
{
    g_assert_not_reached();
}

void mana_drv_net_flush(ManaDrvNet *p)
{
    g_assert_not_reached();
}

void mana_drv_net_set_rss(ManaDrvNet *p, bool is_on, const uint8_t *key,
                          const uint8_t *table, unsigned int count)
{
    g_assert_not_reached();
}

void mana_drv_net_set_path(ManaDrvNet *p, bool to_vf)
{
    g_assert_not_reached();
}

void mana_drv_net_tell_path(ManaDrvNet *p, bool is_vf)
{
    g_assert_not_reached();
}

void mana_drv_net_set_serial(ManaDrvNet *p, uint32_t serial)
{
    g_assert_not_reached();
}

bool mana_drv_net_is_there(const ManaDrvNet *p)
{
    g_assert_not_reached();
}
