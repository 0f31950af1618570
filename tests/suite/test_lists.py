# SPDX-License-Identifier: GPL-2.0-or-later
"""list against crash, line by line; and lists that are damaged."""
import re
import struct
import tempfile

from harness import per_core
from suite import others
from suite.patched_kdump import PatchedKdump

COMMANDS = [
    'list task_struct.tasks -h init_task', 'list modules', 'list -H modules', 'list module.list -H modules',
    'list module.list -H modules -s module.name', 'list -o module.list -H modules -s module.name,state -x',
    'list -r module.list -H modules', 'list -o 8 modules',
    'list super_block.s_list -H super_blocks -s super_block.s_id', 'list super_blocks',
    'list -x -s super_block.s_flags -H super_blocks', 'list -d -s super_block.s_flags -l 0 -H super_blocks',
    'list task_struct.sibling -O task_struct.children -h init_task',
    'list task_struct.sibling -s task_struct.pid,comm -O task_struct.children -h init_task',
]


def wanted(core):
    return core.scenario == 'sysrq' and core.name.split('-')[-1] in ('sysrq', 'bullseye', 'trixie', 'sid') and \
        others.has_crash(core)


def same(text):
    return re.sub(r'[ \t]+', ' ', text).strip()


@per_core(wanted, sanitized=False)
def as_crash(t, core):
    """Each line that crash prints, and no other."""
    theirs = others.crash(t, core, COMMANDS, timeout=300)
    if not theirs:
        t.note('crash is not installed')
        return
    for command, text in zip(COMMANDS, theirs):
        ours = t.inquest('-s', *t.dump_args(core), '-c', command).out
        t.equal(same(ours).splitlines()[:400], same(text).splitlines()[:400], command)


@per_core(wanted, sanitized=True, quick=2)
def damaged(t, core):
    """A link led back to an earlier entry, to nowhere, and to another list: said, with what is there still shown."""
    offset, listed = others.crash(t, core, ['p/x page_offset_base', 'list -H super_blocks'], timeout=300) or (None, None)
    if not offset:
        t.note('crash is not installed')
        return
    base = int(re.search(r'= (0x[0-9a-f]+)', offset).group(1), 16)
    entries = [int(w, 16) for w in listed.split() if re.fullmatch('[0-9a-f]{16}', w)]
    n = t.rng().randrange(4, len(entries) - 1)
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        args = ['-s', '--no-vmlinux', copy.path, '-c', 'list -H super_blocks']
        copy.write(entries[n] - base, struct.pack('<Q', entries[2]))
        out = t.inquest(*args, check=False)
        t.equal([int(w, 16) for w in out.out.split()], entries[:n + 1], 'entries of the circle')
        t.ok(f'0x{entries[2]:x}' in out.err and 'circle' in out.err, f'the circle: {out.err}')
        copy.restore()
        copy.write(entries[n] - base, struct.pack('<Q', 0xdead000000000100))
        out = t.inquest(*args, check=False)
        t.ok(out.status and '0xdead000000000100' in out.err, f'a link to nowhere: {out.err}')
        t.equal([int(w, 16) for w in out.out.split()][:n + 1], entries[:n + 1], 'entries in front of it')
        copy.restore()
        copy.write(entries[n] - base + 8, struct.pack('<Q', entries[0]))
        out = t.inquest(*args, check=False)
        t.equal([int(w, 16) for w in out.out.split()], entries, 'entries with a wrong prev')
        t.ok(f'0x{entries[n]:x}' in out.err and f'0x{entries[0]:x}' in out.err, f'the wrong prev: {out.err}')
