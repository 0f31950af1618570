# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of objects, concluded from the dump alone, against what drgn finds there with a vmlinux.

drgn_objects.py follows the kernel's own lists and tables with the vmlinux's types (tasks, files, mounts, devices,
work queues, interrupts, cgroups …); inquest is asked what each of these objects is, without a vmlinux.
"""
import json
import os
import re

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
