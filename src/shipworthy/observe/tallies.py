"""Hits and trials of a rate, as integers: what localisation adds up and takes away.

In: windows or labels of one place, and an interval. Out: (hits, trials), the same two numbers that the measurement of
that rate is made from.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shipworthy.facts import SCORE_BINS, LabelSummary, WindowSummary
from shipworthy.observe.measure import NOT_ANSWERED
from shipworthy.observe.windows import HELD, SHADOW

OF_WINDOWS: Final = {
    "ood_rate": "n_ood",
    "review_rate": "n_review",
    "request_error_rate": "n_failed",
    "never_event_unknown": "n_unknown",
}
OF_LABELS: Final = ("error_rate", "auto_error_rate")
_HALF = SCORE_BINS // 2


def of_windows(indicator: str, windows: Iterable[WindowSummary], start: int, end: int) -> tuple[int, int]:
    """Return the hits among the answered requests of [start, end). Raises KeyError for another indicator."""
    name = OF_WINDOWS[indicator]
    mine = [one for one in windows if start <= one.minute < end and one.arm not in NOT_ANSWERED]
    return sum(getattr(one, name) for one in mine), sum(one.n for one in mine)


def of_labels(indicator: str, labels: Iterable[LabelSummary], start: int, end: int, shadow: bool) -> tuple[int, int]:
    """Return the hits among the labels of decisions of [start, end); with `shadow` those of shadow scores as well.

    Raises KeyError for another indicator.
    """
    left_out = (HELD,) if shadow else (HELD, SHADOW)
    mine = [one for one in labels if start <= one.minute < end and one.arm not in left_out]
    if indicator == "auto_error_rate":
        return sum(one.machine_wrong for one in mine), sum(one.machine for one in mine)
    if indicator != "error_rate":
        raise KeyError(indicator)
    wrong = sum(sum(one.positives[:_HALF]) + sum(one.n[_HALF:]) - sum(one.positives[_HALF:]) for one in mine)
    return wrong, sum(sum(one.n) for one in mine)
