# SPDX-License-Identifier: GPL-2.0-or-later
"""ps, mod and log against the guest's own /proc, drgn, the serial console and makedumpfile."""
import os
import re

from harness import per_core
from suite import others

LETTER = {'RU': 'R', 'IN': 'S', 'UN': 'D', 'ID': 'I', 'ST': 'T', 'TR': 't', 'ZO': 'Z', 'DE': 'X'}


def tasks(t, core):
    return t.command(core, 'ps')['tasks']


@per_core(others.has_drgn, quick=4)
def tasks_as_drgn(t, core):
    """pid, thread group, parent, name, address and state of all tasks."""
    theirs = {(x['pid'], x['tgid'], x['ppid'], x['comm'], x['task'], x['state'])
              for x in others.drgn(t, core)['tasks']}
    ours = {(x['pid'], x['tgid'], x['ppid'], x['comm'], int(x['task'], 16), LETTER.get(x['state']))
            for x in tasks(t, core) if x['pid']}
    t.none(sorted(map(str, ours ^ theirs)), 'tasks', len(theirs))
    t.ok(len(theirs) > 20, f'only {len(theirs)} tasks')


@per_core(others.has_drgn, quick=4)
def log_as_drgn(t, core):
    ours = [{k: r[k] for k in ('seq', 'timestamp_ns', 'level', 'facility', 'text')}
            for r in t.command(core, 'log')['records']]
    theirs = others.drgn(t, core)['log']
    t.equal(len(ours), len(theirs), 'records')
    t.none([(a, b) for a, b in zip(ours, theirs) if a != b], 'records', len(theirs))


@per_core(others.has_drgn, quick=4)
def modules_as_drgn(t, core):
    ours = {(m['name'], int(m['module'], 16)) for m in t.command(core, 'mod')['modules']}
    t.equal(ours, {(m['name'], m['module']) for m in others.drgn(t, core)['modules']}, 'modules')


@per_core(lambda c: c.proc and c.whole())
def tasks_as_proc(t, core):
    """The tasks that were there in both snapshots, and are in the dump."""
    ours, compared = {x['pid']: x for x in tasks(t, core)}, 0
    for pid in others.proc_pids(core):
        status = others.proc(core, f'proc/{pid}/stat')
        if status is None:
            continue
        m = re.fullmatch(r'(\d+) \((.*)\) (\S) (\d+) .*', status.strip(), re.S)
        who = f'pid {pid} ({m.group(2)})'
        if m.group(2) == 'saveproc':    # which wrote the snapshots, and is gone
            continue
        if not t.ok(pid in ours, f'{who} is missing'):
            continue
        mine, compared = ours[pid], compared + 1
        t.equal(mine['ppid'], int(m.group(4)), f'{who}: ppid')
        # /proc shows a worker's work behind its name.
        kernel = mine['kernel_thread']
        t.ok(m.group(2) == mine['comm'] or kernel and m.group(2).startswith(mine['comm'][:15].rstrip()),
             f'{who}: comm is {mine["comm"]!r}')
        if kernel:
            t.equal((mine['vsz_kb'], mine['rss_kb']), (0, 0), f'{who}: memory of a kernel thread')
        else:
            fields = m.group(0).rsplit(') ', 1)[1].split()
            t.equal(mine['vsz_kb'], int(fields[20]) // 1024, f'{who}: virtual size')
        # Between the snapshot and the crash a sleeper may have been woken.
        if m.group(3) in 'SDIZ' and not mine['active']:
            t.ok(LETTER[mine['state']] in (m.group(3), 'R'), f'{who}: state {mine["state"]}, /proc {m.group(3)}')
        group = re.search(r'^Tgid:\t(\d+)', others.proc(core, f'proc/{pid}/status') or '', re.M)
        if group:
            t.equal(mine['tgid'], int(group.group(1)), f'{who}: tgid')
    t.ok(compared > 20, f'only {compared} tasks compared')
    t.note(f'{compared} tasks')


@per_core(lambda c: c.proc and c.whole())
def modules_as_proc(t, core):
    text = others.proc(core, 'proc/modules')
    if text is None:
        return t.note('skipped: /proc/modules was changing')
    theirs = {(f[0], int(f[1]), int(f[5], 16), f[4].lower()) for f in map(str.split, text.splitlines())}
    ours = {(m['name'], m['size'], int(m['base'], 16), m['state']) for m in t.command(core, 'mod')['modules']}
    # A crash module is loaded after the snapshot.
    t.none(sorted(map(str, theirs - ours)), 'modules', len(theirs))
    if core.scenario == 'sysrq':
        t.equal(ours, theirs, 'modules')
    taints = {f[0]: f[6].strip('()') for f in map(str.split, text.splitlines()) if len(f) > 6}
    shown = {m['name']: ''.join(sorted(m['taints'])) for m in t.command(core, 'mod -t')['modules']}
    for name, letters in taints.items():
        t.equal(shown.get(name), ''.join(sorted(letters)), f'taints of {name}')


def plain(line):
    return line.rstrip('\r').rstrip()


@per_core(lambda c: os.path.exists(re.sub(r'vmcore$', 'dmesg.txt', c.vmcore)))
def log_as_makedumpfile(t, core):
    with open(re.sub(r'vmcore$', 'dmesg.txt', core.vmcore), errors='replace') as f:
        theirs = f.read().splitlines()
    ours = t.inquest('-s', *t.dump_args(core), '-c', 'log').out.splitlines()
    t.equal(len(ours), len(theirs), 'lines')
    t.none([(a, b) for a, b in zip(ours, theirs) if plain(a) != plain(b)], 'lines', len(theirs))


@per_core(lambda c: c.whole())
def log_as_console(t, core):
    """Every line of the console with a time stamp of this boot is in the log, in its words."""
    lines = set()
    for r in t.command(core, 'log')['records']:
        stamp = r['timestamp_ns'] // 1000
        for line in r['text'].split('\n'):
            lines.add(plain(f'[{stamp // 1000000:5}.{stamp % 1000000:06}] {line}'))
    serial = core.serial().replace('\r', '')
    # Behind a kdump's panic the console goes on with the crash kernel's.
    starts = [m.start() for m in re.finditer(r'^\[    0\.000000\] Linux version', serial, re.M)]
    first = serial[starts[0] if starts else 0:starts[1] if len(starts) > 1 else len(serial)]
    theirs = [plain(l) for l in first.split('\n') if re.match(r'\[ *\d+\.\d{6}\] ', l)]
    # What the console shows after the dump was taken is not in it; the panic must be.
    last = max((n + 1 for n, l in enumerate(theirs) if l in lines or 'Kernel panic - not syncing' in l), default=0)
    lost = [l for l in theirs[:last] if l not in lines]
    t.none(lost, 'lines of the console that the log lacks', len(theirs))
    t.ok(len(theirs) > 100, f'only {len(theirs)} lines on the console')
