# SPDX-License-Identifier: GPL-2.0-or-later
"""What bpftool, pahole and crash say about types, in a form that can be compared."""
import collections
import functools
import re

from harness import Failed
from suite import others

WORDS = {'signed', 'unsigned', 'long', 'short', 'int', 'char'}
MARK = 424200000


def words(text):
    """gcc's spelling and gdb's of an arithmetic type are one."""
    def arithmetic(m):
        w = m.group(0).split()
        long = w.count('long')
        if 'char' in w:
            return ' '.join(x for x in ('signed' if 'signed' in w else 'unsigned' if 'unsigned' in w else '',
                                        'char') if x)
        return ('unsigned ' if 'unsigned' in w else '') + \
            ('short' if 'short' in w else 'long long' if long == 2 else 'long' if long else 'int')
    text = text.replace('__int128 unsigned', 'unsigned __int128')
    return re.sub(r'\b(?:%s)(?:\s+(?:%s))*\b(?! __int128)' % ('|'.join(WORDS), '|'.join(WORDS)), arithmetic, text)


def one_dimension(text):
    """Up to 6.x pahole, which writes BTF, made one dimension of several."""
    def product(m):
        numbers = [int(n) for n in re.findall(r'\d+', m.group(0))]
        return '[%d]' % functools.reduce(lambda a, b: a * b, numbers)
    return re.sub(r'(?:\[\d+\]){2,}', product, text)


# ---- bpftool: the records of BTF ---------------------------------------------------------------

class Btf:
    """All types of a file's BTF as bpftool lists them."""

    def __init__(self, text):
        self.types = {}
        self.signs = 'encoding=SIGNED size' in ''.join(l for l in text.splitlines() if ' ENUM ' in l)
        at = None
        for line in text.splitlines():
            m = re.match(r"\[(\d+)\] (\w+) '(.*?)'(.*)$", line)
            if m:
                at = {'kind': m.group(2), 'name': '' if m.group(3) == '(anon)' else m.group(3), 'items': []}
                at.update((k, int(v)) for k, v in re.findall(r'(\w+)=(-?\d+)', m.group(4)))
                self.types[int(m.group(1))] = at
                continue
            m = re.match(r"\t'(.*?)' type_id=(\d+) bits_offset=(\d+)(?: bitfield_size=(\d+))?$", line)
            if m:
                name = '' if m.group(1) == '(anon)' else m.group(1)
                at['items'].append((name, int(m.group(2)), int(m.group(3)), int(m.group(4) or 0)))
                continue
            m = re.match(r"\t'(.*?)' val=(-?\d+)(?:U?L?L)?$", line)
            if m:
                at['items'].append((m.group(1), int(m.group(2))))

    def plain(self, number):
        """Without qualifiers and tags."""
        t = self.types.get(number)
        while t and t['kind'] in ('CONST', 'VOLATILE', 'RESTRICT', 'TYPE_TAG'):
            t = self.types.get(t['type_id'])
        return t

    def members(self, t, base=0):
        """[(name, bit offset, bit size)]; those of nameless structs and unions with them, as C has it."""
        found = []
        for name, number, offset, bits in t['items']:
            inner = self.plain(number)
            found.append((name, base + offset, bits))
            if not name and inner and inner['kind'] in ('STRUCT', 'UNION'):
                found += self.members(inner, base + offset)
        return found

    def layouts(self):
        """{'struct name': {(size, members)}}: sets, for names need not be unique."""
        found = collections.defaultdict(set)
        for t in self.types.values():
            if t['kind'] in ('STRUCT', 'UNION') and t['name']:
                found[f"{t['kind'].lower()} {t['name']}"].add((t['size'], tuple(self.members(t))))
        return found

    def enums(self):
        """{name: {((constant, value), ...)}}, under '' those without a name."""
        found = collections.defaultdict(set)
        for t in self.types.values():
            if t['kind'] in ('ENUM', 'ENUM64') and t['items']:
                found[t['name']].add(tuple(t['items']))
        return found

    # What `whatis -r` and `whatis -m` are to find.

    def has_member_of(self, t, part, depth=0):
        """A member whose type, without one dimension and one pointer, has PART in its name; also members of
        structs and unions inside."""
        for _, number, _, _ in t['items']:
            m = self.plain(number)
            if m and m['kind'] == 'ARRAY':
                m = self.plain(m['type_id'])
            if m and m['kind'] in ('STRUCT', 'UNION') and depth < 16 and self.has_member_of(m, part, depth + 1):
                return True
            if m and m['kind'] == 'PTR':
                m = self.plain(m['type_id'])
            if m and m['name'] and m['kind'] != 'FUNC_PROTO' and part in words(m['name']):
                return True
        return False

    def search(self, low=0, high=1 << 63, part=None):
        """{(size, name)} of named structs, unions, enums, arithmetic types, and of typedefs that name what
        has no name itself."""
        found = set()
        for t in self.types.values():
            target = t
            if t['kind'] == 'TYPEDEF':
                target = self.plain(t['type_id'])
                if not target or target['name'] or target['kind'] not in ('STRUCT', 'UNION', 'ENUM', 'ENUM64'):
                    continue
            elif not t['name'] or t['kind'] not in ('STRUCT', 'UNION', 'ENUM', 'ENUM64', 'INT', 'FLOAT'):
                continue
            if not low <= target.get('size', 0) <= high:
                continue
            if part is not None and (target['kind'] not in ('STRUCT', 'UNION') or
                                     not self.has_member_of(target, part)):
                continue
            found.add((target['size'], words(t['name'])))
        return found


def btf(t, path):
    return others.once(('btf', path), lambda: Btf(t.sh(['bpftool', 'btf', 'dump', 'file', path]).out))


# ---- pahole: the text ---------------------------------------------------------------------------

def pahole_blocks(text):
    """{'struct name': [lines]} of pahole's output, or of ours."""
    found, lines = collections.defaultdict(list), None
    for line in text.splitlines():
        m = re.match(r'((?:struct|union) \w+) \{$', line)
        if m:
            lines = []
            found[m.group(1)].append(lines)
        elif re.match(r'\S', line):
            lines = None
        elif lines is not None and line.strip():
            lines.append(line)
    return found


def pahole_line(line):
    """What is not compared: blanks, qualifiers, attributes that pahole concludes from the layout, bitfields without
    a name that it invents to fill gaps; and a pointer to an array, which it shows as one to the element."""
    if re.search(r'forced alignments|Force (alignment|padding)|Bitfield combined', line) or \
       re.match(r'\t+[\w ]+?\s*:\d+;', line):
        return None
    line = re.sub(r'__attribute__\(\(.*?\)\)+', '', line)
    line = re.sub(r'(\w+) *\(\*(\w+)\)(\[\d*\])+;', r'\1 *\2;', line)
    line = words(line).replace('[0]', '[]')
    line = re.sub(r'\b(const|volatile|restrict)\b', '', one_dimension(line))
    return re.sub(r'\s+', '', line)


def pahole_lines(lines):
    return [x for x in map(pahole_line, lines) if x]


def pahole(t, path, source):
    return others.once(('pahole', path, source), lambda: {
        name: [pahole_lines(x) for x in blocks] for name, blocks in pahole_blocks(t.sh(
            ['pahole', '-F', source, path], check=False, timeout=900).out).items()})


# ---- Answers to many commands -------------------------------------------------------------------

def script(commands):
    lines = []
    for i, c in enumerate(commands):
        lines += [f'p {MARK + i}', c]
    return '\n'.join(lines + [f'p {MARK + len(commands)}', ''])


def answers(text, commands):
    """What was printed between the marks: {command: text}."""
    blocks = re.split(r'^.*= (4242\d{5})$', text, flags=re.M)
    return {commands[int(n) - MARK]: b.lstrip('\n') for n, b in zip(blocks[1::2], blocks[2::2])
            if int(n) - MARK < len(commands)}


def ask(t, core, commands, *options, vmlinux=False):
    out = t.inquest('-s', *t.dump_args(core, vmlinux), *options, stdin=script(commands).encode(),
                    check=False, timeout=300)
    found = answers(out.out, commands)
    if len(found) != len(set(commands)):
        raise Failed(f'{len(set(commands))} commands, {len(found)} answers: {out.err[-300:]}')
    return found


def ask_crash(t, core, commands):
    out = t.sh([*others.crash_program(core), '-s', core.vmlinux, core.vmcore],
               stdin='set scroll off\n' + script(commands) + 'exit\n', check=False, timeout=900)
    return answers(out.out, commands)
