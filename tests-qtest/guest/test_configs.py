# SPDX-License-Identifier: GPL-2.0-or-later
"""One guest, the same checked work, with each way of making its disk and its card.

The work is what scripts/run shows: a file system on the disk that gives back what was
written, an address by DHCP, a file by TFTP that is what was sent, a quiet kernel log.
"""

import hashlib
import os

import guest

DATA_BYTES = 4 << 20
MODULES = 'hv_storvsc hv_netvsc pci-hyperv nvme mana sd_mod'

# As scripts/run --config makes them
TRADITIONAL = ['-device', 'hv-scsi,id=scsi0', '-device', 'scsi-hd,bus=scsi0.0,drive=disk0',
               '-device', 'hv-net,id=net0,netdev=wire']
BOOST = ['-device', 'paravisor,id=pv',
         '-device', 'nvme,id=nvme0,bus=vtl2.0,serial=qpv,drive=disk0',
         '-device', 'mana,id=nic0,bus=vtl2.0,netdev=wire',
         '-device', 'hv-scsi,id=scsi0', '-device', 'hv-disk,bus=scsi0.0,nvme=nvme0,nsid=1',
         '-device', 'hv-net,id=net0,mana=nic0']
ACCELERATED = BOOST[:-1] + [BOOST[-1] + ',accelerated=on']
DIRECT = ['-device', 'hv-pci,id=pci0', '-device', 'nvme,bus=pci0.0,serial=qpv,drive=disk0',
          '-device', 'hv-pci,id=pci1', '-device', 'mana,id=nic0,bus=pci1.0,netdev=wire']


class Configs(guest.TestCase):

    def do_work(self, devices, smp):
        vm = self.guest(start=False, smp=smp)
        folder = os.path.join(vm.work, 'tftp')
        os.mkdir(folder)
        data = os.urandom(DATA_BYTES)
        with open(os.path.join(folder, 'data'), 'wb') as f:
            f.write(data)
        vm.argv += ['-blockdev', vm.blockdev('disk0', '256M'),
                    '-netdev', 'user,id=wire,tftp=' + folder] + devices
        vm.boot()
        vm.sh('for m in %s; do modprobe $m; done' % MODULES)
        vm.wait_until('ls /sys/block/sda /sys/block/nvme0n1 2>/dev/null | grep .')
        vm.sh('echo "%s  -" >/qpv/data.sha256' % hashlib.sha256(data).hexdigest())
        status, output = vm.run('sh /qpv/demo', timeout=120)
        self.assertEqual(status, 0, output)
        return vm

    def check_route(self, vm):
        """The paravisor's counters show that all of it went through the devices."""
        info = vm.qmp('query-paravisor')[0]
        self.assertEqual([f['state'] for f in info['functions']], ['running'] * 2)
        [port] = info['ports']
        [adapter] = vm.qmp('query-mana')
        for counter in ('tx-packets', 'tx-bytes', 'rx-packets', 'rx-bytes'):
            self.assertEqual(port[counter], adapter['vports'][0][counter], counter)
        self.assertGreater(port['rx-bytes'], DATA_BYTES)
        self.assertEqual((port['tx-errors'], port['rx-dropped']), (0, 0))
        [namespace] = info['namespaces']
        self.assertGreater(namespace['read-bytes'], 16 << 20)
        self.assertGreater(namespace['write-bytes'], 16 << 20)
        self.assertEqual(namespace['errors'], 0)

    def do_boost(self, smp):
        vm = self.do_work(BOOST, smp)
        self.check_route(vm)
        vm.stop()

    def do_accelerated(self, smp):
        vm = self.do_work(ACCELERATED, smp)
        self.assertTrue(vm.qmp('query-paravisor')[0]['ports'][0]['accelerated'])
        vm.sh('ls /sys/bus/pci/drivers/mana/*:*/vendor')
        vm.stop()

    def test_traditional(self):
        self.do_work(TRADITIONAL, 2).stop()

    def test_boost(self):
        self.do_boost(2)

    def test_accelerated(self):
        self.do_accelerated(2)

    def test_direct(self):
        self.do_work(DIRECT, 2).stop()

    def test_with_1_and_4_cpus(self):
        for smp in (1, 4):
            self.do_work(TRADITIONAL, smp).stop()
            self.do_boost(smp)
            self.do_accelerated(smp)
            self.do_work(DIRECT, smp).stop()


if __name__ == '__main__':
    guest.main()
