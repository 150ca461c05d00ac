"""What the status and the metrics tell of the review queue, and of labels that are kept apart.

In: the store, the clock. Out: plain values, or that the store does not answer; never an input, never who said what.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from shipworthy.errors import ShipworthyError
from shipworthy.store.instants import rfc3339
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueDepth

_log = logging.getLogger("shipworthy.reviews")


class Reviews:
    """Looks at the queue when asked."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def depth(self) -> QueueDepth | None:
        """Return how full the queue is, None when the store does not say: nothing is told then, for 0 would look like
        an answer."""
        try:
            return self._store.queue_depth(rfc3339(self._clock()))
        except ShipworthyError:
            _log.exception("the review queue does not say how full it is")
            return None

    def told(self) -> dict[str, Any]:
        """Return the part of the status page."""
        depth = self.depth()
        if depth is None:
            return {"trouble": "the store does not answer"}
        return {**msgspec.to_builtins(depth), "quarantine": self._quarantine()}

    def _quarantine(self) -> list[dict[str, Any]]:
        counts = self._store.quarantine_counts().items()
        return [{"version": v, "source": source, "status": status, "n": n} for (v, source, status), n in counts]
