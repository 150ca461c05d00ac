"""Compressed bodies, inflated as they come (`Content-Encoding: gzip` or `deflate`, RFC 9110 section 8.4.1).

In: parts of a body. Out: what they inflate to, never more than a cap and one byte: a small body that inflates to much
is told as too large before it has taken the memory. `deflate` is the zlib format (RFC 1950), as the RFC says; gzip is
one member (RFC 1952). Nothing may follow.
"""

from __future__ import annotations

import zlib
from typing import ClassVar

_GZIP, _ZLIB = 31, 15  # zlib's words for the wrapper, with the largest window


class Inflated:
    """One body on its way in. `over`: it inflates to more than the cap; `wrong`: what is broken, "" when nothing is."""

    KNOWN: ClassVar[dict[bytes, int]] = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"deflate": _ZLIB}

    def __init__(self, encoding: str, most: int) -> None:
        self.encoding = encoding
        self.over = False
        self._left = most
        self._inflate = zlib.decompressobj(self.KNOWN[encoding.encode()])
        self._broken = ""

    def add(self, part: bytes) -> bytes:
        """Return what this part inflates to; nothing once the body is over or broken."""
        if self.over or self._broken:
            return b""
        try:
            plain = self._inflate.decompress(part, self._left + 1)
        except zlib.error as error:
            self._broken = str(error)
            return b""
        self._left -= len(plain)
        self.over = self._left < 0
        return plain

    @property
    def wrong(self) -> str:
        """What is broken, once all parts have come."""
        if self._broken:
            return self._broken
        if not self._inflate.eof:
            return "it ends too early"
        return "something follows its end" if self._inflate.unused_data else ""
