"""Rolling up in SQLite: old minutes become sums of five minutes and then hours, and what is past keeping goes.

In: the minute of now and the cuts. Out: how many rows were summed. Each transaction takes some of the oldest rows of a
table, adds them to the coarser one and deletes them: the same counts lie in one place or in the other, wherever it is
cut off. So it may run again at any time, and counts that come late for a minute that was summed lie beside the sum
until the next run adds them. Times: `tiers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from shipworthy.facts import LabelSummary, WindowSummary
from shipworthy.facts.adding import added, same_shard
from shipworthy.store import labels, windows
from shipworthy.store.connection import Database
from shipworthy.store.summaries import packed, unpacked
from shipworthy.store.tiers import GRACE, HOUR, LABEL_TIERS, ROWS_AT_ONCE, WINDOW_TIERS, bucket

Summary = TypeVar("Summary", WindowSummary, LabelSummary)


def roll_up(
    db: Database,
    now: int,
    cuts: Sequence[int],
    kept: int,
    receipts_kept: int,
    pause: Callable[[float], bool] = lambda seconds: False,
) -> int:
    """Sum what is old and forget what is past keeping; return the number of rows that were summed.

    `pause(seconds)` is called between transactions, with the time that the last one held the store, so that others get
    as much of it; when it returns True the rest is left for the next time.
    """
    moved = 0
    for step, before in _steps(db, now, cuts):
        more = 1
        while more:
            began = time.monotonic()
            more = step(before)
            moved += more
            if more and pause(time.monotonic() - began):
                return moved
    _forget(db, now - kept - GRACE, now - receipts_kept - GRACE)
    return moved


def _steps(db: Database, now: int, cuts: Sequence[int]) -> Iterator[tuple[Callable[[int], int], int]]:
    """What moves some rows of a table, and the minute before which they go."""
    for fine, coarse, age in WINDOW_TIERS:
        step = _Step(db, f"windows_{fine}", f"windows_{coarse}", windows.COLUMNS, coarse, cuts)
        yield partial(step.move, WindowSummary, same_shard), now - age
    for fine, coarse, age in LABEL_TIERS:
        step = _Step(db, f"labels_{fine}", f"labels_{coarse}", labels.COLUMNS, coarse, cuts)
        yield partial(step.move, LabelSummary, added), now - age


class _Step:
    """From one table into a coarser one."""

    def __init__(
        self, db: Database, source: str, target: str, columns: Sequence[str], span: int, cuts: Sequence[int]
    ) -> None:
        self.db, self.source, self.target, self.columns, self.span = db, source, target, columns, span
        self.cuts = sorted(cuts)
        self.named = " AND ".join(f"{column} = ?" for column in columns)

    def move(self, kind: type[Summary], add: Callable[[Summary, Summary], Summary], before: int) -> int:
        """Sum some of the rows before a minute in one transaction; return how many."""
        listed = ", ".join(self.columns)
        oldest = f"SELECT {listed}, body FROM {self.source} WHERE minute < ? ORDER BY {listed} LIMIT ?"
        with self.db.transaction():
            rows = self.db.rows(oldest, (before, ROWS_AT_ONCE))
            keys = dict.fromkeys(tuple(names) for *names, _ in rows)
            found: dict[tuple[Any, ...], Summary] = {}
            # A key may have one row a shard: all of them, even those beyond the limit, since they go by their key.
            for names in keys:
                for (body,) in self.db.rows(f"SELECT body FROM {self.source} WHERE {self.named}", names):
                    self._add(found, unpacked(body, kind, dict(zip(self.columns, names, strict=True))), add)
            for key, total in found.items():
                self._save(key, total, kind, add)
            for names in keys:
                self.db.write("rollup", f"DELETE FROM {self.source} WHERE {self.named}", names)
        return len(rows)

    def _add(
        self, found: dict[tuple[Any, ...], Summary], one: Summary, add: Callable[[Summary, Summary], Summary]
    ) -> None:
        moved = replace(one, minute=bucket(one.minute, self.span, self.cuts))
        key = tuple(getattr(moved, column) for column in self.columns)
        found[key] = add(found[key], moved) if key in found else moved

    def _save(
        self,
        key: tuple[Any, ...],
        total: Summary,
        kind: type[Summary],
        add: Callable[[Summary, Summary], Summary],
    ) -> None:
        before = self.db.rows(f"SELECT body FROM {self.target} WHERE {self.named}", key)
        if before:
            total = add(unpacked(before[0][0], kind, dict(zip(self.columns, key, strict=True))), total)
        places = ", ".join("?" * (len(key) + 1))
        self.db.write("rollup", f"INSERT OR REPLACE INTO {self.target} VALUES ({places})", (*key, packed(total)))


def _forget(db: Database, before: int, receipts_before: int) -> None:
    """Delete what is older. Batches of these minutes are refused from before the first row goes."""
    if before > windows.forgotten_before(db):
        with db.transaction():
            db.write("rollup", "INSERT OR REPLACE INTO marks VALUES (?, ?)", (windows.FORGOTTEN, before))
    for table in (*windows.TABLES, "heartbeats", *labels.TABLES, "label_cells"):
        _forget_in(db, table, "minute", before, HOUR)
    _forget_in(db, "window_batches", "oldest", before, HOUR)
    _forget_in(db, "label_receipts", "minute", receipts_before, 1)


def _forget_in(db: Database, table: str, column: str, before: int, at_once: int) -> None:
    """Delete what lies before a minute, the oldest first, a few minutes at once."""
    while True:
        with db.transaction():
            oldest = db.rows(f"SELECT min({column}) FROM {table}")[0][0]
            if oldest is None or oldest >= before:
                return
            until = min(before, oldest + at_once)
            db.write("rollup", f"DELETE FROM {table} WHERE {column} < ?", (until,))
