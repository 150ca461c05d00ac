"""Who is called when, and who is next: the escalation path of the contract laid along one moment. Pure.

In: `on_call` of the manifest, a severity, the moment from which somebody waits, and now. Out: steps. Without a path
nobody is named: what calls people must then say so, not stay silent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shipworthy.contract.on_call import OnCall, seconds
from shipworthy.facts import Held, Person, Severity
from shipworthy.respond.moments import later, moment, told


@dataclass(frozen=True, slots=True)
class Step:
    """One call: when (RFC 3339), whom (a person's id or a role), and whether its time has come."""

    at: str
    to: str
    due: bool


def steps(on_call: OnCall | None, severity: Severity, since: datetime, now: datetime) -> tuple[Step, ...]:
    """Return the calls of a path in order: the commander at `since`, each rung after its time; none without a path.

    >>> from datetime import UTC
    >>> from shipworthy.contract.on_call import Rung
    >>> path = OnCall(commander="ana", escalation=(Rung(after="5m", to="sre"),))
    >>> [(one.to, one.due) for one in steps(path, Severity.SEV1, *[datetime(2026, 1, 1, tzinfo=UTC)] * 2)]
    [('ana', True), ('sre', False)]
    """
    if on_call is None:
        return ()
    path = on_call.ladder(severity)
    calls = [(since, path.commander), *((later(since, seconds(rung.after)), rung.to) for rung in path.escalation)]
    return tuple(Step(told(at), to, at <= now) for at, to in calls)


def called(path: Iterable[Step]) -> Step | None:
    """Return the last step whose time has come: who should be on it by now."""
    return next((one for one in reversed(tuple(path)) if one.due), None)


def following(path: Iterable[Step]) -> Step | None:
    """Return the first step whose time has not come: who is next, if nobody confirms before."""
    return next((one for one in path if not one.due), None)


def unconfirmed(
    on_call: OnCall | None, severity: Severity, orders: Iterable[Held], now: datetime
) -> tuple[tuple[Held, Step | None], ...]:
    """Return the orders that nobody has confirmed, each with the step that should be on it now, sorted by age.

    The step is None without a path, and for an order whose time cannot be read: it is called for all the same.
    """
    waiting = sorted((one for one in orders if not one.confirmed_by), key=lambda one: (one.at, one.order.id))
    return tuple((one, called(_steps_of(on_call, severity, one.at, now))) for one in waiting)


def people_of(to: str, people: Iterable[Person]) -> tuple[Person, ...]:
    """Return whom a step means: the person of that id, else all who hold that role, sorted by id."""
    everybody = sorted(people, key=lambda one: one.id)
    exactly = tuple(one for one in everybody if one.id == to)
    return exactly or tuple(one for one in everybody if to in one.roles)


def _steps_of(on_call: OnCall | None, severity: Severity, since: str, now: datetime) -> tuple[Step, ...]:
    try:
        return steps(on_call, severity, moment(since), now)
    except ValueError:
        return ()
