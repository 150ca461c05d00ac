"""Charts over two axes: lines, steps and dots; bars with bounds.

In: series of numbers with their names. Out: one `<svg>` element as text. A chart without points says so. A point whose
value is None interrupts its line: nothing is drawn where nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from shipworthy.web.axes import Axis
from shipworthy.web.markup import shortened
from shipworthy.web.svg import (
    BELOW,
    LEFT,
    RIGHT,
    WIDTH,
    Box,
    Key,
    columns_of,
    empty,
    legend,
    line,
    rows_of,
    svg,
    width_of,
    words,
)

HEIGHT = 230  # of the frame, px
_OVER = 30  # room over the frame for the axis name
_LABEL = 14  # letters of a bar's label

Point = tuple[float, float | None]
Limit = tuple[float, str]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Points of one kind. `style` is `line`, `step`, `marked` (a line with dots) or `dots`."""

    name: str
    points: tuple[Point, ...]
    style: str = "line"
    css: str = "c0"


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar with its bounds; a `value` of None is drawn as the words "no data"."""

    label: str
    value: float | None
    lo: float | None = None
    hi: float | None = None
    css: str = "c0"


def chart(title: str, x: Axis, y: Axis, series: Sequence[Series], limits: Sequence[Limit] = ()) -> str:
    """Return lines, steps or dots over two axes, with a legend and horizontal `limits` as (value, text)."""
    if not any(value is not None for one in series for _, value in one.points):
        return empty(title)
    keys = [
        Key(name=one.name, shape="dots" if one.style == "dots" else "line", css=one.css) for one in series if one.name
    ]
    parts, top = legend([*keys, *_limit_keys(limits)])
    box = Box(left=LEFT, right=WIDTH - RIGHT, top=top + _OVER, bottom=top + _OVER + HEIGHT)
    parts += [*rows_of(y, box), *columns_of(x, box)]
    parts += [_drawn(one, x, y, box) for one in series]
    parts += [_limit(value, y, box) for value, _ in limits]
    return svg(title, parts, box.bottom + BELOW + (14 if x.name else 0))


def bars(title: str, y: Axis, given: Sequence[Bar], limits: Sequence[Limit] = (), keys: Sequence[Key] = ()) -> str:
    """Return vertical bars with bounds; labels are turned when there are too many to stand side by side."""
    if not given:
        return empty(title)
    parts, top = legend([*keys, *_limit_keys(limits)])
    box = Box(left=LEFT, right=WIDTH - RIGHT, top=top + _OVER, bottom=top + _OVER + HEIGHT)
    slot = (box.right - box.left) / len(given)
    labels = [shortened(bar.label, _LABEL) for bar in given]
    turned = max(width_of(label) for label in labels) + 8 > slot
    parts += rows_of(y, box)
    for i, (bar, label) in enumerate(zip(given, labels, strict=True)):
        middle = box.left + slot * (i + 0.5)
        parts += _bar(bar, middle, min(slot * 0.34, 26.0), y, box)
        parts.append(_label(label, middle, box.bottom, turned))
    parts.append(line(box.left, box.bottom, box.right, box.bottom, "axis"))
    parts += [_limit(value, y, box) for value, _ in limits]
    under = max(width_of(label) for label in labels) * math.sin(math.radians(60)) + 14 if turned else 0.0
    return svg(title, parts, box.bottom + max(BELOW, under))


def _limit(value: float, y: Axis, box: Box) -> str:
    return line(box.left, box.y(y, value), box.right, box.y(y, value), "line limit")


def _limit_keys(limits: Sequence[Limit]) -> list[Key]:
    # In the legend and not at the line, where the words would lie across the marks.
    return [Key(name=text, shape="line", css="limit") for _, text in limits]


def _drawn(one: Series, x: Axis, y: Axis, box: Box) -> str:
    runs: list[list[tuple[float, float]]] = [[]]
    for along, value in one.points:
        if value is not None:
            runs[-1].append((box.x(x, along), box.y(y, value)))
        elif runs[-1]:
            runs.append([])
    dots = "".join(f"M{a:.1f} {b:.1f}h.01" for run in runs for a, b in run)
    if one.style == "dots":
        return f'<path class="dots {one.css}" d="{dots}"/>' if dots else ""
    path = "".join(_path(_stepped(run) if one.style == "step" else run) for run in runs if run)
    marks = f'<path class="dots big {one.css}" d="{dots}"/>' if one.style == "marked" and dots else ""
    return (f'<path class="line {one.css}" d="{path}"/>' if path else "") + marks


def _path(run: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in run)


def _stepped(run: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    stepped: list[tuple[float, float]] = []
    for a, b in run:
        if stepped and stepped[-1][1] != b:
            stepped.append((a, stepped[-1][1]))
        stepped.append((a, b))
    return stepped


def _bar(bar: Bar, middle: float, half: float, y: Axis, box: Box) -> list[str]:
    if bar.value is None:
        return [words(middle + 4, box.bottom - 6, "no data", "none", -90.0)]
    top = box.y(y, bar.value)
    parts = [
        f'<rect class="bar {bar.css}" x="{middle - half:.1f}" y="{top:.1f}" width="{2 * half:.1f}" '
        f'height="{max(box.bottom - top, 1.0):.1f}"/>'
    ]
    if bar.lo is not None and bar.hi is not None:
        low, high, cap = box.y(y, bar.lo), box.y(y, bar.hi), min(half, 5.0)
        parts.append(line(middle, low, middle, high, "bound"))
        parts += [line(middle - cap, at, middle + cap, at, "bound") for at in (low, high)]
    return parts


def _label(label: str, middle: float, bottom: float, turned: bool) -> str:
    if turned:
        return words(middle + 4, bottom + 14, label, "tick end", -60.0)
    return words(middle, bottom + 17, label, "tick mid")
