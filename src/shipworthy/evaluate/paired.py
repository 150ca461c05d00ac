"""The candidate against the version last shipped, row by row, without running the old one again.

In: answers to the held-out rows, and what the lock keeps: one 16-bit score per row. Out: the candidate's own column of
such scores, and a `Comparison` per measurement. Both sides are quantised alike, so that rounding favours neither; rows
are paired only when their digest is the same.

Positive is worse. Error rate: exact McNemar and Tango's bounds. AUROC: DeLong. Calibration error:
`stats.calibration_difference`, drawn by units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from shipworthy.evaluate.answered import Answered, in_segment
from shipworthy.evaluate.bench import Baseline, Bench
from shipworthy.evaluate.measure import clustering, units_of
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
    rows = digest([[sorted((name, _told(cell)) for name, cell in one.row.items()), one.label] for one in answered])
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
    if one.indicator not in ("error_rate", "auroc", "decision_ece") or one.part is not None or one.value is None:
        return one
    rows = [
        (a, p, q)
        for a, p, q in zip(answered, new, old, strict=True)
        if a.label is not None and in_segment(bench, a.row, one.segment)
    ]
    kept, ours, theirs = [a for a, _, _ in rows], [p for _, p, _ in rows], [q for _, _, q in rows]
    labels = [int(a.label or 0) for a in kept]
    if one.indicator == "error_rate":
        found = _errors(bench, kept, ours, theirs, labels, one.level)
    elif None in ours or None in theirs:
        return one  # a column with holes has neither an area nor a calibration error
    elif one.indicator == "auroc":
        found = _areas(_floats(ours), _floats(theirs), labels, one.level)
    else:
        found = _calibrations(bench, kept, _floats(ours), _floats(theirs), labels, one)
    return msgspec.structs.replace(one, comparison=_named(found, baseline, len(rows)))


_Found = tuple[float, float, float, float, str]  # delta, lo, hi, p that it is worse, method


def _named(found: _Found, baseline: Baseline, n: int) -> Comparison | None:
    delta, lo, hi, p_worse, method = found
    if not all(np.isfinite(value) for value in (delta, lo, hi, p_worse)):
        return None
    return Comparison(baseline=baseline.artefact, n=n, delta=delta, lo=lo, hi=hi, p_worse=p_worse, method=method)


def _errors(
    bench: Bench,
    kept: list[Answered],
    ours: list[float | None],
    theirs: list[float | None],
    labels: list[int],
    level: float,
) -> _Found:
    new = [_wrong(p, y) for p, y in zip(ours, labels, strict=True)]
    old = [_wrong(p, y) for p, y in zip(theirs, labels, strict=True)]
    worse = [a and not b for a, b in zip(new, old, strict=True)]
    better = [b and not a for a, b in zip(new, old, strict=True)]
    # Discordant rows of one unit come together: the larger of the two design effects widens the bounds.
    deff = max(clustering(bench, kept, worse), clustering(bench, kept, better)) if kept else 1.0
    delta, lo, hi = paired_difference(sum(worse), sum(better), len(kept), level, deff)
    return delta, lo, hi, mcnemar_exact(sum(worse), sum(better)), "McNemar exact; Tango bounds"


def _areas(ours: list[float], theirs: list[float], labels: list[int], level: float) -> _Found:
    better, lo, hi, p_worse = delong_difference(ours, theirs, labels, level)
    return -better, -hi, -lo, p_worse, "DeLong"


def _calibrations(
    bench: Bench, kept: list[Answered], ours: list[float], theirs: list[float], labels: list[int], one: Measurement
) -> _Found:
    seed = seed_of(bench.seed, "paired", one.indicator, one.segment)
    found = ece_difference(ours, theirs, labels, one.level, seed, clusters=units_of(bench, kept))
    return *found, "paired bootstrap over units; bounds of both errors"


def _told(cell: Value) -> Value:
    """A cell that canonical bytes can hold: what is not finite is spelled."""
    return repr(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _wrong(score: float | None, label: int) -> bool:
    return score is None or (score >= 0.5) != (label == 1)


def _floats(scores: list[float | None]) -> list[float]:
    return [score for score in scores if score is not None]
