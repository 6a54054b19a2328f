#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian kernel boots on a Hyper-V partition and finds its VMBus."""

import guest


class Boot(guest.TestCase):

    def check_partition(self, vm, vps):
        log = vm.dmesg()
        self.assertIn('Hypervisor detected: Microsoft Hyper-V', log)
        self.assertRegex(log, r'Vmbus version:\d+\.\d+|hv_vmbus: Vmbus version')
        self.assertEqual(vm.sh('nproc').strip(), str(vps))

    def test_one_cpu(self):
        self.check_partition(self.guest(smp=1), 1)

    def test_two_cpus(self):
        self.check_partition(self.guest(smp=2), 2)

    def test_four_cpus(self):
        self.check_partition(self.guest(smp=4), 4)

    def test_one_thread_for_all_cpus(self):
        self.check_partition(self.guest(smp=2, accel='tcg,thread=single'), 2)

    def test_hyperv_clock_and_timer_in_use(self):
        vm = self.guest(smp=2)
        clock = vm.sh('cat /sys/devices/system/clocksource/clocksource0/current_clocksource')
        self.assertIn('hyperv_clocksource', clock)
        event = vm.sh('cat /sys/devices/system/clockevents/clockevent*/current_device')
        self.assertIn('Hyper-V clockevent', event)

    def test_apic_msrs_and_eoi_assist(self):
        vm = self.guest(smp=2, cpu=guest.VAPIC_CPU)
        self.check_partition(vm, 2)
        self.assertIn('Using enlightened APIC', vm.dmesg())

    def test_powers_off(self):
        vm = self.guest(args=['-no-reboot'], dmesg_ok=False)
        vm.send('poweroff -f')
        self.assertEqual(vm.wait_exit(), 0)

    def test_reboots_three_times(self):
        vm = self.guest()
        for _ in range(3):
            vm.send('reboot -f')
            vm.wait_ready()
        self.check_partition(vm, 1)


class Disk(guest.TestCase):

    def test_found_with_its_size(self):
        vm = self.guest(disks=['64M', '32M'])
        for lun, sectors in enumerate(['131072', '65536']):
            self.assertEqual(vm.sh('cat /sys/block/%s/size' % vm.disk(lun)).strip(), sectors)

    def test_ext4_reads_back(self):
        vm = self.guest(disks=['64M'], smp=2)
        vm.sh('mkfs.ext4 -q /dev/sda && mount -t ext4 /dev/sda /mnt')
        vm.sh('dd if=/dev/urandom of=/tmp/d bs=1M count=8 && cp /tmp/d /mnt/d')
        vm.sh('umount /mnt; echo 3 >/proc/sys/vm/drop_caches; mount -t ext4 /dev/sda /mnt')
        vm.sh('cmp /tmp/d /mnt/d && umount /mnt && e2fsck -fn /dev/sda')

    def test_fio_verifies_over_several_queues(self):
        vm = self.guest(disks=['64M'], smp=4, tools=True, memory='1G')
        out = vm.sh('fio --name=v --filename=/dev/sda --rw=randrw --bsrange=512-256k '
                    '--size=12M --offset_increment=16M --numjobs=4 --direct=1 '
                    '--ioengine=libaio --iodepth=16 --verify=crc32c --verify_fatal=1 '
                    '--do_verify=1 --group_reporting', timeout=240)
        self.assertIn('err= 0', out)


if __name__ == '__main__':
    guest.main()
