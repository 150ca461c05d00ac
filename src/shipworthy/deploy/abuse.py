"""What the gateway tells of abuse: one sink for what was refused.

In: what came in, as it came. Out: nothing. The call comes after the answer has left, from the gateway's event loop;
raw values go no further than the sink, which counts and forgets them.
"""

from __future__ import annotations

from typing import Protocol

from shipworthy.facts import AbuseKind


class OnAbuse(Protocol):
    """Takes it in. `peer` is the caller's address as the server sees it, "" inside this process."""

    def refused(self, kind: AbuseKind, tenant: str, peer: str, minute: int, raw: bytes, n: int = 1) -> None:
        """`n` requests or labels that were refused. `tenant`: `__missing__` where nobody said; `raw`: what was sent."""


class Unwatched:
    """A sink that looks at nothing."""

    def refused(self, kind: AbuseKind, tenant: str, peer: str, minute: int, raw: bytes, n: int = 1) -> None:
        """Take nothing in."""


UNWATCHED = Unwatched()
