"""Counts of abuse: in whatever order events come, totals only grow, memory is bounded and nothing is lost unseen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.facts import OTHER, AbuseCount, AbuseKind, canonical
from shipworthy.observe.abuse import HOUR, MEANS, MOST_LIVE, Tally, first_kept, named
from shipworthy.testing.memory import MemoryStore

EVENTS = st.lists(
    st.tuples(
        st.integers(10, 12),
        st.sampled_from([AbuseKind.FLOOD, AbuseKind.MALFORMED]),
        st.sampled_from(["acme", "birch"]),
        st.sampled_from(["p-1", "p-2"]),
        st.sampled_from(["e-1", "e-2", "e-3"]),
        st.sampled_from(["*", "supplier=S1"]),
        st.integers(1, 4),
    ),
    max_size=30,
)


def tallied(*events: tuple[int, AbuseKind, str, str, str, str, int], most: int = MOST_LIVE) -> Tally:
    tally = Tally(most)
    for event in events:
        tally.add(*event)
    return tally


@given(EVENTS, st.randoms())
def test_events_in_any_order_give_the_same_bytes(
    events: list[tuple[int, AbuseKind, str, str, str, str, int]], random: object
) -> None:
    other = list(events)
    random.shuffle(other)  # type: ignore[attr-defined]
    assert canonical(tallied(*events).unsaved()) == canonical(tallied(*other).unsaved())


@settings(max_examples=60)
@given(EVENTS, st.data())
def test_saved_at_any_moments_and_often_the_store_holds_every_event_once(
    events: list[tuple[int, AbuseKind, str, str, str, str, int]], data: st.DataObject
) -> None:
    store, tally, lost = MemoryStore(), Tally(), 0
    for event in events:
        tally.add(*event)
        if data.draw(st.booleans()):
            batch = tally.unsaved()
            store.add_abuse(batch, "here")
            if data.draw(st.booleans()):
                tally.saved(batch)  # else it is not known whether the write went through: it goes again
            lost += 1
        if data.draw(st.booleans()):
            tally.forget(data.draw(st.integers(10, 13)))
    store.add_abuse(tally.unsaved(), "here")
    assert sum(one.n for one in store.abuse(0, 99)) == sum(event[-1] for event in events)


@given(EVENTS)
def test_over_the_limit_events_are_counted_by_kind_and_hour_alone(
    events: list[tuple[int, AbuseKind, str, str, str, str, int]],
) -> None:
    tally = tallied(*events, most=2)
    counts = tally.unsaved()
    named_ = [one for one in counts if one.caller != OTHER]
    rest = [one for one in counts if one.caller == OTHER]
    assert len(named_) <= 2
    assert all((one.tenant, one.segment) == (OTHER, "*") for one in rest)
    assert tally.spilled == sum(one.n for one in rest)
    assert sum(one.n for one in counts) == sum(event[-1] for event in events)


def test_a_flood_of_callers_takes_bounded_memory_and_is_counted_to_the_last() -> None:
    tally = Tally()
    for i in range(20_000):
        tally.add(7, AbuseKind.FLOOD, f"tenant-{i}", f"p-{i}", "e-1")
    assert len(tally) == MOST_LIVE + 1
    assert tally.spilled == 20_000 - MOST_LIVE
    assert sum(one.n for one in tally.unsaved()) == 20_000


def test_what_is_saved_is_not_sent_again_until_it_grows() -> None:
    tally = tallied((10, AbuseKind.FLOOD, "acme", "p-1", "e-1", "*", 3))
    batch = tally.unsaved()
    tally.add(10, AbuseKind.FLOOD, "acme", "p-2", "e-1")
    tally.saved(batch)
    assert [one.caller for one in tally.unsaved()] == ["p-2"]
    tally.add(10, AbuseKind.FLOOD, "acme", "p-1", "e-0")
    assert [(one.caller, one.n, one.evidence) for one in tally.unsaved()] == [("p-1", 4, "e-0"), ("p-2", 1, "e-1")]


def test_a_total_that_grew_while_it_was_saved_stays_unsaved() -> None:
    tally = tallied((10, AbuseKind.FLOOD, "acme", "p-1", "e-1", "*", 3))
    batch = tally.unsaved()
    tally.add(10, AbuseKind.FLOOD, "acme", "p-1", "e-1")
    tally.saved(batch)
    assert [one.n for one in tally.unsaved()] == [4]


def test_what_could_not_be_saved_is_not_forgotten_and_what_was_is() -> None:
    tally = tallied((10, AbuseKind.FLOOD, "acme", "p-1", "e-1", "*", 3))
    tally.forget(11)
    assert [one.hour for one in tally.unsaved()] == [10]
    tally.saved(tally.unsaved())
    assert len(tally) == 1
    tally.forget(11)
    assert len(tally) == 0
    assert tally.unsaved() == ()


def test_a_late_event_of_a_forgotten_hour_counts_in_the_oldest_hour_held() -> None:
    tally = Tally()
    tally.forget(11)
    tally.forget(4)
    tally.add(10, AbuseKind.FLOOD, "acme", "p-1", "e-1")
    assert [one.hour for one in tally.unsaved()] == [11]


@pytest.mark.parametrize("n", [0, -3])
def test_no_events_are_no_count(n: int) -> None:
    with pytest.raises(ValueError, match="events"):
        Tally().add(10, AbuseKind.FLOOD, "acme", "p-1", "e-1", "*", n)


@pytest.mark.parametrize("tenant", ["", "a" * 101, "two\nlines", "\x1b[2J", "\udcff", "\u202e"])
def test_a_tenant_that_is_no_name_is_kept_as_other(tenant: str) -> None:
    tally = tallied((10, AbuseKind.FLOOD, tenant, "p-1", "e-1", "*", 1))
    assert [one.tenant for one in tally.unsaved()] == [OTHER]
    assert named("a" * 100) == "a" * 100


@given(st.integers(0, 10**7), st.integers(1, 10**6))
def test_no_hour_that_is_kept_began_before_the_retention_did(now: int, kept: int) -> None:
    first = first_kept(now, kept)
    assert first * HOUR >= now - kept > (first - 1) * HOUR


def test_every_kind_says_what_it_means() -> None:
    assert set(MEANS) == set(AbuseKind)


def test_a_count_holds_what_the_log_may_hold_and_no_more() -> None:
    assert AbuseCount.__struct_fields__ == ("hour", "tenant", "kind", "caller", "segment", "n", "evidence")


def test_the_page_says_of_each_kind_what_the_code_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "abuse-log.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE) == [
        (kind.value, MEANS[kind]) for kind in AbuseKind
    ]
