"""`safety-slos.yaml` → `Policy`: what the gate, the canary and the night shift all judge by.

In: the file's text and what the manifest declares. Out: SLOs with every default filled in from the table of indicators,
never events whose expressions compile, and every fault with its line. The grammar is in DECISIONS §3 and §5:
a name is `<indicator>[_p<1-99>][_<int>(m|h|d)]`, or any name with `indicator:`; suffix and window must agree.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from shipworthy.contract.convert import convert
from shipworthy.contract.problems import Findings, Path, Problem, did_you_mean
from shipworthy.contract.segment_text import KeyValues, unknown_keys, write_segments
from shipworthy.contract.slo_rules import ResolvedName, check_numbers, parse_target, resolve_name
from shipworthy.contract.strict_yaml import read_yaml
from shipworthy.expr import ExprError, compile_expr
from shipworthy.facts import ACCEPTED, SEVERITY_OF, Action, Clause, Fact, NeverEvent, OnNoData, Policy, Severity, Slo
from shipworthy.indicators import Indicator

FILE = "safety-slos.yaml"
ANSWER_NAMES = frozenset({"decision", "score", "uncertainty", "route", "tenant", "version", "arm", "ood_p", "ood_flag"})
NEVER_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """What other files declare. None = not known, so anything goes (the manifest itself could not be read).

    `names` are those an expression over an answer may use; `served` is the endpoint whose answers are checked before
    they leave.
    """

    names: frozenset[str] | None = None
    endpoints: frozenset[str] | None = None
    served: str | None = None
    segment_keys: KeyValues | None = None


class WrittenSlo(Fact, frozen=True, kw_only=True):
    """One SLO as written: five keys are required, the rest has defaults."""

    name: str
    objective: str
    target: str
    window: str
    action_on_breach: Action
    indicator: str | None = None
    clause: Clause | None = None
    min_samples: int | None = None
    level: float = 0.95
    evidence: Literal["bound", "point"] = "bound"
    primary: bool = False
    max_regression: float | None = None
    on_no_data: OnNoData = OnNoData.HOLD_AND_PAGE
    trial: bool = False
    segments: tuple[str, ...] = ("*",)
    severity: Severity | None = None
    metric: str | None = None
    accept: tuple[str, ...] = ()


class WrittenNever(Fact, frozen=True, kw_only=True):
    """One never event as written."""

    name: str
    never: str
    endpoint: str = "*"
    scope: Literal["version", "tenant"] = "version"
    severity: Severity = Severity.SEV1


class WrittenPolicy(Fact, frozen=True, kw_only=True):
    """The whole file as written."""

    slos: tuple[WrittenSlo, ...]
    never_events: tuple[WrittenNever, ...] = ()


def read_slos(
    source: str | bytes, file: str = FILE, declared: Declared | None = None
) -> tuple[Policy | None, tuple[Problem, ...]]:
    """Return the policy, or None with every fault. An empty policy is refused: nothing asked is not safe."""
    declared = declared or Declared()
    reading = write_segments(read_yaml(source, file), [("slos", "*", "segments", "*")])
    written, problems = convert(reading, WrittenPolicy)
    if written is None:
        return None, problems + _names_at_least(reading.value, Findings(file, reading.marks), problems)
    found = Findings(file, reading.marks)
    slos = [_slo(slo, ("slos", index), declared, found) for index, slo in enumerate(written.slos)]
    events = [_never(one, ("never_events", index), declared, found) for index, one in enumerate(written.never_events)]
    _once([slo.name for slo in written.slos], "slos", found)
    _once([event.name for event in written.never_events], "never_events", found)
    if not written.slos:
        found.add(("slos",), "no SLO: an empty policy judges nothing", "add at least one SLO")
    if sum(slo.primary for slo in written.slos) > 3:
        found.add(("slos",), "more than three primary SLOs", "keep the one to three that must not get worse")
    policy = Policy(slos=tuple(slo for slo in slos if slo), never_events=tuple(event for event in events if event))
    return (None if found.problems else policy), found.problems


def _slo(written: WrittenSlo, path: Path, declared: Declared, found: Findings) -> Slo | None:
    before = len(found.problems)
    resolved = resolve_name(written.name, written.indicator, written.window, path, found)
    target = parse_target(written.target, resolved, path, found)
    check_numbers(written, resolved, path, found)
    _accept(written.accept, resolved, path, found)
    if not written.objective.strip():
        found.add((*path, "objective"), "the objective is empty", "say in one sentence what this protects")
    for index, segment in enumerate(written.segments):
        if declared.segment_keys is not None:
            unknown_keys(segment, declared.segment_keys, (*path, "segments", index), found)
    if not written.segments:
        found.add((*path, "segments"), "no segment", 'remove the key, or write ["*"]')
    if resolved is None or target is None or len(found.problems) > before:
        return None
    return _resolved(written, resolved, target)


def _resolved(written: WrittenSlo, name: ResolvedName, target: Any) -> Slo:  # noqa: ANN401
    least = name.row.min_samples if written.min_samples is None else written.min_samples
    return Slo(
        name=written.name,
        indicator=name.row.name,
        quantile=name.quantile,
        objective=written.objective.strip(),
        target=target,
        window=written.window,
        action_on_breach=written.action_on_breach,
        clause=written.clause or name.row.clause,
        min_samples=least,
        level=written.level,
        evidence=written.evidence,
        primary=written.primary,
        max_regression=written.max_regression,
        on_no_data=written.on_no_data,
        trial=written.trial,
        segments=tuple(sorted(set(written.segments))),
        severity=written.severity or SEVERITY_OF[written.action_on_breach],
        metric=written.metric,
        accept=tuple(sorted(set(written.accept))),
    )


def _accept(accept: tuple[str, ...], name: ResolvedName | None, path: Path, found: Findings) -> None:
    """Results of other tools count something, so only what counts can be fed by them, and only before release."""
    for index, one in enumerate(accept):
        if one not in ACCEPTED:
            found.add((*path, "accept", index), f"accept: {one!r} is not known", did_you_mean(one, ACCEPTED))
    if accept and name is not None and not importable(name.row):
        told = f"{name.row.name} cannot be imported: it is {_kind(name.row)}"
        found.add((*path, "accept"), told, "remove the key; counts, rates and enumerated indicators can be imported")


def importable(row: Indicator) -> bool:
    """True when an indicator is judged at the gate by counting results."""
    return row.offline and row.kind in ("rate", "enumerated", "count")


def _kind(row: Indicator) -> str:
    return f"a {row.kind}" if row.offline else "measured at run time only"


def _never(written: WrittenNever, path: Path, declared: Declared, found: Findings) -> NeverEvent | None:
    before = len(found.problems)
    if not NEVER_NAME.fullmatch(written.name):
        found.add((*path, "name"), f"not a name: {written.name!r}", "use lower-case letters, digits and _")
    try:
        compile_expr(written.never, declared.names)
    except ExprError as fault:
        found.add((*path, "never"), f"never event {written.name!r}: {fault.what}", "see the expression language")
    known = declared.endpoints
    if known is not None and written.endpoint != "*" and written.endpoint not in known:
        found.add((*path, "endpoint"), f"unknown endpoint {written.endpoint!r}", did_you_mean(written.endpoint, known))
    elif declared.served is not None and written.endpoint not in ("*", declared.served):
        told = f"never event {written.name!r} is of {written.endpoint!r}, which nobody checks: only the first is served"
        found.add((*path, "endpoint"), told, f"write {declared.served!r} or '*'")
    if len(found.problems) > before:
        return None
    return NeverEvent(
        name=written.name,
        never=written.never,
        endpoint=written.endpoint,
        scope=written.scope,
        severity=written.severity,
    )


def _once(names: list[str], section: str, found: Findings) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            found.add((section, index, "name"), f"the name {name!r} is used twice", "give each its own name")


def _names_at_least(value: Any, found: Findings, earlier: tuple[Problem, ...]) -> tuple[Problem, ...]:  # noqa: ANN401
    """With a bad shape, still tell of unknown indicators and bad targets of SLOs that are whole enough to look at."""
    slos = value.get("slos") if isinstance(value, dict) else None
    for index, slo in enumerate(slos if isinstance(slos, list) else []):
        if not isinstance(slo, dict) or not isinstance(slo.get("name"), str):
            continue
        indicator, window, target = slo.get("indicator"), slo.get("window"), slo.get("target")
        if (indicator is None or isinstance(indicator, str)) and isinstance(window, str):
            resolved = resolve_name(slo["name"], indicator, window, ("slos", index), found)
            if isinstance(target, str):
                parse_target(target, resolved, ("slos", index), found)
    told = {problem.line for problem in earlier}
    return tuple(problem for problem in found.problems if problem.line not in told)
