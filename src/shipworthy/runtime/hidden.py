"""Keyed hashes that stand for values nobody keeps: per tenant, with a key that changes every 30 days.

In: the site's host key, a tenant, a minute. Out: a hash function of values. The keys follow from the host key, so that
every gateway of a site tells the same value alike; whoever has neither cannot turn a hash back.
"""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.artifact.mac import tag
from shipworthy.observe.inputs import Hashed

PERIOD = 30 * 24 * 60  # minutes


def keyed(key: bytes) -> Callable[[str, int], Hashed]:
    """Return what gives the hash for a tenant and a minute. `key`: 32 bytes."""

    def of(tenant: str, minute: int) -> Hashed:
        own = tag(key, "unseen values", f"{tenant}\x1f{minute // PERIOD}".encode())

        def hashed(feature: str, value: str) -> int:
            return int.from_bytes(tag(own, feature, value.encode())[:8], "big")

        return hashed

    return of
