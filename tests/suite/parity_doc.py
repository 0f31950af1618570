# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/crash-parity.md from what the parity test left: PARITY_OUT=/tmp/p CHECK_ONLY=parity make check, then
python3 tests/suite/parity_doc.py COMMIT DATE /tmp/p-*.json > docs/crash-parity.md"""
import collections
import json
import re
import sys

HEAD = '''# The same words, the same answers: inquest against crash 9.0.2

Command lines are typed in both on the same dump (tests/suite/parity_lines.py) and the outputs compared line by line, with
nothing made equal but white space (tests/suite/test_parity.py; `make check` does it with a process, objects and addresses
drawn by its seed).  What differs on purpose has its reason in tests/suite/parity_known.py, and is listed below.
Other suites compare more lines of single commands on more kernels: test_bt_text, test_crash_text, test_tasks, test_system,
test_devices, test_lists, test_trees.

Last made at {commit}, {date}.
'''

TAIL = '''
## Commands of crash that are not here

- `gdb`: its common words (`print`, `ptype`, `x`, `list`) are commands here, with or without `gdb` in front.
- `wr`: dumps are read only.
- `rustfilt`: names are demangled where they are shown.
- `help -m` and other views of crash's own tables: `sys`, `mach` and `inquest info` have what they tell of the dump.
'''


def plain(command):
    """Without the addresses of this run."""
    return re.sub(r'\b[0-9a-f]{16}\b', 'ADDRESS', command)


def main(commit, date, files):
    print(HEAD.format(commit=commit, date=date))
    print('| dump | lines | equal | differ on purpose | differ | equal of those without a reason to differ |\n'
          '|---|---|---|---|---|---|')
    reasons, differ = collections.OrderedDict(), []
    for path in files:
        with open(path) as f:
            d = json.load(f)
        equal, known, other = len(d['equal']), len(d['known']), len(d['differ'])
        name = re.sub(r'^.*?-|\.json$', '', path, count=0)
        print(f'| {name} | {equal + known + other} | {equal} | {known} | {other} | {100 * equal / (equal + other):.1f} % |')
        for command, why, *_ in d['known']:
            reasons.setdefault(why, []).append(plain(command))
        differ += [plain(c) for c, *_ in d['differ']]
    print('\n## What differs on purpose\n\n| why | lines |\n|---|---|')
    for why, commands in reasons.items():
        print(f'| {why} | {", ".join("`" + c.replace("|", chr(92) + "|") + "`" for c in dict.fromkeys(commands))} |')
    print('\n## What differs and ought not to\n')
    for c in dict.fromkeys(differ):
        print(f'- `{c}`')
    print(TAIL, end='')


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
