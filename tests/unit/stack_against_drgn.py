#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""stack_against_drgn.py UNIT_STACK_REGS [DUMP VMLINUX]...

Traces of all tasks, and the callee-saved registers in each frame, against drgn, which unwinds with the DWARF
of a vmlinux: what we say is known must be the same.  By default the dumps of the lab that drgn 0.0.22 can
read (kdump made by a crash kernel).  Exits with 77 (skipped) without drgn or dumps.
"""
import glob
import json
import os
import subprocess
import sys

SAVED = ('rsp', 'rbx', 'rbp', 'r12', 'r13', 'r14', 'r15')

# Run inside drgn: one JSON object a task.
DRGN = '''
import json
from drgn.helpers.linux.list import list_for_each_entry
head = prog["init_task"].tasks.address_of_()
for leader in list(list_for_each_entry("struct task_struct", head, "tasks")):
    frames = []
    for f in prog.stack_trace(leader):
        if not f.is_inline:
            frames.append([f.pc, {k: v for k, v in f.registers().items() if k in %r}])
    print(json.dumps([leader.value_(), frames]))
''' % (SAVED,)


def drgn_traces(dump, vmlinux):
    script = f'/tmp/stack_against_drgn.{os.getpid()}.py'
    with open(script, 'w') as f:
        f.write(DRGN)
    try:
        out = subprocess.run(['/usr/bin/python3', '-m', 'drgn', '-q', '-c', dump, '-s', vmlinux, script],
                             capture_output=True, text=True).stdout
    finally:
        os.unlink(script)
    traces = {}
    for line in out.splitlines():
        task, frames = json.loads(line)
        # Below the kernel there is user mode.
        traces[task] = [f for f in frames if f[0] >> 63]
    return traces


def our_traces(tool, dump):
    out = subprocess.run([tool, dump], capture_output=True, text=True).stdout
    traces = {}
    for line in out.splitlines():
        word, first, *rest = line.split()
        if word == 'task':
            frames = traces.setdefault(int(first, 16), [])
        else:
            frames.append([int(first, 16), dict((r, int(v, 16)) for r, v in (x.split('=') for x in rest)), word])
    return traces


def compare(dump, theirs, ours):
    """Prints what differs; the number of differences."""
    bad = same = unknown = more = 0
    for task, want in theirs.items():
        if task not in ours:
            print(f'{dump}: no task {task:#x}')
            bad += 1
            continue
        # A kernel that dumped itself went on after it had saved its registers, and drgn has no unwind
        # tables of modules: ours may have more frames at both ends.
        got = {(ip, regs['rsp']): (regs, word) for ip, regs, word in ours[task]}
        more += len(got) > len(want)
        for n, (ip, regs) in enumerate(want):
            if (ip, regs.get('rsp')) not in got:
                # The saved registers' own ip may be any place in the function.
                if n:
                    print(f'{dump}: task {task:#x}: no frame at {ip:#x}, which drgn has')
                    bad += 1
                continue
            our_regs, word = got[(ip, regs['rsp'])]
            if word == 'trap':
                # drgn takes rbp from the entry code's ORC row, not from the saved registers; what the kernel
                # itself printed of them is compared elsewhere (tests/suite/bt_truth.py).
                continue
            if word != 'frame':
                print(f'{dump}: task {task:#x}: {ip:#x} is a guess')
                bad += 1
            for r in SAVED:
                if r not in regs or r not in our_regs:
                    unknown += r in regs
                elif regs[r] == our_regs[r]:
                    same += 1
                else:
                    print(f'{dump}: task {task:#x}: {r} at {ip:#x} is {our_regs[r]:#x}, drgn says {regs[r]:#x}')
                    bad += 1
    print(f'{dump}: {len(theirs)} tasks, {same} registers the same, {unknown} not known, {bad} differences, '
          f'{more} traces longer than drgn\'s')
    # To know nothing is no agreement.
    return bad + (unknown * 50 > same)


def lab():
    base = os.path.expanduser('~/.cache/inquest/lab')
    for truth in sorted(glob.glob(base + '/cores/*.kdump.truth.json')):
        name = os.path.basename(truth)[:-len('.truth.json')]
        if name.startswith('bench') or not os.path.exists(f'{base}/cores/{name}.vmcore'):
            continue
        release = json.load(open(truth))['kernel']
        for version in glob.glob(base + '/work/kernel-*/version'):
            if open(version).read().strip() == release:
                yield f'{base}/cores/{name}.vmcore', os.path.dirname(version) + '/vmlinux'


def main():
    tool, given = sys.argv[1], sys.argv[2:]
    pairs = list(zip(given[::2], given[1::2])) or list(lab())
    failures = compared = 0
    for dump, vmlinux in pairs:
        theirs = drgn_traces(dump, vmlinux)
        if not theirs:
            print(f'{dump}: drgn cannot read it')
            continue
        compared += 1
        failures += compare(dump, theirs, our_traces(tool, dump))
    if not compared:
        print('no drgn, or no dump for it')
        return 77
    return failures != 0


if __name__ == '__main__':
    sys.exit(main())
