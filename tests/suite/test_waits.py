# SPDX-License-Identifier: GPL-2.0-or-later
"""waits, leaks: what the guests' modules logged of their locks, tasks and lost objects."""
import re

from harness import Failed, per_core

# Scenario: (task, kind, object, owner, confidence of the owner at least) of each wait that must be found; the names
# are those of the facts that the module logged (task_NAME, NAME); None: nobody is known to hold it.
EXPECTED = {
    'abba': [('lab_writer', 'mutex', 'journal_lock', 'lab_flusher'),
             ('lab_flusher', 'mutex', 'inode_table_lock', 'lab_writer')],
    'wait-mutex-self': [('wt_remounter', 'mutex', 'super_lock', 'wt_remounter')],
    'wait-rwsem-abba': [('wt_reader', 'rw_semaphore (to write)', 'data_sem', 'wt_grower'),
                        ('wt_grower', 'rw_semaphore (to write)', 'tree_sem', 'wt_reader')],
    'wait-completion': [('wt_flusher', 'completion', 'flushed', None),
                        ('wt_syncer', 'mutex', 'super_lock', 'wt_flusher')],
    'wait-lost-wakeup': [('wt_drainer', 'wait queue', 'drained', None)],
    'wait-semaphore': [('wt_second', 'semaphore', 'slots', None)],
    'wait-page-lock': [('wt_page_reader', 'page', 'page', None)],
    'wait-chain': [('wt_middle', 'mutex', 'super_lock', 'wt_holder'),
                   ('wt_outer', 'rw_semaphore (to read)', 'tree_sem', 'wt_middle')],
    'spin-abba': [('wt_counter', 'spinlock', 'queue_lock', 'wt_queuer'),
                  ('wt_queuer', 'spinlock', 'stats_lock', 'wt_counter')],
}
CYCLES = {'abba': 1, 'wait-mutex-self': 1, 'wait-rwsem-abba': 1, 'spin-abba': 1, 'self-deadlock': 1,
          'hard-lockup-lock': 1, 'wait-workqueue': 1}
# Dumps in which nothing hangs: taken by sysrq of a machine that was doing well, or of one oops.
HEALTHY = ('sysrq', 'null-deref', 'usb-free', 'threads', 'slab-leak')


def fact(core, name):
    value = core.truth['facts'].get(name)
    if value is None:
        raise Failed(f'{core.name} has no fact {name}')
    return int(value, 16)


def task_of(core, name):
    facts = core.truth['facts']
    return int(facts.get('task_' + name) or facts[name], 16)


def has_facts(core):
    return core.scenario in EXPECTED and 'facts' in core.truth


@per_core(has_facts)
def locks(t, core):
    """Each wait that the module set up: for which object, and who holds it."""
    found = t.command(core, 'waits')['waits']
    by_task = {int(w['task'], 16): w for w in found}
    for task, kind, obj, owner in EXPECTED[core.scenario]:
        w = by_task.get(task_of(core, task))
        if not w:
            t.fail(f'{task} is not said to wait')
            continue
        t.equal(w['kind'], kind, f'what {task} waits for')
        t.equal(int(w['object'] or '0', 16), fact(core, obj), f'the {kind} of {task}')
        if owner is None:
            # The semaphores of 7.x note who took it last; that is no owner.
            t.ok(w['owner'] is None or w['owner_confidence'] != 'certain', f'{task}: somebody is said to hold it')
        else:
            t.equal(int(w['owner'] or '0', 16), task_of(core, owner), f'who holds up {task}')


@per_core(lambda core: core.scenario in CYCLES)
def cycles(t, core):
    """As many circles as the scenario makes, and no more."""
    t.equal(t.command(core, 'waits')['cycles'], CYCLES[core.scenario], 'circles')


@per_core(lambda core: core.scenario in HEALTHY and core.whole(), quick=8)
def nothing_hangs(t, core):
    """No circle where nothing hangs."""
    t.equal(t.command(core, 'waits')['cycles'], 0, 'circles')


@per_core(lambda core: 'leaked' in core.truth.get('facts', {}) and 'cache_name' in core.truth['facts'])
def leaked(t, core):
    """Exactly the objects that the module lost, by number, first and last among them."""
    facts = core.truth['facts']
    name = facts['cache_name']
    groups = {g['name']: g for g in t.command(core, 'leaks')['groups']}
    if name not in groups:
        raise Failed(f'no leak in {name}: {sorted(groups)}')
    t.equal(groups[name]['unreached'], int(facts['leaked']), 'objects that nothing points to')
    if not re.fullmatch('0x[0-9a-f]+', facts.get('first_leaked', '')):
        return
    listed = {int(a, 16) for a in t.command(core, f'leaks {name}')['unreached']}
    for what in ('first_leaked', 'last_leaked'):
        t.ok(int(facts[what], 16) in listed, f'{what} {facts[what]} is not among them')


@per_core(lambda core: core.scenario in HEALTHY and core.whole() and 'leaked' not in core.truth.get('facts', {}),
          quick=8)
def nothing_leaks(t, core):
    """Where nothing was lost, no cache has hundreds of objects that are not reached."""
    groups = t.command(core, 'leaks')['groups']
    t.none([f"{g['name']}: {g['unreached']} of {g['allocated']}" for g in groups if g['unreached'] >= 100],
           'caches with lost objects', len(groups))
