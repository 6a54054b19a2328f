#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the guides say to type is taken by QEMU: command lines, monitor and QMP commands,
trace events, properties with their devices.  No guest runs."""

import fnmatch
import glob
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time

import guest

DOCS = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs'))
OVMF_VARS = '/usr/share/OVMF/OVMF_VARS_4M.fd'
# Whose properties docs/system/devices/NAME.rst describes, if not those of NAME
DEVICES = {'hv-ics': ['hv-ic-shutdown', 'hv-ic-heartbeat', 'hv-ic-timesync', 'hv-ic-kvp',
                      'hv-ic-vss', 'hv-ic-fcopy']}


def texts():
    """{path below docs: text}"""
    found = {}
    for path in glob.glob(DOCS + '/**/*.rst', recursive=True):
        with open(path, encoding='utf-8') as text:
            found[os.path.relpath(path, DOCS)] = text.read()
    return found


def command_lines():
    """(file, words behind the program's name) of each complete QEMU command line"""
    for name, text in texts().items():
        for block in re.findall(r'(?m)^  \|qemu_system\|((?:.*\\\\\n)*.*)$', text):
            words = shlex.split(block.replace('\\\\\n', ' '))
            if '[-device' in words:
                continue
            while words[-1] == '...':
                words.pop()
            if '...' not in words:
                yield name, words


class Docs(guest.TestCase):

    def setUp(self):
        self.work = tempfile.mkdtemp(prefix='qpv-docs-')
        self.addCleanup(shutil.rmtree, self.work)
        if not os.path.exists(guest.QEMU):
            self.skipTest('missing %s (scripts/test makes it)' % guest.QEMU)

    def qemu(self, *words):
        """QMP of a QEMU that waits for `cont`"""
        path = os.path.join(self.work, 'qmp')
        log = os.path.join(self.work, 'log')
        with open(log, 'wb') as out:
            proc = subprocess.Popen(
                [os.path.realpath(guest.QEMU), *words, '-S', '-display', 'none', '-monitor', 'none',
                 '-serial', 'null', '-qmp', 'unix:%s,server=on,wait=off' % path], cwd=self.work,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.addCleanup(self.end, proc)
        try:
            return guest.Qmp(path, time.monotonic() + 30 * guest.SLOWNESS, proc), proc
        except (OSError, guest.GuestError):
            with open(log, encoding='utf-8') as said:
                self.fail('%s\n%s' % (shlex.join(words), said.read()))

    @staticmethod
    def end(proc):
        proc.kill()
        proc.wait()

    def test_command_lines(self):
        for name, source in (('vmlinuz', ('kernels', guest.KERNEL, 'vmlinuz')),
                             ('initrd.img', ('guest', 'base.img'))):
            os.symlink(os.path.realpath(guest.asset(*source)), os.path.join(self.work, name))
        with open(os.path.join(self.work, 'boot.img'), 'wb') as disk:
            disk.truncate(1 << 20)
        if os.path.exists(OVMF_VARS):
            shutil.copy(OVMF_VARS, os.path.join(self.work, 'vars.fd'))
        lines = list(command_lines())
        self.assertGreater(len(lines), 10)
        for name, words in lines:
            for kind, suffix in (('raw', 'img'), ('qcow2', 'qcow2')):
                subprocess.run([os.path.realpath(guest.asset('obj', 'qemu-img')), 'create', '-q',
                                '-f', kind, 'disk.' + suffix, '64M'],
                               cwd=self.work, check=True, timeout=60)
            # a tap would need root
            words = [re.sub(r'^tap,', 'user,', word) for word in words]
            qmp, proc = self.qemu(*words)
            self.assertEqual(qmp.command('query-status', {})['status'], 'prelaunch', name)
            qmp.command('quit', {})
            self.assertEqual(proc.wait(30 * guest.SLOWNESS), 0, name)

    def test_monitor_commands(self):
        qmp, _ = self.qemu('-machine', 'q35')
        known = {c['name'] for c in qmp.command('query-commands', {})}
        info = qmp.command('human-monitor-command', {'command-line': 'help info'})
        for name, text in texts().items():
            for command in re.findall(r'"execute": "([^"]*)"', text):
                self.assertIn(command, known, name)
            for command in re.findall(r'``info ([a-z-]+)', text):
                self.assertIn('info %s ' % command, info, name)

    def test_trace_events(self):
        done = subprocess.run([guest.QEMU, '-trace', 'help'], check=True, encoding='utf-8',
                              stdout=subprocess.PIPE, timeout=60)
        known = set(done.stdout.split())
        text = texts()
        # literal lines of the packet's path are events
        for block in re.findall(r'(?ms)::\n\n((?:  .*\n)+)', text['system/packet-path.rst']):
            for event in re.findall(r'(?m)^  ([a-z][A-Za-z_]+) ', block):
                self.assertTrue(event in known, event)
        for name in text:
            for pattern in re.findall(r'``([a-z_]+_\*)``', text[name]):
                self.assertTrue(fnmatch.filter(known, pattern), '%s: %s' % (name, pattern))

    def test_table_of_guests(self):
        """Its cells are the guest tests of meson.build, and all of these"""
        with open(os.path.join(DOCS, '..', 'meson.build'), encoding='utf-8') as text:
            meson = text.read()
        want = set()
        kernels = re.search(r"(?m)^kernels = \[(.*)\]", meson).group(1)
        for group in 'guest_tests', 'more_guest_tests':
            rows = re.search(r'(?ms)^%s = \[\n(.*?)^\]' % group, meson).group(1)
            for name, versions in re.findall(r"\['test_(\w+)\.py', (kernels|\[[^]]*\])", rows):
                for version in re.findall(r"'([\d.]+)'", kernels if versions == 'kernels' else versions):
                    want.add((name, version))
        want -= {('docs', '6.12')}
        lines = texts()['system/guests.rst'].splitlines()
        rules = [i for i, line in enumerate(lines) if re.match(r'=+ =+ =+ =+$', line)]
        spans = [match.span() for match in re.finditer('=+', lines[rules[0]])]
        versions = [lines[rules[0] + 1][a:].split()[1] for a, _ in spans[1:]]
        found = set()
        for line in lines[rules[1] + 1:rules[2]]:
            for version, (a, b) in zip(versions, spans[1:]):
                for cell in re.sub(r'\([^)]*\)', '', line[a:b]).split(','):
                    if cell.strip():
                        found.add((cell.strip(), version))
        self.assertEqual(found, want)

    def test_example_compiles(self):
        """The device of devel/adding-a-device, with the flags of those beside which it goes"""
        base = os.path.realpath(os.path.join(guest.BUILD, guest.VARIANT))
        with open(guest.asset(guest.VARIANT, 'compile_commands.json'), encoding='utf-8') as text:
            commands = json.load(text)
        for name, model in (('hv-echo.c', 'hw/paravisor/hv-disk.c'),
                            ('hv-echo-test.c', 'tests/qtest/paravisor/hv-scsi-test.c')):
            entry, = [c for c in commands if c['file'].endswith('/' + model)]
            folder = os.path.dirname(os.path.join(base, entry['file']))
            words = shlex.split(entry['command'])
            for option in '-o', '-MF', '-MQ', '-c':
                if option in words:
                    at = words.index(option)
                    del words[at:at + 2]
            done = subprocess.run(words + ['-I', folder, '-fsyntax-only',
                                           os.path.join(DOCS, 'devel', 'example', name)], cwd=base,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                                  timeout=120, encoding='utf-8')
            self.assertEqual((done.returncode, done.stdout), (0, ''), name)

    def test_properties(self):
        qmp, _ = self.qemu('-machine', 'q35')
        for path, text in texts().items():
            name = os.path.splitext(os.path.basename(path))[0]
            if os.path.dirname(path) != 'system/devices':
                continue
            known = set()
            for device in DEVICES.get(name, [name]):
                known |= {p['name'] for p in qmp.command('device-list-properties', {'typename': device})}
            section = re.search(r'(?ms)^Properties\n-+\n(.*?)(?=^\S[^\n]*\n---|\Z)', text)
            if not section:
                continue
            for line in re.findall(r'(?m)^``.*$', section.group(1)):
                # ``name=value`` or ``name``, before a remark in brackets
                for word in re.findall(r'``([^`]*)``', line.split('(')[0]):
                    self.assertIn(word.split('=')[0], known, '%s: %s' % (path, line))


if __name__ == '__main__':
    guest.main()
