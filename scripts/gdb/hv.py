# SPDX-License-Identifier: GPL-2.0-or-later
"""Hyper-V partition and VMBus of a QEMU process, for gdb.

    gdb -p PID -x scripts/gdb/hv.py
    (gdb) hv-partition          virtual processors, SynIC, crash parameters
    (gdb) hv-vmbus              connection and channels
    (gdb) hv-rings [RELID]      rings of open channels and the packets in them

It calls nothing in the process, so core files of QEMU work too; rings need guest
RAM, which is in a core file with -machine dump-guest-core=on.
"""

import struct
import uuid

import gdb

PAGE = 4096
PACKETS = 8         # shown of each ring
PACKET_TYPES = {6: 'inband', 7: 'transfer pages', 8: 'GPADL', 9: 'GPA direct', 11: 'completion'}


def typed(value, name):
    return value.cast(gdb.lookup_type(name).pointer())


def partition():
    """The HvPartition, by the first CPU"""
    cpu = gdb.parse_and_eval('cpus_queue')['tqh_first']
    vp = typed(cpu, 'X86CPU')['hv_vp'] if cpu else 0
    if not vp:
        raise gdb.GdbError('no Hyper-V partition: QEMU was started without hv-* CPU properties')
    return typed(vp, 'HvVp')['part']


def bridge():
    """The HvbusBridge: it is told when a message slot becomes free"""
    notifier = partition()['slot_notifiers']['notifiers']['lh_first']
    kind = gdb.lookup_type('HvbusBridge')
    offset = [field.bitpos // 8 for field in kind.fields() if field.name == 'slot_notifier'][0]
    while notifier:
        if 'hvbus' in str(notifier['notify']):
            at = notifier.cast(gdb.lookup_type('char').pointer()) - offset
            return at.cast(kind.pointer())
        notifier = notifier['node']['le_next']
    raise gdb.GdbError('no hv-vmbus device in this VM')


def channels(bus):
    """(HvbusCoreChannel, HvbusChannel or None) in the order of their offers"""
    offers = bus['core']['offers']
    for i in range(int(offers['len'])):
        core = typed(offers['pdata'][i], 'HvbusCoreChannel')
        yield core, typed(core['opaque'], 'HvbusChannel') if core['opaque'] else None


def type_name(obj):
    return typed(obj, 'Object')['class']['type']['name'].string()


def guid(array):
    return uuid.UUID(bytes=bytes(int(array[i]) for i in range(16)))


def word(enum, prefix):
    """HVBUS_CHAN_OPEN -> open"""
    return str(enum).replace(prefix, '').lower()


class Ring:
    """One direction of an open channel"""

    def __init__(self, ring):
        self.ring = ring
        self.bytes = int(ring['data_bytes'])
        header = self.read(0, 16, 0)
        self.write, self.read_at, self.mask, self.pending = struct.unpack('<IIII', header)

    def read(self, offset, count, first_page=1):
        """COUNT bytes at OFFSET behind page FIRST_PAGE of the ring"""
        memory = gdb.selected_inferior()
        pages = self.ring['map']['page_host']
        data = b''
        while len(data) < count:
            at = (offset + len(data)) % self.bytes if first_page else offset + len(data)
            page = int(self.ring['first_page']) + first_page + at // PAGE
            chunk = min(count - len(data), PAGE - at % PAGE)
            data += bytes(memory.read_memory(int(pages[page]) + at % PAGE, chunk))
        return data

    def packets(self):
        """(offset, type, flags, length, transaction) of what is not read yet"""
        at, left = self.read_at, (self.write - self.read_at) % self.bytes
        while left >= 16:
            kind, _, length, flags, trans = struct.unpack('<HHHHQ', self.read(at, 16))
            yield at, kind, flags, length * 8, trans
            step = length * 8 + 8
            if length * 8 < 16 or step > left:
                return
            at, left = (at + step) % self.bytes, left - step

    def show(self, name):
        if self.write >= self.bytes or self.read_at >= self.bytes:
            print('  %s: bad index: read %d, write %d of %d bytes' % (
                name, self.read_at, self.write, self.bytes))
            return
        print('  %s: %d bytes, read %d, write %d, %d in it%s%s' % (
            name, self.bytes, self.read_at, self.write, (self.write - self.read_at) % self.bytes,
            ', masked' if self.mask else '',
            ', waits for %d' % self.pending if self.pending else ''))
        for number, (at, kind, flags, length, trans) in enumerate(self.packets()):
            if number == PACKETS:
                print('    ...')
                break
            print('    %6d: %s, %d bytes, flags %d, transaction 0x%x' % (
                at, PACKET_TYPES.get(kind, 'type %d' % kind), length, flags, trans))


class HvPartition(gdb.Command):
    """Show the Hyper-V partition: what the guest set up, its virtual processors."""

    def __init__(self):
        super().__init__('hv-partition', gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        part = partition()
        for vtl in range(part['vtl'].type.range()[1] + 1):
            state = part['vtl'][vtl]
            if vtl and not state['guest_os_id']:
                continue
            print('VTL%d: guest OS 0x%x, hypercall 0x%x, reference TSC 0x%x' % (
                vtl, int(state['guest_os_id']), int(state['hypercall']), int(state['reference_tsc'])))
            crash = [int(state['crash_param'][i]) for i in range(5)]
            if any(crash):
                print('  crash ' + ' '.join('0x%x' % word for word in crash))
        for index in range(int(part['max_vps'])):
            vp = part['vps'][index]
            if vp:
                self.show_vp(vp)

    def show_vp(self, vp):
        vtl = int(vp['active_vtl'])
        print('VP %d: VTL%d, thread %d%s' % (
            int(vp['index']), vtl, int(typed(vp['cpu'], 'CPUState')['thread_id']),
            ', idle' if vp['is_idle'] else ''))
        synic = vp['vtl'][vtl]['synic']
        print('  SCONTROL 0x%x, message page 0x%x, event page 0x%x, assist page 0x%x' % (
            int(synic['scontrol']), int(synic['simp']), int(synic['siefp']),
            int(vp['vtl'][vtl]['vp_assist'])))
        for sint in range(synic['sint'].type.range()[1] + 1):
            value = int(synic['sint'][sint])
            if not value & 1 << 16:
                print('  SINT%d: vector 0x%x%s' % (
                    sint, value & 0xff,
                    ', a message waits' if int(synic['slot_wanted']) >> sint & 1 else ''))


class HvVmbus(gdb.Command):
    """Show VMBus: the connection and the channels."""

    def __init__(self):
        super().__init__('hv-vmbus', gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        bus = bridge()
        core = bus['core']
        version = int(core['version'])
        print('connection %s, version %d.%d, messages to VP %d, %d wait' % (
            word(core['state'], 'HVBUS_CONN_'), version >> 16, version & 0xffff,
            int(core['target_vp']), int(core['out']['length'])))
        for channel, dev in channels(bus):
            print('channel %d.%d: %s %s%s, class %s' % (
                int(channel['relid']), int(channel['sub_idx']),
                type_name(dev['dev']) if dev else '(no device)',
                word(channel['state'], 'HVBUS_CHAN_'),
                ', failed' if dev and dev['has_failed'] else '', guid(channel['offer']['if_type'])))


class HvRings(gdb.Command):
    """Show the rings of all open channels, or of channel RELID: hv-rings [RELID]"""

    def __init__(self):
        super().__init__('hv-rings', gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        for channel, dev in channels(bridge()):
            relid = int(channel['relid'])
            if not dev or not dev['is_open'] or not dev['map'] or (arg and int(arg) != relid):
                continue
            print('channel %d.%d: %s' % (relid, int(channel['sub_idx']), type_name(dev['dev'])))
            Ring(dev['in']).show('to host')
            Ring(dev['out']).show('to guest')


HvPartition()
HvVmbus()
HvRings()
