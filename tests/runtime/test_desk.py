"""Nothing is opened without its entry, nobody answers for another, and who looks second does not see what was said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.artifact.mac import tag
from shipworthy.contract.contract import Contract
from shipworthy.contract.review_queue import ReviewQueue, SecondReview
from shipworthy.deploy.http.wiring import ForReview
from shipworthy.errors import CannotDecide, PolicySaysNo, Unreachable, UsageError
from shipworthy.flows.site_state import open_site, shipped_contract
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.desk import BLIND, Desk, expire_reviews
from shipworthy.runtime.review import queue_item, told_of
from shipworthy.store.review import QueueStatus
from tests.flows.tiny import Tiny

SECRET = "private words"


def queued(tiny: Tiny, authority: Authority, request: str, queue: ReviewQueue, tenant: str = "acme") -> None:
    asked = ForReview(
        request=request,
        tenant=tenant,
        version="1",
        arm="baseline",
        segments=("supplier=S1",),
        row={"speed": 3, "remark": SECRET},
        review_word="review",
        suggestion="deny",
        score=0.3,
        uncertainty=None,
        why=("to_deny", "uncertain"),
        receipt="r",
        at=tiny.workspace.now(),
    )
    authority.store.enqueue(queue_item(asked, tiny.workspace.site_key(), {}, queue))


class Room:
    """A desk over a tiny site, and what it stands on."""

    def __init__(self, tiny: Tiny, authority: Authority, queue: ReviewQueue, note: Callable[..., Any]) -> None:
        shipped = shipped_contract(tiny.workspace, authority)
        contract: Contract = replace(shipped, manifest=replace(shipped.manifest, review_queue=queue))
        self.tiny, self.authority, self.queue, self.store = tiny, authority, queue, authority.store
        self.desk = Desk(authority.store, note, lambda: contract, tiny.workspace.site_key(), tiny.clock)

    def put(self, *requests: str, tenant: str = "acme") -> None:
        for request in requests:
            queued(self.tiny, self.authority, request, self.queue, tenant)

    def kinds(self) -> list[str]:
        return [entry.kind.removeprefix("respond.") for entry in self.entries()]

    def entries(self) -> list[Any]:
        return [one for one in self.authority.ledger.entries() if one.kind.startswith("respond.review")]


@contextmanager
def room(tiny: Tiny, note: Callable[..., Any] | None = None, **queue: Any) -> Iterator[Room]:
    with open_site(tiny.workspace) as authority:
        yield Room(tiny, authority, ReviewQueue(**queue), note or authority.note)


def test_what_is_opened_is_on_record_before_it_is_shown(shipped: Tiny) -> None:
    with room(shipped) as one:
        one.put("r-1")
        taken = one.desk.take("ben", by="0123")
        assert taken is not None
        assert taken.content["row"]["remark"] == SECRET
        (entry,) = one.entries()
        assert (entry.actor, entry.kind) == ("ben", "respond.review_opened")
        assert entry.body == {"item": "r-1", "tenant": "acme", "until": taken.item.lease_until, "token": "0123"}
    assert SECRET.encode() not in (shipped.workspace.home / "store.db").read_bytes()


@pytest.mark.parametrize("move", ["take", "give_back", "answer", "expire"])
def test_without_its_entry_nothing_moves_and_nothing_is_shown(shipped: Tiny, move: str) -> None:
    works = [True]

    with open_site(shipped.workspace) as authority:

        def note(actor: str, kind: str, body: dict[str, Any]) -> None:
            if not works[0]:
                raise Unreachable("the ledger does not answer", "ledger")
            authority.note(actor, kind, body)

        one = Room(shipped, authority, ReviewQueue(), note)
        one.put("r-1")
        if move in ("give_back", "answer"):
            one.desk.take("ben")
        before = one.store.item("r-1")
        works[0] = False
        moves: dict[str, Callable[[], object]] = {
            "take": lambda: one.desk.take("ben"),
            "give_back": lambda: one.desk.give_back("r-1", "ben"),
            "answer": lambda: one.desk.answer("r-1", "ben", "deny"),
            "expire": lambda: expire_reviews(one.store, note, "2030-01-01T00:00:00.000000Z"),
        }
        with pytest.raises(Unreachable):
            moves[move]()
        assert one.store.item("r-1") == before
        works[0] = True
        assert moves[move]() is not None


def test_only_reviewers_and_operators_of_the_contract_work_here(shipped: Tiny) -> None:
    with room(shipped) as one:
        one.put("r-1")
        for nobody in ("chidi", "mallory", ""):
            for move in (
                lambda who: one.desk.take(who),
                lambda who: one.desk.give_back("r-1", who),
                lambda who: one.desk.answer("r-1", who, "deny"),
            ):
                with pytest.raises(PolicySaysNo, match="may not open inputs"):
                    move(nobody)
        assert one.entries() == []


def test_one_person_holds_a_few_items_and_their_leases_run_out(shipped: Tiny) -> None:
    with room(shipped, leases_per_person=2, lease="10m") as one:
        one.put("r-1", "r-2", "r-3")
        assert one.desk.take("ben")
        assert one.desk.take("ben")
        with pytest.raises(PolicySaysNo, match="has 2 items"):
            one.desk.take("ben")
        assert one.kinds() == ["review_opened"] * 2
        one.desk.give_back("r-1", "ben")
        assert one.desk.take("ben", item_id="r-3") is not None
        shipped.clock.advance(601)
        assert one.desk.take("ana", item_id="r-2") is not None


def test_an_answer_is_recorded_once_however_often_it_is_given(shipped: Tiny) -> None:
    with room(shipped) as one:
        one.put("r-1")
        one.desk.take("ben")
        with pytest.raises(UsageError, match="one line"):
            one.desk.answer("r-1", "ben", "approve", "two\nlines")
        with pytest.raises(UsageError, match="not a decision"):
            one.desk.answer("r-1", "ben", "maybe")
        first = one.desk.answer("r-1", "ben", "approve", "seen the papers")
        assert one.desk.answer("r-1", "ben", "approve") == first
        with pytest.raises(PolicySaysNo):
            one.desk.answer("r-1", "ben", "deny")
        assert (first.label, first.changed) == (1, True)
        assert one.kinds() == ["review_opened", "review_answered"]
        body = one.entries()[-1].body
        assert (body["decision"], body["label"]) == ("approve", 1)
        assert body["answers"] == [{"person": "ben", "decision": "approve", "because": "seen the papers"}]
        with pytest.raises(UsageError, match="no such item"):
            one.desk.answer("r-9", "ben", "deny")


def test_where_two_must_look_nobody_sees_more_than_the_input_not_even_who_gives_it_back(shipped: Tiny) -> None:
    with room(shipped, second_review=SecondReview(share=1)) as one:
        one.put("r-1")
        for who in ("ben", "ana", "ben"):
            taken = one.desk.take(who)
            assert taken is not None
            assert set(taken.content) == {"row"}
            one.desk.give_back("r-1", who)
        for who in ("ana", "ben"):
            one.desk.take(who)
            done = one.desk.answer("r-1", who, "approve")
        assert (done.answered_by, done.changed) == ("ana,ben", True), "what was suggested is still compared"


def test_who_looks_second_sees_the_input_alone_and_the_ledger_tells_them_nothing(shipped: Tiny) -> None:
    with room(shipped, second_review=SecondReview(share=1)) as one:
        one.put("r-1")
        first = one.desk.take("ben")
        assert first is not None
        assert first.content == {"row": {"speed": 3, "remark": SECRET}}
        waits = one.desk.answer("r-1", "ben", "deny")
        assert (waits.status, waits.answer, waits.label) == (QueueStatus.WAITING, "", None)
        entry = one.entries()[-1]
        assert "decision" not in entry.body
        assert entry.body["sealed"] == tag(shipped.workspace.site_key(), BLIND, b"r-1\nben\ndeny").hex()
        assert told_of(waits, shipped.workspace.now()).status == "waiting"  # nor does the caller hear of it
        assert one.desk.take("ben") is None
        second = one.desk.take("ana")
        assert second is not None
        assert second.content == {"row": {"speed": 3, "remark": SECRET}}
        done = one.desk.answer("r-1", "ana", "deny")
        assert (done.answer, done.label, done.changed) == ("deny", 0, False)
        assert [given["person"] for given in one.entries()[-1].body["answers"]] == ["ben", "ana"]


def test_two_who_disagree_need_a_third_and_three_answers_are_none(shipped: Tiny) -> None:
    with room(shipped, second_review=SecondReview(share=1)) as one:
        one.put("r-1")
        for who, said in (("ben", "deny"), ("ana", "approve")):
            one.desk.take(who)
            item = one.desk.answer("r-1", who, said)
        assert (item.status, item.label) == (QueueStatus.WAITING, None)
        assert one.desk.take("ana") is None
        dana = one.desk.take("dana")
        assert dana is not None
        assert set(dana.content) == {"row"}
        done = one.desk.answer("r-1", "dana", "review")
        assert (done.answer, done.label, done.changed) == ("review", None, None)
        assert one.desk.depth().disputed == 1


def test_what_nobody_answers_is_told_and_its_input_is_gone(shipped: Tiny) -> None:
    with room(shipped, answer_within="1h") as one:
        one.put("r-1", "r-2")
        one.put("r-3", tenant="birch")
        one.desk.take("ben", item_id="r-2")
        shipped.clock.advance(3601)
        assert one.desk.waiting() == ()
        entry = one.entries()[-1]
        assert (entry.actor, entry.kind) == ("machine", "respond.review_expired")
        assert (entry.body["n"], entry.body["by_tenant"]) == (3, {"acme": 2, "birch": 1})
        assert one.desk.waiting() == ()
        assert one.kinds() == ["review_opened", "review_expired"], "told once"
        kept = one.store.item("r-2")
        assert kept is not None
        assert (kept.sealed, told_of(kept, shipped.workspace.now()).status) == (b"", "expired")
        with pytest.raises(PolicySaysNo):
            one.desk.answer("r-2", "ben", "deny")
        assert one.desk.look("r-2").sealed == b""
        assert one.desk.depth().statuses == {"expired": 3}


def test_an_input_that_cannot_be_opened_shows_nothing_and_lets_the_next_one_come(shipped: Tiny) -> None:
    with room(shipped) as one:
        one.put("r-1", "r-2")
        first = one.store.item("r-1")
        assert first is not None
        one.store.enqueue(replace(first, id="r-0", request="r-0", deadline="2027-01-04T09:30:00.000000Z"))
        with pytest.raises(CannotDecide):  # sealed for another request
            one.desk.take("ben")
        assert one.desk.take("ben") is not None
