"""A batch of answered requests leaves the same counts, rates and alarms as one after the other."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import OTHER, Event, Scope
from shipworthy.observe.probing import Probing, Watch
from shipworthy.runtime.probed import Salt, hashed, hashed_rows
from shipworthy.testing.memory import MemoryStore
from tests.runtime.test_abuse import COLUMNS, MINUTE, Fixed, event, row

Given = tuple[Event, dict[str, Any], str]
CELLS = st.one_of(
    st.floats(),
    st.integers(-3, 3),
    st.booleans(),
    st.none(),
    st.sampled_from(["", "x", "3", -0.0, 10**400, "<script>"]),
)
STREAM = st.lists(
    st.tuples(
        st.builds(
            event,
            minute=st.sampled_from([MINUTE, MINUTE + 1, MINUTE + 60, MINUTE + 10**6]),
            version=st.sampled_from(["1", "1", "2"]),
            tenant=st.sampled_from(["acme", "birch", "\x1b[2J"]),
            segments=st.sampled_from([(), ("supplier=S1",), ("supplier=S2", "state=x")]),
            ood_flag=st.booleans(),
            unseen=st.sampled_from([(), ("supplier",)]),
            never=st.sampled_from([(), (), ("n",)]),
        ),
        st.builds(
            lambda speed, supplier, remark: dict(row(speed=speed, supplier=supplier, remark=remark)),
            st.one_of(st.integers(0, 9), CELLS),
            st.sampled_from(["S1", "S2", "<script>"]),
            st.sampled_from(["fine", "{{7*7}}"]),
        ),
        st.sampled_from(["192.0.2.7", "192.0.2.8", "192.0.2.9"]),
    ),
    max_size=40,
)


def told(stream: list[Given], cuts: list[int]) -> Any:
    here = Fixed(MemoryStore())
    here.log.salt = Salt(*(type(one)(77) for one in here.log.salt))
    here.log._keys._secrets = {end: bytes(32) for end in here.log._keys._secrets}
    here.log.watch("2", COLUMNS, Probing(Watch(4, 0.02, (True, False, False))))
    try:
        edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        for start, end in pairwise(edges):
            some = stream[start:end]
            if len(some) == 1:
                here.log.answered(*some[0])
            else:
                here.log.answered_many(*([one[at] for one in some] for at in range(3)))  # type: ignore[arg-type]
        here.roll(MINUTE + 61)
        segments = ("*", "supplier=S1", "supplier=S2", "state=x")
        rates = [
            here.log.measured(Scope(model="m", segment=segment), MINUTE - 60, MINUTE + 60, 0.95, ())
            for segment in segments
        ]
        return here.log.told(), here.counts(), rates
    finally:
        here.commits.close()


@settings(max_examples=60, deadline=None)
@given(STREAM, st.lists(st.integers(1, 40), max_size=4))
def test_any_split_of_a_stream_is_told_the_same(stream: list[Given], cuts: list[int]) -> None:
    assert told(stream, cuts) == told(stream, list(range(len(stream))))


def test_probing_in_one_batch_is_an_alarm_at_its_request() -> None:
    stream = [(event(), dict(row(speed=speed)), "192.0.2.7") for speed in range(30)]
    stats, counts, _ = told(stream, [])
    assert stats["events"]["probing"] > 0
    assert [one.n for one in counts if one.kind == "probing"] == [stats["events"]["probing"]]
    assert (stats, counts) == told(stream, list(range(30)))[:2]


def test_a_version_that_is_not_watched_has_no_probing() -> None:
    stream = [(event(version="9"), dict(row(speed=speed)), "192.0.2.7") for speed in range(30)]
    assert "probing" not in told(stream, [])[0]["events"]


def test_a_caller_without_a_name_is_no_caller() -> None:
    stream = [(event(minute=MINUTE + 10**6), dict(row(speed=speed)), "192.0.2.7") for speed in range(30)]
    stats, _, _ = told(stream, [])
    assert "probing" not in stats["events"]
    never = [(event(minute=MINUTE + 10**6, never=("n",)), dict(row()), "192.0.2.7")] * 5
    _, counts, _ = told(never, [])
    assert [(one.caller, one.n) for one in counts] == [(OTHER, 5)]


def test_a_batch_without_all_of_its_rows_is_refused(here: Fixed) -> None:
    with pytest.raises(ValueError, match="2 events with 1 rows and 2 peers"):
        here.log.answered_many([event(), event()], [row()], ["a", "b"])


@pytest.fixture
def here() -> Any:
    one = Fixed(MemoryStore())
    yield one
    one.commits.close()


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"speed": CELLS, "supplier": CELLS, "remark": CELLS}),
        min_size=1,
        max_size=12,
    )
)
def test_rows_are_hashed_by_columns_as_they_are_alone(rows: list[dict[str, Any]]) -> None:
    salt = Salt.new()
    table = hashed_rows(rows, COLUMNS, salt)
    assert table.tolist() == [hashed(one, COLUMNS, salt).tolist() for one in rows]
