"""Repeated out-of-distribution inputs: found at once, for the smallest part that explains them, within the budget."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.observe import repeats
from shipworthy.observe.repeats import Alarm, Repeats, count_since
from shipworthy.stats.sequential import level_from_budget
from tests.observe.made import event

UNSEEN = ("supplier=__unseen__", "region=N")


def feed(one: Repeats, *flags: bool, **more: Any) -> list[Alarm | None]:
    return [one.add(event(ood_flag=flag, **more)) for flag in flags]


def test_five_unseen_requests_alarm_at_the_fifth_for_their_segment_only() -> None:
    one = Repeats(level=1e-6)
    got = feed(one, *[True] * 5, segments=UNSEEN)
    assert got[:4] == [None] * 4
    alarm = got[4]
    assert alarm is not None
    assert (alarm.version, alarm.tenant, alarm.segment) == ("2.0", "*", "supplier=__unseen__")
    assert (alarm.hits, alarm.n) == (5, 5)


def test_they_alarm_at_the_fifth_with_other_traffic_in_between() -> None:
    one = Repeats(level=1e-6)
    for k in range(5):
        assert feed(one, *[False] * 20, segments=("supplier=P02", "region=N")) == [None] * 20
        assert (one.add(event(ood_flag=True, segments=UNSEEN)) is not None) == (k == 4)


@given(st.integers(0, 4), st.integers(1, 30))
@settings(max_examples=30)
def test_fewer_than_five_hits_never_alarm(hits: int, level_power: int) -> None:
    assert feed(Repeats(level=10.0**-level_power), *[True] * hits, segments=UNSEEN) == [None] * hits


@pytest.mark.parametrize(("budget", "min_hits", "speaks"), [(1.0, 5, False), (20.0, 1, True)])
def test_false_alarms_stay_within_the_budget(budget: float, min_hits: int, speaks: bool) -> None:
    """The null of the process, for many weeks: every stream flags 1 % of its requests, restarted after each page."""
    weeks, per_week = 300, 600
    rng = np.random.default_rng(7)
    segments = [("region=N",), ("region=S",)]
    streams = 2 * (len(segments) + 1)  # for all tenants and for the one
    one = Repeats(level_from_budget(budget, streams, per_week), min_hits=min_hits)
    events = [[event(ood_flag=flag, segments=segment) for flag in (False, True)] for segment in segments]
    flags, which = rng.random(weeks * per_week) < 0.01, rng.integers(0, 2, weeks * per_week)
    pages = 0
    for flag, place in zip(flags.tolist(), which.tolist(), strict=True):
        if one.add(events[place][flag]) is not None:
            pages += 1
            one.restored("2.0")
    assert pages <= weeks * budget
    assert (pages > 0) == speaks


def test_a_rate_far_above_the_null_is_found_soon() -> None:
    rng = np.random.default_rng(3)
    delays = []
    for _ in range(40):
        one = Repeats.within_budget(1, streams=50, events_per_week=10_000)
        raised = (k for k in range(500) if one.add(event(ood_flag=bool(rng.random() < 0.4))) is not None)
        delays.append(next(raised, 500))
    assert np.median(delays) <= 25
    assert max(delays) < 500


def test_the_unknown_value_is_preferred_and_then_the_smallest_single_key() -> None:
    pair = "region=N;supplier=P42"
    one = Repeats(level=1e-5)
    feed(one, *[False] * 50, segments=("region=N",))
    got = feed(one, *[True] * 5, segments=("region=N", "supplier=P42", pair))[-1]
    assert got is not None
    assert got.segment in ("region=N", "supplier=P42")
    with_unknown = feed(Repeats(level=1e-5), *[True] * 5, segments=("region=N", pair, "supplier=__unseen__"))[-1]
    assert with_unknown is not None
    assert with_unknown.segment == "supplier=__unseen__"


def test_hits_that_share_no_segment_alarm_for_everything() -> None:
    one = Repeats(level=1e-6)
    got = [one.add(event(ood_flag=True, segments=(f"supplier=P{k}",))) for k in range(6)]
    assert [alarm.segment for alarm in got if alarm] == ["*"]


def test_an_alarm_on_a_part_is_not_followed_by_one_on_everything() -> None:
    one = Repeats(level=1e-6)
    alarms = [alarm for alarm in feed(one, *[True] * 40, segments=UNSEEN) if alarm]
    assert {alarm.segment for alarm in alarms} == {"supplier=__unseen__"}
    assert [alarm for alarm in feed(one, *[False] * 40, segments=("supplier=P02", "region=N")) if alarm] == []
    elsewhere = [alarm for alarm in feed(one, *[True] * 5, segments=("supplier=P02", "region=S")) if alarm]
    assert len(elsewhere) == 1, "another part is still watched"
    assert elsewhere[0].segment in ("supplier=P02", "region=S")


def test_a_stream_restarts_after_its_alarm_and_after_a_restore() -> None:
    one = Repeats(level=1e-6)
    alarms = [alarm is not None for alarm in feed(one, *[True] * 10, segments=UNSEEN)]
    assert alarms == [*[False] * 4, True] * 2
    feed(one, *[True] * 4, segments=UNSEEN)
    one.restored("2.0", segment="supplier=__unseen__")
    assert feed(one, *[True] * 5, segments=UNSEEN)[:4] == [None] * 4
    assert len(one.alarms()) == 1, "alarms before the restore are forgotten"


def test_a_restore_of_one_segment_leaves_the_others() -> None:
    one = Repeats(level=1e-6)
    feed(one, *[True] * 5, segments=("region=N",))
    feed(one, *[True] * 5, segments=("region=S",))
    one.restored("2.0", segment="region=N")
    assert [alarm.segment for alarm in one.alarms()] == ["region=S"]
    one.restored("1.0")
    assert len(one.alarms()) == 1
    one.restored("*")
    assert one.alarms() == ()


def test_one_version_does_not_speak_for_another() -> None:
    one = Repeats(level=1e-6)
    feed(one, *[True] * 4, segments=UNSEEN)
    assert feed(one, *[True] * 4, segments=UNSEEN, version="3.0") == [None] * 4


def test_probes_and_shadows_raise_nothing() -> None:
    one = Repeats(level=1e-3)
    assert feed(one, *[True] * 20, probe="unseen") == [None] * 20
    assert feed(one, *[True] * 20, arm="shadow") == [None] * 20


def test_an_order_narrows_to_the_tenant_that_explains_it() -> None:
    one = Repeats(level=1e-33)
    feed(one, *[False] * 20, segments=("region=N",), tenant="bolt")
    got: list[Alarm] = []
    while not got:
        flags = (True, False, False, False, False, False)
        got = [alarm for alarm in feed(one, *flags, segments=("region=N",)) if alarm]
    assert got[0].hits >= repeats.NARROW_HITS
    assert got[0].tenant == "acme"


@pytest.mark.parametrize(
    ("others_sent", "others_hit"),
    [(19, 0), (100, 12)],
)
def test_it_does_not_narrow_without_others_who_are_well(others_sent: int, others_hit: int) -> None:
    one = Repeats(level=1e-33)
    feed(one, *[False] * (others_sent - others_hit), segments=("region=N",), tenant="bolt")
    got: list[Alarm] = []
    left = others_hit
    while not got:
        flags = (True, False, False, False, False, False)
        got = [alarm for alarm in feed(one, *flags, segments=("region=N",)) if alarm]
        if left and not got:
            left -= 1
            got = [alarm for alarm in feed(one, True, segments=("region=N",), tenant="bolt") if alarm]
    assert got[0].tenant == "*"


def test_few_hits_of_several_tenants_are_everybodys() -> None:
    one = Repeats(level=1e-6)
    for tenant in ("acme", "bolt"):
        feed(one, *[False] * 100, segments=("region=N",), tenant=tenant)
    got = [one.add(event(ood_flag=True, segments=("region=N",), tenant=("acme", "bolt")[k % 2])) for k in range(6)]
    assert [alarm.tenant for alarm in got if alarm] == ["*"]


@pytest.mark.parametrize(("others", "whose"), [(19, "*"), (20, "acme")])
def test_a_tenant_whose_own_stream_alarms_is_alone_only_beside_others_who_are_well(others: int, whose: str) -> None:
    one = Repeats(level=1e-6)
    feed(one, *[False] * others, segments=("region=N",), tenant="bolt")
    got = feed(one, *[True] * 5, segments=("region=N",))[-1]
    assert got is not None
    assert (got.tenant, got.segment) == (whose, "region=N")


SEGMENTS = [("region=N",), ("region=S",), ("region=N", "supplier=P1"), ("supplier=__unseen__", "region=S")]
JUNK = st.tuples(st.just("evil"), st.sampled_from(SEGMENTS), st.booleans())
GOOD = st.tuples(st.sampled_from(["acme", "bolt"]), st.sampled_from(SEGMENTS), st.just(False))


@given(st.lists(st.one_of(JUNK, JUNK, GOOD), max_size=250), st.integers(2, 12))
@settings(max_examples=80)
def test_whatever_one_tenant_sends_the_others_who_are_well_are_left_alone(
    sent: list[tuple[str, tuple[str, ...], bool]], level_power: int
) -> None:
    one = Repeats(level=10.0**-level_power)
    for segments in SEGMENTS:
        feed(one, *[False] * 20, segments=segments, tenant="acme")
    for tenant, segments, flag in sent:
        alarm = one.add(event(tenant=tenant, segments=segments, ood_flag=flag))
        assert alarm is None or alarm.tenant == "evil"


def test_a_flood_goes_on_after_its_order_and_is_still_nobody_elses() -> None:
    """Not even when others have a flag now and then, as 1 % of good rows do."""
    one = Repeats(level=1e-6)
    for tenant in ("acme", "bolt"):
        feed(one, *[False] * 50, segments=("region=N",), tenant=tenant)
    rng = np.random.default_rng(11)
    alarms = []
    for _ in range(2_000):
        alarms += feed(one, *[True] * 5, segments=("region=N",), tenant="evil")
        alarms += feed(one, bool(rng.random() < 0.01), segments=("region=N",), tenant="acme")
    assert {alarm.tenant for alarm in alarms if alarm} == {"evil"}


def test_what_fails_for_all_is_everybodys_five_hits_after_it_was_one_tenants() -> None:
    one = Repeats(level=1e-6)
    for tenant in ("acme", "bolt", "core"):
        feed(one, *[False] * 50, segments=("region=N",), tenant=tenant)
    assert [alarm.tenant for alarm in feed(one, *[True] * 5, segments=("region=N",), tenant="acme") if alarm] == [
        "acme"
    ]
    rest = [one.add(event(ood_flag=True, segments=("region=N",), tenant=("bolt", "core")[k % 2])) for k in range(5)]
    assert [alarm.tenant for alarm in rest if alarm] == ["*"]


def test_the_second_tenant_in_a_segment_makes_it_everybodys() -> None:
    one = Repeats(level=1e-6)
    for tenant in ("acme", "bolt", "core"):
        feed(one, *[False] * 50, segments=("region=N",), tenant=tenant)
    first, second = (
        [alarm.tenant for alarm in feed(one, *[True] * 5, segments=("region=N",), tenant=tenant) if alarm]
        for tenant in ("acme", "bolt")
    )
    assert (first, second) == (["acme"], ["*"])
    one.restored("2.0")
    again = [alarm.tenant for alarm in feed(one, *[True] * 5, segments=("region=N",), tenant="bolt") if alarm]
    assert again == ["bolt"], "a restore begins anew"


def test_who_has_most_of_the_hits_is_not_alone_before_its_own_stream_alarms() -> None:
    one = Repeats(level=1e-6)
    for tenant in ("acme", "bolt", "core"):
        feed(one, *[False] * 50, segments=("region=N",), tenant=tenant)
    tenants = ("acme", "acme", "acme", "bolt", "acme")  # four of five, and thirty are needed
    got = [one.add(event(ood_flag=True, segments=("region=N",), tenant=tenant)) for tenant in tenants]
    assert [alarm.tenant for alarm in got if alarm] == ["*"]


def test_junk_all_over_the_place_is_its_senders_and_counts_for_nobody_else() -> None:
    one = Repeats(level=1e-6)
    feed(one, *[False] * 50, segments=("region=N",), tenant="acme")
    junk = [one.add(event(tenant="evil", ood_flag=True, segments=(f"supplier=P{k}",))) for k in range(5)]
    assert [(alarm.tenant, alarm.segment) for alarm in junk if alarm] == [("evil", "*")]
    assert one.whose("2.0", "evil", "region=N") == ("evil",)
    again = Repeats(level=1e-6)
    again.resume(one.alarms())
    assert again.whose("2.0", "evil", "region=N") == ("evil",)


def test_an_order_for_one_tenant_keeps_its_hits_from_everybodys_stream() -> None:
    one = Repeats(level=1e-6)
    one.explain("2.0", "evil", "*")
    one.explain("2.0", "*", "region=S")
    assert one.whose("2.0", "evil", "region=N") == ("evil",)
    assert one.whose("2.0", "evil", "region=S") == ("*", "evil")  # there an order holds for everybody
    for tenant in ("evil", "acme"):
        feed(one, *[False] * 50, segments=("region=N",), tenant=tenant)
    found = [alarm for alarm in feed(one, *[True] * 40, segments=("region=N",), tenant="evil") if alarm]
    assert {alarm.tenant for alarm in found} == {"evil"}
    assert [alarm.tenant for alarm in feed(one, *[True] * 5, segments=("region=N",), tenant="acme") if alarm] == ["*"]


def test_orders_that_hold_at_start_explain_their_hits() -> None:
    one = Repeats(level=1e-6)
    one.explain("2.0", "*", "supplier=__unseen__")
    alarms = [alarm for alarm in feed(one, *[True] * 10, segments=UNSEEN) if alarm]
    assert {alarm.segment for alarm in alarms} == {"supplier=__unseen__"}


def test_a_flood_of_new_values_is_bounded_and_everything_is_still_watched() -> None:
    one = Repeats(level=1e-6)
    got = [one.add(event(ood_flag=k % 50 == 0, segments=(f"supplier=P{k}",))) for k in range(2400)]
    assert len(one.streams) <= repeats.MOST_LIVE_STREAMS
    assert got == [None] * 2400
    flood = [one.add(event(ood_flag=True, segments=(f"supplier=Q{k}",))) for k in range(2400)]
    assert len(one.streams) <= repeats.MOST_LIVE_STREAMS
    assert {alarm.segment for alarm in flood if alarm} == {"*"}


def test_alarms_are_counted_by_version_and_segment() -> None:
    one = Repeats(level=1e-6)
    feed(one, *[True] * 5, segments=("region=N",))
    assert count_since(one.alarms(), "2.0") == count_since(one.alarms(), "2.0", "region=N") == 1
    assert count_since(one.alarms(), "3.0") == count_since(one.alarms(), "2.0", "region=S") == 0


@pytest.mark.parametrize("level", [0.0, -1.0, 1.5, float("nan")])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        Repeats(level)
