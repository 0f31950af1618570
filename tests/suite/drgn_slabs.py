#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_slabs.py VMCORE VMLINUX: places in slab caches where tests do damage, as JSON.

For some caches one partial slab with some free objects: its counts, its free list in order with the
addresses of the links, the node's counts; and sheaves where the kernel has them.
"""
import json
import sys

import drgn
from drgn.helpers.linux.cpumask import for_each_present_cpu
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import page_to_virt
from drgn.helpers.linux.percpu import per_cpu_ptr

LEAST = 4       # free objects


def swab(v):
    return int.from_bytes(v.to_bytes(8, 'little'), 'big')


def nodes(c):
    names = [m.name for m in c.type_.type.members]
    return c.per_node[0].node if 'per_node' in names else c.node[0]



def free_list(prog, c, head):
    """[(object, address of its link)] of a free list."""
    at, found = head, []
    while at:
        link = at + c.offset.value_()
        found.append((at, link))
        at = prog.read_u64(link) ^ c.random.value_() ^ swab(link)
        if len(found) > 4096:
            raise ValueError('free list')
    return found


def describe(c, s, found, head_at):
    node = nodes(c)
    own = free_list(s.prog_, c, s.freelist.value_())
    names = [m.name for m in s.type_.type.members]
    return {'cache': c.name.string_().decode(), 'kmem_cache': c.value_(),
            'oo_at': c.oo.x.address_of_().value_(), 'name_at': c.name.address_of_().value_(),
            'name': c.name.value_(), 'random': c.random.value_(),
            'size': c.size.value_(), 'slab': s.value_(),
            'memory': page_to_virt(drgn.cast('struct page *', s)).value_(),
            'objects': s.objects.value_(), 'inuse': s.inuse.value_(), 'own': len(own), 'free': found,
            'head_at': head_at, 'cache_at': s.slab_cache.address_of_().value_(),
            'counts_at': s.freelist.address_of_().value_() + 8,
            'nr_partial_at': node.nr_partial.address_of_().value_(), 'nr_partial': node.nr_partial.value_(),
            'nr_slabs_at': node.nr_slabs.counter.address_of_().value_(), 'nr_slabs': node.nr_slabs.counter.value_()}


def partial(prog, c, kind):
    """Of a node's partial slabs, or the one that a CPU allocates from: with some free objects."""
    node = nodes(c)
    if not node:
        return None
    for s in list_for_each_entry(kind, node.partial.address_of_(), 'slab_list' if kind == 'struct slab' else 'lru'):
        found = free_list(prog, c, s.freelist.value_())
        if len(found) >= LEAST:
            return describe(c, s, found, s.freelist.address_of_().value_())
    if 'cpu_slab' not in [m.name for m in c.type_.type.members]:
        return None
    for cpu in for_each_present_cpu(prog):
        mine = per_cpu_ptr(c.cpu_slab, cpu)
        found = free_list(prog, c, mine.freelist.value_())
        if len(found) >= LEAST:
            return describe(c, mine.slab if kind == 'struct slab' else mine.page, found,
                            mine.freelist.address_of_().value_())
    return None


def sheaf(prog, c):
    if 'cpu_sheaves' not in [m.name for m in c.type_.type.members]:
        return None
    main = per_cpu_ptr(c.cpu_sheaves, 0).main
    if main.size.value_() < 3 or c.sheaf_capacity.value_() < 3:
        return None
    return {'cache': c.name.string_().decode(), 'sheaf': main.value_(), 'size': main.size.value_(),
            'size_at': main.size.address_of_().value_(), 'objects': [main.objects[i].value_() for i in range(3)],
            'objects_at': main.objects[0].address_of_().value_()}


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])
    try:
        prog.type('struct slab')
        kind = 'struct slab'
    except LookupError:
        kind = 'struct page'
    slabs, sheaves = [], []
    for c in list_for_each_entry('struct kmem_cache', prog['slab_caches'].address_of_(), 'list'):
        p = partial(prog, c, kind)
        if p:
            slabs.append(p)
        s = sheaf(prog, c)
        if s:
            sheaves.append(s)
    json.dump({'slabs': slabs, 'sheaves': sheaves}, sys.stdout)


main()
