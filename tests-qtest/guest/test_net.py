#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A VMBus network card against slirp and taps: transfers compared by hash, offloads,
queues, VLANs, jumbo frames; then unplug, reboot, kexec, save and load under load.

QPV_NIC=virtio-net-pci runs what fits with another card, to tell the harness's
faults from ours.
"""

import itertools
import os
import re
import shutil
import tempfile
import time

import guest
import netlab

NIC = os.environ.get('QPV_NIC', 'hv-net')
OURS = NIC == 'hv-net'
MAC = '52:54:00:12:34:%02x'
MODULES = ('qpv.load=hv_vmbus,hv_netvsc,hv_storvsc,hv_utils,sd_mod,8021q,af_packet' +
           ('' if OURS else ',virtio_pci,virtio_net,e1000e,igb'))

# exit 1: no connection, or a short answer; 3: other bytes than were sent
GET = b'''#!/bin/sh
f=$(mktemp)
echo "GET $3" | nc -w 20 "$1" "$2" >"$f" || { rm "$f"; exit 1; }
[ "$(wc -c <"$f")" = $(($3 + 64)) ] || { rm "$f"; exit 1; }
sum=$(head -c "$3" "$f" | sha256sum | cut -d' ' -f1)
told=$(tail -c 64 "$f")
rm "$f"
[ "$sum" = "$told" ] || exit 3
'''
PUT = b'''#!/bin/sh
f=$(mktemp)
head -c "$3" /dev/urandom >"$f"
sum=$(sha256sum <"$f" | cut -d' ' -f1)
told=$( (echo PUT; cat "$f") | nc -w 20 "$1" "$2")
rm "$f"
[ -n "$told" ] || exit 1
[ "$sum" = "$told" ] || exit 3
'''
# Transfers until /run/stop appears; a lost one counts, a wrong one ends it.
TRAFFIC = b'''#!/bin/sh
good=0 missed=0
until [ $((good + missed)) -gt 0 ] && [ -e /run/stop ]; do
    for way in get put; do
        timeout 15 /qpv/$way "$1" "$2" "$3"
        case $? in
        0) good=$((good + 1)) ;;
        3) echo "corrupt $way"; exit 3 ;;
        *) missed=$((missed + 1)); sleep 0.1 ;;
        esac
    done
done
echo "good $good missed $missed"
'''
DHCP = b'''#!/bin/sh
case $1 in
bound|renew)
    ip addr flush dev $interface scope global
    ip addr add $ip/$mask dev $interface
    [ -z "$router" ] || ip route replace default via $router dev $interface
    ;;
esac
'''
FILES = {'qpv/get': GET, 'qpv/put': PUT, 'qpv/traffic': TRAFFIC, 'qpv/dhcp': DHCP}


class NetCase(guest.TestCase):

    def nic_args(self, netdev_args, n=0, netdev='n0', queues=1, **props):
        props = {'id': 'nic%d' % n, 'netdev': netdev, 'mac': MAC % n, **props}
        if NIC == 'virtio-net-pci' and queues > 1:
            props.update(mq='on', vectors=2 * queues + 2)
        return list(netdev_args) + ['-device', NIC + ''.join(
            ',%s=%s' % item for item in props.items())]

    def net_guest(self, args, files=None, append='', **options):
        options.setdefault('dmesg_allow', r'tun: unexpected|hv_netvsc.*(Data path|VF)')
        return self.guest(args=args, net=True, append=MODULES + ' ' + append,
                          files={**FILES, **(files or {})}, **options)

    def nic(self, vm, n=0):
        """Name of the interface with the MAC address of card `n`."""
        return vm.wait_until("ip -o link | grep -i %s | grep -v '@' | "
                             "cut -d: -f2 | grep ." % (MAC % n)).strip()

    def dhcp(self, vm, n=0):
        dev = self.nic(vm, n)
        vm.sh('ip link set %s up && udhcpc -i %s -n -q -t 20 -T 1 -s /qpv/dhcp' % (dev, dev))
        return dev

    def static(self, vm, n=0, net=0, dev=None):
        """Addresses for tap number `net`."""
        dev = dev or self.nic(vm, n)
        vm.sh('ip addr flush dev {0}; ip link set {0} up && '
              'ip addr add 10.9.{1}.2/24 dev {0} && '
              '/usr/bin/ip addr add fd09:{1}::2/64 dev {0} nodad'.format(dev, net))
        vm.wait_until('ping -c 1 -W 1 10.9.%d.1' % net)
        return dev

    def check_hashes(self, vm, host, kib=2000, ipv6=True):
        """Transfers both ways over IPv4 and IPv6, compared by hash."""
        addresses = [host.address] + ([host.address6] if ipv6 else [])
        for address in addresses:
            for way in 'get', 'put':
                vm.sh('/qpv/%s %s %d %d' % (way, address, host.files, kib << 10), timeout=120)

    def check_counters(self, vm, host):
        """No checksum error at either end."""
        text = vm.sh('cat /proc/net/snmp /proc/net/snmp6')
        self.assertEqual(netlab.csum_errors(text), 0, text)
        if isinstance(host, netlab.Namespace):
            self.assertEqual(host.csum_errors(), 0)

    def iperf(self, vm, host, *args, address=None):
        return netlab.iperf(vm, host, address or host.address, 1, *args)

    def check_iperf(self, vm, host, streams=(1, 4)):
        for count in streams:
            for way in '', '-R':
                self.assertGreater(self.iperf(vm, host, '-P', str(count), way), 1e6)

    def start_traffic(self, vm, host, kib=200):
        vm.sh('rm -f /run/stop')
        return vm.spawn('/qpv/traffic %s %d %d' % (host.address, host.files, kib << 10))

    def stop_traffic(self, vm, job, least=1):
        """(good, missed) transfers; some were good, none was wrong."""
        vm.sh('touch /run/stop')
        status, out = vm.join(job)
        self.assertEqual(status, 0, out)
        good, missed = map(int, re.search(r'good (\d+) missed (\d+)', out).groups())
        self.assertGreaterEqual(good, least, out)
        return good, missed

    def check_works(self, vm, host):
        self.check_hashes(vm, host, kib=300, ipv6=False)

    def queue_counters(self, vm, dev, way):
        out = vm.sh('ethtool -S ' + dev)
        return [int(n) for n in re.findall(r'%s_queue_\d+_packets: (\d+)' % way, out)]

    def capture_args(self, netdev='n0'):
        work = tempfile.mkdtemp(prefix='qpv-net-')
        self.addCleanup(shutil.rmtree, work)
        self.pcap = os.path.join(work, netdev + '.pcap')
        return ['-object', 'filter-dump,id=dump-%s,netdev=%s,file=%s' % (
            netdev, netdev, self.pcap)]

    def check_capture(self, vm, mtu=1500, checksums=True, want=('ipv4', 'tcp')):
        """What the netdev saw was well-formed."""
        vm.qmp('object-del', id='dump-' + os.path.basename(self.pcap)[:-5])
        capture = netlab.Capture(self.pcap)
        problems = capture.check(mtu, checksums)
        self.assertEqual(problems[:5], [], '%d of %d packets' % (
            len(problems), len(capture.packets)))
        for kind in want:
            self.assertGreater(capture.seen.get(kind, 0), 0, capture.seen)
        self.assertEqual(capture.cut, 0)
        return capture


class Slirp(NetCase):

    def setUp(self):
        super().setUp()
        self.host = netlab.Loopback(self)
        self.host.serve_all()

    def slirp_guest(self, args=(), **options):
        vm = self.net_guest(self.nic_args(self.host.netdev('n0')) + list(args), **options)
        self.dhcp(vm)
        return vm

    def test_short_dhcp_ping_transfers(self):
        vm = self.slirp_guest(self.capture_args(), smp=2)
        vm.sh('ping -c 3 -A 10.0.2.2')
        vm.wait_until('ping -6 -c 1 -W 1 fec0::2')
        self.check_hashes(vm, self.host)
        for proto in 'tcp', 'udp':
            rate = vm.sh('netload rr %s %s %d 0.5' % (proto, self.host.address, self.host.load))
            self.assertGreater(int(rate.split()[1]), 50, rate)
        vm.sh('netload blast %s %d 0.5 200' % (self.host.address, self.host.load))
        self.check_counters(vm, self.host)
        self.check_capture(vm, want=('ipv4', 'ipv6', 'tcp', 'udp'))

    def test_iperf_streams_and_udp(self):
        vm = self.slirp_guest(smp=2)
        self.check_iperf(vm, self.host)
        for way in '', '-R':
            self.assertGreater(self.iperf(vm, self.host, '-u', '-b', '10M', way), 1e6)
        self.check_counters(vm, self.host)

    def check_processors(self, count):
        """Traffic on every channel, both ways."""
        vm = self.slirp_guest(smp=count)
        dev = self.nic(vm)
        vm.sh('for i in $(seq 60); do netload rr tcp %s %d 0.02 || exit 1; done' % (
            self.host.address, self.host.load), timeout=120)
        if OURS:
            for way in 'rx', 'tx':
                counters = self.queue_counters(vm, dev, way)
                self.assertEqual(len(counters), count, vm.sh('ethtool -S ' + dev))
                self.assertGreater(min(counters), 0, counters)
        self.check_works(vm, self.host)
        self.check_counters(vm, self.host)

    def test_one_processor(self):
        self.check_processors(1)

    def test_four_processors_use_every_channel(self):
        self.check_processors(4)

    def test_offload_combinations_keep_checksums_right(self):
        """slirp has no offloads: every packet it sees must be whole."""
        vm = self.slirp_guest(self.capture_args(), smp=2)
        dev = self.nic(vm)
        vm.wait_until('ping -6 -c 1 -W 1 fec0::2')
        for tx, tso, rx in itertools.product(('on', 'off'), repeat=3):
            vm.run('ethtool -K %s tx %s rx %s; ethtool -K %s tso %s' % (dev, tx, rx, dev, tso))
            self.check_hashes(vm, self.host, kib=200)
        self.check_counters(vm, self.host)
        self.check_capture(vm, want=('ipv4', 'ipv6', 'tcp'))


class Tap(NetCase):

    def tap_guest(self, smp=2, queues=1, vnet_hdr=True, mtu=1500, args=(), **options):
        self.host = netlab.Namespace(self)
        netdev = self.host.netdev('n0', queues=queues, vnet_hdr=vnet_hdr, mtu=mtu)
        self.host.serve_all()
        props = {'mtu': mtu} if OURS and mtu != 1500 else {}
        vm = self.net_guest(self.nic_args(netdev, queues=queues, **props) + list(args), smp=smp,
                            pass_fds=self.host.pass_fds(), **options)
        dev = self.nic(vm)
        if mtu != 1500:
            vm.sh('ip link set %s mtu %d' % (dev, mtu))
        self.static(vm)
        return vm

    def check_offloads(self, vnet_hdr):
        vm = self.tap_guest(vnet_hdr=vnet_hdr)
        dev = self.nic(vm)
        for tx, tso, rx, gro in itertools.product(('on', 'off'), repeat=4):
            vm.run('ethtool -K %s tx %s rx %s; ethtool -K %s tso %s gro %s' % (
                dev, tx, rx, dev, tso, gro))
            self.check_hashes(vm, self.host, kib=200)
        self.check_counters(vm, self.host)
        return vm

    def test_offload_combinations_with_vnet_header(self):
        self.check_offloads(True)

    def test_offload_combinations_without_vnet_header(self):
        self.check_offloads(False)

    def test_short_iperf_and_datagrams(self):
        vm = self.tap_guest()
        self.check_iperf(vm, self.host)
        for address in self.host.address, self.host.address6:
            for way in '', '-R':
                self.assertGreater(self.iperf(vm, self.host, '-u', '-b', '20M', way,
                                              address=address), 1e6)
            out = vm.sh('netload rr udp %s %d 0.5' % (address, self.host.load))
            self.assertGreater(int(out.split()[1]), 100, out)
        # fragments: datagrams longer than the MTU
        self.assertGreater(self.iperf(vm, self.host, '-u', '-b', '20M', '-l', '8000'), 1e6)
        self.check_counters(vm, self.host)

    def check_jumbo(self, vnet_hdr):
        vm = self.tap_guest(mtu=9000, vnet_hdr=vnet_hdr, args=self.capture_args())
        vm.sh('ping -c 2 -A -s 8972 10.9.0.1')
        self.check_hashes(vm, self.host)
        self.check_iperf(vm, self.host, streams=(1,))
        self.check_counters(vm, self.host)
        if not vnet_hdr:
            capture = self.check_capture(vm, mtu=9000)
            self.assertGreater(max(len(packet) for packet in capture.packets), 8000)

    def test_jumbo_frames_with_vnet_header(self):
        self.check_jumbo(True)

    def test_jumbo_frames_without_vnet_header(self):
        self.check_jumbo(False)

    def test_every_queue_of_a_tap(self):
        vm = self.tap_guest(smp=4, queues=4)
        dev = self.nic(vm)
        if not OURS:
            vm.sh('ethtool -L %s combined 4' % dev)
        vm.sh('for i in $(seq 60); do netload rr tcp %s %d 0.02 || exit 1; done' % (
            self.host.address, self.host.load), timeout=120)
        self.check_iperf(vm, self.host, streams=(4,))
        if OURS:
            for way in 'rx', 'tx':
                counters = self.queue_counters(vm, dev, way)
                self.assertEqual(len(counters), 4)
                self.assertGreater(min(counters), 0, counters)
        self.check_hashes(vm, self.host)
        self.check_counters(vm, self.host)


class Vlan(NetCase):

    def test_tags_between_two_cards(self):
        """Two cards on a hub, each in a network namespace of the guest.
        (/usr/bin/ip: the shell's own ip knows no namespaces.)"""
        args = []
        for n in range(2):
            args += self.nic_args(['-netdev', 'hubport,id=h%d,hubid=0' % n], n=n,
                                  netdev='h%d' % n)
        vm = self.net_guest(args + self.capture_args('h0'), smp=2)
        for n in range(2):
            dev = self.nic(vm, n)
            vm.sh('/usr/bin/ip netns add v{0} && /usr/bin/ip link set {1} netns v{0} && '
                  '/usr/bin/ip -n v{0} link set {1} up && '
                  '/usr/bin/ip -n v{0} link add link {1} name vl type vlan id 5 && '
                  '/usr/bin/ip -n v{0} addr add 10.8.0.{2}/24 dev vl && '
                  '/usr/bin/ip -n v{0} link set vl up'.format(n, dev, n + 1))
        vm.wait_until('/usr/bin/ip netns exec v0 ping -c 1 -W 1 10.8.0.2')
        vm.sh('/usr/bin/ip netns exec v0 ping -c 3 -A -s 1472 10.8.0.2')
        vm.spawn('/usr/bin/ip netns exec v1 netload serve 5000')
        vm.wait_until('/usr/bin/ip netns exec v0 netload rr tcp 10.8.0.2 5000 0.2')
        vm.sh('head -c 3000000 /dev/urandom >/tmp/a')
        # its input stays open: else the other nc takes its end for the answer's
        vm.spawn('sleep 60 | /usr/bin/ip netns exec v1 nc -l -p 5001 >/tmp/b')
        vm.wait_until('/usr/bin/ip netns exec v1 netstat -ltn | grep -q :5001')
        vm.spawn('/usr/bin/ip netns exec v0 nc 10.8.0.2 5001 </tmp/a')
        vm.wait_until('cmp /tmp/a /tmp/b')
        for n in range(2):
            text = vm.sh('/usr/bin/ip netns exec v%d cat /proc/net/snmp' % n)
            self.assertEqual(netlab.csum_errors(text), 0, text)
        capture = self.check_capture(vm, want=('vlan', 'ipv4', 'tcp'))
        self.assertGreater(capture.seen['vlan'], 1000)


class LifeCase(NetCase):

    def setUp(self):
        super().setUp()
        self.host = netlab.Loopback(self)
        self.host.serve_files()

    def busy_guest(self, **options):
        vm = self.net_guest(self.nic_args(self.host.netdev('n0')), **{'smp': 2, **options})
        dev = self.dhcp(vm)
        return vm, dev, self.start_traffic(vm, self.host)

    def link(self, vm, name, up):
        vm.qmp('set_link', name=name, up=up)

    def wait_carrier(self, vm, dev, want):
        vm.wait_until('[ "$(cat /sys/class/net/%s/carrier)" = %d ]' % (dev, want))

    def flap(self, vm, dev, rounds):
        """Link from the host, link from the guest, channels, rings, RSS table."""
        for i in range(rounds):
            self.link(vm, 'nic0', False)
            self.wait_carrier(vm, dev, 0)
            self.link(vm, 'nic0', True)
            self.wait_carrier(vm, dev, 1)
            vm.sh('ip link set %s down && ip link set %s up' % (dev, dev))
            vm.wait_until('ip route replace default via 10.0.2.2 dev %s' % dev)
            if OURS:
                vm.sh('ethtool -L %s combined %d' % (dev, i % 2 + 1))
                vm.sh('ethtool -G %s rx %d tx %d' % (dev, 1000 + 500 * (i % 3), 192))
                vm.run('ethtool -X %s equal %d' % (dev, i % 2 + 1))
            vm.sh('ip link set %s mtu %d' % (dev, (1500, 1400, 1280)[i % 3]))
            vm.wait_until('ip route replace default via 10.0.2.2 dev %s' % dev)

    def replug(self, vm):
        vm.qmp('device_del', id='nic0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nic0'})
        vm.wait_until('! ip -o link | grep -qi %s' % (MAC % 0))
        vm.qmp('device_add', driver=NIC, id='nic0', netdev='n0', mac=MAC % 0)
        return self.dhcp(vm)

    def reboot(self, vm, way):
        """By the guest's own doing or by "reset"."""
        if way == 'reset':
            vm.qmp('system_reset')
        else:
            vm.send('reboot -f')
        vm.wait_ready()
        self.dhcp(vm)

    def check_reboots(self, *ways):
        vm, _, _ = self.busy_guest()
        for way in ways:
            self.reboot(vm, way)
            self.check_works(vm, self.host)
            self.start_traffic(vm, self.host)

    def save_and_load(self, vm, rounds):
        for i in range(rounds):
            self.assertEqual(vm.hmp('savevm s%d' % (i % 4)), '')
            if i % 2:
                vm.hmp('stop')
                self.assertEqual(vm.hmp('loadvm s%d' % (i % 4)), '')
                vm.hmp('cont')

    def kexec(self):
        """A guest that another kernel has taken over under load, and that works."""
        vm, _, _ = self.busy_guest(memory='1536M',
                                   files=self.kernel_files(net=True, files=FILES))
        vm.kexec()
        self.dhcp(vm)
        self.check_works(vm, self.host)
        return vm


class Life(LifeCase):

    def test_short_link_and_channels_change_under_load(self):
        vm, dev, job = self.busy_guest()
        self.flap(vm, dev, 3)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_card_comes_and_goes_under_load(self):
        vm, _, job = self.busy_guest()
        for _ in range(3):
            self.replug(vm)
            self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_netdev_goes_under_load(self):
        vm, dev, job = self.busy_guest()
        vm.qmp('netdev_del', id='n0')
        self.wait_carrier(vm, dev, 0)
        vm.sh('touch /run/stop; killall nc')
        vm.join(job)
        vm.qmp('device_del', id='nic0')
        vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'nic0'})
        vm.qmp('netdev_add', type='user', id='n0')
        vm.qmp('device_add', driver=NIC, id='nic0', netdev='n0', mac=MAC % 0)
        self.dhcp(vm)
        self.check_works(vm, self.host)

    def test_reboots_under_load(self):
        self.check_reboots('reboot', 'reset', 'reboot')

    def test_kexec_under_load(self):
        self.kexec()

    def test_savevm_and_loadvm_under_load(self):
        vm, _, job = self.busy_guest(disks=['64M'], qcow2=True)
        self.save_and_load(vm, 4)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_driver_unload_and_load(self):
        if not OURS:
            self.skipTest('of hv_netvsc only')
        vm, _, job = self.busy_guest()
        for _ in range(3):
            vm.sh('rmmod hv_netvsc && modprobe hv_netvsc')
            self.dhcp(vm)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)


IPXE = b'''#!ipxe
echo script: the card is up
dhcp net0
kernel tftp://10.0.2.2/vmlinuz console=ttyS0 panic=-1 earlyprintk=ttyS0
boot
'''


class Ipxe(guest.TestCase):
    """Another guest implementation: iPXE's netvsc driver."""

    def test_boots_a_kernel_from_tftp(self):
        work = tempfile.mkdtemp(prefix='qpv-ipxe-')
        self.addCleanup(shutil.rmtree, work)
        with open(os.path.join(work, 'script'), 'wb') as f:
            f.write(IPXE)
        shutil.copy(guest.asset('kernels', guest.KERNEL, 'vmlinuz'), work)
        vm = self.guest(start=False, kernel_boot=False, dmesg_ok=False, machine='q35,graphics=off',
                        args=['-kernel', guest.asset('guest', 'tools-programs', 'usr/lib/ipxe',
                                                     'ipxe.lkrn'),
                              '-initrd', os.path.join(work, 'script'),
                              '-netdev', 'user,id=n0,tftp=' + work,
                              '-device', '%s,netdev=n0,mac=%s' % (NIC, MAC % 0)])
        vm.start()
        vm.wait_console(r'Linux version', timeout=120)


class Rounds:
    """Hundreds of times each; only in the full run. QPV_SOAK=ROUNDS, or, to end
    earlier, QPV_SOAK_SECONDS=SECONDS by hand."""

    ROUNDS = int(os.environ.get('QPV_SOAK', '200'))
    SECONDS = int(os.environ.get('QPV_SOAK_SECONDS', '0'))

    def rounds(self, count):
        """Numbers below `count`; says how far it has come."""
        began = time.monotonic()
        done = 0
        while done < count:
            took = time.monotonic() - began
            if self.SECONDS and took > self.SECONDS:
                break
            if done % 10 == 0:
                print('# round %d, %.0f s' % (done, took), flush=True)
            yield done
            done += 1
        print('# %d rounds' % done, flush=True)


class Soak(Rounds, LifeCase):

    def check_memory(self, vm, before_kb):
        with open('/proc/%d/status' % vm.proc.pid, encoding='utf-8') as f:
            rss = int(re.search(r'RssAnon:\s+(\d+)', f.read()).group(1))
        if before_kb:
            self.assertLess(rss, before_kb + (200 << 10))
        return rss

    def test_soak_link_and_channels(self):
        vm, dev, job = self.busy_guest()
        self.flap(vm, dev, 10)
        before = self.check_memory(vm, None)
        for _ in self.rounds(self.ROUNDS // 3):
            self.flap(vm, dev, 3)
        self.check_memory(vm, before)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_soak_plug(self):
        vm, _, job = self.busy_guest()
        before = None
        for i in self.rounds(self.ROUNDS):
            self.replug(vm)
            if i == min(10, self.ROUNDS // 2):
                before = self.check_memory(vm, None)
        self.check_memory(vm, before)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_soak_save_and_load(self):
        vm, _, job = self.busy_guest(disks=['64M'], qcow2=True)
        for _ in self.rounds(self.ROUNDS // 4):
            self.save_and_load(vm, 4)
        self.check_works(vm, self.host)
        self.stop_traffic(vm, job)

    def test_soak_reboot(self):
        vm, _, _ = self.busy_guest()
        for i in self.rounds(self.ROUNDS // 4):
            self.reboot(vm, 'reset' if i % 2 else 'reboot')
            self.start_traffic(vm, self.host)
        self.check_works(vm, self.host)


if __name__ == '__main__':
    guest.main()
