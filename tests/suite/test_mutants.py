# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged copies of dumps: whatever the bytes say, inquest answers in time, in bounds, and does not die."""
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time

from harness import test

COMMANDS = 'sys; bt -a; ps; mod; log; bt -f; struct task_struct init_task; foreach bt'
SECONDS = 20
MEMORY = 1 << 30


def places(t, core, path):
    """Where to damage it, as (what, first byte, end): headers, descriptors, and the pages of what is read."""
    size = os.path.getsize(path)
    found = [('headers', 0, min(size, 16384)), ('first quarter', 0, size // 4), ('anywhere', 0, size)]
    if core.format != 'elf':
        return found + [('bitmaps and descriptors', 8192, min(size, 1 << 20))]
    # An ELF core's pages lie where readelf says, so one can aim.
    segments = [tuple(int(x, 16) for x in m) for m in re.findall(
        r'^  LOAD +0x(\w+) 0x\w+ 0x(\w+)\s+0x(\w+)', t.sh(['readelf', '-lW', core.vmcore]).out, re.M)]

    def at(symbol_or_address, length, what):
        v = t.command(core, f'vtop {symbol_or_address}')
        physical = int(v['physical'], 16)
        for o, p, n in segments:
            if p <= physical < p + n:
                found.append((what, o + physical - p, o + physical - p + length))
    for symbol, length, what in [('kallsyms_names', 400000, 'kallsyms'), ('kallsyms_token_table', 2000,
            'tokens'),
                                 ('__start_BTF', 65536, 'BTF'), ('init_task', 4096, 'init_task'),
                                 ('init_top_pgt', 4096, 'page table'),
                                 ('modules', 64, 'modules'), ('__start_orc_unwind', 200000, 'ORC')]:
        if 'error' not in t.commands(core, f'sym {symbol}', check=False)[0]:
            at(symbol, length, what)
    for task in t.command(core, 'ps')['tasks'][:20]:
        at(task['task'][2:], 4096, f'task_struct of {task["pid"]}')
    for task in t.command(core, 'bt -a')['tasks']:
        at(task['frames'][0]['sp'][2:], 1024, f'stack of {task["pid"]}')
    for module in t.command(core, 'mod')['modules'][:5]:
        at(module['module'][2:], 1024, f'struct module of {module["name"]}')
    return found


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


@test
def copies(t):
    count = 1000 if t.all else 20 if t.run.sanitized else 120
    sources = [c for c in t.run.cores if c.name in ('sysrq.elf', 'usb-free-kaslr', 'null-deref', 'sysrq.kdump',
                                                    'sysrq.flat',
                                                    'sysrq.elf.d31-zstd', 'demo') and c.whole()]
    if not sources:
        return t.note('skipped: no core')
    rng, slowest, opened = t.rng(), 0, 0
    with tempfile.TemporaryDirectory() as d:
        for core in sources:
            path = d + '/mutant.vmcore'
            subprocess.run(['cp', '--reflink=auto', '--sparse=always', core.vmcore, path], check=True)
            spots = places(t, core, path)
            share = max(3, count // len(sources))
            if core.format == 'elf':
                share *= 2
            for _ in range(share):
                what, start, end = rng.choice(spots)
                changes = []
                with open(path, 'r+b') as f:
                    for _ in range(rng.choice([1, 1, 4, 64, 512])):
                        offset = rng.randrange(start, max(end, start + 1))
                        f.seek(offset)
                        old = f.read(8)
                        new = rng.choice([bytes([rng.randrange(256)]), b'\0' * 8, b'\xff' * 8, rng.randbytes(8),
                                          bytes([old[0] ^ 1 << rng.randrange(8)]) if old else b'x'])[:len(old)]
                        changes.append((offset, old))
                        f.seek(offset)
                        f.write(new)
                # Without types tasks and modules are found by probing what was damaged.
                cmd = [t.run.inquest, '-s', '--no-vmlinux', *rng.choice(([], [], ['--no-btf'])), path,
                       '-c', COMMANDS]
                started = time.time()
                limit = SECONDS * (8 if t.run.sanitized else 1)
                try:
                    p = subprocess.run(cmd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=limit,
                                       preexec_fn=None if t.run.sanitized else limits)
                    slowest = max(slowest, time.time() - started)
                    opened += p.returncode != 2
                    err = p.stderr.decode(errors='replace')
                    if p.returncode not in (0, 1, 2) or 'Sanitizer' in err or 'runtime error:' in err:
                        keep(t, path, f'{core.name}, {what}: status {p.returncode}: {err[-700:]}')
                except subprocess.TimeoutExpired:
                    keep(t, path, f'{core.name}, {what}: no end after {limit} s')
                with open(path, 'r+b') as f:
                    for offset, old in reversed(changes):
                        f.seek(offset)
                        f.write(old)
    t.note(f'{opened} opened, the slowest took {slowest:.1f} s')


def keep(t, path, text):
    """Leave a mutant that broke something for the one who looks into it."""
    seed = t.run.seed.replace('/', '-')
    kept = os.path.join(tempfile.gettempdir(), f'inquest-mutant-{seed}-{len(t.failures)}.vmcore')
    if len(t.failures) < 3:
        shutil.copy(path, kept)
        text += f' (kept as {kept})'
    t.fail(text)
