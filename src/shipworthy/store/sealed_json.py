"""A fact in a file with a MAC: whoever does not hold the host's key cannot write one that we would read.

In: a fact and the host MAC key. Out: `{"fact": …, "mac": "<hex>"}` as canonical bytes, HMAC-SHA256 over a label and the
fact's canonical bytes. Only exactly those bytes are accepted, so a duplicate key or a stray space is refused as well.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, TypeVar

import msgspec

from shipworthy.errors import CannotDecide
from shipworthy.facts import Fact, canonical

Kind = TypeVar("Kind", bound=Fact)


def sealed(name: str, fact: Fact, key: bytes) -> bytes:
    """Return the bytes of the file; the fact stands under `name`, which is also the label of its MAC."""
    return canonical({name: fact, "mac": _mac(name, fact, key)})


def unsealed(name: str, kind: type[Kind], body: bytes, key: bytes, where: str) -> Kind:
    """Return the fact. Raises CannotDecide when the bytes are not exactly what `sealed` writes under this key."""
    try:
        found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        fact = msgspec.convert(found.get(name), kind)
        same = hmac.compare_digest(body, sealed(name, fact, key))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise CannotDecide(f"unreadable: {error}", where, "rebuild the state from the ledger") from error
    if not same:
        raise CannotDecide("not what this host wrote: wrong MAC or bytes", where, "rebuild the state from the ledger")
    return fact


def _mac(name: str, fact: Fact, key: bytes) -> str:
    return hmac.new(key, f"shipworthy {name} v1\n".encode() + canonical(fact), hashlib.sha256).hexdigest()
