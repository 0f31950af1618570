# SPDX-License-Identifier: GPL-2.0-or-later
"""Saved machines, acquired memory, makedumpfile's modes: each page equal to the dump of the same moment."""
import json
import os
import re
import tempfile

from harness import per_core
from suite import images

LAB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lab')


def scratch():
    """Some hundred megabytes, on a disk."""
    return tempfile.TemporaryDirectory(dir='/var/tmp')


def compare(t, a, b, *options, timeout=300):
    """Both page by page: how many are what, as unit-dump-pages prints it."""
    tool = os.path.join(t.run.build, 'tests', 'unit', 'unit-dump-pages')
    out = t.sh([tool, *options, a, b], check=False, timeout=timeout)
    t.equal(out.status, 0, f'{b}: {out.out[-500:]}{out.err[-500:]}')
    words = out.out.split('\n')[-2].split() if out.status == 0 else []
    return dict(zip(words[::2], map(int, words[1::2])))


def whole(t, reference, path, pages):
    """PATH has all PAGES of RAM, as the reference has them; that has video memory and firmware besides."""
    n = compare(t, reference, path, '--missing')
    if n:
        t.equal(n['equal'] + n['zero'], pages, f'{path}: pages that both have')
        t.equal(n['excluded'] + n['guessed'], 0, f'{path}: pages that are no such')
        t.note(f'{os.path.basename(path)}: {n["equal"]} pages equal, {n["zero"]} zero')


def same_answers(t, reference, path, commands):
    for command in commands:
        a, b = (t.inquest('--json', '--no-vmlinux', p, '-c', command).result() for p in (reference, path))
        if command == 'sys':
            for key in ('release', 'nodename', 'panic', 'cpus', 'memory', 'tasks'):
                t.equal(b.get(key), a.get(key), f'{path}: {key}')
        else:
            t.ok(json.dumps(a) == json.dumps(b), f'{path}: {command} differs')


def says(t, path, pattern, status=2, command='sys'):
    out = t.inquest('-s', '--no-vmlinux', path, '-c', command, check=False)
    t.equal(out.status, status, f'{path}: status ({out.err[:200]})')
    t.ok(re.search(pattern, out.err), f'{path}: no {pattern!r} in {out.err[:300]!r}')


def saved(t, core):
    """The folder of what make-saved makes, which takes half a minute once."""
    folder = os.path.join(os.path.dirname(core.vmcore), 'saved')
    t.sh([os.path.join(LAB, 'make-saved'), folder], timeout=900)
    return folder


@per_core(lambda c: c.name == 'sysrq.elf')
def saved_machines(t, core):
    """migrate, savevm and libvirt's header: memory on both sides of the hole for PCI, and the CPUs' registers."""
    folder = saved(t, core)
    # 3 GB without what the window of the graphics card hides.
    pages = (3 << 30) // 4096 - 32
    commands = ['sys', 'bt -a', 'ps', 'mod', 'log', 'vtop init_task']
    for name in ('first.savevm', 'first.qcow2', 'second.compressed'):
        path, reference = f'{folder}/{name}', f'{folder}/{name.split(".")[0]}.zlib'
        whole(t, reference, path, pages)
        same_answers(t, reference, path, commands)
    with scratch() as d:
        images.libvirt(f'{folder}/first.savevm', f'{d}/libvirt')
        whole(t, f'{folder}/first.zlib', f'{d}/libvirt', pages)
        same_answers(t, f'{folder}/first.zlib', f'{d}/libvirt', ['bt -a'])
        images.libvirt('/dev/null', f'{d}/zstd', compression=5)
        says(t, f'{d}/zstd', 'saved by libvirt, compressed with zstd')


@per_core(lambda c: c.name == 'sysrq.elf')
def saved_machines_cut_off(t, core):
    """What is there is right, what is not is said to be lost; damage is survived."""
    folder, rng = saved(t, core), t.rng()
    source = f'{folder}/second.compressed'
    size = os.path.getsize(source)
    with scratch() as d, open(source, 'rb') as f:
        data = f.read()
        for i in range(12 if t.all else 3):
            length = rng.randrange(4096, size)
            with open(f'{d}/cut', 'wb') as out:
                out.write(data[:length])
            n = compare(t, f'{folder}/second.zlib', f'{d}/cut', '--missing')
            # The devices come behind the memory: without them none of it is lost.
            t.ok(n.get('lost', 0) > 4160 or (length > size - 500000 and n.get('lost') == 4160),
                 f'cut at {length} of {size}: {n}')
            out = t.inquest('-s', '--no-vmlinux', f'{d}/cut', '-c', 'rd -p 100000', check=False)
            t.ok('truncated' in out.err, f'cut at {length}: {out.err[:200]}')
        for i in range(40 if t.all else 8):
            # In the head, where it says what is where, and among the devices.
            place = rng.choice([rng.randrange(8, 400), rng.randrange(size - 300000, size)])
            with open(f'{d}/bad', 'wb') as out:
                out.write(data[:place] + rng.randbytes(4) + data[place + 4:])
            t.inquest('-s', '--no-vmlinux', f'{d}/bad', '-c', 'sys; bt -a', check=False)


@per_core(lambda c: c.name == 'sysrq.elf')
def acquired(t, core):
    """LiME and AVML: no registers, no notes."""
    source = images.Core(core.vmcore)
    with scratch() as d:
        images.lime(source, f'{d}/lime')
        whole(t, core.vmcore, f'{d}/lime', source.pages)
        same_answers(t, core.vmcore, f'{d}/lime', ['sys', 'ps', 'mod', 'log'])
        os.truncate(f'{d}/lime', os.path.getsize(f'{d}/lime') * 2 // 3)
        n = compare(t, core.vmcore, f'{d}/lime', '--missing')
        t.ok(n.get('lost', 0) > source.pages // 4, f'cut off: {n}')
        says(t, f'{d}/lime', 'truncated', status=0, command='rd -p 100000')

        written = images.avml(source, f'{d}/avml', 1 << 62 if t.all else 32 << 20)
        n = compare(t, core.vmcore, f'{d}/avml', '--missing')
        t.equal(n.get('equal', 0) + n.get('zero', 0), written // 4096, 'AVML: pages that both have')
        t.note(f'avml: {n.get("equal")} pages equal')
        with open(f'{d}/avml', 'r+b') as f:     # in the first compressed block
            f.seek(200)
            byte = f.read(1)[0] ^ 0x10
            f.seek(200)
            f.write(bytes([byte]))
        says(t, f'{d}/avml', 'damaged', status=1, command='rd -p 1000')


@per_core(lambda c: c.name == 'sysrq.elf')
def vmware(t, core):
    """.vmss with its .vmem, and with the memory in it; crash opens what the test writes, too."""
    source = images.Core(core.vmcore)
    with scratch() as d:
        images.vmware(source, f'{d}/in.vmss')
        images.vmware(source, f'{d}/by.vmss', f'{d}/by.vmem')
        for name in ('in.vmss', 'by.vmss'):
            whole(t, core.vmcore, f'{d}/{name}', source.pages)
            same_answers(t, core.vmcore, f'{d}/{name}', ['sys', 'bt -a', 'ps'])
        os.rename(f'{d}/by.vmem', f'{d}/lost.vmem')
        says(t, f'{d}/by.vmss', 'memory of this machine .* is in another file')
        if core.vmlinux:
            out = t.sh(['crash', '-s', core.vmlinux, f'{d}/in.vmss'], stdin='sys\nq\n', check=False)
            t.ok(core.truth['kernel'] in out.out, f'crash: {out.out[-300:]} {out.err[-300:]}')


def modes():
    """All that Debian's makedumpfile knows: (options, in the flattened format)."""
    for level in range(32):
        for packing in ('-c', '-l', None):
            yield [packing, '-d', str(level)], False
        yield ['-E', '-d', str(level)], False
    for options in (['-c', '-d', '31'], ['-l', '-d', '17'], ['-E', '-d', '31'], ['-d', '1']):
        yield options, True
    yield ['-c', '-d', '31', '--cyclic-buffer', '64'], False
    yield ['-c', '-d', '31', '--num-threads', '2'], False


@per_core(lambda c: c.name == 'sysrq.elf')
def makedumpfile_modes(t, core):
    """Every level of every packing (some, unless CHECK=all), against the raw dump."""
    with scratch() as d:
        t.sh([os.path.join(LAB, 'mend-elf'), core.vmcore, f'{d}/elf'])
        for options, flat in t.sample(modes(), 5):
            options = [o for o in options if o]
            what = ' '.join(options) + (' -F' if flat else '')
            if flat:
                t.sh(['sh', '-c', f'makedumpfile --message-level 0 -F {" ".join(options)} {d}/elf >{d}/out'])
            else:
                t.sh(['makedumpfile', '--message-level', '0', *options, f'{d}/elf', f'{d}/out'])
            n = compare(t, core.vmcore, f'{d}/out')
            t.ok(n.get('equal'), f'{what}: {n}')
            # Left out only what was asked for: from level 0 on nothing but, in ELF, pages of zeros.
            if options[-1] == '0':
                t.equal(n.get('excluded'), 0, f'{what}: excluded')
            os.unlink(f'{d}/out')
            t.note(what)


@per_core(lambda c: c.name == 'sysrq.elf')
def reassembled(t, core):
    """--split and --reassemble, and -R of a flattened dump, are what the parts were."""
    with scratch() as d:
        t.sh([os.path.join(LAB, 'mend-elf'), core.vmcore, f'{d}/elf'])
        quiet = ['makedumpfile', '--message-level', '0']
        parts = [f'{d}/{i}' for i in range(3)]
        t.sh([*quiet, '--split', '--splitblock-size', '8', '-l', '-d', '31', f'{d}/elf', *parts])
        t.sh([*quiet, '--reassemble', *parts, f'{d}/one'])
        for part in (','.join(parts), f'{d}/one'):
            n = compare(t, core.vmcore, part)
            t.ok(n.get('equal') and n.get('excluded'), f'{part}: {n}')
        t.sh(['sh', '-c', f'makedumpfile --message-level 0 -F -c -d 31 {d}/elf >{d}/flat && '
              f'makedumpfile --message-level 0 -R {d}/back <{d}/flat'])
        n = compare(t, f'{d}/flat', f'{d}/back')
        t.ok(n.get('equal') and not n.get('excluded'), f'rearranged: {n}')


@per_core(lambda c: re.fullmatch(r'sysrq\.elf(\.d31-(zlib|lzo))?', c.name))
def by_library(t, core):
    """--format libkdumpfile: another reader of the same file gives the same memory."""
    if 'libkdumpfile' not in t.inquest('--version').out:
        return t.note('skipped: built without libkdumpfile')
    rng = t.rng()
    pages = [rng.randrange(0x100, 0x13fff) for _ in range(150)]
    commands = '; '.join(['ps', 'mod', 'log', *(f'rd -p {pfn << 12:x} 512' for pfn in pages)])
    ours, theirs = (t.inquest('--json', '--no-vmlinux', *options, core.vmcore, '-c', commands, check=False).json()
                    for options in ([], ['--format', 'libkdumpfile']))
    t.equal(len(theirs), len(ours), 'number of answers')
    same = 0
    for a, b in zip(ours, theirs):
        # What is not there has other words: libkdumpfile does not say why.
        t.equal(json.dumps(b.get('result')), json.dumps(a.get('result')), a['command'][:60])
        same += 'result' in a
    t.note(f'{same} answers equal')
    t.ok(same > 20, 'too few pages were there')


@per_core(lambda c: c.name == 'sysrq.elf.d31-zlib')
def unnamed_machine(t, core):
    """QEMU 11 writes "Unknown" where makedumpfile has utsname.machine: the notes tell the machine."""
    with scratch() as d:
        with open(core.vmcore, 'rb') as f, open(f'{d}/core', 'wb') as out:
            data = bytearray(f.read())
            t.equal(bytes(data[12 + 4 * 65:][:7]), b'x86_64\0', 'utsname.machine')
            data[12 + 4 * 65:12 + 5 * 65] = b'Unknown'.ljust(65, b'\0')
            out.write(data)
        same_answers(t, core.vmcore, f'{d}/core', ['bt -a', 'ps'])
