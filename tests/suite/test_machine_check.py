# SPDX-License-Identifier: GPL-2.0-or-later
"""Machine checks: the registers of a bank that QEMU's monitor had reported, from memory, and from logs what mcelog and the
EDAC driver have said of published ones."""
import re

from harness import per_core, test

# vendor:cpuid, bank, status, the severity in words, what mcelog or the EDAC driver decoded it to, in ours.
PUBLISHED = [
    ('0:206f2', 2, 0x8c000000000000b0, 'corrected error', 'memory controller: address or command error on channel 0'),
    ('0:206f2', 9, 0x900000400009008f, 'corrected error', 'memory controller: generic error'),
    ('0:50650', 11, 0xae2000000003110a, "CPU's state lost", 'cache hierarchy: generic error, generic, level 2'),
    ('0:006e8', 0, 0xf200084000000800, "CPU's state lost",
     'bus or interconnect: generic error, memory, level 0, this CPU asked'),
    ('0:006e8', 4, 0xb200000000040151, "CPU's state lost", 'cache hierarchy: instruction fetch, instruction'),
    ('0:306c3', 0, 0x90000040000f0005, 'corrected error', 'internal parity error'),
    ('0:406d8', 0, 0x9000000020000003, 'corrected error', 'external error'),
    ('0:406d8', 0, 0xa600000007600410, "CPU's state lost", 'internal unclassified error'),
    ('0:50657', 7, 0x9c00004001010090, 'corrected error', 'memory controller: read error on channel 0'),
    ('2:600f20', 2, 0x98444000010c0176, 'corrected error', 'memory hierarchy: eviction, data, level 2'),
]


def printed(cpu, record, addr, rng):
    who, bank, status, _, _ = record
    prefix = rng.choice(('', '[  100.000001] ', '<0>[  100.000001] ', 'Nov 22 09:01:59 host-1 kernel: ')) + \
        'mce: [Hardware Error]: '
    kind = 'Machine Check Exception: 5' if status >> 61 & 1 else 'Machine Check: 0'
    return f'{prefix}CPU {cpu}: {kind} Bank {bank}: {status:016x}\n' \
           f'{prefix}TSC 2a4c5f7b8 ADDR {addr:x} MISC 86 \n' \
           f'{prefix}PROCESSOR {who} TIME 1700000000 SOCKET 0 APIC {cpu * 2:x} microcode 2006b06\n'


@test
def published(t):
    """One record a log, and all in one."""
    rng = t.rng()
    for record in PUBLISHED:
        cpu, addr = rng.randrange(128), rng.getrandbits(36) & ~63
        log = printed(cpu, record, addr, rng) + 'Kernel panic - not syncing: Fatal machine check\n'
        found = t.inquest('analyze', '--json', '--log', '-', stdin=log.encode()).result()['findings']
        if not t.equal(len(found), 1, f'{record[2]:x}: findings'):
            continue
        claim = found[0]['claim']
        for words in (f'of CPU {cpu} reported', f'bank {record[1]} ', record[3], record[4]):
            t.ok(words in claim, f'{record[2]:x}: {words!r} is not in {claim!r}')
        t.equal(f'at address {addr:#x}' in claim, bool(record[2] >> 58 & 1), f'{record[2]:x}: address')
    log = ''.join(printed(i, r, 0x1000, rng) for i, r in enumerate(PUBLISHED)) * 2
    found = t.inquest('analyze', '--json', '--log', '-', stdin=log.encode()).result()['findings']
    t.equal(len(found), len(PUBLISHED), 'records of one log, printed twice')
    t.ok("state lost" in found[0]['claim'], f'the worst is not the first: {found[0]["claim"]}')


@test
def damaged_lines(t):
    """Whatever a line says."""
    rng = t.rng()
    whole = ''.join(printed(i, r, rng.getrandbits(40), rng) for i, r in enumerate(PUBLISHED))
    for _ in range(200 if t.all else 25):
        text = list(whole)
        for _ in range(rng.randrange(1, 60)):
            text[rng.randrange(len(text))] = rng.choice('\0\n :<>xABCDEF019')
        t.inquest('analyze', '--json', '--log', '-', stdin=''.join(text).encode())


@per_core(lambda c: c.whole() and c.truth.get('class') == 'machine_check')
def from_memory(t, core):
    """The bank, its status and address, without the log's help."""
    want = re.search(r'CPU (\d+), bank (\d+): uncorrected, status (0x\w+), address (0x\w+)', core.truth['root_cause'])
    found = [f for f in t.inquest('analyze', '--json', *t.dump_args(core)).result()['findings'] if f['id'] == 'mce.bank']
    if not t.equal(len(found), 1, 'findings'):
        return
    f = found[0]
    t.ok(f['cause'], 'it is not the cause')
    t.equal({e['source'] for e in f['evidence']}, {'memory'}, 'sources')
    t.ok(f'bank {want[2]} (northbridge) of CPU {want[1]} ' in f['claim'] and f'at address {want[4]}' in f['claim'], f['claim'])
    t.equal(f['evidence'][0]['value'], want[3], 'status')


@per_core(lambda c: c.whole() and c.scenario == 'sysrq', quick=4)
def none(t, core):
    """Hardware that was well has reported nothing."""
    found = [f for f in t.inquest('analyze', '--json', *t.dump_args(core)).result()['findings']
             if f['class'] == 'machine_check']
    t.equal(found, [], 'machine checks')
