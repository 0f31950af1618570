# SPDX-License-Identifier: GPL-2.0-or-later
"""Plug-ins: the example counts and lists what the program itself does, bad ones are refused, the sandbox holds them."""
import collections
import os
import subprocess
import tempfile

from harness import per_core

HERE = os.path.dirname(os.path.abspath(__file__))
INCLUDE = os.path.join(HERE, '../../include')


def one(core):
    return core.scenario == 'sysrq'


def example(t):
    return os.path.join(os.path.dirname(os.path.abspath(t.run.inquest)), 'examples/plugin/counts.so')


def compiled(directory, name, text):
    source, so = os.path.join(directory, f'{name}.c'), os.path.join(directory, f'{name}.so')
    with open(source, 'w') as f:
        f.write('#include <inquest/plugin.h>\n' + text)
    subprocess.run(['cc', '-Wall', '-Werror', '-shared', '-fPIC', f'-I{INCLUDE}', '-o', so, source], check=True)
    return so


def plugin(commands, api='IQ_PLUGIN_API'):
    return f'''static const struct iq_plugin_command commands[] = {{{commands}}};
const struct iq_plugin inquest_plugin = {{.api = {api}, .name = "test", .commands = commands, .nr_commands = 1}};
'''


def run(t, core, *lines, options=(), home='/nonexistent'):
    """Status, output and errors of commands on standard input."""
    args = [t.run.inquest, '-s', *options, *t.dump_args(core)]
    return t.sh(args, stdin='\n'.join(lines) + '\n', check=False, env={'HOME': home})


@per_core(one, quick=3)
def states(t, core):
    """The tasks by state are those of ps."""
    ours = t.command(core, 'states', '--extend', example(t))
    ps = collections.Counter(x['state'] for x in t.command(core, 'ps')['tasks'])
    t.equal(ours, dict(ps), 'tasks by state')


@per_core(one, quick=3)
def supers(t, core):
    """Every super block that something is mounted from is in the kernel's list of them, with the type that mount says."""
    text = t.command(core, 'supers', '--extend', example(t))['text']
    kinds = dict(line.split()[:2] for line in text.splitlines()[1:])
    mounts = t.command(core, 'mount')['mounts']
    t.ok(mounts, 'nothing is mounted')
    for m in mounts:
        t.equal(kinds.get(m['super_block'][2:]), m['type'].split('.')[0], f'super block of {m["directory"]}')


@per_core(lambda core: core.name == 'sysrq', quick=1)
def loading(t, core):
    """Named at the start, in a start file, at the prompt; listed, explained, taken for misspellings, unloaded."""
    so = example(t)
    plain = run(t, core, 'states', options=['--extend', so])
    t.ok(plain.status == 0 and 'RU' in plain.out, f'--extend: {plain.err}')
    with tempfile.TemporaryDirectory() as home:
        with open(f'{home}/.inquestrc', 'w') as f:
            f.write(f'# mine\nextend {so}\nextend {home}/none.so\n')
        started = run(t, core, 'states', home=home)
        t.equal(started.out, plain.out, 'a start file')
        t.ok(f'{home}/none.so' in started.err and started.status == 0, f'one that is not there: {started.err}')
        t.ok('no such command' in run(t, core, 'states', home=home, options=['--no-rc']).err, '--no-rc')
    whole = run(t, core, 'extend', 'help states', 'help all', 'stats', options=['--extend', so])
    for word in (f'{so}  states supers', 'Counts the tasks', 'states    how many'):
        t.ok(word in whole.out, f'{word!r} is not shown')
    t.ok('did you mean states' in whole.err, f'misspelt: {whole.err}')
    gone = run(t, core, 'extend -u counts.so', 'extend', 'states', 'extend -u counts.so', options=['--extend', so])
    t.equal(gone.out, 'counts.so: shared object unloaded\nno plug-in is loaded\n', 'unloaded')
    t.ok('no such command' in gone.err and 'is not loaded' in gone.err, f'unloaded: {gone.err}')
    late = run(t, core, f'extend {so}', 'states')
    t.ok(late.status == 1 and f'--extend {so}' in late.err and not late.out, f'in the sandbox: {late.err}')
    late = run(t, core, f'extend {so}', 'states', options=['--no-sandbox'])
    t.equal(late.out, f'{so}: shared object loaded\n{plain.out}', 'without the sandbox')


@per_core(lambda core: core.name == 'sysrq', quick=1)
def refused(t, core):
    """What is no plug-in, is one for another interface, or takes the name of a command is not loaded: status 2."""
    entry = '{"%s", "s", "h\\n", run}'
    body = 'static int run(struct iq_plugin_call *c, const struct iq_plugin_api *a, int n, char **v) { return 0; }\n'
    with tempfile.TemporaryDirectory() as d:
        for name, text, word in (('other', body + plugin(entry % 'mine', '99'), 'version 99'),
                                 ('taken', body + plugin(entry % 'bt'), 'a command bt'),
                                 ('blank', body + plugin(entry % 'a b'), 'no usable name'),
                                 ('none', 'int x;\n', 'no inquest_plugin')):
            out = run(t, core, 'p 1', options=['--extend', compiled(d, name, text)])
            t.ok(out.status == 2 and word in out.err and not out.out, f'{name}: status {out.status}: {out.err}')
        with open(f'{d}/text.so', 'w') as f:
            f.write('no shared object\n')
        for name in ('text.so', 'missing.so'):
            out = run(t, core, 'p 1', options=['--extend', f'{d}/{name}'])
            t.ok(out.status == 2 and name in out.err, f'{name}: {out.err}')


INSIDE = r'''
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
static int see(struct iq_plugin_call *c, uint64_t at, void *arg) { return 0; }
static int run(struct iq_plugin_call *c, const struct iq_plugin_api *a, int n, char **v)
{
	uint64_t x = 0, y = 0;
	char text[64];
	int child;

	a->print(c, "file %d\n", open("/etc/hostname", O_RDONLY) < 0 ? errno : 0);
	a->print(c, "socket %d\n", socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0);
	child = fork();
	if (!child)
		_exit(0);       /* with a sanitizer it may */
	a->print(c, "child %d\n", child < 0 ? errno : 0);
	a->print(c, "escape \033[31m%c\n", 7);
	a->print(c, "nowhere %d\n", a->read_number(c, 16, 8, &x));
	a->print(c, "odd %d\n", a->read_number(c, 0, 3, &x));
	a->print(c, "symbol %d %d\n", a->symbol(c, "init_task", &x), a->symbol(c, "no_such_thing", &y));
	a->print(c, "name %d %s\n", a->symbol_name(c, x + 8, text, sizeof(text)), text);
	a->print(c, "eval %d\n", a->eval(c, "&init_task", &y) || x != y);
	a->print(c, "member %d\n", a->member(c, "task_struct", "pid", x, &y) || y);
	a->print(c, "no member %d\n", a->member(c, "task_struct", "nothing", x, &y));
	a->print(c, "size %d\n", a->size_of(c, "task_struct") > 1000);
	a->print(c, "circle %d\n", a->symbol(c, "super_blocks", &x) || a->member(c, "list_head", "next", x, &y) ||
		 a->list(c, y + 1, "super_block", "s_list", see, NULL));
	a->print(c, "json %d\n", a->json(c, "{"));
	return a->fail(c, "it is %s", "over");
}
'''
SEEN = ['escape \\x1b[31m\\x07', 'nowhere -1', 'odd -1', 'symbol 0 -1', 'name 0 init_task+8', 'eval 0', 'member 0',
        'no member -1', 'size 1', 'circle 1', 'json -1']


@per_core(lambda core: core.name == 'sysrq', quick=1)
def interface(t, core):
    """What the functions of the table answer, right and wrong; what the sandbox keeps a plug-in from."""
    with tempfile.TemporaryDirectory() as d:
        so = compiled(d, 'inside', INSIDE + plugin('{"inside", "s", "h\\n", run}'))
        out = run(t, core, 'inside', options=['--extend', so])
    lines = out.out.splitlines()
    t.equal(lines[3:], SEEN, 'what the functions answer')
    if t.run.sanitized:
        return
    t.equal(lines[1:3], ['socket 1', 'child 1'], 'a socket and a child')
    t.ok(lines[0] != 'file 0', 'a plug-in can open a file')
    t.ok(out.status == 1 and 'inside: it is over' in out.err, f'the error: {out.err}')
