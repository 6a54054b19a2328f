#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""gdb with scripts/gdb/hv.py on a QEMU that runs a guest."""

import os
import re
import shutil
import subprocess

import guest
import test_configs

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      '..', '..', 'scripts', 'gdb', 'hv.py')


class Gdb(guest.TestCase):

    def gdb(self, vm, *commands):
        """What the commands print with the process stopped"""
        if not shutil.which('gdb'):
            self.skipTest('no gdb (scripts/test installs it)')
        words = ['gdb', '-nx', '-batch', '-p', str(vm.proc.pid), '-x', SCRIPT]
        for command in commands:
            words += ['-ex', command]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False, encoding='utf-8',
                              timeout=120 * guest.SLOWNESS)
        if 'Operation not permitted' in done.stdout:
            self.skipTest('gdb may not attach to processes here')
        return done.stdout

    def test_shows_partition_channels_rings(self):
        vm = self.guest(disks=['64M'], smp=2, args=['-device', 'hv-ic-heartbeat'])
        vm.sh('dd if=/dev/sda of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null')
        vm.qmp('stop')
        bus, = vm.qmp('query-vmbus')
        text = self.gdb(vm, 'hv-partition', 'hv-vmbus', 'hv-rings')
        vm.qmp('cont')
        os_id = vm.qmp('query-hyperv')['vtls'][0]['guest-os-id']
        self.assertIn('VTL0: guest OS 0x%x' % os_id, text)
        self.assertEqual(re.findall(r'(?m)^VP (\d): VTL0, thread \d+', text), ['0', '1'])
        self.assertIn('connection offered, version ' + bus['version'], text)
        self.assertTrue(bus['channels'])
        for channel in bus['channels']:
            self.assertIn('channel %d.%d: %s %s' % (
                channel['relid'], channel['sub-channel'], channel['type'], channel['state']), text)
            for way, name in (('to-host', 'to host'), ('to-guest', 'to guest')):
                ring = channel[way]
                self.assertRegex(text, r'channel %d\.%d: %s\n(  .*\n)*  %s: %d bytes, read %d, write %d,' % (
                    channel['relid'], channel['sub-channel'], channel['type'], name,
                    ring['size'], ring['read-index'], ring['write-index']))
        # the guest lives on
        vm.sh('dd if=/dev/sda of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null')

    def test_shows_queues_of_the_adapter_and_its_driver(self):
        vm = self.guest(start=False, smp=2)
        vm.argv += ['-blockdev', vm.blockdev('disk0', '64M'), '-netdev', 'user,id=wire']
        vm.argv += test_configs.BOOST
        vm.boot()
        vm.sh('modprobe -a hv_storvsc hv_netvsc sd_mod')
        vm.wait_until('ls /sys/block/sda && ip link set eth0 up')
        vm.sh('dd if=/dev/sda of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null')
        vm.wait_until('udhcpc -q -n -t 3 -T 1 -i eth0 -s /bin/true')
        vm.qmp('stop')
        adapter, = vm.qmp('query-mana')
        pv, = vm.qmp('query-paravisor')
        text = self.gdb(vm, 'hv-mana', 'hv-paravisor')
        vm.qmp('cont')
        # both ends say the same of each queue
        for name, queues in (('SQ', adapter['vports'][0]['send-queues']),
                             ('RQ', adapter['vports'][0]['receive-queues'])):
            self.assertTrue(queues)
            for number in queues:
                theirs = re.search(r'(?m)^  %s %d: \d+ bytes, head \d+, tail (\d+), (\d+) posted, '
                                   r'CQ (\d+), port 0$' % (name, number), text)
                ours = re.search(r'(?m)^    %s %d: head (\d+), told (\d+), CQ (\d+): head' % (
                    name, number), text)
                self.assertTrue(theirs and ours, text)
                self.assertEqual(theirs.group(1), ours.group(2))
                self.assertEqual(theirs.group(3), ours.group(3))
        self.assertEqual(len(re.findall(r'(?m)^  EQ \d+: \d+ entries, tail \d+', text)),
                         adapter['event-queues'])
        for function in pv['functions']:
            self.assertRegex(text, r'function %s: \w+, vtl2-%s-driver, %d interrupts\n  running, 0 resets' % (
                function['address'].split(':')[-1], function['driver'], function['interrupts']))
        # the reads went through these
        tails = [int(n) for n in re.findall(r'(?m)^  queue [1-9]\d*: .* SQ tail (\d+)', text)]
        self.assertEqual(len(tails), pv['namespaces'][0]['queues'])
        self.assertTrue(any(tails), text)
        vm.sh('dd if=/dev/sda of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null')

    def test_says_what_is_missing(self):
        vm = self.guest(start=False, kernel_boot=False, cpu=guest.STOCK_CPU, paravisor=False,
                        dmesg_ok=False)
        vm.start()
        self.assertIn('no Hyper-V partition', self.gdb(vm, 'hv-vmbus'))


if __name__ == '__main__':
    guest.main()
