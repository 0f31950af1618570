# SPDX-License-Identifier: GPL-2.0-or-later
"""dev, net and bpf: as the newest crash prints them, word by word (white space alone is made equal), except where it is
wrong or says less:
- net -S shows every sock as a struct inet_sock, also those of UNIX that are none: compared for IPv4 alone.
- bpf: LOAD_TIME differs from run to run, and by hours; here it lies between boot and death.  Names of compiled
  programs are missing behind the targets of calls.
The guests write nothing when they die: of requests in flight both count none."""
import itertools
import re

from harness import per_core
from suite import others, test_system, type_truth

COMMANDS = ['dev', 'dev -d', 'dev -D', 'dev -p', 'net', 'net -n', 'net -n 1', 'net -a', 'net -N 16777343',
            'net -N 0x0100007f', 'bpf', 'bpf -P', 'bpf -M', 'bpf -P -t', 'bpf -PM -T', 'bpf -P -j', 'net -s 1', 'net -S 1', 'foreach net -s', 'foreach w-listen net -S', 'foreach net -s -R 4']


def comparable(command, text):
    lines = test_system.words(text)
    if command.startswith('bpf'):
        lines = [re.sub(r' <.*>$', '', l) for l in lines if not l.startswith('LOAD_TIME')]
    return lines


@per_core(test_system.has_newest, quick=1, sanitized=False)
def as_crash(t, core):
    theirs = type_truth.answers(t.sh([others.RIVALS, 'run', 'crash', '-s', core.vmlinux, core.vmcore],
                                     stdin='set scroll off\n' + type_truth.script(COMMANDS) + 'exit\n', check=False,
                                     timeout=300, env={'LANG': 'C', 'LC_ALL': 'C'}).out, COMMANDS)
    ours = type_truth.ask(t, core, COMMANDS, vmlinux=True)
    lines = 0
    for c in COMMANDS:
        want, got = comparable(c, theirs.get(c, '')), comparable(c, ours[c])
        lines += len(want)
        t.none([f'{a!r}, crash: {b!r}' for a, b in itertools.zip_longest(got, want) if a != b], c, len(want))
    t.ok(lines > 100, f'only {lines} lines were compared')
    t.note(f'{len(COMMANDS)} command lines, {lines} lines')


@per_core(lambda core: core.whole(), quick=2)
def without_vmlinux(t, core):
    """What every guest has, from the dump alone: its console, disk and loopback, and no request in flight or bad one."""
    majors = t.command(core, 'dev')
    names = {m['name']: m for m in majors['character']}
    t.equal(names['mem']['operations'], 'memory_fops', 'operations of mem')
    t.ok(names['ttyS']['cdev'], 'ttyS has no cdev')
    t.equal((names['tty']['first_minor'], names['ttyS']['first_minor']), (1, 64), 'first minors of tty and ttyS')
    disks = t.command(core, 'dev -d')['disks']
    for d in disks:
        t.ok(re.fullmatch(r'vd[a-z]|sr\d|loop\d+|zram\d+|sd[a-z]', d['name']), f'a disk {d["name"]}')
        t.ok(d['reads'] is not None, f'requests of {d["name"]} are not counted')
        t.equal(len(d['requests']), (d['reads'] or 0) + (d['writes'] or 0), f'requests of {d["name"]}')
    block = {m['major']: m['gendisk'] for m in majors['block']}
    for major in {d['major'] for d in disks if d['name'].startswith('vd')}:
        t.ok(block.get(major) in [d['gendisk'] for d in disks], f'the disk of major {major} is {block.get(major)}')
    pci = {d['name']: d for d in t.command(core, 'dev -p')['devices']}
    if pci:
        t.equal(pci['0000:00:00.0']['class'][:4], '0600', 'class of the host bridge')
    devices = {d['name']: d for d in t.command(core, 'net')['devices']}
    t.equal(devices['lo']['addresses'][:1], ['127.0.0.1'], 'addresses of lo')
    for p in t.command(core, 'bpf -P')['programs']:
        t.ok(p['load_time'] and p['instructions'] and p['type'], f'BPF program {p}')
    t.equal(t.command(core, 'net -N 16777343')['address'], '127.0.0.1', 'net -N')
