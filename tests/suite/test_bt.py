# SPDX-License-Identifier: GPL-2.0-or-later
"""bt of every core against the kernel's own traces, of all tasks against drgn."""
import re

from harness import per_core
from suite import bt_truth, others


def reported(t, core, vmlinux):
    how = 'with vmlinux' if vmlinux else 'dump alone'
    pids = bt_truth.reported_pids(core.truth)
    answers = t.commands(core, '; '.join(['bt -a'] + [f'bt {p}' for p in pids]), vmlinux=vmlinux,
                         check=False)
    tasks = {}
    for a in answers:
        # A task that the log tells of may have ended since.
        if 'error' in a:
            t.ok(re.search(r'no task has the pid', a['error']['message']),
                 f'{how}: {a["command"]}: {a["error"]}')
            continue
        tasks.update((x['task'], x) for x in a['result']['tasks'])
    alone = t.command(core, 'bt', vmlinux=vmlinux)['tasks']
    t.equal(len(alone), 1, f'{how}: stacks of bt')
    panic_task = core.truth.get('panic_task')
    if panic_task and panic_task.get('pid') is not None:
        t.equal((alone[0]['pid'], alone[0]['comm']), (panic_task['pid'], panic_task['comm'][:15]),
                f'{how}: the task of bt')
    t.ok(alone[0]['task'] in tasks, f'{how}: bt -a lacks the task of bt')
    result = {'tasks': list(tasks.values())}
    t.none(bt_truth.compare(core.truth, result, core.serial()), f'{how}: bt against the kernel')
    compared = bt_truth.comparable(core.truth, result)
    if core.truth.get('call_chain'):
        t.ok(compared > 0, f'{how}: nothing to compare')
    return compared, tasks


@per_core(lambda c: c.whole())
def against_kernel(t, core):
    """Every trace that the kernel printed, of the dump alone and with its vmlinux; both the same."""
    compared, tasks = reported(t, core, False)
    if core.vmlinux:
        again, others_tasks = reported(t, core, True)
        t.equal(again, compared, 'traces to compare with a vmlinux')
        for a, task in tasks.items():
            with_lines = others_tasks.get(a)
            if t.ok(with_lines, f'with vmlinux: no task {a}'):
                t.equal([(f['ip'], f['sp'], f['function'], f['offset']) for f in with_lines['frames']
                         if not f['inline']],
                        [(f['ip'], f['sp'], f['function'], f['offset']) for f in task['frames']
                         if not f['inline']],
                        f'frames of {task["pid"]} with a vmlinux and without')
    t.note(f'{compared} traces')


def functions(task):
    return [f['function'] for f in task['frames'] if not f['inline']]


@per_core(lambda c: c.scenario == 'kretprobe')
def behind_kretprobe(t, core):
    """hk_middle() returns to a kretprobe's trampoline; who called it is known to the module's source (5.10's and
    6.1's kernels themselves print the trampoline)."""
    for vmlinux in (False, True):
        found = functions(t.command(core, 'bt', vmlinux=vmlinux)['tasks'][0])
        at = found.index('hk_break') if 'hk_break' in found else 0
        t.equal(found[at:at + 5], ['hk_break', 'hk_inner', 'hk_middle', 'hk_outer', 'lab_proc_write'], 'chain')


@per_core(lambda c: c.scenario == 'smash-ret')
def return_addresses_overwritten(t, core):
    """Of the frames behind overwritten return addresses none is shown as if it were certain."""
    for vmlinux in (False, True):
        task = t.command(core, 'bt', vmlinux=vmlinux)['tasks'][0]
        frames = bt_truth.kernel_frames(task)
        at = next((i for i, f in enumerate(frames) if f['exception']), None)
        if t.ok(at is not None, 'no exception frame'):
            t.equal(int(frames[at]['ip'], 16), 0x4141414141414141, 'where the CPU was')
            t.none([f'{f["function"]}+{f["offset"]}' for f in frames[at + 1:] if f['reliable']],
                   'reliable frames')


@per_core(others.has_drgn, quick=4)
def all_tasks_against_drgn(t, core):
    """The frames of every task that did not run: DWARF's CFI and ORC must lead the same way."""
    theirs = {x['task']: x for x in others.drgn(t, core)['tasks']}
    ours = {int(x['task'], 16): x for x in t.command(core, 'foreach bt')['tasks']}
    names = {}
    offset = others.need_offset(core)
    for address, _, name in others.system_map(t, core):
        names.setdefault(address + offset, set()).add(name)
    compared = frames = 0
    for address, their in theirs.items():
        if not t.ok(address in ours, f'no task {address:#x} (pid {their["pid"]})'):
            continue
        if their['frames'] is None or ours[address]['running']:
            continue
        a = [f for f in their['frames'] if not f['inline'] and f['pc'] >> 63]
        # A zombie's stack may be gone: drgn calls what is there now a frame.
        if their['state'] in 'ZX' and not all(f['function'] for f in a):
            continue
        b = [f for f in ours[address]['frames'] if not f['inline'] and f['context'] != 'user']
        what = f'pid {their["pid"]}'
        if not t.equal([int(f['ip'], 16) for f in b], [f['pc'] for f in a], f'{what}: instruction pointers'):
            continue
        t.equal([int(f['sp'], 16) for f in b], [f['sp'] for f in a], f'{what}: stack pointers')
        for x, y in zip(b, a):
            frames += 1
            start = int(x['ip'], 16) - x['offset']
            t.ok(x['reliable'], f'{what}: {x["function"]} is marked unreliable')
            if not x['module']:
                t.ok(x['function'] in names.get(start, ()),
                     f'{what}: {x["function"]}+{x["offset"]} is not at {x["ip"]}')
            elif y['function']:
                t.equal((x['function'], x['offset']), (y['function'], y['offset']), f'{what}: {x["ip"]}')
        compared += 1
    t.ok(compared > 30, f'only {compared} tasks compared')
    t.note(f'{compared} tasks, {frames} frames')


@per_core(lambda c: c.whole(), quick=4)
def from_return_address(t, core):
    """bt -S at each place where a return address lies, also behind a call that does not return, goes on as bt does."""
    tasks = [x for x in t.command(core, 'foreach bt')['tasks'] if x['frames']]
    chosen = t.rng().sample([x for x in tasks if not x['running']], 4) + [x for x in tasks if x['running']]
    wanted = []
    for x in chosen:
        frames = [f for f in x['frames'] if not f['inline'] and f['context'] != 'user']
        for i, f in enumerate(frames):
            # In the middle of an interrupt's entry rbp is not known.
            if f['slot'] and f['reliable'] and not f['exception']:
                wanted.append((f'bt -S {f["slot"]} {x["task"]}', frames[i:]))
    compared = 0
    for (command, frames), answer in zip(wanted, t.commands(core, '; '.join(c for c, _ in wanted), check=False)):
        got = [f for f in answer['result']['tasks'][0]['frames'] if not f['inline'] and f['context'] != 'user'] \
            if 'result' in answer else []
        t.equal((got or [{}])[0].get('function'), frames[0]['function'], f'{command}: function')
        # A frame that hangs on rbp, of which nobody knows what it was there, ends the trace.
        n = min(len(got), len(frames))
        t.equal([(f['ip'], f['sp'], f['function']) for f in got[:n] if f['reliable']],
                [(f['ip'], f['sp'], f['function']) for f, g in zip(frames, got[:n]) if g['reliable']], command)
        compared += n == len(frames)
    t.ok(2 * compared > len(wanted), f'only {compared} of {len(wanted)} came to the end')
    t.note(f'{compared} of {len(wanted)} traces to their end')


def frame_addresses(t, core, task):
    """(address of registers, are they a user's) on a task's stack."""
    out = t.inquest('-s', *t.dump_args(core), '-c', f'bt -e {task}').out
    return [(a, kind == 'USER') for kind, a in re.findall(r'(USER|KERNEL)-MODE EXCEPTION FRAME AT: ([0-9a-f]+)', out)]


@per_core(lambda c: c.whole() and (c.kernel or '').endswith('-sid'), quick=2)
def fred_entries(t, core):
    """No CPU of the lab has FRED, but its kernels have the entries: from there, by the rows of the kernel itself, real
    registers on real stacks lead to user mode and to what was interrupted."""
    calls = {}
    for kind in ('user', 'kernel'):
        out = t.inquest('-s', *t.dump_args(core), '-c', f'dis asm_fred_entrypoint_{kind}').out
        calls[kind] = re.search(r'^(0x[0-9a-f]+).*\bcall\b.*fred_entry_from', out, re.M)
    if not t.ok(all(calls.values()), 'no calls in the entries of FRED'):
        return
    tasks = [x for x in t.command(core, 'foreach bt')['tasks'] if x['frames']]
    users = [x for x in tasks if x['user_regs'] and not x['running']]
    seen = {'user': 0, 'kernel': 0}
    for x in t.rng().sample(users, 6) + [x for x in tasks if x['running']]:
        before = [f for f in x['frames'] if not f['inline']]
        for address, user in frame_addresses(t, core, x['task']):
            kind = 'user' if user else 'kernel'
            got = t.command(core, f'bt -I {calls[kind][1]} -S 0x{address} {x["task"]}')['tasks'][0]
            frames = [f for f in got['frames'] if not f['inline']]
            what = f'{core.name}: pid {x["pid"]} from {address}'
            t.equal(frames[0]['function'], f'asm_fred_entrypoint_{kind}', what)
            seen[kind] += 1
            if user:
                t.equal((len(frames), got['complete'], got['user_regs']), (1, True, x['user_regs']), what)
                continue
            here = next((i for i, f in enumerate(before) if f['exception'] and
                         f['exception'] == frames[1]['exception']), None) if len(frames) > 1 else None
            if t.ok(here is not None, f'{what}: {[f["function"] for f in frames]}'):
                t.equal([(f['ip'], f['sp'], f['function'], f['reliable']) for f in frames[1:]],
                        [(f['ip'], f['sp'], f['function'], f['reliable']) for f in before[here:]], what)
    t.ok(seen['user'] > 4 and seen['kernel'], f'only {seen}')
    t.note(str(seen))


def register_block(text):
    """The last registers that bt shows of a task: those that it entered the kernel with."""
    tail = text.split('\n#')[-1]
    return {k.lower(): int(v, 16) for k, v in re.findall(r'\b([A-Z][A-Z0-9_]+): ([0-9a-f]+)\b', tail)
            if k not in ('PID', 'TASK', 'CPU', 'COMMAND')} if 'ORIG_RAX' in tail else {}


@per_core(others.has_drgn, quick=2)
def user_registers(t, core):
    """The registers that tasks came from user space with, as they lie at the top of the stack."""
    theirs = {x['task']: x for x in others.drgn(t, core)['tasks']}
    out = t.inquest('-s', *t.dump_args(core), '-c', 'foreach user bt').out
    compared = 0
    for block in re.split(r'^(?=PID: )', out, flags=re.M)[1:]:
        task = int(re.search(r'TASK: ([0-9a-f]+)', block).group(1), 16)
        want = theirs[task]['user_registers']
        ours = register_block(re.sub(r'^ +(?=#)', '', block, flags=re.M))
        # The task that died may not have come to its end of the stack.
        if not want or not ours:
            continue
        compared += 1
        for name, value in want.items():
            if name not in ('gs', 'fs', 'es', 'ds'):
                mine = {'ip': 'rip', 'sp': 'rsp', 'flags': 'rflags', 'orig_ax': 'orig_rax', 'cs': 'cs',
                        'ss': 'ss'}.get(
                    name, name if name[0] == 'r' else 'r' + name)
                t.equal(ours.get(mine), value, f'{mine} of {block.splitlines()[0]}')
    t.ok(compared > 10, f'only {compared} tasks compared')
    t.note(f'{compared} tasks')
