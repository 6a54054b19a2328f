#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What scripts/install makes works without the checkout and without the host's
firmware, and can be moved."""

import os
import shutil
import subprocess
import tempfile

import guest

TOP = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..'))
# Empty folders over these, in a mount namespace of QEMU's own
HIDDEN = [TOP, os.path.realpath(guest.BUILD), os.path.realpath(os.path.dirname(guest.QEMU)),
          '/usr/share/qemu', '/usr/share/seabios', '/usr/lib/ipxe', '/usr/share/OVMF']
HIDE = ('n=$1; shift; while [ $n -gt 0 ]; do [ ! -d "$1" ] || mount -t tmpfs none "$1" || exit 99; '
        'shift; n=$((n - 1)); done; cd /; exec "$@"')


class Install(guest.TestCase):

    def install(self, *options):
        work = tempfile.mkdtemp(prefix='qpv-inst-')
        self.addCleanup(shutil.rmtree, work)
        prefix = os.path.join(work, 'a folder')
        done = subprocess.run([os.path.join(TOP, 'scripts', 'install'), '--prefix', prefix, *options],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, timeout=300, encoding='utf-8',
                              env=dict(os.environ, QPV_BUILD=os.path.realpath(guest.BUILD)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.strip(), os.path.join(prefix, 'bin', 'qemu-system-x86_64'))
        moved = os.path.join(work, 'moved')
        os.rename(prefix, moved)
        return moved

    def test_boots_without_the_checkout(self):
        if subprocess.run(['unshare', '-m', 'true'], check=False, stderr=subprocess.DEVNULL).returncode:
            self.skipTest('no mount namespace of our own here: needs root')
        prefix = self.install('--strip')
        for name in ('share/doc/qemu-paravisor/LICENSE', 'share/doc/qemu-paravisor/libvirt/mana.xml',
                     'share/qemu/bios-256k.bin', 'bin/qemu-img'):
            self.assertTrue(os.path.exists(os.path.join(prefix, name)), name)
        program = os.path.join(prefix, 'bin', 'qemu-system-x86_64')
        version = subprocess.run([program, '--version'], check=True, timeout=60, encoding='utf-8',
                                 stdout=subprocess.PIPE).stdout
        self.assertRegex(version, r'QEMU emulator version 10\.0\.\d+ \(qemu-paravisor \d+\.\d+\)')
        vm = self.guest(start=False, disks=['64M'])
        kernel = shutil.copy(guest.asset('kernels', guest.KERNEL, 'vmlinuz'), vm.work)
        argv = [program] + vm.argv[1:]
        argv[argv.index('-kernel') + 1] = kernel
        hidden = [path for path in HIDDEN if not vm.work.startswith(path + '/')]
        vm.argv = ['unshare', '-m', 'sh', '-c', HIDE, 'sh', str(len(hidden))] + hidden + argv
        vm.boot()
        self.assertEqual(vm.sh('cat /sys/block/sda/size').strip(), str((64 << 20) // 512))

    def test_says_what_is_wrong(self):
        for words, text in (([], 'where to?'), (['--prefix', '/proc/nowhere'], 'cannot write')):
            done = subprocess.run([os.path.join(TOP, 'scripts', 'install')] + words, check=False,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, timeout=60, encoding='utf-8',
                                  env=dict(os.environ, QPV_BUILD=os.path.realpath(guest.BUILD)))
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(text, done.stderr)


if __name__ == '__main__':
    guest.main()
