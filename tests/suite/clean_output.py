# SPDX-License-Identifier: GPL-2.0-or-later
"""Is what a command printed fit for a terminal, a file, JSON?  And the commands that walk everything there is."""
import json
import re
import resource
import subprocess
import time

# Controls but newline and tab, C1, and what reorders or hides text.
UNFIT = re.compile('[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]')

COMMANDS = [
    'sys', 'sys -t', 'sys -i', 'ps', 'ps -t', 'ps -s', 'bt', 'bt -a', 'bt -f', 'bt -e', 'foreach bt', 'log', 'log -d', 'mod',
    'mod -t', 'mount', 'foreach files', 'foreach vm', 'kmem -i', 'kmem -s', 'kmem -S dentry', 'kmem -v', 'kmem -f',
    'kmem -n', 'kmem -o', 'dev', 'dev -i', 'dev -d', 'irq', 'timer', 'runq', 'net', 'swap', 'mach', 'ipcs', 'sig', 'waits',
    'analyze', 'stacks', 'sweep', 'search -c swapper', 'p init_uts_ns', 'p saved_command_line', 'struct task_struct init_task',
    'list -H modules', 'whatis init_task', 'task', 'fuser /', 'set', 'leaks', 'pageflags', 'sym -m virtio_blk', 'vm -p',
    'x/8s linux_banner', 'dis -r schedule', 'rd -a linux_banner 4', 'tree -t xarray init_task',
]


def run(inquest, args, seconds, memory):
    """(status, what it printed, seconds, why it is a failure or None).  MEMORY bytes are all that it may use, SECONDS of
    work; a machine that is busy with other things may let it wait."""
    def limits():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    started = time.time()
    try:
        p = subprocess.run([inquest, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=seconds * 8, preexec_fn=limits if memory else None)
    except subprocess.TimeoutExpired as e:
        return None, e.stdout or b'', seconds, f'no end after {seconds * 8} s'
    why = None
    if p.returncode < 0 or p.returncode > 2 or b'Sanitizer' in p.stderr or b'runtime error:' in p.stderr:
        why = f'died: status {p.returncode}: {p.stderr[-800:].decode(errors="replace")}'
    return p.returncode, p.stdout + p.stderr, time.time() - started, why


def unfit(data, is_json=False):
    """What is wrong with these bytes; None: nothing."""
    try:
        text = data.decode()
    except UnicodeDecodeError as e:
        return f'not UTF-8: {data[max(0, e.start - 60):e.start + 20]!r}'
    found = UNFIT.search(text)
    if found:
        return f'unescaped: {text[max(0, found.start() - 60):found.start() + 20]!r}'
    for line in text.splitlines() if is_json else ():
        if not line.startswith('{'):
            continue
        try:
            json.loads(line)
        except ValueError as e:
            return f'no JSON ({e}): {line[:120]!r}'
    return None
