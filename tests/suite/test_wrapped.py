# SPDX-License-Identifier: GPL-2.0-or-later
"""Dumps compressed as a whole, bare memory, device dumps, very many segments, and what inquest info says of files."""
import bz2
import lzma
import os
import re
import struct
import subprocess
import tempfile
import zlib

from harness import per_core, test
from suite import others

PHDR = '<IIQQQQQQ'
NT_VMCOREDD = 0x700


def same_pages(t, a, b, what, *options):
    """Every page of A and B, as unit-dump-pages compares them."""
    tool = os.path.join(t.run.build, 'tests', 'unit', 'unit-dump-pages')
    out = t.sh([tool, *options, a, b], check=False, timeout=600)
    t.equal(out.status, 0, f'{what}: {out.out[-500:]}{out.err[-500:]}')
    return out.out.strip().splitlines()[-1] if out.out.strip() else ''


# ---- Compressed files ----------------------------------------------------------------------------------------------

def pieces(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


def gzip(data):
    c = zlib.compressobj(1, zlib.DEFLATED, 31)
    return c.compress(data) + c.flush()


def bgzip(data):
    """Members of at most 64 KB that say how long they are (SAM specification, 4.1)."""
    out = []
    for part in pieces(data, 65280) + [b'']:
        c = zlib.compressobj(1, zlib.DEFLATED, -15)
        body = c.compress(part) + c.flush()
        out.append(b'\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0' + struct.pack('<H', len(body) + 25) + body +
                   struct.pack('<II', zlib.crc32(part), len(part)))
    return b''.join(out)


def program(*args):
    return lambda data: subprocess.run(args, input=data, stdout=subprocess.PIPE, check=True).stdout


def kinds():
    """How it is made, and what inquest must find out of it."""
    zstd = program('zstd', '-q', '-1', '-c')
    yield 'one.gz', gzip, r'gzip'
    yield 'many.gz', lambda d: b''.join(map(gzip, pieces(d, 5 << 20))), r'gzip'
    yield 'bgzip', bgzip, r'gzip, \d+ members'
    yield 'one.xz', lambda d: lzma.compress(d, preset=0), r'xz'
    yield 'blocks.xz', program('xz', '-0', '-T2', '--block-size=2MiB', '-c'), r'xz, \d+ blocks'
    yield 'streams.xz', lambda d: b''.join(lzma.compress(p, preset=0) for p in pieces(d, 6 << 20)), r'xz, \d+ blocks'
    yield 'one.zst', zstd, r'zstd'
    yield 'frames.zst', lambda d: b''.join(map(zstd_frame, pieces(d, 4 << 20))), r'zstd, \d+ frames'
    yield 'one.bz2', lambda d: bz2.compress(d, 1), r'bzip2'


def zstd_frame(data):
    """With its size in the header, which zstd knows of a file only."""
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        return subprocess.run(['zstd', '-q', '-1', '-c', f.name], stdout=subprocess.PIPE, check=True).stdout


@per_core(lambda c: c.whole() and c.format in ('d31-zlib', 'd31-lzo', 'd31-flat', 'kdump') and
          os.path.getsize(c.vmcore) < 24 << 20, quick=1)
def compressed(t, core):
    """Each kind of compression: the same pages, the same answers; what it is follows from its content."""
    with open(core.vmcore, 'rb') as f:
        data = f.read()
    want = t.command(core, 'ps')
    with tempfile.TemporaryDirectory(dir='/var/tmp') as d:
        for i, (name, pack, wrapping) in enumerate(t.sample(kinds(), 3)):
            path = os.path.join(d, f'file{i}')          # no name that would tell
            with open(path, 'wb') as f:
                f.write(pack(data))
            same_pages(t, core.vmcore, path, name)
            t.ok(t.inquest('--json', '--no-vmlinux', path, '-c', 'ps').result() == want, f'{name}: ps differs')
            info = t.inquest('--json', '--no-vmlinux', 'info', path).result()
            t.ok(re.fullmatch(wrapping, info['compressed'] or ''), f'{name}: {info["compressed"]!r}')
            t.equal((info['size'], info['content_size']), (os.path.getsize(path), len(data)), f'{name}: sizes')
            # Cut off: what is in front of that is read, and said.
            if wrapping in ('gzip', 'zstd', 'xz', 'bzip2'):
                os.truncate(path, os.path.getsize(path) * 2 // 3)
                out = t.inquest('--json', '--no-vmlinux', 'info', path, check=False)
                t.ok(out.json()[0]['result']['truncated'], f'{name}: cut off: {out.out[:300]}')
            os.unlink(path)


@per_core(lambda c: len(c.vmcores) > 1, quick=1)
def compressed_parts(t, core):
    """The files of a split dump, each compressed in its own way, in any order."""
    packers = [p for _, p, _ in t.sample(kinds(), len(core.vmcores))]
    with tempfile.TemporaryDirectory(dir='/var/tmp') as d:
        files = []
        for i, part in enumerate(core.vmcores):
            files.append(os.path.join(d, str(i)))
            with open(part, 'rb') as f, open(files[-1], 'wb') as o:
                o.write(packers[i % len(packers)](f.read()))
        t.rng().shuffle(files)
        same_pages(t, ','.join(core.vmcores), ','.join(files), 'compressed parts')


# ---- ELF cores that are made anew ----------------------------------------------------------------------------------

def read_elf(path):
    """Header, program headers, all of the file."""
    with open(path, 'rb') as f:
        data = bytearray(f.read())
    offset, = struct.unpack_from('<Q', data, 32)
    n, = struct.unpack_from('<H', data, 56)
    return data, [list(struct.unpack_from(PHDR, data, offset + 56 * i)) for i in range(n)], offset


def mended(t, core, folder):
    """QEMU 7.2 writes headers that readelf and crash refuse."""
    path = os.path.join(folder, 'mended')
    t.sh([os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lab', 'mend-elf'), core.vmcore,
          path])
    return path


def vmcoredd(name, data):
    return (struct.pack('<III', 8, 44 + len(data), NT_VMCOREDD) + b'LINUX\0\0\0' + name.encode().ljust(44, b'\0') +
            data + bytes(-len(data) % 4))


def with_devices(t, path, devices):
    """The core in PATH with device dumps in front of its notes, as /proc/vmcore has them."""
    data, headers, table = read_elf(path)
    note = next(p for p in headers if p[0] == 4)
    at = note[2]
    new = b''.join(vmcoredd(n, d) for n, d in devices)
    # Pages stay aligned as they were.
    new += vmcoredd('padding', bytes(-(len(new) + 64) % 4096)) if len(new) % 4096 else b''
    data[at:at] = new
    for i, p in enumerate(headers):
        if p is note:
            p[5] += len(new)
            p[6] += len(new)
        elif p[2] >= at:
            p[2] += len(new)
        struct.pack_into(PHDR, data, table + 56 * i, *p)
    with open(path, 'wb') as f:
        f.write(data)


def crash(t, core, path, commands):
    program = [others.RIVALS, 'run', 'crash'] if others.has_rivals() else others.crash_program(core)
    return t.sh([*program, '-s', core.vmlinux, path], stdin=commands + '\nexit\n', check=False, timeout=300,
                env={'LANG': 'C', 'LC_ALL': 'C'}).out


@per_core(lambda c: c.format == 'elf' and c.vmlinux and c.name == 'sysrq.elf', quick=1)
def device_dumps(t, core):
    """dev -V and -v against crash, in ELF and in what makedumpfile makes of it; the rest of the dump as before."""
    rng = t.rng()
    devices = [('cxgb4_0000:02:00.4', rng.randbytes(rng.randrange(50000, 100000))),
               ('qlcnic_eth0', b'\0\x1b[31mevil\x7f' * 9), ('x' * 43, rng.randbytes(5))]
    # Where tests/rivals sees it.
    with tempfile.TemporaryDirectory(prefix='.wrapped-', dir=os.path.dirname(core.vmcore)) as d:
        path = mended(t, core, d)
        with_devices(t, path, devices)
        ours = t.inquest('-s', '--no-vmlinux', path, '-c', 'dev -V').out
        theirs = crash(t, core, path, 'dev -V\ndev -v 1')
        lines = [l.split() for l in theirs.splitlines() if re.match(r' +\d+ +0x', l)]
        t.equal([l.split() for l in ours.splitlines()[1:]], lines, 'dev -V')
        result = t.inquest('--json', '--no-vmlinux', path, '-c', 'dev -V').result()['devices']
        t.equal([x['name'] for x in result][:3], [n for n, _ in devices], 'names')
        for i, (name, data) in enumerate(devices):
            out = os.path.join(d, 'copy')
            t.inquest('-s', '--no-vmlinux', path, '-c', f'dev -v {i} {out}')
            with open(out, 'rb') as f:
                t.ok(f.read() == data, f'dev -v {i}: other bytes')
            shown = t.inquest('--json', '--no-vmlinux', path, '-c', f'dev -v {i}').result()
            t.ok(bytes.fromhex(shown['bytes']) == data, f'dev -v {i} shows other bytes')
        # crash shows whole words, and so some bytes behind it.
        rows = [l for l in theirs.splitlines() if re.match(r' +[0-9a-f]+:  ', l)]
        mine = t.inquest('-s', '--no-vmlinux', path, '-c', 'dev -v 1').out.splitlines()[1:]
        whole = len(devices[1][1]) // 16
        t.ok(whole > 3, 'too little to compare')
        t.equal([l.rstrip() for l in mine[:whole]], [l.rstrip() for l in rows[:whole]], 'dev -v 1')
        same_pages(t, core.vmcore, path, 'with device dumps')
        kdump = os.path.join(d, 'kdump')
        if t.sh(['makedumpfile', '--message-level', '0', '-l', '-d', '31', path, kdump], check=False,
                timeout=300).status == 0:
            result = t.inquest('--json', '--no-vmlinux', kdump, '-c', 'dev -V').result()['devices']
            t.equal([(x['name'], x['size']) for x in result][:3], [(n, len(b)) for n, b in devices], 'in kdump')
        t.equal(t.inquest('-s', '--no-vmlinux', core.vmcore, '-c', 'dev -V', check=False).status, 1, 'none')


@per_core(lambda c: c.name == 'sysrq.elf', quick=1)
def many_segments(t, core):
    """A segment for each page, in any order: their number is in a section header (PN_XNUM)."""
    with tempfile.TemporaryDirectory(dir='/var/tmp') as d:
        data, headers, _ = read_elf(mended(t, core, d))
        note = next(p for p in headers if p[0] == 4)
        loads = [(p[4] + at, p[2] + at) for p in headers if p[0] == 1 for at in range(0, p[6], 4096)]
        t.rng().shuffle(loads)
        n = len(loads) + 1
        t.ok(n > 65535, f'only {n} segments')
        header = data[:64]
        struct.pack_into('<QQ', header, 32, 128, 64)
        struct.pack_into('<HHHHHH', header, 52, 64, 56, 0xffff, 64, 1, 0)
        start = (128 + 56 * n + note[5] + 4095) & ~4095
        table = struct.pack(PHDR, 4, 0, 128 + 56 * n, 0, 0, note[5], note[5], 0) + b''.join(
            struct.pack(PHDR, 1, 7, start + 4096 * i, 0, address, 4096, 4096, 0) for i, (address, _) in enumerate(loads))
        path = os.path.join(d, 'many')
        with open(path, 'wb') as f:
            f.write(header + struct.pack('<IIQQQQIIQQ', 0, 0, 0, 0, 0, 1, 0, n, 0, 0) + table)
            f.write(data[note[2]:note[2] + note[5]])
            f.seek(start)
            for _, offset in loads:
                f.write(data[offset:offset + 4096])
        os.unlink(os.path.join(d, 'mended'))
        t.ok(f'({n})' in t.sh(['readelf', '-h', path]).out, 'readelf counts others')
        t.note(same_pages(t, core.vmcore, path, 'many segments'))
        out = t.inquest('-s', '--no-vmlinux', path, '-c', 'bt')
        t.equal(out.out, t.inquest('-s', '--no-vmlinux', core.vmcore, '-c', 'bt').out, 'bt')
        if not t.run.sanitized:
            t.ok(out.seconds < 5, f'opening and bt took {out.seconds:.1f} s')


@per_core(lambda c: c.name == 'sysrq.elf', quick=1)
def bare_memory(t, core):
    """The memory and nothing else: --format raw, by itself and compressed; the running kernel's /proc/kcore."""
    data, headers, _ = read_elf(core.vmcore)
    loads = [p for p in headers if p[0] == 1]
    end = max(p[4] + p[5] for p in loads if p[4] < 0x80000000)
    with tempfile.TemporaryDirectory(dir='/var/tmp') as d:
        path = os.path.join(d, 'raw')
        with open(path, 'wb') as f:
            for p in loads:
                if p[4] < end:
                    f.seek(p[4])
                    f.write(data[p[2]:p[2] + p[5]])
        t.note(same_pages(t, 'raw:' + path, core.vmcore, 'raw', '--missing'))
        out = t.inquest(path, check=False)
        t.equal(out.status, 2, 'without --format')
        want = t.inquest('--json', '--no-vmlinux', core.vmcore, '-c', 'log; ps; mod').json()
        got = t.inquest('--json', '--no-vmlinux', '--format', 'raw', path, '-c', 'log; ps; mod').json()
        for a, b in zip(want, got):
            t.ok(a['result'] == b['result'], f'{a["command"]} differs')
        packed = os.path.join(d, 'packed')
        with open(packed, 'wb') as f:
            subprocess.run(['zstd', '-q', '-1', '-c', path], stdout=f, check=True)
        got = t.inquest('--json', '--no-vmlinux', '--format', 'raw', packed, '-c', 'ps').result()
        t.ok(got == want[1]['result'], 'compressed: ps differs')
        os.unlink(packed)
        kcore = os.path.join(d, 'kcore')
        write_kcore(kcore, data, headers)
        t.ok(t.inquest('--json', '--no-vmlinux', kcore, '-c', 'ps').result() == want[1]['result'], 'kcore: ps differs')


def write_kcore(path, data, headers):
    """As fs/proc/kcore.c lays it out: offsets are virtual addresses, most of the file is holes, and what has no
    physical address says -1."""
    note = next(p for p in headers if p[0] == 4)
    loads = [p for p in headers if p[0] == 1]
    table = [(4, 0, 4096, 0, 0, note[5], 0, 0), (1, 7, 1 << 40, 0xffffc90000000000, (1 << 64) - 1, 1 << 42, 1 << 42, 4096)]
    for p in loads:
        table.append((1, 7, 4096 * 64 + p[4], 0xffff888000000000 + p[4], p[4], p[5], p[6], 4096))
    header = bytearray(data[:64])
    struct.pack_into('<QQ', header, 32, 64, 0)
    struct.pack_into('<HHHHHH', header, 52, 64, 56, len(table), 0, 0, 0)
    with open(path, 'wb') as f:
        f.write(header + b''.join(struct.pack(PHDR, *p) for p in table))
        f.seek(4096)
        f.write(data[note[2]:note[2] + note[5]])
        for p in loads:
            f.seek(4096 * 64 + p[4])
            f.write(data[p[2]:p[2] + p[5]])
        f.truncate((1 << 40) + (1 << 42))


# ---- inquest info --------------------------------------------------------------------------------------------------

@per_core(quick=8)
def info(t, core):
    """What the files of the lab are, against what is known of them."""
    out = t.inquest('--json', '--no-vmlinux', 'info', *core.vmcores)
    x = out.result()
    t.equal(x['files'], sorted(core.vmcores), 'files') if len(core.vmcores) > 1 else None
    t.equal(x['size'], sum(map(os.path.getsize, core.vmcores)), 'size')
    level = re.search(r'\bd(\d+)-(?!elf)', core.name)
    if level:
        t.equal(x['dump_level'], int(level.group(1)), 'dump level')
    t.equal((x['incomplete'], x['truncated']), ('nospace' in core.name, 'cut' in core.name), 'what is lost')
    t.ok(x['kernel'] and x['kernel']['release'] == core.truth['kernel'], f'release: {x["kernel"]}')
    if core.whole():
        t.ok(x['kernel']['symbols'] > 10000 and x['kernel']['orc'], f'inside: {x["kernel"]}')
        t.equal(x['pages']['ram'], sum(x['pages'][k] for k in ('readable', 'excluded', 'truncated', 'damaged')), 'pages')
        log = core.serial()
        t.ok(not x['kernel']['panic'] or x['kernel']['panic'] in log, f'panic {x["kernel"]["panic"]!r}')
    elif 'cut' in core.name:
        t.ok(x['pages']['truncated'] > 0, f'nothing is lost: {x["pages"]}')
    text = t.inquest('--no-vmlinux', 'info', *core.vmcores).out
    t.ok(len(text.splitlines()) <= 30, 'more than a screen')
    for label in ('FORMAT', 'MEMORY', 'KERNEL', 'NEXT'):
        t.ok(f'{label}: ' in text, f'no {label}')
    at_prompt = t.inquest('--json', '--no-vmlinux', *core.vmcores, '-c', 'info dump').result()
    t.equal(at_prompt, x, 'info dump')


@test
def info_of_others(t):
    """Files that are no dumps: what they are, and what to do."""
    with tempfile.TemporaryDirectory() as d:
        def write(name, data):
            path = os.path.join(d, name)
            with open(path, 'wb') as f:
                f.write(data)
            return path
        files = [(write('text', b'hello\n'), 'text'), (write('empty', b''), 'empty'),
                 (write('log', b'[    0.000000] Linux version 6.1\n'), 'log'),
                 (write('zip', b'PK\x03\x04' + bytes(100)), 'zip'), (write('gz', gzip(b'hello')), 'gzip'),
                 (write('zeros', bytes(5000)), 'zeros'), (t.run.inquest, 'program'), (d, 'directory')]
        out = t.inquest('--json', 'info', *(f for f, _ in files))
        for (path, word), got in zip(files, out.json()):
            t.ok(word in got['result']['what'] and got['result']['next'], f'{path}: {got}')
        out = t.inquest('info', os.path.join(d, 'none'), check=False)
        t.ok(out.status == 2 and 'No such file' in out.err, f'{out.status} {out.err}')
        t.equal(t.inquest('info', check=False).status, 2, 'without a file')
