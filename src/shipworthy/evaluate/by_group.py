"""Rows split into groups of people: by protected features, by other columns, and by two of them together.

In: answers, and the columns a case names (none = every feature declared protected). Out: one `Split` a column, the
group of every row in it. A column that no row has is an error: a typo must not become one group of everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from shipworthy.errors import ContractError
from shipworthy.evaluate.bench import Bench
from shipworthy.profile.groups import group_of
from shipworthy.profile.rows import Row

LEAST_ROWS = 100
"""Fewer chances than this in one group and a gap is noise: listed, not judged."""


@dataclass(frozen=True)
class Split:
    """`of` = the group of each row; `crossed` where two columns make one."""

    name: str
    of: list[str]
    crossed: bool = False


def splits(bench: Bench, rows: Sequence[Row], by: Sequence[str], pairs: bool = False) -> list[Split]:
    """Return a split per column, and with `pairs` one per two columns. Raises ContractError for a column nobody has."""
    names = list(dict.fromkeys(by)) or [one.name for one in bench.features if one.protected]
    single = [Split(name, _groups(bench, rows, name)) for name in names]
    if not pairs:
        return single
    return [*single, *(_crossed(one, other) for one, other in combinations(single, 2))]


def _groups(bench: Bench, rows: Sequence[Row], name: str) -> list[str]:
    if rows and not any(name in row for row in rows):
        raise ContractError(f"no row has a column {name!r}", "by", "name a column of the rows")
    feature = bench.feature(name)
    return [group_of(feature, row.get(name)) for row in rows]


def _crossed(one: Split, other: Split) -> Split:
    return Split(
        f"{one.name} & {other.name}", [f"{a} & {b}" for a, b in zip(one.of, other.of, strict=True)], crossed=True
    )
