"""The group a row belongs to by one of its columns: what audits compare and segments are keyed by.

In: a feature and a cell. Out: a short text. Categories and flags are their own group; numbers need declared bins, since
a group of one value of age would tell more about a person than about the model.
"""

from __future__ import annotations

from typing import Protocol

from shipworthy.facts import MISSING, bin_name, bin_names
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
    ['lt_25', '25_to_65', 'ge_65', '__missing__']
    """
    if feature is None or feature.type == CATEGORY or not feature.bins:
        return as_category(value) or MISSING
    number = as_number(value)
    return MISSING if number is None else bin_name(feature.bins, number)


def groups_of(feature: GroupedFeature) -> tuple[str, ...]:
    """Return the groups that the declared bins make, lowest first; empty for a feature without bins."""
    return bin_names(feature.bins)


def groups_declared(feature: GroupedFeature) -> bool:
    """True when a cell of this feature has a group: a category, a flag, or a number with bins. Texts have none.

    >>> from types import SimpleNamespace
    >>> [groups_declared(SimpleNamespace(type=kind, bins=())) for kind in ("category", "bool", "float")]
    [True, True, False]
    """
    return feature.type in (CATEGORY, "bool") or (feature.type in ("int", "float") and bool(feature.bins))
