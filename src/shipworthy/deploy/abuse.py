"""What the gateway tells of abuse: one sink for what was refused and for what was answered.

In: what came in, as it came. Out: nothing. Both calls come after the answer has left, from the gateway's event loop;
raw values go no further than the sink, which counts and forgets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from shipworthy.deploy.body import Cell
from shipworthy.facts import AbuseKind, Event


class OnAbuse(Protocol):
    """Takes both in. `peer` is the caller's address as the server sees it, "" inside this process."""

    def refused(self, kind: AbuseKind, tenant: str, peer: str, minute: int, raw: bytes, n: int = 1) -> None:
        """`n` requests or labels that were refused. `tenant`: `__missing__` where nobody said; `raw`: what was sent."""

    def answered(self, event: Event, row: Mapping[str, Cell], peer: str) -> None:
        """One request that was decided, or that nobody could decide."""


class Unwatched:
    """A sink that looks at nothing."""

    def refused(self, kind: AbuseKind, tenant: str, peer: str, minute: int, raw: bytes, n: int = 1) -> None:
        """Take nothing in."""

    def answered(self, event: Event, row: Mapping[str, Cell], peer: str) -> None:
        """Take nothing in."""


UNWATCHED = Unwatched()
