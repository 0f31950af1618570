# SPDX-License-Identifier: GPL-2.0-or-later
"""Every struct, union and enum of a kernel, from BTF and from DWARF, against bpftool and pahole; and what the
commands about types print against crash."""
import re

from harness import per_core
from suite import others, type_truth

BTF = ('--no-vmlinux',)
DWARF = ('--no-btf',)


def first_of_kernel(core):
    """One core of each kernel will do: types do not depend on what happened."""
    return bool(others.has_vmlinux(core) and re.fullmatch(r'sysrq(-full|-bullseye|-trixie|-sid)?', core.name))


def names_of(t, core):
    """Names of all structs and unions."""
    return sorted(type_truth.btf(t, core.vmlinux).layouts())


def flat(members, base=0):
    """JSON's members as type_truth.Btf.members() has them."""
    found = []
    for m in members:
        at = m['offset'] * 8 + m.get('bit_offset', 0)
        found.append((m['name'] or '', at, m.get('bit_size', 0)))
        if m['name'] is None:
            found += flat(m['members'])
    return found


def our_layouts(t, core, names, vmlinux):
    """{name: {(size, members)}} of the kernel's own types."""
    options = DWARF if vmlinux else ()
    commands = ''.join('%s -a %s\n' % tuple(n.split()) for n in names)
    out = t.inquest('-s', '--json', *t.dump_args(core, vmlinux), *options, stdin=commands.encode(),
                    check=False, timeout=300)
    found = {}
    for name, o in zip(names, out.json()):
        found[name] = {(l['size'], tuple(flat(l['members']))) for l in o.get('result', {}).get('layouts', [])
                       if l['module'] is None and l['type'] == name}
    return found


def compare_layouts(t, core, vmlinux, what):
    theirs = type_truth.btf(t, core.vmlinux).layouts()
    names = sorted(theirs)
    ours = our_layouts(t, core, names, vmlinux)
    wrong = []
    for name in names:
        if ours.get(name) != theirs[name]:
            more, less = ours.get(name, set()) - theirs[name], theirs[name] - ours.get(name, set())
            wrong.append(f'{name}: ours only {str(sorted(more))[:300]}; bpftool only {str(sorted(less))[:300]}')
    t.none(wrong, what, len(names))
    several = sum(len(x) > 1 for x in theirs.values())
    members = sum(len(m) for x in theirs.values() for _, m in x)
    t.note(f'{core.kernel}: {len(names)} structs and unions, {several} names with several, '
           f'{members} members {what}')
    t.ok(len(names) > 5000, f'only {len(names)} types compared')


@per_core(first_of_kernel, quick=2, sanitized=False)
def layouts_from_btf(t, core):
    """Size, and offset and width of each member, of all structs and unions: sets where a name has several."""
    compare_layouts(t, core, False, 'from BTF')


@per_core(first_of_kernel, quick=1, sanitized=False)
def layouts_from_dwarf(t, core):
    """The same from the vmlinux's DWARF, from which BTF was made by someone else."""
    compare_layouts(t, core, True, 'from DWARF')


@per_core(first_of_kernel, quick=1, sanitized=False)
def dwarf_says_what_btf_says(t, core):
    """The text of all of them is the same; but BTF up to 6.x knows one dimension only."""
    commands = ['%s -a -o %s' % tuple(n.split()) for n in names_of(t, core)]
    btf = type_truth.ask(t, core, commands)
    dwarf = type_truth.ask(t, core, commands, *DWARF, vmlinux=True)
    wrong, dimensions = [], 0
    for c in commands:
        if btf[c] == dwarf[c]:
            continue
        a, b = (type_truth.one_dimension(x).splitlines() for x in (btf[c], dwarf[c]))
        dimensions += sorted(a) == sorted(b)
        if sorted(a) != sorted(b):
            wrong.append(f'{c}: ' + '; '.join(sorted(set(a) ^ set(b)))[:300])
    t.none(wrong, 'definitions', len(commands))
    t.note(f'{core.kernel}: {len(commands)} definitions, {dimensions} but for dimensions')


def compare_pahole(t, core, theirs, vmlinux, what):
    commands = [f'pahole {n}' for n in sorted(theirs)]
    ours = type_truth.ask(t, core, commands, *(DWARF if vmlinux else ()), vmlinux=vmlinux)
    wrong, lines = [], 0
    for c in commands:
        name = c.partition(' ')[2]
        got = type_truth.pahole_blocks(ours[c]).get(name, [])
        got = type_truth.pahole_lines(got[0]) if got else []
        lines += len(got)
        if got in theirs[name]:
            continue
        # The sums of a nameless struct that is const pahole prints inside of it.
        if any([x for x in want if not re.match(r'/\*(size|summembers|lastcacheline):', x)] ==
               [x for x in got if not re.match(r'/\*(size|summembers|lastcacheline):', x)] and
               got[-1:] == want[-1:] for want in theirs[name]):
            continue
        want = theirs[name][0]
        wrong.append(f'{name}: {[x for x in got if x not in want][:4]} / {[x for x in want if x not in got][:4]}')
    t.none(wrong, what, len(commands))
    t.note(f'{core.kernel}: {len(commands)} types, {lines} lines {what}')
    t.ok(len(commands) > 5000, f'only {len(commands)} types compared')


@per_core(first_of_kernel, quick=1, sanitized=False)
def holes(t, core):
    """Offsets, sizes, holes, paddings, cache lines and sums as pahole prints them, line by line."""
    compare_pahole(t, core, type_truth.pahole(t, core.vmlinux, 'btf'), False, "of pahole's")
    if t.all:
        compare_pahole(t, core, type_truth.pahole(t, core.vmlinux, 'dwarf'), True, "of pahole's, by DWARF")


def number(value):
    """Above 2^63 - 1 they are text."""
    return int(value, 16) if isinstance(value, str) else value


def masked(constants, bits):
    return [(name, value & bits) for name, value in constants]


@per_core(first_of_kernel, quick=2, sanitized=False)
def constants(t, core):
    """Every constant of every enum, from both sources.  Where BTF does not say which enums are signed (older
    pahole) their bits are compared."""
    enums = type_truth.btf(t, core.vmlinux).enums()
    bits = (1 << 64) - 1 if type_truth.btf(t, core.vmlinux).signs else (1 << 32) - 1
    named = sorted(n for n in enums if n)
    single = [n for n in named if len(enums[n]) == 1]
    values = {}
    for layouts in enums.values():
        for constants_ in layouts:
            for name, value in constants_:
                values.setdefault(name, set()).add(value)
    alone = t.sample(sorted(values), 2000)
    for vmlinux in (False, True):
        options = DWARF if vmlinux else ()
        commands = [f'enum {n}' for n in single] + [f'whatis {n}' for n in alone]
        out = t.inquest('-s', '--json', *t.dump_args(core, vmlinux), *options,
                        stdin='\n'.join(commands + ['']).encode(), check=False, timeout=300).json()
        wrong = []
        for n, o in zip(single, out):
            got = tuple((e['name'], number(e['value'])) for e in o.get('result', {}).get('enumerators', []))
            if masked(got, bits) != masked(next(iter(enums[n])), bits):
                wrong.append(f'enum {n}: {str(got)[:200]}, bpftool {str(enums[n])[:200]}')
        for n, o in zip(alone, out[len(single):]):
            r = o.get('result', {})
            # A variable or type of the name comes first, as in gdb.
            known = {v & bits for v in values[n]}
            if r.get('kind') == 'enumerator' and number(r['value']) & bits not in known or not r:
                wrong.append(f'{n}: {r}, bpftool {values[n]}')
        what = 'from DWARF' if vmlinux else 'from BTF'
        t.none(wrong, what, len(commands))
        t.note(f'{core.kernel}: {len(single)} enums, {sum(len(next(iter(enums[n]))) for n in single)} constants in them, '
               f'{len(alone)} alone, {what}')


# ---- Searching ----------------------------------------------------------------------------------

def listed(text):
    return {(int(m.group(1)), type_truth.words(m.group(2))) for m in re.finditer(r'^ *(\d+)  (.*)$', text, re.M)}


@per_core(first_of_kernel, quick=1, sanitized=False)
def searches(t, core):
    """whatis -r and -m find what bpftool's records say, and nothing else; quickly."""
    btf, rng = type_truth.btf(t, core.vmlinux), t.rng()
    sizes = sorted({x['size'] for x in btf.types.values() if x['kind'] == 'STRUCT'})
    parts = ['mm_struct', 'list_head', 'spinlock', 'pid_t', 'unsigned long', 'task', 'bool', 'inode']
    cases = [(n, n, None) for n in rng.sample(sizes, 12)] + [(60, 90, None), (0, 10000000, None)]
    cases += [(0, 1 << 62, p) for p in parts] + [(64, 128, p) for p in parts]
    for low, high, part in cases:
        command = f'whatis -r {low}-{high}' + (f' -m "{part}"' if part else '')
        result = t.command(core, command)
        got = {(x['size'], x['name']) for x in result['types'] if x['module'] is None}
        want = btf.search(low, high, part)
        t.ok(got == want, f'{command}: ours only {sorted(got - want)[:5]}, bpftool only {sorted(want - got)[:5]}')
    seconds = min(t.inquest(*t.dump_args(core), '-c', 'whatis -m mm_struct').seconds for _ in range(3))
    t.ok(seconds < 1, f'whatis -m mm_struct takes {seconds:.2f} s')
    t.note(f'{len(cases)} searches; whatis -m mm_struct in {seconds * 1000:.0f} ms with start-up')


@per_core(lambda c: first_of_kernel(c) and others.has_crash(c), quick=1, sanitized=False)
def searches_of_crash(t, core):
    """What crash finds is found.  (It does not look into unions nor into functions; of typedefs it finds those that gdb
    met before.  That takes it long, and gigabytes.)"""
    if not t.all:
        return t.note('CHECK=all runs it')
    commands = ['whatis -r 8-4096', 'whatis -m mm_struct', 'whatis -m list_head -r 64-512', 'whatis -m pid_t']
    typedefs = {x['name'] for x in type_truth.btf(t, core.vmlinux).types.values() if x['kind'] == 'TYPEDEF'}
    theirs = type_truth.ask_crash(t, core, commands)
    ours = type_truth.ask(t, core, commands)
    for c in commands:
        a, b = listed(theirs[c]), listed(ours[c])
        t.ok(len(a) > 5, f'crash: {c}: {theirs[c][:200]}')
        t.none(sorted(x for x in a - b if x[1] not in typedefs), f'{c}: found by crash only', len(a))
        t.note(f'{core.kernel}: {c}: {len(a)} found by crash, {len(b)} by us')


# ---- Names --------------------------------------------------------------------------------------

@per_core(lambda c: first_of_kernel(c), quick=2)
def several_of_a_name(t, core):
    """Each type of a name can be had by its number; without one there is a warning."""
    theirs = {n: l for n, l in type_truth.btf(t, core.vmlinux).layouts().items() if len(l) > 1}
    t.ok(theirs, 'no name has several types')
    for name, layouts in sorted(theirs.items()):
        word = name.split()[1]
        o = t.commands(core, f'{name}; struct -a {word}', check=False)
        t.ok(any(f'{word}#' in w for w in o[0]['warnings']), f'{name}: {o[0]["warnings"]}')
        sizes = []
        for l in o[1]['result']['layouts']:
            if l['module']:
                continue
            r = t.command(core, f'struct {word}#{l["number"]}')
            t.equal([r['size'], r['members']], [l['size'], l['members']], f'{word}#{l["number"]}')
            sizes.append(l['size'])
        t.equal(sorted(sizes), sorted(s for s, _ in layouts), f'sizes of {name}')


@per_core(first_of_kernel, quick=1)
def names_alone(t, core):
    """A type, a member or a constant alone; a misspelt one; a completed one."""
    def text(line):
        return t.inquest('-s', *t.dump_args(core), '-c', line, check=False)
    t.equal(text('list_head').out, text('struct list_head').out, 'list_head')
    t.equal(text('task_struct.comm,pid init_task').out, text('struct task_struct.comm,pid init_task').out, 'comm')
    t.equal(text('*list_head modules').out, text('struct list_head modules').out, '*list_head')
    t.equal(text('PIDTYPE_TGID').out, 'enum pid_type = 1\n', 'PIDTYPE_TGID')
    t.equal(text('sizeof list_head').out, '16\n', 'sizeof')
    t.equal(text('enum pid_type 1').out, 'PIDTYPE_TGID = 1\n', 'enum')
    t.equal(text('whatis struct pid_t').out, 'typedef int pid_t;\nSIZE: 4\n', 'struct of a typedef')
    for wrong, right in (('struct taskstruct', 'task_struct'), ('struct task_struct.com', 'comm'),
                         ('enum pid_typ', 'pid_type'), ('struct task_struct.se.vruntim init_task', 'vruntime')):
        o = text(wrong)
        t.ok(o.status == 1 and right in o.err, f'{wrong}: {o.err}')
