# SPDX-License-Identifier: GPL-2.0-or-later
"""What a crash user types gives here what it gives there: parity_lines.py, line by line, white space apart."""
import json
import os
import re

from harness import per_core
from suite import others, parity_lines, parity_known


def wanted(core):
    return bool(core.format == 'kdump' and core.whole() and core.vmlinux and core.scenario == 'sysrq' and
                others.has_rivals() and not (core.kernel or '').endswith('-sid'))


MARK = '@@MARK-%d-OF-TESTS@@'


def script(commands):
    lines = ['sys > /dev/null']  # crash looks for what panicked when it is asked
    for i, c in enumerate(commands):
        lines += [f'!echo "{MARK % i}"', 'set -p', 'set radix 10', f'!echo "{MARK % i}-b"', c]
    return '\n'.join(lines + [f'!echo "{MARK % len(commands)}"', 'q', ''])


def answers(out, commands):
    found = []
    for i, _ in enumerate(commands):
        m = re.search(f'{MARK % i}-b\n(.*?){MARK % (i + 1)}\n', out, re.S)
        found.append(m.group(1) if m else None)
    return found


def of_crash(t, core, commands):
    out = t.sh([others.RIVALS, 'run', 'crash', '-s', core.vmlinux, core.vmcore], stdin=script(commands), check=False,
               timeout=1800, env={'LANG': 'C', 'LC_ALL': 'C', 'TZ': 'UTC'})
    return answers(out.out, commands)


def of_inquest(t, core, commands):
    out = t.sh([t.run.inquest, '-s', '--no-rc', core.vmcore, core.vmlinux], stdin=script(commands), check=False,
               timeout=600, env={'LANG': 'C', 'LC_ALL': 'C', 'TZ': 'UTC'})
    return answers(out.out, commands)


def facts(t, core):
    """Things of this dump, as crash knows them."""
    ps, = of_crash(t, core, ['ps -u'])
    rows = [l.replace('>', ' ').split() for l in ps.splitlines()[1:]]
    rows = [r for r in rows if len(r) >= 9 and int(r[0]) > 1]
    # A task with a memory map of its own and a plain name, chosen by the seed.
    row = t.rng().choice([r for r in rows if r[6] != '0' and re.fullmatch('[a-z-]+', r[8])])
    two = t.rng().choice([r for r in rows if r[0] != row[0]])
    f = {'pid': row[0], 'ppid': row[1], 'task': row[3], 'comm': row[8], 'pid2': two[0],
         'taskplus': f'{int(row[3], 16) + 64:x}'}
    asked = [f'task -R mm,stack {row[0]}', f'vm {row[0]}', f'files {row[0]}', 'sym schedule', 'kmem -S filp', 'mount',
             f'kmem {row[3]}']
    a = dict(zip(asked, of_crash(t, core, asked)))
    f['mm'] = re.search(r'mm = 0x([0-9a-f]+)', a[asked[0]]).group(1)
    f['stack'] = re.search(r'stack = 0x([0-9a-f]+)', a[asked[0]]).group(1)
    vma = re.search(r'^\s*VMA .*\n\s*([0-9a-f]{16})\s+([0-9a-f]+)\s', a[asked[1]], re.M)
    if vma:
        f['vma'], f['user'] = vma.groups()
    fd = re.search(r'^\s*\d+ ([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) REG', a[asked[2]], re.M) or \
        re.search(r'^\s*\d+ ([0-9a-f]{16}) ([0-9a-f]{16}) ([0-9a-f]{16}) CHR', a[asked[2]], re.M)
    if fd:
        f['file'], f['dentry'], f['inode'] = fd.groups()
    f['text'] = f'{int(a[asked[3]].split()[0], 16) + 21:x}'
    objects = re.findall(r'^\s*\[([0-9a-f]{16})\]', a[asked[4]], re.M)
    if objects:
        f['object'] = t.rng().choice(objects)
    sb = re.search(r'^[0-9a-f]{16} ([0-9a-f]{16}) (\S+)', a[asked[5]], re.M)
    if sb:
        f['superblock'] = sb.group(1)
    page = re.search(r'^\s*PAGE .*\n\s*([0-9a-f]{16})\s', a[asked[6]], re.M)
    if page:
        f['page'] = page.group(1)
    return f


def plain(text):
    lines = [re.sub(r'[ \t]+', ' ', l).strip() for l in text.splitlines()]
    return [l for l in lines if l]


@per_core(wanted, sanitized=False, quick=1)
def lines(t, core):
    commands = parity_lines.commands(facts(t, core))
    theirs, ours = of_crash(t, core, commands), of_inquest(t, core, commands)
    equal, known, differ = [], [], []
    for command, a, b in zip(commands, theirs, ours):
        if a is None:
            known.append((command, 'crash ended before it'))
            continue
        a, b = plain(a), plain(b or '')
        reason = None if a == b else parity_known.reason(command, a, b)
        (equal if a == b else known if reason else differ).append((command, reason, a, b))
    keep = os.environ.get('PARITY_OUT')
    if keep:
        with open(f'{keep}-{core.name}.json', 'w') as f:
            json.dump({'equal': [e[0] for e in equal], 'known': known, 'differ': differ}, f, indent=1)
    total = len(equal) + len(differ)
    t.note(f'{len(equal)} lines equal, {len(known)} differ for a known reason, {len(differ)} differ: '
           f'{100 * len(equal) / max(1, total):.1f} %')
    t.ok(total >= 100, f'{total} lines compared')
    for command, _, a, b in differ:
        first = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        t.note(f'{command}: {a[first:first + 1]} in crash, {b[first:first + 1]} here')
    t.ok(len(equal) >= parity_known.TARGET * total, f'{len(equal)} of {total} lines are equal')
