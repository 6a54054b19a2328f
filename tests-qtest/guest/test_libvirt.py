#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's libvirt runs the domains of docs/system/libvirt.

Nothing of the machine's own libvirt is used: a daemon in session mode has all of
its files in a work folder. Root becomes nobody for it, as libvirt's session mode
is for users.
"""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import tempfile
import termios
import time
import unittest

import guest

XML = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   '..', '..', 'docs', 'system', 'libvirt')
# As in the XML files
EMULATOR = '/opt/qemu-paravisor/bin/qemu-system-x86_64'
IMAGES = '/var/lib/libvirt/images/'
NOBODY = 65534
LOAD = 'hv_vmbus,hv_storvsc,hv_utils,hv_netvsc,pci-hyperv,nvme,mana,sd_mod'
PROMPT = 'qemu-paravisor test guest'
# The guest's init is a shell script, which does not know of signals.
POWEROFF = b'#!/bin/sh\nexec /bin/busybox poweroff -f\n'


class Session:
    """A libvirt daemon with folders of its own."""

    def __init__(self):
        self.work = tempfile.mkdtemp(prefix='qpv-lv-')
        self.daemon = None
        self.env = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': self.work, 'LC_ALL': 'C.UTF-8',
                    'LIBVIRT_DEFAULT_URI': 'qemu:///session'}
        for name in ('runtime_dir', 'config_home', 'cache_home', 'data_home'):
            self.env['XDG_' + name.upper()] = self.path(name[:-4].rstrip('_'))
        self.write('config/libvirt/qemu.conf', b'stdio_handler = "file"\n')
        self.user = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []} if os.getuid() == 0 else {}
        for name in ('runtime', 'cache', 'data'):
            os.makedirs(self.path(name), 0o700)
        self.emulator = self.reachable(os.path.realpath(guest.QEMU))
        self.give_away()

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), 'wb') as out:
            out.write(data)
        return self.path(name)

    def reachable(self, program):
        """PROGRAM, or a copy if the checkout is in a folder closed to others."""
        if subprocess.run(['test', '-x', program], check=False, **self.user).returncode:
            program = shutil.copy2(program, self.path('qemu-system-x86_64'))
            os.chmod(program, 0o755)
        return program

    def give_away(self):
        if self.user:
            for folder, _, files in os.walk(self.work):
                for path in [folder] + [os.path.join(folder, name) for name in files]:
                    os.lchown(path, NOBODY, NOBODY)

    def start(self):
        program = shutil.which('libvirtd', path=self.env['PATH']) or \
            shutil.which('virtqemud', path=self.env['PATH'])
        with open(self.path('daemon.log'), 'wb') as log:
            self.daemon = subprocess.Popen([program], stdin=subprocess.DEVNULL, stdout=log,
                                           stderr=log, env=self.env, cwd='/', **self.user)
        end = time.monotonic() + 30 * guest.SLOWNESS
        while self.call('uri')[0] or self.call('list')[0]:
            if time.monotonic() > end or self.daemon.poll() is not None:
                raise guest.GuestError('libvirt did not start: ' + self.log())
            time.sleep(0.1)

    def log(self):
        with open(self.path('daemon.log'), encoding='utf-8', errors='replace') as text:
            return text.read()[-3000:]

    def call(self, *words, timeout=90):
        """(exit status, output) of a virsh command"""
        done = subprocess.run(['virsh', '-q', *words], env=self.env, cwd='/', check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout * guest.SLOWNESS,
                              encoding='utf-8', errors='replace', **self.user)
        return done.returncode, done.stdout

    def virsh(self, *words, timeout=90):
        """Output of a virsh command that must succeed"""
        status, out = self.call(*words, timeout=timeout)
        if status:
            raise AssertionError('virsh %s: %s' % (' '.join(words), out))
        return out

    def stop(self):
        if self.daemon and self.daemon.poll() is None:
            for name in self.call('list', '--name')[1].split():
                self.call('destroy', name)
            self.daemon.terminate()
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
        if not os.environ.get('QPV_KEEP'):
            shutil.rmtree(self.work, ignore_errors=True)


class Console:
    """`virsh console` on a terminal of its own"""

    def __init__(self, session, name):
        self.master, slave = pty.openpty()
        if session.user:
            os.fchown(slave, NOBODY, -1)
        self.proc = subprocess.Popen(['virsh', 'console', '--force', name], env=session.env,
                                     cwd='/', stdin=slave, stdout=slave, stderr=slave,
                                     start_new_session=True, **session.user)
        os.close(slave)
        self.text = ''
        self.wait('Escape character')
        self.wait_raw()

    def wait_raw(self):
        """What is typed before virsh takes the terminal, which is after its greeting, is lost."""
        end = time.monotonic() + 60 * guest.SLOWNESS
        while termios.tcgetattr(self.master)[3] & termios.ICANON:
            if time.monotonic() > end:
                raise guest.GuestError('virsh does not take its terminal: %s' % self.text)
            time.sleep(0.01)

    def wait(self, pattern, timeout=60):
        """Read to a regular expression; what came before goes."""
        end = time.monotonic() + timeout * guest.SLOWNESS
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            if time.monotonic() > end:
                raise guest.GuestError('the console does not say %r: %s' % (pattern, self.text))
            if select.select([self.master], [], [], 0.5)[0]:
                self.text += os.read(self.master, 4096).decode('utf-8', 'replace')

    def type(self, line):
        os.write(self.master, line.encode() + b'\n')

    def sh(self, command):
        """Output of a command of the guest's shell"""
        # the marker in the echo of the line is not the marker
        self.type(command + '; echo "@"@$?@')
        out = self.text
        match = self.wait(r'(?s)(.*)@@(\d+)@')
        if match.group(2) != '0':
            raise AssertionError('%r: %s%s' % (command, out, match.group(1)))
        return match.group(1)

    def close(self):
        try:
            os.write(self.master, b'\x1d')
            self.proc.wait(5)
        except (OSError, subprocess.TimeoutExpired):
            self.proc.kill()
            self.proc.wait()
        os.close(self.master)


class Libvirt(guest.TestCase):

    @classmethod
    def setUpClass(cls):
        if not shutil.which('virsh') or not os.path.exists(guest.QEMU):
            raise unittest.SkipTest('no virsh or no %s (scripts/test sees to both)' % guest.QEMU)
        cls.session = Session()
        cls.addClassCleanup(cls.session.stop)
        cls.session.start()

    def define(self, name):
        """Define the domain of NAME.xml with files of ours"""
        session = self.session
        with open(os.path.join(XML, name + '.xml'), encoding='utf-8') as source:
            xml = source.read()
        parts = []
        for part in (('guest', 'base.img'), ('kernels', guest.KERNEL, 'modules.img')):
            with open(guest.asset(*part), 'rb') as image:
                parts.append(image.read())
        parts.append(guest.cpio({'sbin/poweroff': POWEROFF}))
        session.write('initrd.img', b''.join(parts))
        shutil.copyfile(guest.asset('kernels', guest.KERNEL, 'vmlinuz'), session.path('vmlinuz'))
        subprocess.run([guest.asset('obj', 'qemu-img'), 'create', '-q', '-f', 'qcow2',
                        session.path('guest.qcow2'), '64M'], check=True, timeout=60)
        for old, new in ((EMULATOR, session.emulator), (IMAGES, session.work + '/'),
                         (re.search(r'root=/dev/\w+', xml).group(), 'panic=-1 qpv.disks=1 qpv.load=' + LOAD)):
            self.assertIn(old, xml)
            xml = xml.replace(old, new)
        path = session.write(name + '.xml', xml.encode())
        session.give_away()
        session.virsh('define', '--validate', path)
        self.addCleanup(session.call, 'undefine', name, '--managed-save', '--snapshots-metadata')
        self.addCleanup(session.call, 'destroy', name)

    def boot(self, name):
        """Start the domain; its console, with the shell's prompt read"""
        self.session.virsh('start', '--paused', name)
        console = Console(self.session, name)
        self.addCleanup(console.close)
        self.session.virsh('resume', name)
        console.wait(PROMPT, 180)
        return console

    def console(self, name):
        console = Console(self.session, name)
        self.addCleanup(console.close)
        console.type('')
        return console

    def wait_state(self, name, state, timeout=30):
        end = time.monotonic() + timeout * guest.SLOWNESS
        while self.session.virsh('domstate', name).strip() != state:
            if time.monotonic() > end:
                self.fail('%s is not %s: %s' % (name, state, self.session.virsh('domstate', name)))
            time.sleep(0.1)

    def qmp(self, name, command, **arguments):
        text = self.session.virsh('qemu-monitor-command', name, json.dumps(
            {'execute': command, 'arguments': arguments}))
        answer = json.loads(text)
        self.assertIn('return', answer)
        return answer['return']

    def channels(self, name):
        """Types of the open channels"""
        bus, = self.qmp(name, 'query-vmbus')
        return [c['type'] for c in bus['channels'] if c['state'] == 'open']

    def shut_down(self, name):
        """By the shutdown service: the guest has no driver for the power button"""
        self.assertIn('hv-ic-shutdown', self.channels(name))
        self.session.virsh('shutdown', name)
        self.wait_state(name, 'shut off')
        self.session.virsh('undefine', name)
        self.assertNotIn(name, self.session.virsh('list', '--all', '--name').split())

    def test_documented_domains_are_valid(self):
        names = sorted(name for name in os.listdir(XML) if name.endswith('.xml'))
        self.assertGreaterEqual(len(names), 6)
        for name in names:
            done = subprocess.run(['virt-xml-validate', os.path.join(XML, name), 'domain'],
                                  check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  timeout=60, encoding='utf-8')
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_capabilities_are_probed(self):
        text = self.session.virsh('domcapabilities', '--emulatorbin', self.session.emulator,
                                  '--virttype', 'qemu', '--machine', 'q35')
        for word in ('<domain>qemu</domain>', '<machine>pc-q35-10.0</machine>',
                     "<mode name='maximum' supported='yes'>", '<value>scsi</value>'):
            self.assertIn(word, text)

    def test_life_with_disk_and_card(self):
        name = 'hv-scsi-net'
        self.define(name)
        console = self.boot(name)
        self.assertIn('sda', console.sh('ls /sys/block'))
        self.assertIn('hv_netvsc', console.sh('readlink /sys/class/net/eth0/device/driver'))
        for kind in ('hv-scsi', 'hv-net', 'hv-ic-shutdown', 'hv-ic-heartbeat'):
            self.assertIn(kind, self.channels(name))
        self.assertIn('channel 1', self.session.virsh(
            'qemu-monitor-command', name, '--hmp', 'info vmbus'))
        console.sh('echo before >/dev/sda; sync; echo alive >/run/state')

        self.session.virsh('snapshot-create-as', name, 's1')
        console.sh('rm /run/state; echo after >/dev/sda; sync')
        self.session.virsh('snapshot-revert', name, 's1')
        console = self.console(name)
        self.assertIn('alive', console.sh('cat /run/state'))
        self.assertIn('before', console.sh('dd if=/dev/sda bs=512 count=1 iflag=direct 2>/dev/null'))
        self.session.virsh('snapshot-delete', name, 's1')

        self.session.virsh('managedsave', name)
        self.wait_state(name, 'shut off')
        self.session.virsh('start', name)
        console = self.console(name)
        self.assertIn('alive', console.sh('cat /run/state'))
        self.assertIn('before', console.sh('dd if=/dev/sda bs=512 count=1 iflag=direct 2>/dev/null'))
        self.shut_down(name)

    def test_disk_comes_and_goes(self):
        name = 'hv-scsi-net'
        self.define(name)
        console = self.boot(name)
        path = self.session.write('more.img', b'\0' * (1 << 20))
        self.session.give_away()
        self.session.virsh('attach-disk', name, path, 'sdb', '--targetbus', 'scsi')
        console.sh('until [ -e /sys/block/sdb ]; do sleep 0.1; done')
        self.session.virsh('detach-disk', name, 'sdb')
        console.sh('while [ -e /sys/block/sdb ]; do sleep 0.1; done')
        self.shut_down(name)

    def check_paravisor(self, name):
        """A booted domain whose disk and card VTL2 serves: its console"""
        self.define(name)
        console = self.boot(name)
        console.sh('echo before >/dev/sda; sync')
        self.assertIn('hv_netvsc', console.sh('for d in /sys/class/net/eth*; do readlink $d/device/driver; done'))
        info, = self.qmp(name, 'query-paravisor')
        self.assertEqual({(f['driver'], f['state']) for f in info['functions']},
                         {('nvme', 'running'), ('mana', 'running')})
        self.assertGreater(info['namespaces'][0]['write-bytes'], 0)
        return console

    def test_boost(self):
        self.check_paravisor('boost')
        self.shut_down('boost')

    def test_accelerated(self):
        console = self.check_paravisor('accelerated')
        console.sh('until ls -d /sys/bus/pci/drivers/mana/*:*; do sleep 0.1; done')
        self.shut_down('accelerated')

    def test_direct(self):
        self.define('direct')
        console = self.boot('direct')
        console.sh('echo before >/dev/nvme0n1; sync')
        self.assertIn('/mana', console.sh('readlink /sys/class/net/eth0/device/driver'))
        self.shut_down('direct')

    def check_mana(self, name):
        self.define(name)
        console = self.boot(name)
        self.assertIn('/mana', console.sh('readlink /sys/class/net/eth0/device/driver'))
        adapter, = self.qmp(name, 'query-mana')
        self.assertTrue(adapter['registered'])
        self.assertEqual(adapter['vports'][0]['mac'], '52:54:00:12:34:56')
        self.shut_down(name)

    def test_mana(self):
        self.check_mana('mana')

    def test_mana_behind_vmbus(self):
        self.check_mana('hv-pci-mana')


if __name__ == '__main__':
    guest.main()
