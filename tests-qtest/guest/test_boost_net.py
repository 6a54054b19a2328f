#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's network as in Azure Boost: hv-net on an adapter in VTL2.  The guest is
that of test_net.py, and so are most of the stories; the adapter's are added.
"""

import time

import guest
import test_net

MAC = test_net.MAC
MODULES = ('qpv.load=hv_vmbus,hv_netvsc,hv_storvsc,hv_utils,sd_mod,af_packet,'
           'pci_hyperv,mana')


class Boost:
    """The parts of test_net.NetCase that differ with an adapter in VTL2."""

    def nic_args(self, netdev_args, n=0, netdev='n0', queues=1, **props):
        del queues
        adapter = ['-device', 'paravisor,id=pv'] if n == 0 else []
        props = {'id': 'nic%d' % n, 'mana': 'mana%d' % n, **props}
        return list(netdev_args) + adapter + [
            '-device', 'mana,id=mana%d,bus=vtl2.0,netdev=%s,mac=%s' % (n, netdev, MAC % n),
            '-device', 'hv-net' + ''.join(',%s=%s' % item for item in props.items())]

    def port(self, vm):
        return vm.qmp('query-paravisor')[0]['ports'][0]

    def function(self, vm):
        return vm.qmp('query-paravisor')[0]['functions'][0]

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

    def test_adapter_goes_under_load(self):
        """The card stays, without a link."""
        vm, dev, _ = self.busy_guest()
        vm.qmp('device_del', id='mana0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'mana0'})
        self.wait_carrier(vm, dev, 0)

    def test_reboots_under_load(self):
        vm, _, _ = self.busy_guest()
        for way in 'reboot', 'reset':
            if way == 'reset':
                vm.qmp('system_reset')
            else:
                vm.send('reboot -f')
            vm.wait_ready()
            self.dhcp(vm)
            self.check_works(vm, self.host)
            self.start_traffic(vm, self.host)

    def test_savevm_and_loadvm_under_load(self):
        vm, _, job = self.busy_guest(disks=['64M'], qcow2=True)
        self.save_and_load(vm, 4)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)


class Accelerated(Boost, test_net.LifeCase):
    """The guest has a function of the adapter, and hv-net to fall back on."""

    def net_guest(self, args, **options):
        options.setdefault('dmesg_allow', r'hv_netvsc.*(Data path|VF)')
        return self.guest(args=args, net=True, append=MODULES, files=test_net.FILES, **options)

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

    def accelerated_guest(self):
        vm = self.net_guest(self.nic_args(self.host.netdev('n0'), accelerated='on'), smp=2)
        dev = self.dhcp(vm)
        vf = self.by_driver(vm, 'mana')
        vm.wait_until('ip -o link show %s | grep "master %s"' % (vf, dev))
        self.wait_path(vm, 'vf')
        return vm, dev, vf

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

    def test_adapter_resets_under_load(self):
        vm, _, _ = self.accelerated_guest()
        job = self.start_traffic(vm, self.host)
        vm.qmp('x-mana-inject', id='mana0', event='reset-request')
        self.wait_resets(vm, 1)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)


if __name__ == '__main__':
    guest.main()
