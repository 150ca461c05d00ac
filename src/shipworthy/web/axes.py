"""Axes: which stretch of numbers a chart shows, and where its ticks stand.

In: the least and the largest value. Out: an `Axis` that maps a value to a share of its length; round ticks for plain
numbers, powers of ten for p-values, days of the week for hours since Monday 06:00. What lies outside is drawn at the
edge, never left out silently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise

import msgspec

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIRST_HOUR = 6  # hours count from Monday 06:00
_DAY_H = 24.0

Ticks = tuple[tuple[float, str], ...]


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """One axis: its range, its name, its ticks as (value, text), and `lines`, where the grid is (None = at the ticks).

    With `log`, values count by their logarithm, and `lo` must be above 0.
    """

    lo: float
    hi: float
    name: str
    ticks: Ticks = ()
    lines: tuple[float, ...] | None = None
    log: bool = False

    def share(self, value: float) -> float:
        """Return how far along the axis a value lies, 0 to 1; values outside lie at its ends."""
        inside = min(max(value, self.lo), self.hi)
        if self.log:
            return math.log(inside / self.lo) / (math.log(self.hi / self.lo) or 1.0)
        return (inside - self.lo) / ((self.hi - self.lo) or 1.0)

    def grid(self) -> tuple[float, ...]:
        """Return where grid lines stand."""
        return tuple(value for value, _ in self.ticks) if self.lines is None else self.lines


def linear(top: float, name: str, text: Callable[[float], str] | None = None) -> Axis:
    """Return an axis from 0 to the first round tick at or above `top`. `text` writes a tick."""
    ticks = nice_ticks(0.0, top if top > 0.0 else 1.0)
    step = ticks[1][0] - ticks[0][0]
    hi = step * math.ceil((top if top > 0.0 else 1.0) / step - 1e-9)
    values = [round(step * i, 10) for i in range(round(hi / step) + 1)]
    return Axis(lo=0.0, hi=hi, name=name, ticks=tuple((value, (text or _plain)(value)) for value in values))


def logarithmic(least: float, name: str) -> Axis:
    """Return an axis from the power of ten at or below `least` (at most 0.01, at least 1e-9) up to 1."""
    first = math.floor(math.log10(min(max(least, 1e-9), 1e-2)) + 1e-9)
    ticks = tuple((10.0**power, f"{10.0**power:g}") for power in range(first, 1))
    return Axis(lo=10.0**first, hi=1.0, name=name, ticks=ticks, log=True)


def week(first: float, last: float) -> Axis:
    """Return the time axis between two moments, hours since Monday 06:00: hours, days or weeks, as long as it is."""
    lo, hi = first, max(last, first + 1.0)
    if hi - lo <= 1.5 * _DAY_H:
        every = next(step for step in (1, 2, 3, 6) if (hi - lo) / step <= 6 or step == 6)
        hours = range(math.ceil(lo / every) * every, math.floor(hi) + 1, every)
        return Axis(lo=lo, hi=hi, name="", ticks=tuple((float(t), moment(t)) for t in hours))
    for length, name in ((_DAY_H, day_of), (7 * _DAY_H, _week_of)):
        edges = [lo, *_starts(lo, hi, length), hi]
        if len(edges) <= 22:
            middles = [(a + b) / 2 for a, b in pairwise(edges) if b - a > (hi - lo) / 30]
            return Axis(lo=lo, hi=hi, name="", ticks=tuple((at, name(at)) for at in middles), lines=tuple(edges[1:-1]))
    return Axis(lo=lo, hi=hi, name="hours since Monday 06:00", ticks=nice_ticks(lo, hi))


def _starts(lo: float, hi: float, length: float) -> list[float]:
    """Return the midnights strictly between two moments at which a day or a week begins."""
    first = math.floor((lo + FIRST_HOUR) / length) + 1
    last = math.ceil((hi + FIRST_HOUR) / length)
    return [length * i - FIRST_HOUR for i in range(first, last)]


def _week_of(hours: float) -> str:
    return f"week {math.floor((hours + FIRST_HOUR) / (7 * _DAY_H)) + 1}"


def day_of(hours: float) -> str:
    """Return the day of the week, so many hours after Monday 06:00.

    >>> day_of(0), day_of(17.9), day_of(18), day_of(168)
    ('Mon', 'Mon', 'Tue', 'Mon')
    """
    return DAYS[math.floor((hours + FIRST_HOUR) / _DAY_H) % len(DAYS)]


def moment(hours: float) -> str:
    """Return day, hour and minute; from the second week on with its number.

    >>> moment(0), moment(27.5), moment(168)
    ('Mon 06:00', 'Tue 09:30', 'Mon 06:00, week 2')
    """
    minutes = math.floor((hours + FIRST_HOUR) * 60 + 1e-6)
    week_ = minutes // (7 * 24 * 60) + 1
    later = f", week {week_}" if week_ > 1 else ""
    return f"{DAYS[minutes // 1440 % 7]} {minutes // 60 % 24:02d}:{minutes % 60:02d}{later}"


def nice_ticks(lo: float, hi: float, count: int = 5) -> Ticks:
    """Return round ticks between two numbers.

    >>> nice_ticks(0, 1)
    ((0.0, '0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1'))
    """
    width = (hi - lo) or 1.0
    step = 10 ** math.floor(math.log10(width / count))
    step *= min((1, 2, 5, 10), key=lambda k: abs(width / (k * step) - count))
    first = math.ceil(lo / step - 1e-9)
    last = math.floor(hi / step + 1e-9)
    return tuple((round(i * step, 10), _plain(round(i * step, 10))) for i in range(first, last + 1))


def finite(values: Iterable[float | None]) -> list[float]:
    """Return the values that are numbers at all."""
    return [value for value in values if value is not None and math.isfinite(value)]


def percent(share: float) -> str:
    """Return a share as a percentage.

    >>> percent(0.1), percent(0.025)
    ('10 %', '2.5 %')
    """
    return f"{100 * share:.3g} %"


def _plain(value: float) -> str:
    return f"{value:g}"
