"""Pickles written opcode by opcode: globals, calls and values put on the stack in exactly one spelling."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Name:
    """A global."""

    module: str
    attribute: str


@dataclass(frozen=True)
class Call:
    """A call by REDUCE."""

    function: Any
    args: tuple[Any, ...]


@dataclass(frozen=True)
class Raw:
    """Opcodes as they stand."""

    opcodes: bytes


def push(value: Any) -> bytes:
    """Opcodes that leave `value` on the stack."""
    match value:
        case Raw():
            return value.opcodes
        case Name():
            return push(value.module) + push(value.attribute) + b"\x93"
        case Call():
            return push(value.function) + push(value.args) + b"R"
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case bytes():
            return b"B" + struct.pack("<I", len(value)) + value
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"J" + struct.pack("<i", value)
        case tuple():
            return b"(" + b"".join(map(push, value)) + b"t"
        case list():
            return b"](" + b"".join(map(push, value)) + b"e"
        case dict():
            return b"}(" + b"".join(push(key) + push(one) for key, one in value.items()) + b"u"
    raise TypeError(type(value))


def dumped(value: Any, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + push(value) + b"."


def frame(body: bytes) -> bytes:
    """A frame around opcodes."""
    return b"\x95" + struct.pack("<Q", len(body)) + body
