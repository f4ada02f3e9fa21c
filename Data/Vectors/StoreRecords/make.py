#!/usr/bin/env python3
"""Writes records.txt: one stored record or key a line, `name hexadecimal`, built from Docs/Formats alone.

usage: make.py > records.txt

It shares no code with the store, so that a change of the format cannot pass unnoticed.
"""
import struct


def number(value):
    return struct.pack(">Q", value & (1 << 64) - 1)


def varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def text(value):
    return varint(len(value.encode())) + value.encode()


def pairs(entries):
    return varint(len(entries)) + b"".join(text(name) + text(value) for name, value in entries)


def escaped(value):
    return value.encode().replace(b"\0", b"\0\xff")


VERSION = b"\x01"
ETAG = "000102030405060708090a0b0c0d0e0f"
UPLOAD = bytes(range(16))
CHECKSUMS = varint(2) + b"\x01" + varint(0) + bytes([1, 2, 3, 4]) + b"\x05" + varint(2) + bytes([9]) * 32
EXTENTS = (
    varint(2)
    + b"\x02" + varint(1 << 40) + varint(5 << 20) + varint(1 << 20)
    + b"\x01" + varint(3) + varint(3) + varint(256 << 10)
)
ATTRIBUTES = (
    text("alice") + text("") + text("STANDARD")
    + pairs([("Content-Type", "application/octet-stream")]) + pairs([("x-amz-meta-run", "42")])
)

RECORDS = {
    "object": VERSION + number(7) + b"\x01" + number(1_700_000_000_123) + varint((5 << 20) + 3)
    + number(0x0123456789ABCDEF) + text(ETAG) + CHECKSUMS + ATTRIBUTES
    + varint(2) + varint(1) + varint(5 << 20) + varint(300) + varint(3)
    + b"\x02" + EXTENTS,
    "empty-object": VERSION + number(2**64 - 1) + b"\x00" + number(-1) + varint(0) + number(0) + text(ETAG) + varint(0)
    + text("") + text("") + text("STANDARD") + varint(0) + varint(0) + varint(0) + b"\x00",
    "bucket": VERSION + number(9) + number(5) + text("alice") + text("t") + text("eu") + text("STANDARD"),
    "upload": VERSION + number(8) + b"\x02" + b"\x02" + ATTRIBUTES,
    "part": VERSION + number(5) + varint(3) + number(4) + text(ETAG) + CHECKSUMS
    + varint(1) + b"\x01" + varint(3) + varint(3) + varint(256 << 10),
    "event": VERSION + b"\x03" + number(3) + varint(10) + text(ETAG) + text("alice") + text("k\0"),
    "mark": VERSION + number(1) + number(2) + number(3),
    "extent-entry": VERSION + b"\x01" + varint(1) + b"\x02" + varint(1 << 40) + varint(5 << 20) + varint(1 << 20),
    "bucket-entry": VERSION + b"\x02" + number(4),
    "key/object": number(1) + escaped("a\0b"),
    "key/chunk": number(0x1122334455667788) + struct.pack(">I", 0x01020304),
    "key/upload": number(1) + b"\x01" + escaped("a\0b") + b"\0\0" + UPLOAD,
    "key/part": number(1) + b"\x02" + UPLOAD + struct.pack(">H", 300),
    "key/change": number(1) + b"\x03" + UPLOAD,
    "key/event": number(1) + number(2),
    "key/reclaim": number(7) + struct.pack(">I", 2),
    "key/floor": b"feed-floor/" + number(1),
}

for name, record in RECORDS.items():
    print(name, record.hex())
