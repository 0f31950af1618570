# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong is said in one sentence, the exit status tells, and what can still be shown is shown."""
import gzip
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import time

from harness import per_core, test

ANY = dict(quick=1)


def one_sentence(t, err, what):
    """One message, perhaps a hint below it, and nothing that steers a terminal."""
    lines = [l for l in err.splitlines() if 'warning:' not in l]
    ours = [l.startswith('inquest: ') for l in lines]
    t.ok(ours and ours[0] and sum(ours) == 1, f'{what}: {err!r}')
    t.ok(not re.search(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', err), f'{what}: control characters in {err!r}')


@test
def not_a_dump(t):
    with tempfile.TemporaryDirectory() as d:
        def made(name, data):
            with open(os.path.join(d, name), 'wb') as f:
                f.write(data)
            return os.path.join(d, name)
        rng = t.rng()
        cases = [(made('text', b'hello\n' * 100), 'not a'), (made('empty', b''), 'empty'), (d, 'directory'),
                 ('/bin/ls', 'not a'), (made('gz', gzip.compress(b'x' * 999)), 'gzip'),
                 (os.path.join(d, 'nothing'), 'No such file'), (made('random', rng.randbytes(100000)), 'not a'),
                 (made('elf', b'\x7fELF\x02\x01\x01' + bytes(57)), ''),
                 (made('kdump', b'KDUMP   ' + bytes(9000)), ''),
                 (made('diskdump', b'DISKDUMP' + bytes(9000)), ''),
                 (made('flat', b'makedumpfile\0\0\0\0' + bytes(9000)), ''),
                 (made('a\x1b[31mb', b'hello'), 'not a')]
        for path, word in cases:
            out = t.inquest('-s', '--no-vmlinux', path, '-c', 'sys', check=False)
            t.equal(out.status, 2, f'status of {path}')
            t.equal(out.out, '', f'output of {path}')
            one_sentence(t, out.err, path)
            t.ok(word in out.err, f'{path}: no "{word}" in {out.err!r}')
            out = t.inquest('--json', path, '-c', 'sys', check=False)
            object_ = out.json()[0]
            t.ok(object_['command'] is None and object_['error']['message'] and out.status == 2,
                 f'{path}: {object_}')
        for args in ([], ['--foo', 'x'], ['-c'], ['--debug-dir']):
            out = t.inquest(*args, check=False)
            t.equal(out.status, 2, f'status of {args}')
            one_sentence(t, out.err, str(args))


@per_core(lambda c: c.whole(), **ANY)
def two_dumps(t, core):
    other = next(c for c in t.run.cores if c.vmcore != core.vmcore)
    out = t.inquest('-s', core.vmcore, other.vmcore, '-c', 'sys', check=False)
    t.equal(out.status, 2, 'status')
    one_sentence(t, out.err, 'two dumps')
    t.ok(core.vmcore in out.err and other.vmcore in out.err, out.err)


WRONG = {   # command: what its message has to contain (a regular expression)
    'frobnicate': 'no such command', 'foreach frobnicate bt': 'frobnicate', 'bt -Q': '-Q', 'log -Q': '-Q',
    'sys -z': '-z', 'bt 99999': '99999', 'ps 99999': '99999', 'set 99999': '99999', 'sym panicc': 'panic',
    'p nosuchsymbol': 'nosuchsymbol', 'struct lst_head': 'list_head',
    'struct task_struct.pidd init_task': 'pid', 'union nosuchunion': 'nosuchunion',
    'whatis nosuchthing': 'nosuchthing', 'help nosuchcommand': 'nosuchcommand', 'sym': '', 'dis': '',
    'rd': '', 'p': '', 'x': '', 'struct': '', 'foreach': '', 'p 1+': '', 'p (1': '', 'p 1/0': '',
    'p 1%0': '', 'vtop zz': 'zz', 'x/3q init_task': '', 'rd 10': 'cannot read|no user address space',
    'rd 100000000000000': 'canonical', 'rd -p 7ffffffff000': 'not in the dump',
    'dis nosuchfunction': 'nosuchfunction', 'p init_task.pdi': 'pid', 'rd init_task -5': '',
    'log > /nonexistent/x': '/nonexistent/x', 'sym -m nosuchmodule': 'nosuchmodule',
    'p *(struct list_head *)0': '', 'struct task_struct 10': '', 'x/1xg 0x10': '', 'bt -c 99': '99',
    'dis 10': '',
}


@per_core(lambda c: c.whole(), quick=3)
def wrong_words(t, core):
    """A command that cannot work: one sentence, status 1, in batch and from standard input; the next one runs."""
    for command, word in WRONG.items():
        out = t.inquest('-s', '--no-vmlinux', core.vmcore, '-c', command, check=False)
        t.equal(out.status, 1, f'status of "{command}" ({out.out[:80]!r} {out.err[:80]!r})')
        one_sentence(t, out.err, command)
        t.ok(re.search(word, out.err), f'"{command}": no "{word}" in {out.err!r}')
    out = t.inquest('-s', '--no-vmlinux', core.vmcore, stdin='\n'.join([*WRONG, 'sys -t']).encode(),
                    check=False)
    t.equal(out.status, 1, 'status with standard input')
    t.ok('TAINTED_MASK' in out.out, 'the last command did not run')
    out = t.inquest('--json', '--no-vmlinux', core.vmcore, stdin='\n'.join([c for c in WRONG
            if '>' not in c] + ['sys -t']).encode(), check=False)
    for o in out.json()[:-1]:
        t.ok('error' in o and o['error']['message'] and o['result'] is None if 'result' in o else 'error' in o,
             f'{o}')
    t.ok('result' in out.json()[-1], f'{out.json()[-1]}')
    t.equal(out.err, '', 'standard error with --json')


@per_core(lambda c: c.whole(), **ANY)
def spelling(t, core):
    """A name with one letter changed, lost or doubled: the right one is suggested."""
    rng = t.rng()
    lost = []
    for command, name in [('sym', 'vfs_write'), ('struct', 'task_struct'), ('struct', 'super_block'), ('sym',
            'kmem_cache_free'),
                          ('dis', 'schedule'), ('whatis', 'list_head'), ('struct', 'net_device')]:
        i = rng.randrange(1, len(name) - 1)
        for wrong in {name[:i] + name[i + 1:], name[:i] + name[i] + name[i:], name[:i] + 'q' + name[i + 1:]}:
            out = t.inquest('-s', '--no-vmlinux', core.vmcore, '-c', f'{command} {wrong}', check=False)
            if out.status and not re.search(r'did you mean .*\b%s\b' % name, out.err):
                lost.append(f'{command} {wrong}: {out.err!r}')
    t.none(lost, 'misspelt names without the right hint')


@per_core(lambda c: c.whole(), **ANY)
def shell_and_files(t, core):
    """Pipes and redirections, and how they end."""
    base = ['-s', '--no-vmlinux', core.vmcore]
    log = t.inquest(*base, '-c', 'log').out
    t.equal(t.inquest(*base, '-c', 'log | wc -l').out.strip(), str(log.count('\n')), 'log | wc -l')
    t.equal(t.inquest(*base, '-c', 'log | grep Linux | head -1').out, log.splitlines()[0] + '\n', 'two pipes')
    with tempfile.TemporaryDirectory() as d:
        f = d + '/out'
        t.equal(t.inquest(*base, '-c', f'log > {f}').out, '', 'output beside a file')
        t.equal(open(f).read(), log, 'log > file')
        t.inquest(*base, '-c', f'sys -t >> {f}')
        t.ok(open(f).read().startswith(log) and 'TAINTED_MASK' in open(f).read(), 'sys >> file')
    out = t.inquest(*base, '-c', 'log | head -1; sys -t')
    t.ok('TAINTED' in out.out and out.err == '', f'after log | head -1: {out.err!r}')
    # A reader that ends early is no error worth a word.
    p = subprocess.run(f'{t.run.inquest} -s --no-vmlinux {core.vmcore} -c "log; foreach bt -f" | head -1',
                       shell=True,
                       capture_output=True, text=True)
    t.equal((p.stdout.count('\n'), p.stderr), (1, ''), 'inquest | head -1')
    for command in ('sys', 'bt', 'ps', 'log', 'mod', 'help', 'bt -f'):
        t.ok('\x1b' not in t.inquest(*base, '-c', command).out,
             f'{command}: escape sequences without a terminal')
    p = subprocess.run([t.run.inquest, *base, '-c', 'sys; log'], stdout=open('/dev/full', 'w'),
                       stderr=subprocess.PIPE, text=True)
    t.ok(p.returncode not in (0, 2) and p.returncode > 0 and 'No space' in p.stderr,
         f'/dev/full: {p.returncode} {p.stderr!r}')


@per_core(lambda c: c.whole() and c.format != 'capture', **ANY)
def interrupt(t, core):
    """Ctrl-C ends with 130, soon, and without a core of our own."""
    for delay in (0.05, 0.3, 1.0):
        p = subprocess.Popen([t.run.inquest, '-s', '--no-vmlinux', core.vmcore, '-c',
                              '; '.join(['foreach bt -f; sym -l'] * 200)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(delay * (10 if t.run.sanitized else 1))
        p.send_signal(signal.SIGINT)
        started = time.time()
        try:
            err = p.communicate(timeout=60)[1]
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
            return t.fail(f'no end after SIGINT at {delay} s')
        # Before main() has come to it the signal's own action is right.
        t.ok(p.returncode == 130 or delay < 0.1 and p.returncode == -signal.SIGINT,
             f'status {p.returncode} after {delay} s: {err!r}')
        t.ok(time.time() - started < 10, 'slow to stop')


def contents(path):
    with open(path, 'rb') as f:
        return bytearray(f.read())


@per_core(lambda c: c.whole() and os.path.getsize(c.vmcore) < 100 << 20 and not c.format == 'elf', quick=3)
def truncated(t, core):
    """Cut off anywhere: it says so, does not die, and shows what is left."""
    size, rng, shown = os.path.getsize(core.vmcore), t.rng(), 0
    cuts = [1, 7, 63, 464, 4095, 4096, 8191] + [rng.randrange(size) for _ in range(30 if t.all
            else 6)] + [size - 1, size - 4096, size * 9 // 10]
    with tempfile.TemporaryDirectory() as d:
        path = d + '/cut.vmcore'
        subprocess.run(['cp', '--reflink=auto', core.vmcore, path],
                check=True)
        for cut in sorted(set(cuts), reverse=True):
            os.truncate(path, cut)
            out = t.inquest('-s', '--no-vmlinux', path, '-c', 'sys; bt; log; ps; mod', check=False, timeout=60)
            if out.status == 2:
                one_sentence(t, out.err, f'cut at {cut}')
            else:
                t.ok('truncated' in out.err or cut > size - 5000,
                     f'cut at {cut} of {size}: status {out.status}, {out.err!r}')
                t.ok(not cut or 'RELEASE' in out.out, f'cut at {cut}: sys shows nothing')
                shown += 1
    t.ok(shown, 'no cut-off dump opened')


@per_core(lambda c: c.whole() and c.format in ('zlib', 'kdump') and os.path.getsize(c.vmcore) < 60 << 20,
          quick=2)
def damaged_page(t, core):
    """A page that does not decompress is called damaged; others are read."""
    data = contents(core.vmcore)
    task = next(x for x in t.command(core, 'ps')['tasks'] if x['active'])
    address = int(task['task'], 16)
    physical = int(t.command(core, f'vtop {address:x}')['physical'], 16)
    found = find_page(data, physical >> 12)
    if not found:
        return t.note('skipped: this dump\'s page descriptors are elsewhere')
    offset, length = found
    with tempfile.TemporaryDirectory() as d:
        path = d + '/damaged.vmcore'
        data[offset:offset + min(length, 64)] = b'\xff' * min(length, 64)
        with open(path, 'wb') as f:
            f.write(data)
        out = t.inquest('-s', '--no-vmlinux', path, '-c', f'rd {address & ~0xfff:x}; sys', check=False)
        t.ok('damaged' in out.err, f'{out.out[:100]!r} {out.err!r}')
        t.ok('RELEASE' in out.out and out.status == 1, f'status {out.status}: {out.out[:100]!r}')


def find_page(data, pfn):
    """(offset, length) of a page's data in a kdump-compressed file: diskdump_header, bitmaps, page_desc."""
    if data[:8] != b'KDUMP   ':
        return None
    block, sub, bitmap_blocks = struct.unpack_from('<IiI', data, 428)
    second = (1 + sub) * block + bitmap_blocks * block // 2
    if not data[second + pfn // 8] >> (pfn % 8) & 1:
        return None
    before = sum(bin(b).count('1') for b in data[second:second + pfn // 8]) + \
        bin(data[second + pfn // 8] & ((1 << pfn % 8) - 1)).count('1')
    offset, size = struct.unpack_from('<QI', data, (1 + sub + bitmap_blocks) * block + before * 24)
    return (offset, size) if offset + size <= len(data) and 0 < size <= block else None


@per_core(lambda c: c.whole() and c.format in ('zlib', 'kdump', 'elf')
          and os.path.getsize(c.vmcore) < 400 << 20, quick=2)
def bad_headers(t, core):
    """Fields of the file's headers out of range: a sentence or an answer, never death."""
    with tempfile.TemporaryDirectory() as d:
        path = d + '/bad.vmcore'
        subprocess.run(['cp', '--reflink=auto', '--sparse=always', core.vmcore, path], check=True)
        head = contents_head(core.vmcore, 8192)
        opened = 0
        fields = [(o, n) for o in range(0, 64, 4) for n in (4, 8)] if core.format == 'elf' else \
            [(o, 4) for o in range(8, 12)] + [(o, 4) for o in range(424, 464, 4)] + [(4096 + o, 8)
                    for o in range(0, 104, 8)]
        for offset, width in t.sample(fields, 25):
            for value in (0, 1, (1 << 8 * width) - 1, 1 << (8 * width - 1), t.rng().getrandbits(8 * width)):
                with open(path, 'r+b') as f:
                    f.seek(0)
                    f.write(head)
                    f.seek(offset)
                    f.write(value.to_bytes(width, 'little'))
                out = t.inquest('-s', '--no-vmlinux', path, '-c', 'sys; bt', check=False, timeout=60)
                t.ok(out.status in (0, 1, 2), f'{offset}: {value:#x}: status {out.status}')
                if out.status:
                    t.ok(out.err.startswith('inquest: '), f'{offset}: {value:#x}: {out.err!r}')
                opened += out.status == 0
        t.note(f'{opened} of {25 * 5} opened')


def contents_head(path, n):
    with open(path, 'rb') as f:
        return f.read(n)


@per_core(lambda c: c.name == 'sysrq.elf')
def control_characters(t, core):
    """A task's name with escape sequences in it: shown escaped, in text and in JSON."""
    task = next(x for x in t.command(core, 'ps')['tasks'] if x['pid'] == 2)
    comm = next(m['offset'] for m in t.command(core, 'struct task_struct.comm')['members'])
    physical = int(t.command(core, f'vtop {int(task["task"], 16) + comm:x}')['physical'], 16)
    segments = re.findall(r'^  LOAD +0x(\w+) 0x\w+ 0x(\w+)\s+0x(\w+)', t.sh(['readelf', '-lW',
            core.vmcore]).out, re.M)
    at = next(int(o, 16) + physical - int(p, 16) for o, p, n in segments if int(p, 16) <= physical < int(p,
            16) + int(n, 16))
    evil = b'\x1b]0;x\x07\x9b2J\xff\n\r"'
    with tempfile.TemporaryDirectory() as d:
        path = d + '/evil.vmcore'
        subprocess.run(['cp', '--reflink=auto', '--sparse=always', core.vmcore, path], check=True)
        with open(path, 'r+b') as f:
            f.seek(at)
            t.equal(f.read(8), b'kthreadd', 'the name in the file')
            f.seek(at)
            f.write(evil.ljust(16, b'\0'))
        for command in ('ps', 'bt 2', 'set 2', 'foreach 2 bt', 'p init_task.comm',
                        f'struct task_struct.comm {task["task"][2:]}',
                        f'rd -a {int(task["task"], 16) + comm:x}', f'x/s {int(task["task"], 16) + comm:#x}',
                        f'rd {int(task["task"], 16) + comm:x} 2'):
            p = subprocess.run([t.run.inquest, '-s', '--no-vmlinux', path, '-c', command], capture_output=True)
            bad = re.search(rb'[\x00-\x08\x0b-\x1f\x7f]|\xff|\x9b', p.stdout + p.stderr)
            t.ok(not bad, f'{command}: {bad and bad.group(0)} in {(p.stdout + p.stderr)[:200]!r}')
            p = subprocess.run([t.run.inquest, '--json', '--no-vmlinux', path, '-c', command],
                               capture_output=True)
            t.ok(re.fullmatch(rb'[\x20-\x7e\n]*', p.stdout), f'{command} --json: not printable ASCII')
        ps = t.inquest('--json', '--no-vmlinux', path, '-c', 'ps').result()['tasks']
        t.equal([x['comm'] for x in ps if x['pid'] == 2], ['\x1b]0;x\x07\x9b2J\xff\n\r"'], 'the name in JSON')


ADDRESS_KEYS = {'address', 'task', 'ip', 'sp', 'slot', 'base', 'module_address', 'virtual', 'physical', 'entry',
                'entry_address',
                'thread_info', 'tainted_mask', 'target', 'word'}


def walk(t, value, where, path=''):
    if isinstance(value, dict):
        for k, v in value.items():
            # A driver's keys and the letters of states are the kernel's.
            t.ok(re.fullmatch(r'[a-z][a-z0-9_]*', k) or path.split('.')[-1] in ('dict', 'states'),
                 f'{where}: key {path}.{k}')
            if k in ADDRESS_KEYS and v is not None and not isinstance(v, (dict, list)):
                t.ok(isinstance(v, str) and re.fullmatch(r'0x(0|[1-9a-f][0-9a-f]*)', v),
                     f'{where}: {path}.{k} is {v!r}')
            walk(t, v, where, f'{path}.{k}')
    elif isinstance(value, list):
        for v in value:
            walk(t, v, where, path)
    elif isinstance(value, str):
        if value.startswith('0x') and path.split('.')[-1] not in ('text', 'message', 'value', 'label',
                'expression'):
            t.ok(re.match(r'0x(0\b|[1-9a-f])', value), f'{where}: {path} is {value!r}')


CONTRACT = {
    'bt': {'tasks': ['pid', 'comm', 'task', 'cpu', 'state', 'frames', 'regs']},
    'ps': {'tasks': ['pid', 'ppid', 'tgid', 'cpu', 'task', 'state', 'mem_percent', 'vsz_kb', 'rss_kb', 'comm',
                     'active', 'kernel_thread']},
    'log': {'records': ['seq', 'timestamp_ns', 'level', 'facility', 'caller', 'text', 'dict']},
    'mod': {'modules': ['module', 'name', 'base', 'size', 'state', 'object_file']},
    'sym schedule': {'symbols': ['name', 'address', 'offset', 'size', 'type', 'module', 'file', 'line']},
    'dis schedule 3': {'instructions': ['address', 'symbol', 'offset', 'bytes', 'text', 'file', 'line']},
    'struct list_head init_task': {'members': ['name', 'offset', 'type', 'value']},
    'vtop init_task': {'levels': ['name', 'entry_address', 'entry', 'flags']},
}
FRAME = ['n', 'function', 'offset', 'ip', 'sp', 'module', 'file', 'line', 'inline', 'reliable', 'context',
         'exception', 'args', 'locals']


@per_core(lambda c: c.whole(), quick=4)
def json_contract(t, core):
    """docs/json.md: the envelope, the keys, addresses as "0x" text, numbers as numbers."""
    for command, lists in CONTRACT.items():
        o = t.commands(core, command)[0]
        t.equal(set(o), {'command', 'result', 'warnings'}, f'{command}: keys')
        t.equal(o['command'], command, 'command')
        for name, keys in lists.items():
            for item in o['result'][name]:
                t.ok(set(keys) <= set(item), f'{command}: {set(keys) - set(item)} missing in {name}')
            t.ok(o['result'][name], f'{command}: {name} is empty')
        walk(t, o['result'], command)
    for task in t.command(core, 'bt')['tasks']:
        for n, f in enumerate(task['frames']):
            t.ok(set(FRAME) <= set(f), f'frame: {set(FRAME) - set(f)} missing')
            t.equal(f['n'], n, 'n')
    sys = t.command(core, 'sys')
    for key in ['kernel', 'dumpfile', 'format', 'partial', 'incomplete', 'truncated', 'cpus', 'cpus_offline',
                'date', 'uptime', 'load_average',
                'tasks', 'nodename', 'release', 'version', 'machine', 'mhz', 'memory', 'build_id',
                'tainted_mask', 'tainted', 'panic']:
        t.ok(key in sys, f'sys: {key} is missing')
    for command in ['set', 'help', 'help bt', 'p init_task', 'x/4xg &init_task', 'rd init_task 4',
                    'rd -s init_task 4', 'whatis vfs_write',
                    'foreach set', 'foreach active bt -f', 'sys -t', 'ps -S', 'ps -l', 'ps -m', 'ps -p 1',
                    'mod -t', 'bt -e', 'bt -t', 'bt -r']:
        o = t.commands(core, command, check=False)[0]
        t.ok(set(o) in ({'command', 'result', 'warnings'}, {'command', 'error', 'warnings'}),
             f'{command}: keys {set(o)}')
        walk(t, o.get('result'), command)
    # Indented, it is the same.
    a = t.inquest('--json=pretty', *t.dump_args(core), '-c', 'mod').out
    t.equal(json.loads(a)['result'], t.command(core, 'mod'), '--json=pretty')
