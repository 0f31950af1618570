# SPDX-License-Identifier: GPL-2.0-or-later
"""bt as text, with all of its options, line by line against crash 8 and crash 9.

Not the same, and who is right:
- crash cuts ".isra.0" and the like off the names of functions in modules; the kernel's log has them.
- A call that returns nowhere ends its function: crash names the function behind it, or leaves the frame out
  (nmi_panic.cold, add_taint.cold).  The kernel's log has it: such a frame must be one of the log's.
- Behind an IRQ stack crash has the entry's return address 8 bytes above where it lies.  The word at our address is it,
  in crash's own -r.
- Behind an exception stack -t has the start of that stack as the place of what was interrupted, here it is its rsp.
- -e leaves out what lies on the CPU's own stacks, -E the stack of machine checks, -F the words between two stacks, the
  registers that were saved on an exception stack, and names in init memory: here they are.
- -e of crash takes whatever on the stack looks like registers, here it is what the trace passed through: of theirs that
  ours lacks none may be in the kernel's log.
- With -x the offset of an exception's place is decimal in crash.
- -A is an option for s390x in crash, here it is -a.
- crash 9 has frames behind an exception in a module of 5.10 that neither the kernel's log nor ours has.
- crash 8 does not find all tasks of 6.1, and of those it finds has stale frames: -r and -T are compared.
- -n idle leaves out idle tasks; crash shows them where it does not know the idle loop: compared with -a without them.
- Of two names that one address has, either.
- Words that point to no symbol of the kernel's: crash names them by local labels of the vmlinux (.LC2+3363), kallsyms
  has none.
- -o marks with ? what is no frame of the trace.
- The words of -f and -F are labelled here at the end of the line.
"""
import re

from harness import per_core
from suite import others

OPTIONS = ['', '-s', '-x -s', '-t', '-T', '-o', '-r', '-e', '-E', '-F', '-FF', '-f', '-a', '-A', '-c 0', '-c 1', '-c 0,1',
           '-g', '-a -n idle', '-p']
# Frames of crash 8 are what lies on the stack that looks like one.
STALE = ['-r', '-T']


def of_crash(core):
    """Real kdumps: of these crash finds all registers.  (It does not get past a stack's overflow.)"""
    return bool(core.format == 'kdump' and core.whole() and others.has_crash(core) and
                core.scenario in ('irq-kernel', 'nmi', 'null-deref', 'sysrq', 'args'))


def programs(core):
    """(name, how to start it, does it unwind)"""
    found = []
    if not others.of_other_kernel(core):
        found.append(('crash 8', ['crash'], False))
    if others.has_rivals():
        found.append(('crash 9', [others.RIVALS, 'run', 'crash'], True))
    return found


MARK = 'MARK-%d-OF-TESTS'


def script(commands):
    lines = []
    for i, c in enumerate(commands):
        lines += [f'!echo {MARK % i}', c]
    return '\n'.join(lines + [f'!echo {MARK % len(commands)}', 'q', ''])


def answers(out, commands):
    found = {}
    for i, c in enumerate(commands):
        m = re.search(f'{MARK % i}\n(.*?){MARK % (i + 1)}\n', out, re.S)
        found[c] = m.group(1) if m else None
    return found


FRAME = re.compile(r'^ *(?:#\d+)? *\[([0-9a-f]{16})\] (\? )?(\S+) at ([0-9a-f]{16})( \[\w+\])?( *\(unreliable\))?$')
WORDS = re.compile(r'^    ([0-9a-f]{16}): (.*)$')
RAW = re.compile(r'^([0-9a-f]{16}):  (.*)$')
ISRA = re.compile(r'\.(isra|part|constprop|cold)(\.\d+)?')
LOCAL = re.compile(r'\.L\w*\d+')


def plain_name(name):
    return ISRA.sub('', name)


def words_of(match):
    """{address: word} of a line of words; what stands behind them is a label."""
    address = int(match.group(1), 16)
    return {address + 8 * i: w for i, w in enumerate(match.group(2).split()[:2])}


class Text:
    """The lines of one answer, sorted by what they are."""

    def __init__(self, text):
        self.frames, self.words, self.rest = [], {}, []
        for line in text.splitlines():
            line = line.rstrip()
            frame, word = FRAME.match(line), WORDS.match(line) or RAW.match(line)
            if frame:
                self.frames.append((int(frame.group(1), 16), frame.group(3), frame.group(4), frame.group(5)))
                self.rest.append(('frame', frame.group(4)))
            elif word:
                self.words.update(words_of(word))
            elif line and not line.startswith('!'):
                self.rest.append(('line', re.sub(ISRA, '', line)))


def blocks(lines):
    """{address: lines} of the exception frames of -e and -E, and the lines in front of them."""
    found, here = {}, []
    for line in lines:
        m = re.search(r'EXCEPTION FRAME AT: ([0-9a-f]+)', line)
        if m:
            here = found.setdefault(m.group(1), [])
        elif line.startswith('  ') and found:
            here.append(line)
    return found


class Names:
    """What stands at an address by the System.map: for names that mean the same place."""

    def __init__(self, t, core):
        self.at = {}
        for address, _, name in others.system_map(t, core):
            self.at.setdefault(name, set()).add(address)
        self.offset = others.need_offset(core)
        self.init = [min(self.at[n]) + self.offset for n in ('__init_begin', '__init_end')]

    def same(self, a, b):
        (x, _, i), (y, _, j) = a.partition('+'), b.partition('+')
        return i == j and bool(self.at.get(x, set()) & self.at.get(y, set()))

    def is_init(self, word):
        return bool(re.fullmatch('[0-9a-f]{16}', word)) and self.init[0] <= int(word, 16) < self.init[1]

    def same_word(self, theirs, ours):
        return plain_name(theirs) == plain_name(ours) or bool(LOCAL.match(theirs)) or self.is_init(theirs) or \
            self.same(theirs, ours)


class Comparison:
    def __init__(self, t, core, raw):
        self.t, self.core, self.raw, self.names = t, core, raw, Names(t, core)
        self.said = {f['function'] for f in core.truth.get('call_chain', [])} | \
            {f['function'] for r in core.truth.get('traces', []) for f in r['trace']}
        chains = [core.truth.get('call_chain', [])] + [r['trace'] for r in core.truth.get('traces', [])]
        self.exceptions = {plain_name(f['function']) for c in chains for f in c if f.get('exception_frame') and f['function']}
        self.lines = self.unlike = 0

    def frames(self, what, theirs, ours):
        """Each of theirs, at its address; ours besides them are in the kernel's log."""
        t, at = self.t, 0
        for address, name, ip, module in theirs:
            found = next((i for i in range(at, len(ours)) if ours[i][2] == ip), None)
            if found is None:
                # In 5.10 a module's function has no ORC row for crash: the kernel, which has, says who called it.
                self.unlike += 1
                t.ok(self.is_panic and name.split('+')[0] not in self.said,
                     f'{what}: no {name} at {ip}, crash has it at {address:#x}')
                continue
            for extra in ours[at:found]:
                t.ok(extra[1].split('+')[0] in self.said, f'{what}: {extra[1]}, which neither crash nor the kernel has')
                self.unlike += 1
            at = found + 1
            mine = ours[found]
            if mine[0] != address:
                # Where the return address is, or what rsp was.
                right = self.raw.get(mine[0], '') == ip or address % 4096 == 0 or \
                    plain_name(self.raw.get(mine[0], '')).split('+')[0] == plain_name(name).split('+')[0]
                t.ok(right, f'{what}: {name} at {mine[0]:#x}, crash says {address:#x}')
                self.unlike += 1
            if plain_name(mine[1]) != plain_name(name) and not self.names.same(mine[1], name):
                t.ok(mine[1].split('+')[0] in self.said, f'{what}: {mine[1]} at {ip}, crash says {name}')
                self.unlike += 1
            t.equal(mine[3], module, f'{what}: module of {name}')
        for extra in ours[at:]:
            t.fail(f'{what}: {extra[1]} behind the last frame of crash')

    def words(self, what, theirs, ours):
        missing = [a for a in theirs if a not in ours]
        self.t.none([f'{a:#x}: {theirs[a]}' for a in missing], f'{what}: words that only crash has', len(theirs))
        bad = [f'{a:#x}: {ours[a]}, crash says {w}' for a, w in theirs.items() if a in ours and not self.names.same_word(w, ours[a])]
        self.t.none(bad, f'{what}: words', len(theirs))

    def rest(self, what, option, theirs, ours, more):
        """Registers, exceptions, changes of the stack and headers, in their order; MORE: ours may be more."""
        theirs = [x for x in theirs if x[0] == 'line']
        ours = [x for x in ours if x[0] == 'line']
        theirs, ours = [x[1] for x in theirs], [x[1] for x in ours]
        if '-x' in what:
            theirs = [re.sub(r'(exception RIP: .*\+)(\d+)\]', lambda m: f'{m[1]}{int(m[2]):#x}]', x) for x in theirs]
        if not more:
            bad = [f'{y!r}, crash {x!r}' for x, y in zip(theirs, ours) if x != y]
            self.t.none(bad or [x for x in theirs[len(ours):] + ours[len(theirs):]], f'{what}: lines', len(theirs))
            return
        a, b = blocks(theirs), blocks(ours)
        self.t.none([f'{at}: {b[at]}, crash {lines}' for at, lines in a.items() if at in b and b[at] != lines],
                    f'{what}: exceptions', len(a))
        for at, lines in a.items():
            place = re.search(r'exception RIP: ([\w.]+)', ' '.join(lines))
            if at not in b:
                self.unlike += 1
                self.t.ok(option == '-e' and place and place[1] not in self.exceptions, f'{what}: no exception at {at}')

    def answer(self, what, option, theirs, ours):
        a, b = Text(theirs), Text(ours)
        panicked = (self.core.truth.get('panic_task') or {}).get('pid')
        self.is_panic = bool(re.search(rf'PID: {panicked} ', ours))
        self.lines += theirs.count('\n')
        self.frames(what, a.frames, b.frames)
        self.words(what, a.words, b.words)
        self.rest(what, option, a.rest, b.rest, option in ('-e', '-E'))


def without_idle(core, text):
    """What bt -a says without the tasks of CPUs that had nothing to do."""
    panicked = core.truth.get('panic_task') or {}
    found = re.split(r'^(?=PID: )', text, flags=re.M)
    return ''.join(x for x in found if not re.match(r'PID: 0 ', x) or
                   (panicked.get('pid') == 0 and re.match(rf'.*CPU: {panicked["cpu"]} ', x)))


def compare(t, core, program, name, unwinds):
    commands = [f'bt {o}'.strip() for o in (OPTIONS if unwinds else STALE)]
    rng = t.rng()
    tasks = [x for x in t.command(core, 'foreach bt')['tasks'] if x['pid'] and not x['running'] and x['frames']]
    for x in rng.sample(tasks, 6):
        commands += [f'bt {o} {x["pid"]}'.replace('  ', ' ')
                     for o in (('', '-s', '-t', '-T', '-o', '-r', '-e', '-F', '-f') if unwinds else STALE)]
    theirs = answers(t.sh([*program, '-s', core.vmlinux, core.vmcore], stdin='set scroll off\n' + script(commands),
                          check=False, timeout=300).out, commands)
    ours = answers(t.inquest('-s', *t.dump_args(core, True), stdin=script(commands).encode()).out, commands)
    pids = {c: (re.search(r'TASK: ([0-9a-f]+)', theirs[c] or '') or [None, None])[1] for c in commands}
    raw = {}
    for task in {v for v in pids.values() if v}:
        raw.update(Text(t.inquest('-s', *t.dump_args(core, True), '-c', f'rd {int(task, 16):#x} 1; bt -r {task}').out).words)
    comparison = Comparison(t, core, raw)
    refused = 0
    for c in commands:
        if not t.ok(theirs[c] is not None and ours[c] is not None, f'{name}: no answer to {c}'):
            continue
        if re.match(r'bt: (-A|invalid task or pid)', theirs[c].lstrip()):
            refused += 1
            continue
        if c.endswith('-n idle'):
            theirs[c] = without_idle(core, theirs['bt -a'])
        comparison.answer(f'{name}: {c}', c.split()[1] if ' ' in c else '', theirs[c], ours[c])
    t.ok(refused <= 2 or not unwinds, f'{name}: {refused} commands refused')
    t.note(f'{name}: {len(commands) - refused} commands, {comparison.lines} lines, {comparison.unlike} places explained')


@per_core(of_crash, quick=1, sanitized=False)
def references(t, core):
    """foreach bt -R FUNCTION, and of an address: the tasks whose frames have it, all of which crash 9 finds as well."""
    program = next((p for n, p, unwinds in programs(core) if unwinds), None)
    if not program:
        return
    tasks = [x for x in t.command(core, 'foreach bt')['tasks'] if x['frames']]
    places = {}
    for x in tasks:
        for f in x['frames']:
            # A system call's function has several names; the kernel and crash choose differently among them.
            if f['function'] and not f['module'] and not f['inline'] and not x['running'] and \
                    not re.match(r'__(do|se|x64|ia32)_sys_', f['function']):
                places.setdefault(f['function'], set()).add(f['ip'])
    chosen = t.rng().sample(sorted(places), 12)
    # An address is that of one call.
    words = ['schedule', *chosen] + [sorted(places[n])[0] for n in chosen[:4]]
    commands = [f'foreach bt -R {w}' for w in words]
    theirs = answers(t.sh([*program, '-s', core.vmlinux, core.vmcore], stdin='set scroll off\n' + script(commands),
                          check=False, timeout=300).out, commands)
    running = {x['pid'] for x in tasks if x['running']}
    for word, command in zip(words, commands):
        ours = t.inquest('-s', *t.dump_args(core, True), '-c', command, check=False).out
        got = {int(p) for p in re.findall(r'^PID: (\d+)', ours, re.M)} - running
        want = {x['pid'] for x in tasks for f in x['frames'] if word in (f['function'], f['ip'])} - running
        t.equal(got, want, command)
        said = {int(p) for p in re.findall(r'^PID: (\d+)', theirs[command] or '', re.M)} - running
        t.ok(got <= said, f'{command}: crash has not {sorted(got - said)[:5]}')
    t.note(f'{len(words)} functions and addresses')


@per_core(of_crash, quick=2, sanitized=False)
def as_crash(t, core):
    """Every view of bt, of the tasks on the CPUs and of some that sleep."""
    for name, program, unwinds in programs(core):
        compare(t, core, program, name, unwinds)
