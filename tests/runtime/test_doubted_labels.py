"""What is kept apart costs nobody else, is never lost, and holds back everything that rests on labels until it is
counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shipworthy.contract.manifest import Decisions
from shipworthy.errors import PolicySaysNo
from shipworthy.facts import Judgement, Outcome
from shipworthy.flows.quarantine import Settled, settle
from shipworthy.flows.review_queue import answer, take
from shipworthy.observe.minutes import minute_of
from shipworthy.runtime import answers
from shipworthy.runtime.label_watch import LabelWatch
from shipworthy.store import quarantine
from shipworthy.store.protocol import Store
from shipworthy.store.review import Given, QueueItem, QueueStatus
from shipworthy.store.suspect import BY_ANSWER, BY_LABEL, HELD, RELEASED, LabelSource, Suspect
from shipworthy.testing.clock import HandClock
from shipworthy.testing.memory import MemoryStore
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, claim
from tests.runtime.test_label_watch import _slo, receipt
from tests.store.rows import item
from tests.store.test_contract import store

__all__ = ["store"]
MET = Judgement(slo="error_rate", segment="*", outcome=Outcome.MET, because="b", here=True)


def watching() -> tuple[Store, LabelWatch]:
    store: Store = MemoryStore()
    return store, LabelWatch(lambda *told: None, HandClock(), Decisions())


def doubted(store: Store, kind: str, *names: str) -> None:
    for name in names:
        store.put_label_source(LabelSource(version="1", kind=kind, source=name, flagged_at="t"))


def answered(name: str, *said: Given) -> QueueItem:
    people = ",".join(one.person for one in said)
    stands = said[0]
    return replace(
        item(name),
        request=name,
        status=QueueStatus.ANSWERED,
        people=len(said),
        answers=said,
        answer=stands.decision,
        answered_by=people,
        label=stands.label,
        changed=stands.changed,
    )


def said(person: str, decision: str = "deny", changed: bool | None = True) -> Given:
    label = {"deny": 0, "approve": 1}.get(decision)
    return Given(person=person, decision=decision, at="t", label=label, changed=changed)


def outcome(watch: LabelWatch) -> Outcome:
    return watch.judged("1", _slo("error_rate"), MET).outcome


def test_a_label_that_is_kept_apart_turns_nothing_green_though_nobody_is_flagged() -> None:
    store, watch = watching()
    store.enqueue(replace(item("d-1"), request="d-1"))
    store.lease(None, "ben", "2027-01-04T14:00:00.000000Z", "2027-01-04T12:00:00.000000Z")
    store.answer("d-1", "ben", "deny", "2027-01-04T12:00:00.000000Z", 0)
    watch.look(store)
    assert outcome(watch) is Outcome.MET
    assert watch.label(receipt("d-1"), 1, "good").held(store)
    assert outcome(watch) is Outcome.NO_DATA, "at once"
    watch.look(store)
    assert outcome(watch) is Outcome.NO_DATA
    assert store.settle("1", "good", RELEASED) == 1
    watch.look(store)
    assert outcome(watch) is Outcome.NO_DATA, "let out, and not counted yet"
    store.let_go(store.quarantined()[0])
    watch.look(store)
    assert outcome(watch) is Outcome.MET
    assert not watch.doubts("1")


def test_a_doubted_answer_is_kept_beside_a_doubted_label_of_the_same_decision() -> None:
    store, watch = watching()
    doubted(store, BY_LABEL, "bad", "worse")
    doubted(store, BY_ANSWER, "ben")
    assert watch.label(receipt("q-1"), 1, "bad").held(store)
    assert watch.label(receipt("q-1"), 0, "worse").held(store)
    assert watch.answer(answered("q-1", said("ben")), receipt("q-1")).held(store)
    assert [(one.kind, one.source, one.label) for one in store.quarantined()] == [
        (BY_ANSWER, "ben", 0),
        (BY_LABEL, "bad", 1),
        (BY_LABEL, "worse", 0),
    ]
    assert store.settle("1", "bad", "dropped") == 1
    assert len(store.quarantined()) == 2


@pytest.mark.parametrize("flagged", ["ben", "ana", "cleo"])
def test_an_answer_of_several_is_held_when_any_of_them_is_doubted(flagged: str) -> None:
    store, watch = watching()
    doubted(store, BY_ANSWER, flagged)
    three = answered("q-1", said("ben"), said("ana", "approve", False), said("cleo"))
    watched = watch.answer(three, receipt("q-1"))
    assert watched.held(store)
    (kept,) = store.quarantined()
    assert (kept.source, kept.label, kept.changed) == (flagged, 0, True)


def test_who_answers_with_others_is_compared_by_what_they_said_themselves() -> None:
    store, watch = watching()
    for k in range(120):
        watched = watch.answer(answered(f"a-{k}", said("ana", "approve", False)), receipt(f"a-{k}"))
        assert not watched.held(store)
        watched.counted(store)
    for k in range(50):
        undecided = answered(f"b-{k}", said("ana", "approve", False), said("ben"), said("cleo", "review", None))
        watched = watch.answer(undecided, receipt(f"b-{k}"))
        assert not watched.held(store)
        assert watched.tells
        watched.counted(store)
    known = {one.source: one for one in store.label_sources()}
    assert {name: (one.n, bool(one.flagged_at)) for name, one in known.items()} == {
        "ana": (170, False),
        "ben": (50, True),
    }
    assert watch.answer(answered("c-1", said("ana"), said("ben")), receipt("c-1")).held(store)


@pytest.fixture(name="served")
def _served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as served:
        yield served


def asked(served: Served, visit: str) -> str:
    """Ask for what a person must decide; return its id."""
    told = served.post("/decide", {"row": claim(speed=10, visit=visit)})[1]
    assert told["route"] == "person"
    return str(told["request"])


def test_an_answer_that_finds_the_quarantine_full_waits_and_stops_no_other(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MOST_OF_SOURCE", 1)
    doubted(served.site.store, BY_ANSWER, "ben")
    for k, who in enumerate(["ben", "ben", "ben", "dana"]):
        name = asked(served, f"v-{k}")
        assert take(served.tiny.workspace, who, item_id=name) is not None
        answer(served.tiny.workspace, name, who, "approve")
    row = served.decide(tenant="birch")
    doubted(served.site.store, BY_LABEL, "tenant birch")
    sent = {"receipt": row["receipt"], "label": 1}
    assert served.post("/labels", sent)[1] == {"status": "quarantined"}
    another = served.decide(visit="v-9", tenant="birch")
    assert served.post("/labels", {"receipt": another["receipt"], "label": 1})[0] == 429, "told, not lost"
    served.keep_up(1)
    served.keep_up()
    assert served.site.telemetry.kept.labelled() == 1
    statuses = served.site.store.queue_depth(served.tiny.workspace.now()).statuses
    assert statuses == {"answered": 2, "counted": 2}
    monkeypatch.setattr(quarantine, "MOST_OF_SOURCE", 3)
    served.keep_up(1)
    served.keep_up()
    assert served.site.store.quarantine_counts()["1", "ben", HELD] == 3


def test_a_flood_of_labels_keeps_no_answer_out_and_one_sender_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "MOST_OF_SOURCE", 2)
    monkeypatch.setattr(quarantine, "MOST", 3)

    def kept(name: str, kind: str, source: str) -> bool:
        told = Suspect(receipt=receipt(name), label=1, kind=kind, source=source, reason="r", at="t")
        return store.quarantine(told)

    assert kept("d-0", BY_LABEL, "bad")
    assert not kept("d-0", BY_LABEL, "bad"), "it is there"
    assert kept("d-1", BY_LABEL, "bad")
    with pytest.raises(PolicySaysNo, match="in quarantine"):
        kept("d-2", BY_LABEL, "bad")
    assert kept("d-0", BY_LABEL, "worse")
    with pytest.raises(PolicySaysNo, match="in quarantine"):
        kept("d-1", BY_LABEL, "other")
    assert kept("d-0", BY_ANSWER, "ben")


def test_what_is_released_is_counted_in_one_round_or_is_doubted_until_it_is(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, minute = served.site, minute_of(served.tiny.clock())
    with site.store.transaction():
        for k in range(1300):
            told = replace(receipt(f"d-{k:04d}"), minute=minute)
            site.store.quarantine(Suspect(receipt=told, label=0, kind=BY_LABEL, source="bad", reason="r", at="t"))
    settled = settle(served.tiny.workspace, "1", "bad", RELEASED, "ana", "looked at them")
    assert settled == Settled(n=1300, counted=1300)
    monkeypatch.setattr(answers, "MOST_RELEASED", 128)
    served.keep_up(1)
    served.keep_up()
    assert site.telemetry.kept.labelled() == 128
    site.late.look()
    assert site.late.watch.doubts("1")
    monkeypatch.undo()
    served.keep_up(1)
    served.keep_up()
    assert (site.telemetry.kept.labelled(), site.store.quarantine_counts()) == (1300, {})
    site.late.look()
    assert not site.late.watch.doubts("1")


def test_a_label_that_cannot_be_counted_costs_no_other_and_is_still_there(served: Served) -> None:
    site, minute = served.site, minute_of(served.tiny.clock())
    for k in range(3):
        told = Suspect(
            receipt=replace(receipt(f"d-{k}"), minute=minute),
            label=0,
            kind=BY_LABEL,
            source="bad",
            reason="r",
            at="t",
            status=RELEASED,
        )
        site.store.quarantine(told if k else replace(told, label=7))

    async def count() -> None:
        await answers.take_released(site.store, site.telemetry, site.versions.bucket)

    with pytest.raises(ValueError, match="a label is 0 or 1"):
        asyncio.run_coroutine_threadsafe(count(), served._loop).result(30)
    assert [one.receipt.request for one in site.store.quarantined()] == ["d-0"]


def test_releasing_a_label_against_a_person_says_that_it_changes_nothing(served: Served) -> None:
    tiny = served.tiny
    told = served.post("/decide", {"row": claim(speed=10)})[1]
    for counted in (False, True):
        if not counted:
            take(tiny.workspace, "ben")
            answer(tiny.workspace, told["request"], "ben", "approve")
        status = served.post("/labels", {"receipt": told["receipt"], "label": 0})[1]
        assert status == {"status": "quarantined"}
        left = verb(tiny, "labels", "quarantine", "release", "1", "tenant acme", "--as", "ana", "--because", "x")
        assert left.out.startswith("1 label released; 1 of them change nothing"), left
        entry = tiny.entries()[-1]
        assert (entry.kind, entry.body["n"], entry.body["counted"]) == ("respond.labels_released", 1, 0)
        served.keep_up(1)
        served.keep_up()
        assert served.site.store.quarantined() == ()
        assert served.site.telemetry.kept.labelled() == 1
        assert [one.kind for one in tiny.entries()].count("respond.labels_released") == 1 + counted


@pytest.mark.parametrize("doubts", [False, True])
def test_thresholds_never_move_on_labels_of_a_version_that_is_doubted(served: Served, doubts: bool) -> None:
    for k in range(80):
        row = served.decide(visit=f"v-{k}")
        assert served.post("/labels", {"receipt": row["receipt"], "label": 0})[1] == {"status": "accepted"}
    if doubts:
        told = Suspect(receipt=receipt("d-1"), label=0, kind=BY_LABEL, source="bad", reason="r", at="t")
        served.site.store.quarantine(told)
    served.tiny.clock.advance(timedelta(days=1).total_seconds())
    served.keep_up(1)
    served.keep_up()
    assert ("observe.recalibrated" in served.tiny.kinds()) is not doubts
