# SPDX-License-Identifier: GPL-2.0-or-later
"""Where slab caches are created: the call, as objdump shows it, its line, as addr2line has it, the cache's name in it."""
import re
import struct

from harness import per_core
from suite import others

CREATORS = re.compile(r'call +\w+ <(kmem_cache_create|kmem_cache_create_usercopy|__kmem_cache_create|kmem_buckets_create|'
                      r'__kmem_cache_create_args|acpi_os_create_cache|create_boot_cache|proto_register|'
                      r'inet_frags_init)[.>]')


def wanted(core):
    return others.has_vmlinux(core) and re.fullmatch(r'sysrq(-bullseye|-trixie|-sid|-full|)', core.name)


def string_at(vmlinux, address):
    """The string at a link-time address of an ELF file."""
    with open(vmlinux, 'rb') as f:
        header = f.read(64)
        phoff, = struct.unpack_from('<Q', header, 32)
        n, = struct.unpack_from('<H', header, 56)
        for i in range(n):
            f.seek(phoff + 56 * i)
            kind, _, offset, vaddr, _, filesz, _, _ = struct.unpack('<IIQQQQQQ', f.read(56))
            if kind == 1 and vaddr <= address < vaddr + filesz:
                f.seek(offset + address - vaddr)
                return f.read(64).split(b'\0')[0].decode('latin-1')
    return None


def all_caches(t, core, vmlinux):
    names = [c['name'] for c in t.command(core, 'kmem -s', vmlinux=vmlinux)['caches']]
    return t.command(core, 'kmem -s ' + ','.join(names), vmlinux=vmlinux)['caches']


@per_core(wanted)
def calls_that_create_caches(t, core):
    caches = all_caches(t, core, True)
    told = [c for c in caches if c['created']]
    t.ok(len(told) > 0.93 * len(caches), f'only {len(told)} of {len(caches)} are told')
    symbols = {}
    for address, _, name in others.system_map(t, core):
        symbols.setdefault(name, []).append(address)
    plain = [c for c in told if not c['created']['module'] and c['created']['offset'] and
             len(symbols.get(c['created']['function'], ())) == 1]
    t.ok(len(plain) > 60, f'only {len(plain)} can be checked')
    for c in t.sample(plain, 8):
        o = c['created']
        at = symbols[o['function']][0] + o['offset']
        text = t.sh(['objdump', '-d', f'--start-address={symbols[o["function"]][0]:#x}',
                     f'--stop-address={at + 5:#x}', core.vmlinux]).out.splitlines()
        what = f'{c["name"]}: {o["function"]}+{o["offset"]}'
        call = CREATORS.search(text[-1])
        if not t.ok(call and f'{at:x}:' in text[-1], f'{what}: {text[-1]}'):
            continue
        if call.group(1).startswith(('kmem_cache', '__kmem_cache')):
            values = [int(m, 16) for m in re.findall(r'(?:mov +\$|# )0?x?([0-9a-f]{16})', '\n'.join(text[-40:]))]
            t.ok(c['name'] in [string_at(core.vmlinux, v) for v in values], f'{what}: its name is no argument')
        lines = t.sh(['addr2line', '-i', '-e', core.vmlinux, f'{at:x}']).out.splitlines()
        t.ok(any(l.split(' ')[0].endswith(f'{o["file"]}:{o["line"]}') for l in lines),
             f'{what}: {o["file"]}:{o["line"]}, addr2line {lines}')


@per_core(wanted)
def without_a_file_they_are_in_init_code(t, core):
    """What is told alone never contradicts what is told with a vmlinux."""
    known = {c['name']: c['created'] for c in all_caches(t, core, True)}
    alone = {c['name']: c['created'] for c in all_caches(t, core, False)}
    wrong = []
    for name, a in alone.items():
        k = known[name]
        if not a:
            continue
        if not k:
            wrong.append((name, a, k))
        elif a['function']:
            if (a['function'], a['module']) != (k['function'], k['module']):
                wrong.append((name, a, k))
        elif not k['gone'] or a['module'] != k['module']:
            wrong.append((name, a, k))
    t.none(wrong, 'creators', len(alone))
    t.ok(sum(bool(a) for a in alone.values()) > 0.6 * len(alone), f'{sum(map(bool, alone.values()))} of {len(alone)}')


@per_core(lambda c: c.name == 'slab-leak' and others.has_vmlinux(c))
def of_a_module(t, core):
    """The line of slableak.c in which kmem_cache_create… stands."""
    files = [f for f in core.module_files() if f.endswith('/slableak.ko')]
    out = t.inquest('--json', core.vmcore, core.vmlinux, *files, '-c', 'kmem -s lab_leak_ctx').result()
    created = out['caches'][0]['created']
    t.equal(created and created['module'], 'slableak', 'module')
    if t.ok(created and created['file'], 'no line'):
        with open(created['file']) as f:
            lines = f.read().splitlines()[created['line'] - 1:created['line'] + 4]
        t.ok(re.search(r'kmem_cache_create|KMEM_CACHE', ' '.join(lines)), f'{created}: {lines}')
