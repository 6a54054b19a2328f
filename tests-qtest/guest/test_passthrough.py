#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SCSI devices of the host behind hv-scsi: a qtest that runs inside a guest, for
only there is a SCSI disk that may be written to (scsi_debug)."""

import os
import re
import subprocess

import guest

HERE = '/host'      # folder in the guest with QEMU and all it needs


def with_libraries(programs):
    """{path in the guest: path on the host}: `programs`, given by the names they
    get there, and the libraries they need."""
    files = {}
    for name, program in programs.items():
        files['%s/%s' % (HERE, name)] = program
        out = subprocess.run(['ldd', program], stdout=subprocess.PIPE, text=True,
                             check=True).stdout
        for path in re.findall(r'(/\S+) \(0x', out):
            files['%s/%s' % (HERE, os.path.basename(path))] = os.path.realpath(path)
    return files


class PassThrough(guest.TestCase):

    def test_scsi_block_and_scsi_generic(self):
        files = with_libraries({
            'qemu': guest.QEMU,
            'qtest': guest.asset(guest.VARIANT, 'tests', 'qtest', 'paravisor',
                                 'hv-scsi-passthrough-test')})
        loader = '%s/ld-linux-x86-64.so.2 --library-path %s' % (HERE, HERE)
        # libqtest takes the architecture from the name
        files[HERE + '/qemu-system-x86_64'] = (
            '#!/bin/sh\nexec %s %s/qemu -L %s "$@"\n' % (loader, HERE, HERE)).encode()
        # never run: no CPU executes in a qtest
        files[HERE + '/bios-256k.bin'] = bytes(256 << 10)
        vm = self.guest(memory='2G', smp=2, files=files, boot_timeout=240,
                        dmesg_allow='scsi_debug')
        vm.sh('modprobe -a scsi_debug sg')
        block = vm.wait_until('basename /sys/bus/scsi/devices/*:0:0:0/block/*').strip()
        generic = vm.sh('ls /sys/block/%s/device/scsi_generic' % block).strip()
        status, out = vm.run(
            'HV_SCSI_TEST_BLOCK=/dev/%s HV_SCSI_TEST_GENERIC=/dev/%s '
            'QTEST_QEMU_BINARY=%s/qemu-system-x86_64 %s %s/qtest --tap 2>&1 | '
            'grep -vE "^# (start|slow)"' % (block, generic, HERE, loader, HERE),
            timeout=300)
        self.assertEqual(len(re.findall(r'^ok ', out, re.M)), 8, out[-4000:])
        self.assertNotIn('not ok', out)


if __name__ == '__main__':
    guest.main()
