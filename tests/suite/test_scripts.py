# SPDX-License-Identifier: GPL-2.0-or-later
"""Aliases, scripts, start files, repeat and timing: lines that stand for other lines give what those give."""
import os
import re
import tempfile

from harness import per_core


def one(core):
    return core.scenario == 'sysrq' and core.name == 'sysrq'


def run(t, core, *lines, options=(), home=None, cwd=None):
    args = [t.run.inquest, '-s', *options, *t.dump_args(core)]
    if cwd:
        args = ['env', '-C', cwd, *args]
    return t.sh(args, stdin='\n'.join(lines) + '\n', check=False, env={'HOME': home or '/nonexistent'})


@per_core(one, quick=1)
def aliases(t, core):
    def same(line, stands_for, *before):
        ours, theirs = run(t, core, *before, line), run(t, core, stands_for)
        shown = re.sub(r'^(ORIGIN|runtime) .*\n', '', ours.out, flags=re.M)
        t.equal((shown, ours.status), (theirs.out, theirs.status), f'{line} for {stands_for}')
    same('kp', 'kmem -i', 'alias kp kmem -i')
    same('top', 'ps | head -3', 'alias top "ps | head -3"')
    same('top | tail -1', 'ps | head -3 | tail -1', 'alias top "ps | head -3"')
    same('bt', 'bt -c 0', 'alias bt bt -c 0')
    same('two', 'ps | head -1', 'alias one ps', 'alias two "one | head -1"')
    same('px jiffies', 'p -x jiffies')
    same('for kernel ps', 'foreach kernel ps')
    same('print/x jiffies', 'p/x jiffies')
    same('gdb p jiffies', 'p jiffies')
    same('ptype struct list_head', 'whatis struct list_head')
    gone = run(t, core, 'alias kp kmem -i', 'alias kp ""', 'kp')
    t.ok('alias deleted: kp' in gone.out and gone.status and 'no such command' in gone.err, f'deleted: {gone.err}')
    circle = run(t, core, 'alias a b', 'alias b a', 'a')
    t.ok(circle.status == 1 and 'no such command' in circle.err, f'two that stand for each other: {circle.err}')


@per_core(one, quick=1)
def scripts(t, core):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'script')
        with open(path, 'w') as f:
            f.write('p jiffies # comment\nsym schedule; p 3')
        plain = run(t, core, 'p jiffies', 'sym schedule', 'p 3').out
        t.equal(run(t, core, f'< {path}').out, plain, '< FILE')
        t.equal(run(t, core, '', options=['-i', path]).out, plain, '-i FILE')
        with open(path, 'a') as f:
            f.write(f'\n< {path}\n')
        out = run(t, core, f'< {path}')
        t.ok(out.status == 1 and 'deep' in out.err and len(re.findall(r'\$\d+ = 3', out.out)) <= 20, f'itself: {out.err}')
        missing = run(t, core, f'< {d}/none')
        t.ok(missing.status == 1 and 'No such file' in missing.err, f'a script that is not there: {missing.err}')


@per_core(one, quick=1)
def start_files(t, core):
    """~/.inquestrc counts, and .inquestrc of this directory if it is the user's own alone."""
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryDirectory() as here:
        with open(f'{home}/.inquestrc', 'w') as f:
            f.write('alias seven p 7\n')
        with open(f'{here}/.inquestrc', 'w') as f:
            f.write('alias seven p 8\n')
        os.chmod(f'{home}/.inquestrc', 0o644)
        os.chmod(f'{here}/.inquestrc', 0o644)
        t.equal(run(t, core, 'seven', home=home, cwd='/').out, '$1 = 7\n', 'at home')
        t.equal(run(t, core, 'seven', home=home, cwd=here).out, '$1 = 8\n', 'here')
        t.ok(run(t, core, 'seven', options=['--no-rc'], home=home, cwd=here).status, '--no-rc')
        os.chmod(f'{here}/.inquestrc', 0o666)
        out = run(t, core, 'seven', home=home, cwd=here)
        t.equal(out.out, '$1 = 7\n', 'here, where others may write')
        t.ok('not run' in out.err, f'said: {out.err}')


@per_core(one, quick=1)
def repetition(t, core):
    t.equal(run(t, core, 'repeat -n 3 p 1').out, '$1 = 1\n$2 = 1\n$3 = 1\n', 'repeat -n')
    t.equal(run(t, core, 'repeat -0.01 -n 2 sym schedule | cut -c1').out, 'f\n' * 2, 'repeat with a pipe')
    for line in ('repeat p 1', 'repeat', 'repeat -n 0 p 1'):
        out = run(t, core, line)
        t.ok(out.status == 1 and out.err, f'{line}: {out.err}')
    out = run(t, core, 'set timing on', 'p 1')
    t.ok(re.search(r'^\d+\.\d+ s, \d+ MB', out.err, re.M), f'timing: {out.err}')
