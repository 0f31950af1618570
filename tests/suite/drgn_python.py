#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_python.py VMCORE VMLINUX: values and walks that the module inquest must give as well, as JSON."""
import json
import sys

import drgn
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.slab import find_slab_cache, slab_cache_for_each_allocated_object

prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
prog.load_debug_info([sys.argv[2]])
init = prog['init_task']
out = {
    'tasks': sorted([t.pid.value_(), t.comm.string_().decode('latin-1'), t.value_(), t.prio.value_(), t.mm.value_(),
                     t.mm.pgd.value_() if t.mm else 0, t.se.vruntime.value_(), t.tasks.next.value_()] for t in for_each_task(prog)),
    'supers': [[s.value_(), s.s_type.name.string_().decode(), s.s_flags.value_(), s.s_dev.value_()]
               for s in list_for_each_entry('struct super_block', prog['super_blocks'].address_of_(), 's_list')],
    'caps': [init.real_cred.cap_effective.address_of_().value_(), init.real_cred.uid.val.value_()],
    'bits': [int(x) for x in init.cpus_mask.bits],
    'bytes': prog.read(init.address_of_().value_(), 1003).hex(),
    'state': prog['system_state'].value_(),
    'jiffies': prog['jiffies_64'].value_() if 'jiffies_64' in prog else None,
}
try:
    out['files'] = sorted(o.value_() for o in slab_cache_for_each_allocated_object(find_slab_cache(prog, 'files_cache'),
                                                                                     'struct files_struct'))
except (LookupError, AttributeError, ValueError, TypeError):
    out['files'] = None      # a kernel whose slabs this drgn cannot read
print(json.dumps(out))
