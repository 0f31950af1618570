# SPDX-License-Identifier: GPL-2.0-or-later
"""Expressions as gdb, the compiler and crash (which is gdb on the same vmlinux and dump) work them out."""
import json
import os
import re
import shutil
import tempfile

from harness import Failed, per_core
from suite import expression_maker, others


def answers(t, core, commands, dwarf=False):
    """inquest's: {"text"} or {"error"} for each; with DWARF from the vmlinux's debug information alone."""
    args = list(core.vmcores) + ([core.vmlinux, '--no-btf'] if dwarf else ['--no-vmlinux'])
    lines = ('\n'.join(commands) + '\n').encode()
    objects = t.inquest('--json', '-s', *args, stdin=lines, check=False, timeout=300).json()
    if len(objects) != len(commands):
        raise Failed(f'{len(objects)} answers to {len(commands)} commands')
    found = []
    for o in objects:
        r = o.get('result')
        # What a per-CPU variable's copies are has no text.
        found.append({'text': r['text'], 'type': r['type']} if r and 'text' in r else
                     {'error': o['error']['message'] if 'error' in o else str(r)})
    return found


def gdb(t, commands):
    """gdb's, without any program: arithmetic."""
    script = 'import gdb, json, sys\nout = []\n' \
        'for c in json.load(open(PATH)):\n' \
        '    try:\n        out.append({"text": gdb.execute(c, to_string=True).rstrip("\\n")})\n' \
        '    except gdb.error as e:\n        out.append({"error": str(e)})\n' \
        'json.dump(out, open(PATH, "w"))\n'
    with tempfile.TemporaryDirectory() as d:
        path, program = os.path.join(d, 'commands'), os.path.join(d, 'ask.py')
        with open(path, 'w') as f:
            json.dump(commands, f)
        with open(program, 'w') as f:
            f.write(script.replace('PATH', repr(path)))
        t.sh(['gdb', '-nx', '-batch', '-ex', 'set architecture i386:x86-64', '-ex', 'set language c', '-x', program])
        with open(path) as f:
            return [{'text': strip_number(a['text'])} if 'text' in a else a for a in json.load(f)]


def strip_number(text):
    """Without "$1 = " and gdb's warnings, which shifts of too many bits have."""
    return re.sub(r'^(warning: .*\n)*(\w[\w:()., ]* = )?\$\d+ = ?\s*', '', text.strip(), count=1)


def compare(t, what, commands, ours, theirs, explained=lambda c, o, e: False, limit=.01):
    """Counts; differences that EXPLAINED() proves to be theirs are at most LIMIT of all."""
    wrong, excused = [], 0
    for c, o, e in zip(commands, ours, theirs):
        if e is None:
            continue
        if 'error' in e and 'error' in o or e.get('text') is not None and e['text'] == o.get('text'):
            continue
        if explained(c, o, e):
            excused += 1
        else:
            wrong.append(f'{c}: {o.get("text") or o["error"]!r}, {what} {e.get("text") or e["error"]!r}')
    nr = sum(e is not None for e in theirs)
    shown = sum('text' in e for e in theirs if e)
    t.ok(shown > .7 * nr, f'only {shown} of {nr} have a value')
    t.none(wrong, f'expressions against {what}', nr)
    t.ok(excused <= limit * nr, f'{excused} of {nr} differences are explained: too many')
    t.note(f'{nr} expressions as {what} has them, {excused} differences explained')


def other_kernel(core):
    """Kernels from 6.2 on have an unsigned char, which gdb alone cannot know."""
    return core.kernel and re.search('-(trixie|sid)', core.kernel)


@per_core(lambda c: c.whole() and not other_kernel(c) and shutil.which('gdb'), quick=1, sanitized=False)
def arithmetic_as_gdb(t, core):
    """Literals, operators, casts and formats."""
    rng = t.rng()
    make = expression_maker.Numbers(rng, mixed=False)
    commands = [rng.choice(['p', 'p', 'p', 'p/x', 'p/d', 'p/u', 'p/o', 'p/t', 'p/c', 'p/z']) + f' ({make.number()})'
                for _ in range(20000 if t.all else 4000)]
    compare(t, 'gdb', commands, answers(t, core, commands), gdb(t, commands))


@per_core(lambda c: c.whole() and shutil.which('gcc'), quick=1, sanitized=False)
def arithmetic_as_compiler(t, core):
    """Values and sizes of expressions, and constants of enums, as the compiler has them."""
    rng = t.rng()
    enum = t.command(core, 'whatis enum pid_type')['enumerators']
    make = expression_maker.Numbers(rng, mixed=True, leaves=[e['name'] for e in enum])
    expressions = [make.number() for _ in range(6000 if t.all else 1500)]
    # What divides by zero has no value; the most negative number by -1 has one for us, but traps.
    lines = ['#include <setjmp.h>', '#include <signal.h>', '#include <stdio.h>', 'static sigjmp_buf env;',
             'static void trap(int unused) { siglongjmp(env, 1); }', 'enum pid_type {' + ', '.join(f'{e["name"]} = {e["value"]}' for e in enum) + '};',
             '#define SHOW(e) if (sigsetjmp(env, 1)) puts("trap"); else printf("%d %llu %zu\\n", '
             '(__typeof__(+(e)))-1 < 1, (unsigned long long)(e), sizeof(+(e)))']
    with tempfile.TemporaryDirectory() as d:
        ours = answers(t, core, [f'p ({e})' for e in expressions])
        sizes = answers(t, core, [f'p sizeof(+({e}))' for e in expressions])
        valid = [i for i, o in enumerate(ours) if 'error' not in o]
        refused = {o['error'] for o in ours if 'error' in o}
        t.ok(refused <= {'division by zero'}, f'refused: {refused}')
        for n in range(0, len(valid), 200):
            lines.append(f'static void f{n}(void) {{')
            lines += [f'SHOW({expressions[i]});' for i in valid[n:n + 200]]
            lines.append('}')
        lines += ['int main(void) { signal(SIGFPE, trap);'] + [f'f{n}();' for n in range(0, len(valid), 200)] + ['return 0; }']
        source = os.path.join(d, 'a.c')
        with open(source, 'w') as f:
            f.write('\n'.join(lines))
        t.sh(['gcc', '-w', '-O0', '-fwrapv', '-funsigned-char' if other_kernel(core) else '-fsigned-char', '-std=gnu11', '-o', os.path.join(d, 'a'), source])
        theirs = t.sh([os.path.join(d, 'a')]).out.splitlines()
    wrong = []
    for i, line in zip(valid, theirs):
        if line == 'trap':
            continue
        signed, number, size = (int(x) for x in line.split())
        bits = 8 * size
        number %= 1 << bits
        if signed and number >> (bits - 1):
            number -= 1 << bits
        text = ours[i]['text'].split(' ')[0]
        value = {e['name']: e['value'] for e in enum}.get(text)
        if (int(text) if value is None else value) != number or sizes[i].get('text') != str(size):
            wrong.append(f'{expressions[i]}: {ours[i]["text"]} ({ours[i]["type"]}), compiled {number}, {size} bytes')
    t.ok(len(valid) == len(theirs), f'{len(theirs)} of {len(valid)} compiled')
    t.none(wrong, 'expressions against the compiler', len(valid))
    t.note(f'{len(valid)} expressions as the compiler has them, {len(expressions) - len(valid)} divide by zero')


# ---- With types and memory

ROOTS = [('init_task', 'struct task_struct'), ('init_mm', 'struct mm_struct'), ('init_uts_ns', 'struct uts_namespace'),
         ('init_pid_ns', 'struct pid_namespace'), ('init_cred', 'struct cred'), ('root_task_group', 'struct task_group'),
         ('init_nsproxy', 'struct nsproxy'), ('init_user_ns', 'struct user_namespace'), ('init_net', 'struct net')]
STRUCTS = ['task_struct', 'mm_struct', 'signal_struct', 'sighand_struct', 'cred', 'files_struct', 'fs_struct', 'nsproxy',
           'uts_namespace', 'pid_namespace', 'user_namespace', 'task_group', 'sched_entity', 'sched_avg', 'rq', 'cfs_rq',
           'rt_rq', 'list_head', 'hlist_head', 'rb_node', 'rb_root', 'rb_root_cached', 'vm_area_struct', 'file', 'inode',
           'dentry', 'super_block', 'path', 'qstr', 'module', 'kmem_cache', 'page', 'device', 'kobject', 'net',
           'net_device', 'sk_buff', 'work_struct', 'timer_list', 'hrtimer', 'wait_queue_head', 'mutex', 'rw_semaphore',
           'thread_struct', 'load_weight', 'kernel_siginfo', 'sigpending', 'callback_head', 'seqcount_spinlock',
           'sched_class', 'file_operations', 'pt_regs', 'new_utsname', 'ns_common', 'pid', 'upid', 'task_rss_stat']
ENUMS = ['pid_type', 'zone_type', 'hrtimer_restart', 'kmalloc_cache_type', 'migrate_mode', 'node_states', 'module_state',
         'bpf_prog_type', 'tk_offsets', 'lru_list', 'print_line_t', 'memblock_flags', 'x86_hardware_subarch', 'cpuhp_state',
         'perf_event_sample_format', 'fault_flag', 'vm_fault_reason', 'dentry_d_lock_class', 'rpm_status', 'irqreturn']


NUMBER = r'(unsigned |signed )?(char|short|int|long|long long)|[us](8|16|32|64)|__[us](8|16|32|64)|pid_t|size_t|uint32_t'


def types_of(t, core):
    """Members and constants, as inquest tells them; that they are right others test."""
    structs, enums = {}, {}
    commands = [f'struct {n}' for n in STRUCTS] + [f'whatis enum {n}' for n in ENUMS]
    objects = t.inquest('--json', '-s', *core.vmcores, '--no-vmlinux', stdin='\n'.join(commands).encode(),
                        check=False).json()
    for o in objects:
        r = o.get('result') or {}
        if r.get('members'):
            structs[r['type']] = r['members']
        elif r.get('enumerators'):
            enums[r['type']] = r['enumerators']
    return structs, enums


def typed_commands(t, rng, structs, enums, total):
    make = expression_maker.Types(rng, structs, enums)
    names, enum_names = sorted(structs), sorted(enums)
    constants = sorted({e['name'] for l in enums.values() for e in l})
    small = [c for c in constants if len(c) > 3]
    numbers = expression_maker.Numbers(rng, mixed=False, leaves=[f'(long){c}' for c in small] +
                                       [f'sizeof({n})' for n in names], depth=3)
    roots = [(f'(*({n} *)&{s})', n) for s, n in ROOTS if n in structs] + [('(*(struct task_struct *)&init_task)',
                                                                            'struct task_struct')] * 4
    commands = []
    for _ in range(total):
        k, name = rng.randrange(12), rng.choice(names)
        p = rng.choice(['p', 'p', 'p', 'p', 'p/x', 'p/d', 'p/u', 'p/o', 'p/c', 'p/z'])
        if k == 0:
            base = rng.choice(['0', '0xffff888000001000', '0x1000'])
            commands.append(f'p (&(({name} *){base})->{make.path(name)[0]})')
        elif k == 1:
            commands.append(f'p (sizeof((({name} *)0)->{make.path(name)[0]}))')
        elif k == 2:
            a = 0xffff888000000000 + 8 * rng.randrange(1 << 20)
            commands.append(rng.choice([
                f'p (({name} *){a:#x} + {rng.randrange(-9, 9)})',
                f'p ((({name} *){a:#x} + {rng.randrange(9)}) - ({name} *){a:#x})',
                f'p (({name} *){a:#x} {rng.choice(["==", "<", ">=", "!="])} ({name} *){a + rng.choice([0, 8]):#x})',
                f'p (&(({name} *){a:#x})[{rng.randrange(-5, 5)}])']))
        elif k == 3 and enum_names:
            enum = rng.choice(enum_names)
            values = [e['value'] for e in enums[enum]]
            n = rng.choice([rng.choice(values), rng.choice(values) | rng.choice(values), rng.randrange(64), 0])
            commands.append(f'p (({enum})({n}))')
        elif k == 4 and constants:
            commands.append(f'p{rng.choice(["", "/d", "/x"])} ({rng.choice(constants)})')
        elif k == 5:
            commands.append(f'{p} ({numbers.number()})')
        elif k == 6:
            commands.append(rng.choice(['p (sizeof "abc")', 'p ("abc")', 'p ("abc"[1])', 'p (sizeof(int [3]))', 'p ((char *)0)',
                                        'p ((void *)16)', 'p ((int (*)(int, char *))0)', 'p ((void (**)(void))8)',
                                        'p ((char (*)[4])16)', 'p (sizeof(long [2][3]))']))
        else:
            start, type_ = rng.choice(roots)
            text, to = make.chain(start, type_, rng.randrange(3), bitfields=k > 9)
            # gdb lets pointers be compared only with pointers, and structs take part in nothing.
            if k in (7, 8) and not re.fullmatch(NUMBER, to):
                pass
            elif k == 7:
                text = f'{text} {rng.choice("+-*&|^")} {numbers.literal()}'
            elif k == 8:
                text = f'{text} {rng.choice(["==", "!=", "<", ">"])} {numbers.literal()}'
            elif k == 9:
                text = f'&{text}'
            commands.append(f'{p} ({text})')
    return commands


def plain(text):
    """Without names of addresses (others test which of several is chosen)."""
    return re.sub(r' <[^<>]*>(?! times)', lambda m: m.group(0) if 'repeats' in m.group(0) else '', text).strip()


@per_core(lambda c: c.vmlinux and c.whole() and c.format == 'kdump' and others.has_crash(c), quick=1, sanitized=False)
def typed_as_crash(t, core):
    """Members, sizes, offsets, pointers, enums, and what live objects hold."""
    rng = t.rng()
    structs, enums = types_of(t, core)
    t.ok(len(structs) > 30 and len(enums) > 8, f'{len(structs)} structs, {len(enums)} enums')
    # Before it had 64-bit enums, BTF kept the lower half of their constants (5.10).
    commands = [c for c in typed_commands(t, rng, structs, enums, 2000 if t.all else 300)
                if 'perf_event_sample_format' not in c]
    theirs = []
    for text in others.crash(t, core, commands, timeout=1500):
        if text is None or 'gdb request failed' in text or '$' not in text:
            theirs.append(None if text is None else {'error': text})
        else:
            theirs.append({'text': plain(strip_number(text))})
    ours = answers(t, core, commands)
    for o in ours:
        if 'text' in o:
            o['text'] = plain(o['text'])
    compare(t, 'crash', commands, ours, theirs)


@per_core(lambda c: c.whole() and not other_kernel(c) and shutil.which('gdb'), quick=1, sanitized=False)
def folding_as_gdb(t, core):
    """How much of arrays and strings is shown, and what is folded: gdb is given the same elements as literals."""
    def settings(elements, repeats):
        return [f'set print elements {elements}', f'set print repeats {repeats}']
    fields = ['sysname', 'nodename', 'release', 'version', 'machine', 'domainname']
    longs = t.command(core, 'p *(unsigned long (*)[40])&(*(struct task_struct *)&init_task).cpus_mask')['value']
    base = t.command(core, 'p &(*(struct uts_namespace *)&init_uts_ns).name')['value']
    words = t.command(core, f'rd -8 {base} {65 * len(fields)}')['words']
    data = bytes(int(w['value'], 16) for w in words)
    strings = [data[65 * i:65 * i + 64] for i in range(len(fields))]
    ours, theirs = [], []
    for elements in (1, 5, 11, 20, 60, 200, 'unlimited'):
        for repeats in (1, 2, 3, 10, 'unlimited'):
            ours += settings(elements, repeats)
            theirs += settings(elements, repeats)
            for f, s in zip(fields, strings):
                ours.append(f'p (*(struct uts_namespace *)&init_uts_ns).name.{f}')
                theirs.append('p "' + ''.join(f'\\{c:03o}' for c in s) + '"')
            ours.append('p *(unsigned long (*)[40])&(*(struct task_struct *)&init_task).cpus_mask')
            theirs.append('p {' + ', '.join(f'{int(str(v), 0)}ul' for v in longs) + '}')
    said, got = gdb(t, theirs), answers(t, core, ours)
    keep = [i for i, c in enumerate(theirs) if c.startswith('p ')]
    compare(t, 'gdb', [ours[i] for i in keep], [got[i] for i in keep], [said[i] for i in keep])


@per_core(lambda c: others.has_vmlinux(c) and c.format not in ('nospace', 'cut'), quick=2)
def with_dwarf(t, core):
    """The same expressions with types of DWARF alone as with those of BTF."""
    rng = t.rng()
    structs, enums = types_of(t, core)
    # Before it had 64-bit enums, BTF kept the lower half of their constants.
    enums = {n: l for n, l in enums.items()
             if not any(e['name'] == '__PERF_SAMPLE_CALLCHAIN_EARLY' and e['value'] == 0 for e in l)}
    commands = typed_commands(t, rng, structs, enums, 8000 if t.all else 2000)
    btf, dwarf = answers(t, core, commands), answers(t, core, commands, dwarf=True)
    wrong = [f'{c}: {b.get("text") or b["error"]!r}, with DWARF {d.get("text") or d["error"]!r}'
             for c, b, d in zip(commands, btf, dwarf)
             # BTF makes one dimension of several.
             if b.get('text', '').replace('}, {', ', ') != d.get('text', '').replace('}, {', ', ')]
    t.none(wrong, 'expressions by BTF and by DWARF', len(commands))
    t.note(f'{len(commands)} expressions, {sum("text" in b for b in btf)} with a value')


@per_core(lambda c: c.whole(), quick=2)
def wherever_addresses_are(t, core):
    """Each command does with an expression what it does with its value."""
    task = int(t.command(core, 'p &init_task')['value'], 16)
    pgd = int(t.command(core, 'p init_mm.pgd')['value'], 16)
    values = {'(&init_task)': task, '( init_task.tasks.prev == 0 ? 0 : & init_task )': task, '&init_task': task,
              '(init_mm . pgd)': pgd, '(1 ? init_mm.pgd : 0)': pgd, "'init_mm.pgd + 0'": pgd}
    for command in ('rd {} 4', 'vtop {}', 'struct list_head {}', 'dis {} 1', 'sym {}', 'kmem {}', 'whatis {}', 'x/4xg {}'):
        for text, value in values.items():
            if command.startswith(('whatis', 'x/')) and (text[0] in "'&"):
                continue    # a type or variable; an expression that needs no quotes
            got, plain = (t.commands(core, command.format(w), check=False)[0] for w in (text, f'{value:#x}'))
            t.equal(got.get('result', got.get('error')), plain.get('result', plain.get('error')), command.format(text))
    for command in ('bt {}', 'set {}', 'ps {}'):
        t.equal(t.command(core, command.format('(&init_task)')), t.command(core, command.format(f'{task:x}')), command)


@per_core(lambda c: c.whole() and c.scenario in ('null-deref', 'irq-bug', 'nmi'), quick=2)
def names_of_the_user(t, core):
    """Variables, the history, registers and their parts."""
    commands = ['p $a = 6', 'p $a * 7', 'p $', 'p $$2', 'p $2 + $1', 'p $a <<= 2', 'p $a', 'p $s = "ab" "c"', 'p sizeof $s',
                'p $s[1]', 'p $nothing', 'p $99', 'p 1 = 2']
    texts = [a.get('text', 'error') for a in answers(t, core, commands)]
    t.equal(texts[:12], ['6', '42', '42', '6', '48', '24', '24', '"abc"', '4', "98 'b'", 'error', 'error'], 'variables')
    t.equal(texts[12], 'error', 'assignment to a number')
    after = t.commands(core, 'x/2xg &init_task; p $_ - (long)&init_task; p $__')
    t.equal(after[1]['result']['text'], '0x8', '$_')
    t.equal(int(after[2]['result']['text']) % (1 << 64), int(after[0]['result']['values'][1]['value'], 16), '$__')
    registers = [f'p $r{x}x' for x in 'abcd'] + [f'p $e{x}x' for x in 'abcd'] + [f'p/d ${x}x' for x in 'abcd'] + \
        [f'p/d ${x}l' for x in 'abcd'] + [f'p/d ${x}h' for x in 'abcd'] + ['p $r9', 'p $r9d']
    got = answers(t, core, registers)
    if all('text' in g for g in got):
        n = [int(g['text'].split()[0], 0) for g in got]

        def part(value, shift, bits):
            value = value >> shift & ((1 << bits) - 1)
            return value - (1 << bits) if value >> (bits - 1) else value
        for i in range(4):
            t.equal([n[i + 4], n[i + 8], n[i + 12], n[i + 16]],
                    [part(n[i], 0, 32), part(n[i], 0, 16), part(n[i], 0, 8), part(n[i], 8, 8)], registers[i])
        t.equal(n[21], part(n[20], 0, 32), '$r9d')
    else:
        t.ok(all('not known' in g.get('error', 'not known') or 'no registers' in g['error'] for g in got), str(got))
