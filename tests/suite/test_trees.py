# SPDX-License-Identifier: GPL-2.0-or-later
"""tree against crash, line by line; and trees that are damaged.

Not the same, and why: crash prints the entries of maple trees in decimal unless -s or -x is given; here they are
addresses as everywhere.  It prints the index of a maple tree's entry in hexadecimal with -x, and so do we.
"""
import re
import struct
import tempfile

from harness import per_core
from suite import others
from suite.patched_kdump import PatchedKdump
from suite.test_lists import same, wanted

VMAP = 'tree -t rbtree -o vmap_area.rb_node vmap_area_root'
COMMANDS = [
    VMAP, VMAP + ' -p', VMAP + ' -l', VMAP + ' -l -p', VMAP + ' -s vmap_area.va_start,va_end -x',
    'tree -t xarray -r pid_namespace.idr init_pid_ns', 'tree -t x -r pid_namespace.idr init_pid_ns -p',
    'tree -t x -p -x -s pid.level,numbers -r pid_namespace.idr init_pid_ns',
]


def per_task(mm):
    m = f'tree -t maple -r mm_struct.mm_mt {mm:x}'
    return [f'{m} -p -x', f'{m} -s vm_area_struct.vm_start,vm_end -x', f'{m} -s vm_area_struct.vm_flags -d -p -x',
            f'{m} -v -x']


def trees_of_tasks(t, core):
    """mm_struct addresses of some user tasks, as crash has them."""
    text = others.crash(t, core, ['foreach user task -R mm'], timeout=300)
    mms = sorted({int(x, 16) for x in re.findall(r'mm = (0x[0-9a-f]+)', text[0])} - {0}) if text else []
    return t.rng().sample(mms, min(3, len(mms)))


@per_core(wanted, sanitized=False, quick=2)
def as_crash(t, core):
    commands = COMMANDS + [c for mm in trees_of_tasks(t, core) for c in per_task(mm)]
    theirs = others.crash(t, core, commands, timeout=300)
    if not theirs:
        t.note('crash is not installed')
        return
    compared = 0
    for command, text in zip(commands, theirs):
        if 'tree:' in text or not text.strip():
            continue  # a kernel without this tree
        ours = t.inquest('-s', *t.dump_args(core), '-c', command).out
        t.equal(same(ours).splitlines(), same(text).splitlines(), command)
        compared += 1
    t.ok(compared >= 4, f'{compared} command lines compared')


@per_core(lambda core: wanted(core) and core.name.startswith('sysrq'), sanitized=True, quick=1)
def damaged(t, core):
    """A child that leads back to the root, and one that leads nowhere: said, the rest is still shown."""
    answers = others.crash(t, core, ['p/x page_offset_base', 'tree vmap_area_root -p'], timeout=300)
    if not answers or 'root/' not in answers[1]:
        t.note('crash is not installed, or this kernel has no such tree')
        return
    base = int(re.search(r'= (0x[0-9a-f]+)', answers[0]).group(1), 16)
    nodes = {way: int(node, 16) for node, way in re.findall(r'([0-9a-f]{16})\s+position: (\S+)', answers[1])}
    inner = [w for w in nodes if w + '/l' in nodes and w != 'root']
    way = t.rng().choice(sorted(inner))
    below = [n for w, n in nodes.items() if w.startswith(way + '/l')]
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        args = ['-s', '--no-vmlinux', copy.path, '-c', 'tree vmap_area_root']
        for link in (nodes['root'], 0xdead000000000100):
            copy.write(nodes[way] + 16 - base, struct.pack('<Q', link))
            out = t.inquest(*args, check=False)
            shown = [int(w, 16) for w in out.out.split()]
            t.ok(set(nodes.values()) - set(below) <= set(shown), f'what is not below {way} is shown')
            t.ok(len(shown) <= 70 * len(nodes), f'{len(shown)} entries of {len(nodes)}')
            t.ok(f'0x{link:x}' in out.err, f'the link 0x{link:x}: {out.err}')
            copy.restore()
