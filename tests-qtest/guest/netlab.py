# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's end of a network test: servers, a namespace with taps, captures.

    host = netlab.Loopback(test)        servers on 127.0.0.1, for -netdev user
    host = netlab.Namespace(test)       servers behind taps; skips the test where
                                        it may not make a network namespace
    host.netdev('n0', queues=2)         QEMU arguments, see Namespace
    host.start('iperf3', '-s')          a program that runs until the test ends

The file server takes a line: after "PUT" data until end of file, for which it
gives the sha256; after "STREAM" the same, and the longest time, in ms, in which
nothing came; "GET BYTES" gives so many bytes and their sha256 behind them.
That is little enough for busybox nc in the guest.
"""

import ctypes
import fcntl
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import guest

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_MULTI_QUEUE = 2, 0x1000, 0x4000, 0x100


def tool(name):
    """Command that runs a program of the guest's tools on this host."""
    if name == 'netload':
        return [guest.asset('guest', 'netload')]
    root = guest.asset('guest', 'tools-programs')
    folder = 'sbin' if name == 'ethtool' else 'bin'
    libraries = os.path.join(root, 'usr/lib/x86_64-linux-gnu')
    return [os.path.join(root, 'usr/lib64/ld-linux-x86-64.so.2'),
            '--library-path', libraries,
            guest.asset('guest', 'tools-programs', 'usr', folder, name)]


def free_ports(count):
    """Ports that nobody has now, for TCP and (most likely) for UDP."""
    socks = [socket.socket() for _ in range(count)]
    for sock in socks:
        sock.bind(('', 0))
    ports = [sock.getsockname()[1] for sock in socks]
    for sock in socks:
        sock.close()
    return ports


class Host:
    """Servers for a guest; `address` and `address6` are how it reaches them."""

    def __init__(self, test):
        self.processes = []
        self.files, self.iperf, self.load = free_ports(3)
        test.addCleanup(self.stop)

    def command(self, argv):
        return argv

    def start(self, name, *args):
        """Start a program that runs until the test ends."""
        argv = [sys.executable, __file__, *args] if name == 'python' else [*tool(name), *args]
        # in a session of its own, for it may have children
        process = subprocess.Popen(self.command(argv), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   start_new_session=True)
        self.processes.append(process)
        return process

    def run(self, name, *args, timeout=60):
        """Output of a program that must succeed."""
        argv = ['cat', *args] if name == 'cat' else [*tool(name), *args]
        return subprocess.run(self.command(argv), stdin=subprocess.DEVNULL, check=True,
                              stdout=subprocess.PIPE, text=True,
                              timeout=timeout * guest.SLOWNESS).stdout

    def start_talker(self, *argv):
        """Start a program that says something when it is ready, and much more."""
        process = self.start(*argv)
        process.stdout.readline()
        threading.Thread(target=process.stdout.read, daemon=True).start()

    def serve_files(self):
        self.start_talker('python', 'files', str(self.files))

    def serve_iperf(self):
        self.start_talker('iperf3', '-s', '--forceflush', '-p', str(self.iperf))

    def serve_load(self):
        self.start('netload', 'serve', str(self.load))
        # It says nothing; a round trip shows that it is there.
        for _ in range(100):
            try:
                self.run('netload', 'rr', 'tcp', '127.0.0.1', str(self.load), '0')
                return
            except subprocess.CalledProcessError:
                time.sleep(0.05)
        raise guest.GuestError('netload does not serve')

    def serve_all(self):
        self.serve_files()
        self.serve_iperf()
        self.serve_load()

    def csum_errors(self):
        """Checksum errors that the kernel at this end has counted."""
        return csum_errors(self.run('cat', '/proc/net/snmp', '/proc/net/snmp6'))

    def stop(self):
        for process in self.processes:
            try:
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        for process in self.processes:
            process.wait(20)


class Loopback(Host):
    """Servers on this host's loopback; a guest behind slirp calls them by the
    gateway's address."""

    address, address6 = '10.0.2.2', 'fec0::2'

    def netdev(self, name, **_):
        return ['-netdev', 'user,id=%s,ipv4=on,ipv6=on' % name]


class Namespace(Host):
    """A network namespace with taps. Each has address 10.9.N.1 and fd09:N::1,
    the guest is to take .2 and ::2."""

    address, address6 = '10.9.0.1', 'fd09:0::1'

    def __init__(self, test):
        super().__init__(test)
        self.test = test
        self.taps = 0
        self.fds = []
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.holder = subprocess.Popen(
            [sys.executable, __file__, 'namespace', str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        theirs.close()
        self.control = ours
        answer = ours.recv(4096).decode()
        if answer != 'ready':
            self.holder.wait(20)
            ours.close()
            test.skipTest('no network namespace: ' + (answer or 'the helper died'))

    def command(self, argv):
        return ['nsenter', '--net=/proc/%d/ns/net' % self.holder.pid, '--', *argv]

    def netdev(self, name, queues=1, vnet_hdr=True, mtu=1500):
        """A tap; `queues` of it, with or without the header for offloads."""
        tap = 'tap%d' % self.taps
        request = {'tap': tap, 'queues': queues, 'vnet_hdr': vnet_hdr}
        self.control.send(json.dumps(request).encode())
        data, fds, _, _ = socket.recv_fds(self.control, 4096, queues)
        if data != b'ok':
            self.test.skipTest('no tap: ' + data.decode())
        self.fds += fds
        self.run('ip', 'link', 'set', tap, 'up', 'mtu', str(mtu))
        self.run('ip', 'addr', 'add', '10.9.%d.1/24' % self.taps, 'dev', tap)
        self.run('ip', 'addr', 'add', 'fd09:%d::1/64' % self.taps, 'dev', tap, 'nodad')
        self.taps += 1
        for fd in fds:
            os.set_inheritable(fd, True)
        option = 'fd' if queues == 1 else 'fds'
        return ['-netdev', 'tap,id=%s,vhost=off,%s=%s' % (
            name, option, ':'.join(str(fd) for fd in fds))]

    def pass_fds(self):
        return self.fds

    def stop(self):
        super().stop()
        self.holder.terminate()
        self.holder.wait(20)
        self.control.close()
        for fd in self.fds:
            os.close(fd)


def csum_errors(text):
    """Sum of all InCsumErrors in /proc/net/snmp and snmp6."""
    total, names = 0, {}
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0].endswith(':'):
            if words[0] in names:
                total += sum(int(value) for name, value in zip(names.pop(words[0]), words[1:])
                             if name == 'InCsumErrors')
            else:
                names[words[0]] = words[1:]
        elif words[0].endswith('InCsumErrors'):
            total += int(words[1])
    return total


def iperf(vm, host, address, seconds, *args):
    """bit/s that arrived.  The server takes one client and may not be done with
    the one before, so a refusal is tried again."""
    for left in reversed(range(5)):
        status, out = vm.run('iperf3 -c %s -p %d -J -t %s %s' % (
            address, host.iperf, seconds, ' '.join(args)), timeout=60 + 2 * seconds)
        if status == 0:
            break
        if not left:
            raise AssertionError('iperf3: ' + out)
        time.sleep(0.5)
    end = json.loads(out[out.index('{'):])['end']
    return (end.get('sum_received') or end['sum'])['bits_per_second']


# -- captures

def ones_sum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


class Capture:
    """A pcap file of filter-dump: packets checked one by one, apart from QEMU."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            data = f.read()
        magic, _, _, _, _, _, link = struct.unpack_from('=IHHiIII', data)
        assert magic == 0xa1b2c3d4 and link == 1, 'not a capture of Ethernet'
        self.packets, self.cut = [], 0
        at = 24
        while at + 16 <= len(data):
            _, _, have, full = struct.unpack_from('=IIII', data, at)
            # The last one may still be on its way to the file.
            if at + 16 + have > len(data):
                break
            if have == full:
                self.packets.append(data[at + 16:at + 16 + have])
            else:
                self.cut += 1
            at += 16 + have

    def check(self, mtu=1500, checksums=True):
        """Problems found, as text; empty is good. Counts are kept in .seen."""
        self.seen = {}
        problems = []
        for number, packet in enumerate(self.packets):
            problem = self.check_packet(packet, mtu, checksums)
            if problem:
                problems.append('packet %d: %s: %s' % (number, problem, packet[:80].hex()))
        return problems

    def count(self, what):
        self.seen[what] = self.seen.get(what, 0) + 1

    def check_packet(self, packet, mtu, checksums):
        if len(packet) < 14:
            return 'shorter than an Ethernet header'
        kind, l3 = struct.unpack_from('!H', packet, 12)[0], 14
        if kind == 0x8100:
            self.count('vlan')
            kind, l3 = struct.unpack_from('!H', packet, 16)[0], 18
        if len(packet) > mtu + l3:
            return 'longer than the MTU'
        if kind == 0x0800:
            return self.check_ipv4(packet[l3:], checksums)
        if kind == 0x86dd:
            return self.check_ipv6(packet[l3:], checksums)
        self.count('other')
        return None

    def check_ipv4(self, ip, checksums):
        self.count('ipv4')
        if len(ip) < 20 or ip[0] >> 4 != 4:
            return 'no IPv4 header'
        head, total = (ip[0] & 15) * 4, struct.unpack_from('!H', ip, 2)[0]
        if head < 20 or total < head or total > len(ip):
            return 'IPv4 lengths'
        if ones_sum(ip[:head]) != 0xffff:
            return 'IPv4 header checksum'
        if struct.unpack_from('!H', ip, 6)[0] & 0x3fff:
            self.count('fragment')
            return None
        return self.check_l4(ip[9], ip[12:20], ip[head:total], checksums)

    def check_ipv6(self, ip, checksums):
        self.count('ipv6')
        if len(ip) < 40 or ip[0] >> 4 != 6:
            return 'no IPv6 header'
        total = 40 + struct.unpack_from('!H', ip, 4)[0]
        if total > len(ip):
            return 'IPv6 length'
        if ip[6] == 0:
            return None
        return self.check_l4(ip[6], ip[8:40], ip[40:total], checksums)

    def check_l4(self, proto, addresses, l4, checksums):
        names = {6: ('tcp', 20), 17: ('udp', 8), 58: ('icmp6', 4)}
        if proto not in names:
            return None
        name, least = names[proto]
        self.count(name)
        if len(l4) < least:
            return name + ' too short'
        if proto == 17 and l4[6:8] == b'\0\0' and len(addresses) == 8:
            return None
        if checksums and ones_sum(addresses + struct.pack('!II', proto, len(l4)) + l4) != 0xffff:
            return name + ' checksum'
        return None


# -- what runs in processes of its own

def serve_connection(conn):
    with conn, conn.makefile('rb') as f:
        line = f.readline().split()
        digest, note = hashlib.sha256(), ''
        if line[:1] == [b'STREAM']:
            longest, last = 0, time.monotonic()
            for block in iter(lambda: f.read1(1 << 16), b''):
                longest = max(longest, time.monotonic() - last)
                digest.update(block)
                last = time.monotonic()
            note = ' %d' % (longest * 1000)
        elif line[:1] == [b'PUT']:
            for block in iter(lambda: f.read1(1 << 16), b''):
                digest.update(block)
        elif line[:1] == [b'GET']:
            left, block = int(line[1]), os.urandom(1 << 18)
            while left:
                part = block[:min(left, len(block))]
                digest.update(part)
                conn.sendall(part)
                left -= len(part)
        conn.sendall((digest.hexdigest() + note).encode())


def serve_files(port):
    family = socket.AF_INET6 if socket.has_ipv6 else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(('', port))
    listener.listen(16)
    print('ready', flush=True)

    def one(conn):
        try:
            serve_connection(conn)
        except OSError:
            # The guest may go in the middle of a transfer.
            pass
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=one, args=[conn], daemon=True).start()


def make_tap(name, queues, vnet_hdr):
    flags = IFF_TAP | IFF_NO_PI
    flags |= IFF_VNET_HDR if vnet_hdr else 0
    flags |= IFF_MULTI_QUEUE if queues > 1 else 0
    fds = []
    for _ in range(queues):
        fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fds.append(fd)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), flags))
    return fds


def hold_namespace(fd):
    """Be in a new network namespace; make taps on request until the end."""
    control = socket.socket(fileno=fd)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        control.send(os.strerror(ctypes.get_errno()).encode())
        return
    if not os.path.exists('/dev/net/tun'):
        control.send(b'/dev/net/tun is missing')
        return
    try:
        subprocess.run([*tool('ip'), 'link', 'set', 'lo', 'up'], check=True)
    except Exception as exc:
        control.send(str(exc).encode())
        return
    control.send(b'ready')
    while True:
        data = control.recv(4096)
        if not data:
            return
        request = json.loads(data)
        try:
            fds = make_tap(request['tap'], request['queues'], request['vnet_hdr'])
        except OSError as exc:
            control.send(str(exc).encode())
            continue
        socket.send_fds(control, [b'ok'], fds)
        for tap_fd in fds:
            os.close(tap_fd)


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if sys.argv[1] == 'files':
        serve_files(int(sys.argv[2]))
    elif sys.argv[1] == 'namespace':
        hold_namespace(int(sys.argv[2]))
