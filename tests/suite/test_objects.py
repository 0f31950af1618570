# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of objects, concluded from the dump alone, against what drgn finds there with a vmlinux.

drgn_objects.py follows the kernel's own lists and tables with the vmlinux's types (tasks, files, mounts, devices,
work queues, interrupts, cgroups …); inquest is asked what each of these objects is, without a vmlinux.
"""
import json
import os
import re
import subprocess
import tempfile
import time

from harness import per_core
from suite import others

NAMED, GENERAL, WRONG = 95, 70, 1       # per cent of objects that must be known, and that may be wrong


def objects(t, core):
    def make():
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drgn_objects.py')
        python = [others.RIVALS, 'run', 'python3']
        files = others.loaded_module_files(t, core)
        return json.loads(t.sh([*python, script, core.vmcore, core.vmlinux, *files], timeout=300).out)
    return others.once(('objects', core.name), make)


def bare(text):
    """ "const struct foo *[4]" is "foo * []"."""
    text = re.sub(r'^(const )?(struct|union) ', '', text)
    return re.sub(r' ?\[\d*\]$', ' []', text).replace('*[]', '* []').replace('*  []', '* []')


def slab_of(answer):
    kinds = answer.get('result', {}).get('kinds', [])
    return next((k for k in kinds if k['kind'] == 'slab' and k['object']), None)


def verdict(address, types, slab):
    if not slab['type']:
        return 'unknown'
    if slab['object'] != hex(address):
        return 'part'           # what drgn was told to call an object lies within a larger one
    name = bare(slab['type'])
    return 'right' if name in types or name + ' []' in types else 'wrong'


def whatis(t, core, addresses):
    lines = ''.join(f'whatis {a:x}\n' for a in addresses).encode()
    return t.inquest('--json', '-s', *t.dump_args(core), stdin=lines, check=False, timeout=300).json()


@per_core(lambda core: others.has_rivals() and core.vmlinux and core.format == 'kdump' and core.whole(), quick=4)
def types_against_drgn(t, core):
    """95 % of the objects in caches of their own, 70 % of those in general ones, and hardly one wrong."""
    found = objects(t, core)
    t.ok(len(found['objects']) > 2000, f'drgn finds {len(found["objects"])} objects: {found["errors"]}')
    some = found['objects'] if t.all else t.rng().sample(found['objects'], min(2500, len(found['objects'])))
    count, mistakes = {}, []
    for (kind, address, types), answer in zip(some, whatis(t, core, [o[1] for o in some])):
        slab = slab_of(answer)
        if not slab:
            continue            # a variable of the kernel, per-CPU memory
        where = 'general' if 'kmalloc' in slab['cache'] else 'named'
        v = verdict(address, types, slab)
        of = count.setdefault(where, {'right': 0, 'unknown': 0, 'wrong': 0, 'part': 0})
        of[v] += 1
        if v == 'wrong':
            mistakes.append(f'{kind} 0x{address:x} is {types}, here {slab["type_confidence"]} {slab["type"]} '
                            f'from {slab["type_from"]}')
    for where, least in (('named', NAMED), ('general', GENERAL)):
        of = count.get(where, {})
        asked = sum(of.values()) - of.get('part', 0)
        t.ok(asked > 200, f'{where}: only {asked} objects')
        share = {k: 100 * v / max(asked, 1) for k, v in of.items()}
        t.note(f'{where}: {asked} objects, {share["right"]:.1f} % right, {share["unknown"]:.1f} % unknown, '
               f'{share["wrong"]:.2f} % wrong')
        t.ok(share['right'] >= least, f'{where}: {share["right"]:.1f} % right')
        t.ok(share['wrong'] < WRONG, f'{where}: {share["wrong"]:.2f} % wrong: {mistakes[:5]}')
        t.ok(share['part'] < 5, f'{where}: {share["part"]:.1f} % within others')


# ---- Damaged objects -----------------------------------------------------------------------------------

def segments(t, core):
    """(offset in the file, physical address, length) of the dump's memory."""
    rows = re.findall(r'^  LOAD +0x(\w+) 0x\w+ 0x(\w+)\s+0x(\w+)', t.sh(['readelf', '-lW', core.vmcore]).out, re.M)
    return [tuple(int(x, 16) for x in r) for r in rows]


def damage(rng, path, parts, slabs, page_offset):
    """Write 3000 words into objects: pointers to others, into the middle of others, to themselves, and noise."""
    written = 0
    with open(path, 'r+b') as f:
        for _ in range(3000):
            at = rng.choice(slabs) + 8 * rng.randrange(512)
            place = next((o + at - page_offset - p for o, p, n in parts if p <= at - page_offset < p + n), None)
            if place is None:
                continue
            word = rng.choice([rng.choice(slabs) + 8 * rng.randrange(512), rng.getrandbits(64), at, 1, 8, at + 1,
                               2**64 - 1, 0xdead000000000100])
            f.seek(place)
            f.write(word.to_bytes(8, 'little'))
            written += 1
    return written


@per_core(lambda core: core.name == 'sysrq.elf' and core.whole(), quick=1)
def damaged(t, core):
    """Lists crossed, pointers anywhere: the types of objects are still told, in time."""
    caches = t.command(core, 'kmem -S')['caches']
    slabs = [int(s['memory'], 16) for c in caches if 'kmalloc' in c['name'] for s in c.get('slab_list', [])]
    t.ok(len(slabs) > 50, f'only {len(slabs)} slabs')
    rng, parts = t.rng(), segments(t, core)
    page_offset = slabs[0] - int(t.command(core, f'vtop {slabs[0]:x}')['physical'], 16)
    lines = ''.join(f'whatis {rng.choice(slabs) + 8 * rng.randrange(512):x}\n' for _ in range(300)).encode()
    started = time.time()
    t.inquest('--json', '-s', *t.dump_args(core), stdin=lines, check=False, timeout=300)
    clean = time.time() - started
    with tempfile.TemporaryDirectory() as d:
        path = d + '/mutant.vmcore'
        for _ in range(10 if t.all else 3):
            subprocess.run(['cp', '--reflink=auto', '--sparse=always', core.vmcore, path], check=True)
            t.ok(damage(rng, path, parts, slabs, page_offset) > 2500, 'little is damaged')
            started = time.time()
            out = t.inquest('--json', '-s', '--no-vmlinux', path, stdin=lines, check=False, timeout=300)
            took = time.time() - started
            t.equal(len(out.json()), 300, 'answers')
            t.ok(took < 10 * clean + 5, f'{took:.1f} s, {clean:.1f} s of the whole dump')
