# SPDX-License-Identifier: GPL-2.0-or-later
"""search against a reading of the same memory by Python, and the second half of the example session."""
import collections
import os
import re
import signal
import struct
import subprocess
import time

from harness import per_core, test
from suite import others, raw_memory

# One core of each kind: which crash it is makes no difference to a search.
KINDS = ('usb-free', 'usb-free.kdump', 'demo', 'oom', 'sysrq.kdump', 'sysrq-la57', 'sysrq.flat', 'sysrq.vmcore-elf')


def kernel_pointer(w):
    return w >> 47 == 0x1ffff


def memory(core):
    return others.once(('memory', core.name), lambda: raw_memory.Memory(core.vmcores))


def search(t, core, arguments, **kw):
    """[(address, word)] of the text."""
    out = t.inquest('-s', *t.dump_args(core), '-c', 'search ' + arguments, **kw)
    lines = [re.fullmatch(r'([0-9a-f]+): ([0-9a-f]{16})(?:  .*)?', l) for l in out.out.splitlines()]
    if not all(lines):
        t.fail(f'search {arguments}: a line of another form: {out.out[:300]!r}')
    return [(int(m.group(1), 16), int(m.group(2), 16)) for m in lines if m]


def ascending(t, hits, what):
    t.ok(all(a[0] < b[0] for a, b in zip(hits, hits[1:])), f'{what}: not ascending, or one place twice')


def same(t, got, expected, what):
    """Lists of addresses."""
    if got != expected:
        missing, extra = sorted(set(expected) - set(got)), sorted(set(got) - set(expected))
        t.fail(f'{what}: {len(got)} places, expected {len(expected)}; missing {[hex(x) for x in missing[:4]]}, '
               f'too many {[hex(x) for x in extra[:4]]}')


@per_core(lambda c: c.name in KINDS or (c.name.startswith('sysrq.elf') and c.whole()), quick=5, sanitized=False)
def places(t, core):
    """Random pointers and the most frequent words: each place, once, in order."""
    m, rng = memory(core), t.rng()
    values = m.words(rng, 30 if t.all else 6, kernel_pointer) + m.words(rng, 10 if t.all else 2, bool)
    total = 0
    for v in values:
        expected = m.find(v)
        total += len(expected)
        if len(expected) > 2000000:
            continue
        hits = search(t, core, f'-p {v:x}')
        ascending(t, hits, f'search -p {v:x}')
        same(t, [a for a, _ in hits], expected, f'search -p {v:x}')
        t.ok(all(w == v for _, w in hits), f'search -p {v:x}: another word')
    t.note(f'{len(values)} values in {total} places')


@per_core(lambda c: c.name in ('usb-free', 'demo', 'sysrq.kdump', 'sysrq.elf', 'sysrq-la57'), sanitized=False)
def options(t, core):
    """-m, -s, -e, -l, zeros, and addresses of the direct map."""
    m, rng = memory(core), t.rng()
    v = m.words(rng, 1, kernel_pointer)[0]
    run, data = rng.choice([r for r in m.runs if len(r[1]) >= 4096])
    start = run + rng.randrange(len(data) // 4096) * 4096
    # Which bits do not matter; a range of one page.
    w, = struct.unpack_from('<Q', data, start - run + rng.randrange(512) * 8)
    got = search(t, core, f'-p -m fff -s {start:x} -l 0x1000 {w:x}')
    same(t, got, m.matching(w, ~0xfff, start, start + 4096), f'search -m fff -s {start:x} -l 0x1000 {w:x}')
    # A part of a page; digits alone are decimal.
    got = search(t, core, f'-p -m fff -s {start + 64:x} -l 2000 {w:x}')
    same(t, got, m.matching(w, ~0xfff, start + 64, start + 2064), f'search -m fff -s {start + 64:x} -l 2000 {w:x}')
    got = search(t, core, f'-p -s {start:x} -e {start + 0x1000:x} 0')
    same(t, got, m.matching(0, (1 << 64) - 1, start, start + 4096), f'search -s {start:x} -e … 0')
    # The same places as addresses of the direct map, which read as the value.
    physical, virtual = search(t, core, f'-p {v:x}'), search(t, core, f'{v:x}')
    offsets = {a - p for (a, _), (p, _) in zip(virtual, physical)}
    t.equal((len(offsets), len(virtual)), (1, len(physical)), f'search {v:x} and search -p {v:x}')
    if core.truth.get('facts', {}).get('page_offset'):
        t.equal(offsets, {int(core.truth['facts']['page_offset'], 16)}, 'page_offset')
    words = t.command(core, f'rd {virtual[0][0]:x}')['words']
    t.equal(int(words[0]['value'], 16), v, f'rd {virtual[0][0]:x}')
    # JSON has the same hits, and says how much was searched.
    r = t.command(core, f'search {v:x}')
    t.equal([(int(h['address'], 16), int(h['physical'], 16), int(h['value'], 16)) for h in r['hits']],
            [(a, p, w) for (a, w), (p, _) in zip(virtual, physical)], 'search in JSON')
    t.ok(r['pages_searched'] > 0 and r['pages_excluded'] >= 0, f'pages in JSON: {r["pages_searched"]}')
    for bad in ['search', 'search 1 2', 'search -m xyz 1', 'search -s 10 1', 'search -e 1 -l 1 -p 1', 'search -q 1']:
        t.ok(t.inquest('-s', *t.dump_args(core), '-c', bad, check=False).status == 1, f'{bad}: no error')


@per_core(lambda c: c.name in ('sysrq.elf', 'sysrq.kdump'), sanitized=False)
def many(t, core):
    """A word that stands everywhere: all of its places, and the first of them at once."""
    m = memory(core)
    counts = collections.Counter()
    for start, data in m.runs:
        counts.update(struct.unpack(f'<{len(data) // 8}Q', data))
    v, n = next((w, n) for w, n in counts.most_common(10) if w)
    t.note(f'{v:#x} stands in {n} places')
    hits = search(t, core, f'-p {v:x}', timeout=300)
    same(t, [a for a, _ in hits], m.find(v), f'search -p {v:x}')
    started = time.time()
    p = subprocess.Popen([t.run.inquest, '-s', *t.dump_args(core), '-c', f'search -p {v:x}'], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    line = p.stdout.readline()
    p.stdout.close()
    error = p.stderr.read()
    p.wait(timeout=60)
    t.equal(int(line.split(b':')[0], 16), hits[0][0], 'the first line')
    t.ok(time.time() - started < 20, 'it went on although nobody read')
    t.equal(error, b'', 'it complained that nobody read')
    out = t.inquest('-s', *t.dump_args(core), '-c', f'search -p {v:x} | head -1')
    t.equal(out.out.encode(), line, 'search | head -1')


@per_core(lambda c: c.name in ('bench-64g.kdump', 'bench-6g.kdump', 'big'), sanitized=False)
def interrupted(t, core):
    """Ctrl-C in the middle: what was found so far, a message, status 130, and soon."""
    p = subprocess.Popen([t.run.inquest, '-s', *t.dump_args(core), '-c', 'search -p -m ffff 0'],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = p.stdout.readline()
    p.send_signal(signal.SIGINT)
    started = time.time()
    out, error = p.communicate(timeout=60)
    t.ok(re.fullmatch(rb'[0-9a-f]+: [0-9a-f]{16}\n', first), f'first line {first!r}')
    t.ok(time.time() - started < 10, f'it took {time.time() - started:.1f} s to end')
    t.equal(p.returncode, 130, 'status after Ctrl-C')
    t.ok(b'interrupted' in error, f'no message: {error[-300:]!r}')
    t.ok(out.endswith(b'\n') or not out, f'the last line is cut: {out[-60:]!r}')


# ---- The table of the second half of the session -------------------------------------------------

def is_usb_free(core):
    return core.scenario == 'usb-free' or core.scenario.startswith('usb-free')


def session(t, core, vmlinux):
    f, how = core.truth['facts'], 'with vmlinux' if vmlinux else 'dump alone'
    bad, urb = int(f['bogus_transfer_buffer'], 16), int(f['urb'], 16)
    member = next(m['offset'] for m in t.command(core, 'struct -o urb', vmlinux=vmlinux)['members']
                  if m['name'] == 'transfer_buffer')
    expected = memory(core).find(bad)
    r = t.command(core, f'search -A {bad:x}', vmlinux=vmlinux)
    hits = {int(h['physical'], 16): h for h in r['hits']}
    same(t, sorted(hits), expected, f'{how}: search -A {bad:x}')

    # Of which the urb's member is one; the others lie on the panicking task's stack.
    at = urb + member - int(f['page_offset'], 16)
    what = hits.get(at, {}).get('whatis') or {}
    t.equal((what.get('kind'), what.get('state'), what.get('object'), what.get('offset')),
            ('slab', 'allocated', hex(urb), member), f'{how}: the urb')
    t.equal((what.get('type'), what.get('member'), what.get('type_confidence')),
            ('struct urb', 'transfer_buffer', 'likely'), f'{how}: type of the urb')
    stacks = [h['whatis'] for a, h in hits.items() if a != at and (h['whatis'] or {}).get('kind') == 'stack']
    t.ok(any(s['pid'] == core.truth['task']['pid'] and s['frame'] is not None for s in stacks),
         f'{how}: no hit in a frame of the panicking task: {stacks}')
    bt = t.command(core, 'bt', vmlinux=vmlinux)['tasks'][0]['frames']
    for s in stacks:
        if s['frame'] is not None and s['pid'] == core.truth['task']['pid']:
            t.equal((s['function'], s['offset']), (bt[s['frame']]['function'], bt[s['frame']]['offset']),
                    f'{how}: frame {s["frame"]} of a hit and of bt')

    # kmem says the same of each place, by its physical address.
    for a, h in hits.items():
        kinds = {k['kind']: k for k in t.command(core, f'kmem {a:x}', vmlinux=vmlinux)['kinds']}
        t.ok('page' in kinds and kinds['page']['pfn'] == a >> 12, f'{how}: kmem {a:x} shows no page')
        if h['whatis'] and h['whatis']['kind'] in kinds:
            k = kinds[h['whatis']['kind']]
            t.ok(all(k[x] == v for x, v in h['whatis'].items()), f'{how}: kmem {a:x} and search -A disagree')
        else:
            t.fail(f'{how}: kmem {a:x}: {sorted(kinds)}, search -A: {h["whatis"]}')
        if h['whatis'] and h['whatis']['kind'] == 'stack' and h['whatis']['cpu'] is None:
            t.ok('vmalloc' in kinds and int(kinds['vmalloc']['end'], 16) - int(kinds['vmalloc']['start'], 16) == 20480,
                 f'{how}: kmem {a:x} shows no area of 20480 bytes')

    # What the crash module printed of other objects; of bytes nobody knows a type.
    for fact, type_ in [('async', 'struct async'), ('usb_device', 'struct usb_device'), ('setup_packet', None)]:
        if fact in f:
            k = {x['kind']: x for x in t.command(core, f'whatis {f[fact]}', vmlinux=vmlinux)['kinds']}.get('slab') or {}
            t.equal((k.get('object'), k.get('type')), ('0x' + f[fact], type_), f'{how}: whatis of the {fact}')
    annotated(t, core, vmlinux, how, [int(x['sp'], 16) for x in bt], urb, int(f['async'], 16))


def annotated(t, core, vmlinux, how, stack, urb, as_):
    """rd -SS of the stack page: symbols, source lines, objects and caches."""
    low = min(stack)
    out = t.command(core, f'rd -SSl {low:x} 400', vmlinux=vmlinux, check=False)['words']
    named = [w for w in out if w['symbol']]
    t.ok(any(w['symbol'].startswith('free_async+') for w in named), f'{how}: rd -SS names no free_async')
    slabs = {(w['whatis'] or {}).get('object'): w['whatis'] for w in out if (w['whatis'] or {}).get('kind') == 'slab'}
    t.ok(hex(urb) in slabs or hex(as_) in slabs, f'{how}: rd -SS shows neither the urb nor the async: {list(slabs)}')
    t.equal(slabs.get(hex(as_), {}).get('type'), 'struct async', f'{how}: type of the async')
    text = t.inquest('-s', *t.dump_args(core, vmlinux), '-c', f'rd -SSl {low:x} 400', check=False).out
    t.ok(re.search(r'\[[0-9a-f]+:kmalloc-\d+k?\]', text), f'{how}: rd -SS shows no [address:cache]')
    if vmlinux:
        t.ok(re.search(r'# .*mm/\S+\.c: \d+', text), f'{how}: no source line in rd -SSl')


@per_core(lambda c: is_usb_free(c))
def session_dump_alone(t, core):
    session(t, core, False)


@per_core(lambda c: is_usb_free(c) and c.vmlinux)
def session_with_vmlinux(t, core):
    session(t, core, True)


@per_core(lambda c: c.name in ('usb-free', 'sysrq'), sanitized=False)
def words_as_crash_shows_them(t, core):
    """rd -S and -SS of all words of stacks and of slab pages, text against text."""
    bt = t.command(core, 'bt')['tasks'][0]['frames']
    m, rng = memory(core), t.rng()
    base = search(t, core, f'{m.words(rng, 1, kernel_pointer)[0]:x}')[0][0] & ~0xfff
    sp = int(bt[0]['sp'], 16)
    places = [(sp, (0x4000 - (sp & 0x3fff)) // 8), (base, 512)]
    commands = [f'rd {o} {a:x} {n}' for a, n in places for o in ('-S', '-SS', '-s')]
    theirs = others.crash(t, core, commands)
    if theirs is None:
        return t.note('crash is not installed')
    addresses = {}
    for address, _, name in others.system_map(t, core):
        addresses.setdefault(without_clones(name), set()).add(address)
    for c, text in zip(commands, theirs):
        ours = t.inquest('-s', *t.dump_args(core, True), '-c', c).out
        pairs = list(zip(ours.splitlines(), (text or '').splitlines()))
        t.equal(len(ours.splitlines()), len((text or '').splitlines()), f'lines of {c}')
        # The compiler's labels are no symbols in kallsyms; crash cuts the suffixes of clones off; of several symbols
        # at one address it takes another one than the kernel does.
        t.none([f'{a!r}, crash {b!r}' for a, b in pairs
                if not same_words(a, b, addresses) and '.L' not in b], c, len(pairs))


def without_clones(text):
    return re.sub(r'(\.(constprop|isra|part)\.\d+)+', '', text)


def same_words(ours, theirs, addresses):
    """The same line but for clones' suffixes and the choice among symbols of one address."""
    a, b = without_clones(ours).split(), without_clones(theirs).split()
    return len(a) == len(b) and all(x == y or same_symbol(x, y, addresses) for x, y in zip(a, b))


def same_symbol(x, y, addresses):
    (name, _, offset), (other, _, other_offset) = x.partition('+'), y.partition('+')
    return offset == other_offset and addresses.get(name, set()) & addresses.get(other, set())


@per_core(lambda c: c.name in ('usb-free', 'sysrq.kdump', 'sysrq.elf', 'sysrq-sid'), sanitized=False)
def small_words_and_texts(t, core):
    """-w and -h: words of four and two bytes; -c: texts."""
    m, rng = memory(core), t.rng()
    for option, width in (('-w', 4), ('-h', 2)):
        word = m.words(rng, 1, kernel_pointer)[0] & (1 << 8 * width) - 1
        want, bits = [], word.to_bytes(width, 'little')
        for physical, data in m.runs:
            at = data.find(bits)
            while at >= 0:
                if at % width == 0:
                    want.append(physical + at)
                at = data.find(bits, at + 1)
        if len(want) > 200000:
            continue
        out = t.inquest('-s', *t.dump_args(core), '-c', f'search -p {option} {word:x}').out
        got = [int(l.split(':')[0], 16) for l in out.splitlines()]
        same(t, got, sorted(want), f'search {option} {word:x}')
    text = rng.choice(['Linux version', 'init_task', 'swapper', 'kthreadd', 'ext4'])
    want = []
    for physical, data in m.runs:
        at = data.find(text.encode())
        while at >= 0:
            # Across the end of a page it is no hit: what follows there is another's.
            if (physical + at) % 4096 + len(text) <= 4096:
                want.append(physical + at)
            at = data.find(text.encode(), at + 1)
    out = t.inquest('-s', *t.dump_args(core), '-c', f"search -p -c '{text}'").out
    same(t, [int(l.split(':')[0], 16) for l in out.splitlines()], sorted(want), f'search -c {text}')
    t.ok(want, f'{text!r} is not in memory')


@per_core(lambda c: c.name in ('usb-free', 'sysrq.elf', 'sysrq.kdump', 'sysrq-sid'), sanitized=False)
def references(t, core):
    """refs: as many words point into an object as Python counts, inside of it and elsewhere."""
    m, rng = memory(core), t.rng()
    tasks = t.command(core, 'ps')['tasks']
    for task in rng.sample(tasks[2:], 3):
        r = t.command(core, f"refs {task['task']}")
        start, size = int(r['start'], 16), r['size']
        t.equal(start, int(task['task'], 16), 'start')
        t.ok(size > 2000, f'a task_struct of {size} bytes')
        want = []
        for physical, data in m.runs:
            words = memoryview(data)[:len(data) // 8 * 8].cast('Q')
            # A first look at the upper bytes, which all pointers into the object share.
            needle = (start >> 16).to_bytes(6, 'little')
            at = data.find(needle)
            while at >= 0:
                if at % 8 == 2 and start <= words[at // 8] < start + size:
                    want.append(physical + at - 2)
                at = data.find(needle, at + 1)
            if (start + size - 1) >> 16 != start >> 16:
                needle = ((start + size - 1) >> 16).to_bytes(6, 'little')
                at = data.find(needle)
                while at >= 0:
                    if at % 8 == 2 and start <= words[at // 8] < start + size:
                        want.append(physical + at - 2)
                    at = data.find(needle, at + 1)
        same(t, [int(h['physical'], 16) for h in r['references']], sorted(want), f"refs {task['comm']}")
        t.ok(any(h['inside'] for h in r['references']), 'no word of a task_struct points into itself')


@per_core(lambda c: c.scenario == 'usb-free', sanitized=False)
def what_points_at_the_urb(t, core):
    """The object that the example's engineer looked for by hand: struct async holds the urb."""
    facts = core.truth['facts']
    r = t.command(core, f"refs {facts['urb']}")
    owners = [h for h in r['references']
              if not h['inside'] and h['whatis'].get('object') == '0x' + facts['async'].removeprefix('0x')]
    t.ok(owners, 'async does not refer to its urb')
    t.ok(any((h['whatis'].get('type'), h['whatis'].get('member')) == ('struct async', 'urb') for h in owners),
         f'it is not async.urb: {owners}')
    words = t.command(core, f"annotate {facts['urb']}")['words']
    named = {w['member']: w for w in words}
    t.equal(named['transfer_buffer']['value'], facts['bogus_transfer_buffer'], 'transfer_buffer')
    t.equal(named['transfer_buffer']['whatis']['state'], 'free', 'the page that it names')


@per_core(lambda c: c.name in ('usb-free', 'sysrq', 'irq-kernel'))
def stacks_only(t, core):
    """search -t: the places of a search of everything that lie on some task's stack."""
    tasks = {x['pid']: x for x in t.command(core, 'ps')['tasks']}
    value = t.rng().choice([x['task'] for x in tasks.values() if x['pid'] > 1])
    everywhere = t.command(core, f'search -A {value}')['hits']
    want = sorted((h['whatis']['pid'], h['physical']) for h in everywhere
                  if h['whatis'] and h['whatis']['kind'] == 'stack' and h['whatis']['cpu'] is None)
    got = t.command(core, f'search -t {value}')['hits']
    found = sorted((h['pid'], t.command(core, f"vtop {h['address']}")['physical']) for h in got)
    t.equal(found, want, f'search -t {value}')
