"""`on_call:` of the manifest: who commands an incident, who is called next, and where the runbook stands.

In: the section as written. Out: frozen values, every fault at its place, and the path that holds for one severity.
People are named by their id or by a role that somebody holds, so that the path outlives who is on duty.
"""

from __future__ import annotations

from collections.abc import Iterable

from shipworthy.contract.problems import Findings, Path, did_you_mean
from shipworthy.facts import Fact, Severity
from shipworthy.indicators import length_seconds

SECTION = "on_call"


class Rung(Fact, frozen=True, kw_only=True):
    """One step up: `after` this long without a confirmation (`5m`, counted from the start), `to` is called."""

    after: str
    to: str


class Ladder(Fact, frozen=True, kw_only=True):
    """What one severity has instead of the section's own. None: as the section says."""

    commander: str | None = None
    escalation: tuple[Rung, ...] | None = None
    runbook: str | None = None


class OnCall(Fact, frozen=True, kw_only=True):
    """Who is called: `commander` at once, then each rung of `escalation`. `runbook`: an https address or a file here.

    `severities` (`SEV1` … `SEV4`) may have a commander, an escalation or a runbook of their own.
    """

    commander: str
    escalation: tuple[Rung, ...] = ()
    runbook: str = ""
    severities: dict[str, Ladder] = {}

    def ladder(self, severity: Severity) -> OnCall:
        """Return what holds for one severity: nothing of it is left to look up."""
        own = self.severities.get(severity.value, Ladder())
        return OnCall(
            commander=self.commander if own.commander is None else own.commander,
            escalation=self.escalation if own.escalation is None else own.escalation,
            runbook=self.runbook if own.runbook is None else own.runbook,
        )


def on_call_faults(on_call: OnCall, known: Iterable[str], found: Findings) -> None:
    """Note what is wrong. `known`: ids and roles of the contract's people."""
    names = frozenset(known)
    _ladder(on_call.commander, on_call.escalation, (SECTION,), names, found)
    for severity, own in on_call.severities.items():
        path: Path = (SECTION, "severities", severity)
        if severity not in Severity.__members__:
            found.add(path, f"no severity is named {severity!r}", did_you_mean(severity, Severity.__members__))
        _ladder(own.commander, own.escalation or (), path, names, found)


def runbooks(on_call: OnCall) -> tuple[tuple[Path, str], ...]:
    """Return (place, path) of the runbooks that are files of the repository: all that are no https address."""
    named: list[tuple[Path, str]] = [((SECTION, "runbook"), on_call.runbook)]
    named += [((SECTION, "severities", key, "runbook"), own.runbook or "") for key, own in on_call.severities.items()]
    return tuple((path, text) for path, text in named if text and not text.startswith("https://"))


def seconds(after: str) -> int:
    """Return the seconds of a rung. Raises ValueError for what is no length of time."""
    return length_seconds(after)


def _ladder(
    commander: str | None, escalation: Iterable[Rung], path: Path, names: frozenset[str], found: Findings
) -> None:
    if commander is not None:
        _known(commander, (*path, "commander"), names, found)
    last = 0
    for index, rung in enumerate(escalation):
        place = (*path, "escalation", index)
        _known(rung.to, (*place, "to"), names, found)
        try:
            length = seconds(rung.after)
        except ValueError as fault:
            found.add((*place, "after"), str(fault), "write a whole number with m, h or d, such as 5m")
            continue
        if length <= last:
            found.add((*place, "after"), f"{rung.after} is no later than the step before", "let the times rise")
        last = length


def _known(name: str, path: Path, names: frozenset[str], found: Findings) -> None:
    if name not in names:
        found.add(path, f"nobody is, or has the role, {name!r}", did_you_mean(name, names))
