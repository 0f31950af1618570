# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage in struct pages, done to copies of dumps at addresses that drgn computes: found by the sweep at that place, and
nothing else.  What healthy pages can have is not damage."""
import json
import os
import re
import struct
import tempfile

from harness import per_core
from suite import others, payloads
from suite.patched_kdump import PatchedKdump

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drgn_memmap.py')


def patchable(c):
    return others.has_vmlinux(c) and others.has_rivals() and \
        re.match(r'(null-deref|irq-kernel(-\w+)?|sysrq)\.kdump$', c.name)


def struct_pages(t, core):
    return json.loads(t.sh([others.RIVALS, 'run', 'python3', SCRIPT, core.vmcore, core.vmlinux, str(t.run.seed)],
                           timeout=300).out)


def damages(rng, found):
    """(kind of page, what is done, [(member or offset, bytes)])."""
    bits, some = found['bits'], found['kinds']

    def flag(*names):
        return sum(1 << bits[n] for n in names)

    def other(kind):
        return rng.choice(some[kind])['page']

    def text(size):
        return payloads.text(rng, size).encode()[:size]
    yield 'used', 'a reference too few', [('_refcount', struct.pack('<i', -rng.randrange(1, 40)))]
    yield 'used', 'a mapping too few', [('_mapcount', struct.pack('<i', -rng.randrange(2, 100)))]
    yield 'used', 'another node', [('flags', rng.getrandbits(16) << 48 | 1 << 63)]
    yield 'used', 'reserved and on a list', [('flags', flag('reserved', 'lru'))]
    yield 'used', 'text', [(0, text(64))]
    yield 'lru', 'text', [(0, text(64))]
    yield 'lru', 'a mapping that is text', [('mapping', text(8))]
    yield 'lru', 'a link that is none', [('compound_head', struct.pack('<Q', rng.getrandbits(40) & ~7))]
    yield 'tail', 'a head that is text', [('compound_head', bytes([text(1)[0] | 1]) + text(7))]
    yield 'tail', 'a head that is none', [('compound_head', struct.pack('<Q', other('used') + 1))]
    yield 'free', 'a reference', [('_refcount', struct.pack('<i', 1))]
    yield 'free', 'an impossible order', [('private', struct.pack('<Q', rng.randrange(16, 1 << 40)))]
    yield 'free', 'on a list', [('flags', flag('lru', 'active'))]
    yield 'inside', 'a reference', [('_refcount', struct.pack('<i', rng.randrange(1, 9)))]
    yield 'inside', 'on a list', [('flags', flag('lru'))]
    yield 'inside', 'text', [(0, text(64))]


def write(copy, found, page, changes):
    for where, data in changes:
        at = page['at'] + found['offsets'].get(where, where if isinstance(where, int) else 0)
        if where == 'flags':            # set, not replaced: the rest is the node's and the zone's
            data = struct.pack('<Q', struct.unpack('<Q', copy.read(at))[0] | data)
        copy.write(at, data)


def sweep(t, copy):
    return t.inquest('--json', '--no-vmlinux', copy.path, '-c', 'sweep pages', timeout=60).result()


@per_core(patchable, quick=4, sanitized=True)
def pages(t, core):
    found, rng = struct_pages(t, core), t.rng()
    missed, total, more = [], 0, 0
    with tempfile.TemporaryDirectory(dir=os.environ.get('TMPDIR', '/var/tmp')) as folder:
        copy = PatchedKdump(core, folder)
        healthy = sweep(t, copy)
        t.equal(healthy['findings'], [], 'before the damage')
        t.ok(healthy['checked']['pages'] > 50000, f'only {healthy["checked"]}')
        for _ in range(8 if t.all else 2):
            for kind, what, changes in damages(rng, found):
                if not found['kinds'][kind]:
                    continue
                page = rng.choice(found['kinds'][kind])
                write(copy, found, page, changes)
                said = sweep(t, copy)['findings']
                copy.restore()
                total += 1
                more += any(f'{page["page"]:#x}' not in f['claim'] for f in said)
                if not any(f'{page["page"]:#x}' in f['claim'] for f in said):
                    missed.append((kind, what, f'{page["page"]:#x}', [str(c[1]) for c in changes]))
        # What pages have on the way: waiters or not, locked, on a list or just taken off.
        for kind in ('used', 'lru', 'slab'):
            for name in ('locked', 'active'):
                page = rng.choice(found['kinds'][kind] or found['kinds']['used'])
                write(copy, found, page, [('flags', 1 << found['bits'][name])])
                t.equal([f['claim'] for f in sweep(t, copy)['findings']], [], f'{kind} {name}')
                copy.restore()
    t.note(f'{total - len(missed)} of {total} damaged struct pages found')
    t.ok(len(missed) <= total * 0.05, f'{len(missed)} of {total} not found: {missed[:6]}')
    t.ok(more <= total * 0.1, f'{more} of {total} led to findings at other pages')
