"""Digests of bytes and of folders.

In: bytes, or the (relative posix name, sha256 hex) pairs of a folder. Out: `sha256:<hex>` texts and one root digest.
The root is the one of the model-signing v1.0 format: SHA-256 over the raw digests, in path order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from shipworthy.errors import CannotDecide

Pair = tuple[str, str]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def sha256_hex(raw: bytes) -> str:
    """SHA-256 of `raw` in lower-case hex, 64 digits."""
    return hashlib.sha256(raw).hexdigest()


def digest(raw: bytes) -> str:
    """`sha256:<hex>` of `raw`, the form in which digests travel."""
    return f"sha256:{sha256_hex(raw)}"


def is_digest(text: str) -> bool:
    """Whether `text` is `sha256:` and 64 lower-case hex digits."""
    return _DIGEST.fullmatch(text) is not None


def hex_of(text: str) -> str:
    """The hex part of `sha256:<hex>`. Raises CannotDecide when it is not one."""
    if not is_digest(text):
        raise CannotDecide(f"{text[:80]!r} is not a sha256 digest", "digest")
    return text.removeprefix("sha256:")


def path_order(name: str) -> tuple[str, ...]:
    """The sorting key of a relative posix name: folder by folder, so `a/b` comes before `a.txt`."""
    return tuple(name.split("/"))


def in_path_order(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """The pairs sorted by name, folder by folder."""
    return tuple(sorted(pairs, key=lambda pair: path_order(pair[0])))


def root_of(pairs: Iterable[Pair]) -> str:
    """`sha256:<hex>` over the concatenated raw digests in path order; refuses an empty folder and repeated names.

    Source: model-signing v1.0 (`subject.digest` of its statement). Names enter through their order only, as there;
    the signature lists every name beside its digest.
    """
    ordered = in_path_order(pairs)
    if not ordered:
        raise CannotDecide("nothing to hash", "root digest", "an artefact needs at least one file")
    if len({name for name, _ in ordered}) != len(ordered):
        raise CannotDecide("a file name appears twice", "root digest")
    return digest(b"".join(bytes.fromhex(hexed) for _, hexed in ordered))
