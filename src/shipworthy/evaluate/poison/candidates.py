"""Which values somebody might have planted, where the model's own thresholds cannot be read.

In: the suspect table, the trusted one, the declared features. Out: candidates per feature: values that repeat or that
the trusted rows do not have, the far tails, codes that stand for missing, the declared ends and what lies just beyond,
deciles, a category nobody has seen, an empty cell. The order is fixed; no value is tried twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.poison.cells import FAR, LEAST_ROWS, MOST_VALUES
from shipworthy.evaluate.poison.table import MISSING, Floats, Ints, Table
from shipworthy.evaluate.poison.triggers import Candidate
from shipworthy.profile.rows import Value

SENTINELS = (-999.0, -99.0, -1.0, 0.0, 99.0, 999.0, 9999.0)
UNSEEN = "a category nobody has seen"
MOST_NEW = 64
MOST_REPEATED = 64
MOST_CODES = 256


def candidates_of(features: Sequence[Feature], suspect: Table, trusted: Table) -> list[Candidate]:
    """Return the candidates of every feature."""
    return [Candidate(one.name, value) for one in features for value in _values(one, suspect, trusted)]


def _values(feature: Feature, suspect: Table, trusted: Table) -> list[Value]:
    if feature.name in suspect.categories:
        return _codes(suspect.categories[feature.name], trusted.categories[feature.name])
    if feature.type == "bool":
        return [0, 1, None]
    numbers = _numbers(feature, suspect.numbers[feature.name], trusted.numbers[feature.name])
    whole = feature.type == "int"
    made: dict[Value, None] = {(int(one) if whole and one.is_integer() else one): None for one in numbers}
    return [*made, None]


def _codes(suspect: Sequence[str], trusted: Sequence[str]) -> list[Value]:
    """Codes the trusted rows lack first, then all by how often they occur; then one nobody has seen, then none."""
    seen, known = Counter(suspect), frozenset(trusted)
    order = sorted((one for one in seen if one != MISSING), key=lambda one: (one in known, -seen[one], one))
    return [*order[:MOST_CODES], UNSEEN, None]


def _numbers(feature: Feature, suspect: Floats, trusted: Floats) -> Iterator[float]:
    suspect, trusted = suspect[~np.isnan(suspect)], trusted[~np.isnan(trusted)]
    values, counts = np.unique(suspect, return_counts=True)
    if values.size <= MOST_VALUES:
        yield from values.tolist()
    else:
        yield from _most(values, counts, ~np.isin(values, trusted) & (counts > 1), MOST_NEW)
        yield from _most(values, counts, counts >= LEAST_ROWS, MOST_REPEATED)
    yield from _ends(feature, suspect)
    reference = trusted if trusted.size else suspect
    if reference.size:
        yield from np.quantile(reference, np.linspace(0.0, 1.0, 11)).tolist()
        yield from _tails(reference)
    yield from SENTINELS


def _most(values: Floats, counts: Ints, keep: NDArray[np.bool_], most: int) -> list[float]:
    kept = np.flatnonzero(keep)
    order = kept[np.argsort(-counts[kept], kind="stable")][:most]
    return [float(one) for one in values[order]]


def _ends(feature: Feature, suspect: Floats) -> Iterable[float]:
    for end, beyond in ((feature.min, -1.0), (feature.max, 1.0)):
        if end is not None:
            yield from (float(end), float(end) + beyond)
    if suspect.size:
        yield from (float(suspect.min()), float(suspect.max()))


def _tails(reference: Floats) -> Iterable[float]:
    middle = float(np.median(reference))
    spread = float(np.median(np.abs(reference - middle))) or float(reference.std()) or 1.0
    for reach in (FAR, 2.0 * FAR):
        yield from (middle - reach * spread, middle + reach * spread)
