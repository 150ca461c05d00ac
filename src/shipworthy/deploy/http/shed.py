"""What is let go first when there is more to do than the baseline can: a fixed order, decided from two numbers.

In: how long the first caller in the baseline's queue has waited, and how many requests the candidate has in hand. Out:
yes or no. The order, and when each is let go:

1. `shadow`: as soon as anybody waits for the baseline, or the candidate has no room to spare.
2. `surplus`, candidate requests over the candidate's cap: they go to the baseline at once, and are refused from a
   quarter of the budget on.
3. `batch`, requests of several rows or marked `x-shipworthy-priority: batch`: from half of the budget on.
4. `interactive`: from the whole budget on.

The budget is the part of the deadline that a replay is left with: behind a queue older than that nobody could be
rescued any more. What is refused hears so at once, with the second to come back at, and never waits for its deadline.
A replay is never refused. (Queues that are bounded by age and not by length: K. Nichols, V. Jacobson, Controlling Queue
Delay, ACM Queue 10, 2012.)
"""

from __future__ import annotations

import math

from shipworthy.errors import Unreachable

SHADOW, SURPLUS, BATCH, INTERACTIVE = "shadow", "surplus", "batch", "interactive"
PARTS = {SURPLUS: 0.25, BATCH: 0.5, INTERACTIVE: 1.0}
"""Of the budget: how old the queue may be before this kind is refused."""
OVER = 1.5
FLOOR = 4
_WHOLE_BP = 10_000


def candidate_cap(share_bp: int, baseline_cap: int) -> int:
    """Return how many requests a candidate may have in hand: one and a half times its share of the baseline's cap.

    Never under a floor, or a small share would never be tried at all; never over the baseline's cap. A candidate that
    grows slow under its share must not take all that the gateway can hold (argo-rollouts PR 4612).

    >>> candidate_cap(5_000, 64), candidate_cap(100, 64), candidate_cap(10_000, 64)
    (48, 4, 64)
    """
    return min(baseline_cap, max(FLOOR, math.ceil(share_bp / _WHOLE_BP * OVER * baseline_cap)))


class Overloaded(Unreachable):
    """There is more to do than can be done in time: nothing was asked, and `retry_after_s` says when to come back."""

    def __init__(self, kind: str, retry_after_s: int) -> None:
        super().__init__(f"too much to do; {kind} requests are refused for now", "gateway", "come back later")
        self.retry_after_s = retry_after_s


class Shed:
    """What was let go so far, by kind, and what the candidate has in hand. `cap`: of the baseline's connections."""

    __slots__ = ("_cap", "_room", "_share_bp", "budget_s", "in_hand", "moved", "refused")

    def __init__(self, budget_s: float, cap: int) -> None:
        self.budget_s = budget_s
        self.in_hand = 0
        self.moved = 0
        self.refused: dict[str, int] = {SHADOW: 0, SURPLUS: 0, BATCH: 0, INTERACTIVE: 0}
        self._cap = cap
        self._share_bp, self._room = 0, FLOOR

    def refuse(self, kind: str, queued_s: float) -> None:
        """Raise Overloaded when this kind has to wait for better times, behind a queue of that age."""
        if queued_s > PARTS[kind] * self.budget_s:
            self.refused[kind] += 1
            raise Overloaded(kind, max(1, math.ceil(queued_s)))

    def has_room(self, share_bp: int) -> bool:
        """True when the candidate may take one more."""
        if share_bp != self._share_bp:
            self._share_bp, self._room = share_bp, candidate_cap(share_bp, self._cap)
        return self.in_hand < self._room

    def move(self, queued_s: float) -> None:
        """One request over the candidate's cap goes to the baseline. Raises Overloaded when that is busy enough."""
        self.refuse(SURPLUS, queued_s)
        self.moved += 1

    def shadows(self, queued_s: float, share_bp: int) -> bool:
        """True when shadow work may be started."""
        if queued_s == 0.0 and self.has_room(share_bp):
            return True
        self.refused[SHADOW] += 1
        return False

    def told(self) -> dict[str, int]:
        """Return the counts of the status page: refused by kind, and candidate requests moved to the baseline."""
        return {**self.refused, "moved": self.moved}
