# SPDX-License-Identifier: GPL-2.0-or-later
"""kmem's views of memory against the guest's own /proc, and against crash."""
import re

from harness import per_core
from suite import others


def saved(core):
    return core.proc and core.whole()


def last_words(core, name):
    """A file of the second snapshot, which may have changed since the first."""
    with open(f'{core.proc}/2/proc/{name}') as f:
        return f.read()


@per_core(saved)
def fixed_figures_as_proc(t, core):
    """What does not change while a machine runs: memory, commit limit, swap."""
    theirs = {k: int(v) for k, v in
              re.findall(r'^(\S+): +(\d+) kB', last_words(core, 'meminfo'), re.M)}
    ours = t.command(core, 'kmem -i')
    kb = ours['page_size'] // 1024
    for key, name in (('total', 'MemTotal'), ('commit_limit', 'CommitLimit'),
                      ('swap_total', 'SwapTotal')):
        t.equal(ours[key] * kb, theirs[name], name)


@per_core(saved)
def zones_as_proc(t, core):
    """Size, watermarks and neighbours of every zone."""
    theirs = {}
    text = last_words(core, 'zoneinfo')
    for node, name, body in re.findall(r'^Node (\d+), zone +(\S+)\n(.*?)(?=^Node|\Z)', text, re.M | re.S):
        theirs[(int(node), name)] = {k: int(v) for k, v in re.findall(
            r'^ +(min|low|high|spanned|present|managed|start_pfn):? +(\d+)', body, re.M)}
    ours = {(z['node'], z['name']): z for z in t.command(core, 'kmem -z')['zones'] if z['spanned']}
    compared = 0
    for key, zone in ours.items():
        if not t.ok(key in theirs, f'{key} is not in zoneinfo'):
            continue
        for k, v in theirs[key].items():
            if k in ('spanned', 'present', 'managed', 'start_pfn', 'min'):
                t.equal(zone[k], v, f'{key}: {k}')
                compared += 1
    t.ok(compared >= 5, f'only {compared} figures')
    t.equal({k for k in theirs if theirs[k].get('spanned')}, set(ours), 'zones')


@per_core(saved)
def free_lists_add_up(t, core):
    """The blocks on the lists are as many as the kernel counts, order by order."""
    found = t.command(core, 'kmem -f', check=False)
    counted = sum(z['free'] for z in found['zones'])
    # Pages that are on their way between a CPU's list and the zone's are counted a moment later.
    t.ok(abs(counted - found['pages_on_lists']) <= 64,
         f'{found["pages_on_lists"]} pages on lists, {counted} counted')
    t.ok(counted > 1000, f'only {counted} free pages')


WORDS = {'kmem -o': [], 'kmem -h': [], 'kmem -g': [], 'kmem -g 10200': [], 'kmem -V': [], 'kmem -z': [],
         'kmem -f': [], 'kmem -v': []}


@per_core(lambda c: saved(c) and c.vmlinux, quick=1)
def same_words_as_crash(t, core):
    theirs = others.crash(t, core, list(WORDS))
    for command, text in zip(WORDS, theirs or []):
        if not text or 'invalid structure' in text or command + ':' in text or 'kmem:' in text:
            continue
        ours = t.inquest(core.vmcore, '-s', '--no-vmlinux', '-c', command).out
        want = [' '.join(x.split()) for x in text.splitlines()]
        got = [' '.join(x.split()) for x in ours.splitlines()]
        t.none([(a, b) for a, b in zip(got, want) if a != b], command, len(want))
        t.equal(len(got), len(want), f'{command}: lines')
