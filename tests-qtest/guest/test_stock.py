#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""With none of our options the patched QEMU is a stock one."""

import guest


class Stock(guest.TestCase):

    def test_guest_finds_no_hypervisor_of_ours(self):
        vm = self.guest(paravisor=False, smp=2)
        self.assertNotIn('Hyper-V', vm.dmesg())
        self.assertEqual(vm.run('ls /sys/bus/vmbus/devices/*')[0], 1)
        self.assertEqual(vm.hmp('info qtree').count('hv-'), 0)

    def test_hyperv_cpu_bits_alone_give_no_vmbus(self):
        vm = self.guest(paravisor=False, cpu=guest.CPU)
        self.assertIn('Hypervisor detected: Microsoft Hyper-V', vm.dmesg())
        self.assertNotIn('Vmbus version', vm.dmesg())


if __name__ == '__main__':
    guest.main()
