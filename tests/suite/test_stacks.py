# SPDX-License-Identifier: GPL-2.0-or-later
"""All stacks of a dump: against /proc/PID/stack of the guest, grouped, framewise, and damaged."""
import os
import re
import shutil
import tempfile

from harness import per_core
from suite import others

SCHEDULER = {'__schedule', 'schedule'}


def frames_of(task):
    return [(f['function'], f['offset'], f['module']) for f in task['frames']
            if not f['inline'] and f['context'] != 'user']


def proc_stack(core, pid):
    """The frames of /proc/PID/stack; None if it cannot be trusted."""
    text = others.proc(core, f'proc/{pid}/stack')
    if text is None:
        return None
    found = re.findall(r'^\[<0>\] (\S+?)\+(0x[0-9a-f]+)/0x[0-9a-f]+(?: \[(\S+)\])?$', text, re.M)
    if len(found) != len(text.splitlines()):
        return None
    return [(name, int(offset, 16), module or None) for name, offset, module in found]


def switches(core, pid):
    """How often a task had been switched out, as the guest said."""
    text = others.proc(core, f'proc/{pid}/status') or ''
    m = re.findall(r'^(?:non)?voluntary_ctxt_switches:\s*(\d+)$', text, re.M)
    return sum(int(n) for n in m) if len(m) == 2 else None


@per_core(lambda c: c.proc and c.whole())
def against_proc(t, core):
    """What the guest itself said of the stacks of its tasks just before it died, of those that did not run since."""
    tasks = [x for x in t.command(core, 'foreach bt')['tasks'] if x['pid'] and not x['running']]
    pids = set(others.proc_pids(core))
    tasks = t.sample([x for x in tasks if x['pid'] in pids], 400)
    counts = t.commands(core, '; '.join(f'struct task_struct.nvcsw,nivcsw {x["task"]}' for x in tasks))
    compared = frames = 0
    for task, c in zip(tasks, counts):
        now = sum(m['value'] for m in c['result']['members'])
        want = proc_stack(core, task['pid'])
        if not want or switches(core, task['pid']) != now:
            continue
        got = frames_of(task)
        # It leaves out functions of the scheduler and of locks, which are innermost, and stops at 64.
        left_out = len(got) - len(want) if len(want) < 64 else next(
            (i for i in range(len(got)) if got[i] == want[0]), 0)
        what = f'pid {task["pid"]} ({task["comm"]})'
        t.equal(got[left_out:][:len(want)], want, what)
        t.ok(0 < left_out < 12 and SCHEDULER & {g[0] for g in got[:left_out]},
             f'{what}: {got[:max(left_out, 0)]} in front of what /proc says')
        compared += 1
        frames += len(want)
    t.ok(compared > 20, f'only {compared} tasks compared')
    t.note(f'{compared} tasks, {frames} frames')


@per_core(lambda c: c.whole(), quick=6)
def grouped(t, core):
    """stacks has every task once, with those that are at the same places in the code, the largest group first."""
    tasks = t.command(core, 'foreach bt')['tasks']
    result = t.command(core, 'stacks')
    want = {}
    for x in tasks:
        key = tuple((f['ip'], bool(f['exception'])) for f in x['frames'] if not f['inline'])
        want.setdefault((key, x['complete'], bool(x['error'])), set()).add(x['task'])
    got = {}
    for g in result['stacks']:
        t.equal(g['count'], len(g['tasks']), 'count of a group')
        got[frozenset(x['task'] for x in g['tasks'])] = g
    t.equal(set(got), {frozenset(v) for v in want.values()}, 'groups')
    counts = [g['count'] for g in result['stacks']]
    t.equal(counts, sorted(counts, reverse=True), 'order of the groups')
    t.equal(sum(counts), len(tasks), 'tasks in all groups')
    # Filters: the same groups, fewer of them.
    by_name = {}
    for x in tasks:
        for f in x['frames']:
            by_name.setdefault(f['function'], set()).add(x['task'])
    for name in t.sample(sorted(n for n in by_name if n and not n.startswith('0x')), 5):
        found = t.command(core, f'stacks -f {name}')
        t.equal({x['task'] for g in found['stacks'] for x in g['tasks']}, by_name[name], f'stacks -f {name}')
    states = {x['state'] for x in tasks}
    for state in sorted(states):
        found = t.command(core, f'stacks -s {state}')
        t.equal({x['task'] for g in found['stacks'] for x in g['tasks']},
                {x['task'] for x in tasks if x['state'] == state}, f'stacks -s {state}')


@per_core(others.has_drgn, quick=2)
def selected_frames(t, core):
    """frame N, up and down choose bt's frames; $registers and info registers are then what drgn has there."""
    theirs = {x['task']: x for x in others.drgn(t, core)['tasks']}
    tasks = [x for x in t.command(core, 'foreach bt')['tasks']
             if x['pid'] and not x['running'] and x['frames']      # a zombie has no stack
             and theirs.get(int(x['task'], 16), {}).get('frames')]
    compared = 0
    for task in t.sample(tasks, 12):
        # rsp of each of theirs: a frame is found by it.
        want = {(f['pc'], f['sp']): f['registers'] for f in theirs[int(task['task'], 16)]['frames']
                if not f['inline']}
        frames = [f for f in task['frames'] if not f['inline'] and f['context'] != 'user']
        numbered = [f for f in frames if f['number'] is not None]
        t.equal([f['number'] for f in numbered], list(range(len(numbered))), 'numbers of frames')
        for f in numbered:
            answers = t.commands(core, f'set {task["task"]}; frame {f["number"]}; info registers; p $rip; p $rsp')
            chosen, registers, rip, rsp = (a.get('result') for a in answers[1:])
            t.equal((chosen['function'], chosen['ip'], chosen['sp']), (f['function'], f['ip'], f['sp']), 'frame')
            for said, name in ((rip, 'ip'), (rsp, 'sp')):
                t.equal(int(said['value'], 16) if isinstance(said['value'], str) else
                        said['value'] % 2**64, int(f[name], 16), f'${name} of frame {f["number"]}')
            their = want.get((int(f['ip'], 16), int(f['sp'], 16)))
            for name in ('rbx', 'rbp', 'r12', 'r13', 'r14', 'r15') if their else ():
                mine = registers['registers'][name]
                if mine is not None and name in their:
                    compared += 1
                    t.equal(int(mine, 16), their[name], f'{name} of pid {task["pid"]} frame {f["number"]}')
        last = t.commands(core, f'set {task["task"]}; up {len(frames)}; info frame; down {len(frames)}; info frame')
        t.equal((last[2]['result']['function'], last[4]['result']['function']),
                (frames[-1]['function'], frames[0]['function']), 'outermost and innermost')
    t.ok(compared > 50, f'only {compared} registers compared')
    t.note(f'{compared} registers')


# ---- Damage ------------------------------------------------------------------------------------------


class Copy:
    """An ELF core of which some bytes can be changed, and put back."""

    def __init__(self, t, core, folder):
        self.t, self.core = t, core
        self.path = os.path.join(folder, 'damaged.vmcore')
        shutil.copyfile(core.vmcore, self.path)
        self.file = open(self.path, 'r+b')
        self.segments = [tuple(int(x, 16) for x in m) for m in re.findall(
            r'^  LOAD +0x(\w+) 0x\w+ 0x(\w+)\s+0x(\w+)', t.sh(['readelf', '-lW', core.vmcore]).out, re.M)]
        self.saved = []

    def write(self, address, data):
        v = self.t.command(self.core, f'vtop {address:#x}')
        physical = int(v['physical'], 16)
        for offset, start, size in self.segments:
            if start <= physical < start + size:
                at = offset + physical - start
                self.file.seek(at)
                self.saved.append((at, self.file.read(len(data))))
                self.file.seek(at)
                self.file.write(data)
                self.file.flush()
                return
        raise AssertionError(f'{address:#x} is not in the core')

    def restore(self):
        for at, data in reversed(self.saved):
            self.file.seek(at)
            self.file.write(data)
        self.file.flush()
        self.saved = []

    def bt(self, task, options=''):
        return self.t.inquest('--json', '--no-vmlinux', self.path, '-c', f'bt {options} {task}',
                              check=False).json()[0]


def places(task):
    return [(f['ip'], f['sp'], f['function'], f['reliable']) for f in task['frames'] if not f['inline']]


@per_core(lambda c: c.format == 'elf' and c.name == 'sysrq.elf', sanitized=False)
def damaged(t, core):
    """Stacks that were overwritten: what is left is shown as it was, the break is named, nothing is made up."""
    tasks = [x for x in t.command(core, 'foreach bt')['tasks'] if x['pid'] and not x['running'] and
             len(x['frames']) > 4]
    done = {'end': 0, 'return': 0, 'canary': 0, 'all': 0}
    with tempfile.TemporaryDirectory(dir='/var/tmp') as folder:
        copy = Copy(t, core, folder)
        for task in t.sample(tasks, 8):
            before, where = places(task), f'pid {task["pid"]}'
            stack = int(t.command(core, f'struct task_struct.stack {task["task"]}')['members'][0]['value'], 16)

            # STACK_END_MAGIC.
            copy.write(stack, b'\0' * 8)
            after = copy.bt(task['task'])['result']['tasks'][0]
            t.equal([(d['kind'], d['address']) for d in after['damage']], [('end_magic', hex(stack))], where)
            t.equal(places(after), before, f'{where}: frames without STACK_END_MAGIC')
            t.ok(task['task'] in str(t.inquest('--json', '--no-vmlinux', copy.path, '-c', 'bt -v').result()['tasks']),
                 f'{where}: bt -v is silent')
            copy.restore()
            done['end'] += 1

            # A return address.
            n = t.rng().randrange(2, len(before))
            slot = [f for f in task['frames'] if not f['inline']][n]['slot']
            if slot:
                copy.write(int(slot, 16), b'AAAAAAAA')
                answer = copy.bt(task['task'])['result']['tasks'][0]
                t.equal(places(answer), before[:n], f'{where}: frames below the overwritten return address')
                t.ok(not answer['complete'] and '0x4141414141414141' in answer['error'] and slot in answer['error'],
                     f'{where}: {answer["error"]} does not name the break at {slot}')
                copy.restore()
                done['return'] += 1

            # Canaries.
            words = [(i, w) for i, f in enumerate(x for x in t.command(core, f'bt -f {task["task"]}')['tasks'][0]
                                                  ['frames'] if not x['inline'])
                     for w in f.get('words', []) if 'canary' in (w['label'] or '')]
            for i, w in words[:2]:
                copy.write(int(w['address'], 16) - 16, b'X' * 24)
                answer = copy.bt(task['task'])['result']['tasks'][0]
                if i and places(answer)[:i + 1] == before[:i + 1] and answer['damage']:
                    d = answer['damage'][0]
                    t.equal((d['kind'], d['frame_index'], d['address'], d['found'], d['to']),
                            ('canary', i, w['address'], '0x5858585858585858', hex(int(w['address'], 16) + 8)), where)
                    t.ok(int(d['from'], 16) <= int(w['address'], 16) - 16, f'{where}: run from {d["from"]}')
                    done['canary'] += 1
                copy.restore()

            # All of it from where it was switched out.
            copy.write(int(before[0][1], 16) - 64, t.rng().randbytes(1024))
            answer = copy.bt(task['task'])
            if 'result' in answer:
                reliable = [p for p in places(answer['result']['tasks'][0]) if p[3]]
                t.ok(all(p in before for p in reliable), f'{where}: {reliable} of a stack of random bytes')
            copy.restore()
            done['all'] += 1
    t.ok(done['return'] > 3 and done['canary'] > 0, f'only {done}')
    t.note(str(done))


@per_core(lambda c: c.whole(), quick=8)
def healthy(t, core):
    """bt -v has something to say only of the scenarios that damage a stack."""
    found = t.command(core, 'bt -v')
    t.ok(found['checked'] > 30, f'only {found["checked"]} stacks checked')
    kinds = {d['kind'] for x in found['tasks'] for d in x['damage']}
    want = {'stack-overflow': {'overflow'}, 'recurse': {'overflow'}, 'stack-smash': {'canary'},
            'smash-caller': {'canary'}, 'smash-ret': {'canary'}}
    expected = want.get(core.scenario, set())
    t.ok(kinds <= expected if core.scenario == 'smash-ret' else kinds == expected,
         f'{core.scenario}: {[d["text"] for x in found["tasks"] for d in x["damage"]]}')
