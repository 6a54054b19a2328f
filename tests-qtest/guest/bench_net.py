# SPDX-License-Identifier: GPL-2.0-or-later
"""The network part of scripts/bench: hv-net and mana beside their peers, in one guest.

Each card has a netdev of its own, behind slirp and behind a tap, and each is
measured in turn in each round. Programs at both ends: iperf3 and netload.
"""

import os
import re

import guest
import netlab

# driver in the guest, devices on netdev n{i}
PEERS = {
    'hv-net': ('hv_netvsc', ['hv-net,netdev=n{i},mac={mac}']),
    'mana': ('mana', ['mana,netdev=n{i},mac={mac}']),
    'virtio-net': ('virtio_net', ['virtio-net-pci,netdev=n{i},mac={mac}']),
    'e1000e': ('e1000e', ['e1000e,netdev=n{i},mac={mac}']),
    'igb': ('igb', ['igb,netdev=n{i},mac={mac}']),
}
ROWS = [
    # name, unit, higher is better
    ('tcp-send', 'Mbit/s', True),
    ('tcp-recv', 'Mbit/s', True),
    ('udp-send', 'pkt/s', True),
    ('udp-recv', 'pkt/s', True),
    ('udp-flood', 'pkt/s', True),
    ('tcp-rr', '/s', True),
    ('udp-rr', '/s', True),
    ('cpu-send', 'ns/pkt', False),
    ('cpu-recv', 'ns/pkt', False),
]
BASE = 'virtio-net'
# name and driver of the devices with an address, which may take a while to come
FIND = '''for i in $(seq 50); do
    for d in /sys/class/net/*; do
        [ "$(cat $d/address)" = %s ] && echo ${d##*/} $(basename $(readlink $d/device/driver))
    done >/run/found
    [ -s /run/found ] && break
    sleep 0.1
done
cat /run/found'''
UDP_BYTES = 64
GUEST_LOAD = 5300


class Cleanups:
    """What netlab wants of a test case."""

    def __init__(self):
        self.calls = []

    def addCleanup(self, call):
        self.calls.append(call)

    def skipTest(self, reason):
        raise guest.GuestError(reason)

    def run(self):
        while self.calls:
            self.calls.pop()()


class Card:
    def __init__(self, peer, kind, host, number, args, address, us, forward):
        self.peer, self.kind, self.host, self.number = peer, kind, host, number
        self.args, self.address, self.us = args, address, us
        self.forward = forward          # where the host reaches the guest's netload
        self.mac = '52:54:00:be:00:%02x' % number


def user_card(peer, host, number):
    port = netlab.free_ports(1)[0]
    net = '10.100.%d' % number
    args = ['-netdev', 'user,id=n{0},net={1}.0/24,host={1}.2,ipv6=off,'
            'hostfwd=udp:127.0.0.1:{2}-{1}.15:{3},hostfwd=tcp:127.0.0.1:{2}-{1}.15:{3}'
            .format(number, net, port, GUEST_LOAD)]
    return Card(peer, 'slirp', host, number, args, net + '.2', net + '.15/24',
                ('127.0.0.1', port))


def tap_card(peer, host, number):
    tap = host.taps
    args = host.netdev('n%d' % number)
    return Card(peer, 'tap', host, number, args, '10.9.%d.1' % tap, '10.9.%d.2/24' % tap,
                ('10.9.%d.2' % tap, GUEST_LOAD))


def cpu_ns(vm):
    """CPU time that QEMU has used, all threads."""
    with open('/proc/%d/stat' % vm.proc.pid, encoding='ascii') as f:
        fields = f.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000000000 // os.sysconf('SC_CLK_TCK')


def netload_rate(text):
    rate, sent, lost = map(int, re.search(r'rate (\d+) sent (\d+) lost (\d+)', text).groups())
    return rate, sent - lost


def iperf(vm, card, seconds, *args):
    return netlab.iperf(vm, card.host, card.address, seconds, *args) / 1e6


def tcp(vm, card, seconds):
    return {'tcp-send': iperf(vm, card, seconds), 'tcp-recv': iperf(vm, card, seconds, '-R')}


def round_trips(vm, card, seconds):
    return {proto + '-rr': netload_rate(vm.sh('netload rr %s %s %d %d' % (
        proto, card.address, card.host.load, seconds), timeout=60 + seconds))[0]
            for proto in ('tcp', 'udp')}


def udp_send(vm, card, seconds):
    before = cpu_ns(vm)
    rate, count = netload_rate(vm.sh('netload blast %s %d %d %d' % (
        card.address, card.host.load, seconds, UDP_BYTES), timeout=60 + seconds))
    return {'udp-send': rate, 'cpu-send': (cpu_ns(vm) - before) / max(count, 1)}


def to_guest(card, how, seconds):
    return netload_rate(card.host.run(
        'netload', how, card.forward[0], str(card.forward[1]), str(seconds),
        str(UDP_BYTES), timeout=60 + seconds))


def udp_recv(vm, card, seconds):
    before = cpu_ns(vm)
    rate, count = to_guest(card, 'window', seconds)
    return {'udp-recv': rate, 'cpu-recv': (cpu_ns(vm) - before) / max(count, 1)}


def udp_flood(vm, card, seconds):
    return {'udp-flood': to_guest(card, 'blast', seconds)[0]}


def bring_up(vm, cards, peers):
    """Addresses for the cards whose driver this kernel has; the others drop out."""
    vm.sh('modprobe -a virtio_pci pci-hyperv %s; true' % ' '.join(
        driver for driver, _ in peers.values()))
    vm.wait_until('ip -o link | grep -qi %s' % cards[0].mac)
    there = []
    for card in cards:
        # a function that an hv-net stands before has its address
        found = sorted((line.split() for line in vm.run(FIND % card.mac)[1].splitlines()),
                       key=lambda words: words[1] != 'hv_netvsc')
        dev = found[0][0] if found else None
        if not dev:
            print('%-44s this kernel has no driver' % card.peer)
            continue
        vm.sh('ip link set {0} up && ip addr add {1} dev {0}'.format(dev, card.us))
        vm.wait_until('ping -c 1 -W 1 ' + card.address)
        there.append(card)
    vm.spawn('netload serve %d' % GUEST_LOAD)
    return there


def make_cards(names, hosts, kinds, peers):
    cards, number = [], 0
    for kind in kinds:
        make = user_card if kind == 'slirp' else tap_card
        for peer in names:
            card = make(peer, hosts[kind], number)
            for device in peers[peer][1]:
                card.args += ['-device', device.format(i=number, mac=card.mac)]
            cards.append(card)
            number += 1
    return cards


def run(opt, results, median_line):
    peers = opt.peers.split(',') if opt.peers else list(PEERS)
    cleanups = Cleanups()
    try:
        hosts, kinds = {'slirp': netlab.Loopback(cleanups)}, ['slirp']
        try:
            hosts['tap'] = netlab.Namespace(cleanups)
            kinds.append('tap')
        except guest.GuestError as exc:
            print('no rows over tap: %s' % exc)
        for host in hosts.values():
            host.serve_iperf()
            host.serve_load()
        cards = make_cards(peers, hosts, kinds, PEERS)
        vm = guest.Guest(smp=opt.smp, memory='1G', net=True, kernel=opt.kernel,
                         args=[arg for card in cards for arg in card.args],
                         append='qpv.load=hv_vmbus,hv_netvsc',
                         pass_fds=hosts['tap'].pass_fds() if 'tap' in hosts else ())
        cleanups.addCleanup(vm.stop)
        vm.boot()
        cards = bring_up(vm, cards, PEERS)
        found = {}
        for _ in range(opt.rounds):
            # peers close to each other: the machine is not the same a minute later
            for measure in tcp, round_trips, udp_send, udp_recv, udp_flood:
                for card in cards:
                    for row, value in measure(vm, card, opt.seconds).items():
                        found.setdefault((card.kind, row, card.peer), []).append(value)
    finally:
        cleanups.run()
    for kind in kinds:
        for row, unit, higher in ROWS:
            base = found.get((kind, row, BASE))
            for peer in peers:
                values = found.get((kind, row, peer))
                if values:
                    name = '%s %s, %s' % (peer, row, kind)
                    results[name] = values
                    median_line(name, values, unit, base if peer != BASE else None, higher, BASE)
