#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""dump_against_others.py UNIT_DUMP_INFO UNIT_DUMP_PAGES [FOLDER]

The dumps in FOLDER (by default the lab's) as the room dump reads them, against others:

  ELF cores: notes and segments as readelf lists them, bytes as they lie in the file;
  kdump: header, notes and VMCOREINFO as this script reads them from the description of the format;
         pages against the ELF core from which makedumpfile made the file (unit-dump-pages);
         the parts of a split dump together, page by page, against the same dump in one file.

Exits with 77 (skipped) if there are no dumps.
"""
import glob
import os
import random
import re
import struct
import subprocess
import sys

info_tool, pages_tool = sys.argv[1:3]
folder = sys.argv[3] if len(sys.argv) > 3 else os.path.expanduser("~/.cache/inquest/lab/cores")
failures = 0


def check(what, got, want):
    global failures
    if got != want:
        failures += 1
        print(f"FAIL {what}: got {str(got)[:300]}, expected {str(want)[:300]}")


def fnv(data):
    h = 0xcbf29ce484222325
    for b in data:
        h = ((h ^ b) * 0x100000001b3) & 0xffffffffffffffff
    return f"{h:016x}"


def facts(path, *reads):
    """What unit-dump-info says: word -> list of the rests of its lines."""
    args = [info_tool, path]
    for address, length in reads:
        args += [hex(address), str(length)]
    out = subprocess.run(args, capture_output=True, text=True).stdout
    f = {}
    for line in out.splitlines():
        word, _, rest = line.partition(" ")
        f.setdefault(word, []).append(rest)
    return f


def join(ranges):
    out = []
    for a, b in sorted(ranges):
        if out and a <= out[-1][1]:
            out[-1][1] = max(b, out[-1][1])
        elif a < b:
            out.append([a, b])
    return [f"0x{a:x} 0x{b:x}" for a, b in out]


def notes_of(data):
    out, at = [], 0
    while at + 12 <= len(data):
        namesz, descsz, kind = struct.unpack_from("<III", data, at)
        name = data[at + 12:at + 12 + namesz].split(b"\0")[0].decode()
        desc = at + 12 + (namesz + 3 & ~3)
        out.append((name, kind, data[desc:desc + descsz]))
        at = desc + (descsz + 3 & ~3)
    return out


def check_notes(path, f, notes):
    check(f"{path}: notes", f.get("note", []),
          [f"{n} 0x{k:x} 0x{len(d):x} {fnv(d)}" for n, k, d in notes])
    text = b"".join(d for n, k, d in notes if n == "VMCOREINFO").split(b"\0")[0]
    if text:
        check(f"{path}: vmcoreinfo", f["vmcoreinfo"], [f"{len(text)} {fnv(text)}"])


def check_elf(path):
    out = subprocess.run(["readelf", "-lW", path], capture_output=True, text=True).stdout
    loads, notes = [], b""
    raw = open(path, "rb")
    for line in out.splitlines():
        m = re.match(r"\s+(LOAD|NOTE)\s+((?:0x[0-9a-f]+\s+){5})", line)
        if m:
            offset, _, paddr, filesz, memsz = (int(x, 16) for x in m[2].split())
            if m[1] == "LOAD":
                loads.append((paddr, offset, filesz, memsz))
            else:
                raw.seek(offset)
                notes += raw.read(filesz)
    pick = random.Random(path)
    reads, want = [], []
    for paddr, offset, filesz, memsz in loads:
        for _ in range(6):
            if not filesz:
                continue
            n = pick.randrange(1, min(9000, filesz + 1))
            at = pick.randrange(filesz - n + 1)
            raw.seek(offset + at)
            reads.append((paddr + at, n))
            want.append(f"0x{paddr + at:x} {raw.read(n).hex()}")
    f = facts(path, *reads)
    check(f"{path}: ranges", f.get("range"), join((p, p + m) for p, o, z, m in loads))
    check(f"{path}: bytes", f.get("bytes"), want)
    check(f"{path}: filtered", f["filtered"], [str(int(any(m > z for p, o, z, m in loads)))])
    check_notes(path, f, notes_of(notes))
    # The same list from readelf itself, which shows no bytes.
    out = subprocess.run(["readelf", "-nW", path], capture_output=True, text=True).stdout
    listed = re.findall(r"^  (\w+)\s+(0x[0-9a-f]{8})\s", out, re.M)
    check(f"{path}: readelf -n", [(n.split()[0], int(n.split()[2], 16)) for n in f["note"]],
          [(n, int(s, 16)) for n, s in listed])


def check_kdump(path):
    raw = open(path, "rb")
    head = raw.read(464)
    if head[:8] != b"KDUMP   ":
        return
    version, = struct.unpack_from("<i", head, 8)
    status, bs = struct.unpack_from("<Ii", head, 424)
    cpus, = struct.unpack_from("<i", head, 460)
    raw.seek(bs)
    sub = raw.read(104)
    level, = struct.unpack_from("<i", sub, 8)
    max_mapnr, = struct.unpack_from("<Q", sub, 96)
    off_vmci, len_vmci, off_note, len_note = struct.unpack_from("<4Q", sub, 32)
    raw.seek(off_note)
    notes = notes_of(raw.read(len_note)) if off_note else []
    f = facts(path)
    names = {0: "uncompressed", 1: "zlib", 2: "lzo", 4: "snappy", 0x20: "zstd"}
    check(f"{path}: format", f["format"], [f"kdump v{version}, {names[status & 0x27]}"])
    check(f"{path}: max_pfn", f["max_pfn"], [hex(max_mapnr)])
    check(f"{path}: level", f["dump_level"], [str(level)])
    check(f"{path}: nr_cpus", f["nr_cpus"], [str(cpus)])
    check(f"{path}: incomplete", f["incomplete"], [str(status >> 3 & 1)])
    check_notes(path, f, notes)
    if off_vmci and len_vmci:
        raw.seek(off_vmci)
        text = raw.read(len_vmci).split(b"\0")[0]
        check(f"{path}: vmcoreinfo", f["vmcoreinfo"], [f"{len(text)} {fnv(text)}"])


def check_split(parts, whole):
    for order in (parts, parts[::-1], parts[1:] + parts[:1]):
        run = subprocess.run([pages_tool, whole, ",".join(order)], capture_output=True, text=True)
        check(f"{','.join(order)}: pages against {whole}: {run.stderr}", run.returncode, 0)
        last = run.stdout.splitlines()[-1] if run.stdout else ""
        check(f"{','.join(order)}: same filtering as {whole}", re.findall(r"excluded 0 .* lost 0 ", last) != [], True)
        check(f"{','.join(order)}: no warning", "warning" in run.stdout, False)
    for gone in range(len(parts)):
        rest = parts[:gone] + parts[gone + 1:]
        with open(parts[gone], "rb") as raw:
            raw.seek(4096 + 80)
            start, end = struct.unpack("<QQ", raw.read(16))
        run = subprocess.run([pages_tool, "--missing", whole, ",".join(rest)], capture_output=True, text=True)
        check(f"without {parts[gone]}: {run.stderr}", run.returncode, 0)
        if len(rest) > 1:
            check(f"without {parts[gone]}: warning", f"page frames {start:#x} to {end - 1:#x}" in run.stdout, True)
    run = subprocess.run([pages_tool, whole, f"{parts[0]},{parts[0]}"], capture_output=True, text=True)
    check(f"{parts[0]} twice: {run.stderr}", run.returncode, 2)


def main():
    dumps = sorted(glob.glob(os.path.join(folder, "*.vmcore")))
    if not dumps:
        print(f"skipped: no dumps in {folder}")
        return 77
    pairs = 0
    for path in dumps:
        with open(path, "rb") as f:
            magic = f.read(8)
        if magic[:4] == b"\x7fELF":
            check_elf(path)
        elif magic == b"KDUMP   ":
            check_kdump(path)
        # BASE.VARIANT.vmcore was made from BASE.vmcore by tests/lab/make-formats.
        base = re.sub(r"\.(d31|d0|split|nospace|cut)[-\w]*\.vmcore$", ".vmcore", path)
        if base != path and base in dumps:
            lossy = re.search(r"\.(split|nospace|cut)", path)
            run = subprocess.run([pages_tool, *(["--missing"] if lossy else []), base, path],
                                 capture_output=True, text=True)
            check(f"{path}: pages against {base}: {run.stderr}", run.returncode, 0)
            pairs += 1
        whole = path.replace(".split-1.", ".d31-zlib.")
        if whole != path and whole in dumps:
            check_split([p for p in dumps if p.startswith(path.replace("-1.vmcore", "-"))], whole)
            pairs += 1
    print(f"{len(dumps)} dumps, {pairs} pairs, {failures} failures")
    return 1 if failures else 0


sys.exit(main())
