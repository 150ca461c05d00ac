"""The parts that every chart is put together from: the frame, the words, the legend, one `<svg>` element as text.

No scripts, no fonts, no outside references; every word is escaped. Colours and dashes come from classes of the style
sheet (`style.py`), so a chart can be printed or read in the dark. Kinds are told apart by shape, dash or word as well
as by colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from shipworthy.web.axes import Axis
from shipworthy.web.markup import clean, shortened

WIDTH = 880
LEFT, RIGHT, BELOW = 56, 16, 30
LETTER = 6.6  # average width of a letter of the style sheet's 12 px type
LONGEST = 30  # letters of a name in a drawing; its table has it in full
_KEY, _KEY_ROW = 26, 20


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a legend. `shape` is `line`, `dots`, `span` or `bar`; `css` is a class of the style sheet."""

    name: str
    shape: str
    css: str


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """Where a chart draws, in px: the rectangle inside its axes."""

    left: float
    right: float
    top: float
    bottom: float

    def x(self, axis: Axis, value: float) -> float:
        """Return the horizontal place of a value."""
        return self.left + axis.share(value) * (self.right - self.left)

    def y(self, axis: Axis, value: float) -> float:
        """Return the vertical place of a value."""
        return self.bottom - axis.share(value) * (self.bottom - self.top)


def svg(title: str, parts: Iterable[str], height: float) -> str:
    """Return the element; `title` is read out in place of the drawing."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{clean(title)}">'
        f"<title>{clean(title)}</title>{''.join(parts)}</svg>"
    )


def empty(title: str) -> str:
    """Return a chart without points: it says so instead of drawing an empty frame."""
    frame = f'<rect class="void" x="1" y="1" width="{WIDTH - 2}" height="70"/>'
    return svg(f"{title}: no data", [frame, words(WIDTH / 2, 40, "no data", "tick mid")], 72)


def words(x: float, y: float, text: str, css: str = "tick", turned: float = 0.0) -> str:
    """Return words at a place, turned by some degrees around it; nothing for no words."""
    if not text:
        return ""
    turn = f' transform="rotate({turned:g} {x:.1f} {y:.1f})"' if turned else ""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}"{turn}>{clean(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    """Return one straight line."""
    return f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def width_of(text: str) -> float:
    """Return about how wide words are, px."""
    return LETTER * len(text)


def rows_of(axis: Axis, box: Box) -> list[str]:
    """Return the horizontal grid with its ticks, and the axis name above it."""
    parts = [line(box.left, box.y(axis, at), box.right, box.y(axis, at), "grid") for at in axis.grid()]
    parts += [words(box.left - 8, box.y(axis, at) + 4, text, "tick end") for at, text in axis.ticks]
    return [*parts, words(8, box.top - 12, axis.name, "name")]


def columns_of(axis: Axis, box: Box) -> list[str]:
    """Return the vertical grid with its ticks below, and the axis name under them."""
    parts = [line(box.x(axis, at), box.top, box.x(axis, at), box.bottom, "grid") for at in axis.grid()]
    for at, text in axis.ticks:
        place, half = box.x(axis, at), width_of(text) / 2
        inside = min(max(place, box.left - 20 + half), box.right + RIGHT - half)  # a first or last label stays inside
        parts.append(words(inside, box.bottom + 17, text, "tick mid"))
    parts.append(line(box.left, box.bottom, box.right, box.bottom, "axis"))
    return [*parts, words((box.left + box.right) / 2, box.bottom + 34, axis.name, "name mid")]


def legend(keys: Sequence[Key]) -> tuple[list[str], float]:
    """Return the legend in as many rows as it needs, and how high it is, px."""
    parts, x, row = [], 8.0, 0
    for key in keys:
        name = shortened(key.name, LONGEST)
        needed = _KEY + 8 + width_of(name) + 16
        if x > 8.0 and x + needed > WIDTH:
            x, row = 8.0, row + 1
        y = 12.0 + _KEY_ROW * row
        parts += [_sample(key, x, y), words(x + _KEY + 6, y + 4, name)]
        x += needed
    return parts, _KEY_ROW * (row + 1) + 6.0 if keys else 0.0


def _sample(key: Key, x: float, y: float) -> str:
    if key.shape == "line":
        return f'<path class="line {key.css}" d="M{x:.1f} {y:.1f}h{_KEY}"/>'
    if key.shape == "dots":
        return f'<path class="dots big {key.css}" d="M{x + _KEY - 8:.1f} {y:.1f}h.01"/>'
    return f'<rect class="{key.shape} {key.css}" x="{x + 6:.1f}" y="{y - 6:.1f}" width="{_KEY - 8}" height="12"/>'
