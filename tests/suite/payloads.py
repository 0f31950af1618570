# SPDX-License-Identifier: GPL-2.0-or-later
"""
Payloads as they come from devices, networks and files: made by the libraries and formats themselves, not from
any table of inquest's.  sample(rng) yields (name, words, bytes): one of WORDS must be in what inquest says.
"""
import base64
import bz2
import gzip
import io
import json
import lzma
import os
import socket
import sqlite3
import struct
import subprocess
import tarfile
import tempfile
import uuid
import wave
import zipfile
import zlib

WORDS = ("alpha bravo delta energy folder gamma hotel india journal kernel lima module november object "
         "packet quebec request sierra table urgent victor window yellow zebra").split()


def text(rng, n):
    return " ".join(rng.choice(WORDS) for _ in range(n))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ip4(rng):
    return bytes([rng.choice((10, 192, 172, 8, 93)), rng.randrange(256), rng.randrange(256),
                  rng.randrange(1, 255)])


def mac(rng):
    return bytes([rng.randrange(0, 256, 4)] + [rng.randrange(256) for _ in range(5)])


def ipv4(rng, proto=None, body=None):
    proto = proto or rng.choice((1, 6, 17))
    body = body if body is not None else rng.randbytes(rng.randrange(8, 200))
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), rng.randrange(65536),
                       rng.choice((0, 0x4000)), rng.choice((64, 128, 63, 55)), proto, 0, ip4(rng), ip4(rng))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return head + body


def ipv6(rng):
    source = socket.inet_pton(socket.AF_INET6, f"fe80::{rng.randrange(1, 65536):x}:{rng.randrange(65536):x}")
    target = socket.inet_pton(socket.AF_INET6, rng.choice(("ff02::1", "ff02::fb", "2001:db8::17", "fe80::1")))
    body = rng.randbytes(40)
    return struct.pack(">IHBB", 0x60000000, len(body), rng.choice((6, 17, 58)), rng.choice((64, 255, 1))) + \
        source + target + body


def tcp(rng):
    ports = [rng.randrange(32768, 61000), rng.choice((80, 443, 22, 2049, 3306))]
    rng.shuffle(ports)
    return struct.pack(">HHIIBBHHH", *ports, rng.getrandbits(32), rng.getrandbits(32), 0x80,
                       rng.choice((0x10, 0x18)), 501, rng.randrange(65536), 0) + b"\1\1\x08\x0a" + \
        rng.randbytes(8) + text(rng, 8).encode()


def udp(rng):
    body = rng.randbytes(rng.randrange(12, 90))
    return struct.pack(">HHHH", rng.randrange(32768, 61000), rng.choice((53, 123, 514, 4789)), 8 + len(body),
                       rng.randrange(65536)) + body


def icmp(rng):
    body = struct.pack(">HH", rng.randrange(1, 65536), rng.randrange(1, 200)) + rng.randbytes(16) + \
        bytes(range(0x10, 0x38))
    total = b"\x08\0\0\0" + body
    return b"\x08\0" + struct.pack(">H", checksum(total)) + body


def ethernet(rng):
    return rng.choice((mac(rng), b"\xff" * 6)) + mac(rng) + b"\x08\0" + ipv4(rng)


def arp(rng):
    return struct.pack(">HHBBH", 1, 0x800, 6, 4, rng.choice((1, 2))) + mac(rng) + ip4(rng) + mac(rng) + ip4(rng)


def dhcp(rng):
    return struct.pack(">BBBBIHH", 1, 1, 6, 0, rng.getrandbits(32), 0, rng.choice((0, 0x8000))) + bytes(16) + \
        mac(rng) + bytes(10 + 192) + bytes.fromhex("63825363") + bytes([53, 1, 1, 255])


def dns(rng):
    name = b"".join(bytes([len(w)]) + w.encode() for w in (rng.choice(WORDS), "example", "org")) + b"\0"
    return struct.pack(">HHHHHH", rng.randrange(65536), 0x0100, 1, 0, 0, 0) + name + b"\0\1\0\1"


def tls(rng):
    body = b"\x03\x03" + rng.randbytes(180)
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello


def http(rng):
    return f"{rng.choice(('GET', 'POST'))} /{rng.choice(WORDS)}/{rng.choice(WORDS)}.html HTTP/1.1\r\n" \
           f"Host: {rng.choice(WORDS)}.example\r\n\r\n".encode()


def usb_device(rng):
    return struct.pack("<BBHBBBBHHHBBBB", 18, 1, rng.choice((0x200, 0x110, 0x320)), 0, 0, 0, 64,
                       rng.randrange(1, 65536), rng.randrange(65536), 0x100, 1, 2, 3, 1)


def usb_config(rng):
    body = struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 2, 8, 6, 80, 0) + \
        struct.pack("<BBBBHB", 7, 5, 0x81, 2, 512, 0) + struct.pack("<BBBBHB", 7, 5, 2, 2, 512, 0)
    return struct.pack("<BBHBBBBB", 9, 2, 9 + len(body), 1, 1, 0, 0x80, 50) + body


def usb_string(rng):
    s = text(rng, 3).title().encode("utf-16-le")
    return bytes([2 + len(s), 3]) + s


def usb_languages(rng):
    return b"\x04\x03" + struct.pack("<H", rng.choice((0x409, 0x407, 0x411, 0x804, 0x40c, 0x809)))


def usb_cbw(rng):
    return struct.pack("<4sIIBBB", b"USBC", rng.getrandbits(32), 4096, 0x80, 0, 10) + \
        struct.pack(">BBIBHB", 0x28, 0, rng.getrandbits(24), 0, 8, 0) + bytes(6)


def usb_csw(rng):
    return struct.pack("<4sIIB", b"USBS", rng.getrandbits(32), 0, 0)


def scsi_sense(rng):
    return bytes([0x70, 0, rng.choice((3, 5, 6, 2)), 0, 0, 0, 0, 10, 0, 0, 0, 0,
                  rng.choice((0x24, 0x29, 0x11, 0x3a)), rng.randrange(3), 0, 0, 0, 0])


def scsi_inquiry(rng):
    return bytes([rng.choice((0, 5)), 0x80, 5, 2, 31, 0, 0, 0]) + b"ATA     " + b"Harddisk WDX100 " + b"2.11"


def scsi_read(rng):
    return struct.pack(">BBIBHB", rng.choice((0x28, 0x2a)), 0, rng.getrandbits(30), 0, rng.randrange(1, 1024), 0)


def ata_identify(rng):
    words = [0x0040, 0x3fff, 0, 16, 0, 0, 63, 0, 0, 0]

    def ata(s, n):
        b = s.ljust(n).encode()
        return b"".join(bytes([b[i + 1], b[i]]) for i in range(0, n, 2))
    return struct.pack("<10H", *words) + ata("S%08d" % rng.randrange(10 ** 8), 20) + bytes(6) + \
        ata("1.0", 8) + ata("Fast Disk " + rng.choice(WORDS), 40) + bytes(20)


def nvme_read(rng):
    return struct.pack("<BBHIQQQQQHHIIHH", 2, 0, rng.randrange(1024), 1, 0, 0, rng.getrandbits(30) << 12,
                       rng.getrandbits(30) << 12, rng.getrandbits(33), rng.randrange(1, 256), 0, 0, 0, 0, 0)


def elf(rng):
    with open(rng.choice(("/bin/ls", "/bin/cat", "/bin/bash")), "rb") as f:
        return f.read(256)


def zipped(rng):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(rng.choice(WORDS) + ".txt", text(rng, 40))
    return out.getvalue()


def tarred(rng):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        info = tarfile.TarInfo(rng.choice(WORDS) + "/" + rng.choice(WORDS))
        info.size = 5
        t.addfile(info, io.BytesIO(b"hello"))
    return out.getvalue()[:512]


def cpio(rng):
    return b"070701" + b"".join(b"%08X" % rng.randrange(1000) for _ in range(13)) + b"init\0"


def png(rng):
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", rng.randrange(1, 2000), rng.randrange(1, 2000), 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + ihdr + struct.pack(">I", zlib.crc32(ihdr))


def jpeg(rng):
    return bytes.fromhex("ffd8ffe000104a46494600010101004800480000ffdb0043") + rng.randbytes(60)


def gif(rng):
    return b"GIF89a" + struct.pack("<HHBBB", rng.randrange(1, 900), rng.randrange(1, 900), 0xf7, 0, 0) + \
        rng.randbytes(40)


def sound(rng):
    out = io.BytesIO()
    with wave.open(out, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(rng.randbytes(100))
    return out.getvalue()


def sqlite(rng):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "t.db")
        db = sqlite3.connect(path)
        db.execute(f"create table {rng.choice(WORDS)}s (a int)")
        db.commit()
        db.close()
        with open(path, "rb") as f:
            return f.read(256)


def certificate(rng):
    out = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                          "-nodes", "-keyout", "/dev/null", "-subj", f"/CN={rng.choice(WORDS)}", "-outform",
                          "DER"], capture_output=True)
    return out.stdout


def ext4(rng):
    blocks = rng.randrange(10000, 10000000)
    inodes = blocks // 4
    head = struct.pack("<IIIIIIIIIIIII", inodes, blocks, blocks // 20, blocks // 2, inodes // 2, 0, 2, 2, 32768,
                       32768, 8192, 1700000000, 1700000001)
    return head + struct.pack("<HHHH", 3, 65535, 0xef53, 1) + bytes(48)


def xfs(rng):
    return b"XFSB" + struct.pack(">IQQQ", 4096, rng.getrandbits(24), 0, 0) + uuid.uuid4().bytes + bytes(32)


def fat(rng):
    return b"\xeb\x58\x90mkfs.fat" + struct.pack("<HBHB", 512, 8, 32, 2) + bytes(40)


def ntfs(rng):
    return b"\xeb\x52\x90NTFS    " + struct.pack("<HB", 512, 8) + bytes(40)


def gpt(rng):
    return b"EFI PART" + struct.pack("<IIII", 0x10000, 92, rng.getrandbits(32), 0) + struct.pack("<Q", 1)


def utf16(rng):
    return text(rng, 6).encode("utf-16-le")


def bpf(rng):
    def insn(code, dst, src, off, imm):
        return struct.pack("<BBhi", code, src << 4 | dst, off, imm)
    return insn(0xbf, 6, 1, 0, 0) + insn(0x79, 1, 6, rng.randrange(0, 64, 8), 0) + \
        insn(0xb7, 0, 0, 0, rng.randrange(100)) + insn(0x15, 1, 0, 1, 0) + insn(0x95, 0, 0, 0, 0)


def code(rng):
    return bytes.fromhex("f30f1efa4157415641554154554889e5534883ec28") + rng.randbytes(16)


def ptes(rng):
    return b"".join(struct.pack("<Q", (rng.getrandbits(22) << 12) | rng.choice((0x067, 0x025, 0x063, 0x867)) |
                                rng.choice((0, 1 << 63))) for _ in range(8))


def registers(rng):
    return struct.pack("<QQQQQ", 0x7f0000000000 | rng.getrandbits(40), 0x33, 0x246,
                       0x7ffc00000000 | rng.getrandbits(30) & ~7, 0x2b)


def acpi(rng):
    body = rng.randbytes(30)
    head = b"SSDT" + struct.pack("<IBB", 36 + len(body), 2, 0) + b"BOCHS BXPCSSDT" + \
        struct.pack("<I4sI", 1, b"INTL", 0x20200925)
    data = bytearray(head + body)
    data[9] = -sum(data) & 0xff
    return bytes(data)


def nfs_call(rng):
    return struct.pack(">IIIIII", rng.getrandbits(32), 0, 2, 100003, 3, rng.randrange(1, 21))


def pdf(rng):
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>"


KINDS = {
    "usb.device": (("USB device descriptor",), usb_device),
    "usb.config": (("USB configuration descriptor",), usb_config),
    "usb.string": (("USB string descriptor",), usb_string),
    "usb.languages": (("USB string descriptor zero",), usb_languages),
    "usb.cbw": (("CBW",), usb_cbw),
    "usb.csw": (("CSW",), usb_csw),
    "ethernet": (("Ethernet",), ethernet),
    "arp": (("ARP",), arp),
    "ipv4": (("IPv4",), ipv4),
    "ipv6": (("IPv6",), ipv6),
    "tcp": (("TCP",), tcp),
    "udp": (("UDP",), udp),
    "icmp": (("ICMP",), icmp),
    "dhcp": (("DHCP",), dhcp),
    "dns": (("DNS",), dns),
    "tls": (("TLS",), tls),
    "http": (("HTTP",), http),
    "nfs": (("NFS",), nfs_call),
    "scsi.sense": (("sense",), scsi_sense),
    "scsi.inquiry": (("INQUIRY",), scsi_inquiry),
    "scsi.read": (("SCSI",), scsi_read),
    "ata": (("ATA",), ata_identify),
    "nvme": (("NVMe",), nvme_read),
    "elf": (("ELF",), elf),
    "gzip": (("gzip",), lambda r: gzip.compress(text(r, 60).encode())),
    "zlib": (("zlib",), lambda r: zlib.compress(text(r, 60).encode())),
    "bzip2": (("bzip2",), lambda r: bz2.compress(text(r, 60).encode())),
    "xz": (("xz",), lambda r: lzma.compress(text(r, 60).encode())),
    "zip": (("zip",), zipped),
    "tar": (("tar",), tarred),
    "cpio": (("cpio",), cpio),
    "png": (("PNG",), png),
    "jpeg": (("JPEG",), jpeg),
    "gif": (("GIF",), gif),
    "wav": (("RIFF", "WAV"), sound),
    "pdf": (("PDF",), pdf),
    "sqlite": (("SQLite",), sqlite),
    "x509": (("DER", "certificate"), certificate),
    "ext4": (("ext4",), ext4),
    "xfs": (("XFS",), xfs),
    "fat": (("FAT",), fat),
    "ntfs": (("NTFS",), ntfs),
    "gpt": (("GPT",), gpt),
    "json": (("JSON",), lambda r: json.dumps({r.choice(WORDS): r.randrange(999), "name": text(r, 2)}).encode()),
    "base64": (("base64",), lambda r: base64.b64encode(r.randbytes(60))),
    "uuid": (("UUID",), lambda r: str(uuid.UUID(int=r.getrandbits(128), version=4)).encode()),
    "ascii": (("text",), lambda r: text(r, 8).encode()),
    "utf16": (("UTF-16",), utf16),
    "xml": (("XML",), lambda r: b'<?xml version="1.0" encoding="UTF-8"?><' + r.choice(WORDS).encode() + b">"),
    "pem": (("PEM",), lambda r: b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(r.randbytes(48))),
    "ssh": (("SSH",), lambda r: b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "bpf": (("BPF",), bpf),
    "code": (("code",), code),
    "pte": (("page-table",), ptes),
    "pt_regs": (("registers",), registers),
    "acpi": (("ACPI",), acpi),
    "ones": (("all ones",), lambda r: b"\xff" * 32),
    "class": (("Java",), lambda r: bytes.fromhex("cafebabe0000003d") + r.randbytes(20)),
    "wasm": (("WebAssembly",), lambda r: b"\0asm\1\0\0\0\1\7\1\x60"),
}


def samples(rng, most=None):
    """(name, words that must be said, the payload) of every kind in turn; the payload has 4 bytes or more."""
    for name, (words, make) in KINDS.items():
        data = make(rng)
        if len(data) >= 4:
            yield name, words, data[:most] if most else data
