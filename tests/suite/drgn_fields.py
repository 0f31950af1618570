#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_fields.py VMCORE VMLINUX: pointers in live objects that tests overwrite, as JSON.

"fields": where a pointer is kept, its value, the objects that hold it and that it leads to; "nodes": list_heads
of tasks; "free": an object on a free list with the address of its link; "stacks": lowest words.
"""
import json
import sys

import drgn
from drgn.helpers.linux.pid import for_each_task

import drgn_slabs_free

MEMBERS = ('cred', 'files', 'signal', 'fs', 'nsproxy', 'sighand', 'thread_pid')


def main():
    prog = drgn.Program()
    prog.set_core_dump(sys.argv[1])
    prog.load_debug_info([sys.argv[2]])
    out = {'fields': [], 'nodes': [], 'stacks': []}
    for t in for_each_task(prog):
        for m in MEMBERS:
            field = getattr(t, m)
            if field:
                out['fields'].append({'what': f'task->{m}', 'at': field.address_of_().value_(), 'value': field.value_(),
                                      'holder': t.value_()})
        if t.mm:
            out['fields'].append({'what': 'mm->exe_file', 'at': t.mm.exe_file.address_of_().value_(),
                                  'value': t.mm.exe_file.value_(), 'holder': t.mm.value_()})
            fdt = t.files.fdt
            for i in range(min(8, fdt.max_fds.value_())):
                f = fdt.fd[i]
                if f:
                    for m in ('f_inode', 'f_cred'):
                        g = getattr(f, m)
                        if g:
                            out['fields'].append({'what': f'file->{m}', 'at': g.address_of_().value_(),
                                                  'value': g.value_(), 'holder': f.value_()})
        if t.pid.value_() > 1 and t.pid.value_() == t.tgid.value_():     # only leaders are on that list
            out['nodes'].append({'pid': t.pid.value_(), 'tasks': t.tasks.address_of_().value_(),
                                 'next': t.tasks.next.value_(), 'prev': t.tasks.prev.value_()})
            if t.stack:
                out['stacks'].append({'pid': t.pid.value_(), 'at': t.stack.value_()})
    out['free'] = drgn_slabs_free.free_objects(prog)
    json.dump(out, sys.stdout)


main()
