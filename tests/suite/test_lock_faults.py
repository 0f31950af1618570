# SPDX-License-Identifier: GPL-2.0-or-later
"""Owners of locks, rewritten between the tasks of a dump: which of them wait in a circle is counted here, from who the
module said waits for which lock, and compared with what waits and analyze say."""
import os
import struct
import tempfile

from harness import per_core
from suite.patched_kdump import PatchedKdump
from suite.test_corruption import physical
from suite.test_waits import EXPECTED, fact, task_of

OWNER_AT = {'mutex': 0, 'rw_semaphore': 8}      # struct mutex.owner; struct rw_semaphore.owner, behind its count
FLAGS = 7


def usable(core):
    return core.scenario in ('abba', 'wait-mutex-self', 'wait-rwsem-abba', 'wait-chain') and core.format == 'zlib' and \
        core.whole() and core.scenario in EXPECTED


def circles(waits, owners):
    """How many circles there are, each counted once."""
    found = set()
    for start in waits:
        path, task = [], start
        while task in waits and task not in path:
            path.append(task)
            task = owners.get(waits[task])
        if task in path:
            found.add(frozenset(path[path.index(task):]))
    return found


@per_core(usable, quick=3, sanitized=True)
def owners(t, core):
    rng = t.rng()
    said = t.command(core, 'waits')['waits']
    busy = {int(w['task'], 16) for w in said}
    waits, places = {}, {}
    for task, kind, name, _ in EXPECTED[core.scenario]:
        lock = fact(core, name)
        waits[task_of(core, task)] = lock
        places[lock] = physical(t, core, lock + OWNER_AT[kind.split(' ')[0]])
    mine = sorted({task_of(core, x) for w in EXPECTED[core.scenario] for x in (w[0], w[3])})
    others = [int(x['task'], 16) for x in t.command(core, 'ps')['tasks']
              if x['pid'] and int(x['task'], 16) not in busy and int(x['task'], 16) not in mine]
    wrong, total, with_circle = [], 0, 0
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        copy = PatchedKdump(core, folder)
        for _ in range(24 if t.all else 5):
            chosen = {lock: rng.choice(mine + [rng.choice(others)]) for lock in places}
            for lock, at in places.items():
                flags = struct.unpack('<Q', copy.read(at))[0] & FLAGS
                copy.write(at, struct.pack('<Q', chosen[lock] | flags))
            want = circles(waits, chosen)
            out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', 'waits; analyze', timeout=60).json()
            copy.restore()
            w, a = out[0]['result'], out[1]['result']
            total += 1
            with_circle += bool(want)
            if w['cycles'] != len(want):
                wrong.append(('circles', w['cycles'], want, {hex(k): hex(v) for k, v in chosen.items()}))
            by_task = {int(x['task'], 16): x for x in w['waits']}
            for task, lock in waits.items():
                got = by_task.get(task)
                if not got or int(got['owner'] or '0', 16) != chosen[lock]:
                    wrong.append(('owner', hex(task), hex(chosen[lock]), got and got['owner']))
            # Who has an rw_semaphore for reading is a hint only.
            deadlocks = [f for f in a['findings'] if f['class'] == 'deadlock' and f['confidence'] in ('certain', 'likely')]
            if bool(deadlocks) != bool(want):
                wrong.append(('analyze', len(want), [(f['confidence'], f['claim'][:120]) for f in a['findings']][:3]))
    t.note(f'{total} dumps, {with_circle} of them with a circle, {len(wrong)} wrong')
    t.none(wrong, 'wrong', total)


@per_core(usable, quick=2, sanitized=True)
def damaged_owners(t, core):
    """An owner that is no task: nobody is said to hold the lock, for certain least of all."""
    rng = t.rng()
    task, kind, name, _ = EXPECTED[core.scenario][0]
    lock = fact(core, name)
    at = physical(t, core, lock + OWNER_AT[kind.split(' ')[0]])
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        copy = PatchedKdump(core, folder)
        for value in (rng.getrandbits(64), int.from_bytes(b'overflow', 'little'), lock & ~FLAGS,
                      task_of(core, task) + 64, 0xdead000000000100, rng.getrandbits(30) & ~FLAGS):
            copy.write(at, struct.pack('<Q', value))
            out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', 'waits; analyze', timeout=60).json()
            copy.restore()
            for w in out[0]['result']['waits']:
                if int(w['task'], 16) == task_of(core, task):
                    t.ok(not w['owner'], f'{value:#x}: {w["owner"]} is said to hold the {kind}')
            t.none([f['claim'] for f in out[1]['result']['findings']
                    if f['class'] == 'deadlock' and f['confidence'] == 'certain'], f'{value:#x}: deadlocks')
