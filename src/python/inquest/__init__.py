# SPDX-License-Identifier: GPL-2.0-or-later
"""Crash dumps of Linux kernels in Python, through the program inquest: docs/python.md.

The dump is read by an `inquest --json` of its own, in its sandbox, not in this process: a damaged dump, or one made
to do harm, gives wrong data at worst.  A question is a line to that process and an answer of one line, some tens of microseconds.
"""
import json
import os
import re
import subprocess
import threading

__all__ = ['Error', 'MemberError', 'Frame', 'Object', 'Program', 'Task', 'open']

# Types that may be written into an expression.  Their names come from the dump: nothing that cuts a line is in here.
SAFE_TYPE = re.compile(r'[\w \t*\[\](),.]+\Z', re.ASCII)
SAFE_WORD = re.compile(r'[\w.:+-]+\Z', re.ASCII)
READ_MOST = 1 << 16


class Error(Exception):
    """What inquest could not do, in its words; `hint` is the next step, or None."""

    def __init__(self, message, hint=None):
        super().__init__(message)
        self.hint = hint


class MemberError(Error, AttributeError):
    """There is no member of this name."""


def _checked(expression):
    """EXPRESSION, if it is one: it is put in parentheses, where | and ; and > belong to C."""
    depth, quote, escaped = 0, None, False
    for c in expression:
        if quote:
            quote = None if c == quote and not escaped else quote
            escaped = c == '\\' and not escaped
        elif c in '"\'':
            quote = c
        else:
            depth += (c in '([{') - (c in ')]}')
        if depth < 0 or ord(c) < 32:
            break
    if depth or quote or not expression.strip() or not expression.isprintable():
        raise Error(f'not an expression: {expression!r}')
    return expression


def _pointee(pointer):
    """The type that a pointer of this type points to: "char (*)[16]" to "char [16]"."""
    inner = re.search(r'\((\*+)([^()]*)\)', pointer)
    if inner:
        stars = inner.group(1)[1:] + inner.group(2)
        return pointer[:inner.start()] + (f'({stars})' if stars else '') + pointer[inner.end():]
    head, _, tail = pointer.rpartition('*')
    return head.rstrip() if head.endswith(' ') and not tail else head


class Frame:
    """One frame of a stack; `info` is all that `bt` says of it."""

    def __init__(self, info):
        self.info = info
        self.n, self.name, self.offset = info['n'], info['function'], info['offset']
        self.pc, self.sp = int(info['ip'], 16), int(info['sp'], 16)
        self.module, self.file, self.line = info['module'], info['file'], info['line']
        self.reliable, self.context = info['reliable'], info['context']
        self.args = {x['name']: x['value'] for x in info['args']}
        self.locals = {x['name']: x['value'] for x in info['locals']}

    def __repr__(self):
        if not self.name:
            return f'#{self.n} {self.pc:#x}'
        # What was inlined has no address of its own.
        return f'#{self.n} {self.name}' + (f'+{self.offset}' if self.offset is not None else '')


class Object:
    """A value of the kernel's: members are attributes, elements have indexes, numbers and pointers are int()s.

    What is called as something in Python is reached by member_(); names of its own end with an underscore.
    """

    def __init__(self, program, expression):
        self._program, self._shown = program, None
        address = program._ask(f'p (&({expression}))', optional=True)
        self._pointer = address and address['type']
        self.address_ = None
        if self._pointer:
            self.address_ = int(address['value'], 16)
            if SAFE_TYPE.match(self._pointer) and '...' not in self._pointer:
                expression = f'*({self._pointer})0x{self.address_:x}'
        self._expression = f'({expression})'
        if not self._pointer:
            self._show()

    # ---- What it is

    def _show(self):
        if not self._shown:
            self._shown = self._program._ask(f'p {self._expression}')
        return self._shown

    @property
    def type_(self):
        """Its type, as C writes it; None: a number without one."""
        return _pointee(self._pointer) if self._pointer and not self._shown else self._show()['type']

    def value_(self):
        """As JSON has it: numbers, text, lists; structs as a list of members."""
        return self._show()['value']

    def string_(self):
        """The text of an array of characters, or at a pointer to some, up to the NUL."""
        if not self._is_text():
            return self._program.string(int(self))
        # A long one is not shown as a whole.
        if self.address_ is not None and (self._count() or 0) > 200:
            return self._program.string(self.address_, self._count())
        return self.value_().split('\0')[0]

    def _is_text(self):
        return isinstance(self.value_(), str) and re.search(r'\bchar \[\d*\]\Z', self.type_ or '') is not None

    def _number(self):
        """The value as a number, or None."""
        shown = self._show()
        value, kind = shown['value'], shown['type'] or ''
        if isinstance(value, int):
            return int(value)
        if self._is_text() or not isinstance(value, str):
            return None
        if not value.startswith(('0x', '-0x')):
            return self._program.eval(f'(long)({self._expression})')    # the name of an enumerator
        # An integer too large for JSON's readers; those with a sign stand in the text.
        text = shown['text'].split()[0]
        return int(text, 0) if re.match(r'-?(0x[0-9a-f]+|[0-9]+)\Z', text) and '*' not in kind else int(value, 16)

    def __int__(self):
        number = self._number()
        if number is None:
            if self.address_ is None:
                raise TypeError(f'{self.type_} is no number')
            return self.address_
        return number

    __index__ = __int__

    def __bool__(self):
        return int(self) != 0

    def __eq__(self, other):
        if isinstance(other, str):
            return self.string_() == other
        return int(self) == int(other) if isinstance(other, (int, Object)) else NotImplemented

    def __lt__(self, other):
        return int(self) < int(other)

    def __le__(self, other):
        return int(self) <= int(other)

    def __gt__(self, other):
        return int(self) > int(other)

    def __ge__(self, other):
        return int(self) >= int(other)

    def __hash__(self):
        return hash(int(self))

    def __and__(self, other):
        return int(self) & int(other)

    def __or__(self, other):
        return int(self) | int(other)

    def __rshift__(self, other):
        return int(self) >> int(other)

    def __lshift__(self, other):
        return int(self) << int(other)

    def __add__(self, other):
        """As C has it: a pointer plus a number counts elements."""
        return self._program[f'{self._expression} + ({int(other)})']

    def __sub__(self, other):
        return self._program[f'{self._expression} - ({other._expression if isinstance(other, Object) else int(other)})']

    def __str__(self):
        return self.string_() if self._is_text() else self._show()['text']

    def __repr__(self):
        return f'<{self.type_} at {self.address_:#x}>' if self.address_ is not None else f'<{self.type_} {self}>'

    # ---- What it leads to

    def __getattr__(self, name):
        if name.startswith('__') and name.endswith('__'):
            raise AttributeError(name)
        return self.member_(name)

    def member_(self, name):
        """Member NAME of a struct or union, or of the one a pointer leads to."""
        if not re.match(r'[A-Za-z_]\w*\Z', name, re.ASCII):
            raise MemberError(f'not a name: {name!r}')
        try:
            return Object(self._program, f'{self._expression}.{name}')
        except Error as e:
            if f'has no member {name}' in str(e) or 'members' in str(e):
                raise MemberError(str(e), e.hint) from None
            raise

    def __getitem__(self, index):
        if isinstance(index, str):
            return self.member_(index)
        if self._is_array() and not -len(self) <= index < len(self):
            raise IndexError(index)
        return Object(self._program, f'{self._expression}[{index + len(self) if self._is_array() and index < 0 else index}]')

    def _is_array(self):
        return self._count() is not None

    def _count(self):
        found = re.search(r'\[(\d+)\]', self.type_ or '')
        return int(found.group(1)) if found and '(' not in self.type_ else None

    def __len__(self):
        count = self._count()
        if count is None:
            raise TypeError(f'{self.type_} has no length')
        return count

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def deref_(self):
        return Object(self._program, f'*{self._expression}')

    def address_of_(self):
        return Object(self._program, f'&{self._expression}')

    def cast_(self, to):
        """The same as another type: cast_('struct task_struct *')."""
        return Object(self._program, f'({_checked(to)}){self._expression}')


class Task(Object):
    """A task_struct; `info` is what `ps` says of it, of which pid and comm are as in Python."""

    def __init__(self, program, info):
        super().__init__(program, f'*(struct task_struct *){info["task"]}')
        self.info, self.pid, self.comm = info, info['pid'], info['comm']

    def __repr__(self):
        return f'<task {self.pid} {self.comm!r}>'


class Program:
    """A dump that was opened.  Also a context manager, that closes it."""

    def __init__(self, *files, vmlinux=None, program=None, options=()):
        program = program or os.environ.get('INQUEST', 'inquest')
        args = [program, '--json', '-s', '--no-rc', *options, *map(os.fspath, files)]
        args += [os.fspath(vmlinux)] if vmlinux else []
        self.warnings = []      # what was met on the way, newest last
        self._lock, self._turn, self._in_step = threading.Lock(), 0, False
        # Ctrl-C is Python's: that of the whole terminal would end the other process.
        self._process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        try:
            self.command('')
        except BaseException:
            self.close()
            raise

    def close(self):
        for f in (self._process.stdin, self._process.stdout):
            try:
                f.close()
            except OSError:
                pass
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()

    # ---- The other process

    def _write(self, text):
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except (OSError, ValueError):
            pass    # it has ended: what it said last says why

    def _read(self):
        text = self._process.stdout.readline() if not self._process.stdout.closed else b''
        if not text:
            raise Error('inquest has ended')
        return json.loads(text)

    def _exchange(self, line):
        """The objects that LINE is answered with: those up to the answer to a mark behind it."""
        with self._lock:
            self._turn += 1
            mark = f'p "inquest.py {self._turn}"'
            self._write(f'{line}\n{mark}\n')
            answers = []
            while True:
                try:
                    answer = self._read()
                except Error:
                    if answers and 'error' in answers[-1]:
                        return answers
                    raise
                command = answer.get('command') or ''
                if command == mark:
                    self._in_step = True
                    return answers
                # Those of a question whose answer was interrupted are nobody's.
                answers = [] if command.startswith('p "inquest.py ') else answers + [answer]

    def _one(self, line):
        """The answer to LINE, one command whose words are known to be harmless: it needs no mark."""
        with self._lock:
            self._in_step = False   # until the answer is there: Ctrl-C may come before it
            self._write(f'{line}\n')
            answer = self._read()
            self._in_step = answer.get('command') == line
        if not self._in_step:
            raise Error(f'the answer to {line!r} is one to {answer.get("command")!r}')
        return answer

    def _result(self, answer):
        self.warnings += answer['warnings']
        if 'error' in answer:
            raise Error(answer['error']['message'], answer['error']['hint'])
        return answer['result']

    def _ask(self, line, optional=False):
        """The result of one command; with OPTIONAL None if it is that something has no address."""
        if not self._in_step:
            self._exchange('')
        answer = self._one(line)
        if optional and 'has no address' in answer.get('error', {}).get('message', ''):
            return None
        return self._result(answer)

    def command(self, line):
        """The result of a command as at the prompt, as docs/json.md has it; of several a list."""
        if '\n' in line:
            raise Error('a command is one line')
        results = [self._result(x) for x in self._exchange(line)]
        return results[0] if len(results) == 1 else results or None

    # ---- Values

    def __getitem__(self, expression):
        """A symbol, or any expression of C."""
        return Object(self, _checked(expression))

    def eval(self, expression):
        """An expression as a number."""
        return int(self[expression])

    def object(self, kind, address):
        """What lies at ADDRESS, as KIND: object('struct page', 0xffff…)."""
        return self[f'*({kind} *)0x{int(address):x}']

    def read(self, address, size):
        """SIZE bytes of kernel memory."""
        data, address = b'', int(address)
        while len(data) < size:
            n = min(size - len(data), READ_MOST)
            width = 8 if n >= 8 else 1
            words = self._ask(f'rd -{8 * width} 0x{address + len(data):x} {n // width}')['words']
            if not words or any(x['value'] is None for x in words):
                raise Error(f'cannot read all of {n} bytes at {address + len(data):#x}')
            data += b''.join(int(x['value'], 16).to_bytes(width, 'little') for x in words)
        return data

    def string(self, address, most=4096):
        """The bytes from ADDRESS to the NUL, each a character if they are no UTF-8."""
        data = b''
        while b'\0' not in data and len(data) < most:
            at = int(address) + len(data)
            data += self.read(at, min(most - len(data), 256 - at % 256))    # not over the end of a page
        data = data.split(b'\0')[0]
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data.decode('latin-1')

    def symbol(self, name):
        """A symbol by name or address, as `sym` has it, `address` as a number."""
        word = f'{name:x}' if isinstance(name, int) else name
        if not SAFE_WORD.match(word):
            raise Error(f'not a symbol: {word!r}')
        found = dict(self._ask(f'sym {word}')['symbols'][0])
        found['address'] = int(found['address'], 16)
        return found

    # ---- What a kernel is made of

    def tasks(self):
        """All tasks, in the order of ps."""
        for info in self._ask('ps')['tasks']:
            yield Task(self, info)

    def task(self, pid):
        return Task(self, self._ask(f'ps {int(pid)}')['tasks'][0])

    def stack(self, task, variables=False):
        """Frames of a task, innermost first: a Task, a pid, or a task_struct.  With VARIABLES their args and locals."""
        if isinstance(task, Object):
            word = f'{task.address_ if "*" not in task.type_ else int(task):x}'
        else:
            word = str(int(task))
        return [Frame(x) for x in self._ask(f'bt {"-V " if variables else ""}{word}')['tasks'][0]['frames']]

    def list(self, head, kind, member):
        """Each KIND ("struct super_block") that MEMBER links into the list of the list_head HEAD."""
        end = head.address_ if isinstance(head, Object) and '*' not in head.type_ else int(head)
        seen, at = set(), int(self.object('struct list_head', end).next)
        while at != end:
            if at in seen:
                raise Error(f'the list at {end:#x} runs in a circle at {at:#x}')
            seen.add(at)
            yield self[f'*container_of((struct list_head *)0x{at:x}, {_checked(kind)}, {_checked(member)})']
            at = int(self.object('struct list_head', at).next)

    def slab_caches(self):
        """The slab caches, as `kmem -s` has them."""
        return self._ask('kmem -s')['caches']

    def slab_objects(self, cache, kind=None):
        """The addresses of the allocated objects of a cache, by its name or address; with KIND the objects."""
        word = f'{cache:x}' if isinstance(cache, int) else cache
        if not SAFE_WORD.match(word):
            raise Error(f'not the name of a cache: {word!r}')
        for c in self._ask(f'kmem -S {word}')['caches']:
            for slab in c['slab_list']:
                start = int(slab['memory'], 16)
                # The middle of each: where in its place an object begins depends on the kernel's debugging.
                words = [f'{start + i * c["size"] + c["size"] // 2:x}' for i in range(slab['objects'] or 0)]
                for i in range(0, len(words), 128):
                    found = self._ask('kmem ' + ' '.join(words[i:i + 128]))
                    for x in (x for one in found.get('addresses', [found]) for x in one['kinds']):
                        if x['kind'] == 'slab' and x['state'] == 'allocated':
                            at = int(x['object'], 16)
                            yield self.object(kind, at) if kind else at

    def page(self, address):
        """The struct page of an address: virtual, physical, or of the page itself."""
        return self.object('struct page', int(self._ask(f'kmem -p {int(address):x}')['pages'][0]['page'], 16))

    def whatis(self, address):
        """What an address is, as `whatis` has it."""
        return self._ask(f'whatis 0x{int(address):x}')

    def search(self, value):
        """The addresses of kernel memory that hold this word."""
        return [int(x['address'], 16) for x in self._ask(f'search -k 0x{int(value):x}')['hits']]


def open(*files, vmlinux=None, program=None, options=()):
    """Open a dump.  PROGRAM is the inquest to use, $INQUEST or the one in $PATH; OPTIONS are for its command line."""
    return Program(*files, vmlinux=vmlinux, program=program, options=options)
