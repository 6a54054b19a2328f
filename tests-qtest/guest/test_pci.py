#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""PCI functions behind hv-pci, with the guest's own pci-hyperv, nvme and network drivers."""

import hashlib
import os
import re
import shutil
import tempfile

import guest

# Linux takes the domain from the second part, the slot's name from the first.
BUS_ID = 'a1b2c3d4-1234-5000-8000-0000000000%02x'
DOMAIN = '1234'
SERIAL = 0xa1b2c3d4
FUNCTION = DOMAIN + ':00:00.0'

# Checked I/O on one CPU, until /run/stop appears; see test_disk.py. A node of its
# own: dd would make a plain file of one in /dev that goes with the disk
CHECKER = r'''
n=0
node=/run/%(tag)s.disk
rm -f $node
mknod $node b $(tr : ' ' </sys/block/%(dev)s/dev) || exit 4
until [ $n -gt 0 ] && [ -e /run/stop ]; do
    n=$((n + 1))
    head -c 524288 /dev/urandom >/tmp/want.%(tag)s
    taskset -c %(cpu)d dd if=/tmp/want.%(tag)s of=$node bs=32k \
        seek=$((%(cpu)d * 64 + n %% 4 * 16)) oflag=direct conv=notrunc 2>/dev/null || exit 1
    taskset -c %(cpu)d dd if=$node of=/tmp/got.%(tag)s bs=32k \
        skip=$((%(cpu)d * 64 + n %% 4 * 16)) count=16 iflag=direct 2>/dev/null || exit 2
    cmp /tmp/want.%(tag)s /tmp/got.%(tag)s || exit 3
done
echo rounds $n
'''

DHCP = b'''#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/24 dev $interface
'''


class PciCase(guest.TestCase):

    def nvme_guest(self, **options):
        """A guest whose one NVMe controller is behind hv-pci."""
        vm = self.guest(start=False, args=[
            '-device', 'hv-pci,id=vp0,instance-id=' + BUS_ID % 1], **options)
        vm.argv += ['-blockdev', vm.blockdev('nv', '32M'),
                    '-device', 'nvme,id=nvme0,bus=vp0.0,drive=nv,serial=qpv']
        vm.boot()
        self.load(vm)
        return vm

    def load(self, vm):
        vm.sh('modprobe pci-hyperv && modprobe nvme')
        self.wait_disk(vm)

    def wait_disk(self, vm):
        # sysfs shows a disk before it can be opened
        vm.wait_until('[ "$(cat /sys/block/nvme0n1/size)" = 65536 ] && [ -b /dev/nvme0n1 ] && '
                      'dd if=/dev/nvme0n1 of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null')

    def start_checkers(self, vm, cpus, dev='nvme0n1'):
        vm.sh('rm -f /run/stop')
        return [vm.spawn(CHECKER % {'dev': dev, 'tag': 'c%d' % cpu, 'cpu': cpu})
                for cpu in range(cpus)]

    def stop_checkers(self, vm, jobs):
        vm.sh('touch /run/stop')
        for job in jobs:
            status, out = vm.join(job)
            self.assertEqual(status, 0, out)
            self.assertGreater(int(re.search(r'rounds (\d+)', out).group(1)), 0)

    def check_io(self, vm, cpus):
        """Some rounds of checked I/O from each CPU."""
        jobs = self.start_checkers(vm, cpus)
        vm.wait_until('for c in $(seq 0 %d); do [ -e /tmp/got.c$c ] || exit 1; done' % (cpus - 1),
                      timeout=60)
        self.stop_checkers(vm, jobs)

    def interrupts(self, vm, name):
        """{interrupt: [count on each CPU]} of those whose name has `name`."""
        found = {}
        for line in vm.sh('cat /proc/interrupts').splitlines():
            words = line.split()
            if words and words[-1].startswith(name):
                found[words[-1]] = [int(w) for w in words[1:] if re.fullmatch(r'\d+', w)]
        return found


class Nvme(PciCase):

    def test_sysfs_shows_what_linux_derives(self):
        vm = self.nvme_guest(smp=1)
        path = '/sys/bus/pci/devices/' + FUNCTION
        for name, want in (('vendor', '0x1b36'), ('device', '0x0010'), ('class', '0x010802'),
                           ('subsystem_vendor', '0x1af4')):
            self.assertEqual(vm.sh('cat %s/%s' % (path, name)).strip(), want)
        self.assertIn(BUS_ID % 1, vm.sh('readlink -f ' + path))
        self.assertEqual(vm.sh('basename $(readlink %s/driver)' % path).strip(), 'nvme')
        self.assertEqual(vm.sh('cat /sys/bus/pci/slots/%d/address' % SERIAL).strip(),
                         DOMAIN + ':00:00')
        # the BAR is in a window of VMBus
        bar = int(vm.sh('head -n 1 %s/resource' % path).split()[0], 16)
        iomem = vm.sh('cat /proc/iomem')
        self.assertRegex(iomem, r'(?m)^ *%x-[0-9a-f]+ : %s$' % (bar, re.escape(FUNCTION)))
        self.assertGreater(len(self.interrupts(vm, 'nvme0q')), 1)
        self.check_io(vm, 1)

    def test_io_on_the_queue_of_each_cpu(self):
        for cpus in (2, 4):
            vm = self.nvme_guest(smp=cpus)
            self.check_io(vm, cpus)
            counts = self.interrupts(vm, 'nvme0q')
            self.assertEqual(len(counts), cpus + 1)
            for cpu in range(cpus):
                best = max(row[cpu] for name, row in counts.items() if name != 'nvme0q0')
                self.assertGreater(best, 8, counts)
            self.check_guests()
            vm.stop()

    def test_cpus_go_and_come_under_io(self):
        vm = self.nvme_guest(smp=4)
        jobs = self.start_checkers(vm, 1)
        for i in range(6):
            cpu = i % 3 + 1
            # a CPU that VMBus interrupts are bound to may refuse to go
            if vm.run('echo 0 >/sys/devices/system/cpu/cpu%d/online' % cpu)[0]:
                continue
            vm.sh('echo 1 >/sys/devices/system/cpu/cpu%d/online' % cpu)
        self.stop_checkers(vm, jobs)
        self.check_io(vm, 4)

    def test_drivers_let_go_and_take_again(self):
        vm = self.nvme_guest(smp=2)
        bus = '/sys/bus/vmbus/drivers/hv_pci'
        for _ in range(3):
            vm.sh('echo %s >/sys/bus/pci/drivers/nvme/unbind' % FUNCTION)
            vm.sh('echo %s >/sys/bus/pci/drivers/nvme/bind' % FUNCTION)
            self.wait_disk(vm)
            vm.sh('echo %s >%s/unbind' % (BUS_ID % 1, bus))
            self.assertNotEqual(vm.run('ls /sys/bus/pci/devices/' + FUNCTION)[0], 0)
            vm.sh('echo %s >%s/bind' % (BUS_ID % 1, bus))
            self.wait_disk(vm)
        self.check_io(vm, 2)

    def test_function_goes_and_comes_under_io(self):
        vm = self.nvme_guest(smp=2, dmesg_ok=False)
        for _ in range(3):
            jobs = self.start_checkers(vm, 2)
            vm.wait_until('[ -e /tmp/got.c0 ] && [ -e /tmp/got.c1 ]')
            vm.qmp('device_del', id='nvme0')
            vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nvme0'})
            vm.sh('touch /run/stop')
            for job in jobs:
                vm.join(job)
            vm.wait_until('! [ -e /sys/bus/pci/devices/%s ]' % FUNCTION)
            vm.sh('rm -f /tmp/got.*')
            vm.qmp('device_add', driver='nvme', id='nvme0', bus='vp0.0', drive='nv', serial='qpv')
            vm.wait_until('ls /sys/bus/pci/devices/%s' % FUNCTION)
            disk = vm.wait_until('ls /sys/bus/pci/devices/%s/nvme/nvme*/ | '
                                 'grep -E "^nvme[0-9]+n[0-9]+$"' % FUNCTION).strip()
            self.assertEqual(disk, 'nvme0n1')
        self.check_io(vm, 2)
        self.assertNotRegex(vm.dmesg(), 'BUG:|WARNING:|Oops')

    def test_bus_goes_and_comes(self):
        vm = self.nvme_guest(smp=2)
        for _ in range(2):
            self.check_io(vm, 2)
            vm.qmp('device_del', id='vp0')
            vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'vp0'})
            vm.wait_until('! [ -e /sys/block/nvme0n1 ] && ! [ -e /dev/nvme0n1 ]')
            vm.qmp('device_add', driver='hv-pci', id='vp0', instance_id=BUS_ID % 1)
            vm.qmp('device_add', driver='nvme', id='nvme0', bus='vp0.0', drive='nv', serial='qpv')
            self.wait_disk(vm)
        self.check_io(vm, 2)


class Lifecycle(PciCase):

    def test_reset_and_kexec_under_io(self):
        vm = self.nvme_guest(smp=2, memory='2G', files={
            'boot/vmlinuz': guest.asset('kernels', guest.KERNEL, 'vmlinuz')})
        self.start_checkers(vm, 2)
        vm.qmp('system_reset')
        vm.wait_ready()
        self.load(vm)
        initrd = os.path.join(vm.work, 'initrd.img')
        vm2 = self.nvme_guest(smp=2, memory='2G', files={
            'boot/vmlinuz': guest.asset('kernels', guest.KERNEL, 'vmlinuz'),
            'boot/initrd': initrd})
        vm2.sh('kexec -l /boot/vmlinuz --initrd=/boot/initrd --reuse-cmdline', timeout=120)
        self.start_checkers(vm2, 2)
        vm2.send('kexec -e')
        vm2.wait_ready()
        self.load(vm2)
        for each in (vm, vm2):
            self.check_io(each, 2)

    def test_savevm_and_loadvm_under_io(self):
        # QEMU's nvme cannot be saved
        vm = self.guest(start=False, smp=2, args=['-device', 'hv-pci,id=vp0'])
        vm.argv += ['-blockdev', vm.blockdev('nv', '32M', qcow2=True),
                    '-device', 'virtio-blk-pci,bus=vp0.0,drive=nv']
        vm.boot()
        vm.sh('modprobe pci-hyperv && modprobe virtio_pci && modprobe virtio_blk')
        vm.wait_until('[ "$(cat /sys/block/vda/size)" = 65536 ]')
        jobs = self.start_checkers(vm, 2, dev='vda')
        for i in range(2):
            self.assertEqual(vm.hmp('savevm s%d' % i), '')
        vm.hmp('stop')
        self.assertEqual(vm.hmp('loadvm s0'), '')
        vm.hmp('cont')
        self.stop_checkers(vm, jobs)


class Network(PciCase):

    # the kernels have no driver for the Intel cards that QEMU models
    def test_card_moves_data_while_interrupts_move(self):
        folder = tempfile.mkdtemp(prefix='qpv-tftp-')
        self.addCleanup(shutil.rmtree, folder)
        data = os.urandom(256 << 10)
        with open(os.path.join(folder, 'data'), 'wb') as f:
            f.write(data)
        vm = self.guest(smp=2, files={'bin/dhcp.sh': DHCP}, args=[
            '-device', 'hv-pci,id=vp0,instance-id=' + BUS_ID % 1,
            '-netdev', 'user,id=n0,tftp=' + folder,
            '-device', 'virtio-net-pci,bus=vp0.0,netdev=n0'])
        vm.sh('modprobe pci-hyperv && modprobe virtio_pci && modprobe virtio_net')
        name = vm.wait_until('basename $(ls -d /sys/bus/pci/devices/%s/virtio*/net/*)'
                             % FUNCTION).strip()
        vm.sh('ip link set %s up && udhcpc -i %s -n -q -s /bin/dhcp.sh' % (name, name), timeout=90)
        self.assertIn('10.0.2.', vm.sh('ip addr show dev ' + name))
        job = vm.spawn('cd /tmp; for i in 1 2 3 4; do tftp -g -r data -l got 10.0.2.2 && '
                       'md5sum got; done')
        irqs = [line.split(':')[0].strip() for line in vm.sh('cat /proc/interrupts').splitlines()
                if re.search(r'virtio\d+-(input|output)', line)]
        self.assertTrue(irqs)
        while vm.run('[ -e %s.status ]' % job)[0]:
            for mask in '1', '2':
                for irq in irqs:
                    vm.sh('echo %s >/proc/irq/%s/smp_affinity' % (mask, irq))
        status, out = vm.join(job)
        self.assertEqual(status, 0, out)
        self.assertEqual(out.count(hashlib.md5(data).hexdigest()), 4, out)
        counts = self.interrupts(vm, 'virtio')
        for cpu in range(2):
            self.assertGreater(sum(row[cpu] for row in counts.values()), 4, counts)


if __name__ == '__main__':
    guest.main()
