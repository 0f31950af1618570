# SPDX-License-Identifier: GPL-2.0-or-later
"""vm, files and mount against what the guest's own /proc said right before the crash."""
import re

from harness import per_core
from suite import others


def saved(core):
    return core.proc and core.whole()


def user_tasks(t, core):
    """pid -> command, for processes with user memory that both snapshots and the dump have."""
    known = {x['pid']: x for x in t.command(core, 'ps -u')['tasks']}
    return [p for p in others.proc_pids(core) if p in known and known[p]['comm'] != 'saveproc']


MAP = re.compile(r'([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) \S+ (\d+) *(.*)')


@per_core(saved)
def areas_as_proc(t, core):
    """Every area of every process: addresses, permissions, offset, file or name."""
    compared = 0
    for pid in user_tasks(t, core):
        theirs = others.proc(core, f'proc/{pid}/maps')
        if theirs is None:
            continue
        areas = t.command(core, f'vm {pid}')['tasks'][0]['areas']
        ours = []
        for a in areas:
            flags = int(a['flags'], 16)
            rights = ''.join(c if flags & bit else '-' for c, bit in zip('rwx', (1, 2, 4)))
            rights += 's' if flags & 0x8 else 'p'
            offset = a['pgoff'] * 4096 if a['file'] else 0
            ours.append((a['start'], a['end'], rights, offset, a['file'] or a['name'] or ''))
        want = []
        for line in theirs.splitlines():
            start, end, rights, offset, _, name = MAP.fullmatch(line).groups()
            if name == '[vsyscall]':    # belongs to no process
                continue
            want.append(('0x' + start.lstrip('0'), '0x' + end.lstrip('0'), rights,
                         int(offset, 16), name.removesuffix(' (deleted)')))
        t.equal(ours, want, f'pid {pid}')
        compared += len(want)
    t.ok(compared > 20, f'only {compared} areas were compared')


@per_core(saved)
def open_files_as_proc(t, core):
    """Descriptors and paths of every process; root and working directory."""
    compared = 0
    for pid in user_tasks(t, core):
        theirs, links = others.proc(core, f'proc/{pid}/fd'), others.proc(core, f'proc/{pid}/links')
        if theirs is None or links is None:
            continue
        task = t.command(core, f'files {pid}')['tasks'][0]
        want = dict(line.split(' ', 1) for line in theirs.splitlines())
        ours = {str(f['fd']): f['path'] for f in task['files']}
        # init opened the file that kills the machine after the snapshot.
        if pid == 1:
            ours = {k: v for k, v in ours.items() if k in want and v != '/proc/sysrq-trigger'}
            want = {k: v for k, v in want.items() if k in ours}
        t.equal(ours, {k: v.removesuffix(' (deleted)') for k, v in want.items()}, f'pid {pid}')
        links = dict(line.split(' ', 1) for line in links.splitlines())
        t.equal(task['root'], links['root'], f'pid {pid}: root')
        t.equal(task['cwd'], links['cwd'], f'pid {pid}: cwd')
        compared += len(want) + 2
    t.ok(compared > 8, f'only {compared} files were compared')


@per_core(saved)
def mounts_as_proc(t, core):
    theirs = others.proc(core, 'proc/1/mountinfo')
    if theirs is None:
        return
    want = set()
    for line in theirs.splitlines():
        left, right = line.split(' - ')
        kind, device = right.split()[:2]
        want.add((int(left.split()[0]), left.split()[4], kind, device))
    ours = {(m['id'], m['directory'], m['type'], m['device'])
            for m in t.command(core, 'mount')['mounts']}
    # What lies below init's root directory (rootfs; since 7.x nullfs) is not for init to see.
    below = ('rootfs', 'nullfs')
    t.equal({m for m in ours if m[2] not in below}, {m for m in want if m[2] not in below}, 'mounts')


@per_core(lambda c: saved(c) and c.vmlinux, quick=1)
def same_words_as_crash(t, core):
    """The text of vm, files and mount is crash's, where crash has it."""
    commands = ['files', 'files -c', 'mount', 'vm']
    theirs = others.crash(t, core, commands)
    for command, text in zip(commands, theirs or []):
        # crash 8 does not know the maple tree, and does not open every kernel.
        if not text or 'invalid structure' in text:
            continue
        ours = t.inquest(core.vmcore, '-s', '--no-vmlinux', '-c', command).out
        squeeze = [' '.join(x.split()) for x in text.splitlines()]
        t.equal([' '.join(x.split()) for x in ours.splitlines()], squeeze, command)
