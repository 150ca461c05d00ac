"""The abuse log of one gateway: what is told of callers becomes counts under pseudonyms, at once and before all else.

In: what the gateway refused and answered, with the caller's address and what was sent. Out: counts in the store once a
minute, `abuse_rate`, and a line in the status. The address and what was sent are read here, hashed under the key of the
tenant, and forgotten: neither is written anywhere. Where the key is not known, `__other__` did it.
"""

from __future__ import annotations

import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from shipworthy.errors import ShipworthyError
from shipworthy.facts import OTHER, AbuseCount, AbuseKind, Event, Measurement, Scope
from shipworthy.models.spec import Cell, Columns
from shipworthy.observe.abuse import HOUR, Tally, first_kept, named
from shipworthy.observe.abuse_rate import AbuseRates
from shipworthy.observe.abuse_shown import by_kind
from shipworthy.observe.caller_ood import CallerOod
from shipworthy.observe.payload import is_payload
from shipworthy.observe.probing import Probing
from shipworthy.observe.pseudonyms import evidence_digest, period_end, pseudonym, tenant_key
from shipworthy.runtime.abuse_keys import AbuseKeys
from shipworthy.runtime.probed import Salt, hashed_rows
from shipworthy.store.group import GroupCommit
from shipworthy.store.protocol import Store

RATES_FOR = 31 * 24 * HOUR  # longer than any window of an SLO that is judged here
LATE = 5  # minutes for which an hour stays open after its end
MOST_NAMES = 4096
MOST_PENDING = 3
_ORDER = (AbuseKind.NEVER_ATTEMPT, AbuseKind.PAYLOAD, AbuseKind.REPEATED_OOD, AbuseKind.PROBING)
_log = logging.getLogger("shipworthy.abuse")
_encode = msgspec.json.Encoder(order="deterministic", enc_hook=str).encode


class AbuseLog:
    """Counts abuse. Single thread; writes go through group commit, and what fails is sent again."""

    def __init__(
        self, store: Store, commits: GroupCommit, site_key: bytes, minute: int, kept_minutes: Callable[[], int]
    ) -> None:
        """`kept_minutes()`: how long counts live. Raises Unreachable when the store cannot give the keys."""
        self._commits = commits
        self._keys = AbuseKeys(store, commits, site_key, minute // HOUR)
        self._kept_minutes = kept_minutes
        self._shard = secrets.token_hex(8)
        self.salt = Salt.new()
        self._tally = Tally()
        self._rates = AbuseRates()
        self._ood = CallerOod()
        self._probing: dict[str, tuple[Columns, Probing | None]] = {}
        self._names: dict[tuple[int, str, str], tuple[str, bytes | None]] = {}
        self._pending: list[tuple[Future[None], tuple[AbuseCount, ...]]] = []
        self._expiring: tuple[int, Future[int]] | None = None
        self._expired = -1
        self._events: Counter[AbuseKind] = Counter()
        self.trouble = ""

    def watch(self, version: str, columns: Columns, probing: Probing | None) -> None:
        """Watch the callers of a version. `probing` None: there it cannot be told from ordinary traffic."""
        self._probing[version] = (columns, probing)

    def refused(self, kind: AbuseKind, tenant: str, peer: str, minute: int, raw: bytes, n: int = 1) -> None:
        """Count what was refused."""
        caller, key = self._named(minute // HOUR, tenant, peer)
        self._count(kind, minute, tenant, caller, key, raw, n=n)
        self._rates.add(minute, True, n=n)

    def answered(self, event: Event, row: Mapping[str, Cell], peer: str) -> None:
        """Look at one request that was decided."""
        self.answered_many([event], [row], [peer])

    def answered_many(self, events: Sequence[Event], rows: Sequence[Mapping[str, Cell]], peers: Sequence[str]) -> None:
        """Look at requests that were decided, one after the other. Raises ValueError unless each has row and peer."""
        if not len(events) == len(rows) == len(peers):
            raise ValueError(f"{len(events)} events with {len(rows)} rows and {len(peers)} peers")
        callers = self._all_named(events, peers)
        found = self._all_found(events, rows, [caller for caller, _ in callers])
        told: Counter[tuple[int, bool, tuple[str, ...]]] = Counter()
        for at, event in enumerate(events):
            kinds = found.get(at)
            told[event.minute, kinds is not None, event.segments] += 1
            if kinds:
                self._keep(event, rows[at], *callers[at], kinds)
        for (minute, abuse, segments), n in told.items():
            self._rates.add(minute, abuse, segments, n)

    def answered_rows(self, minute: int, segments: Sequence[str], n: int) -> None:
        """Count many requests that were decided and are no abuse, in `*` and in their segments."""
        if n:
            self._rates.add(minute, False, segments, n)

    def answered_row(self, event: Event, row: Mapping[str, Cell]) -> None:
        """Look at one row of a batch: it has no caller, so that nobody can be told to repeat or to probe."""
        columns, _ = self._probing.get(event.version, ((), None))
        found = _content(event, row, _texts(columns))
        if found:
            self._keep(event, row, *self._named(event.minute // HOUR, event.tenant, ""), found)
        self._rates.add(event.minute, bool(found), event.segments)

    def roll(self, now_minute: int, bucket: Callable[[int], int]) -> None:
        """Close minutes, save what has grown, forget what has expired. Called once a minute."""
        self._rates.roll(now_minute, bucket)
        self._rates.forget(now_minute - RATES_FOR)
        self._tally.forget((now_minute - LATE) // HOUR)
        self.trouble = ""
        for work in (self._keep_keys, self._settle, self._expire):
            try:
                work(now_minute)
            except ShipworthyError as problem:
                self.trouble = str(problem)
                _log.exception("the abuse log could not be kept; it is tried again in a minute")
        unsaved = self._tally.unsaved()
        if unsaved and len(self._pending) < MOST_PENDING:
            save = self._commits.submit(lambda store: store.add_abuse(unsaved, self._shard))
            self._pending.append((save, unsaved))

    def measured(self, scope: Scope, start: int, end: int, level: float, silent: Sequence[int]) -> Measurement:
        """Return `abuse_rate` of a segment over closed minutes."""
        return self._rates.measured(scope.segment, start, end, level, silent)

    def told(self) -> dict[str, Any]:
        """Return what the status shows: events by kind since this process began, never of one caller."""
        watched = {
            version: "off: rows of the reference repeat too often, or are too few"
            if probing is None
            else {"memory": probing.watch.memory, "null_rate": round(probing.watch.null_rate, 4)}
            for version, (_, probing) in self._probing.items()
        }
        told: dict[str, Any] = {"events": by_kind(self._events), "spilled": self._tally.spilled, "probing": watched}
        return told | {"unsaved": len(self._tally.unsaved()), "trouble": self.trouble}

    def _all_found(
        self, events: Sequence[Event], rows: Sequence[Mapping[str, Cell]], callers: Sequence[str]
    ) -> dict[int, dict[AbuseKind, int]]:
        """Return, of the requests that are abuse, the kinds with the requests that each rests on."""
        found: defaultdict[int, dict[AbuseKind, int]] = defaultdict(dict)
        texts = {version: _texts(columns) for version, (columns, _) in self._probing.items()}
        for at, (event, row) in enumerate(zip(events, rows, strict=True)):
            loose = texts.get(event.version, ())
            if event.never or event.unseen or loose:
                content = _content(event, row, loose)
                if content:
                    found[at] = content
        known = [at for at, caller in enumerate(callers) if caller != OTHER]  # whoever it was, it is not one caller
        flagged = self._ood.add_many(
            [callers[at] for at in known],
            [events[at].ood_flag for at in known],
            [events[at].minute // HOUR for at in known],
        )
        for at, n in zip(known, flagged, strict=True):
            if n:
                found[at][AbuseKind.REPEATED_OOD] = n
        by_version: defaultdict[str, list[int]] = defaultdict(list)
        for at in known:
            by_version[events[at].version].append(at)
        for version, mine in by_version.items():
            repeated = self._probed(version, [callers[at] for at in mine], [rows[at] for at in mine])
            for at, n in zip(mine, repeated, strict=False):
                if n:
                    found[at][AbuseKind.PROBING] = n
        return found

    def _probed(self, version: str, callers: Sequence[str], rows: Sequence[Mapping[str, Cell]]) -> list[int]:
        """Return on how many near repeats the alarm of each request rests; nothing where nobody is watched."""
        columns, probing = self._probing.get(version, ((), None))
        return [] if probing is None else probing.add_many(callers, hashed_rows(rows, columns, self.salt))

    def _all_named(self, events: Sequence[Event], peers: Sequence[str]) -> list[tuple[str, bytes | None]]:
        asked = [(event.minute // HOUR, event.tenant, peer) for event, peer in zip(events, peers, strict=True)]
        known = {one: self._named(*one) for one in dict.fromkeys(asked)}
        return [known[one] for one in asked]

    def _keep(
        self, event: Event, row: Mapping[str, Cell], caller: str, key: bytes | None, found: Mapping[AbuseKind, int]
    ) -> None:
        raw, segment = _encode(row), event.segments[0] if event.segments else "*"
        for kind in sorted(found, key=_ORDER.index):
            self._count(kind, event.minute, event.tenant, caller, key, raw, segment, found[kind])

    def _count(
        self,
        kind: AbuseKind,
        minute: int,
        tenant: str,
        caller: str,
        key: bytes | None,
        raw: bytes,
        segment: str = "*",
        n: int = 1,
    ) -> None:
        evidence = "" if key is None else evidence_digest(key, raw)
        self._tally.add(minute // HOUR, kind, tenant, caller, evidence, segment, n)
        self._events[kind] += n

    def _named(self, hour: int, tenant: str, peer: str) -> tuple[str, bytes | None]:
        """Return the pseudonym of a caller, and the key of its tenant in the period of the hour."""
        tenant = named(tenant)
        asked = (period_end(hour), tenant, peer)
        found = self._names.get(asked)
        if found is None:
            secret = self._keys.secret(hour)
            key = None if secret is None else tenant_key(secret, tenant)
            found = (OTHER if key is None else pseudonym(key, peer), key)
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            self._names[asked] = found
        return found

    def _keep_keys(self, now_minute: int) -> None:
        before = self._keys.secret(now_minute // HOUR)
        self._keys.keep_up(now_minute // HOUR)
        if self._keys.secret(now_minute // HOUR) != before:
            self._names.clear()  # nobody could be named before the key came

    def _settle(self, now_minute: int) -> None:
        """Hear how earlier writes ended. What failed is still unsaved, and goes with the next."""
        done = [one for one in self._pending if one[0].done()]
        self._pending = [one for one in self._pending if not one[0].done()]
        for future, counts in done:
            future.result()
            self._tally.saved(counts)

    def _expire(self, now_minute: int) -> None:
        """Delete, once an hour, the counts of hours that began before the retention did."""
        before = first_kept(now_minute, self._kept_minutes())
        if self._expiring is not None and self._expiring[1].done():
            asked, future = self._expiring
            self._expiring = None
            future.result()
            self._expired = asked
        if before > self._expired and self._expiring is None:
            self._expiring = (before, self._commits.submit(lambda store: store.expire_abuse(before)))


def _content(event: Event, row: Mapping[str, Cell], texts: Sequence[str]) -> dict[AbuseKind, int]:
    """What a request is by itself, whoever sent it."""
    found: dict[AbuseKind, int] = {}
    if event.never:
        found[AbuseKind.NEVER_ATTEMPT] = 1
    if any(_is_payload(row.get(name)) for name in (*texts, *event.unseen)):
        found[AbuseKind.PAYLOAD] = 1
    return found


def _texts(columns: Columns) -> tuple[str, ...]:
    """The features whose value nobody declared; categories that the version has not seen are told by the event."""
    return tuple(name for name, kind in columns if kind == "text")


def _is_payload(cell: Cell) -> bool:
    return isinstance(cell, str) and is_payload(cell)
