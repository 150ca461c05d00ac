"""Calibration error by supplier, with bounds: where probabilities do not mean what they say.

In: `ece` [{supplier, n, value, lo, hi}], value None where labels are too few. Out: a figure. The pooled bar stands
last: a small segment disappears in it, which is why the bars before it are there.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.web.axes import linear
from shipworthy.web.charts import Bar, bars
from shipworthy.web.figures.recorded import Recorded, read, shown
from shipworthy.web.markup import figure, table
from shipworthy.web.svg import Key

TITLE = "Calibration error by supplier"
LIMIT = 0.05
UNSEEN = "__unseen__"
POOLED = frozenset({"pooled", "*", "all", "__pooled__", "__all__"})
SENTENCE = (
    f"What to see: a bar whose lower bound stands above {LIMIT:g} is proven to be off; compare the suppliers that the"
    " model never saw with the pooled bar at the right, in which a small group disappears."
)


class Error(msgspec.Struct):
    """Expected calibration error of one supplier over `n` labelled claims, with its bounds."""

    supplier: str
    n: int
    value: float | None = None
    lo: float | None = None
    hi: float | None = None


def ece_by_supplier(recorded: Recorded) -> str:
    """Return the figure: a bar a supplier, the pooled one last."""
    errors = sorted(
        read(recorded, "ece", Error), key=lambda error: (error.supplier in POOLED, error.supplier == UNSEEN)
    )
    top = max([value for error in errors for value in (error.value, error.hi) if value is not None] + [LIMIT])
    y = linear(1.08 * top, "calibration error (ECE)")
    drawn = [Bar(label=name_of(one), value=one.value, lo=one.lo, hi=one.hi, css=_css(one)) for one in errors]
    return figure(TITLE, SENTENCE, _measured(errors), bars(TITLE, y, drawn, _limits(), _keys(errors)), _numbers(errors))


def name_of(error: Error) -> str:
    """Return what stands under the bar."""
    if error.supplier == UNSEEN:
        return "never seen"
    return "pooled" if error.supplier in POOLED else error.supplier


def judged(error: Error) -> str:
    """Return what the bounds say about the limit, in words. Only an upper bound below it proves that it is kept."""
    if error.value is None:
        return "no data"
    if error.lo is not None and error.lo > LIMIT:
        return "above the limit"
    return "below the limit" if error.hi is not None and error.hi <= LIMIT else "undecided"


def _css(error: Error) -> str:
    if error.supplier == UNSEEN:
        return "bad"
    return "quiet" if error.supplier in POOLED else "c0"


def _limits() -> list[tuple[float, str]]:
    return [(LIMIT, f"limit {LIMIT:g}")]


def _keys(errors: Sequence[Error]) -> list[Key]:
    names = {"c0": "supplier known from training", "bad": "suppliers never seen", "quiet": "all claims pooled"}
    used = {_css(error) for error in errors}
    return [Key(name=name, shape="bar", css=css) for css, name in names.items() if css in used]


def _measured(errors: Sequence[Error]) -> str:
    if not errors:
        return ""
    above = [f"{name_of(one)} ({shown(one.value)})" for one in errors if judged(one) == "above the limit"]
    thin = sum(error.value is None for error in errors)
    proven = f"Proven above the limit: {', '.join(above)}." if above else "No bar is proven above the limit."
    return proven + (f" Too few labels to say anything: {thin} of {len(errors)}." if thin else "")


def _numbers(errors: Sequence[Error]) -> str:
    rows = [[name_of(one), one.n, shown(one.value), shown(one.lo), shown(one.hi), judged(one)] for one in errors]
    return table(f"Calibration error, limit {LIMIT:g}", ["supplier", "labels", "ECE", "lower", "upper", "says"], rows)
