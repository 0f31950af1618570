# SPDX-License-Identifier: GPL-2.0-or-later
"""drgn_pages.py CORE VMLINUX < {pid: [addresses]}: physical addresses by drgn's walk, null where it ends; pid 0: the kernel's."""
import json
import sys

import drgn
from drgn.helpers.linux.mm import follow_phys
from drgn.helpers.linux.pid import find_task

prog = drgn.Program()
prog.set_core_dump(sys.argv[1])
prog.load_debug_info([sys.argv[2]])
answers = {}
for pid, addresses in json.load(sys.stdin).items():
    mm = prog['init_mm'].address_of_() if pid == '0' else find_task(prog, int(pid)).mm
    found = []
    for a in addresses:
        try:
            found.append(follow_phys(mm, a).value_())
        except drgn.FaultError:
            found.append(None)
    answers[pid] = found
print(json.dumps(answers))
