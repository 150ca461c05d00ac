"""Charts as SVG text: lines, steps, dots, bars with bounds, bands. No scripts, no fonts, no outside references.

In: series of numbers and labels. Out: one `<svg>` element as text, every label escaped. Colours come from classes of
the page's own style sheet (`c0` … `c5`, `bad`, `good`, `quiet`), so a page can be printed or read in the dark. A chart
without points says so instead of drawing an empty frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

import msgspec

WIDTH, HEIGHT = 880, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 40

Point = tuple[float, float]


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """One axis: its range, its name and its ticks as (value, text)."""

    lo: float
    hi: float
    name: str
    ticks: tuple[tuple[float, str], ...]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Points of one kind. `style` is `line`, `step` or `dots`; `css` is a class of the style sheet."""

    name: str
    points: tuple[Point, ...]
    style: str = "line"
    css: str = "c0"


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One bar with its bounds; `value` None is drawn as the words in `note`."""

    label: str
    value: float | None
    lo: float | None = None
    hi: float | None = None
    css: str = "c0"
    note: str = ""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of one lane, such as a posture over time."""

    lane: str
    start: float
    end: float
    css: str
    text: str


def chart(title: str, x: Axis, y: Axis, series: Sequence[Series], limits: Sequence[tuple[float, str]] = ()) -> str:
    """Return lines, steps or dots over two axes, with horizontal `limits` (value, text) and a legend."""
    if not any(one.points for one in series):
        return _empty(title)
    parts = [*_frame(x, y), *(_limit(y, value, text) for value, text in limits)]
    parts += [_drawn(one, x, y) for one in series]
    return _svg(title, parts + _legend(series))


def bars(title: str, y: Axis, given: Sequence[Bar], limits: Sequence[tuple[float, str]] = ()) -> str:
    """Return vertical bars with bounds."""
    if not given:
        return _empty(title)
    x = Axis(lo=0, hi=len(given), name="", ticks=tuple((i + 0.5, bar.label) for i, bar in enumerate(given)))
    parts = [*_frame(x, y), *(_limit(y, value, text) for value, text in limits)]
    for i, bar in enumerate(given):
        parts += _bar(bar, i + 0.5, x, y)
    return _svg(title, parts)


def lanes(title: str, x: Axis, spans: Sequence[Span]) -> str:
    """Return one horizontal lane per name with coloured stretches."""
    if not spans:
        return _empty(title)
    names = list(dict.fromkeys(span.lane for span in spans))
    height = TOP + BOTTOM + 30 * len(names)
    parts = [_vertical(x, value, text, height - BOTTOM) for value, text in x.ticks]
    for i, name in enumerate(names):
        parts.append(_text(LEFT + 2, TOP + 30 * i + 11, name, "lane"))
        parts += [_span(span, x, TOP + 30 * i + 14) for span in spans if span.lane == name]
    return _svg(title, parts, height)


def nice_ticks(lo: float, hi: float, count: int = 5) -> tuple[tuple[float, str], ...]:
    """Return round ticks between two numbers.

    >>> nice_ticks(0, 1)
    ((0.0, '0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1'))
    """
    width = (hi - lo) or 1.0
    step = 10 ** math.floor(math.log10(width / count))
    step *= min((1, 2, 5, 10), key=lambda k: abs(width / (k * step) - count))
    first = math.ceil(lo / step - 1e-9)
    last = math.floor(hi / step + 1e-9)
    return tuple((round(i * step, 10), f"{round(i * step, 10):g}") for i in range(first, last + 1))


def _px(axis: Axis, value: float) -> float:
    return LEFT + (value - axis.lo) / ((axis.hi - axis.lo) or 1) * (WIDTH - LEFT - RIGHT)


def _py(axis: Axis, value: float) -> float:
    inside = min(max(value, axis.lo), axis.hi)
    return HEIGHT - BOTTOM - (inside - axis.lo) / ((axis.hi - axis.lo) or 1) * (HEIGHT - TOP - BOTTOM)


def _frame(x: Axis, y: Axis) -> list[str]:
    parts = []
    for value, text in y.ticks:
        at = _py(y, value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(_text(LEFT - 6, at + 4, text, "tick end"))
    parts += [_text(_px(x, value), HEIGHT - BOTTOM + 16, text, "tick mid") for value, text in x.ticks]
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 6, x.name, "name mid"))
    parts.append(_text(LEFT, TOP - 4, y.name, "name"))
    return parts


def _limit(y: Axis, value: float, text: str) -> str:
    at = _py(y, value)
    line = f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
    return line + _text(WIDTH - RIGHT, at - 4, text, "limit end")


def _drawn(one: Series, x: Axis, y: Axis) -> str:
    at = [(_px(x, a), _py(y, b)) for a, b in one.points]
    if one.style == "dots":
        dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2"/>' for a, b in at)
        return f'<g class="dots {one.css}">{dots}</g>'
    if one.style == "step":
        at = _stepped(at)
    return f'<polyline class="line {one.css}" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in at)}"/>'


def _stepped(at: list[Point]) -> list[Point]:
    stepped: list[Point] = []
    for a, b in at:
        if stepped:
            stepped.append((a, stepped[-1][1]))
        stepped.append((a, b))
    return stepped


def _bar(bar: Bar, middle: float, x: Axis, y: Axis) -> list[str]:
    at = _px(x, middle)
    half = min(16.0, (_px(x, 1) - _px(x, 0)) * 0.35)
    if bar.value is None:
        return [_text(at, HEIGHT - BOTTOM - 4, bar.note or "no data", "note mid")]
    top, floor = _py(y, bar.value), _py(y, max(y.lo, 0.0))
    parts = [
        f'<rect class="bar {bar.css}" x="{at - half:.1f}" y="{min(top, floor):.1f}" width="{2 * half:.1f}" '
        f'height="{abs(floor - top):.1f}"/>'
    ]
    if bar.lo is not None and bar.hi is not None:
        ends = (_py(y, bar.lo), _py(y, bar.hi))
        parts.append(f'<line class="bound" x1="{at:.1f}" x2="{at:.1f}" y1="{ends[0]:.1f}" y2="{ends[1]:.1f}"/>')
    return parts


def _span(span: Span, x: Axis, y: float) -> str:
    start, end = _px(x, max(span.start, x.lo)), _px(x, min(span.end, x.hi))
    box = f'<rect class="span {span.css}" x="{start:.1f}" y="{y}" width="{max(end - start, 1.5):.1f}" height="12"/>'
    return f"<g>{box}<title>{escape(span.text)}</title></g>"


def _vertical(x: Axis, value: float, text: str, bottom: float) -> str:
    at = _px(x, value)
    line = f'<line class="grid" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{bottom}"/>'
    return line + _text(at, bottom + 16, text, "tick mid")


def _legend(series: Iterable[Series]) -> list[str]:
    parts, at = [], float(WIDTH - RIGHT)
    for one in reversed([one for one in series if one.name]):
        at -= 7 * len(one.name) + 24
        parts.append(f'<rect class="key {one.css}" x="{at:.1f}" y="{TOP - 12}" width="10" height="10"/>')
        parts.append(_text(at + 14, TOP - 3, one.name, "tick"))
    return parts


def _text(x: float, y: float, text: str, css: str) -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' if text else ""


def _svg(title: str, parts: Iterable[str], height: float = HEIGHT) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(title, quote=True)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _empty(title: str) -> str:
    return _svg(title, [_text(WIDTH / 2, 40, "no data", "note mid")], 80)
