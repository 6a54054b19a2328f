/*
 * A machine with a mana adapter and the cables to it, for qtests
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qobject/qdict.h"
#include "mana-machine.h"

/* QEMU's arguments for wires and adapter */
static char *machine_args(ManaMachine *m)
{
    GString *args = g_string_new(m->netdevs);

    g_string_append(args, "-device mana,id=nic0,bus=rp0,netdev=w0");
    for (unsigned i = 1; i < m->wires; i++) {
        g_string_append_printf(args, ",netdev%u=w%u", i, i);
    }
    g_string_append(args, m->props);
    return g_string_free(args, false);
}

void mana_machine_start(ManaMachine *m, unsigned wires, const char *props)
{
    g_autofree char *args = NULL;
    GString *netdevs = g_string_new("");

    *m = (ManaMachine) { .wires = wires, .props = g_strdup(props) };
    for (unsigned i = 0; i < wires; i++) {
        g_autofree char *id = g_strdup_printf("w%u", i);
        g_autofree char *netdev = net_wire_start(&m->wire[i], id);

        g_string_append(netdevs, netdev);
    }
    m->netdevs = g_string_free(netdevs, false);
    args = machine_args(m);
    m->g = pcie_guest_start(args);
    for (unsigned i = 0; i < wires; i++) {
        net_wire_accept(&m->wire[i]);
    }
}

void mana_machine_drive(ManaMachine *m, unsigned wires, const char *props)
{
    mana_machine_start(m, wires, props);
    m->d = gdma_start(m->g, 0);
}

ManaPort mana_machine_port(ManaMachine *m, uint32_t frame_bytes)
{
    mana_machine_drive(m, 1, "");
    return mana_port_up(m->d, 0, 1, frame_bytes);
}

void mana_machine_end(ManaMachine *m, ManaPort *p)
{
    mana_port_down(p);
    mana_machine_stop(m);
}

void mana_machine_send(ManaMachine *m, uint8_t *frame, const NetFlow *flow,
                       uint32_t bytes, uint32_t seed)
{
    net_build_raw(frame, flow, bytes, seed);
    net_wire_send(&m->wire[0], frame, bytes);
}

static NetFlow flow_in(const ManaPort *p)
{
    static const uint8_t peer_mac[6] = { 0x52, 0x54, 0, 0, 0, 0x99 };

    return net_flow(false, NET_RAW, p->vp->mac, peer_mac);
}

void mana_port_send_in(ManaMachine *m, ManaPort *p, uint32_t bytes,
                       uint32_t seed)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = flow_in(p);

    mana_machine_send(m, frame, &flow, bytes, seed);
}

void mana_port_expect_in(ManaPort *p, uint32_t bytes, uint32_t seed)
{
    g_autofree uint8_t *frame = g_malloc(NET_MAX_BYTES);
    NetFlow flow = flow_in(p);
    ManaRxFrame f = mana_rxq_expect(p->rxq);

    net_build_raw(frame, &flow, bytes, seed);
    g_assert_cmpmem(f.data, f.bytes, frame, bytes);
}

void mana_machine_stop(ManaMachine *m)
{
    if (m->d) {
        gdma_stop(m->d);
    }
    /* a guest's doings are no news to the host */
    pcie_guest_assert_quiet(m->g, 0);
    pcie_guest_stop(m->g);
    for (unsigned i = 0; i < m->wires; i++) {
        net_wire_stop(&m->wire[i]);
    }
    g_free(m->props);
    g_free(m->netdevs);
}

void mana_machine_migrate(ManaMachine *m)
{
    g_autofree char *args = machine_args(m);

    pcie_guest_migrate(m->g, args);
    for (unsigned i = 0; i < m->wires; i++) {
        net_wire_accept(&m->wire[i]);
    }
}

void mana_machine_replug(ManaMachine *m)
{
    qtest_qmp_assert_success(m->g->qts,
        "{ 'execute': 'device_add', 'arguments': {"
        "  'driver': 'mana', 'id': 'nic0', 'bus': 'rp0', 'netdev': 'w0' } }");
}
