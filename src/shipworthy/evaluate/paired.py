"""The candidate against the version last shipped, row by row, without running the old one again.

In: answers to the held-out rows, and what the lock keeps: one 16-bit score per row. Out: the candidate's own column of
such scores, and a `Comparison` per measurement. Both sides are quantised alike, so that rounding favours neither; rows
are paired only when their digest is the same.

Positive is worse. Error rate: exact McNemar and Tango's bounds. AUROC: DeLong. Calibration error:
`stats.calibration_difference`, drawn by units. Gap between groups: `evaluate.paired_gap`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from shipworthy.evaluate.answered import Answered, in_segment
from shipworthy.evaluate.bench import Baseline, Bench
from shipworthy.evaluate.both import Both, floats, interval, wrong
from shipworthy.evaluate.measure import clustering, units_of
from shipworthy.evaluate.paired_gap import gaps
from shipworthy.facts import Comparison, Measurement, PairedRows, digest, seed_of
from shipworthy.profile.rows import Value
from shipworthy.stats.auc import delong_difference
from shipworthy.stats.calibration_difference import ece_difference
from shipworthy.stats.paired import mcnemar_exact, paired_difference

LARGEST = 65534  # 16 bits, of which ffff says that there was no score
NO_SCORE = "ffff"


def quantised(scores: Sequence[float | None]) -> str:
    """Return four hex digits per score.

    >>> quantised([0.0, 0.5, 1.0, None])
    '00007ffffffeffff'
    """
    return "".join(NO_SCORE if score is None else f"{round(score * LARGEST):04x}" for score in scores)


def restored(text: str) -> list[float | None]:
    """Return the scores of a quantised column. Raises ValueError on text that is none."""
    cells = [text[at : at + 4] for at in range(0, len(text), 4)]
    return [None if cell == NO_SCORE else int(cell, 16) / LARGEST for cell in cells]


def paired_rows(answered: Sequence[Answered]) -> PairedRows:
    """Return what a lock keeps of these answers; the digest covers every row, in order, with its label."""
    told = [[sorted((name, _told(cell)) for name, cell in one.row.items()), one.label] for one in answered]
    # Canonical already: no mapping whose order could differ, no number that is not finite.
    rows = digest(msgspec.json.encode(told))
    return PairedRows(rows=rows, scores=quantised([one.score for one in answered]))


def compared(
    bench: Bench, answered: Sequence[Answered], measurements: Sequence[Measurement]
) -> tuple[Measurement, ...]:
    """Return the measurements, those that can be paired with their comparison. `answered` = all held-out rows."""
    baseline = bench.baseline
    if baseline is None or baseline.paired.rows != (own := paired_rows(answered)).rows:
        return tuple(measurements)
    old = restored(baseline.paired.scores)
    new = restored(own.scores)
    if len(old) != len(new):
        return tuple(measurements)
    return tuple(_attached(bench, baseline, answered, new, old, one) for one in measurements)


def _attached(
    bench: Bench,
    baseline: Baseline,
    answered: Sequence[Answered],
    new: list[float | None],
    old: list[float | None],
    one: Measurement,
) -> Measurement:
    if one.indicator not in _COMPARED or one.part is not None or one.value is None:
        return one
    rows = [
        (a, p, q)
        for a, p, q in zip(answered, new, old, strict=True)
        if a.label is not None and in_segment(bench, a.row, one.segment)
    ]
    both = Both(
        kept=[a for a, _, _ in rows],
        ours=[p for _, p, _ in rows],
        theirs=[q for _, _, q in rows],
        labels=[int(a.label or 0) for a, _, _ in rows],
    )
    found = _COMPARED[one.indicator](bench, both, one)
    if found is None or not all(np.isfinite(value) for value in (found.delta, found.lo, found.hi, found.p_worse)):
        return one
    return msgspec.structs.replace(one, comparison=msgspec.structs.replace(found, baseline=baseline.artefact))


def _errors(bench: Bench, both: Both, one: Measurement) -> Comparison:
    new = [wrong(p, y) for p, y in zip(both.ours, both.labels, strict=True)]
    old = [wrong(p, y) for p, y in zip(both.theirs, both.labels, strict=True)]
    worse = [a and not b for a, b in zip(new, old, strict=True)]
    better = [b and not a for a, b in zip(new, old, strict=True)]
    # Discordant rows of one unit come together: the larger of the two design effects widens the bounds.
    deff = max(clustering(bench, both.kept, worse), clustering(bench, both.kept, better)) if both.kept else 1.0
    b, c, n = sum(worse), sum(better), len(both.kept)
    delta, lo, hi = paired_difference(b, c, n, one.level, deff)
    return Comparison(
        baseline="",
        n=n,
        delta=delta,
        lo=lo,
        hi=hi,
        p_worse=mcnemar_exact(b, c, deff),
        method="McNemar exact; Tango bounds",
        level=one.level,
        worse=b,
        better=c,
        design_effect=deff,
    )


def _areas(bench: Bench, both: Both, one: Measurement) -> Comparison | None:
    if both.holes:
        return None  # a column with holes has neither an area nor a calibration error
    better, lo, hi, p = delong_difference(floats(both.ours), floats(both.theirs), both.labels, one.level)
    return interval(one, len(both.kept), (-better, -hi, -lo, p), "DeLong")


def _calibrations(bench: Bench, both: Both, one: Measurement) -> Comparison | None:
    if both.holes:
        return None
    seed = seed_of(bench.seed, "paired", one.indicator, one.segment)
    units = units_of(bench, both.kept)
    found = ece_difference(floats(both.ours), floats(both.theirs), both.labels, one.level, seed, clusters=units)
    return interval(one, len(both.kept), found, "paired bootstrap over units; bounds of both errors")


_COMPARED = {"error_rate": _errors, "auroc": _areas, "decision_ece": _calibrations, "subgroup_gap": gaps}


def _told(cell: Value) -> Value:
    """A cell that canonical bytes can hold: what is not finite is spelled."""
    return repr(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell
