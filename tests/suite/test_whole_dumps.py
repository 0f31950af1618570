# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole dumps, mutated: bits flipped, words overwritten, pages zeroed, swapped and left out, headers scribbled on, files
cut short; in every format and of every kernel.  Then everything that walks is run on them: nothing dies, hangs, takes more
than a gigabyte, or prints a byte that a terminal obeys.

CHECK=all makes thousands of them, else it is a sample."""
import os
import re
import shutil
import struct
import subprocess
import tempfile

from harness import per_core
from suite import clean_output
from suite.patched_kdump import PAGE, PatchedKdump

MEMORY = 1 << 30
SECONDS = 90
WORDS = [0, 1, 7, 0xff, (1 << 32) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 0xdead000000000100, 0xffff888000000000]


class Mutant:
    """A copy of a core that is damaged and mended again."""

    def __init__(self, t, core, folder):
        self.rng, self.core, self.undo = t.rng(), core, []
        self.kdump = None
        if core.format == 'zlib':
            self.kdump = PatchedKdump(core, folder)
            self.path = self.kdump.path
            self.pfns = sorted(self.kdump.index)
            self.hot = self._hot(t)
        else:
            self.path = os.path.join(folder, 'mutant')
            shutil.copyfile(core.vmcore, self.path)
        self.size = os.path.getsize(self.path)

    def _hot(self, t):
        """Physical addresses of what commands print: objects that they walk."""
        out = t.inquest('--json', '--no-vmlinux', self.core.vmcore, '-c', 'ps; mod; mount; kmem -s; kmem -v; dev -i; bt -a; '
                        'files 1; vm 1; kmem -n; p page_offset_base; p phys_base', check=False).out
        address = {int(a, 16) for a in re.findall(r'"0x(ffff[0-9a-f]{12})"', out)}
        bases = dict(re.findall(r'"command":"p (\w+)".*?"value":"?(0x[0-9a-f]+|-?\d+)', out))
        offset = int(bases.get('page_offset_base', '0xffff888000000000'), 0)
        image = 0xffffffff80000000 - int(bases.get('phys_base', '0'), 0)
        pas = {a - offset for a in address if 0 <= a - offset < 1 << 36} | {
            (a - image) & (1 << 64) - 1 for a in address if a >= 0xffffffff80000000}
        return sorted(a for a in pas if a // PAGE in self.kdump.index) or [self.pfns[0] * PAGE]

    # ---- Damage ----------------------------------------------------------------------------------

    def words(self):
        rng = self.rng
        for _ in range(rng.choice((1, 4, 16, 64))):
            at = (rng.choice(self.hot) + rng.randrange(0, 1024)) & ~7
            if at // PAGE in self.kdump.index:
                old, = struct.unpack('<Q', self.kdump.read(at))
                new = rng.choice((rng.choice(WORDS), old ^ 1 << rng.randrange(64), rng.getrandbits(64), old + 8,
                                  rng.choice(self.hot)))
                self.kdump.write(at, struct.pack('<Q', new & (1 << 64) - 1))

    def text(self):
        for _ in range(8):
            at = self.rng.choice(self.hot) + self.rng.randrange(0, 1024)
            if at // PAGE in self.kdump.index and at % PAGE < PAGE - 8:
                self.kdump.write(at, self.rng.choice((b'\x1b[2J\n', b'\xe2\x80\xae\xff', b'\r\x07\x9b\xc3')))

    def pages(self):
        for _ in range(self.rng.choice((1, 8, 40))):
            pfn = self.rng.choice(self.hot) // PAGE
            other = self.rng.choice(self.pfns) * PAGE
            self.kdump.write(pfn * PAGE, self.rng.choice((bytes(PAGE), self.kdump.read(other, PAGE), b'\xff' * PAGE,
                                                          self.rng.randbytes(PAGE))))

    def descriptors(self):
        for _ in range(self.rng.choice((1, 20, 500))):
            at = self.kdump.kdump.descs + 24 * self.rng.randrange(len(self.pfns))
            self.put(at, self.rng.choice((self.rng.randbytes(24), bytes(24), self.get(at + 24, 24))))

    def headers(self):
        end = min(self.size, 1 << self.rng.choice((9, 13, 16)))
        for _ in range(self.rng.choice((1, 3, 20))):
            self.put(self.rng.randrange(end - 8), self.rng.choice((self.rng.randbytes(4), b'\xff' * 8, bytes(4))))

    def flips(self):
        for _ in range(self.rng.choice((10, 1000, 5000))):
            at = self.rng.randrange(self.size)
            self.put(at, bytes([self.get(at, 1)[0] ^ 1 << self.rng.randrange(8)]))

    def cut(self):
        self.cut_to = self.rng.randrange(self.rng.choice((4096, 1 << 20, self.size)))

    # ---- The file --------------------------------------------------------------------------------

    def get(self, at, size):
        self.file.seek(at)
        return self.file.read(size)

    def put(self, at, data):
        data = data[:max(self.size - at, 0)]
        self.undo.append((at, self.get(at, len(data))))
        self.file.seek(at)
        self.file.write(data)

    def make(self):
        kinds = ['headers', 'flips', 'cut']
        if self.kdump:
            kinds += ['words'] * 6 + ['pages'] * 2 + ['text', 'descriptors']
        kind = self.rng.choice(kinds)
        self.cut_to = None
        self.file = open(self.path, 'r+b', buffering=0)
        getattr(self, kind)()
        if self.cut_to is None:
            return kind, self.path
        short = self.path + '.cut'
        with open(short, 'wb') as f:
            subprocess.run(['head', '-c', str(self.cut_to), self.path], stdout=f, check=True)
        return kind, short

    def mend(self):
        for at, data in reversed(self.undo):
            self.file.seek(at)
            self.file.write(data)
        self.undo = []
        self.file.close()
        if self.kdump:
            self.kdump.restore()


@per_core(lambda c: len(c.vmcores) == 1 and c.format != 'zlib', quick=2, sanitized=False)
def other_formats(t, core):
    mutants(t, core, 100 if t.all else 4)


@per_core(lambda c: c.format == 'zlib' and c.whole(), quick=3, sanitized=False)
def kdumps(t, core):
    mutants(t, core, 120 if t.all else 5)


def mutants(t, core, n):
    with tempfile.TemporaryDirectory() as folder:
        m = Mutant(t, core, folder)
        for i in range(n):
            kind, path = m.make()
            commands = m.rng.sample(clean_output.COMMANDS, 14)
            options = m.rng.choice((['-s'], ['--json']))
            _, out, _, why = clean_output.run(t.run.inquest, [*options, '--no-vmlinux', path, '-c', '; '.join(commands)],
                                              SECONDS, MEMORY)
            bad = why or clean_output.unfit(out, options[0] == '--json')
            if not t.ok(not bad, f'mutant {i} ({kind}), {options[0]} {"; ".join(commands)}: {bad}'):
                keep = os.environ.get('CHECK_KEEP')
                if keep:
                    shutil.copyfile(path, os.path.join(keep, f'{core.name}-{t.run.seed}-{i}'))
            m.mend()
        t.note(f'{n} mutants')
