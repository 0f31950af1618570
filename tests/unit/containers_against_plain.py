#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""containers_against_plain.py UNIT_LINES

Lines and inlined functions of small programs compiled here that pass for a vmlinux and a module, against
addr2line -i; then the same from what objcopy, strip, eu-strip, dwz, xz, zstd and gzip make of the files:
compressed sections, split files, dwz files, files compressed as a whole.  The answers are identical.
Last, damage: whatever is cut off or changed, it ends in an answer or a sentence.  77: no compiler.
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

tool = os.path.abspath(sys.argv[1])
failures = checks = 0
random.seed(os.environ.get('CHECK_SEED') or '20261122')

COMMON = r"""
struct list { struct list *next, *prev; };
struct big { int a; long b; char name[32]; struct list l; union { int x; long y; } u; };
extern volatile int sink;
static inline __attribute__((always_inline)) int twice_of_big(struct big *b, int x)
{
	sink = b->a;
	return b->a * 2 + x;
}
static inline __attribute__((always_inline)) int thrice_of_big(struct big *b, int x)
{
	sink = (int)b->b;
	return twice_of_big(b, x) * 3;
}
"""
PART = r"""
#include "common.h"
int part%d(struct big *b, int x)
{
	if (x > 3)
		return thrice_of_big(b, x + %d);
	sink = x;
	return twice_of_big(b, x) + thrice_of_big(b, %d);
}
"""
MAIN = r"""
#include "common.h"
__attribute__((section("__ksymtab"), used)) static const long ksymtab = 1;
__attribute__((section("__ex_table"), used)) static const long ex_table = 2;
__attribute__((section(".modinfo"), used)) static const char info[] = "name=sample";
volatile int sink;
int part1(struct big *, int);
int part2(struct big *, int);
int part3(struct big *, int);
int main(int argc, char **argv)
{
	struct big b = { .a = argc };

	return part1(&b, argc) + part2(&b, argc) + part3(&b, %d);
}
"""


def fail(text):
    global failures
    failures += 1
    print('FAIL', text)


def sh(*args, check=True, **kw):
    r = subprocess.run(args, capture_output=True, text=True, errors='replace', **kw)
    if check and r.returncode:
        raise RuntimeError(f'{args}: {r.stderr[:500]}')
    return r


def ours(path, addresses, places=()):
    r = sh(tool, path, *places, input='\n'.join(f'{a:x}' for a in addresses) + '\n', check=False)
    if r.returncode or r.stderr:
        fail(f'{path}: {r.returncode} {r.stderr[:300]}')
    return r.stdout


def theirs(path, addresses, section=None):
    """addr2line's answers in the tool's words."""
    out, chain = [], []
    lines = sh('addr2line', '-a', '-f', '-i', '-e', path, *(['-j', section] if section else []),
               input='\n'.join(map(hex, addresses)) + '\n').stdout.splitlines()

    def end():
        for i, (name, place) in enumerate(chain[1:]):
            m = re.match(r'(.*):(\d+)', place)
            base = os.path.basename(m[1]) + ':' + m[2] if m and m[1] != '??' else '?:0'
            out.append(f'{chain[0]} {base} {name}' if not i else f'  {base} {name}')

    for line in lines:
        if re.fullmatch('0x[0-9a-f]{16}', line):
            end()
            chain = [hex(int(line, 16))]
        elif len(chain) and isinstance(chain[-1], list):
            chain[-1] = (chain[-1][0], line)
        else:
            chain.append([line])
    end()
    return '\n'.join(out) + '\n'


def equal(got, want, what):
    global checks
    checks += 1
    if got != want:
        pairs = [(g, w) for g, w in zip(got.splitlines(), want.splitlines()) if g != w]
        fail(f'{what}: {len(pairs)} lines differ: {pairs[:2]}')


def whole(path, addresses, want, places=()):
    """The file compressed as a whole."""
    for name, *command in (('xz', 'xz', '-kf', '--check=crc32'), ('zst', 'zstd', '-qf'), ('gz', 'gzip', '-kf')):
        if shutil.which(command[0]):
            sh(*command, path)
            equal(ours(f'{path}.{name}', addresses, places), want, f'{os.path.basename(path)}.{name}')
            os.unlink(f'{path}.{name}')


def compressed(path, addresses, want, places=()):
    for kind in 'zlib', 'zlib-gnu', 'zstd':
        if sh('objcopy', f'--compress-debug-sections={kind}', path, path + '.z', check=False).returncode:
            print(f'objcopy knows no {kind}')
            continue
        if not re.search(r'\.zdebug_| C ', sh('readelf', '-SW', path + '.z').stdout):
            fail(f'{kind}: nothing was compressed')
        equal(ours(path + '.z', addresses, places), want, f'sections: {kind}')


def split(path, addresses, want):
    """Files of debug information alone, as strip and eu-strip make them."""
    sh('strip', '--only-keep-debug', '-o', path + '.debug', path)
    equal(ours(path + '.debug', addresses), want, 'strip --only-keep-debug')
    if shutil.which('eu-strip'):
        sh('eu-strip', '-f', path + '.eu', '-o', path + '.stripped', path)
        equal(ours(path + '.eu', addresses), want, 'eu-strip -f')


def with_dwz(folder, addresses, want):
    if not shutil.which('dwz'):
        return print('no dwz')
    here = os.path.join(folder, 'dwz')
    for flags in [], ['--dwarf-5']:
        for where, name in (('common', 'common'), ('.dwz/common', None), ('else/common', '../nothing')):
            shutil.rmtree(here, ignore_errors=True)
            os.makedirs(os.path.join(here, os.path.dirname(where)) if '/' in where else here)
            for file in 'vmlinux', 'other':
                shutil.copy(os.path.join(folder, file), here)
            r = sh('dwz', *flags, '-m', 'common', '-M', name or 'common', 'vmlinux', 'other', cwd=here, check=False)
            if r.returncode or not os.path.exists(here + '/common'):
                fail(f'dwz {flags}: {r.stderr[:300]}')
                continue
            text = sh('readelf', '-SW', here + '/vmlinux').stdout
            if '.gnu_debugaltlink' not in text and '.debug_sup' not in text:
                fail(f'dwz {flags}: no link')
            if where != 'common':
                os.rename(here + '/common', os.path.join(here, where))
            got = ours(here + '/vmlinux', addresses)
            if where == 'else/common':      # nowhere: names are missing, lines are not
                equal(re.sub(r' \S*$', '', got, flags=re.M), re.sub(r' \S*$', '', want, flags=re.M), 'lost dwz file')
            else:
                equal(got, want, f'dwz {flags} {where}')
            # A file of that name that is another one is not taken.
            if where == 'common':
                shutil.copy(here + '/other', here + '/common')
                equal(re.sub(r' \S*$', '', ours(here + '/vmlinux', addresses), flags=re.M),
                      re.sub(r' \S*$', '', want, flags=re.M), 'wrong dwz file')
    shutil.copy(os.path.join(folder, 'vmlinux'), here + '/alone')
    sh('dwz', here + '/alone', check=False)
    equal(ours(here + '/alone', addresses), want, 'dwz of one file')


def damage(path, addresses, places=()):
    """Cut off, or with bytes changed: the tool ends by itself, and says something or answers."""
    global checks
    with open(path, 'rb') as f:
        data = f.read()
    broken = path + '.broken'
    for i in range(60):
        copy = bytearray(data)
        if i % 3 == 0:
            del copy[random.randrange(len(copy)):]
        else:
            for _ in range(1 if i % 3 == 1 else 400):
                copy[random.randrange(64, len(copy))] = random.choice((0, 1, 127, 128, 255, random.randrange(256)))
        with open(broken, 'wb') as f:
            f.write(copy)
        checks += 1
        try:
            r = sh(tool, broken, *places, input='\n'.join(f'{a:x}' for a in addresses[:64]) + '\n', check=False,
                   timeout=60)
        except subprocess.TimeoutExpired:
            fail(f'{path}: damage {i}: no end')
            continue
        if r.returncode not in (0, 1, 2) or 'Sanitizer' in r.stderr or 'runtime error' in r.stderr:
            fail(f'{path}: damage {i}: status {r.returncode}: {r.stderr[-300:]}')
            shutil.copy(broken, f'/tmp/damage-{os.getpid()}-{i}')


def main():
    if not shutil.which('gcc') or not shutil.which('addr2line') or not shutil.which('objcopy'):
        return 77
    for version in '4', '5':
        with tempfile.TemporaryDirectory() as tmp:
            def write(name, text):
                with open(os.path.join(tmp, name), 'w') as f:
                    f.write(text)
            write('common.h', COMMON)
            for i in 1, 2, 3:
                write(f'part{i}.c', PART % (i, i, i))
            parts = [f'part{i}.c' for i in (1, 2, 3)]
            for name, number in ('vmlinux', 7), ('other', 9):
                write('main.c', MAIN % number)
                sh('gcc', '-O2', '-g', f'-gdwarf-{version}', '-Wl,--build-id', '-no-pie', '-fno-pie', *parts, 'main.c',
                   '-o', name, cwd=tmp)
            vmlinux = os.path.join(tmp, 'vmlinux')
            addresses = []
            for line in sh('nm', '-S', vmlinux).stdout.splitlines():
                f = line.split()
                if len(f) == 4 and f[3] in ('part1', 'part2', 'part3', 'main'):
                    addresses += range(int(f[0], 16), int(f[0], 16) + int(f[1], 16))
            want = ours(vmlinux, addresses)
            equal(want, theirs(vmlinux, addresses), f'DWARF {version}')
            compressed(vmlinux, addresses, want)
            split(vmlinux, addresses, want)
            whole(vmlinux, addresses, want)
            with_dwz(tmp, addresses, want)
            damage(vmlinux, addresses)
            module = os.path.join(tmp, 'sample.ko')
            sh('gcc', '-O2', '-g', f'-gdwarf-{version}', '-c', 'main.c', '-o', module, cwd=tmp)
            sh('gcc', '-O2', '-g', f'-gdwarf-{version}', '-c', 'part1.c', '-o', 'part1.o', cwd=tmp)
            sh('ld', '-r', '-o', 'both.ko', module, 'part1.o', cwd=tmp)
            module = os.path.join(tmp, 'both.ko')
            size = int(re.search(r' \.text +PROGBITS +\S+ \S+ (\S+)', sh('readelf', '-SW', module).stdout)[1], 16)
            addresses, places = [0xffffffffc0400000 + i for i in range(size)], ['.text=ffffffffc0400000']
            want = ours(module, addresses, places)
            if want.count('part1') < 20:
                fail(f'module: {want[:300]}')
            compressed(module, addresses, want, places)
            whole(module, addresses, want, places)
            damage(module, addresses, places)
            compressed(module, addresses, want, places)
            damage(module + '.z', addresses, places)
    print(f'{checks} checks, {failures} failed')
    return failures != 0


sys.exit(main())
