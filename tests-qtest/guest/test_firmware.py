#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""OVMF starts the guest: from an NVMe disk of the board's, as it knows no VMBus, and with
-kernel.  Disk and card of the running system are on VMBus all the same."""

import os
import shutil
import tempfile

import guest
import test_configs

CODE, VARS = '/usr/share/OVMF/OVMF_CODE_4M.fd', '/usr/share/OVMF/OVMF_VARS_4M.fd'
APPEND = 'console=ttyS0 panic=-1 qpv.mode=agent'
# what OVMF's shell runs when nothing else can be booted
SCRIPT = '@echo -off\r\nfs0:\\vmlinuz.efi initrd=\\initrd.img %s\r\n' % APPEND
FILL = '''set -e
modprobe -a vfat nls_cp437 nls_ascii
mkdosfs /dev/%(disk)s >/dev/null
mount -t vfat /dev/%(disk)s /mnt
cp /boot/vmlinuz /mnt/vmlinuz.efi
cp /boot/initrd.img /boot/startup.nsh /mnt/
umount /mnt
'''


class Firmware(guest.TestCase):

    def ovmf(self, vm):
        """Arguments for OVMF with variables of the guest's own"""
        if not os.path.exists(CODE):
            self.skipTest('no OVMF')
        variables = shutil.copy(VARS, os.path.join(vm.work, 'vars.fd'))
        return ['-drive', 'if=pflash,unit=0,format=raw,readonly=on,file=' + CODE,
                '-drive', 'if=pflash,unit=1,format=raw,file=' + variables]

    def check_vmbus(self, vm):
        vm.sh('modprobe -a hv_storvsc hv_netvsc sd_mod')
        vm.sh('test -d /sys/firmware/efi')
        self.assertIn('Hyper-V', vm.dmesg())
        vm.wait_until('ls /sys/block/sda')
        vm.sh('dd if=/dev/urandom of=/run/a bs=64k count=8 2>/dev/null && '
              'dd if=/run/a of=/dev/sda bs=64k oflag=direct 2>/dev/null && '
              'dd if=/dev/sda bs=64k count=8 iflag=direct 2>/dev/null | cmp - /run/a')
        vm.wait_until('ip link set eth0 up && udhcpc -q -n -t 5 -T 1 -i eth0 -s /bin/true')

    def boot_disk(self):
        """A FAT disk with the kernel, written through hv-scsi"""
        files = {'boot/startup.nsh': SCRIPT.encode(),
                 'boot/vmlinuz': guest.asset('kernels', guest.KERNEL, 'vmlinuz')}
        vm = self.guest(start=False, disks=['128M'], append='qpv.load=hv_vmbus,hv_storvsc,sd_mod')
        with open(os.path.join(vm.work, 'initrd.img'), 'r+b') as initrd:
            files['boot/initrd.img'] = initrd.read()
            initrd.write(guest.cpio(files))
        vm.boot()
        vm.sh(FILL % {'disk': vm.disk(0)})
        vm.check_dmesg()
        work = tempfile.mkdtemp(prefix='qpv-firmware-')
        self.addCleanup(shutil.rmtree, work)
        vm.qmp('quit')
        vm.wait_exit()
        return shutil.move(os.path.join(vm.work, 'disk0'), work)

    def test_boots_from_nvme(self):
        disk = self.boot_disk()
        vm = self.guest(start=False, kernel_boot=False, disks=['64M'], boot_timeout=240)
        vm.argv += self.ovmf(vm) + [
            '-blockdev', 'raw,node-name=boot,file.driver=file,file.filename=%s' % disk,
            '-device', 'nvme,serial=boot,drive=boot,bootindex=0',
            '-netdev', 'user,id=wire', '-device', 'hv-net,netdev=wire']
        vm.boot()
        self.check_vmbus(vm)

    def test_kernel_option_in_boost(self):
        vm = self.guest(start=False, boot_timeout=240)
        vm.argv += self.ovmf(vm) + ['-blockdev', vm.blockdev('disk0', '64M'),
                                    '-netdev', 'user,id=wire'] + test_configs.BOOST
        vm.boot()
        self.check_vmbus(vm)


if __name__ == '__main__':
    guest.main()
