"""How often people change what the machine suggested: overturn_rate.

In: label summaries, which count the answers of people by the minute of the decision. Out: changed / reviewed. A review
without a suggestion (the score lay between the thresholds) overturns nothing and is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from shipworthy.facts import LabelSummary, Measurement
from shipworthy.observe.measure import rate
from shipworthy.observe.measure_labels import Matured, until


def overturn_rate(labels: Sequence[LabelSummary], asked: Matured) -> Measurement:
    """Return the rate of answers that changed the suggestion, among those that had one."""
    reviewed, changed = sum(one.reviewed for one in labels), sum(one.overturned for one in labels)
    made = rate(
        "overturn_rate",
        changed,
        reviewed,
        segment=asked.scope.segment,
        start=asked.start,
        end=asked.as_of,
        level=asked.level,
    )
    return replace(made, method=f"{made.method}, answers to a suggestion, {until(asked)}")
