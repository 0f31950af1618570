# SPDX-License-Identifier: GPL-2.0-or-later
"""Physical memory of a dump, read by Python alone: what searches are compared with.

Memory(paths) understands ELF cores and kdumps, flattened or split.
"""
import ctypes
import mmap
import struct
import zlib

PAGE = 4096
ZEROS = bytes(PAGE)


class Unreadable(Exception):
    """This module cannot read it."""


def _library(name):
    return ctypes.CDLL(name)


def unpack(flags, data):
    """A page as makedumpfile compressed it."""
    if flags & 1:
        return zlib.decompress(data)
    if not flags:
        return data
    out, size = ctypes.create_string_buffer(PAGE), ctypes.c_size_t(PAGE)
    if flags & 2:
        _library('liblzo2.so.2').lzo1x_decompress_safe(data, ctypes.c_size_t(len(data)), out, ctypes.byref(size), None)
    elif flags & 4:
        _library('libsnappy.so.1').snappy_uncompress(data, ctypes.c_size_t(len(data)), out, ctypes.byref(size))
    elif flags & 0x20:
        _library('libzstd.so.1').ZSTD_decompress(out, ctypes.c_size_t(PAGE), data, ctypes.c_size_t(len(data)))
    else:
        raise Unreadable(f'compression {flags:#x}')
    return out.raw


def unflatten(data):
    """makedumpfile's flattened format: records of offset, size, data."""
    if data[:12] != b'makedumpfile':
        return data
    out, at = bytearray(), 4096
    while at + 16 <= len(data):
        offset, size = struct.unpack_from('>qq', data, at)
        if offset < 0:
            break
        at += 16
        if len(out) < offset + size:
            out.extend(bytes(offset + size - len(out)))
        out[offset:offset + size] = data[at:at + size]
        at += size
    return bytes(out)


class Elf:
    """PT_LOAD segments by physical address; what a segment has no bytes for reads as zeros."""

    def __init__(self, data):
        self.data, self.loads = data, []
        phoff, = struct.unpack_from('<Q', data, 32)
        size, n = struct.unpack_from('<HH', data, 54)
        if n == 0xffff:         # PN_XNUM: sh_info of the first section header
            n, = struct.unpack_from('<I', data, struct.unpack_from('<Q', data, 40)[0] + 44)
        for i in range(n):
            kind, _, offset, _, paddr, filesz, memsz, _ = struct.unpack_from('<IIQQQQQQ', data, phoff + i * size)
            if kind == 1 and memsz and paddr != 0xffffffffffffffff:
                self.loads.append((paddr, offset, filesz, memsz))
        self.loads.sort()

    def chunks(self):
        """(physical address, bytes) of all that is in the file, ascending."""
        for paddr, offset, filesz, _ in self.loads:
            for at in range(0, filesz, 64 << 20):
                yield paddr + at, self.data[offset + at:offset + min(at + (64 << 20), filesz)]


class Kdump:
    def __init__(self, data):
        self.data = data
        self.block, sub, blocks = struct.unpack_from('<III', data, 428)
        base = self.block
        self.start, self.end = 0, None
        if struct.unpack_from('<i', data, base + 12)[0]:        # split
            self.start, self.end = struct.unpack_from('<QQ', data, base + 80)
        bitmap = (1 + sub) * self.block + blocks * self.block // 2
        self.bits = data[bitmap:bitmap + blocks * self.block // 2]
        self.descs = (1 + sub + blocks) * self.block

    def numbers(self):
        """Page frames in the file, ascending."""
        for i, byte in enumerate(self.bits):
            for bit in range(8) if byte else ():
                pfn = i * 8 + bit
                if byte >> bit & 1 and pfn >= self.start and (self.end is None or pfn < self.end):
                    yield pfn

    def chunks(self):
        seen = {}
        for i, pfn in enumerate(self.numbers()):
            offset, size, flags, _ = struct.unpack_from('<qIIQ', self.data, self.descs + 24 * i)
            page = seen.get(offset)
            if page is None:
                page = unpack(flags, self.data[offset:offset + size])
                if page == ZEROS:
                    seen[offset] = page
            yield pfn * PAGE, page


def open_one(path):
    with open(path, 'rb') as f:
        data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
    if data[:12] == b'makedumpfile':
        data = unflatten(data[:])
    if data[:4] == b'\x7fELF':
        return Elf(data)
    if data[:8] == b'KDUMP   ':
        return Kdump(data)
    raise Unreadable(path)


class Memory:
    """All files of a dump, with zero pages left out and neighbours joined."""

    def __init__(self, paths):
        self.runs = []          # (physical address, bytes), ascending
        start, parts, end = None, [], None
        for address, data in sorted(self._pages(paths), key=lambda x: x[0]):
            for at in range(0, len(data), PAGE):
                page, pa = data[at:at + PAGE], address + at
                if page == ZEROS:
                    continue
                if pa != end:
                    if parts:
                        self.runs.append((start, b''.join(parts)))
                    start, parts = pa, []
                parts.append(page)
                end = pa + PAGE
        if parts:
            self.runs.append((start, b''.join(parts)))

    @staticmethod
    def _pages(paths):
        for p in paths:
            yield from open_one(p).chunks()

    def find(self, value):
        """Physical addresses of aligned words that equal VALUE (not 0), ascending."""
        word, found = struct.pack('<Q', value), []
        for start, data in self.runs:
            at = data.find(word)
            while at >= 0:
                if not at & 7:
                    found.append(start + at)
                    at = data.find(word, at + 8)
                else:
                    at = data.find(word, at + 1)
        return found

    def words(self, rng, n, keep=lambda w: True):
        """N random words that KEEP wants."""
        found = []
        for _ in range(n * 20000):
            if len(found) == n:
                break
            start, data = rng.choice(self.runs)
            w, = struct.unpack_from('<Q', data, rng.randrange(len(data) // 8) * 8)
            if keep(w):
                found.append(w)
        return found

    def matching(self, value, mask, start, end):
        """(address, word) of the words in [START, END) that equal VALUE in the bits of MASK; zero pages not seen."""
        found = []
        for base, data in self.runs:
            lo, hi = max(start, base), min(end, base + len(data))
            for at in range(lo, hi, 8):
                w, = struct.unpack_from('<Q', data, at - base)
                if w & mask == value & mask:
                    found.append((at, w))
        return found
