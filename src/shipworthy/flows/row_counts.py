"""How many rows a case could count at most, told from the data before any model is asked.

In: the repository, its manifest, the digests of its files. Out: a number a case, from one pass over each file, kept in
`.shipworthy/cache` by the digest of the file: `check` is asked often. What depends on an answer (a decision, a score)
could be anything, so that its rows count; what is kept only advises, the evaluation counts again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from shipworthy.contract.generators import SHAPES
from shipworthy.contract.manifest import Manifest
from shipworthy.contract.pack import is_table
from shipworthy.errors import ShipworthyError
from shipworthy.expr import compile_expr
from shipworthy.facts import Case, Digest, digest, parse_segment

ANSWERS = ("decision", "score", "route", "uncertainty", "bucket", "ood", "ood_flag", "ood_p", "ood_view")


class RowCounts:
    """Counts rows, remembering on disk what it has counted. `save` writes what is new."""

    def __init__(self, root: Path, manifest: Manifest, digests: Mapping[str, Digest]) -> None:
        self._root, self._manifest, self._digests = root, manifest, digests
        self._file = root / ".shipworthy" / "cache" / "rows.json"
        self._kept = self._read()
        self._used: dict[str, int] = {}
        self._tables: dict[str, list[dict[str, Any]]] = {}

    def most(self, case: Case) -> int | None:
        """Return the most rows that could count in `case`, None where the data cannot be read or another package makes
        the rows."""
        asked = self._asked(case)
        if asked is None:
            return None
        rows, where, most = asked
        known = self._counted(rows, where, case)
        if known is None:
            return most
        return known if most is None else min(known, most)

    def save(self) -> None:
        """Keep the counts of what was asked this time, and no others."""
        if self._used == self._kept:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_bytes(msgspec.json.encode(self._used))

    def _asked(self, case: Case) -> tuple[str, str, int | None] | None:
        """The rows a case begins with: data set or file, filter, and the cap it sets itself."""
        if case.input is not None:
            return case.input.get("rows", ""), case.input.get("where", "true"), None
        given = case.generator or {}
        shape = SHAPES.get(str(given.get("name", "")))
        if shape is None or shape.most is None:
            return None
        parameters = {**shape.parameters, **given}
        most = parameters.get(shape.most)
        where = parameters.get("where", "true")
        return str(parameters.get("dataset") or "test"), str(where), most if isinstance(most, int) else None

    def _counted(self, rows: str, where: str, case: Case) -> int | None:
        declared = self._manifest.datasets.get(rows)
        path = rows if is_table(rows) else declared.path if declared is not None else None
        if path is None or path not in self._digests:
            return None
        within = "true" if is_table(rows) or declared is None else declared.where
        what = [self._digests[path], within, where, case.segment, case.oracle.among, self._manifest.label.column]
        key = digest(what)
        try:
            known = self._kept.get(key)
            self._used[key] = self._count(path, (within, where), case) if known is None else known
        except ShipworthyError:
            return None  # a table that cannot be read is told of by those who must read it
        return self._used[key]

    def _count(self, path: str, filters: tuple[str, str], case: Case) -> int:
        keep = [compile_expr(text) for text in filters]
        among = compile_expr(case.oracle.among)
        inside = self._segment(case)
        blank = dict.fromkeys(ANSWERS)
        label = self._manifest.label.column
        return sum(
            all(one(row) is True for one in keep)
            and all(str(row.get(key)) in values for key, values in inside.items())
            and among({**row, **blank, "label": row.get(label)}) is not False
            for row in self._table(path)
        )

    def _segment(self, case: Case) -> dict[str, frozenset[str]]:
        """The terms that plain columns decide; bins of features and reserved groups are left to the evaluation."""
        terms = parse_segment(case.segment) if case.segment != "*" else {}
        return {
            key: frozenset(values)
            for key, values in terms.items()
            if self._manifest.feature(key) is None and not any(value.startswith("__") for value in values)
        }

    def _table(self, path: str) -> list[dict[str, Any]]:
        if path not in self._tables:
            from shipworthy.models.table import read_rows
            from shipworthy.runtime.columns import text_columns

            self._tables[path] = read_rows(self._root / path, text=text_columns(self._manifest))
        return self._tables[path]

    def _read(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.MsgspecError):
            return {}
