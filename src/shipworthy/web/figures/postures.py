"""Postures over time: who computed and who decided, segment by segment.

In: `postures` [{lane, start, end, posture}], hours since Monday 06:00. Out: a figure. The tighter the posture, the
thicker its stretch; its word stands inside where it fits.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.facts import Named
from shipworthy.web.axes import Axis, moment
from shipworthy.web.figures.recorded import ORDERS, Recorded, read, thinned, time_axis
from shipworthy.web.lanes import Span, lanes
from shipworthy.web.markup import figure, table
from shipworthy.web.svg import Key

TITLE = "Postures"
SENTENCE = (
    "What to see: a thin stretch is business as usual; where it grows thicker the platform has tightened that segment,"
    " and the other lanes should stay as they are."
)
LOOKS: dict[str, tuple[str, float]] = {
    Named.NORMAL: ("good", 0.35),
    Named.HUMAN_REVIEW: ("warn", 0.8),
    Named.SAFE_MODE: ("c2", 0.9),
    Named.KILLED: ("bad", 1.0),
}
"""Posture → (class of the style sheet, thickness), loosest first."""


class Stretch(msgspec.Struct):
    """One posture of one segment from `start` to `end`; without an end it still holds."""

    lane: str
    start: float
    posture: str
    end: float | None = None


def posture_lanes(recorded: Recorded) -> str:
    """Return the figure: one lane a segment."""
    time = time_axis(recorded, ORDERS)
    stretches = read(recorded, "postures", Stretch)
    used = {stretch.posture for stretch in stretches}
    keys = [Key(name=_plain(name), shape="span", css=css) for name, (css, _) in LOOKS.items() if name in used]
    spans = [_span(stretch, time) for stretch in stretches]
    drawing = lanes(TITLE, time, spans, keys=keys)
    return figure(TITLE, SENTENCE, _measured(stretches), drawing, _numbers(stretches))


def _span(stretch: Stretch, time: Axis) -> Span:
    css, thick = LOOKS.get(stretch.posture, ("quiet", 1.0))
    end = time.hi if stretch.end is None else stretch.end
    return Span(lane=stretch.lane, start=stretch.start, end=end, css=css, text=_plain(stretch.posture), thick=thick)


def _plain(posture: str) -> str:
    return posture.replace("_", " ")


def _measured(stretches: Sequence[Stretch]) -> str:
    tightened = [stretch for stretch in stretches if stretch.posture != Named.NORMAL]
    if not stretches:
        return ""
    if not tightened:
        return "Nothing was tightened."
    first = min(tightened, key=lambda stretch: stretch.start)
    lanes_ = len({stretch.lane for stretch in tightened})
    return (
        f"Tightened: {lanes_} of {len({stretch.lane for stretch in stretches})} segments, first"
        f" {first.lane} to {_plain(first.posture)}, {moment(first.start)}."
    )


def _numbers(stretches: Sequence[Stretch]) -> str:
    rows = [
        [one.lane, _plain(one.posture), moment(one.start), "still holds" if one.end is None else moment(one.end)]
        for one in stretches
    ]
    kept, left_out = thinned(rows, 200)
    return table(f"Postures by segment{left_out}", ["segment", "posture", "from", "until"], kept)
