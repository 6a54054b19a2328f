#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A VMBus disk under load: plug and unplug, kexec, reboot, save and load."""

import hashlib
import os
import re

import guest

# Checked I/O that goes on until /run/stop appears: writes a pattern that names
# block and round, reads it back past the page cache, compares.
CHECKER = r'''
n=0
until [ $n -gt 0 ] && [ -e /run/stop ]; do
    n=$((n + 1))
    head -c 1048576 /dev/urandom >/tmp/want.%(tag)s
    dd if=/tmp/want.%(tag)s of=/dev/%(dev)s bs=64k seek=$((n %% 8 * 16)) \
        oflag=direct conv=notrunc 2>/dev/null || exit 1
    dd if=/dev/%(dev)s of=/tmp/got.%(tag)s bs=64k skip=$((n %% 8 * 16)) count=16 \
        iflag=direct 2>/dev/null || exit 2
    cmp /tmp/want.%(tag)s /tmp/got.%(tag)s || exit 3
done
echo rounds $n
'''


class DiskCase(guest.TestCase):

    def start_checker(self, vm, dev='sda', tag='a'):
        vm.sh('rm -f /run/stop')
        return vm.spawn(CHECKER % {'dev': dev, 'tag': tag})

    def stop_checker(self, vm, job):
        vm.sh('touch /run/stop')
        status, out = vm.join(job)
        self.assertEqual(status, 0, out)
        rounds = int(re.search(r'rounds (\d+)', out).group(1))
        self.assertGreater(rounds, 0)
        return rounds


class HotPlug(DiskCase):

    def unplug_disk(self, vm, device, name):
        """Take a disk out; return when the guest has done all its I/O on it: it
        flushes the cache after it has removed the name."""
        path = vm.sh('readlink -f /sys/block/%s/device' % name).strip()
        vm.qmp('device_del', id=device)
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': device})
        vm.wait_until('! [ -e %s ]' % path)

    def test_lun_comes_and_goes_while_another_works(self):
        vm = self.guest(disks=['64M'], smp=2)
        job = self.start_checker(vm)
        for i in range(5):
            vm.qmp('blockdev-add', driver='null-co', node_name='hot',
                   size=32 << 20, read_zeroes=True)
            vm.qmp('device_add', driver='scsi-hd', id='hot0', bus='scsi0.0',
                   lun=5, drive='hot')
            vm.wait_until('[ "$(cat /sys/block/sdb/size)" = 65536 ]')
            # opening it waits for the scan of its partitions
            vm.sh('dd if=/dev/sdb of=/dev/null bs=1M iflag=direct')
            self.unplug_disk(vm, 'hot0', 'sdb')
            vm.qmp('blockdev-del', node_name='hot')
        self.stop_checker(vm, job)

    def test_lun_goes_under_its_own_io(self):
        vm = self.guest(disks=['64M', '64M'], smp=2, dmesg_ok=False)
        keeps, goes = vm.disk(0), vm.disk(1)
        job = self.start_checker(vm, dev=keeps)
        vm.spawn('dd if=/dev/zero of=/dev/%s bs=64k oflag=direct' % goes)
        vm.qmp('device_del', id='sd1')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'sd1'})
        vm.wait_until('! [ -e /sys/block/%s ]' % goes)
        self.stop_checker(vm, job)

    def test_controller_comes_and_goes(self):
        vm = self.guest(disks=['64M'], smp=2)
        job = self.start_checker(vm)
        for _ in range(3):
            vm.qmp('blockdev-add', driver='null-co', node_name='hot',
                   size=32 << 20, read_zeroes=True)
            vm.qmp('device_add', driver='hv-scsi', id='scsi1')
            vm.qmp('device_add', driver='scsi-hd', id='hot0', bus='scsi1.0',
                   drive='hot')
            vm.wait_until('[ "$(cat /sys/block/sdb/size)" = 65536 ]')
            vm.sh('dd if=/dev/sdb of=/dev/null bs=1M iflag=direct')
            # with its disk, whose cache Linux flushes last
            vm.qmp('device_del', id='scsi1')
            vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'scsi1'})
            vm.wait_until('! [ -e /sys/block/sdb ]')
            vm.qmp('blockdev-del', node_name='hot')
        self.stop_checker(vm, job)

    def test_cd_medium_change(self):
        image = os.path.join(guest.BUILD, 'guest', 'base.img')
        vm = self.guest(disks=['64M'], args=[
            '-device', 'scsi-cd,id=cd0,bus=scsi0.0,lun=3'])
        vm.wait_until('[ -e /dev/sr0 ]')
        vm.qmp('blockdev-add', driver='raw', node_name='medium', read_only=True,
               file={'driver': 'file', 'filename': image})
        vm.qmp('blockdev-open-tray', id='cd0')
        vm.qmp('blockdev-insert-medium', id='cd0', node_name='medium')
        vm.qmp('blockdev-close-tray', id='cd0')
        vm.wait_until('dd if=/dev/sr0 of=/tmp/sector bs=2048 count=1')
        with open(image, 'rb') as f:
            want = f.read(2048)
        self.assertEqual(vm.sh('md5sum </tmp/sector').split()[0],
                         hashlib.md5(want).hexdigest())


class Lifecycle(DiskCase):

    def test_ten_reboots_keep_the_disk(self):
        vm = self.guest(disks=['64M'], smp=2)
        vm.sh('mkfs.ext4 -q /dev/sda')
        for i in range(10):
            vm.sh('mount -t ext4 /dev/sda /mnt && echo %d >>/mnt/boots && '
                  'umount /mnt' % i)
            vm.send('reboot -f')
            vm.wait_ready()
        vm.sh('mount -t ext4 /dev/sda /mnt')
        self.assertEqual(vm.sh('cat /mnt/boots').split(),
                         [str(i) for i in range(10)])

    def test_reset_in_the_middle_of_io(self):
        vm = self.guest(disks=['64M'], smp=2)
        for _ in range(3):
            self.start_checker(vm)
            vm.qmp('system_reset')
            vm.wait_ready()
        job = self.start_checker(vm)
        self.stop_checker(vm, job)

    def test_kexec_into_the_same_kernel(self):
        vm = self.guest(disks=['64M'], smp=2, memory='2G', files=self.kernel_files())
        vm.sh('mkfs.ext4 -q /dev/sda')
        vm.kexec()
        self.assertIn('Vmbus version', vm.dmesg())
        vm.sh('e2fsck -fn /dev/sda')
        job = self.start_checker(vm)
        self.stop_checker(vm, job)

    def test_hibernates_and_resumes_in_another_qemu(self):
        options = {'disks': ['64M', self.empty_file('swap.img', 768)], 'smp': 2,
                   'memory': '512M'}
        vm = self.guest(**options)
        disk = vm.disk(0)
        job = vm.hibernate(1)
        vm2 = self.guest(**options)
        vm2.resume(1, job)
        checker = self.start_checker(vm2, dev=disk)
        self.stop_checker(vm2, checker)

    def test_driver_unload_and_load(self):
        vm = self.guest(disks=['64M'], smp=2)
        for _ in range(5):
            vm.sh('rmmod hv_storvsc && modprobe hv_storvsc')
            vm.wait_until('[ -e /sys/block/sda ]')
        job = self.start_checker(vm)
        self.stop_checker(vm, job)


class SaveLoad(DiskCase):

    def check_savevm_and_loadvm(self, **options):
        vm = self.guest(disks=['64M'], smp=2, qcow2=True, **options)
        job = self.start_checker(vm)
        for i in range(3):
            self.assertEqual(vm.hmp('savevm s%d' % i), '')
        vm.hmp('stop')
        self.assertEqual(vm.hmp('loadvm s1'), '')
        vm.hmp('cont')
        self.assertIn('hyperv', vm.sh('cat /sys/devices/system/clocksource/'
                                      'clocksource0/current_clocksource'))
        self.stop_checker(vm, job)

    def test_savevm_and_loadvm_in_the_middle_of_io(self):
        self.check_savevm_and_loadvm()

    def test_savevm_and_loadvm_with_eoi_assist(self):
        self.check_savevm_and_loadvm(cpu=guest.VAPIC_CPU)

    def test_cpu_offline_and_online(self):
        vm = self.guest(disks=['64M'], smp=4)
        job = self.start_checker(vm)
        for i in range(3):
            cpu = i % 3 + 1
            # a CPU that VMBus interrupts are bound to may refuse to go
            if vm.run('echo 0 >/sys/devices/system/cpu/cpu%d/online' % cpu)[0]:
                continue
            vm.sh('echo 1 >/sys/devices/system/cpu/cpu%d/online' % cpu)
        self.stop_checker(vm, job)


if __name__ == '__main__':
    guest.main()
