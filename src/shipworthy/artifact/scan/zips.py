"""Zip archives read in the one way that leaves no room for a second.

In: bytes. Out: the members with their unpacked content, or what is wrong. Readers disagree about zips (the central
directory or the local headers, the first or the last of two equal names, bytes before or between members), so here
members must tile the file from its first byte to the directory, headers must agree and nothing may be left over.
Source: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import struct
import zlib

import msgspec

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_ZIP64_EXTRA = 1
_STORED, _DEFLATED = 0, 8
_UTF8_NAMES = 0x800
# Bits that only tell how hard the packer tried.
_HARMLESS_FLAGS = _UTF8_NAMES | 0x6


class BadZip(Exception):
    """The archive can be read in more than one way, or not at all."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the directory: where its packed bytes are, and how large they will be."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    start: int


def is_zip(blob: bytes) -> bool:
    """Whether the bytes begin as a zip or end as one does."""
    return blob.startswith((_LOCAL, _END)) or (len(blob) >= 22 and blob[-22:-18] == _END)


def members_of(blob: bytes, most: int) -> tuple[Member, ...]:
    """All members in file order. Raises BadZip when they are not exactly the file, or more than `most`."""
    count, size, start = _directory(blob)
    if count > most:
        raise BadZip(f"{count} members")
    found, at = [], start
    for _ in range(count):
        member, at, offset = _entry(blob, at)
        found.append((offset, member))
    if at != start + size:
        raise BadZip("the directory has another size than it says")
    found.sort(key=lambda one: one[0])
    _check_tiling(blob, found, start)
    return tuple(_placed(blob, offset, member) for offset, member in found)


def unpack(blob: bytes, member: Member) -> bytes:
    """The content of a member, whose size and checksum must be the ones the directory names. Raises BadZip."""
    packed = blob[member.start : member.start + member.packed]
    if member.method == _STORED:
        content = packed
    else:
        one = zlib.decompressobj(-15)
        try:
            content = one.decompress(packed, member.size + 1)
        except zlib.error as error:
            raise BadZip(f"{member.name}: damaged") from error
        if not one.eof or one.unused_data:
            raise BadZip(f"{member.name}: more or less packed bytes than it says")
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise BadZip(f"{member.name}: size or checksum differ")
    return content


def _directory(blob: bytes) -> tuple[int, int, int]:
    """(members, size, start) of the central directory, from the end record, which must be the last 22 bytes."""
    if len(blob) < 22 or blob[-22:-18] != _END:
        raise BadZip("no end record at the end: a comment, bytes after it, or cut off")
    disk, first, here, count, size, start, comment = struct.unpack("<HHHHIIH", blob[-18:])
    if disk or first or here != count or comment or start + size != len(blob) - 22:
        raise BadZip("the end record does not fit the file")
    return count, size, start


def _entry(blob: bytes, at: int) -> tuple[Member, int, int]:
    """One directory entry, the place after it, and the offset of its local header."""
    head = blob[at : at + 46]
    if len(head) < 46 or head[:4] != _CENTRAL:
        raise BadZip("a directory entry is missing")
    flags, method = struct.unpack("<HH", head[8:12])
    crc, packed, size, name_len, extra_len, comment_len = struct.unpack("<IIIHHH", head[16:34])
    disk, _, _, offset = struct.unpack("<HHII", head[34:46])
    if disk or comment_len or flags & ~_HARMLESS_FLAGS or method not in (_STORED, _DEFLATED):
        raise BadZip("an encrypted, split, streamed or unusually packed member")
    name = _name(blob[at + 46 : at + 46 + name_len], flags)
    if 0xFFFFFFFF in (packed, size, offset):
        raise BadZip(f"{name}: larger than 4 GiB")
    member = Member(name=name, method=method, crc=crc, packed=packed, size=size, start=0)
    return member, at + 46 + name_len + extra_len, offset


def _name(raw: bytes, flags: int) -> str:
    try:
        name = raw.decode("utf-8" if flags & _UTF8_NAMES else "ascii")
    except UnicodeDecodeError as error:
        raise BadZip("a member name that is not text") from error
    parts = name.removesuffix("/").split("/")
    if not name or "\\" in name or "\x00" in name or any(part in ("", ".", "..") for part in parts):
        raise BadZip(f"the member name {name[:80]!r}")
    return name


def _check_tiling(blob: bytes, found: list[tuple[int, Member]], directory: int) -> None:
    """Names once, and each member beginning where the one before it ends."""
    names = [member.name for _, member in found]
    if len(set(names)) != len(names):
        raise BadZip("a member name appears twice")
    expected = 0
    for offset, member in found:
        if offset != expected:
            raise BadZip("bytes between the members, or members that overlap")
        expected = _content_start(blob, offset, member) + member.packed
    if expected != directory:
        raise BadZip("bytes between the members and the directory")


def _content_start(blob: bytes, offset: int, member: Member) -> int:
    """Where the packed bytes begin, once the local header agrees with the directory."""
    head = blob[offset : offset + 30]
    if len(head) < 30 or head[:4] != _LOCAL:
        raise BadZip(f"{member.name}: no header")
    flags, method = struct.unpack("<HH", head[6:10])
    crc, packed, size, name_len, extra_len = struct.unpack("<IIIHH", head[14:30])
    name_end = offset + 30 + name_len
    if 0xFFFFFFFF in (packed, size):
        packed, size = _zip64(blob[name_end : name_end + extra_len], member.name)
    same = (_name(blob[offset + 30 : name_end], flags), method, crc, packed, size)
    if same != (member.name, member.method, member.crc, member.packed, member.size):
        raise BadZip(f"{member.name}: the header and the directory differ")
    if flags & ~_HARMLESS_FLAGS:
        raise BadZip(f"{member.name}: encrypted or streamed")
    return offset + 30 + int(name_len) + int(extra_len)


def _zip64(extra: bytes, name: str) -> tuple[int, int]:
    """(packed, size) of a header written before its sizes were known, as numpy.savez does."""
    if len(extra) == 20 and struct.unpack("<HH", extra[:4]) == (_ZIP64_EXTRA, 16):
        size, packed = struct.unpack("<QQ", extra[4:])
        return packed, size
    raise BadZip(f"{name}: a header without sizes")


def _placed(blob: bytes, offset: int, member: Member) -> Member:
    return msgspec.structs.replace(member, start=_content_start(blob, offset, member))
