"""Do rows that the model is judged on stand in the rows it was trained on: the same record, the same person, one crash.

In: training rows and held-out rows; `by:` the columns that make a row what it is, by default the features. Out, by the
oracle's metric: duplicates (how many held-out rows are in the training rows), duplicate_rate (their share, with
bounds), excess_duplicate_rate (that, less the share of training rows that repeat among themselves: in a coarse table
rows coincide by chance), conflicting_label_rate (the share of all rows whose like carries the other label).

Numbers are compared as numbers, categories as texts. A row that lacks one of the columns of `by` is never a duplicate;
how many lack one is told. Five training rows put into a copy of the held-out ones must be found first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import msgspec

from shipworthy.errors import ContractError
from shipworthy.evaluate.answered import label_of
from shipworthy.evaluate.bench import Bench, CaseShown
from shipworthy.evaluate.examples import MOST, example
from shipworthy.evaluate.oracle import judge_number, judge_rate
from shipworthy.evaluate.parameters import case_rows, parameters
from shipworthy.evaluate.poison.shown import silent
from shipworthy.facts import Case, CaseResult, Example
from shipworthy.profile.rows import CATEGORY, Row, as_category, as_number, is_missing
from shipworthy.stats.bounds import newcombe_difference

CANARY = 5
BLIND = "rows that were changed a little, and the same person under another name"
Key = tuple[Hashable, ...]


def run_case(case: Case, bench: Bench, seed: int) -> CaseShown:
    """Return the result. Raises ContractError on rows nobody loaded and on a column that no row has."""
    given = parameters(case)
    by = tuple(given["by"])
    train = case_rows(bench, case, given["train"] or bench.train, "true", None, seed)
    held_out = case_rows(bench, case, given["held_out"] or bench.held_out, "true", None, seed)
    if not train or not held_out:
        return silent(case, f"{len(train)} training rows, {len(held_out)} held-out rows", seed, indicator=None)
    _check(case, (*train, *held_out), by)
    keys, others = [_key(bench, row, by) for row in train], [_key(bench, row, by) for row in held_out]
    inside = frozenset(key for key in keys if key is not None)
    found = [at for at, key in enumerate(others) if key in inside]
    again = [key for key in keys if key is not None][:CANARY]
    if len(again) < CANARY or sum(key in inside for key in (*others, *again)) != len(found) + CANARY:
        return silent(case, f"{CANARY} training rows put into the held-out ones were not found", seed, indicator=None)
    lacking = sum(key is None for key in (*keys, *others))
    notes = f"; by {', '.join(by) or 'all features'}; {CANARY} planted found first; blind to: {BLIND}"
    notes += f"; {lacking} rows lack a column and are compared with nothing" if lacking else ""
    shown = _judged(case, bench, (train, keys), (held_out, others), found, seed, notes)
    worst = _conflicts(bench, train, keys, held_out, others) if _asks_conflicts(case) else _same(held_out, found)
    return CaseShown(result=msgspec.structs.replace(shown, worst=worst))


def _judged(
    case: Case,
    bench: Bench,
    train: tuple[Sequence[Row], Sequence[Key | None]],
    held_out: tuple[Sequence[Row], Sequence[Key | None]],
    found: Sequence[int],
    seed: int,
    notes: str,
) -> CaseResult:
    n, hits = len(held_out[0]), len(found)
    if case.oracle.metric == "duplicate_rate":
        return judge_rate(case, hits, n, seed, notes=notes)
    if _asks_conflicts(case):
        told = _conflicting(bench, (*train[0], *held_out[0]), (*train[1], *held_out[1]))
        return judge_rate(case, sum(told), len(told), seed, notes=notes)
    if case.oracle.metric == "excess_duplicate_rate":
        times = Counter(key for key in train[1] if key is not None)
        repeats, of = sum(key is not None and times[key] > 1 for key in train[1]), len(train[1])
        low, high = newcombe_difference(hits, n, repeats, of, case.oracle.level)
        notes += f"; {hits / n:.1%} of the held-out rows, {repeats / of:.1%} of the training rows among themselves"
        return judge_number(case, hits / n - repeats / of, low, high, n, seed, notes)
    return judge_number(case, float(hits), float(hits), float(hits), n, seed, notes)


def _asks_conflicts(case: Case) -> bool:
    return case.oracle.metric == "conflicting_label_rate"


def _conflicting(bench: Bench, rows: Sequence[Row], keys: Sequence[Key | None]) -> list[bool]:
    """For each row that can be compared: does a row like it carry the other label."""
    seen: dict[Key, set[int]] = {}
    told = [(key, label_of(bench, row)) for row, key in zip(rows, keys, strict=True)]
    for key, label in told:
        if key is not None and label is not None:
            seen.setdefault(key, set()).add(label)
    return [len(seen[key]) > 1 for key, label in told if key is not None and label is not None]


def _conflicts(
    bench: Bench,
    train: Sequence[Row],
    keys: Sequence[Key | None],
    held_out: Sequence[Row],
    others: Sequence[Key | None],
) -> tuple[Example, ...]:
    labels = {(key, label_of(bench, row)) for row, key in zip(train, keys, strict=True) if key is not None}
    told = [(at, row, key, label_of(bench, row)) for at, (row, key) in enumerate(zip(held_out, others, strict=True))]
    against = [(at, row) for at, row, key, label in told if label is not None and (key, 1 - label) in labels]
    return tuple(example("a training row like it has the other label", at, row) for at, row in against[:MOST])


def _same(held_out: Sequence[Row], found: Sequence[int]) -> tuple[Example, ...]:
    return tuple(example("stands in the training rows", at, held_out[at]) for at in found[:MOST])


def _key(bench: Bench, row: Row, by: Sequence[str]) -> Key | None:
    """What makes the row what it is; None where a column of `by` is empty. Features may be empty: that is a value."""
    if by:
        cells = [row.get(name) for name in by]
        return None if any(is_missing(cell) for cell in cells) else tuple(as_category(cell) for cell in cells)
    return tuple(
        as_category(row.get(one.name)) if one.type == CATEGORY else as_number(row.get(one.name))
        for one in bench.features
    )


def _check(case: Case, rows: Sequence[Row], by: Sequence[str]) -> None:
    for name in by:
        if not any(name in row for row in rows):
            raise ContractError(f"no column {name!r}", f"case {case.id}", "name columns of the rows under `by:`")
