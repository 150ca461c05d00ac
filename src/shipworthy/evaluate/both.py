"""Two score columns over the same labelled rows, and the shape of what comparing them gives.

In: answers, and the quantised scores of candidate and baseline. Out: values that every paired method takes.
"""

from __future__ import annotations

from dataclasses import dataclass

from shipworthy.evaluate.answered import Answered
from shipworthy.facts import Comparison, Measurement


@dataclass(frozen=True, kw_only=True)
class Both:
    """Labelled rows with the candidate's score (`ours`), the baseline's (`theirs`) and the label (0/1)."""

    kept: list[Answered]
    ours: list[float | None]
    theirs: list[float | None]
    labels: list[int]

    @property
    def holes(self) -> bool:
        """True when a row has no score on one side."""
        return None in self.ours or None in self.theirs


def wrong(score: float | None, label: int) -> bool:
    """True when the 0.5 decision of this score is wrong; no score is wrong."""
    return score is None or (score >= 0.5) != (label == 1)


def floats(scores: list[float | None]) -> list[float]:
    """Return the scores that are there."""
    return [score for score in scores if score is not None]


def interval(one: Measurement, n: int, found: tuple[float, float, float, float], method: str) -> Comparison:
    """Return a comparison of an interval from (delta, lo, hi, p that it is worse); its baseline is filled in later."""
    delta, lo, hi, p_worse = found
    return Comparison(baseline="", n=n, delta=delta, lo=lo, hi=hi, p_worse=p_worse, method=method, level=one.level)
