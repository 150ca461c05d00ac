"""The same rows in another mix: would the answers hold if tomorrow's customers were others.

`reweight` with `to: {value: share}` draws, without putting back, as many rows of each value as the shares allow (values
not named keep their own mix in what is left). With `mean_shift: k` it tilts a number's mean by k standard deviations:
each row is kept with a chance proportional to exp(t * x), t such that the tilted mean is the wanted one. `label_shift`
draws labels 0 and 1 to a base rate. Numbers with declared bins are named by their bins, as in segments.

No weights: a weighted rate has no exact bound. Rows are kept or not, by chance, before anything is asked, so the exact
bounds of the oracle hold for the new mix: given which rows are kept, outcomes are independent trials, and for trials
with unequal rates the binomial tails are conservative (Hoeffding, Ann. Math. Stat. 27 (1956) 713-721). The price is
printed: how many rows are left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import label_of
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.changes import told
from shipworthy.evaluate.parameters import feature_of, generator_rows, number_of, parameters
from shipworthy.evaluate.rows_case import judged
from shipworthy.facts import Case
from shipworthy.profile.groups import group_of
from shipworthy.profile.rows import CATEGORY, Row, as_number

Floats = NDArray[np.float64]
_WHOLE = 1e-9
_STEPS = 80


def reweight(case: Case, bench: Bench, seed: int) -> CaseShown:
    """The rows in which the feature has the wanted shares, or the wanted mean."""
    given = parameters(case)
    feature = feature_of(case, bench, given["feature"])
    rows = generator_rows(case, bench, given, seed)
    if "mean_shift" in (case.generator or {}):
        return _tilted(case, bench, feature, rows, number_of(case, given, "mean_shift"), seed)
    shares = _shares(case, given["to"])
    groups = [group_of(feature, row.get(feature.name)) for row in rows]
    return _quotas(case, bench, rows, groups, shares, feature.name, seed)


def label_shift(case: Case, bench: Bench, seed: int) -> CaseShown:
    """The labelled rows in which the share of label 1 is the wanted one."""
    given = parameters(case)
    rate = number_of(case, given, "base_rate")
    if not 0.0 < rate < 1.0:
        raise ContractError(f"base_rate: {rate!r} is no share", f"case {case.id}", "strictly between 0 and 1")
    rows = [row for row in generator_rows(case, bench, given, seed) if label_of(bench, row) is not None]
    labels = [str(label_of(bench, row)) for row in rows]
    return _quotas(case, bench, rows, labels, {"1": rate, "0": 1.0 - rate}, f"label {bench.label}", seed)


def quotas(groups: Sequence[str], shares: Mapping[str, float], seed: int) -> list[int]:
    """Return the places kept, in order: as many of each group as lets all shares hold with no row taken twice.

    Groups without a share keep their own mix in what the shares leave. A share that no row can fill keeps none at all.
    """
    sizes = {name: groups.count(name) for name in dict.fromkeys(groups)}
    rest = {name: size for name, size in sizes.items() if name not in shares}
    left = max(0.0, 1.0 - sum(shares.values()))
    left = left if left > _WHOLE else 0.0
    wanted = {**shares, **{name: left * size / sum(rest.values()) for name, size in rest.items()}}
    if left and not rest:
        return []
    total = min((sizes.get(name, 0) / share for name, share in wanted.items() if share > 0.0), default=0.0)
    rng = np.random.default_rng(seed)
    kept: list[int] = []
    for name in sorted(sizes):
        places = np.flatnonzero(np.array([group == name for group in groups]))
        kept += rng.permutation(places)[: math.floor(total * wanted[name] + _WHOLE)].tolist()
    return sorted(kept)


def tilt(numbers: Floats, wanted: float, seed: int) -> list[int]:
    """Return the places kept so that the mean is about `wanted`: rejection by exp(t * x), no row twice. None at all
    when the wanted mean lies beyond the numbers."""
    if not numbers.size or not numbers.min() < wanted < numbers.max():
        return []
    standard = (numbers - numbers.mean()) / (numbers.std() or 1.0)
    goal = (wanted - numbers.mean()) / (numbers.std() or 1.0)
    low, high = -50.0, 50.0
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _tilted_mean(standard, middle) < goal else (low, middle)
    chance = _weights(standard, 0.5 * (low + high))
    return np.flatnonzero(np.random.default_rng(seed).random(numbers.size) < chance).tolist()


def _quotas(
    case: Case,
    bench: Bench,
    rows: Sequence[Row],
    groups: Sequence[str],
    shares: Mapping[str, float],
    of: str,
    seed: int,
) -> CaseShown:
    kept = quotas(groups, shares, seed)
    missing = [name for name, share in shares.items() if share > 0.0 and name not in groups]
    mix = ", ".join(f"{name} {sum(groups[at] == name for at in kept) / max(1, len(kept)):.3g}" for name in shares)
    why = f", no row has {', '.join(missing)}" if missing else ""
    return _judged(case, bench, rows, kept, f"{of}: {mix}{why}", seed)


def _tilted(case: Case, bench: Bench, feature: Feature, rows: Sequence[Row], shift: float, seed: int) -> CaseShown:
    if feature.type == CATEGORY:
        raise ContractError(f"{feature.name!r} has no mean", f"case {case.id}", "use `to:` for a category")
    told_rows = [row for row in rows if as_number(row.get(feature.name)) is not None]
    numbers = np.array([as_number(row.get(feature.name)) for row in told_rows], dtype=np.float64)
    wanted = float(numbers.mean() + shift * numbers.std()) if numbers.size else 0.0
    kept = tilt(numbers, wanted, seed)
    reached = f"{numbers[kept].mean():.4g}" if kept else "none"
    before = f"{numbers.mean():.4g}" if numbers.size else "none"
    return _judged(
        case, bench, told_rows, kept, f"{feature.name}: mean {before} -> {reached}, asked {wanted:.4g}", seed
    )


def _judged(case: Case, bench: Bench, rows: Sequence[Row], kept: Sequence[int], mix: str, seed: int) -> CaseShown:
    result = judged(case, bench, [rows[at] for at in kept], seed)
    return CaseShown(result=told(result, f"; {mix}; {len(kept)} of {len(rows)} rows make this mix"))


def _shares(case: Case, to: Mapping[Any, Any]) -> dict[str, float]:
    shares = {str(name): number_of(case, {"to": share}, "to") for name, share in to.items()}
    if not shares or min(shares.values()) < 0.0 or sum(shares.values()) > 1.0 + _WHOLE:
        raise ContractError("to: needs shares that add up to 1 at most", f"case {case.id}", "such as {S1: 0.5}")
    return shares


def _weights(standard: Floats, t: float) -> Floats:
    return np.exp(t * standard - float((t * standard).max()))


def _tilted_mean(standard: Floats, t: float) -> float:
    weights = _weights(standard, t)
    return float(weights @ standard / weights.sum())
