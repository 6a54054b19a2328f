# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots a Debian kernel in the built QEMU and talks to it.

A test file is a unittest module in this folder that ends in

    if __name__ == '__main__':
        guest.main()

and is named in the top meson.build with the kernels it runs on. A story:

    class Disk(guest.TestCase):
        def test_reads_back(self):
            vm = self.guest(disks=['64M'])      # boots, ready for commands
            vm.sh('mkfs.ext4 -q /dev/sda')      # output; fails the test if status != 0
            status, out = vm.run('ls /nope')    # or look at the status yourself
            vm.qmp('device_del', id='disk0')    # result of the QMP command
            vm.check_dmesg()                    # no warning, no hv_* error

At the end of each test the harness checks dmesg itself (dmesg_ok=False turns
that off), shuts the guest down, and on failure prints the end of its console and
the QEMU command line. Everything has a time limit; nothing sleeps for luck.

Environment, set by scripts/test:
    QPV_BUILD   folder with obj/, kernels/, guest/       (needed)
    QPV_KERNEL  kernel version as in kernels/, default 6.12
    QPV_VARIANT obj or san, default obj
    QPV_KEEP    keep the work folders

By hand:  QPV_BUILD=$PWD/build QPV_KERNEL=6.1 python3 tests-qtest/guest/test_boot.py -v
"""

import base64
import itertools
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = os.environ.get('QPV_BUILD') or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '..', '..', 'build')
KERNEL = os.environ.get('QPV_KERNEL', '6.12')
VARIANT = os.environ.get('QPV_VARIANT', 'obj')
QEMU = os.path.join(BUILD, VARIANT, 'qemu-system-x86_64')

CPU = 'max,-erms,-fsrm,hv-passthrough=on'
# without hv-avic Linux uses the MSRs of the APIC, and the EOI assist
VAPIC_CPU = ('max,-erms,-fsrm,hv-vapic,hv-relaxed,hv-vpindex,hv-runtime,hv-time,'
             'hv-synic,hv-stimer,hv-stimer-direct,hv-ipi,hv-tlbflush,hv-frequencies')
STOCK_CPU = 'max,-erms,-fsrm'

# A sanitized QEMU is three to five times slower.
SLOWNESS = 5 if VARIANT == 'san' else 1

BAD_DMESG = re.compile(
    r'WARNING:|BUG:|Oops|Call Trace|stack segment|general protection|'
    r'rcu.*(stall|detected)|soft lockup|hung task|blocked for more than|'
    r'I/O error|EXT4-fs error|'
    r'(hv_|vmbus|storvsc|hyperv)[^\n]*(error|fail|timed? ?out|unable|invalid)',
    re.IGNORECASE)

# Lines that stock QEMU gives too, or that say nothing bad.
# calibrate_delay_direct: the host was too busy while the guest counted loops.
GOOD_DMESG = re.compile(r'calibrate_delay_direct|x2apic: IRQ remapping|ACPI BIOS|PCI: Fatal: No config')


class GuestError(Exception):
    """The guest did not do what it must: a time limit, an early end."""


class Qmp:
    """QMP client: commands in order, events kept until asked for."""

    def __init__(self, path, deadline, proc=None):
        self.sock = connect(path, deadline, proc)
        self.file = self.sock.makefile('rw', encoding='utf-8')
        self.events = []
        self.lock = threading.Lock()
        self._read(deadline)
        self.command('qmp_capabilities', {}, 30)

    def _read(self, deadline):
        self.sock.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            line = self.file.readline()
        except (TimeoutError, socket.timeout) as exc:
            # A timed-out file object cannot be read again.
            self.file = self.sock.makefile('rw', encoding='utf-8')
            raise GuestError('no answer from QMP in time') from exc
        except OSError as exc:
            raise GuestError('QEMU closed QMP') from exc
        if not line:
            raise GuestError('QEMU closed QMP')
        return json.loads(line)

    def command(self, name, arguments, timeout=60):
        """Result of a QMP command; GuestError if QEMU answers with an error."""
        deadline = time.monotonic() + timeout * SLOWNESS
        with self.lock:
            request = {'execute': name}
            if arguments:
                request['arguments'] = arguments
            self.file.write(json.dumps(request) + '\n')
            self.file.flush()
            while True:
                answer = self._read(deadline)
                if 'event' in answer:
                    self.events.append(answer)
                elif 'error' in answer:
                    raise GuestError('%s: %s' % (name, answer['error']['desc']))
                else:
                    return answer['return']

    def wait_event(self, name, timeout=60, match=None):
        """The next event NAME whose data has all of MATCH; taken off the list."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while True:
            for i, event in enumerate(self.events):
                data = event.get('data', {})
                if event['event'] == name and all(
                        data.get(k) == v for k, v in (match or {}).items()):
                    return self.events.pop(i)
            with self.lock:
                answer = self._read(deadline)
            if 'event' in answer:
                self.events.append(answer)


def connect(path, deadline, proc=None):
    """Connect to a UNIX socket that the starting QEMU `proc` is about to make."""
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
            return sock
        except OSError:
            sock.close()
            if time.monotonic() > deadline or (proc and proc.poll() is not None):
                raise
            time.sleep(0.02)


class Guest:
    """One QEMU with one guest. Use TestCase.guest(), which also ends it.

    disks       images on one hv-scsi controller: a size such as '64M' makes a
                raw file, a path is used as it is (raw or qcow2 by its name;
                a .tar is read-only),
                'null:1G' is null-co. Block nodes disk0.., devices sd0..
    args        further QEMU arguments
    cpu, smp, memory, machine, accel   as QEMU takes them
    paravisor   False: none of our devices and the stock CPU model
    append      further words for the kernel command line
    tools       add the image with fio, strace and sg3-utils
    daemons     add the image with the daemons of the integration services
    net         add the image with iperf3, tcpdump, ethtool, ip and netload
    files       {path in the guest: host path or bytes}
    kernel      kernel version; default QPV_KERNEL
    qcow2       make sized disks qcow2 (for savevm)
    pass_fds    file descriptors that QEMU inherits (taps)
    """

    def __init__(self, disks=(), args=(), cpu=None, smp=1, memory='768M',
                 machine='q35', accel='tcg,thread=multi', paravisor=True,
                 append='', tools=False, net=False, daemons=False, files=None,
                 kernel=None, qcow2=False, boot_timeout=120, kernel_boot=True, pass_fds=()):
        self.work = tempfile.mkdtemp(prefix='qpv-guest-')
        self.proc = None
        self.log = ''
        self.agent = None
        self.monitor = None
        self.ids = itertools.count(1)
        self.boot_timeout = boot_timeout * SLOWNESS
        self.kernel = kernel or KERNEL
        self.pass_fds = pass_fds
        self.console_path = os.path.join(self.work, 'console.log')
        if cpu is None:
            cpu = CPU if paravisor else STOCK_CPU
        self.argv = [QEMU, '-accel', accel, '-machine', machine, '-cpu', cpu,
                     '-smp', str(smp), '-m', memory,
                     '-nodefaults', '-no-user-config', '-display', 'none',
                     '-chardev', 'socket,id=qmp,server=on,wait=off,path=%s/qmp' % self.work,
                     '-mon', 'chardev=qmp,mode=control',
                     '-serial', 'file:' + self.console_path,
                     '-chardev', 'socket,id=agent,server=on,wait=off,path=%s/agent' % self.work,
                     '-serial', 'chardev:agent']
        if kernel_boot:
            self.argv += ['-kernel', asset('kernels', self.kernel, 'vmlinuz'),
                          '-initrd', self._initrd(tools, net, daemons, files or {}),
                          '-append', 'console=ttyS0 panic=-1 qpv.mode=agent '
                          'qpv.disks=%d %s' % (len(disks), append)]
        if paravisor:
            self.argv += ['-device', 'hv-vmbus']
        if paravisor and disks:
            self.argv += ['-device', 'hv-scsi,id=scsi0']
        for i, disk in enumerate(disks):
            self.argv += ['-blockdev', self.blockdev('disk%d' % i, disk, qcow2)]
            if paravisor:
                self.argv += ['-device', 'scsi-hd,id=sd%d,bus=scsi0.0,lun=%d,drive=disk%d' % (i, i, i)]
        self.argv += list(args)

    def _initrd(self, tools, net, daemons, files):
        parts = [asset('guest', 'base.img'), asset('kernels', self.kernel, 'modules.img')]
        if tools:
            parts.append(asset('guest', 'tools.img'))
        if net:
            parts.append(asset('guest', 'net.img'))
        if daemons:
            parts.append(asset('guest', 'daemons.img'))
        path = os.path.join(self.work, 'initrd.img')
        with open(path, 'wb') as out:
            for part in parts:
                with open(part, 'rb') as image:
                    shutil.copyfileobj(image, out, 1 << 20)
            out.write(cpio(files))
        return path

    def blockdev(self, node, disk, qcow2=False):
        """The -blockdev value for a disk as in `disks`; makes its file."""
        if disk.startswith('null:'):
            return 'null-co,node-name=%s,size=%d,read-zeroes=on' % (node, size_bytes(disk[5:]))
        if re.fullmatch(r'\d+[KMG]?', disk):
            path = os.path.join(self.work, node)
            kind = 'qcow2' if qcow2 else 'raw'
            subprocess.run([asset('obj', 'qemu-img'), 'create', '-q', '-f', kind, path, disk],
                           check=True, timeout=60)
        else:
            path = disk
            kind = 'qcow2' if disk.endswith('.qcow2') else 'raw'
        options = ',read-only=on' if disk.endswith('.tar') else ',discard=unmap'
        return '%s,node-name=%s%s,file.driver=file,file.filename=%s' % (kind, node, options, path)

    # -- life cycle

    def start(self):
        """Start QEMU and connect QMP; the guest may still be booting."""
        deadline = time.monotonic() + 30 * SLOWNESS
        self.stderr = open(os.path.join(self.work, 'stderr'), 'w+b')
        env = dict(os.environ)
        # Set, not defaulted: meson has values of its own in the environment.
        env['ASAN_OPTIONS'] = 'detect_leaks=0:abort_on_error=1'
        env['UBSAN_OPTIONS'] = 'print_stacktrace=1:halt_on_error=1'
        self.proc = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL,
                                     stdout=self.stderr, stderr=self.stderr, env=env,
                                     pass_fds=self.pass_fds)
        try:
            self.monitor = Qmp(os.path.join(self.work, 'qmp'), deadline, self.proc)
            self.agent = connect(os.path.join(self.work, 'agent'), deadline)
        except (OSError, GuestError) as exc:
            raise GuestError('QEMU did not start: %s' % self.stderr_text()) from exc
        self.buffer = b''
        return self

    def boot(self):
        """start() and wait until the guest takes commands."""
        self.start()
        self.wait_ready()
        return self

    def wait_ready(self, timeout=None):
        """Wait for the agent of a booting guest, also after reboot or kexec."""
        deadline = time.monotonic() + (timeout or self.boot_timeout)
        while True:
            line = self._line(deadline)
            if line.startswith('READY '):
                return line[6:]

    def _line(self, deadline):
        while b'\n' not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError('the guest gave no answer in time')
            self.agent.settimeout(min(left, 1))
            try:
                data = self.agent.recv(65536)
            except (TimeoutError, socket.timeout):
                if self.proc.poll() is not None:
                    raise GuestError('QEMU ended with status %d: %s' % (
                        self.proc.returncode, self.stderr_text())) from None
                continue
            if not data:
                self.proc.wait(10)
                raise GuestError('QEMU ended with status %s: %s' % (
                    self.proc.returncode, self.stderr_text()))
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.decode('utf-8', 'replace').rstrip('\r')

    def stop(self):
        """End QEMU at once; its work folder goes."""
        if self.proc and self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        for sock in (self.agent, self.monitor and self.monitor.sock):
            if sock:
                sock.close()
        if not os.environ.get('QPV_KEEP'):
            shutil.rmtree(self.work, ignore_errors=True)

    def wait_exit(self, timeout=60):
        """Wait until QEMU ends by itself; its exit status."""
        try:
            return self.proc.wait(timeout * SLOWNESS)
        except subprocess.TimeoutExpired:
            raise GuestError('QEMU did not end in time') from None

    # -- commands

    def send(self, command):
        """Have the guest run a shell command; does not wait. Returns its id."""
        number = next(self.ids)
        text = base64.b64encode(command.encode()).decode()
        lines = ['+' + text[i:i + 1000] for i in range(0, len(text), 1000)]
        self.agent.settimeout(60 * SLOWNESS)
        self.agent.sendall(('\n'.join(lines + ['run %d' % number]) + '\n').encode())
        return number

    def receive(self, number, timeout=60):
        """(status, output) of a command that send() started."""
        deadline = time.monotonic() + timeout * SLOWNESS
        head = '<%d ' % number
        while True:
            line = self._line(deadline)
            if line.startswith(head):
                status = int(line.split()[1])
                break
        body = []
        while True:
            line = self._line(deadline)
            if line == '>%d' % number:
                break
            body.append(line)
        return status, base64.b64decode(''.join(body)).decode('utf-8', 'replace')

    def run(self, command, timeout=60):
        """(status, output) of a shell command in the guest; stderr is in it."""
        return self.receive(self.send(command), timeout)

    def sh(self, command, timeout=60):
        """Output of a shell command that must succeed."""
        status, output = self.run(command, timeout)
        if status != 0:
            raise AssertionError('%r gave status %d:\n%s' % (command, status, output))
        return output

    def spawn(self, command):
        """Run a command in the background; a job for join()."""
        job = '/run/job%d' % next(self.ids)
        self.sh('(sh -c %s; echo $? >%s.status) >%s 2>&1 </dev/null &' % (
            shlex.quote(command), job, job))
        return job

    def join(self, job, timeout=120):
        """(status, output) of a spawned job, when it has ended."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while time.monotonic() < deadline:
            status, text = self.run('cat %s.status' % job)
            if status == 0 and text.strip():
                return int(text), self.sh('cat %s' % job)
            time.sleep(0.2)
        raise GuestError('background command not done in time:\n' + self.run('cat ' + job)[1])

    def hibernate(self, lun):
        """To swap on the disk at LUN; QEMU ends.  What resume() of the next needs."""
        swap = self.disk(lun)
        self.sh('mkswap /dev/{0} && swapon /dev/{0} && '
                'cat /sys/class/block/{0}/dev >/sys/power/resume'.format(swap))
        self.sh('echo kept >/run/mark; echo shutdown >/sys/power/disk')
        job = self.send('echo disk >/sys/power/state; status=$?; cat /run/mark; exit $status')
        if self.wait_exit(120) != 0:
            raise GuestError('QEMU failed when the guest hibernated')
        return job

    def resume(self, lun, job):
        """Become the guest that hibernate() made an image of; its kernel is this one."""
        # the names of its disks may differ; what is resumed brings its own
        self.send('cat /sys/class/block/%s/dev >/sys/power/resume' % self.disk(lun))
        result = self.receive(job, timeout=120)
        if result != (0, 'kept\n'):
            raise AssertionError('resumed with status %d: %s' % result)

    def kexec(self):
        """Into the kernel of kernel_files(); wait until it takes commands."""
        self.sh('kexec -l /boot/vmlinuz --initrd=/boot/initrd --reuse-cmdline', timeout=120)
        self.send('kexec -e')
        self.wait_ready()

    def disk(self, lun, host=0):
        """Name of the disk at LUN; Linux hands out sda, sdb in no fixed order."""
        return self.wait_until('ls /sys/bus/scsi/devices/%d:0:0:%d/block' % (host, lun)).strip()

    def wait_until(self, command, timeout=30):
        """Run a command until it succeeds; its output."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while True:
            status, output = self.run(command)
            if status == 0:
                return output
            if time.monotonic() > deadline:
                raise AssertionError('%r did not come true: %s' % (command, output))
            time.sleep(0.1)

    def qmp(self, command, timeout=60, **arguments):
        """Result of a QMP command; '_' in argument names stands for '-'."""
        return self.monitor.command(
            command, {k.replace('_', '-'): v for k, v in arguments.items()}, timeout)

    def hmp(self, line, timeout=120):
        """Text that a monitor command prints."""
        return self.monitor.command('human-monitor-command', {'command-line': line}, timeout)

    # -- what happened

    def console(self):
        try:
            with open(self.console_path, encoding='utf-8', errors='replace') as log:
                return log.read()
        except OSError:
            return ''

    def wait_console(self, pattern, timeout=60):
        """Wait for a regular expression on the console; for guests without an agent."""
        deadline = time.monotonic() + timeout * SLOWNESS
        while not re.search(pattern, self.console()):
            if self.proc.poll() is not None:
                raise GuestError('QEMU ended: %s' % self.stderr_text())
            if time.monotonic() > deadline:
                raise GuestError('the console does not say %r:\n%s' % (
                    pattern, self.console()[-3000:]))
            time.sleep(0.1)

    def stderr_text(self):
        # Not by name: stop() has removed that. Not by seek: QEMU shares the offset.
        log = self.stderr.fileno()
        return os.pread(log, 6000, max(0, os.fstat(log).st_size - 6000)).decode(
            'utf-8', 'replace')

    def dmesg(self):
        return self.sh('dmesg')

    def check_dmesg(self, allow=None):
        """AssertionError if the kernel log has a line that means trouble, other
        than lines that match the regular expression `allow`."""
        bad = [line for line in self.dmesg().splitlines()
               if BAD_DMESG.search(line) and not GOOD_DMESG.search(line) and
               not (allow and re.search(allow, line))]
        if bad:
            raise AssertionError('kernel log: ' + '\n'.join(bad[:20]))


def size_bytes(text):
    """'64M' -> 67108864"""
    return int(text.rstrip('KMG')) << {'K': 10, 'M': 20, 'G': 30}.get(text[-1], 0)


def asset(*parts):
    """Path of something that scripts/test makes; a missing one skips the test."""
    path = os.path.join(BUILD, *parts)
    if not os.path.exists(path):
        raise unittest.SkipTest('missing %s (scripts/test makes it)' % path)
    return path


def cpio(files):
    """A newc archive of {path: host path or bytes}, with the folders."""
    out = bytearray()

    def entry(name, mode, data):
        header = '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' % (
            0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        out.extend(header.encode() + name.encode() + b'\0')
        out.extend(b'\0' * (-len(out) % 4))
        out.extend(data)
        out.extend(b'\0' * (-len(out) % 4))

    folders = set()
    for name, source in files.items():
        name = name.lstrip('/')
        parts = name.split('/')[:-1]
        for i in range(len(parts)):
            folder = '/'.join(parts[:i + 1])
            if folder not in folders:
                folders.add(folder)
                entry(folder, 0o40755, b'')
        if not isinstance(source, bytes):
            with open(source, 'rb') as data:
                source = data.read()
        entry(name, 0o100755, source)
    entry('TRAILER!!!', 0, b'')
    return bytes(out)


class TestCase(unittest.TestCase):
    """A test with guests that end with it."""

    def empty_file(self, name, mib):
        """Path of a sparse file that ends with the test."""
        work = tempfile.mkdtemp(prefix='qpv-test-')
        self.addCleanup(shutil.rmtree, work)
        path = os.path.join(work, name)
        with open(path, 'wb') as f:
            f.truncate(mib << 20)
        return path

    def guest(self, start=True, dmesg_ok=True, dmesg_allow=None, **options):
        """A booted Guest (start=False: only made). See Guest for the options."""
        if not os.path.exists(QEMU):
            self.skipTest('missing %s (scripts/test makes it)' % QEMU)
        vm = Guest(**options)
        self.guests = getattr(self, 'guests', [])
        self.guests.append((vm, dmesg_ok, dmesg_allow))
        return vm.boot() if start else vm

    def kernel_files(self, **options):
        """`files` with which a guest can kexec() into one that has these options."""
        other = self.guest(start=False, **options)
        return {'boot/vmlinuz': asset('kernels', other.kernel, 'vmlinuz'),
                'boot/initrd': os.path.join(other.work, 'initrd.img')}

    def check_guests(self):
        for vm, dmesg_ok, allow in getattr(self, 'guests', []):
            if dmesg_ok and vm.proc and vm.proc.poll() is None:
                vm.check_dmesg(allow)

    def run(self, result=None):
        # The dmesg check belongs to the test: it must be able to fail it.
        method = getattr(self, self._testMethodName)

        def checked():
            method()
            self.check_guests()
        setattr(self, self._testMethodName, checked)
        try:
            return super().run(result)
        finally:
            setattr(self, self._testMethodName, method)
            for vm, _, _ in getattr(self, 'guests', []):
                vm.stop()

    def report(self):
        """What to print of the guests when a test has failed."""
        text = ''
        for vm, _, _ in getattr(self, 'guests', []):
            text += 'command: %s\nconsole:\n%s\n' % (
                shlex.join(vm.argv), '\n'.join(vm.console().splitlines()[-60:]))
            if vm.proc:
                text += 'QEMU says:\n%s\n' % vm.stderr_text()
        return text


class TapResult(unittest.TestResult):
    """Writes TAP: one line per test as it ends."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.bad = False

    def line(self, ok, test, note=''):
        self.count += 1
        name = test.id().replace('__main__.', '').replace('#', '')
        print('%s %d %s%s' % ('ok' if ok else 'not ok', self.count, name, note), flush=True)

    def comment(self, text):
        print(''.join('# %s\n' % line for line in text.splitlines()), end='', flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test):
        self.line(True, test)
        self.comment('%.1f s' % (time.monotonic() - self.began))

    def addSkip(self, test, reason):
        self.line(True, test, ' # SKIP ' + reason)

    def _failed(self, test, err):
        self.bad = True
        self.line(False, test)
        self.comment(self._exc_info_to_string(err, test))
        if isinstance(test, TestCase):
            self.comment(test.report())

    def addFailure(self, test, err):
        self._failed(test, err)

    def addError(self, test, err):
        self._failed(test, err)
        # unittest takes the end by a signal for a failed test and goes on
        if issubclass(err[0], SystemExit):
            self.stop()


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def main():
    """Run the tests of the calling file; TAP on stdout. Arguments: parts of
    test names to run, --list to list them."""
    module = sys.modules['__main__']
    words = [word for word in sys.argv[1:] if not word.startswith('-')]
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    tests = [test for test in flatten(suite)
             if not words or any(word in test.id() for word in words)]
    if '--list' in sys.argv:
        for test in tests:
            print(test.id())
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print('TAP version 13\n1..%d' % len(tests), flush=True)
    result = TapResult()
    unittest.TestSuite(tests).run(result)
    sys.exit(1 if result.bad or not tests else 0)
