"""Literals of a pickle: numbers, texts and bytes as far as the walker needs to know them.

In: the name of a literal opcode and its argument. Out: a plain value, or OPAQUE where the exact value does not matter
or where the decoding has corners (escapes). A text that may become a name must be exact, and escapes are not followed.
"""

from __future__ import annotations

import re

from shipworthy.artifact.scan.findings import Kind
from shipworthy.artifact.scan.opcodes import Broken
from shipworthy.artifact.scan.values import OPAQUE

_LONGEST_TEXT = 1 << 16
_DECIMAL = re.compile(rb"-?\d{1,19}")
_CONSTANTS: dict[str, object] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


def literal(name: str, argument: object) -> object:
    """The value a literal opcode pushes. Raises Broken when CPython would refuse it too, or for another opcode."""
    if name in _CONSTANTS:
        return _CONSTANTS[name]
    if isinstance(argument, int | float) and name in ("BININT", "BININT1", "BININT2", "BINFLOAT"):
        return argument
    if isinstance(argument, bytes) and name in _BYTES:
        return _BYTES[name](argument)
    raise Broken(Kind.MALFORMED, f"the opcode {name} is not known")


def _unicode(raw: bytes) -> object:
    if len(raw) > _LONGEST_TEXT:
        return OPAQUE
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise Broken(Kind.MALFORMED, "a text that is not UTF-8", ends=True) from error


def _ascii(raw: bytes) -> object:
    """Protocol 1 strings: ASCII by default, anything else depends on how the file is opened."""
    return raw.decode("ascii") if len(raw) <= _LONGEST_TEXT and raw.isascii() else OPAQUE


def _quoted(line: bytes) -> object:
    body = line.strip()
    if len(body) < 2 or body[:1] not in (b"'", b'"') or body[-1:] != body[:1]:
        raise Broken(Kind.MALFORMED, "a string without quotes", ends=True)
    return OPAQUE if b"\\" in body else _ascii(body[1:-1])


def _raw_unicode(line: bytes) -> object:
    return OPAQUE if b"\\" in line else _ascii(line)


def _int(line: bytes) -> object:
    if line in (b"00", b"01"):
        return line == b"01"
    return _long(line)


def _long(line: bytes) -> object:
    body = line.removesuffix(b"L")
    if _DECIMAL.fullmatch(body):
        return int(body)
    # Other spellings (hex, underscores, very long ones) are numbers at best, and never needed here.
    if not line.strip() or line.strip(b"0123456789abcdefABCDEFxXoOL_+- \t\r\v\f"):
        raise Broken(Kind.MALFORMED, "a number that is not one", ends=True)
    return OPAQUE


def _float(line: bytes) -> object:
    try:
        return float(line)
    except ValueError as error:
        raise Broken(Kind.MALFORMED, "a number that is not one", ends=True) from error


def _binary_long(raw: bytes) -> object:
    return int.from_bytes(raw, "little", signed=True) if len(raw) <= 8 else OPAQUE


def _bytes(raw: bytes) -> object:
    return raw if len(raw) <= _LONGEST_TEXT else OPAQUE


def _bytearray(raw: bytes) -> object:
    return OPAQUE


_BYTES = {
    "BINUNICODE": _unicode,
    "SHORT_BINUNICODE": _unicode,
    "BINUNICODE8": _unicode,
    "BINSTRING": _ascii,
    "SHORT_BINSTRING": _ascii,
    "STRING": _quoted,
    "UNICODE": _raw_unicode,
    "INT": _int,
    "LONG": _long,
    "FLOAT": _float,
    "LONG1": _binary_long,
    "LONG4": _binary_long,
    "BINBYTES": _bytes,
    "SHORT_BINBYTES": _bytes,
    "BINBYTES8": _bytes,
    "BYTEARRAY8": _bytearray,
}
