"""Where a request lies: its segment texts, and the key values that postures and limits are matched with.

In: where a row says whose it is, and the row. Out: a `Place`. A value that a version has never seen is `__unseen__` to
its windows; yet an order on the value's own name holds too, or an order could be slipped by a model's ignorance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from shipworthy.deploy.body import Cell
from shipworthy.deploy.segments import Hide, segments_of

Row = Mapping[str, Cell]
Readings = list[dict[str, str]]
MOST_PLACES = 16_384
LONG = 200  # characters: what is longer is no place that comes again


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a row says whose it is. `tenant` None: there are no tenants, all are `default`.

    `segments`: keys and declared pairs; `groups`: audited features, whose groups windows tell apart; `bins`: edges of
    numeric keys; `hide`: what stands for a non-public value.
    """

    tenant: str | None = None
    unit: str | None = None
    segments: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    groups: tuple[str, ...] = ()
    bins: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    hide: Hide | None = None


class Place(NamedTuple):
    """Segment texts, and key values: `orders` as windows and orders name them, `plain` as the contract does. `groups`:
    texts of the audited features."""

    texts: tuple[str, ...]
    orders: Readings
    plain: Readings
    groups: tuple[str, ...] = ()


class Places:
    """Where requests lie, remembered: most rows lie where another has lain. One thread."""

    __slots__ = ("_keys", "_known", "_named", "most")

    def __init__(self, keys: Keys) -> None:
        self.most = MOST_PLACES
        self._keys = keys
        self._named = tuple(dict.fromkeys((*keys.segments, *keys.groups)))
        self._known: dict[tuple[object, ...], Place] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, tenant: str, row: Row, unseen: tuple[str, ...]) -> Place:
        """Return what `locate` returns. Readings are shared: whoever gets one must not change it."""
        get = row.get
        cells = [get(name) for name in self._named]
        # 1, 1.0 and true are equal and are not one value everywhere
        key = (tenant, unseen, *cells, *[cell.__class__ for cell in cells])
        known = self._known.get(key)
        if known is None:
            known = locate(self._keys, tenant, row, unseen)
            if len(tenant) > LONG or any(len(cell) > LONG for cell in cells if isinstance(cell, str)):
                return known
            if len(self._known) >= self.most:
                self._known.clear()
            self._known[key] = known
        return known


def locate(keys: Keys, tenant: str, row: Row, unseen: tuple[str, ...]) -> Place:
    """Return where a request lies. Two readings when a segment key's value is unseen: by `__unseen__` and by name."""
    orders, texts = _readings(keys, tenant, row, unseen, keys.hide)
    plain = orders if keys.hide is None else _readings(keys, tenant, row, unseen, None)[0]
    groups = segments_of(row, keys.groups, (), unseen, bins=keys.bins)[1] if keys.groups else ()
    return Place(texts, orders, plain, groups)


def _readings(
    keys: Keys, tenant: str, row: Row, unseen: tuple[str, ...], hide: Hide | None
) -> tuple[Readings, tuple[str, ...]]:
    values, texts = segments_of(row, keys.segments, keys.pairs, unseen, bins=keys.bins, hide=hide)
    readings = [values]
    if unseen and not set(unseen).isdisjoint(keys.segments):
        readings.append(segments_of(row, keys.segments, (), (), bins=keys.bins, hide=hide)[0])
    for reading in readings:
        reading["tenant"] = tenant
    return readings, texts
