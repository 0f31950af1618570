#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Structures of a dump as inquest shows them against crash's text.

differences(inquest, crash, vmcore, vmlinux) follows pointers from init_task and a few global lists through
the dump, lets both programs print every structure on the way, and returns what differs but for blanks.
crash reads DWARF and inquest BTF, so this checks types, layouts, reading and printing at once.

Not counted: names of symbols behind an address where only one of the two has one or they chose
different names of the same address (they are counted apart, see Difference.kind); arrays of several dimensions, of which BTF has only
the product; and the words for memory that cannot be read.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys

Difference = collections.namedtuple("Difference", "kind type address crash inquest")

MARK = 4242420000
START = [
    ("struct task_struct", "init_task"),
    ("struct mm_struct", "init_mm"),
    ("struct list_head", "modules"),
    ("struct net", "init_net"),
    ("struct pid_namespace", "init_pid_ns"),
    ("struct user_namespace", "init_user_ns"),
    ("struct uts_namespace", "init_uts_ns"),
    ("struct css_set", "init_css_set"),
    ("struct files_struct", "init_files"),
    ("struct cgroup_root", "cgrp_dfl_root"),
    ("struct resource", "iomem_resource"),
    ("struct bus_type", "pci_bus_type"),
    ("struct bus_type", "platform_bus_type"),
    ("struct rcu_state", "rcu_state"),
    ("struct task_group", "root_task_group"),
    ("struct neigh_table", "arp_tbl"),
    ("struct cpuinfo_x86", "boot_cpu_data"),
    ("struct trace_array", "global_trace"),
    ("struct console", "univ8250_console"),
    ("struct kmem_cache", "boot_kmem_cache"),
]
# list_head, structure, member in it that links it
LISTS = [
    ("super_blocks", "struct super_block", "s_list"),
    ("slab_caches", "struct kmem_cache", "list"),
    ("modules", "struct module", "list"),
    ("workqueues", "struct workqueue_struct", "list"),
    ("net_namespace_list", "struct net", "list"),
    ("init_net.dev_base_head", "struct net_device", "dev_list"),
    ("init_task.tasks", "struct task_struct", "tasks"),
    ("tty_drivers", "struct tty_driver", "tty_drivers"),
    ("clocksource_list", "struct clocksource", "list"),
]


def ask(inquest, vmcore, commands):
    """The results of COMMANDS as JSON."""
    p = subprocess.run([inquest, "-s", "--json", "--no-vmlinux", vmcore], input="\n".join(commands) + "\n",
                       capture_output=True, text=True, errors="replace")
    out = [json.loads(line) for line in p.stdout.splitlines() if line.startswith("{")]
    if len(out) != len(commands):
        raise RuntimeError("%d commands, %d results: %s" % (len(commands), len(out), p.stderr[-500:]))
    return [o.get("result") for o in out]


def pointers(members):
    """(type, address) of the pointers to structures in MEMBERS."""
    for m in members or []:
        if "members" in m:
            yield from pointers(m["members"])
        values = m.get("value")
        for v in values if isinstance(values, list) else [values]:
            if isinstance(v, list):
                yield from pointers(v)
            t = re.fullmatch(r"(?:const )?((?:struct|union) \w+) \*(?:\[\d+\])?", m.get("type") or "")
            if t and isinstance(v, str) and re.match("0xff.{14}$", v):
                yield t.group(1), v[2:]


def walk_list(inquest, vmcore, head, struct, member, limit):
    """Objects of the list HEAD, by its links in the dump."""
    info, start = ask(inquest, vmcore, ["struct %s.%s" % (struct.split()[1], member), "p &" + head])
    if not info or not start or start["value"] is None:
        return []
    offset = info["members"][0]["offset"]
    head_at, found = int(start["value"], 16), []
    at = ask(inquest, vmcore, ["p *(unsigned long *)0x%x" % head_at])[0]["value"]
    at = int(at, 16) if isinstance(at, str) else at
    while at and at != head_at and len(found) < limit:
        found.append((struct, "%x" % (at - offset)))
        r = ask(inquest, vmcore, ["p *(unsigned long *)0x%x" % at])[0]
        if not r or r["value"] is None:
            break
        at = int(r["value"], 16) if isinstance(r["value"], str) else r["value"]
    return found


def choose(inquest, vmcore, per_type, total):
    """Pairs (type, address) that pointers of the dump lead to, breadth first."""
    queue = list(START)
    for head, struct, member in LISTS:
        queue += walk_list(inquest, vmcore, head, struct, member, per_type)
    seen, chosen, count = set(), [], collections.Counter()
    while queue and len(chosen) < total:
        batch = []
        while queue and len(batch) < 200:
            pair = queue.pop(0)
            if pair not in seen and count[pair[0]] < per_type:
                seen.add(pair)
                count[pair[0]] += 1
                batch.append(pair)
        results = ask(inquest, vmcore, ["%s %s" % (t, a) for t, a in batch])
        for pair, r in zip(batch, results):
            if r:
                chosen.append(pair)
                queue += pointers(r.get("members"))
    return chosen[:total]


def blocks(text, nr):
    """What was printed between the marks."""
    found, current, at = {}, [], None
    for line in text.splitlines():
        m = re.search(r"= (424242\d{4})$", line)
        if m:
            if at is not None:
                found[at] = "\n".join(current)
            at, current = int(m.group(1)) - MARK, []
        else:
            current.append(line)
    if at is not None:
        found[at] = "\n".join(current)
    return found


def script(pairs, radix):
    lines = []
    for i, (t, a) in enumerate(pairs):
        lines += ["p %d" % (MARK + i), "%s%s %s" % (t, radix, a)]
    return lines + ["p %d" % (MARK + len(pairs))]


def run_crash(crash, vmcore, vmlinux, modules, lines):
    # The gdb of crash 9 cuts strings where that of crash 8, which does not know the setting, does not.
    load = ["gdb set print characters unlimited"] + ["mod -s %s %s" % m for m in modules]
    p = subprocess.run([*crash.split(), "-s", vmlinux, vmcore],
                       input="\n".join(["set scroll off"] + load + lines + ["exit"]) + "\n",
                       capture_output=True, text=True, errors="replace", env=dict(os.environ, LANG="C", LC_ALL="C"))
    return p.stdout


def run_inquest(inquest, vmcore, lines):
    """What it prints; a warning ("there are 2 different types console") is no part of a structure."""
    p = subprocess.run([inquest, "-s", "--no-vmlinux", vmcore], input="\n".join(lines) + "\n",
                       capture_output=True, text=True, errors="replace")
    return p.stdout


UNREADABLE = re.compile(r"<error: Cannot access memory at address 0x[0-9a-f]+>|"
                        r"<(?:excluded from the dump by filtering|not in the dump|not mapped|"
                        r"its page table cannot be read|lost because the dump file is truncated|"
                        r"damaged in the dump file|user memory)>")
SYMBOL = re.compile(r"(0x[0-9a-f]+) <[\w.]+(?:\+\d+)?>")


STRING = re.compile(r"""'(?:[^'\\]|\\[^0-7]|\\[0-7]{3})'|"(?:[^"\\]|\\.)*\"""")
CUT_STRING = re.compile(rf"(?:{STRING.pattern})(?:\.\.\.)?")
ESCAPE = re.compile(r'\\([0-7]{3}|[abefnrtv])|(\\["\\]|.)', re.S)
LETTERS = dict(zip("abefnrtv", "\a\b\033\f\n\r\t\v"))


def one_writing(string):
    """A string with every byte written in one way.  A digit behind an octal escape is an escape itself in gdb 13
    ("\\001\\060") and itself in gdb 16 ("\\0010"); escapes have three digits, so both say which bytes are there."""
    def byte(m):
        escape, itself = m.groups()
        if itself:
            return itself
        c = LETTERS.get(escape) or chr(int(escape, 8))
        return "\\" + c if c in '"\\' else c if " " <= c <= "~" else "\\%03o" % ord(c)
    return string[0] + ESCAPE.sub(byte, string[1:-1]) + string[-1]


def plain(text):
    """Without what may differ: blanks, the words for unreadable memory, and how the bytes of strings are written."""
    text = UNREADABLE.sub("<unreadable>", text)
    return re.sub(r"\s+", " ", STRING.sub(lambda m: one_writing(m.group(0)), text)).strip()


def flat(text):
    """pahole writes a[2][3] as a[6] into BTF: without the braces, and without NULs at the end of strings."""
    text = re.sub(r'(?:\\000)*"(?:, ")?', "", text)
    return re.sub(r"[{}]| (?=\})", "", text)


def without_cut(theirs, ours):
    """Their text with the strings cut that ours says are cut ("..."), after at least 256 characters: crash 9 was told to
    show them to their end."""
    def cut(m):
        string, mine = m.group(0), next(strings, None)
        if not mine or not mine.group(0).endswith('"...') or m.group(0).endswith("..."):
            return string
        shown = mine.group(0)[:-4]
        return shown + '"...' if string.startswith(shown) and len(ESCAPE.findall(shown)) > 256 else string
    strings = CUT_STRING.finditer(ours)
    return CUT_STRING.sub(cut, theirs)


def compare(pair, theirs, ours):
    b = plain(ours)
    a = without_cut(plain(theirs), b)
    if a == b:
        return None
    a, b = SYMBOL.sub(r"\1", a), SYMBOL.sub(r"\1", b)
    if a == b:
        return Difference("symbol", pair[0], pair[1], theirs, ours)
    if flat(a) == flat(b):
        return Difference("dimensions", pair[0], pair[1], theirs, ours)
    return Difference("text", pair[0], pair[1], theirs, ours)


def differences(inquest, crash, vmcore, vmlinux, modules=(), per_type=25, total=1500, radix=""):
    """(differences, number of structures compared, of how many types)."""
    pairs = choose(inquest, vmcore, per_type, total)
    lines = script(pairs, radix)
    theirs = blocks(run_crash(crash, vmcore, vmlinux, modules, lines), len(pairs))
    ours = blocks(run_inquest(inquest, vmcore, lines), len(pairs))
    found, compared, types = [], 0, set()
    for i, pair in enumerate(pairs):
        a, b = theirs.get(i), ours.get(i)
        # crash does not know the types of modules that are not loaded, and has no word for missing pages.
        if a is None or not re.match(r"\s*(struct|union) \w+ \{", a):
            continue
        compared += 1
        types.add(pair[0])
        d = compare(pair, a, b or "")
        if d:
            found.append(d)
    return found, compared, len(types)


def first_difference(d):
    b = plain(d.inquest)
    a = without_cut(plain(d.crash), b)
    if d.kind == "text":
        a, b = SYMBOL.sub(r"\1", a), SYMBOL.sub(r"\1", b)
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    start = max(0, a.rfind(" ", 0, max(0, at - 40)))
    return "crash: %s | inquest: %s" % (a[start:at + 60], b[start:at + 60])


def main():
    p = argparse.ArgumentParser(description="structures: inquest against crash")
    p.add_argument("inquest")
    p.add_argument("vmcore")
    p.add_argument("vmlinux")
    p.add_argument("--crash", default="crash")
    p.add_argument("--total", type=int, default=1500)
    p.add_argument("--per-type", type=int, default=25)
    p.add_argument("--hex", action="store_true")
    p.add_argument("--module", action="append", default=[], metavar="NAME=FILE")
    a = p.parse_args()
    modules = [tuple(m.split("=", 1)) for m in a.module]
    found, compared, types = differences(a.inquest, a.crash, a.vmcore, a.vmlinux, modules, a.per_type, a.total,
                                         " -x" if a.hex else "")
    for kind in ("text", "symbol"):
        some = [d for d in found if d.kind == kind]
        for d in some[:40 if kind == "text" else 15]:
            print("%s: %s %s: %s" % (kind, d.type, d.address, first_difference(d)))
    count = collections.Counter(d.kind for d in found)
    print("%d structures of %d types: %d differ, %d more in the names of addresses, %d in dimensions"
          % (compared, types, count["text"], count["symbol"], count["dimensions"]))
    return 1 if count["text"] else 0


if __name__ == "__main__":
    sys.exit(main())
