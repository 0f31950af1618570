# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests in tests/suite/ are written with.

A test is a function in tests/suite/test_*.py that takes a T and, if it is a test of cores, a Core:

    @test                      run once
    @per_core(KEEP)            run for each core of the lab for which KEEP(core) is true
    @per_core(KEEP, quick=N)   the same, but only N of them (24 under CHECK=all), another choice for each seed,
                               one of each kernel in turn

Inside, t.ok() and t.equal() note failures and go on; an exception is a failure as well.  A test
(one function on one core) counts once.  What is sampled comes from t.rng(), which is seeded by the
run's printed seed and the test's name: CHECK_SEED=N repeats a run.
"""
import json
import os
import random
import re
import subprocess
import time
import zlib

TESTS = []      # (name, function, keep or None, options)


def test(fn=None, **options):
    """Run fn(t) once.  sanitized=False: not under ASan (too slow, or tests no C of ours)."""
    def add(f):
        TESTS.append((_name(f), f, None, options))
        return f
    return add(fn) if fn else add


def per_core(keep=lambda core: True, **options):
    """Run fn(t, core) for each core that keep() wants; quick=N: for N of them, or 24 under CHECK=all."""
    def add(f):
        TESTS.append((_name(f), f, keep, options))
        return f
    return add


def _name(f):
    return f.__module__.split('.')[-1].removeprefix('test_') + '.' + f.__name__


class Core:
    """One dump of the lab, or the bundled one."""

    def __init__(self, row):
        self.name = row['name']
        self.scenario = row['scenario']
        self.format = row['format']
        self.vmcores = row['vmcore'] if isinstance(row['vmcore'], list) else [row['vmcore']]
        self.truth_path, self.serial_path = row['truth'], row['serial']
        self.vmlinux = row.get('vmlinux')       # None: there is none (the bundled dump)
        self.modules = row.get('modules')       # folder of modules with DWARF, or None
        self.proc = row.get('proc')             # folder with 1/ and 2/, or None
        self.kernel = row.get('kernel')         # folder name of the lab's kernel
        self._truth = None

    @property
    def vmcore(self):
        return self.vmcores[0]

    @property
    def truth(self):
        if self._truth is None:
            with open(self.truth_path) as f:
                self._truth = json.load(f)
        return self._truth

    def serial(self):
        with open(self.serial_path, errors='replace') as f:
            return f.read()

    def module_files(self):
        """Module files with DWARF or BTF for this core's kernel."""
        if not self.modules:
            return []
        return [os.path.join(d, f) for d, _, fs in os.walk(self.modules)
                for f in fs if f.endswith(('.ko', '.debug'))]

    def whole(self):
        """Not split, cut off or incomplete: an ordinary dump."""
        return not re.search(r'(split|nospace|cut)', self.name)


class Failed(Exception):
    """Ends a test: the rest of it makes no sense."""


class Output:
    """What one run of a program said."""

    def __init__(self, args, status, out, err, seconds):
        self.args, self.status, self.out, self.err, self.seconds = args, status, out, err, seconds

    def json(self):
        """The JSON objects printed, one a line."""
        try:
            return [json.loads(l) for l in self.out.splitlines() if l.strip()]
        except ValueError as e:
            raise Failed(f'{" ".join(self.args)}: not JSON ({e}): {self.out[:300]!r} {self.err[:300]!r}')

    def result(self):
        """The only object's "result"; its error is a failure."""
        objects = self.json()
        if len(objects) != 1 or 'result' not in objects[0]:
            raise Failed(f'{" ".join(self.args)}: no result: {self.out[:500]} {self.err[:500]}')
        return objects[0]['result']


class T:
    """One test being run."""

    def __init__(self, run, name):
        self.run, self.name = run, name
        self.failures, self.notes = [], []

    def rng(self):
        return random.Random(f'{self.run.seed}:{self.name}')

    @property
    def all(self):
        """CHECK=all: everything instead of a sample."""
        return self.run.mode == 'all'

    def sample(self, items, n):
        """N of ITEMS, or all of them under CHECK=all."""
        items = list(items)
        return items if self.all or len(items) <= n else self.rng().sample(items, n)

    def fail(self, what):
        self.failures.append(what)

    def ok(self, condition, what):
        if not condition:
            self.fail(what)
        return bool(condition)

    def equal(self, got, expected, what):
        return self.ok(got == expected, f'{what}: got {got!r}, expected {expected!r}')

    def none(self, differences, what, total=None):
        """DIFFERENCES is a list that must be empty; the first few are shown."""
        if differences:
            of = f' of {total}' if total is not None else ''
            self.fail(f'{what}: {len(differences)}{of} differ:\n    ' +
                      '\n    '.join(str(d) for d in differences[:5]))

    def note(self, text):
        """A figure worth printing with the result."""
        self.notes.append(text)

    def sh(self, args, stdin=None, timeout=300, check=True, text=True, env=None):
        """Run a program that is not inquest."""
        started = time.time()
        p = subprocess.run(args, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=text, errors='replace' if text else None, timeout=timeout,
                           env=dict(os.environ, **(env or {})))
        if check and p.returncode:
            raise Failed(f'{" ".join(args[:4])}: status {p.returncode}: {p.stderr[-500:]}')
        return Output(args, p.returncode, p.stdout, p.stderr, time.time() - started)

    def inquest(self, *args, stdin=None, timeout=120, check=True):
        """Run inquest.  A crash, a sanitizer report or a hang fails the test whatever CHECK says."""
        cmd = [self.run.inquest, *args]
        # In the sandbox no leaks can be looked for: with sanitizers half of the runs are outside of it.
        if self.run.sanitized and '--no-sandbox' not in args and zlib.crc32(repr(args).encode()) & 1:
            cmd.insert(1, '--no-sandbox')
        started = time.time()
        try:
            p = subprocess.run(cmd, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               timeout=timeout * (5 if self.run.sanitized else 1))
        except subprocess.TimeoutExpired:
            raise Failed(f'{" ".join(cmd)}: no end after {timeout} s')
        out = Output(cmd, p.returncode, p.stdout.decode(errors='replace'),
                     p.stderr.decode(errors='replace'), time.time() - started)
        if p.returncode < 0 or 'Sanitizer' in out.err or 'runtime error:' in out.err:
            raise Failed(f'{" ".join(cmd)}: died (status {p.returncode}): {out.err[-1500:]}')
        if check and p.returncode:
            raise Failed(f'{" ".join(cmd)}: status {p.returncode}: {out.err[-500:]}')
        return out

    def commands(self, core, commands, *options, vmlinux=False, **kw):
        """Run COMMANDS ("bt; ps") on CORE with --json; the list of objects."""
        return self.inquest('--json', *self.dump_args(core, vmlinux), *options, '-c', commands,
                            **kw).json()

    def command(self, core, command, *options, vmlinux=False, **kw):
        """Run one command on CORE with --json; its result."""
        return self.inquest('--json', *self.dump_args(core, vmlinux), *options, '-c', command,
                            **kw).result()

    def dump_args(self, core, vmlinux=False):
        """The dump with its vmlinux, or without any."""
        args = list(core.vmcores)
        if vmlinux:
            if not core.vmlinux:
                raise Failed(f'{core.name} has no vmlinux')
            return args + [core.vmlinux]
        return ['--no-vmlinux'] + args
