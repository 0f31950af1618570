# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole faults: dumps of crashes by a bad pointer, in which the pointer's field, the registers, the stack and the kernel's
last words are rewritten to what the machine would have left if another value had been there.  Where the field is and what
it had held, the lab's module has printed; formats and damages are made here, with nothing of inquest's own.

What is said of each is compared: class, culprit, the object that holds it and its state, and what was wrong with the
value; what is claimed instead counts as wrong."""
import re
import struct
import tempfile

from harness import per_core
from suite import payloads, raw_memory
from suite.patched_kdump import PatchedKdump
from suite.test_corruption import SHORT, kernel_pointer

WILD = re.compile(r'(flip-high|shifted|swapped|text-pointer)(-\w+)?$')         # not canonical
UNMAPPED = re.compile(r'(flip-middle|part-\w+?|err-ptr)(-bullseye|-trixie|-sid)?$')
RAM = 1 << 30       # more than the lab's guests have, less than what KASLR aligns the direct map to
MASK = 2**64 - 1

# What mutants may be right with, of all; the targets of what is measured.
CLASS, CULPRIT, FORMAT = 0.98, 0.9, 0.9


class Fault:
    """A dump whose fault can be moved to another value."""

    def __init__(self, core, folder):
        facts = core.truth['facts']
        self.core, self.field, self.old, self.new = core, *(int(facts[k], 16) for k in ('field', 'old', 'new'))
        reported = re.search(r'(?:for address|non-canonical address):? (?:0x)?(\w+)', core.serial())
        self.step = (int(reported[1], 16) - self.new) & MASK
        self.base = self.field & -RAM
        self.copy = PatchedKdump(core, folder)
        memory = raw_memory.Memory(core.vmcores)
        self.places = [(step, memory.find((self.new + step) & MASK))
                       for step in dict.fromkeys((0, self.step))]
        self.words = []
        for step, _ in self.places:
            text = b'%016x' % ((self.new + step) & MASK)
            for start, data in memory.runs:
                self.words += [(start + m.start(), step) for m in re.finditer(re.escape(text), data)]

    def is_mapped(self, value):
        """Could something be there?"""
        return self.base <= value < self.base + RAM

    def become(self, data):
        """DATA is in the field, and its first eight bytes are what was followed."""
        value = struct.unpack('<Q', data[:8])[0]
        for step, found in self.places:
            for at in found:
                self.copy.write(at, struct.pack('<Q', (value + step) & MASK))
        for at, step in self.words:
            text = b'%016x' % ((value + step) & MASK)
            room = raw_memory.PAGE - at % raw_memory.PAGE
            self.copy.write(at, text[:room])
        self.copy.write(self.field - self.base, data)
        return value


def wild(value):
    return 0xffff > value >> 48 > 0 and value >> 47 not in (0, 0x1ffff)


def damages_wild(rng, old):
    """(what, words one of which says it, bytes): pointers that are not canonical."""
    for bit in rng.sample(range(48, 63), 3):
        yield f'bit {bit}', (f'bit {bit} flipped',), struct.pack('<Q', old ^ 1 << bit)
    yield 'bytes exchanged', ('opposite order',), struct.pack('>Q', old)
    yield 'halves exchanged', ('halves exchanged',), struct.pack('<II', old >> 32, old & 0xffffffff)
    yield 'moved', ('moved by 1 byte',), struct.pack('<Q', old >> 8 | rng.randrange(1, 0x7f) << 56)
    yield 'moved by 2', ('moved by 2 bytes',), struct.pack('<Q', old >> 16 | rng.randrange(1, 0x7fff) << 48)
    yield 'list poison', ('LIST_POISON',), struct.pack('<Q', rng.choice((0xdead000000000100, 0xdead000000000122)))
    yield 'upper bytes', ('upper 2 bytes',), struct.pack('<Q', old & (1 << 48) - 1 | rng.randrange(1, 0x7fff) << 48)
    for name, words, data in payloads.samples(rng):
        # What ext4 and tar are known by is farther from their beginning than is written here.
        if len(data) >= 8 and name not in ('ext4', 'tar'):
            yield name, words, data[:rng.choice((16, 24, 24, 32))]


def damages_unmapped(rng, old):
    """Pointers of the kernel's half where nothing is mapped."""
    for bit in rng.sample(range(31, 46), 5):
        yield f'bit {bit}', (f'bit {bit} flipped',), struct.pack('<Q', old ^ 1 << bit)
    for error in rng.sample(range(32, 120), 2):
        yield 'an error', ('ERR_PTR(-',), struct.pack('<q', -error)
    for name, words, data in payloads.samples(rng):
        if name in SHORT and len(data) >= 4:
            yield name + ' (4 bytes)', words, data[:4] + struct.pack('<I', old >> 32)


def say(t, fault):
    return t.inquest('--json', '--no-vmlinux', fault.copy.path, '-c', 'analyze', timeout=60).result()


class Score:
    def __init__(self):
        self.total = self.unsure = 0
        self.missed = {k: [] for k in ('class', 'culprit', 'object', 'format', 'wrong', 'wrong and certain')}

    def add(self, core, what, words, value, data, r):
        facts = core.truth['facts']
        culprit, self.total = r['culprit'] or {}, self.total + 1
        place = culprit.get('object') or {}
        findings = r['findings'] + r['alternatives']
        causes = [f for f in r['findings'] if f['cause']]
        named = [f for f in findings if any(w in f['claim'] for w in words)]
        others = [f for f in causes if f not in named and f['confidence'] in ('certain', 'likely')]
        wrong = others if not named or (causes and causes[0] in others) else []

        def check(name, ok, got):
            if not ok:
                self.missed[name].append((core.name, what, data.hex(), got))
        check('class', r['class'] == core.truth['class'], r['class'])
        check('culprit', culprit.get('address') == hex(int(facts['field'], 16)) and culprit.get('value') == hex(value),
              (culprit.get('address'), culprit.get('value')))
        check('object', (place.get('cache'), place.get('state')) == (facts['cache'], facts['state']) and
              place.get('object') == hex(int(facts['object'], 16)), place.get('cache'))
        check('format', named, [(f['confidence'], f['claim'][-90:]) for f in findings][:3])
        check('wrong', not wrong, [f['claim'][-90:] for f in wrong])
        check('wrong and certain', not any(f['confidence'] == 'certain' for f in wrong), [f['claim'][-90:] for f in wrong])
        self.unsure += r['confidence'] not in ('certain', 'likely')

    def report(self, t):
        for name, missed in self.missed.items():
            n = len(missed) if name.startswith('wrong') else self.total - len(missed)
            t.note(f'{name} {n}/{self.total}')
            if missed and t.all:
                t.note(f'  {missed}')
        t.note(f'without a sure verdict {self.unsure}/{self.total}')
        # Of few samples a share says little.
        for name, least, few in (('class', CLASS, 1), ('culprit', CULPRIT, 1), ('object', CULPRIT, 1), ('format', FORMAT, 2)):
            missed = self.missed[name]
            t.ok(len(missed) <= max(few, (1 - least) * self.total), f'{name}: {len(missed)} of {self.total}: {missed[:6]}')
        t.none(self.missed['wrong and certain'], 'wrong and certain', self.total)
        t.ok(len(self.missed['wrong']) <= max(1, self.total * 0.05), f'wrong: {self.missed["wrong"][:6]}')


def usable(c):
    return c.whole() and c.format == 'zlib' and (WILD.match(c.name) or UNMAPPED.match(c.name)) and \
        {'field', 'old', 'new', 'object', 'cache'} <= set(c.truth.get('facts') or {})


@per_core(usable, quick=4, sanitized=True)
def values(t, core):
    rng, score = t.rng(), Score()
    with tempfile.TemporaryDirectory() as folder:
        fault = Fault(core, folder)
        if not t.ok(fault.places[0][1], f'{fault.new:#x} is nowhere in the dump'):
            return
        made = []
        for what, words, data in (damages_wild if WILD.match(core.name) else damages_unmapped)(rng, fault.old):
            value = struct.unpack('<Q', data[:8])[0]
            if WILD.match(core.name):
                if not wild(value):
                    continue
            elif not kernel_pointer(value) or fault.is_mapped(value):
                continue
            made.append((what, words, data))
        for what, words, data in made if t.all else rng.sample(made, min(14, len(made))):
            value = fault.become(data)
            score.add(core, what, words, value, data, say(t, fault))
            fault.copy.restore()
    score.report(t)
