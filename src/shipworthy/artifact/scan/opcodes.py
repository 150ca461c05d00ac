"""The pickle opcodes and a reader that yields them one at a time, inside their frames.

In: bytes. Out: (opcode, argument) pairs, or `Broken`. Source: CPython's Lib/pickletools.py and PEP 3154 (framing).
CPython before 3.13.15 and 3.14.7 lets an opcode's argument run over the end of its frame and then reads other bytes
than a linear reader does (python/cpython#154848), so every opcode and argument must lie inside its frame here.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from shipworthy.artifact.scan.findings import Kind


class Broken(Exception):
    """The walk cannot go on: what comes next may be read in more than one way, or not at all.

    `ends` means that every unpickler stops at this place too, so that what follows is not run by any. Otherwise it is
    only the walker that gives up, and an unpickler may well go on.
    """

    def __init__(self, kind: Kind, what: str, ends: bool = False) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.ends = ends


# opcode → (name, argument). Arguments: "" none, u1 u2 u4 u8 i4 little-endian numbers, f8 a float, line and lines
# (one or two) up to a newline, and n1 n4 n8 s4 bytes after their length (s4: signed).
OPCODES: Mapping[int, tuple[str, str]] = {
    ord(code): (name, argument)
    for code, name, argument in (
        ("(", "MARK", ""),
        (".", "STOP", ""),
        ("0", "POP", ""),
        ("1", "POP_MARK", ""),
        ("2", "DUP", ""),
        ("F", "FLOAT", "line"),
        ("I", "INT", "line"),
        ("J", "BININT", "i4"),
        ("K", "BININT1", "u1"),
        ("L", "LONG", "line"),
        ("M", "BININT2", "u2"),
        ("N", "NONE", ""),
        ("P", "PERSID", "line"),
        ("Q", "BINPERSID", ""),
        ("R", "REDUCE", ""),
        ("S", "STRING", "line"),
        ("T", "BINSTRING", "s4"),
        ("U", "SHORT_BINSTRING", "n1"),
        ("V", "UNICODE", "line"),
        ("X", "BINUNICODE", "n4"),
        ("a", "APPEND", ""),
        ("b", "BUILD", ""),
        ("c", "GLOBAL", "lines"),
        ("d", "DICT", ""),
        ("}", "EMPTY_DICT", ""),
        ("e", "APPENDS", ""),
        ("g", "GET", "line"),
        ("h", "BINGET", "u1"),
        ("i", "INST", "lines"),
        ("j", "LONG_BINGET", "u4"),
        ("l", "LIST", ""),
        ("]", "EMPTY_LIST", ""),
        ("o", "OBJ", ""),
        ("p", "PUT", "line"),
        ("q", "BINPUT", "u1"),
        ("r", "LONG_BINPUT", "u4"),
        ("s", "SETITEM", ""),
        ("t", "TUPLE", ""),
        (")", "EMPTY_TUPLE", ""),
        ("u", "SETITEMS", ""),
        ("G", "BINFLOAT", "f8"),
        ("B", "BINBYTES", "n4"),
        ("C", "SHORT_BINBYTES", "n1"),
        ("\x80", "PROTO", "u1"),
        ("\x81", "NEWOBJ", ""),
        ("\x82", "EXT1", "u1"),
        ("\x83", "EXT2", "u2"),
        ("\x84", "EXT4", "i4"),
        ("\x85", "TUPLE1", ""),
        ("\x86", "TUPLE2", ""),
        ("\x87", "TUPLE3", ""),
        ("\x88", "NEWTRUE", ""),
        ("\x89", "NEWFALSE", ""),
        ("\x8a", "LONG1", "n1"),
        ("\x8b", "LONG4", "s4"),
        ("\x8c", "SHORT_BINUNICODE", "n1"),
        ("\x8d", "BINUNICODE8", "n8"),
        ("\x8e", "BINBYTES8", "n8"),
        ("\x8f", "EMPTY_SET", ""),
        ("\x90", "ADDITEMS", ""),
        ("\x91", "FROZENSET", ""),
        ("\x92", "NEWOBJ_EX", ""),
        ("\x93", "STACK_GLOBAL", ""),
        ("\x94", "MEMOIZE", ""),
        ("\x95", "FRAME", "u8"),
        ("\x96", "BYTEARRAY8", "n8"),
        ("\x97", "NEXT_BUFFER", ""),
        ("\x98", "READONLY_BUFFER", ""),
    )
}

_FORMS = {"u1": "<B", "u2": "<H", "u4": "<I", "u8": "<Q", "i4": "<i", "f8": ">d"}
_NUMBERS = {kind: struct.Struct(form) for kind, form in _FORMS.items()}
_LENGTHS = {"n1": _NUMBERS["u1"], "n4": _NUMBERS["u4"], "n8": _NUMBERS["u8"], "s4": _NUMBERS["i4"]}


class Reader:
    """A place in the bytes of a pickle. `next()` gives the opcode there and moves on."""

    __slots__ = ("at", "blob", "frame_end", "opcode_at")

    def __init__(self, blob: bytes, at: int = 0) -> None:
        self.blob = blob
        self.at = at
        self.opcode_at = at
        self.frame_end: int | None = None

    def next(self) -> tuple[str, object]:
        """The name of the next opcode and its argument. Raises Broken on anything else."""
        if self.frame_end == self.at:
            self.frame_end = None
        self.opcode_at = self.at
        code = self.take(1)[0]
        known = OPCODES.get(code)
        if known is None:
            raise Broken(Kind.MALFORMED, f"opcode 0x{code:02x} does not exist", ends=True)
        name, argument = known
        if not argument:  # most opcodes of a model
            return name, None
        if argument == "u1":
            return name, self.take(1)[0]
        if name == "FRAME":
            return name, self._open_frame()
        return name, self._argument(argument)

    def take(self, count: int) -> bytes:
        """The next `count` bytes, inside the current frame and the file."""
        end = self.at + count
        if self.frame_end is not None and end > self.frame_end:
            raise Broken(Kind.FRAME, "an argument runs over the end of its frame")
        if count < 0:
            raise Broken(Kind.MALFORMED, "a negative length")
        if end > len(self.blob):
            raise Broken(Kind.MALFORMED, "the pickle ends inside an opcode", ends=True)
        taken = self.blob[self.at : end]
        self.at = end
        return taken

    def raw(self, count: int) -> bytes:
        """The next `count` bytes outside any frame: array bytes that joblib writes between opcodes."""
        if self.frame_end is not None and self.frame_end != self.at:
            raise Broken(Kind.FRAME, "array bytes begin inside a frame")
        self.frame_end = None
        return self.take(count)

    def _argument(self, kind: str) -> object:
        if kind in _LENGTHS:
            return self.take(int(self._number(_LENGTHS[kind])))
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind == "line":
            return self._line()
        return self._line(), self._line()

    def _number(self, form: struct.Struct) -> int | float:
        value: int | float = form.unpack(self.take(form.size))[0]
        return value

    def _line(self) -> bytes:
        """Bytes up to the next newline, without it. At the end of the file CPython takes what is there for a line and
        cuts its last byte, so an INST there still calls something."""
        end = self.blob.find(b"\n", self.at, self.frame_end)
        if end >= 0:
            return self.take(end + 1 - self.at)[:-1]
        if self.frame_end is not None:
            raise Broken(Kind.FRAME, "a line runs over the end of its frame")
        return self.take(len(self.blob) - self.at)[:-1]

    def _open_frame(self) -> int:
        if self.frame_end is not None:
            raise Broken(Kind.FRAME, "a frame begins inside a frame")
        length = int(self._number(_NUMBERS["u8"]))
        if length > len(self.blob) - self.at:
            raise Broken(Kind.FRAME, "a frame runs over the end of the file")
        self.frame_end = self.at + length
        return length
