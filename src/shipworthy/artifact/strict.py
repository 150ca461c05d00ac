"""JSON and base64 read the way a verifier must read them: one meaning, or a refusal.

In: bytes from outside. Out: plain Python values. A lenient parser lets a signer and a reader see two different
documents in the same bytes (duplicate keys, NaN, unknown fields, non-canonical base64), so none of these pass.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Collection, Mapping
from typing import NoReturn

from shipworthy.errors import CannotDecide

_HEX64 = re.compile(r"[0-9a-f]{64}")


def refuse(what: str, where: str, fix: str = "restore it or have it written again") -> NoReturn:
    """Raises CannotDecide; one spelling for every refusal of the room."""
    raise CannotDecide(what, where, fix)


def loads(raw: bytes, where: str) -> object:
    """The value of a JSON document. Raises CannotDecide on duplicate keys, NaN, infinity, bad UTF-8, trailing bytes."""

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) != len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            refuse(f"the key {twice!r} appears twice", where)
        return dict(pairs)

    def finite(text: str) -> float:
        value = float(text)
        return value if math.isfinite(value) else refuse(f"{text} is not a finite number", where)

    try:
        text = raw.decode("utf-8")
        return json.loads(text, object_pairs_hook=once, parse_float=finite, parse_constant=finite)
    except (ValueError, RecursionError) as error:
        refuse(f"not a JSON document ({str(error)[:120]})", where)


def dumps(value: object) -> bytes:
    """Canonical bytes of a JSON value: sorted keys, no blanks, UTF-8, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def fields(
    value: object, where: str, required: Collection[str], optional: Collection[str] = ()
) -> Mapping[str, object]:
    """The object `value`, when it has every required key and no other than the optional ones."""
    if not isinstance(value, dict):
        refuse("an object is expected here", where)
    for key in required:
        if key not in value:
            refuse(f"the field {key!r} is missing", where)
    for key in value:
        if key not in required and key not in optional:
            refuse(f"the field {key!r} is not known", where)
    return value


def text(value: object, where: str) -> str:
    """`value`, when it is a string."""
    return value if isinstance(value, str) else refuse("a text is expected here", where)


def sequence(value: object, where: str) -> list[object]:
    """`value`, when it is a list."""
    return value if isinstance(value, list) else refuse("a list is expected here", where)


def hex_digest(value: object, where: str) -> str:
    """`value`, when it is a lower-case SHA-256 in hex (64 digits)."""
    if isinstance(value, str) and _HEX64.fullmatch(value):
        return value
    refuse("a SHA-256 in lower-case hex is expected here", where)


def decode64(value: object, where: str) -> bytes:
    """The bytes of canonical standard base64 (RFC 4648 section 4); anything else is refused."""
    written = text(value, where)
    try:
        raw = base64.b64decode(written.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        refuse("not base64", where)
    if base64.b64encode(raw).decode() != written:
        refuse("base64 with stray bits", where)
    return raw


def encode64(raw: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(raw).decode("ascii")
