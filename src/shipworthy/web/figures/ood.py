"""Out-of-distribution p-values over time: which claims look unlike those the model was built on.

In: `ood` [{t, p, unseen, arm}], p in (0, 1], hours since Monday 06:00. Out: a figure. Claims of a supplier that the
model never saw are squares in another colour, all others round.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import msgspec

from shipworthy.profile.score import LEVEL
from shipworthy.web.axes import FIRST_HOUR, day_of, logarithmic
from shipworthy.web.charts import Series, chart
from shipworthy.web.figures.recorded import TRAFFIC, Recorded, read, shown, time_axis
from shipworthy.web.markup import figure, table

TITLE = "How unfamiliar each claim looks"
SENTENCE = (
    f"What to see: a p-value at or below {LEVEL:g} flags a claim; claims of suppliers the model never saw (squares)"
    " should lie below the line, ordinary ones (dots) should spread above it, with about one in a hundred below."
)


class Look(msgspec.Struct):
    """How unlike the reference one claim looked; `arm` answered it."""

    t: float
    p: float | None = None
    unseen: bool = False
    arm: str = ""


def ood_scores(recorded: Recorded) -> str:
    """Return the figure: a dot a claim, p on a log axis."""
    time = time_axis(recorded, TRAFFIC)
    looks = sorted(read(recorded, "ood", Look), key=lambda look: look.t)
    known = [look for look in looks if not look.unseen]
    unseen = [look for look in looks if look.unseen]
    kinds = [_series("known supplier", known, "c0"), _series("supplier never seen", unseen, "c3 square")]
    least = min((look.p for look in looks if look.p is not None), default=LEVEL)
    y = logarithmic(least, "p-value")
    drawing = chart(TITLE, time, y, [kind for kind in kinds if kind.points], [(LEVEL, f"flagged at {LEVEL:g}")])
    return figure(TITLE, SENTENCE, _measured(known, unseen), drawing, _numbers(looks))


def _series(name: str, looks: Sequence[Look], css: str) -> Series:
    return Series(name=name, points=tuple((look.t, look.p) for look in looks), style="dots", css=css)


def flagged(looks: Sequence[Look]) -> int:
    """Return how many are flagged; a claim without a p-value counts, because nothing is known of it."""
    return sum(look.p is None or look.p <= LEVEL for look in looks)


def _measured(known: Sequence[Look], unseen: Sequence[Look]) -> str:
    if not known and not unseen:
        return ""
    return (
        f"Flagged: {flagged(unseen)} of {len(unseen)} with a supplier never seen,"
        f" {flagged(known)} of {len(known)} others."
    )


def _numbers(looks: Sequence[Look]) -> str:
    groups: dict[tuple[int, str, str], list[Look]] = {}
    for look in looks:
        kind = "never seen" if look.unseen else "known"
        groups.setdefault((math.floor((look.t + FIRST_HOUR) / 24), kind, look.arm), []).append(look)
    rows = [
        [f"{day_of(day * 24.0)} (day {day + 1})", kind, arm, len(group), flagged(group), *_spread(group)]
        for (day, kind, arm), group in sorted(groups.items())
    ]
    header = ["day", "supplier", "answered by", "claims", "flagged", "median p", "least p"]
    return table("P-values by day", header, rows)


def _spread(group: Sequence[Look]) -> tuple[str, str]:
    values = [look.p for look in group if look.p is not None]
    return (shown(median(values), ".3g"), shown(min(values), ".3g")) if values else (shown(None), shown(None))
