# SPDX-License-Identifier: GPL-2.0-or-later
"""What the code of functions says of the stack, for every function of a kernel and its modules."""
import os
import re

from harness import per_core
from suite import others


def one_of_each_kernel():
    """Keep the first core of each kernel."""
    seen = {}

    def keep(core):
        return core.whole() and core.kernel and seen.setdefault(core.kernel, core.name) == core.name
    return keep


# Where the code is right and ORC is not, by what stands in the code:
# - ftrace_regs_caller's second way out returns to the word that it has put above its return address, which is
#   the direct caller's: the stack is 16 deep in front of that ret, and the row (UNWIND_HINT_FUNC) says 8.
HINTED = re.compile(r'ftrace_regs_caller(_end|_jmp)?\+')


@per_core(one_of_each_kernel(), sanitized=False)
def cfa_against_orc(t, core):
    """Wherever ORC has a row for a call and the code analysis, which does not look at ORC, states a CFA, they are
    equal; and it states one for 99.5 % of the instructions.  With a vmlinux: at every call the callee-saved registers
    that the code says are saved, or still there, are so by .debug_frame."""
    tool = os.path.join(t.run.build, 'tests', 'unit', 'unit-stack-functions')
    rows = stated = equal = patched = functions = 0
    differ, moved, saved = [], [], None
    files = [core.vmlinux] if others.has_vmlinux(core) else []
    for line in t.sh([tool, core.vmcore, *files, '-v'], timeout=900).out.splitlines():
        words = line.split()
        if words[0] == 'saved':
            saved = [int(w) for w in words[1:]]
        elif words[0] == 'moved':
            moved.append(line)
        if words[0] in ('saved', 'moved'):
            continue
        if words[0] == 'differs':
            if not HINTED.match(words[2]):
                differ.append(line)
        elif words[0] not in ('unknown', 'unread'):
            a, b, c, d, e, _ = (int(w) for w in words[1:])
            rows, stated, equal, patched, functions = rows + a, stated + b, equal + c, patched + d, functions + e
    t.none(differ, 'CFA by code against ORC', stated)
    t.ok(stated >= 0.995 * rows, f'only {stated} of {rows} instructions have a CFA by code')
    t.ok(functions > 20000, f'only {functions} functions')
    if files and t.ok(saved and saved[0] > 100000, f'registers compared: {saved}'):
        t.none(moved, 'saved registers by code against .debug_frame', saved[1])
        t.ok(saved[1] >= 0.99 * saved[0], f'only {saved[1]} of {saved[0]} registers are known by code')
        t.note(f'{saved[0]} registers at calls, {100 * saved[1] / saved[0]:.3f} % known by code, all as .debug_frame says')
    t.note(f'{core.kernel}: {functions} functions, {rows} instructions, {100 * stated / rows:.3f} % stated, '
           f'{equal} equal, {patched} behind a push that was patched in')
