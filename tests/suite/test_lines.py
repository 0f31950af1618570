# SPDX-License-Identifier: GPL-2.0-or-later
"""Source lines and inlined functions against eu-addr2line -i, for all kernels of the lab and their modules.

Where the two differ binutils' addr2line -i decides: elfutils 0.188 takes the lines of some calls from the
line table instead of DW_AT_call_line, and leaves out the outer function where both have the same line.
"""
import bisect
import os
import re

from harness import per_core, test
from suite import others

BUILD = re.compile(r'^(?:/build/[^/]*/(?:linux-[^/]*/)?|/usr/src/linux-[^/]*/)?(?:debian/build/build_[^/]*/)?')


def place(text):
    """(file, line) of one line of addr2line's, the file as we name it; None: it does not know."""
    m = re.match(r'(.*?):(\d+)(?::\d+)?(?: \(discriminator \d+\))?$', text)
    if not m or m.group(1) == '??' or m.group(2) == '0':
        return None
    path = os.path.normpath(m.group(1))
    return BUILD.sub('', path), int(m.group(2))


def same(file, line, theirs):
    """As place(), but their path may have more or fewer folders in front."""
    m = re.match(r'(.*?):(\d+)', theirs)
    if not m or m.group(1) == '??' or m.group(2) == '0':
        # Line 0 is DWARF's way to say that there is none.
        return not line
    parts = os.path.normpath(m.group(1)).split('/')
    ours = os.path.normpath(file or '').split('/')
    return line == int(m.group(2)) and parts[-len(ours):] == ours[-len(parts):]


def chains(t, program, path, addresses, section=None, functions=False):
    """[(function, place)…] of each address, innermost first; functions are None if they are not asked for."""
    args = [program, '-a', '-i', '-e', path] + (['-f'] if functions else []) + \
        (['-j', section] if section else [])
    found = []
    name = None
    for line in t.sh(args, stdin='\n'.join(map(hex, addresses)) + '\n', timeout=1500).out.splitlines():
        if re.fullmatch('0x[0-9a-f]{16}', line):
            found.append([])
            name = None
        elif functions and name is None:
            name = line.split(' inlined at ')[0]
        else:
            found[-1].append((name, place(line)))
            name = None
    return found


def lines_of(t, files, addresses, command='line -e'):
    """What `line` says of each address: [(function, (file, line))…]."""
    commands = '\n'.join(f'{command} ' + ' '.join(f'{a:x}' for a in addresses[i:i + 400])
                         for i in range(0, len(addresses), 400))
    found = []
    for o in t.inquest('--json', *files, stdin=commands.encode(), check=False, timeout=300).json():
        # None of a batch having a line is an error, which comes with its rows.
        if 'result' not in o:
            raise AssertionError(f'{o}')
        found += [[(c['function'], (c['file'], c['line'])) for c in row['chain'] if c['file']]
                  for row in o['result']['lines']]
    return found


def equal_place(mine, theirs, outside):
    """OUTSIDE of the kernel's tree more or fewer folders may stand in front: which of them is the build's?"""
    a, b = mine[0].split('/'), theirs[0].split('/')
    n = min(len(a), len(b)) if outside else max(len(a), len(b))
    return mine[1] == theirs[1] and a[-n:] == b[-n:]


def differs(mine, theirs, outside):
    theirs = [(f, p) for f, p in theirs if p]
    if len(mine) != len(theirs) or not all(equal_place(p, q, outside) for (_, p), (_, q) in zip(mine, theirs)):
        return True
    return any(f and g and f != g and g != '??' for (f, _), (g, _) in zip(mine, theirs))


def compare(t, what, mine, theirs, addresses, path, section=None):
    """All chains of MINE and THEIRS; of those that differ each must be binutils' as well."""
    t.equal(len(mine), len(theirs), f'{what}: answers')
    doubtful = [i for i, (m, o) in enumerate(zip(mine, theirs)) if differs(m, o, section)]
    wrong, by_binutils = [], 0
    if doubtful:
        others_ = chains(t, 'addr2line', path, [addresses[i] for i in doubtful], section, functions=True)
        for i, o in zip(doubtful, others_):
            if differs(mine[i], o, section):
                wrong.append(f'{addresses[i]:#x}: {mine[i]}, eu-addr2line {theirs[i]}, addr2line {o}')
            else:
                by_binutils += 1
    t.none(wrong, f'lines of {what}', len(mine))
    known = sum(1 for m in mine if m)
    t.ok(known > len(mine) * 0.6, f'{what}: only {known} of {len(mine)} have lines')
    t.ok(by_binutils <= max(3, len(mine) / 100), f'{what}: elfutils contradicts binutils for {by_binutils} of {len(mine)}')
    return known, by_binutils


def kernels(t):
    """One core of each kernel of the lab whose KASLR offset is known, the smallest."""
    found = {}
    for core in t.run.cores:
        if others.has_vmlinux(core) and core.modules and others.kernel_offset(core) is not None:
            found.setdefault(core.kernel, []).append(core)
    return [min(cores, key=lambda c: os.path.getsize(c.vmcore)) for _, cores in sorted(found.items())]


def code(t, core):
    """Functions of a vmlinux with their sizes, of .text: [(address, size)…]."""
    mark = {n: a for a, _, n in others.system_map(t, core) if n in ('_stext', '_etext')}
    rows = []
    for line in t.sh(['nm', '-nS', '--defined-only', core.vmlinux]).out.splitlines():
        f = line.split()
        # __pfx_ marks the padding in front of a function, of which debug information says nothing.
        if len(f) == 4 and f[2] in 'tTwW' and not f[3].startswith('__pfx_') and mark['_stext'] <= int(f[0], 16) < mark['_etext']:
            rows.append((int(f[0], 16), int(f[1], 16)))
    return rows


@test(sanitized=False)
def of_kernels(t):
    """Addresses all over the code of each kernel: file, line, and the chain of inlined functions."""
    for core in kernels(t):
        offset = others.need_offset(core)
        rng = t.rng()
        functions = [f for f in code(t, core) if f[1]]
        picks = rng.choices(functions, k=75000 if t.all else 1200)
        # Behind the end of a function elfutils goes on with its last line: nothing to compare with.
        addresses = sorted({a + rng.randrange(size) for a, size in picks})
        mine = lines_of(t, [core.vmcore, core.vmlinux], [a + offset for a in addresses])
        theirs = chains(t, 'eu-addr2line', core.vmlinux, addresses)
        some = set(t.rng().sample(range(len(addresses)), len(addresses) // 10))
        names = chains(t, 'eu-addr2line', core.vmlinux, [addresses[i] for i in sorted(some)], functions=True)
        for i, n in zip(sorted(some), names):
            theirs[i] = n
        known, odd = compare(t, core.kernel, mine, theirs, addresses, core.vmlinux)
        t.note(f'{core.kernel}: {known} lines, {odd} by binutils')


def functions_of(t, path):
    """[(name, value, size, section)] of a module file's functions."""
    names = dict(re.findall(r'^ *\[ *(\d+)\] (\S+)', t.sh(['readelf', '-SW', path]).out, re.M))
    found = []
    for line in t.sh(['readelf', '-sW', path]).out.splitlines():
        f = line.split()
        if len(f) == 8 and f[3] == 'FUNC' and f[6] in names and int(f[2], 0):
            found.append((f[7], int(f[1], 16), int(f[2], 0), names[f[6]]))
    return found


def module_addresses(t, core, path, section, count):
    """Addresses in functions of a module: [(where it was loaded, offset in the section)…]."""
    name = os.path.basename(path).split('.')[0].replace('-', '_')
    functions = functions_of(t, path)
    loaded = {}
    for s in t.command(core, f'sym -m {name}')['symbols']:
        loaded.setdefault(s['name'], []).append(int(s['address'], 16))
    once = [f for f in functions if not f[0].startswith('__pfx_') and f[3] == section and len(loaded.get(f[0], ())) == 1 and
            sum(1 for g in functions if g[0] == f[0]) == 1]
    rng = t.rng()
    picks = rng.choices(once, k=count) if once else []
    pairs = {}
    for symbol, value, size, _ in picks:
        o = rng.randrange(size)
        pairs[value + o] = loaded[symbol][0] + o
    return sorted((a, o) for o, a in pairs.items())


@test(sanitized=False)
def of_modules(t):
    """The same in modules, of each kernel: sections lie where the dump says that they were loaded."""
    for core in kernels(t):
        files = others.loaded_module_files(t, core)
        total = odd = 0
        for path in files if t.all else t.sample(files, 4):
            for section in '.text', '.text.unlikely':
                pairs = module_addresses(t, core, path, section, 3000 if t.all else 150)
                if not pairs:
                    continue
                addresses = [o for _, o in pairs]
                mine = lines_of(t, [core.vmcore, core.vmlinux, path], [a for a, _ in pairs])
                # In a file that is not linked addresses are offsets within a section.
                theirs = chains(t, 'eu-addr2line', path, addresses, section, functions=True)
                more = compare(t, f'{os.path.basename(path)} {section}', mine, theirs, addresses, path, section)
                total, odd = total + more[0], odd + more[1]
        t.note(f'{core.kernel}: {total} lines in modules, {odd} by binutils')


@per_core(lambda c: others.has_vmlinux(c) and others.kernel_offset(c) is not None, quick=3)
def of_calls(t, core):
    """sym and line of addresses that calls return to, from all stacks: the lines of the calls."""
    offset = others.need_offset(core)
    # The call in a stack's slot is proven by the unwinder; whether one is there objdump says as well.
    slots = {int(f['ip'], 16) for task in t.command(core, 'foreach bt')['tasks'] for f in task['frames']
             if f['context'] != 'user' and not f['module'] and not f['exception'] and not f['inline'] and f.get('slot')}
    slots = t.sample(sorted(slots), 25)
    if not slots:
        return t.note('no return addresses')
    out = t.inquest('--json', core.vmcore, core.vmlinux, stdin='\n'.join(
        f'sym {a:x}; line {a:x}; line -e {a:x}' for a in slots).encode(), check=False).json()
    failed = [o for o in out if 'result' not in o]
    if failed:
        return t.fail(f'{failed[:3]}')
    want = chains(t, 'eu-addr2line', core.vmlinux, [a - offset - 1 for a in slots])
    calls, mine, kept = 0, [], []
    for i, a in enumerate(slots):
        sym, line, exact = (o['result'] for o in out[3 * i:3 * i + 3])
        before = t.sh(['objdump', '-d', '--no-show-raw-insn', f'--start-address={a - offset - 5:#x}',
                       f'--stop-address={a - offset:#x}', core.vmlinux]).out.splitlines()[-1]
        calls += '\tcall ' in before
        if '\tlret' in before:      # how a CPU jumps to its first C function
            continue
        # Behind the last call of a function that does not return the next one begins, which sym means.
        begins = sym['symbols'][0]['offset'] == 0
        t.ok(line['lines'][0]['call'] or begins, f'{a:x}: not taken for a return address ({before})')
        t.ok(not exact['lines'][0]['call'], f'line -e {a:x}')
        if begins:
            continue
        t.equal((sym['symbols'][0]['file'], sym['symbols'][0]['line'], sym['symbols'][0]['chain']),
                (line['lines'][0]['file'], line['lines'][0]['line'], line['lines'][0]['chain']), f'sym and line {a:x}')
        mine.append([(c['function'], (c['file'], c['line'])) for c in line['lines'][0]['chain'] if c['file']])
        kept.append(i)
    compare(t, 'calls', mine, [want[i] for i in kept], [slots[i] - offset - 1 for i in kept], core.vmlinux)
    t.note(f'{len(slots)} return addresses, {calls} behind direct calls')


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
