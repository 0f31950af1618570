# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong with a pointer: payloads of many formats, flips, exchanged and shifted bytes, poison, freed
objects, overflows and broken lists, done to copies of dumps at addresses that drgn computes or the guest's module
printed.  On healthy dumps a sweep finds nothing."""
import json
import os
import re
import struct
import tempfile

from harness import per_core, test
from suite import others, payloads, raw_memory
from suite.patched_kdump import PatchedKdump

DAMAGED = re.compile(r'(slub-|uaf-|double-|smash|overflow|kfence|usb-free|ref-|list-|free-|corrupt|flip|part|shifted|'
                     r'swapped|vfree|unload|write-)')


def places(t, core):
    def make():
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drgn_fields.py')
        python = [others.RIVALS, 'run', 'python3'] if others.of_other_kernel(core) else ['/usr/bin/python3']
        return json.loads(t.sh([*python, script, core.vmcore, core.vmlinux], timeout=300).out)
    return others.once(('fields', core.name), make)


def physical(t, core, address):
    return int(t.command(core, f'vtop {address:x}')['physical'], 16)


def mutable(c):
    return others.has_drgn(c) and re.match(r'(null-deref|irq-kernel-\w+)\.kdump', c.name)


# ---- The dictionary ------------------------------------------------------------------------------

@per_core(lambda c: c.name in ('sysrq.kdump', 'demo'), sanitized=True)
def dictionary(t, core):
    """Payloads of each format, of 16 bytes and more: the likeliest that is said is what it is."""
    rng, wrong, total = t.rng(), [], 0
    for size in (16, 32, 64, 200):
        samples = [(n, w, d[:size]) for n, w, d in payloads.samples(rng)]
        commands = '; '.join(f'explain -b {d.hex()}' for _, _, d in samples)
        for (name, words, data), answer in zip(samples, t.commands(core, commands)):
            found = answer['result']['findings']
            total += 1
            if not found or not any(w in found[0]['claim'] for w in words):
                wrong.append((size, name, data[:24].hex(), found[0]['claim'] if found else None))
    t.note(f'{total - len(wrong)} of {total} payloads named')
    # What a format is known by can lie behind the 16th byte; of whole headers nearly all must be known.
    t.ok(len(wrong) <= total * 0.1, f'{len(wrong)} of {total} not named: {wrong[:8]}')
    late = [w for w in wrong if w[0] >= 64]
    t.ok(len(late) <= 6, f'with 64 bytes not named: {late}')


# ---- Pointers of live objects --------------------------------------------------------------------

def kernel_pointer(value):
    return value >> 47 == 0x1ffff


def damages(rng, field, free):
    """(what, words one of which must be in the likeliest claim, bytes to write at the field)."""
    v = field['value']
    bit = rng.randrange(48, 63)
    yield 'a high bit flipped', ('bit %d flipped' % bit,), struct.pack('<Q', v ^ 1 << bit)
    yield 'bytes exchanged', ('opposite order',), struct.pack('>Q', v)
    yield 'halves exchanged', ('halves exchanged',), struct.pack('<II', v >> 32, v & 0xffffffff)
    yield 'shifted by a byte', ('moved by 1 byte',), struct.pack('<Q', v >> 8 | rng.randrange(1, 0x7f) << 56)
    yield 'list poison', ('LIST_POISON1',), struct.pack('<Q', 0xdead000000000100)
    yield 'an error', ('ERR_PTR(-E',), struct.pack('<q', -rng.choice((2, 12, 22, 5, 16)))
    if free:    # a kernel can have all its free objects on the CPUs' own lists
        yield 'a pointer to a free object', ('free (',), struct.pack('<Q', rng.choice(free)['object'])


@per_core(mutable, sanitized=True)
def pointers(t, core):
    found, rng = places(t, core), t.rng()
    fields = [f for f in found['fields'] if kernel_pointer(f['value'])]
    right = total = certain = 0
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        for field in rng.sample(fields, min(len(fields), 25 if t.all else 3)):
            at = physical(t, core, field['at'])
            for what, words, data in damages(rng, field, found['free']):
                copy.write(at, data)
                out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', f'explain {field["at"]:x}', timeout=60)
                copy.restore()
                said = out.json()[0]['result']['findings']
                total += 1
                if said and any(w in said[0]['claim'] for w in words):
                    right += 1
                else:
                    wrong = [f for f in said if f['confidence'] == 'certain']
                    certain += len(wrong)
                    t.fail(f'{field["what"]} at {field["at"]:x}, {what}, {data.hex()}: '
                           f'{[(f["confidence"], f["claim"]) for f in said][:3]}')
    t.note(f'{right} of {total} damaged pointers explained, {certain} wrong and certain')


@per_core(mutable, sanitized=True)
def payloads_in_fields(t, core):
    """Payloads over live pointers, or over their low halves, with all other memory as it was."""
    found, rng = places(t, core), t.rng()
    fields = [f for f in found['fields'] if kernel_pointer(f['value'])]
    named = total = 0
    wrong = []
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        kinds = list(payloads.samples(rng))
        for name, words, data in kinds if t.all else rng.sample(kinds, 24):
            field = rng.choice(fields)
            data = data[:rng.choice((16, 24, 32, 64))]
            if len(data) + field['at'] % 4096 > 4096:
                continue
            at = physical(t, core, field['at'])
            copy.write(at, data)
            out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', f'explain {field["at"]:x}', timeout=60)
            copy.restore()
            said = out.json()[0]['result']['findings']
            total += 1
            if any(w in f['claim'] for w in words for f in said[:2]):
                named += 1
            else:
                wrong.append((name, data[:16].hex(), field['what'], [f['claim'] for f in said[:2]]))
    t.note(f'{named} of {total} payloads in fields named')
    t.ok(len(wrong) <= max(2, total * 0.2), f'{len(wrong)} of {total} not named: {wrong[:6]}')


@per_core(mutable, sanitized=True)
def neighbours(t, core):
    """Text that begins in the object before and ends in the field: an overflow of that neighbour."""
    found, rng = places(t, core), t.rng()
    tried = told = 0
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        for field in rng.sample(found['fields'], min(len(found['fields']), 60)):
            info = t.command(core, f'whatis {field["holder"]:x}')['kinds']
            slab = [k for k in info if k['kind'] == 'slab' and k.get('object')]
            if not slab or slab[0]['offset']:
                continue
            depth = field['at'] - field['holder']
            start = field['holder'] - 40
            if depth > 400 or field['holder'] % 4096 < slab[0]['size'] + 64 or \
                    (field['at'] + 8) // 4096 != start // 4096:
                continue
            data = (payloads.text(rng, 200).encode())[:40 + depth + 8]
            copy.write(physical(t, core, start), data)
            out = t.inquest('--json', '--no-vmlinux', copy.path, '-c', f'explain {field["at"]:x}', timeout=60)
            copy.restore()
            tried += 1
            said = out.json()[0]['result']['findings']
            told += any(f['id'] == 'heap.overflow' for f in said)
            if tried >= 6:
                break
    t.note(f'{told} of {tried} overflows told')
    t.ok(told >= tried * 0.6, f'{told} of {tried} overflows told')


@per_core(mutable, sanitized=True)
def freed_objects(t, core):
    """The links of free objects, as drgn follows them: their object is free, and they are the allocator's."""
    found = places(t, core)
    for free in t.sample(found['free'], 12):
        said = t.command(core, f'explain {free["link"]:x}')['findings']
        holder = [f for f in said if f['id'] == 'uaf.holder']
        t.ok(holder and f'{free["object"]:x}' in holder[0]['claim'] and free['cache'] in holder[0]['claim'],
             f'{free}: {[f["claim"] for f in said]}')


# ---- Crashes -------------------------------------------------------------------------------------

# Formats that their first four bytes tell; of others these are anything.
SHORT = ('usb.device usb.languages usb.string usb.cbw usb.csw elf gzip zip png jpeg gif bzip2 pdf class wasm wav http '
         'arp ipv4 xfs code').split()


def replaced(copy, memory, old, new):
    """All aligned words OLD of the dump become NEW: memory, saved registers, copies on the stack."""
    word, nr = struct.pack('<Q', old), 0
    for start, data in memory.runs:
        at = data.find(word)
        while at >= 0:
            if not (start + at) & 7:
                copy.write(start + at, struct.pack('<Q', new))
                nr += 1
            at = data.find(word, at + 1)
    return nr


@per_core(lambda c: re.match(r'(text-pointer|part-usb)(-\w+)?$', c.name), sanitized=True)
def crashes(t, core):
    """The pointer that a driver followed, replaced by other payloads everywhere: analyze names them."""
    facts, rng = core.truth['facts'], t.rng()
    field, old = int(facts['field'], 16), int(facts['new'], 16)
    whole = core.scenario.startswith('text-pointer')
    memory = raw_memory.Memory(core.vmcores)
    at = physical(t, core, field)
    named = total = unsure = 0
    wrong = []
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        kinds = [k for k in payloads.samples(rng) if len(k[2]) >= 8]
        kinds = [k for k in kinds if whole or k[0] in SHORT]
        for name, words, data in kinds if t.all else rng.sample(kinds, 12):
            data = data[:8 if not whole else rng.choice((16, 24))]
            new = struct.unpack('<Q', data[:8])[0] if whole else \
                old & ~0xffffffff | struct.unpack('<I', data[:4])[0]
            if whole and (kernel_pointer(new) or new >> 47 == 0):
                continue
            for offset in (0, 0x10, 0x18, 0x20):
                replaced(copy, memory, old + offset, new + offset & 2**64 - 1)
            if whole:
                copy.write(at, data)
            result = t.inquest('--json', '--no-vmlinux', copy.path, '-c', 'analyze', timeout=60).result()
            copy.restore()
            total += 1
            said = result['findings'] + result['alternatives']
            if any(w in f['claim'] for w in words for f in said):
                named += 1
                unsure += result['confidence'] not in ('certain', 'likely')
            else:
                wrong.append((name, data.hex(), [f['claim'] for f in said][:3]))
    t.note(f'{named} of {total} payloads named, {unsure} of them without a sure verdict')
    t.ok(len(wrong) <= max(2, total * 0.25), f'{len(wrong)} of {total} not named: {wrong[:6]}')


# ---- Sweeps --------------------------------------------------------------------------------------

@per_core(lambda c: c.whole() and not DAMAGED.search(c.name) and 'bench-64g' not in c.name, quick=12)
def healthy(t, core):
    result = t.inquest('--json', *t.dump_args(core), '-c', 'sweep', timeout=300).result()
    t.none([f['claim'] for f in result['findings'] if f['confidence'] in ('certain', 'likely')], 'findings')
    t.ok(result['checked']['slabs'] > 100 or not result['checked']['stacks'], f'only {result["checked"]}')


@per_core(lambda c: others.has_vmlinux(c) and re.match(r'sysrq(-\w+)?$', c.name), quick=3)
def healthy_code(t, core):
    result = t.command(core, 'sweep text', vmlinux=True)
    t.none([f['claim'] for f in result['findings']], 'code')
    t.ok((result['checked']['text_bytes'] or 0) > 8 << 20, f'only {result["checked"]}')


@per_core(mutable, sanitized=True)
def sweeps(t, core):
    """One damage, done at a place that drgn knows: found there, and nothing else."""
    found, rng = places(t, core), t.rng()
    node, stack = rng.choice(found['nodes']), rng.choice(found['stacks'])
    text = int(t.command(core, 'sym do_sys_poll', vmlinux=True)['symbols'][0]['address'], 16) + 48
    with tempfile.TemporaryDirectory() as d:
        copy = PatchedKdump(core, d)
        at = physical(t, core, text)
        code = copy.read(at, 1)[0]
        for what, address, data, words, args in (
                ('a next pointer', node['tasks'], struct.pack('<Q', 0xdead000000000100), 'init_task.tasks', []),
                ('a prev pointer', node['tasks'] + 8, struct.pack('<Q', node['next'] + 64), 'init_task.tasks', []),
                ("a stack's end", stack['at'], b'A' * 8, f'(pid {stack["pid"]})', []),
                ('a bit of code', text, bytes([code ^ 1 << rng.randrange(8)]), 'do_sys_poll', [core.vmlinux])):
            copy.write(physical(t, core, address), data)
            out = t.inquest('--json', *([] if args else ['--no-vmlinux']), copy.path, *args, '-c', 'sweep',
                            timeout=120)
            copy.restore()
            said = out.result()['findings']
            t.ok(any(words in f['claim'] for f in said), f'{what} at {address:x}: {[f["claim"] for f in said][:4]}')
            t.ok(len(said) <= 3, f'{what} at {address:x}: {len(said)} findings: {[f["claim"] for f in said][:4]}')


@test
def usage(t):
    """Words that explain and sweep do not take."""
    core = next((c for c in t.run.cores if c.name in ('sysrq.kdump', 'demo')), None)
    if not core:
        return t.note('skipped: no core')
    for command in ('explain', 'explain -b', 'explain -b 0g', 'explain -b 123', 'explain -x', 'sweep nonsense',
                    'explain 0'):
        answer = t.commands(core, command, check=False)[0]
        t.ok('error' in answer, f'{command}: {answer}')
