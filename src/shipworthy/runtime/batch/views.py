"""Rows as one version sees them, by columns: out-of-distribution scores, and one `View` for each kind of place.

In: the wiring, a lens, a table. Out: `Seen`. Where two rows have the same tenant, the same segment values and the same
audited groups, the same orders and limits hold for both: each such kind is looked at once, by the code of single
requests, and remembered for as long as the state stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shipworthy.deploy.batch.ranks import Floats, Groups, Marks, Places, grouped
from shipworthy.deploy.batch.table import Numbers, Table
from shipworthy.deploy.http.view import View, view_of
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.profile.columns import Coded
from shipworthy.profile.rows import LARGEST
from shipworthy.runtime.batch.lens import Buckets, Lens

MOST_KEPT = 100_000
_EMPTY_BIN = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """Some rows of a pass (`rows`: their places in it) as one version sees them. `views[view[i]]` is where row i lies;
    its `ood` is that of another row of the kind. `told` indexes `profile.batch.TOLD`."""

    rows: Places
    table: Table
    lens: Lens
    arm: str
    views: Sequence[View]
    view: Places
    p: Floats
    told: Places
    flag: Marks
    feature: Places
    unseen: Mapping[str, Marks]
    buckets: Buckets

    def part(self, which: Places) -> Seen:
        """Return some of them."""
        return Seen(
            rows=self.rows[which],
            table=self.table.part(which),
            lens=self.lens,
            arm=self.arm,
            views=self.views,
            view=self.view[which],
            p=self.p[which],
            told=self.told[which],
            flag=self.flag[which],
            feature=self.feature[which],
            unseen={name: marks[which] for name, marks in self.unseen.items()},
            buckets=Buckets(self.buckets.of[which], self.buckets.names),
        )


Carried = tuple[Places, Sequence[View]]


class Looking:
    """Remembers what holds where, for one state."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._state: tuple[object, ...] = ()
        self._kept: dict[tuple[object, ...], View] = {}

    def look(
        self, lens: Lens, arm: str, table: Table, tenants: Coded, rows: Places, carried: Carried | None = None
    ) -> Seen:
        """Return these rows as a version sees them. `carried`: views already taken, whose postures go on holding."""
        scored = lens.score(table)
        groups, columns = self._places(table, tenants, carried)
        views = [
            self._view(
                lens, arm, table, tenants, row, columns, None if carried is None else carried[1][carried[0][row]]
            )
            for row in groups.first.tolist()
        ]
        return Seen(
            rows=rows,
            table=table,
            lens=lens,
            arm=arm,
            views=views,
            view=groups.of,
            p=scored.p,
            told=scored.view.astype(np.intp),
            flag=scored.flag,
            feature=scored.feature.astype(np.intp),
            unseen=lens.unseen(table),
            buckets=lens.buckets(table),
        )

    def _places(self, table: Table, tenants: Coded, carried: Carried | None) -> tuple[Groups, list[tuple[Places, Any]]]:
        keys = self._wiring.keys
        columns: list[tuple[Places, Any]] = [(tenants.codes.astype(np.intp), tenants.values)]
        for name in dict.fromkeys((*keys.segments, *keys.groups)):
            columns.append(_codes(table, name, keys.bins.get(name, ())))
        coded = [(codes, len(values)) for codes, values in columns]
        if carried is not None:
            coded.append((carried[0], len(carried[1])))
        return grouped(table.n, coded), columns

    def _view(
        self,
        lens: Lens,
        arm: str,
        table: Table,
        tenants: Coded,
        row: int,
        columns: list[tuple[Places, Any]],
        carried: View | None,
    ) -> View:
        w, version = self._wiring, lens.release.version
        key: tuple[object, ...] = (
            version, arm, id(lens),
            *((type(value), value) for codes, values in columns for value in (values[codes[row]],)),
        )  # fmt: skip
        if carried is not None:  # rare, and its postures are of the moment
            return view_of(w, version, arm, str(tenants.values[tenants.codes[row]]), table.row(row), carried=carried)
        state = (w.epoch(), w.closed(version), tuple(w.releases))
        if state != self._state or len(self._kept) > MOST_KEPT:
            self._state, self._kept = state, {}
        view = self._kept.get(key)
        if view is None:
            view = view_of(w, version, arm, str(tenants.values[tenants.codes[row]]), table.row(row))
            self._kept[key] = view
        return view


def _codes(table: Table, name: str, edges: tuple[float, ...]) -> tuple[Places, Any]:
    """Number the values of a segment key: by bin where it has edges, else by distinct cell."""
    column = table.columns.get(name)
    if edges and isinstance(column, Numbers):
        values = column.values
        known = np.abs(values) < LARGEST
        codes = np.where(known, np.searchsorted(edges, values, side="right") + _EMPTY_BIN, 0)
        return codes.astype(np.intp), [("bin", at) for at in range(len(edges) + 1 + _EMPTY_BIN)]
    words = table.words(name)
    return words.codes.astype(np.intp), words.values
