#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same packets on each leg: in the guest, between hv-net and VTL2's driver, on the
wire of the adapter."""

import base64
import os
import struct

import guest

PCAP = struct.Struct('<IHHiIII')
RECORD = struct.Struct('<IIII')
ETHERTYPE_IP, PROTO_ICMP = 0x0800, 1
COUNT = 3
PING_BYTES = 142        # a frame
MODULES = 'qpv.load=hv_vmbus,hv_netvsc,hv_storvsc,sd_mod,af_packet,pci_hyperv,mana'


def frames(data):
    """Ethernet frames of a capture"""
    if len(data) < PCAP.size:
        return
    magic, *_, link = PCAP.unpack_from(data)
    assert (magic, link) == (0xa1b2c3d4, 1), (magic, link)
    at = PCAP.size
    while at + RECORD.size <= len(data):
        _, _, have, length = RECORD.unpack_from(data, at)
        at += RECORD.size
        assert have == length, 'a frame is cut short'
        yield data[at:at + have]
        at += have


def echoes(data):
    """{(ICMP type, sequence): frame} of the pings; types 8 and 0"""
    found = {}
    for frame in frames(data):
        ethertype, = struct.unpack_from('>H', frame, 12)
        if ethertype != ETHERTYPE_IP or frame[23] != PROTO_ICMP:
            continue
        length, = struct.unpack_from('>H', frame, 16)
        icmp = 14 + (frame[14] & 15) * 4
        kind, sequence = frame[icmp], struct.unpack_from('>H', frame, icmp + 6)[0]
        # short ones are padded on the way
        found[kind, sequence] = frame[:14 + length]
    return found


class Pcap(guest.TestCase):

    def capture(self, devices, legs):
        """Pings from a guest with `devices` on netdev n0; its captures: that of the
        guest itself, then of the netdevs `legs`"""
        vm = self.guest(net=True, append=MODULES, args=['-netdev', 'user,id=n0'] + devices)
        dev = vm.wait_until('basename $(dirname $(dirname $(ls -d /sys/class/net/*/device/driver | head -n 1)))').strip()
        vm.sh('ip link set {0} up; ip addr add 10.0.2.15/24 dev {0}'.format(dev))
        for i, leg in enumerate(legs):
            vm.qmp('object-add', qom_type='filter-dump', id='f%d' % i, netdev=leg,
                   file=os.path.join(vm.work, leg))
        # tcpdump wants a name for the user that it becomes
        vm.sh('echo root:x:0:0::/:/bin/sh >/etc/passwd')
        vm.spawn('tcpdump -Z root -U -n -i %s -w /run/pcap icmp 2>/run/tcpdump.log' % dev)
        vm.wait_until('grep listening /run/tcpdump.log')
        vm.sh('ping -c %d -i 0.2 -s %d 10.0.2.2' % (COUNT, PING_BYTES - 42))
        vm.wait_until('[ $(wc -c </run/pcap) -ge %d ]' % (
            PCAP.size + 2 * COUNT * (RECORD.size + PING_BYTES)))
        captures = [base64.b64decode(vm.sh('killall tcpdump; base64 /run/pcap'))]
        for i, leg in enumerate(legs):
            vm.qmp('object-del', id='f%d' % i)
            with open(os.path.join(vm.work, leg), 'rb') as data:
                captures.append(data.read())
        return [echoes(data) for data in captures]

    def check_same(self, captures):
        want = {(kind, i) for kind in (8, 0) for i in range(COUNT)}
        # busybox counts from 0, others from 1
        if (8, COUNT) in captures[0]:
            want = {(kind, i + 1) for kind, i in want}
        for found in captures:
            self.assertEqual(set(found), want)
            self.assertEqual(found, captures[0])

    def test_boost(self):
        self.check_same(self.capture(
            ['-device', 'paravisor,id=pv', '-device', 'mana,id=nic0,bus=vtl2.0,netdev=n0',
             '-device', 'hv-net,mana=nic0,num-queues=1'], ['nic0.vport0', 'n0']))

    def test_traditional(self):
        self.check_same(self.capture(['-device', 'hv-net,netdev=n0'], ['n0']))

    def test_mana(self):
        self.check_same(self.capture(
            ['-device', 'hv-pci,id=pci0', '-device', 'mana,bus=pci0.0,netdev=n0'], ['n0']))


if __name__ == '__main__':
    guest.main()
