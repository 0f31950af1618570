# SPDX-License-Identifier: GPL-2.0-or-later
"""kmem's views of memory against the guest's own /proc, and against crash."""
import re

from harness import per_core
from suite import others


def saved(core):
    return core.proc and core.whole()


def last_words(core, name):
    """A file of the second snapshot, which may have changed since the first."""
    with open(f'{core.proc}/2/proc/{name}') as f:
        return f.read()


@per_core(saved)
def fixed_figures_as_proc(t, core):
    """What does not change while a machine runs: memory, commit limit, swap."""
    theirs = {k: int(v) for k, v in
              re.findall(r'^(\S+): +(\d+) kB', last_words(core, 'meminfo'), re.M)}
    ours = t.command(core, 'kmem -i')
    kb = ours['page_size'] // 1024
    for key, name in (('total', 'MemTotal'), ('commit_limit', 'CommitLimit'),
                      ('swap_total', 'SwapTotal')):
        t.equal(ours[key] * kb, theirs[name], name)


def both_times(core, name):
    """A file of each of the two snapshots."""
    texts = []
    for n in '12':
        with open(f'{core.proc}/{n}/proc/{name}') as f:
            texts.append(f.read())
    return texts


def unchanged(t, first, second, ours, what, most):
    """Fields that were the same in both snapshots are ours as well, but for MOST and less than a third: the machine
    lives on until it crashes.  Fields that moved between the snapshots say nothing."""
    still = [k for k in first if second.get(k) == first[k]]
    missing = [k for k in still if k not in ours]
    t.none(missing, f'{what}: fields that we do not have', len(still))
    differ = [(k, ours[k], first[k]) for k in still if k in ours and ours[k] != first[k]]
    t.ok(len(differ) <= most and len(differ) <= len(still) // 3,
         f'{what}: {len(differ)} of {len(still)} differ: {differ[:5]}')
    t.ok(len(still) >= 10, f'{what}: only {len(still)} fields stood still')
    t.note(f'{what}: {len(still)} of {len(first)} fields stood still, {len(still) - len(differ)} are equal')


@per_core(saved)
def meminfo_as_proc(t, core):
    """Every figure of kmem -i; what may change until the crash by the little that a process takes with it."""
    names = {'total': 'MemTotal', 'free': 'MemFree', 'buffers': 'Buffers', 'cached': 'Cached', 'shared': 'Shmem',
             'swap_total': 'SwapTotal', 'swap_free': 'SwapFree', 'commit_limit': 'CommitLimit',
             'committed': 'Committed_AS', 'slab': 'Slab'}
    theirs = {k: int(v) for k, v in re.findall(r'^(\S+): +(\d+)', last_words(core, 'meminfo'), re.M)}
    ours = t.command(core, 'kmem -i')
    for key, name in names.items():
        slack = {'free': 4096, 'slab': 1024, 'committed': 4096, 'cached': 256, 'shared': 64, 'buffers': 64}.get(key, 0)
        t.ok(abs(ours[key] * 4 - theirs[name]) <= slack, f'{name}: {ours[key] * 4}, the guest {theirs[name]}')
    t.equal(ours['huge_total'] * 4, theirs.get('Hugetlb', 0), 'Hugetlb')
    huge = t.command(core, 'kmem -h')
    pool = [p for p in huge['pools'] if p['page_size'] == theirs.get('Hugepagesize', 0) * 1024]
    for p in pool:
        for key, name in (('total', 'Total'), ('free', 'Free'), ('reserved', 'Rsvd'), ('surplus', 'Surp')):
            t.equal(p[key], theirs[f'HugePages_{name}'], f'HugePages_{name}')
        t.equal(sum(n['total'] for n in p['nodes']), p['total'], 'huge pages of the nodes')
        t.equal(sum(n['free'] for n in p['nodes']), p['free'], 'free huge pages of the nodes')
    for key, name in (('anon', 'AnonHugePages'), ('shmem', 'ShmemHugePages'), ('file', 'FileHugePages')):
        t.equal((huge['thp'][key] or 0) * 2048, theirs.get(name, 0), name)


@per_core(saved)
def counters_as_vmstat(t, core):
    """/proc/vmstat, counter by counter."""
    first, second = (dict(l.split() for l in text.splitlines()) for text in both_times(core, 'vmstat'))
    ours = {}
    for group in t.command(core, 'kmem -V').values():
        ours.update({k.lower(): str(v) for k, v in group.items()})
    # The kernel's names in /proc are not always its enumerators'.
    known = {k: v for k, v in first.items() if k in ours and k not in ('pgpgin', 'pgpgout')}
    t.ok(len(known) > 90, f'only {len(known)} counters have the same name')
    unchanged(t, known, second, ours, 'vmstat', 8)


@per_core(saved)
def buddies_as_proc(t, core):
    """/proc/buddyinfo and the free blocks of each kind in /proc/pagetypeinfo."""
    ours, kinds = {}, {}
    for zone in t.command(core, 'kmem -f', check=False)['zones']:
        for a in zone['areas']:
            key = (zone['node'], zone['name'], a['order'])
            ours[key] = ours.get(key, 0) + a['blocks']
            kinds[(zone['node'], zone['name'], a['type'], a['order'])] = a['blocks']

    def blocks(text):
        return {(int(n), z, i): int(x) for n, z, row in re.findall(r'^Node (\d+), zone +(\S+) +(.*)$', text, re.M)
                for i, x in enumerate(row.split())}

    def typed(text):
        return {(int(n), z, kind, i): int(x) for n, z, kind, row in
                re.findall(r'^Node +(\d+), zone +(\S+), type +(\S+) +(.*)$', text, re.M)
                for i, x in enumerate(row.split()) if x.isdigit()}
    unchanged(t, *map(blocks, both_times(core, 'buddyinfo')), ours, 'buddyinfo', 4)
    unchanged(t, *map(typed, both_times(core, 'pagetypeinfo')), kinds, 'pagetypeinfo', 16)


@per_core(saved)
def resources_as_proc(t, core):
    """/proc/iomem and /proc/ioports, line by line."""
    ours = t.command(core, 'dev -i')
    for name, key in (('iomem', 'memory'), ('ioports', 'ports')):
        theirs = [(len(m[0]) // 2, int(m[1], 16), int(m[2], 16), m[3]) for m in re.findall(
            r'^( *)([0-9a-f]+)-([0-9a-f]+) : (.*)$', last_words(core, name), re.M)]
        # The root is left out there, and what is deeper than five is shown at five.
        mine = [(min(r['depth'] - 1, 5), int(r['start'], 16), int(r['end'], 16), r['name']) for r in ours[key][1:]]
        t.equal(mine, theirs, name)
        t.ok(len(theirs) > 10, f'{name}: only {len(theirs)} lines')
    # And an address of each is said to be its.
    path, checked = [], []
    for r in ours['memory'][1:]:
        path = path[:r['depth'] - 1] + [r]
        if any(p['name'] in ('System RAM', 'RAM buffer') for p in path):
            continue
        checked.append((r, ' > '.join(p['name'] for p in path)))
    inner = [(r, path) for r, path in checked
             if not any(o is not r and int(o['start'], 16) == int(r['start'], 16) and o['depth'] > r['depth']
                        for o, _ in checked)]
    found = t.commands(core, '; '.join(f'kmem -P {r["start"]}' for r, _ in inner), check=False)
    wrong = []
    for (r, path), o in zip(inner, found):
        kinds = {k['kind']: k for k in o.get('result', {}).get('kinds', [])}
        if kinds.get('resource', {}).get('path') != path:
            wrong.append(f'{r["start"]}: {kinds}, expected {path}')
    t.none(wrong, 'addresses of devices and firmware', len(inner))


@per_core(lambda c: saved(c) and 'no_hash_pointers' in c.truth.get('made', {}).get('append', ''))
def areas_as_vmallocinfo(t, core):
    """All of /proc/vmallocinfo: range and caller."""
    text = others.proc(core, 'proc/vmallocinfo')
    if text is None:
        return t.note('it changed between the snapshots')
    ours = {(int(a['start'], 16), int(a['end'], 16)): a for a in t.command(core, 'kmem -v')['areas']}
    rows = re.findall(r'^0x([0-9a-f]+)-0x([0-9a-f]+) +(\d+) (\S+)', text, re.M)
    wrong = []
    for start, end, size, caller in rows:
        a = ours.get((int(start, 16), int(end, 16)))
        where = re.match(r'([^+]+)\+(0x[0-9a-f]+)/', caller)
        if not a:
            wrong.append(f'{start}-{end}: none')
        elif where and not (a['caller'] or '').startswith(f'{where.group(1)}+{where.group(2)}'):
            wrong.append(f'{start}: {a["caller"]}, the guest {caller}')
    # The guest frees some and makes others until it is dead.
    t.ok(len(wrong) <= len(rows) // 20, f'{len(wrong)} of {len(rows)} differ: {wrong[:5]}')
    t.ok(len(rows) > 50, f'only {len(rows)} areas')
    t.note(f'{len(rows) - len(wrong)} of {len(rows)} areas are the same')


@per_core(saved)
def sections_cover_memory(t, core):
    """Sections and memory blocks cover the RAM that /proc/iomem has."""
    nodes = t.command(core, 'kmem -n')
    ram = [(int(a, 16), int(b, 16)) for a, b in re.findall(
        r'^([0-9a-f]+)-([0-9a-f]+) : System RAM', last_words(core, 'iomem'), re.M)]
    present = {s['nr'] for s in nodes['sections']}
    wanted = {s for a, b in ram for s in range(a >> 27, (b >> 27) + 1)}
    t.equal(present, wanted, 'sections')
    t.ok(all(s['online'] and s['early'] for s in nodes['sections']), 'all are online since boot')
    covered = {s for b in nodes['blocks'] for s in range(int(b['start'], 16) >> 27, (int(b['end'], 16) >> 27) + 1)}
    t.equal(covered, wanted, 'memory blocks')
    t.equal({b['state'] for b in nodes['blocks']}, {'ONLINE'}, 'their state')
    t.equal([b['name'] for b in nodes['blocks']], [f'memory{b["start_section"]}' for b in nodes['blocks']]
            if all(int(b['end'], 16) - int(b['start'], 16) < 1 << 27 for b in nodes['blocks'])
            else [b['name'] for b in nodes['blocks']], 'their names')


@per_core(saved)
def zones_as_proc(t, core):
    """Size, watermarks and neighbours of every zone."""
    theirs = {}
    text = last_words(core, 'zoneinfo')
    for node, name, body in re.findall(r'^Node (\d+), zone +(\S+)\n(.*?)(?=^Node|\Z)', text, re.M | re.S):
        theirs[(int(node), name)] = {k: int(v) for k, v in re.findall(
            r'^ +(min|low|high|spanned|present|managed|start_pfn):? +(\d+)', body, re.M)}
    ours = {(z['node'], z['name']): z for z in t.command(core, 'kmem -z')['zones'] if z['spanned']}
    compared = 0
    for key, zone in ours.items():
        if not t.ok(key in theirs, f'{key} is not in zoneinfo'):
            continue
        for k, v in theirs[key].items():
            if k in ('spanned', 'present', 'managed', 'start_pfn', 'min'):
                t.equal(zone[k], v, f'{key}: {k}')
                compared += 1
    t.ok(compared >= 5, f'only {compared} figures')
    t.equal({k for k in theirs if theirs[k].get('spanned')}, set(ours), 'zones')


@per_core(saved, quick=4)
def free_lists_add_up(t, core):
    """The blocks on the lists are as many as the kernel counts, order by order."""
    found = t.command(core, 'kmem -f', check=False)
    counted = sum(z['free'] for z in found['zones'])
    # Pages that are on their way between a CPU's list and the zone's are counted a moment later.
    t.ok(abs(counted - found['pages_on_lists']) <= 64,
         f'{found["pages_on_lists"]} pages on lists, {counted} counted')
    t.ok(counted > 1000, f'only {counted} free pages')


WORDS = {'kmem -o': [], 'kmem -h': [], 'kmem -g': [], 'kmem -g 10200': [], 'kmem -V': [], 'kmem -z': [],
         'kmem -f': [], 'kmem -v': [], 'kmem -n': [], 'dev -i': []}


@per_core(lambda c: saved(c) and c.vmlinux, quick=1)
def same_words_as_crash(t, core):
    theirs = others.crash(t, core, list(WORDS))
    for command, text in zip(WORDS, theirs or []):
        if not text or 'invalid structure' in text or command + ':' in text or 'kmem:' in text:
            continue
        ours = t.inquest(core.vmcore, '-s', '--no-vmlinux', '-c', command).out
        want = [' '.join(x.split()) for x in text.splitlines()]
        got = [' '.join(x.split()) for x in ours.splitlines()]
        if command == 'kmem -h':    # what crash does not have follows behind an empty line
            got = got[:(got + ['']).index('')]
        # crash has no word for the enum that the state of memory blocks is since 6.2.
        want = [re.sub(r' UNKNOWN (\d+)$', r' ONLINE \1', x) for x in want]
        t.none([(a, b) for a, b in zip(got, want) if a != b], command, len(want))
        t.equal(len(got), len(want), f'{command}: lines')


def slabinfo(core, which):
    with open(f'{core.proc}/{which}/proc/slabinfo') as f:
        rows = [line.split() for line in f.read().splitlines()[2:]]
    # name <active_objs> <num_objs> <objsize> … : slabdata <active_slabs> <num_slabs> …
    return {r[0]: (int(r[2]), int(r[r.index('slabdata') + 2])) for r in rows}


@per_core(saved, quick=4)
def slabs_as_slabinfo(t, core):
    """Objects and slabs of every cache, for those that did not change between the snapshots."""
    one, two = slabinfo(core, 1), slabinfo(core, 2)
    ours = {c['name']: (c['total'], c['slabs']) for c in t.command(core, 'kmem -s')['caches']}
    t.equal(set(two) - set(ours), set(), 'caches')
    still = [n for n in one if two.get(n) == one[n] and n in ours]
    # What runs after the snapshots (and the crash itself) takes a slab here and there.
    differ = [(n, ours[n], one[n]) for n in still if ours[n] != one[n]]
    t.ok(len(differ) <= len(still) // 3, f'{len(differ)} of {len(still)}: {differ[:5]}')
    t.ok(len(still) > 80, f'only {len(still)} caches stood still')


@per_core(lambda c: c.whole(), quick=6)
def full_slabs_complete_the_lists(t, core):
    """The slabs on lists and those found in the memory map are as many as the kernel counts; and so
    are their objects, one by one."""
    found = t.inquest('--json', *t.dump_args(core), '-c', 'kmem -S', timeout=300).json()[0]
    caches = found['result']['caches']
    t.ok(len(caches) > 50, f'only {len(caches)} caches')
    if not any(c['slabs'] for c in caches):
        return t.note('the kernel counts no slabs')
    for c in caches:
        listed = c['slab_list']
        t.equal(len({s['slab'] for s in listed}), len(listed), f"{c['name']}: a slab twice")
        t.equal(len(listed), c['slabs'], f"{c['name']}: slabs")
        if all(s['allocated'] is not None for s in listed) and c['allocated'] is not None:
            pending = c['allocated'] - sum(s['allocated'] for s in listed)
            # kfree_rcu()'s are counted by the kernel, and are nobody's any more.
            t.ok(0 <= pending <= 600, f"{c['name']}: {pending} more allocated than found one by one")


@per_core(saved, quick=4)
def owners_of_pages(t, core):
    """Pages that a process's page tables lead to: the reverse map names the process and the address,
    and the file and offset that its memory map has there."""
    chosen = []
    for task in t.command(core, 'ps -u')['tasks']:
        out = t.inquest(*t.dump_args(core), '-s', '-c', f"vm -p {task['pid']}", check=False).out
        path, start, pgoff = None, 0, 0
        areas = {a['vma']: a for a in t.command(core, f"vm {task['pid']}")['tasks'][0]['areas']}
        for line in out.splitlines():
            w = line.split()
            if w and '0x' + w[0] in areas:
                area = areas['0x' + w[0]]
            elif len(w) == 2 and re.fullmatch('[0-9a-f]+', w[1]):
                chosen.append((task['pid'], int(w[0], 16), int(w[1], 16), area))
    t.ok(len(chosen) > 100, f'only {len(chosen)} pages are mapped')
    chosen = t.rng().sample(chosen, min(len(chosen), 300))
    objects = t.commands(core, ';'.join(f'kmem -P {p:x}' for _, _, p, _ in chosen))
    wrong, files, anonymous = [], 0, 0
    for (pid, va, pa, area), o in zip(chosen, objects):
        page = [k for k in o['result']['kinds'] if k['kind'] == 'page'][0]
        users = [(u['pid'], u['address']) for u in page['users'] if u['mapped']]
        if page['state'] not in ('anon', 'file'):
            continue        # vdso, vvar, the zero page: the kernel's own
        if page['refcount'] < 8 and (pid, hex(va)) not in users and \
                not any(u['address'] == hex(va) and u['mapped'] for u in page['users']):
            wrong.append(f'{pa:x}: {users}, expected pid {pid} at {va:x}')
        if page['state'] == 'file':
            files += 1
            offset = va - int(area['start'], 16) + area['pgoff'] * 4096
            if (page['file'], page['file_offset']) != (area['file'], offset):
                wrong.append(f"{pa:x}: {page['file']}+{page['file_offset']}, map has {area['file']}+{offset}")
        else:
            anonymous += 1
    t.none(wrong, 'pages', len(chosen))
    t.ok(files > 20 and anonymous > 20, f'{files} file and {anonymous} anonymous pages')


@per_core(saved, quick=4)
def page_tables_of_processes(t, core):
    """Each table that vtop walks through belongs to the process, at its level."""
    tasks = t.command(core, 'ps -u')['tasks']
    wrong, compared = [], 0
    for task in t.rng().sample(tasks, min(4, len(tasks))):
        memory = t.command(core, f"vm {task['pid']}")['tasks'][0]
        if not memory['areas']:     # of a process that is exiting
            continue
        area = memory['areas'][0]
        walk = t.commands(core, f"set {task['pid']}; vtop -u {area['start']}")[1]['result']
        walk = walk if 'levels' in walk else walk['addresses'][0]
        for level in walk['levels']:
            table = int(level['entry_address'], 16) & ~0xfff
            kinds = t.command(core, f'kmem -P {table:x}')['kinds']
            page = [k for k in kinds if k['kind'] == 'page'][0]
            compared += 1
            if not page['table'] or page['table']['mm'] != memory['mm']:
                wrong.append(f"{table:x}: {page['state']} {page['table']}, pid {task['pid']} {level['name']}")
    t.none(wrong, 'tables', compared)
    t.ok(compared >= 4, f'only {compared} tables')
