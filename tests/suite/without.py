# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of kdumps that lack what others need: VMCOREINFO, notes, registers, page tables, kallsyms, BTF, the log.

A Stripped is a PatchedKdump of which, beside words of memory, the headers can be changed and whole pages left out, as
if they had been filtered; restore() makes it whole again.
"""
import struct

from suite import others, raw_memory
from suite.patched_kdump import PatchedKdump

PAGE = 4096
TEXT_BASE = 0xffffffff80000000
# struct kdump_sub_header: offset and size of VMCOREINFO's text, and of the notes.
VMCOREINFO_AT, NOTES_AT = 32, 48
# QEMUCPUState: 8 bytes, 18 registers, 10 segments of 24 bytes, then the control registers.
CR3_AT = 8 + 18 * 8 + 10 * 24 + 3 * 8


class Stripped(PatchedKdump):
    def __init__(self, core, folder):
        super().__init__(core, folder)
        self.undo = []
        self.sub = self.kdump.block
        self.vmcoreinfo = self._text()

    # ---- The file ------------------------------------------------------------------------------

    def at(self, offset, data):
        """Overwrite bytes of the file."""
        self.undo.append((offset, self._file(offset, len(data))))
        self.file.seek(offset)
        self.file.write(data)

    def _file(self, offset, size):
        self.file.seek(offset)
        return self.file.read(size)

    def restore(self):
        for offset, data in reversed(self.undo):
            self.file.seek(offset)
            self.file.write(data)
        self.undo = []
        super().restore()

    def leave_out(self, pfns):
        """As if makedumpfile had filtered these pages.  Only after all writes to memory."""
        pfns = {p for p in pfns if p in self.index}
        bitmap = self._bitmap()
        bits = bytearray(self._file(bitmap, len(self.kdump.bits)))
        for p in pfns:
            bits[p // 8] &= ~(1 << p % 8)
        descs = self._file(self.kdump.descs, 24 * len(self.index))
        kept = b''.join(descs[24 * i:24 * i + 24] for p, i in sorted(self.index.items()) if p not in pfns)
        self.at(bitmap, bytes(bits))
        self.at(self.kdump.descs, kept)
        return len(pfns)

    def _bitmap(self):
        sub, blocks = struct.unpack('<II', self._file(432, 8))
        return (1 + sub) * self.kdump.block + blocks * self.kdump.block // 2

    # ---- Notes ---------------------------------------------------------------------------------

    def _text(self):
        offset, size = struct.unpack('<QQ', self._file(self.sub + VMCOREINFO_AT, 16))
        lines = self._file(offset, size).split(b'\0')[0].decode(errors='replace').splitlines()
        return dict(l.split('=', 1) for l in lines if '=' in l)

    def notes(self):
        """(offset in the file, name, type, offset and size of what it holds)."""
        offset, size = struct.unpack('<QQ', self._file(self.sub + NOTES_AT, 16))
        data, at = self._file(offset, size), 0
        while at + 12 <= size:
            name, desc, kind = struct.unpack_from('<III', data, at)
            begin = at + 12 + (name + 3) // 4 * 4
            yield offset + at, data[at + 12:at + 12 + name].rstrip(b'\0').decode(), kind, offset + begin, desc
            at = begin + (desc + 3) // 4 * 4

    def without_vmcoreinfo(self):
        self.at(self.sub + VMCOREINFO_AT, bytes(16))
        for at, name, _, _, _ in list(self.notes()):
            if name == 'VMCOREINFO':
                self.at(at + 12, b'NOTHING')

    def vmcoreinfo_says(self, rng=None, **values):
        """Other values of keys in the note, of the same length; with RNG: nothing but noise."""
        places = {struct.unpack('<QQ', self._file(self.sub + VMCOREINFO_AT, 16))}
        places |= {(at, size) for _, name, _, at, size in self.notes() if name == 'VMCOREINFO'}
        for at, size in places:
            text = self._file(at, size)
            for key, value in values.items():
                lines = text.split(b'\n')
                text = b'\n'.join(l[:l.index(b'=') + 1] + value(l[l.index(b'=') + 1:])
                                  if l.startswith(key.encode()) else l for l in lines)
            if rng:
                text = rng.randbytes(size)
            self.at(at, text[:size])

    def without_notes(self):
        self.at(self.sub + VMCOREINFO_AT, bytes(16))
        self.at(self.sub + NOTES_AT, bytes(16))

    def without_registers(self):
        for at, name, _, _, _ in list(self.notes()):
            if name in ('CORE', 'QEMU'):
                self.at(at + 12, b'N' * len(name))

    def wrong_cr3(self, value):
        for _, name, _, at, size in list(self.notes()):
            if name == 'QEMU' and size >= CR3_AT + 8:
                self.at(at + CR3_AT, struct.pack('<Q', value))


class Kernel:
    """Where the kernel of a core has its things: physical addresses, by its System.map and the note."""

    def __init__(self, t, core, stripped):
        self.dump, self.texts = stripped, None
        offset, base = others.need_offset(core), int(stripped.vmcoreinfo['NUMBER(phys_base)'])
        self.at, self.virtual = {}, {}
        for a, _, n in others.system_map(t, core):
            if a >= TEXT_BASE:
                self.virtual[n] = a + offset
                self.at[n] = a + offset - TEXT_BASE + base

    def pages(self, first, last):
        """Page frames from symbol FIRST up to symbol LAST."""
        return range(self.at[first] // PAGE, (self.at[last] + PAGE - 1) // PAGE)

    def kallsyms(self):
        names = sorted((a, n) for n, a in self.at.items() if n.startswith('kallsyms_') and n in (
            'kallsyms_num_syms', 'kallsyms_names', 'kallsyms_markers', 'kallsyms_token_table', 'kallsyms_token_index',
            'kallsyms_offsets', 'kallsyms_relative_base', 'kallsyms_seqs_of_names'))
        return range(names[0][0] // PAGE, names[-1][0] // PAGE + 1)

    def btf(self):
        return self.pages('__start_BTF', '__stop_BTF')

    def root(self):
        for n in ('swapper_pg_dir', 'init_top_pgt'):
            if n in self.at:
                return self.at[n]

    def forget_vmcoreinfo(self):
        """Overwrite the texts in memory."""
        if self.texts is None:
            self.texts = []
            for start, data in raw_memory.Memory([self.dump.path]).runs:
                at = data.find(b'OSRELEASE=')
                while at >= 0:
                    if at % PAGE in (0, 24) and data[at + 10:at + 11].isdigit():
                        self.texts.append(start + at)
                    at = data.find(b'OSRELEASE=', at + 1)
        for at in self.texts:
            self.dump.write(at, bytes(PAGE - at % PAGE))
