#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The integration services, with Linux's hv_utils and its daemons."""

import hashlib
import os
import re
import socket
import tempfile
import threading
import time

import guest
import netlab

NAMES = ['shutdown', 'heartbeat', 'timesync', 'kvp', 'vss', 'fcopy']

# init of the test guest is a shell script, which does not know of signals
POWER = r'''for what in poweroff reboot; do
    rm -f /sbin/$what
    printf '#!/bin/sh\nsync\nexec busybox %s -f\n' $what >/sbin/$what
    chmod 755 /sbin/$what
done'''

# Counts the writes that reached the disk
WRITER = '''n=0
while [ ! -e /run/stop ]; do
    n=$((n + 1))
    echo $n >/mnt/data && sync -d /mnt/data && echo $n >/run/written
done'''

MAC = '52:54:00:12:34:56'

# Each distribution has its own; the daemon gives it a file with shell variables
SET_IFCONFIG = b'''#!/bin/sh
. "$1"
ip addr flush dev "$DEVICE" scope global
ip addr add "$IPADDR0/$NETMASK0" dev "$DEVICE"
ip link set "$DEVICE" up
ip route replace default via "$GATEWAY" dev "$DEVICE"
'''
DAEMON_MODULES = 'qpv.load=hv_vmbus,hv_storvsc,hv_utils,hv_netvsc,sd_mod'


class Waiting(threading.Thread):
    """A QMP command that waits for the guest; no other can be given meanwhile."""

    def __init__(self, vm, command, arguments):
        super().__init__(daemon=True)
        self.monitor, self.command, self.arguments = vm.monitor, command, arguments
        self.error = None
        self.start()

    def run(self):
        try:
            self.monitor.command(self.command, self.arguments, self.arguments['timeout'])
        except guest.GuestError as exc:
            self.error = str(exc)


def services(*names):
    """Arguments for these services; ids are their names."""
    return [arg for name in names
            for arg in ('-device', 'hv-ic-%s,id=%s' % (name, name))]


class Services(guest.TestCase):

    def info(self, vm, service):
        for info in vm.qmp('query-hv-ics')['services']:
            if info['service'] == service:
                return info
        return {'state': 'absent'}

    def wait_for(self, condition, what, timeout=30):
        end = time.monotonic() + timeout * guest.SLOWNESS
        while not condition():
            if time.monotonic() > end:
                self.fail(what)
            time.sleep(0.1)

    def wait_state(self, vm, service, state='ready', timeout=30):
        self.wait_for(lambda: self.info(vm, service)['state'] == state,
                      '%s is not %s' % (service, state), timeout)

    def beats(self, vm):
        """The heartbeat is well and goes on."""
        beat = vm.qmp('query-hv-ics')['heartbeat']
        self.wait_for(lambda: vm.qmp('query-hv-ics')['heartbeat']['sequence'] >
                      beat['sequence'], 'no heartbeat', 15)
        self.assertEqual(vm.qmp('query-hv-ics')['heartbeat']['state'], 'ok')

    def clock_is_right(self, vm):
        off = int(vm.sh('date +%s')) - time.time()
        return abs(off) < 3 * guest.SLOWNESS

    def fails(self, vm, pattern, command, **arguments):
        with self.assertRaisesRegex(guest.GuestError, pattern):
            vm.qmp(command, **arguments)

    def test_shutdown_heartbeat_and_time(self):
        vm = self.guest(args=services('shutdown', 'heartbeat', 'timesync'),
                        disks=['64M'], qcow2=True, smp=2)
        for name, version in (('shutdown', '3.2'), ('heartbeat', '3.0'),
                              ('timesync', '4.0')):
            self.wait_state(vm, name)
            self.assertEqual(self.info(vm, name)['message-version'], version)
            self.assertEqual(self.info(vm, name)['framework-version'], '3.0')
        self.beats(vm)
        self.assertEqual(vm.sh('cat /sys/class/ptp/*/clock_name').strip(), 'hyperv')
        self.assertTrue(self.clock_is_right(vm))

        # a machine that was stopped gets the time when it goes on
        vm.sh('date -s "2001-02-03 04:05:06"')
        vm.qmp('stop')
        time.sleep(8)           # longer than a heartbeat may be missing
        vm.qmp('cont')
        self.wait_for(lambda: self.clock_is_right(vm), 'clock was not set')
        self.assertEqual(vm.qmp('query-hv-ics')['heartbeat']['state'], 'ok')
        # and so does one that was loaded
        vm.sh('date -s "2001-02-03 04:05:06"')
        vm.hmp('savevm wrong')
        self.wait_for(lambda: self.clock_is_right(vm), 'clock was not set')
        time.sleep(4)
        self.assertEqual(vm.hmp('loadvm wrong').strip(), '')
        self.wait_for(lambda: self.clock_is_right(vm), 'clock was not set')
        self.beats(vm)
        # samples do not set the clock
        vm.sh('date -s "2001-02-03 04:05:06"')
        time.sleep(6)
        self.assertFalse(self.clock_is_right(vm))

        vm.sh(POWER)
        vm.qmp('hv-shutdown', mode='reboot')
        vm.monitor.wait_event('RESET', match={'reason': 'guest-reset'})
        vm.wait_ready()
        self.wait_state(vm, 'shutdown')
        self.beats(vm)
        vm.sh(POWER)
        vm.qmp('system_powerdown')
        self.assertEqual(vm.wait_exit(), 0)
        self.assertIn('Shutdown request received', vm.console())

    def test_hot_plug(self):
        vm = self.guest(args=services('heartbeat'))
        self.wait_state(vm, 'heartbeat')
        for name in ('shutdown', 'timesync', 'kvp', 'vss'):
            vm.qmp('device_add', driver='hv-ic-' + name, id=name)
        self.fails(vm, 'same instance-id', 'device_add', driver='hv-ic-heartbeat')
        self.wait_state(vm, 'shutdown')
        self.wait_state(vm, 'timesync')
        for _ in range(3):
            vm.qmp('device_del', id='heartbeat')
            vm.monitor.wait_event('DEVICE_DELETED', match={'device': 'heartbeat'})
            self.assertNotIn('heartbeat', vm.qmp('query-hv-ics'))
            vm.qmp('device_add', driver='hv-ic-heartbeat', id='heartbeat')
            self.wait_state(vm, 'heartbeat')
            self.beats(vm)
        # the driver goes and comes
        vm.sh('rmmod hv_utils')
        for name in ('heartbeat', 'shutdown', 'timesync', 'kvp', 'vss'):
            self.wait_state(vm, name, 'closed')
        self.assertEqual(vm.qmp('query-hv-ics')['heartbeat']['state'], 'no-contact')
        vm.sh('modprobe hv_utils')
        self.wait_state(vm, 'shutdown')
        self.beats(vm)

    def daemons(self):
        """A guest in which the daemons can run, with a disk at /mnt."""
        self.port = netlab.free_ports(1)[0]
        vm = self.guest(args=services(*NAMES) + [
            '-netdev', 'user,id=n0,restrict=on,hostfwd=tcp:127.0.0.1:%d-10.0.2.99:7' % self.port,
            '-device', 'hv-net,netdev=n0,id=nic0,mac=' + MAC],
            disks=['64M'], daemons=True, smp=2, append=DAEMON_MODULES,
            files={'usr/libexec/hypervkvpd/hv_set_ifconfig': SET_IFCONFIG})
        vm.sh('mkdir -p /var/lib; printf "NAME=testos\\nVERSION_ID=12\\n" >/etc/os-release; '
              'mkfs.ext4 -q /dev/%s && mount -t ext4 /dev/%s /mnt' % ((vm.disk(0),) * 2))
        return vm

    def check_kvp(self, vm):
        self.assertEqual(self.info(vm, 'kvp')['message-version'], '4.0')
        pairs = {i['key']: i['value'] for i in vm.qmp('hv-kvp-get', pool='auto')}
        self.assertEqual(pairs['OSName'], 'testos')
        self.assertEqual(pairs['ProcessorArchitecture'], 'x86_64')
        self.assertEqual(vm.qmp('hv-kvp-get', pool='auto', key='OSName')[0]['value'], 'testos')
        text = 'gr\u00fc\u00dfe \u4f60\u597d \U0001f600 ' + 'x' * 300
        vm.qmp('hv-kvp-set', key='greeting', value=text)
        vm.qmp('hv-kvp-set', key='number', value='4000000000', type='u32')
        vm.qmp('hv-kvp-set', key='large', value='18446744073709551615', type='u64')
        pool = vm.sh('tr "\\000" "\\n" </var/lib/hyperv/.kvp_pool_0 | grep .')
        self.assertEqual(pool.split('\n')[:2], ['greeting', text])
        # the driver makes text of numbers
        pairs = {i['key']: i['value'] for i in vm.qmp('hv-kvp-get', pool='external')}
        self.assertEqual(pairs, {'greeting': text, 'number': '4000000000',
                                 'large': '18446744073709551615'})
        vm.qmp('hv-kvp-set', key='greeting', value='hello')
        self.assertEqual(vm.qmp('hv-kvp-get', pool='external', key='greeting'),
                         [{'key': 'greeting', 'value': 'hello', 'type': 'string'}])
        vm.qmp('hv-kvp-delete', key='greeting')
        self.fails(vm, 'no pair', 'hv-kvp-get', pool='external', key='greeting')
        self.fails(vm, 'refused', 'hv-kvp-delete', key='greeting')

    def check_ip(self, vm):
        dev = vm.sh('grep -l -i %s /sys/class/net/*/address' % MAC).split('/')[4]
        vm.sh('ip addr add 10.0.2.77/24 dev %s && ip link set %s up && '
              'ip route add default via 10.0.2.2' % (dev, dev))
        config = vm.qmp('hv-kvp-get-ip', id='nic0')
        self.assertIn('10.0.2.77', config['addresses'])
        self.assertEqual(config['subnets'][0], '255.255.255.0')
        self.fails(vm, 'refused', 'hv-kvp-get-ip', id='00:00:00:00:00:01')
        self.fails(vm, 'refused', 'hv-kvp-set-ip', id='{00000000-0000-0000-0000-000000000001}',
                   config={'family': 'ipv4', 'dhcp': True, 'addresses': [], 'subnets': [],
                           'gateways': [], 'dns-servers': []})
        vm.qmp('hv-kvp-set-ip', id='nic0', config={
            'family': 'ipv4', 'dhcp': False, 'addresses': ['10.0.2.99'],
            'subnets': ['255.255.255.0'], 'gateways': ['10.0.2.2'], 'dns-servers': ['10.0.2.3']})
        addresses = vm.qmp('hv-kvp-get-ip', id='nic0')['addresses']
        self.assertIn('10.0.2.99', addresses)
        self.assertNotIn('10.0.2.77', addresses)
        # the host calls that address and no other
        vm.spawn('echo it is me | nc -l -p 7')
        vm.wait_until('netstat -ltn | grep -q :7')
        with socket.create_connection(('127.0.0.1', self.port), 20) as call:
            self.assertEqual(call.recv(100), b'it is me\n')

    def written(self, vm):
        return int(vm.sh('cat /run/written'))

    def check_vss(self, vm):
        self.assertEqual(self.info(vm, 'vss')['message-version'], '5.0')
        job = vm.spawn(WRITER)
        self.wait_for(lambda: vm.run('test -s /run/written')[0] == 0, 'no writes')
        for thaw_after in (None, 2):
            options = {'thaw_after': thaw_after} if thaw_after else {}
            vm.qmp('hv-vss-freeze', **options)
            state = vm.qmp('query-hv-ics')['vss']
            self.assertTrue(state['frozen'])
            self.assertIn(state['hot-backup-flags'], (0, 5))
            count = self.written(vm)
            if thaw_after is None:
                time.sleep(2)
                self.assertEqual(self.written(vm), count)
                self.fails(vm, 'frozen already', 'hv-vss-freeze')
                vm.qmp('hv-vss-thaw')
            self.wait_for(lambda: self.written(vm) > count + 2, 'writes are held')
            self.wait_for(lambda: not vm.qmp('query-hv-ics')['vss']['frozen'], 'frozen')
            self.fails(vm, 'not frozen', 'hv-vss-thaw')
        vm.sh('touch /run/stop')
        self.assertEqual(vm.join(job)[0], 0)

    def check_fcopy(self, vm):
        data = os.urandom(100000)
        with tempfile.NamedTemporaryFile(suffix='.bin') as file:
            file.write(data)
            file.flush()
            name = os.path.basename(file.name)
            vm.qmp('hv-copy-file', source=file.name, directory='/mnt/new/dir',
                   create_directory=True)
            self.assertEqual(vm.sh('sha256sum </mnt/new/dir/' + name).split()[0],
                             hashlib.sha256(data).hexdigest())
            self.fails(vm, 'exists already', 'hv-copy-file', source=file.name,
                       directory='/mnt/new/dir')
            vm.qmp('hv-copy-file', source=file.name, directory='/mnt/new/dir', overwrite=True)
            self.fails(vm, 'refused', 'hv-copy-file', source=file.name,
                       directory='/nowhere/dir')

    def test_daemons(self):
        vm = self.daemons()
        # without a daemon there is an error, and at once
        self.fails(vm, 'not agreed', 'hv-kvp-get', pool='auto')
        self.fails(vm, 'refused', 'hv-vss-freeze')
        vm.sh('hv_kvp_daemon && hv_vss_daemon')
        self.wait_state(vm, 'kvp')
        self.wait_state(vm, 'vss')
        self.check_kvp(vm)
        self.check_ip(vm)
        self.check_vss(vm)
        if re.match(r'6\.[1-9]\.|6\.1$', self.release(vm)):
            vm.sh('hv_fcopy_daemon')
            self.wait_state(vm, 'fcopy')
            self.check_fcopy(vm)
        # a daemon that hangs: an error in time; one that goes on: all is well
        vm.sh('kill -STOP $(pidof hv_kvp_daemon)')
        start = time.monotonic()
        with self.assertRaisesRegex(guest.GuestError, 'did not answer'):
            vm.monitor.command('hv-kvp-set', {'key': 'a', 'value': 'b', 'timeout': 2})
        self.assertLess(time.monotonic() - start, 20)
        self.fails(vm, 'earlier request', 'hv-kvp-get', pool='external')
        vm.sh('kill -CONT $(pidof hv_kvp_daemon)')
        self.wait_state(vm, 'kvp')
        vm.qmp('hv-kvp-set', key='c', value='d')
        pairs = {i['key']: i['value'] for i in vm.qmp('hv-kvp-get', pool='external')}
        self.assertEqual((pairs['a'], pairs['c']), ('b', 'd'))

    def start_daemons(self, vm):
        vm.sh('mkdir -p /var/lib; hv_kvp_daemon && hv_vss_daemon')
        self.wait_state(vm, 'kvp')
        self.wait_state(vm, 'vss')

    def leave_in_flight(self, vm, daemon, count, command, **arguments):
        """A command that `daemon` leaves without an answer, as request number `count`."""
        vm.sh('kill -STOP $(pidof %s)' % daemon)
        waiting = Waiting(vm, command, arguments)
        with open(os.path.join(self.work.name, 'trace'), encoding='utf-8') as trace:
            self.wait_for(lambda: trace.seek(0) or trace.read().count('hv_ic_request') >= count,
                          'no request was sent')
        return waiting

    def check_over(self, waiting):
        waiting.join(30)
        self.assertIn('closed the channel', waiting.error or 'no error')

    def test_kernel_goes_in_the_middle_of_requests(self):
        self.work = tempfile.TemporaryDirectory(prefix='qpv-ics-')
        self.addCleanup(self.work.cleanup)
        options = {'daemons': True, 'append': DAEMON_MODULES}
        vm = self.guest(args=services('kvp', 'vss') + [
            '-trace', 'hv_ic_request', '-D', os.path.join(self.work.name, 'trace')],
            memory='1536M', smp=2, files=self.kernel_files(**options), **options)
        self.start_daemons(vm)
        waiting = self.leave_in_flight(vm, 'hv_kvp_daemon', 1, 'hv-kvp-set', key='a', value='b',
                                       timeout=300)
        vm.kexec()
        self.check_over(waiting)
        self.start_daemons(vm)
        vm.qmp('hv-kvp-set', key='c', value='d')
        self.assertEqual(vm.qmp('hv-kvp-get', pool='external'),
                         [{'key': 'c', 'value': 'd', 'type': 'string'}])
        # before: another set, the get of a pair and of the end
        waiting = self.leave_in_flight(vm, 'hv_vss_daemon', 5, 'hv-vss-freeze', timeout=300)
        vm.send('reboot -f')
        vm.wait_ready()
        self.check_over(waiting)
        self.assertFalse(vm.qmp('query-hv-ics')['vss']['frozen'])
        self.start_daemons(vm)
        vm.qmp('hv-vss-freeze')
        vm.qmp('hv-vss-thaw')

    def release(self, vm):
        return '.'.join(vm.sh('uname -r').split('.')[:2])


if __name__ == '__main__':
    guest.main()
