#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Record and replay of VMBus disk and network traffic, also by way of an adapter in VTL2:
replays do what the recorded run did, instruction by instruction; to be stopped on the
way changes nothing."""

import os
import shutil
import subprocess
import time

import guest

WORK = '''busybox ip addr add 10.0.2.15/24 dev eth0 && busybox ip link set eth0 up || exit 1
until ping -c1 -W1 10.0.2.2 >/dev/null; do :; done
dd if=/dev/urandom of=/dev/sda bs=64k count=8 oflag=direct 2>/dev/null || exit 1
echo sum $(dd if=/dev/sda bs=64k count=8 iflag=direct 2>/dev/null | sha256sum)
cat /proc/uptime /proc/interrupts
'''
TRACES = ('hvbus_*', 'storvsp_*', 'netvsp_*', 'hv_synic*', 'mana_*', 'gdma_*', 'vtl2_interrupt')
MAC = 'mac=52:54:00:12:34:56'
CARD = ('-device', 'hv-net,netdev=n0,' + MAC)
BOOST_CARD = ('-device', 'paravisor', '-device', 'mana,id=m0,bus=vtl2.0,netdev=n0,' + MAC,
              '-device', 'hv-net,mana=m0')
DISK = ('-device', 'scsi-hd,bus=s0.0,drive=rr0')
BOOST_DISK = ('-device', 'paravisor', '-device', 'nvme,id=nvme0,bus=vtl2.0,serial=1,drive=rr0',
              '-device', 'hv-disk,bus=s0.0,nvme=nvme0,nsid=1')


class Replay(guest.TestCase):

    def stop_and_go(self, qemu, path):
        """Until QEMU ends; how often."""
        monitor = guest.Qmp(path, time.monotonic() + 30, qemu)
        count = 0
        while qemu.poll() is None:
            try:
                monitor.command('stop', {})
                monitor.command('cont', {})
                count += 1
            except (guest.GuestError, OSError):
                break
            time.sleep(0.3)
        return count

    def command(self, vm, mode, name, devices):
        """(paths of the output by kind, command line, path of the monitor)"""
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
                '-netdev', 'user,id=n0,restrict=on',
                '-object', 'filter-replay,id=f0,netdev=n0', '-D', paths['trace'], *devices]
        for pattern in TRACES:
            argv += ['-trace', pattern]
        for kind in ('console', 'out', 'status'):
            argv += ['-serial', 'file:' + paths[kind]]
        # it is there in each run: the command lines are the same
        qmp = os.path.join(vm.work, name + '.qmp')
        argv += ['-qmp', 'unix:%s,server=on,wait=off' % qmp]
        return paths, argv, qmp

    def play(self, vm, mode, name, devices, stops=False):
        """Run to the guest's power off; {kind of output: text}"""
        paths, argv, qmp = self.command(vm, mode, name, devices)
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, encoding='utf-8') as qemu:
            try:
                if stops:
                    self.assertGreater(self.stop_and_go(qemu, qmp), 5)
                text, _ = qemu.communicate(timeout=240)
            finally:
                qemu.kill()
        self.assertEqual(qemu.returncode, 0, text)
        result = {}
        for kind, path in paths.items():
            with open(path, encoding='utf-8', errors='replace') as text:
                result[kind] = text.read()
        return result

    def prepare(self):
        vm = self.guest(start=False, files={'qpv/exec': WORK.encode()})
        subprocess.run([guest.asset('obj', 'qemu-img'), 'create', '-q', '-f', 'qcow2',
                        os.path.join(vm.work, 'disk'), '64M'], check=True, timeout=60)
        return vm

    def compare(self, runs, events):
        self.assertEqual(runs[0]['status'].strip(), '0', runs[0]['out'])
        self.assertIn('sum ', runs[0]['out'])
        for event in ('storvsp_start', 'netvsp_tx ', 'netvsp_rx ', 'hvbus_send') + events:
            self.assertIn(event, runs[0]['trace'])
        for run in runs[1:]:
            for kind, text in run.items():
                # not assertEqual: the difference of such texts takes minutes
                self.assertTrue(text == runs[0][kind], kind + ' differs')

    def test_two_replays_are_the_same(self):
        vm = self.prepare()
        devices = CARD + DISK
        self.compare([self.play(vm, 'record', 'first', devices),
                      self.play(vm, 'replay', 'second', devices),
                      self.play(vm, 'replay', 'third', devices, stops=True)], ())

    def test_replay_with_an_adapter_in_vtl2(self):
        vm = self.prepare()
        devices = BOOST_CARD + DISK
        self.compare([self.play(vm, 'record', 'first', devices),
                      self.play(vm, 'replay', 'second', devices)],
                     ('mana_drv_send ', 'mana_drv_receive ', 'gdma_doorbell ', 'vtl2_interrupt '))

    def test_nvme_in_vtl2_is_refused(self):
        vm = self.prepare()
        _, argv, _ = self.command(vm, 'record', 'first', CARD + BOOST_DISK)
        qemu = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              encoding='utf-8', timeout=60)
        self.assertEqual(qemu.returncode, 1, qemu.stderr)
        self.assertIn('hv-disk does not work with record and replay; use a scsi-hd', qemu.stderr)


if __name__ == '__main__':
    guest.main()
