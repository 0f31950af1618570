# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps that lack what others need, one thing or two: the trace of the panic, the tasks, the modules and the log are still
those of the whole dump, and of the kernel's own report; what was missing and what was used instead is said."""
import re
import struct
import tempfile

from harness import per_core
from suite import others, without

COMMANDS = ('bt', 'ps', 'mod', 'log')
NOTE, REGISTERS, TABLES, NAMES = 'VMCOREINFO', 'registers', 'page table', 'symbol|kallsyms'


def kinds(d, k, rng):
    """Name -> (what is done, what some warning must speak of, is a vmlinux needed, what cannot work)."""
    root = k.root()

    def break_root():
        d.write(root + 2048, bytes(2048))

    def lose_root():
        d.leave_out([root // without.PAGE])

    def break_image_tables():
        d.write(k.at['level2_kernel_pgt'], rng.choice((bytes(4096), rng.randbytes(4096))))

    def lose_names():
        d.leave_out(k.kallsyms())

    def lose_some_names():
        d.leave_out(rng.sample(list(k.kallsyms()), 10))

    def lose_btf():
        d.leave_out(k.btf())

    def wrong_cr3():
        d.wrong_cr3(rng.randrange(1 << 28) & ~4095)

    def noise():
        d.vmcoreinfo_says(rng)

    def stale():
        d.vmcoreinfo_says(**{'NUMBER(phys_base)': lambda v: b'1' * len(v)})

    def empty():
        d.at(d.sub + without.VMCOREINFO_AT + 8, bytes(8))
        d.without_vmcoreinfo()

    no_note, no_notes, no_registers, no_text = (d.without_vmcoreinfo, d.without_notes, d.without_registers,
                                                k.forget_vmcoreinfo)
    return {
        'no VMCOREINFO note': ([no_note], NOTE, False),
        'an empty VMCOREINFO note': ([empty], NOTE, False),
        'noise for VMCOREINFO': ([noise], NOTE, False),
        'a wrong phys_base in VMCOREINFO': ([stale], NOTE, False),
        'no VMCOREINFO at all': ([no_text, no_note], NOTE, False),
        'no notes': ([no_notes], REGISTERS, False),
        'no notes and no VMCOREINFO in memory': ([no_text, no_notes], TABLES, False),
        'no registers': ([no_registers], REGISTERS, False),
        'wrong CR3': ([wrong_cr3], 'CR3', False),
        'wrong CR3, no VMCOREINFO note': ([wrong_cr3, no_note], NOTE, False),
        'wrong CR3, no VMCOREINFO at all': ([no_text, wrong_cr3, no_note], TABLES, False),
        'damaged top table': ([break_root], TABLES, False),
        'damaged top table, no notes': ([break_root, no_notes], TABLES, False),
        'damaged top table, no VMCOREINFO note': ([break_root, no_note], NOTE, False),
        'damaged top table, no notes, no VMCOREINFO in memory': ([no_text, break_root, no_notes], TABLES, False),
        'no top table': ([lose_root], TABLES, False),
        'no top table, no notes': ([no_notes, lose_root], TABLES, False),
        'damaged tables of the image': ([break_image_tables], TABLES, False),
        'damaged tables of the image, no registers': ([break_image_tables, no_registers], TABLES, False),
        'no kallsyms': ([lose_names], NAMES, True),
        'no kallsyms, no notes': ([no_notes, lose_names], NAMES, True),
        'no kallsyms, no notes, no VMCOREINFO in memory': ([no_text, no_notes, lose_names], NAMES, True),
        'some of kallsyms': ([lose_some_names], NAMES, True),
        'no BTF': ([lose_btf], 'BTF', True),
        'no BTF, no notes': ([no_notes, lose_btf], 'BTF', True),
        'no BTF, no kallsyms': ([lambda: d.leave_out([*k.btf(), *k.kallsyms()])], NAMES, True),
    }


def facts(objects):
    """What each command says, in a form to compare; None: an error."""
    found = {}
    for o in objects:
        name, r = o['command'], o.get('result')
        if r is None:
            found[name] = None
        elif name == 'bt':
            found[name] = [f['function'] for t in r['tasks'] for f in t['frames']]
        elif name == 'ps':
            found[name] = sorted((t['pid'], t['comm'], t['task']) for t in r['tasks'])
        elif name == 'mod':
            found[name] = sorted((m['name'], m['base'], m['size']) for m in r['modules'])
        else:
            found[name] = [x['text'] for x in r['records']]
    return found


def follows(chain, names):
    names = iter(names)
    return all(any(n == c for n in names) for c in chain)


def look(t, core, path, vmlinux):
    args = [path, core.vmlinux] if vmlinux else ['--no-vmlinux', path]
    objects = t.inquest('--json', *args, '-c', '; '.join(COMMANDS), check=False).json()
    return facts(objects), ' | '.join(w for o in objects for w in o['warnings'])


@per_core(lambda c: c.format == 'zlib' and c.scenario in ('sysrq', 'null-deref') and c.vmlinux and c.whole() and
          not re.search('novmci|la57|ipa', c.name) and others.kernel_offset(c) is not None, quick=4, sanitized=False)
def something(t, core):
    with tempfile.TemporaryDirectory() as folder:
        d = without.Stripped(core, folder)
        k = without.Kernel(t, core, d)
        healthy = {v: look(t, core, core.vmcore, v)[0] for v in (False, True)}
        t.ok(any(core.truth['report'] in line for line in healthy[False]['log']), "the kernel's report is in its log")
        chain = [c['function'] for c in core.truth['call_chain'] if c['function'] in healthy[False]['bt']]
        t.ok(len(chain) >= 4, f'the kernel reported {chain}')
        every = kinds(d, k, t.rng())
        for name in t.sample(every, 7):
            steps, word, vmlinux = every[name]
            for step in steps:
                step()
            got, warnings = look(t, core, d.path, vmlinux)
            for c in ('ps', 'mod', 'log'):
                if got.get(c) != healthy[vmlinux][c]:
                    t.fail(f'{name}: {c} says {str(got.get(c))[:200]}; warnings: {warnings[:400]}')
            # Where panic() has a frame pointer, nothing tells its frame without registers.
            reported = [f for f in chain if f != 'panic' or 'no registers' not in warnings]
            t.ok(follows(reported, got.get('bt') or []), f'{name}: bt says {got.get("bt")}, the kernel {chain}; {warnings[:300]}')
            t.ok(re.search(word, warnings), f'{name}: nothing is said of {word}: {warnings[:300]!r}')
            d.restore()


@per_core(lambda c: c.format == 'zlib' and c.scenario == 'sysrq' and c.vmlinux and c.whole() and
          not re.search('novmci|la57', c.name) and others.kernel_offset(c) is not None, quick=4, sanitized=False)
def no_names_at_all(t, core):
    """Neither kallsyms nor a vmlinux: BTF, the tasks and the modules are found by what they look like."""
    with tempfile.TemporaryDirectory() as folder:
        d = without.Stripped(core, folder)
        k = without.Kernel(t, core, d)
        healthy, _ = look(t, core, core.vmcore, False)
        if t.rng().random() < .5:
            d.without_notes()
        d.leave_out(k.kallsyms())
        got, warnings = look(t, core, d.path, False)
        # The idle tasks of the other CPUs are on no list.
        t.equal(got['ps'], [x for x in healthy['ps'] if x[0] or x[1] == 'swapper/0'], f'ps ({warnings[:300]})')
        t.equal(got['mod'], healthy['mod'], 'mod')
        t.equal(got['log'], healthy['log'], 'log')
        t.ok('guess' in warnings, f'nothing says that it is a guess: {warnings}')


@per_core(lambda c: c.format == 'zlib' and c.scenario == 'sysrq' and c.vmlinux and c.whole() and
          not re.search('novmci|la57', c.name) and others.kernel_offset(c) is not None, quick=2, sanitized=False)
def next_to_nothing(t, core):
    """No notes, no VMCOREINFO, no page tables at all: what kallsyms and the direct mapping can tell; no kernel: its pages."""
    with tempfile.TemporaryDirectory() as folder:
        d = without.Stripped(core, folder)
        k = without.Kernel(t, core, d)
        healthy, _ = look(t, core, core.vmcore, False)
        k.forget_vmcoreinfo()
        d.without_notes()
        for name in ('level2_kernel_pgt', 'level3_kernel_pgt'):
            d.write(k.at[name], bytes(4096))
        got, warnings = look(t, core, d.path, False)
        t.equal(got['ps'], healthy['ps'], f'ps without page tables ({warnings[:300]})')
        t.equal(got['log'], healthy['log'], 'log without page tables')
        t.ok('guess' in warnings, f'nothing says that it is a guess: {warnings}')
        d.restore()
        # The image is gone: what lies at an address of physical memory can still be read.
        place = k.at['linux_banner']
        pfns = [p for p in d.index if k.at['_stext'] // 4096 <= p <= k.at['_end'] // 4096]
        k.forget_vmcoreinfo()
        d.without_notes()
        keep = next(p for p in sorted(d.index) if p > k.at['_end'] // 4096)
        word, = struct.unpack('<Q', d.read(keep * 4096))
        d.leave_out(pfns)
        out = t.inquest('-s', '--no-vmlinux', d.path, '-c', f'ps; rd -p {keep * 4096:x}; rd -p {place:x}', check=False)
        t.ok('no Linux kernel found' in out.err, f'without a kernel: {out.err[:300]!r}')
        t.ok(f'{word:016x}' in out.out, f'rd -p without a kernel: {out.out[:300]!r}')
