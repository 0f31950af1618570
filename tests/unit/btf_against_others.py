#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Compare what unit-btf-dump makes of BTF with what bpftool and pahole make of the same file, over every
type, member and enumerator of it.

    btf_against_others.py UNIT-BTF-DUMP SAMPLE.c      a file made here by cc and pahole
    btf_against_others.py UNIT-BTF-DUMP FILE...       BTF or ELF files; after "-b BASE" modules

Exit status 77 (skipped) without bpftool, pahole or a compiler.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

WORDS = {"signed", "unsigned", "long", "short", "int", "char", "_Bool", "float", "double", "__int128"}
QUALIFIERS = ("CONST", "VOLATILE", "RESTRICT")
COMPILER = os.environ.get("CC", "cc").split()[-1]
NO_TYPES = ("FUNC", "VAR", "DATASEC", "DECL_TAG", "TYPE_TAG")


def usual_name(name):
    """gdb's spelling of an arithmetic type."""
    words = name.split()
    if not words or not set(words) <= WORDS:
        return name
    unsigned = "unsigned " if "unsigned" in words else ""
    if "double" in words or "float" in words or "_Bool" in words:
        return name
    if "char" in words:
        return "signed char" if "signed" in words else unsigned + "char"
    for word in ("short", "__int128"):
        if word in words:
            return unsigned + word
    return unsigned + (" ".join(["long"] * words.count("long")) or "int")


class Bpftool:
    """The same listing as unit-btf-dump's, from bpftool's raw one."""

    def __init__(self):
        self.types = {}

    def load(self, path, base=None):
        command = ["bpftool"] + (["-B", base] if base else []) + ["btf", "dump", "file", path,
                                                                  "format", "raw"]
        first, current = None, None
        for line in subprocess.run(command, check=True, capture_output=True,
                                   text=True).stdout.splitlines():
            head = re.match(r"\[(\d+)\] (\w+) '([^']*)' ?(.*)", line)
            item = re.match(r"\t'([^']*)' (.*)", line)
            if head:
                number = int(head[1])
                first = first or number
                current = {"kind": head[2], "name": "" if head[3] == "(anon)" else head[3],
                           "items": [], **dict(re.findall(r"(\w+)=(\S+)", head[4]))}
                self.types[number] = current
            elif item:
                name = "" if item[1] == "(anon)" else item[1]
                current["items"].append((name, dict(re.findall(r"(\w+)=(\S+)", item[2]))))
        return first

    def size(self, number):
        count = 1
        while number:
            t = self.types[number]
            if t["kind"] in ("INT", "STRUCT", "UNION", "ENUM", "ENUM64", "FLOAT"):
                return count * int(t["size"])
            if t["kind"] == "PTR":
                return count * 8
            if t["kind"] in ("FUNC_PROTO", "FWD"):
                return 0
            if t["kind"] == "ARRAY":
                count *= int(t["nr_elems"])
            number = int(t["type_id"])
        return 0

    def declare(self, number, text):
        pending, pointer = set(), False

        def qualifiers():
            ret = "".join(q.lower() + " " for q in QUALIFIERS if q in pending)
            pending.clear()
            return ret

        while True:
            if not number:
                base = "void"
                break
            t = self.types[number]
            kind = t["kind"]
            if kind == "TYPE_TAG":
                pass
            elif kind in QUALIFIERS:
                pending.add(kind)
            elif kind == "PTR":
                q = qualifiers()
                text = "*" + (" " + q if q else "") + text
                text, pointer = text.rstrip(), True
            elif kind == "ARRAY":
                count = t["nr_elems"] if t["nr_elems"] != "0" else ""
                text = ("(%s)" % text if pointer else text) + "[%s]" % count
                pointer = False
            elif kind == "FUNC_PROTO":
                parameters = ["..." if not name and p["type_id"] == "0" else
                              self.declare(int(p["type_id"]), "") for name, p in t["items"]]
                text = ("(%s)" % text if pointer else text) + \
                    "(%s)" % (", ".join(parameters) or "void")
                pointer = False
                pending.clear()
            else:
                tag = {"STRUCT": "struct ", "UNION": "union ", "ENUM": "enum ", "ENUM64": "enum ",
                       "FWD": t.get("fwd_kind", "") + " "}.get(kind, "")
                base = tag + (usual_name(t["name"]) if not tag else t["name"] or "{...}")
                break
            number = int(t["ret_type_id" if kind == "FUNC_PROTO" else "type_id"])
        return qualifiers() + base + (" " + text if text else "")

    def head(self, number, t):
        kind = t["kind"]
        word = {"PTR": "pointer", "FUNC_PROTO": "function", "ENUM64": "enum",
                "FWD": "fwd-" + t.get("fwd_kind", "")}.get(kind, kind.lower())
        name = usual_name(t["name"]) if kind in ("INT", "FLOAT") else t["name"]
        line = "%d %s %s %d" % (number, word, name or "-", self.size(number))
        if kind == "INT":
            signed = t["encoding"] == "SIGNED"
            if t["encoding"] == "BOOL":
                line += " bool"
            elif t["size"] == "1" and "char" in name:
                line += " char" if signed else " uchar"
            else:
                line += " signed" if signed else " unsigned"
        if kind in ("ENUM", "ENUM64"):
            line += " " + t["encoding"].lower()
        if kind not in ("STRUCT", "UNION", "ENUM", "ENUM64"):
            line += "\t" + self.declare(number, "x")
        return line

    def listing(self, first):
        for number in sorted(n for n in self.types if n >= first):
            t = self.types[number]
            if t["kind"] in NO_TYPES:
                continue
            yield self.head(number, t)
            for name, item in t["items"]:
                if t["kind"] in ("STRUCT", "UNION"):
                    target = int(item["type_id"])
                    yield "  %s %s %s %d\t%s" % (
                        name or "-", item["bits_offset"], item.get("bitfield_size", "0"),
                        self.size(target), self.declare(target, name))
                elif t["kind"] in ("ENUM", "ENUM64"):
                    yield "  %s %s" % (name, re.sub("U?L*$", "", item["val"]))


def pahole_sizes(path):
    """{name: {size}} for named structs and unions, as pahole sees them."""
    ret = {}
    text = subprocess.run(["pahole", "-F", "btf", "--sizes", path], check=True,
                          capture_output=True, text=True).stdout
    for line in text.splitlines():
        name, size, _ = line.split("\t")
        ret.setdefault(name, set()).add(int(size))
    return ret


def compare(dump, path, base):
    ours = subprocess.run([dump] + (["-b", base] if base else []) + [path], check=True,
                          capture_output=True, text=True)
    bpftool = Bpftool()
    if base:
        bpftool.load(base)
    theirs = list(bpftool.listing(bpftool.load(path, base)))
    lines = ours.stdout.splitlines()
    # Encoders before pahole 1.24 mark no enum as signed, and no char: bpftool takes both for unsigned,
    # inquest for what the machine's C has.
    if not any(re.fullmatch(r"\d+ enum .* signed", line) for line in theirs):
        sign = re.compile(r"^(\d+ enum .*) (?:un)?signed$|^(\d+ int (?:signed )?char 1) u?char")
        value = re.compile(r"^( +\S+) (-?\d+)$")
        lines, theirs = ([value.sub(lambda m: "%s %d" % (m[1], int(m[2]) & 0xffffffff),
                                    sign.sub(lambda m: m[1] or m[2], x)) for x in y]
                         for y in (lines, theirs))
    bad = 0 if len(lines) == len(theirs) else 1
    for mine, other in zip(lines, theirs):
        if mine != other:
            bad += 1
            if bad < 20:
                print("- inquest  %s\n- bpftool  %s" % (mine, other))
    structs = {}
    for line in lines:
        m = re.match(r"\d+ (?:struct|union) (\S+) (\d+)$", line)
        if m and m[1] != "-":
            structs.setdefault(m[1], set()).add(int(m[2]))
    nr = 0
    for name, sizes in ({} if base else pahole_sizes(path)).items():
        nr += 1
        if not sizes <= structs.get(name, set()):
            bad += 1
            print("- %s: inquest %s, pahole %s" % (name, structs.get(name), sizes))
    if ours.stderr:
        bad += 1
        print(ours.stderr)
    print("%s: %d lines, %d structs, %d differences" % (path, len(theirs), nr, bad))
    return bad


def make_sample(source, directory):
    path = os.path.join(directory, "sample.o")
    subprocess.run([COMPILER, "-g", "-gdwarf-4", "-O0", "-w", "-c", "-o", path, source], check=True)
    subprocess.run(["pahole", "-J", path], check=True)
    return path


def compare_with_compiler(dump, path, source, directory):
    """Sizes and offsets of the sample, as the program that cc makes of it knows them."""
    text, questions, struct = "", [], None
    for line in subprocess.run([dump, path], check=True, capture_output=True,
                               text=True).stdout.splitlines():
        head = re.match(r"\d+ (struct|union) (\S+) (\d+)$", line)
        member = re.match(r"  (\w+) (\d+) 0 (\d+)\t", line)
        if not line.startswith(" "):
            struct = None
        if head and head[2] != "-":
            struct = head[1] + " " + head[2]
            questions.append(("sizeof(%s)" % struct, int(head[3])))
        elif member and struct:
            questions.append(("offsetof(%s, %s)" % (struct, member[1]), int(member[2]) // 8))
            questions.append(("sizeof(((%s *)0)->%s)" % (struct, member[1]), int(member[3])))
    for question, _ in questions:
        # The size of a flexible array is not C.
        if not question.endswith("flexible)") or question.startswith("offset"):
            text += '\tprintf("%%zu\\n", (size_t)%s);\n' % question
        else:
            text += '\tputs("0");\n'
    program = os.path.join(directory, "ask")
    with open(program + ".c", "w") as f:
        f.write('#include "%s"\n#include <stdio.h>\nint main(void)\n{\n%s\treturn 0;\n}\n' %
                (os.path.abspath(source), text))
    subprocess.run([COMPILER, "-w", "-o", program, program + ".c"], check=True)
    answers = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
    bad = 0
    for (question, ours), theirs in zip(questions, answers):
        if ours != int(theirs):
            bad += 1
            print("- %s: inquest %d, compiler %s" % (question, ours, theirs))
    print("%s: %d sizes and offsets, %d differences" % (source, len(questions), bad))
    return bad


def main():
    # bpftool lives where only root looks.
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    dump, files, base, bad = sys.argv[1], sys.argv[2:], None, 0
    for tool in ("bpftool", "pahole", COMPILER):
        if not shutil.which(tool):
            print("%s is not installed" % tool)
            return 77
    with tempfile.TemporaryDirectory() as directory:
        while files:
            path = files.pop(0)
            if path == "-b":
                base = files.pop(0)
                continue
            if path.endswith(".c"):
                source, path = path, make_sample(path, directory)
                bad += compare_with_compiler(dump, path, source, directory)
            bad += compare(dump, path, base)
    return 1 if bad else 0


sys.exit(main())
