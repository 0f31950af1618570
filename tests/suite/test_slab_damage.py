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
DAMAGED = re.compile(r'(slub-|uaf-|double-free|smash|overflow|kfence|usb-free|refcount|list|corrupt)')


@per_core(lambda c: c.whole() and not DAMAGED.search(c.name), quick=12)
def none_in_healthy_dumps(t, core):
    """All slabs of all caches are checked, and nothing is found."""
    found = t.inquest('--json', *t.dump_args(core), '-c', 'kmem -S', timeout=300).json()[0]
    damage = [d for c in found['result']['caches'] for d in c['damage']]
    t.none([d['text'] for d in damage], 'damage', len(found['result']['caches']))


@per_core(lambda c: c.name == 'slub-tracks')
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
        # The innermost is where the module saved its own stack, in the same function or inlined into the next.
        t.ok(len(stack) in (len(want), len(want) - 1), f'{which}: {stack}, {want}')
        n = min(len(stack), len(want)) - 2
        t.none([(a, b) for a, b in zip(stack[-n:], want[-n:]) if not same_place(a, b)], f'{which}: stack', n)
