"""Until when a model may think: one moment that whoever runs a case sets, and whoever asks the model reads.

In: seconds on a monotonic clock. Out: how many are left, never less than a blink, so that a call always ends.
"""

from __future__ import annotations

import time

LONGEST_S = 120.0  # one batch of a model that is alive
_BLINK_S = 0.01


class Deadline:
    """The moment by which the model must have answered; without one a batch may take LONGEST_S."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self.longest_s = longest_s
        self._until: float | None = None

    def set(self, seconds: float | None) -> None:
        """Allow `seconds` from now; None lifts it."""
        self._until = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that a call may still take."""
        if self._until is None:
            return self.longest_s
        return min(self.longest_s, max(self._until - time.monotonic(), _BLINK_S))

    def passed(self) -> bool:
        """True when the moment has come."""
        return self._until is not None and time.monotonic() >= self._until
