# SPDX-License-Identifier: GPL-2.0-or-later
"""kmem ADDRESS against what crash says of all slab objects, vmalloc areas, pages, stacks, modules."""
import re

from harness import Failed, per_core
from suite import others

COMMANDS = ['kmem -s', 'kmem -S', 'kmem -v', 'kmem -p', 'kmem -F', 'mod',
            'p runqueues', 'p irq_stat', 'p softnet_data']


def wanted(core):
    """crash 8.0.2 knows the kernel of these, and one core of each kind is enough."""
    return core.name in ('sysrq', 'usb-free', 'uaf-poison')


def crash(t, core):
    def make():
        texts = others.crash(t, core, COMMANDS, timeout=600)
        return dict(zip(COMMANDS, texts)) if texts else None
    return others.once(('kmem', core.name), make)


def kmem(t, core, addresses, options='', text=False, vmlinux=False):
    """What kmem says of each address, in order."""
    found, addresses = [], [f'{a:x}' for a in addresses]
    for i in range(0, len(addresses), 500):
        lines = ''.join(f'kmem {options} {a}\n' for a in addresses[i:i + 500])
        args = ['-s', *t.dump_args(core, vmlinux)]
        if text:
            lines = lines.replace('\n', '\n!echo ENDS\n')
            out = t.inquest(*args, stdin=lines.encode(), check=False).out.split('ENDS\n')[:-1]
        else:
            out = t.inquest('--json', *args, stdin=lines.encode(), check=False).json()
        if len(out) != len(addresses[i:i + 500]):
            raise Failed(f'{len(out)} answers of kmem')
        found += out
    if text:
        return found
    return [{k['kind']: k for k in o['result']['kinds']} if 'result' in o else {'error': o['error']['message']}
            for o in found]


def need(t, core, *commands):
    answers = crash(t, core)
    if not answers:
        t.note('crash is not installed')
        return None
    texts = [answers[c] for c in commands]
    if None in texts:
        raise Failed('crash did not answer')
    return texts


@per_core(wanted, sanitized=False)
def objects(t, core):
    """Each object that crash lists: cache, slab, state, and for lockless lists the CPU."""
    texts = need(t, core, 'kmem -S')
    if not texts:
        return
    cache, expected, slab, cpu = None, {}, None, None
    lines = texts[0].splitlines()
    for i, line in enumerate(lines):
        w = line.split()
        if lines[i - 1].startswith('CACHE ') and len(w) >= 7:
            cache = w[6]
        elif lines[i - 1].startswith('  SLAB ') and len(w) == 6:
            slab = w
        elif line.startswith(('CPU ', 'KMEM_CACHE_NODE')):
            cpu = int(w[1]) if w[0] == 'CPU' else None
        m = re.fullmatch(r'  (\[| )([0-9a-f]{16})\]?(?:  \(cpu (\d+) cache\))?', line)
        if m:
            expected[int(m.group(2), 16)] = (cache, slab[0], 'allocated' if m.group(1) == '[' else 'free',
                                             int(m.group(3)) if m.group(3) else None, cpu)
    t.ok(len(expected) > 1000, f'crash lists {len(expected)} objects')
    sample = t.sample(sorted(expected), 3000)
    wrong = []
    for a, kinds in zip(sample, kmem(t, core, sample)):
        k = kinds.get('slab') or {}
        got = (k.get('cache'), (k.get('slab') or '0x0')[2:], k.get('state'), k.get('cpu'))
        want = expected[a][:4]
        # crash names the CPU also for objects on the slab's own list, if the slab is the CPU's.
        if got[3] is None and want[3] == expected[a][4]:
            want = want[:3] + (None,)
        if got != want or k['object'] != hex(a) or k['offset'] != 0:
            wrong.append(f'{a:x}: {got} of {k.get("object")}, crash {expected[a]}')
    t.none(wrong, 'objects', len(sample))
    # Any byte of an object is in it.
    rng = t.rng()
    inner = [(a, rng.randrange(1, 8)) for a in t.sample(sample, 200)]
    wrong = [f'{a:x}+{o}: {k.get("slab")}' for (a, o), k in zip(inner, kmem(t, core, [a + o for a, o in inner]))
             if (k.get('slab') or {}).get('object') != hex(a) or k['slab']['offset'] != o]
    t.none(wrong, 'addresses in objects', len(inner))
    t.note(f'{len(sample)} of {len(expected)} objects')


@per_core(wanted, sanitized=False)
def caches(t, core):
    """The row of each cache of which crash lists an object."""
    texts = need(t, core, 'kmem -s', 'kmem -S')
    if not texts:
        return
    rows = {w[6]: w for w in (l.split() for l in texts[0].splitlines()[1:]) if len(w) == 7}
    first, cache = {}, None
    lines = texts[1].splitlines()
    for i, line in enumerate(lines):
        if lines[i - 1].startswith('CACHE ') and len(line.split()) >= 7:
            cache = line.split()[6]
        m = re.fullmatch(r'  [\[ ]([0-9a-f]{16}).*', line)
        if m:
            first.setdefault(cache, int(m.group(1), 16))
    names = sorted(set(rows) & set(first))
    wrong = []
    for name, text in zip(names, kmem(t, core, [first[n] for n in names], text=True)):
        ours = re.search(r'^CACHE .*\n(.*)', text, re.M)
        ours = ours.group(1).split() if ours else []
        if ours != rows[name]:
            wrong.append(f'{ours}, crash {rows[name]}')
    t.ok(len(names) > 50, f'{len(names)} caches to compare')
    t.none(wrong, 'rows of caches', len(names))


@per_core(wanted, sanitized=False)
def areas(t, core):
    """All vmalloc areas."""
    texts = need(t, core, 'kmem -v')
    if not texts:
        return
    rows = [l for l in texts[0].splitlines() if re.match(r'[0-9a-f]{16} ', l)]
    rng = t.rng()
    at = [int(l.split()[2], 16) + rng.randrange(int(l.split()[5])) for l in rows]
    wrong = [f'{a:x}: {text.splitlines()[:4]}, crash {l}' for a, l, text in zip(at, rows, kmem(t, core, at, text=True))
             if l.split() not in [x.split() for x in text.splitlines()]]
    t.none(wrong, 'areas', len(rows))


@per_core(wanted, sanitized=False)
def pages(t, core):
    """Lines of pages, and which of them are free, in blocks of which order."""
    texts = need(t, core, 'kmem -p', 'kmem -F')
    if not texts:
        return
    lines = [l for l in texts[0].splitlines() if re.match(r'[0-9a-f]{16} ', l)]
    first = int(lines[0].split()[0], 16) - int(lines[0].split()[1], 16) // 64
    order, blocks = None, {}
    for l in texts[1].splitlines():
        m = re.match(r' *(\d+) +\d+k +[0-9a-f]{16}', l)
        if m:
            order = int(m.group(1))
        elif re.fullmatch(r'[0-9a-f]{16} *', l):
            blocks[(int(l, 16) - first) // 64] = order
    free = {p + i: o for p, o in blocks.items() for i in range(1 << o)}
    sample = t.sample(lines, 1500)
    at = [int(l.split()[1], 16) for l in sample]
    wrong = [f'{a:x}: {text.splitlines()[-3:]}, crash {l}'
             for a, l, text in zip(at, sample, kmem(t, core, at, '-P', text=True))
             if l.split() not in [x.split() for x in text.splitlines()]]
    t.none(wrong, 'lines of pages', len(sample))
    wrong = []
    for a, kinds in zip(at, kmem(t, core, at, '-P')):
        page = kinds.get('page') or {}
        got = page.get('order') if page.get('state') == 'free' else None
        if got != free.get(a >> 12):
            wrong.append(f'{a:x}: {page}, crash: order {free.get(a >> 12)}')
    t.none(wrong, 'free pages', len(at))
    t.note(f'{sum((a >> 12) in free for a in at)} of {len(at)} are free')


@per_core(wanted, sanitized=False)
def stacks(t, core):
    """Any word of a stack is that task's, also by the physical address of its page."""
    tasks = [x['task'][2:] for x in t.command(core, 'ps')['tasks']]
    tasks = t.sample(tasks, 24)
    texts = others.crash(t, core, [f'struct task_struct.pid,stack {x}' for x in tasks])
    if not texts:
        return t.note('crash is not installed')
    found = [re.search(r'pid = (\d+).*stack = (0x[0-9a-f]+)', x or '', re.S) for x in texts]
    rng = t.rng()
    rows = [(int(m.group(1)), int(task, 16), int(m.group(2), 16) + rng.randrange(0x4000))
            for m, task in zip(found, tasks) if m and int(m.group(2), 16)]
    t.ok(len(rows) > 15, f'crash shows {len(rows)} stacks of {len(tasks)} tasks')
    wrong, physical = [], []
    at = [a for _, _, a in rows]
    for (pid, task, a), o in zip(rows, kmem(t, core, at)):
        k = o.get('stack') or {}
        if (k.get('task'), k.get('pid'), k.get('stack')) != (hex(task), pid, 'task'):
            wrong.append(f'{a:x}: {k}, crash: task {task:x} pid {pid}')
        physical.append((o.get('page') or {}).get('pfn', 0) << 12 | a & 0xfff)
    t.none(wrong, 'stacks', len(rows))
    wrong = [f'{pa:x}: {o.get("stack")}, {row[1]:x}' for row, pa, o in zip(rows, physical, kmem(t, core, physical, '-P'))
             if (o.get('stack') or {}).get('task') != hex(row[1])]
    t.none(wrong, 'stacks by physical address', len(rows))


@per_core(wanted, sanitized=False)
def modules(t, core):
    texts = need(t, core, 'mod')
    if not texts:
        return
    rows = [l.split() for l in texts[0].splitlines() if re.match(r'[0-9a-f]{16} ', l)]
    rows = t.sample(rows, 40)
    at = [int(w[2], 16) + 16 for w in rows]
    wrong = [f'{a:x}: {k.get("module")}, crash {w[1]}' for a, w, k in zip(at, rows, kmem(t, core, at))
             if (k.get('module') or {}).get('name') != w[1]]
    t.none(wrong, 'modules', len(rows))


@per_core(wanted, sanitized=False)
def percpu(t, core):
    texts = need(t, core, *COMMANDS[-3:])
    if not texts:
        return
    rows = [(c.split()[1], int(cpu), int(a, 16)) for c, text in zip(COMMANDS[-3:], texts)
            for cpu, a in re.findall(r'^ +\[(\d+)\]: ([0-9a-f]{16})', text, re.M)]
    t.ok(rows, 'crash shows no per-CPU addresses')
    wrong = [f'{a:x}: {k.get("percpu")}, crash {name} of CPU {cpu}'
             for (name, cpu, a), k in zip(rows, kmem(t, core, [a + 8 for _, _, a in rows]))
             if [(k.get('percpu') or {}).get(x) for x in ('symbol', 'cpu', 'offset')] != [name, cpu, 8]]
    t.none(wrong, 'per-CPU variables', len(rows))
