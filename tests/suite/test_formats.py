# SPDX-License-Identifier: GPL-2.0-or-later
"""The same memory in every format: an ELF core against what makedumpfile and the lab's tools made of it."""
import os
import re

from harness import per_core


def base_of(t, core):
    """The core that this one was made from."""
    for c in t.run.cores:
        if c.format == 'elf' and core.name.startswith(c.name + '.'):
            return c
    return None


@per_core(lambda c: re.search(r'\.elf\.', c.name))
def pages(t, core):
    """Every page of the raw dump equal, zero, or excluded by the filter - never one instead of the other."""
    base = base_of(t, core)
    if not base:
        return t.note('skipped: the core it was made from is not there')
    tool = os.path.join(t.run.build, 'tests', 'unit', 'unit-dump-pages')
    counts = []
    for part in core.vmcores:
        missing = [] if core.whole() else ['--missing']
        out = t.sh([tool, *missing, base.vmcore, part], check=False, timeout=600)
        t.equal(out.status, 0, f'{part}: {out.out[-500:]}{out.err[-500:]}')
        counts.append(out.out.strip().splitlines()[-1])
    t.note('; '.join(counts))


@per_core(lambda c: re.search(r'\.elf\.', c.name) and c.whole())
def answers(t, core):
    """The same commands give the same answers."""
    base = base_of(t, core)
    if not base:
        return t.note('skipped: the core it was made from is not there')
    for command in ['bt -a', 'ps', 'mod', 'log', 'vtop init_task', 'struct task_struct init_task', 'dis panic']:
        t.ok(t.command(core, command) == t.command(base, command), f'{command} differs')
    a, b = t.command(core, 'sys'), t.command(base, 'sys')
    for key in ('dumpfile', 'format', 'partial', 'incomplete', 'truncated'):
        a.pop(key), b.pop(key)
    t.equal(a, b, 'sys')


@per_core(lambda c: re.search(r'\.elf\.d31', c.name) and 'elf' not in c.name.split('d31')[1] and c.whole(),
          quick=3)
def kinds_of_missing(t, core):
    """A page that was filtered out, a hole of the machine, and an unmapped address have different words."""
    base = base_of(t, core)
    if not base:
        return t.note('skipped: the core it was made from is not there')
    words = {}
    rng = t.rng()
    for _ in range(300):
        pfn = rng.randrange(0x1000, 0x13000)
        words.setdefault(word(t, core, pfn), pfn)
        if 'excluded' in words and 'readable' in words:
            break
    t.ok('excluded' in words, f'no excluded page among 300: {words}')
    if 'excluded' in words:
        out = t.inquest('-s', *t.dump_args(core), '-c', f'rd -p {words["excluded"] << 12:x}', check=False)
        t.equal(out.status, 1, 'status')
        t.ok('excluded from the dump' in out.err, out.err)
        t.equal(t.inquest('-s', *t.dump_args(base), '-c', f'rd -p {words["excluded"] << 12:x}').status, 0,
                'the raw dump has it')
    out = t.inquest('-s', *t.dump_args(core), '-c', 'rd -p 7ffffff000', check=False)
    t.ok('not in the dump' in out.err, out.err)
    out = t.inquest('-s', *t.dump_args(core), '-c', 'rd ffffff0000000000', check=False)
    t.ok('not mapped' in out.err, out.err)


def word(t, core, pfn):
    out = t.inquest('-s', *t.dump_args(core), '-c', f'rd -p {pfn << 12:x}', check=False)
    m = re.search(r'excluded|not in the dump|not mapped|damaged|truncated', out.err)
    return m.group(0) if m else 'readable'
