# SPDX-License-Identifier: GPL-2.0-or-later
"""sys, mach, log, mod, irq, timer, runq, swap, waitq, wq: as the newest crash prints them, as the guest's /proc said, and
past damage.

crash 9.0.2 is compared word by word (white space alone is made equal), except where it is wrong or says less:
- timer -r: CURRENT is made from jiffies, which do not begin at the clock's 0 (Debian 11: 194 ms too little), and with
  a wrong HZ (Debian 13: 226 s instead of 5.3 s); so TTE is wrong as well.  Here it is the timekeeper's own time.
- timer since 6.9: of three wheels (BASE_LOCAL, BASE_GLOBAL, BASE_DEF) crash shows two, by the names of others.
- mach: HZ 1000 for Debian 13's kernel, which has 250; MCE stacks as "(unknown)" of 0 bytes; VC stacks that are not
  there.  Compared up to the stacks, without HZ.
- log -T: the uptime by that HZ, and so all times of the day, are wrong there; texts alone are compared.
- sys -c: "../" in front of source paths; here they are as the kernel's sources have them.  The line of
  __do_sys_ni_syscall of 5.10 is 216, as addr2line has it, and not 215.
- irq: 9.0.2 needs a vmlinux and does not start on 7.2; there /proc alone is compared.
"""
import itertools
import os
import re
import struct
import tempfile

from harness import per_core
from suite import others, test_values, type_truth
from suite.patched_kdump import PatchedKdump

COMMANDS = '''sys -c;sys -c read;sys -c 60;sys -t;sys -i;mach;mach -m;mach -c;mach -cx;log;log -t;log -m;log -c;log -d;log -td;
log -T;log -mc;log -R;log -a;log -s;mod;mod -t;irq;irq -u;irq 0 1 4;irq -d;irq -b;irq -a;irq -s;irq -s -c 0;irq -c 1 -s;
timer;timer -r;timer -C 0;timer -r -C 1;runq;runq -t;runq -T;runq -m;runq -g;runq -d;runq -c 0;runq -g -c 1;swap;
waitq log_wait;waitq kauditd_wait'''.replace('\n', '').split(';')


def has_newest(core):
    return (core.vmlinux and core.whole() and core.format == 'zlib' and others.has_rivals() and
            not (core.kernel or '').endswith('-sid') and 'novmci' not in core.name and test_values.for_crash(core))


def words(text):
    return [' '.join(l.split()) for l in text.splitlines() if l.strip()]


def comparable(command, text):
    """What both should say."""
    lines = words(text)
    if command == 'mach':
        end = next((i for i, l in enumerate(lines) if re.match(r'(MCE|\(unknown\)|VC) STACK', l)), len(lines))
        lines = [l for l in lines[:end] if not l.startswith('HZ:')]
    elif command.startswith('sys -c'):
        lines = [re.sub(r'(ni_syscall .*): \d+$', r'\1', l.replace(' ../', ' ')) for l in lines]
    elif command == 'log -T':
        lines = [re.sub(r'^\[.*?\d{4}\] ', '', l) for l in lines]
    elif command.startswith('timer -r'):
        # Without TTE, and the line below CURRENT.
        lines = [re.sub(r'^(\d+ \d+) -?\d+ ', r'\1 ', l) for l in lines if not re.fullmatch(r'\d+', l)]
    return lines


def wheel_entries(lines):
    """Timers by the address of the wheel they are on."""
    wheels, base = {}, None
    for l in lines:
        m = re.match(r'TIMER_BASES\[\d+\]\[\w+\]: (\w+)', l)
        if m:
            base = wheels.setdefault(m.group(1), [])
        elif re.match(r'\d+ -?\d+ ', l):
            base.append(l)
    return wheels


@per_core(has_newest, quick=1, sanitized=False)
def as_crash(t, core):
    theirs = type_truth.answers(t.sh([others.RIVALS, 'run', 'crash', '-s', core.vmlinux, core.vmcore],
                                     stdin='set scroll off\n' + type_truth.script(COMMANDS) + 'exit\n', check=False,
                                     timeout=300, env={'LANG': 'C', 'LC_ALL': 'C'}).out, COMMANDS)
    ours = type_truth.ask(t, core, COMMANDS, vmlinux=True)
    lines = 0
    for c in COMMANDS:
        want, got = comparable(c, theirs.get(c, '')), comparable(c, ours[c])
        if re.fullmatch(r'timer( -C \d+)?', c) and any('BASE_LOCAL' in l for l in got):
            want, got = wheel_entries(want), wheel_entries(got)
            got = [(k, v) for k, v in got.items() if k in want]
            want = list(want.items())
        lines += len(want)
        pairs = [(a, b) for a, b in itertools.zip_longest(got, want) if a != b]
        t.none([f'{a!r}, crash: {b!r}' for a, b in pairs], c, len(want))
    t.ok(lines > 1000, f'{lines} lines were compared')
    t.note(f'{len(COMMANDS)} command lines, {lines} lines')


# ---- The guest's /proc -----------------------------------------------------------------------------

def saved(core):
    return core.proc and core.whole()


def snapshot(core, name, n=2):
    path = os.path.join(core.proc, str(n), 'proc', name)
    if not os.path.exists(path):
        return ''
    with open(path, errors='replace') as f:
        return f.read()


@per_core(saved)
def interrupts_as_proc(t, core):
    """Each interrupt's handlers and chip, and counts that are not below what they were a moment before."""
    ours = {i['irq']: i for i in t.command(core, 'irq -s')['irqs']}
    compared = 0
    for line in snapshot(core, 'interrupts').splitlines():
        m = re.match(r' *(\d+):((?: +\d+)+)  +(\S+) (.*)', line)
        if not m:
            continue
        number, counts, chip, rest = int(m.group(1)), [int(x) for x in m.group(2).split()], m.group(3), m.group(4)
        irq = ours.pop(number, None)
        if not t.ok(irq, f'interrupt {number} is missing'):
            continue
        names = ', '.join(a['name'] for a in irq['actions'])
        t.ok(rest.endswith(names), f'interrupt {number}: handlers {names!r} in {rest!r}')
        t.ok(chip.startswith(irq['chip']), f'interrupt {number}: chip {irq["chip"]} for {chip}')
        for cpu, count in enumerate(counts):
            got = irq['counts'].get(str(cpu), -1)
            t.ok(count <= got < count + 100000, f'interrupt {number} of CPU {cpu}: {got}, {count} before')
        compared += 1
    t.equal([i for i in ours if ours[i]['actions']], [], 'interrupts that /proc does not have')
    t.ok(compared > 4, f'only {compared} interrupts')


def hrtimers(text):
    """{(function, soft, expires)} of a timer_list."""
    found = re.findall(r'#\d+: <\w+>, (\S+), S:\w+\n(?:.*\n)??.*expires at (\d+)-(\d+) nsecs', text)
    return {(name, int(soft), int(end)) for name, soft, end in found}


@per_core(saved)
def timers_as_proc(t, core):
    """High-resolution timers that waited for long in both snapshots; the clocks; ticks a second."""
    result = t.command(core, 'timer -r')
    ours = {(x['name'].split(' ')[0], x['soft_expires'], x['expires'])
            for b in result['bases'] for x in b['timers'] if x['name']}
    now = int(re.search(r'now at (\d+)', snapshot(core, 'timer_list')).group(1))
    both = hrtimers(snapshot(core, 'timer_list', 1)) & hrtimers(snapshot(core, 'timer_list'))
    # Who slept on for more than a minute; those of the snapshots' own programs end with them.
    want = {x for x in both if x[1] > now + 60_000_000_000}
    missing = [x for x in want if x not in ours]
    t.ok(len(missing) <= len(want) // 4, f'{len(missing)} of {len(want)} timers are missing: {missing[:3]}')
    clocks = {b['clock']: b['now'] for b in result['bases']}
    t.ok(now <= clocks['ktime_get'] < now + 120_000_000_000, f'monotonic clock {clocks["ktime_get"]}, {now} before')
    offset = int(re.search(r'clock 1:\n(?: +\..*\n)*? +\.offset: +(\d+)', snapshot(core, 'timer_list')).group(1))
    t.ok(abs(clocks['ktime_get_real'] - clocks['ktime_get'] - offset) < 1_000_000_000, f'offset of the real clock: {offset}')
    if core.vmlinux:
        with open(os.path.join(os.path.dirname(core.vmlinux), 'config')) as f:
            hz = int(re.search(r'^CONFIG_HZ=(\d+)', f.read(), re.M).group(1))
        t.equal(t.command(core, 'mach')['hz'], hz, 'HZ')


@per_core(saved)
def machine_as_proc(t, core):
    """The firmware's RAM is /proc/iomem's; processors are /proc/cpuinfo's; swap areas are /proc/swaps'."""
    want = {(int(a, 16), int(b, 16) + 1) for a, b in
            re.findall(r'^(\w+)-(\w+) : System RAM', snapshot(core, 'iomem'), re.M)}
    ram = {(int(e['start'], 16), int(e['end'], 16)) for e in t.command(core, 'mach -m')['e820'] if e['name'] == 'RAM'}
    t.equal(ram, want, 'RAM')
    text = t.inquest('-s', *t.dump_args(core), '-c', 'mach -cd').out
    for ours, theirs in (('x86', 'cpu family'), ('x86_model', 'model'), ('(?:x86_stepping|x86_mask)', 'stepping')):
        got = re.findall(rf'^  +{ours} = (\d+)', text, re.M)
        want = re.findall(rf'^{theirs}\s*: (\d+)', snapshot(core, 'cpuinfo'), re.M)
        t.equal(got, want, theirs)
    swaps = others.proc(core, 'proc/swaps')
    if swaps is not None:
        want = [tuple(l.split()) for l in swaps.splitlines()[1:]]
        got = [(a['path'], a['type'], str(a['size_kb']), str(a['used_kb']), str(a['priority']))
               for a in t.command(core, 'swap')['areas']]
        t.equal(got, want, 'swap areas')


@per_core(lambda c: c.whole() and re.match(r'(soft-lockup|rcu-stall|stall)', c.name))
def who_waits_for_the_cpu(t, core):
    """The task that the kernel's own report says to spin has run for as long as it says."""
    m = re.search(r'soft lockup - CPU#(\d+) stuck for (\d+)s! \[(.*?):(\d+)\]', core.serial())
    if not m:
        return
    cpu, seconds, pid = int(m.group(1)), int(m.group(2)), int(m.group(4))
    q = next(q for q in t.command(core, 'runq')['runqueues'] if q['cpu'] == cpu)
    t.equal(q['current']['pid'], pid, 'who runs')
    ran = (q['clock'] - q['last_arrival']) / 1e9
    t.ok(seconds / 3 < ran < 4 * seconds + 30, f'ran for {ran} s; stuck for {seconds} s')


@per_core(lambda c: c.whole() and 'novmci' not in c.name, quick=8)
def workers_are_kworkers(t, core):
    """The workers of all pools are the kernel threads that are called so, rescuers excepted; idle ones as counted."""
    pools = t.command(core, 'wq -a')['pools']
    ours = {w['task']['pid'] for p in pools for w in p['workers'] if w['task']}
    named = {x['pid']: x['comm'] for x in t.command(core, 'ps -k')['tasks']
             if re.match(r'kworker/(?!R-)', x['comm'])}
    t.equal(sorted(ours), sorted(named), 'workers')
    for p in pools:
        t.equal(len(p['workers']), p['nr_workers'], f'workers of pool {p["id"]}')
        t.equal(sum(w['idle'] for w in p['workers']), p['nr_idle'], f'idle workers of pool {p["id"]}')
        cpu = 'u' if p['cpu'] is None else f'{p["cpu"]}:'
        wrong = [w['task']['command'] for w in p['workers']
                 if w['task'] and not w['task']['command'].startswith('kworker/' + cpu)]
        t.equal(wrong, [], f'workers of pool {p["id"]} by their names')
    t.ok(len(pools) > 4, f'{len(pools)} pools')


# ---- Damage ----------------------------------------------------------------------------------------

class Damage:
    def __init__(self, t, core, folder):
        self.t, self.core, self.copy = t, core, PatchedKdump(core, folder)

    def physical(self, address):
        return int(self.t.command(self.core, f'vtop {address:x}')['physical'], 16)

    def write(self, address, *values):
        for i, v in enumerate(values):
            self.copy.write(self.physical(address + 8 * i), struct.pack('<Q', v))

    def bytes(self, address, data):
        for i, b in enumerate(data):
            if not i or not (address + i) % 4096:
                at = self.physical(address + i)
            self.copy.write(at, bytes([b]))
            at += 1

    def run(self, command):
        return self.t.inquest('-s', '--no-vmlinux', self.copy.path, '-c', command, check=False)


def offset(t, core, member):
    tag, path = member.split('.', 1)
    text = t.inquest('-s', *t.dump_args(core), '-c', f'p &((struct {tag} *)0)->{path}').out
    return int(re.search(r'(0x[0-9a-f]+)', text).group(1), 16)


@per_core(lambda c: c.format == 'zlib' and c.whole() and c.scenario == 'sysrq' and 'novmci' not in c.name and
          'la57' not in c.name, quick=2)
def past_damage(t, core):
    """Broken lists and trees are told, and what is on others is shown all the same."""
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        d = Damage(t, core, folder)
        wheels = [b for b in t.command(core, 'timer')['bases'] if b['timers']]
        all_timers = {x['timer'] for b in wheels for x in b['timers']}
        first = int(wheels[0]['timers'][0]['timer'], 16)
        d.write(first, 0xdead000000000100)      # its hlist_node.next
        out = d.run('timer')
        t.ok('cannot be read' in out.err, f'timer: a bad next is not told: {out.err!r}')
        left = {x for x in all_timers if x[2:] in out.out}
        t.ok(len(left) >= len(all_timers) - 3, f'timer: {len(left)} of {len(all_timers)} timers are left')
        d.copy.restore()
        d.write(first, first)                   # a circle
        out = d.run('timer')
        t.ok('circle' in out.err or 'reached from' in out.err, f'timer: a circle is not told: {out.err!r}')
        d.copy.restore()

        irq = next(i for i in t.command(core, 'irq')['irqs'] if i['actions'])
        action = int(irq['actions'][0]['action'], 16)
        d.write(action + offset(t, core, 'irqaction.next'), action)
        out = d.run('irq')
        t.ok('goes on after' in out.err and 'ttyS0' in out.out, f'irq: {out.err!r}')
        d.copy.restore()
        d.write(int(irq['desc'], 16) + offset(t, core, 'irq_desc.action'), 0x123456)
        out = d.run('irq')
        t.ok('cannot be read' in out.err and 'ttyS0' in out.out, f'irq: {out.err!r}')
        d.copy.restore()

        rq = int(t.command(core, 'runq')['runqueues'][0]['rq'], 16)
        d.write(rq + offset(t, core, 'rq.cfs.tasks_timeline'), 0x1000)
        out = d.run('runq')
        t.ok('cannot' in out.err and 'CPU 1 RUNQUEUE' in out.out, f'runq: {out.err!r}')
        d.copy.restore()


@per_core(lambda c: c.format == 'zlib' and c.whole() and c.scenario == 'sysrq' and 'novmci' not in c.name and
          'la57' not in c.name, quick=2)
def audit_records(t, core):
    """A struct sk_buff with a netlink message, laid out by us as kernel/audit.c lays one out, is a record; escape
    sequences in it do not reach the terminal."""
    where = re.search(r'^([0-9a-f]+) ', t.inquest('-s', *t.dump_args(core), '-c', 'sym audit_queue').out, re.M)
    queue = int(where.group(1), 16)
    text = b'audit(1489384479.809:4343): arch=c000003e comm="a\x1b[31m"'
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        d = Damage(t, core, folder)
        # In the middle of the text of the log, which nobody needs here.
        space = int(re.search(r'(0x[0-9a-f]{8,})', t.inquest('-s', *t.dump_args(core), '-c', 'p &__log_buf').out).group(1), 16)
        skb, data = space + 0x1000 & ~0xfff, space + 0x2000 & ~0xfff
        d.write(queue, skb, skb)
        d.write(skb, queue, queue)
        d.write(skb + offset(t, core, 'sk_buff.data'), data)
        d.bytes(skb + offset(t, core, 'sk_buff.len'), struct.pack('<I', 16 + len(text)))
        d.bytes(data, struct.pack('<IHHII', 16 + len(text), 1300, 0, 0, 0) + text)
        out = d.run('log -a')
        t.equal(out.out, 'type=1300 audit(1489384479.809:4343): arch=c000003e comm="a\\x1b[31m"\n', 'log -a')
        d.write(skb, 0x4242)
        out = d.run('log -a')
        t.ok('type=1300' in out.out and 'cannot be read' in out.err, f'log -a with a broken list: {out.err!r}')


RUST = '''_RNvCs15kBYyAo9fc_7mycrate7example
_RNvNtNtCs15kBYyAo9fc_7mycrate3foo3bar3baz
_RNvMs_Cs4fqI2P2rA04_10rust_panicNtB4_10HelloPanic8step_two
_RINvNtC3std3mem8align_ofNtNtC3std4iter5PieceE
_RNvXs_C7mycrateNtB4_3FooNtB4_3Bar3baz
_RNCNvC7mycrate4main0
_RINvC4test3fooTlhERShQAtj4_E
_RNvC6kernel3fooC3bar
_RNvB0_3foo
_RB_'''.splitlines()


@per_core(lambda c: c.name == 'sysrq')
def rust_names(t, core):
    """Names of Rust functions in the log are what binutils' c++filt makes of them, without hashes and types of numbers."""
    want = t.sh(['c++filt', '-s', 'rust'], stdin='\n'.join(RUST) + '\n').out
    want = re.sub(r': (usize|bool)\b', '', re.sub(r'\[[0-9a-f]+\](?=::|:|>|$|\+)', '', want, flags=re.M)).splitlines()
    record = next(r for r in t.command(core, 'log')['records'] if len(r['text']) > 90)
    places = re.findall(r'^([0-9a-f]{16}): ', t.inquest('-s', *t.dump_args(core), '-c',
                                                        f'search -c "{record["text"][:40]}"', check=False).out, re.M)
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        d = Damage(t, core, folder)
        length = len(record['text'])
        for name, plain in zip(RUST, want):
            for at in places:       # in the log, and where it passed through
                d.bytes(int(at, 16), (name + '+0x20/0xe0').ljust(length)[:length].encode())
            out = d.run('log -tR').out.splitlines()
            t.ok(plain + '+0x20/0xe0' in [l.rstrip() for l in out], f'{name}: {plain} is not in the log')


@per_core(lambda c: c.name == 'sysrq-bullseye')
def safe_buffers(t, core):
    """What an NMI had printed on a 5.10 kernel, and nobody had moved to the log."""
    first = t.command(core, 'log -s')['safe_buffers'][0]
    text = b'\x014Uhhuh. NMI received for unknown reason 30 on CPU 0.\n\x014Dazed and confused, but trying to continue\n'
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        d = Damage(t, core, folder)
        at = int(first['address'], 16)
        d.bytes(at + offset(t, core, 'printk_safe_seq_buf.len'), struct.pack('<I', len(text)))
        d.bytes(at + offset(t, core, 'printk_safe_seq_buf.buffer'), text)
        out = d.run('log -s').out
        t.ok(f'LEN: {len(text)} ' in out and '\n  Dazed and confused, but' in out, f'log -s: {out[:400]!r}')
        t.ok(d.run('log').out.endswith('[nmi_print_seq] Uhhuh. NMI received for unknown reason 30 on CPU 0.\n'
                                       '[nmi_print_seq] Dazed and confused, but trying to continue\n'), 'log')
