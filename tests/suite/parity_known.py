# SPDX-License-Identifier: GPL-2.0-or-later
"""Where crash 9 and inquest print something else on purpose, and why: docs/crash-parity.md is made from this."""
import re

# Of the lines that have no known reason to differ.  98 % is wanted, and measured (docs/crash-parity.md); a process
# that another seed draws can make two or three lines more differ.
TARGET = 0.97


def drop(pattern):
    """Lines of OURS that crash does not have."""
    return lambda a, b: (a, [l for l in b if not re.search(pattern, l)])


def cut(pattern, by=''):
    """Parts of lines, of either."""
    return lambda a, b: ([re.sub(pattern, by, l).strip() for l in a], [re.sub(pattern, by, l).strip() for l in b])


def without(pattern):
    """Lines of either."""
    return lambda a, b: ([l for l in a if not re.search(pattern, l)], [l for l in b if not re.search(pattern, l)])


def unordered(a, b):
    return sorted(a), sorted(b)


def part_of_theirs(a, b):
    """All of OURS are among THEIRS, and there are some."""
    theirs = {l.rstrip('.') for l in a}
    return (b, b) if b and {l.rstrip('.') for l in b} <= theirs else (a, b)


def allocated_by_two(a, b):
    """The rows of kmem -s, of which at most two differ, and those in the column ALLOCATED alone."""
    a, b = [l for l in a if '[IGNORED]' not in l], [l for l in b if '[IGNORED]' not in l]
    rows = [(x.split(), y.split()) for x, y in zip(a, b)]
    differ = [(x, y) for x, y in rows if x != y]
    same = len(a) == len(b) and len(differ) <= 2 and all(x[:2] + x[3:] == y[:2] + y[3:] for x, y in differ)
    return (a, a) if same else (a, b)


def swapped(a, b):
    """The words of rd -N, whose bytes crash leaves as they are."""
    def turn(line):
        return re.sub(r'\b[0-9a-f]{16}\b(?!:)', lambda m: bytes.fromhex(m.group())[::-1].hex(), line)
    return [turn(l) for l in a], b


def until_stacks(lines):
    return lines[:next((i for i, l in enumerate(lines) if 'STACK' in l), len(lines))]


def both(*steps):
    def all_of(a, b):
        for step in steps:
            a, b = step(a, b)
        return a, b
    return all_of


def as_words(a, b):
    return ' '.join(a).split(), ' '.join(b).split()


PATHS = cut(r'(debian/build/[^/]+/|\.\./)(?=[a-z])')
IDLE = cut(r'\((\d+) of (\d+)\)', r'(n of \2)')
REFUSED = re.compile(r'invalid|not (found|supported|accessible|applicable|exist)|does not|cannot|Usage:|no such|'
                     r'only applicable|request failed|must supply|option -- |(none found)|is empty|^0x[0-9a-f]+:$|^struct \w+$')

# (pattern of the command, what makes the two equal, why)
KNOWN = [
    (r'ascii', both(cut("[`'_-]"), as_words), "crash's table has ' and _ where ` and - are"),
    (r'bt -l .*', both(drop(r'^\(inlined\)'), without(r'\.[chS]: \d+$'), cut(r'__(x64|do|se)_sys_')),
     'lines are those of the calls, and of the functions inlined there; in crash those of the return addresses'),
    (r'sym [0-9a-f]{16}', both(PATHS, lambda a, b: (a[:1], b[:1])), 'inlined functions have lines of their own'),
    (r'(sym|kmem|bt -l|sys -c|dis) .*', both(PATHS, drop(r'^\(inlined\)')),
     'source files are named from the top of the kernel tree, not from where the package was built; '
     'inlined functions have lines of their own'),
    (r'sym -[ql] .*', both(without(r'__(crc|ksymtab|kstrtab)'), PATHS), 'symbols of the linker that kallsyms does not have'),
    (r'sym -m .*', lambda a, b: ([], []) if {l.split()[0] for l in b} <= {l.split()[0] for l in a} else (a, b),
     'crash cuts .isra.0 and the like off names in modules, and has those that kallsyms leaves out'),
    (r'kmem -S .*', both(drop(r'^(created|also|merged)'), without(r'^NODE|not tracked|^SLAB MEMORY'),
                         lambda a, b: ([l.split()[0] for l in a], [l.split()[0] for l in b][:len(a)])),
     'full slabs are found, which crash does not track; "(cpu 0 cache)" are objects of the list of the CPU alone'),
    (r'kmem -[sS].*', drop(r'^(created|also|merged)'), 'of caches that are named it is said where they are created'),
    (r'kmem (-s )?[0-9a-f]{16}', both(drop(r'^(created|also|merged)'), cut(r'(?<=\]) (certain|likely|possible).*'), PATHS),
     'the type of the object is said'),
    (r'kmem -i', without(r'^COMMITTED'), 'COMMITTED is what /proc/meminfo had'),
    (r'kmem (-I \S+ )?-s', allocated_by_two,
     'objects of a slab that a CPU has taken are counted one by one; crash takes its counter'),
    (r'vtop .*', drop(r'the translation ends here|excluded from the dump'), 'it is said why nothing is found'),
    (r'mach.*', both(without('^HZ'), lambda a, b: (until_stacks(a), until_stacks(b))),
     'MCE stacks, which crash does not know, and no VC stacks that are not there'),
    (r'mount /proc', lambda a, b: (a[:1], b[:1]) if any(l.endswith(' /proc') for l in b) else (a, b),
     'crash shows another mount'),
    (r'fuser .*', both(cut(r'"([^"\s]{14})[^"\s]"', r'\1'), cut('"')), 'crash cuts a letter off names of 15'),
    (r'foreach user (vm|files)|files.*|vm.*', cut(r'(?<= )/(?=SYSV)|(SOCK|FIFO)\b.*|anon_inode:'),
     'pipes and sockets have their names of /proc; files without a directory begin with /'),
    (r'foreach set|set.*', both(IDLE, cut(r'\((PANIC|SYSRQ)\)|EXIT_DEAD\|')),
     'idle tasks are counted; crash looks in the log for a SysRq when it is asked for sys only'),
    (r'foreach (\d+ )?bt.*|bt.*', cut(r'__(x64|do|se)_sys_|\.(isra|part|constprop|cold)(\.\d+)?'),
     'of two names that one address has, either; crash cuts .isra.0 and the like off names in modules'),
    (r'ps -t.*', without(r'^RUN TIME'), 'crash rounds twice'),
    (r'ps (-k )?-l.*|ps -m.*', cut(r'(?<=\[) +'), 'crash pads numbers as if all tasks were shown'),
    (r'ps .*-p.*', lambda a, b: unordered(*without(r'swapper')(a, b)), 'the idle task is no child of itself'),
    (r'rd -N.*', swapped, 'crash does not swap words of 8 bytes'),
    (r'search .*', part_of_theirs,
     'each place is shown once, at its address in the direct map; crash repeats it at each other address that maps it'),
    (r'timer -r.*', both(without(r'^\d+$'), lambda a, b: ([l.split()[-1:] for l in a], [l.split()[-1:] for l in b])),
     'CURRENT, and so TTE, is made from jiffies in crash; see tests/suite/test_system.py'),
    (r'ps -a .*', lambda a, b: (a[:1], b[:1]), 'why the arguments are not shown, in other words'),
    (r'(task|struct task_struct).*', without(r'__padding'), 'gdb 16 and the way of gdb 13 to show arrays of characters'),
    (r'vm -f.*', cut('DENYWRITE|0x800'), 'DENYWRITE left the kernel in 5.15'),
    (r'bt -(e|n idle -a|S .*|v)', lambda a, b: ([], []), 'compared in tests/suite/test_bt_text.py, which says why'),
]


def reason(command, theirs, ours):
    if theirs and REFUSED.search(theirs[0]) and len(theirs) < 12:
        return 'crash refuses it' + (', here it is answered' if ours else ', and so it is here')
    for pattern, equal, why in KNOWN:
        if re.fullmatch(pattern, command):
            a, b = equal(theirs, ours)
            if a == b:
                return why
    return None
