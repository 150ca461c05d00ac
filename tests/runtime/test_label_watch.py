"""Poisoned labels are kept apart, nobody else's are, and leaving them out turns nothing green."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.contract.manifest import Decisions
from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Judgement, Outcome, Receipt, Slo
from shipworthy.flows.quarantine import DROPPED, Settled, quarantined, settle
from shipworthy.flows.review_queue import answer, take
from shipworthy.runtime.api import Rate
from shipworthy.runtime.label_watch import LabelWatch
from shipworthy.runtime.late_labels import LateLabels
from shipworthy.store.protocol import Store
from shipworthy.store.review import QueueItem
from shipworthy.store.suspect import BY_ANSWER, HELD, RELEASED, LabelSource
from shipworthy.testing.clock import HandClock
from shipworthy.testing.memory import MemoryStore
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, claim
from tests.store.rows import item


def receipt(name: str, version: str = "1", hour: int = 0) -> Receipt:
    return Receipt(
        request=name, version=version, tenant="acme", segments=(), minute=60 * hour, score_bin=9, score_q=1,
        arm="baseline", route="machine", decision="deny",
    )  # fmt: skip


class Desk:
    """A watch over a store in memory, and what it noted."""

    def __init__(self) -> None:
        self.store: Store = MemoryStore()
        self.noted: list[tuple[str, str, dict[str, Any]]] = []
        self.watch = LabelWatch(lambda *told: self.noted.append(told), HandClock(), Decisions())
        self.n = 0

    def send(self, source: str, label: int, times: int = 1, version: str = "1", hour: int = 0) -> list[bool]:
        told = []
        for _ in range(times):
            self.n += 1
            watched = self.watch.label(receipt(f"d-{self.n}", version, hour), label, source)
            told.append(watched.held(self.store))
            if not told[-1]:
                watched.counted(self.store)
        return told


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


def test_a_source_that_turns_labels_around_is_kept_apart_and_the_others_are_not(desk: Desk) -> None:
    desk.send("good", 0, 180)
    desk.send("good", 1, 20)
    assert not any(desk.send("bad", 1, 50))  # the fiftieth is looked at
    assert desk.noted[0][:2] == ("machine", "respond.labels_quarantined")
    body = desk.noted[0][2]
    assert (body["source"], body["n"], body["against"], body["others_n"]) == ("bad", 50, 50, 200)
    assert all(desk.send("bad", 0, 5)), "whatever it says from now on"
    assert not any(desk.send("good", 1, 30))
    assert not any(desk.send("bad", 1, 5, version="2")), "another version is another matter"
    assert desk.store.quarantine_counts() == {("1", "bad", HELD): 5}
    assert len(desk.noted) == 1


def test_nobody_is_doubted_without_others_to_compare_with(desk: Desk) -> None:
    assert not any(desk.send("alone", 1, 300))
    desk.send("late", 0, 60, hour=500)  # other hours say nothing about these
    assert not any(desk.send("alone", 1, 200))
    assert desk.noted == []
    desk.send("late", 0, 60)
    assert any(desk.send("alone", 1, 300)), "a look that could not be taken was not spent"


def test_only_the_latest_week_of_a_source_is_kept(desk: Desk) -> None:
    for hour in range(200):
        desk.send("good", 0, 1, hour=hour)
    (one,) = desk.store.label_sources()
    assert (len(one.hours), one.hours[0][0], one.n) == (168, 32, 200)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_what_rests_on_doubted_labels_is_never_green_and_a_breach_stays(desk: Desk, outcome: Outcome) -> None:
    for name, here, doubted in (("error_rate", True, True), ("error_rate", False, True), ("ood_rate", True, True)):
        slo = _slo(name)
        judged = Judgement(slo=name, segment="*", outcome=outcome, because="b", here=here)
        assert desk.watch.judged("1", slo, judged) == judged
        if doubted:
            desk.store.put_label_source(LabelSource(version="1", kind="label", source="bad", flagged_at="t"))
            desk.watch.look(desk.store)
        told = desk.watch.judged("1", slo, judged).outcome
        kept = name == "ood_rate" or not here or outcome in (Outcome.BREACHED, Outcome.NO_DATA)
        assert told is (outcome if kept else Outcome.NO_DATA)
        assert desk.watch.judged("2", slo, judged) == judged
        desk.store.put_label_source(LabelSource(version="1", kind="label", source="bad"))
        desk.watch.look(desk.store)


def _slo(name: str) -> Slo:
    from shipworthy.contract.slos import read_slos

    text = f"""slos:
  - name: {name}
    objective: "x"
    target: "<= 0.5"
    window: "7d"
    action_on_breach: "route_to_human_review"
"""
    policy, problems = read_slos(text)
    assert policy is not None, problems
    return policy.slos[0]


def test_a_label_against_what_a_person_decided_is_kept_apart(desk: Desk) -> None:
    asked: QueueItem = replace(item("d-1"), request="d-1")
    desk.store.enqueue(asked)
    desk.store.lease(None, "ben", "2027-01-04T14:00:00.000000Z", "2027-01-04T12:00:00.000000Z")
    desk.store.answer("d-1", "ben", "deny", "2027-01-04T12:00:00.000000Z", 0)
    assert desk.send("good", 1) == [True]
    (kept,) = desk.store.quarantined()
    assert kept.reason == "a person decided otherwise"
    desk.n = 0
    assert desk.watch.label(receipt("d-1"), 0, "good").held(desk.store) is False


def test_a_reviewer_who_overturns_far_more_than_the_others_is_kept_apart(desk: Desk) -> None:
    def said(who: str, changed: bool, times: int) -> list[bool]:
        told = []
        for _ in range(times):
            desk.n += 1
            done = replace(item(f"d-{desk.n}"), answered_by=who, label=int(changed), changed=changed)
            watched = desk.watch.answer(done, receipt(done.id))
            told.append(watched.held(desk.store))
            if not told[-1]:
                watched.counted(desk.store)
        return told

    said("ana", False, 100)
    assert not any(said("ben", True, 50))
    assert all(said("ben", False, 3))
    (first, *_) = desk.store.quarantined()
    assert (first.kind, first.source, first.changed) == (BY_ANSWER, "ben", False)


@pytest.fixture(name="served")
def _served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as served:
        yield served


def test_poison_over_http_is_kept_apart_until_an_operator_says(served: Served) -> None:
    rows = [served.decide(visit=f"v-{k}", tenant=("acme", "birch")[k % 2]) for k in range(160)]
    good, bad = ([one for k, one in enumerate(rows) if k % 2 == side] for side in (0, 1))
    told = served.post("/labels", [{"receipt": one["receipt"], "label": 1} for one in good])[1]["results"]
    assert {one["status"] for one in told} == {"accepted"}
    told = served.post("/labels", [{"receipt": one["receipt"], "label": 0} for one in bad])[1]["results"]
    assert [one["status"] for one in told] == ["accepted"] * 50 + ["quarantined"] * 30
    served.keep_up(1)
    kept = served.site.telemetry.kept
    assert kept.labelled() == 130
    assert served.get("/status")[1]["reviews"]["quarantine"] == [
        {"version": "1", "source": "tenant birch", "status": "held", "n": 30}
    ]
    tiny = served.tiny
    (one,) = quarantined(tiny.workspace)
    assert (one.source, one.held, one.n, one.against) == ("tenant birch", 30, 50, 50)
    with pytest.raises(PolicySaysNo):
        settle(tiny.workspace, "1", "tenant birch", RELEASED, "ben", "x")
    with pytest.raises(UsageError):
        settle(tiny.workspace, "1", "tenant acme", RELEASED, "ana", "x")
    assert settle(tiny.workspace, "1", "tenant birch", RELEASED, "ana", "asked them") == Settled(n=30, counted=30)
    assert tiny.kinds()[-1] == "respond.labels_released"
    served.keep_up(1)
    served.keep_up()
    assert kept.labelled() == 160
    assert quarantined(tiny.workspace) == ()
    assert served.post("/labels", [{"receipt": bad[-1]["receipt"], "label": 0}])[1]["results"] == [{"status": "used"}]


def test_dropped_labels_are_gone_and_their_sender_is_counted_anew(desk: Desk, shipped: Tiny) -> None:
    store = shipped.workspace.store()
    desk.store = store
    desk.send("good", 0, 200)
    desk.send("bad", 1, 60)
    store.close()
    assert settle(shipped.workspace, "1", "bad", DROPPED, "ana", "stolen key") == Settled(n=10, counted=0)
    entry = shipped.entries()[-1]
    assert (entry.actor, entry.kind, entry.body["n"]) == ("ana", "respond.labels_dropped", 10)
    assert quarantined(shipped.workspace) == ()
    desk.store = shipped.workspace.store()
    assert not any(desk.send("bad", 0, 40))
    desk.store.close()


def test_a_sender_has_a_rate_and_another_one_has_their_own(served: Served) -> None:
    late = served.site.late
    served.site.late = LateLabels(
        served.site.store,
        served.tiny.workspace.host_key(),
        served.site.telemetry,
        served.site.versions.bucket,
        late.watch,
        served.tiny.clock,
        Rate(rate_per_s=0.001, burst=2),
    )
    rows = [served.decide(visit=f"v-{k}", tenant="acme") for k in range(4)]
    sent = [{"receipt": one["receipt"], "label": 1} for one in rows]
    told = served.post("/labels", sent[:3])[1]["results"]
    assert [set(one) for one in told] == [{"status"}, {"status"}, {"error"}]
    status, body = served.post("/labels", sent[3])
    assert (status, "too many labels" in body["error"]) == (429, True)
    other = served.decide(tenant="birch")
    assert served.post("/labels", {"receipt": other["receipt"], "label": 1})[1] == {"status": "accepted"}


def test_a_held_answer_is_no_label_and_no_overturn(served: Served) -> None:
    tiny = served.tiny
    told = served.post("/decide", {"row": claim(speed=10)})[1]
    assert told["route"] == "person"
    served.site.store.put_label_source(LabelSource(version="1", kind=BY_ANSWER, source="ben", flagged_at="t"))
    assert take(tiny.workspace, "ben") is not None
    answer(tiny.workspace, told["request"], "ben", "approve")
    served.keep_up(1)
    served.keep_up()
    assert served.site.telemetry.kept.labelled() == 0
    (kept,) = served.site.store.quarantined()
    assert (kept.label, kept.source) == (1, "ben")
    settle(tiny.workspace, "1", "ben", RELEASED, "ana", "looked at it")
    served.keep_up(1)
    served.keep_up()
    assert served.site.telemetry.kept.labelled() == 1
    assert served.site.store.quarantined() == ()
