#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_facts.py VMCORE VMLINUX [MODULE.ko...]: what drgn makes of a dump, as JSON.

tasks: pid, tgid, ppid, comm, address, state letter, the frames of their stacks (symbol, offset, pc, sp,
registers) and the registers that they entered the kernel with; log: the records of the ring buffer;
modules: names and addresses.  others.drgn() of the tests runs it.
"""
import json
import os
import sys

import drgn
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_printk_records
from drgn.helpers.linux.sched import task_state_to_char


def frame(f):
    try:
        symbol = f.symbol()
        name, offset = symbol.name, f.pc - symbol.address
    except LookupError:
        name = offset = None
    try:
        registers = dict(f.registers())
    except Exception:
        registers = {}
    return {'function': name, 'offset': offset, 'pc': f.pc, 'sp': registers.get('rsp'),
            'interrupted': f.interrupted, 'inline': f.is_inline, 'registers': registers}


def top_padding(vmlinux):
    """TOP_OF_KERNEL_STACK_PADDING: what FRED wants to be free, whether the CPU has it or not."""
    config = os.path.join(os.path.dirname(vmlinux), 'config')
    return 16 if os.path.exists(config) and 'CONFIG_X86_FRED=y' in open(config).read() else 0


def user_registers(prog, t, padding):
    """struct pt_regs at the top of the stack (task_pt_regs()); None of a kernel thread."""
    if not t.mm:
        return None
    size = prog.type('struct pt_regs').size
    regs = drgn.Object(prog, 'struct pt_regs *', t.stack.value_() + 0x4000 - padding - size)
    # Of kernels that know FRED, cs and ss are in anonymous unions.
    names = [m.name for m in prog.type('struct pt_regs').members if m.name]
    return {name: getattr(regs, name).value_() for name in dict.fromkeys(names + ['cs', 'ss'])}


def task(prog, t, padding):
    found = {'pid': t.pid.value_(), 'tgid': t.tgid.value_(), 'ppid': t.real_parent.tgid.value_(),
             'comm': t.comm.string_().decode('latin-1'), 'task': t.value_(),
             'state': task_state_to_char(t), 'frames': None,
             'user_registers': user_registers(prog, t, padding)}
    try:
        found['frames'] = [frame(f) for f in prog.stack_trace(t)]
    except (ValueError, LookupError, drgn.FaultError) as e:
        found['why'] = str(e)
    return found


def log(prog):
    return [{'seq': r.seq, 'timestamp_ns': r.timestamp, 'level': r.level, 'facility': r.facility,
             'text': r.text.decode('latin-1')} for r in get_printk_records(prog)]


def modules(prog):
    return [{'name': m.name.string_().decode('latin-1'), 'module': m.value_()}
            for m in list_for_each_entry('struct module', prog['modules'].address_of_(), 'list')]


def main(vmcore, *files):
    prog = drgn.Program()
    prog.set_core_dump(vmcore)
    try:
        prog.load_debug_info(list(files))
    except drgn.MissingDebugInfoError:
        pass            # of modules that the lab has no files of
    padding = top_padding(files[0])
    tasks = [task(prog, t, padding) for t in for_each_task(prog)]
    json.dump({'tasks': tasks, 'log': log(prog), 'modules': modules(prog)}, sys.stdout)


if __name__ == '__main__':
    main(*sys.argv[1:])
