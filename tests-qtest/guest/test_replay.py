#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Record and replay of VMBus disk and network traffic: two replays do what the
recorded run did, instruction by instruction."""

import os
import shutil
import subprocess

import guest

WORK = '''busybox ip addr add 10.0.2.15/24 dev eth0 && busybox ip link set eth0 up || exit 1
until ping -c1 -W1 10.0.2.2 >/dev/null; do :; done
dd if=/dev/urandom of=/dev/sda bs=64k count=8 oflag=direct 2>/dev/null || exit 1
echo sum $(dd if=/dev/sda bs=64k count=8 iflag=direct 2>/dev/null | sha256sum)
cat /proc/uptime /proc/interrupts
'''
TRACES = ('hvbus_*', 'storvsp_*', 'netvsp_*', 'hv_synic*')


class Replay(guest.TestCase):

    def play(self, vm, mode, name):
        """Run to the guest's power off; {kind of output: text}"""
        paths = {kind: os.path.join(vm.work, name + '.' + kind)
                 for kind in ('console', 'out', 'status', 'trace')}
        disk = os.path.join(vm.work, name + '.qcow2')
        shutil.copyfile(os.path.join(vm.work, 'disk'), disk)
        argv = [guest.QEMU, '-accel', 'tcg', '-machine', 'q35', '-cpu', guest.CPU, '-m', '512M',
                '-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none',
                '-icount', 'shift=auto,rr=%s,rrfile=%s/rr.bin' % (mode, vm.work),
                '-kernel', guest.asset('kernels', guest.KERNEL, 'vmlinuz'),
                '-initrd', os.path.join(vm.work, 'initrd.img'),
                '-append', 'console=ttyS0 panic=-1 qpv.mode=exec qpv.disks=1 '
                'qpv.load=hv_vmbus,hv_storvsc,hv_netvsc,sd_mod',
                '-device', 'hv-vmbus', '-device', 'hv-scsi,id=s0',
                '-drive', 'driver=qcow2,if=none,id=img,file=' + disk,
                '-drive', 'driver=blkreplay,if=none,id=rr0,image=img',
                '-device', 'scsi-hd,bus=s0.0,drive=rr0',
                '-netdev', 'user,id=n0,restrict=on',
                '-device', 'hv-net,netdev=n0,mac=52:54:00:12:34:56',
                '-object', 'filter-replay,id=f0,netdev=n0', '-D', paths['trace']]
        for pattern in TRACES:
            argv += ['-trace', pattern]
        for kind in ('console', 'out', 'status'):
            argv += ['-serial', 'file:' + paths[kind]]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.STDOUT, timeout=240, encoding='utf-8')
        self.assertEqual(done.returncode, 0, done.stdout)
        result = {}
        for kind, path in paths.items():
            with open(path, encoding='utf-8', errors='replace') as text:
                result[kind] = text.read()
        return result

    def test_two_replays_are_the_same(self):
        vm = self.guest(start=False, files={'qpv/exec': WORK.encode()})
        subprocess.run([guest.asset('obj', 'qemu-img'), 'create', '-q', '-f', 'qcow2',
                        os.path.join(vm.work, 'disk'), '64M'], check=True, timeout=60)
        runs = [self.play(vm, mode, name) for mode, name in (
            ('record', 'first'), ('replay', 'second'), ('replay', 'third'))]
        self.assertEqual(runs[0]['status'].strip(), '0', runs[0]['out'])
        self.assertIn('sum ', runs[0]['out'])
        for event in ('storvsp_start', 'netvsp_tx ', 'netvsp_rx ', 'hvbus_send'):
            self.assertIn(event, runs[0]['trace'])
        for run in runs[1:]:
            for kind, text in run.items():
                # not assertEqual: the difference of such texts takes minutes
                self.assertTrue(text == runs[0][kind], kind + ' differs')


if __name__ == '__main__':
    guest.main()
