# SPDX-License-Identifier: GPL-2.0-or-later
"""Types of modules, and the BTF of a dump item by item; the kernel's types are in test_struct.py."""
import os
import re
import tempfile

from harness import per_core
from suite import others, type_truth

def plain(declaration):
    d = re.sub(r'\s*__attribute__\(\(.*?\)\)(?=\s*$|\s*;)', '', declaration.strip().rstrip(';'))
    d = re.sub(r'/\*.*?\*/', '', d)
    d = type_truth.words(d).replace('[0]', '[]')
    # Which side of the qualified type "const" stands on, and blanks.
    return re.sub(r'\s*([*()\[\],:])\s*', r'\1', re.sub(r'\s+', ' ', d)).strip()


def pahole_members(text):
    """{'struct name': [([(offset, declaration)], size), ...]} of pahole's output: names need not be unique."""
    found, name, members, opened = {}, None, [], []
    for line in text.splitlines():
        m = re.match(r'(struct|union) (\w+) \{', line)
        if m:
            name, members, opened = f'{m.group(1)} {m.group(2)}', [], []
            continue
        if re.match(r'\t+(const |volatile )?(struct|union) \{', line):
            opened.append(len(members))
        m = re.match(r'\t/\* size: (\d+)', line)
        if m and name:
            found.setdefault(name, []).append((members, int(m.group(1))))
        m = re.match(r'\t+(?!/\*)(.*?);\s*/\* *(\d+)(?:: *(\d+))? +(\d+) \*/', line)
        if m and name:
            declaration, offset, bit = m.group(1), int(m.group(2)), int(m.group(3) or 0)
            # The end of a struct that is declared in place.
            if declaration.lstrip().startswith('}'):
                # What a pointer points to lies somewhere else.
                start = opened.pop() if opened else 0
                if declaration.strip()[1:].lstrip().startswith('*'):
                    del members[start:]
                continue
            members.append((offset + bit // 8, plain(declaration)))
    return found


def our_members(text):
    """The same of one `struct -o`."""
    members = []
    for line in text.splitlines():
        m = re.match(r'\s*\[(\d+)\]\s+(.*?);$', line)
        if m and not m.group(2).startswith('}'):
            members.append((int(m.group(1)), plain(m.group(2))))
    size = re.search(r'^SIZE: (\d+)', text, re.M)
    return members, size and int(size.group(1))


def normal_sets(members):
    # pahole 1.24 shows a pointer to an array, char (*name)[256], as char *name.
    members = [(o, re.sub(r'^([\w ]+)\(\*(\w+)\)(\[\d*\])+$', r'\1*\2', d)) for o, d in members]
    # Structs that are declared in place and have a name are compared by their members.
    return sorted((o, re.sub(r'\b(?:const|volatile) ?', '', d)) for o, d in members
                  if not d.startswith(('struct {', 'union {', 'enum {')))


def compare_types(t, core, names, theirs, what):
    out = t.inquest('-s', *t.dump_args(core), stdin='\n'.join(
        x for i, n in enumerate(names) for x in (f'p 424242{i:04}', f'{n} -o')).encode(), check=False).out
    blocks = re.split(r'^.*= 424242(\d{4})$', out, flags=re.M)
    ours = {names[int(i)]: b for i, b in zip(blocks[1::2], blocks[2::2])}
    count, members, wrong = 0, 0, []
    for n in names:
        got, our_size = our_members(ours.get(n, ''))
        count += 1
        members += len(got)
        a = normal_sets(got)
        if not any((a, our_size) == (normal_sets(want), size) for want, size in theirs[n]):
            want, size = theirs[n][0]
            b = normal_sets(want)
            odd = [x for x in a if x not in b] + ['/'] + [x for x in b if x not in a]
            wrong.append(f'{n}: size {our_size}, pahole {size}; {odd[:6]}')
    t.none(wrong, what, count)
    t.note(f'{count} types, {members} members {what}')
    return count


def all_types(t, path, base=None):
    """pahole's listing of a file's BTF."""
    return others.once(('types', path), lambda: pahole_members(t.sh(
        ['pahole', '-F', 'btf', *(['--btf_base', base] if base else []), path], check=False, timeout=300).out))


@per_core(others.has_vmlinux, quick=1)
def kernel_types_by_dwarf(t, core):
    """Some large ones against DWARF, which BTF was made from."""
    names = ['task_struct', 'mm_struct', 'page', 'sk_buff', 'inode', 'super_block', 'net_device', 'module',
             'rq',
             'kmem_cache', 'file', 'dentry', 'vm_area_struct', 'pt_regs', 'cred']
    theirs = {}
    for name in names if t.all else t.rng().sample(names, 4):
        theirs.update(pahole_members(t.sh(['pahole', '-F', 'dwarf', '-C', name, core.vmlinux],
                                          check=False).out))
    count = compare_types(t, core, sorted(theirs), theirs, 'of the kernel by DWARF')
    t.ok(count >= 3, f'only {count} types compared')


@per_core(lambda c: c.whole() and c.module_files() and
          c.scenario.startswith(('usb-free', 'null-deref', 'uaf', 'abba', 'fs-crash', 'slab-leak')), quick=5)
def module_types(t, core):
    """Types that only a module has, from its BTF inside the dump."""
    count = 0
    if 'btf_data' not in str(t.command(core, 'struct module')):
        return t.note('skipped: modules have no BTF before 5.11')
    for path in others.loaded_module_files(t, core):
        with tempfile.NamedTemporaryFile() as f:
            # A module from outside of 7.x's tree has a base of its own.
            t.sh(['objcopy', '--dump-section', f'.BTF.base={f.name}', path, '/dev/null'], check=False)
            every = all_types(t, path, f.name if os.path.getsize(f.name) else core.vmlinux)
        known = sorted(set(every) - set(all_types(t, core.vmlinux)))
        # A kernel that does not take a module's BTF, made for another one, has none of it in memory.
        if known and 'BTF mismatch' in core.serial() and \
           'error' in t.commands(core, f'struct {known[0].split()[1]}', check=False)[0]:
            t.note(f'the kernel refused the BTF of {os.path.basename(path)}')
            continue
        if known:
            count += compare_types(t, core, known, every, f'of {os.path.basename(path)}')
    t.ok(count, 'no type compared')


@per_core(lambda c: c.whole() and c.scenario == 'double-free')
def module_without_btf(t, core):
    """dblfree has no BTF: its types are not known, and nothing is made up."""
    source = re.findall(r'^struct (\w+) \{', open(os.path.join(os.path.dirname(__file__), '..', 'lab', 'guest',
                                                               'modules', 'dblfree.c')).read(), re.M)
    t.ok(source, 'dblfree.c defines no struct')
    for name in source:
        out = t.inquest('--json', *t.dump_args(core), '-c', f'struct {name}', check=False)
        error = out.json()[0].get('error')
        t.ok(error and name in error['message'], f'struct {name}: {out.out[:200]}')
        t.equal(out.status, 1, f'status of struct {name}')
    # Its code and symbols are there all the same.
    symbols = t.command(core, 'sym -m dblfree')['symbols']
    t.ok(len(symbols) > 3, f'{len(symbols)} symbols of dblfree')


@per_core(others.has_vmlinux, quick=1, sanitized=False)
def all_of_btf(t, core):
    """The whole BTF, item by item, as bpftool and pahole list it."""
    here = os.path.dirname(os.path.abspath(__file__))
    tool = os.path.join(t.run.build, 'tests', 'unit', 'unit-btf-dump')
    files = [core.vmlinux]
    if t.all:
        files += ['-b', core.vmlinux, *others.loaded_module_files(t, core)]
    out = t.sh(['python3', os.path.join(here, '..', 'unit', 'btf_against_others.py'), tool, *files],
               check=False, timeout=600)
    if out.status == 77:
        return t.note('skipped: ' + out.out.strip())
    t.equal(out.status, 0, out.out[-1500:])
    t.note(out.out.strip().splitlines()[-1])
