# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage in slab caches: none in healthy dumps; done to copies at addresses that drgn computes, each is named
with its right address.  Tracks against what the guest's modules logged."""
import json
import os
import re
import struct
import tempfile

from harness import Failed, per_core
from suite import others
from suite.patched_kdump import PatchedKdump

# Kernels that found and mended the damage themselves, or that made some of their own.
DAMAGED = re.compile(r'(slub-|uaf-|double-|smash|overflow|kfence|usb-free|refcount|list|corrupt)')


@per_core(lambda c: c.whole() and not DAMAGED.search(c.name), quick=12)
def none_in_healthy_dumps(t, core):
    """All slabs of all caches are checked, and nothing is found."""
    found = t.inquest('--json', *t.dump_args(core), '-c', 'kmem -S', timeout=300).json()[0]
    damage = [d for c in found['result']['caches'] for d in c['damage']]
    t.none([d['text'] for d in damage], 'damage', len(found['result']['caches']))


@per_core(lambda c: re.match(r'(slub-tracks|sysrq-debug)', c.name) and c.whole())
def none_in_debugged_caches(t, core):
    """With slub_debug=FZPU every byte around and in each object has been checked."""
    caches = t.command(core, 'kmem -S')['caches']
    t.none([d['text'] for c in caches for d in c['damage']], 'damage', len(caches))


# ---- Done by us ----------------------------------------------------------------------------------

def places(t, core):
    def make():
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drgn_slabs.py')
        python = [others.RIVALS, 'run', 'python3'] if others.of_other_kernel(core) else ['/usr/bin/python3']
        return json.loads(t.sh([*python, script, core.vmcore, core.vmlinux], timeout=300).out)
    return others.once(('slabs', core.name), make)


def swab(v):
    return int.from_bytes(v.to_bytes(8, 'little'), 'big')


def encode(s, at, value):
    return struct.pack('<Q', value ^ s['random'] ^ swab(at))


def damages(rng, s, others_of):
    """(what, address to write to, bytes, what must be found: kind, address, object or None, found or None)."""
    free, at = s['free'], rng.randrange(len(s['free']) - 1)
    obj, link = free[at]
    wild = rng.choice([s['memory'] - 64, 0x4141414141414141, s['memory'] + s['objects'] * s['size'] + 8,
                       others_of['free'][0][0]])
    yield 'a wild free pointer', link, encode(s, link, wild), ('free pointer', link, obj, wild)
    between = free[at + 1][0] + s['size'] // 2
    yield 'a free pointer between objects', link, encode(s, link, between), ('free pointer', link, obj, between)
    yield 'a free pointer that is zeroed', link, bytes(8), ('free pointer', link, obj, None)
    back = free[rng.randrange(at + 1)][0]
    yield 'a circle', link, encode(s, link, back), ('cycle', link, obj, back)
    yield 'a wild head', s['head_at'], struct.pack('<Q', wild), ('free pointer', s['head_at'], None, wild)
    # struct { unsigned inuse:16, objects:15, frozen:1; }
    wrong = s['inuse'] - 1 if s['inuse'] else 1
    yield 'inuse', s['counts_at'], struct.pack('<H', wrong), ('count', s['slab'], None, wrong)
    yield 'objects', s['counts_at'] + 2, struct.pack('<H', 30000), ('count', s['slab'], None, 30000)
    yield 'another cache', s['cache_at'], struct.pack('<Q', others_of['kmem_cache']), \
        ('wrong cache', s['slab'], None, None)
    yield 'nr_partial', s['nr_partial_at'], struct.pack('<Q', s['nr_partial'] + 5), \
        ('count', s['nr_partial_at'], None, s['nr_partial'] + 5)
    yield 'nr_slabs', s['nr_slabs_at'], struct.pack('<Q', s['nr_slabs'] + 3), \
        ('count', s['nr_slabs_at'], None, s['nr_slabs'] + 3)
    yield 'order', s['oo_at'], struct.pack('<I', rng.randrange(16, 65536) << 16 | s['objects']), \
        ('cache', s['kmem_cache'], None, None)


def sheaf_damages(rng, s, others_of):
    i = rng.randrange(3)
    at = s['objects_at'] + 8 * i
    other = others_of['objects'][0]
    yield 'an object of another cache', at, struct.pack('<Q', other), ('wrong cache', at, other, other)
    yield 'an object twice', at, struct.pack('<Q', s['objects'][i - 1]), \
        ('two lists', None, s['objects'][i - 1], None)
    yield 'size of a sheaf', s['size_at'], struct.pack('<I', 60000), ('sheaf', s['sheaf'], None, 60000)


def number(text):
    return int(text, 16) if text else None


def try_one(t, core, copy, s, damage):
    what, address, data, (kind, where, obj, value) = damage
    what = f'{s["cache"]}: {what} at {address:x}'
    physical = int(t.command(core, f'vtop {address:x}')['physical'], 16)
    if copy.read(physical, len(data)) == data:
        return
    copy.write(physical, data)
    out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', f'kmem -s {s["cache"]}; kmem -s; kmem -S', timeout=60)
    copy.restore()
    t.ok(out.seconds < (60 if t.run.sanitized else 6), f'{what}: {out.seconds:.1f} s')
    for answer in out.json()[::2]:
        caches = answer['result']['caches']
        found = [d for c in caches for d in c['damage']]
        right = [d for d in found if d['kind'] == kind and (where is None or number(d['address']) == where) and
                 (obj is None or number(d['object']) == obj) and (value is None or number(d['found']) == value)]
        t.ok(right, f'{what}: not found; {[d["text"] for d in found][:4]}')
        elsewhere = [d['text'] for c in caches for d in c['damage'] if d['slab'] and
                     number(d['slab']) != s.get('slab') and 'slab' in s and c['name'] != s['cache'] and
                     kind != 'wrong cache']
        t.none(elsewhere, f'{what}: damage elsewhere')
    t.ok(len(out.json()[1]['result']['caches']) > 50, f'{what}: the rest is not shown')


@per_core(lambda c: others.has_drgn(c) and re.match(r'(null-deref|irq-kernel-\w+)\.kdump', c.name), sample=False,
          sanitized=True)
def damage_is_named(t, core):
    found, rng = places(t, core), t.rng()
    slabs, sheaves = found['slabs'], found['sheaves']
    if not slabs:
        raise Failed('drgn finds no slab with free objects')
    # The names of caches must be their own, since kmem is asked by name.
    slabs = [s for s in slabs if sum(x['cache'] == s['cache'] for x in slabs) == 1]
    tried = 0
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        for s in rng.sample(slabs, min(len(slabs), 20 if t.all else 3)):
            other = rng.choice([x for x in slabs if x is not s])
            for damage in damages(rng, s, other):
                try_one(t, core, copy, s, damage)
                tried += 1
        for s in rng.sample(sheaves, min(len(sheaves), 10 if t.all else 2)):
            other = rng.choice([x for x in sheaves if x is not s])
            for damage in sheaf_damages(rng, s, other):
                try_one(t, core, copy, s, damage)
                tried += 1
    t.note(f'{tried} damages')


@per_core(lambda c: others.has_drgn(c) and re.match(r'(null-deref|irq-kernel-\w+)\.kdump', c.name), sample=False,
          sanitized=True)
def caches_without_names(t, core):
    """A name that is empty, or nowhere: the others are found by theirs, and this one by its address."""
    lost, other = t.rng().sample(places(t, core)['slabs'], 2)
    commands = f'kmem -s {other["cache"]},; kmem -S {lost["kmem_cache"]:x}; whatis {lost["free"][0][0]:x}'
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        for name, shown in ((lost['name'] + len(lost['cache']), ''), (8, '?')):
            copy.write(int(t.command(core, f'vtop {lost["name_at"]:x}')['physical'], 16), struct.pack('<Q', name))
            t.inquest('--no-vmlinux', copy.path, '-c', commands)
            named, addressed, _ = [x['result'] for x in
                                   t.inquest('--json', '--no-vmlinux', copy.path, '-c', commands).json()]
            copy.restore()
            t.equal({c['name'] for c in named['caches']}, {other['cache']}, f'{commands} ({shown!r})')
            found = [(c['name'], c['created'], number(c['cache'])) for c in addressed['caches']]
            # Also the cache that it is an object of.
            t.ok((shown, None, lost['kmem_cache']) in found, f'{commands} ({shown!r}): {found}')


# ---- What the kernel wrote down ------------------------------------------------------------------

def same_place(ours, kernels):
    """"vfs_write+199" and "vfs_write+0xc7/0x3f0"."""
    m = re.match(r'([^+]+)\+0x([0-9a-f]+)/', kernels)
    return m and ours and ours.split(' ')[0] == f'{m.group(1)}+{int(m.group(2), 16)}'


@per_core(lambda c: 'alloc_object' in c.truth.get('facts', {}))
def tracks(t, core):
    """The stacks of allocation and free that slub_debug kept are those that the module saw."""
    facts = core.truth['facts']
    for which, key in (('alloc', 'allocated'), ('freed', 'freed')):
        obj = facts.get(f'{which}_object')
        if not obj:
            continue
        kinds = t.command(core, f'kmem {obj}')['kinds']
        slab = [k for k in kinds if k['kind'] == 'slab']
        track = slab and slab[0]['tracks'] and slab[0]['tracks'][key]
        if not t.ok(track, f'{which}_object {obj}: {slab}'):
            continue
        t.equal(track['pid'], int(facts[f'{which}_pid']), f'{which}: pid')
        stack = [f['symbol'] for f in track['stack']]
        want = [facts[f'{which}{i}'] for i in range(64) if f'{which}{i}' in facts]
        # The innermost is where the module saved its own stack, in the same function or inlined into the next, or
        # what it called then to free the object.
        t.ok(abs(len(stack) - len(want)) <= 1, f'{which}: {stack}, {want}')
        n = min(len(stack), len(want)) - 2
        t.none([(a, b) for a, b in zip(stack[-n:], want[-n:]) if not same_place(a, b)], f'{which}: stack', n)


# ---- Red zones, poison, padding -------------------------------------------------------------------

@per_core(lambda c: c.scenario == 'slub-tracks')
def bytes_that_are_known(t, core):
    """Overwritten in a copy: red zones on both sides, poison and its end, padding, and the state of an object."""
    alive, dead = (int(core.truth['facts'][f'{w}_object'], 16) for w in ('alloc', 'freed'))
    # struct br_request has 80 bytes; mm/slub.c, "Object layout": red zones of 8, the free pointer, two tracks, padding.
    track = t.command(core, 'struct track')['size'] if 'error' not in t.commands(core, 'struct track')[0] else 32
    cache = t.command(core, f'kmem -s {alive:x}')['caches'][0]
    t.equal(cache['object_size'], 80, 'object size')
    padding = 80 + 8 + 8 + 2 * track
    text, rng = b'A name too long', t.rng()
    cases = [('red zone', alive, alive + 80, text[:rng.randrange(1, 8)]), ('red zone', alive, alive - 3, b'\x11'),
             ('red zone', dead, dead + 82, bytes(2)), ('poison', dead, dead + rng.randrange(79), b'\x6a'),
             ('poison', dead, dead + 79, b'\x6b'), ('poison', dead, dead + 24, bytes(8)),
             ('padding', alive, alive + padding, b'\x5b'), ('state', alive, None, b'\xbb'), ('state', dead, None, b'\xcc')]
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        for kind, obj, at, data in cases:
            left = int(t.command(core, f'vtop {obj:x}')['physical'], 16)
            if at is None:
                copy.write(left - 8, data * 8)
                copy.write(left + 80, data * 8)
                at = obj
            else:
                copy.write(left + at - obj, data)
            for command in (f'kmem {obj:x}', f'whatis {obj:x}', f'kmem -s {obj:x}'):
                result = t.inquest('--json', '--no-vmlinux', copy.path, '-c', command).result()
                found = ([x for k in result.get('kinds', []) for x in k.get('damage', [])] or
                         [x for c in result.get('caches', []) for x in c['damage']])
                t.equal([(x['kind'], number(x['object']), number(x['address'])) for x in found], [(kind, obj, at)],
                        f'{command}: {kind} at {at:x}: {[x["text"] for x in found]}')
                if found and kind != 'state':
                    t.equal(found[0]['length'], len(data), f'{kind} at {at:x}: length')
            copy.restore()


@per_core(lambda c: re.match(r'slub-(redzone|poison|double-free)', c.scenario))
def after_the_kernels_own_report(t, core):
    """SLUB reported it, mended the bytes and took the slab out of use: all caches are still shown, and the object."""
    obj = re.search(r'Object 0x([0-9a-f]{16}) @offset', core.serial())
    t.ok(len(t.command(core, 'kmem -S')['caches']) > 100, 'caches')
    if t.ok(obj, 'the serial log has no report'):
        slab = [k for k in t.command(core, f'kmem {obj.group(1)}')['kinds'] if k['kind'] == 'slab']
        t.ok(slab and slab[0]['object'] == '0x' + obj.group(1), f'{obj.group(1)}: {slab}')
        tracks_as_reported(t, core, slab[0] if slab else None)


def tracks_as_reported(t, core, slab):
    """"Allocated in br_open+0x17/0x70 [objlife] age=5 cpu=1 pid=123", as print_tracking() wrote it."""
    for word, key in (('Allocated', 'allocated'), ('Freed', 'freed')):
        m = re.search(rf'{word} in (\S+?)\+0x([0-9a-f]+)/\S+(?: \[\w+\])? age=\d+ cpu=(\d+) pid=(\d+)', core.serial())
        track = slab and slab['tracks'] and slab['tracks'][key]
        if not m or not t.ok(track, f'{key}: {slab}'):
            continue
        t.equal((track['cpu'], track['pid']), (int(m.group(3)), int(m.group(4))), f'{key}: CPU and pid')
        t.equal((track['caller_symbol'] or '').split(' ')[0], f'{m.group(1)}+{int(m.group(2), 16)}', f'{key}: caller')


# ---- KFENCE --------------------------------------------------------------------------------------

def kfence_stacks(serial):
    """"kfence-#36: 0x…-0x…, size=80, cache=…" and the stacks below it, as mm/kfence/report.c prints them."""
    text = re.sub(r'(?m)^\[ *[\d.]+\](\[[^]]*\])? ?', '', serial.replace('\r', ''))
    m = re.search(r'^ ?kfence-#(\d+): 0x([0-9a-f]+)-0x([0-9a-f]+), size=(\d+), cache=(\S+)\n(.*?)(?:^CPU:|^Kernel panic|\Z)',
                  text, re.S | re.M)
    if not m:
        return None
    # Addresses are hashed; the module logged the object's own.
    own = re.search(r'LAB: .*\bobject=(?:0x)?([0-9a-f]{16})', serial)
    found = {'object': int(own.group(1), 16) if own else None, 'size': int(m.group(4)), 'cache': m.group(5)}
    for word, key in (('allocated', 'allocated'), ('freed', 'freed')):
        s = re.search(rf'^ ?{word} by task (\d+) on cpu (\d+)[^\n]*\n((?: +[^\n]+\n)+)', m.group(6), re.M)
        if s:
            found[key] = {'pid': int(s.group(1)), 'cpu': int(s.group(2)),
                          'stack': [x.strip() for x in s.group(3).splitlines() if x.strip()]}
    return found


@per_core(lambda c: c.scenario.startswith('kfence'))
def kfence(t, core):
    """The object of KFENCE's pool with the stacks that the kernel printed; its pages are no slabs."""
    said = kfence_stacks(core.serial())
    if not said or not said['object']:
        return t.note('the serial log has no report')
    for offset in (0, said['size'] - 1):
        kinds = t.command(core, f'kmem {said["object"] + offset:x}')['kinds']
        slab = next((k for k in kinds if k['kind'] == 'slab'), None)
        if not t.ok(slab and slab['kfence'], f'{said["object"]:x}: {kinds}'):
            return
        t.equal((number(slab['object']), slab['offset'], slab['cache'], slab['tracks']['asked']),
                (said['object'], offset, said['cache'], said['size']), 'object')
    t.equal(slab['state'], 'free' if 'freed' in said else 'allocated', 'state')
    for key in ('allocated', 'freed'):
        if key not in said:
            continue
        track = slab['tracks'][key]
        t.equal((track['pid'], track['cpu']), (said[key]['pid'], said[key]['cpu']), f'{key}: task and CPU')
        want = [re.match(r'([^+]+)\+0x([0-9a-f]+)/', x) for x in said[key]['stack']]
        want = [f'{m.group(1)}+{int(m.group(2), 16)}' for m in want if m]
        got = [f['symbol'].split(' ')[0] for f in track['stack'] if f['symbol']]
        # The report leaves out the allocator's own frames.
        t.equal(got[len(got) - len(want):], want, f'{key}: stack')
    caches = t.command(core, 'kmem -S')['caches']
    for c in caches:
        t.equal(len(c['slab_list']), c['slabs'], f'{c["name"]}: slabs')
        t.none([d['text'] for d in c['damage']], f'{c["name"]}: damage')


# ---- Anything ------------------------------------------------------------------------------------

@per_core(lambda c: re.match(r'((null-deref|irq-kernel-\w+)\.kdump$|slub-tracks|kfence-read)', c.name) and c.whole())
def random_damage(t, core):
    """Words of caches, nodes, slabs, sheaves, tracks and free objects overwritten: answers in time and in bounds."""
    rng, rounds = t.rng(), 25 if t.all else 6
    caches = t.command(core, 'kmem -S')['caches']
    started = t.inquest('--json', *t.dump_args(core), '-c', 'kmem -s; kmem -S', timeout=60).seconds
    slabs = [(c, s) for c in caches for s in c['slab_list']]
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        for _ in range(rounds):
            what = []
            for _ in range(rng.choice([1, 1, 3, 10])):
                c, s = rng.choice(slabs)
                memory = int(s['memory'], 16)
                place = rng.choice([int(c['cache'], 16) + 8 * rng.randrange(32), int(s['slab'], 16) + 8 * rng.randrange(8),
                                    memory + 8 * rng.randrange(512)])
                value = rng.choice([0, 1, (1 << 64) - 1, rng.getrandbits(64), memory, int(s['slab'], 16), place,
                                    0x6b6b6b6b6b6b6b6b, int(rng.choice(slabs)[1]['slab'], 16)])
                physical = t.command(core, f'vtop {place:x}').get('physical')
                if physical and int(physical, 16) // 4096 in copy.index:
                    copy.write(int(physical, 16), struct.pack('<Q', value))
                    what.append(f'{place:x} = {value:x} ({c["name"]})')
            commands = (f'kmem -s; kmem -S; kmem -S {c["name"]}; kmem {memory:x}; kmem -s {memory:x}; '
                        f'annotate {memory:x} 64; whatis {memory:x}')
            out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', commands, check=False, timeout=120)
            # As text other code shows it.
            t.inquest('--no-vmlinux', copy.path, '-c', commands + '; kmem -r', check=False, timeout=120)
            copy.restore()
            t.ok(out.status in (0, 1, 2), f'{what}: status {out.status}')
            t.ok(out.status == 2 or len(out.json()) == 7, f'{what}: {len(out.json())} answers')
            t.ok(out.seconds < 10 * max(started, 1), f'{what}: {out.seconds:.0f} s')
