"""Every pair of groups by one metric, each with bounds at any level.

In: answers as columns, splits into groups, the name of a metric. Out: pairs.

* `<rate>_gap`: difference of two rates, Newcombe; `equalized_odds_gap`: those of true and of false positive rate both;
  `<rate>_ratio`: lower over higher rate, MOVER-R. The points are fairlearn's, difference and ratio.
* `calibration_gap`: difference of (mean score - mean label), signs kept: scores too high in one group and too low in
  the other add up, as they should. Bounds: the scores as they are, Newcombe for the labels, which is a little too wide.
* `ece_gap`: difference of the null-corrected calibration errors; upper of one less lower of the other, each at half the
  error.

Rows of one unit widen the bounds by the design effect of what is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from shipworthy.evaluate.answered import Answered
from shipworthy.evaluate.bench import Bench
from shipworthy.evaluate.by_group import LEAST_ROWS, Split
from shipworthy.evaluate.measure import clustering
from shipworthy.evaluate.worst_pair import Bounds, Pair
from shipworthy.facts import seed_of
from shipworthy.stats.bounds import newcombe_difference
from shipworthy.stats.calibration import bins_of, ece_bounds, ece_corrected
from shipworthy.stats.group_rates import Flags, counts_of, hits_and_chances, ratio_bounds

EQUALIZED_ODDS = ("true_positive_rate", "false_positive_rate")
CALIBRATION = ("calibration_gap", "ece_gap")

Floats = NDArray[np.float64]
Counts = tuple[int, int]


@dataclass(frozen=True)
class Told:
    """Answers as columns: which are favourable, the label (NaN where there is none), the score."""

    bench: Bench
    rows: Sequence[Answered]
    selected: Flags
    labels: Floats
    scores: Floats
    seed: int


def pairs_of(told: Told, made: Sequence[Split], metric: str) -> list[Pair]:
    """Return every pair of groups of every split by the metric. Raises ValueError on one that does not exist."""
    if metric in CALIBRATION:
        return [pair for split in made for pair in _calibration_pairs(told, split, metric)]
    base, _, form = metric.rpartition("_")
    if base == "equalized_odds":
        found = [(rate, pair) for rate in EQUALIZED_ODDS for pair in _by_rate(told, made, rate, form, rate)]
        return [replace(pair, split=f"{pair.split}, {rate}") for rate, pair in found]
    return _by_rate(told, made, base, form)


def looked_at(made: Sequence[Split], metric: str) -> list[str]:
    """Return what must have a judged pair each: every single column, for equalized odds by either rate."""
    names = [one.name for one in made if not one.crossed]
    if metric.startswith("equalized_odds"):
        return [f"{name}, {rate}" for name in names for rate in EQUALIZED_ODDS]
    return names


def _by_rate(told: Told, made: Sequence[Split], rate: str, form: str, what: str = "") -> list[Pair]:
    hit, chance = hits_and_chances(rate, told.selected, told.labels)
    return [
        pair for split in made for pair in rate_pairs(told.bench, told.rows, hit, chance, split, form == "ratio", what)
    ]


def rate_pairs(
    bench: Bench,
    rows: Sequence[Answered],
    hit: Flags,
    chance: Flags,
    split: Split,
    as_ratio: bool = False,
    what: str = "",
) -> list[Pair]:
    """Return the pairs by the rate of hits among chances, highest rate first, so that every gap is counted upwards."""
    at = np.flatnonzero(chance)
    deff = clustering(bench, [rows[place] for place in at.tolist()], hit[at].tolist())
    groups = sorted(counts_of(hit, chance, split.of).items(), key=lambda one: -one[1][0] / one[1][1])
    made = []
    for (high, many), (low, few) in combinations(groups, 2):
        name = f"{low} / {high}" if as_ratio else f"{high} - {low}"
        bounds = cache(partial(_ratio if as_ratio else _gap, many, few, deff))
        made.append(Pair(f"{split.name}: {name}{_said(what)}", split.name, min(many[1], few[1]), bounds))
    return _kept(split, made)


def _calibration_pairs(told: Told, split: Split, metric: str) -> list[Pair]:
    known = np.flatnonzero(~np.isnan(told.labels))
    groups = np.array(split.of)[known]
    labels, scores = told.labels[known], told.scores[known]
    kept = [told.rows[place] for place in known.tolist()]
    wrong = ((scores >= 0.5) != (labels == 1.0)) if metric == "ece_gap" else labels == 1.0
    deff = clustering(told.bench, kept, wrong.tolist())
    of = {str(name): (scores[groups == name], labels[groups == name]) for name in np.unique(groups)}
    if metric == "calibration_gap":
        order = sorted(of, key=lambda name: -float((of[name][0] - of[name][1]).mean()))
        bounds: Callable[..., Bounds] = partial(_bias_gap, deff)
    else:
        raw = {name: bins_of(*columns) for name, columns in of.items()}
        order = sorted(of, key=lambda name: -ece_corrected(raw[name], deff))
        bounds = partial(_ece_gap, deff, seed_of(told.seed, "ece"))
    return _kept(
        split,
        [
            Pair(
                f"{split.name}: {high} - {low}",
                split.name,
                min(of[high][1].size, of[low][1].size),
                cache(partial(bounds, of[high], of[low])),
            )
            for high, low in combinations(order, 2)
        ],
    )


def _bias_gap(deff: float, high: tuple[Floats, Floats], low: tuple[Floats, Floats], level: float) -> Bounds:
    """(mean score - mean label) of one group less that of the other. Given the scores, labels are draws of unequal
    chances, which vary less than draws of their mean chance: Newcombe's interval of the labels is wide enough."""
    shift = float(high[0].mean() - low[0].mean())
    labels_lo, labels_hi = newcombe_difference(
        float(high[1].sum()), high[1].size, float(low[1].sum()), low[1].size, level, deff
    )
    value = shift - float(high[1].mean() - low[1].mean())
    return value, max(0.0, shift - labels_hi), max(0.0, shift - labels_lo)


def _ece_gap(deff: float, seed: int, high: tuple[Floats, Floats], low: tuple[Floats, Floats], level: float) -> Bounds:
    worse, better = bins_of(*high), bins_of(*low)
    half = 0.5 * (1.0 + level)
    low_worse, high_worse = ece_bounds(worse, half, seed, design_effect=deff)
    low_better, high_better = ece_bounds(better, half, seed, design_effect=deff)
    value = ece_corrected(worse, deff) - ece_corrected(better, deff)
    # Which group is the worse one is itself seen through noise: the gap may lie the other way round.
    return value, max(0.0, low_worse - high_better), max(high_worse - low_better, high_better - low_worse, value)


def _gap(high: Counts, low: Counts, deff: float, level: float) -> Bounds:
    lo, hi = newcombe_difference(*high, *low, level, deff)
    return high[0] / high[1] - low[0] / low[1], max(0.0, lo), max(0.0, hi)


def _ratio(high: Counts, low: Counts, deff: float, level: float) -> Bounds:
    if not high[0]:
        return 1.0, 0.0, 1.0  # nobody of either group: there is no ratio, and nothing is proven
    lo, hi = ratio_bounds(low, high, level, deff)
    return (low[0] / low[1]) / (high[0] / high[1]), min(1.0, lo), min(1.0, hi)


def _said(what: str) -> str:
    return f", {what}" if what else ""


def _kept(split: Split, pairs: list[Pair]) -> list[Pair]:
    """Two columns together make many handfuls: those are not even listed."""
    return [pair for pair in pairs if pair.n >= LEAST_ROWS] if split.crossed else pairs
