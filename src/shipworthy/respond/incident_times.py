"""What follows from an incident's record: how long it took, and the clocks of the law. Computed, never typed. Pure.

In: the record and now. Out: seconds, and one clock per rule that the kind of harm sets going. Rules: Regulation (EU)
2024/1689, Article 73: (2) 15 days, (3) 2 days when widespread or a critical infrastructure is disrupted, (5) 10 days
after a death; (6) a first report may be incomplete. Not legal advice: which rule holds for whom is for people to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from shipworthy.facts import Incident
from shipworthy.facts.incident import HarmType
from shipworthy.respond.moments import later, moment, told

DAY_S: Final = 24 * 3600
DAYS: Final = {"AIA-73.2": 15, "AIA-73.3": 2, "AIA-73.5": 10}
RULE_OF: Final[dict[HarmType, str]] = {
    "health": "AIA-73.2",
    "rights": "AIA-73.2",
    "property": "AIA-73.2",
    "environment": "AIA-73.2",
    "critical_infrastructure": "AIA-73.3",
    "widespread": "AIA-73.3",
    "death": "AIA-73.5",
}
State = Literal["running", "met", "late", "overdue"]


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock: due when, reported when (\"\" = not yet), and how it stands. `late`: reported after it was due."""

    rule: str
    due: str
    reported_at: str
    state: State


def clocks(incident: Incident, now: datetime) -> tuple[Clock, ...]:
    """Return the clocks that run, of each kind of harm that was said since it last came back: what one person corrects
    stops none. None while nobody has said what harm was done, which is no excuse to close."""
    kinds = (incident.harm.type, *incident.former_harms) if incident.harm else ()
    rules = dict.fromkeys(RULE_OF[kind] for kind in kinds if kind in RULE_OF)
    return tuple(_clock(incident, rule, now) for rule in rules)


def reported_at(incident: Incident, rule: str) -> str:
    """Return when it was first reported under a rule since it last came back, "" when it was not."""
    since = incident.reopened[-1].at if incident.reopened else ""
    return min((one.at for one in incident.reports if one.rule == rule and one.at >= since), default="")


def time_to_detect_s(incident: Incident) -> float | None:
    """Return the seconds from the first decision in scope to this record; None when no window tells the first."""
    return _between(incident.began_at, incident.reported_at)


def time_to_degrade_s(incident: Incident) -> float | None:
    """Return the seconds from the first decision in scope to the first order; None without either."""
    return _between(incident.began_at, incident.degraded_at)


def relative(at: str, start: str) -> str:
    """Return how far `at` lies from `start`, such as `+2 h 05 min`; \"\" when either cannot be read.

    >>> [relative(f"2027-01-04T{at}Z", "2027-01-04T09:30:00Z") for at in ("11:35:00", "09:29:50")]
    ['+2 h 05 min', '-10 s']
    """
    seconds = _between(start, at)
    if seconds is None:
        return ""
    sign, whole = ("-" if seconds < 0 else "+"), round(abs(seconds))
    days, hours, minutes = whole // DAY_S, whole % DAY_S // 3600, whole % 3600 // 60
    if days:
        return f"{sign}{days} d {hours:02} h"
    if hours:
        return f"{sign}{hours} h {minutes:02} min"
    return f"{sign}{minutes} min {whole % 60:02} s" if minutes else f"{sign}{whole} s"


def _clock(incident: Incident, rule: str, now: datetime) -> Clock:
    due = later(moment(incident.aware_at or incident.reported_at), DAYS[rule] * DAY_S)
    reported = reported_at(incident, rule)
    if reported:
        state: State = "met" if moment(reported) <= due else "late"
    else:
        state = "overdue" if now > due else "running"
    return Clock(rule=rule, due=told(due), reported_at=reported, state=state)


def _between(start: str, end: str) -> float | None:
    try:
        return (moment(end) - moment(start)).total_seconds()
    except ValueError:
        return None
