# SPDX-License-Identifier: GPL-2.0-or-later
"""The Python module: its values against drgn's, its walks and commands against inquest --json, its errors."""
import json
import os
import sys

from harness import per_core
from suite.others import has_drgn, of_other_kernel

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../../src/python'))
import inquest                                                          # noqa: E402


def opened(t, core, vmlinux=False):
    return inquest.open(*core.vmcores, vmlinux=core.vmlinux if vmlinux else None, program=t.run.inquest,
                        options=[] if vmlinux else ['--no-vmlinux'])


def refused(t, what, call, *words, kind=inquest.Error):
    try:
        got = call()
    except kind as e:
        return t.none([w for w in words if w not in str(e)], f'{what}: {e}')
    return t.fail(f'{what}: {got!r} instead of an error')


@per_core(lambda core: has_drgn(core) and not of_other_kernel(core) and core.scenario in ('sysrq', 'null-deref'), quick=2)
def values_against_drgn(t, core):
    """Members, pointers, arrays, strings, enums, lists and slab objects are drgn's, without the vmlinux that drgn has."""
    theirs = json.loads(t.sh(['/usr/bin/python3', f'{HERE}/drgn_python.py', core.vmcore, core.vmlinux], timeout=600).out)
    with opened(t, core) as p:
        ours = sorted([x.pid, x.comm, x.address_, int(x.prio), int(x.mm), int(x.mm.pgd) if x.mm else 0,
                       int(x.se.vruntime), int(x.tasks.next)] for x in p.tasks() if x.pid)
        t.equal(ours, theirs['tasks'], 'tasks')
        t.equal([[s.address_, s.s_type.name.string_(), int(s.s_flags), int(s.s_dev)]
                 for s in p.list(p['super_blocks'], 'struct super_block', 's_list')], theirs['supers'], 'super blocks')
        init = p['init_task']
        t.equal([init.real_cred.cap_effective.address_, int(init.real_cred.uid.val)], theirs['caps'], 'credentials')
        t.equal([int(x) for x in init.cpus_mask.bits], theirs['bits'], 'an array')
        t.equal(p.read(init.address_, 1003).hex(), theirs['bytes'], 'bytes')
        t.equal(int(p['system_state']), theirs['state'], 'an enum')
        if theirs['jiffies'] is not None:
            t.equal(int(p['jiffies_64']), theirs['jiffies'], 'jiffies_64')
        if theirs['files'] is not None:
            t.equal(sorted(p.slab_objects('files_cache')), theirs['files'], 'objects of files_cache')
        t.note(f'{len(ours)} tasks, {len(theirs["supers"])} super blocks, {len(theirs["files"] or [])} slab objects')


@per_core(lambda core: core.scenario == 'sysrq' and core.whole(), quick=4)
def walks(t, core):
    """Tasks, frames, caches, whatis and search say what the commands say; on every kernel."""
    with opened(t, core) as p:
        tasks = list(p.tasks())
        t.equal([x.pid for x in tasks], [x['pid'] for x in t.command(core, 'ps')['tasks']], 'pids')
        for x in t.sample(tasks, 6):
            t.equal((int(x.member_('pid')), x.member_('comm').string_(), x.type_), (x.pid, x.comm, 'struct task_struct'),
                    f'task {x.pid}')
            if x.info['state'] != 'ZO':
                frames = t.command(core, f'bt {x.address_:x}')['tasks'][0]['frames']
                t.equal([(f.n, f.name, f.pc, f.sp) for f in p.stack(x)],
                        [(f['n'], f['function'], int(f['ip'], 16), int(f['sp'], 16)) for f in frames], f'stack of {x.pid}')
        objects = set(p.slab_objects('task_struct'))
        t.none([x.pid for x in tasks if x.pid and x.address_ not in objects], 'tasks that are no objects of task_struct')
        one = next(x for x in tasks if x.pid == 1)
        t.equal(p.whatis(one.address_), t.command(core, f'whatis {one.address_:x}'), 'whatis')
        t.equal(p.command('kmem -s')['caches'], p.slab_caches(), 'caches')
        hits = p.search(one.address_)
        t.ok(hits and all(int.from_bytes(p.read(h, 8), 'little') == one.address_ for h in hits), 'search')
        t.equal(int(p.page(one.address_)), int(t.command(core, f'kmem -p {one.address_:x}')['pages'][0]['page'], 16), 'page')
        t.equal(p.symbol('schedule')['address'], p['schedule'].address_, 'schedule')


@per_core(lambda core: core.name == 'sysrq', quick=1)
def objects(t, core):
    """How an object behaves in Python."""
    with opened(t, core) as p:
        init, pointer = p['init_task'], p['&init_task']
        for expression in ('init_task.comm', 'init_task.restart_block.fn', 'init_task.sched_class', 'init_task.tasks',
                           '&init_task.comm', 'init_task.cpus_mask.bits', 'init_task.policy', 'system_state',
                           'init_task.sched_reset_on_fork', 'schedule', '1', '(long)-3'):
            x = p[expression]
            t.equal(x.type_, t.command(core, f'p ({expression})')['type'], f'type of {expression}')
        t.equal((pointer.pid, pointer.deref_().address_, init.address_of_() == pointer), (0, init.address_, True), 'pointers')
        t.equal(int(pointer + 1) - init.address_, int(p.command('sizeof struct task_struct')['size']), 'pointer + 1')
        t.equal((init.comm, str(init.comm), init.comm.string_(), chr(init.comm[0])), ('swapper/0', 'swapper/0', 'swapper/0', 's'),
                'an array of characters')
        t.equal((len(init.comm), [int(c) for c in init.comm][:2], int(init.comm[-1])), (16, [115, 119], 0), 'its elements')
        t.equal(p['linux_banner'].string_(), p.string(p['linux_banner'].address_), 'a long text')
        refused(t, 'an index', lambda: init.comm[16], kind=IndexError)
        t.equal((int(p['(long)-3']), int(p['-1UL']), int(p['(signed char)-3']), bool(init.mm), p['1 | 2'] << 1, p['2 > 1']),
                (-3, 2 ** 64 - 1, -3, False, 6, 1), 'numbers')
        t.equal((hasattr(init, 'pid'), hasattr(init, 'nothing'), init['pid'] == init.pid), (True, False, True), 'members')
        futex = init.restart_block.futex
        t.equal((futex.type_, int(futex.val)), ('struct {...}', 0), 'a struct without a name')
        at = int(init.tasks.next)
        same = p[f'*container_of((struct list_head *)0x{at:x}, struct task_struct, tasks)']
        t.equal(same.tasks.address_, at, 'container_of')
        t.equal(init.tasks.next.cast_('unsigned long') == at, True, 'a cast')
        t.equal(p.object('struct task_struct', init.address_).comm, 'swapper/0', 'object()')
        t.equal([x['value'] for x in p.command('p 1; p 2')], [1, 2], 'two commands')
        refused(t, 'a symbol', lambda: p['no_such_symbol'], 'no symbol no_such_symbol')
        refused(t, 'a member', lambda: init.nothing, 'no member nothing', kind=AttributeError)
        refused(t, 'a null pointer', lambda: init.mm.pgd.pgd, 'cannot read')
        refused(t, 'memory', lambda: p.read(16, 8), 'cannot read 0x10')
        refused(t, 'a command', lambda: p.command('nonsense'), 'no such')
        mark = f'/tmp/inquest-python-{os.getpid()}'
        for text in (f'1) | touch {mark}; (1', f'1; !touch {mark}', '1\np 2', "'", ''):
            refused(t, f'the expression {text!r}', lambda text=text: p[text])
        refused(t, 'a name', lambda: p.symbol(f'x; !touch {mark}'), 'not a symbol')
        t.ok(not os.path.exists(mark), 'an expression has reached a shell')
        t.equal(int(p['7']), 7, 'after errors')
    refused(t, 'after the end', lambda: p['1'])
    refused(t, 'what is no dump', lambda: inquest.open('/etc/passwd', program=t.run.inquest), 'is not a kernel dump')
