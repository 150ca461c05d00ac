"""Lanes over time: stretches such as postures, dots such as ledger entries.

In: spans or dots, each naming its lane. Out: one `<svg>` element as text, a lane per name in order of appearance. A
stretch carries its word where that fits, its first letter where only that fits, and the word as a tooltip always.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.web.axes import Axis
from shipworthy.web.markup import clean, shortened
from shipworthy.web.svg import BELOW, RIGHT, WIDTH, Box, Key, columns_of, empty, legend, line, svg, width_of, words

ROW = 32
_THICK = 20.0
_TOP = 8


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of one lane. `thick` in (0, 1] is its height as a share of the lane, to tell kinds apart."""

    lane: str
    start: float
    end: float
    css: str
    text: str
    thick: float = 1.0


class Dots(msgspec.Struct, frozen=True, kw_only=True):
    """Moments of one kind on one lane."""

    lane: str
    at: tuple[float, ...]
    css: str


def lanes(
    title: str,
    x: Axis,
    spans: Sequence[Span] = (),
    dots: Sequence[Dots] = (),
    keys: Sequence[Key] = (),
    remarks: Sequence[tuple[str, str]] = (),
) -> str:
    """Return one lane per name. `remarks` are (lane, words) that stand at the right end of a lane."""
    names = list(dict.fromkeys([span.lane for span in spans] + [one.lane for one in dots]))
    if not names:
        return empty(title)
    parts, top = legend(keys)
    top += _TOP
    said = dict(remarks)
    stacked = sorted(spans, key=lambda span: span.thick)  # where two overlap, the thicker is on top
    box = Box(
        left=20 + max(width_of(_short(name)) for name in names),
        right=WIDTH - RIGHT - max((width_of(words_) + 8 for words_ in said.values()), default=0.0),
        top=top,
        bottom=top + ROW * len(names),
    )
    parts += columns_of(x, box)
    for i, name in enumerate(names):
        middle = top + ROW * (i + 0.5)
        parts += [words(8, middle + 4, _short(name), "lane"), words(box.right + 8, middle + 4, said.get(name, ""))]
        parts.append(line(box.left, middle, box.right, middle, "rail"))
        parts += [_span(span, x, middle, box) for span in stacked if span.lane == name]
        parts += [_dots(one, x, middle, box) for one in dots if one.lane == name]
    return svg(title, parts, box.bottom + BELOW + (14 if x.name else 0))


def _short(name: str) -> str:
    return shortened(name, 26)


def _span(span: Span, x: Axis, middle: float, box: Box) -> str:
    start, end = box.x(x, span.start), box.x(x, span.end)
    wide, high = max(end - start, 2.0), _THICK * span.thick
    shape = (
        f'<rect class="span {span.css}" x="{start:.1f}" y="{middle - high / 2:.1f}" width="{wide:.1f}" '
        f'height="{high:.1f}"/>'
    )
    word = next((text for text in (span.text, span.text[:1].upper()) if width_of(text) + 5 <= wide), "")
    shown = words(start + wide / 2, middle + 4, word, "inside mid") if high >= 14 else ""
    return f"<g>{shape}{shown}<title>{clean(span.text)}</title></g>"


def _dots(one: Dots, x: Axis, middle: float, box: Box) -> str:
    return f'<path class="dots {one.css}" d="{"".join(f"M{box.x(x, at):.1f} {middle:.1f}h.01" for at in one.at)}"/>'
