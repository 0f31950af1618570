# SPDX-License-Identifier: GPL-2.0-or-later
"""Free objects of partial slabs, for drgn scripts: followed by the hardened links that mm/slub.c documents."""
import drgn
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import page_to_virt


def swab(v):
    return int.from_bytes(v.to_bytes(8, 'little'), 'big')


def free_objects(prog, most=60):
    found = []
    try:
        prog.type('struct slab')
        kind, link = 'struct slab', 'slab_list'
    except LookupError:
        kind, link = 'struct page', 'slab_list'
    for c in list_for_each_entry('struct kmem_cache', prog['slab_caches'].address_of_(), 'list'):
        node = c.per_node[0].node if 'per_node' in [m.name for m in c.type_.type.members] else c.node[0]
        if not node:
            continue
        for s in list_for_each_entry(kind, node.partial.address_of_(), link):
            at, seen = s.freelist.value_(), []
            page = drgn.cast('struct page *', s)
            if not page_to_virt(page).value_() <= at < page_to_virt(page).value_() + (1 << 20):
                continue
            while at and len(seen) < 512:
                slot = at + c.offset.value_()
                seen.append((at, slot))
                at = prog.read_u64(slot) ^ c.random.value_() ^ swab(slot)
            found += [{'cache': c.name.string_().decode(), 'object': o, 'link': l, 'size': c.size.value_()}
                      for o, l in seen[:4]]
            break
        if len(found) >= most:
            break
    return found
