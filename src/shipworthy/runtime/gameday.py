"""A game day: a fault on purpose for the synthetic tenant, and how long it takes to detect, to degrade, to confirm.

In: a site as for a drill, the name of a fault, a deadline. Out: the recorded `Drill`. Rows go through the real door;
the serving site looks at them with the rules it has for everybody, on streams of their own (`drill_watch`); what they
order reaches the synthetic tenant only. A fault of the candidate is met by the circuit of each replica, which places no
order: there is nothing to confirm then, and the drill says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

from shipworthy.deploy.http.drills import CANDIDATE_500, CANDIDATE_HANG, MARK, NEVER_EVENT, Mark
from shipworthy.deploy.neverevents import compile_never
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import DRILL_TENANT, FAILED, PASSED, Drill, Held, ReplicaTime, digest, of_drill
from shipworthy.respond import drills
from shipworthy.respond.drills import Started
from shipworthy.respond.moments import moment
from shipworthy.runtime.drill_probes import Answer, Probes
from shipworthy.runtime.drilling import (
    Site,
    begun,
    check_here,
    expires,
    living,
    probing,
    recording,
    release,
    settled,
    usual_rows,
)
from shipworthy.store.replicas import acknowledged

UNSEEN_VALUES, JUNK = "unseen", "junk-tenant"
FAULTS: Final = (UNSEEN_VALUES, JUNK, NEVER_EVENT, CANDIDATE_500, CANDIDATE_HANG)
CONFIRM_WITHIN_S: Final = 900.0
DETECT_WITHIN_S: Final = 60.0
ASKED_WITHIN_S: Final = 5.0
OPEN_AFTER: Final = 4  # answers in a row that did not ask the candidate: its circuits are open
_LOOK_S: Final = 0.005
Found = TypeVar("Found")


class Times(NamedTuple):
    """What was measured, in milliseconds since the first row with the fault was sent; None: it never came."""

    detect_ms: float | None = None
    degrade_ms: float | None = None
    confirm_ms: float | None = None
    replicas: tuple[ReplicaTime, ...] = ()
    order: str = ""


def play(
    site: Site,
    fault: str,
    person: str,
    confirm_within_s: float = CONFIRM_WITHIN_S,
    say: Callable[[str], None] = lambda text: None,
) -> Drill:
    """Run one game day and record it. Raises UsageError for a fault that is none, CannotDecide where it cannot be
    injected, and what `practise` raises. `say` hears which order somebody has to confirm."""
    if fault not in FAULTS:
        raise UsageError(f"no fault {fault!r}", "--fault", f"one of {', '.join(FAULTS)}")
    check_here(site)
    if fault in (CANDIDATE_500, CANDIDATE_HANG) and site.arm != "candidate":
        raise CannotDecide("no candidate answers: it cannot be broken on purpose", "rollout", "start a rollout first")
    faulty = rows_with(site, fault)
    started = begun(site, "gameday", person, DETECT_WITHIN_S + confirm_within_s + 30.0, fault)
    mark = Mark(fault, started.id, int(moment(started.until).timestamp()), faulty[1]).text()
    rows = [{**row, MARK: mark} for row in faulty[0]]
    times, errors = Times(), 0
    since = time.monotonic_ns()
    with (
        recording(site, lambda trouble: told_of(site, started, times, errors, trouble)) as recorded,
        _let_go(site, started),
    ):
        with probing(site, started, rows) as probes:
            if fault in (CANDIDATE_500, CANDIDATE_HANG):
                times = _circuit(site, probes, since)
            else:
                times = _ordered(site, started, probes, since)
            errors = sum(bool(one.error) for one in probes.answers)
        if times.order:
            say(f"shipworthy confirm {times.order} --as YOU")
            times = times._replace(confirm_ms=_confirmed(site, times.order, since, confirm_within_s))
    return recorded()


def told_of(site: Site, started: Started, times: Times, errors: int, trouble: str = "") -> Drill:
    """Return the finished game day: it passed when everything came, and people confirmed what a machine ordered."""
    reasons = [trouble] if trouble else []
    if times.detect_ms is None:
        reasons.append("the fault was not detected")
    elif times.degrade_ms is None:
        silent = [one.name for one in times.replicas if one.took_ms is None]
        reasons.append(f"not every replica degraded{': silent: ' + ', '.join(silent) if silent else ''}")
    by_order = started.fault not in (CANDIDATE_500, CANDIDATE_HANG)
    if by_order and times.detect_ms is not None and times.confirm_ms is None:
        reasons.append(f"nobody confirmed {times.order} in time")
    if errors:
        reasons.append(f"{errors} requests were no answer")
    known = [one.took_ms for one in times.replicas]
    well = "detected, degraded and confirmed" if by_order else "detected and degraded by circuits, which place no order"
    return Drill(
        id=started.id,
        kind=started.kind,
        model=started.model,
        version=started.version,
        tenant=DRILL_TENANT,
        at=started.at,
        by=started.by,
        arm=site.arm,
        order=times.order,
        trips=1,
        replicas=times.replicas,
        p50_ms=drills.percentile(known, 0.5),
        p99_ms=drills.percentile(known, 0.99),
        max_ms=drills.percentile(known, 1.0),
        errors=errors,
        target_ms=started.target_ms,
        verdict=FAILED if reasons else PASSED,
        because="; ".join(reasons) or well,
        expires=expires(site, started),
        fault=started.fault,
        detect_ms=times.detect_ms,
        degrade_ms=times.degrade_ms,
        confirm_ms=times.confirm_ms,
    )


def rows_with(site: Site, fault: str) -> tuple[list[dict[str, Any]], str]:
    """Return rows that carry a fault, and the decision that is forced upon the model ("" = none).

    Raises CannotDecide where the contract has nothing to break.
    """
    rows, features = usual_rows(site), site.contract.manifest.features
    if not rows:
        raise CannotDecide("the release has no rows to ask about", "drill", "declare a dataset `test`")
    if fault == UNSEEN_VALUES:
        named = [one.name for one in features if one.type == "category"]
        if not named:
            raise CannotDecide("no feature is a category: nothing can be unseen", "features", "choose another fault")
        return [{**row, named[0]: "seen-by-nobody"} for row in rows], ""
    if fault == JUNK:
        numbers = {one.name: 1e9 if one.max is None else one.max * 1000 + 1000 for one in features if _is_number(one)}
        if not numbers:
            raise CannotDecide("no feature is a number: nothing can be out of range", "features", "another fault")
        return [{**row, **numbers} for row in rows], ""
    return _forbidden(site, rows) if fault == NEVER_EVENT else (rows, "")


def _is_number(feature: Any) -> bool:  # noqa: ANN401
    return feature.type in ("int", "float")


def _forbidden(site: Site, rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Rows and a decision that together must never be: found by asking the contract's own never events."""
    manifest = site.contract.manifest
    never = compile_never(site.contract.policy.never_events, manifest.endpoints[0].name)
    for word in (manifest.decisions.deny, manifest.decisions.approve):
        asked = {"decision": word, "route": "machine", "tenant": DRILL_TENANT, "version": manifest.version}
        found = [dict(row) for row in rows if never and never.check({**row, **asked})[0]]
        if found:
            return found, word
    raise CannotDecide("no row of the release makes a never event true", "never_events", "choose another fault")


def _ordered(site: Site, started: Started, probes: Probes, since: int) -> Times:
    """Wait for the order of the serving site, then for every replica."""
    held = _wait(lambda: _order_of(site, started), DETECT_WITHIN_S)
    if held is None:
        return Times()
    detect_ms = (time.monotonic_ns() - since) / 1e6
    found = acknowledged(site.workspace.home, settled(site.authority).epoch, since, 5.0)
    replicas = living(found)
    known = drills.percentile([one.took_ms for one in replicas], 1.0)
    name = held.order.id
    return Times(detect_ms, None if known is None else max(known, detect_ms), None, replicas, name)


def _circuit(site: Site, probes: Probes, since: int) -> Times:
    """Wait until the candidate is asked no more: first by one answer, then by several in a row. One that was never
    asked is none that broke."""
    if _wait(lambda: _first(probes.answers, lambda one: one.asked), ASKED_WITHIN_S) is None:
        return Times()
    first = _wait(lambda: _first(probes.answers, lambda one: not one.error and not one.asked), DETECT_WITHIN_S)
    if first is None:
        return Times()
    _wait(lambda: _calm(probes.answers), 10.0)
    calm = _calm(probes.answers)
    nobody_has = settled(site.authority).epoch + 1  # so that each is asked whether it stands still
    found = [one for one in acknowledged(site.workspace.home, nobody_has, since) if one.alive]
    calm_ms = None if calm is None else _ms(calm, since)
    stopped = {one.name for one in found if one.state == "stopped" or not one.pid}
    replicas = tuple(ReplicaTime(name=one.name, took_ms=None if one.name in stopped else calm_ms) for one in found)
    return Times(_ms(first, since), calm_ms if replicas and not stopped else None, None, replicas)


def _calm(answers: Sequence[Answer]) -> Answer | None:
    """The first of several answers in a row that did not ask the candidate."""
    row: list[Answer] = []
    for one in list(answers):
        row = [*row, one] if not one.error and not one.asked else []
        if len(row) >= OPEN_AFTER:
            return row[0]
    return None


def _first(answers: Sequence[Answer], wanted: Callable[[Answer], bool]) -> Answer | None:
    return next((one for one in list(answers) if wanted(one)), None)


def _ms(one: Answer, since: int) -> float:
    return one.got_s * 1000.0 - since / 1e6


def _confirmed(site: Site, order: str, since: int, within_s: float) -> float | None:
    """Wait until a person has confirmed the order; None when nobody did in time."""
    done = _wait(lambda: _by_person(site, order) or None, within_s)
    return None if done is None else (time.monotonic_ns() - since) / 1e6


def _by_person(site: Site, order: str) -> str:
    return next((held.confirmed_by for held in settled(site.authority).orders if held.order.id == order), "")


def _order_of(site: Site, started: Started) -> Held | None:
    """The order that the serving site placed for this game day."""
    cause = digest({"drill": started.id})
    mine = (held for held in settled(site.authority).orders if of_drill(held) and held.order.cause == cause)
    return next(mine, None)


@contextmanager
def _let_go(site: Site, started: Started) -> Iterator[None]:
    """Release whatever was ordered for this game day in the end, late orders too."""
    try:
        yield
    finally:
        time.sleep(_LOOK_S)
        held = _order_of(site, started)
        if held is not None:
            release(site, started.id, (held.order.id,))


def _wait(found: Callable[[], Found | None], within_s: float) -> Found | None:
    until = time.monotonic() + within_s
    while (one := found()) is None and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return one
