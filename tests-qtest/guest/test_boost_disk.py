#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's disks as in Azure Boost: on NVMe namespaces of the paravisor's, one of
them striped, beside a traditional disk on the same controller.
"""

import os
import subprocess
import tempfile

import guest
import test_disk


class BoostDisk(test_disk.DiskCase):

    def boost(self, **options):
        """LUN 0 is a scsi-hd, 1 a namespace, 2 a stripe of two with 4 KiB blocks."""
        work = tempfile.TemporaryDirectory(prefix='qpv-boost-')
        self.addCleanup(work.cleanup)
        args = ['-device', 'paravisor,id=pv']
        for i in range(3):
            path = os.path.join(work.name, 'n%d.qcow2' % i)
            subprocess.run([guest.asset('obj', 'qemu-img'), 'create', '-q', '-f', 'qcow2',
                            path, '64M'], check=True, timeout=60)
            args += ['-blockdev', 'qcow2,node-name=n%d,discard=unmap,file.driver=file,'
                     'file.filename=%s' % (i, path)]
        blocks = 'logical_block_size=4096,physical_block_size=4096'
        args += ['-device', 'nvme,id=nvme0,bus=vtl2.0,serial=a,drive=n0',
                 '-device', 'nvme,id=nvme1,bus=vtl2.0,serial=b,drive=n1,' + blocks,
                 '-device', 'nvme,id=nvme2,bus=vtl2.0,serial=c',
                 '-device', 'nvme-ns,bus=nvme2,nsid=5,drive=n2,' + blocks,
                 '-device', 'hv-disk,id=hd1,bus=scsi0.0,lun=1,nvme=nvme0,nsid=1',
                 '-device', 'hv-disk,id=hd2,bus=scsi0.0,lun=2,nvme=nvme1:1+nvme2:5']
        vm = self.guest(disks=['64M'], smp=2, qcow2=True, args=args, **options)
        vm.wait_until('[ -e /dev/sdc ]')
        return vm

    def namespaces(self, vm):
        return vm.qmp('query-paravisor')[0]['namespaces']

    def start_all(self, vm):
        vm.sh('rm -f /run/stop')
        return [vm.spawn(test_disk.CHECKER % {'dev': vm.disk(lun), 'tag': 't%d' % lun})
                for lun in range(3)]

    def stop_all(self, vm, jobs):
        vm.sh('touch /run/stop')
        for job in jobs:
            status, out = vm.join(job)
            self.assertEqual(status, 0, out)

    def test_data_and_file_system(self):
        vm = self.boost()
        self.assertEqual(vm.sh('cat /sys/block/%s/queue/logical_block_size' %
                               vm.disk(2)).strip(), '4096')
        for lun in (1, 2):
            vm.sh('mkfs.ext4 -q /dev/%s && mount -t ext4 /dev/%s /mnt' %
                  (vm.disk(lun), vm.disk(lun)))
            vm.sh('head -c 20000000 /dev/urandom >/tmp/w && cp /tmp/w /mnt/w && sync && '
                  'echo 3 >/proc/sys/vm/drop_caches && cmp /tmp/w /mnt/w')
            vm.sh('rm /mnt/w && fstrim /mnt && umount /mnt')
        for n in self.namespaces(vm):
            self.assertGreater(n['write-bytes'], 9000000, n)
            self.assertGreater(n['discards'], 0, n)
            self.assertEqual(n['errors'], 0, n)
            # the guest's data takes no detour
            self.assertLess(n['bounced-bytes'], 65536, n)

    def test_reset_stop_and_savevm_in_the_middle_of_io(self):
        vm = self.boost()
        self.start_all(vm)
        vm.qmp('system_reset')
        vm.wait_ready()
        vm.wait_until('[ -e /dev/sdc ]')
        jobs = self.start_all(vm)
        for _ in range(5):
            vm.hmp('stop')
            vm.hmp('cont')
        self.assertEqual(vm.hmp('savevm s0'), '')
        vm.hmp('stop')
        self.assertEqual(vm.hmp('loadvm s0'), '')
        vm.hmp('cont')
        self.stop_all(vm, jobs)

    def test_controller_goes_under_io(self):
        vm = self.boost(dmesg_ok=False)
        job = self.start_checker(vm, dev=vm.disk(2), tag='c')
        lost = vm.spawn('dd if=/dev/zero of=/dev/%s bs=64k oflag=direct' % vm.disk(1))
        vm.qmp('device_del', id='nvme0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nvme0'})
        self.assertNotEqual(vm.join(lost)[0], 0)
        vm.qmp('device_del', id='hd1')
        vm.wait_until('! [ -e /sys/block/sdb ] || ! [ -e /sys/block/sdc ]')
        self.stop_checker(vm, job)


if __name__ == '__main__':
    guest.main()
