# SPDX-License-Identifier: GPL-2.0-or-later
"""Source lines against eu-addr2line, for the kernel and for modules."""
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


def compare(t, core, addresses, theirs, what, *files):
    # sym ADDRESS says the line at ADDRESS, as addr2line does.
    out = t.inquest('--json', *files, stdin='\n'.join(f'sym {a:x}' for a in addresses).encode(), check=False,
                    timeout=300).json()
    wrong, known = [], 0
    for a, o, their in zip(addresses, out, theirs):
        s = (o.get('result') or {'symbols': [{}]})['symbols'][0]
        known += bool(s.get('line'))
        if not same(s.get('file'), s.get('line'), their):
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
    compare(t, core, [a + offset for a in addresses], theirs, 'of the kernel', core.vmcore, core.vmlinux)


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


@per_core(others.has_vmlinux, quick=3)
def of_traces(t, core):
    """bt: the lines of calls, and inlined functions in the order of eu-addr2line -i."""
    offset = others.need_offset(core)
    frames = [f for f in t.command(core, 'bt -l', vmlinux=True)['tasks'][0]['frames']
              if f['context'] != 'user' and not f['module']]
    addresses = []
    for n, f in enumerate(frames):
        exact = f['exception'] or f['n'] == frames[0]['n'] or f.get('how') == 'top'
        # A return address stands behind its call.
        addresses.append(int(f['ip'], 16) - offset - (0 if exact else 1))
    count = 0
    for f, a in zip(frames, addresses):
        if f['inline']:
            continue
        out = t.sh(['eu-addr2line', '-i', '-f', '-e', core.vmlinux, hex(a)]).out.splitlines()
        chain = [(out[i].split(' inlined')[0], out[i + 1]) for i in range(0, len(out) - 1, 2)]
        mine = [(g['file'], g['line']) for g in frames if g['ip'] == f['ip'] and g['sp'] == f['sp']]
        if chain and not chain[0][1].startswith('??'):
            count += 1
            t.ok(len(mine) == len(chain) and all(same(x, y, c[1]) for (x, y), c in zip(mine, chain)),
                 f'{f["function"]}+{f["offset"]}: {mine}, eu-addr2line {chain}')
    t.ok(count > 3, f'only {count} frames')
