# SPDX-License-Identifier: GPL-2.0-or-later
"""Strings of a dump that want to own the terminal: in each place that a name or a text comes from, escape sequences,
newlines, characters that reorder text, and bytes that are no UTF-8.  None of them may come out as it is."""
import struct
import tempfile

from harness import per_core
from suite import clean_output, raw_memory
from suite.patched_kdump import PAGE, PatchedKdump

FAKE = 'FAKELINE'
HOSTILE = [b'\x1b[31mX\x1b', b'\n' + FAKE.encode(), b'\xe2\x80\xaeX\x9b1', b'\xff\xfe\x80\x07\r\b', b'\x1b]0;Z\x07',
           b'\xc2\x9b31m\x0b', b'\xe2\x81\xa6\x7f\xc2']
# What names and texts are made of in all kernels of the lab: comms, modules, files, caches, resources, the log …
WORDS = [b'init\0', b'kworker', b'ksoftirqd', b'migration', b'kthreadd', b'virtio', b'console', b'ttyS0', b'tmpfs',
         b'proc\0', b'sysfs', b'devtmpfs', b'rootfs', b'kmalloc-', b'dentry\0', b'buffer_head', b'filp\0', b'System RAM',
         b'PCI Bus', b'Reserved', b'timer\0', b'i8042', b'rtc0', b'Memory:', b'Kernel command', b'lab=', b'Debian',
         b'localhost', b'(none)', b'x86_64\0', b'busybox', b'crashme', b'sh\0', b'eth0', b'lo\0', b'acpi', b'Command line',
         b'events', b'rcu_', b'panic', b'pipe:', b'socket:', b'/dev/', b'sleep', b'cpuhp']


def hostile(rng, size):
    """SIZE bytes that begin as one of the above; no NUL inside."""
    return (rng.choice(HOSTILE) * (size // 6 + 1))[:size]


def poison(t, core, dump, rng):
    """Write over words of all memory but VMCOREINFO's; how many places."""
    memory = raw_memory.Memory([core.vmcore])
    keep = set()
    for start, data in memory.runs:
        at = data.find(b'OSRELEASE=')
        while at >= 0:
            keep |= {(start + at) // PAGE, (start + at) // PAGE + 1}
            at = data.find(b'OSRELEASE=', at + 1)
    done = 0
    for word in WORDS:
        places = []
        for start, data in memory.runs:
            at = data.find(word)
            while at >= 0 and len(places) < 3000:
                places.append(start + at)
                at = data.find(word, at + len(word))
        for pa in rng.sample(places, min(len(places), 400 if t.all else 150)):
            size = len(word.rstrip(b'\0'))
            if pa // PAGE not in keep and pa % PAGE + size < PAGE:
                dump.write(pa, hostile(rng, size))
                done += 1
    return done


@per_core(lambda c: c.format == 'zlib' and c.whole() and c.scenario == 'sysrq' and 'novmci' not in c.name, quick=1,
          sanitized=False)
def nothing_raw(t, core):
    rng = t.rng()
    with tempfile.TemporaryDirectory() as folder:
        dump = PatchedKdump(core, folder)
        t.note(f'{poison(t, core, dump, rng)} poisoned strings')
        for options in (['-s', '--no-vmlinux'], ['--json', '--no-vmlinux']):
            for group in range(0, len(clean_output.COMMANDS), 6):
                commands = clean_output.COMMANDS[group:group + 6]
                _, out, _, why = clean_output.run(t.run.inquest, [*options, dump.path, '-c', '; '.join(commands)], 120, 0)
                bad = why or clean_output.unfit(out, options[0] == '--json')
                if not bad and 'log' not in commands and f'\n{FAKE}'.encode() in out:
                    bad = 'a newline of the dump became a line of the output'
                t.ok(not bad, f'{options[0]} {commands}: {bad}')


@per_core(lambda c: c.format == 'zlib' and c.whole() and c.scenario == 'sysrq' and 'novmci' not in c.name, quick=1,
          sanitized=False)
def names_of_types(t, core):
    """The same in the strings of BTF: names of types and members."""
    rng = t.rng()
    with tempfile.TemporaryDirectory() as folder:
        dump = PatchedKdump(core, folder)
        start, end = (int(t.command(core, f'sym {n}')['symbols'][0]['address'], 16) for n in ('__start_BTF', '__stop_BTF'))
        header = [int(t.command(core, f'vtop {start:x}')['physical'], 16)]
        first = header[0]
        length, _, types, strings = struct.unpack('<IIII', dump.read(first + 4, 16))
        at = first + length + types
        size = end - start - length - types
        for _ in range(3000 if t.all else 800):
            pa = at + rng.randrange(size - 8)
            if pa % PAGE < PAGE - 8 and 0 not in dump.read(pa, 6):
                dump.write(pa + 2, hostile(rng, 3))
        t.ok(strings, 'BTF has strings')
        for options in (['-s', '--no-vmlinux'], ['--json', '--no-vmlinux']):
            commands = ['struct task_struct', 'struct page', 'pahole inode', 'struct super_block', 'whatis file',
                        'struct module', 'struct sock', 'union thread_union', 'struct task_struct init_task', 'ps', 'mod',
                        'p init_uts_ns', 'struct rq', 'struct mm_struct -o', 'enum', 'sizeof task_struct']
            _, out, _, why = clean_output.run(t.run.inquest, [*options, dump.path, '-c', '; '.join(commands)], 120, 0)
            bad = why or clean_output.unfit(out, options[0] == '--json')
            t.ok(not bad, f'{options[0]}: {bad}')
