"""What waits is handed over in time, in order and once; a batch is taken in as its decisions are one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.errors import Unreachable
from shipworthy.facts import HEARTBEAT, canonical
from shipworthy.observe.minutes import minute_of
from shipworthy.runtime.batching import Batches, Decided
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.store.group import GroupCommit
from shipworthy.testing.memory import MemoryStore
from tests.flows.tiny import Tiny
from tests.observe.made import WORDS, event
from tests.runtime.served import Served

T0 = 29_000_040
UNSEEN = "supplier=__unseen__"


class Kept:
    """A consumer that keeps its batches."""

    def __init__(self) -> None:
        self.batches: list[list[Decided]] = []

    def __call__(self, batch: Sequence[Decided]) -> None:
        self.batches.append(list(batch))


@given(
    st.lists(st.tuples(st.floats(0, 0.2), st.booleans(), st.booleans()), max_size=30), st.integers(1, 5), st.booleans()
)
def test_everything_comes_once_in_order_and_in_time(
    steps: list[tuple[float, bool, bool]], most: int, ticking: bool
) -> None:
    kept, now = Kept(), 100.0
    batches = Batches(kept, most, wait_s=0.1)
    sent = []
    for number, (step, flagged, never) in enumerate(steps):
        now += step
        one = Decided(event(request=str(number), ood_flag=flagged, never=("n",) if never else ()))
        sent.append(one)
        batches.append(one, now)
        assert len(batches) < most
        assert not ((flagged or never) and len(batches)), "what may call for an order waits for nobody"
        if ticking and batches.due(now):
            batches.flush()
    batches.flush()
    batches.flush()
    assert [one for batch in kept.batches for one in batch] == sent
    assert all(1 <= len(batch) <= most for batch in kept.batches)


def test_due_is_when_the_oldest_has_waited_or_the_clock_was_turned_back() -> None:
    batches = Batches(Kept(), wait_s=0.1)
    assert not batches.due(0.0)
    batches.append(Decided(event()), 10.0)
    batches.append(Decided(event()), 10.09)
    assert [batches.due(now) for now in (10.0, 10.09, 10.125, 9.0)] == [False, False, True, True]
    assert len(batches.take()) == 2
    assert not batches.due(99.0)


def test_a_batch_has_room_for_one() -> None:
    with pytest.raises(ValueError, match="at most 0"):
        Batches(Kept(), most=0)


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
def test_a_site_takes_a_batch_in_and_acts_on_all_of_it(rolling: Tiny) -> None:
    with Served(rolling) as served:
        controller, minute = served.site.controller, minute_of(rolling.clock())
        seen(served, [decided(minute, ood_flag=True, segments=(UNSEEN,))] * 4)
        assert served.orders() == []
        calm = [decided(minute)] * 3
        seen(served, [*calm, *[decided(minute, ood_flag=True, segments=(UNSEEN,))] * 3, *calm])
        assert [(one["posture"], one["scope"]["segment"]) for one in served.orders()] == [("safe_mode", UNSEEN)]
        seen(served, [*calm, decided(minute, never=("never_deny_fast",))])
        assert {one["posture"] for one in served.orders()} == {"safe_mode", "killed"}
        served.keep_up(minutes=1)
        assert sum(one.n for one in controller.telemetry.kept.windows(("2", "*", "*"))) == 17


@pytest.mark.slow
def test_one_decision_that_fails_does_not_cost_the_others(rolling: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Controller, name: str, event: Any) -> None:
        raise Unreachable(f"no order for {name}")

    with Served(rolling) as served:
        controller, minute = served.site.controller, minute_of(rolling.clock())
        monkeypatch.setattr(Controller, "_never", failing)
        batch = [decided(minute, never=(name,), ood_flag=True, segments=(UNSEEN,)) for name in "abcde"]
        with pytest.raises(Unreachable, match="no order for a"):
            seen(served, batch)
        assert len(controller.repeats.alarms()) == 1
        assert served.site.abuse.told()["events"]["never_attempt"] == 5
        served.keep_up(minutes=1)
        assert sum(one.n for one in controller.telemetry.kept.windows(("2", "*", "*"))) == 5


def decided(minute: int, **given: Any) -> Decided:
    one = event(minute, version="2", **{"segments": ("supplier=S1",), **given})
    return Decided(one, {"age": 30, "speed": 3, "supplier": "S1"}, "192.0.2.7")


def seen(served: Served, batch: Sequence[Decided]) -> None:
    async def play() -> None:
        served.site.controller.seen_many(batch)

    served._run(play())
