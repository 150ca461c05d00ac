"""Receipts of many decisions: the very bodies that single ones have, sealed with the same key, made in columns.

In: what rows share (version, tenant, segments, word) a kind, and what each has of its own (request, score). Out: tokens
that `deploy.receipt.unseal` opens. Bodies are laid out as bytes a kind at a time (MessagePack, with the score as a
whole 64-bit integer, so that bodies of a kind are of one length), and base64 is taken of a whole block. Only the
message authentication itself, HMAC-SHA256 (RFC 2104), is taken row by row: two hash states are copied and finished.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from shipworthy.artifact.mac import TOKEN_TAG_BYTES
from shipworthy.deploy.batch.ranks import Floats
from shipworthy.deploy.receipt import LABEL, NO_SCORE
from shipworthy.facts import FIXED, SCORE_BINS, Receipt

Bytes = NDArray[np.uint8]
Mac = Callable[[bytes], bytes]
_DOMAIN = b"shipworthy-mac-v1"
_BLOCK = 64
_INT64 = 0xD3
_REQUEST = b"\xd9\x24"  # a text of 36 bytes
_FIELDS = b"\x9b"  # an array of 11
_encode = msgspec.msgpack.Encoder().encode


def mac_of(key: bytes) -> Mac:
    """Return HMAC-SHA256 over a receipt, with the states of both hashes kept."""
    block = key.ljust(_BLOCK, b"\0")
    named = LABEL.encode()
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + _DOMAIN + len(named).to_bytes(4, "big") + named)
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def mac(body: bytes) -> bytes:
        first, last = inner.copy(), outer.copy()
        first.update(body)
        last.update(first.digest())
        return last.digest()

    return mac


def sealed(mac: Mac, shared: Receipt, requests: Bytes, score: Floats) -> list[str]:
    """Return the tokens of rows that share everything but request and score. `requests`: (n, 36) bytes of text;
    `score`: NaN where a receipt must not tell one."""
    bodies = _bodies(shared, requests, score)
    width = bodies.shape[1]
    raw = bodies.tobytes()
    tags = np.frombuffer(b"".join([mac(raw[at : at + width]) for at in range(0, len(raw), width)]), dtype=np.uint8)
    whole = np.concatenate([bodies, tags.reshape(len(bodies), -1)[:, :TOKEN_TAG_BYTES]], axis=1)
    return _texts(whole)


def _bodies(shared: Receipt, requests: Bytes, score: Floats) -> Bytes:
    """As `deploy.receipt` lays a receipt out: request, version, tenant, segments, minute, bin, score, arm, route,
    decision, groups."""
    before = _joined(shared.version, shared.tenant, shared.segments, shared.minute)
    after = _joined(shared.arm, shared.route, shared.decision, shared.groups)
    known = ~np.isnan(score)
    told = np.where(known, score, 0.0)
    bins = np.where(known, np.minimum((told * SCORE_BINS).astype(np.int64), SCORE_BINS - 1), NO_SCORE)
    fixed = np.where(known, np.rint(told * FIXED).astype(np.int64), NO_SCORE)
    n = len(requests)
    made = np.empty((n, len(_FIELDS) + len(_REQUEST) + 36 + len(before) + 10 + len(after)), dtype=np.uint8)
    at = 0
    for part in (
        _FIELDS + _REQUEST, requests, before, bins.astype(np.int8).view(np.uint8)[:, None], bytes((_INT64,)),
        fixed.astype(">i8").view(np.uint8).reshape(n, 8), after,
    ):  # fmt: skip
        column: Any = np.frombuffer(part, dtype=np.uint8) if isinstance(part, bytes) else part
        made[:, at : at + column.shape[-1]] = column
        at += column.shape[-1]
    return made


def _joined(*values: object) -> bytes:
    return b"".join(_encode(value) for value in values)


def _texts(whole: Bytes) -> list[str]:
    """base64url without padding, a row: rows are filled up to a multiple of three bytes and cut after."""
    n, width = whole.shape
    padded = np.zeros((n, -(-width // 3) * 3), dtype=np.uint8)
    padded[:, :width] = whole
    text = base64.urlsafe_b64encode(padded.tobytes()).decode("ascii")
    step, kept = padded.shape[1] // 3 * 4, -(-width * 4 // 3)
    return [text[at : at + kept] for at in range(0, len(text), step)]
