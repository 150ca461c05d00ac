"""Rows to ask a model with, by somebody who wants a copy of it.

In: rows of the reference, how to draw, how many. Out: that many rows, the first ones the same whatever the number, so
that a larger budget holds the smaller. Raises ContractError where a range is not declared: a guessed one is no attack.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench
from shipworthy.facts import seed_of
from shipworthy.profile.rows import CATEGORY, Row, Value

DRAWS = ("reference", "ranges")


def questions(bench: Bench, rows: Sequence[Row], draw: str, many: int, seed: int) -> list[dict[str, Value]]:
    """Return `many` rows with the model's features only."""
    if draw not in DRAWS:
        raise ContractError(f"draw: {draw!r}", "extraction", f"one of {', '.join(DRAWS)}")
    if draw == "ranges":
        return _rows({one.name: _even(one, rows, many, seed_of(seed, one.name)) for one in bench.features}, many)
    order = np.random.default_rng(seed).permutation(len(rows))[:many]
    real = [{one.name: rows[at].get(one.name) for one in bench.features} for at in order]
    more = many - len(real)
    mixed = {one.name: _mixed(one, rows, more, seed_of(seed, "mixed", one.name)) for one in bench.features}
    return real + _rows(mixed, more)


def _even(feature: Feature, rows: Sequence[Row], many: int, seed: int) -> list[Value]:
    if feature.type == CATEGORY:
        return _mixed(feature, rows, many, seed, distinct=True)
    low, high = (0.0, 1.0) if feature.type == "bool" else (feature.min, feature.max)
    if low is None or high is None:
        raise ContractError(
            f"draw: ranges, and {feature.name} declares none", "extraction", "declare min and max, or draw: reference"
        )
    rng = np.random.default_rng(seed)
    if feature.type == "float":
        return [float(value) for value in rng.uniform(low, high, many)]
    return [int(value) for value in rng.integers(int(low), int(high) + 1, many)]


def _mixed(feature: Feature, rows: Sequence[Row], many: int, seed: int, distinct: bool = False) -> list[Value]:
    cells = [row.get(feature.name) for row in rows]
    if distinct:
        cells = sorted({cell for cell in cells if cell is not None}, key=str) or [None]
    return [cells[at] for at in np.random.default_rng(seed).integers(0, len(cells), many)]


def _rows(columns: dict[str, list[Value]], many: int) -> list[dict[str, Value]]:
    return [{name: cells[at] for name, cells in columns.items()} for at in range(many)]
