"""Files for the scanner: hostile ones written by hand, and a real unpickler whose classes do nothing."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from typing import Any

from shipworthy.artifact.scan import Declared, scan_bytes

CALL = b"\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R"


def text(value: str) -> bytes:
    """SHORT_BINUNICODE."""
    return b"\x8c" + bytes([len(value)]) + value.encode()


def name(module: str, attribute: str) -> bytes:
    """A name by STACK_GLOBAL."""
    return text(module) + text(attribute) + b"\x93"


def call(module: str, attribute: str, args: bytes = b")") -> bytes:
    """A protocol 4 pickle of one call."""
    return b"\x80\x04" + name(module, attribute) + args + b"R."


def frame(body: bytes) -> bytes:
    return b"\x95" + struct.pack("<Q", len(body)) + body


def zipped(members: dict[str, bytes], packed: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for member, raw in members.items():
            file.writestr(member, raw)
    return out.getvalue()


def kinds(file: str, blob: bytes, declared: Declared | None = None) -> set[str]:
    return {one.kind.value for one in scan_bytes(file, blob, declared or Declared())}


class _Inert:
    """Stands for every class: takes anything, notes that it was called, does nothing."""

    called: set[str]
    full_name: str

    def __new__(cls, *args: object, **keywords: object) -> _Inert:
        cls.called.add(cls.full_name)
        return object.__new__(cls)

    def __setstate__(self, state: object) -> None: ...
    def append(self, item: object) -> None: ...
    def extend(self, items: object) -> None: ...
    def __setitem__(self, key: object, value: object) -> None: ...


def names_met(blob: bytes, pure: bool) -> tuple[set[str], set[str]]:
    """The names a real unpickler looks up in these bytes and those it calls; what is behind them does nothing."""
    asked: set[str] = set()
    called: set[str] = set()
    base: Any = pickle._Unpickler if pure else pickle.Unpickler

    class Watched(base):  # type: ignore[misc]
        def find_class(self, module: str, attribute: str) -> type:
            full_name = f"{module}.{attribute}".replace("__builtin__", "builtins").replace("copy_reg", "copyreg")
            asked.add(full_name)
            return type("Inert", (_Inert,), {"called": called, "full_name": full_name})

    try:
        Watched(io.BytesIO(blob)).load()
    except Exception:
        return asked, called
    return asked, called
