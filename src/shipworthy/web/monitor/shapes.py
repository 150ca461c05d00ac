"""Shapes: a feature beside its reference, the calibration curve, groups beside each other.

In: parts of a report. Out: figures with the numbers beneath.
"""

from __future__ import annotations

from shipworthy.flows.monitor.told import Calibration, MonitorReport, Shape
from shipworthy.web.axes import linear, percent
from shipworthy.web.charts import Bar, Series, bars, chart
from shipworthy.web.markup import clean, figure, table
from shipworthy.web.svg import BELOW, LEFT, RIGHT, WIDTH, Box, Key, legend, line, rows_of, svg, words

HEIGHT = 190.0
MOST_NAMES = 12
SUPPRESSED = "under 20"


def shape(one: Shape) -> str:
    """Return both histograms of a feature, in the cells that windows count in."""
    drift = one.drift
    title = f"{drift.feature}: the log beside the reference"
    header = ["cell", "reference", "log"]
    rows = [[cell.name, percent(cell.reference), percent(cell.live)] for cell in one.bins]
    measured = (
        f"{drift.excess:.3f} over sampling [{drift.lo:.3f}, {drift.hi:.3f}] over the whole log; furthest in"
        f" {one.worst} ({one.worst_excess:.3f})."
    )
    kind = "cells of about equal mass, lowest first" if drift.kind == "number" else "values, commonest first"
    sentence = f"What to see: a dark bar that leaves its pale one; {kind}."
    return figure(title, sentence, measured, _pairs(title, one), table(title, header, rows))


def calibration_curve(told: Calibration) -> str:
    """Return the share of ones by score, with bounds, beside the diagonal."""
    title = "Do scores mean what they say?"
    points = tuple((one.score, one.share) for one in told.bins)
    series = [
        Series(name="as it should be", points=((0.0, 0.0), (1.0, 1.0)), css="c5"),
        Series(name="share of ones", points=points, style="marked", css="c0"),
        *(Series(name="", points=((one.score, one.lo), (one.score, one.hi)), css="c0 thin") for one in told.bins),
    ]
    measured = f"{told.n} labels; calibration error {told.raw:.3f} raw"
    if told.corrected is not None and told.lo is not None and told.hi is not None:
        measured += f", {told.corrected:.3f} [{told.lo:.3f}, {told.hi:.3f}] without what sampling alone gives"
    else:
        measured += ", too few labels for the corrected one (300 needed)"
    rows = [[f"{one.score:.3f}", one.n, f"{one.share:.3f}", f"{one.lo:.3f}", f"{one.hi:.3f}"] for one in told.bins]
    numbers = table(title, ["mean score", "labels", "share of ones", "lower", "upper"], rows)
    drawn = chart(title, linear(1.0, "score"), linear(1.0, "share of ones"), series)
    return figure(title, "What to see: bounds that miss the diagonal.", f"{measured}.", drawn, numbers)


def group_bars(report: MonitorReport) -> str:
    """Return the error rate of every group, and the table of all rates; groups under 20 labels are not shown."""
    title = "Error rate by group"
    errors = [one for one in report.groups if one.metric == "error_rate"]
    top = max([one.hi for one in errors if one.hi is not None] + [0.1])
    drawn = [Bar(label=one.group, value=one.value, lo=one.lo, hi=one.hi) for one in errors]
    rows = [
        [
            one.group,
            one.metric.replace("_", " "),
            SUPPRESSED if one.n is None else one.n,
            *("–" if value is None else f"{value:.3f}" for value in (one.value, one.lo, one.hi)),
        ]
        for one in report.groups
    ]
    numbers = table("Rates by group at score 0.5", ["group", "rate", "n", "value", "lower", "upper"], rows)
    sentence = "What to see: bars whose bounds do not overlap. Fewer than 20 labels are not shown."
    return figure(title, sentence, "", bars(title, linear(1.08 * top, "wrong at 0.5"), drawn), numbers)


def _pairs(title: str, one: Shape) -> str:
    keys = [Key(name="reference", shape="span", css="c5"), Key(name="log", shape="bar", css="c0")]
    parts, top = legend(keys)
    box = Box(left=LEFT, right=WIDTH - RIGHT, top=top + 26, bottom=top + 26 + HEIGHT)
    y = linear(1.08 * max(max(cell.reference, cell.live) for cell in one.bins), "share of rows", percent)
    parts += rows_of(y, box)
    slot = (box.right - box.left) / len(one.bins)
    every = -(-len(one.bins) // MOST_NAMES)
    for at, cell in enumerate(one.bins):
        x = box.left + slot * at
        said = f"{cell.name}: {percent(cell.reference)} of the reference, {percent(cell.live)} of the log"
        parts.append(f"<g><title>{clean(said)}</title>")
        parts.append(_rect("span c5", x + 0.08 * slot, 0.84 * slot, box.y(y, cell.reference), box.bottom))
        parts.append(_rect("bar c0", x + 0.28 * slot, 0.44 * slot, box.y(y, cell.live), box.bottom))
        parts.append("</g>")
        if at % every == 0:
            parts.append(words(x + slot / 2, box.bottom + 16, _short(cell.name), "tick small mid"))
    parts.append(line(box.left, box.bottom, box.right, box.bottom, "axis"))
    return svg(title, parts, box.bottom + BELOW)


def _short(name: str) -> str:
    first = name.partition(" to ")[0]
    return first if len(first) <= 12 else f"{first[:11]}…"


def _rect(css: str, x: float, width: float, top: float, bottom: float) -> str:
    height = max(bottom - top, 0.0)
    return f'<rect class="{css}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'
