# SPDX-License-Identifier: GPL-2.0-or-later
"""Writers of the formats that no tool of Debian writes: LiME, AVML, VMware, libvirt's header.

Each takes an ELF core of QEMU and follows the public description of its format, not what inquest reads: crash opens the
VMware ones.
"""
import ctypes
import socket
import struct

from suite import raw_memory

PAGE = 4096


class Core:
    """RAM of an ELF core as (address, bytes), without the graphics card and the firmware below 4 GB; QEMU's notes."""

    def __init__(self, path):
        elf = raw_memory.open_one(path)
        self.data = elf.data
        self.ram = [(p, memoryview(elf.data)[o:o + n]) for p, o, n, _ in elf.loads
                    if not 0xf0000000 <= p < 1 << 32]
        self.pages = sum(len(b) for _, b in self.ram) // PAGE
        self.cpus = [d for name, kind, d in self._notes() if name == b'QEMU' and kind == 0]

    def _notes(self):
        phoff, = struct.unpack_from('<Q', self.data, 32)
        number, = struct.unpack_from('<H', self.data, 56)
        for i in range(number):
            kind, _, at, _, _, size, _, _ = struct.unpack_from('<IIQQQQQQ', self.data, phoff + 56 * i)
            end = at + size
            while kind == 4 and at < end:
                n, d, t = struct.unpack_from('<III', self.data, at)
                name = self.data[at + 12:at + 12 + n].rstrip(b'\0')
                at += 12 + (n + 3) // 4 * 4
                yield name, t, self.data[at:at + d]
                at += (d + 3) // 4 * 4


def lime(core, path):
    with open(path, 'wb') as f:
        for address, data in core.ram:
            f.write(struct.pack('<IIQQQ', 0x4c694d45, 1, address, address + len(data) - 1, 0))
            f.write(data)


def _crc32c():
    """A function of bytes; the kernel's, where it lends it."""
    try:
        hasher = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
        hasher.bind(('hash', 'crc32c'))
        op, _ = hasher.accept()

        def by_kernel(data):
            op.sendall(data)
            return struct.unpack('<I', op.recv(4))[0]
        if by_kernel(b'123456789') == 0xe3069283:
            return by_kernel
    except OSError:
        pass
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
        table.append(i)

    def plain(data):
        crc = 0xffffffff
        for byte in data:
            crc = table[(crc ^ byte) & 255] ^ crc >> 8
        return crc ^ 0xffffffff
    return plain


def avml(core, path, most=1 << 62):
    """Blocks of 16 MB, compressed by snappy's framing format; those that are all zeros are left out.  Of MOST bytes."""
    snappy, crc32c, sums, written = ctypes.CDLL('libsnappy.so.1'), _crc32c(), {}, 0
    room = snappy.snappy_max_compressed_length
    room.argtypes, room.restype = [ctypes.c_size_t], ctypes.c_size_t
    out = ctypes.create_string_buffer(room(65536))
    with open(path, 'wb') as f:
        for address, data in core.ram:
            for at in range(0, len(data), 1 << 24):
                block = bytes(data[at:at + (1 << 24)])
                if written >= most or not any(block):
                    continue
                written += len(block)
                frames = [b'\xff\x06\0\0sNaPpY']
                for i in range(0, len(block), 65536):
                    chunk = block[i:i + 65536]
                    if chunk not in sums:
                        if len(sums) > 64:
                            sums.clear()
                        crc = crc32c(chunk)
                        sums[chunk] = struct.pack('<I', ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff)
                    size = ctypes.c_size_t(len(out))
                    snappy.snappy_compress(chunk, ctypes.c_size_t(len(chunk)), out, ctypes.byref(size))
                    plain = size.value >= len(chunk) * 7 // 8
                    body = sums[chunk] + (chunk if plain else out.raw[:size.value])
                    frames.append(bytes([plain]) + struct.pack('<I', len(body))[:3] + body)
                frames = b''.join(frames)
                f.write(struct.pack('<IIQQQ', 0x4c4d5641, 2, address + at, address + at + len(block) - 1, 0))
                f.write(frames)
                f.write(struct.pack('<Q', len(frames)))
    return written


def _item(name, value, *index):
    return (struct.pack('<H', len(name) << 8 | len(index) << 6 | len(value)) + name +
            b''.join(struct.pack('<I', i) for i in index) + value)


def _vmware_cpu(number, note):
    """What QEMU's note of a CPU has, as VMware writes it."""
    regs = struct.unpack_from('<18Q', note, 8)
    names = b'rax rbx rcx rdx rsi rdi rsp rbp r8 r9 r10 r11 r12 r13 r14 r15 rip'.split()
    out = [_item(n, struct.pack('<Q', r), number) for n, r in zip(names, regs)]
    out.append(_item(b'eflags', struct.pack('<I', regs[17] & 0xffffffff), number))
    segments = [struct.unpack_from('<IIIIQ', note, 152 + 24 * i) for i in range(10)]
    for theirs, ours in enumerate([2, 0, 5, 1, 3, 4, 6, 7]):
        out.append(_item(b'S', struct.pack('<I', segments[ours][0]), number, theirs))
        out.append(_item(b'S.base64', struct.pack('<Q', segments[ours][4]), number, theirs))
    for i, cr in enumerate(struct.unpack_from('<5Q', note, 152 + 240)):
        out.append(_item(b'CR64', struct.pack('<Q', cr), number, i))
    for i in (1, 2):
        out.append(_item(b'IDTR', struct.pack('<I', segments[9][4] >> 32 * (i - 1) & 0xffffffff), number, i))
    return b''.join(out)


def vmware(core, path, vmem=None):
    """PATH a .vmss with the memory in it, or in VMEM."""
    cpu = _item(b'cpu:numVCPUs', struct.pack('<I', len(core.cpus)))
    cpu += b''.join(_vmware_cpu(i, note) for i, note in enumerate(core.cpus)) + b'\0\0'
    memory = _item(b'align_mask', b'\xff\xff\0\0') + _item(b'regionsCount', struct.pack('<I', len(core.ram)))
    page = 0
    for i, (address, data) in enumerate(core.ram):
        for name, value in ((b'PageNum', page), (b'PPN', address // PAGE), (b'Size', len(data) // PAGE)):
            memory += _item(b'region' + name, struct.pack('<I', value), i)
        page += len(data) // PAGE
    begin = 12 + 2 * 80
    at = begin + len(cpu)
    if not vmem:
        head = struct.pack('<H', 6 << 8 | 63) + b'Memory'
        pad = -(at + len(memory) + len(head) + 18) % PAGE
        memory += head + struct.pack('<QQH', page * PAGE, page * PAGE, pad) + bytes(pad)
    with open(path, 'wb') as f:
        f.write(struct.pack('<III', 0xbed2bed2, 8, 2))
        f.write(b'cpu'.ljust(64, b'\0') + struct.pack('<QQ', begin, len(cpu)))
        f.write(b'memory'.ljust(64, b'\0') + struct.pack('<QQ', at, len(memory)))
        f.write(cpu + memory)
        with open(vmem, 'wb') if vmem else open(path, 'ab') as m:
            f.flush()
            for _, data in core.ram:
                m.write(data)
            m.write(b'' if vmem else b'\0\0')


def libvirt(stream, path, compression=0):
    """The stream of a saved machine behind libvirt's header (virQEMUSaveHeader) and a description."""
    xml = b'<domain type="qemu"><name>lab</name></domain>\0'.ljust(1000, b'\0')
    with open(path, 'wb') as f, open(stream, 'rb') as s:
        f.write(struct.pack('<16sIIIII14I', b'LibvirtQemudSave', 2, len(xml), 0, compression, 0, *[0] * 14) + xml)
        while part := s.read(1 << 22):
            f.write(part)
