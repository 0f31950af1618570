# SPDX-License-Identifier: GPL-2.0-or-later
"""The prompt, on a terminal: banner, editing, completion, history, signals and the end."""
import os
import pty
import re
import select
import signal
import tempfile
import time

from harness import Failed, per_core


class Terminal:
    def __init__(self, t, core, home, *options):
        self.t, self.text = t, ''
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(HOME=home, TERM='xterm', XDG_STATE_HOME=home, XDG_DATA_HOME=home,
                              XDG_CACHE_HOME=home,
                              XDG_CONFIG_HOME=home, COLUMNS='120', LINES='50', PAGER='cat')
            os.environ.pop('INPUTRC', None)
            os.execv(t.run.inquest, [t.run.inquest, *options, *t.dump_args(core)])
        self.limit = 60 * (5 if t.run.sanitized else 1)

    def until(self, pattern, since=0):
        """Read on until PATTERN appears behind SINCE; what was read."""
        end = time.time() + self.limit
        while not re.search(pattern, self.text[since:]):
            ready = select.select([self.fd], [], [], max(0, end - time.time()))[0]
            if not ready:
                raise Failed(f'no {pattern!r} in {self.text[since:]!r}')
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b''
            if not data:
                raise Failed(f'ended without {pattern!r}: {self.text[since:]!r}')
            self.text += data.decode(errors='replace').replace('\a', '')
        return self.text[since:]

    def type(self, keys, pattern):
        since = len(self.text)
        os.write(self.fd, keys.encode())
        return self.until(pattern, since)

    def end(self):
        """The exit status."""
        end = time.time() + self.limit
        while time.time() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode(errors='replace')
                except OSError:
                    pass
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise Failed('it does not end')


PROMPT = r'inquest> (\x1b\[[0-9;?]*[a-zA-Z])*$'


@per_core(lambda c: c.name in ('null-deref', 'demo'))
def session(t, core):
    with tempfile.TemporaryDirectory() as home:
        x = Terminal(t, core, home)
        banner = x.until(PROMPT)
        t.ok(core.truth['kernel'] in banner, f'the banner does not name the kernel: {banner!r}')
        t.ok('PANIC' in banner or core.truth['panic'] in banner, f'the banner does not say why: {banner!r}')
        got = x.type('sys -t\r', r'TAINTED_MASK[^\n]*\n(.|\n)*' + PROMPT)
        t.ok('TAINTED_MASK' in got, got)
        # A command, a symbol, a type and a member.
        for keys, want in [('whati\t', 'whatis '), ('sym linux_bann\t', 'linux_banner'), ('struct task_str\t',
                'task_struct'),
                           ('struct task_struct.nsprox\t', 'nsproxy')]:
            got = x.type(keys, re.escape(want))
            t.ok(want in re.sub(r'\x07|\x1b\[[0-9;?]*[a-zA-Z]', '', got), f'{keys!r} completes to {got!r}')
            x.type('\x15\r', PROMPT)    # ^U
        # Two ways to go on: both are listed.
        got = x.type('struct list_h\t\t', 'list_head')
        x.type('\x15\r', PROMPT)
        # The line before the last but one, by the arrow.
        x.type('p init_task.pid\r', r'\$1 = 0(.|\n)*' + PROMPT)
        t.ok('$2 = 0' in x.type('\x1b[A\r', r'= 0(.|\n)*' + PROMPT), 'arrow up')
        # An error leaves the prompt.
        t.ok('nosuch' in x.type('sym nosuch\r', r'not found(.|\n)*' + PROMPT), 'an error')
        # Ctrl-C in a line drops it, during a command it stops the command.
        x.type('this is dropped\x03', PROMPT)
        since = len(x.text)
        os.write(x.fd, b'foreach bt -f > /dev/null\r')
        time.sleep(0.1)
        os.write(x.fd, b'\x03')
        x.until(PROMPT, since)
        got = x.type('\x15p 6*7\r', r'42(.|\n)*' + PROMPT)
        os.write(x.fd, b'exit\r')
        status = x.end()
        t.ok(status in (0, 1, 130), f'status {status}')
        # Another session remembers.
        y = Terminal(t, core, home, '-s')
        y.until(PROMPT)
        got = y.type('\x1b[A\x1b[A', r'6\*7')
        y.type('\x15\r', PROMPT)
        os.write(y.fd, b'\x04')
        t.equal(y.end(), 0, 'status after ^D')


@per_core(lambda c: c.name in ('null-deref', 'demo'))
def from_a_pipe(t, core):
    """Without a terminal: no prompt, no banner of escape sequences, comments and empty lines skipped."""
    out = t.inquest('-s', *t.dump_args(core), stdin=b'# a comment\n\np 6*7\n  p 1 ; p 2\nexit\np 3\n')
    t.equal([l for l in out.out.splitlines()], ['$1 = 42', '$2 = 1', '$3 = 2'], 'output')
    t.equal(out.err, '', 'standard error')
