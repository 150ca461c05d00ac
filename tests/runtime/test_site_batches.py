"""A site takes a batch of decisions in as it does one by one: counts, alarms in their order, the look for abuse."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from shipworthy.errors import Unreachable
from shipworthy.facts import HEARTBEAT, AbuseKind, Event, canonical
from shipworthy.models.spec import Cell
from shipworthy.observe.collector import Collector
from shipworthy.observe.minutes import minute_of
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.gathered import WITHIN_S, Gathered
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.runtime.tree import control
from shipworthy.runtime.tree.feed import Frame, Refusal
from shipworthy.store.group import GroupCommit
from shipworthy.testing.memory import MemoryStore
from tests.flows.tiny import Tiny
from tests.observe.made import WORDS, event
from tests.runtime.served import Served

T0 = 29_000_040
UNSEEN = "supplier=__unseen__"
ROW: dict[str, Cell] = {"age": 30, "speed": 3, "supplier": "S1"}


def test_telemetry_counts_a_batch_as_one_after_the_other() -> None:
    events = [event(T0 + at % 2, tenant=f"t{at % 3}", took_ms=0.1 * at, score=at / 20) for at in range(20)]
    told = []
    for batched in (False, True):
        commits = GroupCommit(MemoryStore())
        one = Telemetry(T0, WORDS, commits, lambda tenant, minute: lambda feature, value: 0, "run")
        if batched:
            one.add_many(events, [None] * 20)
        else:
            for each in events:
                one.add(each)
        one.roll(T0 + 2)
        segments = sorted(place for place in one.kept.places("2.0"))
        windows = [w for segment in segments for w in one.kept.windows(("2.0", "*", segment)) if w.arm != HEARTBEAT]
        told.append((canonical(windows), one.totals.by))
        commits.close()
    assert told[0] == told[1]


@pytest.mark.slow
def test_a_site_takes_a_batch_in_and_acts_on_its_alarms(rolling: Tiny) -> None:
    with Served(rolling) as served:
        controller, minute = served.site.controller, minute_of(rolling.clock())
        count(served, [decided(minute, ood_flag=True, segments=(UNSEEN,))] * 4)
        assert served.orders() == []
        calm = [decided(minute)] * 3
        count(served, [*calm, *[decided(minute, ood_flag=True, segments=(UNSEEN,))] * 3, *calm])
        assert [(one["posture"], one["scope"]["segment"]) for one in served.orders()] == [("safe_mode", UNSEEN)]
        count(served, [*calm, *[decided(minute, never=("never_deny_fast",))] * 5])
        assert len(served.orders()) == 1, "a never event that is counted has been acted on"
        assert served.site.abuse.told()["events"]["never_attempt"] == 5
        served.keep_up(minutes=1)
        assert sum(one.n for one in controller.telemetry.kept.windows(("2", "*", "*"))) == 21


@pytest.mark.slow
def test_a_decision_that_fails_does_not_cost_the_others(rolling: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Controller, alarm: Any) -> None:
        raise Unreachable(f"no order for {alarm.segment}")

    with Served(rolling) as served:
        controller, minute = served.site.controller, minute_of(rolling.clock())
        monkeypatch.setattr(Controller, "_alarm", failing)
        batch = [decided(minute, never=(name,), ood_flag=True, segments=(UNSEEN,)) for name in "abcde"]
        with pytest.raises(Unreachable, match="no order for"):
            count(served, batch)
        assert len(controller.repeats.alarms()) == 1
        assert served.site.abuse.told()["events"]["never_attempt"] == 5
        served.keep_up(minutes=1)
        assert sum(one.n for one in controller.telemetry.kept.windows(("2", "*", "*"))) == 5


@pytest.mark.slow
def test_what_could_not_be_counted_is_a_gap_and_stays_told(rolling: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Collector, events: object, rows: object) -> None:
        raise ValueError("not countable")

    with Served(rolling) as served:
        minute = minute_of(rolling.clock())

        async def play() -> None:
            for _ in range(3):
                served.site.counting.add(decided(minute), ROW, "192.0.2.7")
            served.site.flush()

        with monkeypatch.context() as patched:
            patched.setattr(Collector, "add_many", failing)
            served._run(play())
        served.keep_up(minutes=2)
        served.keep_up()
        assert served.get("/status")[1]["uncounted"] == {"failed": 3, "last": "ValueError: not countable"}
        assert minute in served.site.telemetry.kept.silent(minute, minute + 1)


@pytest.mark.slow
def test_a_frame_costs_none_of_its_other_parts(rolling: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Collector, events: object, rows: object) -> None:
        raise ValueError("not countable")

    with Served(rolling) as served:
        minute = minute_of(rolling.clock())
        frame = Frame(worker=0, pid=1, minute=minute, events=[decided(minute)], rows=[dict(ROW)], peers=["192.0.2.7"])
        frame.shadows.append((decided(minute, score=0.5), False, dict(ROW)))
        frame.refused.append(Refusal(AbuseKind.BAD_TOKEN, "acme", "192.0.2.7", minute, b"", 20))

        async def play() -> None:
            control._Counting(served.site).take(frame)

        with monkeypatch.context() as patched:
            patched.setattr(Collector, "add_many", failing)
            served._run(play())
        assert served.site.counting.failed == 1
        assert served.site.abuse.told()["events"] == {"bad_token": 20}
        assert len(served.site.telemetry._shadows) == 1


@pytest.mark.slow
def test_what_is_seen_is_counted_together_and_an_alarm_waits_for_nothing(
    rolling: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Served(rolling) as served:
        controller, minute = served.site.controller, minute_of(rolling.clock())
        sizes: list[int] = []

        count_now = served.site.counting.count

        def sized(events: Sequence[Event], rows: Sequence[Mapping[str, Cell]], peers: Sequence[str]) -> None:
            sizes.append(len(events))
            count_now(events, rows, peers)

        monkeypatch.setattr(served.site.counting, "count", sized)

        async def play() -> None:
            site = served.site
            for flagged in (*[False] * 5, True, False, False):
                site.counting.add(decided(minute, ood_flag=flagged, segments=(UNSEEN,)), ROW, "192.0.2.7")
            site.flush()
            for _ in range(7):
                site.counting.add(decided(minute, ood_flag=True, segments=(UNSEEN,)), ROW, "192.0.2.7")
            for _ in range(3):
                site.counting.add(decided(minute), ROW, "192.0.2.7")

        served._run(play())
        assert sizes == [6, 2, *[1] * 10], "one that is flagged is counted at once, and so is what follows an alarm"
        assert len(controller.repeats.alarms()) == 1


def test_one_unremarkable_decision_is_counted_within_a_moment_without_anybody_asking() -> None:
    counted: list[int] = []

    def counts(events: Sequence[Event], rows: Sequence[Mapping[str, Cell]], peers: Sequence[str]) -> bool:
        counted.append(len(events))
        return False

    async def once() -> None:
        waiting = Gathered(counts)
        waiting.add(decided(1_000, ood_flag=False), ROW, "192.0.2.7")
        assert not counted, "it waits for others for a moment"
        await asyncio.sleep(20 * WITHIN_S)

    asyncio.run(once())
    assert counted == [1]


def decided(minute: int, **given: Any) -> Event:
    return event(minute, version="2", **{"segments": ("supplier=S1",), **given})


def count(served: Served, events: Sequence[Event]) -> None:
    async def play() -> None:
        served.site.counting.count(events, [ROW] * len(events), ["192.0.2.7"] * len(events))

    served._run(play())
