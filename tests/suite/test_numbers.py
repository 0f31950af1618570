# SPDX-License-Identifier: GPL-2.0-or-later
"""eval, ascii, btop, ptob, pte, ptov: Python's arithmetic, and crash's words."""
from harness import per_core
from suite import others

LINES = ['btop 512a000', 'btop 0x1000 1001', 'ptob 512a', 'ptob 10', 'pte d8e067', 'pte 8000000001234063',
         'pte 0', 'eval 128m', 'eval (1 << 32)', 'eval ~0', 'eval -5', 'eval 41dc065 & ff', 'eval -b 7g',
         'eval 64k', 'eval 1000', 'eval linux_banner', 'ascii 6d6f76', 'ascii 62696c2f7273752f', 'ptov 1000',
         'ptov 0:a', 'ptov 23fff0:0']


@per_core(lambda c: c.name == 'sysrq.kdump')
def same_words_as_crash(t, core):
    theirs = others.crash(t, core, LINES)
    for line, text in zip(LINES, theirs or []):
        ours = t.inquest(core.vmcore, '-s', '--no-vmlinux', '-c', line).out
        t.equal(' '.join(ours.split()), ' '.join((text or '').split()), line)


@per_core(lambda c: c.name == 'sysrq')
def arithmetic(t, core):
    rng = t.rng()
    for _ in range(60):
        a, b = rng.getrandbits(rng.randrange(1, 65)), rng.getrandbits(rng.randrange(1, 60)) | 1
        op = rng.choice('+-*/%&|^')
        want = {'+': a + b, '-': a - b, '*': a * b, '/': a // b, '%': a % b, '&': a & b, '|': a | b,
                '^': a ^ b}[op] & (1 << 64) - 1
        form = rng.choice(['{:d}', '0x{:x}'])
        text = f'({form.format(a)} {op} {form.format(b)})'
        got = t.command(core, f'eval {text}')['numbers'][0]['value']
        t.equal(int(got, 16), want, text)
