#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make_dwarf.py OBJECT OUTPUT [CACHE]: seeds for fuzz-dwarf and, with a file of names, fuzz-cache.

OBJECT is linked (its debug information is relocated).  See dwarf_input.h.
"""
import struct
import subprocess
import sys
import tempfile


def section(path, name):
    with tempfile.NamedTemporaryFile() as out:
        done = subprocess.run(["objcopy", "-O", "binary", "--only-section", name,
                               "--set-section-flags", name + "=alloc", path, out.name])
        return open(out.name, "rb").read() if done.returncode == 0 else b""


parts = [section(sys.argv[1], ".debug_" + s) for s in ("info", "abbrev", "str", "addr")]
with open(sys.argv[2], "wb") as f:
    f.write(struct.pack("<4I", *map(len, parts)) + b"".join(parts))
    if len(sys.argv) > 3:
        f.write(open(sys.argv[3], "rb").read())
