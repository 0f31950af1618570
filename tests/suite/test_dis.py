# SPDX-License-Identifier: GPL-2.0-or-later
"""dis of the dump's own text against objdump 2.40 over the same bytes, and its marks and forms."""
import os
import re
import tempfile

from harness import per_core
from suite import others
from suite.test_arch import objdump_is_ours


def plain(text):
    """objdump prints a target twice, and may pad the mnemonic."""
    text = re.sub(r'\s*#.*$', '', text)
    return re.sub(r'\s+', ' ', re.sub(r'\s*<[^>]*>', '', text)).strip()


def objdump_lines(t, data, address):
    with tempfile.NamedTemporaryFile() as f:
        f.write(data)
        f.flush()
        out = t.sh(['objdump', '-D', '-z', '-w', '-b', 'binary', '-m', 'i386:x86-64', f'--adjust-vma={address:#x}',
                    f.name]).out
    found = {}
    for line in out.splitlines():
        m = re.match(r'\s*([0-9a-f]+):\t([0-9a-f ]+)\t(.*)', line)
        if m:
            found[int(m.group(1), 16)] = (m.group(2).strip(), plain(m.group(3)))
    return found


@per_core(lambda c: c.whole(), quick=4)
def texts(t, core):
    """Bytes, instruction texts and offsets of sampled functions of the kernel and its modules."""
    if not objdump_is_ours(t):
        return t.note('skipped: objdump is not 2.40')
    symbols = [s for s in t.command(core, 'sym -l')['symbols'] if s['type'] in 'tT' and s['size']]
    once, mark = {}, {}
    for s in symbols:
        once[s['name']] = once.get(s['name'], 0) + 1
        once[s['address']] = once.get(s['address'], 0) + 1
        mark[s['name']] = s['address']
    # Behind _etext there is only text that was given back after booting.
    symbols = [s for s in symbols if once[s['name']] == once[s['address']] == 1 and
               (s['module'] or mark['_stext'] <= s['address'] < mark['_etext'])
               and re.fullmatch(r'[A-Za-z_]\w*', s['name']) and
               16 <= s['size'] < 5000 and not re.fullmatch('[0-9a-f]+', s['name'])]
    kernel = [s for s in symbols if not s['module']]
    modules = [s for s in symbols if s['module']]
    chosen = t.rng().sample(kernel, 400 if t.all else 50) + t.rng().sample(modules, min(len(modules), 15))
    count = 0
    answers = t.inquest('--json', *t.dump_args(core), stdin='\n'.join(f'dis {s["name"]}'
            for s in chosen).encode(),
                        check=False).json()
    for s, answer in zip(chosen, answers):
        if 'error' in answer:
            t.ok(re.search('excluded|not mapped|not in the dump', answer['error']['message']),
                 f'dis {s["name"]}: {answer["error"]}')
            continue
        address = int(s['address'], 16)
        found = answer['result']['instructions']
        data = b''.join(bytes.fromhex(i['bytes'].replace(' ', '')) for i in found)
        theirs = objdump_lines(t, data, address)
        for i in found:
            a = int(i['address'], 16)
            count += 1
            t.equal((i['bytes'], plain(i['text'])), theirs.get(a), f'{s["name"]} {i["address"]}')
            t.equal((i['symbol'], i['offset']), (s['name'], a - address), f'{i["address"]}')
        rd = t.command(core, f'rd -8 {address:x} {min(len(data), 64)}')
        t.equal([int(w['value'], 16) for w in rd['words']], list(data[:64]), f'rd of {s["name"]}')
    t.ok(count > 1000, f'only {count} instructions')
    t.note(f'{count} instructions')


def functions_of(t, core):
    """Where the functions of the kernel and of its modules start."""
    symbols = t.command(core, 'sym -l')['symbols']
    mark = {s['name']: int(s['address'], 16) for s in symbols if not s['module']}
    starts = {int(s['address'], 16): bool(s['module']) for s in symbols if s['type'] in 'tTwW' and s['size']}
    # Behind _etext there is only text that was given back after booting.
    return sorted(a for a, m in starts.items() if m or mark['_stext'] <= a < mark['_etext'])


@per_core(lambda c: c.whole() and (c.name.startswith(('sysrq-', 'null-deref', 'args')) or c.name == 'sysrq'),
          quick=4, sanitized=False)
def every_function(t, core):
    """The text of every instruction of every function, kernel and modules, on the bytes that the dump has."""
    if not objdump_is_ours(t):
        return t.note('skipped: objdump is not 2.40')
    starts = t.sample(functions_of(t, core), 1000)
    count, wrong, missing = 0, [], 0
    for i in range(0, len(starts), 2000):
        part = sorted(starts[i:i + 2000])
        said = t.inquest('--json', *t.dump_args(core), stdin='\n'.join(f'dis -f {a:x}' for a in
                                    part).encode(), check=False, timeout=600).json()
        t.equal(len(said), len(part), 'answers')
        blob, chunks = bytearray(), []
        for a, o in zip(part, said):
            if 'error' in o:
                # Text of modules that was given back after its init; pages that are filtered out.
                missing += 1
                t.ok(re.search('excluded|not mapped|not in the dump|no symbol', o['error']['message']),
                     f'dis -f {a:x}: {o["error"]}')
                continue
            rows = o['result']['instructions']
            data = b''.join(bytes.fromhex(r['bytes'].replace(' ', '')) for r in rows)
            chunks.append((a, rows, data))
        # One objdump for all, NOPs between them so that none starts in the middle of what objdump takes
        # for an instruction.
        at = {}
        for a, rows, data in chunks:
            at[len(blob)] = (a, rows)
            blob += data + b'\x90' * 16
        theirs = objdump_lines(t, bytes(blob), 0)
        for start, (a, rows) in at.items():
            for r in rows:
                ip = int(r['address'], 16)
                their = theirs.get(ip - a + start)
                count += 1
                size = r['bytes'].count(' ') + 1
                # Prefixes that belong to nothing objdump may put on a line of their own.
                while their and their[0].count(' ') + 1 < size:
                    more = theirs.get(ip - a + start + their[0].count(' ') + 1)
                    if not more:
                        break
                    their = (f'{their[0]} {more[0]}', f'{their[1]} {more[1]}')
                if their is None or (r['bytes'], moved(plain(r['text']), a - start)) != \
                        (their[0], moved(their[1], 0)):
                    wrong.append(f'{ip:#x}: {r["bytes"]} {r["text"]!r}, objdump {their}')
    t.none(wrong, 'instructions', count)
    t.ok(missing < len(starts) / 20, f'{missing} of {len(starts)} functions cannot be read')
    t.note(f'{count} instructions of {len(starts)} functions')


def moved(text, by):
    """The text with its branch target, if it has one, moved BY down: objdump sees all functions elsewhere."""
    m = re.fullmatch(r'((?:\S+ )*)(?:0x)?([0-9a-f]+)', text)
    if not m or not re.match(r'(j|call|loop|xbegin)', m.group(1).split(' ')[-2] if ' ' in m.group(1) else ''):
        return text
    return m.group(1) + f'{(int(m.group(2), 16) - by) & (1 << 64) - 1:x}'


@per_core(lambda c: c.whole() and c.truth.get('rip') and c.truth['rip'].get('function') and
          c.truth.get('panic_task'))
def fault_is_marked(t, core):
    """The instruction that truth's rip names carries the mark, and no other of its function."""
    rip = core.truth['rip']
    if core.truth['task'].get('pid') != core.truth['panic_task']['pid']:
        return t.note('skipped: the report is about another task')
    found = t.command(core, f'dis {rip["function"]}')['instructions']
    marked = [(i['symbol'], i['offset']) for i in found if i['exception']]
    t.equal(marked, [(rip['function'], int(rip['offset'], 16))], 'marked')
    text = t.inquest('-s', *t.dump_args(core), '-c', f'dis {rip["function"]}').out
    t.equal([l for l in text.splitlines() if 'EXCEPTION' in l], [l for l in text.splitlines() if
            f'<{rip["function"]}+{int(rip["offset"], 16)}>:'.replace('+0>', '>') in l], 'marked in the text')


@per_core(lambda c: c.whole(), quick=3)
def forms(t, core):
    """-r, -f and counts cut the same listing; ftrace's NOPs and return thunks are named."""
    name = t.rng().choice(['vfs_write', 'ksys_write', 'schedule', 'vfs_read', 'do_exit', 'kfree'])
    whole = t.command(core, f'dis {name}')['instructions']
    at = t.rng().randrange(1, len(whole) - 1)
    address = whole[at]['address'][2:]
    for command, want in [(f'dis -r {address}', whole[:at + 1]), (f'dis -f {address}', whole[at:]),
                          (f'dis {name} 3', whole[:3]), (f'dis {address}', whole[at:at + 1]),
                          (f'dis -f {address} 2', whole[at:at + 2]), (f'dis {address} 2', whole[at:at + 2]),
                          (f'dis -r {address} 2', whole[max(at - 1, 0):at + 1]),
                          (f'dis ({name}+{whole[at]["offset"]})', whole[at:at + 1])]:
        t.equal([(i['address'], i['text']) for i in t.command(core, command)['instructions']],
                [(i['address'], i['text']) for i in want], command)
    nops = ('0f 1f 44 00 00', '66 66 66 66 90')
    first = whole[0] if whole[0]['bytes'] in nops else whole[1]
    t.ok(first['bytes'] in nops, f'start of {name}: {first}')
    t.equal(first['note'], 'FTRACE NOP', f'start of {name}')
    text = t.inquest('-s', *t.dump_args(core), '-c', f'dis {name}; dis -x {name}').out
    t.ok(f'<{name}+{whole[at]["offset"]}>:' in text and f'<{name}+{whole[at]["offset"]:#x}>:' in text,
         f'offsets of {name} decimal, and hexadecimal with -x')
    # A call of the dump's text names its target as the symbol table has it.
    for i in whole:
        m = re.match(r'call\s+0x([0-9a-f]+)', i['text'])
        if m and i['target']:
            got = t.command(core, f'sym {m.group(1)}')['symbols'][0]
            t.equal({k: i['target'][k] for k in ('address', 'symbol', 'offset')},
                    {'address': '0x' + m.group(1), 'symbol': got['name'], 'offset': got['offset']},
                    f'target of {i["text"]}')
            t.ok(f'<{got["name"]}' in i['text'], f'{i["text"]}: sym {got["name"]}')
            break


@per_core(lambda c: others.has_vmlinux(c), quick=2)
def lines(t, core):
    """dis -l against eu-addr2line."""
    offset = others.need_offset(core)
    found = t.command(core, 'dis -l vfs_write', vmlinux=True)['instructions']
    theirs = t.sh(['eu-addr2line', '-e', core.vmlinux, *(hex(int(i['address'], 16) - offset)
                                                         for i in found)]).out
    wrong = []
    for i, l in zip(found, theirs.splitlines()):
        m = re.match(r'(.*?):(\d+)', l)
        if (i['line'] or 0) != int(m.group(2)) or not (i['file'] or '').endswith(os.path.basename(m.group(1))):
            wrong.append(f'{i["address"]}: {i["file"]}:{i["line"]}, eu-addr2line {l}')
    t.none(wrong, 'lines of vfs_write', len(found))
