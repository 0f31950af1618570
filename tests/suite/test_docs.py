# SPDX-License-Identifier: GPL-2.0-or-later
"""What is written is so: the README's commands, the help of each command and its examples, the usage."""
import os
import re

from harness import per_core, test

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def commands(t, core):
    return [c['name'] for c in t.command(core, 'help')['commands']]


@per_core(lambda c: c.whole() and c.scenario == 'null-deref', quick=1)
def help_of_commands(t, core):
    """Each command explains itself, with examples; each option in its help is accepted."""
    names = commands(t, core)
    for wanted in 'sys log ps mod bt dis sym rd x p struct union whatis vtop set foreach help exit'.split():
        t.ok(wanted in names, f'no command {wanted}')
    tried = 0
    for name in names:
        text = t.command(core, f'help {name}')['help']
        t.ok(text and re.split(r'[/\[\s]', text)[0] == name, f'help {name} begins with {text[:30]!r}')
        # Examples: indented lines that begin with the command, or a prompt.
        examples = [m.group(1) for m in re.finditer(
            rf'^  (?:inquest> )?((?:foreach .* )?{name}\b[^\n]*?)(?:  .*)?$', text, re.M)]
        t.ok(examples or name in ('exit', 'hex', 'dec', 'help', 'union', 'sys', 'mod') and name in text,
             f'help {name} has no example')
        options = [o for words in re.findall(r'^  ((?:-[a-zA-Z](?:, )?)+)', text, re.M)
                   for o in re.findall('-(.)', words)]
        for o in sorted(set(options)):
            out = t.inquest('-s', *t.dump_args(core), '-c', f'{name} -{o}', check=False)
            t.ok(f'unknown option -{o}' not in out.err, f'{name} -{o}: {out.err!r}')
            tried += 1
        out = t.inquest('-s', *t.dump_args(core), '-c', f'{name} -@', check=False)
        t.ok(out.status == 1 or name in ('exit',), f'{name} -@ is accepted')
        for e in examples:
            if re.search(r'[0-9a-f]{12}|\b\d{3,}\b|usbcore|/tmp|\||>', e):
                continue        # of another dump
            out = t.inquest('-s', *t.dump_args(core), '-c', e, check=False)
            t.ok(not re.search(r'unknown option|no such command|unexpected|is missing', out.err),
                 f'example "{e}": {out.err!r}')
            tried += 1
    t.note(f'{len(names)} commands, {tried} options and examples')


@test
def usage(t):
    """Every option of --help is accepted, and --version tells."""
    text = t.inquest('--help').out
    for option in re.findall(r'^  (-{1,2}[a-z-]+)', text, re.M):
        out = t.inquest(option, check=False)
        t.ok('unknown option' not in out.err, f'{option}: {out.err!r}')
    t.ok(re.search(r'inquest \d', t.inquest('--version').out), 'inquest --version')


@test
def documents(t):
    """Commands that README and docs show at a prompt exist, and files that they name are there."""
    core = next((c for c in t.run.cores if c.whole()), None)
    if not core:
        return t.note('skipped: no core')
    names = commands(t, core) + ['dmesg', 'lsmod', 'last', 'q', 'quit']
    for doc in ['README.md', 'CONTRIBUTING.md'] + ['docs/' + f for f in os.listdir(TOP + '/docs')
                                                   if f.endswith('.md')]:
        if not os.path.exists(os.path.join(TOP, doc)):
            t.fail(f'no {doc}')
            continue
        text = open(os.path.join(TOP, doc)).read()
        for line in re.findall(r'^\s*inquest> (.*)$', text, re.M):
            words = line.split()
            t.ok(words and words[0].split('/')[0] in names, f'{doc}: "{line}" is no command')
        for target in re.findall(r'\]\((?!http|#)([^)#]+)', text):
            t.ok(os.path.exists(os.path.normpath(os.path.join(TOP, os.path.dirname(doc), target))),
                 f'{doc}: no {target}')
        for target in re.findall(r'\bmake (\w+)', text):
            if target in ('check', 'demo', 'bench', 'fuzz', 'install', 'clean'):
                t.ok(re.search(rf'^{target}:', open(TOP + '/Makefile').read(), re.M),
                     f'{doc}: no make {target}')


@per_core(lambda c: c.name == 'demo')
def shown_output(t, core):
    """Commands on the bundled dump that README shows with their output: each line shown is really printed."""
    path = os.path.join(TOP, 'README.md')
    if not os.path.exists(path):
        return t.fail('no README.md')
    lost = []
    text = re.sub(r'^    ', '', open(path).read(), flags=re.M)
    blocks = re.findall(r'^inquest> (.*)\n((?:(?!inquest> |```|\$ ).+\n)*)', text, re.M)
    # A report has empty lines in it: it goes on as far as the text is indented.
    blocks += [('analyze', m) for m in re.findall(r'^    \$ inquest analyze vmcore\n((?:    .*\n|\n)*)', open(path).read(), re.M)]
    for command, shown in blocks:
        out = t.inquest('-s', *t.dump_args(core), '-c', command, check=False).out
        lines = {l.strip() for l in out.splitlines()}
        lost += [f'{command}: {l}' for l in shown.splitlines()
                 if l.strip() not in ('', '...', '…', '[...]', '[…]') and l.strip() not in lines]
    t.none(lost, 'lines of README that inquest does not print')
    t.note(f'{len(blocks)} commands')


@test
def manual(t):
    """The manual page has every command with its whole help, and nothing that roff would take for a request."""
    page = t.inquest('--man').out
    for line in page.splitlines():
        t.ok(not line.startswith("'") and (not line.startswith('.') or re.match(r'\.(TH|SH|SS|PP|TP|BR|nf|fi)\b', line)),
             f'a line that is no request: {line}')
    names = re.findall(r'^\.SS (\S+)$', page, re.M)
    t.ok(len(names) > 60 and names == sorted(names), f'commands in order: {names}')
    t.equal(page.count('.nf'), page.count('.fi'), 'beginnings and ends of what stands as it is')
