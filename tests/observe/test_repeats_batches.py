"""Requests counted in batches leave the streams, and raise the alarms, of one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import Event
from shipworthy.observe import repeats
from shipworthy.observe.repeats import Alarm, Repeats
from tests.observe.made import event

EVENTS = st.lists(
    st.builds(
        event,
        version=st.sampled_from(["2.0", "2.0", "2.1"]),
        tenant=st.sampled_from(["acme", "birch", "*"]),
        segments=st.lists(st.sampled_from(["s=a", "s=b", "s=__unseen__", "r=N"]), max_size=3).map(tuple),
        ood_flag=st.sampled_from([True, True, False]),
        arm=st.sampled_from(["candidate", "candidate", "shadow", "shadow_held"]),
        probe=st.sampled_from([None, None, None, "unit"]),
    ),
    max_size=50,
)


def streams(one: Repeats) -> dict[Any, Any]:
    told: dict[Any, Any] = {}
    for key, stream in one.streams.items():
        state = stream.state
        told[key] = [dict(stream.sent)]
        if state.log_e > 0.0:
            told[key] += [state.log_e, state.hits, state.n - state.since, dict(stream.inside), dict(stream.hits)]
    return told


def loop(one: Repeats, events: Sequence[Event], widely: bool) -> list[Alarm]:
    found = []
    for each in events:
        alarm = one.add(each)
        if alarm is not None:
            found.append(alarm)
            answer(one, alarm, widely)
    return found


def batches(one: Repeats, events: Sequence[Event], cuts: Sequence[int], widely: bool) -> list[Alarm]:
    found = []
    edges = sorted({0, len(events), *(cut for cut in cuts if cut < len(events))})
    for start, end in pairwise(edges):
        for alarm in one.add_many(events[start:end]):
            found.append(alarm)
            answer(one, alarm, widely)
    return found


def answer(one: Repeats, alarm: Alarm, widely: bool) -> None:
    """Do what an order on an alarm, or a restore after it, does to the streams."""
    if widely and alarm.segment == "s=b":
        one.restored(alarm.version)
    elif widely:
        one.explain(alarm.version, "*", alarm.segment)


@settings(max_examples=200, deadline=None)
@given(
    EVENTS, st.lists(st.integers(1, 50), max_size=4), st.sampled_from([1, 2, 5]), st.sampled_from([1.0, 0.2, 1e-4]),
    st.integers(2, 30), st.booleans(),
)  # fmt: skip
def test_any_split_leaves_the_same_streams_and_alarms(
    events: list[Event], cuts: list[int], min_hits: int, level: float, most: int, widely: bool
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(repeats, "MOST_LIVE_STREAMS", most)
        one, many = Repeats(level, min_hits=min_hits), Repeats(level, min_hits=min_hits)
        assert batches(many, events, cuts, widely) == loop(one, events, widely)
    assert streams(many) == streams(one)
    assert (many.spilled, many.alarms()) == (one.spilled, one.alarms())
    assert +many._warm == +one._warm


def test_long_streams_leave_the_same_alarms() -> None:
    rng = np.random.default_rng(3)
    odd = rng.integers(0, 6, 20)
    events = [
        event(
            tenant=f"t{rng.zipf(1.5) % 4}",
            segments=(f"s={place}", f"r={rng.integers(0, 3)}"),
            ood_flag=bool(rng.random() < (0.5 if place == odd[at // 300] else 0.005)),
        )
        for at in range(6000)
        for place in [rng.integers(0, 6)]
    ]
    one, many = Repeats(1e-5), Repeats(1e-5)
    found = batches(many, events, range(190, 6000, 190), widely=False)
    assert found == loop(one, events, widely=False)
    assert streams(many) == streams(one)
    assert len(found) >= 4


def test_what_an_alarm_explains_holds_for_the_rest_of_its_batch() -> None:
    bad = event(ood_flag=True, segments=("s=__unseen__",))
    one = Repeats(1e-6)
    assert len(list(one.add_many([bad] * 5 + [event(segments=("s=a",))] * 3 + [bad] * 4))) == 1
    assert len(list(one.add_many([bad]))) == 1, "the tenth hit there is the next alarm"


def test_who_sent_what_earlier_in_a_batch_says_whose_hits_they_are() -> None:
    others = [event(tenant="birch", segments=("s=a",))] * 20
    odd = [event(tenant="acme", segments=("s=a",), ood_flag=True)] * 50
    (alarm,) = Repeats(1e-60).add_many([*others, *odd])
    assert (alarm.tenant, alarm.segment) == ("acme", "s=a")
