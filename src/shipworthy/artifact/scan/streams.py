"""Decompression with a ceiling: gzip, zlib, bz2, xz and lzma streams.

In: bytes and how much may come out. Out: what came out and what was wrong. A stream that breaks off half way still
hands over what it had: joblib unpickles while it decompresses, so a pickle before the break would run.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

_STEP = 1 << 20
_MAX_MEMBERS = 1000


class Decompressor(Protocol):
    """What zlib, bz2 and lzma decompression objects share here."""

    def feed(self, piece: bytes, most: int) -> bytes: ...
    def finished(self) -> bool: ...
    def rest(self) -> bytes: ...


class _Zlib:
    def __init__(self, window: int) -> None:
        self.one = zlib.decompressobj(window)

    def feed(self, piece: bytes, most: int) -> bytes:
        return self.one.decompress(self.one.unconsumed_tail + piece, most)

    def finished(self) -> bool:
        return self.one.eof

    def rest(self) -> bytes:
        return self.one.unused_data


class _Block:
    """bz2 and lzma objects, which share one interface."""

    def __init__(self, one: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self.one = one

    def feed(self, piece: bytes, most: int) -> bytes:
        return self.one.decompress(piece, most)

    def finished(self) -> bool:
        return self.one.eof

    def rest(self) -> bytes:
        return self.one.unused_data


_LZMA_MEMORY = 256 << 20
_FORMATS: tuple[tuple[str, bytes, Callable[[], Decompressor]], ...] = (
    ("gzip", b"\x1f\x8b", lambda: _Zlib(31)),
    ("bz2", b"BZh", lambda: _Block(bz2.BZ2Decompressor())),
    ("xz", b"\xfd7zXZ\x00", lambda: _Block(lzma.LZMADecompressor(lzma.FORMAT_XZ, _LZMA_MEMORY))),
    ("lzma", b"\x5d\x00", lambda: _Block(lzma.LZMADecompressor(lzma.FORMAT_ALONE, _LZMA_MEMORY))),
    ("zlib", b"\x78", lambda: _Zlib(15)),
)
_ERRORS = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError)


def stream_format(blob: bytes) -> str:
    """The name of the compression whose magic the bytes begin with; empty when there is none."""
    for name, magic, _ in _FORMATS:
        if blob.startswith(magic) and (name != "zlib" or _is_zlib(blob)):
            return name
    return ""


def decompress(name: str, blob: bytes, most: int) -> tuple[bytes, str]:
    """What comes out of all members, at most `most` + 1 bytes, and what was wrong (empty when nothing was)."""
    make = next(make for one, _, make in _FORMATS if one == name)
    out: list[bytes] = []
    room = most + 1
    rest = blob
    for _ in range(_MAX_MEMBERS):
        one = make()
        problem = _member(one, rest, out, room)
        room = most + 1 - sum(map(len, out))
        if problem or room <= 0:
            return b"".join(out), problem
        rest = one.rest()
        if not rest:
            return b"".join(out), ""
        if not rest.startswith(next(magic for known, magic, _ in _FORMATS if known == name)) or name == "zlib":
            return b"".join(out), f"{len(rest)} bytes after the end of the {name} stream"
    return b"".join(out), "too many members"


def _member(one: Decompressor, blob: bytes, out: list[bytes], room: int) -> str:
    """Appends what one member holds to `out`, up to `room` bytes; says what broke it."""
    given = blob
    try:
        while room > 0 and not one.finished():
            piece = one.feed(given, min(_STEP, room))
            given = b""
            out.append(piece)
            room -= len(piece)
            if not piece and not one.finished():
                return "the stream breaks off"
    except _ERRORS as error:
        return f"the stream is damaged ({str(error)[:80]})"
    return ""


def _is_zlib(blob: bytes) -> bool:
    """The header check of RFC 1950: deflate, no preset dictionary, a multiple of 31."""
    return len(blob) >= 2 and (blob[0] * 256 + blob[1]) % 31 == 0 and not blob[1] & 0x20
