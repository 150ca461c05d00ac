"""How good the answers are on rows the model has not seen.

In: the held-out rows with their answers. Out: auroc, error_rate, decision_ece, auto_error_rate and review_rate on the
whole and on the segments that SLOs name. Rows without a label count where no label is needed. A row without a score is
wrong in error_rate, and leaves auroc and decision_ece without a value: a model that is silent is not well calibrated.

A percentile of the calibration error is taken over blocks of at least 300 rows, in time order where the bench names a
time column, else in seeded order. With fewer than 20 such blocks the pooled estimate is judged and says so; with too
few to bound the percentile from above (59 for the 95th) the pooled upper bound stands in, never below the percentile.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from shipworthy.evaluate.answered import MACHINE, PERSON, Answered, decides, selected, wrong_alone, wrong_by_half
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.measure import clustering, nothing, number, rate_of
from shipworthy.facts import Measurement, seed_of
from shipworthy.profile.rows import Value, as_number
from shipworthy.stats.auc import auroc_bounds
from shipworthy.stats.calibration import (
    bins_of,
    ece_bounds,
    ece_corrected,
    percentile_or_pooled,
)

BLOCK_ROWS = 300
BLOCKS = 20
INDICATORS = ("auroc", "error_rate", "decision_ece", "auto_error_rate", "review_rate")


def evaluate(bench: Bench, asks: Sequence[Ask], answered: Sequence[Answered]) -> tuple[Measurement, ...]:
    """Return one measurement per ask, and the whole of each indicator that nobody asked for."""
    wanted = [ask for ask in asks if ask.indicator in INDICATORS]
    asked = {(ask.indicator, ask.segment, ask.quantile) for ask in wanted}
    wanted += [Ask(indicator=name) for name in INDICATORS if (name, "*", None) not in asked]
    return tuple(_MEASURE[ask.indicator](bench, ask, selected(bench, answered, ask.segment)) for ask in wanted)


def _auroc(bench: Bench, ask: Ask, answered: Sequence[Answered]) -> Measurement:
    scores, labels = _scored(answered)
    if len(scores) < len(labels):
        return nothing(ask, "rows without a score", n=len(labels))
    if len(set(labels)) < 2:
        return nothing(ask, "one class only", n=len(labels))
    return number(ask, *auroc_bounds(scores, labels, ask.level), len(labels), "DeLong, log-odds bounds")


def _error_rate(bench: Bench, ask: Ask, answered: Sequence[Answered]) -> Measurement:
    labelled = _labelled(answered)
    return rate_of(bench, ask, labelled, [wrong_by_half(one) for one in labelled])


def _auto_error_rate(bench: Bench, ask: Ask, answered: Sequence[Answered]) -> Measurement:
    if not decides(bench, answered):
        return nothing(ask, "nobody decides: no thresholds and no decisions of the model")
    alone = [one for one in _labelled(answered) if one.route == MACHINE]
    return rate_of(bench, ask, alone, [wrong_alone(bench, one) for one in alone])


def _review_rate(bench: Bench, ask: Ask, answered: Sequence[Answered]) -> Measurement:
    if not decides(bench, answered):
        return nothing(ask, "nobody decides: no thresholds and no decisions of the model")
    return rate_of(bench, ask, answered, [one.route == PERSON for one in answered])


def _decision_ece(bench: Bench, ask: Ask, answered: Sequence[Answered]) -> Measurement:
    scores, labels = _scored(answered)
    if len(scores) < len(labels):
        return nothing(ask, "rows without a score", n=len(labels))
    if not labels:
        return nothing(ask, "no labelled rows")
    if ask.quantile is None:
        return _pooled_ece(bench, ask, answered, scores, labels, "")
    blocks = _blocks(bench, ask, _labelled(answered))
    if len(blocks) < BLOCKS:
        told = f"pooled instead of p{ask.quantile}: {len(blocks)} of {BLOCKS} blocks of {BLOCK_ROWS} rows; "
        return _pooled_ece(bench, ask, answered, scores, labels, told)
    return _block_ece(bench, ask, blocks, _pooled_ece(bench, ask, answered, scores, labels, ""))


def _pooled_ece(
    bench: Bench, ask: Ask, answered: Sequence[Answered], scores: list[float], labels: list[int], told: str
) -> Measurement:
    bins = bins_of(scores, labels)
    labelled = _labelled(answered)
    deff = clustering(bench, labelled, [wrong_by_half(one) for one in labelled])
    lo, hi = ece_bounds(bins, ask.level, seed_of(bench.seed, "ece", ask.segment), design_effect=deff)
    return number(ask, ece_corrected(bins, deff), lo, hi, len(labels), f"{told}15 bins, null-corrected")


def _block_ece(bench: Bench, ask: Ask, blocks: list[list[Answered]], pooled: Measurement) -> Measurement:
    values = [ece_corrected(bins_of(*_scored(block))) for block in blocks]
    upper = 1.0 if pooled.hi is None else pooled.hi
    value, lo, hi, bounded = percentile_or_pooled(values, (ask.quantile or 0) / 100.0, ask.level, upper)
    told = "order statistics" if bounded else "lower by order statistics, too few for an upper: that of all rows pooled"
    return number(ask, value, lo, hi, pooled.n, f"p{ask.quantile} over {len(blocks)} blocks, {told}")


def _blocks(bench: Bench, ask: Ask, answered: list[Answered]) -> list[list[Answered]]:
    """As many equal blocks of at least 300 rows as there are."""
    many = len(answered) // BLOCK_ROWS
    if many == 0:
        return []
    if bench.time is not None:
        time = bench.time
        ordered = sorted(answered, key=lambda one: _moment(one.row.get(time)))
    else:
        places = np.random.default_rng(seed_of(bench.seed, "blocks", ask.segment)).permutation(len(answered))
        ordered = [answered[place] for place in places]
    edges = [len(ordered) * at // many for at in range(many + 1)]
    return [ordered[low:high] for low, high in pairwise(edges)]


def _moment(value: Value) -> tuple[bool, float, str]:
    """Numbers in their order, then texts in theirs."""
    number = as_number(value)
    return number is None, number or 0.0, str(value)


def _labelled(answered: Sequence[Answered]) -> list[Answered]:
    return [one for one in answered if one.label is not None]


def _scored(answered: Sequence[Answered]) -> tuple[list[float], list[int]]:
    """Scores and labels of the labelled rows; fewer scores than labels when some are silent."""
    labelled = _labelled(answered)
    scores = [one.score for one in labelled if one.score is not None]
    return scores, [one.label for one in labelled if one.label is not None]


_MEASURE = {
    "auroc": _auroc,
    "error_rate": _error_rate,
    "decision_ece": _decision_ece,
    "auto_error_rate": _auto_error_rate,
    "review_rate": _review_rate,
}
