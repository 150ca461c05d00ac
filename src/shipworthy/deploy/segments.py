"""The segments of one request.

In: a row, the segment keys of the manifest and the features whose category this version has never seen.
Out: key -> value (what posture scopes are matched with) and canonical segment texts: each single key, each pair.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache

from shipworthy.facts import MISSING, RESERVED, UNSEEN, bin_name
from shipworthy.facts.segments import term
from shipworthy.profile.rows import as_category, as_number

Cell = float | int | str | bool | None
Hide = Callable[[str, str], str]
_term = lru_cache(maxsize=16_384)(lambda key, value: term(key, (value,)))


def segments_of(
    row: Mapping[str, Cell],
    keys: Collection[str],
    pairs: Collection[tuple[str, str]],
    unseen: Collection[str] = (),
    *,
    bins: Mapping[str, tuple[float, ...]] | None = None,
    hide: Hide | None = None,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return (key -> value, canonical texts of every key and declared pair).

    A missing value is `__missing__`; a key named in `unseen` is `__unseen__`. `bins`: edges of numeric keys.
    `hide(key, value)` returns what stands for the value of a key that is not public.
    """
    values: dict[str, str] = {}
    for key in keys:
        value = UNSEEN if key in unseen and row.get(key) is not None else _value(row.get(key), (bins or {}).get(key))
        values[key] = hide(key, value) if hide and value not in (UNSEEN, MISSING) else value
    terms = {key: _term(key, value) for key, value in values.items()}
    joined = (";".join(terms[key] for key in sorted(pair)) for pair in pairs)
    return values, (*terms.values(), *joined)


def _value(cell: Cell, edges: tuple[float, ...] | None) -> str:
    """Return the value of a key as `profile.groups.group_of` names it offline; a reserved word sent is no value."""
    if cell is None or cell == "" or cell != cell:  # empty, or NaN
        return MISSING
    if edges:
        number = as_number(cell)
        return MISSING if number is None else bin_name(edges, number)
    if isinstance(cell, bool):
        return str(int(cell))
    return UNSEEN if cell in RESERVED else as_category(cell) or MISSING
