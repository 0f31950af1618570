# SPDX-License-Identifier: GPL-2.0-or-later
"""analyze: class, place, task and blame against the kernel's own words on the serial line and the guests' facts; with the
log wiped from memory; of bare console logs."""
import os
import re
import signal
import subprocess
import tempfile
import time

from harness import Failed, per_core, test
from suite.wiped_log import wipe

HERE = os.path.dirname(os.path.abspath(__file__))
# What the kernel writes, and what it is, for scenarios whose facts do not say.  The panic's own words come first where
# there was no oops before.
WORDS = [
    (r'sysrq triggered crash', 'sysrq'),
    (r'hung_task', 'hung_task'),
    (r'softlockup', 'soft_lockup'),
    (r'Hard LOCKUP|hard LOCKUP', 'hard_lockup'),
    (r'RCU Stall', 'rcu_stall'),
    (r'Out of memory', 'oom'),
    (r'stack-protector', 'stack_protector'),
    (r'NMI', 'nmi'),
    (r'stack guard page', 'stack_overflow'),
    (r'non-canonical|general protection', 'non_canonical'),
    (r'NULL pointer', 'null_deref'),
    (r'irqbug\.c', 'bug'),
    (r'mm/slub\.c', 'double_free'),
    (r'free_large_kmalloc', 'invalid_free'),
]
# Their facts do not name a class, and the words are not enough: where the CPU went is not code.
BY_READING = {'call-wild': 'bad_exec', 'smash-ret': 'bad_exec', 'live': 'none', 'irq-kernel-sid': 'bug',
              'irq-kernel-trixie': 'bug'}


def plain(function):
    return (function or '').split('.')[0]


def expected(core):
    """The class, or None: nobody has said."""
    t = core.truth
    if t.get('class'):
        return t['class']
    if core.scenario in BY_READING:
        return BY_READING[core.scenario]
    for text in (t.get('panic') or '', t.get('report') or ''):
        if 'Fatal exception' in text or 'panic_on_warn' in text:
            continue
        for pattern, name in WORDS:
            if re.search(pattern, text):
                return name
    return 'bug' if core.scenario.startswith('irq-kernel') else None


# What the guest's modules call blame is no fault there (who allocated what is looked up), or no function that exists.
NOT_A_FAULT = {'slub-tracks', 'wait-lost-wakeup'}
# module_exit() makes the one name of the other, and the other goes with the module.
SAME_FUNCTION = {'timerleft_exit': 'cleanup_module'}


def fault(core):
    """The function that is at fault by what the guest said; None: it said nothing."""
    name = (core.truth.get('facts') or {}).get('blame')
    return None if name in (None, 'hardware') or core.scenario in NOT_A_FAULT else SAME_FUNCTION.get(name, name)


def analyze(t, core, vmlinux=False):
    return t.inquest('analyze', '--json', *t.dump_args(core, vmlinux)).result()


def check(t, core, got, what):
    want = expected(core)
    if want:
        t.equal(got['class'], want, f'{what}: class ({got["panic"]["message"]})')
    rip = core.truth.get('rip')
    # Of what was interrupted by a report the serial line has registers too, and others before them.
    # __fortify_report() warns before __fortify_panic() ends it.
    if rip and rip.get('function') not in (None, '__fortify_report') and core.truth.get('report'):
        t.equal(plain(got['panic']['function']), plain(rip['function']), f'{what}: function')
        t.equal(got['panic']['offset'], int(rip['offset'], 16), f'{what}: offset')
    task = core.truth.get('task')
    if rip and task and task.get('cpu') is not None:
        t.equal((got['panic']['pid'], got['panic']['comm'], got['panic']['cpu']),
                (task['pid'], task['comm'], task['cpu']), f'{what}: task')


def usable(core):
    return core.whole()


@per_core(usable, quick=20)
def event(t, core):
    """Class, place and task, without a vmlinux and with one."""
    check(t, core, analyze(t, core), 'without vmlinux')
    if core.vmlinux:
        check(t, core, analyze(t, core, vmlinux=True), 'with vmlinux')


@per_core(lambda c: c.whole() and c.format == 'zlib' and expected(c) not in (None, 'none'), quick=3, sanitized=False)
def log_wiped(t, core):
    """With every copy of the kernel's last words wiped from the dump class and place are the same."""
    whole = analyze(t, core)
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        values = t.inquest('--json', *t.dump_args(core), '-c',
                           'p/x (unsigned long)log_buf; p/x log_buf_len').json()
        buffer, length = (int(v['result']['text'], 16) for v in values)
        physical = int(t.command(core, f'vtop {buffer:x}')['physical'], 16)
        copy, places = wipe(core, folder, physical, length)
        t.ok(places > 1, 'nothing was wiped')
        got = t.inquest('analyze', '--json', '--no-vmlinux', copy.path).result()
    for key in ('class', 'confidence'):
        t.equal(got[key], whole[key], key)
    for key in ('function', 'offset', 'module', 'ip', 'cpu', 'pid', 'comm', 'address', 'access'):
        t.equal(got['panic'][key], whole['panic'][key], key)
    t.equal((got['blame'] or {}).get('function'), (whole['blame'] or {}).get('function'), 'blame')
    t.ok(not got['panic']['message_from_log'], 'the message is still from the log')


def logs():
    """(name, class, function, module, comm, pid, cpu), text of each log in console_logs.txt."""
    found = []
    with open(os.path.join(HERE, 'console_logs.txt'), newline='') as f:
        for line in f:
            if line.startswith('#### '):
                found.append((line.split()[1:], []))
            elif found:
                found[-1][1].append(line)
    return found


# The same log as other consoles and loggers hand it on.
FORMS = {
    'as it is': lambda l: l,
    'CRLF and colours': lambda l: '\x1b[1;31m' + l.rstrip('\n') + '\x1b[0m\r\n',
    'syslog': lambda l: 'Nov 22 09:01:59 host-1 kernel: ' + l,
    'journal': lambda l: '2026-11-22T09:01:59.123456+00:00 host-1 kernel: ' + l,
    'watched': lambda l: '09:01:59.123 ' + l,
}


@test
def console_logs(t):
    """Published logs of all classes, architectures and loggers say what a reader says they are."""
    right = total = 0
    for (name, *want), lines in logs():
        form = t.rng().choice(sorted(FORMS)) if not t.all else None
        for each in [form] if form else FORMS:
            text = ''.join(FORMS[each](l) for l in lines)
            r = t.inquest('analyze', '--json', '--log', '-', stdin=text.encode()).result()
            p = r['panic']
            got = [r['class'], p['function'], p['module'], p['comm'], p['pid'], p['cpu']]
            total += 1
            right += r['class'] == want[0]
            for w, g, key in zip(want, got, ('class', 'function', 'module', 'comm', 'pid', 'cpu')):
                g = 'null' if g is None else str(g)
                t.ok(w in ('-', g) or (key == 'function' and plain(g) == w),
                     f'{name} ({each}): {key}: got {g}, expected {w}')
    t.note(f'class right in {right} of {total} logs')


@per_core(lambda c: c.whole() and not c.format.startswith(('kdump', 'capture')), quick=20)
def serial_log(t, core):
    """The serial line alone says the same class as the dump is expected to be."""
    want = expected(core)
    if want:
        got = t.inquest('analyze', '--json', '--log', core.serial_path).result()
        # SLUB's reports went before, and the machine lived on.
        t.equal(got['class'], want, f'class ({got["panic"]["message"]})')


@test
def measured(t):
    """The table: how often what is right, and never certain and wrong."""
    cores = [c for c in t.run.cores if c.whole() and expected(c)]
    figures = {'class': [0, 0], 'place': [0, 0], 'blamed function': [0, 0], 'certain of the right': [0, 0]}
    wrong = []
    for core in t.sample(cores, 40):
        got = analyze(t, core)
        right = got['class'] == expected(core)
        rip, blame = core.truth.get('rip'), fault(core)
        for name, asked, is_right in (
                ('class', True, right),
                ('place', rip and rip.get('function'),
                 rip and plain(got['panic']['function']) == plain(rip.get('function'))),
                ('blamed function', blame,
                 plain((got['blame'] or {}).get('function')) == blame),
                ('certain of the right', right, got['panic']['confidence'] == 'certain')):
            if asked:
                figures[name][0] += bool(is_right)
                figures[name][1] += 1
        if got['panic']['confidence'] == 'certain' and not right:
            wrong.append(core.name)
    t.none(wrong, 'certain and wrong', len(cores))
    for name, (n, of) in figures.items():
        if of:
            t.note(f'{name} {n}/{of} ({100 * n / of:.0f} %)')
    for name, share in (('class', 0.98), ('blamed function', 0.95), ('certain of the right', 0.7)):
        n, of = figures[name]
        # Of a sample two may be more than that.
        t.ok(n >= share * of or (not t.all and of - n <= 2), f'{name}: {n} of {of}')


@per_core(lambda c: c.whole() and c.scenario == 'chain-loop', quick=2)
def ring(t, core):
    """The chain without an end: the link that closes it, as the module has logged it, is one of the ring's."""
    found = [f for f in analyze(t, core)['findings'] if f['id'] == 'list.ring']
    links = {int(e['address'], 16): int(e['value'], 16) for f in found for e in f['evidence'] if e['value']}
    facts = core.truth['facts']
    t.equal(links.get(int(facts['field'], 16)), int(facts['new'], 16), 'the closing link')


# Who is at fault is not the function that the kernel's report names, but one that has returned, or its caller.
BEHIND = ('kfence-twice', 'list-del-twice', 'slub-double-free', 'slub-poison', 'slub-redzone', 'free-middle',
          'double-alias', 'seq-retry', 'oom-slab', 'oom-pages', 'chain-loop', 'wait-completion', 'wait-rwsem-abba',
          'spin-abba', 'unload-timer', 'unload-proc')


@per_core(lambda c: c.whole() and c.scenario in BEHIND, quick=8)
def behind_the_report(t, core):
    """The blamed function is the module's own word for it."""
    blame = analyze(t, core)['blame'] or {}
    t.equal(plain(blame.get('function')), fault(core), blame.get('why'))


# What is wrong with the stack, by what the guest's module was told to do with it.
STACKS = {'recurse': 'stack.recursion', 'stack-overflow': 'stack.recursion', 'smash-ret': 'stack.return',
          'stack-noncanonical': 'stack.pointer', 'stack-unmapped': 'stack.pointer', 'init-exit': 'init.end'}


@per_core(lambda c: c.whole() and c.scenario in STACKS, quick=4)
def stacks(t, core):
    """Full of calls that go round, a pointer that leads nowhere, a return address that was overwritten; how init ended."""
    found = {f['id']: f for f in analyze(t, core)['findings'] if f['cause']}
    f = found.get(STACKS[core.scenario])
    if not t.ok(f, f'{STACKS[core.scenario]}: found {sorted(found)}'):
        return
    if core.scenario == 'init-exit':
        code = int(re.search(r'exitcode=(0x[0-9a-f]+)', core.truth['panic'] + core.truth['report']).group(1), 16)
        t.ok(f['claim'].endswith(f'with status {code >> 8}'), f['claim'])
    if f['id'] == 'stack.recursion':
        with open(core.serial_path, errors='replace') as log:
            rip = re.search(r'RIP: 0010:(\w+)', log.read())
        t.ok(not rip or rip.group(1) in f['claim'], f'{rip and rip.group(1)} is not in: {f["claim"]}')


@per_core(lambda c: c.whole() and c.scenario in ('sysrq', 'live', 'big', 'threads'), quick=6)
def clean_dumps(t, core):
    """Of a machine that was well nothing certain is claimed."""
    got = analyze(t, core)
    t.none([f['claim'] for f in got['findings'] + got['alternatives'] if f['confidence'] == 'certain'],
           'certain findings')


@per_core(usable, quick=4)
def redacted(t, core):
    """No name of the host, no quoted text, no address of a machine."""
    name = t.command(core, 'sys').get('nodename')
    for form in ((), ('--json',)):
        out = t.inquest('analyze', '--redact', *form, *t.dump_args(core)).out
        if name and name != '(none)':
            t.ok(name not in out, f'{name} is in the report')
        t.ok(not re.search(r'(?<![\w.])\d{1,3}(\.\d{1,3}){3}(?![\w.])', out), 'an IP address is in the report')


@per_core(usable, quick=6)
def report(t, core):
    """Text for people: no line is longer than a terminal is wide, and addresses can be typed again."""
    out = t.inquest('analyze', *t.dump_args(core)).out
    t.none([l for l in out.splitlines() if len(l) > 110], 'long lines')
    t.ok(out.startswith('VERDICT'), out[:60])
    t.ok('\x1b' not in out, 'colours in a pipe')


@per_core(usable, quick=10)
def next_commands(t, core):
    """Each command that a report proposes, and each address in it, does something at the prompt of that dump."""
    out = t.inquest('analyze', *t.dump_args(core)).out
    after = out.split('\nNext\n')
    if not t.equal(len(after), 2, 'one list of next commands'):
        return
    proposed = [line[2:43].strip() for line in after[1].split('\n\n')[0].splitlines()]
    t.equal(len(set(proposed)), len(proposed), f'proposed twice: {proposed}')
    addresses = sorted(set(re.findall(r'@\s+(0x[0-9a-f]+)', out)))
    commands = proposed + [f'whatis {a}' for a in addresses[:20]]
    run = t.inquest('-s', *t.dump_args(core), *(word for c in commands for word in ('-c', c)), check=False)
    t.ok(run.status == 0, f'of {commands}: status {run.status}: {run.err[:300]}')


@per_core(lambda c: c.whole() and c.scenario in ('big', 'leak-generic', 'slab-leak', 'threads'), quick=2)
def interrupted(t, core):
    """Ctrl-C: what is known by then, and that it is not all."""
    for delay in (0.1, 0.3):
        p = subprocess.Popen([t.run.inquest, 'analyze', *t.dump_args(core)], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
        time.sleep(delay * (10 if t.run.sanitized else 1))
        p.send_signal(signal.SIGINT)
        started = time.time()
        out, err = p.communicate(timeout=120)
        t.ok(time.time() - started < 10, f'it took {time.time() - started:.1f} s to end')
        # On a machine with much to do it may not have come to main() by then, or be done.
        if p.returncode == 130:
            t.ok(out.startswith('VERDICT') and 'interrupted: not everything was looked at' in out, out[:200])
            t.ok('interrupted' in err, err)
        else:
            t.ok(p.returncode == 0 or not out, f'status {p.returncode}: {out[:100]}')


@test
def usage(t):
    """What cannot be read or makes no sense is said, with status 2."""
    for args, words in ((('analyze',), 'no dump'), (('analyze', '--log', '/nonexistent'), 'cannot open'),
                        (('--log', 'x'), 'belongs to inquest analyze'), (('analyze', '-c', 'bt', 'x'), '')):
        out = t.inquest(*args, check=False)
        t.equal(out.status, 2, f'{args}: status')
        t.ok(words in out.err, f'{args}: {out.err}')
