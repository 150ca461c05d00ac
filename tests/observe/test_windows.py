"""Sums of integers: any order, any split, any repetition of a batch gives the same bytes."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.facts import HEARTBEAT, OOD_P_BINS, Event, WindowSummary, canonical, heartbeat
from shipworthy.observe.collector import Collector
from shipworthy.observe.windows import MOST_LIVE_KEYS, Batch, combine, gaps, key_of, merge, merged, other_of
from tests.observe.made import T0, collector, event

EVENTS = st.lists(
    st.builds(
        event,
        st.integers(T0, T0 + 3),
        tenant=st.sampled_from(["acme", "bolt"]),
        segments=st.sampled_from([(), ("supplier=P02",), ("region=N", "supplier=__unseen__")]),
        score=st.one_of(st.none(), st.floats(0, 1), st.just(math.nan)),
        route=st.sampled_from(["machine", "person", "refused"]),
        ood_p=st.one_of(st.floats(0, 1), st.just(math.nan)),
        ood_flag=st.booleans(),
        never=st.sampled_from([(), ("n1",), ("n1", "n2")]),
        unknown=st.sampled_from([(), ("n1",)]),
        leaked=st.booleans(),
        arm=st.sampled_from(["candidate", "baseline", "shadow"]),
        probe=st.sampled_from([None, None, "unit"]),
    ),
    max_size=25,
)


def rolled(events: list[Event]) -> list[WindowSummary]:
    one = collector()
    for each in events:
        one.add(each)
    return one.roll(T0 + 4)


def counted(windows: list[WindowSummary]) -> bytes:
    """The counts, without how many shards they came from."""
    return canonical([replace(one, shards_seen=1) for one in merged(windows) if one.arm != HEARTBEAT])


@given(EVENTS, st.randoms(use_true_random=False), st.integers(0, 25))
def test_any_order_and_any_split_give_the_same_bytes(events: list[Event], random: Random, cut: int) -> None:
    shuffled = random.sample(events, len(events))
    parts = [*rolled(shuffled[:cut]), *rolled(shuffled[cut:])]
    random.shuffle(parts)
    assert counted(parts) == counted(rolled(events))


@given(EVENTS, st.lists(st.integers(0, 2), min_size=3, max_size=8), st.randoms(use_true_random=False))
def test_a_batch_that_comes_again_counts_once(events: list[Event], again: list[int], random: Random) -> None:
    batches = [Batch(shard=f"s{k}", seq=0, windows=tuple(rolled(events[k::3]))) for k in range(3)]
    received = [*batches, *(batches[k] for k in again)]
    random.shuffle(received)
    assert canonical(combine(received)) == canonical(combine(batches))


@given(EVENTS)
def test_merging_is_associative_and_commutative(events: list[Event]) -> None:
    for window in rolled(events):
        a, b, c = window, replace(window, n=3, shards_expected=4), replace(window, n_ood=2, shards_seen=0)
        assert merge(a, b) == merge(b, a)
        assert merge(merge(a, b), c) == merge(a, merge(b, c))


@given(EVENTS)
def test_every_request_is_in_the_whole_and_in_its_own_tenant_once(events: list[Event]) -> None:
    windows = rolled(events)
    for arm in ("candidate", "baseline", "shadow"):
        of_arm = [one for one in events if one.arm == arm and one.probe is None]
        for tenant, expected in (("*", len(of_arm)), ("acme", sum(one.tenant == "acme" for one in of_arm))):
            got = sum(w.n for w in windows if (w.arm, w.tenant, w.segment) == (arm, tenant, "*"))
            assert got == expected
    probes = sum(one.probe is not None for one in events)
    assert sum(w.n for w in windows if (w.arm, w.tenant, w.segment) == ("probe", "*", "*")) == probes


@given(EVENTS)
def test_rolling_minute_by_minute_loses_nothing(events: list[Event]) -> None:
    one = collector()
    windows: list[WindowSummary] = []
    for minute in range(T0, T0 + 5):
        windows += one.roll(minute)
        for each in events:
            if each.minute == minute:
                one.add(each)
    assert counted(windows) == counted(rolled(events))
    assert len({key_of(window) for window in windows}) == len(windows)
    assert gaps(windows, T0, T0 + 4) == ()


def test_what_is_counted() -> None:
    one = collector()
    one.add(
        event(
            score=1.0,
            route="person",
            ood_flag=True,
            ood_p=1e-9,
            unseen=("supplier",),
            never=("n",),
            unknown=("m",),
            leaked=True,
            failed=True,
            replayed=True,
        )
    )
    whole = next(window for window in one.roll(T0 + 1) if window.segment == "*" and window.tenant == "*")
    counts = (whole.n_ood, whole.n_unseen, whole.n_review, whole.n_machine, whole.n_failed, whole.n_replayed)
    assert counts == (1, 1, 1, 0, 1, 1)
    assert (whole.n, whole.n_never, whole.n_leaked, whole.n_unknown) == (1, 1, 1, 1)
    assert whole.scores[59] == sum(whole.scores) == 1
    assert whole.ood_p[OOD_P_BINS - 1] == sum(whole.ood_p) == 1


@pytest.mark.parametrize(("score", "place"), [(0.0, 0), (0.5, 30), (0.9999, 59), (1.0, 59)])
def test_scores_fall_into_sixty_bins(score: float, place: int) -> None:
    one = collector()
    one.add(event(score=score))
    assert one.roll(T0 + 1)[0].scores[place] == 1


@pytest.mark.parametrize("score", [None, math.nan, -0.1, 1.1, math.inf])
def test_a_broken_score_is_in_no_bin_but_counted(score: float | None) -> None:
    one = collector()
    one.add(event(score=score))
    window = one.roll(T0 + 1)[0]
    assert (window.n, sum(window.scores)) == (1, 0)


@pytest.mark.parametrize("p", [0.0, -1.0, math.nan, 1e-300])
def test_a_p_value_that_is_none_counts_as_the_oddest(p: float) -> None:
    one = collector()
    one.add(event(ood_p=p))
    assert one.roll(T0 + 1)[0].ood_p[OOD_P_BINS - 1] == 1


def test_an_open_minute_stays_and_a_late_event_adds_up_without_another_shard() -> None:
    one = collector()
    one.add(event(T0))
    one.add(event(T0 + 1))
    first = one.roll(T0 + 1)
    assert {window.minute for window in first} == {T0}
    one.add(event(T0))
    second = one.roll(T0 + 2)
    whole = [w for w in merged([*first, *second]) if (w.tenant, w.segment, w.minute) == ("*", "*", T0)]
    assert [(w.n, w.shards_seen) for w in whole if w.arm == "candidate"] == [(2, 1)]


def test_the_number_of_live_keys_is_bounded_and_nothing_is_lost() -> None:
    one = collector()
    for k in range(MOST_LIVE_KEYS + 500):
        one.add(event(segments=(f"supplier=P{k}",)))
    windows = one.roll(T0 + 1)
    assert len(windows) <= MOST_LIVE_KEYS + 5
    assert one.spilled > 0
    slim = [w for w in windows if w.tenant == "*" and w.segment not in ("*",)]
    assert sum(w.n for w in slim) == MOST_LIVE_KEYS + 500
    assert any(w.segment == "supplier=__other__" for w in slim)
    assert sum(w.n for w in windows if (w.tenant, w.segment) == ("*", "*")) == MOST_LIVE_KEYS + 500
    one.add(event(T0 + 1, segments=("supplier=P9999",)))
    assert any(w.segment == "supplier=P9999" for w in one.roll(T0 + 2)), "the next minute has room again"


def test_overflow_keeps_the_keys() -> None:
    assert other_of("region=N;supplier=P42") == "region=__other__;supplier=__other__"


def test_windows_of_two_keys_or_two_references_are_not_one() -> None:
    a = heartbeat(T0, 1)
    other = replace(a, reference="sha256:other")
    for b in (heartbeat(T0 + 1, 1), other):
        with pytest.raises(ValueError, match="not one window"):
            merge(a, b)
    assert len(merged([a, other])) == 2


def test_one_name_for_two_batches_is_refused() -> None:
    with pytest.raises(ValueError, match="two different"):
        combine([Batch(shard="a", seq=1, windows=()), Batch(shard="a", seq=1, windows=tuple(rolled([])))])


def test_a_silent_shard_is_a_gap_and_a_quiet_one_is_not() -> None:
    def shard(expected: int) -> Collector:
        return Collector(T0, expected)

    both = [*shard(2).roll(T0 + 3), *shard(2).roll(T0 + 2)]
    assert gaps(both, T0, T0 + 3) == (T0 + 2,)
    assert gaps(merged(both), T0, T0 + 3) == (T0 + 2,)
    assert gaps([], T0, T0 + 2) == (T0, T0 + 1)
    assert gaps([heartbeat(T0, 0, 0)], T0, T0 + 1) == (), "nothing was served on purpose"
    assert gaps([heartbeat(T0, 2, 0)], T0, T0 + 1) == (T0,)


@given(st.lists(st.integers(-(10**7), 10**7), min_size=1, max_size=12))
def test_events_of_a_wrong_clock_are_counted_where_somebody_looks(off: list[int]) -> None:
    one_shard = collector()
    one_shard.roll(T0 + 10)
    for minutes in off:
        one_shard.add(event(T0 + 10 + minutes, segments=()))
    closed = [one for one in one_shard.roll(T0 + 10 + (24 * 60) + 1) if (one.arm, one.tenant) == ("candidate", "*")]
    wrong = sum(not -31 * (24 * 60) <= minutes <= (24 * 60) for minutes in off)
    assert sum(one.n for one in closed) == len(off)
    assert one_shard.skewed == wrong
    assert sum(one.n for one in closed if one.minute == T0 + 10) >= wrong
