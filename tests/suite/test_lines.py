# SPDX-License-Identifier: GPL-2.0-or-later
"""Source lines against eu-addr2line, for the kernel and for modules."""
import bisect
import os
import re

from harness import per_core
from suite import others


def same(file, line, theirs):
    m = re.match(r'(.*?):(\d+)', theirs)
    if not m or m.group(1) == '??' or m.group(2) == '0':
        # Line 0 is DWARF's way to say that there is none.
        return not line
    parts = os.path.normpath(m.group(1)).split('/')
    ours = os.path.normpath(file or '').split('/')
    # The kernel's folder is left out of ours; "./arch/..." and "arch/..." are one.
    return line == int(m.group(2)) and parts[-len(ours):] == ours[-len(parts):]


def compare(t, core, addresses, theirs, what, *files, none=lambda n: False):
    """none(n): has the n-th address no line by another program's judgement?"""
    # sym ADDRESS says the line at ADDRESS, as addr2line does.
    out = t.inquest('--json', *files, stdin='\n'.join(f'sym {a:x}' for a in addresses).encode(), check=False,
                    timeout=300).json()
    wrong, known = [], 0
    for n, (a, o, their) in enumerate(zip(addresses, out, theirs)):
        s = (o.get('result') or {'symbols': [{}]})['symbols'][0]
        known += bool(s.get('line'))
        if not same(s.get('file'), s.get('line'), their) and (s.get('line') or not none(n)):
            wrong.append(f'{a:#x}: {s.get("name")}+{s.get("offset")} {s.get("file")}:{s.get("line")}, eu-addr2line {their}')
    t.equal(len(out), len(addresses), 'answers')
    t.none(wrong, what, len(addresses))
    t.ok(known > len(addresses) / 2, f'{what}: only {known} lines')
    t.note(f'{known} lines {what}')


@per_core(others.has_vmlinux, quick=2)
def of_kernel(t, core):
    offset = others.need_offset(core)
    functions = sorted({a for a, k, n in others.system_map(t, core) if k in 'tT'})
    mark = {n: a for a, _, n in others.system_map(t, core)}
    functions = [f for f in functions if mark['_stext'] <= f < mark['_etext']]
    rng = t.rng()
    n = 20000 if t.all else 2000
    addresses = [rng.choice(functions) for _ in range(n // 2)] + \
        [rng.randrange(mark['_stext'], mark['_etext']) for _ in range(n // 2)]
    theirs = t.sh(['eu-addr2line', '-e', core.vmlinux], stdin='\n'.join(map(hex,
            addresses)) + '\n').out.splitlines()
    sizes = [(int(f[0], 16), int(f[1], 16)) for f in map(str.split, t.sh(['nm', '-nS', '--defined-only',
             core.vmlinux]).out.splitlines()) if len(f) == 4]
    starts = [start for start, _ in sizes]

    def in_padding(a):
        """Behind the end of its function, or where a sequence of lines has ended: elfutils shows the last line."""
        i = bisect.bisect(starts, a) - 1
        return i >= 0 and a >= sizes[i][0] + sizes[i][1] or \
            t.sh(['addr2line', '-e', core.vmlinux, hex(a)]).out.startswith('??')
    compare(t, core, [a + offset for a in addresses], theirs, 'of the kernel', core.vmcore, core.vmlinux,
            none=lambda n: in_padding(addresses[n]))


@per_core(lambda c: others.has_vmlinux(c) and c.module_files(), quick=4)
def of_modules(t, core):
    for path in t.sample(others.loaded_module_files(t, core), 4):
        name = os.path.basename(path).split('.')[0].replace('-', '_')
        functions = []
        for line in t.sh(['readelf', '-sW', path]).out.splitlines():
            f = line.split()
            if len(f) == 8 and f[3] == 'FUNC' and f[6].isdigit() and int(f[2], 0):
                functions.append((f[7], int(f[1], 16), int(f[2], 0), int(f[6])))
        sections = [re.match(r'\s*\[ *(\d+)\] (\S+)', l) for l in t.sh(['readelf', '-SW',
                path]).out.splitlines()]
        sections = {int(m.group(1)): m.group(2) for m in sections if m}
        ours = {}
        for s in t.command(core, f'sym -m {name}')['symbols']:
            ours.setdefault(s['name'], []).append(int(s['address'], 16))
        wanted, theirs = [], []
        for symbol, value, size, section in functions:
            if sections[section] != '.text' or len(ours.get(symbol, ())) != 1 or \
                    sum(1 for f in functions if f[0] == symbol) != 1:
                continue
            for o in {0, t.rng().randrange(size)}:
                wanted.append(ours[symbol][0] + o)
                theirs.append(f'{value + o:#x}')
        if not wanted:
            continue
        pairs = t.sample(list(zip(wanted, theirs)), 300)
        # In a file that is not linked addresses are offsets within a section.
        theirs = t.sh(['eu-addr2line', '-e', path, '-j', '.text'],
                      stdin='\n'.join(x for _, x in pairs) + '\n').out.splitlines()
        compare(t, core, [a for a, _ in pairs], theirs, f'of {name}', core.vmcore, core.vmlinux, path)


def inlined(t, core, address):
    """The lines of an address, those of functions inlined there first."""
    return t.sh(['eu-addr2line', '-i', '-f', '-e', core.vmlinux, hex(address)]).out.splitlines()[1::2]


@per_core(others.has_vmlinux, quick=3)
def of_traces(t, core):
    """bt: the lines of calls, and inlined functions in the order of eu-addr2line -i."""
    offset = others.need_offset(core)
    frames = [f for f in t.command(core, 'bt -l', vmlinux=True)['tasks'][0]['frames']
              if f['context'] != 'user' and not f['module']]
    count = 0
    for f in frames:
        if f['inline']:
            continue
        mine = [(g['file'], g['line']) for g in frames if g['ip'] == f['ip'] and g['sp'] == f['sp']]
        ip = int(f['ip'], 16) - offset
        # A return address stands behind its call; the innermost frame's may be one (of relocate_kernel()).
        chains = [inlined(t, core, a) for a in ([ip] if f['exception'] else [ip - 1] if f['slot'] else [ip, ip - 1])]
        if not chains[0] or chains[0][0].startswith('??'):
            continue
        count += 1
        t.ok(any(len(mine) == len(c) and all(same(x, y, z) for (x, y), z in zip(mine, c)) for c in chains),
             f'{f["function"]}+{f["offset"]}: {mine}, eu-addr2line {chains}')
    t.ok(count > 3, f'only {count} frames')
