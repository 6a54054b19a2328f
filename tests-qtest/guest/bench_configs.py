# SPDX-License-Identifier: GPL-2.0-or-later
"""The configurations of scripts/run beside virtio, for scripts/bench: disk and card of
each in one guest, measured in turn in each round."""

import json
import os

import bench_net
import guest
import netlab

# accelerated has the disk of boost
DISKS = {
    'traditional': ['hv-scsi,id=h{i}', 'scsi-hd,bus=h{i}.0,drive=n{i}'],
    'boost': ['nvme,id=v{i},bus=vtl2.0,serial=s{i},drive=n{i}', 'hv-scsi,id=h{i}',
              'hv-disk,bus=h{i}.0,nvme=v{i},nsid=1'],
    'direct': ['hv-pci,id=p{i}', 'nvme,bus=p{i}.0,serial=s{i},drive=n{i}'],
    'virtio': ['virtio-scsi-pci,id=h{i}', 'scsi-hd,bus=h{i}.0,drive=n{i}'],
}
BOOST = ['mana,id=m{i},bus=vtl2.0,netdev=n{i},mac={mac}', 'hv-net,mana=m{i}']
CARDS = {
    'traditional': ('hv_netvsc', ['hv-net,netdev=n{i},mac={mac}']),
    'boost': ('hv_netvsc', BOOST),
    'accelerated': ('mana', [BOOST[0], 'hv-net,id=c{i},mana=m{i},accelerated=on']),
    'direct': ('mana', ['hv-pci,id=p{i}', 'mana,bus=p{i}.0,netdev=n{i},mac={mac}']),
    'virtio': ('virtio_net', ['virtio-net-pci,netdev=n{i},mac={mac}']),
}
NET_ROWS = [('tcp-send', 'Mbit/s'), ('tcp-recv', 'Mbit/s'), ('tcp-rr', '/s')]
DISK_ROWS = [('randread', '4k', 1), ('randread', '4k', 32), ('read', '128k', 8)]
BASES = ('traditional', 'virtio')
BASE_MIB = 64                   # the disks differ in size: that names them
MIB = 1 << 20

FIO = ('fio --name=x --filename=/dev/{dev} --ioengine=libaio --direct=1 '
       '--rw={rw} --bs={bs} --iodepth={depth} --norandommap --time_based '
       '--runtime={seconds} --output-format=json')


def report(found, rows, peers, results, row):
    """Each row of each peer with the ratios to BASES"""
    for name, unit in rows:
        for peer in peers:
            text = '%s %s' % (peer, name)
            results['configs ' + text] = found[name, peer]
            row(text, found[name, peer], unit,
                [(found[name, base], base) for base in BASES if base != peer])


def run_disk(opt, results, row):
    vm = guest.Guest(smp=opt.smp, memory='1G', tools=True, kernel=opt.kernel,
                     args=['-device', 'paravisor,id=pv'])
    found = {}
    try:
        for i, peer in enumerate(DISKS):
            path = os.path.join(vm.work, 'raw%d' % i)
            with open(path, 'wb') as f:
                for _ in range(BASE_MIB + i):
                    f.write(os.urandom(MIB))
            vm.argv += ['-blockdev', 'file,node-name=n%d,filename=%s' % (i, path)]
            for device in DISKS[peer]:
                vm.argv += ['-device', device.format(i=i)]
        vm.boot()
        vm.sh('modprobe -a virtio_pci virtio_scsi hv_storvsc sd_mod pci-hyperv nvme; true')
        vm.wait_until('[ $(ls -d /sys/block/sd* /sys/block/nvme* | wc -l) = %d ]' % len(DISKS))
        names = {}
        for line in vm.sh('for d in /sys/block/sd* /sys/block/nvme*; do echo ${d##*/} $(cat $d/size); '
                          'echo none >$d/queue/scheduler; done 2>/dev/null').splitlines():
            names[int(line.split()[1]) // 2048] = line.split()[0]
        for _ in range(opt.rounds):
            for rw, bs, depth in DISK_ROWS:
                for i, peer in enumerate(DISKS):
                    out = vm.sh(FIO.format(dev=names[BASE_MIB + i], rw=rw, bs=bs, depth=depth,
                                           seconds=opt.seconds), timeout=60 + opt.seconds)
                    job = json.loads(out[out.index('{'):])['jobs'][0]
                    found.setdefault(('%s %s depth %d' % (rw, bs, depth), peer), []).append(
                        job['read']['iops'])
    finally:
        vm.stop()
    report(found, [('%s %s depth %d' % line, 'IOPS') for line in DISK_ROWS], DISKS, results, row)


def wait_vf(vm, clock):
    end = clock() + 60
    while [p['data-path'] for p in vm.qmp('query-paravisor')[0]['ports'] if p['accelerated']] != ['vf']:
        if clock() > end:
            raise guest.GuestError('the accelerated card does not use its function')
        vm.sh('sleep 0.2')


def run_net(opt, results, row, clock):
    cleanups = bench_net.Cleanups()
    found = {}
    try:
        try:
            host, kind = netlab.Namespace(cleanups), 'tap'
        except guest.GuestError as exc:
            print('over slirp, not over a tap: %s' % exc)
            host, kind = netlab.Loopback(cleanups), 'slirp'
        host.serve_iperf()
        host.serve_load()
        cards = bench_net.make_cards(CARDS, {kind: host}, [kind], CARDS)
        vm = guest.Guest(smp=opt.smp, memory='1G', net=True, kernel=opt.kernel,
                         args=['-device', 'paravisor,id=pv'] +
                         [arg for card in cards for arg in card.args],
                         append='qpv.load=hv_vmbus,hv_netvsc',
                         pass_fds=host.pass_fds() if kind == 'tap' else ())
        cleanups.addCleanup(vm.stop)
        vm.boot()
        cards = bench_net.bring_up(vm, cards, CARDS)
        wait_vf(vm, clock)
        for _ in range(opt.rounds):
            for measure in bench_net.tcp, bench_net.round_trips:
                for card in cards:
                    for name, value in measure(vm, card, opt.seconds).items():
                        found.setdefault((name, card.peer), []).append(value)
    finally:
        cleanups.run()
    report(found, NET_ROWS, CARDS, results, row)


# What VTL2 adds to the start of a VM with the same disk and card
BOOTS = {
    'traditional': DISKS['traditional'] + CARDS['traditional'][1],
    'boost': ['paravisor,id=pv'] + DISKS['boost'] + BOOST,
}


def boot_seconds(opt, clock, devices):
    """Seconds until the guest has its disk, and what query-paravisor tells"""
    vm = guest.Guest(smp=opt.smp, kernel=opt.kernel, append='qpv.disks=1 '
                     'qpv.load=hv_vmbus,hv_storvsc,hv_netvsc,sd_mod',
                     args=['-netdev', 'user,id=n0', '-blockdev', 'null-co,node-name=n1,size=%d' % (1 << 30)])
    for device in devices:
        # the card is number 0, the disk 1
        index = 0 if 'net' in device or 'mana' in device else 1
        vm.argv += ['-device', device.format(i=index, mac='52:54:00:be:00:01')]
    try:
        start = clock()
        vm.boot()
        took = clock() - start
        vm.wait_until('ls /sys/block/sda')
        return took, vm.qmp('query-paravisor')
    finally:
        vm.stop()


def run_boot(opt, results, row, clock):
    found, memory = {peer: [] for peer in BOOTS}, []
    for _ in range(opt.rounds):
        for peer, devices in BOOTS.items():
            took, info = boot_seconds(opt, clock, devices)
            found[peer].append(took * 1000)
            memory += [vtl2['memory-used'] for vtl2 in info]
    base = found['traditional']
    for peer, values in found.items():
        results['configs boot ' + peer] = values
        row('%s boot to first command' % peer, values, 'ms',
            [(base, 'traditional')] if peer != 'traditional' else [], False)
    results['configs memory'] = memory
    row("VTL2's memory in use", [value / 1024 for value in memory], 'KiB', [])


def run(opt, results, row, clock):
    run_boot(opt, results, row, clock)
    run_disk(opt, results, row)
    run_net(opt, results, row, clock)
