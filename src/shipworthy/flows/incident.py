"""Incidents by hand: opened, listed, shown, led and described. Each change is one record and one ledger entry, by name.

How one becomes a pack case is in `incident_promote`, how it ends in `incident_close`, its file in `incident_file`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from shipworthy.artifact.approval import approve
from shipworthy.contract.blameless import check_blameless
from shipworthy.contract.catalogues import judge_ref
from shipworthy.contract.contract import Contract
from shipworthy.contract.words import on_one_line, unfit
from shipworthy.errors import UsageError
from shipworthy.facts import Approval, Digest, Entry, Held, Incident, Scope, Severity, digest, parse_segment
from shipworthy.facts.incident import Factor, Harm, Reference, Task
from shipworthy.flows.site_state import acting, open_site
from shipworthy.respond import escalation, incident_times, incidents
from shipworthy.respond.incident_log import timeline
from shipworthy.respond.moments import moment
from shipworthy.runtime import incident_book
from shipworthy.runtime.authority import Authority
from shipworthy.runtime.exposure import exposure
from shipworthy.runtime.workspace import Workspace

Detected = Literal["user", "person", "abuse-log", "drill"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a timeline; `after`: how long after the first decision in scope, or after the report."""

    at: str
    after: str
    actor: str
    what: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An incident with what follows from it: timeline, clocks, times, whom its open orders call, who is next."""

    incident: Incident
    timeline: tuple[Line, ...]
    clocks: tuple[incident_times.Clock, ...]
    time_to_detect_s: float | None
    time_to_degrade_s: float | None
    unconfirmed: tuple[str, ...]
    calls: tuple[escalation.Step, ...]
    next: str


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What people found out. None and empty: no change; what is a list is added to what was known."""

    title: str | None = None
    description: str | None = None
    severity: Severity | None = None
    scribe: str | None = None
    harm: Harm | None = None
    refs: tuple[Reference, ...] = ()
    factors: tuple[Factor, ...] = ()
    tasks: tuple[Task, ...] = ()
    done: tuple[int, ...] = ()
    tenants: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    no_threat: str | None = None
    stable: bool = False


def listed(workspace: Workspace) -> tuple[Incident, ...]:
    """Return all incidents."""
    with open_site(workspace) as authority:
        return authority.store.incidents()


def show(workspace: Workspace, name: str) -> Told:
    """Return one incident with what follows from it."""
    contract, _ = workspace.read()  # an incident can be looked at while the contract is broken
    on_call = contract.manifest.on_call if contract is not None else None
    with open_site(workspace) as authority:
        entries = tuple(authority.ledger.entries())
        incident = measured(authority, incident_book.found(authority.store, name), entries)
        now = workspace.clock()
        waiting = unconfirmed(authority, incident)
        severity = Severity(incident.gravest)
        called = escalation.unconfirmed(on_call, severity, waiting, now)
        start = moment(called[0][0].at if called else incident.reported_at)
        calls = escalation.steps(on_call, severity, start, now) if waiting or not incident.commander else ()
        following = escalation.following(calls)
        return Told(
            incident=incident,
            timeline=_lines(incident, entries),
            clocks=incident_times.clocks(incident, now),
            time_to_detect_s=incident_times.time_to_detect_s(incident),
            time_to_degrade_s=incident_times.time_to_degrade_s(incident),
            unconfirmed=tuple(held.order.id for held in waiting),
            calls=calls,
            next="" if following is None else f"{following.to} at {following.at}",
        )


def open_by_hand(
    workspace: Workspace,
    title: str,
    severity: Severity,
    scope: Scope,
    because: str,
    person: str,
    detected_by: Detected = "person",
) -> Incident:
    """Open an incident that a person saw. Raises UsageError for a stranger or a scope that cannot be read."""
    contract = workspace.contract()
    acting(contract, person)
    for text, of in ((title, "--title"), (because, "--because")):
        _plain(text, of)
        check_blameless((text,), contract.people, of)
    try:
        parse_segment(scope.segment)
    except ValueError as problem:
        raise UsageError(str(problem), "--segment", "write key=value, sorted") from problem
    owner = contract.manifest.owner

    def made(name: str) -> Incident:
        said = on_one_line(because)
        now = workspace.clock()
        return incidents.report_incident(name, title, severity, scope, owner, person, now, detected_by, said)

    with open_site(workspace) as authority:
        return incident_book.opened(authority, person, incidents.OPENED, made, {"because": on_one_line(because)})


def command(workspace: Workspace, name: str, person: str) -> Incident:
    """Take command of an incident: the person who acts leads it, until another one takes it."""
    acting(workspace.contract(), person)
    with open_site(workspace) as authority:
        seen = tuple(authority.ledger.entries())
        return incident_book.change(
            authority,
            person,
            incidents.COMMANDED,
            name,
            lambda one: incidents.command(measured(authority, one, seen), person),
        )


def update(workspace: Workspace, name: str, changes: Changes, person: str) -> Incident:
    """Write down what was found out. Raises UsageError for a text that names a person, an unknown catalogue id, a
    person or task that nobody knows."""
    contract = workspace.contract()
    acting(contract, person)
    _check(contract, changes, name)
    body: dict[str, Any] = {}
    if changes.no_threat is not None:
        body["approval"] = _signed(workspace, contract, name, changes.no_threat, person)
    with open_site(workspace) as authority:
        seen = tuple(authority.ledger.entries())

        def to(one: Incident) -> Incident:
            return _updated(measured(authority, one, seen), changes, person, workspace)

        return incident_book.change(authority, person, incidents.UPDATED, name, to, body)


def measured(authority: Authority, incident: Incident, entries: Iterable[Entry]) -> Incident:
    """Return the incident with how long it acted and on how many, once windows tell; what was told stays."""
    if incident.began_at or incident.status == "closed":
        return incident
    seen = exposure(authority.store, entries, incident)
    if seen is None:
        return incident
    return incidents.update(incident, began_at=seen[0], decisions_affected=seen[1])


def unconfirmed(authority: Authority, incident: Incident) -> tuple[Held, ...]:
    """Return the incident's orders that hold and that nobody stands by; one that was restored waits for nobody."""
    known = {held.order.id: held for held in authority.state().orders}
    return tuple(known[name] for name in incident.orders if name in known and not known[name].confirmed_by)


def no_threat_signed(contract: Contract, incident: Incident, entries: Iterable[Entry]) -> str:
    """Return the reason why no threat was added, when its signature by a person of the contract holds; else \"\"."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from shipworthy.artifact.approval import check
    from shipworthy.artifact.keys import load_public

    text = incident.threat_model_update
    for entry in entries:
        if entry.kind != incidents.UPDATED or "approval" not in entry.body:
            continue
        approval: Approval = entry.read(Approval, "approval")
        person = contract.person(approval.person)
        if person is None or approval.what != _no_threat(incident.id, text):
            continue
        key = load_public(person.key)
        if isinstance(key, Ed25519PublicKey) and check(approval, key):
            return text
    return ""


def _lines(incident: Incident, entries: Sequence[Entry]) -> tuple[Line, ...]:
    start = incident.began_at or incident.reported_at
    return tuple(
        Line(at=at, after=incident_times.relative(at, start), actor=actor, what=what)
        for at, actor, what in timeline(entries, incident)
    )


def _check(contract: Contract, changes: Changes, name: str) -> None:
    _check_texts(contract, changes, name)
    for ref in changes.refs:
        told = judge_ref(ref.catalogue, ref.version, ref.id)
        if told is not None and told.fault:
            raise UsageError(told.what, f"{name}: --ref", told.fix)
    if changes.scribe is not None:
        acting(contract, changes.scribe)
    roles = {role for person in contract.people for role in person.roles}
    for task in changes.tasks:
        if contract.person(task.owner) is None and task.owner not in roles:
            raise UsageError(f"nobody is, or has the role, {task.owner!r}", f"{name}: --task", "name who does it")


def _check_texts(contract: Contract, changes: Changes, name: str) -> None:
    """Whatever people write goes into record, ledger and file, so none of it names one of them; a task's owner may."""
    told = {
        "--title": (changes.title,),
        "--description": (changes.description,),
        "--no-threat": (changes.no_threat,),
        "--factor": tuple(one.what for one in changes.factors),
        "--group": changes.harm.groups if changes.harm is not None else (),
        "--task": tuple(one.what for one in changes.tasks),
    }
    for option, texts in told.items():
        said = [text for text in texts if text is not None]
        for text in said:
            _plain(text, f"{name}: {option}")
        check_blameless(said, contract.people, f"{name}: {option}")
    for link in changes.links:
        _plain(link, f"{name}: --link")


def _updated(incident: Incident, changes: Changes, person: str, workspace: Workspace) -> Incident:
    told = {
        "title": changes.title,
        "description": changes.description,
        "severity": changes.severity.value if changes.severity else None,
        "scribe": changes.scribe,
        "harm": changes.harm,
        "refs": _added(incident.refs, changes.refs),
        "tasks": _tasks(incident, changes),
        "contributing_factors": _added(incident.contributing_factors, changes.factors),
        "tenants": _added(incident.tenants, changes.tenants),
        "links": _added(incident.links, changes.links),
        "threat_model_update": None if changes.no_threat is None else _none_because(changes.no_threat, person),
    }
    after = incidents.update(incident, **{key: value for key, value in told.items() if value is not None})
    for rule in changes.reported:
        after = incidents.report(after, rule, workspace.clock())
    return incidents.stabilise(after, workspace.clock()) if changes.stable else after


def _tasks(incident: Incident, changes: Changes) -> tuple[Task, ...]:
    if changes.done and not incident.tasks:
        raise UsageError("it has no tasks", incident.id, "give it one with `--task WHO:TEXT`")
    for number in changes.done:
        if not 1 <= number <= len(incident.tasks):
            raise UsageError(f"there is no task {number}", incident.id, f"they count from 1 to {len(incident.tasks)}")
    known = tuple(
        msgspec.structs.replace(task, done=task.done or at in changes.done) for at, task in enumerate(incident.tasks, 1)
    )
    return _added(known, changes.tasks)


def _added(before: tuple[Any, ...], more: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*before, *(one for one in dict.fromkeys(more) if one not in before))


def _signed(workspace: Workspace, contract: Contract, name: str, because: str, person: str) -> Approval:
    who = acting(contract, person)
    what = _no_threat(name, _none_because(because, person))
    role = who.roles[0]
    return Approval(
        person=person, role=role, what=what, proof=approve(person, role, what, workspace.person_key(person))
    )


def _none_because(because: str, person: str) -> str:
    return f"none, because {on_one_line(because)} ({person})"


def _no_threat(name: str, text: str) -> Digest:
    return digest({"incident": name, "threat_model_update": text})


def _plain(text: str, where: str) -> None:
    line = on_one_line(text)
    if not line or unfit(line):
        raise UsageError(unfit(line) or "it says nothing", where, "write plain words")
