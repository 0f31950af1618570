# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernels without types, with types from the vmlinux's DWARF, and kernels of which a member is unknown."""
import math
import os
import re
import shutil
import struct
import tempfile

from harness import Failed, per_core
from suite import bt_truth, btf_edit


def text(t, core, commands, *options, vmlinux=None):
    """What inquest prints of each of COMMANDS; its complaints after it."""
    args = [*options, *core.vmcores] + ([vmlinux] if vmlinux else ['--no-vmlinux'])
    said = {}
    for c in commands:
        o = t.inquest('-s', *args, '-c', c, check=False)
        said[c] = (o.status, o.out, o.err)
    return said


def small(core):
    """One that is read in a moment."""
    return core.whole() and not re.match(r'(bench|big)', core.name)


# ---- Without any types --------------------------------------------------------------------------


# What replaced return addresses, and the names of BPF programs, are in structs that only types describe.
UNTYPED_ENDS = ('kretprobe', 'fgraph', 'bpf')


@per_core(lambda c: c.whole() and c.truth.get('call_chain'))
def no_types_bt(t, core):
    """The kernel's own traces, from stacks and tasks that are found by probing memory."""
    pids = bt_truth.reported_pids(core.truth)
    answers = t.commands(core, '; '.join(['bt -a'] + [f'bt {p}' for p in pids]), '--no-btf', check=False)
    tasks = {}
    for a in answers:
        if 'error' in a:
            t.ok('no task has the pid' in a['error']['message'], f'{a["command"]}: {a["error"]}')
            continue
        tasks.update((x['task'], x) for x in a['result']['tasks'])
    if core.scenario in UNTYPED_ENDS:
        return
    result = {'tasks': list(tasks.values())}
    t.none(bt_truth.compare(core.truth, result, core.serial()), 'bt without types against the kernel')
    t.ok(bt_truth.comparable(core.truth, result) > 0, 'nothing to compare')


# Commands that say the same without types.
UNTYPED = ('foreach bt', 'bt -e', 'mod', 'sys', 'ps -S', 'log -T', 'log -m', 'set', 'sym -l',
           'dis schedule', 'rd -s init_task 300', 'x/8xg init_task', 'search init_task')


@per_core(lambda c: small(c) and c.scenario not in UNTYPED_ENDS, quick=8)
def no_types_same(t, core):
    with_types, without = text(t, core, UNTYPED), text(t, core, UNTYPED, '--no-btf')
    # Pages that a dump lacks prove nothing.
    if 'cannot be read' in ''.join(e for _, _, e in with_types.values()):
        return
    for c in UNTYPED:
        t.equal(without[c][:2], with_types[c][:2], c)


@per_core(lambda c: small(c) and c.scenario not in UNTYPED_ENDS, quick=8)
def no_types_ps(t, core):
    """All tasks; only the memory that they use is not known, and said not to be."""
    with_types = t.command(core, 'ps')['tasks']
    for a, b in zip(with_types, t.command(core, 'ps', '--no-btf')['tasks'], strict=True):
        for key in ('rss_kb', 'vsz_kb', 'mem_percent'):
            t.ok(b[key] is None or b[key] == a[key] == 0, f'{key} of pid {a["pid"]}: {b[key]}')
            a.pop(key), b.pop(key)
        t.equal(b, a, f'pid {a["pid"]}')


TYPED = ('struct list_head', 'whatis struct list_head', 'p init_task.comm', 'ps -l', 'union thread_union', 'struct task_struct init_task',
         'p sizeof(struct page)', 'mod -t')


@per_core(lambda c: small(c), quick=2)
def needs_types(t, core):
    """One sentence: what is needed, why it is not there, what helps."""
    for c, (status, out, err) in text(t, core, TYPED, '--no-btf').items():
        t.ok(status == 1 and not out and len(err.splitlines()) <= 2 and 'Sanitizer' not in err,
             f'{c}: status {status}: {out[:200]} {err[:300]}')
        t.ok('vmlinux' in err and '--no-btf was given' in err, f'{c}: {err}')


# ---- Types from DWARF ---------------------------------------------------------------------------

# With a vmlinux both ways, so that lines and globals are the same.
ALL = ('bt -a', 'bt -f', 'foreach bt', 'ps', 'ps -k', 'ps -u', 'ps -G', 'ps -s', 'ps -l', 'ps -m', 'ps -p 1',
       'ps -g', 'sys', 'sys -t', 'mod', 'mod -t', 'set', 'log -T', 'log -d', 'vtop init_task', 'vtop schedule',
       'kmem init_task', 'rd -SS init_task 500', 'whatis struct list_head', 'whatis task_struct.comm',
       'whatis gfp_t', 'whatis enum zone_type', 'struct task_struct -o', 'struct page -o', 'struct module -o',
       'struct task_struct init_task', 'struct rq.nr_running runqueues:a', 'union thread_union',
       'p init_task.comm', 'p jiffies', 'p modules', 'p init_uts_ns', 'p sizeof(struct task_struct)',
       'struct mm_struct init_mm', 'search -A init_mm', 'dis -l schedule', 'sym -q idle_threads')


def remove_sections(path, names):
    """Empty these sections of an ELF file and make them unused; how many there were.

    objcopy -R refuses, as symbols and relocations of a vmlinux name them."""
    found = 0
    with open(path, 'r+b') as f:
        head = f.read(64)
        at, = struct.unpack_from('<Q', head, 40)
        size, nr, names_index = struct.unpack_from('<HHH', head, 58)
        f.seek(at)
        table = f.read(size * nr)
        rows = [struct.unpack_from('<IIQQQQ', table, i * size) for i in range(nr)]
        f.seek(rows[names_index][4])
        strings = f.read(rows[names_index][5])
        for i, (name, _, _, _, offset, length) in enumerate(rows):
            if strings[name:strings.find(b'\0', name)] not in names:
                continue
            f.seek(offset)
            f.write(bytes(length))
            f.seek(at + i * size)
            f.write(bytes(size))        # SHT_NULL
            found += 1
    return found


@per_core(lambda c: c.scenario == 'sysrq' and c.kernel in ('cloud', 'cloud-bullseye') and small(c) and
          c.name == c.scenario + c.kernel.removeprefix('cloud'), sanitized=False)
def no_btf_with_vmlinux(t, core):
    """A vmlinux whose BTF was removed, and --no-btf: every answer as with BTF."""
    with tempfile.TemporaryDirectory(prefix='inquest-no-btf.', dir='/var/tmp') as d:
        bare = os.path.join(d, 'vmlinux')
        shutil.copyfile(core.vmlinux, bare)
        t.equal(remove_sections(bare, {b'.BTF', b'.BTF_ids'}), 2, 'sections removed')
        args = ['--json', core.vmcore, bare, '-c', '; '.join(ALL)]
        from_btf = t.inquest(*args, check=False).json()
        from_dwarf = t.inquest('--no-btf', *args, check=False).json()
    t.equal([a['command'] for a in from_btf], list(ALL), 'commands')
    for a, b in zip(from_btf, from_dwarf, strict=True):
        t.equal(dimensions(b.get('error', b.get('result'))), dimensions(a.get('error', a.get('result'))),
                f'{a["command"]}: from DWARF and from BTF')


def dimensions(result):
    """pahole makes one dimension of several in BTF: a[2][3] is a[6]."""
    if isinstance(result, dict):
        return {k: dimensions(v) for k, v in result.items()}
    if isinstance(result, list):
        return [dimensions(v) for v in result]
    if isinstance(result, str):
        return re.sub(r'(?:\[\d+\]){2,}', lambda m: f'[{math.prod(map(int, re.findall(r"[0-9]+", m[0])))}]',
                      result)
    return result


# ---- Members of kernels to come -----------------------------------------------------------------

# A member, and the commands whose answers may lack something without it.
FUTURE = (
    ('task_struct', 'tasks', ''),
    ('task_struct', 'comm', 'bt ps set p kmem'),
    ('task_struct', 'pid', 'bt ps set kmem'),
    ('task_struct', 'tgid', 'ps kmem'),
    ('task_struct', '__state', 'ps set kmem'),
    ('task_struct', 'exit_state', 'ps set kmem'),
    ('task_struct', 'stack', 'bt kmem'),
    ('task_struct', 'mm', 'ps'),
    ('task_struct', 'thread', 'foreach'),
    ('task_struct', 'real_parent', 'ps'),
    ('task_struct', 'flags', 'ps'),
    ('task_struct', 'thread_node', ''),
    ('thread_info', 'cpu', 'ps foreach kmem'),
    ('module', 'core_layout', 'mod sym struct'),
    ('module', 'list', 'mod sym struct'),
    ('module', 'name', 'mod sym struct'),
    ('module', 'kallsyms', 'sym struct'),
    ('module', 'arch', 'struct bt'),
    ('mod_kallsyms', 'symtab', 'sym'),
    ('module_layout', 'base', 'mod sym'),
    ('page', 'flags', 'vtop kmem rd'),
    ('page', '_refcount', 'vtop kmem rd'),
    ('kmem_cache', 'offset', 'kmem rd'),
    ('kmem_cache', 'object_size', 'kmem rd'),
    ('kmem_cache', 'list', 'kmem rd'),
    ('slab', 'freelist', 'kmem rd'),
    ('slab', 'slab_cache', 'kmem rd'),
    ('kmem_cache_cpu', 'freelist', 'kmem rd'),
    ('timekeeper', 'xtime_sec', 'sys log'),
    ('timekeeper', 'ktime_sec', 'sys log'),
    ('uts_namespace', 'name', 'sys'),
    ('rq', 'idle', ''),
    ('pid_namespace', 'idr', ''),
    ('xa_node', 'slots', ''),
    ('vmap_area', 'va_start', 'kmem'),
    ('pglist_data', 'node_present_pages', 'sys ps'),
    ('inactive_task_frame', 'ret_addr', ''),
    ('pt_regs', 'ip', ''),
    ('btf_module', 'list', ''),
)
NOW = ('bt', 'bt -a', 'foreach bt', 'ps', 'mod', 'sys', 'log', 'set', 'vtop init_task', 'rd -SS init_task 300',
       'sym -l', 'whatis list_head', 'p init_task.comm', 'struct module', 'dis schedule', 'x/4xg init_task')


@per_core(lambda c: c.name == 'sysrq.elf')
def unknown_members(t, core):
    """Each of these members under another name: one answer lacks something and says so; nothing else does."""
    with tempfile.TemporaryDirectory(prefix='inquest-future.', dir='/var/tmp') as d:
        copy = os.path.join(d, 'vmcore')
        shutil.copyfile(core.vmcore, copy)
        args = ['--json', '--no-vmlinux', copy, '-c']
        at = t.inquest(*args, 'sym __start_BTF').result()['symbols'][0]['address']
        btf = btf_edit.Btf(copy, int(t.inquest(*args, f'vtop {at}').result()['physical'], 16))
        tasks = t.inquest(*args, 'ps').result()['tasks']
        now = NOW + (f'kmem {tasks[-1]["task"]}',)

        def answers():
            return {c: t.inquest('-s', '--no-vmlinux', copy, '-c', c, check=False) for c in now}

        before = answers()
        for tag, member, may in t.sample(FUTURE, 12):
            undo = btf.rename(tag, member)
            for c, o in answers().items():
                word = c.split()[0]
                if (o.status, o.out) == (before[c].status, before[c].out):
                    continue
                if not t.ok(word in may.split() or (word == 'foreach' and 'bt' in may.split()),
                            f'without {tag}.{member} {c} is another: {o.out[:300]} {o.err[:300]}'):
                    continue
                t.ok(o.err or '?' in o.out or 'unknown' in o.out or word == 'struct',
                     f'without {tag}.{member} {c} says nothing of it: {o.out[:500]}')
            undo()
        btf.close()


# ---- The types of well-known globals ------------------------------------------------------------

GDB = '''
import gdb
# All names of a type: what its typedefs stand for as well.
def plain(t):
    names = [str(t.unqualified())]
    if t.code == gdb.TYPE_CODE_ARRAY:
        return [n + ' []' for n in plain(t.target())]
    if t.code == gdb.TYPE_CODE_PTR:
        return [n + ' *' for n in plain(t.target())]
    if t.code == gdb.TYPE_CODE_TYPEDEF and t.target().code != gdb.TYPE_CODE_VOID:
        names += plain(t.target())
    return names
for n in %r:
    s = gdb.lookup_global_symbol(n) or gdb.lookup_static_symbol(n)
    if s:
        print('@%%s=%%s' %% (n, '|'.join(plain(s.type))))
'''


def table():
    """The names in src/inspect/globals.c."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(os.path.join(root, 'src/inspect/globals.c')) as f:
        return sorted(set(re.findall(r'^\t\{"(\w+)", "', f.read(), re.M)))


def bare(declared):
    """A declaration's type without qualifiers, dimensions and blanks that do not matter."""
    s = re.sub(r'\[\d*\]', '[]', re.sub(r'\b(const|volatile) ?', '', declared))
    return re.sub(r' ?\[\]', '[]', re.sub(r' ?\* ?', '*', s)).strip()


@per_core(lambda c: c.scenario == 'sysrq' and c.vmlinux and small(c) and c.format == 'zlib' and
          c.name == c.scenario + c.kernel.removeprefix('cloud'), quick=1, sanitized=False)
def well_known_globals(t, core):
    """The types that globals are given without a vmlinux are those that its DWARF has, by gdb."""
    names = table()
    with tempfile.NamedTemporaryFile('w', suffix='.py') as f:
        f.write(GDB % names)
        f.flush()
        out = t.sh(['gdb', '-batch', '-nx', '-x', f.name, core.vmlinux], timeout=600).out
    by_gdb = dict(re.findall(r'^@(\w+)=(.*)', out, re.M))
    t.ok(len(by_gdb) > len(names) / 2, f'gdb knows {len(by_gdb)} of {len(names)}')
    args = ['-s', '--no-vmlinux', core.vmcore]
    for n in names:
        args += ['-c', f'whatis {n}']
    differ, typed = [], 0
    for line in t.inquest(*args, check=False).out.splitlines():
        m = re.fullmatch(r'(.*?)(\w+)((?:\[\d*\])*);', line)
        if not m or m.group(2) not in by_gdb or 'not in BTF' in m.group(1):
            continue
        typed += 1
        ours, theirs = bare(m.group(1) + m.group(3)), {bare(x) for x in by_gdb[m.group(2)].split('|')}
        if ours not in theirs and alias(t, core, ours) not in theirs:
            differ.append(f'{m.group(2)}: {line} but {by_gdb[m.group(2)]}')
    t.none(differ, 'types of well-known globals', typed)
    t.ok(typed > len(by_gdb) * 0.9, f'{typed} of {len(by_gdb)} have a type')
    t.note(f'{typed} globals')


def alias(t, core, name):
    """What the typedef that a type is made of stands for."""
    word = re.match(r'(\w+)([*\[\]]*)$', name)
    if not word or word.group(1) in ('int', 'char', 'bool', 'long'):
        return name
    o = t.inquest('-s', '--no-vmlinux', core.vmcore, '-c', f'whatis {word.group(1)}', check=False).out
    m = re.match(r'typedef ((?:struct|union|enum) \w+)() \{|typedef (.*?) ?(\*?)\w+;', o)
    return bare(''.join(g or '' for g in m.groups()) + word.group(2)) if m else name
