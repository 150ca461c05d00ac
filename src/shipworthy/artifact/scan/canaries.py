"""Planted unsafe files, and whether the scanner still catches them.

In: nothing but the scanner. Out: the names of the canaries it missed. The bytes are written out by hand and harmless
(they would print a word); nothing here is ever loaded. A scan that finds nothing is only worth something if the same
scan, a moment before, found these.
"""

from __future__ import annotations

import struct
import zlib

_PRINT = b"\x8c\x08builtins\x8c\x05print\x93\x8c\x06canary\x85R"
_SYSTEM = b"cposix\nsystem\n(S'echo canary'\ntR."


def canaries() -> tuple[tuple[str, bytes], ...]:
    """(name, bytes) of every canary."""
    return (
        ("canary-text.pkl", _SYSTEM),
        ("canary-names-on-stack.pkl", b"\x80\x04" + _PRINT + b"."),
        ("canary-memo.pkl", b"\x80\x04\x8c\x05print\x94\x8c\x08builtins\x94h\x01h\x00\x93\x8c\x06canary\x85R."),
        ("canary-instance.pkl", b"(S'echo canary'\nios\nsystem\n."),
        ("canary-zlib.joblib", zlib.compress(b"\x80\x03" + _SYSTEM)),
        ("canary-straddle.pkl", _straddle()),
        ("canary-after-stop.pkl", b"\x80\x04N." + _SYSTEM),
        ("canary-objects.npy", _objects()),
        ("canary.npz", _stored("weights.npy", _objects())),
        ("canary.skops", _stored("schema.json", _SCHEMA)),
        ("canary.csv", _SYSTEM),
        ("canary.yaml", b"model: !!python/object/apply:os.system ['echo canary']\n"),
    )


_SCHEMA = (
    b'{"__class__": "methodcaller", "__module__": "operator", "__loader__": "OperatorFuncNode", '
    b'"attrs": {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": []}}'
)


def _straddle() -> bytes:
    """A BINBYTES whose four length bytes lie half in its frame and half behind it, with a call in what it measures.

    A linear reader takes the two halves together and sees one long literal. CPython's C unpickler drops the half that
    is in the frame and reads four bytes behind it, which are zero: an empty literal, and then the call (gh-154848).
    """
    measured = b"\x00\x00" + b"0" + _PRINT + b"."
    framed = b"B" + struct.pack("<H", len(measured))
    return b"\x80\x04\x95" + struct.pack("<Q", len(framed)) + framed + b"\x00\x00" + measured + b"."


def _objects() -> bytes:
    """A .npy file of one object, whose pickle calls something."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\x80\x03" + _SYSTEM


def _stored(name: str, content: bytes) -> bytes:
    """A zip of one member, not packed, dated 1980."""
    raw = name.encode()
    head = struct.pack("<HHHHIII", 0, 0, 0, 33, zlib.crc32(content), len(content), len(content))
    local = b"PK\x03\x04" + struct.pack("<H", 20) + head + struct.pack("<HH", len(raw), 0) + raw + content
    tail = struct.pack("<HHHHHII", len(raw), 0, 0, 0, 0, 0, 0)
    entry = b"PK\x01\x02" + struct.pack("<HH", 20, 20) + head + tail + raw
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(entry), len(local), 0)
    return local + entry + end
