"""What a ledger tells a gate elsewhere: `GET /api/facts`, a versioned value made from entries and incidents.

In: a ledger and its store. Out: `SharedFacts`. Entries are read once and kept as far as they matter, so that asking
again costs what came since. Signatures inside are checked by whoever reads them, with the people of their own lock.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from typing import Literal

import msgspec

from shipworthy.facts import Case, Digest, Entry, Fact, Granted, Subject
from shipworthy.facts.incident import RegressionCase
from shipworthy.govern.overrides import APPROVED, REQUESTED, granted_in
from shipworthy.ledger.files.log import Ledger
from shipworthy.respond.incident_log import incident_in
from shipworthy.runtime.posted import SHIPPED
from shipworthy.store.protocol import Store

BASELINED = "deploy.baselined"
PROMOTED = "respond.incident_promoted"
RECORDS = re.compile(r"govern\.(?:decided|reversed)|academy\..*|[a-z]+\.drill.*")  # decisions, certificates, drills
_OF_OTHERS = (SHIPPED, BASELINED, PROMOTED, REQUESTED, APPROVED)


class Promoted(Fact, frozen=True, kw_only=True):
    """A case that an incident became; `rows` is the digest of its file of rows, "" in an entry that does not say."""

    case: Case
    rows: Digest = ""


class OpenIncident(Fact, frozen=True, kw_only=True):
    """What a gate needs to know of an incident that is not closed: no more of it leaves the site.

    `severity`: the worst that it ever had, so that no single person turns a gate by lowering it.
    """

    id: str
    title: str
    severity: str
    status: str
    cases: tuple[RegressionCase, ...] = ()


class SharedFacts(Fact, frozen=True, kw_only=True):
    """All that a gate asks of a shared ledger, for one model. `checkpoint` pins at least `size` entries.

    `overrides` are those not over at `at`, asked for or approved; `incidents` those not closed; `promoted` the cases
    that incidents became; `records` the entries of decisions, drills and certificates, with the one that tells the
    model's first ship and the one that tells the warm baseline.
    """

    schema: Literal["shipworthy/facts@1"] = "shipworthy/facts@1"
    model: str
    at: str
    size: int
    checkpoint: str
    key: str
    shipped: tuple[Subject, ...]
    overrides: tuple[Granted, ...]
    incidents: tuple[OpenIncident, ...]
    promoted: tuple[Promoted, ...]
    records: tuple[Entry, ...]


class Told:
    """The entries of one ledger that facts are made of. Safe from several threads."""

    def __init__(self, ledger: Ledger, store: Store, model: str) -> None:
        self._ledger = ledger
        self._store = store
        self._model = model
        self._lock = threading.Lock()
        self._seen = 0
        self._kept: list[Entry] = []

    def facts(self, now: str) -> SharedFacts:
        """Return the facts of the moment."""
        with self._lock:
            self._read_on()
            kept, size = tuple(self._kept), self._seen
        checkpoint = self._ledger.checkpoint()
        overrides = granted_in(kept)
        return SharedFacts(
            model=self._model,
            at=now,
            size=size,
            checkpoint=checkpoint,
            key=self._ledger.verifier_key,
            shipped=tuple(one for one in _shipped(kept) if one.model == self._model),
            overrides=tuple(
                one for one in overrides if one.override.subject.model == self._model and now < one.override.until
            ),
            incidents=open_incidents(self._store, self._model),
            promoted=promoted_in(kept, self._model),
            records=_records(kept, self._model),
        )

    def _read_on(self) -> None:
        for entry in self._ledger.entries(self._seen):
            if entry.kind in _OF_OTHERS or RECORDS.fullmatch(entry.kind):
                self._kept.append(entry)
            self._seen = entry.seq + 1


def _records(kept: tuple[Entry, ...], model: str) -> tuple[Entry, ...]:
    first = next((one for one in kept if one.kind == SHIPPED and one.read(Subject, "subject").model == model), None)
    baseline = next((one for one in reversed(kept) if one.kind == BASELINED), None)
    return tuple(one for one in kept if RECORDS.fullmatch(one.kind) or one is first or one is baseline)


def _shipped(kept: tuple[Entry, ...]) -> list[Subject]:
    return [entry.read(Subject, "subject") for entry in kept if entry.kind == SHIPPED]


def open_incidents(store: Store, model: str) -> tuple[OpenIncident, ...]:
    """Return what a gate may know of the incidents of a model that are not closed."""
    return tuple(
        OpenIncident(id=one.id, title=one.title, severity=one.gravest, status=one.status, cases=one.cases)
        for one in store.incidents()
        if one.status != "closed" and one.scope.model == model
    )


def promoted_in(entries: Iterable[Entry], model: str) -> tuple[Promoted, ...]:
    """Return the cases that the incidents of a model became, as `incident promote` wrote them."""
    return tuple(one for entry in entries if entry.kind == PROMOTED for one in _promoted(entry, model))


def _promoted(entry: Entry, model: str) -> list[Promoted]:
    if incident_in(entry).scope.model != model:
        return []
    rows = str(entry.body.get("rows_digest", ""))
    return [Promoted(case=case, rows=rows) for case in msgspec.convert(entry.body["cases"], list[Case])]
