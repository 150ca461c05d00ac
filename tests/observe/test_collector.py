"""A batch counts as its events do one by one, whatever its size, in whatever order it comes, whatever is in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import HEARTBEAT, Event, WindowSummary, canonical
from shipworthy.observe import collector as collecting
from shipworthy.observe import slots
from shipworthy.observe.bins import latency_bin, latency_bins, p_bin, score_bins, score_sums
from shipworthy.observe.collector import Collector
from shipworthy.observe.inputs import Hashed, inputs_of
from shipworthy.profile.rows import Row
from tests.observe.frames.made import profile
from tests.observe.made import T0, event
from tests.observe.plain import DAY, OneByOne
from tests.profile.tables import rows

Given = tuple[Event, Row | None]
ROWS = rows(40, 3)
ODD = st.sampled_from(
    [math.nan, math.inf, -1e301, 1e200, -1e200, 10**400, "12", "", None, 1e300, -1e300, True, -5, 0, 3.5]
)
CELLS = st.fixed_dictionaries(
    {},
    optional={
        "age": ODD,
        "amount": ODD,
        "belt": ODD,
        "note": ODD,
        "supplier": st.sampled_from(["P99", "P42", "", None, 7, 7.0, True, "P01", "Q1"]),
        "colour": st.sampled_from(["teal", "red", None, True, 1.0]),
    },
)
LIVE = st.one_of(
    st.none(),
    st.builds(lambda row, odd: {**row, **odd}, st.sampled_from(ROWS), CELLS),
    CELLS,
)
MINUTES = st.one_of(
    st.integers(T0 - 1, T0 + 2), st.sampled_from([T0 - 31 * DAY, T0 - 31 * DAY - 1, T0 + DAY, T0 + DAY + 1, 0, 10**8])
)
SEGMENTS = st.lists(
    st.sampled_from(["supplier=P02", "supplier=P3", "region=N", "region=S;supplier=P02", "supplier=__unseen__"]),
    max_size=4,
).map(tuple)
EVENTS = st.builds(
    event,
    MINUTES,
    version=st.sampled_from(["2.0", "2.1"]),
    tenant=st.sampled_from(["acme", "bolt", "cape", "dune"]),
    arm=st.sampled_from(["candidate", "baseline", "shadow", "shadow_held"]),
    segments=SEGMENTS,
    groups=st.sampled_from([(), ("sex=F",), ("sex=M", "age=18-30")]),
    score=st.one_of(st.none(), st.floats(0, 1), st.sampled_from([-1e-12, 1.5, math.nan, 1, 0, 1 / 3, math.inf])),
    route=st.sampled_from(["machine", "person", "refused"]),
    ood_p=st.one_of(st.floats(0, 1), st.sampled_from([math.nan, -1.0, 0.1, 0.01, 1e-5, 2.0])),
    ood_flag=st.booleans(),
    ood_feature=st.sampled_from(["", "age", "supplier", "nobody"]),
    unseen=st.sampled_from([(), ("supplier",)]),
    never=st.sampled_from([(), ("n1", "n2")]),
    unknown=st.sampled_from([(), ("n1",)]),
    leaked=st.booleans(),
    failed=st.booleans(),
    replayed=st.booleans(),
    degraded=st.booleans(),
    disagrees=st.booleans(),
    probe=st.sampled_from([None, None, None, "unit"]),
    took_ms=st.one_of(st.none(), st.floats(-1, 1e5), st.sampled_from([math.inf, math.nan, 0.0625, 1.0, 3840.0])),
)
STREAM = st.lists(st.tuples(EVENTS, LIVE), max_size=30)
CUTS = st.lists(st.integers(0, 30), max_size=6)


def hashed(tenant: str, minute: int) -> Hashed:
    return lambda feature, value: int.from_bytes(sha256(f"{tenant} {minute} {feature} {value}".encode()).digest()[:8])


def collector() -> Collector:
    one = Collector(T0, hashed=hashed)
    inputs = inputs_of(profile())
    assert inputs is not None
    one.watch("2.0", inputs)
    return one


def in_batches(stream: Sequence[Given], cuts: Sequence[int], one: Collector) -> list[WindowSummary]:
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    for start, end in pairwise(edges):
        some = stream[start:end]
        if len(some) == 1:
            one.add(*some[0])
        else:
            one.add_many([event for event, _ in some], [row for _, row in some])
    return [window for window in one.roll(T0 + DAY + 1) if window.arm != HEARTBEAT]


def plain(most: int = 2000, of_tenants: int = 1500) -> OneByOne:
    return OneByOne(T0, most, of_tenants, {"2.0": profile()}, hashed)


@settings(max_examples=80, deadline=None)
@given(STREAM, CUTS, st.integers(1, 40))
def test_any_split_of_a_stream_is_counted_as_one_by_one(stream: list[Given], cuts: list[int], waiting: int) -> None:
    one, slow = collector(), plain()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(collecting, "MOST_WAITING", waiting)
        windows = in_batches(stream, cuts, one)
    assert canonical(windows) == canonical(slow.windows(stream, T0 + DAY + 1))
    assert (one.skewed, one.spilled) == (slow.skewed, 0)


@settings(max_examples=30, deadline=None)
@given(STREAM, CUTS, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_bytes(stream: list[Given], cuts: list[int], drawn: Random) -> None:
    mixed = drawn.sample(stream, len(stream))
    assert canonical(in_batches(mixed, cuts, collector())) == canonical(in_batches(stream, [], collector()))


@settings(max_examples=80, deadline=None)
@given(STREAM, CUTS, st.integers(1, 14), st.integers(1, 8))
def test_what_spills_over_does_not_depend_on_the_batches(
    stream: list[Given], cuts: list[int], most: int, of_tenants: int
) -> None:
    one, slow = collector(), plain(most, of_tenants)
    one.keep_apart("2.0", ["region=N"])
    slow.apart.add(("2.0", "region=N"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(slots, "MOST_LIVE_KEYS", most)
        patched.setattr(slots, "MOST_OF_TENANTS", of_tenants)
        patched.setattr(collecting, "MOST_KINDS", 3)
        windows = in_batches(stream, cuts, one)
        assert canonical(windows) == canonical(slow.windows(stream, T0 + DAY + 1))
        assert one.spilled == slow.spilled


def test_events_that_wait_are_in_every_answer() -> None:
    one = collector()
    one.add_many([event(0), event(T0)])
    assert one.skewed == 1
    assert sum(window.n for window in one.roll(T0 + 1) if (window.tenant, window.segment) == ("*", "*")) == 2


def test_no_row_waits_longer_than_for_a_few_hundred_others() -> None:
    one = collector()
    for at in range(2 * collecting.MOST_WAITING - 1):
        one.add(event(), ROWS[at % len(ROWS)])
    assert len(one._rows) == collecting.MOST_WAITING - 1
    one.add(event(), ROWS[0])
    assert one._rows == []
    one.add(event(), ROWS[0])
    one.roll(T0 + 1)
    assert one._rows == []


def test_cells_of_another_reference_are_dropped_and_never_added() -> None:
    one = collector()
    one.add(event(), ROWS[0])
    inputs = inputs_of(profile())
    assert inputs is not None
    one.watch("2.0", inputs)
    one.add(event(), ROWS[0])
    inputs.reference = "sha256:other"
    one.watch("2.0", inputs)
    one.add(event(), ROWS[0])
    found = whole(one, T0 + 1)
    assert (found.n, found.reference, sum(found.cells)) == (3, "sha256:other", len(inputs.features))


def test_cells_of_the_same_reference_go_on() -> None:
    one = collector()
    one.add(event(), ROWS[0])
    inputs = inputs_of(profile())
    assert inputs is not None
    one.watch("2.0", inputs)
    one.add(event(), ROWS[0])
    assert sum(whole(one, T0 + 1).cells) == 2 * len(inputs.features)


def test_a_closed_minute_is_closed_and_the_open_one_goes_on() -> None:
    one = collector()
    one.add_many([event(T0), event(T0 + 1, score=0.9), event(T0 + 1, took_ms=3.0)], [ROWS[0]] * 3)
    assert whole(one, T0 + 1).n == 1
    one.add(event(T0 + 1), ROWS[1])
    assert (whole(one, T0 + 2).n, one.roll(T0 + 3)[0].arm) == (3, HEARTBEAT)


def test_a_tenant_that_calls_itself_all_counts_once() -> None:
    one = collector()
    one.add(event(tenant="*", took_ms=1.0), ROWS[0])
    found = whole(one, T0 + 1)
    assert (found.n, sum(found.latency)) == (1, 1)


def whole(one: Collector, minute: int) -> WindowSummary:
    (found,) = (w for w in one.roll(minute) if (w.arm, w.tenant, w.segment) == ("candidate", "*", "*"))
    return found


def test_a_batch_without_all_of_its_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="2 events with 1 rows"):
        collector().add_many([event(), event()], [None])
    collector().add_many([event(), event()])


def test_nothing_and_heartbeats_alone() -> None:
    one = collector()
    one.add_many([])
    assert [window.arm for window in one.roll(T0 + 2)] == [HEARTBEAT, HEARTBEAT]


@given(st.lists(st.one_of(st.floats(), st.sampled_from([0.0625, 1.0, 3840.0])), max_size=20))
def test_bins_of_many_are_those_of_each(values: list[float]) -> None:
    column = np.array(values, dtype=np.float64)
    assert latency_bins(column).tolist() == [latency_bin(value) for value in values]
    told = column[score_bins(column) >= 0]
    assert told.tolist() == [value for value in values if 0.0 <= value <= 1.0]
    sum_p, _ = score_sums(told)
    assert sum_p.tolist() == [round(value * 2**32) for value in told.tolist()]
    assert all(0 <= p_bin(value) < 20 for value in values)
