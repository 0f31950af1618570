# SPDX-License-Identifier: GPL-2.0-or-later
"""kmem ADDRESS against what crash says of all slab objects, vmalloc areas, pages, stacks, modules."""
import json
import os
import re
import shutil
import struct
import tempfile

from harness import Failed, per_core
from suite import others, raw_memory

COMMANDS = ['kmem -s', 'kmem -S', 'kmem -v', 'kmem -p', 'kmem -F', 'mod',
            'p runqueues', 'p irq_stat', 'p softnet_data']


def wanted(core):
    """crash knows the kernel of these, and one core of each kind is enough."""
    return core.name in ('sysrq', 'usb-free', 'uaf-poison', 'sysrq-bullseye', 'sysrq-trixie') and \
        others.has_crash(core)


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
    wrong, pending = [], 0
    for a, kinds in zip(sample, kmem(t, core, sample)):
        k = kinds.get('slab') or {}
        state = k.get('state')
        pending += state == 'rcu_pending'
        # What kfree_rcu() has taken is still allocated for the slab, which is all that crash looks at.
        got = (k.get('cache'), (k.get('slab') or '0x0')[2:],
               'allocated' if state == 'rcu_pending' else state,
               None if state == 'rcu_pending' else k.get('cpu'))
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
    t.note(f'{len(sample)} of {len(expected)} objects, {pending} waiting for RCU')


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


# ---- Damage --------------------------------------------------------------------------------------

class Patched:
    """A copy of an ELF core in which words are overwritten and put back."""

    def __init__(self, core, folder):
        self.path = os.path.join(folder, 'damaged')
        shutil.copyfile(core.vmcore, self.path)
        self.loads = raw_memory.open_one(core.vmcore).loads
        self.file = open(self.path, 'r+b', buffering=0)
        self.old = []

    def at(self, physical):
        for paddr, offset, filesz, _ in self.loads:
            if paddr <= physical < paddr + filesz:
                return offset + physical - paddr
        return None

    def write(self, physical, value):
        at = self.at(physical)
        if at is not None:
            self.file.seek(at)
            self.old.append((at, self.file.read(8)))
            self.file.seek(at)
            self.file.write(struct.pack('<Q', value))

    def restore(self):
        for at, old in reversed(self.old):
            self.file.seek(at)
            self.file.write(old)
        self.old = []


def member(t, core, name):
    return t.command(core, f'struct -o {name}')['members'][0]['offset']


@per_core(lambda c: c.name == 'sysrq.elf', sample=False)
def damaged(t, core):
    """Slabs, free lists, caches, vmalloc areas and struct pages with a word overwritten: answers or warnings, soon."""
    rng = t.rng()
    ps = [int(x['task'], 16) for x in t.command(core, 'ps')['tasks'] if x['pid']]
    kinds = dict(zip(ps, kmem(t, core, ps)))
    objects = [int(k['slab']['object'], 16) for k in kinds.values() if k.get('slab')]
    slabs = [int(k['slab']['slab'], 16) for k in kinds.values() if k.get('slab')]
    stack = int(t.command(core, 'bt')['tasks'][0]['frames'][0]['sp'], 16)
    lists = [int(s['address'], 16) for n in ('slab_caches', 'vmap_area_list')
             for s in t.command(core, f'sym {n}')['symbols']]
    cache = int(t.command(core, 'p slab_caches.next')['value'], 16) - member(t, core, 'kmem_cache.list')
    fields = [member(t, core, f'kmem_cache.{m}') for m in ('size', 'object_size', 'offset', 'oo', 'cpu_slab')]
    with tempfile.TemporaryDirectory() as d:
        copy, noticed = Patched(core, d), 0
        rounds = 60 if t.all else 12
        for _ in range(rounds):
            what = rng.choice(['slab', 'slab', 'free', 'list', 'cache', 'page'])
            place = {'slab': lambda: rng.choice(slabs) + 8 * rng.randrange(8),
                     'free': lambda: rng.choice(objects) & ~0xfff | 8 * rng.randrange(512),
                     'list': lambda: rng.choice(lists) + rng.choice([0, 8]),
                     'cache': lambda: cache + rng.choice(fields),
                     'page': lambda: rng.choice(slabs) + 64 * rng.randrange(8) + 8 * rng.randrange(8)}[what]()
            value = rng.choice([0, 1, place, (1 << 64) - 1, rng.getrandbits(64), rng.choice(objects) + 8,
                                rng.choice(slabs), 0xffff800000000000])
            physical = t.command(core, f'vtop {place:x}')['physical']
            if physical:
                copy.write(int(physical, 16), value)
            how = f'{what} {place:x} = {value:x}'
            commands = '; '.join([f'kmem {a:x}' for a in rng.sample(objects, min(6, len(objects)))] +
                                 [f'rd -SSl {objects[0] & ~0xfff:x} 512', f'rd -SSl {stack:x} 64', f'kmem {stack:x}',
                                  f'search -A -s {objects[0] & ~0xfff:x} -l 2000 -m ffffffffff {objects[0]:x}'])
            out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', commands, check=False, timeout=60)
            t.ok(out.status in (0, 1, 2), f'{how}: status {out.status}')
            t.ok(out.json() or out.status == 2, f'{how}: nothing said')
            noticed += any(o['warnings'] or 'error' in o or '"state": null' in json.dumps(o) for o in out.json())
            t.ok(out.seconds < (300 if t.run.sanitized else 30), f'{how}: {out.seconds:.0f} s')
            copy.restore()
        t.note(f'{noticed} of {rounds} damages were noticed')

        copy.file.close()
