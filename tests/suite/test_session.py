# SPDX-License-Identifier: GPL-2.0-or-later
"""The first half of the example session, on every core of the usbfs crash, the bundled one, and one made here
with another payload, buffer size and KASLR seed.  What is right is what the crash module of the lab printed
(truth.json's facts), the kernel's own trace, and struct offsets as pahole reads them."""
import os
import re
import tempfile

import harness
from harness import per_core, test
from suite import bt_truth


def is_usb_free(core):
    return core.scenario.startswith('usb-free') and core.whole()


def hexa(text):
    return int(text, 16)


def facts(core):
    f = core.truth['facts']
    return {k: hexa(v) if isinstance(v, str) and re.fullmatch(r'(0x)?[0-9a-f]{5,16}', v) else
            int(v) if isinstance(v, str) and v.isdigit() else v for k, v in f.items()}


def session(t, core, vmlinux):
    f = facts(core)
    urb, as_, bad = f['urb'], f['async'], f['bogus_transfer_buffer']
    how = 'with vmlinux' if vmlinux else 'dump alone'

    # bt: the kernel's chain and registers.
    bt = t.command(core, 'bt', vmlinux=vmlinux)
    t.equal([x['pid'] for x in bt['tasks']], [core.truth['task']['pid']], f'{how}: task of bt')
    t.ok(bt_truth.comparable(core.truth, bt), f'{how}: nothing to compare bt with')
    t.none(bt_truth.compare(core.truth, bt, core.serial()), f'{how}: bt against the kernel')
    frames = [x for x in bt['tasks'][0]['frames'] if not x['inline']]
    fault = next((x for x in frames if x['exception']), None)
    if not t.ok(fault, f'{how}: no exception frame'):
        return
    t.ok(hex(bad) in fault['exception'].values(), f'{how}: no register of the exception holds {bad:#x}')

    # bt -f: the labels that the engineer wrote by hand.
    words = [w for x in t.command(core, 'bt -f', vmlinux=vmlinux)['tasks'][0]['frames']
             for w in x.get('words') or []]
    by_address = {hexa(w['address']): w for w in words}
    labels(t, how, frames, by_address, fault)

    # dis: the load of the bad argument, at the offset of the member.
    dis = t.command(core, 'dis free_async', vmlinux=vmlinux)['instructions']
    t.equal(dis[0]['symbol'], 'free_async', f'{how}: dis')
    t.ok(any(re.search(r'call .*<(kfree|free_large_kmalloc)>', i['text']) for i in dis),
         f'{how}: dis free_async shows no call of kfree')
    offset = t.command(core, 'struct -o urb', vmlinux=vmlinux)
    offset = next(m['offset'] for m in offset['members'] if m['name'] == 'transfer_buffer')
    t.ok(any(f'{offset:#x}(%' in i['text'] for i in dis),
         f'{how}: dis free_async loads nothing at {offset:#x}')

    # x/1xg as the engineer typed it, and the same through the types.
    urb_at = next(m['offset'] for m in t.command(core, 'struct -o async', vmlinux=vmlinux)['members']
                  if m['name'] == 'urb')
    for command, want in [(f'x/1xg ({as_:#x}+{urb_at:#x})', urb), (f'x/1xg ({urb:#x}+{offset:#x})', bad)]:
        got = t.command(core, command, vmlinux=vmlinux)['values']
        t.equal([hexa(v['value']) for v in got], [want], f'{how}: {command}')
    members = {m['name']: m.get('value') for m in
               t.command(core, f'struct urb {urb:#x}', vmlinux=vmlinux)['members']}
    t.equal(hexa(members['transfer_buffer'].split()[0]), bad, f'{how}: urb.transfer_buffer')
    t.equal(members['transfer_buffer_length'], f['transfer_buffer_length'], f'{how}: length')
    t.equal(members['actual_length'], f['actual_length'], f'{how}: actual_length')
    t.equal(hexa(members['dev'].split()[0]), f['usb_device'], f'{how}: urb.dev')
    t.equal(hexa(members['setup_packet'].split()[0]), f['setup_packet'], f'{how}: urb.setup_packet')
    got = t.command(core, f'struct async.urb {as_:#x}', vmlinux=vmlinux)['members']
    t.equal(hexa(got[0]['value'].split()[0]), urb, f'{how}: async.urb')

    # vtop: inside the direct map, so it translates; nobody uses the page.
    v = t.command(core, f'vtop {bad:x}', vmlinux=vmlinux)
    t.equal(hexa(v['physical']), f['bogus_phys'], f'{how}: vtop')
    t.ok(v['page_size'] >= 4096 and v['levels'], f'{how}: vtop shows no levels')
    last = v['levels'][-1]
    t.ok('PRESENT' in last['flags'], f'{how}: vtop: the last entry is not present')
    t.equal(hexa(last['entry']) & 0x000ffffffffff000 & ~(v['page_size'] - 1),
            f['bogus_phys'] & ~(v['page_size'] - 1), f'{how}: vtop: page in the last entry')
    t.equal(v['page']['refcount'], 0, f'{how}: the page\'s reference count')
    t.equal(v['page']['pfn'], f['bogus_phys'] >> 12, f'{how}: page frame')


def labels(t, how, frames, words, fault):
    """pt_regs' members, the padding, return addresses and saved registers."""
    regs = fault['exception']
    label = {w['label']: a for a, w in words.items() if w['label']}
    for name in ['ip', 'sp', 'ss', 'cs', 'flags', 'rip', 'rsp']:
        if f'[{name}]' in label:
            break
    else:
        return t.fail(f'{how}: bt -f labels no pt_regs: {sorted(label)[:20]}')
    by_label = {}
    for w in words.values():
        if w['label']:
            by_label.setdefault(w['label'].strip('[]'), []).append(hexa(w['value']))
    for register, member in [('rip', 'ip'), ('rsp', 'sp'), ('ss', 'ss'), ('cs', 'cs'), ('rflags', 'flags'),
                             ('rsi', 'si'), ('rdi', 'di'), ('r15', 'r15')]:
        values = by_label.get(member, []) + by_label.get(register, [])
        t.ok(hexa(regs[register]) in values,
             f'{how}: no word labelled [{member}] holds {regs[register]}: {[hex(x) for x in values]}')
    # The CPU aligned the stack to 16 before it pushed the frame.
    if hexa(regs['rsp']) & 15:
        t.ok(any('padding' in (w['label'] or '') or 'align' in (w['label'] or '') for w in words.values()),
             f'{how}: the padding is not labelled')
    for f in frames:
        if f.get('slot') and hexa(f['slot']) in words:
            t.ok('return' in (words[hexa(f['slot'])]['label'] or ''),
                 f'{how}: the return slot {f["slot"]} of {f["function"]} is not labelled')


@per_core(is_usb_free)
def dump_alone(t, core):
    session(t, core, False)


@per_core(lambda c: is_usb_free(c) and c.vmlinux)
def with_vmlinux(t, core):
    session(t, core, True)


@test(sanitized=False)
def made_here(t):
    """A crash that nobody has seen before: another descriptor, buffer size and KASLR seed."""
    if t.run.no_lab:
        return t.note('skipped: --no-lab')
    rng = t.rng()
    index, length, count = rng.choice([1, 2, 3]), rng.choice([32, 48, 100, 200, 254]), 4
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as d:
        t.sh([here + '/lab/make-core', '-o', d, '-N', 'fresh', '-a', f'lab_usb={index},{length},{count}',
              'usb-free-kaslr'], timeout=900)
        row = next(c for c in t.run.cores if c.name == 'usb-free-kaslr')
        core = harness.Core({'name': 'fresh', 'scenario': 'usb-free', 'format': 'zlib',
                             'vmcore': [d + '/fresh.vmcore'], 'truth': d + '/fresh.truth.json',
                             'serial': d + '/fresh.serial.txt', 'vmlinux': row.vmlinux})
        t.note(f'string descriptor {index}, {length} bytes: '
               f'transfer_buffer {core.truth["facts"]["bogus_transfer_buffer"]}')
        session(t, core, False)
        session(t, core, True)
