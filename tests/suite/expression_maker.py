# SPDX-License-Identifier: GPL-2.0-or-later
"""Random expressions of C: numbers, and paths through a kernel's types and objects."""

INTS = ['char', 'signed char', 'unsigned char', 'short', 'unsigned short', 'int', 'unsigned int', 'unsigned', 'long',
        'unsigned long', 'long long', 'unsigned long long', 'long unsigned int', 'unsigned short int', 'short int']
CHARS = ["'a'", "'\\n'", "'0'", "'\\377'", "'\\x41'", "'\\''", "'\\\\'", "'Z'", "'\"'"]


class Numbers:
    """Arithmetic.  MIXED: with what gdb has its own ideas of, against C: it takes an arm of ?: with its type as it is,
    and its sizeof is an int."""

    def __init__(self, rng, mixed, leaves=(), depth=4):
        self.rng, self.mixed, self.leaves, self.depth = rng, mixed, list(leaves), depth

    def literal(self):
        r = self.rng
        n = r.choice([r.randrange(10), r.randrange(256), r.randrange(1 << 16), r.randrange(1 << 31), r.randrange(1 << 32),
                      r.randrange(1 << 63), r.randrange(1 << 64), (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32,
                      (1 << 63) - 1, 0, 1])
        form = r.choice(['{}', '{:#x}', '0{:o}'])
        if form == '{}':
            n %= 1 << 63        # C has no type for more
        if form == '0{:o}' and not n:
            form = '{}'
        return form.format(n) + r.choice(['', '', '', 'u', 'U', 'l', 'UL', 'ul', 'lu', 'LL', 'ull'])

    def leaf(self):
        r = self.rng
        k = r.randrange(10)
        if k < 5 or (k > 7 and not self.leaves):
            return self.literal()
        if k == 5:
            return r.choice(CHARS)
        cast = '' if self.mixed else '(unsigned long)'
        if k == 6:
            return cast + f'sizeof({r.choice(INTS)})'
        if k == 7:
            return cast + r.choice(['sizeof 1', "sizeof(1L)", 'sizeof(int *)', 'sizeof(long [3])', 'sizeof(char [2][5])',
                             'sizeof(int (*)(void))', 'sizeof(1 + 1L)', 'sizeof((char)1 + (char)1)', 'sizeof(-(short)1)'])
        return r.choice(self.leaves)

    def number(self, depth=0):
        r = self.rng
        if depth >= self.depth or r.random() < .2:
            return self.leaf()
        k = r.randrange(14)
        a = self.number(depth + 1)
        if k == 0:
            return f'{r.choice("-~!+")}({a})'
        if k == 1:
            return f'({r.choice(INTS)})({a})'
        if k == 2:
            return f'({a})'
        b = self.number(depth + 1)
        if k == 3:
            if self.mixed:
                return f'({a} ? {b} : {self.leaf()})'
            t = r.choice(['int', 'unsigned', 'long', 'unsigned long'])
            return f'({a} ? ({t})({b}) : ({t})({self.leaf()}))'
        if k == 4:
            return f'(({a}) {r.choice(["<<", ">>"])} (({b}) & 15))'
        if k == 5:
            return f'({a} {r.choice(["&&", "||"])} {b})'
        if k == 6:
            return f'({a} {r.choice(["==", "!=", "<", ">", "<=", ">="])} {b})'
        if k == 7:
            return f'({a}, {b})'
        op = r.choice(['+', '-', '*', '/', '%', '&', '|', '^'])
        return f'{a} {op} {b}' if r.random() < .5 else f'({a}) {op} ({b})'


class Types:
    """Paths of members of a kernel's structs.  STRUCTS: {"struct foo": [member as struct NAME --json has it]}."""

    def __init__(self, rng, structs, enums):
        self.rng, self.structs, self.enums = rng, structs, enums

    def path(self, name, bitfields=False, stop=.4):
        """A path of members from struct NAME and the type of what it ends at."""
        r = self.rng
        path, type_ = '', name
        while True:
            m = r.choice(self.structs[type_])
            if 'bit_size' in m and not bitfields:
                return (path, type_) if path else self.path(name, bitfields, stop)
            while m['name'] is None:
                if not m.get('members'):
                    return (path, type_) if path else self.path(name, bitfields, stop)
                m = r.choice(m['members'])
            if 'bit_size' in m and not bitfields:
                return (path, type_) if path else self.path(name, bitfields, stop)
            path += ('.' if path else '') + m['name']
            type_ = m['type']
            if '[' in type_ and '(' not in type_ and r.random() < .7:
                base, counts = type_.split('[', 1)[0].rstrip(), type_[type_.index('['):]
                if '[]' not in counts and '[0]' not in counts:
                    sizes = [int(c) for c in counts[1:-1].split('][')]
                    path += ''.join(f'[{r.randrange(n)}]' for n in sizes)
                    type_ = base
            if type_ not in self.structs or r.random() < stop:
                return path, type_

    def chain(self, start, type_, steps, bitfields=True):
        """An lvalue reached from START, of struct TYPE_, through pointers to structs that are known, and its type."""
        r = self.rng
        text = start
        for _ in range(steps):
            for _ in range(20):
                path, to = self.path(type_, bitfields=True)
                if to.endswith(' *') and to[:-2] in self.structs and to.count('*') == 1:
                    text, type_ = f'{text}.{path}', to[:-2]
                    text = f'(*{text})'
                    break
            else:
                break
        path, to = self.path(type_, bitfields=bitfields)
        return f'{text}.{path}', to
