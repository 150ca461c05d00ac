"""Quality by segment, with the pooled row beneath: pooling hides what one segment suffers.

In: matured labels of one version. Out: a row per segment: labels, AUROC and calibration error with bounds, and how
each stands against its floor or target. Too few labels say `no_data`, never a good number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import msgspec

from shipworthy.decide import Place, judge
from shipworthy.facts import Action, Clause, LabelSummary, Measurement, Outcome, Slo, Target
from shipworthy.observe.measure_labels import MIN_LABELS, Matured, auroc, labelled, pooled_ece
from shipworthy.observe.minutes import start_of


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment: `n` labels, both measurements and what they show."""

    segment: str
    n: int
    auroc: Measurement
    auroc_outcome: Outcome
    ece: Measurement
    ece_outcome: Outcome


def segment_table(
    labels: Sequence[LabelSummary],
    segments: Sequence[str],
    asked: Matured,
    auroc_floor: float,
    ece_target: float,
    min_labels: int = MIN_LABELS,
) -> tuple[SegmentRow, ...]:
    """Return a row per segment and the pooled row (`*`) last. The segment of `asked.scope` is replaced by each."""
    named = [segment for segment in dict.fromkeys(segments) if segment != "*"]
    return tuple(_row(labels, segment, asked, auroc_floor, ece_target, min_labels) for segment in (*named, "*"))


def _row(
    labels: Sequence[LabelSummary], segment: str, asked: Matured, floor: float, target: float, min_labels: int
) -> SegmentRow:
    here = replace(asked, scope=msgspec.structs.replace(asked.scope, segment=segment))
    mine = labelled(labels, here)
    area, error = auroc(mine, here), pooled_ece(mine, here)
    return SegmentRow(
        segment=segment,
        n=area.n,
        auroc=area,
        auroc_outcome=_outcome(area, ">=", floor, min_labels),
        ece=error,
        ece_outcome=_outcome(error, "<=", target, min_labels),
    )


def _outcome(measured: Measurement, op: Literal[">=", "<="], limit: float, min_labels: int) -> Outcome:
    """Judged by the one judge, at the moment of measuring."""
    slo = Slo(
        name=measured.indicator,
        indicator=measured.indicator,
        objective="",
        target=Target(op=op, value=limit),
        window="rolling",
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        clause=Clause.MONITORING,
        min_samples=min_labels,
        segments=(measured.segment,),
    )
    now = datetime.fromisoformat(measured.end or start_of(0))
    return judge(slo, measured.segment, [measured], now, Place.RUNTIME).outcome
