# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the bad value came from: against what the lab's modules printed before they died, and drgn's reading of memory."""
import json
import re

from harness import per_core
from suite import others

# Of facts that modules print under names of their own: where the culprit is kept, and its value.
KNOWN = {
    'usb-free': {'expression': 'as->urb->transfer_buffer', 'used_by': 'kfree(as->urb->transfer_buffer)',
                 'value': 'bogus_transfer_buffer'},
    'null-deref': {'member': 'stats', 'inside': 'port', 'value': 'stats'},
    'null-deref-ipa': {'member': 'stats', 'inside': 'port', 'value': 'stats'},
    'uaf-poison': {'inside': 'victim', 'member': 'next'},
    'uaf-reuse': {'inside': 'victim', 'member': 'next'},
    'call-null': {'inside': 'ops', 'value': 'called', 'member': 'start'},
    'call-wild': {'inside': 'ops', 'value': 'called', 'member': 'start'},
    'stack-recycled': {'inside': 'request', 'member': 'ops'},
    'fs-crash': {'address': 's_fs_info_at', 'member': 's_fs_info'},
}
# What waits or spins has no bad value; and these are seen only in what the module did elsewhere.
NO_VALUE = re.compile(r'lock|wait|spin|seq|chain|leak|oom|slub|hang|stall|sleep')


def number(text):
    text = str(text)
    return int(text, 16) if not text.isdigit() or len(text) == 16 else int(text)


def expected(core):
    facts = core.truth.get('facts') or {}
    if core.scenario in KNOWN:
        return KNOWN[core.scenario]
    if facts.get('field') and facts.get('culprit') and not NO_VALUE.search(core.scenario):
        return {'address': 'field', 'member': re.split(r'->|\.', facts['culprit'])[-1]}
    return None


def wanted(core):
    return core.format in ('zlib', 'kdump') and core.whole() and expected(core) is not None


def analysis(t, core, vmlinux):
    files = others.loaded_module_files(t, core) if vmlinux else []
    return others.once(('analyze', core.name, vmlinux), lambda: t.inquest(
        '--json', *t.dump_args(core, vmlinux), *files, '-c', 'analyze', timeout=120).result())


def check(t, core, vmlinux):
    want, facts = expected(core), core.truth['facts']
    r = analysis(t, core, vmlinux)
    culprit = r['culprit']
    if not t.ok(culprit, f'no culprit: {r["verdict"]}'):
        return None
    at = culprit['address'] and int(culprit['address'], 16)
    if 'address' in want:
        t.equal(hex(at or 0), hex(number(facts[want['address']])), f'address of {culprit["expression"]}')
    if 'inside' in want:
        start = number(facts[want['inside']])
        t.ok(at is not None and start <= at < start + 256,
             f'{culprit["expression"]} at {culprit["address"]} is not in {want["inside"]} at {start:#x}')
    if 'value' in want:
        t.equal(int(culprit['value'], 16), number(facts[want['value']]), f'value of {culprit["expression"]}')
    for key in ('expression', 'used_by'):
        if key in want:
            t.equal(culprit[key], want[key], key)
    named = 'member' in want and re.search(r'(->|\.)' + re.escape(want['member']) + r'$', culprit['expression'])
    if vmlinux and 'member' in want:
        t.ok(named, f'{culprit["expression"]} does not end in {want["member"]}')
    return culprit


DRGN = '''
import json, sys, drgn
prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
print(json.dumps([int.from_bytes(prog.read(int(a, 16), 8), 'little') for a in sys.argv[2:]]))
'''


def check_memory(t, core, r):
    """What is said to be proved by memory is what drgn reads there."""
    proved = [l for l in r['culprit']['links'] if l['proof'] == 'memory_equals_register' and l['address']
              and l['value'] and int(l['address'], 16) % 8 == 0 and int(l['value'], 16) > 0xffffffff]
    if not proved:
        return 0
    if not others.has_drgn(core):
        return 0
    python = [others.RIVALS, 'run', 'python3'] if others.of_other_kernel(core) else ['/usr/bin/python3']
    out = t.sh([*python, '-c', DRGN, core.vmcore, *[l['address'] for l in proved]])
    for link, value in zip(proved, json.loads(out.out)):
        t.equal(link['value'], hex(value), f'{link["expression"]} at {link["address"]} by drgn')
    return len(proved)


@per_core(wanted, quick=12)
def culprit_without_vmlinux(t, core):
    if check(t, core, False):
        n = check_memory(t, core, analysis(t, core, False))
        t.note(f'{analysis(t, core, False)["culprit"]["expression"]}: {n} links read again by drgn')


@per_core(lambda core: wanted(core) and others.has_vmlinux(core), quick=12)
def culprit_with_vmlinux(t, core):
    if check(t, core, True):
        check_memory(t, core, analysis(t, core, True))


def blamed(core):
    facts = core.truth.get('facts') or {}
    return bool(core.format in ('zlib', 'kdump') and facts.get('blame') not in (None, 'hardware') and
                facts.get('field') and not NO_VALUE.search(core.scenario))


@per_core(blamed, quick=12)
def blame(t, core):
    r = analysis(t, core, False)
    if t.ok(r['blame'], 'nobody is blamed'):
        t.equal(r['blame']['function'].split('.')[0], core.truth['facts']['blame'], r['blame']['why'])
