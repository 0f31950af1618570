# SPDX-License-Identifier: GPL-2.0-or-later
"""A dump whose BTF lacks a member: the BTF in an ELF dump, changed in place.

Documentation/bpf/btf.rst: a header, records of types, strings.  A member's name is an offset into the
strings; one more makes it another name, of this member alone.
"""
import mmap
import struct

# Sizes behind the 12 bytes that each record has: fixed, and for each of `vlen`.
SIZES = {1: (4, 0), 2: (0, 0), 3: (12, 0), 4: (0, 12), 5: (0, 12), 6: (0, 8), 7: (0, 0), 8: (0, 0), 9: (0, 0),
         10: (0, 0), 11: (0, 0), 12: (0, 0), 13: (0, 8), 14: (4, 0), 15: (0, 12), 16: (0, 0), 17: (4, 0),
         18: (0, 0), 19: (0, 12)}
STRUCTS = (4, 5)


def segments(data):
    """(physical, offset, size) of each PT_LOAD of an ELF file."""
    phoff, = struct.unpack_from('<Q', data, 32)
    size, nr = struct.unpack_from('<HH', data, 54)
    for i in range(nr):
        kind, _, offset, _, paddr, filesz = struct.unpack_from('<IIQQQQ', data, phoff + i * size)
        if kind == 1:
            yield paddr, offset, filesz


class Btf:
    """The BTF at a physical address of the ELF dump at PATH, which is changed."""

    def __init__(self, path, physical):
        self.file = open(path, 'r+b')
        self.data = mmap.mmap(self.file.fileno(), 0)
        self.at = next(o + physical - p for p, o, n in segments(self.data) if p <= physical < p + n)
        magic, _, _, header, types, types_len, strings, _ = struct.unpack_from('<HBBIIIII', self.data, self.at)
        if magic != 0xeb9f:
            raise ValueError('no BTF there')
        self.types = self.at + header + types
        self.end = self.types + types_len
        self.strings = self.at + header + strings
        self.members = {}       # (struct, member) -> place of the member's name
        self._read()

    def name(self, offset):
        start = self.strings + offset
        return self.data[start:self.data.find(b'\0', start)].decode()

    def _read(self):
        at = self.types
        while at < self.end:
            name, info, _ = struct.unpack_from('<III', self.data, at)
            kind, vlen = info >> 24 & 31, info & 0xffff
            fixed, each = SIZES[kind]
            if kind in STRUCTS and name:
                tag = self.name(name)
                for i in range(vlen):
                    place = at + 12 + i * 12
                    member, = struct.unpack_from('<I', self.data, place)
                    if member:
                        self.members.setdefault((tag, self.name(member)), place)
            at += 12 + fixed + vlen * each

    def rename(self, tag, member):
        """Cut the first letter off the member's name; returns what undoes it."""
        place = self.members[tag, member]
        old, = struct.unpack_from('<I', self.data, place)
        struct.pack_into('<I', self.data, place, old + 1)
        return lambda: struct.pack_into('<I', self.data, place, old)

    def close(self):
        self.data.close()
        self.file.close()
