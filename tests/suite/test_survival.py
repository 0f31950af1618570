# SPDX-License-Identifier: GPL-2.0-or-later
"""The session survives: what is interrupted, refused, out of memory, or killed leaves it whole.

And the sandbox as it is seen from outside; tests/unit/cli_sandbox.c tries it from within.
"""
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import termios
import time

from harness import Failed, per_core
from suite.test_prompt import PROMPT, Terminal

PLAIN = ('null-deref', 'null-deref-trixie', 'null-deref-bullseye', 'demo')

# What ends by itself soon, and shows the same each time.
COMMANDS = '''bt|bt -a|bt -f|bt -l|ps|ps -t|ps -s|kmem -i|kmem -s|kmem -p 1000|kmem -v|mod|mod -t|log|log -T|sys -t
    files|vm|vm -p|foreach bt|foreach files|foreach vm|struct task_struct|struct -o list_head|whatis list_head
    dis panic|dis -r schedule|sym -l|sym panic|rd jiffies|eval 5|task|mount|runq|timer|irq|set|search -t dead4ead
    waits|list task_struct.tasks -H init_task.tasks'''


def commands():
    return [c.strip() for c in re.split(r'[|\n]', COMMANDS) if c.strip()]


def worker_of(pid):
    """The process that reads the dump; None: there is no such child."""
    with open(f'/proc/{pid}/task/{pid}/children') as f:
        children = f.read().split()
    return int(children[0]) if children else None


def status_of(pid):
    with open(f'/proc/{pid}/status') as f:
        return dict(l.rstrip('\n').split(':\t', 1) for l in f if ':\t' in l)


@per_core(lambda c: c.name in PLAIN, quick=1)
def sandboxed(t, core):
    """The process that reads the dump has its filter, no privileges to gain, and no files but what it needs."""
    with tempfile.TemporaryDirectory() as home:
        x = Terminal(t, core, home, '-s')
        x.until(PROMPT)
        worker = worker_of(x.pid)
        status = status_of(worker)
        t.equal((status['Seccomp'], status['NoNewPrivs']), ('2', '1'), 'the worker')
        t.equal(status_of(x.pid)['Seccomp'], '0', 'the front')
        files = {fd: os.readlink(f'/proc/{worker}/fd/{fd}') for fd in os.listdir(f'/proc/{worker}/fd')}
        t.equal(files['0'], '/dev/null', 'standard input of the worker')
        t.ok(any(os.path.samefile(f, core.vmcore) for f in files.values() if os.path.exists(f)), f'the dump: {files}')
        with open(f'/proc/{worker}/fdinfo/1') as f:
            flags = int(re.search(r'flags:\s*(\d+)', f.read())[1], 8)
        t.equal(flags & os.O_ACCMODE, os.O_WRONLY, 'the terminal is to be written only')
        front = [os.readlink(f'/proc/{x.pid}/fd/{fd}') for fd in os.listdir(f'/proc/{x.pid}/fd')]
        t.ok(core.vmcore not in front, f'the front has the dump open: {front}')
        os.write(x.fd, b'\x04')
        t.equal(x.end(), 0, 'status')
        y = Terminal(t, core, home, '-s', '--no-sandbox')
        y.until(PROMPT)
        t.equal((worker_of(y.pid), status_of(y.pid)['Seccomp']), (None, '0'), '--no-sandbox')
        os.write(y.fd, b'\x04')
        y.end()


@per_core(lambda c: c.name in PLAIN, quick=1)
def worker_killed(t, core):
    """Who reads the dump dies: it is said, and the prompt goes on with another one."""
    with tempfile.TemporaryDirectory() as home:
        x = Terminal(t, core, home, '-s')
        x.until(PROMPT)
        before = worker_of(x.pid)
        os.kill(before, signal.SIGKILL)
        got = x.type('bt\r', r'opens the dump again(.|\n)*' + PROMPT)
        t.ok('signal 9' in got, got)
        t.ok(worker_of(x.pid) not in (None, before), 'no other worker')
        t.ok('PID:' in x.type('bt\r', r'#0 (.|\n)*' + PROMPT), 'bt')
        os.write(x.fd, b'\x04')
        x.end()
    # Without a prompt the program ends the same way.
    p = subprocess.Popen([t.run.inquest, '-s', *t.dump_args(core)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    p.stdin.write(b'p 6*7\n')
    p.stdin.flush()
    t.ok(p.stdout.readline().endswith(b' = 42\n'), 'an answer')
    os.kill(worker_of(p.pid), signal.SIGKILL)
    out, err = p.communicate(b'p 1\n', timeout=60)
    t.equal((out, p.returncode), (b'', -9), f'the end: {err!r}')


@per_core(lambda c: c.name in ('big', 'demo'), quick=1, sanitized=False)
def interrupted(t, core):
    """Ctrl-C at any moment, once or twice: afterwards each command says what it says in a session of its own."""
    rng = t.rng()
    with tempfile.TemporaryDirectory() as home:
        lines = t.sample(commands(), 30)
        x = Terminal(t, core, home, '-s')
        x.until(PROMPT)
        for line in lines:
            since = len(x.text)
            os.write(x.fd, f'{line} > {home}/cut\r'.encode())
            for _ in range(rng.choice((1, 2))):
                time.sleep(rng.random() ** 2 * 0.4)
                os.write(x.fd, b'\x03')
            x.type('\x15p 6*7\r', r'= 42(.|\n)*' + PROMPT)
            t.ok('signal' not in x.text[since:], f'{line}: {x.text[since:]!r}')
        differ = []
        for i, line in enumerate(lines):
            x.type(f'{line} > {home}/{i}; p 6*7\r', r'= 42(.|\n)*' + PROMPT)
        os.write(x.fd, b'\x04')
        x.end()
        script = ''.join(f'{line} > {home}/fresh{i}\n' for i, line in enumerate(lines))
        t.inquest('-s', *t.dump_args(core), stdin=script.encode(), check=False, timeout=300)
        for i, line in enumerate(lines):
            with open(f'{home}/{i}', 'rb') as a, open(f'{home}/fresh{i}', 'rb') as b:
                if a.read() != b.read():
                    differ.append(line)
        t.none(differ, 'answers after the interruptions', len(lines))


def modes(fd):
    """Does the terminal echo, and wait for whole lines, as a shell wants it?"""
    local = termios.tcgetattr(fd)[3]
    return bool(local & termios.ECHO), bool(local & termios.ICANON)


@per_core(lambda c: c.name in PLAIN, quick=1)
def signals(t, core):
    with tempfile.TemporaryDirectory() as home:
        x = Terminal(t, core, home, '-s')
        x.until(PROMPT)
        for sig in (signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP, signal.SIGCONT, signal.SIGPIPE):
            os.kill(x.pid, sig)
            time.sleep(0.05)
        t.ok('= 42' in x.type('p 6*7\r', r'= 42(.|\n)*' + PROMPT), 'after signals')
        worker = worker_of(x.pid)
        os.kill(x.pid, signal.SIGTERM)
        t.equal(os.waitstatus_to_exitcode(os.waitpid(x.pid, 0)[1]), -signal.SIGTERM, 'SIGTERM')
        t.equal(modes(x.fd), (True, True), 'the terminal after SIGTERM')
        os.close(x.fd)
        for _ in range(100):
            if not os.path.exists(f'/proc/{worker}') or status_of(worker)['State'].startswith('Z'):
                break
            time.sleep(0.1)
        else:
            t.fail('the worker lives on')
        with open(f'{home}/inquest_history') as f:
            t.equal(f.read(), 'p 6*7\n', 'the history')


@per_core(lambda c: c.name in PLAIN, quick=1)
def stopped(t, core):
    """Ctrl-Z and fg, below a shell with job control."""
    if not shutil.which('bash'):
        return t.note('skipped: no bash')
    with tempfile.TemporaryDirectory() as home:
        x = Terminal.__new__(Terminal)
        x.t, x.text, x.limit = t, '', 60 * (5 if t.run.sanitized else 1)
        x.pid, x.fd = pty.fork()
        if x.pid == 0:
            os.environ.update(HOME=home, TERM='xterm', PS1='sh> ', XDG_CACHE_HOME=home, XDG_STATE_HOME=home)
            os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
        x.until('sh> ')
        x.type(' '.join([t.run.inquest, '-s', *t.dump_args(core)]) + '\r', PROMPT)
        os.write(x.fd, b'p 6')
        x.until('p 6')
        since = len(x.text)
        os.write(x.fd, b'\x1a')
        x.until(r'Stopped(.|\n)*sh> ', since)
        got = x.type('fg\r', PROMPT.replace('$', 'p 6'))
        got = x.type('*7\r', r'= 42(.|\n)*' + PROMPT)
        t.ok('= 42' in got, got)
        os.write(x.fd, b'\x04')
        x.type('exit\r', r'exit')
        os.close(x.fd)
        os.waitpid(x.pid, 0)


@per_core(lambda c: c.name in PLAIN, quick=1)
def nobody_reads(t, core):
    """A full disk is said; a reader that goes away is no error; a command behind it runs."""
    out = t.inquest('-s', *t.dump_args(core), '-c', 'sys > /dev/full; ps | head -1; foreach bt | true; p 6*7',
                    check=False)
    t.ok('cannot write /dev/full: No space left on device' in out.err, out.err)
    t.ok(out.out.startswith(' ') and out.out.endswith(' = 42\n'), out.out)
    t.equal(out.err.count('\n'), 1, f'lines of errors: {out.err!r}')
    with open('/dev/full', 'w') as full:
        p = subprocess.run([t.run.inquest, '-s', *t.dump_args(core), '-c', 'ps'], stdout=full, stderr=subprocess.PIPE,
                           timeout=300)
    t.ok(p.returncode == 1 and b'No space left on device' in p.stderr, f'{p.returncode} {p.stderr!r}')


# ---- Out of memory ------------------------------------------------------------------------------

def check_end(t, what, p):
    """A sentence, and the session went on, or it was not opened."""
    err = p.stderr.decode(errors='replace')
    t.ok(0 <= p.returncode <= 2, f'{what}: status {p.returncode}: {err[-400:]}')
    t.ok(not p.returncode or err, f'{what}: status {p.returncode} without a word')
    t.ok(p.returncode == 2 or p.stdout.endswith(b' = 42\n') or 'inquest: p: ' in err or err.endswith('inquest: out of memory\n'),
         f'{what}: no end: {p.stdout[-200:]!r} {err[-400:]}')


@per_core(lambda c: c.name in PLAIN, quick=1, sanitized=False)
def little_memory(t, core):
    """Below a limit of address space each command ends with an answer or a sentence."""
    script = '\n'.join(['bt', 'kmem -s', 'foreach bt', 'analyze', 'struct task_struct', 'p 6*7']).encode() + b'\n'
    refused = 0
    for mb in (8, 12, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256):
        limit = mb << 20
        p = subprocess.run([t.run.inquest, '-s', *t.dump_args(core)], input=script, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, timeout=300,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
        # What cannot be started by the system's loader never was ours.
        if p.returncode == 127 and b'error while loading shared libraries' in p.stderr:
            continue
        refused += p.returncode != 0
        check_end(t, f'{mb} MB', p)
    t.note(f'{refused} of 18 limits were felt')


FAILING = r'''
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static long at, many, count;
static pid_t first;
__attribute__((constructor)) static void start(void)
{
	first = getpid();
	at = atol(getenv("FAIL_AT"));
	many = atol(getenv("FAIL_MANY"));
}
static int fails(void)
{
	long n;
	if (getpid() == first)
		return 0;
	n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
	if (n < at || n >= at + many)
		return 0;
	errno = ENOMEM;
	return 1;
}
void *malloc(size_t n) { return fails() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return fails() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t n) { return fails() ? NULL : __libc_realloc(p, n); }
'''


@per_core(lambda c: c.name in PLAIN, quick=1, sanitized=False)
def failing_allocations(t, core):
    """The Nth allocation of the worker fails, and one to some hundred behind it."""
    if not shutil.which('cc') or os.uname().machine != 'x86_64':
        return t.note('skipped: no cc, or no x86-64')
    rng = t.rng()
    runs = 1500 if t.all else 40
    with tempfile.TemporaryDirectory() as home:
        with open(f'{home}/fail.c', 'w') as f:
            f.write(FAILING)
        t.sh(['cc', '-O1', '-shared', '-fPIC', '-o', f'{home}/fail.so', f'{home}/fail.c'])
        for _ in range(runs):
            at, many = int(10 ** rng.uniform(0, 5)), rng.choice((1, 1, 1, 3, 20, 300))
            script = rng.sample(commands(), 3) + ['p 6*7']
            env = dict(os.environ, LD_PRELOAD=f'{home}/fail.so', FAIL_AT=str(at), FAIL_MANY=str(many))
            p = subprocess.run([t.run.inquest, '-s', '--no-rc', *t.dump_args(core)],
                               input='\n'.join(script).encode() + b'\n', stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=300, env=env)
            check_end(t, f'{many} from {at} on, {script[:3]}', p)
        t.note(f'{runs} runs')
