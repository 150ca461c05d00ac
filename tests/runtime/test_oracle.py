"""Late, doubled, out of order, skewed, missing telemetry against an oracle that keeps every event: no wrong `met`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shipworthy.decide import Place, judge
from shipworthy.facts import HEARTBEAT, Action, Clause, Event, Outcome, Slo, Target, WindowSummary, canonical
from shipworthy.observe.collector import Collector
from shipworthy.observe.measure import rate
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.store.group import GroupCommit
from shipworthy.store.tiers import DAY, HOUR, bucket
from shipworthy.testing.memory import MemoryStore
from tests.observe.made import SCOPE, WORDS, event

T0 = 29_000_040  # the first minute of an hour
END = T0 + 5 * HOUR
SHARDS = 2
EVENTS = st.lists(
    st.builds(
        event,
        st.integers(T0, END - 1),
        tenant=st.sampled_from(["acme", "bolt"]),
        ood_flag=st.sampled_from([False, False, False, True]),
        never=st.sampled_from([(), (), (), (), (), ("n",)]),
        arm=st.sampled_from(["candidate", "candidate", "baseline", "shadow"]),
        segments=st.just(()),
    ),
    min_size=5,
    max_size=60,
)


@dataclass
class Sent:
    """What one shard sent at once, and the events it counted."""

    shard: str
    seq: int
    windows: list[WindowSummary]
    events: list[Event] = field(default_factory=list)

    def touches(self, start: int) -> bool:
        return any(one.minute >= start for one in self.windows if one.arm == HEARTBEAT)


def asked(window: str, indicator: str, target: float) -> Slo:
    return Slo(
        name=indicator,
        indicator=indicator,
        objective="o",
        target=Target(op="==" if target == 0 else "<=", value=target),
        window=window,
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        clause=Clause.MONITORING,
        min_samples=5,
        level=0.8,
    )


def sent_by(name: str, events: list[Event], random: Random) -> list[Sent]:
    """Play a shard: events come in any order, some after their minute was rolled; it rolls at some minutes."""
    rolls = sorted({*random.sample(range(T0 + 1, END), 3), END})
    collector, left, made = Collector(T0, SHARDS), random.sample(events, len(events)), []
    for seq, now in enumerate(rolls):
        taken = [now == END or (one.minute < now and random.random() < 0.7) for one in left]
        mine = [one for one, said in zip(left, taken, strict=True) if said]
        left = [one for one, said in zip(left, taken, strict=True) if not said]
        for one in mine:
            collector.add(one)
        made.append(Sent(name, seq, collector.roll(now), mine))
    return made


def judged(store: MemoryStore, slo: Slo, since: int, cuts: list[int]) -> Outcome:
    """A gateway that starts at END reads the store and judges."""
    commits = GroupCommit(store)
    told = Telemetry(END, WORDS, commits, lambda tenant, minute: lambda feature, value: 0, "gateway-0-test")
    for cut in cuts:
        told.kept.cut(cut)
    told.kept.take_windows(store.windows("*", T0 - DAY, END))
    told.kept.replace("2.0", store.windows("2.0", T0, END, tenant=None, segment=None), [], [])
    evidence = told.measure(slo, SCOPE, since, END, "1d", ())
    commits.close()
    return judge(slo, "*", evidence, moment(END), Place.RUNTIME).outcome


def moment(minute: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


def oracle(events: list[Event], slo: Slo, start: int, cuts: list[int]) -> Outcome:
    """Every event of the sums that begin in the window, one by one."""
    mine = [one for one in events if one.arm != "shadow" and bucket(one.minute, HOUR, cuts) >= start]
    if slo.indicator == "ood_rate":
        seen = rate("ood_rate", sum(one.ood_flag for one in mine), len(mine), start=start, end=END, level=slo.level)
    else:
        value = float(sum(len(one.never) for one in mine))
        seen = rate(slo.indicator, 0, max(len(mine), 1), start=start, end=END, level=slo.level)
        seen = replace(seen, n=len(mine), value=value, lo=value, hi=value, hits=None)
    return judge(slo, "*", [seen], moment(END), Place.RUNTIME).outcome


SLOS = st.sampled_from(
    [asked(window, *what) for window in ("rolling", "4h", "24h")
     for what in (("ood_rate", 0.3), ("ood_rate", 0.6), ("never_event_violations", 0.0))]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(EVENTS, SLOS, st.data(), st.randoms(use_true_random=False))
def test_whatever_happens_on_the_way_what_is_judged_is_what_happened_or_nothing(
    events: list[Event], slo: Slo, data: st.DataObject, random: Random
) -> None:
    since = data.draw(st.sampled_from([T0, T0 + 60, T0 + 73, T0 + 200]))
    cuts = [since]
    sent = [one for k in range(SHARDS) for one in sent_by(f"s{k}", events[k::SHARDS], random)]
    lost = data.draw(st.lists(st.sampled_from(sent), max_size=1))
    arrived = [one for one in sent if one not in lost]
    arrived += random.sample(arrived, random.randint(0, 3))
    random.shuffle(arrived)
    store = MemoryStore()
    for one in arrived:
        store.add_windows(one.windows, one.shard, one.seq)
        if random.random() < 0.3:
            store.roll_up(random.choice([T0, END, END + DAY, END + 3 * DAY]), cuts)
    found = judged(store, slo, since, cuts)
    start = max(since, END - {"rolling": 10**6, "4h": 240, "24h": DAY}[slo.window])
    if any(one.touches(start) for one in lost):
        assert found is Outcome.NO_DATA
    elif not lost:
        assert found is oracle(events, slo, start, cuts)
    else:
        assert found is not Outcome.MET or oracle(events, slo, start, cuts) is Outcome.MET


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.randoms(use_true_random=False))
def test_any_way_into_the_store_ends_in_the_same_bytes(events: list[Event], random: Random) -> None:
    bodies = []
    for shuffled in (False, True):
        sent = [one for k in range(SHARDS) for one in sent_by(f"s{k}", events[k::SHARDS], random)]
        if shuffled:
            sent = random.sample(sent * 2, len(sent) * 2)
        store = MemoryStore()
        for one in sent:
            store.add_windows(one.windows, one.shard, one.seq)
            if shuffled:
                store.roll_up(random.choice([END, END + DAY]), [T0 + 73])
        store.roll_up(END + 3 * DAY, [T0 + 73])
        rolled = store.windows("2.0", T0, END, tenant=None, segment=None)
        bodies.append(canonical([replace(one, shards_seen=1) for one in rolled]))
    assert bodies[0] == bodies[1]
