# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and addresses against System.map, nm, the guest's /proc/kallsyms and crash's rule for addresses."""
import bisect
import os
import re

from harness import per_core
from suite import others


def listed(t, core, vmlinux=False):
    return t.command(core, 'sym -l', vmlinux=vmlinux)['symbols']


@per_core(lambda c: others.has_vmlinux(c) and others.kernel_offset(c) is not None, quick=6)
def all_of_kernel(t, core):
    """Every symbol of the dump's kallsyms is in System.map at that place, and every one of text is in kallsyms."""
    offset = others.need_offset(core)
    places = {}
    for a, k, n in others.system_map(t, core):
        places.setdefault(n, set()).add((a, k))
    ours, wrong, count = {}, [], 0
    for s in listed(t, core):
        # Nor has System.map the labels that assemblers and compilers make up.
        if s['module'] or s['name'].startswith('.L'):
            continue
        a, n = int(s['address'], 16), s['name']
        ours.setdefault(n, set()).add(a)
        # Per-CPU and absolute symbols are not moved; kallsyms calls both absolute.
        if not any(a == x + offset and k == s['type'] or a == x and s['type'] in 'Aa' and x < 1 << 40
                   for x, k in places.get(n, ())):
            wrong.append(f'{n} {s["type"]} at {a:#x}, System.map {places.get(n)}')
        count += 1
    t.none(wrong, 'symbols of kallsyms', count)
    missing = [f'{k} {n} at {a:#x}' for a, k, n in others.system_map(t, core)
               if k in 'tTwW' and a + offset not in ours.get(n, ())
               and not re.match(r'(__pi_|__init_|\.L|L\d|__efistub_|__kstrtab|__ksymtab|\$)', n)]
    start = next(a for a, _, n in others.system_map(t, core) if n == '_stext')
    end = next(a for a, _, n in others.system_map(t, core) if n == '_etext')
    missing = [m for m in missing if start <= int(m.split()[-1], 16) < end]
    t.none(missing, 'symbols of text that kallsyms lacks')
    t.ok(count > 50000, f'only {count} symbols')
    t.note(f'{count} symbols')


@per_core(lambda c: c.proc and c.whole())
def all_as_proc(t, core):
    """/proc/kallsyms of the guest: the kernel's own list of addresses, types and names, with its modules'."""
    with open(os.path.join(core.proc, '1', 'proc', 'kallsyms')) as f:
        theirs = set()
        for line in f:
            a, k, n, *m = line.split()
            # The kernel writes the letter of what a module exports (but not to GPL modules only) in capitals.
            theirs.add((int(a, 16), k.lower() if m else k, n, m[0].strip('[]') if m else None))
    ours = {(int(s['address'], 16), s['type'], s['name'], s['module']) for s in listed(t, core)
            if not s['name'].startswith('.L')}
    # ftrace's trampolines and BPF programs are listed as modules that are none; the compiler's own
    # labels the kernel lists, but names no address by them.
    theirs = {x for x in theirs if x[3] not in ('bpf', '__builtin__ftrace', '__builtin__kprobes') and
              not x[2].startswith('.L')}
    live = {x[3] for x in theirs}
    missing, extra = theirs - ours, {x for x in ours - theirs if x[3] in live}
    t.none(sorted(map(str, missing)), 'symbols that the guest lists', len(theirs))
    t.none(sorted(map(str, extra)), 'symbols that the guest does not list', len(theirs))
    t.note(f'{len(theirs)} symbols of {len(live)} modules and the kernel')


@per_core(lambda c: c.whole() and c.module_files(), quick=6)
def of_modules(t, core):
    """A module's functions lie as in its file: the same distances within a section."""
    count, wrong = 0, []
    inside = 'core_layout' in str(t.command(core, 'struct module'))
    mods = {m['name']: m for m in t.command(core, 'mod')['modules']}
    for path in t.sample(others.loaded_module_files(t, core), 8):
        name = os.path.basename(path).split('.')[0].replace('-', '_')
        # readelf says in which section a symbol is.
        sections = {}
        for line in t.sh(['readelf', '-sW', path]).out.splitlines():
            f = line.split()
            if len(f) == 8 and f[3] in ('FUNC', 'OBJECT') and f[6].isdigit():
                sections.setdefault(int(f[6]), []).append((int(f[1], 16), f[7]))
        ours = {}
        for s in t.command(core, f'sym -m {name}')['symbols']:
            ours.setdefault(s['name'], set()).add(int(s['address'], 16))
        for section, symbols in sections.items():
            once = [(v, n) for v, n in symbols if len(ours.get(n, ())) == 1 and
                    sum(1 for x in symbols if x[1] == n) == 1 and
                    sum(1 for o in sections.values() for x in o if x[1] == n) == 1]
            if not once:
                continue
            base = next(iter(ours[once[0][1]])) - once[0][0]
            for v, n in once:
                count += 1
                if next(iter(ours[n])) != base + v:
                    wrong.append(f'{name}: {n} at {ours[n]}, expected {base + v:#x}')
                # Since 6.4 a module's data is somewhere else than its text.
                elif inside and not (int(mods[name]['base'], 16) <= base + v < int(mods[name]['base'],
                        16) + mods[name]['size']):
                    wrong.append(f'{name}: {n} at {base + v:#x} is outside of the module')
    t.none(wrong, 'symbols of modules', count)
    t.ok(count or not others.loaded_module_files(t, core), 'nothing compared')
    t.note(f'{count} symbols')


@per_core(lambda c: others.has_vmlinux(c) and others.kernel_offset(c) is not None, quick=4)
def names_of_addresses(t, core):
    """The symbol of 2000 random addresses of text: the one before it in System.map."""
    offset = others.need_offset(core)
    at, mark = {}, {}
    for a, k, n in others.system_map(t, core):
        mark[n] = a
        if k in 'tTwW':
            at.setdefault(a, set()).add(n)
    starts = sorted(a for a in at if mark['_stext'] <= a < mark['_etext'])
    rng = t.rng()
    wanted = [rng.randrange(mark['_stext'], mark['_etext']) for _ in range(t.all and 20000 or 2000)]
    lines = '\n'.join(f'sym {a + offset:x}' for a in wanted)
    for vmlinux in (False, True):
        out = t.inquest('--json', *t.dump_args(core, vmlinux), stdin=lines.encode(), timeout=300, check=False)
        wrong = []
        for a, o in zip(wanted, out.json()):
            start = starts[bisect.bisect_right(starts, a) - 1]
            if 'error' in o:
                wrong.append(f'{a + offset:#x}: {o["error"]["message"]}, System.map: {at[start]}')
                continue
            s = o['result']['symbols'][0]
            if s['name'] not in at[start] or s['offset'] != a - start or int(s['address'], 16) != a + offset:
                wrong.append(f'{a + offset:#x} is {s["name"]}+{s["offset"]}, System.map: {at[start]}+{a - start}')
        t.equal(len(out.json()), len(wanted), 'answers')
        t.none(wrong, f'names of addresses, vmlinux {vmlinux}', len(wanted))


@per_core(lambda c: c.whole(), quick=3)
def names_and_back(t, core):
    """sym NAME and sym -q of sampled names give what sym -l lists."""
    every = [s for s in listed(t, core) if re.fullmatch(r'[A-Za-z_]\w+', s['name'])]
    by_name = {}
    for s in every:
        by_name.setdefault(s['name'], set()).add((s['address'], s['module']))
    names = t.rng().sample(sorted(by_name), 300)
    out = t.inquest('--json', *t.dump_args(core), stdin='\n'.join(f'sym {n}' for n in names).encode())
    wrong = []
    for n, o in zip(names, out.json()):
        got = {(s['address'], s['module']) for s in o.get('result', {}).get('symbols', [])}
        # A name that is also a hexadecimal number is one.
        if got != by_name[n] and not re.fullmatch('[0-9a-f]+', n):
            wrong.append(f'{n}: {sorted(map(str, got))}, listed {sorted(map(str, by_name[n]))}')
    t.none(wrong, 'symbols by name', len(names))
    for n in names[:5]:
        got = {(s['name'], s['address']) for s in t.command(core, f'sym -q {n[1:8]}')['symbols']}
        want = {(s['name'], s['address']) for s in listed(t, core) if n[1:8] in s['name']}
        t.equal(len(got ^ want), 0, f'sym -q {n[1:8]}: {sorted(got ^ want)[:3]}')
