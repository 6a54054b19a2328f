#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's network as in Azure Boost: hv-net on an adapter in VTL2.  The guest is
that of test_net.py, and so are most of the stories; the adapter's are added.
"""

import os
import re
import time

import guest
import test_net

MAC = test_net.MAC
MODULES = ('qpv.load=hv_vmbus,hv_netvsc,hv_storvsc,hv_utils,sd_mod,af_packet,'
           'pci_hyperv,mana')


# One connection until /run/end appears; exit 3: other bytes came than were sent
STREAM = b'''#!/bin/sh
rm -f /run/end /tmp/copy
mkfifo /tmp/copy
head -c 500000 /dev/urandom >/tmp/block
sha256sum </tmp/copy | cut -d' ' -f1 >/tmp/sum &
told=$( (echo STREAM
         while ! [ -e /run/end ]; do cat /tmp/block; done | tee /tmp/copy) | nc "$1" "$2")
wait
[ "${told% *}" = "$(cat /tmp/sum)" ] || exit 3
echo "longest ${told#* }"
'''


class Boost:
    """The parts of test_net.NetCase that differ with an adapter in VTL2."""

    def nic_args(self, netdev_args, n=0, netdev='n0', queues=1, **props):
        del queues
        adapter = ['-device', 'paravisor,id=pv'] if n == 0 else []
        props = {'id': 'nic%d' % n, 'mana': 'mana%d' % n, **props}
        return list(netdev_args) + adapter + [
            '-device', 'mana,id=mana%d,bus=vtl2.0,netdev=%s,mac=%s' % (n, netdev, MAC % n),
            '-device', 'hv-net' + ''.join(',%s=%s' % item for item in props.items())]

    def net_guest(self, args, files=None, **options):
        return super().net_guest(args, files={'qpv/stream': STREAM, **(files or {})}, **options)

    def port(self, vm):
        return vm.qmp('query-paravisor')[0]['ports'][0]

    def function(self, vm):
        return vm.qmp('query-paravisor')[0]['functions'][0]

    def plug_adapter(self, vm, netdev='n0', **props):
        vm.qmp('device_add', driver='mana', id='mana0', bus='vtl2.0', netdev=netdev,
               mac=MAC % 0, **props)

    def inject(self, vm, event, **args):
        vm.qmp('x-mana-inject', id='mana0', event=event, **args)

    def kexec_files(self):
        """What a guest needs to start another one like it."""
        first = self.net_guest([], start=False)
        return {'boot/vmlinuz': guest.asset('kernels', guest.KERNEL, 'vmlinuz'),
                'boot/initrd': os.path.join(first.work, 'initrd.img')}

    def start_stream(self, vm):
        return vm.spawn('sh /qpv/stream %s %d' % (self.host.address, self.host.files))

    def stop_stream(self, vm, job):
        """The longest time, in ms, in which the host got nothing."""
        vm.sh('touch /run/end')
        status, out = vm.join(job)
        self.assertEqual(status, 0, out)
        return int(re.search(r'longest (\d+)', out).group(1))

    def wait_resets(self, vm, count):
        """The driver has reset the adapter so often, and it works again."""
        deadline = time.monotonic() + 60 * guest.SLOWNESS
        while True:
            function = self.function(vm)
            if function['resets'] >= count and function['state'] == 'running':
                return
            self.assertLess(time.monotonic(), deadline, function)
            time.sleep(0.1)

    def check_counters_agree(self, vm):
        """The bytes of the paravisor's driver are those of the adapter."""
        port = self.port(vm)
        wire = vm.qmp('query-mana')[0]['vports'][0]
        self.assertGreater(port['tx-bytes'], 0)
        self.assertEqual(port['rx-packets'], wire['rx-packets'])
        self.assertEqual(port['rx-bytes'], wire['rx-bytes'])
        self.assertEqual(port['tx-errors'], 0)
        self.assertEqual(port['rx-dropped'], 0)


class Slirp(Boost, test_net.Slirp):

    def test_short_dhcp_ping_transfers(self):
        super().test_short_dhcp_ping_transfers()
        vm = self.guests[-1][0]
        self.check_counters_agree(vm)
        self.assertEqual(self.port(vm)['data-path'], 'synthetic')


class Tap(Boost, test_net.Tap):
    """Those of test_net.py that one queue of the wire is enough for."""

    test_every_queue_of_a_tap = None


class Life(Boost, test_net.LifeCase):

    def test_short_link_and_channels_change_under_load(self):
        vm, dev, job = self.busy_guest()
        self.flap(vm, dev, 2)
        for up in 0, 1:
            self.link(vm, 'mana0', bool(up))
            self.wait_carrier(vm, dev, up)
        vm.wait_until('ip route replace default via 10.0.2.2 dev %s' % dev)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_short_adapter_errors_under_load(self):
        vm, _, job = self.busy_guest()
        for i, event in enumerate(('reset-request', 'queue-error', 'reset-request')):
            vm.qmp('x-mana-inject', id='mana0', event=event)
            self.wait_resets(vm, i + 1)
            self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_adapter_goes_and_comes_under_load(self):
        """The card stays, without a link, until the adapter is there again."""
        vm, dev, job = self.busy_guest()
        for _ in range(2):
            vm.qmp('device_del', id='mana0')
            vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'mana0'})
            self.wait_carrier(vm, dev, 0)
            self.plug_adapter(vm)
            self.wait_carrier(vm, dev, 1)
            self.check_works(vm, self.host)
            self.check_counters_agree(vm)
        self.stop_traffic(vm, job)

    def recovery_ms(self, vm, event, resets, **args):
        """From an adapter's event to the first echo after the driver's reset."""
        start = time.monotonic()
        self.inject(vm, event, **args)
        if event == 'hwc-timeout':
            vm.run('ethtool -X %s equal %d' % (self.nic(vm), 1 + resets % 2))
        self.wait_resets(vm, resets)
        vm.wait_until('ping -c 1 -W 1 10.0.2.2')
        return (time.monotonic() - start) * 1000

    def test_each_event_of_the_adapter_under_load(self):
        """One stream lives through all of them: nothing is lost that TCP does not
        repair, and each is over in a bounded time."""
        vm, dev, job = self.busy_guest()
        stream = self.start_stream(vm)
        self.inject(vm, 'hwc-timeout-config', milliseconds=500)
        times = {}
        for resets, event in enumerate(('reset-request', 'hwc-timeout', 'queue-error',
                                        'reset-request', 'hwc-timeout')):
            times[event] = self.recovery_ms(vm, event, resets + 1)
            # the new channel has the time limit that adapters begin with
            self.inject(vm, 'hwc-timeout-config', milliseconds=500)
        self.inject(vm, 'link-flap', milliseconds=2000)
        self.wait_carrier(vm, dev, 0)
        self.wait_carrier(vm, dev, 1)
        self.check_works(vm, self.host)
        times['stall'] = self.stop_stream(vm, stream)
        self.stop_traffic(vm, job)
        print('# ms: %s' % times)
        # a send queue counts as stuck after six seconds
        self.assertLess(max(times.values()), 20000 * guest.SLOWNESS)

    def test_kexec_under_load(self):
        vm, _, _ = self.busy_guest(memory='1536M', files=self.kexec_files())
        vm.kexec()
        self.dhcp(vm)
        self.check_works(vm, self.host)

    def test_reboots_under_load(self):
        self.check_reboots('reboot', 'reset')

    def test_savevm_and_loadvm_under_load(self):
        vm, _, job = self.busy_guest(disks=['64M'], qcow2=True)
        self.save_and_load(vm, 4)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)


class Accelerated(Boost, test_net.LifeCase):
    """The guest has a function of the adapter, and hv-net to fall back on."""

    def net_guest(self, args, files=None, **options):
        options.setdefault('dmesg_allow', r'hv_netvsc.*(Data path|VF)')
        return self.guest(args=args, net=True, append=MODULES,
                          files={**test_net.FILES, 'qpv/stream': STREAM, **(files or {})}, **options)

    def by_driver(self, vm, driver):
        return vm.wait_until('basename $(dirname $(ls -d /sys/class/net/*/device/driver | '
                             'while read -r d; do [ "$(basename $(readlink "$d"))" = %s ] && '
                             'dirname "$d"; done | grep .))' % driver).strip()

    def nic(self, vm, n=0):
        return self.by_driver(vm, 'hv_netvsc')

    def wait_path(self, vm, want):
        deadline = time.monotonic() + 30 * guest.SLOWNESS
        while self.port(vm)['data-path'] != want:
            self.assertLess(time.monotonic(), deadline, vm.sh('ip link'))
            time.sleep(0.05)

    def wait_vf(self, vm, dev):
        """The guest's function, when the card's traffic goes by it."""
        vf = self.by_driver(vm, 'mana')
        vm.wait_until('ip -o link show %s | grep "master %s"' % (vf, dev))
        self.wait_path(vm, 'vf')
        return vf

    def accelerated_guest(self, **options):
        vm = self.net_guest(self.nic_args(self.host.netdev('n0'), accelerated='on'),
                            **{'smp': 2, **options})
        dev = self.dhcp(vm)
        return vm, dev, self.wait_vf(vm, dev)

    def test_short_bonds_and_carries(self):
        vm, _, _ = self.accelerated_guest()
        before = self.port(vm)
        self.check_works(vm, self.host)
        after = self.port(vm)
        # a stray broadcast at most goes by the card
        self.assertLess(after['rx-bytes'] - before['rx-bytes'], 20000)
        self.assertLess(after['tx-bytes'] - before['tx-bytes'], 20000)
        self.assertTrue(after['accelerated'])
        vm.monitor.wait_event('PARAVISOR_DATA_PATH', match={'data-path': 'vf'})

    def test_short_switches_under_load(self):
        vm, _, vf = self.accelerated_guest()
        job = self.start_traffic(vm, self.host)
        switches = self.port(vm)['switches']
        for _ in range(10):
            vm.sh('ip link set %s down' % vf)
            self.wait_path(vm, 'synthetic')
            vm.sh('ip link set %s up' % vf)
            self.wait_path(vm, 'vf')
        self.assertEqual(self.port(vm)['switches'], switches + 20)
        _, missed = self.stop_traffic(vm, job)
        self.assertEqual(missed, 0)

    def test_short_function_comes_and_goes_under_load(self):
        vm, dev, _ = self.accelerated_guest()
        job = self.start_traffic(vm, self.host)
        for _ in range(2):
            vm.qmp('device_del', id='nic0-vf')
            vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nic0-vf'})
            self.wait_path(vm, 'synthetic')
            vm.sh('/qpv/get %s %d 200000' % (self.host.address, self.host.files))
            vm.qmp('device_add', driver='mana', id='nic0-vf', bus='nic0-pci.0', pf='mana0')
            vf = self.by_driver(vm, 'mana')
            vm.wait_until('ip -o link show %s | grep "master %s"' % (vf, dev))
            self.wait_path(vm, 'vf')
        _, missed = self.stop_traffic(vm, job)
        self.assertEqual(missed, 0)

    def test_hundred_switches_of_a_stream(self):
        """No byte is lost, and a stream never stands for longer than the guest's own
        retransmission takes, which /proc/net/tcp tells in hundredths of a second.  What
        the host is late by shows in a stream without switches."""
        vm, _, vf = self.accelerated_guest()
        stream = self.start_stream(vm)
        time.sleep(5)
        quiet_ms = self.stop_stream(vm, stream)
        stream, start = self.start_stream(vm), time.monotonic()
        switches = self.port(vm)['switches']
        # each command waits until the adapter has it
        rto = vm.sh('for i in $(seq 50); do for way in down up; do ip link set {0} $way; '
                    'grep -i :{1:04X} /proc/net/tcp | tr -s " " | cut -d" " -f14; '
                    'done; done'.format(vf, self.host.files), timeout=600)
        self.assertEqual(self.port(vm)['switches'], switches + 100)
        seconds = time.monotonic() - start
        longest_ms = self.stop_stream(vm, stream)
        rto_ms = 10 * max(map(int, rto.split()))
        print('# 100 switches in %.1f s, longest stall %d ms, without switches %d ms, '
              'retransmission after %d ms' % (seconds, longest_ms, quiet_ms, rto_ms))
        # one that is lost as well costs the double time
        self.assertLess(longest_ms, 3 * rto_ms + 2 * quiet_ms)

    def test_adapter_and_card_go_under_load(self):
        vm, dev, _ = self.accelerated_guest()
        job = self.start_traffic(vm, self.host)
        vm.qmp('device_del', id='mana0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'mana0'})
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nic0-vf'})
        self.wait_carrier(vm, dev, 0)
        self.plug_adapter(vm)
        self.wait_carrier(vm, dev, 1)
        self.wait_vf(vm, dev)
        self.check_works(vm, self.host)
        # the card: its function first
        vm.qmp('device_del', id='nic0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nic0-vf'})
        self.assertIn('nic0', [d['name'] for d in vm.qmp('qom-list', path='/machine/peripheral')])
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nic0'})
        vm.wait_until('! ip -o link | grep -qi %s' % (MAC % 0))
        vm.qmp('device_add', driver='hv-net', id='nic0', mana='mana0', accelerated=True)
        dev = self.dhcp(vm)
        self.wait_vf(vm, dev)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_savevm_and_loadvm_with_the_function(self):
        """On either path, and in the middle of switches."""
        vm, dev, vf = self.accelerated_guest(disks=['64M'], qcow2=True)
        job = self.start_traffic(vm, self.host)
        self.save_and_load(vm, 4)
        self.wait_vf(vm, dev)
        self.check_works(vm, self.host)
        before = self.port(vm)['rx-bytes']
        self.check_works(vm, self.host)
        self.assertLess(self.port(vm)['rx-bytes'] - before, 20000)
        switches = vm.spawn('while ! [ -e /run/still ]; do ip link set %s down; '
                            'ip link set %s up; done' % (vf, vf))
        self.save_and_load(vm, 6)
        vm.sh('touch /run/still')
        vm.join(switches)
        self.wait_vf(vm, dev)
        self.check_works(vm, self.host)
        vm.sh('ip link set %s down' % vf)
        self.wait_path(vm, 'synthetic')
        self.save_and_load(vm, 2)
        self.wait_path(vm, 'synthetic')
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_kexec_and_reboots_under_load(self):
        vm, _, _ = self.accelerated_guest(memory='1536M', files=self.kexec_files())
        for way in 'kexec', 'reboot', 'reset':
            self.start_traffic(vm, self.host)
            if way == 'kexec':
                vm.kexec()
            elif way == 'reset':
                vm.qmp('system_reset')
                vm.wait_ready()
            else:
                vm.send('reboot -f')
                vm.wait_ready()
            self.wait_vf(vm, self.dhcp(vm))
            self.check_works(vm, self.host)

    def test_adapter_resets_under_load(self):
        vm, _, _ = self.accelerated_guest()
        job = self.start_traffic(vm, self.host)
        vm.qmp('x-mana-inject', id='mana0', event='reset-request')
        self.wait_resets(vm, 1)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)


class Ports(Boost, test_net.LifeCase):
    """Two ports of one adapter, each with its card, its wire and its counters."""

    PREFIX = '10.5%d.0.'

    def ports_guest(self):
        args = []
        for n in range(2):
            args += ['-netdev', 'user,id=n%d,net=%s0/24' % (n, self.PREFIX % n)]
        args += ['-device', 'paravisor,id=pv', '-device',
                 'mana,id=mana0,bus=vtl2.0,netdev=n0,mac=%s,netdev1=n1,mac1=%s' % (
                     MAC % 0, MAC % 1)]
        for n in range(2):
            args += ['-device', 'hv-net,id=nic%d,mana=mana0,vport=%d' % (n, n)]
        vm = self.net_guest(args, smp=2)
        for n in range(2):
            dev = self.dhcp(vm, n)
            address = self.PREFIX % n + '2'
            vm.sh('ip route del default; ip route replace %s dev %s' % (address, dev))
            vm.wait_until('ping -c 1 -W 1 ' + address)
        return vm

    def test_two_ports_under_load(self):
        vm = self.ports_guest()
        for way in 'put', 'get':
            jobs = [vm.spawn('/qpv/%s %s %d %d' % (way, self.PREFIX % n + '2', self.host.files,
                                                   (n + 1) << 20)) for n in range(2)]
            for job in jobs:
                self.assertEqual(vm.join(job)[0], 0)
        self.inject(vm, 'reset-request')
        self.wait_resets(vm, 1)
        for n in range(2):
            vm.sh('/qpv/get %s2 %d %d' % (self.PREFIX % n, self.host.files, 1 << 20))
        ports = vm.qmp('query-paravisor')[0]['ports']
        self.assertEqual([p['vport'] for p in ports], [0, 1])
        self.assertGreater(ports[1]['rx-bytes'], ports[0]['rx-bytes'] + (1 << 19))
        # one card goes; its neighbour works on
        vm.qmp('device_del', id='nic0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nic0'})
        vm.sh('/qpv/get %s2 %d %d' % (self.PREFIX % 1, self.host.files, 1 << 20))


if __name__ == '__main__':
    guest.main()
