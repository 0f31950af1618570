#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""cfi_against_readelf.py UNIT_CFI_ROWS [FILE...]

All rows of call frame information that UNIT_CFI_ROWS reads from vmlinux and module files, against
those of readelf --debug-dump=frames-interp.  Without FILEs: programs and modules compiled here, in
.debug_frame and .eh_frame.  77: readelf or a compiler is missing.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

tool = sys.argv[1]
NAMES = 'rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15'.split()
failures = 0


def fail(text):
    global failures
    failures += 1
    print('FAIL', text)


def number(name):
    """DWARF's number of a register."""
    return str(NAMES.index(name)) if name in NAMES else name.removeprefix('r')


def rule(text):
    """readelf's rule in the tool's words; '' is none."""
    if text in NAMES or re.fullmatch(r'r\d+', text):
        return 'r' + number(text)
    return text


def theirs(path, module):
    """
    (section, location) -> (cfa, {register: rule}); rows of one location: the last counts.  In a
    module, where every section begins at 0, the function's number stands for the section.
    """
    rows, cies = {}, {}
    with subprocess.Popen(['readelf', '--debug-dump=frames-interp', path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, errors='replace') as p:
        columns = fde = cie = None
        eh, nr = False, 0
        for line in p.stdout:
            if line.startswith('Contents of the'):
                eh = '.eh_frame' in line
            m = re.match(r'([0-9a-f]+) .* CIE ', line)
            if m:
                cie, fde, columns = m[1], None, None
                continue
            m = re.search(r' FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)', line)
            if m:
                fde, cie, columns = (int(m[2], 16), int(m[3], 16)), None, None
                # Without instructions of its own it has no row in readelf's list.
                nr += 1
                key = nr if module else eh
                if fde[0] < fde[1] and (fde[0] or module) and (eh, m[1]) in cies:
                    rows[key, fde[0]] = cies[eh, m[1]]
                continue
            words = re.sub(r'(r\d+) \(\w+\)', r'\1', line).split()
            if not words or words[0] == 'LOC':
                columns = words[2:]
                continue
            if columns is None or not re.fullmatch('[0-9a-f]{16}', words[0]):
                continue
            at, row = int(words[0], 16), (words[1], dict(zip(columns, words[2:])))
            if cie:
                cies[eh, cie] = row
            elif fde and fde[0] <= at < fde[1] and (fde[0] or module):
                rows[key, at] = row
    return rows


def ours(path, places):
    p = subprocess.run([tool, path, *places], capture_output=True, text=True)
    if p.returncode:
        fail(f'{path}: {p.stderr.strip()} {[l for l in p.stdout.splitlines() if "failed" in l][:3]}')
    rows = []
    for line in p.stdout.splitlines():
        words = line.split()
        if words[1] != 'failed':
            rows.append((int(words[0], 16), int(words[1], 16), words[2],
                         dict(w.split('=') for w in words[3:] if '=' in w)))
    return rows


def plain(cfa, regs):
    """A row of readelf's in the tool's words."""
    m = re.match(r'([a-z0-9]+)([+-]\d+)$', cfa)
    return (f'r{number(m[1])}{m[2]}' if m else cfa,
            {r if r == 'ra' else number(r): rule(v) for r, v in regs.items() if v != 'u'})


def compare(path):
    want = theirs(path, False)
    both = any((True, at) in want for eh, at in want if not eh)
    got = {start: (cfa, {r: v for r, v in regs.items() if v != 'u'}) for start, _, cfa, regs in ours(path, ())}
    bad = [f'{at:x}: got {got.get(at)}, readelf {plain(*row)}' for (eh, at), row in want.items()
           if got.get(at) != plain(*row) and not (both and eh and (False, at) in want)]
    bad += [f'{at:x}: only here' for at in set(got) - {at for _, at in want}]
    if bad or not want:
        fail(f'{path}: {len(bad)} of {len(want)} rows differ: {bad[:4]}')
    print(f'{os.path.basename(path)}: {len(want)} rows as readelf has them')


def compare_module(path):
    """Each section is said to lie at its number << 32; readelf has them all at 0."""
    names = re.findall(r'^ *\[ *(\d+)\] (\S+) +PROGBITS .* AX ', subprocess.run(['readelf', '-SW', path],
                       capture_output=True, text=True).stdout, re.M)
    want, got = Counter(), Counter()
    for (_, at), row in theirs(path, True).items():
        cfa, regs = plain(*row)
        want[at, cfa, tuple(sorted(regs.items()))] += 1
    for start, _, cfa, regs in ours(path, [f'{name}={int(i) << 32:x}' for i, name in names]):
        got[start & 0xffffffff, cfa, tuple(sorted((r, v) for r, v in regs.items() if v != 'u'))] += 1
    if want != got or not want:
        fail(f'{path}: only readelf {list((want - got).items())[:3]}, only here {list((got - want).items())[:3]}')
    print(f'{os.path.basename(path)}: {sum(got.values())} rows as readelf has them')


PROGRAM = r"""
__attribute__((section("__ksymtab"), used)) static const long a = 1;
__attribute__((section("__ex_table"), used)) static const long b = 2;
#ifdef MODULE
__attribute__((section(".modinfo"), used)) static const char c[] = "name=sample";
#endif
volatile int sink;
int many(int x, int y, int z)
{
	int list[16 + (x & 7)];

	for (int i = 0; i < x; i++)
		list[i & 15] = y * z + sink;
	return list[y & 15];
}
int main(int argc, char **argv)
{
	if (argc > 3)
		return many(argc, 2, 3) + many(argc, 4, 5);
	sink = argc;
	return many(1, 2, argc);
}
__asm__(".text\n.globl odd\n.type odd, @function\nodd:\n.cfi_startproc\n"
	"push %rbp\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset rbp, 0\n.cfi_remember_state\n"
	"mov %rsp, %rbp\n.cfi_def_cfa_register rbp\n.cfi_register r12, rbx\n.cfi_undefined rcx\n"
	"nop\n.cfi_escape 0x16, 0x3, 0x2, 0x77, 0x8\n"	/* DW_CFA_val_expression rbx: breg7 + 8 */
	"nop\n.cfi_escape 0x10, 0xd, 0x2, 0x76, 0x70\n"	/* DW_CFA_expression r13: breg6 - 16 */
	"nop\n.cfi_val_offset r14, -24\n.cfi_same_value r15\n"
	"nop\n.cfi_restore_state\n.cfi_restore rbp\npop %rbp\n.cfi_adjust_cfa_offset -8\nret\n"
	"nop\n.cfi_escape 0x0f, 0x3, 0x77, 0x8, 0x6\nnop\n"	/* DW_CFA_def_cfa_expression */
	".cfi_endproc\n.size odd, . - odd\n");
"""


def check_compiled():
    with tempfile.TemporaryDirectory() as tmp:
        with open(tmp + '/sample.c', 'w') as f:
            f.write(PROGRAM)
        for flags in (['-fasynchronous-unwind-tables'],
                      ['-fno-asynchronous-unwind-tables', '-g'],
                      ['-fno-asynchronous-unwind-tables', '-g', '-gdwarf-2'],
                      ['-fasynchronous-unwind-tables', '-g', '-gz=zlib', '-fno-pie', '-no-pie'],
                      ['-fno-asynchronous-unwind-tables', '-g', '-fno-omit-frame-pointer']):
            out = tmp + '/vmlinux'
            sections = '' if '-fasynchronous-unwind-tables' in flags else '.cfi_sections .debug_frame\n'
            with open(tmp + '/sample.c', 'w') as f:
                f.write(f'__asm__("{sections.strip()}\\n");\n' + PROGRAM)
            r = subprocess.run(['gcc', '-O2', *flags, tmp + '/sample.c', '-o', out], capture_output=True, text=True)
            if r.returncode:
                fail(f'gcc {flags}: {r.stderr[:300]}')
                continue
            compare(out)
            # The same as a module: .eh_frame's relocations are relative.
            module = tmp + '/sample.ko'
            r = subprocess.run(['gcc', '-O2', *[f for f in flags if 'pie' not in f], '-c', '-DMODULE', tmp + '/sample.c',
                                '-o', module], capture_output=True, text=True)
            if r.returncode:
                fail(f'gcc {flags}: {r.stderr[:300]}')
            else:
                compare_module(module)


def main():
    if not shutil.which('readelf') or not shutil.which('gcc'):
        return 77
    if len(sys.argv) > 2:
        for path in sys.argv[2:]:
            (compare_module if re.search(r'\.ko(\.debug)?$', path) else compare)(path)
    else:
        check_compiled()
    print(f'{failures} failed')
    return failures != 0


sys.exit(main())
