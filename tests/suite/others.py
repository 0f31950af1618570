# SPDX-License-Identifier: GPL-2.0-or-later
"""What others say: drgn, crash, nm, and the guest's own /proc.  Each answer is made once a run."""
import json
import os
import re
import threading

from harness import Failed

_lock, _locks, _answers = threading.Lock(), {}, {}


def once(key, make):
    """The answer of MAKE(), made by the first who asks for KEY."""
    with _lock:
        mine = _locks.setdefault(key, threading.Lock())
    with mine:
        if key not in _answers:
            _answers[key] = make()
        return _answers[key]


RIVALS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'rivals')


def has_rivals():
    """The newest crash and drgn, unpacked beside the lab (tests/rivals); tests/run has them made."""
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.exists(os.path.join(cache, 'inquest', 'rivals', 'complete'))


def of_other_kernel(core):
    """Of a kernel that is not this Debian's: its crash and drgn do not know it."""
    return bool(core.kernel and '-' in core.kernel)


def has_drgn(core):
    """drgn opens real kdumps; of QEMU's it misses the machine's name."""
    there = has_rivals() if of_other_kernel(core) else os.path.exists('/usr/lib/python3/dist-packages/drgn')
    return bool(core.vmlinux and core.format in ('kdump', 'vmcore-elf') and core.whole() and there)


def has_crash(core):
    """crash 8.0.2 knows the kernels up to Debian 12's, 9.0.2 those up to 6.x; on 7.2 it does not start."""
    if of_other_kernel(core):
        return not core.kernel.endswith('-sid') and has_rivals()
    return os.path.exists('/usr/bin/crash')


def crash_program(core):
    return [RIVALS, 'run', 'crash'] if of_other_kernel(core) else ['crash']


def has_vmlinux(core):
    """Has a vmlinux, and it is known where KASLR put the kernel: one that QEMU dumped under a crash kernel's
    feet, without VMCOREINFO, says so nowhere but in itself."""
    known = core.format != 'capture' or core.truth.get('kaslr_offset')
    return bool(core.vmlinux and core.whole() and known)


def loaded_module_files(t, core):
    """Of the lab's module files those whose modules the dump has."""
    loaded = {m['name'] for m in t.command(core, 'mod')['modules']}
    return [f for f in core.module_files()
            if os.path.basename(f).split('.')[0].replace('-', '_') in loaded]


def drgn(t, core):
    def make():
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drgn_facts.py')
        python = [RIVALS, 'run', 'python3'] if of_other_kernel(core) else ['/usr/bin/python3']
        out = t.sh([*python, script, core.vmcore, core.vmlinux, *loaded_module_files(t, core)], timeout=900)
        return json.loads(out.out)
    return once(('drgn', core.name), make)


def crash(t, core, commands, timeout=300):
    """crash's output; the commands are separated by marks: a list of texts."""
    if not has_crash(core):
        return None
    mark = 'MARK-%d-OF-TESTS'
    lines = ['set scroll off', 'set radix 10']
    for i, c in enumerate(commands):
        lines += [f'!echo {mark % i}', c]
    lines += [f'!echo {mark % len(commands)}', 'q']
    out = t.sh([*crash_program(core), '-s', core.vmlinux, core.vmcore], stdin='\n'.join(lines) + '\n', check=False,
               timeout=timeout).out
    found = []
    for i in range(len(commands)):
        m = re.search(f'{mark % i}\n(.*?){mark % (i + 1)}\n', out, re.S)
        found.append(m.group(1) if m else None)
    return found


def system_map(t, core):
    """[(address, letter, name)] of the kernel's System.map, not relocated."""
    path = os.path.join(os.path.dirname(core.vmlinux), 'System.map')

    def make():
        # Some packages have a line of text in its place.
        if os.path.exists(path) and os.path.getsize(path) > 1 << 20:
            lines = open(path).read().splitlines()
        else:
            lines = t.sh(['nm', core.vmlinux], timeout=300).out.splitlines()
        return [(int(a, 16), k, n) for a, k, n in (l.split()[:3] for l in lines if l[0] != ' ')]
    return once(('map', path), make)


def kernel_offset(core):
    """The KASLR offset that the truth has; 0 without KASLR; None where nobody knows."""
    value = core.truth.get('kaslr_offset')
    if value == 'disabled':
        return 0
    return int(value, 16) if value else None


def need_offset(core):
    offset = kernel_offset(core)
    if offset is None:
        raise Failed(f'{core.name}: the truth has no kaslr_offset')
    return offset


def proc(core, name):
    """A file that was the same in both snapshots of the guest's /proc; None if it was not or is not."""
    texts = []
    for n in '12':
        path = os.path.join(core.proc, n, name)
        if not os.path.exists(path):
            return None
        with open(path, errors='replace') as f:
            texts.append(f.read())
    return texts[0] if texts[0] == texts[1] else None


def proc_pids(core):
    return sorted(int(p) for p in os.listdir(os.path.join(core.proc, '1', 'proc')) if p.isdigit())
