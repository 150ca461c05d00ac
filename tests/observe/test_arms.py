"""Whose each attempt is: a failed one is the candidate's that failed it, never the baseline's that rescued it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipworthy.facts import Event
from shipworthy.observe.arms import BASELINE, CANDIDATE, Arm, Between, Counts, by_minute, total
from shipworthy.observe.bins import latency_bin
from shipworthy.observe.collector import Collector
from shipworthy.observe.windows import RESCUED, merged

TENANTS = ("acme", "birch", "cedar")


@st.composite
def events(draw: st.DrawFn) -> Event:
    """A decision of one of three kinds: the candidate's, its rescue by the baseline, or the baseline's own."""
    kind = draw(st.sampled_from(["candidate", "rescued", "baseline", "shadow"]))
    candidate = kind in ("candidate", "shadow")
    return Event(
        request=f"r{draw(st.integers(0, 10**9))}",
        at="",
        minute=draw(st.integers(100, 103)),
        version="2" if candidate else "1",
        arm=kind if kind in ("candidate", "shadow") else BASELINE,
        tenant=draw(st.sampled_from(TENANTS)),
        segments=(),
        score=0.5,
        decision="approve",
        route=draw(st.sampled_from(["machine", "person"])),
        ood_p=0.5,
        ood_view="marginal",
        ood_flag=False,
        replayed=kind == "rescued",
        failed=kind != "shadow" and draw(st.booleans()),
        took_ms=draw(st.sampled_from([0.01, 1.0, 90.0, 5000.0])),
        disagrees=kind == "shadow" and draw(st.booleans()),
    )


def counted(made: list[Event], tenants: tuple[str, ...]) -> Counts:
    collector = Collector(100)
    for event in made:
        collector.add(event)
    return total([counts for _, counts in by_minute(collector.roll(200), Between("2", "1", tenants))])


@given(st.lists(events(), max_size=40), st.sampled_from([("*",), ("acme",), ("birch", "cedar")]))
def test_every_request_is_counted_once_in_the_arm_it_was_first_sent_to(
    made: list[Event], tenants: tuple[str, ...]
) -> None:
    mine = [one for one in made if "*" in tenants or one.tenant in tenants]
    seen = counted(made, tenants)
    ours = [one for one in mine if one.arm == CANDIDATE]
    rescued = [one for one in mine if one.replayed]
    theirs = [one for one in mine if one.arm == BASELINE and not one.replayed]
    assert seen.candidate.n == len(ours) + len(rescued)
    assert seen.candidate.failed == sum(one.failed for one in ours) + len(rescued)
    assert seen.candidate.answered == len(ours)
    assert seen.candidate.review == sum(one.route == "person" for one in ours)
    assert (seen.baseline.n, seen.baseline.failed) == (len(theirs), sum(one.failed for one in theirs))
    assert sum(seen.candidate.latency) == seen.candidate.n
    assert sum(seen.baseline.latency) == seen.baseline.n
    slow = sum(one.took_ms == 5000.0 for one in [*ours, *rescued])
    assert seen.candidate.latency[latency_bin(5000.0) // 4] == slow
    shadows = [one for one in mine if one.arm == "shadow"]
    assert (seen.shadowed, seen.disagreed) == (len(shadows), sum(one.disagrees for one in shadows))


@given(st.lists(events(), max_size=20), st.integers(0, 3))
def test_it_is_the_same_sum_whatever_the_shards_and_the_order(made: list[Event], cut: int) -> None:
    shards = [Collector(100), Collector(100)]
    for at, event in enumerate(reversed(made)):
        shards[at % 2 if at > cut else 0].add(event)
    windows = merged([*shards[0].roll(200), *shards[1].roll(200)])
    assert total([one for _, one in by_minute(windows, Between("2", "1", ("*",)))]) == counted(made, ("*",))


def test_other_versions_and_segments_are_left_out() -> None:
    assert by_minute([], Between("2", "1", ("*",))) == []
    assert counted([], ("acme",)) == Counts(Arm(), Arm())
    assert RESCUED != BASELINE
