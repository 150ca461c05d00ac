"""One drill on a running site: order, acknowledgement by every replica, release, a verdict in the ledger.

In: the authority over the state directory, where its gateway listens, what to practise. Out: the finished `Drill`. The
order takes the real way (map → journal → twin → ledger) and reaches the synthetic tenant only; probe requests go
through the real door. Whatever goes wrong, the order is released and the drill is recorded as failed; when this process
is killed, the serving site does both (`drill_watch`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final, NamedTuple

from shipworthy.contract.contract import Contract
from shipworthy.deploy.http.drills import drill_token
from shipworthy.errors import CannotDecide, PolicySaysNo, ShipworthyError, UsageError
from shipworthy.facts import (
    DRILL_TENANT,
    DRILLER,
    UNSEEN,
    Drill,
    Held,
    ReplicaTime,
    RuntimeState,
    Source,
    drill_scope,
    join,
    parse_segment,
    resolve,
)
from shipworthy.models.table import read_rows
from shipworthy.respond import drills, postures
from shipworthy.respond.drills import DRILLED, STARTED, Started, Trip
from shipworthy.respond.moments import later, moment, told
from shipworthy.runtime.address import Serving
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.columns import text_columns
from shipworthy.runtime.drill_probes import Answer, Probes, check_reached
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.replicas import Replica, acknowledged

TRIPS: Final = 3
ROWS: Final = 32
ENOUGH: Final = 8  # answers, before the trip and after it
FIRST_WITHIN_S: Final = 3.0
_NS: Final = 1_000_000_000
IsSafe = Callable[[Answer], bool]


class Site(NamedTuple):
    """What a drill works on. `contract`: of the version that answers the synthetic tenant, arm `arm`."""

    workspace: Workspace
    authority: Authority
    target: Serving
    contract: Contract
    arm: str


def practise(site: Site, kind: str, person: str, segment: str = "*", trips: int = TRIPS) -> Drill:
    """Run one drill of `kind` (`kill`, `rollback` or `degrade`) and record it. Raises UsageError for a segment that
    the contract does not know, CannotDecide without a gateway here or a candidate to roll back, Unreachable when the
    gateway does not answer: then nothing was begun. Whatever goes wrong later is recorded."""
    if kind not in drills.POSTURES:
        raise ValueError(f"no drill is called {kind!r}")
    check_segment(site.contract, segment)
    check_here(site)
    if kind == "rollback":
        check_candidate(site)
    rows = usual_rows(site, segment)
    started = begun(site, kind, person, limit_s(site.contract, trips))
    done: list[Trip] = []

    def as_ended(trouble: str) -> Drill:
        return drills.judged(started, done, site.arm, expires(site, started), trouble)

    with recording(site, as_ended) as end, probing(site, started, rows) as probes:
        for _ in range(trips):
            done.append(_trip(site, started, segment, probes))
            if done[-1].errors or not (done[-1].before and done[-1].after):
                break  # it has failed: another trip would only take longer
    return end()


@contextmanager
def recording(site: Site, as_ended: Callable[[str], Drill]) -> Iterator[Callable[[], Drill]]:
    """Record how a drill ended, also when something raises; yield what returns the recorded drill afterwards.

    `as_ended(trouble)`: the finished drill, failed for that trouble unless it is "".
    """
    kept: list[Drill] = []
    try:
        yield lambda: kept[0]
    except ShipworthyError as problem:
        kept.append(ended(site, as_ended(f"it could not go on: {problem}")))
    except BaseException as problem:  # our own fault, or Ctrl-C: on record as well, and hidden from nobody
        ended(site, as_ended(f"it could not go on: {problem!r}"))
        raise
    else:
        kept.append(ended(site, as_ended("")))


def check_segment(contract: Contract, segment: str) -> None:
    """Raise UsageError for what is no segment, and for keys that segment nothing here."""
    known = [one.key for one in contract.manifest.segments.keys]
    try:
        strange = sorted(set(parse_segment(segment)) - set(known))
    except ValueError as problem:
        raise UsageError(str(problem), "--segment", "write KEY=VALUE, such as supplier=S2") from None
    if strange:
        fix = f"the contract's `segments` are {', '.join(known) or 'none'}"
        raise UsageError(f"{', '.join(strange)} segments nothing here", "--segment", fix)


def check_candidate(site: Site) -> None:
    """Raise CannotDecide unless a candidate answers."""
    if site.arm != "candidate":
        what = "no candidate answers: it can be neither rolled back nor broken on purpose"
        raise CannotDecide(what, "rollout", "start a rollout first")


def check_here(site: Site) -> None:
    """Raise CannotDecide unless processes of this state directory answer, Unreachable when the gateway does not."""
    check_reached(site.target)
    if not any(one.alive for one in acknowledged(site.workspace.home, 0, time.monotonic_ns())):
        what = "no gateway of this state directory answers: its replicas cannot be asked"
        raise CannotDecide(what, str(site.workspace.home), "run the drill where `shipworthy serve` runs")


def limit_s(contract: Contract, trips: int) -> float:
    """Return after how many seconds a drill is over at the latest."""
    return FIRST_WITHIN_S + 15.0 + trips * 4 * within_s(contract)


def within_s(contract: Contract) -> float:
    """Return how long a trip waits for all replicas: longer than the target, so that a failure has a number."""
    return 2 * contract.manifest.drills.kill_within_ms / 1000.0 + 1.0


def begun(site: Site, kind: str, person: str, limit: float, fault: str = "") -> Started:
    """Record that a drill begins, and until when it is over."""
    now, manifest = site.workspace.clock(), site.contract.manifest
    started = Started(
        id=site.authority.new_id("DRL"),
        kind=kind,
        model=manifest.model,
        version=manifest.version,
        by=person,
        at=told(now),
        until=told(later(now, limit)),
        target_ms=drills.target_ms(site.contract),
        fault=fault,
    )
    site.authority.note(person, STARTED, {"drill": started})
    return started


def ended(site: Site, drill: Drill) -> Drill:
    """Record a finished drill, once, and sign the ledger as it is then: a gate believes nothing that is not signed.

    Raises CannotDecide when the ledger is not a continuation of what was signed last.
    """
    site.authority.ledger.append_once(f"drill/{drill.id}", drill.by, DRILLED, {"drill": drill})
    site.authority.ledger.checkpoint()
    return drill


def expires(site: Site, started: Started) -> str:
    """Return until when a drill that passed counts."""
    return told(later(moment(started.at), site.contract.manifest.drills.every_s))


@contextmanager
def probing(site: Site, started: Started, rows: Sequence[Mapping[str, Any]]) -> Iterator[Probes]:
    """Yield requests of the synthetic tenant under way."""
    until = int(moment(started.until).timestamp()) + 1
    token = drill_token(site.workspace.host_key(), started.id, until)
    with Probes(site.target, token, rows) as probes:
        yield probes


def usual_rows(site: Site, segment: str = "*") -> list[dict[str, Any]]:
    """Return rows of the release's own data, as if the synthetic tenant had sent them from a segment."""
    manifest = site.contract.manifest
    declared = manifest.datasets.get("test") or manifest.datasets.get("calibration")
    if declared is None:
        return []
    folder = site.workspace.releases / manifest.version
    rows = read_rows(folder / declared.path, declared.where, text_columns(manifest))[:ROWS]
    own = {manifest.tenant: DRILL_TENANT} if manifest.tenant else {}
    return [{**row, **_inside(segment), **own} for row in rows]


def _inside(segment: str) -> dict[str, str]:
    """Return the columns by which a row lies in a segment."""
    firsts = {key: min(values) for key, values in parse_segment(segment).items()}
    return {key: "seen-by-nobody" if value == UNSEEN else value for key, value in firsts.items()}


def safe_for(kind: str, site: Site) -> IsSafe:
    """Return whether an answer is one that the drill's order asks for."""
    manifest, version = site.contract.manifest, site.contract.manifest.version
    if kind == "rollback":
        return lambda one: one.version != version and not one.asked
    wanted = resolve(drills.POSTURES[kind], manifest.fallback, manifest.kill_fallback)
    if wanted.source is Source.BASELINE and site.arm == "baseline":  # the baseline has none behind it: `runtime.live`
        wanted = join((wanted, resolve(drills.POSTURES["degrade"], "human_review", None)))
    return lambda one: one.posture is not None and join((one.posture, wanted)) == one.posture


def _trip(site: Site, started: Started, segment: str, probes: Probes) -> Trip:
    """Order, wait for every replica, release, and wait until the synthetic tenant is answered as before."""
    is_safe, met = safe_for(started.kind, site), met_by(site)
    begun_at = len(probes.answers)
    _until(probes, FIRST_WITHIN_S, lambda: _unsafe(probes, begun_at, is_safe, met) >= ENOUGH)
    version = site.contract.manifest.version if started.kind == "rollback" else "*"
    scope = drill_scope(site.contract.manifest.model, version, segment)
    name, now = site.authority.new_id("ORD"), site.workspace.clock()
    posture, limit = drills.POSTURES[started.kind], 10 * within_s(site.contract)
    held = drills.drill_order(name, scope, posture, started.id, now, limit)
    before = _unsafe(probes, begun_at, is_safe, met)
    since_ns, at = time.monotonic_ns(), len(probes.answers)
    try:
        epoch = placed(site, held)
        replicas = acknowledged(site.workspace.home, epoch, since_ns, within_s(site.contract))
        _until(probes, within_s(site.contract), lambda: _after(probes, at, since_ns, is_safe) >= ENOUGH)
        told_s = time.monotonic()
    finally:
        release(site, started.id, (name,))
    seen = [one for one in probes.answers[begun_at:] if one.sent_s <= told_s]
    gone_on = len(probes.answers)
    _until(probes, FIRST_WITHIN_S, lambda: not before or _unsafe(probes, gone_on, is_safe, met) > 0)
    back = not before or _unsafe(probes, gone_on, is_safe, met) > 0
    errors = [one.error for one in [*seen, *probes.answers[gone_on:]] if one.error]
    if not back:
        errors.append("released, and the synthetic tenant is not answered as before")
    return Trip(
        scope=held.order.scope,
        replicas=living(replicas),
        before=before,
        after=_after(probes, at, since_ns, is_safe, told_s),
        last_ms=_last_ms(probes.answers[at:], since_ns, is_safe, told_s),
        errors=tuple(errors),
        order=name,
    )


def placed(site: Site, held: Held) -> int:
    """Make a drill's order hold, record it, and return the epoch from which every replica must answer by it."""
    site.authority.hold(held)
    epoch = settled(site.authority).epoch
    site.authority.record_journal()
    return epoch


def release(site: Site, drill: str, orders: Sequence[str]) -> None:
    """Release what a drill placed and still holds. What a person did meanwhile stays."""
    state = settled(site.authority)
    holding = [name for name in orders if any(held.order.id == name for held in state.orders)]
    if holding:
        site.authority.end_drill(drill, holding)


def settled(authority: Authority) -> RuntimeState:
    """Return what holds, also while another process is between two steps of writing it."""
    try:
        return authority.state()
    except CannotDecide:
        with authority.files.locked():
            return authority.state()


def _mended(authority: Authority, died: bool) -> RuntimeState:
    """Return what holds. Where a drill died while it wrote, the state is made anew from the ledger, once nobody writes.

    A state that cannot be read for any other reason stays as it is: somebody must look at it.
    """
    try:
        return settled(authority)
    except CannotDecide:
        if not died:
            raise
        return authority.begin()


def living(found: Sequence[Replica]) -> tuple[ReplicaTime, ...]:
    """Return the replicas that answered when the order came: with their times, None for one that is silent."""
    return tuple(
        ReplicaTime(name=one.name, took_ms=None if one.silent else one.took_ms)
        for one in found
        if one.silent or (one.state == "answers" and one.took_ms is not None)
    )


def met_by(site: Site) -> IsSafe:
    """Return whether an answer is of the version and the arm that the drill says it stops."""
    wanted = site.contract.manifest.version, site.arm
    return lambda one: (one.version, one.arm) == wanted


def _unsafe(probes: Probes, since: int, is_safe: IsSafe, met: IsSafe) -> int:
    """Return how many answers were not safe, of those that the drill is to stop."""
    return sum(not one.error and met(one) and not is_safe(one) for one in probes.answers[since:])


def _after(probes: Probes, at: int, since_ns: int, is_safe: IsSafe, until_s: float = float("inf")) -> int:
    """Return how many safe answers were asked for after the last one that was not safe had come."""
    mine = [one for one in probes.answers[at:] if not one.error and one.sent_s <= until_s]
    last = max([since_ns / _NS, *(one.got_s for one in mine if not is_safe(one))])
    return sum(one.sent_s >= last for one in mine)


def _last_ms(answers: Sequence[Answer], since_ns: int, is_safe: IsSafe, until_s: float) -> float:
    unsafe = [one.got_s for one in answers if not one.error and not is_safe(one) and one.sent_s <= until_s]
    return max([0.0, *((got_s - since_ns / _NS) * 1000.0 for got_s in unsafe)])


def _until(probes: Probes, seconds: float, true: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        probes.pause()


def answering(state: RuntimeState) -> tuple[str, str]:
    """Return which version answers the synthetic tenant, and as which arm."""
    rollout = state.rollout
    if rollout is not None and rollout.status in ("running", "held") and rollout.share_bp > 0:
        return rollout.version, "candidate"
    return state.baseline, "baseline"


def sweep(authority: Authority, book: drills.DrillBook, now: datetime) -> tuple[str, ...]:
    """Release orders of drills that are over and were left behind, and record those drills as failed.

    Returns the ids of these orders. Only orders that a drill placed over its own tenant may end so.
    """
    book.read(authority.ledger.entries(book.seen))
    overdue = book.overdue(now)
    left = dict.fromkeys(held.order.id for held in postures.overdue_drills(_mended(authority, bool(overdue)), now))
    for name in left:
        with suppress(PolicySaysNo):  # it shares its id with an order of people: that one is theirs
            authority.end_drill("", (name,))
    for started in overdue:
        why = "it did not end by itself: whoever ran it is gone"
        failed = drills.judged(started, (), "", started.until, why)
        authority.ledger.append_once(f"drill/{started.id}", DRILLER, DRILLED, {"drill": failed})
    book.read(authority.ledger.entries(book.seen))
    return tuple(left)
