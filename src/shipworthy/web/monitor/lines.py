"""Lines over periods: how many rows were flagged, and how well the answers did.

In: a report. Out: figures with the numbers beneath.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.flows.monitor.told import MonitorReport, Period
from shipworthy.web.axes import Axis, linear, percent
from shipworthy.web.charts import Bar, Series, bars, chart
from shipworthy.web.markup import figure, table

Interval = tuple[float, float, float]
MOST_TICKS = 6


def ood_line(report: MonitorReport) -> str:
    """Return the share of flagged rows over periods, and the features that explain most flags."""
    shares = [None if one.n_ood is None or not one.n else one.n_ood / one.n for one in report.periods]
    title = "Rows unlike the reference"
    y = linear(max([share for share in shares if share is not None] + [0.02]) * 1.1, "flagged", percent)
    points = tuple((float(at), share) for at, share in enumerate(shares))
    series = [Series(name="flagged rows", points=points, style=_style(points))]
    drawn = chart(title, along(report.periods), y, series, [(0.01, "1 %, as in the reference")])
    rows = [[one.name, one.n, "–" if one.n_ood is None else one.n_ood] for one in report.periods]
    made = figure(
        title,
        "What to see: a line that stays above the limit.",
        "",
        drawn,
        table(title, ["period", "rows", "flagged"], rows),
    )
    if not report.flagged:
        return made
    worst = [Bar(label=name, value=float(n)) for name, n in report.flagged.items()]
    title = "What explained the flags"
    top = linear(1.08 * max(report.flagged.values()), "rows")
    numbers = table(title, ["feature", "rows"], [[name, n] for name, n in report.flagged.items()])
    return made + figure(title, "The most surprising input of each flagged row.", "", bars(title, top, worst), numbers)


def quality_lines(report: MonitorReport) -> str:
    """Return ranking, error and calibration over periods, with bounds and how many rows have a label."""
    title = "Quality by the period of the decision"
    series = [
        *_with_bounds("AUROC", [one.auroc for one in report.periods], "c0"),
        *_with_bounds("error rate at 0.5", [one.error_rate for one in report.periods], "c3"),
        *_with_bounds("calibration error, corrected", [one.ece for one in report.periods], "c2"),
    ]
    y = linear(1.0, "")
    header = ["period", "labels", "coverage", "AUROC", "error rate", "ECE corrected", "ECE raw"]
    rows = [
        [
            one.name,
            one.labels,
            "–" if one.coverage is None else percent(one.coverage),
            _told(one.auroc),
            _told(one.error_rate),
            _told(one.ece),
            "–" if one.ece_raw is None else f"{one.ece_raw:.3f}",
        ]
        for one in report.periods
    ]
    labels = sum(one.labels for one in report.periods)
    scored = sum(one.n for one in report.periods)
    measured = f"{labels} labels for {scored} rows. Thin lines are one-sided bounds at 95 %."
    sentence = "What to see: a fall of the AUROC or a rise of the others that its bounds do not explain."
    return figure(title, sentence, measured, chart(title, along(report.periods), y, series), table(title, header, rows))


def along(periods: Sequence[Period]) -> Axis:
    """Return the axis of periods, with a few of their names."""
    n = len(periods)
    step = -(-n // MOST_TICKS)
    ticks = tuple((float(at), periods[at].name) for at in range(0, n, step))
    return Axis(lo=0.0, hi=max(1.0, n - 1.0), name="", ticks=ticks)


def _with_bounds(name: str, told: Sequence[Interval | None], css: str) -> list[Series]:
    if not any(told):
        return []
    middle = tuple((float(at), None if one is None else one[0]) for at, one in enumerate(told))
    low = tuple((float(at), None if one is None else one[1]) for at, one in enumerate(told))
    high = tuple((float(at), None if one is None else one[2]) for at, one in enumerate(told))
    return [
        Series(name=name, points=middle, css=css, style="marked"),
        Series(name="", points=low, css=f"{css} thin"),
        Series(name="", points=high, css=f"{css} thin"),
    ]


def _style(points: Sequence[tuple[float, float | None]]) -> str:
    return "marked" if len(points) <= 60 else "line"


def _told(one: Interval | None) -> str:
    return "–" if one is None else f"{one[0]:.3f} [{one[1]:.3f}, {one[2]:.3f}]"
