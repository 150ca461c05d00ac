"""Grids of periods: an SLO's verdicts, and how far each feature lies from the reference.

In: a report. Out: figures; every cell has its words in a `<title>`, and the numbers stand in a table beneath.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.flows.monitor.told import MonitorReport
from shipworthy.web.markup import clean, figure, shortened, table
from shipworthy.web.monitor.text import by_slo
from shipworthy.web.svg import WIDTH, empty, svg, words

NAMES = 210.0  # px for the names of rows
ROW = 22.0
MOST_FEATURES = 30
FULL = 0.25  # the excess that is drawn in full colour
LETTERS = 30
_STATES = ("met", "breached", "undecided", "no_data")


def verdict_grid(report: MonitorReport) -> str:
    """Return SLO by period: met, breached, undecided or no data."""
    told = by_slo(report)
    title = "What each SLO showed, period by period"
    if not told:
        return figure(title, "No SLO of this policy can be judged from a log.", "", empty(title), "")
    minutes = sorted({one.minute for given in told.values() for one in given})
    column = {minute: at for at, minute in enumerate(minutes)}
    names = {one.minute: one.period for given in told.values() for one in given}
    parts, top = _key(), 34.0
    for row, (name, given) in enumerate(told.items()):
        y = top + ROW * row
        parts.append(words(NAMES - 8, y + 15, shortened(name, LETTERS), "tick end"))
        for one in given:
            said = f"{name}, {one.period}: {one.outcome} — {one.because}"
            parts.append(_cell(column[one.minute], len(minutes), y, str(one.outcome), said))
    bottom = top + ROW * len(told)
    parts += _under([names[minute] for minute in minutes], bottom)
    rows = [
        [name, one.period, str(one.outcome), _number(one.value), _number(one.lo), _number(one.hi), one.n, one.target]
        for name, given in told.items()
        for one in given
    ]
    header = ["SLO", "period", "outcome", "value", "lower", "upper", "n", "target"]
    sentence = "What to see: a filled dark cell is proven bad, a pale one proven good; an outline is not enough to say."
    return figure(title, sentence, "", svg(title, parts, bottom + 26), table("Verdicts", header, rows))


def drift_grid(report: MonitorReport) -> str:
    """Return feature by period: the excess over sampling, worst features first."""
    title = "How far inputs lie from the reference"
    ranked = sorted(report.features, key=lambda one: -max([one.excess, *_excesses(report, one.feature)]))
    shown = ranked[:MOST_FEATURES]
    n, top = len(report.periods), 12.0
    parts: list[str] = []
    for row, drift in enumerate(shown):
        y = top + ROW * row
        parts.append(words(NAMES - 8, y + 15, shortened(drift.feature, LETTERS), "tick end"))
        for at, period in enumerate(report.periods):
            excess = period.excess.get(drift.feature)
            if excess is None:
                parts.append(_cell(at, n, y, "no_data", f"{drift.feature}, {period.name}: no data"))
            else:
                said = f"{drift.feature}, {period.name}: {excess:.3f} over sampling, {period.n} rows"
                parts.append(_cell(at, n, y, "heat", said, max(0.04, min(1.0, excess / FULL))))
    bottom = top + ROW * len(shown)
    parts += _under([period.name for period in report.periods], bottom)
    header = ["feature", "kind", "excess", "lower", "upper", "PSI excess", "JS excess, bits", "empty", "out or unseen"]
    rows = [
        [
            one.feature,
            one.kind,
            *map(_number, (one.excess, one.lo, one.hi, one.psi, one.js_bits)),
            one.empty,
            one.outside,
        ]
        for one in ranked
    ]
    sentence = (
        f"What to see: the fuller a cell, the further (full at {FULL:g}): Kolmogorov-Smirnov of numbers and total"
        " variation of categories, less what sampling alone gives."
    )
    left = (
        f"The {len(ranked) - len(shown)} features that moved least stand in the table only."
        if ranked[len(shown) :]
        else ""
    )
    return figure(title, sentence, left, svg(title, parts, bottom + 26), table("The whole log", header, rows))


def _excesses(report: MonitorReport, feature: str) -> list[float]:
    return [one.excess.get(feature, 0.0) for one in report.periods]


def _cell(at: int, n: int, y: float, css: str, said: str, opacity: float = 1.0) -> str:
    width = (WIDTH - NAMES - 8) / n
    faint = f' fill-opacity="{opacity:.2f}"' if opacity < 1.0 else ""
    return (
        f'<rect class="cell {css}" x="{NAMES + at * width:.1f}" y="{y:.1f}" width="{width:.2f}" '
        f'height="{ROW - 2:g}"{faint}><title>{clean(said)}</title></rect>'
    )


def _key() -> list[str]:
    parts, x = [], NAMES
    for state in _STATES:
        parts.append(f'<rect class="cell {state}" x="{x:.1f}" y="6" width="18" height="14"/>')
        parts.append(words(x + 24, 17, state.replace("_", " "), "tick"))
        x += 110.0
    return parts


def _under(names: Sequence[str], y: float) -> list[str]:
    """The first and the last period, and some between where there is room."""
    n = len(names)
    width = (WIDTH - NAMES - 8) / n
    most = max(1, int((WIDTH - NAMES - 8) // (7.5 * max(map(len, names)) + 12)))
    step = -(-n // most)
    return [
        words(NAMES + width * at + 2, y + 14, names[at], "tick") for at in range(0, n, step) if _fits(at, width, names)
    ]


def _fits(at: int, width: float, names: Sequence[str]) -> bool:
    return NAMES + width * at + 6.6 * len(names[at]) <= WIDTH


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
