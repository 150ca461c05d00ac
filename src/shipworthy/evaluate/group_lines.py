"""Every group by itself, in words: what stands behind the gaps.

In: answers as columns, splits, a metric. Out: text: per group of each single column the rate with bounds, or how far
scores lie from labels (mean score less mean label, without its sign) with the raw and the corrected calibration error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shipworthy.evaluate.by_group import Split
from shipworthy.evaluate.gap_pairs import CALIBRATION, EQUALIZED_ODDS, Told
from shipworthy.evaluate.measure import clustering
from shipworthy.stats.bounds import rate_bounds
from shipworthy.stats.calibration import bins_of, ece_corrected, ece_raw
from shipworthy.stats.group_rates import counts_of, hits_and_chances


def group_lines(told: Told, made: Sequence[Split], metric: str, level: float) -> str:
    """Return the groups of the single columns, one after the other."""
    single = [split for split in made if not split.crossed]
    if metric in CALIBRATION:
        return "; ".join(line for split in single for line in _calibration(told, split))
    base = metric.rpartition("_")[0]
    rates = EQUALIZED_ODDS if base == "equalized_odds" else (base,)
    return "; ".join(line for split in single for rate in rates for line in _rates(told, split, rate, level))


def _rates(told: Told, split: Split, rate: str, level: float) -> list[str]:
    hit, chance = hits_and_chances(rate, told.selected, told.labels)
    at = np.flatnonzero(chance)
    deff = clustering(told.bench, [told.rows[place] for place in at.tolist()], hit[at].tolist())
    lines = []
    for name, (hits, n) in counts_of(hit, chance, split.of).items():
        lo, hi = rate_bounds(hits, n, level, deff)
        lines.append(f"{split.name}={name}: {rate} {hits / n:.3f} [{lo:.3f}, {hi:.3f}] of {n}")
    return lines


def _calibration(told: Told, split: Split) -> list[str]:
    lines, groups = [], np.array(split.of)
    for name in np.unique(groups):
        here = (groups == name) & ~np.isnan(told.labels)
        if here.any():
            off = abs(float((told.scores[here] - told.labels[here]).mean()))
            bins = bins_of(told.scores[here], told.labels[here])
            errors = f"ECE {ece_raw(bins):.3f} raw, {ece_corrected(bins):.3f} corrected"
            lines.append(f"{split.name}={name}: score off label by {off:.3f}, {errors}, of {int(here.sum())}")
    return lines
