"""The group a row belongs to by one of its columns: what audits compare and segments are keyed by.

In: a feature and a cell. Out: a short text. Categories and flags are their own group; numbers need declared bins, since
a group of one value of age would tell more about a person than about the model.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Protocol

from shipworthy.facts import MISSING
from shipworthy.profile.rows import CATEGORY, Value, as_category, as_number


class GroupedFeature(Protocol):
    """What is read of a feature here. `bins` are ascending edges; each belongs to the group above it."""

    @property
    def type(self) -> str: ...
    @property
    def bins(self) -> tuple[float, ...]: ...


def group_of(feature: GroupedFeature | None, value: Value) -> str:
    """Return the group of a cell; a column that is no feature (a tenant, a jurisdiction) is taken as it is.

    >>> from types import SimpleNamespace
    >>> age = SimpleNamespace(type="int", bins=(25, 65))
    >>> [group_of(age, value) for value in (24, 25, 65, None)]
    ['<25', '25-65', '>=65', '__missing__']
    """
    if feature is None or feature.type == CATEGORY or not feature.bins:
        return as_category(value) or MISSING
    number = as_number(value)
    return MISSING if number is None else _bin(feature.bins, number)


def groups_of(feature: GroupedFeature) -> tuple[str, ...]:
    """Return the groups that the declared bins make, lowest first; empty for a feature without bins."""
    edges = feature.bins
    return tuple(_bin(edges, number) for number in (edges[0] - 1.0, *edges)) if edges else ()


def _bin(edges: tuple[float, ...], number: float) -> str:
    cell = bisect_right(edges, number)
    if cell == 0:
        return f"<{edges[0]:g}"
    return f">={edges[-1]:g}" if cell == len(edges) else f"{edges[cell - 1]:g}-{edges[cell]:g}"
