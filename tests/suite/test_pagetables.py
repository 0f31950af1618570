# SPDX-License-Identifier: GPL-2.0-or-later
"""Page tables: vtop and whatis of kernel and user addresses against crash, drgn and what processes of the guest said."""
import gzip
import json
import os
import re
import tempfile

from harness import Failed, per_core, test
from suite import others
from suite.test_kmem import Patched

HERE = os.path.dirname(os.path.abspath(__file__))


def number(t, core, name):
    return int(t.command(core, f'p {name}')['value'], 0)


def kernel_addresses(t, core, n):
    """Random ones of every region of the kernel's half, and around its borders."""
    rng = t.rng()
    memory = max(int(b['end'], 16) for b in t.command(core, 'kmem -n')['blocks'] or [{'end': '0x13ffffff'}])
    direct, vmalloc, vmemmap = (number(t, core, x) for x in ('page_offset_base', 'vmalloc_base', 'vmemmap_base'))
    areas = [(int(a['start'], 16), int(a['end'], 16)) for a in t.command(core, 'kmem -v')['areas']]
    found = [direct + rng.randrange(memory) for _ in range(n)]
    found += [direct + rng.randrange(1 << 36) for _ in range(n // 4)]
    found += [rng.randrange(s, e + 8192) for s, e in (rng.choice(areas) for _ in range(n))]
    found += [vmalloc + rng.randrange(1 << 38) for _ in range(n // 4)]
    found += [vmemmap + rng.randrange(memory // 64) for _ in range(n // 2)]
    found += [0xffffffff80000000 + rng.randrange(0x7f000000) for _ in range(n // 2)]
    found += [0xfffffe0000000000 + rng.randrange(0x100000) for _ in range(n // 4)]
    found += [0xffffffffff000000 + rng.randrange(0xfff000) for _ in range(n // 4)]
    return found + [rng.getrandbits(55) | 0xff << 56 for _ in range(n // 8)]


def user_addresses(t, core, n):
    """[(pid, address)] in the areas of processes and a page behind them, those of one process in one piece."""
    rng, found = t.rng(), []
    tasks = t.command(core, 'ps -u')['tasks']
    for task in rng.sample(tasks, min(len(tasks), 12)):
        areas = t.command(core, f"vm {task['pid']}")['tasks'][0]['areas']
        for _ in range(n // 12 if areas else 0):
            a = rng.choice(areas)
            found.append((task['pid'], rng.randrange(int(a['start'], 16), int(a['end'], 16) + 4096)))
    return found


def translations(t, core, commands):
    """{address: object} of `vtop …` commands."""
    found = {}
    args = ['-s', '--json', *t.dump_args(core)]
    for o in t.inquest(*args, stdin='\n'.join(commands).encode() + b'\n', check=False).json():
        if o['command'].startswith('vtop'):
            for x in o['result'].get('translations') or [o['result']]:
                found[int(x['virtual'], 16)] = x
    return found


LEVEL = r'^ *(?:PGD|P4D|PUD|PMD|PTE|PAGE DIRECTORY): (?:([0-9a-f]+) => )?([0-9a-f]+) *$'


def blocks(text):
    """{address: crash's text of its translation}"""
    pieces = re.split(r'^VIRTUAL +PHYSICAL *\n', text or '', flags=re.M)[1:]
    return {int(p.split()[0], 16): p for p in pieces if re.match('[0-9a-f]+ ', p)}


def compare(t, ours, theirs, what):
    """Every level, the physical address, the flags and the struct page of each address."""
    wrong, mapped, unmapped, arithmetic = [], 0, 0, 0
    for address, block in theirs.items():
        x = ours.get(address)
        if x is None:
            wrong.append(f'{address:x}: no answer')
            continue
        levels = [b for _, b in re.findall(LEVEL, block, re.M)]
        mine = [l['entry'][2:] for l in x['levels'] if l['entry']]
        if levels and mine != levels:
            wrong.append(f'{address:x}: entries {mine}, crash {levels}')
        row = re.search(r'^ *PTE +PHYSICAL +FLAGS *\n *(\S+) +(\S+) +\((.*)\)', block, re.M)
        physical = block.split()[1] if not block.split()[1].startswith('(') else None
        if x['physical'] is None:
            unmapped += 1
            # crash adds and subtracts, also where its walk then ends at an entry that maps nothing.
            arithmetic += bool(physical)
            if row or (levels and x['levels'] and x['levels'][-1]['flags'] and
                       'PRESENT' in x['levels'][-1]['flags'] and 'PSE' not in x['levels'][-1]['flags']):
                wrong.append(f'{address:x}: {x["status"]}, crash {row and row.groups()}')
            continue
        mapped += 1
        if row and '|'.join(x['levels'][-1]['flags']) != row.group(3):
            wrong.append(f'{address:x}: {x["levels"][-1]["flags"]}, crash {row.group(3)}')
        # crash takes the address in an entry of PROT_NONE as it is: since 4.18 its bits are inverted.
        if 'PROTNONE' in x['levels'][-1]['flags']:
            continue
        # Behind the kernel's image crash does arithmetic.
        if physical and x['physical'][2:] != physical and address < 0xffffffffc0000000:
            wrong.append(f'{address:x}: {x["physical"]}, crash {physical}')
        page = re.search(r'^ *PAGE +PHYSICAL +MAPPING.*\n *(\S+) +(\S+) +\S+ +\S+ +(\S+)', block, re.M)
        if page and (not x['page'] or [x['page']['page'][2:], x['page']['pfn'], str(x['page']['refcount'])] !=
                     [page.group(1), int(page.group(2), 16) // 4096, page.group(3)]):
            wrong.append(f'{address:x}: {x["page"]}, crash {page.groups()}')
    t.none(wrong, what, len(theirs))
    t.note(f'{what}: {mapped} mapped, {unmapped} not, of which {arithmetic} have an invented address in crash')
    return mapped


def compared(core):
    """One of each kernel that crash knows, four levels and five, and one with every kind of user memory."""
    return core.name in ('sysrq-bullseye', 'sysrq-la57', 'sysrq-trixie', 'memory') and \
        others.has_vmlinux(core) and others.has_crash(core)


@per_core(compared, sanitized=False, quick=2)
def kernel_as_crash(t, core):
    wanted = kernel_addresses(t, core, 600 if t.all else 150)
    texts = others.crash(t, core, [f'vtop -k {a:x}' for a in wanted], timeout=900)
    if not texts:
        return t.note('crash is not installed')
    ours = translations(t, core, [f'vtop -k {a:x}' for a in wanted])
    theirs = {a: b for text in texts for a, b in blocks(text).items()}
    t.ok(compare(t, ours, theirs, 'kernel addresses') > len(wanted) // 4, 'few are mapped')


# crash 8, which is used for 6.1, does not know where that kernel's processes have their areas, and gives up.
@per_core(lambda c: compared(c) and others.of_other_kernel(c), sanitized=False, quick=2)
def user_as_crash(t, core):
    wanted = user_addresses(t, core, 1200 if t.all else 240)
    commands, now = [], None
    for pid, a in wanted:
        if pid != now:
            commands.append(f'set {pid}')
        now = pid
        commands.append(f'vtop -u {a:x}')
    texts = others.crash(t, core, commands, timeout=900)
    if not texts:
        return t.note('crash is not installed')
    # The same address in two processes is two questions.
    mapped = 0
    for pid in sorted({p for p, _ in wanted}):
        mine = [a for p, a in wanted if p == pid]
        ours = translations(t, core, [f'set {pid}'] + [f'vtop -u {a:x}' for a in mine])
        first = commands.index(f'set {pid}')
        theirs = {a: b for text in texts[first:first + 1 + len(mine)] for a, b in blocks(text).items()}
        mapped += compare(t, ours, {a: b for a, b in theirs.items() if '(not accessible)' not in b},
                          f'addresses of pid {pid}')
    t.ok(mapped > 10, f'only {mapped} are mapped')


@per_core(lambda c: others.has_drgn(c) and others.has_rivals() and c.name in ('irq-kernel-sid.kdump', 'irq-kernel-trixie.kdump',
                                                                             'args.kdump', 'sysrq-la57.kdump'), sanitized=False)
def as_drgn(t, core):
    """Physical addresses by drgn's own walk of the tables; of a dump without the pages of processes their tables are
    there all the same."""
    kernel = kernel_addresses(t, core, 400 if t.all else 100)
    user = user_addresses(t, core, 600)
    script = os.path.join(HERE, 'drgn_pages.py')
    asked = {'0': kernel}
    for pid, a in user:
        asked.setdefault(str(pid), []).append(a)
    out = t.sh([others.RIVALS, 'run', 'python3', script, core.vmcore, core.vmlinux], stdin=json.dumps(asked), timeout=300)
    theirs = json.loads(out.out)
    wrong, mapped = [], 0
    for pid, answers in theirs.items():
        commands = [f'vtop -k {a:x}' for a in asked[pid]] if pid == '0' else \
            [f'set {pid}'] + [f'vtop -u {a:x}' for a in asked[pid]]
        ours = translations(t, core, commands)
        for a, physical in zip(asked[pid], answers):
            x = ours[a]
            mine = int(x['physical'], 16) if x['physical'] else None
            # A table that is not in the dump: by arithmetic, and said so.
            if mine != physical and not x['linear'] and 'PROTNONE' not in (x['levels'] or [{'flags': []}])[-1]['flags']:
                wrong.append(f'{pid}: {a:x}: {x["physical"]}, drgn {physical and hex(physical)}')
            mapped += physical is not None
    t.none(wrong, 'addresses', len(kernel) + len(user))
    t.ok(mapped > len(kernel) // 4, f'only {mapped} are mapped')
    t.note(f'{mapped} of {len(kernel) + len(user)} are mapped')


@per_core(lambda c: 'mapper_pid' in c.truth.get('facts', {}))
def as_the_process_said(t, core):
    """Memory of every kind: what /proc/self/pagemap told the process before the crash."""
    facts = core.truth['facts']
    kinds = [k for k in facts if f'{k}_size' in facts]
    pid = facts['mapper_pid']
    found = translations(t, core, [f'set {pid}'] + [f'vtop -u {int(facts[k], 16):x}' for k in kinds])
    whatis = t.commands(core, f'set {pid}; ' + '; '.join(f'whatis {int(facts[k], 16):x}' for k in kinds))[1:]
    for k, what in zip(kinds, whatis):
        x = found[int(facts[k], 16)]
        user = what['result']['kinds'][0]
        t.equal((user['kind'], user['pid']), ('user', pid), f'{k}: whose it is')
        if f'{k}_swap' in facts:
            kind, offset = facts[f'{k}_swap'].split(':')
            t.equal(x['physical'], None, f'{k}: physical')
            swap = x['swap'] or {}
            t.equal((swap.get('kind'), swap.get('type'), swap.get('offset')), ('swap', int(kind), int(offset, 16)), k)
            t.ok(re.match(r'/dev/\w+$', swap.get('device') or ''), f'{k}: device {swap.get("device")}')
            t.ok('swapped out to /dev/' in what['result']['kinds'][1].get('text', ''), f'{k}: whatis: {what["result"]}')
            continue
        pfn = int(facts[f'{k}_pfn'], 16)
        if pfn == -1:
            t.equal((x['physical'], x['swap']), (None, None), f'{k}: untouched')
            continue
        t.equal(x['physical'], hex(pfn << 12 | int(facts[k], 16) & 0xfff), f'{k}: physical')
        size = 1 << 30 if k == 'giga' else 2 << 20 if k in ('thp', 'hugetlb') else 4096
        t.equal(x['page_size'], size, f'{k}: size of the page')
        t.equal('PROTNONE' in x['levels'][-1]['flags'], k == 'noaccess', f'{k}: {x["levels"][-1]["flags"]}')
        # Each page has its kind and number in it.
        if k not in ('zeropage', 'thpsplit_middle'):
            text = t.inquest(*t.dump_args(core), '-s', '-c', f"rd -p {x['physical'][2:]} 4").out
            text = ''.join(line[-16:] for line in text.splitlines())
            t.ok(f'LAB-PAGE {k}' in text, f'{k}: {text!r}')
    t.note(f'{len(kinds)} kinds of memory')


@per_core(lambda c: 'moved_from' in c.truth.get('facts', {}))
def a_page_on_its_way(t, core):
    """The machine stopped while a page was moved: its entry says from where, for vtop and whatis."""
    facts = core.truth['facts']
    moved, pid = int(str(facts['moved']), 0), int(facts['moved_pid'])
    x = t.command(core, f'vtop -u -c {pid} {moved:x}')
    t.equal(x['physical'], None, 'no physical address')
    swap = x['swap'] or {}
    t.equal((swap.get('kind'), swap.get('pfn')), ('migration', int(str(facts['moved_from']), 0)), 'the entry')
    kinds = t.commands(core, f'set {pid}; whatis {moved:x}')[1]['result']['kinds']
    t.ok(kinds[0]['kind'] == 'user' and 'migrating from page frame' in kinds[1].get('text', ''), f'whatis: {kinds}')


# makedumpfile does not know 7.2; one core is /proc/vmcore as it was.
@per_core(lambda c: c.format == 'kdump' and c.kernel and 'sid' not in c.kernel and c.whole() and
          'vmcore-elf' not in c.name, quick=2)
def filtered_pages(t, core):
    """What makedumpfile left out of a process's memory: the content is said to be excluded, and the entry, the physical
    address, the state of the page and its owner are still told."""
    excluded, wrong = 0, []
    tasks = t.command(core, 'ps -u')['tasks']
    for task in t.rng().sample(tasks, min(len(tasks), 5)):
        areas = [a for a in t.command(core, f"vm {task['pid']}")['tasks'][0]['areas'] if not a['file']]
        commands = [f'set {task["pid"]}'] + [f'vtop -u {a["start"][2:]}' for a in areas]
        for a, x in zip(areas, translations(t, core, commands).values() if areas else []):
            if x['physical'] is None or not x['content'].startswith('excluded'):
                continue
            excluded += 1
            kinds = {k['kind']: k for k in t.command(core, f'kmem -P {x["physical"][2:]}')['kinds']}
            page = kinds.get('page') or {}
            if 'excluded' not in kinds or page.get('state') != 'anon' or not x['page'] or \
                    x['page']['pfn'] != int(x['physical'], 16) // 4096 or not x['levels'] or \
                    not any(u['mapped'] and u['address'] == x['virtual'] for u in page.get('users', [])):
                wrong.append(f'pid {task["pid"]}: {x["virtual"]}: {kinds}')
            read = t.inquest(*t.dump_args(core), '-s', '-c', f'rd -p {x["physical"][2:]}', check=False)
            if 'excluded' not in read.err or read.out.strip():
                wrong.append(f'{x["physical"]}: rd says {read.out!r} {read.err!r}')
    t.none(wrong, 'excluded pages', excluded)
    t.ok(excluded >= 3, f'only {excluded} excluded pages')
    t.note(f'{excluded} pages')


@per_core(lambda c: c.name == 'sysrq.elf')
def shared_pages_of_guests(t, core):
    """TDX: pages that a guest shares with its host have a bit set in their entries (cc_mask), which is no address."""
    area = next(a for a in t.command(core, 'kmem -v')['areas'] if 'bpf_prog' in (a['caller'] or ''))
    before = t.command(core, f"vtop {area['start']}")
    mask = t.command(core, 'vtop cc_mask')
    with tempfile.TemporaryDirectory() as d:
        copy = Patched(core, d)
        entry = before['levels'][-1]
        copy.write(int(entry['entry_address'], 16), int(entry['entry'], 16) | 1 << 51)
        args = ['--json', '--no-vmlinux', copy.path, '-c', f"vtop {area['start']}"]
        wild = t.inquest(*args).result()
        t.equal(int(wild['physical'], 16), int(before['physical'], 16) | 1 << 51, 'without cc_mask it is an address')
        copy.write(int(mask['physical'], 16), 1 << 51)
        t.equal(t.inquest(*args).result()['physical'], before['physical'], 'with cc_mask')
        # What is no single high bit is damage, not a mask.
        copy.write(int(mask['physical'], 16), 0xfffffffffffff000)
        t.equal(t.inquest(*args).result()['physical'], wild['physical'], 'with a damaged cc_mask')
        copy.file.close()


@test(sanitized=False)
def types_of_swap_entries(t):
    """Where the special types begin: as many areas as the array swap_info has room for, as DWARF has it."""
    seen = {}
    for core in t.run.cores:
        if others.has_vmlinux(core) and core.kernel not in seen:
            seen[core.kernel] = core
    for kernel, core in t.sample(sorted(seen.items()), 2):
        out = t.sh(['gdb', '-nx', '-batch', '-ex', 'print sizeof(swap_info)/sizeof(swap_info[0])', core.vmlinux],
                   timeout=120, check=False).out
        m = re.search(r'\$1 = (\d+)', out)
        if not m or not int(m.group(1)):
            t.note(f'{kernel}: no size of swap_info in its DWARF')
            continue
        # Offset 0x1234 in an entry of each type, by the layout that asm/pgtable_64.h describes.
        entries = [(n << 59) | ((~0x1234 & (1 << 50) - 1) << 9) for n in range(32)]
        found = t.command(core, 'pte ' + ' '.join(f'{e:x}' for e in entries))['entries']
        areas = sum('swapped out' in e['swap'] for e in found)
        t.equal(areas, int(m.group(1)), f'{kernel}: swap areas')
        t.ok(not any('special' in e['swap'] for e in found), f'{kernel}: {[e["swap"] for e in found][areas:]}')
        t.equal(sum('migrating from page frame 0x1234' in e['swap'] for e in found), 2 if '5.10' in
                core.truth['kernel'] else 3, f'{kernel}: types of migration')
    if not seen:
        raise Failed('no core has a vmlinux')
    t.note(f'{len(seen)} kernels')


# ---- What the machine itself made of its tables --------------------------------------------------

def tlb_of(core):
    return re.sub(r'\.vmcore$', '.tlb.gz', core.vmcore)


@per_core(lambda c: os.path.exists(tlb_of(c)))
def as_the_machine_walks(t, core):
    """QEMU's own walk of CPU 0's tables at the time of the dump (`info tlb`): each kernel page of it is where
    vtop says, and what lies between them is not mapped."""
    pages, large = {}, set()
    with gzip.open(tlb_of(core), 'rt') as f:
        for line in f:
            virtual, physical, flags = line.replace(':', '').split()
            pages[int(virtual, 16)] = int(physical, 16)
            if 'P' in flags:
                large.add(int(virtual, 16) >> 21)
    kernel = [v for v in pages if v >> 55 == 0x1ff]
    wanted = {}
    for v in t.sample(kernel, 3000):
        offset = t.rng().randrange(0, 1 << 21 if v >> 21 in large and not v & 0x1fffff else 4096)
        wanted[v + offset] = pages[v] + offset
        if v >> 21 not in large and v + 4096 not in pages and (v + 4096) >> 21 not in large and v + 4096 < 1 << 64:
            wanted[v + 4096 + offset % 4096] = None
    addresses = sorted(wanted)
    commands = ['vtop ' + ' '.join(f'{a:x}' for a in addresses[i:i + 50]) for i in range(0, len(addresses), 50)]
    ours = translations(t, core, commands)
    wrong = []
    for a in addresses:
        got = ours.get(a, {}).get('physical')
        if (int(got, 16) if got else None) != wanted[a]:
            wrong.append(f'{a:x}: {got}, QEMU {wanted[a]}')
    t.none(wrong, 'addresses', len(addresses))
    t.note(f'{len(addresses)} addresses, {sum(w is None for w in wanted.values())} of them not mapped')
