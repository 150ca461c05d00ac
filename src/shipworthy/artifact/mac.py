"""Message authentication with a host key: state files and receipts that only this site can have written.

In: a 32-byte key, a label that says what kind of thing is tagged, and bytes. Out: HMAC-SHA256 tags (RFC 2104) and
compact tokens. The label is part of what is authenticated, so a receipt can never be passed off as a state file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from shipworthy.errors import CannotDecide

KEY_BYTES = 32
TOKEN_TAG_BYTES = 16
_DOMAIN = b"shipworthy-mac-v1"
_BLOCK = 64  # bytes of a SHA-256 block


def _checked(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise CannotDecide(f"a MAC key has {KEY_BYTES} bytes", "mac")
    return key


def _named(label: str) -> bytes:
    named = label.encode()
    return _DOMAIN + len(named).to_bytes(4, "big") + named


class TokenSealer:
    """Seals tokens of one key and label; the part of the tag that is the same for all is computed once."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, label: str) -> None:
        block = _checked(key).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + _named(label))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def tag(self, payload: bytes) -> bytes:
        """Return what the function `tag` returns."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(payload)
        outer.update(inner.digest())
        return outer.digest()

    def seal(self, payload: bytes) -> str:
        """Return what `seal_token` returns."""
        sealed = payload + self.tag(payload)[:TOKEN_TAG_BYTES]
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def tag(key: bytes, label: str, payload: bytes) -> bytes:
    """HMAC-SHA256 over the label (length first, so no two pairs share bytes) and the payload; 32 bytes."""
    return hmac.digest(_checked(key), _named(label) + payload, "sha256")


def check(key: bytes, label: str, payload: bytes, claimed: bytes) -> bool:
    """Whether `claimed` is the whole tag of this payload, compared in constant time."""
    return hmac.compare_digest(tag(key, label, payload), claimed)


def seal_token(key: bytes, label: str, payload: bytes) -> str:
    """base64url without padding of the payload and the first 16 bytes of its tag: a receipt that fits a header."""
    return TokenSealer(key, label).seal(payload)


def open_token(key: bytes, label: str, token: str) -> bytes:
    """The payload of a token that was sealed with this key and label; raises CannotDecide on any other."""
    try:
        sealed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise CannotDecide("not a token", "receipt") from error
    payload, claimed = sealed[:-TOKEN_TAG_BYTES], sealed[-TOKEN_TAG_BYTES:]
    whole = len(claimed) == TOKEN_TAG_BYTES
    # The spelling must be the one we write: two texts of one token would be two receipts.
    canonical = base64.urlsafe_b64encode(sealed).rstrip(b"=") == token.encode("ascii")
    if not (whole and canonical and hmac.compare_digest(tag(key, label, payload)[:TOKEN_TAG_BYTES], claimed)):
        raise CannotDecide("the token was not issued by this site", "receipt")
    return payload
