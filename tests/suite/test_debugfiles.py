# SPDX-License-Identifier: GPL-2.0-or-later
"""Finding debug files, and what becomes of those that are stripped, split, compressed, wrong or damaged."""
import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

from harness import Failed, per_core, test
from suite import others

PLAIN = lambda c: others.has_vmlinux(c) and c.scenario == 'null-deref' and c.format not in ('flat',)  # noqa: E731


def build_id(t, path):
    m = re.search(r'Build ID: ([0-9a-f]+)', t.sh(['readelf', '-n', path], check=False).out)
    if not m:
        raise Failed(f'readelf shows no build-id of {path}')
    return m.group(1)


@contextlib.contextmanager
def folder():
    """A directory on the disk that the lab is on, so that large files can be linked."""
    cache = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    os.makedirs(cache + '/inquest', exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache + '/inquest', prefix='check-') as d:
        yield d


def kernel(t, core, *args, env=None, path=None):
    """sys of a dump with what is found by itself."""
    cmd = [t.run.inquest, '--json', *args, path or core.vmcore, '-c', 'sys']
    p = subprocess.run(cmd, capture_output=True, text=True, timeout=300, env=dict(os.environ, **(env or {})))
    if p.returncode:
        raise Failed(f'{cmd}: {p.returncode} {p.stderr[-300:]} {p.stdout[-300:]}')
    return json.loads(p.stdout.splitlines()[0])['result']


# ---- Where files lie ----------------------------------------------------------------------------

SHAPES = [      # R is the release, ID the build-id with a slash behind its second letter
    'vmlinux', 'vmlinux-R', 'vmlinux-R.debug', 'vmlinux.debug', 'boot/vmlinux-R', 'lib/modules/R/vmlinux',
    'usr/lib/debug/boot/vmlinux-R', 'usr/lib/debug/lib/modules/R/vmlinux', 'lib/debug/boot/vmlinux-R',
    'usr/lib/debug/usr/lib/modules/R/vmlinux', 'usr/lib/debug/boot/vmlinux-R.debug', 'R/vmlinux',
    'usr/lib/debug/usr/lib/modules/R/vmlinux.debug', 'lib/modules/R/build/vmlinux', '.build-id/ID.debug',
    'usr/lib/debug/.build-id/ID.debug', '.build-id/ID', 'boot/vmlinux-R.debug',
]


@per_core(PLAIN, quick=1)
def shapes(t, core):
    """A vmlinux where Debian, Fedora, SUSE, Ubuntu and people put it, below --debug-dir."""
    release = kernel(t, core, '--no-vmlinux')['release']
    id_ = build_id(t, core.vmlinux)
    other = next((c.vmlinux for c in t.run.cores if c.vmlinux and c.kernel != core.kernel), None)
    for shape in SHAPES:
        with folder() as d:
            path = os.path.join(d, shape.replace('R', release).replace('ID', id_[:2] + '/' + id_[2:]))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(core.vmlinux, path)
            t.equal(kernel(t, core, '--debug-dir', d)['kernel'], path, f'found at {shape}')
            t.equal(kernel(t, core, '--debug-dir', d, '--no-vmlinux')['kernel'], None, 'with --no-vmlinux')
    if other:
        # A file of another build at the right place is left alone, and does not hide the right one.
        with folder() as d:
            os.symlink(other, d + '/vmlinux')
            t.equal(kernel(t, core, '--debug-dir', d)['kernel'], None, "another kernel's")
            os.symlink(core.vmlinux, f'{d}/vmlinux-{release}')
            t.equal(kernel(t, core, '--debug-dir', d)['kernel'], f'{d}/vmlinux-{release}', 'behind another')
    with folder() as d:
        os.symlink(core.vmcore, d + '/core')
        os.symlink(core.vmlinux, d + '/vmlinux')
        t.equal(kernel(t, core, path=d + '/core')['kernel'], d + '/vmlinux', 'beside the dump')


def lines(t, addresses, *files, check=True):
    return t.inquest('--json', *files, '-c', 'line -e ' + ' '.join(f'{a:x}' for a in addresses), timeout=300,
                     check=check).json()[0].get('result', {}).get('lines')


@per_core(PLAIN, quick=1)
def split_and_compressed(t, core):
    """A stripped vmlinux with and without its debug information, compressed sections: the same lines."""
    offset = others.need_offset(core)
    rng = t.rng()
    code = [a + offset for a, k, _ in others.system_map(t, core) if k in 'tT' and a >> 63]
    addresses = [rng.choice(code) + rng.randrange(30) for _ in range(300)]
    want = lines(t, addresses, core.vmcore, core.vmlinux)
    t.ok(sum(1 for l in want if l['chain']) > 150, f'{sum(1 for l in want if l["chain"])} lines')
    with folder() as d:
        stripped, debug = d + '/vm', d + '/vm.debug'
        if shutil.which('eu-strip'):
            t.sh(['eu-strip', '-f', debug, '-o', stripped, core.vmlinux])
        else:
            t.sh(['objcopy', '--only-keep-debug', core.vmlinux, debug])
            t.sh(['objcopy', '--strip-debug', f'--add-gnu-debuglink={debug}', core.vmlinux, stripped])
        for files in ([stripped], [stripped, debug], [debug, stripped], [debug]):
            t.equal(lines(t, addresses, core.vmcore, *files), want, f'lines of {[os.path.basename(f) for f in files]}')
        sys = t.inquest('--json', core.vmcore, stripped, '-c', 'sys').result()
        t.equal((sys['kernel'], sys['debuginfo']), (stripped, debug), 'the files in use')
        t.ok(f'DEBUGINFO: {debug}' in t.inquest('-s', core.vmcore, stripped, '-c', 'sys').out, 'DEBUGINFO in sys')
        # Elsewhere: by the link below --debug-dir, and by build-id.
        id_ = build_id(t, core.vmlinux)
        for where in ('else/vm.debug', f'else/.build-id/{id_[:2]}/{id_[2:]}.debug', 'else/.debug/vm.debug'):
            os.makedirs(os.path.dirname(f'{d}/{where}'), exist_ok=True)
            os.rename(debug, f'{d}/{where}')
            link = d + '/else/vm'
            if where == 'else/.debug/vm.debug':
                os.symlink(stripped, link)
            got = lines(t, addresses, core.vmcore, link if os.path.exists(link) else stripped, '--debug-dir', d + '/else')
            t.equal(got, want, f'debug information at {where}')
            os.rename(f'{d}/{where}', debug)
        os.unlink(debug)
        out = t.inquest('-s', core.vmcore, stripped, '-c', 'sym vfs_write; bt')
        t.ok('no debug information' in out.err and id_ in out.err and 'vfs_write' in out.out, f'alone: {out.err!r}')
        os.unlink(stripped)
        kinds = ['zlib', 'zlib-gnu', 'zstd']
        for kind in kinds if t.all else t.sample(kinds, 1):
            if t.sh(['objcopy', f'--compress-debug-sections={kind}', core.vmlinux, d + '/vmlinux'], check=False).status:
                continue
            t.equal(lines(t, addresses, core.vmcore, d + '/vmlinux'), want, f'compressed by {kind}')
            os.unlink(d + '/vmlinux')


# ---- Modules ------------------------------------------------------------------------------------

def one_per_kernel(t):
    found = {}
    for core in t.run.cores:
        if PLAIN(core) and core.modules and core.whole():
            found.setdefault(core.kernel, core)
    return [found[k] for k in sorted(found)]


def module_line(t, core, name, *args, commands=''):
    """What `line` says of an address inside of a function of module NAME, after COMMANDS."""
    symbols = [s for s in t.command(core, f'sym -m {name}')['symbols'] if s['type'] in 'tT' and s['size']]
    address = max(symbols, key=lambda s: s['size'])['address']
    objects = t.inquest('--json', *args, core.vmcore, '-c', f'{commands}line {address}', check=False).json()
    return (objects[-1].get('result') or {'lines': [{'chain': []}]})['lines'][0]['chain'], objects


@test
def modules(t):
    """mod -s -S -d -D, files found when an address is asked for, compressed files, another build's: each kernel."""
    tried = 0
    for core in one_per_kernel(t):
        files = others.loaded_module_files(t, core)
        path = next(f for f in files if 'nullchain' in f)
        name = 'nullchain'
        want, _ = module_line(t, core, name, path)
        t.ok(want and want[-1]['line'], f'{core.kernel}: no line with the file on the command line')
        base = '--no-vmlinux'
        t.equal(module_line(t, core, name, base)[0], [], f'{core.kernel}: a line without any file')
        for commands in (f'mod -s {name} {path}; ', f'mod -S {core.modules}; ', f'mod -rs {name} {path}; '):
            t.equal(module_line(t, core, name, base, commands=commands)[0], want, f'{core.kernel}: {commands}')
        for commands in (f'mod -s {name} {path}; mod -d {name}; ', f'mod -S {core.modules}; mod -D; '):
            t.equal(module_line(t, core, name, base, commands=commands)[0], [], f'{core.kernel}: {commands}')
        got = module_line(t, core, name, base, commands=f'mod -s {name} {path}; mod -d {name}; mod -s {name} {path}; ')
        t.equal(got[0], want, f'{core.kernel}: loaded again')
        # By itself, when the address is asked for; mod and sys then say so.
        got, _ = module_line(t, core, name, '--debug-dir', core.modules)
        t.equal(got, want, f'{core.kernel}: found below --debug-dir')
        before, _, after, sys = t.inquest('--json', '--debug-dir', core.modules, core.vmcore, '-c',
                                          f'mod; line {name}:nc_account; mod; sys').json()
        object_of = [{m['name']: m['object_file'] for m in o['result']['modules']} for o in (before, after)]
        t.equal((object_of[0][name], object_of[1][name]), (None, path), f'{core.kernel}: object file')
        t.equal(sys['result']['module_files'], [path], f'{core.kernel}: module_files of sys')
        with folder() as d:
            os.makedirs(f'{d}/lib/modules/x/extra')
            for suffix, *command in (('xz', 'xz', '--check=crc32'), ('zst', 'zstd', '-q'), ('gz', 'gzip')):
                if not shutil.which(command[0]):
                    continue
                with open(f'{d}/lib/modules/x/extra/{name}.ko.{suffix}', 'wb') as f, open(path, 'rb') as i:
                    subprocess.run([*command, '-c'], stdin=i, stdout=f, check=True)
                t.equal(module_line(t, core, name, '--debug-dir', d)[0], want, f'{core.kernel}: .ko.{suffix}')
                os.unlink(f'{d}/lib/modules/x/extra/{name}.ko.{suffix}')
            # Stripped, with its debug information beside it; and by its build-id.
            stripped = f'{d}/{name}.ko'
            t.sh(['objcopy', '--only-keep-debug', path, stripped + '.debug'])
            t.sh(['objcopy', '--strip-debug', path, stripped])
            t.equal(module_line(t, core, name, stripped)[0], want, f'{core.kernel}: stripped, with .debug beside it')
            id_ = build_id(t, path)
            os.makedirs(f'{d}/b/.build-id/{id_[:2]}')
            os.rename(stripped + '.debug', f'{d}/b/.build-id/{id_[:2]}/{id_[2:]}.debug')
            t.equal(module_line(t, core, name, '--debug-dir', d + '/b')[0], want, f'{core.kernel}: by build-id')
            # Another build: a sentence with both ids, and no line.
            changed = f'{d}/other-{name}.ko'
            with open(path, 'rb') as f:
                data = f.read()
            with open(changed, 'wb') as f:
                f.write(data.replace(bytes.fromhex(id_), bytes.fromhex(id_)[::-1]))
            got, objects = module_line(t, core, name, base, commands=f'mod -s {name} {changed}; ')
            message = (objects[0].get('error') or {'message': ''})['message']
            t.ok(not got and id_ in message and build_id(t, changed) in message, f'{core.kernel}: {objects[0]}')
            # Another module's, no module's, none at all.
            wrong = next(f for f in core.module_files() if 'nullchain' not in f)
            for file in (wrong, core.vmlinux, '/bin/ls', d + '/none', d):
                out = t.inquest('-s', base, core.vmcore, '-c', f'mod -s {name} {file}', check=False)
                t.ok(out.status == 1 and out.err.startswith('inquest: mod: '), f'mod -s {name} {file}: {out.err!r}')
        out = t.inquest('-s', base, core.vmcore, '-c', 'mod -s nulchain', check=False)
        t.ok(out.status == 1 and 'nullchain' in out.err, f'a misspelt name: {out.err!r}')
        tried += 1
    t.ok(tried, 'no core with modules')
    t.note(f'{tried} kernels')


# ---- debuginfod ---------------------------------------------------------------------------------

@contextlib.contextmanager
def server(files, delay=0, cut=None):
    """A debuginfod on this machine that has FILES, {build-id: path}; the list of what was asked for."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            parts = self.path.split('/')
            path = files.get(parts[2]) if len(parts) == 4 and parts[3] == 'debuginfo' else None
            if not path:
                return self.send_error(404)
            self.send_response(200)
            self.send_header('Content-Length', str(os.path.getsize(path)))
            self.end_headers()
            sent = 0
            with contextlib.suppress(OSError), open(path, 'rb') as f:
                while (block := f.read(1 << 20)) and (cut is None or sent < cut):
                    self.wfile.write(block)
                    sent += len(block)
                    time.sleep(delay)

        def log_message(self, *args):
            pass

    s = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    try:
        yield f'http://127.0.0.1:{s.server_address[1]}', asked
    finally:
        s.shutdown()
        s.server_close()


def has_debuginfod():
    return subprocess.run(['sh', '-c', 'ldconfig -p | grep -q libdebuginfod.so.1']).returncode == 0


@per_core(lambda c: PLAIN(c) and c.module_files() and has_debuginfod(), quick=1, sanitized=False)
def debuginfod(t, core):
    """vmlinux and modules from a server, only if DEBUGINFOD_URLS names one; what goes wrong is said."""
    module = next(f for f in others.loaded_module_files(t, core) if 'nullchain' in f)
    files = {build_id(t, f): f for f in (core.vmlinux, module)}
    line = next(s['address'] for s in t.command(core, 'sym nc_account')['symbols'])
    want = lines(t, [int(line, 16)], core.vmcore, core.vmlinux, module)
    with folder() as d, server(files) as (url, asked):
        env = {'DEBUGINFOD_URLS': url, 'DEBUGINFOD_CACHE_PATH': d + '/cache', 'DEBUGINFOD_PROGRESS': ''}

        def run(*args, commands):
            return subprocess.run([t.run.inquest, *args, core.vmcore, '-c', commands], capture_output=True, text=True,
                                  timeout=300, env=dict(os.environ, **env))
        p = subprocess.run(
            [t.run.inquest, '--json', core.vmcore, '-c', 'sys; bt'], capture_output=True, text=True, timeout=300,
            env={k: v for k, v in os.environ.items() if k != 'DEBUGINFOD_URLS'})
        t.equal((p.returncode, asked), (0, []), 'without DEBUGINFOD_URLS')
        p = run('--json', '--no-vmlinux', commands='sys; bt -l')
        t.equal((p.returncode, asked), (0, []), 'with --no-vmlinux')
        t.equal(kernel(t, core, env=env)['kernel'], f'{d}/cache/{build_id(t, core.vmlinux)}/debuginfo', 'kernel')
        p = run('--json', commands=f'line -e {line}')
        t.equal(json.loads(p.stdout)['result']['lines'], want, 'line in a module')
        t.equal(len(asked), len(set(asked)), f'nothing is fetched twice: {asked}')
        t.equal(p.stderr, '', 'standard error that is no terminal')
        count = len(asked)
        t.equal(kernel(t, core, env=env)['kernel'] is not None and len(asked), count, 'from the cache')
        shutil.rmtree(d + '/cache')
    with folder() as d, server({}) as (url, asked):
        env = {'DEBUGINFOD_URLS': url, 'DEBUGINFOD_CACHE_PATH': d}
        t.equal(kernel(t, core, env=env)['kernel'], None, 'a server that has nothing')
        t.ok(asked, 'it was not asked')
    # A server that is not there, one that hangs up in the middle: the dump is opened without.
    with folder() as d:
        env = {'DEBUGINFOD_URLS': 'http://127.0.0.1:9', 'DEBUGINFOD_CACHE_PATH': d, 'DEBUGINFOD_TIMEOUT': '5'}
        p = subprocess.run([t.run.inquest, '-s', core.vmcore, '-c', 'sym vfs_write'], capture_output=True, text=True,
                           timeout=120, env=dict(os.environ, **env))
        t.ok(p.returncode == 0 and 'vfs_write' in p.stdout and 'debuginfod' in p.stderr, f'no server: {p.stderr!r}')
    with folder() as d, server(files, cut=3 << 20) as (url, asked):
        env = {'DEBUGINFOD_URLS': url, 'DEBUGINFOD_CACHE_PATH': d}
        p = subprocess.run([t.run.inquest, '-s', core.vmcore, '-c', 'sym vfs_write'], capture_output=True, text=True,
                           timeout=120, env=dict(os.environ, **env))
        # libdebuginfod 0.188 does not tell this from a server that has no such file.
        t.ok(p.returncode == 0 and 'vfs_write' in p.stdout and asked, f'cut off: {p.stderr!r}')
    # Ctrl-C ends the waiting, not the work, at a prompt; a batch ends as with any interrupt.
    with folder() as d, server(files, delay=0.5) as (url, asked):
        env = {'DEBUGINFOD_URLS': url, 'DEBUGINFOD_CACHE_PATH': d}
        p = subprocess.Popen([t.run.inquest, '-s', core.vmcore, '-c', 'sym vfs_write'], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env=dict(os.environ, **env))
        while not asked and p.poll() is None:
            time.sleep(0.05)
        time.sleep(1)
        started = time.time()
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=60)
        t.ok(time.time() - started < 20 and 'interrupted' in err, f'Ctrl-C: {time.time() - started:.1f} s, {err!r}')


# ---- Wrong and damaged --------------------------------------------------------------------------

EVERYTHING = 'sys; bt; ps -p 1; sym vfs_write; line vfs_write; dis -l kfree 3; bt -l; log | tail -1; mod'


def survives(t, what, *files, said=None):
    """What does not need the damaged file works; a sentence, if SAID is wanted in it; nothing dies."""
    out = t.inquest('-s', *files, '-c', EVERYTHING, check=False, timeout=120)
    t.ok(out.status in (0, 1), f'{what}: status {out.status}: {out.err[-300:]!r}')
    t.ok('PID: ' in out.out and 'vfs_write' in out.out and 'MODULE' in out.out, f'{what}: {out.out[:200]!r}')
    for line in out.err.splitlines():
        t.ok(re.match(r'inquest: |  hint: ', line) and not re.search(r'[\x00-\x08\x0e-\x1f]', line), f'{what}: {line!r}')
    if said:
        t.ok(re.search(said, out.err), f'{what}: no /{said}/ in {out.err[:300]!r}')
    return out


@per_core(PLAIN, quick=1)
def truncated(t, core):
    """A vmlinux that is cut off anywhere, or whose section headers are rubbish."""
    size = os.path.getsize(core.vmlinux)
    with folder() as d:
        path = d + '/vmlinux'
        for n in sorted([4, 64, 4096, *(t.rng().randrange(5000, size) for _ in range(3)), size - 1], reverse=True):
            if n == size - 1:
                shutil.copyfile(core.vmlinux, path)
            os.truncate(path, n)
            if n < 64:      # no longer an ELF file
                out = t.inquest('-s', core.vmcore, path, '-c', 'sys', check=False)
                t.ok(out.status == 2 and path in out.err, f'{n} bytes: {out.status} {out.err!r}')
                continue
            survives(t, f'vmlinux of {n} bytes', core.vmcore, path, said=path if n < size - 200000 else None)


def section(path, name):
    """(offset, size) of a section of an ELF file."""
    with open(path, 'rb') as f:
        head = f.read(64)
        shoff, = struct.unpack_from('<Q', head, 40)
        shentsize, shnum, shstrndx = struct.unpack_from('<HHH', head, 58)
        f.seek(shoff)
        table = f.read(shentsize * shnum)
        rows = [struct.unpack_from('<IIQQQQ', table, i * shentsize) for i in range(shnum)]
        f.seek(rows[shstrndx][4])
        names = f.read(rows[shstrndx][5])
    for r in rows:
        if names[r[0]:names.index(b'\0', r[0])].decode() == name:
            return r[4], r[5]


@per_core(PLAIN, quick=1)
def damaged(t, core):
    """Bytes changed all over the debug information of a vmlinux and of a module."""
    rng = t.rng()
    module = next((f for f in others.loaded_module_files(t, core) if 'nullchain' in f), None)
    with folder() as d:
        for source, rounds in ((core.vmlinux, 3), (module, 30)):
            if not source:
                continue
            path = os.path.join(d, os.path.basename(source))
            shutil.copyfile(source, path)
            for i in range(rounds * (4 if t.all else 1)):
                name = rng.choice(['.debug_info', '.debug_abbrev', '.debug_line', '.debug_str', '.debug_aranges',
                                   '.symtab', '.debug_rnglists', '.debug_frame', '.debug_line_str'])
                where = section(source, name)
                if not where or not where[1]:
                    continue
                saved = []
                with open(path, 'r+b') as f:
                    for _ in range(1 << rng.randrange(12)):
                        at = where[0] + rng.randrange(where[1])
                        f.seek(at)
                        saved.append((at, f.read(1)))
                        f.seek(at)
                        f.write(bytes([rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))]))
                survives(t, f'{os.path.basename(source)}, {name} damaged', core.vmcore, path)
                with open(path, 'r+b') as f:
                    for at, byte in reversed(saved):
                        f.seek(at)
                        f.write(byte)
            os.unlink(path)


# ---- Source text --------------------------------------------------------------------------------

@per_core(lambda c: PLAIN(c) and c.module_files(), quick=2)
def source(t, core):
    """src, dis -s and list show what is in the file, mark the faulting line, and never leave the directory."""
    module = next(f for f in others.loaded_module_files(t, core) if 'nullchain' in f)
    guest = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'lab', 'guest', 'modules')
    text = open(guest + '/nullchain.c').read().split('\n')
    fault = core.truth['rip']
    base = [core.vmcore, module]
    with folder() as d:
        os.makedirs(d + '/a/modules')
        # 7.x names it relative to the directory that it was compiled in.
        shutil.copy(guest + '/nullchain.c', d + '/a')
        shutil.copy(guest + '/nullchain.c', d + '/a/modules')
        shutil.copy(guest + '/lab.h', d + '/a/modules')
        for command in ('src nc_account', 'list nc_account', 'dis -s nc_account'):
            r = t.inquest('--json', *base, '--src', d + '/a', '-c', command).result()
            shown = {l['line']: l['text'] for l in r['source']}
            t.ok(shown and all(text[n - 1] == s for n, s in shown.items()), f'{command}: {list(shown.items())[:3]}')
            at = t.inquest('--json', *base, '-c', f'line -e ({fault["function"]}+{int(fault["offset"], 16)})').result()
            t.ok(any(l['mark'] == '>' and l['line'] == at['lines'][0]['line'] for l in r['source']),
                 f'{command}: the faulting line {at["lines"][0]["line"]} is not marked')
            t.equal([l['line'] for l in r['source'] if l['mark'] == '*'], [r['line']], f'{command}: the line meant')
        out = t.inquest('-s', *base, '-c', f'set src {d}/a; src modules/nullchain.c:10 3').out
        t.ok('\n* 10\t' + text[9] + '\n' in out and '\n  12\t' + text[11] + '\n' in out, f'src FILE:LINE: {out!r}')
        out = t.inquest('-s', *base, '-c', 'dis -s nc_account')
        t.ok('source code is not available' in out.out and 'FILE: ' in out.out, f'without --src: {out.out!r}')
        # Outside of the directory: by "..", by an absolute path, by links; a fifo is not opened.
        with open(d + '/secret.c', 'w') as f:
            f.write('secret\n' * 50)
        os.symlink('../secret.c', d + '/a/link.c')
        os.symlink('..', d + '/a/up')
        os.mkfifo(d + '/a/fifo.c')
        for name in ('../secret.c', 'link.c', 'up/secret.c', d + '/secret.c', 'fifo.c', '..//secret.c', 'a/../../secret.c'):
            out = t.inquest('-s', *base, '--src', d + '/a', '-c', f'src {name}:5', check=False, timeout=20)
            t.ok(out.status == 1 and 'secret\n' not in out.out, f'src {name}: {out.out!r} {out.err!r}')
        # Control characters do not reach the terminal; a file shorter than the line says so.
        with open(d + '/a/modules/nullchain.c', 'w') as f:
            f.write('\x1b[31m\x07 evil\n' * 45)
        out = t.inquest('-s', *base, '--src', d + '/a', '-c', 'src modules/nullchain.c:10')
        t.ok('evil' in out.out and '\x1b' not in out.out, 'escape sequences')
        out = t.inquest('-s', *base, '--src', d + '/a', '-c', 'src modules/nullchain.c:60', check=False)
        t.ok(out.status == 1 and 'no line 60' in out.err, f'{out.err!r}')
