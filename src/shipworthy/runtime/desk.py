"""The desk: a named person takes an item, sees what was sealed in it, and answers or gives it back.

In: the site's store and ledger, the contract that shipped, who acts. Out: leased, opened and answered items. Each move
and its ledger entry are one transaction: what is opened is on record before anything of it is shown, and an entry that
cannot be written leaves the item as it was. Command line and HTTP API are two faces of this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from shipworthy.artifact.mac import tag
from shipworthy.contract.contract import Contract
from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.facts import Person
from shipworthy.indicators import length_seconds
from shipworthy.respond.postures import MACHINE
from shipworthy.respond.queue import changed, decision_word, label_of
from shipworthy.runtime.review import lives_of, opened
from shipworthy.store.instants import rfc3339
from shipworthy.store.protocol import Store
from shipworthy.store.review import RAW_INPUT_S, QueueDepth, QueueItem, is_open

REVIEWERS = ("reviewer", "operator")
MOST_BECAUSE = 500
BLIND = "blind answer"
Note = Callable[[str, str, dict[str, Any]], object]  # actor, kind, body


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An item leased to a person, with what they may see of what was sealed in it."""

    item: QueueItem
    content: dict[str, Any]


class Desk:
    """The review queue as people work at it. May be called from any thread."""

    def __init__(
        self,
        store: Store,
        note: Note,
        contract: Callable[[], Contract],
        site_key: bytes,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._note = note
        self._contract = contract
        self._site_key = site_key
        self._clock = clock

    def waiting(self, tenant: str | None = None) -> tuple[QueueItem, ...]:
        """Return what waits or is leased, the most urgent first. Inputs stay sealed."""
        lives_s = lives_of(self._contract().manifest.retention)
        expire_reviews(self._store, self._note, rfc3339(self._clock()), lives_s)
        return tuple(item for item in self._store.items(tenant=tenant) if is_open(item))

    def depth(self) -> QueueDepth:
        """Return how full the queue is."""
        return self._store.queue_depth(rfc3339(self._clock()))

    def look(self, item_id: str) -> QueueItem:
        """Return an item without its input. Raises UsageError for an id that none has."""
        return msgspec.structs.replace(self._known(item_id), sealed=b"")

    def take(self, person: str, tenant: str | None = None, item_id: str | None = None, by: str = "") -> Opened | None:
        """Lease the most urgent item, or the one that is named, to a person and open its input; None when none waits.

        `by`: the token they came with. Raises PolicySaysNo when they may not have it, or have enough.
        """
        queue = self._reviewing(person).manifest.review_queue
        now = self._clock()
        until = rfc3339(now + timedelta(seconds=length_seconds(queue.lease)))
        with self._store.transaction():
            item = self._store.lease(tenant, person, until, rfc3339(now), queue.leases_per_person, item_id)
            if item is None:
                return None
            body = {"item": item.id, "tenant": item.tenant, "until": item.lease_until}
            self._note(person, "respond.review_opened", body | _token(by))
        return Opened(item=item, content=_shown(item, opened(item, self._site_key)))

    def give_back(self, item_id: str, person: str, by: str = "") -> QueueItem:
        """Let another person have an item. Raises PolicySaysNo when this one does not hold it."""
        self._reviewing(person)
        with self._store.transaction():
            item = self._store.give_back(item_id, person, rfc3339(self._clock()))
            self._note(person, "respond.review_given_back", {"item": item.id} | _token(by))
        return item

    def answer(self, item_id: str, person: str, decision: str, because: str = "", by: str = "") -> QueueItem:
        """Record the decision of the person who holds the lease; the same one again changes nothing.

        The gateway counts what stands within a minute: its label by the item's receipt, and whether it changed what was
        suggested. What the first of two people said is on record, but nobody reads it before the second has answered.
        """
        words = self._reviewing(person).manifest.decisions
        decision_word(decision, words)
        if len(because) > MOST_BECAUSE or not (because.isprintable() or not because):
            raise UsageError(f"a reason is one line of at most {MOST_BECAUSE} characters", item_id)
        with self._store.transaction():
            before = self._known(item_id)
            suggestion = opened(before, self._site_key)["suggestion"] if before.sealed else ""
            label, overturned = label_of(decision, words), changed(decision, suggestion or "", words)
            now = rfc3339(self._clock())
            item = self._store.answer(item_id, person, decision, now, label, overturned, because, words.review)
            if item != before:
                self._note(person, "respond.review_answered", self._told(item, person, decision) | _token(by))
        return item

    def may_review(self, person: str) -> Person:
        """Return the person. Raises PolicySaysNo for anybody whom the contract does not let open inputs."""
        contract = self._contract()
        found = contract.person(person)
        if found is None or not set(REVIEWERS) & set(found.roles):
            raise PolicySaysNo(f"{person} may not open inputs", "people", "ask a reviewer or an operator")
        return found

    def _reviewing(self, person: str) -> Contract:
        self.may_review(person)
        return self._contract()

    def _known(self, item_id: str) -> QueueItem:
        item = self._store.item(item_id)
        if item is None:
            raise UsageError("no such item in the review queue", where=item_id)
        return item

    def _told(self, item: QueueItem, person: str, decision: str) -> dict[str, Any]:
        if not item.answer:  # another person must look, blind: the answer is bound here and told with theirs
            text = f"{item.id}\n{person}\n{decision}"
            sealed = tag(self._site_key, BLIND, text.encode()).hex()
            return {"item": item.id, "answers": len(item.answers), "sealed": sealed}
        given = [{"person": one.person, "decision": one.decision, "because": one.because} for one in item.answers]
        return {"item": item.id, "decision": item.answer, "label": item.label, "answers": given}


def expire_reviews(store: Store, note: Note, now: str, lives_s: int = RAW_INPUT_S) -> tuple[QueueItem, ...]:
    """Give up what not enough people answered in time, and say so in the ledger: somebody must be called."""
    with store.transaction():
        gone = store.expire(now, lives_s)
        if gone:
            by_tenant = dict(sorted(Counter(item.tenant for item in gone).items()))
            body = {"n": len(gone), "by_tenant": by_tenant, "first": gone[0].deadline, "up_to": now}
            note(MACHINE, "respond.review_expired", body)
    return gone


def _shown(item: QueueItem, content: Mapping[str, Any]) -> dict[str, Any]:
    """What a person may see. Where several people answer, each sees the input, and nothing of what machine or people
    made of it: who saw more, gave the item back and came again would be no blind second."""
    return {"row": content["row"]} if item.people > 1 else dict(content)


def _token(by: str) -> dict[str, str]:
    return {"token": by} if by else {}
