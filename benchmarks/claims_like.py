"""A made-up table such as claims have: amounts, counts, one-hot groups, columns nobody can change, and one relation.

In: a seed. Out: rows as numbers, their declarations, labels with a known rule and noise, a fitted model.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier

from shipworthy.contract.manifest import Feature
from shipworthy.expr import Expression, compile_expr
from shipworthy.profile.rows import Row

GROUPS = {"region": 4, "kind": 5}
TRAINED_ON = 2000


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers with what is declared of them, and a model fitted on the first `trained_on` rows."""

    features: tuple[Feature, ...]
    relations: tuple[Expression, ...]
    data: NDArray[np.float64]
    label: NDArray[Any]
    model: Any
    trained_on: int

    def row(self, numbers: NDArray[np.float64]) -> Row:
        """Return one row as a record: whole numbers that are whole become such."""
        cells = zip(self.features, numbers.tolist(), strict=True)
        return {
            one.name: int(cell) if one.type != "float" and float(cell).is_integer() else float(cell)
            for one, cell in cells
        }


def claims_like(seed: int, rows: int = 4000) -> Table:
    """Return the table: 18 columns, of which 9 of the groups and 4 numbers may change."""
    rng = np.random.default_rng(seed)
    amount = np.round(rng.gamma(2.0, 2000.0, rows).clip(0.0, 50_000.0), 2)
    columns: dict[str, Any] = {
        "amount": amount,
        "paid": np.round(amount * rng.uniform(0.0, 1.0, rows), 2),
        "visits": rng.poisson(4.0, rows).clip(0, 60),
        "days": rng.integers(0, 400, rows),
    }
    for group, size in GROUPS.items():
        chosen = rng.integers(0, size, rows)
        columns.update({f"{group}_{at}": (chosen == at).astype(int) for at in range(size)})
    columns.update({"age": rng.integers(18, 90, rows), "tenure": rng.integers(0, 30, rows)})
    columns.update({f"fixed_{at}": rng.normal(size=rows) for at in range(3)})
    z = (amount - columns["paid"]) / 3000 + 0.3 * columns["visits"] - 0.004 * columns["days"]
    z = z + 1.5 * columns["kind_1"] - columns["region_2"] + columns["fixed_0"] - 1.0
    label = (rng.random(rows) < 1.0 / (1.0 + np.exp(-z))).astype(int)
    data = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns.values()])
    model = GradientBoostingClassifier(random_state=seed).fit(data[:TRAINED_ON], label[:TRAINED_ON])
    return Table(
        features=tuple(_declared(name) for name in columns),
        relations=(compile_expr("paid <= amount"),),
        data=data,
        label=label,
        model=model,
        trained_on=TRAINED_ON,
    )


def _declared(name: str) -> Feature:
    group = name.rsplit("_", 1)[0]
    if group in GROUPS:
        return Feature(name=name, type="bool", mutable="yes", group=group)
    if name in ("amount", "paid"):
        return Feature(name=name, type="float", min=0.0, max=50_000.0, mutable="yes")
    if name in ("visits", "days"):
        return Feature(name=name, type="int", min=0.0, max=400.0, mutable="increase" if name == "visits" else "yes")
    return Feature(name=name, type="int" if name in ("age", "tenure") else "float")
