"""Late labels from a file, and the desk: who opens what is on record, answers belong to who took the item."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.deploy.http.wiring import ForReview
from shipworthy.errors import PolicySaysNo, ShipworthyError, Unreachable, UsageError
from shipworthy.flows import review_queue
from shipworthy.flows.labels import send_labels
from shipworthy.runtime.review import queue_item
from tests.flows.tiny import Tiny


def test_labels_need_their_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("receipt,truth\nabc,1\n")
    with pytest.raises(UsageError, match="receipt and label"):
        send_labels(path, "http://127.0.0.1:9")


def test_a_gateway_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("receipt,label\nabc,1\n")
    with pytest.raises(Unreachable, match="does not answer") as told:
        send_labels(path, "http://127.0.0.1:9")
    assert told.value.exit_code == 5


def queued(tiny: Tiny, request: str, tenant: str = "acme") -> None:
    """Put one request into the review queue, as the gateway does."""
    asked = ForReview(
        request=request,
        tenant=tenant,
        version="1",
        arm="baseline",
        segments=("supplier=S1",),
        row={"speed": 3, "remark": "private words"},
        review_word="review",
        suggestion="deny",
        score=0.3,
        uncertainty=None,
        why=("between_thresholds",),
        receipt="r",
        at=tiny.workspace.now(),
    )
    store = tiny.workspace.store()
    try:
        store.enqueue(queue_item(asked, tiny.workspace.site_key(), {}))
    finally:
        store.close()


def test_taking_an_item_opens_it_by_name_and_on_record(shipped: Tiny) -> None:
    queued(shipped, "request-1")
    assert [item.id for item in review_queue.waiting(shipped.workspace)] == ["request-1"]
    taken = review_queue.take(shipped.workspace, "ben")
    assert taken is not None
    assert taken.content["row"]["remark"] == "private words"
    entry = shipped.entries()[-1]
    assert (entry.actor, entry.kind) == ("ben", "respond.review_opened")
    assert "private words" not in str(entry.body)
    assert b"private words" not in (shipped.workspace.home / "store.db").read_bytes()


def test_what_is_taken_is_not_given_to_somebody_else_until_its_lease_ends(shipped: Tiny) -> None:
    queued(shipped, "request-1")
    assert review_queue.take(shipped.workspace, "ben") is not None
    assert review_queue.take(shipped.workspace, "dana") is None
    shipped.clock.advance(30 * 60 + 1)
    assert review_queue.take(shipped.workspace, "dana") is not None


def test_only_who_holds_the_lease_answers(shipped: Tiny) -> None:
    queued(shipped, "request-1")
    review_queue.take(shipped.workspace, "ben")
    with pytest.raises(ShipworthyError):
        review_queue.answer(shipped.workspace, "request-1", "dana", "approve")
    item = review_queue.answer(shipped.workspace, "request-1", "ben", "approve")
    assert (item.answer, item.label) == ("approve", 1)
    assert shipped.kinds()[-1] == "respond.review_answered"
    assert review_queue.waiting(shipped.workspace) == ()


def test_an_answer_is_one_of_the_words_of_the_contract(shipped: Tiny) -> None:
    queued(shipped, "request-1")
    review_queue.take(shipped.workspace, "ben")
    with pytest.raises(UsageError, match="deny, approve or review"):
        review_queue.answer(shipped.workspace, "request-1", "ben", "maybe")


def test_a_tenant_sees_its_own_queue(shipped: Tiny) -> None:
    queued(shipped, "request-1", "acme")
    queued(shipped, "request-2", "birch")
    assert [item.id for item in review_queue.waiting(shipped.workspace, "birch")] == ["request-2"]
    taken = review_queue.take(shipped.workspace, "ben", "birch")
    assert taken is not None
    assert taken.item.id == "request-2"


def test_inputs_are_opened_by_reviewers_and_operators_only(shipped: Tiny) -> None:
    queued(shipped, "request-1")
    with pytest.raises(PolicySaysNo):
        review_queue.take(shipped.workspace, "chidi")
    assert shipped.kinds()[-1] != "respond.review_opened"


def test_nothing_waits(shipped: Tiny) -> None:
    assert review_queue.take(shipped.workspace, "ben") is None
