# SPDX-License-Identifier: GPL-2.0-or-later
"""A copy of a kdump in which words of memory are overwritten and put back.

A page that is written to gets a place of its own behind the end of the file, uncompressed, since pages
can share their data.
"""
import os
import shutil
import struct

from suite import raw_memory

PAGE = raw_memory.PAGE


class PatchedKdump:
    def __init__(self, core, folder):
        self.path = os.path.join(folder, 'damaged')
        shutil.copyfile(core.vmcore, self.path)
        self.kdump = raw_memory.open_one(core.vmcore)
        self.index = {pfn: i for i, pfn in enumerate(self.kdump.numbers())}
        self.file = open(self.path, 'r+b', buffering=0)
        self.end = os.path.getsize(self.path)
        self.pages = {}

    def _page(self, pfn):
        if pfn not in self.pages:
            at = self.kdump.descs + 24 * self.index[pfn]
            desc = self.kdump.data[at:at + 24]
            offset, size, flags, _ = struct.unpack('<qIIQ', desc)
            place = self.end + PAGE * len(self.pages)
            self.pages[pfn] = (at, desc, place, bytearray(
                raw_memory.unpack(flags, self.kdump.data[offset:offset + size])))
            self.file.seek(at)
            self.file.write(struct.pack('<qIIQ', place, PAGE, 0, 0))
        return self.pages[pfn]

    def read(self, physical, size=8):
        pfn, offset = divmod(physical, PAGE)
        at = self.kdump.descs + 24 * self.index[pfn]
        where, length, flags, _ = struct.unpack('<qIIQ', self.kdump.data[at:at + 24])
        return raw_memory.unpack(flags, self.kdump.data[where:where + length])[offset:offset + size]

    def write(self, physical, data):
        pfn, offset = divmod(physical, PAGE)
        _, _, place, page = self._page(pfn)
        page[offset:offset + len(data)] = data
        self.file.seek(place)
        self.file.write(page)

    def restore(self):
        for at, desc, _, _ in self.pages.values():
            self.file.seek(at)
            self.file.write(desc)
        self.pages = {}
        self.file.truncate(self.end)
