#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""debug_against_others.py UNIT_SYMBOLS UNIT_LINES [LAB]

What the room debug says of the lab's kernels (~/.cache/inquest/lab by default) and of a small program
compiled here, against what others say:

  kallsyms in the dumps   against System.map of the same kernel;
  ORC rows in the dumps   against the sections .orc_unwind of the vmlinux, unpacked by this script;
  lines and inlines       against addr2line (binutils), of vmlinux, modules, and DWARF 2 to 5.

Without the lab only the compiled program is looked at; without addr2line or a compiler: 77, skipped.
"""
import glob
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from bisect import bisect_right

symbols_tool, lines_tool = sys.argv[1:3]
lab = sys.argv[3] if len(sys.argv) > 3 else os.path.expanduser("~/.cache/inquest/lab")
failures = 0
MASK = (1 << 64) - 1
seed = os.environ.get("CHECK_SEED") or "20261122"


def fail(text):
    global failures
    failures += 1
    print("FAIL", text)


def run(args, stdin=None):
    return subprocess.run(args, input=stdin, capture_output=True, text=True, errors="replace")


def sections(path):
    """name -> (index, address, offset, size) of an ELF file's sections."""
    with open(path, "rb") as f:
        head = f.read(64)
        shoff, = struct.unpack_from("<Q", head, 40)
        shentsize, shnum, shstrndx = struct.unpack_from("<HHH", head, 58)
        f.seek(shoff)
        table = f.read(shentsize * shnum)
        rows = [struct.unpack_from("<IIQQQQ", table, i * shentsize) for i in range(shnum)]
        f.seek(rows[shstrndx][4])
        names = f.read(rows[shstrndx][5])
    return {names[r[0]:names.index(b"\0", r[0])].decode(): (i, r[3], r[4], r[5])
            for i, r in enumerate(rows)}


def contents(path, name):
    _, _, offset, size = sections(path)[name]
    with open(path, "rb") as f:
        f.seek(offset)
        return f.read(size)


# ---- Dumps ------------------------------------------------------------------------------------

def vmcoreinfo(path):
    """KERNELOFFSET and OSRELEASE of a dump: the first VMCOREINFO in its head."""
    with open(path, "rb") as f:
        text = f.read(1 << 20)
    at = text.find(b"OSRELEASE=")
    text = text[at:at + 8192].split(b"\0")[0].decode("ascii", "replace") if at >= 0 else ""
    offset = re.search(r"^KERNELOFFSET=([0-9a-f]+)$", text, re.M)
    release = re.search(r"^OSRELEASE=(.*)$", text, re.M)
    return (int(offset[1], 16), release[1]) if offset and release else None


def kernels():
    """OSRELEASE -> folder with System.map and vmlinux."""
    out = {}
    for version in glob.glob(lab + "/work/kernel-*/version"):
        with open(version) as f:
            out[f.read().strip()] = os.path.dirname(version)
    return out


def system_map(folder):
    """The lines of System.map.  Some packages have a sentence in its place: then of nm, which knows more
    than kallsyms (False)."""
    path = folder + "/System.map"
    if os.path.getsize(path) > 1 << 20:
        with open(path) as f:
            return f.read().splitlines(), True
    lines = run(["nm", folder + "/vmlinux"]).stdout.splitlines()
    return [l for l in lines if len(l.split()) == 3], False


def check_kallsyms(dump, offset, folder):
    r = run([symbols_tool, dump])
    if r.returncode:
        return fail(f"{dump}: {r.stderr.strip()}")
    found = run([symbols_tool, dump, "find"])
    if found.stdout != r.stdout:
        fail(f"{dump}: kallsyms found by signature differ: {found.stderr.strip()}")
    ours = set()
    for line in r.stdout.splitlines():
        address, letter, name = line.split()
        if not name.startswith(".L"):  # labels of compilers, that System.map lacks
            ours.add((int(address, 16), "*" if letter == "A" else letter, name))
    theirs = set()
    lines, whole = system_map(folder)
    for line in lines:
        address, letter, name = line.split()
        a = int(address, 16)
        # Up to 6.14 the letter of per-CPU symbols in kallsyms is A.
        if a >> 63:
            a = (a + offset) & MASK
        else:
            letter = "*"
        theirs.add((a, letter, name))
    extra = ours - theirs
    missing = {s for s in theirs - ours
               if not re.match(r"kallsyms_|__init_scratch|init_per_cpu__|_text$|_?__crc|__efistub", s[2])}
    if not whole:
        missing = set()
    # Numbers that are no addresses are not in kallsyms.
    missing = {s for s in missing if s[0] >> 63}
    if extra or len(missing) > 20:
        fail(f"{dump}: {len(extra)} symbols are not in System.map {sorted(extra)[:3]}, "
             f"{len(missing)} are only there {sorted(missing)[:3]}")
    if run([symbols_tool, dump, "check"]).stdout != "0\n":
        fail(f"{dump}: look-ups by name and by address do not lead back")
    return len(ours)


OLD = {0: (-1, 0, 0), 1: (-1, 0, 0), 2: (1, 0, 0), 3: (5, 0, 0), 4: (6, 0, 0), 5: (7, 0, 0),
       6: (10, 0, 0), 7: (13, 0, 0), 8: (6, 1, 1), 9: (7, 1, 0)}
NEW = {0: (-1, 0, 0), 1: (0, 0, 0), 2: (1, 0, 0), 3: (7, 0, 0), 4: (6, 0, 0), 5: (5, 0, 0),
       6: (10, 0, 0), 7: (13, 0, 0), 8: (-1, 0, 0), 9: (7, 1, 0), 10: (6, 1, 1)}


def orc_row(version, start, sp_offset, bp_offset, flags):
    sp, bp = flags & 15, flags >> 4 & 15
    if version >= 3:
        kind = ["UNDEFINED", "END", "CALL", "REGS", "REGS_PARTIAL"][flags >> 8 & 7]
        signal = flags >> 11 & 1
    else:
        kind = ["CALL", "REGS", "REGS_PARTIAL"][flags >> 8 & 3]
        signal = flags >> 10 & 1 if version == 2 else int(kind != "CALL")
        end = flags >> (11 if version == 2 else 10) & 1
        if sp == 0:
            kind, signal = ("END", signal) if end else ("UNDEFINED", 0)
    reg, deref, after = (NEW if version == 4 else OLD)[sp]
    rule = {0: 0, 8 if version == 4 else 1: 1, 4: 2}[bp]
    return f"{start:x} {kind} {signal} {reg} {deref} {after} {sp_offset} {rule} {bp_offset}"


def check_orc(dump, offset, folder):
    vmlinux = folder + "/vmlinux"
    base = sections(vmlinux)[".orc_unwind_ip"][1]
    ips = struct.unpack(f"<{len(contents(vmlinux, '.orc_unwind_ip')) // 4}i",
                        contents(vmlinux, ".orc_unwind_ip"))
    ips = [(base + 4 * i + x) & MASK for i, x in enumerate(ips)]
    rows = list(struct.iter_unpack("<hhH", contents(vmlinux, ".orc_unwind")))
    rng = random.Random(f"{seed}:{dump}")
    ask = ips + [rng.randrange(ips[0], ips[-1] + 64) for _ in range(50000)]
    r = run([symbols_tool, dump, "orc"], "".join(f"{a + offset:x}\n" for a in ask))
    if r.returncode:
        return fail(f"{dump}: {r.stderr.strip()}")
    version = int(r.stderr[1])
    bad = 0
    for a, got in zip(ask, r.stdout.splitlines()):
        i = bisect_right(ips, a) - 1
        want = orc_row(version, ips[i] + offset, *rows[i])
        if got != want:
            bad += 1
            if bad < 4:
                print(f"  {a:x}: got {got}, expected {want}")
    if bad:
        fail(f"{dump}: {bad} unwind rows differ from those of {vmlinux}")
    return len(rows)


# ---- Lines ------------------------------------------------------------------------------------

def normal(place):
    """file:line as this project shows it: no build directory, no notes behind the number."""
    place = place.split(" (")[0]
    if place.startswith("??"):
        return "?:0"
    found = re.match(r"(.*?):([1-9][0-9]*)(:[0-9]+)?$", place)
    if not found:
        return "?:0"
    path, line = found[1], found[2]
    path = re.sub(r"^debian/build/build_[^/]*/", "", path)
    path = os.path.normpath(path)
    return re.sub(r"^/build/[^/]*/linux-[^/]*/", "", path) + ":" + line


def addr2line(path, section, offsets):
    args = ["addr2line", "-a", "-f", "-i", "-e", path] + (["-j", section] if section else [])
    out = []
    pair = []
    for line in run(args, "".join(f"{o:#x}\n" for o in offsets)).stdout.splitlines():
        if re.match(r"0x[0-9a-f]{16}$", line):
            out.append([])
            continue
        pair.append(line)
        if len(pair) == 2:
            out[-1].append((pair[0], normal(pair[1])))
            pair = []
    return out


def ours(path, where, addresses):
    out = []
    args = [lines_tool, path] + [f"{s}={a:#x}" for s, a in where.items()]
    r = run(args, "".join(f"{a:x}\n" for a in addresses))
    if r.returncode or "differ" in r.stdout:
        fail(f"{path}: {r.stderr.strip() or 'lines of line_of and inlines_of differ'}")
    for line in r.stdout.splitlines():
        if not line.startswith(" "):
            out.append([])
            line = line.split(" ", 1)[1]
        place, _, function = line.strip().rpartition(" ")
        out[-1].append((function, place))
    return out


def elfutils_agrees(path, section, offset, got, want):
    """Binutils 2.40 shows the unit's .c for some lines of a .h that includes itself again (TRACE_EVENT)."""
    if [(f, p.rpartition(":")[2]) for f, p in got] != [(f, p.rpartition(":")[2]) for f, p in want]:
        return False
    if not shutil.which("eu-addr2line"):
        return True
    args = ["eu-addr2line", "-e", path] + (["-j", section] if section else [])
    return normal(run(args, f"{offset:#x}\n").stdout.split("\n")[0]) == got[0][1]


def unit_ranges(path):
    """The addresses of the units of a vmlinux, (start, end, unit), as readelf reads .debug_aranges."""
    found, unit = [], None
    for line in run(["readelf", "--debug-dump=aranges", path]).stdout.splitlines():
        head = re.search(r"Offset into \.debug_info:\s+(\S+)", line)
        row = re.match(r"\s+([0-9a-f]{16}) ([0-9a-f]{16})\s*$", line)
        if head:
            unit = head[1]
        elif row and int(row[2], 16):
            found.append((int(row[1], 16), int(row[1], 16) + int(row[2], 16), unit))
    return sorted(found)


def is_padding(path, address):
    """Is ADDRESS in a gap between two functions of one unit, that belongs to no unit and holds only no-operations?

    Of functions in sections of their own choice (.sched.text, .noinstr.text) gcc lists each one's range, but
    writes one sequence of lines over all: the line before goes on into the padding.  addr2line shows that; here
    what is not a unit's has no line, as in gdb."""
    ranges = unit_ranges(path)
    at = bisect_right(ranges, (address, MASK, "")) - 1
    if at < 0 or at + 1 >= len(ranges):
        return False
    (_, end, unit), (start, _, following) = ranges[at:at + 2]
    if not end <= address < start or unit != following or start - end >= 64:
        return False
    text = run(["objdump", "-d", "--no-show-raw-insn", f"--start-address={end:#x}", f"--stop-address={start:#x}",
                path]).stdout
    code = re.findall(r"^\s*[0-9a-f]+:\t(.*)$", text, re.M)
    return bool(code) and all(re.search(r"\bnop[wl]?\b|^int3|^xchg\s+%ax,%ax", c) for c in code)


def check_lines(path, section, size, base, count):
    """COUNT addresses in a section of a module, or in the range [base, base + size) of a vmlinux."""
    offsets = sorted(random.Random(f"{seed}:{path}:{section}").sample(range(size), min(count, size)))
    got = ours(path, {section: base} if section else {}, [base + o for o in offsets])
    want = addr2line(path, section, offsets if section else [base + o for o in offsets])
    if len(got) != len(want):
        return fail(f"{path}: {len(got)} answers, addr2line has {len(want)}")
    bad = same = 0
    for o, g, w in zip(offsets, got, want):
        # Functions are the debug information's here; addr2line also asks the symbol table.
        if g[0][0] == "?":
            w = [("?", w[0][1])]
        if g == w or elfutils_agrees(path, section, base + o if not section else o, g, w):
            same += g[0][1] != "?:0"
        elif g == [("?", "?:0")] and not section and is_padding(path, base + o):
            continue
        else:
            bad += 1
            if bad < 4:
                print(f"  {base + o:x}: got {g}, addr2line says {w}")
    if bad:
        fail(f"{path}: {bad} of {len(got)} chains of lines differ from addr2line's")
    elif not same and section in (None, ".text"):
        fail(f"{path}: no lines at all")
    return same


PROGRAM = r"""
#include "deep/inner.h"
__attribute__((section(".modinfo"), used)) static const char info[] = "name=sa-mple";
volatile int sink;
static inline __attribute__((always_inline)) int twice(int x)
{
	sink = x;
	return inner(x) * 2;
}
__attribute__((noinline)) int outer(int x)
{
	if (x > 3) {
		int y = twice(x + 1);

		sink = y;
		return y + twice(y);
	}
	return x;
}
__attribute__((section(".init.text"), noinline)) int setup(int x)
{
	return outer(x) + twice(7);
}
__attribute__((cold)) void never(void)
{
	sink = 9;
}
"""
INNER = r"""
extern volatile int sink;
static inline __attribute__((always_inline)) int inner(int x)
{
	sink += x;
	return sink ^ x;
}
"""


def check_compiled():
    """A relocatable file with .modinfo is a module: compiled by what there is, in every version."""
    with tempfile.TemporaryDirectory() as tmp:
        os.mkdir(tmp + "/deep")
        with open(tmp + "/sample.c", "w") as f:
            f.write(PROGRAM)
        with open(tmp + "/deep/inner.h", "w") as f:
            f.write(INNER)
        for compiler in "gcc", "clang":
            if not shutil.which(compiler):
                continue
            for flags in (["-gdwarf-5"], ["-gdwarf-4"], ["-gdwarf-3"], ["-gdwarf-2"],
                          ["-gdwarf-5", "-gz=zlib"], ["-gdwarf-4", "-ffunction-sections"]):
                out = tmp + "/sample.ko"
                r = subprocess.run([compiler, "-O2", *flags, "-c", "sample.c", "-o", out], cwd=tmp,
                                   capture_output=True, text=True)
                if r.returncode:
                    continue
                for name, (_, _, _, size) in sections(out).items():
                    if re.match(r"\.(init\.)?text(\.\w+)?$", name) and size:
                        check_lines_below(out, name, size, tmp)


def check_lines_below(path, section, size, tmp):
    """As check_lines(), but all addresses, and paths are relative to the compilation directory."""
    base = 0xffffffffc0400000
    offsets = list(range(size))
    got = ours(path, {section: base}, [base + o for o in offsets])
    want = addr2line(path, section, offsets)
    want = [[(f, p.replace(os.path.realpath(tmp) + "/", "").replace(tmp + "/", "")) for f, p in c]
            for c in want]
    bad = [(o, g, w) for o, g, w in zip(offsets, got, want) if g != w]
    if bad or len(got) != len(want):
        fail(f"{section} of a sample ({len(bad)} of {len(got)} differ): "
             f"{bad[0] if bad else ''}")


def main():
    if not shutil.which("addr2line") or not shutil.which("gcc"):
        return 77
    check_compiled()
    by_release = kernels()
    seen = {}
    for dump in sorted(glob.glob(lab + "/cores/*.vmcore")):
        about = vmcoreinfo(dump)
        if not about or about[1] not in by_release or os.path.getsize(dump) > 4 << 30:
            continue
        # Two dumps of each kernel suffice: the tables are the kernel's.
        seen[about[1]] = seen.get(about[1], 0) + 1
        if seen[about[1]] > 2:
            continue
        folder = by_release[about[1]]
        nr = check_kallsyms(dump, about[0], folder)
        rows = check_orc(dump, about[0], folder)
        print(f"{os.path.basename(dump)}: {nr} symbols, {rows} unwind rows")
    for release, folder in by_release.items():
        # Of other suites' compilers' DWARF this machine's binutils names wrong files and misses inlined
        # calls; tests/suite/test_lines.py has eu-addr2line judge those.
        if os.path.basename(folder).count("-") > 1:
            continue
        text = sections(folder + "/vmlinux")[".text"]
        same = check_lines(folder + "/vmlinux", None, text[3], text[1], 4000)
        print(f"vmlinux {release}: {same} lines")
        # Modules of the lab, with the largest first.
        modules = sorted(glob.glob(f"{lab}/cores/modules/{release}/*.ko"), key=os.path.getsize)
        for module in modules[-1:] + modules[:-1:6]:
            for name, (_, _, _, size) in sections(module).items():
                if re.match(r"\.(init\.|exit\.)?text(\.unlikely)?$", name) and size:
                    check_lines(module, name, size, 0xffffffffc0800000, 1500)
    print(f"{failures} failed")
    return failures != 0


sys.exit(main())
