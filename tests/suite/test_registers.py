# SPDX-License-Identifier: GPL-2.0-or-later
"""The words that bt -f calls saved registers against the caller's registers by drgn, which has them from CFI."""
import re

from harness import per_core
from suite import others

SAVED = {'[rbx]', '[rbp]', '[r12]', '[r13]', '[r14]', '[r15]'}


@per_core(others.has_drgn, quick=3)
def saved_registers(t, core):
    theirs = {x['task']: x for x in others.drgn(t, core)['tasks']}
    compared, unsure, wrong = 0, 0, []
    for task in t.command(core, 'foreach bt -f')['tasks']:
        their = theirs.get(int(task['task'], 16))
        if not their or not their['frames'] or task['running']:
            continue
        registers = {f['pc']: f['registers'] for f in their['frames'] if not f['inline']}
        pcs = [f['pc'] for f in their['frames'] if not f['inline']]
        frames = [f for f in task['frames'] if not f['inline']]
        for callee, caller in zip(frames, frames[1:]):
            pc = int(caller['ip'], 16)
            if pcs.count(pc) != 1 or caller['context'] == 'user':
                continue
            for w in callee.get('words') or []:
                for label in set(re.findall(r'\[\w+\]', w['label'] or '')) & SAVED:
                    want = registers[pc].get(label.strip('[]'))
                    if want is None:
                        unsure += 1
                        continue
                    compared += 1
                    if int(w['value'], 16) != want:
                        wrong.append(f'pid {task["pid"]} {callee["function"]}: {label} at {w["address"]} is '
                                     f'{w["value"]}, drgn has {want:#x}')
    t.none(wrong, 'saved registers', compared)
    t.ok(compared > 300, f'only {compared} saved registers compared')
    t.note(f'{compared} saved registers ({unsure} that drgn does not know)')
