"""Which facts make pages: orders, missing evidence, drift, state that cannot be read, and a site that judges no more.

In: what holds and what was judged. Out: the pages that fire now, one a key, sorted by key. Pure: the same facts give
the same pages. Nothing here ends a page: what is no longer among them has ended.

Orders that machines placed page until people release them; an order that a person confirmed is acknowledged; one that
nobody confirmed in time calls the next person. Missing evidence pages for a gap or staleness only, and where the
contract says `hold_and_page`; few samples page nobody (DECISIONS §2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Final

from shipworthy.contract.on_call import OnCall
from shipworthy.facts import (
    RESERVED,
    Held,
    Judgement,
    Named,
    OnNoData,
    Outcome,
    RuntimeState,
    Severity,
    Slo,
    canonical_segment,
    parse_segment,
)
from shipworthy.facts.segments import escape
from shipworthy.respond.escalation import Step, steps
from shipworthy.respond.moments import moment, told
from shipworthy.respond.pages.page import MOST_TITLE, Page, Phase, clip, key_of, line, with_tenant
from shipworthy.respond.postures import MACHINE
from shipworthy.respond.severity import severity_of, worst

MOST: Final = 500
UNREAD: Final = "a segment that cannot be read"
DRIFT: Final = ("drift_excess", "prediction_drift")
STALE_S: Final = 300.0
_ASKED = re.compile(
    r"never event (?P<never>\S+?): |alert (?P<alert>\S+?): |(?P<slo>[A-Za-z0-9_.:-]+?)(?: [a-z_]+)?: ", re.DOTALL
)
_KIND = {
    Named.KILLED: "killswitch.tripped",
    Named.SAFE_MODE: "segment.degraded",
    Named.HUMAN_REVIEW: "review.routed",
}
_DOES = {Named.KILLED: "closed", Named.SAFE_MODE: "in safe mode", Named.HUMAN_REVIEW: "decided by people"}
_CONFIRM = {
    Named.KILLED: "Confirm that {where} stays closed: nobody is answered by it.",
    Named.SAFE_MODE: "Confirm that {where} stays in safe mode.",
    Named.HUMAN_REVIEW: "Confirm that people are there who decide for {where}.",
}
_ORDER_OF = list(Severity).index


@dataclass(frozen=True, slots=True)
class Judged:
    """One judgement of a version. `missing`: minutes without counts in the interval that it was measured over."""

    version: str
    slo: Slo
    judgement: Judgement
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What pages are made from. `show(tenant)`: what may stand for a tenant where others read it.

    `severities`: of SLOs and never events by name. `incidents`: ids by order. `judged_until`: RFC 3339, "" when nothing
    was judged since `running_since`. `broken`: why the state cannot be read, "" when it can.
    """

    model: str
    state: RuntimeState
    at: datetime
    running_since: datetime
    judged: Sequence[Judged] = ()
    judged_until: str = ""
    broken: str = ""
    on_call: OnCall | None = None
    severities: Mapping[str, Severity] = field(default_factory=dict)
    incidents: Mapping[str, str] = field(default_factory=dict)
    show: Callable[[str], str] = str


def pages(seen: Seen) -> tuple[Page, ...]:
    """Return what fires now. Over 500 pages the worst and oldest are kept, and one more says how many are not."""
    return parted(seen)[0]


def parted(seen: Seen) -> tuple[tuple[Page, ...], frozenset[str]]:
    """Return the pages that fire now, and the keys of those that fire as well and are too many to be sent."""
    found: dict[str, Page] = {}
    for page in (*_orders(seen), *_judgements(seen), *_site(seen)):
        before = found.get(page.key)
        found[page.key] = page if before is None or _ORDER_OF(page.severity) < _ORDER_OF(before.severity) else before
    kept = sorted(found.values(), key=lambda page: (_ORDER_OF(page.severity), page.at, page.key))
    cut = kept[MOST - 1 :] if len(kept) > MOST else []
    if cut:
        kept = [*kept[: MOST - 1], _more(seen, len(cut), kept[0].severity)]
    return tuple(sorted(kept, key=lambda page: page.key)), frozenset(page.key for page in cut)


def asked_by(held: Held) -> str:
    """Return the SLO, never event or alert that a machine's order names as its reason; `order` when it names none."""
    found = _ASKED.match(held.because)
    if found is None:
        return "order"
    return f"alert:{found['alert']}" if found["alert"] else found["never"] or found["slo"]


def runbook_of(on_call: OnCall | None, severity: Severity) -> str:
    """Return where the runbook of a severity stands, "" without one."""
    return "" if on_call is None else on_call.ladder(severity).runbook


def _orders(seen: Seen) -> Iterator[Page]:
    mine = [held for held in seen.state.orders if held.order.by == MACHINE]
    keyed = sorted(((_key(seen, held), held) for held in mine), key=lambda one: (one[0], one[1].at, one[1].order.id))
    for key, several in groupby(keyed, key=lambda one: one[0]):
        yield _of_orders(seen, key, [held for _, held in several])


def _key(seen: Seen, held: Held) -> str:
    scope = held.order.scope
    segment = with_tenant(_segment(seen, scope.segment), _shown(seen, scope.tenant))
    return key_of(seen.model, segment, _asked(seen, held))


def _of_orders(seen: Seen, key: str, several: Sequence[Held]) -> Page:
    """One page for the orders of one key: as bad as the worst, confirmed when all are."""
    first = min(several, key=lambda held: (_ORDER_OF(_severity(seen, held)), held.at, held.order.id))
    severity = worst(_severity(seen, held) for held in several)
    waiting = [held for held in several if not held.confirmed_by]
    late = _late(seen, severity, waiting)
    scope, posture, slo = first.order.scope, first.order.posture, _asked(seen, first)
    tenant, segment = _shown(seen, scope.tenant), _segment(seen, scope.segment)
    where = _where(scope.version, segment, tenant)
    asked = waiting[0] if waiting else first
    return Page(
        key=key,
        kind=_KIND[posture],
        severity=severity,
        title=clip(line(f"{seen.model}: {where} {_DOES[posture]} by {slo}"), MOST_TITLE),
        because=line(_hidden(seen, first.because, scope.segment, scope.tenant)),
        model=seen.model,
        version=scope.version,
        tenant=tenant,
        segment=line(segment),
        slo=slo,
        at=min(held.at for held in several),
        confirm=line(_CONFIRM[posture].format(where=where)),
        command=line(f"shipworthy confirm {asked.order.id} --as YOU"),
        orders=tuple(line(held.order.id) for held in sorted(several, key=lambda held: held is not first)),
        incident=seen.incidents.get(first.order.id, ""),
        runbook=runbook_of(seen.on_call, severity),
        phase=Phase.FIRING if waiting else Phase.ACKNOWLEDGED,
        step=len(late),
        call=tuple(dict.fromkeys(step.to for step in late if step.to)),
        epoch=seen.state.epoch,
    )


def _severity(seen: Seen, held: Held) -> Severity:
    """A kill is SEV1 whatever the contract says; else the severity of the SLO, else that of the posture."""
    by_posture = severity_of(held.order.posture)
    return by_posture if held.order.posture is Named.KILLED else seen.severities.get(asked_by(held), by_posture)


def _late(seen: Seen, severity: Severity, waiting: Iterable[Held]) -> list[Step]:
    """Return the calls that are due for the order that waits longest, once its time to be confirmed has passed.

    A time that cannot be read has passed. Without a path there is one call, of nobody by name.
    """
    overdue = [held for held in waiting if not _before(seen.at, held.order.confirm_by)]
    if not overdue:
        return []
    since = min((_moment(held.at, seen.at) for held in overdue), default=seen.at)
    due = [step for step in steps(seen.on_call, severity, since, seen.at) if step.due]
    return due[1:] or [Step(told(seen.at), due[0].to if due else "", True)]


def _judgements(seen: Seen) -> Iterator[Page]:
    for one in seen.judged:
        judged = one.judgement
        if not judged.here:
            continue
        if judged.outcome is Outcome.NO_DATA and not judged.trial and one.slo.on_no_data is OnNoData.HOLD_AND_PAGE:
            stale = judged.because.startswith(("stale", "no time of measurement"))
            if one.missing or stale:
                yield _missing(seen, one)
        elif judged.outcome is Outcome.BREACHED and judged.trial and one.slo.indicator in DRIFT:
            yield _drifted(seen, one)


def _missing(seen: Seen, one: Judged) -> Page:
    where = _where(one.version, _segment(seen, one.judgement.segment), "*")
    how = f"{one.missing} minutes are missing" if one.missing else one.judgement.because
    title = f"{seen.model}: nobody knows {one.slo.name} of {where}"
    confirm = f"Confirm that requests of version {one.version} are counted again."
    return _of(seen, "evidence.missing", Severity.SEV3, one, title, how, confirm)


def _drifted(seen: Seen, one: Judged) -> Page:
    title = (
        f"{seen.model}: {one.slo.name} of {_where(one.version, _segment(seen, one.judgement.segment), '*')} has drifted"
    )
    confirm = f"Confirm that somebody looks at what version {one.version} is asked."
    return _of(seen, "drift.noticed", Severity.SEV4, one, title, one.judgement.because, confirm)


def _of(seen: Seen, kind: str, severity: Severity, one: Judged, title: str, because: str, confirm: str) -> Page:
    segment = line(_segment(seen, one.judgement.segment))
    return Page(
        key=key_of(seen.model, segment, f"{one.slo.name}:{kind.partition('.')[0]}"),
        kind=kind,
        severity=severity,
        title=clip(line(title), MOST_TITLE),
        because=line(_hidden(seen, because, one.judgement.segment)),
        model=seen.model,
        version=one.version,
        segment=segment,
        slo=one.slo.name,
        at=told(seen.at),
        confirm=confirm,
        command="shipworthy status",
        runbook=runbook_of(seen.on_call, severity),
        epoch=seen.state.epoch,
    )


def _site(seen: Seen) -> Iterator[Page]:
    if seen.broken:
        why = "the state cannot be read: candidates are closed, the last orders go on holding"
        confirm = "Confirm that the state files are whole, or start again: they are rebuilt from the ledger."
        yield alone(seen, "state.broken", "state_files", Severity.SEV2, why, seen.broken, confirm)
    since = _moment(seen.judged_until, seen.running_since) if seen.judged_until else seen.running_since
    if (seen.at - since).total_seconds() > STALE_S:
        why = "nothing is judged any more: nobody would notice a breach"
        confirm = "Confirm that the control process runs and that its clock is right."
        yield alone(seen, "evidence.missing", "judging", Severity.SEV2, why, f"last judged {told(since)}", confirm)


def alone(seen: Seen, kind: str, slo: str, severity: Severity, what: str, because: str, confirm: str) -> Page:
    """Return a page about the site as a whole."""
    return Page(
        key=key_of(seen.model, "*", slo),
        kind=kind,
        severity=severity,
        title=clip(line(f"{seen.model}: {what}"), MOST_TITLE),
        because=line(because),
        model=seen.model,
        slo=slo,
        at=told(seen.at),
        confirm=confirm,
        command="shipworthy status",
        runbook=runbook_of(seen.on_call, severity),
        epoch=seen.state.epoch,
    )


def _more(seen: Seen, n: int, severity: Severity) -> Page:
    confirm = "Confirm that somebody reads all of them in the status."
    return alone(seen, "pages.more", "more_pages", severity, f"{n} more pages fire", f"{n} are not sent", confirm)


def _where(version: str, segment: str, tenant: str) -> str:
    parts = [
        "everything" if segment == "*" else segment,
        "of every version" if version == "*" else f"of version {version}",
    ]
    return " ".join(parts if tenant == "*" else [*parts, f"for tenant {tenant}"])


def _shown(seen: Seen, tenant: str) -> str:
    return tenant if tenant == "*" or tenant in RESERVED else seen.show(tenant)


def _segment(seen: Seen, segment: str) -> str:
    """Return a segment with its tenants as they may be shown; of one that cannot be read nothing is shown."""
    try:
        terms = parse_segment(segment)
    except ValueError:
        return UNREAD
    named = {"tenant": [_shown(seen, one) for one in terms["tenant"]]} if "tenant" in terms else {}
    return canonical_segment({**terms, **named})


def _asked(seen: Seen, held: Held) -> str:
    """Return what asked for an order; others choose the names of alerts, which may hold that of a tenant."""
    asked, scope = asked_by(held), held.order.scope
    return _hidden(seen, asked, scope.segment, scope.tenant) if asked.startswith("alert:") else asked


def _hidden(seen: Seen, text: str, segment: str, tenant: str = "*") -> str:
    """Return a text without the names of tenants that may not be shown, as they are and as segments write them."""
    try:
        named = set(parse_segment(segment).get("tenant", ()))
    except ValueError:
        text, named = text.replace(segment, UNREAD), set()
    for name in sorted((named | {tenant}) - {"*"}, key=len, reverse=True):
        shown = _shown(seen, name)
        for written in (escape(name), name) if shown != name else ():
            text = text.replace(written, shown)
    return text


def _before(now: datetime, text: str) -> bool:
    try:
        return now <= moment(text)
    except ValueError:
        return False


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        return moment(text)
    except ValueError:
        return otherwise
