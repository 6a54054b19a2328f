#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole Debian, its root file system on a VMBus disk, boots to multi-user."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import guest

RUN = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                    '..', '..', 'scripts', 'run'))
UP_SECONDS = 600

AGENT_UNIT = '''[Unit]
Description=Command server of the test harness
[Service]
ExecStart=/bin/sh /usr/local/sbin/qpv-agent
[Install]
WantedBy=multi-user.target
'''

INSTALL = r'''set -e
mkfs.ext4 -q /dev/%(disk)s
mount -t ext4 /dev/%(disk)s /mnt
tar -xf /dev/%(tar)s -C /mnt
mkdir -p /mnt/usr/lib/modules /mnt/usr/local/sbin
cp -a /lib/modules/* /mnt/usr/lib/modules/
cp /qpv/agent /mnt/usr/local/sbin/qpv-agent
cat >/mnt/etc/systemd/system/qpv-agent.service <<'END'
%(unit)s
END
mkdir -p /mnt/etc/systemd/system/multi-user.target.wants
ln -sf ../qpv-agent.service /mnt/etc/systemd/system/multi-user.target.wants/
echo paravisor >/mnt/etc/hostname
echo '/dev/sda / ext4 defaults 0 1' >/mnt/etc/fstab
umount /mnt
'''


class Rootfs(guest.TestCase):

    def test_debian_boots_to_multi_user(self):
        work = tempfile.mkdtemp(prefix='qpv-rootfs-')
        self.addCleanup(shutil.rmtree, work)
        disk = os.path.join(work, 'root.img')
        with open(disk, 'wb') as f:
            f.truncate(1 << 30)

        vm = self.guest(disks=[disk, guest.asset('guest', 'rootfs.tar')],
                        smp=2, memory='1G')
        vm.sh(INSTALL % {'disk': vm.disk(0), 'tar': vm.disk(1), 'unit': AGENT_UNIT},
              timeout=300)
        vm.check_dmesg()
        vm.stop()

        vm = self.guest(disks=[disk], smp=2, memory='1G', args=[
                            '-device', 'hv-ic-shutdown', '-device', 'hv-ic-heartbeat',
                            '-device', 'hv-ic-kvp', '-device', 'hv-ic-vss'],
                        append='qpv.root=sda systemd.show_status=1',
                        boot_timeout=240)
        vm.wait_until('systemctl is-active multi-user.target', timeout=120)
        self.assertIn('/dev/sda', vm.sh('findmnt -n -o SOURCE /'))
        self.assertEqual(vm.sh('systemctl --failed --no-legend --plain').strip(), '')
        self.check_services(vm)
        # the disk is the guest's own: it writes, syncs, reads back
        vm.sh('head -c 4194304 /dev/urandom >/root/a && cp /root/a /root/b && sync && '
              'echo 3 >/proc/sys/vm/drop_caches && cmp /root/a /root/b')
        vm.check_dmesg()
        vm.qmp('system_powerdown')
        self.assertEqual(vm.wait_exit(120), 0)
        self.assertIn('Shutdown request received', vm.console())

    def check_services(self, vm):
        """Package hyperv-daemons, started by udev and systemd."""
        for name in ('kvp', 'vss'):
            vm.wait_until('systemctl is-active hv-%s-daemon' % name)
        # the daemon speaks to its driver some time after systemd has started it
        end = time.monotonic() + 60 * guest.SLOWNESS
        while any(i['state'] != 'ready' for i in vm.qmp('query-hv-ics')['services']
                  if i['service'] in ('kvp', 'vss')):
            self.assertLess(time.monotonic(), end, 'no daemon')
            time.sleep(0.2)
        pairs = {i['key']: i['value'] for i in vm.qmp('hv-kvp-get', pool='auto')}
        self.assertIn('Debian', pairs['OSName'])
        vm.qmp('hv-kvp-set', key='role', value='web')
        self.assertIn('role', vm.sh('tr "\\000" "\\n" </var/lib/hyperv/.kvp_pool_0'))
        # the agent writes to the disk as little as its shell does
        vm.qmp('hv-vss-freeze', thaw_after=60)
        self.assertTrue(vm.qmp('query-hv-ics')['vss']['frozen'])
        vm.qmp('hv-vss-thaw')
        self.assertEqual(vm.qmp('query-hv-ics')['heartbeat']['state'], 'ok')


class Run(guest.TestCase):
    """scripts/run --rootfs, as a user calls it"""

    def start(self, *words):
        guest.asset('stamps', 'rootfs-disk')
        self.tmp = tempfile.mkdtemp(prefix='qpv-rootfs-')
        self.addCleanup(shutil.rmtree, self.tmp, ignore_errors=True)
        proc = subprocess.Popen([RUN, '--rootfs', '--kernel', guest.KERNEL, *words],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, encoding='utf-8', start_new_session=True,
                                env=dict(os.environ, QPV_BUILD=os.path.realpath(guest.BUILD),
                                         TMPDIR=self.tmp))
        limit = threading.Timer(UP_SECONDS * 2 * guest.SLOWNESS, proc.kill)
        limit.start()
        self.addCleanup(limit.cancel)
        return proc

    def check_nothing_is_left(self):
        self.assertEqual(os.listdir(self.tmp), [])

    def check_command(self, disk):
        """--exec on a new disk, which is kept"""
        proc = self.start('--config', 'accelerated', '--disk', disk, '--exec',
                          'findmnt -n -o SOURCE /; uname -r; systemctl is-system-running --wait; '
                          'ls -d /sys/bus/pci/drivers/mana/*:* >&2; echo seen >/root/mark; exit 7')
        out, err = proc.communicate()
        self.assertEqual(proc.returncode, 7, err)
        source, release, state = out.splitlines()
        self.assertEqual((source, state), ('/dev/sda', 'running'))
        self.assertTrue(release.startswith(guest.KERNEL), release)
        self.assertIn('shutting the guest down', err)
        self.check_nothing_is_left()

    def check_login(self, disk):
        """What the script says to type works until Ctrl-C"""
        proc = self.start('--disk', disk)
        said = ''
        for line in proc.stderr:
            said += line
            if 'a shell in it' in line:
                break
        login = re.search(r'a shell in it: +(ssh .*)', said)
        self.assertTrue(login, said)
        done = subprocess.run(login.group(1).split() + ['cat /root/mark /etc/debian_version; exit 3'],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False,
                              stderr=subprocess.DEVNULL, timeout=60 * guest.SLOWNESS, encoding='utf-8')
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stdout, r'^seen\n13')
        os.killpg(proc.pid, signal.SIGINT)
        _, err = proc.communicate()
        self.assertEqual(proc.returncode, 130, err)
        self.assertIn('shutting the guest down', err)
        self.check_nothing_is_left()

    def test_command_then_ssh_and_ctrl_c(self):
        folder = tempfile.mkdtemp(prefix='qpv-rootfs-')
        self.addCleanup(shutil.rmtree, folder)
        disk = os.path.join(folder, 'a disk, kept.qcow2')
        self.check_command(disk)
        self.check_login(disk)


if __name__ == '__main__':
    guest.main()
