#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Code in a guest looks for what is VTL2's: memory, registers, PCI functions.  So
does a debugger of the guest.
"""

import os
import socket

import guest

TESTDEV = 0xfed90000                    # hw-paravisor/vtl2-testdev-defs.h
COMMAND, RESULT, ALLOC, PEEK, POKE, READ32 = 0x20, 0x28, 8, 10, 11, 3
SECRET = 0x5654_4c32_1234_5678

VTL2 = ['-device', 'paravisor', '-blockdev', 'null-co,node-name=d0,size=1048576',
        '-device', 'nvme,id=n0,bus=vtl2.0,addr=1,drive=d0,serial=x',
        '-device', 'vtl2-testdev,function=n0']
# wide enough for VTL2's addresses to be those of a CPU in VTL0
CPU = guest.CPU + ',phys-bits=52'


def view(vm):
    """What the guest was told of the machine"""
    return (vm.sh('grep -v Kernel /proc/iomem'), vm.sh('ls /sys/bus/pci/devices'),
            vm.sh('md5sum /sys/firmware/acpi/tables/[A-Z]*'),
            vm.sh('grep MemTotal /proc/meminfo'))


def gdb(sock, command):
    """What QEMU answers to a debugger"""
    sock.sendall(b'$%s#%02x' % (command.encode(), sum(command.encode()) & 0xff))
    data = b''
    while data.count(b'#') < 1 or len(data) - data.index(b'#') < 3:
        data += sock.recv(4096)
    sock.sendall(b'+')
    return data[data.index(b'$') + 1:data.index(b'#')].decode()


class Vtl2(guest.TestCase):

    def devmem(self, vm, addr, width=64, val=None):
        out = vm.sh('busybox devmem 0x%x %d %s' % (addr, width, '' if val is None else hex(val)))
        return int(out, 16) if val is None else None

    def driver(self, vm, command, *args):
        """The driver in VTL2 does as it is told"""
        for i, arg in enumerate(args):
            self.devmem(vm, TESTDEV + 8 * i, val=arg)
        self.devmem(vm, TESTDEV + COMMAND, val=command)
        self.assertEqual(self.devmem(vm, TESTDEV + COMMAND), 1)
        return self.devmem(vm, TESTDEV + RESULT)

    def test_guest_finds_nothing(self):
        vm = self.guest(cpu=CPU, args=VTL2, memory='256M')
        with_paravisor = view(vm)
        addr = self.driver(vm, ALLOC, 4096)
        self.driver(vm, POKE, addr, SECRET)
        version = self.driver(vm, READ32, 0, 8)
        self.assertNotEqual(version, 0)
        registers = addr + (1 << 40) + (8 << 32)
        self.assertEqual(self.devmem(vm, addr), 0)
        self.assertNotEqual(self.devmem(vm, registers + 8, 32), version)
        self.devmem(vm, addr, val=1)
        self.devmem(vm, registers + 0x24, 32, val=0x70007)
        self.assertEqual(self.driver(vm, PEEK, addr), SECRET)
        self.assertEqual(self.driver(vm, READ32, 0, 0x24), 0)
        other = self.guest(cpu=CPU, memory='256M')
        self.assertEqual(view(other), with_paravisor)

    def test_debugger_finds_nothing(self):
        vm = self.guest(cpu=CPU, args=VTL2, memory='256M')
        addr = self.driver(vm, ALLOC, 4096)
        self.driver(vm, POKE, addr, SECRET)
        path = os.path.join(vm.work, 'gdb')
        vm.hmp('gdbserver unix:%s,server=on,wait=off' % path)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(path)
            # by the guest's page tables, then by physical address
            self.assertRegex(gdb(sock, 'm%x,8' % addr), '^E')
            self.assertEqual(gdb(sock, 'Qqemu.PhyMemMode:1'), 'OK')
            self.assertRegex(gdb(sock, 'm1000,8'), '^[0-9a-f]{16}$')
            seen = gdb(sock, 'm%x,8' % addr)
            self.assertNotEqual(seen, SECRET.to_bytes(8, 'little').hex())
            self.assertRegex(seen, '^E|^0{16}$')
            self.assertNotEqual(gdb(sock, 'M%x,8:%016x' % (addr, 1)), '')
            gdb(sock, 'D')
        vm.hmp('cont')
        self.assertEqual(self.driver(vm, PEEK, addr), SECRET)


if __name__ == '__main__':
    guest.main()
