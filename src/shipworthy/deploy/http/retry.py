"""How many failed attempts at the baseline may be asked again: a share of the traffic, so that retries never multiply.

In: one call an attempt, one call a retry. Out: yes or no. A bucket of tokens: each request pays in a tenth, each retry
takes one out (as in Finagle's RetryBudget). A replay of the candidate's request on the baseline is not counted: the
baseline is sized for everything.
"""

from __future__ import annotations

SHARE = 0.1
RESERVE = 10.0
"""Tokens at the start and at most; a gateway that just came up may retry too."""
PAUSES_S = (0.02, 0.1, 0.4)
"""Before the first, the second and the third retry of one request."""


class RetryBudget:
    """Tokens for retries."""

    __slots__ = ("_share", "tokens")

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self.tokens = RESERVE

    def earn(self) -> None:
        """One request was made."""
        if self.tokens < RESERVE:
            self.tokens += self._share

    def spend(self) -> bool:
        """True when one retry may be made; it is paid then."""
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True
