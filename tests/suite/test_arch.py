# SPDX-License-Identifier: GPL-2.0-or-later
"""Page tables against crash, instruction texts against objdump 2.40."""
import glob
import os
import re
import subprocess
import tempfile

from harness import Failed, per_core, test

UNMAPPED = 6


def tool(t, name):
    return os.path.join(t.run.build, 'tests', 'unit', 'unit-' + name)


def has_vmlinux(core):
    return core.vmlinux and core.whole()


def objdump_is_ours(t):
    """2.40 is the version whose text we print."""
    return ' 2.40' in t.sh(['objdump', '--version']).out.splitlines()[0]


def compare_text(t, what, objdump):
    """Every line of objdump's output against our text."""
    dis = subprocess.Popen(objdump, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    p = subprocess.run([tool(t, 'insn-text'), '-n', '5'], stdin=dis.stdout, capture_output=True,
                       text=True)
    dis.wait()
    t.ok(p.returncode == 0, f'{what}: {p.stdout}{p.stderr}')
    return int(re.search(r'compared (\d+)', p.stdout + 'compared 0').group(1))


def symbols(t, vmlinux):
    """Functions as (address, size), and _stext and _etext."""
    functions, mark = [], {}
    for line in t.sh(['nm', '-S', '--defined-only', vmlinux], timeout=600).out.splitlines():
        f = line.split()
        if len(f) == 4 and f[2] in 'tT' and int(f[1], 16):
            functions.append((int(f[0], 16), int(f[1], 16)))
        elif f[-1] in ('_stext', '_etext'):
            mark[f[-1]] = int(f[0], 16)
    text = [f for f in functions if mark['_stext'] <= f[0] < mark['_etext']]
    return sorted(set(text)), mark['_stext'], mark['_etext']


@test(sanitized=False)
def texts_of_kernels(t):
    """Under CHECK=all every instruction of each kernel of the lab, else of some functions."""
    if not objdump_is_ours(t):
        return t.note('skipped: objdump is not 2.40')
    lab = os.environ.get('INQUEST_LAB') or os.path.expanduser('~/.cache/inquest/lab')
    total = 0
    kernels = {os.path.realpath(p) for p in glob.glob(os.path.join(lab, 'work', 'kernel-*', 'vmlinux'))}
    for path in sorted(k for k in kernels if os.path.isfile(k)):
        if t.all:
            total += compare_text(t, path, ['objdump', '-d', '-w', path])
            continue
        for address, size in t.sample(symbols(t, path)[0], 100):
            total += compare_text(t, f'{path} {address:x}', [
                'objdump', '-d', '-w', f'--start-address={address:#x}',
                f'--stop-address={address + size:#x}', path])
    t.note(f'{total} instructions')


@per_core(has_vmlinux, quick=3)
def texts_of_dump(t, core):
    """The text in the dump, which the kernel patched while it booted."""
    if not objdump_is_ours(t):
        return t.note('skipped: objdump is not 2.40')
    functions, stext, etext = symbols(t, core.vmlinux)
    offset = kernel_offset(t, core)
    if offset is None:
        return t.note('skipped: no VMCOREINFO')
    ranges = [(stext, etext - stext)] if t.all else t.sample(functions, 60)
    total = 0
    with tempfile.NamedTemporaryFile() as f:
        for address, size in ranges:
            p = subprocess.run([tool(t, 'vm-walk'), core.vmcore, 'read', f'{address + offset:x}',
                                str(size)], capture_output=True)
            if p.returncode:
                t.fail(p.stderr.decode(errors='replace'))
                continue
            f.seek(0)
            f.truncate()
            f.write(p.stdout)
            f.flush()
            total += compare_text(t, f'{address:x}', [
                'objdump', '-D', '-w', '-b', 'binary', '-m', 'i386:x86-64',
                f'--adjust-vma={address + offset:#x}', f.name])
    t.note(f'{total} instructions')


def kernel_offset(t, core):
    """KERNELOFFSET from the first bytes of the dump's notes; None if there are none."""
    with open(core.vmcore, 'rb') as f:
        m = re.search(rb'\nKERNELOFFSET=([0-9a-f]+)\n', f.read(16 << 20))
    return int(m.group(1), 16) if m else None


def variable(t, core, name, names):
    """A variable of eight bytes in the dump."""
    p = subprocess.run([tool(t, 'vm-walk'), core.vmcore, 'read', f'{names[name]:x}', '8'],
                       capture_output=True)
    if p.returncode:
        raise Failed(p.stderr.decode(errors='replace'))
    return int.from_bytes(p.stdout, 'little')


def addresses(t, core, offset):
    """Some of everything: text, stacks and structures, vmalloc, struct page, per-CPU, fixmap."""
    rng, names = t.rng(), {}
    for line in t.sh(['nm', '--defined-only', core.vmlinux], timeout=600).out.splitlines():
        f = line.split()
        names[f[2]] = int(f[0], 16) + offset
    regs = t.sh([tool(t, 'vm-walk'), core.vmcore, 'registers']).out
    found = [int(a, 16) for a in re.findall(r'=(ff[0-9a-f]{14})\b', regs)]
    near = {name: variable(t, core, name + '_base', names)
            for name in ('page_offset', 'vmalloc', 'vmemmap')}
    return sorted({
        *(names['_stext'] + rng.randrange(0x3000000) for _ in range(10)),
        *(near['page_offset'] + rng.randrange(0x10000000) for _ in range(10)),
        *(near['vmalloc'] + rng.randrange(0x4000000) for _ in range(30)),
        *(near['vmemmap'] + rng.randrange(0x400000) for _ in range(10)),
        *(0xfffffe0000000000 + rng.randrange(0x80000) for _ in range(10)),
        *(0xffffffffff578000 + rng.randrange(0x90000) for _ in range(5)),
        *rng.sample(found, min(len(found), 40)),
        0xff00000000000000, 0xffffffffffffffff})


# crash needs long to start: one dump of each kind of page table and writer is enough.
WALKED = {'sysrq', 'sysrq-la57', 'sysrq-full'}
WALKED_ALL = WALKED | {'sysrq.kdump', 'sysrq.elf', 'sysrq-nokaslr', 'irq-kernel', 'usb-free-kaslr'}


def walked(core):
    return has_vmlinux(core) and core.name in (
        WALKED_ALL if os.environ.get('CHECK') == 'all' else WALKED)


@per_core(walked)
def walks_as_crash(t, core):
    """Every entry on the way, flags and physical address of sampled addresses, as crash's vtop."""
    if not os.path.exists('/usr/bin/crash'):
        return t.note('skipped: no crash')
    offset = kernel_offset(t, core)
    if offset is None:
        return t.note('skipped: no VMCOREINFO')
    wanted = addresses(t, core, offset)
    commands = [f'vtop {a:x}' for a in wanted] + ['q', '']
    out = t.sh(['crash', '-s', core.vmlinux, core.vmcore], stdin='\n'.join(commands), check=False,
               timeout=600).out
    blocks = re.split(r'VIRTUAL +PHYSICAL *\n', out)
    theirs = {int(b.split()[0], 16): b for b in blocks[1:]}
    p = t.sh([tool(t, 'vm-walk'), core.vmcore, 'walk', *(f'{a:x}' for a in wanted)])
    compared = 0
    for line in p.out.splitlines():
        f = line.split()
        va, status, physical, steps = int(f[0], 16), int(f[1]), f[2], f[5:]
        block = theirs.get(va)
        levels = block and re.findall(
            r'^ *(?:PGD|P4D|PUD|PMD|PTE|PAGE DIRECTORY): (?:[0-9a-f]+ => )?([0-9a-f]+)', block, re.M)
        # crash ends with an error, or does arithmetic, where a table is not in the dump.
        if not levels:
            continue
        t.equal(steps[2::4], levels, f'entries for {va:x}')
        page = re.search(r'PTE +PHYSICAL +FLAGS\n *(\S+) +(\S+) +\((.*)\)', block)
        # Of addresses after the kernel image crash prints a physical address by arithmetic.
        if page:
            t.equal(steps[-1], page.group(3), f'flags of {va:x}')
            if va < 0xffffffffc0000000:
                t.equal(physical, block.split()[1], f'physical address of {va:x}')
            t.equal(status, 0, f'status of {va:x}')
        elif '(not mapped)' in block:
            t.equal(status, UNMAPPED, f'status of {va:x}')
        compared += 1
    t.ok(compared >= 20, f'only {compared} addresses compared')
    t.note(f'{compared} addresses')
