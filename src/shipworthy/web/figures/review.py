"""Thresholds and review rate by day: how much the machine decides on its own as labels come in.

In: `review` [{t, deny, approve, review_rate}], hours since Monday 06:00; None = no valid threshold, so that everything
on that side goes to a person. Out: a figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.web.axes import finite, linear, moment, percent
from shipworthy.web.charts import Series, chart
from shipworthy.web.figures.recorded import TRAFFIC, Recorded, read, shown, thinned, time_axis
from shipworthy.web.markup import figure, table

TITLE = "Thresholds and human review"
SENTENCE = (
    "What to see: a score below the deny threshold or above the approve threshold is decided by the machine, so as the"
    " two lines close in on each other the review rate should fall."
)


class Day(msgspec.Struct):
    """What was in force at one moment. Scores and rates are shares of 1."""

    t: float
    deny: float | None = None
    approve: float | None = None
    review_rate: float | None = None


def review_thresholds(recorded: Recorded) -> str:
    """Return the figure: two thresholds and the review rate."""
    time = time_axis(recorded, TRAFFIC)
    days = sorted(read(recorded, "review", Day), key=lambda day: day.t)
    lines = [
        Series(
            name="approve at or above", points=tuple((day.t, day.approve) for day in days), style="marked", css="c1"
        ),
        Series(name="deny at or below", points=tuple((day.t, day.deny) for day in days), style="marked", css="c3"),
        Series(name="review rate", points=tuple((day.t, day.review_rate) for day in days), style="marked", css="c0"),
    ]
    drawn = chart(TITLE, time, linear(1.0, "score, or share of claims"), [one for one in lines if _known(one)])
    return figure(TITLE, SENTENCE, _measured(days), drawn, _numbers(days))


def _known(series: Series) -> bool:
    return any(value is not None for _, value in series.points)


def _measured(days: Sequence[Day]) -> str:
    rates = finite(day.review_rate for day in days)
    if not rates:
        return ""
    none = sum(day.deny is None or day.approve is None for day in days)
    missing = f" Without a valid threshold on one side or both: {none} of {len(days)} readings." if none else ""
    return f"Review rate: {percent(rates[0])} at first, {percent(rates[-1])} at last.{missing}"


def _numbers(days: Sequence[Day]) -> str:
    rows = [[moment(day.t), shown(day.deny), shown(day.approve), shown(day.review_rate)] for day in days]
    kept, left_out = thinned(rows)
    return table(f"Thresholds and review rate{left_out}", ["when", "deny", "approve", "review rate"], kept)
