#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Compare what unit-dwarf-dump makes of DWARF with what pahole made of the same (BTF, listed by
unit-btf-dump, which btf_against_others.py compares with bpftool), over every named type with all
its members and enumerators; and the address of every variable with nm's.

    dwarf_against_others.py DWARF-DUMP BTF-DUMP SAMPLE.c   a module made here by the compilers
    dwarf_against_others.py DWARF-DUMP BTF-DUMP VMLINUX...
    dwarf_against_others.py DWARF-DUMP BTF-DUMP lab        a kernel of the lab, by CHECK_SEED; with
                                                           CHECK=all all of them

What BTF cannot say is made equal before: several dimensions of an array are one, restrict is lost
on the way; before pahole 1.24 no enum was said to be signed.  Exit status 77 (skipped) without
pahole or a compiler.
"""
import collections
import glob
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import zlib


def run(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, text=True, errors="replace", **kw)


def one_dimension(match):
    counts = [int(n or 0) for n in re.findall(r"\[(\d*)\]", match[0])]
    return "[%s]" % (math.prod(counts) or "")


def blocks(lines):
    """{(kind, name): {layout}} of the named types."""
    ret, key, block = collections.defaultdict(set), None, []
    for line in [*lines, "0 end x 0"]:
        head, tab, declaration = line.partition("\t")
        declaration = re.sub(r"(\[\d*\]){2,}", one_dimension, declaration)
        declaration = re.sub(r"\* restrict ?", "*", declaration).replace("restrict ", "")
        if line.startswith(" "):
            block.append(head + tab + declaration)
            continue
        if key and key[1] != "-":
            ret[key].add("\n".join(block))
        m = re.match(r"\d+ (\S+) (.+?) (\d+)( (?:signed|unsigned|char|uchar|bool))?$",
                     head)
        key, block = (m[1], m[2]), [m[3] + (m[4] or "")]
    return ret


def unsigned(layouts):
    """As far as old BTF can say it: no sign, 32 bits of a value."""
    return {re.sub(r"(-?\d+)$", lambda m: str(int(m[1]) & 0xffffffff),
                   layout.replace("unsigned", "signed"), flags=re.M) for layout in layouts}


def compare_types(name, dwarf, btf, subset=False):
    """SUBSET: BTF has only a part, as a module's."""
    bad, old = 0, not any("unsigned" in v.split("\n")[0].split()
                          for k, layouts in btf.items() if k[0] == "enum" for v in layouts)
    # Unless it was told otherwise, pahole calls float an integer; 5.10's took char for unsigned.
    floats = ("float", "double", "long double")
    skip = {(k, n) for k in ("int", "float") for n in floats} if ("int", "double") in btf else set()
    skip |= {("int", "char"), ("int", "signed char")} if old else set()
    for key in sorted(set(dwarf) | set(btf)):
        mine, other = dwarf.get(key, set()), btf.get(key, set())
        if key in skip or (subset and not other):
            continue
        # A declaration is none any more where another unit defines it; BTF may keep it.
        if key[0].startswith("fwd-") and not mine and dwarf.get((key[0][4:], key[1])):
            continue
        if key[0] == "typedef" and len(other) > 1 and mine < other and \
                any(v.startswith("0") for v in other - mine):
            continue
        if old and key[0] == "enum":
            mine, other = unsigned(mine), unsigned(other)
        if mine == other or (key[0].startswith("fwd-") and subset):
            continue
        bad += 1
        if bad < 10:
            print("- %s: %s %s:\n  DWARF %s\n  BTF %s" % (
                name, *key, sorted(mine - other)[:2], sorted(other - mine)[:2]))
    print("%s: %d names of types, %d with several layouts, %d differences" % (
        name, len(dwarf), sum(len(v) > 1 for v in dwarf.values()), bad))
    return bad


def compare_variables(dump, path):
    """Every data symbol that DWARF knows by name has a variable at its very address."""
    symbols, seen = [], set()
    for line in run("nm", path).stdout.splitlines():
        m = re.match(r"(\w+) [bBdDrRVv] ([^. ]+)(\.\d+)?$", line)
        if m:
            symbols.append((m[2], int(m[1], 16)))
    text = "".join("%s %x\n" % s for s in symbols)
    bad = found = 0
    for (name, address), line in zip(symbols, run(dump, path, "variables",
                                                  input=text).stdout.splitlines()):
        words, _, declaration = line.partition("\t")
        got = int(words.split()[1], 16)
        if declaration and got == address:
            found += 1
            seen.add(name)
        elif declaration and got:
            bad += 1
            print("- %s: %s lies at %x, DWARF says %x" % (path, name, address, got))
    print("%s: %d of %d data symbols have a type, %d differences" % (path, found, len(symbols), bad))
    # Most others are tables of exported symbols and the like, which are written in assembly.
    return bad + (found < 10000)


def check_vmlinux(dwarf_dump, btf_dump, path):
    return compare_types(path, blocks(run(dwarf_dump, path).stdout.splitlines()),
                         blocks(run(btf_dump, path).stdout.splitlines())) + \
        compare_variables(dwarf_dump, path)


# ---- A sample, by several compilers ---------------------------------------------------------------

# Type units of a relocatable file lie in sections of their own: such a one is linked.
VARIANTS = [["gcc", "-gdwarf-4"], ["gcc", "-gdwarf-5"],
            ["gcc", "-gdwarf-5", "-fdebug-types-section", "-shared", "-fPIC", "-nostdlib"],
            ["gcc", "-gdwarf-2", "-gstrict-dwarf"], ["gcc", "-gdwarf-3", "-gstrict-dwarf"],
            ["gcc", "-gdwarf-5", "-gz=zlib"], ["gcc", "-gdwarf-5", "-O2"],
            ["clang", "-gdwarf-4"], ["clang", "-gdwarf-5"], ["clang", "-gdwarf-5", "-O2"]]


def make(source, directory, flags):
    """A file that is a module, or if linked a vmlinux, by what it contains."""
    path = os.path.join(directory, "-".join(flags).replace("=", "") + ".ko")
    wrapper = os.path.join(directory, "wrapper.c")
    with open(wrapper, "w") as f:
        f.write('#include "%s"\nstatic const char modinfo[] __attribute__((section(".modinfo"), used))'
                ' = "name=sample";\nint table[1] __attribute__((section("__ex_table"))) = {1};\n'
                'int __attribute__((section(".init.text"))) start(void) { return 0; }\n' %
                os.path.abspath(source))
    run(*flags, "-w", *([] if "-shared" in flags else ["-c"]), "-o", path, wrapper)
    return path


def check_sample(dwarf_dump, btf_dump, source):
    bad = 0
    with tempfile.TemporaryDirectory() as directory:
        base = make(source, directory, ["gcc", "-g", "-gdwarf-4", "-O0"])
        run("pahole", "-J", base)
        btf = blocks(run(btf_dump, base).stdout.splitlines())
        for flags in VARIANTS:
            if not shutil.which(flags[0]):
                continue
            path = make(source, directory, flags)
            found = run(dwarf_dump, path)
            dwarf = blocks(found.stdout.splitlines())
            if found.stderr:
                bad += 1
                print("- %s: %s" % (path, found.stderr))
            # What nobody uses is left out by one compiler and not by the other.
            have = {k: v for k, v in btf.items() if k in dwarf or flags[0] == "gcc"}
            bad += compare_types(" ".join(flags), {k: v for k, v in dwarf.items() if k in btf}, have)
        bad += check_cache(dwarf_dump, path, directory)
        bad += check_damage(dwarf_dump, path, directory)
    return bad


# ---- Damage ---------------------------------------------------------------------------------------

def check_damage(dump, path, directory):
    """Files with bytes changed, or cut off, are refused or understood in part."""
    rng, bad = random.Random(os.environ.get("CHECK_SEED", "1")), 0
    with open(path, "rb") as f:
        good = f.read()
    for i in range(100):
        data = bytearray(good)
        for _ in range(rng.choice([1, 10, 100])):
            data[rng.randrange(64, len(data))] = rng.randrange(256)
        if i % 5 == 0:
            del data[rng.randrange(len(data)):]
        name = os.path.join(directory, "damaged.ko")
        with open(name, "wb") as f:
            f.write(data)
        done = subprocess.run([dump, name], capture_output=True)
        said = done.stderr.decode(errors="replace")
        if done.returncode not in (0, 1) or (done.returncode and not said) or "runtime error" in said:
            bad += 1
            shutil.copy(name, "/tmp/damaged-%d.ko" % i)
            print("- /tmp/damaged-%d.ko: status %d\n%s" % (i, done.returncode, said))
    print("100 damaged files: %d differences" % bad)
    return bad


# ---- The cache ------------------------------------------------------------------------------------

def check_cache(dump, path, directory):
    """Whatever happens to the cache, the answers are the same."""
    path = shutil.copy(path, os.path.join(directory, "with-id.ko"))
    note = os.path.join(directory, "note")
    with open(note, "wb") as f:
        f.write(bytes([4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0]) + b"GNU\0" + bytes(range(20)))
    run("objcopy", "--add-section", ".note.gnu.build-id=" + note, "--set-section-flags",
        ".note.gnu.build-id=alloc,readonly", path)
    cache, bad = os.path.join(directory, "a", "cache"), 0
    right = run(dump, path).stdout
    name = os.path.join(cache, bytes(range(20)).hex() + ".names")

    def ask(what, where=cache):
        nonlocal bad
        done = run(dump, "-c", where, path)
        if done.stdout != right or done.stderr:
            bad += 1
            print("- the cache: another answer %s\n%s" % (what, done.stderr))

    def damage(what, change):
        nonlocal bad
        with open(name, "r+b") as f:
            data = f.read()
            f.seek(0)
            f.truncate()
            f.write(change(data))
        ask(what)
        if open(name, "rb").read() != good:
            bad += 1
            print("- the cache: not made anew %s" % what)

    ask("when it is made")
    good = open(name, "rb").read()
    ask("from it")
    damage("when it is empty", lambda d: b"")
    damage("when it is cut off", lambda d: d[:len(d) // 2])
    damage("with a byte more", lambda d: d + b"x")
    for at in range(0, len(good), max(1, len(good) // 40)):
        damage("with byte %d changed" % at, lambda d, at=at: d[:at] + bytes([d[at] ^ 0x41]) + d[at + 1:])
    ask("with a file for a directory", os.path.join(note, "cache"))
    ask("in a place that cannot be written to", "/proc/self")
    os.unlink(name)
    os.mkdir(name)
    ask("with a directory for its file")
    os.rmdir(name)
    os.symlink("/dev/zero", name)
    ask("with a link for its file")
    os.unlink(name)
    several = [subprocess.Popen([dump, "-c", cache, path], stdout=subprocess.PIPE, text=True)
               for _ in range(8)]
    for p in several:
        if p.communicate()[0] != right:
            bad += 1
            print("- the cache: another answer by one of several at once")
    if os.listdir(cache) != [os.path.basename(name)] or open(name, "rb").read() != good:
        bad += 1
        print("- the cache: left %s" % os.listdir(cache))
    # What is too much goes, the oldest first; nothing but such files is touched.
    os.unlink(name)
    for i in range(600):
        with open(os.path.join(cache, "%040x.names" % i), "w") as f:
            f.truncate(1000)
        os.utime(f.name, (10**9 + i, 10**9 + i))
    open(os.path.join(cache, "keep"), "w").close()
    ask("with many files")
    left = os.listdir(cache)
    if len(left) > 513 or "keep" not in left or os.path.basename(name) not in left or \
            "%040x.names" % 0 in left or "%040x.names" % 599 not in left:
        bad += 1
        print("- the cache: of 600 files %d are left" % len(left))
    print("the cache: %d differences" % bad)
    return bad


def kernels_of_lab():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    found = sorted(glob.glob(os.path.join(cache, "inquest/lab/work/kernel-*/vmlinux")))
    if os.environ.get("CHECK") == "all" or not found:
        return found
    seed = os.environ.get("CHECK_SEED", "")
    return [found[zlib.crc32(seed.encode()) % len(found)]]


def main():
    dwarf_dump, btf_dump, files, bad = sys.argv[1], sys.argv[2], sys.argv[3:], 0
    for tool in ("pahole", "gcc", "objcopy", "nm"):
        if not shutil.which(tool):
            print("%s is not installed" % tool)
            return 77
    if "lab" in files:
        files.remove("lab")
        files += kernels_of_lab()
    for path in files:
        if path.endswith(".c"):
            bad += check_sample(dwarf_dump, btf_dump, path)
        else:
            bad += check_vmlinux(dwarf_dump, btf_dump, path)
    return 1 if bad else 0


sys.exit(main())
