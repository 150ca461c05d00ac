"""Can a protected group be told from the score, among people with the same truth.

In: held-out rows with answers. Out: proxy_auc = the largest AUC, over groups and labels, of "in this group" from the
score alone, folded at one half (an AUC of .3 tells the group as well as .7). .5 = the score says nothing about the
group beyond the label; parts list every group and label with at least 100 rows.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.evaluate.answered import Answered, selected
from shipworthy.evaluate.bench import Ask, Bench
from shipworthy.evaluate.measure import nothing, number
from shipworthy.facts import Measurement
from shipworthy.profile.groups import group_of
from shipworthy.stats.auc import auroc_bounds

LEAST_ROWS = 100
INDICATORS = ("proxy_auc",)

_Told = tuple[str, list[float], list[int]]  # part, scores, membership


def evaluate(bench: Bench, asks: Sequence[Ask], answered: Sequence[Answered]) -> tuple[Measurement, ...]:
    """Return the measurement and its parts per ask; nobody asked, nothing is measured."""
    made: list[Measurement] = []
    for ask in asks:
        if ask.indicator in INDICATORS:
            made += _measured(bench, ask, selected(bench, answered, ask.segment))
    return tuple(made)


def _measured(bench: Bench, ask: Ask, answered: Sequence[Answered]) -> list[Measurement]:
    if any(one.score is None for one in answered):
        return [nothing(ask, "rows without a score", n=len(answered))]
    told = [part for label in (0, 1) for part in _strata(bench, [one for one in answered if one.label == label])]
    parts = [number(ask, *_folded(part, ask.level), len(part[1]), "DeLong, folded", part[0]) for part in told]
    if not parts:
        return [nothing(ask, f"no protected group with {LEAST_ROWS} rows on each side")]
    strict = 1.0 - (1.0 - ask.level) / len(told)
    value = max(part.value or 0.5 for part in parts)
    low = max(_folded(part, strict)[1] for part in told)
    high = max(part.hi if part.hi is not None else 1.0 for part in parts)
    method = f"DeLong, folded, largest of {len(parts)}, lower bound Bonferroni"
    return [number(ask, value, low, high, sum(one.label is not None for one in answered), method), *parts]


def _strata(bench: Bench, rows: list[Answered]) -> list[_Told]:
    found: list[_Told] = []
    scores = [one.score for one in rows if one.score is not None]
    for feature in (one for one in bench.features if one.protected):
        groups = [group_of(feature, one.row.get(feature.name)) for one in rows]
        for group in sorted(set(groups)):
            members = [int(name == group) for name in groups]
            if min(sum(members), len(members) - sum(members)) >= LEAST_ROWS:
                found.append((f"{feature.name}={group}, label {rows[0].label}", scores, members))
    return found


def _folded(told: _Told, level: float) -> tuple[float, float, float]:
    area, lo, hi = auroc_bounds(told[1], told[2], level)
    if lo <= 0.5 <= hi:
        return max(area, 1.0 - area), 0.5, max(hi, 1.0 - lo)
    return (area, lo, hi) if area > 0.5 else (1.0 - area, 1.0 - hi, 1.0 - lo)
