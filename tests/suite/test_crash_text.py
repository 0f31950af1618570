# SPDX-License-Identifier: GPL-2.0-or-later
"""struct, union, whatis and enum print what the newest crash prints, line by line.

Not the same, and why:
- In a struct that is declared in place and has a name crash leaves the offsets of the members out; ours are there.
- Of a struct in place in another struct in place that has a name, crash shows "struct {...} name;"; here are its members.
- If two members in such places have one name, crash gives both the offset of the first, and shows both where one is
  asked for; in C the name is that of the one in the place without a name.
- Of a typedef and a struct of one name whatis shows the typedef with the struct in it, crash the struct.
- A typedef of a pointer to a function is C here ("typedef int (*initcall_t)(void);"), not in crash.
- What a pointer in a struct without a name, or on a path, points to is followed by -p; crash prints such members plain.
- Bytes in strings that are no characters: as gdb 13 writes them here, in crash 9 as gdb 16 does.
- Symbols: crash names addresses in modules by what it knows without their debug information.
- An empty string is "" and not "(not accessible)".
"""
import re

from harness import per_core
from suite import others, struct_vs_crash, test_values, type_truth


def for_crash(core):
    return test_values.for_crash(core) and core.format == 'zlib'


def newest_crash(t, core, commands):
    """crash 9 where it is there; on Debian 12's kernel 8 will do."""
    program = [others.RIVALS, 'run', 'crash'] if others.has_rivals() else others.crash_program(core)
    out = t.sh([*program, '-s', core.vmlinux, core.vmcore],
               stdin='set scroll off\n' + type_truth.script(commands) + 'exit\n', check=False, timeout=900,
               env={'LANG': 'C', 'LC_ALL': 'C'})
    return type_truth.answers(out.out, commands)


def plain(text):
    """Lines without names of addresses, and with one word for memory that cannot be read."""
    # Where crash indents a long line it can cut a name.
    text = re.sub(r'< +(?=\w)', '<', text)
    text = struct_vs_crash.UNREADABLE.sub('<unreadable>', text)
    text = struct_vs_crash.SYMBOL.sub(r'\1', text)
    text = re.sub(r'^  -> <[\w.]+>( |$)', r'  -> \1', text, flags=re.M)
    return [l.rstrip() for l in text.splitlines()]


def characters(line):
    """What stands in front of a string, and its bytes: gdb 16 (crash 9) writes some of them in another way than gdb 13,
    and cuts long arrays elsewhere."""
    before, _, text = line.partition('"')
    text = re.sub(r'", <incomplete sequence (.*?)>', r'\1"', text)
    text = re.sub(r'"(\.\.\.)?,?$', '', text)
    raw = re.sub(rb'\\([0-7]{3}|[abefnrtv\\"])', lambda m: bytes([int(m.group(1), 8)]) if len(m.group(1)) == 3 else
                 {b'a': b'\a', b'b': b'\b', b'e': b'\x1b', b'f': b'\f', b'n': b'\n', b'r': b'\r', b't': b'\t',
                  b'v': b'\v'}.get(m.group(1), m.group(1)), text.encode())
    return before, raw[:256]


def same_line(theirs, ours):
    if theirs == ours:
        return True
    if '"' in ours and '\\' in ours and characters(theirs) == characters(ours):
        return True
    # crash reads what gdb says in pieces, and indents them.
    if len(theirs) > 1400 and re.sub(r'\s+|<.*?>', '', theirs) == re.sub(r'\s+|<.*?>', '', ours):
        return True
    # The offset, or address, of a member of a named struct in place.
    bare = re.sub(r'^ *\[(0x)?[0-9a-f]+\]', '', ours)
    if theirs.strip() == bare.strip() or theirs.replace('[0];', '[];') == ours:
        return True
    # BTF of old kernels does not say which enums have no sign.
    a, b = (re.fullmatch(r'  (\w+) = (-?\d+)', x) for x in (theirs, ours))
    if a and b and a.group(1) == b.group(1) and int(a.group(2)) - int(b.group(2)) == 1 << 32:
        return True
    # One dimension of several; the end of a long array of characters.
    return type_truth.one_dimension(theirs) == ours or struct_vs_crash.flat(theirs) == struct_vs_crash.flat(ours)


def is_of_namesake(line, theirs, lines):
    """The same line but for its offset, and there is another of the same declaration's name."""
    def without(text):
        return re.sub(r'^ *\[(0x)?[0-9a-f]+\] *', '', text)
    m = re.search(r'(\w+)(\[\d*\])*( : \d+)?;$', line)
    return m and without(line) == without(theirs) and \
        sum(bool(re.search(rf'\b{m.group(1)}\b(\[\d*\])*( : \d+)?;$', x)) for x in lines) > 1


def compare(t, what, commands, theirs, ours):
    wrong, lines, refused, folded = [], 0, 0, 0
    for c in commands:
        a, b = plain(theirs.get(c, '')), plain(ours[c])
        # Both say that it cannot be done, in their own words.
        if a and re.match(r'\w+: |crash: ', a[0]):
            refused += 1
            continue
        # A variable of a type's name, which is known by DWARF only, comes before the type.
        if c.startswith('whatis ') and len(a) == 1 and \
           re.search(rf'([ *]|\bconst){c.split()[-1]}(\[\d*\])*;$', a[0]) and not a[0].startswith('typedef'):
            continue
        # It does not know what kind of type has 128 bits, and says its name only ("u128").
        if len(a) == 1 and re.fullmatch(r'\w*128', a[0]) and b and '__int128' in b[0]:
            continue
        if any('{...}' in x for x in a) and not any('{...}' in x for x in b):
            folded += 1
            continue
        if '.' in c and len(b) == 3 and len(a) > 3 and a[1:-1] == a[1:2] * (len(a) - 2):
            a = [a[0], a[1], a[-1]]
        if c.startswith('whatis ') and a and b and b[0] == f'typedef {a[0]}':
            b = [a[0]] + [re.sub(rf'^}} {c.split()[-1]};$', '}', x) for x in b[1:]]
        lines += len(a)
        bad = [(x, y) for x, y in zip(a, b) if not same_line(x, y) and not is_of_namesake(y, x, b)]
        if len(a) != len(b):
            bad = bad or [(a[len(b):][:1], b[len(a):][:1])]
        if bad:
            wrong.append(f'{c}: crash {bad[0][0]!r}, ours {bad[0][1]!r}')
    # crash has odd ways that no rule above knows yet: one in a hundred is looked at, but is no failure.
    if len(wrong) <= len(commands) // 100:
        for line in wrong:
            t.note(f'differs: {line[:300]}')
    else:
        t.none(wrong, what, len(commands))
    t.note(f'{len(commands)} commands, {lines} lines {what}; crash refused {refused}, folded {folded}')
    t.ok(refused < len(commands) // 3, f'crash refused {refused} of {len(commands)}')


@per_core(for_crash, quick=1, sanitized=False)
def definitions(t, core):
    """struct, union and whatis of types and members, with offsets in both radixes and as addresses."""
    btf, rng = type_truth.btf(t, core.vmlinux), t.rng()
    layouts = {n: l for n, l in btf.layouts().items() if len(l) == 1}
    names = sorted(layouts)
    chosen = rng.sample(names, 1500 if t.all else 80)
    commands = []
    for name in chosen:
        tag, word = name.split()
        commands += [rng.choice([f'{tag} {word}', f'whatis {word}', f'whatis {name}']),
                     rng.choice([f'{tag} -o {word}', f'whatis -o {word}', f'{tag} {word} -ox', f'{tag} {word} -x',
                                 f'{tag} -o {word} init_task', f'{tag} {word} -ox init_task'])]
        members = [m for m, _, _ in next(iter(layouts[name]))[1] if m]
        if members:
            commands.append(f'{tag} {word}.{rng.choice(members)}' +
                            rng.choice(['', ' -o', ' -x', ' -o init_task']))
    enums = sorted(n for n, e in btf.enums().items() if n and len(e) == 1)
    commands += [rng.choice(['enum ', 'whatis ', 'whatis enum ']) + n for n in rng.sample(enums, 30)]
    typedefs = sorted({x['name'] for x in btf.types.values() if x['kind'] == 'TYPEDEF'})
    commands += [f'whatis {n}' for n in rng.sample(typedefs, 50)]
    commands = sorted(set(commands))
    ours = type_truth.ask(t, core, commands)
    # A typedef that C writes otherwise; a member that is declared in place, of which crash shows the end.
    commands = [c for c in commands if not re.search(r'^typedef.*(\(\*|\*|\w\(.*\);$)|\[\d*\];', ours[c].splitlines()[0]) and
                not ('.' in c and re.search(r'\] *} \w', ours[c]))]
    compare(t, 'of definitions', commands, newest_crash(t, core, commands), ours)


def members_of(struct):
    """Members at the outermost level, with what they are."""
    # Of an array of structs crash cuts out too much, or too little.
    return [m for m in struct.get('members', []) if m['name'] and 'bit_size' not in m and
            not re.match(r'(struct|union) [\w]+ \[', m['type'])]


@per_core(for_crash, quick=1, sanitized=False)
def objects(t, core):
    """Members of objects that pointers lead to, whole and in part, followed, raw and in rows."""
    rng = t.rng()
    pairs = struct_vs_crash.choose(t.run.inquest, core.vmcore, 4, 600 if t.all else 50)
    known = t.inquest('-s', '--json', *t.dump_args(core), check=False,
                      stdin='\n'.join(f'{n} {a}' for n, a in pairs).encode()).json()
    commands = []
    for (name, address), o in zip(pairs, known):
        members = members_of(o.get('result') or {})
        tag, word = name.split()
        if not members:
            continue
        some = ','.join(m['name'] for m in rng.sample(members, min(3, len(members))))
        pointers = [m['name'] for m in members if m['type'].endswith('*') or '(*' in m['type']]
        commands += [f'{tag} {word}.{some} {address}',
                     f'{tag} {word}.{some} {address}' + rng.choice([' -x', ' -d', ' -x 2', ' 2', ' -c 2', ' -c -2']),
                     f'{tag} {word} -r {address}', f'{tag} {word}.{members[0]["name"]} -r {address}',
                     f'{tag} -l {word}.{members[-1]["name"]} {word}.{members[0]["name"]} {address}']
        if pointers:
            commands.append(f'{tag} {word}.{rng.choice(pointers)} -p {address}')
        if len(members) < 30:
            commands.append(f'{tag} {word} -p {address}')
        inner = [m for m in members if m.get('members') and m['members'][0]['name']]
        if inner:
            m = rng.choice(inner)
            commands.append(f'{tag} {word}.{m["name"]}.{m["members"][0]["name"]} {address}')
    for cpus in (':a', ':0', ':1', ':0-1', ''):
        commands += [f'struct rq.nr_running,cpu runqueues{cpus}', f'rq.curr runqueues{cpus} -x'] if cpus else []
    commands = sorted(set(commands))
    ours = type_truth.ask(t, core, commands)
    theirs = newest_crash(t, core, commands)
    # Where a target cannot be read, or is a string that is empty or long, they put it in other words; and of a
    # variable that a void pointer is to, crash knows the type by DWARF.
    keep = [c for c in commands if 'not accessible' not in theirs.get(c, '') + ours[c] and
            '<unreadable>' not in ' '.join(plain(theirs.get(c, '') + ours[c])) and
            not ('-r' in c and '?' in ours[c]) and not re.search(r'^  void \*\w+ = 0x.*\n  -> <', ours[c], re.M)]
    t.note(f'{len(commands) - len(keep)} commands met memory that is not there')
    compare(t, 'of objects', keep, theirs, ours)
