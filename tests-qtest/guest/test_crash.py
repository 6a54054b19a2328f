#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A Linux guest panics: the event with the crash parameters, the kernel log in
the guest's memory, a dump that gdb opens."""

import os
import re
import shutil
import struct
import subprocess

import guest

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS = 1


class Core:
    """An ELF core file, read by hand"""

    def __init__(self, path):
        with open(path, 'rb') as core:
            self.data = core.read()
        (magic, self.type, self.machine, phoff, count) = struct.unpack_from(
            '<16sHH12xQ16xH', self.data)
        assert magic[:6] == b'\x7fELF\x02\x01', magic
        # type, flags, offset, virtual and physical address, two sizes
        self.segments = [struct.unpack_from('<IIQQQQQ', self.data, phoff + 56 * i)
                         for i in range(count)]

    def notes(self):
        """[(name, type)]"""
        found = []
        for kind, _, offset, _, _, size, _ in self.segments:
            end = offset + size
            while kind == PT_NOTE and offset + 12 <= end:
                name, desc, what = struct.unpack_from('<III', self.data, offset)
                text = self.data[offset + 12:offset + 12 + name].rstrip(b'\0').decode()
                found.append((text, what))
                offset += 12 + (name + 3 & ~3) + (desc + 3 & ~3)
        return found

    def physical(self, gpa, count):
        for kind, _, offset, _, base, size, _ in self.segments:
            if kind == PT_LOAD and base <= gpa and gpa + count <= base + size:
                return self.data[offset + gpa - base:][:count]
        raise AssertionError('no segment with 0x%x' % gpa)


class Crash(guest.TestCase):

    def panicked(self):
        """A guest that has panicked, the parameters, and its last words"""
        vm = self.guest(args=['-action', 'panic=pause'], smp=2, memory='256M', dmesg_ok=False)
        vm.send('echo c >/proc/sysrq-trigger')
        event = vm.monitor.wait_event('GUEST_PANICKED')['data']
        self.assertEqual(event['action'], 'pause')
        self.assertEqual(event['info']['type'], 'hyper-v')
        params = [event['info']['arg%d' % i] for i in range(1, 6)]
        self.assertEqual(vm.qmp('query-status')['status'], 'guest-panicked')
        self.assertEqual(vm.qmp('query-hyperv')['vtls'][0]['crash'], params)
        # Linux puts the end of its log into a page and tells which
        gpa, count = params[3:]
        self.assertTrue(0 < count <= 4096, params)
        path = os.path.join(vm.work, 'page')
        vm.qmp('pmemsave', val=gpa, size=count, filename=path)
        with open(path, 'rb') as page:
            message = page.read()
        self.assertIn(b'Kernel panic - not syncing', message)
        return vm, gpa, message

    def test_event_has_the_parameters(self):
        vm, _, message = self.panicked()
        self.assertIn(b'sysrq', message)
        # as the console says; the guest goes on with a fresh start
        self.assertIn('Kernel panic - not syncing', vm.console())
        vm.qmp('system_reset')
        vm.qmp('cont')
        vm.wait_ready()
        self.assertEqual(vm.qmp('query-hyperv')['vtls'][0]['crash'], [0] * 5)

    def test_dump_opens_in_gdb(self):
        vm, gpa, message = self.panicked()
        path = os.path.join(vm.work, 'core')
        vm.qmp('dump-guest-memory', paging=False, protocol='file:' + path, timeout=120)
        core = Core(path)
        self.assertEqual((core.type, core.machine), (4, 62))       # ET_CORE, x86-64
        self.assertEqual(core.notes().count(('CORE', NT_PRSTATUS)), 2)
        self.assertEqual([name for name, _ in core.notes()].count('QEMU'), 2)
        self.assertEqual(core.physical(gpa, len(message)), message)
        if not shutil.which('gdb'):
            self.skipTest('the dump is good; no gdb to open it with')
        out = subprocess.run(['gdb', '-nx', '-batch', '-ex', 'core-file ' + path,
                              '-ex', 'info threads', '-ex', 'thread 1', '-ex', 'info registers rip rsp'],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                             stderr=subprocess.STDOUT, timeout=60, encoding='utf-8').stdout
        self.assertEqual(len(re.findall(r'(?m)^[ *] +[12] ', out)), 2, out)
        # one CPU is in the kernel
        self.assertRegex(out, r'rip +0xffffffff[0-9a-f]{8}')


if __name__ == '__main__':
    guest.main()
