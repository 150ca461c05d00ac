"""Drills judged: what was practised, whether it passed, how long it counts, and what is due.

In: what was measured of each trip, or ledger entries. Out: a verdict with its reason, and a `DrillBook`. A drill that
exercised nothing has failed: no answer before the trip, none after it, no replica that is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from shipworthy.contract.contract import Contract
from shipworthy.facts import (
    DRILL_TENANT,
    DRILLER,
    FAILED,
    PASSED,
    Drill,
    Entry,
    Fact,
    Held,
    Measurement,
    Named,
    Order,
    ReplicaTime,
    Scope,
    digest,
)
from shipworthy.respond.moments import later, moment, told

STARTED, DRILLED, DUE, RELEASED = (
    "respond.drill_started", "respond.drilled", "respond.drill_due", "respond.drill_released",
)  # fmt: skip
POSTURES: Final = {"kill": Named.KILLED, "rollback": Named.KILLED, "degrade": Named.SAFE_MODE}
DAY_S: Final = 86_400.0


class Started(Fact, frozen=True, kw_only=True):
    """A drill that began. It is over by `until` (RFC 3339): what did not end by then has failed."""

    id: str
    kind: str
    model: str
    version: str
    by: str
    at: str
    until: str
    target_ms: float
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Trip:
    """One trip. `before`, `after`: probe answers that were not safe before it, and safe ones after the last unsafe one.

    `last_ms`: from the trip until the last unsafe answer had left, 0 without one. `errors`: what was no answer, in
    words. `scope`: what the `order` reached.
    """

    scope: Scope
    replicas: tuple[ReplicaTime, ...]
    before: int
    after: int
    last_ms: float
    errors: tuple[str, ...] = ()
    order: str = ""


def drill_order(order_id: str, scope: Scope, posture: Named, drill: str, now: datetime, within_s: float) -> Held:
    """Return the order of a drill, which ends `within_s` after `now` when nobody ended it before.

    Raises ValueError for a scope that reaches anybody but the synthetic tenant.
    """
    if scope.tenant != DRILL_TENANT:
        raise ValueError(f"a drill reaches {DRILL_TENANT} only, not {scope.tenant!r}")
    until = told(later(now, within_s))
    cause = digest({"drill": drill})
    order = Order(id=order_id, scope=scope, posture=posture, cause=cause, confirm_by=until, by=DRILLER)
    return Held(order=order, at=told(now), because=f"{drill}: practised on the synthetic tenant")


def judged(started: Started, trips: Sequence[Trip], arm: str, expires: str, trouble: str = "") -> Drill:
    """Return the finished drill. `trouble`: why it could not go on; it has failed then."""
    reasons = [*([trouble] if trouble else []), *_reasons(started, trips, arm)]
    times = _times(trips)
    last = max((trip.last_ms for trip in trips), default=None)
    return Drill(
        id=started.id,
        kind=started.kind,
        model=started.model,
        version=started.version,
        tenant=DRILL_TENANT,
        at=started.at,
        by=started.by,
        arm=arm,
        segment=trips[0].scope.segment if trips else "*",
        order=trips[-1].order if trips else "",
        trips=len(trips),
        replicas=_worst(trips),
        p50_ms=percentile(times, 0.50),
        p99_ms=percentile(times, 0.99),
        max_ms=percentile(times, 1.0),
        last_candidate_ms=last,
        answers=(sum(trip.before for trip in trips), sum(trip.after for trip in trips)),
        errors=sum(len(trip.errors) for trip in trips),
        target_ms=started.target_ms,
        verdict=FAILED if reasons else PASSED,
        because="; ".join(reasons) or _well(started, trips, arm),
        expires=expires,
        fault=started.fault,
    )


def percentile(times: Sequence[float | None], share: float) -> float | None:
    """Return the nearest-rank percentile; None of nothing, or when one of them never came.

    >>> percentile([3.0, 1.0, 2.0], 0.5), percentile([1.0, None], 0.5), percentile([], 0.5)
    (2.0, None, None)
    """
    known = sorted(time for time in times if time is not None)
    if not known or len(known) < len(times) or not all(math.isfinite(time) for time in known):
        return None
    return known[max(0, math.ceil(share * len(known)) - 1)]


def _reasons(started: Started, trips: Sequence[Trip], arm: str) -> Iterator[str]:
    if not trips:
        yield "nothing was exercised"
    if started.kind == "rollback" and arm != "candidate":
        yield "no candidate answers: there is nothing to roll back"
    for number, trip in enumerate(trips, 1):
        which = f"trip {number}" if len(trips) > 1 else "the trip"
        if trip.scope.tenant != DRILL_TENANT:
            yield f"{which} reached {trip.scope.tenant}, which is no tenant of drills"
        if not trip.replicas:
            yield f"{which}: no replica is known"
        if silent := [one.name for one in trip.replicas if one.took_ms is None]:
            yield f"{which}: silent: {', '.join(silent)}"
        if not trip.before:
            yield f"{which}: the {arm} of version {started.version} answered nothing before it, so it stopped nothing"
        if not trip.after:
            yield f"{which}: no safe answer came after it"
        if not 0.0 <= trip.last_ms <= started.target_ms:  # NaN is not within anything
            yield f"{which}: an answer that was not safe left {trip.last_ms:.0f} ms after it"
        if trip.errors:
            yield f"{which}: {len(trip.errors)} probe requests failed, first: {trip.errors[0]}"
    p99 = percentile(_times(trips), 0.99)
    if p99 is not None and not 0.0 <= p99 <= started.target_ms:
        yield f"p99 {p99:.0f} ms is over the target of {started.target_ms:g} ms"


def _well(started: Started, trips: Sequence[Trip], arm: str) -> str:
    p99 = percentile(_times(trips), 0.99)
    last = max(trip.last_ms for trip in trips)
    what = (
        "" if started.kind != "rollback" else "; the synthetic tenant's route was closed, no real traffic was aborted"
    )
    return (
        f"{len(trips)} trips, {len(trips[0].replicas)} replicas, p99 {p99:.0f} ms of {started.target_ms:g}, last "
        f"unsafe answer {last:.0f} ms; the {arm} of version {started.version} was stopped{what}"
    )


def _times(trips: Sequence[Trip]) -> list[float | None]:
    return [one.took_ms for trip in trips for one in trip.replicas]


def _worst(trips: Sequence[Trip]) -> tuple[ReplicaTime, ...]:
    """Each replica with its longest time; None as soon as it was silent once."""
    names = dict.fromkeys(one.name for trip in trips for one in trip.replicas)
    return tuple(ReplicaTime(name=name, took_ms=percentile(_of(trips, name), 1.0)) for name in sorted(names))


def _of(trips: Sequence[Trip], name: str) -> list[float | None]:
    return [one.took_ms for trip in trips for one in trip.replicas if one.name == name]


@dataclass(slots=True)
class DrillBook:
    """What the ledger knows of drills. `open`: begun and not ended; `done`: ended, in the order they were told."""

    open: dict[str, Started] = field(default_factory=dict)
    done: list[Drill] = field(default_factory=list)
    due_told: str = ""
    began: str = ""
    seen: int = 0

    def read(self, entries: Iterable[Entry]) -> None:
        """Take entries in. What is written in no form we know counts for nothing."""
        for entry in entries:
            self.seen = entry.seq + 1
            self.began = self.began or entry.at
            if entry.kind == STARTED and (started := _started(entry)) is not None:
                self.open[started.id] = started
            elif entry.kind == DRILLED and (drill := drill_in(entry)) is not None:
                self.open.pop(drill.id, None)
                self.done.append(drill)
            elif entry.kind == DUE:
                self.due_told = entry.at

    def last(self, kind: str, model: str) -> Drill | None:
        """Return the last drill of a kind, whatever its verdict."""
        return next((one for one in reversed(self.done) if (one.kind, one.model) == (kind, model)), None)

    def last_passed(self, kind: str, model: str) -> Drill | None:
        """Return the last drill of a kind that passed."""
        passed = (one for one in reversed(self.done) if one.verdict == PASSED)
        return next((one for one in passed if (one.kind, one.model) == (kind, model)), None)

    def overdue(self, now: datetime) -> tuple[Started, ...]:
        """Return drills that should be over and told nothing: whoever ran them has died."""
        return tuple(one for one in self.open.values() if moment(one.until) < now)


def age_s(drill: Drill, now: datetime) -> float | None:
    """Return how old a drill is; None for a moment that cannot be read or has not come."""
    return _since(drill.at, now)


def _since(at: str, now: datetime) -> float | None:
    try:
        age = (now - moment(at)).total_seconds()
    except ValueError:
        return None
    return age if age >= 0 else None


def due(book: DrillBook, model: str, every_s: float, now: datetime) -> bool:
    """True when no kill drill of this model has passed within the interval, nor did the ledger begin within it."""
    last = book.last_passed("kill", model)
    age = _since(last.at if last is not None else book.began, now)
    return age is None or age > every_s


def measured(
    book: DrillBook, indicator: str, model: str, now: datetime, level: float = 0.95
) -> tuple[Measurement, ...]:
    """Return `kill_time_ms` (of the last kill drill, passed or not) or `drill_age_d` (of the last that passed).

    Nothing when there is none: never drilled is no data. A drill in which a replica was silent, which stopped nothing,
    or which counts no longer has no time at all.
    """
    last = book.last("kill", model) if indicator == "kill_time_ms" else book.last_passed("kill", model)
    if last is None:
        return ()
    age = age_s(last, now)
    value = _kill_time(last, now) if indicator == "kill_time_ms" else None if age is None else age / DAY_S
    return (
        Measurement(
            indicator=indicator,
            quantile=None,
            segment="*",
            source="online",
            start=last.at,
            end=told(now),
            n=1,
            hits=None,
            value=value,
            lo=value,
            hi=value,
            level=level,
            method=f"drill {last.id}",
        ),
    )


def target_ms(contract: Contract) -> float:
    """Return the target: that of an SLO on `kill_time_ms`, else of `drills:`; the smaller one of both."""
    slos = [slo.target.value for slo in contract.policy.slos if slo.indicator == "kill_time_ms" and not slo.trial]
    return min([*slos, contract.manifest.drills.kill_within_ms])


def took_ms(drill: Drill) -> float | None:
    """Return the longest that anything took: the replicas' word (p99), or the last answer that was not safe yet.

    None where a replica was silent or none is known, and where the drill stopped nothing.
    """
    if drill.p99_ms is None or drill.last_candidate_ms is None or not all(drill.answers):
        return None
    if not drill.replicas or any(one.took_ms is None for one in drill.replicas):
        return None
    return max(drill.p99_ms, drill.last_candidate_ms)


def _kill_time(drill: Drill, now: datetime) -> float | None:
    """The time of a drill while it counts."""
    try:
        return None if now > moment(drill.expires) else took_ms(drill)
    except ValueError:
        return None


def drill_in(entry: Entry) -> Drill | None:
    """Return the drill of a `respond.drilled` entry; None for any other entry, and for a body that is none."""
    if entry.kind != DRILLED:
        return None
    try:
        drill: Drill = entry.read(Drill, "drill")
    except (KeyError, msgspec.ValidationError):
        return None
    return drill


def _started(entry: Entry) -> Started | None:
    try:
        started: Started = entry.read(Started, "drill")
        moment(started.until)
    except (KeyError, ValueError):  # msgspec.ValidationError is one
        return None
    return started
