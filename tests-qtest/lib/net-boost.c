/*
 * What query-paravisor says of an hv-net on an adapter in VTL2, for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qlist.h"
#include "net-boost.h"

#define WAIT_STEP_NS        (20 * 1000 * 1000)
#define WAIT_STEPS          1000

QDict *net_boost_entry(NetMachine *m, const char *list, unsigned nth)
{
    QDict *resp = qtest_qmp(m->g->qts, "{ 'execute': 'query-paravisor' }");
    QList *all = qdict_get_qlist(resp, "return");
    QDict *pv = qobject_to(QDict, qlist_peek(all));
    QDict *entry = NULL;
    QListEntry *e;

    QLIST_FOREACH_ENTRY(qdict_get_qlist(pv, list), e) {
        if (nth-- == 0) {
            entry = qobject_to(QDict, qlist_entry_obj(e));
            qobject_ref(entry);
            break;
        }
    }
    qobject_unref(resp);
    return entry;
}

int64_t net_boost_counter(NetMachine *m, unsigned nth, const char *name)
{
    QDict *port = net_boost_entry(m, "ports", nth);
    int64_t value;

    g_assert_nonnull(port);
    value = qdict_get_int(port, name);
    qobject_unref(port);
    return value;
}

bool net_boost_path_is(NetMachine *m, unsigned nth, const char *path)
{
    QDict *port = net_boost_entry(m, "ports", nth);
    bool is;

    g_assert_nonnull(port);
    is = !strcmp(qdict_get_str(port, "data-path"), path);
    qobject_unref(port);
    return is;
}

void net_boost_await_path(NetMachine *m, unsigned nth, const char *path)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (net_boost_path_is(m, nth, path)) {
            return;
        }
        hv_guest_step(m->g, WAIT_STEP_NS);
        g_usleep(500);
    }
    g_error("the data path does not become %s", path);
}

static bool driver_is_running(NetMachine *m, int64_t resets)
{
    QDict *fn = net_boost_entry(m, "functions", 0);
    bool is;

    if (!fn) {
        return false;
    }
    is = !strcmp(qdict_get_str(fn, "state"), "running") &&
         qdict_get_int(fn, "resets") >= resets;
    qobject_unref(fn);
    return is;
}

void net_boost_await_running(NetMachine *m, int64_t resets)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (driver_is_running(m, resets)) {
            return;
        }
        hv_guest_step(m->g, WAIT_STEP_NS);
        g_usleep(500);
    }
    g_error("the driver does not come up");
}

void net_boost_inject(NetMachine *m, const char *event)
{
    qtest_qmp_assert_success(m->g->qts,
        "{ 'execute': 'x-mana-inject', 'arguments': {"
        "  'id': 'mana0', 'event': %s } }", event);
}

void net_boost_plug(NetMachine *m, const char *mac)
{
    qtest_qmp_assert_success(m->g->qts,
        "{ 'execute': 'device_add', 'arguments': {"
        "  'driver': 'mana', 'id': 'mana0', 'bus': 'vtl2.0',"
        "  'netdev': 'n0', 'mac': %s } }", mac);
}
