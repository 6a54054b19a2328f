#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's disks as in Azure Boost: on NVMe namespaces of the paravisor's, one of
them striped, beside a traditional disk on the same controller.
"""

import os
import re
import subprocess
import tempfile
import time

import guest
import test_disk

LUNS = (0, 1, 2)
# Copies /tmp/w to the disk and back into /tmp/r, 256 KiB at a time; says which fail
COPY = r'''
i=0
while [ $i -lt 64 ]; do
    dd if=/tmp/w of=/dev/%(dev)s bs=256k count=1 skip=$i seek=$i oflag=direct \
        conv=notrunc 2>/dev/null || echo write $i
    i=$((i + 1))
done
i=0
while [ $i -lt 64 ]; do
    if dd if=/dev/%(dev)s of=/tmp/r bs=256k count=1 skip=$i iflag=direct 2>/dev/null; then
        dd if=/tmp/w of=/tmp/p bs=256k count=1 skip=$i 2>/dev/null
        cmp -s /tmp/p /tmp/r || echo differs $i
    else
        echo read $i
    fi
    i=$((i + 1))
done
'''


class BoostCase(test_disk.DiskCase):

    def boost(self, brake=False, **kwargs):
        """LUN 0 is a scsi-hd, 1 a namespace, 2 a stripe of three with 4 KiB blocks.
        BRAKE: stall() can hold up what is written to LUN 1."""
        work = tempfile.TemporaryDirectory(prefix='qpv-boost-')
        self.addCleanup(work.cleanup)
        args = ['-device', 'paravisor,id=pv', '-object', 'throttle-group,id=tg']
        for i in range(4):
            path = os.path.join(work.name, 'n%d.qcow2' % i)
            subprocess.run([guest.asset('obj', 'qemu-img'), 'create', '-q', '-f', 'qcow2',
                            path, '64M'], check=True, timeout=60)
            image = ('driver=qcow2', 'discard=unmap', 'file.driver=file',
                     'file.filename=' + path)
            if brake and i == 0:
                # on top, where the drain of a controller reset finds it
                image = ('driver=throttle', 'throttle-group=tg',
                         *('file.' + option for option in image))
            args += ['-blockdev', ','.join(('node-name=n%d' % i, *image))]
        blocks = 'logical_block_size=4096,physical_block_size=4096'
        args += ['-device', 'nvme,id=nvme0,bus=vtl2.0,serial=a,drive=n0',
                 '-device', 'nvme,id=nvme1,bus=vtl2.0,serial=b,drive=n1,' + blocks,
                 '-device', 'nvme,id=nvme2,bus=vtl2.0,serial=c',
                 '-device', 'nvme-ns,id=ns5,bus=nvme2,nsid=5,drive=n2,' + blocks,
                 '-device', 'nvme-ns,id=ns6,bus=nvme2,nsid=6,drive=n3,' + blocks,
                 '-device', 'hv-disk,id=hd1,bus=scsi0.0,lun=1,nvme=nvme0,nsid=1',
                 '-device', 'hv-disk,id=hd2,bus=scsi0.0,lun=2,nvme=nvme1:1+nvme2:5+nvme2:6']
        vm = self.guest(disks=['64M'], smp=2, qcow2=True, args=args, **kwargs)
        vm.wait_until('[ -e /dev/sdc ]')
        return vm

    def namespaces(self, vm):
        return vm.qmp('query-paravisor')[0]['namespaces']

    def function(self, vm, device):
        """What the paravisor tells of a controller"""
        return next(f for f in vm.qmp('query-paravisor')[0]['functions']
                    if f['qom-path'].endswith('/' + device))

    def start_all(self, vm):
        vm.sh('rm -f /run/stop')
        return [vm.spawn(test_disk.CHECKER % {'dev': vm.disk(lun), 'tag': 't%d' % lun})
                for lun in LUNS]

    def stop_all(self, vm, jobs):
        vm.sh('touch /run/stop')
        for job in jobs:
            status, out = vm.join(job)
            self.assertEqual(status, 0, out)

    def check_all(self, vm):
        """Checked I/O on all disks works"""
        self.stop_all(vm, self.start_all(vm))

    def stall(self, vm, on):
        """From here on, or no more, the file behind LUN 1 takes no writes"""
        vm.qmp('qom-set', path='/objects/tg', property='limits',
               value={'bps-write': 1 if on else 0})
        if not on:
            # what waits already has been given its time; a stop does not wait for it
            vm.hmp('stop')
            vm.hmp('cont')


class BoostDisk(BoostCase):

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
            self.assertGreater(n['write-bytes'], 6000000, n)
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

    def test_reboot_and_kexec_in_the_middle_of_io(self):
        kernel = guest.asset('kernels', guest.KERNEL, 'vmlinuz')
        # an initrd for the second kernel: what the first one has, less that
        other = self.guest(start=False)
        vm = self.boost(memory='2G', files={
            'boot/vmlinuz': kernel,
            'boot/initrd': os.path.join(other.work, 'initrd.img')})
        for way in ('kexec -e', 'reboot -f'):
            # only kept from one kernel to the other is what is on the disks
            for lun in LUNS:
                vm.sh('mkfs.ext4 -q /dev/%s && mount -t ext4 /dev/%s /mnt && '
                      'seq 100000 >/mnt/kept && umount /mnt' % (vm.disk(lun), vm.disk(lun)))
            if way.startswith('kexec'):
                vm.sh('kexec -l /boot/vmlinuz --initrd=/boot/initrd --reuse-cmdline',
                      timeout=120)
            for lun in LUNS:
                vm.spawn('while :; do dd if=/dev/%s of=/dev/null bs=64k iflag=direct; done' %
                         vm.disk(lun))
            vm.send(way)
            vm.wait_ready()
            vm.wait_until('[ -e /dev/sdc ]')
            for lun in LUNS:
                vm.sh('mount -t ext4 /dev/%s /mnt && seq 100000 | cmp - /mnt/kept && '
                      'umount /mnt && e2fsck -fn /dev/%s' % (vm.disk(lun), vm.disk(lun)))
            self.check_all(vm)
        for n in self.namespaces(vm):
            self.assertEqual(n['errors'], 0, n)


class BoostFaults(BoostCase):

    def test_controller_goes_under_io_and_another_comes(self):
        vm = self.boost(dmesg_ok=False)
        jobs = [self.start_checker(vm, dev=vm.disk(lun), tag='c%d' % lun) for lun in (0, 2)]
        lost = vm.spawn('dd if=/dev/zero of=/dev/%s bs=64k oflag=direct' % vm.disk(1))
        with self.assertRaisesRegex(guest.GuestError, 'does not support hotplugging'):
            vm.qmp('device_del', id='ns5')
        vm.qmp('device_del', id='nvme0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nvme0'})
        self.assertNotEqual(vm.join(lost)[0], 0)
        vm.qmp('device_del', id='hd1')
        vm.wait_until('! [ -e /sys/bus/scsi/devices/0:0:0:1 ]')
        vm.qmp('device_add', driver='nvme', id='nvme0', bus='vtl2.0', serial='d', drive='n0')
        vm.qmp('device_add', driver='hv-disk', id='hd1', bus='scsi0.0', lun=1, nvme='nvme0',
               nsid=1)
        dev = vm.disk(1)
        vm.wait_until('[ -e /dev/%s ]' % dev)
        jobs.append(vm.spawn(test_disk.CHECKER % {'dev': dev, 'tag': 'new'}))
        self.stop_all(vm, jobs)
        self.assertEqual(self.function(vm, 'nvme0')['state'], 'running')

    def test_errors_only_where_the_medium_has_them(self):
        work = tempfile.TemporaryDirectory(prefix='qpv-boost-')
        self.addCleanup(work.cleanup)
        path = os.path.join(work.name, 'image')
        with open(path, 'wb') as f:
            f.truncate(16 << 20)
        # in the pieces 10, 11 (at its end) and 40; there are 512 sectors in each
        bad = {'read': (10 * 512 + 7, 12 * 512 - 1), 'write': (40 * 512,)}
        rules = ['inject-error.%d.event=none,inject-error.%d.iotype=%s,inject-error.%d.errno=5,'
                 'inject-error.%d.sector=%d' % (i, i, kind, i, i, sector)
                 for i, (kind, sector) in enumerate(
                     (kind, sector) for kind in bad for sector in bad[kind])]
        vm = self.guest(dmesg_ok=False, smp=2, disks=['64M'], args=[
            '-device', 'paravisor', '-blockdev', 'file,node-name=f,filename=' + path,
            '-blockdev', 'blkdebug,node-name=n0,image=f,' + ','.join(rules),
            '-device', 'nvme,id=nvme0,bus=vtl2.0,serial=a,drive=n0',
            '-device', 'hv-disk,id=hd1,bus=scsi0.0,lun=1,nvme=nvme0,nsid=1'])
        job = self.start_checker(vm, dev=vm.disk(0))
        dev = vm.disk(1)
        vm.sh('head -c 16777216 /dev/urandom >/tmp/w')
        got = vm.sh(COPY % {'dev': dev}, timeout=180).split('\n')
        got.remove('')
        # what was not written may be anything
        self.assertEqual([line for line in got if line != 'differs 40'],
                         ['write 40', 'read 10', 'read 11'])
        lines = re.findall(r'dev %s, sector (\d+)' % dev, vm.dmesg())
        self.assertTrue(lines)
        for sector in lines:
            self.assertIn(int(sector) // 512, (10, 11, 40))
        self.assertIn('Medium Error', vm.dmesg())
        self.assertGreaterEqual(self.namespaces(vm)[0]['errors'], 3)
        self.assertEqual(self.function(vm, 'nvme0')['resets'], 0)
        self.stop_checker(vm, job)

    def test_backend_stalls_for_a_while(self):
        vm = self.boost(brake=True)
        jobs = self.start_all(vm)
        for _ in range(2):
            self.stall(vm, True)
            before = self.namespaces(vm)
            time.sleep(3)
            after = self.namespaces(vm)
            # the others work on
            moved = {n['node-name'] for n, m in zip(after, before)
                     if n['writes'] > m['writes'] + 4}
            self.assertLessEqual({'vtl2-nvme1-n1', 'vtl2-nvme2-n5', 'vtl2-nvme2-n6'}, moved)
            self.assertNotIn('vtl2-nvme0-n1', moved)
            self.stall(vm, False)
        self.stop_all(vm, jobs)
        self.assertEqual(self.function(vm, 'nvme0')['resets'], 0)


class BoostTimeout(BoostCase):
    """Longer than the driver waits: it aborts, and then it resets the controller"""

    def test_backend_stalls_until_the_controller_is_reset(self):
        vm = self.boost(brake=True)
        jobs = self.start_all(vm)
        self.stall(vm, True)
        deadline = time.monotonic() + 150 * guest.SLOWNESS
        while not self.function(vm, 'nvme0')['resets']:
            self.assertLess(time.monotonic(), deadline, self.namespaces(vm))
            time.sleep(1)
        self.stall(vm, False)
        self.stop_all(vm, jobs)
        ns = next(n for n in self.namespaces(vm) if n['node-name'] == 'vtl2-nvme0-n1')
        self.assertGreater(ns['aborts'], 0)
        self.assertGreater(ns['retries'], 0)
        self.assertEqual(ns['errors'], 0)
        self.assertEqual(self.function(vm, 'nvme0')['state'], 'running')


if __name__ == '__main__':
    guest.main()
