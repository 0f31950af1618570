# SPDX-License-Identifier: GPL-2.0-or-later
"""Slab caches against what the guest itself saved: /proc/slabinfo and /sys/kernel/slab, and modules that count."""
import os

from harness import per_core


def saved(core):
    return core.whole() and bool(core.proc) and os.path.isdir(core.proc + '/1/sys/kernel/slab')


def attribute(core, name, file):
    """The number in a file of /sys/kernel/slab that was the same twice; None."""
    texts = []
    for n in '12':
        try:
            with open(f'{core.proc}/{n}/sys/kernel/slab/{name}/{file}') as f:
                texts.append(f.read().split())
        except OSError:
            return None
    return int(texts[0][0]) if texts[0] == texts[1] and texts[0] and texts[0][0].isdigit() else None


@per_core(saved, quick=5)
def names_and_attributes(t, core):
    """All names of all caches, merged ones too, and what sysfs says of each."""
    caches = t.command(core, 'kmem -s')['caches']
    there = {n for n in os.listdir(core.proc + '/1/sys/kernel/slab') if not n.startswith(':')}
    ours = {}
    for c in caches:
        for n in (c['name'], *c['aliases']):
            t.ok(n not in ours, f'{n} twice')
            ours[n] = c
    # Caches can come and go between the snapshot and the crash.
    t.ok(len(there ^ set(ours)) <= 2, f'only sysfs {there - set(ours)}, only ours {set(ours) - there}')
    wrong, compared = [], 0
    for name in there & set(ours):
        c = ours[name]
        for file, key in (('object_size', 'object_size'), ('slab_size', 'size'), ('order', 'order'),
                          ('aliases', None)):
            want = attribute(core, name, file)
            if want is None:
                continue
            got = c[key] if key else len(c['aliases'])
            # A boot cache may count itself once more; objects of merged caches are the largest.
            compared += 1
            if got != want:
                wrong.append((name, file, got, want))
    t.none(wrong, 'attributes', compared)
    t.ok(compared > 300, f'only {compared} compared')


def slabinfo(core, which):
    with open(f'{core.proc}/{which}/proc/slabinfo') as f:
        return {r[0]: (int(r[1]), int(r[2])) for r in (l.split() for l in f.read().splitlines()[2:])}


@per_core(lambda c: saved(c) and os.path.exists(c.proc + '/1/proc/slabinfo'), quick=5)
def active_objects(t, core):
    """active_objs, by the kernel's own formula: all but those free on a node's partial slabs."""
    one, two = slabinfo(core, 1), slabinfo(core, 2)
    ours = {}
    for c in t.command(core, 'kmem -S')['caches']:
        free = sum(s['objects'] - s['inuse'] for s in c['slab_list'] if s['list'] == 'node_partial')
        ours[c['name']] = (c['total'] - free, c['total'])
        t.ok(c['allocated'] is None or c['allocated'] <= c['total'] - free,
             f'{c["name"]}: {c["allocated"]} allocated of {c["total"] - free} that count as active')
    still = [n for n in one if two.get(n) == one[n] and n in ours]
    differ = [(n, ours[n], one[n]) for n in still if ours[n] != one[n]]
    t.ok(len(differ) <= len(still) // 5, f'{len(differ)} of {len(still)}: {differ[:6]}')
    t.ok(len(still) > 80, f'only {len(still)} caches stood still')
    t.note(f'{len(still) - len(differ)} of {len(still)} caches are the same')


@per_core(lambda c: c.name == 'slab-leak')
def objects_of_a_leak(t, core):
    """slableak.ko leaks 30000 objects and keeps 100."""
    caches = t.command(core, 'kmem -S lab_leak_ctx')['caches']
    t.equal([c['allocated'] for c in caches], [30100], 'allocated')
    t.equal(sum(s['allocated'] for s in caches[0]['slab_list']), 30100, 'one by one')
