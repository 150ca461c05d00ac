"""Looking at many requests at once finds what looking at each of them found, the slow and obvious way."""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.observe import probing as probing_
from shipworthy.observe.caller_ood import EXPLAINS, LEAST_OTHERS, LEVEL, MIN_HITS, OTHERS, CallerOod
from shipworthy.observe.probing import Probing, Watch
from shipworthy.stats.sequential import BET, NULL_RATE, EState, alarmed, update

Row = tuple[int, ...]
CUTS = st.lists(st.integers(0, 60), max_size=5)


class OneByOne:
    """Probing with rows as tuples and evidence as `stats.sequential` has it."""

    def __init__(self, watch: Watch, most: int) -> None:
        self.watch, self.most = watch, most
        self.bets = (BET, math.sqrt(BET * watch.null_rate))
        self.callers: OrderedDict[str, tuple[list[Row], list[EState]]] = OrderedDict()

    def add(self, caller: str, row: Row) -> int:
        rows, states = self.callers.pop(caller, ([], [EState() for _ in self.bets]))
        self.callers[caller] = (rows, states)
        if len(self.callers) > self.most:
            self.callers.popitem(last=False)
        if row in rows:
            return 0
        near = any(self.is_near(row, one) for one in rows)
        rows.append(row)
        del rows[: -self.watch.memory]
        states[:] = [
            update(state, near, self.watch.null_rate, bet) for state, bet in zip(states, self.bets, strict=True)
        ]
        hits = max(state.hits if alarmed(state, 1e-5 / 2, 5) else 0 for state in states)
        if hits:
            states[:] = [EState() for _ in self.bets]
        return hits

    def is_near(self, row: Row, other: Row) -> bool:
        changed = [a != b for a, b in zip(row, other, strict=True)]
        if sum(changed) == 1:
            return True
        fixed = any(self.watch.mutable) and not all(self.watch.mutable)
        free = self.watch.mutable if fixed else [False] * len(row)
        return fixed and not any(one and not may for one, may in zip(changed, free, strict=True))


class Callers:
    """`CallerOod`, with evidence as `stats.sequential` has it."""

    def __init__(self, most: int) -> None:
        self.most, self.hour = most, -1
        self.states: OrderedDict[str, EState] = OrderedDict()
        self.sent: Counter[str] = Counter()
        self.flagged: Counter[str] = Counter()

    def add(self, caller: str, flagged: bool, hour: int) -> int:
        if hour != self.hour:
            self.hour, self.sent, self.flagged = hour, Counter(), Counter()
        name = caller if caller in self.sent or len(self.sent) < self.most else OTHERS
        self.sent[name] += 1
        self.flagged[name] += flagged
        state = update(self.states.pop(caller, EState()), flagged, NULL_RATE)
        self.states[caller] = state
        if len(self.states) > self.most:
            self.states.popitem(last=False)
        others = self.sent.total() - self.sent[caller]
        explains = others >= LEAST_OTHERS and self.flagged[caller] >= EXPLAINS * self.flagged.total()
        if not alarmed(state, LEVEL, MIN_HITS) or not explains:
            return 0
        self.states[caller] = EState()
        return state.hits


def split(n: int, cuts: Sequence[int]) -> list[slice]:
    edges = sorted({0, n, *(cut for cut in cuts if cut < n)})
    return [slice(start, end) for start, end in pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(
    st.data(),
    st.sampled_from([(False,) * 4, (False, True, True, False), (True,) * 4, (True,), (False, False, True)]),
    st.integers(1, 5),
    st.integers(1, 3),
    CUTS,
)
def test_probing_is_found_in_any_split(
    data: st.DataObject, mutable: tuple[bool, ...], memory: int, most: int, cuts: list[int]
) -> None:
    rows = st.tuples(*(st.integers(0, 3) for _ in mutable))
    stream = data.draw(st.lists(st.tuples(st.sampled_from(["p-1", "p-2", "p-3", "p-4"]), rows), max_size=60))
    watch = Watch(memory, 0.02, mutable)
    many, slow = Probing(watch, most=most), OneByOne(watch, most)
    found: list[int] = []
    for some in split(len(stream), cuts):
        callers, table = [caller for caller, _ in stream[some]], [row for _, row in stream[some]]
        found += many.add_many(callers, np.array(table, np.uint32).reshape(len(table), len(mutable)))
    assert found == [slow.add(caller, row) for caller, row in stream]
    assert len(many) == len(slow.callers)


@pytest.mark.parametrize("together", [1, 7, 256])
def test_long_streams_of_many_callers_are_looked_at_the_same(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing_, "TOGETHER", together)
    rng = np.random.default_rng(5)
    table = rng.integers(0, [2, 3, 4, 50, 3, 2], (3000, 6)).astype(np.uint32)
    callers = [f"p-{one}" for one in rng.zipf(1.3, 3000) % 40]
    watch = Watch(8, 0.05, (False, False, True, True, False, False))
    many, slow = Probing(watch, most=25), OneByOne(watch, 25)
    found = [
        hits
        for start in range(0, 3000, 333)
        for hits in many.add_many(callers[start : start + 333], table[start : start + 333])
    ]
    assert found == [slow.add(caller, tuple(row)) for caller, row in zip(callers, table.tolist(), strict=True)]
    assert sum(found) > 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "a", "b", "c", "d"]), st.sampled_from([True, False]), st.sampled_from([7, 7, 8])
        ),
        max_size=60,
    ),
    st.integers(1, 4),
    CUTS,
)
def test_callers_out_of_distribution_are_found_in_any_split(
    stream: list[tuple[str, bool, int]], most: int, cuts: list[int]
) -> None:
    many, slow = CallerOod(most=most), Callers(most)
    found: list[int] = []
    for some in split(len(stream), cuts):
        callers, flags, hours = ([one[at] for one in stream[some]] for at in range(3))
        found += many.add_many(callers, flags, hours)  # type: ignore[arg-type]
    assert found == [slow.add(*one) for one in stream]
    assert len(many) == len(slow.states)


@pytest.mark.parametrize("most", [4, 6, 100])
def test_long_streams_of_flags_are_looked_at_the_same(most: int) -> None:
    rng = np.random.default_rng(6)
    callers = [f"p-{one}" for one in rng.integers(0, 7, 6000)]
    odd = {f"p-{one}" for one in range(3)}
    flags = [bool(rng.random() < (0.3 if caller in odd and at // 700 % 3 == int(caller[2]) else 0.01))
             for at, caller in enumerate(callers)]  # fmt: skip
    stream = [(caller, flag, at // 500) for at, (caller, flag) in enumerate(zip(callers, flags, strict=True))]
    many, slow = CallerOod(most=most), Callers(most)
    found: list[int] = []
    for some in split(6000, range(250, 6000, 250)):
        found += many.add_many(*([one[at] for one in stream[some]] for at in range(3)))  # type: ignore[arg-type]
    assert found == [slow.add(*one) for one in stream]
    assert most < 100 or len(set(found)) > 3


def test_a_caller_of_its_own_among_many_is_found_in_one_batch() -> None:
    stream = [("honest", False, 7)] * 30 + [("odd", True, 7), ("odd", False, 7)] * 12
    callers, flags, hours = zip(*stream, strict=True)
    slow = Callers(100)
    found = CallerOod(most=100).add_many(callers, flags, hours)
    assert found == [slow.add(*one) for one in stream]
    assert max(found) >= MIN_HITS
