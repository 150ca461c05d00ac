"""Many requests at once leave the streams of repeats as one after the other would, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.observe.repeated import Rows, first_alarm, new_streams, take
from shipworthy.observe.repeats import Alarm, Repeats
from tests.observe.made import event

PLACES = (
    ("acme", ("supplier=P1", "region=N")),
    ("acme", ("supplier=__unseen__", "region=N")),
    ("birch", ("supplier=P1", "region=S")),
    ("birch", ("supplier=P2", "region=N")),
)
RUNS = st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.sampled_from([1, 2, 9, 14])), max_size=40)


def told(one: Repeats) -> dict[Any, Any]:
    return {
        key: (stream.state, +stream.inside, +stream.hits, +stream.sent) for key, stream in one.streams.items()
    }  # a counter that holds a zero is one that holds nothing


def one_by_one(repeats: Repeats, rows: list[tuple[int, bool]]) -> list[Alarm | None]:
    return [
        repeats.add(event(version="2.0", tenant=PLACES[place][0], segments=PLACES[place][1], ood_flag=flag))
        for place, flag in rows
    ]


def at_once(repeats: Repeats, rows: list[tuple[int, bool]]) -> list[Alarm | None]:
    alarms: list[Alarm | None] = []
    at = 0
    while at < len(rows):
        found = first_alarm(repeats, laid_out(rows[at:]))
        end = len(rows) if found is None else at + found
        if end > at:
            take(repeats, laid_out(rows[at:end]))
            alarms += [None] * (end - at)
        if found is not None:
            alarms += one_by_one(repeats, rows[end : end + 1])
            end += 1
        at = end
    return alarms


def laid_out(rows: list[tuple[int, bool]]) -> Rows:
    used = list(dict.fromkeys(place for place, _ in rows))
    return Rows(
        version="2.0",
        places=[PLACES[place] for place in used],
        place=np.array([used.index(place) for place, _ in rows], dtype=np.intp),
        flag=np.array([flag for _, flag in rows], dtype=bool),
    )


@settings(max_examples=300)
@given(
    RUNS.map(lambda runs: [(place, flag) for place, flag, times in runs for _ in range(1 if flag else times)]),
    st.sampled_from([0.5, 1e-3, 1e-6]),
    st.integers(0, 120),
)
def test_the_same_streams_and_the_same_alarms(rows: list[tuple[int, bool]], level: float, cut: int) -> None:
    alone, together = Repeats(level, min_hits=3), Repeats(level, min_hits=3)
    expected = one_by_one(alone, rows)
    assert at_once(together, rows[:cut]) + at_once(together, rows[cut:]) == expected
    assert told(together) == told(alone)
    assert list(together.streams) == list(alone.streams)


def test_looking_changes_nothing() -> None:
    repeats = Repeats(1e-6)
    one_by_one(repeats, [(1, True)] * 3)
    before = told(repeats)
    assert first_alarm(repeats, laid_out([(1, True)] * 5)) == 1
    assert told(repeats) == before


def test_new_streams_are_counted_before_they_are_made() -> None:
    repeats = Repeats(1e-6)
    rows = laid_out([(0, False), (2, False)])
    assert new_streams(repeats, rows) == 10  # `*` and four segments but one shared, for all tenants; six of single ones
    take(repeats, rows)
    assert len(repeats.streams) == 10
    assert new_streams(repeats, rows) == 0
