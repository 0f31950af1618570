# SPDX-License-Identifier: GPL-2.0-or-later
"""rd, x, p and struct against crash, on memory that crash opens too."""
import os
import re

from harness import per_core
from suite import others, struct_vs_crash


def for_crash(core):
    return core.vmlinux and core.whole() and others.has_crash(core) and \
        core.name.split('.')[0] not in ('stack-overflow', 'sysrq-novmci', 'sysrq-novmci-nokaslr') and \
        core.format not in ('flat', 'capture') and 'flat' not in core.name and 'snappy' not in core.name and \
        'zstd' not in core.name


@per_core(for_crash, quick=2, sanitized=False)
def structures(t, core):
    """Objects of the dump, reached by pointers, as crash prints them."""
    total = 1500 if t.all else 250
    found, compared, types = struct_vs_crash.differences(t.run.inquest, ' '.join(others.crash_program(core)), core.vmcore, core.vmlinux,
                                                         total=total, per_type=25 if t.all else 6)
    wrong = [f'{d.type} {d.address}: {struct_vs_crash.first_difference(d)}' for d in found if d.kind == 'text']
    # Ways of crash that are not known yet: one in a hundred is looked at, but is no failure.
    if len(wrong) <= compared // 100:
        for line in wrong:
            t.note(f'differs: {line[:300]}')
    else:
        t.none(wrong, 'structures', compared)
    t.ok(compared > total // 3, f'only {compared} structures compared')
    t.note(f'{compared} structures of {types} types; {sum(d.kind == "symbol" for d in found)} name an address differently')


@per_core(for_crash, quick=3)
def memory(t, core):
    """Words at random addresses: what crash reads, we read; what it cannot, we cannot."""
    rng = t.rng()
    base = int(t.command(core, 'sym _stext')['symbols'][0]['address'], 16)
    tasks = [int(x['task'], 16) for x in t.command(core, 'ps')['tasks']]
    stacks = [int(f['sp'], 16) for x in t.command(core, 'foreach bt')['tasks'] for f in x['frames']
              if f['context'] != 'user']
    addresses = [base + 8 * rng.randrange(0x200000) for _ in range(40)] + \
        [rng.choice(tasks) + 8 * rng.randrange(1000) for _ in range(40)] + \
        [rng.choice(stacks) & ~7 for _ in range(40)] + \
        [(rng.choice(tasks) & ~0xfffffff) + 8 * rng.randrange(0x2000000) for _ in range(40)] + [0x10,
                0xffff000000000000]
    theirs = others.crash(t, core, [f'rd {a:x}' for a in addresses])
    ours = t.inquest('--json', *t.dump_args(core), stdin='\n'.join(f'rd {a:x}' for a in addresses).encode(),
                     check=False).json()
    read = refused = 0
    for a, their, our in zip(addresses, theirs, ours):
        m = re.match(r'\s*[0-9a-f]+:  ([0-9a-f]{16})', their or '')
        if a >= 0xffffffff80000000 and 'not mapped' in our.get('error', {}).get('message', ''):
            continue    # crash translates the kernel's image by arithmetic, mapped or not
        if m:
            words = our.get('result', {}).get('words')
            if t.ok(words, f'rd {a:x}: {our.get("error")}, crash reads {m.group(1)}'):
                t.equal(int(words[0]['value'], 16), int(m.group(1), 16), f'rd {a:x}')
            read += 1
        elif their and re.search('invalid|seek error|excluded|read error', their):
            t.ok('error' in our, f'rd {a:x}: {our}, crash: {their}')
            if 'page excluded' in their:
                t.ok('excluded' in our.get('error', {}).get('message', ''), f'rd {a:x}: {our}, crash: {their}')
            refused += 1
    t.ok(read > 60, f'only {read} words compared')
    t.note(f'{read} words, {refused} refused by both')


@per_core(for_crash, quick=2)
def forms_of_rd(t, core):
    """crash's layout, whatever the size and format of the words."""
    commands = ['rd -64 init_task 6', 'rd -32 init_task 7', 'rd -16 init_task 9', 'rd -8 linux_banner 37',
                'rd linux_banner 5', 'rd -a linux_banner 20', 'rd -d init_task 4', 'rd -D init_task 4',
                'rd -x init_task 3',
                'rd -p 100000 4', 'rd -s init_task 8']
    theirs = others.crash(t, core, commands)
    for c, their in zip(commands, theirs):
        ours = t.inquest('-s', *t.dump_args(core), '-c', c, check=False)
        if their is None or 'seek error' in their or 'excluded' in their:
            continue
        if '-s' in c:       # which of several names of an address is chosen is another question
            ours.out, their = (re.sub(r'(?<= )(?![0-9a-f]{16}\b)[\w.]+ *', 'NAME ', x) for x in (ours.out,
                    their))
        t.equal([l.rstrip() for l in ours.out.splitlines()], [l.rstrip() for l in their.splitlines()], c)


@per_core(for_crash, quick=2)
def expressions(t, core):
    """p of globals and members as crash's p."""
    commands = ['p init_task.pid', 'p init_task.comm', 'p/x init_task.flags', 'p jiffies', 'p &init_task',
                'p init_task.tasks', 'p init_task.prio + 3 * 4',
                'p/x init_task.thread.sp', 'p init_task.se.load', 'p init_task.cred', 'p init_task.nsproxy']
    theirs = others.crash(t, core, commands)
    for c, their in zip(commands, theirs):
        ours = t.inquest('-s', *t.dump_args(core), '-c', c, check=False)

        def plain(text):
            text = re.sub(r'^(\w+ = )?\$\d+ = |^[^={\n]*= ', '', text.strip(), count=1)
            text = re.sub(r'\(([\w ]+\*+)\) ', '', text)
            return re.sub(r'\s+', ' ', re.sub(r' <[\w.+]+>', '', text))
        if their and 'no symbol' not in their.lower():
            t.equal(plain(ours.out), plain(their), c)
    # C's arithmetic, which is Python's but for / and % of negative numbers.
    for e in ['7 % 4 << 3', '(0xf0 | 0x0f) ^ 3', '~0x0f & 0xff', '1 + 2 * 3 - 4', '(1 + 2) * (3 - 4)',
              '1UL << 40', '100 / 7 * 7']:
        got = t.command(core, f'p ({e})')['value']
        got = int(got, 0) if isinstance(got, str) else got
        t.equal(got, eval(e.replace('/', '//').replace('UL', '')), f'p ({e})')
    t.equal(t.command(core, 'p -5 / 2')['value'], -2, 'p -5 / 2')


@per_core(lambda c: c.whole(), quick=4)
def x_is_rd(t, core):
    """x/ in each unit and format, from the bytes that rd -8 shows."""
    address = int(t.command(core, 'sym linux_banner')['symbols'][0]['address'], 16)
    data = bytes(int(w['value'], 16) for w in t.command(core, f'rd -8 {address:x} 64')['words'])
    for unit, size in (('b', 1), ('h', 2), ('w', 4), ('g', 8)):
        n = 64 // size
        values = [int.from_bytes(data[i * size:(i + 1) * size], 'little') for i in range(n)]
        got = t.command(core, f'x/{n}x{unit} {address:#x}')['values']
        t.equal([int(v['value'], 16) for v in got], values, f'x/{n}x{unit}')
        t.equal([int(v['address'], 16) for v in got], [address + i * size for i in range(n)],
                f'addresses of x/{n}x{unit}')
        for letter, form in (('u', str), ('o', lambda v: f'0{v:o}' if v else '0'),
                             ('d', lambda v: str(v - (1 << 8 * size) if v >> (8 * size - 1) else v))):
            text = t.inquest('-s', *t.dump_args(core), '-c', f'x/{n}{letter}{unit} {address:#x}').out
            shown = [w for l in text.splitlines() for w in l.split(':', 1)[1].split()]
            t.equal(shown, [form(v) for v in values], f'x/{n}{letter}{unit}')
    banner = re.search(r'Linux version .*', core.serial()).group(0).rstrip('\r')
    text = t.inquest('-s', *t.dump_args(core), '-c', f'x/1s {address:#x}').out
    t.ok(banner[:60] in text, f'x/s: {text!r}')
    a = t.command(core, 'x/5i schedule')
    b = t.command(core, 'dis schedule 5')['instructions']
    t.ok(all(i['text'].split('<')[0].strip()[:12] in str(a) for i in b), f'x/5i: {str(a)[:300]}')
