# SPDX-License-Identifier: GPL-2.0-or-later
"""Damage in what the commands about memory walk: page tables, zones, free lists, struct pages, vmalloc areas, maple trees,
resources, sections, swap areas, counts.  Whatever a word says: an answer or a sentence, in ten times the time of the
healthy dump at most, in 1 GB."""
import os
import resource
import subprocess
import tempfile
import time

from harness import Failed, per_core
from suite.test_kmem import Patched

MEMORY = 1 << 30
VIEWS = ['kmem -i', 'kmem -V', 'kmem -z', 'kmem -n', 'kmem -f', 'kmem -F', 'kmem -o', 'kmem -h', 'kmem -v', 'kmem -p',
         'kmem -s', 'kmem -S', 'dev -i', 'ps', 'mount', 'foreach files', 'foreach vm', 'bt -a']


class Target:
    """Addresses of the structures, found in the healthy dump, and commands that walk them."""

    def __init__(self, t, core):
        self.t, self.core, self.places = t, core, []
        self.tasks = [x for x in t.command(core, 'ps -u')['tasks'] if not x['comm'].startswith('init')]
        self.areas = t.command(core, 'kmem -v')['areas']
        user = t.rng().choice(self.tasks)
        self.pid = user['pid']
        memory = t.command(core, f'vm {self.pid}')['tasks'][0]
        self.user = [int(a['start'], 16) for a in memory['areas']]
        self.kernel = [int(a['start'], 16) + 8 for a in t.rng().sample(self.areas, 4)] + [int(user['task'], 16)]
        self.add_tables()
        zones = t.command(core, 'kmem -z')['zones']
        for z in zones[:2]:
            self.place('zone', int(z['address'], 16), self.size('struct zone'))
        free = t.command(core, 'kmem -f')['zones']
        for a in [a for z in free for a in z['areas'] if a['blocks']][:12]:
            self.place('free list', int(a['list'], 16), 16)
        blocks = [p for z in t.command(core, 'kmem -F')['zones'] for a in z['areas'] for p in a['pfns']]
        vmemmap = int(t.command(core, 'p vmemmap_base')['value'], 0)
        for pfn in t.rng().sample(blocks, 20):
            self.place('struct page', vmemmap + pfn * 64, 64)
        for a in t.rng().sample(self.areas, 20):
            self.place('vmap_area', int(a['vmap_area'], 16), 72)
            if a['vm_struct']:
                self.place('vm_struct', int(a['vm_struct'], 16), 72)
        nodes = t.command(core, 'kmem -n')
        for s in nodes['sections']:
            self.place('mem_section', int(s['section'], 16), 16)
        for b in nodes['blocks']:
            self.place('memory_block', int(b['memory_block'], 16), 64)
        trees = t.command(core, 'dev -i')
        for r in trees['memory'] + trees['ports']:
            self.place('resource', int(r['resource'], 16), 64)
        self.place('mm_struct', int(memory['mm'], 16), 256)
        for a in memory['areas']:
            self.place('vma', int(a['vma'], 16), 160)
        self.add_maple(memory)
        for name, size in (('node_data', 64), ('mem_section', 8), ('memory_blocks', 24), ('hstates', 128),
                           ('swap_info', 64), ('nr_swapfiles', 8), ('vm_zone_stat', 64), ('vmap_area_list', 16),
                           ('vmap_area_root', 8), ('hugetlb_max_hstate', 8), ('nr_node_ids', 8), ('page_offset_base', 8),
                           ('vmemmap_base', 8), ('sections_per_block', 8), ('__highest_present_section_nr', 8),
                           ('blockdev_superblock', 8), ('vm_committed_as', 48), ('slab_caches', 16)):
            o = t.commands(core, f'sym {name}', check=False)[0]
            if 'result' in o:
                self.place(name, int(o['result']['symbols'][0]['address'], 16), size)

    def size(self, name):
        return self.t.command(self.core, name)['size']

    def place(self, what, address, size):
        self.places.append((what, address, size))

    def add_tables(self):
        """The entries on the way to some addresses, by their physical address."""
        for command in [f'vtop -k {a:x}' for a in self.kernel] + [f'vtop -u -c {self.pid} {a:x}' for a in self.user[:4]]:
            for level in self.t.command(self.core, command)['levels']:
                self.places.append((f'table {level["name"]}', None, int(level['entry_address'], 16)))

    def add_maple(self, memory):
        o = self.t.commands(self.core, f"p ((struct mm_struct *){memory['mm']})->mm_mt.ma_root", check=False)[0]
        if 'result' in o:
            root = int(str(o['result']['value']).split()[-1], 0) & ~0xff
            if root:
                self.place('maple node', root, 256)

    def commands(self, rng):
        some = rng.sample(self.kernel, 3) + [a for w, a, _ in rng.sample(self.places, 3) if a]
        return [*VIEWS, f'vm -p {self.pid}', '; '.join(f'whatis {a:x}' for a in some),
                '; '.join(f'kmem {a:x}' for a in some), '; '.join(f'vtop -k {a:x}' for a in some),
                '; '.join(f'vtop -u -c {self.pid} {a:x}' for a in rng.sample(self.user, min(4, len(self.user)))),
                f'rd -SS {some[0] & ~0xfff:x} 128']


def run(t, path, command, limit):
    """(status, seconds of CPU, resident MB, text of errors); None: no end."""
    cmd = [t.run.inquest, '-s', '--no-vmlinux', path, '-c', command]

    def limits():
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 2))
        if not t.run.sanitized:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryFile() as err:
        p = subprocess.Popen(cmd, stdout=subprocess.DEVNULL, stderr=err, preexec_fn=limits)
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        err.seek(0)
        return p.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, \
            err.read().decode(errors='replace')


@per_core(lambda c: c.name in ('sysrq.elf', 'sysrq-la57.elf', 'sysrq.vmcore-elf'), quick=1, sample=False)
def bounded(t, core):
    target, rng = Target(t, core), t.rng()
    t.ok(len(target.places) > 100, f'only {len(target.places)} places')
    slow = 8 if t.run.sanitized else 1
    healthy, slowest, largest, said = {}, (0, ''), 0, 0
    rounds = 400 if t.all else 10 if t.run.sanitized else 60
    ended = time.time() + (900 if t.all else 60) * slow
    done = 0
    with tempfile.TemporaryDirectory() as d:
        copy = Patched(core, d)
        values = [0, 1, (1 << 64) - 1, 1 << 63, 0xffff800000000000, 0x6b6b6b6b6b6b6b6b, 0xffffffff, 1 << 40]
        for _ in range(rounds):
            changes = []
            for _ in range(rng.choice([1, 1, 1, 2, 8])):
                what, address, size = rng.choice(target.places)
                if address is None:             # physical already
                    physical = size
                else:
                    address += 8 * rng.randrange(max(size // 8, 1))
                    x = t.command(core, f'vtop -k {address:x}')
                    if not x['physical']:
                        continue
                    physical = int(x['physical'], 16)
                other = rng.choice([a for _, a, _ in target.places if a])
                value = rng.choice(values + [rng.getrandbits(64), other, other, other + 8, (address or 0) & ~0xf,
                                             rng.randrange(1 << 28) << 12 | 0x63, physical & ~0xfff | 0x63,
                                             physical & ~0xfff | 0xe3])
                copy.write(physical, value)
                changes.append(f'{what} {address or physical:x} = {value:x}')
            chosen = rng.sample(target.commands(rng), 5)
            for command in chosen:
                key = command.split('; ')[0] if command in VIEWS else command.split()[0]
                # Each command is asked of the healthy dump first: its time is the measure.
                if key not in healthy:
                    healthy[key] = max(run(t, core.vmcore, command, 300)[1] for _ in range(2))
                limit = max(10 * healthy[key], 1.0 * slow)
                status, seconds, peak, err = run(t, copy.path, command, int(limit) + 2)
                how = f'{"; ".join(changes)}: {command}'
                if status not in (0, 1, 2) or 'Sanitizer' in err or 'runtime error:' in err:
                    t.fail(f'{how}: status {status}: {err[-700:]}')
                elif status:
                    said += 1
                    t.ok('inquest: ' in err, f'{how}: status {status} without a word')
                else:
                    said += 'warning' in err
                if 'cannot allocate' in err or 'out of memory' in err:
                    t.fail(f'{how}: {err[-300:]}')
                t.ok(seconds <= limit, f'{how}: {seconds:.1f} s, {healthy[key]:.2f} s of the healthy dump')
                slowest, largest = max(slowest, (seconds / max(healthy[key], 0.1), key)), max(largest, peak)
            copy.restore()
            done += 1
            if time.time() > ended:
                break
        copy.file.close()
    if not done:
        raise Failed('no round was run')
    t.note(f'{done} damaged dumps; {said} answers had a warning or an error; at most {slowest[0]:.1f} times the healthy '
           f'time ({slowest[1]}), {largest:.0f} MB')
