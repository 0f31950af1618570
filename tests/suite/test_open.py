# SPDX-License-Identifier: GPL-2.0-or-later
"""Opening: what the machine was, by what path the kernel was found, and which files belong together."""
import os
import re
import shutil
import tempfile

from harness import per_core
from suite import others


def check_sys(t, core, vmlinux):
    how = 'with vmlinux' if vmlinux else 'dump alone'
    sys, stext, panic = (o.get('result') or t.fail(f'{how}: {o}') or {} for o in
                         t.commands(core, 'sys; sym _stext; set', vmlinux=vmlinux))
    if not sys or not stext or not panic:
        return
    truth, log = core.truth, core.serial()
    t.equal(sys['release'], truth['kernel'], f'{how}: release')
    t.equal(sys['machine'], 'x86_64', f'{how}: machine')
    banner = re.search(r'Linux version \S+ .*?(#\d+ SMP.*)', log)
    t.equal(sys['version'], banner and banner.group(1).strip(), f'{how}: version')
    cpus = re.search(r'smp: Brought up \d+ nodes?, (\d+) CPUs?', log)
    t.equal(sys['cpus'], cpus and int(cpus.group(1)), f'{how}: cpus')
    if core.kernel:
        t.ok(sys['nodename'].startswith('lab'), f'{how}: nodename {sys["nodename"]!r}')
    memory = re.search(r'\] Memory: \d+K/(\d+)K available', log)
    t.equal(sys['memory'], memory and int(memory.group(1)) << 10, f'{how}: memory')
    t.equal(sys['kernel'], core.vmlinux if vmlinux else None, f'{how}: kernel')
    if truth.get('panic'):
        t.ok(truth['panic'][:20] in sys['panic'] or sys['panic'] in log, f'{how}: panic {sys["panic"]!r}')
    elif core.scenario == 'live':
        t.ok(not sys['panic'], f'{how}: panic {sys["panic"]!r} of a live system')
    offset = others.kernel_offset(core)
    if core.vmlinux and offset is not None:
        start = next(a for a, _, n in others.system_map(t, core) if n == '_stext')
        t.equal(int(stext['symbols'][0]['address'], 16) - start, offset, f'{how}: KASLR offset')
    first = truth.get('panic_task')
    if first:
        t.equal((panic['pid'], panic['comm']), (first['pid'], first['comm'][:15]), f'{how}: context')


@per_core(lambda c: c.whole())
def facts(t, core):
    check_sys(t, core, False)
    if core.vmlinux:
        check_sys(t, core, True)


@per_core(lambda c: c.whole() and c.format != 'elf')
def needs_little_memory(t, core):
    """Peak resident memory of open and bt (not of a sanitized build)."""
    if t.run.sanitized:
        return
    out = t.sh(['/usr/bin/python3', '-c', 'import resource,subprocess,sys\n'
                'p=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL)\n'
                'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,p.returncode)',
                t.run.inquest, *t.dump_args(core), '-c', 'bt'])
    kb, status = map(int, out.out.split())
    t.equal(status, 0, 'status')
    t.ok(kb < 40 << 10, f'{kb} kB at peak')


@per_core(lambda c: c.vmlinux and c.whole(), quick=4)
def files_in_any_order(t, core):
    """Dump, vmlinux and modules are told apart by their content."""
    modules = others.loaded_module_files(t, core)[:5]
    files = [core.vmcore, core.vmlinux, *modules]
    wanted = None
    for _ in range(3):
        t_files = list(files)
        t.rng().shuffle(t_files)
        a, b = t.inquest('--json', *t_files, '-c', 'sys; mod').json()
        objects = {m['name']: m['object_file'] for m in b['result']['modules']}
        for m in modules:
            name = os.path.basename(m).split('.')[0].replace('-', '_')
            t.equal(objects.get(name), m, f'the debug file of {name}')
        t.equal(a['result']['kernel'], core.vmlinux, 'kernel')
        if 'module_files' in a['result']:
            a['result']['module_files'].sort()      # it has them in the order that they were given in
        wanted = wanted or a['result']
        t.equal(a['result'], wanted, 'sys')
        files.reverse()


@per_core(lambda c: c.vmlinux and c.whole() and c.scenario == 'null-deref', quick=1)
def wrong_vmlinux(t, core):
    """Refused with both build-ids, as readelf shows them."""
    other = next((c.vmlinux for c in t.run.cores if c.vmlinux and c.kernel != core.kernel), None)
    if not other:
        return t.note('skipped: the lab has one kernel')
    ids = [re.search(r'Build ID: ([0-9a-f]+)', t.sh(['readelf', '-n', f], check=False).out)
           for f in (core.vmlinux, other)]
    if not all(ids):
        return t.fail('readelf shows no build-id')
    for args in ([core.vmcore, other], [other, core.vmcore]):
        out = t.inquest('-s', *args, '-c', 'sys', check=False)
        t.equal(out.status, 2, f'status with {other}')
        t.ok(ids[1].group(1) in out.err, f'the file\'s build-id is not in {out.err!r}')
        t.ok(ids[0].group(1) in out.err, f'the dump\'s build-id is not in {out.err!r}')
    out = t.inquest('-s', core.vmcore, other, core.vmlinux, '-c', 'sys', check=False)
    t.ok(out.status == 2 and out.err.startswith('inquest: ') and other in out.err, f'two vmlinux: {out.err!r}')
    out = t.inquest('--json', core.vmcore, other, '-c', 'sys', check=False)
    t.ok('build-id' in out.json()[0]['error']['message'], out.out[:300])
    t.equal(out.json()[0]['command'], None, 'command of the error')


@per_core(lambda c: c.vmlinux and c.whole(), quick=2)
def debug_dir(t, core):
    """Files found in a folder by what they are, and those of another kernel left alone."""
    with tempfile.TemporaryDirectory() as d:
        os.symlink(core.vmlinux, d + '/vmlinux')
        for m in others.loaded_module_files(t, core)[:3]:
            shutil.copy(m, d)
        sys = t.inquest('--json', '--debug-dir', d, core.vmcore, '-c', 'sys').result()
        t.ok(sys['kernel'] and os.path.samefile(sys['kernel'], core.vmlinux), f'kernel is {sys["kernel"]}')
        sys = t.inquest('--json', '--no-vmlinux', '--debug-dir', d, core.vmcore, '-c', 'sys').result()
        t.equal(sys['kernel'], None, 'kernel with --no-vmlinux')


@per_core(lambda c: c.vmlinux and 'novmci' in c.name and c.whole() and others.kernel_offset(c) is not None)
def without_vmcoreinfo(t, core):
    """The kernel is found by the CPUs' registers; everything else follows."""
    data = open(core.vmcore, 'rb').read(1 << 16)
    t.ok(b'KERNELOFFSET=' not in data, 'the dump has VMCOREINFO after all')
    names = {n: a for a, _, n in others.system_map(t, core)}
    offset = others.need_offset(core)
    picks = t.rng().sample([n for a, k, n in others.system_map(t, core) if k == 'T'], 20)
    for n in picks:
        got = [int(s['address'], 16) for s in t.command(core, f'sym {n}')['symbols']]
        t.ok(names[n] + offset in got, f'{n} is at {got}, expected {names[n] + offset:#x}')


@per_core(lambda c: not c.whole())
def damaged_or_split(t, core):
    """Split, incomplete and cut off: it opens, says so, and shows what is left."""
    out = t.inquest('--json', '--no-vmlinux', *core.vmcores, '-c', 'sys', check=False)
    sys = out.json()[0].get('result')
    if not t.ok(sys, f'sys: {out.out[:300]}'):
        return
    t.equal(sys['release'], core.truth['kernel'], 'release')
    lost = 'incomplete' if 'nospace' in core.name else 'truncated' if 'cut' in core.name else None
    t.equal([k for k in ('incomplete', 'truncated') if sys[k]], [lost] if lost else [], 'what is lost')
    if not lost:
        check_sys(t, core, False)
        return
    t.ok(any(lost in w for w in out.json()[0]['warnings']), f'no warning: {out.json()[0]["warnings"]}')
    if core.vmlinux:
        out = t.inquest('--json', core.vmcore, core.vmlinux, '-c', 'sys; sym panic', check=False).json()
        t.ok(out[0].get('result'), f'with vmlinux: {out[0]}')
        address = next(a for a, _, n in others.system_map(t, core) if n == 'panic') + others.need_offset(core)
        t.equal([s['address'] for s in out[-1].get('result', {}).get('symbols', [])], [hex(address)],
                'panic, by the vmlinux')


@per_core(lambda c: len(c.vmcores) > 1)
def split_dumps(t, core):
    """The parts of a split dump, in any order, are the dump; one alone says what it is."""
    files = list(core.vmcores)
    want = t.inquest('--json', '--no-vmlinux', *files, '-c', 'ps').result()
    t.rng().shuffle(files)
    t.equal(t.inquest('--json', '--no-vmlinux', *files, '-c', 'ps').result(), want, 'ps')
    out = t.inquest('-s', '--no-vmlinux', files[0], '-c', 'sys', check=False)
    t.ok('one file of a split dump' in out.err, f'one part alone: {out.out[:300]} {out.err[:300]}')
