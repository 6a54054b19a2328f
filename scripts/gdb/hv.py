# SPDX-License-Identifier: GPL-2.0-or-later
"""Hyper-V partition and VMBus of a QEMU process, for gdb.

    gdb -p PID -x scripts/gdb/hv.py
    (gdb) hv-partition          virtual processors, SynIC, crash parameters
    (gdb) hv-vmbus              connection and channels
    (gdb) hv-rings [RELID]      rings of open channels and the packets in them
    (gdb) hv-mana               queues of the mana adapters
    (gdb) hv-paravisor          the drivers in VTL2 and their queues

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


def saved_states(name):
    """What the migration code knows by the name of its VMStateDescription"""
    entry = gdb.parse_and_eval('savevm_state')['handlers']['tqh_first']
    while entry:
        if entry['vmsd'] and entry['vmsd']['name'].string() == name:
            yield entry['opaque']
        entry = entry['entry']['tqe_next']


def device_id(dev):
    text = typed(dev, 'DeviceState')['id']
    return text.string() if text else '(no id)'


def fixed(value, bits=32):
    """Indexes wrap"""
    return value & (1 << bits) - 1


class HvMana(gdb.Command):
    """Show the queues of the mana adapters. Tails of EQs and CQs count entries in eight
    laps, heads and tails of work queues count bytes."""

    def __init__(self):
        super().__init__('hv-mana', gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        found = False
        for opaque in saved_states('mana'):
            found = True
            self.show(typed(opaque, 'Mana'))
        if not found:
            raise gdb.GdbError('no mana device in this VM')

    def show(self, mana):
        print('%s: hardware channel %s, Ethernet %s' % (
            device_id(mana), 'up' if mana['hwc_up'] else 'down',
            'registered' if mana['eth_registered'] else 'not registered'))
        for i in range(int(mana['eq_count'])):
            eq = mana['eqs'][i]
            if eq['in_use']:
                print('  EQ %d: %s, vector %d' % (i, self.ring(eq['ring']), int(eq['msix'])))
        for i in range(int(mana['cq_count'])):
            cq = mana['cqs'][i]
            if cq['in_use']:
                eq = int(cq['eq_id'])
                print('  CQ %d: %s, %s%s' % (
                    i, self.ring(cq['ring']), 'EQ %d' % eq if eq < int(mana['eq_count']) else 'no EQ',
                    ', %d held back' % int(cq['mod_pending']) if cq['mod_pending'] else ''))
        for name in 'SQ', 'RQ':
            for i in range(int(mana['wq_count'])):
                wq = mana['sqs' if name == 'SQ' else 'rqs'][i]
                if wq['in_use']:
                    self.show_wq('%s %d' % (name, i), wq)

    @staticmethod
    def ring(ring):
        entries = 1 << int(ring['entries_log2'])
        return '%d entries, tail %d%s' % (entries, int(ring['tail']),
                                          ', armed' if ring['armed'] else '')

    @staticmethod
    def show_wq(name, wq):
        head, tail = int(wq['ring']['head']), int(wq['ring']['tail'])
        print('  %s: %d bytes, head %d, tail %d, %d posted, CQ %d, port %d%s%s' % (
            name, int(wq['ring']['bytes']), head, tail, fixed(tail - head), int(wq['cq_id']),
            int(wq['vport']), ', failed' if wq['is_failed'] else '',
            ', starved' if wq['is_starved'] else ''))


class HvParavisor(gdb.Command):
    """Show the drivers in VTL2 and their queues, as these know them."""

    def __init__(self):
        super().__init__('hv-paravisor', gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        found = False
        for opaque in saved_states('paravisor'):
            found = True
            pv = typed(opaque, 'Paravisor')
            print('paravisor: %d bytes of memory' % int(pv['memory_bytes']))
            for i in range(pv['fns'].type.range()[1] + 1):
                fn = pv['fns'][i]
                if fn and fn['driver'] and not fn['is_released']:
                    self.show_function(i, fn)
        if not found:
            raise gdb.GdbError('no paravisor in this VM')

    def show_function(self, devfn, fn):
        kind = type_name(fn['driver'])
        print('function %02x.%x: %s, %s, %d interrupts' % (
            devfn >> 3, devfn & 7, device_id(fn['dev']) if fn['dev'] else '(gone)', kind,
            int(fn['interrupts'])))
        if kind == 'vtl2-mana-driver':
            self.show_mana(typed(fn['driver'], 'Vtl2Mana')['d'])
        elif kind == 'vtl2-nvme-driver':
            self.show_nvme(typed(fn['driver'], 'NvmeDrvHost')['drv'])

    @staticmethod
    def show_state(drv, prefix):
        print('  %s, %d resets%s' % (word(drv['state'], prefix), int(drv['resets']),
                                     ': ' + drv['error'].string() if drv['error'] else ''))

    def show_mana(self, drv):
        self.show_state(drv, 'MANA_DRV_')
        hwc = drv['hwc']
        print('  hardware channel %s%s, message %d' % (
            'up' if hwc['is_up'] else 'down', ', waits for an answer' if hwc['is_busy'] else '',
            int(hwc['msg_id'])))
        for i in range(drv['port'].type.range()[1] + 1):
            port = drv['port'][i]
            if not port['has_memory']:
                continue
            print('  port %d: %s, %d queues' % (i, 'up' if port['is_up'] else 'down', int(port['queues'])))
            for q in range(int(port['queues'])):
                txq, rxq = port['txq'][q], port['rxq'][q]
                print('    EQ %d: head %d' % (int(port['eq'][q]['id']), int(port['eq'][q]['head'])))
                self.show_wq('SQ', txq, '%d packets with the adapter%s' % (
                    int(txq['count']), ', full' if txq['is_full'] else ''))
                self.show_wq('RQ', rxq, 'held' if rxq['is_held'] else '')

    @staticmethod
    def show_wq(name, queue, more):
        wq, cq = queue['wq'], queue['cq']
        print('    %s %d: head %d, told %d, CQ %d: head %d%s' % (
            name, int(wq['id']), int(wq['head_bytes']), int(wq['told_bytes']), int(cq['id']),
            int(cq['head']), ', ' + more if more else ''))

    def show_nvme(self, drv):
        self.show_state(drv, 'NVME_DRV_')
        for i in range(int(drv['io_queue_count']) + 1):
            queue = drv['queues'][i]
            busy = int(queue['depth']) - int(queue['free_count'])
            print('  queue %d: %d entries, SQ tail %d (told %d), CQ head %d (told %d), %d commands under way' % (
                int(queue['qid']), int(queue['entries']), int(queue['sq_tail']), int(queue['sq_rung']),
                int(queue['cq_head']), int(queue['cq_rung']), busy))


HvPartition()
HvVmbus()
HvRings()
HvMana()
HvParavisor()
