"""Probing: attacks of our own are found in a handful of queries, honest callers no more often than is promised."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from shipworthy.observe.probing import (
    LEAST_ROWS,
    MIN_HITS,
    MOST_CALLERS,
    MOST_NULL,
    Hashes,
    Probing,
    Watch,
    null_rate,
    watch_of,
)
from shipworthy.stats.sequential import NULL_RATE
from tests.evaluate.test_attacks import linear

NONE = (False, False, False)
LAST = (False, False, True)
RICH = (0, 0, 0, 0, 2, 3, 5, 50)  # values a feature has; 0: a number that hardly comes twice
POOR = (2, 3, 4, 5, 3, 2, 6, 4)


def table(n: int, values: tuple[int, ...], seed: int) -> Hashes:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(0, size or 2**32, n) for size in values]).astype(np.uint32)


def fed(probing: Probing, *rows: tuple[int, ...], caller: str = "p-1") -> list[int]:
    return [probing.add(caller, row) for row in rows]


def new(mutable: tuple[bool, ...] = NONE, memory: int = 4, null: float = 0.01) -> Probing:
    return Probing(Watch(memory, null, mutable))


def test_a_feature_changed_step_by_step_raises_the_alarm_at_the_fifth_change() -> None:
    assert fed(new(), *((1, 2, third) for third in range(7))) == [0] * 5 + [5, 0]


def test_after_an_alarm_the_evidence_begins_anew() -> None:
    assert fed(new(), *((1, 2, third) for third in range(16))).count(5) == 3


@pytest.mark.parametrize(
    ("mutable", "rows"),
    [
        (NONE, [(1, 2, 3), (1, 9, 8), (4, 9, 7), (4, 5, 6)]),  # two at a time, and nothing may change
        (LAST, [(1, 2, 3), (9, 2, 4), (9, 5, 6), (7, 5, 8)]),  # one that may change and one that may not
        ((True, True, True), [(1, 2, 3), (4, 5, 6), (7, 8, 9), (1, 8, 4)]),  # where all may change, nothing is the same
    ],
)
def test_rows_of_their_own_are_no_near_repeats(mutable: tuple[bool, ...], rows: list[tuple[int, int, int]]) -> None:
    probing = new(mutable, memory=1)
    assert fed(probing, *rows * 20) == [0] * 80


def test_what_may_change_may_change_all_at_once() -> None:
    rows = [(1, two, three) for two, three in pairwise(range(7))]
    assert fed(new((False, True, True)), *rows)[-1] == 5
    assert fed(new((False, True, False)), *rows) == [0] * 6


def test_a_row_sent_again_and_again_is_a_retry() -> None:
    probing = new()
    assert fed(probing, *[(1, 2, 3)] * 500) == [0] * 500
    assert fed(probing, (1, 2, 4), (1, 2, 5), (1, 2, 6), (1, 2, 7), (1, 2, 8))[-1] == 5  # and hides nothing


def test_what_is_not_held_any_more_is_forgotten() -> None:
    between = [(10 * i, 10 * i + 1, 10 * i + 2) for i in range(1, 5)]
    near = fed(new(memory=5), (1, 2, 3), *between, (1, 2, 4)), fed(new(memory=4), (1, 2, 3), *between, (1, 2, 4))
    assert near == ([0] * 6, [0] * 6)  # one near repeat is no alarm; the next ones tell whether it was counted
    for memory, alarm in ((5, 5), (4, 0)):
        probing = new(memory=memory)
        rows = [(1, 2, 3), *between]
        told = [fed(probing, (1, 2, 50 + i), *between)[0] for i in range(6) if fed(probing, *rows) is not None]
        assert bool(max(told)) is bool(alarm)


def test_callers_are_told_apart() -> None:
    probing = new()
    assert [probing.add(f"p-{third % 5}", (1, 2, third)) for third in range(25)] == [0] * 25


def test_a_flood_of_callers_takes_bounded_memory_and_the_last_ones_are_watched() -> None:
    probing = new()
    for i in range(5 * MOST_CALLERS):
        probing.add(f"p-{i}", (i, i, i))
    assert len(probing) == MOST_CALLERS
    assert fed(probing, *((1, 2, third) for third in range(6)), caller="new")[-1] == 5
    assert len(probing) == MOST_CALLERS


@pytest.mark.parametrize("attack", ["nearest_flip", "boundary", "hop_skip_jump", "random"])
@pytest.mark.parametrize(("between", "within"), [(0, 6), (3, 6), (10, 12)])
def test_every_attack_of_ours_is_found_in_a_handful_of_queries(attack: str, between: int, within: int) -> None:
    """Six numbers may change and three features may not; honest requests of the address come between two queries."""
    from shipworthy.evaluate.attacks.ensemble import attack_all

    bench, target, donors, _ = linear(5, n=1)
    asked: list[list[object]] = []
    model = bench.model

    def listening(batch: list[list[object]]) -> object:
        asked.extend(batch)
        return model(batch)  # type: ignore[arg-type]

    object.__setattr__(target.bench, "model", listening)
    attack_all(target, donors, [attack], 400, 1, 4)
    queries = [np.array([7, 8, 9, *(hash(value) & 0xFFFF_FFFF for value in values)], np.uint32) for values in asked]
    honest = iter(table(4000, (50, 50, 50, 0, 0, 0, 0, 0, 0), 3))
    probing = new((False,) * 3 + (True,) * 6, memory=64)
    asked_until_found = 0
    for query in queries:
        asked_until_found += 1
        if probing.add("p-1", query.tolist()):
            break
        for _ in range(between):
            probing.add("p-1", next(honest).tolist())
    assert asked_until_found <= within


@pytest.mark.parametrize(("values", "mutable"), [(RICH, 4), (RICH, 0), (POOR, 0)])
def test_honest_callers_raise_no_more_alarms_than_is_promised(values: tuple[int, ...], mutable: int) -> None:
    """30,000 requests of 30 callers at level 1 in 500: at most 60 alarms are promised; 25 callers send few rows."""
    flags = [True] * mutable + [False] * (len(values) - mutable)
    watch = watch_of(table(1000, values, 1), flags, np.random.default_rng(2))
    assert watch is not None
    probing = Probing(watch, level=1 / 500)
    rows = table(30_000, values, 3)
    callers = np.random.default_rng(4).choice(30, 30_000, p=[0.19] * 5 + [0.002] * 25)
    alarms = sum(probing.add(str(caller), row.tolist()) > 0 for caller, row in zip(callers, rows, strict=True))
    assert alarms <= 60


def test_a_null_rate_that_is_too_small_breaks_the_promise() -> None:
    """The same traffic with the rate assumed to be 1 % where it is more: what the measured rate is for."""
    watch = watch_of(table(1000, POOR, 1), [False] * 8, np.random.default_rng(2))
    assert watch is not None
    assert watch.null_rate > 0.02
    probing = Probing(Watch(watch.memory, 0.01, watch.mutable), level=1 / 500)
    alarms = sum(probing.add("p-1", row.tolist()) > 0 for row in table(6000, POOR, 3))
    assert alarms > 6000 / 500


def test_the_null_rate_bounds_what_honest_rows_do() -> None:
    for values in (RICH, POOR):
        watch = watch_of(table(1000, values, 1), [False] * 8, np.random.default_rng(2))
        assert watch is not None
        fresh = table(5000, values, 9)
        seen = 0
        for at in range(64, 5000):
            changed = (fresh[at - watch.memory : at] != fresh[at]).sum(axis=1)
            seen += bool((changed == 1).any() and changed.all())
        assert seen / 4936 <= watch.null_rate


def test_rows_that_belong_together_in_the_file_count_as_honest() -> None:
    """Every second row is its neighbour with one feature changed: honest callers here do what looks like probing."""
    rows = np.repeat(table(300, RICH, 1), 2, axis=0)
    rows[1::2, 7] += 1
    assert null_rate(rows, [False] * 8, 8, np.random.default_rng(2)) > 0.4
    assert watch_of(rows, [False] * 8, np.random.default_rng(2)) is None


@pytest.mark.parametrize(
    ("rows", "mutable"),
    [
        (table(LEAST_ROWS - 1, RICH, 1), 8),
        (np.empty((0,), np.uint32), 0),
        (table(1000, (2, 3), 1), 2),
        (table(1000, (0,), 1), 1),  # with one feature every row is a near repeat of every other
        (np.zeros((1000, 3), np.uint32), 3),
    ],
)
def test_where_probing_cannot_be_told_nothing_is_watched(rows: Hashes, mutable: int) -> None:
    assert watch_of(rows, [False] * mutable, np.random.default_rng(2)) is None


def test_memories_grow_shorter_until_honest_rows_hardly_repeat_in_them() -> None:
    tables = [table(1000, values, 1) for values in (RICH, (2, 3, 4, 5, 3, 2, 6), (20, 70, 3))]
    watches = [watch_of(rows, [False] * rows.shape[1], np.random.default_rng(2)) for rows in tables]
    assert [watch and watch.memory for watch in watches] == [64, 16, None]
    assert all(NULL_RATE <= watch.null_rate <= MOST_NULL for watch in watches if watch is not None)


def test_fewer_hits_than_five_are_never_an_alarm() -> None:
    probing = Probing(Watch(4, 0.01, NONE), level=1.0)
    assert fed(probing, *((1, 2, third) for third in range(6))) == [0] * 5 + [MIN_HITS]
