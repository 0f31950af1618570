#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_memmap.py VMCORE VMLINUX SEED: struct pages of several kinds, with where each of their members is in
physical memory, as JSON: {"kinds": {kind: [{"page": address, "pfn": n, "at": physical}]}, "offsets": {member: n}}."""
import json
import random
import sys

import drgn
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import (PageHead, PageLRU, PageReserved, PageSlab, PageTail, PageUnevictable, follow_phys,
                                   page_to_pfn, pfn_to_page)

MOST = 12


def offset(prog, name, tag='struct page'):
    return drgn.offsetof(prog.type(tag), name)


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])
    rng = random.Random(sys.argv[3])
    init_mm = prog['init_mm'].address_of_()
    kinds = {k: [] for k in ('lru', 'slab', 'tail', 'free', 'inside', 'used')}

    def keep(kind, page, **more):
        if len(kinds[kind]) < MOST:
            kinds[kind].append({'page': page.value_(), 'pfn': page_to_pfn(page).value_(),
                                'at': follow_phys(init_mm, page).value_(), **more})

    end = prog['max_pfn'].value_()
    for pfn in rng.sample(range(4096, end), min(end - 4096, 6000)):
        try:
            page = pfn_to_page(prog, pfn)
            if PageTail(page):
                keep('tail', page)
            elif PageSlab(page):
                keep('slab', page)
            elif PageReserved(page) or PageHead(page):
                continue
            elif PageLRU(page) and not PageUnevictable(page) and page._refcount.counter.value_() > 0:
                keep('lru', page)
            elif page._refcount.counter.value_() > 0 and page._mapcount.counter.value_() == -1:
                keep('used', page)
        except drgn.FaultError:
            continue
    node = prog['node_data'][0] if 'node_data' in prog else prog['contig_page_data'].address_of_()
    for zone in node.node_zones:
        for order in range(3, 10):
            for head in zone.free_area[order].free_list:
                for page in list_for_each_entry('struct page', head.address_of_(), 'lru'):
                    keep('free', page, order=order)
                    keep('inside', page + rng.randrange(1, 1 << order), order=order)
                    break
    names = ('flags', '_refcount', '_mapcount', 'mapping', 'compound_head', 'private')
    offsets = {}
    for n in names:
        try:
            offsets[n] = offset(prog, n)
        except LookupError:     # 7.1 calls it compound_info
            offsets[n] = offset(prog, 'compound_info')
    bits = {n: prog.constant('PG_' + n).value_() for n in ('lru', 'reserved', 'locked', 'active')}
    zones = prog.constant('__MAX_NR_ZONES').value_()
    json.dump({'kinds': kinds, 'offsets': offsets, 'bits': bits, 'zones': zones}, sys.stdout)


main()
