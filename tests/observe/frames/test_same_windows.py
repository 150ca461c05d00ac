"""A log counted by columns gives the very windows that the gateway made of the same requests."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import UsageError
from shipworthy.facts import canonical
from shipworthy.observe.bins import latency_bin
from shipworthy.observe.frames import counts as counting
from shipworthy.observe.frames.counts import Counts
from shipworthy.observe.frames.ood import scored
from tests.observe.frames.made import Logged, counted, frame_of, live, scorer, told
from tests.observe.made import T0
from tests.profile.tables import rows

ROWS = rows(60, 3)
ODD = st.sampled_from([math.nan, math.inf, -1e301, "12", "", None, 1e300, True, -5, 0, 3.5])
CELLS = st.fixed_dictionaries(
    {},
    optional={
        "age": ODD,
        "amount": ODD,
        "belt": ODD,
        "note": ODD,
        "supplier": st.sampled_from(["P99", "P42", "", None, 7, 7.0, "P01"]),
        "colour": st.sampled_from(["teal", "red", None, True]),
    },
)
LINES = st.lists(
    st.builds(
        lambda row, odd, **more: Logged({**row, **odd}, **more),
        st.sampled_from(ROWS),
        CELLS,
        minute=st.sampled_from([T0, T0 + 60]),
        tenant=st.sampled_from(["acme", "birch"]),
        version=st.sampled_from(["2.0", "2.1"]),
        score=st.one_of(st.none(), st.floats(0, 1), st.sampled_from([-1e-12, 1.5, -0.1, 1 / 3, 0.05])),
        decision=st.sampled_from(["auto_deny", "auto_approve", "to_person", "?"]),
        route=st.sampled_from(["machine", "person", "refused"]),
        took_ms=st.one_of(st.none(), st.floats(-1, 1e5), st.sampled_from([math.inf, 0.0625, 1.0, 3840.0])),
        label=st.sampled_from([None, 0, 1]),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(LINES)
def test_the_same_requests_make_the_same_windows_and_labels_as_live(lines: list[Logged]) -> None:
    batch = told(counted(lines))
    windows, labels = live(lines)
    assert canonical(list(batch.windows)) == canonical(windows)
    assert canonical(list(batch.labels)) == canonical(labels)


@settings(max_examples=20, deadline=None)
@given(LINES, st.integers(0, 25), st.randoms(use_true_random=False))
def test_any_order_and_any_split_gives_the_same_bytes(lines: list[Logged], cut: int, drawn: Random) -> None:
    mixed = drawn.sample(lines, len(lines))
    parts = Counts()
    parts.add(counted(mixed[cut:]))
    parts.add(counted(mixed[:cut]))
    assert canonical(list(told(parts).windows)) == canonical(list(told(counted(lines)).windows))
    assert canonical(list(told(parts).labels)) == canonical(list(told(counted(lines)).labels))


def test_large_groups_are_counted_like_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    from shipworthy.observe.frames import inputs

    lines = [Logged(row, minute=T0 + at % 3) for at, row in enumerate(rows(300, 4))]
    small = told(counted(lines))
    monkeypatch.setattr(inputs, "LARGE", 1)
    assert told(counted(lines)) == small
    monkeypatch.setattr(inputs, "LARGE", 4096)
    monkeypatch.setattr(inputs, "MOST_TOGETHER", 1)
    assert told(counted(lines)) == small


def test_without_a_scorer_nobody_asked_and_every_row_says_so() -> None:
    lines = [Logged(row) for row in ROWS]
    made = counted(lines, lambda frame: scored(None, frame))
    assert made.untold["2.0", T0].tolist() == [0, 0, 60, 60, 60]
    assert sum(window.n_ood for window in told(made).windows) == 0


def test_an_infinite_time_and_the_edges_fall_where_the_live_path_puts_them() -> None:
    times = [0.0, 0.01, 0.0625, 1.0, 1.5, 2.0 - 1e-12, 2.0, 3839.9, 3840.0, 1e9, -1.0, math.inf]
    full = told(counted([Logged(ROWS[0], took_ms=took) for took in times])).windows[0]
    expected = [0] * 128
    for took in times:
        expected[latency_bin(took)] += 1
    assert list(full.latency) == expected


def test_over_the_cap_the_smallest_places_become_other_and_nothing_is_lost() -> None:
    lines = [Logged({**row, "colour": f"c{at % 30}"}) for at, row in enumerate(rows(200, 5))]
    made = counted(lines)
    small = told(made, most=12)
    places = {(one.tenant, one.segment) for one in small.windows}
    assert small.folded > 0
    assert len({place for place in places if "__other__" not in place[1]}) <= 12
    for segment in ("*", "supplier", "colour"):
        for tenant in ("*", "acme"):
            n = [one.n for one in small.windows if one.tenant == tenant and one.segment.partition("=")[0] == segment]
            assert sum(n) == 200


def test_more_windows_than_fit_are_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_CELLS", 1000)
    with pytest.raises(UsageError, match="longer --every"):
        counted([Logged(row, minute=T0 + at) for at, row in enumerate(ROWS)])


def test_rows_come_back_from_a_frame_as_they_were_sent() -> None:
    from shipworthy.observe.frames.ood import rows_of

    for line, row in zip(ROWS, rows_of(frame_of([Logged(row) for row in ROWS])), strict=True):
        assert scorer().score(row) == scorer().score(line)
