# SPDX-License-Identifier: GPL-2.0-or-later
"""Parameters, locals and stack words: against what the lab's modules print, drgn, and each other with and without DWARF."""
import collections
import json
import os
import re

from harness import per_core
from suite import others


def answers(t, core, command, vmlinux):
    files = others.loaded_module_files(t, core) if vmlinux else []
    return t.inquest('--json', *t.dump_args(core, vmlinux), *files, '-c', command, timeout=300).result()['tasks']


def own_frames(task):
    """The functions themselves; what is inlined there is in their `inlines`."""
    found, inlines = [], []
    for f in task['frames']:
        if f['inline']:
            inlines.append(f)
        else:
            found.append(dict(f, inlines=inlines))
            inlines = []
    return found


# ---- What the modules say ---------------------------------------------------------------------------

def number(value):
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return int(value, 16) if value.startswith('0x') else None
    return value


ENUMS = {'AG_READ': 3, 'AG_WRITE': 5, 'AG_SYNC': 9}


def same_number(got, printed):
    got = ENUMS.get(got, number(got)) if not isinstance(got, list) else None
    printed = int(printed, 0)
    return got is not None and (got - printed) % (1 << 64) == 0


def calls_of(truth, pid, what):
    """[(function, values)], the innermost call first; of a function that calls itself each call."""
    return [(a['function'], a['values']) for a in reversed(truth['arguments'])
            if a['pid'] == pid and a['what'] == what]


def without_suffix(name):
    return name.split('.')[0]


def check_printed(t, core, vmlinux):
    seen = collections.Counter()
    for pid in sorted({a['pid'] for a in core.truth['arguments']}):
        task = answers(t, core, f'bt -V {pid}', vmlinux)[0]
        frames = [f for f in own_frames(task) if f['function']]
        for what in ('arg', 'now', 'local'):
            at = 0
            for function, values in calls_of(core.truth, pid, what):
                match = next((i for i in range(at, len(frames))
                              if without_suffix(frames[i]['function']) == function), None)
                if match is None:
                    t.ok(what != 'arg', f'pid {pid}: no frame of {function}')
                    continue
                at = match + (what == 'arg')
                frame = frames[match]
                known = {v['name']: v for v in frame['args'] + frame['locals']}
                now = {k for f, v in calls_of(core.truth, pid, 'now') for k in v if f == function}
                for name, printed in values.items():
                    v = known.get(name)
                    # Parameters are shown as they are now where that is known, else as they were passed.
                    if (what == 'arg' and vmlinux and name in now) or (what != 'arg' and not vmlinux):
                        continue
                    if not v or v['status'] == 'unavailable':
                        seen['unavailable'] += what == 'arg' and '.' not in frame['function']
                        continue
                    right = same_number(v['value'], printed)
                    seen[v['status']] += 1
                    t.ok(right, f'{function}: {what} {name} is {printed}, shown as {v["value"]} '
                                f'({v["status"]}, {v["from"]})')
    return seen


@per_core(lambda c: c.scenario == 'args' and c.whole())
def as_printed(t, core):
    """Every value that the module args printed of its calls, from the dump alone and with debug files."""
    alone = check_printed(t, core, False)
    known = alone['exact'] + alone['inferred']
    # Modules of 5.10 bring no BTF: nobody knows their functions' parameters.
    if not (core.kernel or '').endswith('-bullseye'):
        t.ok(known * 10 >= 9 * (known + alone['unavailable']), f'of the dump alone only {dict(alone)}')
    t.note(f'alone {dict(alone)}')
    if core.vmlinux:
        t.note(f'with debug files {dict(check_printed(t, core, True))}')


# ---- Machine code against DWARF ----------------------------------------------------------------------

def is_clone(name):
    return bool(re.search(r'\.(isra|constprop|part)', name or ''))


def by_place(tasks):
    return {(x['task'], f['ip'], f['sp']): f for x in tasks for f in own_frames(x)}


REGISTERS = ('rdi', 'rsi', 'rdx', 'rcx', 'r8', 'r9')


def sizes_of(t, core, names):
    """Bytes of types, by name; those without one (struct {...}) have none."""
    files = others.loaded_module_files(t, core)
    names = sorted(names)
    sizes = {}
    if names:
        found = t.inquest('--json', *t.dump_args(core, True), *files, '-c',
                          '; '.join(f'sizeof {n}' for n in names), timeout=300, check=False).json()
        sizes = {n: f['result']['size'] for n, f in zip(names, found) if 'result' in f}
    return sizes


def is_pointer(param):
    return bool(param['type'] and re.search(r'[*\[]', param['type']))


def by_register(params, sizes):
    """Of a function without a prototype the registers that each parameter is in, by the System V ABI: a struct of up
    to 16 bytes takes one for each eight, if that many are left, else it is in memory, as what is larger.  The list
    ends with the first parameter whose size is not known."""
    places, used = [], 0
    for p in params:
        size = 8 if is_pointer(p) else sizes.get(p['type'])
        if size is None:
            break
        words = (size + 7) // 8
        here = REGISTERS[used:used + words] if words <= 2 and used + words <= len(REGISTERS) else ()
        places.append(here)
        used += len(here)
    return places


def words_of(value, nr):
    """The eight-byte words of a value in NR registers; a struct's is the hexadecimal text of its bytes."""
    if nr == 1 and number(value) is not None:
        return [value]
    if isinstance(value, str) and re.fullmatch(r'([0-9a-f]{2})+', value):
        data = bytes.fromhex(value)
        # Above a shorter last word is anything.
        return [int.from_bytes(data[i:i + 8], 'little') if len(data) - i >= 8 else None for i in range(0, len(data), 8)]
    return [None] * nr


def same_register(v, truth):
    """The value of a register against a parameter's: of a narrow one only the low bytes mean anything."""
    got, want = number(v['value']), number(truth)
    return want is None or got is None or got == want or (abs(want) < 1 << 31 and (got - want) % (1 << 32) == 0) \
        or (0 <= want < 256 and (got - want) % 256 == 0)


@per_core(others.has_vmlinux, quick=5)
def code_against_dwarf(t, core):
    """All parameters of reliable frames of functions that are no clones: what machine code and prototypes tell must
    be what the debug information tells."""
    alone = by_place(answers(t, core, 'foreach bt -V', False))
    count, wrong = collections.Counter(), []
    told = by_place(answers(t, core, 'foreach bt -V', True))
    sizes = sizes_of(t, core, {p['type'] for f in told.values() for p in f['args'] if p['type'] and not is_pointer(p)})
    for place, theirs in told.items():
        if not theirs['reliable'] or is_clone(theirs['function']):
            continue
        ours = alone.get(place)
        if not t.ok(ours, f'{theirs["function"]} at {place[1]}: no such frame without debug information'):
            continue
        known = {v['name']: v for v in ours['args']}
        places = by_register(theirs['args'], sizes)
        for i, p in enumerate(theirs['args']):
            count['parameters'] += 1
            v = known.get(p['name'])
            here = places[i] if not v and i < len(places) else ()
            truth = [words_of(x, len(here)) for x in (p['value'], p.get('passed')) if x is not None]
            for j, register in enumerate(known.get(r) for r in here):
                if not register:
                    continue
                count[f'{register["status"]} by register'] += 1
                t.ok(not truth or any(same_register(register, x[j]) for x in truth),
                     f'{theirs["function"]}: {p["name"]} is {truth}, {register["name"]} {register["value"]}')
            if not v or v['status'] == 'unavailable':
                continue
            count[v['status']] += 1
            # A function may change its parameter; what was passed then is known from the call site.
            truth = [x for x in (p['value'], p.get('passed')) if x is not None and type(x) is type(v['value'])]
            if not truth:
                continue
            count[f'{v["status"]} compared'] += 1
            if v['value'] not in truth:
                count[f'{v["status"]} wrong'] += 1
                wrong.append(f'{theirs["function"]}: {v["status"]} {p["name"]} is {p["value"]} ({p["from"]}), was {p.get("passed")}, '
                             f'found {v["value"]} ({v["from"]}), task {place[0]}')
    t.note(', '.join(f'{n} {what}' for what, n in sorted(count.items())))
    t.ok(count['parameters'] > 50, f'only {count["parameters"]} parameters')
    values = sum(count[f'{status}{how}'] for status in ('exact', 'inferred') for how in ('', ' by register'))
    t.ok(2 * values >= count['parameters'], f'too few have values: {dict(count)}')
    t.none([w for w in wrong if ' exact ' in w], 'exact values that are wrong')
    t.ok(count['inferred wrong'] * 200 <= max(count['inferred compared'], 1),
         f'inferred values that are wrong: {wrong[:5]}')


# ---- DWARF against drgn --------------------------------------------------------------------------------

def drgn_locals(t, core):
    def make():
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drgn_locals.py')
        out = t.sh([others.RIVALS, 'run', 'python3', script, core.vmcore, core.vmlinux,
                    *others.loaded_module_files(t, core)], timeout=600)
        return json.loads(out.out)
    return others.once(('drgn locals', core.name), make)


def has_new_drgn(core):
    return bool(core.vmlinux and core.format in ('kdump', 'vmcore-elf') and core.whole() and others.has_rivals())


def unsigned(value, size):
    n = number(value)
    return None if n is None else n & ((1 << 8 * size) - 1)


def compare_variable(t, what, ours, theirs, count):
    if theirs['kind'] not in ('value', 'memory'):
        count['not known to drgn'] += 1
        return
    if not t.ok(ours and ours['status'] != 'unavailable',
                f'{what}: drgn has a value, here: {ours and ours["from"]}'):
        return
    if theirs['kind'] == 'memory':
        t.equal(int(ours['address'] or '0', 16), theirs['address'], f'{what}: address')
    if theirs.get('scalar'):
        got = unsigned(ours['value'], theirs['size'])
        # An enum's value is shown by name.
        if got is None:
            count['by name'] += 1
            return
        t.equal(got, theirs['value'], f'{what}: value ({ours["from"]})')
        count['values equal'] += 1
    else:
        count['structs in place'] += 1


@per_core(has_new_drgn, quick=4)
def dwarf_against_drgn(t, core):
    """Every parameter and local variable of every frame that drgn has a value of, inlined functions included."""
    ours = by_place(answers(t, core, 'foreach bt -V', True))
    count = collections.Counter()
    for task in drgn_locals(t, core):
        frames, before, depth = task['frames'] or [], None, 0
        for f in frames:
            key = (f['pc'], f['sp'])
            depth = depth + 1 if key == before else 0
            before = key
            frame = ours.get((f'{task["task"]:#018x}', f'{f["pc"]:#018x}', f'{f["sp"]:#018x}'))
            if not frame:
                count['frames of drgn alone'] += 1
                continue
            scopes = frame['inlines'] + [frame]
            if depth >= len(scopes):
                continue
            # The innermost block's variable hides those of its name further out: it comes last.
            known = {v['name']: v for v in scopes[depth]['args'] + scopes[depth]['locals']}
            for name, theirs in f['variables'].items():
                compare_variable(t, f'pid {task["pid"]}: {f["function"]}: {name}', known.get(name), theirs, count)
    t.ok(count['values equal'] > 200, f'only {dict(count)}')
    t.note(', '.join(f'{n} {what}' for what, n in sorted(count.items())))


# ---- Words of the stack ----------------------------------------------------------------------------------

@per_core(lambda c: c.whole(), quick=5)
def words_are_explained(t, core):
    """bt -f says what the words of reliable frames are: at most a tenth remains unknown, with and without vmlinux."""
    for vmlinux in (False, True) if others.has_vmlinux(core) else (False,):
        count = collections.Counter()
        for task in answers(t, core, 'foreach bt -f', vmlinux):
            for f in own_frames(task):
                if not f['reliable']:
                    continue
                for w in f['words']:
                    count['words'] += 1
                    count['unknown'] += w['label'] is None
        how = 'with vmlinux' if vmlinux else 'alone'
        t.note(f'{how}: {count["unknown"]} of {count["words"]} words unknown '
               f'({100 * count["unknown"] / max(count["words"], 1):.1f} %)')
        t.ok(count['unknown'] * 10 <= count['words'], f'{how}: {count["unknown"]} of {count["words"]} words')


# There a tracer has put an address of its own in the place of the return address, which is what the frame has.
TRACED = ('fgraph', 'kretprobe')


@per_core(lambda c: c.whole(), quick=3)
def words_as_registers(t, core):
    """What bt -f calls a return address or a saved register is what the next frame has."""
    compared = 0
    for task in answers(t, core, 'foreach bt -f', False):
        frames = own_frames(task)
        for f, caller in zip(frames, frames[1:]):
            for w in f['words']:
                if core.scenario in TRACED and w['value'] != caller['ip']:
                    continue
                if w['label'] and w['label'].startswith('[return to ') and caller['slot'] == w['address']:
                    t.equal(w['value'], caller['ip'], f'{f["function"]}: {w["label"]}')
                    compared += 1
    t.ok(compared > 20, f'only {compared} return addresses')


SMASHED = ('stack-smash', 'smash-ret', 'stack-recycled', 'stack-overflow')


@per_core(lambda c: c.whole() and (c.scenario not in SMASHED or c.scenario == 'stack-smash'), quick=4)
def canaries(t, core):
    """Every stack canary that a function's code has put on the stack is the task's, but that which was overwritten:
    of the function that called __stack_chk_fail()."""
    good, changed = 0, []
    for task in answers(t, core, 'foreach bt -f', False):
        frames = own_frames(task)
        for i, f in enumerate(frames):
            labels = [w['label'] for w in f['words']]
            good += labels.count('[canary]')
            if '[canary, changed]' in labels:
                changed.append((i and frames[i - 1]['function'], f['function']))
    t.ok(good > 20, f'only {good} canaries')
    if core.scenario == 'stack-smash':
        t.equal([c[0] for c in changed], ['__stack_chk_fail'], 'who called it')
    else:
        t.equal(changed, [], 'canaries that are said to be changed')
    t.note(f'{good} canaries')


@per_core(lambda c: c.scenario == 'args' and c.whole() and not (c.kernel or '').endswith('-bullseye'), quick=2)
def info(t, core):
    """info args and info locals of a selected frame: what bt -V has, as text and as JSON; names in expressions."""
    for vmlinux in (False, True) if core.vmlinux else (False,):
        files = others.loaded_module_files(t, core) if vmlinux else []
        frame = next(f for f in own_frames(answers(t, core, 'bt -V', vmlinux)[0]) if f['function'] == 'ag_spill')
        args = [*t.dump_args(core, vmlinux), *files, '-c']
        select = f'frame {frame["number"]}'
        found = t.inquest('--json', *args, f'{select}; info args; info locals; p g').json()[1:]
        t.equal(found[0]['result']['functions'][-1]['args'], frame['args'], 'info args')
        t.equal(found[1]['result']['functions'][-1]['locals'], frame['locals'], 'info locals')
        text = t.inquest(*args, f'{select}; info args; info locals; p g').out
        for line in (r'^a = 161  \(', r'^c = 1234605616436508552  \(', r'^g = 1992  \(',
                     r'^req = \(struct ag_req \*\) 0x[0-9a-f]+', r'^\$1 = 1992|^g = 1992$'):
            t.ok(re.search(line, text, re.M), f'no {line} in: {text}')
        if not vmlinux:
            t.ok('No local variables' in text or frame['locals'], 'nothing said of locals')
