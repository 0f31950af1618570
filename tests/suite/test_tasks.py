# SPDX-License-Identifier: GPL-2.0-or-later
"""ps, task, set, foreach, sig, files, fuser, vm and ipcs: as the newest crash has them, and as the guest's
own /proc had it right before the crash.

Not as crash has it, for each of these the kernel says so itself:
- RUN TIME of ps -t: crash takes whole seconds from whole seconds; 8.3 s are 00:00:09 there (here 00:00:08).
- A zombie's STATE is EXIT_ZOMBIE; crash reads its 0x20 as EXIT_DEAD|EXIT_ZOMBIE ("set 119"; /proc says Z).
- Idle tasks are counted, "(2 of 2)"; for crash each of them is "(1 of 2)".
- Pipes, sockets and anonymous files have the names of /proc/PID/fd ("pipe:[1157]"), which crash leaves out; of
  files without a directory the path begins with "/", as /proc/PID/maps has it ("/SYSV1ab00001").
- fuser cuts no names ("rcu_tasks_kthre", without its last letter and quote in crash).
- %MEM is of the memory that there is; crash counts holes (2.0 and 2.1 on 320 MB).
- vm -f: bit 27 is SOFTDIRTY since 4.2, not CAN_NONLINEAR.
- Of several commands of one foreach crash runs the first.
- The idle task is no child of itself; in crash's ps -c it is.
- Of a block device files -c shows the address space that holds its pages (f_mapping), in crash the empty one of
  the node in /dev.
- gdb 16 in crash 9 and gdb 13's way to write "\\0" followed by a digit differ.
"""
import re
import struct
import tempfile

from harness import per_core
from suite import others, patched_kdump

# {child}: pid of a process of the lab's `workers` that has threads, or of init where there is none.
COMMANDS = """
ps|ps -k|ps -u|ps -s|ps -S|ps -A|ps -H 1|ps -G|ps -p 2|ps -c 1|ps -c 0|ps -c|ps -g|ps -g {child}|ps -l|ps -m
last|ps -m -C 0|ps -l -C a|ps 2 1|ps -p 2 1|ps init|ps 'k.*'|ps -a|ps -a 1 2|ps -a -u|ps -G -a|ps -r|ps -r 1
ps -y 1|ps -y RR,fifo|ps -y NORMAL -u|ps -A -s|ps -g -k|ps -k -l
sig 1|sig 2|sig -g {child}|sig -l|sig -s 800A000000000201|sig -s 0|sig 1 2
ipcs|ipcs -s|ipcs -m|ipcs -q|ipcs -M|ipcs -M 0|ipcs -n 1|ipcs -s -q
fuser /|fuser /dev/null|fuser /dev/console|fuser /bin/busybox|fuser /nosuch
files|files 1|files -c 1|files -R console 1|foreach files|foreach files -c|foreach files -R console
vm|vm 1|vm 2|vm -p 1|vm -m 1|vm -m -x 1|vm -v 1|vm -v -d 1|vm -f 75|vm -f 100173|vm -f 0|vm -R busybox 1|vm -R 400000 1
foreach vm|foreach user vm -R busybox
task -R pid,tgid,prio 1 2|task pid|task -R se.on_rq|task -R flags,cpu -x|task -d -R flags|foreach user task -R pid
set|set 1|set -p|set -c 0|set -c 1|set 2|set radix|set radix 16|set radix 10|set print_max|set print_max 10
set print_max 256|set null-stop|set hash|set scope|set redzone|set error|set debug|set refresh|set zero_excluded|set gdb
set print_array|foreach set|foreach active set|foreach kernel set|foreach 1 2 set
foreach user ps|foreach gleader ps|foreach active ps|foreach kernel ps -s|foreach ID ps|foreach 1 2 ps -r|foreach 1 ps -a
foreach 2 ps -p|foreach 1 ps -c|foreach active ps -l|foreach user ps -G|foreach init sig -g|foreach 1 sig
set 1|rd -u 400000 4|vtop -u 400000|rd -u 401000 64
"""


def plain(text, program):
    """The lines without what the head of this file explains."""
    lines = []
    for line in text.splitlines():
        line = ' '.join(line.split())
        line = re.sub(r'\((\d+) of (\d+)\)', r'(n of \2)', line)
        line = line.replace('EXIT_DEAD|EXIT_ZOMBIE', 'EXIT_ZOMBIE')
        line = re.sub(r'^(>? ?\d+ \d+ \d+ \w{16} \w\w) \d+\.\d ', r'\1 % ', line)
        line = re.sub(r'^(>? ?\d+ \d+ \d+ -- \w\w) \d+\.\d ', r'\1 % ', line)
        line = re.sub(r'^(\d+ \w{16} \w{16} \w{16}|\d+ \w{16} \w{16} \d+) (FIFO|SOCK)\b.*', r'\1 \2', line)
        line = re.sub(r'^(\d+ \w{16}) \w{16} \d+ BLK', r'\1 BLK', line)
        line = re.sub(r' UNKN (anon_inode:)?\[', ' UNKN [', line)
        line = re.sub(r'(?<= )/?(SYSV\w{8}|memfd:|anon_hugepage)', r'\1', line)
        line = re.sub(r'^(\d+ \w{16}) "([^"]{1,14})[^" ]*"?( .*)$', r'\1 "\2\3', line)
        line = re.sub(r'(?<=: \[ )| (?=\d+\] \[\w\w\])', '', line)
        # Of a long array of characters the two gdbs do not write the same.
        line = re.sub(r'^(\w+) = ".*"(\.\.\.)?,?$', r'\1 = "', line)
        if line:
            lines.append(line)
    return lines


def with_workers(core):
    return bool(core.proc and core.vmlinux and core.whole() and core.format == 'zlib' and others.has_rivals() and
                not (core.kernel or '').endswith('-sid'))


def crash9(t, core, commands):
    mark = 'MARK-%d-OF-TESTS'
    lines = ['set scroll off', 'set radix 10']
    for i, c in enumerate(commands):
        lines += [f'!echo {mark % i}', c]
    script = '\n'.join([*lines, f'!echo {mark % len(commands)}', ''])

    def cut(out):
        return {c: m.group(1) for i, c in enumerate(commands)
                if (m := re.search(f'{mark % i}\n(.*?){mark % (i + 1)}\n', out, re.S))}
    theirs = t.sh([others.RIVALS, 'run', 'crash', '-s', core.vmlinux, core.vmcore], stdin=script + 'q\n',
                  check=False, timeout=600, env={'LANG': 'C', 'LC_ALL': 'C'}).out
    ours = t.inquest('-s', *t.dump_args(core, True), stdin=script.encode(), check=False, timeout=300).out
    return cut(theirs), cut(ours)


@per_core(with_workers, quick=1, sanitized=False)
def tasks_as_crash(t, core):
    """Every option of each command, line by line after blanks are folded."""
    tasks = t.command(core, 'ps')['tasks']
    child = next((x['pid'] for x in tasks if x['pid'] != x['tgid']), 1)
    commands = list(dict.fromkeys(c.format(child=child) for c in re.split(r'[|\n](?!fifo)', COMMANDS) if c))
    theirs, ours = crash9(t, core, commands)
    wrong, lines = [], 0
    for c in commands:
        if c not in theirs or c not in ours:
            wrong.append(f'{c}: no answer of {"crash" if c not in theirs else "ours"}')
            continue
        a, b = plain(theirs[c], 'crash'), plain(ours[c], 'ours')
        if c.startswith('ps -c'):
            a, b = ([x for x in l if not x.startswith('PID: 0 ')] for l in (a, b))
        lines += len(a)
        # What starts with "fuser:" and so on is an error: each has its own words.
        if a and re.match(r'(\w+|crash|gdb): ', a[0]) and not a[0].startswith(('PID', 'SIG')) and not b:
            continue
        # Of the CPU whose task is the context already crash says nothing.
        if not a and c.startswith('set -c'):
            continue
        # Both say that it is not there.
        if not b and re.search(r'\(not (accessible|mapped)\)', theirs[c]):
            continue
        if a != b:
            first = next(((x, y) for x, y in zip(a, b) if x != y), (a[len(b):][:1], b[len(a):][:1]))
            wrong.append(f'{c}: {len(a)} lines of crash, {len(b)} ours: crash {first[0]!r}, ours {first[1]!r}')
    t.none(wrong, 'commands', len(commands))
    t.note(f'{len(commands)} commands, {lines} lines')


def is_worker_core(core):
    return bool(core.proc and core.whole())


def same_pids(t, core, known):
    return [p for p in others.proc_pids(core) if p in known and known[p]['comm'] not in ('saveproc',)]


@per_core(is_worker_core)
def words_as_proc(t, core):
    """Arguments, environment and start of every process (ps -a, ps -t), from the dump alone."""
    known = {x['pid']: x for x in t.command(core, 'ps -a')['tasks']}
    times = {x['pid']: x for x in t.command(core, 'ps -t')['tasks']}
    words = started = 0
    for pid in same_pids(t, core, known):
        mine, who = known[pid], f'pid {pid} ({known[pid]["comm"]})'
        for name, key in (('cmdline', 'arguments'), ('environ', 'environment')):
            theirs = others.proc(core, f'proc/{pid}/{name}')
            if not theirs or key not in mine:   # a kernel thread, or its memory was filtered out
                continue
            words += t.equal(mine[key], theirs.rstrip('\0').split('\0'), f'{who}: {name}')
        stat = others.proc(core, f'proc/{pid}/stat')
        if stat and pid in times:
            ticks = int(stat.rsplit(') ', 1)[1].split()[19])
            started += t.equal(times[pid]['start_ns'] // 10**7, ticks, f'{who}: start')
    t.ok(started > 20, f'only {started} start times')
    t.ok(words > 20 or core.format != 'zlib', f'only {words} lists of words')
    t.note(f'{words} lists of words, {started} start times')


@per_core(is_worker_core)
def signals_as_proc(t, core):
    """Blocked, ignored, caught and pending signals of every process."""
    compared, seen = 0, {}
    for x in t.command(core, 'foreach sig')['tasks']:
        seen[x['pid']] = x
    for pid in same_pids(t, core, seen):
        status = others.proc(core, f'proc/{pid}/status')
        if not status or seen[pid]['active']:
            continue
        want = {k: int(v, 16) for k, v in re.findall(r'^(Sig\w\w\w|ShdPnd):\t([0-9a-f]{16})$', status, re.M)}
        actions = seen[pid]['actions']

        def bits(handlers):
            return sum(1 << a['signal'] - 1 for a in actions if handlers(a['handler']))

        def of_names(names):
            return sum(1 << a['signal'] - 1 for a in actions if a['name'] in names)
        got = {'SigIgn': bits(lambda h: h == 'SIG_IGN'), 'SigCgt': bits(lambda h: h.startswith('0x')),
               'SigBlk': of_names(seen[pid]['blocked']), 'SigPnd': of_names(seen[pid]['private_pending']),
               'ShdPnd': of_names(seen[pid]['shared_pending'])}
        if actions:
            t.equal(got, want, f'pid {pid} ({seen[pid]["comm"]})')
            compared += 1
    t.ok(compared > 20, f'only {compared} compared')
    t.note(f'{compared} tasks')


@per_core(is_worker_core)
def ipcs_as_proc(t, core):
    ours = t.command(core, 'ipcs -M -s -q')
    columns = {'shared_memory': ('shm', ['key', 'shmid', 'perms', 'size', 'nattch', 'uid', 'rss', 'swap'],
                                 lambda x: [x['key'], x['id'], int(f'{x["mode"]:o}'), x['bytes'], x['attached'], x['uid'],
                                            x['resident'] * 4096, x['swapped'] * 4096]),
               'semaphores': ('sem', ['key', 'semid', 'perms', 'nsems', 'uid'],
                              lambda x: [x['key'], x['id'], int(f'{x["mode"]:o}'), x['semaphores'], x['uid']]),
               'message_queues': ('msg', ['key', 'msqid', 'perms', 'cbytes', 'qnum', 'uid'],
                                  lambda x: [x['key'], x['id'], int(f'{x["mode"]:o}'), x['bytes'], x['messages'], x['uid']])}
    for key, (name, wanted, of) in columns.items():
        text = others.proc(core, f'proc/sysvipc/{name}')
        if text is None:
            continue
        head, *rows = [l.split() for l in text.splitlines()]
        theirs = [[int(dict(zip(head, r))[c]) for c in wanted] for r in rows]
        t.equal([of(x) for x in ours[key]], theirs, name)
        t.ok(theirs, f'{name}: there are none to compare')


@per_core(is_worker_core, quick=2)
def limits_and_users(t, core):
    """Limits, policies and users of files."""
    tasks = {x['pid']: x for x in t.command(core, 'ps -r')['tasks']}
    names = {'Max cpu time': 'CPU', 'Max file size': 'FSIZE', 'Max stack size': 'STACK', 'Max core file size': 'CORE',
             'Max processes': 'NPROC', 'Max open files': 'NOFILE', 'Max locked memory': 'MEMLOCK',
             'Max msgqueue size': 'MSGQUEUE', 'Max pending signals': 'SIGPENDING', 'Max nice priority': 'NICE'}
    compared = 0
    for pid in same_pids(t, core, tasks):
        text = others.proc(core, f'proc/{pid}/limits')
        for line in (text or '').splitlines()[1:]:
            m = re.match(r'(.*?)  +(\S+) +(\S+)', line)
            if m and m.group(1) in names and 'limits' in tasks[pid]:
                want = [None if w == 'unlimited' else int(w) for w in m.groups()[1:]]
                compared += t.equal(tasks[pid]['limits'][names[m.group(1)]], want, f'pid {pid}: {m.group(1)}')
    realtime = {x['comm'] for x in t.command(core, 'ps -y FIFO,RR')['tasks']}
    t.ok(any(c.startswith('migration/') for c in realtime), f'no migration thread among {realtime}')
    stats = {p: others.proc(core, f'proc/{p}/stat') for p in same_pids(t, core, tasks)}
    want = {tasks[p]['comm'] for p, s in stats.items() if s and s.rsplit(') ', 1)[1].split()[38] in '12'}
    t.ok(want <= realtime, f'real-time tasks: {want - realtime} are missing')
    users = {x['pid'] for x in t.command(core, 'fuser /dev/console')['tasks'] if 'fd' in x['use']}
    links = {p: others.proc(core, f'proc/{p}/fd') or '' for p in same_pids(t, core, tasks)}
    want = {p for p, text in links.items() if re.search(r'/dev/console$', text, re.M)}
    t.ok(want <= users, f'users of /dev/console: {want - users} are missing')
    t.note(f'{compared} limits, {len(realtime)} real-time tasks, {len(want)} users')


@per_core(lambda c: c.proc and c.whole() and c.format == 'zlib', quick=1)
def damaged_structures(t, core):
    """Pointers on the way to each thing are made wild, null or a loop: the rest is shown, and nothing hangs."""
    rng = t.rng()
    fields = ['task_struct.signal', 'task_struct.sighand', 'task_struct.mm', 'task_struct.files', 'task_struct.fs',
              'task_struct.nsproxy', 'task_struct.pending.list.next', 'task_struct.thread_pid']
    task = next(x for x in t.command(core, 'ps -u')['tasks'] if x['pid'] > 1 and x['state'] == 'IN')
    lines = [f'p &((struct task_struct *){task["task"]})->{f.split(".", 1)[1]}' for f in fields]
    outer = t.command(core, 'ps -u')['tasks']
    places = [re.search(r'0x[0-9a-f]+', o.out) for o in
              [t.inquest('-s', *t.dump_args(core), '-c', l) for l in lines]]
    physical = {}
    for f, m in zip(fields, places):
        address = m.group(0)
        out = t.inquest('-s', *t.dump_args(core), '-c', f'vtop {address}').out
        physical[f] = int(out.splitlines()[1].split()[1], 16)
    commands = 'ps -a; ps -r; ps -t; foreach user sig; foreach user files; foreach user vm; fuser /dev/null; ipcs -n ' \
               f'{task["pid"]}; task -R comm {task["pid"]}; sig -g {task["pid"]}; vm -p {task["pid"]}'
    with tempfile.TemporaryDirectory() as folder:
        dump = patched_kdump.PatchedKdump(core, folder)
        for f, at in physical.items():
            before = dump.read(at)
            flipped = struct.unpack('<Q', before)[0] ^ 1 << rng.randrange(3, 40)
            for value in (0, 0x4141414141414141, flipped):
                dump.write(at, struct.pack('<Q', value))
                out = t.inquest('--json', '--no-vmlinux', dump.path, '-c', commands, check=False)
                objects = out.json()
                t.ok(len(objects) == len(commands.split(';')), f'{f} = {value:#x}: {len(objects)} answers')
                listed = (objects[0].get('result') or {}).get('tasks', [])
                t.ok(len(listed) >= len(outer), f'{f} = {value:#x}: {len(listed)} tasks listed')
                dump.write(at, before)
    t.note(f'{3 * len(physical)} damages of {len(fields)} pointers')


@per_core(lambda c: c.proc and c.whole() and c.format == 'zlib', quick=1)
def words_that_are_wrong(t, core):
    """Unknown options are named with the valid ones, and what contradicts itself is refused."""
    wrong = {'ps -Z': '-Z', 'ps -k -u': 'choose', 'ps -y nosuch': 'nosuch', 'ps -C 0': '-C', 'ps -t -a': 'one of',
             'sig -q': '-q', 'sig -s xyz': 'xyz', 'ipcs -z': '-z', 'ipcs 4711': '4711', 'fuser': 'path', 'fuser a b': 'path',
             'task -R nosuch': 'nosuch', 'task -x -d': 'choose', 'set debug many': 'many', 'set hash maybe': 'maybe',
             'set namelist x': 'cannot be set', 'files -d': '-d', 'files -d 1 1': 'no task', 'vm -q': '-q', 'foreach': 'command',
             'foreach XX bt': 'XX', 'foreach user kernel bt': 'both', 'foreach files -p': '-p', 'foreach user log': 'same'}
    for command, word in wrong.items():
        out = t.inquest('-s', *t.dump_args(core), '-c', command, check=False)
        t.ok(out.status == 1 and word in out.err, f'{command}: status {out.status}, {out.err[:200]!r}')
        t.ok(len(out.err.splitlines()) <= 4, f'{command}: {len(out.err.splitlines())} lines of errors')
