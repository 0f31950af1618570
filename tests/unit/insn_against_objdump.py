#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""insn_against_objdump.py UNIT_INSN_TEXT [FILE…]

Texts of all instructions of x86-64 ELF files (by default the C library, libm and the program itself)
against those of objdump 2.40, whose version of the AT&T syntax ours is.  Exits with 77 (skipped) with
another objdump, or none.
"""
import glob
import re
import subprocess
import sys

tool, files = sys.argv[1], sys.argv[2:]
try:
    version = subprocess.run(['objdump', '--version'], capture_output=True, text=True).stdout
except FileNotFoundError:
    version = ''
if not re.search(r'\b2\.40\b', version.splitlines()[0] if version else ''):
    print('no objdump 2.40')
    sys.exit(77)
if not files:
    files = [tool] + [f for lib in ('libc.so.6', 'libm.so.6')
                      for f in glob.glob('/lib/x86_64-linux-gnu/' + lib)]
failed = False
for f in files:
    objdump = subprocess.Popen(['objdump', '-d', '-w', f], stdout=subprocess.PIPE)
    p = subprocess.run([tool], stdin=objdump.stdout, capture_output=True, text=True)
    objdump.wait()
    print(f'{f}: {p.stdout.strip()}')
    failed |= p.returncode != 0
sys.exit(failed)
