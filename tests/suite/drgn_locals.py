#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_locals.py VMCORE VMLINUX [MODULE.ko...]: parameters and locals of all tasks' frames by drgn, as JSON.

A list of tasks: task, frames: function, pc, sp, inline, variables: name -> kind ("value", "memory", "absent",
"error"), value (of scalars, unsigned), address, size, parameter.  Values of structs are not fetched.
"""
import json
import sys

import drgn
from drgn import TypeKind
from drgn.helpers.linux.pid import for_each_task

SCALARS = (TypeKind.INT, TypeKind.BOOL, TypeKind.POINTER, TypeKind.ENUM)


def stripped(type_):
    while type_.kind == TypeKind.TYPEDEF:
        type_ = type_.type
    return type_


def variable(frame, name):
    try:
        x = frame[name]
    except KeyError:
        return {'kind': 'missing'}
    except (drgn.FaultError, ValueError, LookupError, NotImplementedError) as e:
        return {'kind': 'error', 'why': str(e)}
    found = {'type': x.type_.type_name()}
    try:
        if x.absent_:
            return {**found, 'kind': 'absent'}
        if x.address_ is not None:
            found.update(kind='memory', address=x.address_)
        else:
            found['kind'] = 'value'
        type_ = stripped(x.type_)
        found['scalar'] = type_.kind in SCALARS
        if found['scalar']:
            size = drgn.sizeof(x)
            found.update(size=size, value=int(x.value_()) & ((1 << 8 * size) - 1))
    except (drgn.FaultError, ValueError, LookupError, TypeError) as e:
        found.update(kind='error', why=str(e))
    return found


def frame(f):
    found = {'function': f.name, 'pc': f.pc, 'sp': f.sp, 'inline': f.is_inline, 'interrupted': f.interrupted,
             'variables': {}}
    try:
        names = f.locals()
    except (LookupError, ValueError, NotImplementedError):
        names = []
    for name in names:
        found['variables'][name] = variable(f, name)
    return found


def main(vmcore, *files):
    prog = drgn.Program()
    prog.set_core_dump(vmcore)
    try:
        prog.load_debug_info(list(files))
    except drgn.MissingDebugInfoError:
        pass            # of modules that the lab has no files of
    tasks = []
    for t in for_each_task(prog):
        found = {'task': t.value_(), 'pid': t.pid.value_(), 'frames': None}
        try:
            found['frames'] = [frame(f) for f in prog.stack_trace(t)]
        except (ValueError, LookupError, drgn.FaultError) as e:
            found['why'] = str(e)
        tasks.append(found)
    json.dump(tasks, sys.stdout)


if __name__ == '__main__':
    main(*sys.argv[1:])
